"""The outbox: a letter is promised in the transaction of what it tells about, and delivered later by the courier."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import uuid4

from db.context import Context
from db.queries import outbox as queries


class LetterKind(StrEnum):
    """What a letter is about. None of them holds a secret at rest: keys and links are derived when it is sent."""

    WELCOME = "WELCOME"
    LOG_ON_INFORMATION = "LOG_ON_INFORMATION"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    SECOND_FACTOR_SET = "SECOND_FACTOR_SET"
    NEW_DEVICE = "NEW_DEVICE"
    KEY_ASKED_FOR = "KEY_ASKED_FOR"
    ACTIVATION_KEY = "ACTIVATION_KEY"
    ACCOUNT_RESET = "ACCOUNT_RESET"
    RESET_LINK = "RESET_LINK"
    ACCOUNT_ENABLED = "ACCOUNT_ENABLED"
    ACCOUNT_DISABLED = "ACCOUNT_DISABLED"
    WORK_ORDER_OPENED = "WORK_ORDER_OPENED"
    WORK_ORDER_RESOLVED = "WORK_ORDER_RESOLVED"
    GUARDIANSHIP_CHANGED = "GUARDIANSHIP_CHANGED"
    HOUSEHOLD_CHANGED = "HOUSEHOLD_CHANGED"
    KEY_ISSUED = "KEY_ISSUED"
    RECORDS_MERGED = "RECORDS_MERGED"


class GuardianshipChange(StrEnum):
    """What a GUARDIANSHIP_CHANGED letter tells of; its facts are `guardianship_id` and `change`."""

    RECORDED = "RECORDED"
    CONFIRMED = "CONFIRMED"
    REVOKED = "REVOKED"
    RESTRICTED = "RESTRICTED"
    RESTRICTION_LIFTED = "RESTRICTION_LIFTED"
    PORTAL_GIVEN = "PORTAL_GIVEN"
    PORTAL_TAKEN = "PORTAL_TAKEN"
    CONSENT_GIVEN = "CONSENT_GIVEN"
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"


class HouseholdChange(StrEnum):
    """What a HOUSEHOLD_CHANGED letter tells of; its facts are `household_id` and `change`."""

    ADDRESS = "ADDRESS"
    MEMBER_ADDED = "MEMBER_ADDED"
    MEMBER_ENDED = "MEMBER_ENDED"


class Withdrawn(StrEnum):
    """Why a letter was cancelled; kept as its `failure`."""

    #: As many of its kind went to the same address a short while ago.
    ALIKE = "ALIKE"
    #: Nobody on record has the address.
    NOBODY = "NOBODY"
    #: What it would tell is no longer so: the key was used, the link replaced, the account is gone.
    OUTDATED = "OUTDATED"
    #: The operator cancelled it.
    BY_OPERATOR = "BY_OPERATOR"


#: What somebody at the desk waits for, or the district's own technicians: never one too many.
NEVER_TOO_MANY: Final = frozenset({LetterKind.RESET_LINK, LetterKind.WORK_ORDER_OPENED, LetterKind.WORK_ORDER_RESOLVED})


#: What anybody can have written to any address: counted one after the other, however many ask at once.
ANYBODY_ASKS: Final = frozenset({LetterKind.LOG_ON_INFORMATION})


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a letter goes to; without a person, to whoever reads the letters of an address."""

    person_id: int | None
    address: str
    language: str | None


@dataclass(frozen=True, slots=True)
class LetterInHand:
    """A promised letter as a courier holds it."""

    id: int
    kind: LetterKind
    person_id: int | None
    address: str
    language: str | None
    facts: Mapping[str, object]
    message_id: str
    promised_at: datetime
    attempts: int


async def promise(
    ctx: Context,
    kind: LetterKind,
    addressees: Iterable[Addressee],
    facts: Mapping[str, object],
    *,
    after: timedelta = timedelta(),
) -> list[int]:
    """Writes one letter for each addressee into the current transaction, and wakes the couriers when it commits.

    It is due at once, or `after` a while.

    Of letters alike (one kind, one address, the same facts), those beyond `letters_alike` in a window of
    `letters_alike_minutes` are written as cancelled: whoever makes the portal write to somebody again and again does
    not fill a mailbox. Where a letter holds links that anybody can ask for, the window is no longer than their life: a
    stranger who asks first must not leave the holder with none that works. Returns the letters' ids.
    """
    told = list(addressees)
    if not told:
        return []
    rules = ctx.rules
    most = None if kind in NEVER_TOO_MANY else rules.letters_alike
    window, digests = rules.letters_alike_minutes, [address_digest(ctx, addressee.address) for addressee in told]
    if kind in ANYBODY_ASKS:
        window = min(window, rules.recovery_minutes)
        for digest in sorted(digests):
            await queries.wait_for_others(digest)
    return await queries.promise(
        kind=kind.value,
        people=[addressee.person_id for addressee in told],
        addresses=[addressee.address for addressee in told],
        digests=digests,
        languages=[addressee.language for addressee in told],
        message_ids=[f"<{uuid4().hex}@{rules.mail_domain}>" for _ in told],
        facts=facts,
        now=ctx.now,
        due_at=ctx.now + after,
        most=most,
        since=ctx.now - timedelta(minutes=window),
        withdrawn=Withdrawn.ALIKE.value,
    )


def address_digest(ctx: Context, address: str) -> bytes:
    """What tells letters to one address apart from others: 16 bytes, unreadable. Upper and lower case are the same."""
    return ctx.keys.subject_digest("letter", folded_address(address))


def folded_address(address: str) -> str:
    """The form in which addresses are compared, as the roster's are: case aside."""
    return address.strip().casefold()


def masked(address: str) -> str:
    """The address as it may be shown to somebody who need not know it: `m…@example.org`."""
    local, at, domain = address.strip().rpartition("@")
    return f"{local[:1]}…@{domain}" if at else ""

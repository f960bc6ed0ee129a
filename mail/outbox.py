"""The outbox: a letter is promised in the transaction of what it tells about, and delivered later."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import uuid4

from db.context import Context
from db.models import Letter


class LetterKind(StrEnum):
    """What a letter is about. None of them holds a secret at rest: keys and links are derived when it is sent."""

    WELCOME = "WELCOME"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    SECOND_FACTOR_SET = "SECOND_FACTOR_SET"
    KEY_ASKED_FOR = "KEY_ASKED_FOR"
    ACTIVATION_KEY = "ACTIVATION_KEY"
    ACCOUNT_RESET = "ACCOUNT_RESET"
    RESET_LINK = "RESET_LINK"
    ACCOUNT_ENABLED = "ACCOUNT_ENABLED"
    ACCOUNT_DISABLED = "ACCOUNT_DISABLED"


@dataclass(frozen=True, slots=True)
class Addressee:
    """A person with an address on file."""

    person_id: int
    address: str
    language: str | None


async def promise(ctx: Context, kind: LetterKind, addressees: Iterable[Addressee], facts: Mapping[str, object]) -> None:
    """Writes one letter for each addressee into the current transaction."""
    letters = [
        Letter(
            kind=kind,
            person_id=addressee.person_id,
            address=addressee.address,
            language=addressee.language,
            facts=dict(facts),
            message_id=f"<{uuid4().hex}@{ctx.rules.mail_domain}>",
            promised_at=ctx.now,
            due_at=ctx.now,
        )
        for addressee in addressees
    ]
    if letters:
        await Letter.bulk_create(letters)

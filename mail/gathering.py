"""What a letter tells is gathered when it is sent: as things stand then, and nothing that is no longer so."""

from collections.abc import Iterable

from db.context import Capacity, Context
from db.models import AccountStatus, DisabledReason, GuardianshipStatus
from db.queries import activation, portal, sessions
from db.queries import letters as queries
from db.sql import Row
from mail.contents import (
    AccountDisabled,
    AccountEnabled,
    AccountOpened,
    AccountReset,
    ActivationKeyIssued,
    Common,
    Contents,
    KeyAskedFor,
    KeyGivenOut,
    PasswordChanged,
    School,
    SecondFactorSet,
    SignedInFromNewDevice,
    WhoseKey,
)
from mail.outbox import LetterInHand, Withdrawn, folded_address

Gathered = Contents | Withdrawn


async def schools_of(ctx: Context, people: Iterable[int]) -> tuple[School, ...]:
    """Whom these people call: the schools concerned that have a telephone, by name."""
    found = {
        school["name"]: School(school["name"], school["phone"])
        for person_id in people
        for school in await sessions.school_contacts(person_id, ctx.today)
    }
    return tuple(found[name] for name in sorted(found))


def display(person: Row) -> str:
    """A person's name as it is shown: preferred or given name, family name and suffix."""
    return " ".join(
        part for part in (person["preferred"] or person["given"], person["family"], person["suffix"]) if part
    )


async def common(ctx: Context, letter: LetterInHand, holder: Row) -> Common:
    schools = await schools_of(ctx, [holder["person_id"]])
    return {"name": display(holder), "schools": schools, "at": letter.promised_at}


# ------------------------------------------------------------------------------------------------ about an account
async def holder_of(letter: LetterInHand) -> Row | None:
    account_id = letter.facts.get("account_id")
    holder = await portal.holder(account_id) if isinstance(account_id, int) else None
    # What was left over when two records were made one is nobody's account any more.
    return None if holder and holder["disabled_reason"] == DisabledReason.MERGED else holder


def has_another_address(person: Row, letter: LetterInHand) -> bool:
    """Whether the address is the person's no longer: somebody else may read it by now.

    Warnings go there all the same, as what they warn of was done while it was the person's.
    """
    return folded_address(person["email"] or "") != folded_address(letter.address)


async def welcome(ctx: Context, letter: LetterInHand) -> Gathered:
    """WELCOME; not any more when the account was closed again."""
    holder = await holder_of(letter)
    if holder is None or holder["status"] != AccountStatus.ACTIVE or has_another_address(holder, letter):
        return Withdrawn.OUTDATED
    return AccountOpened(**await common(ctx, letter, holder), username=holder["username"])


async def password_changed(ctx: Context, letter: LetterInHand) -> Gathered:
    """PASSWORD_CHANGED; whatever became of the account since."""
    holder = await holder_of(letter)
    if holder is None:
        return Withdrawn.OUTDATED
    return PasswordChanged(**await common(ctx, letter, holder), username=holder["username"])


async def second_factor_set(ctx: Context, letter: LetterInHand) -> Gathered:
    """SECOND_FACTOR_SET."""
    holder = await holder_of(letter)
    if holder is None:
        return Withdrawn.OUTDATED
    return SecondFactorSet(**await common(ctx, letter, holder), username=holder["username"])


async def new_device(ctx: Context, letter: LetterInHand) -> Gathered:
    """NEW_DEVICE."""
    holder = await holder_of(letter)
    if holder is None:
        return Withdrawn.OUTDATED
    device = letter.facts.get("device")
    return SignedInFromNewDevice(
        **await common(ctx, letter, holder),
        username=holder["username"],
        device=device if isinstance(device, str) and device else None,
    )


async def account_reset(ctx: Context, letter: LetterInHand) -> Gathered:
    """ACCOUNT_RESET."""
    holder = await holder_of(letter)
    if holder is None:
        return Withdrawn.OUTDATED
    return AccountReset(**await common(ctx, letter, holder), username=holder["username"])


async def account_enabled(ctx: Context, letter: LetterInHand) -> Gathered:
    """ACCOUNT_ENABLED; not any more when it was disabled again."""
    holder = await holder_of(letter)
    if holder is None or holder["status"] == AccountStatus.DISABLED or has_another_address(holder, letter):
        return Withdrawn.OUTDATED
    return AccountEnabled(**await common(ctx, letter, holder), username=holder["username"])


async def account_disabled(ctx: Context, letter: LetterInHand) -> Gathered:
    """ACCOUNT_DISABLED; not any more when it was enabled again."""
    holder = await holder_of(letter)
    if holder is None or holder["status"] != AccountStatus.DISABLED:
        return Withdrawn.OUTDATED
    return AccountDisabled(
        **await common(ctx, letter, holder),
        username=holder["username"],
        by_failures=holder["disabled_reason"] == DisabledReason.TOO_MANY_FAILURES,
    )


# ------------------------------------------------------------------------------------------------ about a key
async def activation_key(ctx: Context, letter: LetterInHand) -> Gathered:
    """ACTIVATION_KEY, derived now; only to the address that is on record now, and only while the key is good."""
    holder = await holder_of(letter)
    if holder is None or holder["status"] != AccountStatus.NOT_ACTIVATED:
        return Withdrawn.OUTDATED
    if has_another_address(holder, letter):
        return Withdrawn.OUTDATED
    guards = holder["capacity"] == Capacity.GUARDIAN
    if guards and not await queries.may_have_key(holder["person_id"], ctx.today):
        return Withdrawn.OUTDATED
    current = await activation.current_key(holder["account_id"])
    if current is None or (current["expires_at"] is not None and current["expires_at"] <= ctx.now):
        return Withdrawn.OUTDATED
    key = ctx.keys.activation_key(current["nonce"], current["secret_version"])
    return ActivationKeyIssued(
        **await common(ctx, letter, holder),
        key=key,
        capacity=Capacity(holder["capacity"]),
        link=ctx.rules.page(ctx.rules.activation_page, f"key={key}"),
        expires_at=current["expires_at"],
    )


async def key_asked_for(ctx: Context, letter: LetterInHand) -> Gathered:
    """KEY_ASKED_FOR, to a guardian of the student; not to one who meanwhile may not know of it."""
    student_id, key_of = letter.facts.get("student_id"), letter.facts.get("person_id")
    if letter.person_id is None or not isinstance(student_id, int):
        return Withdrawn.OUTDATED
    guardian = await queries.person(letter.person_id)
    student = await queries.student_of(letter.person_id, student_id, ctx.today)
    if guardian is None or student is None or has_another_address(guardian, letter):
        return Withdrawn.OUTDATED
    if student["restricted"] or student["status"] == GuardianshipStatus.REVOKED:
        return Withdrawn.OUTDATED
    whose = WhoseKey.OWN if key_of == letter.person_id else WhoseKey.ANOTHER_GUARDIAN
    return KeyAskedFor(
        name=display(guardian),
        schools=await schools_of(ctx, [student_id]),
        at=letter.promised_at,
        student=display(student),
        whose=WhoseKey.STUDENT if letter.facts.get("capacity") == Capacity.STUDENT else whose,
    )


async def key_issued(ctx: Context, letter: LetterInHand) -> Gathered:
    """KEY_ISSUED, to a guardian of the student as KEY_ASKED_FOR, or to the student whose key it is."""
    student_id, key_of = letter.facts.get("student_id"), letter.facts.get("person_id")
    if letter.person_id is None or not isinstance(student_id, int):
        return Withdrawn.OUTDATED
    reader = await queries.person(letter.person_id)
    if reader is None or has_another_address(reader, letter):
        return Withdrawn.OUTDATED
    if letter.person_id == student_id:
        if key_of != student_id:
            return Withdrawn.OUTDATED
        student, confirmed = None, True
    else:
        student = await queries.student_of(letter.person_id, student_id, ctx.today)
        if student is None or student["restricted"] or student["status"] == GuardianshipStatus.REVOKED:
            return Withdrawn.OUTDATED
        if student["of_age"] is not False and not student["adult_access"]:
            # The rights have passed to the student, who alone is told.
            return Withdrawn.OUTDATED
        confirmed = student["status"] == GuardianshipStatus.CONFIRMED
    whose = WhoseKey.OWN if key_of == letter.person_id else WhoseKey.ANOTHER_GUARDIAN
    return KeyGivenOut(
        name=display(reader),
        # Where the student goes to school is not told on somebody's word alone that this is a guardian.
        schools=await schools_of(ctx, [student_id]) if confirmed else (),
        at=letter.promised_at,
        student=display(student) if student else None,
        whose=WhoseKey.STUDENT if student and letter.facts.get("capacity") == Capacity.STUDENT else whose,
        replaced=letter.facts.get("replaced") is True,
    )

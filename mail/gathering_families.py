"""What letters about guardianships, households and merged records tell: to each reader as much as that one may know."""

from db.context import Context
from db.models import AccountStatus, GuardianshipStatus
from db.queries import letters as queries
from db.sql import Row
from mail.contents import (
    AnothersGuardianship,
    HouseholdChanged,
    LogOnStatus,
    OwnGuardianship,
    RecordsMerged,
    Sight,
    StudentNotShown,
)
from mail.gathering import Gathered, display, has_another_address, holder_of, schools_of
from mail.outbox import GuardianshipChange, HouseholdChange, LetterInHand, Withdrawn

#: Of these the guardian concerned learns no more than that they are: a court order would be worth little if a letter
#: named the student, or the school.
_KEEPING_AWAY = frozenset({GuardianshipChange.REVOKED, GuardianshipChange.RESTRICTED})


# ------------------------------------------------------------------------------------------------ guardianships
async def guardianship_changed(ctx: Context, letter: LetterInHand) -> Gathered:
    """GUARDIANSHIP_CHANGED, as far as it is still so and its reader may still know of it."""
    guardianship_id, change = letter.facts.get("guardianship_id"), _change(letter)
    if letter.person_id is None or not isinstance(guardianship_id, int) or change is None:
        return Withdrawn.OUTDATED
    found = await queries.guardianship(guardianship_id, ctx.today)
    reader = await queries.person(letter.person_id)
    if found is None or reader is None:
        return Withdrawn.OUTDATED
    if letter.person_id == found["guardian_id"]:
        return await _to_the_guardian(ctx, letter, change, found, reader)
    return await _to_others(ctx, letter, change, found, reader)


async def _to_the_guardian(
    ctx: Context, letter: LetterInHand, change: GuardianshipChange, found: Row, reader: Row
) -> Gathered:
    revoked, restricted = found["status"] == GuardianshipStatus.REVOKED, found["restricted"]
    if change in _KEEPING_AWAY:
        # A warning, and nothing more than that: it goes wherever the address leads by now.
        if not (revoked if change is GuardianshipChange.REVOKED else restricted):
            return Withdrawn.OUTDATED
        return StudentNotShown(name=display(reader), schools=(), at=letter.promised_at)
    if revoked or restricted or not _still_so(change, found) or has_another_address(reader, letter):
        return Withdrawn.OUTDATED
    sight = _sight(found)
    # Where the student goes to school is not told on somebody's word alone that this is a guardian.
    told = () if sight is Sight.NOT_CONFIRMED else await schools_of(ctx, [found["student_id"]])
    return OwnGuardianship(
        name=display(reader), schools=told, at=letter.promised_at, student=display(found), change=change, sight=sight
    )


async def _to_others(
    ctx: Context, letter: LetterInHand, change: GuardianshipChange, found: Row, reader: Row
) -> Gathered:
    is_student = letter.person_id == found["student_id"]
    if not _still_so(change, found) or has_another_address(reader, letter):
        return Withdrawn.OUTDATED
    # Somebody whose age is not known has not come of age as far as anybody knows.
    entitled = found["of_age"] is True if is_student else await _is_entitled(ctx, reader["id"], found["student_id"])
    if not entitled:
        return Withdrawn.OUTDATED
    return AnothersGuardianship(
        name=display(reader),
        schools=await schools_of(ctx, [found["student_id"]]),
        at=letter.promised_at,
        student=None if is_student else display(found),
        change=change,
    )


async def _is_entitled(ctx: Context, guardian_id: int, student_id: int) -> bool:
    """Whether this guardian may know today what becomes of the student's record; the portal mark aside."""
    own = await queries.student_of(guardian_id, student_id, ctx.today)
    if own is None or own["status"] != GuardianshipStatus.CONFIRMED or own["restricted"]:
        return False
    return bool(own["adult_access"]) or own["of_age"] is False


def _change(letter: LetterInHand) -> GuardianshipChange | None:
    known = {change.value: change for change in GuardianshipChange}
    return known.get(str(letter.facts.get("change")))


def _still_so(change: GuardianshipChange, found: Row) -> bool:
    """Whether the record still says what was changed."""
    match change:
        case GuardianshipChange.RECORDED:
            return bool(found["status"] != GuardianshipStatus.REVOKED)
        case GuardianshipChange.CONFIRMED:
            return bool(found["status"] == GuardianshipStatus.CONFIRMED)
        case GuardianshipChange.REVOKED:
            return bool(found["status"] == GuardianshipStatus.REVOKED)
        case GuardianshipChange.RESTRICTED:
            return bool(found["restriction_stands"])
        case GuardianshipChange.RESTRICTION_LIFTED:
            return found["restriction_stands"] is False
        case GuardianshipChange.PORTAL_GIVEN:
            return bool(found["portal_access"])
        case GuardianshipChange.PORTAL_TAKEN:
            return found["portal_access"] is False
        case GuardianshipChange.CONSENT_GIVEN:
            return bool(found["adult_access"])
        case GuardianshipChange.CONSENT_WITHDRAWN:
            return found["adult_access"] is False


def _sight(found: Row) -> Sight:
    """The first thing that is in the way, in the order in which the gate looks at them."""
    if found["status"] != GuardianshipStatus.CONFIRMED:
        return Sight.NOT_CONFIRMED
    if not found["portal_access"]:
        return Sight.NO_PORTAL_MARK
    if found["of_age"] is not False and not found["adult_access"]:
        return Sight.NO_CONSENT
    if found["account_status"] == AccountStatus.DISABLED:
        return Sight.DISABLED
    return Sight.OPEN if found["account_status"] == AccountStatus.ACTIVE else Sight.NOT_OPENED


# ------------------------------------------------------------------------------------------------ households
async def household_changed(ctx: Context, letter: LetterInHand) -> Gathered:
    """HOUSEHOLD_CHANGED, to one who is or was of the household; it says no more than a warning has to."""
    household_id = letter.facts.get("household_id")
    change = {change.value: change for change in HouseholdChange}.get(str(letter.facts.get("change")))
    if letter.person_id is None or not isinstance(household_id, int) or change is None:
        return Withdrawn.OUTDATED
    reader = await queries.person(letter.person_id)
    tie = await queries.member(letter.person_id, household_id, ctx.today)
    if reader is None or not tie["is_member"] or tie["kept_away"]:
        return Withdrawn.OUTDATED
    return HouseholdChanged(
        name=display(reader),
        schools=await schools_of(ctx, [letter.person_id]),
        at=letter.promised_at,
        change=change,
    )


# ------------------------------------------------------------------------------------------------ merged records
_STATUS = {
    AccountStatus.ACTIVE: LogOnStatus.OPEN,
    AccountStatus.DISABLED: LogOnStatus.DISABLED,
    AccountStatus.NOT_ACTIVATED: LogOnStatus.NOT_OPENED,
}


async def records_merged(ctx: Context, letter: LetterInHand) -> Gathered:
    """RECORDS_MERGED, with the username for nobody but the holder at the holder's address.

    Whoever has the address of the other record is warned all the same: if it was a mistake, that is another person.
    """
    holder = await holder_of(letter)
    if holder is None:
        return Withdrawn.OUTDATED
    undone = letter.facts.get("undone") is True
    record = await queries.merged(holder["person_id"])
    if record is None or record["merged"] or not (undone or record["goes_on"]):
        return Withdrawn.OUTDATED
    if letter.person_id == holder["person_id"] and not has_another_address(holder, letter):
        return RecordsMerged(
            name=display(holder),
            schools=await schools_of(ctx, [holder["person_id"]]),
            at=letter.promised_at,
            undone=undone,
            status=_STATUS[AccountStatus(holder["status"])],
            username=holder["username"],
        )
    reader = await queries.person(letter.person_id) if letter.person_id is not None else None
    return RecordsMerged(
        name=display(reader) if reader else None,
        schools=(),
        at=letter.promised_at,
        undone=undone,
        status=None,
        username=None,
    )

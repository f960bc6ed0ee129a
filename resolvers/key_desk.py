"""The registrar gives out a key: to a guardian of a student of the own schools, or to such a student."""

from collections.abc import Sequence
from typing import Any, Final

from db.context import Capacity, Context, Viewer
from db.models import AccountStatus, ActivationKey, KeyState
from db.queries import activation as activation_queries
from db.queries import guardianships as guardianship_queries
from db.queries import key_desk as queries
from db.trail import Step
from mail.outbox import LetterKind, promise
from policies import reasons
from policies.gate import Facts, gate_of
from policies.guardianship import GuardianshipFacts, Standing, majority_aside, standing, standing_of
from policies.refusals import AlreadyActivated, MissingFact, NotAllowed, NotFound, WrongState
from policies.words import Action
from resolvers.activation_key import key_of_record
from resolvers.charge import refuse_family, registrar_anywhere, require_at, require_for_students
from resolvers.outcomes import KeyShown
from resolvers.step import StepTaken, taking
from resolvers.told import KEPT_AWAY, addressees


async def issue_activation_key(
    ctx: Context, *, person_id: int, capacity: Capacity, replace: bool, reason: str
) -> KeyShown:
    """The key of record of a guardian or a student, or with `replace` a new one: the old one then dies.

    The student's other guardians are told by letter, whoever gets the key.

    Raises:
        InvalidInput: no good reason.
        NotFound: there is no such person, or no account of such a student on record.
        NotAllowed: with what is missing; of a guardian, a confirmed guardianship.
        AlreadyActivated: the account is open: no key is needed.
        WrongState: the account is disabled; or what else a confirmed guardianship lacks, such as the portal mark.
    """
    async with taking(ctx, Step.ISSUE_KEY) as step:
        viewer = registrar_anywhere(ctx, step, Action.KEY_MANAGE)
        step.note.details |= {"reason": reasons.noted(reason), "capacity": capacity.value}
        async with step.transaction():
            # Before guardianships are locked, as whoever decides about one does.
            if not await guardianship_queries.lock_person(person_id):
                raise NotFound
            found = await queries.holder(person_id, capacity)
            if found is None:
                raise NotFound
            entitle = _through_student if capacity is Capacity.GUARDIAN else _as_student
            student_id = await entitle(ctx, step, viewer, person_id)
            account_id = found["account_id"]
            if account_id is None and capacity is Capacity.GUARDIAN:
                # Whoever may have a key may have an account.
                account_id = await guardianship_queries.add_account(person_id)
            if account_id is None:
                raise NotFound
            step.note.about_account_id = account_id
            await _insist_on_waiting(account_id)
            replaced = replace and await _end_current_key(account_id)
            step.note.details["replaced"] = replaced
            issued = await key_of_record(ctx, account_id, capacity)
            await _tell_of_key(ctx, student_id, person_id, capacity, replaced=replaced)
        return issued


async def _as_student(ctx: Context, step: StepTaken, viewer: Viewer, student_id: int) -> int:
    """A student of the asker's schools gets the own key."""
    await require_for_students(ctx, step, Action.KEY_MANAGE, [student_id])
    step.note.about_person_id = step.note.about_student_id = student_id
    await refuse_family(ctx, viewer, [student_id])
    return student_id


async def _through_student(ctx: Context, step: StepTaken, viewer: Viewer, guardian_id: int) -> int:
    """The student of the asker's schools through whom this guardian may have a key.

    A student of another school gives no right here, however sure that guardianship is: its own registrar gives the key.
    """
    wards = await queries.wards(guardian_id, ctx.today)
    if not wards:
        raise NotFound
    step.note.about_person_id = guardian_id
    near = _at_own_schools(ctx, viewer, wards)
    if not near:
        raise NotAllowed([MissingFact.SAME_SCHOOL])
    await refuse_family(ctx, viewer, [guardian_id, *(ward["student_id"] for ward in wards)])
    # The student's majority aside, as when the key is used: what the account shows is another matter.
    stands = {standing_of(majority_aside(ward), None, ctx.today): ward for ward in reversed(near)}
    if (ward := stands.get(Standing.CONFIRMED)) is None:
        # What is nearest to a yes: the registrar is told what is left to do.
        lacking = next((word for standing, word in _LACKING.items() if standing in stands), None)
        raise WrongState(lacking) if lacking else NotAllowed([MissingFact.GUARDIANSHIP_CONFIRMED])
    require_at(ctx, step, Action.KEY_MANAGE, ward["schools"])
    student_id: int = ward["student_id"]
    step.note.about_student_id = student_id
    return student_id


#: What a guardianship lacks that shows no student though it is confirmed; that first which is put right soonest.
_LACKING: Final = {
    Standing.UNMARKED: "NO_MARK",
    Standing.RESTRICTED: "RESTRICTED",
}


def _at_own_schools(ctx: Context, viewer: Viewer, wards: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    gate = gate_of(ctx)
    return [
        ward for ward in wards if gate.may(viewer, Action.KEY_MANAGE, Facts(schools=frozenset(ward["schools"]))).allowed
    ]


async def _insist_on_waiting(account_id: int) -> None:
    """The account waits for its key, and does so until the transaction ends: whoever else gives out a key waits too."""
    locked = await activation_queries.lock_account(account_id)
    status = locked["status"] if locked else AccountStatus.DISABLED
    if status == AccountStatus.ACTIVE:
        raise AlreadyActivated
    if status != AccountStatus.NOT_ACTIVATED:
        raise WrongState(AccountStatus.DISABLED)


async def _end_current_key(account_id: int) -> bool:
    """Whether there was a key that opens nothing any more."""
    current = ActivationKey.filter(account_id=account_id, state=KeyState.CURRENT)
    return await current.update(state=KeyState.REPLACED) > 0


async def _tell_of_key(ctx: Context, student_id: int, person_id: int, capacity: Capacity, *, replaced: bool) -> None:
    """Every guardian of the student who may know of it, whoever has the key: nobody gets one behind their backs. And
    the student whose own it is."""
    told, kept_away = [], []
    for row in await queries.guardians_to_tell(student_id, ctx.today):
        stands = standing(GuardianshipFacts.of(row, row["birth_date"]), on=ctx.today, seeing=False)
        if stands in KEPT_AWAY:
            kept_away.append(row)
        elif stands is not Standing.RIGHTS_PASSED:
            told.append(row)
    if capacity is Capacity.STUDENT and (student := await queries.student_to_tell(student_id)):
        told.append(student)
    facts = {"student_id": student_id, "person_id": person_id, "capacity": capacity.value, "replaced": replaced}
    await promise(ctx, LetterKind.KEY_ISSUED, addressees(told, kept_away), facts)

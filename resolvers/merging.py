"""People who are on record twice: what making one record of two would do, doing it, and taking it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from db import merge_plan, merging, unmerging
from db.context import Capacity, Context, Viewer
from db.languages import say
from db.merge_plan import Holdings, Plan
from db.models import PersonMerge
from db.queries import merging as queries
from db.queries.reach import Reach
from db.sql import Row
from db.trail import Step
from mail.outbox import Addressee, LetterKind, folded_address, promise
from policies import reasons
from policies.merging import Obstacle, obstacles
from policies.refusals import FieldProblem, InvalidInput, NotFound, WrongState
from policies.words import Action
from resolvers.charge import refuse_family, registrar_anywhere, require_at, require_for_students
from resolvers.merge_outcomes import MergeForeseen, MergeSeen, MergeTakenBack, Recorded
from resolvers.merge_preview import foreseen
from resolvers.reach import students_reached
from resolvers.reporting import name_of
from resolvers.step import StepTaken, taking

#: Records of people stand for households and for guardianships.
_ACTIONS = (Action.HOUSEHOLD_MANAGE, Action.GUARDIANSHIP_MANAGE)


@dataclass(frozen=True, slots=True)
class _Both:
    """Two records in the asker's charge, locked, with what both hold and what stands in the way."""

    held: Holdings
    obstacles: Sequence[Obstacle]
    counts: Mapping[str, int]


# ------------------------------------------------------------------------------------------------ the way in
def _registrar(ctx: Context, step: StepTaken) -> Viewer:
    viewer = registrar_anywhere(ctx, step, _ACTIONS[0])
    registrar_anywhere(ctx, step, _ACTIONS[1])
    return viewer


async def _require_charge(ctx: Context, step: StepTaken, viewer: Viewer, people: Sequence[int]) -> None:
    """All students whom anything of these people is about are the asker's to care for, and none is family; where one
    of them has no student at all, whoever has the whole district decides.

    Raises:
        NotAllowed: with what is missing.
        NotFound: as for every step of this desk.
    """
    standing = {each: await queries.goes_on(each) for each in people}
    of_each = [await queries.students_concerned(pair) for pair in standing.items()]
    students = sorted({student for found in of_each for student in found})
    for action in _ACTIONS:
        if not all(of_each):
            # Whoever is of no school is a stranger to a school: a name and a number would do to learn of anybody.
            require_at(ctx, step, action, ())
        await require_for_students(ctx, step, action, students)
    await refuse_family(ctx, viewer, [*standing, *standing.values(), *students])


def _two(keep: Recorded | None, merge: Recorded | None) -> tuple[Recorded, Recorded]:
    if keep is None or merge is None:
        raise NotFound
    if keep.kind is not merge.kind:
        message = say("Both have to be guardians, or both students.")
        raise InvalidInput([FieldProblem(("input", "mergeId"), message)])
    if keep.id == merge.id:
        message = say("This is the same record: name the other one.")
        raise InvalidInput([FieldProblem(("input", "mergeId"), message)])
    return keep, merge


async def _both(ctx: Context, step: StepTaken, viewer: Viewer, keep: Recorded, merge: Recorded) -> _Both:
    """Both records, locked, once it is clear that the asker may make one of them."""
    ids = [keep.id, merge.id]
    step.note.about_person_id = keep.id
    step.note.details |= {"kept": keep.id, "merged": merge.id}
    await queries.lock_people(ids)
    people = await queries.people(ids)
    if len(people) < 2 or not all(_is_of_kind(people[each.id], each.kind) for each in (keep, merge)):
        raise NotFound
    if keep.kind is Capacity.STUDENT:
        step.note.about_student_id = keep.id
    await _require_charge(ctx, step, viewer, ids)
    held = await merging.read(keep.id, merge.id, people)
    counts = await queries.counts(merge.id, keep.id)
    pairs = [(each["guardian_id"], each["student_id"]) for each in held.guardianships]
    found = obstacles(people[keep.id], people[merge.id], keep.kind, pairs, counts["by_the_other"])
    if not await queries.no_import_runs():
        found.append(Obstacle.IMPORT_RUNNING)
    return _Both(held, found, counts)


def _is_of_kind(person: Row, kind: Capacity) -> bool:
    """Whether it is a record of this kind. One that was merged away has nothing left that could say so."""
    is_it = person["is_student"] if kind is Capacity.STUDENT else person["is_guardian"]
    return bool(is_it or person["merged_into_id"] is not None)


def _planned(both: _Both, keep_account: int | None) -> Plan:
    if keep_account is not None and keep_account not in {each["id"] for each in both.held.accounts}:
        message = say("This is no account of the two.")
        raise InvalidInput([FieldProblem(("input", "keepAccountId"), message)])
    return merge_plan.plan(both.held, keep_account)


# ------------------------------------------------------------------------------------------------ looking beforehand
async def preview_merge(
    ctx: Context, *, keep: Recorded | None, merge: Recorded | None, keep_account: int | None
) -> MergeForeseen:
    """What `merge_people` would do, in all, and what stands in the way. Changes nothing but the trail.

    Raises:
        InvalidInput: the two are one, or of two kinds; the account is neither's.
        NotAllowed: with what is missing.
        NotFound: there is no such record.
    """
    async with taking(ctx, Step.FIND_DUPLICATES) as step:
        viewer = _registrar(ctx, step)
        keep, merge = _two(keep, merge)
        async with step.transaction():
            both = await _both(ctx, step, viewer, keep, merge)
            made = _planned(both, keep_account)
            step.note.details["obstacles"] = [each.value for each in both.obstacles]
            return await foreseen(
                ctx, kind=keep.kind, held=both.held, made=made, counts=both.counts, in_the_way=both.obstacles
            )


# ------------------------------------------------------------------------------------------------ making one of two
async def merge_people(
    ctx: Context, *, keep: Recorded | None, merge: Recorded | None, reason: str, keep_account: int | None
) -> MergeSeen:
    """Makes one record of two: everything that refers to the merged one refers to the kept one from now on.

    Raises:
        InvalidInput: no good reason; the two are one, or of two kinds; the account is neither's.
        NotAllowed: with what is missing.
        NotFound: there is no such record.
        WrongState: with the word of what stands in the way.
    """
    async with taking(ctx, Step.MERGE_PEOPLE) as step:
        noted = step.note.details["reason"] = reasons.noted(reason)
        viewer = _registrar(ctx, step)
        keep, merge = _two(keep, merge)
        async with step.transaction():
            both = await _both(ctx, step, viewer, keep, merge)
            made = _planned(both, keep_account)
            if both.obstacles:
                raise WrongState(both.obstacles[0].value)
            before = await merging.carry_out(made)
            merged = await PersonMerge.create(
                kept_id=keep.id,
                merged_id=merge.id,
                merged_at=ctx.now,
                merged_by_id=viewer.person_id,
                reason=noted,
                before=before,
            )
            step.note.details["merge"] = merged.id
            account_id = _goes_on_with(made, keep.kind)
            step.note.about_account_id = account_id
            addresses = [both.held.people[each] for each in (keep.id, merge.id)]
            await _tell(ctx, {each["id"]: account_id for each in addresses}, addresses, undone=False)
        return await _one(ctx, merged.id)


def _goes_on_with(made: Plan, kind: Capacity) -> int | None:
    """The account by which the kept record goes on, if it has any."""
    return next(
        (each.account["id"] for each in made.accounts if each.survives and each.account["capacity"] == kind), None
    )


async def _tell(ctx: Context, accounts: Mapping[int, int | None], people: Sequence[Row], *, undone: bool) -> None:
    """A letter to each address of the two, once; whoever has no account has nothing that changes."""
    told = set()
    for person in people:
        account_id, address = accounts.get(person["id"]), person["email"]
        if account_id is None or not address or folded_address(address) in told:
            continue
        told.add(folded_address(address))
        addressee = Addressee(person["id"], address, person["language"])
        await promise(ctx, LetterKind.RECORDS_MERGED, [addressee], {"account_id": account_id, "undone": undone})


# ------------------------------------------------------------------------------------------------ taking it back
async def undo_merge(ctx: Context, *, merge_id: int | None, reason: str) -> MergeTakenBack:
    """Makes two records of one again, as they were; what was added or decided since then stays.

    Raises:
        InvalidInput: no good reason.
        NotAllowed: with what is missing.
        NotFound: there is no such merge.
        WrongState: undone already, too long ago, not the latest of these people, or not possible any more.
    """
    async with taking(ctx, Step.UNDO_MERGE) as step:
        step.note.details["reason"] = reasons.noted(reason)
        viewer = _registrar(ctx, step)
        async with step.transaction():
            found = await queries.lock_merge(merge_id or 0)
            if found is None:
                raise NotFound
            keep, merge = found["kept_id"], found["merged_id"]
            step.note.about_person_id = keep
            step.note.details |= {"merge": found["id"], "kept": keep, "merged": merge}
            await queries.lock_people([keep, merge])
            await _require_charge(ctx, step, viewer, [keep, merge])
            await _refuse_undoing(ctx, found)
            try:
                leftovers = await unmerging.undo(keep, merge, found["before"])
            except unmerging.PlaceTaken:
                raise WrongState(Obstacle.NUMBER_TAKEN.value) from None
            await PersonMerge.filter(id=found["id"]).update(undone_at=ctx.now, undone_by_id=viewer.person_id)
            step.note.details["left"] = {each.value: count for each, count in leftovers.items()}
            await _tell_both(ctx, keep, merge, found["before"]["kind"])
        return MergeTakenBack(await _one(ctx, found["id"]), leftovers)


async def _refuse_undoing(ctx: Context, found: Row) -> None:
    if found["undone_at"] is not None:
        raise WrongState(Obstacle.UNDONE.value)
    if found["merged_at"] + _undo_days(ctx) < ctx.now:
        raise WrongState(Obstacle.UNDO_PERIOD_OVER.value)
    if await queries.has_later(found["id"], [found["kept_id"], found["merged_id"]]):
        raise WrongState(Obstacle.LATER_MERGE.value)
    if not await queries.no_import_runs():
        raise WrongState(Obstacle.IMPORT_RUNNING.value)


async def _tell_both(ctx: Context, keep: int, merge: int, kind: str) -> None:
    people = await queries.people([keep, merge])
    accounts = {row["person_id"]: row["id"] for row in await queries.accounts([keep, merge]) if row["capacity"] == kind}
    await _tell(ctx, accounts, [people[keep], people[merge]], undone=True)


def _undo_days(ctx: Context) -> timedelta:
    return timedelta(days=ctx.rules.merge_undo_days)


# ------------------------------------------------------------------------------------------------ what was merged
def reached_by_both(ctx: Context) -> Reach:
    """The students for whom the asker may do both: manage households and guardianships."""
    one, other = (students_reached(ctx, action) for action in _ACTIONS)
    if one.everywhere or other.everywhere:
        return other if one.everywhere else one
    return Reach(frozenset(one.schools) & frozenset(other.schools))


async def person_merges(ctx: Context, *, after: int | None, limit: int) -> list[MergeSeen]:
    """The merges in the asker's charge, the newest first; `limit` at most, from the one before `after`."""
    reach = reached_by_both(ctx)
    rows = await queries.page(reach.ids, ctx.today, after=after, limit=limit) if reach else []
    return [_seen(ctx, row) for row in rows]


async def person_merge(ctx: Context, merge_id: int) -> MergeSeen | None:
    """The merge with this id; None when it is absent, or not the asker's to see."""
    reach = reached_by_both(ctx)
    row = await queries.one(reach.ids, ctx.today, merge_id) if reach else None
    return _seen(ctx, row) if row else None


async def _one(ctx: Context, merge_id: int) -> MergeSeen:
    row = await queries.one(None, ctx.today, merge_id)
    if row is None:
        raise RuntimeError("a merge that was just made is gone")
    return _seen(ctx, row)


def _seen(ctx: Context, row: Mapping[str, Any]) -> MergeSeen:
    return MergeSeen(
        id=row["id"],
        kind=Capacity(row["kind"]),
        kept_id=row["kept_id"],
        merged_id=row["merged_id"],
        kept=name_of(row, "kept_"),
        merged=name_of(row, "merged_"),
        merged_at=row["merged_at"],
        merged_by=name_of(row),
        reason=row["reason"],
        undone_at=row["undone_at"],
        undone_by=name_of(row, "undone_") if row["undone_at"] else None,
        undoable_until=None if row["undone_at"] else row["merged_at"] + _undo_days(ctx),
    )

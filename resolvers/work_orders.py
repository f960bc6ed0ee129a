"""What a registrar cannot mend goes to the technology staff as a work order, filled in as things stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.context import Context, Role, Viewer
from db.languages import say
from db.models import GateName, WorkOrder, WorkOrderStatus
from db.queries import diagnosis as diagnosis_queries
from db.queries import work_orders as queries
from db.queries.reach import Reach
from db.trail import Step
from mail.outbox import Addressee, LetterKind, promise
from policies import reasons
from policies.findings import Found
from policies.gate import Facts, gate_of
from policies.refusals import FieldProblem, InvalidInput, NotFound, WrongState
from policies.words import Action
from resolvers.charge import refuse_family, registrar_anywhere, require_at, require_for_students
from resolvers.diagnosis import diagnosed, guardian_known
from resolvers.outcomes import Name
from resolvers.reach import students_reached
from resolvers.reporting import name_of
from resolvers.step import StepTaken, taking

#: Characters of a parent's name.
LONGEST_NAME = 200
#: No role is at that school: it stands for what is the whole district's.
_OF_THE_DISTRICT = Facts(schools=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrderSeen:
    """A work order as those who may see it do."""

    id: int
    status: WorkOrderStatus
    opened_at: datetime
    opened_by: Name
    guardian_id: int | None
    student_id: int | None
    parent_name: str | None
    student_name: str | None
    student_number: str | None
    problem: str
    #: As things stood when it was opened; empty without guardian and student.
    gates: Mapping[GateName, Found]
    resolution: str | None
    resolved_at: datetime | None
    resolved_by: Name | None


@dataclass(frozen=True, slots=True)
class _FilledIn:
    parent_name: str | None = None
    student_name: str | None = None
    student_number: str | None = None
    diagnosis: list[dict[str, object]] | None = None


# ------------------------------------------------------------------------------------------------ opening one
async def open_work_order(
    ctx: Context, *, guardian_id: int | None, student_id: int | None, parent_name: str | None, problem: str
) -> WorkOrderSeen:
    """Writes a work order with names, student number and the gates as they stand, and tells the technology staff.

    Args:
        ctx: the registrar's request.
        guardian_id: the parent, if on record; 0, which nobody has, for an id that cannot be one.
        student_id: the student, if it is about one; 0 likewise.
        parent_name: the parent's name, if the parent is not on record.
        problem: what is to be mended, in words.

    Raises:
        NotAllowed: with the missing facts; a registrar of the student's school may, without a student one of a school
            of the guardian's students, and any registrar where there is none.
        NotFound: no such student, or no such guardian whom the asker may know of.
        InvalidInput: no good words; or a name beside a guardian who is on record.
    """
    async with taking(ctx, Step.OPEN_WORK_ORDER) as step:
        registrar = registrar_anywhere(ctx, step, Action.WORK_ORDER_OPEN)
        words, name = reasons.noted(problem, "problem"), _parent_name(parent_name, guardian_id)
        async with step.transaction():
            filled = await _fill_in(ctx, step, guardian_id, student_id)
            concerned = [id_ for id_ in (guardian_id, student_id) if id_ is not None]
            await refuse_family(ctx, registrar, concerned)
            order = await WorkOrder.create(
                opened_at=ctx.now,
                opened_by_id=registrar.person_id,
                guardian_id=guardian_id,
                student_id=student_id,
                parent_name=filled.parent_name or name,
                student_name=filled.student_name,
                student_number=filled.student_number,
                problem=words,
                diagnosis=filled.diagnosis,
            )
            step.note.details["work_order"] = order.id
            told = await _technology(ctx)
            await promise(ctx, LetterKind.WORK_ORDER_OPENED, told, {"work_order_id": order.id})
        return await _again(ctx, order.id)


def _parent_name(said: str | None, guardian_id: int | None) -> str | None:
    """The name as it is kept; only for a parent who is not on record."""
    name = reasons.kept(said or "")
    if not name:
        return None
    if guardian_id is not None:
        problem = say("The guardian is on record by name: leave the parent's name out.")
    elif len(name) > LONGEST_NAME:
        problem = say("Say it in at most %(limit)s characters.", limit=LONGEST_NAME)
    else:
        return reasons.noted(name, "parentName")
    raise InvalidInput([FieldProblem(("input", "parentName"), problem)])


async def _fill_in(ctx: Context, step: StepTaken, guardian_id: int | None, student_id: int | None) -> _FilledIn:
    """What is on record of those whom it is about, after it is clear that the asker may know."""
    pupil = None
    if student_id is not None:
        await require_for_students(ctx, step, Action.WORK_ORDER_OPEN, [student_id])
        pupil, step.note.about_student_id = await queries.pupil(student_id), student_id
    guardian = await queries.parent(guardian_id, ctx.today) if guardian_id is not None else None
    if guardian_id is not None:
        if guardian is None:
            raise NotFound
        if student_id is None and guardian["schools_of_students"]:
            require_at(ctx, step, Action.WORK_ORDER_OPEN, guardian["schools_of_students"])
        step.note.about_person_id = guardian_id
    parent_name = name_of(guardian).display if guardian else None
    if pupil is None or student_id is None:
        return _FilledIn(parent_name)
    gates = await _gates_now(ctx, guardian_id, student_id) if guardian_id is not None else None
    return _FilledIn(parent_name, name_of(pupil).display, pupil["student_number"], gates)


async def _gates_now(ctx: Context, guardian_id: int, student_id: int) -> list[dict[str, object]]:
    row = await diagnosis_queries.one(guardian_id, student_id, ctx.today)
    reach = students_reached(ctx, Action.WORK_ORDER_OPEN)
    if row is None or not guardian_known(reach, row):
        raise NotFound
    gates = diagnosed(ctx, row, ctx.today, reach).diagnosis.day.gates
    return [found.as_kept(name) for name, found in gates.items()]


async def _technology(ctx: Context) -> list[Addressee]:
    """Where work orders go: the address that the district has set for it, else all who have the role today."""
    if ctx.rules.technology_address:
        return [Addressee(None, ctx.rules.technology_address, None)]
    return [Addressee(row["id"], row["email"], row["language"]) for row in await queries.technology(ctx.today)]


# ------------------------------------------------------------------------------------------------ answering it
async def resolve_work_order(ctx: Context, *, order_id: int, resolution: str) -> WorkOrderSeen:
    """Notes how a work order was resolved, and tells who opened it.

    Raises:
        NotAllowed: to whoever is not of the technology staff.
        NotFound: there is no such work order.
        WrongState: it is resolved already.
        InvalidInput: no good words.
    """
    async with taking(ctx, Step.RESOLVE_WORK_ORDER) as step:
        step.note.rule = gate_of(ctx).require(ctx.viewer, Action.WORK_ORDER_RESOLVE, _OF_THE_DISTRICT).rule
        step.note.details["role"] = Role.TECHNOLOGY.value
        words = reasons.noted(resolution, "resolution")
        async with step.transaction():
            row = await queries.lock(order_id)
            if row is None:
                raise NotFound
            step.note.details["work_order"] = order_id
            step.note.about_person_id, step.note.about_student_id = row["guardian_id"], row["student_id"]
            if row["status"] != WorkOrderStatus.OPEN:
                raise WrongState(row["status"])
            person_id = ctx.viewer.person_id if ctx.viewer else 0
            await queries.resolve(order_id, words, resolved_at=ctx.now, person_id=person_id)
            told = [Addressee(row["opened_by_id"], row["email"], row["language"])] if row["email"] else []
            await promise(ctx, LetterKind.WORK_ORDER_RESOLVED, told, {"work_order_id": order_id})
        return await _again(ctx, order_id)


# ------------------------------------------------------------------------------------------------ looking
async def work_orders(ctx: Context, status: WorkOrderStatus | None, *, before: int, limit: int) -> list[WorkOrderSeen]:
    """The newest work orders before an id: all for technology; a registrar's own, and those about the students of the
    registrar's schools."""
    reach, me = _orders_reached(ctx), ctx.viewer
    if me is None or not reach:
        return []
    wanted = status.value if status else None
    rows = await queries.page(reach, _opener(me), wanted, on=ctx.today, before=before, limit=limit)
    return [_order(row) for row in rows]


async def work_order(ctx: Context, order_id: int) -> WorkOrderSeen | None:
    """The one with this id, if it is among them."""
    reach, me = _orders_reached(ctx), ctx.viewer
    row = await queries.one(reach, _opener(me), order_id, on=ctx.today) if me and reach else None
    return _order(row) if row else None


def _orders_reached(ctx: Context) -> Reach:
    if ctx.viewer and gate_of(ctx).may(ctx.viewer, Action.WORK_ORDER_RESOLVE, _OF_THE_DISTRICT, looking=True):
        return Reach(everywhere=True)
    return students_reached(ctx, Action.WORK_ORDER_OPEN)


def _opener(me: Viewer) -> int:
    """Whose own work orders are seen beside those of the schools; nobody's through a client for some schools alone."""
    return 0 if me.is_narrowed(Role.REGISTRAR) else me.person_id


async def _again(ctx: Context, order_id: int) -> WorkOrderSeen:
    """A work order that the asker has just written."""
    row = await queries.one(Reach(everywhere=True), 0, order_id, on=ctx.today)
    if row is None:
        raise RuntimeError("a work order that was just written is gone")
    return _order(row)


def _order(row: Mapping[str, Any]) -> WorkOrderSeen:
    return WorkOrderSeen(
        id=row["id"],
        status=WorkOrderStatus(row["status"]),
        opened_at=row["opened_at"],
        opened_by=name_of(row, "opener_"),
        guardian_id=row["guardian_id"],
        student_id=row["student_id"],
        parent_name=row["parent_name"],
        student_name=row["student_name"],
        student_number=row["student_number"],
        problem=row["problem"],
        gates=_kept(row["diagnosis"]),
        resolution=row["resolution"],
        resolved_at=row["resolved_at"],
        resolved_by=name_of(row, "resolver_") if row["resolver_given"] else None,
    )


def _kept(gates: Sequence[Mapping[str, Any]]) -> dict[GateName, Found]:
    return dict(Found.of_kept(each) for each in gates)

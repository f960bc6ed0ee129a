"""What a signed-in person sees: oneself, the students whose record may be read, their grades and attendance."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from db.context import Capacity, Context
from db.models import AccountStatus, DisabledReason
from db.queries import portal as queries
from policies.gate import Facts, gate_of
from policies.guardianship import Standing, standing_of
from policies.words import Action, Scope
from resolvers.outcomes import AttendanceEvent, Grade, Holder, Name, School, Student


async def holder(ctx: Context) -> Holder | None:
    """The account of whoever is signed in, with what only its holder may know; None when nobody is."""
    if ctx.viewer is None or not gate_of(ctx).may(ctx.viewer, Action.ACCOUNT_READ, Facts(scope=Scope.OWN)):
        return None
    row = await queries.holder(ctx.viewer.account_id)
    return holder_of(row) if row else None


def holder_of(row: dict[str, Any]) -> Holder:
    """The account and its person, from a row that has both."""
    return Holder(
        account_id=row["account_id"],
        person_id=row["person_id"],
        name=_name(row),
        capacity=Capacity(row["capacity"]),
        status=AccountStatus(row["status"]),
        disabled_reason=DisabledReason(row["disabled_reason"]) if row["disabled_reason"] else None,
        locked_until=row["locked_until"],
        activated_at=row["activated_at"],
        last_login_at=row["last_login_at"],
        username=row["username"],
        email=row["email"],
        must_change_password=row["must_change_password"],
    )


async def students(ctx: Context, student_id: int | None = None) -> list[Student]:
    """The students whose record the asker may read, or the one with this id if it is among them.

    This is the one predicate: lists, single reads and everything below a student go through it.
    """
    viewer = ctx.viewer
    if viewer is None:
        return []
    if viewer.capacity is Capacity.GUARDIAN:
        rows = await queries.students_of_guardian(viewer.person_id, ctx.today, student_id)
    elif viewer.capacity is Capacity.STUDENT:
        rows = await queries.student_self(viewer.person_id, ctx.today, student_id)
    else:
        rows = []
    gate = gate_of(ctx)
    seen = [(row, facts) for row in rows if gate.may(viewer, Action.STUDENT_READ, facts := student_facts(ctx, row))]
    return [_student(row, disclosed=bool(gate.may(viewer, Action.DISCLOSURE_READ, facts))) for row, facts in seen]


def student_facts(ctx: Context, row: dict[str, Any]) -> Facts:
    """What the gate is asked about for a row with a student and what ties the asker to it."""
    if ctx.viewer is not None and row["id"] == ctx.viewer.person_id:
        return Facts(scope=Scope.OWN, guardianship=Standing.SELF)
    return Facts(scope=Scope.OWN_STUDENT, guardianship=standing_of(row, row["birth_date"], ctx.today))


async def grades(
    seen: Sequence[Student], *, limit: int, after: tuple[date | None, int] | None
) -> dict[int, list[Grade]]:
    """The newest grades of students that `students` gave, by student, `limit` of each at most, after a position."""
    rows = await queries.grades([student.id for student in seen], limit=limit, after=after)
    pages: dict[int, list[Grade]] = {student.id: [] for student in seen}
    for row in rows:
        pages[row["student_id"]].append(Grade(**row))
    return pages


async def attendance(
    seen: Sequence[Student],
    *,
    limit: int,
    after: tuple[date, int] | None,
    since: date | None,
    until: date | None,
) -> dict[int, list[AttendanceEvent]]:
    """As `grades`, for attendance events on the given days (both included)."""
    ids = [student.id for student in seen]
    rows = await queries.attendance(ids, limit=limit, after=after, since=since, until=until)
    pages: dict[int, list[AttendanceEvent]] = {student.id: [] for student in seen}
    for row in rows:
        pages[row["student_id"]].append(_event(row))
    return pages


async def grade(ctx: Context, grade_id: int) -> Grade | None:
    """One grade, if the asker may read the student's record."""
    row = await queries.grade(grade_id)
    return Grade(**row) if row and await students(ctx, row["student_id"]) else None


async def attendance_event(ctx: Context, event_id: int) -> AttendanceEvent | None:
    """One attendance event, if the asker may read the student's record."""
    row = await queries.attendance_event(event_id)
    return _event(row) if row and await students(ctx, row["student_id"]) else None


async def school(ctx: Context, school_id: int) -> School | None:
    """A school's name and telephone: for anybody who is signed in."""
    row = await queries.school(school_id) if ctx.viewer else None
    return School(**row) if row else None


def _name(row: dict[str, Any]) -> Name:
    return Name(row["given"], row["middle"], row["family"], row["suffix"], row["preferred"])


def _student(row: dict[str, Any], *, disclosed: bool) -> Student:
    schools = [School(school["id"], school["name"], school["phone"]) for school in row["schools"]]
    grade_level = row["schools"][0]["grade_level"] if row["schools"] else None
    return Student(row["id"], _name(row), row["student_number"], schools, grade_level, disclosed)


def _event(row: dict[str, Any]) -> AttendanceEvent:
    school = School(row["school_id"], row["school_name"], row["school_phone"])
    return AttendanceEvent(row["id"], row["student_id"], row["happened_on"], row["category"], row["reason"], school)

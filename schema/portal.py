"""What a signed-in person sees: oneself, the students whose record may be read, their grades and attendance."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

import strawberry

from db.context import Context
from resolvers import disclosures, hidden_students, outcomes, portal, session
from schema.account import AccountDetails, SecondFactor
from schema.disclosures import Disclosure, DisclosureConnection, DisclosureEdge
from schema.errors import BadRequest
from schema.hidden_students import HiddenStudent
from schema.nodes import Node, global_id
from schema.pages import After, First, PageInfo, cursor, page_info, page_size, read_cursor, read_moment_cursor
from schema.people import PersonName, Role, School

Info = strawberry.Info[Context, None]
_T = TypeVar("_T")


class Siblings:
    """Students that were found together. What is asked of one is fetched for all of them, in one statement."""

    def __init__(self, ctx: Context, students: Sequence[outcomes.Student]) -> None:
        """`ctx` has whoever sees them, who may have signed in by the very request."""
        self.ctx, self.students = ctx, students
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    async def together(self, question: Hashable, ask: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """The answer to a question that several of them put at once; only the first one goes to the database."""
        task = self._under_way.get(question)
        if task is None:
            task = self._under_way[question] = asyncio.create_task(ask())
        answer: _T = await task
        return answer


# ------------------------------------------------------------------------------------------------ records
@strawberry.type(description="A result of one piece of work, as the teacher entered it. Read-only.")
class Grade(Node):
    course: str = strawberry.field(description="The course it belongs to.")
    title: str = strawberry.field(description="The piece of work.")
    score: str | None = strawberry.field(description="As entered: 74.00, B+, EX; null when not yet scored.")
    maximum: str | None = strawberry.field(description="The best score that was possible; null when not said.")
    scored_on: date | None = strawberry.field(description="The day on which it was scored; null when not said.")

    @classmethod
    def of(cls, grade: outcomes.Grade) -> "Grade":
        return cls(
            id=global_id("Grade", grade.id),
            course=grade.course,
            title=grade.title,
            score=grade.score,
            maximum=grade.maximum,
            scored_on=grade.scored_on,
        )


@strawberry.type(description="One absence, tardiness or the like. Read-only.")
class AttendanceEvent(Node):
    happened_on: date = strawberry.field(name="date", description="The day on which it happened.")
    category: str = strawberry.field(description="As the school enters it, such as Tardy or Excused Absence.")
    reason: str | None = strawberry.field(description="As the school entered it.")
    school: School = strawberry.field(description="The school at which it happened.")

    @classmethod
    def of(cls, event: outcomes.AttendanceEvent) -> "AttendanceEvent":
        return cls(
            id=global_id("AttendanceEvent", event.id),
            happened_on=event.happened_on,
            category=event.category,
            reason=event.reason,
            school=School.of(event.school),
        )


@strawberry.type(description="A grade on a page.")
class GradeEdge:
    cursor: str = strawberry.field(description="Its position.")
    node: Grade = strawberry.field(description="The grade.")


@strawberry.type(description="A page of grades, newest first.")
class GradeConnection:
    edges: list[GradeEdge] = strawberry.field(description="The grades on this page.")
    page_info: PageInfo = strawberry.field(description="Where the page begins and ends.")


@strawberry.type(description="An attendance event on a page.")
class AttendanceEdge:
    cursor: str = strawberry.field(description="Its position.")
    node: AttendanceEvent = strawberry.field(description="The event.")


@strawberry.type(description="A page of attendance events, newest first.")
class AttendanceConnection:
    edges: list[AttendanceEdge] = strawberry.field(description="The events on this page.")
    page_info: PageInfo = strawberry.field(description="Where the page begins and ends.")


# ------------------------------------------------------------------------------------------------ students
@strawberry.type(description="A student whose record the asker may read.")
class Student(Node):
    name: PersonName = strawberry.field(description="The student's name.")
    student_number: str = strawberry.field(description="The district's number for the student; leading zeros count.")
    school: School | None = strawberry.field(description="The school today; the first one where there are two.")
    schools: list[School] = strawberry.field(description="All schools in which the student is enrolled today.")
    grade_level: str | None = strawberry.field(description="The grade level at `school`, as the roster has it.")
    number: strawberry.Private[int]
    siblings: strawberry.Private[Siblings]

    @classmethod
    def of(cls, student: outcomes.Student, siblings: Siblings) -> "Student":
        schools = [School.of(school) for school in student.schools]
        return cls(
            id=global_id("Student", student.id),
            name=PersonName.of(student.name),
            student_number=student.student_number,
            school=schools[0] if schools else None,
            schools=schools,
            grade_level=student.grade_level,
            number=student.id,
            siblings=siblings,
        )

    @strawberry.field(description="Grades, newest first.")
    async def grades(self, first: First = 50, after: After = None) -> GradeConnection:
        size, position = page_size(first), read_cursor(after)
        pages = await self.siblings.together(
            ("grades", size, position),
            lambda: portal.grades(self.siblings.students, limit=size + 1, after=position),
        )
        found = pages[self.number]
        edges = [GradeEdge(cursor=cursor(g.scored_on, g.id), node=Grade.of(g)) for g in found[:size]]
        more = len(found) > size
        return GradeConnection(edges=edges, page_info=page_info([e.cursor for e in edges], more=more, after=after))

    @strawberry.field(description="Absences, tardiness and the like, newest first.")
    async def attendance(
        self,
        from_: Annotated[
            date | None, strawberry.argument(name="from", description="The first day; null for no limit.")
        ] = None,
        to: Annotated[date | None, strawberry.argument(description="The last day; null for no limit.")] = None,
        first: First = 50,
        after: After = None,
    ) -> AttendanceConnection:
        size, position = page_size(first), read_cursor(after)
        if position is None:
            start = None
        elif position[0] is None:
            raise BadRequest("`after` is not a cursor of this connection.")
        else:
            start = (position[0], position[1])
        pages = await self.siblings.together(
            ("attendance", size, start, from_, to),
            lambda: portal.attendance(self.siblings.students, limit=size + 1, after=start, since=from_, until=to),
        )
        found = pages[self.number]
        edges = [AttendanceEdge(cursor=cursor(e.happened_on, e.id), node=AttendanceEvent.of(e)) for e in found[:size]]
        more = len(found) > size
        return AttendanceConnection(edges=edges, page_info=page_info([e.cursor for e in edges], more=more, after=after))

    @strawberry.field(description="Who was shown or told what about this student, and why; newest first.")
    async def disclosures(self, first: First = 50, after: After = None) -> DisclosureConnection:
        size, position = page_size(first), read_moment_cursor(after)
        pages = await self.siblings.together(
            ("disclosures", size, position),
            lambda: disclosures.disclosures(self.siblings.ctx, self.siblings.students, limit=size + 1, after=position),
        )
        found, language = pages[self.number], self.siblings.ctx.language
        edges = [DisclosureEdge(cursor=cursor(d.at, d.id), node=Disclosure.of(d, language)) for d in found[:size]]
        more = len(found) > size
        return DisclosureConnection(edges=edges, page_info=page_info([e.cursor for e in edges], more=more, after=after))


async def students_of(ctx: Context, student_id: int | None = None) -> list[Student]:
    """The students whose record the asker may read, or the one with this id."""
    found = await portal.students(ctx, student_id)
    siblings = Siblings(ctx, found)
    return [Student.of(student, siblings) for student in found]


# ------------------------------------------------------------------------------------------------ oneself
@strawberry.type(description="A session of one's own.")
class SessionInfo(Node):
    started_at: datetime = strawberry.field(description="When it was opened.")
    last_seen_at: datetime = strawberry.field(description="When it was last used, to the minute.")
    client: str | None = strawberry.field(description="What the browser or application called itself.")
    current: bool = strawberry.field(description="Whether it is the session that asks.")

    @classmethod
    def of(cls, live: outcomes.LiveSession) -> "SessionInfo":
        return cls(
            id=global_id("SessionInfo", live.id),
            started_at=live.started_at,
            last_seen_at=live.last_seen_at,
            client=live.client,
            current=live.current,
        )


@strawberry.type(description="The person who is signed in.")
class Me:
    name: PersonName = strawberry.field(description="The person's name.")
    roles: list[Role] = strawberry.field(description="What the person may act as through this account.")
    details: AccountDetails = strawberry.field(description="The account, with what only its holder may know.")
    second_factor: SecondFactor = strawberry.field(
        description="Whether a code of the second factor is to be given, or one to be set up, before an action."
    )
    ctx: strawberry.Private[Context]

    @strawberry.field(description="The live sessions of this account, newest first.")
    async def sessions(self) -> list[SessionInfo]:
        return [SessionInfo.of(live) for live in await session.live_sessions(self.ctx)]

    @strawberry.field(description="The students whose record may be read: one's own children, or oneself.")
    async def students(self) -> list[Student]:
        return await students_of(self.ctx)

    @strawberry.field(
        description="For a guardian: why a student who may be expected is not in `students`, as far as they may "
        "know. Empty when there is nothing to say."
    )
    async def hidden_students(self) -> list[HiddenStudent]:
        found = await hidden_students.hidden_students(self.ctx)
        return [HiddenStudent.of(each, self.ctx.language) for each in found]


async def me_of(ctx: Context) -> Me | None:
    """The person who is signed in to this context; None when nobody is."""
    holder = await portal.holder(ctx)
    if holder is None or ctx.viewer is None:
        return None
    return Me(
        name=PersonName.of(holder.name),
        roles=[Role(role.value) for role in ctx.viewer.roles],
        details=AccountDetails.of(holder, ctx.now, ctx),
        second_factor=SecondFactor[ctx.viewer.second_factor.name],
        ctx=ctx,
    )


@strawberry.type
class PortalQuery:
    @strawberry.field(description="The person who is signed in; null when nobody is.")
    async def me(self, info: Info) -> Me | None:
        return await me_of(info.context)

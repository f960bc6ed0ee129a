"""Anything by its id: each kind goes through the step that also decides what lists and pages show."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import strawberry

from db.context import Context
from resolvers import disclosures, portal, session
from schema.disclosures import Disclosure
from schema.guardians import guardian_by
from schema.households import household_by
from schema.merging import person_merge_of
from schema.nodes import Node, read_global_id
from schema.people import School
from schema.portal import AttendanceEvent, Grade, SessionInfo, students_of
from schema.registrar import guardianship_of
from schema.reporting import account_of
from schema.saved_reports import saved_report_of
from schema.work_orders import work_order_of

Info = strawberry.Info[Context, None]


async def _student(info: Info, number: int) -> Node | None:
    found = await students_of(info.context, number)
    return found[0] if found else None


async def _grade(info: Info, number: int) -> Node | None:
    grade = await portal.grade(info.context, number)
    return Grade.of(grade) if grade else None


async def _attendance_event(info: Info, number: int) -> Node | None:
    event = await portal.attendance_event(info.context, number)
    return AttendanceEvent.of(event) if event else None


async def _account(info: Info, number: int) -> Node | None:
    return await account_of(info, number)


async def _guardianship(info: Info, number: int) -> Node | None:
    return await guardianship_of(info.context, number)


async def _guardian(info: Info, number: int) -> Node | None:
    return await guardian_by(info.context, number)


async def _household(info: Info, number: int) -> Node | None:
    return await household_by(info.context, number)


async def _work_order(info: Info, number: int) -> Node | None:
    return await work_order_of(info.context, number)


async def _person_merge(info: Info, number: int) -> Node | None:
    return await person_merge_of(info.context, number)


async def _disclosure(info: Info, number: int) -> Node | None:
    disclosure = await disclosures.disclosure(info.context, number)
    return Disclosure.of(disclosure, info.context.language) if disclosure else None


async def _session_info(info: Info, number: int) -> Node | None:
    live = await session.live_sessions(info.context, number)
    return SessionInfo.of(live[0]) if live else None


async def _saved_report(info: Info, number: int) -> Node | None:
    return await saved_report_of(info.context, number)


async def _school(info: Info, number: int) -> Node | None:
    school = await portal.school(info.context, number)
    return School.of(school) if school else None


BY_KIND: dict[str, Callable[[Info, int], Coroutine[Any, Any, Node | None]]] = {
    "Student": _student,
    "Grade": _grade,
    "AttendanceEvent": _attendance_event,
    "Disclosure": _disclosure,
    "Account": _account,
    "Guardianship": _guardianship,
    "Guardian": _guardian,
    "Household": _household,
    "WorkOrder": _work_order,
    "PersonMerge": _person_merge,
    "SessionInfo": _session_info,
    "SavedReport": _saved_report,
    "School": _school,
}


@strawberry.type
class NodeQuery:
    @strawberry.field(description="Anything by its id. Null when absent or hidden: the two look alike.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id.")],  # noqa: A002
    ) -> Node | None:
        read = read_global_id(id)
        find = BY_KIND.get(read.kind) if read else None
        return await find(info, read.number) if read and find else None

"""Work orders: what the registrar cannot mend, for the technology staff."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from db import models
from db.context import Context
from db.languages import Language
from resolvers import work_orders
from resolvers.work_orders import WorkOrderSeen
from schema.gates import Gate
from schema.nodes import Node, global_id, number_of, number_or_nobodys
from schema.pages import After, First, PageInfo, cursor, page_info, page_size, read_number_cursor
from schema.people import PersonName
from schema.refusals import InvalidInput, NotAllowed, NotFound, WrongState

Info = strawberry.Info[Context, None]
_NEWEST = 2**63 - 1


@strawberry.enum(description="Whether a work order was answered.")
class WorkOrderStatus(Enum):
    OPEN = strawberry.enum_value("OPEN", description="Nobody has resolved it yet.")
    RESOLVED = strawberry.enum_value("RESOLVED", description="The technology staff has resolved it.")


@strawberry.type(description="What a registrar could not mend, with everything filled in as it was on that day.")
class WorkOrder(Node):
    status: WorkOrderStatus = strawberry.field(description="Whether it was answered.")
    opened_at: datetime = strawberry.field(description="When it was opened.")
    opened_by: PersonName = strawberry.field(description="Who opened it.")
    guardian_id: strawberry.ID | None = strawberry.field(description="The parent, where on record and named.")
    student_id: strawberry.ID | None = strawberry.field(description="The student, where it is about one.")
    parent_name: str | None = strawberry.field(description="The parent's name.")
    student_name: str | None = strawberry.field(description="The student's name.")
    student_number: str | None = strawberry.field(description="The district's number for the student.")
    problem: str = strawberry.field(description="What is to be mended, in the registrar's words.")
    diagnosis: list[Gate] = strawberry.field(
        description="The gates as they stood when it was opened; empty without guardian and student. "
        "`accessDiagnosis` tells how they stand now."
    )
    resolution: str | None = strawberry.field(description="What was done about it; null while it is open.")
    resolved_at: datetime | None = strawberry.field(description="When it was resolved.")
    resolved_by: PersonName | None = strawberry.field(description="Who resolved it.")

    @classmethod
    def of(cls, seen: WorkOrderSeen, language: Language) -> "WorkOrder":
        return cls(
            id=global_id("WorkOrder", seen.id),
            status=WorkOrderStatus[seen.status.name],
            opened_at=seen.opened_at,
            opened_by=PersonName.of(seen.opened_by),
            guardian_id=global_id("Guardian", seen.guardian_id) if seen.guardian_id else None,
            student_id=global_id("Student", seen.student_id) if seen.student_id else None,
            parent_name=seen.parent_name,
            student_name=seen.student_name,
            student_number=seen.student_number,
            problem=seen.problem,
            diagnosis=Gate.all_of(seen.gates, language),
            resolution=seen.resolution,
            resolved_at=seen.resolved_at,
            resolved_by=PersonName.of(seen.resolved_by) if seen.resolved_by else None,
        )


@strawberry.type(description="A work order on a page.")
class WorkOrderEdge:
    cursor: str = strawberry.field(description="Its position.")
    node: WorkOrder = strawberry.field(description="The work order.")


@strawberry.type(description="A page of work orders, newest first.")
class WorkOrderConnection:
    edges: list[WorkOrderEdge] = strawberry.field(description="The work orders on this page.")
    page_info: PageInfo = strawberry.field(description="Where the page begins and ends.")


# ------------------------------------------------------------------------------------------------ opening, resolving
@strawberry.input(description="What is to be mended, and about whom; whoever is on record is filled in.")
class OpenWorkOrderInput:
    guardian_id: strawberry.ID | None = strawberry.field(default=None, description="The parent, if on record.")
    student_id: strawberry.ID | None = strawberry.field(default=None, description="The student, if about one.")
    parent_name: str | None = strawberry.field(
        default=None, description="The parent's name, only where the parent is not on record."
    )
    problem: str = strawberry.field(
        description="In a few words: what is wrong, and what was tried. No passwords, no Social Security numbers."
    )


@strawberry.input(description="What was done about a work order.")
class ResolveWorkOrderInput:
    work_order_id: strawberry.ID = strawberry.field(description="Which one.")
    resolution: str = strawberry.field(description="In a few words, for the registrar who opened it.")


@strawberry.type(description="The work order was written; whom it concerns is told by letter.")
class WorkOrderChanged:
    work_order: WorkOrder = strawberry.field(description="As it is now.")


OpenWorkOrderResult = Annotated[
    WorkOrderChanged | NotAllowed | NotFound | InvalidInput,
    strawberry.union("OpenWorkOrderResult", description="The work order, or why it was not opened."),
]
ResolveWorkOrderResult = Annotated[
    WorkOrderChanged | NotAllowed | NotFound | WrongState | InvalidInput,
    strawberry.union("ResolveWorkOrderResult", description="The work order, or why it was not resolved."),
]


@strawberry.type
class WorkOrderQuery:
    @strawberry.field(
        description="Work orders, newest first: all for technology; for a registrar the own ones, and those about "
        "students of the registrar's schools. Nobody else has any."
    )
    async def work_orders(
        self,
        info: Info,
        status: Annotated[
            WorkOrderStatus | None, strawberry.argument(description="Only those; all when left out.")
        ] = None,
        first: First = 25,
        after: After = None,
    ) -> WorkOrderConnection:
        size, last = page_size(first), read_number_cursor(after)
        found = await work_orders.work_orders(
            info.context,
            models.WorkOrderStatus[status.name] if status else None,
            before=last or _NEWEST,
            limit=size + 1,
        )
        edges = [
            WorkOrderEdge(cursor=cursor(None, seen.id), node=WorkOrder.of(seen, info.context.language))
            for seen in found[:size]
        ]
        return WorkOrderConnection(
            edges=edges,
            page_info=page_info([edge.cursor for edge in edges], more=len(found) > size, after=after),
        )


@strawberry.type
class WorkOrderMutation:
    @strawberry.mutation(
        description="For registrars: hands what they cannot mend to the technology staff, with names, student number "
        "and every gate filled in."
    )
    async def open_work_order(
        self,
        info: Info,
        input: Annotated[OpenWorkOrderInput, strawberry.argument(description="About whom, and what.")],  # noqa: A002
    ) -> OpenWorkOrderResult:
        seen = await work_orders.open_work_order(
            info.context,
            guardian_id=number_or_nobodys(input.guardian_id, "Guardian"),
            student_id=number_or_nobodys(input.student_id, "Student"),
            parent_name=input.parent_name,
            problem=input.problem,
        )
        return WorkOrderChanged(work_order=WorkOrder.of(seen, info.context.language))

    @strawberry.mutation(description="For technology: says what was done; who opened it is told by letter.")
    async def resolve_work_order(
        self,
        info: Info,
        input: Annotated[ResolveWorkOrderInput, strawberry.argument(description="Which, and what.")],  # noqa: A002
    ) -> ResolveWorkOrderResult:
        seen = await work_orders.resolve_work_order(
            info.context, order_id=number_of(input.work_order_id, "WorkOrder") or 0, resolution=input.resolution
        )
        return WorkOrderChanged(work_order=WorkOrder.of(seen, info.context.language))


async def work_order_of(ctx: Context, number: int) -> WorkOrder | None:
    """The work order with this number, if the asker may see it."""
    seen = await work_orders.work_order(ctx, number)
    return WorkOrder.of(seen, ctx.language) if seen else None

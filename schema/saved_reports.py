"""Reports that a school keeps: saving, deleting and finding them. `report` runs them."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.context import Context
from resolvers import saved_reports
from schema.nodes import Node, global_id, number_of, number_or_nobodys
from schema.pages import After, First, PageInfo, cursor, page_info, page_size, read_number_cursor
from schema.people import School
from schema.refusals import InvalidInput, NotAllowed, NotFound
from schema.report_inputs import ReportDefinitionInput, ReportName, definition_from

Info = strawberry.Info[Context, None]


@strawberry.type(description="A report that a school keeps, or the district, to be run again with `report`.")
class SavedReport(Node):
    name: str = strawberry.field(description="What it is called there.")
    school: School | None = strawberry.field(description="Whose it is; null for one of the district's.")
    report: ReportName | None = strawberry.field(
        description="Which report it runs; null where its definition is not understood any more."
    )
    created_by: str = strawberry.field(description="The name of whoever saved it, a person or a program.")
    created_at: datetime = strawberry.field(description="When it was saved.")
    changed_at: datetime = strawberry.field(description="When its definition was last replaced.")

    @classmethod
    def of(cls, kept: saved_reports.SavedReport) -> "SavedReport":
        return cls(
            id=global_id("SavedReport", kept.id),
            name=kept.name,
            school=School.of(kept.school) if kept.school else None,
            report=ReportName[kept.definition.asked.name.name] if kept.definition else None,
            created_by=kept.created_by,
            created_at=kept.created_at,
            changed_at=kept.changed_at,
        )


@strawberry.type(description="A saved report on a page.")
class SavedReportEdge:
    cursor: str = strawberry.field(description="Its position.")
    node: SavedReport = strawberry.field(description="The saved report.")


@strawberry.type(description="A page of saved reports.")
class SavedReportConnection:
    edges: list[SavedReportEdge] = strawberry.field(description="The saved reports on this page.")
    page_info: PageInfo = strawberry.field(description="Where the page begins and ends.")


@strawberry.input(description="A report to be kept.")
class SaveReportInput:
    school_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whose it is; the district's when left out."
    )
    name: str = strawberry.field(description="What it is called there: at most 100 characters.")
    definition: ReportDefinitionInput = strawberry.field(description="What it asks for.")
    replace: bool = strawberry.field(
        default=False, description="Takes the place of one of that name, if there is one; else that is refused."
    )


@strawberry.input(description="A report to be kept no more.")
class DeleteReportInput:
    saved_report_id: strawberry.ID = strawberry.field(description="Which one.")


@strawberry.type(description="The report is kept.")
class ReportSaved:
    saved_report: SavedReport = strawberry.field(description="As it is now.")


@strawberry.type(description="The report is kept no more.")
class ReportDeleted:
    saved_report_id: strawberry.ID = strawberry.field(description="Which one it was.")


SaveReportResult = Annotated[
    ReportSaved | NotAllowed | NotFound | InvalidInput,
    strawberry.union("SaveReportResult", description="The saved report, or why it was not saved."),
]
DeleteReportResult = Annotated[
    ReportDeleted | NotAllowed | NotFound,
    strawberry.union("DeleteReportResult", description="That it is gone, or why it is not."),
]


@strawberry.type
class SavedReportsQuery:
    @strawberry.field(
        description="The reports that are kept for the asker to run: those of the asker's schools and the district's; "
        "none for whoever may run none."
    )
    async def saved_reports(
        self,
        info: Info,
        school_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those of this school.")
        ] = None,
        first: First = 25,
        after: After = None,
    ) -> SavedReportConnection:
        size, start = page_size(first), read_number_cursor(after)
        found = await saved_reports.saved_reports(
            info.context, school_id=number_or_nobodys(school_id, "School"), after=start, limit=size + 1
        )
        edges = [SavedReportEdge(cursor=cursor(None, kept.id), node=SavedReport.of(kept)) for kept in found[:size]]
        return SavedReportConnection(
            edges=edges, page_info=page_info([edge.cursor for edge in edges], more=len(found) > size, after=after)
        )


@strawberry.type
class SavedReportsMutation:
    @strawberry.mutation(
        description="For whoever may report on accounts at a school, or in the district: keeps a report by name. It "
        "gives nobody more to see: it is run with the rights of whoever asks."
    )
    async def save_report(
        self,
        info: Info,
        input: Annotated[SaveReportInput, strawberry.argument(description="What to keep, and where.")],  # noqa: A002
    ) -> SaveReportResult:
        kept = await saved_reports.save_report(
            info.context,
            school_id=number_or_nobodys(input.school_id, "School"),
            name=input.name,
            definition=definition_from(info.context, input.definition),
            replace=input.replace,
        )
        return ReportSaved(saved_report=SavedReport.of(kept))

    @strawberry.mutation(description="For the same people: keeps a report no more.")
    async def delete_report(
        self,
        info: Info,
        input: Annotated[DeleteReportInput, strawberry.argument(description="Which one.")],  # noqa: A002
    ) -> DeleteReportResult:
        await saved_reports.delete_report(info.context, saved_id=number_of(input.saved_report_id, "SavedReport") or 0)
        return ReportDeleted(saved_report_id=input.saved_report_id)


async def saved_report_of(ctx: Context, number: int) -> SavedReport | None:
    """The saved report with this number, if the asker may see it."""
    kept = await saved_reports.saved_report(ctx, number)
    return SavedReport.of(kept) if kept else None

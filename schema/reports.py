"""Reports: which there are for the asker, and a page of one, or its accounts counted."""

from datetime import UTC, date, datetime
from enum import Enum
from typing import Annotated

import strawberry

from db.context import Context
from resolvers import report_outcomes as outcomes
from resolvers import reports
from resolvers.report_checks import camel
from schema.nodes import number_or_nobodys
from schema.pages import PageInfo, page_info, page_size
from schema.refusals import InvalidInput, NotAllowed
from schema.report_inputs import (
    ReportDefinitionInput,
    ReportGrouping,
    ReportName,
    definition_from,
)
from schema.report_places import place_cursor, read_place
from schema.reporting import AccountOrder
from schema.wording import worded

Info = strawberry.Info[Context, None]


@strawberry.enum(description="What the cells of a column are. An empty cell is an empty text, whatever the type.")
class ReportColumnType(Enum):
    TEXT = strawberry.enum_value("TEXT", description="Text as it is on record, or a word of this schema.")
    NUMBER = strawberry.enum_value("NUMBER", description="A whole number in decimal digits.")
    DATE = strawberry.enum_value("DATE", description="A day: `2026-10-05`.")
    MOMENT = strawberry.enum_value("MOMENT", description="A moment in UTC (RFC 3339): `2026-10-05T17:00:00Z`.")
    YES_NO = strawberry.enum_value("YES_NO", description="`true` or `false`.")


@strawberry.type(description="A column of a report.")
class ReportColumn:
    key: str = strawberry.field(description="The word by which it is asked for.")
    title: str = strawberry.field(description="Its heading, in the language of `Accept-Language`.")
    type: ReportColumnType = strawberry.field(description="What its cells are.")

    @classmethod
    def of(cls, info: Info, column: outcomes.Column) -> "ReportColumn":
        return cls(
            key=column.key,
            title=worded(column.title, info.context.language),
            type=ReportColumnType[column.type.name],
        )


@strawberry.type(description="A report that the asker may run.")
class ReportDescription:
    name: ReportName = strawberry.field(description="The report.")
    title: str = strawberry.field(description="Its title, in the language of `Accept-Language`.")
    about: str = strawberry.field(description="What it lists, in a sentence.")
    columns: list[ReportColumn] = strawberry.field(description="All columns that the asker may ask for.")
    default_columns: list[str] = strawberry.field(description="Keys of those that it has when none is named.")
    filters: list[str] = strawberry.field(description="The fields of `ReportFilter` that go with it.")
    needs: str | None = strawberry.field(description="The filter that it cannot do without.")
    groupings: list[ReportGrouping] = strawberry.field(description="By what it can be counted.")
    orders: list[AccountOrder] = strawberry.field(description="In which orders its rows can come.")

    @classmethod
    def of(cls, info: Info, described: outcomes.Described) -> "ReportDescription":
        filters = [camel(field) for field in described.filters]
        if "notSignedInSince" in filters:
            filters.append("notSignedInForDays")
        return cls(
            name=ReportName[described.name.name],
            title=worded(described.title, info.context.language),
            about=worded(described.about, info.context.language),
            columns=[ReportColumn.of(info, column) for column in described.columns],
            default_columns=list(described.defaults),
            filters=filters,
            needs=camel(described.needs) if described.needs else None,
            groupings=[ReportGrouping[grouping.name] for grouping in described.groupings],
            orders=[AccountOrder[order.name] for order in described.orders],
        )


@strawberry.type(description="A row of a report.")
class ReportRow:
    cells: list[str] = strawberry.field(
        description="One cell for each column, in their order, written as the type of the column says."
    )


@strawberry.type(description="A row on a page.")
class ReportRowEdge:
    cursor: str = strawberry.field(description="Its position.")
    node: ReportRow = strawberry.field(description="The row.")


@strawberry.type(description="A page of rows.")
class ReportRowConnection:
    edges: list[ReportRowEdge] = strawberry.field(description="The rows on this page.")
    page_info: PageInfo = strawberry.field(description="Where the page begins and ends.")
    seen: strawberry.Private[reports.ReportSeen]

    @strawberry.field(
        description="How many rows there are on all pages, or would be, where they are counted by groups; looked up "
        "when it is asked for."
    )
    async def total_count(self) -> int:
        return await self.seen.total()


@strawberry.type(description="So many accounts of one kind.")
class ReportGroup:
    keys: list[str] = strawberry.field(
        description="Which kind, a word for each of the report's columns but the last; empty where there is none."
    )
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="A page of a report, or its accounts counted.")
class Report:
    name: ReportName = strawberry.field(description="The report.")
    title: str = strawberry.field(description="Its title, in the language of `Accept-Language`.")
    columns: list[ReportColumn] = strawberry.field(description="The columns of its rows, or of its groups.")
    rows: ReportRowConnection = strawberry.field(description="A page of its rows; none where it is counted.")
    groups: list[ReportGroup] = strawberry.field(description="All groups, where it is counted.")

    @classmethod
    def of(cls, info: Info, seen: reports.ReportSeen, after: str | None) -> "Report":
        edges = [
            ReportRowEdge(cursor=place_cursor(position), node=ReportRow(cells=[_cell(value) for value in cells]))
            for cells, position in seen.rows
        ]
        page = page_info([edge.cursor for edge in edges], more=seen.more, after=after)
        return cls(
            name=ReportName[seen.described.name.name],
            title=worded(seen.described.title, info.context.language),
            columns=[ReportColumn.of(info, column) for column in seen.columns],
            rows=ReportRowConnection(edges=edges, page_info=page, seen=seen),
            groups=[
                ReportGroup(keys=[_cell(key) for key in keys], count=int(_cell(count))) for *keys, count in seen.groups
            ],
        )


def _cell(value: outcomes.Value) -> str:
    """A cell as `ReportColumnType` describes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    return value.isoformat() if isinstance(value, date) else str(value)


@strawberry.input(description="Which report, and which page of it.")
class ReportInput:
    definition: ReportDefinitionInput | None = strawberry.field(
        default=None, description="What it asks for; this, or a saved report."
    )
    saved_report_id: strawberry.ID | None = strawberry.field(
        default=None, description="One that was saved. It is run with the rights of whoever asks."
    )
    purpose: str | None = strawberry.field(
        default=None,
        description="What it is for, in a few words; kept in the trail. Needed as soon as the column `username` is "
        "asked for.",
    )
    first: int = strawberry.field(default=25, description="How many rows at most: 1 to 100.")
    after: str | None = strawberry.field(default=None, description="The cursor after which the page begins.")


ReportResult = Annotated[
    Report | NotAllowed | InvalidInput,
    strawberry.union("ReportResult", description="A page of the report, or why there is none."),
]


@strawberry.type
class ReportsQuery:
    @strawberry.field(description="The reports that the asker may run; none for nobody.")
    def reports(self, info: Info) -> list[ReportDescription]:
        return [ReportDescription.of(info, described) for described in reports.offered(info.context)]

    @strawberry.field(
        description="A page of a report, or its accounts counted: rows that the asker may know of, and no others. "
        "Each page is noted in the trail."
    )
    async def report(
        self,
        info: Info,
        input: Annotated[ReportInput, strawberry.argument(description="Which, and which page.")],  # noqa: A002
    ) -> ReportResult:
        size = page_size(input.first)
        said = input.definition
        definition = None if said is None else definition_from(info.context, said)
        seen = await reports.run_report(
            info.context,
            definition,
            saved_id=number_or_nobodys(input.saved_report_id, "SavedReport"),
            purpose=input.purpose,
            after=read_place(input.after, info.context.now),
            limit=size,
        )
        return Report.of(info, seen, input.after)

"""Reports: how accounts, guardians and students stand, listed or counted; on the screen by the page, and as a whole."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Final

from db.context import Context
from db.languages import say
from db.trail import Step
from policies.reasons import noted
from policies.refusals import FieldProblem, InvalidInput
from resolvers.report_catalogue import REPORTS, Kept, without
from resolvers.report_checks import camel, check_asked, laid_out, on_its_day, preset
from resolvers.report_columns import USERNAME, Maker, makers
from resolvers.report_outcomes import Cells, Column, Definition, Described, Export, ReportAsked, ReportName
from resolvers.report_rights import WHOLE_DISTRICT, RightsHeld, Sight, insist, may_run, offer, sight
from resolvers.report_sources import Accounts, Placed, Position, Source, source_of
from resolvers.saved_reports import definition_of
from resolvers.step import StepTaken, taking

#: Rows that are looked up at once for an export: to make them out takes no longer than a request may have to wait.
BATCH: Final = 100
#: Groups that are told on the screen: more kinds than a district has schools and grades.
MOST_GROUPS: Final = 10_000


@dataclass(frozen=True, slots=True)
class ReportSeen:
    """A page of a report. Where it is counted, there are groups in place of rows."""

    described: Described
    columns: tuple[Column, ...]
    rows: list[tuple[Cells, Position]]
    more: bool
    groups: list[Cells]
    listed: Source

    async def total(self) -> int:
        """How many rows there are in all; of one that is counted, how many there would be."""
        return await self.listed.count()


# ------------------------------------------------------------------------------------------------ what there is
def described(name: ReportName) -> Described:
    """What a report lists, and how it may be laid out by whoever may know the most of it."""
    return REPORTS[name].described


def offered(ctx: Context) -> list[Described]:
    """The reports that the asker may run, each as `offer` has it."""
    if ctx.asker is None:
        return []
    seen = [(kept, sight(ctx, kept)) for kept in REPORTS.values()]
    return [offer(ctx, kept, seen_by) for kept, seen_by in seen if may_run(ctx, kept, seen_by)]


# ------------------------------------------------------------------------------------------------ as a whole
async def export(ctx: Context, asked: ReportAsked, purpose: str) -> Export:
    """A report as a whole, noted in the trail with its purpose before the first row.

    The rows come in batches that are looked up as they are wanted, in short statements; no transaction stays open, and
    the asker's rights are looked at again for each batch.

    Args:
        ctx: the request.
        asked: which report, of what, and how it is laid out.
        purpose: what it is for, in a few words, as it is kept in the trail.

    Raises:
        NotAllowed: nobody is signed in, or not somebody who may know of any row; also by `batches`, when the right
            ends while they are read.
        InvalidInput: a column, a filter, an order or a grouping that this report does not offer to this asker, a date
            that it needs, or no good purpose. The last word of each path is the field's.
    """
    kept = REPORTS[asked.name]
    async with taking(ctx, Step.EXPORT_REPORT) as step:
        seen, asked = _checked(ctx, step, kept, asked)
        source, total = await _noted_source(ctx, step, kept, seen, asked, purpose)
    return _as_a_whole(asked, source, total, RightsHeld(ctx, kept, seen).insist_again)


async def export_by_operator(ctx: Context, asked: ReportAsked, purpose: str) -> Export:
    """As `export`, of the whole district, for whoever runs a command beside the database; without usernames.

    Nobody is signed in there, and no rule of the policy table speaks of the operator: only the command line calls this.

    Raises:
        InvalidInput: as `export` does.
    """
    kept = REPORTS[asked.name]
    async with taking(ctx, Step.EXPORT_REPORT) as step:
        step.note.details["report"] = asked.name.value
        check_asked(asked, without(kept.described, frozenset({USERNAME})))
        step.note.details |= _laid_out_as(asked)
        asked = preset(asked, kept)
        source, total = await _noted_source(ctx, step, kept, WHOLE_DISTRICT, asked, purpose)
    return _as_a_whole(asked, source, total, _still_the_operator)


async def _still_the_operator() -> None:
    """Whoever has the machine has it until the end."""


async def _noted_source(  # noqa: PLR0917
    ctx: Context, step: StepTaken, kept: Kept, seen: Sight, asked: ReportAsked, purpose: str
) -> tuple[Source, int]:
    step.note.details["purpose"] = noted(purpose, "purpose")
    source = source_of(ctx, kept, seen, asked)
    total = step.note.details["rows"] = await source.count()
    return source, total


def _as_a_whole(asked: ReportAsked, source: Source, total: int, insist_again: Callable[[], Awaitable[None]]) -> Export:
    columns = laid_out(asked)
    cells = makers(*(column.key for column in columns))
    return Export(columns, total, _batches(insist_again, source, cells))


async def _batches(
    insist_again: Callable[[], Awaitable[None]], source: Source, cells: Sequence[Maker]
) -> AsyncIterator[list[Cells]]:
    after: Position | None = None
    more = True
    while more:
        await insist_again()
        found = await source.page(after, BATCH)
        more = len(found) == BATCH
        if found:
            after = found[-1].position
            yield [_cells(row, cells) for row in found]


def _cells(placed: Placed, cells: Sequence[Maker]) -> Cells:
    return tuple(make(placed.row) for make in cells)


# ------------------------------------------------------------------------------------------------ by the page
async def run_report(
    ctx: Context,
    definition: Definition | None,
    *,
    saved_id: int | None,
    purpose: str | None,
    after: Position | None,
    limit: int,
) -> ReportSeen:
    """A page of a report, for the screen; or all groups, where it is counted.

    What it asks for is said by a definition, or by the id of one that was saved. Each page is noted in the trail: a
    cursor is nothing that only we can write, and whoever begins with one begins all the same. Usernames need a purpose.

    Raises:
        NotAllowed, InvalidInput: as `export` does; and for a position that is none of this report.
    """
    async with taking(ctx, Step.RUN_REPORT) as step:
        asked = await _asked_for(ctx, definition, saved_id)
        if saved_id is not None:
            step.note.details["saved_report"] = saved_id
        seen = await _page(ctx, step, asked, purpose, after, limit)
        step.note.details["rows"] = len(seen.rows) + len(seen.groups)
        return seen


async def _asked_for(ctx: Context, definition: Definition | None, saved_id: int | None) -> ReportAsked:
    if definition is not None and saved_id is None:
        return on_its_day(ctx, definition)
    if definition is None and saved_id is not None:
        return on_its_day(ctx, await definition_of(ctx, saved_id))
    problem = say("Say what the report asks for, or which saved one it is: one of the two.")
    raise InvalidInput([FieldProblem(("input", "definition"), problem)])


async def _page(  # noqa: PLR0917
    ctx: Context, step: StepTaken, asked: ReportAsked, purpose: str | None, after: Position | None, limit: int
) -> ReportSeen:
    kept = REPORTS[asked.name]
    seen, asked = _checked(ctx, step, kept, asked)
    if purpose is not None or USERNAME in asked.columns:
        step.note.details["purpose"] = noted(purpose or "", "purpose")
    source, columns = source_of(ctx, kept, seen, asked), laid_out(asked)
    cells = makers(*(column.key for column in columns))
    mine = offer(ctx, kept, seen)
    if asked.group_by:
        found = await source.page(None, MOST_GROUPS)
        listed = Accounts(ctx, seen, replace(asked, group_by=()))
        return ReportSeen(mine, columns, [], more=False, groups=[_cells(row, cells) for row in found], listed=listed)
    if after is not None and not source.has(after):
        problem = say("This is not a cursor of this report.")
        raise InvalidInput([FieldProblem(("input", "after"), problem)])
    found = await source.page(after, limit + 1)
    rows = [(_cells(row, cells), row.position) for row in found[:limit]]
    return ReportSeen(mine, columns, rows, more=len(found) > limit, groups=[], listed=source)


def _checked(ctx: Context, step: StepTaken, kept: Kept, asked: ReportAsked) -> tuple[Sight, ReportAsked]:
    """How far the asker sees by this report, and what is asked for with what the report itself says.

    Raises:
        NotAllowed, InvalidInput: as `export` does, but for the purpose.
    """
    step.note.details["report"] = asked.name.value
    seen, step.note.rule = insist(ctx, kept)
    check_asked(asked, offer(ctx, kept, seen))
    step.note.details |= _laid_out_as(asked)
    return seen, preset(asked, kept)


def _laid_out_as(asked: ReportAsked) -> dict[str, object]:
    return {"filter": in_words(asked), "columns": list(asked.columns), "group_by": list(asked.group_by)}


def in_words(asked: ReportAsked) -> dict[str, str]:
    """The filters that are asked for, by name, as they are kept in the trail."""
    said = ((field.name, getattr(asked.wanted, field.name)) for field in fields(asked.wanted))
    return {camel(name): _word(value) for name, value in said if value is not None}


def _word(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    return str(value)

"""Reports that a school keeps by name, to be run again; whoever runs one sees by the own rights and no others."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from db.context import Context
from db.languages import Sentence, say
from db.queries import reports_saved as queries
from db.queries.portal import school as school_on_record
from db.queries.reach import Reach
from db.trail import Step
from policies.gate import Facts, gate_of
from policies.reasons import few_words
from policies.refusals import FieldProblem, InvalidInput, NotAllowed, NotFound
from policies.words import Action
from resolvers.outcomes import School
from resolvers.reach import students_reached
from resolvers.report_catalogue import REPORTS
from resolvers.report_checks import check_asked, on_its_day
from resolvers.report_definitions import plain_definition, read_definition
from resolvers.report_outcomes import Definition
from resolvers.report_rights import insist, offer
from resolvers.reporting import name_of
from resolvers.step import StepTaken, taking

#: A school keeps so many at most, and so does the district.
MOST_KEPT: Final = 200
_REPORTING: Final = (Action.REPORT_ACCOUNTS, Action.REPORT_STUDENT_ACCOUNTS)


@dataclass(frozen=True, slots=True)
class SavedReport:
    """A report that a school keeps, or the district."""

    id: int
    name: str
    school: School | None
    #: None where it is not understood any more.
    definition: Definition | None
    #: A person's name, or that of a service client.
    created_by: str
    created_at: datetime
    changed_at: datetime


# ------------------------------------------------------------------------------------------------ keeping
async def save_report(
    ctx: Context, *, school_id: int | None, name: str, definition: Definition, replace: bool
) -> SavedReport:
    """Keeps a report under a name.

    Args:
        ctx: the request.
        school_id: whose it is; None for the district's.
        name: by which people find it; no two of a school have the same one.
        definition: what it asks for.
        replace: whether one of that name may be there already, which is then another one.

    Raises:
        NotAllowed: to whoever may not report on anything at that school, or in the district, or not run this report.
        NotFound: there is no such school.
        InvalidInput: what the report does not offer to the asker, a name that is none or is taken, or too many.
    """
    async with taking(ctx, Step.SAVE_REPORT) as step:
        _may_keep(ctx, step, school_id)
        words = few_words(name, "name")
        kept = REPORTS[definition.asked.name]
        seen, _ = insist(ctx, kept)
        check_asked(on_its_day(ctx, definition), offer(ctx, kept, seen))
        if school_id is not None and await school_on_record(school_id) is None:
            raise NotFound
        plain = plain_definition(definition)
        async with step.transaction():
            id_ = await queries.replace(school_id, words, plain, now=ctx.now) if replace else None
            id_ = id_ or await _add(ctx, school_id, words, plain)
            step.note.details |= {"saved_report": id_, "name": words, "definition": plain}
        return await _again(id_)


async def _add(ctx: Context, school_id: int | None, name: str, plain: Mapping[str, Any]) -> int:
    if await queries.count_of(school_id) >= MOST_KEPT:
        raise _refused(say("There are %(most)s already: delete one that nobody needs.", most=MOST_KEPT))
    me, service = ctx.viewer, ctx.service
    id_ = await queries.add(
        school_id,
        name,
        plain,
        person_id=me.person_id if me else None,
        client_id=service.id if me is None and service else None,
        now=ctx.now,
    )
    if id_ is None:
        raise _refused(say("There is one of this name: choose another name, or say that it is to be replaced."))
    return id_


def _refused(problem: Sentence) -> InvalidInput:
    return InvalidInput([FieldProblem(("input", "name"), problem)])


async def delete_report(ctx: Context, *, saved_id: int) -> None:
    """Takes a saved report away.

    Raises:
        NotAllowed: to whoever may not report on anything at its school, or in the district.
        NotFound: there is none, or it is not the asker's to see.
    """
    async with taking(ctx, Step.DELETE_REPORT) as step:
        reach = _readable(ctx)
        if reach is None:
            _may_keep(ctx, step, None)
        async with step.transaction():
            row = await queries.lock(saved_id)
            if row is None or reach is None or not _is_visible(reach, row["school_id"]):
                raise NotFound
            _may_keep(ctx, step, row["school_id"])
            await queries.delete(saved_id)
            step.note.details |= {"saved_report": saved_id, "name": row["name"]}


def _may_keep(ctx: Context, step: StepTaken, school_id: int | None) -> None:
    facts = Facts(schools=frozenset() if school_id is None else frozenset({school_id}))
    gate = gate_of(ctx)
    decisions = (gate.may(ctx.asker, action, facts, looking=True) for action in _REPORTING)
    decision = next(filter(None, decisions), None)
    step.note.rule = (decision or gate.require(ctx.asker, _REPORTING[0], facts, looking=True)).rule


# ------------------------------------------------------------------------------------------------ finding
async def saved_reports(ctx: Context, *, school_id: int | None, after: int, limit: int) -> list[SavedReport]:
    """Those of the asker's schools and of the district by id, or of one school alone, from the one after `after`."""
    reach = _readable(ctx)
    rows = await queries.page(reach, school_id, after=after, limit=limit) if reach else []
    return [_saved(row) for row in rows]


async def saved_report(ctx: Context, saved_id: int) -> SavedReport | None:
    """The one with this id; None when it is absent, or not the asker's to see."""
    reach = _readable(ctx)
    row = await queries.one(reach, saved_id) if reach else None
    return _saved(row) if row else None


async def definition_of(ctx: Context, saved_id: int) -> Definition:
    """What a saved report asks for.

    Raises:
        NotAllowed: nobody may run a report who asks.
        InvalidInput: there is none, it is not the asker's to see, or it is not understood any more.
    """
    reach = _readable(ctx)
    if reach is None:
        raise NotAllowed(gate_of(ctx).may(ctx.asker, _REPORTING[0], Facts(schools=frozenset()), looking=True).missing)
    row = await queries.one(reach, saved_id)
    if row is None:
        problem = say("There is no such saved report.")
        raise InvalidInput([FieldProblem(("input", "savedReportId"), problem)])
    return read_definition(row["definition"])


def _readable(ctx: Context) -> Reach | None:
    """The schools whose saved reports the asker may see and run; None for whoever may report nothing."""
    return students_reached(ctx, *_REPORTING) or None


def _is_visible(reach: Reach, school_id: int | None) -> bool:
    return reach.everywhere or school_id is None or school_id in reach.schools


async def _again(saved_id: int) -> SavedReport:
    """One that the asker has just written."""
    row = await queries.one(Reach(everywhere=True), saved_id)
    if row is None:
        raise RuntimeError("a report that was just saved is gone")
    return _saved(row)


def _saved(row: Mapping[str, Any]) -> SavedReport:
    try:
        definition = read_definition(row["definition"])
    except InvalidInput:
        definition = None
    return SavedReport(
        id=row["id"],
        name=row["name"],
        school=School(row["school_id"], row["school"], row["phone"]) if row["school_id"] else None,
        definition=definition,
        created_by=row["client"] or name_of(row).display,
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )

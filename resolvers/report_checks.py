"""Whether a report can be asked for as it is: columns, filters, order and grouping that it offers to the asker."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Final

from db.context import Context
from db.languages import Sentence, say
from db.queries.reporting import Wanted
from policies.refusals import FieldProblem, InvalidInput
from resolvers.report_catalogue import Kept
from resolvers.report_columns import COUNT, GROUPED, columns
from resolvers.report_outcomes import Column, Definition, Described, Grouping, ReportAsked

#: By so many of `Grouping` at once.
MOST_GROUPINGS: Final = 2
#: Characters of a grade level that is asked for; none is longer on record.
LONGEST_GRADE: Final = 16
#: Days that a definition may look back: ten years.
MOST_DAYS: Final = 3660


def camel(name: str) -> str:
    """A field of ours as the outside calls it: `schoolId` for `school_id`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def check_asked(asked: ReportAsked, offered: Described) -> None:
    """Goes on only when the report offers all that is asked for.

    Raises:
        InvalidInput: all fields with problems; the last word of each path is the field's.
    """
    problems = [
        FieldProblem(path, message)
        for path, message in (
            *_of_columns(asked, offered),
            *_of_filters(asked.wanted, offered),
            *_of_order(asked, offered),
        )
    ]
    if problems:
        raise InvalidInput(problems)


_Problems = Iterator[tuple[tuple[str, ...], Sentence]]


def _of_columns(asked: ReportAsked, offered: Described) -> _Problems:
    known = {column.key for column in offered.columns}
    if not known.issuperset(asked.columns):
        yield ("input", "definition", "columns"), say("This report has no such column for you.")
    elif len(set(asked.columns)) != len(asked.columns):
        yield ("input", "definition", "columns"), say("Each column only once.")
    elif asked.columns and asked.group_by:
        yield ("input", "definition", "columns"), say("What is counted has no columns of its own: leave them out.")
    if not {grouping.value for grouping in offered.groupings}.issuperset(asked.group_by):
        yield ("input", "definition", "groupBy"), say("This report cannot be counted by that.")
    elif len(asked.group_by) > MOST_GROUPINGS or len(set(asked.group_by)) != len(asked.group_by):
        yield ("input", "definition", "groupBy"), say("By one thing, or by two different ones.")


def _of_filters(wanted: Wanted, offered: Described) -> _Problems:
    for field in fields(wanted):
        if getattr(wanted, field.name) is not None and field.name not in offered.filters:
            yield ("input", "definition", "filter", camel(field.name)), say("This filter does not go with this report.")
    if offered.needs and getattr(wanted, offered.needs) is None:
        yield ("input", "definition", "filter", camel(offered.needs)), say("Say since when.")
    grade = wanted.grade_level or ""
    if len(grade) > LONGEST_GRADE:
        yield (
            ("input", "definition", "filter", "gradeLevel"),
            say("Say it in at most %(limit)s characters.", limit=LONGEST_GRADE),
        )
    elif not grade.isprintable():
        yield ("input", "definition", "filter", "gradeLevel"), say("One of the characters cannot be used here.")


def _of_order(asked: ReportAsked, offered: Described) -> _Problems:
    if asked.order not in offered.orders:
        yield ("input", "definition", "order"), say("This report cannot be put in that order.")


def on_its_day(ctx: Context, definition: Definition) -> ReportAsked:
    """What a definition asks for today.

    Raises:
        InvalidInput: it looks back further than anybody does, or by two measures at once.
    """
    days, asked = definition.not_signed_in_for_days, definition.asked
    if days is None:
        return asked
    field = ("input", "definition", "filter", "notSignedInForDays")
    if not 0 < days <= MOST_DAYS:
        raise InvalidInput([FieldProblem(field, say("Say a number of days from 1 to %(most)s.", most=MOST_DAYS))])
    if asked.wanted.not_signed_in_since is not None:
        raise InvalidInput([FieldProblem(field, say("Say a day, or for how many days; not both."))])
    day = ctx.today - timedelta(days=days)
    since = datetime(day.year, day.month, day.day, tzinfo=ctx.rules.zone)
    return replace(asked, wanted=replace(asked.wanted, not_signed_in_since=since))


def preset(asked: ReportAsked, kept: Kept) -> ReportAsked:
    """The same with what the report itself says of the filter, and with its own columns where none is named."""
    columns_ = asked.columns or kept.described.defaults
    return replace(asked, wanted=replace(asked.wanted, **kept.presets), columns=columns_)


def laid_out(asked: ReportAsked) -> tuple[Column, ...]:
    """The columns of a report that was checked and preset: those asked for, or what is counted by and how many."""
    if asked.group_by:
        keys = (key for grouping in asked.group_by for key in GROUPED[Grouping(grouping)])
        return columns(*keys, COUNT)
    return columns(*asked.columns)

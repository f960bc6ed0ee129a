"""Who is likely to be on record twice: pairs for a registrar to look at, one of whom may be merged into the other."""

from collections.abc import Mapping
from typing import Any

from db.context import Capacity, Context
from db.queries import duplicates as queries
from db.trail import Step
from policies.refusals import NotAllowed
from policies.words import Action
from resolvers.merge_outcomes import Alike, Likeness, Recorded, RecordSeen
from resolvers.merging import reached_by_both
from resolvers.outcomes import School
from resolvers.reach import rule_for
from resolvers.reporting import name_of
from resolvers.step import taking

#: The column that says so; the name is the same in all pairs.
_SAID = {
    Likeness.SAME_EMAIL: "same_email",
    Likeness.SAME_BIRTH_DATE: "born_alike",
    Likeness.SHARED_STUDENT: "shared_student",
    Likeness.SHARED_GUARDIAN: "shared_guardian",
    Likeness.SAME_HOUSEHOLD: "same_household",
}


async def likely_pairs(
    ctx: Context, *, school_id: int | None, after: tuple[int, int] | None, limit: int
) -> list[Alike]:
    """Two guardians or two students who may be one human being, as far as both are in the asker's charge with all of
    their students; by their ids.

    The trail notes how many were shown. Whoever may not look sees nobody, and that is noted as refused.
    """
    try:
        async with taking(ctx, Step.FIND_DUPLICATES) as step:
            step.note.rule = rule_for(ctx, Action.HOUSEHOLD_MANAGE)
            rule_for(ctx, Action.GUARDIANSHIP_MANAGE)
            reach = reached_by_both(ctx)
            rows = await queries.pairs(reach, school_id, on=ctx.today, after=after, limit=limit) if reach else []
            step.note.details["found"] = len(rows)
    except NotAllowed:
        return []
    return [_alike(row) for row in rows]


def _alike(row: Mapping[str, Any]) -> Alike:
    kind = Capacity(row["kind"])
    alike = [Likeness.SAME_NAME, *(each for each, column in _SAID.items() if row[column])]
    return Alike(_record(row["first"], kind), _record(row["second"], kind), alike)


def _record(row: Mapping[str, Any], kind: Capacity) -> RecordSeen:
    return RecordSeen(
        record=Recorded(kind, row["id"]),
        name=name_of(row),
        schools=[School(each["id"], each["name"], each["phone"]) for each in row["schools"]],
        students=[name_of(each) for each in row["students"] or ()],
        activated=row["activated"],
    )

"""Finding people for the desks: what a designee or a registrar may see before anybody has been verified."""

from collections.abc import Mapping
from typing import Any

from db.context import Context
from db.queries import directory as queries
from db.trail import Step
from policies.guardianship import GuardianshipFacts, Standing, standing
from policies.names import folded
from policies.refusals import NotAllowed
from policies.words import Action
from resolvers.outcomes import AccountSeen, GuardianFound, GuardianSummary, Name, PersonFound
from resolvers.reach import accounts_reached, rule_for, students_reached
from resolvers.registrar import student_summary
from resolvers.reporting import account_of, name_of
from resolvers.step import taking

#: The desks that look people up.
_DESKS = (Action.VERIFICATION_RUN, Action.GUARDIANSHIP_MANAGE)
#: Characters of a search; longer ones find nobody.
LONGEST_SEARCH = 100


def is_searchable(search: str) -> bool:
    """Whether there is enough to look for: two letters or digits, and no more than a name could have."""
    return len(search) <= LONGEST_SEARCH and sum(c.isalnum() for c in folded(search)) >= 2


async def find_people(ctx: Context, search: str, *, limit: int, with_schools: bool = False) -> list[PersonFound]:
    """Students of the asker's schools whom a name or a number finds, by family name, given name and id.

    Each word of the search is to be the beginning of a word in the names of one person, the student or a guardian. A
    number counts whole, or without its leading zeros where that is unique. The trail notes how many were found, never
    what was searched for; whoever may not search finds nobody, and that is noted as refused.
    """
    try:
        async with taking(ctx, Step.FIND_PEOPLE) as step:
            step.note.rule = rule_for(ctx, *_DESKS)
            rows = await queries.people(
                students_reached(ctx, *_DESKS),
                accounts_reached(ctx),
                search,
                number=search.strip(),
                on=ctx.today,
                with_schools=with_schools,
                limit=limit,
            )
            step.note.details["found"] = len(rows)
    except NotAllowed:
        return []
    return [_found(ctx, row) for row in rows]


def _found(ctx: Context, row: Mapping[str, Any]) -> PersonFound:
    student = student_summary(row, row["id"])
    return PersonFound(
        student=student,
        account=_account(row["account"], row["id"], student.name),
        guardians=[_guardian(ctx, row, guardian) for guardian in row["guardians"]],
    )


def _guardian(ctx: Context, student: Mapping[str, Any], row: Mapping[str, Any]) -> GuardianFound:
    name = name_of(row)
    stands = standing(GuardianshipFacts.of(row, student["birth_date"]), on=ctx.today, seeing=False)
    return GuardianFound(
        guardian=GuardianSummary(row["person_id"], name),
        relationship=row["relationship"],
        confirmed=stands is Standing.CONFIRMED,
        account=_account(row["account"], row["person_id"], name),
    )


def _account(row: Mapping[str, Any] | None, person_id: int, name: Name) -> AccountSeen | None:
    return None if row is None else account_of({**row, "person_id": person_id}, name)

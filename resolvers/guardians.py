"""A guardian as the registrar has one on the desk: found by name, and looked at with guardianships and households."""

from dataclasses import dataclass

from db.context import Context
from db.queries import guardians as queries
from db.queries import registrar as registrar_queries
from db.trail import Step
from mail.outbox import masked
from policies.refusals import NotAllowed
from policies.words import Action
from resolvers.outcomes import GuardianshipSeen, GuardianSummary
from resolvers.reach import rule_for, students_reached
from resolvers.registrar import guardianship_seen
from resolvers.reporting import name_of
from resolvers.step import taking


@dataclass(frozen=True, slots=True)
class Namesake:
    """Somebody of a name that was looked for, and enough of the address to tell one from another."""

    guardian: GuardianSummary
    email: str | None


async def guardian(ctx: Context, person_id: int) -> GuardianSummary | None:
    """The guardian with this id; None when absent, or guardian of no student of the asker's schools."""
    if not any(tie.guardian.id == person_id for tie in await guardianships_of(ctx, person_id)):
        return None
    row = await queries.one(person_id)
    return GuardianSummary(row["id"], name_of(row)) if row else None


async def guardianships_of(ctx: Context, person_id: int) -> list[GuardianshipSeen]:
    """The guardianships of a guardian or of a student that the asker may manage, claimed ones first."""
    reach = students_reached(ctx, Action.GUARDIANSHIP_MANAGE)
    rows = await registrar_queries.of_person(reach, person_id, on=ctx.today) if reach else []
    return [guardianship_seen(row, ctx.today) for row in rows]


async def find_guardians(ctx: Context, *, given: str, family: str, limit: int) -> list[Namesake]:
    """People of the whole district of just this given and family name; not by the beginning of one.

    For a guardian of whom no student of the registrar's schools tells yet. The trail notes how many were found, never
    what was searched for; whoever is no registrar finds nobody, and that is noted as refused.
    """
    try:
        async with taking(ctx, Step.FIND_PEOPLE) as step:
            step.note.rule = rule_for(ctx, Action.GUARDIANSHIP_MANAGE)
            rows = await queries.by_name(given, family, limit)
            step.note.details["found"] = len(rows)
    except NotAllowed:
        return []
    return [
        Namesake(GuardianSummary(row["id"], name_of(row)), masked(row["email"]) if row["email"] else None)
        for row in rows
    ]

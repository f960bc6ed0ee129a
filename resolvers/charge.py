"""Who is in a registrar's charge: students of the registrar's schools, those around them, and nobody of the own family.

Each step of the registrar's desk goes through here before it changes anything.
"""

from collections.abc import Collection, Iterable

from db.context import Context, Role, Viewer
from db.queries import charge as queries
from policies.gate import Facts, gate_of
from policies.refusals import MissingFact, NotAllowed, NotFound
from policies.words import Action
from resolvers.step import StepTaken


def registrar_anywhere(ctx: Context, step: StepTaken, action: Action) -> Viewer:
    """Whoever may do this at no school learns no more than that, whatever is asked about.

    Raises:
        NotAllowed: with what is missing.
    """
    if ctx.viewer is None:
        raise NotAllowed([MissingFact.SIGNED_IN])
    step.note.details["role"] = Role.REGISTRAR.value
    gate_of(ctx).require(ctx.viewer, action, Facts(schools=ctx.viewer.schools))
    return ctx.viewer


def require_at(ctx: Context, step: StepTaken, action: Action, schools: Iterable[int]) -> None:
    """The asker may do this at one of these schools, or in the whole district.

    Raises:
        NotAllowed: with what is missing.
    """
    step.note.rule = gate_of(ctx).require(ctx.viewer, action, Facts(schools=frozenset(schools))).rule


async def require_for_students(ctx: Context, step: StepTaken, action: Action, students: Collection[int]) -> None:
    """Each of these students is of a school of the asker's.

    Raises:
        NotFound: one of them is no student on record.
        NotAllowed: with what is missing.
    """
    found = {row["id"]: row for row in await queries.places(students, ctx.today) if row["is_student"]}
    if set(students) - set(found):
        raise NotFound
    for row in found.values():
        require_at(ctx, step, action, row["own_schools"])


async def refuse_family(ctx: Context, viewer: Viewer, people: Collection[int]) -> None:
    """Nobody puts the own family's record right, or their own.

    Raises:
        NotAllowed: when the asker is one of these people, a guardian or ward of one, or lives with one.
    """
    if await queries.family(people, viewer.person_id, ctx.today):
        raise NotAllowed([MissingFact.NOT_RELATED])

"""Why a student whom a guardian may expect is not shown, as far as that guardian may know."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from db.context import Capacity, Context
from db.languages import Sentence, say
from db.queries import portal as queries
from policies.gate import gate_of
from policies.guardianship import Standing
from policies.words import Action
from resolvers.outcomes import Name
from resolvers.portal import student_facts
from resolvers.reporting import name_of
from resolvers.session import contact


class HiddenReason(StrEnum):
    """Why, in words that tell nobody kept away that somebody is, nor from whom."""

    NOT_CONFIRMED = "NOT_CONFIRMED"
    NOT_MARKED = "NOT_MARKED"
    RIGHTS_PASSED = "RIGHTS_PASSED"
    WITHHELD = "WITHHELD"


#: Whatever is not here is withheld: a restriction and a revocation look alike, and like whatever is not known.
_REASONS: Final[Mapping[Standing, HiddenReason]] = {
    Standing.CLAIMED: HiddenReason.NOT_CONFIRMED,
    Standing.UNMARKED: HiddenReason.NOT_MARKED,
    Standing.RIGHTS_PASSED: HiddenReason.RIGHTS_PASSED,
}
#: The guardianship is confirmed: the name is no news to the guardian.
_NAMED: Final = frozenset({HiddenReason.NOT_MARKED, HiddenReason.RIGHTS_PASSED})
MESSAGES: Final[Mapping[HiddenReason, Sentence]] = {
    HiddenReason.NOT_CONFIRMED: say(
        "The school has not confirmed yet that you are the guardian of a student. Please call: the registrar looks at "
        "what shows it."
    ),
    HiddenReason.NOT_MARKED: say(
        "The school has not opened the portal to you for this student. Please call if you think that it should."
    ),
    HiddenReason.RIGHTS_PASSED: say(
        "This student is an adult now, and decides who reads the record. The student can tell the school that you may."
    ),
    HiddenReason.WITHHELD: say(
        "There is something on record that the portal does not show you. Please call: it cannot be explained here."
    ),
}


@dataclass(frozen=True, slots=True)
class HiddenStudent:
    """One reason why somebody is not shown."""

    reason: HiddenReason
    name: Name | None
    contact: Sentence | str

    @property
    def message(self) -> Sentence:
        return MESSAGES[self.reason]


async def hidden_students(ctx: Context) -> list[HiddenStudent]:
    """What a guardian may know about the students on record who are not in `portal.students`.

    Without a name, one entry stands for any number of students: how many there are is not told.
    """
    viewer, gate = ctx.viewer, gate_of(ctx)
    if viewer is None or viewer.capacity is not Capacity.GUARDIAN:
        return []
    named: list[tuple[HiddenReason, Name]] = []
    unnamed: set[HiddenReason] = set()
    for row in await queries.students_of_guardian(viewer.person_id, ctx.today, None):
        facts = student_facts(ctx, row)
        if gate.may(viewer, Action.STUDENT_READ, facts):
            continue
        reason = _REASONS.get(facts.guardianship, HiddenReason.WITHHELD)
        if reason in _NAMED:
            named.append((reason, name_of(row)))
        else:
            unnamed.add(reason)
    # A school to call is one of a student whom the guardian is not kept away from; else the district's contact.
    away = ctx.rules.contact
    call = await contact(ctx, viewer.person_id) if named or unnamed - {HiddenReason.WITHHELD} else away
    return [HiddenStudent(reason, name, call) for reason, name in named] + [
        HiddenStudent(reason, None, away if reason is HiddenReason.WITHHELD else call)
        for reason in HiddenReason
        if reason in unnamed
    ]

"""What the policy table says to a role in a situation: for administrators who are asked why somebody may not."""

from dataclasses import asdict

from db.context import Context
from db.languages import Sentence, say
from db.trail import Step
from policies.gate import Explanation, Facts, gate_of
from policies.refusals import FieldProblem, InvalidInput
from policies.situation import Unknown, UnknownWords, situation
from policies.words import Action
from resolvers.step import taking

#: The rules are the district's and of no school.
_THE_RULES = Facts(schools=frozenset())


async def explain(
    ctx: Context, *, role: str, scope: str, action: str, guardianship: str, verification: str
) -> Explanation:
    """The row of the table that says yes in this situation, or what is missing for one. The words are the table's.

    Raises:
        NotAllowed: to whoever is not an administrator.
        InvalidInput: for words that the table does not know; it lists those that it does.
    """
    async with taking(ctx, Step.EXPLAIN_POLICY) as step:
        gate = gate_of(ctx)
        step.note.rule = gate.require(ctx.viewer, Action.POLICY_EXPLAIN, _THE_RULES).rule
        try:
            asked = situation(
                role=role, scope=scope, action=action, guardianship=guardianship, verification=verification
            )
        except UnknownWords as unknown:
            raise InvalidInput(
                [FieldProblem(("input", each.column), _not_known(each)) for each in unknown.words]
            ) from None
        step.note.details |= asdict(asked)
        return gate.explain(asked.role, asked.scope, asked.action, asked.guardianship, asked.verification)


def _not_known(word: Unknown) -> Sentence:
    return say(
        "This is not a known %(column)s. Known words: %(known)s.", column=word.column, known=", ".join(word.known)
    )

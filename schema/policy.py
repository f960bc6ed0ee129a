"""What the rules say to a role in a situation, and why."""

from typing import Annotated

import strawberry

from db import context
from db.context import Context
from db.languages import Language
from policies.gate import Explanation
from resolvers import policy
from schema.messages import SUPPLIED_BY
from schema.people import Role
from schema.refusals import InvalidInput, MissingFact, NotAllowed
from schema.wording import worded

Info = strawberry.Info[Context, None]


@strawberry.input(description="A situation, in the words of the policy table.")
class ExplainPolicyInput:
    role: Role = strawberry.field(description="Who asks.")
    scope: str = strawberry.field(
        description="How near it is to them: `own`, `own_student`, `same_school`, `same_district` or `none`."
    )
    action: str = strawberry.field(description="What for, such as `account:reset`.")
    guardianship: str = strawberry.field(
        default="none", description="What the guardianship amounts to today, such as `confirmed`."
    )
    verification: str = strawberry.field(
        default="none", description="What the verification amounts to for this action, such as `passed`."
    )


@strawberry.type(
    description="What the policy table says. The second factor is asked for beside it, of the session and not here."
)
class PolicyExplanation:
    allowed: bool = strawberry.field(description="Whether it says yes.")
    rule: str | None = strawberry.field(description="The row that says yes, as the trail names it.")
    line: int | None = strawberry.field(description="The line of the table in which that row stands.")
    missing: list[MissingFact] = strawberry.field(description="What would have to be so for a yes.")
    advice: list[str] = strawberry.field(description="Who supplies each missing fact, in the same order.")

    @classmethod
    def of(cls, said: Explanation, language: Language) -> "PolicyExplanation":
        return cls(
            allowed=said.row is not None,
            rule=said.row.text if said.row else None,
            line=said.row.line if said.row else None,
            missing=[MissingFact[fact.name] for fact in said.missing],
            advice=[worded(SUPPLIED_BY[fact], language) for fact in said.missing],
        )


ExplainPolicyResult = Annotated[
    PolicyExplanation | NotAllowed | InvalidInput,
    strawberry.union("ExplainPolicyResult", description="What the rules say, or why that is not told."),
]


@strawberry.type
class PolicyQuery:
    @strawberry.field(description="What the rules say to a role in a situation, and why. For administrators.")
    async def explain_policy(
        self,
        info: Info,
        input: Annotated[ExplainPolicyInput, strawberry.argument(description="The situation.")],  # noqa: A002
    ) -> ExplainPolicyResult:
        said = await policy.explain(
            info.context,
            role=context.Role[input.role.name].value,
            scope=input.scope,
            action=input.action,
            guardianship=input.guardianship,
            verification=input.verification,
        )
        return PolicyExplanation.of(said, info.context.language)

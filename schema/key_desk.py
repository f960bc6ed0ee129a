"""The registrar gives out a key."""

from typing import Annotated

import strawberry

from db import context
from db.context import Context
from resolvers import key_desk
from schema.activation_key import ActivationKeyIssued
from schema.nodes import read_global_id
from schema.people import Capacity
from schema.refusals import AlreadyActivated, InvalidInput, NotAllowed, NotFound, WrongState

Info = strawberry.Info[Context, None]

#: Whose key it is, by the kind of the id. Any other id is nobody's.
_CAPACITIES = {"Guardian": context.Capacity.GUARDIAN, "Student": context.Capacity.STUDENT}
_NOBODY = (0, context.Capacity.GUARDIAN)


@strawberry.input(description="Who is to have a key, and why.")
class IssueActivationKeyInput:
    person_id: strawberry.ID = strawberry.field(
        description="A guardian, whose account the key opens; or a student, for the student's own account."
    )
    replace: bool = strawberry.field(
        default=False,
        description="Make a new key, after which the old one opens nothing; otherwise it is the key of record.",
    )
    reason: str = strawberry.field(description="Why, in a few words. Kept in the trail; no numbers of documents.")


IssueActivationKeyResult = Annotated[
    ActivationKeyIssued | AlreadyActivated | NotAllowed | NotFound | InvalidInput | WrongState,
    strawberry.union("IssueActivationKeyResult", description="The key, or why none was given out."),
]


@strawberry.type
class KeyDeskMutation:
    @strawberry.mutation(
        description="Gives out the activation key of a guardian or a student of one's schools. The student's guardians "
        "are told by letter."
    )
    async def issue_activation_key(
        self,
        info: Info,
        input: Annotated[IssueActivationKeyInput, strawberry.argument(description="Whose key, and why.")],  # noqa: A002
    ) -> IssueActivationKeyResult:
        person_id, capacity = _person(input.person_id)
        issued = await key_desk.issue_activation_key(
            info.context, person_id=person_id, capacity=capacity, replace=input.replace, reason=input.reason
        )
        return ActivationKeyIssued(
            key=issued.key, expires_at=issued.expires_at, capacity=Capacity[issued.capacity.name]
        )


def _person(text: str) -> tuple[int, context.Capacity]:
    read = read_global_id(text)
    return (read.number, _CAPACITIES[read.kind]) if read and read.kind in _CAPACITIES else _NOBODY

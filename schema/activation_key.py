"""Getting an activation key: proofs in, the key of record out."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from db.context import Context
from policies.names import Name
from resolvers import activation_key, outcomes
from schema.people import Capacity, PersonNameInput
from schema.refusals import AlreadyActivated, GuardianNameNeeded, InvalidInput, NotMatched, TooManyAttempts

Info = strawberry.Info[Context, None]


@strawberry.input(description="Proof that one is the guardian of a student, or the student.")
class RequestActivationKeyInput:
    student_number: str = strawberry.field(description="The district's number for the student.")
    student_birth_date: date = strawberry.field(description="The student's birth date.")
    student_ssn: str = strawberry.field(
        description="The student's social security number: nine digits; spaces and hyphens do not matter."
    )
    guardian_name: PersonNameInput | None = strawberry.field(
        default=None, description="Whose key: needed when the student has more than one guardian on record."
    )
    for_student: bool = strawberry.field(default=False, description="The student's own key instead of a guardian's.")


@strawberry.type(description="The key of record. It works once.")
class ActivationKeyIssued:
    key: str = strawberry.field(description="32 hexadecimal digits.")
    expires_at: datetime | None = strawberry.field(description="When it stops working; null for never.")
    capacity: Capacity = strawberry.field(description="What kind of account it opens.")


@strawberry.type(description="By setting the key goes only to the address on file.")
class ActivationKeySent:
    capacity: Capacity = strawberry.field(description="What kind of account it opens.")


RequestActivationKeyResult = Annotated[
    ActivationKeyIssued
    | ActivationKeySent
    | NotMatched
    | AlreadyActivated
    | GuardianNameNeeded
    | InvalidInput
    | TooManyAttempts,
    strawberry.union("RequestActivationKeyResult", description="The key, or why there is none."),
]


def _said(name: PersonNameInput | None) -> Name | None:
    if name is None:
        return None
    return Name(given=name.given, middle=name.middle, family=name.family, suffix=name.suffix)


@strawberry.type
class ActivationKeyMutation:
    @strawberry.mutation(
        description="The activation key for whoever proves to be the student's guardian, or the student."
    )
    async def request_activation_key(
        self,
        info: Info,
        input: Annotated[RequestActivationKeyInput, strawberry.argument(description="The proofs.")],  # noqa: A002
    ) -> RequestActivationKeyResult:
        answer = await activation_key.request_activation_key(
            info.context,
            student_number=input.student_number,
            birth_date=input.student_birth_date,
            ssn=input.student_ssn,
            guardian_name=_said(input.guardian_name),
            for_student=input.for_student,
        )
        if isinstance(answer, outcomes.KeySent):
            return ActivationKeySent(capacity=Capacity[answer.capacity.name])
        return ActivationKeyIssued(
            key=answer.key, expires_at=answer.expires_at, capacity=Capacity[answer.capacity.name]
        )

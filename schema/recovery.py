"""Setting a new password with a one-time code from the school, or with the link of a letter."""

from typing import Annotated

import strawberry

from db.context import Context
from resolvers import recovery
from schema.refusals import InvalidInput, TokenNotAccepted, TooManyAttempts
from schema.session import PasswordChanged

Info = strawberry.Info[Context, None]


@strawberry.input(description="A code or a link, and the new password.")
class SetNewPasswordInput:
    token: str = strawberry.field(
        description="From the letter, or the one-time code from the school; in a code, case, spaces and dashes "
        "do not matter."
    )
    password: str = strawberry.field(description="The new password.")
    verify_password: str = strawberry.field(description="The new password again.")


SetNewPasswordResult = Annotated[
    PasswordChanged | TokenNotAccepted | InvalidInput | TooManyAttempts,
    strawberry.union("SetNewPasswordResult", description="That it was set, or why not."),
]


@strawberry.type
class RecoveryMutation:
    @strawberry.mutation(
        description="Sets a new password and ends all sessions. A refused password does not use the code or link up."
    )
    async def set_new_password(
        self,
        info: Info,
        input: Annotated[SetNewPasswordInput, strawberry.argument(description="Token and password.")],  # noqa: A002
    ) -> SetNewPasswordResult:
        username = await recovery.set_new_password(
            info.context, token=input.token, password=input.password, verify_password=input.verify_password
        )
        return PasswordChanged(username=username)

"""A forgotten log-on: asking for the letter, and setting a new password by its link or by the school's code."""

from typing import Annotated

import strawberry

from db.context import Context
from resolvers import recovery
from schema.messages import LETTER_ON_ITS_WAY
from schema.refusals import HelpTopic, InvalidInput, TokenNotAccepted, TooManyAttempts
from schema.session import PasswordChanged
from schema.wording import worded

Info = strawberry.Info[Context, None]


# ------------------------------------------------------------------------------------------------ asking for the letter
@strawberry.input(description="Whose log-on information is wanted.")
class RecoverLogOnInput:
    email: str = strawberry.field(description="The address that the school has; upper and lower case are the same.")


@strawberry.type(
    description="If the address is on record, a letter goes there that lists the usernames, each with a link that "
    "sets a new password. The answer is the same for every address."
)
class LogOnLetterAskedFor:
    message: str = strawberry.field(description="A sentence for the person.")
    # Nullable, as it is in refusals: else a document could not ask for both under one name.
    help: HelpTopic | None = strawberry.field(
        description="What to do when no letter comes, or the school has no address."
    )


RecoverLogOnResult = Annotated[
    LogOnLetterAskedFor | InvalidInput | TooManyAttempts,
    strawberry.union("RecoverLogOnResult", description="That it was asked for, which says nothing of who is known."),
]


# ------------------------------------------------------------------------------------------------ the new password
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
        description="Sends the usernames of an address to that address, with a link for each that sets a new password "
        "once, within a short time. The same answer, in the same time, whoever has the address, or nobody."
    )
    async def recover_log_on(
        self,
        info: Info,
        input: Annotated[RecoverLogOnInput, strawberry.argument(description="The address.")],  # noqa: A002
    ) -> RecoverLogOnResult:
        await recovery.recover_log_on(info.context, email=input.email)
        message = worded(LETTER_ON_ITS_WAY, info.context.language)
        return LogOnLetterAskedFor(message=message, help=HelpTopic.FORGOTTEN_LOG_ON)

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

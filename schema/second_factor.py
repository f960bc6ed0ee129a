"""Setting up the second factor of staff, and giving a code again."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.context import Context
from resolvers import second_factor
from schema.refusals import NotAllowed, SecondFactorNeeded, TooManyAttempts, WrongCredentials, WrongState

Info = strawberry.Info[Context, None]


# ------------------------------------------------------------------------------------------------ setting one up
@strawberry.input(description="The password again, so that nobody sets up a factor at a screen that was left open.")
class EnrolSecondFactorInput:
    password: str = strawberry.field(description="The password that holds now.")


@strawberry.type(
    description="A new secret for an authenticator, shown this once. It is of use once a code of it was confirmed."
)
class SecondFactorOffered:
    secret: str = strawberry.field(description="To be typed into the authenticator: 32 signs.")
    uri: str = strawberry.field(description="To be shown as a QR code: `otpauth://totp/…`.")


EnrolSecondFactorResult = Annotated[
    SecondFactorOffered | NotAllowed | WrongCredentials | SecondFactorNeeded | TooManyAttempts,
    strawberry.union("EnrolSecondFactorResult", description="The new secret, or why there is none."),
]


# ------------------------------------------------------------------------------------------------ giving a code
@strawberry.input(description="A code of the second factor.")
class ConfirmSecondFactorInput:
    code: str = strawberry.field(
        description="What the authenticator shows, or a recovery code; blanks, dashes and case do not matter."
    )


@strawberry.type(description="The code was right: this session may act for a while.")
class SecondFactorConfirmed:
    until: datetime = strawberry.field(description="When a code is asked for again before an action.")
    recovery_codes: list[str] = strawberry.field(
        description="Where the factor is new: codes to print and put away, shown this once; earlier ones are void. "
        "Each stands in for the authenticator once. Otherwise empty."
    )
    recovery_codes_left: int = strawberry.field(description="How many recovery codes are still unused.")


ConfirmSecondFactorResult = Annotated[
    SecondFactorConfirmed | NotAllowed | SecondFactorNeeded | WrongState | TooManyAttempts,
    strawberry.union("ConfirmSecondFactorResult", description="That the code was right, or why it is not taken."),
]


@strawberry.type
class SecondFactorMutation:
    @strawberry.mutation(
        description="For staff: makes a new secret for an authenticator. Where a factor is in use, it stays so until "
        "a code of the new one is confirmed, and a code of it must have been given a short while ago."
    )
    async def enrol_second_factor(
        self,
        info: Info,
        input: Annotated[EnrolSecondFactorInput, strawberry.argument(description="The password.")],  # noqa: A002
    ) -> EnrolSecondFactorResult:
        offered = await second_factor.enrol_second_factor(info.context, password=input.password)
        return SecondFactorOffered(secret=offered.secret, uri=offered.uri)

    @strawberry.mutation(
        description="For staff: puts a new factor into use with its first code, or gives a code again in this session. "
        "A code is taken once."
    )
    async def confirm_second_factor(
        self,
        info: Info,
        input: Annotated[ConfirmSecondFactorInput, strawberry.argument(description="The code.")],  # noqa: A002
    ) -> ConfirmSecondFactorResult:
        confirmed = await second_factor.confirm_second_factor(info.context, code=input.code)
        return SecondFactorConfirmed(
            until=confirmed.until,
            recovery_codes=list(confirmed.recovery_codes),
            recovery_codes_left=confirmed.recovery_codes_left,
        )

"""Helping a verified caller at the designee's desk: look up, reset, enable, disable."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from db import models
from db.context import Context
from resolvers import helpdesk
from schema.account import Account, AccountDetails
from schema.nodes import number_of, number_or_nobodys
from schema.refusals import InvalidInput, NotAllowed, NotFound, WrongState

Info = strawberry.Info[Context, None]

_SHOWN_ACCOUNT = (
    "The account that the screen shows, if the tool wants to be sure: any other than the verified caller's is refused."
)


@strawberry.enum(description="How the means to set a new password reaches the holder.")
class ResetDelivery(Enum):
    CODE = strawberry.enum_value("CODE", description="A one-time code, shown once, to be told to the caller.")
    LINK = strawberry.enum_value("LINK", description="A letter with a link to the address on file.")


# ------------------------------------------------------------------------------------------------ looking up
@strawberry.input(description="A verification that has passed for looking up.")
class VerifiedInput:
    verification_id: strawberry.ID = strawberry.field(description="From `answerVerification`.")
    account_id: strawberry.ID | None = strawberry.field(default=None, description=_SHOWN_ACCOUNT)


@strawberry.type(description="The caller's account.")
class AccountFound:
    details: AccountDetails = strawberry.field(description="With username and address, for the verified caller.")


LookUpAccountResult = Annotated[
    AccountFound | NotAllowed | NotFound,
    strawberry.union("LookUpAccountResult", description="The account, or why it may not be looked at."),
]


# ------------------------------------------------------------------------------------------------ resetting
@strawberry.input(description="A verification that has passed for resetting, why, and how the holder goes on.")
class ResetAccountInput:
    verification_id: strawberry.ID = strawberry.field(description="From `answerVerification`. It is used up.")
    reason: str = strawberry.field(description="Why, in a few words. Kept in the trail; no numbers of documents.")
    delivery: ResetDelivery = strawberry.field(
        default=ResetDelivery.CODE, description="A code to tell the caller, or a letter to the address on file."
    )
    account_id: strawberry.ID | None = strawberry.field(default=None, description=_SHOWN_ACCOUNT)


@strawberry.type(
    description="The old password and all sessions have ended. The designee neither chooses nor learns a password."
)
class AccountReset:
    account: Account = strawberry.field(description="The account as it is now.")
    one_time_code: str | None = strawberry.field(
        description="10 letters and digits for the caller, for `setNewPassword`. Shown this once; null with a link."
    )
    sent_to: str | None = strawberry.field(description="The address on file, masked; null with a code.")
    expires_at: datetime = strawberry.field(description="Until when code or link sets a new password.")


ResetAccountResult = Annotated[
    AccountReset | NotAllowed | NotFound | WrongState | InvalidInput,
    strawberry.union("ResetAccountResult", description="How the holder goes on, or why nothing was done."),
]


# ------------------------------------------------------------------------------------------------ enabling, disabling
@strawberry.input(description="A verification that has passed for this action, and why it is taken.")
class VerifiedActionInput:
    verification_id: strawberry.ID = strawberry.field(description="From `answerVerification`. It is used up.")
    reason: str = strawberry.field(description="Why, in a few words. Kept in the trail; no numbers of documents.")
    account_id: strawberry.ID | None = strawberry.field(default=None, description=_SHOWN_ACCOUNT)


@strawberry.type(description="The account was changed; its holder is told by letter.")
class AccountChanged:
    account: Account = strawberry.field(description="The account as it is now.")


EnableAccountResult = Annotated[
    AccountChanged | NotAllowed | NotFound | WrongState | InvalidInput,
    strawberry.union("EnableAccountResult", description="The account, or why it was not enabled."),
]
DisableAccountResult = Annotated[
    AccountChanged | NotAllowed | NotFound | WrongState | InvalidInput,
    strawberry.union("DisableAccountResult", description="The account, or why it was not disabled."),
]


def _verification(text: str) -> int | None:
    return number_of(text, "Verification")


@strawberry.type
class HelpdeskMutation:
    @strawberry.mutation(
        description="Username and status for a verified caller; may be repeated until the verification expires."
    )
    async def look_up_account(
        self,
        info: Info,
        input: Annotated[VerifiedInput, strawberry.argument(description="The verification.")],  # noqa: A002
    ) -> LookUpAccountResult:
        holder = await helpdesk.look_up_account(
            info.context,
            verification_id=_verification(input.verification_id),
            account_id=number_or_nobodys(input.account_id, "Account"),
        )
        return AccountFound(details=AccountDetails.of(holder, info.context.now))

    @strawberry.mutation(description="Ends the old password and all sessions; code or link sets a new password.")
    async def reset_account(
        self,
        info: Info,
        input: Annotated[ResetAccountInput, strawberry.argument(description="Verification and reason.")],  # noqa: A002
    ) -> ResetAccountResult:
        reset = await helpdesk.reset_account(
            info.context,
            verification_id=_verification(input.verification_id),
            reason=input.reason,
            delivery=models.TokenKind[input.delivery.name],
            account_id=number_or_nobodys(input.account_id, "Account"),
        )
        return AccountReset(
            account=Account.of(reset.holder, info.context.now),
            one_time_code=reset.code,
            sent_to=reset.sent_to,
            expires_at=reset.expires_at,
        )

    @strawberry.mutation(description="Opens a disabled account again, and forgets its failures.")
    async def enable_account(
        self,
        info: Info,
        input: Annotated[VerifiedActionInput, strawberry.argument(description="Verification, reason.")],  # noqa: A002
    ) -> EnableAccountResult:
        holder = await helpdesk.enable_account(
            info.context,
            verification_id=_verification(input.verification_id),
            reason=input.reason,
            account_id=number_or_nobodys(input.account_id, "Account"),
        )
        return AccountChanged(account=Account.of(holder, info.context.now))

    @strawberry.mutation(description="Closes an account at once, with its sessions, codes, links and keys.")
    async def disable_account(
        self,
        info: Info,
        input: Annotated[VerifiedActionInput, strawberry.argument(description="Verification, reason.")],  # noqa: A002
    ) -> DisableAccountResult:
        holder = await helpdesk.disable_account(
            info.context,
            verification_id=_verification(input.verification_id),
            reason=input.reason,
            account_id=number_or_nobodys(input.account_id, "Account"),
        )
        return AccountChanged(account=Account.of(holder, info.context.now))

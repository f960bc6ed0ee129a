"""Checking an activation key, and opening the account with it."""

from typing import Annotated

import strawberry

from db.context import Context
from resolvers import activation
from schema.account import AccountDetails
from schema.people import Capacity
from schema.portal import me_of
from schema.refusals import InvalidInput, KeyNotAccepted, TooManyAttempts
from schema.session import Session

Info = strawberry.Info[Context, None]


# ------------------------------------------------------------------------------------------------ checking it
@strawberry.input(description="A key to look at; nothing is changed.")
class CheckActivationKeyInput:
    key: str = strawberry.field(description="The key; dashes, braces, spaces and case do not matter.")


@strawberry.type(description="The key opens an account.")
class ActivationKeyGood:
    capacity: Capacity = strawberry.field(description="What kind of account it opens.")
    initials: str = strawberry.field(description="Initials of the person whose account it opens.")


CheckActivationKeyResult = Annotated[
    ActivationKeyGood | KeyNotAccepted | InvalidInput | TooManyAttempts,
    strawberry.union("CheckActivationKeyResult", description="Whether the key opens an account."),
]


# ------------------------------------------------------------------------------------------------ opening the account
@strawberry.input(description="A key, and the username and password that the account is to have.")
class ActivateInput:
    key: str = strawberry.field(description="The key; dashes, braces, spaces and case do not matter.")
    username: str = strawberry.field(
        description="3 to 64 letters, digits and . _ - @ +; upper and lower case are the same."
    )
    password: str = strawberry.field(description="At least 12 characters by default; anything that is hard to guess.")
    verify_password: str = strawberry.field(description="The password again.")
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="16 to 128 characters, new for each account: for a day, a retry with it gets the first answer.",
    )


@strawberry.type(description="The account is open, and its holder is signed in.")
class AccountActivated:
    details: AccountDetails = strawberry.field(description="The new account.")
    session: Session = strawberry.field(description="The first session.")


ActivateResult = Annotated[
    AccountActivated | KeyNotAccepted | InvalidInput | TooManyAttempts,
    strawberry.union("ActivateResult", description="The account, or why there is none."),
]


@strawberry.type
class ActivationMutation:
    @strawberry.mutation(description="Whether a key opens an account, and whose. Changes nothing.")
    async def check_activation_key(
        self,
        info: Info,
        input: Annotated[CheckActivationKeyInput, strawberry.argument(description="The key.")],  # noqa: A002
    ) -> CheckActivationKeyResult:
        good = await activation.check_activation_key(info.context, key=input.key)
        return ActivationKeyGood(capacity=Capacity[good.capacity.name], initials=good.initials)

    @strawberry.mutation(
        description="Opens an account with a key. A refused password or a taken username costs nothing."
    )
    async def activate(
        self,
        info: Info,
        input: Annotated[ActivateInput, strawberry.argument(description="The key and the choices.")],  # noqa: A002
    ) -> ActivateResult:
        signed_in = await activation.activate(
            info.context,
            key=input.key,
            username=input.username,
            password=input.password,
            verify_password=input.verify_password,
            idempotency_key=input.idempotency_key,
        )
        me = await me_of(info.context.seen_as(signed_in.viewer))
        if me is None:
            raise RuntimeError("an account that was just opened cannot be read by its holder")
        return AccountActivated(details=me.details, session=Session.of(signed_in.session))

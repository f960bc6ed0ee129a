"""Signing in and out, the sessions of an account, and changing its password."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.context import Context
from resolvers import outcomes, session
from schema.nodes import number_of
from schema.portal import Me, me_of
from schema.refusals import (
    AccountDisabled,
    InvalidInput,
    NewPasswordNeeded,
    NotAllowed,
    NotFound,
    SecondFactorNeeded,
    TooManyAttempts,
    WrongCredentials,
)

Info = strawberry.Info[Context, None]


@strawberry.type(description="A new session. Its tokens are shown this once.")
class Session:
    token: str = strawberry.field(description="Send it with each request, as `Authorization: Bearer <token>`.")
    expires_at: datetime = strawberry.field(description="When it ends at the latest; it ends sooner when not used.")
    device_token: str = strawberry.field(description="Keep it, and send it at the next log-in from this device.")

    @classmethod
    def of(cls, new: outcomes.NewSession) -> "Session":
        return cls(token=new.token, expires_at=new.expires_at, device_token=new.device_token)


# ------------------------------------------------------------------------------------------------ signing in
@strawberry.input(description="What a person signs in with.")
class LoginInput:
    username: str = strawberry.field(description="The username; upper and lower case are the same.")
    password: str = strawberry.field(description="The password.")
    second_factor: str | None = strawberry.field(
        default=None,
        description="For staff who have set one up: the code that the authenticator shows, or a recovery code.",
    )
    device_token: str | None = strawberry.field(
        default=None, description="From an earlier session on this device: a stranger's guesses do not lock it out."
    )


@strawberry.type(description="Somebody is signed in.")
class LoggedIn:
    me: Me = strawberry.field(description="The person.")
    session: Session = strawberry.field(description="The session.")


LoginResult = Annotated[
    LoggedIn
    | WrongCredentials
    | AccountDisabled
    | NewPasswordNeeded
    | SecondFactorNeeded
    | NotAllowed
    | InvalidInput
    | TooManyAttempts,
    strawberry.union("LoginResult", description="The session, or why there is none."),
]


# ------------------------------------------------------------------------------------------------ signing out
@strawberry.type(description="The session that asked has ended.")
class LoggedOut:
    at: datetime = strawberry.field(description="When.")


LogoutResult = Annotated[
    LoggedOut | NotAllowed, strawberry.union("LogoutResult", description="That it ended, or that there was none.")
]


@strawberry.input(description="Which session to end.")
class EndSessionInput:
    session_id: strawberry.ID = strawberry.field(description="The id from `me { sessions }`.")


@strawberry.type(description="The session has ended: its next request is refused.")
class SessionEnded:
    session_id: strawberry.ID = strawberry.field(description="The id of the session that ended.")


EndSessionResult = Annotated[
    SessionEnded | NotAllowed | NotFound,
    strawberry.union("EndSessionResult", description="That it ended, or why not."),
]


# ------------------------------------------------------------------------------------------------ the password
@strawberry.input(description="The current password and the new one.")
class ChangePasswordInput:
    current: str = strawberry.field(description="The password that holds now.")
    password: str = strawberry.field(description="The new password.")
    verify_password: str = strawberry.field(description="The new password again.")


@strawberry.type(description="The new password holds; all other sessions have ended.")
class PasswordChanged:
    username: str = strawberry.field(description="Whose password it is.")


ChangePasswordResult = Annotated[
    PasswordChanged | WrongCredentials | InvalidInput | NotAllowed | TooManyAttempts,
    strawberry.union("ChangePasswordResult", description="That it was changed, or why not."),
]


@strawberry.type
class SessionMutation:
    @strawberry.mutation(
        description="Signs in. The same answer, in the same time, for an unknown name and a wrong password."
    )
    async def login(
        self,
        info: Info,
        input: Annotated[LoginInput, strawberry.argument(description="Username and password.")],  # noqa: A002
    ) -> LoginResult:
        signed_in = await session.log_in(
            info.context,
            username=input.username,
            password=input.password,
            device_token=input.device_token,
            second_factor=input.second_factor,
        )
        me = await me_of(info.context.seen_as(signed_in.viewer))
        if me is None:
            raise RuntimeError("an account that was just signed in to cannot be read by its holder")
        return LoggedIn(me=me, session=Session.of(signed_in.session))

    @strawberry.mutation(description="Ends the session that asks.")
    async def logout(self, info: Info) -> LogoutResult:
        await session.log_out(info.context)
        return LoggedOut(at=info.context.now)

    @strawberry.mutation(description="Ends one of one's own sessions, on whatever device.")
    async def end_session(
        self,
        info: Info,
        input: Annotated[EndSessionInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> EndSessionResult:
        await session.end_session(info.context, session_id=number_of(input.session_id, "SessionInfo"))
        return SessionEnded(session_id=input.session_id)

    @strawberry.mutation(description="Changes the password and ends all other sessions of the account.")
    async def change_password(
        self,
        info: Info,
        input: Annotated[ChangePasswordInput, strawberry.argument(description="Old and new.")],  # noqa: A002
    ) -> ChangePasswordResult:
        username = await session.change_password(
            info.context, current=input.current, password=input.password, verify_password=input.verify_password
        )
        return PasswordChanged(username=username)

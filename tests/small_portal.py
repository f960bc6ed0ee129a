"""A portal of four fields, for tests of how requests are taken and answers given; no database behind it."""

import asyncio
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any

import httpx
import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp

from app.body import RequestLimits
from app.endpoint import GraphQLEndpoint
from schema.document_limits import DocumentLimits
from schema.errors import BadRequest
from schema.execution import Operations

CREDENTIAL_FIELDS = frozenset({"login", "activate"})


@strawberry.enum
class Shade(Enum):
    """A choice, to be misspelt."""

    LIGHT = "LIGHT"
    DARK = "DARK"


@strawberry.input
class LoginInput:
    """Who signs in."""

    username: str
    password: str
    born: date | None = None
    shade: Shade | None = None
    more: list[int] | None = None


@strawberry.type
class LoggedIn:
    """Somebody is in."""

    username: str


@strawberry.type
class WrongCredentials:
    """Nobody is in."""

    message: str


@strawberry.type
class Person:
    """Somebody with relatives."""

    name: str

    @strawberry.field
    def friend(self) -> "Person":
        """Give somebody else, without end."""
        return Person(name=self.name)


@strawberry.type
class Query:
    """What can be asked."""

    @strawberry.field
    def hello(self, name: str = "world", times: int = 1, shade: Shade = Shade.LIGHT) -> str:
        """Greet."""
        said = f"hello {name}" * times
        return said.upper() if shade is Shade.DARK else said

    @strawberry.field
    def me(self) -> Person | None:
        """Say who asks."""
        return Person(name="Maria")

    @strawberry.field
    async def slow(self, info: strawberry.Info[Any, None]) -> str:
        """Take longer than anybody waits, and note when it was given up."""
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            info.context.cancelled = True
            raise
        return "late"

    @strawberry.field
    def broken(self, secret: str = "") -> str | None:
        """Fail in a way that quotes the secret."""
        raise ValueError(f"invalid literal: {secret!r}")

    @strawberry.field
    def page(self, first: int = 10) -> str | None:
        """Refuse a page that is too large."""
        if first > 100:
            raise BadRequest("A page has 100 entries at most.")
        return None

    @strawberry.field
    def unsendable(self) -> str:
        """Give half of a character, which no JSON can hold."""
        return "\ud800"


@strawberry.type
class Mutation:
    """What can be done."""

    @strawberry.mutation
    def login(
        self,
        info: strawberry.Info[Any, None],
        input: LoginInput,  # noqa: A002 - the name that clients use
    ) -> Annotated[LoggedIn | WrongCredentials, strawberry.union("LoginResult")]:
        """Sign in."""
        info.context.logins += 1
        if input.password == "right":
            return LoggedIn(username=input.username)
        return WrongCredentials(message="Wrong username or password.")


SCHEMA = strawberry.Schema(query=Query, mutation=Mutation)


@dataclass
class Witness:
    """What the fields have seen; the context of every request."""

    contexts: int = 0
    logins: int = 0
    cancelled: bool = False
    failing: bool = False


def make_app(
    witness: Witness,
    *,
    limits: RequestLimits | None = None,
    seconds: float = 5.0,
    introspection: bool = False,
    document_limits: DocumentLimits | None = None,
    console: bool = False,
) -> Starlette:
    """Put the endpoint into an application as the real one does."""

    async def make_context(_request: Request) -> Witness:
        if witness.failing:
            raise ConnectionError("postgresql://portal:hunter2@db/portal is down")
        witness.contexts += 1
        return witness

    operations = Operations(
        SCHEMA,
        limits=document_limits,
        credential_fields=CREDENTIAL_FIELDS,
        introspection=introspection,
        seconds=seconds,
    )
    endpoint = GraphQLEndpoint(operations, make_context, limits=limits, console=console)
    return Starlette(routes=[Route("/graphql", endpoint)])


def client_of(app: ASGIApp) -> httpx.AsyncClient:
    """Talk to an application without a network."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://portal.test")

"""Long connections through service clients: whether they still may, asked at each event."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from app.settings import Settings
from db.context import Context, Role, Viewer
from db.models import (
    Account,
    AccountStatus,
    ClientKind,
    DisabledReason,
    RoleAssignment,
    ServiceClient,
    Session,
)
from resolvers.client_desk import revoke_client, rotate_key
from resolvers.service_clients import CLIENT_HEADER, identify, still_good
from tests.clients import Portal
from tests.conftest import Clock, Statements
from tests.district import PASSWORD, District
from tests.service_clients import ORIGIN, one_of_each, open_family


@dataclass
class Connections:
    """Everybody who may have a long connection: with a session alone, through a tool, through a front end; a tool and a
    program alone; nobody."""

    district: District
    clock: Clock
    by_name: dict[str, Context]

    async def again(self, name: str) -> Context | None:
        return await still_good(self.by_name[name], now=self.clock())

    async def ended(self) -> set[str]:
        return {name for name in self.by_name if await self.again(name) is None}

    async def viewer(self, name: str) -> Viewer:
        """Whoever is still signed in there."""
        ctx = await self.again(name)
        assert ctx is not None
        assert ctx.viewer is not None
        return ctx.viewer


@pytest.fixture
async def connections(portal: Portal, district: District, clock: Clock) -> Connections:
    programs, ctx = await one_of_each(district), replace(district.ctx, now=clock())
    await open_family(district)
    await portal.login("dana.ito", PASSWORD)
    found = {"session": await identify(ctx, authorization=f"Bearer {portal.token}", client=None)}
    tool, reporting = programs[ClientKind.DESIGNEE_TOOL], programs[ClientKind.REPORTING]
    portal.http.headers.update(tool.shown)
    await portal.login("dana.ito", PASSWORD)
    found["through"] = await identify(ctx, authorization=f"Bearer {portal.token}", client=tool.key)
    found["tool"] = await identify(ctx, authorization=None, client=tool.key)
    found["reporting"] = await identify(ctx, authorization=f"Bearer {reporting.key}", client=None)
    del portal.http.headers[CLIENT_HEADER]
    front_end = programs[ClientKind.PORTAL_FRONT_END]
    portal.http.headers.update(front_end.shown)
    await portal.login("maria.q", PASSWORD)
    found["family"] = await identify(
        ctx, authorization=f"Bearer {portal.token}", client=front_end.public_id, origin=ORIGIN
    )
    found["nobody"] = await identify(ctx, authorization="Bearer made-up", client=None)
    return Connections(district, clock, found)


async def test_it_is_asked_again_in_one_statement_and_that_is_no_use_of_the_session(
    connections: Connections, clock: Clock, statements: Statements, settings: Settings
) -> None:
    for name, ctx in connections.by_name.items():
        statements.take()
        assert await connections.again(name) == ctx, name
        assert len(statements.take()) == (0 if name == "nobody" else 1)
    clock.advance(minutes=settings.session_idle_minutes - 1)
    assert await connections.ended() == set()
    through = await connections.again("through")
    assert through is not None
    assert through.now == clock()
    clock.advance(minutes=1)
    assert await connections.ended() == {"session", "through", "family"}


async def test_it_has_the_roles_that_there_are_now(connections: Connections) -> None:
    assert (await connections.viewer("through")).roles == (Role.DESIGNEE,)
    await RoleAssignment.all().update(role=Role.REGISTRAR)
    assert (await connections.viewer("session")).roles == (Role.REGISTRAR,)
    assert (await connections.viewer("through")).roles == ()
    await ServiceClient.filter(kind=ClientKind.DESIGNEE_TOOL).update(roles=["registrar"])
    assert (await connections.viewer("through")).roles == (Role.REGISTRAR,)


@pytest.mark.parametrize(
    ("what", "ended"),
    [
        ("the tool is revoked", {"through", "tool"}),
        ("the tool has another key at once", {"through", "tool"}),
        ("the reporting client is revoked", {"reporting"}),
        ("the front end is revoked", {"family"}),
        ("the sessions end", {"session", "through", "family"}),
        ("the account is disabled", {"session", "through"}),
    ],
)
async def test_it_ends_with_what_it_stands_on(connections: Connections, what: str, ended: set[str]) -> None:
    ctx = connections.district.ctx
    match what:
        case "the tool is revoked":
            await revoke_client(ctx, ClientKind.DESIGNEE_TOOL)
        case "the tool has another key at once":
            await rotate_key(ctx, ClientKind.DESIGNEE_TOOL, overlap=timedelta())
        case "the reporting client is revoked":
            await revoke_client(ctx, ClientKind.REPORTING)
        case "the front end is revoked":
            await revoke_client(ctx, ClientKind.PORTAL_FRONT_END)
        case "the sessions end":
            await Session.all().update(ended_at=ctx.now, end_reason="LOGGED_OUT")
        case _:
            await Account.filter(username="dana.ito").update(
                status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
            )
    assert await connections.ended() == ended


async def test_when_its_key_has_run_out_it_ends_and_before_that_not(connections: Connections, clock: Clock) -> None:
    await rotate_key(connections.district.ctx, ClientKind.REPORTING, overlap=timedelta(minutes=20))
    clock.advance(minutes=19)
    assert await connections.ended() == set()
    clock.advance(minutes=1)
    assert await connections.ended() == {"reporting"}

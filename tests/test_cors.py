"""A front end in a browser on another origin: let in by setting, or as the district's client, and in no other way."""

import pytest

from app.asgi import create_app
from app.settings import Settings
from db.models import ClientKind
from resolvers.client_desk import revoke_client
from tests.clients import Portal
from tests.conftest import Clock, Statements
from tests.district import District
from tests.service_clients import program

OURS, STRANGE = "https://portal.example.org", "https://elsewhere.example"
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


async def test_a_configured_origin_may_call_and_reads_the_request_id(
    district: District, settings: Settings, clock: Clock
) -> None:
    allowing = settings.model_copy(update={"cors_origins": (OURS,)})
    async with Portal(create_app(allowing, clock=clock)) as portal:
        preflight = await portal.http.options("/graphql", headers={"Origin": OURS, **ASKS})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == OURS
        assert {"authorization", "content-type"} <= {
            name.strip().lower() for name in preflight.headers["access-control-allow-headers"].split(",")
        }

        answer = await portal.http.post("/graphql", json={"query": "{ me { roles } }"}, headers={"Origin": OURS})
        assert answer.json() == {"data": {"me": None}}
        assert answer.headers["access-control-allow-origin"] == OURS
        assert answer.headers["access-control-expose-headers"] == "X-Request-Id, Content-Disposition, Report-Rows"
        assert answer.headers["x-request-id"]
        assert "access-control-allow-credentials" not in answer.headers

        refused = await portal.http.post("/graphql", content=b"null", headers={"Origin": OURS})
        assert refused.status_code == 415
        assert refused.headers["access-control-allow-origin"] == OURS


async def test_any_other_origin_is_told_nothing(district: District, settings: Settings, clock: Clock) -> None:
    allowing = settings.model_copy(update={"cors_origins": (OURS,)})
    async with Portal(create_app(allowing, clock=clock)) as portal:
        preflight = await portal.http.options("/graphql", headers={"Origin": STRANGE, **ASKS})
        assert preflight.status_code == 400
        assert "access-control-allow-origin" not in preflight.headers
        answer = await portal.http.post("/graphql", json={"query": "{ me { roles } }"}, headers={"Origin": STRANGE})
        assert "access-control-allow-origin" not in answer.headers


async def test_without_the_setting_no_origin_is_let_in(portal: Portal) -> None:
    preflight = await portal.http.options("/graphql", headers={"Origin": OURS, **ASKS})
    assert preflight.status_code == 405
    answer = await portal.http.post("/graphql", json={"query": "{ me { roles } }"}, headers={"Origin": OURS})
    assert not [name for name in answer.headers if name.startswith("access-control")]


# ------------------------------------------------------------------------------------------------ front ends
ASKS_AS_CLIENT = ASKS | {"Access-Control-Request-Headers": "authorization,content-type,portal-client"}


async def lets_in(portal: Portal, origin: str) -> bool:
    """Whether a browser would let a page of this origin call and read the answer; both or neither."""
    preflight = await portal.http.options("/graphql", headers={"Origin": origin, **ASKS_AS_CLIENT})
    answer = await portal.http.post("/graphql", json={"query": "{ me { roles } }"}, headers={"Origin": origin})
    told = [one.headers.get("access-control-allow-origin") for one in (preflight, answer)]
    if told == [None, None]:
        assert preflight.status_code in {400, 405}
        assert not [name for name in answer.headers if name.startswith("access-control-allow")]
        return False
    assert told == [origin, origin]
    assert preflight.status_code == 200
    assert "Origin" in preflight.headers["vary"]
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
    return True


@pytest.mark.parametrize("set_too", [(), ("https://set.example",)])
async def test_the_origins_of_front_ends_are_let_in_from_the_next_request_on_and_so_kept_out(
    district: District, settings: Settings, clock: Clock, set_too: tuple[str, ...]
) -> None:
    async with Portal(create_app(settings.model_copy(update={"cors_origins": set_too}), clock=clock)) as portal:
        assert not await lets_in(portal, OURS)
        one = await program(district, ClientKind.PORTAL_FRONT_END, origins=[OURS, "http://localhost:5173"])
        for origin in (OURS, "http://localhost:5173", *set_too):
            assert await lets_in(portal, origin)
        # An origin is compared as it is, and never a part of it.
        for origin in (
            STRANGE,
            OURS + ":8443",
            OURS + ".example",
            OURS[:-1],
            "https://PORTAL.example.org",
            "null",
            "*",
        ):
            assert not await lets_in(portal, origin), origin
        await revoke_client(district.ctx, one.name)
        assert not await lets_in(portal, OURS)
        for origin in set_too:
            assert await lets_in(portal, origin)


async def test_a_page_reads_why_its_front_end_is_not_accepted_as_long_as_its_origin_is_let_in(
    portal: Portal, district: District
) -> None:
    await program(district, ClientKind.PORTAL_FRONT_END, origins=[OURS])
    headers = {"Origin": OURS, "Portal-Client": "pac_" + "A" * 22}
    answer = await portal.http.post("/graphql", json={"query": "{ me { roles } }"}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == OURS


async def test_an_origin_costs_one_statement_and_what_is_none_costs_nothing(
    portal: Portal, district: District, statements: Statements
) -> None:
    await program(district, ClientKind.PORTAL_FRONT_END, origins=[OURS])
    for origin, cost in ((OURS, 1), (STRANGE, 1), ("null", 0), ("https://" + "a" * 5000, 0)):
        statements.take()
        await portal.http.options("/graphql", headers={"Origin": origin, **ASKS})
        assert len(statements.take()) == cost
    await portal.http.options("/graphql", headers=ASKS)
    assert statements.take() == []

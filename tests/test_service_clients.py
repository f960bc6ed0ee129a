"""Programs that call: which are let in and how they show themselves, and what is refused before anything is done."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from app.asgi import create_app
from app.settings import Settings
from db.context import Context
from db.models import ClientKey, ClientKind, School, TrailEntry
from db.secrets import is_client_id, is_client_key, new_client_key
from resolvers.client_desk import revoke_client, rotate_key
from resolvers.service_clients import CLIENT_HEADER
from tests.clients import Portal
from tests.conftest import Clock, Statements
from tests.district import PASSWORD, Adult, District, Pupil
from tests.service_clients import ORIGIN, ROLES, Program, is_refused, one_of_each, open_family, program, sent


def later(district: District, **by: float) -> Context:
    """The operator, after a while."""
    return replace(district.ctx, now=district.ctx.now + timedelta(**by))


@pytest.fixture
async def programs(district: District) -> dict[ClientKind, Program]:
    return await one_of_each(district)


# ------------------------------------------------------------------------------------------------ who is let in
@pytest.mark.parametrize("kind", list(ClientKind))
async def test_each_kind_is_let_in_by_what_it_has_and_where_it_shows_it_alone(
    portal: Portal, programs: dict[ClientKind, Program], kind: ClientKind
) -> None:
    """Every kind x what is shown (its key, its id) x where (Authorization, Portal-Client)."""
    one = programs[kind]
    expected = {
        ClientKind.REPORTING: {("key", "Authorization")},
        ClientKind.DESIGNEE_TOOL: {("key", CLIENT_HEADER)},
        ClientKind.PORTAL_FRONT_END: {("id", CLIENT_HEADER)},
    }
    let_in = set()
    for what, where in product(("key", "id"), ("Authorization", CLIENT_HEADER)):
        shown = {"key": one.key, "id": one.public_id}[what]
        if not shown or (what, where) == ("id", "Authorization"):
            # No bearer token of ours begins like an id: whoever sends one is nobody, as with any other word.
            continue
        headers = {where: f"Bearer {shown}" if where == "Authorization" else shown}
        if not is_refused(await portal.http.post("/graphql", json={"query": ROLES}, headers=headers)):
            let_in.add((what, where))
    assert let_in == expected[kind]


async def test_whatever_names_no_live_client_is_refused_and_never_taken_for_nobody(
    portal: Portal, programs: dict[ClientKind, Program], statements: Statements
) -> None:
    reporting, tool, front_end = (programs[kind].key or programs[kind].public_id for kind in ClientKind)
    unknown = new_client_key()
    for headers in (
        {"Authorization": f"Bearer {unknown}"},
        {"Portal_Client": unknown},
        {"Portal_Client": front_end[:-1] + ("A" if front_end[-1] != "A" else "B")},
        {"Authorization": f"Bearer {reporting}", "Portal_Client": tool},
        {"Authorization": f"Bearer {reporting}", "Portal_Client": front_end},
        {"Authorization": f"Bearer {reporting}", "Portal_Client": ""},
        {"Authorization": f"bearer   {tool}"},
    ):
        assert is_refused(await sent(portal, **headers)), headers
    statements.take()
    # What is no key at all is not even looked up.
    for text in ("", " ", "pak_", reporting[:-1], reporting + "A", reporting.swapcase(), "pas_" + "A" * 43, "x" * 5000):
        assert is_refused(await sent(portal, Portal_Client=text)), text
    assert is_refused(await sent(portal, Authorization=f"Bearer {reporting[:-1]}"))
    assert statements.take() == []
    twice = [(CLIENT_HEADER, tool), (CLIENT_HEADER, tool)]
    assert is_refused(await portal.http.post("/graphql", json={"query": ROLES}, headers=twice))


async def test_a_refusal_is_of_the_usual_shape_in_both_media_types_and_executes_nothing(
    portal: Portal, district: District
) -> None:
    mutation = 'mutation { recoverLogOn(input: {email: "maria@example.org"}) { __typename } }'
    for accept in ("application/json", "application/graphql-response+json"):
        answer = await sent(portal, mutation, Portal_Client=new_client_key(), Accept=accept)
        assert is_refused(answer)
        assert answer.headers["content-type"].startswith(accept)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["errors"][0]["message"].startswith("This service client is not accepted: ")
    assert await TrailEntry.all().count() == 0
    # A document that is not in order is told first, without a look at who asks.
    assert (await sent(portal, "{ nothing }", Portal_Client=new_client_key())).status_code == 200


async def test_a_key_that_ran_out_or_was_revoked_is_good_for_nothing(
    portal: Portal, district: District, clock: Clock
) -> None:
    brief = await program(district, ClientKind.REPORTING, lifetime=timedelta(days=2))
    clock.advance(days=1, hours=23)
    assert not is_refused(await sent(portal, **brief.shown))
    clock.advance(hours=1)
    assert is_refused(await sent(portal, **brief.shown))

    other = await program(district, ClientKind.REPORTING, name="Another")
    assert not is_refused(await sent(portal, **other.shown))
    await revoke_client(district.ctx, "another")
    assert is_refused(await sent(portal, **other.shown))
    # One is as the other, and as one that never was.
    refusals = [await sent(portal, **one) for one in (brief.shown, other.shown, {"Portal_Client": new_client_key()})]
    assert len({answer.content for answer in refusals}) == 1


# ------------------------------------------------------------------------------------------------ keys change
async def test_while_one_key_takes_the_others_place_two_are_good_and_never_three(
    portal: Portal, district: District, clock: Clock
) -> None:
    first = (await program(district, ClientKind.REPORTING)).key
    week = timedelta(days=7)

    async def good(*keys: str) -> list[bool]:
        return [not is_refused(await sent(portal, Authorization=f"Bearer {key}")) for key in keys]

    _, issued = await rotate_key(district.ctx, "The program", overlap=week)
    second = issued.key
    assert issued.other_until == district.ctx.now + week
    assert await good(first, second) == [True, True]
    _, issued = await rotate_key(later(district, hours=1), "the PROGRAM", overlap=week)
    third = issued.key
    assert await good(first, second, third) == [False, True, True]
    clock.advance(days=7, hours=1)
    assert await good(first, second, third) == [False, False, True]
    _, issued = await rotate_key(later(district, days=8), "The program", overlap=timedelta())
    assert issued.other_until is None
    assert await good(first, second, third, issued.key) == [False, False, False, True]
    assert len({first, second, third, issued.key}) == 4


async def test_an_overlap_makes_no_key_live_longer_and_a_new_one_lives_as_long_as_the_one_before_was_to(
    district: District,
) -> None:
    await program(district, ClientKind.DESIGNEE_TOOL, lifetime=timedelta(days=30))
    after = later(district, days=28)
    _, issued = await rotate_key(after, "The program", overlap=timedelta(days=7))
    assert issued.other_until == district.ctx.now + timedelta(days=30)
    assert issued.expires_at == after.now + timedelta(days=30)
    _, issued = await rotate_key(after, "The program", overlap=timedelta(days=7), lifetime=timedelta(days=90))
    assert issued.other_until == after.now + timedelta(days=7)
    assert issued.expires_at == after.now + timedelta(days=90)


def test_a_key_is_known_by_its_form_and_by_its_checksum() -> None:
    key = new_client_key()
    assert is_client_key(key)
    assert len(key) == 53
    for place in range(len(key)):
        mistyped = key[:place] + ("x" if key[place] != "x" else "y") + key[place + 1 :]
        assert not is_client_key(mistyped)
    for text in ("", key + "\n", key[:-1], key.replace("pak_", "pas_"), "pak_" + "ä" * 49):
        assert not is_client_key(text)
        assert not is_client_id(text)


async def test_the_last_use_is_written_down_once_a_minute(
    portal: Portal, district: District, clock: Clock, statements: Statements
) -> None:
    one = await program(district, ClientKind.REPORTING)
    statements.take()
    for _ in range(3):
        await sent(portal, **one.shown)
    assert len(statements.take()) == 3 + 1
    assert (await ClientKey.get()).last_used_at == clock()
    clock.advance(seconds=59)
    await sent(portal, **one.shown)
    clock.advance(seconds=1)
    statements.take()
    await sent(portal, **one.shown)
    assert len(statements.take()) == 2
    assert (await ClientKey.get()).last_used_at == clock()


@pytest.fixture
async def family(district: District) -> tuple[Adult, Pupil, School]:
    return await open_family(district)


# ------------------------------------------------------------------------------------------------ from whose page
@pytest.mark.usefixtures("family")
async def test_a_front_ends_id_is_good_from_its_own_pages_and_from_where_no_browser_is(
    portal: Portal, programs: dict[ClientKind, Program]
) -> None:
    front_end, tool = programs[ClientKind.PORTAL_FRONT_END], programs[ClientKind.DESIGNEE_TOOL]
    for origin, accepted in (
        (ORIGIN, True),
        ("https://elsewhere.example", False),
        ("http://families.example.org", False),
        (ORIGIN + ":8443", False),
        (ORIGIN + "/", False),
        (ORIGIN.upper(), False),
        ("null", False),
        ("", False),
    ):
        assert is_refused(await sent(portal, Origin=origin, Portal_Client=front_end.public_id)) != accepted, origin
        assert not is_refused(await sent(portal, Origin=origin, Portal_Client=tool.key))
    assert not is_refused(await sent(portal, Portal_Client=front_end.public_id))


# ------------------------------------------------------------------------------------------------ insisting
@pytest.fixture
async def insisting(district: District, settings: Settings, clock: Clock) -> AsyncIterator[Portal]:
    """A portal that answers clients alone."""
    async with Portal(create_app(settings.model_copy(update={"clients_required": True}), clock=clock)) as portal:
        yield portal


@pytest.mark.usefixtures("family")
async def test_where_the_district_insists_nobody_is_answered_without_a_client_but_health_checks(
    insisting: Portal, portal: Portal, programs: dict[ClientKind, Program], statements: Statements
) -> None:
    await portal.login("maria.q", PASSWORD)
    statements.take()
    for headers in ({}, {"Authorization": f"Bearer {portal.token}"}, {"Authorization": "Basic x"}):
        answer = await sent(insisting, **headers)
        assert is_refused(answer)
        assert answer.json()["errors"][0]["message"] == (
            "A service client is needed here: name it in the header Portal-Client."
        )
    assert statements.take() == []
    for one in programs.values():
        assert not is_refused(await insisting.http.post("/graphql", json={"query": ROLES}, headers=one.shown))
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await insisting.http.get(path)).status_code == 200


# ------------------------------------------------------------------------------------------------ what it costs
@pytest.mark.usefixtures("family")
async def test_client_and_session_are_looked_up_in_one_statement(
    portal: Portal, programs: dict[ClientKind, Program], statements: Statements
) -> None:
    for kind, username in ((ClientKind.DESIGNEE_TOOL, "dana.ito"), (ClientKind.PORTAL_FRONT_END, "maria.q")):
        portal.http.headers.update(programs[kind].shown)
        await portal.login(username, PASSWORD)
        statements.take()
        # The second one is for the holder.
        assert (await portal.ask(ROLES))["me"]["roles"]
        assert len(statements.take()) == 2
        # Without a session, or with one that is nobody's: the client alone.
        assert (await portal.ask(ROLES, token="pas_" + "A" * 43))["me"] is None
        portal.token = None
        assert (await portal.ask(ROLES))["me"] is None
        assert len(statements.take()) == 2


async def test_two_who_change_a_client_at_once_take_turns(district: District) -> None:
    await program(district, ClientKind.REPORTING)
    ended = await asyncio.gather(
        *(revoke_client(district.ctx, "The program") for _ in range(3)),
        *(rotate_key(district.ctx, "The program", overlap=timedelta(days=7)) for _ in range(3)),
        return_exceptions=True,
    )
    refused = [str(one) for one in ended if isinstance(one, BaseException)]
    assert set(refused) == {"The program was revoked on 2026-10-05 already."}
    assert 2 <= len(refused) <= 5
    assert await ClientKey.filter(revoked_at=None).count() == 0


async def test_many_keys_at_once_leave_two(district: District) -> None:
    await program(district, ClientKind.REPORTING)
    await asyncio.gather(*(rotate_key(district.ctx, "The program", overlap=timedelta(days=7)) for _ in range(5)))
    assert await ClientKey.all().count() == 6
    assert await ClientKey.filter(revoked_at=None).count() == 2

"""How long a session lasts, and how it is ended: by the clock, here, or from another device."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.asgi import create_app
from app.settings import Settings
from db.context import Role
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.district import PASSWORD, Adult, District, Pupil

MY_SESSIONS = "{ me { sessions { id current client startedAt lastSeenAt } } }"


@pytest.fixture
async def nora(district: District) -> Pupil:
    return await district.student(school=await district.school())


@pytest.fixture
async def maria(district: District, nora: Pupil) -> Adult:
    """A guardian with an open account, not signed in."""
    maria = await district.guardian(nora, email="maria@example.org")
    await district.opened(maria, "Maria.Q")
    return maria


async def _sessions(portal: Portal, *, token: str | None = None) -> list[Answer]:
    sessions: list[Answer] = (await portal.ask(MY_SESSIONS, token=token))["me"]["sessions"]
    return sessions


async def _signed_in(portal: Portal, username: str = "maria.q", **more: Any) -> str:
    """A further session; returns its token and leaves the client's own as it was."""
    own = portal.token, portal.device_token
    answer = await portal.login(username, PASSWORD, **more)
    assert answer["__typename"] == "LoggedIn", answer
    portal.token, portal.device_token = own
    token: str = answer["session"]["token"]
    return token


# ------------------------------------------------------------------------------------------------ how long it lasts
async def test_a_session_that_rests_for_an_hour_has_ended(portal: Portal, maria: Adult, clock: Clock) -> None:
    await portal.login("maria.q", PASSWORD)
    clock.advance(minutes=59)
    assert await portal.me() is not None
    clock.advance(minutes=59)
    assert await portal.me() is not None
    clock.advance(minutes=60)
    assert await portal.me() is None


async def test_a_session_in_use_ends_after_twelve_hours_all_the_same(
    portal: Portal, maria: Adult, clock: Clock
) -> None:
    await portal.login("maria.q", PASSWORD)
    for _ in range(23):
        clock.advance(minutes=30)
        assert await portal.me() is not None
    clock.advance(minutes=29, seconds=59)
    assert await portal.me() is not None
    clock.advance(seconds=1)
    assert await portal.me() is None


async def test_an_expired_session_is_nobody_and_not_in_the_list(portal: Portal, maria: Adult, clock: Clock) -> None:
    resting = await _signed_in(portal)
    clock.advance(minutes=61)
    await portal.login("maria.q", PASSWORD)
    assert len(await _sessions(portal)) == 1
    assert (await portal.ask(MY_SESSIONS, token=resting))["me"] is None
    assert (await portal.do(documents.LOGOUT))["__typename"] == "LoggedOut"


async def test_how_long_a_session_lasts_is_the_districts_choice(settings: Settings, maria: Adult, clock: Clock) -> None:
    brief = settings.model_copy(update={"session_idle_minutes": 5, "session_absolute_hours": 1})
    async with Portal(create_app(brief, clock=clock)) as portal:
        session = (await portal.login("maria.q", PASSWORD))["session"]
        assert datetime.fromisoformat(session["expiresAt"]) == clock.now + timedelta(hours=1)
        clock.advance(minutes=4)
        assert await portal.me() is not None
        clock.advance(minutes=5)
        assert await portal.me() is None


@pytest.mark.parametrize("token", ["", "pas_", "pas_" + "A" * 43, "pad_" + "A" * 43, "pas_\u00e9", "x" * 10_000])
async def test_a_token_that_is_none_is_nobody(portal: Portal, maria: Adult, token: str) -> None:
    header = b"Bearer " + token.encode("latin-1")
    response = await portal.http.post(
        "/graphql", json={"query": "{ me { roles } }"}, headers=[(b"authorization", header)]
    )
    assert response.json() == {"data": {"me": None}}


# ------------------------------------------------------------------------------------------------ signing out
async def test_signing_out_ends_this_session_and_no_other(portal: Portal, maria: Adult, clock: Clock) -> None:
    elsewhere = await _signed_in(portal)
    await portal.login("maria.q", PASSWORD)
    answer = await portal.do(documents.LOGOUT)
    assert answer == {"__typename": "LoggedOut", "at": clock.now.isoformat()}
    assert await portal.me() is None
    assert await portal.me(token=elsewhere) is not None


async def test_signing_out_twice_is_refused(portal: Portal, maria: Adult) -> None:
    await portal.login("maria.q", PASSWORD)
    await portal.do(documents.LOGOUT)
    refused = await portal.do(documents.LOGOUT)
    assert (refused["__typename"], refused["missing"]) == ("NotAllowed", ["SIGNED_IN"])


async def test_my_sessions_are_listed_newest_first_with_what_each_client_called_itself(
    portal: Portal, maria: Adult, clock: Clock
) -> None:
    portal.http.headers["user-agent"] = "Old Telephone/1.0"
    telephone = await _signed_in(portal)
    clock.advance(minutes=10)
    portal.http.headers["user-agent"] = "Browser/99" + "x" * 300
    await portal.login("maria.q", PASSWORD)
    clock.advance(minutes=5)
    browser, other = await _sessions(portal)
    assert browser["current"]
    assert browser["client"] == ("Browser/99" + "x" * 300)[:200]
    assert not other["current"]
    assert other["client"] == "Old Telephone/1.0"
    assert datetime.fromisoformat(other["lastSeenAt"]) == clock.now - timedelta(minutes=15)
    assert datetime.fromisoformat(browser["lastSeenAt"]) == clock.now
    [first, second] = await _sessions(portal, token=telephone)
    assert (first["current"], second["current"]) == (False, True)


async def test_nobodys_sessions_are_listed_but_ones_own(portal: Portal, district: District, maria: Adult) -> None:
    dana = await district.staff(Role.ADMINISTRATOR)
    await district.opened(dana, "dana")
    await _signed_in(portal)
    await portal.login("dana", PASSWORD)
    [only] = await _sessions(portal)
    assert only["current"]


async def test_a_session_on_another_device_can_be_ended(portal: Portal, maria: Adult) -> None:
    lost = await _signed_in(portal)
    await portal.login("maria.q", PASSWORD)
    [lost_id] = [session["id"] for session in await _sessions(portal) if not session["current"]]
    answer = await portal.do(documents.END_SESSION, {"sessionId": lost_id})
    assert answer == {"__typename": "SessionEnded", "sessionId": lost_id}
    assert await portal.me(token=lost) is None
    assert len(await _sessions(portal)) == 1


async def test_one_may_end_the_session_that_asks(portal: Portal, maria: Adult) -> None:
    await portal.login("maria.q", PASSWORD)
    [here] = await _sessions(portal)
    assert (await portal.do(documents.END_SESSION, {"sessionId": here["id"]}))["__typename"] == "SessionEnded"
    assert await portal.me() is None


async def test_somebody_elses_session_is_as_unknown_as_one_that_never_was(
    portal: Portal, district: District, maria: Adult
) -> None:
    dana = await district.staff(Role.ADMINISTRATOR)
    await district.opened(dana, "dana")
    theirs = await _signed_in(portal, "dana")
    [their_session] = await _sessions(portal, token=theirs)
    ended = await _signed_in(portal)
    [ended_session] = await _sessions(portal, token=ended)
    await portal.do_as(ended, documents.LOGOUT)
    await portal.login("maria.q", PASSWORD)
    ids = [
        their_session["id"],
        ended_session["id"],
        global_id("SessionInfo", 10**6),
        global_id("Account", maria.account_id),
        "",
        "nonsense \u2603",
        "A" * 5000,
    ]
    refusals = [
        (await portal.post(documents.END_SESSION, {"input": {"sessionId": session_id}})).content for session_id in ids
    ]
    assert b'"NotFound"' in refusals[0]
    assert set(refusals) == {refusals[0]}
    assert await portal.me(token=theirs) is not None


async def test_nobody_can_end_a_session_without_signing_in(portal: Portal, maria: Adult) -> None:
    token = await _signed_in(portal)
    [session] = await _sessions(portal, token=token)
    refused = await portal.do(documents.END_SESSION, {"sessionId": session["id"]})
    assert (refused["__typename"], refused["missing"]) == ("NotAllowed", ["SIGNED_IN"])
    assert await portal.me(token=token) is not None

"""How often one may try: proofs, keys and passwords; by one student, one client, or the whole district."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
from tortoise.context import TortoiseContext

from app.asgi import create_app
from app.settings import Settings
from db import sql
from tests import documents
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.district import PASSWORD, District, Pupil
from tests.tables import spent

PROXY = "198.51.100.7"
WRONG_SSN = "521459999"
Make = Callable[..., Awaitable[Portal]]


@pytest.fixture
async def nora(district: District) -> Pupil:
    pupil = await district.student()
    await district.guardian(pupil)
    return pupil


@pytest.fixture
async def portal_with(database: TortoiseContext, settings: Settings, clock: Clock) -> AsyncIterator[Make]:
    """The portal of a district that chose other numbers. The tests' own address is a proxy that it believes."""
    async with AsyncExitStack() as stack:

        async def make(**chosen: Any) -> Portal:
            other = settings.model_copy(update={"trusted_proxies": (PROXY,)} | chosen)
            return await stack.enter_async_context(Portal(create_app(other, clock=clock)))

        yield make


def wrong(pupil: Pupil) -> tuple[str, str, str]:
    number, born, _ = pupil.proofs
    return number, born, WRONG_SSN


async def in_turn(asks: Callable[[], Awaitable[Answer]], times: int) -> list[str]:
    return [(await asks())["__typename"] for _ in range(times)]


async def through(portal: Portal, address: str, document: str, values: dict[str, Any]) -> str:
    """Asks as a client whom the proxy says to be at this address."""
    response = await portal.http.post(
        "/graphql", json={"query": document, "variables": {"input": values}}, headers={"X-Forwarded-For": address}
    )
    [result] = response.json()["data"].values()
    return str(result["__typename"])


# ------------------------------------------------------------------------------------------------ proofs
async def test_past_the_budget_right_proofs_are_refused_too_until_the_window_ends(
    portal: Portal, nora: Pupil, clock: Clock
) -> None:
    assert await in_turn(lambda: portal.request_key(*wrong(nora)), 5) == ["NotMatched"] * 5
    clock.advance(hours=23, minutes=59)
    refused = await portal.request_key(*nora.proofs)
    assert refused["__typename"] == "TooManyAttempts"
    assert datetime.fromisoformat(refused["retryAt"]) == clock() + timedelta(minutes=1)
    clock.advance(minutes=1)
    assert (await portal.request_key(*nora.proofs))["__typename"] == "ActivationKeyIssued"


async def test_one_student_is_closed_and_another_is_not(portal: Portal, district: District, nora: Pupil) -> None:
    otis = await district.student(given="Otis")
    await district.guardian(otis)
    await in_turn(lambda: portal.request_key(*wrong(nora)), 6)
    assert (await portal.request_key(*nora.proofs))["__typename"] == "TooManyAttempts"
    assert (await portal.request_key(*otis.proofs))["__typename"] == "ActivationKeyIssued"


async def test_a_right_proof_gives_its_attempt_back_and_no_other(portal: Portal, nora: Pupil) -> None:
    await in_turn(lambda: portal.request_key(*wrong(nora)), 4)
    assert await in_turn(lambda: portal.request_key(*nora.proofs), 10) == ["ActivationKeyIssued"] * 10
    assert await spent("proof-student") == [4]
    assert await in_turn(lambda: portal.request_key(*wrong(nora)), 2) == ["NotMatched", "TooManyAttempts"]


async def test_to_be_asked_for_a_name_costs_nothing_and_a_wrong_name_does(
    portal: Portal, district: District, nora: Pupil
) -> None:
    await district.guardian(nora, given="Tomas")
    assert await in_turn(lambda: portal.request_key(*nora.proofs), 6) == ["GuardianNameNeeded"] * 6
    stranger = {"given": "Karl", "family": "Quimby"}
    named = await in_turn(lambda: portal.request_key(*nora.proofs, guardianName=stranger), 6)
    assert named == ["NotMatched"] * 5 + ["TooManyAttempts"]


async def test_an_attempt_that_one_budget_refuses_does_not_eat_the_others(
    portal: Portal, district: District, nora: Pupil
) -> None:
    assert (await in_turn(lambda: portal.request_key(*wrong(nora)), 50))[5:] == ["TooManyAttempts"] * 45
    assert (await spent("proof-client"), await spent("proof-district")) == ([5], [5])
    others = [await district.student(given=f"Otis{n}") for n in range(5)]
    answers = [(await portal.request_key(*wrong(other)))["__typename"] for other in others * 4]
    assert answers == ["NotMatched"] * 15 + ["TooManyAttempts"] * 5, "twenty for one client, five of them spent above"
    assert await spent("proof-district") == [20]


async def test_numbers_that_nobody_has_are_counted_like_any_other(portal: Portal, nora: Pupil, clock: Clock) -> None:
    async def bodies(number: str) -> list[bytes]:
        proofs = {"studentNumber": number, "studentBirthDate": "2013-04-09", "studentSsn": WRONG_SSN}
        return [await portal.wire(documents.REQUEST_KEY, **proofs) for _ in range(7)]

    known = await bodies(nora.number)
    assert await bodies("990099") == known
    assert await spent("proof-student") == [5, 5]
    assert b'"TooManyAttempts"' in known[-1]


async def test_two_spellings_of_a_number_are_one_budget(portal: Portal, nora: Pupil) -> None:
    _, born, _ = nora.proofs
    numbers = ["004101", "4101", "0004101", " 004101 ", "04101"]
    assert [(await portal.request_key(number, born, WRONG_SSN))["__typename"] for number in numbers] == [
        "NotMatched"
    ] * 5
    assert (await portal.request_key(*nora.proofs))["__typename"] == "TooManyAttempts"
    assert await spent("proof-student") == [5]


async def test_all_windows_that_refuse_have_to_end(portal_with: Make, nora: Pupil, clock: Clock) -> None:
    portal = await portal_with(proofs_per_client=2, proofs_per_student=2)
    first, second = ("990001", *wrong(nora)[1:]), ("990002", *wrong(nora)[1:])
    await portal.request_key(*first)
    clock.advance(hours=10)
    await portal.request_key(*second)
    clock.advance(hours=14)
    await portal.request_key(*second)
    refused = await portal.request_key(*second)
    assert datetime.fromisoformat(refused["retryAt"]) == clock() + timedelta(hours=10)


@pytest.mark.parametrize(("wait", "refused_for"), [(10, 15), (20, 20)])
async def test_a_budget_and_a_wait_both_have_to_end(
    portal_with: Make, clock: Clock, wait: int, refused_for: int
) -> None:
    chosen = {"login_free_guesses": 1, "login_first_wait_seconds": 60 * wait, "login_lock_minutes": 30}
    portal = await portal_with(logins_per_client=1, login_window_minutes=15, **chosen)
    assert (await portal.login("some.name", "wrong password"))["__typename"] == "WrongCredentials"
    refused = await portal.login("some.name", "wrong password")
    assert datetime.fromisoformat(refused["retryAt"]) == clock() + timedelta(minutes=refused_for)


async def test_what_is_counted_is_stored_unreadably(portal: Portal, nora: Pupil) -> None:
    await portal.request_key(*wrong(nora))
    await portal.login("rosa.quimby", "wrong password")
    kept = str(await sql.rows("SELECT id FROM attempt_budget UNION ALL SELECT id FROM login_streak"))
    assert "name:" in kept
    for subject in ("4101", "rosa", "198.51.100", "c6336407"):
        assert subject not in kept


# ------------------------------------------------------------------------------------------------ who one client is
NEAR, FAR = ("2001:db8:7:1::1", "2001:db8:7:1:ffff::2"), "2001:db8:7:2::1"


async def test_one_ipv6_network_is_one_client(portal_with: Make) -> None:
    portal = await portal_with(keys_per_client=2)
    key = {"key": "0" * 32}
    assert [await through(portal, address, documents.CHECK_KEY, key) for address in (*NEAR, *NEAR, FAR)] == [
        "KeyNotAccepted", "KeyNotAccepted", "TooManyAttempts", "TooManyAttempts", "KeyNotAccepted"
    ]  # fmt: skip


async def test_an_ipv4_address_is_one_client_however_it_is_written(portal_with: Make) -> None:
    portal = await portal_with(keys_per_client=1)
    key = {"key": "0" * 32}
    written = ("192.0.2.9", "::ffff:192.0.2.9", "192.0.2.8")
    assert [await through(portal, address, documents.CHECK_KEY, key) for address in written] == [
        "KeyNotAccepted", "TooManyAttempts", "KeyNotAccepted"
    ]  # fmt: skip


async def test_an_address_that_somebody_made_up_buys_no_further_attempts(portal: Portal) -> None:
    key = {"key": "0" * 32}
    answers = [await through(portal, f"192.0.2.{number}", documents.CHECK_KEY, key) for number in range(31)]
    assert answers == ["KeyNotAccepted"] * 30 + ["TooManyAttempts"]


# ------------------------------------------------------------------------------------------------ signing in
async def test_one_client_runs_out_over_many_usernames_and_another_does_not(
    portal_with: Make, district: District, nora: Pupil
) -> None:
    portal = await portal_with(logins_per_client=8)
    await district.opened(await district.guardian(nora, given="Rosa"), "rosa.q")
    answers = [(await portal.login(f"name.{n}", "wrong password"))["__typename"] for n in range(9)]
    assert answers == ["WrongCredentials"] * 8 + ["TooManyAttempts"]
    credentials = {"username": "rosa.q", "password": PASSWORD}
    assert await through(portal, PROXY, documents.LOGIN, credentials) == "TooManyAttempts"
    assert await through(portal, "192.0.2.77", documents.LOGIN, credentials) == "LoggedIn"


async def test_the_whole_district_has_a_budget_too(portal_with: Make) -> None:
    portal = await portal_with(logins_per_district=3)
    credentials = [{"username": f"name.{n}", "password": "wrong password"} for n in range(5)]
    answers = [await through(portal, f"192.0.2.{n}", documents.LOGIN, who) for n, who in enumerate(credentials)]
    assert answers == ["WrongCredentials"] * 3 + ["TooManyAttempts"] * 2

"""Wrong passwords: how long the next one has to wait, who has to wait, and who does not."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from app.asgi import create_app
from app.settings import Settings
from db import sql
from db.context import Context, Role
from db.hashing import PasswordHasher
from db.models import LoginStreak
from db.secrets import Keyring
from db.trail import Step
from policies.refusals import TooManyAttempts, WrongCredentials
from resolvers import session as steps
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal, crowd
from tests.conftest import Clock
from tests.desk import Desk, at_desk, open_desk
from tests.district import PASSWORD, Adult, District
from tests.guessing import WRONG, guess_to_the_lock
from tests.holding import Write, held_up
from tests.servers import two_servers
from tests.tables import endings, spent, streaks

NEW = "copper violin thirty meadows"
#: Seconds of the waits after the free guesses; the last one is the lock, and stays.
WAITS = [30, 60, 120, 240, 480, 900, 900, 900]
FREE = 5
#: The first write of an attempt after its own row.
COUNTING = Write("attempt_budget", "INSERT")


@pytest.fixture
async def rosa(district: District) -> Adult:
    """A guardian with an open account, not signed in."""
    rosa = await district.guardian(await district.student(school=await district.school()), given="Rosa")
    await district.opened(rosa, "rosa.q")
    return rosa


@pytest.fixture
async def stranger(portal: Portal) -> AsyncIterator[Portal]:
    """Somebody else, somewhere else."""
    async with crowd(1, portal) as [somebody]:
        yield somebody


async def login(portal: Portal, password: str = PASSWORD, username: str = "rosa.q", **more: object) -> str:
    name: str = (await portal.login(username, password, **more))["__typename"]
    return name


async def lock(stranger: Portal, clock: Clock, username: str = "rosa.q") -> datetime:
    """Guesses until the wait is the longest one; returns when it ends."""
    await guess_to_the_lock(stranger, clock, username)
    return clock() + timedelta(seconds=WAITS[-1])


# ------------------------------------------------------------------------------------------------ how waits grow
async def test_five_are_free_and_then_each_wait_is_twice_the_one_before_up_to_the_lock(
    portal: Portal, rosa: Adult, clock: Clock
) -> None:
    assert [await login(portal, WRONG) for _ in range(FREE)] == ["WrongCredentials"] * FREE
    for seconds in WAITS:
        refused = await portal.login("rosa.q", PASSWORD)
        assert refused["__typename"] == "TooManyAttempts"
        assert datetime.fromisoformat(refused["retryAt"]) == clock() + timedelta(seconds=seconds)
        clock.advance(seconds=seconds - 1)
        assert await login(portal) == "TooManyAttempts"
        clock.advance(seconds=1)
        assert await login(portal, WRONG) == "WrongCredentials"


async def test_what_is_sent_during_a_wait_is_not_judged_not_counted_and_lengthens_nothing(
    portal: Portal, rosa: Adult, clock: Clock
) -> None:
    assert portal.app is not None
    for _ in range(FREE):
        await login(portal, WRONG)
    hashes, until = portal.app.state.hasher.computed, clock() + timedelta(seconds=WAITS[0])
    for _ in range(10):
        clock.advance(seconds=2)
        refused = await portal.login("rosa.q", WRONG)
        assert datetime.fromisoformat(refused["retryAt"]) == until
    assert portal.app.state.hasher.computed == hashes
    assert await streaks("account") == [(FREE, FREE)]
    assert (await spent("login-client"), await spent("login-district")) == ([FREE], [FREE])


async def test_the_right_password_after_the_wait_forgets_all_that_were_wrong(
    portal: Portal, rosa: Adult, clock: Clock
) -> None:
    for _ in range(FREE):
        await login(portal, WRONG)
    clock.advance(seconds=WAITS[0])
    assert await login(portal) == "LoggedIn"
    assert await streaks("account") == []
    assert [await login(portal, WRONG) for _ in range(FREE + 1)] == ["WrongCredentials"] * FREE + ["TooManyAttempts"]


@pytest.mark.parametrize(("hours", "free"), [(24, FREE), (23.99, 1)])
async def test_waits_are_forgotten_after_a_day_without_a_wrong_password(
    portal: Portal, rosa: Adult, clock: Clock, hours: float, free: int
) -> None:
    for _ in range(FREE):
        await login(portal, WRONG)
    clock.advance(hours=hours)
    assert [await login(portal, WRONG) for _ in range(free + 1)] == ["WrongCredentials"] * free + ["TooManyAttempts"]
    # Forgotten are the waits; how many there were in a row is not.
    assert await streaks("account") == [(FREE if free == FREE else FREE + 1, FREE + free)]


async def test_two_spellings_of_a_username_are_one(portal: Portal, rosa: Adult) -> None:
    spelt = ["rosa.q", "Rosa.Q", " ROSA.Q ", "ｒｏｓａ.ｑ", "rosa.q"]
    assert [await login(portal, WRONG, username) for username in spelt] == ["WrongCredentials"] * FREE
    assert await login(portal) == "TooManyAttempts"


# ------------------------------------------------------------------------------------------------ nobody looks alike
async def test_a_name_that_nobody_has_is_answered_byte_by_byte_as_one_that_somebody_has(
    portal: Portal, rosa: Adult, clock: Clock
) -> None:
    """Thirty attempts of each, at the same times: before, in, at the end of and after the waits."""

    def seen(response: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = [(name, value) for name, value in response.headers.items() if name != "x-request-id"]
        return response.status_code, headers, response.content

    codes: Counter[str] = Counter()
    for advance in (
        [0, 0, 1, 0, 0, 1, 29, 0, 59, 1, 30, 120, 239, 1, 0, 480, 899, 1, 900, 1000, 0] + [100] * 8 + [86400]
    ):
        clock.advance(seconds=advance)
        answers = [
            await portal.post(documents.LOGIN, {"input": {"username": username, "password": WRONG}})
            for username in ("rosa.q", "nobody.q")
        ]
        assert seen(answers[0]) == seen(answers[1])
        codes[answers[0].json()["data"]["login"]["code"]] += 1
    assert codes.keys() == {"WRONG_CREDENTIALS", "TOO_MANY_ATTEMPTS"}
    assert min(codes.values()) > 10
    assert await streaks("account") == await streaks("name")


async def test_a_name_that_somebody_takes_does_not_bring_its_waits_along(
    portal: Portal, district: District, stranger: Portal, clock: Clock
) -> None:
    nora = await district.student()
    await lock(stranger, clock, "nora.q")
    await district.opened(nora, "nora.q")
    assert await login(portal, username="nora.q") == "LoggedIn"


# ------------------------------------------------------------------------------------------------ known devices
async def test_a_stranger_who_guesses_without_pause_does_not_keep_the_holder_out(
    portal: Portal, rosa: Adult, stranger: Portal, clock: Clock
) -> None:
    """Two hours of guesses every ten seconds; the holder signs in every few minutes, and at once."""
    await portal.login("rosa.q", PASSWORD)
    device = portal.device_token
    told: Counter[str] = Counter()
    async with crowd(2, portal) as [_, elsewhere]:
        for turn in range(720):
            clock.advance(seconds=10)
            guessed = await stranger.login("rosa.q", WRONG)
            told[guessed["__typename"]] += 1
            if turn % 30 == 29:
                assert await login(portal, deviceToken=device) == "LoggedIn"
                assert await portal.me() is not None
                # On a new device she is as unknown as anybody, and is told as much.
                waits = await stranger.login("rosa.q", WRONG)
                assert waits["__typename"] == "TooManyAttempts"
                assert await elsewhere.login("rosa.q", PASSWORD) == waits
    # Five at once, one after each of the growing waits, and one after each lock of a quarter of an hour.
    assert told == {"WrongCredentials": 16, "TooManyAttempts": 704}
    assert datetime.fromisoformat(waits["retryAt"]) - clock() < timedelta(minutes=15)


async def test_a_right_password_from_a_known_device_gives_strangers_no_fresh_guesses(
    portal: Portal, rosa: Adult, stranger: Portal, clock: Clock
) -> None:
    await portal.login("rosa.q", PASSWORD)
    for _ in range(FREE):
        await login(stranger, WRONG)
    assert await streaks("account") == [(FREE, FREE)]
    assert await login(portal, deviceToken=portal.device_token) == "LoggedIn"
    assert await streaks("account") == [(FREE, 0)], "in a row there is none left"
    assert await login(stranger, WRONG) == "TooManyAttempts"
    clock.advance(seconds=WAITS[0])
    assert [await login(stranger, WRONG) for _ in range(2)] == ["WrongCredentials", "TooManyAttempts"]


async def test_a_device_has_waits_of_its_own(portal: Portal, rosa: Adult, stranger: Portal, clock: Clock) -> None:
    await portal.login("rosa.q", PASSWORD)
    device = portal.device_token
    for seconds in [0] * (FREE - 1) + WAITS:
        assert await login(portal, WRONG, deviceToken=device) == "WrongCredentials"
        clock.advance(seconds=seconds)
    clock.advance(seconds=-1)
    refused = await portal.login("rosa.q", PASSWORD, deviceToken=device)
    assert datetime.fromisoformat(refused["retryAt"]) == clock() + timedelta(seconds=1)
    assert await streaks("device") == [(FREE - 1 + len(WAITS), 0)]
    assert await streaks("account") == [(0, FREE - 1 + len(WAITS))], "in a row, wherever they come from"
    # Nobody else waits for it, and a right password elsewhere does not end its wait.
    assert await login(stranger) == "LoggedIn"
    assert await login(portal, deviceToken=device) == "TooManyAttempts"
    clock.advance(seconds=1)
    assert await login(portal, deviceToken=device) == "LoggedIn"
    assert await streaks("device") == []


async def test_a_device_of_somebody_else_is_a_strangers(
    portal: Portal, district: District, rosa: Adult, stranger: Portal
) -> None:
    dana = await district.staff(Role.REPORTER)
    await district.opened(dana, "dana.ito")
    device = (await stranger.login("dana.ito", PASSWORD))["session"]["deviceToken"]
    for _ in range(FREE):
        await login(stranger, WRONG, deviceToken=device)
    assert await login(portal) == "TooManyAttempts"
    assert await streaks("device") == []


# ------------------------------------------------------------------------------------------------ in a session
async def change(portal: Portal, current: str, password: str = NEW) -> Answer:
    choice = {"current": current, "password": password, "verifyPassword": password}
    return await portal.do(documents.CHANGE_PASSWORD, choice)


async def test_a_strangers_guesses_do_not_keep_the_holder_from_a_new_password(
    portal: Portal, rosa: Adult, stranger: Portal, clock: Clock
) -> None:
    await portal.login("rosa.q", PASSWORD)
    await lock(stranger, clock)
    assert (await change(portal, WRONG))["__typename"] == "WrongCredentials"
    assert (await change(portal, PASSWORD))["__typename"] == "PasswordChanged"
    assert await login(stranger, NEW) == "TooManyAttempts", "a stranger's wait is what it was"


async def test_whoever_has_stolen_a_session_waits_and_keeps_nobody_out(
    portal: Portal, rosa: Adult, stranger: Portal, clock: Clock
) -> None:
    device = (await portal.login("rosa.q", PASSWORD))["session"]["deviceToken"]
    stranger.token = portal.token
    assert [(await change(stranger, WRONG))["__typename"] for _ in range(FREE)] == ["WrongCredentials"] * FREE
    refused = await change(stranger, PASSWORD)
    assert datetime.fromisoformat(refused["retryAt"]) == clock() + timedelta(seconds=WAITS[0])
    assert await streaks("session") == [(FREE, 0)]
    assert await streaks("account") == [(0, FREE)]
    assert await login(portal, deviceToken=device) == "LoggedIn"
    async with crowd(1, portal) as [elsewhere]:
        assert await login(elsewhere) == "LoggedIn"


# ------------------------------------------------------------------------------------------------ at once
async def test_at_no_time_are_more_judged_at_once_than_the_rule_allows(
    portal: Portal, rosa: Adult, clock: Clock
) -> None:
    assert portal.app is not None
    for seconds, judged in zip([0, *WAITS], [FREE] + [1] * len(WAITS), strict=True):
        clock.advance(seconds=seconds)
        hashes = portal.app.state.hasher.computed
        async with crowd(50, portal) as clients:
            answers = Counter(await asyncio.gather(*(login(client, WRONG) for client in clients)))
        assert answers == {"WrongCredentials": judged, "TooManyAttempts": 50 - judged}
        assert portal.app.state.hasher.computed - hashes == judged


async def test_who_has_seen_no_wait_finds_the_one_that_began_a_moment_ago(
    portal: Portal, rosa: Adult, clock: Clock, database_url: str
) -> None:
    """All have seen that none waits; the first of them uses up what is free."""
    for _ in range(FREE - 1):
        await login(portal, WRONG)
    async with held_up(database_url, Write("login_streak", "INSERT")) as hold:
        asked = [asyncio.create_task(portal.login("rosa.q", WRONG)) for _ in range(8)]
        await hold.waiters(8)
        await hold.release()
        answers = await asyncio.gather(*asked)
    assert sorted(answer["__typename"] for answer in answers) == ["TooManyAttempts"] * 7 + ["WrongCredentials"]
    ends = clock() + timedelta(seconds=WAITS[0])
    assert {datetime.fromisoformat(answer["retryAt"]) for answer in answers if "retryAt" in answer} == {ends}


async def test_two_servers_judge_no_more_than_one(
    district: District, rosa: Adult, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    with two_servers(database_url, keys_text, tmp_path) as servers:
        async with crowd(60, *(server.portal() for server in servers)) as clients:
            for username in ("rosa.q", "nobody.q"):
                answers = Counter(await asyncio.gather(*(login(client, WRONG, username) for client in clients)))
                assert answers == {"WrongCredentials": FREE, "TooManyAttempts": 60 - FREE}
    assert await endings(Step.LOG_IN) == {"WRONG_CREDENTIALS": 2 * FREE, "TOO_MANY_ATTEMPTS": 2 * (60 - FREE)}


async def test_right_and_wrong_ones_from_everywhere_at_once_neither_fail_nor_stay_counted(
    portal: Portal, rosa: Adult, clock: Clock
) -> None:
    """The rows that are counted in are taken in one order, whoever asks: none waits for another without end."""
    await portal.login("rosa.q", PASSWORD)
    device = portal.device_token
    async with crowd(40, portal) as clients:
        for _ in range(3):
            clock.advance(days=1)
            asked = [
                login(client, WRONG if number % 4 == 0 else PASSWORD, deviceToken=device if number % 2 else None)
                for number, client in enumerate(clients)
            ]
            answers = Counter(await asyncio.gather(*asked))
            assert answers.keys() <= {"LoggedIn", "WrongCredentials", "TooManyAttempts"}
    assert all(failures <= FREE for failures, _ in await streaks("account"))


async def test_who_finds_a_budget_used_up_at_the_same_moment_is_not_counted_anywhere(
    settings: Settings, rosa: Adult, clock: Clock, database_url: str
) -> None:
    """All have seen that there is room, and then find that the others have taken it."""
    few = settings.model_copy(update={"logins_per_client": 3})
    async with Portal(create_app(few, clock=clock)) as portal, held_up(database_url, COUNTING) as hold:
        asked = [asyncio.create_task(login(portal, WRONG, f"name.{number}")) for number in range(8)]
        await hold.waiters(8)
        await hold.release()
        assert Counter(await asyncio.gather(*asked)) == {"WrongCredentials": 3, "TooManyAttempts": 5}
    assert await spent("login-client") == [3]
    [counted] = await sql.rows("SELECT sum(failures) AS failures, sum(in_a_row) AS in_a_row FROM login_streak")
    assert counted == {"failures": 3, "in_a_row": 3}


async def test_an_attempt_that_found_no_room_begins_no_wait(ctx: Context, rosa: Adult) -> None:
    for _ in range(FREE - 1):
        with pytest.raises(WrongCredentials):
            await steps.log_in(ctx, username="rosa.q", password=WRONG, device_token=None)
    full = PasswordHasher(memory_kib=8192, passes=1, queue=0)
    try:
        for _ in range(3):
            with pytest.raises(TooManyAttempts) as refused:
                await steps.log_in(replace(ctx, hasher=full), username="rosa.q", password=WRONG, device_token=None)
            assert refused.value.retry_at == ctx.now + timedelta(seconds=5)
    finally:
        full.close()
    streak = await LoginStreak.get()
    assert (streak.failures, streak.in_a_row, streak.wait_until) == (FREE - 1, FREE - 1, None)
    assert (await steps.log_in(ctx, username="rosa.q", password=PASSWORD, device_token=None)).session


# ------------------------------------------------------------------------------------------------ what the school sees
SEEN = "query ($id: ID!) { account(id: $id) { status lockedUntil } }"


async def test_the_school_sees_the_lock_and_when_it_ends(
    portal: Portal, district: District, rosa: Adult, stranger: Portal, clock: Clock
) -> None:
    await at_desk(portal, district, Role.REPORTER)
    asked = {"id": global_id("Account", rosa.account_id)}
    open_ = {"status": "ACTIVE", "lockedUntil": None}
    counting = "{ accountCounts(by: STATUS, filter: {capacity: GUARDIAN}) { key count } }"
    assert (await portal.ask(SEEN, asked))["account"] == open_
    until = await lock(stranger, clock)
    locked = (await portal.ask(SEEN, asked))["account"]
    assert (locked["status"], datetime.fromisoformat(locked["lockedUntil"])) == ("LOCKED", until)
    assert (await portal.ask(counting))["accountCounts"] == [{"key": "LOCKED", "count": 1}]
    clock.now = until
    assert (await portal.ask(SEEN, asked))["account"] == open_
    assert (await portal.ask(counting))["accountCounts"] == [{"key": "ACTIVE", "count": 1}]


@pytest.fixture
async def desk(portal: Portal, district: District) -> Desk:
    return await open_desk(portal, district)


async def test_a_reset_and_a_new_password_each_end_the_lock(desk: Desk, stranger: Portal, clock: Clock) -> None:
    await lock(stranger, clock, "maria.q")
    code = (await desk.reset(await desk.verified("RESET")))["oneTimeCode"]
    assert await login(stranger, PASSWORD, "maria.q") == "NewPasswordNeeded"
    await lock(stranger, clock, "maria.q")
    choice = {"token": code, "password": NEW, "verifyPassword": NEW}
    assert (await stranger.do(documents.SET_NEW_PASSWORD, choice))["__typename"] == "PasswordChanged"
    assert await login(stranger, NEW, "maria.q") == "LoggedIn"


async def test_the_desk_that_enables_an_account_ends_the_lock(desk: Desk, stranger: Portal, clock: Clock) -> None:
    await lock(stranger, clock, "maria.q")
    await desk.disable(await desk.verified("DISABLE"))
    enabled = await desk.enable(await desk.verified("ENABLE"))
    assert (enabled["account"]["status"], await streaks("account")) == ("ACTIVE", [])
    assert await login(stranger, PASSWORD, "maria.q") == "LoggedIn"


async def test_under_another_master_secret_all_waits_begin_anew_and_the_row_goes_on(
    settings: Settings, keys_text: str, portal: Portal, rosa: Adult, clock: Clock
) -> None:
    """Names that nobody has are not recognised any more: were accounts, one could tell them from those."""

    async def answers(asked: Portal, times: int) -> list[list[str]]:
        return [[await login(asked, WRONG, username) for _ in range(times)] for username in ("rosa.q", "nobody.q")]

    judged = ["WrongCredentials"] * FREE
    assert await answers(portal, FREE + 1) == [[*judged, "TooManyAttempts"]] * 2
    second = Keyring.generate().replace("1:", "2:", 1)
    rotated = settings.model_copy(update={"secrets": SecretStr(f"{second},{keys_text}")})
    async with Portal(create_app(rotated, clock=clock)) as later:
        assert await answers(later, FREE + 1) == [[*judged, "TooManyAttempts"]] * 2
    assert await streaks("account") == [(FREE, 2 * FREE)]
    # A worker that has not been told of the new one yet gives nobody who is there any more guesses.
    assert await login(portal) == "TooManyAttempts"

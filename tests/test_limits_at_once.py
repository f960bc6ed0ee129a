"""Limits when much is sent at once: in two hundred requests, in one, to two servers, and in any order there is."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from tortoise.context import TortoiseContext

from db import sql
from db.context import Context
from db.trail import Step
from policies.limits import Budget, spend
from policies.refusals import TooManyAttempts
from tests.clients import Answer, Portal, crowd
from tests.district import PASSWORD, District, Pupil
from tests.servers import A_CHILDS_BIRTHDAY, Server, two_servers
from tests.tables import endings, spent, streaks, trail

MANY = 200
WRONG_SSN = "521459999"


@pytest.fixture
async def nora(district: District) -> Pupil:
    pupil = await district.student(born=A_CHILDS_BIRTHDAY)
    await district.guardian(pupil)
    return pupil


def wrong(pupil: Pupil) -> tuple[str, str, str]:
    number, born, _ = pupil.proofs
    return number, born, WRONG_SSN


async def kinds(answers: Sequence[Awaitable[Answer]]) -> Counter[str]:
    """How many of these, sent at once, got which answer."""
    return Counter(answer["__typename"] for answer in await asyncio.gather(*answers))


# ------------------------------------------------------------------------------------------------ many at once
async def test_of_two_hundred_wrong_proofs_at_once_no_more_are_judged_than_the_budget_allows(
    portal: Portal, nora: Pupil
) -> None:
    async with crowd(MANY, portal) as clients:
        answers = await kinds([client.request_key(*wrong(nora)) for client in clients])
    assert answers == {"NotMatched": 5, "TooManyAttempts": MANY - 5}
    assert await endings(Step.REQUEST_KEY) == {"NOT_MATCHED": 5, "TOO_MANY_ATTEMPTS": MANY - 5}
    assert await spent("proof-student") == [5]
    assert await spent("proof-client") == [1] * 5, "those that were not judged cost their clients nothing"
    assert await spent("proof-district") == [5]


async def test_two_servers_judge_no_more_than_one_and_a_restart_forgets_nothing(
    district: District, database_url: str, keys_text: str, tmp_path: Path, nora: Pupil
) -> None:
    with two_servers(database_url, keys_text, tmp_path, proofs_per_district="40") as servers:
        async with crowd(MANY, *(server.portal() for server in servers)) as clients:
            answers = await kinds([client.request_key(*wrong(nora)) for client in clients])
            assert answers == {"NotMatched": 5, "TooManyAttempts": MANY - 5}
            # Numbers that nobody has, each from an address of its own: what is left to the whole district.
            answers = await kinds(
                [
                    client.request_key(f"9{number:05}", A_CHILDS_BIRTHDAY.isoformat(), WRONG_SSN)
                    for number, client in enumerate(clients)
                ]
            )
            assert answers == {"NotMatched": 35, "TooManyAttempts": MANY - 35}
        assert [server.stop() for server in servers]
    assert await endings(Step.REQUEST_KEY) == {"NOT_MATCHED": 40, "TOO_MANY_ATTEMPTS": 2 * MANY - 40}
    with Server(database_url, keys_text, tmp_path / "again", proofs_per_district="40") as again:
        again.ready()
        async with crowd(20, again.portal()) as clients:
            assert await kinds([client.request_key(*nora.proofs) for client in clients]) == {"TooManyAttempts": 20}
    assert await spent("proof-district") == [40]


async def test_of_two_hundred_wrong_passwords_at_once_as_many_are_hashed_as_need_no_wait(
    portal: Portal, district: District, nora: Pupil
) -> None:
    await district.opened(await district.guardian(nora, given="Rosa"), "rosa.q")
    assert portal.app is not None
    before = portal.app.state.hasher.computed
    async with crowd(MANY, portal) as clients:
        answers = await kinds([client.login("rosa.q", "not the password") for client in clients])
    assert answers == {"WrongCredentials": 5, "TooManyAttempts": MANY - 5}
    assert portal.app.state.hasher.computed - before == 5
    assert await endings(Step.LOG_IN) == {"WRONG_CREDENTIALS": 5, "TOO_MANY_ATTEMPTS": MANY - 5}
    assert await streaks("account") == [(5, 5)]
    assert await spent("login-client") == [1] * 5, "those that were not judged cost their clients nothing"
    assert await spent("login-district") == [5]


async def test_of_two_hundred_wrong_keys_at_once_no_more_are_judged_than_the_budget_allows(portal: Portal) -> None:
    keys = [f"{number:032x}" for number in range(MANY)]
    asked = [portal.check_key(key) for key in keys[::2]] + [portal.activate(key, "a.b", PASSWORD) for key in keys[1::2]]
    assert await kinds(asked) == {"KeyNotAccepted": 30, "TooManyAttempts": MANY - 30}
    assert await endings(Step.CHECK_KEY) + await endings(Step.ACTIVATE) == {
        "KEY_NOT_ACCEPTED": 30, "TOO_MANY_ATTEMPTS": MANY - 30
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------ many in one request
LOGIN = 'login(input: {username: "rosa.q", password: "wrong"}) { __typename }'
CHECK = 'checkActivationKey(input: {key: "00000000000000000000000000000000"}) { __typename }'
PROOF = (
    'requestActivationKey(input: {studentNumber: "004101", studentBirthDate: "2013-04-09", studentSsn: "521459999"})'
    " { __typename }"
)
IN_ONE_REQUEST = {
    "two hundred aliases": "mutation { " + " ".join(f"a{n}: {PROOF}" for n in range(MANY)) + " }",
    "two aliases": f"mutation {{ a: {PROOF} b: {PROOF} }}",
    "two kinds": f"mutation {{ {LOGIN} {CHECK} }}",
    "the same twice": f"mutation {{ {LOGIN} {LOGIN} }}",
    "in fragments": f"mutation {{ ...one ...two }} fragment one on Mutation {{ a: {LOGIN} }} "
    f"fragment two on Mutation {{ b: {LOGIN} }}",
    "in inline fragments": f"mutation {{ ... {{ a: {CHECK} }} ... on Mutation {{ b: {CHECK} }} }}",
    "perhaps skipped": f"mutation ($no: Boolean = false) {{ a: {CHECK} b: {CHECK} @skip(if: $no) }}",
}


@pytest.mark.parametrize("case", IN_ONE_REQUEST)
async def test_more_than_one_try_in_a_request_is_refused_unjudged_and_uncounted(
    portal: Portal, nora: Pupil, case: str
) -> None:
    answer = (await portal.post(IN_ONE_REQUEST[case])).json()
    assert answer.keys() == {"errors"}
    assert await trail() == []
    assert await sql.rows("SELECT id FROM attempt_budget UNION ALL SELECT id FROM login_streak") == []


async def test_a_batch_is_refused_unjudged_and_uncounted(portal: Portal) -> None:
    response = await portal.http.post("/graphql", json=[{"query": f"mutation {{ {LOGIN} }}"}] * MANY)
    assert response.status_code == 400
    assert await trail() == []


async def test_of_several_operations_one_is_run(portal: Portal) -> None:
    several = " ".join(f"mutation m{n} {{ {CHECK} }}" for n in range(5))
    assert (await portal.http.post("/graphql", json={"query": several})).json().keys() == {"errors"}
    one = await portal.http.post("/graphql", json={"query": several, "operationName": "m3"})
    assert one.json()["data"]["checkActivationKey"]["__typename"] == "KeyNotAccepted"
    assert await spent("key-client") == [1]


# ------------------------------------------------------------------------------------------------ for all interleavings
SECONDS = 60


@dataclass(frozen=True)
class Wave:
    """Attempts that are made at the same time; some of them turn out right, at once or after the next wave."""

    #: Seconds since the last wave.
    later: int
    #: Of each attempt: whose it is, and whether it gives itself back now, later or never.
    attempts: list[tuple[str, str]]


WAVES = st.lists(
    st.builds(
        Wave,
        later=st.sampled_from([0, 1, 30, 59, 60, 61]),
        attempts=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["now", "later", "never"])), max_size=9),
    ),
    max_size=6,
)


async def play(ctx: Context, waves: list[Wave]) -> None:
    """Spends as the waves say, and checks after each attempt that no window has let more through than it may."""
    run = uuid4().hex
    own = Budget(f"own-{run}", 3, timedelta(seconds=SECONDS))
    shared = Budget(f"shared-{run}", 5, timedelta(seconds=SECONDS))
    maximum = {own.name: own.maximum, shared.name: shared.maximum}
    #: Attempts that went through and were not given back, by budget and the end of its window.
    out: Counter[tuple[str, datetime]] = Counter()
    late: list[Callable[[], Awaitable[None]]] = []
    #: What those who were refused were told: how long to wait.
    waits: list[timedelta] = []

    async def attempt(at: Context, subject: str, back: str) -> None:
        try:
            through_ = await spend(at, own.claim(at, subject), shared.claim(at, "all"))
        except TooManyAttempts as refused:
            waits.append(refused.retry_at - at.now)
            return
        windows = list(through_.windows.items())
        out.update(windows)
        for (id_, _), count in out.items():
            assert count <= maximum[id_.partition(":")[0]]

        async def give_back() -> None:
            out.subtract(windows)
            await through_.give_back()

        if back == "now":
            await give_back()
        elif back == "later":
            late.append(give_back)

    now = ctx.now
    for wave in waves:
        now += timedelta(seconds=wave.later)
        at = replace(ctx, now=now)
        due, late = late, []
        await asyncio.gather(*(attempt(at, *one) for one in wave.attempts), *(give_back() for give_back in due))
        kept = await sql.rows("SELECT id, spent, ends_at FROM attempt_budget WHERE id LIKE '%' || $1 || ':%'", run)
        counted = {(row["id"], row["ends_at"]): row["spent"] for row in kept}
        assert counted == {window: out[window] for window in counted}
    assert all(timedelta() < wait <= timedelta(seconds=SECONDS) for wait in waits)


@given(waves=WAVES)
@effort(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_interleaving_lets_more_through_than_a_window_allows(
    database: TortoiseContext, ctx: Context, waves: list[Wave]
) -> None:
    await play(ctx, waves)


@pytest.mark.full
@given(waves=WAVES)
@effort(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_interleaving_at_all_lets_more_through_than_a_window_allows(
    database: TortoiseContext, ctx: Context, waves: list[Wave]
) -> None:
    await play(ctx, waves)


async def test_what_is_given_back_too_late_is_not_taken_from_the_next_window(
    database: TortoiseContext, ctx: Context
) -> None:
    budget = Budget("late", 1, timedelta(seconds=SECONDS))
    early = await spend(ctx, budget.claim(ctx, "somebody"))
    next_window = replace(ctx, now=ctx.now + timedelta(seconds=SECONDS))
    await spend(next_window, budget.claim(ctx, "somebody"))
    await early.give_back()
    assert await spent("late") == [1]
    with pytest.raises(TooManyAttempts):
        await spend(next_window, budget.claim(ctx, "somebody"))


async def test_an_attempt_is_given_back_once(database: TortoiseContext, ctx: Context) -> None:
    budget = Budget("once", 5, timedelta(seconds=SECONDS))
    await spend(ctx, budget.claim(ctx, "somebody"))
    right = await spend(ctx, budget.claim(ctx, "somebody"))
    await right.give_back()
    await right.give_back()
    assert await spent("once") == [1]

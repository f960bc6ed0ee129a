"""The rule of waits, as a pure function, and as the database counts by it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pydantic import ValidationError
from tortoise.context import TortoiseContext

from db.context import Context
from db.hashing import HasherBusy, PasswordHasher
from db.rules import Rules
from policies.refusals import TooManyAttempts
from policies.waits import waits
from resolvers.login_attempts import LoginAttempt, count_login

#: Numbers that are nobody's accounts: how wrong passwords are counted does not depend on there being any.
ACCOUNTS = count(10**6)
#: A small rule, so that short stories reach all of it.
SMALL = {
    "login_free_guesses": 3,
    "login_first_wait_seconds": 50,
    "login_lock_minutes": 3,
    "login_forget_hours": 1,
    "logins_per_client": 10**6,
    "logins_per_district": 10**6,
}


def wait_after(rules: Rules, failures: int) -> timedelta:
    """The wait that should begin with the last of so many wrong passwords, as the documents put it."""
    beyond = failures - rules.login_free_guesses
    ladder = waits(rules)
    return ladder[min(beyond, len(ladder) - 1)] if beyond >= 0 else timedelta()


# ------------------------------------------------------------------------------------------------ the pure rule
def test_the_rule_of_the_product() -> None:
    seconds = [wait_after(Rules.model_validate({}), failures).total_seconds() for failures in range(14)]
    assert seconds == [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900, 900]


RULES = st.fixed_dictionaries(
    {
        "login_free_guesses": st.integers(1, 50),
        "login_first_wait_seconds": st.integers(1, 900),
        "login_lock_minutes": st.integers(15, 1440),
    }
).map(Rules.model_validate)


@given(rules=RULES, failures=st.integers(0, 10**9))
def test_a_wait_never_gets_shorter_and_never_longer_than_the_lock(rules: Rules, failures: int) -> None:
    wait, longest = wait_after(rules, failures), timedelta(minutes=rules.login_lock_minutes)
    assert wait <= wait_after(rules, failures + 1) <= longest
    assert (wait == timedelta()) == (failures < rules.login_free_guesses)
    if timedelta() < wait < longest:
        assert wait_after(rules, failures + 1) == min(2 * wait, longest)
    assert wait_after(rules, rules.login_free_guesses) == timedelta(seconds=rules.login_first_wait_seconds)
    assert wait_after(rules, rules.login_free_guesses + len(waits(rules))) == longest


@pytest.mark.parametrize(
    "chosen",
    [
        {"login_first_wait_seconds": 1000},
        {"login_lock_minutes": 61, "login_forget_hours": 1},
        {"login_free_guesses": 0},
        {"login_failures_most": 101},
    ],
    ids=str,
)
def test_waits_that_make_no_sense_are_no_rules(chosen: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Rules.model_validate(chosen)


# ------------------------------------------------------------------------------------------------ as it is counted
@dataclass(frozen=True)
class Attempt:
    """Somebody gives a password, so many seconds after the attempt before."""

    later: int
    #: `stranger`, `device` or `session`.
    who: str
    #: `wrong`, `right`, or `busy` where no room was found to judge it.
    ends: str


@dataclass(frozen=True)
class Row:
    """What should be known of those whose waits are the same: failures, and times in seconds."""

    failures: int
    forget_at: int
    wait_until: int | None


ATTEMPTS = st.lists(
    st.builds(
        Attempt,
        later=st.sampled_from([0, 0, 0, 1, 49, 50, 51, 100, 180, 3599, 3600]),
        who=st.sampled_from(["stranger", "stranger", "device", "session"]),
        ends=st.sampled_from(["wrong", "wrong", "wrong", "wrong", "right", "busy"]),
    ),
    max_size=25,
)


async def play(ctx: Context, full: PasswordHasher, attempts: list[Attempt]) -> None:
    """Makes the attempts one after the other, and compares each answer with what the rule says."""
    ctx = replace(ctx, rules=ctx.rules.model_copy(update=SMALL))
    account, device, session = next(ACCOUNTS), uuid4().bytes, next(ACCOUNTS)
    own: dict[str, Row] = {}
    in_a_row, now = 0, 0
    encoded = await ctx.hasher.hash("right")
    for each in attempts:
        now += each.later
        at = replace(ctx, now=ctx.now + timedelta(seconds=now))
        row = own.get(each.who)
        counting = count_login(
            at,
            "somebody",
            account,
            device=device if each.who == "device" else None,
            session_id=session if each.who == "session" else None,
        )
        if row is not None and row.wait_until is not None and row.wait_until > now:
            with pytest.raises(TooManyAttempts) as refused:
                await counting
            assert refused.value.retry_at == ctx.now + timedelta(seconds=row.wait_until)
            continue
        attempt = await counting
        failures = 1 if row is None or row.forget_at <= now else row.failures + 1
        wait = int(wait_after(at.rules, failures).total_seconds())
        in_a_row += 1
        assert attempt.in_a_row == in_a_row
        counted = attempt.counted.wait_until
        assert counted == (at.now + timedelta(seconds=wait) if wait else None)
        own[each.who] = Row(failures, now + 3600, now + wait if wait else None)
        if each.ends == "right":
            assert await attempt.judge(encoded, "right")
            del own[each.who]
            in_a_row = 0
        elif each.ends == "wrong":
            assert not await attempt.judge(encoded, "wrong")
        else:
            with pytest.raises(HasherBusy):
                await LoginAttempt(replace(at, hasher=full), attempt.counted).judge(encoded, "right")
            own[each.who] = Row(failures - 1, now + 3600, None)
            in_a_row -= 1


@pytest.fixture
def full() -> Iterator[PasswordHasher]:
    """A hasher with no room for anybody."""
    made = PasswordHasher(memory_kib=8192, passes=1, queue=0)
    yield made
    made.close()


@given(attempts=ATTEMPTS)
@effort(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_database_counts_by_the_rule(
    database: TortoiseContext, ctx: Context, full: PasswordHasher, attempts: list[Attempt]
) -> None:
    await play(ctx, full, attempts)


@pytest.mark.full
@given(attempts=ATTEMPTS)
@effort(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_database_counts_by_the_rule_in_a_thousand_stories(
    database: TortoiseContext, ctx: Context, full: PasswordHasher, attempts: list[Attempt]
) -> None:
    await play(ctx, full, attempts)


# ------------------------------------------------------------------------------------------------ taken back
@pytest.fixture
def small(ctx: Context) -> Context:
    return replace(ctx, rules=ctx.rules.model_copy(update=SMALL))


async def test_a_wait_that_began_because_of_what_is_taken_back_is_over(
    database: TortoiseContext, small: Context
) -> None:
    account = next(ACCOUNTS)
    first, _, third = [await count_login(small, "somebody", account) for _ in range(3)]
    assert third.counted.wait_until is not None
    await first.give_back()
    again = await count_login(small, "somebody", account)
    assert (again.in_a_row, again.counted.wait_until) == (3, third.counted.wait_until)
    with pytest.raises(TooManyAttempts):
        await count_login(small, "somebody", account)


async def test_what_is_taken_back_too_late_is_not_taken_from_the_next_streak(
    database: TortoiseContext, small: Context
) -> None:
    account = next(ACCOUNTS)
    late, right = [await count_login(small, "somebody", account) for _ in range(2)]
    assert await right.judge(await small.hasher.hash("right"), "right")
    next_streak = replace(small, now=small.now + timedelta(seconds=1))
    for _ in range(2):
        await count_login(next_streak, "somebody", account)
    await late.give_back()
    assert (await count_login(next_streak, "somebody", account)).counted.wait_until is not None

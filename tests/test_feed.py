"""The feed of changes: in whatever order writers commit, who has read up to a number has missed nothing before it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from tortoise.context import TortoiseContext

from db import sql
from db.feed import CHANNEL, forget_changes, forgotten, number_changes, standing
from db.models import DisabledReason
from tests.clients import Portal
from tests.conftest import Clock
from tests.district import PASSWORD, District

WRITERS, ACCOUNTS = 4, 5


@pytest.fixture
def clock() -> Clock:
    """The real time: the database tells it as well."""
    return Clock(datetime.now(UTC))


async def told(after: int = 0) -> list[dict[str, Any]]:
    """What is told after a number."""
    return await sql.rows("SELECT * FROM account_change WHERE number > $1 ORDER BY number", after)


async def standings(account_id: int) -> list[tuple[str | None, str]]:
    """How an account came to stand as it does, from the first change on."""
    await number_changes()
    return [standing(change) for change in await told() if change["account_id"] == account_id]


async def wait(account_id: int, ends_in: str) -> None:
    """A wait of an account, as counting wrong passwords begins it."""
    await sql.execute(
        "INSERT INTO login_streak (id, account_id, failures, in_a_row, began_at, forget_at, secret_version, "
        "wait_until) VALUES ('account:' || $1::bigint, $1, 5, 5, now(), now(), 1, now() + $2::text::interval)",
        *(account_id, ends_in),
    )


# ------------------------------------------------------------------------------------------------ the order
@pytest.fixture
async def writers(database_url: str) -> AsyncIterator[list[Any]]:
    made = [await asyncpg.connect(database_url) for _ in range(WRITERS)]
    yield made
    for connection in made:
        await connection.close()


#: What is done, and by which writer or reader to which account.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "write", "commit", "commit", "undo", "read", "read"]),
        st.integers(0, WRITERS - 1),
        st.integers(1, ACCOUNTS),
    ),
    max_size=40,
)


@given(steps=STEPS)
@effort(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_reader_gets_every_change_once_and_those_of_an_account_in_their_order(
    database: TortoiseContext, writers: list[Any], steps: list[tuple[str, int, int]]
) -> None:
    """Some writers have begun long before others and commit long after them; readers come in between."""
    await sql.execute("TRUNCATE account_change, account_feed")
    open_: dict[int, Any] = {}
    holder: dict[int, int] = {}
    pending: dict[int, list[tuple[int, str]]] = {}
    committed: list[tuple[int, str]] = []
    read: list[list[dict[str, Any]]] = [[] for _ in range(WRITERS)]

    async def end(writer: int, *, keep: bool) -> None:
        if writer in open_:
            await (open_[writer].commit() if keep else open_[writer].rollback())
            del open_[writer]
            written = pending.pop(writer)
            committed.extend(written if keep else ())
            for account in [account for account, held in holder.items() if held == writer]:
                del holder[account]

    async def catch_up(reader: int) -> None:
        last = await number_changes()
        position = read[reader][-1]["number"] if read[reader] else 0
        fresh = await told(position)
        assert (fresh[-1]["number"] if fresh else position) == last
        read[reader] += fresh

    for serial, (what, who, account) in enumerate(steps):
        if what == "write" and holder.setdefault(account, who) == who:
            if who not in open_:
                open_[who] = writers[who].transaction()
                await open_[who].start()
            # As the trigger does; an account's row is locked by whoever changes it.
            await writers[who].execute(
                "INSERT INTO account_change (account_id, capacity, at, status, disabled_reason) "
                "VALUES ($1, 'STUDENT', now(), 'DISABLED', $2)",
                *(account, str(serial)),
            )
            pending.setdefault(who, []).append((account, str(serial)))
        elif what in {"commit", "undo"}:
            await end(who, keep=what == "commit")
        elif what == "read":
            await catch_up(who)
    for writer in range(WRITERS):
        await end(writer, keep=True)
    for reader in range(WRITERS):
        await catch_up(reader)
        got = [(change["account_id"], change["disabled_reason"]) for change in read[reader]]
        assert [change["number"] for change in read[reader]] == list(range(1, len(got) + 1))
        assert sorted(got) == sorted(committed)
        for account in range(1, ACCOUNTS + 1):
            assert [one for one in got if one[0] == account] == [one for one in committed if one[0] == account]


async def test_many_who_number_at_once_give_each_change_one_number(database: TortoiseContext) -> None:
    await sql.execute(
        "INSERT INTO account_change (account_id, capacity, at, status) "
        "SELECT n, 'STUDENT', now(), 'ACTIVE' FROM generate_series(1, 12000) n"
    )
    assert set(await asyncio.gather(*(number_changes() for _ in range(8)))) == {12_000}
    assert [(change["number"], change["account_id"]) for change in await told()] == [
        (number, number) for number in range(1, 12_001)
    ]


# ------------------------------------------------------------------------------------------------ what is told
async def test_each_change_of_status_or_reason_is_told_and_nothing_else_is(
    district: District, database_url: str
) -> None:
    heard = asyncio.Event()
    listening = await asyncpg.connect(database_url)
    await listening.add_listener(CHANNEL, lambda *_: heard.set())
    nora = await district.student()
    await district.opened(nora, "nora.q")
    await sql.execute("UPDATE account SET status = 'ACTIVE', last_login_at = now() WHERE id = $1", nora.account_id)
    for reason in (DisabledReason.STAFF_DECISION, DisabledReason.LEGAL_RESTRICTION):
        await sql.execute(
            "UPDATE account SET status = 'DISABLED', disabled_reason = $2 WHERE id = $1", nora.account_id, reason.value
        )
    assert await standings(nora.account_id) == [
        (None, "NOT_ACTIVATED"),
        ("NOT_ACTIVATED", "ACTIVE"),
        ("ACTIVE", "DISABLED"),
        ("DISABLED", "DISABLED"),
    ]
    async with asyncio.timeout(10):
        await heard.wait()
    await listening.close()


async def test_a_wait_after_wrong_passwords_is_told_when_it_begins_and_when_it_is_over_early(
    portal: Portal, district: District
) -> None:
    nora = await district.student()
    await district.opened(nora, "nora.q")
    before = await standings(nora.account_id)
    for _ in range(4):
        await portal.login("nora.q", "wrong")
    assert await standings(nora.account_id) == before
    await portal.login("nora.q", "wrong")
    assert (await standings(nora.account_id))[len(before) :] == [("ACTIVE", "LOCKED")]
    [streak] = await sql.rows("SELECT wait_until FROM login_streak WHERE account_id = $1", nora.account_id)
    assert (await told())[-1]["locked_until"] == streak["wait_until"]
    await sql.execute("DELETE FROM login_streak")
    assert (await standings(nora.account_id))[len(before) :] == [("ACTIVE", "LOCKED"), ("LOCKED", "ACTIVE")]


async def test_a_right_password_tells_nothing(portal: Portal, district: District) -> None:
    nora = await district.student()
    await district.opened(nora, "nora.q")
    before = await standings(nora.account_id)
    await portal.login("nora.q", "wrong")
    assert (await portal.login("nora.q", PASSWORD))["__typename"] == "LoggedIn"
    assert await standings(nora.account_id) == before


async def test_neither_a_wait_of_a_disabled_account_nor_one_that_is_long_over_is_told(
    district: District,
) -> None:
    nora = await district.student()
    await district.opened(nora, "nora.q")
    before = await standings(nora.account_id)
    await wait(nora.account_id, "-1 minute")
    await sql.execute("DELETE FROM login_streak")
    assert len(await standings(nora.account_id)) == len(before) + 1
    await sql.execute("UPDATE account SET status = 'DISABLED', disabled_reason = 'STAFF_DECISION'")
    before = await standings(nora.account_id)
    await wait(nora.account_id, "1 minute")
    await sql.execute("DELETE FROM login_streak")
    assert await standings(nora.account_id) == before


# ------------------------------------------------------------------------------------------------ what is thrown away
async def test_old_changes_are_thrown_away_and_it_is_known_how_far(database: TortoiseContext) -> None:
    now = datetime.now(UTC)
    await sql.execute(
        "INSERT INTO account_change (account_id, capacity, at, status) "
        "SELECT n, 'STUDENT', $1::timestamptz - n * interval '1 day', 'ACTIVE' FROM generate_series(9, 1, -1) n",
        now,
    )
    assert await forgotten() == 0
    # What has no number yet has not been told.
    assert await forget_changes(now) == 0
    assert await number_changes() == 9
    assert await forget_changes(now - timedelta(days=3, hours=1)) == 6
    assert (await forgotten(), [change["number"] for change in await told()]) == (6, [7, 8, 9])
    assert await forget_changes(now - timedelta(days=3, hours=1)) == 0
    assert (await forgotten(), await number_changes()) == (6, 9)

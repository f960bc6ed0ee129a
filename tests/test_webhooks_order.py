"""Each change reaches a webhook at least once, and those of one account in order: whatever fails, and whoever dies."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from tortoise.context import TortoiseContext

from app.settings import Settings
from app.webhook_wire import read_cursor
from app.webhooks import Messenger
from db import sql
from db.context import Context
from db.models import WebhookDelivery
from tests.command_line import running
from tests.conftest import Clock
from tests.district import District, Pupil
from tests.holding import Write, held_up, until
from tests.receivers import CUT, Event, Receiver
from tests.servers import Server
from tests.tables import as_superuser
from tests.webhooks import Hook, at_work, changed, hooked, messenger, standings

_ANYWAY = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as server:
        yield server


@pytest.fixture
async def pupils(district: District) -> list[Pupil]:
    school = await district.school()
    return [await district.student(school=school) for _ in range(3)]


def numbers(events: list[Event]) -> dict[str, list[int]]:
    """The first of each change that was taken, in the order in which they came, by account."""
    found: dict[str, list[int]] = {}
    for event in events:
        number = read_cursor(event.data["cursor"])
        assert number is not None
        mine = found.setdefault(event.account, [])
        if number not in mine:
            mine.append(number)
    return found


def in_order(events: list[Event], changes: int) -> None:
    told = numbers(events)
    assert all(mine == sorted(mine) for mine in told.values()), told
    assert sum(map(len, told.values())) == changes
    # One change, one id; one id, one change.
    assert len({(event.id, event.data["cursor"]) for event in events}) == changes


async def _work_off(workers: list[Messenger], clock: Clock) -> None:
    """Both at once, time and again, until nothing waits."""
    for _ in range(400):
        await asyncio.gather(*(worker.run(once=True) for worker in workers))
        if not await WebhookDelivery.filter(state="WAITING").exists():
            return
        clock.advance(minutes=2)
    raise AssertionError("it does not come to an end")


@examples(max_examples=15, deadline=None, suppress_health_check=_ANYWAY)
@given(
    order=st.lists(st.integers(0, 2), min_size=1, max_size=12),
    answers=st.lists(st.sampled_from([204, 204, 204, 500, 503, 404, CUT]), min_size=1, max_size=9),
    late=st.integers(0, 12),
)
async def test_whatever_fails_each_accounts_changes_come_in_order_and_each_at_least_once(
    *,
    database: TortoiseContext,
    settings: Settings,
    ctx: Context,
    order: list[int],
    answers: list[int],
    late: int,
) -> None:
    async with as_superuser():
        await sql.rows("TRUNCATE webhook_delivery, webhook, account, service_client, person, school CASCADE")
    clock, district = Clock(datetime.now(UTC)), District(ctx)
    school = await district.school()
    pupils = [await district.student(school=school) for _ in range(3)]
    script = cycle([*answers, 204])
    async with (
        Receiver(answer=lambda _said: next(script)) as receiver,
        messenger(settings, ctx, clock) as one,
        messenger(settings, ctx, clock) as two,
    ):
        await hooked(ctx, receiver.url)
        for nth in order[:late]:
            await changed(pupils[nth].account_id)
        await asyncio.gather(one.run(once=True), two.run(once=True))
        for nth in order[late:]:
            await changed(pupils[nth].account_id)
        await _work_off([one, two], clock)
        in_order(receiver.taken, len(order))


async def test_while_an_account_has_to_wait_others_go_on(
    *, settings: Settings, receiver: Receiver, pupils: list[Pupil], ctx: Context, clock: Clock
) -> None:
    stuck: list[str] = []

    def answer(said: dict[str, Any]) -> int:
        account = said["data"]["account"]["id"]
        if not stuck:
            stuck.append(account)
        return 500 if account == stuck[0] else 204

    receiver.answer = answer
    hook = await hooked(ctx, receiver.url)
    for _ in range(3):
        await changed(*(pupil.account_id for pupil in pupils))
    async with messenger(settings, ctx, clock) as worker:
        await worker.run(once=True)
        assert len(receiver.taken) == 6
        # Of the one that waits, the first alone was tried.
        assert len({event.id for event in receiver.events if event.account == stuck[0]}) == 1
        receiver.answer = lambda _said: 204
        clock.advance(minutes=1)
        await worker.run(once=True)
    in_order(receiver.taken, 9)
    assert await standings(hook) == ["DELIVERED"] * 9


async def test_two_messengers_deliver_each_change_once(
    *, settings: Settings, receiver: Receiver, district: District, ctx: Context, clock: Clock
) -> None:
    school = await district.school()
    accounts = [(await district.student(school=school)).account_id for _ in range(12)]
    hook = await hooked(ctx, receiver.url)
    async with messenger(settings, ctx, clock) as one, messenger(settings, ctx, clock) as two, at_work(one, two):
        for _ in range(4):
            await changed(*accounts)
            one.wake()
            two.wake()
        await receiver.until(48)
    assert len(receiver.events) == 48
    in_order(receiver.events, 48)
    assert await standings(hook) == ["DELIVERED"] * 48


async def test_a_messenger_that_lost_its_lease_marks_nothing(
    *, settings: Settings, receiver: Receiver, pupils: list[Pupil], ctx: Context, clock: Clock
) -> None:
    hook = await hooked(ctx, receiver.url)
    await changed(pupils[0].account_id)
    receiver.slow = asyncio.Event()
    receiver.answer = lambda _said: 500
    async with messenger(settings, ctx, clock) as late, messenger(settings, ctx, clock) as other:
        work = asyncio.create_task(late.run(once=True))
        await receiver.until_asked(1)
        clock.advance(minutes=5)
        took_over = asyncio.create_task(other.run(once=True))
        await receiver.until_asked(2)
        receiver.answer = lambda _said: 204
        receiver.slow.set()
        await asyncio.gather(work, took_over)
    assert len({event.id for event in receiver.events}) == 1
    assert await standings(hook) == ["DELIVERED"]
    row = await WebhookDelivery.get()
    assert (row.attempts, row.failure) == (2, None)


async def test_told_to_stop_it_finishes_what_it_has_in_hand_and_cut_short_it_lets_go(
    *, settings: Settings, receiver: Receiver, pupils: list[Pupil], ctx: Context, clock: Clock
) -> None:
    hook = await hooked(ctx, receiver.url)
    receiver.slow = asyncio.Event()
    await changed(pupils[0].account_id, times=2)
    async with messenger(settings, ctx, clock) as worker:
        work = asyncio.create_task(worker.run())
        await receiver.until_asked()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
    row = await WebhookDelivery.get(number=await _first(hook))
    assert (row.state, row.leased_until, row.due_at) == ("WAITING", None, clock())
    async with messenger(settings, ctx, clock) as worker:
        work = asyncio.create_task(worker.run())
        await receiver.until_asked(2)
        worker.stop()
        receiver.slow.set()
        await work
    assert await standings(hook) == ["DELIVERED", "WAITING"]


async def _first(hook: Hook) -> int:
    row = await sql.row("SELECT min(number) AS number FROM webhook_delivery WHERE webhook_id = $1", hook.id)
    assert row is not None
    number: int = row["number"]
    return number


# ------------------------------------------------------------------------------------------------ processes
async def _all_delivered() -> bool | None:
    left = await WebhookDelivery.exclude(state="DELIVERED").exists() or not await WebhookDelivery.exists()
    return None if left else True


async def test_killed_between_the_receivers_yes_and_the_mark_it_comes_once_more_and_is_known_by_its_id(
    *, receiver: Receiver, pupils: list[Pupil], ctx: Context, settings: Settings, database_url: str, keys_text: str,
    tmp_path: Path
) -> None:  # fmt: skip
    await hooked(ctx, receiver.url)
    environment = {"database_url": database_url, "secrets": keys_text, "var": str(tmp_path)}
    async with held_up(database_url, Write("webhook_delivery", "UPDATE OF ended_at")) as hold:
        with running(tmp_path / "victim", "webhook", "run", **environment) as victim:
            await changed(pupils[0].account_id, times=2)
            await receiver.until(1)
            pid = await hold.waiter(asyncio.create_task(asyncio.to_thread(victim.process.wait)))
            victim.told(signal.SIGKILL)
            await hold.end(pid)
            await hold.gone(pid)
    assert [row.state for row in await WebhookDelivery.all().order_by("number")] == ["WAITING"] * 2

    later = Clock(datetime.now(UTC) + timedelta(hours=1))
    async with messenger(settings, ctx, later) as other:
        await other.run(once=True)
    assert len(receiver.events) == 3
    assert receiver.events[0].id == receiver.events[1].id
    in_order(receiver.events, 2)


async def test_two_servers_tell_within_a_moment_what_is_changed_through_either(
    *, receiver: Receiver, pupils: list[Pupil], ctx: Context, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    await hooked(ctx, receiver.url)
    with (
        Server(database_url, keys_text, tmp_path / "one", webhooks="true") as one,
        Server(database_url, keys_text, tmp_path / "two", webhooks="true") as two,
    ):
        for server in (one, two):
            await asyncio.to_thread(server.ready)
        for _ in range(5):
            await changed(*(pupil.account_id for pupil in pupils))
        await until(_all_delivered)
        # It hears of what comes later without being told otherwise.
        await changed(pupils[0].account_id)
        await receiver.until(16)
        await until(_all_delivered)
    in_order(receiver.events, 16)
    assert len(receiver.events) == 16

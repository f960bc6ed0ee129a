"""Letters in couriers' hands: nobody else takes them, nothing is lost with them, all keep one pace and one order."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from structlog.testing import capture_logs

from app.settings import Settings
from db import sql
from db.context import Context
from db.models import LetterState, MailPace, UndeliverableAddress
from db.queries.courier import claim, next_due
from mail.courier import Courier
from mail.outbox import Addressee, LetterKind, promise
from tests.conftest import Clock
from tests.couriers import at_work, courier_for, letter, promised, relay_settings, states
from tests.district import District
from tests.holding import until
from tests.mailbox import Mailbox

MARIA, ADA, THEO = "maria@example.org", "ada@example.org", "theo@example.org"
NO_SUCH_USER = "550 5.1.1 <maria@example.org>: no such user"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with Mailbox() as box:
        yield box


@pytest.fixture
def relay(settings: Settings, mailbox: Mailbox) -> Settings:
    """The settings with the mailbox as relay."""
    return relay_settings(settings, mailbox)


@pytest.fixture
def courier(district: District, relay: Settings, clock: Clock, ctx: Context) -> Courier:
    return courier_for(relay, clock, ctx)


# ------------------------------------------------------------------------------------------------ leases
async def test_what_a_courier_died_with_is_taken_up_when_its_lease_ends(
    courier: Courier, relay: Settings, mailbox: Mailbox, ctx: Context, clock: Clock
) -> None:
    """It is dead to the database: its task is cut off as if the process were gone."""
    mailbox.slow[MARIA] = asyncio.Event()
    [id_] = await promised(ctx, MARIA)
    work = asyncio.create_task(courier.run())
    await until(lambda: _in_hand(id_))
    row = await letter(id_)
    assert row.leased_until is not None
    other = courier_for(relay, clock, ctx)
    clock.now = row.leased_until - timedelta(seconds=1)
    await other.run(once=True)
    assert (await letter(id_)).attempts == 1
    clock.now = row.leased_until
    took_over = asyncio.create_task(other.run(once=True))
    await until(lambda: _in_hand(id_, attempts=2))
    mailbox.slow[MARIA].set()
    await took_over
    courier.stop()
    await work
    assert await states([id_]) == ["SENT"]
    first, second = mailbox.received
    assert first.message_id == second.message_id


async def _in_hand(id_: int, *, attempts: int = 1) -> bool | None:
    return True if (await letter(id_)).attempts == attempts else None


async def test_a_courier_whose_lease_ended_marks_no_failure_of_its_own(
    courier: Courier, relay: Settings, mailbox: Mailbox, ctx: Context, clock: Clock
) -> None:
    """While it waited for the answer, another courier has sent the letter."""
    mailbox.slow[MARIA] = asyncio.Event()
    mailbox.refused_after_data[MARIA] = NO_SUCH_USER
    [id_] = await promised(ctx, MARIA)
    late = asyncio.create_task(courier.run())
    await until(lambda: _in_hand(id_))
    clock.advance(hours=1)
    async with Mailbox() as elsewhere:
        await courier_for(relay_settings(relay, elsewhere), clock, ctx).run(once=True)
        assert elsewhere.recipients == [MARIA]
    mailbox.slow[MARIA].set()
    courier.stop()
    await late
    assert await states([id_]) == ["SENT"]
    assert not await UndeliverableAddress.exists()


async def test_told_to_stop_it_finishes_the_letter_in_hand_and_takes_no_other(
    courier: Courier, mailbox: Mailbox, ctx: Context, clock: Clock
) -> None:
    released = mailbox.slow[MARIA] = mailbox.slow[ADA] = asyncio.Event()
    ids = await promised(ctx, MARIA, ADA, THEO)
    work = asyncio.create_task(courier.run())
    await until(lambda: _in_hand(ids[1]))
    courier.stop()
    released.set()
    await work
    assert await states(ids) == ["SENT", "SENT", "WAITING"]
    assert (await letter(ids[2])).attempts == 0


async def test_cut_short_it_lets_go_of_the_letter_in_hand(
    courier: Courier, mailbox: Mailbox, ctx: Context, clock: Clock
) -> None:
    mailbox.slow[MARIA] = asyncio.Event()
    [id_] = await promised(ctx, MARIA)
    work = asyncio.create_task(courier.run())
    await until(lambda: _asked(mailbox))
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    row = await letter(id_)
    assert (row.state, row.leased_until, row.due_at) == (LetterState.WAITING, None, clock())


async def _asked(mailbox: Mailbox) -> bool | None:
    return True if mailbox.asked_for else None


# ------------------------------------------------------------------------------------------------ the pace
@pytest.mark.parametrize("couriers", [1, 3])
async def test_all_couriers_together_keep_the_pace(
    relay: Settings, mailbox: Mailbox, district: District, clock: Clock, couriers: int
) -> None:
    """Twelve a minute: two at once after a rest, and then one in five seconds."""
    ctx, slow = district.ctx, relay.model_copy(update={"mail_per_minute": 12})
    await promised(ctx, *(f"family{n}@example.org" for n in range(40)))
    workers = [courier_for(slow, clock, ctx) for _ in range(couriers)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        for seconds, sent in ((0, 2), (4, 2), (5, 3), (10, 4), (15, 5), (60, 7)):
            clock.now = ctx.now + timedelta(seconds=seconds)
            for worker in workers:
                worker.wake()
            await until(partial(_at_rest, sent))
    finally:
        for worker in workers:
            worker.stop()
        await asyncio.gather(*running)
    assert len(mailbox.received) == 7


async def _at_rest(sent: int) -> bool | None:
    """So many are sent and nobody has another one in hand. A further one would show in the next count."""
    rows = await sql.rows("SELECT state, leased_until FROM letter WHERE state = 'SENT' OR leased_until IS NOT NULL")
    return True if len([row for row in rows if row["state"] == "SENT"]) == len(rows) == sent else None


async def test_the_pace_is_kept_whoever_asks_at_the_same_time(
    relay: Settings, mailbox: Mailbox, ctx: Context, clock: Clock, district: District
) -> None:
    """Six lines each of four couriers ask at once; a sixth of the rate goes at once, and not one more."""
    hasty = relay.model_copy(update={"mail_per_minute": 60, "mail_connections": 6})
    await promised(ctx, *(f"family{n}@example.org" for n in range(40)))
    workers = [courier_for(hasty, clock, ctx) for _ in range(4)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    await until(lambda: _at_rest(10))
    for worker in workers:
        worker.stop()
    await asyncio.gather(*running)
    assert len(mailbox.received) == 10


async def test_letters_that_are_never_sent_take_nothing_from_the_pace(
    relay: Settings, mailbox: Mailbox, district: District, clock: Clock
) -> None:
    """Whoever asks for the log-ons of addresses that nobody has delays no letter."""
    slow = relay.model_copy(update={"mail_per_minute": 12})
    nobody = [Addressee(None, f"nobody{n}@example.org", None) for n in range(30)]
    asked = await promise(district.ctx, LetterKind.LOG_ON_INFORMATION, nobody, {})
    await promised(district.ctx, MARIA, ADA, THEO)
    worker = courier_for(slow, clock, district.ctx)
    async with at_work(worker, slow):
        await until(partial(_at_rest, 2))
        assert await states(asked) == ["CANCELLED"] * 30
        clock.advance(seconds=5)
        worker.wake()
        await until(partial(_at_rest, 3))
    assert len(mailbox.received) == 3


@pytest.mark.parametrize("ahead", [timedelta(minutes=2), timedelta(hours=8)])
async def test_a_pace_that_a_wrong_clock_has_set_stops_nobody(
    relay: Settings, mailbox: Mailbox, district: District, clock: Clock, ahead: timedelta
) -> None:
    ctx, slow = district.ctx, relay.model_copy(update={"mail_per_minute": 12})
    await promised(ctx, MARIA, ADA, THEO, "nora@example.org")
    await sql.rows("INSERT INTO mail_pace (id, next_at) VALUES (1, $1)", clock() + ahead)
    worker = courier_for(slow, clock, ctx)
    with capture_logs() as lines:
        async with at_work(worker, slow):
            await until(partial(_at_rest, 2))
            clock.advance(seconds=5)
            worker.wake()
            await until(partial(_at_rest, 3))
    assert len(mailbox.received) == 3
    assert [line["event"] for line in lines].count("clocks of couriers differ: another one is ahead of this one") == 1


async def test_a_courier_does_not_sleep_for_a_pace_that_a_wrong_clock_has_set(district: District, clock: Clock) -> None:
    await promised(district.ctx, MARIA)
    ahead, farthest = timedelta(seconds=5), timedelta(seconds=70)
    for seconds, free_at in ((69, clock() + timedelta(seconds=64)), (71, None)):
        await MailPace.all().delete()
        await MailPace.create(id=1, next_at=clock() + timedelta(seconds=seconds))
        assert await next_due(clock(), ahead=ahead, farthest=farthest) == (clock(), free_at)


# ------------------------------------------------------------------------------------------------ whose turn it is
async def test_what_somebody_waits_for_goes_first(district: District, clock: Clock) -> None:
    """And what came first goes first among what is alike."""
    ctx = district.ctx
    kinds = (LetterKind.WELCOME, LetterKind.LOG_ON_INFORMATION, LetterKind.RESET_LINK, LetterKind.ACTIVATION_KEY)
    ids = {}
    for nth, kind in enumerate((*kinds, *kinds)):
        at = replace(ctx, now=ctx.now + timedelta(seconds=nth))
        [ids[nth]] = await promise(at, kind, [Addressee(None, f"{nth}@example.org", None)], {})
    clock.advance(minutes=1)
    assert await _claimed(clock, 8) == [ids[nth] for nth in (2, 3, 6, 7, 1, 5, 0, 4)]


async def test_nothing_stands_still_for_what_goes_first(district: District, clock: Clock) -> None:
    """Letters that ask again and again for log-ons hold up another one for an hour, and a link of the desk for none."""
    ctx = district.ctx
    ids = {}
    for name, kind, minutes in (
        ("old", LetterKind.WELCOME, 0),
        ("within the hour", LetterKind.LOG_ON_INFORMATION, 59),
        ("later", LetterKind.LOG_ON_INFORMATION, 61),
        ("link", LetterKind.RESET_LINK, 62),
    ):
        at = replace(ctx, now=ctx.now + timedelta(minutes=minutes))
        [ids[name]] = await promise(at, kind, [Addressee(None, f"{minutes}@example.org", None)], {})
    clock.advance(minutes=62)
    assert await _claimed(clock, 4) == [ids[name] for name in ("link", "within the hour", "old", "later")]


async def _claimed(clock: Clock, letters: int) -> list[int]:
    """The next letters in the order in which couriers take them."""
    now, no_time = clock(), timedelta()
    lease = now + timedelta(hours=1)
    claims = [await claim(now, lease, step=no_time, ahead=no_time, farthest=no_time) for _ in range(letters)]
    return [row["id"] for row in claims if row]

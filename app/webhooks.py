"""The messenger: tells webhooks of changes of accounts, beside the requests or in a process of its own.

It works as the courier of letters does: a delivery is claimed in a transaction of its own and leased while it is in
hand, so that each arrives at least once, however processes end; all sendings of one have one `webhook-id`. Any number
of messengers may be at work. Each webhook has lines of its own, so that no receiver holds up another one; and of one
account, nothing is sent to a webhook before what came earlier was taken.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from app import beside
from app.settings import Settings
from app.webhook_in_hand import MARK_AGAIN, Ending, InHand
from app.webhook_wire import NotTaken, Sender, body_of, message_name, sender_of, signed
from db.context import Context
from db.feed import CHANNEL
from db.models import PausedWhy
from db.queries import deliveries as queries
from mail.courier import Bell
from resolvers.deliveries import take_in_changes, told_now

_log = structlog.get_logger("portal.webhooks")

#: Longest and shortest sleep in seconds, and the one while the database is away, as the courier's.
_MOST_SLEEP, _LEAST_SLEEP, _AWAY_SLEEP = 60.0, 0.2, 5.0
#: From the database alone, so many seconds are enough to make a delivery ready.
_READY_SECONDS: Final = 10.0
#: After so many failures in a row the receiver is in trouble: one try at a time, with growing waits.
_IN_A_ROW: Final = 3
#: Seconds before a delivery, or a receiver in trouble, is tried again: after the first time, and at most.
_FIRST, _MOST = 5.0, 3600.0
#: What was found out of an account is as good as now for so long; a connection may take longer to make.
_GOOD_FOR: Final = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What an operator may choose about the work of messengers."""

    #: Deliveries to one webhook side by side, by one messenger.
    lines: int = 4
    #: For how long something is tried before its webhook is paused.
    give_up_after: timedelta = timedelta(hours=72)
    #: Seconds that a receiver may take in all.
    seconds: float = 15.0

    @property
    def lease(self) -> timedelta:
        """After which time a delivery in the hands of a messenger that died is taken by another one."""
        return timedelta(seconds=_READY_SECONDS + self.seconds + sum(MARK_AGAIN) + 30)


class _Unseen(Exception):
    """The client may not be told of the account any more."""


class Messenger:
    """Delivers until it is told to stop. `context` makes the context of each delivery, at its own moment."""

    def __init__(self, sender: Sender, context: Callable[[], Context], habits: Habits) -> None:
        self._sender, self._context, self._habits = sender, context, habits
        self._bell = Bell()
        self._stop = asyncio.Event()
        #: How many lines there are to each webhook.
        self._lines: Counter[int] = Counter()
        #: How it went so far.
        self.endings: Counter[Ending] = Counter()

    def wake(self) -> None:
        """There may be something to do."""
        self._bell.ring()

    def stop(self) -> None:
        """No further delivery is taken; `run` ends when those in hand are done."""
        if not self._stop.is_set():
            _log.info("messenger takes no more deliveries")
        self._stop.set()
        self._bell.ring()

    async def run(self, *, once: bool = False) -> None:
        """Delivers until `stop`; with `once`, until nothing is due. Cancelled, it lets go of what is in hand."""
        async with asyncio.TaskGroup() as lines:
            while not self._stop.is_set():
                ring = self._bell.next
                try:
                    seconds = await self._look(lines, once=once)
                except Exception as failed:
                    # The database is away, perhaps.
                    _log.warning("webhooks held up", reason=type(failed).__name__)
                    seconds = _AWAY_SLEEP
                if seconds is None:
                    return
                await _happens(ring, seconds)

    async def _look(self, lines: asyncio.TaskGroup, *, once: bool) -> float | None:
        """Takes in what is new and begins a line to each webhook for which something is due; returns for how long there
        is nothing else to do, as far as is known; None where nothing is left to be done once."""
        await take_in_changes(self._context())
        due, now = await queries.next_due(), self._now()
        later = []
        for webhook_id, at in due:
            if at > now:
                later.append(at)
            elif self._lines[webhook_id] < self._habits.lines:
                self._begin(lines, webhook_id)
        if once and not self._lines.total():
            return None
        soonest = (min(later) - now).total_seconds() if later else _MOST_SLEEP
        return min(max(soonest, _LEAST_SLEEP), _MOST_SLEEP)

    def _now(self) -> datetime:
        return self._context().now

    # -------------------------------------------------------------------------------------------- one line
    def _begin(self, lines: asyncio.TaskGroup, webhook_id: int) -> None:
        self._lines[webhook_id] += 1
        lines.create_task(self._work(lines, webhook_id))

    async def _work(self, lines: asyncio.TaskGroup, webhook_id: int) -> None:
        """Delivers to one webhook as long as something is due. Where there is one, there may be more: another line."""
        try:
            while not self._stop.is_set() and (found := await self._claimed(webhook_id)):
                if self._lines[webhook_id] < self._habits.lines:
                    self._begin(lines, webhook_id)
                await self._carry(found)
        except Exception as failed:
            _log.warning("webhook held up", webhook=webhook_id, reason=type(failed).__name__)
            # Until then the line keeps its place, and no other one comes to the same grief.
            await _happens(self._stop, _AWAY_SLEEP)
        finally:
            self._lines[webhook_id] -= 1
            self._bell.ring()

    async def _claimed(self, webhook_id: int) -> InHand | None:
        now = self._now()
        lease = now + self._habits.lease
        found = await queries.claim(webhook_id, now, lease, in_trouble=_IN_A_ROW)
        return InHand(*found, lease) if found else None

    async def _carry(self, in_hand: InHand) -> None:
        try:
            ending = await self._deliver(in_hand)
        except BaseException:
            await in_hand.let_go_at_once(self._now())
            raise
        self.endings[ending] += 1

    # -------------------------------------------------------------------------------------------- one delivery
    async def _deliver(self, in_hand: InHand) -> Ending:
        try:
            await self._send(in_hand)
        except _Unseen:
            return await in_hand.withheld(self._now())
        except NotTaken as not_taken:
            return await self._not_taken(in_hand, not_taken)
        return await in_hand.delivered(self._now())

    async def _send(self, in_hand: InHand) -> None:
        """Raises _Unseen and NotTaken."""
        ctx, hook = self._context(), in_hand.hook
        try:
            async with asyncio.timeout(_READY_SECONDS):
                told = await told_now(ctx, hook, in_hand.delivery)
            if told is None:
                raise _Unseen
            body = body_of(told)
            headers = signed(ctx, hook, message_name(in_hand.delivery["message_id"]), body)
        except (LookupError, ValueError, TypeError) as failed:
            # Something is wrong with us: it waits for being mended, and is told like any failure.
            raise NotTaken(f"cannot be made ready: {type(failed).__name__}") from failed

        async def still() -> None:
            later = self._context()
            if later.now - ctx.now > _GOOD_FOR and await told_now(later, hook, in_hand.delivery) is None:
                raise _Unseen

        await self._sender.send(hook["url"], headers, body, still=still)

    async def _not_taken(self, in_hand: InHand, why: NotTaken) -> Ending:
        """It is tried again later, once more at the end of its time; then, or where its receiver is gone, the webhook
        is paused, and all that waits for it goes on waiting."""
        now, row = self._now(), in_hand.delivery
        since = min(in_hand.hook["failing_since"] or now, row["tried_since"])
        last = since + self._habits.give_up_after
        paused = PausedWhy.GONE if why.is_gone else PausedWhy.NOT_TAKEN if now >= last else None
        again = now + (why.again_in or _until_tried_again(row["attempts"]))
        hold = queries.Hold(
            in_a_row=_IN_A_ROW, first=_varied(_FIRST), most=_MOST, until=again if why.again_in is not None else None
        )
        again = again if now >= last else min(again, last)
        return await in_hand.waits(now, why, again=again, hold=hold, paused=paused)


async def _happens(event: asyncio.Event, seconds: float) -> None:
    """Waits for it, but no longer than this."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _until_tried_again(times: int) -> timedelta:
    """Twice as long each time."""
    return timedelta(seconds=_varied(min(_FIRST * 2 ** min(times - 1, 16), _MOST)))


def _varied(seconds: float) -> float:
    """Never quite the same: what failed together shall not come back together."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311


# ------------------------------------------------------------------------------------------------ beside the requests
def messenger_of(settings: Settings, sender: Sender, context: Callable[[], Context]) -> Messenger:
    """A messenger with the habits of the settings; its contexts tell themselves apart by their address."""
    habits = Habits(
        lines=settings.webhook_connections,
        give_up_after=timedelta(hours=settings.webhook_give_up_hours),
        seconds=settings.webhook_seconds,
    )
    return Messenger(sender, lambda: replace(context(), address="webhooks", client="webhooks"), habits)


@asynccontextmanager
async def calling_webhooks(settings: Settings, context: Callable[[], Context]) -> AsyncIterator[None]:
    """Delivers as long as the block runs, where the settings say so. Several workers may do so at once.

    Raises:
        PlainProblem: as `sender_of`.
    """
    if not settings.webhooks:
        yield
        return
    sender = sender_of(settings)
    try:
        async with beside.at_work(settings, CHANNEL, messenger_of(settings, sender, context)):
            yield
    finally:
        await sender.close()

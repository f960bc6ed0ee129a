"""The courier: carries the letters that are due, and comes again for those that were not taken.

A letter is claimed in a statement of its own, and leased while it is in hand: no transaction is open while a mail
server is spoken to, and a courier that dies lets go when the lease ends. So each letter arrives at least once. It
arrives again where nobody knows that it did: a courier died, or was cut off from the database for longer than the
lease, between the relay's yes and the mark of it; or the yes was lost on its way, and then up to three times in a day.
All copies have one Message-ID. Any number of couriers may be at work, in any number of processes.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from db.context import Context
from db.queries import courier as queries
from mail.carriers import Carrier, Line, NotNow, NotTaken, Refused, RelayTrouble
from mail.habits import (
    READY_SECONDS,
    Habits,
    until_a_copy_may_go,
    until_the_letter_is_tried_again,
    until_the_relay_is_tried_again,
)
from mail.in_hand import Ending, InHand
from mail.outbox import Withdrawn
from mail.preparing import BadAddress, prepare

_log = structlog.get_logger("portal.mail")

#: Longest that a courier sleeps, in seconds, whatever it knows: a word from the database may have been lost.
_MOST_SLEEP: Final = 60.0
#: Shortest, where there is something due that it cannot have.
_LEAST_SLEEP: Final = 0.2
#: So long it sleeps when the database is away.
_AWAY_SLEEP: Final = 5.0
#: A connection without letters is kept for so many seconds.
_IDLE: Final = 30.0
#: So many letters in a row on which the relay fell silent, or refused us, are its trouble, and not theirs.
_IN_A_ROW: Final = 3
#: Letters whose time is over are given up without being tried once the relay was in trouble so often in a row.
_TROUBLES_BEFORE_GIVING_UP: Final = 5
#: The log speaks of clocks no more often.
_TELL_OF_CLOCKS_EVERY: Final = timedelta(hours=1)


class Bell:
    """Wakes everybody who waits for it."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    @property
    def next(self) -> asyncio.Event:
        """The next ring. Taken before one looks for work, so that what comes meanwhile is not missed."""
        return self._next

    def ring(self) -> None:
        """Wakes those who wait, and nobody who begins to wait after this."""
        self._next.set()
        self._next = asyncio.Event()


class Courier:
    """Carries letters until it is told to stop. `context` makes the context of each letter, at its own moment."""

    def __init__(self, carrier: Carrier, context: Callable[[], Context], habits: Habits) -> None:
        self._carrier, self._context, self._habits = carrier, context, habits
        self._bell = Bell()
        self._stopping = self._once = False
        #: No letter is taken before then; how often in a row that was so.
        self._paused_until: datetime | None = None
        self._troubles = 0
        #: Letters that met what may be the relay's trouble, with none in between that did not.
        self._suspicious: set[int] = set()
        self._clocks_told_at: datetime | None = None
        #: How it went so far.
        self.endings: Counter[Ending] = Counter()

    def wake(self) -> None:
        """There may be something to do."""
        self._bell.ring()

    def stop(self) -> None:
        """No further letter is taken; `run` ends when those in hand are done."""
        if not self._stopping:
            _log.info("courier takes no more letters")
        self._stopping = True
        self._bell.ring()

    @property
    def is_in_trouble(self) -> bool:
        """Whether the relay could not be used the last time."""
        return self._troubles > 0

    async def run(self, *, once: bool = False) -> None:
        """Carries letters until `stop`; with `once`, until none is due or the relay cannot be used.

        Cancelled, it lets go of the letters in hand at once.
        """
        self._once = once
        async with asyncio.TaskGroup() as lines:
            for _ in range(self._habits.lines):
                lines.create_task(self._work(self._carrier.line()))

    # -------------------------------------------------------------------------------------------- one line
    async def _work(self, line: Line) -> None:
        loop = asyncio.get_running_loop()
        used_at = loop.time()
        try:
            while not self._stopping:
                ring = self._bell.next
                try:
                    if await self._one_letter(line):
                        used_at = loop.time()
                        continue
                    seconds = await self._seconds_to_sleep()
                except Exception as failed:
                    # The database is away, perhaps.
                    _log.warning("courier held up", reason=type(failed).__name__)
                    seconds = _AWAY_SLEEP
                if seconds is None:
                    return
                idle_for = max(used_at + _IDLE - loop.time(), 0.0)
                if line.is_open and idle_for < seconds:
                    if await _rung(ring, idle_for):
                        continue
                    seconds -= idle_for
                    await line.close()
                await _rung(ring, seconds)
        finally:
            await line.close()

    async def _seconds_to_sleep(self) -> float | None:
        """Until there is something to do, as far as is known; None where nothing is left to be done once."""
        now = self._now()
        moment = self._pause_at(now)
        if moment is not None and self._once:
            return None
        if moment is None:
            found = await queries.next_due(now, ahead=self._habits.ahead, farthest=self._habits.farthest)
            if self._once and (found is None or found[0] > now):
                return None
            if found is None:
                return _MOST_SLEEP
            moment = max(filter(None, found))
        return min(max((moment - now).total_seconds(), _LEAST_SLEEP), _MOST_SLEEP)

    async def _one_letter(self, line: Line) -> bool:
        """Takes a letter that is due and does with it what can be done; False where there is none to take."""
        habits, now = self._habits, self._now()
        if self._pause_at(now):
            return False
        lease = now + habits.lease
        row = await queries.claim(now, lease, step=habits.step, ahead=habits.ahead, farthest=habits.farthest)
        if row is None:
            return False
        if row["pace_was_wrong"]:
            self._tell_of_clocks(now)
        in_hand = InHand(row, lease)
        try:
            ending = await self._carry(line, in_hand)
        except asyncio.CancelledError:
            await in_hand.let_go_at_once(self._now())
            raise
        self.endings[ending] += 1
        return True

    def _tell_of_clocks(self, now: datetime) -> None:
        if self._clocks_told_at is None or now - self._clocks_told_at >= _TELL_OF_CLOCKS_EVERY:
            self._clocks_told_at = now
            _log.warning("clocks of couriers differ: another one is ahead of this one")

    def _now(self) -> datetime:
        return self._context().now

    # -------------------------------------------------------------------------------------------- one letter
    async def _carry(self, line: Line, in_hand: InHand) -> Ending:
        try:
            async with asyncio.timeout(READY_SECONDS):
                letter = in_hand.letter()
                ready = await prepare(self._context(), letter)
        except BadAddress:
            nowhere = Refused("The address is not one that mail can be sent to.", unreachable=True)
            return await in_hand.failed(self._now(), nowhere, unreachable=True)
        except Exception as failed:
            return await self._waits_for_mending(in_hand, "made ready", failed)
        if isinstance(ready, Withdrawn):
            return await in_hand.withdrawn(ready, self._habits)
        try:
            async with asyncio.timeout(self._habits.letter_seconds):
                await line.carry(letter, ready.to, ready.message)
        except RelayTrouble as trouble:
            self._pause(trouble)
            ending = await self._waits(in_hand, trouble)
            await self._tell_of_trouble(trouble)
            return ending
        except Refused as refused:
            ending = await in_hand.failed(self._now(), refused, unreachable=refused.unreachable)
            await self._answered()
            return ending
        except NotNow as not_now:
            return await self._not_now(in_hand, not_now)
        except TimeoutError:
            return await self._not_now(in_hand, NotNow("It took too long.", lost=True, perhaps_taken=True))
        except Exception as failed:
            return await self._waits_for_mending(in_hand, "carried", failed)
        in_hand.is_taken = True
        self._recovered()
        return await in_hand.sent(self._now())

    async def _waits(self, in_hand: InHand, why: NotTaken) -> Ending:
        """Until its own time, or, where no letter gets through, behind all those that are due by then."""
        now = self._now()
        until = self._pause_at(now) if isinstance(why, RelayTrouble) else None
        if isinstance(why, NotNow) and why.perhaps_taken:
            until = now + until_a_copy_may_go(now - in_hand.since)
        again = until or now + until_the_letter_is_tried_again(in_hand.attempts)
        return await in_hand.waits(now, why, again, self._habits)

    async def _not_now(self, in_hand: InHand, why: NotNow) -> Ending:
        """A relay that falls silent, or refuses us, on one letter after the other is in trouble, whatever they are."""
        ending = await self._waits(in_hand, why)
        if not (why.lost or why.about_us):
            await self._answered()
            return ending
        self._suspicious.add(in_hand.id)
        if len(self._suspicious) >= _IN_A_ROW:
            self._pause(why)
            await self._tell_of_trouble(why)
        return ending

    async def _waits_for_mending(self, in_hand: InHand, what: str, failed: Exception) -> Ending:
        """Something is wrong with us. The exception's text may hold anything, what the letter tells included."""
        reason = type(failed).__name__
        _log.error(f"letter not {what}", letter=in_hand.id, kind=in_hand.kind, reason=reason)
        return await self._waits(in_hand, NotNow(f"It could not be {what}: {reason}."))

    # -------------------------------------------------------------------------------------------- the relay's trouble
    def _pause_at(self, now: datetime) -> datetime | None:
        """Until when no letter is taken; None where they are."""
        return self._paused_until if self._paused_until is not None and now < self._paused_until else None

    def _pause(self, trouble: NotTaken) -> None:
        """All letters wait, as each would only come to grief at the same thing."""
        if self._pause_at(now := self._now()):
            # Another line has met the same trouble.
            return
        self._troubles += 1
        pause = until_the_relay_is_tried_again(self._troubles)
        self._paused_until = now + pause
        where, again_in = self._carrier.where, round(pause / timedelta(seconds=1))
        _log.warning("mail relay cannot be used", relay=where, reason=trouble.reason, again_in=again_in)

    async def _tell_of_trouble(self, trouble: NotTaken) -> None:
        """Kept for whoever watches; after a while, letters whose time is over are given up."""
        now = self._now()
        await queries.relay_is_in_trouble(now)
        if self._troubles >= _TROUBLES_BEFORE_GIVING_UP:
            given_up = await queries.give_up(now - self._habits.give_up_after, now, trouble.reason)
            if given_up:
                _log.warning("letters failed", letters=given_up)

    async def _answered(self) -> None:
        """The relay has judged a letter, if not to its favour: it is there."""
        self._recovered()
        await queries.relay_is_there()

    def _recovered(self) -> None:
        if self._troubles:
            _log.info("mail relay can be used again", relay=self._carrier.where)
        self._paused_until, self._troubles = None, 0
        self._suspicious.clear()


async def _rung(ring: asyncio.Event, seconds: float) -> bool:
    """Waits for the bell, but no longer than this; whether it rang."""
    try:
        async with asyncio.timeout(seconds):
            await ring.wait()
    except TimeoutError:
        return False
    return True

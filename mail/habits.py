"""How a courier works: how many letters at once, how fast, how long it tries, and how long it waits in between."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

#: From the database alone, so many seconds are enough to make a letter ready.
READY_SECONDS: Final = 30.0
#: A letter that takes so many times the relay's patience for one answer is let go; its lease is longer by the margin.
_LETTER_TIMES: Final = 8
_LEASE_MARGIN: Final = timedelta(minutes=2)
#: So much may the clocks of couriers differ.
_CLOCK_MARGIN: Final = timedelta(minutes=1)
#: Seconds before a letter is tried again: after the first time, and at most.
_LETTER_FIRST, _LETTER_MOST = 60.0, 3600.0
#: A letter that the relay may have taken is tried again after so many seconds at least, and after so many times the
#: time for which it has been tried: in a day, three further copies of it go at most.
_COPY_FIRST, _COPY_TIMES = 3600.0, 6
#: Seconds for which all letters wait when the relay is in trouble, likewise.
_RELAY_FIRST, _RELAY_MOST = 10.0, 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What an operator may choose about the work of couriers."""

    #: Letters that one courier carries side by side.
    lines: int = 2
    #: Letters that all couriers together take in a minute; a sixth of that at once after a rest.
    per_minute: int = 60
    #: How long a letter is tried.
    give_up_after: timedelta = timedelta(hours=24)
    #: Seconds that the relay may take for one answer.
    seconds: float = 30.0

    @property
    def step(self) -> timedelta:
        """From one letter to the next, at an even pace."""
        return timedelta(minutes=1) / self.per_minute

    @property
    def ahead(self) -> timedelta:
        """How far the even pace may be run ahead of."""
        return self.step * (max(self.per_minute // 6, 1) - 1)

    @property
    def farthest(self) -> timedelta:
        """Nobody whose clock is right to the minute runs further ahead."""
        return self.ahead + self.step + _CLOCK_MARGIN

    @property
    def letter_seconds(self) -> float:
        """How long handing one letter over may take in all."""
        return self.seconds * _LETTER_TIMES

    @property
    def lease(self) -> timedelta:
        """After which time a letter in the hands of a courier that died is taken by another one."""
        return timedelta(seconds=self.letter_seconds) + _LEASE_MARGIN


def until_the_letter_is_tried_again(attempts: int) -> timedelta:
    """After so many attempts."""
    return _doubling(attempts, _LETTER_FIRST, _LETTER_MOST)


def until_a_copy_may_go(tried_for: timedelta) -> timedelta:
    """Of a letter that the relay may have taken, and that has been tried for so long."""
    return timedelta(seconds=_varied(max(_COPY_FIRST, tried_for.total_seconds() * _COPY_TIMES)))


def until_the_relay_is_tried_again(troubles: int) -> timedelta:
    """After so many troubles in a row."""
    return _doubling(troubles, _RELAY_FIRST, _RELAY_MOST)


def _doubling(times: int, first: float, most: float) -> timedelta:
    """Twice as long each time."""
    return timedelta(seconds=_varied(min(first * 2 ** min(times - 1, 16), most)))


def _varied(seconds: float) -> float:
    """Never quite the same: what failed together shall not come back together."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311

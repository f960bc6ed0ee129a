"""Waiting for changes of accounts: one watcher a worker numbers what is committed and wakes all who follow."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Final

import structlog

from db.feed import number_changes

_log = structlog.get_logger("portal.changes")
#: Seconds in which several changes are taken together, so that many at once wake nobody many times.
_TOGETHER_SECONDS: Final = 0.05
#: Seconds after which it is looked whether there are changes, heard of or not: a NOTIFY is lost with its connection.
_LOOK_SECONDS: Final = 5.0
#: As many of those who follow look into the database at once.
_AT_ONCE: Final = 2
#: Seconds until it is tried again when the database could not be asked.
_AGAIN_SECONDS: Final = 1.0


class Watch:
    """Tells all who follow in one worker how far the changes are numbered. Looks only while somebody follows."""

    def __init__(self, clock: Callable[[], datetime], *, look_seconds: float = _LOOK_SECONDS) -> None:
        """`clock` tells those who follow the time."""
        self.clock = clock
        #: Taken for each look into the database by those who follow, so that most connections are left for requests.
        self.turn = asyncio.Semaphore(_AT_ONCE)
        self._look_seconds = look_seconds
        self._heard = asyncio.Event()
        self._moved = asyncio.Event()
        self._last = 0
        self._followers = 0

    def wake(self) -> None:
        """There may be changes: to be called for each NOTIFY."""
        self._heard.set()

    @contextmanager
    def following(self) -> Iterator[None]:
        """Somebody follows as long as the block runs: whatever is heard meanwhile is looked at."""
        self._followers += 1
        try:
            yield
        finally:
            self._followers -= 1

    async def beyond(self, number: int, *, seconds: float) -> int:
        """Waits until changes after this number are numbered, for so long at most; returns the last number known."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._last <= number:
                    await self._moved.wait()
        return self._last

    async def run(self) -> None:
        """Watches until it is cancelled, whatever happens to the database."""
        while True:
            await self._hear()
            if not self._followers:
                continue
            try:
                last = await number_changes()
            except Exception as failed:
                # The database is away, perhaps; what was not seen now is seen a little later.
                _log.warning("changes not numbered", reason=type(failed).__name__)
                await asyncio.sleep(_AGAIN_SECONDS)
                self.wake()
                continue
            if last != self._last:
                self._last = last
                self._moved.set()
                self._moved = asyncio.Event()

    async def _hear(self) -> None:
        """Waits for a NOTIFY, and a moment for more of them; or until it is time to look."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._look_seconds):
                await self._heard.wait()
                await asyncio.sleep(_TOGETHER_SECONDS)
        self._heard.clear()

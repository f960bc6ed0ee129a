"""Housekeeping beside the requests: every hour, what is of no more use is thrown away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from db.feed import forget_changes
from db.queries.housekeeping import throw_away

_log = structlog.get_logger("portal.housekeeping")
FIRST_AFTER_SECONDS = 60.0
EVERY_SECONDS = 3600.0


@asynccontextmanager
async def keeping_house(
    clock: Callable[[], datetime],
    *,
    letters_for: timedelta,
    changes_for: timedelta = timedelta(days=30),
    first_after: float = FIRST_AFTER_SECONDS,
    every: float = EVERY_SECONDS,
) -> AsyncIterator[None]:
    """Keeps house as long as the block runs; letters, and changes of accounts, for so long. Several workers may do so
    at once."""
    task = asyncio.create_task(_keep_house(clock, letters_for, changes_for, first_after, every))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _keep_house(
    clock: Callable[[], datetime], letters_for: timedelta, changes_for: timedelta, first_after: float, every: float
) -> None:
    await asyncio.sleep(first_after)
    while True:
        try:
            _log.debug("thrown away", rows=await throw_away(clock(), letters_for=letters_for, changes_for=changes_for))
            _log.debug("changes thrown away", rows=await forget_changes(clock() - changes_for))
        except Exception as failed:
            # The database is away, perhaps; what was not thrown away now can wait an hour.
            _log.warning("housekeeping failed", reason=type(failed).__name__)
        await asyncio.sleep(every)

"""Listening for what the database tells: a connection of its own, which is made anew when it is lost."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any, Final

import asyncpg
import structlog

from db.connection import dedicated

_log = structlog.get_logger("portal.database")
#: Seconds between two tries to connect: the first, and the longest.
_FIRST_SECONDS: Final = 1.0
_MOST_SECONDS: Final = 60.0
#: Seconds after which a silent connection is asked whether it is still there, and in which it must answer.
_ASK_AFTER_SECONDS: Final = 60.0
_ANSWER_SECONDS: Final = 5.0


async def listen(url: str, channel: str, heard: Callable[[], None]) -> None:
    """Calls `heard` for each NOTIFY on the channel, and whenever a connection was made, for what came before it.

    Goes on until it is cancelled, whatever happens to the connection. What is notified while there is none is not
    heard: whoever listens also has to look by himself now and then.
    """
    failures = 0
    while True:
        try:
            connection = await dedicated(url)
            try:
                lost = await _listening(connection, channel, heard)
                failures = 0
                await _until_lost(connection, lost)
            finally:
                # Whatever state it is in: there is nothing to take leave of, and it must not take long.
                connection.terminate()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as failed:
            _log.warning("not listening to the database", channel=channel, reason=type(failed).__name__)
        failures += 1
        seconds = min(_FIRST_SECONDS * 2 ** min(failures - 1, 10), _MOST_SECONDS)
        # No secret depends on it: servers that lost the database together do not all come back at once.
        await asyncio.sleep(seconds * random.uniform(0.5, 1.0))  # noqa: S311


async def _listening(connection: Any, channel: str, heard: Callable[[], None]) -> asyncio.Event:
    """Begins to listen; the event tells that the connection was lost."""
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _connection: lost.set())
    await connection.add_listener(channel, lambda *_notified: heard())
    heard()
    return lost


async def _until_lost(connection: Any, lost: asyncio.Event) -> None:
    """A connection that a network dropped without a word would stay silent for ever: it is asked now and then."""
    while not lost.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ASK_AFTER_SECONDS):
                await lost.wait()
        if not lost.is_set():
            await connection.execute("SELECT 1", timeout=_ANSWER_SECONDS)

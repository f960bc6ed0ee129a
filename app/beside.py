"""Work beside the requests: whoever sends letters or calls webhooks is woken by the database, and ends in order."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

from app.problems import PlainProblem
from app.settings import Settings
from db.listening import listen

#: Seconds in which what is in hand is finished when the server ends; then it is let go, for another worker.
LAST_SECONDS: Final = 8.0


class Worker(Protocol):
    """Somebody who works until told to stop."""

    def wake(self) -> None:
        """There may be something to do."""

    def stop(self) -> None:
        """Nothing further is begun; `run` ends when what is in hand is done."""

    async def run(self, *, once: bool = False) -> None:
        """Works until `stop`; with `once`, until there is nothing to do. Cancelled, it lets go at once."""


@asynccontextmanager
async def awake(settings: Settings, channel: str, heard: Callable[[], None]) -> AsyncIterator[None]:
    """As long as the block runs, `heard` is called whenever the database tells something on the channel."""
    if settings.database_url is None:
        raise PlainProblem("PORTAL_DATABASE_URL is not set.")
    task = asyncio.create_task(listen(settings.database_url.get_secret_value(), channel, heard))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def at_work(settings: Settings, channel: str, worker: Worker) -> AsyncIterator[None]:
    """The worker works as long as the block runs."""
    async with awake(settings, channel, worker.wake):
        work = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            await finish(worker, work)


async def finish(worker: Worker, work: "asyncio.Task[None]") -> None:
    """Ends a worker: what is in hand is finished if that is soon, and let go if not."""
    worker.stop()
    await asyncio.wait({work}, timeout=LAST_SECONDS)
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work


async def until_told(worker: Worker, *, once: bool) -> None:
    """Runs to the end of what is due, or until Ctrl-C or SIGTERM; then what is in hand is finished."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        loop.add_signal_handler(number, told.set)
    work, stop = asyncio.create_task(worker.run(once=once)), asyncio.create_task(told.wait())
    try:
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
        await finish(worker, work)
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)

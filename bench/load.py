"""Asking the portal as fast as it answers, or at a steady pace, and reading the meters meanwhile."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from bench.client import Connection
from bench.ground import Ground
from bench.processes import Family
from bench.server import Server

#: Seconds of load before the meters are read: connections to the database are open, caches are full.
WARM_SECONDS = 0.3


@dataclass(slots=True)
class Tally:
    """What came back so far."""

    stopped: bool = False
    answered: int = 0
    #: Seconds from request to answer, each.
    waited: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a stretch of load came to. Processor seconds are for one request."""

    per_second: float
    portal_cpu: float
    postgres_cpu: float
    client_cpu: float


@dataclass(frozen=True, slots=True)
class Meters:
    """The processor time of everybody who has a part in an answer."""

    server: Server
    postgres: Family

    async def read_over(self, seconds: float, tally: Tally) -> Stretch:
        """What it cost to answer what was answered in the coming seconds."""
        began, before, done = time.perf_counter(), self._read(), tally.answered
        await asyncio.sleep(seconds)
        elapsed, answered = time.perf_counter() - began, tally.answered - done
        each = max(answered, 1)
        portal, postgres, client = ((after - then) / each for then, after in zip(before, self._read(), strict=True))
        return Stretch(answered / elapsed, portal, postgres, client)

    def _read(self) -> tuple[float, float, float]:
        return self.server.cpu_seconds(), self.postgres.cpu_seconds(), time.process_time()


@contextlib.asynccontextmanager
async def asking(
    connections: Sequence[Connection], requests: Callable[[], bytes], *, expecting: bytes, pause: float = 0.0
) -> AsyncIterator[Tally]:
    """Every connection asks, again and again until the end of the block.

    Without `pause` at once; with it about so many seconds after the last request, at an uneven pace, so that requests
    do not march in step.

    Raises:
        WrongAnswer: at the end, when an answer was not what it should be.
    """
    tally = Tally()

    async def ask(connection: Connection) -> None:
        while not tally.stopped:
            if pause:
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            began = time.perf_counter()
            await connection.ask(requests(), expecting=expecting)
            tally.waited.append(time.perf_counter() - began)
            tally.answered += 1

    tasks = [asyncio.create_task(ask(connection)) for connection in connections]
    try:
        yield tally
    finally:
        tally.stopped = True
        await asyncio.gather(*tasks)


# ------------------------------------------------------------------------------------------------ who asks
_serial = count(1)


def new_address() -> str:
    """Another client each time."""
    number = next(_serial)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def usernames(ground: Ground) -> Iterator[str]:
    """One guardian after the other."""
    return (ground.username(number) for number in count())

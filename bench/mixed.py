"""Reading while others log in: slow hashes must not make those wait who only look."""

import asyncio
from dataclasses import dataclass
from itertools import cycle
from statistics import median, quantiles

from bench.client import post
from bench.documents import ME
from bench.ground import Ground
from bench.load import WARM_SECONDS, asking, usernames
from bench.login import EACH, LOGGED_IN, login_request, session_token
from bench.plan import Plan
from bench.reads import READERS, STUDENTS
from bench.report import Aim, Row
from bench.server import Server

#: Connections to each worker that read, and seconds between two requests of one: a light load.
READING = 2
PAUSE = 0.02
#: A turn is so many times as long as others, and there are as many times fewer, since a p99 needs some hundred reads.
_LONGER = 2


@dataclass(frozen=True, slots=True)
class _Round:
    """Seconds of each read."""

    alone: list[float]
    beside: list[float]


async def measure(ground: Ground, server: Server, plan: Plan) -> list[Row]:
    """The same readers by turns alone and beside as many log-ins as the portal can take."""
    tokens = [await session_token(server, ground.username(number)) for number in range(READERS)]
    reads, names = cycle([post(ME, token=token) for token in tokens]), usernames(ground)
    rounds: list[_Round] = []
    async with server.connections(READING) as reading:

        async def read() -> list[float]:
            async with asking(reading, lambda: next(reads), expecting=STUDENTS, pause=PAUSE) as tally:
                await asyncio.sleep(_LONGER * plan.seconds)
            return tally.waited

        for _ in range(1 + max(1, plan.rounds // _LONGER)):
            alone = await read()
            async with (
                server.connections(EACH) as logging_in,
                asking(logging_in, lambda: login_request(next(names)), expecting=LOGGED_IN),
            ):
                await asyncio.sleep(WARM_SECONDS)
                rounds.append(_Round(alone, await read()))
    # In the first round the portal opens connections to the database that it keeps from then on.
    return [
        _row("p99 of reads while log-ins saturate, over p99 idle", 99, rounds[1:], Aim(high=3.0)),
        _row("  the median of the same reads", 50, rounds[1:], None),
    ]


def _row(measurement: str, percent: int, rounds: list[_Round], aim: Aim | None) -> Row:
    pairs = [(_percentile(r.beside, percent), _percentile(r.alone, percent)) for r in rounds]
    beside, alone = (1000 * median(of) for of in zip(*pairs, strict=True))
    ratio = median(beside / alone for beside, alone in pairs)
    return Row(measurement, f"{beside:.1f} ms over {alone:.1f} ms", ratio, aim)


def _percentile(seconds: list[float], percent: int) -> float:
    return quantiles(seconds, n=100, method="inclusive")[percent - 1]

"""Reading while others log in: slow hashes must not make those wait who only look."""

from itertools import cycle
from statistics import quantiles

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


async def measure(ground: Ground, server: Server, plan: Plan) -> list[Row]:
    """The same readers by turns alone and beside as many log-ins as the portal can take."""
    tokens = [await session_token(server, ground.username(number)) for number in range(READERS)]
    reads, names = cycle([post(ME, token=token) for token in tokens]), usernames(ground)
    alone: list[float] = []
    beside: list[float] = []
    async with server.connections(READING) as reading:
        for turn in range(plan.rounds + 1):
            async with asking(reading, lambda: next(reads), expecting=STUDENTS, pause=PAUSE) as tally:
                await plan.sleep(plan.seconds)
            if turn:
                alone += tally.waited
            async with (
                server.connections(EACH) as logging_in,
                asking(logging_in, lambda: login_request(next(names)), expecting=LOGGED_IN),
            ):
                await plan.sleep(WARM_SECONDS)
                async with asking(reading, lambda: next(reads), expecting=STUDENTS, pause=PAUSE) as tally:
                    await plan.sleep(plan.seconds)
                if turn:
                    beside += tally.waited
    return [
        _row("p99 of reads while log-ins saturate, over p99 idle", 99, beside, alone, Aim(high=3.0)),
        _row("  the median of the same reads", 50, beside, alone, None),
    ]


def _row(measurement: str, percent: int, beside: list[float], alone: list[float], aim: Aim | None) -> Row:
    busy, idle = _percentile(beside, percent), _percentile(alone, percent)
    return Row(measurement, f"{1000 * busy:.1f} ms over {1000 * idle:.1f} ms", busy / idle, aim)


def _percentile(seconds: list[float], percent: int) -> float:
    return quantiles(seconds, n=100, method="inclusive")[percent - 1]

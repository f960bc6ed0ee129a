"""Pages of accounts: what one costs must not grow with the district, nor with how far one has read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median

import asyncpg
import orjson

from bench.client import post
from bench.crowd import REPORTERS, filled
from bench.documents import ACCOUNTS
from bench.ground import Ground
from bench.load import Meters, Stretch, asking
from bench.login import session_token
from bench.mail import MailServer
from bench.plan import Plan
from bench.reads import statements_of
from bench.report import Aim, Row
from bench.server import Server, serving

SIZES = (25, 100)
#: The page that is measured beside the first one.
DEPTH = 100
_LIST = b'"edges":[{'


@dataclass(frozen=True, slots=True)
class _District:
    ground: Ground
    server: Server
    #: By who reads: of the district, or of a school.
    tokens: dict[str, str]

    async def page(self, who: str, order: str, size: int, *, after: str | None) -> bytes:
        return post(ACCOUNTS, {"orderBy": order, "first": size, "after": after}, token=self.tokens[who])

    async def cursor(self, who: str, order: str) -> str | None:
        """After which the hundredth page of 25 begins, or the last one there is."""
        after: str | None = None
        read = 0
        async with self.server.connections(1) as [connection, *_]:
            while read < (DEPTH - 1) * SIZES[0]:
                size = min(SIZES[1], (DEPTH - 1) * SIZES[0] - read)
                answer = await connection.ask(await self.page(who, order, size, after=after), expecting=_LIST)
                told = orjson.loads(answer)["data"]["accounts"]["pageInfo"]
                if not told["hasNextPage"]:
                    break
                after, read = told["endCursor"], read + size
        return after

    async def cost(self, request: bytes, seconds: float) -> Stretch:
        meters = Meters(self.server, self.ground.postgres)
        async with (
            self.server.connections(1) as connections,
            asking(connections, lambda: request, expecting=_LIST) as tally,
        ):
            await asyncio.sleep(seconds / 3)
            return await meters.read_over(seconds, tally)

    async def buffers(self, orders: tuple[str, ...]) -> dict[tuple[str, str], int]:
        """Pages of memory that PostgreSQL looks at for a first page, by who reads and in which order."""
        ways = list(product(REPORTERS, orders))
        requests = [(await self.page(who, order, SIZES[0], after=None), self.tokens[who]) for who, order in ways]
        looked_at: dict[tuple[str, str], int] = {}
        connection = await asyncpg.connect(self.ground.url)
        try:
            for way, heard in zip(ways, await statements_of(self.ground, requests), strict=True):
                # The other one is for the session.
                statement, values = max(heard, key=lambda each: len(each[0]))
                explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
                plan = orjson.loads(await connection.fetchval(explained, *values))[0]["Plan"]
                looked_at[way] = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        finally:
            await connection.close()
        return looked_at


@contextlib.asynccontextmanager
async def _open(ground: Ground, mail: MailServer, folder: Path, accounts: int) -> AsyncIterator[_District]:
    made, place = await filled(ground, accounts), folder / str(accounts)
    place.mkdir()
    with serving(made, mail, place) as server:
        tokens = {who: await session_token(server, username) for who, username in REPORTERS.items()}
        yield _District(made, server, tokens)


async def measure(ground: Ground, mail: MailServer, folder: Path, plan: Plan) -> list[Row]:
    """A small district and a large one by turns."""
    few, many = plan.districts
    async with _open(ground, mail, folder, few) as small, _open(ground, mail, folder, many) as large:
        few_buffers, many_buffers = await small.buffers(plan.orders), await large.buffers(plan.orders)
        rows: list[Row] = []
        for way in product(REPORTERS, plan.orders):
            measured = await _rows(small, large, *way, plan)
            buffers = Row("  buffers that PostgreSQL looks at", f"{many_buffers[way]:,} over {few_buffers[way]:,}")
            rows += [*measured[:2], buffers, *measured[2:]]
        return rows


async def _rows(small: _District, large: _District, who: str, order: str, plan: Plan) -> list[Row]:
    sides = (small, large)
    after = [await side.cursor(who, order) for side in sides]
    seconds, aim = plan.seconds / 4, Aim(high=1.2) if who == "district" else None
    rows: list[Row] = []
    for size in SIZES:
        requests = [await side.page(who, order, size, after=None) for side in sides]
        turns = [
            [await side.cost(each, seconds) for side, each in zip(sides, requests, strict=True)]
            for _ in range(_turns_of(plan))
        ]
        rows += [_row(f"page of {size} by {order}, {who}: large over small", turns, aim), _database(turns)]
        if size == SIZES[0]:
            deep = await large.page(who, order, size, after=after[1])
            turns = [
                [await large.cost(requests[1], seconds), await large.cost(deep, seconds)]
                for _ in range(_turns_of(plan))
            ]
            rows.append(_row("  its hundredth page over its first (large)", turns, aim))
    return rows


def _turns_of(plan: Plan) -> int:
    """How often the sides take turns: there is much to compare, and each turn costs a connection of its own."""
    return min(2, plan.rounds)


def _row(measurement: str, turns: list[list[Stretch]], aim: Aim | None) -> Row:
    """Of each turn, the second side over the first: what portal and database use for a request."""
    under, over = ([_used(turn[side]) for turn in turns] for side in (0, 1))
    value = f"{median(over):.2f} ms over {median(under):.2f} ms"
    return Row(measurement, value, median(one / other for one, other in zip(over, under, strict=True)), aim)


def _database(turns: list[list[Stretch]]) -> Row:
    over, under = (1000 * median(turn[side].postgres_cpu for turn in turns) for side in (1, 0))
    return Row("  PostgreSQL's part of it", f"{over:.2f} ms over {under:.2f} ms")


def _used(stretch: Stretch) -> float:
    return 1000 * (stretch.portal_cpu + stretch.postgres_cpu)

"""Reading: what the portal adds to the SQL that a page needs."""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from statistics import median
from typing import Any

import asyncpg
import httpx
import uvloop
from pydantic import SecretStr

from app.asgi import create_app
from app.logs import configure_logs
from app.settings import Settings
from bench.client import post
from bench.crew import Crew, Done, Work
from bench.documents import ME
from bench.ground import Ground
from bench.load import WARM_SECONDS, Meters, Stretch, asking
from bench.login import session_token
from bench.plan import Plan
from bench.processes import cores
from bench.report import Row
from bench.server import Server

#: Requests under way at each worker, and pages under way in each process of bare SQL.
EACH = 4
#: Guardians who read by turns.
READERS = 8
STUDENTS = b'"students":[{'

Statement = tuple[str, Sequence[Any]]


class _Listener(logging.Handler):
    """Keeps the statements that Tortoise says it sends."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[Statement] = []

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and len(record.args) == 2:
            statement, values = record.args
            if isinstance(statement, str) and isinstance(values, list | None):
                self.heard.append((statement, values or ()))


@contextmanager
def _listening() -> Iterator[list[Statement]]:
    logger, listener = logging.getLogger("tortoise.db_client"), _Listener()
    before = logger.level
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(listener)
    try:
        yield listener.heard
    finally:
        logger.removeHandler(listener)
        logger.propagate = True
        logger.setLevel(before)


async def statements_of(ground: Ground, requests: Sequence[tuple[bytes, str]]) -> list[list[Statement]]:
    """The very statements, with their values, that each request sends, signed in with its token: overheard in this
    process."""
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic-settings' own argument
        database_url=SecretStr(ground.url),
        secrets=SecretStr(ground.secrets),
        # Which keeps no file of its own: everything it needs is named here.
        environment="production",
        second_factor="optional",
        log_level="error",
        # Nobody else's statements are overheard.
        courier=False,
        webhooks=False,
    )
    configure_logs(settings)
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://portal.test") as client,
    ):
        all_heard: list[list[Statement]] = []
        for request, token in requests:
            with _listening() as heard:
                body = request.partition(b"\r\n\r\n")[2]
                headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
                answer = await client.post("/graphql", content=body, headers=headers)
            answer.raise_for_status()
            all_heard.append(heard)
    return all_heard


def bare_sql(url: str, statements: Sequence[Statement]) -> Work:
    """Runs the statements of a page one after the other, `EACH` pages at a time, and drops what comes back."""
    loop = uvloop.new_event_loop()

    async def connect() -> list[asyncpg.Connection]:
        return [await asyncpg.connect(url) for _ in range(EACH)]

    connections = loop.run_until_complete(connect())

    async def read(connection: asyncpg.Connection, ends: float) -> int:
        pages = 0
        while time.perf_counter() < ends:
            for statement, values in statements:
                await connection.fetch(statement, *values)
            pages += 1
        return pages

    async def read_all(seconds: float) -> int:
        ends = time.perf_counter() + seconds
        return sum(await asyncio.gather(*(read(connection, ends) for connection in connections)))

    return lambda seconds: loop.run_until_complete(read_all(seconds))


@dataclass(frozen=True, slots=True)
class _Round:
    bare: Done
    bare_postgres: float
    portal: Stretch


async def measure(ground: Ground, server: Server, plan: Plan) -> list[Row]:
    """Bare SQL and requests by turns, each with all cores to itself."""
    tokens = [await session_token(server, ground.username(number)) for number in range(READERS)]
    [heard] = await statements_of(ground, [(post(ME), tokens[0])])
    requests = cycle([post(ME, token=token) for token in tokens])
    meters = Meters(server, ground.postgres)
    rounds: list[_Round] = []
    with Crew(cores(), partial(bare_sql, ground.url, heard)) as crew:
        for _ in range(plan.rounds):
            before = ground.postgres.cpu_seconds()
            bare = crew.work(plan.seconds)
            bare_postgres = (ground.postgres.cpu_seconds() - before) / bare.count
            async with (
                server.connections(EACH) as connections,
                asking(connections, lambda: next(requests), expecting=STUDENTS) as tally,
            ):
                await asyncio.sleep(WARM_SECONDS)
                rounds.append(_Round(bare, bare_postgres, await meters.read_over(plan.seconds, tally)))
    return _rows(rounds, len(heard))


def _rows(rounds: list[_Round], statements: int) -> list[Row]:
    reads = median(r.portal.per_second for r in rounds)
    bare = median(r.bare.per_second for r in rounds)
    portal_ms = 1000 * median(r.portal.portal_cpu for r in rounds)
    bare_ms = 1000 * median(r.bare.cpu_each for r in rounds)
    postgres_ms = 1000 * median(r.portal.postgres_cpu for r in rounds)
    bare_postgres_ms = 1000 * median(r.bare_postgres for r in rounds)
    client_ms = 1000 * median(r.portal.client_cpu for r in rounds)
    return [
        Row(
            f"`me` with students and school a second, over its {statements} statements bare",
            f"{reads:.0f} over {bare:.0f}",
            median(r.portal.per_second / r.bare.per_second for r in rounds),
        ),
        Row(
            "server CPU of that, over that of its statements bare",
            f"{portal_ms:.2f} ms over {bare_ms:.2f} ms",
            median(r.portal.portal_cpu / r.bare.cpu_each for r in rounds),
        ),
        Row(
            "  beside it: PostgreSQL (for the bare statements), client",
            f"{postgres_ms:.2f} ms ({bare_postgres_ms:.2f} ms), {client_ms:.2f} ms",
        ),
    ]

"""A large report sent as a file: what memory it takes, and how long others wait who ask the same worker meanwhile."""

import asyncio
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import psutil

from bench.client import WrongAnswer, post
from bench.documents import ME
from bench.ground import BORN, Ground
from bench.load import WARM_SECONDS, asking
from bench.login import session_token
from bench.mail import receiving
from bench.plan import Plan
from bench.reads import STUDENTS
from bench.report import Aim, Row
from bench.server import Server, serving
from db import sql
from db.connection import database, migrate
from policies.usernames import folded

#: Connections to the worker that read meanwhile, and seconds between two requests of one: a light load.
READING: Final = 2
PAUSE: Final = 0.02
MEGABYTE: Final = 1024 * 1024
#: What the worker may grow by.
MOST_GROWTH: Final = 20
_DATABASE: Final = "exports"
_REPORTER, _GUARDIAN = "reporter", "guardian"

# Students of twenty schools, most of them with an open account; then a guardian of two of them, and a reporter.
_FILL: Final = """
INSERT INTO school (id, name) SELECT n, 'School ' || n FROM generate_series(1, 20) AS n;
INSERT INTO person (id, given, family)
    SELECT n, (ARRAY['Ana', 'Ben', 'Chloé', 'Łukasz', 'María José'])[1 + n % 5], 'Family ' || n
    FROM generate_series(1, {people}) AS n;
INSERT INTO student (id, student_number, number_is_shared, birth_date, ssn_state)
    SELECT n, lpad(n::text, 7, '0'), false, '{born}', 'NOT_ON_FILE' FROM generate_series(1, {rows}) AS n;
INSERT INTO enrolment (student_id, school_id, grade_level)
    SELECT n, 1 + n % 20, lpad((1 + n % 12)::text, 2, '0') FROM generate_series(1, {rows}) AS n;
INSERT INTO account (id, person_id, capacity, status, username, username_folded, password_hash, must_change_password,
                     activated_at, last_login_at)
    SELECT n, n, 'STUDENT', 'ACTIVE', 'student.' || n, 'student.' || n, '{hash}', false,
           '{now}', '{now}'::timestamptz - n * interval '1 second'
    FROM generate_series(1, {rows}) AS n;
INSERT INTO account (id, person_id, capacity, status, username, username_folded, password_hash, must_change_password,
                     activated_at)
    VALUES ({guardian}, {guardian}, 'GUARDIAN', 'ACTIVE', '{guardian_name}', '{guardian_name}', '{hash}', false,
            '{now}'),
           ({reporter}, {reporter}, 'STAFF', 'ACTIVE', '{reporter_name}', '{reporter_name}', '{hash}', false, '{now}');
INSERT INTO guardianship (guardian_id, student_id, relationship, status, portal_access, adult_access, decided_by,
                          confirmed_at)
    SELECT {guardian}, n, 'mother', 'CONFIRMED', true, false, 'ROSTER', '{now}' FROM generate_series(1, 2) AS n;
INSERT INTO role_assignment (person_id, role) VALUES ({reporter}, 'reporter');
ANALYZE
"""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A report that came whole."""

    rows_per_second: float
    #: Bytes by which the worker grew.
    growth: int
    #: Seconds of each read meanwhile.
    waited: list[float]


async def measure(ground: Ground, _: Server, plan: Plan) -> list[Row]:
    """The same readers by turns alone and beside a report on its way, at a portal with a single worker."""
    large = await _prepared(ground, plan.rows)
    with (
        tempfile.TemporaryDirectory(prefix="portal-exports-") as folder,
        receiving() as mail,
        serving(large, mail, Path(folder), workers=1) as server,
    ):
        reads = cycle([post(ME, token=await session_token(server, _GUARDIAN))])
        reporter = await session_token(server, _REPORTER)
        async with server.connections(READING) as reading:
            [worker] = server.workers

            async def beside(form: str) -> _Sent:
                async with asking(reading, lambda: next(reads), expecting=STUDENTS, pause=PAUSE) as tally:
                    return await _fetched(server, worker, f"accounts.{form}", reporter, plan.rows, tally.waited)

            async def alone() -> list[float]:
                async with asking(reading, lambda: next(reads), expecting=STUDENTS, pause=PAUSE) as tally:
                    await asyncio.sleep(WARM_SECONDS + 5 * plan.seconds)
                return tally.waited

            await alone()
            rows: list[Row] = []
            for form in ("csv", "xlsx"):
                turns = [(await alone(), await beside(form)) for _ in range(max(1, plan.rounds // 4))]
                rows += _rows(form.upper(), plan.rows, turns)
    return rows


def _rows(form: str, count: int, turns: list[tuple[list[float], _Sent]]) -> list[Row]:
    growth = max(sent.growth for _, sent in turns) / MEGABYTE
    pairs = [(1000 * _percentile(sent.waited, 99), 1000 * _percentile(alone, 99)) for alone, sent in turns]
    beside, alone = (median(of) for of in zip(*pairs, strict=True))
    speed = median(sent.rows_per_second for _, sent in turns)
    return [
        Row(
            f"{form} export: growth of the worker, over {MOST_GROWTH} MiB",
            f"{growth:.1f} MiB, {count:,} rows",
            growth / MOST_GROWTH,
            Aim(high=1.0),
        ),
        Row(
            f"{form} export: p99 of reads beside it, over p99 without",
            f"{beside:.1f} ms over {alone:.1f} ms",
            median(over / under for over, under in pairs),
            Aim(high=2.0),
        ),
        Row(f"  rows of the {form} export a second", f"{speed:,.0f}"),
    ]


def _percentile(seconds: list[float], percent: int) -> float:
    return quantiles(seconds, n=100, method="inclusive")[percent - 1]


# ------------------------------------------------------------------------------------------------ fetching
class _Download(asyncio.Protocol):
    """Takes an answer and forgets it, but for its first and its last bytes."""

    def __init__(self) -> None:
        self.head = b""
        self.tail = b""
        self.whole: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if len(self.head) < 12:
            self.head += data[:12]
        self.tail = (self.tail + data)[-5:]
        # The last chunk of an answer that came whole.
        if self.tail == b"0\r\n\r\n" and not self.whole.done():
            self.whole.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.whole.done():
            self.whole.set_exception(exc or WrongAnswer(f"The report was cut off: {self.head!r}"))


async def _fetched(  # noqa: PLR0917
    server: Server, worker: psutil.Process, file: str, token: str, rows: int, waited: list[float]
) -> _Sent:
    """Fetches a report; `waited` is what reads take meanwhile, as it grows."""
    await asyncio.sleep(WARM_SECONDS)
    before, peak, ended = worker.memory_info().rss, 0, asyncio.Event()

    async def watch() -> None:
        nonlocal peak
        while not ended.is_set():
            peak = max(peak, worker.memory_info().rss)
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    waited.clear()
    began = time.perf_counter()
    transport, download = await asyncio.get_running_loop().create_connection(_Download, "127.0.0.1", server.port)
    request = (
        f"GET /reports/{file}?purpose=benchmark HTTP/1.1\r\nHost: portal.test\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    transport.write(request.encode())
    try:
        await download.whole
        took, during = time.perf_counter() - began, list(waited)
    finally:
        ended.set()
        await watching
        transport.close()
    if not download.head.startswith(b"HTTP/1.1 200"):
        raise WrongAnswer(f"{file}: {download.head!r}")
    return _Sent(rows / took, peak - before, during)


# ------------------------------------------------------------------------------------------------ the district
async def _prepared(ground: Ground, rows: int) -> Ground:
    """Another database beside that of the ground, with so many students' accounts."""
    connection = await asyncpg.connect(ground.url)
    await connection.execute(f"CREATE DATABASE {_DATABASE}")
    await connection.close()
    url = urlsplit(ground.url)._replace(path=f"/{_DATABASE}").geturl()
    filling = _FILL.format(
        people=rows + 2,
        rows=rows,
        born=BORN,
        hash=ground.password_hash,
        now=datetime.now(UTC).isoformat(),
        guardian=rows + 1,
        reporter=rows + 2,
        guardian_name=folded(_GUARDIAN),
        reporter_name=folded(_REPORTER),
    )
    async with database(url, everywhere=False, statement_timeout_ms=600_000):
        await migrate()
        for statement in filling.split(";\n"):
            await sql.rows(statement)
    return replace(ground, url=url)

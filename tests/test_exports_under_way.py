"""A report on its way over a real socket: it waits for a slow client, and ends at once with one that has gone."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

import pytest
import uvicorn

from app.asgi import create_app
from app.exports import ExportEndpoint
from app.settings import Settings
from db import sql
from db.context import Role
from db.models import School
from db.models import Session as SessionRow
from tests.clients import Portal
from tests.conftest import Clock
from tests.desk import at_desk
from tests.district import District
from tests.reports import PURPOSE

#: Rows of a kilobyte each: more than all buffers between the portal and a client hold together.
MANY = 800
FILL = """
WITH people AS (
    INSERT INTO person (given, family)
    SELECT 'Given ' || n, repeat('Family ', 140) || n FROM generate_series(1, $1) AS n RETURNING id
), pupils AS (
    INSERT INTO student (id, student_number, number_is_shared, birth_date, ssn_state)
    SELECT id, 'M' || id, false, '2013-04-09', 'NOT_ON_FILE' FROM people RETURNING id
), enrolled AS (
    INSERT INTO enrolment (student_id, school_id, grade_level) SELECT id, $2, '07' FROM pupils
)
INSERT INTO account (person_id, capacity, status, must_change_password)
SELECT id, 'STUDENT', 'NOT_ACTIVATED', false FROM pupils
"""


@dataclass
class Uvicorn:
    """The real server, in this process: what it still holds can be looked at."""

    server: uvicorn.Server
    portal: Portal
    exports: ExportEndpoint
    port: int

    @property
    def flows(self) -> list[bool]:
        """Of each connection, whether it waits for its client to take what was sent."""
        return [one.flow.write_paused for one in self.server.server_state.connections]  # type: ignore[union-attr]

    @property
    def unsent(self) -> int:
        """Bytes that wait in this process for clients to take them."""
        return sum(one.transport.get_write_buffer_size() for one in self.server.server_state.connections)

    async def nothing_is_left(self) -> None:
        """Waits until no request is under way and all connections of the database are free again."""
        while self.server.server_state.tasks:  # noqa: ASYNC110  # nobody sends an event for that
            await asyncio.sleep(0.005)
        pool = sql.connection()._pool
        assert pool.get_idle_size() == pool.get_size()
        assert self.exports.under_way == 0
        names = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}  # type: ignore[union-attr]
        assert names.isdisjoint({"_gone", "ExportEndpoint._send"})


@asynccontextmanager
async def serving(settings: Settings, clock: Clock) -> AsyncIterator[Uvicorn]:
    app = create_app(settings, clock=clock)
    [exports] = [route.app for route in app.routes if getattr(route, "path", "") == "/reports/{file}"]  # type: ignore[attr-defined]
    config = uvicorn.Config(
        app, loop="none", http="httptools", ws="none", lifespan="on", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # The connections that come in have it too: the system keeps as little as can be.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        port = listener.getsockname()[1]
        serving_ = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with Portal(url=f"http://127.0.0.1:{port}") as portal:
                await portal.http.get("/readyz")
                yield Uvicorn(server, portal, exports, port)
        finally:
            server.should_exit = True
            await serving_


@pytest.fixture
async def school(district: District) -> School:
    return await district.school()


@pytest.fixture
async def many(school: School) -> None:
    await sql.rows(FILL, MANY, school.id)


class Slow:
    """A client that asks for a report and takes nothing until it is told to."""

    def __init__(self, at: Uvicorn, file: str = "student-accounts.json") -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.setblocking(False)
        self._at, self._file = at, file

    async def ask(self) -> None:
        """Sends the request, and waits until the portal waits for this client."""
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self.socket, ("127.0.0.1", self._at.port))
        head = f"GET /reports/{self._file}?purpose={quote(PURPOSE)} HTTP/1.1\r\nHost: x\r\n"
        await loop.sock_sendall(self.socket, f"{head}Authorization: Bearer {self._at.portal.token}\r\n\r\n".encode())
        while not any(self._at.flows):  # noqa: ASYNC110  # nobody sends an event for that
            await asyncio.sleep(0.005)

    async def rest(self) -> bytes:
        """All that comes until the connection ends, or the answer does."""
        loop, taken = asyncio.get_running_loop(), bytearray()
        while data := await loop.sock_recv(self.socket, 1 << 16):
            taken += data
            if taken.endswith(b"\r\n0\r\n\r\n"):
                break
        return bytes(taken)

    def leave(self) -> None:
        """Goes away without a word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


@pytest.fixture
async def under_way(
    many: None, district: District, school: School, settings: Settings, clock: Clock
) -> AsyncIterator[Uvicorn]:
    """A server with a reporter signed in."""
    async with serving(settings.model_copy(update={"exports": 1}), clock) as at:
        await at_desk(at.portal, district, Role.REPORTER, school)
        yield at


async def test_it_waits_for_a_slow_client_and_the_file_is_whole(under_way: Uvicorn) -> None:
    slow = Slow(under_way)
    async with asyncio.timeout(60):
        await slow.ask()
        # The high-water mark of the server, and one portion of rows beyond it.
        assert under_way.unsent < 200_000
        whole = await slow.rest()
    body = b"".join(_chunks(whole.partition(b"\r\n\r\n")[2]))
    assert len(json.loads(body)) == MANY
    slow.leave()
    await under_way.nothing_is_left()


def _chunks(sent: bytes) -> list[bytes]:
    """The pieces of a chunked body."""
    pieces: list[bytes] = []
    place = 0
    while True:
        end = sent.index(b"\r\n", place)
        length = int(sent[place:end], 16)
        if not length:
            return pieces
        pieces.append(sent[end + 2 : end + 2 + length])
        place = end + length + 4


async def test_a_client_that_has_gone_leaves_nothing_behind(under_way: Uvicorn) -> None:
    for _ in range(2):
        slow = Slow(under_way, "student-accounts.csv")
        async with asyncio.timeout(60):
            await slow.ask()
            assert under_way.exports.under_way == 1
            slow.leave()
            await under_way.nothing_is_left()


async def test_a_right_that_ends_amid_the_report_cuts_it_off_where_the_client_sees_it(
    under_way: Uvicorn, clock: Clock
) -> None:
    slow = Slow(under_way)
    async with asyncio.timeout(60):
        await slow.ask()
        await SessionRow.all().update(ended_at=clock(), end_reason="LOGGED_OUT")
        cut = await slow.rest()
        await under_way.nothing_is_left()
    assert cut.startswith(b"HTTP/1.1 200 OK")
    assert not cut.endswith(b"0\r\n\r\n")
    assert b"\n]" not in cut
    slow.leave()


async def test_there_are_so_many_at_once_and_the_next_one_is_asked_to_come_back(under_way: Uvicorn) -> None:
    slow = Slow(under_way)
    headers = {"Authorization": f"Bearer {under_way.portal.token}"}
    async with asyncio.timeout(60):
        await slow.ask()
        busy = await under_way.portal.http.get(f"/reports/accounts.csv?purpose={PURPOSE}", headers=headers)
        assert (busy.status_code, busy.json()["code"]) == (503, "BUSY")
        assert int(busy.headers["retry-after"]) > 0
        # Others are served as ever.
        assert await under_way.portal.me() is not None
        slow.leave()
        await under_way.nothing_is_left()
        counted = await under_way.portal.http.get(
            f"/reports/accounts.csv?groupBy=CAPACITY&purpose={PURPOSE}", headers=headers
        )
    assert counted.status_code == 200


async def test_one_that_takes_too_long_is_cut_off(
    many: None, district: District, school: School, settings: Settings, clock: Clock
) -> None:
    async with serving(settings.model_copy(update={"export_seconds": 0.5}), clock) as at:
        await at_desk(at.portal, district, Role.REPORTER, school)
        slow = Slow(at, "student-accounts.csv")
        async with asyncio.timeout(60):
            await slow.ask()
            await at.nothing_is_left()
            assert not (await slow.rest()).endswith(b"0\r\n\r\n")
        slow.leave()

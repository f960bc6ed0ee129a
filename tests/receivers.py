"""A real HTTP server on a loopback port that receives webhooks, and does to them what servers do."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from standardwebhooks import Webhook

HOST = "127.0.0.1"
#: Instead of a status: the connection is cut when the request is there.
CUT = 0


@dataclass(frozen=True, slots=True)
class Event:
    """A request as it came in, and what it was answered with."""

    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told

    @property
    def data(self) -> dict[str, Any]:
        told: dict[str, Any] = self.said["data"]
        return told

    @property
    def account(self) -> str:
        id_: str = self.data["account"]["id"]
        return id_

    def is_signed_with(self, secret: str) -> bool:
        """As the library of the specification signs, whatever time it is."""
        at = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        signature = Webhook(secret).sign(self.id, at, self.body.decode())
        return signature in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """Takes events while the block runs; what it answers is set by a function of the request's body."""

    tls: ssl.SSLContext | None = None
    answer: Callable[[dict[str, Any]], int] = lambda _said: 204
    #: Further header lines of each answer, and its body.
    headers: str = ""
    content: bytes = b""
    #: The answer comes when this is set.
    slow: asyncio.Event | None = None
    #: All requests in the order in which they were answered; those that came, answered or not.
    events: list[Event] = field(default_factory=list)
    came: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    port: int = 0
    _server: asyncio.Server | None = None
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{HOST}:{self.port}/events"

    @property
    def taken(self) -> list[Event]:
        return [event for event in self.events if 200 <= event.status < 300]

    async def until(self, number: int) -> None:
        """Waits until so many requests were answered."""
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: len(self.events) >= number)

    async def until_asked(self, number: int = 1) -> None:
        """Waits until so many came, answered or not."""
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: len(self.came) >= number)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        if self.slow is not None:
            self.slow.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await self._one(reader, writer):
                pass
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        self.paths.append(head[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        async with self._news:
            self.came.append(headers["webhook-id"])
            self._news.notify_all()
        if self.slow is not None:
            await self.slow.wait()
        status = self.answer(json.loads(body))
        if status != CUT:
            writer.write(
                f"HTTP/1.1 {status} Said\r\nContent-Length: {len(self.content)}\r\n{self.headers}\r\n".encode()
                + self.content
            )
            await writer.drain()
        async with self._news:
            self.events.append(Event(headers, body, status))
            self._news.notify_all()
        return status != CUT

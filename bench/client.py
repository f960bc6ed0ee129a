"""A client that costs next to nothing, since it shares the machine with the portal that it measures.

It sends requests that were written beforehand over connections that stay open, and reads no more of an answer than its
status, its length, and whether a given word is in it.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import orjson


class WrongAnswer(Exception):
    """The portal did not do what was asked of it, so what it cost means nothing."""


def post(
    document: str, variables: Mapping[str, Any] | None = None, *, token: str | None = None, address: str | None = None
) -> bytes:
    """One GraphQL request as it goes over the wire; `address` is the client's, as a proxy in front would tell it."""
    body = orjson.dumps({"query": document, "variables": variables or {}})
    lines = [
        "POST /graphql HTTP/1.1",
        "Host: portal.test",
        "Accept: application/json",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if address is not None:
        lines.append(f"X-Forwarded-For: {address}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


class Connection(asyncio.Protocol):
    """One open connection. One request at a time."""

    def __init__(self) -> None:
        self._read = bytearray()
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, host: str, port: int) -> "Connection":
        _, connection = await asyncio.get_running_loop().create_connection(cls, host, port)
        return connection

    @property
    def port(self) -> int:
        """The number of this end: by it the process at the other end can be told."""
        assert self._transport is not None
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    async def ask(self, request: bytes, *, expecting: bytes) -> bytes:
        """Send a request and return the body of the answer.

        Raises:
            WrongAnswer: when the status is not 200 or `expecting` is not in the body.
        """
        assert self._transport is not None
        self._read.clear()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        answer = await self._answer
        if not answer.startswith(b"HTTP/1.1 200 ") or expecting not in answer:
            raise WrongAnswer(f"{expecting.decode()} is not in the answer: {answer[:2000].decode(errors='replace')}")
        return answer.partition(b"\r\n\r\n")[2]

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # -------------------------------------------------------------------------------------------- asyncio's side
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none by inheritance.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, separator, body = self._read.partition(b"\r\n\r\n")
        if separator and len(body) >= _length(bytes(head)) and self._answer is not None and not self._answer.done():
            self._answer.set_result(bytes(self._read))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or WrongAnswer("The portal closed the connection instead of answering."))


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise WrongAnswer("An answer without a Content-Length.")

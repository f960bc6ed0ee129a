"""A client of graphql-transport-ws that says what a test tells it to, right or wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PROTOCOL = "graphql-transport-ws"
FOLLOW = """
subscription Follow($schoolId: ID, $capacity: Capacity, $after: String) {
  accountStatusChanged(schoolId: $schoolId, capacity: $capacity, after: $after) {
    cursor at statusBefore status disabledReason lockedUntil
    account { id status capacity holder { given } schools { id } }
  }
}
"""
Event = dict[str, Any]
#: A test that waits for so long waits for nothing.
_PATIENCE_SECONDS = 20


class Socket:
    """An open socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **message: Any) -> None:
        """Sends a message as JSON."""
        await self.connection.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        """The next message."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            heard: dict[str, Any] = json.loads(await self.connection.recv())
        return heard

    async def begin(self, token: str | None) -> None:
        """Says who asks, and hears that it is taken."""
        await self.say(type="connection_init", payload={"authorization": f"Bearer {token}"} if token else {})
        assert await self.hear() == {"type": "connection_ack"}

    async def follow(self, id_: str = "1", **variables: Any) -> None:
        """Begins to follow."""
        await self.say(type="subscribe", id=id_, payload={"query": FOLLOW, "variables": variables})

    async def settled(self) -> None:
        """Waits until what was sent before is taken in: messages are taken in their order."""
        await self.say(type="ping", payload={"settled": True})
        heard = await self.hear()
        assert heard == {"type": "pong", "payload": {"settled": True}}, heard

    async def event(self, id_: str = "1") -> Event:
        """The next event of a subscription."""
        heard = await self.hear()
        assert (heard["type"], heard.get("id")) == ("next", id_), heard
        assert "errors" not in heard["payload"], heard
        event: Event = heard["payload"]["data"]["accountStatusChanged"]
        return event

    def cut(self) -> None:
        """The line breaks: nobody says good-bye."""
        self.connection.transport.abort()

    async def closed(self) -> tuple[int | None, list[dict[str, Any]]]:
        """The code with which the server closes, and what it says before."""
        said = []
        try:
            while True:
                said.append(await self.hear())
        except ConnectionClosed:
            return self.connection.close_code, said


@asynccontextmanager
async def socket_at(
    url: str,
    *,
    protocols: Sequence[str] = (PROTOCOL,),
    address: str = "198.51.100.7",
    origin: str | None = None,
    **headers: str,
) -> AsyncIterator[Socket]:
    """A socket of the server at `url`, opened from an address."""
    async with connect(
        f"{url.replace('http', 'ws', 1)}/graphql",
        subprotocols=[Subprotocol(protocol) for protocol in protocols] or None,
        additional_headers={"X-Forwarded-For": address} | ({"Origin": origin} if origin else {}) | headers,
        compression=None,
        proxy=None,
    ) as connection:
        yield Socket(connection)

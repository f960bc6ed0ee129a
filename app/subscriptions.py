"""GraphQL over WebSocket: the handshake, how many sockets there may be, and what wakes those who follow.

Only the protocol graphql-transport-ws is spoken (`app.subscriptions_protocol`). A browser's page is let in from the
origins that CORS lets in; nothing that a browser sends by itself counts as a name, so a strange page gains nothing.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.asking import Asking
from app.beside import awake
from app.body import RequestLimits
from app.cors import lets_in
from app.settings import Settings
from app.subscriptions_connection import Connection, Habits, serve
from app.subscriptions_protocol import SUBPROTOCOL, Close, Init
from db.context import Context
from db.feed import CHANNEL
from db.watching import Watch
from schema.execution import Operations

#: How long a server waits for the answer to its pings, and between them, so that dead sockets go.
_PING_SECONDS: Final = 20.0
#: What a refused client is told: of the handshake in the answer, of the protocol in the close frame.
_NO_SUBPROTOCOL: Final = f"Subprotocol not acceptable: ask for {SUBPROTOCOL}"


def socket_options(settings: Settings) -> dict[str, Any]:
    """How uvicorn serves sockets: messages no larger than a body, and none that is small only when compressed."""
    return {
        "ws": "websockets-sansio",
        "ws_max_size": settings.body_limit,
        "ws_ping_interval": _PING_SECONDS,
        "ws_ping_timeout": _PING_SECONDS,
        "ws_per_message_deflate": False,
    }


@asynccontextmanager
async def watching(settings: Settings, watch: Watch) -> AsyncIterator[None]:
    """As long as the block runs, whoever follows in this worker is woken whenever an account was changed."""
    async with awake(settings, CHANNEL, watch.wake):
        task = asyncio.create_task(watch.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


class SubscriptionsEndpoint:
    """An ASGI application for one `WebSocketRoute`."""

    def __init__(self, operations: Operations, asking: Asking, watch: Watch) -> None:
        """Serve `operations`; `watch` wakes those who follow."""
        settings = asking.settings
        self.operations, self.asking, self.watch = operations, asking, watch
        self.origins = settings.cors_origins
        self.habits = Habits(
            limits=RequestLimits(max_body=settings.body_limit),
            init_seconds=settings.socket_init_seconds,
            standing_seconds=settings.standing_seconds,
            most_operations=settings.operations_per_socket,
        )
        self.most, self.most_each = settings.sockets_per_worker, settings.sockets_per_client
        #: Sockets by the network they come from.
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket to its end."""
        socket = WebSocket(scope, receive, send)
        network = self.asking.nobody(socket).network
        if self._open.total() >= self.most:
            await _deny(socket, 503, "There are too many sockets.")
            return
        if self._open[network] >= self.most_each:
            await _deny(socket, 429, "There are too many sockets of this address.")
            return
        self._open[network] += 1
        try:
            if await self._from_friend(socket):
                await self._serve(socket)
            else:
                await _deny(socket, 403, "Pages of this origin may not call.")
        finally:
            self._open[network] -= 1
            if not self._open[network]:
                del self._open[network]

    async def _serve(self, socket: WebSocket) -> None:
        offered = socket.scope.get("subprotocols", [])
        if SUBPROTOCOL not in offered:
            # A browser tells its page the reason only when one of the protocols it asked for was taken.
            with contextlib.suppress(WebSocketDisconnect):
                await socket.accept(offered[0] if offered else None)
                await socket.close(Close.NO_SUBPROTOCOL, _NO_SUBPROTOCOL)
            return
        await socket.accept(SUBPROTOCOL)
        await serve(
            Connection(
                socket, self.operations, lambda init: self._identified(socket, init), self.asking.clock, self.habits
            )
        )

    async def _identified(self, socket: WebSocket, init: Init) -> Context:
        ctx = await self.asking.identified(socket, authorization=init.authorization, client=init.client)
        return replace(ctx, watch=self.watch)

    async def _from_friend(self, socket: WebSocket) -> bool:
        """Whether it is no page that calls, or one of ours, or one of an origin that is let in."""
        said = socket.headers.getlist("origin")
        if len(said) != 1:
            return not said
        with contextlib.suppress(ValueError):
            if urlsplit(said[0]).netloc.lower() == socket.headers.get("host", "").lower() != "":
                return True
        return await lets_in(said[0], origins=self.origins)


async def _deny(socket: WebSocket, status: int, said: str) -> None:
    """Refuses the handshake: before there is a socket that could be closed with a code."""
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(PlainTextResponse(said, status_code=status))
    else:
        await socket.close()

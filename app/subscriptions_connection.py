"""One socket: who is at its other end, the operations under way over it, and how it comes to an end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from app.body import RequestLimits
from app.subscriptions_protocol import Close, Closing, Complete, Init, Ping, Received, Subscribe, read, written
from db.context import Context
from resolvers.service_clients import ClientNotAccepted, still_good
from schema.errors import NOT_SIGNED_IN, fault, log_fault
from schema.execution import Ending, Operations, Outcome
from schema.input_errors import problem

TOO_MANY_OPERATIONS: Final = "TOO_MANY_OPERATIONS"
#: Seconds that a client may take to read what it is sent: it is let go then, and comes back with its cursor.
_SEND_SECONDS: Final = 30.0
#: Seconds in which the last words are said.
_LAST_SECONDS: Final = 2.0
_SIGNED_OUT: Final = "The session has ended, or the client is not accepted any more."
#: What ends not only an operation but the socket too.
_ENDS_SOCKET: Final = {
    Ending.SIGNED_OUT: Close.UNAUTHORIZED,
    Ending.NOT_ACCEPTED: Close.UNAUTHORIZED,
    Ending.NOT_ALLOWED: Close.FORBIDDEN,
}
_log = structlog.get_logger("portal.sockets")


@dataclass(frozen=True, slots=True)
class Habits:
    """How a socket is used at most."""

    limits: RequestLimits
    #: Seconds until somebody must have said who asks.
    init_seconds: float
    #: Seconds between two looks at whether the one who asks still may.
    standing_seconds: float
    #: Operations under way at once.
    most_operations: int


class Connection:
    """A socket whose handshake is done."""

    def __init__(
        self,
        socket: WebSocket,
        operations: Operations,
        identify: Callable[[Init], Awaitable[Context]],
        clock: Callable[[], datetime],
        habits: Habits,
    ) -> None:
        """`identify` finds out who asks, from the handshake and what the first message says."""
        self.socket, self.operations, self.clock, self.habits = socket, operations, clock, habits
        self._identify = identify
        self._init: Init | None = None
        self._acknowledged = False
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._beside: set[asyncio.Task[None]] = set()
        #: How it ends: a closing of ours, or None when the other end is gone.
        self._end: asyncio.Future[Closing | None] = asyncio.get_running_loop().create_future()
        self.begun = self.sent = 0

    async def run(self) -> int:
        """Serves it to its end; returns the code with which it was closed, 1006 where the other end went."""
        reading = asyncio.create_task(self._read())
        self._beside.add(asyncio.create_task(self._insist_on_init()))
        try:
            await self._end
            return await self._close()
        finally:
            tasks = [reading, *self._beside, *self._under_way.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _finish(self, closing: Closing | None) -> None:
        """The first one who says how it ends is heard."""
        if not self._end.done():
            self._end.set_result(closing)

    async def _close(self) -> int:
        closing = self._end.result()
        if closing is None:
            return 1006
        under_way, self._under_way = self._under_way, {}
        for task in (*self._beside, *under_way.values()):
            task.cancel()
        with suppress(WebSocketDisconnect, WebSocketDisconnected, TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                if closing.code is Close.UNAUTHORIZED and self._acknowledged:
                    for id_ in under_way:
                        await self.socket.send_text(written("error", id_, [problem(_SIGNED_OUT, NOT_SIGNED_IN)]))
                await self.socket.close(closing.code, closing.reason)
        return closing.code

    # -------------------------------------------------------------------------------------------- what comes in
    async def _read(self) -> None:
        try:
            while True:
                message = await self.socket.receive()
                if message["type"] == "websocket.disconnect":
                    self._finish(None)
                    return
                await self._take(read(message.get("text"), self.habits.limits))
        except Closing as closing:
            self._finish(closing)
        except (WebSocketDisconnect, WebSocketDisconnected):
            self._finish(None)
        except Exception as error:
            log_fault(error, request_id=uuid4().hex, operation=None)
            self._finish(Closing(Close.FAULT, "Internal error"))

    async def _take(self, message: Received) -> None:
        match message:
            case Init():
                await self._begin(message)
            case Ping():
                await self._send(written("pong", payload=message.payload))
            case Subscribe():
                await self._start(message)
            case Complete():
                # Of one that is over by now there is nothing to end: the two messages met on the way.
                if (task := self._under_way.pop(message.id, None)) is not None:
                    task.cancel()
                    self._beside.add(task)
                    task.add_done_callback(self._beside.discard)

    async def _begin(self, init: Init) -> None:
        if self._init is not None:
            raise Closing(Close.INIT_TWICE, "Too many initialisation requests")
        self._init = init
        try:
            ctx = await self._identify(init)
        except ClientNotAccepted:
            raise Closing(Close.FORBIDDEN, "Forbidden") from None
        if ctx.asker is None:
            # Nothing is served here that nobody may have, and who opens sockets without a name can hold few for long.
            raise Closing(Close.FORBIDDEN, "Forbidden")
        self._beside.add(asyncio.create_task(self._look_after(ctx)))
        self._acknowledged = True
        await self._send(written("connection_ack"))

    async def _insist_on_init(self) -> None:
        await asyncio.sleep(self.habits.init_seconds)
        if self._init is None:
            self._finish(Closing(Close.INIT_TOO_LATE, "Connection initialisation timeout"))

    async def _look_after(self, ctx: Context) -> None:
        """Looks now and then whether the one who asks still may, so that no socket outlives its session by much."""
        while True:
            await asyncio.sleep(self.habits.standing_seconds)
            try:
                good = await still_good(ctx, now=self.clock()) is not None
            except Exception as failed:
                # The database is away, perhaps; nothing is told without it either.
                _log.warning("standing not looked at", reason=type(failed).__name__)
                continue
            if not good:
                self._finish(Closing(Close.UNAUTHORIZED, "Unauthorized"))

    # -------------------------------------------------------------------------------------------- operations
    async def _start(self, message: Subscribe) -> None:
        if not self._acknowledged:
            raise Closing(Close.UNAUTHORIZED, "Unauthorized")
        if message.id in self._under_way:
            raise Closing(Close.SAME_ID, f"Subscriber for {message.id} already exists")
        if len(self._under_way) >= self.habits.most_operations:
            said = f"More than {self.habits.most_operations} operations are under way over this socket."
            await self._send(written("error", message.id, [problem(said, TOO_MANY_OPERATIONS)]))
            return
        self.begun += 1
        self._under_way[message.id] = asyncio.create_task(self._operate(message))

    async def _operate(self, message: Subscribe) -> None:
        request_id = uuid4().hex
        outcomes = self.operations.follow(
            message.request.query,
            variables=message.request.variables,
            operation_name=message.request.operation_name,
            make_context=self._context,
            request_id=request_id,
        )
        async with aclosing(outcomes):
            async for outcome in outcomes:
                if outcome.ending is not Ending.EXECUTED:
                    await self._last(message.id, written("error", message.id, outcome.errors))
                    if (code := _ENDS_SOCKET.get(outcome.ending)) is not None:
                        self._finish(Closing(code, code.name.capitalize()))
                    return
                await self._send(_next(message.id, outcome, request_id))
                self.sent += 1
        await self._last(message.id, written("complete", message.id))

    async def _last(self, id_: str, message: str) -> None:
        """The last message of an operation: its id is free before the other end can know."""
        if (task := self._under_way.pop(id_, None)) is not None:
            self._beside.add(task)
            task.add_done_callback(self._beside.discard)
        await self._send(message)

    async def _context(self) -> Context:
        """Who asks, told anew for each operation, as for each request over HTTP."""
        if self._init is None:
            raise RuntimeError("there is no operation before the first message")
        return await self._identify(self._init)

    async def _send(self, message: str) -> None:
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self.socket.send_text(message)
        except (WebSocketDisconnect, WebSocketDisconnected, TimeoutError):
            self._finish(None)


def _next(id_: str, outcome: Outcome, request_id: str) -> str:
    try:
        return written("next", id_, outcome.as_response())
    except TypeError as error:
        masked = fault(error, request_id=request_id, operation=None)
        return written("next", id_, {"errors": [masked], "data": None})


async def serve(connection: Connection) -> None:
    """Runs a connection to its end, and writes one line about it: how it ended, how long it took; no addresses."""
    began, code = time.perf_counter(), int(Close.FAULT)
    try:
        code = await connection.run()
    finally:
        _log.info(
            "socket",
            code=int(code),
            ms=round((time.perf_counter() - began) * 1000, 1),
            operations=connection.begun,
            messages=connection.sent,
        )

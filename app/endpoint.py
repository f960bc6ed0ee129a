"""GraphQL over HTTP: one address that takes a query or a mutation and gives the answer.

Follows the draft specification (https://graphql.github.io/graphql-over-http/draft/). A request that is no GraphQL
request gets a 4xx; one whose document or variables are not in order gets a GraphQL error, with status 400 for clients
that accept `application/graphql-response+json` and 200 for those that only know `application/json`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from app.asking import CHALLENGE
from app.body import (
    GraphQLRequest,
    RequestLimits,
    Unacceptable,
    request_from_body,
    request_from_query_string,
)
from app.console import console_page
from app.negotiation import MediaType, language_for, preferred, wants_page
from schema.errors import fault
from schema.execution import Ending, Operations, Outcome

#: Errors are for developers, and in English whatever is asked for.
_ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept, Accept-Language",
    "Content-Language": "en",
}

#: How long the rest of a refused body is read and thrown away, so that the client gets to read why.
_DRAIN_SECONDS = 2.0

_STATUS = {
    Ending.EXECUTED: 200,
    Ending.REFUSED: 400,
    Ending.QUERIES_ONLY: 405,
    Ending.FAILED: 500,
    Ending.TIMED_OUT: 503,
    Ending.NOT_ACCEPTED: 401,
}


class GraphQLEndpoint:
    """An ASGI application for one `Route`: all methods come here, so that all refusals look alike."""

    def __init__(
        self,
        operations: Operations,
        make_context: Callable[[Request], Awaitable[object]],
        *,
        limits: RequestLimits | None = None,
        console: bool = False,
    ) -> None:
        """Serve `operations`; `make_context` says who asks. With `console`, a browser is shown a page to ask from."""
        self.operations = operations
        self.make_context = make_context
        self.limits = limits or RequestLimits()
        self.console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Whatever was sent, something comes back that says what to do next."""
        request = Request(scope, receive)
        request_id = _request_id(request)
        if self.console and request.method == "GET" and wants_page(request.headers.get("accept")):
            page, headers = console_page()
            await _send(send, 200, page, {**headers, **_ALWAYS, "X-Request-Id": request_id})
            return
        media_type = preferred(request.headers.get("accept"))
        headers = {**_ALWAYS, "X-Request-Id": request_id, "Content-Type": (media_type or MediaType.JSON).header}
        try:
            asked = await self._asked(request, media_type)
        except Unacceptable as refusal:
            await _refuse(request, send, refusal, headers)
            return
        except ClientDisconnect:
            return
        outcome = await self.operations.run(
            asked.query,
            variables=asked.variables,
            operation_name=asked.operation_name,
            queries_only=request.method == "GET",
            make_context=lambda: self.make_context(request),
            request_id=request_id,
        )
        status = _STATUS[outcome.ending]
        if media_type is MediaType.JSON and outcome.ending is Ending.REFUSED:
            status = 200
        if outcome.ending is Ending.EXECUTED:
            headers["Content-Language"] = language_for(request)
        if outcome.ending is Ending.QUERIES_ONLY:
            headers["Allow"] = "POST"
        if outcome.ending is Ending.NOT_ACCEPTED:
            headers["WWW-Authenticate"] = CHALLENGE
        await _send(send, status, _encoded(outcome, request_id), headers)

    async def _asked(self, request: Request, media_type: MediaType | None) -> GraphQLRequest:
        if media_type is None:
            offered = " or ".join(f"'{known.value}'" for known in MediaType)
            raise Unacceptable(406, f"Answers come as {offered}.")
        if request.method == "POST":
            return await request_from_body(request, self.limits)
        if request.method == "GET":
            return request_from_query_string(request, self.limits)
        raise Unacceptable(405, "Send a query by GET or POST, a mutation by POST.", headers={"Allow": "GET, POST"})


def _request_id(request: Request) -> str:
    """Take the id that the outer layers have given to the request, or make one."""
    known = getattr(request.state, "request_id", None)
    return known if isinstance(known, str) else uuid4().hex


def _encoded(outcome: Outcome, request_id: str) -> bytes:
    try:
        return orjson.dumps(outcome.as_response())
    except TypeError as error:
        masked = fault(error, request_id=request_id, operation=None)
        return orjson.dumps({"errors": [masked], "data": None})


async def _refuse(request: Request, send: Send, refusal: Unacceptable, headers: Mapping[str, str]) -> None:
    """Send a refusal; if its body is still on the way, end the connection too."""
    body = orjson.dumps({"errors": [{"message": refusal.message, "extensions": {"code": refusal.code}}]})
    headers = {**headers, **refusal.headers}
    if refusal.status not in {408, 413}:
        await _send(send, refusal.status, body, headers)
        return
    await _send(send, refusal.status, body, {**headers, "Connection": "close"}, more=True)
    if refusal.status == 413 and "expect" not in request.headers:
        await _drain(request.receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    """Throw away what still comes in, for a moment: closing at once would reset the connection and with it lose the
    answer on its way."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                pass
    except TimeoutError:
        pass


async def _send(send: Send, status: int, body: bytes, headers: Mapping[str, Any], *, more: bool = False) -> None:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode("ascii")))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": more})

"""Takes a GraphQL request off the wire: reads the body in bounded size and time, and checks its shape."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What a request may cost before anything of it is looked at."""

    #: Bytes of a body; also judged by its Content-Length.
    max_body: int = 100_000
    #: Seconds for all of the body to arrive.
    body_seconds: float = 10.0
    #: Bytes of the query string of a GET.
    max_query_string: int = 16_384
    #: Levels of lists and objects in the variables.
    max_variable_depth: int = 32
    #: Values in the variables, lists and objects included.
    max_variable_values: int = 10_000


class Unacceptable(Exception):
    """A request that is turned away before it reaches GraphQL. The message is safe to show."""

    def __init__(
        self, status: int, message: str, *, code: str = "BAD_REQUEST", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The parameters of the GraphQL over HTTP specification; `extensions` are checked and left unused."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None


async def request_from_body(request: Request, limits: RequestLimits) -> GraphQLRequest:
    """Read the JSON body of a POST.

    Raises:
        Unacceptable: 400, 408, 413 or 415.
        starlette.requests.ClientDisconnect: nobody is there any more.
    """
    _check_content_type(request)
    body = await _read(request, limits)
    try:
        received = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unacceptable(400, "The body is not JSON in UTF-8.") from None
    if not isinstance(received, dict):
        raise Unacceptable(400, "The body must be one JSON object with a 'query'; lists of them are not taken.")
    return _checked(received, limits)


def request_from_query_string(request: Request, limits: RequestLimits) -> GraphQLRequest:
    """Read the parameters of a GET.

    Raises:
        Unacceptable: 400 or 414.
    """
    text: bytes = request.scope.get("query_string", b"")
    if len(text) > limits.max_query_string:
        raise Unacceptable(414, f"The query string is longer than {limits.max_query_string} bytes.")
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise Unacceptable(400, "The query string is not UTF-8 in percent-encoding.") from None
    received: dict[str, Any] = {}
    for name, value in pairs:
        if name in received:
            raise Unacceptable(400, "A parameter of the query string is given twice.")
        received[name] = value
    for name in ("variables", "extensions"):
        if received.get(name):
            try:
                received[name] = orjson.loads(received[name])
            except orjson.JSONDecodeError:
                raise Unacceptable(400, f"The parameter '{name}' is not JSON.") from None
        else:
            received.pop(name, None)
    return _checked(received, limits)


def request_from_payload(payload: object, limits: RequestLimits) -> GraphQLRequest:
    """Check what a message of a socket asks for, as the body of a POST would be.

    Raises:
        Unacceptable: 400.
    """
    if not isinstance(payload, dict):
        raise Unacceptable(400, "The payload must be an object with a 'query'.")
    return _checked(payload, limits)


def _check_content_type(request: Request) -> None:
    """Let JSON in UTF-8 pass and nothing else: a browser sends forms and plain text across sites without asking."""
    kind, *parameters = request.headers.get("content-type", "").split(";")
    if kind.strip().lower() != "application/json":
        raise Unacceptable(415, "Send the request as 'Content-Type: application/json'.")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in {"utf-8", "utf8"}:
            raise Unacceptable(415, "The body must be in UTF-8.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Unacceptable(415, "The body must not be compressed.")


async def _read(request: Request, limits: RequestLimits) -> bytes:
    announced = request.headers.get("content-length", "")
    if len(announced) > 15 or (announced.isdecimal() and int(announced) > limits.max_body):
        raise _too_large(limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            await _collect(request, body, limits)
    except TimeoutError:
        try:
            # A busy machine may not have come round to what arrived in time: look once more, without waiting.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            async with asyncio.timeout(0):
                await _collect(request, body, limits)
        except TimeoutError:
            raise Unacceptable(408, f"The body did not arrive within {limits.body_seconds:g} seconds.") from None
    return bytes(body)


async def _collect(request: Request, body: bytearray, limits: RequestLimits) -> None:
    async with aclosing(request.stream()) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > limits.max_body:
                raise _too_large(limits)


def _too_large(limits: RequestLimits) -> Unacceptable:
    return Unacceptable(413, f"The body is larger than {limits.max_body} bytes.")


def _checked(received: dict[str, Any], limits: RequestLimits) -> GraphQLRequest:
    """Check the parameters one by one; unknown ones are left aside, as the specification has it."""
    query = received.get("query")
    if not isinstance(query, str) or not query.strip():
        raise Unacceptable(400, "The request needs a 'query', a text that is not empty.")
    name = received.get("operationName")
    if name is not None and not isinstance(name, str):
        raise Unacceptable(400, "The parameter 'operationName' must be a text or null.")
    for parameter in ("variables", "extensions"):
        value = received.get(parameter)
        if value is not None and not isinstance(value, dict):
            raise Unacceptable(400, f"The parameter '{parameter}' must be an object or null.")
    variables = received.get("variables") or {}
    _check_values(variables, limits)
    return GraphQLRequest(query, variables, name or None)


def _check_values(variables: dict[str, Any], limits: RequestLimits) -> None:
    """Bound the variables; by a list of what is left to visit, as the depth is not known before."""
    pending: list[tuple[Any, int]] = [(variables, 1)]
    visited = 0
    while pending:
        value, depth = pending.pop()
        visited += 1
        if isinstance(value, str):
            if "\x00" in value:
                raise Unacceptable(400, "A text in the variables holds a NUL character.")
        elif isinstance(value, dict | list):
            if depth > limits.max_variable_depth:
                raise Unacceptable(400, f"The variables are nested deeper than {limits.max_variable_depth} levels.")
            if visited + len(pending) + len(value) > limits.max_variable_values:
                raise Unacceptable(400, f"The variables hold more than {limits.max_variable_values} values.")
            pending.extend((item, depth + 1) for item in (value.values() if isinstance(value, dict) else value))

"""The messages of graphql-transport-ws, and with which code a socket is closed.

After https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. The protocol that came before it, of the
library subscriptions-transport-ws, is called `graphql-ws` on the wire and is not spoken here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import orjson

from app.body import GraphQLRequest, RequestLimits, Unacceptable, request_from_payload

SUBPROTOCOL: Final = "graphql-transport-ws"
#: Bytes of a reason in a close frame (RFC 6455 §5.5).
_LONGEST_REASON: Final = 123
#: Characters of the id of an operation, which clients choose; theirs are numbers or UUIDs.
_LONGEST_ID: Final = 128


class Close(IntEnum):
    """Why a socket is closed, by the codes of the protocol; 1011 is that of RFC 6455 for a fault of ours."""

    FAULT = 1011
    BAD_REQUEST = 4400
    #: An operation before `connection_init` was answered, or the session has ended since.
    UNAUTHORIZED = 4401
    #: Nobody who may use a socket, or not any longer what was followed.
    FORBIDDEN = 4403
    NO_SUBPROTOCOL = 4406
    INIT_TOO_LATE = 4408
    SAME_ID = 4409
    INIT_TWICE = 4429


class Closing(Exception):
    """The socket is to be closed."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Init:
    """Who asks, as the front end says instead of headers, which a browser cannot set here."""

    authorization: str | None
    client: str | None


@dataclass(frozen=True, slots=True)
class Ping:
    """To be answered."""

    payload: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Pong:
    """An answer to a ping, or a sign of life."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """An operation of any kind, under an id that the client chose."""

    id: str
    request: GraphQLRequest


@dataclass(frozen=True, slots=True)
class Complete:
    """The client wants no more of an operation."""

    id: str


Received = Init | Ping | Pong | Subscribe | Complete


def read(text: str | None, limits: RequestLimits) -> Received:
    """A message of the client; None stands for one in binary.

    Raises:
        Closing: with `BAD_REQUEST`, when it is none of the protocol.
    """
    message = _message(text, limits)
    match message.get("type"):
        case "connection_init":
            payload = _payload(message) or {}
            return Init(_text(payload, "authorization", "Authorization"), _text(payload, "client", "Portal-Client"))
        case "ping":
            return Ping(_payload(message))
        case "pong":
            _payload(message)
            return Pong()
        case "subscribe":
            id_ = _id(message)
            try:
                return Subscribe(id_, request_from_payload(message.get("payload"), limits))
            except Unacceptable as unacceptable:
                raise _bad(unacceptable.message) from None
        case "complete":
            return Complete(_id(message))
    raise _bad("The type of the message is none that a client sends.")


def written(kind: str, id_: str | None = None, payload: object = None) -> str:
    """A message of ours. Raises `TypeError` for what cannot be written as JSON."""
    message: dict[str, object] = {"type": kind}
    if id_ is not None:
        message = {"id": id_} | message
    if payload is not None:
        message["payload"] = payload
    return orjson.dumps(message).decode()


def _message(text: str | None, limits: RequestLimits) -> dict[str, Any]:
    if text is None:
        raise _bad("Messages are text, and not binary.")
    if len(text.encode()) > limits.max_body:
        raise _bad(f"The message has more than {limits.max_body} bytes.")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _bad("The message is not JSON.") from None
    if not isinstance(message, dict):
        raise _bad("The message must be an object.")
    return message


def _payload(message: Mapping[str, Any]) -> dict[str, Any] | None:
    payload = message.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise _bad("The payload of this message must be an object, or left out.")
    try:
        # It may be sent back, and is not nested deeper than can be written.
        orjson.dumps(payload)
    except TypeError:
        raise _bad("The payload of this message is nested too deep.") from None
    return payload


def _id(message: Mapping[str, Any]) -> str:
    id_ = message.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= _LONGEST_ID:
        raise _bad(f"The message needs an 'id', a text of 1 to {_LONGEST_ID} characters.")
    return id_


def _text(payload: Mapping[str, Any], *names: str) -> str | None:
    """What is said under the first of these names that is there."""
    said = next((payload[name] for name in names if payload.get(name) is not None), None)
    if said is not None and not isinstance(said, str):
        raise _bad("The payload of 'connection_init' says who asks in texts.")
    return said


def _bad(reason: str) -> Closing:
    return Closing(Close.BAD_REQUEST, reason)

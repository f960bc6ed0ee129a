"""What goes over the wire to a webhook: a body and its signatures (standardwebhooks.com); and what is answered."""

import asyncio
import base64
import hmac
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
import orjson

from app.problems import PlainProblem
from app.settings import Settings
from db.context import Context
from db.sql import Row
from resolvers.deliveries import Told
from schema.nodes import global_id, number_of

#: What a change of how an account stands is called, and what a test is.
STATUS_CHANGED: Final = "account.status_changed"
TEST: Final = "webhook.test"
#: What a position among the changes is, in the opaque form of ids: the cursors of `accountStatusChanged`.
_CURSOR: Final = "change"
#: Bytes of an answer that are read, so that the connection can be used again; nobody looks at them.
_MOST_READ: Final = 4096
#: Longest that a receiver may ask us to wait.
_MOST_WAIT: Final = timedelta(hours=1)
_MOST_SAID: Final = 160
_GONE: Final = 410
#: The step at which the event leaves this machine: the connection is there, and encrypted.
_LEAVES: Final = "http11.send_request_headers.started"


class NotTaken(Exception):
    """The receiver did not take it. `reason` holds no word of the receiver's own."""

    def __init__(self, reason: str, *, code: int | None = None, again_in: timedelta | None = None) -> None:
        self.reason, self.code = reason, code
        #: For how long the receiver asks to be spared.
        self.again_in = again_in
        super().__init__(reason)

    @property
    def is_gone(self) -> bool:
        """Whether the receiver says that it takes nothing any more."""
        return self.code == _GONE


# ------------------------------------------------------------------------------------------------ what is sent
def body_of(told: Told) -> bytes:
    """An event as JSON: the fields of the subscription, and no name, username or address."""
    account = {
        "id": global_id("Account", told.account_id),
        "capacity": told.capacity.value,
        "status": told.status_now,
        "disabledReason": told.disabled_reason.value if told.disabled_reason else None,
        "schools": [{"id": global_id("School", id_)} for id_ in told.school_ids],
    }
    data = {
        "cursor": global_id(_CURSOR, told.number),
        "account": account,
        "statusBefore": told.status_before,
        "status": told.status,
    }
    return _json(STATUS_CHANGED, told.at, data)


def test_body(now: datetime) -> bytes:
    """What a receiver can be tried with. It is no event."""
    return _json(TEST, now, {})


def _json(kind: str, at: datetime, data: Mapping[str, object]) -> bytes:
    return orjson.dumps({"type": kind, "timestamp": at.isoformat(), "data": data})


def read_cursor(text: str) -> int | None:
    """The number of the change that a cursor stands for; None when it is not one of ours."""
    return number_of(text, _CURSOR)


def message_name(id_: UUID) -> str:
    """The `webhook-id`: the same for each sending of one event to one webhook."""
    return f"msg_{id_.hex}"


def signed(ctx: Context, hook: Row, name: str, body: bytes) -> dict[str, str]:
    """The headers that go with the body: who it is, when it was sent, and one signature for each secret that is good.

    Raises:
        LookupError: when a master secret is gone.
    """
    at = int(ctx.now.timestamp())
    content = f"{name}.{at}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(secret, content, "sha256")).decode() for secret in _secrets(ctx, hook))
    return {
        "Content-Type": "application/json",
        "User-Agent": "portal-access",
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _secrets(ctx: Context, hook: Row) -> list[bytes]:
    """The secret of the webhook; while one replaces the other, both."""
    found = [ctx.keys.webhook_secret(hook["nonce"], hook["secret_version"])]
    if hook["previous_until"] is not None and ctx.now < hook["previous_until"]:
        found.append(ctx.keys.webhook_secret(hook["previous_nonce"], hook["previous_secret_version"]))
    return found


# ------------------------------------------------------------------------------------------------ sending
class Sender:
    """Sends over HTTPS, straight to the receiver: no redirect is followed, no proxy used, no cookie kept."""

    def __init__(self, *, seconds: float, ca_file: Path | None) -> None:
        """Reads the certificates. Raises OSError (ssl.SSLError is one) where the file is not right."""
        trusted = ssl.create_default_context()
        if ca_file is not None:
            trusted.load_verify_locations(cafile=ca_file)
        self._seconds = seconds
        self._http = httpx.AsyncClient(
            verify=trusted,
            follow_redirects=False,
            trust_env=False,
            timeout=seconds,
            # Each webhook has so many lines as it may: one that hangs leaves no other without a connection.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def send(
        self, url: str, headers: Mapping[str, str], body: bytes, *, still: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Returns when the receiver took it (2xx). `still` is asked when the connection is made, before anything is
        said; what it raises comes out here.

        Raises:
            NotTaken: when it did not, for whatever reason.
        """

        async def trace(step: str, _info: Mapping[str, Any]) -> None:
            if step == _LEAVES and still is not None:
                await still()

        try:
            async with (
                asyncio.timeout(self._seconds),
                self._http.stream("POST", url, headers=headers, content=body, extensions={"trace": trace}) as answer,
            ):
                if not answer.is_success:
                    raise NotTaken(f"HTTP {answer.status_code}", code=answer.status_code, again_in=_again_in(answer))
                await _read_a_little(answer)
        except (TimeoutError, httpx.TimeoutException):
            raise NotTaken("no answer in time") from None
        except httpx.ConnectError as failed:
            raise NotTaken(f"not reached: {_said(failed)}") from None
        except httpx.TransportError as failed:
            raise NotTaken(f"the connection broke: {type(failed).__name__}") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as failed:
            raise NotTaken(f"cannot be sent there: {type(failed).__name__}") from None
        finally:
            # What a receiver sets is not shown to another one, nor to itself.
            self._http.cookies.clear()


async def _read_a_little(answer: httpx.Response) -> None:
    """To the end of a short answer, so that its connection can be used again. It was taken, whatever comes of this."""
    read = 0
    try:
        async for some in answer.aiter_raw():
            read += len(some)
            if read > _MOST_READ:
                return
    except httpx.TransportError:
        return


def _again_in(answer: httpx.Response) -> timedelta | None:
    """What the receiver asks for in `Retry-After`, in seconds (RFC 9110 §10.2.3)."""
    said = answer.headers.get("retry-after", "")
    return min(timedelta(seconds=int(said)), _MOST_WAIT) if re.fullmatch(r"[0-9]{1,6}", said) else None


def _said(failed: Exception) -> str:
    """What the machine or the TLS library says, for the operator."""
    return "".join(c if c.isprintable() else " " for c in str(failed))[:_MOST_SAID]


def sender_of(settings: Settings) -> Sender:
    """As the settings say.

    Raises:
        PlainProblem: when the file of certificates cannot be used.
    """
    file = settings.webhook_ca_file
    try:
        return Sender(seconds=settings.webhook_seconds, ca_file=file)
    except ssl.SSLError:
        fault = f"{file} holds no certificates"
    except OSError as failed:
        fault = f"{file} cannot be read: {failed.strerror}"
    raise PlainProblem(f"PORTAL_WEBHOOK_CA_FILE is not right: {fault}.")

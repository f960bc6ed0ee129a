"""Who asks: what the wire tells of a request, whichever way it comes, as the context of every step."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import uuid4

from starlette.requests import HTTPConnection

from app.clients import client_address, client_name
from app.negotiation import language_for
from app.settings import Settings
from db.context import Context
from db.hashing import PasswordHasher
from db.secrets import Keyring
from resolvers.service_clients import CLIENT_HEADER, identify

#: What an answer with status 401 says in `WWW-Authenticate` (RFC 6750 §3).
CHALLENGE: Final = 'Bearer realm="Portal Access"'


class Asking:
    """Makes the contexts of one worker's requests."""

    def __init__(
        self, settings: Settings, keys: Keyring, hasher: PasswordHasher, clock: Callable[[], datetime]
    ) -> None:
        """Of a portal with these settings; `clock` tells when it is asked."""
        self.settings, self.keys, self.hasher, self.clock = settings, keys, hasher, clock
        self.proxies = settings.proxies

    def nobody(self, connection: HTTPConnection) -> Context:
        """From where and when it is asked; who asks is looked for afterwards, with `identify`."""
        headers = connection.headers
        known = getattr(connection.state, "request_id", None)
        return Context(
            now=self.clock(),
            address=client_address(
                connection.client.host if connection.client else "",
                headers.getlist("x-forwarded-for"),
                self.proxies,
            ),
            client=client_name(headers.get("user-agent")),
            language=language_for(connection),
            request_id=known if isinstance(known, str) else uuid4().hex,
            rules=self.settings,
            keys=self.keys,
            hasher=self.hasher,
        )

    async def identified(
        self, connection: HTTPConnection, *, authorization: str | None = None, client: str | None = None
    ) -> Context:
        """The same with whoever asks, by its headers, or by what a socket's first message says instead.

        Raises:
            ClientNotAccepted: when the service client that it names may not be used.
        """
        headers = connection.headers
        return await identify(
            self.nobody(connection),
            authorization=headers.get("authorization") if authorization is None else authorization,
            client=_only(headers.getlist(CLIENT_HEADER)) if client is None else client,
            origin=headers.get("origin"),
        )


def _only(given: list[str]) -> str | None:
    """The one value of a header. Of several, a text that names nobody: no two programs may disagree on which counts."""
    return ", ".join(value.strip() for value in given) if given else None

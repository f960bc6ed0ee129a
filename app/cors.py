"""From which pages a browser may call (CORS, https://fetch.spec.whatwg.org): those of the setting, and those of the
district's front ends, which are asked for anew with each request."""

from collections.abc import Sequence

import structlog
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from resolvers.service_clients import CLIENT_HEADER, is_origin_of_front_end

_log = structlog.get_logger("portal.cors")


class CrossOrigin:
    """Lets the pages of other origins call, as long as they may; any other one is told nothing."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        """`origins` are those that may call whatever the database says."""
        self.app, self.origins = app, frozenset(origins)
        # Without any, a page of a strange origin meets a server that does not know of such things.
        self.strange = _letting_in(app, origins) if origins else app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the request on, with the headers by which the browser shows the answer to the page."""
        origin = Headers(scope=scope).get("origin") if scope["type"] == "http" else None
        if origin is None:
            await self.app(scope, receive, send)
        elif origin in self.origins or not await _is_live(origin):
            await self.strange(scope, receive, send)
        else:
            await _letting_in(self.app, [origin])(scope, receive, send)


async def lets_in(origin: str, *, origins: Sequence[str]) -> bool:
    """Whether a page of this origin may call: by the setting, which names `origins`, or as a front end's."""
    return origin in origins or await _is_live(origin)


def _letting_in(app: ASGIApp, origins: Sequence[str]) -> CORSMiddleware:
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", CLIENT_HEADER],
        expose_headers=["X-Request-Id"],
        max_age=600,
    )


async def _is_live(origin: str) -> bool:
    """Whether it is an origin of a front end that is not revoked; no while the database does not say."""
    try:
        return await is_origin_of_front_end(origin)
    except Exception as failed:
        # What is to be said of it, the request itself gets to hear.
        _log.warning("origin not looked up", reason=type(failed).__name__)
        return False

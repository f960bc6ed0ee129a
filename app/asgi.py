"""The web application: who asks, from where and when, and the way to the schema."""

import gc
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.asking import Asking
from app.body import RequestLimits
from app.cors import CrossOrigin
from app.courier import carrying, courier_contexts
from app.endpoint import GraphQLEndpoint
from app.export_forms import Form
from app.exports import ExportEndpoint
from app.help_texts import insist_on_help_texts
from app.housekeeping import keeping_house
from app.logs import configure_logs
from app.metrics import metrics_endpoint
from app.policy import insist_on_table
from app.problems import PlainProblem
from app.sealing import checkpoint_file, sealing
from app.settings import Settings, keyring, load_settings
from app.subscriptions import SubscriptionsEndpoint, watching
from app.webhooks import calling_webhooks
from db import sql
from db.connection import database, pending_migrations
from db.hashing import PasswordHasher
from db.watching import Watch
from resolvers.report_outcomes import ReportName
from schema.build import operations

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
#: What a log line may name; any other path is text that somebody made up, and may be about people.
PATHS = PROBES | {"/graphql"} | {f"/reports/{name.value}.{form.value}" for name in ReportName for form in Form}
Clock = Callable[[], datetime]
_log = structlog.get_logger("portal.requests")


def utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(settings: Settings | None = None, *, clock: Clock = utc_now) -> Starlette:
    """The application for one worker. Settings come from the environment unless given; `clock` tells the time.

    Raises:
        PlainProblem: when the settings, the secrets or the database keep it from starting.
    """
    is_worker = settings is None
    if settings is None:
        settings = load_settings()
        configure_logs(settings)
    keys = keyring(settings)
    insist_on_table(settings)
    insist_on_help_texts(settings)
    hasher = PasswordHasher(memory_kib=settings.hash_memory_kib, passes=settings.hash_passes)

    asking = Asking(settings, keys, hasher, clock)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if settings.database_url is None:
            raise PlainProblem("PORTAL_DATABASE_URL is not set; `portal serve` starts a database of its own.")
        async with database(
            settings.database_url.get_secret_value(),
            pool_size=settings.database_pool,
            statement_timeout_ms=settings.statement_timeout_ms,
        ):
            await _refuse_pending()
            if is_worker:
                _set_aside()
            app.state.ready = True
            async with (
                keeping_house(
                    clock,
                    letters_for=timedelta(days=settings.letter_days),
                    changes_for=timedelta(days=settings.change_days),
                ),
                sealing(keys, clock, checkpoint_file(settings), every=settings.trail_seal_seconds),
                carrying(settings, clock, courier_contexts(settings, clock, keys, hasher)),
                calling_webhooks(settings, courier_contexts(settings, clock, keys, hasher)),
                watching(settings, watch),
            ):
                yield
            app.state.ready = False
        hasher.close()

    runs, watch = operations(introspection=settings.shows_schema, seconds=settings.request_seconds), Watch(clock)
    endpoint = GraphQLEndpoint(
        runs,
        asking.identified,
        limits=RequestLimits(max_body=settings.body_limit, body_seconds=settings.body_seconds),
        console=settings.shows_console,
    )
    app = Starlette(
        routes=[
            Route("/graphql", endpoint, include_in_schema=False),
            WebSocketRoute("/graphql", SubscriptionsEndpoint(runs, asking, watch)),
            Route("/reports/{file}", ExportEndpoint(settings, asking.identified), include_in_schema=False),
            Route("/healthz", _alive),
            Route("/readyz", _ready),
            Route("/metrics", metrics_endpoint(settings, clock), include_in_schema=False),
        ],
        middleware=[Middleware(RequestLines), Middleware(CrossOrigin, origins=settings.cors_origins)],
        lifespan=lifespan,
    )
    app.state.ready = False
    app.state.hasher = hasher
    return app


def _set_aside() -> None:
    """Takes what the start made, some 110,000 objects, out of the garbage collector's sight.

    They live as long as the process, and each walk through them would stop all requests of a worker for 75 ms, every
    few seconds under load.
    """
    gc.collect()
    gc.freeze()


async def _refuse_pending() -> None:
    if pending := await pending_migrations():
        raise PlainProblem(f"The database lacks {len(pending)} migration(s): run `portal migrate` first.")


async def _alive(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "alive"})


async def _ready(request: Request) -> Response:
    """The process answers, and the database does."""
    ready = request.app.state.ready
    if ready:
        try:
            await sql.rows("SELECT 1")
        except Exception:
            ready = False
    return JSONResponse({"status": "ready" if ready else "not ready"}, status_code=200 if ready else 503)


class RequestLines:
    """Gives each request an id, and writes one line about it: what, how it ended, how long it took; no addresses."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.perf_counter(), 0

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        finally:
            path: str = scope["path"]
            took = round((time.perf_counter() - began) * 1000, 1)
            # A probe every few seconds is worth a line only when it fails.
            level = logging.DEBUG if path in PROBES and status == 200 else logging.INFO
            _log.log(
                level,
                "request",
                method=scope["method"],
                path=path if path in PATHS else "elsewhere",
                status=status,
                ms=took,
                request_id=request_id,
            )

"""`/metrics`: letters and webhooks in numbers, for Prometheus, counted in the database: each worker says the same."""

import hmac
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.settings import Settings
from db.queries import courier, outbox, webhooks
from mail.outbox import LetterKind, Withdrawn

_log = structlog.get_logger("portal.metrics")
#: What is counted of letters that ended: state in the tally, metric, label, help, and the values that there are.
_ENDED: Final = (
    ("SENT", "portal_letters_sent", "kind", "Letters that were sent.", tuple(LetterKind)),
    ("FAILED", "portal_letters_failed", "kind", "Letters that were given up.", tuple(LetterKind)),
    ("CANCELLED", "portal_letters_cancelled", "reason", "Letters that were not to be sent any more.", tuple(Withdrawn)),
)


#: For how long something is so, 0 where it is not.
_HELD_UP: Final = (
    ("portal_letters_oldest_waiting_seconds", "For how long the letter that waits the longest does so."),
    ("portal_letters_overdue_seconds", "For how long a letter is due that no courier takes."),
    ("portal_mail_relay_trouble_seconds", "For how long the mail relay cannot be used while letters wait."),
)


class Letters(Collector):
    """What the database said of the letters a moment ago, as metrics."""

    def __init__(self, waiting: int, seconds: tuple[float, float, float], tally: dict[str, int]) -> None:
        self._waiting, self._seconds, self._tally = waiting, seconds, tally

    @classmethod
    async def counted(cls, now: datetime) -> "Letters":
        """Asks the database."""
        waiting, since = await outbox.waiting()
        due_since, trouble_since = await courier.held_up(now)
        # Without letters nobody tries the relay, nor finds that it is there again.
        trouble = _seconds(now, trouble_since) if waiting else 0.0
        return cls(waiting, (_seconds(now, since), _seconds(now, due_since), trouble), await outbox.tally())

    def collect(self) -> Iterator[Metric]:
        """All metrics, with a zero for what did not happen yet: a rate has to begin somewhere."""
        yield GaugeMetricFamily("portal_letters_waiting", "Letters that wait to be sent.", value=self._waiting)
        for (name, told), seconds in zip(_HELD_UP, self._seconds, strict=True):
            yield GaugeMetricFamily(name, told, value=seconds)
        for state, name, label, told, known in _ENDED:
            family = CounterMetricFamily(name, told, labels=[label])
            found = {id_.removeprefix(f"{state}:"): n for id_, n in self._tally.items() if id_.startswith(f"{state}:")}
            for word, n in sorted((dict.fromkeys(map(str, known), 0) | found).items()):
                family.add_metric([word], n)
            yield family


def _seconds(now: datetime, since: datetime | None) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0


class Webhooks(Collector):
    """What the database said of webhooks a moment ago, as metrics."""

    def __init__(self, waiting: int, seconds: float, paused: int) -> None:
        self._waiting, self._seconds, self._paused = waiting, seconds, paused

    @classmethod
    async def counted(cls, now: datetime) -> "Webhooks":
        """Asks the database."""
        waiting, since, paused = await webhooks.waiting()
        return cls(waiting, _seconds(now, since), paused)

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        for name, told, value in (
            ("portal_webhook_deliveries_waiting", "Changes that wait to be told to webhooks.", self._waiting),
            (
                "portal_webhook_oldest_waiting_seconds",
                "For how long the one that waits the longest does so, of webhooks that are not paused.",
                self._seconds,
            ),
            ("portal_webhooks_paused", "Webhooks that are paused.", self._paused),
        ):
            yield GaugeMetricFamily(name, told, value=value)


class Build(Collector):
    """Which version runs."""

    def collect(self) -> Iterator[Metric]:
        """One metric that is always 1."""
        family = GaugeMetricFamily("portal_build_info", "The version that runs.", labels=["version"])
        family.add_metric([_version()], 1)
        yield family


def _version() -> str:
    try:
        return version("portal-access")
    except PackageNotFoundError:
        return "unknown"


def metrics_endpoint(settings: Settings, clock: Callable[[], datetime]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint: for whoever has the token of the settings; without one, for everybody in development alone."""

    async def metrics(request: Request) -> Response:
        token = settings.metrics_token
        if token is None:
            if settings.in_production:
                return PlainTextResponse("Not Found", status_code=404)
        elif not _has(request, token.get_secret_value()):
            return PlainTextResponse("Unauthorized", status_code=401, headers={"WWW-Authenticate": "Bearer"})
        try:
            letters, hooks = await Letters.counted(clock()), await Webhooks.counted(clock())
        except Exception as failed:
            _log.warning("metrics not counted", reason=type(failed).__name__)
            return PlainTextResponse("Service Unavailable", status_code=503)
        registry = CollectorRegistry()
        registry.register(letters)
        registry.register(hooks)
        registry.register(Build())
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return metrics


def _has(request: Request, token: str) -> bool:
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    # Compared in one time, whatever is given.
    return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())

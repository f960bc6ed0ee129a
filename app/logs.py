"""Logs: one line an event, for machines in production and for people in development; never personal data."""

import logging
import sys

import structlog

from app.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Sends everything, the libraries' lines included, through one formatter to standard error."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    as_text = (settings.log_format or ("json" if settings.in_production else "text")) == "text"
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if as_text
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(_level(settings)),
        cache_logger_on_first_use=False,
    )
    processors: list[structlog.types.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if not as_text:
        processors.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*processors, renderer])
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(_level(settings))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.access").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn.error").addFilter(_no_handshake)
    # At its lowest level come, from the library of sockets, all headers and messages: keys and sessions among them.
    logging.getLogger("uvicorn.error").setLevel(max(logging.INFO, _level(settings)))
    # These write statements with their values, or what people sent, at their lower levels.
    for name in ("tortoise", "asyncpg", "casbin", "httpx", "httpcore", "strawberry", "faker", "asyncio", "websockets"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _no_handshake(record: logging.LogRecord) -> bool:
    """False for lines about a socket's handshake: they hold the client's address, and whatever it asked for. Ours about
    its end says all that is to be said."""
    return not str(record.msg).startswith(('%s - "WebSocket ', "connection "))


def _level(settings: Settings) -> int:
    return logging.getLevelNamesMapping()[settings.log_level.upper()]

"""The way to the database: how the connections are set, and the migrations that bring it up to date."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import asyncpg
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.migrations.schema_editor import AsyncpgSchemaEditor

from db import sql

#: Held while migrating, so that two processes never migrate at once. Any fixed number will do.
MIGRATION_LOCK = 4_815_162_342
MIGRATIONS = "db.migrations"
_APPS = {"db": {"models": ["db.models"], "migrations": MIGRATIONS, "default_connection": "default"}}


#: What this process has open for all its tasks, by address: whoever asks for the same one again shares the pool.
_opened: dict[str, TortoiseContext] = {}


class DatabaseUnreachable(Exception):
    """No connection could be made; the text says to whom and why, never with the password."""


def where(url: str) -> str:
    """The database's address as it may be shown to people and logs: without user and password."""
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname or "localhost"])[0]
    port = f":{parts.port}" if parts.port else ""
    return f"{host}{port}{parts.path}"


def is_address(url: str) -> bool:
    """Whether the text can be the address of a database."""
    try:
        parts = urlsplit(url)
        _port(parts)
    except ValueError:
        return False
    return parts.scheme in {"postgres", "postgresql"} and bool(parts.path.strip("/"))


def _port(parts: SplitResult) -> int:
    return parts.port or int(parse_qs(parts.query).get("port", ["5432"])[-1])


def _credentials(url: str, *, pool_size: int, statement_timeout_ms: int) -> dict[str, Any]:
    if not is_address(url):
        raise DatabaseUnreachable("The database URL must look like postgresql://user:password@host:5432/name.")
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    credentials: dict[str, Any] = {
        "host": query.get("host", parts.hostname or "localhost"),
        "port": _port(parts),
        "user": unquote(parts.username or query.get("user", "postgres")),
        "password": unquote(parts.password) if parts.password else None,
        "database": unquote(parts.path.lstrip("/")),
        "minsize": 1,
        "maxsize": pool_size,
        "timeout": 5,
        "reset": _as_it_is,
        "server_settings": {
            "application_name": "portal-access",
            "statement_timeout": str(statement_timeout_ms),
            "idle_in_transaction_session_timeout": str(2 * statement_timeout_ms),
            "timezone": "UTC",
            # Short statements by primary key: compiling them costs more than it saves.
            "jit": "off",
        },
    }
    if "sslmode" in query:
        credentials["ssl"] = query["sslmode"]
    return credentials


def _reason(failed: BaseException) -> str:
    """What the machine or the database says, without the numbers of the one and the full stop of the other."""
    if failed.__cause__ is not None:
        return _reason(failed.__cause__)
    if isinstance(failed, OSError) and failed.errno is not None and failed.errno > 0:
        return os.strerror(failed.errno)
    if isinstance(failed, OSError) and failed.strerror:
        return failed.strerror
    return str(failed).rstrip(".") or "it did not answer in time"


async def _as_it_is(_: object) -> None:
    """What is done to a connection that goes back to the pool: nothing.

    By default it costs a round trip to the database after each statement to undo settings and locks of the session,
    which nobody here leaves behind. asyncpg still undoes a transaction that was left open.
    """


async def dedicated(url: str) -> Any:
    """A connection beside the pool, for whoever needs one for long; the caller closes it.

    Raises:
        DatabaseUnreachable: when the address is none.
        OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: when it cannot be made.
    """
    credentials = _credentials(url, pool_size=1, statement_timeout_ms=10_000)
    for of_the_pool in ("minsize", "maxsize", "reset"):
        del credentials[of_the_pool]
    return await asyncpg.connect(**credentials)


@asynccontextmanager
async def database(
    url: str, *, pool_size: int = 10, statement_timeout_ms: int = 10_000, everywhere: bool = True
) -> AsyncIterator[TortoiseContext]:
    """Opens the pool; `everywhere` makes it the one that every task sees (an ASGI server runs handlers in tasks).

    Raises:
        DatabaseUnreachable: when no connection can be made.
    """
    if everywhere and (shared := _opened.get(url)) is not None:
        yield shared
        return
    credentials = _credentials(url, pool_size=pool_size, statement_timeout_ms=statement_timeout_ms)
    config = {
        "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials}},
        "apps": _APPS,
    }
    async with TortoiseContext() as context:
        await context.init(config=config, _enable_global_fallback=everywhere)
        try:
            await sql.rows("SELECT 1 AS up")
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, Exception) as failed:
            raise DatabaseUnreachable(f"The database at {where(url)} cannot be reached: {_reason(failed)}.") from failed
        if everywhere:
            _opened[url] = context
        try:
            yield context
        finally:
            if everywhere:
                _opened.pop(url, None)


async def pending_migrations() -> list[str]:
    """Names of the migrations that the current database lacks, in order."""
    executor = MigrationExecutor(sql.connection(), _APPS)
    plan = await executor.plan([MigrationTarget(app_label="db", name="__latest__")])
    return [step.migration.name for step in plan]


async def migrate() -> list[str]:
    """Brings the current database up to date and returns what was applied. Waits while another process migrates.

    All in one transaction: Tortoise records a migration after it has committed it, and a process that is killed between
    the two would leave a database that can be migrated neither on nor back.
    """
    applied: list[str] = []

    def note(event: str, _: str, name: str) -> None:
        if event == "apply_done":
            applied.append(name)

    async with sql.transaction():
        await sql.rows("SET LOCAL statement_timeout = 0")
        await sql.rows("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        executor = MigrationExecutor(sql.connection(), _APPS)
        # Tortoise looks for its table before it makes it, and a statement that fails would end the transaction.
        await executor.recorder.ensure_schema(AsyncpgSchemaEditor(sql.connection(), atomic=False))
        await executor.migrate([MigrationTarget(app_label="db", name="__latest__")], progress=note)
    return applied

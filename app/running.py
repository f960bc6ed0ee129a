"""What every command needs before it can begin: settings, secrets, a database that is up to date, a context."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import SecretStr

from app import embedded
from app.logs import configure_logs
from app.problems import PlainProblem
from app.settings import Settings, keyring, load_settings, var_folder
from db import connection
from db.context import Context
from db.hashing import PasswordHasher
from db.queries.versions import one_key_of_each_version, versions_in_use
from db.secrets import Keyring

#: Under this variable the worker processes of `portal serve` find the embedded database.
DATABASE_URL = "PORTAL_DATABASE_URL"


def settings_and_logs() -> Settings:
    """The settings from the environment, and logs as they say. Raises as `load_settings` does."""
    settings = load_settings()
    configure_logs(settings)
    return settings


@contextmanager
def with_database(settings: Settings) -> Iterator[Settings]:
    """The settings with a database in them: the one they name, or the embedded one, which runs as long as it is needed.

    Raises:
        PlainProblem: when the embedded one cannot be started.
    """
    if settings.database_url is not None:
        yield settings
        return
    try:
        running = embedded.start(var_folder(settings))
    except embedded.EmbeddedError as failed:
        raise PlainProblem(str(failed)) from None
    with running:
        os.environ[DATABASE_URL] = running.cluster.url
        try:
            yield settings.model_copy(update={"database_url": SecretStr(running.cluster.url)})
        finally:
            del os.environ[DATABASE_URL]


@asynccontextmanager
async def opened(settings: Settings, *, pool_size: int = 2) -> AsyncIterator[None]:
    """The database, open for one command.

    Raises:
        PlainProblem: when it cannot be reached.
    """
    named = settings.database_url
    if named is None:
        raise PlainProblem("PORTAL_DATABASE_URL is not set.")
    url = named.get_secret_value()
    try:
        async with connection.database(url, pool_size=pool_size, statement_timeout_ms=settings.statement_timeout_ms):
            yield
    except connection.DatabaseUnreachable as unreachable:
        raise PlainProblem(str(unreachable)) from None


async def insist_on_migrations(settings: Settings) -> None:
    """Brings the database up to date in development, and insists that it is in production.

    Raises:
        PlainProblem: when it is not.
    """
    if await connection.pending_migrations():
        if settings.in_production:
            raise PlainProblem("The database is not up to date: run `portal migrate` first.")
        await connection.migrate()


async def insist_on_secrets(keys: Keyring) -> None:
    """Refuses to go on with secrets under which every proof and key in the database would look wrong.

    Raises:
        PlainProblem: names the version that is missing, or that is another secret than it was.
    """
    if lost := set(await versions_in_use(datetime.now(UTC))) - keys.versions:
        versions = ", ".join(str(version) for version in sorted(lost))
        raise PlainProblem(f"The database was filled under secret version {versions}, which is not among the secrets.")
    for row in await one_key_of_each_version():
        version = row["secret_version"]
        if version not in keys.versions:
            continue
        if keys.key_digest(keys.activation_key(row["nonce"], version), version) != row["digest"]:
            raise PlainProblem(
                f"The database was filled under another secret than the one that now is version {version}."
            )


@asynccontextmanager
async def operating(settings: Settings) -> AsyncIterator[Context]:
    """The operator's context for one command, with a database that is up to date and secrets that fit it.

    Raises:
        PlainProblem: when it cannot be reached, is not up to date in production, or the secrets are others.
    """
    async with opened(settings):
        await insist_on_migrations(settings)
        hasher = PasswordHasher(memory_kib=settings.hash_memory_kib, passes=settings.hash_passes)
        try:
            ctx = Operator(settings).context(hasher)
            await insist_on_secrets(ctx.keys)
            yield ctx
        finally:
            hasher.close()


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever runs a command: a context without a viewer, told apart in the trail by its address and request id."""

    settings: Settings

    def context(self, hasher: PasswordHasher) -> Context:
        return Context(
            now=datetime.now(UTC),
            address="command line",
            client="portal",
            language="en",
            request_id=uuid4().hex,
            rules=self.settings,
            keys=keyring(self.settings),
            hasher=hasher,
        )

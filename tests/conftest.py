"""What every test stands on: one real PostgreSQL a run, its migrated template cloned for each worker, always clean."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tortoise.context import TortoiseContext

from app import embedded
from app.asgi import create_app
from app.settings import Settings
from db import connection, sql
from db.context import Context
from db.hashing import PasswordHasher
from db.secrets import Keyring
from tests.clients import Portal
from tests.district import District
from tests.servers import Server
from tests.tables import as_superuser

TEMPLATE = "portal_template"
#: A Monday in term, at noon in Chicago.
NOON = datetime(2026, 10, 5, 17, 0, tzinfo=UTC)

_cluster = pytest.StashKey[embedded.EmbeddedPostgres]()
_folder = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Starts the cluster and migrates the template, once a run: in the process that hands out the work."""
    if hasattr(config, "workerinput") or config.option.collectonly or config.option.help:
        return
    folder = config.stash[_folder] = tempfile.TemporaryDirectory(prefix="portal-tests-")
    running = config.stash[_cluster] = embedded.start(Path(folder.name), throwaway=True)
    running.cluster.create_database(TEMPLATE)
    asyncio.run(_migrate(running.cluster.url_for(TEMPLATE)))


async def _migrate(url: str) -> None:
    async with connection.database(url, everywhere=False):
        await connection.migrate()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _cluster in config.stash:
        config.stash[_cluster].stop()
        config.stash[_folder].cleanup()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells an xdist worker where the cluster is."""
    node.workerinput["folder"] = node.config.stash[_folder].name


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[embedded.Cluster]:
    """The run's PostgreSQL; a worker joins the one that the controller started."""
    if hasattr(request.config, "workerinput"):
        with embedded.start(Path(request.config.workerinput["folder"]), throwaway=True) as joined:
            yield joined.cluster
    else:
        yield request.config.stash[_cluster].cluster


@pytest.fixture(scope="session")
def database_url(cluster: embedded.Cluster, worker_id: str) -> Iterator[str]:
    """A database of this worker's own."""
    name = f"portal_{worker_id}"
    cluster.create_database(name, template=TEMPLATE)
    yield cluster.url_for(name)
    cluster.drop_database(name)


@pytest.fixture(scope="session")
async def _pool(database_url: str) -> AsyncIterator[TortoiseContext]:
    async with connection.database(database_url, statement_timeout_ms=30_000) as context:
        yield context


@pytest.fixture
async def database(_pool: TortoiseContext) -> TortoiseContext:
    """The worker's database, open and empty."""
    tables = await sql.rows(
        "SELECT quote_ident(tablename) AS name FROM pg_tables "
        "WHERE schemaname = 'public' AND tablename <> 'tortoise_migrations'"
    )
    # The trail lets nobody else empty it.
    async with as_superuser():
        await sql.rows(f"TRUNCATE {', '.join(table['name'] for table in tables)} RESTART IDENTITY CASCADE")
    return _pool


class Clock:
    """Tells the time that a test sets."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """As `timedelta(**by)`."""
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


class Statements(logging.Handler):
    """The SQL that goes to the database, in order and without its values; BEGIN and COMMIT are not among it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "%s: %s" and isinstance(record.args, tuple):
            self.texts.append(" ".join(str(record.args[0]).split()))

    def take(self) -> list[str]:
        """What was seen since the last time."""
        taken, self.texts = self.texts, []
        return taken


@pytest.fixture
def statements() -> Iterator[Statements]:
    """Watches the statements that this process sends, whatever happens to the level of the logs."""
    watched, handler = logging.getLogger("tortoise.db_client"), Statements()
    level, propagate = watched.level, watched.propagate
    watched.addHandler(handler)
    watched.setLevel(logging.DEBUG)
    watched.propagate = False
    yield handler
    watched.removeHandler(handler)
    watched.setLevel(level)
    watched.propagate = propagate


@pytest.fixture(scope="session")
def keys() -> Keyring:
    return Keyring.parse(Keyring.generate())


@pytest.fixture(scope="session")
def hasher() -> Iterator[PasswordHasher]:
    """Cheap hashes: what they cost is for the benchmark."""
    made = PasswordHasher(memory_kib=8192, passes=1)
    yield made
    made.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path, keys_text: str) -> Settings:
    """Settings as in development; a test may copy them with `settings.model_copy(update=...)`."""
    return Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic-settings' own argument
        database_url=SecretStr(database_url),
        secrets=SecretStr(keys_text),
        var=tmp_path,
        hash_memory_kib=8192,
        hash_passes=1,
        district_name="Lakeside District",
        public_url="https://portal.example.org",
        # Tests seal, send letters and call webhooks when they mean to, and count statements.
        trail_seal_seconds=3600,
        courier=False,
        webhooks=False,
    )


@pytest.fixture(scope="session")
def keys_text() -> str:
    return Keyring.generate()


@pytest.fixture
def ctx(settings: Settings, keys_text: str, hasher: PasswordHasher, clock: Clock) -> Context:
    """A request by nobody, for tests of a step without HTTP."""
    return Context(
        now=clock(),
        address="192.0.2.1",
        client="tests",
        language="en",
        request_id="test",
        rules=settings,
        keys=Keyring.parse(keys_text),
        hasher=hasher,
    )


@pytest.fixture
async def district(database: TortoiseContext, ctx: Context) -> District:
    """An empty district, and the means to put people into it."""
    return District(ctx)


@pytest.fixture
async def portal(database: TortoiseContext, settings: Settings, clock: Clock) -> AsyncIterator[Portal]:
    """The real application over HTTP semantics, in this process, on the worker's database."""
    async with Portal(create_app(settings, clock=clock)) as client:
        yield client


@pytest.fixture(scope="module")
def reserve(
    database_url: str, keys_text: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Server]]:
    """Gives out a server that is there to be killed; the next one starts meanwhile."""
    started: list[Server] = []

    def start() -> None:
        started.append(Server(database_url, keys_text, tmp_path_factory.mktemp("victim")))

    def give() -> Server:
        start()
        return started[-2].ready()

    start()
    yield give
    for server in started:
        server.kill9()


@pytest.fixture(scope="module")
def survivor(database_url: str, keys_text: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that nobody kills: families come back to it."""
    with Server(database_url, keys_text, tmp_path_factory.mktemp("survivor")) as server:
        yield server.ready()

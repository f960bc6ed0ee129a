"""The database: models and migrations agree, several may migrate at once, and connections are set as they should be."""

import asyncio
import sys
from collections.abc import Iterator
from itertools import count

import asyncpg
import pytest
from tortoise.context import TortoiseContext
from tortoise.exceptions import IntegrityError, OperationalError
from tortoise.fields import relational
from tortoise.migrations.autodetector import MigrationAutodetector

from app import embedded
from app.asgi import create_app
from app.problems import PlainProblem
from app.settings import Settings
from db import connection, sql
from db.models import Account
from tests.clients import Portal
from tests.conftest import Clock
from tests.servers import REPOSITORY

_serial = count(1)
MIGRATIONS = ["0001_people_and_access", "0002_constraints", "0006_people_search"]


@pytest.fixture
def empty(cluster: embedded.Cluster, worker_id: str) -> Iterator[str]:
    """The address of a new database without a table."""
    name = f"empty_{worker_id}_{next(_serial)}"
    cluster.create_database(name)
    yield cluster.url_for(name)
    cluster.drop_database(name)


async def _tables(url: str) -> set[str]:
    plain = await asyncpg.connect(url)
    try:
        rows = await plain.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await plain.close()
    return {row["tablename"] for row in rows}


# ------------------------------------------------------------------------------------------------ migrations
async def test_models_and_migrations_agree(database: TortoiseContext) -> None:
    """Whoever changes a model and forgets the migration is told here."""
    assert database.apps is not None
    changes = await MigrationAutodetector(database.apps, connection._APPS).changes()
    assert [operation for change in changes for operation in change.operations] == []


async def test_each_relation_of_a_model_is_a_foreign_key(database: TortoiseContext) -> None:
    """Tortoise leaves some out without a word."""
    held = {
        (row["table"], row["column"]): (row["other"], row["on_delete"])
        for row in await sql.rows(
            """
            SELECT conrelid::regclass::text AS table, attname AS column, confrelid::regclass::text AS other,
                   CASE confdeltype WHEN 'r' THEN 'RESTRICT' WHEN 'n' THEN 'SET NULL' ELSE confdeltype::text END
                   AS on_delete
            FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] WHERE contype = 'f'
            """
        )
    }
    said = {("student", "id"): ("person", "RESTRICT")}
    assert database.apps is not None
    for model in database.apps["db"].values():
        for field in model._meta.fields_map.values():
            if isinstance(field, relational.ForeignKeyFieldInstance):
                other = field.related_model._meta.db_table
                said[model._meta.db_table, str(field.source_field)] = (other, field.on_delete.value)
    assert held == said
    assert len(said) > 15


async def test_migrating_twice_does_nothing_the_second_time(empty: str) -> None:
    async with connection.database(empty, everywhere=False):
        assert await connection.pending_migrations() == MIGRATIONS
        assert await connection.migrate() == MIGRATIONS
        assert await connection.pending_migrations() == []
        assert await connection.migrate() == []


async def test_four_processes_may_migrate_an_empty_database_at_once(empty: str) -> None:
    """One of them does it, and the others wait and find it done."""
    code = (
        "import asyncio, sys\n"
        "from db import connection\n"
        "async def migrate():\n"
        "    async with connection.database(sys.argv[1]):\n"
        "        print(*await connection.migrate())\n"
        "asyncio.run(migrate())\n"
    )
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, empty, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(4)
    ]
    said = [out.decode().split() for out, _ in await asyncio.gather(*(each.communicate() for each in processes))]
    assert [process.returncode for process in processes] == [0] * 4
    assert sorted(said) == [[], [], [], MIGRATIONS]
    async with connection.database(empty, everywhere=False):
        assert await connection.pending_migrations() == []


async def test_a_migration_that_fails_half_way_leaves_nothing_behind(empty: str) -> None:
    """Here the very last thing fails, the note that the last migration is done; mended, it goes through."""
    plain = await asyncpg.connect(empty)
    await plain.execute(
        "CREATE TABLE tortoise_migrations (id serial PRIMARY KEY, app text NOT NULL, name text NOT NULL, "
        "applied_at timestamptz NOT NULL, CONSTRAINT broken CHECK (name <> '0006_people_search'))"
    )
    async with connection.database(empty, everywhere=False):
        with pytest.raises(IntegrityError):
            await connection.migrate()
        assert await _tables(empty) == {"tortoise_migrations"}
        await plain.execute("ALTER TABLE tortoise_migrations DROP CONSTRAINT broken")
        assert await connection.migrate() == MIGRATIONS
    await plain.close()
    assert "account" in await _tables(empty)


async def test_the_application_does_not_start_on_a_database_that_lacks_migrations(
    settings: Settings, empty: str, clock: Clock
) -> None:
    """A pool of this process' own, so that it meets no other."""
    code = (
        "import asyncio, sys\n"
        "from app.asgi import create_app\n"
        "from app.problems import PlainProblem\n"
        "async def start():\n"
        "    app = create_app()\n"
        "    async with app.router.lifespan_context(app):\n"
        "        print('started')\n"
        "try:\n"
        "    asyncio.run(start())\n"
        "except PlainProblem as problem:\n"
        "    print(problem)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        cwd=REPOSITORY,
        env={"PORTAL_DATABASE_URL": empty, "PORTAL_VAR": str(settings.var), "PATH": ""},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert out.decode().strip() == "The database lacks 3 migration(s): run `portal migrate` first."


# ------------------------------------------------------------------------------------------------ connections
async def test_a_statement_that_takes_too_long_is_given_up(database_url: str) -> None:
    async with connection.database(database_url, statement_timeout_ms=250, everywhere=False):
        assert await sql.row("SHOW statement_timeout") == {"statement_timeout": "250ms"}
        with pytest.raises((asyncpg.QueryCanceledError, OperationalError)):
            await sql.rows("SELECT pg_sleep(30)")
        assert await sql.row("SELECT 1 AS one") == {"one": 1}


async def test_a_connection_is_set_as_it_should_be(database_url: str) -> None:
    async with connection.database(database_url, statement_timeout_ms=7000, everywhere=False):
        held = {
            row["name"]: row["setting"]
            for row in await sql.rows(
                "SELECT name, setting FROM pg_settings WHERE name IN ('statement_timeout', 'TimeZone', "
                "'idle_in_transaction_session_timeout', 'application_name')"
            )
        }
    assert held == {
        "statement_timeout": "7000",
        "idle_in_transaction_session_timeout": "14000",
        "TimeZone": "UTC",
        "application_name": "portal-access",
    }


async def test_migrating_leaves_the_timeout_as_it_was(empty: str) -> None:
    """Or the first connection of the pool would wait for ever from then on."""
    async with connection.database(empty, pool_size=1, statement_timeout_ms=9000, everywhere=False):
        await connection.migrate()
        assert await sql.row("SHOW statement_timeout") == {"statement_timeout": "9s"}


async def test_more_requests_than_connections_wait_their_turn(database_url: str) -> None:
    async with connection.database(database_url, pool_size=2, everywhere=False):
        answers = await asyncio.gather(*(sql.row("SELECT $1::int AS n", number) for number in range(50)))
    assert [answer["n"] for answer in answers if answer] == list(range(50))


async def test_two_applications_of_one_process_share_its_pool(settings: Settings, portal: Portal, clock: Clock) -> None:
    async with Portal(create_app(settings, clock=clock)) as second:
        assert await second.me() is None
    assert await portal.me() is None
    assert await Account.all().count() == 0


def test_the_problem_of_a_missing_database_names_no_password() -> None:
    address = connection.where("postgresql://portal:s3cret@db.example.org:5433/portal?sslmode=require")
    assert address == "db.example.org:5433/portal"
    with pytest.raises(connection.DatabaseUnreachable) as problem:
        connection._credentials("mysql://portal:s3cret@db/portal", pool_size=1, statement_timeout_ms=1000)
    assert "s3cret" not in str(problem.value)
    assert not issubclass(connection.DatabaseUnreachable, PlainProblem)

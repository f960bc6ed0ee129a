"""The database: models and migrations agree, several may migrate at once, and statements use their indexes in time."""

import ast
import asyncio
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import orjson
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
from db.queries import activation, attempts, portal, sessions
from tests.clients import Portal
from tests.conftest import Clock
from tests.servers import REPOSITORY

_serial = count(1)
MIGRATIONS = ["0001_people_and_access", "0002_constraints"]


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
    """Here the very last thing fails, the note that the second migration is done; mended, it goes through."""
    plain = await asyncpg.connect(empty)
    await plain.execute(
        "CREATE TABLE tortoise_migrations (id serial PRIMARY KEY, app text NOT NULL, name text NOT NULL, "
        "applied_at timestamptz NOT NULL, CONSTRAINT broken CHECK (name <> '0002_constraints'))"
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
    assert out.decode().strip() == "The database lacks 2 migration(s): run `portal migrate` first."


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


async def test_two_applications_of_one_process_share_its_pool(
    settings: Settings, portal: Portal, clock: Clock
) -> None:
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


# ------------------------------------------------------------------------------------------------ indexes
#: Four thousand families: enough that reading a whole table is never the cheaper way.
DISTRICT = """
INSERT INTO person (id, given, family) SELECT n, 'Given' || n, 'Family' || n FROM generate_series(1, 8000) n;
INSERT INTO school (id, name, phone) SELECT n, 'School ' || n, '555' FROM generate_series(1, 40) n;
INSERT INTO student (id, student_number, number_is_shared, ssn_state, birth_date)
    SELECT n, '00' || n, false, 'NOT_ON_FILE', '2013-04-09' FROM generate_series(1, 4000) n;
INSERT INTO enrolment (student_id, school_id) SELECT n, n % 40 + 1 FROM generate_series(1, 4000) n;
INSERT INTO guardianship (id, guardian_id, student_id, relationship, status, portal_access, adult_access, decided_by,
                          confirmed_at)
    SELECT n, 4000 + n, n, 'mother', 'CONFIRMED', true, false, 'ROSTER', now() FROM generate_series(1, 4000) n;
INSERT INTO restriction (guardianship_id, kind, begins_on, decided_by)
    SELECT n, 'no contact', '2026-01-01', 'REGISTRAR' FROM generate_series(1, 4000) n;
INSERT INTO account (id, person_id, capacity, status, must_change_password, username, username_folded, activated_at)
    SELECT n, n, CASE WHEN n <= 4000 THEN 'STUDENT' ELSE 'GUARDIAN' END, 'ACTIVE', false, 'user' || n, 'user' || n,
           now()
    FROM generate_series(1, 8000) n;
INSERT INTO role_assignment (person_id, role) SELECT n, 'registrar' FROM generate_series(1, 4000) n;
INSERT INTO activation_key (account_id, nonce, secret_version, digest, state, issued_at)
    SELECT n, substr(sha256(n::text::bytea), 1, 16), 1, sha256(n::text::bytea), 'CURRENT', now()
    FROM generate_series(1, 8000) n;
INSERT INTO device (id, account_id, digest, first_seen_at, last_seen_at, expires_at)
    SELECT n, n, sha256(n::text::bytea), now(), now(), now() FROM generate_series(1, 8000) n;
INSERT INTO session (id, account_id, device_id, digest, started_at, last_seen_at, expires_at)
    SELECT n, n, n, sha256(n::text::bytea), now(), now(), now() + interval '1 hour' FROM generate_series(1, 8000) n;
INSERT INTO grade (student_id, course, title, scored_on)
    SELECT n % 4000 + 1, 'Art', 'Piece', date '2020-01-01' + n / 40 FROM generate_series(1, 40000) n;
INSERT INTO attendance_event (student_id, school_id, happened_on, category)
    SELECT n % 4000 + 1, n % 40 + 1, date '2020-01-01' + n / 40, 'Tardy' FROM generate_series(1, 40000) n;
INSERT INTO attempt_budget (id, spent, ends_at)
    SELECT 'login:' || n, 1, now() + n * interval '1 minute' FROM generate_series(1, 8000) n;
INSERT INTO idempotent_answer (id, account_id, sealed, expires_at)
    SELECT n::text, n, '', now() + n * interval '1 minute' FROM generate_series(1, 4000) n;
ANALYZE;
"""

NOW, TODAY = datetime(2026, 10, 5, 17, tzinfo=UTC), date(2026, 10, 5)
DIGEST = b"d" * 32
#: What each named query is asked with.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "activation.STUDENT_AND_GUARDIANS": ("0017", TODAY),
    "activation.LOCK_ACCOUNT": (17,),
    "activation.CURRENT_KEY": (17,),
    "activation.KEY_BY_DIGEST": ([DIGEST],),
    "activation.LOCK_KEY": (17,),
    "activation.NAMES_AROUND": (4017,),
    "activation.ACCOUNT_WITH_USERNAME": ("user17",),
    "activation.IDEMPOTENT_ANSWER": ("17", NOW),
    "activation.SESSION_ID": (DIGEST,),
    "attempts.SPEND": (["login:17", "login:new"], [NOW, NOW], NOW),
    "attempts.REFUND": (["login:17", "login:18"],),
    "attempts.FORGET": (datetime(2020, 1, 1, tzinfo=UTC),),
    "portal.HOLDER": (17,),
    "portal.STUDENTS_OF_GUARDIAN": (4017, TODAY, None),
    "portal.STUDENT_SELF": (17, TODAY, None),
    "portal.GRADES": ([17, 18], TODAY, 5, 50),
    "portal.ATTENDANCE": ([17, 18], TODAY, 5, 50, None, None),
    "portal.GRADE": (17,),
    "portal.ATTENDANCE_EVENT": (17,),
    "portal.SCHOOL": (17,),
    "sessions.BY_TOKEN": (DIGEST, NOW, NOW, TODAY),
    "sessions.TOUCH": (17, NOW),
    "sessions.ACCOUNT_FOR_LOGIN": ("user17", DIGEST, NOW),
    "sessions.LOCK_ACCOUNT": (17,),
    "sessions.ROLES": (17, TODAY),
    "sessions.END_OTHERS": (17, 1, NOW, "PASSWORD_CHANGED"),
    "sessions.END_ONE": (17, 17, NOW, "LOGGED_OUT"),
    "sessions.LIVE": (17, NOW, NOW, None),
    "sessions.SCHOOL_CONTACTS": (4017, TODAY),
}
#: Parts of queries, whose comments hold for the queries made of them.
PART_OF = {"portal._STUDENT": "portal.STUDENTS_OF_GUARDIAN"}
#: Forty schools are read as a whole sooner than through an index.
SMALL = {"school"}
MODULES = (activation, attempts, portal, sessions)


def _queries() -> dict[str, str]:
    """The named queries by module and name."""
    return {
        f"{module.__name__.rsplit('.', maxsplit=1)[-1]}.{name}": text
        for module in MODULES
        for name, text in vars(module).items()
        if re.fullmatch(r"[A-Z][A-Z_]+", name) and isinstance(text, str) and name != "RESTRICTED"
    }


def _comments(module: ModuleType) -> Iterator[tuple[str, str]]:
    """The name of each module-level assignment, with the comment right above it."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            above: list[str] = []
            for line in reversed(lines[: node.lineno - 1]):
                if not line.startswith("#"):
                    break
                above.insert(0, line.lstrip("#: "))
            yield f"{module.__name__.rsplit('.', maxsplit=1)[-1]}.{node.targets[0].id}", " ".join(above)


@pytest.fixture
async def filled(database: TortoiseContext) -> None:
    await sql.connection().execute_script(DISTRICT)


async def _plan(query: str, arguments: tuple[Any, ...]) -> list[dict[str, Any]]:
    """All nodes of the plan that PostgreSQL makes."""
    row = await sql.row(f"EXPLAIN (FORMAT JSON) {query}", *arguments)
    assert row is not None
    nodes, waiting = [], [orjson.loads(row["QUERY PLAN"])[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        nodes.append(node)
    return nodes


def _indexes(nodes: list[dict[str, Any]]) -> set[str]:
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    return used.union(*(node.get("Conflict Arbiter Indexes", ()) for node in nodes))


def test_each_named_query_is_tried() -> None:
    assert set(ARGUMENTS) == set(_queries())


@pytest.mark.usefixtures("filled")
async def test_queries_use_the_indexes_that_their_comments_name_and_read_no_table_whole() -> None:
    known = {row["name"] for row in await sql.rows("SELECT indexname AS name FROM pg_indexes")}
    used: dict[str, set[str]] = {}
    for name, query in _queries().items():
        nodes = await _plan(query, ARGUMENTS[name])
        used[name] = _indexes(nodes)
        whole = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
        assert whole <= SMALL, f"{name} reads all of {whole}"
    said = 0
    for module in MODULES:
        for name, comment in _comments(module):
            named = {word for word in re.findall(r"\w+", comment.partition("Uses ")[2]) if word in known}
            if "Uses " in comment:
                assert named, f"The comment of {name} names no index that there is."
                assert named <= used[PART_OF.get(name, name)], name
                said += 1
    assert said >= 10

"""The operator's commands, as an operator runs them: what they do, what they say, and how they end."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from app.embedded import Cluster
from db.secrets import Keyring
from tests.command_line import portal, running
from tests.conftest import TEMPLATE
from tests.roster_sets import RosterFiles
from tests.servers import REPOSITORY

SECRET = "hunter2-which-must-not-be-shown"
Answer = subprocess.CompletedProcess[str]
NewDatabase = Callable[..., str]


@pytest.fixture(scope="module")
def new_database(cluster: Cluster, worker_id: str) -> Iterator[NewDatabase]:
    """Makes databases: up to date, or with nothing in them."""
    serial = count()
    made = []

    def make(*, migrated: bool = True) -> str:
        made.append(f"portal_cli_{worker_id}_{next(serial)}")
        cluster.create_database(made[-1], template=TEMPLATE if migrated else None)
        return cluster.url_for(made[-1])

    yield make
    for name in made:
        cluster.drop_database(name)


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    return new_database()


@pytest.fixture
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A way into the database that the commands of the test are given."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


def one_sentence(answer: Answer) -> str:
    """What was said instead of doing anything: a sentence for people on standard error, and exit code 1."""
    assert answer.returncode == 1, answer
    assert answer.stdout == ""
    (line,) = answer.stderr.splitlines()
    said = re.fullmatch(r"portal: ([A-Z].*\.)", line)
    assert said, line
    assert SECRET not in answer.stderr
    return said[1]


# ------------------------------------------------------------------------------------------------ secrets, help
def test_each_secret_that_is_made_can_be_used_and_is_made_once(tmp_path: Path) -> None:
    first, second = (portal(tmp_path, "secrets").stdout for _ in range(2))
    assert Keyring.parse(first).current == 1
    assert first != second
    assert list(tmp_path.iterdir()) == []


def test_the_commands_are_listed_and_an_unknown_one_is_told_from_a_failed_one(tmp_path: Path) -> None:
    helped = portal(tmp_path, "--help")
    assert helped.returncode == 0
    for command in ("serve", "journey", "migrate", "import", "reset", "secrets"):
        assert f" {command} " in helped.stdout
    misspelt = portal(tmp_path, "imprt")
    assert misspelt.returncode == 2
    assert "No such command" in misspelt.stderr


# ------------------------------------------------------------------------------------------------ migrate
async def test_migrating_twice_does_it_once(new_database: NewDatabase, tmp_path: Path) -> None:
    url = new_database(migrated=False)
    first = portal(tmp_path, "migrate", database_url=url)
    assert first.returncode == 0, first
    assert re.fullmatch(r"Applied: 0001_\w+(, \d{4}_\w+)+\.\n", first.stdout)
    again = portal(tmp_path, "migrate", database_url=url)
    assert (again.returncode, again.stdout, again.stderr) == (0, "The database is up to date.\n", "")
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT count(*) FROM account") == 0
    await connection.close()


# ------------------------------------------------------------------------------------------------ import
async def test_a_roster_is_planned_then_brought_in_and_then_there_is_nothing_left_to_do(
    url: str, connected: asyncpg.Connection, keys_text: str, tmp_path: Path
) -> None:
    files = RosterFiles()
    files.raw["notes.csv"] = b"about\r\nnothing\r\n"
    files.user("tom")["status"] = "tobedeleted"
    roster = files.zip(tmp_path / "roster.zip")
    people = "SELECT count(*) FROM person"

    planned = portal(tmp_path, "import", "--plan", roster, database_url=url, secrets=keys_text)
    assert (planned.returncode, planned.stderr) == (0, ""), planned
    assert "Nothing was changed: this is what an import would do." in planned.stdout
    assert re.search(r"│ people +│ 6 +│ 0 +│", planned.stdout)
    assert await connected.fetchval(people) == 0

    done = portal(tmp_path, "import", roster, database_url=url, secrets=keys_text)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.endswith("Done.\n")
    assert "Read over, because nothing here uses them: notes.csv." in done.stdout
    assert "Rows left out, because their status says that they no longer count: 1." in done.stdout
    assert "2 on file, 1 unusable, 0 not on file" in done.stdout
    assert await connected.fetchval(people) == 6

    again = portal(tmp_path, "import", "--json", roster, database_url=url, secrets=keys_text)
    assert (again.returncode, again.stderr) == (0, ""), again
    result = json.loads(again.stdout)
    assert result["applied"] is True
    assert {(count["added"], count["changed"], count["ended"]) for count in result["counts"].values()} == {(0, 0, 0)}
    assert result["counts"]["people"]["unchanged"] == 6


async def test_a_set_that_is_not_good_enough_is_told_row_by_row_and_nothing_is_imported(
    url: str, connected: asyncpg.Connection, keys_text: str, tmp_path: Path
) -> None:
    files = RosterFiles()
    files.user("ben")["familyName"] = ""
    files.user("tom")["email"] = "tom at school"
    roster = files.folder(tmp_path / "roster")
    told = portal(tmp_path, "import", roster, database_url=url, secrets=keys_text)
    assert (told.returncode, told.stderr) == (1, "")
    assert told.stdout.splitlines() == [
        "error: users.csv, row 3, column familyName: The cell is blank. Every row needs it: fill it in at the source.",
        "warning: users.csv, row 8, column email: This is not an e-mail address. It was left out. "
        "Correct it at the source.",
        "Nothing was imported.",
    ]
    machine = portal(tmp_path, "import", "--json", roster, database_url=url, secrets=keys_text)
    assert (machine.returncode, machine.stderr) == (1, "")
    result = json.loads(machine.stdout)
    assert result["applied"] is False
    assert [(one["code"], one["severity"], one["row"]) for one in result["problems"]] == [
        ("blank", "error", 3),
        ("bad-email", "warning", 8),
    ]
    nowhere = portal(tmp_path, "import", tmp_path / "no-such-set", database_url=url, secrets=keys_text)
    assert nowhere.returncode == 1
    assert nowhere.stdout.startswith("error: no-such-set: There is no such folder or file.")
    assert await connected.fetchval("SELECT count(*) FROM person") == 0
    assert await connected.fetchval("SELECT count(*) FROM trail_entry WHERE refusal = 'ROSTER_REFUSED'") == 3


async def test_whoever_runs_the_import_chooses_what_becomes_of_shared_numbers(
    url: str, connected: asyncpg.Connection, keys_text: str, tmp_path: Path
) -> None:
    files = RosterFiles()
    files.user("ben")["identifier"] = files.user("ana")["identifier"]
    roster = files.folder(tmp_path / "roster")
    refused = portal(tmp_path, "import", roster, database_url=url, secrets=keys_text)
    assert refused.returncode == 1
    for row, other in ((2, 3), (3, 2)):
        place = f"error: users.csv, row {row}, column identifier: The student number is also in row {other}."
        assert place in refused.stdout
    assert await connected.fetchval("SELECT count(*) FROM student") == 0
    taken = portal(*(tmp_path, "import", "--shared-numbers", "set-apart", roster), database_url=url, secrets=keys_text)
    assert taken.returncode == 0, taken
    assert "warning: users.csv, row 2, column identifier: The student number is also in row 3." in taken.stdout
    assert await connected.fetchval("SELECT count(*) FROM student WHERE number_is_shared") == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"])
async def test_an_import_that_is_cut_short_ends_as_a_failure_and_has_changed_nothing(
    url: str, connected: asyncpg.Connection, tmp_path: Path, *, number: signal.Signals, code: int
) -> None:
    roster = RosterFiles().folder(tmp_path / "roster")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with running(tmp_path / "run", "import", roster, database_url=url) as command:
        async with connected.transaction():
            await connected.execute("LOCK TABLE person IN ACCESS EXCLUSIVE MODE")
            while not await connected.fetchval(waiting):
                assert command.process.poll() is None, command.errors
                await connected.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.01)")
            assert command.told(number) == code
        assert "Traceback" not in command.errors
    assert await connected.fetchval("SELECT count(*) FROM school") == 0


# ------------------------------------------------------------------------------------------------ what keeps it from
def test_a_port_that_is_taken(url: str, keys_text: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = portal(tmp_path, "serve", port=str(port), database_url=url, secrets=keys_text)
    said = f"Port {port} on 127.0.0.1 cannot be used: Address already in use. Set PORTAL_PORT to another one."
    assert one_sentence(answer) == said


def test_an_address_that_is_not_of_this_machine(url: str, keys_text: str, tmp_path: Path) -> None:
    answer = portal(tmp_path, "serve", host="192.0.2.1", port="0", database_url=url, secrets=keys_text)
    assert re.fullmatch(
        r"Port 0 on 192\.0\.2\.1 cannot be used: .*\. Set PORTAL_HOST to another one\.", one_sentence(answer)
    )


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("in the way")
    said = "The folder var cannot be made: a file has that name. See PORTAL_VAR."
    assert one_sentence(portal(tmp_path, "serve", port="0")) == said


@pytest.mark.parametrize(
    "arguments", [("serve",), ("migrate",), ("import", "roster.zip")], ids=lambda arguments: str(arguments[0])
)
def test_a_database_that_is_not_there(tmp_path: Path, keys_text: str, arguments: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    url = f"postgresql://portal:{SECRET}@127.0.0.1:{port}/district"
    answer = portal(tmp_path, *arguments, database_url=url, secrets=keys_text, port="0")
    assert one_sentence(answer) == f"The database at 127.0.0.1:{port}/district cannot be reached: Connection refused."


def test_a_database_that_does_not_exist_on_its_server(url: str, tmp_path: Path) -> None:
    answer = portal(tmp_path, "migrate", database_url=re.sub(r"portal_cli_\w+", "no_such", url))
    assert one_sentence(answer).endswith('/no_such cannot be reached: database "no_such" does not exist.')


def test_a_malformed_database_address(tmp_path: Path) -> None:
    said = "PORTAL_DATABASE_URL is not right: it must look like postgresql://user:password@host:5432/name."
    assert one_sentence(portal(tmp_path, "migrate", database_url=f"postgresql://portal:{SECRET}@h:p/d")) == said


def test_a_malformed_secret(url: str, tmp_path: Path) -> None:
    said = one_sentence(portal(tmp_path, "serve", database_url=url, secrets=f"1:{SECRET}", port="0"))
    assert said == "PORTAL_SECRETS is not right: Secret number 1 is shorter than 32 bytes."


def test_a_value_that_cannot_be_used(tmp_path: Path) -> None:
    assert (
        one_sentence(portal(tmp_path, "serve", port="http")) == "PORTAL_PORT is not right: it must be a valid integer."
    )


def test_production_without_what_it_needs(tmp_path: Path) -> None:
    said = "In production, set PORTAL_SECRETS, PORTAL_DATABASE_URL and PORTAL_PUBLIC_URL first."
    assert one_sentence(portal(tmp_path, "serve", environment="production")) == said
    assert list(tmp_path.iterdir()) == []


async def test_production_does_not_change_the_database_by_itself(
    new_database: NewDatabase, keys_text: str, tmp_path: Path
) -> None:
    url = new_database(migrated=False)
    settings = {
        "environment": "production",
        "database_url": url,
        "secrets": keys_text,
        "public_url": "https://p.example",
    }
    served = portal(tmp_path, "serve", port="0", **settings)
    assert re.fullmatch(r"The database lacks \d+ migration\(s\): run `portal migrate` first\.", one_sentence(served))
    roster = RosterFiles().folder(tmp_path / "roster")
    imported = portal(tmp_path, "import", roster, **settings)
    assert one_sentence(imported) == "The database is not up to date: run `portal migrate` first."
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await connection.close()


def test_a_secret_that_rows_were_made_under_and_that_is_gone(url: str, keys_text: str, tmp_path: Path) -> None:
    roster = RosterFiles().folder(tmp_path / "roster")
    assert portal(tmp_path, "import", roster, database_url=url, secrets=keys_text).returncode == 0
    other = Keyring.generate().replace("1:", "2:")
    answer = portal(tmp_path, "serve", database_url=url, secrets=other, port="0")
    said = "The database was filled under secret version 1, which is not among the secrets."
    assert one_sentence(answer) == said


async def test_another_secret_under_the_same_version(url: str, keys_text: str, tmp_path: Path) -> None:
    roster = RosterFiles().folder(tmp_path / "roster")
    assert portal(tmp_path, "import", roster, database_url=url, secrets=keys_text).returncode == 0
    keys, nonce = Keyring.parse(keys_text), bytes(range(16))
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO activation_key (account_id, nonce, secret_version, digest, state, issued_at) "
        "SELECT min(id), $1, 1, $2, 'REPLACED', now() FROM account",
        nonce,
        keys.key_digest(keys.activation_key(nonce, 1), 1),
    )
    await connection.close()
    said = "The database was filled under another secret than the one that now is version 1."
    for command in (["serve"], ["import", roster]):
        answer = portal(tmp_path, *command, database_url=url, secrets=Keyring.generate(), port="0")
        assert one_sentence(answer) == said
    assert portal(tmp_path, "import", roster, database_url=url, secrets=keys_text).returncode == 0


def test_a_database_that_is_not_ours_to_empty(url: str, tmp_path: Path) -> None:
    said = "Only the embedded development database can be reset; yours is named by PORTAL_DATABASE_URL."
    assert one_sentence(portal(tmp_path, "reset", database_url=url)) == said


def test_a_journey_to_a_server_that_is_not_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    assert one_sentence(portal(tmp_path, "journey", "--url", address)) == f"No server answers at {address}."


# ------------------------------------------------------------------------------------------------ make
def test_make_says_which_python_it_needs_and_begins_nothing(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    old = tmp_path / "python3.8"
    pretend = 'import sys; sys.version_info = (3, 8, 10); sys.version = "3.8.10 (default)"; exec(sys.argv[1])'
    old.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{pretend}' \"$2\"\n")
    old.chmod(0o755)
    # As typed by hand, even where the tests themselves were started by make.
    by_hand = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    made = subprocess.run(
        ["make", "serve", f"PYTHON={old}"],
        cwd=tmp_path,
        env=by_hand,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 2
    assert made.stdout == ""
    said, *rest = made.stderr.splitlines()
    assert said.startswith("Portal Access needs Python 3.11 or newer; this is 3.8.10.")
    assert all(line.startswith("make: ") for line in rest)
    assert not (tmp_path / ".venv").exists()

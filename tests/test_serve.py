"""`portal serve` on a machine with nothing but Python: a demo district to try, and nothing left when it ends."""

import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from app.demo import PASSWORD
from app.embedded_programs import wheel_folders
from db.context import Role
from tests import documents
from tests.command_line import Running, clear_away, processes_in, running

READY = "Ctrl-C stops the server and its database."
Permissions = dict[Path, tuple[int, int, int]]


def address_in(said: str) -> str:
    (found,) = re.findall(r"^Portal Access is running: (http://\S+)/graphql$", said, re.MULTILINE)
    return str(found)


def facts_in(said: str) -> dict[str, Any]:
    """What was printed for a newcomer to try, as the input of a request for a key."""

    def fact(label: str) -> str:
        (found,) = re.findall(rf"^    {label} {{2,}}(\S.*)$", said, re.MULTILINE)
        return str(found)

    given, _, family = fact("guardian").rpartition(" ")
    proofs = {
        "studentNumber": fact("student number"),
        "studentBirthDate": fact("birth date"),
        "studentSsn": fact("SSN"),
    }
    return proofs | {"guardianName": {"given": given, "family": family}}


def send(address: str, document: str, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
    answer = httpx.post(
        f"{address}/graphql", json={"query": document, "variables": {"input": input}}, timeout=60
    ).json()
    (result,) = answer["data"].values()
    found: dict[str, Any] = result
    return found


def key_for(said: str) -> str:
    """The key of record of the guardian whose facts were printed."""
    issued = send(address_in(said), documents.REQUEST_KEY, facts_in(said))
    assert issued["__typename"] == "ActivationKeyIssued", issued
    return str(issued["key"])


def permissions(*paths: Path) -> Permissions:
    return {path: ((found := path.stat()).st_mode, found.st_uid, found.st_gid) for path in paths}


@dataclass(frozen=True)
class FirstStart:
    """What the first start in an empty folder came to."""

    folder: Path
    said: str
    errors: str
    key: str
    logins: dict[str, str]
    processes: set[int]
    left: set[int]
    exit_code: int
    before: Permissions
    after: Permissions


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstStart]:
    """The portal was started in an empty, private folder, tried as the printed text says, and stopped with Ctrl-C."""
    folder = tmp_path_factory.mktemp("private") / "district"
    folder.mkdir()
    folder.parent.chmod(0o700)
    wheel, libraries = wheel_folders()
    watched = {folder, *folder.parents, Path(sys.prefix), wheel, libraries, *wheel.parents, *(wheel / "bin").iterdir()}
    before = permissions(*watched)
    try:
        with running(folder, "serve", port="0") as server:
            said = server.says(READY)
            accounts = re.findall(r"^    (demo\.\w+) +(\S.*)$", said, re.MULTILINE)
            logins = {}
            for username, password in accounts:
                answer = send(address_in(said), documents.LOGIN, {"username": username, "password": password})
                logins[username] = answer["__typename"]
            key = key_for(said)
            processes = processes_in(folder)
            code = server.told(signal.SIGINT)
            yield FirstStart(
                *(folder, said, server.errors, key, logins, processes, processes_in(folder), code, before),
                after=permissions(*watched),
            )
    finally:
        clear_away(folder)


def test_the_first_start_makes_a_district_and_says_what_to_try(first: FirstStart) -> None:
    assert first.said.startswith("The database is empty: making a demo district of about 300 students.\n")
    assert first.said.rstrip().endswith(READY)
    assert "`make journey`" in first.said


def test_every_printed_account_can_be_logged_in_to(first: FirstStart) -> None:
    roles = {role.value for role in Role} - {Role.STUDENT.value}
    assert first.logins == {f"demo.{role}": "LoggedIn" for role in roles}
    assert first.said.count(PASSWORD) == len(roles)


def test_the_printed_facts_open_the_way_to_a_key(first: FirstStart) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", first.key)


def test_ctrl_c_ends_everything_that_was_started(first: FirstStart) -> None:
    assert first.exit_code == 0
    # The portal and PostgreSQL with its helpers.
    assert len(first.processes) > 2
    assert first.left == set()
    assert "Traceback" not in first.errors


def test_what_is_secret_is_for_the_owner_alone(first: FirstStart) -> None:
    assert (first.folder / "var" / "secrets").stat().st_mode & 0o777 == 0o600
    assert (first.folder / "var" / "demo" / "facts.json").stat().st_mode & 0o777 == 0o600


def test_no_folder_above_and_no_installed_program_changes_owner_or_permissions(first: FirstStart) -> None:
    assert first.before[first.folder.parent][0] & 0o777 == 0o700
    assert first.after == first.before


def test_the_next_start_finds_everything_as_it_was(first: FirstStart) -> None:
    with running(first.folder, "serve", port="0") as server:
        said = server.says(READY)
        assert "The database is empty" not in said
        assert facts_in(said) == facts_in(first.said)
        assert key_for(said) == first.key
        assert server.told(signal.SIGTERM) == 0
    assert processes_in(first.folder) == set()


def answering(server: Running) -> set[int]:
    """The worker processes, once all of them have begun."""
    return {
        child.pid for child in psutil.Process(server.process.pid).children() if "spawn_main" in str(child.cmdline())
    }


def test_two_workers_end_together_by_ctrl_c_in_their_terminal(first: FirstStart) -> None:
    with running(first.folder, "serve", port="0", workers="2") as server:
        assert key_for(server.says(READY)) == first.key
        assert len(answering(server)) == 2
        # A terminal tells every process in it.
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(timeout=60) == 0
        assert "Traceback" not in server.errors
    assert processes_in(first.folder) == set()


def test_after_a_kill_the_next_start_takes_over(first: FirstStart) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with running(first.folder, "serve", port=port, workers="2") as server:
        server.says(READY)
        workers = [psutil.Process(worker) for worker in answering(server)]
        server.told(signal.SIGKILL)
        # They see for themselves that nobody is left to stop them.
        assert psutil.wait_procs(workers, timeout=60)[1] == []
    left = processes_in(first.folder)
    with running(first.folder, "serve", port=port) as server:
        assert key_for(server.says(READY)) == first.key
        # The database that the killed one left behind was joined, and not started again.
        assert left
        assert left <= processes_in(first.folder)
        assert server.told(signal.SIGINT) == 0
    assert processes_in(first.folder) == set()

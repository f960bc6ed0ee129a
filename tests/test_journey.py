"""`portal journey`: what a newcomer sees first works, with or without a server, and again and again."""

import json
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.story import OPERATIONS
from tests.command_line import clear_away, portal, processes_in, running
from tests.servers import Server

READY = "Ctrl-C stops the server and its database."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A newcomer's folder; whichever test comes first makes the demo district in it."""
    folder = tmp_path_factory.mktemp("newcomer")
    yield folder
    clear_away(folder)


@pytest.fixture
def port() -> str:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


def walker(said: str) -> str:
    """Whose journey it was, as the last lines of its parts tell."""
    opened = re.search(r"^(.+) has an account and has read the grades of .+\.$", said, re.MULTILINE)
    helped = re.search(r"^(.+) was verified, helped, and knows about it\.$", said, re.MULTILINE)
    back = re.fullmatch(r"(.+) is back, with a letter's help, and nobody was called\.", said.splitlines()[-1])
    assert re.search(r"^.+ came to the counter, and is put right about .+\.$", said, re.MULTILINE), said[-2000:]
    assert re.search(r"^The school has \d+ students' accounts, and \d+ wait for their key\.$", said, re.MULTILINE)
    assert opened, said[-2000:]
    assert helped, said[-2000:]
    assert back, said[-2000:]
    assert opened[1] == helped[1] == back[1]
    return opened[1]


def test_a_journey_starts_a_server_walks_to_the_grades_and_leaves_nothing_running(folder: Path, port: str) -> None:
    told = portal(folder, "journey", port=port)
    assert told.returncode == 0, told
    assert told.stderr == ""
    assert told.stdout.startswith("No server is running: starting one for this journey.\n")
    assert walker(told.stdout)
    assert processes_in(folder) == set()


def test_a_journey_tells_each_operation_with_its_variables_and_its_answer(folder: Path, port: str) -> None:
    said = portal(folder, "journey", port=port).stdout
    chapters = re.split(r"^\d+\. .+\n(?:.+\n)*\n", said, flags=re.MULTILINE)[1:]
    assert len(chapters) == int(re.findall(r"^(\d+)\. ", said, re.MULTILINE)[-1]) >= 9
    operations = [path.read_text(encoding="utf-8").strip() for path in OPERATIONS.glob("*.graphql")]
    for chapter in chapters:
        document, _, answer = chapter.partition("\nanswer\n")
        assert any(squeezed(document).startswith(squeezed(operation)) for operation in operations), document
        assert '"data"' in answer
    answers = re.findall(r'"__typename": "(\w+)"', said)
    journey = [
        *("ActivationKeyIssued", "ActivationKeyGood", "AccountActivated", "KeyNotAccepted", "WrongCredentials"),
        *("LoggedIn", "LoggedOut"),
        *("LoggedIn", "VerificationStarted", "VerificationFailed", "VerificationPassed", "AccountReset", "NotAllowed"),
        *("PasswordChanged", "LoggedIn"),
        *("LoggedIn", "GuardianshipChanged", "GuardianshipChanged", "ActivationKeyIssued", "AccountActivated"),
        *("LoggedIn", "Report", "Report"),
        *("LogOnLetterAskedFor", "LogOnLetterAskedFor", "PasswordChanged", "TokenNotAccepted", "LoggedIn"),
    ]
    assert [answer for answer in answers if answer != "AlreadyActivated"] == journey
    assert json.dumps({"data": {"me": None}}, indent=2) in said


def squeezed(text: str) -> str:
    """Without line breaks and blanks, which follow the width of the page."""
    return re.sub(r"\s", "", text)


def test_a_journey_uses_the_server_that_runs_and_each_one_takes_another_family(folder: Path, port: str) -> None:
    with running(folder, "serve", port=port) as server:
        first_to_try = printed_guardian(server.says(READY))
        one = portal(folder, "journey", port=port)
        two = portal(folder, "journey", "--url", f"http://127.0.0.1:{port}", port=port)
        assert (one.returncode, two.returncode) == (0, 0), (one, two)
        assert "starting one" not in one.stdout + two.stdout
        assert walker(one.stdout) == first_to_try
        assert walker(two.stdout) != walker(one.stdout)
        assert server.process.poll() is None
        assert server.told(signal.SIGTERM) == 0
    with running(folder, "serve", port=port) as server:
        assert printed_guardian(server.says(READY)) not in {walker(one.stdout), walker(two.stdout)}
        in_use = portal(folder, "reset")
        assert (in_use.returncode, in_use.stderr) == (1, "portal: The database is in use: stop the server first.\n")
        assert server.told(signal.SIGTERM) == 0
    assert processes_in(folder) == set()


def printed_guardian(said: str) -> str:
    (found,) = re.findall(r"^    guardian {2,}(\S.*)$", said, re.MULTILINE)
    return str(found)


def test_an_emptied_database_gets_a_new_district(folder: Path, port: str) -> None:
    for kept in ("demo", "mail"):
        (folder / "var" / kept).mkdir(parents=True, exist_ok=True)
    emptied = portal(folder, "reset")
    assert (emptied.returncode, emptied.stdout, emptied.stderr) == (0, "The development database is empty.\n", "")
    assert not (folder / "var" / "demo").exists()
    assert not (folder / "var" / "mail").exists()
    with running(folder, "serve", port=port) as server:
        assert server.says(READY).startswith("The database is empty: making a demo district")
        assert server.told(signal.SIGTERM) == 0


def test_a_journey_needs_the_facts_of_a_demo_district(tmp_path: Path, database_url: str, keys_text: str) -> None:
    with Server(database_url, keys_text, tmp_path / "server") as server:
        told = portal(tmp_path, "journey", "--url", server.ready().url)
    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr.startswith("portal: There is no demo district to walk through: run `make serve` here first")

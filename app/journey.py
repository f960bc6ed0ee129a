"""`portal journey`: a key, the child's grades, the desks of designee and registrar, a forgotten log-on, as a story."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
from rich.console import Console
from rich.rule import Rule

from app.demo import read_facts
from app.journey_desk import designees_way
from app.journey_letters import letters_way
from app.journey_registrar import registrars_way
from app.journey_reports import reports_way
from app.problems import PlainProblem
from app.settings import Settings
from app.story import Answer, Story, expect

START_SECONDS = 180
_PASSWORD = "harbor tulip seventeen lamps"


def walk(settings: Settings, url: str | None) -> None:
    """Walks the way against the server at `url`, at PORTAL_HOST and PORTAL_PORT, or one that is started for it.

    Raises:
        PlainProblem: when there is no server, no demo district, or an answer that is none.
    """
    console = Console(highlight=False)
    with _server(settings, url, console) as address, httpx.Client(base_url=address, timeout=60) as http:
        facts = read_facts(settings)
        if facts is None:
            raise PlainProblem(
                "There is no demo district to walk through: run `make serve` here first, "
                "or `make reset` before it where its first start was cut short."
            )
        story = Story(http, console)
        family, username = _guardians_way(story, facts)
        designees_way(story, facts, family, username)
        registrars_way(story, facts)
        reports_way(story, facts)
        letters_way(story, family, settings.var / "mail")


def _guardians_way(story: Story, facts: Answer) -> tuple[Answer, str]:
    """From a key to the grades; returns the family and the username that its guardian chose."""
    family, key = _first_key(story, facts["families"])
    good = story.tell(
        f"{family['given']} checks the key: nothing is used up by it.", "check-activation-key", {"input": {"key": key}}
    )
    expect(good, "ActivationKeyGood")
    username = f"{family['given']}.{uuid4().hex[:6]}".lower().replace(" ", "").replace("'", "")
    choice = {"key": key, "username": username, "password": _PASSWORD, "verifyPassword": _PASSWORD}
    opened = story.tell(
        "The key opens the account. Account, first session and welcome letter: all or nothing.",
        "activate",
        {"input": {**choice, "idempotencyKey": str(uuid4())}},
    )
    expect(opened, "AccountActivated")
    again = story.tell("The key works once.", "check-activation-key", {"input": {"key": key}})
    expect(again, "KeyNotAccepted")
    wrong = story.tell(
        "Another day: a wrong password. An unknown username gets the same answer, in the same time.",
        "login",
        {"input": {"username": username, "password": "not the password"}},
    )
    expect(wrong, "WrongCredentials")
    signed_in = story.tell("The right one.", "login", {"input": {"username": username, "password": _PASSWORD}})
    expect(signed_in, "LoggedIn")
    story.token = signed_in["session"]["token"]
    me = story.tell("The session's token lets a parent read the own child's grades and attendance.", "me")
    if not me["students"] or not me["students"][0]["grades"]["edges"]:
        raise PlainProblem("The guardian sees no grades; the demo district should have some.")
    expect(story.tell("Signing out.", "logout"), "LoggedOut")
    gone = story.tell("The next request says so.", "me-name")
    if gone:
        raise PlainProblem("The session still works after signing out.")
    story.console.print(Rule(style="dim"))
    child = me["students"][0]["name"]["display"]
    story.console.print(f"{family['given']} {family['family']} has an account and has read the grades of {child}.")
    return family, username


def _first_key(story: Story, families: list[Answer]) -> tuple[Answer, str]:
    """The first family of the demo district that has no account yet, and its key."""
    for family in families:
        proofs = {
            "studentNumber": family["student_number"],
            "studentBirthDate": family["student_birth_date"],
            "studentSsn": family["student_ssn"],
            "guardianName": {"given": family["given"], "family": family["family"]},
        }
        who = f"{family['given']} {family['family']}, guardian of {family['student_name']}"
        issued = story.tell(f"{who}, asks for an activation key.", "request-activation-key", {"input": proofs})
        if issued["__typename"] == "ActivationKeyIssued":
            return family, issued["key"]
        if issued["__typename"] != "AlreadyActivated":
            raise PlainProblem(f"No key: {issued['message']}")
    raise PlainProblem("Every family of the demo district has an account: `make reset` makes a new district.")


@contextmanager
def _server(settings: Settings, url: str | None, console: Console) -> Iterator[str]:
    """The address of a server that answers; one that is started here also ends here."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = url or f"http://{host}:{settings.port}"
    if _answers(address):
        yield address
        return
    if url:
        raise PlainProblem(f"No server answers at {url}.")
    console.print("No server is running: starting one for this journey.", style="dim")
    with socket.socket() as free:
        free.bind((settings.host, 0))
        port = free.getsockname()[1]
    address = f"http://{host}:{port}"
    environment = {**os.environ, "PORTAL_PORT": str(port), "PORTAL_LOG_LEVEL": "warning"}
    child = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve"],
        env=environment,
        stdout=subprocess.DEVNULL,
        cwd=Path.cwd(),
    )
    try:
        _wait(child, address)
        yield address
    finally:
        child.terminate()
        child.wait(timeout=60)


def _wait(child: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(address):
        if child.poll() is not None:
            raise PlainProblem("The server did not start; the lines above say why.")
        if time.monotonic() > deadline:
            raise PlainProblem(f"The server did not answer within {START_SECONDS} seconds.")
        time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False

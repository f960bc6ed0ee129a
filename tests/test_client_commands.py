"""`portal client`: programs let in, given another key, shut out and listed, as the operator does and they notice it."""

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.asgi import create_app
from app.cli_client import Kind
from app.settings import Settings
from db.context import Role
from db.models import ClientKey, ClientKind, School, ServiceClient, TrailEntry
from db.secrets import is_client_id, is_client_key, token_digest
from policies.service_clients import ROLES, OriginRefused, origin_of
from resolvers.client_desk import (
    LONGEST_NAME,
    ClientProblem,
    WantedClient,
    add_client,
    clients,
    revoke_client,
    rotate_key,
)
from tests.clients import Portal
from tests.command_line import portal as command
from tests.district import District
from tests.test_cli import one_sentence
from tests.test_staff_cli import done

Answer = subprocess.CompletedProcess[str]
Client = Callable[..., Answer]
KEY = re.compile(r"^Key: (\S+)$", re.MULTILINE)
ID = re.compile(r"^Id: (\S+)$", re.MULTILINE)


@pytest.fixture
def client(district: District, database_url: str, keys_text: str, tmp_path: Path) -> Client:
    """Runs `portal client …` on the test's district."""

    def run(*arguments: str) -> Answer:
        return command(tmp_path, "client", *arguments, database_url=database_url, secrets=keys_text)

    return run


@pytest.fixture
async def today(district: District, settings: Settings) -> AsyncIterator[Portal]:
    """The portal at the time at which commands run."""
    async with Portal(create_app(settings)) as portal:
        yield portal


async def status(portal: Portal, **headers: str) -> int:
    """With which status a request with these headers is answered; a line for a dash."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await portal.http.post("/graphql", json={"query": "{ me { roles } }"}, headers=named)
    return answer.status_code


# ------------------------------------------------------------------------------------------------ the life of a client
async def test_a_reporting_client_from_its_first_key_to_its_end(client: Client, today: Portal) -> None:
    said = done(client("add", "Nightly  report", "--kind", "reporting", "--expires-days", "365"))
    assert said.startswith("Nightly report is let in: reporting, reporter, the whole district.\n")
    [first] = KEY.findall(said)
    assert is_client_key(first)
    assert await status(today, Authorization=f"Bearer {first}") == 200
    kept = await ClientKey.get()
    assert (bytes(kept.digest), kept.beginning) == (token_digest(first), first[:10])
    assert kept.expires_at == kept.issued_at + timedelta(days=365)

    said = done(client("rotate", "nightly report"))
    [second] = KEY.findall(said)
    until = (datetime.now(UTC) + timedelta(days=7)).date()
    assert re.search(r"The key before it is good until (\S+) ", said)
    assert (await ClientKey.get(beginning=first[:10])).expires_at.date() == until  # type: ignore[union-attr]  # set
    for key in (first, second):
        assert await status(today, Authorization=f"Bearer {key}") == 200

    said = done(client("rotate", "Nightly report", "--now", "--expires-days", "30"))
    [third] = KEY.findall(said)
    assert said.endswith("No other key of it is good any more.\n")
    assert [await status(today, Authorization=f"Bearer {key}") for key in (first, second, third)] == [401, 401, 200]

    said = done(client("revoke", "Nightly report"))
    assert said.startswith("Nightly report is revoked: ")
    assert await status(today, Authorization=f"Bearer {third}") == 401
    day = f"{(await ServiceClient.get()).revoked_at:%Y-%m-%d}"
    assert one_sentence(client("revoke", "Nightly report")) == f"Nightly report was revoked on {day} already."
    assert one_sentence(client("add", "NIGHTLY REPORT", "--kind", "reporting")) == (
        f"The name 'Nightly report' is taken by one that was revoked on {day}: choose another name."
    )

    entries = await TrailEntry.all().order_by("id")
    assert [entry.step for entry in entries] == ["client:add", "client:rotate", "client:rotate", "client:revoke"]
    assert [entry.details.get("key") for entry in entries] == [first[:10], second[:10], third[:10], None]
    assert {(entry.actor_person_id, entry.address, entry.outcome) for entry in entries} == {
        (None, "command line", "DONE")
    }
    told = repr([list(row.items()) for row in await TrailEntry.all().values()])
    assert not [key for key in (first, second, third) if key in told]


async def test_the_list_tells_one_key_from_another_and_shows_none(client: Client, today: Portal) -> None:
    await School.create(name="Lakeside Middle School", source_id="s-1")
    tool = ("--kind", "designee-tool", "--role", "registrar", "--role", "designee", "--school", "s-1")
    [key] = KEY.findall(done(client("add", "Front [office]", *tool)))
    origins = ("--origin", "https://Families.example.org:443", "--origin", "http://localhost:5173")
    said = done(client("add", "Families", "--kind", "portal-front-end", *origins))
    assert not KEY.findall(said)
    [public_id] = ID.findall(said)
    assert is_client_id(public_id)
    assert await status(today, Portal_Client=key) == 200
    assert await status(today, Portal_Client=public_id, Origin="https://families.example.org") == 200

    table = done(client("list"))
    for word in ("Front [office]", "designee, registrar", "Lakeside Middle School", f"{key[:10]}…", public_id, "live"):
        assert word in table
    assert key not in table
    listed = json.loads(done(client("list", "--json")))
    assert [one["name"] for one in listed] == ["Families", "Front [office]"]
    families, office = listed
    assert families["origins"] == ["https://families.example.org", "http://localhost:5173"]
    assert (families["id"], families["keys"], families["schools"]) == (public_id, [], None)
    assert (office["kind"], office["roles"], office["schools"]) == (
        "designee-tool",
        ["designee", "registrar"],
        ["Lakeside Middle School"],
    )
    [shown] = office["keys"]
    assert (shown["beginning"], shown["good"], shown["expires_at"]) == (key[:10], True, None)
    assert shown["last_used_at"] is not None
    assert key not in json.dumps(listed)


# ------------------------------------------------------------------------------------------------ what cannot be done
async def test_what_cannot_be_done_is_said_in_one_sentence_and_changes_nothing(client: Client) -> None:
    front_end = ("add", "A", "--kind", "portal-front-end")
    assert one_sentence(client(*front_end, "--origin", "http://portal.example.org")) == (
        "The origin 'http://portal.example.org' must begin with https: only one on this machine need not."
    )
    assert one_sentence(client("add", "A", "--kind", "reporting", "--school", "Nowhere")) == (
        "No school is called 'Nowhere'. There are: none on record."
    )
    assert await ServiceClient.all().count() == await TrailEntry.all().count() == 0
    assert client("add", "A", "--kind", "reporting", "--expires-days", "0").returncode == 2


async def test_of_a_client_that_there_is_not_nothing_can_be_changed_and_those_that_there_are_are_named(
    district: District,
) -> None:
    ctx, none = district.ctx, timedelta()
    with pytest.raises(ClientProblem, match=r"^No client is called 'B'. There are: none\.$"):
        await revoke_client(ctx, "B")
    for name in ("A", "Z"):
        await add_client(ctx, WantedClient(name, ClientKind.PORTAL_FRONT_END))
    await revoke_client(ctx, "z")
    for work in (revoke_client(ctx, "B"), rotate_key(ctx, "B", overlap=none)):
        with pytest.raises(ClientProblem, match=r"^No client is called 'B'. There are: A\.$"):
            await work
    with pytest.raises(ClientProblem, match=r"^A is a front end: it has an id, which is no secret, and no key\.$"):
        await rotate_key(ctx, "a", overlap=none)
    with pytest.raises(ClientProblem, match=r"^Z was revoked on 2026-10-05 already\.$"):
        await rotate_key(ctx, "Z", overlap=none)
    assert [one.name for one in await clients()] == ["A", "Z"]


async def test_of_two_who_take_a_name_at_once_one_gets_it(district: District) -> None:
    names = ("Reports", "reports", "REPORTS ")
    wanted = [WantedClient(name, ClientKind.REPORTING) for name in names]
    ended = await asyncio.gather(*(add_client(district.ctx, one) for one in wanted), return_exceptions=True)
    refused = [str(one) for one in ended if isinstance(one, ClientProblem)]
    assert len(refused) == 2
    assert all(one.endswith("is taken by another one: choose another name.") for one in refused)
    assert await ServiceClient.all().count() == await ClientKey.all().count() == await TrailEntry.all().count() == 1


def test_every_kind_has_a_word() -> None:
    assert [kind.kind for kind in Kind] == list(ClientKind)


@pytest.mark.parametrize("kind", list(ClientKind))
async def test_a_kind_has_the_roles_that_fit_it_and_no_others(district: District, kind: ClientKind) -> None:
    """Every kind x every role, here and in the database."""
    fitting = {
        ClientKind.REPORTING: {"reporter"},
        ClientKind.DESIGNEE_TOOL: {"designee", "registrar", "technology"},
        ClientKind.PORTAL_FRONT_END: {"guardian", "student"},
    }
    given = set()
    for role in Role:
        try:
            await add_client(district.ctx, WantedClient(f"As {role}", kind, roles=(role,)))
        except ClientProblem as problem:
            assert str(problem).endswith(f"but only: {', '.join(ROLES[kind])}.")  # noqa: PT017  # its words
        else:
            given.add(role.value)
    assert given == fitting[kind]
    assert {role for one in await ServiceClient.all() for role in one.roles} == given


async def test_what_a_kind_cannot_have_is_refused(district: District) -> None:
    school = await district.school()
    front_end, reporting = ClientKind.PORTAL_FRONT_END, ClientKind.REPORTING
    for wanted, said in (
        (WantedClient("A", front_end, schools=[school]), "A front end is for the families of all schools"),
        (WantedClient("A", front_end, lifetime=timedelta(days=1)), "has no key that could expire"),
        (WantedClient("A", reporting, origins=["https://a.example"]), "Only a portal-front-end has origins"),
        (WantedClient(" ", reporting), f"has 1 to {LONGEST_NAME} characters"),
        (WantedClient("a" * 101, reporting), f"has 1 to {LONGEST_NAME} characters"),
        (WantedClient("Reports\u202e", reporting), f"has 1 to {LONGEST_NAME} characters"),
    ):
        with pytest.raises(ClientProblem, match=re.escape(said)):
            await add_client(district.ctx, wanted)
    assert await ServiceClient.all().count() == 0


# ------------------------------------------------------------------------------------------------ origins
@pytest.mark.parametrize(
    ("said", "origin"),
    [
        ("https://portal.example.org", "https://portal.example.org"),
        ("HTTPS://Portal.Example.ORG", "https://portal.example.org"),
        ("https://portal.example.org:443", "https://portal.example.org"),
        ("https://portal.example.org:8443", "https://portal.example.org:8443"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://192.0.2.7", "https://192.0.2.7"),
        ("https://[2001:DB8::0:1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://app.localhost:80", "http://app.localhost"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]", "http://[::1]"),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(said: str, origin: str) -> None:
    assert origin_of(said) == origin == origin_of(origin)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "null",
        "*",
        "https://*.example.org",
        "portal.example.org",
        "//portal.example.org",
        "https:portal.example.org",
        "https:///portal.example.org",
        "https://",
        "https://portal.example.org/",
        "https://portal.example.org/families",
        "https://portal.example.org?x",
        "https://portal.example.org#x",
        "https://maria@portal.example.org",
        "https://portal.example.org:",
        "https://portal.example.org:0",
        "https://portal.example.org:65536",
        "https://portal.example.org:x",
        "https://portal example.org",
        "https://portal.example.org\n",
        "https://b\u00fccher.example",
        "https://portal..example.org",
        "https://-portal.example.org",
        "https://portal.example.org.",
        "https://192.0.2",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://" + "a." * 200 + "example",
        "http://portal.example.org",
        "http://192.0.2.7",
        "http://localhost.example.org",
        "ftp://portal.example.org",
        "capacitor://localhost",
        "file://",
    ],
)
def test_what_is_no_origin_or_can_be_read_on_the_way_is_refused(said: str) -> None:
    with pytest.raises(OriginRefused, match=r"^The(re is no)? origin .*\.$"):
        origin_of(said)

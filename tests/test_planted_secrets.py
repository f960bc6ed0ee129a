"""Secrets that were planted on every way are found nowhere: not in the database, not in a log, not in an answer.

A real server process, writing down all that it ever writes, is walked through with right, wrong and malformed requests
that carry social security numbers, keys, tokens and passwords. Then everything that it left behind is searched.
"""

import base64
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from app import embedded
from app.asgi import create_app
from app.settings import Settings
from db import sql
from db.models import ActivationKey, ClientKind, Grade, Letter
from tests import documents
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.district import District, Pupil
from tests.servers import Server
from tests.service_clients import program

SSN, WRONG_SSN, SHORT_SSN = "529-45-6001", "529-45-7777", "52945-600"
PASSWORD, NEW, WRONG = "lantern orchard seven kites", "copper violin thirty meadows", "granite sparrow eleven ladders"
WEAK = "quimbyquimby"
RETRY = "retry-5f0c1e9a-of-this-client"


# ------------------------------------------------------------------------------------------------ what to look for
def forms(secret: str) -> Iterator[bytes]:
    """The ways in which a secret might lie about: as it is, respelt, encoded, or hashed without a key."""
    bare = "".join(character for character in secret if character.isalnum() or character in "_ ")
    for spelling in dict.fromkeys((secret, bare, bare.replace(" ", ""), bare.upper(), secret.removeprefix("pas_"))):
        text = spelling.encode()
        yield text
        yield quote(spelling).encode()
        yield text.hex().encode()
        yield from _in_base64(text)
        if not secret.startswith(("pas_", "pad_", "pak_")):
            # A token has 256 random bits and is kept as its SHA-256; all the rest could be found by trying.
            for algorithm in ("md5", "sha1", "sha256", "sha512"):
                digest = hashlib.new(algorithm, text).digest()
                yield digest.hex().encode()
                yield base64.b64encode(digest)
    try:
        octets = bytes.fromhex(secret)
    except ValueError:
        return
    yield octets
    yield f"{secret[:8]}-{secret[8:12]}-{secret[12:16]}-{secret[16:20]}-{secret[20:]}".encode()
    yield from _in_base64(octets)


def _in_base64(text: bytes) -> Iterator[bytes]:
    """What is certain of the base64 of any longer text that contains this one: at each of the three alignments."""
    for lead in range(3):
        start, end = (lead * 8 + 5) // 6, (lead + len(text)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * lead + text)[start:end]


def found(secrets: list[str], text: bytes) -> list[str]:
    """Which of the secrets stand in the text, in whatever form."""
    lowered = text.lower()
    return [
        secret for secret in secrets if any(form in text or form.lower() in lowered for form in forms(secret) if form)
    ]


@pytest.mark.parametrize("secret", [SSN, PASSWORD, "pas_" + "aZ-9_" * 8 + "xyz", "0123456789abcdef8123456789abcdef"])
@pytest.mark.parametrize(
    "hidden",
    [
        lambda secret: secret.encode(),
        lambda secret: b"..." + secret.replace("-", "").encode() + b"...",
        lambda secret: secret.encode().hex().encode(),
        lambda secret: base64.b64encode(b"ab" + secret.encode() + b"c"),
        lambda secret: base64.urlsafe_b64encode(b'{"token": "' + secret.encode() + b'"}'),
        lambda secret: quote(f"?ssn={secret}&x").encode(),
    ],
)
def test_the_search_finds_what_is_hidden_badly(secret: str, hidden: Any) -> None:
    if secret.startswith("pas_") and b"..." in hidden(secret):
        secret = secret.replace("-", "a")
    assert found([WRONG, secret], b"some text " + hidden(secret) + b" and more") == [secret]


def test_the_search_finds_a_hash_without_a_key_and_raw_octets() -> None:
    key = "0123456789abcdef8123456789abcdef"
    assert found([SSN], b"\\\\x" + hashlib.sha256(b"529456001").hexdigest().encode()) == [SSN]
    assert found([key], base64.b64encode(b"?" + bytes.fromhex(key))) == [key]
    assert found([key], b"01234567-89ab-cdef-8123-456789abcdef".upper()) == [key]
    assert found([SSN, PASSWORD, key], b"nothing of the kind 529-45-6002") == []


# ------------------------------------------------------------------------------------------------ the walk
@dataclass
class Walk:
    """A client that plants secrets, and remembers each answer with what it was allowed to say."""

    portal: Portal
    planted: list[str]
    answers: list[tuple[str, bytes, frozenset[str]]] = field(default_factory=list)

    async def send(self, document: str, variables: Any = None, **more: Any) -> Answer:
        """A request with a query, in or out of order."""
        response = await self.portal.http.post(
            "/graphql",
            json={"query": document, "variables": variables} | more,
            headers={"Authorization": f"Bearer {self.portal.token}"} if self.portal.token else {},
        )
        return self._remember(document, response.content, dict(response.headers), response.json())

    async def raw(self, body: bytes, **headers: str) -> None:
        """A body that may be no request at all."""
        response = await self.portal.http.post(
            "/graphql", content=body, headers={"Content-Type": "application/json"} | headers
        )
        self._remember("raw", response.content, dict(response.headers), response.json())

    async def get(self, path: str, **parameters: str) -> None:
        response = await self.portal.http.get(path, params=parameters)
        self._remember(path, response.content, dict(response.headers), {})

    def _remember(self, what: str, content: bytes, headers: dict[str, str], answer: Answer) -> Answer:
        """Whatever a success shows once is planted from then on, and allowed in this answer alone."""
        shown = set()
        for result in (answer.get("data") or {}).values():
            if isinstance(result, dict) and result.get("__typename") == "ActivationKeyIssued":
                shown.add(result["key"])
            if isinstance(result, dict) and result.get("__typename") in {"LoggedIn", "AccountActivated"}:
                shown |= {result["session"]["token"], result["session"]["deviceToken"]}
        self.planted += [secret for secret in sorted(shown) if secret not in self.planted]
        self.answers.append((what, repr(headers).encode() + content, frozenset(shown)))
        return answer

    async def result(self, document: str, variables: Answer) -> Answer:
        """The one result of a mutation that is in order."""
        (result,) = (await self.send(document, {"input": variables}))["data"].values()
        answer: Answer = result
        return answer


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture(scope="module")
def server(database_url: str, keys_text: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("talkative")
    with Server(database_url, keys_text, folder, log_level="debug", log_format="text") as running:
        yield running.ready()


@pytest.fixture
async def walk(district: District, server: Server, keys_text: str) -> AsyncIterator[Walk]:
    master = keys_text.partition(":")[2]
    async with server.portal() as portal:
        yield Walk(portal, [SSN, WRONG_SSN, SHORT_SSN, PASSWORD, NEW, WRONG, WEAK, RETRY, master])


async def _getting_in(walk: Walk, nora: Pupil) -> str:
    """The guardian's way with all mistakes that one can make on it; returns the key."""
    born = nora.birth_date.isoformat()
    proofs = {"studentNumber": nora.number, "studentBirthDate": born, "studentSsn": SSN}
    for wrong in ({"studentSsn": WRONG_SSN}, {"studentSsn": SHORT_SSN}, {"studentNumber": WRONG_SSN}):
        assert (await walk.result(documents.REQUEST_KEY, proofs | wrong))["__typename"] in {
            "NotMatched",
            "InvalidInput",
        }
    key: str = (await walk.result(documents.REQUEST_KEY, proofs))["key"]
    again = await walk.result(documents.REQUEST_KEY, proofs | {"studentSsn": SSN.replace("-", " ")})
    assert again["key"] == key
    for text in (key, key.upper(), f"{{{key[:8]}-{key[8:]}}}"):
        assert (await walk.result(documents.CHECK_KEY, {"key": text}))["__typename"] == "ActivationKeyGood"
    mistyped = key[:-1] + ("0" if key[-1] != "0" else "1")
    walk.planted.append(mistyped)
    for text in (mistyped, key + "0", PASSWORD, SSN):
        refused = await walk.result(documents.CHECK_KEY, {"key": text})
        assert refused["__typename"] in {"KeyNotAccepted", "InvalidInput"}
    choice = {"key": key, "username": "maria.q", "password": PASSWORD, "verifyPassword": PASSWORD}
    for wrong in ({"password": WEAK}, {"verifyPassword": WRONG}, {"username": SSN}, {"username": PASSWORD}):
        assert (await walk.result(documents.ACTIVATE, choice | wrong))["__typename"] == "InvalidInput"
    retry = choice | {"idempotencyKey": RETRY}
    for _ in range(2):
        assert (await walk.result(documents.ACTIVATE, retry))["__typename"] == "AccountActivated"
    assert (await walk.result(documents.ACTIVATE, choice))["__typename"] == "KeyNotAccepted"
    assert (await walk.result(documents.REQUEST_KEY, proofs))["__typename"] == "AlreadyActivated"
    return key


async def _being_in(walk: Walk) -> None:
    for wrong in ({"password": WRONG}, {"username": PASSWORD, "password": "maria.q"}, {"username": SSN}):
        refused = await walk.result(documents.LOGIN, {"username": "maria.q", "password": PASSWORD} | wrong)
        assert refused["__typename"] == "WrongCredentials"
    first = await walk.result(documents.LOGIN, {"username": "maria.q", "password": PASSWORD})
    device = {"deviceToken": first["session"]["deviceToken"]}
    second = await walk.result(documents.LOGIN, {"username": "maria.q", "password": PASSWORD} | device)
    walk.portal.token = second["session"]["token"]
    assert (await walk.send(documents.ME))["data"]["me"]["students"]
    for token in (first["session"]["token"], second["session"]["deviceToken"], second["session"]["token"]):
        await walk.send(documents.NODE, {"id": token})
        assert (await walk.result(documents.END_SESSION, {"sessionId": token}))["__typename"] == "NotFound"
    change = {"current": PASSWORD, "password": NEW, "verifyPassword": NEW}
    for wrong in ({"current": WRONG}, {"password": WEAK, "verifyPassword": WEAK}, {"verifyPassword": WRONG}):
        assert (await walk.result(documents.CHANGE_PASSWORD, change | wrong))["__typename"] != "PasswordChanged"
    assert (await walk.result(documents.CHANGE_PASSWORD, change))["__typename"] == "PasswordChanged"


async def _sending_nonsense(walk: Walk, key: str) -> None:
    """Each secret where it does not belong: in bodies that are no JSON, in wrong types of values, in the document."""
    for secret in (SSN, PASSWORD, key, str(walk.portal.token)):
        await walk.raw(f'{{"query": "mutation {{ login }}", "variables": {{"input": "{secret}"'.encode())
        await walk.raw(f'{{"query": ["{secret}"]}}'.encode())
        await walk.raw(f'"{secret}"'.encode())
        await walk.raw(f"password={secret}".encode(), **{"Content-Type": "application/x-www-form-urlencoded"})
        await walk.raw(b'{"query": "{ me { roles } }"}', Authorization=f"Bearer {secret}")
        await walk.raw(b'{"query": "{ me { roles } }"}', Authorization=f"Basic {secret}")
        for value in ({"x": secret}, [secret, secret], None, 7):
            await walk.send(documents.LOGIN, {"input": {"username": secret, "password": value}})
            await walk.send(documents.CHECK_KEY, {"input": {"key": value, secret: secret}})
            await walk.send(documents.CHECK_KEY, {"input": value, secret: secret})
        await walk.send(documents.REQUEST_KEY, {"input": {"studentBirthDate": secret, "studentSsn": secret}})
        await walk.send(documents.LOGIN, {"input": secret})
        await walk.send(documents.LOGIN, secret)
        await walk.send(documents.ME, operationName=secret)
        await walk.send(documents.ME, extensions=secret)
        for document in (
            f'mutation {{ login(input: {{username: "u", password: "{secret}"}}) {{ __typename }} }}',
            f'mutation {{ login(input: {{username: "u", password: "{secret}"',
            f'mutation {{ login(input: {{username: 5, password: ["{secret}"]}}) {{ __typename }} }}',
            f'mutation {{ login(input: {{username: "u", passwort: "{secret}"}}) {{ __typename }} }}',
            f'mutation {{ requestActivationKey(input: {{studentSsn: "{secret}"}}) {{ __typename }} }}',
            f'{{ node(id: "{secret}") {{ id }} }}',
            f"{{ node(id: {secret}) {{ id }} }}",
            f'{{ me {{ students {{ grades(after: "{secret}") {{ edges {{ cursor }} }} }} }} }}',
            f"{{ me {{ students {{ grades(first: {secret[:3]}945600) {{ edges {{ cursor }} }} }} }} }}",
            f"# {secret}\n{{ me {{ roles }} }}",
            secret,
        ):
            await walk.send(document)
        await walk.get("/graphql", query="{ me { roles } }", variables=f'{{"password": "{secret}"}}')
        await walk.get("/graphql", query=f'mutation {{ login(input: "{secret}") }}', password=secret)
        await walk.get("/graphql", variables=f'{{"password": "{secret}"')
        await walk.get("/healthz", token=secret)


async def _being_a_program(walk: Walk, key: str) -> None:
    """The key of a service client where it belongs, where it does not, mistyped, and in what breaks down on the way."""
    walk.planted += [key, key[:-1]]
    for shown in (key, key[:-1], key.lower(), key[4:]):
        await walk.raw(b'{"query": "{ me { roles } }"}', Authorization=f"Bearer {shown}")
        await walk.raw(b'{"query": "{ me { roles } }"}', **{"Portal-Client": shown})
        await walk.raw(b'{"query": "{ me { roles } }"}', Origin=f"https://{shown}.example")
        await walk.get("/graphql", query="{ me { roles } }", key=shown)
    await sql.rows("ALTER TABLE client_key RENAME TO client_keys")
    try:
        await walk.raw(b'{"query": "{ me { roles } }"}', Authorization=f"Bearer {key}")
    finally:
        await sql.rows("ALTER TABLE client_keys RENAME TO client_key")
    assert b"INTERNAL" in walk.answers[-1][1]


async def _breaking_down(walk: Walk) -> None:
    """Faults of ours, in the middle of steps that hold secrets: what the database says then quotes whole rows."""
    await sql.rows("ALTER TABLE session ADD CONSTRAINT no_more CHECK (false) NOT VALID")
    await sql.rows("ALTER TABLE account ADD CONSTRAINT no_change CHECK (id < 0) NOT VALID")
    try:
        for document, choice in (
            (documents.LOGIN, {"username": "maria.q", "password": NEW}),
            (documents.CHANGE_PASSWORD, {"current": NEW, "password": PASSWORD, "verifyPassword": PASSWORD}),
        ):
            answer = await walk.send(document, {"input": choice})
            assert answer["errors"][0]["extensions"]["code"] == "INTERNAL", answer
    finally:
        await sql.rows("ALTER TABLE session DROP CONSTRAINT no_more")
        await sql.rows("ALTER TABLE account DROP CONSTRAINT no_change")


def _dump(cluster: embedded.Cluster, database_url: str) -> bytes:
    """All of the worker's database, as text."""
    name = database_url.partition("postgresql://postgres@/")[2].partition("?")[0]
    done = cluster.programs.attempt(
        "pg_dump",
        *("--host", str(cluster.sockets), "--username", "postgres", "--no-password", "--", name),
        cwd=Path("/"),
        seconds=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.encode()


async def test_no_planted_secret_is_found_in_the_database_the_logs_or_an_answer(
    walk: Walk, server: Server, district: District, cluster: embedded.Cluster, database_url: str
) -> None:
    nora = await district.student(
        ssn=SSN.replace("-", ""), born=datetime.now(UTC).date().replace(month=1, day=2, year=2016)
    )
    await district.guardian(nora, email="maria@example.org")
    await Grade.create(student_id=nora.id, course="Art", title="Piece")
    key = await _getting_in(walk, nora)
    await _being_in(walk)
    await _sending_nonsense(walk, key)
    client = await program(district, ClientKind.REPORTING)
    await _being_a_program(walk, client.key)
    await _breaking_down(walk)
    live = walk.portal.token
    assert (await walk.send(documents.LOGOUT))["data"]["logout"]["__typename"] == "LoggedOut"

    dump, log = _dump(cluster, database_url), server.log.encode()
    # What is searched is what was meant to be searched.
    assert live is not None
    for token in (live, client.key):
        assert hashlib.sha256(token.encode()).hexdigest().encode() in dump
    for word in (b"maria.q", b"key:request", b"WRONG_CREDENTIALS", b"KEY_ASKED_FOR", b"idempotent_answer"):
        assert word in dump
    assert log.count(b"graphql.fault") >= 2
    assert log.count(b"/graphql") >= len(walk.answers) * 9 // 10
    assert len(walk.planted) >= 15
    postgres = (cluster.data / "server.log").read_bytes()
    assert b"ready to accept connections" in postgres

    assert found(walk.planted, dump) == []
    assert found(walk.planted, log) == []
    assert found(walk.planted, postgres) == []
    for what, answer, allowed in walk.answers:
        assert found([secret for secret in walk.planted if secret not in allowed], answer) == [], what


async def test_a_letter_that_waits_to_carry_a_key_does_not_hold_it(
    settings: Settings, district: District, clock: Clock, cluster: embedded.Cluster, database_url: str
) -> None:
    nora = await district.student(born=date(datetime.now(UTC).year - 10, 1, 2))
    await district.guardian(nora, email="maria@example.org")
    async with Portal(create_app(settings.model_copy(update={"key_delivery": "mail"}), clock=clock)) as portal:
        assert (await portal.request_key(*nora.proofs))["__typename"] == "ActivationKeySent"
    issued = await ActivationKey.get()
    key = district.ctx.keys.activation_key(issued.nonce, issued.secret_version)
    dump = _dump(cluster, database_url)
    assert await Letter.filter(kind="ACTIVATION_KEY").count() == 1
    assert district.ctx.keys.key_digest(key).hex().encode() in dump
    assert found([key, nora.ssn], dump) == []

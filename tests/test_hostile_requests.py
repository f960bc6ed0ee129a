"""Requests that nobody sends by accident get a quick refusal, change nothing, and leave the server answering."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tortoise.context import TortoiseContext

from db import sql

JSON = {"content-type": "application/json"}
LOGIN = 'login(input: {username: "maria", password: "wrong"}) { __typename }'


@pytest.fixture(scope="module")
def server(database_url: str, keys_text: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server process, and where it logs. It waits half a second for a body, so that no test waits longer."""
    folder = tmp_path_factory.mktemp("hostile")
    command = [sys.executable, "-m", "uvicorn", "--factory", "app.asgi:create_app", "--port", "0", "--no-access-log"]
    settings = {
        "PORTAL_DATABASE_URL": database_url,
        "PORTAL_SECRETS": keys_text,
        "PORTAL_VAR": str(folder),
        "PORTAL_BODY_SECONDS": "0.5",
        "PORTAL_INTROSPECTION": "false",
        "PORTAL_CONSOLE": "false",
        "PORTAL_LOG_FORMAT": "json",
    }
    log = folder / "log"
    with log.open("wb") as lines:
        process = subprocess.Popen(
            command, cwd=Path(__file__).parent.parent, env=os.environ | settings, stdout=lines, stderr=lines
        )
    try:
        yield _address_when_ready(process, log), log
    finally:
        process.terminate()
        process.wait(timeout=20)


def _address_when_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server answers, which it says when it is ready."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if said := re.search(r"running on (http://127\.0\.0\.1:\d+)", log.read_text()):
            return said.group(1)
        time.sleep(0.02)
    return pytest.fail(f"The server did not start: {log.read_text()}")


@pytest.fixture
def address(server: tuple[str, Path]) -> str:
    return server[0]


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client; whatever it did, others are answered afterwards."""
    async with httpx.AsyncClient(base_url=address, timeout=10) as client:
        yield client
        answer = await client.post("/graphql", json={"query": "{ __typename me { __typename } }"})
        assert answer.json() == {"data": {"__typename": "Query", "me": None}}


def sent(query: str, **more: Any) -> bytes:
    return json.dumps({"query": query, **more}).encode()


NESTED = 50_000
BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "null": (b"null", 400),
    "a text": (b'"{ __typename }"', 400),
    "a number": (b"17", 400),
    "a list": (b"[]", 400),
    "a batch": (b'[{"query": "{ __typename }"}, {"query": "{ __typename }"}]', 400),
    "half an object": (b'{"query": "{ __typename }"', 400),
    "not UTF-8": (b'{"query": "{ \xff }"}', 400),
    "Latin-1": ('{"query": "{ hello(name: \\"Peña\\") }"}'.encode("latin-1"), 400),
    "UTF-16": ('{"query": "{ __typename }"}'.encode("utf-16"), 400),
    "a byte order mark": (b'\xef\xbb\xbf{"query": "{ __typename }"}', 400),
    "half of a character": (b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}', 400),
    "NaN": (b'{"query": "{ __typename }", "variables": {"a": NaN}}', 400),
    "Infinity": (b'{"query": "{ __typename }", "variables": {"a": -Infinity}}', 400),
    "a number past all bounds": (b'{"query": "{ __typename }", "variables": {"a": 1e999}}', 400),
    "NUL in a variable": (b'{"query": "{ __typename }", "variables": {"a": "\\u0000"}}', 400),
    "variables nested in lists": (
        b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * NESTED + b"]" * NESTED + b"}}",
        413,
    ),
    "variables nested in objects": (
        b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 16_000 + b"1" + b"}" * 16_000 + b"}",
        400,
    ),
    "lists never closed": (b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * NESTED, 400),
    "variables nested as deep as JSON goes": (
        sent("{ __typename }", variables=json.loads('{"a":' * 500 + "1" + "}" * 500)),
        400,
    ),
    "very many variables": (sent("{ __typename }", variables={"a": [0] * 20_000}), 400),
    "a body of 20 MB": (sent("{ __typename }", extensions={"a": "x" * 20_000_000}), 413),
    "a body a little too large": (sent("{ __typename }", extensions={"a": "x" * 100_000}), 413),
}


@pytest.mark.parametrize("case", BODIES)
async def test_a_body_that_is_no_request_is_refused(client: httpx.AsyncClient, case: str) -> None:
    body, status = BODIES[case]
    response = await client.post("/graphql", content=body, headers=JSON)
    assert response.status_code == status
    assert response.json()["errors"][0]["message"]
    assert "data" not in response.json()


async def test_a_large_body_is_refused_while_it_comes_in(client: httpx.AsyncClient) -> None:
    pieces = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal pieces
        for _ in range(320):
            pieces += 1
            yield b" " * 65_536

    response = await client.post("/graphql", content=body(), headers=JSON)
    assert response.status_code == 413


DOCUMENTS: dict[str, str] = {
    "100,000 tokens": "{" + "a " * 45_000 + "}",
    "5,000 tokens": "{" + "a " * 5_000 + "}",
    "1,000 aliases": "{" + " ".join(f"a{number}: __typename" for number in range(1_000)) + "}",
    "60 aliases": "{" + " ".join(f"a{number}: __typename" for number in range(60)) + "}",
    "1,000 times the same": "{" + "__typename " * 1_000 + "}",
    "500 directives": "{ __typename " + "@include(if: true) " * 250 + "}",
    "several operations without a name": "query a { __typename } query b { __typename }",
    "two operations, both anonymous": "{ __typename } { __typename }",
    "two operations of one name": "query a { __typename } query a { __typename }",
    "20 aliased log-ins": "mutation {" + " ".join(f"a{number}: {LOGIN}" for number in range(20)) + "}",
    "log-ins behind fragments": f"mutation {{ ...f ...g }} fragment f on Mutation {{ a: {LOGIN} }}"
    f" fragment g on Mutation {{ b: {LOGIN} }}",
    "a fragment that spreads itself": "{ ...f } fragment f on Query { ...f }",
    "fragments that spread each other": "{ ...f } fragment f on Query { ...g } fragment g on Query { ...f }",
    "a fragment bomb": "{ me { ...f0 } } "
    + " ".join(f"fragment f{n} on Me {{ a: name {{ ...f{n + 1} }} b: name {{ ...f{n + 1} }} }}" for n in range(15))
    + " fragment f15 on Me { __typename }",
    "deep": "{" + "a {" * 150 + "b" + "}" * 151,
    "deeper than can be parsed": "{a" * 900,
    "deep lists": "{ me(a: " + "[" * 190 + "]" * 190 + ") }",
    "nothing but a fragment": "fragment f on Query { __typename }",
    "nothing but a comment": "# nothing",
    "a type": "type Query { a: Int }",
    "a subscription": "subscription { __typename }",
    "the schema": "{ __schema { types { name } } }",
    "an open text": '{ me(a: "',
    "a NUL": '{ me(a: """\x00""") }',
    "punctuation": "!" * 1_000,
    "other scripts": "{ ñ }",
}


@pytest.mark.parametrize("case", DOCUMENTS)
async def test_a_document_that_is_out_of_order_is_refused(client: httpx.AsyncClient, case: str) -> None:
    body = sent(DOCUMENTS[case])
    older = await client.post("/graphql", content=body, headers=JSON)
    newer = await client.post("/graphql", content=body, headers={**JSON, "accept": "application/graphql-response+json"})
    assert (older.status_code, newer.status_code) == (200, 400)
    assert older.json()["errors"]
    assert "data" not in older.json()


async def test_an_operation_that_is_not_there_is_refused(client: httpx.AsyncClient) -> None:
    body = sent("query a { __typename } query b { __typename }", operationName="c")
    answer = (await client.post("/graphql", content=body, headers=JSON)).json()
    assert "data" not in answer
    body = sent("query a { __typename } query b { __typename }", operationName="b")
    assert (await client.post("/graphql", content=body, headers=JSON)).json() == {"data": {"__typename": "Query"}}


async def test_what_a_page_elsewhere_can_send_is_refused(client: httpx.AsyncClient) -> None:
    mutation = f"mutation {{ {LOGIN} }}"
    by_get = await client.get("/graphql", params={"query": mutation})
    assert (by_get.status_code, by_get.headers["allow"]) == (405, "POST")
    form = await client.post("/graphql", data={"query": mutation})
    upload = await client.post("/graphql", data={"query": mutation}, files={"a": b"b"})
    plain = await client.post("/graphql", content=sent(mutation), headers={"content-type": "text/plain"})
    bare = await client.post("/graphql", content=sent(mutation))
    odd = await client.post("/graphql", content=sent(mutation), headers={"content-type": "application/x-unheard-of"})
    assert [response.status_code for response in (form, upload, plain, bare, odd)] == [415] * 5


async def test_a_slow_body_is_given_up(address: str, client: httpx.AsyncClient) -> None:
    host = urlsplit(address)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nHost: portal\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    await writer.drain()
    meanwhile = await client.post("/graphql", json={"query": "{ __typename }"})
    assert meanwhile.status_code == 200, "others do not wait for it"
    answer = await asyncio.wait_for(reader.read(), timeout=10)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()
    writer.close()


async def test_a_body_that_drips_gets_no_more_time(address: str, client: httpx.AsyncClient) -> None:
    host = urlsplit(address)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nHost: portal\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )

    async def drip() -> None:
        while True:
            writer.write(b"1\r\n \r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), timeout=10)
    dripping.cancel()
    assert answer == b"HTTP/1.1 408 Request Timeout\r\n"
    writer.close()


async def test_a_large_body_that_is_announced_need_not_be_sent(address: str, client: httpx.AsyncClient) -> None:
    host = urlsplit(address)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    writer.write(
        b"POST /graphql HTTP/1.1\r\nHost: portal\r\nContent-Type: application/json\r\n"
        b"Content-Length: 20000000\r\nExpect: 100-continue\r\n\r\n"
    )
    answer = await asyncio.wait_for(reader.read(), timeout=10)
    assert answer.startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_client_that_leaves_halfway_does_no_harm(address: str, client: httpx.AsyncClient) -> None:
    host = urlsplit(address)
    for _ in range(20):
        connection = socket.create_connection((host.hostname, host.port))
        connection.send(
            b"POST /graphql HTTP/1.1\r\nHost: portal\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        connection.close()


async def test_what_is_no_http_is_refused(address: str, client: httpx.AsyncClient) -> None:
    host = urlsplit(address)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    writer.write(b"\x16\x03\x01\x00\x05nonsense\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), timeout=10)
    assert answer.startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_many_hostile_requests_at_once_leave_room_for_others(client: httpx.AsyncClient) -> None:
    hostile = [client.post("/graphql", content=sent(text), headers=JSON) for text in DOCUMENTS.values()]
    hostile += [client.post("/graphql", content=body, headers=JSON) for body, _ in BODIES.values() if len(body) < 10**6]
    answers = await asyncio.gather(*hostile, client.post("/graphql", json={"query": "{ __typename }"}))
    assert all(answer.status_code < 500 for answer in answers)
    assert answers[-1].json() == {"data": {"__typename": "Query"}}


async def test_nothing_of_it_is_written_down(
    server: tuple[str, Path], client: httpx.AsyncClient, database: TortoiseContext
) -> None:
    for text in DOCUMENTS.values():
        await client.post("/graphql", content=sent(text), headers=JSON)
    for body, _ in BODIES.values():
        await client.post("/graphql", content=body, headers=JSON)
    tables = await sql.rows(
        "SELECT quote_ident(tablename) AS name FROM pg_tables "
        "WHERE schemaname = 'public' AND tablename <> 'tortoise_migrations'"
    )
    for table in tables:
        assert await sql.rows(f"SELECT 1 FROM {table['name']}") == [], table["name"]
    log = server[1].read_text()
    assert "Traceback" not in log
    assert "graphql.fault" not in log
    assert "maria" not in log

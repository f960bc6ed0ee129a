"""GraphQL over WebSocket, message by message: the protocol graphql-transport-ws, and what is done to break it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.logs import _no_handshake
from db.context import Role
from db.secrets import SESSION_PREFIX, new_client_key, new_token
from schema.changes import CHANGES_FORGOTTEN
from schema.documents import TOO_LARGE
from schema.input_errors import BAD_INPUT, INVALID_DOCUMENT, UNREADABLE_DOCUMENT
from tests import documents
from tests.conftest import Clock
from tests.district import PASSWORD, District
from tests.servers import Server
from tests.sockets import FOLLOW, PROTOCOL, Socket, socket_at

BODY_LIMIT, OPERATIONS, SOCKETS = 5000, 2, 3
OURS = "https://portal.example.org"


@pytest.fixture
def clock() -> Clock:
    """The real time: the other process has no other."""
    return Clock(datetime.now(UTC))


@pytest.fixture(scope="module")
def server(database_url: str, keys_text: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sockets")
    with Server(
        *(database_url, keys_text, folder),
        body_limit=str(BODY_LIMIT),
        operations_per_socket=str(OPERATIONS),
        sockets_per_client=str(SOCKETS),
        sockets_per_worker=str(2 * SOCKETS),
        cors_origins=OURS,
    ) as running:
        yield running.ready()


@pytest.fixture
async def token(district: District, server: Server) -> str:
    """A session of somebody who sees accounts."""
    school = await district.school()
    await district.student(school=school)
    await district.opened(await district.staff(Role.REPORTER, school), "clerk")
    async with server.portal() as portal:
        await portal.login("clerk", PASSWORD)
        assert portal.token is not None
        return portal.token


@pytest.fixture
async def fresh(server: Server) -> AsyncIterator[Socket]:
    """A socket over which nothing was said yet."""
    async with socket_at(server.url) as socket:
        yield socket


@pytest.fixture
async def begun(fresh: Socket, token: str) -> Socket:
    """A socket of somebody."""
    await fresh.begin(token)
    return fresh


def text(**message: Any) -> str:
    return json.dumps(message)


def subscribe(query: str = FOLLOW, **payload: Any) -> str:
    return text(id="1", type="subscribe", payload={"query": query} | payload)


# ------------------------------------------------------------------------------------------------ the handshake
@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("graphql-ws", "soap")], ids=str)
async def test_a_socket_without_the_protocol_is_closed_and_says_why(server: Server, protocols: tuple[str, ...]) -> None:
    async with asyncio.timeout(60), socket_at(server.url, protocols=protocols) as socket:
        assert await socket.closed() == (4406, [])
        assert socket.connection.close_reason == "Subprotocol not acceptable: ask for graphql-transport-ws"


async def test_of_several_protocols_ours_is_taken(server: Server, token: str) -> None:
    async with asyncio.timeout(60), socket_at(server.url, protocols=("graphql-ws", PROTOCOL)) as socket:
        assert socket.connection.subprotocol == PROTOCOL
        await socket.begin(token)


async def test_who_asks_may_be_said_in_the_headers_too(server: Server, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with asyncio.timeout(60), socket_at(server.url, **headers) as socket:
        await socket.begin(None)


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "https://portal.example.org.evil.example"])
async def test_a_page_of_a_strange_origin_gets_no_socket(server: Server, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with asyncio.timeout(60), socket_at(server.url, origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_a_page_of_an_origin_that_may_call_gets_one_and_so_does_one_of_ours(server: Server, token: str) -> None:
    for origin in (OURS, server.url):
        async with asyncio.timeout(60), socket_at(server.url, origin=origin) as socket:
            await socket.begin(token)


async def test_there_are_only_so_many_sockets_of_one_address_and_of_one_worker(server: Server) -> None:
    async def refused(address: str) -> int:
        with pytest.raises(InvalidStatus) as answer:
            async with socket_at(server.url, address=address):
                pass
        return answer.value.response.status_code

    async with asyncio.timeout(60):
        opened = []
        for address in ("203.0.113.1", "203.0.113.2"):
            for _ in range(SOCKETS):
                opened.append(manager := socket_at(server.url, address=address))
                await manager.__aenter__()
            assert await refused(address) == (429 if address == "203.0.113.1" else 503)
        assert await refused("203.0.113.3") == 503
        for manager in opened:
            await manager.__aexit__(None, None, None)
        async with socket_at(server.url, address="203.0.113.1"):
            pass


def test_no_log_line_tells_of_a_handshake() -> None:
    def line(message: str, *values: object) -> logging.LogRecord:
        return logging.LogRecord("uvicorn.error", logging.INFO, "", 0, message, values, None)

    assert not _no_handshake(line('%s - "WebSocket %s" [accepted]', "198.51.100.7", "/graphql?token=1"))
    assert _no_handshake(line("Shutting down"))


async def test_not_even_the_most_talkative_log_holds_what_is_said_over_a_socket(
    database_url: str, keys_text: str, tmp_path: Path
) -> None:
    """The library beneath tells of each header and each message at its lowest level."""
    secret, asked = new_client_key(), f"Bearer {new_token(SESSION_PREFIX)}"
    with Server(database_url, keys_text, tmp_path, log_level="debug") as talkative:
        talkative.ready()
        async with asyncio.timeout(60), socket_at(talkative.url, **{"Portal-Client": secret}) as socket:
            await socket.say(type="connection_init", payload={"authorization": asked})
            await socket.closed()
        talkative.stop()
        assert "socket" in talkative.log
        for private in (secret, asked, "connection_init"):
            assert private not in talkative.log


# ------------------------------------------------------------------------------------------------ who asks
async def test_nobody_gets_no_further_than_the_first_message(fresh: Socket) -> None:
    await fresh.say(type="connection_init")
    assert await fresh.closed() == (4403, [])


@pytest.mark.parametrize("said", ["Bearer pas_nothing", "Basic bWFyaWE6", ""])
async def test_a_session_that_is_none_is_nobody(fresh: Socket, said: str) -> None:
    await fresh.say(type="connection_init", payload={"authorization": said})
    assert await fresh.closed() == (4403, [])


async def test_a_client_that_is_none_is_refused_whoever_is_signed_in(fresh: Socket, token: str) -> None:
    await fresh.say(type="connection_init", payload={"authorization": f"Bearer {token}", "client": "pac_nothing"})
    assert await fresh.closed() == (4403, [])


# ------------------------------------------------------------------------------------------------ what ends a socket
#: Said over a fresh socket, and the code with which it is closed.
AT_FIRST: dict[str, tuple[str | bytes, int]] = {
    "no JSON": ("nonsense", 4400),
    "nothing": ("", 4400),
    "binary": (text(type="connection_init").encode(), 4400),
    "a list": ('[{"type": "connection_init"}]', 4400),
    "null": ("null", 4400),
    "no type": ("{}", 4400),
    "a type that is no text": (text(type={}), 4400),
    "the protocol of before": (text(type="start", id="1", payload={"query": "{ __typename }"}), 4400),
    "what only a server says": (text(type="connection_ack"), 4400),
    "a first message with a list": (text(type="connection_init", payload=[]), 4400),
    "a name that is no text": (text(type="connection_init", payload={"authorization": 7}), 4400),
    "a ping with a text": (text(type="ping", payload="?"), 4400),
    "a NaN": ('{"type": "ping", "payload": {"n": NaN}}', 4400),
    "half a character": ('{"type": "ping", "payload": {"n": "\\ud800"}}', 4400),
    "nested too deep": ('{"type": "ping", "payload": {"a": ' + "[" * 1100 + "]" * 1100 + "}}", 4400),
    "nested deeper than is written": ('{"type": "ping", "payload": {"a": ' + "[" * 300 + "]" * 300 + "}}", 4400),
    "an operation before the first message": (subscribe("{ __typename }"), 4401),
    "too large": (text(type="ping", payload={"more": "x" * BODY_LIMIT}), 1009),
}
#: Said by somebody.
LATER: dict[str, tuple[str, int]] = {
    "a second first message": (text(type="connection_init"), 4429),
    "no id": (text(type="subscribe", payload={"query": FOLLOW}), 4400),
    "an empty id": (text(type="subscribe", id="", payload={"query": FOLLOW}), 4400),
    "an id that is no text": (text(type="subscribe", id=1, payload={"query": FOLLOW}), 4400),
    "an endless id": (text(type="subscribe", id="i" * 129, payload={"query": FOLLOW}), 4400),
    "no payload": (text(type="subscribe", id="1"), 4400),
    "no query": (text(type="subscribe", id="1", payload={}), 4400),
    "a query that is no text": (text(type="subscribe", id="1", payload={"query": []}), 4400),
    "variables in a list": (subscribe(variables=[]), 4400),
    "extensions in a text": (subscribe(extensions="persisted"), 4400),
    "a name in a list": (subscribe(operationName=["Follow"]), 4400),
    "a NUL": (subscribe(variables={"after": "\x00"}), 4400),
    "variables nested too deep": (subscribe(variables={"after": json.loads("[" * 40 + "]" * 40)}), 4400),
    "an end without an id": (text(type="complete"), 4400),
}


@pytest.mark.parametrize(("said", "code"), AT_FIRST.values(), ids=AT_FIRST)
async def test_what_is_no_message_ends_the_socket(fresh: Socket, said: str | bytes, code: int) -> None:
    await fresh.connection.send(said)
    assert await fresh.closed() == (code, [])


@pytest.mark.parametrize(("said", "code"), LATER.values(), ids=LATER)
async def test_what_is_no_message_then_ends_it_too(begun: Socket, said: str, code: int) -> None:
    await begun.connection.send(said)
    assert await begun.closed() == (code, [])


async def test_text_that_is_not_utf_8_ends_the_socket(fresh: Socket) -> None:
    await fresh.connection.send(b'{"type": "ping", "payload": {"a": "\xff"}}', text=True)
    assert (await fresh.closed())[0] == 1007


async def test_a_message_in_many_pieces_is_no_larger_than_one_in_one(fresh: Socket) -> None:
    async def pieces() -> AsyncIterator[str]:
        for _ in range(100):
            yield "x" * (BODY_LIMIT // 50)

    with suppress(ConnectionClosed):
        await fresh.connection.send(pieces())
    # Whoever is still sending when the server hangs up may not get to read why.
    assert (await fresh.closed())[0] in {1009, 1006}


async def test_an_id_is_taken_once_at_a_time(begun: Socket) -> None:
    for _ in range(2):
        await begun.follow("the same")
    assert await begun.closed() == (4409, [])
    assert begun.connection.close_reason == "Subscriber for the same already exists"


# ------------------------------------------------------------------------------------------------ what does not
async def test_pings_are_answered_at_any_time_with_what_they_hold(fresh: Socket, token: str) -> None:
    for begin in (True, False):
        await fresh.say(type="ping", payload={"n": 1})
        assert await fresh.hear() == {"type": "pong", "payload": {"n": 1}}
        await fresh.say(type="ping")
        assert await fresh.hear() == {"type": "pong"}
        await fresh.say(type="pong", payload={"n": 2})
        if begin:
            await fresh.begin(token)


async def test_a_query_and_a_mutation_have_one_answer_and_then_an_end(begun: Socket) -> None:
    await begun.connection.send(subscribe("{ me { roles } }"))
    assert await begun.hear() == {"id": "1", "type": "next", "payload": {"data": {"me": {"roles": ["REPORTER"]}}}}
    assert await begun.hear() == {"id": "1", "type": "complete"}
    # The id is free again.
    await begun.connection.send(subscribe(documents.LOGOUT))
    answer = await begun.hear()
    assert answer["payload"]["data"]["logout"]["__typename"] == "LoggedOut"
    assert await begun.hear() == {"id": "1", "type": "complete"}


#: Documents that are not in order, and the code of the error.
REFUSED = {
    "no GraphQL": ("subscription {", UNREADABLE_DOCUMENT),
    "no such field": ("subscription { secrets }", INVALID_DOCUMENT),
    "two root fields": (
        "subscription { a: accountStatusChanged { cursor } b: accountStatusChanged { cursor } }",
        INVALID_DOCUMENT,
    ),
    "introspection as a root field": ("subscription { __typename }", INVALID_DOCUMENT),
    "too deep": (
        "{ me { students { " + "guardianships { student { " * 40 + "id" + " } }" * 40 + " } } }",
        TOO_LARGE,
    ),
    "a variable that is none": (
        "subscription ($a: Int!) { accountStatusChanged(schoolId: $a) { cursor } }",
        INVALID_DOCUMENT,
    ),
    "a cursor that is none": ('subscription { accountStatusChanged(after: "1") { cursor } }', BAD_INPUT),
    "a cursor of accounts": ('subscription { accountStatusChanged(after: "fDE") { cursor } }', BAD_INPUT),
    "a cursor of another time": (
        'subscription { accountStatusChanged(after: "Y2hhbmdlOjk5OTk5") { cursor } }',
        CHANGES_FORGOTTEN,
    ),
}


@pytest.mark.parametrize(("query", "code"), REFUSED.values(), ids=REFUSED)
async def test_an_operation_that_cannot_be_run_ends_with_an_error_and_the_socket_goes_on(
    begun: Socket, query: str, code: str
) -> None:
    await begun.connection.send(subscribe(query))
    heard = await begun.hear()
    assert (heard["type"], heard["id"]) == ("error", "1"), heard
    assert heard["payload"][0]["extensions"]["code"] == code, heard
    await begun.settled()
    await begun.connection.send(subscribe("{ __typename }"))
    assert (await begun.hear())["type"] == "next"


async def test_there_are_only_so_many_operations_under_way(begun: Socket) -> None:
    for number in range(OPERATIONS):
        await begun.follow(str(number))
    await begun.follow("one more")
    heard = await begun.hear()
    assert (heard["type"], heard["id"]) == ("error", "one more")
    assert heard["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"
    await begun.say(type="complete", id="0")
    await begun.follow("another")
    await begun.settled()


async def test_the_end_of_what_is_over_or_never_was_is_nothing(begun: Socket) -> None:
    await begun.say(type="complete", id="never")
    await begun.settled()


async def test_a_subscription_over_http_is_told_where_to_go(server: Server, token: str) -> None:
    async with server.portal() as portal:
        answer = (await portal.post(FOLLOW, token=token)).json()
    assert "graphql-transport-ws" in answer["errors"][0]["message"]


async def test_who_does_not_say_who_asks_is_not_waited_for_and_a_server_that_stops_says_so(
    database_url: str, keys_text: str, tmp_path: Path, token: str
) -> None:
    with Server(database_url, keys_text, tmp_path, socket_init_seconds="2") as stopping:
        async with (
            asyncio.timeout(60),
            socket_at(stopping.ready().url) as following,
            socket_at(stopping.url) as silent,
        ):
            await following.begin(token)
            await following.follow()
            await silent.say(type="ping")
            assert await silent.closed() == (4408, [{"type": "pong"}])
            await following.settled()
            await asyncio.to_thread(stopping.stop)
            assert await following.closed() == (1012, [])
        assert "Exception" not in stopping.log
        assert "Cancel" not in stopping.log

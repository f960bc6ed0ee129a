"""How requests are taken and answers given: GraphQL over HTTP, and nothing said that should not be."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.small_portal import Witness, client_of, make_app

SECRET = "hunter2secret"
GRAPHQL = "application/graphql-response+json"
LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { __typename } }"


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
async def client(witness: Witness) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(make_app(witness)) as client:
        yield client


async def ask(client: httpx.AsyncClient, query: str, /, **more: Any) -> dict[str, Any]:
    response = await client.post("/graphql", json={"query": query, **more})
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


# ---------------------------------------------------------------------------------------------------- taking


async def test_a_query_comes_by_post_or_get(client: httpx.AsyncClient) -> None:
    query = "query ($name: String!) { hello(name: $name) }"
    by_post = await client.post("/graphql", json={"query": query, "variables": {"name": "Ana"}})
    by_get = await client.get("/graphql", params={"query": query, "variables": '{"name": "Ana"}'})
    assert by_post.json() == by_get.json() == {"data": {"hello": "hello Ana"}}


async def test_a_mutation_comes_by_post_only(client: httpx.AsyncClient, witness: Witness) -> None:
    text = 'mutation { login(input: {username: "a", password: "right"}) { __typename } }'
    response = await client.get("/graphql", params={"query": text})
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json()["errors"][0]["extensions"]["code"] == "NOT_BY_GET"
    assert witness.logins == witness.contexts == 0
    assert (await ask(client, text))["data"] == {"login": {"__typename": "LoggedIn"}}


async def test_a_query_beside_a_mutation_may_come_by_get(client: httpx.AsyncClient, witness: Witness) -> None:
    text = 'query q { hello } mutation m { login(input: {username: "a", password: "b"}) { __typename } }'
    response = await client.get("/graphql", params={"query": text, "operationName": "q"})
    assert response.json() == {"data": {"hello": "hello world"}}
    assert (await client.get("/graphql", params={"query": text, "operationName": "m"})).status_code == 405
    assert witness.logins == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"])
async def test_other_methods_are_refused(client: httpx.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql", json={"query": "{ hello }"})
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON;charset="UTF8"', 200),
        ("application/json; charset=iso-8859-1", 415),
        ("application/json; charset=utf-16", 415),
        (None, 415),
        ("", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/graphql", 415),
        ("application/jsonp", 415),
    ],
)
async def test_only_json_in_utf8_is_taken(client: httpx.AsyncClient, content_type: str | None, status: int) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    response = await client.post("/graphql", content=b'{"query": "{ hello }"}', headers=headers)
    assert response.status_code == status


async def test_a_compressed_body_is_not_unpacked(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert (await client.post("/graphql", content=b"\x1f\x8b", headers=headers)).status_code == 415


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": "{ hello }", "variables": None, "operationName": None, "extensions": None}, 200),
        ({"query": "{ hello }", "variables": {}, "operationName": "", "extensions": {}, "id": 1}, 200),
        ({"query": "query a { hello }", "operationName": "a"}, 200),
        ({"query": "{ hello }", "variables": {"unused": 10**30}}, 200),
        ({}, 400),
        ({"query": None}, 400),
        ({"query": ""}, 400),
        ({"query": " \n"}, 400),
        ({"query": 1}, 400),
        ({"query": ["{ hello }"]}, 400),
        ({"query": "{ hello }", "variables": []}, 400),
        ({"query": "{ hello }", "variables": "{}"}, 400),
        ({"query": "{ hello }", "operationName": 1}, 400),
        ({"query": "{ hello }", "extensions": 1}, 400),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0"}}}, 400),
        ([{"query": "{ hello }"}], 400),
    ],
)
async def test_the_parameters_have_their_types(client: httpx.AsyncClient, body: Any, status: int) -> None:
    response = await client.post("/graphql", json=body)
    assert response.status_code == status
    assert ("errors" in response.json()) == (status != 200)


@pytest.mark.parametrize(
    ("query_string", "status"),
    [
        ("query=%7Bhello%7D", 200),
        ("query=%7Bhello%7D&variables=&operationName=&extensions=%7B%7D", 200),
        ("", 400),
        ("query=", 400),
        ("query=%7Bhello%7D&variables=%5B%5D", 400),
        ("query=%7Bhello%7D&variables=NaN", 400),
        ("query=%7Bhello%7D&query=%7Bme%7D", 400),
        ("query=%FF", 400),
        ("query=%7Bhello%7D&x=" + "y" * 17_000, 414),
    ],
)
async def test_the_query_string_is_checked_alike(client: httpx.AsyncClient, query_string: str, status: int) -> None:
    assert (await client.get(f"/graphql?{query_string}")).status_code == status


async def test_a_client_that_went_away_gets_nothing(witness: Witness) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "headers": [(b"content-type", b"application/json")],
        "query_string": b"",
    }
    await make_app(witness)(scope, receive, send)
    assert sent == []


# ---------------------------------------------------------------------------------------------------- answering


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        (GRAPHQL, GRAPHQL),
        (f"application/json, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL}, application/json;q=0.9, */*;q=0.1", GRAPHQL),
        (f"{GRAPHQL};q=0.5, application/json", "application/json"),
        (f"{GRAPHQL}; charset=utf-8, text/html", GRAPHQL),
        ("text/html, */*;q=0.8", "application/json"),
        ("text/html", None),
        ("application/json;q=0", None),
        ("*/*;q=0", None),
    ],
)
async def test_the_answer_comes_as_the_client_accepts(
    witness: Witness, accept: str | None, media_type: str | None
) -> None:
    async with client_of(make_app(witness)) as client:
        del client.headers["accept"]
        headers = {} if accept is None else {"accept": accept}
        response = await client.post("/graphql", json={"query": "{ hello }"}, headers=headers)
    assert response.status_code == (406 if media_type is None else 200)
    assert response.headers["content-type"].split(";")[0] == (media_type or "application/json")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": "{ hello }"}, 200),
        ({"query": "{ broken }"}, 200),
        ({"query": "{ helo }"}, 400),
        ({"query": "{"}, 400),
        ({"query": "query a { hello } query b { hello }"}, 400),
        ({"query": "query a { hello }", "operationName": "b"}, 400),
        ({"query": "query ($n: Int!) { hello(times: $n) }"}, 400),
    ],
)
async def test_the_status_tells_whether_anything_was_executed(
    client: httpx.AsyncClient, body: dict[str, Any], status: int
) -> None:
    newer = await client.post("/graphql", json=body, headers={"accept": GRAPHQL})
    older = await client.post("/graphql", json=body)
    assert newer.status_code == status
    assert older.status_code == 200
    assert ("data" in newer.json()) == ("data" in older.json()) == (status == 200)


async def test_every_answer_is_marked(client: httpx.AsyncClient) -> None:
    for response in (
        await client.post("/graphql", json={"query": "{ hello }"}),
        await client.post("/graphql", content=b""),
        await client.put("/graphql"),
    ):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


async def test_the_request_id_of_the_outer_layer_is_kept(witness: Witness) -> None:
    inner = make_app(witness)

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["request_id"] = "given-by-the-proxy"
        await inner(scope, receive, send)

    async with client_of(outer) as client:
        response = await client.post("/graphql", json={"query": "{ broken }"})
    assert response.headers["x-request-id"] == "given-by-the-proxy"
    assert response.json()["errors"][0]["extensions"]["requestId"] == "given-by-the-proxy"


# ---------------------------------------------------------------------------------------------------- going wrong


async def test_a_fault_of_ours_is_masked_and_logged_without_values(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await client.post(
            "/graphql",
            json={"query": "query Q($s: String!) { broken(secret: $s) }", "variables": {"s": SECRET}},
        )
    answer = response.json()
    request_id = response.headers["x-request-id"]
    assert answer == {
        "errors": [
            {
                "message": f"Internal error. When asking for help, quote the request id {request_id}.",
                "locations": [{"line": 1, "column": 24}],
                "path": ["broken"],
                "extensions": {"code": "INTERNAL", "requestId": request_id},
            }
        ],
        "data": {"broken": None},
    }
    (entry,) = logs
    assert (entry["event"], entry["request_id"], entry["operation"]) == ("graphql.fault", request_id, "Q")
    assert entry["error"] == "ValueError"
    assert "small_portal.py" in entry["trace"]
    assert SECRET not in str(logs) + response.text


async def test_no_context_no_answer_and_no_address_of_the_database(client: httpx.AsyncClient, witness: Witness) -> None:
    witness.failing = True
    with structlog.testing.capture_logs() as logs:
        response = await client.post("/graphql", json={"query": "{ hello }"})
    assert response.status_code == 500
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert logs[0]["error"] == "ConnectionError"
    assert "hunter2" not in str(logs) + response.text


async def test_an_answer_that_json_cannot_hold_is_a_fault(client: httpx.AsyncClient) -> None:
    answer = await ask(client, "{ unsendable }")
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"


async def test_what_the_client_can_mend_is_said(client: httpx.AsyncClient) -> None:
    (error,) = (await ask(client, "{ page(first: 1000) }"))["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("A page has 100 entries at most.", "BAD_USER_INPUT")
    assert error["path"] == ["page"]
    query = "query ($n: Int = 2) { hello(times: $n) page }"
    answer = await ask(client, query, variables={"n": None})
    assert answer["errors"][0]["message"] == "Argument 'times' has a value that it cannot take."
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"username": "a"}, "Variable '$input': the required field 'password' is missing."),
        ({"username": "a", "password": 17}, "Variable '$input' at .password: expected a value of type 'String!'."),
        ({"username": "a", "password": [SECRET]}, "Variable '$input' at .password: expected a value of type"),
        ({"username": "a", "password": SECRET, "born": SECRET}, "Variable '$input' at .born: expected a value of"),
        ({"username": "a", "password": SECRET, "shade": SECRET}, "Variable '$input' at .shade: expected a value of"),
        ({"username": "a", "password": SECRET, "more": [1, SECRET]}, "Variable '$input' at .more[1]: expected a"),
        ({"username": "a", "password": SECRET, "shadow": 1}, "Variable '$input': 'LoginInput' has no field 'shadow'."),
        (
            {"username": "a", "password": SECRET, SECRET: 1},
            "Variable '$input': expected a value of type 'LoginInput!'.",
        ),
        (SECRET, "Variable '$input': expected a value of type 'LoginInput!'."),
        (None, "Variable '$input': expected a value of type 'LoginInput!'."),
    ],
)
async def test_wrong_variables_are_named_and_not_quoted(
    client: httpx.AsyncClient, witness: Witness, given: Any, said: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await ask(client, LOGIN, variables={"input": given})
    assert answer["errors"][0]["message"].startswith(said)
    assert answer["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}
    assert answer["errors"][0]["locations"] == [{"line": 1, "column": 11}]
    assert SECRET not in json.dumps(answer) + str(logs)
    assert witness.logins == 0


async def test_a_thousand_wrong_variables_are_not_listed(client: httpx.AsyncClient) -> None:
    given = {"username": "a", "password": "b", "more": ["x"] * 1000}
    answer = await ask(client, LOGIN, variables={"input": given})
    assert len(answer["errors"]) == 20


async def test_who_takes_too_long_is_given_up(witness: Witness) -> None:
    async with client_of(make_app(witness, seconds=0.05)) as client:
        response = await client.post("/graphql", json={"query": "{ slow }"})
    assert response.status_code == 503
    assert response.json()["errors"][0]["extensions"]["code"] == "TIMED_OUT"
    assert "data" not in response.json()
    assert witness.cancelled, "the work is stopped too"


async def test_who_asks_is_looked_up_only_for_a_document_in_order(client: httpx.AsyncClient, witness: Witness) -> None:
    for query in ("{ helo }", "{", "query a { hello } query b { hello }", "{ " + "hello " * 600 + "}"):
        await ask(client, query)
    assert witness.contexts == 0
    await ask(client, "{ hello }")
    assert witness.contexts == 1


async def test_requests_run_side_by_side(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(ask(client, "{ hello me { name } }") for _ in range(50)))
    assert all(answer == {"data": {"hello": "hello world", "me": {"name": "Maria"}}} for answer in answers)


# ---------------------------------------------------------------------------------------------------- the console


async def page_of(app: Starlette | ASGIApp) -> httpx.Response:
    async with client_of(app) as client:
        return await client.get("/graphql", headers={"accept": "text/html,application/xml;q=0.9,*/*;q=0.8"})


async def test_a_browser_is_shown_the_console_where_it_is_on(witness: Witness) -> None:
    response = await page_of(make_app(witness, console=True))
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.findall(r"(?:https?:)?//[a-z]", response.text), "nothing comes from elsewhere"
    assert not re.findall(r"\s(?:style|on\w+)=", response.text), "nothing that the policy would block"
    assert (await page_of(make_app(witness))).status_code == 400, "off, it is a query that is missing"


async def test_the_console_can_read_the_schema(witness: Witness) -> None:
    page = (await page_of(make_app(witness, console=True))).text
    (query,) = re.findall(r"INTROSPECTION = `(.*?)`", page, re.DOTALL)
    async with client_of(make_app(witness, introspection=True)) as client:
        answer = await ask(client, query)
    assert "errors" not in answer
    assert "Person" in {type_["name"] for type_ in answer["data"]["__schema"]["types"]}

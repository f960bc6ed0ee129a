"""What a server writes about its work: enough to find out what happened, and nothing about people."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import asyncpg
import httpx
import pytest

from app.embedded import Cluster
from tests import documents
from tests.conftest import TEMPLATE
from tests.servers import REPOSITORY, Server

USERNAME, PASSWORD = "maria.quimby-logged", "lantern orchard seven kites"
ADDRESS, AGENT, REFERER = "203.0.113.77", "Marias-Phone/1.0", "https://family-quimby.example.org/"
NUMBER, BORN, SSN = "0041207", "2013-04-09", "520-45-6001"
TOKEN = "pas_" + "x" * 43

#: Starts a server with these settings; gives it and the address of its database.
Start = Callable[..., AbstractContextManager[tuple[Server, str]]]


@pytest.fixture(scope="module")
def started(cluster: Cluster, worker_id: str, keys_text: str, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts servers, each on a database of its own."""
    serial = count()

    @contextmanager
    def start(**settings: str) -> Iterator[tuple[Server, str]]:
        name = f"portal_logs_{worker_id}_{next(serial)}"
        cluster.create_database(name, template=TEMPLATE)
        url = cluster.url_for(name)
        try:
            with Server(url, keys_text, tmp_path_factory.mktemp("logs"), **settings) as server:
                yield server.ready(), url
        finally:
            cluster.drop_database(name)

    return start


def send(server: Server, document: str, **input: str | dict[str, str]) -> httpx.Response:  # noqa: A002
    headers = {
        **{"X-Forwarded-For": ADDRESS, "User-Agent": AGENT, "Referer": REFERER, "Accept-Language": "es-quimby"},
        "Authorization": f"Bearer {TOKEN}",
    }
    body = {"query": document, "variables": {"input": input}}
    return httpx.post(f"{server.url}/graphql", json=body, headers=headers, timeout=60)


def probe(server: Server, name: str) -> httpx.Response:
    return httpx.get(f"{server.url}/{name}", timeout=60)


@dataclass(frozen=True)
class Day:
    """What was asked of a server, and all that it wrote until it stopped."""

    answers: list[httpx.Response]
    log: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines()]

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == "request"]


@pytest.fixture(scope="module")
def day(started: Start) -> Day:
    """A server with logs for machines, after it has answered the probes and every kind of request."""
    with started(log_format="json") as (running, _):
        answers = [
            send(running, documents.LOGIN, username=USERNAME, password=PASSWORD),
            send(running, documents.REQUEST_KEY, studentNumber=NUMBER, studentBirthDate=BORN, studentSsn=SSN),
            send(running, "query MariaQuimby { me { name { display } } }"),
            httpx.get(f"{running.url}/graphql", params={"query": f'{{ node(id: "{USERNAME}") {{ id }} }}'}),
            httpx.get(f"{running.url}/graphql/{USERNAME}", params={"ssn": SSN}),
            httpx.get(f"{running.url}/%0A{USERNAME}"),
            httpx.post(f"{running.url}/graphql", content=f"username={USERNAME}"),
            probe(running, "readyz"),
            probe(running, "healthz"),
        ]
        running.stop()
        return Day(answers, running.log)


def test_each_request_is_one_line_of_json_and_so_is_everything_else(day: Day) -> None:
    asked = day.answers[:-2]
    assert [line["status"] for line in day.requests] == [answer.status_code for answer in asked]
    assert [answer.status_code for answer in asked] == [200, 200, 200, 200, 404, 404, 415]
    assert [line["method"] for line in day.requests] == ["POST", "POST", "POST", "GET", "GET", "GET", "POST"]
    assert len(day.lines) > len(day.requests)
    for line in day.lines:
        assert line["level"] in {"info", "warning", "error"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])


def test_the_line_has_what_the_documents_show(day: Day) -> None:
    document = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```json\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    assert {frozenset(line) for line in day.requests} == {frozenset(json.loads(shown))}


def test_the_request_id_of_a_line_is_the_one_that_the_client_got(day: Day) -> None:
    given = [answer.headers.get("X-Request-Id") for answer in day.answers]
    written = [line["request_id"] for line in day.requests]
    assert len(set(written)) == len(written)
    assert [one for one in given if one] == [line["request_id"] for line in day.requests if line["path"] == "/graphql"]


def test_only_paths_that_are_served_are_written_down(day: Day) -> None:
    assert [line["path"] for line in day.requests] == [*["/graphql"] * 4, "elsewhere", "elsewhere", "/graphql"]


def test_nothing_that_a_client_sent_is_in_the_log(day: Day) -> None:
    planted = [USERNAME, PASSWORD, ADDRESS, AGENT, REFERER, NUMBER, BORN, SSN, TOKEN, "127.0.0.1", "Quimby"]
    assert [word for word in planted if word.casefold() in day.log.casefold()] == []


def test_probes_that_succeed_are_not_worth_a_line(day: Day) -> None:
    assert [answer.json() for answer in day.answers[-2:]] == [{"status": "ready"}, {"status": "alive"}]
    assert "readyz" not in day.log
    assert "healthz" not in day.log


async def test_a_fault_is_found_by_the_id_that_the_client_quotes_and_tells_no_values(started: Start) -> None:
    with started(log_format="json") as (server, url):
        connection = await asyncpg.connect(url)
        await connection.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'about %', NEW USING SCHEMA = 'public', TABLE = 'attempt_budget'; END $$"
        )
        await connection.execute(
            "CREATE TRIGGER fail BEFORE INSERT ON attempt_budget FOR EACH ROW EXECUTE FUNCTION fail()"
        )
        await connection.close()
        answer = send(server, documents.LOGIN, username=USERNAME, password=PASSWORD)
        server.stop()
        day = Day([answer], server.log)
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    (fault,) = (line for line in day.lines if line["event"] == "graphql.fault")
    assert error["extensions"]["requestId"] == fault["request_id"] == day.requests[0]["request_id"]
    assert fault["request_id"] in error["message"]
    assert (fault["operation"], fault["path"], fault["level"]) == ("Login", ["login"], "error")
    assert "in log_in" in fault["trace"]
    assert "table_name=attempt_budget" in fault["trace"]
    assert "about" not in day.log
    assert USERNAME not in day.log


async def test_a_database_that_goes_away_shows_in_the_probe_and_the_portal_finds_it_again(
    started: Start, cluster: Cluster
) -> None:
    with started(log_format="json", database_pool="2") as (server, url):
        keeper = await asyncpg.connect(cluster.url_for("postgres"))
        name = url.partition("?")[0].rpartition("/")[2]
        try:
            await keeper.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            await keeper.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
            away = probe(server, "readyz")
            assert (away.status_code, away.json()) == (503, {"status": "not ready"})
            assert probe(server, "healthz").status_code == 200
            for _ in range(4):
                answer = send(server, documents.LOGIN, username=USERNAME, password=PASSWORD)
                assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
            await keeper.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        finally:
            await keeper.close()
        for _ in range(4):
            assert probe(server, "readyz").status_code == 200
            answer = send(server, documents.LOGIN, username=USERNAME, password=PASSWORD)
            assert answer.json()["data"]["login"]["__typename"] == "WrongCredentials"
        server.stop()
        probes = [line for line in Day([], server.log).requests if line["path"] == "/readyz"]
    assert [line["status"] for line in probes] == [503]


def test_people_get_lines_to_read_and_no_more_than_they_asked_for(started: Start) -> None:
    with started(log_format="text", log_level="warning") as (running, _):
        send(running, documents.LOGIN, username=USERNAME, password=PASSWORD)
        running.stop()
        assert running.log == ""
    with started(log_format="text", log_level="debug") as (running, _):
        answer = send(running, documents.LOGIN, username=USERNAME, password=PASSWORD)
        probe(running, "healthz")
        running.stop()
        (line,) = (line for line in running.log.splitlines() if "path=/graphql" in line)
        assert f"request_id={answer.headers['X-Request-Id']}" in line
        assert "status=200" in line
        assert "path=/healthz" in running.log
        assert "\x1b[" not in running.log
        assert USERNAME not in running.log

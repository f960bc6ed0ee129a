"""A front end, as the tests see the portal: GraphQL over HTTP, and what the answers say."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle, islice
from types import TracebackType
from typing import Any, Self

import httpx
from starlette.applications import Starlette

from tests import documents

Answer = dict[str, Any]


class Portal:
    """Talks to one application, in this process; holds the session of whoever is signed in through it."""

    def __init__(self, app: Starlette | None = None, *, url: str | None = None, address: str = "198.51.100.7") -> None:
        """`app` is served in this process; `url` names a running server instead, which is told the address."""
        self.app, self.url = app, url
        self.http = httpx.AsyncClient(
            # No certificates are read for addresses that have none: it takes longer than many a test.
            transport=httpx.ASGITransport(app, client=(address, 50_000))
            if app
            else httpx.AsyncHTTPTransport(verify=False),
            base_url=url or "http://portal.test",
            headers={"X-Forwarded-For": address} if url else {},
            timeout=60,
        )
        self.token: str | None = None
        self.device_token: str | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self.app is not None:
            await self._stack.enter_async_context(self.app.router.lifespan_context(self.app))
        await self._stack.enter_async_context(self.http)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def post(
        self, query: str, variables: Mapping[str, Any] | None = None, *, token: str | None = None
    ) -> httpx.Response:
        """One request, as it goes over the wire."""
        bearer = token or self.token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return await self.http.post("/graphql", json={"query": query, "variables": variables or {}}, headers=headers)

    async def ask(self, query: str, variables: Mapping[str, Any] | None = None, *, token: str | None = None) -> Answer:
        """The data of an answer without errors."""
        response = await self.post(query, variables, token=token)
        answer = response.json()
        assert response.status_code == 200, answer
        assert "errors" not in answer, answer
        data: Answer = answer["data"]
        return data

    async def do(self, document: str, input: Mapping[str, Any] | None = None) -> Answer:  # noqa: A002
        """The result of a mutation with one `input`: a member of its union, by `__typename`."""
        return await self.do_as(None, document, input)

    async def do_as(self, token: str | None, document: str, input: Mapping[str, Any] | None = None) -> Answer:  # noqa: A002
        """As `do`, through another session than one's own."""
        data = await self.ask(document, {"input": input} if input is not None else None, token=token)
        (result,) = data.values()
        answer: Answer = result
        return answer

    async def wire(self, document: str, **input: Any) -> bytes:  # noqa: A002
        """The answer to a mutation as it goes over the wire, for comparing it with another one."""
        response = await self.post(document, {"input": input})
        assert response.status_code == 200, response.text
        return response.content

    # -------------------------------------------------------------------------------------------- journeys
    async def request_key(self, student_number: str, birth_date: str, ssn: str, **more: Any) -> Answer:
        proofs = {"studentNumber": student_number, "studentBirthDate": birth_date, "studentSsn": ssn}
        return await self.do(documents.REQUEST_KEY, proofs | more)

    async def check_key(self, key: str) -> Answer:
        return await self.do(documents.CHECK_KEY, {"key": key})

    async def activate(self, key: str, username: str, password: str, **more: Any) -> Answer:
        choice = {"key": key, "username": username, "password": password, "verifyPassword": password}
        return await self.do(documents.ACTIVATE, choice | more)

    async def login(self, username: str, password: str, **more: Any) -> Answer:
        """Signs in; on success, later requests are this person's."""
        answer = await self.do(documents.LOGIN, {"username": username, "password": password} | more)
        if answer["__typename"] == "LoggedIn":
            self.token, self.device_token = answer["session"]["token"], answer["session"]["deviceToken"]
        return answer

    async def me(self, *, token: str | None = None) -> Answer | None:
        me: Answer | None = (await self.ask(documents.ME, token=token))["me"]
        return me

    async def students(self, *, token: str | None = None) -> list[str]:
        """The ids of the students whom one sees; none for nobody."""
        me = (await self.ask(documents.STUDENTS, token=token))["me"]
        return [student["id"] for student in me["students"]] if me else []

    async def node(self, node_id: str, *, token: str | None = None) -> Answer | None:
        node: Answer | None = (await self.ask(documents.NODE, {"id": node_id}, token=token))["node"]
        return node


@asynccontextmanager
async def crowd(size: int, *portals: Portal) -> AsyncIterator[list[Portal]]:
    """So many clients, each at an address of its own, spread over what these portals talk to."""
    clients = [
        Portal(portal.app, url=portal.url, address=f"203.0.113.{number}")
        for number, portal in enumerate(islice(cycle(portals), size))
    ]
    try:
        yield clients
    finally:
        for client in clients:
            await client.http.aclose()

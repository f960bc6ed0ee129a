"""Service clients for the tests: made as the operator makes them, and shown as each kind shows itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import httpx

from db.context import Role
from db.models import ClientKind, School
from resolvers.client_desk import WantedClient, add_client
from resolvers.service_clients import CLIENT_HEADER
from tests.clients import Portal
from tests.district import Adult, District, Pupil

ROLES = "{ me { roles } }"
ORIGIN = "https://families.example.org"


@dataclass(frozen=True)
class Program:
    """A client, with what only it has: its key, or the id by which a public one says which it is."""

    id: int
    name: str
    kind: ClientKind
    public_id: str
    key: str

    @property
    def shown(self) -> dict[str, str]:
        """The header by which it shows itself."""
        if self.kind is ClientKind.REPORTING:
            return {"Authorization": f"Bearer {self.key}"}
        return {CLIENT_HEADER: self.key or self.public_id}


async def program(
    district: District,
    kind: ClientKind,
    *,
    name: str = "The program",
    roles: Iterable[Role] = (),
    schools: Iterable[School] = (),
    origins: Iterable[str] = (),
    lifetime: timedelta | None = None,
) -> Program:
    """A new client of the district."""
    wanted = WantedClient(name, kind, tuple(roles), tuple(schools), tuple(origins), lifetime)
    client, issued = await add_client(district.ctx, wanted)
    return Program(client.id, client.name, kind, client.public_id, issued.key if issued else "")


async def one_of_each(district: District) -> dict[ClientKind, Program]:
    """One of each kind, named like it."""
    origins = {ClientKind.PORTAL_FRONT_END: [ORIGIN]}
    return {kind: await program(district, kind, name=kind, origins=origins.get(kind, ())) for kind in ClientKind}


async def open_family(district: District) -> tuple[Adult, Pupil, School]:
    """Maria and Nora, with open accounts; and Dana, designee at Nora's school."""
    school = await district.school()
    nora = await district.student(school=school)
    maria = await district.guardian(nora)
    await district.opened(maria, "maria.q")
    await district.opened(nora, "nora.q")
    await district.opened(await district.staff(Role.DESIGNEE, school), "dana.ito")
    return maria, nora, school


async def sent(portal: Portal, query: str = ROLES, **headers: str) -> httpx.Response:
    """One request with these headers and no others that say who asks; a line for a dash."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await portal.http.post("/graphql", json={"query": query}, headers=named)


def is_refused(answer: httpx.Response) -> bool:
    """Whether the client was not accepted, with all that belongs to it; a request that was answered is not refused."""
    if answer.status_code == 200:
        return False
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="Portal Access"'
    [error] = answer.json()["errors"]
    assert error["extensions"] == {"code": "CLIENT_NOT_ACCEPTED"}
    assert "data" not in answer.json()
    return True

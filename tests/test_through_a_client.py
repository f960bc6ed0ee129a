"""What somebody may do through a service client is what both may; a session that was opened through one is its own."""

from datetime import timedelta

import pytest

from db.context import Role
from db.models import Account, ClientKind, RoleAssignment, School, Session, TrailEntry
from resolvers.client_desk import revoke_client, rotate_key
from resolvers.service_clients import CLIENT_HEADER
from schema.nodes import global_id
from tests import documents
from tests.clients import Portal
from tests.district import PASSWORD, Adult, District, Pupil
from tests.service_clients import ROLES, is_refused, open_family, program, sent
from tests.test_work_orders import OPEN

SEEN = "{ accounts(filter: {capacity: STUDENT}) { edges { node { schools { name } } } } }"


@pytest.fixture
async def family(district: District) -> tuple[Adult, Pupil, School]:
    return await open_family(district)


# ------------------------------------------------------------------------------------------------ both may
@pytest.mark.parametrize("roles", [{Role.DESIGNEE}, {Role.REGISTRAR}, {Role.DESIGNEE, Role.REGISTRAR}])
async def test_through_a_tool_a_member_of_staff_is_what_both_are_role_by_role_and_school_by_school(
    portal: Portal, district: District, roles: set[Role]
) -> None:
    """Each set of posts x each set of the tool's schools, held against plain sets of (role, school)."""
    schools = [await district.school(name) for name in ("Eastside", "Westside")]
    for school in schools:
        await district.student(school.name, school=school)
    dana = await district.staff(Role.REPORTER, schools[0])
    await district.opened(dana, "dana.ito")
    await portal.login("dana.ito", PASSWORD)
    tools = {
        places: await program(district, ClientKind.DESIGNEE_TOOL, name=f"Tool {places}", roles=roles, schools=where)
        for places, where in (("all", []), ("east", schools[:1]), ("west", schools[1:]), ("both", schools))
    }
    posts: list[list[tuple[Role, School | None]]] = [
        [(Role.DESIGNEE, schools[0])],
        [(Role.DESIGNEE, None)],
        [(Role.DESIGNEE, schools[0]), (Role.REGISTRAR, schools[1])],
        [(Role.REGISTRAR, None), (Role.REGISTRAR, schools[0])],
        [(Role.REPORTER, None), (Role.ADMINISTRATOR, None), (Role.DESIGNEE, schools[1])],
        [(Role.REPORTER, None)],
    ]
    for held in posts:
        await RoleAssignment.all().delete()
        for role, at in held:
            await RoleAssignment.create(person_id=dana.id, role=role, school_id=at.id if at else None)
        for places, tool in tools.items():
            left = _everywhere(held, schools) & _everywhere(
                [(role, at) for role in roles for at in _places(places, schools)], schools
            )
            portal.http.headers[CLIENT_HEADER] = tool.key
            me = (await portal.ask(ROLES))["me"]
            assert set(me["roles"] if me else ()) == {role.name for role, _ in left}, (held, places)
            edges = (await portal.ask(SEEN))["accounts"]["edges"]
            seen = sorted(school["name"] for edge in edges for school in edge["node"]["schools"])
            assert seen == sorted({name for _, name in left}), (held, places)


def _places(word: str, schools: list[School]) -> list[School | None]:
    places: dict[str, list[School | None]] = {
        "all": [None],
        "east": [schools[0]],
        "west": [schools[1]],
        "both": [*schools],
    }
    return places[word]


def _everywhere(held: list[tuple[Role, School | None]], schools: list[School]) -> set[tuple[Role, str]]:
    """Each role at each school by name; one in the district is one at each."""
    return {(role, school.name) for role, at in held for school in schools if at is None or at.id == school.id}


@pytest.mark.usefixtures("family")
@pytest.mark.parametrize(
    ("kind", "roles", "signed_in"),
    [
        (None, (), {"maria.q", "nora.q", "dana.ito"}),
        (ClientKind.PORTAL_FRONT_END, (), {"maria.q", "nora.q"}),
        (ClientKind.PORTAL_FRONT_END, (Role.GUARDIAN,), {"maria.q"}),
        (ClientKind.PORTAL_FRONT_END, (Role.STUDENT,), {"nora.q"}),
        (ClientKind.DESIGNEE_TOOL, (), {"dana.ito"}),
        (ClientKind.DESIGNEE_TOOL, (Role.REGISTRAR,), set()),
    ],
)
async def test_whoever_has_no_right_through_a_client_does_not_get_in_by_it_and_sees_nothing_through_it(
    portal: Portal, district: District, kind: ClientKind | None, roles: tuple[Role, ...], signed_in: set[str]
) -> None:
    shown = (await program(district, kind, roles=roles)).shown if kind else {}
    before = {}
    for username in ("maria.q", "nora.q", "dana.ito"):
        await portal.login(username, PASSWORD)
        before[username] = str(portal.token)
    portal.token = None
    portal.http.headers.update(shown)
    for username, token in before.items():
        # With a session from elsewhere, and with the right password.
        me = (await portal.ask("{ me { roles students { id } } }", token=token))["me"]
        answer = await portal.login(username, PASSWORD)
        if username in signed_in:
            assert answer["__typename"] == "LoggedIn"
            assert me["roles"] == answer["me"]["roles"] != []
        else:
            assert (answer["__typename"], answer["missing"]) == ("NotAllowed", ["CLIENT"])
            assert me is None
        assert bool(me and me["students"]) == (username in signed_in - {"dana.ito"})
        assert (await portal.login(username, "wrong"))["__typename"] == "WrongCredentials"


async def test_a_reporting_client_asks_by_itself_at_its_schools_and_is_nobody_who_is_signed_in(
    portal: Portal, district: District, family: tuple[Adult, Pupil, School]
) -> None:
    *_, school = family
    other = await district.school("Westside")
    await district.student("Theo", school=other)
    everywhere = await program(district, ClientKind.REPORTING, name="All")
    here = await program(district, ClientKind.REPORTING, name="Here", schools=[school])
    for one, names in ((everywhere, {school.name, other.name}), (here, {school.name})):
        portal.token = one.key
        edges = (await portal.ask(SEEN))["accounts"]["edges"]
        assert {place["name"] for edge in edges for place in edge["node"]["schools"]} == names
        assert await portal.me() is None
        assert (await portal.do(documents.LOGOUT))["missing"] == ["SIGNED_IN"]
    # Nobody signs in to it either, not even somebody who has its role.
    await district.opened(await district.staff(Role.REPORTER), "ray.p")
    for username in ("ray.p", "dana.ito", "maria.q"):
        assert (await portal.login(username, PASSWORD))["missing"] == ["CLIENT"]
    assert await Session.all().count() == 0
    assert await Account.filter(last_login_at__isnull=False).count() == 0


# ------------------------------------------------------------------------------------------------ a client's sessions
@pytest.mark.usefixtures("family")
@pytest.mark.parametrize(
    ("kind", "username"), [(ClientKind.DESIGNEE_TOOL, "dana.ito"), (ClientKind.PORTAL_FRONT_END, "maria.q")]
)
async def test_a_session_that_was_opened_through_a_client_is_good_with_that_one_alone(
    portal: Portal, district: District, kind: ClientKind, username: str
) -> None:
    mine, other = [await program(district, kind, name=name) for name in ("Mine", "Other")]
    portal.http.headers.update(mine.shown)
    await portal.login(username, PASSWORD)
    assert (await Session.get()).service_client_id == mine.id
    assert await portal.me() is not None
    portal.http.headers.update(other.shown)
    assert await portal.me() is None
    del portal.http.headers[CLIENT_HEADER]
    assert await portal.me() is None
    portal.http.headers.update(mine.shown)
    if mine.key:
        # It is the client's and not the key's: with the next key it goes on.
        _, issued = await rotate_key(district.ctx, "Mine", overlap=timedelta())
        assert is_refused(await sent(portal, Authorization=f"Bearer {portal.token}", Portal_Client=mine.key))
        portal.http.headers[CLIENT_HEADER] = issued.key
    assert await portal.me() is not None


@pytest.mark.usefixtures("family")
async def test_when_a_client_is_revoked_its_sessions_end_and_are_shown_no_more(
    portal: Portal, district: District
) -> None:
    one = await program(district, ClientKind.PORTAL_FRONT_END)
    await portal.login("maria.q", PASSWORD)
    before = portal.token
    portal.http.headers.update(one.shown)
    await portal.login("maria.q", PASSWORD)
    sessions = (await portal.ask("{ me { sessions { id } } }"))["me"]["sessions"]
    assert len(sessions) == 2
    await revoke_client(district.ctx, one.name)
    assert is_refused(await portal.post(ROLES))
    del portal.http.headers[CLIENT_HEADER]
    assert await portal.me() is None
    left = (await portal.ask("{ me { sessions { id } } }", token=before))["me"]["sessions"]
    assert left == [session for session in sessions if session in left]
    assert len(left) == 1


async def test_an_activation_through_a_client_opens_a_session_of_that_client_and_a_retry_elsewhere_gets_none(
    portal: Portal, district: District
) -> None:
    nora = await district.student(school=await district.school())
    await district.guardian(nora)
    key = (await portal.request_key(*nora.proofs))["key"]
    tool = await program(district, ClientKind.DESIGNEE_TOOL, name="Tool")
    mine, other = [await program(district, ClientKind.PORTAL_FRONT_END, name=name) for name in ("Mine", "Other")]
    retry = {"idempotencyKey": "0f9d3f0c-6f6e-4a8e-9d5a-5b7c1f1f7a11"}
    # A key of somebody whom the client is not for opens nothing through it, and stays good.
    portal.http.headers.update(tool.shown)
    assert (await portal.activate(key, "maria.q", PASSWORD))["__typename"] == "KeyNotAccepted"
    portal.http.headers.update(mine.shown)
    opened = await portal.activate(key, "maria.q", PASSWORD, **retry)
    assert opened["__typename"] == "AccountActivated"
    assert (await Session.get()).service_client_id == mine.id
    again = await portal.activate(key, "maria.q", PASSWORD, **retry)
    assert again["session"]["token"] == opened["session"]["token"]
    portal.http.headers.update(other.shown)
    assert (await portal.activate(key, "maria.q", PASSWORD, **retry))["__typename"] == "KeyNotAccepted"
    del portal.http.headers[CLIENT_HEADER]
    assert (await portal.activate(key, "maria.q", PASSWORD, **retry))["__typename"] == "KeyNotAccepted"
    assert await portal.me(token=opened["session"]["token"]) is None


@pytest.mark.usefixtures("family")
async def test_what_is_done_through_a_client_is_in_the_trail_with_its_number(
    portal: Portal, district: District
) -> None:
    one = await program(district, ClientKind.PORTAL_FRONT_END)
    portal.http.headers.update(one.shown)
    await portal.login("maria.q", PASSWORD)
    await portal.login("maria.q", "wrong")
    entries = await TrailEntry.filter(step="session:login")
    assert [entry.details["service_client"] for entry in entries] == [one.id, one.id]


async def test_through_a_tool_for_some_schools_a_registrars_own_work_orders_are_of_those_schools_too(
    portal: Portal, district: District
) -> None:
    here, there = [await district.school(name) for name in ("Eastside", "Westside")]
    rita = await district.staff(Role.REGISTRAR, given="Rita")
    await district.opened(rita, "rita.v")
    await portal.login("rita.v", PASSWORD)
    orders = {}
    for school in (here, there):
        student = global_id("Student", (await district.student(school.name, school=school)).id)
        opened = await portal.do(OPEN, {"problem": "Not to be seen.", "studentId": student})
        orders[school.name] = opened["workOrder"]["id"]
    for schools in ([here], [there], [here, there], []):
        tool = await program(
            district, ClientKind.DESIGNEE_TOOL, name=f"Tool {schools}", roles=[Role.REGISTRAR], schools=schools
        )
        portal.http.headers.update(tool.shown)
        expected = {orders[school.name] for school in schools or (here, there)}
        edges = (await portal.ask("{ workOrders { edges { node { id } } } }"))["workOrders"]["edges"]
        assert {edge["node"]["id"] for edge in edges} == expected
        assert {order for order in orders.values() if await portal.node(order)} == expected

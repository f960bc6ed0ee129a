"""What is taken away is gone with the next request: in the process that took it, and in every other one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from db.models import (
    Account,
    AccountStatus,
    AttendanceEvent,
    ClientKind,
    DisabledReason,
    Grade,
    Guardianship,
    GuardianshipStatus,
    Restriction,
    Session,
    Student,
)
from resolvers.client_desk import revoke_client, rotate_key
from resolvers.service_clients import CLIENT_HEADER
from schema.nodes import global_id
from tests import documents
from tests.clients import Portal
from tests.conftest import Clock
from tests.district import PASSWORD, Adult, District, Pupil
from tests.servers import Server
from tests.service_clients import ORIGIN, program

NEW = "copper violin thirty meadows"


@pytest.fixture
def clock() -> Clock:
    """The real time: the other process has no other."""
    return Clock(datetime.now(UTC))


@pytest.fixture(scope="module")
def server(database_url: str, keys_text: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A second process on the same database."""
    with Server(database_url, keys_text, tmp_path_factory.mktemp("server")) as running:
        yield running.ready()


@pytest.fixture
async def elsewhere(portal: Portal, server: Server) -> AsyncIterator[Portal]:
    """A client of that process."""
    async with server.portal() as client:
        yield client


@dataclass
class Family:
    """A guardian with one child, signed in once; the session is sent to both processes."""

    guardian: Adult
    child: Pupil
    #: The child, a grade and an attendance event.
    ids: tuple[str, str, str]
    clients: tuple[Portal, Portal]

    async def seen(self) -> set[bool]:
        """Whether the child is there, by every way of asking, in both processes: {True}, {False}, or it leaks."""
        found = set()
        for client in self.clients:
            found.add(await client.students() == [self.ids[0]])
            found |= {await client.node(node_id) is not None for node_id in self.ids}
        return found

    async def signed_in(self) -> set[bool]:
        """Whether the session is somebody's, in both processes."""
        return {await client.me() is not None for client in self.clients}


@pytest.fixture
async def family(portal: Portal, elsewhere: Portal, district: District) -> Family:
    school = await district.school()
    child = await district.student(school=school, born=date(datetime.now(UTC).year - 10, 1, 1))
    guardian = await district.guardian(child)
    await district.records(child, school, grades=1, events=1)
    await district.opened(guardian, "maria.q")
    await portal.login("maria.q", PASSWORD)
    elsewhere.token = portal.token
    ids = (
        global_id("Student", child.id),
        global_id("Grade", (await Grade.get()).id),
        global_id("AttendanceEvent", (await AttendanceEvent.get()).id),
    )
    family = Family(guardian, child, ids, (portal, elsewhere))
    assert await family.seen() == {True}
    return family


# ------------------------------------------------------------------------------------------------ sight of a student
async def guardianship_revoked(district: District, family: Family) -> None:
    await Guardianship.all().update(status=GuardianshipStatus.REVOKED, revoked_at=district.ctx.now)


async def confirmation_taken_back(district: District, family: Family) -> None:
    await Guardianship.all().update(status=GuardianshipStatus.CLAIMED)


async def guardianship_restricted(district: District, family: Family) -> None:
    await district.restrict(family.guardian, family.child)


async def portal_mark_lifted(district: District, family: Family) -> None:
    await Guardianship.all().update(portal_access=False)


async def rights_passed_to_the_student(district: District, family: Family) -> None:
    today = district.ctx.today
    await Student.all().update(birth_date=date(today.year - 19, 1, 1))


async def guardianship_gone(district: District, family: Family) -> None:
    await Guardianship.all().delete()


LOST: list[Callable[[District, Family], Awaitable[None]]] = [
    guardianship_revoked,
    confirmation_taken_back,
    guardianship_restricted,
    portal_mark_lifted,
    rights_passed_to_the_student,
    guardianship_gone,
]


@pytest.mark.parametrize("lost", LOST, ids=lambda change: change.__name__)
async def test_the_next_request_sees_no_student_any_more_in_either_process(
    district: District, family: Family, lost: Callable[[District, Family], Awaitable[None]]
) -> None:
    await lost(district, family)
    assert await family.seen() == {False}
    assert await family.signed_in() == {True}


async def test_a_restriction_that_is_lifted_is_lifted_at_once(district: District, family: Family) -> None:
    await district.restrict(family.guardian, family.child)
    assert await family.seen() == {False}
    await Restriction.all().update(lifted_at=district.ctx.now)
    assert await family.seen() == {True}


async def test_a_key_that_was_given_out_before_opens_nothing_after(
    district: District, portal: Portal, elsewhere: Portal, family: Family
) -> None:
    theo = await district.student("Theo")
    ada = await district.guardian(theo, given="Ada")
    key = (await elsewhere.request_key(*theo.proofs))["key"]
    assert (await portal.check_key(key))["__typename"] == "ActivationKeyGood"
    await district.restrict(ada, theo)
    for client in (portal, elsewhere):
        assert (await client.check_key(key))["__typename"] == "KeyNotAccepted"
        assert (await client.activate(key, "ada.q", PASSWORD))["__typename"] == "KeyNotAccepted"


# ------------------------------------------------------------------------------------------------ by the clock alone
async def test_on_the_eighteenth_birthday_the_student_is_gone_from_midnight_on(
    portal: Portal, district: District, clock: Clock
) -> None:
    """Midnight in Chicago, where the district is: five hours after midnight in Greenwich."""
    clock.now = datetime(2026, 10, 6, 4, 40, tzinfo=UTC)
    student = await district.student(born=date(2008, 10, 6))
    await district.opened(await district.guardian(student), "maria.q")
    await district.opened(student, "nora.q")
    await portal.login("maria.q", PASSWORD)
    clock.advance(minutes=19, seconds=59)
    assert await portal.students() == [global_id("Student", student.id)]
    clock.advance(seconds=1)
    assert await portal.students() == []
    assert await portal.node(global_id("Student", student.id)) is None
    # It is the student's own now, as it always was, and the guardian's again with the student's consent.
    await portal.login("nora.q", PASSWORD)
    assert await portal.students() == [global_id("Student", student.id)]
    await Guardianship.all().update(adult_access=True)
    await portal.login("maria.q", PASSWORD)
    assert await portal.students() == [global_id("Student", student.id)]


async def test_a_restriction_holds_from_its_first_day_to_its_last(
    portal: Portal, district: District, clock: Clock
) -> None:
    clock.now = datetime(2026, 10, 5, 17, 0, tzinfo=UTC)
    student = await district.student()
    maria = await district.guardian(student)
    await district.opened(maria, "maria.q")
    await district.restrict(maria, student, begins_on=date(2026, 10, 6), ends_on=date(2026, 10, 7))
    seen = []
    for _ in range(5):
        await portal.login("maria.q", PASSWORD)
        seen.append(len(await portal.students()))
        clock.advance(days=1)
    assert seen == [1, 0, 0, 1, 1]


# ------------------------------------------------------------------------------------------------ the session
async def session_ended_in_the_other_process(district: District, family: Family) -> None:
    _, elsewhere = family.clients
    token = elsewhere.token
    await elsewhere.login("maria.q", PASSWORD)
    sessions = (await elsewhere.ask("{ me { sessions { id current } } }"))["me"]["sessions"]
    [other] = [session["id"] for session in sessions if not session["current"]]
    assert (await elsewhere.do(documents.END_SESSION, {"sessionId": other}))["__typename"] == "SessionEnded"
    elsewhere.token = token


async def signed_out_in_this_process(district: District, family: Family) -> None:
    here, _ = family.clients
    assert (await here.do(documents.LOGOUT))["__typename"] == "LoggedOut"


async def password_changed_through_another_session_in_the_other_process(district: District, family: Family) -> None:
    _, elsewhere = family.clients
    token = elsewhere.token
    await elsewhere.login("maria.q", PASSWORD)
    changed = await elsewhere.do(
        documents.CHANGE_PASSWORD, {"current": PASSWORD, "password": NEW, "verifyPassword": NEW}
    )
    assert changed["__typename"] == "PasswordChanged"
    elsewhere.token = token


async def account_disabled(district: District, family: Family) -> None:
    await Account.filter(id=family.guardian.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )


async def account_reset(district: District, family: Family) -> None:
    await Account.filter(id=family.guardian.account_id).update(must_change_password=True)


async def session_run_out(district: District, family: Family) -> None:
    now = datetime.now(UTC)
    await Session.all().update(started_at=now - timedelta(hours=13), expires_at=now - timedelta(seconds=1))


ENDED: list[Callable[[District, Family], Awaitable[None]]] = [
    session_ended_in_the_other_process,
    signed_out_in_this_process,
    password_changed_through_another_session_in_the_other_process,
    account_disabled,
    account_reset,
    session_run_out,
]


@pytest.mark.parametrize("ended", ENDED, ids=lambda change: change.__name__)
async def test_the_next_request_is_nobodys_in_either_process(
    district: District, family: Family, ended: Callable[[District, Family], Awaitable[None]]
) -> None:
    await ended(district, family)
    assert await family.signed_in() == {False}
    assert await family.seen() == {False}


# ------------------------------------------------------------------------------------------------ the client
async def test_a_revoked_client_and_the_sessions_opened_through_it_are_refused_in_either_process(
    district: District, family: Family
) -> None:
    ctx = replace(district.ctx, now=datetime.now(UTC))
    front_end = await program(district, ClientKind.PORTAL_FRONT_END, name="Front end", origins=[ORIGIN])
    tool = await program(district, ClientKind.DESIGNEE_TOOL, name="Tool")
    reporting = await program(district, ClientKind.REPORTING, name="Reports")
    here, elsewhere = family.clients
    page = front_end.shown | {"Origin": ORIGIN}
    here.http.headers.update(front_end.shown)
    await here.login("maria.q", PASSWORD)
    for one, shown in ((front_end, page), (tool, tool.shown), (reporting, reporting.shown)):
        headers = ({"Authorization": f"Bearer {here.token}"} if one is front_end else {}) | shown
        for expected in (200, 401):
            for client in (here, elsewhere):
                client.http.headers.pop(CLIENT_HEADER, None)
                answer = await client.http.post("/graphql", json={"query": "{ me { roles } }"}, headers=headers)
                assert answer.status_code == expected
                assert ("access-control-allow-origin" in answer.headers) == (one is front_end and expected == 200)
                if one is front_end and expected == 200:
                    assert answer.json()["data"]["me"] == {"roles": ["GUARDIAN"]}
            if expected == 200:
                await revoke_client(ctx, one.name)
    elsewhere.token = here.token
    assert await family.signed_in() == {False}


async def test_a_key_that_ended_at_once_has_ended_in_either_process(district: District, family: Family) -> None:
    ctx = replace(district.ctx, now=datetime.now(UTC))
    one = await program(district, ClientKind.REPORTING)
    _, issued = await rotate_key(ctx, one.name, overlap=timedelta())
    for client in family.clients:
        for key, expected in ((one.key, 401), (issued.key, 200)):
            assert (await client.post("{ me { roles } }", token=key)).status_code == expected


async def test_a_changed_password_is_the_old_one_nowhere(district: District, family: Family) -> None:
    await password_changed_through_another_session_in_the_other_process(district, family)
    for client in family.clients:
        assert (await client.login("maria.q", PASSWORD))["__typename"] == "WrongCredentials"
        assert (await client.login("maria.q", NEW))["__typename"] == "LoggedIn"


async def test_a_disabled_account_is_disabled_everywhere_and_so_is_an_enabled_one_enabled(
    district: District, family: Family
) -> None:
    await account_disabled(district, family)
    for client in family.clients:
        assert (await client.login("maria.q", PASSWORD))["__typename"] == "AccountDisabled"
    await Account.filter(id=family.guardian.account_id).update(status=AccountStatus.ACTIVE, disabled_reason=None)
    for client in family.clients:
        assert (await client.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"

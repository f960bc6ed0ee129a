"""Changes of accounts as they happen: who is told, in which process, until when, and what a cursor brings back."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport

from db import sql
from db.context import Role
from db.feed import forget_changes, number_changes
from db.models import (
    Account,
    AccountStatus,
    ClientKey,
    ClientKind,
    DisabledReason,
    Enrolment,
    Guardianship,
    GuardianshipStatus,
    RoleAssignment,
    School,
    Session,
    TrailEntry,
)
from db.trail import Step
from resolvers.client_desk import WantedClient, add_client, revoke_client
from schema.nodes import global_id
from tests.conftest import Clock
from tests.district import PASSWORD, Adult, District, Pupil
from tests.servers import Server, two_servers
from tests.sockets import FOLLOW, PROTOCOL, Event, Socket, socket_at

FLIP = """
UPDATE account SET status = CASE status WHEN 'DISABLED' THEN 'NOT_ACTIVATED' ELSE 'DISABLED' END,
                   disabled_reason = CASE status WHEN 'DISABLED' THEN NULL ELSE 'STAFF_DECISION' END
WHERE id = $1
"""


@pytest.fixture
def clock() -> Clock:
    """The real time: the other processes have no other."""
    return Clock(datetime.now(UTC))


@pytest.fixture(scope="module")
def servers(database_url: str, keys_text: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Server]]:
    folder = tmp_path_factory.mktemp("following")
    with two_servers(database_url, keys_text, folder, standing_seconds="300") as running:
        yield running


@dataclass
class Lakeside:
    """A school with a reporter, a student and her guardian, and another school's student."""

    school: School
    clerk: Adult
    nora: Pupil
    maria: Adult
    stranger: Pupil
    token: str
    servers: Sequence[Server]


@pytest.fixture
async def lakeside(district: District, servers: Sequence[Server]) -> Lakeside:
    school = await district.school()
    nora = await district.student(school=school)
    maria = await district.guardian(nora)
    stranger = await district.student("Theo", school=await district.school("Hillside School"))
    clerk = await district.staff(Role.REPORTER, school)
    await district.opened(clerk, "clerk")
    token = await signed_in(servers[0], "clerk")
    return Lakeside(school, clerk, nora, maria, stranger, token, servers)


async def signed_in(server: Server, username: str) -> str:
    async with server.portal() as portal:
        await portal.login(username, PASSWORD)
        assert portal.token is not None
        return portal.token


@pytest.fixture
async def following(lakeside: Lakeside) -> AsyncIterator[Socket]:
    """The reporter, who follows in the first process. Whatever the tests change, they change elsewhere."""
    async with socket_at(lakeside.servers[0].url) as socket:
        await socket.begin(lakeside.token)
        await begin(socket)
        yield socket


async def begin(socket: Socket, **variables: Any) -> None:
    """Follows, and waits until all that is changed from then on is told: there is an entry in the trail."""
    before = await TrailEntry.filter(step=Step.FOLLOW_ACCOUNTS).count()
    await socket.follow(**variables)
    while await TrailEntry.filter(step=Step.FOLLOW_ACCOUNTS).count() == before:  # noqa: ASYNC110  # nobody else tells
        await asyncio.sleep(0.005)


async def change(someone: Adult | Pupil) -> None:
    """The account stands in another way than before."""
    account = await Account.get(id=someone.account_id)
    if account.status is AccountStatus.DISABLED:
        await Account.filter(id=account.id).update(status=AccountStatus.NOT_ACTIVATED, disabled_reason=None)
    else:
        await Account.filter(id=account.id).update(
            status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
        )


async def lock(someone: Adult | Pupil) -> None:
    """The account waits after wrong passwords, as counting them makes it."""
    await sql.execute(
        "INSERT INTO login_streak (id, account_id, failures, in_a_row, began_at, forget_at, secret_version, "
        "wait_until) VALUES ('account:' || $1::bigint, $1, 5, 5, now(), now(), 1, now() + interval '1 minute')",
        someone.account_id,
    )


def account_id(someone: Adult | Pupil) -> str:
    return global_id("Account", someone.account_id)


# ------------------------------------------------------------------------------------------------ what is told
async def test_a_change_is_told_with_the_account_as_it_is(lakeside: Lakeside, following: Socket) -> None:
    await change(lakeside.nora)
    event = await following.event()
    cursor, at = event.pop("cursor"), datetime.fromisoformat(event.pop("at"))
    assert cursor
    assert abs(at - datetime.now(UTC)) < timedelta(minutes=1)
    assert event == {
        "statusBefore": "NOT_ACTIVATED",
        "status": "DISABLED",
        "disabledReason": "STAFF_DECISION",
        "lockedUntil": None,
        "account": {
            "id": account_id(lakeside.nora),
            "status": "DISABLED",
            "capacity": "STUDENT",
            "holder": {"given": "Nora"},
            "schools": [{"id": global_id("School", lakeside.school.id)}],
        },
    }


async def test_a_lock_after_wrong_passwords_is_told_as_lists_show_it(
    district: District, lakeside: Lakeside, following: Socket
) -> None:
    await district.opened(lakeside.nora, "nora.q")
    assert (await following.event())["status"] == "ACTIVE"
    async with lakeside.servers[1].portal() as portal:
        for _ in range(5):
            await portal.login("nora.q", "wrong")
    event = await following.event()
    assert (event["statusBefore"], event["status"], event["account"]["status"]) == ("ACTIVE", "LOCKED", "LOCKED")
    assert datetime.fromisoformat(event["lockedUntil"]) > datetime.now(UTC)


async def test_only_who_sees_the_account_is_told_and_only_of_what_was_asked_for(
    district: District, lakeside: Lakeside
) -> None:
    """Everybody's last event comes after all others, so that what is not told in between is not told at all."""
    await district.opened(lakeside.maria, "maria.q")
    marias = await signed_in(lakeside.servers[0], "maria.q")
    nora, maria = account_id(lakeside.nora), account_id(lakeside.maria)
    asked: list[tuple[str, dict[str, Any], list[str]]] = [
        (lakeside.token, {}, [nora, maria, nora, maria]),
        (lakeside.token, {"capacity": "STUDENT"}, [nora, nora]),
        (lakeside.token, {"schoolId": global_id("School", lakeside.school.id)}, [nora, maria, nora, maria]),
        (lakeside.token, {"capacity": "GUARDIAN"}, [maria, maria]),
        # A guardian hears of the own account, and not of the child's.
        (marias, {}, [maria, maria]),
    ]
    async with asyncio.timeout(60), AsyncExitStack() as stack:
        sockets = []
        for place, (token, variables, _) in enumerate(asked):
            socket = await stack.enter_async_context(socket_at(lakeside.servers[place % 2].url))
            await socket.begin(token)
            await begin(socket, **variables)
            sockets.append(socket)
        await change(lakeside.stranger)
        await change(lakeside.nora)
        await lock(lakeside.maria)
        await change(lakeside.nora)
        await sql.execute("DELETE FROM login_streak")
        for socket, (_, _, expected) in zip(sockets, asked, strict=True):
            assert [(await socket.event())["account"]["id"] for _ in expected] == expected


async def test_following_is_in_the_trail(lakeside: Lakeside, following: Socket) -> None:
    entry = await TrailEntry.get(step=Step.FOLLOW_ACCOUNTS)
    assert (entry.actor_account_id, entry.rule) == (
        lakeside.clerk.account_id,
        "reporter, same_school, report:accounts, any, any",
    )
    assert entry.details == {"school_id": None, "capacity": None, "catches_up": False}


async def test_what_is_no_more_wanted_is_no_more_told(lakeside: Lakeside, following: Socket) -> None:
    await following.say(type="complete", id="1")
    await following.settled()
    await change(lakeside.nora)
    await begin(following)
    await change(lakeside.maria)
    assert (await following.event())["account"]["id"] == account_id(lakeside.maria)


# ------------------------------------------------------------------------------------------------ until when
async def guardianship_revoked(lakeside: Lakeside) -> None:
    await Guardianship.all().update(status=GuardianshipStatus.REVOKED, revoked_at=datetime.now(UTC))


async def student_gone_to_another_school(lakeside: Lakeside) -> None:
    await Enrolment.filter(student_id=lakeside.nora.id).update(school_id=lakeside.school.id + 1)
    await Enrolment.create(student_id=lakeside.stranger.id, school_id=lakeside.school.id)


@pytest.mark.parametrize("left", [guardianship_revoked, student_gone_to_another_school], ids=lambda left: left.__name__)
async def test_of_an_account_that_left_the_reach_nothing_more_is_told(
    lakeside: Lakeside, following: Socket, left: Callable[[Lakeside], Awaitable[None]]
) -> None:
    await change(lakeside.maria)
    assert (await following.event())["account"]["id"] == account_id(lakeside.maria)
    await left(lakeside)
    await change(lakeside.maria)
    still = lakeside.nora if left is guardianship_revoked else lakeside.stranger
    await change(still)
    assert (await following.event())["account"]["id"] == account_id(still)


async def session_ended(lakeside: Lakeside) -> None:
    await Session.all().update(ended_at=datetime.now(UTC), end_reason="SIGNED_OUT")


async def session_run_out(lakeside: Lakeside) -> None:
    now = datetime.now(UTC)
    await Session.all().update(started_at=now - timedelta(hours=13), expires_at=now - timedelta(seconds=1))


async def account_disabled(lakeside: Lakeside) -> None:
    await change(lakeside.clerk)


async def account_reset(lakeside: Lakeside) -> None:
    await Account.filter(id=lakeside.clerk.account_id).update(must_change_password=True)


async def role_ended(lakeside: Lakeside) -> None:
    await RoleAssignment.all().delete()


async def role_at_another_school(lakeside: Lakeside) -> None:
    await RoleAssignment.all().update(school_id=lakeside.school.id + 1)


SIGNED_OUT, NOT_ALLOWED = ("NOT_SIGNED_IN", 4401), ("NOT_ALLOWED", 4403)
LOST: list[tuple[Callable[[Lakeside], Awaitable[None]], tuple[str, int]]] = [
    (session_ended, SIGNED_OUT),
    (session_run_out, SIGNED_OUT),
    (account_disabled, SIGNED_OUT),
    (account_reset, SIGNED_OUT),
    (role_ended, NOT_ALLOWED),
    (role_at_another_school, NOT_ALLOWED),
]


@pytest.mark.parametrize(("lost", "told"), LOST, ids=[lost.__name__ for lost, _ in LOST])
async def test_who_may_not_follow_any_longer_hears_why_and_nothing_more(
    lakeside: Lakeside, following: Socket, lost: Callable[[Lakeside], Awaitable[None]], told: tuple[str, int]
) -> None:
    await change(lakeside.nora)
    await following.event()
    await lost(lakeside)
    await change(lakeside.nora)
    code, said = await following.closed()
    assert [(message["type"], message["payload"][0]["extensions"]["code"], code) for message in said] == [
        ("error", *told)
    ]


async def test_a_revoked_client_and_a_replaced_key_hear_nothing_more(district: District, lakeside: Lakeside) -> None:
    async def revoked() -> None:
        await revoke_client(district.ctx, "Reports")

    async def key_ended() -> None:
        await ClientKey.all().update(expires_at=datetime.now(UTC))

    for number, lost in enumerate((key_ended, revoked)):
        name = "Other reports" if lost is key_ended else "Reports"
        _, issued = await add_client(district.ctx, WantedClient(name, ClientKind.REPORTING))
        assert issued is not None
        async with asyncio.timeout(60), socket_at(lakeside.servers[number].url) as socket:
            await socket.begin(issued.key)
            await begin(socket)
            # A program of the district hears of all its schools.
            await change(lakeside.stranger)
            assert (await socket.event())["account"]["id"] == account_id(lakeside.stranger)
            await lost()
            await change(lakeside.stranger)
            code, said = await socket.closed()
            assert (code, [message["type"] for message in said]) == (4401, ["error"])


async def test_a_socket_without_events_goes_soon_after_its_session(
    lakeside: Lakeside, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    with Server(database_url, keys_text, tmp_path, standing_seconds="0.1") as server:
        async with asyncio.timeout(60), socket_at(server.ready().url) as socket:
            await socket.begin(lakeside.token)
            await session_ended(lakeside)
            assert await socket.closed() == (4401, [])


# ------------------------------------------------------------------------------------------------ catching up
async def test_a_cursor_brings_what_was_missed_and_then_what_happens(lakeside: Lakeside, following: Socket) -> None:
    await change(lakeside.nora)
    cursor = (await following.event())["cursor"]
    await following.connection.close()
    for someone in (lakeside.maria, lakeside.stranger, lakeside.nora):
        await change(someone)
    async with asyncio.timeout(60), socket_at(lakeside.servers[1].url) as again:
        await again.begin(lakeside.token)
        await again.follow(after=cursor)
        missed = [(await again.event())["account"]["id"] for _ in range(2)]
        assert missed == [account_id(lakeside.maria), account_id(lakeside.nora)]
        await change(lakeside.maria)
        assert (await again.event())["account"]["id"] == account_id(lakeside.maria)


async def test_who_was_away_for_too_long_is_told_to_read_the_accounts_anew(lakeside: Lakeside) -> None:
    await number_changes()
    await forget_changes(datetime.now(UTC) + timedelta(minutes=1))
    async with asyncio.timeout(60), socket_at(lakeside.servers[0].url) as socket:
        await socket.begin(lakeside.token)
        await socket.follow(after="Y2hhbmdlOjE")
        heard = await socket.hear()
        assert (heard["type"], heard["payload"][0]["extensions"]["code"]) == ("error", "CHANGES_FORGOTTEN")
        # The socket is good for the next subscription.
        await begin(socket)


async def test_a_line_that_breaks_again_and_again_loses_nothing_while_many_writers_commit_in_any_order(
    district: District, lakeside: Lakeside, database_url: str
) -> None:
    """Four writers, each with transactions of some length of its own; a reader who never stays for long."""
    pupils = [await district.student(f"Pupil {n}", school=lakeside.school) for n in range(12)]
    everybody = pupils + [await district.student(f"Other {n}") for n in range(4)]
    start, dice = await number_changes(), random.Random(7)

    async def write(own: list[Pupil], steps: random.Random) -> None:
        connection = await asyncpg.connect(database_url)
        for _ in range(25):
            async with connection.transaction():
                for pupil in steps.sample(own, steps.randint(1, len(own))):
                    await connection.execute(FLIP, pupil.account_id)
                    for _ in range(steps.randint(0, 6)):
                        await connection.fetchval("SELECT 1")
        await connection.close()

    async def write_all() -> None:
        await asyncio.gather(*(write(everybody[n::4], random.Random(n)) for n in range(4)))
        await change(lakeside.nora)

    events: list[Event] = []
    breaks = 0
    async with asyncio.timeout(60):
        writing = None
        while not events or events[-1]["account"]["id"] != account_id(lakeside.nora):
            async with socket_at(lakeside.servers[dice.randint(0, 1)].url) as socket:
                await socket.begin(lakeside.token)
                if writing is None:
                    await begin(socket)
                    writing = asyncio.create_task(write_all())
                else:
                    breaks += 1
                    await socket.follow(after=events[-1]["cursor"])
                for _ in range(dice.randint(1, 40)):
                    events.append(await socket.event())
                    if events[-1]["account"]["id"] == account_id(lakeside.nora):
                        break
                socket.cut()
        if writing is not None:
            await writing
    seen = [pupil.account_id for pupil in (*pupils, lakeside.nora)]
    rows = await sql.rows(
        "SELECT account_id, status FROM account_change WHERE number > $1 AND account_id = ANY ($2) ORDER BY number",
        *(start, seen),
    )
    assert breaks > 1
    assert [(event["account"]["id"], event["status"]) for event in events] == [
        (global_id("Account", row["account_id"]), row["status"]) for row in rows
    ]


# ------------------------------------------------------------------------------------------------ a client of others
async def test_a_library_of_others_follows_and_hears_why_it_ends(lakeside: Lakeside) -> None:
    """The package gql, as its documentation has it."""
    transport = WebsocketsTransport(
        url=f"{lakeside.servers[1].url.replace('http', 'ws', 1)}/graphql",
        init_payload={"authorization": f"Bearer {lakeside.token}"},
        subprotocols=[PROTOCOL],
    )
    async with asyncio.timeout(60), Client(transport=transport) as session:
        position = (await session.execute(gql("{ accountChanges { latest } }")))["accountChanges"]["latest"]
        await change(lakeside.nora)
        document = gql(FOLLOW)
        document.variable_values = {"after": position}
        events = session.subscribe(document)
        event = await anext(events)
        assert event["accountStatusChanged"]["account"]["id"] == account_id(lakeside.nora)
        await session_ended(lakeside)
        await change(lakeside.nora)
        with pytest.raises(TransportQueryError, match="The session has ended"):
            await anext(events)

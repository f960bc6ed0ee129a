"""A server that is killed in the midst of an activation leaves a whole account, or none and a key that is still good.

Each test really kills a server process, held at one write by a trigger that waits for a lock which the test has.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

from db import sql
from db.models import Account, ActivationKey, Device, IdempotentAnswer, Letter, Session
from db.trail import Step
from mail.outbox import LetterKind
from tests.clients import Portal
from tests.district import PASSWORD, District
from tests.holding import COMMIT, Write, held_up
from tests.servers import A_CHILDS_BIRTHDAY, Server
from tests.tables import trail

RETRY = "c1a7e2d0-the-browser-asks-again"


#: What `activate` writes, in its order; a test compares this with what it really does.
BEFORE = (Write("attempt_budget", "INSERT"), Write("attempt_budget", "UPDATE"))
TOGETHER = (
    Write("activation_key", "UPDATE"),
    # Written by the database with the account itself.
    Write("account_change", "INSERT"),
    Write("account_order_change", "INSERT"),
    Write("account", "UPDATE"),
    Write("device", "INSERT"),
    Write("session", "INSERT"),
    Write("letter", "INSERT"),
    Write("idempotent_answer", "INSERT"),
    Write("trail_entry", "INSERT"),
    Write("trail_unsealed", "INSERT"),
)
ABSENT = {
    "account": ("NOT_ACTIVATED", None, False),
    "key": ("CURRENT", False),
    "devices": 0,
    "sessions": 0,
    "letters": 0,
    "answers": 0,
    "steps": 0,
}
WHOLE = {
    "account": ("ACTIVE", "maria.q", True),
    "key": ("USED", True),
    "devices": 1,
    "sessions": 1,
    "letters": 1,
    "answers": 1,
    "steps": 1,
}


async def found(account_id: int) -> dict[str, Any]:
    """Everything that an activation leaves behind, of this account."""
    account = await Account.get(id=account_id)
    key = await ActivationKey.get(account_id=account_id)
    return {
        "account": (account.status, account.username, account.password_hash is not None),
        "key": (key.state, key.used_at is not None),
        "devices": await Device.filter(account_id=account_id).count(),
        "sessions": await Session.filter(account_id=account_id).count(),
        "letters": await Letter.filter(kind=LetterKind.WELCOME).count(),
        "answers": await IdempotentAnswer.filter(account_id=account_id).count(),
        "steps": len(await trail(Step.ACTIVATE)),
    }


# ------------------------------------------------------------------------------------------------ the family
async def activated(portal: Portal, key: str) -> str:
    answer = await portal.activate(key, "maria.q", PASSWORD, idempotencyKey=RETRY)
    return str(answer["__typename"])


@dataclass(frozen=True, slots=True)
class Family:
    """Somebody with a good key, and a server to come back to."""

    account_id: int
    key: str
    survivor: Server
    database_url: str

    async def sees_the_server_killed_at(self, write: Write, victim: Server, *, ended: bool = False) -> None:
        """The server is killed when it is at this write of the activation; the write goes on, or is `ended` too."""
        async with held_up(self.database_url, write) as hold, victim.portal() as portal:
            request = asyncio.create_task(activated(portal, self.key))
            pid = await hold.waiter(request)
            victim.kill9()
            with pytest.raises(httpx.TransportError):
                await request
            if ended:
                await hold.end(pid)
            else:
                await hold.release()
            await hold.gone(pid)

    async def has_no_account_and_gets_one_by_asking_again(self) -> None:
        assert await found(self.account_id) == ABSENT
        async with self.survivor.portal() as portal:
            assert (await portal.check_key(self.key))["__typename"] == "ActivationKeyGood"
            assert await activated(portal, self.key) == "AccountActivated"
            assert await found(self.account_id) == WHOLE
            assert (await portal.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"


@pytest.fixture
async def family(survivor: Server, district: District, database_url: str) -> AsyncIterator[Family]:
    nora = await district.student(born=A_CHILDS_BIRTHDAY)
    maria = await district.guardian(nora, email="maria@example.org")
    async with survivor.portal() as portal:
        key = (await portal.request_key(*nora.proofs))["key"]
    yield Family(maria.account_id, key, survivor, database_url)
    assert await sql.rows("SELECT tgname FROM pg_trigger WHERE tgname IN ('held', 'watched')") == []


# ------------------------------------------------------------------------------------------------ the tests
async def test_these_are_all_the_writes_of_an_activation(family: Family) -> None:
    connection = await asyncpg.connect(family.database_url)
    try:
        await connection.execute("""
            CREATE SCHEMA watching;
            CREATE TABLE watching.writes
                (id serial, name text, event text, transaction text DEFAULT pg_current_xact_id()::text);
            CREATE FUNCTION watching.note() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN INSERT INTO watching.writes (name, event) VALUES (TG_TABLE_NAME, TG_OP); RETURN NULL; END $$;
            DO $$ DECLARE watched name; BEGIN
                FOR watched IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
                    EXECUTE format('CREATE TRIGGER watched AFTER INSERT OR UPDATE OR DELETE ON public.%I
                                    FOR EACH ROW EXECUTE FUNCTION watching.note()', watched);
                END LOOP;
            END $$;
        """)
        async with family.survivor.portal() as portal:
            assert await activated(portal, family.key) == "AccountActivated"
        writes = await connection.fetch("SELECT name, event, transaction FROM watching.writes ORDER BY id")
    finally:
        await connection.execute("DROP SCHEMA IF EXISTS watching CASCADE")
        await connection.close()
    assert [Write(write["name"], write["event"]) for write in writes] == [*BEFORE, *TOGETHER]
    assert len({write["transaction"] for write in writes[len(BEFORE) :]}) == 1
    assert len({write["transaction"] for write in writes}) == 1 + len(BEFORE)


@pytest.mark.parametrize("write", [*BEFORE, *TOGETHER], ids=str)
async def test_killed_at_a_write_there_is_no_account_and_the_key_is_good(
    family: Family, reserve: Callable[[], Server], write: Write
) -> None:
    await family.sees_the_server_killed_at(write, reserve())
    await family.has_no_account_and_gets_one_by_asking_again()


async def test_killed_at_the_commit_with_its_connection_there_is_no_account_and_the_key_is_good(
    family: Family, reserve: Callable[[], Server]
) -> None:
    await family.sees_the_server_killed_at(COMMIT, reserve(), ended=True)
    await family.has_no_account_and_gets_one_by_asking_again()


async def test_killed_when_the_commit_is_on_its_way_the_account_is_whole_and_asking_again_brings_the_answer(
    family: Family, reserve: Callable[[], Server]
) -> None:
    await family.sees_the_server_killed_at(COMMIT, reserve())
    assert await found(family.account_id) == WHOLE
    async with family.survivor.portal() as portal:
        assert (await portal.check_key(family.key))["__typename"] == "KeyNotAccepted"
        assert (await portal.activate(family.key, "maria.q", PASSWORD))["__typename"] == "KeyNotAccepted"
        again = await portal.activate(family.key, "maria.q", PASSWORD, idempotencyKey=RETRY)
        assert again["__typename"] == "AccountActivated"
        assert await portal.me(token=again["session"]["token"]) is not None
        assert (await portal.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"
    assert await Session.all().count() == 2, "the one of the activation, and the one of the log-in"


@pytest.mark.full
@pytest.mark.parametrize("write", [*BEFORE, *TOGETHER], ids=str)
async def test_killed_at_a_write_together_with_its_connection_it_is_the_same(
    family: Family, reserve: Callable[[], Server], write: Write
) -> None:
    await family.sees_the_server_killed_at(write, reserve(), ended=True)
    await family.has_no_account_and_gets_one_by_asking_again()

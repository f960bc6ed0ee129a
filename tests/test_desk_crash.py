"""A server that is killed in the midst of a reset, or of setting a new password, has done all of it or nothing.

A verification and a one-time code work at most once, and are not lost by a step that did not happen.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from db import sql
from db.models import Account, Letter, RecoveryToken
from db.trail import Step
from tests import documents
from tests.desk import Desk, open_desk
from tests.district import PASSWORD, District
from tests.holding import COMMIT, Write, held_up
from tests.servers import Server
from tests.tables import trail

NEW = "copper violin thirty meadows"
RESET = (
    Write("session", "UPDATE"),
    Write("account", "UPDATE"),
    Write("recovery_token", "INSERT"),
    Write("letter", "INSERT"),
    Write("verification", "UPDATE"),
    Write("trail_entry", "INSERT"),
)
SET_PASSWORD = (
    Write("recovery_token", "UPDATE"),
    Write("account", "UPDATE"),
    Write("letter", "INSERT"),
    Write("trail_entry", "INSERT"),
)


@dataclass
class Desks:
    """The front office, at a server that nobody kills, and where the database is."""

    desk: Desk
    survivor: Server
    database_url: str

    async def killed_at(self, write: Write, victim: Server, document: str, choice: dict[str, Any]) -> None:
        """The server is killed when it is at this write, and its connection with it."""
        async with held_up(self.database_url, write) as hold, victim.portal() as portal:
            portal.token = self.desk.portal.token
            request = asyncio.create_task(portal.do(document, choice))
            pid = await hold.waiter(request)
            victim.kill9()
            with pytest.raises(httpx.TransportError):
                await request
            await hold.end(pid)
            await hold.gone(pid)


@pytest.fixture
async def desks(district: District, survivor: Server, database_url: str) -> Any:
    async with survivor.portal() as portal:
        desk = await open_desk(portal, district)
        # Somebody is signed in to the account, so that there is a session to end.
        maria = survivor.portal()
        async with maria.http:
            await maria.login("maria.q", PASSWORD)
        yield Desks(desk, survivor, database_url)
    assert await sql.rows("SELECT tgname FROM pg_trigger WHERE tgname = 'held'") == []


async def found(desk: Desk) -> dict[str, Any]:
    """What a reset leaves behind."""
    account = await Account.get(id=desk.maria.account_id)
    return {
        "reset": account.must_change_password,
        "tokens": await RecoveryToken.all().count(),
        "letters": await Letter.all().count(),
        "steps": await trail(Step.RESET_ACCOUNT),
        "sessions": len(await sql.rows("SELECT 1 FROM session WHERE account_id = $1 AND ended_at IS NULL", account.id)),
    }


@pytest.mark.parametrize("write", [*RESET, COMMIT], ids=str)
async def test_killed_in_a_reset_nothing_was_reset_and_the_verification_is_good(
    desks: Desks, reserve: Callable[[], Server], write: Write
) -> None:
    verification_id = await desks.desk.verified("RESET")
    before = await found(desks.desk)
    choice = {"verificationId": verification_id, "reason": "Forgot the password"}
    await desks.killed_at(write, reserve(), documents.RESET_ACCOUNT, choice)
    assert await found(desks.desk) == before
    assert (await desks.desk.reset(verification_id))["__typename"] == "AccountReset"
    assert (await desks.desk.reset(verification_id))["missing"] == ["VERIFICATION_PASSED"]


@pytest.mark.parametrize("write", [*SET_PASSWORD, COMMIT], ids=str)
async def test_killed_while_a_password_is_set_the_code_is_good_and_the_password_is_not(
    desks: Desks, reserve: Callable[[], Server], write: Write
) -> None:
    portal = desks.desk.portal
    code = (await desks.desk.reset(await desks.desk.verified("RESET")))["oneTimeCode"]
    choice = {"token": code, "password": NEW, "verifyPassword": NEW}
    await desks.killed_at(write, reserve(), documents.SET_NEW_PASSWORD, choice)
    assert (await portal.login("maria.q", NEW))["__typename"] == "WrongCredentials"
    assert (await portal.do(documents.SET_NEW_PASSWORD, choice))["__typename"] == "PasswordChanged"
    assert (await portal.do(documents.SET_NEW_PASSWORD, choice))["__typename"] == "TokenNotAccepted"
    assert (await portal.login("maria.q", NEW))["__typename"] == "LoggedIn"

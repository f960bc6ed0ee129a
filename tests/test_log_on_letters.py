"""A forgotten log-on, from the request to the mailbox and back, over a real mail server."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.asgi import utc_now
from app.settings import Settings
from db import sql
from db.context import Context, Role
from db.models import Account, AccountStatus, DisabledReason, Letter, LetterState, Person, RecoveryToken
from mail.outbox import LetterKind
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal
from tests.command_line import running
from tests.conftest import Clock
from tests.couriers import courier_for, environment_for, relay_settings
from tests.desk import at_desk, open_desk
from tests.district import PASSWORD, Adult, District
from tests.holding import Write, held_up
from tests.mailbox import Mailbox, Received

NEW = "copper violin thirty meadows"
ADDRESS = "maria@example.org"
MARK = Write("letter_tally", "INSERT")
_TOKEN = re.compile(r"https://portal\.example\.org/set-password#token=(par_[A-Za-z0-9_-]{43})")


def text_of(received: Received) -> str:
    body = received.message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def tokens_in(received: Received) -> list[str]:
    return _TOKEN.findall(text_of(received))


@dataclass
class House:
    """Nora's mother Maria has an account, an address, and a mailbox behind it; the post comes when it is told to."""

    portal: Portal
    ctx: Context
    clock: Clock
    settings: Settings
    mailbox: Mailbox
    district: District
    maria: Adult

    async def recover(self, email: str = ADDRESS) -> Answer:
        return await self.portal.do(documents.RECOVER_LOG_ON, {"email": email})

    async def post(self) -> None:
        """All letters that are due in a moment go out."""
        self.clock.advance(seconds=self.settings.recovery_spread_seconds)
        settings = relay_settings(self.settings, self.mailbox)
        await courier_for(settings, self.clock, self.ctx).run(once=True)

    async def set_password(self, token: str, password: str = NEW) -> Answer:
        choice = {"token": token, "password": password, "verifyPassword": password}
        return await self.portal.do(documents.SET_NEW_PASSWORD, choice)


@pytest.fixture
async def house(
    portal: Portal, ctx: Context, clock: Clock, settings: Settings, district: District
) -> AsyncIterator[House]:
    nora = await district.student(school=await district.school())
    maria = await district.guardian(nora, email="Maria@Example.org")
    await district.opened(maria, "maria.q")
    async with Mailbox() as mailbox:
        yield House(portal, ctx, clock, settings, mailbox, district, maria)


# ------------------------------------------------------------------------------------------------ the way back in
async def test_a_forgotten_username_comes_by_mail_and_the_link_lets_its_holder_in(house: House) -> None:
    await house.recover()
    await house.post()
    letter = await house.mailbox.next()
    assert letter.recipient == "Maria@Example.org"
    assert letter.message["to"].addresses[0].display_name == "Maria Quimby"
    text = text_of(letter)
    assert "Username: maria.q" in text
    assert "Nombre de usuario: maria.q" in text
    assert "Lakeside Middle School: (555) 555-0100" in text
    [token] = set(tokens_in(letter))
    assert await house.set_password(token) == {"__typename": "PasswordChanged", "username": "maria.q"}
    assert (await house.portal.login("maria.q", NEW))["__typename"] == "LoggedIn"
    await house.post()
    told = [await house.mailbox.next(), await house.mailbox.next()]
    subjects = sorted(str(one.message["subject"]).partition(" / ")[0] for one in told)
    assert subjects == ["Your account was signed in to from a new device", "Your password was changed"]
    assert not any(tokens_in(one) for one in told)


async def test_a_record_that_was_merged_away_is_not_written_of_and_its_links_wait_for_the_undoing(
    house: House,
) -> None:
    """Two records with one address: the letter lists the one that goes on. A link that the other one got before is no
    good meanwhile, and as good as it was afterwards."""
    twin = await house.district.guardian(email=ADDRESS)
    await house.district.opened(twin, "twin.q")
    await house.recover()
    await house.post()
    sent = await house.mailbox.next()
    assert "Username: twin.q" in text_of(sent)
    mine, twins = dict.fromkeys(tokens_in(sent))
    await at_desk(house.portal, house.district, Role.REGISTRAR)
    named = {"keepId": global_id("Guardian", house.maria.id), "mergeId": global_id("Guardian", twin.id)}
    merged = await house.portal.do(documents.MERGE_PEOPLE, named | {"reason": "One person"})
    assert merged["__typename"] == "PeopleMerged"
    await Letter.filter(kind=LetterKind.RECORDS_MERGED).delete()
    assert (await house.set_password(twins))["__typename"] == "TokenNotAccepted"
    await house.recover()
    await house.post()
    again = await house.mailbox.next()
    assert "Username: maria.q" in text_of(again)
    assert "twin.q" not in text_of(again)
    await house.portal.do(documents.UNDO_MERGE, {"mergeId": merged["merge"]["id"], "reason": "Two people"})
    assert (await house.set_password(twins))["__typename"] == "PasswordChanged"
    assert mine != twins


async def test_the_letter_is_in_the_language_of_whoever_has_the_address(house: House) -> None:
    await Person.filter(id=house.maria.id).update(language="es-MX")
    await house.recover()
    await house.post()
    letter = await house.mailbox.next()
    assert letter.message["subject"] == "Sus datos de acceso"
    assert letter.message["content-language"] == "es"
    assert "Username" not in text_of(letter)


async def test_an_address_that_nobody_has_gets_no_letter_and_leaves_nothing(house: House) -> None:
    await house.recover("stranger@example.org")
    await house.post()
    assert house.mailbox.asked_for == []
    [letter] = await Letter.all()
    assert (letter.state, letter.failure, letter.address) == (LetterState.CANCELLED, "NOBODY", "")


async def test_a_disabled_accounts_letter_says_whom_to_call_and_has_no_link(house: House) -> None:
    await Account.filter(id=house.maria.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    await house.recover()
    await house.post()
    text = text_of(await house.mailbox.next())
    assert "disabled" in text
    assert "(555) 555-0100" in text
    assert "par_" not in text
    assert await RecoveryToken.all().count() == 0


async def test_half_an_hour_counts_from_the_sending_and_not_from_an_outage_before_it(house: House) -> None:
    await house.mailbox.stop()
    await house.recover()
    await house.post()
    house.clock.advance(hours=3)
    await house.mailbox.start()
    await house.post()
    [token] = set(tokens_in(await house.mailbox.next()))
    house.clock.advance(minutes=29)
    assert (await house.set_password(token))["__typename"] == "PasswordChanged"


async def test_a_name_that_would_be_a_header_is_none(house: House) -> None:
    await Person.filter(id=house.maria.id).update(
        given='"\r\nBcc: x@example.org', family="=?utf-8?q?=0D=0ABcc:_y@example.org?="
    )
    await house.recover()
    await house.post()
    letter = await house.mailbox.next()
    assert letter.message["bcc"] is None
    assert house.mailbox.asked_for == ["Maria@Example.org"]
    head = letter.content.partition(b"\r\n\r\n")[0]
    assert not any(line.lower().startswith(b"bcc") for line in head.splitlines())


async def test_the_schools_link_comes_by_mail_too(house: House) -> None:
    await Account.filter(id=house.maria.account_id).update(username="m.q", username_folded="m.q")
    desk = await open_desk(house.portal, house.district)
    reset = await desk.reset(await desk.verified("RESET"), delivery="LINK")
    assert reset["sentTo"] == "m…@example.org"
    await house.post()
    letter = await house.mailbox.next()
    [token] = set(tokens_in(letter))
    assert (await house.set_password(token))["__typename"] == "PasswordChanged"


# ------------------------------------------------------------------------------------------------ secrets and mishaps
async def test_a_dump_of_the_database_holds_no_token_key_or_password(house: House) -> None:
    theo = await house.district.student("Theo", "Okafor")
    await house.district.guardian(theo, given="Ada", family="Okafor", email="ada@example.org")
    key = (await house.portal.request_key(*theo.proofs))["key"]
    await house.recover()
    await house.post()
    secrets = {PASSWORD, key, *(token for received in house.mailbox.received for token in tokens_in(received))}
    assert len(secrets) == 3
    assert {letter.state for letter in await Letter.all()} == {LetterState.SENT}
    for table in await sql.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"):
        held = str(await sql.rows(f'SELECT t::text AS row FROM "{table["name"]}" t'))
        for secret in secrets:
            assert secret not in held
            assert secret.encode().hex() not in held


async def test_a_courier_that_is_killed_after_the_relays_yes_sends_the_same_link_again(
    house: House, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    house.clock.now = utc_now()
    house.ctx = replace(house.ctx, now=house.clock())
    await house.recover()
    environment = environment_for(
        house.mailbox, database_url, keys_text, tmp_path, public_url="https://portal.example.org"
    )
    async with held_up(database_url, MARK) as hold:
        with running(tmp_path / "victim", "courier", **environment) as victim:
            await house.mailbox.next()
            pid = await hold.waiter(asyncio.create_task(asyncio.to_thread(victim.process.wait)))
            victim.told(signal.SIGKILL)
            await hold.end(pid)
            await hold.gone(pid)
    house.clock.now = utc_now() + timedelta(minutes=20)
    await house.post()
    await house.post()
    first, second = house.mailbox.received
    assert first.message_id == second.message_id
    assert set(tokens_in(first)) == set(tokens_in(second))
    assert len(set(tokens_in(first))) == 1
    assert await RecoveryToken.all().count() == 1
    assert (await Letter.get(kind=LetterKind.LOG_ON_INFORMATION)).state is LetterState.SENT
    assert (await house.set_password(tokens_in(second)[0]))["__typename"] == "PasswordChanged"

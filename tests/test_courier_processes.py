"""Couriers as processes of their own: several at once, killed where it hurts, told to stop, and beside a server."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.asgi import utc_now
from app.settings import Settings
from db import sql
from db.context import Context
from db.models import Letter, LetterState
from tests.certificates import Authority
from tests.command_line import Running, running
from tests.command_line import portal as command
from tests.couriers import courier_for, environment_for, letter, promised, relay_settings, states
from tests.district import District
from tests.holding import Write, held_up, until
from tests.mailbox import HOST, Mailbox
from tests.servers import Server

MARIA, ADA = "maria@example.org", "ada@example.org"
#: Counted in the statement that marks a letter, and in no other of a courier.
MARK = Write("letter_tally", "INSERT")


@pytest.fixture
def ctx(ctx: Context) -> Context:
    """At the time at which processes run."""
    return replace(ctx, now=utc_now())


@pytest.fixture
async def mailbox(district: District) -> AsyncIterator[Mailbox]:
    async with Mailbox() as box:
        yield box


@pytest.fixture
def environment(mailbox: Mailbox, database_url: str, keys_text: str, tmp_path: Path) -> dict[str, str]:
    """The settings of a courier's process."""
    return environment_for(mailbox, database_url, keys_text, tmp_path)


async def _all_sent() -> bool | None:
    return None if await Letter.exclude(state=LetterState.SENT).exists() else True


@pytest.mark.parametrize("letters", [60, pytest.param(1000, marks=pytest.mark.full)])
async def test_two_couriers_send_each_letter_once(
    letters: int, mailbox: Mailbox, ctx: Context, environment: dict[str, str], tmp_path: Path
) -> None:
    addresses = [f"family{n}@example.org" for n in range(letters)]
    await promised(ctx, *addresses)
    with (
        running(tmp_path / "one", "courier", **environment),
        running(tmp_path / "two", "courier", **environment),
    ):
        await until(_all_sent)
    assert Counter(mailbox.recipients) == Counter(addresses)
    assert {row.attempts for row in await Letter.all()} == {1}


async def test_killed_between_the_relays_yes_and_the_mark_a_letter_comes_once_more_and_is_known_by_its_id(
    *,
    mailbox: Mailbox,
    ctx: Context,
    settings: Settings,
    environment: dict[str, str],
    database_url: str,
    tmp_path: Path,
) -> None:
    [id_] = await promised(ctx, MARIA)
    async with held_up(database_url, MARK) as hold:
        with running(tmp_path / "victim", "courier", **environment) as victim:
            await mailbox.next()
            pid = await hold.waiter(asyncio.create_task(asyncio.to_thread(victim.process.wait)))
            victim.told(signal.SIGKILL)
            await hold.end(pid)
            await hold.gone(pid)
    row = await letter(id_)
    assert (row.state, row.attempts) == (LetterState.WAITING, 1)

    # An hour later, when the lease of the dead has ended.
    later = courier_for(relay_settings(settings, mailbox), lambda: utc_now() + timedelta(hours=1), ctx)
    await later.run(once=True)
    await later.run(once=True)
    assert await states([id_]) == ["SENT"]
    first, second = mailbox.received
    assert first.message_id == second.message_id == row.message_id


async def test_killed_in_the_midst_of_a_letter_it_comes_from_another_courier(
    mailbox: Mailbox, ctx: Context, settings: Settings, environment: dict[str, str], tmp_path: Path
) -> None:
    mailbox.slow[MARIA] = asyncio.Event()
    [id_] = await promised(ctx, MARIA)
    with running(tmp_path / "victim", "courier", **environment) as victim:
        await until(lambda: _asked(mailbox))
        victim.told(signal.SIGKILL)
    mailbox.slow.clear()
    later = courier_for(relay_settings(settings, mailbox), lambda: utc_now() + timedelta(hours=1), ctx)
    await later.run(once=True)
    assert mailbox.recipients == [MARIA]
    assert await states([id_]) == ["SENT"]


async def _says(courier: Running, line: str) -> bool | None:
    return True if line in courier.errors else None


async def _asked(mailbox: Mailbox) -> bool | None:
    return True if mailbox.asked_for else None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_it_finishes_the_letter_in_hand_and_ends_well(
    mailbox: Mailbox, ctx: Context, environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    released = mailbox.slow[MARIA] = asyncio.Event()
    ids = await promised(ctx, MARIA)
    with running(tmp_path / "courier", "courier", **environment) as courier:
        await until(lambda: _asked(mailbox))
        ending = asyncio.create_task(asyncio.to_thread(courier.told, number))
        await until(lambda: _says(courier, "courier takes no more letters"))
        ids += await promised(ctx, ADA)
        released.set()
        assert await ending == 0
    assert mailbox.recipients == [MARIA]
    assert await states(ids) == ["SENT", "WAITING"]


# ------------------------------------------------------------------------------------------------ once
async def test_once_sends_what_is_due_and_says_how_it_went(
    mailbox: Mailbox, ctx: Context, environment: dict[str, str], tmp_path: Path
) -> None:
    mailbox.refused[MARIA] = "550 5.1.1 No such user"
    await promised(ctx, MARIA, ADA, "theo@example.org")
    done = await asyncio.to_thread(command, tmp_path, "courier", "--once", **environment)
    assert (done.returncode, done.stdout) == (0, "2 sent, 1 given up, 0 withdrawn, 0 to be tried again.\n")
    assert sorted(mailbox.recipients) == [ADA, "theo@example.org"]


async def test_once_without_a_relay_that_answers_ends_with_1(
    mailbox: Mailbox, ctx: Context, environment: dict[str, str], tmp_path: Path
) -> None:
    await promised(ctx, MARIA)
    await mailbox.stop()
    done = await asyncio.to_thread(command, tmp_path, "courier", "--once", **environment)
    assert done.returncode == 1
    assert done.stdout == "0 sent, 0 given up, 0 withdrawn, 1 to be tried again.\n"
    assert done.stderr.endswith("portal: The mail relay could not be used; the letters wait. The log says why.\n")
    assert f"relay={HOST}:{mailbox.port}" in done.stderr
    assert "Connection refused" in done.stderr
    await mailbox.start()


async def test_in_production_there_must_be_a_relay_to_give_letters_to(
    mailbox: Mailbox, environment: dict[str, str], tmp_path: Path
) -> None:
    production = environment | {"environment": "production", "public_url": "https://portal.example.org"}
    del production["smtp_host"]
    done = await asyncio.to_thread(command, tmp_path, "courier", "--once", **production)
    assert done.returncode == 1
    assert done.stderr == "portal: There is no mail relay to give letters to. Set PORTAL_SMTP_HOST first.\n"


@pytest.mark.parametrize("command_line", [["courier", "--once"], ["serve"]])
async def test_certificates_that_cannot_be_read_are_told_at_the_start(
    mailbox: Mailbox, environment: dict[str, str], tmp_path: Path, command_line: list[str]
) -> None:
    nothing, no_certificate = tmp_path / "nothing.pem", tmp_path / "note.pem"
    no_certificate.write_text("These are no certificates.")
    for file, fault in (
        (nothing, f"{nothing} cannot be read: No such file or directory"),
        (no_certificate, f"{no_certificate} holds no certificates"),
    ):
        chosen = environment | {"smtp_security": "tls", "smtp_ca_file": str(file), "port": "0"}
        done = await asyncio.to_thread(command, tmp_path, *command_line, **chosen)
        assert (done.returncode, done.stderr) == (1, f"portal: PORTAL_SMTP_CA_FILE is not right: {fault}.\n")


# ------------------------------------------------------------------------------------------------ beside a server
def beside(folder: Path, environment: dict[str, str]) -> Server:
    """A server with these settings that sends letters too."""
    more = {name: value for name, value in environment.items() if name not in {"database_url", "secrets", "var"}}
    return Server(environment["database_url"], environment["secrets"], folder, **(more | {"courier": "true"}))


async def test_a_server_sends_letters_by_itself_encrypted(
    district: District, ctx: Context, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    """On the event loop that servers run on, which has a TLS of its own."""
    authority = Authority(tmp_path)
    login = ("portal", "a password of the relay's")
    async with AsyncExitStack() as stack:
        mailbox = await stack.enter_async_context(Mailbox(tls=authority.server(HOST), login=login))
        chosen = environment_for(mailbox, database_url, keys_text, tmp_path)
        chosen |= {"smtp_security": "starttls", "smtp_ca_file": str(authority.file)}
        chosen |= {"smtp_username": login[0], "smtp_password": login[1]}
        server = stack.enter_context(beside(tmp_path / "server", chosen))
        await asyncio.to_thread(server.ready)
        await promised(ctx, MARIA)
        received = await mailbox.next()
        await until(_all_sent)
        assert (received.recipient, mailbox.encrypted) == (MARIA, [True])
        await promised(ctx, ADA)
        assert (await mailbox.next()).recipient == ADA


@pytest.mark.full
async def test_a_server_that_is_told_to_stop_lets_go_of_a_letter_that_takes_too_long(
    mailbox: Mailbox, ctx: Context, environment: dict[str, str], tmp_path: Path
) -> None:
    mailbox.slow[MARIA] = asyncio.Event()
    with beside(tmp_path / "server", environment) as server:
        await asyncio.to_thread(server.ready)
        [id_] = await promised(ctx, MARIA)
        await until(lambda: _asked(mailbox))
        await asyncio.to_thread(server.stop)
    row = await letter(id_)
    assert (row.state, row.leased_until) == (LetterState.WAITING, None)
    assert "letter sent" not in server.log


async def test_in_production_without_a_relay_letters_wait_and_the_log_says_so(
    district: District, ctx: Context, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    production = {"environment": "production", "public_url": "https://portal.example.org", "courier": "true"}
    with Server(database_url, keys_text, tmp_path / "server", **production) as server:
        await asyncio.to_thread(server.ready)
        assert "letters wait: there is no mail relay" in server.log
        assert "PORTAL_SMTP_HOST" in server.log
    assert not (tmp_path / "server" / "mail").exists()
    assert await sql.rows("SELECT 1 FROM mail_pace") == []

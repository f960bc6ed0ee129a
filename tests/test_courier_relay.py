"""The way to the mail relay: encrypted as the settings say or not at all, and what happens when there is none."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from app.settings import Settings
from db import sql
from db.context import Context
from db.models import Letter, LetterState, UndeliverableAddress
from mail.courier import Courier
from tests.certificates import Authority
from tests.conftest import Clock
from tests.couriers import at_work, courier_for, letter, promised, relay_settings, states
from tests.district import District
from tests.holding import until
from tests.mailbox import HOST, Mailbox

MARIA, ADA, THEO = "maria@example.org", "ada@example.org", "theo@example.org"
LOGIN = ("portal", "a password of the relay's")

#: Makes a courier for the settings.
Couriers = Callable[[Settings], Courier]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def courier(district: District, clock: Clock, ctx: Context) -> Couriers:
    return lambda settings: courier_for(settings, clock, ctx)


def trouble(lines: list[EventDict]) -> list[str]:
    """What the log says about the relay."""
    return [line["reason"] for line in lines if line["event"] == "mail relay cannot be used"]


# ------------------------------------------------------------------------------------------------ encrypted
# Said by the server about a connection that was encrypted from the start.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_letter_goes_encrypted_and_with_a_password(
    settings: Settings, courier: Couriers, ctx: Context, authority: Authority, security: str
) -> None:
    async with Mailbox(tls=authority.server(HOST), implicit=security == "tls", login=LOGIN) as mailbox:
        [id_] = await promised(ctx, MARIA)
        username, password = LOGIN
        chosen = {"smtp_username": username, "smtp_password": password, "smtp_ca_file": authority.file}
        await courier(with_relay(settings, mailbox, smtp_security=security, **chosen)).run(once=True)
        assert mailbox.recipients == [MARIA]
        assert mailbox.encrypted == [True]
    assert await states([id_]) == ["SENT"]


def with_relay(settings: Settings, mailbox: Mailbox, **more: object) -> Settings:
    """As the environment would set it, checks included."""
    read = relay_settings(settings, mailbox).model_dump() | {"secrets": settings.secrets} | more
    return Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic-settings' own argument
        **(read | {"database_url": settings.database_url}),
    )


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        (HOST, False, "unable to get local issuer certificate"),
        ("mail.example.org", True, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
    ],
)
async def test_a_relay_with_a_wrong_certificate_gets_no_letters_until_it_has_a_right_one(
    settings: Settings,
    courier: Couriers,
    district: District,
    authority: Authority,
    clock: Clock,
    *,
    security: str,
    name: str,
    said: str,
    known: bool,
) -> None:
    ctx = district.ctx
    ids = await promised(ctx, MARIA, ADA)
    async with Mailbox(tls=authority.server(name), implicit=security == "tls") as mailbox:
        trusting = authority.file if known else None
        relay = with_relay(settings, mailbox, smtp_security=security, smtp_ca_file=trusting)
        with capture_logs() as lines:
            await courier(relay).run(once=True)
        assert mailbox.asked_for == []
    assert await states(ids) == ["WAITING", "WAITING"]
    step = "STARTTLS" if security == "starttls" else "connect"
    assert [reason.startswith(f"{step}: Its certificate is not accepted: ") for reason in trouble(lines)] == [True]
    assert said in trouble(lines)[0]
    clock.advance(minutes=10)
    async with Mailbox(tls=authority.server(HOST), implicit=security == "tls") as mailbox:
        relay = with_relay(settings, mailbox, smtp_security=security, smtp_ca_file=authority.file)
        await courier(relay).run(once=True)
        assert sorted(mailbox.recipients) == [ADA, MARIA]


async def test_a_relay_that_cannot_encrypt_gets_no_letters(settings: Settings, courier: Couriers, ctx: Context) -> None:
    ids = await promised(ctx, MARIA)
    async with Mailbox() as mailbox:
        with capture_logs() as lines:
            await courier(with_relay(settings, mailbox, smtp_security="starttls")).run(once=True)
        assert mailbox.asked_for == []
    assert await states(ids) == ["WAITING"]
    assert trouble(lines) == ["STARTTLS: SMTP STARTTLS extension not supported by server."]


async def test_a_wrong_password_is_the_relays_trouble_and_told_without_it(
    settings: Settings, courier: Couriers, ctx: Context, authority: Authority
) -> None:
    ids = await promised(ctx, MARIA, ADA)
    async with Mailbox(tls=authority.server(HOST), login=LOGIN) as mailbox:
        chosen = {"smtp_username": "portal", "smtp_password": "another-one", "smtp_ca_file": authority.file}
        with capture_logs() as lines:
            await courier(with_relay(settings, mailbox, smtp_security="starttls", **chosen)).run(once=True)
        assert mailbox.asked_for == []
    assert await states(ids) == ["WAITING", "WAITING"]
    [reason] = trouble(lines)
    assert reason.startswith("AUTH: 535 5.7.8 ")
    for word in ("another-one", MARIA, ADA):
        assert word not in str(lines)


# ------------------------------------------------------------------------------------------------ away
async def test_letters_arrive_after_the_relay_was_away_for_a_while(
    settings: Settings, courier: Couriers, ctx: Context, clock: Clock
) -> None:
    """The whole courier waits, longer each time, instead of trying one letter after the other."""
    addresses = [f"family{n}@example.org" for n in range(10)]
    mailbox = Mailbox()
    await mailbox.start()
    await mailbox.stop()
    relay = relay_settings(settings, mailbox)
    worker = courier(relay)
    ids = await promised(ctx, *addresses)
    with capture_logs() as lines:
        async with at_work(worker, relay):
            for times in range(1, 8):
                await until(lambda times=times: _times_told(lines, times))  # type: ignore[misc]  # a loop's own value
                clock.advance(seconds=400)
                worker.wake()
            assert await states(ids) == ["WAITING"] * 10
            await until(lambda: _times_told(lines, 8))
            await mailbox.start()
            clock.advance(seconds=400)
            worker.wake()
            received = [(await mailbox.next()).recipient for _ in addresses]
    await mailbox.stop()
    assert sorted(received) == sorted(addresses)
    assert await states(ids) == ["SENT"] * 10
    assert sum(row.attempts for row in await Letter.all()) <= 10 + 8 * relay.mail_connections
    told = [line for line in lines if line["event"] == "mail relay cannot be used"]
    assert {(line["relay"], line["reason"]) for line in told} == {
        (f"{HOST}:{mailbox.port}", "connect: Connection refused")
    }
    for line, seconds in zip(told, (10, 20, 40, 80, 160, 300), strict=False):
        assert seconds * 0.79 <= line["again_in"] <= seconds * 1.21
    assert [line["event"] for line in lines].count("mail relay can be used again") == 1


async def _times_told(lines: list[EventDict], times: int) -> bool | None:
    return True if len(trouble(lines)) >= times else None


async def test_during_a_pause_no_letter_is_tried(
    settings: Settings, courier: Couriers, ctx: Context, clock: Clock
) -> None:
    async with Mailbox() as mailbox:
        mailbox.refused_sender = "451 4.3.0 Out of order"
        worker = courier(relay_settings(settings, mailbox, mail_connections=1))
        ids = await promised(ctx, MARIA, ADA)
        await worker.run(once=True)
        assert worker.is_in_trouble
        clock.advance(seconds=7)
        await worker.run(once=True)
        assert [row.attempts for row in await Letter.all().order_by("id")] == [1, 0]
        mailbox.refused_sender = None
        clock.advance(seconds=6)
        await worker.run(once=True)
    assert await states(ids) == ["SENT", "SENT"]


@pytest.mark.parametrize(
    "answer", ["550 5.7.1 Sender not allowed", "451 4.3.0 Out of order", "421 Too many connections"]
)
async def test_a_refused_sender_is_the_relays_trouble_and_no_letters(
    settings: Settings, courier: Couriers, ctx: Context, answer: str
) -> None:
    async with Mailbox() as mailbox:
        mailbox.refused_sender = answer
        ids = await promised(ctx, MARIA, ADA, THEO)
        with capture_logs() as lines:
            await courier(relay_settings(settings, mailbox)).run(once=True)
    assert await states(ids) == ["WAITING"] * 3
    assert trouble(lines) == [f"MAIL FROM: {answer}"]


@pytest.mark.parametrize("answer", ["530 5.7.0 Authentication required", "503 Bad sequence of commands"])
async def test_a_refusal_of_us_in_place_of_the_recipient_is_the_relays_trouble(
    settings: Settings, courier: Couriers, ctx: Context, answer: str
) -> None:
    async with Mailbox() as mailbox:
        mailbox.refused[MARIA] = answer
        ids = await promised(ctx, MARIA)
        with capture_logs() as lines:
            await courier(relay_settings(settings, mailbox)).run(once=True)
    assert await states(ids) == ["WAITING"]
    assert trouble(lines) == [f"RCPT TO: {answer}"]


REFUSALS_OF_US = [
    ("550 5.1.8 Access denied, bad outbound sender", False),
    ("553 5.1.7 Bad sender's mailbox address", False),
    ("554 5.7.1 Relay access denied", False),
    ("550 5.7.64 Relay access denied", False),
    ("550 relay not permitted", False),
    ("550 5.1.8 Access denied, bad outbound sender", True),
    ("550 5.1.7 Invalid address of sender", True),
    ("554 5.2.252 SendAsDenied", True),
    ("550 5.7.60 Client does not have permissions to send as this sender", True),
]


@pytest.mark.parametrize(("answer", "after_data"), REFUSALS_OF_US)
async def test_a_refusal_of_us_on_letter_after_letter_is_the_relays_trouble_and_ends_none(
    *, settings: Settings, courier: Couriers, ctx: Context, clock: Clock, answer: str, after_data: bool
) -> None:
    """Nor is any address taken for one that letters do not reach."""
    addresses = [f"family{n}@example.org" for n in range(10)]
    async with Mailbox() as mailbox:
        refused = mailbox.refused_after_data if after_data else mailbox.refused
        refused |= dict.fromkeys(addresses, answer)
        ids = await promised(ctx, *addresses)
        worker = courier(relay_settings(settings, mailbox))
        with capture_logs() as lines:
            await worker.run(once=True)
        assert len(mailbox.asked_for) <= 4
        assert trouble(lines) == [answer]
        assert await states(ids) == ["WAITING"] * 10
        refused.clear()
        clock.advance(minutes=5)
        await worker.run(once=True)
    assert await states(ids) == ["SENT"] * 10
    assert not await UndeliverableAddress.exists()


async def test_a_refusal_of_us_for_one_letter_holds_up_no_other(
    settings: Settings, courier: Couriers, ctx: Context, clock: Clock
) -> None:
    """However often in a row that letter meets it: the recipient's own rules may be meant."""
    async with Mailbox() as mailbox:
        mailbox.refused[MARIA] = "550 5.7.1 This recipient takes no letters from elsewhere"
        [maria] = await promised(ctx, MARIA)
        worker = courier(relay_settings(settings, mailbox))
        with capture_logs() as lines:
            for _ in range(5):
                clock.now = (await letter(maria)).due_at
                await worker.run(once=True)
        assert mailbox.asked_for == [MARIA] * 5
        assert trouble(lines) == []
        while (row := await letter(maria)).state is LetterState.WAITING:
            clock.now = row.due_at
            await worker.run(once=True)
    assert row.state is LetterState.FAILED
    assert not await UndeliverableAddress.exists()


@pytest.mark.parametrize(
    ("answer", "state"), [("550 5.1.8 Bad sender", "WAITING"), ("555 5.5.4 Unsupported option: SMTPUTF8", "FAILED")]
)
async def test_a_sender_refused_where_smtputf8_is_needed_is_not_the_recipients_fault(
    settings: Settings, courier: Couriers, ctx: Context, answer: str, state: str
) -> None:
    async with Mailbox() as mailbox:
        mailbox.refused_sender = answer
        ids = await promised(ctx, "maría@example.org")
        with capture_logs() as lines:
            await courier(relay_settings(settings, mailbox)).run(once=True)
    assert await states(ids) == [state]
    assert trouble(lines) == ([f"MAIL FROM: {answer}"] if state == "WAITING" else [])
    assert not await UndeliverableAddress.exists()


async def test_a_relay_that_falls_silent_on_letter_after_letter_is_in_trouble_itself(
    settings: Settings, courier: Couriers, ctx: Context
) -> None:
    addresses = [f"family{n}@example.org" for n in range(10)]
    async with Mailbox() as mailbox:
        mailbox.cuts.update(dict.fromkeys(addresses, 1))
        ids = await promised(ctx, *addresses)
        with capture_logs() as lines:
            await courier(relay_settings(settings, mailbox)).run(once=True)
        assert len(mailbox.asked_for) <= 4
    assert trouble(lines) == ["It closed the connection."]
    assert await states(ids) == ["WAITING"] * 10


async def test_letters_are_given_up_after_a_day_without_a_relay(
    settings: Settings, courier: Couriers, ctx: Context, clock: Clock
) -> None:
    """All whose time is over, with the last reason; those that were promised later wait on."""
    async with Mailbox() as mailbox:
        mailbox.refused_sender = "451 4.3.0 Out of order"
        worker = courier(relay_settings(settings, mailbox))
        old = await promised(ctx, MARIA, ADA, THEO)
        for _ in range(5):
            await worker.run(once=True)
            clock.advance(minutes=6)
        assert await states(old) == ["WAITING"] * 3
        await Letter.all().update(promised_at=clock() - timedelta(hours=24))
        [young] = await promised(ctx, "nora@example.org")
        await worker.run(once=True)
    assert await states(old) == ["FAILED"] * 3
    assert await states([young]) == ["WAITING"]
    assert (await letter(old[2])).failure == "MAIL FROM: 451 4.3.0 Out of order"
    tally = await sql.rows("SELECT id, n FROM letter_tally")
    assert tally == [{"id": "FAILED:WELCOME", "n": 3}]


async def test_the_database_may_be_away_for_a_moment_after_a_letter_was_sent(
    settings: Settings, courier: Couriers, ctx: Context
) -> None:
    """The letter is marked when it is back, and not sent a second time."""
    async with Mailbox() as mailbox:
        released = mailbox.slow[MARIA] = asyncio.Event()
        [id_] = await promised(ctx, MARIA)
        with capture_logs() as lines:
            work = asyncio.create_task(courier(relay_settings(settings, mailbox)).run(once=True))
            await until(lambda: _asked(mailbox))
            await sql.rows("ALTER TABLE letter_tally RENAME TO letter_tally_away")
            released.set()
            await until(lambda: _said(lines, "letter not marked yet"))
            await sql.rows("ALTER TABLE letter_tally_away RENAME TO letter_tally")
            await work
        assert mailbox.recipients == [MARIA]
    row = await letter(id_)
    assert (row.state, row.attempts) == (LetterState.SENT, 1)


async def test_however_long_the_database_is_away_a_letter_that_was_sent_is_not_sent_again(
    settings: Settings, courier: Couriers, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Far longer than other marks are tried for."""
    monkeypatch.setattr("mail.in_hand._MARK_AGAIN", (0.0,) * 5)
    monkeypatch.setattr("mail.in_hand._MARK_FOR_EVER", (0.0, 0.01))
    async with Mailbox() as mailbox:
        released = mailbox.slow[MARIA] = asyncio.Event()
        [id_] = await promised(ctx, MARIA)
        with capture_logs() as lines:
            work = asyncio.create_task(courier(relay_settings(settings, mailbox)).run(once=True))
            await until(lambda: _asked(mailbox))
            await sql.rows("ALTER TABLE letter_tally RENAME TO letter_tally_away")
            released.set()
            await until(lambda: _said(lines, "letter not marked yet", times=20))
            await sql.rows("ALTER TABLE letter_tally_away RENAME TO letter_tally")
            await work
        assert mailbox.recipients == [MARIA]
    assert await states([id_]) == ["SENT"]


async def _asked(mailbox: Mailbox) -> bool | None:
    return True if mailbox.asked_for else None


async def _said(lines: list[EventDict], event: str, *, times: int = 1) -> bool | None:
    return True if [line["event"] for line in lines].count(event) >= times else None


async def test_logs_name_no_address(settings: Settings, courier: Couriers, ctx: Context, tmp_path: Path) -> None:
    async with Mailbox() as mailbox:
        mailbox.refused[MARIA] = f"550 5.1.1 <{MARIA}>: unknown"
        mailbox.refused[ADA] = f"451 4.2.1 {ADA} is busy"
        await promised(ctx, MARIA, ADA, THEO)
        with capture_logs() as lines:
            await courier(relay_settings(settings, mailbox)).run(once=True)
    events = {line["event"] for line in lines}
    assert events == {"letter failed", "letter waits", "letter sent"}
    assert {line.get("code") for line in lines} == {"550 5.1.1", "451 4.2.1", None}
    assert "@" not in str(lines)

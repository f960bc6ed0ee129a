"""A letter that was promised arrives: once, whatever the mail server does, and one bad recipient delays nobody."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from app.settings import Settings
from db import sql
from db.context import Context
from db.models import Letter, LetterState, UndeliverableAddress
from mail.courier import Courier
from mail.in_hand import Ending
from mail.outbox import LetterKind, Withdrawn
from tests.conftest import Clock
from tests.couriers import at_work, courier_for, letter, promised, relay_settings, states
from tests.district import District
from tests.holding import until
from tests.mailbox import Mailbox

MARIA, ADA, THEO = "maria@example.org", "ada@example.org", "theo@example.org"
NO_SUCH_USER = "550 5.1.1 <maria@example.org>: no such user"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with Mailbox() as box:
        yield box


@pytest.fixture
def relay(settings: Settings, mailbox: Mailbox) -> Settings:
    """The settings with the mailbox as relay."""
    return relay_settings(settings, mailbox)


@pytest.fixture
def courier(district: District, relay: Settings, clock: Clock, ctx: Context) -> Courier:
    return courier_for(relay, clock, ctx)


async def test_a_letter_that_was_promised_is_sent(
    courier: Courier, mailbox: Mailbox, ctx: Context, clock: Clock
) -> None:
    [id_] = await promised(ctx, MARIA)
    clock.advance(minutes=2)
    await courier.run(once=True)
    [received] = mailbox.received
    sent = await letter(id_)
    assert (received.recipient, received.message_id) == (MARIA, sent.message_id)
    assert received.sender == "portal@example.org"
    assert (sent.state, sent.sent_at, sent.attempts) == (LetterState.SENT, clock(), 1)
    assert sent.leased_until is None
    assert not sent.failure


async def test_what_is_not_due_waits(courier: Courier, mailbox: Mailbox, ctx: Context, clock: Clock) -> None:
    [id_] = await promised(ctx, MARIA)
    await Letter.all().update(due_at=clock() + timedelta(minutes=1))
    await courier.run(once=True)
    assert await states([id_]) == ["WAITING"]
    clock.advance(minutes=1)
    await courier.run(once=True)
    assert mailbox.recipients == [MARIA]


async def test_a_courier_at_rest_is_woken_by_the_promise(
    courier: Courier, relay: Settings, mailbox: Mailbox, ctx: Context
) -> None:
    """It sleeps for a minute when there is nothing to do, which no test would wait for."""
    async with at_work(courier, relay):
        for address in (MARIA, ADA, THEO):
            await promised(ctx, address)
            assert (await mailbox.next()).recipient == address


async def test_a_courier_that_lost_its_listening_connection_listens_again(
    courier: Courier, relay: Settings, mailbox: Mailbox, ctx: Context
) -> None:
    async with at_work(courier, relay):
        first = await until(_listener)
        await sql.rows("SELECT pg_terminate_backend($1)", first)

        async def another() -> int | None:
            found = await _listener()
            return found if found != first else None

        await until(another)
        await promised(ctx, MARIA)
        assert (await mailbox.next()).recipient == MARIA


async def _listener() -> int | None:
    """The connection that waits for words from the database, by its process there."""
    found = await sql.row("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^LISTEN'")
    return found["pid"] if found else None


async def test_one_connection_carries_several_letters(
    courier: Courier, mailbox: Mailbox, ctx: Context, relay: Settings
) -> None:
    addresses = [f"family{n}@example.org" for n in range(20)]
    ids = await promised(ctx, *addresses)
    await courier.run(once=True)
    assert sorted(mailbox.recipients) == sorted(addresses)
    assert await states(ids) == ["SENT"] * 20
    assert mailbox.connections <= relay.mail_connections


async def test_a_relay_that_hung_up_on_an_idle_connection_is_called_again_at_once(
    courier: Courier, relay: Settings, mailbox: Mailbox, ctx: Context
) -> None:
    async with at_work(courier, relay):
        await promised(ctx, MARIA)
        await mailbox.next()
        await until(_nothing_waits)
        mailbox.hang_up()
        [id_] = await promised(ctx, ADA)
        assert (await mailbox.next()).recipient == ADA
        await until(_nothing_waits)
    assert (await letter(id_)).attempts == 1


async def test_a_connection_without_letters_is_given_back(
    courier: Courier, relay: Settings, mailbox: Mailbox, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.courier._IDLE", 0.0)

    async def is_gone() -> bool | None:
        return None if mailbox.is_connected else True

    async with at_work(courier, relay):
        for address in (MARIA, ADA):
            await promised(ctx, address)
            await mailbox.next()
            await until(is_gone)
    assert mailbox.connections == 2


async def test_a_courier_goes_on_when_the_database_was_away(
    courier: Courier, relay: Settings, mailbox: Mailbox, ctx: Context
) -> None:
    await promised(ctx, MARIA)
    await sql.rows("ALTER TABLE mail_pace RENAME TO mail_pace_away")
    with capture_logs() as lines:
        async with at_work(courier, relay):

            async def is_held_up() -> bool | None:
                return True if any(line["event"] == "courier held up" for line in lines) else None

            await until(is_held_up)
            await sql.rows("ALTER TABLE mail_pace_away RENAME TO mail_pace")
            courier.wake()
            assert (await mailbox.next()).recipient == MARIA


async def test_a_server_that_takes_seven_bits_alone_is_given_these(
    district: District, settings: Settings, clock: Clock, ctx: Context
) -> None:
    async with Mailbox(without=frozenset({"8BITMIME"})) as mailbox:
        relay = relay_settings(settings, mailbox, district_name="Peña ISD")
        await promised(ctx, MARIA)
        await courier_for(relay, clock, ctx).run(once=True)
        [received] = mailbox.received
    assert received.content.isascii()
    assert received.mail_options == []
    body = received.message.get_body(("plain",))
    assert body is not None
    assert "Peña ISD" in f"{received.message['From']} {received.message['Subject']} {body.get_content()}"


async def _nothing_waits() -> bool | None:
    return None if await Letter.filter(state=LetterState.WAITING).exists() else True


# ------------------------------------------------------------------------------------------------ one bad recipient
async def test_a_recipient_refused_for_good_is_given_up_and_delays_nobody(
    courier: Courier, mailbox: Mailbox, ctx: Context, clock: Clock
) -> None:
    mailbox.refused[MARIA] = NO_SUCH_USER
    ids = await promised(ctx, MARIA, ADA, THEO)
    await courier.run(once=True)
    assert await states(ids) == ["FAILED", "SENT", "SENT"]
    assert (await letter(ids[0])).failure == "550 5.1.1 <m…@example.org>: no such user"
    known = await UndeliverableAddress.get()
    assert (known.email_folded, known.since) == (MARIA, clock())
    assert known.reason == "550 5.1.1 <m…@example.org>: no such user"
    clock.advance(days=1)
    await courier.run(once=True)
    assert mailbox.asked_for.count(MARIA) == 1


async def test_an_address_that_is_reached_again_is_no_longer_known_as_unreachable(
    courier: Courier, mailbox: Mailbox, ctx: Context, clock: Clock
) -> None:
    mailbox.refused["Maria@Example.org"] = NO_SUCH_USER
    await promised(ctx, "Maria@Example.org")
    await courier.run(once=True)
    since = (await UndeliverableAddress.get()).since
    clock.advance(hours=1)
    await promised(ctx, "Maria@Example.org", kind=LetterKind.PASSWORD_CHANGED)
    await courier.run(once=True)
    assert (await UndeliverableAddress.get()).since == since
    mailbox.refused.clear()
    await promised(ctx, MARIA, kind=LetterKind.NEW_DEVICE)
    await courier.run(once=True)
    assert not await UndeliverableAddress.exists()


@pytest.mark.parametrize(
    ("answer", "unreachable"),
    [
        ("550 no such user here", True),
        ("550 5.1.1 No such user", True),
        ("552 5.2.2 Mailbox full", True),
        ("550 5.4.1 Recipient address rejected: Access denied", True),
        ("552 5.3.4 Message too big for system", False),
        ("555 5.5.4 Unsupported option", False),
        ("550 5.6.7 No such letters here", False),
    ],
)
async def test_a_recipient_refused_for_good_ends_the_letter_and_an_address_is_marked_where_it_is_at_fault(
    courier: Courier, mailbox: Mailbox, ctx: Context, answer: str, *, unreachable: bool
) -> None:
    mailbox.refused[MARIA] = answer
    [id_] = await promised(ctx, MARIA)
    await courier.run(once=True)
    given_up = await letter(id_)
    assert (given_up.state, given_up.failure) == (LetterState.FAILED, answer)
    assert await UndeliverableAddress.exists() == unreachable


@pytest.mark.parametrize(
    "answer",
    [
        "554 Transaction failed: spam",
        "554 5.7.1 Message rejected as spam",
        "552 5.3.4 Message too big for system",
        "550 5.1.1 No such user after all",
        "552 5.2.2 Mailbox full",
    ],
)
async def test_a_letter_refused_for_good_says_nothing_about_the_address(
    courier: Courier, mailbox: Mailbox, ctx: Context, answer: str
) -> None:
    """Each of them would be refused for what it holds, and nobody could be written to any more."""
    mailbox.refused_after_data[MARIA] = answer
    [id_] = await promised(ctx, MARIA)
    await courier.run(once=True)
    given_up = await letter(id_)
    assert (given_up.state, given_up.failure) == (LetterState.FAILED, answer)
    assert not await UndeliverableAddress.exists()


async def test_what_a_server_says_is_kept_in_one_line_of_sane_length(
    courier: Courier, mailbox: Mailbox, ctx: Context
) -> None:
    mailbox.refused[MARIA] = "550-No \x1b[31msuch\tuser\r\n550 " + "x" * 400
    [id_] = await promised(ctx, MARIA)
    await courier.run(once=True)
    said = (await letter(id_)).failure
    assert said is not None
    assert said.startswith("550 No [31msuch user xxx")
    assert (len(said), said[-1]) == (300, "…")


TOKEN, KEY = "par_" + "aB3-_" * 8 + "xyz", "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"blocked url https://x.org/password#token={TOKEN} (policy)", "blocked url https://x.org/password#… (policy)"),
        (f"<hxxps://x.org/password#TOKEN={TOKEN.lower()}>", "<hxxps://x.org/password#…"),
        (f"x.org/password%23token%3D{TOKEN}, see https://y.org/help", "x.org/password%23… see https://y.org/help"),
        (f"suspicious words: {TOKEN}, {KEY}", "suspicious words: …, …"),
        ("01234567-89ab-8def-0123-456789ABCDEF?", "…?"),
        ("no #hashtags here, and no 0123456789abcdef", "no #hashtags here, and no 0123456789abcdef"),
    ],
)
async def test_what_a_server_repeats_of_a_letter_opens_no_account(
    courier: Courier, mailbox: Mailbox, ctx: Context, said: str, kept: str
) -> None:
    """Neither from the outbox nor from the logs, whether the letter is given up or waits."""
    mailbox.refused_after_data |= {MARIA: f"554 5.6.0 {said}", ADA: f"451 4.6.0 {said}"}
    maria, ada = await promised(ctx, MARIA, ADA)
    with capture_logs() as lines:
        await courier.run(once=True)
    assert (await letter(maria)).failure == f"554 5.6.0 {kept}"
    assert (await letter(ada)).failure == f"451 4.6.0 {kept}"
    assert not any(secret.lower() in str(lines).lower() for secret in (TOKEN, KEY))


@pytest.mark.parametrize("after_data", [False, True])
async def test_a_recipient_refused_for_now_waits_longer_each_time_and_the_others_go_on(
    courier: Courier, mailbox: Mailbox, ctx: Context, clock: Clock, *, after_data: bool
) -> None:
    refused = mailbox.refused_after_data if after_data else mailbox.refused
    refused[MARIA] = "451 4.7.1 Greylisted, try again later"
    maria, ada = await promised(ctx, MARIA, ADA)
    waits = []
    for _ in range(9):
        await courier.run(once=True)
        row = await letter(maria)
        assert (row.state, row.failure) == (LetterState.WAITING, "451 4.7.1 Greylisted, try again later")
        waits.append((row.due_at - clock()).total_seconds() / 60)
        clock.now = row.due_at
    assert await states([ada]) == ["SENT"]
    for wait, minutes in zip(waits, (1, 2, 4, 8, 16, 32, 60, 60, 60), strict=True):
        assert minutes * 0.79 <= wait <= minutes * 1.21
    assert len({wait / minutes for wait, minutes in zip(waits, (1, 2, 4, 8, 16, 32, 60, 60, 60), strict=True)}) > 1
    refused.clear()
    await courier.run(once=True)
    sent = await letter(maria)
    assert (sent.state, sent.attempts) == (LetterState.SENT, 10)
    assert not sent.failure
    assert not await UndeliverableAddress.exists()


async def test_a_letter_is_tried_for_a_day_and_a_last_time_then(
    courier: Courier, mailbox: Mailbox, ctx: Context, clock: Clock
) -> None:
    mailbox.refused[MARIA] = "450 4.2.1 Try again"
    [id_] = await promised(ctx, MARIA)
    promised_at = clock()
    while (row := await letter(id_)).state is LetterState.WAITING:
        clock.now = row.due_at
        await courier.run(once=True)
    assert (row.state, row.failure) == (LetterState.FAILED, "450 4.2.1 Try again")
    assert clock() - promised_at == timedelta(hours=24)
    assert not await UndeliverableAddress.exists()


async def test_a_letter_that_is_slow_holds_up_no_other(
    courier: Courier, relay: Settings, mailbox: Mailbox, ctx: Context
) -> None:
    released = mailbox.slow[MARIA] = asyncio.Event()
    others = [f"family{n}@example.org" for n in range(10)]
    ids = await promised(ctx, MARIA, *others)
    async with at_work(courier, relay):
        assert [(await mailbox.next()).recipient for _ in others] == others
        assert await states(ids[:1]) == ["WAITING"]
        released.set()
        assert (await mailbox.next()).recipient == MARIA
    assert await states(ids) == ["SENT"] * 11


async def test_a_server_that_does_not_answer_in_time_is_given_up_for_that_letter(
    relay: Settings, clock: Clock, mailbox: Mailbox, ctx: Context, district: District
) -> None:
    mailbox.slow[MARIA] = asyncio.Event()
    hasty = relay.model_copy(update={"smtp_seconds": 0.2})
    [id_] = await promised(ctx, MARIA)
    await courier_for(hasty, clock, ctx).run(once=True)
    row = await letter(id_)
    assert row.state is LetterState.WAITING
    assert "It did not answer in time." in str(row.failure)
    mailbox.slow.clear()
    clock.now = row.due_at
    await courier_for(relay, clock, ctx).run(once=True)
    assert mailbox.recipients == [MARIA]


@pytest.mark.parametrize("late", [False, True])
async def test_of_a_letter_that_may_have_been_taken_few_copies_go(
    courier: Courier, clock: Clock, mailbox: Mailbox, ctx: Context, monkeypatch: pytest.MonkeyPatch, *, late: bool
) -> None:
    """The relay has all of it each time, and its answer is lost, or comes too late."""
    if late:
        monkeypatch.setattr("mail.relay._DATA_TIMES", 0.01)
        mailbox.slow[MARIA] = asyncio.Event()
    else:
        mailbox.cuts[MARIA] = 100
    [id_] = await promised(ctx, MARIA)
    promised_at, tries = clock(), []
    while (row := await letter(id_)).state is LetterState.WAITING:
        clock.now = row.due_at
        tries.append((clock() - promised_at).total_seconds() / 3600)
        await courier.run(once=True)
    assert row.failure in {"It did not answer in time.", "It closed the connection."}
    first, second, third, last = tries
    assert (first, last) == (0, 24)
    assert 0.79 <= second <= 1.21
    assert 6 * 0.79 <= (third - second) / second <= 6 * 1.21


async def test_a_server_that_goes_away_before_it_has_the_letter_is_asked_again_soon(
    courier: Courier, mailbox: Mailbox, ctx: Context, clock: Clock
) -> None:
    mailbox.cuts_early[MARIA] = 1
    [id_] = await promised(ctx, MARIA)
    await courier.run(once=True)
    row = await letter(id_)
    assert (row.state, row.failure) == (LetterState.WAITING, "It closed the connection.")
    assert row.due_at - clock() < timedelta(minutes=2)


async def test_a_connection_cut_in_the_midst_of_a_letter_is_no_end_of_it(
    courier: Courier, mailbox: Mailbox, ctx: Context, clock: Clock
) -> None:
    mailbox.cuts[MARIA] = 2
    ids = await promised(ctx, MARIA, ADA, THEO)
    await courier.run(once=True)
    assert await states(ids) == ["WAITING", "SENT", "SENT"]
    assert (await letter(ids[0])).failure == "It closed the connection."
    for _ in range(2):
        clock.now = (await letter(ids[0])).due_at
        await courier.run(once=True)
    assert await states(ids) == ["SENT"] * 3
    assert sorted(mailbox.recipients) == sorted([MARIA, ADA, THEO])


async def test_addresses_that_no_server_would_take_are_given_up_unsent(
    courier: Courier, mailbox: Mailbox, ctx: Context
) -> None:
    odd = ["maria", "maria quimby@example.org", "a@b@example.org", "maria@", "maria@exa mple.org", "m(x)@example.org"]
    ids = await promised(ctx, *odd, ADA)
    await courier.run(once=True)
    assert await states(ids) == ["FAILED"] * len(odd) + ["SENT"]
    assert (await letter(ids[0])).failure == "The address is not one that mail can be sent to."
    assert mailbox.asked_for == [ADA]
    assert await UndeliverableAddress.all().count() == len(odd)


async def test_a_domain_in_letters_of_its_own_needs_nothing_special(
    courier: Courier, mailbox: Mailbox, ctx: Context
) -> None:
    [id_] = await promised(ctx, "maria@exämple.org")
    await courier.run(once=True)
    [received] = mailbox.received
    assert received.recipient == "maria@xn--exmple-cua.org"
    assert "SMTPUTF8" not in received.mail_options
    assert b"To: maria@xn--exmple-cua.org\r\n" in received.content
    assert await states([id_]) == ["SENT"]


async def test_smtputf8_is_used_where_the_address_needs_it(courier: Courier, mailbox: Mailbox, ctx: Context) -> None:
    ids = await promised(ctx, "maría@example.org", ADA)
    await courier.run(once=True)
    by_recipient = {letter.recipient: letter for letter in mailbox.received}
    assert "SMTPUTF8" in by_recipient["maría@example.org"].mail_options
    assert "SMTPUTF8" not in by_recipient[ADA].mail_options
    assert await states(ids) == ["SENT", "SENT"]


async def test_a_server_without_smtputf8_cannot_be_given_such_an_address(
    district: District, settings: Settings, clock: Clock, ctx: Context
) -> None:
    async with Mailbox(utf8=False) as mailbox:
        ids = await promised(ctx, "maría@example.org", ADA)
        await courier_for(relay_settings(settings, mailbox), clock, ctx).run(once=True)
        assert mailbox.recipients == [ADA]
    assert await states(ids) == ["FAILED", "SENT"]
    assert "it has no SMTPUTF8" in str((await letter(ids[0])).failure)


# ------------------------------------------------------------------------------------------------ not sent at all
async def test_a_letter_that_is_of_no_more_use_is_withdrawn(courier: Courier, mailbox: Mailbox, ctx: Context) -> None:
    """Nobody has the address by the time at which it would be sent."""
    [id_] = await promised(ctx, MARIA, kind=LetterKind.LOG_ON_INFORMATION)
    await sql.rows("UPDATE letter SET person_id = NULL, facts = '{}'")
    await sql.rows("UPDATE person SET email = NULL, email_folded = NULL")
    await courier.run(once=True)
    row = await letter(id_)
    assert (row.state, row.failure, row.leased_until) == (LetterState.CANCELLED, Withdrawn.NOBODY, None)
    assert mailbox.connections == 0
    assert courier.endings == {Ending.WITHDRAWN: 1}


async def test_a_letter_that_cannot_be_made_ready_waits_and_the_others_go_on(
    courier: Courier, mailbox: Mailbox, ctx: Context, clock: Clock
) -> None:
    """Such as one of a kind that only a newer server on the same database knows."""
    odd, ada = await promised(ctx, MARIA, ADA)
    await Letter.filter(id=odd).update(kind="PIGEON")
    await courier.run(once=True)
    row = await letter(odd)
    assert (row.state, row.failure) == (LetterState.WAITING, "It could not be made ready: ValueError.")
    assert row.due_at > clock()
    assert await states([ada]) == ["SENT"]
    await Letter.filter(id=odd).update(kind="WELCOME")
    clock.now = row.due_at
    await courier.run(once=True)
    assert await states([odd]) == ["SENT"]

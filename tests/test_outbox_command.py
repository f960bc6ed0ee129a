"""`portal outbox`: what became of letters, letters that are tried again, and letters that are not to be sent."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.settings import Settings
from db import sql
from db.context import Context
from db.models import Letter, LetterState, TrailEntry
from db.trail import Step
from mail.outbox import LetterKind, Withdrawn, masked
from resolvers.outbox import OutboxProblem, cancel_letter, outbox, retry_failed_letters, retry_letter
from tests.command_line import portal as command
from tests.conftest import Clock
from tests.couriers import at_work, courier_for, letter, promised, relay_settings, states
from tests.district import District
from tests.holding import until
from tests.mailbox import Mailbox
from tests.tables import no_trail, trail
from tests.test_cli import one_sentence

MARIA, ADA, THEO = "maria@example.org", "ada@example.org", "theo@example.org"
Answer = subprocess.CompletedProcess[str]
Outbox = Callable[..., Answer]


@pytest.fixture
def operator(district: District, database_url: str, keys_text: str, tmp_path: Path) -> Outbox:
    """Runs `portal outbox …` on the test's district."""

    def run(*arguments: str) -> Answer:
        return command(tmp_path, "outbox", *arguments, database_url=database_url, secrets=keys_text)

    return run


def done(answer: Answer) -> str:
    assert (answer.returncode, answer.stderr) == (0, ""), answer
    return answer.stdout


async def failed(ctx: Context, *addresses: str, reason: str = "550 5.1.1 [bold]No such user") -> list[int]:
    """Letters that were given up."""
    ids = await promised(ctx, *addresses)
    await Letter.filter(id__in=ids).update(state=LetterState.FAILED, failure=reason, attempts=7)
    return ids


# ------------------------------------------------------------------------------------------------ looking
async def test_the_newest_letters_are_listed_with_their_addresses_masked(operator: Outbox, ctx: Context) -> None:
    [maria] = await failed(ctx, MARIA)
    [ada] = await promised(ctx, ADA, kind=LetterKind.PASSWORD_CHANGED)
    said = done(operator("list"))
    assert said.index("PASSWORD_CHANGED") < said.index("WELCOME")
    assert "m…@example.org" in said
    assert MARIA not in said
    assert "550 5.1.1 [bold]No such user" in said
    assert "2026-10-05 12:00:00" in said
    whole = done(operator("list", "--addresses", "--state", "failed"))
    assert MARIA in whole
    assert ADA not in whole
    [one] = [json.loads(line) for line in done(operator("list", "--json", "--limit", "1")).splitlines()]
    assert one == {
        "id": ada,
        "kind": "PASSWORD_CHANGED",
        "state": "WAITING",
        "address": "a…@example.org",
        "promised_at": "2026-10-05T17:00:00+00:00",
        "due_at": "2026-10-05T17:00:00+00:00",
        "sent_at": None,
        "in_hand": False,
        "attempts": 0,
        "reason": None,
    }
    [other] = [json.loads(line) for line in done(operator("list", "--json", "--state", "failed")).splitlines()]
    assert (other["id"], other["attempts"], other["due_at"]) == (maria, 7, None)
    assert done(operator("list", "--state", "sent")) == "There is no such letter.\n"


async def test_each_state_is_listed_by_itself(district: District, ctx: Context, clock: Clock) -> None:
    ids = await promised(ctx, MARIA, ADA, THEO, "nora@example.org")
    for id_, state in zip(ids, LetterState, strict=True):
        sent_at = clock() if state is LetterState.SENT else None
        await Letter.filter(id=id_).update(state=state, sent_at=sent_at)
    for id_, state in zip(ids, LetterState, strict=True):
        assert [(one.id, one.state) for one in await outbox(ctx, state=state)] == [(id_, state)]
    assert [one.id for one in await outbox(ctx)] == ids[::-1]
    assert [one.id for one in await outbox(ctx, limit=2)] == ids[:1:-1]


@pytest.mark.parametrize(
    ("address", "shown"), [(MARIA, "m…@example.org"), ("m@x.org", "m…@x.org"), ("a@b@x.org", "a…@x.org")]
)
def test_a_masked_address(address: str, shown: str) -> None:
    assert masked(address) == shown


# ------------------------------------------------------------------------------------------------ trying again
async def test_a_letter_that_was_given_up_is_tried_again_and_as_long_as_a_new_one(
    district: District, ctx: Context, settings: Settings, clock: Clock
) -> None:
    async with Mailbox() as mailbox:
        mailbox.refused[MARIA] = "450 4.2.1 Try again"
        worker = courier_for(relay_settings(settings, mailbox), clock, ctx)
        [id_] = await failed(ctx, MARIA)
        clock.advance(days=3)
        await retry_letter(replace(ctx, now=clock()), id_)
        again_at = clock()
        while (row := await letter(id_)).state is LetterState.WAITING:
            clock.now = row.due_at
            await worker.run(once=True)
        assert clock() == again_at + timedelta(hours=24)
        await retry_letter(replace(ctx, now=clock()), id_)
        mailbox.refused.clear()
        await worker.run(once=True)
    row = await letter(id_)
    assert (row.state, row.attempts) == (LetterState.SENT, 1)
    assert not row.failure


async def test_couriers_are_woken_for_what_is_tried_again(
    district: District, ctx: Context, settings: Settings, clock: Clock
) -> None:
    await failed(ctx, MARIA)
    async with Mailbox() as mailbox:
        relay = relay_settings(settings, mailbox)
        async with at_work(courier_for(relay, clock, ctx), relay):
            await until(_somebody_listens)
            assert await retry_failed_letters(ctx) == 1
            assert (await mailbox.next()).recipient == MARIA


async def _somebody_listens() -> bool | None:
    found = await sql.rows(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^LISTEN' AND state = 'idle'"
    )
    return True if found else None


async def test_all_that_were_given_up_are_tried_again_and_each_leaves_its_entry(operator: Outbox, ctx: Context) -> None:
    ids = await failed(ctx, MARIA, ADA)
    [waiting] = await promised(ctx, THEO)
    assert done(operator("retry", "--failed")) == "2 letters wait to be sent again.\n"
    assert await states([*ids, waiting]) == ["WAITING"] * 3
    entries = await TrailEntry.all().order_by("id")
    assert [(entry.step, entry.outcome, entry.address) for entry in entries] == [
        (Step.RETRY_LETTER, "DONE", "command line")
    ] * 2
    assert [entry.details for entry in entries] == [{"letter_id": id_} for id_ in ids]
    assert [entry.about_person_id for entry in entries] == [(await letter(id_)).person_id for id_ in ids]
    assert done(operator("retry", "--failed")) == "0 letters wait to be sent again.\n"


async def test_what_was_not_given_up_is_not_tried_again(operator: Outbox, ctx: Context) -> None:
    [id_] = await promised(ctx, MARIA)
    assert one_sentence(operator("retry", str(id_))) == f"Letter {id_} was not given up: it is WAITING."
    assert one_sentence(operator("retry", "4711")) == "There is no letter 4711."
    assert one_sentence(operator("retry")) == "Give either the number of a letter or --failed."
    assert one_sentence(operator("retry", str(id_), "--failed")) == "Give either the number of a letter or --failed."
    assert await trail() == []


# ------------------------------------------------------------------------------------------------ cancelling
async def test_a_letter_that_waits_is_cancelled_and_never_sent(
    operator: Outbox, ctx: Context, settings: Settings, clock: Clock
) -> None:
    cancelled, other = await promised(ctx, MARIA, ADA)
    assert done(operator("cancel", str(cancelled))) == f"Letter {cancelled} is cancelled.\n"
    async with Mailbox() as mailbox:
        await courier_for(relay_settings(settings, mailbox), clock, ctx).run(once=True)
        assert mailbox.recipients == [ADA]
    row = await letter(cancelled)
    assert (row.state, row.failure) == (LetterState.CANCELLED, Withdrawn.BY_OPERATOR)
    assert await trail() == [(Step.CANCEL_LETTER, "DONE")]
    assert one_sentence(operator("cancel", str(other))) == f"Letter {other} does not wait: it is SENT."
    assert one_sentence(operator("cancel", "4711")) == "There is no letter 4711."


async def test_a_letter_in_a_couriers_hand_is_not_cancelled(
    district: District, ctx: Context, settings: Settings, clock: Clock
) -> None:
    async with Mailbox() as mailbox:
        mailbox.slow[MARIA] = asyncio.Event()
        [id_] = await promised(ctx, MARIA)
        work = asyncio.create_task(courier_for(relay_settings(settings, mailbox), clock, ctx).run(once=True))

        async def in_hand() -> bool | None:
            return True if (await outbox(ctx))[0].in_hand else None

        await until(in_hand)
        with pytest.raises(OutboxProblem, match=f"^A courier has letter {id_} in hand: see later what became of it.$"):
            await cancel_letter(ctx, id_)
        mailbox.slow[MARIA].set()
        await work
    assert await states([id_]) == ["SENT"]


async def test_without_its_entry_in_the_trail_nothing_is_tried_again_or_cancelled(
    district: District, ctx: Context
) -> None:
    [given_up] = await failed(ctx, MARIA)
    [waiting] = await promised(ctx, ADA)
    async with no_trail():
        for step in (retry_letter(ctx, given_up), cancel_letter(ctx, waiting), retry_failed_letters(ctx)):
            with pytest.raises(Exception, match="full"):
                await step
    assert await states([given_up, waiting]) == ["FAILED", "WAITING"]
    assert await sql.rows("SELECT 1 FROM letter_tally") == []

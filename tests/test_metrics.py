"""`/metrics`: the letters in numbers, the same from each worker, for whoever may ask."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from app.asgi import create_app
from app.settings import Settings
from db import sql
from db.context import Context
from db.models import Letter
from db.queries.courier import claim
from db.queries.housekeeping import throw_away
from mail.outbox import Addressee, LetterKind, Withdrawn, promise
from resolvers.outbox import cancel_letter, retry_failed_letters
from tests.clients import Portal
from tests.conftest import Clock
from tests.couriers import courier_for, promised, relay_settings
from tests.district import District
from tests.mailbox import Mailbox

MARIA, ADA, THEO = "maria@example.org", "ada@example.org", "theo@example.org"


def numbers(answer: httpx.Response) -> dict[str, float]:
    """Each sample that is not 0, by name and label."""
    assert answer.status_code == 200, answer.text
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


async def counted(portal: Portal) -> dict[str, float]:
    return {
        name.removeprefix("portal_letters_"): value
        for name, value in numbers(await portal.http.get("/metrics")).items()
        if value and "build" not in name
    }


async def test_what_became_of_letters_is_counted(
    portal: Portal, district: District, settings: Settings, clock: Clock
) -> None:
    ctx = district.ctx
    assert await counted(portal) == {}
    waiting, _, _ = await promised(ctx, MARIA, ADA, THEO)
    clock.advance(minutes=10)
    assert await counted(portal) == {"waiting": 3, "oldest_waiting_seconds": 600, "overdue_seconds": 600}
    async with Mailbox() as mailbox:
        mailbox.refused |= {ADA: "550 5.1.1 No such user", MARIA: "450 4.2.1 Try again"}
        await courier_for(relay_settings(settings, mailbox), clock, ctx).run(once=True)
    await promised(replace(ctx, now=clock()), "nora@example.org", kind=LetterKind.NEW_DEVICE)
    assert await counted(portal) == {
        "waiting": 2,
        "oldest_waiting_seconds": 600,
        "sent_total{WELCOME}": 1,
        "failed_total{WELCOME}": 1,
    }
    await cancel_letter(ctx, waiting)
    assert await counted(portal) == {
        "waiting": 1,
        "sent_total{WELCOME}": 1,
        "failed_total{WELCOME}": 1,
        "cancelled_total{BY_OPERATOR}": 1,
    }


async def test_letters_alike_are_counted_when_they_are_promised(portal: Portal, ctx: Context) -> None:
    addressee = Addressee(None, MARIA, None)
    for _ in range(ctx.rules.letters_alike + 2):
        await promise(ctx, LetterKind.LOG_ON_INFORMATION, [addressee], {})
    assert (await counted(portal))["cancelled_total{ALIKE}"] == 2


async def test_totals_never_shrink(portal: Portal, district: District, settings: Settings, clock: Clock) -> None:
    """Neither when letters are thrown away nor when they are tried again."""
    ctx = district.ctx
    await promised(ctx, MARIA, ADA)
    async with Mailbox() as mailbox:
        mailbox.refused[ADA] = "550 5.1.1 No such user"
        worker = courier_for(relay_settings(settings, mailbox), clock, ctx)
        await worker.run(once=True)
        assert await retry_failed_letters(ctx) == 1
        await worker.run(once=True)
    before = await counted(portal)
    assert before == {"sent_total{WELCOME}": 1, "failed_total{WELCOME}": 2}
    await throw_away(clock() + timedelta(days=100), letters_for=timedelta(days=90))
    assert not await Letter.exists()
    assert await counted(portal) == before


async def test_a_letter_that_is_tried_again_waits_since_then(portal: Portal, ctx: Context, clock: Clock) -> None:
    await promised(ctx, MARIA)
    await Letter.all().update(state="FAILED")
    clock.advance(days=2)
    await retry_failed_letters(replace(ctx, now=clock()))
    clock.advance(seconds=30)
    assert await counted(portal) == {"waiting": 1, "oldest_waiting_seconds": 30, "overdue_seconds": 30}


async def test_a_full_mailbox_is_no_trouble_of_the_relays_and_no_letter_overdue(
    portal: Portal, district: District, settings: Settings, clock: Clock
) -> None:
    """Nobody is to be woken because one letter is tried for a day."""
    [id_] = await promised(district.ctx, MARIA)
    async with Mailbox() as mailbox:
        mailbox.refused[MARIA] = "452 4.2.2 Mailbox full"
        worker = courier_for(relay_settings(settings, mailbox), clock, district.ctx)
        for _ in range(8):
            await worker.run(once=True)
            due_at = (await Letter.get(id=id_)).due_at
            clock.now = due_at - timedelta(seconds=1)
            told = await counted(portal)
            assert told.pop("oldest_waiting_seconds") > 0
            assert told == {"waiting": 1}
            clock.now = due_at
    clock.advance(seconds=20)
    assert (await counted(portal))["overdue_seconds"] == 20


async def test_a_letter_in_a_couriers_hand_is_not_overdue(portal: Portal, ctx: Context, clock: Clock) -> None:
    await promised(ctx, MARIA)
    clock.advance(minutes=5)
    lease, no_time = timedelta(minutes=6), timedelta()
    assert await claim(clock(), clock() + lease, step=no_time, ahead=no_time, farthest=no_time)
    clock.advance(minutes=5)
    assert "overdue_seconds" not in await counted(portal)
    clock.advance(minutes=2)
    assert (await counted(portal))["overdue_seconds"] == 60


@pytest.mark.parametrize("answer", [None, "550 5.1.1 No such user", "450 4.2.1 Try again"])
async def test_for_how_long_the_relay_cannot_be_used_is_told_until_it_has_judged_a_letter(
    portal: Portal, district: District, settings: Settings, clock: Clock, answer: str | None
) -> None:
    """Each time by another courier, as if they were started anew: what is known is in the database."""
    _, _, later = await promised(district.ctx, MARIA, ADA, THEO)
    await Letter.filter(id=later).update(due_at=clock() + timedelta(days=1))
    async with Mailbox() as mailbox:
        relay = relay_settings(settings, mailbox, mail_connections=1)
        mailbox.refused_sender = "451 4.3.0 Out of order"
        for _ in range(3):
            await courier_for(relay, clock, district.ctx).run(once=True)
            clock.advance(minutes=10)
        assert (await counted(portal))["portal_mail_relay_trouble_seconds"] == 1800
        mailbox.refused_sender = None
        if answer:
            mailbox.refused |= {MARIA: answer, ADA: answer}
        await courier_for(relay, clock, district.ctx).run(once=True)
        assert "portal_mail_relay_trouble_seconds" not in await counted(portal)


async def test_without_letters_no_relay_is_missed(
    portal: Portal, district: District, settings: Settings, clock: Clock
) -> None:
    [id_] = await promised(district.ctx, MARIA)
    async with Mailbox() as mailbox:
        mailbox.refused_sender = "451 4.3.0 Out of order"
        await courier_for(relay_settings(settings, mailbox), clock, district.ctx).run(once=True)
    clock.advance(minutes=10)
    assert (await counted(portal))["portal_mail_relay_trouble_seconds"] == 600
    await cancel_letter(district.ctx, id_)
    assert "portal_mail_relay_trouble_seconds" not in await counted(portal)


async def test_what_did_not_happen_yet_is_told_as_zero(portal: Portal) -> None:
    """A rate has to begin somewhere."""
    told = numbers(await portal.http.get("/metrics"))
    for kind in LetterKind:
        assert told[f"portal_letters_sent_total{{{kind}}}"] == told[f"portal_letters_failed_total{{{kind}}}"] == 0
    assert {f"portal_letters_cancelled_total{{{why}}}" for why in Withdrawn} <= told.keys()
    assert [value for name, value in told.items() if name.startswith("portal_build_info")] == [1]


# ------------------------------------------------------------------------------------------------ who may ask
Serving = Callable[..., AbstractAsyncContextManager[Portal]]


@pytest.fixture
def serving(district: District, settings: Settings, clock: Clock) -> Serving:
    """A portal with further settings."""

    @asynccontextmanager
    async def serve(**more: Any) -> Any:
        async with Portal(create_app(settings.model_copy(update=more), clock=clock)) as portal:
            yield portal

    return serve


@pytest.mark.parametrize("environment", ["development", "production"])
async def test_with_a_token_it_is_for_whoever_has_it(serving: Serving, environment: str) -> None:
    async with serving(environment=environment, metrics_token=SecretStr("open-sesame")) as portal:
        for header, status in (
            (None, 401),
            ("open-sesame", 401),
            ("Basic open-sesame", 401),
            ("Bearer open", 401),
            ("Bearer ", 401),
            ("Bearer öpen-sesame", 401),
            ("Bearer open-sesame", 200),
            ("bearer open-sesame", 200),
        ):
            headers = {"Authorization": header.encode()} if header else {}
            answer = await portal.http.get("/metrics", headers=headers)  # type: ignore[arg-type]  # bytes are taken too
            assert answer.status_code == status, header
            if status == 401:
                assert answer.headers["www-authenticate"] == "Bearer"
                assert "portal_letters" not in answer.text


async def test_without_a_token_it_is_open_in_development_and_not_there_in_production(serving: Serving) -> None:
    async with serving(environment="development") as portal:
        answer = await portal.http.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
    async with serving(environment="production") as portal:
        known, unknown = await portal.http.get("/metrics"), await portal.http.get("/nothing")
        assert (known.status_code, known.text) == (unknown.status_code, unknown.text) == (404, "Not Found")


async def test_a_database_that_is_away_is_no_fault_of_the_portal(portal: Portal) -> None:
    await sql.rows("ALTER TABLE letter_tally RENAME TO letter_tally_away")
    try:
        answer = await portal.http.get("/metrics")
    finally:
        await sql.rows("ALTER TABLE letter_tally_away RENAME TO letter_tally")
    assert (answer.status_code, answer.text) == (503, "Service Unavailable")
    assert (await portal.http.get("/metrics")).status_code == 200

"""A hundred wrong passwords in a row, from wherever and however slowly: the account is disabled, the holder told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from app.asgi import create_app
from app.settings import Settings
from db.context import Context
from db.models import (
    Account,
    AccountStatus,
    Device,
    DisabledReason,
    Letter,
    Outcome,
    RecoveryToken,
    Session,
    TokenKind,
    TokenState,
    TrailEntry,
)
from db.queries.housekeeping import throw_away
from db.trail import Step
from mail.outbox import LetterKind
from resolvers.closing import close_after_failures
from resolvers.login_attempts import count_login
from tests import documents
from tests.clients import Portal, crowd
from tests.conftest import Clock, Statements
from tests.desk import Desk, open_desk
from tests.district import PASSWORD, District
from tests.guessing import WRONG
from tests.tables import no_trail, streaks

NEW = "copper violin thirty meadows"
MOST = 100
#: As long as the longest wait.
LOCK = timedelta(minutes=15)


@pytest.fixture
async def desk(portal: Portal, district: District) -> Desk:
    return await open_desk(portal, district)


@pytest.fixture
async def stranger(portal: Portal) -> AsyncIterator[Portal]:
    async with crowd(1, portal) as [somebody]:
        yield somebody


@pytest.fixture
async def mine(portal: Portal) -> AsyncIterator[Portal]:
    """Maria's own telephone."""
    telephone = Portal(portal.app, address="198.51.100.99")
    async with telephone.http:
        yield telephone


async def guess(portal: Portal, clock: Clock, times: int, *, username: str = "maria.q", **more: object) -> None:
    """Wrong passwords, each after the longest wait; all are judged, and told to be no more than wrong."""
    for _ in range(times):
        clock.now += LOCK
        assert (await portal.login(username, WRONG, **more))["__typename"] == "WrongCredentials"


async def standing(desk: Desk) -> tuple[str, str | None]:
    account = await Account.get(id=desk.maria.account_id)
    return account.status.value, account.disabled_reason.value if account.disabled_reason else None


OPEN = ("ACTIVE", None)
SHUT = ("DISABLED", "TOO_MANY_FAILURES")


# ------------------------------------------------------------------------------------------------ the hundredth
async def test_the_hundredth_wrong_password_in_a_row_disables_the_account_and_looks_like_the_others(
    desk: Desk, mine: Portal, stranger: Portal, clock: Clock
) -> None:
    await mine.login("maria.q", PASSWORD)
    account_id = desk.maria.account_id
    await RecoveryToken.create(
        account_id=account_id,
        kind=TokenKind.CODE,
        secret_version=1,
        digest=b"d" * 32,
        issued_at=clock(),
        expires_at=clock() + timedelta(days=7),
    )
    await guess(stranger, clock, MOST - 1)
    assert await standing(desk) == OPEN
    clock.now += LOCK
    bodies = [
        await stranger.wire(documents.LOGIN, username=name, password=WRONG) for name in ("maria.q", "another.name")
    ]
    assert bodies[0] == bodies[1]
    assert b'"WrongCredentials"' in bodies[0]
    assert await standing(desk) == SHUT
    assert not await Session.filter(account_id=account_id, ended_at=None).exists()
    assert not await Device.filter(account_id=account_id).exists()
    assert (await RecoveryToken.get()).state is TokenState.REPLACED


async def test_the_holder_is_told_and_the_trail_says_what_happened(
    desk: Desk, mine: Portal, stranger: Portal, clock: Clock
) -> None:
    await mine.login("maria.q", PASSWORD)
    await guess(stranger, clock, MOST)
    [letter] = await Letter.filter(kind=LetterKind.ACCOUNT_DISABLED)
    assert (letter.person_id, letter.address) == (desk.maria.id, "maria@example.org")
    assert letter.facts == {"account_id": desk.maria.account_id, "by_failures": True}
    entry = await TrailEntry.get(step=Step.DISABLE_BY_FAILURES)
    assert entry.outcome is Outcome.DONE
    assert not entry.rule
    assert (entry.actor_account_id, entry.actor_person_id) == (None, None)
    assert (entry.about_account_id, entry.about_person_id) == (desk.maria.account_id, desk.maria.id)
    assert entry.details == {"failures": MOST, "sessions_ended": 1}
    guessed = await TrailEntry.filter(step=Step.LOG_IN, refusal="WRONG_CREDENTIALS").order_by("-id").first()
    assert guessed is not None
    assert guessed.request_id == entry.request_id


async def test_the_holder_is_told_whom_to_call_and_the_desk_opens_it_again(
    desk: Desk, mine: Portal, stranger: Portal, clock: Clock
) -> None:
    await guess(stranger, clock, MOST)
    clock.now += LOCK
    refused = await mine.login("maria.q", PASSWORD)
    assert (refused["__typename"], refused["contact"]) == (
        "AccountDisabled",
        "Lakeside Middle School, (555) 555-0100",
    )
    await desk.portal.login("dana.ito", PASSWORD)
    enabled = await desk.enable(await desk.verified("ENABLE"))
    assert enabled["account"]["status"] == "ACTIVE"
    assert await streaks("account") == []
    assert (await mine.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"
    await guess(stranger, clock, MOST - 1)
    assert await standing(desk) == OPEN


async def test_however_slowly_they_come_a_hundred_are_a_hundred(
    desk: Desk, mine: Portal, stranger: Portal, clock: Clock
) -> None:
    """One every other day, with the house kept in between: waits are forgotten, the row is not."""
    for _ in range(MOST):
        assert await standing(desk) == OPEN
        clock.advance(days=2)
        await throw_away(clock(), letters_for=timedelta(days=90))
        assert (await stranger.login("maria.q", WRONG))["__typename"] == "WrongCredentials"
    assert await standing(desk) == SHUT


async def test_a_right_password_in_between_begins_anew(
    desk: Desk, mine: Portal, stranger: Portal, clock: Clock
) -> None:
    device = (await mine.login("maria.q", PASSWORD))["session"]["deviceToken"]
    await guess(stranger, clock, MOST - 1)
    assert (await mine.login("maria.q", PASSWORD, deviceToken=device))["__typename"] == "LoggedIn"
    await guess(stranger, clock, MOST - 1)
    assert await standing(desk) == OPEN
    await guess(stranger, clock, 1)
    assert await standing(desk) == SHUT


async def test_they_count_from_wherever_they_come(desk: Desk, mine: Portal, stranger: Portal, clock: Clock) -> None:
    device = (await mine.login("maria.q", PASSWORD))["session"]["deviceToken"]
    choice = {"current": WRONG, "password": NEW, "verifyPassword": NEW}
    for _ in range(40):
        clock.now += LOCK
        assert (await mine.do(documents.CHANGE_PASSWORD, choice))["__typename"] == "WrongCredentials"
    await guess(mine, clock, 30, deviceToken=device)
    await guess(stranger, clock, MOST - 40 - 30 - 1)
    assert await standing(desk) == OPEN
    await guess(mine, clock, 1, deviceToken=device)
    assert await standing(desk) == SHUT


async def test_whoever_guesses_in_a_stolen_session_loses_it(
    settings: Settings, desk: Desk, stranger: Portal, clock: Clock
) -> None:
    few = settings.model_copy(update={"login_failures_most": 10, "login_free_guesses": 10})
    async with Portal(create_app(few, clock=clock)) as portal:
        await portal.login("maria.q", PASSWORD)
        choice = {"current": WRONG, "password": NEW, "verifyPassword": NEW}
        for _ in range(10):
            assert await portal.me() is not None
            assert (await portal.do(documents.CHANGE_PASSWORD, choice))["__typename"] == "WrongCredentials"
        assert await portal.me() is None
    assert await standing(desk) == SHUT
    entry = await TrailEntry.get(step=Step.DISABLE_BY_FAILURES)
    assert entry.actor_account_id is None, "nobody decided it"


# ------------------------------------------------------------------------------------------------ at once
async def test_of_many_at_once_one_closes_it_and_one_letter_goes_out(
    settings: Settings, desk: Desk, clock: Clock
) -> None:
    at_once = settings.model_copy(update={"login_free_guesses": 10**6, "login_failures_most": 10})
    async with Portal(create_app(at_once, clock=clock)) as portal, crowd(30, portal) as clients:
        answers = await asyncio.gather(*(client.login("maria.q", WRONG) for client in clients))
    assert {answer["__typename"] for answer in answers} == {"WrongCredentials"}
    assert await standing(desk) == SHUT
    assert await TrailEntry.filter(step=Step.DISABLE_BY_FAILURES).count() == 1
    assert await Letter.filter(kind=LetterKind.ACCOUNT_DISABLED).count() == 1


async def test_a_right_password_a_moment_before_keeps_it_open(desk: Desk, ctx: Context) -> None:
    """The hundredth was judged wrong; before the account is closed, the holder signs in."""
    few = ctx.rules.model_copy(update={"login_failures_most": 1})
    ctx = replace(ctx, rules=few)
    account_id = desk.maria.account_id
    encoded = (await Account.get(id=account_id)).password_hash
    wrong = await count_login(ctx, "maria.q", account_id)
    right = await count_login(ctx, "maria.q", account_id)
    assert not await wrong.judge(encoded, WRONG)
    assert await right.judge(encoded, PASSWORD)
    await close_after_failures(ctx, account_id, wrong)
    assert await standing(desk) == OPEN
    again = await count_login(ctx, "maria.q", account_id)
    await close_after_failures(ctx, account_id, again)
    assert await standing(desk) == SHUT


async def test_without_its_trail_entry_it_is_not_closed_and_the_next_wrong_one_closes_it(
    desk: Desk, stranger: Portal, clock: Clock
) -> None:
    await guess(stranger, clock, MOST - 1)
    clock.now += LOCK
    async with no_trail():
        answer = (await stranger.post(documents.LOGIN, {"input": {"username": "maria.q", "password": WRONG}})).json()
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert await standing(desk) == OPEN
    assert not await Letter.filter(kind=LetterKind.ACCOUNT_DISABLED).exists()
    await guess(stranger, clock, 1)
    assert await standing(desk) == SHUT


# ------------------------------------------------------------------------------------------------ others
async def test_what_the_school_has_decided_stays_its_decision(desk: Desk, stranger: Portal, clock: Clock) -> None:
    await Account.filter(id=desk.maria.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.LEGAL_RESTRICTION
    )
    await guess(stranger, clock, MOST + 1)
    assert await standing(desk) == ("DISABLED", "LEGAL_RESTRICTION")
    assert not await Letter.filter(kind=LetterKind.ACCOUNT_DISABLED).exists()


async def test_names_that_nobody_has_cost_the_same_after_a_hundred(
    desk: Desk, stranger: Portal, clock: Clock, statements: Statements
) -> None:
    for username in ("maria.q", "nobody.q"):
        await guess(stranger, clock, MOST, username=username)
    seen = []
    for username in ("maria.q", "nobody.q"):
        clock.now += LOCK
        statements.take()
        body = await stranger.wire(documents.LOGIN, username=username, password=WRONG)
        seen.append((body, statements.take()))
    assert seen[0] == seen[1]
    assert len(seen[0][1]) == 4, "the account, the count, whether there is one to be closed, and the trail"
    assert await TrailEntry.filter(step=Step.DISABLE_BY_FAILURES).count() == 1

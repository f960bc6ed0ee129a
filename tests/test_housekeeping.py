"""What is of no more use goes by itself; what still decides anything stays."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from structlog.testing import capture_logs

from app.housekeeping import keeping_house
from db import sql
from db.context import Context, Role
from db.models import (
    AttemptBudget,
    Device,
    IdempotentAnswer,
    Letter,
    LetterState,
    LoginStreak,
    PersonMerge,
    Purpose,
    RecoveryToken,
    Session,
    TokenKind,
    Verification,
)
from db.queries.housekeeping import throw_away
from db.secrets import token_digest
from tests.conftest import Clock
from tests.couriers import promised
from tests.district import District

NINETY_DAYS = timedelta(days=90)


async def test_ended_windows_expired_answers_and_devices_are_thrown_away(district: District, clock: Clock) -> None:
    nora = await district.student()
    now, ago, soon = clock(), clock() - timedelta(seconds=1), clock() + timedelta(seconds=1)
    for name, ends_at in (("ended", ago), ("open", soon)):
        await AttemptBudget.create(id=f"proof-client:{name}", spent=3, ends_at=ends_at)
        await IdempotentAnswer.create(id=name, account_id=nora.account_id, sealed=b"sealed", expires_at=ends_at)
        device = await Device.create(
            account_id=nora.account_id,
            digest=token_digest(name),
            first_seen_at=ago,
            last_seen_at=ago,
            expires_at=ends_at,
        )
        await Session.create(
            account_id=nora.account_id,
            device_id=device.id,
            digest=token_digest(f"session {name}"),
            started_at=ago,
            last_seen_at=ago,
            expires_at=now + timedelta(hours=1),
        )

    async with asyncio.timeout(20), keeping_house(clock, letters_for=NINETY_DAYS, first_after=0, every=3600):
        await _until(_one_device_is_left)

    assert [budget.id for budget in await AttemptBudget.all()] == ["proof-client:open"]
    assert [answer.id for answer in await IdempotentAnswer.all()] == ["open"]
    assert [bytes(device.digest) for device in await Device.all()] == [token_digest("open")]
    assert await Session.all().count() == 2


async def test_forgotten_failures_are_thrown_away_but_not_how_many_there_were_in_a_row(
    district: District, clock: Clock
) -> None:
    ago, soon = clock() - timedelta(seconds=1), clock() + timedelta(seconds=1)
    for id_, account_id, in_a_row, forget_at in (
        ("account:1", 1, 5, ago),
        ("account:2", 2, 0, ago),
        ("name:ended", None, 5, ago),
        ("device:ended", None, 0, ago),
        ("account:3", 3, 0, soon),
        ("name:counting", None, 5, soon),
    ):
        await LoginStreak.create(
            id=id_,
            account_id=account_id,
            failures=5,
            in_a_row=in_a_row,
            began_at=ago,
            forget_at=forget_at,
            secret_version=1,
        )
    await throw_away(clock(), letters_for=NINETY_DAYS)
    kept = await LoginStreak.all().order_by("id")
    assert [streak.id for streak in kept] == ["account:1", "account:3", "name:counting"]


async def test_expired_codes_and_verifications_of_last_month_are_thrown_away(district: District, clock: Clock) -> None:
    """A verification is kept for a while after its end, for whoever asks at the desk."""
    nora = await district.student()
    dana = await district.staff(Role.DESIGNEE)
    began = clock() - timedelta(days=60)
    for number, ends_at in enumerate((clock() - timedelta(seconds=1), clock() + timedelta(seconds=1))):
        await RecoveryToken.create(
            account_id=nora.account_id,
            kind=TokenKind.CODE,
            secret_version=1,
            digest=token_digest(f"code {number}"),
            issued_at=began,
            expires_at=ends_at,
        )
    for days in (31, 29):
        await Verification.create(
            designee_id=dana.id,
            requester_id=nora.id,
            student_id=nora.id,
            purpose=Purpose.RESET,
            questions=[],
            attempts_left=3,
            started_at=began,
            expires_at=clock() - timedelta(days=days),
        )

    async with asyncio.timeout(20), keeping_house(clock, letters_for=NINETY_DAYS, first_after=0, every=3600):
        await _until(_one_verification_is_left)

    assert (await Verification.get()).expires_at == clock() - timedelta(days=29)
    assert bytes((await RecoveryToken.get()).digest) == token_digest("code 1")


async def test_letters_that_ended_long_ago_are_thrown_away_and_what_waits_stays(
    district: District, ctx: Context, clock: Clock
) -> None:
    """A link that is still good outlives the letter that carried it."""
    ids = await promised(ctx, *(f"family{n}@example.org" for n in range(7)))
    sent, failed, cancelled, waiting, late, retried, young = ids
    old, recent = clock() - NINETY_DAYS - timedelta(seconds=1), clock() - timedelta(days=89)
    await Letter.exclude(id=young).update(promised_at=old)
    for id_, what in (
        (sent, {"state": LetterState.SENT, "sent_at": old}),
        (failed, {"state": LetterState.FAILED}),
        (cancelled, {"state": LetterState.CANCELLED}),
        (late, {"state": LetterState.SENT, "sent_at": recent}),
        (retried, {"state": LetterState.FAILED, "retried_at": recent}),
        (young, {"state": LetterState.CANCELLED, "promised_at": recent}),
    ):
        await Letter.filter(id=id_).update(**what)
    nora = await district.student()
    await RecoveryToken.create(
        account_id=nora.account_id,
        kind=TokenKind.LINK,
        letter_id=sent,
        nonce=bytes(16),
        secret_version=1,
        digest=token_digest("link"),
        issued_at=old,
        expires_at=clock() + timedelta(hours=1),
    )

    async with asyncio.timeout(20), keeping_house(clock, letters_for=NINETY_DAYS, first_after=0, every=3600):
        await _until(_three_letters_are_gone)

    assert [letter.id for letter in await Letter.all().order_by("id")] == [waiting, late, retried, young]
    assert (await RecoveryToken.get()).letter_id is None


async def test_a_database_that_is_away_for_a_moment_does_not_end_it(district: District, clock: Clock) -> None:
    await AttemptBudget.create(id="proof-client:ended", spent=1, ends_at=clock() - timedelta(seconds=1))
    await sql.rows("ALTER TABLE attempt_budget RENAME TO attempt_budget_away")
    with capture_logs() as lines:
        async with asyncio.timeout(20), keeping_house(clock, letters_for=NINETY_DAYS, first_after=0, every=0.01):
            await _until(lambda: _said("housekeeping failed", lines))
            await sql.rows("ALTER TABLE attempt_budget_away RENAME TO attempt_budget")
            await _until(_no_count_is_left)


async def _one_device_is_left() -> bool:
    return await Device.all().count() == 1


async def _one_verification_is_left() -> bool:
    return await Verification.all().count() == 1


async def _three_letters_are_gone() -> bool:
    return await Letter.all().count() == 4


async def _no_count_is_left() -> bool:
    return not await AttemptBudget.all().exists()


async def _said(event: str, lines: Sequence[Mapping[str, object]]) -> bool:
    return any(line["event"] == event for line in lines)


async def _until(it_is_so: Callable[[], Awaitable[bool]]) -> None:
    """Asks again and again; the timeout around it ends a wait for nothing."""
    # Another task is at work, and tells nobody when it is done.
    while not await it_is_so():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_what_would_undo_a_merge_goes_when_nobody_can_undo_it_any_more(district: District, clock: Clock) -> None:
    dana = await district.staff(Role.REGISTRAR)
    held = {"kind": "STUDENT", "removed": [["student", {"birth_date": "2013-04-09"}]]}
    for days in (364, 366):
        kept, merged = await district.guardian(), await district.guardian()
        await PersonMerge.create(
            kept_id=kept.id,
            merged_id=merged.id,
            merged_at=clock() - timedelta(days=days),
            merged_by_id=dana.id,
            reason="Twice on record",
            before=held,
        )
    assert await throw_away(clock(), letters_for=NINETY_DAYS) == 1
    assert [merge.before for merge in await PersonMerge.all().order_by("id")] == [held, {"kind": "STUDENT"}]
    assert await throw_away(clock(), letters_for=NINETY_DAYS) == 0

"""Setting a new password with a code or a link: once, in time, counted, and the same no for whatever does not do."""

from datetime import timedelta

import pytest

from app.settings import Settings
from db.models import Account, AccountStatus, DisabledReason, RecoveryToken, TrailEntry
from db.secrets import CODE_ALPHABET, new_code, normalise_recovery_token
from db.trail import Step
from tests import documents
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.desk import Desk, open_desk
from tests.district import PASSWORD, District
from tests.tables import spent

NEW = "copper violin thirty meadows"


@pytest.fixture
async def desk(portal: Portal, district: District) -> Desk:
    return await open_desk(portal, district)


async def set_password(portal: Portal, token: str, password: str = NEW, again: str | None = None) -> Answer:
    choice = {"token": token, "password": password, "verifyPassword": password if again is None else again}
    return await portal.do(documents.SET_NEW_PASSWORD, choice)


async def test_every_code_that_does_not_do_gets_the_same_answer(desk: Desk, clock: Clock) -> None:
    used = (await desk.reset(await desk.verified("RESET")))["oneTimeCode"]
    await set_password(desk.portal, used)
    replaced = (await desk.reset(await desk.verified("RESET")))["oneTimeCode"]
    closed = (await desk.reset(await desk.verified("RESET")))["oneTimeCode"]
    answers = [await set_password(desk.portal, token) for token in (used, replaced)]
    await Account.filter(id=desk.maria.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    answers.append(await set_password(desk.portal, closed))
    await Account.filter(id=desk.maria.account_id).update(status=AccountStatus.ACTIVE, disabled_reason=None)
    clock.advance(hours=24)
    answers.append(await set_password(desk.portal, closed))
    for unknown in (new_code(), "par_" + "A" * 43, "", "no code", "x" * 5000, "🧒" * 10, "par_ABC"):
        answers.append(await set_password(desk.portal, unknown))  # noqa: PERF401  # one after the other
    assert {answer["__typename"] for answer in answers} == {"TokenNotAccepted"}
    assert len({str(answer) for answer in answers}) == 1


async def test_a_refused_password_does_not_use_the_code_up(desk: Desk) -> None:
    code = (await desk.reset(await desk.verified("RESET")))["oneTimeCode"]
    for password, again in ((NEW, "something else"), ("kites", None), ("maria.q maria.q", None), (PASSWORD, None)):
        refused = await set_password(desk.portal, code, password, again)
        assert refused["__typename"] == "InvalidInput", password
    assert (await set_password(desk.portal, code))["__typename"] == "PasswordChanged"


async def test_wrong_codes_are_counted_and_right_ones_are_not(desk: Desk, settings: Settings) -> None:
    for _ in range(3):
        code = (await desk.reset(await desk.verified("RESET")))["oneTimeCode"]
        assert (await set_password(desk.portal, code, f"{NEW} {code}"))["__typename"] == "PasswordChanged"
    assert await spent("token-client") == []
    code = (await desk.reset(await desk.verified("RESET")))["oneTimeCode"]
    for _ in range(settings.tokens_per_client):
        assert (await set_password(desk.portal, new_code()))["__typename"] == "TokenNotAccepted"
    closed = await set_password(desk.portal, code)
    assert closed["__typename"] == "TooManyAttempts"
    assert closed["retryAt"]


async def test_the_trail_says_whose_password_was_set_and_never_the_code(desk: Desk) -> None:
    code = (await desk.reset(await desk.verified("RESET")))["oneTimeCode"]
    desk.portal.token = None
    await set_password(desk.portal, code)
    entry = await TrailEntry.get(step=Step.SET_PASSWORD)
    assert (entry.about_account_id, entry.about_person_id) == (desk.maria.account_id, desk.maria.id)
    assert entry.actor_account_id is None
    assert code not in str(entry.details)
    token = await RecoveryToken.get()
    assert code.encode() not in bytes(token.digest)
    assert token.used_at is not None


async def test_a_code_lasts_a_day(desk: Desk, clock: Clock) -> None:
    reset = await desk.reset(await desk.verified("RESET"))
    assert reset["expiresAt"] == (clock() + timedelta(hours=24)).isoformat()
    clock.advance(hours=23, minutes=59)
    assert (await set_password(desk.portal, reset["oneTimeCode"]))["__typename"] == "PasswordChanged"


def test_a_code_has_no_characters_that_are_taken_for_one_another() -> None:
    assert not set("0O1IL5S8BUV") & set(CODE_ALPHABET)
    assert len(set(CODE_ALPHABET)) == len(CODE_ALPHABET) == 25
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert {len(code) for code in codes} == {10}
    for code in codes:
        assert normalise_recovery_token(f" {code[:5].lower()}–{code[5:]} ") == code

"""Signing in: who gets in, from which device, and what is kept of it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.asgi import create_app
from app.settings import Settings
from db import sql
from db.context import Context, Role
from db.hashing import PasswordHasher
from db.models import Account, AccountStatus, Device, DisabledReason, Letter, LetterState, Session
from mail.outbox import LetterKind
from policies.refusals import TooManyAttempts
from resolvers import session as steps
from tests.clients import Portal
from tests.conftest import Clock, Statements
from tests.district import PASSWORD, Adult, District, Pupil

WRONG = "lantern orchard seven boats"


@pytest.fixture
async def nora(district: District) -> Pupil:
    return await district.student(school=await district.school())


@pytest.fixture
async def maria(district: District, nora: Pupil) -> Adult:
    """A guardian with an open account, not signed in."""
    maria = await district.guardian(nora, email="maria@example.org")
    await district.opened(maria, "Maria.Q")
    return maria


# ------------------------------------------------------------------------------------------------ signing in
@pytest.mark.parametrize("typed", ["Maria.Q", "maria.q", "MARIA.Q", "  maria.q ", "ｍａｒｉａ.ｑ"])
async def test_a_username_is_the_same_in_any_case(portal: Portal, maria: Adult, typed: str) -> None:
    answer = await portal.login(typed, PASSWORD)
    assert answer["__typename"] == "LoggedIn"
    assert answer["me"]["details"]["username"] == "Maria.Q"
    assert answer["me"]["roles"] == ["GUARDIAN"]


async def test_the_password_is_not_the_same_in_any_case(portal: Portal, maria: Adult) -> None:
    assert (await portal.login("maria.q", PASSWORD.upper()))["__typename"] == "WrongCredentials"
    assert (await portal.login("maria.q", f"{PASSWORD} "))["__typename"] == "WrongCredentials"


async def test_one_password_typed_on_two_keyboards_is_one_password(portal: Portal, district: District) -> None:
    ana = await district.staff(Role.REGISTRAR)
    await district.opened(ana, "ana", "violín lantern seven kites")
    assert (await portal.login("ana", "violi\u0301n lantern seven kites"))["__typename"] == "LoggedIn"


async def test_tokens_are_shown_once_and_kept_as_digests_only(portal: Portal, maria: Adult, clock: Clock) -> None:
    session = (await portal.login("maria.q", PASSWORD))["session"]
    assert session["token"].startswith("pas_")
    assert session["deviceToken"].startswith("pad_")
    assert datetime.fromisoformat(session["expiresAt"]) == clock.now + timedelta(hours=12)
    kept = repr(await Session.all().values()) + repr(await Device.all().values())
    assert session["token"] not in kept
    assert session["deviceToken"] not in kept


async def test_a_login_notes_when_it_was(portal: Portal, maria: Adult, clock: Clock) -> None:
    clock.advance(days=3)
    await portal.login("maria.q", WRONG)
    assert (await Account.get(id=maria.account_id)).last_login_at is None
    await portal.login("maria.q", PASSWORD)
    assert (await Account.get(id=maria.account_id)).last_login_at == clock.now


async def test_a_disabled_account_is_named_only_after_the_right_password(portal: Portal, maria: Adult) -> None:
    await Account.filter(id=maria.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    assert (await portal.login("maria.q", WRONG))["__typename"] == "WrongCredentials"
    refused = await portal.login("maria.q", PASSWORD)
    assert refused["__typename"] == "AccountDisabled"
    assert refused["contact"] == "Lakeside Middle School, (555) 555-0100"
    assert await Session.all().count() == 0


async def test_without_a_school_telephone_the_districts_contact_is_named(portal: Portal, district: District) -> None:
    nora = await district.student(school=await district.school(phone=None))
    await district.opened(nora, "nora")
    await Account.filter(id=nora.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    assert (await portal.login("nora", PASSWORD))["contact"] == "the front office of your school"


async def test_after_a_reset_the_old_password_leads_to_a_new_one_and_no_further(portal: Portal, maria: Adult) -> None:
    await portal.login("maria.q", PASSWORD)
    await Account.filter(id=maria.account_id).update(must_change_password=True)
    assert await portal.me() is None
    assert (await portal.login("maria.q", WRONG))["__typename"] == "WrongCredentials"
    assert (await portal.login("maria.q", PASSWORD))["__typename"] == "NewPasswordNeeded"
    assert await Session.all().count() == 1


async def test_an_account_that_was_never_opened_cannot_be_signed_in_to(portal: Portal, district: District) -> None:
    await district.guardian(await district.student())
    for username in ("", "maria", "maria.q"):
        assert (await portal.login(username, PASSWORD))["__typename"] == "WrongCredentials"
        assert (await portal.login(username, ""))["__typename"] == "WrongCredentials"


@pytest.mark.parametrize(
    ("username", "password"), [("maria.q", "x" * 1000), ("m" * 300, PASSWORD)], ids=["password", "username"]
)
async def test_what_is_too_long_to_be_one_is_refused_unhashed(
    portal: Portal, maria: Adult, username: str, password: str
) -> None:
    assert portal.app is not None
    before = portal.app.state.hasher.computed
    assert (await portal.login(username, password))["__typename"] == "InvalidInput"
    assert portal.app.state.hasher.computed == before


# ------------------------------------------------------------------------------------------------ known devices
async def test_an_unknown_device_becomes_known_and_stays_so(portal: Portal, maria: Adult, clock: Clock) -> None:
    first = (await portal.login("maria.q", PASSWORD))["session"]
    clock.advance(days=100)
    again = (await portal.login("maria.q", PASSWORD, deviceToken=first["deviceToken"]))["session"]
    assert again["deviceToken"] == first["deviceToken"]
    assert again["token"] != first["token"]
    # Recognised 180 days from the last time, not from the first.
    clock.advance(days=100)
    third = (await portal.login("maria.q", PASSWORD, deviceToken=first["deviceToken"]))["session"]
    assert third["deviceToken"] == first["deviceToken"]
    assert await Device.all().count() == 1


async def test_a_device_that_was_long_away_is_a_new_one(portal: Portal, maria: Adult, clock: Clock) -> None:
    first = (await portal.login("maria.q", PASSWORD))["session"]
    clock.advance(days=180)
    again = (await portal.login("maria.q", PASSWORD, deviceToken=first["deviceToken"]))["session"]
    assert again["deviceToken"] != first["deviceToken"]


@pytest.mark.parametrize("claimed", ["", "pad_made-up", "pas_made-up", "x" * 5000])
async def test_a_device_token_that_is_none_is_answered_with_a_new_one(
    portal: Portal, maria: Adult, claimed: str
) -> None:
    session = (await portal.login("maria.q", PASSWORD, deviceToken=claimed))["session"]
    assert session["deviceToken"] != claimed
    assert session["deviceToken"].startswith("pad_")


async def test_a_device_is_known_for_the_account_that_it_signed_in_to_alone(
    portal: Portal, district: District, maria: Adult
) -> None:
    dana = await district.staff(Role.DESIGNEE)
    await district.opened(dana, "dana")
    hers = (await portal.login("maria.q", PASSWORD))["session"]["deviceToken"]
    assert (await portal.login("dana", PASSWORD, deviceToken=hers))["session"]["deviceToken"] != hers


# ------------------------------------------------------------------------------------------------ a letter about it
async def test_the_holder_is_told_of_a_sign_in_from_a_new_device_and_of_no_other(portal: Portal, maria: Adult) -> None:
    portal.http.headers["User-Agent"] = "Firefox on a telephone " + "x" * 300
    device = (await portal.login("maria.q", PASSWORD))["session"]["deviceToken"]
    letter = await Letter.get()
    assert (letter.kind, letter.state) == (LetterKind.NEW_DEVICE, LetterState.WAITING)
    assert (letter.person_id, letter.address) == (maria.id, "maria@example.org")
    device_said = (await Session.get()).client
    assert device_said is not None
    assert device_said.startswith("Firefox on a telephone")
    assert len(device_said) == 200
    assert letter.facts == {"account_id": maria.account_id, "device": device_said}
    await portal.login("maria.q", PASSWORD, deviceToken=device)
    await portal.login("maria.q", WRONG)
    assert await Letter.all().count() == 1


async def test_a_device_that_was_long_away_is_told_of_again(portal: Portal, maria: Adult, clock: Clock) -> None:
    device = (await portal.login("maria.q", PASSWORD))["session"]["deviceToken"]
    clock.advance(days=180)
    await portal.login("maria.q", PASSWORD, deviceToken=device)
    assert await Letter.filter(kind=LetterKind.NEW_DEVICE).count() == 2


async def test_a_flood_of_new_devices_is_no_flood_of_letters(portal: Portal, maria: Adult, settings: Settings) -> None:
    for _ in range(settings.letters_alike + 2):
        await portal.login("maria.q", PASSWORD)
    assert await Letter.filter(state=LetterState.WAITING).count() == settings.letters_alike


async def test_whoever_has_no_address_costs_no_statement_more_and_gets_no_letter(
    portal: Portal, district: District, nora: Pupil, maria: Adult, statements: Statements
) -> None:
    await district.opened(nora, "nora.q")
    costs = {}
    for username in ("nora.q", "maria.q"):
        portal.token = None
        statements.take()
        await portal.login(username, PASSWORD)
        costs[username] = statements.take()
    assert (await Letter.get()).person_id == maria.id
    letters = [text for text in costs["maria.q"] if "INSERT INTO letter" in text]
    assert len(letters) == 1
    assert [text for text in costs["maria.q"] if text not in letters] == costs["nora.q"]


async def test_a_district_may_choose_not_to_tell(settings: Settings, maria: Adult, clock: Clock) -> None:
    quiet = settings.model_copy(update={"new_device_letter": False})
    async with Portal(create_app(quiet, clock=clock)) as portal:
        assert (await portal.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"
    assert await Letter.all().count() == 0


async def test_a_sign_in_that_is_refused_after_the_right_password_is_not_told(portal: Portal, maria: Adult) -> None:
    await Account.filter(id=maria.account_id).update(must_change_password=True)
    assert (await portal.login("maria.q", PASSWORD))["__typename"] == "NewPasswordNeeded"
    assert await Letter.all().count() == 0


# ------------------------------------------------------------------------------------------------ hashes
async def test_a_hash_under_old_parameters_is_made_anew_at_the_next_login(
    settings: Settings, portal: Portal, maria: Adult, clock: Clock
) -> None:
    old = (await Account.get(id=maria.account_id)).password_hash
    stronger = settings.model_copy(update={"hash_memory_kib": 9216, "hash_passes": 2})
    async with Portal(create_app(stronger, clock=clock)) as later:
        assert (await later.login("maria.q", WRONG))["__typename"] == "WrongCredentials"
        assert (await Account.get(id=maria.account_id)).password_hash == old
        assert (await later.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"
        new = (await Account.get(id=maria.account_id)).password_hash
        assert new is not None
        assert new.startswith("$argon2id$v=19$m=9216,t=2,p=1$")
        assert (await later.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"
        assert (await Account.get(id=maria.account_id)).password_hash == new
    assert (await portal.login("maria.q", WRONG))["__typename"] == "WrongCredentials"


async def test_a_disabled_account_keeps_its_old_hash(
    settings: Settings, portal: Portal, maria: Adult, clock: Clock
) -> None:
    await Account.filter(id=maria.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    before = await Account.get(id=maria.account_id)
    async with Portal(create_app(settings.model_copy(update={"hash_passes": 2}), clock=clock)) as later:
        assert (await later.login("maria.q", PASSWORD))["__typename"] == "AccountDisabled"
    after = await Account.get(id=maria.account_id)
    assert (after.password_hash, after.last_login_at) == (before.password_hash, None)


async def test_a_login_that_found_no_room_is_told_when_to_come_back_and_not_counted(ctx: Context, maria: Adult) -> None:
    full = PasswordHasher(memory_kib=8192, passes=1, queue=0)
    try:
        with pytest.raises(TooManyAttempts) as refused:
            await steps.log_in(replace(ctx, hasher=full), username="maria.q", password=WRONG, device_token=None)
    finally:
        full.close()
    assert refused.value.retry_at == ctx.now + timedelta(seconds=5)
    counted = await sql.rows("SELECT spent FROM attempt_budget UNION ALL SELECT failures + in_a_row FROM login_streak")
    assert [row["spent"] for row in counted] == [0, 0, 0]

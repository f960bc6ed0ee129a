"""Signing in and out, the sessions of an account, and changing its password: the stories."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.asgi import create_app
from app.settings import Settings
from db import sql
from db.context import Context, Role
from db.hashing import PasswordHasher
from db.models import Account, AccountStatus, Device, DisabledReason, Letter, LetterState, Session
from policies.refusals import TooManyAttempts
from resolvers import session as steps
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.district import PASSWORD, Adult, District, Pupil

WRONG = "lantern orchard seven boats"
NEW = "copper violin thirty meadows"

MY_SESSIONS = "{ me { sessions { id current client startedAt lastSeenAt } } }"


@pytest.fixture
async def nora(district: District) -> Pupil:
    return await district.student(school=await district.school())


@pytest.fixture
async def maria(district: District, nora: Pupil) -> Adult:
    """A guardian with an open account, not signed in."""
    maria = await district.guardian(nora, email="maria@example.org")
    await district.opened(maria, "Maria.Q")
    return maria


async def _sessions(portal: Portal, *, token: str | None = None) -> list[Answer]:
    sessions: list[Answer] = (await portal.ask(MY_SESSIONS, token=token))["me"]["sessions"]
    return sessions


async def _signed_in(portal: Portal, username: str = "maria.q", **more: Any) -> str:
    """A further session; returns its token and leaves the client's own as it was."""
    own = portal.token, portal.device_token
    answer = await portal.login(username, PASSWORD, **more)
    assert answer["__typename"] == "LoggedIn", answer
    portal.token, portal.device_token = own
    token: str = answer["session"]["token"]
    return token


async def _change(portal: Portal, current: str, password: str, again: str | None = None) -> Answer:
    choice = {"current": current, "password": password, "verifyPassword": password if again is None else again}
    return await portal.do(documents.CHANGE_PASSWORD, choice)


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


async def test_a_stranger_does_not_lock_a_known_device_out(portal: Portal, maria: Adult) -> None:
    await portal.login("maria.q", PASSWORD)
    for _ in range(10):
        assert (await portal.login("maria.q", WRONG))["__typename"] == "WrongCredentials"
    assert (await portal.login("maria.q", PASSWORD))["__typename"] == "TooManyAttempts"
    known = await portal.login("maria.q", PASSWORD, deviceToken=portal.device_token)
    assert known["__typename"] == "LoggedIn"


# ------------------------------------------------------------------------------------------------ how long it lasts
async def test_a_session_that_rests_for_an_hour_has_ended(portal: Portal, maria: Adult, clock: Clock) -> None:
    await portal.login("maria.q", PASSWORD)
    clock.advance(minutes=59)
    assert await portal.me() is not None
    clock.advance(minutes=59)
    assert await portal.me() is not None
    clock.advance(minutes=60)
    assert await portal.me() is None


async def test_a_session_in_use_ends_after_twelve_hours_all_the_same(
    portal: Portal, maria: Adult, clock: Clock
) -> None:
    await portal.login("maria.q", PASSWORD)
    for _ in range(23):
        clock.advance(minutes=30)
        assert await portal.me() is not None
    clock.advance(minutes=29, seconds=59)
    assert await portal.me() is not None
    clock.advance(seconds=1)
    assert await portal.me() is None


async def test_an_expired_session_is_nobody_and_not_in_the_list(portal: Portal, maria: Adult, clock: Clock) -> None:
    resting = await _signed_in(portal)
    clock.advance(minutes=61)
    await portal.login("maria.q", PASSWORD)
    assert len(await _sessions(portal)) == 1
    assert (await portal.ask(MY_SESSIONS, token=resting))["me"] is None
    assert (await portal.do(documents.LOGOUT))["__typename"] == "LoggedOut"


async def test_how_long_a_session_lasts_is_the_districts_choice(settings: Settings, maria: Adult, clock: Clock) -> None:
    brief = settings.model_copy(update={"session_idle_minutes": 5, "session_absolute_hours": 1})
    async with Portal(create_app(brief, clock=clock)) as portal:
        session = (await portal.login("maria.q", PASSWORD))["session"]
        assert datetime.fromisoformat(session["expiresAt"]) == clock.now + timedelta(hours=1)
        clock.advance(minutes=4)
        assert await portal.me() is not None
        clock.advance(minutes=5)
        assert await portal.me() is None


@pytest.mark.parametrize("token", ["", "pas_", "pas_" + "A" * 43, "pad_" + "A" * 43, "pas_\u00e9", "x" * 10_000])
async def test_a_token_that_is_none_is_nobody(portal: Portal, maria: Adult, token: str) -> None:
    header = b"Bearer " + token.encode("latin-1")
    response = await portal.http.post(
        "/graphql", json={"query": "{ me { roles } }"}, headers=[(b"authorization", header)]
    )
    assert response.json() == {"data": {"me": None}}


# ------------------------------------------------------------------------------------------------ signing out
async def test_signing_out_ends_this_session_and_no_other(portal: Portal, maria: Adult, clock: Clock) -> None:
    elsewhere = await _signed_in(portal)
    await portal.login("maria.q", PASSWORD)
    answer = await portal.do(documents.LOGOUT)
    assert answer == {"__typename": "LoggedOut", "at": clock.now.isoformat()}
    assert await portal.me() is None
    assert await portal.me(token=elsewhere) is not None


async def test_signing_out_twice_is_refused(portal: Portal, maria: Adult) -> None:
    await portal.login("maria.q", PASSWORD)
    await portal.do(documents.LOGOUT)
    refused = await portal.do(documents.LOGOUT)
    assert (refused["__typename"], refused["missing"]) == ("NotAllowed", ["SIGNED_IN"])


async def test_my_sessions_are_listed_newest_first_with_what_each_client_called_itself(
    portal: Portal, maria: Adult, clock: Clock
) -> None:
    portal.http.headers["user-agent"] = "Old Telephone/1.0"
    telephone = await _signed_in(portal)
    clock.advance(minutes=10)
    portal.http.headers["user-agent"] = "Browser/99" + "x" * 300
    await portal.login("maria.q", PASSWORD)
    clock.advance(minutes=5)
    browser, other = await _sessions(portal)
    assert browser["current"]
    assert browser["client"] == ("Browser/99" + "x" * 300)[:200]
    assert not other["current"]
    assert other["client"] == "Old Telephone/1.0"
    assert datetime.fromisoformat(other["lastSeenAt"]) == clock.now - timedelta(minutes=15)
    assert datetime.fromisoformat(browser["lastSeenAt"]) == clock.now
    [first, second] = await _sessions(portal, token=telephone)
    assert (first["current"], second["current"]) == (False, True)


async def test_nobodys_sessions_are_listed_but_ones_own(portal: Portal, district: District, maria: Adult) -> None:
    dana = await district.staff(Role.ADMINISTRATOR)
    await district.opened(dana, "dana")
    await _signed_in(portal)
    await portal.login("dana", PASSWORD)
    [only] = await _sessions(portal)
    assert only["current"]


async def test_a_session_on_another_device_can_be_ended(portal: Portal, maria: Adult) -> None:
    lost = await _signed_in(portal)
    await portal.login("maria.q", PASSWORD)
    [lost_id] = [session["id"] for session in await _sessions(portal) if not session["current"]]
    answer = await portal.do(documents.END_SESSION, {"sessionId": lost_id})
    assert answer == {"__typename": "SessionEnded", "sessionId": lost_id}
    assert await portal.me(token=lost) is None
    assert len(await _sessions(portal)) == 1


async def test_one_may_end_the_session_that_asks(portal: Portal, maria: Adult) -> None:
    await portal.login("maria.q", PASSWORD)
    [here] = await _sessions(portal)
    assert (await portal.do(documents.END_SESSION, {"sessionId": here["id"]}))["__typename"] == "SessionEnded"
    assert await portal.me() is None


async def test_somebody_elses_session_is_as_unknown_as_one_that_never_was(
    portal: Portal, district: District, maria: Adult
) -> None:
    dana = await district.staff(Role.ADMINISTRATOR)
    await district.opened(dana, "dana")
    theirs = await _signed_in(portal, "dana")
    [their_session] = await _sessions(portal, token=theirs)
    ended = await _signed_in(portal)
    [ended_session] = await _sessions(portal, token=ended)
    await portal.do_as(ended, documents.LOGOUT)
    await portal.login("maria.q", PASSWORD)
    ids = [
        their_session["id"],
        ended_session["id"],
        global_id("SessionInfo", 10**6),
        global_id("Account", maria.account_id),
        "",
        "nonsense \u2603",
        "A" * 5000,
    ]
    refusals = [
        (await portal.post(documents.END_SESSION, {"input": {"sessionId": session_id}})).content for session_id in ids
    ]
    assert b'"NotFound"' in refusals[0]
    assert set(refusals) == {refusals[0]}
    assert await portal.me(token=theirs) is not None


async def test_nobody_can_end_a_session_without_signing_in(portal: Portal, maria: Adult) -> None:
    token = await _signed_in(portal)
    [session] = await _sessions(portal, token=token)
    refused = await portal.do(documents.END_SESSION, {"sessionId": session["id"]})
    assert (refused["__typename"], refused["missing"]) == ("NotAllowed", ["SIGNED_IN"])
    assert await portal.me(token=token) is not None


# ------------------------------------------------------------------------------------------------ the password
async def test_a_changed_password_ends_the_other_sessions_and_the_old_password(portal: Portal, maria: Adult) -> None:
    elsewhere = await _signed_in(portal)
    await portal.login("maria.q", PASSWORD)
    answer = await _change(portal, PASSWORD, NEW)
    assert answer == {"__typename": "PasswordChanged", "username": "Maria.Q"}
    assert await portal.me(token=elsewhere) is None
    assert await portal.me() is not None
    assert (await portal.login("maria.q", PASSWORD))["__typename"] == "WrongCredentials"
    assert (await portal.login("maria.q", NEW))["__typename"] == "LoggedIn"


async def test_the_holder_is_told_of_a_changed_password(portal: Portal, maria: Adult, clock: Clock) -> None:
    await portal.login("maria.q", PASSWORD)
    await _change(portal, PASSWORD, NEW)
    letter = await Letter.get()
    assert (letter.kind, letter.state) == ("PASSWORD_CHANGED", LetterState.WAITING)
    assert (letter.person_id, letter.address) == (maria.id, "maria@example.org")
    assert letter.facts == {"account_id": maria.account_id}
    assert letter.due_at == clock.now


async def test_whoever_has_no_address_is_not_written_to(portal: Portal, district: District, nora: Pupil) -> None:
    await district.opened(nora, "nora.q")
    await portal.login("nora.q", PASSWORD)
    assert (await _change(portal, PASSWORD, NEW))["__typename"] == "PasswordChanged"
    assert await Letter.all().count() == 0


async def test_with_the_wrong_password_nothing_changes(portal: Portal, maria: Adult) -> None:
    elsewhere = await _signed_in(portal)
    await portal.login("maria.q", PASSWORD)
    assert (await _change(portal, WRONG, NEW))["__typename"] == "WrongCredentials"
    assert await portal.me(token=elsewhere) is not None
    assert await Letter.all().count() == 0
    assert (await portal.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"


@pytest.mark.parametrize(
    ("password", "again", "faulty"),
    [
        ("kites", "kites", ["password"]),
        ("passwordpassword", "passwordpassword", ["password"]),
        ("maria.q maria.q", "maria.q maria.q", ["password"]),
        ("Nora Quimby 2013", "Nora Quimby 2013", ["password"]),
        ("Lakeside District", "Lakeside District", ["password"]),
        (NEW, NEW + " ", ["verifyPassword"]),
        ("kites", "boats", ["password", "verifyPassword"]),
    ],
)
async def test_a_weak_new_password_is_refused_with_its_field_and_nothing_changes(
    portal: Portal, maria: Adult, password: str, again: str, faulty: list[str]
) -> None:
    elsewhere = await _signed_in(portal)
    await portal.login("maria.q", PASSWORD)
    refused = await _change(portal, PASSWORD, password, again)
    assert refused["__typename"] == "InvalidInput"
    assert [field["path"] for field in refused["fields"]] == [["input", name] for name in faulty]
    assert await portal.me(token=elsewhere) is not None
    assert (await portal.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"


async def test_nobody_changes_a_password_without_signing_in(portal: Portal, maria: Adult) -> None:
    refused = await _change(portal, PASSWORD, NEW)
    assert (refused["__typename"], refused["missing"]) == ("NotAllowed", ["SIGNED_IN"])
    assert (await portal.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"


async def test_of_two_changes_at_once_one_holds(portal: Portal, maria: Adult) -> None:
    tokens = [await _signed_in(portal), await _signed_in(portal)]
    choices = [NEW, "granite sparrow eleven ladders"]
    answers = await asyncio.gather(
        *(
            portal.do_as(
                token,
                documents.CHANGE_PASSWORD,
                {"current": PASSWORD, "password": choice, "verifyPassword": choice},
            )
            for token, choice in zip(tokens, choices, strict=True)
        )
    )
    changed = [answer["__typename"] == "PasswordChanged" for answer in answers]
    assert changed.count(True) == 1
    for choice, held in zip(choices, changed, strict=True):
        assert ((await portal.login("maria.q", choice))["__typename"] == "LoggedIn") == held


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
    budgets = await sql.rows("SELECT spent FROM attempt_budget")
    assert budgets
    assert {row["spent"] for row in budgets} == {0}

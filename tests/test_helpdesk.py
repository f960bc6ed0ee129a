"""Helping a verified caller: what each step does, that it happens once, and that there is no way round the proof."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from db import sql
from db.context import Role
from db.models import (
    Account,
    AccountStatus,
    Device,
    DisabledReason,
    Letter,
    Person,
    RecoveryToken,
    Session,
    TrailEntry,
    UndeliverableAddress,
    Verification,
)
from db.trail import Step
from mail.outbox import LetterKind
from schema.nodes import global_id
from tests import documents
from tests.clients import Portal, crowd
from tests.conftest import Clock
from tests.desk import Desk, open_desk
from tests.district import PASSWORD, District
from tests.tables import endings, trail

NEW = "copper violin thirty meadows"


@pytest.fixture
async def desk(portal: Portal, district: District) -> Desk:
    return await open_desk(portal, district)


async def disabled(desk: Desk, reason: DisabledReason = DisabledReason.TOO_MANY_FAILURES) -> None:
    await Account.filter(id=desk.maria.account_id).update(status=AccountStatus.DISABLED, disabled_reason=reason)


# ------------------------------------------------------------------------------------------------ looking up
async def test_a_verified_caller_hears_the_username_as_often_as_needed_until_it_expires(
    desk: Desk, clock: Clock
) -> None:
    verification_id = await desk.verified("LOOK_UP")
    for _ in range(3):
        found = await desk.look_up(verification_id)
        assert found["details"] == {
            "username": "maria.q",
            "email": "maria@example.org",
            "mustChangePassword": False,
            "account": {"id": global_id("Account", desk.maria.account_id), "status": "ACTIVE", "capacity": "GUARDIAN"},
        }
    clock.advance(minutes=30)
    assert (await desk.look_up(verification_id))["missing"] == ["VERIFICATION_PASSED"]
    entry = await TrailEntry.filter(step=Step.LOOK_UP_ACCOUNT).first()
    assert entry is not None
    assert entry.rule == "designee, same_school, account:details, confirmed, passed"
    assert (entry.about_account_id, entry.about_person_id, entry.about_student_id) == (
        desk.maria.account_id,
        desk.maria.id,
        desk.nora.id,
    )


async def test_a_student_who_calls_is_helped_with_the_students_account(desk: Desk) -> None:
    said = {question: answer for question, answer in desk.right.items() if question != "PARENT_NAME"}
    found = await desk.look_up(await desk.verified("LOOK_UP", said, by_student=True))
    assert found["details"]["username"] == "nora.q"
    entry = await TrailEntry.get(step=Step.LOOK_UP_ACCOUNT)
    assert entry.rule == "designee, same_school, account:details, self, passed"


async def test_an_account_that_was_never_activated_is_found_without_a_username(desk: Desk) -> None:
    await sql.execute(
        "UPDATE account SET status = 'NOT_ACTIVATED', username = NULL, username_folded = NULL, password_hash = NULL, "
        "activated_at = NULL WHERE id = $1",
        desk.maria.account_id,
    )
    found = await desk.look_up(await desk.verified("LOOK_UP"))
    assert found["details"]["username"] is None
    assert found["details"]["account"]["status"] == "NOT_ACTIVATED"


async def test_a_caller_without_any_account_is_told_apart(desk: Desk, district: District) -> None:
    ken = await district.guardian(desk.nora, given="Ken")
    await Account.filter(id=ken.account_id).delete()
    await district.household(ken, desk.nora)
    found = await desk.look_up(await desk.verified("LOOK_UP", desk.right | {"PARENT_NAME": "Ken Quimby"}, guardian=ken))
    assert found["__typename"] == "NotFound"


# ------------------------------------------------------------------------------------------------ resetting
async def test_a_forgotten_password_is_reset_with_a_code_that_the_caller_uses(desk: Desk, portal: Portal) -> None:
    mine = Portal(portal.app, address="203.0.113.9")
    async with mine.http:
        await mine.login("maria.q", PASSWORD)
        reset = await desk.reset(await desk.verified("RESET"))
        assert reset["__typename"] == "AccountReset"
        assert reset["account"]["status"] == "ACTIVE"
        assert reset["sentTo"] is None
        code = reset["oneTimeCode"]
        assert len(code) == 10
        # All sessions and the old password are over at once.
        assert await mine.me() is None
        assert (await mine.login("maria.q", PASSWORD))["__typename"] == "NewPasswordNeeded"
        spelt = f" {code[:5].lower()} - {code[5:]}"
        choice = {"token": spelt, "password": NEW, "verifyPassword": NEW}
        changed = await mine.do(documents.SET_NEW_PASSWORD, choice)
        assert changed == {"__typename": "PasswordChanged", "username": "maria.q"}
        assert (await mine.do(documents.SET_NEW_PASSWORD, choice))["__typename"] == "TokenNotAccepted"
        assert (await mine.login("maria.q", PASSWORD))["__typename"] == "WrongCredentials"
        assert (await mine.login("maria.q", NEW))["__typename"] == "LoggedIn"
    kinds = [letter.kind for letter in await Letter.filter(person_id=desk.maria.id).order_by("id")]
    assert kinds == ["NEW_DEVICE", "ACCOUNT_RESET", "PASSWORD_CHANGED", "NEW_DEVICE"]


async def test_a_link_goes_to_the_address_on_file_and_the_designee_sees_neither_link_nor_address(desk: Desk) -> None:
    reset = await desk.reset(await desk.verified("RESET"), delivery="LINK")
    assert reset["oneTimeCode"] is None
    assert reset["sentTo"] == "m…@example.org"
    [letter] = await Letter.all()
    assert (letter.kind, letter.address) == ("RESET_LINK", "maria@example.org")
    token = await RecoveryToken.get()
    link = desk.district.ctx.keys.recovery_link_token(bytes(token.nonce or b""), token.secret_version)
    choice = {"token": link, "password": NEW, "verifyPassword": NEW}
    assert (await desk.portal.do(documents.SET_NEW_PASSWORD, choice))["__typename"] == "PasswordChanged"


async def test_no_link_can_go_to_an_address_that_is_not_on_file(desk: Desk) -> None:
    await Person.filter(id=desk.maria.id).update(email=None, email_folded=None)
    verification_id = await desk.verified("RESET")
    refused = await desk.reset(verification_id, delivery="LINK")
    assert refused["fields"][0]["path"] == ["input", "delivery"]
    # Nothing was used up by it.
    assert (await desk.reset(verification_id))["__typename"] == "AccountReset"
    assert await Letter.all().count() == 0


async def test_no_link_goes_to_an_address_from_which_letters_come_back(desk: Desk) -> None:
    await UndeliverableAddress.create(
        email_folded="maria@example.org", since=desk.district.ctx.now, reason="550 No such user here"
    )
    verification_id = await desk.verified("RESET")
    refused = await desk.reset(verification_id, delivery="LINK")
    assert refused["fields"][0]["path"] == ["input", "delivery"]
    assert "come back" in refused["fields"][0]["message"]
    assert (await desk.reset(verification_id))["__typename"] == "AccountReset"


async def test_a_reset_forgets_the_devices_and_replaces_the_codes_before_it(desk: Desk, portal: Portal) -> None:
    mine = Portal(portal.app)
    async with mine.http:
        await mine.login("maria.q", PASSWORD)
    first = await desk.reset(await desk.verified("RESET"))
    second = await desk.reset(await desk.verified("RESET"))
    assert await Device.filter(account_id=desk.maria.account_id).count() == 0
    choice = {"password": NEW, "verifyPassword": NEW}
    assert (await portal.do(documents.SET_NEW_PASSWORD, choice | {"token": first["oneTimeCode"]}))[
        "__typename"
    ] == "TokenNotAccepted"
    assert (await portal.do(documents.SET_NEW_PASSWORD, choice | {"token": second["oneTimeCode"]}))[
        "__typename"
    ] == "PasswordChanged"


@pytest.mark.parametrize("status", ["NOT_ACTIVATED", "DISABLED"])
async def test_only_an_open_account_is_reset(desk: Desk, status: str) -> None:
    if status == "DISABLED":
        await disabled(desk)
    else:
        await sql.execute(
            "UPDATE account SET status = 'NOT_ACTIVATED', username = NULL, username_folded = NULL, "
            "password_hash = NULL, activated_at = NULL, last_login_at = NULL WHERE id = $1",
            desk.maria.account_id,
        )
    verification_id = await desk.verified("RESET")
    refused = await desk.reset(verification_id)
    assert (refused["__typename"], refused["status"]) == ("WrongState", status)
    assert (await Verification.get(requester_id=desk.maria.id)).state == "PASSED"


# ------------------------------------------------------------------------------------------------ enabling, disabling
async def test_a_disabled_account_is_enabled_and_its_failures_are_forgotten(
    desk: Desk, portal: Portal, settings: Any
) -> None:
    mine = Portal(portal.app, address="203.0.113.9")
    async with mine.http:
        known = (await mine.login("maria.q", PASSWORD))["session"]["deviceToken"]
        for device in (None, known):
            for _ in range(settings.login_free_guesses):
                await mine.login("maria.q", NEW, deviceToken=device)
            assert (await mine.login("maria.q", PASSWORD, deviceToken=device))["__typename"] == "TooManyAttempts"
        await disabled(desk)
        enabled = await desk.enable(await desk.verified("ENABLE"))
        assert enabled["account"]["status"] == "ACTIVE"
        for device in (None, known):
            assert (await mine.login("maria.q", PASSWORD, deviceToken=device))["__typename"] == "LoggedIn"
    assert await Letter.filter(kind=LetterKind.ACCOUNT_ENABLED).count() == 1


async def test_what_the_law_has_closed_no_designee_opens(desk: Desk) -> None:
    await disabled(desk, DisabledReason.LEGAL_RESTRICTION)
    refused = await desk.enable(await desk.verified("ENABLE"))
    assert (refused["__typename"], refused["status"]) == ("WrongState", "LEGAL_RESTRICTION")
    assert "registrar" in refused["message"]


async def test_an_account_that_is_left_over_from_a_merge_no_designee_opens(desk: Desk) -> None:
    await disabled(desk, DisabledReason.MERGED)
    refused = await desk.enable(await desk.verified("ENABLE"))
    assert (refused["__typename"], refused["status"]) == ("WrongState", "MERGED")


async def test_an_open_account_cannot_be_enabled_nor_a_disabled_one_disabled(desk: Desk) -> None:
    assert (await desk.enable(await desk.verified("ENABLE")))["status"] == "ACTIVE"
    await disabled(desk)
    assert (await desk.disable(await desk.verified("DISABLE")))["status"] == "DISABLED"


async def test_a_disabled_account_is_shut_at_once_with_sessions_codes_and_keys(desk: Desk, portal: Portal) -> None:
    mine = Portal(portal.app)
    async with mine.http:
        await mine.login("maria.q", PASSWORD)
        code = (await desk.reset(await desk.verified("RESET")))["oneTimeCode"]
        disabled_account = await desk.disable(await desk.verified("DISABLE"))
        assert disabled_account["account"] == {
            "id": global_id("Account", desk.maria.account_id),
            "status": "DISABLED",
            "disabledReason": "STAFF_DECISION",
        }
        assert await mine.me() is None
        choice = {"token": code, "password": NEW, "verifyPassword": NEW}
        assert (await mine.do(documents.SET_NEW_PASSWORD, choice))["__typename"] == "TokenNotAccepted"
        assert (await mine.login("maria.q", PASSWORD))["__typename"] == "AccountDisabled"
        # And opened again, the code is still dead.
        await desk.enable(await desk.verified("ENABLE"))
        assert (await mine.do(documents.SET_NEW_PASSWORD, choice))["__typename"] == "TokenNotAccepted"


async def test_a_key_that_was_stolen_is_dead_once_the_account_is_disabled(desk: Desk, district: District) -> None:
    theo = await district.student("Theo", "Okafor", school=desk.school)
    ada = await district.guardian(theo, given="Ada", family="Okafor", email="ada@example.org")
    await district.household(ada, theo)
    stolen = (await desk.portal.request_key(*theo.proofs))["key"]
    said = desk.right | {"PARENT_NAME": "Ada Okafor", "STUDENT_NAME": "Theo Okafor", "STUDENT_SSN": theo.ssn}
    await desk.disable(await desk.verified("DISABLE", said, guardian=ada, student=theo))
    assert (await desk.portal.check_key(stolen))["__typename"] == "KeyNotAccepted"
    # No other key is to be had, and nobody is sent to sign in to what was never opened: the school is the way.
    assert (await desk.portal.request_key(*theo.proofs))["__typename"] == "NotMatched"
    enabled = await desk.enable(await desk.verified("ENABLE", said, guardian=ada, student=theo))
    assert enabled["account"]["status"] == "NOT_ACTIVATED"
    assert (await desk.portal.check_key(stolen))["__typename"] == "KeyNotAccepted"
    fresh = (await desk.portal.request_key(*theo.proofs))["key"]
    assert (await desk.portal.check_key(fresh))["__typename"] == "ActivationKeyGood"


# ------------------------------------------------------------------------------------------------ the reason
@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "her SSN is 529-45-7777", "SSN 529457777", "ring\x07"])
async def test_a_step_needs_a_reason_that_may_be_kept(desk: Desk, reason: str) -> None:
    verification_id = await desk.verified("RESET")
    refused = await desk.reset(verification_id, reason)
    assert refused["__typename"] == "InvalidInput"
    assert refused["fields"][0]["path"] == ["input", "reason"]
    assert "529" not in refused["fields"][0]["message"]
    assert (await desk.reset(verification_id, "Room 2041, called at 10:45"))["__typename"] == "AccountReset"
    told = [entry.details.get("reason") for entry in await TrailEntry.filter(step=Step.RESET_ACCOUNT).order_by("id")]
    assert told == [None, "Room 2041, called at 10:45"]


# ------------------------------------------------------------------------------------------------ once
async def test_fifty_resets_with_one_verification_are_one_reset(desk: Desk, portal: Portal) -> None:
    verification_id = await desk.verified("RESET")
    choice = {"verificationId": verification_id, "reason": "Forgot"}
    async with crowd(50, portal) as clients:
        for client in clients:
            client.token = portal.token
        answers = await asyncio.gather(*(client.do(documents.RESET_ACCOUNT, choice) for client in clients))
    kinds = [answer["__typename"] for answer in answers]
    assert kinds.count("AccountReset") == 1
    assert kinds.count("NotAllowed") == 49
    assert {tuple(answer["missing"]) for answer in answers if "missing" in answer} == {("VERIFICATION_PASSED",)}
    assert await RecoveryToken.all().count() == 1
    assert await endings(Step.RESET_ACCOUNT) == {"DONE": 1, "NOT_ALLOWED": 49}


async def test_fifty_clients_with_one_code_are_one_new_password(desk: Desk, portal: Portal) -> None:
    code = (await desk.reset(await desk.verified("RESET")))["oneTimeCode"]
    async with crowd(50, portal) as clients:
        answers = await asyncio.gather(
            *(
                client.do(
                    documents.SET_NEW_PASSWORD,
                    {"token": code, "password": f"{NEW} {number}", "verifyPassword": f"{NEW} {number}"},
                )
                for number, client in enumerate(clients)
            )
        )
    kinds = [answer["__typename"] for answer in answers]
    assert kinds.count("PasswordChanged") == 1
    assert kinds.count("TokenNotAccepted") == 49
    winner = kinds.index("PasswordChanged")
    assert (await portal.login("maria.q", f"{NEW} {winner}"))["__typename"] == "LoggedIn"


async def test_a_step_that_fails_uses_nothing_up(desk: Desk) -> None:
    """The letter cannot be written: then nothing was reset, no session ended, and the verification is as it was."""
    verification_id = await desk.verified("RESET")
    before = (await Account.get(id=desk.maria.account_id)).must_change_password
    await sql.rows("ALTER TABLE letter ADD CONSTRAINT no_post CHECK (false) NOT VALID")
    try:
        choice = {"verificationId": verification_id, "reason": "Forgot"}
        answer = (await desk.portal.post(documents.RESET_ACCOUNT, {"input": choice})).json()
        assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"
    finally:
        await sql.rows("ALTER TABLE letter DROP CONSTRAINT no_post")
    assert (await Account.get(id=desk.maria.account_id)).must_change_password == before
    assert await RecoveryToken.all().count() == 0
    assert (await desk.reset(verification_id))["__typename"] == "AccountReset"


# ------------------------------------------------------------------------------------------------ no way round
PURPOSES = ("LOOK_UP", "RESET", "ENABLE", "DISABLE")


async def act(desk: Desk, purpose: str, verification_id: str, **more: Any) -> dict[str, Any]:
    """The step that the purpose is for."""
    step = {"LOOK_UP": desk.look_up, "RESET": desk.reset, "ENABLE": desk.enable, "DISABLE": desk.disable}[purpose]
    answer: dict[str, Any] = await step(verification_id, **more)
    return answer


@pytest.mark.parametrize("verified_for", PURPOSES)
async def test_a_verification_serves_its_own_purpose_and_no_other(desk: Desk, verified_for: str) -> None:
    verification_id = await desk.verified(verified_for)
    for purpose in PURPOSES:
        if purpose != verified_for:
            refused = await act(desk, purpose, verification_id)
            assert (refused["__typename"], refused["missing"]) == ("NotAllowed", ["VERIFICATION_PASSED"])


@pytest.mark.parametrize("purpose", PURPOSES)
async def test_another_designees_verification_looks_like_one_that_never_was(
    desk: Desk, district: District, purpose: str
) -> None:
    hers = await desk.verified(purpose)
    sam = await district.staff(Role.DESIGNEE, desk.school, given="Sam")
    await district.opened(sam, "sam.ito")
    await desk.portal.login("sam.ito", PASSWORD)
    stolen = await act(desk, purpose, hers)
    guessed = await act(desk, purpose, global_id("Verification", 10**9))
    nonsense = await act(desk, purpose, "nonsense")
    assert stolen == guessed == nonsense
    assert stolen["missing"] == ["VERIFICATION_PASSED"]
    assert (await desk.answer(hers, desk.right))["__typename"] == "NotFound"
    shown = {"verificationId": hers, "document": "PASSPORT"}
    assert (await desk.portal.do(documents.RECORD_IN_PERSON_ID, shown))["__typename"] == "NotFound"
    step = {
        "LOOK_UP": Step.LOOK_UP_ACCOUNT,
        "RESET": Step.RESET_ACCOUNT,
        "ENABLE": Step.ENABLE_ACCOUNT,
        "DISABLE": Step.DISABLE_ACCOUNT,
    }[purpose]
    assert await trail(step) == [(step, "NOT_ALLOWED")] * 3
    assert {entry.actor_person_id for entry in await TrailEntry.filter(step=step)} == {sam.id}


@pytest.mark.parametrize("purpose", PURPOSES)
async def test_a_verification_is_about_one_account_whatever_the_screen_shows(
    desk: Desk, district: District, purpose: str
) -> None:
    verification_id = await desk.verified(purpose)
    luis = await district.guardian(desk.nora, given="Luis")
    for account_id in (luis.account_id, desk.nora.account_id, desk.dana.account_id):
        swapped = await act(desk, purpose, verification_id, accountId=global_id("Account", account_id))
        assert swapped["missing"] == ["VERIFICATION_PASSED"]
    assert (await act(desk, purpose, verification_id, accountId="nonsense"))["missing"] == ["VERIFICATION_PASSED"]
    own = await act(desk, purpose, verification_id, accountId=global_id("Account", desk.maria.account_id))
    assert own["__typename"] in {"AccountFound", "AccountReset", "WrongState", "AccountChanged"}


async def test_an_open_a_failed_and_a_used_verification_open_nothing(desk: Desk) -> None:
    started = await desk.start("RESET")
    assert (await desk.reset(started["verificationId"]))["missing"] == ["VERIFICATION_PASSED"]
    for _ in range(3):
        await desk.answer(started["verificationId"], desk.right | {"PARENT_NAME": "Ada Quimby"})
    assert (await desk.reset(started["verificationId"]))["missing"] == ["VERIFICATION_PASSED"]
    used = await desk.verified("RESET")
    assert (await desk.reset(used))["__typename"] == "AccountReset"
    again = await desk.reset(used)
    assert again["missing"] == ["VERIFICATION_PASSED"]
    assert "start a verification" in again["message"]


async def test_what_changes_after_the_caller_was_verified_counts(desk: Desk, district: District) -> None:
    verification_id = await desk.verified("LOOK_UP")
    assert (await desk.look_up(verification_id))["__typename"] == "AccountFound"
    order = await district.restrict(desk.maria, desk.nora)
    assert (await desk.look_up(verification_id))["missing"] == ["GUARDIANSHIP_CONFIRMED"]
    await order.delete()
    await sql.execute("UPDATE enrolment SET ends_on = $1", district.ctx.today - timedelta(days=1))
    assert (await desk.look_up(verification_id))["missing"] == ["SAME_SCHOOL"]
    await sql.execute("UPDATE enrolment SET ends_on = NULL")
    await sql.execute("UPDATE role_assignment SET role = 'reporter'")
    assert (await desk.look_up(verification_id))["missing"] == ["ROLE"]
    await sql.execute("DELETE FROM role_assignment")
    assert (await desk.look_up(verification_id))["missing"] == ["ROLE"]
    await Session.all().update(ended_at=district.ctx.now, end_reason="TEST")
    assert (await desk.look_up(verification_id))["missing"] == ["SIGNED_IN"]


async def test_a_colleague_who_becomes_a_relative_is_refused(desk: Desk, district: District) -> None:
    verification_id = await desk.verified("LOOK_UP")
    await district.household(desk.dana, desk.nora, street="9 Oak St")
    assert (await desk.look_up(verification_id))["missing"] == ["NOT_RELATED"]


async def test_a_storm_of_answers_in_one_request_is_turned_away(desk: Desk) -> None:
    started = await desk.start("LOOK_UP")
    given = '[{question: PARENT_NAME, answer: "Maria Quimby"}]'
    choice = f'{{verificationId: "{started["verificationId"]}", answers: {given}}}'
    one = f"answerVerification(input: {choice}) {{ __typename }}"
    storm = "mutation { " + " ".join(f"a{number}: {one}" for number in range(20)) + " }"
    answer = (await desk.portal.post(storm)).json()
    assert answer["errors"][0]["extensions"]["code"] == "DOCUMENT_TOO_LARGE"
    assert "data" not in answer
    assert await trail(Step.ANSWER_VERIFICATION) == []

"""The trail: each step leaves an entry in its own transaction, refused ones too, and never a word that is private."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pyotp
import pytest

from app.settings import Settings
from db import sql
from db.context import Role
from db.models import (
    Account,
    AccountStatus,
    ActivationKey,
    DisabledReason,
    GuardianshipStatus,
    KeyState,
    TrailEntry,
)
from db.trail import Step
from policies.gate import gate_of
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal
from tests.conftest import NOON
from tests.district import PASSWORD, Adult, District, Pupil
from tests.tables import everything, forget_trail, no_trail

WRONG = "lantern orchard seven boats"
NEW = "copper violin thirty meadows"


@dataclass
class Family:
    """Nora and her mother, whose account is not open yet; Theo and his, whose is, and who is signed in; a registrar."""

    nora: Pupil
    maria: Adult
    theo: Pupil
    ada: Adult
    dana: Adult

    @property
    def proofs(self) -> dict[str, str]:
        number, born, ssn = self.nora.proofs
        return {"studentNumber": number, "studentBirthDate": born, "studentSsn": ssn}


@pytest.fixture
async def family(portal: Portal, district: District) -> Family:
    school = await district.school()
    nora, theo = await district.student(school=school), await district.student("Theo", "Okafor", school=school)
    maria = await district.guardian(nora, email="maria@example.org")
    ada = await district.guardian(theo, given="Ada", family="Okafor", email="ada@example.org")
    await district.opened(ada, "ada.okafor")
    dana = await district.staff(Role.REGISTRAR)
    await district.opened(dana, "the.registrar")
    await portal.login("ada.okafor", PASSWORD)
    await forget_trail()
    return Family(nora, maria, theo, ada, dana)


# ------------------------------------------------------------------------------------------------ the steps
Input = dict[str, Any] | None
Prepared = tuple[str, Input]


async def request_key(portal: Portal, family: Family) -> Prepared:
    return documents.REQUEST_KEY, family.proofs


async def _key(portal: Portal, family: Family) -> str:
    key: str = (await portal.do(documents.REQUEST_KEY, family.proofs))["key"]
    await forget_trail()
    return key


async def check_key(portal: Portal, family: Family) -> Prepared:
    return documents.CHECK_KEY, {"key": await _key(portal, family)}


async def activate(portal: Portal, family: Family) -> Prepared:
    choice = {"username": "maria.q", "password": NEW, "verifyPassword": NEW, "idempotencyKey": "k" * 36}
    return documents.ACTIVATE, {"key": await _key(portal, family)} | choice


async def log_in(portal: Portal, family: Family) -> Prepared:
    return documents.LOGIN, {"username": "ada.okafor", "password": PASSWORD}


async def log_out(portal: Portal, family: Family) -> Prepared:
    return documents.LOGOUT, None


async def end_session(portal: Portal, family: Family) -> Prepared:
    [session] = (await portal.ask("{ me { sessions { id } } }"))["me"]["sessions"]
    return documents.END_SESSION, {"sessionId": session["id"]}


async def change_password(portal: Portal, family: Family) -> Prepared:
    return documents.CHANGE_PASSWORD, {"current": PASSWORD, "password": NEW, "verifyPassword": NEW}


async def enrol_second_factor(portal: Portal, family: Family) -> Prepared:
    await portal.login("the.registrar", PASSWORD)
    await forget_trail()
    return documents.ENROL_SECOND_FACTOR, {"password": PASSWORD}


async def confirm_second_factor(portal: Portal, family: Family) -> Prepared:
    offered = await portal.do(*await enrol_second_factor(portal, family))
    await forget_trail()
    return documents.CONFIRM_SECOND_FACTOR, {"code": pyotp.TOTP(offered["secret"]).at(NOON)}


STEPS: dict[Step, Callable[[Portal, Family], Awaitable[Prepared]]] = {
    Step.REQUEST_KEY: request_key,
    Step.CHECK_KEY: check_key,
    Step.ACTIVATE: activate,
    Step.LOG_IN: log_in,
    Step.LOG_OUT: log_out,
    Step.END_SESSION: end_session,
    Step.CHANGE_PASSWORD: change_password,
    Step.ENROL_SECOND_FACTOR: enrol_second_factor,
    Step.CONFIRM_SECOND_FACTOR: confirm_second_factor,
}
#: Steps of the command line and of desks, which have stories of their own.
ELSEWHERE = {
    Step.IMPORT_ROSTER,
    Step.ADD_STAFF,
    Step.ASSIGN_ROLE,
    Step.END_ROLE,
    Step.DISABLE_ACCOUNT,
    Step.DISABLE_BY_FAILURES,
    Step.ENABLE_ACCOUNT,
    Step.RESET_SECOND_FACTOR,
    Step.EXPLAIN_POLICY,
    Step.FIND_PEOPLE,
    Step.SHOW_TRAIL,
    Step.RETRY_LETTER,
    Step.CANCEL_LETTER,
    Step.START_VERIFICATION,
    Step.ANSWER_VERIFICATION,
    Step.RECORD_IN_PERSON_ID,
    Step.LOOK_UP_ACCOUNT,
    Step.RESET_ACCOUNT,
    Step.SET_PASSWORD,
    Step.RECOVER_LOG_ON,
    Step.SEND_LOG_ON_LINK,
    Step.RECORD_GUARDIANSHIP,
    Step.CONFIRM_GUARDIANSHIP,
    Step.REVOKE_GUARDIANSHIP,
    Step.RESTRICT_GUARDIANSHIP,
    Step.LIFT_RESTRICTION,
    Step.SET_PORTAL_ACCESS,
    Step.RECORD_CONSENT,
    Step.RECORD_HOUSEHOLD,
    Step.LINK_HOUSEHOLD_MEMBER,
    Step.END_HOUSEHOLD_MEMBER,
    Step.CORRECT_HOUSEHOLD,
    Step.ISSUE_KEY,
    Step.PRINT_KEY_LETTER,
    Step.DIAGNOSE_ACCESS,
    Step.FIND_DUPLICATES,
    Step.MERGE_PEOPLE,
    Step.UNDO_MERGE,
    Step.OPEN_WORK_ORDER,
    Step.RESOLVE_WORK_ORDER,
    Step.ADD_CLIENT,
    Step.ROTATE_CLIENT_KEY,
    Step.REVOKE_CLIENT,
    Step.RUN_REPORT,
    Step.EXPORT_REPORT,
    Step.SAVE_REPORT,
    Step.DELETE_REPORT,
    Step.FOLLOW_ACCOUNTS,
    Step.ADD_WEBHOOK,
    Step.ROTATE_WEBHOOK,
    Step.REMOVE_WEBHOOK,
    Step.PAUSE_WEBHOOK,
    Step.RESUME_WEBHOOK,
    Step.REPLAY_WEBHOOK,
}


def test_each_step_of_the_journeys_is_told_here() -> None:
    assert set(STEPS) == set(Step) - ELSEWHERE


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_is_done_leaves_one_entry(portal: Portal, family: Family, step: Step) -> None:
    document, choice = await STEPS[step](portal, family)
    response = await portal.post(document, {"input": choice} if choice else None)
    [entry] = await TrailEntry.all()
    assert (entry.step, entry.outcome, entry.refusal) == (step, "DONE", None), response.text
    assert entry.request_id == response.headers["x-request-id"]
    assert entry.address == "198.51.100.7"


@pytest.mark.parametrize("step", STEPS)
async def test_an_entry_says_who_did_it_and_about_whom(portal: Portal, family: Family, step: Step) -> None:
    ada, maria, nora, dana = family.ada, family.maria, family.nora, family.dana
    document, choice = await STEPS[step](portal, family)
    if step in {Step.REQUEST_KEY, Step.CHECK_KEY, Step.ACTIVATE, Step.LOG_IN}:
        portal.token = None
    await portal.post(document, {"input": choice} if choice else None)
    [entry] = await TrailEntry.all()
    actor = entry.actor_account_id, entry.actor_person_id
    about = entry.about_account_id, entry.about_person_id, entry.about_student_id
    mine = "guardian, own, account:manage, any, any"
    hers = "registrar, own, account:manage, any, any"
    told: dict[Step, tuple[Any, Any, str | None]] = {
        Step.REQUEST_KEY: ((None, None), (maria.account_id, maria.id, nora.id), None),
        Step.CHECK_KEY: ((None, None), (maria.account_id, maria.id, None), None),
        Step.ACTIVATE: ((None, None), (maria.account_id, maria.id, None), None),
        Step.LOG_IN: ((None, None), (ada.account_id, ada.id, None), None),
        Step.LOG_OUT: ((ada.account_id, ada.id), (None, None, None), mine),
        Step.END_SESSION: ((ada.account_id, ada.id), (None, None, None), mine),
        Step.CHANGE_PASSWORD: ((ada.account_id, ada.id), (ada.account_id, ada.id, None), mine),
        Step.ENROL_SECOND_FACTOR: ((dana.account_id, dana.id), (dana.account_id, dana.id, None), hers),
        Step.CONFIRM_SECOND_FACTOR: ((dana.account_id, dana.id), (dana.account_id, dana.id, None), hers),
    }
    assert (actor, about, entry.rule) == told[step]


# ------------------------------------------------------------------------------------------------ no trail, no step


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_whose_entry_cannot_be_written_does_not_happen(portal: Portal, family: Family, step: Step) -> None:
    document, choice = await STEPS[step](portal, family)
    before = await everything()
    async with no_trail():
        answer = (await portal.post(document, {"input": choice} if choice else None)).json()
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert "full" not in error["message"]
    assert await everything() == before
    # And with room in the trail again, it happens.
    assert "errors" not in (await portal.post(document, {"input": choice} if choice else None)).json()
    assert await everything() != before


async def test_a_refusal_that_cannot_be_written_down_is_not_given(portal: Portal, family: Family) -> None:
    async with no_trail():
        answer = (await portal.post(documents.LOGIN, {"input": {"username": "nobody", "password": WRONG}})).json()
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"


async def test_a_step_that_fails_leaves_no_entry(portal: Portal, family: Family) -> None:
    """The other way round: here the letter cannot be written, and so nothing has happened and nothing is told."""
    document, choice = await change_password(portal, family)
    await sql.rows("ALTER TABLE letter ADD CONSTRAINT no_post CHECK (false) NOT VALID")
    try:
        before = await everything()
        answer = (await portal.post(document, {"input": choice})).json()
        assert answer["errors"][0]["extensions"]["code"] == "INTERNAL"
        assert await everything() == before
    finally:
        await sql.rows("ALTER TABLE letter DROP CONSTRAINT no_post")


# ------------------------------------------------------------------------------------------------ refused steps
async def _refused(portal: Portal, document: str, choice: Input, step: Step, code: str) -> TrailEntry:
    """Sends it, and returns the one entry that tells of the refusal."""
    await forget_trail()
    response = await portal.post(document, {"input": choice} if choice else None)
    (result,) = response.json()["data"].values()
    assert result["code"] == code
    [entry] = await TrailEntry.all()
    assert (entry.step, entry.outcome, entry.refusal) == (step, "REFUSED", code)
    assert entry.request_id == response.headers["x-request-id"]
    assert entry.address == "198.51.100.7"
    return entry


async def test_a_wrong_proof_is_told_without_its_content(portal: Portal, family: Family) -> None:
    entry = await _refused(
        portal,
        documents.REQUEST_KEY,
        family.proofs | {"studentSsn": "529457777"},
        Step.REQUEST_KEY,
        "NOT_MATCHED",
    )
    assert entry.about_student_id is None


async def test_a_right_proof_for_somebody_who_may_not_have_the_key_says_whose_record_it_was(
    portal: Portal, district: District, family: Family
) -> None:
    await district.restrict(family.maria, family.nora)
    entry = await _refused(portal, documents.REQUEST_KEY, family.proofs, Step.REQUEST_KEY, "NOT_MATCHED")
    assert entry.about_student_id == family.nora.id


async def test_each_way_of_being_refused_a_key_is_told(portal: Portal, district: District, family: Family) -> None:
    malformed = family.proofs | {"studentSsn": "12345"}
    await _refused(portal, documents.REQUEST_KEY, malformed, Step.REQUEST_KEY, "INVALID_INPUT")
    await district.opened(family.maria, "maria.q")
    await _refused(portal, documents.REQUEST_KEY, family.proofs, Step.REQUEST_KEY, "ALREADY_ACTIVATED")
    await district.guardian(family.nora, given="Ruben", status=GuardianshipStatus.CLAIMED)
    await _refused(portal, documents.REQUEST_KEY, family.proofs, Step.REQUEST_KEY, "GUARDIAN_NAME_NEEDED")


async def test_a_closed_way_is_told_each_time(portal: Portal, family: Family, settings: Settings) -> None:
    wrong = family.proofs | {"studentSsn": "529457777"}
    for _ in range(settings.proofs_per_student):
        await portal.post(documents.REQUEST_KEY, {"input": wrong})
    for _ in range(2):
        await _refused(portal, documents.REQUEST_KEY, wrong, Step.REQUEST_KEY, "TOO_MANY_ATTEMPTS")


async def test_a_key_that_opens_nothing_is_told_with_whose_it_was(portal: Portal, family: Family) -> None:
    key = await _key(portal, family)
    await ActivationKey.all().update(state=KeyState.REPLACED)
    entry = await _refused(portal, documents.CHECK_KEY, {"key": key}, Step.CHECK_KEY, "KEY_NOT_ACCEPTED")
    assert entry.about_person_id == family.maria.id
    choice = {"key": key, "username": "maria.q", "password": NEW, "verifyPassword": NEW}
    entry = await _refused(portal, documents.ACTIVATE, choice, Step.ACTIVATE, "KEY_NOT_ACCEPTED")
    assert entry.about_account_id == family.maria.account_id
    unknown = await _refused(portal, documents.CHECK_KEY, {"key": "a" * 32}, Step.CHECK_KEY, "KEY_NOT_ACCEPTED")
    assert unknown.about_person_id is None
    await _refused(portal, documents.CHECK_KEY, {"key": "no key"}, Step.CHECK_KEY, "INVALID_INPUT")


async def test_a_weak_choice_is_told(portal: Portal, family: Family) -> None:
    weak = {"key": await _key(portal, family), "username": "maria.q", "password": "kites", "verifyPassword": "kites"}
    entry = await _refused(portal, documents.ACTIVATE, weak, Step.ACTIVATE, "INVALID_INPUT")
    assert entry.about_account_id == family.maria.account_id


async def test_each_way_of_not_getting_in_is_told(portal: Portal, family: Family, settings: Settings) -> None:
    right = {"username": "ada.okafor", "password": PASSWORD}
    wrong = right | {"password": WRONG}
    entry = await _refused(portal, documents.LOGIN, wrong, Step.LOG_IN, "WRONG_CREDENTIALS")
    assert entry.about_account_id == family.ada.account_id
    entry = await _refused(portal, documents.LOGIN, wrong | {"username": "nobody"}, Step.LOG_IN, "WRONG_CREDENTIALS")
    assert entry.about_account_id is None
    await _refused(portal, documents.LOGIN, right | {"password": "x" * 1000}, Step.LOG_IN, "INVALID_INPUT")
    await Account.filter(id=family.ada.account_id).update(must_change_password=True)
    await _refused(portal, documents.LOGIN, right, Step.LOG_IN, "NEW_PASSWORD_NEEDED")
    await Account.filter(id=family.ada.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    entry = await _refused(portal, documents.LOGIN, right, Step.LOG_IN, "ACCOUNT_DISABLED")
    assert entry.about_person_id == family.ada.id
    for _ in range(settings.login_free_guesses):
        await portal.post(documents.LOGIN, {"input": wrong})
    await _refused(portal, documents.LOGIN, right, Step.LOG_IN, "TOO_MANY_ATTEMPTS")


async def test_what_nobody_may_do_without_signing_in_is_told(portal: Portal, family: Family) -> None:
    portal.token = None
    session = {"sessionId": global_id("SessionInfo", 1)}
    password = {"current": PASSWORD, "password": NEW, "verifyPassword": NEW}
    for document, choice, step in (
        (documents.LOGOUT, None, Step.LOG_OUT),
        (documents.END_SESSION, session, Step.END_SESSION),
        (documents.CHANGE_PASSWORD, password, Step.CHANGE_PASSWORD),
    ):
        entry = await _refused(portal, document, choice, step, "NOT_ALLOWED")
        assert entry.actor_account_id is None
        assert not entry.rule


async def test_what_the_holder_is_refused_is_told_with_the_holder(portal: Portal, family: Family) -> None:
    unknown = {"sessionId": global_id("SessionInfo", 10**6)}
    entry = await _refused(portal, documents.END_SESSION, unknown, Step.END_SESSION, "NOT_FOUND")
    assert entry.actor_account_id == family.ada.account_id
    wrong = {"current": WRONG, "password": NEW, "verifyPassword": NEW}
    entry = await _refused(portal, documents.CHANGE_PASSWORD, wrong, Step.CHANGE_PASSWORD, "WRONG_CREDENTIALS")
    assert entry.actor_account_id == family.ada.account_id
    weak = {"current": PASSWORD, "password": "kites", "verifyPassword": "kites"}
    await _refused(portal, documents.CHANGE_PASSWORD, weak, Step.CHANGE_PASSWORD, "INVALID_INPUT")


# ------------------------------------------------------------------------------------------------ what it never says
async def test_the_trail_holds_no_names_and_no_secrets(portal: Portal, district: District, family: Family) -> None:
    """A whole journey with its mistakes; then each word of it is looked for in each column of the trail."""
    dana = await district.staff(Role.REGISTRAR, given="Dana", family="Ito")
    await district.opened(dana, "dana.ito")
    await portal.do(documents.REQUEST_KEY, family.proofs | {"studentSsn": "529457777"})
    issued = await portal.do(documents.REQUEST_KEY, family.proofs | {"guardianName": family.maria.name})
    await portal.check_key(issued["key"])
    await portal.activate(issued["key"], "maria.q", "kites")
    opened = await portal.activate(issued["key"], "maria.q", PASSWORD, idempotencyKey="idempotency-of-mine")
    await portal.activate(issued["key"], "maria.q", PASSWORD, idempotencyKey="idempotency-of-mine")
    tokens = [*opened["session"].values()]
    for username, password in (
        ("maria.q", WRONG),
        ("nobody.here", WRONG),
        ("dana.ito", PASSWORD),
        ("maria.q", PASSWORD),
    ):
        answer: Answer = await portal.login(username, password)
        tokens += answer.get("session", {}).values()
    await portal.do(documents.CHANGE_PASSWORD, {"current": PASSWORD, "password": NEW, "verifyPassword": NEW})
    await portal.do(documents.LOGOUT)
    number, born, ssn = family.nora.proofs
    secret = [number, born, ssn, "529457777", issued["key"], PASSWORD, WRONG, NEW, "kites", "idempotency-of-mine"]
    private = ["Nora", "Maria", "Quimby", "Dana", "Ito", "maria.q", "nobody.here", "example.org", "Lakeside"]
    told = " ".join(row["row"] for row in await sql.rows("SELECT t::text AS row FROM trail_entry t"))
    assert told.count("session:login") == 4
    assert [word for word in [*secret, *private, *tokens] if word.casefold() in told.casefold()] == []
    for entry in await TrailEntry.all():
        assert all(isinstance(value, int | bool) for value in entry.details.values()), entry.details


async def test_the_rule_that_is_told_stands_in_the_table(portal: Portal, district: District, family: Family) -> None:
    await portal.do(documents.LOGOUT)
    [entry] = await TrailEntry.all()
    assert entry.rule is not None
    assert entry.rule in {", ".join(row.cells) for row in gate_of(district.ctx).rows}

"""Verifying a caller: what is asked, that all answers are judged together, what is counted, and the ID in person."""

from datetime import timedelta
from typing import Any

import pytest

from app.settings import Settings
from db import sql
from db.context import Role
from db.models import (
    Guardianship,
    GuardianshipStatus,
    Household,
    Student,
    TrailEntry,
    Verification,
)
from db.trail import Step
from schema.nodes import global_id
from tests import documents
from tests.clients import Portal
from tests.conftest import Clock
from tests.desk import QUESTIONS, RIGHT, Desk, answers_input, open_desk
from tests.district import PASSWORD, District
from tests.tables import spent, trail


@pytest.fixture
async def desk(portal: Portal, district: District) -> Desk:
    return await open_desk(portal, district)


# ------------------------------------------------------------------------------------------------ what is asked
async def test_a_parent_is_asked_five_questions_and_passes_with_five_right_answers(desk: Desk, clock: Clock) -> None:
    started = await desk.start("LOOK_UP")
    assert started["questions"] == QUESTIONS
    assert started["inPersonRequired"] is False
    assert started["expiresAt"] == (clock() + timedelta(minutes=30)).isoformat()
    passed = await desk.answer(started["verificationId"], desk.right)
    assert passed["__typename"] == "VerificationPassed"
    assert passed["purpose"] == "LOOK_UP"


async def test_a_student_is_not_asked_for_a_parents_name(desk: Desk) -> None:
    started = await desk.start("LOOK_UP", by_student=True)
    assert started["questions"] == QUESTIONS[1:]
    said = {question: desk.right[question] for question in started["questions"]}
    assert (await desk.answer(started["verificationId"], said))["__typename"] == "VerificationPassed"


@pytest.mark.parametrize("state", ["NOT_ON_FILE", "UNUSABLE"])
async def test_where_no_usable_ssn_is_on_file_the_student_number_is_asked_for(desk: Desk, state: str) -> None:
    await Student.filter(id=desk.nora.id).update(ssn_state=state, ssn_proof=None, ssn_proof_version=None)
    started = await desk.start("LOOK_UP")
    assert started["questions"] == [*QUESTIONS[:4], "STUDENT_NUMBER"]
    passed = await desk.answer(started["verificationId"], RIGHT | {"STUDENT_NUMBER": desk.nora.number.lstrip("0")})
    assert passed["__typename"] == "VerificationPassed"


async def test_a_caller_who_cannot_say_the_number_comes_in_person_and_it_costs_no_attempt(desk: Desk) -> None:
    await Student.filter(id=desk.nora.id).update(ssn_state="NOT_ON_FILE", ssn_proof=None, ssn_proof_version=None)
    started = await desk.start("RESET")
    for _ in range(5):
        # Whatever the other answers are: nothing is judged, so nothing is told.
        said = dict.fromkeys(started["questions"], "something else") | {"STUDENT_NUMBER": None}
        answered = await desk.answer(started["verificationId"], said)
        assert answered["__typename"] == "InPersonRequired"
    blank = RIGHT | {"STUDENT_NUMBER": "  "}
    assert (await desk.answer(started["verificationId"], blank))["__typename"] == "InPersonRequired"
    assert (await Verification.get()).attempts_left == 3
    assert await spent("verify-requester") == []
    shown = {"verificationId": started["verificationId"], "document": "PASSPORT"}
    assert (await desk.portal.do(documents.RECORD_IN_PERSON_ID, shown))["__typename"] == "VerificationPassed"
    assert (await desk.reset(started["verificationId"]))["__typename"] == "AccountReset"
    entry = await TrailEntry.get(step=Step.RECORD_IN_PERSON_ID)
    assert entry.details["document"] == "PASSPORT"


@pytest.mark.parametrize(
    ("changed", "asked"),
    [
        ({"phone": "000-0000"}, ["PARENT_NAME", "STUDENT_NAME", "MAILING_ADDRESS", "STUDENT_SSN"]),
        ({"street": None}, ["PARENT_NAME", "STUDENT_NAME", "HOME_PHONE", "STUDENT_SSN"]),
        ({"phone": None, "street": ""}, []),
    ],
)
async def test_what_the_record_cannot_answer_is_not_asked(
    desk: Desk, changed: dict[str, Any], asked: list[str]
) -> None:
    await Household.all().update(**changed)
    started = await desk.start("LOOK_UP")
    assert started["questions"] == asked
    assert started["inPersonRequired"] == (not asked)
    said = {question: desk.right[question] for question in asked}
    answered = await desk.answer(started["verificationId"], said)
    assert answered["__typename"] == ("VerificationPassed" if asked else "InPersonRequired")
    if not asked:
        shown = {"verificationId": started["verificationId"], "document": "STATE_ID"}
        assert (await desk.portal.do(documents.RECORD_IN_PERSON_ID, shown))["__typename"] == "VerificationPassed"


async def test_a_number_that_two_students_have_is_not_asked_for(desk: Desk, district: District) -> None:
    await Student.filter(id=desk.nora.id).update(
        number_is_shared=True, ssn_state="NOT_ON_FILE", ssn_proof=None, ssn_proof_version=None
    )
    assert (await desk.start("LOOK_UP"))["inPersonRequired"] is True


# ------------------------------------------------------------------------------------------------ what is right
@pytest.mark.parametrize("wrong", QUESTIONS)
async def test_one_wrong_answer_is_enough_and_it_is_not_told_which(desk: Desk, wrong: str) -> None:
    started = await desk.start("LOOK_UP")
    said = desk.right | {wrong: {"HOME_PHONE": "512 555 0135", "STUDENT_SSN": "529457777"}.get(wrong, "Theo Okafor")}
    failed = await desk.answer(started["verificationId"], said)
    assert failed == {
        "__typename": "VerificationFailed",
        "code": "VERIFICATION_FAILED",
        "help": "CONTACT",
        "message": "The answers do not match our records, or not all of them do. Nobody is told which.",
        "attemptsLeft": 2,
    }


async def test_all_wrong_looks_like_one_wrong(desk: Desk) -> None:
    bodies = set()
    for said in (desk.right | {"PARENT_NAME": "Ada Quimby"}, dict.fromkeys(QUESTIONS, "nothing of it")):
        started = await desk.start("LOOK_UP")
        bodies.add(
            await desk.portal.wire(documents.ANSWER_VERIFICATION, **answers_input(started["verificationId"], said))
        )
    assert len(bodies) == 1


async def test_a_father_in_another_household_is_asked_for_his_own_address(desk: Desk, district: District) -> None:
    luis = await district.guardian(desk.nora, given="Luis", family="Delgado")
    await district.household(luis, street="8 Elm Ave", phone="(512) 555-0177")
    said = desk.right | {"PARENT_NAME": "Luis Delgado"}
    hers = await desk.start("LOOK_UP", guardian=luis)
    assert (await desk.answer(hers["verificationId"], said))["__typename"] == "VerificationFailed"
    his = said | {"MAILING_ADDRESS": "8 Elm Avenue, 78699", "HOME_PHONE": "5125550177"}
    assert (await desk.answer(hers["verificationId"], his))["__typename"] == "VerificationPassed"


async def test_an_address_that_was_left_counts_no_more(desk: Desk, district: District) -> None:
    await district.household(
        desk.maria, street="8 Elm Ave", phone="(512) 555-0177", until=district.ctx.today - timedelta(days=1)
    )
    started = await desk.start("LOOK_UP")
    old = desk.right | {"MAILING_ADDRESS": "8 Elm Avenue, 78699"}
    assert (await desk.answer(started["verificationId"], old))["__typename"] == "VerificationFailed"


async def test_a_father_and_son_of_one_name_are_told_apart_by_the_suffix(desk: Desk, district: District) -> None:
    son = await district.student("Robert", "Hale", school=desk.school)
    father = await district.guardian(son, given="Robert", family="Hale")
    await sql.execute("UPDATE person SET suffix = 'Jr.' WHERE id = $1", father.id)
    await sql.execute("UPDATE person SET suffix = 'III' WHERE id = $1", son.id)
    await district.household(father, son)
    said = RIGHT | {"PARENT_NAME": "Robert Hale", "STUDENT_NAME": "Robert Hale", "STUDENT_SSN": son.ssn}
    started = await desk.start("LOOK_UP", guardian=father, student=son)
    assert (await desk.answer(started["verificationId"], said))["__typename"] == "VerificationFailed"
    said |= {"PARENT_NAME": "Robert Hale Junior", "STUDENT_NAME": "Robert Hale 3rd"}
    assert (await desk.answer(started["verificationId"], said))["__typename"] == "VerificationPassed"


@pytest.mark.parametrize("missing", [["PARENT_NAME"], QUESTIONS, ["STUDENT_SSN", "HOME_PHONE"]])
async def test_each_question_has_to_be_answered_and_asking_costs_nothing(desk: Desk, missing: list[str]) -> None:
    started = await desk.start("LOOK_UP")
    said = {question: answer for question, answer in desk.right.items() if question not in missing}
    answered = await desk.answer(started["verificationId"], said)
    assert answered["__typename"] == "InvalidInput"
    assert "PARENT_NAME, STUDENT_NAME" in answered["fields"][0]["message"]
    assert (await Verification.get()).attempts_left == 3


async def test_a_question_cannot_be_answered_twice_nor_one_that_was_not_asked(desk: Desk) -> None:
    started = await desk.start("LOOK_UP")
    choice = answers_input(started["verificationId"], desk.right)
    twice = choice | {"answers": [*choice["answers"], {"question": "PARENT_NAME", "answer": "Ada Quimby"}]}
    assert (await desk.portal.do(documents.ANSWER_VERIFICATION, twice))["__typename"] == "InvalidInput"
    said = desk.right | {"STUDENT_NUMBER": desk.nora.number}
    assert (await desk.answer(started["verificationId"], said))["__typename"] == "InvalidInput"


@pytest.mark.parametrize("odd", ["\x00", "x" * 501, "🧒" * 400, "%s' OR 1=1 --", "½"])
async def test_odd_answers_are_refused_or_wrong_and_nothing_breaks(desk: Desk, odd: str) -> None:
    for question in QUESTIONS:
        started = await desk.start("LOOK_UP")
        choice = {"input": answers_input(started["verificationId"], desk.right | {question: odd})}
        response = await desk.portal.post(documents.ANSWER_VERIFICATION, choice)
        answered = response.json()
        if response.status_code == 200 and "errors" not in answered:
            (result,) = answered["data"].values()
            assert result["__typename"] in {"VerificationFailed", "InvalidInput", "TooManyAttempts"}
        else:
            assert answered["errors"][0]["extensions"]["code"] != "INTERNAL"
        await sql.execute("DELETE FROM attempt_budget")


# ------------------------------------------------------------------------------------------------ what is counted
async def test_three_wrong_attempts_end_a_verification_and_right_answers_come_too_late(desk: Desk) -> None:
    started = await desk.start("LOOK_UP")
    wrong = desk.right | {"PARENT_NAME": "Ada Quimby"}
    left = [(await desk.answer(started["verificationId"], wrong))["attemptsLeft"] for _ in range(3)]
    assert left == [2, 1, 0]
    late = await desk.answer(started["verificationId"], desk.right)
    assert (late["__typename"], late["status"]) == ("WrongState", "FAILED")
    assert "valid ID" in late["message"]
    # In person, all the same.
    shown = {"verificationId": started["verificationId"], "document": "DRIVERS_LICENSE"}
    assert (await desk.portal.do(documents.RECORD_IN_PERSON_ID, shown))["__typename"] == "VerificationPassed"


async def test_new_verifications_bring_no_new_guesses_about_one_caller(
    desk: Desk, settings: Settings, clock: Clock
) -> None:
    wrong = desk.right | {"PARENT_NAME": "Ada Quimby"}
    for _ in range(settings.verifications_per_requester // 3):
        started = await desk.start("LOOK_UP")
        for _ in range(3):
            assert (await desk.answer(started["verificationId"], wrong))["__typename"] == "VerificationFailed"
    closed = await desk.start("LOOK_UP")
    assert (closed["questions"], closed["inPersonRequired"]) == ([], True)
    assert closed["retryAt"] == (clock() + timedelta(hours=24)).isoformat()
    assert (await desk.answer(closed["verificationId"], {}))["__typename"] == "InPersonRequired"
    # Another caller is not concerned, and neither is she, once she stands at the counter.
    assert (await desk.start("LOOK_UP", by_student=True))["questions"]
    shown = {"verificationId": closed["verificationId"], "document": "PASSPORT"}
    assert (await desk.portal.do(documents.RECORD_IN_PERSON_ID, shown))["__typename"] == "VerificationPassed"
    assert (await desk.look_up(closed["verificationId"]))["__typename"] == "AccountFound"
    clock.advance(hours=24)
    await desk.portal.login("dana.ito", PASSWORD)
    assert (await desk.start("LOOK_UP"))["questions"] == QUESTIONS


async def test_a_verification_that_was_open_before_is_closed_with_the_budget(desk: Desk, settings: Settings) -> None:
    first = await desk.start("LOOK_UP")
    wrong = desk.right | {"PARENT_NAME": "Ada Quimby"}
    for _ in range(settings.verifications_per_requester // 3):
        started = await desk.start("LOOK_UP")
        for _ in range(3):
            await desk.answer(started["verificationId"], wrong)
    assert (await desk.answer(first["verificationId"], desk.right))["__typename"] == "TooManyAttempts"


async def test_a_right_answer_is_not_counted(desk: Desk) -> None:
    for _ in range(10):
        await desk.verified("LOOK_UP")
    assert await spent("verify-requester") == []
    assert await spent("verify-designee") == []


async def test_a_designee_who_guesses_about_everybody_is_stopped(desk: Desk, settings: Settings) -> None:
    await sql.execute("UPDATE attempt_budget SET spent = 0")
    started = await desk.start("LOOK_UP")
    await desk.answer(started["verificationId"], desk.right | {"PARENT_NAME": "Ada Quimby"})
    await sql.execute(
        "UPDATE attempt_budget SET spent = $1 WHERE id LIKE 'verify-designee:%'", settings.verifications_per_designee
    )
    theo = await desk.district.student("Theo", "Okafor", school=desk.school)
    ada = await desk.district.guardian(theo, given="Ada", family="Okafor")
    await desk.district.household(ada, theo)
    assert (await desk.start("LOOK_UP", guardian=ada, student=theo))["questions"] == []


async def test_after_half_an_hour_the_answers_come_too_late(desk: Desk, clock: Clock) -> None:
    started = await desk.start("LOOK_UP")
    clock.advance(minutes=30)
    late = await desk.answer(started["verificationId"], desk.right)
    assert (late["__typename"], late["status"]) == ("WrongState", "EXPIRED")
    shown = {"verificationId": started["verificationId"], "document": "STATE_ID"}
    assert (await desk.portal.do(documents.RECORD_IN_PERSON_ID, shown))["status"] == "EXPIRED"


async def test_a_verification_passes_once(desk: Desk) -> None:
    verification_id = await desk.verified("LOOK_UP")
    again = await desk.answer(verification_id, desk.right)
    assert (again["__typename"], again["status"]) == ("WrongState", "PASSED")


# ------------------------------------------------------------------------------------------------ who may
@pytest.mark.parametrize(
    ("tie", "missing"),
    [
        ({"status": GuardianshipStatus.CLAIMED, "confirmed_at": None}, ["GUARDIANSHIP_CONFIRMED"]),
        ({"portal_access": False}, None),
    ],
)
async def test_guardianship_has_to_be_confirmed_before_anything_is_asked(
    desk: Desk, tie: dict[str, Any], missing: list[str] | None
) -> None:
    await Guardianship.all().update(**tie)
    started = await desk.start("LOOK_UP")
    if missing is None:
        assert started["__typename"] == "VerificationStarted"
    else:
        assert (started["__typename"], started["missing"]) == ("NotAllowed", missing)
        assert "registrar must identify guardianship first" in started["message"]
        assert await Verification.all().count() == 0


async def test_a_restriction_that_comes_between_question_and_answer_holds(desk: Desk, district: District) -> None:
    started = await desk.start("LOOK_UP")
    await district.restrict(desk.maria, desk.nora)
    answered = await desk.answer(started["verificationId"], desk.right)
    assert answered["missing"] == ["GUARDIANSHIP_CONFIRMED"]


async def test_no_designee_verifies_their_own_relatives(desk: Desk, district: District) -> None:
    theo = await district.student("Theo", "Ito", school=desk.school)
    await district.guardianship(desk.dana.id, theo.id)
    ken = await district.guardian(theo, given="Ken", family="Ito")
    await district.household(ken, theo, street="9 Oak St")
    for started in (
        await desk.start("LOOK_UP", guardian=desk.dana, student=theo),
        await desk.start("LOOK_UP", guardian=ken, student=theo),
        await desk.start("LOOK_UP", student=theo, by_student=True),
    ):
        assert started["missing"] == ["NOT_RELATED"]
        assert "colleague" in started["message"]


async def test_no_designee_verifies_whoever_lives_in_the_same_household(desk: Desk, district: District) -> None:
    home = await Household.get()
    await sql.execute(
        "INSERT INTO household_member (household_id, person_id, is_secondary) VALUES ($1, $2, true)",
        home.id,
        desk.dana.id,
    )
    assert (await desk.start("LOOK_UP"))["missing"] == ["NOT_RELATED"]
    # Whoever has moved out is a stranger again.
    await sql.execute(
        "UPDATE household_member SET ends_on = $2 WHERE person_id = $1",
        desk.dana.id,
        district.ctx.today - timedelta(days=1),
    )
    assert (await desk.start("LOOK_UP"))["__typename"] == "VerificationStarted"


async def test_another_schools_student_is_another_schools(desk: Desk, district: District) -> None:
    other = await district.school("Hillside High School")
    theo = await district.student("Theo", school=other)
    ada = await district.guardian(theo, given="Ada")
    started = await desk.start("LOOK_UP", guardian=ada, student=theo)
    assert started["missing"] == ["SAME_SCHOOL"]


async def test_no_other_role_verifies_anybody(desk: Desk, district: District) -> None:
    for role in set(Role) - {Role.GUARDIAN, Role.STUDENT, Role.DESIGNEE}:
        someone = await district.staff(role, desk.school, given="Sam")
        await district.opened(someone, f"sam.{role}")
        await desk.portal.login(f"sam.{role}", PASSWORD)
        assert (await desk.start("LOOK_UP"))["missing"] == ["ROLE"]
        nobody = {"guardianId": global_id("Guardian", 10**9), "studentId": global_id("Student", 10**9)}
        unknown = await desk.portal.do(documents.START_VERIFICATION, nobody | {"purpose": "LOOK_UP"})
        assert unknown["missing"] == ["ROLE"]
        assert (await desk.answer(global_id("Verification", 1), desk.right))["missing"] == ["ROLE"]
    desk.portal.token = None
    assert (await desk.start("LOOK_UP"))["missing"] == ["SIGNED_IN"]


async def test_an_unknown_student_is_not_found_and_an_unknown_guardian_is_no_guardian(desk: Desk) -> None:
    maria, nora = global_id("Guardian", desk.maria.id), global_id("Student", desk.nora.id)
    for student_id in (global_id("Student", 10**9), "nonsense", global_id("Guardian", desk.nora.id)):
        about = {"guardianId": maria, "studentId": student_id, "purpose": "RESET"}
        assert (await desk.portal.do(documents.START_VERIFICATION, about))["__typename"] == "NotFound"
    for guardian_id in (global_id("Guardian", 10**9), "nonsense", nora, global_id("Guardian", desk.dana.id)):
        about = {"guardianId": guardian_id, "studentId": nora, "purpose": "RESET"}
        refused = await desk.portal.do(documents.START_VERIFICATION, about)
        assert refused["missing"] == ["GUARDIANSHIP_CONFIRMED"]


# ------------------------------------------------------------------------------------------------ what is kept
async def test_nothing_of_what_was_said_is_kept(desk: Desk) -> None:
    started = await desk.start("LOOK_UP")
    said = {
        "PARENT_NAME": "Zebulon Wrongname",
        "STUDENT_NAME": "Quintessa Wrongname",
        "MAILING_ADDRESS": "77777 Nowhere Blvd, 66666",
        "HOME_PHONE": "512-555-8888",
        "STUDENT_SSN": "529-45-9999",
    }
    await desk.answer(started["verificationId"], said)
    await desk.answer(started["verificationId"], desk.right)
    tables = await sql.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    held = ""
    for table in tables:
        held += str(await sql.rows(f'SELECT t::text AS row FROM "{table["name"]}" t')).casefold()
    for word in ("zebulon", "quintessa", "nowhere", "66666", "8888", "9999", desk.right["MAILING_ADDRESS"].casefold()):
        assert word not in held
    assert await trail(Step.ANSWER_VERIFICATION) == [
        (Step.ANSWER_VERIFICATION, "VERIFICATION_FAILED"),
        (Step.ANSWER_VERIFICATION, "DONE"),
    ]
    for entry in await TrailEntry.filter(step=Step.ANSWER_VERIFICATION):
        assert entry.details["questions"] == QUESTIONS
        assert entry.details["purpose"] == "LOOK_UP"
        assert (entry.about_person_id, entry.about_student_id) == (desk.maria.id, desk.nora.id)
        assert entry.actor_person_id == desk.dana.id
        assert entry.rule == "designee, same_school, verification:run, any, any"

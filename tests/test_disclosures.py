"""What a family reads of the trail: who outside of it was told what, and why; and what one parent never reads."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.asgi import create_app
from app.settings import Settings
from db import trail
from db.context import Capacity, Role, SecondFactor, Viewer
from db.models import Account, Guardianship, GuardianshipStatus, School, TrailEntry
from db.trail import Note, Step
from policies.table import SHIPPED
from resolvers.disclosures import WHAT
from schema.nodes import global_id
from schema.pages import cursor
from tests import documents
from tests.clients import Answer, Portal, crowd
from tests.conftest import Clock, Statements
from tests.desk import at_desk
from tests.district import PASSWORD, Adult, District, Pupil

DISCLOSURES = """
query Disclosures($first: Int! = 50, $after: String) {
  me { students { id disclosures(first: $first, after: $after) {
    edges { cursor node { id at toWhom what why } } pageInfo { hasNextPage hasPreviousPage endCursor }
  } } }
}
"""
ONE = "query One($id: ID!) { node(id: $id) { id ... on Disclosure { toWhom what why } } }"

Record = Callable[..., Coroutine[Any, Any, str]]


@pytest.fixture
async def school(district: District) -> School:
    return await district.school()


@pytest.fixture
async def nora(district: District, school: School) -> Pupil:
    return await district.student(school=school)


@pytest.fixture
async def maria(portal: Portal, district: District, nora: Pupil) -> Adult:
    """Nora's mother, signed in."""
    maria = await district.guardian(nora)
    await district.opened(maria, "maria.q")
    await portal.login("maria.q", PASSWORD)
    return maria


@pytest.fixture
async def paul(district: District, nora: Pupil) -> Adult:
    """Nora's father, who lives elsewhere and whose account is open."""
    paul = await district.guardian(nora, given="Paul", family="Vance")
    await district.opened(paul, "paul.v")
    return paul


@pytest.fixture
async def dana(district: District, school: School) -> Adult:
    return await district.staff(Role.DESIGNEE, school)


@pytest.fixture
async def told(district: District, dana: Adult, nora: Pupil) -> Record:
    """Writes an entry as the desk does, about Nora unless told otherwise; returns the id of the disclosure."""
    viewer = Viewer(dana.account_id, dana.id, 1, Capacity.STAFF, "dana", {}, SecondFactor.NOT_NEEDED)

    async def record(
        step: Step,
        caller: Adult | Pupil | None = None,
        *,
        student: Pupil = nora,
        refusal: str | None = None,
        minutes: int = 0,
        by: Viewer | None = viewer,
        **details: object,
    ) -> str:
        ctx = replace(district.ctx, viewer=by, now=district.ctx.now + timedelta(minutes=minutes))
        note = Note(
            step,
            about_student_id=student.id,
            about_person_id=caller.id if caller else None,
            about_account_id=caller.account_id if caller else None,
            details={"role": "designee", **details},
        )
        await trail.record(ctx, note, refusal=refusal)
        return global_id("Disclosure", (await TrailEntry.all().order_by("-id"))[0].id)

    return record


async def read(portal: Portal, **variables: Any) -> list[Answer]:
    """What is disclosed about the first student whom one sees."""
    [student, *_] = (await portal.ask(DISCLOSURES, variables))["me"]["students"]
    return [edge["node"] for edge in student["disclosures"]["edges"]]


# ------------------------------------------------------------------------------------------------ in words
async def test_a_disclosure_says_when_to_whom_what_and_why(
    portal: Portal, district: District, maria: Adult, told: Record
) -> None:
    id_ = await told(Step.RESET_ACCOUNT, maria, purpose="RESET", reason="Lost her telephone")
    assert await read(portal) == [
        {
            "id": id_,
            "at": district.ctx.now.isoformat(),
            "toWhom": "Dana Ito, designee",
            "what": "The password of your account was reset; a new one can be set with a code or link.",
            "why": "The caller was verified and asked for a new password. The school noted: Lost her telephone",
        }
    ]


@pytest.mark.usefixtures("maria")
async def test_one_parent_does_not_read_which_other_one_called_or_why(
    portal: Portal, paul: Adult, told: Record
) -> None:
    await told(Step.LOOK_UP_ACCOUNT, paul, purpose="LOOK_UP", reason="Moved out in May")
    await told(Step.DISABLE_ACCOUNT, paul, reason="Lost his telephone")
    response = await portal.post(DISCLOSURES)
    [disabled, looked_up] = await read(portal)
    assert looked_up["what"] == "Username and status of a guardian's account were shown."
    assert looked_up["why"] == "The caller was verified and asked how to sign in."
    assert disabled["what"] == "A guardian's account was disabled."
    for private in ("Paul", "Vance", "May", "telephone", global_id("Account", paul.account_id), str(paul.id) + '"'):
        assert private not in response.text


async def test_the_student_reads_of_the_own_account_and_a_guardian_of_the_students(
    portal: Portal, district: District, nora: Pupil, maria: Adult, told: Record
) -> None:
    await told(Step.ENABLE_ACCOUNT, nora, reason="Back from abroad")
    [to_maria] = await read(portal)
    assert to_maria["what"] == "The student's own account was enabled."
    assert "abroad" not in to_maria["why"]
    await district.opened(nora, "nora.q")
    await portal.login("nora.q", PASSWORD)
    [to_nora] = await read(portal)
    assert to_nora["what"] == "Your account was enabled."
    assert "Back from abroad" in to_nora["why"]


@pytest.mark.usefixtures("maria")
async def test_a_disclosure_is_told_in_the_readers_language(portal: Portal, paul: Adult, told: Record) -> None:
    await told(Step.ANSWER_VERIFICATION, purpose="RESET")
    await told(Step.RESET_ACCOUNT, paul, purpose="RESET")
    await told(Step.DISABLE_ACCOUNT, by=None)
    english = await read(portal)
    portal.http.headers["Accept-Language"] = "es-MX"
    spanish = await read(portal)
    assert [(one["id"], one["at"]) for one in spanish] == [(one["id"], one["at"]) for one in english]
    assert [(one["toWhom"], one["what"], one["why"]) for one in spanish] == [
        (
            "El distrito escolar",
            "Se deshabilitó la cuenta de un tutor.",
            "La persona que llamó verificó su identidad y pidió que se deshabilitara la cuenta.",
        ),
        (
            "Dana Ito, personal designado de la escuela",
            "Se restableció la contraseña de la cuenta de un tutor; "
            "se puede crear una nueva con un código o un enlace.",
            "La persona que llamó verificó su identidad y pidió una contraseña nueva.",
        ),
        (
            "Dana Ito, personal designado de la escuela",
            "Lo que dijo una persona que llamó se comparó con el registro, y coincidió.",
            "Una persona que llamó pidió una contraseña nueva, y antes hubo que verificar su identidad.",
        ),
    ]
    assert (await portal.ask(ONE, {"id": spanish[0]["id"]}))["node"]["what"] == spanish[0]["what"]


async def test_what_staff_noted_is_told_as_they_wrote_it(
    portal: Portal, maria: Adult, nora: Pupil, district: District, told: Record
) -> None:
    await told(Step.ENABLE_ACCOUNT, maria, reason="100% sure: %(name)s")
    portal.http.headers["Accept-Language"] = "es"
    [to_maria] = await read(portal)
    assert to_maria["what"] == "Se habilitó su cuenta."
    assert to_maria["why"].endswith(" La escuela anotó: 100% sure: %(name)s")
    await district.opened(nora, "nora.q")
    await portal.login("nora.q", PASSWORD)
    assert (await read(portal))[0]["what"] == "Se habilitó la cuenta de un tutor."
    await told(Step.LOOK_UP_ACCOUNT, nora, minutes=1)
    assert (await read(portal))[0]["what"] == "Se mostraron el nombre de usuario y el estado de su cuenta."


@pytest.mark.usefixtures("maria")
async def test_entries_that_say_little_are_told_with_what_they_say(portal: Portal, dana: Adult, told: Record) -> None:
    await told(Step.ENABLE_ACCOUNT, by=None)
    await told(Step.ANSWER_VERIFICATION, role="mayor")
    await told(Step.RECORD_IN_PERSON_ID, purpose="RESET", reason=7)
    in_person, answered, enabled = await read(portal)
    assert in_person["why"] == "A caller asked for a new password, and had to be verified first."
    assert (answered["toWhom"], answered["why"]) == (
        "Dana Ito",
        "A caller asked for help with an account, and had to be verified first.",
    )
    assert (enabled["toWhom"], enabled["what"]) == ("The school district", "A guardian's account was enabled.")


# ------------------------------------------------------------------------------------------------ what counts as one
@pytest.mark.parametrize("step", Step)
async def test_what_somebody_outside_the_family_was_told_is_disclosed_and_nothing_else(
    portal: Portal, maria: Adult, told: Record, step: Step
) -> None:
    await told(step, maria)
    disclosed = {
        *("account:details", "account:reset", "account:enable", "account:disable"),
        *("verification:in_person", "verification:answer"),
        *("key:issue", "key:print"),
    }
    assert {step.value for step in WHAT} == disclosed
    assert len(await read(portal)) == (step.value in disclosed)


async def test_what_was_refused_not_passed_or_done_by_the_family_itself_is_no_disclosure(
    portal: Portal, maria: Adult, told: Record
) -> None:
    own = Viewer(maria.account_id, maria.id, 1, Capacity.GUARDIAN, "maria.q", {})
    refused = [
        await told(Step.LOOK_UP_ACCOUNT, maria, refusal="NOT_ALLOWED"),
        await told(Step.ANSWER_VERIFICATION, maria, passed=False),
        await told(Step.RESET_ACCOUNT, maria, by=own),
        await told(Step.START_VERIFICATION, maria),
    ]
    assert await read(portal) == []
    for id_ in refused:
        assert (await portal.ask(ONE, {"id": id_}))["node"] is None
    await told(Step.ANSWER_VERIFICATION, maria, passed=True)
    assert len(await read(portal)) == 1


# ------------------------------------------------------------------------------------------------ who reads it
async def test_only_the_students_family_reads_it_and_only_while_it_may_see_the_student(  # noqa: PLR0917
    portal: Portal, district: District, nora: Pupil, maria: Adult, paul: Adult, told: Record
) -> None:
    id_ = await told(Step.LOOK_UP_ACCOUNT, paul)
    assert (await portal.ask(ONE, {"id": id_}))["node"]["id"] == id_
    tie = Guardianship.filter(guardian_id=maria.id)
    for change in ({"status": GuardianshipStatus.CLAIMED}, {"portal_access": False}):
        await tie.update(**change)
        assert (await portal.ask(ONE, {"id": id_}))["node"] is None
        await tie.update(status=GuardianshipStatus.CONFIRMED, portal_access=True)
    await district.restrict(maria, nora)
    assert (await portal.ask(ONE, {"id": id_}))["node"] is None
    portal.token = None
    assert (await portal.ask(ONE, {"id": id_}))["node"] is None
    stranger = await district.guardian(await district.student("Theo", "Okafor"), given="Ada")
    await district.opened(stranger, "ada.o")
    await portal.login("ada.o", PASSWORD)
    assert (await portal.ask(ONE, {"id": id_}))["node"] is None
    assert await read(portal) == []


async def test_where_the_district_says_so_the_record_is_shown_without_its_disclosures(
    portal: Portal, maria: Adult, told: Record, settings: Settings, clock: Clock
) -> None:
    """A table of the district's own may leave the row out; the list and the single read then both have nothing."""
    id_ = await told(Step.LOOK_UP_ACCOUNT, maria)
    table = settings.var / "access.csv"
    table.write_text(
        SHIPPED.read_text(encoding="utf-8").replace("guardian,own_student,disclosure:read,confirmed,any", "")
    )
    silent = settings.model_copy(update={"policy_table": table})
    async with Portal(create_app(silent, clock=clock)) as other:
        other.token = portal.token
        assert await read(other) == []
        assert await other.ask(ONE, {"id": id_}) == {"node": None}
    assert len(await read(portal)) == 1


async def test_whoever_signs_in_reads_it_in_the_very_answer(
    portal: Portal, school: School, maria: Adult, told: Record
) -> None:
    id_ = await told(Step.LOOK_UP_ACCOUNT, maria)
    signed_in = await portal.ask(
        """
        mutation SignIn($input: LoginInput!) {
          login(input: $input) { ... on LoggedIn { me {
            details { account { schools { name } } }
            students { disclosures { edges { node { id what } } } }
          } } }
        }
        """,
        {"input": {"username": "maria.q", "password": PASSWORD}},
        token="nobody's",
    )
    me = signed_in["login"]["me"]
    assert me["details"]["account"]["schools"] == [{"name": school.name}]
    [student] = me["students"]
    what = "Username and status of your account were shown."
    assert student["disclosures"]["edges"] == [{"node": {"id": id_, "what": what}}]


# ------------------------------------------------------------------------------------------------ pages
async def test_pages_show_the_newest_first_and_each_once(portal: Portal, maria: Adult, told: Record) -> None:
    made = [await told(Step.LOOK_UP_ACCOUNT, maria, minutes=number // 2) for number in range(7)]
    for first in (1, 3, 7, 100):
        seen: list[str] = []
        page: Answer = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
        while page["pageInfo"]["hasNextPage"]:
            after = page["pageInfo"]["endCursor"]
            page = (await portal.ask(DISCLOSURES, {"first": first, "after": after}))["me"]["students"][0]["disclosures"]
            seen += [edge["node"]["id"] for edge in page["edges"]]
        assert seen == made[::-1]


@pytest.mark.parametrize("after", ["", "nonsense", cursor(None, 5), cursor(True, 5), "MjAyNi0xMC0wNVQxNzowMDowMHw1"])
@pytest.mark.usefixtures("maria")
async def test_a_cursor_of_another_page_is_an_error(portal: Portal, after: str) -> None:
    [error] = (await portal.post(DISCLOSURES, {"after": after})).json()["errors"]
    assert error["message"] == "`after` is not a cursor of this connection."


async def test_what_is_disclosed_about_many_children_costs_one_statement(
    portal: Portal, district: District, maria: Adult, told: Record, statements: Statements
) -> None:
    for number in range(5):
        child = await district.student(f"Child {number}", ssn="")
        await district.guardianship(maria.id, child.id)
        await told(Step.LOOK_UP_ACCOUNT, maria, student=child)
    assert await Account.all().count() > 5
    statements.take()
    students = (await portal.ask(DISCLOSURES))["me"]["students"]
    assert sorted(len(student["disclosures"]["edges"]) for student in students) == [0, 1, 1, 1, 1, 1]
    assert len(statements.take()) == 4


# ------------------------------------------------------------------------------------------------ merged records
async def test_what_was_told_about_records_that_were_merged_is_read_on_the_ones_that_go_on(
    portal: Portal, district: District, maria: Adult, nora: Pupil, told: Record
) -> None:
    """The record of disclosures is kept with the record of the student, who was on record twice, as her mother was."""
    school = await School.get()
    again = await district.student(school=school, born=nora.birth_date)
    twin = await district.guardian(again)
    earlier = await told(Step.RESET_ACCOUNT, twin, student=again, purpose="RESET", reason="Lost her telephone")
    its_own = await told(Step.PRINT_KEY_LETTER, again, student=again, minutes=1)
    latest = await told(Step.LOOK_UP_ACCOUNT, maria, purpose="LOOK_UP", minutes=2)
    assert [each["id"] for each in await read(portal)] == [latest]
    async with crowd(1, portal) as [desk]:
        await at_desk(desk, district, Role.REGISTRAR, school)
        merges = []
        for kind, keep, merge in (("Student", nora, again), ("Guardian", maria, twin)):
            named = {"keepId": global_id(kind, keep.id), "mergeId": global_id(kind, merge.id), "reason": "One person"}
            merges.append((await desk.do(documents.MERGE_PEOPLE, named))["merge"]["id"])
        found = await read(portal)
        assert [each["id"] for each in found] == [latest, its_own, earlier]
        assert "the student's own account" in found[1]["what"]
        assert "your account" in found[2]["what"]
        assert "Lost her telephone" in found[2]["why"]
        assert [each["id"] for each in await read(portal, first=2)] == [latest, its_own]
        for each in found:
            assert (await portal.ask(ONE, {"id": each["id"]}))["node"]["what"] == each["what"]
        for merge_id in reversed(merges):
            await desk.do(documents.UNDO_MERGE, {"mergeId": merge_id, "reason": "Two people"})
        assert [each["id"] for each in await read(portal)] == [latest]
        assert (await portal.ask(ONE, {"id": earlier}))["node"] is None

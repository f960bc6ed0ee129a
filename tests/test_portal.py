"""What a signed-in person sees, and what nobody else does: `me` and `node`."""

from datetime import date, timedelta
from itertools import product

import pytest

from db.context import Capacity, Role
from db.models import (
    Account,
    AttendanceEvent,
    Enrolment,
    Grade,
    Household,
    HouseholdMember,
    Person,
    School,
)
from schema.nodes import global_id
from tests import documents
from tests.clients import Portal
from tests.district import PASSWORD, Adult, District, Pupil


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


# ------------------------------------------------------------------------------------------------ oneself
async def test_nobody_is_nobody(portal: Portal, nora: Pupil) -> None:
    assert await portal.me() is None


async def test_a_guardian_sees_herself_and_her_children_the_eldest_first(
    portal: Portal, district: District, nora: Pupil, maria: Adult
) -> None:
    theo = await district.student("Theo", born=date(2010, 1, 2))
    await district.guardianship(maria.id, theo.id)
    await district.guardian(await district.student("Somebody", "Else"))
    me = await portal.me()
    assert me is not None
    assert me["name"]["display"] == "Maria Quimby"
    assert me["roles"] == ["GUARDIAN"]
    assert me["details"]["account"]["status"] == "ACTIVE"
    assert [student["name"]["display"] for student in me["students"]] == ["Theo Quimby", "Nora Quimby"]


async def test_a_student_sees_the_own_record_and_no_other(
    portal: Portal, district: District, school: School, nora: Pupil
) -> None:
    brother = await district.student("Theo", school=school)
    for student in (nora, brother):
        await district.records(student, school, grades=2, events=1)
    await district.opened(nora, "nora.q")
    await portal.login("nora.q", PASSWORD)
    me = await portal.me()
    assert me is not None
    assert me["roles"] == ["STUDENT"]
    [own] = me["students"]
    assert own["studentNumber"] == nora.number
    assert len(own["grades"]["edges"]) == 2
    assert await portal.node(global_id("Student", brother.id)) is None
    for grade in await Grade.all():
        assert (await portal.node(global_id("Grade", grade.id)) is not None) == (grade.student_id == nora.id)


async def test_a_student_without_a_birth_date_on_record_sees_the_own_record(portal: Portal, district: District) -> None:
    """Age decides about guardians alone."""
    await district.opened(await district.student(born=date(2000, 1, 1)), "grown")
    await portal.login("grown", PASSWORD)
    assert len(await portal.students()) == 1


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.GUARDIAN, Role.STUDENT}])
async def test_staff_see_no_students_in_the_portal(
    portal: Portal, district: District, school: School, nora: Pupil, role: Role
) -> None:
    await district.guardian(nora)
    await district.records(nora, school, grades=1, events=1)
    dana = await district.staff(role, school)
    await district.opened(dana, "dana")
    await portal.login("dana", PASSWORD)
    me = await portal.me()
    assert me is not None
    assert me["roles"] == [role.name]
    assert me["students"] == []
    for kind in ("Student", "Grade", "AttendanceEvent"):
        assert await portal.node(global_id(kind, nora.id)) is None
        assert await portal.node(global_id(kind, 1)) is None


async def test_a_teacher_who_is_a_mother_sees_her_child_through_the_mothers_account_alone(
    portal: Portal, district: District, nora: Pupil
) -> None:
    dana = await district.staff(Role.ADMINISTRATOR)
    await district.guardianship(dana.id, nora.id)
    as_mother = await Account.create(person_id=dana.id, capacity=Capacity.GUARDIAN)
    await district.opened(dana, "dana.staff")
    await district.opened(Adult(dana.id, dana.given, dana.family, None, as_mother.id), "dana.mother")
    await portal.login("dana.staff", PASSWORD)
    assert await portal.students() == []
    await portal.login("dana.mother", PASSWORD)
    assert await portal.students() == [global_id("Student", nora.id)]


async def test_living_together_shows_nobody_a_student(portal: Portal, district: District, nora: Pupil) -> None:
    stefan = await district.guardian(given="Stefan", family="Brandt")
    home = await Household.create(name="Brandt and Quimby")
    for person_id in (stefan.id, nora.id):
        await HouseholdMember.create(household_id=home.id, person_id=person_id)
    await district.opened(stefan, "stefan")
    await portal.login("stefan", PASSWORD)
    assert await portal.students() == []
    assert await portal.node(global_id("Student", nora.id)) is None


async def test_a_preferred_name_is_shown_beside_the_one_on_record(portal: Portal, maria: Adult, nora: Pupil) -> None:
    await Person.filter(id=nora.id).update(preferred="Nori", suffix="III", middle="Jane")
    [student] = (await portal.ask("{ me { students { name { given middle family suffix display } } } }"))["me"][
        "students"
    ]
    assert student["name"] == {
        "given": "Nora",
        "middle": "Jane",
        "family": "Quimby",
        "suffix": "III",
        "display": "Nori Quimby III",
    }


# ------------------------------------------------------------------------------------------------ schools
SCHOOLS = "{ me { students { gradeLevel school { id name phone } schools { name } } } }"


async def test_a_student_at_two_schools_shows_both_and_the_first_as_the_school(
    portal: Portal, district: District, maria: Adult, nora: Pupil
) -> None:
    second = await district.school("Vocational Centre", phone=None)
    await Enrolment.create(student_id=nora.id, school_id=second.id, grade_level="08")
    [student] = (await portal.ask(SCHOOLS))["me"]["students"]
    assert student["school"]["name"] == "Lakeside Middle School"
    assert student["gradeLevel"] == "07"
    assert [each["name"] for each in student["schools"]] == ["Lakeside Middle School", "Vocational Centre"]


@pytest.mark.parametrize(
    ("begins", "ends", "enrolled"),
    [
        (None, None, True),
        (0, 0, True),
        (-1, None, True),
        (None, 1, True),
        (1, None, False),
        (None, -1, False),
        (-9, -1, False),
    ],
)
async def test_an_enrolment_counts_from_its_first_day_to_its_last(  # noqa: PLR0917
    portal: Portal,
    district: District,
    school: School,
    begins: int | None,
    ends: int | None,
    enrolled: bool,  # noqa: FBT001
) -> None:
    theo = await district.student("Theo")
    today = district.ctx.today
    await Enrolment.create(
        student_id=theo.id,
        school_id=school.id,
        begins_on=None if begins is None else today + timedelta(days=begins),
        ends_on=None if ends is None else today + timedelta(days=ends),
    )
    await district.opened(theo, "theo")
    await portal.login("theo", PASSWORD)
    [student] = (await portal.ask(SCHOOLS))["me"]["students"]
    assert (student["school"] is not None) == enrolled
    assert len(student["schools"]) == enrolled


# ------------------------------------------------------------------------------------------------ by id
async def test_what_one_may_see_is_found_by_its_id(
    portal: Portal, district: District, school: School, maria: Adult, nora: Pupil
) -> None:
    await district.records(nora, school, grades=1, events=1)
    me = await portal.me()
    assert me is not None
    [student] = me["students"]
    found = {
        student["id"]: "Student",
        student["grades"]["edges"][0]["node"]["id"]: "Grade",
        student["attendance"]["edges"][0]["node"]["id"]: "AttendanceEvent",
        student["school"]["id"]: "School",
        me["details"]["account"]["id"]: "Account",
        me["sessions"][0]["id"]: "SessionInfo",
    }
    assert len(found) == 6
    for node_id, kind in found.items():
        node = await portal.node(node_id)
        assert node is not None
        assert (node["__typename"], node["id"]) == (kind, node_id)


async def test_what_is_somebody_elses_is_as_unknown_as_what_never_was(
    portal: Portal, district: District, school: School, maria: Adult
) -> None:
    theirs = await district.student("Theo", "Okafor", school=school)
    other = await district.guardian(theirs, given="Ada", family="Okafor")
    await district.records(theirs, school, grades=1, events=1)
    await district.opened(other, "ada")
    stranger = Portal(portal.app)
    await stranger.login("ada", PASSWORD)
    her_session = (await stranger.ask("{ me { sessions { id } } }"))["me"]["sessions"][0]["id"]
    await stranger.http.aclose()
    hidden = [
        global_id("Student", theirs.id),
        global_id("Grade", (await Grade.get()).id),
        global_id("AttendanceEvent", (await AttendanceEvent.get()).id),
        global_id("Account", other.account_id),
        global_id("Account", theirs.account_id),
        her_session,
    ]
    unknown = [global_id(kind, 987_654) for kind in ("Student", "Grade", "AttendanceEvent", "Account", "SessionInfo")]
    answers = {node_id: (await portal.post(documents.NODE, {"id": node_id})).content for node_id in hidden + unknown}
    assert set(answers.values()) == {b'{"data":{"node":null}}'}, answers


async def test_without_signing_in_nothing_is_found(
    portal: Portal, district: District, school: School, nora: Pupil
) -> None:
    maria = await district.guardian(nora)
    await district.records(nora, school, grades=1, events=1)
    for kind, number in product(
        ("Student", "Grade", "AttendanceEvent", "Account", "SessionInfo", "School"), (1, nora.id, maria.account_id)
    ):
        assert await portal.node(global_id(kind, number)) is None


@pytest.mark.parametrize(
    "node_id",
    [
        "",
        "nonsense",
        "=",
        "A",
        "\u2603",
        "A" * 5000,
        "0",
        "1",
        global_id("Student", 0),
        global_id("Student", 2**63),
        global_id("Student", 10**40),
        global_id("Person", 1),
        global_id("student", 1),
        global_id("", 1),
        global_id("Student:1", 1),
        "U3R1ZGVudDotMQ",  # Student:-1
        "U3R1ZGVudDo",  # Student:
        "U3R1ZGVudDoxLjU",  # Student:1.5
        "U3R1ZGVudDog2aE",  # Student: and a digit of another script
    ],
)
async def test_an_id_that_is_none_finds_nothing(portal: Portal, maria: Adult, node_id: str) -> None:
    response = await portal.post(documents.NODE, {"id": node_id})
    assert response.json() == {"data": {"node": None}}


# ------------------------------------------------------------------------------------------------ over HTTP
async def test_a_query_may_come_by_get(portal: Portal, maria: Adult, nora: Pupil) -> None:
    bearer = {"Authorization": f"Bearer {portal.token}"}
    response = await portal.http.get("/graphql", params={"query": documents.STUDENTS}, headers=bearer)
    assert response.status_code == 200
    [student] = response.json()["data"]["me"]["students"]
    assert student["id"] == global_id("Student", nora.id)
    assert response.headers["cache-control"] == "no-store"


async def test_a_mutation_by_get_is_refused_and_does_nothing(portal: Portal, maria: Adult) -> None:
    bearer = {"Authorization": f"Bearer {portal.token}"}
    response = await portal.http.get("/graphql", params={"query": "mutation { logout { __typename } }"}, headers=bearer)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert "data" not in response.json()
    assert await portal.me() is not None

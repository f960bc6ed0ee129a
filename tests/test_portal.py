"""What a signed-in person sees, and what nobody else does: `me`, `node`, the pages of grades and attendance."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.context import Capacity, Role
from db.models import (
    Account,
    AttendanceEvent,
    Enrolment,
    Grade,
    Guardianship,
    GuardianshipStatus,
    Household,
    HouseholdMember,
    Person,
    Restriction,
    School,
)
from schema.nodes import global_id
from schema.pages import cursor
from tests import documents
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.district import PASSWORD, Adult, District, Pupil

STUDENTS = "{ me { students { id name { display } } } }"
GRADES = """
query Grades($id: ID!, $first: Int! = 50, $after: String) {
  node(id: $id) {
    ... on Student {
      grades(first: $first, after: $after) {
        edges { cursor node { id title scoredOn } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
  }
}
"""
ATTENDANCE = """
query Attendance($id: ID!, $from: Date, $to: Date, $first: Int! = 50, $after: String) {
  node(id: $id) {
    ... on Student {
      attendance(from: $from, to: $to, first: $first, after: $after) {
        edges { cursor node { id date category reason school { name phone } } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
  }
}
"""


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


async def _seen(portal: Portal) -> list[str]:
    """The ids of the students in `me`."""
    return [student["id"] for student in (await portal.ask(STUDENTS))["me"]["students"]]


async def _node(portal: Portal, node_id: str) -> Answer | None:
    node: Answer | None = (await portal.ask(documents.NODE, {"id": node_id}))["node"]
    return node


async def _page(portal: Portal, document: str, student: Pupil, **arguments: Any) -> Answer:
    node = (await portal.ask(document, {"id": global_id("Student", student.id)} | arguments))["node"]
    (page,) = node.values()
    answer: Answer = page
    return answer


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
    assert await _node(portal, global_id("Student", brother.id)) is None
    for grade in await Grade.all():
        assert (await _node(portal, global_id("Grade", grade.id)) is not None) == (grade.student_id == nora.id)


async def test_a_student_without_a_birth_date_on_record_sees_the_own_record(portal: Portal, district: District) -> None:
    """Age decides about guardians alone."""
    await district.opened(await district.student(born=date(2000, 1, 1)), "grown")
    await portal.login("grown", PASSWORD)
    assert len(await _seen(portal)) == 1


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
        assert await _node(portal, global_id(kind, nora.id)) is None
        assert await _node(portal, global_id(kind, 1)) is None


async def test_a_teacher_who_is_a_mother_sees_her_child_through_the_mothers_account_alone(
    portal: Portal, district: District, nora: Pupil
) -> None:
    dana = await district.staff(Role.ADMINISTRATOR)
    await district.guardianship(dana.id, nora.id)
    as_mother = await Account.create(person_id=dana.id, capacity=Capacity.GUARDIAN)
    await district.opened(dana, "dana.staff")
    await district.opened(Adult(dana.id, dana.given, dana.family, None, as_mother.id), "dana.mother")
    await portal.login("dana.staff", PASSWORD)
    assert await _seen(portal) == []
    await portal.login("dana.mother", PASSWORD)
    assert await _seen(portal) == [global_id("Student", nora.id)]


async def test_living_together_shows_nobody_a_student(portal: Portal, district: District, nora: Pupil) -> None:
    stefan = await district.guardian(given="Stefan", family="Brandt")
    home = await Household.create(name="Brandt and Quimby")
    for person_id in (stefan.id, nora.id):
        await HouseholdMember.create(household_id=home.id, person_id=person_id)
    await district.opened(stefan, "stefan")
    await portal.login("stefan", PASSWORD)
    assert await _seen(portal) == []
    assert await _node(portal, global_id("Student", nora.id)) is None


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
async def test_an_enrolment_counts_from_its_first_day_to_its_last(
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
        node = await _node(portal, node_id)
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
        assert await _node(portal, global_id(kind, number)) is None


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


# ------------------------------------------------------------------------------------------------ pages of grades
async def _grades_on(student: Pupil, *days: date | None) -> list[int]:
    """Grades scored on these days; returns their ids in the order in which they are to be shown."""
    made = [
        await Grade.create(student_id=student.id, course="Art", title=f"Piece {number}", scored_on=day)
        for number, day in enumerate(days)
    ]
    ordered = sorted(made, key=lambda grade: (grade.scored_on or date.min, grade.id), reverse=True)
    return [grade.id for grade in ordered]


async def _walk(portal: Portal, document: str, student: Pupil, first: int, **arguments: Any) -> list[Answer]:
    """All edges, page by page, and what must hold of each page on the way."""
    edges: list[Answer] = []
    after: str | None = None
    while True:
        page = await _page(portal, document, student, first=first, after=after, **arguments)
        info = page["pageInfo"]
        assert info["hasPreviousPage"] == (after is not None)
        assert len(page["edges"]) <= first
        assert info["startCursor"] == (page["edges"][0]["cursor"] if page["edges"] else None)
        assert info["endCursor"] == (page["edges"][-1]["cursor"] if page["edges"] else None)
        edges += page["edges"]
        if not info["hasNextPage"]:
            return edges
        assert len(page["edges"]) == first
        after = info["endCursor"]


@pytest.mark.parametrize("first", [1, 2, 3, 5, 11, 12, 100])
async def test_pages_of_grades_lose_and_repeat_nothing(
    portal: Portal, maria: Adult, nora: Pupil, district: District, first: int
) -> None:
    """Among them several of one day, and several of no day, which come last."""
    monday, friday = date(2026, 10, 5), date(2026, 10, 2)
    expected = await _grades_on(
        nora, None, friday, monday, friday, None, date(2025, 1, 31), monday, monday, None, friday, date(2026, 12, 24)
    )
    await _grades_on(await district.student("Theo"), monday, None)
    edges = await _walk(portal, GRADES, nora, first)
    assert [edge["node"]["id"] for edge in edges] == [global_id("Grade", grade_id) for grade_id in expected]
    days = [edge["node"]["scoredOn"] for edge in edges]
    assert days[-3:] == [None, None, None]
    assert days[:-3] == sorted(days[:-3], reverse=True)


async def test_a_grade_entered_between_two_pages_moves_nothing(portal: Portal, maria: Adult, nora: Pupil) -> None:
    expected = await _grades_on(nora, *(date(2026, 9, day) for day in range(1, 7)))
    first = await _page(portal, GRADES, nora, first=3)
    await Grade.create(student_id=nora.id, course="Art", title="New", scored_on=date(2026, 10, 1))
    await Grade.filter(id=expected[1]).delete()
    second = await _page(portal, GRADES, nora, first=3, after=first["pageInfo"]["endCursor"])
    assert [edge["node"]["id"] for edge in second["edges"]] == [global_id("Grade", each) for each in expected[3:]]
    assert not second["pageInfo"]["hasNextPage"]


async def test_a_page_for_each_child_and_several_pages_of_one_in_a_request(
    portal: Portal, district: District, maria: Adult, nora: Pupil
) -> None:
    theo = await district.student("Theo", born=date(2010, 1, 2))
    await district.guardianship(maria.id, theo.id)
    of_nora = await _grades_on(nora, *(date(2026, 9, day) for day in range(1, 5)))
    of_theo = await _grades_on(theo, date(2026, 9, 1))
    answer = await portal.ask(
        "{ me { students { few: grades(first: 1) { edges { node { id } } } many: grades { edges { node { id } } } } } }"
    )
    shown = [
        [[edge["node"]["id"] for edge in student[alias]["edges"]] for alias in ("few", "many")]
        for student in answer["me"]["students"]
    ]
    ids = [[global_id("Grade", each) for each in graded] for graded in (of_theo, of_nora)]
    assert shown == [[ids[0][:1], ids[0]], [ids[1][:1], ids[1]]]


async def test_a_page_of_nothing_is_empty(portal: Portal, maria: Adult, nora: Pupil) -> None:
    for document in (GRADES, ATTENDANCE):
        page = await _page(portal, document, nora)
        assert page == {
            "edges": [],
            "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
        }


@pytest.mark.parametrize("document", [GRADES, ATTENDANCE], ids=["grades", "attendance"])
@pytest.mark.parametrize("first", [-1, 0, 101, 2**31 - 1, 2**31, 10**30, None, "5", 1.5])
async def test_a_page_has_one_to_a_hundred(
    portal: Portal, maria: Adult, nora: Pupil, document: str, first: Any
) -> None:
    response = await portal.post(document, {"id": global_id("Student", nora.id), "first": first})
    assert response.status_code == 200
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert str(first) not in error["message"] or first in {0, 1, 100}


@pytest.mark.parametrize("document", [GRADES, ATTENDANCE], ids=["grades", "attendance"])
@pytest.mark.parametrize(
    "after",
    ["", "nonsense", "\u2603", "A" * 9000, "fDA", "fC0x", "fDk5OTk5OTk5OTk5OTk5OTk5OTk5", "MjAyNi0xMy00MHw1", "fHx8"],
)
async def test_a_cursor_that_is_none_is_an_error_and_not_the_first_page(
    portal: Portal, maria: Adult, nora: Pupil, document: str, after: str
) -> None:
    response = await portal.post(document, {"id": global_id("Student", nora.id), "after": after})
    assert response.status_code == 200
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == "`after` is not a cursor of this connection."


async def test_attendance_takes_no_cursor_of_a_grade_without_a_day(portal: Portal, maria: Adult, nora: Pupil) -> None:
    variables = {"id": global_id("Student", nora.id), "after": cursor(None, 1)}
    [error] = (await portal.post(ATTENDANCE, variables)).json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


# ------------------------------------------------------------------------------------------------ attendance
@pytest.fixture
async def events(nora: Pupil, school: School) -> list[str]:
    """Ids of Nora's attendance events, newest first: two on the first of each month from September to December."""
    made = [
        await AttendanceEvent.create(
            student_id=nora.id,
            school_id=school.id,
            happened_on=date(2026, month, 1),
            category=category,
            reason="bus" if category == "Tardy" else None,
        )
        for month in (9, 10, 11, 12)
        for category in ("Tardy", "Excused Absence")
    ]
    return [global_id("AttendanceEvent", event.id) for event in reversed(made)]


async def test_attendance_is_shown_newest_first_with_its_school(
    portal: Portal, maria: Adult, nora: Pupil, school: School, events: list[str]
) -> None:
    page = await _page(portal, ATTENDANCE, nora)
    assert [edge["node"]["id"] for edge in page["edges"]] == events
    newest = page["edges"][0]["node"]
    assert newest["date"] == "2026-12-01"
    assert (newest["category"], newest["reason"]) == ("Excused Absence", None)
    assert newest["school"] == {"name": school.name, "phone": school.phone}


@pytest.mark.parametrize(
    ("since", "until", "shown"),
    [
        (None, None, slice(0, 8)),
        ("2026-10-01", None, slice(0, 6)),
        ("2026-10-02", None, slice(0, 4)),
        (None, "2026-10-01", slice(4, 8)),
        (None, "2026-09-30", slice(6, 8)),
        ("2026-10-01", "2026-11-01", slice(2, 6)),
        ("2026-11-01", "2026-11-01", slice(2, 4)),
        ("2026-11-02", "2026-11-01", slice(0, 0)),
        ("2027-01-01", None, slice(0, 0)),
        ("0001-01-01", "9999-12-31", slice(0, 8)),
    ],
)
async def test_both_days_of_a_range_belong_to_it(
    portal: Portal,
    maria: Adult,
    nora: Pupil,
    events: list[str],
    since: str | None,
    until: str | None,
    shown: slice,
) -> None:
    for first in (1, 3, 100):
        edges = await _walk(portal, ATTENDANCE, nora, first, **{"from": since, "to": until})
        assert [edge["node"]["id"] for edge in edges] == events[shown]


@pytest.mark.parametrize("day", ["2026-13-01", "yesterday", "", "2026-02-29", 20261001, "10000-01-01"])
async def test_a_day_that_is_none_is_an_error(portal: Portal, maria: Adult, nora: Pupil, day: Any) -> None:
    response = await portal.post(ATTENDANCE, {"id": global_id("Student", nora.id), "from": day})
    assert response.status_code == 200
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


# ------------------------------------------------------------------------------------------------ over HTTP
async def test_a_query_may_come_by_get(portal: Portal, maria: Adult, nora: Pupil) -> None:
    bearer = {"Authorization": f"Bearer {portal.token}"}
    response = await portal.http.get("/graphql", params={"query": STUDENTS}, headers=bearer)
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


# ------------------------------------------------------------------------------------------------ the one predicate
@dataclass(frozen=True)
class Ward:
    """What is on record of one student and of what ties the guardian to the student; days count from today."""

    status: GuardianshipStatus | None
    portal_access: bool
    adult_access: bool
    #: Days until the eighteenth birthday; None for no birth date on record.
    grows_up_in: int | None
    #: First day, last day, lifted.
    restrictions: list[tuple[int, int | None, bool]]


def visible(ward: Ward) -> bool:
    """The rule, said in plain words and not in the code's: confirmed, marked, unrestricted today, and still a child
    unless the grown student or the registrar left the guardian in."""
    if ward.status is not GuardianshipStatus.CONFIRMED or not ward.portal_access:
        return False
    for first, last, lifted in ward.restrictions:
        if not lifted and first <= 0 and (last is None or last >= 0):
            return False
    still_a_child = ward.grows_up_in is not None and ward.grows_up_in > 0
    return still_a_child or ward.adult_access


def _eighteen_years_before(day: date) -> date:
    """The birth date of whoever grows up on that day; on the first of March that may be a leap day or not."""
    try:
        return day.replace(year=day.year - 18)
    except ValueError:
        return date(day.year - 18, 3, 1)


restriction = st.integers(-3, 3).flatmap(
    lambda first: st.tuples(st.just(first), st.none() | st.integers(first, 4), st.booleans())
)
ward = st.builds(
    Ward,
    status=st.none() | st.just(GuardianshipStatus.CONFIRMED) | st.sampled_from(GuardianshipStatus),
    portal_access=st.sampled_from([True, True, False]),
    adult_access=st.booleans(),
    grows_up_in=st.none() | st.integers(-2, 3) | st.integers(400, 6000),
    restrictions=st.lists(restriction, max_size=2),
)
#: Times at which the day in Chicago and the day in Greenwich differ, leap days, ends of years.
moments = st.builds(
    datetime.combine,
    st.sampled_from([date(2026, 10, 5), date(2028, 2, 29), date(2028, 2, 28), date(2027, 3, 1), date(2026, 12, 31)]),
    st.sampled_from([time(0, 0), time(5, 0), time(12, 0), time(18, 0), time(23, 59, 59)]),
    st.just(ZoneInfo("America/Chicago")),
)
generated = given(wards=st.lists(ward, min_size=1, max_size=6), moment=moments)
_ANYWAY = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)


async def _on_record(district: District, guardian: Adult, ward: Ward, today: date) -> tuple[Pupil, int]:
    """Puts one student and what ties the guardian to it on record; returns the student and the id of a grade."""
    born = None if ward.grows_up_in is None else _eighteen_years_before(today + timedelta(days=ward.grows_up_in))
    person = await district.student(born=born, ssn="")  # type: ignore[arg-type]  # no birth date on record
    grade = await Grade.create(student_id=person.id, course="Art", title="Piece")
    if ward.status is not None:
        tie: Guardianship = await district.guardianship(
            guardian.id,
            person.id,
            status=ward.status,
            portal_access=ward.portal_access,
            adult_access=ward.adult_access,
        )
        for first, last, lifted in ward.restrictions:
            await Restriction.create(
                guardianship_id=tie.id,
                kind="no contact",
                begins_on=today + timedelta(days=first),
                ends_on=None if last is None else today + timedelta(days=last),
                lifted_at=datetime.combine(today, time(), UTC) if lifted else None,
            )
    return person, grade.id


async def _list_is_node_is_rule(
    portal: Portal, district: District, clock: Clock, wards: list[Ward], moment: datetime
) -> None:
    clock.now = moment.astimezone(UTC)
    guardian = await district.guardian()
    username = f"guardian.{guardian.id}"
    await district.opened(guardian, username)
    told = {}
    for facts in wards:
        student, grade_id = await _on_record(district, guardian, facts, moment.date())
        told[global_id("Student", student.id)] = (visible(facts), global_id("Grade", grade_id))
    assert (await portal.login(username, PASSWORD))["__typename"] == "LoggedIn"
    listed = await _seen(portal)
    assert len(listed) == len(set(listed))
    assert set(listed) == {student_id for student_id, (seen, _) in told.items() if seen}
    for student_id, (seen, grade_id) in told.items():
        assert (await _node(portal, student_id) is not None) == seen
        assert (await _node(portal, grade_id) is not None) == seen


@settings(max_examples=30, deadline=None, suppress_health_check=_ANYWAY)
@generated
async def test_the_list_is_what_the_rule_says_and_so_is_each_single_read(
    portal: Portal, district: District, clock: Clock, wards: list[Ward], moment: datetime
) -> None:
    await _list_is_node_is_rule(portal, district, clock, wards, moment)


@pytest.mark.full
@settings(max_examples=600, deadline=None, suppress_health_check=_ANYWAY)
@generated
async def test_the_list_is_what_the_rule_says_whatever_is_on_record(
    portal: Portal, district: District, clock: Clock, wards: list[Ward], moment: datetime
) -> None:
    await _list_is_node_is_rule(portal, district, clock, wards, moment)

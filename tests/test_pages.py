"""Pages of grades and attendance: nothing lost, nothing twice, and no page without bounds."""

from datetime import date
from typing import Any

import pytest

from db.models import AttendanceEvent, Grade, School
from schema.nodes import global_id
from schema.pages import cursor
from tests.clients import Answer, Portal
from tests.district import PASSWORD, Adult, District, Pupil

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


async def _page(portal: Portal, document: str, student: Pupil, **arguments: Any) -> Answer:
    node = (await portal.ask(document, {"id": global_id("Student", student.id)} | arguments))["node"]
    (page,) = node.values()
    answer: Answer = page
    return answer


# ------------------------------------------------------------------------------------------------ grades
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
async def test_both_days_of_a_range_belong_to_it(  # noqa: PLR0917
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

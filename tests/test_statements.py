"""What a page costs in the database: a number of statements that is known, and the same for one student or forty."""

from datetime import timedelta

import pytest

from db.models import AttendanceEvent, Enrolment, Grade, School
from tests import documents
from tests.clients import Portal
from tests.conftest import Clock, Statements
from tests.district import PASSWORD, District

#: What the front page of a family shows.
FAMILY = """
{
  me {
    students {
      id
      school { name }
      grades { edges { node { title score } } }
      attendance { edges { node { date category school { name } } } }
    }
  }
}
"""


async def _family(portal: Portal, district: District, school: School, children: int) -> None:
    """A guardian of so many students, each with records, who is signed in."""
    guardian = await district.guardian()
    for number in range(children):
        student = await district.student(f"Child {number}", ssn="", school=school)
        await district.guardianship(guardian.id, student.id)
        today = district.ctx.today
        days = [today - timedelta(days=back) for back in range(3)]
        await Grade.bulk_create(
            [Grade(student_id=student.id, course="Art", title=f"Piece {day}", scored_on=day) for day in days]
        )
        await AttendanceEvent.bulk_create(
            [
                AttendanceEvent(student_id=student.id, school_id=school.id, happened_on=day, category="Tardy")
                for day in days
            ]
        )
    await district.opened(guardian, f"guardian.of.{children}")
    await portal.login(f"guardian.of.{children}", PASSWORD)


async def test_a_familys_page_costs_five_statements_whatever_the_number_of_children(
    portal: Portal, district: District, statements: Statements
) -> None:
    """The session, its holder, the students with their schools, all their grades, all their attendance."""
    school = await district.school()
    costs: dict[int, list[str]] = {}
    for children in (1, 5, 40):
        await _family(portal, district, school, children)
        statements.take()
        me = (await portal.ask(FAMILY))["me"]
        costs[children] = sorted(statements.take())
        assert len(me["students"]) == children
        assert {len(student["grades"]["edges"]) for student in me["students"]} == {3}
        assert {len(student["attendance"]["edges"]) for student in me["students"]} == {3}
        assert {student["school"]["name"] for student in me["students"]} == {school.name}
    assert costs[1] == costs[5] == costs[40]
    assert len(costs[1]) == 5


async def test_a_family_without_children_costs_no_more(
    portal: Portal, district: District, statements: Statements
) -> None:
    await _family(portal, district, await district.school(), 0)
    statements.take()
    assert (await portal.ask(FAMILY))["me"] == {"students": []}
    assert len(statements.take()) == 3


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ me { roles } }", 2),
        ("{ me { name { display } roles details { username email account { id status } } } }", 2),
        ("{ me { students { id } } }", 3),
        ("{ me { students { id name { display } studentNumber gradeLevel school { name } schools { name } } } }", 3),
        ("{ me { sessions { id current } } }", 3),
        ("{ me { students { grades { edges { node { id } } } } } }", 4),
        ("{ me { students { attendance { edges { node { id school { name } } } } } } }", 4),
        # Two different pages are two statements; two equal ones are one.
        (
            "{ me { students { a: grades(first: 1) { edges { cursor } } b: grades(first: 2) { edges { cursor } } } } }",
            5,
        ),
        (
            "{ me { students { a: grades(first: 1) { edges { cursor } } b: grades(first: 1) { edges { cursor } } } } }",
            4,
        ),
        (documents.ME, 6),
    ],
)
async def test_each_part_of_the_page_costs_one_statement(
    portal: Portal, district: District, statements: Statements, query: str, cost: int
) -> None:
    """The first is for the session on every signed-in request, the second for its holder."""
    await _family(portal, district, await district.school(), 3)
    statements.take()
    await portal.ask(query)
    assert len(statements.take()) == cost


async def test_whoever_is_not_signed_in_costs_nothing(portal: Portal, statements: Statements) -> None:
    assert await portal.me() is None
    assert await portal.me(token="pas_" + "A" * 5000) is None
    assert await portal.me(token="made-up") is None
    assert statements.take() == []


async def test_a_document_that_is_not_in_order_costs_nothing(
    portal: Portal, district: District, statements: Statements
) -> None:
    await _family(portal, district, await district.school(), 1)
    statements.take()
    for document in ("{ me { nothing } }", "{ me {", "mutation { logout }"):
        assert (await portal.post(document)).json()["errors"]
    assert statements.take() == []


async def test_a_session_is_written_down_once_a_minute(
    portal: Portal, district: District, statements: Statements, clock: Clock
) -> None:
    await _family(portal, district, await district.school(), 1)
    clock.advance(minutes=5)
    statements.take()
    for _ in range(3):
        await portal.ask("{ me { roles } }")
    seen = statements.take()
    assert len([text for text in seen if text.startswith("UPDATE session")]) == 1
    assert len(seen) == 3 * 2 + 1


async def test_a_single_read_costs_what_it_looks_at(portal: Portal, district: District, statements: Statements) -> None:
    """A student by id: the session and the one student. A grade: the grade, and then the one student's facts."""
    school = await district.school()
    await _family(portal, district, school, 5)
    [student, *_] = (await portal.ask("{ me { students { id grades { edges { node { id } } } } } }"))["me"]["students"]
    statements.take()
    await portal.ask("query One($id: ID!) { node(id: $id) { id } }", {"id": student["id"]})
    assert len(statements.take()) == 2
    await portal.ask(
        "query One($id: ID!) { node(id: $id) { id } }", {"id": student["grades"]["edges"][0]["node"]["id"]}
    )
    assert len(statements.take()) == 3


async def test_two_schools_of_one_student_cost_no_more(
    portal: Portal, district: District, statements: Statements
) -> None:
    school = await district.school()
    await _family(portal, district, school, 2)
    for enrolment in await Enrolment.all():
        other = await district.school("Another School")
        await Enrolment.create(student_id=enrolment.student_id, school_id=other.id)
    statements.take()
    students = (await portal.ask("{ me { students { schools { name } } } }"))["me"]["students"]
    assert {len(student["schools"]) for student in students} == {2}
    assert len(statements.take()) == 3

"""How accounts stand, told to staff of their schools: pages, single accounts, and counts that agree with them."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from db.context import Role
from db.models import Account, AccountStatus, DisabledReason, Enrolment, GuardianshipStatus, LoginStreak, School
from schema.nodes import global_id
from tests.clients import Answer, Portal
from tests.conftest import Statements
from tests.desk import at_desk
from tests.district import PASSWORD, Adult, District, Pupil

ACCOUNTS = """
query Accounts($filter: AccountFilter, $first: Int! = 25, $after: String) {
  accounts(filter: $filter, first: $first, after: $after) {
    totalCount
    edges { cursor node { id capacity status disabledReason holder { display } schools { name } } }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}
"""
COUNTS = """
query Counts($filter: AccountFilter, $by: AccountGrouping! = STATUS) {
  accountCounts(filter: $filter, by: $by) { key count }
}
"""
ACCOUNT = "query One($id: ID!) { account(id: $id) { id status } node(id: $id) { id } }"


@pytest.fixture
async def school(district: District) -> School:
    return await district.school()


@pytest.fixture
async def hillside(district: District) -> School:
    return await district.school("Hillside")


@pytest.fixture
async def nora(district: District, school: School) -> Pupil:
    return await district.student(school=school)


@pytest.fixture
async def theo(district: District, hillside: School) -> Pupil:
    return await district.student("Theo", school=hillside)


@pytest.fixture
async def maria(district: District, nora: Pupil, theo: Pupil) -> Adult:
    """The mother of both, at two schools."""
    return await district.guardian(nora, theo)


async def accounts(portal: Portal, **filter_: Any) -> list[str]:
    """The ids on one large page, which are as many as are counted."""
    page = (await portal.ask(ACCOUNTS, {"filter": filter_, "first": 100}))["accounts"]
    assert page["totalCount"] == len(page["edges"])
    return [edge["node"]["id"] for edge in page["edges"]]


async def counts(portal: Portal, by: str, **filter_: Any) -> dict[str, int]:
    counted = (await portal.ask(COUNTS, {"by": by, "filter": filter_}))["accountCounts"]
    return {each["key"]: each["count"] for each in counted}


def ids(*holders: Pupil | Adult) -> list[str]:
    return [global_id("Account", each) for each in sorted(holder.account_id for holder in holders)]


# ------------------------------------------------------------------------------------------------ who sees which
@pytest.mark.usefixtures("theo")
async def test_a_reporter_sees_the_accounts_of_the_own_school_and_the_own_one(
    portal: Portal, district: District, school: School, nora: Pupil, maria: Adult
) -> None:
    reporter = await at_desk(portal, district, Role.REPORTER, school)
    assert await accounts(portal) == ids(nora, maria, reporter)
    for holder in (nora, maria, reporter):
        [id_] = ids(holder)
        answer = await portal.ask(ACCOUNT, {"id": id_})
        assert answer["account"]["id"] == answer["node"]["id"] == id_


async def test_a_hidden_account_looks_like_one_that_is_absent(
    portal: Portal, district: District, school: School, theo: Pupil
) -> None:
    await at_desk(portal, district, Role.REPORTER, school)
    answers = {
        (await portal.post(ACCOUNT, {"id": id_})).content
        for id_ in (*ids(theo), global_id("Account", 987_654), global_id("School", 987_654), "nonsense", "")
    }
    assert answers == {b'{"data":{"account":null,"node":null}}'}


async def test_guardians_and_students_see_their_own_and_nobody_nothing(
    portal: Portal, district: District, nora: Pupil, theo: Pupil, maria: Adult
) -> None:
    assert await accounts(portal) == []
    assert await counts(portal, "STATUS") == {}
    await district.opened(maria, "maria.q")
    await portal.login("maria.q", PASSWORD)
    assert await accounts(portal) == ids(maria)
    schools = await School.all()
    assert await counts(portal, "SCHOOL") == {global_id("School", school.id): 1 for school in schools}
    [id_] = ids(nora)
    assert await portal.ask(ACCOUNT, {"id": id_}) == {"account": None, "node": None}


async def test_an_account_at_two_schools_shows_the_one_that_is_ones_own(
    portal: Portal, district: District, school: School, hillside: School, maria: Adult
) -> None:
    await at_desk(portal, district, Role.REPORTER, school)
    [of_maria] = [
        edge["node"]
        for edge in (await portal.ask(ACCOUNTS))["accounts"]["edges"]
        if edge["node"]["capacity"] == "GUARDIAN"
    ]
    assert of_maria["schools"] == [{"name": school.name}]
    assert global_id("School", hillside.id) not in await counts(portal, "SCHOOL")
    assert await accounts(portal, schoolId=global_id("School", hillside.id)) == []
    assert await counts(portal, "STATUS", schoolId=global_id("School", hillside.id)) == {}


async def test_a_role_in_the_district_sees_those_too_who_are_at_no_school(
    portal: Portal, district: District, nora: Pupil, theo: Pupil, maria: Adult
) -> None:
    reporter = await at_desk(portal, district, Role.REPORTER)
    other = await district.staff(Role.REGISTRAR)
    await Enrolment.all().delete()
    assert await accounts(portal) == ids(nora, theo, maria, reporter)
    assert ids(other)[0] not in await accounts(portal)
    assert await counts(portal, "SCHOOL") == {"": 4}


async def test_a_guardianship_that_was_revoked_ties_nobody_to_a_school(
    portal: Portal, district: District, school: School, nora: Pupil
) -> None:
    """Whoever is no guardian of anybody at a school is no concern of its desk; the district still sees the account."""
    claimed = await district.guardian(nora, status=GuardianshipStatus.CLAIMED)
    revoked = await district.guardian(nora, status=GuardianshipStatus.REVOKED)
    designee = await at_desk(portal, district, Role.DESIGNEE, school)
    assert await accounts(portal) == ids(nora, claimed, designee)
    assert await portal.ask(ACCOUNT, {"id": ids(revoked)[0]}) == {"account": None, "node": None}
    reporter = await at_desk(portal, district, Role.REPORTER)
    assert await accounts(portal) == ids(nora, claimed, revoked, reporter)


# ------------------------------------------------------------------------------------------------ filters and counts
@pytest.fixture
async def town(portal: Portal, district: District, school: School, hillside: School) -> dict[str, Pupil]:
    """Students in all states, seen by a reporter of the district."""
    now = district.ctx.now
    made = {name: await district.student(name, school=school) for name in ("Waiting", "Locked", "Shut", "Long", "Late")}
    made["Far"] = await district.student("Far", school=hillside)
    for name in ("Locked", "Shut", "Long", "Late"):
        await district.opened(made[name], name.lower())
    for name, wait in (("Locked", timedelta(minutes=1)), ("Late", timedelta()), ("Shut", timedelta(days=1))):
        id_ = made[name].account_id
        counted: dict[str, Any] = {"failures": 5, "in_a_row": 5, "began_at": now, "forget_at": now}
        await LoginStreak.create(
            id=f"account:{id_}", account_id=id_, secret_version=1, wait_until=now + wait, **counted
        )
    await Account.filter(id=made["Late"].account_id).update(last_login_at=now - timedelta(days=1))
    await Account.filter(id=made["Long"].account_id).update(last_login_at=now - timedelta(days=90))
    await Account.filter(id=made["Shut"].account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    await Enrolment.filter(student_id=made["Late"].id).update(grade_level="08")
    await at_desk(portal, district, Role.REPORTER)
    return made


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        ({"status": ["LOCKED"]}, ["Locked"]),
        ({"status": ["ACTIVE"]}, ["Long", "Late"]),
        ({"status": ["DISABLED", "NOT_ACTIVATED"]}, ["Waiting", "Shut", "Far"]),
        ({"status": []}, []),
        ({"gradeLevel": "08"}, ["Late"]),
        ({"gradeLevel": "8"}, []),
        ({"lastLoginBefore": "2026-09-01T00:00:00Z"}, ["Long"]),
        ({"lastLoginBefore": "2027-09-01T00:00:00"}, ["Long", "Late"]),
        ({"lastLoginBefore": "0001-01-01T00:00:00Z"}, []),
        ({"neverLoggedIn": True}, ["Waiting", "Locked", "Shut", "Far"]),
        ({"neverLoggedIn": False}, ["Long", "Late"]),
        ({"capacity": "GUARDIAN"}, []),
        ({"schoolId": "nonsense"}, []),
        ({"schoolId": global_id("Account", 1)}, []),
    ],
)
async def test_a_filter_finds_what_it_says(
    portal: Portal, town: dict[str, Pupil], filter_: Answer, names: list[str]
) -> None:
    filter_ = filter_ if "capacity" in filter_ else filter_ | {"capacity": "STUDENT"}
    assert await accounts(portal, **filter_) == ids(*(town[name] for name in names))
    assert sum((await counts(portal, "STATUS", **filter_)).values()) == len(names)


@pytest.mark.usefixtures("town")
async def test_counts_are_by_status_capacity_school_and_grade(portal: Portal, school: School, hillside: School) -> None:
    students = {"capacity": "STUDENT"}
    assert await counts(portal, "STATUS", **students) == {"NOT_ACTIVATED": 2, "LOCKED": 1, "DISABLED": 1, "ACTIVE": 2}
    assert await counts(portal, "CAPACITY") == {"STUDENT": 6, "STAFF": 1}
    at = {global_id("School", school.id): 5, global_id("School", hillside.id): 1}
    assert await counts(portal, "SCHOOL", **students) == at
    assert await counts(portal, "GRADE_LEVEL", **students) == {"07": 5, "08": 1}
    assert await counts(portal, "GRADE_LEVEL", schoolId=global_id("School", school.id)) == {"07": 4, "08": 1}


@pytest.mark.usefixtures("town")
async def test_a_time_that_the_calendar_does_not_have_is_an_error(portal: Portal) -> None:
    filter_ = {"lastLoginBefore": "0001-01-01T00:00:00+14:00"}
    [error] = (await portal.post(ACCOUNTS, {"filter": filter_})).json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


# ------------------------------------------------------------------------------------------------ pages
async def test_pages_show_each_account_once(portal: Portal, district: District, school: School) -> None:
    pupils = [await district.student(f"Child {number}", ssn="", school=school) for number in range(7)]
    reporter = await at_desk(portal, district, Role.REPORTER, school)
    for first in (1, 3, 8, 100):
        seen: list[str] = []
        page: Answer = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
        while page["pageInfo"]["hasNextPage"]:
            after = page["pageInfo"]["endCursor"]
            page = (await portal.ask(ACCOUNTS, {"first": first, "after": after}))["accounts"]
            assert page["totalCount"] == 8
            assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
            seen += [edge["node"]["id"] for edge in page["edges"]]
        assert seen == ids(*pupils, reporter)


@pytest.mark.parametrize("after", ["", "nonsense", "fDA", "fHx8", "MjAyNi0wMS0wMXw1", "MXw1"])
async def test_a_cursor_of_another_page_is_an_error(portal: Portal, after: str) -> None:
    [error] = (await portal.post(ACCOUNTS, {"after": after})).json()["errors"]
    assert error["message"] == "`after` is not a cursor of this connection."


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ accounts(first: 100) { edges { node { id status holder { display } } } } }", 2),
        ("{ accounts(first: 100) { edges { node { id schools { name } } } } }", 2),
        ("{ accounts(first: 100, orderBy: NAME) { totalCount edges { node { id schools { name } } } } }", 2),
        ("{ accounts(first: 100) { ...P } } fragment P on AccountConnection { edges { node { schools { id } } } }", 2),
        ("{ accountCounts(by: SCHOOL) { key count } }", 2),
        (
            '{ findPeople(search: "child", first: 50) '
            "{ studentAccount { schools { id } } guardians { relationship } } }",
            3,
        ),
        ("{ guardianships(first: 100) { edges { node { guardian { id } student { schools { id } } } } } }", 2),
        ("{ me { details { account { id schools { name } } } } }", 3),
    ],
)
async def test_a_page_costs_one_statement_whatever_its_size(  # noqa: PLR0917
    portal: Portal, district: District, school: School, statements: Statements, query: str, cost: int
) -> None:
    """The first one is for the session; a search has one more, for its entry in the trail."""
    await at_desk(portal, district, Role.REGISTRAR, school)
    told = []
    for children in (1, 12):
        for number in range(children):
            await district.guardian(await district.student(f"Child {number}", ssn="", school=school))
        statements.take()
        await portal.ask(query)
        told.append(sorted(statements.take()))
    assert told[0] == told[1]
    assert len(told[0]) == cost


async def test_a_role_that_ends_ends_what_one_sees(
    portal: Portal, district: District, school: School, nora: Pupil
) -> None:
    reporter = await at_desk(portal, district, Role.REPORTER, school)
    assert await accounts(portal) == ids(nora, reporter)
    await Enrolment.filter(student_id=nora.id).update(begins_on=district.ctx.today + timedelta(days=1))
    assert await accounts(portal) == ids(reporter)


KEPT_AWAY = """
query KeptAway($there: ID, $report: ReportInput!) {
  accounts { edges { node { schools { name phone } } } }
  inSchools: accounts(orderBy: SCHOOL) { edges { cursor } }
  there: accounts(filter: {schoolId: $there}) { totalCount }
  inGrade: accounts(filter: {gradeLevel: "07"}) { totalCount }
  accountCounts(by: SCHOOL) { key }
  grades: accountCounts(by: GRADE_LEVEL) { key }
  accountChanges(schoolId: $there) { edges { cursor } }
  me { details { account { schools { name } } } }
  report(input: $report) { ... on Report { rows { edges { node { cells } } } } }
}
"""


async def test_the_own_account_does_not_tell_where_a_student_is_whom_the_holder_is_kept_away_from(  # noqa: PLR0917
    portal: Portal, district: District, maria: Adult, school: School, hillside: School, theo: Pupil, nora: Pupil
) -> None:
    """Neither by its schools and grades, nor by what is found of it; the school itself finds it as before."""
    await Enrolment.filter(student_id=theo.id).update(grade_level="07")
    await Enrolment.filter(student_id=nora.id).update(grade_level="08")
    await district.opened(maria, "maria.q")
    await portal.login("maria.q", PASSWORD)
    report = {"definition": {"name": "ACCOUNTS", "columns": ["schools", "gradeLevels"]}}
    asked = {"there": global_id("School", hillside.id), "report": report}
    before = await portal.ask(KEPT_AWAY, asked)
    assert (before["there"]["totalCount"], before["inGrade"]["totalCount"]) == (1, 1)
    await district.restrict(maria, theo)
    told = await portal.ask(KEPT_AWAY, asked)
    [edge] = told.pop("inSchools")["edges"]
    assert b"Hillside" not in base64.urlsafe_b64decode(edge["cursor"] + "==")
    assert told == {
        "accounts": {"edges": [{"node": {"schools": [{"name": school.name, "phone": school.phone}]}}]},
        "there": {"totalCount": 0},
        "inGrade": {"totalCount": 0},
        "accountCounts": [{"key": global_id("School", school.id)}],
        "grades": [{"key": "08"}],
        "accountChanges": {"edges": []},
        "me": {"details": {"account": {"schools": [{"name": school.name}]}}},
        "report": {"rows": {"edges": [{"node": {"cells": [school.name, "08"]}}]}},
    }
    await at_desk(portal, district, Role.DESIGNEE, hillside)
    assert global_id("Account", maria.account_id) in await accounts(portal)

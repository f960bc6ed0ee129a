"""Changes of accounts by pages: what is told, how a cursor leads on, and what a cursor of another time says."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db import sql
from db.context import Role
from db.feed import forget_changes, number_changes
from resolvers.changes import WINDOW
from schema.nodes import global_id
from tests.clients import Portal
from tests.district import PASSWORD, District, Pupil

CHANGES = """
query ($schoolId: ID, $capacity: Capacity, $first: Int! = 25, $after: String) {
  accountChanges(schoolId: $schoolId, capacity: $capacity, first: $first, after: $after) {
    latest
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { cursor statusBefore status account { id schools { name } } } }
  }
}
"""


def cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"change:{number}".encode()).decode().rstrip("=")


async def page(portal: Portal, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await portal.ask(CHANGES, variables))["accountChanges"]
    return found


@pytest.fixture
async def nora(district: District, portal: Portal) -> Pupil:
    """A student of the school whose reporter is signed in; another school's student is there as well."""
    school = await district.school()
    nora = await district.student(school=school)
    await district.student("Theo", school=await district.school("Hillside School"))
    await district.opened(await district.staff(Role.REPORTER, school), "clerk")
    await portal.login("clerk", PASSWORD)
    return nora


async def test_pages_tell_what_is_seen_and_lead_on_to_what_comes_later(
    portal: Portal, district: District, nora: Pupil
) -> None:
    at_first = await page(portal, capacity="STUDENT")
    account = {"id": global_id("Account", nora.account_id), "schools": [{"name": "Lakeside Middle School"}]}
    [edge] = at_first["edges"]
    assert edge == {
        "cursor": edge["cursor"],
        "node": {"cursor": edge["cursor"], "statusBefore": None, "status": "NOT_ACTIVATED", "account": account},
    }
    assert at_first["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": edge["cursor"],
        "endCursor": at_first["latest"],
    }
    nothing = await page(portal, capacity="STUDENT", after=at_first["latest"])
    assert (nothing["edges"], nothing["pageInfo"]["endCursor"]) == ([], at_first["latest"])
    await district.opened(nora, "nora.q")
    later = await page(portal, after=nothing["pageInfo"]["endCursor"])
    assert [(e["node"]["statusBefore"], e["node"]["status"]) for e in later["edges"]] == [("NOT_ACTIVATED", "ACTIVE")]
    assert (await page(portal, schoolId="nonsense"))["edges"] == []


async def test_page_by_page_each_change_comes_once_however_many_are_not_for_the_asker(
    portal: Portal, nora: Pupil
) -> None:
    start = (await page(portal))["latest"]
    await sql.execute(
        "INSERT INTO account_change (account_id, capacity, at, status) "
        "SELECT CASE WHEN n % 500 = 0 THEN $1 ELSE 0 END, 'STUDENT', now(), 'ACTIVE' "
        "FROM generate_series(1, $2::int) n",
        *(nora.account_id, 3 * WINDOW),
    )
    told, sizes, after = [], [], start
    while True:
        found = await page(portal, first=3, after=after)
        told += [edge["cursor"] for edge in found["edges"]]
        sizes.append(len(found["edges"]))
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert (len(told), len(set(told))) == (3 * WINDOW // 500, 3 * WINDOW // 500)
    assert max(sizes) == 3
    assert after == found["latest"]


@pytest.mark.parametrize("first", [0, 101, -1])
async def test_a_page_has_its_bounds(portal: Portal, nora: Pupil, first: int) -> None:
    answer = (await portal.post(CHANGES, {"first": first})).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("after", ["", "1", "fDE", cursor(2**62), "Y2hhbmdlOi0x", "é"], ids=ascii)
async def test_what_is_no_cursor_is_refused(portal: Portal, nora: Pupil, after: str) -> None:
    answer = (await portal.post(CHANGES, {"after": after})).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_cursor_of_another_time_says_that_the_accounts_are_to_be_read_anew(portal: Portal, nora: Pupil) -> None:
    last = await number_changes()
    await forget_changes(datetime.now(UTC) + timedelta(minutes=1))
    for number in (last - 1, last + 1, 2**62 - 1):
        answer = (await portal.post(CHANGES, {"after": cursor(number)})).json()
        assert answer["errors"][0]["extensions"]["code"] == "CHANGES_FORGOTTEN"
    assert (await page(portal, after=cursor(last)))["edges"] == []
    assert (await page(portal))["pageInfo"]["endCursor"] == cursor(last)


async def test_nobody_is_told_nothing(portal: Portal, nora: Pupil) -> None:
    portal.token = None
    found = await page(portal)
    assert (found["edges"], found["latest"], found["pageInfo"]["endCursor"]) == ([], cursor(0), cursor(0))

"""The registrar's queue: the guardianships of one's schools, those first that nobody has decided."""

from datetime import timedelta

import pytest

from db.context import Role
from db.models import DecidedBy, Guardianship, GuardianshipStatus, Restriction, School, Student
from schema.nodes import global_id
from tests.clients import Answer, Portal
from tests.desk import at_desk
from tests.district import PASSWORD, District

QUEUE = """
query Queue($filter: GuardianshipFilter, $first: Int! = 25, $after: String) {
  guardianships(filter: $filter, first: $first, after: $after) {
    totalCount
    edges {
      node {
        id relationship status portalAccess confirmedAt livesWith decidedBy evidence revokedAt revokedReason
        rightsPassOn adultAccess consentAt
        guardian { id name { display } } student { id name { display } schools { name } gradeLevel }
        restriction { kind from until } restrictions { kind from until reason decidedBy }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
ONE = "query One($id: ID!) { guardianship(id: $id) { id } node(id: $id) { id } }"


@pytest.fixture
async def school(district: District) -> School:
    return await district.school()


async def _ties(district: District, school: School, *statuses: GuardianshipStatus) -> list[Guardianship]:
    guardian = await district.guardian()
    return [
        await district.guardianship(guardian.id, (await district.student(ssn="", school=school)).id, status=status)
        for status in statuses
    ]


async def _queue(portal: Portal, **variables: object) -> list[Answer]:
    page = (await portal.ask(QUEUE, variables))["guardianships"]
    return [edge["node"] for edge in page["edges"]]


async def test_what_nobody_has_decided_comes_first_on_pages_of_any_size(
    portal: Portal, district: District, school: School
) -> None:
    claimed, confirmed, revoked = GuardianshipStatus.CLAIMED, GuardianshipStatus.CONFIRMED, GuardianshipStatus.REVOKED
    ties = await _ties(district, school, confirmed, claimed, revoked, claimed, confirmed)
    expected = [global_id("Guardianship", ties[place].id) for place in (1, 3, 0, 2, 4)]
    for role_school in (school, None):
        await at_desk(portal, district, Role.REGISTRAR, role_school)
        for first in (1, 2, 5, 100):
            seen: list[str] = []
            page: Answer = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
            while page["pageInfo"]["hasNextPage"]:
                page = (await portal.ask(QUEUE, {"first": first, "after": page["pageInfo"]["endCursor"]}))[
                    "guardianships"
                ]
                assert page["totalCount"] == 5
                seen += [edge["node"]["id"] for edge in page["edges"]]
            assert seen == expected


async def test_a_guardianship_says_who_whose_and_what_is_in_force_today(
    portal: Portal, district: District, school: School
) -> None:
    nora = await district.student(school=school)
    maria = await district.guardian(nora, lives_with=True, evidence="Legal guardian in the roster")
    today = district.ctx.today
    await district.restrict(maria, nora, begins_on=today - timedelta(days=9), ends_on=today - timedelta(days=1))
    await at_desk(portal, district, Role.REGISTRAR, school)
    [node] = await _queue(portal)
    assert node["restriction"] is None
    in_force = await district.restrict(maria, nora, ends_on=today)
    [node] = await _queue(portal, filter={"restricted": True})
    assert node == {
        "id": node["id"],
        "relationship": "mother",
        "status": "CONFIRMED",
        "portalAccess": True,
        "confirmedAt": district.ctx.now.isoformat(),
        "livesWith": True,
        "decidedBy": "ROSTER",
        "evidence": "Legal guardian in the roster",
        "revokedAt": None,
        "revokedReason": None,
        "rightsPassOn": "2031-04-09",
        "adultAccess": False,
        "consentAt": None,
        "restrictions": [
            {
                "kind": "no contact",
                "from": today.isoformat(),
                "until": today.isoformat(),
                "reason": None,
                "decidedBy": "REGISTRAR",
            }
        ],
        "guardian": {"id": global_id("Guardian", maria.id), "name": {"display": "Maria Quimby"}},
        "student": {
            "id": global_id("Student", nora.id),
            "name": {"display": "Nora Quimby"},
            "schools": [{"name": school.name}],
            "gradeLevel": "07",
        },
        "restriction": {"kind": "no contact", "from": today.isoformat(), "until": today.isoformat()},
    }
    assert await _queue(portal, filter={"restricted": False}) == []
    await Restriction.filter(id=in_force.id).update(lifted_at=district.ctx.now)
    assert await _queue(portal, filter={"restricted": True}) == []


async def test_filters_find_what_they_say(portal: Portal, district: District, school: School) -> None:
    hillside = await district.school("Hillside")
    [here] = await _ties(district, school, GuardianshipStatus.CLAIMED)
    [there] = await _ties(district, hillside, GuardianshipStatus.CONFIRMED)
    await Guardianship.filter(id=there.id).update(portal_access=False)
    await at_desk(portal, district, Role.REGISTRAR)
    for filter_, found in (
        ({"status": "CLAIMED"}, [here]),
        ({"status": "REVOKED"}, []),
        ({"portalAccess": False}, [there]),
        ({"schoolId": global_id("School", hillside.id)}, [there]),
        ({"schoolId": "nonsense"}, []),
    ):
        assert [node["id"] for node in await _queue(portal, filter=filter_)] == [
            global_id("Guardianship", tie.id) for tie in found
        ]


async def test_a_revoked_guardianship_says_why_and_one_with_consent_since_when(
    portal: Portal, district: District, school: School
) -> None:
    [tie] = await _ties(district, school, GuardianshipStatus.REVOKED)
    await Guardianship.filter(id=tie.id).update(
        decided_by=DecidedBy.REGISTRAR,
        revoked_reason="Court papers were shown",
        adult_access=True,
        consent_at=district.ctx.now,
        consent_evidence="Signed at the front office",
    )
    await at_desk(portal, district, Role.REGISTRAR, school)
    [node] = await _queue(portal)
    said = {"revokedAt": district.ctx.now.isoformat(), "revokedReason": "Court papers were shown"}
    said |= {"decidedBy": "REGISTRAR", "consentAt": district.ctx.now.isoformat()}
    assert node.items() >= (said | {"adultAccess": True}).items()


async def test_restrictions_to_come_are_told_and_those_that_are_over_or_lifted_are_not(
    portal: Portal, district: District, school: School
) -> None:
    nora = await district.student(school=school)
    maria = await district.guardian(nora)
    today = district.ctx.today
    for begins, ends in ((9, 10), (-9, 2), (-5, None), (-9, -1)):
        await district.restrict(
            maria,
            nora,
            begins_on=today + timedelta(days=begins),
            ends_on=None if ends is None else today + timedelta(days=ends),
        )
    await Restriction.filter(begins_on=today - timedelta(days=5)).update(lifted_at=district.ctx.now)
    await at_desk(portal, district, Role.REGISTRAR, school)
    [node] = await _queue(portal)
    begin = [(today + timedelta(days=days)).isoformat() for days in (-9, 9)]
    assert [each["from"] for each in node["restrictions"]] == begin
    assert node["restriction"]["from"] == begin[0]
    # In force, the longest one is shown alone.
    await district.restrict(maria, nora, begins_on=today)
    [node] = await _queue(portal)
    assert node["restriction"] == {"kind": "no contact", "from": today.isoformat(), "until": None}
    assert len(node["restrictions"]) == 3


async def test_whose_rights_pass_soon_is_found_in_the_queue(portal: Portal, district: District, school: School) -> None:
    today = district.ctx.today
    eighteen_years_ago = today.replace(year=today.year - 18)
    by_days: dict[int, str] = {}
    for days in (-1, 0, 1, 60, 61, 366):
        child = await district.student(
            f"In{days}", ssn="", school=school, born=eighteen_years_ago + timedelta(days=days)
        )
        await district.guardian(child)
        by_days[days] = global_id("Guardianship", (await Guardianship.get(student_id=child.id)).id)
    soon = eighteen_years_ago + timedelta(days=5)
    unconcerned = [
        await district.student("Claimed", ssn="", school=school, born=soon),
        await district.student("Consent", ssn="", school=school, born=soon),
        await district.student("Nobirth", ssn="", school=school),
    ]
    await district.guardian(unconcerned[0], status=GuardianshipStatus.CLAIMED)
    await district.guardian(unconcerned[1], adult_access=True)
    await district.guardian(unconcerned[2])
    await Student.filter(id=unconcerned[2].id).update(birth_date=None)
    for role_school in (school, None):
        await at_desk(portal, district, Role.REGISTRAR, role_school)
        for within, expected in ((0, [0]), (1, [0, 1]), (60, [0, 1, 60]), (366, [0, 1, 60, 61, 366])):
            asked = {"rightsPassWithinDays": within}
            page = (await portal.ask(QUEUE, {"filter": asked}))["guardianships"]
            assert [edge["node"]["id"] for edge in page["edges"]] == [by_days[days] for days in expected]
            assert page["totalCount"] == len(expected)
        soonest = (await _queue(portal, filter={"rightsPassWithinDays": 0}))[0]
        assert soonest["rightsPassOn"] == today.isoformat()
        [undated] = [node for node in await _queue(portal) if node["student"]["name"]["display"] == "Nobirth Quimby"]
        assert undated["rightsPassOn"] is None


@pytest.mark.parametrize("days", [-1, 367])
async def test_days_beyond_a_year_are_refused(portal: Portal, district: District, school: School, days: int) -> None:
    await at_desk(portal, district, Role.REGISTRAR, school)
    answer = (await portal.post(QUEUE, {"filter": {"rightsPassWithinDays": days}})).json()
    assert "between 0 and 366" in answer["errors"][0]["message"]


async def test_another_schools_guardianship_looks_like_one_that_is_absent(
    portal: Portal, district: District, school: School
) -> None:
    [there] = await _ties(district, await district.school("Hillside"), GuardianshipStatus.CLAIMED)
    await at_desk(portal, district, Role.REGISTRAR, school)
    assert await _queue(portal) == []
    for number in (there.id, 987_654):
        assert await portal.ask(ONE, {"id": global_id("Guardianship", number)}) == {"guardianship": None, "node": None}


async def test_nobody_but_registrars_sees_the_queue(portal: Portal, district: District, school: School) -> None:
    nora = await district.student(school=school)
    maria = await district.guardian(nora)
    tie = await Guardianship.get(guardian_id=maria.id)
    absent = {"guardianship": None, "node": None}
    assert await portal.ask(ONE, {"id": global_id("Guardianship", tie.id)}) == absent
    await district.opened(maria, "maria.q")
    await portal.login("maria.q", PASSWORD)
    assert await _queue(portal) == []
    assert await portal.ask(ONE, {"id": global_id("Guardianship", tie.id)}) == absent
    for role in (Role.DESIGNEE, Role.REPORTER, Role.TECHNOLOGY, Role.ADMINISTRATOR):
        await at_desk(portal, district, role)
        assert await _queue(portal) == []
        assert await portal.ask(ONE, {"id": global_id("Guardianship", tie.id)}) == absent

"""Who is likely to be on record twice: pairs with something in common, as far as they are in the asker's charge."""

import pytest

from db import sql
from db.context import Role
from db.models import Household, HouseholdMember, Person, School, Student
from db.queries import duplicates
from db.trail import Step
from policies.names import _SUFFIXES, folded_suffix
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal
from tests.desk import at_desk
from tests.district import Adult, District, Pupil
from tests.tables import trail


@pytest.fixture
async def school(district: District) -> School:
    return await district.school()


async def _pairs(portal: Portal, **more: object) -> list[Answer]:
    page = (await portal.ask(documents.LIKELY_DUPLICATES, more))["likelyDuplicates"]
    return [edge["node"] for edge in page["edges"]]


async def _reasons(portal: Portal) -> list[list[str]]:
    return [pair["reasons"] for pair in await _pairs(portal)]


async def _named(someone: Adult | Pupil, **columns: object) -> None:
    await Person.filter(id=someone.id).update(**columns)


async def test_guardians_of_one_name_with_something_in_common_are_a_pair(
    portal: Portal, district: District, school: School
) -> None:
    nora = await district.student(school=school)
    theo = await district.student(given="Theo", school=school)
    await at_desk(portal, district, Role.REGISTRAR, school)
    first = await district.guardian(nora, given="María José", family="O'Hara", email="m@example.org")
    second = await district.guardian(theo, given="Maria-Jose", family="OHara")
    await district.opened(second, "mjo")
    assert await _pairs(portal) == []
    await _named(second, email="M@example.org", email_folded="m@example.org")
    assert await _reasons(portal) == [["SAME_NAME", "SAME_EMAIL"]]
    await _named(second, email_folded="other@example.org")
    await district.guardianship(second.id, nora.id)
    assert await _reasons(portal) == [["SAME_NAME", "SHARED_STUDENT"]]
    home = await Household.create(name="Home")
    for each in (first, second):
        await HouseholdMember.create(household_id=home.id, person_id=each.id)
    [pair] = await _pairs(portal)
    assert pair["reasons"] == ["SAME_NAME", "SHARED_STUDENT", "SAME_HOUSEHOLD"]
    assert pair["first"] == {
        "id": global_id("Guardian", first.id),
        "name": {"display": "María José O'Hara"},
        "schools": [{"name": school.name}],
        "students": [{"display": "Nora Quimby"}],
        "accountActivated": False,
    }
    assert pair["second"]["accountActivated"]
    assert [each["display"] for each in pair["second"]["students"]] == ["Nora Quimby", "Theo Quimby"]


async def test_students_of_one_name_and_birth_date_are_a_pair(
    portal: Portal, district: District, school: School
) -> None:
    nora, twin = await district.student(school=school), await district.student(school=school)
    await at_desk(portal, district, Role.REGISTRAR, school)
    assert await _reasons(portal) == [["SAME_NAME", "SAME_BIRTH_DATE"]]
    await district.guardian(nora, twin)
    assert await _reasons(portal) == [["SAME_NAME", "SAME_BIRTH_DATE", "SHARED_GUARDIAN"]]
    await Student.filter(id=twin.id).update(birth_date="2013-04-10")
    assert await _pairs(portal) == []
    await Student.filter(id__in=[nora.id, twin.id]).update(birth_date=None)
    assert await _pairs(portal) == []


@pytest.mark.parametrize(
    ("one", "other", "pair"),
    [(None, None, True), ("Jr.", "Junior", True), ("Jr.", "Sr.", False), (None, "Jr.", False), ("II", "2nd", True)],
)
async def test_father_and_son_are_no_pair(
    portal: Portal, district: District, school: School, one: str | None, other: str | None, *, pair: bool
) -> None:
    nora = await district.student(school=school)
    await at_desk(portal, district, Role.REGISTRAR, school)
    for suffix in (one, other):
        await _named(await district.guardian(nora, given="Robert"), suffix=suffix)
    assert bool(await _pairs(portal)) == pair


async def test_all_suffixes_are_read_as_the_rules_read_them() -> None:
    assert all(f"('{spelt}', '{folded_suffix(spelt)}')" in duplicates._SUFFIXES for spelt in _SUFFIXES)


async def test_parents_who_share_an_address_guardian_and_ward_and_staff_are_no_pairs(
    portal: Portal, district: District, school: School
) -> None:
    nora = await district.student(school=school)
    await district.guardian(nora, given="Maria", email="family@example.org")
    await district.guardian(nora, given="Hugo", email="family@example.org")
    mother = await district.guardian(nora, given="Nora", email="nora@example.org")
    grown = await district.student(school=school)
    await _named(nora, email_folded="nora@example.org")
    await district.guardianship(grown.id, nora.id)
    await Student.filter(id=grown.id).update(birth_date="2005-01-01")
    assert mother.id > nora.id
    await at_desk(portal, district, Role.REGISTRAR)
    staff = [await district.staff(Role.DESIGNEE, school, given="Sam") for _ in range(2)]
    for each in staff:
        await _named(each, email_folded="sam@example.org")
    kinds = [(pair["capacity"], pair["reasons"]) for pair in await _pairs(portal)]
    # The grown-up Nora and the guardian of that name share a student; the child is neither's double.
    assert kinds == [("GUARDIAN", ["SAME_NAME", "SHARED_STUDENT"])]


async def test_only_pairs_of_which_all_students_are_at_ones_schools_are_shown(
    portal: Portal, district: District, school: School
) -> None:
    hillside = await district.school("Hillside")
    here, there = await district.student(school=school), await district.student(given="Theo", school=hillside)
    left = await district.student(given="Lena")
    await district.guardian(here, email="m@example.org")
    await district.guardian(here, there, email="m@example.org")
    await district.guardian(left, given="Otto", email="o@example.org")
    await district.guardian(left, given="Otto", email="o@example.org")
    await at_desk(portal, district, Role.REGISTRAR, school)
    assert await _pairs(portal) == []
    await at_desk(portal, district, Role.REGISTRAR)
    assert len(await _pairs(portal)) == 2
    for place in (school, hillside):
        assert len(await _pairs(portal, schoolId=global_id("School", place.id))) == 1
    assert await _pairs(portal, schoolId="nonsense") == []


async def test_pages_follow_one_another_and_a_merged_pair_is_none_any_more(
    portal: Portal, district: District, school: School
) -> None:
    nora = await district.student(school=school)
    marias = [await district.guardian(nora) for _ in range(3)]
    for place in (school, None):
        await at_desk(portal, district, Role.REGISTRAR, place)
        seen, after = [], None
        while True:
            page = (await portal.ask(documents.LIKELY_DUPLICATES, {"first": 1, "after": after}))["likelyDuplicates"]
            seen += [(edge["node"]["first"]["id"], edge["node"]["second"]["id"]) for edge in page["edges"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        ids = [global_id("Guardian", each.id) for each in marias]
        assert seen == [(ids[0], ids[1]), (ids[0], ids[2]), (ids[1], ids[2])]
    done = {"keepId": ids[2], "mergeId": ids[0], "reason": "One person"}
    assert (await portal.do(documents.MERGE_PEOPLE, done))["__typename"] == "PeopleMerged"
    assert [pair["first"]["id"] for pair in await _pairs(portal)] == [ids[1]]
    assert (await portal.post(documents.LIKELY_DUPLICATES, {"after": "nonsense"})).json()["errors"]


async def test_nobody_but_registrars_sees_anybody_and_the_trail_says_who_looked(
    portal: Portal, district: District, school: School
) -> None:
    nora = await district.student(school=school)
    await district.guardian(nora), await district.guardian(nora)
    assert await _pairs(portal) == []
    for role in (Role.DESIGNEE, Role.REPORTER, Role.TECHNOLOGY, Role.ADMINISTRATOR):
        await at_desk(portal, district, role)
        assert await _pairs(portal) == []
    await at_desk(portal, district, Role.REGISTRAR, school)
    assert len(await _pairs(portal)) == 1
    assert [ending for _, ending in await trail(Step.FIND_DUPLICATES)] == ["NOT_ALLOWED"] * 5 + ["DONE"]
    [entry] = await sql.rows("SELECT details->>'found' AS n FROM trail_entry WHERE outcome = 'DONE' AND step = $1",
                             Step.FIND_DUPLICATES.value)  # fmt: skip
    assert entry["n"] == "1"

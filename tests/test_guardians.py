"""A guardian at the registrar's desk: what is seen of one, by whom, and how one is found by name."""

from pathlib import Path

import pytest

from db.context import Role
from db.models import Person, School
from db.trail import Step
from schema.nodes import global_id
from tests.clients import Answer, Portal
from tests.desk import at_desk
from tests.district import Adult, District, Pupil
from tests.tables import forget_trail, trail

_OPERATIONS = Path(__file__).parent.parent / "examples" / "operations"
GUARDIAN, FIND = ((_OPERATIONS / f"{name}.graphql").read_text() for name in ("guardian", "find-guardians"))


@pytest.fixture
async def schools(district: District) -> tuple[School, School]:
    return await district.school(), await district.school("Hillside")


async def _family(district: District, here: School, there: School) -> tuple[Adult, Pupil, Pupil]:
    """Maria has a child at each school, and lives with one of them."""
    nora, theo = await district.student(school=here), await district.student("Theo", school=there)
    maria = await district.guardian(nora, theo, email="maria@example.org")
    await district.household(maria, theo)
    return maria, nora, theo


async def _guardian(portal: Portal, adult: Adult) -> Answer | None:
    found: Answer | None = (await portal.ask(GUARDIAN, {"id": global_id("Guardian", adult.id)}))["guardian"]
    assert (await portal.node(global_id("Guardian", adult.id)) is None) == (found is None)
    return found


@pytest.mark.parametrize(("place", "seen"), [(0, ["Nora"]), (1, ["Theo"]), (None, ["Nora", "Theo"])])
async def test_a_registrar_sees_a_guardian_with_the_students_of_the_own_schools(
    portal: Portal, district: District, schools: tuple[School, School], place: int | None, seen: list[str]
) -> None:
    maria, *_ = await _family(district, *schools)
    await at_desk(portal, district, Role.REGISTRAR, None if place is None else schools[place])
    found = await _guardian(portal, maria)
    assert found is not None
    assert [tie["student"]["name"]["display"].split()[0] for tie in found["guardianships"]] == seen
    [home] = found["households"]
    assert [member["name"]["display"] for member in home["members"]] == ["Maria Quimby", "Theo Quimby"]


async def test_a_student_is_no_guardian(portal: Portal, district: District, schools: tuple[School, School]) -> None:
    """By a student's number under the name of a guardian nobody is found; unless she is a mother herself."""
    _, nora, _ = await _family(district, *schools)
    await at_desk(portal, district, Role.REGISTRAR, schools[0])
    as_guardian = Adult(nora.id, "Nora", "Quimby", None, nora.account_id)
    assert await _guardian(portal, as_guardian) is None
    baby = await district.student("Ida", school=schools[0])
    await district.guardianship(nora.id, baby.id)
    assert await _guardian(portal, as_guardian) is not None


@pytest.mark.parametrize("role", [None, Role.DESIGNEE, Role.REPORTER, Role.REGISTRAR])
async def test_nobody_else_sees_or_finds_one(
    portal: Portal, district: District, schools: tuple[School, School], role: Role | None
) -> None:
    maria, *_ = await _family(district, *schools)
    if role is not None:
        elsewhere = await district.school("Cedar")
        await at_desk(portal, district, role, elsewhere if role is Role.REGISTRAR else schools[0])
    assert await _guardian(portal, maria) is None
    if role is not Role.REGISTRAR:
        assert (await portal.ask(FIND, {"given": "Maria", "family": "Quimby"}))["findGuardians"] == []
        assert (await trail(Step.FIND_PEOPLE))[-1] == (Step.FIND_PEOPLE, "NOT_ALLOWED")


async def test_a_guardian_to_whom_no_student_leads_is_found_by_the_whole_name(
    portal: Portal, district: District, schools: tuple[School, School]
) -> None:
    """Namesakes in the district are told apart by their addresses; students and merged records are not among them."""
    away = await district.student("Ines", "Vale", school=schools[1])
    sam = await district.guardian(away, given="Zoë", family="O'Vale-Ruiz", email="zoe@example.org")
    other = await district.guardian(given="Zoe", family="Ovale Ruiz")
    await district.student("Zoe", "Ovale Ruiz", school=schools[1])
    merged = await district.person("Zoe", "Ovale Ruiz")
    await Person.filter(id=merged.id).update(merged_into_id=sam.id)
    await at_desk(portal, district, Role.REGISTRAR, schools[0])
    await forget_trail()
    found = (await portal.ask(FIND, {"given": "zoe", "family": "o’vale ruiz"}))["findGuardians"]
    ids = [global_id("Guardian", each.id) for each in (sam, other)]
    assert [(each["guardian"]["id"], each["emailHint"]) for each in found] == [
        (ids[0], "z…@example.org"),
        (ids[1], None),
    ]
    assert (await portal.ask(FIND, {"given": "Zo", "family": "Ovale Ruiz"}))["findGuardians"] == []
    assert await trail() == [(Step.FIND_PEOPLE, "DONE")] * 2


@pytest.mark.parametrize("names", [("", "Quimby"), ("Maria", " "), ("Maria", "Q" * 101)])
async def test_a_name_is_whole_and_no_longer_than_one(portal: Portal, names: tuple[str, str]) -> None:
    answer = (await portal.post(FIND, {"given": names[0], "family": names[1]})).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"

"""Putting households right: who lives where, two households for a child, corrections with their history."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from db import sql
from db.context import Role
from db.models import (
    DecidedBy,
    Guardianship,
    GuardianshipStatus,
    Household,
    HouseholdMember,
    HouseholdVersion,
    Letter,
    School,
    TrailEntry,
)
from db.trail import Step
from schema.nodes import global_id
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.desk import at_desk
from tests.district import PASSWORD, Adult, District, Pupil

_OPERATIONS = Path(__file__).parent.parent / "examples" / "operations"
RECORD, LINK, END, CORRECT, ONE, OF_PERSON = (
    (_OPERATIONS / f"{name}.graphql").read_text()
    for name in (
        "record-household",
        "link-household-member",
        "end-household-member",
        "correct-household",
        "household",
        "households",
    )
)
REASON = "Lease shown at the counter"


class Family:
    """Maria and Theo live apart; Nora lives with Maria. A registrar of Nora's school is signed in."""

    school: School
    nora: Pupil
    maria: Adult
    theo: Adult
    home: Household

    @property
    def home_id(self) -> str:
        return global_id("Household", self.home.id)


def guardian_id(adult: Adult) -> str:
    return global_id("Guardian", adult.id)


def student_id(pupil: Pupil) -> str:
    return global_id("Student", pupil.id)


@pytest.fixture
async def family(portal: Portal, district: District) -> Family:
    made = Family()
    made.school = await district.school()
    made.nora = await district.student(school=made.school)
    made.maria = await district.guardian(made.nora, email="maria@example.org")
    made.theo = await district.guardian(made.nora, given="Theo", email="theo@example.org")
    made.home = await district.household(made.maria, made.nora)
    await at_desk(portal, district, Role.REGISTRAR, made.school)
    return made


async def _household(portal: Portal, household_id: str) -> Answer | None:
    found: Answer | None = (await portal.ask(ONE, {"id": household_id}))["household"]
    return found


def _names(household: Answer) -> list[str]:
    return [member["name"]["display"] for member in household["members"]]


async def test_a_child_lives_in_two_households(portal: Portal, family: Family, clock: Clock) -> None:
    fathers = {
        "personId": guardian_id(family.theo),
        "name": "Quimby (Theo)",
        "street": "77 Elm Street",
        "city": "Cedar Hollow",
        "state": "TX",
        "postalCode": "78699",
        "phone": "512-555-0177",
        "reason": REASON,
    }
    made = await portal.do(RECORD, fathers)
    assert made["__typename"] == "HouseholdChanged", made
    second = made["household"]
    assert second["mailingAddress"] == "77 Elm Street, Cedar Hollow, TX 78699"
    linked = await portal.do(
        LINK, {"householdId": second["id"], "personId": student_id(family.nora), "secondary": True}
    )
    assert _names(linked["household"]) == ["Nora Quimby", "Theo Quimby"]
    [nora, _] = linked["household"]["members"]
    today = clock().date().isoformat()
    assert (nora["capacity"], nora["secondary"], nora["since"], nora["until"]) == ("STUDENT", True, today, None)
    both = (await portal.ask(OF_PERSON, {"personId": student_id(family.nora)}))["households"]
    assert [each["id"] for each in both] == [family.home_id, second["id"]]


async def test_a_household_gives_nobody_sight_of_a_student(portal: Portal, district: District, family: Family) -> None:
    """A stepfather who lives there, and is guardian of somebody else at the school."""
    other = await district.student("Ines", "Vale", school=family.school)
    sam = await district.guardian(other, given="Sam", family="Vale")
    await district.opened(sam, "sam.v")
    linked = await portal.do(LINK, {"householdId": family.home_id, "personId": guardian_id(sam)})
    assert "Sam Vale" in _names(linked["household"])
    await portal.login("sam.v", PASSWORD)
    assert await portal.students() == [student_id(other)]
    assert await portal.node(student_id(family.nora)) is None


async def test_a_membership_ends_with_its_last_day_and_whoever_leaves_is_told(
    portal: Portal, district: District, family: Family, clock: Clock
) -> None:
    today = clock().date()
    choice = {"householdId": family.home_id, "personId": guardian_id(family.maria), "reason": REASON}
    ended = await portal.do(END, choice | {"until": today.isoformat()})
    assert ended["__typename"] == "HouseholdChanged", ended
    kept = await HouseholdMember.get(person_id=family.maria.id)
    assert (kept.ends_on, kept.decided_by) == (today, DecidedBy.REGISTRAR)
    [letter] = await Letter.all()
    assert (letter.kind, letter.person_id) == ("HOUSEHOLD_CHANGED", family.maria.id)
    assert letter.facts == {"household_id": family.home.id, "change": "MEMBER_ENDED"}
    clock.advance(days=1)
    await at_desk(portal, district, Role.REGISTRAR, family.school, given="Lee")
    again = await portal.do(END, choice | {"until": today.isoformat()})
    assert again["__typename"] == "NotFound"


async def test_the_last_day_is_not_before_the_first(portal: Portal, family: Family, clock: Clock) -> None:
    choice = {"householdId": family.home_id, "personId": guardian_id(family.theo)}
    await portal.do(LINK, choice)
    yesterday = (clock().date() - timedelta(days=1)).isoformat()
    refused = await portal.do(END, choice | {"until": yesterday, "reason": REASON})
    assert refused["__typename"] == "InvalidInput"
    assert refused["fields"][0]["path"] == ["input", "until"]
    assert clock().date().isoformat() in refused["fields"][0]["message"]


async def test_nobody_lives_twice_in_one_household(portal: Portal, family: Family) -> None:
    refused = await portal.do(LINK, {"householdId": family.home_id, "personId": student_id(family.nora)})
    assert refused["__typename"] == "InvalidInput"
    assert refused["fields"][0]["path"] == ["input", "personId"]
    assert await HouseholdMember.filter(person_id=family.nora.id).count() == 1


async def test_a_correction_keeps_what_was_there_before(portal: Portal, family: Family, clock: Clock) -> None:
    corrected = await portal.do(
        CORRECT, {"householdId": family.home_id, "phone": "(512) 555-0188", "reason": "New telephone"}
    )
    assert corrected["household"]["homePhone"] == "(512) 555-0188"
    seen = await _household(portal, family.home_id)
    assert seen is not None
    assert seen["mailingAddress"] == "1200 Saint Mary's Street Apt 4, Cedar Hollow, TX 78699"
    assert seen["decidedBy"] == "REGISTRAR"
    [before] = seen["history"]
    assert before == {
        "name": "Home",
        "mailingAddress": "1200 Saint Mary's Street Apt 4, Cedar Hollow, TX 78699",
        "homePhone": "(512) 555-0134",
        "replacedAt": clock().isoformat(),
        "reason": "New telephone",
    }
    [letter] = await Letter.all()
    assert letter.facts == {"household_id": family.home.id, "change": "ADDRESS"}
    assert "555-0188" not in str(letter.facts)


async def test_a_correction_that_corrects_nothing_leaves_no_version(portal: Portal, family: Family) -> None:
    same = {"householdId": family.home_id, "phone": " (512) 555-0134 ", "reason": REASON}
    assert (await portal.do(CORRECT, same))["__typename"] == "HouseholdChanged"
    assert await HouseholdVersion.all().count() == 0
    assert await Letter.all().count() == 0


async def test_a_field_that_is_null_is_emptied(portal: Portal, family: Family) -> None:
    emptied = await portal.do(CORRECT, {"householdId": family.home_id, "phone": None, "reason": REASON})
    assert emptied["household"]["homePhone"] is None
    assert emptied["household"]["mailingAddress"] is not None


@pytest.mark.parametrize(
    ("corrections", "path"),
    [
        ({"phone": "555"}, "phone"),
        ({"phone": "(000) 000-0000"}, "phone"),
        ({"street": "Elm Street"}, "street"),
        ({"street": None}, "street"),
        ({"name": " "}, "name"),
        ({"city": "C" * 201}, "city"),
        ({"street": "7 Elm\u200b Street"}, "street"),
        ({"phone": "(512) 555-0188", "reason": " "}, "reason"),
        ({"phone": "(512) 555-0188", "reason": "SSN 123-45-6789"}, "reason"),
    ],
)
async def test_what_nobody_could_be_asked_for_is_not_put_on_record(
    portal: Portal, family: Family, corrections: dict[str, Any], path: str
) -> None:
    refused = await portal.do(CORRECT, {"householdId": family.home_id, "reason": REASON} | corrections)
    assert refused["__typename"] == "InvalidInput", refused
    assert ["input", path] in [field["path"] for field in refused["fields"]]
    assert await HouseholdVersion.all().count() == 0
    assert (await Household.get(id=family.home.id)).phone == "(512) 555-0134"


@pytest.mark.parametrize("how", ["restricted", "revoked"])
async def test_a_guardian_who_is_kept_away_hears_nothing_of_the_household(
    portal: Portal, district: District, family: Family, how: str
) -> None:
    """Not that there is a new address, either, though a roster goes on to have him there."""
    await HouseholdMember.create(household_id=family.home.id, person_id=family.theo.id)
    if how == "restricted":
        await district.restrict(family.theo, family.nora)
    else:
        await Guardianship.filter(guardian_id=family.theo.id).update(
            status=GuardianshipStatus.REVOKED, revoked_at=district.ctx.now
        )
    await portal.do(CORRECT, {"householdId": family.home_id, "phone": "(512) 555-0188", "reason": REASON})
    assert [letter.person_id for letter in await Letter.all()] == [family.maria.id]


# ------------------------------------------------------------------------------------------------ who may
def _each_change(family: Family) -> list[tuple[str, dict[str, Any]]]:
    home, today = family.home_id, "2026-12-01"
    return [
        (RECORD, {"personId": student_id(family.nora), "name": "Q", "reason": REASON}),
        (LINK, {"householdId": home, "personId": guardian_id(family.theo)}),
        (END, {"householdId": home, "personId": student_id(family.nora), "until": today, "reason": REASON}),
        (CORRECT, {"householdId": home, "phone": "(512) 555-0188", "reason": REASON}),
    ]


async def _state() -> list[Any]:
    tables = ("household", "household_member", "household_version", "letter")
    return [await sql.rows(f"SELECT * FROM {table} ORDER BY id") for table in tables]


#: Who, and where; and what is missing.
OTHERS = [
    (None, None, "SIGNED_IN"),
    (Role.DESIGNEE, "here", "ROLE"),
    (Role.REPORTER, "here", "ROLE"),
    (Role.TECHNOLOGY, "district", "ROLE"),
    (Role.REGISTRAR, "elsewhere", "SAME_SCHOOL"),
]


@pytest.mark.parametrize("other", OTHERS)
async def test_nobody_else_changes_a_household(
    portal: Portal, district: District, family: Family, other: tuple[Role | None, str | None, str]
) -> None:
    role, place, missing = other
    portal.token = None
    if role is not None:
        schools = {"here": family.school, "elsewhere": await district.school("Hillside"), "district": None}
        await at_desk(portal, district, role, schools[place or "here"])
    before = await _state()
    for document, choice in _each_change(family):
        refused = await portal.do(document, choice)
        assert (refused["__typename"], refused["missing"]) == ("NotAllowed", [missing]), refused
    assert await _state() == before
    assert await _household(portal, family.home_id) is None
    assert (await portal.ask(OF_PERSON, {"personId": student_id(family.nora)}))["households"] == []


@pytest.mark.parametrize("place", ["here", "district", "both"])
async def test_a_registrar_of_any_of_the_schools_does(
    portal: Portal, district: District, family: Family, place: str
) -> None:
    """A child who goes to two schools is in the charge of both."""
    second = await district.school("Hillside")
    if place == "both":
        await sql.execute("INSERT INTO enrolment (student_id, school_id) VALUES ($1, $2)", family.nora.id, second.id)
    await at_desk(portal, district, Role.REGISTRAR, {"here": family.school, "district": None, "both": second}[place])
    assert await _household(portal, family.home_id) is not None
    for document, choice in _each_change(family):
        done = await portal.do(document, choice)
        assert done["__typename"] == "HouseholdChanged", done


async def test_nobody_puts_the_own_household_right(portal: Portal, district: District, family: Family) -> None:
    """Dana is registrar, and lives there herself."""
    dana = await at_desk(portal, district, Role.REGISTRAR, family.school)
    await HouseholdMember.create(household_id=family.home.id, person_id=dana.id)
    before = await _state()
    for document, choice in _each_change(family):
        refused = await portal.do(document, choice)
        assert (refused["__typename"], refused["missing"]) == ("NotAllowed", ["NOT_RELATED"]), refused
    assert await _state() == before


async def test_a_registrar_who_is_kept_away_does_not_learn_where_the_child_lives(
    portal: Portal, district: District, family: Family
) -> None:
    dana = await at_desk(portal, district, Role.REGISTRAR, family.school)
    await district.guardianship(dana.id, family.nora.id)
    await district.restrict(dana, family.nora)
    assert await _household(portal, family.home_id) is None
    for person in (student_id(family.nora), guardian_id(family.maria)):
        assert (await portal.ask(OF_PERSON, {"personId": person}))["households"] == []


@pytest.mark.parametrize("wrong", ["absent", "kind", "nonsense"])
async def test_what_is_not_there_is_not_found(portal: Portal, family: Family, wrong: str) -> None:
    ids = {"absent": global_id("Household", 99), "kind": global_id("Grade", family.home.id), "nonsense": "?"}
    for document, choice in _each_change(family):
        field = "personId" if document == RECORD else "householdId"
        assert (await portal.do(document, choice | {field: ids[wrong]}))["__typename"] == "NotFound"
    people = {"absent": global_id("Guardian", 99), "kind": family.home_id, "nonsense": ""}
    refused = await portal.do(LINK, {"householdId": family.home_id, "personId": people[wrong]})
    assert refused["__typename"] == "NotFound"


async def test_each_change_is_in_the_trail(portal: Portal, family: Family) -> None:
    for document, choice in _each_change(family):
        await portal.do(document, choice)
    entries = await TrailEntry.filter(step__startswith="household:").order_by("id")
    assert [entry.step for entry in entries] == [
        Step.RECORD_HOUSEHOLD,
        Step.LINK_HOUSEHOLD_MEMBER,
        Step.END_HOUSEHOLD_MEMBER,
        Step.CORRECT_HOUSEHOLD,
    ]
    assert {entry.rule for entry in entries} == {"registrar, same_school, household:manage, any, any"}
    assert [entry.about_person_id for entry in entries] == [family.nora.id, family.theo.id, family.nora.id, None]
    assert entries[3].details["changed"] == ["phone"]
    assert "0188" not in str(entries[3].details)


async def test_a_roster_that_writes_the_last_of_all_days_for_no_end_is_read(
    portal: Portal, district: District, family: Family
) -> None:
    await HouseholdMember.filter(person_id=family.nora.id).update(begins_on=date.min, ends_on=date.max)
    restriction = await district.restrict(family.theo, family.nora, ends_on=date.max)
    household = await _household(portal, family.home_id)
    assert household is not None
    [nora] = [member for member in household["members"] if member["id"] == student_id(family.nora)]
    assert (nora["since"], nora["until"]) == ("0001-01-01", "9999-12-31")
    asked = "query One($id: ID!) { guardianship(id: $id) { restriction { until } } }"
    tie = await portal.ask(asked, {"id": global_id("Guardianship", restriction.guardianship_id)})
    assert tie["guardianship"]["restriction"]["until"] == "9999-12-31"

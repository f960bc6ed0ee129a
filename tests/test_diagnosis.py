"""Why a guardian does not see a student: the diagnosis names what is amiss, and doing what it says opens the way."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import permutations

import pytest

from db.context import Role
from db.models import Account, AccountStatus, DisabledReason, Enrolment, GateName, Student
from db.trail import Step
from schema.build import schema
from schema.nodes import global_id
from tests import documents
from tests.clients import Portal, crowd
from tests.conftest import Clock
from tests.counter import ALSO_MENDS, BREAKS, DIAGNOSIS, MEND, ONE_STEP, Counter
from tests.desk import at_desk, open_desk
from tests.district import District
from tests.tables import forget_trail, trail

PAIRS = [
    (first, second) for first, second in permutations(BREAKS, 2) if second not in BREAKS[first].never_with
]  # fmt: skip


@pytest.fixture
async def counter(portal: Portal, district: District, clock: Clock) -> AsyncIterator[Counter]:
    async with crowd(2, portal) as [registrar, home]:
        desk = await open_desk(portal, district)
        await at_desk(registrar, district, Role.REGISTRAR, desk.school)
        yield Counter(desk, registrar, home, clock)


async def broken(counter: Counter, *amiss: str) -> set[GateName]:
    """Makes this amiss, and nothing else; the gates that it shuts."""
    for each in sorted(amiss, key=list(BREAKS).index):
        await BREAKS[each].make(counter)
    return {gate for each in amiss for gate in BREAKS[each].shuts}


# ------------------------------------------------------------------------------------------------ naming, mending
async def test_where_nothing_is_amiss_no_gate_fails(counter: Counter) -> None:
    told = await counter.why()
    assert (told["canSee"], await counter.failing()) == (True, [])
    assert [gate["name"] for gate in told["gates"]] == list(GateName)
    states = {gate["name"]: gate["state"] for gate in told["gates"]}
    assert [name for name, state in states.items() if state == "NOT_APPLICABLE"] == ["KEY_ISSUED"]
    assert all(gate["remedy"] is None is gate["owner"] for gate in told["gates"])
    assert await counter.sees()


@pytest.mark.parametrize("amiss", BREAKS)
async def test_what_is_amiss_is_named_and_its_remedy_opens_the_way(counter: Counter, amiss: str) -> None:
    shut = await broken(counter, amiss)
    assert set(await counter.failing()) == shut
    told = await counter.why()
    assert not told["canSee"]
    assert not await counter.sees()
    for gate in told["gates"]:
        assert (gate["state"] == "FAILS") == (gate["remedy"] is not None) == (gate["owner"] is not None)
    await counter.mend_all()
    assert counter.mended[0] in shut
    assert (await counter.why())["canSee"]
    assert await counter.sees()


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_of_two_things_amiss_both_are_named_and_mending_one_is_not_enough(
    counter: Counter, first: str, second: str
) -> None:
    shut = await broken(counter, first, second)
    assert set(await counter.failing()) == shut
    for gate in BREAKS[first].shuts:
        await counter.mend(gate)
    enough = (first, second) in ALSO_MENDS
    assert (await counter.why())["canSee"] == enough
    assert await counter.sees() == enough
    if not enough:
        left = BREAKS["no key" if (first, second) in ONE_STEP else second].shuts
        assert set(left) & set(await counter.failing())
    await counter.mend_all()
    assert (await counter.why())["canSee"]
    assert await counter.sees()


def test_each_gate_that_can_fail_is_broken_and_mended_here() -> None:
    shut = {gate for each in BREAKS.values() for gate in each.shuts}
    assert shut == set(MEND) == set(GateName) - {GateName.HOUSEHOLD, GateName.STUDENT_ENROLLED}


# ------------------------------------------------------------------------------------------------ findings
@pytest.mark.parametrize("amiss", BREAKS)
async def test_a_remedy_names_a_mutation_and_is_said_in_spanish_too(counter: Counter, amiss: str) -> None:
    await broken(counter, amiss)
    english = (await counter.why())["gates"]
    counter.registrar.http.headers["Accept-Language"] = "es"
    spanish = (await counter.why())["gates"]
    known = {*schema._schema.mutation_type.fields, *schema._schema.query_type.fields}  # type: ignore[union-attr]
    for gate, gate_in_spanish in zip(english, spanish, strict=True):
        assert gate["finding"] != gate_in_spanish["finding"]
        assert "%(" not in gate["finding"] + gate_in_spanish["finding"]
        if gate["remedy"]:
            named = re.findall(r"\((\w+)\)", gate["remedy"])
            assert named
            assert named == re.findall(r"\((\w+)\)", gate_in_spanish["remedy"])
            assert set(named) <= known


@pytest.mark.parametrize(
    ("reason", "owner"),
    [
        (DisabledReason.TOO_MANY_FAILURES, "DESIGNEE"),
        (DisabledReason.STAFF_DECISION, "DESIGNEE"),
        (DisabledReason.NO_CURRENT_STUDENT, "DESIGNEE"),
        (DisabledReason.LEGAL_RESTRICTION, "REGISTRAR"),
        (DisabledReason.MERGED, "REGISTRAR"),
    ],
)
async def test_who_enables_an_account_depends_on_why_it_was_disabled(
    counter: Counter, reason: DisabledReason, owner: str
) -> None:
    await Account.filter(id=counter.account_id).update(status=AccountStatus.DISABLED, disabled_reason=reason)
    [gate] = [gate for gate in (await counter.why())["gates"] if gate["state"] == "FAILS"]
    assert (gate["name"], gate["owner"]) == ("ACCOUNT_ENABLED", owner)


@pytest.mark.parametrize("whose", ["guardian", "student"])
async def test_of_a_merged_record_only_that_is_said(counter: Counter, whose: str) -> None:
    desk = counter.desk
    again = await desk.district.student(school=desk.school, born=desk.nora.birth_date)
    maria = await desk.district.guardian(again)
    keep, merge = (maria, desk.maria) if whose == "guardian" else (again, desk.nora)
    kind = whose.capitalize()
    named = {"keepId": global_id(kind, keep.id), "mergeId": global_id(kind, merge.id), "reason": "One person"}
    merged = await counter.registrar.do(documents.MERGE_PEOPLE, named)
    told = await counter.why()
    assert (told["canSee"], await counter.failing()) == (False, [GateName.PERSON])
    assert {gate["state"] for gate in told["gates"][1:]} == {"NOT_APPLICABLE"}
    assert f"The {whose}'s record was merged" in told["gates"][0]["finding"]
    undo = {"mergeId": merged["merge"]["id"], "reason": "Two people"}
    assert (await counter.registrar.do(documents.UNDO_MERGE, undo))["__typename"] == "MergeUndone"
    assert (await counter.failing(), await counter.sees()) == ([], True)


async def test_neither_a_household_nor_a_school_gives_or_takes_sight(counter: Counter) -> None:
    await Enrolment.all().update(ends_on=counter.clock().date() - timedelta(days=1))
    async with crowd(1, counter.desk.portal) as [technician]:
        # Of a student at no school only the district's own staff is told.
        assert await counter.why() is None
        await at_desk(technician, counter.desk.district, Role.TECHNOLOGY, given="Tess")
        counter.registrar = technician
        told = await counter.why()
    assert told["canSee"]
    [enrolled] = [gate for gate in told["gates"] if gate["name"] == "STUDENT_ENROLLED"]
    assert enrolled["state"] == "NOT_APPLICABLE"


# ------------------------------------------------------------------------------------------------ other days
async def test_what_changes_on_friday_and_on_the_eighteenth_birthday(counter: Counter) -> None:
    today = counter.clock().date()
    friday, birthday = today + timedelta(days=4), today + timedelta(days=30)
    await counter.desk.district.restrict(counter.desk.maria, counter.desk.nora, ends_on=friday - timedelta(days=1))
    await Student.filter(id=counter.desk.nora.id).update(birth_date=birthday.replace(year=birthday.year - 18))
    told = await counter.why()
    assert not told["canSee"]
    assert [(change["on"], change["canSee"]) for change in told["changes"]] == [
        (friday.isoformat(), True),
        (birthday.isoformat(), False),
    ]
    assert [[(gate["name"], gate["state"]) for gate in change["gates"]] for change in told["changes"]] == [
        [("NO_RESTRICTION", "HOLDS")],
        [("RIGHTS_NOT_TRANSFERRED", "FAILS")],
    ]
    on_friday = await counter.why(friday.isoformat())
    assert (on_friday["on"], on_friday["canSee"]) == (friday.isoformat(), True)
    assert [change["on"] for change in on_friday["changes"]] == [birthday.isoformat()]
    assert not (await counter.why(birthday.isoformat()))["canSee"]
    assert (await counter.why("9999-12-31"))["changes"] == []


async def test_an_earlier_day_cannot_be_asked_for(counter: Counter) -> None:
    yesterday = (counter.clock().date() - timedelta(days=1)).isoformat()
    asked = {"guardianId": "x", "studentId": "y", "on": yesterday}
    [error] = (await counter.registrar.post(DIAGNOSIS, asked)).json()["errors"]
    assert "must be today or a later day" in error["message"]


async def test_each_diagnosis_leaves_an_entry(counter: Counter) -> None:
    await forget_trail()
    await counter.why()
    assert await trail() == [(Step.DIAGNOSE_ACCESS.value, "DONE")]

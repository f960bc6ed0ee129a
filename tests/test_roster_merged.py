"""The nightly set still names both records of somebody who was merged: what it says of the one is said of the other."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tortoise.context import TortoiseContext

from db import sql
from db.context import Context, Role
from db.models import (
    Account,
    Enrolment,
    Grade,
    Guardianship,
    GuardianshipStatus,
    Household,
    HouseholdMember,
    Person,
    Restriction,
    School,
    SsnState,
    Student,
)
from db.queries.merging import MERGE_LOCK
from db.roster.applying import Imported, apply
from schema.nodes import global_id
from tests import documents
from tests.clients import Portal
from tests.desk import at_desk
from tests.district import District
from tests.roster_sets import RosterFiles, checked
from tests.tables import everything
from tests.test_merging_undone import GROWING

BringIn = Callable[[RosterFiles], Awaitable[Imported]]


@pytest.fixture
def files() -> RosterFiles:
    """Rosa is there twice, and so is Ana; each double has ties of its own."""
    files = RosterFiles()
    rosa, ana = files.user("rosa"), files.user("ana")
    files.add("users.csv", **rosa | {"sourcedId": "rosa2", "email": "rosa.lund@example.org"})
    files.add("users.csv", **ana | {"sourcedId": "ana2", "identifier": "0043", "metadata.ssn": "512-44-7311"})
    files.add("demographics.csv", sourcedId="ana2", status="active", birthDate="2017-03-04")
    files.add("relationships.csv", studentSourcedId="ana", contactSourcedId="rosa2", relation="parent",
              legalGuardian="false", portal="false", livesWith="false")  # fmt: skip
    files.add("relationships.csv", studentSourcedId="ben", contactSourcedId="rosa2", relation="aunt",
              legalGuardian="true", portal="true", restricted="true", beginDate="2026-09-10")  # fmt: skip
    files.add("relationships.csv", studentSourcedId="ana2", contactSourcedId="rosa", relation="mother",
              legalGuardian="true", portal="true")  # fmt: skip
    files.add("relationships.csv", studentSourcedId="ana2", contactSourcedId="hugo", relation="father",
              legalGuardian="true", portal="true", restricted="true", beginDate="2026-08-01",
              endDate="2026-12-01")  # fmt: skip
    files.add("householdMembers.csv", householdSourcedId="h1", userSourcedId="rosa2", secondary="false",
              beginDate="2026-02-01", endDate="2026-12-31")  # fmt: skip
    files.add("householdMembers.csv", householdSourcedId="h2", userSourcedId="rosa2", secondary="true")
    files.add("householdMembers.csv", householdSourcedId="h1", userSourcedId="ana2", secondary="false")
    files.add("enrollments.csv", sourcedId="e3", status="active", classSourcedId="k1", schoolSourcedId="n",
              userSourcedId="ana2", role="student", beginDate="2026-08-17")  # fmt: skip
    files.add("results.csv", sourcedId="r2", status="active", lineItemSourcedId="l1", studentSourcedId="ana2",
              scoreStatus="fully graded", score="71")  # fmt: skip
    files.add("attendance.csv", sourcedId="a3", studentSourcedId="ana2", schoolSourcedId="n", date="2026-09-07",
              category="Tardy")  # fmt: skip
    return files


@pytest.fixture
def bring_in(database: TortoiseContext, ctx: Context, tmp_path: Path) -> BringIn:
    async def bring(files: RosterFiles) -> Imported:
        return await apply(ctx, checked(files, tmp_path))

    return bring


async def _merge(portal: Portal, kind: str, keep: str, merge: str) -> str:
    ids = [global_id(kind, (await Person.get(source_id=each)).id) for each in (keep, merge)]
    done = await portal.do(documents.MERGE_PEOPLE, {"keepId": ids[0], "mergeId": ids[1], "reason": "One person"})
    assert done["__typename"] == "PeopleMerged", done
    id_: str = done["merge"]["id"]
    return id_


async def _undo(portal: Portal, merge_id: str) -> None:
    undone = await portal.do(documents.UNDO_MERGE, {"mergeId": merge_id, "reason": "Two people"})
    assert undone["leftovers"] == []


async def test_an_import_changes_nothing_after_a_merge_nor_after_its_undoing(
    portal: Portal, district: District, bring_in: BringIn, files: RosterFiles
) -> None:
    await bring_in(files)
    await at_desk(portal, district, Role.REGISTRAR)
    before = await everything(but=GROWING)
    merges = []
    for kind, keep, merge in (("Guardian", "rosa", "rosa2"), ("Student", "ana", "ana2")):
        merges.append(await _merge(portal, kind, keep, merge))
        merged = await everything(but=GROWING)
        for _ in range(2):
            done = await bring_in(files)
            assert (done.changes, [each.missing for each in done.counts.values() if each.missing]) == (0, [])
            assert await everything(but=GROWING) == merged
    for merge_id in reversed(merges):
        await _undo(portal, merge_id)
        assert (await bring_in(files)).changes == 0
    assert await everything(but=GROWING) == before


async def test_the_record_that_took_the_other_in_may_be_the_second_or_be_taken_in_itself(
    portal: Portal, district: District, bring_in: BringIn, files: RosterFiles
) -> None:
    files.add("users.csv", **files.user("rosa") | {"sourcedId": "rosa3"})
    files.add(
        "relationships.csv", studentSourcedId="cal", contactSourcedId="rosa3", legalGuardian="true", portal="true"
    )
    await bring_in(files)
    await at_desk(portal, district, Role.REGISTRAR)
    before = await everything(but=GROWING)
    first = await _merge(portal, "Guardian", "rosa2", "rosa")
    assert (await bring_in(files)).changes == 0
    second = await _merge(portal, "Guardian", "rosa3", "rosa2")
    assert (await bring_in(files)).changes == 0
    goes_on = await Person.get(source_id="rosa3")
    assert await Guardianship.filter(guardian_id=goes_on.id).count() == 4
    await _undo(portal, second)
    await _undo(portal, first)
    assert await everything(but=GROWING) == before


async def test_what_a_later_set_says_of_the_merged_record_comes_to_the_one_that_goes_on(
    portal: Portal, district: District, bring_in: BringIn, files: RosterFiles
) -> None:
    await bring_in(files)
    await at_desk(portal, district, Role.REGISTRAR)
    await _merge(portal, "Guardian", "rosa", "rosa2")
    await _merge(portal, "Student", "ana", "ana2")
    rosa, rosa2, ana, ana2 = [await Person.get(source_id=each) for each in ("rosa", "rosa2", "ana", "ana2")]
    files.user("rosa2")["familyName"] = "Lund-Ody"
    files.user("ana2")["familyName"] = "Lund-Ody"
    files.add("results.csv", sourcedId="r3", status="active", lineItemSourcedId="l1", studentSourcedId="ana2",
              scoreStatus="fully graded", score="88")  # fmt: skip
    files.add("relationships.csv", studentSourcedId="cal", contactSourcedId="rosa2", relation="aunt")
    files.tie("ben", "rosa2")["portal"] = "false"
    await bring_in(files)
    assert [(await Person.get(id=each.id)).family for each in (rosa, rosa2, ana, ana2)] == ["Lund"] * 4
    assert not await Student.exists(id=ana2.id)
    assert await Account.filter(person_id__in=[rosa2.id, ana2.id]).exclude(disabled_reason="MERGED").count() == 0
    assert (await Grade.get(source_id="r3")).student_id == ana.id
    assert await Guardianship.filter(guardian_id=rosa2.id).count() == 0
    ben = await Guardianship.get(guardian_id=rosa.id, student_id=(await Person.get(source_id="ben")).id)
    assert not ben.portal_access
    assert await Enrolment.filter(student_id=ana.id, school_id=(await School.get(source_id="n")).id).count() == 1


async def test_a_record_that_the_set_names_only_by_the_merged_ones_id_goes_on(
    portal: Portal, district: District, bring_in: BringIn, files: RosterFiles
) -> None:
    await bring_in(files)
    await at_desk(portal, district, Role.REGISTRAR)
    ben = await Person.get(source_id="ben")
    by_hand = await district.person("Nell", "Ody")
    await district.guardianship(by_hand.id, ben.id)
    nell = await Person.get(source_id="nell")
    ids = {"keepId": global_id("Guardian", by_hand.id), "mergeId": global_id("Guardian", nell.id), "reason": "Same"}
    before = await everything(but=GROWING)
    merge_id = (await portal.do(documents.MERGE_PEOPLE, ids))["merge"]["id"]
    assert (await Person.get(source_id="nell")).id == by_hand.id
    await _undo(portal, merge_id)
    assert await everything(but=GROWING) == before


async def test_a_proof_that_was_taken_over_stays(
    portal: Portal, district: District, bring_in: BringIn, files: RosterFiles
) -> None:
    files.user("ana")["metadata.ssn"] = ""
    await bring_in(files)
    await at_desk(portal, district, Role.REGISTRAR)
    await _merge(portal, "Student", "ana", "ana2")
    assert (await bring_in(files)).changes == 0
    assert (await Student.get(id=(await Person.get(source_id="ana")).id)).ssn_state == SsnState.ON_FILE


async def test_all_restrictions_stay_and_a_longer_one_in_the_set_makes_its_own_longer(
    portal: Portal, district: District, bring_in: BringIn, files: RosterFiles
) -> None:
    await bring_in(files)
    await at_desk(portal, district, Role.REGISTRAR)
    await _merge(portal, "Student", "ana", "ana2")
    hugo, ana = await Person.get(source_id="hugo"), await Person.get(source_id="ana")
    tie = await Guardianship.get(guardian_id=hugo.id, student_id=ana.id)

    async def days() -> set[tuple[str, str]]:
        return {(str(each.begins_on), str(each.ends_on)) for each in await Restriction.filter(guardianship_id=tie.id)}

    assert await days() == {("2026-09-01", "None"), ("2026-08-01", "2026-12-01")}
    assert tie.status == GuardianshipStatus.CONFIRMED
    files.tie("ana2", "hugo")["endDate"] = "2027-06-01"
    assert (await bring_in(files)).changes == 1
    assert len(await days()) == 2
    assert (await bring_in(files)).changes == 0


async def test_no_merge_begins_while_a_set_is_brought_in(
    portal: Portal, district: District, bring_in: BringIn, files: RosterFiles
) -> None:
    await bring_in(files)
    await at_desk(portal, district, Role.REGISTRAR)
    ids = [global_id("Guardian", (await Person.get(source_id=each)).id) for each in ("rosa", "rosa2")]
    said = {"keepId": ids[0], "mergeId": ids[1], "reason": "One person"}
    async with sql.transaction():
        await sql.rows(f"SELECT pg_advisory_xact_lock({MERGE_LOCK})")
        refused = await _elsewhere(portal, said)
    assert (refused["__typename"], refused["status"]) == ("WrongState", "IMPORT_RUNNING")


async def _elsewhere(portal: Portal, said: dict[str, str]) -> Any:
    """In a task of its own, which has none of this one's transaction."""
    return await asyncio.get_running_loop().create_task(
        portal.do(documents.MERGE_PEOPLE, said), context=contextvars.Context()
    )


# ------------------------------------------------------------------------------------------------ what is decided
async def test_a_household_that_a_registrar_corrected_is_left_alone(bring_in: BringIn, files: RosterFiles) -> None:
    await bring_in(files)
    await Household.filter(source_id="h1").update(street="99 Elm St", phone=None, decided_by="REGISTRAR")
    files.row("households.csv", 3)["streetAddress"] = "PO Box 10"
    done = await bring_in(files)
    assert done.counts["households"].changed == 1
    assert (await Household.get(source_id="h1")).street == "99 Elm St"
    assert (await Household.get(source_id="h2")).street == "PO Box 10"
    await Household.filter(source_id="h1").update(decided_by="ROSTER")
    await bring_in(files)
    assert (await Household.get(source_id="h1")).street == "12 Oak St"


@pytest.mark.parametrize(
    ("ended", "first_day", "comes_back"),
    [
        ("2026-09-30", "", False),
        ("2026-09-30", "2026-01-15", False),
        ("2026-09-30", "2026-10-02", True),
        (None, "2026-10-02", False),
    ],
)
async def test_a_membership_that_a_registrar_ended_or_made_is_left_alone(
    bring_in: BringIn, files: RosterFiles, ended: str | None, first_day: str, *, comes_back: bool
) -> None:
    await bring_in(files)
    rosa, home = await Person.get(source_id="rosa"), await Household.get(source_id="h1")
    theirs = HouseholdMember.filter(person_id=rosa.id, household_id=home.id)
    await theirs.update(ends_on=ended, is_secondary=True, decided_by="REGISTRAR")
    rows = files.rows["householdMembers.csv"]
    next(row for row in rows if row["userSourcedId"] == "rosa")["beginDate"] = first_day
    for _ in range(2):
        await bring_in(files)
        kept = await theirs.order_by("id")
        assert len(kept) == 1 + comes_back
        assert (str(kept[0].ends_on), kept[0].is_secondary) == (str(ended), True)

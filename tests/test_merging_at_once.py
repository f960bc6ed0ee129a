"""A merge, or its undoing, while others work on the same people: whoever comes second waits, and both are done."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from db import sql
from db.context import Role
from db.models import Account, AccountStatus, HouseholdMember, Purpose, School, Verification
from db.models import VerificationState as State
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal
from tests.desk import at_desk
from tests.district import Adult, District, Pupil
from tests.holding import Write, held_up, until
from tests.test_households import END, LINK

NINE_MINUTES = timedelta(minutes=9)
#: A step of a merge, or of its undoing, after it has locked all that it locks.
IN_THE_MIDST = Write("guardianship", "UPDATE")


class Twice:
    """Maria is on record twice, each time with a child at Lakeside. A registrar and a colleague are signed in."""

    registrar: Portal
    colleague: Portal
    district: District
    school: School
    maria: Adult
    twin: Adult
    theo: Pupil

    def merge(self) -> asyncio.Task[Answer]:
        said = {"keepId": global_id("Guardian", self.maria.id), "mergeId": global_id("Guardian", self.twin.id)}
        return asyncio.create_task(self.registrar.do(documents.MERGE_PEOPLE, said | {"reason": "One person"}))


@pytest.fixture
async def twice(portal: Portal, district: District) -> AsyncIterator[Twice]:
    made = Twice()
    made.registrar, made.district, made.school = portal, district, await district.school()
    made.theo = await district.student("Theo", school=made.school)
    made.maria = await district.guardian(await district.student(school=made.school))
    made.twin = await district.guardian(made.theo)
    await at_desk(portal, district, Role.REGISTRAR, made.school)
    made.colleague = Portal(portal.app, address="203.0.113.70")
    async with made.colleague.http:
        yield made


async def _two_wait() -> bool | None:
    [row] = await sql.rows("SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    return row["n"] == 2 or None


async def test_the_designee_who_helps_one_of_them_and_the_merge_are_both_done(twice: Twice, database_url: str) -> None:
    """The one holds the verification and waits for the account; the other must not do it the other way round."""
    await twice.district.opened(twice.twin, "mquimby")
    dana, now = await at_desk(twice.colleague, twice.district, Role.DESIGNEE, twice.school), twice.district.ctx.now
    passed = await Verification.create(designee_id=dana.id, requester_id=twice.twin.id, student_id=twice.theo.id,
                                       purpose=Purpose.DISABLE, questions=[], attempts_left=3, state=State.PASSED,
                                       started_at=now, passed_at=now, expires_at=now + NINE_MINUTES)  # fmt: skip
    asked = {"verificationId": global_id("Verification", passed.id), "reason": "Lost her telephone"}
    async with held_up(database_url, IN_THE_MIDST) as hold:
        merging = twice.merge()
        await hold.waiter(merging)
        helping = asyncio.create_task(twice.colleague.do(documents.DISABLE_ACCOUNT, asked))
        await until(_two_wait)
        await hold.release()
        merged, helped = await merging, await helping
    assert (merged["__typename"], helped["__typename"]) == ("PeopleMerged", "AccountChanged")
    assert (await Account.get(id=twice.twin.account_id)).status is AccountStatus.DISABLED


@pytest.mark.parametrize("change", ["link", "end"])
async def test_a_household_that_is_changed_while_a_merge_is_undone_keeps_nobody_waiting_for_ever(
    twice: Twice, database_url: str, change: str
) -> None:
    """The undoing puts a membership back into the household that the other one holds."""
    home = await twice.district.household(twice.maria, twice.twin, twice.theo)
    merged = await twice.merge()
    await at_desk(twice.colleague, twice.district, Role.REGISTRAR, twice.school, given="Lee")
    said: dict[str, Any] = {
        "householdId": global_id("Household", home.id),
        "personId": global_id("Guardian", twice.maria.id),
    }
    document, midst = LINK, IN_THE_MIDST
    if change == "end":
        document, said = END, said | {"until": "2026-12-31", "reason": "Moved out"}
        midst = Write("household_member", "UPDATE")
    async with held_up(database_url, midst) as hold:
        undoing = asyncio.create_task(
            twice.registrar.do(documents.UNDO_MERGE, {"mergeId": merged["merge"]["id"], "reason": "Two people"})
        )
        await hold.waiter(undoing)
        changing = asyncio.create_task(twice.colleague.do(document, said))
        await until(_two_wait)
        await hold.release()
        undone, changed = await undoing, await changing
    expected = "InvalidInput" if change == "link" else "HouseholdChanged"
    assert (undone["__typename"], changed["__typename"]) == ("MergeUndone", expected)
    assert await HouseholdMember.filter(household_id=home.id).count() == 3


async def test_a_guardianship_with_a_record_that_is_merged_meanwhile_is_not_recorded(
    twice: Twice, database_url: str
) -> None:
    """Nora is on record twice; a colleague records her grandmother for the record that goes."""
    kept = await twice.district.student(school=twice.school)
    gone = await twice.district.student(school=twice.school)
    await twice.district.guardianship(twice.twin.id, gone.id)
    rosa = await twice.district.guardian(given="Rosa")
    ids = {"keepId": global_id("Student", kept.id), "mergeId": global_id("Student", gone.id)}
    pair = {"guardianId": global_id("Guardian", rosa.id), "studentId": global_id("Student", gone.id)}
    said = {"relationship": "grandmother", "evidence": "Birth certificate seen"}
    await at_desk(twice.colleague, twice.district, Role.REGISTRAR, twice.school, given="Lee")
    async with held_up(database_url, IN_THE_MIDST) as hold:
        choice = ids | {"reason": "Twice on record"}
        merging = asyncio.create_task(twice.registrar.do(documents.MERGE_PEOPLE, choice))
        await hold.waiter(merging)
        recording = asyncio.create_task(twice.colleague.do(documents.RECORD_GUARDIANSHIP, pair | said))
        await until(_two_wait)
        await hold.release()
        merged, recorded = await merging, await recording
    assert (merged["__typename"], recorded["__typename"]) == ("PeopleMerged", "NotFound")

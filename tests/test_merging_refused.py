"""Who may not make one record of two, and when it cannot be done: each no as a table, each of them changing nothing."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import pytest

from db import sql
from db.context import Role
from db.models import HouseholdMember, Purpose, School, Verification
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal
from tests.desk import at_desk
from tests.district import PASSWORD, Adult, District, Pupil
from tests.tables import everything
from tests.test_merging_undone import GROWING


class Office:
    """Two records of Maria at Lakeside, and two of Nora; whoever is signed in tries."""

    def __init__(self, portal: Portal, district: District) -> None:
        self.portal, self.district = portal, district
        self.school: School
        self.nora: Pupil
        self.theo: Pupil
        self.maria: Adult
        self.twin: Adult

    async def open(self) -> "Office":
        self.school = await self.district.school()
        self.nora = await self.district.student(school=self.school)
        self.theo = await self.district.student(school=self.school)
        self.maria = await self.district.guardian(self.nora)
        self.twin = await self.district.guardian(self.theo)
        return self

    @property
    def guardians(self) -> dict[str, str]:
        return {"keepId": global_id("Guardian", self.maria.id), "mergeId": global_id("Guardian", self.twin.id)}

    @property
    def students(self) -> dict[str, str]:
        return {"keepId": global_id("Student", self.nora.id), "mergeId": global_id("Student", self.theo.id)}

    async def refused(self, said: Mapping[str, str]) -> Answer:
        """What preview and step say alike; nothing has changed."""
        before = await everything(but=GROWING)
        previewed = (await self.portal.ask(documents.MERGE_PREVIEW, {"input": said}))["mergePreview"]
        answer = await self.portal.do(documents.MERGE_PEOPLE, {**said, "reason": "One person"})
        assert await everything(but=GROWING) == before
        if answer["__typename"] == "WrongState":
            assert answer["status"] in [each["kind"] for each in previewed["obstacles"]]
        else:
            assert answer == previewed
        return answer


@pytest.fixture
async def office(portal: Portal, district: District) -> Office:
    return await Office(portal, district).open()


# ------------------------------------------------------------------------------------------------ by whom
@pytest.mark.parametrize("role", [Role.DESIGNEE, Role.REPORTER, Role.TECHNOLOGY, Role.ADMINISTRATOR])
async def test_no_other_role_may(office: Office, role: Role) -> None:
    await at_desk(office.portal, office.district, role)
    for said in (office.guardians, office.students, {"keepId": "nonsense", "mergeId": "nothing"}):
        assert (await office.refused(said))["missing"] == ["ROLE"]


async def test_neither_a_stranger_nor_the_person_may(office: Office) -> None:
    assert (await office.refused(office.guardians))["missing"] == ["SIGNED_IN"]
    await office.district.opened(office.maria, "maria.q")
    await office.portal.login("maria.q", PASSWORD)
    assert (await office.refused(office.guardians))["missing"] == ["ROLE"]


@pytest.mark.parametrize("kind", ["guardians", "students"])
async def test_one_student_at_another_school_is_one_too_many(office: Office, kind: str) -> None:
    hillside = await office.district.school("Hillside")
    await sql.execute("UPDATE enrolment SET school_id = $1 WHERE student_id = $2", hillside.id, office.theo.id)
    for school in (office.school, hillside):
        await at_desk(office.portal, office.district, Role.REGISTRAR, school)
        assert (await office.refused(getattr(office, kind)))["missing"] == ["SAME_SCHOOL"]
    await at_desk(office.portal, office.district, Role.REGISTRAR)
    done = await office.portal.do(documents.MERGE_PEOPLE, getattr(office, kind) | {"reason": "One person"})
    assert done["__typename"] == "PeopleMerged"
    await at_desk(office.portal, office.district, Role.REGISTRAR, office.school)
    undo = {"mergeId": done["merge"]["id"], "reason": "Two people"}
    seen = (await office.portal.ask(documents.MERGES))["merges"]["edges"]
    undone = await office.portal.do(documents.UNDO_MERGE, undo)
    if kind == "guardians":
        # Theo is at Hillside still.
        assert (undone.get("missing"), seen) == (["SAME_SCHOOL"], [])


@pytest.mark.parametrize("how", ["both", "kept", "merged"])
async def test_guardians_without_a_student_are_the_districts(office: Office, how: str) -> None:
    """Whichever of the two it is: with any own guardian beside it, a registrar could look up whoever has none."""
    alone = [await office.district.guardian(given="Otto") for _ in range(2)]
    keep = office.maria if how == "merged" else alone[0]
    merge = office.maria if how == "kept" else alone[1]
    said = {"keepId": global_id("Guardian", keep.id), "mergeId": global_id("Guardian", merge.id)}
    await at_desk(office.portal, office.district, Role.REGISTRAR, office.school)
    assert (await office.refused(said))["missing"] == ["SAME_SCHOOL"]
    await at_desk(office.portal, office.district, Role.REGISTRAR)
    done = await office.portal.do(documents.MERGE_PEOPLE, said | {"reason": "One person"})
    assert done["__typename"] == "PeopleMerged"


@pytest.mark.parametrize("tie", ["guardian", "household", "oneself"])
async def test_nobody_merges_the_own_family(office: Office, tie: str) -> None:
    clerk = await at_desk(office.portal, office.district, Role.REGISTRAR, office.school)
    said = office.guardians
    if tie == "guardian":
        await office.district.guardianship(clerk.id, office.theo.id)
    elif tie == "household":
        home = await office.district.household(office.twin)
        await HouseholdMember.create(household_id=home.id, person_id=clerk.id)
    else:
        await office.district.guardianship(clerk.id, office.nora.id)
        said = {"keepId": global_id("Guardian", clerk.id), "mergeId": global_id("Guardian", office.twin.id)}
    assert (await office.refused(said))["missing"] == ["NOT_RELATED"]


# ------------------------------------------------------------------------------------------------ what
async def _staff(office: Office) -> dict[str, str]:
    await sql.execute("INSERT INTO role_assignment (person_id, role) VALUES ($1, 'designee')", office.twin.id)
    return office.guardians


async def _also_student(office: Office) -> dict[str, str]:
    await office.district.guardianship(office.theo.id, office.nora.id)
    return {"keepId": global_id("Guardian", office.maria.id), "mergeId": global_id("Guardian", office.theo.id)}


async def _related(office: Office) -> dict[str, str]:
    await office.district.guardianship(office.nora.id, office.theo.id)
    return office.students


async def _verified(office: Office) -> dict[str, str]:
    now = office.district.ctx.now
    await Verification.create(designee_id=office.maria.id, requester_id=office.twin.id, student_id=office.theo.id,
                              purpose=Purpose.RESET, attempts_left=3, started_at=now,
                              expires_at=now + timedelta(minutes=30))  # fmt: skip
    return office.guardians


async def _merged(office: Office) -> dict[str, str]:
    third = await office.district.guardian(office.nora, given="Maria")
    said = {"keepId": global_id("Guardian", third.id), "mergeId": global_id("Guardian", office.twin.id)}
    await office.portal.do(documents.MERGE_PEOPLE, said | {"reason": "One person"})
    return office.guardians


async def _into_merged(office: Office) -> dict[str, str]:
    said = await _merged(office)
    return {"keepId": said["mergeId"], "mergeId": said["keepId"]}


@pytest.mark.parametrize(
    ("prepare", "status"),
    [
        (_staff, "STAFF"),
        (_also_student, "ALSO_STUDENT"),
        (_related, "RELATED"),
        (_verified, "VERIFIED_BY_KEPT"),
        (_merged, "MERGED"),
        (_into_merged, "MERGED"),
    ],
)
async def test_what_stands_in_the_way(
    office: Office, prepare: Callable[[Office], Awaitable[dict[str, str]]], status: str
) -> None:
    await at_desk(office.portal, office.district, Role.REGISTRAR, office.school)
    refused = await office.refused(await prepare(office))
    assert (refused["__typename"], refused["status"]) == ("WrongState", status)


async def test_somebody_on_the_staff_may_be_kept(office: Office) -> None:
    await sql.execute("INSERT INTO role_assignment (person_id, role) VALUES ($1, 'designee')", office.maria.id)
    await at_desk(office.portal, office.district, Role.REGISTRAR, office.school)
    done = await office.portal.do(documents.MERGE_PEOPLE, office.guardians | {"reason": "One person"})
    assert done["__typename"] == "PeopleMerged"


async def test_what_cannot_be_meant(office: Office) -> None:
    await at_desk(office.portal, office.district, Role.REGISTRAR, office.school)
    maria, nora = office.guardians["keepId"], office.students["keepId"]
    other = global_id("Account", office.nora.account_id)
    staff = await office.district.staff(Role.DESIGNEE, office.school)
    table: list[tuple[dict[str, str], str, str | None]] = [
        ({"keepId": maria, "mergeId": maria}, "InvalidInput", "mergeId"),
        ({"keepId": maria, "mergeId": nora}, "InvalidInput", "mergeId"),
        (office.guardians | {"keepAccountId": other}, "InvalidInput", "keepAccountId"),
        (office.guardians | {"keepAccountId": "nonsense"}, "InvalidInput", "keepAccountId"),
        ({"keepId": maria, "mergeId": global_id("Guardian", 10**9)}, "NotFound", None),
        ({"keepId": maria, "mergeId": global_id("Guardian", staff.id)}, "NotFound", None),
        ({"keepId": global_id("Student", office.maria.id), "mergeId": nora}, "NotFound", None),
        ({"keepId": maria, "mergeId": global_id("Account", office.twin.account_id)}, "NotFound", None),
    ]
    for said, type_, field in table:
        refused = await office.refused(said)
        assert refused["__typename"] == type_, said
        assert field is None or refused["fields"][0]["path"] == ["input", field]
    for reason in ("", "SSN 520-45-6001"):
        refused = await office.portal.do(documents.MERGE_PEOPLE, office.guardians | {"reason": reason})
        assert refused["fields"][0]["path"] == ["input", "reason"]
        refused = await office.portal.do(documents.UNDO_MERGE, {"mergeId": "nonsense", "reason": reason})
        assert refused["fields"][0]["path"] == ["input", "reason"]
    refused = await office.portal.do(documents.UNDO_MERGE, {"mergeId": "nonsense", "reason": "Two people"})
    assert refused["__typename"] == "NotFound"

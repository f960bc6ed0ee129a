"""A registrar's office for the tests: a registrar who is signed in, and a family whose record is to be put right."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from db.context import Role
from db.models import Guardianship, GuardianshipStatus, School
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal
from tests.desk import at_desk
from tests.district import PASSWORD, Adult, District, Pupil

REASON = "Court papers were shown"


@dataclass
class Office:
    """Carla is registrar at Lakeside, where Nora and Sam go to school; Maria is their mother, and signed in as well."""

    portal: Portal
    #: Where Maria is signed in.
    home: Portal
    district: District
    school: School
    carla: Adult
    nora: Pupil
    sam: Pupil
    maria: Adult

    async def tie(self, guardian: Adult | None = None, student: Pupil | None = None) -> Guardianship:
        """The row as it stands: Maria's and Nora's, unless told otherwise."""
        guardian, student = guardian or self.maria, student or self.nora
        return await Guardianship.get(guardian_id=guardian.id, student_id=student.id)

    async def decide(self, document: str, tie: Guardianship, **more: Any) -> Answer:
        """What becomes of a decision about a guardianship."""
        return await self.portal.do(document, {"guardianshipId": global_id("Guardianship", tie.id)} | more)

    async def confirm(self, tie: Guardianship) -> Answer:
        return await self.decide(documents.CONFIRM_GUARDIANSHIP, tie, evidence="Birth certificate seen")

    async def revoke(self, tie: Guardianship) -> Answer:
        return await self.decide(documents.REVOKE_GUARDIANSHIP, tie, reason=REASON)

    async def restrict(self, tie: Guardianship, begins_on: date | None = None, ends_on: date | None = None) -> Answer:
        """From today on, unless told otherwise."""
        days = {
            "from": (begins_on or self.district.ctx.today).isoformat(),
            "until": ends_on.isoformat() if ends_on else None,
        }
        return await self.decide(documents.RESTRICT_GUARDIANSHIP, tie, kind="no contact", reason=REASON, **days)

    async def lift(self, tie: Guardianship) -> Answer:
        return await self.decide(documents.LIFT_RESTRICTION, tie, reason="The order was lifted")

    async def mark(self, tie: Guardianship, *, allowed: bool) -> Answer:
        return await self.decide(documents.SET_PORTAL_ACCESS, tie, allowed=allowed, reason="Both parents asked for it")

    async def consent(self, tie: Guardianship, *, given: bool) -> Answer:
        return await self.decide(documents.RECORD_CONSENT, tie, given=given, evidence="Signed at the front office")

    async def record(self, guardian_id: int, student: Pupil, **more: Any) -> Answer:
        pair = {"guardianId": global_id("Guardian", guardian_id), "studentId": global_id("Student", student.id)}
        said = {"relationship": "stepfather", "evidence": "Marriage certificate seen"}
        return await self.portal.do(documents.RECORD_GUARDIANSHIP, pair | said | more)


async def open_office(portal: Portal, home: Portal, district: District) -> Office:
    """An ordinary morning: nothing is to be put right yet."""
    school = await district.school()
    nora, sam = await district.student(school=school), await district.student("Sam", school=school)
    maria = await district.guardian(nora, sam, email="maria@example.org")
    await district.opened(maria, "maria.q")
    await home.login("maria.q", PASSWORD)
    carla = await at_desk(portal, district, Role.REGISTRAR, school, given="Carla")
    return Office(portal, home, district, school, carla, nora, sam, maria)


async def another_guardian(
    district: District,
    student: Pupil,
    given: str = "Hugo",
    *,
    status: GuardianshipStatus = GuardianshipStatus.CONFIRMED,
    **more: Any,
) -> tuple[Adult, Guardianship]:
    """One more guardian of a student, with an address, and what ties the two."""
    guardian = await district.guardian(
        student, given=given, email=f"{given.casefold()}@example.org", status=status, **more
    )
    return guardian, await Guardianship.get(guardian_id=guardian.id, student_id=student.id)

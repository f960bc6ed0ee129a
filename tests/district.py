"""A small district of a test's own: people are put in as the test's story needs them."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any

from db.context import Capacity, Context, Role
from db.models import (
    Account,
    AccountStatus,
    AttendanceEvent,
    Enrolment,
    Grade,
    Guardianship,
    GuardianshipStatus,
    Household,
    HouseholdMember,
    Person,
    Restriction,
    RoleAssignment,
    School,
    SsnState,
    Student,
)
from policies.usernames import folded

PASSWORD = "lantern orchard seven kites"


@dataclass(slots=True)
class Pupil:
    """A student, with what a parent would know."""

    id: int
    number: str
    birth_date: date
    ssn: str
    account_id: int

    @property
    def proofs(self) -> tuple[str, str, str]:
        return self.number, self.birth_date.isoformat(), self.ssn


@dataclass(slots=True)
class Adult:
    """A guardian or a member of staff."""

    id: int
    given: str
    family: str
    email: str | None
    account_id: int
    username: str | None = None

    @property
    def name(self) -> dict[str, str]:
        return {"given": self.given, "family": self.family}


class District:
    """Puts people on record, straight into the tables; every journey from there on goes through GraphQL."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self._serial = count(1)

    async def school(self, name: str = "Lakeside Middle School", phone: str | None = "(555) 555-0100") -> School:
        return await School.create(name=name, phone=phone)

    async def person(self, given: str, family: str, email: str | None = None, **more: Any) -> Person:
        folded_email = email.casefold() if email else None
        return await Person.create(given=given, family=family, email=email, email_folded=folded_email, **more)

    async def student(
        self,
        given: str = "Nora",
        family: str = "Quimby",
        *,
        number: str | None = None,
        born: date = date(2013, 4, 9),
        ssn: str | None = None,
        school: School | None = None,
        **more: Any,
    ) -> Pupil:
        """A student with an SSN on file (`ssn=""` for none)."""
        serial = next(self._serial)
        number = number or f"00{4100 + serial}"
        ssn = f"52{serial % 10}45{6000 + serial}" if ssn is None else ssn
        person = await self.person(given, family)
        proof: dict[str, Any] = {}
        if ssn:
            proof = {
                "ssn_state": SsnState.ON_FILE,
                "ssn_proof": self.ctx.keys.ssn_proof(ssn),
                "ssn_proof_version": self.ctx.keys.current,
            }
        await Student.create(id=person.id, student_number=number, birth_date=born, **proof, **more)
        if school is not None:
            await Enrolment.create(student_id=person.id, school_id=school.id, grade_level="07")
        account = await Account.create(person_id=person.id, capacity=Capacity.STUDENT)
        return Pupil(person.id, number, born, ssn, account.id)

    async def guardian(
        self,
        *students: Pupil,
        given: str = "Maria",
        family: str = "Quimby",
        email: str | None = None,
        **guardianship: Any,
    ) -> Adult:
        """A guardian, confirmed and marked for the portal unless told otherwise."""
        person = await self.person(given, family, email)
        account = await Account.create(person_id=person.id, capacity=Capacity.GUARDIAN)
        for student in students:
            await self.guardianship(person.id, student.id, **guardianship)
        return Adult(person.id, given, family, email, account.id)

    async def guardianship(
        self,
        guardian_id: int,
        student_id: int,
        *,
        status: GuardianshipStatus = GuardianshipStatus.CONFIRMED,
        portal_access: bool = True,
        **more: Any,
    ) -> Guardianship:
        dates: dict[str, Any] = {}
        if status is not GuardianshipStatus.CLAIMED:
            dates["confirmed_at"] = self.ctx.now
        if status is GuardianshipStatus.REVOKED:
            dates["revoked_at"] = self.ctx.now
        return await Guardianship.create(
            guardian_id=guardian_id,
            student_id=student_id,
            relationship="mother",
            status=status,
            portal_access=portal_access,
            **dates,
            **more,
        )

    async def restrict(
        self, guardian: Adult, student: Pupil, *, begins_on: date | None = None, ends_on: date | None = None
    ) -> Restriction:
        guardianship = await Guardianship.get(guardian_id=guardian.id, student_id=student.id)
        return await Restriction.create(
            guardianship_id=guardianship.id,
            kind="no contact",
            begins_on=begins_on or self.ctx.today,
            ends_on=ends_on,
        )

    async def household(
        self,
        *members: Adult | Pupil,
        street: str | None = "1200 Saint Mary's Street Apt 4",
        city: str | None = "Cedar Hollow",
        state: str | None = "TX",
        postal_code: str | None = "78699",
        phone: str | None = "(512) 555-0134",
        until: date | None = None,
    ) -> Household:
        """A mailing address and a telephone, shared by these people from long ago on."""
        home = await Household.create(
            name="Home", street=street, city=city, state=state, postal_code=postal_code, phone=phone
        )
        for member in members:
            await HouseholdMember.create(household_id=home.id, person_id=member.id, ends_on=until)
        return home

    async def staff(
        self, role: Role, school: School | None = None, *, given: str = "Dana", family: str = "Ito"
    ) -> Adult:
        person = await self.person(given, family)
        await RoleAssignment.create(person_id=person.id, role=role, school_id=school.id if school else None)
        account = await Account.create(person_id=person.id, capacity=Capacity.STAFF)
        return Adult(person.id, given, family, None, account.id)

    async def opened(self, someone: Adult | Pupil, username: str, password: str = PASSWORD) -> None:
        """The account is open, as if activated some time ago."""
        await Account.filter(id=someone.account_id).update(
            status=AccountStatus.ACTIVE,
            username=username,
            username_folded=folded(username),
            password_hash=await self.ctx.hasher.hash(password),
            activated_at=self.ctx.now - timedelta(days=30),
        )

    async def records(self, student: Pupil, school: School, *, grades: int = 7, events: int = 3) -> None:
        """Grades and attendance events, one a day, back from today."""
        for back in range(grades):
            day = self.ctx.today - timedelta(days=back)
            await Grade.create(
                student_id=student.id,
                course="Mathematics",
                title=f"Quiz {back}",
                score="9",
                maximum="10",
                scored_on=day,
            )
        for back in range(events):
            day = self.ctx.today - timedelta(days=back)
            await AttendanceEvent.create(
                student_id=student.id, school_id=school.id, happened_on=day, category="Tardy", reason=f"bus {back}"
            )

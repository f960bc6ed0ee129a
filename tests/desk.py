"""A front office for the tests: a designee who is signed in, a family that calls, and the way to be verified."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from db.context import Role
from db.models import School
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal
from tests.district import PASSWORD, Adult, District, Pupil

RIGHT = {
    "PARENT_NAME": "Maria Quimby",
    "STUDENT_NAME": "Nora Quimby",
    "MAILING_ADDRESS": "1200 Saint Marys St #4, Cedar Hollow, TX 78699",
    "HOME_PHONE": "512.555.0134",
}
QUESTIONS = ["PARENT_NAME", "STUDENT_NAME", "MAILING_ADDRESS", "HOME_PHONE", "STUDENT_SSN"]


@dataclass
class Desk:
    """Dana Ito is designee at Lakeside; Nora goes to school there, and Maria is her mother. Both have an account."""

    portal: Portal
    district: District
    school: School
    dana: Adult
    nora: Pupil
    maria: Adult

    @property
    def right(self) -> dict[str, str]:
        """What Maria answers to the five questions."""
        return RIGHT | {"STUDENT_SSN": self.nora.ssn}

    async def start(
        self, purpose: str, *, guardian: Adult | None = None, student: Pupil | None = None, by_student: bool = False
    ) -> Answer:
        """As Maria, about Nora, unless told otherwise."""
        caller = {} if by_student else {"guardianId": global_id("Guardian", (guardian or self.maria).id)}
        about = {"studentId": global_id("Student", (student or self.nora).id), "purpose": purpose}
        return await self.portal.do(documents.START_VERIFICATION, caller | about)

    async def answer(self, verification_id: str, said: Mapping[str, str | None]) -> Answer:
        return await self.portal.do(documents.ANSWER_VERIFICATION, answers_input(verification_id, said))

    async def verified(self, purpose: str, said: Mapping[str, str | None] | None = None, **whom: Any) -> str:
        """A verification that has passed: its id."""
        started = await self.start(purpose, **whom)
        assert started["__typename"] == "VerificationStarted", started
        passed = await self.answer(started["verificationId"], said or self.right)
        assert passed["__typename"] == "VerificationPassed", passed
        found: str = passed["verificationId"]
        return found

    async def look_up(self, verification_id: str, **more: Any) -> Answer:
        return await self.portal.do(documents.LOOK_UP_ACCOUNT, {"verificationId": verification_id} | more)

    async def reset(self, verification_id: str, reason: str = "Forgot the password", **more: Any) -> Answer:
        choice = {"verificationId": verification_id, "reason": reason} | more
        return await self.portal.do(documents.RESET_ACCOUNT, choice)

    async def enable(self, verification_id: str, reason: str = "Mistyped too often", **more: Any) -> Answer:
        choice = {"verificationId": verification_id, "reason": reason} | more
        return await self.portal.do(documents.ENABLE_ACCOUNT, choice)

    async def disable(self, verification_id: str, reason: str = "Lost her telephone", **more: Any) -> Answer:
        choice = {"verificationId": verification_id, "reason": reason} | more
        return await self.portal.do(documents.DISABLE_ACCOUNT, choice)


def answers_input(verification_id: str, said: Mapping[str, str | None]) -> dict[str, Any]:
    """The input of `answerVerification`."""
    answers = [{"question": question, "answer": answer} for question, answer in said.items()]
    return {"verificationId": verification_id, "answers": answers}


async def open_desk(portal: Portal, district: District) -> Desk:
    """The office on an ordinary day; Dana is signed in."""
    school = await district.school()
    dana = await district.staff(Role.DESIGNEE, school)
    nora = await district.student(school=school)
    maria = await district.guardian(nora, email="maria@example.org")
    await district.household(maria, nora)
    await district.opened(dana, "dana.ito")
    await district.opened(maria, "maria.q")
    await district.opened(nora, "nora.q")
    await portal.login("dana.ito", PASSWORD)
    return Desk(portal, district, school, dana, nora, maria)


async def at_desk(
    portal: Portal, district: District, role: Role, school: School | None = None, *, given: str = "Dana"
) -> Adult:
    """Somebody with this role at the school, or in the whole district, who signs in through `portal`."""
    staff = await district.staff(role, school, given=given)
    username = f"{role}.{staff.id}"
    await district.opened(staff, username)
    answer = await portal.login(username, PASSWORD)
    assert answer["__typename"] == "LoggedIn"
    return staff

"""What a guardian is told of a student who is not shown: why, whom to call, and nothing that may not be known."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from db.models import GuardianshipStatus, School
from tests.clients import Answer, Portal
from tests.conftest import Statements
from tests.district import PASSWORD, Adult, District, Pupil

HIDDEN = "{ me { students { name { display } } hiddenStudents { name { display } reason message contact } } }"
#: Words of each message, in both languages.
WORDS = {
    "NOT_CONFIRMED": ("has not confirmed yet", "todavía no ha confirmado"),
    "NOT_MARKED": ("has not opened the portal", "no le ha abierto el portal"),
    "RIGHTS_PASSED": ("is an adult now", "ya es mayor de edad"),
    "WITHHELD": ("cannot be explained here", "aquí no se puede explicar"),
}
SCHOOL = "Lakeside Middle School, (555) 555-0100"
DISTRICT = {"en": "the front office of your school", "es": "la oficina de su escuela"}


@dataclass
class Home:
    """Maria, signed in, who is on record with nobody yet; and a school."""

    portal: Portal
    district: District
    school: School
    maria: Adult

    async def ward(self, given: str, school: School | None = None, **tie: Any) -> Pupil:
        """A student with what ties Maria to them."""
        born = tie.pop("born", date(2013, 4, 9))
        student = await self.district.student(given, school=school or self.school, born=born)
        await self.district.guardianship(self.maria.id, student.id, **tie)
        return student


@pytest.fixture
async def home(portal: Portal, district: District) -> Home:
    maria = await district.guardian()
    await district.opened(maria, "maria.q")
    await portal.login("maria.q", PASSWORD)
    return Home(portal, district, await district.school(), maria)


async def hidden(portal: Portal, language: str = "en") -> list[Answer]:
    portal.http.headers["Accept-Language"] = language
    found: list[Answer] = (await portal.ask(HIDDEN))["me"]["hiddenStudents"]
    for each in found:
        assert WORDS[each["reason"]][language == "es"] in each["message"]
    return found


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    ("tie", "reason", "name"),
    [
        ({"status": GuardianshipStatus.CLAIMED}, "NOT_CONFIRMED", None),
        ({"portal_access": False}, "NOT_MARKED", "Nora Quimby"),
        ({"born": date(2008, 10, 5)}, "RIGHTS_PASSED", "Nora Quimby"),
    ],
)
async def test_the_reason_is_told_and_the_school_to_call(
    home: Home, tie: Any, reason: str, name: str | None, language: str
) -> None:
    await home.ward("Nora", **tie)
    [told] = await hidden(home.portal, language)
    assert (told["reason"], told["contact"]) == (reason, SCHOOL)
    assert told["name"] == (name and {"display": name})
    assert ("Nora" in str(told)) == (name is not None)


@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_court_order_and_a_revocation_look_alike_and_name_nobody(home: Home, language: str) -> None:
    """Each alone, and several of both: the same answer, byte for byte."""
    home.portal.http.headers["Accept-Language"] = language
    nora = await home.ward("Nora", status=GuardianshipStatus.REVOKED)
    answers = [(await home.portal.post(HIDDEN)).content]
    [told] = await hidden(home.portal, language)
    assert (told["reason"], told["name"], told["contact"]) == ("WITHHELD", None, DISTRICT[language])
    theo = await home.ward("Theo")
    await home.district.restrict(home.maria, theo)
    answers.append((await home.portal.post(HIDDEN)).content)
    await home.district.restrict(home.maria, nora)
    answers.append((await home.portal.post(HIDDEN)).content)
    for text in answers:
        assert text == answers[0]
        for private in (b"Nora", b"Theo", b"Lakeside", b"555", b"no contact"):
            assert private not in text


@pytest.mark.parametrize("tie", [{"status": GuardianshipStatus.CLAIMED}, {"portal_access": False}])
async def test_a_restriction_outranks_whatever_else_is_so(home: Home, tie: Any) -> None:
    nora = await home.ward("Nora", **tie)
    await home.district.restrict(home.maria, nora)
    [told] = await hidden(home.portal)
    assert told["reason"] == "WITHHELD"
    assert SCHOOL not in str(told)


async def test_the_school_of_one_is_not_told_for_another_whom_the_guardian_is_kept_away_from(home: Home) -> None:
    secret = await home.district.school("Hillside High School", "(555) 555-0199")
    kept = await home.ward("Theo", secret)
    await home.district.restrict(home.maria, kept)
    await home.ward("Nora", portal_access=False)
    told = await hidden(home.portal)
    assert [(each["reason"], each["contact"]) for each in told] == [
        ("NOT_MARKED", SCHOOL),
        ("WITHHELD", DISTRICT["en"]),
    ]
    assert "Hillside" not in str(told)
    assert "Theo" not in str(told)


async def test_how_many_claims_there_are_is_not_told(home: Home) -> None:
    for given in ("Nora", "Theo", "Ada"):
        await home.ward(given, status=GuardianshipStatus.CLAIMED)
    assert [each["reason"] for each in await hidden(home.portal)] == ["NOT_CONFIRMED"]


async def test_of_students_who_are_shown_nothing_is_said(home: Home) -> None:
    nora = await home.ward("Nora")
    await home.district.restrict(
        home.maria, nora, begins_on=home.district.ctx.today - timedelta(days=9), ends_on=home.district.ctx.today
    )
    await home.ward("Theo")
    me = (await home.portal.ask(HIDDEN))["me"]
    assert [student["name"]["display"] for student in me["students"]] == ["Theo Quimby"]
    assert [each["reason"] for each in me["hiddenStudents"]] == ["WITHHELD"]


async def test_a_student_has_none(home: Home) -> None:
    nora = await home.ward("Nora", portal_access=False)
    await home.district.opened(nora, "nora.q")
    await home.portal.login("nora.q", PASSWORD)
    assert await hidden(home.portal) == []


async def test_it_costs_nothing_where_it_is_not_asked_for(home: Home, statements: Statements) -> None:
    """Two more statements where it is: the students on record, and whom to call."""
    for given in ("Nora", "Theo"):
        await home.ward(given, portal_access=False)
    for query, cost in (("{ me { roles } }", 2), ("{ me { hiddenStudents { reason } } }", 4)):
        statements.take()
        await home.portal.ask(query)
        assert len(statements.take()) == cost

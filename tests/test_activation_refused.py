"""Who is given no activation key: whatever does not match, and whoever may not have one, is told the same."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from db.models import GuardianshipStatus, Restriction, SsnState, Student
from db.trail import Step
from tests import documents
from tests.clients import Portal
from tests.conftest import Clock
from tests.district import District, Pupil
from tests.tables import spent, trail

MARIA = {"given": "Maria", "family": "Quimby"}


@pytest.fixture
async def nora(district: District) -> Pupil:
    return await district.student(number="004101")


async def key_of(portal: Portal, student: Pupil) -> str:
    issued = await portal.request_key(*student.proofs)
    assert issued["__typename"] == "ActivationKeyIssued", issued
    return str(issued["key"])


async def body(portal: Portal, student: Pupil, **changed: Any) -> bytes:
    """The answer to a student's proofs, some of them changed, as it goes over the wire."""
    number, born, ssn = student.proofs
    proofs = {"studentNumber": number, "studentBirthDate": born, "studentSsn": ssn}
    return await portal.wire(documents.REQUEST_KEY, **proofs | changed)


@pytest.fixture
async def refused(portal: Portal, district: District, nora: Pupil) -> bytes:
    """The answer to a wrong SSN: what every other mismatch has to look like."""
    await district.guardian(nora)
    answer = await body(portal, nora, studentSsn="521459999")
    assert b'"NotMatched"' in answer
    return answer


@pytest.mark.parametrize(
    "wrong",
    [
        {"studentBirthDate": "2013-04-10"},
        {"studentNumber": "004102"},
        {"studentNumber": "4101\u00a0x"},
        {"guardianName": {"given": "Mario", "family": "Quimby"}},
        {"studentNumber": "004102", "forStudent": True},
        {"studentSsn": "521459998", "guardianName": MARIA},
    ],
)
async def test_whatever_is_wrong_the_answer_is_the_same(
    portal: Portal, nora: Pupil, refused: bytes, wrong: Mapping[str, Any]
) -> None:
    assert await body(portal, nora, **wrong) == refused


@pytest.mark.parametrize(
    "guardianship",
    [
        {"status": GuardianshipStatus.CLAIMED},
        {"status": GuardianshipStatus.REVOKED},
        {"portal_access": False},
    ],
    ids=["claimed", "revoked", "unmarked"],
)
async def test_a_guardian_who_may_not_see_the_student_gets_no_key(
    portal: Portal, district: District, refused: bytes, guardianship: Mapping[str, Any]
) -> None:
    other = await district.student(given="Otis")
    await district.guardian(other, **guardianship)
    assert await body(portal, other) == refused


async def test_a_student_whose_ssn_is_not_on_file_or_unusable_cannot_be_proved(
    portal: Portal, district: District, refused: bytes
) -> None:
    for state in (SsnState.NOT_ON_FILE, SsnState.UNUSABLE):
        other = await district.student(ssn="", ssn_state=state)
        await district.guardian(other)
        assert await body(portal, other, studentSsn="521456009") == refused
        placeholder = await portal.request_key(other.number, other.birth_date.isoformat(), "000-00-0000")
        assert placeholder["__typename"] == "InvalidInput"
        assert await body(portal, other, studentSsn="521456001", forStudent=True) == refused


async def test_a_number_that_two_students_have_proves_neither(
    portal: Portal, district: District, refused: bytes
) -> None:
    twins = [await district.student(number="777", ssn=f"52145700{n}", number_is_shared=True) for n in (1, 2)]
    await district.guardian(*twins)
    for twin in twins:
        assert await body(portal, twin) == refused
        assert await body(portal, twin, studentNumber="0777", forStudent=True) == refused


async def test_leading_zeros_may_be_left_out_where_the_short_number_is_one_students(
    portal: Portal, district: District, nora: Pupil, refused: bytes
) -> None:
    key = await key_of(portal, nora)
    _, born, ssn = nora.proofs
    for number in ("4101", "04101", "0004101", " 004101 "):
        assert (await portal.request_key(number, born, ssn)).get("key") == key
    otis = await district.student(number="04101", given="Otis")
    await district.guardian(otis, given="Rosa")
    assert await key_of(portal, nora) == key
    assert await key_of(portal, otis) != key
    assert await body(portal, nora, studentNumber="4101") == refused
    assert await body(portal, otis, studentNumber="4101") == refused


async def test_the_own_key_of_a_student_whom_a_guardian_is_kept_away_from_is_had_at_the_school_alone(
    portal: Portal, district: District, nora: Pupil, refused: bytes
) -> None:
    """Whoever is kept away knows number, birth date and SSN of the own child; the other guardian is not concerned."""
    theo = await district.guardian(nora, given="Theo")
    await district.restrict(theo, nora)
    assert await body(portal, nora, forStudent=True) == refused
    assert await body(portal, nora, guardianName=theo.name) == refused
    maria = {"given": "Maria", "family": "Quimby"}
    assert (await portal.request_key(*nora.proofs, guardianName=maria))["__typename"] == "ActivationKeyIssued"


async def test_from_the_eighteenth_birthday_on_the_guardian_gets_none_unless_the_student_agrees(
    portal: Portal, district: District, refused: bytes, clock: Clock
) -> None:
    grown = await district.student(given="Ada", born=date(2008, 10, 5))
    await district.guardian(grown)
    clock.advance(hours=-13)
    assert clock().date() == date(2026, 10, 5), "in London it is the birthday, in Chicago not yet"
    await key_of(portal, grown)
    clock.advance(hours=13)
    assert await body(portal, grown) == refused
    assert (await portal.request_key(*grown.proofs, forStudent=True))["__typename"] == "ActivationKeyIssued"
    agreed = await district.student(given="Ben", born=date(2008, 10, 5))
    await district.guardian(agreed, adult_access=True)
    await key_of(portal, agreed)


async def test_a_student_without_a_birth_date_on_record_cannot_be_proved(
    portal: Portal, district: District, refused: bytes
) -> None:
    other = await district.student(given="Otis")
    await district.guardian(other)
    await Student.filter(id=other.id).update(birth_date=None)
    assert await body(portal, other) == refused


@pytest.mark.parametrize(
    ("days", "answer"),
    [
        ((0, None), "NotMatched"),
        ((-9, 0), "NotMatched"),
        ((0, 0), "NotMatched"),
        ((-9, 9), "NotMatched"),
        ((-9, -1), "ActivationKeyIssued"),
        ((1, None), "ActivationKeyIssued"),
    ],
    ids=["from today", "last day today", "today only", "in the midst", "ended yesterday", "begins tomorrow"],
)
async def test_a_restriction_holds_on_its_days_and_on_no_others(
    portal: Portal, district: District, nora: Pupil, days: tuple[int, int | None], answer: str
) -> None:
    maria = await district.guardian(nora)
    begins_on, ends_on = (None if day is None else district.ctx.today + timedelta(days=day) for day in days)
    await district.restrict(maria, nora, begins_on=begins_on, ends_on=ends_on)
    assert (await portal.request_key(*nora.proofs))["__typename"] == answer


async def test_a_lifted_restriction_holds_no_more(
    portal: Portal, district: District, nora: Pupil, clock: Clock
) -> None:
    maria = await district.guardian(nora)
    await district.restrict(maria, nora)
    assert (await portal.request_key(*nora.proofs))["__typename"] == "NotMatched"
    await Restriction.all().update(lifted_at=clock())
    await key_of(portal, nora)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"studentSsn": "52145600"}, "studentSsn"),
        ({"studentSsn": "5214560011"}, "studentSsn"),
        ({"studentSsn": "52145600x1"}, "studentSsn"),
        ({"studentSsn": "000-00-0000"}, "studentSsn"),
        ({"studentSsn": "999999999"}, "studentSsn"),
        ({"studentSsn": "\u0665\u0662\u0661\u0664\u0665\u0666\u0660\u0660\u0661"}, "studentSsn"),
        ({"studentNumber": "  "}, "studentNumber"),
        ({"studentNumber": "4" * 65}, "studentNumber"),
    ],
)
async def test_what_cannot_be_a_proof_is_named_and_costs_no_attempt(
    portal: Portal, nora: Pupil, changed: dict[str, str], field: str
) -> None:
    number, born, ssn = nora.proofs
    proofs = {"studentNumber": number, "studentSsn": ssn} | changed
    answer = await portal.request_key(proofs["studentNumber"], born, proofs["studentSsn"])
    assert [problem["path"] for problem in answer["fields"]] == [["input", field]]
    assert await spent("proof-client") == []
    assert await trail() == [(Step.REQUEST_KEY, "INVALID_INPUT")]

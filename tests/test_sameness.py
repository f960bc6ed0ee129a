"""Unknown and known look alike: one body, one status, the same work in the database and the same number of hashes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.asgi import create_app
from app.settings import Settings
from db import sql
from db.models import (
    Account,
    AccountStatus,
    ActivationKey,
    DisabledReason,
    GuardianshipStatus,
    Letter,
    Student,
    TrailEntry,
)
from policies.guardianship import AGE_OF_RIGHTS
from tests import documents
from tests.clients import Portal
from tests.conftest import Clock, Statements
from tests.district import PASSWORD, Adult, District, Pupil

OTHER_SSN = "529457777"
Proofs = dict[str, Any]


def _proofs(student: Pupil, **changed: Any) -> Proofs:
    number, born, ssn = student.proofs
    return {"studentNumber": number, "studentBirthDate": born, "studentSsn": ssn} | changed


async def _known(district: District, **more: Any) -> Pupil:
    """A student with one guardian who would get the key."""
    student = await district.student(**more)
    await district.guardian(student, email="known@example.org")
    return student


# ------------------------------------------------------------------------------------------------ getting a key
async def wrong_ssn(district: District) -> Proofs:
    return _proofs(await _known(district), studentSsn=OTHER_SSN)


async def wrong_birth_date(district: District) -> Proofs:
    return _proofs(await _known(district), studentBirthDate="2013-04-10")


async def nothing_right_but_the_number(district: District) -> Proofs:
    return _proofs(await _known(district), studentBirthDate="2010-01-01", studentSsn=OTHER_SSN)


async def number_of_another_student(district: District) -> Proofs:
    return _proofs(await _known(district), studentNumber=(await _known(district)).number)


async def unknown_student(district: District) -> Proofs:
    return {"studentNumber": "0099999", "studentBirthDate": "2013-04-09", "studentSsn": OTHER_SSN}


async def unconfirmed_guardian(district: District) -> Proofs:
    student = await district.student()
    await district.guardian(student, status=GuardianshipStatus.CLAIMED)
    return _proofs(student)


async def revoked_guardian(district: District) -> Proofs:
    student = await district.student()
    await district.guardian(student, status=GuardianshipStatus.REVOKED)
    return _proofs(student)


async def restricted_guardian(district: District) -> Proofs:
    student = await district.student()
    await district.restrict(await district.guardian(student), student)
    return _proofs(student)


async def no_portal_mark(district: District) -> Proofs:
    student = await district.student()
    await district.guardian(student, portal_access=False)
    return _proofs(student)


async def wrong_guardian_name(district: District) -> Proofs:
    return _proofs(await _known(district), guardianName={"given": "Quentin", "family": "Vasquez"})


async def wrong_name_among_two_guardians(district: District) -> Proofs:
    student = await _known(district)
    await district.guardian(student, given="Ruben")
    return _proofs(student, guardianName={"given": "Quentin", "family": "Vasquez"})


async def the_restricted_one_of_two_guardians(district: District) -> Proofs:
    student = await _known(district)
    ruben = await district.guardian(student, given="Ruben")
    await district.restrict(ruben, student)
    return _proofs(student, guardianName=ruben.name)


async def a_step_parent_without_guardianship(district: District) -> Proofs:
    student = await _known(district)
    other = await district.guardian(await district.student(), given="Stefan", family="Brandt")
    return _proofs(student, guardianName=other.name)


async def no_guardian_on_record(district: District) -> Proofs:
    return _proofs(await district.student())


async def rights_passed_to_the_student(district: District) -> Proofs:
    today = district.ctx.today
    return _proofs(await _known(district, born=today.replace(year=today.year - AGE_OF_RIGHTS)))


async def no_ssn_on_file(district: District) -> Proofs:
    return _proofs(await _known(district, ssn=""), studentSsn=OTHER_SSN)


async def no_birth_date_on_file(district: District) -> Proofs:
    student = await _known(district)
    await Student.filter(id=student.id).update(birth_date=None)
    return _proofs(student)


async def a_number_that_two_students_share(district: District) -> Proofs:
    first, _ = [await _known(district, number="777", number_is_shared=True) for _ in range(2)]
    return _proofs(first)


async def a_student_without_an_account_of_the_own(district: District) -> Proofs:
    student = await _known(district)
    await Account.filter(id=student.account_id).delete()
    return _proofs(student, forStudent=True)


async def a_guardian_without_an_account_to_be(district: District) -> Proofs:
    student = await district.student()
    guardian = await district.guardian(student)
    await Account.filter(id=guardian.account_id).delete()
    return _proofs(student)


UNMATCHED: list[Callable[[District], Awaitable[Proofs]]] = [
    wrong_ssn,
    wrong_birth_date,
    nothing_right_but_the_number,
    number_of_another_student,
    unknown_student,
    unconfirmed_guardian,
    revoked_guardian,
    restricted_guardian,
    no_portal_mark,
    wrong_guardian_name,
    wrong_name_among_two_guardians,
    the_restricted_one_of_two_guardians,
    a_step_parent_without_guardianship,
    no_guardian_on_record,
    rights_passed_to_the_student,
    no_ssn_on_file,
    no_birth_date_on_file,
    a_number_that_two_students_share,
    a_student_without_an_account_of_the_own,
    a_guardian_without_an_account_to_be,
]


@dataclass(frozen=True)
class Seen:
    """What somebody outside can see of one request, and what it cost inside."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    statements: tuple[str, ...]
    hashes: int


async def _seen(portal: Portal, statements: Statements, document: str, variables: Proofs) -> Seen:
    assert portal.app is not None
    hashes = portal.app.state.hasher.computed
    statements.take()
    response = await portal.post(document, {"input": variables})
    return Seen(
        response.status_code,
        _headers(response),
        response.content,
        tuple(statements.take()),
        portal.app.state.hasher.computed - hashes,
    )


def _headers(response: httpx.Response) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in response.headers.items() if name != "x-request-id"))


async def _failures_in_all() -> int:
    [row] = await sql.rows("SELECT coalesce(sum(failures), 0) AS failures FROM login_streak")
    failures: int = row["failures"]
    return failures


async def _spent_in_all() -> list[int]:
    return [row["spent"] for row in await sql.rows("SELECT spent FROM attempt_budget ORDER BY spent, id")]


@pytest.mark.parametrize("unmatched", UNMATCHED, ids=lambda case: case.__name__)
async def test_whatever_does_not_match_gets_one_answer_at_one_price(
    portal: Portal, district: District, statements: Statements, unmatched: Callable[[District], Awaitable[Proofs]]
) -> None:
    """Each case against a wrong SSN. What is compared holds no word of the case: it is compared byte by byte."""
    expected = await _seen(portal, statements, documents.REQUEST_KEY, await wrong_ssn(district))
    assert b'"__typename":"NotMatched"' in expected.body
    assert expected.hashes == 0
    proofs = await unmatched(district)
    keys, letters = await ActivationKey.all().count(), await Letter.all().count()
    before = await _spent_in_all()
    assert await _seen(portal, statements, documents.REQUEST_KEY, proofs) == expected
    # Counted all the same, against the number, the client and the district; and nothing was done.
    assert sum(await _spent_in_all()) == sum(before) + 3
    assert (await ActivationKey.all().count(), await Letter.all().count()) == (keys, letters)
    assert await TrailEntry.filter(step="key:request", outcome="REFUSED", refusal="NOT_MATCHED").count() == 2


@pytest.mark.parametrize(
    "unmatched", [unknown_student, restricted_guardian, no_ssn_on_file], ids=lambda case: case.__name__
)
async def test_nor_is_anything_told_apart_in_spanish(
    portal: Portal, district: District, statements: Statements, unmatched: Callable[[District], Awaitable[Proofs]]
) -> None:
    english = await _seen(portal, statements, documents.REQUEST_KEY, await wrong_ssn(district))
    portal.http.headers["Accept-Language"] = "es-US,es;q=0.9,en;q=0.8"
    expected = await _seen(portal, statements, documents.REQUEST_KEY, await wrong_ssn(district))
    assert "Estos datos no coinciden" in expected.body.decode()
    assert await _seen(portal, statements, documents.REQUEST_KEY, await unmatched(district)) == expected
    # A language costs no statement, and gives nothing away but itself.
    assert (expected.status, expected.statements, expected.hashes) == (200, english.statements, english.hashes)


async def test_a_refusal_costs_three_statements(portal: Portal, district: District, statements: Statements) -> None:
    seen = await _seen(portal, statements, documents.REQUEST_KEY, await unknown_student(district))
    assert [text.split(maxsplit=2)[:2] for text in seen.statements] == [
        ["INSERT", "INTO"],
        ["WITH", "found"],
        ["WITH", "entry"],
    ]
    assert "attempt_budget" in seen.statements[0]
    assert "trail_entry" in seen.statements[2]


async def test_where_keys_go_by_mail_a_guardian_without_an_address_is_as_unknown_as_anybody(
    settings: Settings, district: District, statements: Statements, clock: Clock
) -> None:
    no_address = await district.student()
    await district.guardian(no_address)
    async with Portal(create_app(settings.model_copy(update={"key_delivery": "mail"}), clock=clock)) as portal:
        expected = await _seen(portal, statements, documents.REQUEST_KEY, await wrong_ssn(district))
        spent = sum(await _spent_in_all())
        assert await _seen(portal, statements, documents.REQUEST_KEY, _proofs(no_address)) == expected
        assert sum(await _spent_in_all()) == spent + 3


async def test_the_sameness_could_fail(portal: Portal, district: District, statements: Statements) -> None:
    """Right proofs are seen to differ in every respect: what the tests above compare does tell things apart."""
    refused = await _seen(portal, statements, documents.REQUEST_KEY, await wrong_ssn(district))
    granted = await _seen(portal, statements, documents.REQUEST_KEY, _proofs(await _known(district)))
    assert granted.body != refused.body
    assert granted.statements != refused.statements


# ------------------------------------------------------------------------------------------------ signing in
WRONG = "lantern orchard seven boats"


async def _holder(district: District, username: str, **state: Any) -> Adult:
    holder = await district.guardian(await district.student(school=await district.school()))
    await district.opened(holder, username)
    if state:
        await Account.filter(id=holder.account_id).update(**state)
    return holder


async def wrong_password(district: District, portal: Portal) -> Proofs:
    await _holder(district, "active")
    return {"username": "active", "password": WRONG}


async def no_password(district: District, portal: Portal) -> Proofs:
    await _holder(district, "active")
    return {"username": "active", "password": ""}


async def unknown_username(district: District, portal: Portal) -> Proofs:
    return {"username": "nobody.at.all", "password": PASSWORD}


async def impossible_username(district: District, portal: Portal) -> Proofs:
    return {"username": "no body' OR 1=1 --", "password": PASSWORD}


async def wrong_password_of_a_disabled_account(district: District, portal: Portal) -> Proofs:
    await _holder(district, "disabled", status=AccountStatus.DISABLED, disabled_reason=DisabledReason.LEGAL_RESTRICTION)
    return {"username": "disabled", "password": WRONG}


async def wrong_password_of_an_account_that_was_reset(district: District, portal: Portal) -> Proofs:
    await _holder(district, "reset", must_change_password=True)
    return {"username": "reset", "password": WRONG}


async def an_account_without_a_password(district: District, portal: Portal) -> Proofs:
    await _holder(district, "bare", password_hash=None)
    return {"username": "bare", "password": PASSWORD}


async def a_damaged_hash(district: District, portal: Portal) -> Proofs:
    await _holder(district, "damaged", password_hash="$argon2id$v=19$m=8192,t=1,p=1$damaged")
    return {"username": "damaged", "password": PASSWORD}


async def wrong_password_from_a_device_that_is_known(district: District, portal: Portal) -> Proofs:
    await _holder(district, "active")
    await portal.login("active", PASSWORD)
    portal.token = None
    return {"username": "active", "password": WRONG, "deviceToken": portal.device_token}


async def unknown_username_from_a_device_that_is_known(district: District, portal: Portal) -> Proofs:
    known = await wrong_password_from_a_device_that_is_known(district, portal)
    return known | {"username": "nobody.at.all"}


WRONG_CREDENTIALS: list[Callable[[District, Portal], Awaitable[Proofs]]] = [
    wrong_password,
    no_password,
    unknown_username,
    impossible_username,
    wrong_password_of_a_disabled_account,
    wrong_password_of_an_account_that_was_reset,
    an_account_without_a_password,
    a_damaged_hash,
    wrong_password_from_a_device_that_is_known,
    unknown_username_from_a_device_that_is_known,
]


@pytest.mark.parametrize("wrong", WRONG_CREDENTIALS, ids=lambda case: case.__name__)
async def test_whoever_cannot_sign_in_gets_one_answer_at_one_price(
    portal: Portal,
    district: District,
    statements: Statements,
    wrong: Callable[[District, Portal], Awaitable[Proofs]],
) -> None:
    known = await _holder(district, "somebody")
    expected = await _seen(portal, statements, documents.LOGIN, {"username": "somebody", "password": WRONG})
    assert b'"__typename":"WrongCredentials"' in expected.body
    assert expected.hashes == 1
    assert len(expected.statements) == 3
    credentials = await wrong(district, portal)
    before, failures = sum(await _spent_in_all()), await _failures_in_all()
    assert await _seen(portal, statements, documents.LOGIN, credentials) == expected
    # Counted all the same, against the client and the district, and once among the wrong passwords.
    assert sum(await _spent_in_all()) == before + 2
    assert await _failures_in_all() == failures + 1
    assert (await Account.get(id=known.account_id)).last_login_at is None


# ------------------------------------------------------------------------------------------------ being closed
async def test_a_closed_way_is_closed_alike_for_known_and_unknown_students(
    portal: Portal, district: District, statements: Statements, settings: Settings
) -> None:
    known = await _known(district)
    seen = []
    for number in (known.number, "0088888"):
        wrong = _proofs(known, studentNumber=number, studentSsn=OTHER_SSN)
        for _ in range(settings.proofs_per_student):
            await portal.post(documents.REQUEST_KEY, {"input": wrong})
        right = _proofs(known, studentNumber=number)
        seen.append(await _seen(portal, statements, documents.REQUEST_KEY, right))
    assert b'"__typename":"TooManyAttempts"' in seen[0].body
    assert seen[0] == seen[1]


async def test_a_lock_is_the_same_for_known_and_unknown_usernames(
    portal: Portal, district: District, statements: Statements, settings: Settings
) -> None:
    await _holder(district, "somebody")
    seen = []
    for username in ("somebody", "nobody.at.all"):
        for _ in range(settings.login_free_guesses):
            await portal.post(documents.LOGIN, {"input": {"username": username, "password": WRONG}})
        seen.append(await _seen(portal, statements, documents.LOGIN, {"username": username, "password": PASSWORD}))
    assert b'"__typename":"TooManyAttempts"' in seen[0].body
    assert seen[0] == seen[1]
    assert seen[0].hashes == 0

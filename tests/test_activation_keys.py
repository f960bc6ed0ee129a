"""Getting an activation key: who is given one, who is told no, and what is written down of it."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import RFC_4122, UUID

import pytest

from app.asgi import create_app
from app.settings import Settings
from db.context import Context
from db.models import (
    Account,
    AccountStatus,
    ActivationKey,
    DisabledReason,
    GuardianshipStatus,
    KeyState,
    Letter,
    Person,
    Restriction,
    SsnState,
    Student,
    TrailEntry,
)
from db.trail import Step
from mail.outbox import LetterKind
from tests import documents
from tests.clients import Portal
from tests.conftest import Clock
from tests.district import PASSWORD, District, Pupil
from tests.roster_sets import dump
from tests.tables import spent, trail

MARIA = {"given": "Maria", "family": "Quimby"}
TOMAS = {"given": "Tomás", "family": "Quimby"}


@pytest.fixture
async def nora(district: District) -> Pupil:
    return await district.student(number="004101")


async def key_of(portal: Portal, student: Pupil, **more: Any) -> str:
    issued = await portal.request_key(*student.proofs, **more)
    assert issued["__typename"] == "ActivationKeyIssued", issued
    return str(issued["key"])


async def body(portal: Portal, student: Pupil, **changed: Any) -> bytes:
    """The answer as it goes over the wire."""
    proofs = {
        "studentNumber": student.number,
        "studentBirthDate": student.birth_date.isoformat(),
        "studentSsn": student.ssn,
    }
    response = await portal.post(documents.REQUEST_KEY, {"input": proofs | changed})
    assert response.status_code == 200
    return response.content


# ------------------------------------------------------------------------------------------------ the key of record
async def test_asking_again_brings_the_same_key(portal: Portal, district: District, nora: Pupil, clock: Clock) -> None:
    await district.guardian(nora)
    first = await portal.request_key(*nora.proofs)
    clock.advance(days=30)
    assert await portal.request_key(*nora.proofs) == first
    assert await ActivationKey.all().count() == 1


async def test_an_expired_key_is_replaced_by_a_new_one(
    portal: Portal, district: District, nora: Pupil, clock: Clock
) -> None:
    await district.guardian(nora)
    old = await portal.request_key(*nora.proofs)
    assert datetime.fromisoformat(old["expiresAt"]) == clock() + timedelta(days=90)
    clock.advance(days=90)
    new = await portal.request_key(*nora.proofs)
    assert new["key"] != old["key"]
    assert datetime.fromisoformat(new["expiresAt"]) == clock() + timedelta(days=90)
    assert [key.state for key in await ActivationKey.all().order_by("id")] == [KeyState.REPLACED, KeyState.CURRENT]
    assert (await portal.check_key(old["key"]))["__typename"] == "KeyNotAccepted"
    assert (await portal.check_key(new["key"]))["__typename"] == "ActivationKeyGood"


async def test_a_student_gets_a_key_of_ones_own(portal: Portal, district: District, nora: Pupil) -> None:
    await district.guardian(nora)
    hers = await portal.request_key(*nora.proofs, forStudent=True)
    assert hers["capacity"] == "STUDENT"
    assert hers["key"] != await key_of(portal, nora)
    assert (await portal.activate(hers["key"], "nora", PASSWORD))["details"]["account"]["capacity"] == "STUDENT"


async def test_a_student_without_guardians_gets_a_key_too(portal: Portal, nora: Pupil) -> None:
    assert (await portal.request_key(*nora.proofs))["__typename"] == "NotMatched"
    assert (await portal.request_key(*nora.proofs, forStudent=True))["capacity"] == "STUDENT"


@pytest.mark.parametrize("ssn", ["521456001", "521-45-6001", " 521 45 6001 ", "521\u201345\u20136001"])
async def test_hyphens_and_spaces_in_an_ssn_do_not_matter(portal: Portal, district: District, ssn: str) -> None:
    nora = await district.student(ssn="521456001")
    await district.guardian(nora)
    assert (await portal.request_key(nora.number, "2013-04-09", ssn))["__typename"] == "ActivationKeyIssued"


async def test_with_an_account_no_key_is_needed_and_nothing_changes(
    portal: Portal, district: District, nora: Pupil
) -> None:
    maria = await district.guardian(nora, email="maria@example.org")
    await district.opened(maria, "maria.q")
    before = await dump()
    assert (await portal.request_key(*nora.proofs))["__typename"] == "AlreadyActivated"
    after = await dump()
    assert after | {"attempt_budget": []} == before | {"attempt_budget": []}
    assert (await portal.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"


async def test_a_disabled_account_is_an_account(portal: Portal, district: District, nora: Pupil) -> None:
    maria = await district.guardian(nora)
    await district.opened(maria, "maria.q")
    await Account.filter(id=maria.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    assert (await portal.request_key(*nora.proofs))["__typename"] == "AlreadyActivated"


# ------------------------------------------------------------------------------------------------ whose key
async def test_with_two_guardians_on_record_one_is_asked_for_the_name(
    portal: Portal, district: District, nora: Pupil
) -> None:
    await district.guardian(nora)
    await district.guardian(nora, given="Tomas")
    assert (await portal.request_key(*nora.proofs))["__typename"] == "GuardianNameNeeded"
    assert await key_of(portal, nora, guardianName=MARIA) != await key_of(portal, nora, guardianName=TOMAS)


@pytest.mark.parametrize(
    "other",
    [{"status": GuardianshipStatus.CLAIMED}, {"status": GuardianshipStatus.REVOKED}, {"portal_access": False}],
    ids=["claimed", "revoked", "unmarked"],
)
async def test_the_name_is_needed_even_where_only_one_of_two_may_have_a_key(
    portal: Portal, district: District, nora: Pupil, other: Mapping[str, Any]
) -> None:
    await district.guardian(nora)
    await district.guardian(nora, given="Tomas", **other)
    assert (await portal.request_key(*nora.proofs))["__typename"] == "GuardianNameNeeded"
    assert (await portal.request_key(*nora.proofs, guardianName=TOMAS))["__typename"] == "NotMatched"
    assert await key_of(portal, nora, guardianName=MARIA)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"given": "María-José", "family": "O'Brien Núñez"}, "ActivationKeyIssued"),
        ({"given": "MARIA JOSE", "family": "obrien nunez"}, "ActivationKeyIssued"),
        ({"given": "María", "middle": "José Paz", "family": "O’Brien-Núñez"}, "ActivationKeyIssued"),
        ({"given": "María-José", "middle": "P.", "family": "O'Brien Núñez"}, "ActivationKeyIssued"),
        ({"given": "María-José", "middle": "Paz", "family": "O'Brien Núñez"}, "ActivationKeyIssued"),
        ({"given": "María-José", "middle": "Lux", "family": "O'Brien Núñez"}, "NotMatched"),
        ({"given": "María", "family": "O'Brien Núñez"}, "NotMatched"),
        ({"given": "María-José", "family": "O'Brien"}, "NotMatched"),
        ({"given": "O'Brien Núñez", "family": "María-José"}, "NotMatched"),
        ({"given": "María-José", "family": "O'Brien Núñez", "suffix": "II"}, "ActivationKeyIssued"),
        ({"given": "", "family": ""}, "NotMatched"),
    ],
)
async def test_a_name_matches_after_normalising_or_not_at_all(
    portal: Portal, district: District, nora: Pupil, said: Mapping[str, str], answer: str
) -> None:
    person = await district.guardian(nora, given="María-José", family="O'Brien Núñez")
    await Person.filter(id=person.id).update(middle="Paz")
    assert (await portal.request_key(*nora.proofs, guardianName=said))["__typename"] == answer


async def test_where_two_have_one_name_the_suffix_decides(portal: Portal, district: District, nora: Pupil) -> None:
    luis = {"given": "Luis", "family": "Ortega"}
    father = await district.guardian(nora, **luis)
    grandfather = await district.guardian(nora, **luis)
    await Person.filter(id=father.id).update(suffix="Jr.")
    await Person.filter(id=grandfather.id).update(suffix="Sr.")
    assert (await portal.request_key(*nora.proofs, guardianName=luis))["__typename"] == "GuardianNameNeeded"
    assert (await portal.request_key(*nora.proofs, guardianName=luis | {"suffix": "III"}))["__typename"] == "NotMatched"
    junior = await key_of(portal, nora, guardianName=luis | {"suffix": "junior"})
    senior = await key_of(portal, nora, guardianName={"given": "Luis", "family": "Ortega, Sr."})
    assert junior != senior
    assert (await portal.activate(junior, "luis.jr", PASSWORD))["__typename"] == "AccountActivated"
    assert (await Account.get(id=father.account_id)).status is AccountStatus.ACTIVE


async def test_where_one_of_two_has_no_suffix_leaving_it_out_means_him(
    portal: Portal, district: District, nora: Pupil
) -> None:
    luis = {"given": "Luis", "family": "Ortega"}
    plain = await district.guardian(nora, **luis)
    junior = await district.guardian(nora, **luis)
    await Person.filter(id=junior.id).update(suffix="Jr.")
    third = luis | {"suffix": "III"}
    assert (await portal.request_key(*nora.proofs, guardianName=third))["__typename"] == "NotMatched"
    await key_of(portal, nora, guardianName=luis)
    assert (await ActivationKey.get()).account_id == plain.account_id


async def test_where_two_have_the_very_same_name_the_school_is_the_way_on(
    portal: Portal, district: District, nora: Pupil
) -> None:
    luis = {"given": "Luis", "family": "Ortega"}
    await district.guardian(nora, **luis)
    await district.guardian(nora, **luis)
    assert (await portal.request_key(*nora.proofs, guardianName=luis))["__typename"] == "NotMatched"


# ------------------------------------------------------------------------------------------------ who gets none
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
        assert await body(portal, other, studentSsn="000000000") == refused
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


# ------------------------------------------------------------------------------------------------ who is told
async def test_every_guardian_with_an_address_is_told_but_none_who_is_kept_away(
    portal: Portal, district: District, nora: Pupil
) -> None:
    maria = await district.guardian(nora, email="maria@example.org")
    tomas = await district.guardian(nora, given="Tomas", email="tomas@example.org", portal_access=False)
    await district.guardian(nora, given="Rosa")
    kept_away = await district.guardian(nora, given="Karl", email="karl@example.org")
    await district.restrict(kept_away, nora)
    await district.guardian(nora, given="Ivo", email="ivo@example.org", status=GuardianshipStatus.REVOKED)

    key = await key_of(portal, nora, guardianName=MARIA)
    letters = await Letter.all().order_by("id")
    assert [(letter.kind, letter.person_id, letter.address) for letter in letters] == [
        (LetterKind.KEY_ASKED_FOR, maria.id, "maria@example.org"),
        (LetterKind.KEY_ASKED_FOR, tomas.id, "tomas@example.org"),
    ]
    assert letters[0].facts == {"student_id": nora.id, "person_id": maria.id, "capacity": "GUARDIAN"}
    assert key not in str(await dump(trail=True))


async def test_they_are_told_of_a_students_own_key_too(portal: Portal, district: District, nora: Pupil) -> None:
    maria = await district.guardian(nora, email="maria@example.org")
    await key_of(portal, nora, forStudent=True)
    letter = await Letter.get()
    assert (letter.person_id, letter.facts["person_id"]) == (maria.id, nora.id)


async def test_nobody_is_told_of_a_key_that_was_not_given(portal: Portal, district: District, nora: Pupil) -> None:
    await district.guardian(nora, email="maria@example.org")
    await portal.request_key(nora.number, "2013-04-10", nora.ssn)
    assert await Letter.all().count() == 0


# ------------------------------------------------------------------------------------------------ keys by mail only
@pytest.fixture
async def by_mail(portal: Portal, settings: Settings, clock: Clock) -> Portal:
    """The portal of a district that sends keys only to the address on file."""
    return Portal(create_app(settings.model_copy(update={"key_delivery": "mail"}), clock=clock))


async def test_by_mail_the_key_is_neither_shown_nor_kept_but_can_be_derived(
    by_mail: Portal, district: District, nora: Pupil, ctx: Context
) -> None:
    maria = await district.guardian(nora, email="maria@example.org")
    answer = await by_mail.request_key(*nora.proofs)
    assert answer == {"__typename": "ActivationKeySent", "capacity": "GUARDIAN"}
    asked_for, sent = await Letter.all().order_by("id")
    assert (asked_for.kind, sent.kind) == (LetterKind.KEY_ASKED_FOR, LetterKind.ACTIVATION_KEY)
    assert (sent.address, sent.facts) == ("maria@example.org", {"account_id": maria.account_id})

    row = await ActivationKey.get(account_id=maria.account_id)
    key = ctx.keys.activation_key(row.nonce, row.secret_version)
    assert key not in str(await dump(trail=True))
    assert (await by_mail.activate(key, "maria.q", PASSWORD))["__typename"] == "AccountActivated"


async def test_without_an_address_on_file_right_proofs_look_and_count_like_wrong_ones(
    by_mail: Portal, district: District, nora: Pupil
) -> None:
    await district.guardian(nora)
    assert await body(by_mail, nora) == await body(by_mail, nora, studentSsn="521459999")
    assert await spent("proof-student") == [2]
    assert await ActivationKey.all().count() == 0


# ------------------------------------------------------------------------------------------------ what is written down
async def test_the_trail_tells_of_each_request_and_whom_it_was_about(
    portal: Portal, district: District, nora: Pupil
) -> None:
    maria = await district.guardian(nora)
    await district.guardian(nora, given="Tomas")
    await portal.request_key(nora.number, "2013-04-10", nora.ssn)
    await portal.request_key(*nora.proofs)
    await portal.request_key(*nora.proofs, guardianName=MARIA)
    await district.opened(maria, "maria.q")
    await portal.request_key(*nora.proofs, guardianName=MARIA)
    entries = await TrailEntry.all().order_by("id")
    assert [(entry.refusal, entry.about_student_id, entry.about_account_id) for entry in entries] == [
        ("NOT_MATCHED", None, None),
        ("GUARDIAN_NAME_NEEDED", nora.id, None),
        (None, nora.id, maria.account_id),
        ("ALREADY_ACTIVATED", nora.id, maria.account_id),
    ]
    assert {(entry.step, entry.address) for entry in entries} == {(Step.REQUEST_KEY, "198.51.100.7")}
    assert len({entry.request_id for entry in entries}) == 4


async def test_neither_an_ssn_nor_a_key_is_kept_in_readable_form(
    portal: Portal, district: District, nora: Pupil
) -> None:
    await district.guardian(nora, email="maria@example.org")
    key = await key_of(portal, nora)
    await portal.request_key(nora.number, nora.birth_date.isoformat(), "521459999")
    kept = str(await dump(trail=True))
    for secret in (nora.ssn, "521459999", key, bytes.fromhex(key).hex()):
        assert secret not in kept


async def test_a_key_is_of_the_shape_of_a_uuid_made_by_oneself(portal: Portal, district: District, nora: Pupil) -> None:
    await district.guardian(nora)
    made = UUID(await key_of(portal, nora))
    assert (made.version, made.variant) == (8, RFC_4122)

"""Getting an activation key: who is given one, who is told no, and what is written down of it."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import RFC_4122, UUID

import pytest
from tortoise.context import TortoiseContext

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
    TrailEntry,
)
from db.trail import Step
from mail.outbox import LetterKind
from tests import documents
from tests.clients import Portal
from tests.conftest import Clock
from tests.district import PASSWORD, District, Pupil
from tests.roster_sets import dump
from tests.tables import spent

MARIA = {"given": "Maria", "family": "Quimby"}
TOMAS = {"given": "Tomás", "family": "Quimby"}


@pytest.fixture
async def nora(district: District) -> Pupil:
    return await district.student(number="004101")


async def key_of(portal: Portal, student: Pupil, **more: Any) -> str:
    issued = await portal.request_key(*student.proofs, **more)
    assert issued["__typename"] == "ActivationKeyIssued", issued
    return str(issued["key"])


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
async def by_mail(database: TortoiseContext, settings: Settings, clock: Clock) -> AsyncIterator[Portal]:
    """The portal of a district that sends keys only to the address on file."""
    async with Portal(create_app(settings.model_copy(update={"key_delivery": "mail"}), clock=clock)) as portal:
        yield portal


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
    number, born, ssn = nora.proofs
    right = await by_mail.wire(documents.REQUEST_KEY, studentNumber=number, studentBirthDate=born, studentSsn=ssn)
    wrong = await by_mail.wire(
        documents.REQUEST_KEY, studentNumber=number, studentBirthDate=born, studentSsn="521459999"
    )
    assert right == wrong
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

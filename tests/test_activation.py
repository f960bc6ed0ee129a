"""Checking a key, and opening the account with it."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from tortoise.transactions import in_transaction

from db.context import Capacity, Context, Role
from db.models import (
    Account,
    AccountStatus,
    ActivationKey,
    DisabledReason,
    Guardianship,
    GuardianshipStatus,
    KeyState,
    Letter,
    RoleAssignment,
    Session,
    Student,
    TrailEntry,
)
from db.trail import Step
from mail.outbox import LetterKind
from resolvers.activation_key import key_of_record
from tests import documents
from tests.clients import Portal
from tests.conftest import Clock
from tests.district import PASSWORD, Adult, District, Pupil
from tests.roster_sets import dump
from tests.tables import spent, trail

RETRY = "4b2f6c1e-retry-me-once-more"
OTHER_PASSWORD = "copper violin eleven ponds"


@pytest.fixture
async def nora(district: District) -> Pupil:
    return await district.student()


@pytest.fixture
async def maria(district: District, nora: Pupil) -> Adult:
    return await district.guardian(nora, email="maria@example.org", language="es")


@pytest.fixture
async def key(portal: Portal, nora: Pupil, maria: Adult) -> str:
    """Maria's key of record."""
    issued = await portal.request_key(*nora.proofs)
    return str(issued["key"])


async def district_key(ctx: Context, account_id: int, capacity: Capacity) -> str:
    """A key that the district's office gives out."""
    async with in_transaction():
        return (await key_of_record(ctx, account_id, capacity)).key


def choice(key: str, username: str = "maria.q", password: str = PASSWORD) -> dict[str, str]:
    return {"key": key, "username": username, "password": password, "verifyPassword": password}


def typed(key: str, how: str) -> str:
    """A key as people write it down, paste it or scan it."""
    groups = f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"
    return {
        "upper case": key.upper(),
        "dashes": groups,
        "braces": f"{{{groups.upper()}}}",
        "blanks": f"  {key[:16]} {key[16:]}\n",
        "long dashes": groups.replace("-", "\u2013"),
        "urn": f"urn:uuid:{groups}",
        "pasted": "\u200b" + key + "\ufeff",
    }[how]


WRITTEN = ["upper case", "dashes", "braces", "blanks", "long dashes", "urn", "pasted"]


# ------------------------------------------------------------------------------------------------ checking
@pytest.mark.parametrize("how", WRITTEN)
async def test_how_a_key_is_written_does_not_matter(portal: Portal, key: str, how: str) -> None:
    good = await portal.check_key(typed(key, how))
    assert good == {"__typename": "ActivationKeyGood", "capacity": "GUARDIAN", "initials": "M.Q."}
    assert (await portal.activate(typed(key, how), "maria.q", PASSWORD))["__typename"] == "AccountActivated"


async def test_checking_a_key_changes_nothing(portal: Portal, key: str) -> None:
    before = await dump()
    for _ in range(3):
        await portal.check_key(key)
    await portal.check_key("0" * 32)
    await portal.check_key("no key")
    after = await dump()
    assert after.pop("attempt_budget") != before.pop("attempt_budget"), "the wrong key was counted"
    assert after == before
    assert [ending for _, ending in await trail(Step.CHECK_KEY)] == ["DONE"] * 3 + ["KEY_NOT_ACCEPTED", "INVALID_INPUT"]


@pytest.mark.parametrize("text", ["", "abc", "0" * 31, "0" * 33, "g" * 32, "0" * 32 + "\u00e9", "-" * 5000])
async def test_what_cannot_be_a_key_is_named_and_costs_no_attempt(portal: Portal, key: str, text: str) -> None:
    for answer in (await portal.check_key(text), await portal.activate(text, "maria.q", PASSWORD)):
        assert [problem["path"] for problem in answer["fields"]] == [["input", "key"]]
    assert await spent("key-client") == []


# ------------------------------------------------------------------------------------------------ opening the account
async def test_account_session_letter_and_the_keys_end_come_together(
    portal: Portal, maria: Adult, key: str, clock: Clock
) -> None:
    opened = await portal.activate(key, "  Maria.Q ", PASSWORD)
    assert opened["details"] == {
        "username": "Maria.Q",
        "email": "maria@example.org",
        "account": opened["details"]["account"]
        | {"capacity": "GUARDIAN", "status": "ACTIVE", "holder": {"display": "Maria Quimby"}},
    }
    account = await Account.get(id=maria.account_id)
    assert (account.status, account.username, account.username_folded) == (AccountStatus.ACTIVE, "Maria.Q", "maria.q")
    assert account.activated_at == account.last_login_at == clock()
    used = await ActivationKey.get(account_id=maria.account_id)
    assert (used.state, used.used_at) == (KeyState.USED, clock())
    welcome = await Letter.get(kind=LetterKind.WELCOME)
    assert (welcome.person_id, welcome.address, welcome.facts) == (
        maria.id,
        "maria@example.org",
        {"account_id": maria.account_id},
    )
    me = await portal.me(token=opened["session"]["token"])
    assert me is not None
    assert [student["name"]["display"] for student in me["students"]] == ["Nora Quimby"]
    entry = await TrailEntry.get(step=Step.ACTIVATE)
    assert (entry.outcome, entry.about_account_id, entry.about_person_id) == ("DONE", maria.account_id, maria.id)


async def test_all_of_it_is_written_in_one_transaction(portal: Portal, key: str) -> None:
    before = await dump(trail=True)
    await portal.activate(key, "maria.q", PASSWORD, idempotencyKey=RETRY)
    after = await dump(trail=True)
    new = {table: set(after[table]) - set(before[table]) for table in after if table != "attempt_budget"}
    writers = {row.split()[1] for rows in new.values() for row in rows}
    assert {table for table, rows in new.items() if rows} == {
        "account",
        "account_change",
        "account_order_change",
        "activation_key",
        "device",
        "idempotent_answer",
        "letter",
        "session",
        "trail_entry",
        "trail_unsealed",
    }
    assert len(writers) == 1


async def test_without_an_address_the_account_opens_without_a_letter(portal: Portal, district: District) -> None:
    otis = await district.student(given="Otis")
    await district.guardian(otis)
    key = (await portal.request_key(*otis.proofs))["key"]
    assert (await portal.activate(key, "no.mail", PASSWORD))["details"]["email"] is None
    assert await Letter.all().count() == 0


async def test_the_first_session_is_on_a_known_device(portal: Portal, key: str) -> None:
    opened = await portal.activate(key, "maria.q", PASSWORD)
    again = await portal.login("maria.q", PASSWORD, deviceToken=opened["session"]["deviceToken"])
    assert again["session"]["deviceToken"] == opened["session"]["deviceToken"]


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"password": "short", "verifyPassword": "short"}, ["password"]),
        ({"password": "x" * 129, "verifyPassword": "x" * 129}, ["password"]),
        ({"password": "passwordpassword", "verifyPassword": "passwordpassword"}, ["password"]),
        ({"password": "Nora Quimby 2013", "verifyPassword": "Nora Quimby 2013"}, ["password"]),
        ({"password": "maria.q maria.q 7", "verifyPassword": "maria.q maria.q 7"}, ["password"]),
        ({"verifyPassword": "something else altogether"}, ["verifyPassword"]),
        ({"username": "mq"}, ["username"]),
        ({"username": "m" * 65}, ["username"]),
        ({"username": "maria quimby"}, ["username"]),
        ({"username": "m\u0430ria.q"}, ["username"]),
        ({"username": "521-45-6001"}, ["username"]),
        ({"username": "-", "password": "short", "verifyPassword": "shirt"}, ["username", "password", "verifyPassword"]),
        ({"idempotencyKey": "too short"}, ["idempotencyKey"]),
    ],
)
async def test_a_choice_that_cannot_be_taken_leaves_the_key_good(
    portal: Portal, key: str, changed: Mapping[str, str], fields: list[str]
) -> None:
    before = await dump()
    answer = await portal.do(documents.ACTIVATE, choice(key) | dict(changed))
    assert answer["__typename"] == "InvalidInput"
    assert sorted({problem["path"][1] for problem in answer["fields"]}) == sorted(fields)
    after = await dump()
    assert after | {"attempt_budget": []} == before | {"attempt_budget": []}
    assert await spent("key-client") == []
    assert await trail(Step.ACTIVATE) == [(Step.ACTIVATE, "INVALID_INPUT")]
    assert (await portal.activate(key, "maria.q", PASSWORD))["__typename"] == "AccountActivated"


@pytest.mark.parametrize("username", ["tomas.q", "TOMAS.Q", " Tomas.q", "\uff54omas.q"])
async def test_a_taken_username_leaves_the_key_good(
    portal: Portal, district: District, nora: Pupil, key: str, username: str
) -> None:
    await district.opened(await district.guardian(nora, given="Tomas"), "tomas.q")
    answer = await portal.activate(key, username, PASSWORD)
    assert [problem["path"] for problem in answer["fields"]] == [["input", "username"]]
    assert (await portal.check_key(key))["__typename"] == "ActivationKeyGood"
    assert (await portal.activate(key, "maria.q", PASSWORD))["__typename"] == "AccountActivated"


async def test_a_person_who_is_staff_and_parent_has_an_account_for_each(
    portal: Portal, district: District, nora: Pupil, ctx: Context
) -> None:
    dana = await district.staff(Role.DESIGNEE)
    parent = await Account.create(person_id=dana.id, capacity=Capacity.GUARDIAN)
    await district.guardianship(dana.id, nora.id)
    await portal.activate(await district_key(ctx, dana.account_id, Capacity.STAFF), "dana.staff", PASSWORD)
    await portal.activate(await district_key(ctx, parent.id, Capacity.GUARDIAN), "dana.home", PASSWORD)
    for username, roles, students in (("dana.staff", ["DESIGNEE"], 0), ("dana.home", ["GUARDIAN"], 1)):
        await portal.login(username, PASSWORD)
        me = await portal.me()
        assert me is not None
        assert (me["roles"], len(me["students"])) == (roles, students)


async def test_without_a_role_staff_neither_activate_nor_sign_in(
    portal: Portal, district: District, ctx: Context, clock: Clock
) -> None:
    dana = await district.staff(Role.DESIGNEE)
    key = await district_key(ctx, dana.account_id, Capacity.STAFF)
    await RoleAssignment.all().update(begins_on=ctx.today + timedelta(days=1))
    assert (await portal.check_key(key))["__typename"] == "KeyNotAccepted"
    assert (await portal.activate(key, "dana.ito", PASSWORD))["__typename"] == "KeyNotAccepted"
    clock.advance(days=1)
    assert (await portal.activate(key, "dana.ito", PASSWORD))["__typename"] == "AccountActivated"
    await RoleAssignment.all().update(ends_on=ctx.today + timedelta(days=1))
    clock.advance(days=1)
    assert (await portal.login("dana.ito", PASSWORD))["__typename"] == "AccountDisabled"
    assert (await portal.login("dana.ito", OTHER_PASSWORD))["__typename"] == "WrongCredentials"


async def test_the_session_lasts_as_long_as_the_answer_says(portal: Portal, key: str, clock: Clock) -> None:
    opened = await portal.activate(key, "maria.q", PASSWORD)
    assert datetime.fromisoformat(opened["session"]["expiresAt"]) > clock()
    session = await Session.get()
    assert session.expires_at == datetime.fromisoformat(opened["session"]["expiresAt"])


# ------------------------------------------------------------------------------------------------ dead keys
async def _expire(clock: Clock) -> None:
    clock.advance(days=90)


async def _replace(clock: Clock) -> None:
    await ActivationKey.all().update(state=KeyState.REPLACED)


async def _use(clock: Clock) -> None:
    await ActivationKey.all().update(state=KeyState.USED, used_at=clock())


async def _open_otherwise(clock: Clock) -> None:
    await Account.filter(capacity="GUARDIAN").update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )


async def _revoke(clock: Clock) -> None:
    await Guardianship.all().update(status=GuardianshipStatus.REVOKED, revoked_at=clock())


async def _unmark(clock: Clock) -> None:
    await Guardianship.all().update(portal_access=False)


@pytest.mark.parametrize(
    "end", [_expire, _replace, _use, _open_otherwise, _revoke, _unmark], ids=lambda end: end.__name__[1:]
)
async def test_keys_that_open_nothing_all_look_like_one_that_never_was(
    portal: Portal, key: str, clock: Clock, end: Any
) -> None:
    never = (
        await portal.wire(documents.CHECK_KEY, key="0" * 32),
        await portal.wire(documents.ACTIVATE, **choice("0" * 32)),
    )
    assert all(b'"KeyNotAccepted"' in answer for answer in never)
    await end(clock)
    before = await dump()
    now = (await portal.wire(documents.CHECK_KEY, key=key), await portal.wire(documents.ACTIVATE, **choice(key)))
    assert now == never
    assert (await dump()) | {"attempt_budget": []} == before | {"attempt_budget": []}
    assert await spent("key-client") == [2 if end is _expire else 4]


async def test_a_student_who_comes_of_age_ends_no_key_and_is_not_seen(portal: Portal, key: str) -> None:
    """As it ends no account: consent may be recorded later."""
    await Student.all().update(birth_date=date(2008, 10, 5))
    opened = await portal.activate(key, "maria.q", PASSWORD)
    assert opened["__typename"] == "AccountActivated"
    assert await portal.students(token=opened["session"]["token"]) == []


async def test_a_guardian_who_lost_the_only_student_gets_in_again_when_it_is_put_right(
    portal: Portal, nora: Pupil, maria: Adult, key: str, clock: Clock
) -> None:
    await _revoke(clock)
    assert (await portal.activate(key, "maria.q", PASSWORD))["__typename"] == "KeyNotAccepted"
    await Guardianship.all().update(status=GuardianshipStatus.CONFIRMED, revoked_at=None)
    assert (await portal.activate(key, "maria.q", PASSWORD))["__typename"] == "AccountActivated"


async def test_a_restriction_after_the_key_was_given_is_honoured_and_another_student_is_enough(
    portal: Portal, district: District, nora: Pupil, maria: Adult, key: str
) -> None:
    await district.restrict(maria, nora)
    assert (await portal.check_key(key))["__typename"] == "KeyNotAccepted"
    otis = await district.student(given="Otis")
    await district.guardianship(maria.id, otis.id)
    opened = await portal.activate(key, "maria.q", PASSWORD)
    me = await portal.me(token=opened["session"]["token"])
    assert me is not None
    assert [student["name"]["display"] for student in me["students"]] == ["Otis Quimby"]


async def test_the_trail_tells_of_each_try(portal: Portal, maria: Adult, key: str) -> None:
    await portal.activate("0" * 32, "maria.q", PASSWORD)
    await portal.activate("no key", "maria.q", PASSWORD)
    await portal.activate(key, "maria.q", "short")
    await portal.activate(key, "maria.q", PASSWORD)
    await portal.activate(key, "maria.q", PASSWORD)
    entries = await TrailEntry.filter(step=Step.ACTIVATE).order_by("id")
    assert [(entry.refusal, entry.about_account_id) for entry in entries] == [
        ("KEY_NOT_ACCEPTED", None),
        ("INVALID_INPUT", None),
        ("INVALID_INPUT", maria.account_id),
        (None, maria.account_id),
        ("KEY_NOT_ACCEPTED", maria.account_id),
    ]

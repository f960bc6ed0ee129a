"""As `test_every_way_in`, for staff, who sign in with a second factor."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from app.settings import Settings
from db.context import Role
from db.models import Account, AccountStatus, DisabledReason, RoleAssignment, Session
from tests import documents
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.district import PASSWORD, Adult, District
from tests.guessing import guess_a_hundred, guess_to_the_lock
from tests.test_second_factor import Telephone, set_up

NEW = "copper violin thirty meadows"
NOBODY = "nobody"


@dataclass
class Dana:
    """A registrar with a second factor, and what she got while all was well."""

    adult: Adult
    portal: Portal
    telephone: Telephone
    settings: Settings
    clock: Clock
    device: str | None
    session: str | None

    async def change(self, **columns: object) -> None:
        await Account.filter(id=self.adult.account_id).update(**columns)


@pytest.fixture
async def dana(portal: Portal, district: District, settings: Settings, clock: Clock) -> Dana:
    adult = await district.staff(Role.REGISTRAR, await district.school())
    await district.opened(adult, "dana.ito")
    telephone = await set_up(portal, clock)
    return Dana(adult, portal, telephone, settings, clock, portal.device_token, portal.token)


async def staff_open(dana: Dana) -> None:
    """As it should be."""


async def staff_locked_out(dana: Dana) -> None:
    await guess_to_the_lock(Portal(dana.portal.app, address="203.0.113.23"), dana.clock, "dana.ito")


async def staff_disabled_by_failures(dana: Dana) -> None:
    await guess_a_hundred(dana.settings, dana.clock, "dana.ito")


async def staff_disabled_by_decision(dana: Dana) -> None:
    await dana.change(status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION)


async def staff_disabled_by_law(dana: Dana) -> None:
    await dana.change(status=AccountStatus.DISABLED, disabled_reason=DisabledReason.LEGAL_RESTRICTION)


async def staff_without_a_student(dana: Dana) -> None:
    await dana.change(status=AccountStatus.DISABLED, disabled_reason=DisabledReason.NO_CURRENT_STUDENT)


async def staff_must_change_password(dana: Dana) -> None:
    await dana.change(must_change_password=True)


async def staff_who_left(dana: Dana) -> None:
    await RoleAssignment.filter(person_id=dana.adult.id).delete()


async def _name(answer: Awaitable[Answer]) -> str:
    name: str = (await answer)["__typename"]
    return name


async def staff_log_in(dana: Dana) -> str:
    dana.portal.token = None
    return await _name(dana.portal.login("dana.ito", PASSWORD, secondFactor=dana.telephone.code()))


async def staff_log_in_known(dana: Dana) -> str:
    dana.portal.token = None
    code = dana.telephone.code()
    return await _name(dana.portal.login("dana.ito", PASSWORD, secondFactor=code, deviceToken=dana.device))


async def staff_log_in_by_recovery_code(dana: Dana) -> str:
    dana.portal.token = None
    code = dana.telephone.sheet[0]
    return await _name(dana.portal.login("dana.ito", PASSWORD, secondFactor=code, deviceToken=dana.device))


async def staff_log_in_without_code(dana: Dana) -> str:
    dana.portal.token = None
    return await _name(dana.portal.login("dana.ito", PASSWORD, deviceToken=dana.device))


async def staff_go_on(dana: Dana) -> str:
    return "me" if await dana.portal.me(token=dana.session) else NOBODY


async def staff_confirm(dana: Dana) -> str:
    choice = {"code": dana.telephone.code()}
    return await _name(dana.portal.do_as(dana.session, documents.CONFIRM_SECOND_FACTOR, choice))


async def staff_enrol(dana: Dana) -> str:
    return await _name(dana.portal.do_as(dana.session, documents.ENROL_SECOND_FACTOR, {"password": PASSWORD}))


async def staff_change_password(dana: Dana) -> str:
    choice = {"current": PASSWORD, "password": NEW, "verifyPassword": NEW}
    return await _name(dana.portal.do_as(dana.session, documents.CHANGE_PASSWORD, choice))


STAFF_WAYS: dict[str, Callable[[Dana], Awaitable[str]]] = {
    "log in": staff_log_in,
    "log in, known": staff_log_in_known,
    "recovery code": staff_log_in_by_recovery_code,
    "no code": staff_log_in_without_code,
    "go on": staff_go_on,
    "confirm": staff_confirm,
    "enrol": staff_enrol,
    "change": staff_change_password,
}
_STAFF_OPEN = {
    "log in": "LoggedIn",
    "log in, known": "LoggedIn",
    "recovery code": "LoggedIn",
    "no code": "SecondFactorNeeded",
    "go on": "me",
    "confirm": "SecondFactorConfirmed",
    "enrol": "SecondFactorOffered",
    "change": "PasswordChanged",
}


def _staff_shut(told: str) -> dict[str, str]:
    ways = ("log in", "log in, known", "recovery code", "no code")
    inside = dict.fromkeys(("confirm", "enrol", "change"), "NotAllowed")
    return dict.fromkeys(ways, told) | {"go on": NOBODY} | inside


STAFF_TABLE: dict[Callable[[Dana], Awaitable[None]], dict[str, str]] = {
    staff_open: _STAFF_OPEN,
    staff_locked_out: _STAFF_OPEN | {"log in": "TooManyAttempts"},
    staff_disabled_by_failures: _staff_shut("AccountDisabled"),
    staff_disabled_by_decision: _staff_shut("AccountDisabled"),
    staff_disabled_by_law: _staff_shut("AccountDisabled"),
    staff_without_a_student: _staff_shut("AccountDisabled"),
    staff_must_change_password: _staff_shut("NewPasswordNeeded"),
    staff_who_left: _staff_shut("AccountDisabled"),
}


def test_each_cell_of_the_staff_is_filled() -> None:
    assert all(row.keys() == STAFF_WAYS.keys() for row in STAFF_TABLE.values())


@pytest.mark.parametrize("way", STAFF_WAYS)
@pytest.mark.parametrize("state", STAFF_TABLE, ids=lambda state: state.__name__)
async def test_no_way_of_the_staff_gets_round_the_state(
    dana: Dana, state: Callable[[Dana], Awaitable[None]], way: str
) -> None:
    await state(dana)
    expected = STAFF_TABLE[state][way]
    before, sessions = await Account.get(id=dana.adult.account_id), await Session.all().count()
    assert await STAFF_WAYS[way](dana) == expected
    after = await Account.get(id=dana.adult.account_id)
    assert await Session.all().count() == sessions + (expected == "LoggedIn")
    if expected not in {"LoggedIn", "PasswordChanged"}:
        assert (after.status, after.password_hash, after.last_login_at) == (
            *(before.status, before.password_hash, before.last_login_at),
        )

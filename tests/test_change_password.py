"""Changing the password: what it ends, who is told, and what is refused."""

import asyncio
from typing import Any

import pytest

from db.models import Letter, LetterState
from mail.outbox import LetterKind
from tests import documents
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.district import PASSWORD, Adult, District, Pupil

WRONG = "lantern orchard seven boats"
NEW = "copper violin thirty meadows"


@pytest.fixture
async def nora(district: District) -> Pupil:
    return await district.student(school=await district.school())


@pytest.fixture
async def maria(district: District, nora: Pupil) -> Adult:
    """A guardian with an open account, not signed in."""
    maria = await district.guardian(nora, email="maria@example.org")
    await district.opened(maria, "Maria.Q")
    return maria


async def _signed_in(portal: Portal, username: str = "maria.q", **more: Any) -> str:
    """A further session; returns its token and leaves the client's own as it was."""
    own = portal.token, portal.device_token
    answer = await portal.login(username, PASSWORD, **more)
    assert answer["__typename"] == "LoggedIn", answer
    portal.token, portal.device_token = own
    token: str = answer["session"]["token"]
    return token


async def _change(portal: Portal, current: str, password: str, again: str | None = None) -> Answer:
    choice = {"current": current, "password": password, "verifyPassword": password if again is None else again}
    return await portal.do(documents.CHANGE_PASSWORD, choice)


async def test_a_changed_password_ends_the_other_sessions_and_the_old_password(portal: Portal, maria: Adult) -> None:
    elsewhere = await _signed_in(portal)
    await portal.login("maria.q", PASSWORD)
    answer = await _change(portal, PASSWORD, NEW)
    assert answer == {"__typename": "PasswordChanged", "username": "Maria.Q"}
    assert await portal.me(token=elsewhere) is None
    assert await portal.me() is not None
    assert (await portal.login("maria.q", PASSWORD))["__typename"] == "WrongCredentials"
    assert (await portal.login("maria.q", NEW))["__typename"] == "LoggedIn"


async def test_the_holder_is_told_of_a_changed_password(portal: Portal, maria: Adult, clock: Clock) -> None:
    await portal.login("maria.q", PASSWORD)
    await _change(portal, PASSWORD, NEW)
    letter = await Letter.get(kind=LetterKind.PASSWORD_CHANGED)
    assert letter.state == LetterState.WAITING
    assert (letter.person_id, letter.address) == (maria.id, "maria@example.org")
    assert letter.facts == {"account_id": maria.account_id}
    assert letter.due_at == clock.now


async def test_whoever_has_no_address_is_not_written_to(portal: Portal, district: District, nora: Pupil) -> None:
    await district.opened(nora, "nora.q")
    await portal.login("nora.q", PASSWORD)
    assert (await _change(portal, PASSWORD, NEW))["__typename"] == "PasswordChanged"
    assert await Letter.all().count() == 0


async def test_with_the_wrong_password_nothing_changes(portal: Portal, maria: Adult) -> None:
    elsewhere = await _signed_in(portal)
    await portal.login("maria.q", PASSWORD)
    assert (await _change(portal, WRONG, NEW))["__typename"] == "WrongCredentials"
    assert await portal.me(token=elsewhere) is not None
    assert not await Letter.filter(kind=LetterKind.PASSWORD_CHANGED).exists()
    assert (await portal.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"


@pytest.mark.parametrize(
    ("password", "again", "faulty"),
    [
        ("kites", "kites", ["password"]),
        ("passwordpassword", "passwordpassword", ["password"]),
        ("maria.q maria.q", "maria.q maria.q", ["password"]),
        ("Nora Quimby 2013", "Nora Quimby 2013", ["password"]),
        ("Lakeside District", "Lakeside District", ["password"]),
        (NEW, NEW + " ", ["verifyPassword"]),
        ("kites", "boats", ["password", "verifyPassword"]),
    ],
)
async def test_a_weak_new_password_is_refused_with_its_field_and_nothing_changes(
    portal: Portal, maria: Adult, password: str, again: str, faulty: list[str]
) -> None:
    elsewhere = await _signed_in(portal)
    await portal.login("maria.q", PASSWORD)
    refused = await _change(portal, PASSWORD, password, again)
    assert refused["__typename"] == "InvalidInput"
    assert [field["path"] for field in refused["fields"]] == [["input", name] for name in faulty]
    assert await portal.me(token=elsewhere) is not None
    assert (await portal.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"


async def test_nobody_changes_a_password_without_signing_in(portal: Portal, maria: Adult) -> None:
    refused = await _change(portal, PASSWORD, NEW)
    assert (refused["__typename"], refused["missing"]) == ("NotAllowed", ["SIGNED_IN"])
    assert (await portal.login("maria.q", PASSWORD))["__typename"] == "LoggedIn"


async def test_of_two_changes_at_once_one_holds(portal: Portal, maria: Adult) -> None:
    tokens = [await _signed_in(portal), await _signed_in(portal)]
    choices = [NEW, "granite sparrow eleven ladders"]
    answers = await asyncio.gather(
        *(
            portal.do_as(
                token,
                documents.CHANGE_PASSWORD,
                {"current": PASSWORD, "password": choice, "verifyPassword": choice},
            )
            for token, choice in zip(tokens, choices, strict=True)
        )
    )
    changed = [answer["__typename"] == "PasswordChanged" for answer in answers]
    assert changed.count(True) == 1
    for choice, held in zip(choices, changed, strict=True):
        assert ((await portal.login("maria.q", choice))["__typename"] == "LoggedIn") == held

"""Asking again with the same idempotency key: the first answer comes once more, to whom it belongs alone."""

from collections.abc import Mapping

import pytest

from db.models import IdempotentAnswer, Letter, Session, TrailEntry
from db.trail import Step
from mail.outbox import LetterKind
from tests import documents
from tests.clients import Portal
from tests.conftest import Clock
from tests.district import PASSWORD, District
from tests.roster_sets import dump
from tests.tables import spent, trail

RETRY = "4b2f6c1e-retry-me-once-more"
OTHER_PASSWORD = "copper violin eleven ponds"


@pytest.fixture
async def key(portal: Portal, district: District) -> str:
    """A guardian's key of record."""
    nora = await district.student()
    await district.guardian(nora, email="maria@example.org")
    return str((await portal.request_key(*nora.proofs))["key"])


def choice(key: str, username: str = "maria.q", password: str = PASSWORD) -> dict[str, str]:
    return {"key": key, "username": username, "password": password, "verifyPassword": password}


async def test_a_retry_gets_the_first_answer_and_opens_nothing_new(portal: Portal, key: str, clock: Clock) -> None:
    first = await portal.wire(documents.ACTIVATE, **choice(key), idempotencyKey=RETRY)
    assert b'"AccountActivated"' in first
    clock.advance(minutes=5)
    assert await portal.wire(documents.ACTIVATE, **choice(key), idempotencyKey=RETRY) == first
    assert (
        await portal.wire(documents.ACTIVATE, **choice(f"{{{key.upper()}}}", " MARIA.Q"), idempotencyKey=RETRY) == first
    )
    assert (await Session.all().count(), await Letter.filter(kind=LetterKind.WELCOME).count()) == (1, 1)
    assert await spent("key-client") == []
    assert await trail(Step.ACTIVATE) == [(Step.ACTIVATE, "DONE")] * 3
    assert [entry.details for entry in await TrailEntry.filter(step=Step.ACTIVATE).order_by("id")] == [
        {},
        {"repeated": True},
        {"repeated": True},
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"password": OTHER_PASSWORD, "verifyPassword": OTHER_PASSWORD},
        {"username": "maria.quimby"},
        {"idempotencyKey": "another-key-altogether"},
        {"idempotencyKey": None},
        {"key": "0" * 32},
    ],
    ids="+".join,
)
async def test_only_the_very_same_request_is_a_retry(
    portal: Portal, key: str, changed: Mapping[str, str | None]
) -> None:
    request = choice(key) | {"idempotencyKey": RETRY}
    assert (await portal.do(documents.ACTIVATE, request))["__typename"] == "AccountActivated"
    assert (await portal.do(documents.ACTIVATE, request | dict(changed)))["__typename"] == "KeyNotAccepted"
    assert await spent("key-client") == [1]


async def test_a_refused_try_is_not_remembered(portal: Portal, key: str) -> None:
    request = {"idempotencyKey": RETRY}
    assert (await portal.activate(key, "maria.q", "short", **request))["__typename"] == "InvalidInput"
    assert (await portal.activate(key, "maria.q", PASSWORD, **request))["__typename"] == "AccountActivated"


async def test_after_a_day_or_a_sign_out_the_first_answer_is_gone(
    portal: Portal, district: District, key: str, clock: Clock
) -> None:
    first = await portal.activate(key, "maria.q", PASSWORD, idempotencyKey=RETRY)
    otis = await district.student(given="Otis")
    await district.guardian(otis, given="Rosa")
    other_key = (await portal.request_key(*otis.proofs))["key"]
    other = await portal.activate(other_key, "rosa.q", PASSWORD, idempotencyKey=RETRY)
    assert other["session"]["token"] != first["session"]["token"], "one idempotency key, two accounts, no mixture"
    await portal.do_as(other["session"]["token"], documents.LOGOUT)
    assert (await portal.activate(other_key, "rosa.q", PASSWORD, idempotencyKey=RETRY))[
        "__typename"
    ] == "KeyNotAccepted"
    clock.advance(hours=24)
    assert (await portal.activate(key, "maria.q", PASSWORD, idempotencyKey=RETRY))["__typename"] == "KeyNotAccepted"


async def test_the_kept_answer_shows_no_token(portal: Portal, key: str) -> None:
    first = await portal.activate(key, "maria.q", PASSWORD, idempotencyKey=RETRY)
    assert await IdempotentAnswer.all().count() == 1
    kept = str(await dump(trail=True))
    secrets = (key, RETRY, PASSWORD, first["session"]["token"], first["session"]["deviceToken"])
    for secret in secrets:
        assert secret not in kept
        assert secret.encode().hex() not in kept

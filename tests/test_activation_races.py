"""Many at once: one key opens one account, one username is one person's, and a double request gets one answer."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from db.models import Account, AccountStatus, ActivationKey, KeyState, Letter, Session
from db.trail import Step
from mail.outbox import LetterKind
from tests import documents
from tests.clients import Portal, crowd
from tests.district import PASSWORD, District, Pupil
from tests.servers import A_CHILDS_BIRTHDAY, Server, two_servers
from tests.tables import endings, spent

MANY = 50
RETRY = "9d0c2f7a-one-answer-for-all"


@pytest.fixture
async def nora(district: District) -> Pupil:
    return await district.student(born=A_CHILDS_BIRTHDAY)


@pytest.fixture(scope="module")
def servers(database_url: str, keys_text: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Server]]:
    with two_servers(database_url, keys_text, tmp_path_factory.mktemp("races")) as both:
        yield both


async def at_once(requests: Iterable[Awaitable[bytes]]) -> Counter[bytes]:
    """The bodies of the answers, and how many got each."""
    return Counter(await asyncio.gather(*requests))


async def activated(client: Portal, key: str, username: str, **more: str) -> bytes:
    choice = {"key": key, "username": username, "password": PASSWORD, "verifyPassword": PASSWORD}
    return await client.wire(documents.ACTIVATE, **choice | more)


def kind(body: bytes) -> str:
    """Which member of the union a body shows."""
    [result] = orjson.loads(body)["data"].values()
    return str(result["__typename"])


async def assert_one_account(account_id: int, answers: Counter[bytes]) -> None:
    """One of them opened the account, and all others were told the same."""
    assert sorted((kind(body), count) for body, count in answers.items()) == [
        ("AccountActivated", 1), ("KeyNotAccepted", MANY - 1)
    ]  # fmt: skip
    [won] = [orjson.loads(body)["data"]["activate"] for body in answers if kind(body) == "AccountActivated"]
    assert (await Account.get(id=account_id)).username == won["details"]["username"]
    assert await Account.filter(status=AccountStatus.ACTIVE).count() == 1
    assert await Session.all().count() == 1
    assert await Letter.filter(kind=LetterKind.WELCOME).count() == 1
    assert [key.state for key in await ActivationKey.all()] == [KeyState.USED]
    assert await endings(Step.ACTIVATE) == {"DONE": 1, "KEY_NOT_ACCEPTED": MANY - 1}


@pytest.mark.parametrize("names", ["each a username of their own", "all the same username"])
async def test_fifty_clients_with_one_key_make_one_account(
    portal: Portal, district: District, nora: Pupil, names: str
) -> None:
    maria = await district.guardian(nora, email="maria@example.org")
    key = (await portal.request_key(*nora.proofs))["key"]
    own = names.startswith("each")
    async with crowd(MANY, portal) as clients:
        answers = await at_once(
            activated(client, key, f"maria.{number}" if own else "maria.q") for number, client in enumerate(clients)
        )
    await assert_one_account(maria.account_id, answers)


async def test_fifty_clients_with_one_key_on_two_servers_make_one_account(
    servers: Sequence[Server], district: District, nora: Pupil
) -> None:
    maria = await district.guardian(nora, email="maria@example.org")
    async with crowd(MANY, *(server.portal() for server in servers)) as clients:
        key = (await clients[0].request_key(*nora.proofs))["key"]
        answers = await at_once(activated(client, key, f"maria.{number}") for number, client in enumerate(clients))
    await assert_one_account(maria.account_id, answers)


async def test_fifty_keys_with_one_username_make_one_account_and_the_others_stay_good(
    portal: Portal, district: District
) -> None:
    pupils = [await district.student() for _ in range(MANY)]
    for number, pupil in enumerate(pupils):
        await district.guardian(pupil, given=f"Maria{number}")
    async with crowd(MANY, portal) as clients:
        keys = [(await client.request_key(*pupil.proofs))["key"] for client, pupil in zip(clients, pupils, strict=True)]
        answers = await asyncio.gather(
            *(activated(client, key, "quimby") for client, key in zip(clients, keys, strict=True))
        )
        assert Counter(kind(body) for body in answers) == {"AccountActivated": 1, "InvalidInput": MANY - 1}
        assert len(set(answers)) == 2, "the forty-nine got one and the same body"
        again = await asyncio.gather(
            *(
                activated(client, key, f"quimby.{number}")
                for number, (client, key, body) in enumerate(zip(clients, keys, answers, strict=True))
                if kind(body) == "InvalidInput"
            )
        )
    assert [kind(body) for body in again] == ["AccountActivated"] * (MANY - 1)
    assert await Account.filter(status=AccountStatus.ACTIVE).count() == MANY
    assert await spent("key-client") == []


async def test_the_first_key_asked_for_twice_at_once_is_one_key(
    servers: Sequence[Server], district: District, nora: Pupil
) -> None:
    await district.guardian(nora)
    async with crowd(4, *(server.portal() for server in servers)) as clients:
        answers = await asyncio.gather(*(client.request_key(*nora.proofs) for client in clients))
    keys = {answer["key"] for answer in answers}
    assert len(keys) == 1
    assert UUID(keys.pop())
    assert await ActivationKey.all().count() == 1


async def test_fifty_retries_at_once_get_one_answer(servers: Sequence[Server], district: District, nora: Pupil) -> None:
    await district.guardian(nora, email="maria@example.org")
    async with crowd(MANY, *(server.portal() for server in servers)) as clients:
        key = (await clients[0].request_key(*nora.proofs))["key"]
        answers = await at_once(activated(client, key, "maria.q", idempotencyKey=RETRY) for client in clients)
        assert [(kind(body), count) for body, count in answers.items()] == [("AccountActivated", MANY)]
    assert await Session.all().count() == 1
    assert await Letter.filter(kind=LetterKind.WELCOME).count() == 1
    assert await endings(Step.ACTIVATE) == {"DONE": MANY}
    assert await spent("key-client") == []
    [body] = answers
    session = orjson.loads(body)["data"]["activate"]["session"]
    assert datetime.fromisoformat(session["expiresAt"]) > datetime.now(UTC)

"""`portal webhook`: what the operator does with webhooks, each step in the trail."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.asgi import create_app
from app.settings import Settings
from db.context import Context
from db.models import ClientKind, Webhook
from db.trail import Step
from resolvers.webhooks import WebhookProblem, add_webhook, checked_url, pause_webhook
from tests.clients import Portal
from tests.command_line import portal as command
from tests.conftest import Clock
from tests.district import PASSWORD, District, Pupil
from tests.receivers import Receiver
from tests.servers import REPOSITORY
from tests.tables import endings
from tests.test_metrics import numbers
from tests.webhooks import changed, client, hooked, messenger


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as server:
        yield server


@pytest.fixture
async def nora(district: District) -> Pupil:
    return await district.student(school=await district.school())


async def test_the_operators_way(
    *, receiver: Receiver, nora: Pupil, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    """Each command as a process of its own, in the order in which an operator comes to need them."""
    await client()
    environment = {"database_url": database_url, "secrets": keys_text, "var": str(tmp_path)}
    environment |= {"log_level": "debug", "log_format": "text"}
    logs = ""

    async def portal(*words: str, code: int = 0) -> str:
        done = await asyncio.to_thread(command, tmp_path, "webhook", *words, **environment)
        nonlocal logs
        logs += done.stderr
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout or done.stderr

    added = await portal("add", "Reports", f"{receiver.url}?key=of-the-receiver", "--school", "Lakeside Middle School")
    secret = added.splitlines()[-1]
    assert secret.startswith("whsec_")
    assert await portal("test", "1") == "The receiver took it.\n"
    assert receiver.events[0].said["type"] == "webhook.test"
    assert receiver.events[0].is_signed_with(secret)

    await changed(nora.account_id)
    assert await portal("run", "--once") == "1 delivered, 0 withheld, 0 to be tried again.\n"
    rotated = (await portal("rotate", "1")).splitlines()[1]
    assert rotated != secret
    replayed = await portal("replay", "1", "--from", receiver.events[-1].data["cursor"])
    assert replayed == "Told again: 0.\n"
    assert "Told again: 2." in await portal("replay", "1", "--from", "2020-01-01")
    await portal("run", "--once")
    assert len({event.id for event in receiver.events}) == 3
    assert receiver.events[-1].is_signed_with(secret)
    assert receiver.events[-1].is_signed_with(rotated)

    await portal("pause", "1")
    [listed] = (await portal("list", "--json")).splitlines()
    told = json.loads(listed)
    assert (told["client"], told["paused_why"], told["waiting"]) == ("Reports", "BY_OPERATOR", 0)
    shown = await portal("list")
    assert "PAUSED since" in shown
    for text in (listed, shown):
        assert "of-the-receiver" not in text
        assert secret.removeprefix("whsec_") not in text
    assert await portal("resume", "1") == "Webhook 1 goes on.\n"
    assert await portal("remove", "1") == "Webhook 1 is removed.\n"
    assert await portal("pause", "1", code=1) == "portal: There is no webhook 1.\n"
    assert "neither a cursor nor a day" in await portal("replay", "1", "--from", "yesterday", code=1)
    assert "webhook delivered" in logs
    for said in (secret, rotated, "of-the-receiver", receiver.events[0].headers["webhook-signature"], "account.status"):
        assert said.removeprefix("whsec_") not in logs
    for step, times in (
        (Step.ADD_WEBHOOK, 1),
        (Step.ROTATE_WEBHOOK, 1),
        (Step.REPLAY_WEBHOOK, 2),
        (Step.PAUSE_WEBHOOK, 1),
        (Step.RESUME_WEBHOOK, 1),
        (Step.REMOVE_WEBHOOK, 1),
    ):
        assert await endings(step) == {"DONE": times}, step


@pytest.mark.parametrize(
    "url",
    [
        "http://reports.example.org/",
        "ftp://reports.example.org/",
        "https://",
        "reports.example.org",
        "https://user:password@reports.example.org/",
        "https://reports.example.org/#part",
        "https://reports.example.org:port/",
        "https://reports.example.org/a b",
        "https://reports.example.org/\r\nX-Other: 1",
        "https://[::1",
        "https://reports.example.org/" + "x" * 2000,
        "http://127.0.0.1.example.org/",
    ],
)
def test_an_address_to_which_nothing_should_go_is_refused(url: str) -> None:
    with pytest.raises(WebhookProblem):
        checked_url(url, loopback_in_the_open=True)


def test_in_the_open_only_to_this_machine_and_only_in_development() -> None:
    for url in ("http://127.0.0.1:9000/", "http://[::1]/", "http://localhost/"):
        assert checked_url(url, loopback_in_the_open=True)
        with pytest.raises(WebhookProblem, match="must begin with https"):
            checked_url(url, loopback_in_the_open=False)
    assert checked_url("https://10.0.0.7/events?x=1", loopback_in_the_open=False)


async def test_only_a_reporting_client_that_is_not_revoked_has_webhooks(district: District, ctx: Context) -> None:
    await client("Desk", kind=ClientKind.DESIGNEE_TOOL, roles=["designee"])
    await client("Former", revoked_at=ctx.now)
    for name, why in (("Desk", "no reporting client"), ("Former", "was revoked"), ("Nobody", "no service client")):
        with pytest.raises(WebhookProblem, match=why):
            await add_webhook(
                ctx, client=name, url="https://a.example", school=None, capacity=None, loopback_in_the_open=False
            )
    assert not await Webhook.exists()


async def test_what_waits_and_what_is_paused_is_counted(
    *, receiver: Receiver, nora: Pupil, ctx: Context, settings: Settings, clock: Clock
) -> None:
    first = await hooked(ctx, receiver.url)
    receiver.answer = lambda _said: 500
    await changed(nora.account_id)
    async with Portal(create_app(settings, clock=clock)) as portal, messenger(settings, ctx, clock) as worker:

        async def counted() -> tuple[float, float, float]:
            told = numbers(await portal.http.get("/metrics"))
            return (
                told["portal_webhook_deliveries_waiting"],
                told["portal_webhook_oldest_waiting_seconds"],
                told["portal_webhooks_paused"],
            )

        assert await counted() == (0, 0, 0)
        await worker.run(once=True)
        clock.advance(seconds=30)
        assert await counted() == (1, 30, 0)
        await pause_webhook(ctx, first.id)
        assert await counted() == (1, 0, 1)


async def test_a_cursor_goes_on_in_the_query_of_changes(
    *, receiver: Receiver, nora: Pupil, ctx: Context, settings: Settings, district: District
) -> None:
    clock = Clock(datetime.now(UTC))
    await hooked(ctx, receiver.url)
    await changed(nora.account_id)
    async with messenger(settings, ctx, clock) as worker:
        await worker.run(once=True)
    await changed(nora.account_id)
    await district.opened(nora, "nora.q")
    async with Portal(create_app(settings, clock=clock)) as portal:
        await portal.login("nora.q", PASSWORD)
        document = "query Later($after: String) { accountChanges(after: $after) { edges { node { cursor } } } }"
        cursor = receiver.events[0].data["cursor"]
        all_of_them = await portal.ask(document)
        later = await portal.ask(document, {"after": cursor})
    cursors = [edge["node"]["cursor"] for edge in all_of_them["accountChanges"]["edges"]]
    assert cursor in cursors
    assert [edge["node"]["cursor"] for edge in later["accountChanges"]["edges"]] == cursors[cursors.index(cursor) + 1 :]


async def test_the_receiver_in_the_documents_works(
    *, receiver: Receiver, nora: Pupil, ctx: Context, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = await hooked(ctx, receiver.url)
    await changed(nora.account_id)
    async with messenger(settings, ctx, Clock(datetime.now(UTC))) as worker:
        await worker.run(once=True)
    [event] = receiver.events
    monkeypatch.setenv("WEBHOOK_SECRET", hook.secret)
    document = (REPOSITORY / "docs" / "webhooks.md").read_text(encoding="utf-8")
    [code] = re.findall(r"^```python\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    shown: dict[str, Any] = {}
    exec(code, shown)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(shown["app"]), base_url="https://reports.example.org"
    ) as http:
        for body, status in ((event.body, 204), (event.body, 204), (event.body + b" ", 401)):
            assert (await http.post("/events", content=body, headers=event.headers)).status_code == status
    assert shown["events"].qsize() == 1
    assert await shown["events"].get() == event.said

"""Webhooks of a test's own client, accounts whose standing changes, and messengers at work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.courier import courier_contexts
from app.settings import Settings
from app.webhook_wire import Sender
from app.webhooks import Messenger, messenger_of
from db import sql
from db.context import Capacity, Context
from db.models import ClientKind, School, ServiceClient
from resolvers.webhooks import add_webhook


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook, with the secret that its receiver has."""

    id: int
    secret: str
    client_id: int


async def client(name: str = "Reports", school: School | None = None, **more: Any) -> ServiceClient:
    """A reporting client, for one school or the whole district."""
    chosen = {
        "name": name,
        "kind": ClientKind.REPORTING,
        "public_id": f"pac_{name}",
        "roles": ["reporter"],
        "school_ids": [school.id] if school else None,
        "origins": [],
        "created_at": datetime.fromisoformat("2026-10-05T00:00:00Z"),
    } | more
    return await ServiceClient.create(**chosen)


async def hooked(
    ctx: Context,
    url: str,
    of: ServiceClient | None = None,
    *,
    school: School | None = None,
    capacity: Capacity | None = None,
) -> Hook:
    """A webhook of this client, or of a new one of the district."""
    whose = of or await client()
    id_, secret = await add_webhook(
        ctx, client=whose.name, url=url, school=school, capacity=capacity, loopback_in_the_open=True
    )
    return Hook(id_, secret, whose.id)


async def changed(*account_ids: int, times: int = 1) -> None:
    """How each of these accounts stands changes, each time in a transaction of its own."""
    for _ in range(times):
        for id_ in account_ids:
            await sql.execute(
                "UPDATE account SET disabled_reason = CASE status WHEN 'DISABLED' THEN NULL ELSE 'STAFF_DECISION' END, "
                "status = CASE status WHEN 'DISABLED' THEN 'NOT_ACTIVATED' ELSE 'DISABLED' END WHERE id = $1",
                id_,
            )


@asynccontextmanager
async def messenger(settings: Settings, ctx: Context, clock: Callable[[], datetime]) -> AsyncIterator[Messenger]:
    """A messenger that nobody wakes; it works when it is told to."""
    sender = Sender(seconds=settings.webhook_seconds, ca_file=settings.webhook_ca_file)
    try:
        yield messenger_of(settings, sender, courier_contexts(settings, clock, ctx.keys, ctx.hasher))
    finally:
        await sender.close()


@asynccontextmanager
async def at_work(*workers: Messenger) -> AsyncIterator[None]:
    """They work while the block runs; afterwards they have finished what they had in hand."""
    async with asyncio.timeout(90):
        work = [asyncio.create_task(worker.run()) for worker in workers]
        try:
            yield
        finally:
            for worker in workers:
                worker.stop()
            await asyncio.gather(*work)


async def standings(hook: Hook) -> list[str]:
    """Where the deliveries of a webhook stand, by number."""
    rows = await sql.rows("SELECT state FROM webhook_delivery WHERE webhook_id = $1 ORDER BY number", hook.id)
    return [row["state"] for row in rows]


def at(ctx: Context, clock: Callable[[], datetime]) -> Context:
    return replace(ctx, now=clock())

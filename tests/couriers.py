"""Couriers at work in a test's own process, and letters for them that somebody was promised."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from app.courier import awake, carrier_of, courier_contexts, courier_of
from app.settings import Settings
from db import sql
from db.context import Context
from db.models import Letter
from mail.courier import Courier
from mail.outbox import Addressee, LetterKind, promise
from tests.mailbox import HOST, Mailbox

#: Accounts that are open, with an address each, as many as there are addresses.
ACCOUNTS = """
WITH people AS (
    INSERT INTO person (given, family, email, email_folded)
    SELECT 'Maria', 'Quimby', address, lower(address) FROM unnest($1::text[]) AS address RETURNING id
)
INSERT INTO account (person_id, capacity, status, must_change_password, username, username_folded, activated_at)
SELECT id, 'GUARDIAN', 'ACTIVE', false, 'user' || id, 'user' || id, $2 FROM people
RETURNING id, person_id
"""


async def promised(ctx: Context, *addresses: str, kind: LetterKind = LetterKind.WELCOME) -> list[int]:
    """A letter to the holder of an open account at each of these addresses; their ids."""
    rows = await sql.rows(ACCOUNTS, list(addresses), ctx.now)
    ids = []
    for address, row in zip(addresses, rows, strict=True):
        ids += await promise(ctx, kind, [Addressee(row["person_id"], address, None)], {"account_id": row["id"]})
    return ids


def relay_settings(settings: Settings, mailbox: Mailbox, **more: Any) -> Settings:
    """The settings with this server as the mail relay, in no hurry to be spared."""
    chosen = {
        "smtp_host": HOST,
        "smtp_port": mailbox.port,
        "smtp_security": "none",
        "smtp_seconds": 20.0,
        "mail_per_minute": 100_000,
        "mail_domain": "example.org",
    }
    return settings.model_copy(update=chosen | more)


def courier_for(settings: Settings, clock: Callable[[], datetime], ctx: Context) -> Courier:
    """A courier as the settings say."""
    carrier = carrier_of(settings, clock)
    assert carrier is not None
    return courier_of(settings, carrier, courier_contexts(settings, clock, ctx.keys, ctx.hasher))


@asynccontextmanager
async def at_work(courier: Courier, settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    """The courier works while the block runs, woken by the database; afterwards it has finished what it had in hand."""
    async with asyncio.timeout(90), awake(settings, courier):
        work = asyncio.create_task(courier.run())
        try:
            yield work
        finally:
            courier.stop()
            await work


async def letter(letter_id: int) -> Letter:
    return await Letter.get(id=letter_id)


async def states(ids: Sequence[int]) -> list[str]:
    """Where these letters stand."""
    return [(await letter(id_)).state.value for id_ in ids]


def environment_for(mailbox: Mailbox, database_url: str, secrets: str, folder: Path, **more: str) -> dict[str, str]:
    """The same for a process, by names of settings."""
    return {
        "database_url": database_url,
        "secrets": secrets,
        "var": str(folder),
        "smtp_host": HOST,
        "smtp_port": str(mailbox.port),
        "smtp_security": "none",
        "mail_per_minute": "100000",
        "mail_domain": "example.org",
    } | more

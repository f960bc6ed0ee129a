"""`portal webhook run`: calls webhooks, beside servers or instead of them."""

import asyncio
from datetime import UTC, datetime

from rich.console import Console

from app.beside import awake, until_told
from app.courier import courier_contexts
from app.running import insist_on_migrations, insist_on_secrets, opened, with_database
from app.settings import Settings, keyring
from app.webhook_in_hand import Ending
from app.webhook_wire import sender_of
from app.webhooks import Messenger, messenger_of
from db.feed import CHANNEL
from db.hashing import PasswordHasher

out = Console(highlight=False, soft_wrap=True, markup=False)


def run_messenger(settings: Settings, *, once: bool) -> None:
    """Delivers until it is told to stop; with `once`, what is due.

    Raises:
        PlainProblem: when a setting is not right, or the database cannot be reached.
    """
    with with_database(settings) as ready:
        worked = asyncio.run(_run(ready, once=once))
    if once:
        out.print(", ".join(f"{worked.endings[ending]} {word}" for ending, word in _TOLD.items()) + ".")


_TOLD = {Ending.DELIVERED: "delivered", Ending.WITHHELD: "withheld", Ending.WAITS: "to be tried again"}


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def _run(settings: Settings, *, once: bool) -> Messenger:
    keys, sender = keyring(settings), sender_of(settings)
    hasher = PasswordHasher(memory_kib=settings.hash_memory_kib, passes=settings.hash_passes)
    try:
        async with opened(settings, pool_size=settings.database_pool):
            await insist_on_migrations(settings)
            await insist_on_secrets(keys)
            messenger = messenger_of(settings, sender, courier_contexts(settings, _utc_now, keys, hasher))
            async with awake(settings, CHANNEL, messenger.wake):
                await until_told(messenger, once=once)
    finally:
        hasher.close()
        await sender.close()
    return messenger

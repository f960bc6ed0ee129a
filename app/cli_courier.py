"""`portal courier`: sends letters, beside servers or instead of them."""

import asyncio
from datetime import UTC, datetime

from rich.console import Console

from app.beside import until_told
from app.courier import awake, carrier_of, courier_contexts, courier_of
from app.problems import PlainProblem
from app.running import insist_on_migrations, insist_on_secrets, opened, with_database
from app.settings import Settings, keyring
from db.hashing import PasswordHasher
from mail.carriers import Carrier
from mail.courier import Courier
from mail.in_hand import Ending

out = Console(highlight=False, soft_wrap=True, markup=False)


def courier(settings: Settings, *, once: bool) -> None:
    """Sends letters until it is told to stop; with `once`, those that are due.

    Raises:
        PlainProblem: when there is no mail relay, or it could not be used at once.
    """
    carrier = carrier_of(settings, _utc_now)
    if carrier is None:
        raise PlainProblem("There is no mail relay to give letters to. Set PORTAL_SMTP_HOST first.")
    with with_database(settings) as ready:
        worked = asyncio.run(_run(ready, carrier, once=once))
    if not once:
        return
    out.print(", ".join(f"{worked.endings[ending]} {word}" for ending, word in _TOLD.items()) + ".")
    if worked.is_in_trouble:
        raise PlainProblem("The mail relay could not be used; the letters wait. The log says why.")


_TOLD = {
    Ending.SENT: "sent",
    Ending.FAILED: "given up",
    Ending.WITHDRAWN: "withdrawn",
    Ending.WAITS: "to be tried again",
}


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def _run(settings: Settings, carrier: Carrier, *, once: bool) -> Courier:
    keys = keyring(settings)
    async with opened(settings, pool_size=settings.database_pool):
        await insist_on_migrations(settings)
        await insist_on_secrets(keys)
        hasher = PasswordHasher(memory_kib=settings.hash_memory_kib, passes=settings.hash_passes)
        try:
            worker = courier_of(settings, carrier, courier_contexts(settings, _utc_now, keys, hasher))
            async with awake(settings, worker):
                await until_told(worker, once=once)
        finally:
            hasher.close()
    return worker

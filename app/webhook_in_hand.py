"""A delivery in a messenger's hand, and the marks that it leaves there with: delivered, withheld, or waiting again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from typing import Final

import structlog

from app.webhook_wire import NotTaken
from db.models import DeliveryState, PausedWhy
from db.queries import deliveries as queries
from db.sql import Row

_log = structlog.get_logger("portal.webhooks")
#: Seconds between two tries to mark a delivery while the database is away.
MARK_AGAIN: Final = (0.2, 1.0, 5.0, 15.0)
#: Seconds for a last word about a delivery when everything has to end.
_LAST_SECONDS: Final = 2.0


class Ending(StrEnum):
    """How it went with a delivery in hand."""

    DELIVERED = "delivered"
    WITHHELD = "withheld"
    WAITS = "waits"


class InHand:
    """A claimed delivery. Nobody else marks it before the lease ends; and who has lost the lease marks nothing."""

    def __init__(self, hook: Row, delivery: Row, lease: datetime) -> None:
        self.hook, self.delivery, self._lease = hook, delivery, lease
        self._ids = hook["id"], delivery["id"]
        self._said = {"webhook": hook["id"], "number": delivery["number"], "attempts": delivery["attempts"]}

    async def delivered(self, now: datetime) -> Ending:
        await self._ended(now, DeliveryState.DELIVERED)
        _log.info("webhook delivered", **self._said)
        return Ending.DELIVERED

    async def withheld(self, now: datetime) -> Ending:
        await self._ended(now, DeliveryState.WITHHELD)
        _log.info("webhook withheld", **self._said)
        return Ending.WITHHELD

    async def waits(
        self, now: datetime, why: NotTaken, *, again: datetime, hold: queries.Hold, paused: PausedWhy | None
    ) -> Ending:
        await _surely(
            lambda: queries.not_taken(
                *(*self._ids, self._lease, now),
                due_at=again,
                failure=why.reason,
                hold=hold,
                paused_why=paused.value if paused else None,
            )
        )
        _log.warning("webhook not taken", **self._said, reason=why.reason)
        if paused:
            _log.error("webhook paused", webhook=self.hook["id"], why=paused.value, reason=why.reason)
        return Ending.WAITS

    async def let_go_at_once(self, now: datetime) -> None:
        """Another messenger need not wait for the lease."""
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                await queries.let_go(*self._ids, self._lease, now)
        except Exception as failed:
            _log.warning("webhook delivery stays leased", **self._said, reason=type(failed).__name__)

    async def _ended(self, now: datetime, state: DeliveryState) -> None:
        await _surely(lambda: queries.ended(*self._ids, self._lease, now, state.value))


async def _surely(mark: Callable[[], Awaitable[bool]]) -> None:
    """Also when the database is away for a moment."""
    for seconds in (*MARK_AGAIN, None):
        try:
            marked = await mark()
        except Exception as failed:
            if seconds is None:
                raise
            _log.warning("webhook delivery not marked yet", reason=type(failed).__name__)
            await asyncio.sleep(seconds)
        else:
            if not marked:
                _log.warning("webhook delivery was in other hands by then")
            return

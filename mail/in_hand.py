"""A letter in a courier's hand, and the marks that it leaves there with: sent, failed, withdrawn, or waiting again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from itertools import chain, repeat
from typing import Final

import orjson
import structlog

from db.queries import courier as queries
from db.sql import Row
from mail.carriers import NotTaken
from mail.habits import Habits
from mail.outbox import LetterInHand, LetterKind, Withdrawn, folded_address

_log = structlog.get_logger("portal.mail")
#: Seconds between two tries to mark a letter while the database is away.
_MARK_AGAIN: Final = (0.2, 1.0, 5.0, 15.0, 30.0)
#: The same where giving up would send the letter once more: then the last one for ever. Shorter than a courier sleeps
#: while the database is away, as the mark should be there before anybody claims the letter anew.
_MARK_FOR_EVER: Final = (0.2, 1.0, 3.0)
#: Seconds for a last word about a letter when everything has to end.
_LAST_SECONDS: Final = 2.0


class Ending(StrEnum):
    """How it went with a letter in hand."""

    SENT = "sent"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    #: It waits for another time.
    WAITS = "waits"


class InHand:
    """A claimed letter. Nobody else marks it before the lease ends; only that it was sent is marked later, too."""

    def __init__(self, row: Row, lease: datetime) -> None:
        self._row, self._lease = row, lease
        self.id: int = row["id"]
        self.kind: str = row["kind"]
        self.address: str = row["address"]
        self.attempts: int = row["attempts"]
        #: From when on it is tried.
        self.since: datetime = row["since"]
        #: Whether it is where it should be, whatever the database knows of that.
        self.is_taken = False

    def letter(self) -> LetterInHand:
        """Raises ValueError for a kind that this version does not know."""
        row = self._row
        return LetterInHand(
            id=self.id,
            kind=LetterKind(self.kind),
            person_id=row["person_id"],
            address=self.address,
            language=row["language"],
            facts=orjson.loads(row["facts"]),
            message_id=row["message_id"],
            promised_at=row["promised_at"],
            attempts=self.attempts,
        )

    @property
    def _folded(self) -> str:
        return folded_address(self.address)

    async def sent(self, now: datetime) -> Ending:
        """Marked however long the database is away; only the end of the process puts an end to that."""
        await _surely(lambda: queries.sent(self.id, now, self._folded), ever=True)
        _log.info("letter sent", letter=self.id, kind=self.kind, attempts=self.attempts)
        return Ending.SENT

    async def failed(self, now: datetime, why: NotTaken, *, unreachable: bool = False) -> Ending:
        """Given up; `unreachable` notes the address as one that letters do not reach."""
        address = self._folded if unreachable else None
        await _surely(lambda: queries.failed(self.id, self._lease, why.reason, now, unreachable=address))
        # The reason is a server's words about somebody: the operator reads it in the outbox.
        _log.warning("letter failed", letter=self.id, kind=self.kind, attempts=self.attempts, code=why.code)
        return Ending.FAILED

    async def withdrawn(self, why: Withdrawn, habits: Habits) -> Ending:
        """It was of no use; the pace is given back what it took from it."""
        await _surely(lambda: queries.withdrawn(self.id, self._lease, why.value, step=habits.step))
        _log.info("letter withdrawn", letter=self.id, kind=self.kind, why=why.value)
        return Ending.WITHDRAWN

    async def waits(self, now: datetime, why: NotTaken, again: datetime, habits: Habits) -> Ending:
        """Until then, or until its time is over, for a last try; where it is over already, it has failed."""
        last = self.since + habits.give_up_after
        if now >= last:
            return await self.failed(now, why)
        await _surely(lambda: queries.let_go(self.id, self._lease, min(again, last), why.reason))
        _log.info("letter waits", letter=self.id, kind=self.kind, attempts=self.attempts, code=why.code)
        return Ending.WAITS

    async def let_go_at_once(self, now: datetime) -> None:
        """When everything has to end: another courier need not wait for the lease."""
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                if self.is_taken:
                    await queries.sent(self.id, now, self._folded)
                else:
                    await queries.let_go(self.id, self._lease, now)
        except Exception as failed:
            _log.warning("letter stays leased", letter=self.id, reason=type(failed).__name__)


async def _surely(mark: Callable[[], Awaitable[bool]], *, ever: bool = False) -> None:
    """Also when the database is away for a moment; with `ever`, for as long as that may be."""
    for seconds in chain(_MARK_FOR_EVER, repeat(_MARK_FOR_EVER[-1])) if ever else (*_MARK_AGAIN, None):
        try:
            marked = await mark()
        except Exception as failed:
            if seconds is None:
                raise
            _log.warning("letter not marked yet", reason=type(failed).__name__)
            await asyncio.sleep(seconds)
        else:
            if not marked:
                _log.warning("letter was in other hands by then")
            return

"""The outbox, as the operator looks after it: letters that are to be tried again, and some that are not to be sent."""

from dataclasses import dataclass
from datetime import datetime

from db import sql, trail
from db.context import Context
from db.models import LetterState
from db.queries import outbox as queries
from db.sql import Row
from db.trail import Note, Step
from mail.outbox import Withdrawn


class OutboxProblem(Exception):
    """What the operator asked for cannot be done; the text says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Promised:
    """A letter in the outbox, as an operator sees it."""

    id: int
    kind: str
    state: LetterState
    address: str
    promised_at: datetime
    #: When it is tried next, where it waits.
    due_at: datetime
    sent_at: datetime | None
    attempts: int
    #: A courier is about to send it.
    in_hand: bool
    #: Why it was given up or cancelled; of one that waits, why it was not taken the last time.
    reason: str | None


async def outbox(ctx: Context, *, state: LetterState | None = None, limit: int = 50) -> list[Promised]:
    """The newest letters, those first, or those of one state."""
    return [
        Promised(
            id=row["id"],
            kind=row["kind"],
            state=LetterState(row["state"]),
            address=row["address"],
            promised_at=row["promised_at"],
            due_at=row["due_at"],
            sent_at=row["sent_at"],
            attempts=row["attempts"],
            in_hand=bool(row["in_hand"]),
            reason=row["failure"],
        )
        for row in await queries.newest(state.value if state else None, limit, ctx.now)
    ]


async def retry_letter(ctx: Context, letter_id: int) -> None:
    """A letter that was given up waits again, and is tried for as long as one that was promised now.

    Raises:
        OutboxProblem: when it is none that was given up.
    """
    async with sql.transaction():
        row = await queries.retry(letter_id, ctx.now)
        if row is None:
            standing = await _standing(ctx, letter_id)
            raise OutboxProblem(f"Letter {letter_id} was not given up: it is {standing['state']}.")
        await _record_letter(ctx, Step.RETRY_LETTER, row)


async def retry_failed_letters(ctx: Context) -> int:
    """All letters that were given up wait again; returns how many."""
    async with sql.transaction():
        rows = await queries.retry_failed(ctx.now)
        for row in rows:
            await _record_letter(ctx, Step.RETRY_LETTER, row)
    return len(rows)


async def cancel_letter(ctx: Context, letter_id: int) -> None:
    """A letter that waits is not sent any more.

    Raises:
        OutboxProblem: when it does not wait, or a courier has it in hand.
    """
    async with sql.transaction():
        row = await queries.cancel(letter_id, ctx.now, Withdrawn.BY_OPERATOR.value)
        if row is None:
            standing = await _standing(ctx, letter_id)
            if standing["in_hand"]:
                raise OutboxProblem(f"A courier has letter {letter_id} in hand: see later what became of it.")
            raise OutboxProblem(f"Letter {letter_id} does not wait: it is {standing['state']}.")
        await _record_letter(ctx, Step.CANCEL_LETTER, row)


async def _standing(ctx: Context, letter_id: int) -> Row:
    standing = await queries.standing(letter_id, ctx.now)
    if standing is None:
        raise OutboxProblem(f"There is no letter {letter_id}.")
    return standing


async def _record_letter(ctx: Context, step: Step, row: Row) -> None:
    note = Note(step, about_person_id=row["person_id"], details={"letter_id": row["id"]})
    await trail.record(ctx, note)

"""One step of a journey: what it changes and its trail entry stand or fall together; a refusal is recorded too."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from db import sql, trail
from db.context import Context
from db.hashing import HasherBusy
from db.trail import Note, Step
from policies.refusals import Refusal, TooManyAttempts

#: How long to wait when more log-ins are queued than this worker takes.
BUSY = timedelta(seconds=5)


class StepTaken:
    """A step under way: its note, and the one transaction in which it changes anything."""

    def __init__(self, ctx: Context, step: Step) -> None:
        self.ctx = ctx
        self.note = Note(step)
        self.recorded = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Everything inside, and the trail entry at its end, is committed together or not at all."""
        async with sql.transaction():
            yield
            await trail.record(self.ctx, self.note)
        self.recorded = True


@asynccontextmanager
async def taking(ctx: Context, step: Step) -> AsyncIterator[StepTaken]:
    """Around a whole step. Spend limits and compute hashes inside it but before `transaction()`.

    A refusal undoes the transaction and is then recorded by itself; a step that changed nothing is recorded at its end.
    """
    taken = StepTaken(ctx, step)
    try:
        yield taken
        if not taken.recorded:
            async with taken.transaction():
                pass
    except Refusal as refusal:
        await trail.record(ctx, taken.note, refusal=refusal.code)
        raise
    except HasherBusy:
        busy = TooManyAttempts(ctx.now + BUSY)
        await trail.record(ctx, taken.note, refusal=busy.code)
        raise busy from None

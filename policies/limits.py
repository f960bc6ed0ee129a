"""How often one may try. An attempt is counted before it is judged; the count stays whatever happens then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from db.context import Context
from db.queries import attempts
from policies.refusals import TooManyAttempts


@dataclass(frozen=True, slots=True)
class Budget:
    """So many attempts of a kind in a window that begins with the first of them."""

    name: str
    maximum: int
    window: timedelta

    def claim(self, ctx: Context, subject: str) -> "Claim":
        """One attempt by, or on, this subject. Only a keyed digest of the subject is stored."""
        return Claim(self, f"{self.name}:{ctx.keys.subject_digest(self.name, subject).hex()}")


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt that wants to be counted against a budget."""

    budget: Budget
    id: str


@dataclass(slots=True)
class Spent:
    """An attempt that was counted and may go on to be judged: its budgets, and the end of the window of each."""

    windows: Mapping[str, datetime]

    async def give_back(self) -> None:
        """The attempt was a right one: it does not count. A second call does nothing."""
        windows, self.windows = self.windows, {}
        await attempts.refund(windows)


async def closed_until(ctx: Context, *claims: Claim) -> datetime | None:
    """When the last of these budgets that are used up opens again; None where none is. Counts nothing."""
    maximum = {claim.id: claim.budget.maximum for claim in claims}
    spent = await attempts.spent(list(maximum), now=ctx.now)
    return max((ends_at for id_, (count, ends_at) in spent.items() if count >= maximum[id_]), default=None)


async def spend(ctx: Context, *claims: Claim) -> Spent:
    """Counts an attempt against all these budgets at once, before anything is judged. Call it outside a transaction.

    Raises:
        TooManyAttempts: when any of the budgets was used up; says when the last of these windows ends.
    """
    maximum = {claim.id: claim.budget.maximum for claim in claims}
    counted = await attempts.spend({claim.id: ctx.now + claim.budget.window for claim in claims}, now=ctx.now)
    spent = Spent({id_: ends_at for id_, (_, ends_at) in counted.items()})
    closed = [ends_at for id_, (count, ends_at) in counted.items() if count > maximum[id_]]
    if closed:
        # An attempt that is not judged does not count: neither here nor in the budgets that others share.
        await spent.give_back()
        raise TooManyAttempts(max(closed))
    return spent

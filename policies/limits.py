"""How often one may try. An attempt is counted before it is judged; the count stays whatever happens then."""

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


@dataclass(frozen=True, slots=True)
class Spent:
    """Attempts that were counted and may go on to be judged."""

    ids: tuple[str, ...]

    async def give_back(self) -> None:
        """The attempt was a right one: it does not count."""
        await attempts.refund(self.ids)


async def spend(ctx: Context, *claims: Claim) -> Spent:
    """Counts an attempt against all these budgets at once, before anything is judged. Call it outside a transaction.

    Raises:
        TooManyAttempts: when any of the budgets was used up; says when the last of these windows ends.
    """
    by_id = {claim.id: claim.budget for claim in claims}
    counted = await attempts.spend({id_: ctx.now + budget.window for id_, budget in by_id.items()}, now=ctx.now)
    ends: list[datetime] = []
    within: list[str] = []
    for id_, (spent, ends_at) in counted.items():
        if spent > by_id[id_].maximum:
            ends.append(ends_at)
        else:
            within.append(id_)
    if ends:
        # An attempt that is not judged must not eat the budgets that others share.
        if within:
            await attempts.refund(within)
        raise TooManyAttempts(max(ends))
    return Spent(tuple(by_id))

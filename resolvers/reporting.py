"""How accounts stand: one, a page of them, how many; for staff of their schools, and for each holder of the own one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.context import Capacity, Context
from db.models import AccountStatus, DisabledReason
from db.queries import reporting as queries
from db.queries.reporting import AccountOrder, Place, Wanted
from resolvers.outcomes import AccountSeen, Name, School
from resolvers.reach import accounts_reached

__all__ = [
    "AccountOrder",
    "AccountsSeen",
    "Place",
    "Wanted",
    "account",
    "account_of",
    "accounts",
    "count",
    "count_by",
    "schools_of",
]


async def account(ctx: Context, account_id: int, *, with_schools: bool = False) -> AccountSeen | None:
    """The account with this id; None when it is absent, or not the asker's to see."""
    reach = accounts_reached(ctx)
    if not reach:
        return None
    row = await queries.one(reach, account_id, on=ctx.today, with_schools=with_schools)
    return account_of(row, name_of(row)) if row else None


@dataclass(frozen=True, slots=True)
class AccountsSeen:
    """A page of accounts, each with its place in the order; and how many there are in all, if that was asked."""

    accounts: list[tuple[AccountSeen, Place]]
    total: int | None = None


async def accounts(
    ctx: Context,
    wanted: Wanted,
    *,
    order: AccountOrder = AccountOrder.ID,
    descending: bool = False,
    after: Place | None = None,
    limit: int,
    with_schools: bool = False,
    with_total: bool = False,
) -> AccountsSeen:
    """The accounts that the asker sees, in an order, from the one after that place, `limit` at most."""
    reach = accounts_reached(ctx)
    if not reach:
        return AccountsSeen([], 0 if with_total else None)
    page = await queries.page(
        reach,
        wanted,
        order=order,
        descending=descending,
        on=ctx.today,
        now=ctx.now,
        with_schools=with_schools,
        with_total=with_total,
        after=after,
        limit=limit,
    )
    return AccountsSeen([(account_of(row, name_of(row)), row["place"]) for row in page.rows], page.total)


async def count(ctx: Context, wanted: Wanted) -> int:
    """How many accounts `accounts` has in all."""
    reach = accounts_reached(ctx)
    return await queries.count(reach, wanted, on=ctx.today, now=ctx.now) if reach else 0


async def count_by(ctx: Context, wanted: Wanted, by: str) -> list[tuple[str | None, int]]:
    """The same accounts counted by `STATUS`, `CAPACITY`, `SCHOOL` (the id in the database) or `GRADE_LEVEL`.

    A school or grade counts where it is in the asker's reach and among what is wanted; None stands for none of these.
    """
    reach = accounts_reached(ctx)
    return await queries.count_by(reach, wanted, by, on=ctx.today, now=ctx.now) if reach else []


async def schools_of(ctx: Context, account_id: int) -> list[School]:
    """The schools of an account that the asker sees, as far as they are in the asker's reach."""
    reach = accounts_reached(ctx)
    rows = await queries.schools_of_one(reach, account_id, on=ctx.today) if reach else []
    return [School(**row) for row in rows]


def name_of(row: Mapping[str, Any], prefix: str = "") -> Name:
    """A name from the columns of a row."""
    parts = ("given", "middle", "family", "suffix", "preferred")
    return Name(*(row[prefix + part] for part in parts))


def account_of(row: Mapping[str, Any], name: Name) -> AccountSeen:
    """An account from the columns of a row, or from the same words in JSON."""
    schools = row["schools"]
    return AccountSeen(
        account_id=row["account_id"],
        person_id=row["person_id"],
        name=name,
        capacity=Capacity(row["capacity"]),
        status=AccountStatus(row["status"]),
        disabled_reason=DisabledReason(row["disabled_reason"]) if row["disabled_reason"] else None,
        locked_until=_moment(row["locked_until"]),
        activated_at=_moment(row["activated_at"]),
        last_login_at=_moment(row["last_login_at"]),
        schools=None if schools is None else [School(**school) for school in schools],
    )


def _moment(told: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(told) if isinstance(told, str) else told

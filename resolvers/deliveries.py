"""What webhooks are told: the changes that they take in, and what their client may know of an account at the moment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from db.context import Capacity, Context
from db.feed import LOCKED, number_changes, standing
from db.models import AccountStatus, DisabledReason
from db.queries import deliveries as queries
from db.queries import webhooks
from db.queries.reach import AccountReach
from db.sql import Row
from resolvers.reach import accounts_reached
from resolvers.service_clients import service_of

#: So many changes are taken in at once; an import adds accounts by the hundred thousand.
_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a change, and of the account as it stands when it is told."""

    number: int
    at: datetime
    #: In the words of lists, `LOCKED` among them; None for an account that is new.
    status_before: str | None
    status: str
    account_id: int
    capacity: Capacity
    #: As the account stands now.
    status_now: str
    disabled_reason: DisabledReason | None
    #: As far as the client sees them.
    school_ids: tuple[int, ...]


def reach_of_client(ctx: Context, row: Row) -> AccountReach:
    """Whose accounts a service client sees by itself; `row` has the columns of the client. Nobody's, once revoked."""
    if row["revoked_at"] is not None:
        return AccountReach()
    return accounts_reached(replace(ctx, viewer=None, service=service_of(row)))


async def take_in_changes(ctx: Context) -> int:
    """Makes deliveries of all changes that are committed, for each webhook that is not paused; returns how many took in
    something.

    A change of an account that the client does not see now, or that does not fit the webhook's filters, becomes none.
    """
    numbered = await number_changes()
    hooks = await webhooks.behind(numbered)
    for hook in hooks:
        reach = reach_of_client(ctx, hook)
        taken_in: int | None = 0
        while taken_in is not None and taken_in < numbered:
            taken_in = await webhooks.take_in(reach, hook, on=ctx.today, now=ctx.now, numbered=numbered, most=_AT_ONCE)
    return len(hooks)


async def told_now(ctx: Context, hook: Row, delivery: Row) -> Told | None:
    """What the client may be told of the change at this moment; None when nothing, as it does not see the account."""
    client = await queries.client(hook["id"])
    reach = reach_of_client(ctx, client) if client else AccountReach()
    if not reach:
        return None
    account = await queries.account(reach, delivery["account_id"], hook["school_id"], on=ctx.today)
    return None if account is None else _told(ctx, delivery, account)


def _told(ctx: Context, delivery: Row, account: Mapping[str, Any]) -> Told:
    before, after = standing(delivery)
    locked = account["locked_until"] is not None and account["locked_until"] > ctx.now
    is_locked = locked and account["status"] == AccountStatus.ACTIVE
    return Told(
        number=delivery["number"],
        at=delivery["at"],
        status_before=before,
        status=after,
        account_id=account["account_id"],
        capacity=Capacity(account["capacity"]),
        status_now=LOCKED if is_locked else account["status"],
        disabled_reason=DisabledReason(account["disabled_reason"]) if account["disabled_reason"] else None,
        school_ids=tuple(school["id"] for school in account["schools"]),
    )

"""The feed of changes: how accounts came to stand as they do, told in one order that all readers can rely on.

Triggers write a row of `account_change` in the transaction of the change (migrations 0015 and 0016) and notify whoever
listens on `CHANNEL`. Transactions end in another order than they begin, so ids are no positions to read from: what is
committed late has a lower one. The rows are therefore numbered by `number_changes` once they are committed. Whoever has
read up to a number has missed nothing before it, and waits for nobody's long transaction.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from db import sql
from db.models import AccountStatus
from db.queries import changes as queries

#: What a change is told by: see the migrations.
CHANNEL: Final = "account_change"
#: How a wait after wrong passwords is called where accounts are listed: no status of its own in the database.
LOCKED: Final = "LOCKED"
#: As many are numbered, or thrown away, in one transaction; an import adds accounts by the hundred thousand.
_AT_ONCE: Final = 5000


async def number_changes() -> int:
    """Numbers all changes that are committed; returns the last number given, 0 where there was none yet.

    To be called outside any transaction: it takes short ones of its own, one after the other, of so many changes each.
    Costs one look into the database when there is nothing to number.
    """
    numbered, _, more = await queries.how_far()
    while more:
        async with sql.transaction():
            last = await queries.number(_AT_ONCE)
        more, numbered = last - numbered >= _AT_ONCE, last
    return numbered


async def forgotten() -> int:
    """The last number that was thrown away: whoever has read no further has missed changes, and reads accounts anew."""
    _, number, _ = await queries.how_far()
    return number


async def forget_changes(before: datetime) -> int:
    """Throws away what was told before then; returns how many changes. Outside any transaction, as `number_changes`."""
    gone = 0
    while True:
        async with sql.transaction():
            some = await queries.forget(before, _AT_ONCE)
        gone += some
        if some < _AT_ONCE:
            return gone


def standing(change: Mapping[str, Any]) -> tuple[str | None, str]:
    """How the account stood before a change and after it, in the words of lists: `LOCKED` is among them.

    `change` has the columns `status_before`, `status`, `locked_until` of `account_change`. A wait that began has its
    end; one that was over early is an active account that is active.
    """
    before, after = change["status_before"], change["status"]
    if change["locked_until"] is not None:
        return before, LOCKED
    if before == after == AccountStatus.ACTIVE:
        return LOCKED, after
    return before, after

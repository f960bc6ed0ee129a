"""Changes of accounts as they happen, for as long as somebody follows them; and by pages, for who asks now and then.

A change is told to whoever sees its account at the moment of telling, by the one condition of `db.queries.reach`. Who
asks, and what is in reach, is looked at anew with each handful of changes, and when there were none for a while.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from db.context import Context
from db.feed import forgotten, number_changes, standing
from db.models import DisabledReason
from db.queries import changes as queries
from db.queries.reach import AccountReach, Reach
from db.sql import Row
from db.trail import Step
from db.watching import Watch
from policies.gate import Facts, gate_of
from policies.refusals import MissingFact, NotAllowed
from policies.words import Action, Scope
from resolvers.outcomes import AccountSeen
from resolvers.reach import accounts_reached, rule_for
from resolvers.reporting import account_of, name_of
from resolvers.service_clients import still_good
from resolvers.step import taking

#: Changes of the whole district that one statement looks through; a page may therefore be short, or empty.
WINDOW: Final = 2000
#: As many are told before it is looked anew who asks and what is in reach, and for so many seconds at most: a client
#: that reads slowly is told nothing that was looked up long before.
_HANDFUL: Final = 50
_FRESH_SECONDS: Final = 0.2


class ChangesForgotten(Exception):
    """Changes after this position were thrown away, or there never was such a position: read the accounts anew."""


class StandingLost(Exception):
    """The session or the client is not good any more, so that nothing more is told."""


@dataclass(frozen=True, slots=True)
class Followed:
    """Which changes; None means that it does not matter."""

    school_id: int | None = None
    capacity: str | None = None
    with_schools: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """How an account came to stand, and how it stands by now. Statuses are words of lists: `LOCKED` is among them."""

    number: int
    at: datetime
    account: AccountSeen
    status_before: str | None
    status: str
    disabled_reason: DisabledReason | None
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some changes, and from where to read on: it may lie beyond the last of them."""

    changes: list[Change]
    position: int
    more: bool


# ------------------------------------------------------------------------------------------------ now and then
async def present() -> int:
    """The position of now: whatever is changed from here on is told after it."""
    return await number_changes()


async def changes(ctx: Context, followed: Followed, *, after: int | None, limit: int) -> Page:
    """Changes after a position, or from the oldest that is kept; none for nobody.

    Raises:
        ChangesForgotten: when changes after it were thrown away.
    """
    reach = accounts_reached(ctx)
    if not reach:
        return Page([], after or 0, more=False)
    last = await number_changes()
    start = await forgotten() if after is None else after
    return await _page(ctx, reach, followed, after=start, last=last, limit=limit)


async def _page(ctx: Context, reach: AccountReach, followed: Followed, *, after: int, last: int, limit: int) -> Page:
    up_to = min(after + WINDOW, last)
    numbered, gone, rows = await queries.told(
        reach,
        on=ctx.today,
        after=after,
        up_to=up_to,
        school_id=followed.school_id,
        capacity=followed.capacity,
        limit=limit,
        with_schools=followed.with_schools,
    )
    if not gone <= after <= numbered:
        raise ChangesForgotten
    found = [_change(row) for row in rows]
    position = found[-1].number if len(found) == limit else max(up_to, after)
    return Page(found, position, more=position < last)


def _change(row: Row) -> Change:
    before, after = standing({**row, "status": row["status_after"], "locked_until": row["locked_after"]})
    return Change(
        number=row["number"],
        at=row["at"],
        account=account_of(row, name_of(row)),
        status_before=before,
        status=after,
        disabled_reason=DisabledReason(row["reason_after"]) if row["reason_after"] else None,
        locked_until=row["locked_after"],
    )


# ------------------------------------------------------------------------------------------------ as they happen
async def follow(ctx: Context, followed: Followed, *, after: int | None) -> AsyncGenerator[tuple[Context, Change]]:
    """Changes after a position, or from now on, each once and in order, with the context in which it is told.

    Goes on until the one who follows leaves, or may not any longer. To be read where `ctx` has a `watch`.

    Raises:
        NotAllowed: when nobody is signed in, or as soon as anything that was in reach at first is no more.
        ChangesForgotten: when changes after the position were thrown away.
        StandingLost: as soon as session or client is not good any more.
    """
    watch = ctx.watch
    if watch is None:
        raise RuntimeError("changes are followed over connections that stay")
    with watch.following():
        async with taking(ctx, Step.FOLLOW_ACCOUNTS) as step:
            step.note.rule = _rule(ctx)
            step.note.details |= {
                "school_id": followed.school_id,
                "capacity": followed.capacity,
                "catches_up": after is not None,
            }
        position = last = await number_changes()
        if after is not None:
            position = after
        at_first = accounts_reached(ctx)
        while True:
            async with watch.turn:
                now = await _still_following(ctx, watch, at_first)
                page = await _page(
                    *(now, accounts_reached(now), followed),
                    after=position,
                    last=max(last, position),
                    limit=_HANDFUL,
                )
            fresh_until = asyncio.get_running_loop().time() + _FRESH_SECONDS
            for change in page.changes:
                if asyncio.get_running_loop().time() > fresh_until:
                    break
                position = change.number
                yield now, change
            else:
                position = page.position
                if not page.more:
                    last = await watch.beyond(position, seconds=ctx.rules.standing_seconds)


async def _still_following(ctx: Context, watch: Watch, at_first: AccountReach) -> Context:
    """The context of now, with all that was in reach at first still in it."""
    now = await still_good(ctx, now=watch.clock())
    if now is None:
        raise StandingLost
    if not _within(at_first, accounts_reached(now)):
        raise NotAllowed((MissingFact.ROLE,))
    return now


def _within(at_first: AccountReach, by_now: AccountReach) -> bool:
    return (
        at_first.own in (None, by_now.own)
        and _covered(at_first.students, by_now.students)
        and _covered(at_first.guardians, by_now.guardians)
    )


def _covered(at_first: Reach, by_now: Reach) -> bool:
    return by_now.everywhere or (not at_first.everywhere and at_first.schools <= by_now.schools)


def _rule(ctx: Context) -> str | None:
    """The row of the policy table by which the asker sees any account: others', or the own one.

    Raises:
        NotAllowed: when there is none.
    """
    reach = accounts_reached(ctx)
    if reach.students or reach.guardians or reach.own is None:
        return rule_for(ctx, Action.ACCOUNT_STATUS, Action.REPORT_ACCOUNTS, Action.REPORT_STUDENT_ACCOUNTS)
    return gate_of(ctx).require(ctx.asker, Action.ACCOUNT_READ, Facts(scope=Scope.OWN)).rule

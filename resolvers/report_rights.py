"""Who may know what by a report: worked out from the gate's answers, and again while a long report is read."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from db.context import Context
from db.queries.reach import AccountReach, Reach
from policies.gate import Facts, gate_of
from policies.refusals import MissingFact, NotAllowed
from policies.words import Action, Scope
from resolvers.reach import accounts_reached, rule_for, students_reached
from resolvers.report_catalogue import Kept, Tells, without
from resolvers.report_columns import STUDENT_NUMBER, USERNAME
from resolvers.report_outcomes import Described
from resolvers.service_clients import still_good

_ANY_REPORT = (Action.REPORT_ACCOUNTS, Action.REPORT_STUDENT_ACCOUNTS)
#: By which of these somebody may know of the rows.
_NEEDED: Mapping[Tells, tuple[Action, ...]] = {
    Tells.HOW_ACCOUNTS_STAND: (*_ANY_REPORT, Action.ACCOUNT_STATUS),
    Tells.MORE_OF_ACCOUNTS: _ANY_REPORT,
    Tells.STUDENTS: _ANY_REPORT,
    Tells.GUARDIANS: (Action.REPORT_ACCOUNTS,),
    Tells.PAIRS: (Action.REPORT_ACCOUNTS,),
}

_NOBODY, _NO_ACCOUNTS = Reach(), AccountReach()


@dataclass(frozen=True, slots=True)
class Sight:
    """How far the asker sees by one report: whose rows, and of which students the number and the username."""

    accounts: AccountReach = _NO_ACCOUNTS
    #: Of reports that are not of accounts.
    students: Reach = _NOBODY
    numbers: Reach = _NOBODY
    usernames: Reach = _NOBODY

    def covers(self, other: "Sight") -> bool:
        """Whether all that is seen by the other one is seen by this one too."""
        return (
            other.accounts.own in {None, self.accounts.own}
            and _covers(self.accounts.students, other.accounts.students)
            and _covers(self.accounts.guardians, other.accounts.guardians)
            and _covers(self.students, other.students)
            and _covers(self.numbers, other.numbers)
            and _covers(self.usernames, other.usernames)
        )


def _covers(wider: Reach, other: Reach) -> bool:
    return wider.everywhere or (not other.everywhere and other.schools <= wider.schools)


_EVERYWHERE = Reach(everywhere=True)
#: What the operator sees on the command line: all but usernames.
WHOLE_DISTRICT = Sight(AccountReach(None, _EVERYWHERE, _EVERYWHERE), students=_EVERYWHERE, numbers=_EVERYWHERE)


def sight(ctx: Context, kept: Kept) -> Sight:
    """How far the asker sees by this report; nothing is seen by whoever may not run it."""
    numbers = students_reached(ctx, *_ANY_REPORT)
    usernames = students_reached(ctx, Action.REPORT_STUDENT_ACCOUNTS)
    if kept.tells is Tells.HOW_ACCOUNTS_STAND:
        return Sight(accounts_reached(ctx), numbers=numbers, usernames=usernames)
    if kept.tells is Tells.MORE_OF_ACCOUNTS:
        guardians = students_reached(ctx, Action.REPORT_ACCOUNTS)
        return Sight(AccountReach(None, numbers, guardians), numbers=numbers, usernames=usernames)
    return Sight(students=students_reached(ctx, *_NEEDED[kept.tells]), numbers=numbers)


def may_run(ctx: Context, kept: Kept, seen: Sight) -> bool:
    """Whether there could be any row at all for the asker."""
    return bool(seen.students) or bool(_of_its_capacity(ctx, kept, seen.accounts))


def _of_its_capacity(ctx: Context, kept: Kept, reach: AccountReach) -> AccountReach:
    """What is left of a reach for a report about the accounts of one capacity."""
    capacity = kept.presets.get("capacity")
    if capacity is None:
        return reach
    mine = ctx.viewer is not None and ctx.viewer.capacity.value == capacity
    return AccountReach(
        own=reach.own if mine else None,
        students=reach.students if capacity == "STUDENT" else Reach(),
        guardians=reach.guardians if capacity == "GUARDIAN" else Reach(),
    )


def insist(ctx: Context, kept: Kept) -> tuple[Sight, str | None]:
    """How far the asker sees by this report, and the row of the policy table that says so.

    Raises:
        NotAllowed: there could be no row for the asker; with what is missing.
    """
    if ctx.asker is None:
        raise NotAllowed([MissingFact.SIGNED_IN])
    seen = sight(ctx, kept)
    if not may_run(ctx, kept, seen):
        # Says what is missing; where the right is there but not for this capacity, no role of the asker's has it.
        rule_for(ctx, *_NEEDED[kept.tells])
        raise NotAllowed([MissingFact.ROLE])
    if not seen.students and not seen.accounts.students and not seen.accounts.guardians:
        return seen, gate_of(ctx).require(ctx.viewer, Action.ACCOUNT_READ, Facts(scope=Scope.OWN)).rule
    return seen, rule_for(ctx, *_NEEDED[kept.tells])


def hidden_columns(ctx: Context, kept: Kept, seen: Sight) -> frozenset[str]:
    """The columns that would be empty for the asker in each row."""
    hidden = set()
    accounts = _of_its_capacity(ctx, kept, seen.accounts)
    if accounts.own is None and not (seen.usernames and accounts.students):
        hidden.add(USERNAME)
    if not seen.numbers:
        hidden.add(STUDENT_NUMBER)
    return frozenset(hidden)


def offer(ctx: Context, kept: Kept, seen: Sight) -> Described:
    """A report with the columns that would not be empty for the asker in each row."""
    return without(kept.described, hidden_columns(ctx, kept, seen))


# ------------------------------------------------------------------------------------------------ later on
@dataclass(frozen=True, slots=True)
class RightsHeld:
    """The rights of whoever began to read a report, looked at again as often as somebody asks."""

    ctx: Context
    kept: Kept
    seen: Sight
    #: On the clock that nobody sets.
    began: float = field(default_factory=time.monotonic)

    async def insist_again(self) -> None:
        """Goes on only where all is as it was at the beginning, or better.

        Raises:
            NotAllowed: the session has ended, the service client was revoked, or a right is gone.
        """
        now = self.ctx.now + timedelta(seconds=time.monotonic() - self.began)
        ctx = await still_good(self.ctx, now=now)
        if ctx is None:
            raise NotAllowed([MissingFact.SIGNED_IN])
        if not sight(ctx, self.kept).covers(self.seen):
            raise NotAllowed([MissingFact.ROLE])

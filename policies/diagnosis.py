"""Every gate between a guardian and the sight of a student: does it hold, who can mend it, and how.

Nothing is decided here a second time. Each gate of the guardianship asks `standing` what the guardianship would amount
to if this were the only thing amiss; whether the guardian sees the student is the gate's own answer about all of it, as
`resolvers.portal.students` gets it. No table shows a student for anything but a confirmed guardianship
(`policies.table`), so that the two agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from db.context import Capacity, Context, Viewer
from db.models import AccountStatus, GateName, GuardianshipStatus
from policies.access_record import AccessRecord, AccountOnRecord, beginning_of
from policies.account_gates import ACCOUNT_GATES
from policies.findings import Found, Place
from policies.gate import Facts, gate_of
from policies.guardianship import AGE_OF_RIGHTS, GuardianshipFacts, Standing, standing
from policies.guardianship_gates import GUARDIANSHIP_GATES, merged_away
from policies.words import Action, Scope

#: How far ahead changes are told, in days.
AHEAD: Final = 366
_GATES: Final = GUARDIANSHIP_GATES | ACCOUNT_GATES


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """How things stand on one day."""

    on: date
    can_see: bool
    gates: Mapping[GateName, Found]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How things stand on one day, and what changes after it by itself."""

    day: Diagnosed
    #: Days on which gates are otherwise than on the day before, with those gates alone.
    changes: tuple[Diagnosed, ...]


def diagnose(ctx: Context, record: AccessRecord, on: date, *, schools_shown: frozenset[int] | None) -> Diagnosis:
    """How things stand on a day, from today on, and what changes in the `AHEAD` days after it.

    Today is now; any later day is its beginning. What has no date is taken to stay as it is. Of schools, only these are
    named (all, for None).
    """
    first = before = _diagnosed(ctx, record, on, schools_shown)
    changes = []
    last = date.fromordinal(min(on.toordinal() + AHEAD, date.max.toordinal()))
    for day in sorted(record.edges(ctx.rules.zone, birthday_of_rights(record.birth_date))):
        if not on < day <= last:
            continue
        then = _diagnosed(ctx, record, day, schools_shown)
        other = {name: found for name, found in then.gates.items() if found.state is not before.gates[name].state}
        if other:
            changes.append(Diagnosed(day, then.can_see, other))
        before = then
    return Diagnosis(first, tuple(changes))


def _diagnosed(ctx: Context, record: AccessRecord, on: date, schools_shown: frozenset[int] | None) -> Diagnosed:
    at: datetime = ctx.now if on == ctx.today else beginning_of(on, ctx.rules.zone)
    rules = _Table(ctx)
    facts = record.facts(on)
    stands = standing(facts, on=on, seeing=True)
    sees = facts is not None and rules.shows(stands)
    lets_in = rules.lets_in and (sees or stands is not Standing.CONFIRMED)
    place = Place(record, on, at, ctx.rules.zone, schools_shown, lets_in, _shut(facts, on))
    gates = merged_away(record) or {name: _GATES[name](place) for name in GateName}
    can_see = sees and lets_in and _can_sign_in(record.account, at) and not record.merged
    return Diagnosed(on, can_see, gates)


class _Table:
    """The policy table as the guardian of a student would meet it, signed in."""

    def __init__(self, ctx: Context) -> None:
        self._gate = gate_of(ctx)
        self._guardian = Viewer(0, 0, 0, Capacity.GUARDIAN, "", {})

    def shows(self, stands: Standing) -> bool:
        """Whether a student is shown to a guardian whose guardianship amounts to this."""
        facts = Facts(scope=Scope.OWN_STUDENT, guardianship=stands)
        return bool(self._gate.may(self._guardian, Action.STUDENT_READ, facts))

    @property
    def lets_in(self) -> bool:
        """Whether a guardian gets to see as much as the own account: a district's own table may not let one."""
        return bool(self._gate.may(self._guardian, Action.ACCOUNT_READ, Facts(scope=Scope.OWN)))


def _can_sign_in(account: AccountOnRecord | None, at: datetime) -> bool:
    """Whether the account opens to the right password at this moment, as `resolvers.session.login` has it."""
    return (
        account is not None
        and account.status is AccountStatus.ACTIVE
        and not account.must_change_password
        and not (account.locked_until is not None and account.locked_until > at)
    )


def _shut(facts: GuardianshipFacts | None, on: date) -> frozenset[GateName]:
    """The gates of the guardianship that would keep the guardian out if they were the only thing amiss."""
    if facts is None:
        return frozenset()
    sound = GuardianshipFacts(
        GuardianshipStatus.CONFIRMED, portal_access=True, restricted=False, birth_date=on, adult_access=True
    )
    alone = {
        GateName.GUARDIANSHIP_CONFIRMED: replace(sound, status=facts.status),
        GateName.PORTAL_ACCESS: replace(sound, portal_access=facts.portal_access),
        GateName.NO_RESTRICTION: replace(sound, restricted=facts.restricted),
        GateName.RIGHTS_NOT_TRANSFERRED: replace(sound, birth_date=facts.birth_date, adult_access=facts.adult_access),
    }
    return frozenset(
        name for name, only in alone.items() if standing(only, on=on, seeing=True) is not Standing.CONFIRMED
    )


def birthday_of_rights(born: date | None) -> date | None:
    """The first day on which `policies.guardianship.of_age` is true; None where it is true already, or never."""
    if born is None or born.year + AGE_OF_RIGHTS > date.max.year:
        return None
    try:
        return born.replace(year=born.year + AGE_OF_RIGHTS)
    except ValueError:
        # Born on a leap day, and no leap year.
        return date(born.year + AGE_OF_RIGHTS, 3, 1)

"""The district, or a school of it, at a glance: who has got in, how often people come, and what keeps others out.

For the operator, who hands it to a principal: figures alone, of nobody in particular.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from db.context import Capacity, Context
from db.models import AccountStatus
from db.queries import overview as queries
from db.sql import Row
from db.trail import Step
from resolvers.step import taking

#: Weeks that are shown, the one that has begun included: half a year.
WEEKS = 26
#: Days of which the verifications are counted.
DESK_DAYS = 30
#: Grades below the first, as rosters write them (Common Education Data Standards, Entry Grade Level), youngest first.
_BELOW_FIRST = ("IT", "PR", "PK", "TK", "KG")


@dataclass(frozen=True, slots=True)
class Standing:
    """How many accounts of one kind there are, by how they stand."""

    active: int = 0
    not_activated: int = 0
    disabled: int = 0

    @property
    def total(self) -> int:
        return self.active + self.not_activated + self.disabled

    @property
    def share(self) -> float | None:
        """The part of them that was opened and is in use, 0 to 1; None where there are none."""
        return self.active / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Place:
    """A school or a grade, and how the accounts stand of whoever has a place there."""

    name: str
    guardians: Standing
    students: Standing


@dataclass(frozen=True, slots=True)
class Week:
    """How often somebody signed in between a Monday and the next."""

    monday: date
    guardians: int
    students: int
    #: How many different accounts that were.
    accounts: int


@dataclass(frozen=True, slots=True)
class Troubles:
    """What keeps people out, counted."""

    students: int
    #: Students who cannot be proved online: no usable SSN, a number of several, no birth date.
    not_provable: int
    #: Guardianships that no registrar has confirmed.
    claimed: int
    #: Confirmed ones without the portal mark.
    without_mark: int
    #: Students of whom no confirmed guardian has an account in use.
    without_active_guardian: int
    keys_outstanding: int
    keys_expired: int
    disabled: int
    #: Begun at the desks in the last `DESK_DAYS` days.
    verifications: int
    verifications_open: int
    verifications_not_passed: int
    work_orders: int


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the page shows."""

    at: datetime
    #: The school's name; None for the whole district.
    school: str | None
    #: All together, each account once.
    everyone: Place
    schools: list[Place]
    grades: list[Place]
    weeks: list[Week]
    troubles: Troubles


async def overview(ctx: Context, *, school_id: int | None, school: str | None) -> Overview:
    """The district or one school, counted as it is today. That it was asked for is in the trail."""
    async with taking(ctx, Step.RUN_REPORT) as step:
        step.note.details["report"] = "overview"
        if school_id is not None:
            step.note.details["school"] = school_id
        this_week = ctx.today - timedelta(days=ctx.today.weekday())
        mondays = [this_week - timedelta(weeks=back) for back in reversed(range(WEEKS))]
        first = datetime.combine(mondays[0], time.min, ctx.rules.zone)
        return Overview(
            at=ctx.now.astimezone(ctx.rules.zone),
            school=school,
            everyone=_place(school or "", await queries.standing(school_id, ctx.today)),
            schools=_schools(await queries.standing_by_school(school_id, ctx.today)),
            grades=_grades(await queries.standing_by_grade(school_id, ctx.today)),
            weeks=_weeks(
                await queries.sign_ins_by_week(school_id, ctx.today, since=first, zone=ctx.rules.zone.key), mondays
            ),
            troubles=Troubles(
                **await queries.troubles(school_id, ctx.today, since=ctx.now - timedelta(days=DESK_DAYS), now=ctx.now)
            ),
        )


def grade_order(level: str) -> tuple[int, int, str]:
    """Where a grade level stands among others: those below the first, the numbered ones, whatever else there is."""
    if level in _BELOW_FIRST:
        return 0, _BELOW_FIRST.index(level), level
    return (1, int(level), level) if level.isdecimal() else (2, 0, level)


def _schools(rows: Iterable[Row]) -> list[Place]:
    by_school: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_school[row["school_id"]].append(row)
    places = [_place(rows[0]["name"], rows) for rows in by_school.values()]
    return sorted(places, key=lambda place: place.name.casefold())


def _grades(rows: Iterable[Row]) -> list[Place]:
    by_grade: dict[str | None, list[Row]] = defaultdict(list)
    for row in rows:
        by_grade[row["grade_level"]].append(row)
    unknown = by_grade.pop(None, None)
    places = [
        _place(grade or "", by_grade[grade]) for grade in sorted(by_grade, key=lambda one: grade_order(one or ""))
    ]
    return [*places, _place("not on record", unknown)] if unknown else places


def _place(name: str, rows: Iterable[Row]) -> Place:
    counted = {(row["capacity"], row["status"]): row["count"] for row in rows}

    def standing(capacity: Capacity) -> Standing:
        return Standing(*(counted.get((capacity, status), 0) for status in _STATUSES))

    return Place(name, standing(Capacity.GUARDIAN), standing(Capacity.STUDENT))


#: In the order of `Standing`.
_STATUSES = (AccountStatus.ACTIVE, AccountStatus.NOT_ACTIVATED, AccountStatus.DISABLED)


def _weeks(rows: Iterable[Row], mondays: Iterable[date]) -> list[Week]:
    """All of these weeks, those without a log-in too."""
    counted = {(row["week"], row["capacity"]): row for row in rows}

    def told(monday: date, capacity: Capacity, column: str) -> int:
        row = counted.get((monday, capacity))
        return int(row[column]) if row else 0

    return [
        Week(
            monday=monday,
            guardians=told(monday, Capacity.GUARDIAN, "sign_ins"),
            students=told(monday, Capacity.STUDENT, "sign_ins"),
            accounts=sum(told(monday, capacity, "accounts") for capacity in (Capacity.GUARDIAN, Capacity.STUDENT)),
        )
        for monday in mondays
    ]

"""What is on record of one guardian and one student, with the dates from which and until which it counts.

Read once; what it amounts to on any day from then on is worked out by `policies.diagnosis`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from db.models import AccountStatus, DisabledReason, GuardianshipStatus
from db.sql import day
from policies.guardianship import GuardianshipFacts


@dataclass(frozen=True, slots=True)
class Span:
    """Some days in a row; None for no first or no last one."""

    begins_on: date | None
    ends_on: date | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """From JSON with the two dates."""
        begins, ends = row["begins_on"], row["ends_on"]
        return cls(day(begins) if begins else None, day(ends) if ends else None)

    def has(self, day: date) -> bool:
        """Whether the day is one of them. The same as the condition in `db.queries.guardianships.RESTRICTED`."""
        return (self.begins_on is None or self.begins_on <= day) and (self.ends_on is None or self.ends_on >= day)

    def edges(self) -> list[date]:
        """The first day, and the first day after the last one."""
        edges = [self.begins_on] if self.begins_on else []
        if self.ends_on and self.ends_on < date.max:
            edges.append(self.ends_on + timedelta(days=1))
        return edges


@dataclass(frozen=True, slots=True)
class RestrictionOnRecord:
    """One that was not lifted."""

    kind: str
    span: Span


@dataclass(frozen=True, slots=True)
class EnrolmentOnRecord:
    school_id: int
    school: str
    phone: str | None
    grade_level: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class TieOnRecord:
    """The guardianship."""

    relationship: str
    status: GuardianshipStatus
    portal_access: bool
    adult_access: bool
    revoked_at: datetime | None
    restrictions: tuple[RestrictionOnRecord, ...]

    def restriction(self, on: date) -> RestrictionOnRecord | None:
        """The one in force on a day; of several, the one that ends last."""
        held = [each for each in self.restrictions if each.span.has(on)]
        return max(held, key=lambda each: each.span.ends_on or date.max, default=None)


@dataclass(frozen=True, slots=True)
class KeyOnRecord:
    """A key that was neither used nor replaced."""

    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountOnRecord:
    """The guardian's account."""

    status: AccountStatus
    disabled_reason: DisabledReason | None
    activated_at: datetime | None
    must_change_password: bool
    locked_until: datetime | None
    key: KeyOnRecord | None

    @property
    def was_opened(self) -> bool:
        """One that was disabled before it was ever activated is not open when it is enabled."""
        return self.status is AccountStatus.ACTIVE or self.activated_at is not None


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """All that sight of one student by one guardian depends on."""

    guardian_merged: bool
    student_merged: bool
    birth_date: date | None
    tie: TieOnRecord | None
    account: AccountOnRecord | None
    #: When both were members of one household.
    together: tuple[Span, ...]
    enrolments: tuple[EnrolmentOnRecord, ...]

    @property
    def merged(self) -> bool:
        """Whether another record goes on for one of the two."""
        return self.guardian_merged or self.student_merged

    def facts(self, on: date) -> GuardianshipFacts | None:
        """What `policies.guardianship.standing` is asked about on a day."""
        if self.tie is None:
            return None
        return GuardianshipFacts(
            status=self.tie.status,
            portal_access=self.tie.portal_access,
            restricted=self.tie.restriction(on) is not None,
            birth_date=self.birth_date,
            adult_access=self.tie.adult_access,
        )

    def edges(self, zone: ZoneInfo, birthday: date | None) -> set[date]:
        """All days on which something may be otherwise than on the day before."""
        spans = [*self.together, *(each.span for each in self.enrolments)]
        if self.tie:
            spans += [each.span for each in self.tie.restrictions]
        days = {day for span in spans for day in span.edges()}
        if birthday:
            days.add(birthday)
        if self.account:
            moments = [self.account.locked_until, self.account.key.expires_at if self.account.key else None]
            days |= {_first_day_after(moment, zone) for moment in moments if moment}
        return days


def beginning_of(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which a day begins."""
    return datetime.combine(day, time(), zone)


def _first_day_after(moment: datetime, zone: ZoneInfo) -> date:
    """The first day at whose beginning the moment has passed."""
    day = moment.astimezone(zone).date()
    return day if moment <= beginning_of(day, zone) else day + timedelta(days=1)

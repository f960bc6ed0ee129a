"""A household as the registrar has it on the desk: who lives there, where it is, and what was corrected."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from db.context import Capacity
from db.models import DecidedBy
from db.sql import day
from resolvers.outcomes import Name
from resolvers.reporting import name_of

#: What a registrar may correct, by the names of the columns.
FIELDS: Final = ("name", "street", "city", "state", "postal_code", "phone")


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who lives, lived or will live in a household."""

    person_id: int
    name: Name
    capacity: Capacity
    is_secondary: bool
    begins_on: date | None
    ends_on: date | None
    decided_by: DecidedBy


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What a household is called, its mailing address, and its telephone."""

    name: str
    street: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    phone: str | None
    decided_by: DecidedBy

    @property
    def mailing_address(self) -> str | None:
        """On one line, as on an envelope; None where nothing is on record."""
        region = " ".join(part for part in (self.state, self.postal_code) if part)
        return ", ".join(part for part in (self.street, self.city, region) if part) or None


@dataclass(frozen=True, slots=True)
class Replaced:
    """What was on record until a registrar corrected it."""

    whereabouts: Whereabouts
    replaced_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class HouseholdSeen:
    """A household as the registrar has it on the desk."""

    id: int
    whereabouts: Whereabouts
    members: tuple[Member, ...]
    #: The newest first.
    history: tuple[Replaced, ...]


def household_of(row: Mapping[str, Any]) -> HouseholdSeen:
    """From a row of `db.queries.households`."""
    return HouseholdSeen(
        id=row["id"],
        whereabouts=_whereabouts(row),
        members=tuple(_member(member) for member in row["members"]),
        history=tuple(
            Replaced(_whereabouts(version), datetime.fromisoformat(version["replaced_at"]), version["reason"])
            for version in row["versions"]
        ),
    )


def _member(row: Mapping[str, Any]) -> Member:
    return Member(
        person_id=row["person_id"],
        name=name_of(row),
        capacity=Capacity.STUDENT if row["is_student"] else Capacity.GUARDIAN,
        is_secondary=row["is_secondary"],
        begins_on=day(row["begins_on"]) if row["begins_on"] else None,
        ends_on=day(row["ends_on"]) if row["ends_on"] else None,
        decided_by=DecidedBy(row["decided_by"]),
    )


def _whereabouts(row: Mapping[str, Any]) -> Whereabouts:
    return Whereabouts(**{name: row[name] for name in FIELDS}, decided_by=DecidedBy(row["decided_by"]))

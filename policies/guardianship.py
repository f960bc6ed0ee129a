"""What a guardianship amounts to today: the one computed fact on which sight of a student depends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Self

from db.models import GuardianshipStatus

#: Age at which a student's rights pass to the student (FERPA, 34 CFR 99.5(a)(1)).
AGE_OF_RIGHTS = 18


class Standing(StrEnum):
    """The words that may stand in the policy table's guardianship column, `any` aside."""

    NONE = "none"
    CLAIMED = "claimed"
    CONFIRMED = "confirmed"
    REVOKED = "revoked"
    RESTRICTED = "restricted"
    UNMARKED = "unmarked"
    RIGHTS_PASSED = "rights_passed"
    SELF = "self"


@dataclass(frozen=True, slots=True)
class GuardianshipFacts:
    """What is on record of one guardian and one student on one day."""

    status: GuardianshipStatus
    portal_access: bool
    #: A restriction is in force on that day.
    restricted: bool
    birth_date: date | None
    adult_access: bool

    @classmethod
    def of(cls, row: Mapping[str, Any], birth_date: date | None) -> Self:
        """From a row of a query about guardianships."""
        return cls(
            status=GuardianshipStatus(row["status"]),
            portal_access=row["portal_access"],
            restricted=row["restricted"],
            birth_date=birth_date,
            adult_access=row["adult_access"],
        )


def of_age(birth_date: date | None, on: date) -> bool:
    """Whether rights have passed. An unknown birth date counts as of age: an unknown fact is never a yes."""
    if birth_date is None:
        return True
    years = on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))
    return years >= AGE_OF_RIGHTS


def rights_pass_on(birth_date: date | None) -> date | None:
    """The day of the eighteenth birthday; the first of March for who was born on the 29th of February."""
    if birth_date is None:
        return None
    try:
        return birth_date.replace(year=birth_date.year + AGE_OF_RIGHTS)
    except ValueError:
        return date(birth_date.year + AGE_OF_RIGHTS, 3, 1)


def last_birth_of_age(on: date) -> date:
    """The last birth date with which somebody is of age on that day: whoever was born later is not."""
    try:
        return on.replace(year=on.year - AGE_OF_RIGHTS)
    except ValueError:
        return date(on.year - AGE_OF_RIGHTS, 2, 28)


def standing(facts: GuardianshipFacts | None, *, on: date, seeing: bool) -> Standing:
    """The fact for the policy table: a restriction outranks everything, then the status, then what seeing needs.

    Args:
        on: the day in the district's time zone.
        seeing: whether the action is about seeing the student; the portal mark matters only then.
    """
    if facts is None:
        return Standing.NONE
    if facts.restricted:
        return Standing.RESTRICTED
    if facts.status is GuardianshipStatus.REVOKED:
        return Standing.REVOKED
    if facts.status is not GuardianshipStatus.CONFIRMED:
        return Standing.CLAIMED
    if seeing and not facts.portal_access:
        return Standing.UNMARKED
    if of_age(facts.birth_date, on) and not facts.adult_access:
        return Standing.RIGHTS_PASSED
    return Standing.CONFIRMED


def standing_of(row: Mapping[str, Any], birth_date: date | None, on: date) -> Standing:
    """The fact for seeing a student, from a row of a query about guardianships."""
    return standing(GuardianshipFacts.of(row, birth_date), on=on, seeing=True)


def majority_aside(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same row as if the student's rights had not passed: for what does not show the student by itself."""
    return {**row, "adult_access": True}

"""What a checked set says, as plain records: the roster's own ids, no database ids, nothing that is not stored."""

from dataclasses import dataclass, field
from datetime import date

from db.context import Capacity
from db.ssn import Ssn


@dataclass(frozen=True, slots=True)
class School:
    """A school of the district."""

    source_id: str
    name: str
    phone: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """Anybody in the set, in one capacity or more."""

    source_id: str
    given: str
    middle: str | None
    family: str
    suffix: str | None
    preferred: str | None
    email: str | None
    capacities: frozenset[Capacity]

    @property
    def email_folded(self) -> str | None:
        """The address in the form in which addresses are compared."""
        return self.email.casefold() if self.email else None


@dataclass(slots=True)
class Student:
    """What is known of a person as a student; `row` is where in `users.csv`.

    A number that several students share proves nobody online.
    """

    source_id: str
    number: str
    birth_date: date | None
    ssn: Ssn
    row: int
    number_is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A student at a school, in a grade."""

    student: str
    school: str
    grade_level: str | None
    begins_on: date | None
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class Household:
    """A mailing address and a home telephone."""

    source_id: str
    name: str
    street: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a household."""

    household: str
    person: str
    is_secondary: bool
    begins_on: date | None
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class Guardianship:
    """A guardian and a student. Of each flag: true, false, or None because nobody has said.

    `restricted_from` and `restricted_until` count only where `restricted`.
    """

    guardian: str
    student: str
    relationship: str
    legal_guardian: bool | None
    portal: bool | None
    lives_with: bool | None
    restricted: bool
    restricted_from: date | None
    restricted_until: date | None


@dataclass(frozen=True, slots=True)
class Grade:
    """A result of one piece of work."""

    source_id: str
    student: str
    course: str
    title: str
    score: str | None
    maximum: str | None
    scored_on: date | None


@dataclass(frozen=True, slots=True)
class AttendanceEvent:
    """An absence, a tardiness or the like."""

    source_id: str
    student: str
    school: str
    happened_on: date
    category: str
    reason: str | None


@dataclass(slots=True)
class CheckedSet:
    """Everything that a set says. `silent_on` names what it has no column or file for: that stays as it was."""

    schools: dict[str, School] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    students: dict[str, Student] = field(default_factory=dict)
    enrolments: list[Enrolment] = field(default_factory=list)
    households: dict[str, Household] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    guardianships: list[Guardianship] = field(default_factory=list)
    grades: list[Grade] = field(default_factory=list)
    attendance: list[AttendanceEvent] = field(default_factory=list)
    silent_on: set[str] = field(default_factory=set)

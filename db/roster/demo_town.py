"""The demo district's people: how a family, a household, a student and a guardian of it are made up."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from faker import Faker

from db.roster.demo_rows import DemoRows
from db.roster.demo_school import GRADES, SchoolYear

#: Telephone numbers 555-0100 to 555-0199 are set aside for fiction (NANPA).
_AREAS = ("512", "737", "830", "254", "325", "979")
_CITY, _STATE = "Cedar Hollow", "TX"
_POSTAL_CODES = ("78699", "78698")


@dataclass(frozen=True, slots=True)
class Name:
    """A name as the roster has it."""

    given: str
    family: str
    middle: str = ""
    suffix: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.given, self.middle, self.family, self.suffix) if part)


@dataclass(frozen=True, slots=True)
class Adult:
    """A guardian, or somebody who might be taken for one, or a member of staff."""

    source_id: str
    name: Name
    email: str
    row: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Child:
    """A student."""

    source_id: str
    name: Name
    number: str
    birth_date: date
    #: As the roster writes it: with hyphens, without, a placeholder, or nothing.
    ssn: str = field(repr=False)
    level: str
    row: dict[str, str] = field(repr=False)

    @property
    def school(self) -> str:
        """The school of the student's grade."""
        return GRADES[self.level]


@dataclass(frozen=True, slots=True)
class Home:
    """Where a household gets its letters and calls."""

    address: str
    phone: str


class Town:
    """Makes people and writes them down. The same seed makes the same town."""

    def __init__(self, rows: DemoRows, year: SchoolYear, today: date, seed: int) -> None:
        self.rng = Random(seed)  # noqa: S311  # made-up people, no secrets
        self.fake = Faker("en_US")
        self.fake.seed_instance(seed)
        self.children: list[Child] = []
        self._rows, self._year, self._today = rows, year, today
        self._adults = self._households = 0
        self._used: set[str] = set()
        self._emails: set[str] = set()
        self._homes: dict[str, Home] = {}
        self._lives_in: dict[str, str] = {}

    def family_name(self) -> str:
        """A family name, now and then a double one."""
        name: str = self.fake.last_name()
        return f"{name}-{self.fake.last_name()}" if self.rng.random() < 0.06 else name

    def adult(
        self,
        given: str | None = None,
        family: str | None = None,
        *,
        middle: str = "",
        suffix: str = "",
        email: str | None = None,
        role: str = "parent",
        orgs: Sequence[str] = (),
    ) -> Adult:
        """A grown-up. `email`: None gives an address of their own, "" none."""
        self._adults += 1
        name = Name(given or self.fake.first_name(), family or self.family_name(), middle, suffix)
        address = self._email(name) if email is None else email
        source_id = f"{'g' if role == 'parent' else 't'}-{self._adults:04}"
        cells = {"sourcedId": source_id, "orgSourcedIds": ",".join(orgs), "role": role, "email": address}
        return Adult(source_id, name, address, self._user(name, cells))

    def child(
        self,
        level: str,
        family: str,
        given: str | None = None,
        *,
        middle: str | None = None,
        suffix: str = "",
        preferred: str = "",
        number: str | None = None,
        birth_date: date | None = None,
        ssn: str | None = None,
        schools: Sequence[str] = (),
    ) -> Child:
        """A student of a grade, at the school of that grade unless `schools` says otherwise."""
        second = middle if middle is not None else self.fake.first_name() if self.rng.random() < 0.6 else ""
        name = Name(given or self.fake.first_name(), family, second, suffix)
        source_id = f"s-{len(self.children) + 1:04}"
        born_on = birth_date or self._birth_date(level)
        told = self.ssn() if ssn is None else ssn
        cells = {
            **{"sourcedId": source_id, "role": "student", "grades": level, "identifier": number or self._number()},
            **{"orgSourcedIds": ",".join(schools or (GRADES[level],)), "metadata.ssn": told},
        }
        row = self._user(name, {**cells, "metadata.preferredName": preferred})
        sex = self.rng.choice(("male", "female"))
        self._rows.add("demographics.csv", {"sourcedId": source_id, "birthDate": born_on, "sex": sex})
        child = Child(source_id, name, row["identifier"], born_on, told, level, row)
        self.children.append(child)
        return child

    def _user(self, name: Name, cells: dict[str, str]) -> dict[str, str]:
        named = {"givenName": name.given, "familyName": name.family, "middleName": name.middle}
        return self._rows.add("users.csv", {**cells, **named, "metadata.suffix": name.suffix, "enabledUser": True})

    def household(self, name: str, *members: Adult | Child) -> str:
        """A household and those who live there first of all; returns its id."""
        self._households += 1
        source_id = f"h-{self._households:04}"
        street: str = f"PO Box {self.rng.randint(10, 999)}" if self.rng.random() < 0.05 else self.fake.street_address()
        place = {"city": _CITY, "state": _STATE, "postalCode": self.rng.choice(_POSTAL_CODES)}
        phone = self._phone()
        cells = {"sourcedId": source_id, "name": name, "streetAddress": street, **place, "phone": phone}
        self._rows.add("households.csv", cells)
        self._homes[source_id] = Home(f"{street}, {_CITY}, {_STATE} {place['postalCode']}", phone)
        self.live(source_id, *members)
        return source_id

    def live(self, household: str, *members: Adult | Child, secondary: bool = False, since: date | None = None) -> None:
        """Puts people into a household."""
        for member in members:
            cells = {"householdSourcedId": household, "userSourcedId": member.source_id}
            self._rows.add("householdMembers.csv", {**cells, "secondary": secondary, "beginDate": since})
            if not secondary:
                self._lives_in.setdefault(member.source_id, household)

    def home_of(self, member: Adult | Child) -> Home:
        """The first household that somebody was put into."""
        return self._homes[self._lives_in[member.source_id]]

    def tie(
        self,
        child: Child,
        adult: Adult,
        relation: str,
        *,
        legal: bool | None = True,
        portal: bool | None = True,
        lives_with: bool = True,
        restricted_from: date | None = None,
    ) -> None:
        """Says what an adult is to a student. Half of the people name each other as agents too, as in real sets."""
        pair = {"studentSourcedId": child.source_id, "contactSourcedId": adult.source_id, "relation": relation}
        flags = {"legalGuardian": legal, "portal": portal, "livesWith": lives_with}
        restriction = {"restricted": True if restricted_from else None, "beginDate": restricted_from}
        self._rows.add("relationships.csv", {**pair, **flags, **restriction})
        if self.rng.random() < 0.5:
            agents = child.row["agentSourcedIds"]
            child.row["agentSourcedIds"] = f"{agents},{adult.source_id}" if agents else adult.source_id

    def ssn(self) -> str:
        """Nine made-up digits that pass for a number, because placeholders would prove nothing; written in two ways.

        They are drawn at random for people who do not exist. Areas above 772 were not given out before 2011.
        """
        digits = f"{self.rng.randint(773, 899)}{self.rng.randint(1, 99):02}{self.rng.randint(1, 9999):04}"
        if len(set(digits)) < 4 or digits in self._used:
            return self.ssn()
        self._used.add(digits)
        return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}" if self.rng.random() < 0.5 else digits

    def _number(self) -> str:
        number = (
            f"{self.rng.randint(200, 99_999):07}"
            if self.rng.random() < 0.3
            else str(self.rng.randint(1_100_000, 9_899_999))
        )
        if number in self._used:
            return self._number()
        self._used.add(number)
        return number

    def _birth_date(self, level: str) -> date:
        """The usual age for a grade: five years old in kindergarten on the first of September. Nobody is eighteen yet
        today unless asked for, since rights pass to the student then."""
        age = 5 if level == "KG" else 5 + int(level)
        latest = date(self._year.starts_on.year - age, 9, 1)
        earliest = max(latest - timedelta(days=364), date(self._today.year - 18, 1, 1) + self._days_of_this_year())
        return earliest + timedelta(days=self.rng.randint(0, max(0, (latest - earliest).days)))

    def _days_of_this_year(self) -> timedelta:
        return self._today - date(self._today.year, 1, 1) + timedelta(days=2)

    def _phone(self) -> str:
        return f"({self.rng.choice(_AREAS)}) 555-01{self.rng.randint(0, 99):02}"

    def _email(self, name: Name) -> str:
        plain = unicodedata.normalize("NFKD", f"{name.given}.{name.family}".lower().replace("ø", "o"))
        local = "".join(letter for letter in plain if letter.isascii() and (letter.isalnum() or letter in ".-"))
        at = 2
        address = f"{local}@example.org"
        while address in self._emails:
            address, at = f"{local}{at}@example.org", at + 1
        self._emails.add(address)
        return address

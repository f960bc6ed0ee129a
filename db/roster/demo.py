"""The demo district: a made-up school district as a roster set, with the families that real districts have too."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from db.context import Role
from db.models import SsnState
from db.roster.demo_cases import Case, make_cases
from db.roster.demo_rows import DemoRows
from db.roster.demo_school import (
    DISTRICT,
    DISTRICT_NAME,
    GRADES,
    HIGH,
    SCHOOLS,
    add_classes,
    add_progress,
    add_schools,
    school_year,
)
from db.roster.demo_town import Adult, Child, Town
from db.ssn import read_ssn

SEED = 20_260_817
#: Grades in which a student may have turned eighteen.
_MAY_BE_OF_AGE = ("11", "12")


@dataclass(frozen=True, slots=True)
class GuardianFact:
    """What to type in for a guardian of the demo district. Everything in it is made up, the SSN too."""

    what: str
    #: Whether these facts open the way to a key.
    opens: bool
    student_source_id: str
    student_name: str
    student_number: str
    student_birth_date: date
    student_ssn: str = field(repr=False)
    #: Source id of the school of the student's grade.
    school: str
    guardian_source_id: str
    given: str
    middle: str
    family: str
    suffix: str
    email: str
    home_address: str
    home_phone: str


@dataclass(frozen=True, slots=True)
class StaffFact:
    """A member of staff who is meant to have a role; `school_source_id` None stands for the whole district."""

    role: Role
    source_id: str
    name: str
    school_source_id: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is to try in the demo district."""

    district_name: str
    #: By a short name, such as "one guardian" or "restricted".
    guardians: Mapping[str, GuardianFact]
    #: The guardian who is meant to have an account from the start.
    activated: GuardianFact
    staff: tuple[StaffFact, ...]
    #: Ordinary families with nobody's account open: there is a new one to try with for a long time.
    families: tuple[GuardianFact, ...]

    def as_dict(self) -> dict[str, object]:
        """Plain values, dates as text."""

        def plain(fact: GuardianFact) -> dict[str, object]:
            return {**asdict(fact), "student_birth_date": fact.student_birth_date.isoformat()}

        return {
            "district_name": self.district_name,
            "guardians": {name: plain(fact) for name, fact in self.guardians.items()},
            "activated": plain(self.activated),
            "families": [plain(fact) for fact in self.families],
            "staff": [{**asdict(fact), "role": fact.role.value} for fact in self.staff],
        }


def write_demo(folder: Path, *, today: date, students: int = 300, seed: int = SEED) -> Facts:
    """Writes the set into `folder` (made if absent) and returns what to try in it.

    The same day, seed and number of students make the same set. E-mail addresses are under example.org, telephone
    numbers in the range kept free for fiction. The SSNs are drawn at random for people who do not exist; they have to
    look real, because a placeholder proves nothing here.
    """
    rows, year = DemoRows(), school_year(today)
    add_schools(rows, year)
    classes = add_classes(rows, year)
    town = Town(rows, year, today, seed)
    staff = _make_staff(town)
    cases = make_cases(town, year, today)
    ordinary: list[Case] = []
    while len(town.children) < students:
        ordinary.extend(_make_family(town, most=students - len(town.children)))
    for child in town.children:
        taken = classes[child.level]
        if child.source_id == cases["two schools"].child.source_id:
            taken = [*taken[:-1], next(one for one in classes["09"] if one.source_id == "k-09-2")]
        add_progress(rows, year, town.rng, student=child.source_id, school=child.school, classes=taken)
    rows.write(folder, system=f"Demo of {DISTRICT_NAME}")
    facts = {name: _fact(town, case) for name, case in cases.items()}
    # Those at the designee's school first, so that there is one to try the desk with.
    families = tuple(sorted((_fact(town, case) for case in ordinary), key=lambda fact: fact.school != HIGH))
    return Facts(DISTRICT_NAME, facts, facts["activated guardian"], staff, families)


def _make_staff(town: Town) -> tuple[StaffFact, ...]:
    """Those who get a role, and teachers beside them: what OneRoster says of staff gives nobody a role here."""
    fixed = (
        (Role.DESIGNEE, "Beatrice", "Lowell", "aide", HIGH),
        (Role.REGISTRAR, "Carlos", "Montoya", "administrator", HIGH),
        (Role.TECHNOLOGY, "Priya", "Raman", "administrator", None),
        (Role.REPORTER, "Evelyn", "Sato", "administrator", HIGH),
        (Role.ADMINISTRATOR, "Walter", "Greene", "administrator", None),
    )
    facts = []
    for role, given, family, kind, school in fixed:
        adult = town.adult(given, family, role=kind, orgs=(school or DISTRICT,))
        facts.append(StaffFact(role, adult.source_id, str(adult.name), school))
    for school in SCHOOLS:
        for _ in range(6):
            town.adult(role="teacher", orgs=(school,))
    return tuple(facts)


def _fact(town: Town, case: Case) -> GuardianFact:
    name = case.adult.name
    child = case.child
    home = town.home_of(case.adult)
    return GuardianFact(
        what=case.what,
        opens=case.opens,
        student_source_id=child.source_id,
        student_name=str(child.name),
        student_number=child.number,
        student_birth_date=child.birth_date,
        student_ssn=child.ssn,
        school=child.school,
        guardian_source_id=case.adult.source_id,
        given=name.given,
        middle=name.middle,
        family=name.family,
        suffix=name.suffix,
        email=case.adult.email,
        home_address=home.address,
        home_phone=home.phone,
    )


def _make_family(town: Town, *, most: int) -> list[Case]:
    """A family as they come: one to three children; parents together, apart, alone, or grandparents.

    Returns who of it can get a key, with which child's facts: nobody where no child's SSN is on file.
    """
    rng, name = town.rng, town.family_name()
    number = min(most, rng.choices((1, 2, 3), weights=(5, 4, 1))[0])
    levels = sorted(rng.sample(list(GRADES), number))
    children = [_make_child(town, level, name) for level in levels]
    kind = rng.choices(("together", "apart", "alone", "grandparents"), weights=(60, 20, 14, 6))[0]
    first = town.adult(family=name, email=_email(town))
    home = town.household(name, first, *children)
    relation = "grandmother" if kind == "grandparents" else "mother"
    for child in children:
        town.tie(child, first, relation)
    if kind == "together":
        email = first.email if rng.random() < 0.08 else _email(town)
        second = town.adult(family=name, suffix=rng.choices(("", "Jr.", "Sr."), weights=(94, 4, 2))[0], email=email)
        town.live(home, second)
        _tie_all(town, children, second, lives_with=True)
    elif kind == "apart":
        second = town.adult(email=_email(town))
        other = town.household(second.name.family, second)
        town.live(other, *children, secondary=True)
        _tie_all(town, children, second, lives_with=False)
        if rng.random() < 0.3:
            step = town.adult(email=_email(town))
            town.live(other, step)
            for child in children:
                town.tie(child, step, "stepmother", legal=False, portal=False, lives_with=False)
    known = [
        child
        for child in children
        if read_ssn(child.ssn).state is SsnState.ON_FILE and child.level not in _MAY_BE_OF_AGE
    ]
    return [Case("an ordinary family", child, first, opens=True) for child in known[:1]]


def _tie_all(town: Town, children: list[Child], adult: Adult, *, lives_with: bool) -> None:
    for child in children:
        town.tie(child, adult, "father", lives_with=lives_with)


def _make_child(town: Town, level: str, family: str) -> Child:
    # Now and then nobody has brought the number, or somebody typed nines to get past the field.
    ssn = town.rng.choices((None, "", "000-00-0000", "999999999"), weights=(93, 4, 2, 1))[0]
    return town.child(level, family, ssn=ssn)


def _email(town: Town) -> str | None:
    return "" if town.rng.random() < 0.14 else None

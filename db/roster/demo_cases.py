"""The families of the demo district that were made up one by one: each shows what happens in real districts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from db.roster.demo_school import HIGH, MIDDLE, SchoolYear
from db.roster.demo_town import Adult, Child, Town


@dataclass(frozen=True, slots=True)
class Case:
    """A student and a guardian to try something with. `opens` is whether the guardian can get a key online."""

    what: str
    child: Child
    adult: Adult
    opens: bool


def make_cases(town: Town, year: SchoolYear, today: date) -> dict[str, Case]:
    """All of them, by a short name for each."""
    makers: tuple[Callable[[Town, SchoolYear, date], dict[str, Case]], ...] = (
        _one_parent,
        _two_parents,
        _split_household,
        _step_parent,
        _restricted,
        _addresses,
        _numbers,
        _of_age,
        _two_schools,
        _teacher,
        _unsaid,
    )
    return {name: case for make in makers for name, case in make(town, year, today).items()}


def _one_parent(town: Town, _year: SchoolYear, _today: date) -> dict[str, Case]:
    mother = town.adult("Danielle", "Whitaker", middle="Rose")
    child = town.child("04", "Whitaker", "Owen", middle="James", number="0041207", ssn=town.ssn())
    town.household("Whitaker", mother, child)
    town.tie(child, mother, "mother")
    return {
        "one guardian": Case("The only guardian; the student number begins with a zero.", child, mother, opens=True)
    }


def _two_parents(town: Town, _year: SchoolYear, _today: date) -> dict[str, Case]:
    mother, father = town.adult("Maria", "Delgado", middle="Elena"), town.adult("Luis", "Delgado")
    home = town.household("Delgado", mother, father)
    children = (
        town.child("03", "Delgado", "Sofia", middle="Isabel"),
        town.child("07", "Delgado", "Mateo", middle="Luis"),
    )
    for child in children:
        town.live(home, child)
        town.tie(child, mother, "mother")
        town.tie(child, father, "father")
    return {
        "two guardians": Case("Two guardians and a sibling: the name says whose key.", children[0], father, opens=True),
        "activated guardian": Case("Has an account already.", children[1], mother, opens=False),
    }


def _split_household(town: Town, year: SchoolYear, _today: date) -> dict[str, Case]:
    mother = town.adult("Renée", "Okafor-Lindqvist")
    father = town.adult("Robert", "Hale", middle="Thomas", suffix="Jr.")
    child = town.child("06", "Hale", "Robert", middle="Thomas", suffix="III", preferred="Tripp")
    town.household("Okafor-Lindqvist", mother, child)
    other = town.household("Hale", father)
    town.live(other, child, secondary=True, since=year.starts_on)
    town.tie(child, mother, "mother")
    town.tie(child, father, "father", lives_with=False)
    return {
        "split household": Case("Parents in two households, hyphen and accent.", child, mother, opens=True),
        "suffix": Case("Father Jr. and son III with the same name.", child, father, opens=True),
    }


def _step_parent(town: Town, _year: SchoolYear, _today: date) -> dict[str, Case]:
    mother, step = town.adult("Tamika", "Brooks"), town.adult("Gregory", "Vance")
    child = town.child("02", "Brooks", "Jayla", middle="Simone")
    town.household("Brooks Vance", mother, step, child)
    town.tie(child, mother, "mother")
    town.tie(child, step, "stepfather", legal=False, portal=False)
    return {"step-parent": Case("Lives with the student and is no guardian.", child, step, opens=False)}


def _restricted(town: Town, year: SchoolYear, _today: date) -> dict[str, Case]:
    mother, father = town.adult("Karen", "Abernathy"), town.adult("Douglas", "Pruitt")
    child = town.child("05", "Pruitt", "Lily", middle="Grace")
    town.household("Abernathy", mother, child)
    town.household("Pruitt", father)
    town.tie(child, mother, "mother")
    town.tie(child, father, "father", lives_with=False, restricted_from=year.starts_on)
    return {
        "restricted": Case("A court order stands between father and student.", child, father, opens=False),
        "beside restricted": Case("The other parent is not concerned by it.", child, mother, opens=True),
    }


def _addresses(town: Town, _year: SchoolYear, _today: date) -> dict[str, Case]:
    one = town.adult("Harold", "Nguyen", email="nguyen.family@example.org")
    two = town.adult("Linh", "Nguyen", email=one.email)
    child = town.child("01", "Nguyen", "Minh")
    town.household("Nguyen", one, two, child)
    town.tie(child, one, "father")
    town.tie(child, two, "mother")
    silent = town.adult("Earl", "Stubbs", email="")
    grandchild = town.child("08", "Stubbs", "Wyatt", middle="")
    town.household("Stubbs", silent, grandchild)
    town.tie(grandchild, silent, "grandfather")
    return {
        "shared e-mail": Case("Both parents use one e-mail address.", child, two, opens=True),
        "no e-mail": Case("A grandfather without an e-mail address.", grandchild, silent, opens=True),
    }


def _numbers(town: Town, _year: SchoolYear, _today: date) -> dict[str, Case]:
    mother = town.adult("Ingrid", "Sørensen")
    without = town.child("KG", "Sørensen", "Astrid", ssn="")
    placeholder = town.child("03", "Sørensen", "Nils", ssn="999-99-9999")
    town.household("Sørensen", mother, without, placeholder)
    for child in (without, placeholder):
        town.tie(child, mother, "mother")
    father = town.adult("José Ángel", "Peña")
    accents = town.child("05", "Peña-O’Hara", "Zoë", number="0000731")
    town.household("Peña", father, accents)
    town.tie(accents, father, "father")
    return {
        "no SSN": Case("No SSN on file: the school is the way.", without, mother, opens=False),
        "placeholder SSN": Case("A placeholder instead of an SSN.", placeholder, mother, opens=False),
        "accents": Case("Accents, apostrophe, hyphen, many leading zeros.", accents, father, opens=True),
    }


def _of_age(town: Town, _year: SchoolYear, today: date) -> dict[str, Case]:
    mother = town.adult("Patricia", "Coleman")
    # The first of a month, so that there is such a day in every year.
    child = town.child("12", "Coleman", "Marcus", birth_date=date(today.year - 18, max(1, today.month - 1), 1))
    town.household("Coleman", mother, child)
    town.tie(child, mother, "mother")
    return {"of age": Case("Eighteen: the rights are the student's own.", child, mother, opens=False)}


def _two_schools(town: Town, _year: SchoolYear, _today: date) -> dict[str, Case]:
    father = town.adult("Samuel", "Achterberg")
    child = town.child("08", "Achterberg", "Noor", schools=(MIDDLE, HIGH))
    town.household("Achterberg", father, child)
    town.tie(child, father, "father")
    return {"two schools": Case("At the middle school, and for algebra at the high school.", child, father, opens=True)}


def _teacher(town: Town, _year: SchoolYear, _today: date) -> dict[str, Case]:
    teacher = town.adult("Yolanda", "Reyes", role="teacher", orgs=(MIDDLE,))
    child = town.child("09", "Reyes", "Andre")
    town.household("Reyes", teacher, child)
    town.tie(child, teacher, "mother")
    return {"staff and parent": Case("Teaches at the middle school: two accounts.", child, teacher, opens=True)}


def _unsaid(town: Town, _year: SchoolYear, _today: date) -> dict[str, Case]:
    uncle = town.adult("Terrence", "Mbeki")
    aunt = town.adult("Faith", "Mbeki")
    child = town.child("10", "Mbeki", "Kofi")
    town.household("Mbeki", uncle, aunt, child)
    town.tie(child, uncle, "uncle", legal=None, portal=None)
    town.tie(child, aunt, "aunt", portal=None)
    return {
        "claimed": Case("Nobody has said whether this is a guardian: claimed.", child, uncle, opens=False),
        "no portal mark": Case("Guardian, but without the portal mark.", child, aunt, opens=False),
    }

"""Reads a roster set and says everything that is wrong with it, before anything is changed."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from db.context import Capacity
from db.models import SsnState
from db.roster.checking_families import check_guardianships, check_households
from db.roster.checking_people import ORGS, USERS, check_people, check_schools
from db.roster.checking_school import check_attendance, check_classes, check_enrolments, check_grades
from db.roster.gathering import Gathering, SharedNumbers
from db.roster.manifest import check_manifest
from db.roster.problems import Problem, Problems, RosterRefused, Severity
from db.roster.reading import RosterSet, open_set
from db.roster.records import CheckedSet


@dataclass(frozen=True, slots=True)
class Checked:
    """A set that was read to its end, with all that was found. It may be applied only when `good`."""

    records: CheckedSet
    problems: tuple[Problem, ...]
    #: Files in the set that nothing here uses.
    read_over: tuple[str, ...]
    #: Rows whose status says that they no longer count.
    left_out: int
    shared_numbers: SharedNumbers

    @property
    def good(self) -> bool:
        """Whether there is no error; warnings do not count."""
        return not any(problem.severity is Severity.ERROR for problem in self.problems)

    def refuse_if_wrong(self) -> None:
        """Raises RosterRefused with all problems when there is an error among them."""
        if not self.good:
            raise RosterRefused(self.problems)

    def counts(self) -> dict[str, int]:
        """How many there are of each kind in the set, by plain names, for a summary."""
        records = self.records
        held = Counter(capacity for person in records.people.values() for capacity in person.capacities)
        return {
            "schools": len(records.schools),
            "students": held[Capacity.STUDENT],
            "guardians": held[Capacity.GUARDIAN],
            "staff": held[Capacity.STAFF],
            "households": len(records.households),
            "household members": len(records.members),
            "enrolments": len(records.enrolments),
            "guardianships": len(records.guardianships),
            "restrictions": sum(tie.restricted for tie in records.guardianships),
            "grades": len(records.grades),
            "attendance events": len(records.attendance),
        }

    def ssns(self) -> dict[str, int]:
        """How many students of the set can prove themselves online by an SSN, and how many cannot, by state."""
        found = Counter(student.ssn.state for student in self.records.students.values())
        return {state.value: found[state] for state in SsnState}


def check(path: Path, *, today: date, shared_numbers: SharedNumbers = "refuse") -> Checked:
    """Reads and checks a folder or zip; touches no database and raises nothing for a bad set: see `problems`.

    `today` is the district's calendar day: relationships that have ended give nobody sight of a student.
    """
    problems = Problems()
    with open_set(path, problems) as opened:
        if opened is None:
            return Checked(CheckedSet(), problems.listed(), (), 0, shared_numbers)
        gathering = _gather(opened, problems, today, shared_numbers)
        return Checked(gathering.result, problems.listed(), opened.read_over(), gathering.left_out, shared_numbers)


def _gather(opened: RosterSet, problems: Problems, today: date, shared_numbers: SharedNumbers) -> Gathering:
    gathering = Gathering(opened, problems, today, shared_numbers)
    check_manifest(opened, problems)
    for file in (ORGS, USERS):
        if not opened.has(file):
            to_do = "Export the set with it: no roster can do without."
            problems.error("file-missing", file, "The set does not have this file.", to_do)
            opened.broken.add(file)
    check_schools(gathering)
    said = check_people(gathering)
    check_households(gathering)
    check_guardianships(gathering, said)
    taught = check_classes(gathering)
    check_enrolments(gathering, said)
    check_grades(gathering, taught)
    check_attendance(gathering)
    return gathering

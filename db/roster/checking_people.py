"""Checks who is in a roster set: schools, students, guardians, staff, their numbers and their birth dates."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from db.context import Capacity
from db.roster.gathering import Gathering
from db.roster.lines import LONGEST_NUMBER, Line
from db.roster.problems import shown
from db.roster.records import Person, School, Student
from db.ssn import read_ssn

ORGS, USERS, ROLES, DEMOGRAPHICS = "orgs.csv", "users.csv", "roles.csv", "demographics.csv"

#: Org types of OneRoster 1.1 and 1.2; only schools are schools.
_ORG_TYPES = frozenset({"school", "district", "department", "local", "state", "national"})
_GUARDIAN_ROLES = frozenset({"parent", "guardian", "relative"})
#: Roles of 1.1, and those that 1.2 adds. They say that somebody is staff; what staff may do is assigned by hand.
_STAFF_ROLES = frozenset(
    {"teacher", "administrator", "aide", "proctor"}
    | {"counselor", "districtadministrator", "principal", "siteadministrator", "systemadministrator"}
)
_EMAIL = re.compile(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+")
_LONGEST_EMAIL = 254
_EARLIEST_BIRTH = date(1900, 1, 1)


@dataclass(slots=True)
class Said:
    """What rows of people say of other rows, for the checks that come after."""

    #: user, agent, and the row that says so
    agents: list[tuple[str, str, Line]] = field(default_factory=list)
    #: user -> the role that stands for the relationship when nobody says more
    roles: dict[str, str] = field(default_factory=dict)
    #: student -> schools and grade level
    schools: dict[str, list[str]] = field(default_factory=dict)
    grade_levels: dict[str, str | None] = field(default_factory=dict)


def check_schools(gathering: Gathering) -> None:
    """Reads the organisations and keeps the schools."""
    silences = {"metadata.phone": "school.phone"}
    for source_id, line in gathering.entries(
        ORGS, needed=("name", "type"), welcome=("metadata.phone",), silences=silences
    ):
        name, kind = line.needed("name"), line.needed("type")
        if kind and kind.lower() not in _ORG_TYPES:
            line.error("bad-type", "type", f"{shown(kind)} is not a kind of organisation.", "Write school or district.")
        elif name and kind and kind.lower() == "school":
            gathering.result.schools[source_id] = School(source_id, name, line.text("metadata.phone"))


@dataclass(slots=True)
class _Roles:
    """What `roles.csv` of a 1.2 set says of one user."""

    roles: list[str] = field(default_factory=list)
    orgs: list[str] = field(default_factory=list)


def _read_roles(gathering: Gathering) -> dict[str, _Roles]:
    found: dict[str, _Roles] = defaultdict(_Roles)
    for _, line in gathering.entries(
        ROLES, needed=("userSourcedId", "role", "orgSourcedId"), welcome=("beginDate", "endDate")
    ):
        begins_on, ends_on = line.days("beginDate", "endDate")
        user, role = line.needed("userSourcedId"), line.needed("role")
        org = gathering.refers(line, "orgSourcedId", ORGS)
        if (begins_on and begins_on > gathering.today) or (ends_on and ends_on < gathering.today):
            continue
        if user and role:
            found[user].roles.append(role)
            if org:
                found[user].orgs.append(org)
    return found


def check_people(gathering: Gathering) -> Said:
    """Reads `users.csv`, and `roles.csv` where the set has one; then demographics and shared student numbers."""
    said = Said()
    by_user = _read_roles(gathering)
    silences = {
        "middleName": "person.middle",
        "metadata.suffix": "person.suffix",
        "email": "person.email",
        "metadata.ssn": "student.ssn",
    }
    needed = ("givenName", "familyName") if by_user else ("givenName", "familyName", "role")
    welcome = (
        *(("role",) if by_user else ()),
        *("middleName", "identifier", "email", "agentSourcedIds", "grades", "orgSourcedIds"),
        *("metadata.ssn", "metadata.suffix", "metadata.preferredName", "preferredFirstName"),
    )
    for source_id, line in gathering.entries(USERS, needed=needed, welcome=welcome, silences=silences):
        in_roles = by_user.get(source_id)
        roles = in_roles.roles if in_roles else [role for role in (line.needed("role"),) if role]
        orgs = line.several("orgSourcedIds") or (in_roles.orgs if in_roles else [])
        capacities = _capacities(line, roles)
        said.agents.extend((source_id, agent, line) for agent in line.several("agentSourcedIds"))
        for role in roles:
            if role.lower() in _GUARDIAN_ROLES:
                said.roles[source_id] = role.lower()
        _keep_person(gathering, source_id, line, capacities)
        if Capacity.STUDENT in capacities:
            _keep_student(gathering, source_id, line)
            said.grade_levels[source_id] = next(iter(line.several("grades")), None)
            said.schools[source_id] = _schools(gathering, line, orgs)
    if not {"metadata.preferredname", "preferredfirstname"} & gathering.opened.columns(USERS):
        gathering.result.silent_on.add("person.preferred")
    _check_demographics(gathering)
    _check_shared_numbers(gathering)
    return said


def _capacities(line: Line, roles: Iterable[str]) -> frozenset[Capacity]:
    found = set()
    for role in roles:
        match role.lower():
            case "student":
                found.add(Capacity.STUDENT)
            case word if word in _GUARDIAN_ROLES:
                found.add(Capacity.GUARDIAN)
            case word if word in _STAFF_ROLES:
                found.add(Capacity.STAFF)
            case _:
                what = f"{shown(role)} is not a role of OneRoster."
                line.error("bad-role", "role", what, "Write student, parent, guardian, relative, teacher or the like.")
    return frozenset(found)


def _keep_person(gathering: Gathering, source_id: str, line: Line, capacities: frozenset[Capacity]) -> None:
    given, family = line.needed("givenName"), line.needed("familyName")
    email = line.text("email")
    if email and (len(email) > _LONGEST_EMAIL or not _EMAIL.fullmatch(email)):
        what = "This is not an e-mail address. It was left out."
        line.warning("bad-email", "email", what, "Correct it at the source.")
        email = None
    if given is None or family is None:
        return
    gathering.result.people[source_id] = Person(
        source_id,
        given,
        line.text("middleName"),
        family,
        line.text("metadata.suffix"),
        line.text("metadata.preferredName") or line.text("preferredFirstName"),
        email,
        capacities,
    )


def _keep_student(gathering: Gathering, source_id: str, line: Line) -> None:
    number = line.needed("identifier", LONGEST_NUMBER)
    ssn = read_ssn(line.raw("metadata.ssn"))
    if number is not None:
        gathering.result.students[source_id] = Student(source_id, number, None, ssn, line.row)


def _schools(gathering: Gathering, line: Line, orgs: Iterable[str]) -> list[str]:
    schools = []
    for org in orgs:
        known = gathering.known(line, "orgSourcedIds", ORGS, org)
        if known in gathering.result.schools and known not in schools:
            schools.append(known)
    return schools


def _check_demographics(gathering: Gathering) -> None:
    gathering.result.silent_on.add("student.birth_date")
    students = gathering.result.students
    for source_id, line in gathering.entries(DEMOGRAPHICS, needed=("birthDate",)):
        gathering.result.silent_on.discard("student.birth_date")
        if gathering.known(line, "sourcedId", USERS, source_id) is None:
            continue
        born_on = line.day("birthDate")
        if born_on and not _EARLIEST_BIRTH <= born_on <= gathering.today:
            what = "Nobody in the set can have been born on this day."
            line.error("bad-date", "birthDate", what, "Correct the year.")
        elif source_id in students:
            students[source_id].birth_date = born_on
    if "student.birth_date" in gathering.result.silent_on:
        return
    for student in students.values():
        if student.birth_date is None and DEMOGRAPHICS not in gathering.opened.broken:
            gathering.problems.warning(
                "no-birth-date",
                USERS,
                "The student has no birth date, so nobody can get a key online for this student.",
                f"Add the student to {DEMOGRAPHICS}.",
                row=student.row,
            )


def _check_shared_numbers(gathering: Gathering) -> None:
    """Two students with one number: whoever knows it and one birth date would stand before two records."""
    by_number: dict[str, list[Student]] = defaultdict(list)
    for student in gathering.result.students.values():
        by_number[student.number].append(student)
    for sharing in by_number.values():
        if len(sharing) == 1:
            continue
        for student in sharing:
            student.number_is_shared = True
            others = ", ".join(str(other.row) for other in sharing if other is not student)
            what = f"The student number is also in row {others}."
            if gathering.shared_numbers == "refuse":
                to_do = "Give each student a number of their own, or import with the shared numbers set apart."
                gathering.problems.error("shared-number", USERS, what, to_do, row=student.row, column="identifier")
            else:
                what += " The number was set apart: nobody can get a key online with it."
                to_do = "Give each student a number of their own."
                gathering.problems.warning("shared-number", USERS, what, to_do, row=student.row, column="identifier")

"""Checks what a roster set says of school itself: enrolments, classes, grades and attendance."""

from dataclasses import dataclass, field
from datetime import date

from db.context import Capacity
from db.roster.checking_people import ORGS, USERS, Said
from db.roster.gathering import Gathering
from db.roster.lines import Line
from db.roster.problems import shown
from db.roster.records import AttendanceEvent, Enrolment, Grade

SESSIONS, COURSES, CLASSES = "academicSessions.csv", "courses.csv", "classes.csv"
ENROLMENTS = "enrollments.csv"
CATEGORIES, LINE_ITEMS, RESULTS, ATTENDANCE = "categories.csv", "lineItems.csv", "results.csv", "attendance.csv"

_LONGEST_GRADE_LEVEL = 16


@dataclass(slots=True)
class Taught:
    """Courses, classes and pieces of work by id: what a result needs to be told in words."""

    courses: dict[str, str] = field(default_factory=dict)
    #: class -> the name of what is taught there
    classes: dict[str, str] = field(default_factory=dict)
    #: piece of work -> course, title, maximum, day
    items: dict[str, tuple[str, str, str | None, date | None]] = field(default_factory=dict)


def check_classes(gathering: Gathering) -> Taught:
    """Reads sessions, courses, classes, categories and pieces of work."""
    taught = Taught()
    for _, line in gathering.entries(SESSIONS, needed=("title",), welcome=("startDate", "endDate")):
        line.days("startDate", "endDate")
    for source_id, line in gathering.entries(COURSES, needed=("title",)):
        if title := line.needed("title"):
            taught.courses[source_id] = title
    for source_id, line in gathering.entries(CLASSES, needed=("title", "courseSourcedId", "schoolSourcedId")):
        title = line.needed("title")
        course = gathering.refers(line, "courseSourcedId", COURSES, may_be_blank=True)
        gathering.refers(line, "schoolSourcedId", ORGS)
        if title:
            taught.classes[source_id] = taught.courses.get(course or "", title)
    for _ in gathering.entries(CATEGORIES):
        pass
    for source_id, line in gathering.entries(
        LINE_ITEMS,
        needed=("title", "classSourcedId"),
        welcome=("assignDate", "dueDate", "categorySourcedId", "gradingPeriodSourcedId", "resultValueMax"),
    ):
        _check_line_item(gathering, taught, source_id, line)
    return taught


def _check_line_item(gathering: Gathering, taught: Taught, source_id: str, line: Line) -> None:
    title = line.needed("title")
    taught_in = gathering.refers(line, "classSourcedId", CLASSES)
    gathering.refers(line, "categorySourcedId", CATEGORIES, may_be_blank=True)
    gathering.refers(line, "gradingPeriodSourcedId", SESSIONS, may_be_blank=True)
    assigned_on, due_on = line.day("assignDate"), line.day("dueDate")
    if title and taught_in in taught.classes:
        maximum = line.text("resultValueMax")
        taught.items[source_id] = (taught.classes[taught_in], title, maximum, due_on or assigned_on)


@dataclass(slots=True)
class _Period:
    """From the first day in any class of a school to the last; None is open."""

    begins_on: date | None
    ends_on: date | None
    open_end: bool


def check_enrolments(gathering: Gathering, said: Said) -> None:
    """Makes one enrolment of each student and school.

    A student is enrolled where `users.csv` says, until further notice; the classes add the first day. A school that
    only the classes know counts from the first to the last day of them.
    """
    periods: dict[tuple[str, str], _Period] = {}
    for _, line in gathering.entries(
        ENROLMENTS,
        needed=("classSourcedId", "schoolSourcedId", "userSourcedId", "role"),
        welcome=("beginDate", "endDate"),
    ):
        gathering.refers(line, "classSourcedId", CLASSES)
        school = gathering.refers(line, "schoolSourcedId", ORGS)
        person = gathering.refers(line, "userSourcedId", USERS)
        begins_on, ends_on = line.days("beginDate", "endDate")
        if line.raw("role").lower() != "student" or school not in gathering.result.schools or person is None:
            continue
        period = periods.setdefault((person, school), _Period(begins_on, ends_on, ends_on is None))
        if begins_on:
            period.begins_on = min(begins_on, period.begins_on or begins_on)
        period.open_end = period.open_end or ends_on is None
        if ends_on:
            period.ends_on = max(ends_on, period.ends_on or ends_on)
    for student, record in gathering.result.students.items():
        level = _grade_level(gathering, said.grade_levels.get(student), record.row)
        listed = said.schools.get(student, [])
        for school in listed:
            period = periods.pop((student, school), _Period(None, None, open_end=True))
            _keep(gathering, Enrolment(student, school, level, period.begins_on, None))
    for (student, school), period in periods.items():
        level = _grade_level(gathering, said.grade_levels.get(student), None)
        ends_on = None if period.open_end else period.ends_on
        _keep(gathering, Enrolment(student, school, level, period.begins_on, ends_on))


def _keep(gathering: Gathering, enrolment: Enrolment) -> None:
    if enrolment.student in gathering.result.students:
        gathering.result.enrolments.append(enrolment)


def _grade_level(gathering: Gathering, level: str | None, row: int | None) -> str | None:
    if level is None or len(level) <= _LONGEST_GRADE_LEVEL:
        return level
    if row is not None:
        what = f"{shown(level)} is not a grade level."
        to_do = "Write a grade level such as KG, 01 or 12."
        gathering.problems.error("bad-grade-level", USERS, what, to_do, row=row, column="grades")
    return None


def check_grades(gathering: Gathering, taught: Taught) -> None:
    """Reads the results; scores stay text, as the school wrote them."""
    for source_id, line in gathering.entries(
        RESULTS, needed=("lineItemSourcedId", "studentSourcedId", "score"), welcome=("scoreDate", "textScore")
    ):
        item = gathering.refers(line, "lineItemSourcedId", LINE_ITEMS)
        student = gathering.refers(line, "studentSourcedId", USERS)
        score = line.text("score") or line.text("textScore")
        scored_on = line.day("scoreDate")
        if student is None or item not in taught.items or not _is_student(gathering, line, student):
            continue
        course, title, maximum, day = taught.items[item]
        gathering.result.grades.append(Grade(source_id, student, course, title, score, maximum, scored_on or day))


def check_attendance(gathering: Gathering) -> None:
    """Reads absences and the like."""
    for source_id, line in gathering.entries(
        ATTENDANCE,
        needed=("studentSourcedId", "schoolSourcedId", "date", "category"),
        welcome=("reason",),
    ):
        student = gathering.refers(line, "studentSourcedId", USERS)
        school = gathering.refers(line, "schoolSourcedId", ORGS)
        happened_on = line.day("date") if line.needed("date") else None
        category, reason = line.needed("category"), line.text("reason")
        if student is None or school is None or happened_on is None or category is None:
            continue
        if school not in gathering.result.schools:
            line.error("not-a-school", "schoolSourcedId", "This organisation is not a school.", "Name the school.")
        elif _is_student(gathering, line, student):
            event = AttendanceEvent(source_id, student, school, happened_on, category, reason)
            gathering.result.attendance.append(event)


def _is_student(gathering: Gathering, line: Line, person: str) -> bool:
    if person in gathering.result.students:
        return True
    known = gathering.result.people.get(person)
    if known and known.capacities and Capacity.STUDENT not in known.capacities:
        line.error("not-a-student", "studentSourcedId", "This person is not a student.", "Correct the row.")
    return False

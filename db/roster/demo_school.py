"""The demo district's schools: what is taught in which grade, who teaches it, and how the year has gone so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from db.roster.demo_rows import Cell, DemoRows

DISTRICT = "cedar-hollow"
DISTRICT_NAME = "Cedar Hollow Independent School District"
ELEMENTARY, MIDDLE, HIGH = "juniper-elementary", "cottonwood-middle", "cedar-hollow-high"

#: school -> name, telephone, grade levels (CEDS entry grade levels, as OneRoster writes them)
SCHOOLS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    ELEMENTARY: ("Juniper Elementary School", "(512) 555-0110", ("KG", "01", "02", "03", "04", "05")),
    MIDDLE: ("Cottonwood Middle School", "(512) 555-0120", ("06", "07", "08")),
    HIGH: ("Cedar Hollow High School", "(512) 555-0130", ("09", "10", "11", "12")),
}
GRADES: dict[str, str] = {level: school for school, (_, _, levels) in SCHOOLS.items() for level in levels}

_SUBJECTS: dict[str, tuple[str, ...]] = {
    "KG": ("Reading", "Mathematics", "Science", "Art"),
    **dict.fromkeys(("01", "02", "03", "04", "05"), ("Reading", "Mathematics", "Science", "Social Studies")),
    "06": ("English Language Arts 6", "Mathematics 6", "Earth Science", "World Cultures"),
    "07": ("English Language Arts 7", "Pre-Algebra", "Life Science", "Texas History"),
    "08": ("English Language Arts 8", "Algebra Readiness", "Physical Science", "U.S. History to 1877"),
    "09": ("English I", "Algebra I", "Biology", "World Geography", "Spanish I"),
    "10": ("English II", "Geometry", "Chemistry", "World History", "Spanish II"),
    "11": ("English III", "Algebra II", "Physics", "U.S. History since 1877", "Theatre Arts"),
    "12": ("English IV", "Precalculus", "Environmental Systems", "U.S. Government", "Economics"),
}

#: What is marked at each school, in the order of the year, with its category.
_WORK: dict[str, tuple[tuple[str, str], ...]] = {
    ELEMENTARY: (
        ("Getting started: what I know", "classwork"),
        ("Week 3 folder", "classwork"),
        ("Unit 1 check", "quizzes"),
        ("Show and explain", "projects"),
        ("Unit 2 check", "quizzes"),
        ("Reading and number log", "classwork"),
    ),
    MIDDLE: (
        ("Notebook check", "classwork"),
        ("Unit 1 quiz", "quizzes"),
        ("Group project: poster", "projects"),
        ("Unit 1 test", "tests"),
        ("Unit 2 quiz", "quizzes"),
        ("Written response", "classwork"),
    ),
    HIGH: (
        ("Summer work review", "classwork"),
        ("Problem set 1", "classwork"),
        ("Unit 1 test", "tests"),
        ("Research project proposal", "projects"),
        ("Unit 2 quiz", "quizzes"),
        ("Unit 2 test", "tests"),
    ),
}
_CATEGORIES = {"classwork": "Classwork", "quizzes": "Quizzes", "projects": "Projects", "tests": "Tests"}
#: The youngest get marks in words.
_IN_WORDS = frozenset({"KG", "01", "02"})
_ABSENCES = (
    ("Excused Absence", "Illness"),
    ("Excused Absence", "Medical appointment"),
    ("Excused Absence", "Family emergency"),
    ("Unexcused Absence", None),
    ("Tardy", "Late bus"),
    ("Tardy", None),
    ("Early Departure", "Medical appointment"),
)


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """A school year; `until` is the last day of it that has come already."""

    starts_on: date
    ends_on: date
    until: date

    @property
    def source_id(self) -> str:
        """The year's id in the set."""
        return f"sy-{self.starts_on.year}"

    def school_days(self) -> list[date]:
        """Weekdays so far."""
        days = ((self.starts_on + timedelta(days=at)) for at in range((self.until - self.starts_on).days + 1))
        return [day for day in days if day.weekday() < 5]


def school_year(today: date) -> SchoolYear:
    """The school year that has something to show: the one that began three weeks ago or earlier."""
    starts_on = _first_day(today.year)
    if today < starts_on + timedelta(weeks=3):
        starts_on = _first_day(today.year - 1)
    ends_on = date(starts_on.year + 1, 6, 4)
    return SchoolYear(starts_on, ends_on, min(today, ends_on))


def _first_day(year: int) -> date:
    middle_of_august = date(year, 8, 14)
    return middle_of_august + timedelta(days=-middle_of_august.weekday() % 7)


def add_schools(rows: DemoRows, year: SchoolYear) -> None:
    """The district, its schools, the school year, and the categories of work."""
    number = "227950"
    rows.add("orgs.csv", {"sourcedId": DISTRICT, "name": DISTRICT_NAME, "type": "district", "identifier": number})
    for at, (school, (name, phone, _)) in enumerate(SCHOOLS.items(), start=1):
        cells = {"sourcedId": school, "name": name, "type": "school", "identifier": f"{number}{at:03}"}
        rows.add("orgs.csv", {**cells, "parentSourcedId": DISTRICT, "metadata.phone": phone})
    title = f"{year.starts_on.year}-{year.ends_on.year}"
    session: dict[str, Cell] = {
        "sourcedId": year.source_id,
        "title": title,
        "type": "schoolYear",
        "schoolYear": year.ends_on.year,
    }
    rows.add("academicSessions.csv", {**session, "startDate": year.starts_on, "endDate": year.ends_on})
    for category, title in _CATEGORIES.items():
        rows.add("categories.csv", {"sourcedId": category, "title": title})


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work that a class was given."""

    source_id: str
    due_on: date


@dataclass(frozen=True, slots=True)
class Taught:
    """A class with what it has done so far."""

    source_id: str
    school: str
    level: str
    work: tuple[Work, ...]


def add_classes(rows: DemoRows, year: SchoolYear) -> dict[str, list[Taught]]:
    """One class of each subject in each grade, with its work; by grade level."""
    classes: dict[str, list[Taught]] = {}
    for level, school in GRADES.items():
        for at, subject in enumerate(_SUBJECTS[level], start=1):
            title = subject if school != ELEMENTARY else f"{subject}, {_grade_words(level)}"
            course, taught = f"c-{level}-{at}", f"k-{level}-{at}"
            cells = {"title": title, "grades": level, "courseSourcedId": course}
            rows.add(
                "courses.csv",
                {
                    **{"sourcedId": course, "title": title, "courseCode": f"{level}{at}", "grades": level},
                    **{"schoolYearSourcedId": year.source_id, "orgSourcedId": DISTRICT},
                },
            )
            rows.add(
                "classes.csv",
                {
                    **{"sourcedId": taught, "classCode": f"{level}{at}-1", "classType": "scheduled"},
                    **{**cells, "schoolSourcedId": school, "termSourcedIds": year.source_id},
                },
            )
            work = _add_work(rows, year, taught, school, level)
            classes.setdefault(level, []).append(Taught(taught, school, level, work))
    return classes


def _grade_words(level: str) -> str:
    return "Kindergarten" if level == "KG" else f"Grade {int(level)}"


def _add_work(rows: DemoRows, year: SchoolYear, taught: str, school: str, level: str) -> tuple[Work, ...]:
    days = year.school_days()
    given = []
    for at, (title, category) in enumerate(_WORK[school], start=1):
        due_on = days[(len(days) - 1) * at // len(_WORK[school])]
        source_id = f"li-{taught}-{at}"
        rows.add(
            "lineItems.csv",
            {
                **{"sourcedId": source_id, "title": title, "classSourcedId": taught, "categorySourcedId": category},
                **{"assignDate": max(year.starts_on, due_on - timedelta(days=7)), "dueDate": due_on},
                "gradingPeriodSourcedId": year.source_id,
                **({} if level in _IN_WORDS else {"resultValueMin": 0, "resultValueMax": 100}),
            },
        )
        given.append(Work(source_id, due_on))
    return tuple(given)


def add_progress(
    rows: DemoRows, year: SchoolYear, rng: Random, *, student: str, school: str, classes: Sequence[Taught]
) -> None:
    """What one student has done this year: classes, results, and the days missed at the first school."""
    talent = rng.uniform(66, 94)
    for taught in classes:
        enrolment = {"classSourcedId": taught.source_id, "schoolSourcedId": taught.school, "userSourcedId": student}
        source_id = f"e-{student}-{taught.source_id}"
        rows.add(
            "enrollments.csv",
            {"sourcedId": source_id, **enrolment, "role": "student", "primary": False, "beginDate": year.starts_on},
        )
        for work in taught.work:
            result: dict[str, Cell] = {
                "lineItemSourcedId": work.source_id,
                "studentSourcedId": student,
                "scoreDate": work.due_on,
            }
            rows.add(
                "results.csv", {"sourcedId": f"r-{student}-{work.source_id}", **result, **_score(rng, taught, talent)}
            )
    days = year.school_days()
    for day in sorted(rng.sample(days, min(len(days), rng.choice((1, 1, 2, 2, 3, 3, 4, 6))))):
        category, reason = rng.choice(_ABSENCES)
        event: dict[str, Cell] = {"studentSourcedId": student, "schoolSourcedId": school, "date": day}
        rows.add(
            "attendance.csv", {"sourcedId": f"a-{student}-{day:%m%d}", **event, "category": category, "reason": reason}
        )


def _score(rng: Random, taught: Taught, talent: float) -> dict[str, str]:
    """Scores as schools write them: marks in words, whole numbers, decimals, and now and then no number at all."""
    points = max(0.0, min(100.0, rng.gauss(talent, 7)))
    if taught.level in _IN_WORDS:
        return {"scoreStatus": "fully graded", "score": "E" if points > 88 else "S" if points > 72 else "N"}
    if rng.random() < 0.02:
        return {"scoreStatus": "exempt", "score": "EX"}
    if rng.random() < 0.02:
        return {"scoreStatus": "not submitted", "score": "", "comment": "Missing"}
    return {"scoreStatus": "fully graded", "score": f"{points:.2f}" if taught.school == HIGH else f"{points:.0f}"}

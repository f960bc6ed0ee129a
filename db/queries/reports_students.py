"""Reports about students and those around them: rows by id, of students in reach; nothing of a restriction is read.

$1 holds the schools in reach, or NULL for the district; $2 is today; $3 the grade that is asked for; $4 the schools
that are asked for, all of which are in reach, or NULL for the district.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import orjson

from db import sql
from db.queries.reach import CURRENT, Reach, places_of
from db.sql import Row

_AT = f"""
    e.school_id = ANY ($4::bigint[]) AND ($1::bigint[] IS NULL OR e.school_id = ANY ($1))
    AND ($3::text IS NULL OR e.grade_level = $3) AND {CURRENT}"""
_OF_SCHOOLS = f"ARRAY(SELECT e.student_id FROM enrolment e WHERE {_AT})"


def _in_district(student: str) -> str:
    return f"""$1::bigint[] IS NULL AND $4::bigint[] IS NULL AND ($3::text IS NULL OR EXISTS (
        SELECT FROM enrolment e WHERE e.student_id = {student} AND e.grade_level = $3 AND {CURRENT}))"""


# The students of some schools are set apart, by OFFSET and by an array, so that a report of a school is never found by
# walking the district.
_STUDENTS_OF_SCHOOLS = f"(SELECT near.* FROM student near WHERE near.id = ANY ({_OF_SCHOOLS}) OFFSET 0) s"
_TIES_OF_SCHOOLS = f"(SELECT near.* FROM guardianship near WHERE near.student_id = ANY ({_OF_SCHOOLS}) OFFSET 0) g"

_STUDENT = f"""
SELECT s.id, s.id AS student_id, s.student_number, s.ssn_state, p.given, p.middle, p.family, p.suffix, p.preferred,
       {places_of("s.id", "$1")} AS places
"""

_WITHOUT_GUARDIAN = """NOT EXISTS (
    SELECT FROM guardianship tie JOIN account held ON held.person_id = tie.guardian_id AND held.capacity = 'GUARDIAN'
    WHERE tie.student_id = s.id AND tie.status = 'CONFIRMED' AND held.status = 'ACTIVE')"""
_GUARDIANS = """
CROSS JOIN LATERAL (
    SELECT count(*) AS on_record, count(*) FILTER (WHERE tie.status = 'CONFIRMED') AS confirmed,
           count(*) FILTER (WHERE held.status = 'ACTIVE') AS activated
    FROM guardianship tie
    LEFT JOIN account held ON held.person_id = tie.guardian_id AND held.capacity = 'GUARDIAN'
    WHERE tie.student_id = s.id AND tie.status <> 'REVOKED'
) AS guardians
"""
_UNUSABLE = "s.ssn_state <> 'ON_FILE'"
_UNMARKED = "NOT g.portal_access AND g.status <> 'REVOKED'"

_TIE = f"""
SELECT g.id, g.student_id, g.guardian_id, g.relationship, g.status, s.student_number,
       student.given, student.middle, student.family, student.suffix, student.preferred,
       guardian.given AS guardian_given, guardian.middle AS guardian_middle, guardian.family AS guardian_family,
       guardian.suffix AS guardian_suffix, guardian.preferred AS guardian_preferred,
       {places_of("g.student_id", "$1")} AS places
"""
_PEOPLE = """
JOIN student s ON s.id = g.student_id
JOIN person student ON student.id = g.student_id
JOIN person guardian ON guardian.id = g.guardian_id
"""

# Uses enrolment_school, student_pkey, guardianship_student, account_one_per_person_and_capacity.
WITHOUT_GUARDIAN_AT_SCHOOLS = f"""{_STUDENT}, guardians.*
FROM {_STUDENTS_OF_SCHOOLS} JOIN person p ON p.id = s.id {_GUARDIANS}
WHERE {_WITHOUT_GUARDIAN} AND s.id > $5 ORDER BY s.id LIMIT $6
"""
# Uses student_pkey: from the last page's end, as far as this one goes.
WITHOUT_GUARDIAN_IN_DISTRICT = f"""{_STUDENT}, guardians.*
FROM student s JOIN person p ON p.id = s.id {_GUARDIANS}
WHERE {_in_district("s.id")} AND {_WITHOUT_GUARDIAN} AND s.id > $5 ORDER BY s.id LIMIT $6
"""
# Uses enrolment_school.
COUNT_WITHOUT_GUARDIAN_AT_SCHOOLS = f"SELECT count(*) AS count FROM {_STUDENTS_OF_SCHOOLS} WHERE {_WITHOUT_GUARDIAN}"
COUNT_WITHOUT_GUARDIAN_IN_DISTRICT = f"""
SELECT count(*) AS count FROM student s WHERE {_in_district("s.id")} AND {_WITHOUT_GUARDIAN}
"""

# Uses enrolment_school, student_pkey.
UNUSABLE_SSN_AT_SCHOOLS = f"""{_STUDENT}
FROM {_STUDENTS_OF_SCHOOLS} JOIN person p ON p.id = s.id WHERE {_UNUSABLE} AND s.id > $5 ORDER BY s.id LIMIT $6
"""
# Uses student_ssn_unusable.
UNUSABLE_SSN_IN_DISTRICT = f"""{_STUDENT}
FROM student s JOIN person p ON p.id = s.id
WHERE {_in_district("s.id")} AND {_UNUSABLE} AND s.id > $5 ORDER BY s.id LIMIT $6
"""
# Uses enrolment_school.
COUNT_UNUSABLE_SSN_AT_SCHOOLS = f"SELECT count(*) AS count FROM {_STUDENTS_OF_SCHOOLS} WHERE {_UNUSABLE}"
COUNT_UNUSABLE_SSN_IN_DISTRICT = f"""
SELECT count(*) AS count FROM student s WHERE {_in_district("s.id")} AND {_UNUSABLE}
"""

# Uses enrolment_school, guardianship_student.
UNMARKED_AT_SCHOOLS = f"""{_TIE}
FROM {_TIES_OF_SCHOOLS} {_PEOPLE} WHERE {_UNMARKED} AND g.id > $5 ORDER BY g.id LIMIT $6
"""
# Uses guardianship_unmarked.
UNMARKED_IN_DISTRICT = f"""{_TIE}
FROM guardianship g {_PEOPLE}
WHERE {_in_district("g.student_id")} AND {_UNMARKED} AND g.id > $5 ORDER BY g.id LIMIT $6
"""
# Uses enrolment_school, guardianship_student.
COUNT_UNMARKED_AT_SCHOOLS = f"SELECT count(*) AS count FROM {_TIES_OF_SCHOOLS} WHERE {_UNMARKED}"
# Uses guardianship_unmarked.
COUNT_UNMARKED_IN_DISTRICT = f"""
SELECT count(*) AS count FROM guardianship g WHERE {_in_district("g.student_id")} AND {_UNMARKED}
"""


@dataclass(frozen=True, slots=True)
class StudentReport:
    """The statements of one report: for some schools and for the district, its rows and how many there are."""

    at_schools: str
    in_district: str
    count_at_schools: str
    count_in_district: str


STUDENTS_ALONE: Final = StudentReport(
    WITHOUT_GUARDIAN_AT_SCHOOLS,
    WITHOUT_GUARDIAN_IN_DISTRICT,
    COUNT_WITHOUT_GUARDIAN_AT_SCHOOLS,
    COUNT_WITHOUT_GUARDIAN_IN_DISTRICT,
)
WITHOUT_PORTAL_MARK: Final = StudentReport(
    UNMARKED_AT_SCHOOLS, UNMARKED_IN_DISTRICT, COUNT_UNMARKED_AT_SCHOOLS, COUNT_UNMARKED_IN_DISTRICT
)
UNUSABLE_SSNS: Final = StudentReport(
    UNUSABLE_SSN_AT_SCHOOLS,
    UNUSABLE_SSN_IN_DISTRICT,
    COUNT_UNUSABLE_SSN_AT_SCHOOLS,
    COUNT_UNUSABLE_SSN_IN_DISTRICT,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which students in reach; None means that it does not matter."""

    school_id: int | None = None
    grade_level: str | None = None


async def page(report: StudentReport, reach: Reach, asked: Asked, *, on: date, after: int, limit: int) -> list[Row]:
    """The rows of a report by id, from the one after `after`, `limit` at most."""
    near = reach.at(asked.school_id)
    statement = report.in_district if near.everywhere else report.at_schools
    rows = await sql.rows(statement, reach.ids, on, asked.grade_level, near.ids, after, limit)
    return [_placed(row) for row in rows]


async def count(report: StudentReport, reach: Reach, asked: Asked, *, on: date) -> int:
    """How many rows `page` gives in all."""
    near = reach.at(asked.school_id)
    statement = report.count_in_district if near.everywhere else report.count_at_schools
    [row] = await sql.rows(statement, near.ids, on, asked.grade_level, near.ids)
    counted: int = row["count"]
    return counted


def _placed(row: Mapping[str, object]) -> Row:
    """The row with its schools, each once, and with its grade levels."""
    places = orjson.loads(str(row["places"]))
    schools = {place["id"]: place for place in places}
    grades = {place["grade_level"] for place in places if place["grade_level"]}
    return dict(row) | {
        "schools": sorted(schools.values(), key=lambda school: (school["name"], school["id"])),
        "grade_levels": sorted(grades),
    }

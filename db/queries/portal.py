"""What the portal shows: the holder, the students, their grades and attendance. One statement a page."""

from collections.abc import Sequence
from datetime import date

import orjson

from db import sql
from db.queries.guardianships import RESTRICTED
from db.queries.logins import LOCKED_UNTIL
from db.sql import Row

# Uses account_pkey, login_streak_pkey.
HOLDER = f"""
SELECT a.id AS account_id, a.capacity, a.status, a.username, a.disabled_reason, a.activated_at, a.last_login_at,
       {LOCKED_UNTIL} AS locked_until, a.must_change_password,
       p.id AS person_id, p.given, p.middle, p.family, p.suffix, p.preferred, p.email, p.language
FROM account a JOIN person p ON p.id = a.person_id WHERE a.id = $1
"""

# The facts for the gate stand beside what would be shown, so that the check and the row are of one moment.
# Uses guardianship_one_per_pair, restriction_in_force, enrolment_once.
_STUDENT = """
SELECT s.id, s.student_number, s.birth_date, p.given, p.middle, p.family, p.suffix, p.preferred,
       {facts},
       coalesce((
           SELECT json_agg(json_build_object('id', school.id, 'name', school.name, 'phone', school.phone,
                                             'grade_level', e.grade_level) ORDER BY e.id)
           FROM enrolment e JOIN school ON school.id = e.school_id
           WHERE e.student_id = s.id
             AND (e.begins_on IS NULL OR e.begins_on <= $2) AND (e.ends_on IS NULL OR e.ends_on >= $2)
       ), '[]') AS schools
FROM {source}
JOIN person p ON p.id = s.id
"""

STUDENTS_OF_GUARDIAN = (
    _STUDENT.format(
        facts=f"g.status, g.portal_access, g.adult_access, {RESTRICTED} AS restricted",
        source="guardianship g JOIN student s ON s.id = g.student_id",
    )
    + "WHERE g.guardian_id = $1 AND ($3::bigint IS NULL OR g.student_id = $3) ORDER BY s.birth_date, s.id"
)

STUDENT_SELF = (
    _STUDENT.format(
        facts="NULL AS status, NULL AS portal_access, NULL AS adult_access, NULL AS restricted", source="student s"
    )
    + "WHERE s.id = $1 AND ($3::bigint IS NULL OR s.id = $3)"
)

# One page of each student. Uses grade_page: as many index rows as the page shows, whatever the years behind it.
GRADES = """
SELECT page.* FROM unnest($1::bigint[]) AS wanted (student_id)
CROSS JOIN LATERAL (
    SELECT g.id, g.student_id, g.course, g.title, g.score, g.maximum, g.scored_on
    FROM grade g
    WHERE g.student_id = wanted.student_id
      AND ($3::bigint IS NULL OR (g.scored_on IS NULL AND $2::date IS NULL AND g.id < $3)
           OR ($2::date IS NOT NULL AND (g.scored_on IS NULL OR (g.scored_on, g.id) < ($2::date, $3))))
    ORDER BY g.scored_on DESC NULLS LAST, g.id DESC
    LIMIT $4
) AS page
"""

# As GRADES. Uses attendance_page.
ATTENDANCE = """
SELECT page.* FROM unnest($1::bigint[]) AS wanted (student_id)
CROSS JOIN LATERAL (
    SELECT e.id, e.student_id, e.happened_on, e.category, e.reason, e.school_id,
           school.name AS school_name, school.phone AS school_phone
    FROM attendance_event e JOIN school ON school.id = e.school_id
    WHERE e.student_id = wanted.student_id
      AND ($5::date IS NULL OR e.happened_on >= $5) AND ($6::date IS NULL OR e.happened_on <= $6)
      AND ($3::bigint IS NULL OR (e.happened_on, e.id) < ($2::date, $3))
    ORDER BY e.happened_on DESC, e.id DESC
    LIMIT $4
) AS page
"""

GRADE = """
SELECT g.id, g.student_id, g.course, g.title, g.score, g.maximum, g.scored_on FROM grade g WHERE g.id = $1
"""

ATTENDANCE_EVENT = """
SELECT e.id, e.student_id, e.happened_on, e.category, e.reason, e.school_id,
       school.name AS school_name, school.phone AS school_phone
FROM attendance_event e JOIN school ON school.id = e.school_id WHERE e.id = $1
"""

SCHOOL = "SELECT id, name, phone FROM school WHERE id = $1"


async def holder(account_id: int) -> Row | None:
    """The account with its person."""
    return await sql.row(HOLDER, account_id)


async def students_of_guardian(guardian_id: int, on: date, student_id: int | None) -> list[Row]:
    """All students that the guardian is on record for, or one of them, each with the facts for the gate."""
    return _with_schools(await sql.rows(STUDENTS_OF_GUARDIAN, guardian_id, on, student_id))


async def student_self(person_id: int, on: date, student_id: int | None) -> list[Row]:
    """The person's own record as a student: one row or none."""
    return _with_schools(await sql.rows(STUDENT_SELF, person_id, on, student_id))


def _with_schools(found: list[Row]) -> list[Row]:
    return [row | {"schools": orjson.loads(row["schools"])} for row in found]


async def grades(student_ids: Sequence[int], *, limit: int, after: tuple[date | None, int] | None) -> list[Row]:
    """The newest grades of each student, at most `limit` of each, after a position."""
    day, id_ = after or (None, None)
    return await sql.rows(GRADES, list(student_ids), day, id_, limit)


async def attendance(
    student_ids: Sequence[int],
    *,
    limit: int,
    after: tuple[date, int] | None,
    since: date | None,
    until: date | None,
) -> list[Row]:
    """The newest attendance events of each student in the given days, at most `limit` of each, after a position."""
    day, id_ = after or (None, None)
    return await sql.rows(ATTENDANCE, list(student_ids), day, id_, limit, since, until)


async def grade(grade_id: int) -> Row | None:
    return await sql.row(GRADE, grade_id)


async def attendance_event(event_id: int) -> Row | None:
    return await sql.row(ATTENDANCE_EVENT, event_id)


async def school(school_id: int) -> Row | None:
    return await sql.row(SCHOOL, school_id)

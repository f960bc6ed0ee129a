"""Whose charge people are: their schools today, and whether somebody is related to them."""

from collections.abc import Collection
from datetime import date

from db import sql
from db.queries.reach import CURRENT
from db.sql import Row

# People ($1) with the schools at which they are enrolled today, or their students are: any guardianship on record
# counts that was not revoked. Uses person_pkey, enrolment_once, guardianship_one_per_pair.
PLACES = f"""
SELECT p.id, p.merged_into_id, student.id IS NOT NULL AS is_student,
       ARRAY(SELECT DISTINCT e.school_id FROM enrolment e WHERE e.student_id = p.id AND {CURRENT}) AS own_schools,
       ARRAY(SELECT DISTINCT e.school_id FROM guardianship g JOIN enrolment e ON e.student_id = g.student_id
             WHERE g.guardian_id = p.id AND g.status <> 'REVOKED' AND {CURRENT}) AS schools_of_students
FROM person p LEFT JOIN student ON student.id = p.id
WHERE p.id = ANY ($1::bigint[])
"""

# Whether somebody ($3) is one of these people ($1), or a guardian or ward of one, or lives with one today.
# Uses guardianship_one_per_pair, household_member_person, household_member_household.
RELATED = """
SELECT $3::bigint = ANY ($1::bigint[])
    OR EXISTS (SELECT FROM guardianship g WHERE g.guardian_id = $3 AND g.student_id = ANY ($1::bigint[]))
    OR EXISTS (SELECT FROM guardianship g WHERE g.student_id = $3 AND g.guardian_id = ANY ($1::bigint[]))
    OR EXISTS (
        SELECT FROM household_member mine JOIN household_member m ON m.household_id = mine.household_id
        WHERE mine.person_id = $3 AND m.person_id = ANY ($1::bigint[])
          AND (mine.begins_on IS NULL OR mine.begins_on <= $2) AND (mine.ends_on IS NULL OR mine.ends_on >= $2)
          AND (m.begins_on IS NULL OR m.begins_on <= $2) AND (m.ends_on IS NULL OR m.ends_on >= $2)
    ) AS related
"""


async def places(people: Collection[int], on: date) -> list[Row]:
    """One row for each of these people who is on record: `own_schools` as a student, `schools_of_students` as a
    guardian."""
    return await sql.rows(PLACES, list(people), on)


async def related(people: Collection[int], person_id: int, on: date) -> bool:
    """Whether this person is one of these people, or family of one as far as the record shows."""
    found = await sql.row(RELATED, list(people), on, person_id)
    return bool(found and found["related"])

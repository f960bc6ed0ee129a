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

# Those of some people ($1) who are somebody ($3), or a guardian or ward of that one, or live with that one today.
# Uses guardianship_one_per_pair, household_member_person, household_member_household.
FAMILY = """
SELECT p.id FROM unnest($1::bigint[]) AS p (id)
WHERE p.id = $3
    OR EXISTS (SELECT FROM guardianship g WHERE g.guardian_id = $3 AND g.student_id = p.id)
    OR EXISTS (SELECT FROM guardianship g WHERE g.student_id = $3 AND g.guardian_id = p.id)
    OR EXISTS (
        SELECT FROM household_member mine JOIN household_member m ON m.household_id = mine.household_id
        WHERE mine.person_id = $3 AND m.person_id = p.id
          AND (mine.begins_on IS NULL OR mine.begins_on <= $2) AND (mine.ends_on IS NULL OR mine.ends_on >= $2)
          AND (m.begins_on IS NULL OR m.begins_on <= $2) AND (m.ends_on IS NULL OR m.ends_on >= $2)
    )
"""


async def places(people: Collection[int], on: date) -> list[Row]:
    """One row for each of these people who is on record: `own_schools` as a student, `schools_of_students` as a
    guardian."""
    return await sql.rows(PLACES, list(people), on)


async def family(people: Collection[int], person_id: int, on: date) -> set[int]:
    """Those of these people who are this person, or family of this person as far as the record shows."""
    return {row["id"] for row in await sql.rows(FAMILY, list(people), on, person_id)}

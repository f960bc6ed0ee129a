"""The questions that the registrar's desk puts to the database before it gives out an activation key."""

from datetime import date

from db import sql
from db.queries.guardianships import RESTRICTED
from db.queries.reach import CURRENT
from db.sql import Row

# A person ($1) with the account in one capacity ($2). Records that were merged into another one are nobody's.
# Uses person_pkey, account_one_per_person_and_capacity.
HOLDER = """
SELECT p.id, a.id AS account_id FROM person p LEFT JOIN account a ON a.person_id = p.id AND a.capacity = $2
WHERE p.id = $1 AND p.merged_into_id IS NULL
"""

# All that a guardian ($1) is tied to on day $2, with the schools of each student. The rows are locked, so that nothing
# is confirmed or revoked between the answer of the gate and the key.
# Uses guardianship_one_per_pair, enrolment_once, restriction_in_force.
WARDS = f"""
SELECT g.student_id, g.status, g.portal_access, g.adult_access, s.birth_date, {RESTRICTED} AS restricted,
       ARRAY(SELECT DISTINCT e.school_id FROM enrolment e WHERE e.student_id = g.student_id AND {CURRENT}) AS schools
FROM guardianship g
JOIN student s ON s.id = g.student_id
JOIN person p ON p.id = g.student_id
WHERE g.guardian_id = $1 AND p.merged_into_id IS NULL
ORDER BY g.id
FOR SHARE OF g
"""

# The guardians of a student ($1) with an address, and how things stand between the two on day $2.
# Uses guardianship_student, person_pkey, student_pkey, restriction_in_force.
GUARDIANS_TO_TELL = f"""
SELECT p.id AS person_id, p.email, p.language, g.status, g.portal_access, g.adult_access, s.birth_date,
       {RESTRICTED} AS restricted
FROM guardianship g JOIN person p ON p.id = g.guardian_id JOIN student s ON s.id = g.student_id
WHERE g.student_id = $1 AND p.email <> '' AND p.merged_into_id IS NULL
ORDER BY g.id
"""

# A student ($1) with an address. Uses person_pkey.
STUDENT_TO_TELL = "SELECT p.id AS person_id, p.email, p.language FROM person p WHERE p.id = $1 AND p.email <> ''"


async def holder(person_id: int, capacity: str) -> Row | None:
    """The person, with `account_id` where there is an account in this capacity; None for nobody."""
    return await sql.row(HOLDER, person_id, capacity)


async def wards(guardian_id: int, on: date) -> list[Row]:
    """One row for each guardianship of this person, whatever its standing, locked until the transaction ends."""
    return await sql.rows(WARDS, guardian_id, on)


async def guardians_to_tell(student_id: int, on: date) -> list[Row]:
    """Guardians of the student who have an address, whatever their standing."""
    return await sql.rows(GUARDIANS_TO_TELL, student_id, on)


async def student_to_tell(student_id: int) -> Row | None:
    """The student, if there is an address."""
    return await sql.row(STUDENT_TO_TELL, student_id)

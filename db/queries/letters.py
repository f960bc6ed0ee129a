"""The questions that a letter puts to the database when it is sent: whether it still may say what it was to say."""

from datetime import date

from db import sql
from db.queries.guardianships import RESTRICTED
from db.sql import Row

# Uses guardianship_student, restriction_in_force.
STUDENT_OF = f"""
SELECT p.given, p.family, p.suffix, p.preferred, g.status, {RESTRICTED} AS restricted
FROM guardianship g JOIN person p ON p.id = g.student_id
WHERE g.guardian_id = $1 AND g.student_id = $3
"""

# Whether there is a student whom a guardian may still see. Uses guardianship_one_per_pair, restriction_in_force.
MAY_HAVE_KEY = f"""
SELECT EXISTS (
    SELECT FROM guardianship g
    WHERE g.guardian_id = $1 AND g.status = 'CONFIRMED' AND g.portal_access AND NOT {RESTRICTED}
) AS may
"""

# Uses person_pkey.
PERSON = "SELECT id, given, family, suffix, preferred, email FROM person WHERE id = $1"


async def student_of(guardian_id: int, student_id: int, on: date) -> Row | None:
    """The student's name, and how things stand between the two; None when they have nothing to do with one another."""
    return await sql.row(STUDENT_OF, guardian_id, on, student_id)


async def person(person_id: int) -> Row | None:
    return await sql.row(PERSON, person_id)


async def may_have_key(guardian_id: int, on: date) -> bool:
    """Whether there is a student whom this guardian may see, majority aside."""
    found = await sql.row(MAY_HAVE_KEY, guardian_id, on)
    return bool(found and found["may"])

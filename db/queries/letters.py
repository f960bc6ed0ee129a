"""The questions that a letter puts to the database when it is sent: whether it still may say what it was to say."""

from datetime import date

import orjson

from db import sql
from db.queries.guardianships import RESTRICTED
from db.sql import Row

#: Whether student `s` has had the eighteenth birthday on day `$2`, as `policies.guardianship.of_age`; NULL where the
#: birth date is not on record.
OF_AGE = "s.birth_date <= ($2::date - interval '18 years')::date"

# Uses guardianship_student, restriction_in_force.
STUDENT_OF = f"""
SELECT p.given, p.family, p.suffix, p.preferred, g.status, g.adult_access, {RESTRICTED} AS restricted,
       {OF_AGE} AS of_age
FROM guardianship g JOIN student s ON s.id = g.student_id JOIN person p ON p.id = g.student_id
WHERE g.guardian_id = $1 AND g.student_id = $3
"""

# How things stand between a guardian and a student, with the student's name and the guardian's account. A restriction
# that stands may begin on a later day.
# Uses guardianship_pkey, restriction_in_force, account_one_per_person_and_capacity.
GUARDIANSHIP = f"""
SELECT g.guardian_id, g.student_id, g.status, g.portal_access, g.adult_access, {RESTRICTED} AS restricted,
       EXISTS (
           SELECT FROM restriction r
           WHERE r.guardianship_id = g.id AND r.lifted_at IS NULL AND (r.ends_on IS NULL OR r.ends_on >= $2)
       ) AS restriction_stands,
       {OF_AGE} AS of_age, p.given, p.family, p.suffix, p.preferred,
       (SELECT a.status FROM account a WHERE a.person_id = g.guardian_id AND a.capacity = 'GUARDIAN') AS account_status
FROM guardianship g JOIN student s ON s.id = g.student_id JOIN person p ON p.id = g.student_id
WHERE g.id = $1
"""

# Whether somebody ($1) is or was of a household ($3), and is kept away from a student who is or was, or was the
# guardian of one.
# Uses guardianship_one_per_pair, restriction_in_force.
MEMBER = f"""
SELECT EXISTS (SELECT FROM household_member m WHERE m.person_id = $1 AND m.household_id = $3) AS is_member,
       EXISTS (
           SELECT FROM household_member m JOIN guardianship g ON g.student_id = m.person_id
           WHERE m.household_id = $3 AND g.guardian_id = $1 AND (g.status = 'REVOKED' OR {RESTRICTED})
       ) AS kept_away
"""

# Whether a record goes on for another one, and whether it is gone itself. Uses person_pkey, person_merge_kept.
MERGED = """
SELECT p.merged_into_id IS NOT NULL AS merged,
       EXISTS (SELECT FROM person_merge m WHERE m.kept_id = p.id AND m.undone_at IS NULL) AS goes_on
FROM person p WHERE p.id = $1
"""

# Uses work_order_pkey, person_pkey.
WORK_ORDER = """
SELECT w.id, w.status, w.parent_name, w.student_name, w.student_number, w.problem, w.diagnosis, w.resolution,
       p.given, p.family, p.suffix, p.preferred
FROM work_order w JOIN person p ON p.id = w.opened_by_id WHERE w.id = $1
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


async def guardianship(guardianship_id: int, on: date) -> Row | None:
    return await sql.row(GUARDIANSHIP, guardianship_id, on)


async def member(person_id: int, household_id: int, on: date) -> Row:
    """`is_member` at any time, and `kept_away` today from a student of the household."""
    [found] = await sql.rows(MEMBER, person_id, on, household_id)
    return found


async def merged(person_id: int) -> Row | None:
    return await sql.row(MERGED, person_id)


async def work_order(work_order_id: int) -> Row | None:
    """The work order, with the name of whoever opened it; `diagnosis` is a list, empty where there is none."""
    found = await sql.row(WORK_ORDER, work_order_id)
    return None if found is None else found | {"diagnosis": orjson.loads(found["diagnosis"] or "[]") or []}

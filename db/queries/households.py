"""Households as a registrar has them on the desk: who lives there, since when, and what the address was before."""

from collections.abc import Sequence
from datetime import date

import orjson

from db import sql
from db.queries.guardianships import RESTRICTED
from db.queries.reach import CURRENT, Reach
from db.sql import Row

#: Whether membership `m` has not ended by day `$2`.
_NOT_OVER = "(m.ends_on IS NULL OR m.ends_on >= $2)"

# A household is a school's through whoever lives there: a student of the school, or a guardian of one.
_OF_SCHOOLS = f"""EXISTS (
    SELECT FROM household_member m
    WHERE m.household_id = h.id AND {_NOT_OVER}
      AND (EXISTS (SELECT FROM enrolment e
                   WHERE e.student_id = m.person_id AND e.school_id = ANY ($1::bigint[]) AND {CURRENT})
           OR EXISTS (SELECT FROM guardianship g JOIN enrolment e ON e.student_id = g.student_id
                      WHERE g.guardian_id = m.person_id AND g.status <> 'REVOKED'
                        AND e.school_id = ANY ($1::bigint[]) AND {CURRENT})))"""

# Those who live there come first, then by name.
_MEMBERS = f"""(
    SELECT coalesce(json_agg(json_build_object(
        'person_id', p.id, 'given', p.given, 'middle', p.middle, 'family', p.family, 'suffix', p.suffix,
        'preferred', p.preferred, 'is_student', s.id IS NOT NULL, 'is_secondary', m.is_secondary,
        'begins_on', m.begins_on, 'ends_on', m.ends_on, 'decided_by', m.decided_by)
        ORDER BY {_NOT_OVER} DESC, portal_fold(p.family), portal_fold(p.given), p.id, m.id), '[]')
    FROM household_member m JOIN person p ON p.id = m.person_id LEFT JOIN student s ON s.id = p.id
    WHERE m.household_id = h.id)"""
_VERSIONS = """(
    SELECT coalesce(json_agg(json_build_object(
        'name', v.name, 'street', v.street, 'city', v.city, 'state', v.state, 'postal_code', v.postal_code,
        'phone', v.phone, 'decided_by', v.decided_by, 'replaced_at', v.replaced_at, 'reason', v.reason)
        ORDER BY v.id DESC), '[]')
    FROM household_version v WHERE v.household_id = h.id)"""
_HOUSEHOLD = f"""
SELECT h.id, h.name, h.street, h.city, h.state, h.postal_code, h.phone, h.decided_by,
       {_MEMBERS} AS members, {_VERSIONS} AS versions
FROM household h
"""

# $1 holds the schools that are in reach, or NULL for the district; $2 is today.
# Uses household_pkey, household_member_household, household_version_of.
ONE = f"{_HOUSEHOLD} WHERE h.id = $3 AND ($1::bigint[] IS NULL OR {_OF_SCHOOLS})"

# All in which a person is or was. Uses household_member_person, household_pkey, household_version_of.
OF_PERSON = f"""{_HOUSEHOLD}
WHERE h.id = ANY (ARRAY(SELECT mine.household_id FROM household_member mine WHERE mine.person_id = $3))
  AND ($1::bigint[] IS NULL OR {_OF_SCHOOLS})
ORDER BY EXISTS (SELECT FROM household_member m WHERE m.household_id = h.id AND m.person_id = $3 AND {_NOT_OVER}) DESC,
         h.id
"""

# Uses household_pkey. Whoever changes a household or who lives there waits for others who do. A row that only refers to
# it does not: an undone merge puts memberships back, while it holds people for whom somebody here may wait.
LOCK = """
SELECT id, name, street, city, state, postal_code, phone, decided_by FROM household WHERE id = $1
FOR NO KEY UPDATE
"""

# Those who live there on a day, or will. Uses household_member_household.
LIVING = f"""
SELECT m.id, m.person_id, m.begins_on, s.id IS NOT NULL AS is_student
FROM household_member m LEFT JOIN student s ON s.id = m.person_id
WHERE m.household_id = $1 AND {_NOT_OVER} ORDER BY m.id
"""

# Whom a letter about a household may tell: members with an address, but no guardian who is kept away from a student of
# the household, or was one. Uses household_member_once, person_pkey, guardianship_one_per_pair, restriction_in_force.
TOLD = f"""
SELECT DISTINCT p.id, p.email, p.language FROM household_member m JOIN person p ON p.id = m.person_id
WHERE m.household_id = $1 AND {_NOT_OVER} AND p.email IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM household_member with_student
      JOIN guardianship g ON g.guardian_id = p.id AND g.student_id = with_student.person_id
      WHERE with_student.household_id = $1 AND (g.status = 'REVOKED' OR {RESTRICTED}))
ORDER BY p.id
"""


async def one(reach: Reach, household_id: int, *, on: date) -> Row | None:
    """The household with this id, if it is of a school in reach."""
    found = await sql.row(ONE, reach.ids, on, household_id)
    return None if found is None else _read(found)


async def of_person(reach: Reach, person_id: int, *, on: date) -> list[Row]:
    """The households in which a person is or was, as far as they are of schools in reach; present ones first."""
    return [_read(row) for row in await sql.rows(OF_PERSON, reach.ids, on, person_id)]


async def lock_household(household_id: int) -> Row | None:
    """The household, nobody else's to change until the transaction ends."""
    return await sql.row(LOCK, household_id)


async def living(household_id: int, on: date) -> Sequence[Row]:
    """The memberships that have not ended by this day."""
    return await sql.rows(LIVING, household_id, on)


async def told(household_id: int, on: date) -> list[Row]:
    """The members whom a letter about the household may tell: id, e-mail and language."""
    return await sql.rows(TOLD, household_id, on)


def _read(found: Row) -> Row:
    return found | {"members": orjson.loads(found["members"]), "versions": orjson.loads(found["versions"])}

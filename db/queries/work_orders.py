"""Work orders: a page, one, whom they tell, and what they are filled in with."""

from datetime import date

import orjson

from db import sql
from db.queries.reach import CURRENT, Reach
from db.sql import Row

_ORDER = """
SELECT w.id, w.status, w.opened_at, w.opened_by_id, w.guardian_id, w.student_id, w.parent_name, w.student_name,
       w.student_number, w.problem, w.diagnosis, w.resolution, w.resolved_at,
       opener.given AS opener_given, opener.middle AS opener_middle, opener.family AS opener_family,
       opener.suffix AS opener_suffix, opener.preferred AS opener_preferred,
       resolver.given AS resolver_given, resolver.middle AS resolver_middle, resolver.family AS resolver_family,
       resolver.suffix AS resolver_suffix, resolver.preferred AS resolver_preferred
FROM work_order w
JOIN person opener ON opener.id = w.opened_by_id
LEFT JOIN person resolver ON resolver.id = w.resolved_by_id
"""
_PAGE = "w.id < $3 ORDER BY w.id DESC LIMIT $4"
_ANY_STATUS = "$1::text IS NULL"

#: Work orders about the students of some schools ($5) on day $2, and those that somebody ($6) opened.
_NEAR = f"""w.id = ANY (ARRAY(
    SELECT about.id FROM work_order about WHERE about.student_id = ANY (ARRAY(
        SELECT e.student_id FROM enrolment e WHERE e.school_id = ANY ($5::bigint[]) AND {CURRENT}))
    UNION
    SELECT own.id FROM work_order own WHERE own.opened_by_id = $6))"""

# Uses enrolment_school, work_order_student, work_order_opened_by, work_order_pkey.
PAGE_AT_SCHOOLS = f"{_ORDER} WHERE {_NEAR} AND ({_ANY_STATUS} OR w.status = $1) AND {_PAGE}"
# Uses work_order_pkey.
PAGE_IN_DISTRICT = f"{_ORDER} WHERE {_ANY_STATUS} AND $2::date IS NOT NULL AND {_PAGE}"
# The few open ones are never looked for among all that were resolved. Uses work_order_page.
PAGE_OF_STATUS = f"{_ORDER} WHERE w.status = $1 AND $2::date IS NOT NULL AND {_PAGE}"

# Uses work_order_pkey, enrolment_once.
ONE_AT_SCHOOLS = f"""{_ORDER} WHERE w.id = $1 AND (w.opened_by_id = $4 OR EXISTS (
    SELECT FROM enrolment e
    WHERE e.student_id = w.student_id AND e.school_id = ANY ($3::bigint[]) AND {CURRENT}))
"""
# Uses work_order_pkey.
ONE = f"{_ORDER} WHERE w.id = $1"

# Uses work_order_pkey, person_pkey.
LOCK = """
SELECT w.id, w.status, w.opened_by_id, w.guardian_id, w.student_id, p.email, p.language
FROM work_order w JOIN person p ON p.id = w.opened_by_id WHERE w.id = $1 FOR UPDATE OF w
"""

# Uses work_order_pkey.
RESOLVE = """
UPDATE work_order SET status = 'RESOLVED', resolution = $2, resolved_at = $3, resolved_by_id = $4 WHERE id = $1
"""

# A guardian on record, and the schools of the students today. Uses person_pkey, guardianship_one_per_pair,
# enrolment_once.
PARENT = f"""
SELECT p.id, p.given, p.middle, p.family, p.suffix, p.preferred,
       ARRAY(SELECT DISTINCT e.school_id FROM guardianship g JOIN enrolment e ON e.student_id = g.student_id
             WHERE g.guardian_id = p.id AND g.status <> 'REVOKED' AND {CURRENT}) AS schools_of_students
FROM person p
WHERE p.id = $1 AND p.merged_into_id IS NULL
  AND (EXISTS (SELECT FROM guardianship g WHERE g.guardian_id = p.id)
       OR EXISTS (SELECT FROM account a WHERE a.person_id = p.id AND a.capacity = 'GUARDIAN'))
"""

# Uses student_pkey, person_pkey.
PUPIL = """
SELECT s.student_number, p.given, p.middle, p.family, p.suffix, p.preferred
FROM student s JOIN person p ON p.id = s.id WHERE s.id = $1
"""

# Roles are few: there are as many as the portal has staff.
TECHNOLOGY = """
SELECT DISTINCT p.id, p.email, p.language
FROM role_assignment r JOIN person p ON p.id = r.person_id
WHERE r.role = 'technology' AND p.email IS NOT NULL
  AND (r.begins_on IS NULL OR r.begins_on <= $1) AND (r.ends_on IS NULL OR r.ends_on >= $1)
ORDER BY p.id
"""


async def page(reach: Reach, opener_id: int, status: str | None, *, on: date, before: int, limit: int) -> list[Row]:
    """Work orders about students in reach, and those of one opener, of any status where none is given, the newest
    first; `before` is an id."""
    values = (status, on, before, limit)
    if reach.everywhere:
        found = await sql.rows(PAGE_OF_STATUS if status else PAGE_IN_DISTRICT, *values)
    else:
        found = await sql.rows(PAGE_AT_SCHOOLS, *values, reach.ids, opener_id)
    return [_read(row) for row in found]


async def one(reach: Reach, opener_id: int, order_id: int, *, on: date) -> Row | None:
    """One of those that `page` gives."""
    if reach.everywhere:
        found = await sql.row(ONE, order_id)
    else:
        found = await sql.row(ONE_AT_SCHOOLS, order_id, on, reach.ids, opener_id)
    return None if found is None else _read(found)


def _read(found: Row) -> Row:
    return found | {"diagnosis": orjson.loads(found["diagnosis"]) if found["diagnosis"] else []}


async def lock(order_id: int) -> Row | None:
    """A work order with the address of who opened it, locked until the transaction ends."""
    return await sql.row(LOCK, order_id)


async def resolve(order_id: int, resolution: str, *, resolved_at: object, person_id: int) -> None:
    await sql.execute(RESOLVE, order_id, resolution, resolved_at, person_id)


async def parent(person_id: int, on: date) -> Row | None:
    """A guardian by name; None for whoever is none."""
    return await sql.row(PARENT, person_id, on)


async def pupil(student_id: int) -> Row | None:
    return await sql.row(PUPIL, student_id)


async def technology(on: date) -> list[Row]:
    """Who has the technology role on a day and an address."""
    return await sql.rows(TECHNOLOGY, on)

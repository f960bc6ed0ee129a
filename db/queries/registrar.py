"""The registrar's queue: guardianships with guardian, student and what is in force today. One statement a page."""

from dataclasses import dataclass
from datetime import date

import orjson

from db import sql
from db.queries.guardianships import RESTRICTED
from db.queries.reach import CURRENT, Reach, places_of
from db.sql import Row


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the guardianships in reach; None means that it does not matter."""

    status: str | None = None
    portal_access: bool | None = None
    school_id: int | None = None
    restricted: bool | None = None
    #: Confirmed, without the student's consent, and of a student born on one of the days after the first of these two,
    #: up to the second.
    born: tuple[date, date] | None = None


# $1 holds the schools that are in reach, or NULL for the district; $2 is today.
_GUARDIANSHIP = f"""
SELECT g.id, g.relationship, g.status, g.portal_access, g.lives_with, g.decided_by, g.confirmed_at, g.evidence,
       g.revoked_at, g.revoked_reason, g.adult_access, g.consent_at, s.birth_date, g.guardian_id, g.student_id,
       guardian.given AS guardian_given, guardian.middle AS guardian_middle, guardian.family AS guardian_family,
       guardian.suffix AS guardian_suffix, guardian.preferred AS guardian_preferred,
       student.given, student.middle, student.family, student.suffix, student.preferred,
       {places_of("g.student_id", "$1")} AS places,
       (SELECT coalesce(json_agg(json_build_object(
                   'kind', r.kind, 'begins_on', r.begins_on, 'ends_on', r.ends_on, 'reason', r.reason,
                   'decided_by', r.decided_by) ORDER BY r.begins_on, r.id), '[]')
        FROM restriction r
        WHERE r.guardianship_id = g.id AND r.lifted_at IS NULL AND (r.ends_on IS NULL OR r.ends_on >= $2)
       ) AS restrictions
FROM {{source}} g
JOIN person guardian ON guardian.id = g.guardian_id
JOIN person student ON student.id = g.student_id
JOIN student s ON s.id = g.student_id
"""
_ALL = _GUARDIANSHIP.format(source="guardianship")


def _of_schools(schools: str) -> str:
    """All guardianships of the students of some schools; set apart, by OFFSET and by an array, so that the queue of a
    school is never found by walking the queue of the district."""
    return f"""(
        SELECT of_school.* FROM guardianship of_school
        WHERE of_school.student_id = ANY (ARRAY(
            SELECT e.student_id FROM enrolment e WHERE e.school_id = ANY ({schools}::bigint[]) AND {CURRENT}))
        OFFSET 0)"""


_IN_DISTRICT = "$1::bigint[] IS NULL"
_WANTED = f"""
  AND ($3::text IS NULL OR g.status = $3)
  AND ($4::boolean IS NULL OR g.portal_access = $4)
  AND ($5::boolean IS NULL OR {RESTRICTED} = $5)
  AND ($6::date IS NULL OR (g.status = 'CONFIRMED' AND NOT g.adult_access AND EXISTS (
      SELECT FROM student born
      WHERE born.id = g.student_id AND born.birth_date > $6 AND born.birth_date <= $7::date)))
"""
_PAGE = """
  AND ((g.status <> 'CLAIMED'), g.id) > ($9::boolean, $10::bigint)
ORDER BY (g.status <> 'CLAIMED'), g.id LIMIT $11
"""

# Uses guardianship_pkey.
ONE_AT_SCHOOLS = f"""{_ALL} WHERE g.id = $3 AND EXISTS (
    SELECT FROM enrolment e WHERE e.student_id = g.student_id AND e.school_id = ANY ($1::bigint[]) AND {CURRENT})
"""
# Uses guardianship_pkey.
ONE_IN_DISTRICT = f"{_ALL} WHERE g.id = $3 AND {_IN_DISTRICT}"

# All of a guardian or of a student. Uses guardianship_one_per_pair, guardianship_student.
OF_PERSON = f"""{_ALL}
WHERE (g.guardian_id = $3 OR g.student_id = $3)
  AND ($1::bigint[] IS NULL OR EXISTS (
      SELECT FROM enrolment e WHERE e.student_id = g.student_id AND e.school_id = ANY ($1::bigint[]) AND {CURRENT}))
ORDER BY (g.status <> 'CLAIMED'), g.id
"""

# $8 holds the schools that are asked for, which are in reach. Uses enrolment_school, guardianship_student.
PAGE_AT_SCHOOLS = f"{_GUARDIANSHIP.format(source=_of_schools('$8'))} WHERE true {_WANTED} {_PAGE}"
# Uses guardianship_queue: from the last page's end, as far as this one goes.
PAGE_IN_DISTRICT = f"{_ALL} WHERE {_IN_DISTRICT} AND $8::bigint[] IS NULL {_WANTED} {_PAGE}"

# Uses enrolment_school.
COUNT_AT_SCHOOLS = f"SELECT count(*) AS count FROM {_of_schools('$1')} g WHERE true {_WANTED}"
COUNT_IN_DISTRICT = f"SELECT count(*) AS count FROM guardianship g WHERE {_IN_DISTRICT} {_WANTED}"


def _read(found: Row) -> Row:
    return found | {name: orjson.loads(found[name]) for name in ("places", "restrictions")}


async def one(reach: Reach, guardianship_id: int, *, on: date) -> Row | None:
    """The guardianship with this id, if its student is in reach."""
    statement = ONE_IN_DISTRICT if reach.everywhere else ONE_AT_SCHOOLS
    found = await sql.row(statement, reach.ids, on, guardianship_id)
    return None if found is None else _read(found)


async def of_person(reach: Reach, person_id: int, *, on: date) -> list[Row]:
    """The guardianships of a guardian or of a student, as far as the students are in reach; claimed ones first."""
    return [_read(row) for row in await sql.rows(OF_PERSON, reach.ids, on, person_id)]


async def page(reach: Reach, wanted: Wanted, *, on: date, after: tuple[bool, int] | None, limit: int) -> list[Row]:
    """Guardianships of students in reach, claimed ones first, then by id; `after` is whether it was decided, and id."""
    near = reach.at(wanted.school_id)
    statement = PAGE_IN_DISTRICT if near.everywhere else PAGE_AT_SCHOOLS
    decided, last = after or (False, 0)
    rows = await sql.rows(statement, reach.ids, on, *_filter(wanted), near.ids, decided, last, limit)
    return [_read(row) for row in rows]


async def count(reach: Reach, wanted: Wanted, *, on: date) -> int:
    """How many guardianships `page` gives in all."""
    near = reach.at(wanted.school_id)
    statement = COUNT_IN_DISTRICT if near.everywhere else COUNT_AT_SCHOOLS
    [row] = await sql.rows(statement, near.ids, on, *_filter(wanted))
    counted: int = row["count"]
    return counted


def _filter(wanted: Wanted) -> tuple[object, ...]:
    return wanted.status, wanted.portal_access, wanted.restricted, *(wanted.born or (None, None))

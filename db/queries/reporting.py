"""Accounts as staff may know of them: one, a page, and how many. No username and no address is read here."""

from datetime import date, datetime

import orjson

from db import sql
from db.queries.accounts_wanted import AccountOrder, EmailProblem, Page, Place, Wanted
from db.queries.logins import LOCKED_UNTIL
from db.queries.reach import CURRENT, PLACES, SCHOOLS, SEEN, AccountReach
from db.sql import Row

__all__ = [
    "AccountOrder",
    "EmailProblem",
    "Page",
    "Place",
    "Wanted",
    "count",
    "count_by",
    "one",
    "page",
    "schools_of_one",
]


# A lock is no status but a wait after wrong passwords; the few accounts that have one at the time $8 are found first,
# through login_streak_locks, however many accounts are looked through.
_LOCKED = (
    "SELECT streak.account_id FROM login_streak streak WHERE streak.account_id IS NOT NULL AND streak.wait_until > $8"
)
_STATUS = f"CASE WHEN a.status = 'ACTIVE' AND a.id IN ({_LOCKED}) THEN 'LOCKED' ELSE a.status END"

_AT = "($6::bigint IS NULL OR place.school_id = $6) AND ($7::text IS NULL OR place.grade_level = $7)"

_WANTED = f"""
  AND ($6::bigint IS NULL AND $7::text IS NULL OR EXISTS (SELECT FROM ({PLACES}) AS place WHERE {_AT}))
  AND ($9::text IS NULL OR a.capacity = $9)
  AND ($10::text[] IS NULL OR {_STATUS} = ANY ($10))
  AND ($11::timestamptz IS NULL OR a.last_login_at < $11)
  AND ($12::boolean IS NULL OR (a.last_login_at IS NULL) = $12)
"""

_COLUMNS = f"""
SELECT a.id AS account_id, a.capacity, a.status, a.disabled_reason, a.activated_at, a.last_login_at,
       {LOCKED_UNTIL} AS locked_until,
       p.id AS person_id, p.given, p.middle, p.family, p.suffix, p.preferred,
"""

# For those who see schools and not the district: their accounts are gathered from the schools, so that a page costs
# what a school has and not what the district has; by arrays, so that no table is read whole for them. `SEEN` still
# decides. Uses enrolment_school, guardianship_student, account_one_per_person_and_capacity.
_FROM_SCHOOLS = f"""
FROM (
    SELECT $1::bigint AS id
    UNION
    SELECT held.id FROM account held WHERE held.capacity = 'STUDENT' AND held.person_id = ANY (ARRAY(
        SELECT e.student_id FROM enrolment e WHERE e.school_id = ANY ($13::bigint[]) AND {CURRENT}))
    UNION
    SELECT held.id FROM account held WHERE held.capacity = 'GUARDIAN' AND held.person_id = ANY (ARRAY(
        SELECT g.guardian_id FROM guardianship g WHERE g.student_id = ANY (ARRAY(
            SELECT e.student_id FROM enrolment e WHERE e.school_id = ANY ($14::bigint[]) AND {CURRENT}))))
) AS near
JOIN account a ON a.id = near.id
"""

# For whoever sees all accounts of a capacity; $13 and $14 are then empty.
_FROM_DISTRICT = "FROM account a"

_PAGE = """
{columns} CASE WHEN $15 THEN {schools} END AS schools
{source}
JOIN person p ON p.id = a.person_id
WHERE {near} {seen} {wanted} AND a.id > $16
ORDER BY a.id LIMIT $17
"""

_COUNT = "SELECT count(*) AS count {source} WHERE {near} {seen} {wanted}"

_COUNT_BY = """
SELECT CASE $15 WHEN 'STATUS' THEN {status} ELSE a.capacity END AS key, count(*) AS count
{source} WHERE {near} {seen} {wanted} GROUP BY 1 ORDER BY 1
"""

# An account with places in two schools counts in both.
_COUNT_BY_PLACE = """
SELECT there.key, count(*) AS count
{source}
LEFT JOIN LATERAL (
    SELECT DISTINCT CASE $15 WHEN 'SCHOOL' THEN place.school_id::text ELSE place.grade_level END AS key
    FROM ({places}) AS place WHERE {at}
) AS there ON true
WHERE {near} {seen} {wanted} GROUP BY there.key ORDER BY there.key NULLS FIRST
"""


def _said(question: str, source: str) -> str:
    return question.format(
        columns=_COLUMNS,
        schools=SCHOOLS,
        source=source,
        near="" if source is _FROM_SCHOOLS else "$13::bigint[] IS NULL AND $14::bigint[] IS NULL AND",
        seen=SEEN,
        wanted=_WANTED,
        status=_STATUS,
        places=PLACES,
        at=_AT,
    )


# Uses account_pkey.
ONE = f"""{_COLUMNS} CASE WHEN $7 THEN {SCHOOLS} END AS schools
FROM account a JOIN person p ON p.id = a.person_id WHERE a.id = $6 AND {SEEN}
"""
# Uses account_pkey.
SCHOOLS_OF_ONE = f"SELECT {SCHOOLS} AS schools FROM account a WHERE a.id = $6 AND {SEEN}"

# Uses enrolment_school, guardianship_student, account_one_per_person_and_capacity.
PAGE_AT_SCHOOLS = _said(_PAGE, _FROM_SCHOOLS)
# Uses account_pkey: from the last page's end, as far as this one goes.
PAGE_IN_DISTRICT = _said(_PAGE, _FROM_DISTRICT)
# Uses enrolment_school.
COUNT_AT_SCHOOLS = _said(_COUNT, _FROM_SCHOOLS)
COUNT_IN_DISTRICT = _said(_COUNT, _FROM_DISTRICT)
# Uses enrolment_school.
COUNT_BY_AT_SCHOOLS = _said(_COUNT_BY, _FROM_SCHOOLS)
COUNT_BY_IN_DISTRICT = _said(_COUNT_BY, _FROM_DISTRICT)
# Uses enrolment_school.
COUNT_BY_PLACE_AT_SCHOOLS = _said(_COUNT_BY_PLACE, _FROM_SCHOOLS)
COUNT_BY_PLACE_IN_DISTRICT = _said(_COUNT_BY_PLACE, _FROM_DISTRICT)


def _values(reach: AccountReach, wanted: Wanted, *, on: date, now: datetime) -> tuple[bool, tuple[object, ...]]:
    """Whether to ask from the schools, and the values that all pages and counts begin with."""
    near = reach.at(wanted.school_id)
    at_schools = not near.everywhere
    return at_schools, (
        *reach.values(on),
        wanted.school_id,
        wanted.grade_level,
        now,
        wanted.capacity,
        None if wanted.status is None else list(wanted.status),
        wanted.last_login_before,
        wanted.never_logged_in,
        sorted(near.students.schools) if at_schools else None,
        sorted(near.guardians.schools) if at_schools else None,
    )


def _with_schools(found: Row) -> Row:
    return found | {"schools": None if found["schools"] is None else orjson.loads(found["schools"])}


async def one(reach: AccountReach, account_id: int, *, on: date, with_schools: bool) -> Row | None:
    """The account with this id, if it is in reach."""
    found = await sql.row(ONE, *reach.values(on), account_id, with_schools)
    return None if found is None else _with_schools(found)


async def schools_of_one(reach: AccountReach, account_id: int, *, on: date) -> list[Row]:
    """The schools of an account in reach, as far as they are."""
    found = await sql.row(SCHOOLS_OF_ONE, *reach.values(on), account_id)
    schools: list[Row] = orjson.loads(found["schools"]) if found else []
    return schools


async def page(
    reach: AccountReach,
    wanted: Wanted,
    *,
    order: AccountOrder = AccountOrder.ID,
    descending: bool = False,
    on: date,
    now: datetime,
    with_schools: bool = False,
    with_total: bool = False,
    after: Place | None = None,
    limit: int,
) -> Page:
    """Accounts in reach in an order, from the one after that place, `limit` at most.

    `after` is the `place` of a row of the page before, which was read in the same order and direction.
    """
    at_schools, values = _values(reach, wanted, on=on, now=now)
    statement = PAGE_AT_SCHOOLS if at_schools else PAGE_IN_DISTRICT
    start = after.account_id if after else 0
    rows = [_with_schools(row) for row in await sql.rows(statement, *values, with_schools, start, limit)]
    total = await count(reach, wanted, on=on, now=now) if with_total else None
    return Page([row | {"place": Place(row["account_id"])} for row in rows], total)


async def count(reach: AccountReach, wanted: Wanted, *, on: date, now: datetime) -> int:
    """How many accounts `page` gives in all."""
    at_schools, values = _values(reach, wanted, on=on, now=now)
    [row] = await sql.rows(COUNT_AT_SCHOOLS if at_schools else COUNT_IN_DISTRICT, *values)
    counted: int = row["count"]
    return counted


async def count_by(
    reach: AccountReach, wanted: Wanted, by: str, *, on: date, now: datetime
) -> list[tuple[str | None, int]]:
    """How many of them there are of each `STATUS`, `CAPACITY`, `SCHOOL` (its id) or `GRADE_LEVEL`."""
    at_schools, values = _values(reach, wanted, on=on, now=now)
    if by in {"SCHOOL", "GRADE_LEVEL"}:
        statement = COUNT_BY_PLACE_AT_SCHOOLS if at_schools else COUNT_BY_PLACE_IN_DISTRICT
    else:
        statement = COUNT_BY_AT_SCHOOLS if at_schools else COUNT_BY_IN_DISTRICT
    return [(row["key"], row["count"]) for row in await sql.rows(statement, *values, by)]

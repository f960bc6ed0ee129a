"""How many accounts there are, in all and of each kind: the same ones that pages show."""

from functools import lru_cache

from db.queries.account_parts import STATUS, Asked, Statement, at, conditions, seen, source, statement
from db.queries.reach import CURRENT, PLACES, SEEN


@lru_cache(maxsize=1024)
def count(asked: Asked) -> Statement:
    """How many there are."""
    return statement(f"SELECT count(*) AS count FROM {source(asked)} WHERE {seen(asked)}")


@lru_cache(maxsize=1024)
def count_by(asked: Asked, by: str) -> Statement:
    """How many there are of each `STATUS`, `CAPACITY`, `SCHOOL` or `GRADE_LEVEL`."""
    if by in {"STATUS", "CAPACITY"}:
        key = STATUS if by == "STATUS" else "a.capacity"
        return statement(
            f"SELECT {key} AS key, count(*) AS count FROM {source(asked)} WHERE {seen(asked)} GROUP BY 1 ORDER BY 1"
        )
    key = "school_id" if by == "SCHOOL" else "grade_level"
    return statement(_count_places(asked, key) if asked.in_district else _count_gathered(asked, key))


# An account with places in two schools counts in both, and once in each.
def _count_gathered(asked: Asked, key: str) -> str:
    where = f" WHERE {at(asked)}" if at(asked) else ""
    return f"""SELECT there.key::text AS key, count(*) AS count
FROM {source(asked)}
LEFT JOIN LATERAL (SELECT DISTINCT place.{key} AS key FROM ({PLACES}) AS place{where}) AS there ON true
WHERE {seen(asked)} GROUP BY there.key ORDER BY there.key NULLS FIRST"""


#: `PLACES` of all accounts at once, for whoever counts the district.
ALL_PLACES = f"""
    SELECT a.id, place.{{key}} AS key
    FROM (
        SELECT e.school_id, e.grade_level, e.student_id AS person_id, 'STUDENT' AS capacity
        FROM enrolment e WHERE {CURRENT}
        UNION ALL
        SELECT e.school_id, e.grade_level, g.guardian_id, 'GUARDIAN'
        FROM enrolment e JOIN guardianship g ON g.student_id = e.student_id AND g.status <> 'REVOKED' WHERE {CURRENT}
    ) AS place
    JOIN account a ON a.person_id = place.person_id AND a.capacity = place.capacity
    WHERE (a.id = $1 OR a.capacity = ANY ($3::text[])
           OR place.school_id = ANY (CASE a.capacity WHEN 'STUDENT' THEN $4::bigint[] ELSE $5::bigint[] END))"""


def _count_places(asked: Asked, key: str) -> str:
    """All places are sorted once, by account: so that each key of an account is counted once, and each account that
    has any; the others have none."""
    places = ALL_PLACES.format(key=key) + (f" AND {at(asked)}" if at(asked) else "")
    wanted = f"{SEEN}{conditions(asked, lazily=False)}"
    counted = f"""counted AS MATERIALIZED (
    SELECT key, count(*) AS count, count(*) FILTER (WHERE is_first) AS accounts
    FROM (
        SELECT key, id IS DISTINCT FROM lag(id) OVER (ORDER BY id) AS is_first
        FROM (SELECT DISTINCT id, key FROM ({places} AND {wanted}) AS place) AS once
    ) AS each GROUP BY key
)"""
    nowhere = f"""
    UNION ALL
    SELECT NULL, (SELECT count(*) FROM account a WHERE {wanted}) - (SELECT coalesce(sum(accounts), 0) FROM counted)"""
    return f"""WITH {counted}
SELECT key::text AS key, sum(count)::bigint AS count
FROM (SELECT key, count FROM counted{"" if at(asked) else nowhere}) AS found
GROUP BY found.key HAVING sum(count) > 0 ORDER BY found.key NULLS FIRST"""

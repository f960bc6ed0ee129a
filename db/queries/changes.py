"""The changes of accounts in the order in which they are told: numbered once they are committed, read from a number on,
and thrown away in time."""

from datetime import date, datetime

import orjson

from db import sql
from db.queries.logins import LOCKED_UNTIL
from db.queries.reach import PLACES, SCHOOLS, SEEN, AccountReach
from db.sql import Row

# Uses account_change_number_unique.
HOW_FAR = """
SELECT coalesce(feed.numbered, 0) AS numbered, coalesce(feed.forgotten, 0) AS forgotten,
       EXISTS (SELECT FROM account_change WHERE number IS NULL) AS more
FROM (SELECT) AS always LEFT JOIN account_feed feed ON feed.id = 1
"""

_BEGIN = "INSERT INTO account_feed (id, numbered, forgotten) VALUES (1, 0, 0) ON CONFLICT (id) DO NOTHING"

LOCK = "SELECT numbered FROM account_feed WHERE id = 1 FOR UPDATE"

# A statement of its own after the lock, so that it sees all that was numbered by whoever had the lock before. Changes
# of one account were written one after the other, so their ids say in which order.
# Uses account_change_pkey.
NUMBER = """
WITH next AS MATERIALIZED (
    SELECT waiting.id, $1::bigint + row_number() OVER (ORDER BY waiting.id) AS number
    FROM (SELECT id FROM account_change WHERE number IS NULL ORDER BY id LIMIT $2) AS waiting
), given AS (
    UPDATE account_change change SET number = next.number FROM next WHERE change.id = next.id
    RETURNING change.number
)
UPDATE account_feed SET numbered = numbered + (SELECT count(*) FROM given) WHERE id = 1
RETURNING numbered
"""

# Numbers rise with time but for transactions that took long, so that whoever is older than the oldest of the young ones
# is forgotten. Uses account_change_number_unique.
FORGET = """
WITH old AS MATERIALIZED (
    SELECT number, at FROM account_change WHERE number IS NOT NULL ORDER BY number LIMIT $2
), gone AS (
    DELETE FROM account_change WHERE number < coalesce(
        (SELECT min(number) FROM old WHERE at >= $1), (SELECT max(number) + 1 FROM old))
    RETURNING number
)
UPDATE account_feed SET forgotten = greatest(forgotten, (SELECT max(number) FROM gone)) WHERE id = 1
RETURNING (SELECT count(*) FROM gone) AS gone
"""


async def how_far() -> tuple[int, int, bool]:
    """The last number given, the last one thrown away, and whether there are changes without a number."""
    [row] = await sql.rows(HOW_FAR)
    return row["numbered"], row["forgotten"], row["more"]


async def number(most: int) -> int:
    """Numbers so many committed changes, in a transaction of the caller's; returns the last number given."""
    await sql.execute(_BEGIN)
    [feed] = await sql.rows(LOCK)
    [row] = await sql.rows(NUMBER, feed["numbered"], most)
    last: int = row["numbered"]
    return last


async def forget(before: datetime, most: int) -> int:
    """Throws away so many of the oldest changes, as far as they are older; returns how many."""
    row = await sql.row(FORGET, before, most)
    return row["gone"] if row else 0


# What is told after number $6 and up to $7, as far as it is in reach: whoever saw the account when it changed and sees
# it no more is not told, and whoever sees it by now is. There is a row even where nothing is told, for how far it goes.
# Uses account_change_number_unique, account_pkey.
TOLD = f"""
SELECT feed.numbered, feed.forgotten, told.*
FROM account_feed feed LEFT JOIN LATERAL (
    SELECT c.number, c.at, c.status_before, c.status AS status_after, c.disabled_reason AS reason_after,
           c.locked_until AS locked_after,
           a.id AS account_id, a.capacity, a.status, a.disabled_reason, a.activated_at, a.last_login_at,
           {LOCKED_UNTIL} AS locked_until,
           p.id AS person_id, p.given, p.middle, p.family, p.suffix, p.preferred,
           CASE WHEN $11 THEN {SCHOOLS} END AS schools
    FROM account_change c JOIN account a ON a.id = c.account_id JOIN person p ON p.id = a.person_id
    WHERE c.number > $6::bigint AND c.number <= $7::bigint AND {SEEN}
      AND ($8::bigint IS NULL OR EXISTS (SELECT FROM ({PLACES}) AS place WHERE place.school_id = $8))
      AND ($9::text IS NULL OR a.capacity = $9)
    ORDER BY c.number LIMIT $10
) AS told ON true
WHERE feed.id = 1
ORDER BY told.number
"""


async def told(
    reach: AccountReach,
    *,
    on: date,
    after: int,
    up_to: int,
    school_id: int | None,
    capacity: str | None,
    limit: int,
    with_schools: bool,
) -> tuple[int, int, list[Row]]:
    """The last number given, the last one thrown away, and changes in reach between two numbers, so many at most."""
    found = await sql.rows(TOLD, *reach.values(on), after, up_to, school_id, capacity, limit, with_schools)
    if not found:
        return 0, 0, []
    rows = [row | {"schools": orjson.loads(row["schools"] or "null")} for row in found if row["number"] is not None]
    return found[0]["numbered"], found[0]["forgotten"], rows

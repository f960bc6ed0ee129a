"""The questions that promising letters, and whoever looks after them, put to the database."""

from collections.abc import Mapping
from datetime import datetime

import orjson

from db import sql
from db.sql import Row

# One statement for all letters of a step. Of letters alike, only so many are to be sent; `$9` is null where there is no
# such limit. An address that somebody typed in is not kept for a letter that never goes. Uses letter_alike,
# letter_tally_pkey.
PROMISE = """
WITH written AS (
    INSERT INTO letter (kind, person_id, address, address_digest, language, message_id, facts, promised_at, due_at,
                        attempts, state, failure)
    SELECT $1, told.person_id, CASE WHEN alike.too_many AND told.person_id IS NULL THEN '' ELSE told.address END,
           told.digest, told.language, told.message_id, $7::jsonb, $8, $12, 0,
           CASE WHEN alike.too_many THEN 'CANCELLED' ELSE 'WAITING' END,
           CASE WHEN alike.too_many THEN $11 END
    FROM unnest($2::bigint[], $3::text[], $4::bytea[], $5::text[], $6::text[])
        WITH ORDINALITY AS told (person_id, address, digest, language, message_id, place)
    CROSS JOIN LATERAL (
        SELECT $9::int IS NOT NULL AND count(*) >= $9::int AS too_many FROM letter l
        WHERE l.address_digest = told.digest AND l.kind = $1 AND l.promised_at > $10 AND l.facts = $7::jsonb
          AND l.failure IS DISTINCT FROM $11
    ) AS alike
    ORDER BY told.place
    RETURNING id, state
), counted AS (
    INSERT INTO letter_tally (id, n)
    SELECT 'CANCELLED:' || $11::text, count(*) FROM written WHERE state = 'CANCELLED' HAVING count(*) > 0
    ON CONFLICT (id) DO UPDATE SET n = letter_tally.n + excluded.n
)
SELECT id FROM written ORDER BY id
"""

# Until the transaction ends, nobody else comes past this for the same address.
WAIT_FOR_OTHERS = "SELECT pg_advisory_xact_lock(1819568242, hashtext(encode($1::bytea, 'hex')))"

# The newest first. Uses letter_pkey.
NEWEST = """
SELECT id, kind, state, promised_at, due_at, attempts, failure, address, leased_until > $3 AS in_hand, sent_at
FROM letter WHERE $1::text IS NULL OR state = $1 ORDER BY id DESC LIMIT $2
"""

# The newest that were given up. Uses letter_failed.
NEWEST_FAILED = """
SELECT id, kind, state, promised_at, due_at, attempts, failure, address, false AS in_hand, sent_at
FROM letter WHERE state = 'FAILED' ORDER BY id DESC LIMIT $1
"""

# Where a letter stands. Uses letter_pkey.
STANDING = "SELECT state, leased_until > $2 AS in_hand FROM letter WHERE id = $1"

# A letter that was given up waits again, as if promised now; couriers wake when that is committed. Uses letter_failed.
RETRY = """
WITH waiting AS (
    UPDATE letter SET state = 'WAITING', due_at = $2, retried_at = $2, attempts = 0, failure = NULL
    WHERE id = $1 AND state = 'FAILED' RETURNING id, person_id
)
SELECT id, person_id, pg_notify('letter', '') FROM waiting
"""

# All of them. Uses letter_failed.
RETRY_FAILED = """
WITH waiting AS (
    UPDATE letter SET state = 'WAITING', due_at = $1, retried_at = $1, attempts = 0, failure = NULL
    WHERE state = 'FAILED' RETURNING id, person_id
)
SELECT id, person_id, pg_notify('letter', '') FROM waiting ORDER BY id
"""

# One that waits and is in nobody's hands. Uses letter_pkey, letter_tally_pkey.
CANCEL = """
WITH cancelled AS (
    UPDATE letter SET state = 'CANCELLED', leased_until = NULL, failure = $3
    WHERE id = $1 AND state = 'WAITING' AND (leased_until IS NULL OR leased_until <= $2) RETURNING id, person_id
), counted AS (
    INSERT INTO letter_tally (id, n) SELECT 'CANCELLED:' || $3::text, 1 FROM cancelled
    ON CONFLICT (id) DO UPDATE SET n = letter_tally.n + 1
)
SELECT id, person_id FROM cancelled
"""

# How many wait, and since when the one that waits the longest. Uses letter_waiting.
WAITING = """
SELECT count(*) AS letters, min(coalesce(retried_at, promised_at)) AS since FROM letter WHERE state = 'WAITING'
"""

# Some twenty rows.
TALLY = "SELECT id, n FROM letter_tally"


async def wait_for_others(digest: bytes) -> None:
    """Waits for whoever has a letter written to the address at the same moment, so that each sees the other's."""
    await sql.rows(WAIT_FOR_OTHERS, digest)


async def promise(
    *,
    kind: str,
    people: list[int | None],
    addresses: list[str],
    digests: list[bytes],
    languages: list[str | None],
    message_ids: list[str],
    facts: Mapping[str, object],
    now: datetime,
    due_at: datetime,
    most: int | None,
    since: datetime,
    withdrawn: str,
) -> list[int]:
    """Adds letters, and returns their ids in the order of the addresses."""
    added = await sql.rows(
        PROMISE,
        kind,
        people,
        addresses,
        digests,
        languages,
        message_ids,
        orjson.dumps(facts).decode(),
        now,
        most,
        since,
        withdrawn,
        due_at,
    )
    return [row["id"] for row in added]


async def newest(state: str | None, limit: int, now: datetime) -> list[Row]:
    """The newest letters, or those of one state, as an operator looks at them."""
    if state == "FAILED":
        return await sql.rows(NEWEST_FAILED, limit)
    return await sql.rows(NEWEST, state, limit, now)


async def standing(letter_id: int, now: datetime) -> Row | None:
    """The state of a letter, and whether a courier has it in hand; None where there is none of that number."""
    return await sql.row(STANDING, letter_id, now)


async def retry(letter_id: int, now: datetime) -> Row | None:
    """Makes a failed letter wait again; None where it is not a failed one."""
    return await sql.row(RETRY, letter_id, now)


async def retry_failed(now: datetime) -> list[Row]:
    """Makes all failed letters wait again."""
    return await sql.rows(RETRY_FAILED, now)


async def cancel(letter_id: int, now: datetime, why: str) -> Row | None:
    """Cancels a letter that waits, for this word; None where it does not wait, or a courier has it in hand."""
    return await sql.row(CANCEL, letter_id, now, why)


async def waiting() -> tuple[int, datetime | None]:
    """How many letters wait, and since when the one that waits the longest."""
    [found] = await sql.rows(WAITING)
    return found["letters"], found["since"]


async def tally() -> dict[str, int]:
    """How many letters ended in which way: `SENT:<kind>`, `FAILED:<kind>`, `CANCELLED:<reason>`."""
    return {row["id"]: row["n"] for row in await sql.rows(TALLY)}

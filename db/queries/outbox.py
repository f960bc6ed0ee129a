"""The questions that promising and delivering letters put to the database."""

from collections.abc import Mapping
from datetime import datetime

import orjson

from db import sql

# One statement for all letters of a step. Of letters alike, only so many are to be sent; `$9` is null where there is no
# such limit. An address that somebody typed in is not kept for a letter that never goes. Uses letter_alike.
PROMISE = """
INSERT INTO letter (kind, person_id, address, address_digest, language, message_id, facts, promised_at, due_at,
                    attempts, state, failure)
SELECT $1, told.person_id, CASE WHEN alike.too_many AND told.person_id IS NULL THEN '' ELSE told.address END,
       told.digest, told.language, told.message_id, $7::jsonb, $8, $8, 0,
       CASE WHEN alike.too_many THEN 'CANCELLED' ELSE 'WAITING' END,
       CASE WHEN alike.too_many THEN $11 END
FROM unnest($2::bigint[], $3::text[], $4::bytea[], $5::text[], $6::text[])
    WITH ORDINALITY AS told (person_id, address, digest, language, message_id, place)
CROSS JOIN LATERAL (
    SELECT $9::int IS NOT NULL AND count(*) >= $9::int AS too_many FROM letter l
    WHERE l.address_digest = told.digest AND l.kind = $1 AND l.promised_at > $10
      AND l.failure IS DISTINCT FROM $11
) AS alike
ORDER BY told.place
RETURNING id
"""


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
    )
    return [row["id"] for row in added]

"""What the trail says about students to their families. One statement for all students of a page."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from db import sql
from db.models import Outcome
from db.queries.merging import record_of
from db.sql import Row

# Whose account it was about is told by the account or, where none is noted, by the caller.
_COLUMNS = f"""
       t.id, t.at, t.step, t.details, {record_of("t.about_person_id")} AS about_person_id,
       {record_of("coalesce(a.person_id, t.about_person_id)")} AS holder_id,
       actor.given, actor.middle, actor.family, actor.suffix, actor.preferred
"""
_WITH_PEOPLE = """
LEFT JOIN person actor ON actor.id = t.actor_person_id
LEFT JOIN account a ON a.id = t.about_account_id
"""

# What the family does itself discloses nothing to anybody; nor does a verification that was not passed.
_TOLD = f"""
    t.outcome = '{Outcome.DONE}' AND t.step = ANY ($2::text[]) AND t.details ->> 'passed' IS DISTINCT FROM 'false'
    AND (acting.id IS NULL OR acting.capacity = 'STAFF')
"""

# The trail is never changed: entries about a record that was merged stay with it, and are read here too. Whom they are
# about is looked up only for those on the page.
# Uses trail_entry_student, person_merged_into.
PAGE = f"""
SELECT wanted.student_id, {_COLUMNS}
FROM unnest($1::bigint[]) AS wanted (student_id)
CROSS JOIN LATERAL (
    WITH RECURSIVE record AS (
        SELECT wanted.student_id AS id
        UNION
        SELECT p.id FROM record JOIN person p ON p.merged_into_id = record.id
    )
    SELECT entry.* FROM record
    CROSS JOIN LATERAL (
        SELECT t.* FROM trail_entry t LEFT JOIN account acting ON acting.id = t.actor_account_id
        WHERE t.about_student_id = record.id AND {_TOLD}
          AND ($4::bigint IS NULL OR (t.at, t.id) < ($3::timestamptz, $4))
        ORDER BY t.at DESC, t.id DESC
        LIMIT $5
    ) AS entry
    ORDER BY entry.at DESC, entry.id DESC
    LIMIT $5
) AS t
{_WITH_PEOPLE}
ORDER BY t.at DESC, t.id DESC
"""

# Uses trail_entry_pkey.
ONE = f"""
SELECT {record_of("t.about_student_id")} AS student_id, {_COLUMNS}
FROM trail_entry t LEFT JOIN account acting ON acting.id = t.actor_account_id
{_WITH_PEOPLE}
WHERE t.id = $1 AND t.about_student_id IS NOT NULL AND {_TOLD}
"""


def _read(found: Row) -> Row:
    details = found["details"]
    return found | {"details": orjson.loads(details) if isinstance(details, str) else details}


async def page(
    student_ids: Sequence[int], steps: Sequence[str], *, limit: int, after: tuple[datetime, int] | None
) -> list[Row]:
    """The newest entries of these steps about each student, at most `limit` of each, after a position."""
    at, id_ = after or (None, None)
    return [_read(row) for row in await sql.rows(PAGE, list(student_ids), list(steps), at, id_, limit)]


async def one(entry_id: int, steps: Sequence[str]) -> Row | None:
    found = await sql.row(ONE, entry_id, list(steps))
    return None if found is None else _read(found)

"""Reports that schools keep. $1 holds the schools whose reports the asker may see; NULL for all schools."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from db import sql
from db.queries.reach import Reach
from db.sql import Row

_SAVED = """
SELECT kept.id, kept.name, kept.definition, kept.created_at, kept.changed_at, kept.school_id,
       school.name AS school, school.phone, p.given, p.middle, p.family, p.suffix, p.preferred, client.name AS client
FROM saved_report kept
LEFT JOIN school ON school.id = kept.school_id
LEFT JOIN person p ON p.id = kept.created_by_id
LEFT JOIN service_client client ON client.id = kept.created_by_client_id
"""
# The district's own are for all who may report anything.
_VISIBLE = "($1::bigint[] IS NULL OR kept.school_id IS NULL OR kept.school_id = ANY ($1))"
# Those that are the district's own, where $1 is NULL.
_ITS = "(kept.school_id = $1::bigint OR ($1::bigint IS NULL AND kept.school_id IS NULL))"

# Uses saved_report_pkey.
ONE = f"{_SAVED} WHERE kept.id = $2 AND {_VISIBLE}"
# Uses saved_report_pkey: from the last page's end, as far as this one goes.
PAGE = f"{_SAVED} WHERE {_VISIBLE} AND kept.id > $2 ORDER BY kept.id LIMIT $3"
# A school keeps few. Uses saved_report_name_once.
PAGE_OF_SCHOOL = f"{_SAVED} WHERE {_VISIBLE} AND kept.school_id = $4 AND kept.id > $2 ORDER BY kept.id LIMIT $3"
# Uses saved_report_name_once.
COUNT_OF_SCHOOL = f"SELECT count(*) AS count FROM saved_report kept WHERE {_ITS}"

# Uses saved_report_name_once.
ADD = """
INSERT INTO saved_report (school_id, name, definition, created_by_id, created_by_client_id, created_at, changed_at)
VALUES ($1, $2, $3::jsonb, $4, $5, $6, $6)
ON CONFLICT (school_id, name) DO NOTHING
RETURNING id
"""
# Uses saved_report_name_once.
REPLACE = f"""
UPDATE saved_report kept SET definition = $3::jsonb, changed_at = $4
WHERE {_ITS} AND name = $2
RETURNING id
"""
# Uses saved_report_pkey.
LOCK = "SELECT id, school_id, name FROM saved_report WHERE id = $1 FOR UPDATE"
# Uses saved_report_pkey.
DELETE = "DELETE FROM saved_report WHERE id = $1"


async def one(reach: Reach, saved_id: int) -> Row | None:
    """The report with this id, if it is of one of these schools or of the district."""
    found = await sql.row(ONE, reach.ids, saved_id)
    return None if found is None else _read(found)


async def page(reach: Reach, school_id: int | None, *, after: int, limit: int) -> list[Row]:
    """Those of these schools and of the district by id, or of one school alone, from the one after `after`."""
    if school_id is None:
        rows = await sql.rows(PAGE, reach.ids, after, limit)
    else:
        rows = await sql.rows(PAGE_OF_SCHOOL, reach.ids, after, limit, school_id)
    return [_read(row) for row in rows]


async def count_of(school_id: int | None) -> int:
    """How many a school keeps, or the district."""
    [row] = await sql.rows(COUNT_OF_SCHOOL, school_id)
    counted: int = row["count"]
    return counted


async def add(
    school_id: int | None,
    name: str,
    definition: Mapping[str, Any],
    *,
    person_id: int | None,
    client_id: int | None,
    now: datetime,
) -> int | None:
    """Keeps a report and returns its id; None when there is one of that name."""
    kept = orjson.dumps(definition).decode()
    row = await sql.row(ADD, school_id, name, kept, person_id, client_id, now)
    return None if row is None else int(row["id"])


async def replace(school_id: int | None, name: str, definition: Mapping[str, Any], *, now: datetime) -> int | None:
    """Puts another definition under a name; returns the id, None when there is none of that name."""
    row = await sql.row(REPLACE, school_id, name, orjson.dumps(definition).decode(), now)
    return None if row is None else int(row["id"])


async def lock(saved_id: int) -> Row | None:
    """Whose it is, held until the transaction ends; None when it is gone."""
    return await sql.row(LOCK, saved_id)


async def delete(saved_id: int) -> None:
    """Takes it away."""
    await sql.execute(DELETE, saved_id)


def _read(row: Row) -> Row:
    definition = row["definition"]
    return row | {"definition": orjson.loads(definition) if isinstance(definition, str | bytes) else definition}

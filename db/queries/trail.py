"""The trail for people to read: entries with the names of those who are in them."""

from datetime import datetime

from db import sql
from db.sql import Row

# Uses account_username_folded_key, student_number_without_zeros and person_source_id_key.
PEOPLE = """
SELECT person_id AS id FROM account WHERE username_folded = $2
UNION
SELECT id FROM student WHERE ltrim(student_number, '0') = ltrim($1, '0')
UNION
SELECT id FROM person WHERE source_id = $1
ORDER BY id
"""

# Uses trail_entry_at.
ALL = """
SELECT id FROM trail_entry WHERE at >= coalesce($1::timestamptz, '-infinity') ORDER BY at DESC, id DESC LIMIT $2
"""

# Uses trail_entry_actor.
BY = """
SELECT id FROM trail_entry
WHERE actor_person_id = ANY($1) AND at >= coalesce($2::timestamptz, '-infinity') ORDER BY at DESC, id DESC LIMIT $3
"""

# Uses trail_entry_person and trail_entry_student.
ABOUT = """
SELECT id FROM trail_entry
WHERE (about_person_id = ANY($1) OR about_student_id = ANY($1)) AND at >= coalesce($2::timestamptz, '-infinity')
  AND ($4::bigint[] IS NULL OR actor_person_id = ANY($4))
ORDER BY at DESC, id DESC LIMIT $3
"""

# Uses trail_entry_pkey, account_pkey and person_pkey.
ENTRIES = """
SELECT e.id, e.at, e.step, e.outcome, e.refusal, e.rule, e.address, e.request_id, e.details::text AS details,
       e.actor_account_id, e.actor_person_id, actor_account.username AS actor_username,
       nullif(concat_ws(' ', actor.given, actor.family), '') AS actor_name,
       e.about_account_id, e.about_person_id, about_account.username AS about_username,
       nullif(concat_ws(' ', about.given, about.family), '') AS about_name,
       e.about_student_id, nullif(concat_ws(' ', student.given, student.family), '') AS about_student_name
FROM trail_entry e
LEFT JOIN account actor_account ON actor_account.id = e.actor_account_id
LEFT JOIN person actor ON actor.id = e.actor_person_id
LEFT JOIN account about_account ON about_account.id = e.about_account_id
LEFT JOIN person about ON about.id = e.about_person_id
LEFT JOIN person student ON student.id = e.about_student_id
WHERE e.id = ANY($1)
ORDER BY e.at, e.id
"""


async def people(who: str, username: str) -> list[int]:
    """The person of this username, student number or source id; several, where these are of several people."""
    return [row["id"] for row in await sql.rows(PEOPLE, who, username)]


async def entries(about: list[int] | None, by: list[int] | None, since: datetime | None, limit: int) -> list[Row]:
    """The newest entries about and by these people, the oldest of them first."""
    if about is not None:
        found = await sql.rows(ABOUT, about, since, limit, by)
    elif by is not None:
        found = await sql.rows(BY, by, since, limit)
    else:
        found = await sql.rows(ALL, since, limit)
    return await sql.rows(ENTRIES, [row["id"] for row in found])

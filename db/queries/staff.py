"""Who is on the staff: for the operator's commands, which look at all of them at once."""

import orjson

from db import sql
from db.sql import Row

# Reads account and role_assignment in full: no part of a request.
MEMBERS = """
SELECT p.id AS person_id, p.source_id, p.given, p.middle, p.family, p.suffix, p.preferred, p.email, p.language,
       a.id AS account_id, a.username, a.status,
       EXISTS (
           SELECT FROM second_factor f WHERE f.account_id = a.id AND f.confirmed_at IS NOT NULL
       ) AS has_second_factor,
       coalesce((
           SELECT json_agg(json_build_object('id', r.id, 'role', r.role, 'school_id', r.school_id,
                                             'school', school.name,
                                             'begins_on', r.begins_on, 'ends_on', r.ends_on) ORDER BY r.id)
           FROM role_assignment r LEFT JOIN school ON school.id = r.school_id
           WHERE r.person_id = p.id
       ), '[]') AS posts
FROM person p
LEFT JOIN account a ON a.person_id = p.id AND a.capacity = 'STAFF'
WHERE a.id IS NOT NULL OR p.id IN (SELECT person_id FROM role_assignment)
ORDER BY p.family, p.given, p.id
"""


async def members() -> list[Row]:
    """Everybody with an account of the staff, or with a role, whenever that was."""
    return [row | {"posts": orjson.loads(row["posts"])} for row in await sql.rows(MEMBERS)]

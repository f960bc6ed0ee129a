"""Guardians by their whole name: for putting a guardianship on record that no student leads to yet."""

from db import sql
from db.sql import Row

# A student, or a record that was merged into another one, is no guardian that could be meant. Uses person_name_key.
BY_NAME = """
SELECT p.id, p.given, p.middle, p.family, p.suffix, p.preferred, p.email
FROM person p
WHERE p.name_key = portal_name_key($1, $2) AND p.merged_into_id IS NULL
  AND NOT EXISTS (SELECT FROM student s WHERE s.id = p.id)
ORDER BY p.id LIMIT $3
"""

# Uses person_pkey.
ONE = """
SELECT p.id, p.given, p.middle, p.family, p.suffix, p.preferred
FROM person p WHERE p.id = $1 AND p.merged_into_id IS NULL
"""


async def by_name(given: str, family: str, limit: int) -> list[Row]:
    """People of just this given and family name, however it is written."""
    return await sql.rows(BY_NAME, given, family, limit)


async def one(person_id: int) -> Row | None:
    """A person by id, unless the record was merged into another one."""
    return await sql.row(ONE, person_id)

"""The questions about the programs that call: each request's, with its session, and those of the operator."""

from datetime import date, datetime, timedelta

from db import sql
from db.queries.sessions import SESSION, with_roles
from db.sql import Row

_CLIENT = "c.id AS client_id, c.kind, c.roles AS client_roles, c.school_ids, c.origins"
# A client that may be used, with the key that it shows. Uses client_key_digest_unique, service_client_pkey.
_KEY = f"""
SELECT {_CLIENT}, k.id AS key_id, k.last_used_at
FROM client_key k JOIN service_client c ON c.id = k.client_id
WHERE c.revoked_at IS NULL AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
"""
# Of a session that was opened through a client, only that one makes it good.
_THROUGH = "(s.service_client_id IS NULL OR s.service_client_id = c.client_id)"

# Runs on every request with a key; there is a row where the key is good, whether or not the session is.
# Uses client_key_digest_unique, session_digest_unique and primary keys.
BY_KEY = f"""
SELECT * FROM ({_KEY} AND k.digest = $5) c
LEFT JOIN ({SESSION} AND s.digest = $1) s ON {_THROUGH}
"""

# As BY_KEY, for a client without a key. Uses service_client_public_id_key, session_digest_unique and primary keys.
BY_ID = f"""
SELECT * FROM (
    SELECT {_CLIENT}, NULL::bigint AS key_id, NULL::timestamptz AS last_used_at
    FROM service_client c WHERE c.revoked_at IS NULL AND c.public_id = $5
) c
LEFT JOIN ({SESSION} AND s.digest = $1) s ON {_THROUGH}
"""

# What became of a session ($1), a client ($5) and its key ($6) that were good. Uses session_pkey, account_pkey,
# service_client_pkey.
AGAIN = f"""
SELECT * FROM (VALUES (1)) one
LEFT JOIN ({SESSION} AND s.id = $1) s ON true
LEFT JOIN (
    SELECT {_CLIENT}, k.id AS key_id
    FROM service_client c LEFT JOIN client_key k ON k.id = $6 AND k.client_id = c.id
    WHERE c.id = $5 AND c.revoked_at IS NULL
      AND ($6::bigint IS NULL OR k.id = $6 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2))
) c ON true
"""

# At most once in a while, whoever asks at the same time. Uses client_key_pkey.
USED = "UPDATE client_key SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)"

# Asked before each answer to a page of another origin. Uses service_client_origin.
OF_ORIGIN = "SELECT c.id FROM service_client c WHERE c.revoked_at IS NULL AND c.origins @> ARRAY[$1]::text[] LIMIT 1"

# Uses service_client_name_folded.
CALLED = "SELECT c.id, c.name, c.revoked_at FROM service_client c WHERE lower(c.name) = lower($1)"


async def by_key(
    digest: bytes, session: bytes, *, now: datetime, idle: timedelta, today: date
) -> tuple[Row, Row | None] | None:
    """The client whose good key has this digest, and the live session with that one if it may be used through it."""
    return _in_two(await sql.row(BY_KEY, session, now, now - idle, today, digest))


async def by_id(
    public_id: str, session: bytes, *, now: datetime, idle: timedelta, today: date
) -> tuple[Row, Row | None] | None:
    """As `by_key`, for the client with this id."""
    return _in_two(await sql.row(BY_ID, session, now, now - idle, today, public_id))


async def again(
    session_id: int | None,
    client_id: int | None,
    key_id: int | None,
    *,
    now: datetime,
    idle: timedelta,
    today: date,
) -> tuple[Row | None, Row | None]:
    """The session, and the client with its key, as they are by now; None for each that is not good any more."""
    [found] = await sql.rows(AGAIN, session_id, now, now - idle, today, client_id, key_id)
    return with_roles(found) if found["session_id"] else None, found if found["client_id"] else None


async def used(key_id: int, *, now: datetime, every: timedelta) -> None:
    """Notes that a key was used, unless that was noted a moment ago."""
    await sql.execute(USED, key_id, now, now - every)


async def is_origin(origin: str) -> bool:
    """Whether pages of this origin belong to a front end that may be used."""
    return await sql.row(OF_ORIGIN, origin) is not None


async def called(name: str) -> Row | None:
    """The client of this name, in whatever case, whether or not it was revoked."""
    return await sql.row(CALLED, name)


def _in_two(found: Row | None) -> tuple[Row, Row | None] | None:
    if found is None:
        return None
    return found, with_roles(found) if found["session_id"] else None

"""The questions that signing in, and every signed-in request, put to the database."""

from datetime import date, datetime, timedelta

import orjson

from db import sql
from db.queries.guardianships import RESTRICTED
from db.sql import Row

# A session and whose it is, of an account that may be used. Uses account_pkey.
SESSION = """
SELECT s.id AS session_id, s.service_client_id, s.last_seen_at, s.second_factor_at, a.id AS account_id, a.person_id,
       a.capacity, a.username,
       CASE WHEN a.capacity = 'STAFF' THEN coalesce((
           SELECT json_agg(json_build_array(r.role, r.school_id)) FROM role_assignment r
           WHERE r.person_id = a.person_id
             AND (r.begins_on IS NULL OR r.begins_on <= $4) AND (r.ends_on IS NULL OR r.ends_on >= $4)
       ), '[]') ELSE '[]' END AS roles,
       a.capacity = 'STAFF' AND EXISTS (
           SELECT FROM second_factor f WHERE f.account_id = a.id AND f.confirmed_at IS NOT NULL
       ) AS has_second_factor
FROM session s
JOIN account a ON a.id = s.account_id
WHERE s.ended_at IS NULL AND s.expires_at > $2 AND s.last_seen_at > $3
  AND a.status = 'ACTIVE' AND NOT a.must_change_password
"""

# Runs on every signed-in request without a service client; one that was opened through a client is not good without it.
# Uses session_digest_unique and primary keys.
BY_TOKEN = f"{SESSION} AND s.digest = $1 AND s.service_client_id IS NULL"

TOUCH = "UPDATE session SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2"

# Uses account_username_folded_key, person_pkey. The device counts only for the account that it signed in to.
ACCOUNT_FOR_LOGIN = """
SELECT a.id, a.person_id, a.capacity, a.status, a.username, a.password_hash, a.must_change_password,
       (SELECT d.id FROM device d
        WHERE d.account_id = a.id AND d.digest = $2 AND d.expires_at > $3) AS device_id,
       a.capacity = 'STAFF' AND EXISTS (
           SELECT FROM second_factor f WHERE f.account_id = a.id AND f.confirmed_at IS NOT NULL
       ) AS has_second_factor,
       p.email, p.language
FROM account a JOIN person p ON p.id = a.person_id WHERE a.username_folded = $1
"""

# Uses account_pkey; locked, so that a status does not change between the check and the new session.
LOCK_ACCOUNT = """
SELECT id, person_id, capacity, status, username, password_hash, must_change_password
FROM account WHERE id = $1 FOR UPDATE
"""

# A right password: notes the log-in and, where there is one, the hash under today's parameters. Finds nothing when the
# password was changed while this one was verified; the row stays locked until the session stands. Uses account_pkey.
LET_IN = """
UPDATE account SET last_login_at = $3, password_hash = coalesce($4, password_hash)
WHERE id = $1 AND password_hash = $2
RETURNING id, person_id, capacity, status, must_change_password
"""

# A session with its device in one statement: a log-in should cost little beside the hash.
OPEN_ON_NEW_DEVICE = """
WITH new_device AS (
    INSERT INTO device (account_id, digest, first_seen_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $3, $4)
    RETURNING id
)
INSERT INTO session (account_id, device_id, digest, started_at, last_seen_at, expires_at, client, second_factor_at,
                     service_client_id)
SELECT $1, id, $5, $3, $3, $6, $7, $8, $9 FROM new_device
RETURNING id
"""

# Uses device_pkey.
OPEN_ON_KNOWN_DEVICE = """
WITH known_device AS (
    UPDATE device SET last_seen_at = $3, expires_at = $4 WHERE account_id = $1 AND id = $2
    RETURNING id
)
INSERT INTO session (account_id, device_id, digest, started_at, last_seen_at, expires_at, client, second_factor_at,
                     service_client_id)
SELECT $1, (SELECT id FROM known_device), $5, $3, $3, $6, $7, $8, $9
RETURNING id
"""

# Uses role_assignment_once.
ROLES = """
SELECT r.role, r.school_id FROM role_assignment r
WHERE r.person_id = $1 AND (r.begins_on IS NULL OR r.begins_on <= $2) AND (r.ends_on IS NULL OR r.ends_on >= $2)
"""

# What a session that was just opened for staff may do: as in BY_TOKEN. Uses role_assignment_once, second_factor_in_use.
STAFF_STANDING = """
SELECT s.second_factor_at,
       coalesce((
           SELECT json_agg(json_build_array(r.role, r.school_id)) FROM role_assignment r
           WHERE r.person_id = $3
             AND (r.begins_on IS NULL OR r.begins_on <= $4) AND (r.ends_on IS NULL OR r.ends_on >= $4)
       ), '[]') AS roles,
       EXISTS (
           SELECT FROM second_factor f WHERE f.account_id = $2 AND f.confirmed_at IS NOT NULL
       ) AS has_second_factor
FROM session s WHERE s.id = $1 AND s.account_id = $2
"""

# Uses session_of_account.
END_OTHERS = """
UPDATE session SET ended_at = $3, end_reason = $4 WHERE account_id = $1 AND ended_at IS NULL AND id <> $2
"""

END_ONE = """
UPDATE session SET ended_at = $3, end_reason = $4 WHERE id = $1 AND account_id = $2 AND ended_at IS NULL
"""

# One through a client that was revoked meanwhile is none. Uses session_of_account, service_client_pkey.
LIVE = """
SELECT s.id, s.started_at, s.last_seen_at, s.client FROM session s
WHERE s.account_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND s.last_seen_at > $3
  AND ($4::bigint IS NULL OR s.id = $4)
  AND NOT EXISTS (SELECT FROM service_client c WHERE c.id = s.service_client_id AND c.revoked_at IS NOT NULL)
ORDER BY s.id DESC
"""

# Whom to call about an account: the schools of a student, of a guardian's students, or of staff, with telephone. Not of
# students whom the guardian is kept away from: a court order would be worth little if a letter told where the child is.
# Uses guardianship_one_per_pair, restriction_in_force, enrolment_once, role_assignment_once.
SCHOOL_CONTACTS = f"""
SELECT school.name, school.phone FROM school
WHERE school.phone IS NOT NULL AND school.id IN (
    SELECT e.school_id FROM enrolment e
    WHERE e.student_id IN (
        SELECT $1::bigint
        UNION
        SELECT g.student_id FROM guardianship g
        WHERE g.guardian_id = $1 AND g.status <> 'REVOKED' AND NOT {RESTRICTED}
    ) AND (e.begins_on IS NULL OR e.begins_on <= $2) AND (e.ends_on IS NULL OR e.ends_on >= $2)
    UNION ALL
    SELECT r.school_id FROM role_assignment r
    WHERE r.person_id = $1 AND (r.begins_on IS NULL OR r.begins_on <= $2) AND (r.ends_on IS NULL OR r.ends_on >= $2)
)
ORDER BY school.name, school.id
"""


async def by_token(digest: bytes, *, now: datetime, idle: timedelta, today: date) -> Row | None:
    """The live session with this digest and whose it is; None when it ended, expired, or the account is not active.

    None, too, when it was opened through a service client.
    """
    found = await sql.row(BY_TOKEN, digest, now, now - idle, today)
    return None if found is None else with_roles(found)


def with_roles(row: Row) -> Row:
    """A row of `SESSION` with its roles as Python has them."""
    return row | {"roles": orjson.loads(row["roles"])}


async def touch(session_id: int, now: datetime) -> None:
    await sql.execute(TOUCH, session_id, now)


async def account_for_login(folded: str, device: bytes, now: datetime) -> Row | None:
    return await sql.row(ACCOUNT_FOR_LOGIN, folded, device, now)


async def lock_account(account_id: int) -> Row | None:
    return await sql.row(LOCK_ACCOUNT, account_id)


async def let_in(account_id: int, *, verified_hash: str, fresh_hash: str | None, now: datetime) -> Row | None:
    """The account as it is, with the log-in noted; None when its password is no longer the one that was verified."""
    return await sql.row(LET_IN, account_id, verified_hash, now, fresh_hash)


async def open_session(
    account_id: int,
    device: int | bytes,
    *,
    digest: bytes,
    client: str | None,
    now: datetime,
    expires_at: datetime,
    device_expires_at: datetime,
    second_factor_at: datetime | None,
    service_client_id: int | None,
) -> int:
    """Adds a session and returns its id. The device is a known one's id, or the digest of a new one's token."""
    statement = OPEN_ON_KNOWN_DEVICE if isinstance(device, int) else OPEN_ON_NEW_DEVICE
    values = (
        account_id,
        device,
        now,
        device_expires_at,
        digest,
        expires_at,
        client,
        second_factor_at,
        service_client_id,
    )
    [row] = await sql.rows(statement, *values)
    opened: int = row["id"]
    return opened


async def roles(person_id: int, on: date) -> list[tuple[str, int | None]]:
    """The staff roles of a person on a day, each with its school (none: the whole district)."""
    return [(row["role"], row["school_id"]) for row in await sql.rows(ROLES, person_id, on)]


async def staff_standing(session_id: int, account_id: int, person_id: int, on: date) -> Row:
    """The roles of a member of staff on a day, and what is known of the second factor of account and session."""
    [row] = await sql.rows(STAFF_STANDING, session_id, account_id, person_id, on)
    return row | {"roles": orjson.loads(row["roles"])}


async def end_others(account_id: int, *, but: int, now: datetime, reason: str) -> int:
    """Ends all live sessions of the account but one (0 for none); returns how many."""
    return await sql.execute(END_OTHERS, account_id, but, now, reason)


async def end_one(session_id: int, account_id: int, *, now: datetime, reason: str) -> bool:
    return await sql.execute(END_ONE, session_id, account_id, now, reason) == 1


async def live(account_id: int, *, now: datetime, idle: timedelta, session_id: int | None = None) -> list[Row]:
    return await sql.rows(LIVE, account_id, now, now - idle, session_id)


async def school_contacts(person_id: int, on: date) -> list[Row]:
    return await sql.rows(SCHOOL_CONTACTS, person_id, on)

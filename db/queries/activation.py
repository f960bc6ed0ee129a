"""The questions that getting a key and activating put to the database."""

from datetime import date, datetime

import orjson

from db import sql
from db.queries.guardianships import KEPT_AWAY, RESTRICTED
from db.sql import Row

# Everything that a request for a key depends on, in one statement, so that a known student costs what an unknown one
# does. Uses student_number_unique, and student_number_without_zeros for the short form of a number, which counts only
# where it is unique. Numbers that the roster gave to several students prove nobody and are left out.
STUDENT_AND_GUARDIANS = f"""
WITH found AS (
    SELECT s.* FROM student s WHERE s.id = coalesce(
        (SELECT id FROM student WHERE student_number = $1 AND NOT number_is_shared),
        (SELECT min(id) FROM student WHERE ltrim(student_number, '0') = ltrim($1, '0')
         HAVING count(*) = 1 AND NOT bool_or(number_is_shared)))
)
SELECT found.id AS student_id, found.birth_date, found.ssn_state, found.ssn_proof, found.ssn_proof_version,
       account.id AS student_account_id, account.status AS student_account_status,
       account.activated_at AS student_activated_at,
       person.email AS student_email, person.language AS student_language,
       coalesce((
           SELECT json_agg(json_build_object(
               'person_id', guardian.id, 'given', guardian.given, 'middle', guardian.middle,
               'family', guardian.family, 'suffix', guardian.suffix,
               'email', guardian.email, 'language', guardian.language,
               'account_id', holds.id, 'account_status', holds.status, 'activated_at', holds.activated_at,
               'status', g.status, 'portal_access', g.portal_access, 'adult_access', g.adult_access,
               'restricted', {RESTRICTED}, 'kept_away', {KEPT_AWAY})
               ORDER BY g.id)
           FROM guardianship g
           JOIN person guardian ON guardian.id = g.guardian_id
           LEFT JOIN account holds ON holds.person_id = guardian.id AND holds.capacity = 'GUARDIAN'
           WHERE g.student_id = found.id
       ), '[]') AS guardians
FROM found
JOIN person ON person.id = found.id
LEFT JOIN account ON account.person_id = found.id AND account.capacity = 'STUDENT'
"""

# Uses account_pkey. The row lock makes two requests for the first key of one account wait for each other.
LOCK_ACCOUNT = "SELECT id, status FROM account WHERE id = $1 FOR UPDATE"

# Uses activation_key_one_current.
CURRENT_KEY = """
SELECT id, nonce, secret_version, expires_at FROM activation_key WHERE account_id = $1 AND state = 'CURRENT'
"""

# Uses activation_key_digest_unique.
KEY_BY_DIGEST = """
SELECT k.id, k.state, k.expires_at, k.account_id, a.status AS account_status, a.capacity, a.person_id,
       p.given, p.middle, p.family, p.suffix, p.preferred, p.email, p.language
FROM activation_key k
JOIN account a ON a.id = k.account_id
JOIN person p ON p.id = a.person_id
WHERE k.digest = ANY ($1::bytea[])
"""

LOCK_KEY = "SELECT id FROM activation_key WHERE id = $1 AND state = 'CURRENT' FOR UPDATE"

# Names that a password of this person should not be made of: the person's students (or parents, for a student).
NAMES_AROUND = """
SELECT p.given, p.family FROM guardianship g JOIN person p ON p.id = g.student_id WHERE g.guardian_id = $1
UNION
SELECT p.given, p.family FROM guardianship g JOIN person p ON p.id = g.guardian_id WHERE g.student_id = $1
"""

# Uses account_username_folded_key.
ACCOUNT_WITH_USERNAME = "SELECT id FROM account WHERE username_folded = $1"


async def student_and_guardians(student_number: str, on: date) -> Row | None:
    """The student with this number and all guardians on record, whatever their standing."""
    found = await sql.row(STUDENT_AND_GUARDIANS, student_number, on)
    return None if found is None else found | {"guardians": orjson.loads(found["guardians"])}


async def lock_account(account_id: int) -> Row | None:
    return await sql.row(LOCK_ACCOUNT, account_id)


async def current_key(account_id: int) -> Row | None:
    return await sql.row(CURRENT_KEY, account_id)


async def key_by_digest(digests: list[bytes]) -> Row | None:
    """The key with one of these digests (one for each version of the master secret), whatever its state."""
    return await sql.row(KEY_BY_DIGEST, digests)


async def lock_key(key_id: int) -> bool:
    """Whether the key is still current; it stays so until the transaction ends."""
    return await sql.row(LOCK_KEY, key_id) is not None


async def names_around(person_id: int) -> list[str]:
    """Given and family names of a guardian's students, or of a student's guardians."""
    return [name for row in await sql.rows(NAMES_AROUND, person_id) for name in (row["given"], row["family"])]


async def account_with_username(folded: str) -> int | None:
    """The id of the account that has this username."""
    found = await sql.row(ACCOUNT_WITH_USERNAME, folded)
    return found["id"] if found else None


IDEMPOTENT_ANSWER = """
SELECT i.sealed, a.id, a.person_id, a.capacity, a.username, a.username_folded, a.password_hash
FROM idempotent_answer i JOIN account a ON a.id = i.account_id
WHERE i.id = $1 AND i.expires_at > $2 AND a.status = 'ACTIVE' AND NOT a.must_change_password
"""

# A session that was opened through another service client is none here. Uses session_digest_unique.
SESSION_ID = """
SELECT id FROM session
WHERE digest = $1 AND ended_at IS NULL AND (service_client_id IS NULL OR service_client_id = $2)
"""


async def idempotent_answer(answer_id: str, now: datetime) -> Row | None:
    return await sql.row(IDEMPOTENT_ANSWER, answer_id, now)


async def session_id(digest: bytes, service_client_id: int | None) -> int | None:
    found = await sql.row(SESSION_ID, digest, service_client_id)
    return found["id"] if found else None

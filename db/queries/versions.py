"""Which versions of the master secret the rows at hand were made under."""

from datetime import datetime

from db import sql
from db.sql import Row

# Runs once at a start. Reads student and activation_key in full: some tens of milliseconds for a large district.
# A second factor that is only offered, and a recovery code that is used, may be lost with their secret. A proof that a
# merge took out is a student's again when the merge is undone, which no district allows after a year.
VERSIONS = """
SELECT DISTINCT ssn_proof_version AS version FROM student WHERE ssn_proof_version IS NOT NULL
UNION
SELECT DISTINCT secret_version FROM activation_key WHERE state = 'CURRENT'
UNION
SELECT DISTINCT secret_version FROM second_factor WHERE confirmed_at IS NOT NULL
UNION
SELECT DISTINCT secret_version FROM recovery_code WHERE used_at IS NULL
UNION
SELECT DISTINCT secret_version FROM recovery_token WHERE state = 'CURRENT' AND expires_at > $1
UNION
SELECT DISTINCT secret_version FROM webhook WHERE removed_at IS NULL
UNION
SELECT DISTINCT previous_secret_version FROM webhook WHERE removed_at IS NULL AND previous_until > $1
UNION
SELECT DISTINCT (told -> 1 ->> 'ssn_proof_version')::int FROM person_merge m
CROSS JOIN LATERAL jsonb_array_elements(m.before -> 'removed') AS entry (told)
WHERE m.undone_at IS NULL AND m.merged_at > $1::timestamptz - interval '365 days'
  AND told ->> 0 = 'student' AND told -> 1 ->> 'ssn_proof_version' IS NOT NULL
ORDER BY version
"""

# As VERSIONS: reads activation_key in full, once at a start.
ONE_KEY_OF_EACH = "SELECT DISTINCT ON (secret_version) secret_version, nonce, digest FROM activation_key"


async def versions_in_use(now: datetime) -> list[int]:
    """Versions without which proofs, second factors and good codes cannot be checked, or keys not be shown again."""
    return [row["version"] for row in await sql.rows(VERSIONS, now)]


async def one_key_of_each_version() -> list[Row]:
    """By which to tell whether a secret is the one that rows were made under: nonce and digest of some key."""
    return await sql.rows(ONE_KEY_OF_EACH)

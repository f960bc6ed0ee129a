"""Which versions of the master secret the rows at hand were made under."""

from db import sql

# Runs once at a start. Reads student and activation_key in full: some tens of milliseconds for a large district.
VERSIONS = """
SELECT DISTINCT ssn_proof_version AS version FROM student WHERE ssn_proof_version IS NOT NULL
UNION
SELECT DISTINCT secret_version FROM activation_key WHERE state = 'CURRENT'
ORDER BY version
"""


async def versions_in_use() -> list[int]:
    """Versions without which proofs cannot be checked, or keys not be shown again."""
    return [row["version"] for row in await sql.rows(VERSIONS)]

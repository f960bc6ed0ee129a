"""What the second factor of staff asks of the database, and what it uses up there."""

from datetime import datetime

from db import sql
from db.sql import Row

# Of an account: the factor in use first, then one that is offered. Uses second_factor_in_use, second_factor_offered.
FACTORS = """
SELECT id, sealed, secret_version, confirmed_at, last_step FROM second_factor
WHERE account_id = $1 AND confirmed_at IS NOT NULL
UNION ALL
SELECT id, sealed, secret_version, confirmed_at, last_step FROM second_factor
WHERE account_id = $1 AND confirmed_at IS NULL
"""

# One offer an account: a new one takes the place of the last. Uses second_factor_offered.
OFFER = """
INSERT INTO second_factor (account_id, sealed, secret_version, offered_at, last_step) VALUES ($1, $2, $3, $4, 0)
ON CONFLICT (account_id) WHERE confirmed_at IS NULL
DO UPDATE SET sealed = excluded.sealed, secret_version = excluded.secret_version, offered_at = excluded.offered_at
"""

# The factor in use, but not if it is this one: makes room for it. Uses second_factor_in_use.
DROP_IN_USE = "DELETE FROM second_factor WHERE account_id = $1 AND confirmed_at IS NOT NULL AND id <> $2"

# Finds nothing when the offer was confirmed, or another one was made, while its code was judged. Uses
# second_factor_pkey.
TAKE_INTO_USE = """
UPDATE second_factor SET confirmed_at = $3, last_step = $4 WHERE id = $1 AND sealed = $2 AND confirmed_at IS NULL
"""

# A code and all before it are used up by whoever comes first. Uses second_factor_pkey.
USE_STEP = "UPDATE second_factor SET last_step = $2 WHERE id = $1 AND last_step < $2 AND confirmed_at IS NOT NULL"

# Uses recovery_code_digest_unique.
USE_RECOVERY_CODE = """
UPDATE recovery_code SET used_at = $3 WHERE account_id = $1 AND digest = ANY ($2::bytea[]) AND used_at IS NULL
"""

# Uses recovery_code_of_account.
DROP_RECOVERY_CODES = "DELETE FROM recovery_code WHERE account_id = $1"

ADD_RECOVERY_CODES = """
INSERT INTO recovery_code (account_id, digest, secret_version) SELECT $1, digest, $3 FROM unnest($2::bytea[]) AS digest
"""

# Uses recovery_code_of_account.
RECOVERY_CODES_LEFT = "SELECT count(*) AS left FROM recovery_code WHERE account_id = $1 AND used_at IS NULL"

GIVEN_AT = "SELECT second_factor_at FROM session WHERE id = $1 AND account_id = $2"

GIVEN_NOW = "UPDATE session SET second_factor_at = $3 WHERE id = $1 AND account_id = $2 AND ended_at IS NULL"

# Uses second_factor_offered.
DROP_OFFERED = "DELETE FROM second_factor WHERE account_id = $1 AND confirmed_at IS NULL"


async def factors(account_id: int) -> tuple[Row | None, Row | None]:
    """The account's factor in use and the one that is offered, as far as there are any."""
    found = {row["confirmed_at"] is not None: row for row in await sql.rows(FACTORS, account_id)}
    return found.get(True), found.get(False)


async def offer(account_id: int, sealed: bytes, version: int, now: datetime) -> None:
    await sql.execute(OFFER, account_id, sealed, version, now)


async def take_into_use(account_id: int, offered: Row, *, step: int, now: datetime) -> bool:
    """Puts an offer in the place of the factor in use; no when it is not the account's offer any more."""
    await sql.execute(DROP_IN_USE, account_id, offered["id"])
    return await sql.execute(TAKE_INTO_USE, offered["id"], offered["sealed"], now, step) == 1


async def use_step(factor_id: int, step: int) -> bool:
    """Whether the code of this time step was still unused; from now on it is used."""
    return await sql.execute(USE_STEP, factor_id, step) == 1


async def use_recovery_code(account_id: int, digests: list[bytes], now: datetime) -> bool:
    """Whether there was such a code and it was unused; from now on it is used."""
    return await sql.execute(USE_RECOVERY_CODE, account_id, digests, now) == 1


async def replace_recovery_codes(account_id: int, digests: list[bytes], version: int) -> None:
    await sql.execute(DROP_RECOVERY_CODES, account_id)
    await sql.execute(ADD_RECOVERY_CODES, account_id, digests, version)


async def recovery_codes_left(account_id: int) -> int:
    [row] = await sql.rows(RECOVERY_CODES_LEFT, account_id)
    left: int = row["left"]
    return left


async def given_at(session_id: int, account_id: int) -> datetime | None:
    """When a code was last given in this session."""
    found = await sql.row(GIVEN_AT, session_id, account_id)
    return found["second_factor_at"] if found else None


async def given_now(session_id: int, account_id: int, now: datetime) -> bool:
    """Notes in the session that a code was given; no when it has ended."""
    return await sql.execute(GIVEN_NOW, session_id, account_id, now) == 1


async def drop_all(account_id: int) -> bool:
    """Whether there was anything to throw away: factor, offer and recovery codes are gone."""
    dropped = [
        await sql.execute(DROP_RECOVERY_CODES, account_id),
        await sql.execute(DROP_OFFERED, account_id),
        await sql.execute(DROP_IN_USE, account_id, 0),
    ]
    return any(dropped)

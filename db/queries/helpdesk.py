"""The questions that helping with an account, and setting a new password for it, put to the database."""

from datetime import datetime

from db import sql
from db.queries import portal
from db.sql import Row

# Uses account_pkey; locked, so that the account does not change between the check and what is done.
LOCK_HOLDER = f"{portal.HOLDER} FOR UPDATE OF a"

# Uses session_of_account.
END_SESSIONS = """
UPDATE session SET ended_at = $2, end_reason = $3 WHERE account_id = $1 AND ended_at IS NULL
"""

# Uses device_of_account: whoever had the old password may have left a device that is recognised.
FORGET_DEVICES = "DELETE FROM device WHERE account_id = $1"

# Uses device_of_account.
DEVICES = "SELECT digest FROM device WHERE account_id = $1"

# Uses recovery_token_current.
REPLACE_TOKENS = "UPDATE recovery_token SET state = 'REPLACED' WHERE account_id = $1 AND state = 'CURRENT'"

# Uses recovery_token_digest_unique.
TOKEN_BY_DIGEST = """
SELECT t.id, t.state, t.expires_at, t.account_id, a.status AS account_status, a.username, a.password_hash,
       a.person_id, p.given, p.family, p.email, p.language
FROM recovery_token t
JOIN account a ON a.id = t.account_id
JOIN person p ON p.id = a.person_id
WHERE t.digest = ANY ($1::bytea[])
"""

USE_TOKEN = """
UPDATE recovery_token SET state = 'USED', used_at = $2
WHERE id = $1 AND state = 'CURRENT' AND expires_at > $2
RETURNING id
"""

# The old password is compared again: of two steps that set a new one, only one may find the account as it saw it.
SET_PASSWORD = """
UPDATE account SET password_hash = $2, must_change_password = false
WHERE id = $1 AND status = 'ACTIVE' AND password_hash IS NOT DISTINCT FROM $3
RETURNING id
"""

# Uses undeliverable_address_pkey.
COMES_BACK = "SELECT since FROM undeliverable_address WHERE email_folded = $1"


async def lock_holder(account_id: int) -> Row | None:
    """The account with its person, locked until the transaction ends."""
    return await sql.row(LOCK_HOLDER, account_id)


async def shut_out(account_id: int, *, now: datetime, reason: str) -> int:
    """Ends all sessions, forgets all devices, and replaces all codes and links; returns how many sessions ended."""
    ended = await sql.execute(END_SESSIONS, account_id, now, reason)
    await sql.execute(FORGET_DEVICES, account_id)
    await sql.execute(REPLACE_TOKENS, account_id)
    return ended


async def replace_tokens(account_id: int) -> None:
    """No code or link of the account works any more."""
    await sql.execute(REPLACE_TOKENS, account_id)


async def devices(account_id: int) -> list[bytes]:
    """Digests of the tokens of the account's known devices."""
    return [bytes(row["digest"]) for row in await sql.rows(DEVICES, account_id)]


async def token_by_digest(digests: list[bytes]) -> Row | None:
    """The code or link with one of these digests, whatever its state, with its account and holder."""
    return await sql.row(TOKEN_BY_DIGEST, digests)


async def use_token(token_id: int, now: datetime) -> bool:
    """Whether it was current and is used now."""
    return await sql.row(USE_TOKEN, token_id, now) is not None


async def set_password(account_id: int, *, encoded: str, instead_of: str | None) -> bool:
    """Whether the account had the password that was seen, is not disabled, and has the new one now."""
    return await sql.row(SET_PASSWORD, account_id, encoded, instead_of) is not None


async def comes_back(address: str) -> bool:
    """Whether a mail server refused this address, folded, for good."""
    return await sql.row(COMES_BACK, address) is not None

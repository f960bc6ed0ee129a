"""The questions that forgotten log-ons put to the database: whose address it is, and the links of a letter."""

from datetime import datetime

from db import sql
from db.sql import Row

# Everybody with this address on record, merged records aside, which are nobody's any more. Locked, so that no account
# is closed between this and its link. Uses person_email, account_one_per_person_and_capacity.
ACCOUNTS_OF_ADDRESS = """
SELECT a.id AS account_id, a.capacity, a.status, a.username,
       p.id AS person_id, p.given, p.middle, p.family, p.suffix, p.preferred, p.email, p.language
FROM person p JOIN account a ON a.person_id = p.id
WHERE p.email_folded = $1 AND p.merged_into_id IS NULL
ORDER BY p.id, a.id
LIMIT $2
FOR UPDATE OF a
"""

# Uses recovery_token_letter.
LINKS_OF_LETTER = """
SELECT t.id, t.account_id, t.nonce, t.secret_version, t.state, t.expires_at,
       a.status AS account_status, a.username, a.person_id, p.given, p.family, p.suffix, p.preferred, p.email_folded
FROM recovery_token t JOIN account a ON a.id = t.account_id JOIN person p ON p.id = a.person_id
WHERE t.letter_id = $1
ORDER BY t.id
FOR UPDATE OF t
"""

ADD_LINKS = """
INSERT INTO recovery_token (account_id, kind, letter_id, nonce, secret_version, digest, state, issued_at, expires_at)
SELECT link.account_id, 'LINK', $1, link.nonce, $2, link.digest, 'CURRENT', $3, $4
FROM unnest($5::bigint[], $6::bytea[], $7::bytea[]) AS link (account_id, nonce, digest)
"""

# A link's life begins when its letter is sent, also when it is sent again. Uses recovery_token_pkey.
PROLONG_LINKS = """
UPDATE recovery_token SET expires_at = greatest(expires_at, $2)
WHERE id = ANY ($1::bigint[]) AND state = 'CURRENT'
"""

# Uses recovery_token_pkey.
END_LINKS = "UPDATE recovery_token SET state = 'REPLACED' WHERE id = ANY ($1::bigint[]) AND state = 'CURRENT'"

# Uses recovery_token_letter.
END_SIBLINGS = """
UPDATE recovery_token SET state = 'REPLACED'
WHERE letter_id = (SELECT letter_id FROM recovery_token WHERE id = $1) AND state = 'CURRENT'
"""

# Uses account_pkey.
LOCK_ACCOUNT = "SELECT id FROM account WHERE id = $1 FOR UPDATE"

# All links that end with this one, in one order: two people who use two links of one letter at once do not deadlock.
# Uses recovery_token_pkey, recovery_token_letter, recovery_token_current.
LOCK_LINKS = """
SELECT id FROM recovery_token
WHERE id IN (
    SELECT id FROM recovery_token WHERE letter_id = (SELECT letter_id FROM recovery_token WHERE id = $2)
    UNION SELECT id FROM recovery_token WHERE account_id = $1 AND state = 'CURRENT'
)
ORDER BY id
FOR UPDATE
"""

# The address that was typed in becomes the one on record, or nothing where there is none. Uses letter_pkey.
READDRESS = "UPDATE letter SET address = $2, language = $3 WHERE id = $1"


async def accounts_of_address(folded: str, most: int) -> list[Row]:
    """All accounts of everybody with this address, at most so many, each with its holder; locked."""
    return await sql.rows(ACCOUNTS_OF_ADDRESS, folded, most)


async def links_of_letter(letter_id: int) -> list[Row]:
    """The links that were made for a letter, whatever became of them; locked."""
    return await sql.rows(LINKS_OF_LETTER, letter_id)


async def add_links(
    letter_id: int, links: list[tuple[int, bytes, bytes]], *, version: int, now: datetime, expires_at: datetime
) -> None:
    """New links of a letter: account, nonce and digest of each."""
    accounts, nonces, digests = (list(column) for column in zip(*links, strict=True))
    await sql.execute(ADD_LINKS, letter_id, version, now, expires_at, accounts, nonces, digests)


async def prolong_links(link_ids: list[int], expires_at: datetime) -> None:
    """Those of them that have not ended work until then, at least."""
    await sql.execute(PROLONG_LINKS, link_ids, expires_at)


async def end_links(link_ids: list[int]) -> None:
    await sql.execute(END_LINKS, link_ids)


async def lock_links(account_id: int, token_id: int) -> None:
    """Locks the account, then its codes and links and those of the token's letter, until the transaction ends."""
    await sql.rows(LOCK_ACCOUNT, account_id)
    await sql.rows(LOCK_LINKS, account_id, token_id)


async def end_siblings(token_id: int) -> None:
    """The other links of the same letter do not work any more; a token of no letter has none."""
    await sql.execute(END_SIBLINGS, token_id)


async def readdress(letter_id: int, address: str, language: str | None) -> None:
    await sql.execute(READDRESS, letter_id, address, language)

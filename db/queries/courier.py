"""The questions that delivering letters puts to the database: what is due, and what became of it."""

from datetime import datetime, timedelta

from db import sql
from db.sql import Row

# One letter, the one whose turn it is, into one courier's hands, if the pace of all couriers together allows it
# (GCRA: $3 is what each letter moves the pace on by, $4 how far ahead it may run). A pace further ahead than $5 was
# set by a wrong clock, and begins anew. Until $2 no other courier takes the letter. Being due is asked for in a way
# that no index knows, as a flood should be read in the order of turns, and never be sorted.
# Uses letter_next, mail_pace_pkey, letter_pkey.
CLAIM = """
WITH due AS (
    SELECT id FROM letter
    WHERE state = 'WAITING' AND letter_turn(kind, due_at) <= $1 AND $1 - due_at >= interval '0'
    ORDER BY letter_turn(kind, due_at) LIMIT 1
    FOR UPDATE SKIP LOCKED
), paced AS (
    INSERT INTO mail_pace (id, next_at) SELECT 1, $1::timestamptz + $3::interval FROM due
    ON CONFLICT (id) DO UPDATE SET next_at = $3::interval + CASE
        WHEN mail_pace.next_at > $1::timestamptz + $5::interval THEN $1 ELSE greatest(mail_pace.next_at, $1)
    END
    WHERE mail_pace.next_at <= $1::timestamptz + $4::interval OR mail_pace.next_at > $1::timestamptz + $5::interval
    RETURNING id
)
UPDATE letter SET attempts = attempts + 1, leased_until = $2, due_at = $2
FROM due, paced WHERE letter.id = due.id
RETURNING letter.id, kind, person_id, address, language, facts, message_id, promised_at, attempts,
          coalesce(retried_at, promised_at) AS since,
          coalesce((SELECT next_at > $1::timestamptz + $5::interval FROM mail_pace), false) AS pace_was_wrong
"""

# When the next letter is due, and when the pace allows one: $1 is how far ahead it may run; further ahead of $2 than $3
# it does not count. Uses letter_waiting.
NEXT = """
SELECT waiting.due_at,
       CASE WHEN pace.next_at <= $2::timestamptz + $3::interval THEN pace.next_at - $1::interval END AS free_at
FROM (SELECT due_at FROM letter WHERE state = 'WAITING' ORDER BY due_at LIMIT 1) AS waiting
LEFT JOIN mail_pace pace ON pace.id = 1
"""

# Whoever has the letter in hand by then: the mail relay took it. Its address is one that letters reach, then, and the
# relay is there. Uses letter_pkey, undeliverable_address_pkey, letter_tally_pkey.
SENT = """
WITH marked AS (
    UPDATE letter SET state = 'SENT', sent_at = $2, leased_until = NULL, failure = NULL
    WHERE id = $1 AND state = 'WAITING' RETURNING kind
), reached AS (
    DELETE FROM undeliverable_address WHERE email_folded = $3 AND EXISTS (SELECT FROM marked)
), counted AS (
    INSERT INTO letter_tally (id, n) SELECT 'SENT:' || kind, 1 FROM marked
    ON CONFLICT (id) DO UPDATE SET n = letter_tally.n + 1
), is_there AS (
    UPDATE mail_pace SET trouble_since = NULL WHERE trouble_since IS NOT NULL AND EXISTS (SELECT FROM marked)
)
SELECT kind FROM marked
"""

# Given up, by whoever has it in hand until $2; $4 is null where the address is not at fault.
# Uses letter_pkey, undeliverable_address_pkey, letter_tally_pkey.
FAILED = """
WITH marked AS (
    UPDATE letter SET state = 'FAILED', leased_until = NULL, failure = $3
    WHERE id = $1 AND state = 'WAITING' AND leased_until = $2 RETURNING kind
), unreachable AS (
    INSERT INTO undeliverable_address (email_folded, since, reason)
    SELECT $4::text, $5, $3 FROM marked WHERE $4::text IS NOT NULL
    ON CONFLICT (email_folded) DO UPDATE SET reason = excluded.reason
), counted AS (
    INSERT INTO letter_tally (id, n) SELECT 'FAILED:' || kind, 1 FROM marked
    ON CONFLICT (id) DO UPDATE SET n = letter_tally.n + 1
)
SELECT kind FROM marked
"""

# What is not sent takes nothing from the pace: it is moved back by $4. CLAIM never counts from before its own time.
# Uses letter_pkey, letter_tally_pkey.
WITHDRAWN = """
WITH marked AS (
    UPDATE letter SET state = 'CANCELLED', leased_until = NULL, failure = $3
    WHERE id = $1 AND state = 'WAITING' AND leased_until = $2 RETURNING id
), counted AS (
    INSERT INTO letter_tally (id, n) SELECT 'CANCELLED:' || $3::text, 1 FROM marked
    ON CONFLICT (id) DO UPDATE SET n = letter_tally.n + 1
), given_back AS (
    UPDATE mail_pace SET next_at = next_at - $4::interval WHERE EXISTS (SELECT FROM marked)
)
SELECT id FROM marked
"""

# Out of the hands of whoever has it until $2, to be taken again from $3 on. Uses letter_pkey.
LET_GO = """
UPDATE letter SET due_at = $3, leased_until = NULL, failure = coalesce($4, failure)
WHERE id = $1 AND state = 'WAITING' AND leased_until = $2
"""

# While no letter at all is taken: those that wait since before $1, and that nobody has in hand, are given up.
# Uses letter_waiting, letter_tally_pkey.
GIVE_UP = """
WITH old AS (
    SELECT id FROM letter
    WHERE state = 'WAITING' AND coalesce(retried_at, promised_at) <= $1
      AND (leased_until IS NULL OR leased_until <= $2)
    FOR UPDATE SKIP LOCKED
), marked AS (
    UPDATE letter SET state = 'FAILED', leased_until = NULL, failure = $3
    FROM old WHERE letter.id = old.id RETURNING kind
), counted AS (
    INSERT INTO letter_tally (id, n) SELECT 'FAILED:' || kind, count(*) FROM marked GROUP BY kind ORDER BY kind
    ON CONFLICT (id) DO UPDATE SET n = letter_tally.n + excluded.n
)
SELECT count(*) AS letters FROM marked
"""

# No letter gets past the mail relay, for all that a courier knows; it may have been so before.
RELAY_IS_IN_TROUBLE = "UPDATE mail_pace SET trouble_since = $1 WHERE trouble_since IS NULL"

# It judges letters.
RELAY_IS_THERE = "UPDATE mail_pace SET trouble_since = NULL WHERE trouble_since IS NOT NULL"

# Since when a letter is due that nobody has taken, and since when the mail relay is in trouble. One that a courier has
# in hand is due when its lease ends. Uses letter_waiting.
HELD_UP = """
SELECT (SELECT min(due_at) FROM letter WHERE state = 'WAITING' AND due_at <= $1) AS due_since,
       (SELECT trouble_since FROM mail_pace) AS trouble_since
"""


async def claim(
    now: datetime, leased_until: datetime, *, step: timedelta, ahead: timedelta, farthest: timedelta
) -> Row | None:
    """The letter whose turn it is, leased; None where none is due or the pace does not allow one.

    `pace_was_wrong` where the pace had been set by a clock that cannot be right.
    """
    return await sql.row(CLAIM, now, leased_until, step, ahead, farthest)


async def next_due(now: datetime, *, ahead: timedelta, farthest: timedelta) -> tuple[datetime, datetime | None] | None:
    """When the next letter is due, at a lease's end perhaps, and when the pace allows one; None where none waits."""
    found = await sql.row(NEXT, ahead, now, farthest)
    return (found["due_at"], found["free_at"]) if found else None


async def sent(letter_id: int, now: datetime, address_folded: str) -> bool:
    """The letter is there; False where it was ended otherwise meanwhile."""
    return await sql.row(SENT, letter_id, now, address_folded) is not None


async def failed(
    letter_id: int, leased_until: datetime, reason: str, now: datetime, *, unreachable: str | None = None
) -> bool:
    """The letter is given up, and the folded address noted where it is at fault; False where the lease was lost."""
    return await sql.row(FAILED, letter_id, leased_until, reason, unreachable, now) is not None


async def withdrawn(letter_id: int, leased_until: datetime, why: str, *, step: timedelta) -> bool:
    """The letter is cancelled, for this word, and the pace has its step back; False where the lease was lost."""
    return await sql.row(WITHDRAWN, letter_id, leased_until, why, step) is not None


async def let_go(letter_id: int, leased_until: datetime, due_at: datetime, reason: str | None = None) -> bool:
    """The letter waits for another time; False where the lease was lost."""
    return await sql.execute(LET_GO, letter_id, leased_until, due_at, reason) > 0


async def relay_is_in_trouble(now: datetime) -> None:
    """Notes it, where it is not known yet."""
    await sql.execute(RELAY_IS_IN_TROUBLE, now)


async def relay_is_there() -> None:
    """Notes it likewise."""
    await sql.execute(RELAY_IS_THERE)


async def held_up(now: datetime) -> tuple[datetime | None, datetime | None]:
    """Since when a letter is due that nobody has taken, and since when the relay is in trouble; None where not so."""
    [found] = await sql.rows(HELD_UP, now)
    return found["due_since"], found["trouble_since"]


async def give_up(since: datetime, now: datetime, reason: str) -> int:
    """Gives up the letters that were promised, or tried anew, before `since`; returns how many."""
    found = await sql.row(GIVE_UP, since, now, reason)
    return int(found["letters"]) if found else 0

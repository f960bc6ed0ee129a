"""The questions about webhooks: what they take in of the feed, and what the operator asks and changes.

Whoever changes a webhook and its deliveries locks the webhook first, so that nobody waits for one another in a ring.
"""

from datetime import date, datetime

from db import sql
from db.context import Capacity
from db.queries.reach import PLACES, SEEN, AccountReach
from db.sql import Row

_LIVE = "w.removed_at IS NULL AND w.paused_at IS NULL"
_CLIENT = "c.id AS client_id, c.kind, c.roles AS client_roles, c.school_ids, c.revoked_at"

# Webhooks that have not taken in all changes up to $1.
BEHIND = f"""
SELECT w.id, w.school_id, w.capacity, {_CLIENT}
FROM webhook w JOIN service_client c ON c.id = w.client_id
WHERE {_LIVE} AND c.revoked_at IS NULL AND w.taken_in < $1
"""

#: Of the changes `ch`, those of accounts that the client sees now, at the school $6 and of the kind $7 if any.
_FITS = f"""
    JOIN account a ON a.id = ch.account_id
    WHERE {SEEN} AND ($6::bigint IS NULL OR EXISTS (SELECT FROM ({PLACES}) AS place WHERE place.school_id = $6))
      AND ($7::text IS NULL OR a.capacity = $7)
"""
_DELIVERY = """
    INSERT INTO webhook_delivery (webhook_id, message_id, number, account_id, at, status_before, status, locked_until,
                                  state, attempts, due_at, waits_since)
    SELECT turn.id, gen_random_uuid(), ch.number, ch.account_id, ch.at, ch.status_before, ch.status, ch.locked_until,
           'WAITING', 0, $9, $9
"""

# The next $11 changes up to $10 become deliveries of a webhook, and it has taken them in. Each change once, whoever
# else does the same: the numbers up to $10 were there before the statement began.
# Uses account_change_number_unique.
TAKE_IN = f"""
WITH turn AS MATERIALIZED (
    SELECT w.id, w.taken_in, least($10::bigint, w.taken_in + $11::bigint) AS up_to
    FROM webhook w WHERE w.id = $8 AND {_LIVE} AND w.taken_in < $10 FOR NO KEY UPDATE
), told AS (
    {_DELIVERY} FROM turn JOIN account_change ch ON ch.number > turn.taken_in AND ch.number <= turn.up_to {_FITS}
)
UPDATE webhook SET taken_in = turn.up_to FROM turn WHERE webhook.id = turn.id RETURNING webhook.taken_in
"""

# All changes after $10 that the webhook has taken in are delivered anew, each under its old id; whoever has one of them
# in hand has it no more. Uses account_change_number_unique, webhook_delivery_once.
REPLAY = f"""
WITH turn AS MATERIALIZED (
    SELECT w.id, w.taken_in FROM webhook w WHERE w.id = $8 FOR NO KEY UPDATE
), anew AS (
    {_DELIVERY} FROM turn JOIN account_change ch ON ch.number > $10::bigint AND ch.number <= turn.taken_in {_FITS}
    ON CONFLICT (webhook_id, number) DO UPDATE
    SET state = 'WAITING', attempts = 0, due_at = $9, leased_until = NULL, waits_since = $9, tried_since = NULL,
        ended_at = NULL, failure = NULL
    RETURNING 1
)
SELECT count(*) AS deliveries FROM anew
"""

# The last change before a moment, by which whoever reads on from it reads all that was told from then on. Asked by a
# command, which may read the changes whole.
BEFORE = """
SELECT coalesce(min(number) - 1, (SELECT numbered FROM account_feed)) AS number
FROM account_change WHERE number IS NOT NULL AND at >= $1
"""

# Not before the webhook's own transactions are over.
LOCK = f"""
SELECT w.*, {_CLIENT} FROM webhook w JOIN service_client c ON c.id = w.client_id WHERE w.id = $1 FOR NO KEY UPDATE OF w
"""

PAUSE = "UPDATE webhook SET paused_at = $2, paused_why = $3 WHERE id = $1"

# All that waits is tried at once, and for as long as what is new.
RESUME = """
WITH tried_anew AS (
    UPDATE webhook_delivery SET due_at = $2, attempts = 0, tried_since = NULL, leased_until = NULL
    WHERE webhook_id = $1 AND state = 'WAITING'
)
UPDATE webhook SET paused_at = NULL, paused_why = NULL, failing_since = NULL, failures = 0, held_until = NULL
WHERE id = $1
"""

# What was tried in vain since $3 or longer.
LEAVE_OUT = """
UPDATE webhook_delivery SET state = 'FAILED', ended_at = $2, leased_until = NULL
WHERE webhook_id = $1 AND state = 'WAITING' AND tried_since <= $3 AND failure IS NOT NULL
"""

REMOVE = "UPDATE webhook SET removed_at = $2 WHERE id = $1"

# Nothing goes out any more.
WITHHOLD_ALL = """
UPDATE webhook_delivery SET state = 'WITHHELD', ended_at = $2, leased_until = NULL, failure = 'REMOVED'
WHERE webhook_id = $1 AND state = 'WAITING'
"""

# As long as $5 both secrets sign.
ROTATE = """
UPDATE webhook SET previous_nonce = nonce, previous_secret_version = secret_version, previous_until = $4,
                   nonce = $2, secret_version = $3
WHERE id = $1
"""

# Asked by a command.
LIST = """
SELECT w.*, c.name AS client, c.revoked_at, school.name AS school, feed.numbered, waiting.count AS waiting,
       waiting.since AS waiting_since, failed.failure
FROM webhook w
JOIN service_client c ON c.id = w.client_id
LEFT JOIN school ON school.id = w.school_id
LEFT JOIN account_feed feed ON feed.id = 1
CROSS JOIN LATERAL (
    SELECT count(*) AS count, min(d.waits_since) AS since
    FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state = 'WAITING'
) AS waiting
LEFT JOIN LATERAL (
    SELECT d.failure FROM webhook_delivery d
    WHERE d.webhook_id = w.id AND d.state = 'WAITING' AND d.failure IS NOT NULL ORDER BY d.due_at DESC LIMIT 1
) AS failed ON true
WHERE w.removed_at IS NULL ORDER BY w.id
"""

# How much waits, and since when; paused ones stand by themselves.
WAITING = """
SELECT count(*) AS waiting, min(d.waits_since) FILTER (WHERE w.paused_at IS NULL) AS since,
       (SELECT count(*) FROM webhook WHERE paused_at IS NOT NULL AND removed_at IS NULL) AS paused
FROM webhook w JOIN webhook_delivery d ON d.webhook_id = w.id AND d.state = 'WAITING' WHERE w.removed_at IS NULL
"""

#: As the triggers of the feed do (`db.feed.CHANNEL`).
WAKE = "SELECT pg_notify('account_change', '')"


async def behind(numbered: int) -> list[Row]:
    """The webhooks that have something to take in, each with its client."""
    return await sql.rows(BEHIND, numbered)


def _values(
    reach: AccountReach, on: date, school_id: int | None, capacity: Capacity | str | None
) -> tuple[object, ...]:
    return *reach.values(on), school_id, None if capacity is None else str(capacity)


async def take_in(reach: AccountReach, hook: Row, *, on: date, now: datetime, numbered: int, most: int) -> int | None:
    """Takes in so many changes; returns the number of the last, None where there was nothing to take in any more."""
    values = _values(reach, on, hook["school_id"], hook["capacity"])
    row = await sql.row(TAKE_IN, *values, hook["id"], now, numbered, most)
    return row["taken_in"] if row else None


async def replay(reach: AccountReach, hook: Row, *, on: date, now: datetime, after: int) -> int:
    """Makes what came after a number be delivered anew; returns how many."""
    values = _values(reach, on, hook["school_id"], hook["capacity"])
    [row] = await sql.rows(REPLAY, *values, hook["id"], now, after)
    deliveries: int = row["deliveries"]
    return deliveries


async def last_before(moment: datetime) -> int:
    """The number of the last change before then, as far as they are kept."""
    [row] = await sql.rows(BEFORE, moment)
    return row["number"] or 0


async def lock(webhook_id: int) -> Row | None:
    """The webhook and its client, nobody else's until the transaction ends."""
    return await sql.row(LOCK, webhook_id)


async def pause(webhook_id: int, now: datetime, why: str) -> None:
    """From now on nothing is sent."""
    await sql.execute(PAUSE, webhook_id, now, why)


async def resume(webhook_id: int, now: datetime, *, leave_out_since: datetime | None) -> int:
    """It goes on; what was tried since that long is left out. Returns how many those were."""
    left_out = 0
    if leave_out_since is not None:
        left_out = await sql.execute(LEAVE_OUT, webhook_id, now, leave_out_since)
    await sql.execute(RESUME, webhook_id, now)
    return left_out


async def remove(webhook_id: int, now: datetime) -> int:
    """It is no more; returns how many deliveries were not made."""
    await sql.execute(REMOVE, webhook_id, now)
    return await sql.execute(WITHHOLD_ALL, webhook_id, now)


async def rotate(webhook_id: int, nonce: bytes, version: int, previous_until: datetime) -> None:
    """A new secret signs, and until then the one before it too."""
    await sql.execute(ROTATE, webhook_id, nonce, version, previous_until)


async def listed() -> list[Row]:
    """All that are not removed."""
    return await sql.rows(LIST)


async def waiting() -> tuple[int, datetime | None, int]:
    """How many deliveries wait, since when the oldest of a webhook that is not paused, and how many are paused."""
    [row] = await sql.rows(WAITING)
    return row["waiting"], row["since"], row["paused"]


async def wake() -> None:
    """Wakes whoever delivers, when the transaction commits."""
    await sql.rows(WAKE)

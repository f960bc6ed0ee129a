"""The questions that sending to webhooks puts to the database: what is due, who may hear of it, what became of it."""

from dataclasses import dataclass
from datetime import date, datetime

import orjson

from db import sql
from db.queries.logins import LOCKED_UNTIL
from db.queries.reach import PLACES, SCHOOLS, SEEN, AccountReach
from db.sql import Row

# The next of a webhook in the order of turns that nothing of the same account comes before. The number is compared
# by less or equal, so that PostgreSQL takes the first few for likely to do: it walks the order then, and would else
# read and sort all of a large backlog to take one. Uses webhook_delivery_due, webhook_delivery_in_order.
_FIRST = """
SELECT d.id, d.due_at FROM webhook_delivery d
WHERE d.webhook_id = {webhook} AND d.state = 'WAITING' AND d.due_at <= {until} AND d.number <= (
    SELECT min(earlier.number) FROM webhook_delivery earlier
    WHERE earlier.webhook_id = d.webhook_id AND earlier.account_id = d.account_id AND earlier.state = 'WAITING')
ORDER BY d.due_at, d.number LIMIT 1
"""

# When there is something to deliver to each webhook that is not paused; one in hand counts when its lease ends.
# Uses webhook_delivery_due, webhook_delivery_in_order.
NEXT = f"""
SELECT w.id, greatest(head.due_at, w.held_until) AS due_at
FROM webhook w CROSS JOIN LATERAL ({_FIRST.format(webhook="w.id", until="'infinity'")}) AS head
WHERE w.removed_at IS NULL AND w.paused_at IS NULL ORDER BY 2
"""

# A webhook to which something may be sent now, with its client as it is now. Whoever has it locked takes a delivery or
# changes them; so what the next statement sees is so.
OPEN = """
SELECT w.id, w.url, w.school_id, w.nonce, w.secret_version, w.previous_nonce, w.previous_secret_version,
       w.previous_until, w.failures, w.failing_since, w.client_id
FROM webhook w
WHERE w.id = $1 AND w.removed_at IS NULL AND w.paused_at IS NULL AND (w.held_until IS NULL OR w.held_until <= $2)
FOR NO KEY UPDATE
"""

# Into one pair of hands, and until $3 into no other. Uses webhook_delivery_due, webhook_delivery_in_order,
# webhook_delivery_pkey.
CLAIM = f"""
WITH due AS MATERIALIZED ({_FIRST.format(webhook="$1", until="$2")})
UPDATE webhook_delivery d
SET attempts = attempts + 1, leased_until = $3, due_at = $3, tried_since = coalesce(tried_since, $2)
FROM due WHERE d.id = due.id
RETURNING d.id, d.webhook_id, d.message_id, d.number, d.account_id, d.at, d.status_before, d.status, d.locked_until,
          d.attempts, d.tried_since
"""

# Of a receiver in trouble one try at a time shows whether it is still so.
HOLD = "UPDATE webhook SET held_until = $2 WHERE id = $1"

# The client as it is now; none when it may not be told of anything.
CLIENT = """
SELECT c.id AS client_id, c.kind, c.roles AS client_roles, c.school_ids, c.revoked_at FROM webhook w
JOIN service_client c ON c.id = w.client_id
WHERE w.id = $1 AND w.removed_at IS NULL AND c.revoked_at IS NULL
"""

# The account as it stands now, if it is to be seen; $7 is the school of the webhook, if it has one. Uses account_pkey.
ACCOUNT = f"""
SELECT a.id AS account_id, a.capacity, a.status, a.disabled_reason, {LOCKED_UNTIL} AS locked_until,
       {SCHOOLS} AS schools
FROM account a
WHERE a.id = $6 AND {SEEN}
  AND ($7::bigint IS NULL OR EXISTS (SELECT FROM ({PLACES}) AS place WHERE place.school_id = $7))
"""

_LOCKED = "SELECT id FROM webhook WHERE id = $1 FOR NO KEY UPDATE"

# By whoever has it in hand until $3. One that was taken shows that the receiver is there; one that was withheld shows
# nothing, and lets the next one be tried. Uses webhook_delivery_pkey.
ENDED = f"""
WITH hook AS MATERIALIZED ({_LOCKED}), ended AS (
    UPDATE webhook_delivery d SET state = $5, ended_at = $4, leased_until = NULL, failure = NULL
    FROM hook WHERE d.id = $2 AND d.webhook_id = hook.id AND d.state = 'WAITING' AND d.leased_until = $3
    RETURNING d.webhook_id
), well AS (
    UPDATE webhook w
    SET failures = CASE $5 WHEN 'DELIVERED' THEN 0 ELSE failures END,
        failing_since = CASE $5 WHEN 'DELIVERED' THEN NULL ELSE failing_since END,
        held_until = CASE $5 WHEN 'DELIVERED' THEN NULL ELSE $4 END
    FROM ended WHERE w.id = ended.webhook_id AND w.failures > 0
)
SELECT webhook_id FROM ended
"""

# Likewise: it waits until $5. The whole webhook is held until $7 where the receiver asks for that, or, after $9
# failures in a row, for $10 seconds, twice as long each time and $11 at most; and paused where there is a reason $8.
# Uses webhook_delivery_pkey.
NOT_TAKEN = f"""
WITH hook AS MATERIALIZED ({_LOCKED}), waits AS (
    UPDATE webhook_delivery d SET due_at = $5, leased_until = NULL, failure = $6
    FROM hook WHERE d.id = $2 AND d.webhook_id = hook.id AND d.state = 'WAITING' AND d.leased_until = $3
    RETURNING d.webhook_id
), troubled AS (
    UPDATE webhook w
    SET failures = failures + 1, failing_since = coalesce(failing_since, $4),
        held_until = coalesce($7, CASE WHEN failures + 1 >= $9::int THEN
            $4::timestamptz + make_interval(secs => least($10 * power(2, least(failures + 1 - $9, 16)), $11)) END),
        paused_at = CASE WHEN $8::text IS NULL THEN paused_at ELSE coalesce(paused_at, $4) END,
        paused_why = coalesce(paused_why, $8)
    FROM waits WHERE w.id = waits.webhook_id
)
SELECT webhook_id FROM waits
"""

# As if it had not been taken up. Uses webhook_delivery_pkey.
LET_GO = f"""
WITH hook AS MATERIALIZED ({_LOCKED}), waits AS (
    UPDATE webhook_delivery d SET due_at = $4, leased_until = NULL
    FROM hook WHERE d.id = $2 AND d.webhook_id = hook.id AND d.state = 'WAITING' AND d.leased_until = $3
    RETURNING d.webhook_id
), tried_again AS (
    UPDATE webhook w SET held_until = $4 FROM waits WHERE w.id = waits.webhook_id AND w.held_until > $4
)
SELECT webhook_id FROM waits
"""


async def next_due() -> list[tuple[int, datetime]]:
    """When there is something to deliver to each webhook, the soonest first."""
    return [(row["id"], row["due_at"]) for row in await sql.rows(NEXT)]


async def claim(webhook_id: int, now: datetime, leased_until: datetime, *, in_trouble: int) -> tuple[Row, Row] | None:
    """The webhook and the delivery whose turn it is, leased; None where there is none, or nothing is to be sent.

    After so many failures in a row as `in_trouble`, no other one is given out before the lease ends.
    """
    async with sql.transaction():
        hook = await sql.row(OPEN, webhook_id, now)
        delivery = await sql.row(CLAIM, webhook_id, now, leased_until) if hook else None
        if hook is None or delivery is None:
            return None
        if hook["failures"] >= in_trouble:
            await sql.execute(HOLD, webhook_id, leased_until)
    return hook, delivery


async def client(webhook_id: int) -> Row | None:
    """The client of a webhook; None where it was revoked, or the webhook removed."""
    return await sql.row(CLIENT, webhook_id)


async def account(reach: AccountReach, account_id: int, school_id: int | None, *, on: date) -> Row | None:
    """The account as it stands, if it is in reach and at that school."""
    row = await sql.row(ACCOUNT, *reach.values(on), account_id, school_id)
    return None if row is None else row | {"schools": orjson.loads(row["schools"])}


async def ended(webhook_id: int, delivery_id: int, leased_until: datetime, now: datetime, state: str) -> bool:
    """It was delivered, or is withheld; False where the lease was lost."""
    return await sql.row(ENDED, webhook_id, delivery_id, leased_until, now, state) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """When all of a webhook waits, since its receiver is in trouble."""

    #: After so many failures in a row.
    in_a_row: int
    #: Seconds for which it does so at first, and at most.
    first: float
    most: float
    #: The receiver asks for that.
    until: datetime | None = None


async def not_taken(
    webhook_id: int,
    delivery_id: int,
    leased_until: datetime,
    now: datetime,
    *,
    due_at: datetime,
    failure: str,
    hold: Hold,
    paused_why: str | None,
) -> bool:
    """It waits for another try; False where the lease was lost."""
    values = (webhook_id, delivery_id, leased_until, now, due_at, failure, hold.until, paused_why)
    return await sql.row(NOT_TAKEN, *values, hold.in_a_row, hold.first, hold.most) is not None


async def let_go(webhook_id: int, delivery_id: int, leased_until: datetime, now: datetime) -> bool:
    """Somebody else may take it at once; False where the lease was lost."""
    return await sql.row(LET_GO, webhook_id, delivery_id, leased_until, now) is not None

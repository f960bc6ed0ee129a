"""What is thrown away once it is of no more use: counts whose window ended, answers and devices that expired, what
would undo a merge, where accounts stood before they changed, and letters that were sent or given up long ago."""

from datetime import datetime, timedelta

from db import sql

# Uses attempt_budget_ends.
BUDGETS = "DELETE FROM attempt_budget WHERE ends_at < $1"

# How many were wrong in a row is kept of accounts, however long ago that was. Uses login_streak_ends.
STREAKS = "DELETE FROM login_streak WHERE forget_at < $1 AND (account_id IS NULL OR in_a_row = 0)"

# Uses idempotent_answer_ends.
ANSWERS = "DELETE FROM idempotent_answer WHERE expires_at < $1"

# Uses device_ends. The sessions of such a device stay, without it.
DEVICES = "DELETE FROM device WHERE expires_at < $1"

# Those of a letter that may still be sent begin to live then, and those that were used show that it is not to be sent.
# Uses recovery_token_ends, letter_pkey.
TOKENS = """
DELETE FROM recovery_token t WHERE t.expires_at < $1
    AND NOT EXISTS (SELECT FROM letter l WHERE l.id = t.letter_id AND l.state IN ('WAITING', 'FAILED'))
"""

# Uses verification_ends. Kept for a while after they ended, for whoever asks at the desk.
VERIFICATIONS = "DELETE FROM verification WHERE expires_at < $1::timestamptz - interval '30 days'"

# Of a merge that no district can undo any more, only that it was, and of whom: what it moved and took out holds birth
# dates and proofs. Uses person_merge_age.
MERGES = """
UPDATE person_merge SET before = jsonb_build_object('kind', before -> 'kind')
WHERE merged_at < $1::timestamptz - interval '365 days' AND before - 'kind' <> '{}'::jsonb
"""

# What has ended, sent or not, and is counted. One that was tried anew counts from then. Uses letter_promised.
LETTERS = """
DELETE FROM letter
WHERE promised_at < $1 AND state <> 'WAITING' AND coalesce(sent_at, retried_at, promised_at) < $1
"""

# Of use to whoever is in the midst of reading accounts page by page, for which there are 24 hours.
# Uses account_order_change_at.
ORDER_CHANGES = "DELETE FROM account_order_change WHERE at < $1::timestamptz - interval '48 hours'"


# What was delivered, or will not be. Kept as long as the changes, so that one that is told anew has its old id.
# Uses webhook_delivery_ended.
DELIVERIES = "DELETE FROM webhook_delivery WHERE ended_at < $1"


async def throw_away(before: datetime, *, letters_for: timedelta, changes_for: timedelta = timedelta(days=30)) -> int:
    """Deletes what ended or expired before then, which decides nothing any more, and letters and deliveries to webhooks
    that ended so long before; returns how many rows."""
    rows = sum(
        [
            await sql.execute(statement, before)
            for statement in (BUDGETS, STREAKS, ANSWERS, DEVICES, TOKENS, VERIFICATIONS, MERGES, ORDER_CHANGES)
        ]
    )
    rows += await sql.execute(DELIVERIES, before - changes_for)
    return rows + await sql.execute(LETTERS, before - letters_for)

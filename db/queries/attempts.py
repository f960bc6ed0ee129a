"""Counting attempts in the database, so that budgets hold over aliases, workers, machines and restarts."""

from collections.abc import Mapping
from datetime import datetime

from db import sql

# One attempt more in each window, or the first one of the next.
ONE_MORE = """ON CONFLICT (id) DO UPDATE SET
    spent = CASE WHEN budget.ends_at <= {now} THEN 1 ELSE budget.spent + 1 END,
    ends_at = CASE WHEN budget.ends_at <= {now} THEN excluded.ends_at ELSE budget.ends_at END"""

# One statement for all budgets of an attempt: rows are locked in the order of their ids, so attempts cannot deadlock.
# Reads and writes attempt_budget by its primary key.
SPEND = f"""
INSERT INTO attempt_budget AS budget (id, spent, ends_at)
SELECT claim.id, 1, claim.ends_at
FROM unnest($1::text[], $2::timestamptz[]) AS claim (id, ends_at)
ORDER BY claim.id
{ONE_MORE.format(now="$3")}
RETURNING id, spent, ends_at
"""

# Only in the window in which it was spent: taken back from the next one, it would allow one attempt too many there.
REFUND = """
WITH claimed AS (
    SELECT budget.id
    FROM attempt_budget AS budget
    JOIN unnest($1::text[], $2::timestamptz[]) AS claim (id, ends_at)
        ON claim.id = budget.id AND claim.ends_at = budget.ends_at
    WHERE budget.spent > 0
    ORDER BY budget.id
    FOR UPDATE OF budget
)
UPDATE attempt_budget SET spent = spent - 1 FROM claimed WHERE attempt_budget.id = claimed.id
"""


# Uses attempt_budget_pkey.
SPENT = "SELECT id, spent, ends_at FROM attempt_budget WHERE id = ANY ($1::text[]) AND ends_at > $2"


async def spent(ids: list[str], *, now: datetime) -> dict[str, tuple[int, datetime]]:
    """What is spent of each budget whose window has not ended, and when it does."""
    return {row["id"]: (row["spent"], row["ends_at"]) for row in await sql.rows(SPENT, ids, now)}


async def spend(ends: Mapping[str, datetime], *, now: datetime) -> dict[str, tuple[int, datetime]]:
    """Adds one attempt to each budget; returns what is spent by now and when its window ends."""
    counted = await sql.rows(SPEND, list(ends), list(ends.values()), now)
    return {row["id"]: (row["spent"], row["ends_at"]) for row in counted}


async def refund(ends: Mapping[str, datetime]) -> None:
    """Takes one attempt back from each budget whose window still is the one that ends then."""
    if ends:
        await sql.rows(REFUND, list(ends), list(ends.values()))

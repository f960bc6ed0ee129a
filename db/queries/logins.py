"""Counting wrong passwords: the waits that they cost, and how many there were in a row.

A row of `login_streak` belongs to an account, to a username that nobody has, to a known device, or to a session. The
own row of an attempt is the one whose waits it is subject to; how many there were in a row, from wherever, is counted
in the account's row (or the username's), which for strangers is the own one. Each statement takes the own row first,
then the account's, then the budgets in the order of their ids, so that attempts cannot deadlock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import sql
from db.queries.attempts import ONE_MORE

#: When the lock of account `a` ends; in the past, or null, where there is none. Uses login_streak_pkey.
LOCKED_UNTIL = "(SELECT streak.wait_until FROM login_streak streak WHERE streak.id = 'account:' || a.id::text)"

# What was counted too long ago, or under an earlier master secret, is as if it had never been. The latter since names
# that nobody has are not recognised under a new one: if accounts were, one could be told from the other.
_FORGOTTEN = "streak.forget_at <= $4 OR streak.secret_version < $11::int"
_FAILURES = f"CASE WHEN {_FORGOTTEN} THEN 1 ELSE streak.failures + 1 END"

# An attempt that finds a wait, or a budget used up, is not counted at all. The wait is looked at twice: as the
# statement finds it, and once more under the lock of its row, where another attempt may have begun one a moment ago;
# then nothing is returned of `streak`. From the last free guess ($6) on, the waits are those of the array, whose last
# one is for all that follow; before its first element there is null.
# Uses login_streak_pkey, attempt_budget_pkey.
COUNT = f"""
WITH closed AS MATERIALIZED (
    SELECT max(reason.until) AS until FROM (
        SELECT wait_until AS until FROM login_streak WHERE id = $1 AND wait_until > $4 AND secret_version >= $11::int
        UNION ALL
        SELECT budget.ends_at FROM unnest($8::text[], $10::int[]) AS claim (id, maximum)
        JOIN attempt_budget budget ON budget.id = claim.id
        WHERE budget.ends_at > $4 AND budget.spent >= claim.maximum
    ) AS reason
), streak AS (
    INSERT INTO login_streak AS streak (id, account_id, failures, in_a_row, began_at, forget_at, secret_version,
                                        wait_until)
    SELECT $1, CASE WHEN $1 = $2 THEN $3::bigint END, 1, CASE WHEN $1 = $2 THEN 1 ELSE 0 END, $4, $5, $11::int,
           $4 + ($7::interval[])[least(2 - $6::int, cardinality($7::interval[]))]
    FROM closed WHERE closed.until IS NULL
    ON CONFLICT (id) DO UPDATE SET
        failures = {_FAILURES},
        in_a_row = streak.in_a_row + excluded.in_a_row,
        began_at = CASE WHEN {_FORGOTTEN} THEN excluded.began_at ELSE streak.began_at END,
        forget_at = excluded.forget_at,
        secret_version = greatest(streak.secret_version, excluded.secret_version),
        wait_until = $4 + ($7::interval[])[least({_FAILURES} - $6::int + 1, cardinality($7::interval[]))]
    WHERE streak.wait_until IS NULL OR streak.wait_until <= $4 OR streak.secret_version < $11::int
    RETURNING in_a_row, began_at, wait_until
), anywhere AS (
    INSERT INTO login_streak AS streak (id, account_id, failures, in_a_row, began_at, forget_at, secret_version)
    SELECT $2, $3::bigint, 0, 1, $4, $5, $11::int FROM streak WHERE $1 <> $2
    ON CONFLICT (id) DO UPDATE SET in_a_row = streak.in_a_row + 1
    RETURNING in_a_row
), budget AS (
    INSERT INTO attempt_budget AS budget (id, spent, ends_at)
    SELECT claim.id, 1, claim.ends_at
    FROM streak CROSS JOIN unnest($8::text[], $9::timestamptz[]) AS claim (id, ends_at)
    WHERE (SELECT count(*) FROM anywhere) >= 0
    ORDER BY claim.id
    {ONE_MORE.format(now="$4")}
    RETURNING id, spent, ends_at
)
SELECT closed.until AS closed_until, streak.began_at, streak.wait_until,
       coalesce(anywhere.in_a_row, streak.in_a_row) AS in_a_row, spent.ids, spent.counts, spent.ends
FROM closed
LEFT JOIN streak ON true
LEFT JOIN anywhere ON true
CROSS JOIN (
    SELECT coalesce(array_agg(id), '{{}}') AS ids, coalesce(array_agg(spent), '{{}}') AS counts,
           coalesce(array_agg(ends_at), '{{}}') AS ends
    FROM budget
) AS spent
"""

# As in `attempts.REFUND`: only in the window in which it was spent.
_REFUND = """
), claimed AS (
    SELECT budget.id
    FROM attempt_budget AS budget
    JOIN unnest($3::text[], $4::timestamptz[]) AS claim (id, ends_at)
        ON claim.id = budget.id AND claim.ends_at = budget.ends_at
    WHERE budget.spent > 0 AND (SELECT count(*) FROM anywhere) >= 0
    ORDER BY budget.id
    FOR UPDATE OF budget
)
UPDATE attempt_budget SET spent = spent - 1 FROM claimed WHERE attempt_budget.id = claimed.id
"""

# Only while the streak is the one ($5) that the attempt was counted in. A wait that began with this attempt, or that
# would not have begun without it, is over. Uses login_streak_pkey.
UNCOUNT = f"""
WITH own AS (
    UPDATE login_streak SET
        failures = failures - 1,
        in_a_row = greatest(in_a_row - CASE WHEN $1 = $2 THEN 1 ELSE 0 END, 0),
        wait_until = CASE WHEN wait_until IS DISTINCT FROM $6 AND failures > $7::int THEN wait_until END
    WHERE id = $1 AND began_at = $5 AND failures > 0
    RETURNING id
), anywhere AS (
    UPDATE login_streak SET in_a_row = greatest(in_a_row - 1, 0)
    WHERE id = $2 AND $1 <> $2 AND (SELECT count(*) FROM own) >= 0
    RETURNING id
{_REFUND}
"""

# Strangers' waits are forgotten for a right password from among them alone. Uses login_streak_pkey.
CLEAR = f"""
WITH own AS (
    DELETE FROM login_streak WHERE id = $1
    RETURNING id
), anywhere AS (
    UPDATE login_streak SET in_a_row = 0
    WHERE id = $2 AND $1 <> $2 AND in_a_row > 0 AND (SELECT count(*) FROM own) >= 0
    RETURNING id
{_REFUND}
"""

# Uses login_streak_pkey.
IN_A_ROW = "SELECT in_a_row FROM login_streak WHERE id = $1"

# Backwards, so that devices are taken before the account, as by an attempt. Uses login_streak_pkey.
FORGET = """
DELETE FROM login_streak WHERE id IN (
    SELECT id FROM login_streak WHERE id = ANY ($1::text[]) ORDER BY id DESC FOR UPDATE
)
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """One attempt that was counted and not yet judged."""

    own: str
    anywhere: str
    began_at: datetime
    wait_until: datetime | None
    in_a_row: int
    #: What is spent of each budget by now, and when its window ends.
    budgets: Mapping[str, tuple[int, datetime]]

    @property
    def windows(self) -> tuple[list[str], list[datetime]]:
        """The budgets, and the end of the window of each."""
        return list(self.budgets), [ends_at for _, ends_at in self.budgets.values()]


async def count(
    own: str,
    anywhere: str,
    account_id: int | None,
    *,
    now: datetime,
    forget_at: datetime,
    free: int,
    waits: Sequence[timedelta],
    secret_version: int,
    budgets: Mapping[str, tuple[int, datetime]],
) -> Counted | datetime:
    """Adds one attempt everywhere, or nowhere: then the time until which it is refused.

    Args:
        own: the row whose waits it is subject to.
        anywhere: the row in which all attempts in a row are counted; the own one for strangers.
        account_id: whose row that is, where anybody has it.
        now: the time.
        forget_at: when the waits are forgotten, if no further attempt is counted before.
        free: after how many attempts the first wait begins.
        waits: the waits from then on; the last one is for all further attempts.
        secret_version: the version of the master secret that the digests in these rows are made under.
        budgets: maximum and end of a new window by budget.
    """
    ids = list(budgets)
    maxima, ends = zip(*budgets.values(), strict=True)
    values = (
        own,
        anywhere,
        account_id,
        now,
        forget_at,
        free,
        list(waits),
        ids,
        list(ends),
        list(maxima),
        secret_version,
    )
    while True:
        [row] = await sql.rows(COUNT, *values)
        if row["closed_until"] is not None:
            closed: datetime = row["closed_until"]
            return closed
        if row["began_at"] is not None:
            spent = dict(zip(row["ids"], zip(row["counts"], row["ends"], strict=True), strict=True))
            return Counted(own, anywhere, row["began_at"], row["wait_until"], row["in_a_row"], spent)
        # A wait began after the statement had looked: the next one sees it.


async def uncount(counted: Counted, *, free: int) -> None:
    """It is as if the attempt had not been made."""
    ids, ends = counted.windows
    values = (counted.own, counted.anywhere, ids, ends, counted.began_at, counted.wait_until, free)
    await sql.execute(UNCOUNT, *values)


async def clear(counted: Counted) -> None:
    """The attempt was a right one: it is not counted, the own waits are forgotten, and a row of wrong ones ends."""
    ids, ends = counted.windows
    await sql.execute(CLEAR, counted.own, counted.anywhere, ids, ends)


async def in_a_row(anywhere: str) -> int:
    """How many wrong ones there were since the last right one."""
    found = await sql.row(IN_A_ROW, anywhere)
    return found["in_a_row"] if found else 0


async def forget(ids: Sequence[str]) -> None:
    """All attempts of these rows are as if they had never been."""
    await sql.execute(FORGET, list(ids))

"""What reports tell of accounts beyond how they stand: looked up beside a page, for accounts in reach and no others.

$1 to $5 are the reach, as for all accounts; $6 the accounts; $7 and $8 the schools to whose students' numbers, and
usernames, the asker may have; NULL for the whole district; $9 whether it is asked how many share an address. No address
is read, only whether there is one.
"""

from collections.abc import Sequence
from datetime import date

from db import sql
from db.queries.reach import CURRENT, PLACES, SEEN, AccountReach, Reach
from db.sql import Row


def _at(schools: str) -> str:
    """Whether the holder of account `a` is a student at one of these schools today, or they are all there are."""
    return f"""a.capacity = 'STUDENT' AND ({schools}::bigint[] IS NULL OR EXISTS (
        SELECT FROM enrolment e WHERE e.student_id = a.person_id AND e.school_id = ANY ({schools}::bigint[])
          AND {CURRENT} OFFSET 0))"""


# Uses account_pkey, student_pkey, enrolment_once, activation_key_one_current, person_pkey, person_email.
BESIDE = f"""
SELECT a.id AS account_id,
       ARRAY(SELECT DISTINCT place.grade_level FROM ({PLACES}) AS place
             WHERE place.grade_level IS NOT NULL ORDER BY place.grade_level) AS grade_levels,
       CASE WHEN {_at("$7")} THEN (
           SELECT s.student_number FROM student s WHERE s.id = a.person_id) END AS student_number,
       CASE WHEN a.id = $1 OR ({_at("$8")}) THEN a.username END AS username,
       key.issued_at AS key_issued_at, key.expires_at AS key_expires_at,
       CASE WHEN p.email_folded IS NULL THEN 'MISSING' WHEN shared.others > 0 THEN 'SHARED' END AS email_problem,
       CASE WHEN shared.others > 0 THEN shared.others + 1 END AS email_shared_by
FROM account a
JOIN person p ON p.id = a.person_id
LEFT JOIN activation_key key ON key.account_id = a.id AND key.state = 'CURRENT'
CROSS JOIN LATERAL (
    SELECT count(*) AS others FROM person other
    WHERE $9::boolean AND other.email_folded = p.email_folded AND other.id <> p.id AND other.merged_into_id IS NULL
) AS shared
WHERE a.id = ANY ($6::bigint[]) AND {SEEN}
"""


async def beside(
    reach: AccountReach,
    account_ids: Sequence[int],
    *,
    numbers: Reach,
    usernames: Reach,
    with_email: bool,
    on: date,
) -> dict[int, Row]:
    """What more there is to tell of these accounts, by id; of those that are not in reach, nothing."""
    rows = await sql.rows(BESIDE, *reach.values(on), list(account_ids), numbers.ids, usernames.ids, with_email)
    return {row["account_id"]: row for row in rows}

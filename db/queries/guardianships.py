"""What the queries about guardianships have in common, and what a registrar's decision about one asks."""

from collections.abc import Collection
from datetime import date, datetime

import orjson

from db import sql
from db.context import Capacity
from db.sql import Row

#: Whether a restriction on guardianship `g` is in force on day `$2`. Uses restriction_in_force.
RESTRICTED = """EXISTS (
    SELECT 1 FROM restriction r
    WHERE r.guardianship_id = g.id AND r.lifted_at IS NULL
      AND r.begins_on <= $2 AND (r.ends_on IS NULL OR r.ends_on >= $2))"""

#: Whether the guardian of `g` is kept away for good, or will be from a later day on: what is opened until then stays
#: open. Uses restriction_in_force.
KEPT_AWAY = """(g.status = 'REVOKED' OR EXISTS (
    SELECT 1 FROM restriction r
    WHERE r.guardianship_id = g.id AND r.lifted_at IS NULL AND (r.ends_on IS NULL OR r.ends_on >= $2)))"""

# Uses guardianship_pkey.
PAIR = "SELECT guardian_id, student_id FROM guardianship WHERE id = $1"

# A student has a few guardians. Uses guardianship_student.
STATUS_OF_PAIR = "SELECT status FROM guardianship WHERE guardian_id = $1 AND student_id = $2"

# Whoever decides about one of a guardian's guardianships comes past this before it reads any of them, so that of two
# who take the last two students away one sees it. A merged record is nobody's. Uses person_pkey.
LOCK_PERSON = "SELECT id FROM person WHERE id = $1 AND merged_into_id IS NULL FOR NO KEY UPDATE"

# Uses guardianship_pkey, student_pkey, person_pkey.
LOCK = """
SELECT g.id, g.guardian_id, g.student_id, g.status, g.portal_access, g.adult_access, g.consent_at,
       s.birth_date, p.email AS student_email, p.language AS student_language
FROM guardianship g JOIN student s ON s.id = g.student_id JOIN person p ON p.id = g.student_id
WHERE g.id = $1 FOR UPDATE OF g
"""

# A person may hold an account in each capacity; the row is there from the start. Uses
# account_one_per_person_and_capacity.
ADD_ACCOUNT = """
WITH held AS (
    SELECT id FROM account WHERE person_id = $1 AND capacity = 'GUARDIAN'
), added AS (
    INSERT INTO account (person_id, capacity, status, must_change_password)
    SELECT $1, 'GUARDIAN', 'NOT_ACTIVATED', false WHERE NOT EXISTS (SELECT FROM held) RETURNING id
)
SELECT id FROM held UNION ALL SELECT id FROM added
"""

# Those that are over stay as they were. Uses restriction_in_force.
LIFT = """
UPDATE restriction SET lifted_at = $3, lifted_by_id = $4, lift_reason = $5
WHERE guardianship_id = $1 AND lifted_at IS NULL AND (ends_on IS NULL OR ends_on >= $2)
"""

# All guardians of a student, each with an address or none. Uses guardianship_student, restriction_in_force.
GUARDIANS_OF = f"""
SELECT g.guardian_id AS person_id, p.email, p.language, g.status, g.portal_access, g.adult_access,
       {RESTRICTED} AS restricted
FROM guardianship g JOIN person p ON p.id = g.guardian_id
WHERE g.student_id = $1 ORDER BY g.id
"""

# Keys in whosever hands, of accounts that were never opened: persons and their capacities. No account is locked, as
# whoever activates locks the key first. Keys of records that were merged into theirs too: they would open an account
# again once the merge is undone. Uses account_one_per_person_and_capacity, activation_key_one_current,
# person_merged_into.
REPLACE_KEYS = """
UPDATE activation_key k SET state = 'REPLACED'
FROM unnest($1::bigint[], $2::text[]) AS held (person_id, capacity)
CROSS JOIN LATERAL (
    SELECT held.person_id AS id UNION ALL SELECT p.id FROM person p WHERE p.merged_into_id = held.person_id
) AS record
JOIN account a ON a.person_id = record.id AND a.capacity = held.capacity
WHERE k.account_id = a.id AND k.state = 'CURRENT' AND (a.status = 'NOT_ACTIVATED' OR a.disabled_reason = 'MERGED')
RETURNING k.id
"""

# What waits for a guardian ($1) and would tell of keys for a student ($4), or hold the guardian's own ($5, where that
# is to be taken back). As `outbox.CANCEL`, nothing that a courier has in hand. Uses letter_person, letter_tally_pkey.
WITHDRAW_LETTERS = """
WITH cancelled AS (
    UPDATE letter l SET state = 'CANCELLED', leased_until = NULL, failure = $3
    WHERE l.person_id = $1 AND l.state = 'WAITING' AND (l.leased_until IS NULL OR l.leased_until <= $2)
      AND ((l.kind IN ('KEY_ASKED_FOR', 'KEY_ISSUED') AND l.facts @> $4::jsonb)
           OR ($5::boolean AND l.kind = 'ACTIVATION_KEY' AND (l.facts -> 'account_id') IN (
               SELECT to_jsonb(a.id) FROM account a WHERE a.person_id = $1 AND a.capacity = 'GUARDIAN')))
    RETURNING l.id
), counted AS (
    INSERT INTO letter_tally (id, n)
    SELECT 'CANCELLED:' || $3::text, count(*) FROM cancelled HAVING count(*) > 0
    ON CONFLICT (id) DO UPDATE SET n = letter_tally.n + excluded.n
)
SELECT id FROM cancelled
"""


async def pair(guardianship_id: int) -> Row | None:
    """Whose guardianship of whom it is."""
    return await sql.row(PAIR, guardianship_id)


async def status_of_pair(guardian_id: int, student_id: int) -> str | None:
    """Where the guardianship between the two stands; None where there is none."""
    found = await sql.row(STATUS_OF_PAIR, guardian_id, student_id)
    return found["status"] if found else None


async def lock_person(person_id: int) -> bool:
    """Whether there is such a person; nobody else decides about that guardian until the transaction ends."""
    return await sql.row(LOCK_PERSON, person_id) is not None


async def lock(guardianship_id: int) -> Row | None:
    """The guardianship as it stands, and stays until the transaction ends, with what is known of the student."""
    return await sql.row(LOCK, guardianship_id)


async def add_account(person_id: int) -> int:
    """The id of the person's account as a guardian, made now if there was none. With the person locked."""
    [row] = await sql.rows(ADD_ACCOUNT, person_id)
    account_id: int = row["id"]
    return account_id


async def guardians_of(student_id: int, on: date) -> list[Row]:
    """All guardians of a student on record, whatever their standing."""
    return await sql.rows(GUARDIANS_OF, student_id, on)


async def replace_keys(holders: Collection[tuple[int, Capacity]]) -> int:
    """The current keys of these people's accounts open nothing any more, where those were never opened; how many."""
    people, capacities = [person for person, _ in holders], [capacity.value for _, capacity in holders]
    return len(await sql.rows(REPLACE_KEYS, people, capacities))


async def withdraw_letters(guardian_id: int, student_id: int, now: datetime, why: str, *, own_key: bool) -> int:
    """Cancels letters to a guardian that wait and tell of a student's keys, or hold the guardian's; how many."""
    about = orjson.dumps({"student_id": student_id}).decode()
    return len(await sql.rows(WITHDRAW_LETTERS, guardian_id, now, why, about, own_key))


async def lift(guardianship_id: int, on: date, *, now: datetime, by: int, reason: str) -> int:
    """Lifts what restricts a guardianship on that day, or will later on; how many there were."""
    return await sql.execute(LIFT, guardianship_id, on, now, by, reason)

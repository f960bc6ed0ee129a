"""The questions that making two records one puts to the database: what both hold, and what was merged before."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import orjson

from db import sql
from db.queries.reach import CURRENT
from db.sql import Row

# Those who are merged, with what they are. Locked, if asked for, as far as their rows do not change under somebody who
# merges them as well; whoever only refers to them need not wait. Uses person_pkey, guardianship_one_per_pair,
# account_one_per_person_and_capacity, role_assignment_once.
PEOPLE = """
SELECT p.id, p.source_id, p.merged_into_id, p.given, p.middle, p.family, p.suffix, p.preferred, p.email, p.language,
       EXISTS (SELECT FROM student s WHERE s.id = p.id) AS is_student,
       EXISTS (SELECT FROM guardianship g WHERE g.guardian_id = p.id)
           OR EXISTS (SELECT FROM account a WHERE a.person_id = p.id AND a.capacity = 'GUARDIAN') AS is_guardian,
       EXISTS (SELECT FROM role_assignment r WHERE r.person_id = p.id)
           OR EXISTS (SELECT FROM account a WHERE a.person_id = p.id AND a.capacity = 'STAFF') AS is_staff
FROM person p WHERE p.id = ANY ($1::bigint[]) ORDER BY p.id
"""

# Until the transaction ends. Uses person_pkey.
LOCK_PEOPLE = "SELECT id FROM person WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE"

# Whoever helps somebody at the desk holds the verification first and then the account; so does a merge.
# Uses verification_requester, verification_student.
LOCK_VERIFICATIONS = """
SELECT id FROM verification
WHERE requester_id = ANY ($1::bigint[]) OR student_id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE
"""


def record_of(person: str) -> str:
    """SQL for the record that goes on for a merged one, however often that was merged itself; oneself for all others.
    Nothing for nobody. Through person_pkey."""
    return f"""(
        WITH RECURSIVE way AS (
            SELECT id, merged_into_id FROM person WHERE id = {person}
            UNION
            SELECT p.id, p.merged_into_id FROM way JOIN person p ON p.id = way.merged_into_id
        )
        SELECT id FROM way WHERE merged_into_id IS NULL)"""


# Uses person_pkey.
GOES_ON = record_of("$1")

# All students of these people, whatever became of the guardianship, and these people as far as they are students.
# Uses guardianship_one_per_pair.
STUDENTS_CONCERNED = """
SELECT g.student_id AS id FROM guardianship g WHERE g.guardian_id = ANY ($1::bigint[])
UNION
SELECT s.id FROM student s WHERE s.id = ANY ($1::bigint[])
"""

# Uses guardianship_one_per_pair, guardianship_student.
GUARDIANSHIPS = """
SELECT to_jsonb(g) AS row FROM guardianship g
WHERE g.guardian_id = ANY ($1::bigint[]) OR g.student_id = ANY ($1::bigint[]) ORDER BY g.id FOR UPDATE
"""
# Uses restriction_in_force, restriction_lifted.
RESTRICTIONS = """
SELECT r.id, r.guardianship_id FROM restriction r WHERE r.id = ANY (ARRAY(
    SELECT id FROM restriction WHERE guardianship_id = ANY ($1::bigint[]) AND lifted_at IS NULL
    UNION ALL
    SELECT id FROM restriction WHERE guardianship_id = ANY ($1::bigint[]) AND lifted_at IS NOT NULL))
ORDER BY r.id FOR UPDATE
"""
# Uses household_member_person.
MEMBERSHIPS = """
SELECT to_jsonb(m) AS row FROM household_member m WHERE m.person_id = ANY ($1::bigint[]) ORDER BY m.id FOR UPDATE
"""
# Uses enrolment_once.
ENROLMENTS = """
SELECT to_jsonb(e) AS row FROM enrolment e WHERE e.student_id = ANY ($1::bigint[]) ORDER BY e.id FOR UPDATE
"""
# Uses student_pkey.
STUDENTS = """
SELECT to_jsonb(s) AS row FROM student s WHERE s.id = ANY ($1::bigint[]) ORDER BY s.id FOR UPDATE
"""
# What is asked about them comes from here and not from the whole row: a password's hash is no part of a merge.
# Uses account_one_per_person_and_capacity.
ACCOUNTS = """
SELECT a.id, a.person_id, a.capacity, a.status, a.disabled_reason, a.activated_at, a.last_login_at
FROM account a WHERE a.person_id = ANY ($1::bigint[]) ORDER BY a.id FOR UPDATE
"""

# Accounts change places in one statement: no person has two of one capacity when it ends. Uses account_pkey.
PLACE_ACCOUNTS = """
UPDATE account a SET person_id = said.person_id, status = said.status, disabled_reason = said.disabled_reason
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) AS said (id, person_id, status, disabled_reason)
WHERE a.id = said.id
"""

# What hangs on the accounts: sessions that are live, and whether there is a key that could be used.
# Uses session_of_account, activation_key_one_current.
HANGING = """
SELECT a.id,
       (SELECT count(*) FROM session s
        WHERE s.account_id = a.id AND s.ended_at IS NULL AND s.expires_at > $2) AS sessions,
       EXISTS (
           SELECT FROM activation_key k
           WHERE k.account_id = a.id AND k.state = 'CURRENT' AND (k.expires_at IS NULL OR k.expires_at > $2)
       ) AS has_key
FROM account a WHERE a.id = ANY ($1::bigint[])
"""

# What goes along by itself, counted. Uses grade_page, attendance_page, letter_person.
COUNTS = """
SELECT (SELECT count(*) FROM grade WHERE student_id = $1) AS grades,
       (SELECT count(*) FROM attendance_event WHERE student_id = $1) AS attendance,
       (SELECT count(*) FROM letter WHERE person_id = $1 AND state = 'WAITING') AS letters
"""
# Verifications are few at any time: what has expired is thrown away. Uses verification_requester, verification_student.
VERIFICATIONS = """
SELECT count(*) AS count,
       count(*) FILTER (WHERE designee_id = $2) AS by_the_other
FROM verification WHERE requester_id = $1 OR student_id = $1
"""
# Uses work_order_student, work_order_guardian.
WORK_ORDERS = "SELECT count(*) AS count FROM work_order WHERE guardian_id = $1 OR student_id = $1"

# What came to a guardianship since two were made one binds both when they are two again. Uses restriction_in_force.
COPY_RESTRICTIONS = """
INSERT INTO restriction (guardianship_id, kind, begins_on, ends_on, reason, decided_by, entered_by_id)
SELECT $2, r.kind, r.begins_on, r.ends_on, r.reason, r.decided_by, r.entered_by_id
FROM restriction r WHERE r.guardianship_id = $1 AND r.lifted_at IS NULL AND NOT r.id = ANY ($3::bigint[])
ORDER BY r.id
RETURNING id
"""

# Uses guardianship_student.
GUARDIANSHIP_OF = "SELECT id FROM guardianship WHERE guardian_id = $1 AND student_id = $2"

# The merge that is to be undone. Uses person_merge_pkey.
LOCK_MERGE = """
SELECT id, kept_id, merged_id, merged_at, undone_at, before FROM person_merge WHERE id = $1 FOR UPDATE
"""

# Whether one of these people had a part in a later merge that stands. Uses person_merge_standing, person_merge_kept.
LATER = """
SELECT EXISTS (
    SELECT FROM person_merge m
    WHERE m.id > $1 AND m.undone_at IS NULL AND (m.kept_id = ANY ($2::bigint[]) OR m.merged_id = ANY ($2::bigint[]))
) AS later
"""

_MERGE = """
SELECT m.id, m.kept_id, m.merged_id, m.merged_at, m.reason, m.undone_at,
       kept.given AS kept_given, kept.middle AS kept_middle, kept.family AS kept_family, kept.suffix AS kept_suffix,
       kept.preferred AS kept_preferred,
       merged.given AS merged_given, merged.middle AS merged_middle, merged.family AS merged_family,
       merged.suffix AS merged_suffix, merged.preferred AS merged_preferred,
       actor.given, actor.middle, actor.family, actor.suffix, actor.preferred,
       undoer.given AS undone_given, undoer.middle AS undone_middle, undoer.family AS undone_family,
       undoer.suffix AS undone_suffix, undoer.preferred AS undone_preferred,
       EXISTS (SELECT FROM student s WHERE s.id = m.kept_id) AS is_student,
       m.before ->> 'kind' AS kind
FROM person_merge m
JOIN person kept ON kept.id = m.kept_id
JOIN person merged ON merged.id = m.merged_id
JOIN person actor ON actor.id = m.merged_by_id
LEFT JOIN person undoer ON undoer.id = m.undone_by_id
"""
#: All students of whoever is kept in merge `m` are at schools in reach ($1; NULL for the district) today ($2).
_IN_REACH = f"""
($1::bigint[] IS NULL OR EXISTS (
    SELECT FROM guardianship g WHERE g.guardian_id IN (m.kept_id, m.merged_id)
    UNION ALL SELECT FROM student s WHERE s.id IN (m.kept_id, m.merged_id)
) AND NOT EXISTS (
    SELECT FROM (
        SELECT g.student_id AS id FROM guardianship g WHERE g.guardian_id IN (m.kept_id, m.merged_id)
        UNION ALL SELECT s.id FROM student s WHERE s.id IN (m.kept_id, m.merged_id)
    ) AS ward
    WHERE NOT EXISTS (
        SELECT FROM enrolment e WHERE e.student_id = ward.id AND e.school_id = ANY ($1::bigint[]) AND {CURRENT})
))
"""
# The newest first. Uses person_merge_pkey.
PAGE = f"{_MERGE} WHERE {_IN_REACH} AND ($3::bigint IS NULL OR m.id < $3) ORDER BY m.id DESC LIMIT $4"
# Uses person_merge_pkey.
ONE = f"{_MERGE} WHERE m.id = $3 AND {_IN_REACH}"

#: Any fixed number that nothing else uses; a roster import holds it alone, and merges share it.
MERGE_LOCK = 4_815_162_344
NO_IMPORT = f"SELECT pg_try_advisory_xact_lock_shared({MERGE_LOCK}) AS free"


async def people(ids: Sequence[int]) -> dict[int, Row]:
    """What these people are, by id, as far as they are on record."""
    return {row["id"]: row for row in await sql.rows(PEOPLE, list(ids))}


async def lock_people(ids: Sequence[int]) -> None:
    """Nobody else merges them, undoes it, or helps them at the desk, until the transaction ends; the lowest id is
    locked first."""
    await sql.rows(LOCK_PEOPLE, list(ids))
    await sql.rows(LOCK_VERIFICATIONS, list(ids))


async def goes_on(person_id: int) -> int:
    """The id of the record that stands for this one; this one where nobody merged it."""
    found = await sql.row(GOES_ON, person_id)
    return found["id"] if found else person_id


async def students_concerned(ids: Sequence[int]) -> list[int]:
    """The students whom something of these people is about."""
    return [row["id"] for row in await sql.rows(STUDENTS_CONCERNED, list(ids))]


async def whole(statement: str, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Whole rows as JSON, locked."""
    return [orjson.loads(row["row"]) for row in await sql.rows(statement, list(ids))]


async def restrictions(guardianship_ids: Sequence[int]) -> list[Row]:
    return await sql.rows(RESTRICTIONS, list(guardianship_ids))


async def accounts(person_ids: Sequence[int]) -> list[Row]:
    """The accounts of these people, locked."""
    return await sql.rows(ACCOUNTS, list(person_ids))


async def place_accounts(said: Sequence[tuple[int, int, str, str | None]]) -> None:
    """Gives each account its holder, status and reason, all at once."""
    if said:
        await sql.execute(PLACE_ACCOUNTS, *(list(column) for column in zip(*said, strict=True)))


async def hanging(account_ids: Sequence[int], now: datetime) -> dict[int, Row]:
    """How many sessions of each account are live, and whether it has a key."""
    return {row["id"]: row for row in await sql.rows(HANGING, list(account_ids), now)}


async def counts(person_id: int, other_id: int) -> dict[str, int]:
    """How much there is of what goes along with a record, and verifications of it by the other one."""
    [found] = await sql.rows(COUNTS, person_id)
    [verifications] = await sql.rows(VERIFICATIONS, person_id, other_id)
    [work_orders] = await sql.rows(WORK_ORDERS, person_id)
    return found | {
        "verifications": verifications["count"],
        "by_the_other": verifications["by_the_other"],
        "work_orders": work_orders["count"],
    }


async def copy_restrictions(guardianship_id: int, to: int, known: Sequence[int]) -> int:
    """Copies restrictions that are not lifted to another guardianship, but for those that are known."""
    return len(await sql.rows(COPY_RESTRICTIONS, guardianship_id, to, list(known)))


async def guardianship_of(guardian_id: int, student_id: int) -> int | None:
    found = await sql.row(GUARDIANSHIP_OF, guardian_id, student_id)
    return found["id"] if found else None


async def lock_merge(merge_id: int) -> Row | None:
    found = await sql.row(LOCK_MERGE, merge_id)
    return None if found is None else found | {"before": orjson.loads(found["before"])}


async def has_later(merge_id: int, person_ids: Sequence[int]) -> bool:
    found = await sql.row(LATER, merge_id, list(person_ids))
    return bool(found and found["later"])


async def page(schools: list[int] | None, on: date, *, after: int | None, limit: int) -> list[Row]:
    """Merges in reach, the newest first, from the one before `after`."""
    return await sql.rows(PAGE, schools, on, after, limit)


async def one(schools: list[int] | None, on: date, merge_id: int) -> Row | None:
    return await sql.row(ONE, schools, on, merge_id)


async def no_import_runs() -> bool:
    """Whether no roster is being brought in; none begins then before the transaction ends."""
    found = await sql.row(NO_IMPORT)
    return bool(found and found["free"])

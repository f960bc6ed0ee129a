"""The questions that printing letters with keys puts to the database: a few for a whole batch, however large."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

import orjson

from db import sql
from db.queries.guardianships import RESTRICTED
from db.queries.reach import CURRENT, places_of
from db.sql import Row

# Students who are at a school ($1) on day $2, in one grade ($3) or in any. Uses enrolment_school.
STUDENTS_AT_SCHOOL = f"""
SELECT DISTINCT e.student_id FROM enrolment e JOIN person p ON p.id = e.student_id
WHERE e.school_id = $1 AND {CURRENT} AND p.merged_into_id IS NULL
  AND ($3::text IS NULL OR ltrim(lower(e.grade_level), '0') = ltrim(lower($3), '0'))
"""

# The student for each of these numbers ($1), if there is one and it is one student's alone; the short form of a number
# counts where it is unique. A record that was merged into another one is nobody's.
# Uses student_number_unique, student_number_without_zeros.
STUDENTS_WITH_NUMBERS = """
SELECT said.number, coalesce(
    (SELECT s.id FROM student s JOIN person p ON p.id = s.id
     WHERE s.student_number = said.number AND NOT s.number_is_shared AND p.merged_into_id IS NULL),
    (SELECT min(s.id) FROM student s JOIN person p ON p.id = s.id
     WHERE ltrim(s.student_number, '0') = ltrim(said.number, '0') AND p.merged_into_id IS NULL
     HAVING count(*) = 1 AND NOT bool_or(s.number_is_shared))) AS student_id
FROM unnest($1::text[]) AS said (number)
"""

# All guardianships of the guardians of these students ($1), with those of other students too: a key shows them all.
# Uses guardianship_student, guardianship_one_per_pair.
GUARDIANSHIPS = f"""
SELECT g.guardian_id, g.student_id, g.student_id = ANY ($1::bigint[]) AS is_wanted, g.status, g.portal_access,
       g.adult_access, s.birth_date, {RESTRICTED} AS restricted
FROM guardianship g
JOIN student s ON s.id = g.student_id
JOIN person ward ON ward.id = g.student_id
JOIN person guardian ON guardian.id = g.guardian_id
WHERE g.guardian_id = ANY (ARRAY(SELECT o.guardian_id FROM guardianship o WHERE o.student_id = ANY ($1::bigint[])))
  AND ward.merged_into_id IS NULL AND guardian.merged_into_id IS NULL
ORDER BY g.id
"""

# Names of these people ($1), the schools at which they are students on day $2, and where they live: at home rather than
# in the second household, and where there is an address.
# Uses person_pkey, enrolment_once, household_member_person, household_pkey.
PEOPLE = f"""
SELECT p.id, p.given, p.middle, p.family, p.suffix, p.preferred, p.language, {places_of("p.id", "NULL")} AS places,
       (SELECT json_build_array(h.street, h.city, h.state, h.postal_code)
        FROM household_member m JOIN household h ON h.id = m.household_id
        WHERE m.person_id = p.id AND h.street <> ''
          AND (m.begins_on IS NULL OR m.begins_on <= $2) AND (m.ends_on IS NULL OR m.ends_on >= $2)
        ORDER BY m.is_secondary, m.id LIMIT 1) AS home
FROM person p WHERE p.id = ANY ($1::bigint[])
"""

# The accounts of these people ($1) in one capacity ($2), with the current key.
# Uses account_one_per_person_and_capacity, activation_key_one_current.
ACCOUNTS = """
SELECT a.id, a.person_id, a.status, k.id AS key_id, k.nonce, k.secret_version, k.expires_at
FROM account a LEFT JOIN activation_key k ON k.account_id = a.id AND k.state = 'CURRENT'
WHERE a.person_id = ANY ($1::bigint[]) AND a.capacity = $2
"""

# In the order in which a single key is given out: guardianships first. Uses guardianship_one_per_pair.
HOLD_GUARDIANSHIPS = "SELECT id FROM guardianship WHERE guardian_id = ANY ($1::bigint[]) ORDER BY id FOR SHARE"

# Uses account_pkey.
HOLD_ACCOUNTS = "SELECT id FROM account WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE"

# Keys that have expired make room for new ones. Uses activation_key_pkey.
END_KEYS = "UPDATE activation_key SET state = 'REPLACED' WHERE id = ANY ($1::bigint[]) AND state = 'CURRENT'"

ADD_KEYS = """
INSERT INTO activation_key (account_id, nonce, digest, secret_version, state, issued_at, expires_at)
SELECT fresh.account_id, fresh.nonce, fresh.digest, $4, 'CURRENT', $5, $6
FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS fresh (account_id, nonce, digest)
"""


async def students_at_school(school_id: int, on: date, grade: str | None) -> list[int]:
    """Ids of the students at this school on a day, in a grade (leading zeros and case aside) or in any."""
    return [row["student_id"] for row in await sql.rows(STUDENTS_AT_SCHOOL, school_id, on, grade)]


async def students_with_numbers(numbers: Sequence[str]) -> dict[str, int | None]:
    """The student's id for each number; None where nobody has it, or several have."""
    return {row["number"]: row["student_id"] for row in await sql.rows(STUDENTS_WITH_NUMBERS, list(numbers))}


async def guardianships(student_ids: Collection[int], on: date) -> list[Row]:
    """All guardianships of everybody who is a guardian of one of these students; `is_wanted` for these students."""
    return await sql.rows(GUARDIANSHIPS, list(student_ids), on)


async def people(person_ids: Collection[int], on: date) -> dict[int, Row]:
    """These people by id: name, `places` as students, and `home` as street, city, state and ZIP, or None."""
    rows = await sql.rows(PEOPLE, list(person_ids), on)
    return {
        row["id"]: row
        | {"places": orjson.loads(row["places"]), "home": orjson.loads(row["home"]) if row["home"] else None}
        for row in rows
    }


async def accounts(person_ids: Collection[int], capacity: str) -> dict[int, Row]:
    """Accounts by the person's id, each with its current key, if any."""
    return {row["person_id"]: row for row in await sql.rows(ACCOUNTS, list(person_ids), capacity)}


async def hold(guardian_ids: Collection[int], account_ids: Collection[int]) -> None:
    """Until the transaction ends, no guardianship of these people and none of these accounts changes."""
    await sql.rows(HOLD_GUARDIANSHIPS, list(guardian_ids))
    await sql.rows(HOLD_ACCOUNTS, list(account_ids))


async def end_keys(key_ids: Collection[int]) -> None:
    await sql.execute(END_KEYS, list(key_ids))


async def add_keys(
    account_ids: Sequence[int],
    nonces: Sequence[bytes],
    digests: Sequence[bytes],
    *,
    version: int,
    issued_at: datetime,
    expires_at: datetime,
) -> None:
    """One current key for each of these accounts."""
    await sql.execute(ADD_KEYS, list(account_ids), list(nonces), list(digests), version, issued_at, expires_at)

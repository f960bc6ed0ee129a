"""The questions that the designee's desk puts to the database: a caller's case, and where a verification stands."""

from collections.abc import Mapping
from datetime import date, datetime

import orjson

from db import sql
from db.queries.guardianships import RESTRICTED
from db.sql import Row

# Whether membership `m` holds on day `$2`.
_CURRENT = "(m.begins_on IS NULL OR m.begins_on <= $2) AND (m.ends_on IS NULL OR m.ends_on >= $2)"

# All that is on record of a caller ($3: the guardian; null: the student calls) and a student ($1), with what a
# designee ($4) has to do with them, in one statement: the facts of a case are of one moment.
# Uses guardianship_student, restriction_in_force, student_number_without_zeros, household_member_person,
# household_member_household, enrolment_once, account_one_per_person_and_capacity.
CASE = f"""
WITH homes AS (
    SELECT m.household_id, m.person_id = coalesce($3::bigint, $1::bigint) AS of_requester,
           m.person_id = $1::bigint AS of_student
    FROM household_member m WHERE m.person_id IN (coalesce($3::bigint, $1::bigint), $1::bigint) AND {_CURRENT}
)
SELECT s.id AS student_id, s.student_number, s.number_is_shared, s.birth_date, s.ssn_state, s.ssn_proof,
       s.ssn_proof_version, p.given, p.middle, p.family, p.suffix,
       (SELECT count(*) = 1 FROM student o WHERE ltrim(o.student_number, '0') = ltrim(s.student_number, '0'))
           AS short_form_is_unique,
       (SELECT coalesce(json_agg(DISTINCT e.school_id), '[]') FROM enrolment e WHERE e.student_id = s.id
           AND (e.begins_on IS NULL OR e.begins_on <= $2) AND (e.ends_on IS NULL OR e.ends_on >= $2)) AS schools,
       CASE WHEN r.id IS NULL THEN NULL ELSE json_build_object(
           'id', r.id, 'given', r.given, 'middle', r.middle, 'family', r.family, 'suffix', r.suffix) END AS guardian,
       g.status, g.portal_access, g.adult_access, CASE WHEN g.id IS NOT NULL THEN {RESTRICTED} END AS restricted,
       a.id AS account_id,
       (SELECT coalesce(json_agg(json_build_object(
                   'street', h.street, 'city', h.city, 'state', h.state, 'postal_code', h.postal_code,
                   'phone', h.phone, 'of_requester', home.of_requester, 'of_student', home.of_student)), '[]')
        FROM (SELECT household_id, bool_or(of_requester) AS of_requester, bool_or(of_student) AS of_student
              FROM homes GROUP BY household_id) home
        JOIN household h ON h.id = home.household_id) AS households,
       (SELECT coalesce(json_agg(DISTINCT jsonb_build_object(
                   'id', o.id, 'given', o.given, 'middle', o.middle, 'family', o.family, 'suffix', o.suffix)), '[]')
        FROM household_member m JOIN person o ON o.id = m.person_id
        WHERE m.household_id IN (SELECT household_id FROM homes) AND {_CURRENT}) AS relatives,
       ($4::bigint IN ($1::bigint, coalesce($3::bigint, $1::bigint))
        OR EXISTS (SELECT 1 FROM guardianship own WHERE own.guardian_id = $4::bigint AND own.student_id = $1::bigint)
        OR EXISTS (SELECT 1 FROM household_member m
                   WHERE m.person_id = $4::bigint AND m.household_id IN (SELECT household_id FROM homes) AND {_CURRENT})
       ) AS designee_is_related
FROM student s
JOIN person p ON p.id = s.id
LEFT JOIN person r ON r.id = $3::bigint
LEFT JOIN guardianship g ON g.guardian_id = $3::bigint AND g.student_id = s.id
LEFT JOIN account a ON a.person_id = coalesce($3::bigint, $1::bigint)
    AND a.capacity = CASE WHEN $3::bigint IS NULL THEN 'STUDENT' ELSE 'GUARDIAN' END
WHERE s.id = $1::bigint
"""

_VERIFICATION = """
SELECT id, designee_id, requester_id, student_id, purpose, questions, attempts_left, state, expires_at
FROM verification WHERE id = $1 AND designee_id = $2
"""

# Counted before it is judged, by a statement of its own: an answer that finds nothing left is not judged.
COUNT_ATTEMPT = """
UPDATE verification SET attempts_left = attempts_left - 1
WHERE id = $1 AND state = 'OPEN' AND attempts_left > 0 AND expires_at > $2
RETURNING attempts_left
"""

PASS = """
UPDATE verification SET state = 'PASSED', passed_at = $2, expires_at = $3, document = $4
WHERE id = $1 AND state = 'OPEN' AND expires_at > $2
RETURNING id
"""

USE = "UPDATE verification SET state = 'USED', used_at = $2 WHERE id = $1 AND state = 'PASSED' RETURNING id"


async def case(student_id: int, guardian_id: int | None, on: date, designee_id: int) -> Row | None:
    """What is on record of this caller and this student; None when there is no such student."""
    found = await sql.row(CASE, student_id, on, guardian_id, designee_id)
    if found is None:
        return None
    told = {name: orjson.loads(found[name]) for name in ("schools", "households", "relatives")}
    return found | told | {"guardian": orjson.loads(found["guardian"]) if found["guardian"] else None}


async def verification(verification_id: int, designee_id: int, *, locked: bool = False) -> Row | None:
    """This designee's verification with this id; None for anybody else's, as for one that never was."""
    statement = f"{_VERIFICATION} FOR UPDATE" if locked else _VERIFICATION
    found = await sql.row(statement, verification_id, designee_id)
    return None if found is None else found | {"questions": orjson.loads(found["questions"])}


async def count_attempt(verification_id: int, now: datetime) -> int | None:
    """Takes one attempt away and returns how many are left; None when there was none to take."""
    found = await sql.row(COUNT_ATTEMPT, verification_id, now)
    return None if found is None else found["attempts_left"]


async def pass_(verification_id: int, *, now: datetime, expires_at: datetime, document: str | None) -> bool:
    """Whether it was open and is passed now."""
    return await sql.row(PASS, verification_id, now, expires_at, document) is not None


async def use(verification_id: int, now: datetime) -> bool:
    """Whether it was passed and is used up now."""
    return await sql.row(USE, verification_id, now) is not None


def guardianship_of(found: Mapping[str, object]) -> Mapping[str, object] | None:
    """The part of a case that is about the guardianship; None when there is none on record."""
    return None if found["status"] is None else found

"""The district, or one school of it, in figures: who has got in, how often people come, and what keeps others out.

No name and no account is read here, only how many there are. $1 is the school, or NULL for the whole district, and $2
the day.
"""

from datetime import date, datetime

from db import sql
from db.queries.reach import CURRENT
from db.sql import Row

#: Students with a place today at the school, or at any.
_PUPILS = f"SELECT e.student_id FROM enrolment e WHERE ($1::bigint IS NULL OR e.school_id = $1) AND {CURRENT}"

#: Accounts by each school and grade in which the holder has a place today, as `reach.PLACES` has it, set by set.
_PLACED = f"""
SELECT DISTINCT a.id, a.capacity, a.status, e.school_id, e.grade_level
FROM enrolment e
JOIN LATERAL (
    SELECT held.* FROM account held WHERE held.person_id = e.student_id AND held.capacity = 'STUDENT'
    UNION ALL
    SELECT held.* FROM guardianship g
    JOIN account held ON held.person_id = g.guardian_id AND held.capacity = 'GUARDIAN'
    WHERE g.student_id = e.student_id AND g.status <> 'REVOKED'
) AS a ON a.disabled_reason IS DISTINCT FROM 'MERGED'
WHERE ($1::bigint IS NULL OR e.school_id = $1) AND {CURRENT}
"""

# Each once, in however many places. Uses enrolment_school, guardianship_student, account_one_per_person_and_capacity.
STANDING = f"""
SELECT there.capacity, there.status, count(*) AS count
FROM (SELECT DISTINCT id, capacity, status FROM ({_PLACED}) AS placed) AS there
GROUP BY there.capacity, there.status
"""
# A guardian with children in two grades counts in both, and once in their school.
# Uses enrolment_school, guardianship_student, account_one_per_person_and_capacity.
STANDING_BY_SCHOOL = f"""
SELECT school.id AS school_id, school.name, there.capacity, there.status, count(*) AS count
FROM (SELECT DISTINCT id, capacity, status, school_id FROM ({_PLACED}) AS placed) AS there
JOIN school ON school.id = there.school_id
GROUP BY school.id, school.name, there.capacity, there.status
"""
# Uses enrolment_school, guardianship_student, account_one_per_person_and_capacity.
STANDING_BY_GRADE = f"""
SELECT there.grade_level, there.capacity, there.status, count(*) AS count
FROM (SELECT DISTINCT id, capacity, status, grade_level FROM ({_PLACED}) AS placed) AS there
GROUP BY there.grade_level, there.capacity, there.status
"""

# In weeks of the district's time zone ($4) from Monday on; how often, and by how many. Uses trail_entry_log_in.
SIGN_INS_BY_WEEK = f"""
SELECT date_trunc('week', t.at AT TIME ZONE $4::text)::date AS week, a.capacity,
       count(*) AS sign_ins, count(DISTINCT a.id) AS accounts
FROM trail_entry t
JOIN account a ON a.id = t.about_account_id AND a.capacity IN ('GUARDIAN', 'STUDENT')
WHERE t.step = 'session:login' AND t.outcome = 'DONE' AND t.at >= $3
  AND ($1::bigint IS NULL OR a.person_id IN (
      {_PUPILS}
      UNION ALL
      SELECT g.guardian_id FROM guardianship g
      WHERE g.status <> 'REVOKED' AND g.student_id IN ({_PUPILS})))
GROUP BY 1, 2
"""

# What keeps people out, counted. Verifications are few: they are thrown away some weeks after they ended.
# Uses enrolment_school, activation_key_one_current.
TROUBLES = f"""
WITH pupil AS MATERIALIZED (SELECT DISTINCT student_id AS id FROM ({_PUPILS}) AS here),
tie AS MATERIALIZED (
    SELECT g.* FROM guardianship g JOIN pupil ON pupil.id = g.student_id WHERE g.status <> 'REVOKED'
),
held AS MATERIALIZED (
    SELECT a.id, a.person_id, a.capacity, a.status, a.disabled_reason
    FROM account a JOIN pupil ON pupil.id = a.person_id WHERE a.capacity = 'STUDENT'
    UNION
    SELECT a.id, a.person_id, a.capacity, a.status, a.disabled_reason
    FROM account a JOIN tie ON tie.guardian_id = a.person_id WHERE a.capacity = 'GUARDIAN'
),
desk AS MATERIALIZED (
    SELECT v.state, v.passed_at, v.attempts_left, v.expires_at
    FROM verification v JOIN pupil ON pupil.id = v.student_id WHERE v.started_at >= $3
)
SELECT
    (SELECT count(*) FROM pupil) AS students,
    (SELECT count(*) FROM pupil JOIN student s ON s.id = pupil.id
     WHERE s.ssn_state <> 'ON_FILE' OR s.number_is_shared OR s.birth_date IS NULL) AS not_provable,
    (SELECT count(*) FROM tie WHERE status = 'CLAIMED') AS claimed,
    (SELECT count(*) FROM tie WHERE status = 'CONFIRMED' AND NOT portal_access) AS without_mark,
    (SELECT count(*) FROM pupil WHERE NOT EXISTS (
        SELECT FROM tie JOIN held ON held.person_id = tie.guardian_id AND held.capacity = 'GUARDIAN'
        WHERE tie.student_id = pupil.id AND tie.status = 'CONFIRMED' AND held.status = 'ACTIVE'))
        AS without_active_guardian,
    (SELECT count(*) FROM held JOIN activation_key k ON k.account_id = held.id AND k.state = 'CURRENT'
     WHERE held.status = 'NOT_ACTIVATED' AND (k.expires_at IS NULL OR k.expires_at > $4)) AS keys_outstanding,
    (SELECT count(*) FROM held JOIN activation_key k ON k.account_id = held.id AND k.state = 'CURRENT'
     WHERE held.status = 'NOT_ACTIVATED' AND k.expires_at <= $4) AS keys_expired,
    (SELECT count(*) FROM held WHERE status = 'DISABLED' AND disabled_reason IS DISTINCT FROM 'MERGED') AS disabled,
    (SELECT count(*) FROM desk) AS verifications,
    (SELECT count(*) FROM desk WHERE state = 'OPEN' AND expires_at > $4) AS verifications_open,
    (SELECT count(*) FROM desk WHERE passed_at IS NULL AND (attempts_left <= 0 OR expires_at <= $4))
        AS verifications_not_passed,
    (SELECT count(*) FROM work_order w WHERE w.status = 'OPEN'
     AND ($1::bigint IS NULL OR w.student_id IN (SELECT id FROM pupil))) AS work_orders
"""


async def standing(school_id: int | None, on: date) -> list[Row]:
    """How many accounts of each capacity stand in each way."""
    return await sql.rows(STANDING, school_id, on)


async def standing_by_school(school_id: int | None, on: date) -> list[Row]:
    """As `standing`, by school."""
    return await sql.rows(STANDING_BY_SCHOOL, school_id, on)


async def standing_by_grade(school_id: int | None, on: date) -> list[Row]:
    """As `standing`, by grade level; None where that is not on record."""
    return await sql.rows(STANDING_BY_GRADE, school_id, on)


async def sign_ins_by_week(school_id: int | None, on: date, *, since: datetime, zone: str) -> list[Row]:
    """How often guardians and students signed in since then, and how many of them, by the Monday of the week."""
    return await sql.rows(SIGN_INS_BY_WEEK, school_id, on, since, zone)


async def troubles(school_id: int | None, on: date, *, since: datetime, now: datetime) -> Row:
    """What keeps people out today, and what became of the verifications that began since then."""
    [row] = await sql.rows(TROUBLES, school_id, on, since, now)
    return row

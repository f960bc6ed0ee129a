"""All that sight of a student by a guardian depends on, with its dates: one statement, for one guardian or for all."""

from datetime import date

import orjson

from db import sql
from db.queries.logins import LOCKED_UNTIL
from db.queries.merging import record_of
from db.queries.reach import CURRENT
from db.sql import Row

_SPANS = """SELECT json_agg(json_build_object('begins_on', greatest(mine.begins_on, theirs.begins_on),
                                          'ends_on', least(mine.ends_on, theirs.ends_on)))
            FROM household_member mine JOIN household_member theirs ON theirs.household_id = mine.household_id
            WHERE mine.person_id = guardian.id AND theirs.person_id = student.id"""

# Nothing is left out for its dates, so that any later day can be judged by the same row; but $2 is today for whose
# charge the two are in. Restrictions that were lifted never count again. Schools are those of the record that goes on:
# a merged one has none, and is still in somebody's charge.
_ACCESS = f"""
SELECT guardian.id AS guardian_id, guardian.given AS guardian_given, guardian.middle AS guardian_middle,
       guardian.family AS guardian_family, guardian.suffix AS guardian_suffix,
       guardian.preferred AS guardian_preferred, guardian.merged_into_id IS NOT NULL AS guardian_merged,
       student.id AS student_id, s.student_number, s.birth_date, student.given, student.middle, student.family,
       student.suffix, student.preferred, student.merged_into_id IS NOT NULL AS student_merged,
       g.id AS guardianship_id, g.relationship, g.status, g.portal_access, g.adult_access, g.revoked_at,
       coalesce((
           SELECT json_agg(json_build_object('kind', r.kind, 'begins_on', r.begins_on, 'ends_on', r.ends_on)
                           ORDER BY r.id)
           FROM restriction r WHERE r.guardianship_id = g.id AND r.lifted_at IS NULL
       ), '[]') AS restrictions,
       (SELECT json_build_object(
            'status', a.status, 'disabled_reason', a.disabled_reason, 'activated_at', a.activated_at,
            'must_change_password', a.must_change_password, 'locked_until', {LOCKED_UNTIL},
            'key', (SELECT json_build_object('expires_at', k.expires_at) FROM activation_key k
                    WHERE k.account_id = a.id AND k.state = 'CURRENT'))
        FROM account a WHERE a.person_id = guardian.id AND a.capacity = 'GUARDIAN') AS account,
       coalesce(({_SPANS}), '[]') AS together,
       coalesce((
           SELECT json_agg(json_build_object(
               'school_id', school.id, 'school', school.name, 'phone', school.phone, 'grade_level', e.grade_level,
               'begins_on', e.begins_on, 'ends_on', e.ends_on) ORDER BY e.id)
           FROM enrolment e JOIN school ON school.id = e.school_id WHERE e.student_id = {record_of("student.id")}
       ), '[]') AS enrolments,
       ARRAY(SELECT DISTINCT e.school_id FROM guardianship ward JOIN enrolment e ON e.student_id = ward.student_id
             WHERE ward.guardian_id = {record_of("guardian.id")} AND ward.status <> 'REVOKED' AND {CURRENT})
             AS schools_of_guardian
"""

# What was a student until the record was merged is told to be that.
# Uses person_pkey, student_pkey, guardianship_one_per_pair, restriction_in_force, login_streak_pkey, enrolment_once,
# activation_key_one_current, household_member_person, person_merge_standing.
ONE = f"""{_ACCESS}
FROM person student LEFT JOIN student s ON s.id = student.id
CROSS JOIN person guardian
LEFT JOIN guardianship g ON g.guardian_id = guardian.id AND g.student_id = student.id
WHERE guardian.id = $1 AND student.id = $3
  AND (s.id IS NOT NULL OR EXISTS (
      SELECT FROM person_merge m
      WHERE m.merged_id = student.id AND m.undone_at IS NULL AND m.before ->> 'kind' = 'STUDENT'))
"""

# Uses guardianship_student, person_pkey, restriction_in_force, login_streak_pkey, enrolment_once,
# activation_key_one_current.
ALL = f"""{_ACCESS}
FROM guardianship g
JOIN student s ON s.id = g.student_id
JOIN person student ON student.id = s.id
JOIN person guardian ON guardian.id = g.guardian_id
WHERE g.student_id = $1
ORDER BY guardian.family, guardian.given, guardian.id
"""

_JSON = ("restrictions", "account", "together", "enrolments")


async def one(guardian_id: int, student_id: int, today: date) -> Row | None:
    """What is on record of these two; None where one of them is not on record, or is no student."""
    found = await sql.row(ONE, guardian_id, today, student_id)
    return None if found is None else _read(found)


async def guardians_of(student_id: int, today: date) -> list[Row]:
    """As `one`, for each guardian on record with the student, by name."""
    return [_read(row) for row in await sql.rows(ALL, student_id, today)]


def _read(found: Row) -> Row:
    return found | {name: orjson.loads(found[name]) for name in _JSON if found[name] is not None}

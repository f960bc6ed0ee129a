"""People who are on record twice, as likely as not: pairs of one name with something more in common.

Two guardians have the same name and suffix and an address, a student or a household in common; two students have the
same name and birth date, and no suffixes that differ. An address alone is no sign, as parents share theirs; nor is a
name alone.
"""

from datetime import date

import orjson

from db import sql
from db.queries.reach import CURRENT, Reach
from db.sql import Row

#: One form for all spellings of a suffix, as `policies.names.folded_suffix` has it.
_SUFFIXES = """(VALUES
    ('jr', 'jr'), ('jnr', 'jr'), ('junior', 'jr'), ('sr', 'sr'), ('snr', 'sr'), ('senior', 'sr'),
    ('ii', '2'), ('2nd', '2'), ('second', '2'), ('iii', '3'), ('3rd', '3'), ('third', '3'),
    ('iv', '4'), ('4th', '4'), ('fourth', '4'), ('v', '5'), ('5th', '5'), ('fifth', '5'))"""


def _suffix(person: str) -> str:
    word = f"array_to_string(portal_words(coalesce({person}.suffix, '')), '')"
    return f"coalesce((SELECT one FROM {_SUFFIXES} AS known (spelt, one) WHERE spelt = {word}), {word})"


def _in_reach(person: str) -> str:
    """All students of a guardian, and the student, are at schools in reach ($1; NULL for the whole district) today."""
    return f"""($1::bigint[] IS NULL OR NOT EXISTS (
        SELECT FROM (
            SELECT g.student_id AS id FROM guardianship g WHERE g.guardian_id = {person}.id
            UNION ALL SELECT s.id FROM student s WHERE s.id = {person}.id
        ) AS ward
        WHERE NOT EXISTS (
            SELECT FROM enrolment e WHERE e.student_id = ward.id AND e.school_id = ANY ($1::bigint[]) AND {CURRENT}
            OFFSET 0)
        OFFSET 0
    ) AND (EXISTS (SELECT FROM student s WHERE s.id = {person}.id OFFSET 0)
           OR EXISTS (SELECT FROM guardianship g WHERE g.guardian_id = {person}.id OFFSET 0)))"""


def _guards(person: str) -> str:
    return f"""(EXISTS (SELECT FROM guardianship g WHERE g.guardian_id = {person}.id OFFSET 0)
        OR EXISTS (SELECT FROM account held
                   WHERE held.person_id = {person}.id AND held.capacity = 'GUARDIAN' OFFSET 0))"""


# Each is looked up for the pair at hand, which OFFSET sees to, and no table is read whole to know it of all people.
# What two people `a` and `b` of one name have in common, and as what they are a pair; from the pairs in {{pairs}}.
_ALIKE = f"""
SELECT a.id AS first_id, b.id AS second_id, alike.*,
       CASE WHEN alike.born_alike AND (one.suffix = other.suffix OR one.suffix = '' OR other.suffix = '') THEN 'STUDENT'
            WHEN one.suffix = other.suffix AND (same_email OR shared_student OR same_household)
                 AND {_guards("a")} AND {_guards("b")} THEN 'GUARDIAN' END AS kind
FROM {{pairs}}
CROSS JOIN LATERAL (SELECT {_suffix("a")} AS suffix) AS one
CROSS JOIN LATERAL (SELECT {_suffix("b")} AS suffix) AS other
CROSS JOIN LATERAL (
    SELECT a.email_folded IS NOT NULL AND a.email_folded = b.email_folded AS same_email,
           EXISTS (SELECT FROM student mine JOIN student theirs ON theirs.birth_date = mine.birth_date
                   WHERE mine.id = a.id AND theirs.id = b.id OFFSET 0) AS born_alike,
           EXISTS (SELECT FROM guardianship mine JOIN guardianship theirs ON theirs.student_id = mine.student_id
                   WHERE mine.guardian_id = a.id AND theirs.guardian_id = b.id OFFSET 0) AS shared_student,
           EXISTS (SELECT FROM guardianship mine JOIN guardianship theirs ON theirs.guardian_id = mine.guardian_id
                   WHERE mine.student_id = a.id AND theirs.student_id = b.id OFFSET 0) AS shared_guardian,
           EXISTS (SELECT FROM household_member mine
                   JOIN household_member theirs ON theirs.household_id = mine.household_id
                   WHERE mine.person_id = a.id AND theirs.person_id = b.id OFFSET 0) AS same_household
) AS alike
WHERE a.merged_into_id IS NULL AND b.merged_into_id IS NULL AND {_in_reach("a")} AND {_in_reach("b")}
  AND NOT EXISTS (
      SELECT FROM guardianship g WHERE (g.guardian_id, g.student_id) IN ((a.id, b.id), (b.id, a.id)) OFFSET 0)
  AND (a.id, b.id) > ($3::bigint, $4::bigint)
"""


def _told(person: str) -> str:
    """One of a pair as JSON: the name, the schools and students in reach, and whether there is an open account."""
    return f"""(
        SELECT json_build_object(
            'id', p.id, 'given', p.given, 'middle', p.middle, 'family', p.family, 'suffix', p.suffix,
            'preferred', p.preferred,
            'activated', EXISTS (
                SELECT FROM account held
                WHERE held.person_id = p.id AND held.capacity = page.kind AND held.activated_at IS NOT NULL OFFSET 0),
            'students', CASE WHEN page.kind = 'GUARDIAN' THEN (
                SELECT coalesce(json_agg(json_build_object(
                    'given', s.given, 'middle', s.middle, 'family', s.family, 'suffix', s.suffix,
                    'preferred', s.preferred) ORDER BY s.id), '[]')
                FROM guardianship g JOIN person s ON s.id = g.student_id WHERE g.guardian_id = p.id) END,
            'schools', (
                SELECT coalesce(json_agg(json_build_object('id', school.id, 'name', school.name, 'phone', school.phone)
                                         ORDER BY school.name, school.id), '[]')
                FROM school WHERE school.id = ANY (ARRAY(
                    SELECT e.school_id FROM enrolment e
                    WHERE e.student_id = ANY (
                        CASE page.kind WHEN 'STUDENT' THEN ARRAY[p.id]
                        ELSE ARRAY(SELECT g.student_id FROM guardianship g WHERE g.guardian_id = p.id) END)
                      AND {CURRENT}))))
        FROM person p WHERE p.id = page.{person}_id)"""


_PAGE = f"""
WITH page AS MATERIALIZED (
    SELECT * FROM ({_ALIKE}) AS pair WHERE pair.kind IS NOT NULL ORDER BY first_id, second_id LIMIT $5
)
SELECT page.*, {_told("first")} AS first, {_told("second")} AS second FROM page ORDER BY first_id, second_id
"""

# As many as $5 at most; NULL for all of them.
_COUNT = f"""
SELECT count(*) AS count FROM (SELECT FROM ({_ALIKE}) AS pair WHERE pair.kind IS NOT NULL LIMIT $5::bigint) AS counted
"""

# Those of the schools ($6) are gathered, and looked for by name among all people; $1 still decides.
_AT_SCHOOLS = f"""(
    SELECT DISTINCT least(near.id, twin.id) AS first, greatest(near.id, twin.id) AS second
    FROM (
        SELECT unnest(ARRAY(
            SELECT e.student_id FROM enrolment e WHERE e.school_id = ANY ($6::bigint[]) AND {CURRENT})) AS id
        UNION
        SELECT g.guardian_id FROM guardianship g WHERE g.student_id = ANY (ARRAY(
            SELECT e.student_id FROM enrolment e WHERE e.school_id = ANY ($6::bigint[]) AND {CURRENT}))
    ) AS found
    JOIN person near ON near.id = found.id
    JOIN person twin ON twin.name_key = near.name_key AND twin.id <> near.id
    OFFSET 0
) AS couple JOIN person a ON a.id = couple.first JOIN person b ON b.id = couple.second"""
# Uses enrolment_school, guardianship_student, person_name_key.
PAIRS_AT_SCHOOLS = _PAGE.format(pairs=_AT_SCHOOLS)
# Uses enrolment_school, guardianship_student, person_name_key.
COUNT_AT_SCHOOLS = _COUNT.format(pairs=_AT_SCHOOLS)
_IN_DISTRICT = """(
    SELECT walked.* FROM person walked
    WHERE walked.id >= $3::bigint AND $6::bigint[] IS NULL ORDER BY walked.id
) AS a JOIN LATERAL (
    SELECT twin.* FROM person twin WHERE twin.name_key = a.name_key AND twin.id > a.id ORDER BY twin.id
) AS b ON true"""
# One after the other by id, as far as the page goes. Uses person_pkey, person_name_key.
PAIRS_IN_DISTRICT = _PAGE.format(pairs=_IN_DISTRICT)
# Uses person_name_key.
COUNT_IN_DISTRICT = _COUNT.format(pairs=_IN_DISTRICT)


async def pairs(
    reach: Reach, school_id: int | None, *, on: date, after: tuple[int, int] | None, limit: int
) -> list[Row]:
    """Pairs in reach, one of whom is or has a student at that school if one is named, by the two ids."""
    near = reach.at(school_id)
    first, second = after or (0, 0)
    statement = PAIRS_IN_DISTRICT if near.everywhere else PAIRS_AT_SCHOOLS
    rows = await sql.rows(statement, reach.ids, on, first, second, limit, near.ids)
    return [row | {each: orjson.loads(row[each]) for each in ("first", "second")} for row in rows]


async def count_pairs(reach: Reach, school_id: int | None, *, on: date) -> int:
    """How many pairs `pairs` gives in all."""
    near = reach.at(school_id)
    statement = COUNT_IN_DISTRICT if near.everywhere else COUNT_AT_SCHOOLS
    [row] = await sql.rows(statement, reach.ids, on, 0, 0, None, near.ids)
    counted: int = row["count"]
    return counted

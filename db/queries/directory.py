"""Finding people for the desks: students by their own name, a guardian's name, or the number."""

from datetime import date

import orjson

from db import sql
from db.queries.guardianships import RESTRICTED
from db.queries.logins import LOCKED_UNTIL
from db.queries.reach import CURRENT, SCHOOLS, SEEN, AccountReach, Reach, places_of
from db.sql import Row

_ACCOUNT = f"""(
    SELECT json_build_object(
        'account_id', a.id, 'capacity', a.capacity, 'status', a.status, 'disabled_reason', a.disabled_reason,
        'locked_until', {LOCKED_UNTIL}, 'activated_at', a.activated_at, 'last_login_at', a.last_login_at,
        'schools', CASE WHEN $9 THEN {SCHOOLS} END)
    FROM account a WHERE a.person_id = {{person}} AND a.capacity = '{{capacity}}' AND {SEEN})"""

# A number that several students share finds nobody; the short form of a number counts where it is unique.
_NUMBERED = """coalesce(
    (SELECT id FROM student WHERE student_number = $7 AND NOT number_is_shared),
    (SELECT min(id) FROM student WHERE ltrim(student_number, '0') = ltrim($7, '0')
     HAVING count(*) = 1 AND NOT bool_or(number_is_shared)))"""

# $10 has the schools in reach. PostgreSQL estimates which are fewer: all people of that name, or those of the schools
# (then through enrolment_school); they are looked through.
_AT_SCHOOLS = f"""
    SELECT e.student_id AS id FROM enrolment e JOIN person p ON p.id = e.student_id
    WHERE e.school_id = ANY ($10::bigint[]) AND {CURRENT} AND p.name_words @@ portal_name_query($6)
    UNION
    SELECT e.student_id FROM enrolment e JOIN guardianship g ON g.student_id = e.student_id
    JOIN person p ON p.id = g.guardian_id
    WHERE e.school_id = ANY ($10::bigint[]) AND {CURRENT} AND p.name_words @@ portal_name_query($6)
    UNION
    SELECT e.student_id FROM enrolment e
    WHERE e.student_id = {_NUMBERED} AND e.school_id = ANY ($10::bigint[]) AND {CURRENT}
"""

# All of that name are looked for; as arrays, so that a rare name is never looked up by reading the district.
_IN_DISTRICT = f"""
    SELECT student.id FROM student WHERE student.id = ANY (ARRAY(SELECT named.id FROM named))
    UNION
    SELECT g.student_id FROM guardianship g WHERE g.guardian_id = ANY (ARRAY(SELECT named.id FROM named))
    UNION
    SELECT student.id FROM student WHERE student.id = {_NUMBERED} AND $10::bigint[] IS NULL
"""

_PEOPLE = f"""
WITH named AS (
    SELECT p.id FROM person p WHERE p.name_words @@ portal_name_query($6)
), matched AS (
    {{matched}}
), shown AS (
    SELECT p.* FROM matched JOIN person p ON p.id = matched.id
    ORDER BY portal_fold(p.family), portal_fold(p.given), p.id LIMIT $8
)
SELECT shown.id, shown.given, shown.middle, shown.family, shown.suffix, shown.preferred, student.birth_date,
       {places_of("shown.id", "$10")} AS places,
       {_ACCOUNT.format(person="shown.id", capacity="STUDENT")} AS account,
       coalesce((
           SELECT json_agg(json_build_object(
               'person_id', guardian.id, 'given', guardian.given, 'middle', guardian.middle,
               'family', guardian.family, 'suffix', guardian.suffix, 'preferred', guardian.preferred,
               'relationship', g.relationship, 'status', g.status, 'portal_access', g.portal_access,
               'adult_access', g.adult_access, 'restricted', {RESTRICTED},
               'account', {_ACCOUNT.format(person="guardian.id", capacity="GUARDIAN")})
               ORDER BY portal_fold(guardian.family), portal_fold(guardian.given), guardian.id)
           FROM guardianship g JOIN person guardian ON guardian.id = g.guardian_id
           WHERE g.student_id = shown.id
       ), '[]') AS guardians
FROM shown JOIN student ON student.id = shown.id
ORDER BY portal_fold(shown.family), portal_fold(shown.given), shown.id
"""

# Uses person_name_words, student_number_unique, student_number_without_zeros.
PEOPLE_AT_SCHOOLS = _PEOPLE.format(matched=_AT_SCHOOLS)
# Uses person_name_words, guardianship_one_per_pair, student_number_unique, student_number_without_zeros.
PEOPLE_IN_DISTRICT = _PEOPLE.format(matched=_IN_DISTRICT)


async def people(
    reach: Reach, accounts: AccountReach, search: str, *, number: str, on: date, with_schools: bool, limit: int
) -> list[Row]:
    """Students in reach whom a search finds, with guardians and with such of the accounts as are in reach."""
    statement = PEOPLE_IN_DISTRICT if reach.everywhere else PEOPLE_AT_SCHOOLS
    rows = await sql.rows(statement, *accounts.values(on), search, number, limit, with_schools, reach.ids)
    return [
        row
        | {
            "places": orjson.loads(row["places"]),
            "account": None if row["account"] is None else orjson.loads(row["account"]),
            "guardians": orjson.loads(row["guardians"]),
        }
        for row in rows
    ]

"""Finding people for the desks: students by their own name, a guardian's name, or the number."""

from datetime import date

import orjson

from db import sql
from db.queries.guardianships import RESTRICTED
from db.queries.reach import CURRENT, SCHOOLS, SEEN, AccountReach, Reach, places_of
from db.sql import Row

_ACCOUNT = f"""(
    SELECT json_build_object(
        'account_id', a.id, 'capacity', a.capacity, 'status', a.status, 'disabled_reason', a.disabled_reason,
        'locked_until', a.locked_until, 'activated_at', a.activated_at, 'last_login_at', a.last_login_at,
        'schools', CASE WHEN $9 THEN {SCHOOLS} END)
    FROM account a WHERE a.person_id = {{person}} AND a.capacity = '{{capacity}}' AND {SEEN})"""

# A number that several students share finds nobody; the short form of a number counts where it is unique.
_NUMBERED = """coalesce(
    (SELECT id FROM student WHERE student_number = $7 AND NOT number_is_shared),
    (SELECT min(id) FROM student WHERE ltrim(student_number, '0') = ltrim($7, '0')
     HAVING count(*) = 1 AND NOT bool_or(number_is_shared)))"""

_PEOPLE = f"""
WITH matched AS (
    SELECT student.id FROM student JOIN person p ON p.id = student.id
    WHERE p.name_words @@ portal_name_query($6) AND {{within}}
    UNION
    SELECT student.id FROM person p JOIN guardianship g ON g.guardian_id = p.id
    JOIN student ON student.id = g.student_id
    WHERE p.name_words @@ portal_name_query($6) AND {{within}}
    UNION
    SELECT student.id FROM student WHERE student.id = {_NUMBERED} AND {{within}}
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

# $10 holds the schools in reach. Uses enrolment_school, student_number_unique, student_number_without_zeros: whichever
# is less, the people of these schools or the people of that name, is looked through.
PEOPLE_AT_SCHOOLS = _PEOPLE.format(
    within=f"student.id IN (SELECT e.student_id FROM enrolment e WHERE e.school_id = ANY ($10::bigint[]) AND {CURRENT})"
)
# Uses person_name_words, guardianship_one_per_pair, student_number_unique, student_number_without_zeros.
PEOPLE_IN_DISTRICT = _PEOPLE.format(within="$10::bigint[] IS NULL")


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

"""How many accounts in reach there are of each kind, by one thing or by two at once; in one statement."""

from collections.abc import Sequence
from datetime import date, datetime

from db import sql
from db.queries import reporting
from db.queries.reach import AccountReach
from db.queries.reporting import Wanted
from db.sql import Row

# An account with places in two schools counts in both.
_GROUPS = """
SELECT CASE WHEN 'STATUS' = ANY ($15::text[]) THEN {status} END AS status,
       CASE WHEN 'CAPACITY' = ANY ($15) THEN a.capacity END AS capacity,
       CASE WHEN 'DISABLED_REASON' = ANY ($15) THEN a.disabled_reason END AS disabled_reason,
       there.school_id, school.name AS school, there.grade_level, count(*) AS count
{source}
LEFT JOIN LATERAL (
    SELECT DISTINCT CASE WHEN 'SCHOOL' = ANY ($15) THEN place.school_id END AS school_id,
                    CASE WHEN 'GRADE_LEVEL' = ANY ($15) THEN place.grade_level END AS grade_level
    FROM ({places}) AS place WHERE {at}
) AS there ON $15 && ARRAY['SCHOOL', 'GRADE_LEVEL']
LEFT JOIN school ON school.id = there.school_id
WHERE {near} {seen} {wanted}
GROUP BY 1, 2, 3, there.school_id, school.name, there.grade_level
ORDER BY school.name NULLS FIRST, there.school_id NULLS FIRST, there.grade_level NULLS FIRST, 1, 2, 3 NULLS FIRST
"""

# Uses enrolment_school.
GROUPS_AT_SCHOOLS = reporting._said(_GROUPS, reporting._FROM_SCHOOLS)
GROUPS_IN_DISTRICT = reporting._said(_GROUPS, reporting._FROM_DISTRICT)


async def groups(reach: AccountReach, wanted: Wanted, by: Sequence[str], *, on: date, now: datetime) -> list[Row]:
    """The accounts that `reporting.page` gives, counted by `STATUS`, `CAPACITY`, `DISABLED_REASON`, `SCHOOL` or
    `GRADE_LEVEL`, or by two of these; a school or grade counts where it is in reach and among what is wanted."""
    at_schools, values = reporting._values(reach, wanted, on=on, now=now)
    return await sql.rows(GROUPS_AT_SCHOOLS if at_schools else GROUPS_IN_DISTRICT, *values, list(by))

"""How far somebody's sight of people and accounts reaches, as plain sets, and the SQL that holds to it.

`resolvers.reach` makes these sets from what the gate says; nothing here decides anything. Each query about accounts has
its first five values from `AccountReach.values`: $1 the own account, $2 today, $3 the capacities that are seen in the
whole district, $4 and $5 the schools at which students' and guardians' accounts are seen.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from db.context import Capacity
from db.queries.guardianships import RESTRICTED


@dataclass(frozen=True, slots=True)
class Reach:
    """Students of some schools, or of the whole district: then those too who are at no school today."""

    schools: AbstractSet[int] = frozenset()
    everywhere: bool = False

    def __bool__(self) -> bool:
        return self.everywhere or bool(self.schools)

    def __or__(self, other: "Reach") -> "Reach":
        return Reach(self.schools | other.schools, everywhere=self.everywhere or other.everywhere)

    def at(self, school_id: int | None) -> "Reach":
        """Only what is at that school; the same reach for None."""
        if school_id is None:
            return self
        return Reach(frozenset({school_id}) if self.everywhere or school_id in self.schools else frozenset())

    @property
    def ids(self) -> list[int] | None:
        """The schools as a value of a query; None for everywhere."""
        return None if self.everywhere else sorted(self.schools)


@dataclass(frozen=True, slots=True)
class AccountReach:
    """Whose accounts somebody sees: the own one, and students' and guardians' accounts of some schools or of all."""

    own: int | None = None
    students: Reach = Reach()
    guardians: Reach = Reach()

    def __bool__(self) -> bool:
        return self.own is not None or bool(self.students) or bool(self.guardians)

    def at(self, school_id: int | None) -> "AccountReach":
        """Only what is at that school, and the own account wherever it is; the same reach for None."""
        return replace(self, students=self.students.at(school_id), guardians=self.guardians.at(school_id))

    @property
    def everywhere(self) -> list[str]:
        """The capacities whose accounts are seen in the whole district."""
        return [
            capacity.value
            for capacity, reach in ((Capacity.STUDENT, self.students), (Capacity.GUARDIAN, self.guardians))
            if reach.everywhere
        ]

    def values(self, on: date) -> tuple[Any, ...]:
        """The first five values of a query about accounts on a day."""
        return self.own, on, self.everywhere, sorted(self.students.schools), sorted(self.guardians.schools)


#: Whether enrolment `e` holds on day `$2`.
CURRENT = "(e.begins_on IS NULL OR e.begins_on <= $2) AND (e.ends_on IS NULL OR e.ends_on >= $2)"

#: Schools and grades in which the holder of account `a` has a place today, through the student that the holder is or
#: any guardianship that was not revoked, as far as they are in reach. To a holder who is kept away from a student
#: nothing tells where the student is, the own account included; staff see the place as ever.
#: Uses guardianship_one_per_pair, restriction_in_force, enrolment_once.
PLACES = f"""
SELECT e.school_id, e.grade_level
FROM (
    SELECT a.person_id AS student_id WHERE a.capacity = 'STUDENT'
    UNION ALL
    SELECT g.student_id FROM guardianship g WHERE a.capacity = 'GUARDIAN' AND g.guardian_id = a.person_id
        AND g.status <> 'REVOKED' AND (a.id IS DISTINCT FROM $1::bigint OR NOT {RESTRICTED})
) AS ward
JOIN enrolment e ON e.student_id = ward.student_id
WHERE {CURRENT}
  AND (a.id = $1 OR a.capacity = ANY ($3::text[])
       OR e.school_id = ANY (CASE a.capacity WHEN 'STUDENT' THEN $4::bigint[] ELSE $5::bigint[] END))
"""

#: The one condition on which an account `a` is shown, in whatever way it is asked for. What was left over when two
#: records were made one is nobody's account any more.
SEEN = f"""((a.id = $1::bigint OR a.capacity = ANY ($3::text[]) OR EXISTS ({PLACES}))
    AND a.disabled_reason IS DISTINCT FROM 'MERGED')"""

#: The schools of account `a` that are in reach, as JSON.
SCHOOLS = f"""(
    SELECT coalesce(json_agg(json_build_object('id', school.id, 'name', school.name, 'phone', school.phone)
                             ORDER BY school.name, school.id), '[]')
    FROM school WHERE school.id IN (SELECT place.school_id FROM ({PLACES}) AS place))"""


def places_of(student: str, schools: str) -> str:
    """SQL for a student's schools and grade levels today as JSON: of these schools, or of all where they are NULL."""
    return f"""(
        SELECT coalesce(json_agg(json_build_object('id', school.id, 'name', school.name, 'phone', school.phone,
                                                   'grade_level', e.grade_level) ORDER BY e.id), '[]')
        FROM enrolment e JOIN school ON school.id = e.school_id
        WHERE e.student_id = {student} AND {CURRENT}
          AND ({schools}::bigint[] IS NULL OR e.school_id = ANY ({schools}::bigint[])))"""

"""What statements about many accounts are made of: constant parts, and where the accounts come from.

`@name` in a part stands for the value of that name; `$1` to `$5` are those of `db.queries.reach`. Which parts a
statement has depends on which filters there are and never on a value, but for the words of the status.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from db.queries.accounts_wanted import AccountOrder, EmailProblem
from db.queries.reach import CURRENT, PLACES, SEEN


@dataclass(frozen=True, slots=True)
class Asked:
    """What a statement has to have parts for. Two questions that differ in nothing here are one statement."""

    #: From the district, from the schools in reach, or from both: of one capacity all are seen, of the other these.
    in_district: bool
    at_schools: bool
    #: Names of the filters that there are: keys of `WANTED`.
    filters: frozenset[str] = frozenset()
    order: AccountOrder = AccountOrder.ID
    descending: bool = False
    #: After a place, and not from the beginning.
    later: bool = False
    with_schools: bool = False
    with_total: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL, and the names of the values that it takes after the first five."""

    text: str
    names: tuple[str, ...]

    def values(self, reach: tuple[object, ...], named: Mapping[str, object]) -> tuple[object, ...]:
        """The values in their order; the first five are those of the reach."""
        return (*reach, *(named[name] for name in self.names))


# A lock is no status but a wait after wrong passwords; the few accounts that have one now are found first, through
# login_streak_locks, however many accounts are looked through.
_LOCKED = (
    "SELECT streak.account_id FROM login_streak streak WHERE streak.account_id IS NOT NULL AND streak.wait_until > @now"
)
STATUS = f"CASE WHEN a.status = 'ACTIVE' AND a.id IN ({_LOCKED}) THEN 'LOCKED' ELSE a.status END"

#: By what accounts are sorted by their latest log-in; `-infinity` for never.
LOGIN = "coalesce(a.last_login_at, '-infinity')"

#: An account that stays in nobody's list, however it was found.
ALIVE = "a.disabled_reason IS DISTINCT FROM 'MERGED'"

#: Of a place (`school_id`, `grade_level`), whether it is one of those that are wanted.
AT = {"school": "place.school_id = @school", "grade": "place.grade_level = @grade"}

# A page asks about few accounts, each by itself, which OFFSET 0 has PostgreSQL do; a count about all of them at once.
_KEY = """EXISTS (
    SELECT FROM activation_key k
    WHERE k.account_id = a.id AND k.state = 'CURRENT' AND (k.expires_at IS NULL OR k.expires_at > @now){lazily})"""

#: name -> condition on account `a`. Places are asked about apart from these, as they are what accounts are gathered by.
WANTED: dict[str, str] = {
    "capacity": "a.capacity = @capacity",
    "status": "a.status = ANY (@status::text[])",
    "not_locked": f"(a.status <> 'ACTIVE' OR a.id NOT IN ({_LOCKED}))",
    "locked": f"(a.status <> 'ACTIVE' OR a.id IN ({_LOCKED}))",
    "only_locked": f"a.status = 'ACTIVE' AND a.id = ANY (ARRAY({_LOCKED}))",
    "disabled_reason": "a.disabled_reason = ANY (@disabled_reason::text[])",
    "last_login_before": f"{LOGIN} < @last_login_before AND {LOGIN} > '-infinity'",
    # No equality, in which there would be nothing left to sort by log-in.
    "never_logged_in": f"{LOGIN} <= '-infinity'",
    "logged_in": f"{LOGIN} > '-infinity'",
    "not_signed_in_since": f"a.activated_at IS NOT NULL AND {LOGIN} < @not_signed_in_since",
    "key_outstanding": f"a.status = 'NOT_ACTIVATED' AND {_KEY}",
    "no_key_outstanding": f"NOT (a.status = 'NOT_ACTIVATED' AND {_KEY})",
    EmailProblem.MISSING: ("EXISTS (SELECT FROM person p WHERE p.id = a.person_id AND p.email_folded IS NULL{lazily})"),
    EmailProblem.SHARED: """EXISTS (
        SELECT FROM person p
        JOIN person other ON other.email_folded = p.email_folded AND other.id <> p.id AND other.merged_into_id IS NULL
        WHERE p.id = a.person_id{lazily})""",
}

# ------------------------------------------------------------------------------------------------ where they come from
#: Those with a place at some schools, by arrays, so that no table is read whole for them. Each account comes once:
#: an array has nobody twice, and the own account is left to its own part. OFFSET 0 keeps all else that is wanted of
#: them from being looked for in their stead.
#: By enrolment_school, guardianship_student, account_one_per_person_and_capacity.
_GATHERED = """(
    SELECT a.* FROM account a WHERE a.id = $1::bigint{own}
    UNION ALL
    SELECT a.* FROM account a
    WHERE a.capacity = 'STUDENT' AND a.id IS DISTINCT FROM $1 AND a.person_id = ANY (ARRAY(
        SELECT e.student_id FROM enrolment e WHERE {students} AND {current}{grade}))
    UNION ALL
    SELECT a.* FROM account a
    WHERE a.capacity = 'GUARDIAN' AND a.id IS DISTINCT FROM $1 AND a.person_id = ANY (ARRAY(
        SELECT g.guardian_id FROM guardianship g WHERE g.status <> 'REVOKED' AND g.student_id = ANY (ARRAY(
            SELECT e.student_id FROM enrolment e WHERE {guardians} AND {current}{grade}))))
    OFFSET 0
)"""


def at(asked: Asked) -> str:
    """Whether `place` is one that is wanted; empty where any is."""
    return " AND ".join(condition for name, condition in AT.items() if name in asked.filters)


def placed_at(asked: Asked, condition: str = "") -> str:
    """That the holder of `a` has a place in reach that is wanted, and on which this holds too."""
    conditions = " AND ".join(filter(None, (at(asked), condition)))
    return f"EXISTS (SELECT FROM ({PLACES}) AS place{f' WHERE {conditions}' if conditions else ''})"


def gathered(asked: Asked) -> str:
    """The accounts in reach, wanted as far as places go, from all schools in reach."""
    own = f" AND {placed_at(asked)}" if at(asked) else ""
    return _GATHERED.format(
        own=own,
        students="e.school_id = ANY (@student_schools::bigint[])",
        guardians="e.school_id = ANY (@guardian_schools::bigint[])",
        current=CURRENT,
        grade=" AND e.grade_level = @grade" if "grade" in asked.filters else "",
    )


def own_account(asked: Asked) -> str:
    """The own account, wanted as far as places go."""
    return f"(SELECT a.* FROM account a WHERE a.id = $1::bigint{f' AND {placed_at(asked)}' if at(asked) else ''})"


def gathered_at_one(asked: Asked) -> str:
    """The same at school `s`, for whoever sees the district too."""
    own = f" AND {placed_at(asked, 'place.school_id = s.id')}"
    return _GATHERED.format(
        own=own,
        students="e.school_id = s.id AND ('STUDENT' = ANY ($3) OR s.id = ANY ($4))",
        guardians="e.school_id = s.id AND ('GUARDIAN' = ANY ($3) OR s.id = ANY ($5))",
        current=CURRENT,
        grade=" AND e.grade_level = @grade" if "grade" in asked.filters else "",
    )


def conditions(asked: Asked, *, apart_from: str = "", lazily: bool = True) -> str:
    """What is wanted of account `a` itself, beginning with AND."""
    wanted = "".join(
        f"\n  AND {condition}" for name, condition in WANTED.items() if name in asked.filters and name != apart_from
    )
    if "never_logged_in" in asked.filters and asked.order is not AccountOrder.LAST_LOGIN:
        # Said twice, for the indexes of those who never logged in.
        wanted += " AND a.last_login_at IS NULL"
    return wanted.replace("{lazily}", " OFFSET 0" if lazily else "")


def seen(asked: Asked) -> str:
    """On which an account `a` of the source is shown and wanted."""
    placed = f"\n  AND {placed_at(asked)}" if at(asked) and asked.in_district else ""
    return f"{SEEN}{placed}{conditions(asked, lazily=False)}"


def source(asked: Asked) -> str:
    """Where all accounts `a` come from, for counts."""
    return "account a" if asked.in_district else f"{gathered(asked)} AS a"


def statement(text: str) -> Statement:
    """SQL with numbers for the names of its values."""
    names: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 6}"

    return Statement(re.sub(r"@(\w+)", numbered, text), tuple(names))

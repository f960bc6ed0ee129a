"""The statements in which accounts are read page by page and counted, made of constant parts by what is asked for.

**Parts.** A statement has exactly the conditions that are asked for, so that PostgreSQL can plan for these: which parts
it has depends on which filters there are and never on a value, but for the words of the status. `@name` in a part
stands for the value of that name; `$1` to `$5` are those of `db.queries.reach`.

**Where the accounts come from.** Whoever sees all accounts of a capacity reads them from an index in the order that is
asked for, as far as the page goes. For everybody else they are gathered from the schools in reach: a page then costs
what a school has, and not what the district has. `SEEN` decides in either case; of what is gathered, when the page is
cut.

**While accounts change.** A page begins after a place, and what an account stands by may change between two pages: it
would be shown twice, or never. So a place says which transactions the first page saw, and each page finds the accounts
where they stood then: one that a later transaction moved stands by what `account_order_change` has of its first such
move, and all others by what they stand by now. Which of them are wanted is asked of the accounts as they are now.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from db.queries.accounts_wanted import AccountOrder, EmailProblem
from db.queries.logins import LOCKED_UNTIL
from db.queries.reach import CURRENT, PLACES, SCHOOLS, SEEN


@dataclass(frozen=True, slots=True)
class Asked:
    """What a statement has to have parts for. Two questions that differ in nothing here are one statement."""

    #: From the district, from the schools in reach, or from both: of one capacity all are seen, of the other these.
    in_district: bool
    at_schools: bool
    #: Names of the filters that there are: keys of `_WANTED`.
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
_STATUS = f"CASE WHEN a.status = 'ACTIVE' AND a.id IN ({_LOCKED}) THEN 'LOCKED' ELSE a.status END"

#: By what accounts are sorted by their latest log-in; `-infinity` for never.
_LOGIN = "coalesce(a.last_login_at, '-infinity')"

#: An account that stays in nobody's list, however it was found.
_ALIVE = "a.disabled_reason IS DISTINCT FROM 'MERGED'"

#: Of a place (`school_id`, `grade_level`), whether it is one of those that are wanted.
_AT = {"school": "place.school_id = @school", "grade": "place.grade_level = @grade"}

# A page asks about few accounts, each by itself, which OFFSET 0 has PostgreSQL do; a count about all of them at once.
_KEY = """EXISTS (
    SELECT FROM activation_key k
    WHERE k.account_id = a.id AND k.state = 'CURRENT' AND (k.expires_at IS NULL OR k.expires_at > @now){lazily})"""

#: name -> condition on account `a`. Places are asked about apart from these, as they are what accounts are gathered by.
_WANTED: dict[str, str] = {
    "capacity": "a.capacity = @capacity",
    "status": "a.status = ANY (@status::text[])",
    "not_locked": f"(a.status <> 'ACTIVE' OR a.id NOT IN ({_LOCKED}))",
    "locked": f"(a.status <> 'ACTIVE' OR a.id IN ({_LOCKED}))",
    "only_locked": f"a.status = 'ACTIVE' AND a.id = ANY (ARRAY({_LOCKED}))",
    "disabled_reason": "a.disabled_reason = ANY (@disabled_reason::text[])",
    "last_login_before": f"{_LOGIN} < @last_login_before AND {_LOGIN} > '-infinity'",
    # No equality, in which there would be nothing left to sort by log-in.
    "never_logged_in": f"{_LOGIN} <= '-infinity'",
    "logged_in": f"{_LOGIN} > '-infinity'",
    "not_signed_in_since": f"a.activated_at IS NOT NULL AND {_LOGIN} < @not_signed_in_since",
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


def _at(asked: Asked) -> str:
    """Whether `place` is one that is wanted; empty where any is."""
    return " AND ".join(condition for name, condition in _AT.items() if name in asked.filters)


def _placed(asked: Asked, condition: str = "") -> str:
    """That the holder of `a` has a place in reach that is wanted, and on which this holds too."""
    conditions = " AND ".join(filter(None, (_at(asked), condition)))
    return f"EXISTS (SELECT FROM ({PLACES}) AS place{f' WHERE {conditions}' if conditions else ''})"


def _gathered(asked: Asked) -> str:
    """The accounts in reach, wanted as far as places go, from all schools in reach."""
    own = f" AND {_placed(asked)}" if _at(asked) else ""
    return _GATHERED.format(
        own=own,
        students="e.school_id = ANY (@student_schools::bigint[])",
        guardians="e.school_id = ANY (@guardian_schools::bigint[])",
        current=CURRENT,
        grade=" AND e.grade_level = @grade" if "grade" in asked.filters else "",
    )


def _own(asked: Asked) -> str:
    """The own account, wanted as far as places go."""
    return f"(SELECT a.* FROM account a WHERE a.id = $1::bigint{f' AND {_placed(asked)}' if _at(asked) else ''})"


def _gathered_at_one(asked: Asked) -> str:
    """The same at school `s`, for whoever sees the district too."""
    own = f" AND {_placed(asked, 'place.school_id = s.id')}"
    return _GATHERED.format(
        own=own,
        students="e.school_id = s.id AND ('STUDENT' = ANY ($3) OR s.id = ANY ($4))",
        guardians="e.school_id = s.id AND ('GUARDIAN' = ANY ($3) OR s.id = ANY ($5))",
        current=CURRENT,
        grade=" AND e.grade_level = @grade" if "grade" in asked.filters else "",
    )


def _conditions(asked: Asked, *, apart_from: str = "", lazily: bool = True) -> str:
    """What is wanted of account `a` itself, beginning with AND."""
    wanted = "".join(
        f"\n  AND {condition}" for name, condition in _WANTED.items() if name in asked.filters and name != apart_from
    )
    if "never_logged_in" in asked.filters and asked.order is not AccountOrder.LAST_LOGIN:
        # Said twice, for the indexes of those who never logged in.
        wanted += " AND a.last_login_at IS NULL"
    return wanted.replace("{lazily}", " OFFSET 0" if lazily else "")


def _seen(asked: Asked) -> str:
    """On which an account `a` of the source is shown and wanted."""
    placed = f"\n  AND {_placed(asked)}" if _at(asked) and asked.in_district else ""
    return f"{SEEN}{placed}{_conditions(asked, lazily=False)}"


def _source(asked: Asked) -> str:
    """Where all accounts `a` come from, for counts."""
    return "account a" if asked.in_district else f"{_gathered(asked)} AS a"


# ------------------------------------------------------------------------------------------------ in which order
@dataclass(frozen=True, slots=True)
class _Key:
    """What accounts are sorted by before their id: now, and in `account_order_change`."""

    now: str
    before: str
    #: Of the place after which a page begins.
    after: str
    #: Before and after all that there is.
    lowest: str
    highest: str

    def then(self) -> str:
        """What account `a` was sorted by when the first page was read."""
        return f"""coalesce((
            SELECT c.{self.before} FROM account_order_change c
            WHERE c.account_id = a.id AND c.{self.before} IS NOT NULL AND NOT {_SAW.format("c")}
            ORDER BY c.id LIMIT 1), {self.now})"""


_SAW = "pg_visible_in_snapshot({}.xid, @snapshot::text::pg_snapshot)"

_NAMES = _Key("a.name_key", "name_before", "@name", "''", "repeat(chr(1114111), 200)")
_LOGINS = _Key(
    _LOGIN,
    "login_before",
    "coalesce(@last_login_at::timestamptz, '-infinity')",
    "timestamptz '-infinity'",
    "timestamptz 'infinity'",
)


def _key(asked: Asked) -> _Key | None:
    return {AccountOrder.ID: None, AccountOrder.LAST_LOGIN: _LOGINS}.get(asked.order, _NAMES)


def _way(asked: Asked) -> tuple[str, str]:
    """How what comes later compares, and the word that sorts so."""
    return ("<", " DESC") if asked.descending else (">", "")


#: The accounts of the district that are seen by their capacity, from an index for each way in which they can stand: so
#: that few among many, and many of one kind in a row, are not looked for among the others.
#: By account_ids, account_names, account_logins.
_STANDING = [
    (capacity, status) for capacity in ("STUDENT", "GUARDIAN") for status in ("ACTIVE", "NOT_ACTIVATED", "DISABLED")
]


def _each(asked: Asked, select: str, by: str, where: str = "") -> str:
    """`select` from the accounts `a` in reach that are wanted and on which `where` holds, wherever they are: of each
    part as many as a page can need, sorted."""
    placed = f"\n  AND {_placed(asked)}" if _at(asked) else ""
    rest = f"{_ALIVE}{placed}{_conditions(asked, apart_from='status')}{where}"
    ways = [
        f"""({select} FROM account a
  WHERE a.capacity = '{capacity}' AND '{capacity}' = ANY ($3::text[]) AND a.status = '{status}'
  {f"AND '{status}' = ANY (@status::text[]) " if "status" in asked.filters else ""}AND {rest}
  ORDER BY {by} LIMIT @limit)"""
        for capacity, status in _STANDING
    ]
    others = f"""({select} FROM {_gathered(asked) if asked.at_schools else _own(asked)} AS a
  WHERE a.capacity <> ALL ($3::text[]) AND {_ALIVE}{_conditions(asked)}{where}
  ORDER BY {by} LIMIT @limit)"""
    return "\n  UNION ALL\n".join([*ways, others])


def _cut_by_id(asked: Asked) -> str:
    """By an id that is not that of the primary key, in which those who stand alike would be looked for among all."""
    after, descending = _way(asked)
    where = f" AND a.id + 0 {after} @after" if asked.later else ""
    if asked.in_district:
        found = _each(asked, "SELECT a.id + 0 AS id", f"a.id + 0{descending}", where)
    else:
        found = f"SELECT a.id FROM {_gathered(asked)} AS a WHERE {_ALIVE}{_conditions(asked)}{where}"
    return f"cut AS (SELECT id FROM ({found}) AS found ORDER BY id{descending} LIMIT @limit)"


def _cut_at_schools(asked: Asked, key: _Key) -> str:
    after, descending = _way(asked)
    place, where = (key.then(), f" WHERE (place, id) {after} ({key.after}, @after)") if asked.later else (key.now, "")
    return f"""cut AS (
    SELECT id, place FROM (
        SELECT a.id, {place} AS place FROM {_gathered(asked)} AS a WHERE {_ALIVE}{_conditions(asked)}
    ) AS found{where} ORDER BY place{descending}, id{descending} LIMIT @limit
)"""


def _cut_in_district(asked: Asked, key: _Key, *, where: str = "", after_id: str = "@after", name: str = "cut") -> str:
    """The accounts that have not moved from an index, and the moved ones from that of what they were sorted by: no
    further than the page goes without them."""
    after, descending = _way(asked)
    order = f"place{descending}, id{descending}"
    select, by = f"SELECT a.id, {key.now} AS place", f"{key.now}{descending}, a.id{descending}"
    if not asked.later:
        found = _each(asked, select, by, where)
        return f"{name} AS (SELECT id, place FROM ({found}) AS found ORDER BY {order} LIMIT @limit)"
    until, last, last_id = (">=", key.lowest, "0") if asked.descending else ("<=", key.highest, "9223372036854775807")
    stayed = f"""{where} AND ({key.now}, a.id) {after} ({key.after}, {after_id})
          AND NOT EXISTS (
              SELECT FROM account_order_change c
              WHERE c.account_id = a.id AND c.{key.before} IS NOT NULL AND NOT {_SAW.format("c")} OFFSET 0)"""
    placed = f"\n  AND {_placed(asked)}" if _at(asked) else ""
    return f"""stayed AS MATERIALIZED (
    SELECT id, place FROM ({_each(asked, select, by, stayed)}) AS found ORDER BY {order} LIMIT @limit
), last AS MATERIALIZED (
    SELECT id, place FROM stayed ORDER BY {order} OFFSET @limit - 1
), moved AS (
    SELECT a.id, c.{key.before} AS place FROM account_order_change c JOIN account a ON a.id = c.account_id
    WHERE c.{key.before} IS NOT NULL AND (c.{key.before}, c.account_id) {after} ({key.after}, {after_id})
      AND (c.{key.before}, c.account_id) {until}
          (coalesce((SELECT place FROM last), {last}), coalesce((SELECT id FROM last), {last_id}))
      AND NOT {_SAW.format("c")}
      AND NOT EXISTS (
          SELECT FROM account_order_change earlier
          WHERE earlier.account_id = c.account_id AND earlier.id < c.id AND earlier.{key.before} IS NOT NULL
            AND NOT {_SAW.format("earlier")} OFFSET 0)
      AND {SEEN}{placed}{_conditions(asked)}{where}
), {name} AS (
    SELECT id, place FROM (SELECT id, place FROM stayed UNION ALL SELECT id, place FROM moved) AS found
    ORDER BY {order} LIMIT @limit
)"""


#: The schools at which the asker sees anybody; those of the own account too. `school` is one of them.
_IN_REACH = f"""('STUDENT' = ANY ($3) OR 'GUARDIAN' = ANY ($3) OR school.id = ANY ($4) OR school.id = ANY ($5)
      OR school.id IN (SELECT place.school_id FROM account a CROSS JOIN LATERAL ({PLACES}) AS place WHERE a.id = $1))"""


def _cut_by_school(asked: Asked) -> str:
    """School after school, as many as the page needs; of each, those for whom there is no earlier one. Then, if it is
    not full, those who are at no school."""
    after, descending = _way(asked)
    place, schools, rest = _NAMES.now, "", ""
    if "school" in asked.filters:
        schools = " AND school.id = @school"
    if asked.later:
        place = _NAMES.then()
        schools += f" AND (school.name, school.id) {after}= (@school_name::text, @school_place::bigint)"
        rest = f"""
            AND ((s.name, s.id) <> (@school_name::text, @school_place::bigint)
                 OR (a.place, a.id) {after} (@name, @after))"""
    placed = f"""placed AS MATERIALIZED (
    SELECT s.name AS school_name, s.id AS school_id, held.place, held.id
    FROM (
        SELECT school.id, school.name FROM school WHERE {_IN_REACH}{schools}
        ORDER BY school.name{descending}, school.id{descending}
    ) AS s
    CROSS JOIN LATERAL (
        SELECT a.id, a.place FROM (
            SELECT a.id, a.capacity, a.person_id, {place} AS place
            FROM {_gathered_at_one(asked)} AS a WHERE {_ALIVE}{_conditions(asked)}
            ORDER BY place{descending}, a.id{descending} OFFSET 0
        ) AS a
        WHERE NOT EXISTS (
                SELECT FROM ({PLACES}) AS place JOIN school earlier ON earlier.id = place.school_id
                WHERE (earlier.name, earlier.id) < (s.name, s.id){f" AND {_at(asked)}" if _at(asked) else ""}){rest}
        ORDER BY a.place{descending}, a.id{descending} LIMIT @limit
    ) AS held
    ORDER BY s.name{descending}, s.id{descending}, held.place{descending}, held.id{descending} LIMIT @limit
)"""
    order = f"school_id IS NULL, school_name{descending}, school_id{descending}, place{descending}, id{descending}"
    if _at(asked):
        return f"{placed}, cut AS (SELECT * FROM placed)"
    where = f" AND (SELECT count(*) FROM placed) < @limit AND NOT {_placed(asked)}"
    if asked.at_schools:
        where += " AND a.id = $1"
        if asked.later:
            where += f" AND (a.name_key, a.id) {after} (@nowhere_name, @nowhere_after)"
        nowhere = (
            f"nowhere AS (SELECT a.id, a.name_key AS place FROM account a WHERE {SEEN}{_conditions(asked)}{where})"
        )
    else:
        key = replace(_NAMES, after="@nowhere_name")
        nowhere = _cut_in_district(asked, key, where=where, after_id="@nowhere_after", name="nowhere")
    return f"""{placed}, {nowhere}, cut AS (
    SELECT * FROM (
        SELECT school_name, school_id, place, id FROM placed UNION ALL SELECT NULL, NULL, place, id FROM nowhere
    ) AS found
    ORDER BY {order} LIMIT @limit
)"""


# ------------------------------------------------------------------------------------------------ statements
#: What is shown of account `a` and its holder `p`.
COLUMNS = f"""a.id AS account_id, a.capacity, a.status, a.disabled_reason, a.activated_at, a.last_login_at,
       {LOCKED_UNTIL} AS locked_until,
       p.id AS person_id, p.given, p.middle, p.family, p.suffix, p.preferred"""


@lru_cache(maxsize=1024)
def page(asked: Asked) -> Statement:
    """A page of accounts, each with what its place is made of; in one row at least, if the total is asked for."""
    _, descending = _way(asked)
    key = _key(asked)
    by: tuple[str, ...]
    if asked.order is AccountOrder.SCHOOL:
        cut, place = _cut_by_school(asked), "cut.place AS place_name, cut.school_name, cut.school_id"
        by = ("school_id IS NULL", f"school_name{descending}", f"school_id{descending}", f"place_name{descending}")
    elif key is None:
        cut, place, by = _cut_by_id(asked), "", ()
    else:
        cut = _cut_in_district(asked, key) if asked.in_district else _cut_at_schools(asked, key)
        if key is _NAMES:
            place, by = "cut.place AS place_name", (f"place_name{descending}",)
        else:
            never = "LAST" if asked.descending else "FIRST"
            place, by = "nullif(cut.place, '-infinity') AS place_login", (f"place_login{descending} NULLS {never}",)
    if key is not None:
        place = f",\n       {place}, {'@snapshot::text' if asked.later else 'pg_current_snapshot()::text'} AS snapshot"
    schools = SCHOOLS if asked.with_schools else "NULL"
    text = f"""SELECT {COLUMNS}, {schools} AS schools{place}
FROM cut JOIN account a ON a.id = cut.id JOIN person p ON p.id = a.person_id WHERE {SEEN}"""
    order = ", ".join((*by, f"account_id{descending}"))
    if asked.with_total:
        counted = f"SELECT count(*) AS total FROM {_source(asked)} WHERE {_seen(asked)}"
        text = f"SELECT counted.total, page.* FROM ({counted}) AS counted LEFT JOIN ({text}) AS page ON true"
    else:
        text = f"SELECT page.* FROM ({text}) AS page"
    return _statement(f"WITH {cut}\n{text}\nORDER BY {order}")


@lru_cache(maxsize=1024)
def count(asked: Asked) -> Statement:
    """How many there are."""
    return _statement(f"SELECT count(*) AS count FROM {_source(asked)} WHERE {_seen(asked)}")


@lru_cache(maxsize=1024)
def count_by(asked: Asked, by: str) -> Statement:
    """How many there are of each `STATUS`, `CAPACITY`, `SCHOOL` or `GRADE_LEVEL`."""
    source, seen = _source(asked), _seen(asked)
    if by in {"STATUS", "CAPACITY"}:
        key = _STATUS if by == "STATUS" else "a.capacity"
        return _statement(f"SELECT {key} AS key, count(*) AS count FROM {source} WHERE {seen} GROUP BY 1 ORDER BY 1")
    key = "school_id" if by == "SCHOOL" else "grade_level"
    return _statement(_count_places(asked, key) if asked.in_district else _count_gathered(asked, key))


# An account with places in two schools counts in both, and once in each.
def _count_gathered(asked: Asked, key: str) -> str:
    where = f" WHERE {_at(asked)}" if _at(asked) else ""
    return f"""SELECT there.key::text AS key, count(*) AS count
FROM {_source(asked)}
LEFT JOIN LATERAL (SELECT DISTINCT place.{key} AS key FROM ({PLACES}) AS place{where}) AS there ON true
WHERE {_seen(asked)} GROUP BY there.key ORDER BY there.key NULLS FIRST"""


#: `PLACES` of all accounts at once, for whoever counts the district.
_ALL_PLACES = f"""
    SELECT a.id, place.{{key}} AS key
    FROM (
        SELECT e.school_id, e.grade_level, e.student_id AS person_id, 'STUDENT' AS capacity
        FROM enrolment e WHERE {CURRENT}
        UNION ALL
        SELECT e.school_id, e.grade_level, g.guardian_id, 'GUARDIAN'
        FROM enrolment e JOIN guardianship g ON g.student_id = e.student_id AND g.status <> 'REVOKED' WHERE {CURRENT}
    ) AS place
    JOIN account a ON a.person_id = place.person_id AND a.capacity = place.capacity
    WHERE (a.id = $1 OR a.capacity = ANY ($3::text[])
           OR place.school_id = ANY (CASE a.capacity WHEN 'STUDENT' THEN $4::bigint[] ELSE $5::bigint[] END))"""


def _count_places(asked: Asked, key: str) -> str:
    """All places are sorted once, by account: so that each key of an account is counted once, and each account that
    has any; the others have none."""
    places = _ALL_PLACES.format(key=key) + (f" AND {_at(asked)}" if _at(asked) else "")
    wanted = f"{SEEN}{_conditions(asked, lazily=False)}"
    counted = f"""counted AS MATERIALIZED (
    SELECT key, count(*) AS count, count(*) FILTER (WHERE is_first) AS accounts
    FROM (
        SELECT key, id IS DISTINCT FROM lag(id) OVER (ORDER BY id) AS is_first
        FROM (SELECT DISTINCT id, key FROM ({places} AND {wanted}) AS place) AS once
    ) AS each GROUP BY key
)"""
    nowhere = f"""
    UNION ALL
    SELECT NULL, (SELECT count(*) FROM account a WHERE {wanted}) - (SELECT coalesce(sum(accounts), 0) FROM counted)"""
    return f"""WITH {counted}
SELECT key::text AS key, sum(count)::bigint AS count
FROM (SELECT key, count FROM counted{"" if _at(asked) else nowhere}) AS found
GROUP BY found.key HAVING sum(count) > 0 ORDER BY found.key NULLS FIRST"""


def _statement(text: str) -> Statement:
    """SQL with numbers for the names of its values."""
    names: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 6}"

    return Statement(re.sub(r"@(\w+)", numbered, text), tuple(names))

"""The statements in which accounts are read page by page, made of the parts that are asked for (`account_parts`).

**Where the accounts come from.** Whoever sees all accounts of a capacity reads them from an index in the order that is
asked for, as far as the page goes. For everybody else they are gathered from the schools in reach: a page then costs
what a school has, and not what the district has. `SEEN` decides in either case; of what is gathered, when the page is
cut.

**While accounts change.** A page begins after a place, and what an account stands by may change between two pages: it
would be shown twice, or never. So a place says which transactions the first page saw, and each page finds the accounts
where they stood then: one that a later transaction moved stands by what `account_order_change` has of its first such
move, and all others by what they stand by now. Which of them are wanted is asked of the accounts as they are now.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from db.queries.account_parts import (
    ALIVE,
    LOGIN,
    Asked,
    Statement,
    at,
    conditions,
    gathered,
    gathered_at_one,
    own_account,
    placed_at,
    seen,
    source,
    statement,
)
from db.queries.accounts_wanted import AccountOrder
from db.queries.logins import LOCKED_UNTIL
from db.queries.reach import PLACES, SCHOOLS, SEEN


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
    LOGIN,
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
    placed = f"\n  AND {placed_at(asked)}" if at(asked) else ""
    rest = f"{ALIVE}{placed}{conditions(asked, apart_from='status')}{where}"
    ways = [
        f"""({select} FROM account a
  WHERE a.capacity = '{capacity}' AND '{capacity}' = ANY ($3::text[]) AND a.status = '{status}'
  {f"AND '{status}' = ANY (@status::text[]) " if "status" in asked.filters else ""}AND {rest}
  ORDER BY {by} LIMIT @limit)"""
        for capacity, status in _STANDING
    ]
    others = f"""({select} FROM {gathered(asked) if asked.at_schools else own_account(asked)} AS a
  WHERE a.capacity <> ALL ($3::text[]) AND {ALIVE}{conditions(asked)}{where}
  ORDER BY {by} LIMIT @limit)"""
    return "\n  UNION ALL\n".join([*ways, others])


def _cut_by_id(asked: Asked) -> str:
    """By an id that is not that of the primary key, in which those who stand alike would be looked for among all."""
    after, descending = _way(asked)
    where = f" AND a.id + 0 {after} @after" if asked.later else ""
    if asked.in_district:
        found = _each(asked, "SELECT a.id + 0 AS id", f"a.id + 0{descending}", where)
    else:
        found = f"SELECT a.id FROM {gathered(asked)} AS a WHERE {ALIVE}{conditions(asked)}{where}"
    return f"cut AS (SELECT id FROM ({found}) AS found ORDER BY id{descending} LIMIT @limit)"


def _cut_at_schools(asked: Asked, key: _Key) -> str:
    after, descending = _way(asked)
    place, where = (key.then(), f" WHERE (place, id) {after} ({key.after}, @after)") if asked.later else (key.now, "")
    return f"""cut AS (
    SELECT id, place FROM (
        SELECT a.id, {place} AS place FROM {gathered(asked)} AS a WHERE {ALIVE}{conditions(asked)}
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
    placed = f"\n  AND {placed_at(asked)}" if at(asked) else ""
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
      AND {SEEN}{placed}{conditions(asked)}{where}
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
            FROM {gathered_at_one(asked)} AS a WHERE {ALIVE}{conditions(asked)}
            ORDER BY place{descending}, a.id{descending} OFFSET 0
        ) AS a
        WHERE NOT EXISTS (
                SELECT FROM ({PLACES}) AS place JOIN school earlier ON earlier.id = place.school_id
                WHERE (earlier.name, earlier.id) < (s.name, s.id){f" AND {at(asked)}" if at(asked) else ""}){rest}
        ORDER BY a.place{descending}, a.id{descending} LIMIT @limit
    ) AS held
    ORDER BY s.name{descending}, s.id{descending}, held.place{descending}, held.id{descending} LIMIT @limit
)"""
    order = f"school_id IS NULL, school_name{descending}, school_id{descending}, place{descending}, id{descending}"
    if at(asked):
        return f"{placed}, cut AS (SELECT * FROM placed)"
    where = f" AND (SELECT count(*) FROM placed) < @limit AND NOT {placed_at(asked)}"
    if asked.at_schools:
        where += " AND a.id = $1"
        if asked.later:
            where += f" AND (a.name_key, a.id) {after} (@nowhere_name, @nowhere_after)"
        nowhere = f"nowhere AS (SELECT a.id, a.name_key AS place FROM account a WHERE {SEEN}{conditions(asked)}{where})"
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
    by: tuple[str, ...] = ()
    if asked.order is AccountOrder.SCHOOL:
        cut, place = _cut_by_school(asked), "cut.place AS place_name, cut.school_name, cut.school_id"
        by = ("school_id IS NULL", f"school_name{descending}", f"school_id{descending}", f"place_name{descending}")
    elif key is None:
        cut, place = _cut_by_id(asked), ""
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
        counted = f"SELECT count(*) AS total FROM {source(asked)} WHERE {seen(asked)}"
        text = f"SELECT counted.total, page.* FROM ({counted}) AS counted LEFT JOIN ({text}) AS page ON true"
    else:
        text = f"SELECT page.* FROM ({text}) AS page"
    return statement(f"WITH {cut}\n{text}\nORDER BY {order}")

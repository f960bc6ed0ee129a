"""Accounts as staff may know of them: one, a page, and how many. No username and no address is read here."""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import date, datetime

import orjson

from db import sql
from db.queries import account_counts, account_pages
from db.queries.account_pages import COLUMNS
from db.queries.account_parts import Asked
from db.queries.accounts_wanted import AccountOrder, EmailProblem, Page, Place, Wanted
from db.queries.reach import SCHOOLS, SEEN, AccountReach
from db.sql import Row

__all__ = [
    "AccountOrder",
    "EmailProblem",
    "Page",
    "Place",
    "Wanted",
    "count",
    "count_by",
    "one",
    "page",
    "schools_of_one",
]


# Uses account_pkey.
ONE = f"""SELECT {COLUMNS}, CASE WHEN $7 THEN {SCHOOLS} END AS schools
FROM account a JOIN person p ON p.id = a.person_id WHERE a.id = $6 AND {SEEN}
"""
# Uses account_pkey.
SCHOOLS_OF_ONE = f"SELECT {SCHOOLS} AS schools FROM account a WHERE a.id = $6 AND {SEEN}"


def asked_for(reach: AccountReach, wanted: Wanted) -> Asked:
    """What a statement has to have parts for."""
    filters: dict[str, bool] = {
        "school": wanted.school_id is not None,
        "grade": wanted.grade_level is not None,
        "capacity": wanted.capacity is not None,
        "disabled_reason": wanted.disabled_reason is not None,
        "last_login_before": wanted.last_login_before is not None,
        "never_logged_in": wanted.never_logged_in is True,
        "logged_in": wanted.never_logged_in is False,
        "not_signed_in_since": wanted.not_signed_in_since is not None,
        "key_outstanding": wanted.key_outstanding is True,
        "no_key_outstanding": wanted.key_outstanding is False,
        **{problem: wanted.email is problem for problem in EmailProblem},
    }
    near = reach.at(wanted.school_id)
    return Asked(
        in_district=bool(near.everywhere),
        at_schools=not near.everywhere or any(part and not part.everywhere for part in (near.students, near.guardians)),
        filters=frozenset(name for name, is_there in filters.items() if is_there) | _ways(wanted),
    )


def _ways(wanted: Wanted) -> set[str]:
    """The filters by how accounts stand. A lock is a wait of an account that is `ACTIVE`."""
    ways = _standing(wanted)
    if ways is None:
        return set()
    if ways == {"LOCKED"}:
        return {"only_locked"}
    if ("LOCKED" in ways) == ("ACTIVE" in ways):
        return {"status"}
    return {"status", "locked" if "LOCKED" in ways else "not_locked"}


def _opened(wanted: Wanted) -> bool:
    """Whether only accounts can be wanted that were opened: nobody logs in to another one."""
    return (
        wanted.never_logged_in is False
        or wanted.last_login_before is not None
        or wanted.not_signed_in_since is not None
    )


def _standing(wanted: Wanted) -> AbstractSet[str] | None:
    """The words of the status that are wanted, as far as other filters leave any."""
    ways = None if wanted.status is None else set(wanted.status)
    for only, is_asked in (
        ({"DISABLED"}, wanted.disabled_reason is not None),
        ({"NOT_ACTIVATED"}, wanted.key_outstanding),
        ({"ACTIVE", "LOCKED", "DISABLED"}, _opened(wanted)),
    ):
        if is_asked:
            ways = only if ways is None else ways & only
    return ways


def values_for(reach: AccountReach, wanted: Wanted, now: datetime) -> dict[str, object]:
    """All that a statement may take beside what the reach gives, by name."""
    near = reach.at(wanted.school_id)
    ways = _standing(wanted) or set()
    return {
        "school": wanted.school_id,
        "grade": wanted.grade_level,
        "now": now,
        "capacity": wanted.capacity,
        "status": sorted({"ACTIVE" if way == "LOCKED" else way for way in ways}),
        "disabled_reason": None if wanted.disabled_reason is None else list(wanted.disabled_reason),
        "last_login_before": wanted.last_login_before,
        "not_signed_in_since": wanted.not_signed_in_since,
        # Of whom all are seen, none need to be gathered.
        "student_schools": [] if near.students.everywhere else sorted(near.students.schools),
        "guardian_schools": [] if near.guardians.everywhere else sorted(near.guardians.schools),
    }


def _start(after: Place, *, descending: bool) -> dict[str, object]:
    """The values that say where a page begins."""
    school, place = after.school or (None, None)
    nowhere = (after.name, after.account_id) if after.school is None else _LAST if descending else _FIRST
    return {
        "after": after.account_id,
        "name": after.name,
        "school_name": school,
        "school_place": place,
        "nowhere_name": nowhere[0],
        "nowhere_after": nowhere[1],
        "last_login_at": after.last_login_at,
        "snapshot": after.snapshot,
    }


#: Before and after all names and ids that there are.
_FIRST, _LAST = ("", 0), ("\U0010ffff" * 200, 2**63 - 1)


def _with_schools(found: Row) -> Row:
    return found | {"schools": None if found["schools"] is None else orjson.loads(found["schools"])}


async def one(reach: AccountReach, account_id: int, *, on: date, with_schools: bool) -> Row | None:
    """The account with this id, if it is in reach."""
    found = await sql.row(ONE, *reach.values(on), account_id, with_schools)
    return None if found is None else _with_schools(found)


async def schools_of_one(reach: AccountReach, account_id: int, *, on: date) -> list[Row]:
    """The schools of an account in reach, as far as they are."""
    found = await sql.row(SCHOOLS_OF_ONE, *reach.values(on), account_id)
    schools: list[Row] = orjson.loads(found["schools"]) if found else []
    return schools


async def page(
    reach: AccountReach,
    wanted: Wanted,
    *,
    order: AccountOrder = AccountOrder.ID,
    descending: bool = False,
    on: date,
    now: datetime,
    with_schools: bool = False,
    with_total: bool = False,
    after: Place | None = None,
    limit: int,
) -> Page:
    """Accounts in reach in an order, from the one after that place, `limit` at most.

    `after` is the `place` of a row of the page before, which was read in the same order and direction.
    """
    asked = replace(
        asked_for(reach, wanted),
        order=order,
        descending=descending,
        later=after is not None,
        with_schools=with_schools,
        with_total=with_total,
    )
    statement = account_pages.page(asked)
    named = values_for(reach, wanted, now) | {"limit": limit}
    if after is not None:
        named |= _start(after, descending=descending)
    found = await sql.rows(statement.text, *statement.values(reach.values(on), named))
    total = found[0]["total"] if with_total else None
    return Page([_placed(_with_schools(row)) for row in found if row["account_id"] is not None], total)


def _placed(row: Row) -> Row:
    """A row of a page, with its place."""
    school = row.get("school_id")
    place = Place(
        row["account_id"],
        name=row.get("place_name", ""),
        school=None if school is None else (row["school_name"], school),
        last_login_at=row.get("place_login"),
        snapshot=row.get("snapshot"),
    )
    return row | {"place": place}


async def count(reach: AccountReach, wanted: Wanted, *, on: date, now: datetime) -> int:
    """How many accounts `page` gives in all."""
    statement = account_counts.count(asked_for(reach, wanted))
    [row] = await sql.rows(statement.text, *statement.values(reach.values(on), values_for(reach, wanted, now)))
    counted: int = row["count"]
    return counted


async def count_by(
    reach: AccountReach, wanted: Wanted, by: str, *, on: date, now: datetime
) -> list[tuple[str | None, int]]:
    """How many of them there are of each `STATUS`, `CAPACITY`, `SCHOOL` (its id) or `GRADE_LEVEL`."""
    statement = account_counts.count_by(asked_for(reach, wanted), by)
    found = await sql.rows(statement.text, *statement.values(reach.values(on), values_for(reach, wanted, now)))
    return [(row["key"], row["count"]) for row in found]

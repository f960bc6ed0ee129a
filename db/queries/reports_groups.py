"""How many accounts in reach there are of each kind, by one thing or by two at once; in one statement."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache

from db import sql
from db.queries import account_parts as parts
from db.queries import reporting
from db.queries.account_counts import ALL_PLACES
from db.queries.account_parts import Asked, Statement
from db.queries.reach import PLACES, SEEN, AccountReach
from db.queries.reporting import Wanted
from db.sql import Row

#: Of these an account may have several; it counts in each of them once.
_OF_PLACES = {"SCHOOL": "school_id", "GRADE_LEVEL": "grade_level"}
_OF_ACCOUNTS = {"STATUS": parts.STATUS, "CAPACITY": "a.capacity", "DISABLED_REASON": "a.disabled_reason"}


@lru_cache(maxsize=1024)
def statement(asked: Asked, by: tuple[str, ...]) -> Statement:
    """How many accounts there are of each kind, of what `by` names: the words of `groups`, in their order."""
    keys = [f"{_OF_ACCOUNTS[word]} AS {word.lower()}" for word in by if word in _OF_ACCOUNTS]
    places = [_OF_PLACES[word] for word in by if word in _OF_PLACES]
    source, where = parts.source(asked), parts.seen(asked)
    if places and asked.in_district:
        source, where = _placed_in_district(asked, places)
    elif places:
        source = f"{source} {_placed_at_schools(asked, places)}"
    keys += [f"there.{place}" for place in places]
    numbers = ", ".join(str(number) for number in range(1, len(keys) + 1))
    counted = f"SELECT {', '.join(keys)}, count(*) AS count FROM {source} WHERE {where} GROUP BY {numbers}"
    if "school_id" not in places:
        order = ", ".join(f"{word.lower()} NULLS FIRST" for word in by)
        return parts.statement(f"{counted} ORDER BY {order}")
    order = ", ".join(
        "school.name NULLS FIRST, counted.school_id" if word == "SCHOOL" else f"counted.{word.lower()} NULLS FIRST"
        for word in by
    )
    return parts.statement(f"""SELECT counted.*, school.name AS school
FROM ({counted}) AS counted LEFT JOIN school ON school.id = counted.school_id
ORDER BY {order}""")


def _placed_at_schools(asked: Asked, places: list[str]) -> str:
    """The places of each account that was gathered from the schools in reach."""
    at = parts.at(asked)
    shown = ", ".join(f"place.{place}" for place in places)
    return f"""
LEFT JOIN LATERAL (
    SELECT DISTINCT {shown} FROM ({PLACES}) AS place{f" WHERE {at}" if at else ""}
) AS there ON true"""


def _placed_in_district(asked: Asked, places: list[str]) -> tuple[str, str]:
    """The places of all accounts, looked up together: as many look-ups as accounts would take too long."""
    at = parts.at(asked)
    found = ALL_PLACES.format(key="school_id, place.grade_level") + (f" AND {at}" if at else "")
    shown = ", ".join("place.key AS grade_level" if place == "grade_level" else f"place.{place}" for place in places)
    join = "JOIN" if at else "LEFT JOIN"
    source = f"account a {join} (SELECT DISTINCT place.id, {shown} FROM ({found}) AS place) AS there ON there.id = a.id"
    return source, f"{SEEN}{parts.conditions(asked)}"


async def groups(reach: AccountReach, wanted: Wanted, by: Sequence[str], *, on: date, now: datetime) -> list[Row]:
    """The accounts that `reporting.page` gives, counted by `STATUS`, `CAPACITY`, `DISABLED_REASON`, `SCHOOL` or
    `GRADE_LEVEL`, or by two of these; a school or grade counts where it is in reach and among what is wanted."""
    made = statement(reporting.asked_for(reach, wanted), tuple(by))
    return await sql.rows(made.text, *made.values(reach.values(on), reporting.values_for(reach, wanted, now)))

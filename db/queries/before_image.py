"""Rows that are changed, moved or taken out so that they can be put back as they were, whatever table they are of.

A row is kept as JSON, from which PostgreSQL makes the same row again: dates, moments and bytes included. Names of
tables and columns are never put into a statement unless they are among `COLUMNS`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from tortoise.exceptions import IntegrityError

from db import sql

Json = dict[str, Any]

_SAID: Final = ("begins_on", "ends_on", "decided_by")
#: table -> the columns that may change so that it can be taken back
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "person": ("source_id", "merged_into_id"),
    "student": ("ssn_state", "ssn_proof", "ssn_proof_version"),
    "guardianship": (
        *("guardian_id", "student_id", "status", "portal_access", "adult_access", "decided_by", "lives_with"),
        *("confirmed_at", "confirmed_by_id", "evidence", "revoked_at", "revoked_by_id", "revoked_reason"),
        *("consent_at", "consent_by_id", "consent_evidence"),
    ),
    "restriction": ("guardianship_id",),
    "household_member": ("person_id", "is_secondary", *_SAID),
    "enrolment": ("student_id", "grade_level", "begins_on", "ends_on"),
    "grade": ("student_id",),
    "attendance_event": ("student_id",),
    "verification": ("requester_id", "student_id"),
    "work_order": ("guardian_id", "student_id"),
    "letter": ("person_id",),
}


def _known(table: str, columns: Sequence[str] = ()) -> str:
    if table not in COLUMNS or not set(columns) <= set(COLUMNS[table]):
        raise ValueError(f"{table} has no such column to change: {', '.join(columns)}")
    return table


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


async def row_of(table: str, id_: int) -> Json | None:
    """The row as it is, locked until the transaction ends."""
    found = await sql.row(f"SELECT to_jsonb(t) AS row FROM {_known(table)} t WHERE t.id = $1 FOR UPDATE", id_)
    return None if found is None else orjson.loads(found["row"])


async def change(table: str, id_: int, patch: Json) -> Json:
    """Changes a row; returns its id and what the columns of the patch held before (`old`) and hold now (`new`)."""
    old = await row_of(table, id_)
    if old is None:
        raise LookupError(f"{table} {id_} is gone")
    columns = list(patch)
    told = ", ".join(f"{column} = said.{column}" for column in columns)
    [found] = await sql.rows(
        f"UPDATE {_known(table, columns)} t SET {told} FROM jsonb_populate_record(NULL::{table}, $2::jsonb) said "
        "WHERE t.id = $1 RETURNING to_jsonb(t) AS row",
        id_,
        _json(patch),
    )
    new = orjson.loads(found["row"])
    return {"id": id_, "old": {each: old[each] for each in columns}, "new": {each: new[each] for each in columns}}


async def holds_still(table: str, changed: Json) -> bool | None:
    """Whether a row holds what a change wrote into it, all of it; None when it is gone.

    Both are read as rows, so that a moment is the same whatever the time zone in which it was written down.
    """
    columns = list(changed["new"])
    now, then = (", ".join(f"{row}.{column}" for column in columns) for row in ("t", "said"))
    found = await sql.row(
        f"SELECT ROW({now}) IS NOT DISTINCT FROM ROW({then}) AS same "
        f"FROM {_known(table, columns)} t, jsonb_populate_record(NULL::{table}, $2::jsonb) said "
        "WHERE t.id = $1 FOR UPDATE OF t",
        changed["id"],
        _json(changed["new"]),
    )
    return None if found is None else bool(found["same"])


async def move(table: str, column: str, ids: Sequence[int] | None, *, of: int, to: int) -> list[int]:
    """Moves rows from one owner to another, these or (None) all; returns the ids of those that were moved."""
    found = await sql.rows(
        f"UPDATE {_known(table, [column])} SET {column} = $2 "
        f"WHERE {column} = $1 AND ($3::bigint[] IS NULL OR id = ANY ($3)) RETURNING id",
        of,
        to,
        None if ids is None else list(ids),
    )
    return sorted(row["id"] for row in found)


async def move_one(table: str, column: str, id_: int, *, of: int, to: int) -> bool:
    """Whether the row was where it was said to be, and there was room for it where it went."""
    try:
        async with sql.transaction():
            return await move(table, column, [id_], of=of, to=to) == [id_]
    except IntegrityError:
        return False


async def elsewhere(table: str, column: str, ids: Sequence[int], owner: int) -> int:
    """How many of these rows there still are that are not this owner's."""
    [found] = await sql.rows(
        f"SELECT count(*) AS count FROM {_known(table, [column])} "
        f"WHERE id = ANY ($1::bigint[]) AND {column} IS DISTINCT FROM $2",
        list(ids),
        owner,
    )
    counted: int = found["count"]
    return counted


async def take_out(table: str, id_: int) -> Json:
    """Takes a row out and returns it whole."""
    [found] = await sql.rows(f"DELETE FROM {_known(table)} t WHERE t.id = $1 RETURNING to_jsonb(t) AS row", id_)
    row: Json = orjson.loads(found["row"])
    return row


async def put_in(table: str, row: Json) -> bool:
    """Puts a whole row in; False when its place is taken."""
    try:
        async with sql.transaction():
            await sql.execute(
                f"INSERT INTO {_known(table)} SELECT said.* FROM jsonb_populate_record(NULL::{table}, $1::jsonb) said",
                _json(row),
            )
    except IntegrityError:
        return False
    return True

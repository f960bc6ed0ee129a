"""What lies on the registrar's desk: the guardianships of the students of the registrar's schools."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from db.context import Context
from db.models import GuardianshipStatus
from db.queries import registrar as queries
from db.queries.registrar import Wanted
from policies.words import Action
from resolvers.outcomes import (
    GuardianshipSeen,
    GuardianSummary,
    RestrictionInForce,
    School,
    StudentSummary,
)
from resolvers.reach import students_reached
from resolvers.reporting import name_of

__all__ = ["Wanted", "count", "guardianship", "guardianships", "student_summary"]


async def guardianship(ctx: Context, guardianship_id: int) -> GuardianshipSeen | None:
    """The guardianship with this id; None when it is absent, or not the asker's to see."""
    reach = students_reached(ctx, Action.GUARDIANSHIP_MANAGE)
    row = await queries.one(reach, guardianship_id, on=ctx.today) if reach else None
    return _guardianship(row) if row else None


async def guardianships(
    ctx: Context, wanted: Wanted, *, after: tuple[bool, int] | None, limit: int
) -> list[GuardianshipSeen]:
    """The guardianships that the asker may manage: claimed ones first, then by id; `limit` at most after a position."""
    reach = students_reached(ctx, Action.GUARDIANSHIP_MANAGE)
    rows = await queries.page(reach, wanted, on=ctx.today, after=after, limit=limit) if reach else []
    return [_guardianship(row) for row in rows]


async def count(ctx: Context, wanted: Wanted) -> int:
    """How many guardianships `guardianships` has in all."""
    reach = students_reached(ctx, Action.GUARDIANSHIP_MANAGE)
    return await queries.count(reach, wanted, on=ctx.today) if reach else 0


def student_summary(row: Mapping[str, Any], student_id: int) -> StudentSummary:
    """A student from the columns of a row with its `places`."""
    schools: dict[int, School] = {}
    for place in row["places"]:
        schools.setdefault(place["id"], School(place["id"], place["name"], place["phone"]))
    grade_level = row["places"][0]["grade_level"] if row["places"] else None
    return StudentSummary(student_id, name_of(row), list(schools.values()), grade_level)


def _guardianship(row: Mapping[str, Any]) -> GuardianshipSeen:
    return GuardianshipSeen(
        id=row["id"],
        guardian=GuardianSummary(row["guardian_id"], name_of(row, "guardian_")),
        student=student_summary(row, row["student_id"]),
        relationship=row["relationship"],
        status=GuardianshipStatus(row["status"]),
        portal_access=row["portal_access"],
        restriction=_restriction(row["restriction"]),
        confirmed_at=row["confirmed_at"],
    )


def _restriction(row: Mapping[str, Any] | None) -> RestrictionInForce | None:
    if row is None:
        return None
    ends_on = row["ends_on"]
    return RestrictionInForce(
        row["kind"], date.fromisoformat(row["begins_on"]), date.fromisoformat(ends_on) if ends_on else None
    )

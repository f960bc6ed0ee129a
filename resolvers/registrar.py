"""What lies on the registrar's desk: the guardianships of the students of the registrar's schools."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from db.context import Context
from db.models import DecidedBy, GuardianshipStatus
from db.queries import registrar as queries
from db.queries.registrar import Wanted
from db.sql import day
from policies.guardianship import last_birth_of_age, rights_pass_on
from policies.words import Action
from resolvers.outcomes import (
    GuardianshipSeen,
    GuardianSummary,
    Restriction,
    School,
    StudentSummary,
)
from resolvers.reach import students_reached
from resolvers.reporting import name_of

__all__ = ["Wanted", "birth_dates", "count", "guardianship", "guardianship_seen", "guardianships", "student_summary"]


async def guardianship(ctx: Context, guardianship_id: int) -> GuardianshipSeen | None:
    """The guardianship with this id; None when it is absent, or not the asker's to see."""
    reach = students_reached(ctx, Action.GUARDIANSHIP_MANAGE)
    row = await queries.one(reach, guardianship_id, on=ctx.today) if reach else None
    return guardianship_seen(row, ctx.today) if row else None


async def guardianships(
    ctx: Context, wanted: Wanted, *, after: tuple[bool, int] | None, limit: int
) -> list[GuardianshipSeen]:
    """The guardianships that the asker may manage: claimed ones first, then by id; `limit` at most after a position."""
    reach = students_reached(ctx, Action.GUARDIANSHIP_MANAGE)
    rows = await queries.page(reach, wanted, on=ctx.today, after=after, limit=limit) if reach else []
    return [guardianship_seen(row, ctx.today) for row in rows]


async def count(ctx: Context, wanted: Wanted) -> int:
    """How many guardianships `guardianships` has in all."""
    reach = students_reached(ctx, Action.GUARDIANSHIP_MANAGE)
    return await queries.count(reach, wanted, on=ctx.today) if reach else 0


def birth_dates(ctx: Context, within_days: int) -> tuple[date, date]:
    """After which birth date, and up to which, rights pass today or within so many days."""
    yesterday = last_birth_of_age(ctx.today - timedelta(days=1))
    return yesterday, last_birth_of_age(ctx.today + timedelta(days=within_days))


def student_summary(row: Mapping[str, Any], student_id: int) -> StudentSummary:
    """A student from the columns of a row with its `places`."""
    schools: dict[int, School] = {}
    for place in row["places"]:
        schools.setdefault(place["id"], School(place["id"], place["name"], place["phone"]))
    grade_level = row["places"][0]["grade_level"] if row["places"] else None
    return StudentSummary(student_id, name_of(row), list(schools.values()), grade_level)


def guardianship_seen(row: Mapping[str, Any], today: date) -> GuardianshipSeen:
    """From a row of `db.queries.registrar`."""
    restrictions = [_restriction(each) for each in row["restrictions"]]
    in_force = [each for each in restrictions if each.begins_on <= today]
    return GuardianshipSeen(
        id=row["id"],
        guardian=GuardianSummary(row["guardian_id"], name_of(row, "guardian_")),
        student=student_summary(row, row["student_id"]),
        relationship=row["relationship"],
        status=GuardianshipStatus(row["status"]),
        portal_access=row["portal_access"],
        lives_with=row["lives_with"],
        decided_by=DecidedBy(row["decided_by"]),
        confirmed_at=row["confirmed_at"],
        evidence=row["evidence"],
        revoked_at=row["revoked_at"],
        revoked_reason=row["revoked_reason"],
        rights_pass_on=rights_pass_on(row["birth_date"]),
        adult_access=row["adult_access"],
        consent_at=row["consent_at"],
        restrictions=restrictions,
        restriction=max(in_force, key=lambda each: each.ends_on or date.max, default=None),
    )


def _restriction(row: Mapping[str, Any]) -> Restriction:
    ends_on = row["ends_on"]
    return Restriction(
        kind=row["kind"],
        begins_on=day(row["begins_on"]),
        ends_on=day(ends_on) if ends_on else None,
        reason=row["reason"],
        decided_by=DecidedBy(row["decided_by"]),
    )

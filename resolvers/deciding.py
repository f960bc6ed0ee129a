"""What every decision about a guardianship has in common: who may take it, what it withdraws, and who is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from db.context import Capacity, Context, Viewer
from db.models import GuardianshipStatus
from db.queries import guardianships as queries
from db.queries import portal as portal_queries
from db.sql import Row
from mail.outbox import Addressee, GuardianshipChange, LetterKind, Withdrawn, promise
from policies.guardianship import GuardianshipFacts, Standing, of_age, standing, standing_of
from policies.refusals import NotFound
from policies.words import Action
from resolvers.charge import refuse_family, require_for_students
from resolvers.outcomes import GuardianshipSeen
from resolvers.registrar import guardianship
from resolvers.step import StepTaken
from resolvers.told import KEPT_AWAY, addressees

#: After which a guardian may see less than before.
_TAKES_AWAY: Final = frozenset(
    {
        GuardianshipChange.REVOKED,
        GuardianshipChange.RESTRICTED,
        GuardianshipChange.PORTAL_TAKEN,
        GuardianshipChange.CONSENT_WITHDRAWN,
    }
)
#: After which whoever was a guardian may hold what is the student's alone. One that begins later counts too: nothing
#: happens on that day but that it begins.
_ENDS_TRUST: Final = frozenset({GuardianshipChange.REVOKED, GuardianshipChange.RESTRICTED})
#: In which a guardian hears nothing about a student's keys any more.
_NOT_TOLD: Final = frozenset({Standing.REVOKED, Standing.RESTRICTED, Standing.RIGHTS_PASSED})


@dataclass(frozen=True, slots=True)
class Tie:
    """A guardianship that is being decided about, locked until the step ends."""

    id: int
    status: GuardianshipStatus
    portal_access: bool
    adult_access: bool
    consent_at: datetime | None


@asynccontextmanager
async def deciding(ctx: Context, step: StepTaken, registrar: Viewer, guardianship_id: int) -> AsyncIterator[Tie]:
    """The one way to a guardianship that is to be changed, in the transaction of what is changed.

    Raises:
        NotFound: no such guardianship.
        NotAllowed: with what is missing: the school of the student, or somebody else who is no relative.
    """
    async with step.transaction():
        found = await queries.pair(guardianship_id)
        if found is None:
            raise NotFound
        guardian_id, student_id = found["guardian_id"], found["student_id"]
        note_pair(step, guardian_id, student_id)
        step.note.details["guardianship"] = guardianship_id
        await require_for_students(ctx, step, Action.GUARDIANSHIP_MANAGE, [student_id])
        await refuse_family(ctx, registrar, [guardian_id, student_id])
        await queries.lock_person(guardian_id)
        held = await queries.lock(guardianship_id)
        if held is None or held["guardian_id"] != guardian_id:
            # Two records were made one meanwhile.
            raise NotFound
        step.note.details["was"] = held["status"]
        yield Tie(
            id=guardianship_id,
            status=GuardianshipStatus(held["status"]),
            portal_access=held["portal_access"],
            adult_access=held["adult_access"],
            consent_at=held["consent_at"],
        )


def note_pair(step: StepTaken, guardian_id: int, student_id: int) -> None:
    """For the trail: about whom it is. The person is the guardian."""
    step.note.about_person_id, step.note.about_student_id = guardian_id, student_id


async def decided(ctx: Context, step: StepTaken, guardianship_id: int, change: GuardianshipChange) -> GuardianshipSeen:
    """After the change, in its transaction: what is no longer so is withdrawn, letters are promised, the trail is told.

    Raises:
        NotFound: the guardianship is out of the registrar's sight.
    """
    held = await queries.lock(guardianship_id)
    if held is None:
        raise NotFound
    step.note.details |= {"guardianship": guardianship_id, "change": change.value}
    if change in _TAKES_AWAY:
        step.note.details |= await _withdrawn(ctx, held, change)
    told = await _told_of(ctx, held, change)
    facts = {"guardianship_id": guardianship_id, "change": change.value}
    step.note.details["letters"] = len(await promise(ctx, LetterKind.GUARDIANSHIP_CHANGED, told, facts))
    seen = await guardianship(ctx, guardianship_id)
    if seen is None:
        raise NotFound
    return seen


async def _withdrawn(ctx: Context, held: Row, change: GuardianshipChange) -> dict[str, int]:
    """Keys open nothing any more, and letters do not go, that are in hands in which they should not be."""
    guardian_id, student_id = held["guardian_id"], held["student_id"]
    standings = {
        row["id"]: standing_of(row, row["birth_date"], ctx.today)
        for row in await portal_queries.students_of_guardian(guardian_id, ctx.today, None)
    }
    sees_nobody = Standing.CONFIRMED not in standings.values()
    holders = [(guardian_id, Capacity.GUARDIAN)] if sees_nobody else []
    if change in _ENDS_TRUST:
        holders.append((student_id, Capacity.STUDENT))
    taken = {"keys_replaced": await queries.replace_keys(holders)}
    if sees_nobody or standings[student_id] in _NOT_TOLD:
        about = student_id if standings[student_id] in _NOT_TOLD else 0
        taken["letters_withdrawn"] = await queries.withdraw_letters(
            guardian_id, about, ctx.now, Withdrawn.OUTDATED.value, own_key=sees_nobody
        )
    return taken


async def _told_of(ctx: Context, held: Row, change: GuardianshipChange) -> list[Addressee]:
    """The guardian whom it concerns, other guardians with a say today, and the student who is of age.

    Whose rights have passed to the student hears no more about it than about anything else.
    """
    concerned, others, kept_away = [], [], []
    for row in await queries.guardians_of(held["student_id"], ctx.today):
        stands = standing(GuardianshipFacts.of(row, held["birth_date"]), on=ctx.today, seeing=False)
        is_concerned = row["person_id"] == held["guardian_id"]
        if stands in KEPT_AWAY or (is_concerned and change in _ENDS_TRUST):
            kept_away.append(row)
        if is_concerned:
            concerned.append(row)
        elif stands is Standing.CONFIRMED:
            others.append(row)
    if held["birth_date"] is not None and of_age(held["birth_date"], ctx.today):
        others.append(
            {"person_id": held["student_id"], "email": held["student_email"], "language": held["student_language"]}
        )
    return addressees(concerned, ()) + addressees(others, kept_away)

"""The registrar decides about guardianships: record, confirm, revoke, restrict, the portal mark, the student's consent.

Each decision takes effect with the next request. What it makes untrue is withdrawn in the same transaction, and
whoever is entitled to know is told: see `resolvers/deciding.py`.
"""

from datetime import date

from tortoise.exceptions import IntegrityError

from db.context import Context
from db.languages import say
from db.models import DecidedBy, Guardianship, GuardianshipStatus, Restriction
from db.queries import guardianships as queries
from db.trail import Step
from mail.outbox import GuardianshipChange
from policies import reasons
from policies.refusals import FieldProblem, InvalidInput, NotFound, WrongState
from policies.words import Action
from resolvers.charge import refuse_family, registrar_anywhere, require_for_students
from resolvers.deciding import decided, deciding, note_pair
from resolvers.outcomes import GuardianshipSeen
from resolvers.step import StepTaken, taking


# ------------------------------------------------------------------------------------------------ recording
async def record_guardianship(
    ctx: Context, *, guardian_id: int, student_id: int, relationship: str, evidence: str, portal_access: bool
) -> GuardianshipSeen:
    """A confirmed guardianship between two people on record between whom there is none.

    The guardian need not be at a school of the registrar's; one who had no account on record has one from now on.

    Raises:
        NotAllowed: with what is missing.
        NotFound: no such person, or no such student; a record that was merged into another one is nobody's.
        WrongState: there is a guardianship already, and where it stands.
        InvalidInput: no relationship, no evidence, or one person in both places.
    """
    async with taking(ctx, Step.RECORD_GUARDIANSHIP) as step:
        me = registrar_anywhere(ctx, step, Action.GUARDIANSHIP_MANAGE)
        called = reasons.few_words(relationship, "relationship")
        proof = reasons.noted(evidence, "evidence")
        step.note.details |= {"relationship": called, "evidence": proof, "portal_access": portal_access}
        note_pair(step, guardian_id, student_id)
        try:
            async with step.transaction():
                await require_for_students(ctx, step, Action.GUARDIANSHIP_MANAGE, [student_id])
                await refuse_family(ctx, me, [guardian_id, student_id])
                await _pair_that_can_be(guardian_id, student_id)
                await queries.add_account(guardian_id)
                made = await Guardianship.create(
                    guardian_id=guardian_id,
                    student_id=student_id,
                    relationship=called,
                    status=GuardianshipStatus.CONFIRMED,
                    portal_access=portal_access,
                    decided_by=DecidedBy.REGISTRAR,
                    confirmed_at=ctx.now,
                    confirmed_by_id=me.person_id,
                    evidence=proof,
                )
                return await decided(ctx, step, made.id, GuardianshipChange.RECORDED)
        except IntegrityError:
            # An import brought it in a moment ago.
            if standing := await queries.status_of_pair(guardian_id, student_id):
                raise WrongState(standing) from None
            raise


async def _pair_that_can_be(guardian_id: int, student_id: int) -> None:
    """Two people between whom there is nothing yet, and neither of whom is merged until the transaction ends."""
    if guardian_id == student_id:
        raise InvalidInput([FieldProblem(("input", "guardianId"), say("Nobody is their own guardian."))])
    # The lower id first, as a merge does.
    for person_id in sorted((guardian_id, student_id)):
        if not await queries.lock_person(person_id):
            raise NotFound
    if standing := await queries.status_of_pair(guardian_id, student_id):
        raise WrongState(standing)


# ------------------------------------------------------------------------------------------------ confirming, revoking
async def confirm_guardianship(ctx: Context, *, guardianship_id: int, evidence: str) -> GuardianshipSeen:
    """A guardianship that nobody has confirmed, or that was revoked, is confirmed from now on.

    Raises:
        NotAllowed, NotFound: as for every step of this desk.
        WrongState: it is confirmed.
        InvalidInput: no evidence.
    """
    async with taking(ctx, Step.CONFIRM_GUARDIANSHIP) as step:
        me = registrar_anywhere(ctx, step, Action.GUARDIANSHIP_MANAGE)
        proof = _told(step, "evidence", evidence)
        async with deciding(ctx, step, me, guardianship_id) as tie:
            if tie.status is GuardianshipStatus.CONFIRMED:
                raise WrongState(tie.status.name)
            await Guardianship.filter(id=tie.id).update(
                status=GuardianshipStatus.CONFIRMED,
                decided_by=DecidedBy.REGISTRAR,
                confirmed_at=ctx.now,
                confirmed_by_id=me.person_id,
                evidence=proof,
                revoked_at=None,
                revoked_by_id=None,
                revoked_reason=None,
            )
            return await decided(ctx, step, tie.id, GuardianshipChange.CONFIRMED)


async def revoke_guardianship(ctx: Context, *, guardianship_id: int, reason: str) -> GuardianshipSeen:
    """The guardian is none any more as far as the portal goes, whatever a roster says.

    Raises:
        NotAllowed, NotFound: as for every step of this desk.
        WrongState: it is revoked.
        InvalidInput: no good reason.
    """
    async with taking(ctx, Step.REVOKE_GUARDIANSHIP) as step:
        me = registrar_anywhere(ctx, step, Action.GUARDIANSHIP_MANAGE)
        why = _told(step, "reason", reason)
        async with deciding(ctx, step, me, guardianship_id) as tie:
            if tie.status is GuardianshipStatus.REVOKED:
                raise WrongState(tie.status.name)
            await Guardianship.filter(id=tie.id).update(
                status=GuardianshipStatus.REVOKED,
                decided_by=DecidedBy.REGISTRAR,
                revoked_at=ctx.now,
                revoked_by_id=me.person_id,
                revoked_reason=why,
            )
            return await decided(ctx, step, tie.id, GuardianshipChange.REVOKED)


# ------------------------------------------------------------------------------------------------ restricting, lifting
async def restrict_guardianship(
    ctx: Context, *, guardianship_id: int, kind: str, begins_on: date, ends_on: date | None, reason: str
) -> GuardianshipSeen:
    """A court order or the like holds from its first day to its last, wherever the guardianship stands otherwise.

    Several may stand at the same time. It is a word about what may be seen, and leaves the guardianship as it was
    decided.

    Raises:
        NotAllowed, NotFound: as for every step of this desk.
        InvalidInput: no kind, no good reason, or dates on which it would never hold.
    """
    async with taking(ctx, Step.RESTRICT_GUARDIANSHIP) as step:
        me = registrar_anywhere(ctx, step, Action.GUARDIANSHIP_MANAGE)
        called = reasons.few_words(kind, "kind")
        why = _told(step, "reason", reason)
        if ends_on is not None and ends_on < begins_on:
            message = say("The last day cannot come before the first one.")
            raise InvalidInput([FieldProblem(("input", "until"), message)])
        if ends_on is not None and ends_on < ctx.today:
            # Whoever mistyped a year would believe that somebody is kept away.
            message = say("This day is past: the restriction would never hold.")
            raise InvalidInput([FieldProblem(("input", "until"), message)])
        last = ends_on.isoformat() if ends_on else None
        step.note.details |= {"kind": called, "from": begins_on.isoformat(), "until": last}
        async with deciding(ctx, step, me, guardianship_id) as tie:
            await Restriction.create(
                guardianship_id=tie.id,
                kind=called,
                begins_on=begins_on,
                ends_on=ends_on,
                reason=why,
                decided_by=DecidedBy.REGISTRAR,
                entered_by_id=me.person_id,
            )
            return await decided(ctx, step, tie.id, GuardianshipChange.RESTRICTED)


async def lift_restriction(ctx: Context, *, guardianship_id: int, reason: str) -> GuardianshipSeen:
    """All restrictions on a guardianship that are in force, or will be, hold no more.

    Raises:
        NotAllowed, NotFound: as for every step of this desk.
        WrongState: there is none.
        InvalidInput: no good reason.
    """
    async with taking(ctx, Step.LIFT_RESTRICTION) as step:
        me = registrar_anywhere(ctx, step, Action.GUARDIANSHIP_MANAGE)
        why = _told(step, "reason", reason)
        async with deciding(ctx, step, me, guardianship_id) as tie:
            lifted = await queries.lift(tie.id, ctx.today, now=ctx.now, by=me.person_id, reason=why)
            if not lifted:
                raise WrongState(NOT_RESTRICTED)
            step.note.details["restrictions"] = lifted
            return await decided(ctx, step, tie.id, GuardianshipChange.RESTRICTION_LIFTED)


# ------------------------------------------------------------------------------------------------ what may be seen
async def set_portal_access(ctx: Context, *, guardianship_id: int, allowed: bool, reason: str) -> GuardianshipSeen:
    """The portal may show the student to the guardian from now on, or not any more.

    Raises:
        NotAllowed, NotFound: as for every step of this desk.
        WrongState: it is so already; or the guardianship was revoked, and a mark would say otherwise.
        InvalidInput: no good reason.
    """
    async with taking(ctx, Step.SET_PORTAL_ACCESS) as step:
        me = registrar_anywhere(ctx, step, Action.GUARDIANSHIP_MANAGE)
        _told(step, "reason", reason)
        step.note.details["allowed"] = allowed
        async with deciding(ctx, step, me, guardianship_id) as tie:
            if allowed and tie.status is GuardianshipStatus.REVOKED:
                raise WrongState(tie.status.name)
            if tie.portal_access is allowed:
                raise WrongState(MARKED if allowed else UNMARKED)
            await Guardianship.filter(id=tie.id).update(portal_access=allowed, decided_by=DecidedBy.REGISTRAR)
            change = GuardianshipChange.PORTAL_GIVEN if allowed else GuardianshipChange.PORTAL_TAKEN
            return await decided(ctx, step, tie.id, change)


async def record_consent(ctx: Context, *, guardianship_id: int, given: bool, evidence: str) -> GuardianshipSeen:
    """With the student's consent the guardian goes on seeing after the student's eighteenth birthday; or not any more.

    It decides about those days only: the roster goes on saying what it says of the guardianship.

    Raises:
        NotAllowed, NotFound: as for every step of this desk.
        WrongState: it is so already; or the guardianship was revoked, and consent is to be recorded.
        InvalidInput: no evidence.
    """
    async with taking(ctx, Step.RECORD_CONSENT) as step:
        me = registrar_anywhere(ctx, step, Action.GUARDIANSHIP_MANAGE)
        proof = _told(step, "evidence", evidence)
        step.note.details["given"] = given
        async with deciding(ctx, step, me, guardianship_id) as tie:
            if given and tie.status is GuardianshipStatus.REVOKED:
                raise WrongState(tie.status.name)
            if (given and tie.consent_at is not None) or not (given or tie.adult_access):
                raise WrongState(CONSENT_GIVEN if given else NO_CONSENT)
            await Guardianship.filter(id=tie.id).update(
                adult_access=given,
                consent_at=ctx.now if given else None,
                consent_by_id=me.person_id if given else None,
                consent_evidence=proof if given else None,
            )
            change = GuardianshipChange.CONSENT_GIVEN if given else GuardianshipChange.CONSENT_WITHDRAWN
            return await decided(ctx, step, tie.id, change)


#: How things stand where a step does not fit, other than by status.
NOT_RESTRICTED, MARKED, UNMARKED = "NOT_RESTRICTED", "MARKED", "UNMARKED"
CONSENT_GIVEN, NO_CONSENT = "CONSENT_GIVEN", "NO_CONSENT"


def _told(step: StepTaken, field: str, text: str) -> str:
    """Reason or evidence as it is kept, in the trail too."""
    words = reasons.noted(text, field)
    step.note.details[field] = words
    return words

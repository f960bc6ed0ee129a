"""The registrar decides about guardianships: what is put in, and what comes back."""

from datetime import date
from typing import Annotated

import strawberry

from db.context import Context
from resolvers import guardianships
from schema.nodes import number_of
from schema.refusals import InvalidInput, NotAllowed, NotFound, WrongState
from schema.registrar import Guardianship

Info = strawberry.Info[Context, None]

_WHICH = "From `guardianships`."
_REASON = "Why, in a few words. Kept in the trail; no numbers of documents."
_EVIDENCE = "On what, in a few words, such as a birth certificate seen. Kept; no numbers of documents."


@strawberry.type(
    description="It was decided, and holds from the next request on. Guardian, other guardians and a student who is of "
    "age are told by letter, as far as they have an address and may know of it."
)
class GuardianshipChanged:
    guardianship: Guardianship = strawberry.field(description="The guardianship as it is now.")


# ------------------------------------------------------------------------------------------------ what is put in
@strawberry.input(description="Two people on record between whom there is no guardianship yet.")
class RecordGuardianshipInput:
    guardian_id: strawberry.ID = strawberry.field(description="The guardian, who may be new to the school.")
    student_id: strawberry.ID = strawberry.field(description="The student.")
    relationship: str = strawberry.field(description="Such as stepfather; at most 100 characters.")
    evidence: str = strawberry.field(description=_EVIDENCE)
    portal_access: bool = strawberry.field(
        default=False, description="Whether the portal may show the student to the guardian."
    )


@strawberry.input(description="A guardianship, and what shows that it is one.")
class ConfirmGuardianshipInput:
    guardianship_id: strawberry.ID = strawberry.field(description=_WHICH)
    evidence: str = strawberry.field(description=_EVIDENCE)


@strawberry.input(description="A guardianship, and why something is done about it.")
class GuardianshipActionInput:
    guardianship_id: strawberry.ID = strawberry.field(description=_WHICH)
    reason: str = strawberry.field(description=_REASON)


@strawberry.input(description="A court order or the like, and the days on which it holds.")
class RestrictGuardianshipInput:
    guardianship_id: strawberry.ID = strawberry.field(description=_WHICH)
    kind: str = strawberry.field(description="In words, such as no contact; at most 100 characters.")
    begins_on: date = strawberry.field(name="from", description="The first day on which it holds.")
    ends_on: date | None = strawberry.field(
        name="until", default=None, description="The last day; left out, it holds until it is lifted."
    )
    reason: str = strawberry.field(description=_REASON)


@strawberry.input(description="Whether the portal may show a student to a guardian, and why.")
class SetPortalAccessInput:
    guardianship_id: strawberry.ID = strawberry.field(description=_WHICH)
    allowed: bool = strawberry.field(description="Whether it may.")
    reason: str = strawberry.field(description=_REASON)


@strawberry.input(description="Whether a student consents to a guardian's seeing after the eighteenth birthday.")
class RecordConsentInput:
    guardianship_id: strawberry.ID = strawberry.field(description=_WHICH)
    given: bool = strawberry.field(description="True where it was given, false where it was withdrawn.")
    evidence: str = strawberry.field(description="How the student said so, in a few words. Kept; no numbers.")


# ------------------------------------------------------------------------------------------------ what comes back
RecordGuardianshipResult = Annotated[
    GuardianshipChanged | NotAllowed | NotFound | WrongState | InvalidInput,
    strawberry.union("RecordGuardianshipResult", description="The guardianship, or why it was not recorded."),
]
ConfirmGuardianshipResult = Annotated[
    GuardianshipChanged | NotAllowed | NotFound | WrongState | InvalidInput,
    strawberry.union("ConfirmGuardianshipResult", description="The guardianship, or why it was not confirmed."),
]
RevokeGuardianshipResult = Annotated[
    GuardianshipChanged | NotAllowed | NotFound | WrongState | InvalidInput,
    strawberry.union("RevokeGuardianshipResult", description="The guardianship, or why it was not revoked."),
]
RestrictGuardianshipResult = Annotated[
    GuardianshipChanged | NotAllowed | NotFound | InvalidInput,
    strawberry.union("RestrictGuardianshipResult", description="The guardianship, or why it was not restricted."),
]
LiftRestrictionResult = Annotated[
    GuardianshipChanged | NotAllowed | NotFound | WrongState | InvalidInput,
    strawberry.union("LiftRestrictionResult", description="The guardianship, or why nothing was lifted."),
]
SetPortalAccessResult = Annotated[
    GuardianshipChanged | NotAllowed | NotFound | WrongState | InvalidInput,
    strawberry.union("SetPortalAccessResult", description="The guardianship, or why the mark stays as it is."),
]
RecordConsentResult = Annotated[
    GuardianshipChanged | NotAllowed | NotFound | WrongState | InvalidInput,
    strawberry.union("RecordConsentResult", description="The guardianship, or why nothing was recorded."),
]


def _numbered(text: str) -> int:
    """The number in the id of a guardianship; 0, which none has, for any other id."""
    return number_of(text, "Guardianship") or 0


# ------------------------------------------------------------------------------------------------ the mutations
@strawberry.type
class GuardianshipMutation:
    @strawberry.mutation(description="Makes a guardianship, confirmed, between two people who have none.")
    async def record_guardianship(
        self,
        info: Info,
        input: Annotated[RecordGuardianshipInput, strawberry.argument(description="Who, whose.")],  # noqa: A002
    ) -> RecordGuardianshipResult:
        made = await guardianships.record_guardianship(
            info.context,
            guardian_id=number_of(input.guardian_id, "Guardian") or 0,
            student_id=number_of(input.student_id, "Student") or 0,
            relationship=input.relationship,
            evidence=input.evidence,
            portal_access=input.portal_access,
        )
        return GuardianshipChanged(guardianship=Guardianship.of(made))

    @strawberry.mutation(description="Confirms a guardianship that is claimed, or brings a revoked one back.")
    async def confirm_guardianship(
        self,
        info: Info,
        input: Annotated[ConfirmGuardianshipInput, strawberry.argument(description="Which, why.")],  # noqa: A002
    ) -> ConfirmGuardianshipResult:
        changed = await guardianships.confirm_guardianship(
            info.context, guardianship_id=_numbered(input.guardianship_id), evidence=input.evidence
        )
        return GuardianshipChanged(guardianship=Guardianship.of(changed))

    @strawberry.mutation(description="Takes a guardianship back. No roster restores it; `confirmGuardianship` does.")
    async def revoke_guardianship(
        self,
        info: Info,
        input: Annotated[GuardianshipActionInput, strawberry.argument(description="Which, why.")],  # noqa: A002
    ) -> RevokeGuardianshipResult:
        changed = await guardianships.revoke_guardianship(
            info.context, guardianship_id=_numbered(input.guardianship_id), reason=input.reason
        )
        return GuardianshipChanged(guardianship=Guardianship.of(changed))

    @strawberry.mutation(
        description="Enters a court order or the like. It outranks everything else; several may stand at a time."
    )
    async def restrict_guardianship(
        self,
        info: Info,
        input: Annotated[RestrictGuardianshipInput, strawberry.argument(description="Which, when, why.")],  # noqa: A002
    ) -> RestrictGuardianshipResult:
        changed = await guardianships.restrict_guardianship(
            info.context,
            guardianship_id=_numbered(input.guardianship_id),
            kind=input.kind,
            begins_on=input.begins_on,
            ends_on=input.ends_on,
            reason=input.reason,
        )
        return GuardianshipChanged(guardianship=Guardianship.of(changed))

    @strawberry.mutation(description="Lifts all restrictions of a guardianship that are in force, or will be.")
    async def lift_restriction(
        self,
        info: Info,
        input: Annotated[GuardianshipActionInput, strawberry.argument(description="Which, why.")],  # noqa: A002
    ) -> LiftRestrictionResult:
        changed = await guardianships.lift_restriction(
            info.context, guardianship_id=_numbered(input.guardianship_id), reason=input.reason
        )
        return GuardianshipChanged(guardianship=Guardianship.of(changed))

    @strawberry.mutation(description="Sets whether the portal may show the student to the guardian.")
    async def set_portal_access(
        self,
        info: Info,
        input: Annotated[SetPortalAccessInput, strawberry.argument(description="Which, whether, why.")],  # noqa: A002
    ) -> SetPortalAccessResult:
        changed = await guardianships.set_portal_access(
            info.context,
            guardianship_id=_numbered(input.guardianship_id),
            allowed=input.allowed,
            reason=input.reason,
        )
        return GuardianshipChanged(guardianship=Guardianship.of(changed))

    @strawberry.mutation(description="Records that a student consents to a guardian's seeing, or does so no more.")
    async def record_consent(
        self,
        info: Info,
        input: Annotated[RecordConsentInput, strawberry.argument(description="Which, whether, how.")],  # noqa: A002
    ) -> RecordConsentResult:
        changed = await guardianships.record_consent(
            info.context,
            guardianship_id=_numbered(input.guardianship_id),
            given=input.given,
            evidence=input.evidence,
        )
        return GuardianshipChanged(guardianship=Guardianship.of(changed))

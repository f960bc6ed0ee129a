"""The registrar's desk: the guardianships of one's schools, those first that nobody has decided."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated

import strawberry

from db.context import Context
from resolvers import outcomes, registrar
from resolvers.registrar import Wanted
from schema.errors import BadRequest
from schema.nodes import Node, global_id, number_of, number_or_nobodys
from schema.pages import After, First, PageInfo, cursor, page_info, page_size, read_marked_cursor
from schema.summaries import GuardianSummary, StudentSummary

Info = strawberry.Info[Context, None]

#: A year ahead is as far as a desk looks.
MOST_DAYS = 366


@strawberry.enum(description="Where a guardianship stands.")
class GuardianshipStatus(Enum):
    CLAIMED = strawberry.enum_value("CLAIMED", description="On record, and not confirmed by anybody.")
    CONFIRMED = strawberry.enum_value("CONFIRMED", description="Confirmed by the roster or a registrar.")
    REVOKED = strawberry.enum_value("REVOKED", description="Taken back by a registrar.")


@strawberry.enum(description="Whose word stands behind something. What a registrar decided, an import leaves alone.")
class DecidedBy(Enum):
    ROSTER = strawberry.enum_value("ROSTER", description="The roster says so.")
    REGISTRAR = strawberry.enum_value("REGISTRAR", description="A registrar decided it.")


@strawberry.type(description="A court order or the like on one guardianship. It outranks everything else.")
class Restriction:
    kind: str = strawberry.field(description="In words, such as no contact.")
    begins_on: date = strawberry.field(name="from", description="The first day on which it holds.")
    ends_on: date | None = strawberry.field(name="until", description="The last day; null until it is lifted.")
    reason: str | None = strawberry.field(description="Why, as the registrar put it; null where the roster has it.")
    decided_by: DecidedBy = strawberry.field(description="Who entered it.")

    @classmethod
    def of(cls, found: outcomes.Restriction) -> "Restriction":
        return cls(
            kind=found.kind,
            begins_on=found.begins_on,
            ends_on=found.ends_on,
            reason=found.reason,
            decided_by=DecidedBy[found.decided_by.name],
        )


@strawberry.type(description="What ties a guardian to a student.")
class Guardianship(Node):
    guardian: GuardianSummary = strawberry.field(description="The guardian.")
    student: StudentSummary = strawberry.field(description="The student.")
    relationship: str = strawberry.field(description="As the record has it, such as mother.")
    status: GuardianshipStatus = strawberry.field(description="Where it stands.")
    portal_access: bool = strawberry.field(description="Whether the portal may show the student to the guardian.")
    lives_with: bool | None = strawberry.field(
        description="Whether the student lives with the guardian, as the roster says; null when it does not."
    )
    decided_by: DecidedBy = strawberry.field(description="Whose word the status and the portal mark are.")
    confirmed_at: datetime | None = strawberry.field(description="When it was confirmed; null when it was not.")
    evidence: str | None = strawberry.field(description="On what it was confirmed.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked; null while it is not.")
    revoked_reason: str | None = strawberry.field(description="Why it was revoked.")
    restriction: Restriction | None = strawberry.field(
        description="What is in force today, the longest where there are several; null when nothing is."
    )
    restrictions: list[Restriction] = strawberry.field(description="All that are in force today, or will be.")
    rights_pass_on: date | None = strawberry.field(
        description="The student's eighteenth birthday, also when it is past: from then on the guardian sees nothing "
        "without the student's consent. Null where no birth date is on record; nothing is seen then either."
    )
    adult_access: bool = strawberry.field(description="Whether the guardian goes on seeing after that day.")
    consent_at: datetime | None = strawberry.field(
        description="When the student's consent to that was recorded; null when it was not."
    )

    @classmethod
    def of(cls, found: outcomes.GuardianshipSeen) -> "Guardianship":
        return cls(
            id=global_id("Guardianship", found.id),
            guardian=GuardianSummary.of(found.guardian),
            student=StudentSummary.of(found.student),
            relationship=found.relationship,
            status=GuardianshipStatus[found.status.name],
            portal_access=found.portal_access,
            lives_with=found.lives_with,
            decided_by=DecidedBy[found.decided_by.name],
            confirmed_at=found.confirmed_at,
            evidence=found.evidence,
            revoked_at=found.revoked_at,
            revoked_reason=found.revoked_reason,
            restriction=Restriction.of(found.restriction) if found.restriction else None,
            restrictions=[Restriction.of(each) for each in found.restrictions],
            rights_pass_on=found.rights_pass_on,
            adult_access=found.adult_access,
            consent_at=found.consent_at,
        )


@strawberry.input(description="Which guardianships. What is left out does not matter; all that is said must be so.")
class GuardianshipFilter:
    status: GuardianshipStatus | None = strawberry.field(default=None, description="Standing so.")
    portal_access: bool | None = strawberry.field(default=None, description="With the portal mark, or without.")
    school_id: strawberry.ID | None = strawberry.field(
        default=None, description="Of students who are at this school today."
    )
    restricted: bool | None = strawberry.field(default=None, description="With a restriction in force, or without.")
    rights_pass_within_days: int | None = strawberry.field(
        default=None,
        description="Confirmed, and of students who turn eighteen today or within so many days (0 to 366): those whose "
        "consent is needed, and is not recorded.",
    )


@strawberry.type(description="A guardianship on a page.")
class GuardianshipEdge:
    cursor: str = strawberry.field(description="Its position.")
    node: Guardianship = strawberry.field(description="The guardianship.")


@strawberry.type(description="A page of guardianships, claimed ones first.")
class GuardianshipConnection:
    edges: list[GuardianshipEdge] = strawberry.field(description="The guardianships on this page.")
    page_info: PageInfo = strawberry.field(description="Where the page begins and ends.")
    wanted: strawberry.Private[Wanted]

    @strawberry.field(description="How many guardianships there are on all pages; counted when it is asked for.")
    async def total_count(self, info: Info) -> int:
        return await registrar.count(info.context, self.wanted)


@strawberry.type
class RegistrarQuery:
    @strawberry.field(description="A guardianship by its id. Null when absent or hidden: the two look alike.")
    async def guardianship(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id.")],  # noqa: A002
    ) -> Guardianship | None:
        number = number_of(id, "Guardianship")
        return None if number is None else await guardianship_of(info.context, number)

    @strawberry.field(description="The registrar's queue: guardianships of students of one's schools.")
    async def guardianships(
        self,
        info: Info,
        filter: Annotated[  # noqa: A002
            GuardianshipFilter | None, strawberry.argument(description="Which; all of one's schools when left out.")
        ] = None,
        first: First = 25,
        after: After = None,
    ) -> GuardianshipConnection:
        size, start = page_size(first), read_marked_cursor(after)
        wanted = _wanted(info.context, filter)
        found = await registrar.guardianships(info.context, wanted, after=start, limit=size + 1)
        edges = [GuardianshipEdge(cursor=_cursor(each), node=Guardianship.of(each)) for each in found[:size]]
        return GuardianshipConnection(
            edges=edges,
            page_info=page_info([edge.cursor for edge in edges], more=len(found) > size, after=after),
            wanted=wanted,
        )


async def guardianship_of(ctx: Context, number: int) -> Guardianship | None:
    """The guardianship with this number, if the asker may manage it."""
    found = await registrar.guardianship(ctx, number)
    return Guardianship.of(found) if found else None


def _cursor(found: outcomes.GuardianshipSeen) -> str:
    return cursor(found.status.name != GuardianshipStatus.CLAIMED.name, found.id)


def _wanted(ctx: Context, said: GuardianshipFilter | None) -> Wanted:
    """What a filter asks for; what is at a school that cannot be one is nothing.

    Raises:
        BadRequest: days that are too many, or too few.
    """
    if said is None:
        return Wanted()
    days = said.rights_pass_within_days
    if days is not None and not 0 <= days <= MOST_DAYS:
        raise BadRequest(f"`rightsPassWithinDays` must be between 0 and {MOST_DAYS}.")
    return Wanted(
        status=said.status.name if said.status else None,
        portal_access=said.portal_access,
        school_id=number_or_nobodys(said.school_id, "School"),
        restricted=said.restricted,
        born=None if days is None else registrar.birth_dates(ctx, days),
    )

"""Households at the registrar's desk: who lives where, under which address and telephone, and what was corrected."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from db.context import Context
from resolvers import household_seen, households
from resolvers.households import Corrections
from schema.nodes import Node, global_id, number_of
from schema.people import Capacity, PersonName
from schema.refusals import InvalidInput, NotAllowed, NotFound
from schema.registrar import DecidedBy

Info = strawberry.Info[Context, None]


@strawberry.type(description="Somebody who lives, lived or will live in a household.")
class HouseholdMember:
    id: strawberry.ID = strawberry.field(description="The guardian's or student's id, for naming the person to a desk.")
    name: PersonName = strawberry.field(description="The person's name.")
    capacity: Capacity = strawberry.field(description="A student, or somebody else of the household.")
    secondary: bool = strawberry.field(description="Whether the person has another household as the main one.")
    since: date | None = strawberry.field(description="The first day; null when nobody knows.")
    until: date | None = strawberry.field(description="The last day; null when none is set.")
    decided_by: DecidedBy = strawberry.field(description="Whose word it is.")

    @classmethod
    def of(cls, member: household_seen.Member) -> "HouseholdMember":
        capacity = Capacity[member.capacity.name]
        return cls(
            id=global_id("Student" if capacity is Capacity.STUDENT else "Guardian", member.person_id),
            name=PersonName.of(member.name),
            capacity=capacity,
            secondary=member.is_secondary,
            since=member.begins_on,
            until=member.ends_on,
            decided_by=DecidedBy[member.decided_by.name],
        )


@strawberry.type(description="What was on record of a household until a registrar corrected it.")
class HouseholdVersion:
    name: str = strawberry.field(description="The household's name.")
    mailing_address: str | None = strawberry.field(description="On one line; null where there was none.")
    home_phone: str | None = strawberry.field(description="The telephone; null where there was none.")
    replaced_at: datetime = strawberry.field(description="When it was corrected.")
    reason: str = strawberry.field(description="Why, in the registrar's words.")


@strawberry.type(
    description="A mailing address and a home telephone, shared by its members. It gives nobody sight of a student."
)
class Household(Node):
    name: str = strawberry.field(description="What the household is called.")
    mailing_address: str | None = strawberry.field(description="On one line; null where none is on record.")
    street: str | None = strawberry.field(description="House or box with its number, and the street.")
    city: str | None = strawberry.field(description="City.")
    state: str | None = strawberry.field(description="State, as two letters.")
    postal_code: str | None = strawberry.field(description="ZIP code.")
    home_phone: str | None = strawberry.field(description="The telephone; null where none is on record.")
    decided_by: DecidedBy = strawberry.field(description="Whose word address and telephone are.")
    members: list[HouseholdMember] = strawberry.field(description="Those who live there first, then by name.")
    history: list[HouseholdVersion] = strawberry.field(description="What was corrected, the newest first.")

    @classmethod
    def of(cls, seen: household_seen.HouseholdSeen) -> "Household":
        where = seen.whereabouts
        return cls(
            id=global_id("Household", seen.id),
            name=where.name,
            mailing_address=where.mailing_address,
            street=where.street,
            city=where.city,
            state=where.state,
            postal_code=where.postal_code,
            home_phone=where.phone,
            decided_by=DecidedBy[where.decided_by.name],
            members=[HouseholdMember.of(member) for member in seen.members],
            history=[
                HouseholdVersion(
                    name=replaced.whereabouts.name,
                    mailing_address=replaced.whereabouts.mailing_address,
                    home_phone=replaced.whereabouts.phone,
                    replaced_at=replaced.replaced_at,
                    reason=replaced.reason,
                )
                for replaced in seen.history
            ],
        )


@strawberry.type
class HouseholdQuery:
    @strawberry.field(description="A household by its id. Null when absent or hidden: the two look alike.")
    async def household(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id.")],  # noqa: A002
    ) -> Household | None:
        number = number_of(id, "Household")
        return None if number is None else await household_by(info.context, number)

    @strawberry.field(
        description="For registrars: the households in which a person is or was, present ones first, as far as they "
        "are of one's schools."
    )
    async def households(
        self,
        info: Info,
        person_id: Annotated[strawberry.ID, strawberry.argument(description="A guardian's or a student's id.")],
    ) -> list[Household]:
        number = person_number(person_id)
        return [] if number is None else await households_by(info.context, number)


async def household_by(ctx: Context, number: int) -> Household | None:
    """The household with this number, if it is of a school of the asker's."""
    seen = await households.household(ctx, number)
    return Household.of(seen) if seen else None


async def households_by(ctx: Context, person: int) -> list[Household]:
    """The households of the person with this number, as far as they are of the asker's schools."""
    return [Household.of(seen) for seen in await households.households_of(ctx, person)]


def person_number(text: str) -> int | None:
    """The number in a guardian's or a student's id; None for an id of another kind or none at all."""
    guardian = number_of(text, "Guardian")
    return number_of(text, "Student") if guardian is None else guardian


# ------------------------------------------------------------------------------------------------ who lives there
@strawberry.input(description="A household that is not on record yet, and the first of those who live there.")
class RecordHouseholdInput:
    person_id: strawberry.ID = strawberry.field(description="A guardian's or a student's id.")
    name: str = strawberry.field(description="What the household is called, such as the family's name.")
    street: str | None = strawberry.field(default=None, description="House or box with its number, and the street.")
    city: str | None = strawberry.field(default=None, description="City.")
    state: str | None = strawberry.field(default=None, description="State, as two letters.")
    postal_code: str | None = strawberry.field(default=None, description="ZIP code.")
    phone: str | None = strawberry.field(default=None, description="The home telephone.")
    since: date | None = strawberry.field(default=None, description="The first day; today when left out.")
    secondary: bool = strawberry.field(default=False, description="Whether the person has another main household.")
    reason: str = strawberry.field(description="Why, in a few words. Kept in the trail.")


@strawberry.input(description="Somebody who lives in a household from a day on.")
class LinkHouseholdMemberInput:
    household_id: strawberry.ID = strawberry.field(description="The household.")
    person_id: strawberry.ID = strawberry.field(description="A guardian's or a student's id.")
    since: date | None = strawberry.field(default=None, description="The first day; today when left out.")
    secondary: bool = strawberry.field(default=False, description="Whether the person has another main household.")


@strawberry.input(description="Somebody who lives in a household no longer.")
class EndHouseholdMemberInput:
    household_id: strawberry.ID = strawberry.field(description="The household.")
    person_id: strawberry.ID = strawberry.field(description="A guardian's or a student's id.")
    until: date = strawberry.field(description="The last day.")
    reason: str = strawberry.field(description="Why, in a few words. Kept in the trail.")


@strawberry.input(
    description="What is right. A field that is left out stays as it is; one that is null or blank is emptied."
)
class CorrectHouseholdInput:
    household_id: strawberry.ID = strawberry.field(description="The household.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="What the household is called.")
    street: str | None = strawberry.field(
        default=strawberry.UNSET, description="House or box with its number, and the street."
    )
    city: str | None = strawberry.field(default=strawberry.UNSET, description="City.")
    state: str | None = strawberry.field(default=strawberry.UNSET, description="State, as two letters.")
    postal_code: str | None = strawberry.field(default=strawberry.UNSET, description="ZIP code.")
    phone: str | None = strawberry.field(default=strawberry.UNSET, description="The home telephone.")
    reason: str = strawberry.field(description="Why, in a few words. Kept with what was on record before.")


@strawberry.type(description="The household was changed; its members are told by letter.")
class HouseholdChanged:
    household: Household = strawberry.field(description="The household as it is now.")


RecordHouseholdResult = Annotated[
    HouseholdChanged | NotAllowed | NotFound | InvalidInput,
    strawberry.union("RecordHouseholdResult", description="The new household, or why there is none."),
]
LinkHouseholdMemberResult = Annotated[
    HouseholdChanged | NotAllowed | NotFound | InvalidInput,
    strawberry.union("LinkHouseholdMemberResult", description="The household, or why nobody was added."),
]
EndHouseholdMemberResult = Annotated[
    HouseholdChanged | NotAllowed | NotFound | InvalidInput,
    strawberry.union("EndHouseholdMemberResult", description="The household, or why nothing was ended."),
]
CorrectHouseholdResult = Annotated[
    HouseholdChanged | NotAllowed | NotFound | InvalidInput,
    strawberry.union("CorrectHouseholdResult", description="The household, or why it was not corrected."),
]


@strawberry.type
class HouseholdMutation:
    @strawberry.mutation(description="Puts a household on record, with the first of those who live there.")
    async def record_household(
        self,
        info: Info,
        input: Annotated[RecordHouseholdInput, strawberry.argument(description="Who, and where.")],  # noqa: A002
    ) -> RecordHouseholdResult:
        seen = await households.record_household(
            info.context,
            person_id=person_number(input.person_id),
            whereabouts=_corrections(input),
            since=input.since,
            secondary=input.secondary,
            reason=input.reason,
        )
        return HouseholdChanged(household=Household.of(seen))

    @strawberry.mutation(description="Adds somebody to a household. A person, such as a child, may be in two.")
    async def link_household_member(
        self,
        info: Info,
        input: Annotated[LinkHouseholdMemberInput, strawberry.argument(description="Who, and since when.")],  # noqa: A002
    ) -> LinkHouseholdMemberResult:
        seen = await households.link_household_member(
            info.context,
            household_id=number_of(input.household_id, "Household"),
            person_id=person_number(input.person_id),
            since=input.since,
            secondary=input.secondary,
        )
        return HouseholdChanged(household=Household.of(seen))

    @strawberry.mutation(description="Ends somebody's membership of a household.")
    async def end_household_member(
        self,
        info: Info,
        input: Annotated[EndHouseholdMemberInput, strawberry.argument(description="Who, and the last day.")],  # noqa: A002
    ) -> EndHouseholdMemberResult:
        seen = await households.end_household_member(
            info.context,
            household_id=number_of(input.household_id, "Household"),
            person_id=person_number(input.person_id),
            until=input.until,
            reason=input.reason,
        )
        return HouseholdChanged(household=Household.of(seen))

    @strawberry.mutation(description="Corrects a household's name, address and telephone; the earlier ones are kept.")
    async def correct_household(
        self,
        info: Info,
        input: Annotated[CorrectHouseholdInput, strawberry.argument(description="What is right.")],  # noqa: A002
    ) -> CorrectHouseholdResult:
        seen = await households.correct_household(
            info.context,
            household_id=number_of(input.household_id, "Household"),
            corrections=_corrections(input),
            reason=input.reason,
        )
        return HouseholdChanged(household=Household.of(seen))


def _corrections(said: RecordHouseholdInput | CorrectHouseholdInput) -> Corrections:
    fields = {name: getattr(said, name) for name in household_seen.FIELDS}
    return Corrections({name: value for name, value in fields.items() if value is not strawberry.UNSET})

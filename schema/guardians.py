"""A guardian at the registrar's desk, with guardianships and households; and finding one by name."""

from typing import Annotated

import strawberry

from db.context import Context
from resolvers import guardians
from resolvers.directory import LONGEST_SEARCH
from resolvers.guardians import Namesake
from resolvers.outcomes import GuardianSummary as Found
from schema.errors import BadRequest
from schema.households import Household, households_by
from schema.nodes import Node, global_id, number_of
from schema.pages import page_size
from schema.people import PersonName
from schema.registrar import Guardianship
from schema.summaries import GuardianSummary

Info = strawberry.Info[Context, None]

#: Namesakes that are shown at most.
MOST_NAMESAKES = 50


@strawberry.type(description="A guardian, as the registrars of the students' schools see one.")
class Guardian(Node):
    name: PersonName = strawberry.field(description="The guardian's name.")
    number: strawberry.Private[int]

    @classmethod
    def of(cls, found: Found) -> "Guardian":
        return cls(id=global_id("Guardian", found.id), name=PersonName.of(found.name), number=found.id)

    @strawberry.field(description="With students of one's schools, claimed ones first.")
    async def guardianships(self, info: Info) -> list[Guardianship]:
        return [Guardianship.of(each) for each in await guardians.guardianships_of(info.context, self.number)]

    @strawberry.field(description="In which the guardian is or was, as far as they are of one's schools.")
    async def households(self, info: Info) -> list[Household]:
        return await households_by(info.context, self.number)


@strawberry.type(description="Somebody on record with the name that was looked for.")
class GuardianNamesake:
    guardian: GuardianSummary = strawberry.field(description="By name; the id is for `recordGuardianship`.")
    email_hint: str | None = strawberry.field(
        description="The beginning and the domain of the address, to tell one from another; null where there is none."
    )

    @classmethod
    def of(cls, found: Namesake) -> "GuardianNamesake":
        return cls(guardian=GuardianSummary.of(found.guardian), email_hint=found.email)


@strawberry.type
class GuardianQuery:
    @strawberry.field(description="A guardian by the id. Null when absent or hidden: the two look alike.")
    async def guardian(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id.")],  # noqa: A002
    ) -> Guardian | None:
        number = number_of(id, "Guardian")
        return None if number is None else await guardian_by(info.context, number)

    @strawberry.field(
        description="For registrars: people of the whole district with just this name, to put on record a guardian "
        "to whom no student of one's schools leads. Nobody is found by whoever is no registrar."
    )
    async def find_guardians(
        self,
        info: Info,
        given: Annotated[str, strawberry.argument(description="The whole given name; case and accents do not matter.")],
        family: Annotated[str, strawberry.argument(description="The whole family name, likewise.")],
        first: Annotated[int, strawberry.argument(description="How many at most: 1 to 50.")] = 10,
    ) -> list[GuardianNamesake]:
        size = page_size(first, MOST_NAMESAKES)
        if not all(0 < len(name.strip()) <= LONGEST_SEARCH for name in (given, family)):
            raise BadRequest(f"`given` and `family` must have 1 to {LONGEST_SEARCH} characters.")
        found = await guardians.find_guardians(info.context, given=given, family=family, limit=size)
        return [GuardianNamesake.of(each) for each in found]


async def guardian_by(ctx: Context, number: int) -> Guardian | None:
    """The guardian with this number, if there is a student of the asker's schools."""
    found = await guardians.guardian(ctx, number)
    return Guardian.of(found) if found else None

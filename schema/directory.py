"""Finding people for the desks, before anybody has been verified."""

from typing import Annotated

import strawberry

from db.context import Context
from resolvers import directory, outcomes
from schema.account import Account
from schema.errors import BadRequest
from schema.pages import page_size
from schema.selection import selected_names
from schema.summaries import GuardianSummary, StudentSummary

Info = strawberry.Info[Context, None]

#: Matches that are shown at most: whoever sees more of them should say more of the name.
MOST_MATCHES = 50


@strawberry.type(description="A guardian of a student who was found.")
class GuardianMatch:
    guardian: GuardianSummary = strawberry.field(description="The guardian.")
    relationship: str = strawberry.field(description="As the record has it, such as mother.")
    guardianship_confirmed: bool = strawberry.field(
        description="Whether it holds today for help with an account; where not, the registrar is to be asked."
    )
    account: Account | None = strawberry.field(
        description="The guardian's account; null where there is none, or it is not the asker's to see."
    )


@strawberry.type(description="A student who was found, with the guardians on record.")
class PersonMatch:
    student: StudentSummary = strawberry.field(description="The student.")
    student_account: Account | None = strawberry.field(
        description="The student's own account; null where there is none, or it is not the asker's to see."
    )
    guardians: list[GuardianMatch] = strawberry.field(description="All guardians on record, by name.")


@strawberry.type
class DirectoryQuery:
    @strawberry.field(
        description="For the desks: students of one's schools by name, by a guardian's name, or by student number. "
        "Nobody is found by whoever has no such desk."
    )
    async def find_people(
        self,
        info: Info,
        search: Annotated[
            str,
            strawberry.argument(
                description="The beginnings of words of one person's names, in any order; case, accents, hyphens and "
                "apostrophes do not matter. Or a student number, whole."
            ),
        ],
        first: Annotated[int, strawberry.argument(description="How many at most: 1 to 50.")] = 10,
    ) -> list[PersonMatch]:
        size = page_size(first, MOST_MATCHES)
        if not directory.is_searchable(search):
            raise BadRequest(
                f"`search` must have at least two letters or digits, and at most {directory.LONGEST_SEARCH} characters."
            )
        with_schools = "schools" in selected_names(info)
        found = await directory.find_people(info.context, search, limit=size, with_schools=with_schools)
        return [_match(info.context, person) for person in found]


def _match(ctx: Context, person: outcomes.PersonFound) -> PersonMatch:
    return PersonMatch(
        student=StudentSummary.of(person.student),
        student_account=Account.of(person.account, ctx.now) if person.account else None,
        guardians=[
            GuardianMatch(
                guardian=GuardianSummary.of(guardian.guardian),
                relationship=guardian.relationship,
                guardianship_confirmed=guardian.confirmed,
                account=Account.of(guardian.account, ctx.now) if guardian.account else None,
            )
            for guardian in person.guardians
        ],
    )

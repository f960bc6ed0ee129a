"""People who are likely to be on record twice, for a registrar to look at."""

from enum import Enum
from typing import Annotated

import strawberry

from db.context import Context
from resolvers import duplicates, merge_outcomes
from schema.nodes import global_id, number_or_nobodys
from schema.pages import After, First, PageInfo, cursor, page_info, page_size, read_pair_cursor
from schema.people import Capacity, PersonName, School

Info = strawberry.Info[Context, None]

#: What ids of records are called, by the capacity.
KINDS = {Capacity.GUARDIAN.name: "Guardian", Capacity.STUDENT.name: "Student"}


@strawberry.enum(description="What two records have in common.")
class DuplicateReason(Enum):
    SAME_NAME = strawberry.enum_value("SAME_NAME", description="Given and family name, however they are written.")
    SAME_EMAIL = strawberry.enum_value("SAME_EMAIL", description="An e-mail address.")
    SAME_BIRTH_DATE = strawberry.enum_value("SAME_BIRTH_DATE", description="The birth date.")
    SHARED_STUDENT = strawberry.enum_value(
        "SHARED_STUDENT", description="Both are on record as guardians of a student."
    )
    SHARED_GUARDIAN = strawberry.enum_value("SHARED_GUARDIAN", description="They have a guardian in common.")
    SAME_HOUSEHOLD = strawberry.enum_value("SAME_HOUSEHOLD", description="Both are or were members of a household.")


@strawberry.type(description="One of two records, with what tells it from the other one.")
class DuplicateRecord:
    id: strawberry.ID = strawberry.field(description="The guardian's or the student's id.")
    name: PersonName = strawberry.field(description="The name on record.")
    schools: list[School] = strawberry.field(description="The student's schools today, or those of all students.")
    students: list[PersonName] = strawberry.field(description="The guardian's students; empty for a student.")
    account_activated: bool = strawberry.field(description="Whether the account was ever opened.")

    @classmethod
    def of(cls, seen: merge_outcomes.RecordSeen) -> "DuplicateRecord":
        return cls(
            id=global_id(KINDS[seen.record.kind.name], seen.record.id),
            name=PersonName.of(seen.name),
            schools=[School.of(school) for school in seen.schools],
            students=[PersonName.of(name) for name in seen.students],
            account_activated=seen.activated,
        )


@strawberry.type(description="Two records that may be of one human being. A registrar knows; nothing is decided by it.")
class DuplicatePair:
    capacity: Capacity = strawberry.field(description="As what both are on record: guardians, or students.")
    first: DuplicateRecord = strawberry.field(description="The one that was put on record before the other.")
    second: DuplicateRecord = strawberry.field(description="The other one.")
    reasons: list[DuplicateReason] = strawberry.field(description="What they have in common.")

    @classmethod
    def of(cls, alike: merge_outcomes.Alike) -> "DuplicatePair":
        return cls(
            capacity=Capacity[alike.first.record.kind.name],
            first=DuplicateRecord.of(alike.first),
            second=DuplicateRecord.of(alike.second),
            reasons=[DuplicateReason[each.name] for each in alike.likenesses],
        )


@strawberry.type(description="A pair on a page.")
class DuplicatePairEdge:
    cursor: str = strawberry.field(description="Its position.")
    node: DuplicatePair = strawberry.field(description="The pair.")


@strawberry.type(description="A page of pairs.")
class DuplicatePairConnection:
    edges: list[DuplicatePairEdge] = strawberry.field(description="The pairs on this page.")
    page_info: PageInfo = strawberry.field(description="Where the page begins and ends.")


@strawberry.type
class DuplicatesQuery:
    @strawberry.field(
        description="For registrars: guardians, and students, who are likely to be on record twice. A pair is shown "
        "when all students concerned are of one's schools."
    )
    async def likely_duplicates(
        self,
        info: Info,
        school_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="One of the two is, or has, a student there today.")
        ] = None,
        first: First = 25,
        after: After = None,
    ) -> DuplicatePairConnection:
        size, start = page_size(first), read_pair_cursor(after)
        found = await duplicates.likely_pairs(
            info.context, school_id=number_or_nobodys(school_id, "School"), after=start, limit=size + 1
        )
        edges = [
            DuplicatePairEdge(cursor=cursor(each.first.record.id, each.second.record.id), node=DuplicatePair.of(each))
            for each in found[:size]
        ]
        return DuplicatePairConnection(
            edges=edges, page_info=page_info([edge.cursor for edge in edges], more=len(found) > size, after=after)
        )

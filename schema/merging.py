"""Making one record of two, looking at it beforehand, and taking it back."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from db import context
from db.context import Context
from policies.merging import LEFT_AS_IT_IS
from resolvers import merge_outcomes, merging
from schema.duplicates import KINDS
from schema.merge_preview import MergedRecord, MergePreview, MergePreviewInput, MergePreviewResult
from schema.nodes import Node, global_id, number_of, number_or_nobodys, read_global_id
from schema.pages import After, First, PageInfo, cursor, page_info, page_size, read_number_cursor
from schema.people import Capacity, PersonName
from schema.refusals import InvalidInput, NotAllowed, NotFound, WrongState
from schema.wording import worded

Info = strawberry.Info[Context, None]

_CAPACITIES = {kind: context.Capacity[name] for name, kind in KINDS.items()}


@strawberry.enum(description="What an undo leaves as it is.")
class MergeLeftoverKind(Enum):
    ROWS_ELSEWHERE = strawberry.enum_value("ROWS_ELSEWHERE", description="Entries that belong elsewhere by now.")
    GUARDIANSHIP_DECIDED = strawberry.enum_value("GUARDIANSHIP_DECIDED", description="Guardianships decided since.")
    CHANGED_SINCE = strawberry.enum_value("CHANGED_SINCE", description="Other entries that were changed since.")
    RESTRICTIONS_FOR_BOTH = strawberry.enum_value(
        "RESTRICTIONS_FOR_BOTH", description="Restrictions entered since, which bind both records."
    )
    ACCOUNT_CHANGED = strawberry.enum_value("ACCOUNT_CHANGED", description="Accounts that were changed since.")


# ------------------------------------------------------------------------------------------------ what was merged
@strawberry.type(description="Two records that were made one.")
class PersonMerge(Node):
    capacity: Capacity = strawberry.field(description="As what they were merged.")
    kept: MergedRecord = strawberry.field(description="The record that goes on.")
    merged: MergedRecord = strawberry.field(description="The record that is nobody's any more.")
    merged_at: datetime = strawberry.field(description="When.")
    merged_by: PersonName = strawberry.field(description="The registrar who did it.")
    reason: str = strawberry.field(description="Why.")
    undone_at: datetime | None = strawberry.field(description="When it was taken back; null when it was not.")
    undone_by: PersonName | None = strawberry.field(description="The registrar who took it back.")
    undoable_until: datetime | None = strawberry.field(
        description="Until when it can be taken back, the latest of these people first; null once it was."
    )

    @classmethod
    def of(cls, seen: merge_outcomes.MergeSeen) -> "PersonMerge":
        kind = KINDS[seen.kind.name]
        return cls(
            id=global_id("PersonMerge", seen.id),
            capacity=Capacity[seen.kind.name],
            kept=MergedRecord(id=global_id(kind, seen.kept_id), name=PersonName.of(seen.kept)),
            merged=MergedRecord(id=global_id(kind, seen.merged_id), name=PersonName.of(seen.merged)),
            merged_at=seen.merged_at,
            merged_by=PersonName.of(seen.merged_by),
            reason=seen.reason,
            undone_at=seen.undone_at,
            undone_by=PersonName.of(seen.undone_by) if seen.undone_by else None,
            undoable_until=seen.undoable_until,
        )


@strawberry.type(description="A merge on a page.")
class PersonMergeEdge:
    cursor: str = strawberry.field(description="Its position.")
    node: PersonMerge = strawberry.field(description="The merge.")


@strawberry.type(description="A page of merges, the newest first.")
class PersonMergeConnection:
    edges: list[PersonMergeEdge] = strawberry.field(description="The merges on this page.")
    page_info: PageInfo = strawberry.field(description="Where the page begins and ends.")


async def person_merge_of(ctx: Context, number: int) -> PersonMerge | None:
    """The merge with this number, if the asker may take it back."""
    seen = await merging.person_merge(ctx, number)
    return PersonMerge.of(seen) if seen else None


@strawberry.type
class MergingQuery:
    @strawberry.field(description="For registrars: what making one record of two would do. Changes nothing.")
    async def merge_preview(
        self,
        info: Info,
        input: Annotated[MergePreviewInput, strawberry.argument(description="The two.")],  # noqa: A002
    ) -> MergePreviewResult:
        seen = await merging.preview_merge(
            info.context,
            keep=_record(input.keep_id),
            merge=_record(input.merge_id),
            keep_account=number_or_nobodys(input.keep_account_id, "Account"),
        )
        return MergePreview.of(seen, info.context.language)

    @strawberry.field(description="For registrars: which records of one's schools were merged, the newest first.")
    async def merges(self, info: Info, first: First = 25, after: After = None) -> PersonMergeConnection:
        size, start = page_size(first), read_number_cursor(after)
        found = await merging.person_merges(info.context, after=start or None, limit=size + 1)
        edges = [PersonMergeEdge(cursor=cursor(None, each.id), node=PersonMerge.of(each)) for each in found[:size]]
        return PersonMergeConnection(
            edges=edges, page_info=page_info([edge.cursor for edge in edges], more=len(found) > size, after=after)
        )


# ------------------------------------------------------------------------------------------------ doing and undoing
@strawberry.input(description="Two records of one human being, and why they are to be one.")
class MergePeopleInput:
    keep_id: strawberry.ID = strawberry.field(description="The guardian or student whose record goes on.")
    merge_id: strawberry.ID = strawberry.field(description="The other one, of the same kind.")
    reason: str = strawberry.field(description="Why, in a few words. Kept in the trail; no numbers of documents.")
    keep_account_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The account that is to go on. Left out: the kept record's, unless that was never opened and the "
        "other one was.",
    )


@strawberry.type(description="The two are one. Both addresses are told by letter.")
class PeopleMerged:
    merge: PersonMerge = strawberry.field(description="What was merged, and until when it can be taken back.")


MergePeopleResult = Annotated[
    PeopleMerged | NotAllowed | NotFound | WrongState | InvalidInput,
    strawberry.union("MergePeopleResult", description="The merge, or why it was not done."),
]


@strawberry.input(description="A merge that was a mistake, and why.")
class UndoMergeInput:
    merge_id: strawberry.ID = strawberry.field(description="The merge, from `merges`.")
    reason: str = strawberry.field(description="Why, in a few words. Kept in the trail; no numbers of documents.")


@strawberry.type(description="Something that an undo left as it is.")
class MergeLeftover:
    kind: MergeLeftoverKind = strawberry.field(description="What it is.")
    count: int = strawberry.field(description="How many.")
    what: str = strawberry.field(description="Why, for the registrar.")


@strawberry.type(description="The two are two again. Both addresses are told by letter.")
class MergeUndone:
    merge: PersonMerge = strawberry.field(description="What was taken back.")
    leftovers: list[MergeLeftover] = strawberry.field(description="What could not go back, or was not to.")


UndoMergeResult = Annotated[
    MergeUndone | NotAllowed | NotFound | WrongState | InvalidInput,
    strawberry.union("UndoMergeResult", description="What was taken back, or why it was not."),
]


@strawberry.type
class MergingMutation:
    @strawberry.mutation(description="Makes one record of two, of guardians or of students; see `mergePreview` first.")
    async def merge_people(
        self,
        info: Info,
        input: Annotated[MergePeopleInput, strawberry.argument(description="The two, and why.")],  # noqa: A002
    ) -> MergePeopleResult:
        seen = await merging.merge_people(
            info.context,
            keep=_record(input.keep_id),
            merge=_record(input.merge_id),
            reason=input.reason,
            keep_account=number_or_nobodys(input.keep_account_id, "Account"),
        )
        return PeopleMerged(merge=PersonMerge.of(seen))

    @strawberry.mutation(description="Makes two records of one again, as they were; what was decided since stays.")
    async def undo_merge(
        self,
        info: Info,
        input: Annotated[UndoMergeInput, strawberry.argument(description="The merge, and why.")],  # noqa: A002
    ) -> UndoMergeResult:
        done = await merging.undo_merge(
            info.context, merge_id=number_of(input.merge_id, "PersonMerge"), reason=input.reason
        )
        language = info.context.language
        return MergeUndone(
            merge=PersonMerge.of(done.merge),
            leftovers=[
                MergeLeftover(
                    kind=MergeLeftoverKind[each.name], count=count, what=worded(LEFT_AS_IT_IS[each], language)
                )
                for each, count in done.leftovers.items()
            ],
        )


def _record(text: str) -> merge_outcomes.Recorded | None:
    """The record that an id names; None for one that is neither a guardian's nor a student's."""
    read = read_global_id(text)
    capacity = _CAPACITIES.get(read.kind) if read else None
    return merge_outcomes.Recorded(capacity, read.number) if read and capacity else None

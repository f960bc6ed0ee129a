"""How accounts stand: one, pages, and counts; for staff of their schools, and for each holder of the own one."""

from datetime import UTC, datetime
from enum import Enum
from typing import Annotated

import strawberry

from db.context import Context
from resolvers import reporting
from resolvers.reporting import Place, Wanted
from schema.account import Account, AccountStatus
from schema.errors import BadRequest
from schema.nodes import global_id, number_of, number_or_nobodys
from schema.pages import After, First, PageInfo, cursor, page_info, page_size, read_number_cursor
from schema.people import Capacity
from schema.selection import selected_names

Info = strawberry.Info[Context, None]


@strawberry.input(description="Which accounts. What is left out does not matter; all that is said must be so.")
class AccountFilter:
    school_id: strawberry.ID | None = strawberry.field(
        default=None, description="Of holders with a place at this school today."
    )
    grade_level: str | None = strawberry.field(
        default=None, description="Of holders with a place in this grade, at that school if one is named."
    )
    capacity: Capacity | None = strawberry.field(default=None, description="Held in this capacity.")
    status: list[AccountStatus] | None = strawberry.field(default=None, description="Standing in one of these ways.")
    last_login_before: datetime | None = strawberry.field(
        default=None, description="Signed in to, last before then. Without an offset it is a time of the district."
    )
    never_logged_in: bool | None = strawberry.field(
        default=None, description="True: never signed in to. False: signed in to at least once."
    )


@strawberry.enum(description="By what accounts are counted.")
class AccountGrouping(Enum):
    STATUS = strawberry.enum_value("STATUS", description="By how they stand.")
    SCHOOL = strawberry.enum_value("SCHOOL", description="By school: an account counts at each of its schools.")
    GRADE_LEVEL = strawberry.enum_value("GRADE_LEVEL", description="By grade: an account counts in each of its grades.")
    CAPACITY = strawberry.enum_value("CAPACITY", description="By the capacity in which they are held.")


@strawberry.type(description="How many accounts there are of one kind.")
class AccountCount:
    key: str = strawberry.field(
        description="The status, the capacity, the school's id or the grade level; empty for holders without a school "
        "today, and for those whose grade is not on record."
    )
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="An account on a page.")
class AccountEdge:
    cursor: str = strawberry.field(description="Its position.")
    node: Account = strawberry.field(description="The account.")


@strawberry.type(description="A page of accounts.")
class AccountConnection:
    edges: list[AccountEdge] = strawberry.field(description="The accounts on this page.")
    page_info: PageInfo = strawberry.field(description="Where the page begins and ends.")
    wanted: strawberry.Private[Wanted]

    @strawberry.field(description="How many accounts there are on all pages; counted when it is asked for.")
    async def total_count(self, info: Info) -> int:
        return await reporting.count(info.context, self.wanted)


Filter = Annotated[AccountFilter | None, strawberry.argument(description="Which; all that one sees when left out.")]


@strawberry.type
class ReportingQuery:
    @strawberry.field(description="An account by its id. Null when absent or hidden: the two look alike.")
    async def account(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id.")],  # noqa: A002
    ) -> Account | None:
        number = number_of(id, "Account")
        return None if number is None else await account_of(info, number)

    @strawberry.field(description="The accounts that one sees, and no others: one's own, and those of one's schools.")
    async def accounts(
        self,
        info: Info,
        filter: Filter = None,  # noqa: A002
        first: First = 25,
        after: After = None,
    ) -> AccountConnection:
        size, start = page_size(first), read_number_cursor(after)
        wanted = _wanted(info.context, filter)
        with_schools = "schools" in selected_names(info)
        place = Place(start) if start else None
        found = await reporting.accounts(info.context, wanted, after=place, limit=size + 1, with_schools=with_schools)
        now = info.context.now
        edges = [
            AccountEdge(cursor=cursor(None, place.account_id), node=Account.of(account, now))
            for account, place in found.accounts[:size]
        ]
        return AccountConnection(
            edges=edges,
            page_info=page_info([edge.cursor for edge in edges], more=len(found.accounts) > size, after=after),
            wanted=wanted,
        )

    @strawberry.field(description="How many accounts one sees of each kind.")
    async def account_counts(
        self,
        info: Info,
        filter: Filter = None,  # noqa: A002
        by: Annotated[
            AccountGrouping, strawberry.argument(description="By what they are counted.")
        ] = AccountGrouping.STATUS,
    ) -> list[AccountCount]:
        wanted = _wanted(info.context, filter)
        counted = await reporting.count_by(info.context, wanted, by.name)
        return [AccountCount(key=_key(by, key), count=count) for key, count in counted]


async def account_of(info: Info, number: int) -> Account | None:
    """The account with this number, if the asker sees it."""
    with_schools = "schools" in selected_names(info)
    found = await reporting.account(info.context, number, with_schools=with_schools)
    return Account.of(found, info.context.now) if found else None


def _key(by: AccountGrouping, key: str | None) -> str:
    if key is None:
        return ""
    return global_id("School", int(key)) if by is AccountGrouping.SCHOOL else key


def _wanted(ctx: Context, said: AccountFilter | None) -> Wanted:
    """What a filter asks for; what is at a school that cannot be one is nothing."""
    if said is None:
        return Wanted()
    return Wanted(
        school_id=number_or_nobodys(said.school_id, "School"),
        grade_level=said.grade_level,
        capacity=said.capacity.name if said.capacity else None,
        status=None if said.status is None else [status.name for status in said.status],
        last_login_before=_moment(ctx, said.last_login_before),
        never_logged_in=said.never_logged_in,
    )


def _moment(ctx: Context, said: datetime | None) -> datetime | None:
    try:
        aware = said if said is None or said.tzinfo else said.replace(tzinfo=ctx.rules.zone)
        return aware.astimezone(UTC) if aware else None
    except (OverflowError, ValueError):
        raise BadRequest("`lastLoginBefore` is a time that the calendar does not have.") from None

"""How accounts stand: one, pages, and counts; for staff of their schools, and for each holder of the own one."""

from datetime import UTC, datetime
from enum import Enum
from typing import Annotated

import strawberry

from db.context import Context
from resolvers import reporting
from resolvers.reporting import Wanted
from schema.account import Account, AccountStatus, DisabledReason
from schema.account_cursors import account_cursor, read_account_cursor
from schema.errors import BadRequest
from schema.nodes import global_id, number_of, number_or_nobodys
from schema.pages import After, First, PageInfo, page_info, page_size
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
    disabled_reason: list[DisabledReason] | None = strawberry.field(
        default=None, description="Disabled for one of these reasons."
    )
    not_signed_in_since: datetime | None = strawberry.field(
        default=None,
        description="Opened, and not signed in to since then, or never. Without an offset a time of the district.",
    )
    key_outstanding: bool | None = strawberry.field(
        default=None,
        description="True: not activated, with a key that still opens it. False: all others.",
    )


@strawberry.enum(
    description="In which order accounts come; those alike in it, by id. In names neither case nor accents count."
)
class AccountOrder(Enum):
    ID = strawberry.enum_value("ID", description="By id: the oldest first.")
    NAME = strawberry.enum_value("NAME", description="By the holder's family name, then the given name.")
    SCHOOL = strawberry.enum_value(
        "SCHOOL",
        description="By the first of the schools that are wanted and in reach, by name, then by the holder's name; "
        "those at no school come last, either way.",
    )
    LAST_LOGIN = strawberry.enum_value(
        "LAST_LOGIN", description="By when they were last signed in to; those that never were come first."
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
    total_count: int = strawberry.field(
        description="How many accounts there are on all pages; counted when it is asked for."
    )


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

    @strawberry.field(
        description="The accounts that one sees, and no others: one's own, and those of one's schools. Whoever follows "
        "the cursors from the first page to the last, within 24 hours, sees each account that is there and wanted all "
        "the while exactly once, whatever names and log-ins change meanwhile. In the order `SCHOOL` that does not hold "
        "of those who move between schools meanwhile, nor where a school gets another name."
    )
    async def accounts(
        self,
        info: Info,
        *,
        filter: Filter = None,  # noqa: A002
        order_by: Annotated[AccountOrder, strawberry.argument(description="In which order.")] = AccountOrder.ID,
        descending: Annotated[bool, strawberry.argument(description="The other way round.")] = False,
        first: First = 25,
        after: After = None,
    ) -> AccountConnection:
        ctx, size, order = info.context, page_size(first), reporting.AccountOrder[order_by.name]
        start, began = read_account_cursor(after, order, descending=descending, now=ctx.now)
        selected = selected_names(info)
        found = await reporting.accounts(
            ctx,
            _wanted(ctx, filter),
            order=order,
            descending=descending,
            after=start,
            limit=size + 1,
            with_schools="schools" in selected,
            with_total="totalCount" in selected,
        )
        edges = [
            AccountEdge(
                cursor=account_cursor(place, order, descending=descending, began=began),
                node=Account.of(account, ctx.now),
            )
            for account, place in found.accounts[:size]
        ]
        return AccountConnection(
            edges=edges,
            page_info=page_info([edge.cursor for edge in edges], more=len(found.accounts) > size, after=after),
            # Counted whenever it is selected.
            total_count=found.total or 0,
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
        disabled_reason=None if said.disabled_reason is None else [reason.name for reason in said.disabled_reason],
        last_login_before=_moment(ctx, said.last_login_before, "lastLoginBefore"),
        never_logged_in=said.never_logged_in,
        not_signed_in_since=_moment(ctx, said.not_signed_in_since, "notSignedInSince"),
        key_outstanding=said.key_outstanding,
    )


def _moment(ctx: Context, said: datetime | None, name: str) -> datetime | None:
    try:
        aware = said if said is None or said.tzinfo else said.replace(tzinfo=ctx.rules.zone)
        return aware.astimezone(UTC) if aware else None
    except (OverflowError, ValueError):
        raise BadRequest(f"`{name}` is a time that the calendar does not have.") from None

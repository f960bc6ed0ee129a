"""Changes of accounts: as they happen, over a connection that stays, and page by page for clients that ask."""

import base64
import binascii
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Final

import strawberry

from db.context import Context
from policies.refusals import NotAllowed
from resolvers import changes
from resolvers.changes import Change, ChangesForgotten, Followed, StandingLost
from schema.account import Account, AccountStatus, DisabledReason
from schema.errors import BadRequest, FollowingEnded
from schema.nodes import number_or_nobodys
from schema.pages import First, PageInfo, page_size
from schema.people import Capacity
from schema.selection import selected_names

Info = strawberry.Info[Context, None]
#: Error codes: what a client does next depends on them.
CHANGES_FORGOTTEN: Final = "CHANGES_FORGOTTEN"

_READ_ANEW: Final = (
    "Changes after this cursor are not kept any more: read the accounts anew, and go on from `latest` of before that."
)

SchoolId = Annotated[
    strawberry.ID | None, strawberry.argument(description="Only of holders with a place at this school today.")
]
HeldAs = Annotated[Capacity | None, strawberry.argument(description="Only of accounts held in this capacity.")]


@strawberry.type(
    description="That an account came to stand in another way. Told to whoever sees the account when it is told."
)
class AccountStatusChange:
    cursor: str = strawberry.field(description="Its position: `after` for all that follow it.")
    at: datetime = strawberry.field(description="When it was changed.")
    account: Account = strawberry.field(description="The account as it stands now, perhaps after further changes.")
    status_before: AccountStatus | None = strawberry.field(
        description="Where it stood before; null for an account that was new."
    )
    status: AccountStatus = strawberry.field(description="Where it stood from then on.")
    disabled_reason: DisabledReason | None = strawberry.field(
        description="Why it was disabled then; null when it was not."
    )
    locked_until: datetime | None = strawberry.field(
        description="When the wait that began then ends, which is no change any more; null when none began."
    )

    @classmethod
    def of(cls, change: Change, ctx: Context) -> "AccountStatusChange":
        return cls(
            cursor=_cursor(change.number),
            at=change.at,
            account=Account.of(change.account, ctx.now, ctx),
            status_before=AccountStatus[change.status_before] if change.status_before else None,
            status=AccountStatus[change.status],
            disabled_reason=DisabledReason[change.disabled_reason.name] if change.disabled_reason else None,
            locked_until=change.locked_until,
        )


@strawberry.type(description="A change on a page.")
class AccountStatusChangeEdge:
    cursor: str = strawberry.field(description="Its position.")
    node: AccountStatusChange = strawberry.field(description="The change.")


@strawberry.type(
    description="A page of changes. It may be short, or empty, although more follow: a page looks through so many "
    "changes of the district. `endCursor` is always there, and leads on."
)
class AccountStatusChangeConnection:
    edges: list[AccountStatusChangeEdge] = strawberry.field(description="The changes on this page.")
    page_info: PageInfo = strawberry.field(
        description="Where the page begins and ends. `endCursor` is where the next one begins, be this one empty."
    )

    @strawberry.field(
        description="The position of now: everything changed from here on follows it. Take it before reading the "
        "accounts, and follow from it afterwards."
    )
    async def latest(self) -> str:
        return _cursor(await changes.present())


@strawberry.type
class ChangesQuery:
    @strawberry.field(
        description="Changes of the accounts that one sees, in their order; from the oldest that is kept, or after a "
        "cursor. A cursor that is too old is an error with the code `CHANGES_FORGOTTEN`."
    )
    async def account_changes(
        self,
        info: Info,
        school_id: SchoolId = None,
        capacity: HeldAs = None,
        first: First = 25,
        after: Annotated[
            str | None, strawberry.argument(description="The cursor of a change, `endCursor` or `latest`.")
        ] = None,
    ) -> AccountStatusChangeConnection:
        size, start = page_size(first), _position(after)
        try:
            page = await changes.changes(info.context, _followed(info, school_id, capacity), after=start, limit=size)
        except ChangesForgotten:
            raise BadRequest(_READ_ANEW, CHANGES_FORGOTTEN) from None
        edges = [
            AccountStatusChangeEdge(cursor=_cursor(change.number), node=AccountStatusChange.of(change, info.context))
            for change in page.changes
        ]
        return AccountStatusChangeConnection(
            edges=edges,
            page_info=PageInfo(
                has_next_page=page.more,
                has_previous_page=after is not None,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=_cursor(page.position),
            ),
        )


@strawberry.type(description="What can be followed, over a WebSocket with the protocol graphql-transport-ws.")
class Subscription:
    @strawberry.subscription(
        description="Changes of the accounts that one sees, as they happen. With a cursor those that were missed come "
        "first, each once. It ends with an error as soon as one may not follow any longer; its code says why."
    )
    async def account_status_changed(
        self,
        info: Info,
        school_id: SchoolId = None,
        capacity: HeldAs = None,
        after: Annotated[
            str | None,
            strawberry.argument(description="The last cursor that was received, or `latest`; from now on without."),
        ] = None,
    ) -> AsyncGenerator[AccountStatusChange, None]:
        told = changes.follow(info.context, _followed(info, school_id, capacity), after=_position(after))
        try:
            async with aclosing(told):
                async for ctx, change in told:
                    yield AccountStatusChange.of(change, ctx)
        except ChangesForgotten:
            raise BadRequest(_READ_ANEW, CHANGES_FORGOTTEN) from None
        except NotAllowed:
            said = "You may not follow these changes, or may not any longer. What is left can be followed anew."
            raise FollowingEnded(said, signed_out=info.context.asker is None) from None
        except StandingLost:
            said = "The session has ended, or the client is not accepted any more."
            raise FollowingEnded(said, signed_out=True) from None


def _followed(info: Info, school_id: str | None, capacity: Capacity | None) -> Followed:
    """What is asked for; what is at a school that cannot be one is nothing."""
    return Followed(
        school_id=number_or_nobodys(school_id, "School"),
        capacity=capacity.name if capacity else None,
        with_schools="schools" in selected_names(info),
    )


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"change:{number}".encode()).decode().rstrip("=")


def _position(text: str | None) -> int | None:
    """The number in a cursor; None for none.

    Raises:
        BadRequest: when it is not a cursor of ours.
    """
    if text is None:
        return None
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        kind, _, number = base64.urlsafe_b64decode(padded).decode("ascii").partition(":")
    except (UnicodeError, binascii.Error, ValueError):
        kind, number = "", ""
    if kind != "change" or not number.isdecimal() or len(number) > 19 or int(number) >= 2**63:
        raise BadRequest("`after` is not a cursor of these changes.")
    return int(number)

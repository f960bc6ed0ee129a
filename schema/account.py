"""Accounts: what may be known of one by its place in the school, and what only its holder may know."""

from datetime import datetime
from enum import Enum

import strawberry

from db.context import Context
from resolvers import outcomes, reporting
from schema.nodes import Node, global_id
from schema.people import Capacity, PersonName, School

Info = strawberry.Info[Context, None]


@strawberry.enum(description="Where an account stands.")
class AccountStatus(Enum):
    NOT_ACTIVATED = strawberry.enum_value("NOT_ACTIVATED", description="Waits for its activation key.")
    ACTIVE = strawberry.enum_value("ACTIVE", description="Can be signed in to.")
    LOCKED = strawberry.enum_value(
        "LOCKED",
        description="Closed for a while, after wrong passwords, to whoever comes from a device not seen before.",
    )
    DISABLED = strawberry.enum_value("DISABLED", description="Closed until the school enables it.")


@strawberry.enum(description="Why an account is disabled.")
class DisabledReason(Enum):
    TOO_MANY_FAILURES = strawberry.enum_value("TOO_MANY_FAILURES", description="Too many wrong passwords in a row.")
    STAFF_DECISION = strawberry.enum_value("STAFF_DECISION", description="The school disabled it.")
    LEGAL_RESTRICTION = strawberry.enum_value("LEGAL_RESTRICTION", description="A court order or the like.")
    NO_CURRENT_STUDENT = strawberry.enum_value("NO_CURRENT_STUDENT", description="No student is left to see.")
    MERGED = strawberry.enum_value("MERGED", description="The holder was on record twice; another account goes on.")


@strawberry.enum(description="Where a session stands with the second factor that staff sign in with.")
class SecondFactor(Enum):
    NOT_NEEDED = strawberry.enum_value("NOT_NEEDED", description="Nobody asks for one.")
    FRESH = strawberry.enum_value("FRESH", description="A code was given a short while ago.")
    STALE = strawberry.enum_value(
        "STALE", description="Before an action a code has to be given again: `confirmSecondFactor`."
    )
    MISSING = strawberry.enum_value("MISSING", description="One has to be set up first: `enrolSecondFactor`.")


@strawberry.type(description="What may be known of an account by its place in the school: no username, no address.")
class Account(Node):
    capacity: Capacity = strawberry.field(description="In what capacity its holder has it.")
    status: AccountStatus = strawberry.field(description="Where it stands.")
    disabled_reason: DisabledReason | None = strawberry.field(description="Why it is disabled; null when it is not.")
    locked_until: datetime | None = strawberry.field(
        description="When the wait after wrong passwords ends; null when there is none."
    )
    activated_at: datetime | None = strawberry.field(description="When it was opened; null when it was not.")
    last_login_at: datetime | None = strawberry.field(description="When it was last signed in to.")
    holder: PersonName = strawberry.field(description="Whose account it is.")
    found: strawberry.Private[outcomes.AccountSeen]
    ctx: strawberry.Private[Context | None]

    @strawberry.field(
        description="The holder's schools today: the student's own, or those of all students on record with the "
        "guardian; to staff, as far as they are theirs."
    )
    async def schools(self, info: Info) -> list[School]:
        schools = self.found.schools
        if schools is None:
            schools = await reporting.schools_of(self.ctx or info.context, self.found.account_id)
        return [School.of(school) for school in schools]

    @classmethod
    def of(cls, holder: outcomes.AccountSeen, now: datetime, ctx: Context | None = None) -> "Account":
        """The account as it is at that time. `ctx` is for whoever was signed in by the very request."""
        locked = holder.locked_until is not None and holder.locked_until > now
        status = AccountStatus[holder.status.name]
        if locked and status is AccountStatus.ACTIVE:
            status = AccountStatus.LOCKED
        return cls(
            id=global_id("Account", holder.account_id),
            capacity=Capacity[holder.capacity.name],
            status=status,
            disabled_reason=DisabledReason[holder.disabled_reason.name] if holder.disabled_reason else None,
            locked_until=holder.locked_until if locked else None,
            activated_at=holder.activated_at,
            last_login_at=holder.last_login_at,
            holder=PersonName.of(holder.name),
            found=holder,
            ctx=ctx,
        )


@strawberry.type(description="What comes back only to the holder, or after confirmed guardianship and verification.")
class AccountDetails:
    account: Account = strawberry.field(description="The account that these details are of.")
    username: str | None = strawberry.field(description="What its holder signs in with; null before activation.")
    email: str | None = strawberry.field(
        description="The address on file to which letters go; null when there is none."
    )
    must_change_password: bool = strawberry.field(description="A new password has to be set before anything else.")

    @classmethod
    def of(cls, holder: outcomes.Holder, now: datetime, ctx: Context | None = None) -> "AccountDetails":
        return cls(
            account=Account.of(holder, now, ctx),
            username=holder.username,
            email=holder.email,
            must_change_password=holder.must_change_password,
        )

"""What a report is asked for with: inputs as front ends send them, and the definition that they amount to."""

from datetime import UTC, date, datetime, time
from enum import Enum

import strawberry

from db.context import Context
from db.queries.reporting import EmailProblem, Wanted
from resolvers import report_outcomes as outcomes
from resolvers import reporting
from schema.account import AccountStatus, DisabledReason
from schema.errors import BadRequest
from schema.nodes import number_or_nobodys
from schema.people import Capacity
from schema.reporting import AccountOrder


@strawberry.enum(description="The reports that there are.")
class ReportName(Enum):
    ACCOUNTS = strawberry.enum_value("accounts", description="All accounts that one sees: `accounts`, as a report.")
    STUDENT_ACCOUNTS = strawberry.enum_value("student-accounts", description="Students' accounts.")
    GUARDIAN_ACCOUNTS = strawberry.enum_value("guardian-accounts", description="Guardians' accounts.")
    NEVER_ACTIVATED = strawberry.enum_value(
        "never-activated", description="Accounts that still wait for their activation key."
    )
    NOT_SIGNED_IN_SINCE = strawberry.enum_value(
        "not-signed-in-since",
        description="Open accounts that nobody has signed in to since a day, or ever. The filter says since when.",
    )
    DISABLED = strawberry.enum_value("disabled", description="Disabled accounts, and why.")
    KEYS_OUTSTANDING = strawberry.enum_value(
        "keys-outstanding", description="Accounts with an activation key that was issued and not used."
    )
    EMAIL_PROBLEMS = strawberry.enum_value(
        "email-problems", description="Accounts whose holder's e-mail address is missing, or somebody else's too."
    )
    STUDENTS_WITHOUT_ACTIVATED_GUARDIAN = strawberry.enum_value(
        "students-without-activated-guardian",
        description="Students of whom no guardian is confirmed and has an open account.",
    )
    GUARDIANS_WITHOUT_PORTAL_MARK = strawberry.enum_value(
        "guardians-without-portal-mark",
        description="Guardianships, not revoked, without the mark by which the portal shows the student.",
    )
    UNUSABLE_SSNS = strawberry.enum_value(
        "unusable-ssns", description="Students whose Social Security number is not on file, or cannot be one."
    )
    LIKELY_DUPLICATES = strawberry.enum_value(
        "likely-duplicates", description="Two guardians, or two students, who may be one human being."
    )


@strawberry.enum(description="By what accounts are counted in a report.")
class ReportGrouping(Enum):
    STATUS = strawberry.enum_value("STATUS", description="By how they stand.")
    CAPACITY = strawberry.enum_value("CAPACITY", description="By the capacity in which they are held.")
    SCHOOL = strawberry.enum_value("SCHOOL", description="By school: an account counts at each of its schools.")
    GRADE_LEVEL = strawberry.enum_value("GRADE_LEVEL", description="By grade: an account counts in each of its grades.")
    DISABLED_REASON = strawberry.enum_value("DISABLED_REASON", description="By why they are disabled.")


@strawberry.enum(description="What is wrong with the e-mail address on record of an account's holder.")
class ReportEmailProblem(Enum):
    MISSING = strawberry.enum_value("MISSING", description="There is none.")
    SHARED = strawberry.enum_value("SHARED", description="Somebody else on record has the same one.")


@strawberry.input(
    description="Which rows. What is left out does not matter; all that is said must be so. `reports` tells which of "
    "these go with a report."
)
class ReportFilter:
    school_id: strawberry.ID | None = strawberry.field(
        default=None, description="Of people with a place at this school today."
    )
    grade_level: str | None = strawberry.field(
        default=None, description="Of people with a place in this grade, at that school if one is named."
    )
    capacity: Capacity | None = strawberry.field(default=None, description="Held in this capacity.")
    status: list[AccountStatus] | None = strawberry.field(default=None, description="Standing in one of these ways.")
    disabled_reason: list[DisabledReason] | None = strawberry.field(
        default=None, description="Disabled for one of these reasons."
    )
    last_login_before: datetime | None = strawberry.field(
        default=None, description="Signed in to, last before then. Without an offset it is a time of the district."
    )
    never_logged_in: bool | None = strawberry.field(
        default=None, description="True: never signed in to. False: signed in to at least once."
    )
    not_signed_in_since: date | None = strawberry.field(
        default=None, description="Opened, and not signed in to on this day or later."
    )
    not_signed_in_for_days: int | None = strawberry.field(
        default=None,
        description="The same with a day that moves on: so many days before the one on which the report runs.",
    )
    email: ReportEmailProblem | None = strawberry.field(
        default=None, description="Whose address is missing, or whose is shared; either when left out."
    )


@strawberry.input(description="What a report asks for.")
class ReportDefinitionInput:
    name: ReportName = strawberry.field(description="Which report.")
    filter: ReportFilter | None = strawberry.field(default=None, description="Which rows; all when left out.")
    columns: list[str] | None = strawberry.field(
        default=None, description="Keys of columns in the order wanted; the report's own choice when left out."
    )
    group_by: list[ReportGrouping] | None = strawberry.field(
        default=None, description="Counts the accounts by this, or by two of these, in place of listing them."
    )
    order: AccountOrder = strawberry.field(default=AccountOrder.ID, description="In which order the rows come.")
    descending: bool = strawberry.field(default=False, description="The other way round.")


def definition_from(ctx: Context, said: ReportDefinitionInput) -> outcomes.Definition:
    """What an input asks for; what is at a school that cannot be one is nothing."""
    filter_ = said.filter or ReportFilter()
    wanted = Wanted(
        school_id=number_or_nobodys(filter_.school_id, "School"),
        grade_level=filter_.grade_level,
        capacity=filter_.capacity.name if filter_.capacity else None,
        status=None if filter_.status is None else tuple(status.name for status in filter_.status),
        disabled_reason=_names(filter_.disabled_reason),
        last_login_before=_moment(ctx, filter_.last_login_before, "lastLoginBefore"),
        never_logged_in=filter_.never_logged_in,
        not_signed_in_since=_beginning(ctx, filter_.not_signed_in_since),
        email=EmailProblem[filter_.email.name] if filter_.email else None,
    )
    asked = outcomes.ReportAsked(
        name=outcomes.ReportName[said.name.name],
        wanted=wanted,
        columns=tuple(said.columns or ()),
        group_by=tuple(grouping.name for grouping in said.group_by or ()),
        order=reporting.AccountOrder[said.order.name],
        descending=said.descending,
    )
    return outcomes.Definition(asked, filter_.not_signed_in_for_days)


def _names(said: list[DisabledReason] | None) -> tuple[str, ...] | None:
    return None if said is None else tuple(reason.name for reason in said)


def _beginning(ctx: Context, day: date | None) -> datetime | None:
    """The beginning of a day of the district."""
    return None if day is None else _moment(ctx, datetime.combine(day, time()), "notSignedInSince")


def _moment(ctx: Context, said: datetime | None, field: str) -> datetime | None:
    try:
        aware = said if said is None or said.tzinfo else said.replace(tzinfo=ctx.rules.zone)
        return aware.astimezone(UTC) if aware else None
    except (OverflowError, ValueError):
        raise BadRequest(f"`{field}` is a time that the calendar does not have.") from None

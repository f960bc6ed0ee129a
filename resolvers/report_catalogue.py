"""The reports: what each of them lists, how it may be laid out, and of whom it tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from db.context import Capacity
from db.languages import Sentence, say
from db.models import AccountStatus
from db.queries.reporting import AccountOrder
from resolvers.report_columns import (
    ACCOUNT,
    EMAIL,
    GUARDIANS,
    GUARDIANSHIP,
    KEY,
    NAME,
    PAIR,
    PLACE,
    SSN,
    STUDENT_ID,
    STUDENT_NAME,
    STUDENT_NUMBER,
    USERNAME,
    columns,
)
from resolvers.report_outcomes import Described, Grouping, ReportName


class Tells(StrEnum):
    """Of whom a report tells; `resolvers.report_rights` says who may know that."""

    #: Nothing that `accounts` does not tell, of the very same accounts.
    HOW_ACCOUNTS_STAND = "how_accounts_stand"
    #: More than that of accounts: students' to whoever may report on those, guardians' to whoever may report on all.
    MORE_OF_ACCOUNTS = "more_of_accounts"
    STUDENTS = "students"
    GUARDIANS = "guardians"
    #: Of both records of a pair, all of whose students are at the asker's schools.
    PAIRS = "pairs"


@dataclass(frozen=True, slots=True)
class Kept:
    """A report as the house knows it."""

    described: Described
    tells: Tells
    #: What it presets of the filter.
    presets: Mapping[str, Any] = field(default_factory=dict)


_PLACED: Final = ("school_id", "grade_level")
_LAST_LOGIN: Final = ("last_login_before", "never_logged_in")


def _accounts(
    name: ReportName,
    title: Sentence,
    about: Sentence,
    *,
    filters: tuple[str, ...],
    defaults: tuple[str, ...],
    more: tuple[str, ...] = (),
    tells: Tells = Tells.HOW_ACCOUNTS_STAND,
    needs: str | None = None,
    groupings: tuple[Grouping, ...] = tuple(Grouping),
    presets: Mapping[str, Any] | None = None,
    orders: tuple[AccountOrder, ...] = tuple(AccountOrder),
) -> Kept:
    offered = (*ACCOUNT, *NAME, *PLACE, *more)
    if name is not ReportName.GUARDIAN_ACCOUNTS:
        offered = (*offered, STUDENT_NUMBER)
    offered = (*offered, USERNAME)
    described = Described(
        *(name, title, about, columns(*offered), defaults, (*_PLACED, *filters), needs), groupings, orders
    )
    return Kept(described, tells, presets or {})


_BY_PLACE: Final = (Grouping.SCHOOL, Grouping.GRADE_LEVEL, Grouping.CAPACITY)
_STUDENT: Final = (STUDENT_ID, *NAME, STUDENT_NUMBER, *PLACE)

_ALL: Final = (
    _accounts(
        ReportName.ACCOUNTS,
        say("Accounts"),
        say("All accounts that you see, and how they stand: the same that the list of accounts shows."),
        filters=("capacity", "status", "disabled_reason", *_LAST_LOGIN, "not_signed_in_since"),
        defaults=("accountId", "name", "capacity", "schools", "gradeLevels", "status", "activatedAt", "lastLoginAt"),
    ),
    _accounts(
        ReportName.STUDENT_ACCOUNTS,
        say("Students' accounts"),
        say("The accounts of students, and how they stand."),
        filters=("status", "disabled_reason", *_LAST_LOGIN, "not_signed_in_since"),
        defaults=("accountId", "name", "schools", "gradeLevels", "status", "activatedAt", "lastLoginAt"),
        presets={"capacity": Capacity.STUDENT.value},
    ),
    _accounts(
        ReportName.GUARDIAN_ACCOUNTS,
        say("Guardians' accounts"),
        say("The accounts of guardians, and how they stand."),
        filters=("status", "disabled_reason", *_LAST_LOGIN, "not_signed_in_since"),
        defaults=("accountId", "name", "schools", "gradeLevels", "status", "activatedAt", "lastLoginAt"),
        presets={"capacity": Capacity.GUARDIAN.value},
    ),
    _accounts(
        ReportName.NEVER_ACTIVATED,
        say("Never activated"),
        say("Accounts that still wait for their activation key."),
        filters=("capacity",),
        defaults=("accountId", "name", "capacity", "schools", "gradeLevels"),
        groupings=_BY_PLACE,
        presets={"status": (AccountStatus.NOT_ACTIVATED.value,)},
    ),
    _accounts(
        ReportName.NOT_SIGNED_IN_SINCE,
        say("Not signed in since"),
        say("Open accounts that nobody has signed in to since a day that you name, or ever."),
        filters=("capacity", "never_logged_in", "not_signed_in_since"),
        needs="not_signed_in_since",
        defaults=("accountId", "name", "capacity", "schools", "gradeLevels", "activatedAt", "lastLoginAt"),
        groupings=(Grouping.STATUS, *_BY_PLACE),
        presets={"status": (AccountStatus.ACTIVE.value, "LOCKED")},
    ),
    _accounts(
        ReportName.DISABLED,
        say("Disabled, and why"),
        say("Accounts that are disabled, with the reason that the school gave."),
        filters=("capacity", "disabled_reason", *_LAST_LOGIN),
        defaults=("accountId", "name", "capacity", "schools", "disabledReason", "lastLoginAt"),
        groupings=(Grouping.DISABLED_REASON, *_BY_PLACE),
        presets={"status": (AccountStatus.DISABLED.value,)},
    ),
    _accounts(
        ReportName.KEYS_OUTSTANDING,
        say("Keys outstanding"),
        say("Accounts with an activation key that was issued and not used yet. The keys themselves are not shown."),
        filters=("capacity",),
        defaults=("accountId", "name", "capacity", "schools", "keyIssuedAt", "keyExpiresAt"),
        more=KEY,
        tells=Tells.MORE_OF_ACCOUNTS,
        groupings=_BY_PLACE,
        presets={"key_outstanding": True},
    ),
    _accounts(
        ReportName.EMAIL_PROBLEMS,
        say("E-mail missing or shared"),
        say("Accounts whose holder has no e-mail address on record, or one that somebody else has too."),
        filters=("capacity", "status", "email"),
        defaults=("accountId", "name", "capacity", "schools", "emailProblem", "emailSharedBy"),
        more=EMAIL,
        tells=Tells.MORE_OF_ACCOUNTS,
        groupings=(Grouping.STATUS, *_BY_PLACE),
        orders=(AccountOrder.ID,),
    ),
    Kept(
        Described(
            ReportName.STUDENTS_WITHOUT_ACTIVATED_GUARDIAN,
            say("Students without an activated guardian"),
            say("Students of whom no guardian is confirmed and has an open account."),
            columns(*_STUDENT, *GUARDIANS),
            ("studentId", "name", STUDENT_NUMBER, *PLACE, *GUARDIANS),
            _PLACED,
        ),
        Tells.STUDENTS,
    ),
    Kept(
        Described(
            ReportName.GUARDIANS_WITHOUT_PORTAL_MARK,
            say("Guardians without portal mark"),
            say("Guardianships that were not taken back and lack the mark by which the portal shows the student."),
            columns(*GUARDIANSHIP, STUDENT_ID, STUDENT_NAME, STUDENT_NUMBER, *PLACE),
            ("guardianName", STUDENT_NAME, STUDENT_NUMBER, *PLACE, "relationship", "guardianshipStatus"),
            _PLACED,
        ),
        Tells.GUARDIANS,
    ),
    Kept(
        Described(
            ReportName.UNUSABLE_SSNS,
            say("Social Security numbers that cannot be used"),
            say("Students whose number is not on file, or cannot be one: online they cannot prove who they are."),
            columns(*_STUDENT, SSN),
            ("studentId", "name", STUDENT_NUMBER, *PLACE, SSN),
            _PLACED,
        ),
        Tells.STUDENTS,
    ),
    Kept(
        Described(
            ReportName.LIKELY_DUPLICATES,
            say("Likely duplicates"),
            say("Two guardians, or two students, who may be one human being on record twice."),
            columns(*PAIR),
            PAIR,
            ("school_id",),
        ),
        Tells.PAIRS,
    ),
)

REPORTS: Final[Mapping[ReportName, Kept]] = {kept.described.name: kept for kept in _ALL}


def without(described: Described, hidden: frozenset[str]) -> Described:
    """The report without some of its columns."""
    return replace(described, columns=tuple(each for each in described.columns if each.key not in hidden))

"""What a report is asked for, and what comes of it: columns and rows of plain values, whatever they are written as."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from db.languages import Sentence
from db.queries.reporting import AccountOrder, Wanted

#: What stands in a cell; None in an empty one.
Value = str | int | bool | date | datetime | None
Cells = tuple[Value, ...]


class ReportName(StrEnum):
    """The reports, by the words that name them in addresses and on the command line."""

    #: All accounts in sight: the ad hoc report, exactly the list that `accounts` gives.
    ACCOUNTS = "accounts"
    STUDENT_ACCOUNTS = "student-accounts"
    GUARDIAN_ACCOUNTS = "guardian-accounts"
    NEVER_ACTIVATED = "never-activated"
    NOT_SIGNED_IN_SINCE = "not-signed-in-since"
    DISABLED = "disabled"
    KEYS_OUTSTANDING = "keys-outstanding"
    EMAIL_PROBLEMS = "email-problems"
    STUDENTS_WITHOUT_ACTIVATED_GUARDIAN = "students-without-activated-guardian"
    GUARDIANS_WITHOUT_PORTAL_MARK = "guardians-without-portal-mark"
    UNUSABLE_SSNS = "unusable-ssns"
    LIKELY_DUPLICATES = "likely-duplicates"


class Grouping(StrEnum):
    """By what the accounts of a report are counted instead of listed; by one of these, or by two."""

    STATUS = "STATUS"
    CAPACITY = "CAPACITY"
    SCHOOL = "SCHOOL"
    GRADE_LEVEL = "GRADE_LEVEL"
    DISABLED_REASON = "DISABLED_REASON"


class ColumnType(StrEnum):
    """What the cells of a column are."""

    TEXT = "TEXT"
    NUMBER = "NUMBER"
    DATE = "DATE"
    #: A moment in UTC.
    MOMENT = "MOMENT"
    YES_NO = "YES_NO"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the word that names it to programs, what its cells are, and its heading for people."""

    key: str
    type: ColumnType
    title: Sentence


@dataclass(frozen=True, slots=True)
class ReportAsked:
    """Which report, of what, and how it is to be laid out. Empty columns stand for the report's own choice."""

    name: ReportName
    wanted: Wanted = field(default_factory=Wanted)
    #: Keys of columns, in the order wanted.
    columns: tuple[str, ...] = ()
    #: Words of `Grouping` by which the rows are counted instead of listed: none, one, or two.
    group_by: tuple[str, ...] = ()
    order: AccountOrder = AccountOrder.ID
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Described:
    """A report as it is offered: what it lists, and how it may be laid out."""

    name: ReportName
    title: Sentence
    #: What it lists, in a sentence.
    about: Sentence
    #: All that may be asked for; to an asker, those that this asker may ask for.
    columns: tuple[Column, ...]
    #: Keys of those that it has when none is named.
    defaults: tuple[str, ...]
    #: Names of the fields of `Wanted` that may be used with it.
    filters: tuple[str, ...]
    #: One of them that it cannot do without.
    needs: str | None = None
    groupings: tuple[Grouping, ...] = ()
    orders: tuple[AccountOrder, ...] = (AccountOrder.ID,)


@dataclass(frozen=True, slots=True)
class Export:
    """A report on its way out: its columns, how many rows there are to come, and the rows by the batch.

    Whoever stops before the end closes `batches`, and nothing is held any more.
    """

    columns: tuple[Column, ...]
    total: int
    batches: AsyncIterator[list[Cells]]


@dataclass(frozen=True, slots=True)
class Definition:
    """A report as it may be kept and run again: what it asks for, with a day that may move on with the calendar."""

    asked: ReportAsked
    #: In place of `wanted.not_signed_in_since`: the beginning of the day so many days before the one on which it runs.
    not_signed_in_for_days: int | None = None

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
    #: Keys of columns by which the rows are counted instead of listed.
    group_by: tuple[str, ...] = ()
    order: AccountOrder = AccountOrder.ID
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """A report on its way out: its columns, how many rows there are to come, and the rows by the batch.

    Whoever stops before the end closes `batches`, and nothing is held any more.
    """

    columns: tuple[Column, ...]
    total: int
    batches: AsyncIterator[list[Cells]]

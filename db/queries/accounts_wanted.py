"""Which accounts are wanted, in which order, and from which place on: the words in which pages and counts are asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from db.sql import Row


class AccountOrder(StrEnum):
    """In which order accounts come; those that are alike in it, by id."""

    ID = "ID"
    #: Family name, given name; as they are looked for, so that neither case nor accents count.
    NAME = "NAME"
    #: The first of the schools in reach, then by name; those at no school come last.
    SCHOOL = "SCHOOL"
    #: Those that were never signed in to come first.
    LAST_LOGIN = "LAST_LOGIN"


class EmailProblem(StrEnum):
    """What is wrong with the address on record of an account's holder."""

    MISSING = "MISSING"
    #: Somebody else on record has the same one.
    SHARED = "SHARED"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the accounts in reach; None means that it does not matter."""

    school_id: int | None = None
    grade_level: str | None = None
    capacity: str | None = None
    #: Words of the status, `LOCKED` among them.
    status: Sequence[str] | None = None
    #: Disabled, and for one of these reasons.
    disabled_reason: Sequence[str] | None = None
    #: Signed in to, and before then.
    last_login_before: datetime | None = None
    never_logged_in: bool | None = None
    #: Opened, and not signed in to since then, or never.
    not_signed_in_since: datetime | None = None
    #: Not activated, and with a key that opens it and has not expired.
    key_outstanding: bool | None = None
    email: EmailProblem | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an account stands in an order: the next page begins after it.

    What it stands by is as it was when the first page was read, whatever has changed since.
    """

    account_id: int
    #: As names are sorted; in `NAME` and `SCHOOL`.
    name: str = ""
    #: In `SCHOOL`: name and id of the school; None for those at no school.
    school: tuple[str, int] | None = None
    #: In `LAST_LOGIN`; None stands for never.
    last_login_at: datetime | None = None
    #: Which transactions the first page saw, as PostgreSQL writes a `pg_snapshot`; not in `ID`.
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Accounts, each with its `place` (a `Place`) in its row; and how many there are in all, if asked."""

    rows: list[Row]
    total: int | None = None

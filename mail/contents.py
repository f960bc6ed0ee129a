"""What each kind of letter tells: everything its text needs, gathered when it is sent, and nothing to look up."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import TypedDict

from db.context import Capacity
from db.models import GateName
from mail.outbox import GuardianshipChange, HouseholdChange


@dataclass(frozen=True, slots=True)
class School:
    """Whom to call."""

    name: str
    phone: str | None


class Common(TypedDict):
    """What is found out in one way for every letter."""

    name: str | None
    schools: tuple[School, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What every letter knows."""

    #: Whom it greets; None where several people read the letters of the address.
    name: str | None
    #: Empty where no school of the holder has a telephone on record: then the district's contact is named.
    schools: tuple[School, ...]
    #: When it happened, in UTC.
    at: datetime
    #: Where it goes, and in which language, if that is found out only when it is sent.
    to: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOpened(Contents):
    """WELCOME."""

    username: str


class LogOnStatus(Enum):
    """What can be done about an account by letter."""

    OPEN = "OPEN"
    DISABLED = "DISABLED"
    NOT_OPENED = "NOT_OPENED"


@dataclass(frozen=True, slots=True)
class LogOn:
    """One account of whoever reads the letters of an address."""

    holder: str
    capacity: Capacity
    status: LogOnStatus
    username: str | None
    #: Sets a new password; for an open account alone.
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOnInformation(Contents):
    """LOG_ON_INFORMATION: the forgotten log-on."""

    accounts: tuple[LogOn, ...]
    #: For how many minutes from now the links work.
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Contents):
    """PASSWORD_CHANGED."""

    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorSet(Contents):
    """SECOND_FACTOR_SET."""

    #: None where the operator set it up before the account was opened.
    username: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInFromNewDevice(Contents):
    """NEW_DEVICE."""

    username: str
    #: What the device calls itself: a browser's own words, which may be anything.
    device: str | None


class WhoseKey(StrEnum):
    """Whose activation key was asked for, as seen by whoever is told."""

    OWN = "OWN"
    STUDENT = "STUDENT"
    #: Another guardian's; which one is not told, since parents may live apart.
    ANOTHER_GUARDIAN = "ANOTHER_GUARDIAN"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAskedFor(Contents):
    """KEY_ASKED_FOR."""

    student: str
    whose: WhoseKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationKeyIssued(Contents):
    """ACTIVATION_KEY."""

    key: str
    capacity: Capacity
    #: The front end's page for it, with the key behind `#`.
    link: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReset(Contents):
    """ACCOUNT_RESET: the school gave a one-time code to somebody whom it had verified."""

    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetLink(Contents):
    """RESET_LINK."""

    username: str
    link: str
    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEnabled(Contents):
    """ACCOUNT_ENABLED."""

    #: None where the account was never opened.
    username: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDisabled(Contents):
    """ACCOUNT_DISABLED."""

    username: str | None
    #: Whether it was closed because of a hundred wrong passwords in a row, and not by somebody's decision.
    by_failures: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrderOpened(Contents):
    """WORK_ORDER_OPENED, to the district's technology staff."""

    number: int
    #: Empty where nobody in particular is concerned.
    parent: str
    student: str
    student_number: str
    problem: str
    opened_by: str
    #: The gates that did not let through when it was opened.
    in_the_way: tuple[GateName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrderResolved(Contents):
    """WORK_ORDER_RESOLVED, to whoever opened it."""

    number: int
    problem: str
    resolution: str


class Sight(StrEnum):
    """What stands between a guardian and the sight of a student, if anything does: the first thing to be mended."""

    NOT_CONFIRMED = "NOT_CONFIRMED"
    NO_PORTAL_MARK = "NO_PORTAL_MARK"
    #: The student is of age, and has not consented.
    NO_CONSENT = "NO_CONSENT"
    NOT_OPENED = "NOT_OPENED"
    DISABLED = "DISABLED"
    OPEN = "OPEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGuardianship(Contents):
    """GUARDIANSHIP_CHANGED, to the guardian concerned, who may know of the student."""

    student: str
    change: GuardianshipChange
    sight: Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentNotShown(Contents):
    """GUARDIANSHIP_CHANGED, to the guardian concerned who is kept away: neither whom it is about, nor why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnothersGuardianship(Contents):
    """GUARDIANSHIP_CHANGED, to another guardian or to the student; which guardian is not told, since parents may live
    apart."""

    #: None where it goes to the student.
    student: str | None
    change: GuardianshipChange


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdChanged(Contents):
    """HOUSEHOLD_CHANGED: neither an address nor a number nor a member's name."""

    change: HouseholdChange


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGivenOut(Contents):
    """KEY_ISSUED: the school gave an activation key out."""

    #: None where it goes to the student, whose key it is.
    student: str | None
    whose: WhoseKey
    #: Whether an earlier key ended with that.
    replaced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsMerged(Contents):
    """RECORDS_MERGED."""

    #: Whether it was taken back.
    undone: bool
    #: How the account stands that goes on; None where the letter goes to an address that is not, or not any more, that
    #: of its holder: two records of one person may turn out to be of two.
    status: LogOnStatus | None
    username: str | None

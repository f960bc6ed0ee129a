"""What steps give back: plain data, the same for every way of asking."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from db.context import Capacity, Viewer
from db.languages import Sentence
from db.models import AccountStatus, DecidedBy, DisabledReason, GuardianshipStatus, Purpose, Question


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name as it is on record."""

    given: str
    middle: str | None
    family: str
    suffix: str | None
    preferred: str | None = None

    @property
    def display(self) -> str:
        """For reading: the preferred name, if there is one, in place of the given one."""
        parts = [self.preferred or self.given, self.family, self.suffix]
        return " ".join(part for part in parts if part)

    @property
    def initials(self) -> str:
        return "".join(f"{part[0].upper()}." for part in (self.given, self.family) if part)


@dataclass(frozen=True, slots=True)
class School:
    id: int
    name: str
    phone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSeen:
    """An account as staff may know of it, and the person who holds it."""

    account_id: int
    person_id: int
    name: Name
    capacity: Capacity
    status: AccountStatus
    disabled_reason: DisabledReason | None
    locked_until: datetime | None
    activated_at: datetime | None
    last_login_at: datetime | None
    #: Those of the holder's schools today that the asker reaches; None when they were not asked for.
    schools: Sequence[School] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder(AccountSeen):
    """An account with what only its holder may know."""

    username: str | None
    email: str | None
    must_change_password: bool


@dataclass(frozen=True, slots=True)
class Student:
    """A student whom the asker may see."""

    id: int
    name: Name
    student_number: str
    schools: Sequence[School]
    grade_level: str | None
    #: Whether the asker may also read who was told what about the student.
    disclosed: bool = False


@dataclass(frozen=True, slots=True)
class StudentSummary:
    """What staff may know of a student by sight of the roll: no number, no birth date."""

    id: int
    name: Name
    #: Those that the asker reaches.
    schools: Sequence[School]
    grade_level: str | None


@dataclass(frozen=True, slots=True)
class GuardianSummary:
    """A guardian, by name."""

    id: int
    name: Name


@dataclass(frozen=True, slots=True)
class Restriction:
    """A court order or the like that holds today, or will."""

    kind: str
    begins_on: date
    #: The last day; None until it is lifted.
    ends_on: date | None
    reason: str | None
    decided_by: DecidedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardianshipSeen:
    """A guardianship as the registrar has it on the desk."""

    id: int
    guardian: GuardianSummary
    student: StudentSummary
    relationship: str
    status: GuardianshipStatus
    portal_access: bool
    lives_with: bool | None
    #: Whose word the status and the portal mark are.
    decided_by: DecidedBy
    confirmed_at: datetime | None
    evidence: str | None
    revoked_at: datetime | None
    revoked_reason: str | None
    #: The day on which the student's rights pass to the student; None without a birth date.
    rights_pass_on: date | None
    adult_access: bool
    consent_at: datetime | None
    #: In force today or later, in the order in which they begin.
    restrictions: Sequence[Restriction]
    #: The one of them in force today that lasts longest.
    restriction: Restriction | None


@dataclass(frozen=True, slots=True)
class GuardianFound:
    """A guardian of a student who was found, before anybody was verified."""

    guardian: GuardianSummary
    relationship: str
    #: Confirmed, not restricted, rights not passed to the student: what the desk needs before it helps.
    confirmed: bool
    account: AccountSeen | None


@dataclass(frozen=True, slots=True)
class PersonFound:
    """A student whom a search found, and the guardians on record."""

    student: StudentSummary
    account: AccountSeen | None
    guardians: Sequence[GuardianFound]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Somebody outside the family was told something about a student or did something for one, in plain words."""

    id: int
    at: datetime
    #: A name alone is shown as it is.
    to_whom: Sentence | str
    what: Sentence
    #: One sentence after the other.
    why: Sequence[Sentence]


@dataclass(frozen=True, slots=True)
class Grade:
    id: int
    student_id: int
    course: str
    title: str
    score: str | None
    maximum: str | None
    scored_on: date | None


@dataclass(frozen=True, slots=True)
class AttendanceEvent:
    id: int
    student_id: int
    happened_on: date
    category: str
    reason: str | None
    school: School


@dataclass(frozen=True, slots=True)
class LiveSession:
    id: int
    started_at: datetime
    last_seen_at: datetime
    client: str | None
    current: bool


@dataclass(frozen=True, slots=True)
class NewSession:
    """Tokens that are shown once; the database keeps digests."""

    token: str
    device_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody opened a session: who it is from now on, and the session."""

    viewer: Viewer
    session: NewSession


@dataclass(frozen=True, slots=True)
class FactorOffered:
    """What an authenticator is set up with, shown once: the secret as text, and as the address in a QR code."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class FactorConfirmed:
    """Until when the session needs no other code; recovery codes, shown once, where the factor is new."""

    until: datetime
    recovery_codes: Sequence[str]
    recovery_codes_left: int


@dataclass(frozen=True, slots=True)
class KeyShown:
    key: str
    expires_at: datetime | None
    capacity: Capacity


@dataclass(frozen=True, slots=True)
class KeySent:
    capacity: Capacity


@dataclass(frozen=True, slots=True)
class KeyGood:
    capacity: Capacity
    initials: str


@dataclass(frozen=True, slots=True)
class VerificationOpened:
    """What the caller is to be asked; nothing when only a valid ID in person will do."""

    id: int
    questions: Sequence[Question]
    expires_at: datetime
    #: Where too many wrong answers are why: when questions may be asked again.
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class VerificationPassed:
    id: int
    purpose: Purpose
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AccountReset:
    """The account as it is now, and how a new password is set: a code to be told once, or a letter on its way."""

    holder: Holder
    code: str | None
    #: The address on file, masked.
    sent_to: str | None
    expires_at: datetime

"""What the steps about people who are on record twice give back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from db.context import Capacity
from db.models import AccountStatus, DisabledReason, GuardianshipStatus
from db.unmerging import Leftover
from policies.merging import Moving, Obstacle
from resolvers.outcomes import Name, School


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record as a registrar names it: as whose, and which one."""

    kind: Capacity
    id: int


class Likeness(StrEnum):
    """What two records have in common."""

    SAME_NAME = "SAME_NAME"
    SAME_EMAIL = "SAME_EMAIL"
    SAME_BIRTH_DATE = "SAME_BIRTH_DATE"
    SHARED_STUDENT = "SHARED_STUDENT"
    SHARED_GUARDIAN = "SHARED_GUARDIAN"
    SAME_HOUSEHOLD = "SAME_HOUSEHOLD"


@dataclass(frozen=True, slots=True)
class RecordSeen:
    """One of two records, with what tells it from the other one."""

    record: Recorded
    name: Name
    #: Of the student, or of the guardian's students.
    schools: Sequence[School]
    #: The guardian's students.
    students: Sequence[Name]
    activated: bool


@dataclass(frozen=True, slots=True)
class Alike:
    """Two records that may be of one human being."""

    first: RecordSeen
    second: RecordSeen
    likenesses: Sequence[Likeness]


@dataclass(frozen=True, slots=True)
class AccountToMerge:
    """An account of one of two records: how it stands, and whether it would go on. Never its username."""

    id: int
    capacity: Capacity
    of_kept: bool
    status: AccountStatus
    disabled_reason: DisabledReason | None
    activated_at: datetime | None
    last_login_at: datetime | None
    sessions: int
    has_key: bool
    goes_on: bool


@dataclass(frozen=True, slots=True)
class GuardianshipOfBoth:
    """A guardianship that both records have, and what becomes of it."""

    #: The student; where two students are merged, the guardian.
    other: Name
    kept_status: GuardianshipStatus
    merged_status: GuardianshipStatus
    status: GuardianshipStatus
    portal_access: bool
    adult_access: bool
    restrictions: int


@dataclass(frozen=True, slots=True)
class MergeForeseen:
    """All that would move and change, and what stands in the way."""

    kind: Capacity
    keep_id: int
    merge_id: int
    kept: Name
    merged: Name
    accounts: Sequence[AccountToMerge]
    moves: Mapping[Moving, int]
    of_both: Sequence[GuardianshipOfBoth]
    obstacles: Sequence[Obstacle]


@dataclass(frozen=True, slots=True)
class MergeSeen:
    """Two records that were made one."""

    id: int
    kind: Capacity
    kept_id: int
    merged_id: int
    kept: Name
    merged: Name
    merged_at: datetime
    merged_by: Name
    reason: str
    undone_at: datetime | None
    undone_by: Name | None
    #: Until when it can be undone; None once it was.
    undoable_until: datetime | None


@dataclass(frozen=True, slots=True)
class MergeTakenBack:
    """A merge that was undone, and what stays as it is all the same, counted."""

    merge: MergeSeen
    leftovers: Mapping[Leftover, int]

"""The tables, one module for each part of the domain. Constraints that Tortoise cannot say stand in the migrations."""

from db.models.access import (
    Account,
    AccountStatus,
    ActivationKey,
    Device,
    DisabledReason,
    IdempotentAnswer,
    KeyState,
    Session,
)
from db.models.journal import AttemptBudget, Letter, LetterState, Outcome, TrailEntry
from db.models.people import (
    DecidedBy,
    Enrolment,
    Guardianship,
    GuardianshipStatus,
    Household,
    HouseholdMember,
    Person,
    Restriction,
    RoleAssignment,
    School,
    SsnState,
    Student,
)
from db.models.records import AttendanceEvent, Grade

__all__ = [
    "Account",
    "AccountStatus",
    "ActivationKey",
    "AttemptBudget",
    "AttendanceEvent",
    "DecidedBy",
    "Device",
    "DisabledReason",
    "Enrolment",
    "Grade",
    "Guardianship",
    "GuardianshipStatus",
    "Household",
    "HouseholdMember",
    "IdempotentAnswer",
    "KeyState",
    "Letter",
    "LetterState",
    "Outcome",
    "Person",
    "Restriction",
    "RoleAssignment",
    "School",
    "Session",
    "SsnState",
    "Student",
    "TrailEntry",
]

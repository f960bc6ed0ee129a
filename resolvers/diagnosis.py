"""Why a guardian sees a student or does not, told to the registrar at the counter; and who sees a student at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from db.context import Context
from db.models import AccountStatus, DisabledReason, GuardianshipStatus
from db.queries import diagnosis as queries
from db.queries import trail as trail_queries
from db.queries.reach import Reach
from db.sql import Row
from db.trail import Step
from policies.access_record import (
    AccessRecord,
    AccountOnRecord,
    EnrolmentOnRecord,
    KeyOnRecord,
    RestrictionOnRecord,
    Span,
    TieOnRecord,
)
from policies.diagnosis import Diagnosis, diagnose
from policies.gate import Facts, gate_of
from policies.refusals import NotAllowed, NotFound
from policies.usernames import folded
from policies.words import Action
from resolvers.outcomes import GuardianSummary, School, StudentSummary
from resolvers.reach import rule_for, students_reached
from resolvers.reporting import name_of
from resolvers.step import StepTaken, taking

#: The operator of the command line sees all.
_EVERYTHING = Reach(everywhere=True)


@dataclass(frozen=True, slots=True)
class AccessDiagnosed:
    """A guardian and a student, and how things stand between them."""

    guardian: GuardianSummary
    student: StudentSummary
    diagnosis: Diagnosis


async def access_diagnosis(ctx: Context, guardian_id: int, student_id: int, on: date) -> AccessDiagnosed | None:
    """How things stand between the two on a day, from today on; None when they are absent or not the asker's.

    The student is to be at a school of the asker's; the guardian too, through any student, or of the student's family,
    or of no school at all: a registrar learns nothing about strangers at other schools by asking for them.
    """
    try:
        async with taking(ctx, Step.DIAGNOSE_ACCESS) as step:
            reach = _may_look(ctx, step)
            row = _found(await queries.one(guardian_id, student_id, ctx.today))
            step.note.about_person_id, step.note.about_student_id = guardian_id, student_id
            _require_in_charge(ctx, step, reach, row)
            return diagnosed(ctx, row, on, reach)
    except (NotAllowed, NotFound):
        return None


async def who_can_see(ctx: Context, student_id: int, on: date) -> list[AccessDiagnosed]:
    """The same for each guardian on record, revoked and restricted ones too: first those who see the student, each by
    name. Empty when the student is absent, not the asker's, or has no guardian on record."""
    try:
        async with taking(ctx, Step.DIAGNOSE_ACCESS) as step:
            reach = _may_look(ctx, step)
            rows = await queries.guardians_of(student_id, ctx.today)
            first = _found(rows[0] if rows else None)
            step.note.about_student_id = student_id
            _require_in_charge(ctx, step, reach, first)
            step.note.details["found"] = len(rows)
            found = [diagnosed(ctx, row, on, reach) for row in rows]
    except (NotAllowed, NotFound):
        return []
    return sorted(found, key=lambda each: not each.diagnosis.day.can_see)


async def diagnosis_for_operator(ctx: Context, guardian: str, student: str, on: date) -> AccessDiagnosed:
    """As `access_diagnosis`, for the command line: who is meant is said by username, student number or roster's id.

    Raises:
        NotFound: nobody, or more than one, is meant by what stands for one of them.
    """
    async with taking(ctx, Step.DIAGNOSE_ACCESS) as step:
        guardians, students = await _people(guardian), await _people(student)
        pairs = [await queries.one(first, second, ctx.today) for first in guardians for second in students]
        found = [row for row in pairs if row is not None]
        if len(found) > 1:
            # One person may be meant as a guardian and another one as a student by one and the same word.
            found = [row for row in found if row["guardianship_id"] is not None]
        if len(found) != 1:
            raise NotFound
        [row] = found
        step.note.about_person_id, step.note.about_student_id = row["guardian_id"], row["student_id"]
        return diagnosed(ctx, row, on, _EVERYTHING)


async def _people(who: str) -> list[int]:
    return await trail_queries.people(who.strip(), folded(who))


# ------------------------------------------------------------------------------------------------ whose charge
def _may_look(ctx: Context, step: StepTaken) -> Reach:
    """Whoever may do this nowhere is refused before anything is looked up."""
    step.note.rule = rule_for(ctx, Action.DIAGNOSIS_READ)
    return students_reached(ctx, Action.DIAGNOSIS_READ)


def _found(row: Row | None) -> Row:
    if row is None:
        raise NotFound
    return row


def _require_in_charge(ctx: Context, step: StepTaken, reach: Reach, row: Row) -> None:
    """The student is of a school of the asker's, and the guardian one whom the asker may know of."""
    schools = frozenset(each.school_id for each in _enrolments(row) if each.span.has(ctx.today))
    step.note.rule = gate_of(ctx).require(ctx.viewer, Action.DIAGNOSIS_READ, Facts(schools=schools)).rule
    if not guardian_known(reach, row):
        raise NotFound


def guardian_known(reach: Reach, row: Row) -> bool:
    """Whether the guardian of a row is one whom whoever reaches so far may know of, beside a student of theirs."""
    schools = frozenset(row["schools_of_guardian"])
    family = row["guardianship_id"] is not None or bool(row["together"])
    at_school = not reach.schools.isdisjoint(schools)
    return reach.everywhere or family or at_school or (not schools and row["account"] is not None)


# ------------------------------------------------------------------------------------------------ rows
def diagnosed(ctx: Context, row: Row, on: date, reach: Reach) -> AccessDiagnosed:
    """How things stand between the two of a row of `db.queries.diagnosis`; of schools, those in reach are named."""
    enrolments = _enrolments(row)
    shown = None if reach.everywhere else frozenset(reach.schools)
    record = AccessRecord(
        guardian_merged=row["guardian_merged"],
        student_merged=row["student_merged"],
        birth_date=row["birth_date"],
        tie=_tie(row),
        account=_account_on_record(row["account"]),
        together=tuple(Span.of(span) for span in row["together"]),
        enrolments=enrolments,
    )
    today = [each for each in enrolments if each.span.has(ctx.today) and (shown is None or each.school_id in shown)]
    schools = {each.school_id: School(each.school_id, each.school, each.phone) for each in today}
    grade_level = today[0].grade_level if today else None
    return AccessDiagnosed(
        GuardianSummary(row["guardian_id"], name_of(row, "guardian_")),
        StudentSummary(row["student_id"], name_of(row), list(schools.values()), grade_level),
        diagnose(ctx, record, on, schools_shown=shown),
    )


def _enrolments(row: Row) -> tuple[EnrolmentOnRecord, ...]:
    return tuple(
        EnrolmentOnRecord(each["school_id"], each["school"], each["phone"], each["grade_level"], Span.of(each))
        for each in row["enrolments"]
    )


def _tie(row: Row) -> TieOnRecord | None:
    if row["guardianship_id"] is None:
        return None
    return TieOnRecord(
        relationship=row["relationship"],
        status=GuardianshipStatus(row["status"]),
        portal_access=row["portal_access"],
        adult_access=row["adult_access"],
        revoked_at=row["revoked_at"],
        restrictions=tuple(RestrictionOnRecord(each["kind"], Span.of(each)) for each in row["restrictions"]),
    )


def _account_on_record(row: Mapping[str, Any] | None) -> AccountOnRecord | None:
    if row is None:
        return None
    key = row["key"]
    return AccountOnRecord(
        status=AccountStatus(row["status"]),
        disabled_reason=DisabledReason(row["disabled_reason"]) if row["disabled_reason"] else None,
        activated_at=_moment(row["activated_at"]),
        must_change_password=row["must_change_password"],
        locked_until=_moment(row["locked_until"]),
        key=None if key is None else KeyOnRecord(_moment(key["expires_at"])),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

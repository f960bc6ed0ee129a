"""Why a guardian sees a student or does not, and who sees a student."""

from datetime import date
from typing import Annotated

import strawberry

from db.context import Context
from db.languages import Language
from resolvers import diagnosis
from resolvers.diagnosis import AccessDiagnosed
from schema.errors import BadRequest
from schema.gates import Gate
from schema.nodes import number_of
from schema.summaries import GuardianSummary, StudentSummary

Info = strawberry.Info[Context, None]
On = Annotated[
    date | None,
    strawberry.argument(
        description="On which day; today, and now, when left out. A later day is judged at its beginning, by all that "
        "has dates and is on record by now. Not an earlier one: the record does not keep what was."
    ),
]


@strawberry.type(description="A day on which gates open or close by themselves.")
class AccessChange:
    on: date = strawberry.field(description="The day.")
    can_see: bool = strawberry.field(description="Whether the guardian sees the student from that day on.")
    gates: list[Gate] = strawberry.field(description="The gates that are otherwise than on the day before.")


@strawberry.type(description="Every gate between a guardian and a student: does it hold, who can mend it, and how.")
class AccessDiagnosis:
    guardian: GuardianSummary = strawberry.field(description="The guardian.")
    student: StudentSummary = strawberry.field(description="The student.")
    on: date = strawberry.field(description="The day on which it is so.")
    can_see: bool = strawberry.field(
        description="Whether the guardian who signs in then finds the student in `me { students }`: no gate fails."
    )
    gates: list[Gate] = strawberry.field(description="All gates, in the order of looking.")
    changes: list[AccessChange] = strawberry.field(
        description="What changes by itself in the 366 days after that day, if nobody does anything."
    )

    @classmethod
    def of(cls, found: AccessDiagnosed, language: Language) -> "AccessDiagnosis":
        day = found.diagnosis.day
        return cls(
            guardian=GuardianSummary.of(found.guardian),
            student=StudentSummary.of(found.student),
            on=day.on,
            can_see=day.can_see,
            gates=Gate.all_of(day.gates, language),
            changes=[
                AccessChange(on=change.on, can_see=change.can_see, gates=Gate.all_of(change.gates, language))
                for change in found.diagnosis.changes
            ],
        )


@strawberry.type
class DiagnosisQuery:
    @strawberry.field(
        description="For registrars of the student's schools, and technology: every gate between a guardian and a "
        "student. Null when absent or not the asker's: the two look alike."
    )
    async def access_diagnosis(
        self,
        info: Info,
        guardian_id: Annotated[strawberry.ID, strawberry.argument(description="The guardian's id.")],
        student_id: Annotated[strawberry.ID, strawberry.argument(description="The student's id.")],
        on: On = None,
    ) -> AccessDiagnosis | None:
        day = _day(info.context, on)
        found = await diagnosis.access_diagnosis(
            info.context, number_of(guardian_id, "Guardian") or 0, number_of(student_id, "Student") or 0, day
        )
        return AccessDiagnosis.of(found, info.context.language) if found else None

    @strawberry.field(
        description="For the same askers: each guardian on record with a student, those first who see the student. "
        "Empty when the student is absent, not the asker's, or has no guardian on record."
    )
    async def who_can_see(
        self,
        info: Info,
        student_id: Annotated[strawberry.ID, strawberry.argument(description="The student's id.")],
        on: On = None,
    ) -> list[AccessDiagnosis]:
        day = _day(info.context, on)
        found = await diagnosis.who_can_see(info.context, number_of(student_id, "Student") or 0, day)
        return [AccessDiagnosis.of(each, info.context.language) for each in found]


def _day(ctx: Context, on: date | None) -> date:
    if on is not None and on < ctx.today:
        raise BadRequest("`on` must be today or a later day: the record does not keep what was.")
    return on or ctx.today

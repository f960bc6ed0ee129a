"""Verifying a caller at the designee's desk: what to ask, whether the answers are right, and the valid ID in person."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from db import models
from db.context import Context
from resolvers import outcomes, verification
from schema.nodes import global_id, number_of, number_or_nobodys
from schema.refusals import (
    InPersonRequired,
    InvalidInput,
    NotAllowed,
    NotFound,
    TooManyAttempts,
    VerificationFailed,
    WrongState,
)

Info = strawberry.Info[Context, None]


@strawberry.enum(description="What a caller is verified for. A verification serves this one purpose.")
class Purpose(Enum):
    LOOK_UP = strawberry.enum_value("LOOK_UP", description="Hearing username and status of the account.")
    RESET = strawberry.enum_value("RESET", description="Having the password reset.")
    ENABLE = strawberry.enum_value("ENABLE", description="Having a disabled account enabled.")
    DISABLE = strawberry.enum_value("DISABLE", description="Having the account disabled.")


@strawberry.enum(description="What a caller is asked.")
class Question(Enum):
    PARENT_NAME = strawberry.enum_value("PARENT_NAME", description="The parent's or guardian's own name.")
    STUDENT_NAME = strawberry.enum_value("STUDENT_NAME", description="The student's proper name, no nickname.")
    MAILING_ADDRESS = strawberry.enum_value(
        "MAILING_ADDRESS", description="The mailing address on file: street with any unit, city, state, ZIP."
    )
    HOME_PHONE = strawberry.enum_value("HOME_PHONE", description="The home telephone number on file.")
    STUDENT_SSN = strawberry.enum_value("STUDENT_SSN", description="The student's social security number.")
    STUDENT_NUMBER = strawberry.enum_value(
        "STUDENT_NUMBER", description="The student number; asked where no usable social security number is on file."
    )


@strawberry.enum(description="The kind of valid ID that was shown. Its number is never noted.")
class IdDocument(Enum):
    DRIVERS_LICENSE = strawberry.enum_value("DRIVERS_LICENSE", description="A driver's license.")
    STATE_ID = strawberry.enum_value("STATE_ID", description="A state's identification card.")
    PASSPORT = strawberry.enum_value("PASSPORT", description="A passport of any country.")
    MILITARY_ID = strawberry.enum_value("MILITARY_ID", description="A military identification card.")
    OTHER_GOVERNMENT_ID = strawberry.enum_value(
        "OTHER_GOVERNMENT_ID", description="Another document with a picture, issued by a government."
    )


# ------------------------------------------------------------------------------------------------ starting
@strawberry.input(description="Who calls, about which student, for what.")
class StartVerificationInput:
    guardian_id: strawberry.ID | None = strawberry.field(
        default=None, description="The guardian who calls, from `findPeople`; left out when the student calls."
    )
    student_id: strawberry.ID = strawberry.field(description="The student, from `findPeople`.")
    purpose: Purpose = strawberry.field(description="What the caller wants.")


@strawberry.type(description="The questions to ask. All answers are judged together.")
class VerificationStarted:
    verification_id: strawberry.ID = strawberry.field(description="Good for the designee who started it alone.")
    questions: list[Question] = strawberry.field(description="What to ask, in this order; each has to be answered.")
    in_person_required: bool = strawberry.field(
        description="Nothing can be asked: only a valid ID in person will do (`recordInPersonId`)."
    )
    retry_at: datetime | None = strawberry.field(
        description="After too many wrong answers: when questions may be asked again. Null where that is not why."
    )
    expires_at: datetime = strawberry.field(description="Until when the answers are taken.")


StartVerificationResult = Annotated[
    VerificationStarted | NotAllowed | NotFound,
    strawberry.union("StartVerificationResult", description="What to ask, or why nothing may be asked."),
]


# ------------------------------------------------------------------------------------------------ answering
@strawberry.input(description="An answer to one question.")
class AnswerInput:
    question: Question = strawberry.field(description="Which question.")
    answer: str | None = strawberry.field(
        default=None, description="What the caller said; null when the caller cannot say."
    )


@strawberry.input(description="What the caller answered to all the questions.")
class AnswerVerificationInput:
    verification_id: strawberry.ID = strawberry.field(description="From `startVerification`.")
    answers: list[AnswerInput] = strawberry.field(description="One for each question that was to be asked.")


@strawberry.type(description="The caller is verified, for this purpose, until then, and to this designee.")
class VerificationPassed:
    verification_id: strawberry.ID = strawberry.field(description="Hand it on to the step that it was passed for.")
    purpose: Purpose = strawberry.field(description="What it is good for.")
    expires_at: datetime = strawberry.field(description="Until when.")

    @classmethod
    def of(cls, passed: outcomes.VerificationPassed) -> "VerificationPassed":
        return cls(
            verification_id=global_id("Verification", passed.id),
            purpose=Purpose[passed.purpose.name],
            expires_at=passed.expires_at,
        )


AnswerVerificationResult = Annotated[
    VerificationPassed
    | VerificationFailed
    | InPersonRequired
    | NotAllowed
    | NotFound
    | WrongState
    | InvalidInput
    | TooManyAttempts,
    strawberry.union("AnswerVerificationResult", description="Passed or not; never which answer was wrong."),
]


# ------------------------------------------------------------------------------------------------ in person
@strawberry.input(description="The caller showed a valid ID in the building.")
class RecordInPersonIdInput:
    verification_id: strawberry.ID = strawberry.field(description="From `startVerification`.")
    document: IdDocument = strawberry.field(description="Which kind of document; never its number.")


RecordInPersonIdResult = Annotated[
    VerificationPassed | NotAllowed | NotFound | WrongState,
    strawberry.union("RecordInPersonIdResult", description="Passed, or why not."),
]


@strawberry.type
class VerificationMutation:
    @strawberry.mutation(description="Begins to verify a caller, and says what to ask. For designees.")
    async def start_verification(
        self,
        info: Info,
        input: Annotated[StartVerificationInput, strawberry.argument(description="Who, whom, what.")],  # noqa: A002
    ) -> StartVerificationResult:
        opened = await verification.start_verification(
            info.context,
            # An id that is none of ours is as unknown as one that never was: no guardianship is confirmed for it.
            guardian_id=number_or_nobodys(input.guardian_id, "Guardian"),
            student_id=number_of(input.student_id, "Student"),
            purpose=models.Purpose[input.purpose.name],
        )
        return VerificationStarted(
            verification_id=global_id("Verification", opened.id),
            questions=[Question[question.name] for question in opened.questions],
            in_person_required=not opened.questions,
            retry_at=opened.retry_at,
            expires_at=opened.expires_at,
        )

    @strawberry.mutation(description="Judges all answers together. Never says which was wrong, nor what is on file.")
    async def answer_verification(
        self,
        info: Info,
        input: Annotated[AnswerVerificationInput, strawberry.argument(description="The answers.")],  # noqa: A002
    ) -> AnswerVerificationResult:
        passed = await verification.answer_verification(
            info.context,
            verification_id=number_of(input.verification_id, "Verification"),
            answers=[(models.Question[one.question.name], one.answer) for one in input.answers],
        )
        return VerificationPassed.of(passed)

    @strawberry.mutation(description="Verifies a caller who shows a valid ID in person.")
    async def record_in_person_id(
        self,
        info: Info,
        input: Annotated[RecordInPersonIdInput, strawberry.argument(description="Which document.")],  # noqa: A002
    ) -> RecordInPersonIdResult:
        passed = await verification.record_in_person_id(
            info.context,
            verification_id=number_of(input.verification_id, "Verification"),
            document=models.IdDocument[input.document.name],
        )
        return VerificationPassed.of(passed)

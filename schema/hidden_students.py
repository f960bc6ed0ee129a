"""Why a student is not shown, in words for the guardian."""

from enum import Enum

import strawberry

from db.languages import Language
from resolvers import hidden_students
from schema.people import PersonName
from schema.wording import worded


@strawberry.enum(description="Why a student who may be expected is not shown.")
class HiddenReason(Enum):
    NOT_CONFIRMED = strawberry.enum_value(
        "NOT_CONFIRMED", description="The school has not confirmed yet who is the guardian; nobody is named."
    )
    NOT_MARKED = strawberry.enum_value(
        "NOT_MARKED", description="The school has not opened the portal to the guardian for this student."
    )
    RIGHTS_PASSED = strawberry.enum_value("RIGHTS_PASSED", description="The student is an adult and decides.")
    WITHHELD = strawberry.enum_value(
        "WITHHELD", description="The portal says no more than whom to call. One entry, whatever is behind it."
    )


@strawberry.type(description="Something on record that is not shown, as far as the guardian may know of it.")
class HiddenStudent:
    name: PersonName | None = strawberry.field(description="The student's name; null where it may not be said.")
    reason: HiddenReason = strawberry.field(description="Why, as a word.")
    message: str = strawberry.field(description="Why, in the language of `Accept-Language`, and what to do.")
    contact: str = strawberry.field(description="Whom to call.")

    @classmethod
    def of(cls, hidden: hidden_students.HiddenStudent, language: Language) -> "HiddenStudent":
        return cls(
            name=PersonName.of(hidden.name) if hidden.name else None,
            reason=HiddenReason[hidden.reason.name],
            message=worded(hidden.message, language),
            contact=worded(hidden.contact, language),
        )

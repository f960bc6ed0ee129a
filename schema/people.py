"""Names and schools, as they are shown everywhere."""

from enum import Enum

import strawberry

from resolvers import outcomes
from schema.nodes import Node, global_id


@strawberry.enum(description="In what capacity a person holds an account; each capacity has its own account.")
class Capacity(Enum):
    GUARDIAN = strawberry.enum_value("GUARDIAN", description="A parent or another guardian of a student.")
    STUDENT = strawberry.enum_value("STUDENT", description="A student.")
    STAFF = strawberry.enum_value("STAFF", description="A member of the district's staff.")


@strawberry.enum(description="What a person may act as.")
class Role(Enum):
    GUARDIAN = strawberry.enum_value("guardian", description="Sees the own students, once guardianship is confirmed.")
    STUDENT = strawberry.enum_value("student", description="Sees the own record.")
    DESIGNEE = strawberry.enum_value("designee", description="Helps verified callers with their accounts.")
    REGISTRAR = strawberry.enum_value("registrar", description="Confirms guardianships and puts households right.")
    TECHNOLOGY = strawberry.enum_value("technology", description="Resolves work orders.")
    REPORTER = strawberry.enum_value("reporter", description="Reads reports on account status.")
    ADMINISTRATOR = strawberry.enum_value("administrator", description="Manages staff and reads the trail.")


@strawberry.type(description="A person's name as the school has it on record.")
class PersonName:
    given: str = strawberry.field(description="Given (first) name.")
    middle: str | None = strawberry.field(description="Middle name or names.")
    family: str = strawberry.field(description="Family (last) name.")
    suffix: str | None = strawberry.field(description="Such as Jr. or III.")
    display: str = strawberry.field(description="For showing: preferred or given name, family name and suffix.")

    @classmethod
    def of(cls, name: outcomes.Name) -> "PersonName":
        return cls(given=name.given, middle=name.middle, family=name.family, suffix=name.suffix, display=name.display)


@strawberry.input(
    description="A person's name as somebody gives it. Case, accents, hyphens and apostrophes do not matter."
)
class PersonNameInput:
    given: str = strawberry.field(description="Given (first) name.")
    middle: str | None = strawberry.field(default=None, description="Middle name; may be left out.")
    family: str = strawberry.field(description="Family (last) name.")
    suffix: str | None = strawberry.field(
        default=None, description="Such as Jr. or III; needed where two guardians have the same name."
    )


@strawberry.type(description="A school of the district.")
class School(Node):
    name: str = strawberry.field(description="The school's name.")
    phone: str | None = strawberry.field(description="The front office's telephone, as the school writes it.")

    @classmethod
    def of(cls, school: outcomes.School) -> "School":
        return cls(id=global_id("School", school.id), name=school.name, phone=school.phone)

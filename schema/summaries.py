"""Students and guardians as staff see them in lists: by name and school, with no way on to their records."""

import strawberry

from resolvers import outcomes
from schema.nodes import global_id
from schema.people import PersonName, School


@strawberry.type(description="A student by name and school. It leads to no record: see `me` for that.")
class StudentSummary:
    id: strawberry.ID = strawberry.field(description="The student's id, for naming the student to a desk.")
    name: PersonName = strawberry.field(description="The student's name.")
    schools: list[School] = strawberry.field(description="The student's schools today, as far as they are the asker's.")
    grade_level: str | None = strawberry.field(description="The grade level at the first of them.")

    @classmethod
    def of(cls, student: outcomes.StudentSummary) -> "StudentSummary":
        return cls(
            id=global_id("Student", student.id),
            name=PersonName.of(student.name),
            schools=[School.of(school) for school in student.schools],
            grade_level=student.grade_level,
        )


@strawberry.type(description="A guardian by name.")
class GuardianSummary:
    id: strawberry.ID = strawberry.field(description="The guardian's id, for naming the guardian to a desk.")
    name: PersonName = strawberry.field(description="The guardian's name.")

    @classmethod
    def of(cls, guardian: outcomes.GuardianSummary) -> "GuardianSummary":
        return cls(id=global_id("Guardian", guardian.id), name=PersonName.of(guardian.name))

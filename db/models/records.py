"""What the portal shows of a student: grades and attendance, read-only, from the roster."""

from tortoise import fields
from tortoise.models import Model

from db.models.people import School, Student


class Grade(Model):
    """A result of one piece of work. Scores are text: districts write 74.00, B+ and EX."""

    id = fields.BigIntField(primary_key=True)
    source_id = fields.CharField(max_length=255, unique=True, null=True)
    student: fields.ForeignKeyRelation[Student] = fields.ForeignKeyField(
        "db.Student", related_name="grades", on_delete=fields.RESTRICT
    )
    student_id: int
    course = fields.TextField()
    title = fields.TextField()
    score = fields.TextField(null=True)
    maximum = fields.TextField(null=True)
    scored_on = fields.DateField(null=True)

    class Meta:
        table = "grade"


class AttendanceEvent(Model):
    """One absence, tardiness or the like."""

    id = fields.BigIntField(primary_key=True)
    source_id = fields.CharField(max_length=255, unique=True, null=True)
    student: fields.ForeignKeyRelation[Student] = fields.ForeignKeyField(
        "db.Student", related_name="attendance", on_delete=fields.RESTRICT
    )
    student_id: int
    school: fields.ForeignKeyRelation[School] = fields.ForeignKeyField(
        "db.School", related_name="attendance", on_delete=fields.RESTRICT
    )
    school_id: int
    happened_on = fields.DateField()
    category = fields.TextField()
    reason = fields.TextField(null=True)

    class Meta:
        table = "attendance_event"

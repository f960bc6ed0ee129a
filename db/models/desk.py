"""What the registrar's desk keeps beside the people themselves: merged records, and work orders."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from db.models.people import Person, Student


class WorkOrderStatus(StrEnum):
    """Open until somebody answers it."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"


class GateName(StrEnum):
    """What stands between a guardian and the sight of a student, in the order in which it is looked at."""

    PERSON = "PERSON"
    HOUSEHOLD = "HOUSEHOLD"
    GUARDIANSHIP_RECORDED = "GUARDIANSHIP_RECORDED"
    GUARDIANSHIP_CONFIRMED = "GUARDIANSHIP_CONFIRMED"
    PORTAL_ACCESS = "PORTAL_ACCESS"
    NO_RESTRICTION = "NO_RESTRICTION"
    RIGHTS_NOT_TRANSFERRED = "RIGHTS_NOT_TRANSFERRED"
    STUDENT_ENROLLED = "STUDENT_ENROLLED"
    KEY_ISSUED = "KEY_ISSUED"
    ACCOUNT_ACTIVATED = "ACCOUNT_ACTIVATED"
    ACCOUNT_ENABLED = "ACCOUNT_ENABLED"
    PASSWORD_SET = "PASSWORD_SET"
    NOT_LOCKED = "NOT_LOCKED"


class GateState(StrEnum):
    """Whether a gate lets through. Sight is open when none fails."""

    HOLDS = "HOLDS"
    FAILS = "FAILS"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class WorkOrder(Model):
    """What the registrar cannot mend, for the technology staff, with everything filled in as it was on that day."""

    id = fields.BigIntField(primary_key=True)
    status = fields.CharEnumField(WorkOrderStatus, max_length=16, default=WorkOrderStatus.OPEN)
    opened_at = fields.DatetimeField()
    opened_by: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, on_delete=fields.RESTRICT
    )
    opened_by_id: int
    guardian: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    guardian_id: int | None
    student: fields.ForeignKeyNullableRelation[Student] = fields.ForeignKeyField(
        "db.Student", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    student_id: int | None
    parent_name = fields.TextField(null=True)
    student_name = fields.TextField(null=True)
    student_number = fields.TextField(null=True)
    problem = fields.TextField()
    #: The gates as they stood: a list of name, state, finding, remedy and owner; None without guardian and student.
    diagnosis: fields.Field[list[dict[str, object]]] = fields.JSONField(null=True)
    resolution = fields.TextField(null=True)
    resolved_at = fields.DatetimeField(null=True)
    resolved_by: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    resolved_by_id: int | None

    class Meta:
        table = "work_order"


class PersonMerge(Model):
    """Two records of one human being made one, with all that is needed to make them two again."""

    id = fields.BigIntField(primary_key=True)
    kept: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, on_delete=fields.RESTRICT
    )
    kept_id: int
    merged: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, on_delete=fields.RESTRICT
    )
    merged_id: int
    merged_at = fields.DatetimeField()
    merged_by: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, on_delete=fields.RESTRICT
    )
    merged_by_id: int
    reason = fields.TextField()
    #: What was moved, changed and taken out, by table, as it was before: see `db/merging.py`.
    before: fields.Field[dict[str, object]] = fields.JSONField(default=dict)
    undone_at = fields.DatetimeField(null=True)
    undone_by: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    undone_by_id: int | None

    class Meta:
        table = "person_merge"

"""Reports that a school keeps, to be run again."""

from typing import Any

from tortoise import fields
from tortoise.models import Model

from db.models.clients import ServiceClient
from db.models.people import Person, School


class SavedReport(Model):
    """How a report is asked for, by a name that a school, or the district, has given it. It gives nobody any right."""

    id = fields.BigIntField(primary_key=True)
    #: Whose it is; the district's where there is none.
    school: fields.ForeignKeyNullableRelation[School] = fields.ForeignKeyField(
        "db.School", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    school_id: int | None
    name = fields.CharField(max_length=100)
    #: What is asked for, in words: read with care each time, as rules may have changed since.
    definition: fields.Field[dict[str, Any]] = fields.JSONField()
    created_by: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    created_by_id: int | None
    #: Where a program saved it that asks by itself.
    created_by_client: fields.ForeignKeyNullableRelation[ServiceClient] = fields.ForeignKeyField(
        "db.ServiceClient", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    created_by_client_id: int | None
    created_at = fields.DatetimeField()
    changed_at = fields.DatetimeField()

    class Meta:
        table = "saved_report"

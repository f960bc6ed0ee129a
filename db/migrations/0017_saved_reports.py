"""Reports that a school keeps, and two ways to find what a report of the whole district lists."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

#: table -> name -> definition
CONSTRAINTS: dict[str, dict[str, str]] = {
    "saved_report": {
        "saved_report_name_once": "UNIQUE NULLS NOT DISTINCT (school_id, name)",
        "saved_report_says_who": "CHECK (num_nonnulls(created_by_id, created_by_client_id) = 1)",
        "saved_report_is_named": "CHECK (btrim(name) <> '')",
    },
}

#: name -> definition
INDEXES: dict[str, str] = {
    "student_ssn_unusable": "INDEX {name} ON student (id) WHERE ssn_state <> 'ON_FILE'",
    "guardianship_unmarked": "INDEX {name} ON guardianship (id) WHERE NOT portal_access AND status <> 'REVOKED'",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0016_account_order")]

    initial = False

    operations = [
        ops.CreateModel(
            name="SavedReport",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "school",
                    fields.ForeignKeyField(
                        "db.School",
                        source_field="school_id",
                        null=True,
                        description="Whose it is; the district's where there is none.",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=100)),
                (
                    "definition",
                    fields.JSONField(
                        description="What is asked for, in words: read with care each time, as rules may have changed since.",
                        encoder=JSON_DUMPS,
                        decoder=loads,
                    ),
                ),
                (
                    "created_by",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="created_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "created_by_client",
                    fields.ForeignKeyField(
                        "db.ServiceClient",
                        source_field="created_by_client_id",
                        null=True,
                        description="Where a program saved it that asks by itself.",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("changed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "saved_report",
                "app": "db",
                "pk_attr": "id",
                "table_description": "How a report is asked for, by a name that a school, or the district, has given it. It gives nobody any right.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(
            [
                *(
                    f'ALTER TABLE "{table}" ADD CONSTRAINT {name} {definition}'
                    for table, named in CONSTRAINTS.items()
                    for name, definition in named.items()
                ),
                *(f"CREATE {definition.format(name=name)}" for name, definition in INDEXES.items()),
            ],
            reverse_sql=[
                *(f"DROP INDEX {name}" for name in INDEXES),
                *(
                    f'ALTER TABLE "{table}" DROP CONSTRAINT {name}'
                    for table, named in CONSTRAINTS.items()
                    for name in named
                ),
            ],
        ),
    ]

"""The registrar's desk: consents, corrected households, merged records, and work orders."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

from db.models.access import DisabledReason
from db.models.desk import WorkOrderStatus
from db.models.people import DecidedBy

#: table -> name -> definition
CONSTRAINTS: dict[str, dict[str, str]] = {
    "account": {
        # Judged when a statement ends, so that two accounts of one capacity can change places.
        "account_one_per_person_and_capacity": "UNIQUE (person_id, capacity) DEFERRABLE",
    },
    "guardianship": {
        "guardianship_consent_says_when": "CHECK (consent_at IS NULL OR (adult_access AND consent_evidence IS NOT NULL))",
    },
    "restriction": {
        "restriction_lifted_says_when": "CHECK (lift_reason IS NULL OR lifted_at IS NOT NULL)",
    },
    "household": {
        "household_decided_by_known": "CHECK (decided_by IN ('ROSTER', 'REGISTRAR'))",
    },
    "household_member": {
        "household_member_decided_by_known": "CHECK (decided_by IN ('ROSTER', 'REGISTRAR'))",
    },
    "household_version": {
        "household_version_decided_by_known": "CHECK (decided_by IN ('ROSTER', 'REGISTRAR'))",
    },
    "person": {
        "person_not_merged_into_oneself": "CHECK (merged_into_id <> id)",
    },
    "person_merge": {
        "person_merge_of_two": "CHECK (kept_id <> merged_id)",
        "person_merge_undone_says_who": "CHECK ((undone_at IS NULL) = (undone_by_id IS NULL))",
    },
    "work_order": {
        "work_order_status_known": "CHECK (status IN ('OPEN', 'RESOLVED'))",
        "work_order_resolved_says_how": "CHECK ((status = 'RESOLVED') = "
        "(resolved_at IS NOT NULL AND resolved_by_id IS NOT NULL AND resolution IS NOT NULL))",
    },
}

#: name -> definition
INDEXES: dict[str, str] = {
    "household_version_of": "INDEX {name} ON household_version (household_id, id)",
    "person_merged_into": "INDEX {name} ON person (merged_into_id) WHERE merged_into_id IS NOT NULL",
    "person_merge_standing": "UNIQUE INDEX {name} ON person_merge (merged_id) WHERE undone_at IS NULL",
    "person_merge_kept": "INDEX {name} ON person_merge (kept_id)",
    "work_order_page": "INDEX {name} ON work_order (status, id)",
    "work_order_student": "INDEX {name} ON work_order (student_id) WHERE student_id IS NOT NULL",
    "work_order_opened_by": "INDEX {name} ON work_order (opened_by_id)",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0010_courier_order")]

    initial = False

    operations = [
        ops.CreateModel(
            name="HouseholdVersion",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "household",
                    fields.ForeignKeyField(
                        "db.Household",
                        source_field="household_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="versions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.TextField(unique=False)),
                ("street", fields.TextField(null=True, unique=False)),
                ("city", fields.TextField(null=True, unique=False)),
                ("state", fields.TextField(null=True, unique=False)),
                ("postal_code", fields.TextField(null=True, unique=False)),
                ("phone", fields.TextField(null=True, unique=False)),
                (
                    "decided_by",
                    fields.CharEnumField(
                        description="ROSTER: ROSTER\nREGISTRAR: REGISTRAR", enum_type=DecidedBy, max_length=16
                    ),
                ),
                ("replaced_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "replaced_by",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="replaced_by_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("reason", fields.TextField(unique=False)),
            ],
            options={
                "table": "household_version",
                "app": "db",
                "pk_attr": "id",
                "table_description": "What a household's name, address and telephone were until a registrar corrected them. Rows are only added.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PersonMerge",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "kept",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="kept_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "merged",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="merged_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("merged_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "merged_by",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="merged_by_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("reason", fields.TextField(unique=False)),
                (
                    "before",
                    fields.JSONField(
                        default=dict,
                        description="What was moved, changed and taken out, by table, as it was before: see `db/merging.py`.",
                        encoder=JSON_DUMPS,
                        decoder=loads,
                    ),
                ),
                ("undone_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "undone_by",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="undone_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
            ],
            options={
                "table": "person_merge",
                "app": "db",
                "pk_attr": "id",
                "table_description": "Two records of one human being made one, with all that is needed to make them two again.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WorkOrder",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "status",
                    fields.CharEnumField(
                        default=WorkOrderStatus.OPEN,
                        description="OPEN: OPEN\nRESOLVED: RESOLVED",
                        enum_type=WorkOrderStatus,
                        max_length=16,
                    ),
                ),
                ("opened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "opened_by",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="opened_by_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "guardian",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="guardian_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "student",
                    fields.ForeignKeyField(
                        "db.Student",
                        source_field="student_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("parent_name", fields.TextField(null=True, unique=False)),
                ("student_name", fields.TextField(null=True, unique=False)),
                ("student_number", fields.TextField(null=True, unique=False)),
                ("problem", fields.TextField(unique=False)),
                (
                    "diagnosis",
                    fields.JSONField(
                        null=True,
                        description="The gates as they stood: a list of name, state, finding, remedy and owner; None without guardian and student.",
                        encoder=JSON_DUMPS,
                        decoder=loads,
                    ),
                ),
                ("resolution", fields.TextField(null=True, unique=False)),
                ("resolved_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "resolved_by",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="resolved_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
            ],
            options={
                "table": "work_order",
                "app": "db",
                "pk_attr": "id",
                "table_description": "What the registrar cannot mend, for the technology staff, with everything filled in as it was on that day.",
            },
            bases=["Model"],
        ),
        ops.AlterField(
            model_name="Account",
            name="disabled_reason",
            field=fields.CharEnumField(
                null=True,
                description="TOO_MANY_FAILURES: TOO_MANY_FAILURES\nSTAFF_DECISION: STAFF_DECISION\nLEGAL_RESTRICTION: LEGAL_RESTRICTION\nNO_CURRENT_STUDENT: NO_CURRENT_STUDENT\nMERGED: MERGED",
                enum_type=DisabledReason,
                max_length=32,
            ),
        ),
        ops.AddField(
            model_name="Guardianship",
            name="consent_at",
            field=fields.DatetimeField(
                null=True,
                description="When, by whom and on what evidence `adult_access` was given; empty while it is not.",
                auto_now=False,
                auto_now_add=False,
            ),
        ),
        ops.AddField(
            model_name="Guardianship",
            name="consent_by",
            field=fields.ForeignKeyField(
                "db.Person",
                source_field="consent_by_id",
                null=True,
                db_constraint=True,
                to_field="id",
                related_name=False,
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.AddField(
            model_name="Guardianship",
            name="consent_evidence",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name="Household",
            name="decided_by",
            field=fields.CharEnumField(
                default=DecidedBy.ROSTER,
                description="ROSTER: ROSTER\nREGISTRAR: REGISTRAR",
                db_default=DecidedBy.ROSTER,
                enum_type=DecidedBy,
                max_length=16,
            ),
        ),
        ops.AlterField(
            model_name="HouseholdMember",
            name="ends_on",
            field=fields.DateField(null=True, description="The last day."),
        ),
        ops.AddField(
            model_name="HouseholdMember",
            name="decided_by",
            field=fields.CharEnumField(
                default=DecidedBy.ROSTER,
                description="ROSTER: ROSTER\nREGISTRAR: REGISTRAR",
                db_default=DecidedBy.ROSTER,
                enum_type=DecidedBy,
                max_length=16,
            ),
        ),
        ops.AddField(
            model_name="Person",
            name="merged_into",
            field=fields.ForeignKeyField(
                "db.Person",
                source_field="merged_into_id",
                null=True,
                description="The record that goes on for this one, which was of the same human being; a merged record is nobody's any more.",
                db_constraint=True,
                to_field="id",
                related_name=False,
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.AddField(
            model_name="Restriction",
            name="lift_reason",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.RunSQL(
            [
                'ALTER TABLE "account" DROP CONSTRAINT account_one_per_person_and_capacity',
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
                'ALTER TABLE "account" ADD CONSTRAINT account_one_per_person_and_capacity UNIQUE (person_id, capacity)',
            ],
        ),
    ]

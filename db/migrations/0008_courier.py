"""The courier: the pace that all of them keep together, what became of letters in numbers, and letters tried anew."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

#: table -> name -> definition
CONSTRAINTS: dict[str, dict[str, str]] = {
    "mail_pace": {"mail_pace_is_one": "CHECK (id = 1)"},
}

#: name -> definition
INDEXES: dict[str, str] = {
    "letter_failed": "INDEX {name} ON letter (id) WHERE state = 'FAILED'",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0007_outbox")]

    initial = False

    operations = [
        ops.CreateModel(
            name="LetterTally",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True,
                        unique=True,
                        db_index=True,
                        description="`SENT:<kind>`, `FAILED:<kind>` or `CANCELLED:<reason>`",
                        max_length=96,
                    ),
                ),
                ("n", fields.BigIntField()),
            ],
            options={
                "table": "letter_tally",
                "app": "db",
                "pk_attr": "id",
                "table_description": "How many letters ended in a way, also those that were thrown away since: for the metrics.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MailPace",
            fields=[
                ("id", fields.IntField(generated=False, primary_key=True, unique=True, db_index=True)),
                (
                    "next_at",
                    fields.DatetimeField(
                        description="When the letters that were taken so far would all be gone, were they sent at an even pace.",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
            ],
            options={
                "table": "mail_pace",
                "app": "db",
                "pk_attr": "id",
                "table_description": "When the mail relay may be given letters again, one row for all couriers together.",
            },
            bases=["Model"],
        ),
        ops.AlterField(
            model_name="Letter",
            name="failure",
            field=fields.TextField(
                null=True,
                description="Why it was given up or cancelled; of one that waits, why it was not taken the last time.",
                unique=False,
            ),
        ),
        ops.AddField(
            model_name="Letter",
            name="retried_at",
            field=fields.DatetimeField(
                null=True,
                description="When the operator made a failed letter wait again: from then on it is tried as long as one promised then.",
                auto_now=False,
                auto_now_add=False,
            ),
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

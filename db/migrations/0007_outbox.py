"""Letters are claimed by couriers, tell floods apart, and carry the links of recovery."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

#: table -> name -> definition
CONSTRAINTS: dict[str, dict[str, str]] = {
    "letter": {"letter_address_digest_length": "CHECK (length(address_digest) = 16)"},
}

#: name -> definition
INDEXES: dict[str, str] = {
    "letter_alike": "INDEX {name} ON letter (address_digest, kind, promised_at)",
    "letter_promised": "INDEX {name} ON letter (promised_at)",
    "recovery_token_letter": "INDEX {name} ON recovery_token (letter_id) WHERE letter_id IS NOT NULL",
}

#: Wakes the couriers when a letter's transaction commits.
WAKE = """
CREATE FUNCTION letter_promised() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('letter', '');
    RETURN NULL;
END $$
"""
WAKING = "CREATE TRIGGER letter_promised AFTER INSERT ON letter FOR EACH STATEMENT EXECUTE FUNCTION letter_promised()"


class Migration(migrations.Migration):
    dependencies = [("db", "0006_people_search")]

    initial = False

    operations = [
        ops.CreateModel(
            name="UndeliverableAddress",
            fields=[
                (
                    "email_folded",
                    fields.CharField(
                        max_length=320,
                        primary_key=True,
                        unique=True,
                        db_index=True,
                        description="The address in the form in which addresses are compared.",
                    ),
                ),
                ("since", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("reason", fields.TextField(description="What the mail server said.", unique=False)),
            ],
            options={
                "table": "undeliverable_address",
                "app": "db",
                "pk_attr": "email_folded",
                "table_description": "An address that a mail server refused for good; forgotten when a letter gets through.",
            },
            bases=["Model"],
        ),
        ops.AlterField(
            model_name="Letter",
            name="person",
            field=fields.ForeignKeyField(
                "db.Person",
                source_field="person_id",
                null=True,
                description="None where it goes to whoever reads the letters of an address.",
                db_constraint=True,
                to_field="id",
                related_name="letters",
                on_delete=OnDelete.RESTRICT,
            ),
        ),
        ops.AddField(
            model_name="Letter",
            name="address_digest",
            field=fields.BinaryField(
                null=True,
                description="Keyed digest of the address, 16 bytes: tells letters to one address apart from others, also once it is blanked.",
            ),
        ),
        ops.AddField(
            model_name="Letter",
            name="leased_until",
            field=fields.DatetimeField(
                null=True,
                description="Until when a courier has it in hand; one that died lets go of it then.",
                auto_now=False,
                auto_now_add=False,
            ),
        ),
        ops.AddField(
            model_name="RecoveryToken",
            name="letter",
            field=fields.ForeignKeyField(
                "db.Letter",
                source_field="letter_id",
                null=True,
                description="The letter that carries a link; the links of one letter are siblings.",
                db_constraint=True,
                to_field="id",
                related_name="recovery_tokens",
                on_delete=OnDelete.SET_NULL,
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
                WAKE,
                WAKING,
            ],
            reverse_sql=[
                "DROP TRIGGER letter_promised ON letter",
                "DROP FUNCTION letter_promised()",
                *(f"DROP INDEX {name}" for name in INDEXES),
                *(
                    f'ALTER TABLE "{table}" DROP CONSTRAINT {name}'
                    for table, named in CONSTRAINTS.items()
                    for name in named
                ),
            ],
        ),
    ]

"""The trail made strong: an HMAC on each entry, the queue of entries that wait for their seal, and the chain of seals.

What stands in the trail already gets a random uid and the version 0, which says that it has no HMAC; it waits for its
seal like everything else, so that from now on none of it can go missing unseen.
"""

from tortoise import fields, migrations
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.migrations import operations as ops

#: table -> name -> definition
CONSTRAINTS: dict[str, dict[str, str]] = {
    "trail_entry": {
        "trail_entry_uid_unique": "UNIQUE (uid)",
        "trail_entry_mac_length": "CHECK (length(uid) = 16 AND length(mac) = 32)",
    },
    "trail_unsealed": {"trail_unsealed_mac_length": "CHECK (length(mac) = 32)"},
    "trail_seal": {
        "trail_seal_number_positive": "CHECK (number > 0)",
        "trail_seal_digest_length": "CHECK (length(previous) = 32 AND length(digest) = 32)",
        "trail_seal_macs_length": "CHECK (cardinality(entry_ids) > 0 AND length(macs) = 32 * cardinality(entry_ids))",
    },
}

#: name -> definition
INDEXES: dict[str, str] = {
    # For the newest entries of all, and those since a time.
    "trail_entry_at": "INDEX {name} ON trail_entry (at, id)",
}

FILL = """
UPDATE trail_entry
SET uid = decode(replace(gen_random_uuid()::text, '-', ''), 'hex'), secret_version = 0,
    mac = decode(repeat('00', 32), 'hex')
"""

#: Tables whose rows are only ever added, by whomever: the owner of a table needs no grants.
KEPT = ("trail_entry", "trail_seal")

REFUSE = """
CREATE FUNCTION trail_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are never changed or deleted.', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$
"""

TRIGGER = """
CREATE TRIGGER {table}_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION trail_is_kept()
"""

UID = "Random: tells entries apart that say the same. The number is the database's, and not covered by `mac`."
VERSION = "The master secret's version that `mac` was made under; 0 for entries from before there was a `mac`."
MAC = "HMAC-SHA256 of all of the above but the id: see `db/trail.py`."


class Migration(migrations.Migration):
    dependencies = [("db", "0002_constraints")]

    operations = [
        ops.CreateModel(
            name="TrailSeal",
            fields=[
                (
                    "number",
                    fields.BigIntField(
                        generated=False,
                        primary_key=True,
                        unique=True,
                        db_index=True,
                        description="1, 2, 3 and so on without a gap.",
                    ),
                ),
                ("previous", fields.BinaryField(description="The digest of the seal before.")),
                ("digest", fields.BinaryField()),
                ("secret_version", fields.IntField()),
                ("sealed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("entry_ids", ArrayField(element_type="BIGINT")),
                ("macs", fields.BinaryField(description="Their `mac`s in the same order, 32 bytes each.")),
            ],
            options={
                "table": "trail_seal",
                "app": "db",
                "pk_attr": "number",
                "table_description": "A batch of entries, sealed together and chained to the batch before: see `db/seals.py`. Only ever added.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TrailUnsealed",
            fields=[
                ("entry_id", fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ("mac", fields.BinaryField()),
            ],
            options={
                "table": "trail_unsealed",
                "app": "db",
                "pk_attr": "entry_id",
                "table_description": "An entry that waits for its seal, written in the statement that writes the entry.",
            },
            bases=["Model"],
        ),
        ops.AddField("TrailEntry", "mac", fields.BinaryField(null=True, description=MAC)),
        ops.AddField("TrailEntry", "secret_version", fields.IntField(null=True, description=VERSION)),
        ops.AddField("TrailEntry", "uid", fields.BinaryField(null=True, description=UID)),
        ops.RunSQL(
            [FILL, "INSERT INTO trail_unsealed (entry_id, mac) SELECT id, mac FROM trail_entry"], ops.RunSQL.noop
        ),
        ops.AlterField("TrailEntry", "mac", fields.BinaryField(description=MAC)),
        ops.AlterField("TrailEntry", "secret_version", fields.IntField(description=VERSION)),
        ops.AlterField("TrailEntry", "uid", fields.BinaryField(description=UID)),
        ops.RunSQL(
            [
                *(
                    f'ALTER TABLE "{table}" ADD CONSTRAINT {name} {definition}'
                    for table, named in CONSTRAINTS.items()
                    for name, definition in named.items()
                ),
                *(f"CREATE {definition.format(name=name)}" for name, definition in INDEXES.items()),
                REFUSE,
                *(TRIGGER.format(table=table) for table in KEPT),
            ],
            reverse_sql=[
                *(f"DROP TRIGGER {table}_is_kept ON {table}" for table in KEPT),
                "DROP FUNCTION trail_is_kept()",
                *(f"DROP INDEX {name}" for name in INDEXES),
                *(
                    f'ALTER TABLE "{table}" DROP CONSTRAINT {name}'
                    for table, named in CONSTRAINTS.items()
                    for name in named
                ),
            ],
        ),
    ]

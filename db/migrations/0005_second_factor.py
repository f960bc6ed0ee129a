"""The second factor of staff: authenticators, recovery codes, and when a session was last given a code."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

#: table -> name -> definition
CONSTRAINTS: dict[str, dict[str, str]] = {
    "second_factor": {
        # Nonce, authenticator's secret of 160 bits, and the seal: a secret that is not sealed has another length.
        "second_factor_is_sealed": "CHECK (length(sealed) = 60)",
        "second_factor_step_known_when_confirmed": "CHECK (last_step >= 0 AND (last_step > 0) = (confirmed_at IS NOT NULL))",
    },
    "recovery_code": {
        "recovery_code_digest_unique": "UNIQUE (digest)",
        "recovery_code_digest_length": "CHECK (length(digest) = 32)",
    },
}

#: name -> definition
INDEXES: dict[str, str] = {
    "second_factor_in_use": "UNIQUE INDEX {name} ON second_factor (account_id) WHERE confirmed_at IS NOT NULL",
    "second_factor_offered": "UNIQUE INDEX {name} ON second_factor (account_id) WHERE confirmed_at IS NULL",
    "recovery_code_of_account": "INDEX {name} ON recovery_code (account_id)",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0004_desk")]

    operations = [
        ops.AddField(
            model_name="Session",
            name="second_factor_at",
            field=fields.DatetimeField(
                null=True,
                description="When a code of the second factor was last given in this session.",
                auto_now=False,
                auto_now_add=False,
            ),
        ),
        ops.CreateModel(
            name="Authenticator",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "db.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="authenticators",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "sealed",
                    fields.BinaryField(
                        description="The secret that the authenticator shares, sealed under a key made from a master secret: 60 bytes."
                    ),
                ),
                ("secret_version", fields.IntField()),
                ("offered_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("confirmed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "last_step",
                    fields.BigIntField(
                        default=0,
                        description="The time step (RFC 6238) of the latest code that was taken; it and all before it are used up.",
                    ),
                ),
            ],
            options={
                "table": "second_factor",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A member of staff's second factor: offered until its first right code, in use from then on.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RecoveryCode",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "db.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="recovery_codes",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("digest", fields.BinaryField()),
                ("secret_version", fields.IntField()),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "recovery_code",
                "app": "db",
                "pk_attr": "id",
                "table_description": "One of the codes that stand in for the authenticator, once each. Here is a keyed digest of it, 32 bytes.",
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

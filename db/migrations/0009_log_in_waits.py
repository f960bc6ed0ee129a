"""Wrong passwords cost waits that grow; a lock is the wait in force, and no column of the account."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

#: table -> name -> definition
CONSTRAINTS: dict[str, dict[str, str]] = {
    "login_streak": {
        "login_streak_not_negative": "CHECK (failures >= 0 AND in_a_row >= 0)",
        "login_streak_waits_for_failures": "CHECK (wait_until IS NULL OR failures > 0)",
        "login_streak_of_account": "CHECK (CASE WHEN account_id IS NULL THEN id NOT LIKE 'account:%' "
        "ELSE id = 'account:' || account_id::text END)",
    },
}

#: name -> definition
INDEXES: dict[str, str] = {
    "login_streak_locks": "INDEX {name} ON login_streak (wait_until) INCLUDE (account_id) WHERE account_id IS NOT NULL",
    "login_streak_ends": "INDEX {name} ON login_streak (forget_at)",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0008_courier")]

    initial = False

    operations = [
        ops.CreateModel(
            name="LoginStreak",
            fields=[
                (
                    "id",
                    fields.CharField(
                        max_length=96,
                        primary_key=True,
                        unique=True,
                        db_index=True,
                        description="`account:<id>`, `session:<id>`, or `name:` or `device:` and a keyed digest in hex.",
                    ),
                ),
                (
                    "account_id",
                    fields.BigIntField(
                        null=True,
                        description="The account of an account's row: a plain number, so that counting never waits for who has the account locked.",
                    ),
                ),
                (
                    "failures",
                    fields.IntField(description="How many cost a wait; forgotten after a while."),
                ),
                (
                    "in_a_row",
                    fields.IntField(
                        description="How many there were in a row, from wherever and however slowly: of an account, or of a username."
                    ),
                ),
                (
                    "began_at",
                    fields.DatetimeField(
                        description="When the first of the failures was counted: tells one streak from the next.",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
                (
                    "forget_at",
                    fields.DatetimeField(
                        description="When the failures are forgotten, if there is no further one before.",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
                (
                    "secret_version",
                    fields.IntField(
                        description="The master secret that the digests were made under: with a new one, the waits of accounts begin anew as well."
                    ),
                ),
                (
                    "wait_until",
                    fields.DatetimeField(
                        null=True,
                        description="Until when no password is judged.",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
            ],
            options={
                "table": "login_streak",
                "app": "db",
                "pk_attr": "id",
                "table_description": "Wrong passwords since the last right one: of an account, a username that nobody has, a device, or a session.",
            },
            bases=["Model"],
        ),
        # Nothing was ever written into it.
        ops.RemoveField(model_name="Account", name="locked_until"),
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

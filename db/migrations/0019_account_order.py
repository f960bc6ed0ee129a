"""Accounts can be read in order, page by page, at the same cost at any depth and in any district, while they change.

An account knows the name by which it is sorted, as the person's record has it (`portal_name_key`): so that an index can
have it beside the account's status. It compares as bytes, whatever the collation of the database. What an account was
sorted by before it changed is written down, with the transaction that changed it.
"""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

#: table -> name -> definition
CONSTRAINTS: dict[str, dict[str, str]] = {
    "account": {
        "account_not_activated_has_no_log_in": "CHECK (status <> 'NOT_ACTIVATED' OR last_login_at IS NULL)",
    },
    "account_order_change": {
        "account_order_change_says_what": "CHECK (name_before IS NOT NULL OR login_before IS NOT NULL)",
    },
}

_LOGIN = "COALESCE(last_login_at, '-infinity'::timestamp with time zone)"

#: name -> definition
INDEXES: dict[str, str] = {
    # One for each order, of those who stand alike: whoever looks for the few among many finds these together.
    # By `id + 0`, since in the primary key they would be looked for among all that come before.
    "account_ids": "INDEX {name} ON account (capacity, status, (id + 0))",
    "account_names": "INDEX {name} ON account (capacity, status, name_key, id)",
    "account_logins": f"INDEX {{name}} ON account (capacity, status, ({_LOGIN}), id)",
    "account_never_ids": "INDEX {name} ON account (capacity, status, (id + 0)) WHERE last_login_at IS NULL",
    "account_never_names": "INDEX {name} ON account (capacity, status, name_key, id) WHERE last_login_at IS NULL",
    # With what is needed of a row: a school's people are gathered from the index alone.
    "enrolment_school": ("INDEX {name} ON enrolment (school_id) INCLUDE (student_id, grade_level, begins_on, ends_on)"),
    "guardianship_student": "INDEX {name} ON guardianship (student_id) INCLUDE (guardian_id, status)",
    "account_order_change_of_account": "INDEX {name} ON account_order_change (account_id, id)",
    "account_order_change_names": (
        "INDEX {name} ON account_order_change (name_before, account_id) WHERE name_before IS NOT NULL"
    ),
    "account_order_change_logins": (
        "INDEX {name} ON account_order_change (login_before, account_id) WHERE login_before IS NOT NULL"
    ),
    "account_order_change_at": "INDEX {name} ON account_order_change (at)",
}

#: As they were.
NARROWER = {
    "enrolment_school": "INDEX {name} ON enrolment (school_id)",
    "guardianship_student": "INDEX {name} ON guardianship (student_id)",
}

FUNCTIONS: dict[str, str] = {
    # The lock keeps the name as it is until the account is there for `person_renamed` to find.
    "account_named()": """
        CREATE FUNCTION account_named() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            SELECT p.name_key INTO NEW.name_key FROM person p WHERE p.id = NEW.person_id FOR SHARE;
            -- Also where there is no such person: then the foreign key says so.
            NEW.name_key := coalesce(NEW.name_key, '');
            RETURN NEW;
        END $$
    """,
    "person_renamed()": """
        CREATE FUNCTION person_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE account SET name_key = coalesce(NEW.name_key, '') WHERE person_id = NEW.id;
            RETURN NULL;
        END $$
    """,
    "account_order_changed()": """
        CREATE FUNCTION account_order_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO account_order_change (account_id, at, name_before, login_before)
            VALUES (
                NEW.id, now(),
                CASE WHEN OLD.name_key <> NEW.name_key THEN OLD.name_key END,
                CASE WHEN OLD.last_login_at IS DISTINCT FROM NEW.last_login_at
                     THEN coalesce(OLD.last_login_at, '-infinity') END);
            RETURN NULL;
        END $$
    """,
}

TRIGGERS: dict[str, str] = {
    "account_named": ("BEFORE INSERT OR UPDATE OF person_id ON account FOR EACH ROW EXECUTE FUNCTION account_named()"),
    "person_renamed": (
        "AFTER UPDATE OF given, family ON person FOR EACH ROW"
        " WHEN (OLD.name_key IS DISTINCT FROM NEW.name_key) EXECUTE FUNCTION person_renamed()"
    ),
    "account_order_changed": (
        "AFTER UPDATE OF name_key, person_id, last_login_at ON account FOR EACH ROW"
        " WHEN ((OLD.name_key, OLD.last_login_at) IS DISTINCT FROM (NEW.name_key, NEW.last_login_at))"
        " EXECUTE FUNCTION account_order_changed()"
    ),
}


class Migration(migrations.Migration):
    dependencies = [("db", "0018_log_ins_by_week")]

    initial = False

    operations = [
        ops.CreateModel(
            name="AccountOrderChange",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "account_id",
                    fields.BigIntField(description="A plain number: what is kept for days only refers to nothing."),
                ),
                (
                    "at",
                    fields.DatetimeField(
                        description="The time of the database, at the beginning of the transaction.",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
                (
                    "name_before",
                    fields.TextField(
                        null=True, description="The name as it is sorted; None where it stayed.", unique=False
                    ),
                ),
                (
                    "login_before",
                    fields.DatetimeField(
                        null=True,
                        description="When it had last been signed in to, `-infinity` for never; None where that stayed.",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
            ],
            options={
                "table": "account_order_change",
                "app": "db",
                "pk_attr": "id",
                "table_description": "What an account was sorted by until it changed, written by the database with the change (see migration 0016).",
            },
            bases=["Model"],
        ),
        ops.RunSQL(
            [
                "ALTER TABLE account_order_change ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id()",
                'ALTER TABLE account_order_change ALTER COLUMN name_before TYPE text COLLATE "C"',
                "ALTER TABLE account ADD COLUMN name_key text COLLATE \"C\" NOT NULL DEFAULT ''",
                "UPDATE account a SET name_key = p.name_key"
                " FROM person p WHERE p.id = a.person_id AND p.name_key IS NOT NULL",
                *(
                    f'ALTER TABLE "{table}" ADD CONSTRAINT {name} {definition}'
                    for table, named in CONSTRAINTS.items()
                    for name, definition in named.items()
                ),
                *(f"DROP INDEX {name}" for name in NARROWER),
                *(f"CREATE {definition.format(name=name)}" for name, definition in INDEXES.items()),
                *FUNCTIONS.values(),
                *(f"CREATE TRIGGER {name} {definition}" for name, definition in TRIGGERS.items()),
            ],
            reverse_sql=[
                "DROP TRIGGER account_order_changed ON account",
                "DROP TRIGGER person_renamed ON person",
                "DROP TRIGGER account_named ON account",
                *(f"DROP FUNCTION {name}" for name in FUNCTIONS),
                *(f"DROP INDEX {name}" for name in INDEXES),
                *(f"CREATE {definition.format(name=name)}" for name, definition in NARROWER.items()),
                *(
                    f'ALTER TABLE "{table}" DROP CONSTRAINT {name}'
                    for table, named in CONSTRAINTS.items()
                    for name in named
                ),
                "ALTER TABLE account DROP COLUMN name_key",
            ],
        ),
    ]

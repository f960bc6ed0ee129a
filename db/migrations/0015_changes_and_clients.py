"""Programs that call, and the changes of accounts that they follow, written by the database with each change."""

from tortoise import fields, migrations
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from db.context import Capacity
from db.models.access import AccountStatus, DisabledReason
from db.models.clients import ClientKind

#: table -> name -> definition
CONSTRAINTS: dict[str, dict[str, str]] = {
    "service_client": {
        "service_client_kind_known": "CHECK (kind IN ('REPORTING', 'DESIGNEE_TOOL', 'PORTAL_FRONT_END'))",
        "service_client_roles_known": "CHECK (roles <@ ARRAY['guardian', 'student', 'designee', 'registrar', 'technology', "
        "'reporter', 'administrator'] AND roles <> '{}')",
        "service_client_origins_of_front_ends": "CHECK (kind = 'PORTAL_FRONT_END' OR origins = '{}')",
    },
    "client_key": {
        "client_key_digest_unique": "UNIQUE (digest)",
        "client_key_digest_length": "CHECK (octet_length(digest) = 32)",
    },
    "account_change": {
        "account_change_number_unique": "UNIQUE (number)",
        "account_change_status_known": "CHECK (status IN ('NOT_ACTIVATED', 'ACTIVE', 'DISABLED') "
        "AND status_before IN ('NOT_ACTIVATED', 'ACTIVE', 'DISABLED'))",
    },
    "account_feed": {
        "account_feed_is_one": "CHECK (id = 1)",
        "account_feed_forgets_what_was_told": "CHECK (forgotten BETWEEN 0 AND numbered)",
    },
}

#: name -> definition
INDEXES: dict[str, str] = {
    "client_key_of_client": "INDEX {name} ON client_key (client_id)",
    "session_service_client": "INDEX {name} ON session (service_client_id) WHERE service_client_id IS NOT NULL",
    "account_change_unnumbered": "INDEX {name} ON account_change (id) WHERE number IS NULL",
    "account_change_of_account": "INDEX {name} ON account_change (account_id, id)",
}

#: New accounts come by the thousand, so they are told together; a change of one by itself, and a log-in costs nothing.
CHANGES = [
    """
    CREATE FUNCTION account_added() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO account_change (account_id, capacity, at, status, disabled_reason)
        SELECT id, capacity, now(), status, disabled_reason FROM fresh ORDER BY id;
        PERFORM pg_notify('account_change', '');
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION account_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO account_change (account_id, capacity, at, status_before, status, disabled_reason)
        VALUES (NEW.id, NEW.capacity, now(), OLD.status, NEW.status, NEW.disabled_reason);
        PERFORM pg_notify('account_change', '');
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER account_added AFTER INSERT ON account REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION account_added()
    """,
    """
    CREATE TRIGGER account_changed AFTER UPDATE OF status, disabled_reason ON account FOR EACH ROW
    WHEN ((OLD.status, OLD.disabled_reason) IS DISTINCT FROM (NEW.status, NEW.disabled_reason))
    EXECUTE FUNCTION account_changed()
    """,
]


class Migration(migrations.Migration):
    dependencies = [("db", "0014_merges_end")]

    initial = False

    operations = [
        ops.CreateModel(
            name="AccountChange",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "number",
                    fields.BigIntField(
                        null=True, description="1, 2, 3 and so on without a gap, in an order that readers can rely on."
                    ),
                ),
                ("account_id", fields.BigIntField(description="A plain number: the change outlives the account.")),
                (
                    "capacity",
                    fields.CharEnumField(
                        description="GUARDIAN: GUARDIAN\nSTUDENT: STUDENT\nSTAFF: STAFF",
                        enum_type=Capacity,
                        max_length=16,
                    ),
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
                    "status_before",
                    fields.CharEnumField(
                        null=True,
                        description="NOT_ACTIVATED: NOT_ACTIVATED\nACTIVE: ACTIVE\nDISABLED: DISABLED",
                        enum_type=AccountStatus,
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        description="NOT_ACTIVATED: NOT_ACTIVATED\nACTIVE: ACTIVE\nDISABLED: DISABLED",
                        enum_type=AccountStatus,
                        max_length=16,
                    ),
                ),
                (
                    "disabled_reason",
                    fields.CharEnumField(
                        null=True,
                        description="TOO_MANY_FAILURES: TOO_MANY_FAILURES\nSTAFF_DECISION: STAFF_DECISION\nLEGAL_RESTRICTION: LEGAL_RESTRICTION\nNO_CURRENT_STUDENT: NO_CURRENT_STUDENT\nMERGED: MERGED",
                        enum_type=DisabledReason,
                        max_length=32,
                    ),
                ),
                (
                    "locked_until",
                    fields.DatetimeField(
                        null=True,
                        description="Of a wait after wrong passwords that began: when it ends. The status is then what it was.",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
            ],
            options={
                "table": "account_change",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A change of how an account stands, written by the database with the change itself (see migration 0015).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AccountFeed",
            fields=[
                ("id", fields.IntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ("numbered", fields.BigIntField(description="The last number given.")),
                (
                    "forgotten",
                    fields.BigIntField(
                        description="The last number that was thrown away; who has read no further must read the accounts anew."
                    ),
                ),
            ],
            options={
                "table": "account_feed",
                "app": "db",
                "pk_attr": "id",
                "table_description": "How far the changes are numbered and thrown away again: one row, made when it is first needed.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ServiceClient",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("name", fields.CharField(unique=True, max_length=100)),
                (
                    "kind",
                    fields.CharEnumField(
                        description="REPORTING: REPORTING\nDESIGNEE_TOOL: DESIGNEE_TOOL\nPORTAL_FRONT_END: PORTAL_FRONT_END",
                        enum_type=ClientKind,
                        max_length=32,
                    ),
                ),
                (
                    "public_id",
                    fields.CharField(
                        unique=True,
                        description="By which a public client says which one it is; every client has one.",
                        max_length=64,
                    ),
                ),
                (
                    "roles",
                    ArrayField(
                        description="Words of the policy table: in which roles somebody may act through it, or it by itself.",
                        element_type="text",
                    ),
                ),
                (
                    "school_ids",
                    ArrayField(
                        null=True, description="At which schools; None for the whole district.", element_type="bigint"
                    ),
                ),
                (
                    "origins",
                    ArrayField(description="From which origins (RFC 6454) a browser may use it.", element_type="text"),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "service_client",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A program that the district lets in, with what it may be used for at most.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ClientKey",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "client",
                    fields.ForeignKeyField(
                        "db.ServiceClient",
                        source_field="client_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="keys",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("digest", fields.BinaryField()),
                (
                    "beginning",
                    fields.CharField(
                        description="The first characters, by which people tell one key from another.", max_length=16
                    ),
                ),
                ("issued_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("last_used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "client_key",
                "app": "db",
                "pk_attr": "id",
                "table_description": "An API key of a service client; only its SHA-256 is here. While one replaces the other, two are good at once.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Session",
            name="service_client",
            field=fields.ForeignKeyField(
                "db.ServiceClient",
                source_field="service_client_id",
                null=True,
                description="The service client through which it was opened: with it, and through no other way, the session is good.",
                db_constraint=True,
                to_field="id",
                related_name=False,
                on_delete=OnDelete.RESTRICT,
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
                *CHANGES,
            ],
            reverse_sql=[
                "DROP TRIGGER account_changed ON account",
                "DROP TRIGGER account_added ON account",
                "DROP FUNCTION account_changed()",
                "DROP FUNCTION account_added()",
                *(f"DROP INDEX {name}" for name in INDEXES),
                *(
                    f'ALTER TABLE "{table}" DROP CONSTRAINT {name}'
                    for table, named in CONSTRAINTS.items()
                    for name in named
                ),
            ],
        ),
    ]

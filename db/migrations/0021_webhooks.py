"""Webhooks, and what is sent to them."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from db.context import Capacity
from db.models.access import AccountStatus
from db.models.webhooks import DeliveryState, PausedWhy

#: table -> name -> definition
CONSTRAINTS: dict[str, dict[str, str]] = {
    "webhook": {
        "webhook_capacity_is_a_familys": "CHECK (capacity IN ('GUARDIAN', 'STUDENT'))",
        "webhook_nonce_length": "CHECK (octet_length(nonce) = 16 AND octet_length(previous_nonce) = 16)",
        "webhook_previous_secret_is_whole": "CHECK (num_nulls(previous_nonce, previous_secret_version, previous_until) "
        "IN (0, 3))",
        "webhook_paused_why_known": "CHECK (paused_why IN ('BY_OPERATOR', 'GONE', 'NOT_TAKEN'))",
        "webhook_paused_says_why": "CHECK ((paused_at IS NULL) = (paused_why IS NULL))",
    },
    "webhook_delivery": {
        "webhook_delivery_once": "UNIQUE (webhook_id, number)",
        "webhook_delivery_state_known": "CHECK (state IN ('WAITING', 'DELIVERED', 'WITHHELD', 'FAILED'))",
        "webhook_delivery_status_known": "CHECK (status IN ('NOT_ACTIVATED', 'ACTIVE', 'DISABLED') "
        "AND status_before IN ('NOT_ACTIVATED', 'ACTIVE', 'DISABLED'))",
        "webhook_delivery_ended_says_when": "CHECK ((state = 'WAITING') = (ended_at IS NULL))",
        "webhook_delivery_in_hand_waits": "CHECK (leased_until IS NULL OR state = 'WAITING')",
    },
}

#: name -> definition
INDEXES: dict[str, str] = {
    "webhook_delivery_due": "INDEX {name} ON webhook_delivery (webhook_id, due_at, number) WHERE (state = 'WAITING')",
    "webhook_delivery_in_order": "INDEX {name} ON webhook_delivery (webhook_id, account_id, number) "
    "WHERE (state = 'WAITING')",
    "webhook_delivery_ended": "INDEX {name} ON webhook_delivery (ended_at) WHERE (ended_at IS NOT NULL)",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0020_saved_reports")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Webhook",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "client",
                    fields.ForeignKeyField(
                        "db.ServiceClient",
                        source_field="client_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="webhooks",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("url", fields.CharField(max_length=2000)),
                (
                    "school",
                    fields.ForeignKeyField(
                        "db.School",
                        source_field="school_id",
                        null=True,
                        description="Only accounts with a place at this school; None for all that the client sees.",
                        db_constraint=True,
                        to_field="id",
                        related_name="webhooks",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "capacity",
                    fields.CharEnumField(
                        null=True,
                        description="GUARDIAN: GUARDIAN\nSTUDENT: STUDENT\nSTAFF: STAFF",
                        enum_type=Capacity,
                        max_length=16,
                    ),
                ),
                (
                    "nonce",
                    fields.BinaryField(
                        description="From which, with the master secret of that version, the signing secret is derived."
                    ),
                ),
                ("secret_version", fields.IntField()),
                (
                    "previous_nonce",
                    fields.BinaryField(
                        null=True,
                        description="The same of the secret before the last rotation, with which everything is signed as well until then.",
                    ),
                ),
                ("previous_secret_version", fields.IntField(null=True)),
                ("previous_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "taken_in",
                    fields.BigIntField(
                        description="The number of the last change that became a delivery, or was none for this webhook."
                    ),
                ),
                ("paused_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "paused_why",
                    fields.CharEnumField(
                        null=True,
                        description="BY_OPERATOR: BY_OPERATOR\nGONE: GONE\nNOT_TAKEN: NOT_TAKEN",
                        enum_type=PausedWhy,
                        max_length=16,
                    ),
                ),
                ("removed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "failing_since",
                    fields.DatetimeField(
                        null=True,
                        description="Since when each try came to nothing, and how many did; empty and 0 after one that was taken.",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
                ("failures", fields.IntField(default=0)),
                (
                    "held_until",
                    fields.DatetimeField(
                        null=True,
                        description="Until when nothing is tried, since the receiver seems to be in trouble.",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
            ],
            options={
                "table": "webhook",
                "app": "db",
                "pk_attr": "id",
                "table_description": "Where a service client is told of changes, and how far it was.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "webhook",
                    fields.ForeignKeyField(
                        "db.Webhook",
                        source_field="webhook_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="deliveries",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "message_id",
                    fields.UUIDField(
                        description="By which a receiver knows each sending of the same change to it again."
                    ),
                ),
                ("number", fields.BigIntField()),
                ("account_id", fields.BigIntField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
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
                ("locked_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "state",
                    fields.CharEnumField(
                        description="WAITING: WAITING\nDELIVERED: DELIVERED\nWITHHELD: WITHHELD\nFAILED: FAILED",
                        enum_type=DeliveryState,
                        max_length=16,
                    ),
                ),
                ("attempts", fields.IntField(default=0)),
                (
                    "due_at",
                    fields.DatetimeField(
                        description="When it is tried next; of one in hand, when its lease ends.",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
                ("leased_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "waits_since",
                    fields.DatetimeField(
                        description="Since when it waits, and since when it is tried.",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
                ("tried_since", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "ended_at",
                    fields.DatetimeField(
                        null=True,
                        description="When it was delivered, withheld or left out.",
                        auto_now=False,
                        auto_now_add=False,
                    ),
                ),
                ("failure", fields.CharField(null=True, max_length=200)),
            ],
            options={
                "table": "webhook_delivery",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A change for a webhook. It holds the change, which is thrown away at its own time.",
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

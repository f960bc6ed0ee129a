"""Webhooks: where changes of accounts are sent, signed, for programs that cannot hold a socket; and each sending."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from db.context import Capacity
from db.models.access import AccountStatus
from db.models.clients import ServiceClient
from db.models.people import School


class PausedWhy(StrEnum):
    """Why nothing is sent to a webhook for the time being. Nothing is lost meanwhile."""

    BY_OPERATOR = "BY_OPERATOR"
    #: Its receiver says that it is gone for good (410).
    GONE = "GONE"
    #: Its receiver took nothing for as long as anything is tried.
    NOT_TAKEN = "NOT_TAKEN"


class DeliveryState(StrEnum):
    """Where the sending of one change to one webhook stands."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    #: The client was not to see the account when it was to be sent: nothing was.
    WITHHELD = "WITHHELD"
    #: The operator has left it out, after it was not taken.
    FAILED = "FAILED"


class Webhook(Model):
    """Where a service client is told of changes, and how far it was."""

    id = fields.BigIntField(primary_key=True)
    client: fields.ForeignKeyRelation[ServiceClient] = fields.ForeignKeyField(
        "db.ServiceClient", related_name="webhooks", on_delete=fields.RESTRICT
    )
    client_id: int
    url = fields.CharField(max_length=2000)
    #: Only accounts with a place at this school; None for all that the client sees.
    school: fields.ForeignKeyNullableRelation[School] = fields.ForeignKeyField(
        "db.School", related_name="webhooks", null=True, on_delete=fields.RESTRICT
    )
    school_id: int | None
    #: Only accounts of this kind; None for all.
    capacity = fields.CharEnumField(Capacity, max_length=16, null=True)
    #: From which, with the master secret of that version, the signing secret is derived.
    nonce = fields.BinaryField()
    secret_version = fields.IntField()
    #: The same of the secret before the last rotation, with which everything is signed as well until then.
    previous_nonce = fields.BinaryField(null=True)
    previous_secret_version = fields.IntField(null=True)
    previous_until = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()
    #: The number of the last change that became a delivery, or was none for this webhook.
    taken_in = fields.BigIntField()
    paused_at = fields.DatetimeField(null=True)
    paused_why = fields.CharEnumField(PausedWhy, max_length=16, null=True)
    removed_at = fields.DatetimeField(null=True)
    #: Since when each try came to nothing, and how many did; empty and 0 after one that was taken.
    failing_since = fields.DatetimeField(null=True)
    failures = fields.IntField(default=0)
    #: Until when nothing is tried, since the receiver seems to be in trouble.
    held_until = fields.DatetimeField(null=True)

    class Meta:
        table = "webhook"


class WebhookDelivery(Model):
    """A change for a webhook. It holds the change, which is thrown away at its own time."""

    id = fields.BigIntField(primary_key=True)
    webhook: fields.ForeignKeyRelation[Webhook] = fields.ForeignKeyField(
        "db.Webhook", related_name="deliveries", on_delete=fields.RESTRICT
    )
    webhook_id: int
    #: By which a receiver knows each sending of the same change to it again.
    message_id = fields.UUIDField()
    number = fields.BigIntField()
    account_id = fields.BigIntField()
    at = fields.DatetimeField()
    status_before = fields.CharEnumField(AccountStatus, max_length=16, null=True)
    status = fields.CharEnumField(AccountStatus, max_length=16)
    locked_until = fields.DatetimeField(null=True)
    state = fields.CharEnumField(DeliveryState, max_length=16)
    attempts = fields.IntField(default=0)
    #: When it is tried next; of one in hand, when its lease ends.
    due_at = fields.DatetimeField()
    leased_until = fields.DatetimeField(null=True)
    #: Since when it waits, and since when it is tried.
    waits_since = fields.DatetimeField()
    tried_since = fields.DatetimeField(null=True)
    #: When it was delivered, withheld or left out.
    ended_at = fields.DatetimeField(null=True)
    failure = fields.CharField(max_length=200, null=True)

    class Meta:
        table = "webhook_delivery"

"""Programs that call: the district's service clients with their keys, and the changes of accounts that they follow."""

from enum import StrEnum

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.models import Model

from db.context import Capacity
from db.models.access import AccountStatus, DisabledReason


class ClientKind(StrEnum):
    """What a service client is for, which says what it may be given."""

    #: A program that asks by itself, with a key: reports, exports, events.
    REPORTING = "REPORTING"
    #: A desk's tool with a key; it acts for the member of staff who is signed in through it.
    DESIGNEE_TOOL = "DESIGNEE_TOOL"
    #: A portal for families. It is public: it has an id and the origins from which it may be used, and no key.
    PORTAL_FRONT_END = "PORTAL_FRONT_END"


class ServiceClient(Model):
    """A program that the district lets in, with what it may be used for at most."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=100, unique=True)
    kind = fields.CharEnumField(ClientKind, max_length=32)
    #: By which a public client says which one it is; every client has one.
    public_id = fields.CharField(max_length=64, unique=True)
    #: Words of the policy table: in which roles somebody may act through it, or it by itself.
    roles: ArrayField = ArrayField(element_type="text")
    #: At which schools; None for the whole district.
    school_ids: ArrayField = ArrayField(element_type="bigint", null=True)
    #: From which origins (RFC 6454) a browser may use it.
    origins: ArrayField = ArrayField(element_type="text")
    created_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "service_client"


class ClientKey(Model):
    """An API key of a service client; only its SHA-256 is here. While one replaces the other, two are good at once."""

    id = fields.BigIntField(primary_key=True)
    client: fields.ForeignKeyRelation[ServiceClient] = fields.ForeignKeyField(
        "db.ServiceClient", related_name="keys", on_delete=fields.RESTRICT
    )
    client_id: int
    digest = fields.BinaryField()
    #: The first characters, by which people tell one key from another.
    beginning = fields.CharField(max_length=16)
    issued_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(null=True)
    last_used_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "client_key"


class AccountChange(Model):
    """A change of how an account stands, written by the database with the change itself (see migration 0015).

    Rows are numbered for readers only once they are committed: `number` is empty until then, and whoever has read up
    to a number has missed nothing before it.
    """

    id = fields.BigIntField(primary_key=True)
    #: 1, 2, 3 and so on without a gap, in an order that readers can rely on.
    number = fields.BigIntField(null=True)
    #: A plain number: the change outlives the account.
    account_id = fields.BigIntField()
    capacity = fields.CharEnumField(Capacity, max_length=16)
    #: The time of the database, at the beginning of the transaction.
    at = fields.DatetimeField()
    #: None for an account that is new.
    status_before = fields.CharEnumField(AccountStatus, max_length=16, null=True)
    status = fields.CharEnumField(AccountStatus, max_length=16)
    disabled_reason = fields.CharEnumField(DisabledReason, max_length=32, null=True)
    #: Of a wait after wrong passwords that began: when it ends. The status is then what it was.
    locked_until = fields.DatetimeField(null=True)

    class Meta:
        table = "account_change"


class AccountFeed(Model):
    """How far the changes are numbered and thrown away again: one row, made when it is first needed."""

    id = fields.IntField(primary_key=True, generated=False)
    #: The last number given.
    numbered = fields.BigIntField()
    #: The last number that was thrown away; who has read no further must read the accounts anew.
    forgotten = fields.BigIntField()

    class Meta:
        table = "account_feed"

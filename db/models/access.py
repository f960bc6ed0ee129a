"""Accounts and what opens them: activation keys, sessions, known devices, second factors."""

from enum import StrEnum
from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from db.context import Capacity
from db.models.people import Person

if TYPE_CHECKING:
    from db.models.clients import ServiceClient


class AccountStatus(StrEnum):
    """What is stored of an account's state. A lock is no status but a wait, and kept with the failures."""

    NOT_ACTIVATED = "NOT_ACTIVATED"
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class DisabledReason(StrEnum):
    """Why an account was disabled."""

    TOO_MANY_FAILURES = "TOO_MANY_FAILURES"
    STAFF_DECISION = "STAFF_DECISION"
    LEGAL_RESTRICTION = "LEGAL_RESTRICTION"
    NO_CURRENT_STUDENT = "NO_CURRENT_STUDENT"
    #: The holder was on record twice; the other record's account goes on.
    MERGED = "MERGED"


class KeyState(StrEnum):
    """A key is current until it is used or replaced; a used or replaced one is dead for good."""

    CURRENT = "CURRENT"
    USED = "USED"
    REPLACED = "REPLACED"


class Account(Model):
    """One person in one capacity. The row is there from the start, `NOT_ACTIVATED`, without username and password."""

    id = fields.BigIntField(primary_key=True)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name="accounts", on_delete=fields.RESTRICT
    )
    person_id: int
    capacity = fields.CharEnumField(Capacity, max_length=16)
    status = fields.CharEnumField(AccountStatus, max_length=16, default=AccountStatus.NOT_ACTIVATED)
    disabled_reason = fields.CharEnumField(DisabledReason, max_length=32, null=True)
    username = fields.CharField(max_length=64, null=True)
    #: The form in which usernames are compared: unique in the district, whatever the case.
    username_folded = fields.CharField(max_length=64, unique=True, null=True)
    #: Encoded argon2id hash.
    password_hash = fields.TextField(null=True)
    must_change_password = fields.BooleanField(default=False)
    activated_at = fields.DatetimeField(null=True)
    last_login_at = fields.DatetimeField(null=True)

    class Meta:
        table = "account"


class ActivationKey(Model):
    """A key that opens one account once. The key is derived from `nonce` and a master secret; only a digest is kept."""

    id = fields.BigIntField(primary_key=True)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "db.Account", related_name="keys", on_delete=fields.RESTRICT
    )
    account_id: int
    #: 16 random bytes.
    nonce = fields.BinaryField()
    secret_version = fields.IntField()
    #: HMAC-SHA256 of the key, 32 bytes: for look-up.
    digest = fields.BinaryField()
    state = fields.CharEnumField(KeyState, max_length=16, default=KeyState.CURRENT)
    issued_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(null=True)
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "activation_key"


class Device(Model):
    """A browser or telephone from which an account was signed in to before."""

    id = fields.BigIntField(primary_key=True)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "db.Account", related_name="devices", on_delete=fields.RESTRICT
    )
    account_id: int
    #: SHA-256 of the device token.
    digest = fields.BinaryField()
    first_seen_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "device"


class Session(Model):
    """A signed-in session. The token is known to the client alone; here is its SHA-256."""

    id = fields.BigIntField(primary_key=True)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "db.Account", related_name="sessions", on_delete=fields.RESTRICT
    )
    account_id: int
    device: fields.ForeignKeyNullableRelation[Device] = fields.ForeignKeyField(
        "db.Device", related_name="sessions", null=True, on_delete=fields.SET_NULL
    )
    digest = fields.BinaryField()
    started_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField()
    #: When a code of the second factor was last given in this session.
    second_factor_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    end_reason = fields.CharField(max_length=32, null=True)
    client = fields.CharField(max_length=200, null=True)
    #: The service client through which it was opened: with it, and through no other way, the session is good.
    service_client: fields.ForeignKeyNullableRelation["ServiceClient"] = fields.ForeignKeyField(
        "db.ServiceClient", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    service_client_id: int | None

    class Meta:
        table = "session"


class Authenticator(Model):
    """A member of staff's second factor: offered until its first right code, in use from then on.

    An account has one in use at most, and one offered at most, so that the old one holds until the new one is proved.
    """

    id = fields.BigIntField(primary_key=True)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "db.Account", related_name="authenticators", on_delete=fields.RESTRICT
    )
    account_id: int
    #: The secret that the authenticator shares, sealed under a key made from a master secret: 60 bytes.
    sealed = fields.BinaryField()
    secret_version = fields.IntField()
    offered_at = fields.DatetimeField()
    confirmed_at = fields.DatetimeField(null=True)
    #: The time step (RFC 6238) of the latest code that was taken; it and all before it are used up.
    last_step = fields.BigIntField(default=0)

    class Meta:
        table = "second_factor"


class RecoveryCode(Model):
    """One of the codes that stand in for the authenticator, once each. Here is a keyed digest of it, 32 bytes."""

    id = fields.BigIntField(primary_key=True)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "db.Account", related_name="recovery_codes", on_delete=fields.RESTRICT
    )
    account_id: int
    digest = fields.BinaryField()
    secret_version = fields.IntField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "recovery_code"


class IdempotentAnswer(Model):
    """The first answer to a step with an idempotency key, sealed with what only that client knows."""

    #: Hex digest of operation and idempotency key.
    id = fields.CharField(max_length=64, primary_key=True)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "db.Account", related_name=False, on_delete=fields.RESTRICT
    )
    account_id: int
    sealed = fields.BinaryField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "idempotent_answer"


class AccountOrderChange(Model):
    """What an account was sorted by until it changed, written by the database with the change (see migration 0016).

    Whoever reads page after page finds by it each account where it stood when the first page was read. `xid`, the
    transaction that made the change, is set and read by PostgreSQL alone.
    """

    id = fields.BigIntField(primary_key=True)
    #: A plain number: what is kept for days only refers to nothing.
    account_id = fields.BigIntField()
    #: The time of the database, at the beginning of the transaction.
    at = fields.DatetimeField()
    #: The name as it is sorted; None where it stayed.
    name_before = fields.TextField(null=True)
    #: When it had last been signed in to, `-infinity` for never; None where that stayed.
    login_before = fields.DatetimeField(null=True)

    class Meta:
        table = "account_order_change"

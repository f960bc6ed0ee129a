"""What was done and what was promised: the trail, the letters, and the counted attempts."""

from enum import StrEnum

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.models import Model

from db.models.people import Person


class Outcome(StrEnum):
    """How a step ended."""

    DONE = "DONE"
    REFUSED = "REFUSED"


class LetterState(StrEnum):
    """Where a letter stands between promise and delivery."""

    WAITING = "WAITING"
    SENT = "SENT"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class TrailEntry(Model):
    """One step, done or refused. Rows are only ever added; ids are plain numbers so that no row can be taken along."""

    id = fields.BigIntField(primary_key=True)
    at = fields.DatetimeField()
    step = fields.CharField(max_length=64)
    outcome = fields.CharEnumField(Outcome, max_length=16)
    #: The refusal's code, or None.
    refusal = fields.CharField(max_length=32, null=True)
    #: The row of the policy table that decided, where one did.
    rule = fields.TextField(null=True)
    actor_account_id = fields.BigIntField(null=True)
    actor_person_id = fields.BigIntField(null=True)
    about_account_id = fields.BigIntField(null=True)
    about_person_id = fields.BigIntField(null=True)
    about_student_id = fields.BigIntField(null=True)
    address = fields.CharField(max_length=64)
    request_id = fields.CharField(max_length=64)
    details: fields.Field[dict[str, object]] = fields.JSONField(default=dict)
    #: Random: tells entries apart that say the same. The number is the database's, and not covered by `mac`.
    uid = fields.BinaryField()
    #: The master secret's version that `mac` was made under; 0 for entries from before there was a `mac`.
    secret_version = fields.IntField()
    #: HMAC-SHA256 of all of the above but the id: see `db/trail.py`.
    mac = fields.BinaryField()

    class Meta:
        table = "trail_entry"


class TrailUnsealed(Model):
    """An entry that waits for its seal, written in the statement that writes the entry."""

    entry_id = fields.BigIntField(primary_key=True, generated=False)
    mac = fields.BinaryField()

    class Meta:
        table = "trail_unsealed"


class TrailSeal(Model):
    """A batch of entries, sealed together and chained to the batch before: see `db/seals.py`. Only ever added."""

    #: 1, 2, 3 and so on without a gap.
    number = fields.BigIntField(primary_key=True, generated=False)
    #: The digest of the seal before.
    previous = fields.BinaryField()
    digest = fields.BinaryField()
    secret_version = fields.IntField()
    sealed_at = fields.DatetimeField()
    entry_ids: ArrayField = ArrayField(element_type="bigint")
    #: Their `mac`s in the same order, 32 bytes each.
    macs = fields.BinaryField()

    class Meta:
        table = "trail_seal"


class Letter(Model):
    """A letter that was promised. It holds no key, token or password: those are derived when it is sent."""

    id = fields.BigIntField(primary_key=True)
    kind = fields.CharField(max_length=32)
    #: None where it goes to whoever reads the letters of an address.
    person: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name="letters", null=True, on_delete=fields.RESTRICT
    )
    person_id: int | None
    address = fields.TextField()
    #: Keyed digest of the address, 16 bytes: tells letters to one address apart from others, also once it is blanked.
    address_digest = fields.BinaryField(null=True)
    language = fields.CharField(max_length=35, null=True)
    #: What the letter tells, as ids and plain words.
    facts: fields.Field[dict[str, object]] = fields.JSONField(default=dict)
    #: Stays the same however often delivery is tried (RFC 5322 §3.6.4).
    message_id = fields.CharField(max_length=255, unique=True)
    state = fields.CharEnumField(LetterState, max_length=16, default=LetterState.WAITING)
    promised_at = fields.DatetimeField()
    due_at = fields.DatetimeField()
    attempts = fields.IntField(default=0)
    #: Until when a courier has it in hand; one that died lets go of it then.
    leased_until = fields.DatetimeField(null=True)
    sent_at = fields.DatetimeField(null=True)
    #: When the operator made a failed letter wait again: from then on it is tried as long as one promised then.
    retried_at = fields.DatetimeField(null=True)
    #: Why it was given up or cancelled; of one that waits, why it was not taken the last time.
    failure = fields.TextField(null=True)

    class Meta:
        table = "letter"


class LetterTally(Model):
    """How many letters ended in a way, also those that were thrown away since: for the metrics."""

    #: `SENT:<kind>`, `FAILED:<kind>` or `CANCELLED:<reason>`
    id = fields.CharField(max_length=96, primary_key=True)
    n = fields.BigIntField()

    class Meta:
        table = "letter_tally"


class MailPace(Model):
    """When the mail relay may be given letters again, one row for all couriers together."""

    id = fields.IntField(primary_key=True, generated=False)
    #: When the letters that were taken so far would all be gone, were they sent at an even pace.
    next_at = fields.DatetimeField()
    #: Since when the mail relay cannot be used, as far as couriers know.
    trouble_since = fields.DatetimeField(null=True)

    class Meta:
        table = "mail_pace"


class UndeliverableAddress(Model):
    """An address that a mail server refused for good; forgotten when a letter gets through."""

    #: The address in the form in which addresses are compared.
    email_folded = fields.CharField(max_length=320, primary_key=True)
    since = fields.DatetimeField()
    #: What the mail server said.
    reason = fields.TextField()

    class Meta:
        table = "undeliverable_address"


class LoginStreak(Model):
    """Wrong passwords since the last right one: of an account, a username that nobody has, a device, or a session."""

    #: `account:<id>`, `session:<id>`, or `name:` or `device:` and a keyed digest in hex.
    id = fields.CharField(max_length=96, primary_key=True)
    #: The account of an account's row: a plain number, so that counting never waits for who has the account locked.
    account_id = fields.BigIntField(null=True)
    #: How many cost a wait; forgotten after a while.
    failures = fields.IntField()
    #: How many there were in a row, from wherever and however slowly: of an account, or of a username.
    in_a_row = fields.IntField()
    #: When the first of the failures was counted: tells one streak from the next.
    began_at = fields.DatetimeField()
    #: When the failures are forgotten, if there is no further one before.
    forget_at = fields.DatetimeField()
    #: The master secret that the digests were made under: with a new one, the waits of accounts begin anew as well.
    secret_version = fields.IntField()
    #: Until when no password is judged.
    wait_until = fields.DatetimeField(null=True)

    class Meta:
        table = "login_streak"


class AttemptBudget(Model):
    """How many attempts of one kind one subject has made in its window. The subject is a keyed digest."""

    #: `<budget>:<digest in hex>`
    id = fields.CharField(max_length=96, primary_key=True)
    spent = fields.IntField()
    ends_at = fields.DatetimeField()

    class Meta:
        table = "attempt_budget"

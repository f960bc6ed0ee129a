"""What the desk keeps: verifications of callers, and the codes and links by which a new password is set."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from db.models.access import Account
from db.models.journal import Letter
from db.models.people import Person, Student


class Purpose(StrEnum):
    """What a caller is verified for; a verification serves this one purpose."""

    LOOK_UP = "LOOK_UP"
    RESET = "RESET"
    ENABLE = "ENABLE"
    DISABLE = "DISABLE"


class Question(StrEnum):
    """What a caller may be asked."""

    PARENT_NAME = "PARENT_NAME"
    STUDENT_NAME = "STUDENT_NAME"
    MAILING_ADDRESS = "MAILING_ADDRESS"
    HOME_PHONE = "HOME_PHONE"
    STUDENT_SSN = "STUDENT_SSN"
    STUDENT_NUMBER = "STUDENT_NUMBER"


class IdDocument(StrEnum):
    """The kind of document that was shown in person; never its number."""

    DRIVERS_LICENSE = "DRIVERS_LICENSE"
    STATE_ID = "STATE_ID"
    PASSPORT = "PASSPORT"
    MILITARY_ID = "MILITARY_ID"
    OTHER_GOVERNMENT_ID = "OTHER_GOVERNMENT_ID"


class VerificationState(StrEnum):
    """Failed and expired are no states but follow from what is left of attempts and of time."""

    OPEN = "OPEN"
    PASSED = "PASSED"
    USED = "USED"


class TokenKind(StrEnum):
    """A code is told to the caller; a link goes to the address on file."""

    CODE = "CODE"
    LINK = "LINK"


class TokenState(StrEnum):
    """A token is current until it is used, or until a newer one takes its place."""

    CURRENT = "CURRENT"
    USED = "USED"
    REPLACED = "REPLACED"


class Verification(Model):
    """One designee, one requester, one student, one purpose. What the requester said is never kept."""

    id = fields.BigIntField(primary_key=True)
    designee: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, on_delete=fields.RESTRICT
    )
    designee_id: int
    #: The caller: a guardian, or the student.
    requester: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, on_delete=fields.RESTRICT
    )
    requester_id: int
    student: fields.ForeignKeyRelation[Student] = fields.ForeignKeyField(
        "db.Student", related_name="verifications", on_delete=fields.RESTRICT
    )
    student_id: int
    purpose = fields.CharEnumField(Purpose, max_length=16)
    #: The questions that were to be asked: a list of words.
    questions: fields.Field[list[str]] = fields.JSONField(default=list)
    attempts_left = fields.IntField()
    state = fields.CharEnumField(VerificationState, max_length=16, default=VerificationState.OPEN)
    #: Where the caller was verified in person.
    document = fields.CharEnumField(IdDocument, max_length=32, null=True)
    started_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    passed_at = fields.DatetimeField(null=True)
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "verification"


class RecoveryToken(Model):
    """A code or a link that sets a new password once. Only its keyed digest is kept."""

    id = fields.BigIntField(primary_key=True)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "db.Account", related_name="recovery_tokens", on_delete=fields.RESTRICT
    )
    account_id: int
    kind = fields.CharEnumField(TokenKind, max_length=16)
    #: The letter that carries a link; the links of one letter are siblings.
    letter: fields.ForeignKeyNullableRelation[Letter] = fields.ForeignKeyField(
        "db.Letter", related_name="recovery_tokens", null=True, on_delete=fields.SET_NULL
    )
    letter_id: int | None
    #: 16 random bytes from which a link's token is derived when its letter is sent; none for a code.
    nonce = fields.BinaryField(null=True)
    secret_version = fields.IntField()
    #: HMAC-SHA256 of the token, 32 bytes: for look-up.
    digest = fields.BinaryField()
    state = fields.CharEnumField(TokenState, max_length=16, default=TokenState.CURRENT)
    issued_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "recovery_token"

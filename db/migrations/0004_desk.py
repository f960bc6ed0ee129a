"""Verifications of callers, and the codes and links that set a new password."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

from db.models.help import IdDocument, Purpose, TokenKind, TokenState, VerificationState

#: table -> name -> definition
CONSTRAINTS: dict[str, dict[str, str]] = {
    "verification": {
        "verification_purpose_known": "CHECK (purpose IN ('LOOK_UP', 'RESET', 'ENABLE', 'DISABLE'))",
        "verification_state_known": "CHECK (state IN ('OPEN', 'PASSED', 'USED'))",
        "verification_document_known": (
            "CHECK (document IN ('DRIVERS_LICENSE', 'STATE_ID', 'PASSPORT', 'MILITARY_ID', 'OTHER_GOVERNMENT_ID'))"
        ),
        "verification_attempts_not_negative": "CHECK (attempts_left >= 0)",
        "verification_passed_says_when": "CHECK ((state = 'OPEN') = (passed_at IS NULL))",
        "verification_used_says_when": "CHECK ((state = 'USED') = (used_at IS NOT NULL))",
        "verification_dates_in_order": "CHECK (expires_at > started_at)",
        "verification_not_of_oneself": "CHECK (designee_id <> requester_id AND designee_id <> student_id)",
    },
    "recovery_token": {
        "recovery_token_digest_unique": "UNIQUE (digest)",
        "recovery_token_kind_known": "CHECK (kind IN ('CODE', 'LINK'))",
        "recovery_token_state_known": "CHECK (state IN ('CURRENT', 'USED', 'REPLACED'))",
        "recovery_token_digest_length": "CHECK (length(digest) = 32 AND length(nonce) = 16)",
        "recovery_token_link_has_nonce": "CHECK ((kind = 'LINK') = (nonce IS NOT NULL))",
        "recovery_token_used_says_when": "CHECK ((state = 'USED') = (used_at IS NOT NULL))",
        "recovery_token_dates_in_order": "CHECK (expires_at > issued_at)",
    },
}

#: name -> definition
INDEXES: dict[str, str] = {
    "recovery_token_current": "INDEX {name} ON recovery_token (account_id) WHERE state = 'CURRENT'",
    "recovery_token_ends": "INDEX {name} ON recovery_token (expires_at)",
    "verification_ends": "INDEX {name} ON verification (expires_at)",
    "household_member_household": "INDEX {name} ON household_member (household_id)",
}


class Migration(migrations.Migration):
    dependencies = [("db", "0003_trail_seals")]

    initial = False

    operations = [
        ops.CreateModel(
            name="RecoveryToken",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "db.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="recovery_tokens",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(description="CODE: CODE\nLINK: LINK", enum_type=TokenKind, max_length=16),
                ),
                (
                    "nonce",
                    fields.BinaryField(
                        null=True,
                        description="16 random bytes from which a link's token is derived when its letter is sent; none for a code.",
                    ),
                ),
                ("secret_version", fields.IntField()),
                ("digest", fields.BinaryField(description="HMAC-SHA256 of the token, 32 bytes: for look-up.")),
                (
                    "state",
                    fields.CharEnumField(
                        default=TokenState.CURRENT,
                        description="CURRENT: CURRENT\nUSED: USED\nREPLACED: REPLACED",
                        enum_type=TokenState,
                        max_length=16,
                    ),
                ),
                ("issued_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "recovery_token",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A code or a link that sets a new password once. Only its keyed digest is kept.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Verification",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "designee",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="designee_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "requester",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="requester_id",
                        description="The caller: a guardian, or the student.",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "student",
                    fields.ForeignKeyField(
                        "db.Student",
                        source_field="student_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="verifications",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "purpose",
                    fields.CharEnumField(
                        description="LOOK_UP: LOOK_UP\nRESET: RESET\nENABLE: ENABLE\nDISABLE: DISABLE",
                        enum_type=Purpose,
                        max_length=16,
                    ),
                ),
                (
                    "questions",
                    fields.JSONField(
                        default=list,
                        description="The questions that were to be asked: a list of words.",
                        encoder=JSON_DUMPS,
                        decoder=loads,
                    ),
                ),
                ("attempts_left", fields.IntField()),
                (
                    "state",
                    fields.CharEnumField(
                        default=VerificationState.OPEN,
                        description="OPEN: OPEN\nPASSED: PASSED\nUSED: USED",
                        enum_type=VerificationState,
                        max_length=16,
                    ),
                ),
                (
                    "document",
                    fields.CharEnumField(
                        null=True,
                        description="DRIVERS_LICENSE: DRIVERS_LICENSE\nSTATE_ID: STATE_ID\nPASSPORT: PASSPORT\nMILITARY_ID: MILITARY_ID\nOTHER_GOVERNMENT_ID: OTHER_GOVERNMENT_ID",
                        enum_type=IdDocument,
                        max_length=32,
                    ),
                ),
                ("started_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("passed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "verification",
                "app": "db",
                "pk_attr": "id",
                "table_description": "One designee, one requester, one student, one purpose. What the requester said is never kept.",
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

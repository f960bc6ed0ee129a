from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops

from db.context import Capacity, Role
from db.models.access import AccountStatus, DisabledReason, KeyState
from db.models.journal import LetterState, Outcome
from db.models.people import DecidedBy, GuardianshipStatus, SsnState


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="AttemptBudget",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True,
                        unique=True,
                        db_index=True,
                        description="`<budget>:<digest in hex>`",
                        max_length=96,
                    ),
                ),
                ("spent", fields.IntField()),
                ("ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "attempt_budget",
                "app": "db",
                "pk_attr": "id",
                "table_description": "How many attempts of one kind one subject has made in its window. The subject is a keyed digest.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Household",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("source_id", fields.CharField(null=True, unique=True, max_length=255)),
                ("name", fields.TextField(unique=False)),
                ("street", fields.TextField(null=True, unique=False)),
                ("city", fields.TextField(null=True, unique=False)),
                ("state", fields.TextField(null=True, unique=False)),
                ("postal_code", fields.TextField(null=True, unique=False)),
                ("phone", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "household",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A mailing address and a home telephone, shared by its members.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Person",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("source_id", fields.CharField(null=True, unique=True, max_length=255)),
                ("given", fields.TextField(unique=False)),
                ("middle", fields.TextField(null=True, unique=False)),
                ("family", fields.TextField(unique=False)),
                ("suffix", fields.TextField(null=True, unique=False)),
                ("preferred", fields.TextField(null=True, unique=False)),
                ("email", fields.TextField(null=True, unique=False)),
                (
                    "email_folded",
                    fields.TextField(
                        null=True,
                        description="The address in the form in which addresses are compared; several people may share one.",
                        unique=False,
                    ),
                ),
                (
                    "language",
                    fields.CharField(
                        null=True,
                        description="BCP 47 tag of the language for letters; None means that nobody has said.",
                        max_length=35,
                    ),
                ),
            ],
            options={
                "table": "person",
                "app": "db",
                "pk_attr": "id",
                "table_description": "Anybody on record: a student, a guardian, a member of staff, or several of these at once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Account",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "person",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="accounts",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "capacity",
                    fields.CharEnumField(
                        description="GUARDIAN: GUARDIAN\nSTUDENT: STUDENT\nSTAFF: STAFF",
                        enum_type=Capacity,
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    fields.CharEnumField(
                        default=AccountStatus.NOT_ACTIVATED,
                        description="NOT_ACTIVATED: NOT_ACTIVATED\nACTIVE: ACTIVE\nDISABLED: DISABLED",
                        enum_type=AccountStatus,
                        max_length=16,
                    ),
                ),
                (
                    "disabled_reason",
                    fields.CharEnumField(
                        null=True,
                        description="TOO_MANY_FAILURES: TOO_MANY_FAILURES\nSTAFF_DECISION: STAFF_DECISION\nLEGAL_RESTRICTION: LEGAL_RESTRICTION\nNO_CURRENT_STUDENT: NO_CURRENT_STUDENT",
                        enum_type=DisabledReason,
                        max_length=32,
                    ),
                ),
                ("username", fields.CharField(null=True, max_length=64)),
                (
                    "username_folded",
                    fields.CharField(
                        null=True,
                        unique=True,
                        description="The form in which usernames are compared: unique in the district, whatever the case.",
                        max_length=64,
                    ),
                ),
                (
                    "password_hash",
                    fields.TextField(null=True, description="Encoded argon2id hash.", unique=False),
                ),
                ("must_change_password", fields.BooleanField(default=False)),
                ("locked_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("activated_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("last_login_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "account",
                "app": "db",
                "pk_attr": "id",
                "table_description": "One person in one capacity. The row is there from the start, `NOT_ACTIVATED`, without username and password.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ActivationKey",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "db.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="keys",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("nonce", fields.BinaryField(description="16 random bytes.")),
                ("secret_version", fields.IntField()),
                ("digest", fields.BinaryField(description="HMAC-SHA256 of the key, 32 bytes: for look-up.")),
                (
                    "state",
                    fields.CharEnumField(
                        default=KeyState.CURRENT,
                        description="CURRENT: CURRENT\nUSED: USED\nREPLACED: REPLACED",
                        enum_type=KeyState,
                        max_length=16,
                    ),
                ),
                ("issued_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "activation_key",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A key that opens one account once. The key is derived from `nonce` and a master secret; only a digest is kept.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Device",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "db.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="devices",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("digest", fields.BinaryField(description="SHA-256 of the device token.")),
                ("first_seen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_seen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "device",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A browser or telephone from which an account was signed in to before.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="HouseholdMember",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "household",
                    fields.ForeignKeyField(
                        "db.Household",
                        source_field="household_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="members",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "person",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="memberships",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("is_secondary", fields.BooleanField(default=False)),
                ("begins_on", fields.DateField(null=True)),
                ("ends_on", fields.DateField(null=True)),
            ],
            options={
                "table": "household_member",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A person in a household for a while; living together gives nobody sight of a student.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IdempotentAnswer",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True,
                        unique=True,
                        db_index=True,
                        description="Hex digest of operation and idempotency key.",
                        max_length=64,
                    ),
                ),
                (
                    "account",
                    fields.ForeignKeyField(
                        "db.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("sealed", fields.BinaryField()),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "idempotent_answer",
                "app": "db",
                "pk_attr": "id",
                "table_description": "The first answer to a step with an idempotency key, sealed with what only that client knows.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Letter",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("kind", fields.CharField(max_length=32)),
                (
                    "person",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="letters",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("address", fields.TextField(unique=False)),
                ("language", fields.CharField(null=True, max_length=35)),
                (
                    "facts",
                    fields.JSONField(
                        default=dict,
                        description="What the letter tells, as ids and plain words.",
                        encoder=JSON_DUMPS,
                        decoder=loads,
                    ),
                ),
                (
                    "message_id",
                    fields.CharField(
                        unique=True,
                        description="Stays the same however often delivery is tried (RFC 5322 §3.6.4).",
                        max_length=255,
                    ),
                ),
                (
                    "state",
                    fields.CharEnumField(
                        default=LetterState.WAITING,
                        description="WAITING: WAITING\nSENT: SENT\nFAILED: FAILED\nCANCELLED: CANCELLED",
                        enum_type=LetterState,
                        max_length=16,
                    ),
                ),
                ("promised_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("attempts", fields.IntField(default=0)),
                ("sent_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("failure", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "letter",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A letter that was promised. It holds no key, token or password: those are derived when it is sent.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="School",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("source_id", fields.CharField(null=True, unique=True, max_length=255)),
                ("name", fields.TextField(unique=False)),
                ("phone", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "school",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A school of the district.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RoleAssignment",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "person",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="roles",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "role",
                    fields.CharEnumField(
                        description="GUARDIAN: guardian\nSTUDENT: student\nDESIGNEE: designee\nREGISTRAR: registrar\nTECHNOLOGY: technology\nREPORTER: reporter\nADMINISTRATOR: administrator",
                        enum_type=Role,
                        max_length=16,
                    ),
                ),
                (
                    "school",
                    fields.ForeignKeyField(
                        "db.School",
                        source_field="school_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="staff",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("begins_on", fields.DateField(null=True)),
                ("ends_on", fields.DateField(null=True)),
            ],
            options={
                "table": "role_assignment",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A role of a member of staff, at one school or (no school) in the whole district.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Session",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "db.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="sessions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "device",
                    fields.ForeignKeyField(
                        "db.Device",
                        source_field="device_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="sessions",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("digest", fields.BinaryField()),
                ("started_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_seen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("end_reason", fields.CharField(null=True, max_length=32)),
                ("client", fields.CharField(null=True, max_length=200)),
            ],
            options={
                "table": "session",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A signed-in session. The token is known to the client alone; here is its SHA-256.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Student",
            fields=[
                ("id", fields.BigIntField(primary_key=True, generated=False, unique=True, db_index=True)),
                ("student_number", fields.CharField(description="Text: leading zeros count.", max_length=64)),
                (
                    "number_is_shared",
                    fields.BooleanField(
                        default=False,
                        description="True where the roster gave one number to several students: such a number proves nobody.",
                    ),
                ),
                ("birth_date", fields.DateField(null=True)),
                (
                    "ssn_state",
                    fields.CharEnumField(
                        default=SsnState.NOT_ON_FILE,
                        description="ON_FILE: ON_FILE\nUNUSABLE: UNUSABLE\nNOT_ON_FILE: NOT_ON_FILE",
                        enum_type=SsnState,
                        max_length=16,
                    ),
                ),
                (
                    "ssn_proof",
                    fields.BinaryField(
                        null=True, description="Keyed digest (HMAC-SHA256, 32 bytes); never the number."
                    ),
                ),
                (
                    "ssn_proof_version",
                    fields.IntField(
                        null=True, description="Version of the master secret under which the proof was made."
                    ),
                ),
            ],
            options={
                "table": "student",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A person who is or was enrolled. A student has the id of the person.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AttendanceEvent",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("source_id", fields.CharField(null=True, unique=True, max_length=255)),
                (
                    "student",
                    fields.ForeignKeyField(
                        "db.Student",
                        source_field="student_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="attendance",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "school",
                    fields.ForeignKeyField(
                        "db.School",
                        source_field="school_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="attendance",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("happened_on", fields.DateField()),
                ("category", fields.TextField(unique=False)),
                ("reason", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "attendance_event",
                "app": "db",
                "pk_attr": "id",
                "table_description": "One absence, tardiness or the like.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Enrolment",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "student",
                    fields.ForeignKeyField(
                        "db.Student",
                        source_field="student_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="enrolments",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "school",
                    fields.ForeignKeyField(
                        "db.School",
                        source_field="school_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="enrolments",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("grade_level", fields.CharField(null=True, max_length=16)),
                ("begins_on", fields.DateField(null=True)),
                ("ends_on", fields.DateField(null=True)),
            ],
            options={
                "table": "enrolment",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A student at a school in a grade, for a while.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Grade",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("source_id", fields.CharField(null=True, unique=True, max_length=255)),
                (
                    "student",
                    fields.ForeignKeyField(
                        "db.Student",
                        source_field="student_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="grades",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("course", fields.TextField(unique=False)),
                ("title", fields.TextField(unique=False)),
                ("score", fields.TextField(null=True, unique=False)),
                ("maximum", fields.TextField(null=True, unique=False)),
                ("scored_on", fields.DateField(null=True)),
            ],
            options={
                "table": "grade",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A result of one piece of work. Scores are text: districts write 74.00, B+ and EX.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Guardianship",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "guardian",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="guardian_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="guardianships",
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
                        related_name="guardianships",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("relationship", fields.TextField(unique=False)),
                (
                    "status",
                    fields.CharEnumField(
                        default=GuardianshipStatus.CLAIMED,
                        description="CLAIMED: CLAIMED\nCONFIRMED: CONFIRMED\nREVOKED: REVOKED",
                        enum_type=GuardianshipStatus,
                        max_length=16,
                    ),
                ),
                ("portal_access", fields.BooleanField(default=False)),
                ("lives_with", fields.BooleanField(null=True)),
                (
                    "adult_access",
                    fields.BooleanField(
                        default=False,
                        description="Rights stay with the guardian after the eighteenth birthday: the student's consent or the registrar's mark.",
                    ),
                ),
                (
                    "decided_by",
                    fields.CharEnumField(
                        default=DecidedBy.ROSTER,
                        description="ROSTER: ROSTER\nREGISTRAR: REGISTRAR",
                        enum_type=DecidedBy,
                        max_length=16,
                    ),
                ),
                ("confirmed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "confirmed_by",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="confirmed_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("evidence", fields.TextField(null=True, unique=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "revoked_by",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="revoked_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("revoked_reason", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "guardianship",
                "app": "db",
                "pk_attr": "id",
                "table_description": "What ties a guardian to a student, who confirmed it, and whether the portal may show the student.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Restriction",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "guardianship",
                    fields.ForeignKeyField(
                        "db.Guardianship",
                        source_field="guardianship_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="restrictions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("kind", fields.TextField(unique=False)),
                ("begins_on", fields.DateField()),
                (
                    "ends_on",
                    fields.DateField(
                        null=True,
                        description="The last day on which it holds; None means until it is lifted.",
                    ),
                ),
                ("reason", fields.TextField(null=True, unique=False)),
                (
                    "decided_by",
                    fields.CharEnumField(
                        default=DecidedBy.REGISTRAR,
                        description="ROSTER: ROSTER\nREGISTRAR: REGISTRAR",
                        enum_type=DecidedBy,
                        max_length=16,
                    ),
                ),
                (
                    "entered_by",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="entered_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("lifted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "lifted_by",
                    fields.ForeignKeyField(
                        "db.Person",
                        source_field="lifted_by_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
            ],
            options={
                "table": "restriction",
                "app": "db",
                "pk_attr": "id",
                "table_description": "A court order or the like on one guardianship. It outranks everything else, imports included.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TrailEntry",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("step", fields.CharField(max_length=64)),
                (
                    "outcome",
                    fields.CharEnumField(description="DONE: DONE\nREFUSED: REFUSED", enum_type=Outcome, max_length=16),
                ),
                (
                    "refusal",
                    fields.CharField(null=True, description="The refusal's code, or None.", max_length=32),
                ),
                (
                    "rule",
                    fields.TextField(
                        null=True,
                        description="The row of the policy table that decided, where one did.",
                        unique=False,
                    ),
                ),
                ("actor_account_id", fields.BigIntField(null=True)),
                ("actor_person_id", fields.BigIntField(null=True)),
                ("about_account_id", fields.BigIntField(null=True)),
                ("about_person_id", fields.BigIntField(null=True)),
                ("about_student_id", fields.BigIntField(null=True)),
                ("address", fields.CharField(max_length=64)),
                ("request_id", fields.CharField(max_length=64)),
                ("details", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "trail_entry",
                "app": "db",
                "pk_attr": "id",
                "table_description": "One step, done or refused. Rows are only ever added; ids are plain numbers so that no row can be taken along.",
            },
            bases=["Model"],
        ),
    ]

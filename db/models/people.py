"""People, households, students, and who is whose guardian."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from db.context import Role


class SsnState(StrEnum):
    """What the record knows of a student's social security number; the number itself is never kept."""

    ON_FILE = "ON_FILE"
    UNUSABLE = "UNUSABLE"
    NOT_ON_FILE = "NOT_ON_FILE"


class GuardianshipStatus(StrEnum):
    """Claimed until a registrar, or the roster's own legal-guardian mark, confirms it."""

    CLAIMED = "CLAIMED"
    CONFIRMED = "CONFIRMED"
    REVOKED = "REVOKED"


class DecidedBy(StrEnum):
    """Whose word stands behind a decision; what a registrar decided, an import leaves alone."""

    ROSTER = "ROSTER"
    REGISTRAR = "REGISTRAR"


class School(Model):
    """A school of the district."""

    id = fields.BigIntField(primary_key=True)
    source_id = fields.CharField(max_length=255, unique=True, null=True)
    name = fields.TextField()
    phone = fields.TextField(null=True)

    class Meta:
        table = "school"


class Person(Model):
    """Anybody on record: a student, a guardian, a member of staff, or several of these at once."""

    id = fields.BigIntField(primary_key=True)
    source_id = fields.CharField(max_length=255, unique=True, null=True)
    given = fields.TextField()
    middle = fields.TextField(null=True)
    family = fields.TextField()
    suffix = fields.TextField(null=True)
    preferred = fields.TextField(null=True)
    email = fields.TextField(null=True)
    #: The address in the form in which addresses are compared; several people may share one.
    email_folded = fields.TextField(null=True)
    #: BCP 47 tag of the language for letters; None means that nobody has said.
    language = fields.CharField(max_length=35, null=True)
    #: The record that goes on for this one, which was of the same human being; a merged record is nobody's any more.
    merged_into: fields.ForeignKeyNullableRelation["Person"] = fields.ForeignKeyField(
        "db.Person", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    merged_into_id: int | None

    class Meta:
        table = "person"


class Household(Model):
    """A mailing address and a home telephone, shared by its members."""

    id = fields.BigIntField(primary_key=True)
    source_id = fields.CharField(max_length=255, unique=True, null=True)
    name = fields.TextField()
    street = fields.TextField(null=True)
    city = fields.TextField(null=True)
    state = fields.TextField(null=True)
    postal_code = fields.TextField(null=True)
    phone = fields.TextField(null=True)
    #: Whose word the address and the telephone are.
    decided_by = fields.CharEnumField(DecidedBy, max_length=16, default=DecidedBy.ROSTER, db_default=DecidedBy.ROSTER)

    class Meta:
        table = "household"


class HouseholdVersion(Model):
    """What a household's name, address and telephone were until a registrar corrected them. Rows are only added."""

    id = fields.BigIntField(primary_key=True)
    household: fields.ForeignKeyRelation[Household] = fields.ForeignKeyField(
        "db.Household", related_name="versions", on_delete=fields.RESTRICT
    )
    household_id: int
    name = fields.TextField()
    street = fields.TextField(null=True)
    city = fields.TextField(null=True)
    state = fields.TextField(null=True)
    postal_code = fields.TextField(null=True)
    phone = fields.TextField(null=True)
    #: Whose word it was.
    decided_by = fields.CharEnumField(DecidedBy, max_length=16)
    replaced_at = fields.DatetimeField()
    replaced_by: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, on_delete=fields.RESTRICT
    )
    replaced_by_id: int
    reason = fields.TextField()

    class Meta:
        table = "household_version"


class HouseholdMember(Model):
    """A person in a household for a while; living together gives nobody sight of a student."""

    id = fields.BigIntField(primary_key=True)
    household: fields.ForeignKeyRelation[Household] = fields.ForeignKeyField(
        "db.Household", related_name="members", on_delete=fields.RESTRICT
    )
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name="memberships", on_delete=fields.RESTRICT
    )
    is_secondary = fields.BooleanField(default=False)
    begins_on = fields.DateField(null=True)
    #: The last day.
    ends_on = fields.DateField(null=True)
    #: Whose word the membership is.
    decided_by = fields.CharEnumField(DecidedBy, max_length=16, default=DecidedBy.ROSTER, db_default=DecidedBy.ROSTER)

    class Meta:
        table = "household_member"


class Student(Model):
    """A person who is or was enrolled. A student has the id of the person.

    Written as a plain key with a hand-made constraint: Tortoise drops foreign keys to a model whose primary key is
    itself a relation, without a word.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    #: Text: leading zeros count.
    student_number = fields.CharField(max_length=64)
    #: True where the roster gave one number to several students: such a number proves nobody.
    number_is_shared = fields.BooleanField(default=False)
    birth_date = fields.DateField(null=True)
    ssn_state = fields.CharEnumField(SsnState, max_length=16, default=SsnState.NOT_ON_FILE)
    #: Keyed digest (HMAC-SHA256, 32 bytes); never the number.
    ssn_proof = fields.BinaryField(null=True)
    #: Version of the master secret under which the proof was made.
    ssn_proof_version = fields.IntField(null=True)

    class Meta:
        table = "student"


class Enrolment(Model):
    """A student at a school in a grade, for a while."""

    id = fields.BigIntField(primary_key=True)
    student: fields.ForeignKeyRelation[Student] = fields.ForeignKeyField(
        "db.Student", related_name="enrolments", on_delete=fields.RESTRICT
    )
    student_id: int
    school: fields.ForeignKeyRelation[School] = fields.ForeignKeyField(
        "db.School", related_name="enrolments", on_delete=fields.RESTRICT
    )
    school_id: int
    grade_level = fields.CharField(max_length=16, null=True)
    begins_on = fields.DateField(null=True)
    ends_on = fields.DateField(null=True)

    class Meta:
        table = "enrolment"


class Guardianship(Model):
    """What ties a guardian to a student, who confirmed it, and whether the portal may show the student."""

    id = fields.BigIntField(primary_key=True)
    guardian: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name="guardianships", on_delete=fields.RESTRICT
    )
    guardian_id: int
    student: fields.ForeignKeyRelation[Student] = fields.ForeignKeyField(
        "db.Student", related_name="guardianships", on_delete=fields.RESTRICT
    )
    student_id: int
    relationship = fields.TextField()
    status = fields.CharEnumField(GuardianshipStatus, max_length=16, default=GuardianshipStatus.CLAIMED)
    portal_access = fields.BooleanField(default=False)
    lives_with = fields.BooleanField(null=True)
    #: Rights stay with the guardian after the eighteenth birthday: the student's consent or the registrar's mark.
    adult_access = fields.BooleanField(default=False)
    decided_by = fields.CharEnumField(DecidedBy, max_length=16, default=DecidedBy.ROSTER)
    confirmed_at = fields.DatetimeField(null=True)
    confirmed_by: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    evidence = fields.TextField(null=True)
    revoked_at = fields.DatetimeField(null=True)
    revoked_by: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    revoked_reason = fields.TextField(null=True)
    #: When, by whom and on what evidence `adult_access` was given; empty while it is not.
    consent_at = fields.DatetimeField(null=True)
    consent_by: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    consent_by_id: int | None
    consent_evidence = fields.TextField(null=True)

    class Meta:
        table = "guardianship"


class Restriction(Model):
    """A court order or the like on one guardianship. It outranks everything else, imports included."""

    id = fields.BigIntField(primary_key=True)
    guardianship: fields.ForeignKeyRelation[Guardianship] = fields.ForeignKeyField(
        "db.Guardianship", related_name="restrictions", on_delete=fields.RESTRICT
    )
    guardianship_id: int
    kind = fields.TextField()
    begins_on = fields.DateField()
    #: The last day on which it holds; None means until it is lifted.
    ends_on = fields.DateField(null=True)
    reason = fields.TextField(null=True)
    decided_by = fields.CharEnumField(DecidedBy, max_length=16, default=DecidedBy.REGISTRAR)
    entered_by: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    lifted_at = fields.DatetimeField(null=True)
    lifted_by: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name=False, null=True, on_delete=fields.RESTRICT
    )
    lift_reason = fields.TextField(null=True)

    class Meta:
        table = "restriction"


class RoleAssignment(Model):
    """A role of a member of staff, at one school or (no school) in the whole district."""

    id = fields.BigIntField(primary_key=True)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "db.Person", related_name="roles", on_delete=fields.RESTRICT
    )
    person_id: int
    role = fields.CharEnumField(Role, max_length=16)
    school: fields.ForeignKeyNullableRelation[School] = fields.ForeignKeyField(
        "db.School", related_name="staff", null=True, on_delete=fields.RESTRICT
    )
    school_id: int | None
    begins_on = fields.DateField(null=True)
    ends_on = fields.DateField(null=True)

    class Meta:
        table = "role_assignment"

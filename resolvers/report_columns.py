"""The columns that reports are made of: no others can be asked for, and none holds an SSN, a key, or an address."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from db.languages import Sentence, say
from resolvers.global_ids import global_word
from resolvers.report_outcomes import Column, ColumnType, Grouping, Value
from resolvers.reporting import name_of

Row = Mapping[str, Any]
Maker = Callable[[Row], Value]

#: What stands between several values in one cell.
BETWEEN: Final = "; "
#: Asked for, it needs a purpose, and stays empty but for those accounts whose usernames the asker may know.
USERNAME: Final = "username"

_MAKERS: dict[str, tuple[Column, Maker]] = {}


def _column(key: str, type_: ColumnType, title: Sentence, make: Maker) -> str:
    _MAKERS[key] = (Column(key, type_, title), make)
    return key


def columns(*keys: str) -> tuple[Column, ...]:
    """The columns with these keys, in this order."""
    return tuple(_MAKERS[key][0] for key in keys)


def makers(*keys: str) -> tuple[Maker, ...]:
    """What makes the cells of these columns from a row of the database."""
    return tuple(_MAKERS[key][1] for key in keys)


def _of(field: str) -> Maker:
    return lambda row: row[field]


def _id(kind: str, field: str) -> Maker:
    return lambda row: global_word(kind, row[field])


def _joined(field: str) -> Maker:
    return lambda row: BETWEEN.join(row[field] or ()) or None


def _display(prefix: str) -> Maker:
    return lambda row: name_of(row, prefix).display


def _schools(field: str) -> Maker:
    return lambda row: BETWEEN.join(school["name"] for school in row[field] or ()) or None


_TEXT, _NUMBER, _MOMENT = ColumnType.TEXT, ColumnType.NUMBER, ColumnType.MOMENT

# ------------------------------------------------------------------------------------------------ of accounts
ACCOUNT: Final = (
    _column("accountId", _TEXT, say("Account's id"), _id("Account", "account_id")),
    _column("capacity", _TEXT, say("Capacity"), _of("capacity")),
    _column("status", _TEXT, say("Status"), _of("status")),
    _column("disabledReason", _TEXT, say("Disabled because"), _of("disabled_reason")),
    _column("lockedUntil", _MOMENT, say("Locked until"), _of("locked_until")),
    _column("activatedAt", _MOMENT, say("Activated"), _of("activated_at")),
    _column("lastLoginAt", _MOMENT, say("Last sign-in"), _of("last_login_at")),
)
NAME: Final = (
    _column("name", _TEXT, say("Name"), _display("")),
    _column("givenName", _TEXT, say("Given name"), _of("given")),
    _column("middleName", _TEXT, say("Middle name"), _of("middle")),
    _column("familyName", _TEXT, say("Family name"), _of("family")),
    _column("suffix", _TEXT, say("Suffix"), _of("suffix")),
    _column("preferredName", _TEXT, say("Preferred name"), _of("preferred")),
)
PLACE: Final = (
    _column("schools", _TEXT, say("Schools"), _schools("schools")),
    _column("gradeLevels", _TEXT, say("Grades"), _joined("grade_levels")),
)
STUDENT_NUMBER: Final = _column("studentNumber", _TEXT, say("Student number"), _of("student_number"))
_column(USERNAME, _TEXT, say("Username"), _of("username"))
KEY: Final = (
    _column("keyIssuedAt", _MOMENT, say("Key issued"), _of("key_issued_at")),
    _column("keyExpiresAt", _MOMENT, say("Key expires"), _of("key_expires_at")),
)
EMAIL: Final = (
    _column("emailProblem", _TEXT, say("E-mail problem"), _of("email_problem")),
    _column("emailSharedBy", _NUMBER, say("E-mail shared by"), _of("email_shared_by")),
)
#: Those of which a page of accounts knows nothing: they are looked up beside it.
BESIDE: Final = frozenset({"gradeLevels", STUDENT_NUMBER, USERNAME, *KEY, *EMAIL})

# ------------------------------------------------------------------------------------------------ of students
STUDENT_ID: Final = _column("studentId", _TEXT, say("Student's id"), _id("Student", "student_id"))
STUDENT_NAME: Final = _column("studentName", _TEXT, say("Student"), _display(""))
GUARDIANS: Final = (
    _column("guardiansOnRecord", _NUMBER, say("Guardians on record"), _of("on_record")),
    _column("guardiansConfirmed", _NUMBER, say("Guardians confirmed"), _of("confirmed")),
    _column("guardiansActivated", _NUMBER, say("Guardians with an open account"), _of("activated")),
)
SSN: Final = _column("ssn", _TEXT, say("Social Security number"), _of("ssn_state"))

# ------------------------------------------------------------------------------------------------ of guardianships
GUARDIANSHIP: Final = (
    _column("guardianshipId", _TEXT, say("Guardianship's id"), _id("Guardianship", "id")),
    _column("guardianId", _TEXT, say("Guardian's id"), _id("Guardian", "guardian_id")),
    _column("guardianName", _TEXT, say("Guardian"), _display("guardian_")),
    _column("guardianGivenName", _TEXT, say("Guardian's given name"), _of("guardian_given")),
    _column("guardianFamilyName", _TEXT, say("Guardian's family name"), _of("guardian_family")),
    _column("relationship", _TEXT, say("Relationship"), _of("relationship")),
    _column("guardianshipStatus", _TEXT, say("Guardianship is"), _of("status")),
)

# ------------------------------------------------------------------------------------------------ of pairs
_ALIKE: Final = {
    "SAME_NAME": "kind",
    "SAME_EMAIL": "same_email",
    "SAME_BIRTH_DATE": "born_alike",
    "SHARED_STUDENT": "shared_student",
    "SHARED_GUARDIAN": "shared_guardian",
    "SAME_HOUSEHOLD": "same_household",
}
_KINDS: Final = {"GUARDIAN": "Guardian", "STUDENT": "Student"}


def _in_common(row: Row) -> Value:
    return BETWEEN.join(word for word, field in _ALIKE.items() if row[field])


def _one(which: str, make: Maker) -> Maker:
    return lambda row: make(row[which])


def _record(which: str) -> Maker:
    return lambda row: global_word(_KINDS[row["kind"]], row[which]["id"])


def _school_id(row: Row) -> Value:
    return global_word("School", row["school_id"]) if row["school_id"] else None


PAIR: Final = (
    _column("kind", _TEXT, say("On record as"), _of("kind")),
    _column("firstId", _TEXT, say("First record's id"), _record("first")),
    _column("firstName", _TEXT, say("First record"), _one("first", _display(""))),
    _column("firstSchools", _TEXT, say("Schools of the first"), _one("first", _schools("schools"))),
    _column("secondId", _TEXT, say("Second record's id"), _record("second")),
    _column("secondName", _TEXT, say("Second record"), _one("second", _display(""))),
    _column("secondSchools", _TEXT, say("Schools of the second"), _one("second", _schools("schools"))),
    _column("inCommon", _TEXT, say("In common"), _in_common),
)

# ------------------------------------------------------------------------------------------------ of counts
#: By what is counted, and the columns that say which one it is.
GROUPED: Final = {
    Grouping.STATUS: ("status",),
    Grouping.CAPACITY: ("capacity",),
    Grouping.SCHOOL: (
        _column("schoolId", _TEXT, say("School's id"), _school_id),
        _column("school", _TEXT, say("School"), _of("school")),
    ),
    Grouping.GRADE_LEVEL: (_column("gradeLevel", _TEXT, say("Grade"), _of("grade_level")),),
    Grouping.DISABLED_REASON: ("disabledReason",),
}
COUNT: Final = _column("count", _NUMBER, say("Accounts"), _of("count"))

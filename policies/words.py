"""The words of the policy table, and which of them can meet: what the table may say, and what the gate may be asked."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from db.context import Role
from policies.guardianship import Standing

#: Stands in the table for "this fact does not matter"; it is never a fact.
ANY: Final = "any"


class Scope(StrEnum):
    """How near the thing asked about is to who asks."""

    OWN = "own"
    OWN_STUDENT = "own_student"
    #: It belongs to a school at which the asker has the role; a role in the whole district is one at each school.
    SAME_SCHOOL = "same_school"
    SAME_DISTRICT = "same_district"
    NONE = "none"


class Action(StrEnum):
    """The actions of the policy table. The trail calls a step by the same word."""

    ACCOUNT_READ = "account:read"
    ACCOUNT_MANAGE = "account:manage"
    STUDENT_READ = "student:read"
    DISCLOSURE_READ = "disclosure:read"
    ACCOUNT_STATUS = "account:status"
    VERIFICATION_RUN = "verification:run"
    ACCOUNT_DETAILS = "account:details"
    ACCOUNT_RESET = "account:reset"
    ACCOUNT_ENABLE = "account:enable"
    ACCOUNT_DISABLE = "account:disable"
    GUARDIANSHIP_MANAGE = "guardianship:manage"
    HOUSEHOLD_MANAGE = "household:manage"
    KEY_MANAGE = "key:manage"
    DIAGNOSIS_READ = "diagnosis:read"
    WORK_ORDER_OPEN = "work_order:open"
    WORK_ORDER_RESOLVE = "work_order:resolve"
    REPORT_ACCOUNTS = "report:accounts"
    REPORT_STUDENT_ACCOUNTS = "report:student_accounts"
    STAFF_MANAGE = "staff:manage"
    CLIENT_MANAGE = "client:manage"
    POLICY_EXPLAIN = "policy:explain"
    TRAIL_READ = "trail:read"


class Proof(StrEnum):
    """What a verification amounts to for one action: only `passed` ever is a yes."""

    NONE = "none"
    OPEN = "open"
    FAILED = "failed"
    PASSED = "passed"
    EXPIRED = "expired"
    USED = "used"
    OTHER_DESIGNEE = "other_designee"
    OTHER_REQUESTER = "other_requester"
    OTHER_PURPOSE = "other_purpose"


#: Other people's account details, and power over their accounts: only for a verified caller with a confirmed
#: guardianship, or who is the student. A table that says otherwise does not load.
GUARDED: Final = frozenset(
    {Action.ACCOUNT_DETAILS, Action.ACCOUNT_RESET, Action.ACCOUNT_ENABLE, Action.ACCOUNT_DISABLE}
)

#: Those that look and change nothing: a second factor that was given some time ago is enough for them.
READING: Final = frozenset(
    {
        Action.ACCOUNT_READ,
        Action.STUDENT_READ,
        Action.DISCLOSURE_READ,
        Action.ACCOUNT_STATUS,
        Action.DIAGNOSIS_READ,
        Action.REPORT_ACCOUNTS,
        Action.REPORT_STUDENT_ACCOUNTS,
        Action.POLICY_EXPLAIN,
        Action.TRAIL_READ,
    }
)

FAMILY_ROLES: Final = frozenset({Role.GUARDIAN, Role.STUDENT})
STAFF_ROLES: Final = frozenset(Role) - FAMILY_ROLES

_NOTHING: Final = frozenset({Standing.NONE.value})
_NO_PROOF: Final = frozenset({Proof.NONE.value})
_OF_A_GUARDIAN: Final = frozenset(word.value for word in Standing) - {Standing.SELF.value}
#: The mark is about seeing the student; the desk's help with an account does not ask for it.
_OF_A_CALLER: Final = frozenset(word.value for word in Standing) - {Standing.UNMARKED.value}
_ON_STUDENTS: Final = frozenset({Action.STUDENT_READ, Action.DISCLOSURE_READ})
_ON_OWN_ACCOUNT: Final = frozenset({Action.ACCOUNT_READ, Action.ACCOUNT_MANAGE})


def _askable() -> Mapping[tuple[Role, Scope, Action], tuple[frozenset[str], frozenset[str]]]:
    asked: dict[tuple[Role, Scope, Action], tuple[frozenset[str], frozenset[str]]] = {}
    for role in Role:
        asked |= {(role, Scope.OWN, action): (_NOTHING, _NO_PROOF) for action in _ON_OWN_ACCOUNT}
    for action in _ON_STUDENTS:
        asked[Role.STUDENT, Scope.OWN, action] = (frozenset({Standing.SELF.value}), _NO_PROOF)
        asked[Role.GUARDIAN, Scope.OWN_STUDENT, action] = (_OF_A_GUARDIAN, _NO_PROOF)
    for role in STAFF_ROLES:
        for scope in (Scope.SAME_SCHOOL, Scope.SAME_DISTRICT):
            for action in frozenset(Action) - _ON_OWN_ACCOUNT - _ON_STUDENTS:
                if action in GUARDED:
                    asked[role, scope, action] = (_OF_A_CALLER, frozenset(word.value for word in Proof))
                else:
                    asked[role, scope, action] = (_NOTHING, _NO_PROOF)
    return MappingProxyType(asked)


#: What the gate is ever asked: role, scope and action, with the words of guardianship and verification that then occur.
ASKABLE: Final = _askable()

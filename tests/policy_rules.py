"""Who may do what, in plain words, written without a look at the policy table: what the table and the gate are held
against; and people who ask, each near to what is asked about or far from it."""

from enum import Enum

from db.context import Capacity, Role, SecondFactor, Viewer
from policies.gate import Facts
from policies.guardianship import Standing
from policies.refusals import MissingFact
from policies.words import Action, Proof, Scope

Missing = tuple[MissingFact, ...]
HERE, ELSEWHERE, ALSO_HERE = 1, 2, 7
STAFF = (Role.DESIGNEE, Role.REGISTRAR, Role.TECHNOLOGY, Role.REPORTER, Role.ADMINISTRATOR)


class Place(Enum):
    """How near somebody is to what is asked about."""

    OWN = "one's own"
    OWN_STUDENT = "a student whose guardian one may be"
    SAME_SCHOOL = "of the school at which one has the role, and of another one"
    OTHER_SCHOOL = "of another school than that"
    NO_SCHOOL = "of no school today"
    WHOLE_DISTRICT = "of some school, and the role is one in the whole district"
    WHOLE_DISTRICT_NO_SCHOOL = "of no school today, and the role is one in the whole district"
    NOT_OF_THE_DISTRICT = "nothing of the district's"


WITHIN_REACH = {Place.SAME_SCHOOL, Place.WHOLE_DISTRICT, Place.WHOLE_DISTRICT_NO_SCHOOL}
IN_THE_DISTRICT = WITHIN_REACH | {Place.OTHER_SCHOOL, Place.NO_SCHOOL}

OWN_ACCOUNT = {Action.ACCOUNT_READ, Action.ACCOUNT_MANAGE}
A_STUDENTS_RECORD = {Action.STUDENT_READ, Action.DISCLOSURE_READ}
#: Someone else's account: told about, or acted upon.
ANOTHERS_ACCOUNT = {Action.ACCOUNT_DETAILS, Action.ACCOUNT_RESET, Action.ACCOUNT_ENABLE, Action.ACCOUNT_DISABLE}
AT_ONES_SCHOOL = {
    Role.DESIGNEE: {Action.ACCOUNT_STATUS, Action.VERIFICATION_RUN, Action.REPORT_STUDENT_ACCOUNTS, *ANOTHERS_ACCOUNT},
    Role.REGISTRAR: {
        Action.GUARDIANSHIP_MANAGE,
        Action.HOUSEHOLD_MANAGE,
        Action.KEY_MANAGE,
        Action.DIAGNOSIS_READ,
        Action.WORK_ORDER_OPEN,
        Action.REPORT_ACCOUNTS,
    },
    Role.REPORTER: {Action.REPORT_ACCOUNTS},
}
ANYWHERE_IN_THE_DISTRICT = {
    Role.TECHNOLOGY: {Action.WORK_ORDER_RESOLVE, Action.DIAGNOSIS_READ},
    Role.ADMINISTRATOR: {
        Action.STAFF_MANAGE,
        Action.CLIENT_MANAGE,
        Action.POLICY_EXPLAIN,
        Action.TRAIL_READ,
    },
}

YES: Missing = ()
#: Nothing that anybody can do makes it a yes for this role.
ANOTHER_ROLE: Missing = (MissingFact.ROLE,)


def missing(role: Role, place: Place, action: Action, guardianship: Standing, verification: Proof) -> Missing:
    """What somebody with this one role lacks; nothing, when the answer is yes."""
    if action in OWN_ACCOUNT:
        return YES if place is Place.OWN else ANOTHER_ROLE
    if action in A_STUDENTS_RECORD:
        return _of_a_record(role, place, guardianship)
    if action in ANYWHERE_IN_THE_DISTRICT.get(role, set()):
        return YES if place in IN_THE_DISTRICT else ANOTHER_ROLE
    if action not in AT_ONES_SCHOOL.get(role, set()) or place not in IN_THE_DISTRICT:
        return ANOTHER_ROLE
    lacking = [] if place in WITHIN_REACH else [MissingFact.SAME_SCHOOL]
    if action in ANOTHERS_ACCOUNT:
        # A caller who is the student needs nobody's guardianship.
        if guardianship not in {Standing.CONFIRMED, Standing.SELF}:
            lacking.append(MissingFact.GUARDIANSHIP_CONFIRMED)
        if verification is not Proof.PASSED:
            lacking.append(MissingFact.VERIFICATION_PASSED)
    return tuple(lacking)


def _of_a_record(role: Role, place: Place, guardianship: Standing) -> Missing:
    """Students read their own; guardians that of a student whose guardianship amounts to confirmed today."""
    if role is Role.STUDENT:
        return YES if place is Place.OWN else ANOTHER_ROLE
    if role is not Role.GUARDIAN or place is not Place.OWN_STUDENT or guardianship is Standing.SELF:
        return ANOTHER_ROLE
    return YES if guardianship is Standing.CONFIRMED else (MissingFact.GUARDIANSHIP_CONFIRMED,)


def viewer(
    *roles: Role,
    schools: frozenset[int | None] = frozenset({HERE}),
    second_factor: SecondFactor = SecondFactor.NOT_NEEDED,
) -> Viewer:
    """Somebody who has these roles, staff's at these schools, and no other."""
    capacity = {Role.GUARDIAN: Capacity.GUARDIAN, Role.STUDENT: Capacity.STUDENT}.get(
        roles[0] if roles else Role.DESIGNEE, Capacity.STAFF
    )
    assigned = {role: schools for role in roles if role in STAFF}
    return Viewer(1, 1, 1, capacity, "somebody", assigned, second_factor)


def asker(role: Role, place: Place) -> Viewer:
    """Somebody with this one role, at a school or in the whole district."""
    whole = place in {Place.WHOLE_DISTRICT, Place.WHOLE_DISTRICT_NO_SCHOOL}
    return viewer(role, schools=frozenset({None if whole else HERE}))


def facts(place: Place, guardianship: Standing, verification: Proof) -> Facts:
    """What is so, there."""
    scope = {Place.OWN: Scope.OWN, Place.OWN_STUDENT: Scope.OWN_STUDENT}.get(place, Scope.NONE)
    schools = {
        Place.SAME_SCHOOL: frozenset({HERE, ALSO_HERE}),
        Place.OTHER_SCHOOL: frozenset({ELSEWHERE}),
        Place.WHOLE_DISTRICT: frozenset({ELSEWHERE}),
        Place.NO_SCHOOL: frozenset[int](),
        Place.WHOLE_DISTRICT_NO_SCHOOL: frozenset[int](),
    }.get(place)
    return Facts(scope=scope, guardianship=guardianship, verification=verification, schools=schools)

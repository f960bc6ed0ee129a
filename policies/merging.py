"""When two records may be made one, and what is said about it to whoever is to decide."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from db.context import Capacity
from db.languages import Sentence, say
from db.unmerging import Leftover


class Obstacle(StrEnum):
    """Why two records cannot be made one, or a merge not be undone: the word of the refusal."""

    #: One of the two was merged away already.
    MERGED = "MERGED"
    #: The record that would be merged away is of somebody on the staff.
    STAFF = "STAFF"
    #: Two guardians are meant, and the one that would be merged away is a student as well.
    ALSO_STUDENT = "ALSO_STUDENT"
    #: One of the two is the other one's guardian.
    RELATED = "RELATED"
    #: The kept one, as a designee, has verified the other one a short while ago.
    VERIFIED_BY_KEPT = "VERIFIED_BY_KEPT"
    #: A roster is being brought in, and knows the two as they are.
    IMPORT_RUNNING = "IMPORT_RUNNING"
    #: The merge was undone.
    UNDONE = "UNDONE"
    #: It was too long ago.
    UNDO_PERIOD_OVER = "UNDO_PERIOD_OVER"
    #: One of the two had a part in a later merge.
    LATER_MERGE = "LATER_MERGE"
    #: The merged student's number belongs to somebody else by now.
    NUMBER_TAKEN = "NUMBER_TAKEN"


class Moving(StrEnum):
    """What moves, or changes, when two records become one."""

    GUARDIANSHIPS = "GUARDIANSHIPS"
    GUARDIANSHIPS_JOINED = "GUARDIANSHIPS_JOINED"
    RESTRICTIONS = "RESTRICTIONS"
    MEMBERSHIPS = "MEMBERSHIPS"
    MEMBERSHIPS_JOINED = "MEMBERSHIPS_JOINED"
    ENROLMENTS = "ENROLMENTS"
    ENROLMENTS_JOINED = "ENROLMENTS_JOINED"
    GRADES = "GRADES"
    ATTENDANCE = "ATTENDANCE"
    VERIFICATIONS = "VERIFICATIONS"
    WORK_ORDERS = "WORK_ORDERS"
    LETTERS = "LETTERS"
    SSN_PROOF = "SSN_PROOF"
    STUDENT_NUMBER = "STUDENT_NUMBER"
    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    ACCOUNTS_CLOSED = "ACCOUNTS_CLOSED"
    SESSIONS_STOPPED = "SESSIONS_STOPPED"
    KEYS_STOPPED = "KEYS_STOPPED"


MOVING: Final[Mapping[Moving, Sentence]] = {
    Moving.GUARDIANSHIPS: say("Guardianships that move to the record that goes on."),
    Moving.GUARDIANSHIPS_JOINED: say(
        "Guardianships that both records have: one of each stays, with no more than one of the two allowed."
    ),
    Moving.RESTRICTIONS: say("Restrictions that move along. All of them stay in force."),
    Moving.MEMBERSHIPS: say("Household memberships that move to the record that goes on."),
    Moving.MEMBERSHIPS_JOINED: say(
        "Household memberships that are taken out, as the record that goes on has one there: it takes over their days."
    ),
    Moving.ENROLMENTS: say("Enrolments that move to the record that goes on."),
    Moving.ENROLMENTS_JOINED: say("Enrolments that are taken out, as both records have the same."),
    Moving.GRADES: say("Grades that move along."),
    Moving.ATTENDANCE: say("Attendance events that move along."),
    Moving.VERIFICATIONS: say("Verifications of callers that move along."),
    Moving.WORK_ORDERS: say("Work orders that move along."),
    Moving.LETTERS: say("Letters that wait to be sent and move along."),
    Moving.SSN_PROOF: say(
        "The proof of the Social Security number is taken over, as the record that goes on has none that can be used."
    ),
    Moving.STUDENT_NUMBER: say(
        "The student number of the merged record is given up; the one of the other record stays."
    ),
    Moving.EMAIL_ADDRESS: say(
        "The e-mail address of the merged record is given up: letters and forgotten log-ons go by the other record's, "
        "if it has one."
    ),
    Moving.ACCOUNTS_CLOSED: say("Accounts that are disabled, because the other record's account goes on."),
    Moving.SESSIONS_STOPPED: say("Sessions of these accounts that end at once."),
    Moving.KEYS_STOPPED: say("Activation keys of these accounts that do not work any more."),
}

#: What is said of what an undo leaves as it is.
LEFT_AS_IT_IS: Final[Mapping[Leftover, Sentence]] = {
    Leftover.ROWS_ELSEWHERE: say(
        "Entries that belong elsewhere by now, or whose place is taken: they stay where they are."
    ),
    Leftover.GUARDIANSHIP_DECIDED: say(
        "Guardianships of both records about which somebody has decided since: what was taken away is taken away from "
        "both, and the rest of the decision is the kept record's."
    ),
    Leftover.CHANGED_SINCE: say("Entries that were changed since: they stay as they are now."),
    Leftover.RESTRICTIONS_FOR_BOTH: say("Restrictions that were entered since: they bind both records."),
    Leftover.ACCOUNT_CHANGED: say("Accounts that were enabled or disabled since: they stay as they are now."),
}


def obstacles(
    keep: Mapping[str, Any], merge: Mapping[str, Any], kind: Capacity, pairs: Iterable[tuple[int, int]], verified: int
) -> list[Obstacle]:
    """All that stands in the way of making one record of these two.

    Args:
        keep: what the record that goes on is.
        merge: what the other one is.
        kind: as what the two are to be one.
        pairs: guardian and student of each guardianship of either.
        verified: how many verifications of the other one the kept one has made as a designee.
    """
    both = {keep["id"], merge["id"]}
    found = {
        Obstacle.MERGED: keep["merged_into_id"] is not None or merge["merged_into_id"] is not None,
        Obstacle.STAFF: merge["is_staff"],
        Obstacle.ALSO_STUDENT: kind is Capacity.GUARDIAN and merge["is_student"],
        Obstacle.RELATED: any(set(pair) == both for pair in pairs),
        Obstacle.VERIFIED_BY_KEPT: verified > 0,
    }
    return [obstacle for obstacle, is_so in found.items() if is_so]

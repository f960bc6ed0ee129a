"""The same of what the registrar's desk and the technicians do."""

from collections.abc import Sequence
from typing import Final

from mail.contents import (
    AnothersGuardianship,
    Common,
    Contents,
    HouseholdChanged,
    KeyGivenOut,
    LogOnStatus,
    OwnGuardianship,
    RecordsMerged,
    Sight,
    StudentNotShown,
    WhoseKey,
    WorkOrderOpened,
    WorkOrderResolved,
)
from mail.letters.work_orders import IN_THE_WAY
from mail.outbox import GuardianshipChange, HouseholdChange

_STUDENT = "Nora Quimby"
#: The guardian concerned is told of these, with the student's name.
_OWN: Final[Sequence[GuardianshipChange]] = [
    change for change in GuardianshipChange if change not in {GuardianshipChange.REVOKED, GuardianshipChange.RESTRICTED}
]


def desk_examples(common: Common) -> dict[str, Contents]:
    """What these letters may tell, by a name for each."""
    kept_away = Common(name=common["name"], schools=(), at=common["at"])
    staff = Common(name="Dana Ito", schools=(), at=common["at"])
    problem = "The household shows two addresses, and neither can be ended."
    written: dict[str, Contents] = {
        "WORK_ORDER_OPENED": WorkOrderOpened(
            **staff,
            number=17,
            parent="Maria Quimby",
            student=_STUDENT,
            student_number="0041207",
            problem=problem,
            opened_by="Rosa Whitfield",
            in_the_way=tuple(IN_THE_WAY),
        ),
        "WORK_ORDER_OPENED-nobody": WorkOrderOpened(
            **staff,
            number=18,
            parent="",
            student="",
            student_number="",
            problem=problem,
            opened_by="Rosa Whitfield",
            in_the_way=(),
        ),
        "WORK_ORDER_RESOLVED": WorkOrderResolved(
            **staff, number=17, problem=problem, resolution="The second address came from an import; it is ended now."
        ),
        "GUARDIANSHIP_CHANGED-kept-away": StudentNotShown(**kept_away),
    }
    for change in _OWN:
        written[f"GUARDIANSHIP_CHANGED-own-{change.value}"] = OwnGuardianship(
            **common, student=_STUDENT, change=change, sight=Sight.OPEN
        )
    for sight in Sight:
        written[f"GUARDIANSHIP_CHANGED-sight-{sight.value}"] = OwnGuardianship(
            **common, student=_STUDENT, change=GuardianshipChange.RECORDED, sight=sight
        )
    for change in GuardianshipChange:
        written[f"GUARDIANSHIP_CHANGED-another-{change.value}"] = AnothersGuardianship(
            **common, student=_STUDENT, change=change
        )
    written["GUARDIANSHIP_CHANGED-to-the-student"] = AnothersGuardianship(
        **common, student=None, change=GuardianshipChange.RESTRICTED
    )
    for household in HouseholdChange:
        written[f"HOUSEHOLD_CHANGED-{household.value}"] = HouseholdChanged(**common, change=household)
    return (
        written
        | {
            f"KEY_ISSUED-{whose.value}": KeyGivenOut(**common, student=_STUDENT, whose=whose, replaced=False)
            for whose in WhoseKey
        }
        | {
            "KEY_ISSUED-replaced": KeyGivenOut(**common, student=_STUDENT, whose=WhoseKey.OWN, replaced=True),
            "KEY_ISSUED-to-the-student": KeyGivenOut(**common, student=None, whose=WhoseKey.OWN, replaced=False),
            "RECORDS_MERGED": RecordsMerged(**common, undone=False, status=LogOnStatus.OPEN, username="maria.q"),
            "RECORDS_MERGED-not-opened": RecordsMerged(
                **common, undone=False, status=LogOnStatus.NOT_OPENED, username=None
            ),
            "RECORDS_MERGED-disabled": RecordsMerged(
                **common, undone=False, status=LogOnStatus.DISABLED, username="maria.q"
            ),
            "RECORDS_MERGED-another-address": RecordsMerged(**kept_away, undone=False, status=None, username=None),
            "RECORDS_MERGED-undone": RecordsMerged(**common, undone=True, status=LogOnStatus.OPEN, username="maria.q"),
        }
    )

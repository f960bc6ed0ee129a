"""Two records again: what a merge moved, changed or took out goes back, as far as it is still as it was left.

What was added since then stays where it is. What was decided since then stays decided: a guardianship that was revoked,
restricted or narrowed while the two were one is so for both of them afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from db.merge_plan import CONSENT
from db.merging import LOOSE
from db.models import GuardianshipStatus
from db.queries import before_image as rows
from db.queries import merging as queries
from db.queries.before_image import Json


class Leftover(StrEnum):
    """What could not be put back, or was not to be."""

    #: Rows that are somebody else's by now, or whose place is taken.
    ROWS_ELSEWHERE = "ROWS_ELSEWHERE"
    #: Somebody decided anew about a guardianship that both had.
    GUARDIANSHIP_DECIDED = "GUARDIANSHIP_DECIDED"
    #: A household membership, an enrolment or a proof was changed meanwhile.
    CHANGED_SINCE = "CHANGED_SINCE"
    #: Restrictions that were entered meanwhile; they bind both.
    RESTRICTIONS_FOR_BOTH = "RESTRICTIONS_FOR_BOTH"
    #: An account was enabled, disabled or moved meanwhile.
    ACCOUNT_CHANGED = "ACCOUNT_CHANGED"


class PlaceTaken(Exception):
    """The student's number belongs to somebody else by now: the two cannot be two again."""


@dataclass(slots=True)
class Undoing:
    """A merge while it is being undone."""

    keep: int
    merge: int
    before: dict[str, Any]
    leftovers: dict[Leftover, int] = field(default_factory=dict)

    def left(self, what: Leftover, count: int = 1) -> None:
        """Notes what stays as it is."""
        if count:
            self.leftovers[what] = self.leftovers.get(what, 0) + count


async def undo(keep: int, merge: int, before: dict[str, Any]) -> dict[Leftover, int]:
    """Makes two records of one again, inside a transaction; returns how much stayed as it was, by what it was.

    Raises:
        PlaceTaken: when the merged student's number has gone to somebody else.
    """
    undoing = Undoing(keep, merge, before)
    own = [row for table, row in before["removed"] if table == "student"]
    for row in own:
        if not await rows.put_in("student", row):
            raise PlaceTaken
    await _accounts(undoing)
    await _moved(undoing)
    # The source ids and the proof among them: the kept record's first, so that nobody is in the other's place.
    for table, change in reversed(before["changed"]):
        if table != "restriction":
            await _changed(undoing, table, change)
    for table, row in reversed(before["removed"]):
        if table != "student" and not await rows.put_in(table, row):
            undoing.left(Leftover.ROWS_ELSEWHERE)
    for pair in before["joined"]:
        await _part(undoing, pair)
    return undoing.leftovers


async def _accounts(undoing: Undoing) -> None:
    said = []
    now = {row["id"]: row for row in await queries.accounts([undoing.keep, undoing.merge])}
    for change in undoing.before["accounts"]:
        account, old, new = now.get(change["id"]), change["old"], change["new"]
        if account is None or account["person_id"] != new["person_id"]:
            undoing.left(Leftover.ACCOUNT_CHANGED)
            continue
        before, after, stands = (
            tuple(row[each] for each in ("status", "disabled_reason")) for row in (old, new, account)
        )
        if stands == after:
            stands = before
        elif before != after:
            undoing.left(Leftover.ACCOUNT_CHANGED)
        said.append((change["id"], old["person_id"], *stands))
    await queries.place_accounts(said)


async def _moved(undoing: Undoing) -> None:
    keep, merge = undoing.keep, undoing.merge
    for table, column, ids in undoing.before["moved"]:
        if (table, column) in LOOSE:
            undoing.left(Leftover.ROWS_ELSEWHERE, await rows.elsewhere(table, column, ids, keep))
            await rows.move(table, column, ids, of=keep, to=merge)
            continue
        for id_ in ids:
            if not await rows.move_one(table, column, id_, of=keep, to=merge):
                undoing.left(Leftover.ROWS_ELSEWHERE)


async def _changed(undoing: Undoing, table: str, change: Json) -> None:
    if await rows.holds_still(table, change):
        await rows.change(table, change["id"], change["old"])
    else:
        undoing.left(Leftover.CHANGED_SINCE)
        if "merged_into_id" in change["old"]:
            # Whatever became of the source id: nobody is merged any more.
            await rows.change(table, change["id"], {"merged_into_id": None})


# ------------------------------------------------------------------------------------------------ guardianships of both
async def _part(undoing: Undoing, pair: Json) -> None:
    """A guardianship that both had is two again, each with its restrictions, and with what was decided since."""
    gone, left = pair["removed"], pair["left"]
    now = await rows.row_of("guardianship", pair["stays"])
    if now is None:
        undoing.left(Leftover.ROWS_ELSEWHERE)
    elif await rows.holds_still("guardianship", left):
        await rows.change("guardianship", pair["stays"], left["old"])
    else:
        undoing.left(Leftover.GUARDIANSHIP_DECIDED)
        gone = narrowed(gone, left["new"], now)
    other = gone["id"]
    if not await rows.put_in("guardianship", gone):
        # It was entered anew for the merged record: then that one is bound.
        undoing.left(Leftover.ROWS_ELSEWHERE)
        there = await queries.guardianship_of(gone["guardian_id"], gone["student_id"])
        if there is None:
            return
        other = there
    copied = await queries.copy_restrictions(pair["stays"], other, pair["restrictions"])
    undoing.left(Leftover.RESTRICTIONS_FOR_BOTH, copied)
    await _restrictions_back(undoing.before["changed"], gone["id"], other)


async def _restrictions_back(changed: Sequence[Any], belonged_to: int, other: int) -> None:
    for table, change in changed:
        on_it = table == "restriction" and change["old"]["guardianship_id"] == belonged_to
        if on_it and await rows.holds_still(table, change):
            await rows.change(table, change["id"], {"guardianship_id": other})


def narrowed(gone: Json, left: Json, now: Json) -> Json:
    """The guardianship that comes back, without what was taken away from the joined one since the merge."""
    said = dict(gone)
    if now["status"] != left["status"]:
        if now["status"] == GuardianshipStatus.REVOKED:
            said |= {
                each: now[each] for each in ("status", "revoked_at", "revoked_by_id", "revoked_reason", "decided_by")
            }
        elif now["status"] == GuardianshipStatus.CLAIMED and said["status"] == GuardianshipStatus.CONFIRMED:
            said |= {"status": GuardianshipStatus.CLAIMED.value, "decided_by": now["decided_by"]}
            said |= dict.fromkeys(("confirmed_at", "confirmed_by_id", "evidence"))
    if left["portal_access"] and not now["portal_access"]:
        said |= {"portal_access": False, "decided_by": now["decided_by"]}
    if left["adult_access"] and not now["adult_access"]:
        said |= {"adult_access": False, "decided_by": now["decided_by"], **dict.fromkeys(CONSENT)}
    return said

"""Two records of one human being made one, and how all of it was before.

First both records are read and locked (`read`), then it is worked out what has to happen (`db/merge_plan.py`), and only
then is it done (`carry_out`). Whoever wants to see beforehand what would happen looks at the plan.

`PersonMerge.before`, as `carry_out` makes it and `db/unmerging.py` reads it:

    kind        GUARDIAN or STUDENT: as what the two were merged
    moved       [table, column, ids]: rows that were the merged record's and are the kept one's
    changed     [table, {id, old, new}]: columns of a row before and after
    removed     [table, row]: rows that were taken out, whole; the student's own row is the last
    joined      guardianships that both had: `stays` the id of the row that goes on, `removed` the other one whole,
                `left` what the merge left in the first, `restrictions` the ids of those on it since then
    accounts    {id, old, new}: holder, status and reason of accounts before and after

Rows that say who did something (confirmed, entered, replaced, opened …) and the trail stay as they are.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from db.merge_plan import Holdings, Joined, Placed, Plan
from db.queries import before_image as rows
from db.queries import merging as queries
from db.queries.before_image import Json
from db.sql import Row

#: What goes along whole, whatever it says: table and column.
LOOSE: Final = (
    ("grade", "student_id"),
    ("attendance_event", "student_id"),
    ("verification", "requester_id"),
    ("verification", "student_id"),
    ("work_order", "guardian_id"),
    ("work_order", "student_id"),
    ("letter", "person_id"),
)


async def read(keep: int, merge: int, people: Mapping[int, Row]) -> Holdings:
    """What both hold, locked until the transaction ends."""
    both = [keep, merge]
    guardianships = await queries.whole(queries.GUARDIANSHIPS, both)
    on_them: dict[int, list[int]] = defaultdict(list)
    for row in await queries.restrictions([each["id"] for each in guardianships]):
        on_them[row["guardianship_id"]].append(row["id"])
    return Holdings(
        keep=keep,
        merge=merge,
        people=people,
        guardianships=guardianships,
        restrictions=on_them,
        memberships=await queries.whole(queries.MEMBERSHIPS, both),
        enrolments=await queries.whole(queries.ENROLMENTS, both),
        students={row["id"]: row for row in await queries.whole(queries.STUDENTS, both)},
        accounts=await queries.accounts(both),
    )


async def carry_out(made: Plan) -> dict[str, Any]:
    """Does what the plan says, inside a transaction, and returns how all of it was before."""
    keep, merge = made.keep, made.merge
    changed: list[Any] = []
    removed: list[Any] = []
    for id_, _, stays in made.restrictions:
        changed.append(("restriction", await rows.change("restriction", id_, {"guardianship_id": stays})))
    pairs = [await _join(each) for each in made.joined]
    removed += [(table, await rows.take_out(table, id_)) for table, id_ in made.removals]
    changed += [(table, await rows.change(table, id_, patch)) for table, id_, patch in made.changes]
    moved: list[Any] = []
    for table, column, ids in made.moves:
        moved.append((table, column, await rows.move(table, column, ids, of=merge, to=keep)))
    for table, column in LOOSE:
        moved.append((table, column, await rows.move(table, column, None, of=merge, to=keep)))
    if made.is_student:
        removed.append(("student", await rows.take_out("student", merge)))
    await queries.place_accounts(
        [(each.account["id"], each.person_id, each.status, each.disabled_reason) for each in made.accounts]
    )
    return {
        "kind": "STUDENT" if made.is_student else "GUARDIAN",
        "moved": [each for each in moved if each[2]],
        "changed": changed,
        "removed": removed,
        "joined": pairs,
        "accounts": [_account(each) for each in made.accounts],
    }


async def _join(pair: Joined) -> Json:
    gone = await rows.take_out("guardianship", pair.goes["id"])
    left = await rows.change("guardianship", pair.stays["id"], pair.patch)
    on_it = await queries.restrictions([pair.stays["id"]])
    return {"stays": pair.stays["id"], "removed": gone, "left": left, "restrictions": [each["id"] for each in on_it]}


def _account(placed: Placed) -> Json:
    account = placed.account
    return {
        "id": account["id"],
        "old": {each: account[each] for each in ("person_id", "status", "disabled_reason")},
        "new": {"person_id": placed.person_id, "status": placed.status, "disabled_reason": placed.disabled_reason},
    }

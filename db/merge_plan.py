"""What has to happen for one record of a human being to take over from another: what moves, and what collides.

Worked out from what both hold; nothing here is read or changed. `db/merging.py` reads it beforehand, and does it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from db.models import AccountStatus, DecidedBy, DisabledReason, GuardianshipStatus, SsnState
from db.queries.before_image import Json
from db.sql import Row

#: What somebody decided about a guardianship; it goes together.
DECISION: Final = (
    *("status", "portal_access", "adult_access", "decided_by", "confirmed_at", "confirmed_by_id", "evidence"),
    *("revoked_at", "revoked_by_id", "revoked_reason", "consent_at", "consent_by_id", "consent_evidence"),
)
CONSENT: Final = ("consent_at", "consent_by_id", "consent_evidence")
_RANK: Final = {GuardianshipStatus.CLAIMED: 0, GuardianshipStatus.CONFIRMED: 1, GuardianshipStatus.REVOKED: 2}


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that two records hold and that has to be looked at before one takes over from the other."""

    keep: int
    merge: int
    people: Mapping[int, Row]
    guardianships: Sequence[Json]
    #: The ids of restrictions by the guardianship that they are on.
    restrictions: Mapping[int, Sequence[int]]
    memberships: Sequence[Json]
    enrolments: Sequence[Json]
    students: Mapping[int, Json]
    accounts: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Joined:
    """A guardianship that both have: the row that stays takes over what the patch says, and the other one goes."""

    stays: Json
    goes: Json
    patch: Json


@dataclass(frozen=True, slots=True)
class Placed:
    """An account with the holder, status and reason that it will have."""

    account: Row
    person_id: int
    status: str
    disabled_reason: str | None

    @property
    def survives(self) -> bool:
        """Whether it goes on; the other one is disabled because of the merge."""
        return self.disabled_reason != DisabledReason.MERGED


@dataclass(slots=True)
class Plan:
    """What has to happen for one record to take over from the other."""

    keep: int
    merge: int
    joined: list[Joined] = field(default_factory=list)
    #: table, column, ids
    moves: list[tuple[str, str, list[int]]] = field(default_factory=list)
    #: table, id, what it is to say
    changes: list[tuple[str, int, Json]] = field(default_factory=list)
    #: table, id
    removals: list[tuple[str, int]] = field(default_factory=list)
    #: Restrictions that move to the guardianship that stays: id, the row that goes, the row that stays.
    restrictions: list[tuple[int, int, int]] = field(default_factory=list)
    accounts: list[Placed] = field(default_factory=list)
    is_student: bool = False
    takes_ssn: bool = False

    def moving(self, table: str, column: str | None = None) -> int:
        """How many rows of a table move."""
        return sum(len(ids) for name, key, ids in self.moves if name == table and column in {None, key})

    def removing(self, table: str) -> int:
        """How many rows of a table are taken out as doubles."""
        return sum(name == table for name, _ in self.removals)


# ------------------------------------------------------------------------------------------------ the plan
def plan(held: Holdings, keep_account: int | None = None) -> Plan:
    """What has to happen; `keep_account` goes on where the usual choice would be another one. Changes nothing."""
    made = Plan(held.keep, held.merge, is_student=held.merge in held.students)
    _guardianships(held, made)
    _memberships(held, made)
    _enrolments(held, made)
    _own_rows(held, made)
    made.accounts = place(held, keep_account)
    return made


def _guardianships(held: Holdings, made: Plan) -> None:
    keep, merge = held.keep, held.merge
    of_kept = {(each["guardian_id"], each["student_id"]): each for each in held.guardianships}
    for column in ("guardian_id", "student_id"):
        going = []
        for row in held.guardianships:
            if row[column] != merge:
                continue
            there = row | {column: keep}
            twin = of_kept.get((there["guardian_id"], there["student_id"]))
            if twin is None:
                going.append(row["id"])
                continue
            made.joined.append(Joined(twin, row, joined(twin, row)))
            made.restrictions += [(each, row["id"], twin["id"]) for each in held.restrictions.get(row["id"], ())]
        made.moves.append(("guardianship", column, going))


def joined(kept: Json, gone: Json) -> Json:
    """What one guardianship says that two of the same people become: never more than one of them allowed.

    Revoked outranks confirmed, and confirmed claimed; of two alike, a registrar's word outranks the roster's, and then
    the kept one counts. Portal mark and adult access are those of the row that counts, and of two that registrars
    decided alike only what both have.
    """
    registrars = [each["decided_by"] == DecidedBy.REGISTRAR for each in (kept, gone)]
    ranks = [
        (_RANK[GuardianshipStatus(each["status"])], own) for each, own in zip((kept, gone), registrars, strict=True)
    ]
    counts = gone if ranks[1] > ranks[0] else kept
    patch: Json = {column: counts[column] for column in DECISION}
    if all(registrars) and kept["status"] == gone["status"]:
        patch["portal_access"] = kept["portal_access"] and gone["portal_access"]
        if not (kept["adult_access"] and gone["adult_access"]):
            patch |= {"adult_access": False, **dict.fromkeys(CONSENT)}
    if any(registrars):
        patch["decided_by"] = DecidedBy.REGISTRAR.value
    patch["lives_with"] = gone["lives_with"] if kept["lives_with"] is None else kept["lives_with"]
    return patch


def _memberships(held: Holdings, made: Plan) -> None:
    homes: dict[int, list[Json]] = defaultdict(list)
    for row in held.memberships:
        homes[row["household_id"]].append(row)
    going = []
    for members in homes.values():
        own = [row for row in members if row["person_id"] == held.keep]
        if not own:
            going += [row["id"] for row in members]
        elif len(own) < len(members):
            made.changes.append(("household_member", own[0]["id"], _one_membership(members)))
            made.removals += [("household_member", row["id"]) for row in members if row is not own[0]]
    made.moves.append(("household_member", "person_id", going))


def _one_membership(members: Sequence[Json]) -> Json:
    """From the earliest day to the latest; where a registrar decided one of them, as the registrar did."""
    decided = [row for row in members if row["decided_by"] == DecidedBy.REGISTRAR]
    return {
        "is_secondary": all(row["is_secondary"] for row in decided or members),
        "begins_on": earliest(row["begins_on"] for row in decided or members),
        "ends_on": latest(row["ends_on"] for row in decided or members),
        "decided_by": (DecidedBy.REGISTRAR if decided else DecidedBy.ROSTER).value,
    }


def earliest(days: Iterable[str | None]) -> str | None:
    """The first of some first days; None means since always."""
    known = list(days)
    return None if None in known else min(day for day in known if day)


def latest(days: Iterable[str | None]) -> str | None:
    """The last of some last days; None means until further notice."""
    known = list(days)
    return None if None in known else max(day for day in known if day)


def _enrolments(held: Holdings, made: Plan) -> None:
    places = {(row["school_id"], row["begins_on"]): row for row in held.enrolments if row["student_id"] == held.keep}
    going = []
    for row in held.enrolments:
        if row["student_id"] != held.merge:
            continue
        twin = places.get((row["school_id"], row["begins_on"]))
        if twin is None:
            going.append(row["id"])
            continue
        said = {
            "grade_level": twin["grade_level"] or row["grade_level"],
            "ends_on": latest([twin["ends_on"], row["ends_on"]]),
        }
        if any(twin[column] != value for column, value in said.items()):
            made.changes.append(("enrolment", twin["id"], said))
        made.removals.append(("enrolment", row["id"]))
    made.moves.append(("enrolment", "student_id", going))


def _own_rows(held: Holdings, made: Plan) -> None:
    kept, merged = held.students.get(held.keep), held.students.get(held.merge)
    if kept and merged and kept["ssn_state"] != SsnState.ON_FILE and merged["ssn_state"] == SsnState.ON_FILE:
        proof = ("ssn_state", "ssn_proof", "ssn_proof_version")
        made.changes.append(("student", held.keep, {column: merged[column] for column in proof}))
        made.takes_ssn = True
    source = held.people[held.merge]["source_id"]
    gone: Json = {"merged_into_id": held.keep}
    if source is not None and held.people[held.keep]["source_id"] is None:
        # The roster knows the human being by one name only, and that has to be the record that goes on.
        made.changes += [
            ("person", held.merge, gone | {"source_id": None}),
            ("person", held.keep, {"source_id": source}),
        ]
    else:
        made.changes.append(("person", held.merge, gone))


def place(held: Holdings, keep_account: int | None) -> list[Placed]:
    """Whose each account will be, and how it will stand. In each capacity the kept record has one at most, which goes
    on; an account that is closed for a legal restriction closes the one that goes on."""
    placed = []
    by_capacity: dict[str, list[Row]] = defaultdict(list)
    for account in held.accounts:
        by_capacity[account["capacity"]].append(account)
    for accounts in by_capacity.values():
        goes_on = _goes_on(held.keep, accounts, keep_account)
        legal = any(each["disabled_reason"] == DisabledReason.LEGAL_RESTRICTION for each in accounts)
        for each in accounts:
            if each is goes_on:
                closed = (AccountStatus.DISABLED.value, DisabledReason.LEGAL_RESTRICTION.value)
                stands = closed if legal else (each["status"], each["disabled_reason"])
                placed.append(Placed(each, held.keep, *stands))
            else:
                merged = (AccountStatus.DISABLED.value, DisabledReason.MERGED.value)
                placed.append(Placed(each, held.merge, *merged))
    return placed


def _goes_on(keep: int, accounts: Sequence[Row], chosen: int | None) -> Row:
    for account in accounts:
        if account["id"] == chosen:
            return account
    own = next((each for each in accounts if each["person_id"] == keep), None)
    other = next((each for each in accounts if each["person_id"] != keep), None)
    if own is None or (other is not None and own["activated_at"] is None and other["activated_at"] is not None):
        return other or accounts[0]
    return own

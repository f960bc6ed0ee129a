"""Whether the trail is as it was written: the seals one after the other, their entries, the queue, and what is in none.

Everything is read in small portions, so that a trail of millions of entries takes time and no memory.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Final

from db import sql
from db.seals import GENESIS, Checkpoint, seal_content
from db.secrets import Keyring
from db.sql import Row
from db.trail import COLUMNS, content

#: Of a `mac` in bytes.
LENGTH: Final = 32
#: What stands in the place of a `mac` where an entry is older than these are.
NONE: Final = bytes(LENGTH)
_SEALS_AT_ONCE: Final = 16
_AT_ONCE: Final = 1000
_BEFORE_ALL: Final = -(2**63)

# Uses the primary key, as ENTRIES and QUEUE do.
SEALS = """
SELECT number, previous, digest, secret_version, entry_ids, macs,
       trim_scale(extract(epoch FROM sealed_at) * 1000000)::text AS sealed_at
FROM trail_seal WHERE number > $1 ORDER BY number LIMIT $2
"""
# The time in microseconds, whatever it was changed to; Python has none before the year 1.
ENTRIES = """
SELECT id, trim_scale(extract(epoch FROM at) * 1000000)::text AS at, step, outcome, refusal, rule, actor_account_id,
       actor_person_id, about_account_id, about_person_id, about_student_id, address, request_id,
       details::text AS details, uid, secret_version, mac
FROM trail_entry WHERE id = ANY($1)
"""
QUEUE = "SELECT entry_id, mac FROM trail_unsealed WHERE entry_id > $1 ORDER BY entry_id LIMIT $2"
NAMED = "SELECT number, digest FROM trail_seal WHERE number = ANY($1)"

# Reads the numbers of all entries once. Not ORDER BY and LIMIT, for which the planner would compare each with each.
STRAY = """
SELECT min(e.id) AS id FROM trail_entry e
WHERE NOT EXISTS (
    SELECT FROM (SELECT unnest(entry_ids) AS id FROM trail_seal UNION ALL SELECT entry_id FROM trail_unsealed) known
    WHERE known.id = e.id
) AND e.id > $1
"""
# The last of the entries that are left aside, and what the seal after them has to follow.
BEFORE = """
SELECT (SELECT max(id) FROM trail_seal, unnest(entry_ids) AS id WHERE number < $1) AS entry,
       (SELECT digest FROM trail_seal WHERE number = $1 - 1) AS digest
"""
# Only when something is wrong: reads the trail whole.
ELSEWHERE = "SELECT min(id) AS id FROM trail_entry WHERE mac = $1"
FIRST = "SELECT at FROM trail_entry ORDER BY id LIMIT 1"


class Wrong(StrEnum):
    """What can be wrong with the trail."""

    ENTRY_ALTERED = "ENTRY_ALTERED"
    ENTRY_MISSING = "ENTRY_MISSING"
    ENTRY_INSERTED = "ENTRY_INSERTED"
    ENTRY_MOVED = "ENTRY_MOVED"
    SEAL_ALTERED = "SEAL_ALTERED"
    SEAL_MISSING = "SEAL_MISSING"
    SEAL_OUT_OF_ORDER = "SEAL_OUT_OF_ORDER"
    CUT_OFF = "CUT_OFF"
    #: Not wrong, as far as can be told: a secret is missing.
    NOT_CHECKED = "NOT_CHECKED"


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is wrong: which entry, in which seal as far as it is in one, and a sentence for people."""

    wrong: Wrong
    says: str
    entry: int | None = None
    seal: int | None = None


@dataclass(slots=True)
class Verdict:
    """What was read, up to the first thing that is wrong."""

    sealed: int = 0
    seals: int = 0
    waiting: int = 0
    #: Entries from before there were HMACs: that they are all there was checked, and not what they say.
    without_mac: int = 0
    since: datetime | None = None
    #: How many checkpoints it was held against, and the last seal that they name.
    checkpoints: int = 0
    known_up_to: int = 0
    finding: Finding | None = None


async def verify(keys: Keyring, checkpoints: Iterable[Checkpoint] = (), *, from_seal: int = 1) -> Verdict:
    """Reads the whole trail as it stands at one moment, while it goes on being written.

    Without checkpoints, an end that was cut off with its seals cannot be seen. With `from_seal`, what was sealed before
    that seal is left aside: behind something that is known to be wrong, the rest can be watched on.
    """
    walk = _Walk(keys)
    # Before the moment is chosen: a checkpoint is written after its seal, so that all of these are in it.
    cut = await _against((one for one in checkpoints if one.number >= from_seal), walk.verdict)
    async with sql.transaction():
        await sql.rows("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        await sql.rows("SET LOCAL statement_timeout = 0")
        await sql.rows("SET LOCAL idle_in_transaction_session_timeout = 0")
        aside = await walk.begin_at(from_seal)
        finding = await walk.seals() or await walk.queue()
        if finding is None or finding.entry is not None:
            finding = _earlier(finding, (await sql.rows(STRAY, aside))[0]["id"])
        first = await sql.row(FIRST)
    verdict = walk.verdict
    if cut is not None and cut.seal is not None and (finding is None or (finding.seal or cut.seal + 1) > cut.seal):
        finding = cut
    verdict.finding, verdict.since = finding or walk.not_checked, first["at"] if first else None
    return verdict


def _earlier(finding: Finding | None, stray: int | None) -> Finding | None:
    """The one that comes first in the trail, of what was found and an entry that is in no seal."""
    if stray is None or (finding is not None and (finding.entry or 0) < stray):
        return finding
    says = f"Entry {stray} was put in from outside, or its mark was taken: it is in no seal and waits for none."
    return Finding(Wrong.ENTRY_INSERTED, says, entry=stray)


async def _against(checkpoints: Iterable[Checkpoint], verdict: Verdict) -> Finding | None:
    """The first seal that a checkpoint names and that is not there as it says."""
    lost: tuple[Checkpoint, bool] | None = None
    # Each of them, not the last one only: a trail that was cut off and went on has a last seal that is right.
    given = iter(checkpoints)
    while portion := list(islice(given, _AT_ONCE)):
        held = {row["number"]: row["digest"] for row in await sql.rows(NAMED, [one.number for one in portion])}
        for one in portion:
            verdict.checkpoints += 1
            verdict.known_up_to = max(verdict.known_up_to, one.number)
            if held.get(one.number) != one.digest and (lost is None or one.number < lost[0].number):
                lost = one, one.number in held
    if lost is None:
        return None
    named, is_another = lost
    became = "is another one now: the trail was cut off before it and went on" if is_another else "is not there"
    says = f"The end of the trail was cut off: seal {named.number}, of {named.sealed_at:%Y-%m-%d %H:%M} UTC, {became}."
    return Finding(Wrong.CUT_OFF, says, seal=named.number)


class _Walk:
    """One walk along the trail, from the first seal to the end of the queue."""

    def __init__(self, keys: Keyring) -> None:
        self.keys = keys
        self.verdict = Verdict()
        self.not_checked: Finding | None = None
        self._next = 1
        #: None where it is not there to be followed.
        self._previous: bytes | None = GENESIS
        self._has_macs = False

    async def begin_at(self, seal: int) -> int:
        """Leaves aside what was sealed before this seal; returns the number of the last entry of that."""
        if seal <= 1:
            return _BEFORE_ALL
        [before] = await sql.rows(BEFORE, seal)
        self._next, self._previous = seal, before["digest"]
        return _BEFORE_ALL if before["entry"] is None else int(before["entry"])

    async def seals(self) -> Finding | None:
        """The chain, and each entry in it."""
        after = _BEFORE_ALL if self._next == 1 else self._next - 1
        while page := await sql.rows(SEALS, after, _SEALS_AT_ONCE):
            whole: list[Row] = []
            broken = None
            for seal in page:
                if broken := self._broken(seal):
                    break
                whole.append(seal)
            # The entries of a seal that is not as it was made would be those that somebody chose.
            entries = await _entries([number for seal in whole for number in seal["entry_ids"]])
            for seal in whole:
                macs = bytes(seal["macs"])
                for place, number in enumerate(seal["entry_ids"]):
                    mac = macs[LENGTH * place : LENGTH * (place + 1)]
                    if found := await self._judge(number, mac, entries.get(number), seal["number"]):
                        return found
                    self.verdict.sealed += 1
                self.verdict.seals += 1
            if broken:
                return broken
            after = page[-1]["number"]
        return None

    async def queue(self) -> Finding | None:
        """Each entry that waits for its seal."""
        after = _BEFORE_ALL
        while page := await sql.rows(QUEUE, after, _AT_ONCE):
            entries = await _entries([row["entry_id"] for row in page])
            for row in page:
                number = row["entry_id"]
                if found := await self._judge(number, bytes(row["mac"]), entries.get(number), None):
                    return found
                self.verdict.waiting += 1
            after = page[-1]["entry_id"]
        return None

    def _broken(self, seal: Row) -> Finding | None:
        """What is wrong with the seal itself; where nothing is, the next one is expected to follow it."""
        number, version = seal["number"], seal["secret_version"]
        if number > self._next:
            return Finding(Wrong.SEAL_MISSING, f"Seal {self._next} is missing.", seal=self._next)
        if number < self._next:
            return Finding(Wrong.SEAL_OUT_OF_ORDER, f"Seal {number} was never made.", seal=number)
        if version in self.keys.versions:
            told = seal_content(number, bytes(seal["previous"]), seal["sealed_at"], seal["entry_ids"], seal["macs"])
            if not hmac.compare_digest(self.keys.seal_digest(told, version), seal["digest"]):
                return Finding(Wrong.SEAL_ALTERED, f"Seal {number} was altered.", seal=number)
        elif self.not_checked is None:
            self.not_checked = Finding(Wrong.NOT_CHECKED, _not_checked(f"Seal {number}", version), seal=number)
        if self._previous is not None and seal["previous"] != self._previous:
            says = f"Seal {number} does not follow the seal before it."
            return Finding(Wrong.SEAL_OUT_OF_ORDER, says, seal=number)
        self._next, self._previous = number + 1, bytes(seal["digest"])
        return None

    async def _judge(self, number: int, mac: bytes, entry: Row | None, seal: int | None) -> Finding | None:
        """What is wrong with the entry that was written down under this number with this `mac`."""
        where = f"Entry {number}, in seal {seal}," if seal is not None else f"Entry {number}, not sealed yet,"
        if entry is not None and entry["mac"] == mac:
            return self._content(entry, where, seal)
        if entry is not None and not self._is_genuine(entry):
            return Finding(Wrong.ENTRY_ALTERED, f"{where} was altered.", number, seal)
        elsewhere = None if mac == NONE else (await sql.rows(ELSEWHERE, mac))[0]["id"]
        if elsewhere is not None:
            return Finding(Wrong.ENTRY_MOVED, f"{where} was moved: it is number {elsewhere} now.", number, seal)
        instead = ", and another one stands in its place" if entry is not None else ""
        return Finding(Wrong.ENTRY_MISSING, f"{where} is missing{instead}.", number, seal)

    def _content(self, entry: Row, where: str, seal: int | None) -> Finding | None:
        number, version = entry["id"], entry["secret_version"]
        if version == 0 and entry["mac"] == NONE and not self._has_macs:
            self.verdict.without_mac += 1
            return None
        # Since the first one that has a mac, all must: nobody can make an entry into one from before.
        self._has_macs = True
        if version != 0 and version not in self.keys.versions:
            if self.not_checked is None:
                self.not_checked = Finding(Wrong.NOT_CHECKED, _not_checked(where, version), number, seal)
            return None
        if not self._is_genuine(entry):
            return Finding(Wrong.ENTRY_ALTERED, f"{where} was altered.", number, seal)
        return None

    def _is_genuine(self, entry: Row) -> bool:
        """Whether the portal wrote this entry as it is now, under whichever number."""
        if entry["secret_version"] not in self.keys.versions:
            return False
        try:
            told = content(bytes(entry["uid"]), [entry[column] for column in COLUMNS], entry["details"])
        except (TypeError, ValueError):
            # PostgreSQL takes JSON that nobody here can have written: numbers without end, say.
            return False
        return hmac.compare_digest(self.keys.trail_mac(told, entry["secret_version"]), entry["mac"])


def _not_checked(what: str, version: int) -> str:
    return f"{what.rstrip(',')} cannot be checked: secret version {version} is not among the secrets."


async def _entries(numbers: Sequence[int]) -> Mapping[int, Row]:
    return {row["id"]: row for row in await sql.rows(ENTRIES, list(numbers))} if numbers else {}

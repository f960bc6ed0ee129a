"""The seals of the trail: entries are taken in batches, and each batch is chained to the one before it.

A step writes its entry and a row in the queue `trail_unsealed`, and waits for nobody. Whoever seals takes what has been
committed by then, whichever numbers it has, so that a step that is still under way holds nothing up: its entry comes
into a later batch. Each seal's digest covers the digest of the seal before, so that the last one stands for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

import orjson

from db import sql
from db.secrets import Keyring
from db.trail import microseconds

#: Most entries of one seal.
BATCH: Final = 1000
#: What the first seal is chained to.
GENESIS: Final = bytes(32)
#: Held while sealing, so that two never chain to the same seal. Any fixed number will do.
SEAL_LOCK: Final = 4_815_162_344

LAST = (
    "SELECT number, digest, cardinality(entry_ids) AS entries, sealed_at FROM trail_seal ORDER BY number DESC LIMIT 1"
)

TAKE = """
WITH taken AS (
    DELETE FROM trail_unsealed
    WHERE entry_id IN (SELECT entry_id FROM trail_unsealed ORDER BY entry_id LIMIT $1)
    RETURNING entry_id, mac
)
SELECT entry_id, mac FROM taken ORDER BY entry_id
"""

ADD = """
INSERT INTO trail_seal (number, previous, digest, secret_version, sealed_at, entry_ids, macs)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is kept of a seal outside the database: with it, nobody can cut the trail off before this seal unseen."""

    number: int
    digest: bytes
    entries: int
    sealed_at: datetime

    def line(self) -> str:
        """The checkpoint as one line of JSON."""
        told = {
            "number": self.number,
            "digest": self.digest.hex(),
            "entries": self.entries,
            "sealed_at": self.sealed_at.isoformat(),
        }
        return orjson.dumps(told).decode()

    @classmethod
    def parse(cls, line: str) -> Self:
        """Reads what `line` wrote; whatever else it says is left aside, as a log collector adds. Raises ValueError."""
        try:
            told = orjson.loads(line)
            read = cls(
                int(told["number"]),
                bytes.fromhex(told["digest"]),
                int(told["entries"]),
                datetime.fromisoformat(told["sealed_at"]),
            )
        except (KeyError, TypeError) as lacking:
            raise ValueError("no checkpoint") from lacking
        if len(read.digest) != len(GENESIS):
            raise ValueError("no digest")
        return read


def seal_content(number: int, previous: bytes, sealed_at: str, entry_ids: Sequence[int], macs: bytes) -> bytes:
    """A seal in one form that no other seal has, for its digest; `sealed_at` in microseconds since 1970.

    An entry's `mac` covers its uid and all that it says; here it is bound to its number and to its place.
    """
    return orjson.dumps([number, previous.hex(), sealed_at, list(entry_ids), macs.hex()])


async def seal(keys: Keyring, now: datetime, *, most: int = BATCH, wait: bool = False) -> Checkpoint | None:
    """Seals what waits, at most so many entries; None where nothing does, or while somebody else seals.

    With `wait` it waits for the other one first.
    """
    async with sql.transaction():
        if wait:
            await sql.rows("SELECT pg_advisory_xact_lock($1)", SEAL_LOCK)
        elif not (await sql.rows("SELECT pg_try_advisory_xact_lock($1) AS ours", SEAL_LOCK))[0]["ours"]:
            return None
        # In this order: what is read after the lock was taken includes what the one before has committed.
        before = await sql.row(LAST)
        taken = await sql.rows(TAKE, most)
        if not taken:
            return None
        number, previous = (before["number"] + 1, bytes(before["digest"])) if before else (1, GENESIS)
        ids, macs = [row["entry_id"] for row in taken], b"".join(row["mac"] for row in taken)
        digest = keys.seal_digest(seal_content(number, previous, microseconds(now), ids, macs))
        await sql.execute(ADD, number, previous, digest, keys.current, now, ids, macs)
    return Checkpoint(number, digest, len(ids), now)


async def last_checkpoint() -> Checkpoint | None:
    """The checkpoint of the last seal; None before the first one."""
    last = await sql.row(LAST)
    return Checkpoint(last["number"], bytes(last["digest"]), last["entries"], last["sealed_at"]) if last else None

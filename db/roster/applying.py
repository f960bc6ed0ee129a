"""Brings a checked set into the database, or says what it would change: all of it or nothing, one import at a time.

What is on record and not in the set stays and is counted as missing: a night's broken export must not take families'
access away. An import lifts no restriction, changes nothing that a registrar decided, and leaves accounts alone.
"""

from dataclasses import asdict, dataclass

from asyncpg import Connection

from db import sql
from db.context import Context
from db.queries.merging import MERGE_LOCK
from db.roster.aliases import follow_merges
from db.roster.checking import Checked
from db.roster.checking_people import USERS
from db.roster.merge import Merge
from db.roster.merges_families import GUARDIANSHIPS, HOUSEHOLDS, MEMBERS, RESTRICTIONS
from db.roster.merges_people import (
    ACCOUNTS,
    NUMBERS_TAKEN,
    PEOPLE,
    SCHOOLS,
    SET_STAGED_NUMBERS_APART,
    STUDENTS,
)
from db.roster.merges_school import ATTENDANCE, ENROLMENTS, GRADES
from db.roster.problems import Problem, Problems, RosterRefused, Severity
from db.roster.silence import KEEP_WHAT_IS_ON_RECORD
from db.roster.staging import stage
from db.trail import Note, Step, record

#: Held while a set is brought in. Any fixed number will do that nothing else uses.
IMPORT_LOCK = 4_815_162_343

#: In the order in which they need one another.
MERGES = (
    *(SCHOOLS, PEOPLE, STUDENTS, ACCOUNTS, HOUSEHOLDS, MEMBERS),
    *(ENROLMENTS, GUARDIANSHIPS, RESTRICTIONS, GRADES, ATTENDANCE),
)


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of one kind of record. `ended` lost something because the set says so in so many words; `missing`
    is on record from an earlier set and not in this one, and stayed."""

    added: int
    changed: int
    ended: int
    unchanged: int
    missing: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do when not `applied`."""

    applied: bool
    counts: dict[str, Counts]
    #: The warnings; with errors there is no import.
    problems: tuple[Problem, ...]
    read_over: tuple[str, ...]
    left_out: int
    #: Students of the set by what their SSN is good for.
    ssns: dict[str, int]

    @property
    def changes(self) -> int:
        """How many records were, or would be, added, changed or ended."""
        return sum(count.added + count.changed + count.ended for count in self.counts.values())

    def as_dict(self) -> dict[str, object]:
        """The whole for a machine, in plain values."""
        return {
            "applied": self.applied,
            "counts": {kind: asdict(count) for kind, count in self.counts.items()},
            "problems": [problem.as_dict() for problem in self.problems],
            "read_over": list(self.read_over),
            "left_out": self.left_out,
            "ssns": self.ssns,
        }


async def apply(ctx: Context, checked: Checked) -> Imported:
    """Brings the set in, in one transaction with its trail entry.

    Raises:
        RosterRefused: when the set has errors, when a student number belongs to somebody else on record, or while
            another import runs. The refusal is in the trail, and nothing else has changed.
    """
    try:
        checked.refuse_if_wrong()
        async with sql.transaction() as transaction:
            async with transaction.acquire_connection() as connection:
                counts = await _merge(connection, ctx, checked)
            details: dict[str, object] = {kind: asdict(count) for kind, count in counts.items()}
            await record(ctx, Note(Step.IMPORT_ROSTER, details=details))
    except RosterRefused as refused:
        errors = sum(problem.severity is Severity.ERROR for problem in refused.problems)
        async with sql.transaction():
            await record(ctx, Note(Step.IMPORT_ROSTER, details={"errors": errors}), refusal="ROSTER_REFUSED")
        raise
    return _imported(checked, counts, applied=True)


async def plan(ctx: Context, checked: Checked) -> Imported:
    """Says what `apply` would do on the database as it is now, and leaves it so. Raises as `apply` does."""
    checked.refuse_if_wrong()
    async with sql.transaction() as transaction:
        async with transaction.acquire_connection() as connection:
            counts = await _merge(connection, ctx, checked)
        await transaction.rollback()
    return _imported(checked, counts, applied=False)


def _imported(checked: Checked, counts: dict[str, Counts], *, applied: bool) -> Imported:
    return Imported(applied, counts, checked.problems, checked.read_over, checked.left_out, checked.ssns())


async def _merge(connection: Connection, ctx: Context, checked: Checked) -> dict[str, Counts]:
    # A large set takes longer than any statement of a request may.
    await connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
    if not await connection.fetchval(f"SELECT pg_try_advisory_xact_lock({IMPORT_LOCK})"):
        what, to_do = "Another import is running.", "Wait until it has ended, then start again."
        raise RosterRefused([Problem("busy", Severity.ERROR, "the roster", None, None, what, to_do)])
    # Merges are a matter of a moment; while a set is brought in, none begins.
    await connection.execute(f"SELECT pg_advisory_xact_lock({MERGE_LOCK})")
    staged = await stage(connection, ctx, checked.records)
    await follow_merges(connection)
    for subject in sorted(checked.records.silent_on):
        await connection.execute(KEEP_WHAT_IS_ON_RECORD[subject])
    await _refuse_taken_numbers(connection, checked)
    await connection.execute(SET_STAGED_NUMBERS_APART)
    return {merge.kind: await _run(connection, merge, staged[merge.staged]) for merge in MERGES}


async def _refuse_taken_numbers(connection: Connection, checked: Checked) -> None:
    """A number that another student on record has, who is not in the set, is a shared number too."""
    if checked.shared_numbers == "set-apart":
        return
    problems = Problems()
    for taken in await connection.fetch(NUMBERS_TAKEN):
        what = "The student number belongs to another student on record, who is not in this set."
        to_do = "Give the student a number of their own, or import with the shared numbers set apart."
        problems.error("number-taken", USERS, what, to_do, row=taken["row"], column="identifier")
    if problems.any_errors:
        raise RosterRefused(problems.listed())


async def _run(connection: Connection, merge: Merge, staged: int) -> Counts:
    for statement in merge.prepare:
        await connection.execute(statement)
    ended = await _rows_of(connection, merge.end)
    changed = await _rows_of(connection, merge.change)
    added = await _rows_of(connection, merge.add)
    missing = await connection.fetchval(merge.missing) if merge.missing else 0
    return Counts(added, changed, ended, staged - added - changed - ended, missing)


async def _rows_of(connection: Connection, statement: str | None) -> int:
    """Runs a statement and takes the number of rows from its command tag, such as `INSERT 0 12`."""
    if statement is None:
        return 0
    return int((await connection.execute(statement)).rpartition(" ")[2])

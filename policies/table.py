"""The policy table as it is read: row by row, with a reason and the line for each one that cannot stand."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Final

from db.context import Role
from policies.guardianship import Standing
from policies.words import ANY, ASKABLE, GUARDED, Action, Proof, Scope

HEADER: Final = ("role", "scope", "action", "guardianship", "verification")
#: Bytes of the largest file that is read. All rows that can stand beside each other need a tenth of it.
LARGEST: Final = 1_000_000
#: The table that comes with the product.
SHIPPED: Final = files("policies") / "access.csv"

_WIDER: Final = {Scope.SAME_SCHOOL: Scope.SAME_DISTRICT}
_WORDS: Final[dict[str, frozenset[str]]] = {
    "role": frozenset(word.value for word in Role),
    "scope": frozenset(word.value for word in Scope) - {Scope.NONE.value},
    "action": frozenset(word.value for word in Action),
    "guardianship": frozenset(word.value for word in Standing) | {ANY},
    "verification": frozenset(word.value for word in Proof) | {ANY},
}


class TableRefused(Exception):
    """A policy table that must not be used: which line it is, and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Row:
    """One row that says yes, and where it stands."""

    line: int
    role: Role
    scope: Scope
    action: Action
    #: A `policies.guardianship.Standing`, or `any`.
    guardianship: str
    #: A `policies.words.Proof`, or `any`.
    verification: str

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        return self.role.value, self.scope.value, self.action.value, self.guardianship, self.verification

    @property
    def text(self) -> str:
        """As the trail and an explanation name it."""
        return ", ".join(self.cells)

    def covers(self, other: "Row") -> bool:
        """Whether this row says yes wherever the other one does. What is of the same school is of the district too."""
        return (
            (self.role, self.action) == (other.role, other.action)
            and self.scope in {other.scope, _WIDER.get(other.scope)}
            and self.guardianship in {ANY, other.guardianship}
            and self.verification in {ANY, other.verification}
        )


def read_table(text: str) -> tuple[Row, ...]:
    """The rows of a table, each of which was found to be in order.

    Raises:
        TableRefused: for a wrong header, a row of another length, an unknown word, a row that can never match or says
            what another one says, and for a row that would give away what only a verified caller with a confirmed
            guardianship may have, or a student's record without a confirmed guardianship.
    """
    reader = csv.reader(StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[Row] = []
    try:
        header = next(reader, [])
        if tuple(header) != HEADER:
            raise TableRefused(1, f"the first line must be {','.join(HEADER)}")
        for cells in reader:
            if cells:
                rows.append(_row(reader.line_num, cells, rows))
    except csv.Error as malformed:
        raise TableRefused(reader.line_num, f"it cannot be read as CSV: {malformed}") from None
    return tuple(rows)


def load_table(path: Path | None) -> tuple[Row, ...]:
    """The table in a file, or the one that comes with the product.

    Raises:
        TableRefused: as `read_table`, and where the file is not UTF-8 or larger than any table.
        OSError: when the file cannot be read.
    """
    with (path or SHIPPED).open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise TableRefused(1, f"the file has more than {LARGEST} bytes: it is no policy table")
    try:
        return read_table(content.decode("utf-8"))
    except UnicodeDecodeError as malformed:
        raise TableRefused(content.count(b"\n", 0, malformed.start) + 1, "the file is not UTF-8") from None


def _row(line: int, cells: Sequence[str], before: Sequence[Row]) -> Row:
    if len(cells) != len(HEADER):
        raise TableRefused(line, f"it has {len(cells)} columns and needs {len(HEADER)}")
    for column, cell in zip(HEADER, cells, strict=True):
        if cell not in _WORDS[column]:
            raise TableRefused(line, f"{cell!r} is not a {column}; known are {_listed(_WORDS[column])}")
    row = Row(line, Role(cells[0]), Scope(cells[1]), Action(cells[2]), cells[3], cells[4])
    _refuse_giving_away(row)
    _refuse_never_matching(row)
    for other in before:
        if other.covers(row):
            raise TableRefused(line, f"line {other.line} says this already")
        if row.covers(other):
            raise TableRefused(line, f"it says all that line {other.line} says: only one of them can stay")
    return row


def _refuse_giving_away(row: Row) -> None:
    """The rule that gives the system its reason: without it no details of, and no power over, another's account.

    Nor sight of a student: a court order in force and a guardianship that nobody confirmed are no district's choice.
    """
    if row.scope is Scope.OWN_STUDENT and row.guardianship != Standing.CONFIRMED:
        raise TableRefused(row.line, f"{row.scope.value} needs guardianship confirmed; not {row.guardianship}")
    if row.action not in GUARDED or row.scope is Scope.OWN:
        return
    if row.guardianship not in {Standing.CONFIRMED, Standing.SELF}:
        raise TableRefused(
            row.line, f"{row.action.value} needs guardianship confirmed, or self; not {row.guardianship}"
        )
    if row.verification != Proof.PASSED:
        raise TableRefused(row.line, f"{row.action.value} needs verification passed; not {row.verification}")


def _refuse_never_matching(row: Row) -> None:
    known = ASKABLE.get((row.role, row.scope, row.action))
    if known is None:
        raise TableRefused(
            row.line,
            f"it can never match: {row.action.value} is not asked about for {row.role.value}, {row.scope.value}",
        )
    for column, cell, words in zip(HEADER[3:], (row.guardianship, row.verification), known, strict=True):
        if cell != ANY and cell not in words:
            raise TableRefused(
                row.line,
                f"it can never match: for {row.role.value}, {row.scope.value}, {row.action.value} "
                f"{column} is {_listed(words)}",
            )


def _listed(words: frozenset[str] | type[StrEnum]) -> str:
    return ", ".join(sorted(str(word) for word in words))

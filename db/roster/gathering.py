"""What all checks of a set share: rows of files, known ids, references from one file to another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from db.roster.lines import LONGEST_ID, Line
from db.roster.problems import Problems, shown
from db.roster.reading import RosterSet
from db.roster.records import CheckedSet

#: What to do about a student number that several students have: refuse the set, or take them with the number set apart.
SharedNumbers = Literal["refuse", "set-apart"]

ID = "sourcedId"
_COMMON = ("status",)


@dataclass(slots=True)
class Ids:
    """The ids of one file. While not `complete`, an unknown id may stand in the part that could not be read."""

    known: dict[str, int] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    complete: bool = True


@dataclass(slots=True)
class Gathering:
    """A set while it is being checked."""

    opened: RosterSet
    problems: Problems
    today: date
    shared_numbers: SharedNumbers
    result: CheckedSet = field(default_factory=CheckedSet)
    ids: dict[str, Ids] = field(default_factory=dict)
    left_out: int = 0

    def lines(
        self, file: str, *, needed: Sequence[str], welcome: Sequence[str] = (), silences: dict[str, str] | None = None
    ) -> Iterator[Line]:
        """The rows of a file that count.

        `silences` maps welcome columns to what the set is silent on when the file or the column is not there.
        """
        for row, cells in self.opened.rows(file, needed=needed, welcome=(*welcome, *_COMMON)):
            line = Line(file, row, cells, self.problems)
            if line.is_left_out():
                self._leave_out(file, cells.get(ID))
                continue
            yield line
        columns = self.opened.columns(file)
        for column, subject in (silences or {}).items():
            if column.lower() not in columns:
                self.result.silent_on.add(subject)

    def _leave_out(self, file: str, source_id: str | None) -> None:
        self.left_out += 1
        if source_id:
            self.ids_of(file).left_out.add(source_id)

    def ids_of(self, file: str) -> Ids:
        """The ids of one file, so far."""
        return self.ids.setdefault(file, Ids())

    def entries(
        self,
        file: str,
        *,
        needed: Sequence[str] = (),
        welcome: Sequence[str] = (),
        silences: dict[str, str] | None = None,
    ) -> Iterator[tuple[str, Line]]:
        """The rows of a file that has ids, with their ids; a second row with the same id is an error and left out."""
        ids = self.ids_of(file)
        ids.complete = False
        for line in self.lines(file, needed=(ID, *needed), welcome=welcome, silences=silences):
            source_id = line.needed(ID, LONGEST_ID)
            if source_id is None:
                continue
            first = ids.known.setdefault(source_id, line.row)
            if first != line.row:
                what = f"The id is the same as in row {first}."
                line.error("duplicate-id", ID, what, "Two things cannot have one id: correct it at the source.")
                continue
            yield source_id, line
        ids.complete = file not in self.opened.broken

    def refers(self, line: Line, column: str, file: str, *, may_be_blank: bool = False) -> str | None:
        """The id in a cell that must be in `file`; None when it is not there, and unless it was left out, a problem."""
        source_id = line.raw(column)
        if not source_id and may_be_blank:
            return None
        if not source_id:
            return line.needed(column)
        return self.known(line, column, file, source_id)

    def known(self, line: Line, column: str, file: str, source_id: str) -> str | None:
        """The same for one id out of a list of them."""
        ids = self.ids_of(file)
        if source_id in ids.known:
            return source_id
        if source_id in ids.left_out or not ids.complete:
            return None
        if not self.opened.has(file):
            what = f"Rows refer to {file}, and the set does not have that file."
            line.error("file-missing", column, what, f"Export the set with {file}.")
            ids.complete = False  # told once: all other references to it are unknown for the same reason
            return None
        what = f"{shown(source_id)} is not an id in {file}."
        line.error("unknown-id", column, what, f"Add the row to {file}, or correct this one.")
        return None

"""One row of a roster file: its cells as text, dates and flags, each judged and, when wrong, told by row and column."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from db.roster.problems import Problems, shown

LONGEST_ID = 255
LONGEST_TEXT = 1000
LONGEST_NUMBER = 64
_LEFT_OUT = {"tobedeleted", "inactive"}


@lru_cache(maxsize=4096)
def iso_date(text: str) -> date | None:
    """A calendar day written YYYY-MM-DD (OneRoster's date), or None for anything else."""
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class Line:
    """A row with its place. Every method that judges a cell notes a problem and answers None when the cell is wrong."""

    __slots__ = ("_cells", "_file", "_problems", "row")

    def __init__(self, file: str, row: int, cells: Mapping[str, str], problems: Problems) -> None:
        self.row = row
        self._file = file
        self._cells = cells
        self._problems = problems

    def error(self, code: str, column: str | None, what: str, to_do: str) -> None:
        """Notes an error at this row."""
        self._problems.error(code, self._file, what, to_do, row=self.row, column=column)

    def warning(self, code: str, column: str | None, what: str, to_do: str) -> None:
        """Notes a warning at this row."""
        self._problems.warning(code, self._file, what, to_do, row=self.row, column=column)

    def text(self, column: str, longest: int = LONGEST_TEXT) -> str | None:
        """The trimmed text; None when blank or wrong."""
        value = self._cells[column]
        if not value:
            return None
        if len(value) > longest:
            self.error("too-long", column, f"The text is longer than {longest} characters.", "Shorten it.")
            return None
        if not value.isprintable() and any(ord(letter) < 32 and letter not in "\t\r\n" for letter in value):
            self.error("not-text", column, "The text has control characters.", "Type it anew in the source.")
            return None
        return value

    def needed(self, column: str, longest: int = LONGEST_TEXT) -> str | None:
        """The trimmed text of a cell that must not be blank."""
        if not self._cells[column]:
            self.error("blank", column, "The cell is blank.", "Every row needs it: fill it in at the source.")
            return None
        return self.text(column, longest)

    def day(self, column: str) -> date | None:
        """A calendar day; None when blank or wrong."""
        value = self._cells[column]
        if not value:
            return None
        found = iso_date(value)
        if found is None:
            what = f"{shown(value)} is not a date."
            self.error("bad-date", column, what, "Write dates as year-month-day, such as 2026-08-17.")
        return found

    def days(self, begin: str, end: str) -> tuple[date | None, date | None]:
        """Two calendar days that must be in order; either may be blank."""
        begins_on, ends_on = self.day(begin), self.day(end)
        if begins_on and ends_on and ends_on < begins_on:
            self.error("dates-reversed", end, f"The date is before {begin} of the same row.", "Correct one of them.")
        return begins_on, ends_on

    def flag(self, column: str) -> bool | None:
        """True or false; None when blank, because then nobody has said, or when wrong."""
        value = self._cells[column]
        match value.lower():
            case "true":
                return True
            case "false":
                return False
            case "":
                return None
        what = f"{shown(value)} is neither true nor false."
        self.error("bad-flag", column, what, "Write true or false, or leave it blank when nobody has said.")
        return None

    def several(self, column: str) -> list[str]:
        """The values of a cell that holds a list, separated by commas."""
        return [value for part in self._cells[column].split(",") if (value := part.strip())]

    def raw(self, column: str) -> str:
        """The cell as it stands, for what must never be told in a problem."""
        return self._cells[column]

    def is_left_out(self) -> bool:
        """Whether the row's status says that it no longer counts."""
        status = self._cells.get("status", "")
        if status.lower() in _LEFT_OUT:
            return True
        if status and status.lower() != "active":
            self.error("bad-status", "status", f"{shown(status)} is not a status.", "Write active or tobedeleted.")
        return False

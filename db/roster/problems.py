"""What is wrong with a roster set, told so that whoever exports it can put it right: file, row, column, remedy."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

#: Problems kept in full; of the rest only the number is told, so that a hopeless set cannot fill the memory.
KEPT = 10_000

_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DATE_LIKE = re.compile(rf"\d{{4}}([/.\-]){_DAY}\1{_DAY}|{_DAY}([/.\-]){_DAY}\2(?:\d{{2}}|\d{{4}})", re.ASCII)
_ECHO_LENGTH = 40
_ECHO_DIGITS = 4


class Severity(StrEnum):
    """An error stops the import; a warning is told and the import goes on."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `row` counts as a spreadsheet does: the header is row 1."""

    code: str
    severity: Severity
    file: str
    row: int | None
    column: str | None
    what: str
    to_do: str

    def as_dict(self) -> dict[str, str | int | None]:
        """The problem for a machine: plain values under the names of the fields."""
        return {**asdict(self), "severity": self.severity.value}

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.column is not None:
            place += f", column {self.column}"
        return f"{place}: {self.what} {self.to_do}"


class RosterRefused(Exception):
    """The set, or the set against this database, is not good enough to be taken; nothing was changed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        errors = sum(problem.severity is Severity.ERROR for problem in self.problems)
        super().__init__(f"the roster was refused: {errors} {'error' if errors == 1 else 'errors'}")


class Problems:
    """Collects what is found while a set is read and checked."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self._unkept: Counter[tuple[str, Severity]] = Counter()

    def error(
        self, code: str, file: str, what: str, to_do: str, *, row: int | None = None, column: str | None = None
    ) -> None:
        """Notes something that stops the import."""
        self._note(Problem(code, Severity.ERROR, file, row, column, what, to_do))

    def warning(
        self, code: str, file: str, what: str, to_do: str, *, row: int | None = None, column: str | None = None
    ) -> None:
        """Notes something that the district should know and that does not stop the import."""
        self._note(Problem(code, Severity.WARNING, file, row, column, what, to_do))

    def _note(self, problem: Problem) -> None:
        if len(self.found) < KEPT:
            self.found.append(problem)
        else:
            self._unkept[problem.file, problem.severity] += 1

    @property
    def any_errors(self) -> bool:
        """Whether anything was found that stops the import."""
        return any(problem.severity is Severity.ERROR for problem in self.found) or any(
            severity is Severity.ERROR for _, severity in self._unkept
        )

    def listed(self) -> tuple[Problem, ...]:
        """All problems in the order of files and rows; the last ones say how many were not kept in full."""
        rest = [
            Problem(
                "more",
                severity,
                file,
                None,
                None,
                f"{number} more {severity.value}s of this file are not listed.",
                "Put the listed ones right first and check again.",
            )
            for (file, severity), number in sorted(self._unkept.items())
        ]
        return (*sorted(self.found, key=lambda problem: (problem.file, problem.row or 0)), *rest)


def shown(value: str) -> str:
    """A value for a problem's text. What could be a number that identifies somebody is never repeated: row and column
    lead to it, and a Social Security number may stand in any column when columns were mixed up."""
    digits = sum(letter.isdigit() for letter in value)
    if (digits > _ECHO_DIGITS and not _DATE_LIKE.fullmatch(value)) or not value.isprintable():
        return "a value that is not repeated here"
    return f"“{value if len(value) <= _ECHO_LENGTH else value[:_ECHO_LENGTH] + '…'}”"

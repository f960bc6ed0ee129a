"""A report as CSV (RFC 4180) in which no cell is taken for a formula, whatever somebody has for a name.

Spreadsheets run what begins like a formula, also where it stands in quotes (OWASP, "CSV Injection"). A text that could
be taken for one gets an apostrophe in front, and so does one that begins with an apostrophe: whoever takes away one
leading apostrophe, where there is one, has every text as it is on record. Numbers, dates and moments are written as
what they are: a minus before digits, in a cell that holds a number and not a text, is no formula.
"""

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from resolvers.report_outcomes import Cells, Column, Value

#: What makes a formula of a cell, or moves it to the next one: `= + - @`, tab, CR and LF; and what programs make of the
#: other widths and heights in which Unicode has the first four.
_BEGINNINGS: Final = (
    "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u207b\u207c\u208a\u208b\u208c\u2212"
)
#: Letters that are seen as nothing: the fillers of Hangul.
_UNSEEN: Final = "\u115f\u1160\u3164\uffa0"
# Before any letter or digit: so it is found behind blanks, quotes, control and direction marks as well, and behind
# whatever else some program may leave aside.
_DANGEROUS: Final = re.compile(f"(?:[^\\w]|[_{_UNSEEN}])*[{_BEGINNINGS}]")
_BOM: Final = b"\xef\xbb\xbf"


def is_dangerous(text: str) -> bool:
    """Whether some spreadsheet might take the text for a formula."""
    return _DANGEROUS.match(text) is not None


def harmless(text: str) -> str:
    """The text as it may stand in a cell; `as_on_record` gives it back."""
    return f"'{text}" if text.startswith("'") or is_dangerous(text) else text


def as_on_record(cell: str) -> str:
    """The text that stands in a cell as `harmless` wrote it."""
    return cell.removeprefix("'")


class CsvWriter:
    """Writes a report with a row of column keys first, which are for programs and stay as they are."""

    media_type: Final = "text/csv; charset=utf-8; header=present"

    def __init__(self, columns: Sequence[Column], *, bom: bool = False) -> None:
        """`bom` puts a byte order mark in front: by it Excel sees that the text is UTF-8."""
        self._keys = [column.key for column in columns]
        self._bom = bom
        self._text = io.StringIO()
        self._writer = csv.writer(self._text, lineterminator="\r\n")

    def head(self) -> bytes:
        """The first bytes of the file."""
        self._writer.writerow(self._keys)
        return (_BOM if self._bom else b"") + self._taken()

    def rows(self, rows: Sequence[Cells]) -> bytes:
        """Some more rows. A row of one empty cell has quotes, as an empty line would be none."""
        self._writer.writerows([_written(value) for value in row] for row in rows)
        return self._taken()

    def tail(self) -> bytes:
        """The last bytes of the file."""
        return b""

    def _taken(self) -> bytes:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text.encode()


def _written(value: Value) -> str | int | None:
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        # Always of the same length: readers work out the form from the first one.
        return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    return value.isoformat() if isinstance(value, date) else value

"""A report as JSON: an array with an object for each row, one a line, by the keys of the columns.

A file that is complete ends with `]`. One that was cut does not, and is no JSON.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import orjson

from resolvers.report_outcomes import Cells, Column, Value


class JsonWriter:
    """Writes a report with numbers, true and false as such, and dates and moments as ISO 8601."""

    media_type: Final = "application/json"

    def __init__(self, columns: Sequence[Column]) -> None:
        self._keys = [column.key for column in columns]
        self._before = b"\n"

    def head(self) -> bytes:
        """The first bytes of the file."""
        return b"["

    def rows(self, rows: Sequence[Cells]) -> bytes:
        """Some more rows."""
        if not rows:
            return b""
        written = b",\n".join(orjson.dumps(self._object(row), option=orjson.OPT_UTC_Z) for row in rows)
        before, self._before = self._before, b",\n"
        return before + written

    def tail(self) -> bytes:
        """The last bytes of the file."""
        return b"\n]"

    def _object(self, row: Cells) -> dict[str, Value]:
        values = (value.astimezone(UTC) if isinstance(value, datetime) else value for value in row)
        return dict(zip(self._keys, values, strict=True))

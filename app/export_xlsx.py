"""A report as a workbook for Excel and its like (ECMA-376), written from front to back without a file of its own.

Each cell has its type: text is text whatever it begins with, numbers are numbers, dates and moments are the serial
numbers that spreadsheets have for them. Where a sheet is full, the report goes on in another one.
"""

import re
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import IO, Final, cast
from xml.sax.saxutils import escape

from app.export_csv import is_dangerous
from app.xlsx_parts import DATE, FEW_LETTERS, HEADING, MOMENT, TEXT, TEXT_LIKE_A_FORMULA, Sheet, other_parts
from resolvers.report_outcomes import Cells, Column, ColumnType, Value

#: Rows of a sheet, its headings among them, and characters (UTF-16) of a cell: what Excel has.
MOST_ROWS: Final = 1_048_576
MOST_CHARACTERS: Final = 32_767
#: Bytes of a sheet before it is packed, beyond which it would need the form of ZIP that not all programs read.
_MOST_BYTES: Final = 2_000_000_000
#: Excel's days begin to be right here, since it has a 29th of February in 1900.
_FIRST_DAY: Final = date(1900, 3, 1)
_DAY_ZERO: Final = date(1899, 12, 30).toordinal()
_SECONDS_A_DAY: Final = 86_400
#: Digits that a number has in a spreadsheet; one that has more is written as a text.
_LARGEST: Final = 10**15
#: What XML does not have, or does not give back: it is written `_xHHHH_`. So is the underscore of a text that looks so.
_NOT_XML: Final = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_PACKED: Final = zipfile.ZIP_DEFLATED
#: Of 1 to 9: more takes twice the time, for a tenth of the size.
_EFFORT: Final = 1
_WIDTHS: Final = {ColumnType.TEXT: 24, ColumnType.NUMBER: 12, ColumnType.DATE: 12, ColumnType.MOMENT: 20}


class _Outgoing:
    """Where `zipfile` writes to: it cannot go back, and what was written is taken away at once."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def taken(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


class XlsxWriter:
    """Writes a report with the columns' titles first: bold, always in sight, and with a filter below each."""

    media_type: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def __init__(
        self,
        columns: Sequence[Column],
        titles: Sequence[str],
        zone: tzinfo,
        *,
        most_rows: int = MOST_ROWS,
    ) -> None:
        """`titles` are those of the columns, in the language of whoever reads it. Moments are shown in `zone`, which
        stands in their titles: a spreadsheet's times have none."""
        self._columns = columns
        self._titles = [
            f"{title} ({zone})" if column.type is ColumnType.MOMENT else title
            for column, title in zip(columns, titles, strict=True)
        ]
        self._letters = [letters(number) for number in range(len(columns))]
        self._zone = zone
        self._most_rows = most_rows
        self._out = _Outgoing()
        self._zip = zipfile.ZipFile(cast("IO[bytes]", self._out), "w", _PACKED, compresslevel=_EFFORT)
        self._sheets: list[Sheet] = []
        self._open: IO[bytes] | None = None
        self._bytes = 0

    def head(self) -> bytes:
        """The first bytes of the file."""
        self._begin_sheet()
        return self._out.taken()

    def rows(self, rows: Sequence[Cells]) -> bytes:
        """Some more rows."""
        done = 0
        while done < len(rows):
            if self._sheets[-1].rows >= self._most_rows or self._bytes >= _MOST_BYTES:
                self._end_sheet()
                self._begin_sheet()
            room = self._most_rows - self._sheets[-1].rows
            self._write_rows(rows[done : done + room])
            done += room
        return self._out.taken()

    def tail(self) -> bytes:
        """The last bytes of the file: without them it is no workbook."""
        self._end_sheet()
        for name, content in other_parts(self._sheets):
            self._zip.writestr(_entry(name), content)
        self._zip.close()
        return self._out.taken()

    # -------------------------------------------------------------------------------------------- a sheet
    def _begin_sheet(self) -> None:
        sheet = Sheet(len(self._sheets) + 1, self._letters[-1])
        self._sheets.append(sheet)
        self._open, self._bytes = self._zip.open(_entry(sheet.part), "w"), 0
        widths = (
            max(_WIDTHS.get(column.type, FEW_LETTERS), len(title) + FEW_LETTERS)
            for column, title in zip(self._columns, self._titles, strict=True)
        )
        self._write(sheet.beginning(widths))
        self._write_rows([tuple(self._titles)], headings=True)

    def _end_sheet(self) -> None:
        self._write(self._sheets[-1].end())
        if self._open is not None:
            self._open.close()

    def _write_rows(self, rows: Sequence[Cells], *, headings: bool = False) -> None:
        pieces: list[str] = []
        sheet, cell = self._sheets[-1], self._heading if headings else self._cell
        for row in rows:
            sheet.rows += 1
            pieces.append(f'<row r="{sheet.rows}">')
            pieces.extend(
                cell(f"{letter}{sheet.rows}", value)
                for letter, value in zip(self._letters, row, strict=True)
                if value is not None
            )
            pieces.append("</row>")
        self._write("".join(pieces))

    def _write(self, xml: str) -> None:
        data = xml.encode()
        self._bytes += len(data)
        if self._open is not None:
            self._open.write(data)

    # -------------------------------------------------------------------------------------------- a cell
    @staticmethod
    def _heading(place: str, value: Value) -> str:
        return _text(place, str(value), HEADING)

    def _cell(self, place: str, value: Value) -> str:
        if isinstance(value, str):
            return _text(place, value, TEXT_LIKE_A_FORMULA if is_dangerous(value) else TEXT)
        if isinstance(value, bool):
            return f'<c r="{place}" t="b"><v>{value:d}</v></c>'
        if isinstance(value, datetime):
            return self._moment(place, value)
        if isinstance(value, date):
            if value < _FIRST_DAY:
                return _text(place, value.isoformat(), TEXT)
            return f'<c r="{place}" s="{DATE}"><v>{value.toordinal() - _DAY_ZERO}</v></c>'
        if value is None or abs(value) >= _LARGEST:
            return _text(place, str(value), TEXT)
        return f'<c r="{place}"><v>{value}</v></c>'

    def _moment(self, place: str, moment: datetime) -> str:
        try:
            shown = moment.astimezone(self._zone)
        except OverflowError:
            shown = moment.astimezone(UTC)
        if shown.date() < _FIRST_DAY:
            return _text(place, shown.isoformat(), TEXT)
        seconds = (shown.hour * 60 + shown.minute) * 60 + shown.second + shown.microsecond / 1_000_000
        serial = shown.toordinal() - _DAY_ZERO + seconds / _SECONDS_A_DAY
        return f'<c r="{place}" s="{MOMENT}"><v>{serial!r}</v></c>'


def _entry(name: str) -> zipfile.ZipInfo:
    """A part of the workbook; without the time, so that the same report is the same file."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = _PACKED
    return entry


def letters(number: int) -> str:
    """The name of a column, from 0 on: A to Z, AA, AB and so on."""
    name = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def _text(place: str, text: str, style: int) -> str:
    """A cell with a text, which no spreadsheet takes for anything else."""
    return f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{xml_text(text)}</t></is></c>'


def xml_text(text: str) -> str:
    """The text as XML that Excel reads as the very same one (ECMA-376, ST_Xstring); what a cell cannot hold is cut."""
    if len(text) > MOST_CHARACTERS // 2:
        text = text.encode("utf-16-le", "surrogatepass")[: 2 * MOST_CHARACTERS].decode("utf-16-le", "ignore")
    return escape(_NOT_XML.sub(lambda found: f"_x{ord(found.group()):04X}_", text))

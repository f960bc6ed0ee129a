"""A report as CSV: what it says comes back equal through any reader, and no spreadsheet finds a formula in it."""

import csv
import io
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.export_csv import CsvWriter, as_on_record, harmless
from db.languages import say
from resolvers.report_outcomes import Cells, Column, ColumnType

BEGINNINGS = "=+-@\t\r\n＝＋－＠"
#: What programs leave aside before they look whether a formula begins: blanks, quotes, marks of direction, controls.
HIDING = (
    " \u00a0\u3000\u2003\"'`‘’“”«»\u200b\u200e\u200f\u202a\u202e\u2066\u2069\u061c\ufeff\u00ad"
    "\x00\x01\x0b\x1f\x7f\x85\u2028"
)
TEXTS = st.text() | st.text(st.sampled_from(f"{BEGINNINGS}{HIDING},;\"'Aa1_é語\u05d0"))


def columns(*types: ColumnType) -> list[Column]:
    return [Column(f"c{place}", type_, say("Name")) for place, type_ in enumerate(types)]


def written(rows: Sequence[Cells], *types: ColumnType, bom: bool = False) -> bytes:
    """The file, with its rows in two portions."""
    writer = CsvWriter(columns(*types), bom=bom)
    half = len(rows) // 2
    return writer.head() + writer.rows(rows[:half]) + writer.rows(rows[half:]) + writer.tail()


def read(file: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode(), newline="")))


def seen_by_a_spreadsheet(cell: str) -> str:
    """What is left of a cell when all is taken away that cannot be seen, or holds a text together."""
    left_aside = {"Cc", "Cf", "Zs", "Zl", "Zp", "Pi", "Pf"}
    for place, character in enumerate(cell):
        if character in "\t\r\n" or (unicodedata.category(character) not in left_aside and character not in "\"'`"):
            return cell[place:]
    return ""


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=8))
@example([("=1+1", "@SUM(A1)"), ("\u200f=1+1", "\x00=1"), ("'", "''"), ("", "'=1")])
@example([(" \t=cmd|' /C calc'!A0", "\u202e\u200b+1"), ("a\r\nb", '"=1"'), ("\u3164=1", "_=1")])
def test_every_text_comes_back_equal_and_none_begins_dangerously(rows: list[tuple[str, str]]) -> None:
    heading, *cells = read(written(rows, ColumnType.TEXT, ColumnType.TEXT))
    assert heading == ["c0", "c1"]
    assert [tuple(cell[1:] if cell.startswith("'") else cell for cell in row) for row in cells] == rows
    for row in cells:
        for cell in row:
            assert cell.startswith("'") or seen_by_a_spreadsheet(cell)[:1] not in (*BEGINNINGS, "\u2212")


@given(st.lists(TEXTS, max_size=5))
def test_a_single_column_keeps_its_empty_rows(texts: list[str]) -> None:
    _, *cells = read(written([(text,) for text in texts], ColumnType.TEXT))
    assert [as_on_record(cell) for [cell] in cells] == texts


@pytest.mark.parametrize("beginning", [*BEGINNINGS, "\u2212", "﹢", "⁼"])
def test_a_formula_is_found_behind_what_hides_it(beginning: str) -> None:
    for hidden in ("", *HIDING, ' "\u200f'):
        assert harmless(f"{hidden}{beginning}1").startswith("'"), hidden


@pytest.mark.parametrize(
    "usual", ["", "Ana-María", "O'Brien", "7-8", "Łukasz (Luke)", "a@b.example", "#3", "\u05d0=", "é+"]
)
def test_what_nobody_takes_for_a_formula_stays_as_it_is(usual: str) -> None:
    assert harmless(usual) == usual


def test_the_form_is_that_of_rfc_4180() -> None:
    rows: list[Cells] = [("plain", 1), ('a "b", c', None), ("two\nlines", -5)]
    assert written(rows, ColumnType.TEXT, ColumnType.NUMBER) == (
        b'c0,c1\r\nplain,1\r\n"a ""b"", c",\r\n"two\nlines",-5\r\n'
    )
    assert written([], ColumnType.TEXT, bom=True) == b"\xef\xbb\xbfc0\r\n"


def test_values_that_are_no_text_are_written_as_what_they_are() -> None:
    moment = datetime(2026, 10, 5, 12, 0, tzinfo=timezone(timedelta(hours=-5)))
    row: Cells = (-7, date(2013, 4, 9), moment, True, False, None)
    kinds = (ColumnType.NUMBER, ColumnType.DATE, ColumnType.MOMENT, *[ColumnType.YES_NO] * 3)
    assert read(written([row], *kinds))[1] == ["-7", "2013-04-09", "2026-10-05T17:00:00.000000Z", "true", "false", ""]
    # A text is made harmless whatever its column is said to hold.
    assert read(written([("-7",)], ColumnType.NUMBER))[1] == ["'-7"]

"""A report as a workbook: each cell has the type that it should have, whatever a text looks like."""

import io
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.worksheet import Worksheet

from app.export_xlsx import MOST_CHARACTERS, XlsxWriter, letters, xml_text
from db.languages import say
from resolvers.report_outcomes import Cells, Column, ColumnType

ZONE = ZoneInfo("America/Chicago")
KINDS = (ColumnType.TEXT, ColumnType.NUMBER, ColumnType.DATE, ColumnType.MOMENT, ColumnType.YES_NO)
NOON = datetime(2026, 10, 5, 17, 0, 30, tzinfo=UTC)


def written(rows: Sequence[Cells], *kinds: ColumnType, **more: int) -> bytes:
    columns = [Column(f"c{place}", kind, say("Name")) for place, kind in enumerate(kinds)]
    writer = XlsxWriter(columns, [f"Title {place}" for place in range(len(kinds))], ZONE, **more)
    half = len(rows) // 2
    return writer.head() + writer.rows(rows[:half]) + writer.rows(rows[half:]) + writer.tail()


def sheets(file: bytes) -> list[Worksheet]:
    return list(openpyxl.load_workbook(io.BytesIO(file)).worksheets)


def test_openpyxl_finds_the_right_types() -> None:
    rows: list[Cells] = [("0041207", -12, date(2013, 4, 9), NOON, True), ("=1+1", 10**16, None, None, False)]
    [sheet] = sheets(written(rows, *KINDS))
    assert [cell.value for cell in sheet[1]] == [
        *("Title 0", "Title 1", "Title 2", "Title 3 (America/Chicago)", "Title 4")
    ]
    row: Any = sheet[2]
    text, number, day, moment, yes = row
    assert (text.value, text.data_type, text.number_format) == ("0041207", "s", "@")
    assert (number.value, number.data_type) == (-12, "n")
    assert (str(day.value), day.is_date, day.number_format) == ("2013-04-09 00:00:00", True, "yyyy\\-mm\\-dd")
    assert (str(moment.value), moment.is_date) == ("2026-10-05 12:00:30", True)
    assert (yes.value, yes.data_type) == (True, "b")
    formula, large, *empty, no = sheet[3]
    assert (formula.value, formula.data_type, formula.quotePrefix) == ("=1+1", "s", True)
    assert (large.value, large.data_type) == ("10000000000000000", "s")
    assert [cell.value for cell in empty] == [None, None]
    assert no.value is False


def test_the_titles_are_bold_and_stay_in_sight_with_a_filter() -> None:
    [sheet] = sheets(written([("a", 1), ("b", 2)], ColumnType.TEXT, ColumnType.NUMBER))
    assert all(cell.font.b for cell in sheet[1])
    assert not sheet["A2"].font.b
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:B3"
    assert sheet.column_dimensions["A"].width > sheet.column_dimensions["B"].width > 10


@given(st.lists(st.text() | st.text(st.sampled_from("_x0041F=\x00\x0b\r\n\t &<>\"'\u200f\ufffe\uffff")), max_size=6))
@example(["_x0041_", "__x000D_", "\x1f", "\r\n", " blank ", "]]>", "\U0001f469\u200d\U0001f393"])
def test_every_text_comes_back_equal(texts: list[str]) -> None:
    [sheet] = sheets(written([(text,) for text in texts], ColumnType.TEXT))
    cells = [sheet.cell(row, 1) for row in range(2, len(texts) + 2)]
    assert [unescape(str(cell.value or "")) for cell in cells] == texts
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "n"}
    assert all(cell.data_type != "n" or cell.value is None for cell in cells)


def test_it_is_escaped_as_excel_does() -> None:
    assert xml_text("a\x00\r\n<&>_x0041_ _x41_") == "a_x0000__x000D_\n&lt;&amp;&gt;_x005F_x0041_ _x41_"


@pytest.mark.parametrize("character", ["a", "\U0001f393"])
def test_a_text_that_no_cell_can_hold_is_cut(character: str) -> None:
    cut = xml_text(character * (MOST_CHARACTERS + 5))
    assert len(cut.encode("utf-16-le")) // 2 in {MOST_CHARACTERS, MOST_CHARACTERS - 1}
    assert set(cut) == {character}


def test_a_report_longer_than_a_sheet_goes_on_in_another_one() -> None:
    rows: list[Cells] = [(number,) for number in range(7)]
    found = sheets(written(rows, ColumnType.NUMBER, most_rows=4))
    assert [sheet.title for sheet in found] == ["Report", "Report 2", "Report 3"]
    assert [[row[0].value for row in sheet.iter_rows()] for sheet in found] == [
        ["Title 0", 0, 1, 2],
        ["Title 0", 3, 4, 5],
        ["Title 0", 6],
    ]


def test_days_that_excel_has_wrong_are_written_as_text() -> None:
    rows: list[Cells] = [
        (date(1900, 2, 28), datetime(1, 1, 1, tzinfo=UTC)),
        (date(1900, 3, 1), datetime.max.replace(tzinfo=UTC)),
    ]
    [sheet] = sheets(written(rows, ColumnType.DATE, ColumnType.MOMENT))
    assert sheet["A2"].value == "1900-02-28"
    assert str(sheet["B2"].value).startswith("0001-01-01T00:00:00")
    assert str(sheet["A3"].value) == "1900-03-01 00:00:00"


def test_every_part_is_named_and_can_be_read() -> None:
    with zipfile.ZipFile(io.BytesIO(written([("a",)], ColumnType.TEXT))) as file:
        assert file.testzip() is None
        for name in file.namelist():
            ElementTree.fromstring(file.read(name))
        types = file.read("[Content_Types].xml").decode()
    for name in ("xl/workbook.xml", "xl/styles.xml", "xl/worksheets/sheet1.xml"):
        assert f'"/{name}"' in types


def test_without_its_last_bytes_it_is_no_workbook() -> None:
    whole = written([(str(number),) for number in range(500)], ColumnType.TEXT)
    for end in (len(whole) // 2, len(whole) - 30):
        with pytest.raises(zipfile.BadZipFile):
            sheets(whole[:end])


def test_columns_are_named_as_in_a_spreadsheet() -> None:
    assert [letters(place) for place in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed here")
def test_libreoffice_finds_the_right_types(tmp_path: Path) -> None:
    rows: list[Cells] = [
        ("0041207", -12, date(2013, 4, 9), NOON, True),
        ('=1+1 _x0041_ "q"', 10**16, None, None, False),
    ]
    (tmp_path / "report.xlsx").write_bytes(written(rows, *KINDS))
    profile, file = (tmp_path / "profile").as_uri(), str(tmp_path / "report.xlsx")
    subprocess.run(
        ["soffice", f"-env:UserInstallation={profile}", "--headless", "--convert-to", "fods", file],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=120,
    )
    office = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
    table = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
    cells = [
        (
            cell.get(f"{office}value-type"),
            cell.get(f"{office}value") or cell.get(f"{office}date-value") or "".join(cell.itertext()).strip(),
        )
        for row in list(ElementTree.parse(tmp_path / "report.fods").iter(f"{table}table-row"))[1:3]
        for cell in row.iter(f"{table}table-cell")
        if cell.get(f"{office}value-type")
    ]
    # What is true or false is a number with a look of its own there.
    assert cells == [
        *[
            ("string", "0041207"),
            ("float", "-12"),
            ("date", "2013-04-09"),
            ("date", "2026-10-05T12:00:30"),
            ("float", "1"),
        ],
        *[("string", '=1+1 _x0041_ "q"'), ("string", "10000000000000000"), ("float", "0")],
    ]

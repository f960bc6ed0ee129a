"""The forms in which a report leaves the house, by the ends of file names."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Protocol

from app.export_csv import CsvWriter
from app.export_json import JsonWriter
from app.export_xlsx import XlsxWriter
from db.languages import Language
from db.rules import Rules
from resolvers.report_outcomes import Cells, Column, ReportName
from schema.wording import worded


class Form(StrEnum):
    """What a report can be written as."""

    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


class Writer(Protocol):
    """Makes a file from front to back, and keeps nothing of what it has given out."""

    @property
    def media_type(self) -> str:
        """What the file is, for Content-Type."""

    def head(self) -> bytes:
        """The first bytes of the file."""

    def rows(self, rows: Sequence[Cells]) -> bytes:
        """Some more rows; their bytes may come later."""

    def tail(self) -> bytes:
        """The last bytes of the file."""


def writer_of(form: Form, columns: Sequence[Column], *, rules: Rules, language: Language, bom: bool = False) -> Writer:
    """Whoever writes a report with these columns in this form; a workbook is for people, in their language and time."""
    if form is Form.XLSX:
        return XlsxWriter(columns, [worded(column.title, language) for column in columns], rules.zone)
    return JsonWriter(columns) if form is Form.JSON else CsvWriter(columns, bom=bom)


def file_name(name: ReportName, day: date, form: Form) -> str:
    """Such as `student-accounts-2026-10-05.csv`."""
    return f"{name.value}-{day.isoformat()}.{form.value}"

"""The files of the demo district's roster set: which columns they have, and how they are written."""

import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path

_BASIC = ("sourcedId", "status", "dateLastModified")

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "orgs.csv": (*_BASIC, "name", "type", "identifier", "parentSourcedId", "metadata.phone"),
    "academicSessions.csv": (
        *_BASIC,
        *("title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"),
    ),
    "users.csv": (
        *_BASIC,
        *("enabledUser", "orgSourcedIds", "role", "username", "userIds", "givenName", "familyName", "middleName"),
        *("identifier", "email", "sms", "phone", "agentSourcedIds", "grades", "password"),
        *("metadata.ssn", "metadata.suffix", "metadata.preferredName"),
    ),
    "demographics.csv": (*_BASIC, "birthDate", "sex"),
    "households.csv": ("sourcedId", "name", "streetAddress", "city", "state", "postalCode", "phone"),
    "householdMembers.csv": ("householdSourcedId", "userSourcedId", "secondary", "beginDate", "endDate"),
    "relationships.csv": (
        *("studentSourcedId", "contactSourcedId", "relation", "legalGuardian", "portal", "livesWith"),
        *("restricted", "beginDate", "endDate"),
    ),
    "courses.csv": (*_BASIC, "schoolYearSourcedId", "title", "courseCode", "grades", "orgSourcedId"),
    "classes.csv": (
        *_BASIC,
        *("title", "grades", "courseSourcedId", "classCode", "classType", "schoolSourcedId", "termSourcedIds"),
    ),
    "enrollments.csv": (
        *_BASIC,
        *("classSourcedId", "schoolSourcedId", "userSourcedId", "role", "primary", "beginDate", "endDate"),
    ),
    "categories.csv": (*_BASIC, "title"),
    "lineItems.csv": (
        *_BASIC,
        *("title", "assignDate", "dueDate", "classSourcedId", "categorySourcedId", "gradingPeriodSourcedId"),
        *("resultValueMin", "resultValueMax"),
    ),
    "results.csv": (
        *_BASIC,
        *("lineItemSourcedId", "studentSourcedId", "scoreStatus", "score", "scoreDate", "comment"),
    ),
    "attendance.csv": ("sourcedId", "studentSourcedId", "schoolSourcedId", "date", "category", "reason"),
}

_OF_THE_STANDARD = tuple(file for file, columns in COLUMNS.items() if columns[:3] == _BASIC)

Cell = str | int | bool | date | None


class DemoRows:
    """The rows of all files, in the order in which they were added."""

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, str]]] = {file: [] for file in COLUMNS}

    def add(self, file: str, cells: Mapping[str, Cell]) -> dict[str, str]:
        """Adds a row. Columns that are not named stay blank; the row may be filled in further until it is written."""
        row = dict.fromkeys(COLUMNS[file], "")
        if "status" in row:
            row["status"] = "active"
        row.update({column: _text(cell) for column, cell in cells.items()})
        self._rows[file].append(row)
        return row

    def write(self, folder: Path, *, system: str) -> None:
        """Writes the set as OneRoster asks: UTF-8, commas, CRLF, one header row, a manifest."""
        folder.mkdir(parents=True, exist_ok=True)
        manifest = [("propertyName", "value"), ("manifest.version", "1.0"), ("oneroster.version", "1.1")]
        manifest += [(f"file.{file.removesuffix('.csv')}", "bulk") for file in _OF_THE_STANDARD]
        manifest += [("source.systemName", system), ("source.systemCode", "DEMO")]
        with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as written:
            csv.writer(written).writerows(manifest)
        for file, columns in COLUMNS.items():
            with (folder / file).open("w", encoding="utf-8", newline="") as written:
                writer = csv.DictWriter(written, columns)
                writer.writeheader()
                writer.writerows(self._rows[file])


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case date():
            return cell.isoformat()
    return str(cell)

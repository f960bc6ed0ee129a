"""Checking a roster set: what is wrong is told by file, row and column, and never with somebody's number."""

from pathlib import Path

import pytest

from db.models import SsnState
from db.roster.problems import KEPT, RosterRefused, Severity, shown
from db.ssn import read_ssn
from tests.roster_sets import ANA_SSN, BEN_SSN, RosterFiles, Spoil, checked, errors


@pytest.fixture
def files() -> RosterFiles:
    return RosterFiles()


# Social Security numbers


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("512-44-7310", SsnState.ON_FILE),
        ("512447310", SsnState.ON_FILE),
        ("512 44 7310", SsnState.ON_FILE),
        ("512\u201344\u20137310", SsnState.ON_FILE),
        ("", SsnState.NOT_ON_FILE),
        ("   ", SsnState.NOT_ON_FILE),
        ("--", SsnState.NOT_ON_FILE),
        ("51244731", SsnState.UNUSABLE),
        ("5124473101", SsnState.UNUSABLE),
        ("0512447310", SsnState.UNUSABLE),
        ("51244731O", SsnState.UNUSABLE),
        ("٥١٢٤٤٧٣١٠", SsnState.UNUSABLE),
        ("000447310", SsnState.UNUSABLE),
        ("666447310", SsnState.UNUSABLE),
        ("900447310", SsnState.UNUSABLE),
        ("999447310", SsnState.UNUSABLE),
        ("512007310", SsnState.UNUSABLE),
        ("512440000", SsnState.UNUSABLE),
        ("000000000", SsnState.UNUSABLE),
        ("999999999", SsnState.UNUSABLE),
        ("111-11-1111", SsnState.UNUSABLE),
        ("123-45-6789", SsnState.UNUSABLE),
        ("078-05-1120", SsnState.UNUSABLE),
        ("unknown", SsnState.UNUSABLE),
    ],
)
def test_a_number_is_on_file_unusable_or_not_there(text: str, state: SsnState) -> None:
    read = read_ssn(text)
    assert read.state is state
    assert (read.digits == "512447310") if state is SsnState.ON_FILE else (read.digits is None)
    assert "512447310" not in repr(read)


@pytest.mark.parametrize(
    "value", ["512-44-7310", "512447310", "51244731", "512 44 7310", "0000512", "12345", "1/2/34567", "a\x00b"]
)
def test_what_might_be_a_number_of_somebody_is_not_repeated(value: str) -> None:
    assert value not in shown(value)


@pytest.mark.parametrize("value", ["13/02/2010", "2010.2.13", "yes", "2010-02-30", "grade 4"])
def test_other_values_are_shown(value: str) -> None:
    assert value in shown(value)


def test_no_problem_ever_repeats_a_number_even_in_mixed_up_columns(files: RosterFiles, tmp_path: Path) -> None:
    for file, rows in files.rows.items():
        if file not in {"manifest.csv", "users.csv"}:
            for column in files.columns[file]:
                rows[0][column] = ANA_SSN
    for column in files.columns["users.csv"]:
        files.row("users.csv", 3)[column] = BEN_SSN
    files.add("users.csv", sourcedId=BEN_SSN, role="parent", givenName="A", familyName="B")
    found = checked(files, tmp_path)
    assert len(found.problems) > 10
    told = "\n".join(f"{one} {one.as_dict()!r}" for one in found.problems) + repr(found.records.students)
    for number in (ANA_SSN, BEN_SSN, ANA_SSN.replace("-", "")):
        assert number not in told.replace(f"source_id='{number}'", "").replace(f"number='{number}'", "")


# Shared student numbers


def test_a_shared_number_is_refused_with_both_rows_and_the_column(files: RosterFiles, tmp_path: Path) -> None:
    files.user("cal")["identifier"] = "0042"
    found = checked(files, tmp_path)
    assert errors(found) == [
        ("shared-number", "users.csv", 2, "identifier"),
        ("shared-number", "users.csv", 4, "identifier"),
    ]
    assert "row 4" in found.problems[0].what
    assert "row 2" in found.problems[1].what
    with pytest.raises(RosterRefused):
        found.refuse_if_wrong()


def test_a_shared_number_is_set_apart_when_the_operator_says_so(files: RosterFiles, tmp_path: Path) -> None:
    files.user("cal")["identifier"] = "0042"
    found = checked(files, tmp_path, "set-apart")
    assert found.good
    assert [one.severity for one in found.problems] == [Severity.WARNING] * 2
    assert {one.source_id: one.number_is_shared for one in found.records.students.values()} == {
        "ana": True,
        "ben": False,
        "cal": True,
    }


def test_numbers_that_differ_in_leading_zeros_are_two_numbers(files: RosterFiles, tmp_path: Path) -> None:
    files.user("cal")["identifier"] = "42"
    assert checked(files, tmp_path).good


# What is wrong, and where


def _set(file: str, row: int, **cells: str) -> Spoil:
    return lambda files: files.row(file, row).update(cells)


def _raw(file: str, content: bytes) -> Spoil:
    return lambda files: files.raw.update({file: content})


def _edit(file: str, old: bytes, new: bytes) -> Spoil:
    return lambda files: files.raw.update({file: files.contents()[file].replace(old, new)})


def _twice(file: str, row: int, **cells: str) -> Spoil:
    return lambda files: files.rows[file].append({**files.row(file, row), **cells})


SPOILED: dict[str, tuple[Spoil, tuple[str, str, int | None, str | None]]] = {
    "no users": (lambda files: files.remove("users.csv"), ("file-missing", "users.csv", None, None)),
    "no schools": (lambda files: files.remove("orgs.csv"), ("file-missing", "orgs.csv", None, None)),
    "promised and absent": (
        lambda files: files.add("manifest.csv", propertyName="file.courseResources", value="bulk"),
        ("file-missing", "manifest.csv", 7, "value"),
    ),
    "a delta": (_set("manifest.csv", 5, value="delta"), ("delta", "manifest.csv", 5, "value")),
    "unknown mode": (_set("manifest.csv", 5, value="some"), ("bad-manifest", "manifest.csv", 5, "value")),
    "unknown version": (_set("manifest.csv", 3, value="1.0"), ("bad-version", "manifest.csv", 3, "value")),
    "blank manifest": (_raw("manifest.csv", b""), ("bad-version", "manifest.csv", None, "value")),
    "column missing": (
        lambda files: files.drop_column("users.csv", "familyName"),
        ("column-missing", "users.csv", 1, "familyName"),
    ),
    "column twice": (
        lambda files: files.columns["demographics.csv"].append("birthDate"),
        ("column-twice", "demographics.csv", 1, "birthDate"),
    ),
    "id twice": (_twice("users.csv", 4), ("duplicate-id", "users.csv", 9, "sourcedId")),
    "id blank": (_set("results.csv", 2, sourcedId=""), ("blank", "results.csv", 2, "sourcedId")),
    "id too long": (_set("results.csv", 2, sourcedId="r" * 256), ("too-long", "results.csv", 2, "sourcedId")),
    "unknown status": (_set("users.csv", 3, status="gone"), ("bad-status", "users.csv", 3, "status")),
    "unknown role": (_set("users.csv", 3, role="pupil"), ("bad-role", "users.csv", 3, "role")),
    "role blank": (_set("users.csv", 6, role=""), ("blank", "users.csv", 6, "role")),
    "name blank": (_set("users.csv", 3, givenName=" "), ("blank", "users.csv", 3, "givenName")),
    "number blank": (_set("users.csv", 3, identifier=""), ("blank", "users.csv", 3, "identifier")),
    "number too long": (_set("users.csv", 3, identifier="9" * 65), ("too-long", "users.csv", 3, "identifier")),
    "control characters": (_set("users.csv", 3, givenName="B\x07en"), ("not-text", "users.csv", 3, "givenName")),
    "unknown school": (_set("users.csv", 2, orgSourcedIds="n,z"), ("unknown-id", "users.csv", 2, "orgSourcedIds")),
    "unknown agent": (_set("users.csv", 3, agentSourcedIds="zoe"), ("unknown-id", "users.csv", 3, "agentSourcedIds")),
    "grade level too long": (
        _set("users.csv", 2, grades="third grade of all"),
        ("bad-grade-level", "users.csv", 2, "grades"),
    ),
    "unknown org type": (_set("orgs.csv", 3, type="shop"), ("bad-type", "orgs.csv", 3, "type")),
    "birth date not ISO": (
        _set("demographics.csv", 2, birthDate="03/04/2017"),
        ("bad-date", "demographics.csv", 2, "birthDate"),
    ),
    "birth date short": (
        _set("demographics.csv", 2, birthDate="20170304"),
        ("bad-date", "demographics.csv", 2, "birthDate"),
    ),
    "no such day": (
        _set("demographics.csv", 2, birthDate="2017-02-29"),
        ("bad-date", "demographics.csv", 2, "birthDate"),
    ),
    "born tomorrow": (
        _set("demographics.csv", 2, birthDate="2026-10-06"),
        ("bad-date", "demographics.csv", 2, "birthDate"),
    ),
    "born long ago": (
        _set("demographics.csv", 2, birthDate="0017-03-04"),
        ("bad-date", "demographics.csv", 2, "birthDate"),
    ),
    "demographics of nobody": (
        _set("demographics.csv", 2, sourcedId="zoe"),
        ("unknown-id", "demographics.csv", 2, "sourcedId"),
    ),
    "unknown household": (
        _set("householdMembers.csv", 2, householdSourcedId="h9"),
        ("unknown-id", "householdMembers.csv", 2, "householdSourcedId"),
    ),
    "member twice": (_twice("householdMembers.csv", 2), ("duplicate-row", "householdMembers.csv", 7, "userSourcedId")),
    "member ends before": (
        _set("householdMembers.csv", 5, endDate="2025-12-31"),
        ("dates-reversed", "householdMembers.csv", 5, "endDate"),
    ),
    "unknown flag": (
        _set("relationships.csv", 2, legalGuardian="Y"),
        ("bad-flag", "relationships.csv", 2, "legalGuardian"),
    ),
    "unknown contact": (
        _set("relationships.csv", 2, contactSourcedId="zoe"),
        ("unknown-id", "relationships.csv", 2, "contactSourcedId"),
    ),
    "tie twice": (
        _twice("relationships.csv", 2, portal=""),
        ("duplicate-row", "relationships.csv", 5, "contactSourcedId"),
    ),
    "columns swapped": (
        _set("relationships.csv", 2, studentSourcedId="rosa", contactSourcedId="ana"),
        ("not-a-student", "relationships.csv", 2, "studentSourcedId"),
    ),
    "own guardian": (
        _set("relationships.csv", 2, contactSourcedId="ana"),
        ("own-guardian", "relationships.csv", 2, "contactSourcedId"),
    ),
    "restriction reversed": (
        _set("relationships.csv", 3, endDate="2026-08-31"),
        ("dates-reversed", "relationships.csv", 3, "endDate"),
    ),
    "restricted in words": (
        _set("relationships.csv", 3, restricted="court order"),
        ("bad-flag", "relationships.csv", 3, "restricted"),
    ),
    "class of no school": (
        _set("classes.csv", 2, schoolSourcedId="z"),
        ("unknown-id", "classes.csv", 2, "schoolSourcedId"),
    ),
    "result of no work": (
        _set("results.csv", 2, lineItemSourcedId="l9"),
        ("unknown-id", "results.csv", 2, "lineItemSourcedId"),
    ),
    "result of a teacher": (
        _set("results.csv", 2, studentSourcedId="tom"),
        ("not-a-student", "results.csv", 2, "studentSourcedId"),
    ),
    "work file missing": (
        lambda files: files.remove("lineItems.csv"),
        ("file-missing", "results.csv", 2, "lineItemSourcedId"),
    ),
    "absence undated": (_set("attendance.csv", 3, date=""), ("blank", "attendance.csv", 3, "date")),
    "absence at no school": (
        _set("attendance.csv", 3, schoolSourcedId="d"),
        ("not-a-school", "attendance.csv", 3, "schoolSourcedId"),
    ),
    "enrolment reversed": (
        _set("enrollments.csv", 2, endDate="2026-08-16"),
        ("dates-reversed", "enrollments.csv", 2, "endDate"),
    ),
    "not UTF-8": (_edit("users.csv", b"Lund", b"L\xfcnd"), ("not-utf8", "users.csv", 2, None)),
    "UTF-16": (_raw("users.csv", "sourcedId,role\r\n".encode("utf-16")), ("not-utf8", "users.csv", 1, None)),
    "zero byte": (_edit("users.csv", b"Benny", b"Be\0ny"), ("not-text", "users.csv", 3, None)),
    "quote left open": (_edit("users.csv", b"Benny", b'"Benny'), ("not-csv", "users.csv", 3, None)),
    "cell too large": (_edit("users.csv", b"Benny", b"x" * 140_000), ("not-csv", "users.csv", 3, None)),
    "line too long": (_edit("users.csv", b"Benny", b"x" * 1_100_000), ("line-too-long", "users.csv", 3, None)),
    "row cut off": (
        _edit("results.csv", b"fully graded,93.50,,\r\n", b"fully gr"),
        ("row-length", "results.csv", 2, None),
    ),
    "comma not quoted": (
        _edit("households.csv", b"12 Oak St", b"12 Oak St, Unit 4"),
        ("row-length", "households.csv", 2, None),
    ),
    "old line ends": (_edit("orgs.csv", b"\r\n", b"\r"), ("not-csv", "orgs.csv", 1, None)),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_wrong_is_told_by_file_row_and_column(name: str, files: RosterFiles, tmp_path: Path) -> None:
    spoil, expected = SPOILED[name]
    spoil(files)
    found = checked(files, tmp_path)
    assert expected in errors(found)
    assert not found.good
    for problem in found.problems:
        assert problem.what.endswith(".")
        assert problem.to_do.endswith((".", "?"))
        assert problem.as_dict()["severity"] in {"error", "warning"}


def test_all_problems_are_told_and_not_just_the_first(files: RosterFiles, tmp_path: Path) -> None:
    files.row("users.csv", 3)["role"] = "pupil"
    files.row("demographics.csv", 2)["birthDate"] = "soon"
    files.row("attendance.csv", 2)["date"] = "today"
    assert [(one.file, one.row) for one in checked(files, tmp_path).problems if one.severity is Severity.ERROR] >= [
        ("attendance.csv", 2),
        ("demographics.csv", 2),
        ("users.csv", 3),
    ]


def test_a_broken_file_is_told_once_and_not_again_by_what_refers_to_it(files: RosterFiles, tmp_path: Path) -> None:
    files.raw["users.csv"] = files.contents()["users.csv"].replace(b"Cal", b"C\xff")
    assert [problem[:3] for problem in errors(checked(files, tmp_path))] == [("not-utf8", "users.csv", 4)]


def test_too_many_problems_are_counted_and_not_kept(files: RosterFiles, tmp_path: Path) -> None:
    rows = "".join(f"x{at},nobody,n,2026-09-09,Tardy,\r\n" for at in range(KEPT + 7))
    files.raw["attendance.csv"] = (
        "sourcedId,studentSourcedId,schoolSourcedId,date,category,reason\r\n" + rows
    ).encode()
    found = checked(files, tmp_path)
    assert len(found.problems) == KEPT + 1
    assert found.problems[-1].what == "7 more errors of this file are not listed."

"""Zips that mean harm, sets that are damaged, and things that are no roster set."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from db.roster import reading
from db.roster.checking import check
from db.roster.problems import Problem, Severity
from tests.roster_sets import TODAY, RosterFiles, errors


@pytest.fixture
def files() -> RosterFiles:
    return RosterFiles()


# Zips that mean harm, and things that are no set


def _only_error(path: Path) -> Problem:
    (problem,) = check(path, today=TODAY).problems
    assert problem.severity is Severity.ERROR
    return problem


@pytest.mark.parametrize(
    "name", ["../users.csv", "/etc/users.csv", "a/../../users.csv", "..\\users.csv", "C:users.csv"]
)
def test_a_zip_with_names_that_lead_out_is_refused(name: str, files: RosterFiles, tmp_path: Path) -> None:
    path = files.zip(tmp_path / "set.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"x")
    assert _only_error(path).code == "unsafe-name"


def test_a_zip_that_unpacks_to_far_too_much_is_refused_unread(files: RosterFiles, tmp_path: Path) -> None:
    path = files.zip(tmp_path / "set.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("results2.csv", b"0" * 60 * 1024**2)
    assert _only_error(path).code == "too-large"


def test_a_zip_that_lies_about_its_size_is_found_out(
    files: RosterFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGEST_SET", 1000)
    files.raw["attendance.csv"] = files.contents()["attendance.csv"] * 50
    found = check(files.folder(tmp_path / "set"), today=TODAY)
    assert "too-large" in {problem.code for problem in found.problems}


def test_a_locked_zip_is_refused(files: RosterFiles, tmp_path: Path) -> None:
    path = files.zip(tmp_path / "set.zip")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert _only_error(path).code == "encrypted"


def test_a_zip_with_two_sets_is_refused(files: RosterFiles, tmp_path: Path) -> None:
    path = files.zip(tmp_path / "set.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/manifest.csv", b"propertyName,value\r\n")
    assert _only_error(path).code == "several-sets"


def test_a_zip_with_more_files_than_any_set_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for at in range(reading.MOST_FILES + 1):
            archive.writestr(f"{at}.csv", b"")
    assert _only_error(tmp_path / "set.zip").code == "too-many-files"


def test_a_damaged_zip_is_told(files: RosterFiles, tmp_path: Path) -> None:
    path = files.zip(tmp_path / "set.zip")
    content = bytearray(path.read_bytes())
    at = content.index(b"users.csv") + 40
    content[at : at + 30] = bytes(30)
    path.write_bytes(content)
    assert ("damaged", "users.csv") in {problem[:2] for problem in errors(check(path, today=TODAY))}


def test_what_is_no_set_is_told(files: RosterFiles, tmp_path: Path) -> None:
    assert _only_error(tmp_path / "nowhere").code == "not-found"
    assert _only_error(tmp_path).code == "no-manifest"
    (tmp_path / "set.zip").write_bytes(files.zip(tmp_path / "good.zip").read_bytes()[:-30])
    assert _only_error(tmp_path / "set.zip").code == "not-a-set"
    (tmp_path / "empty.zip").write_bytes(b"")
    assert _only_error(tmp_path / "empty.zip").code == "not-a-set"


@contextmanager
def _unreadable(path: Path) -> Iterator[None]:
    path.unlink()
    path.mkdir()
    yield
    path.rmdir()


def test_a_folder_where_a_file_should_be_is_as_if_absent(files: RosterFiles, tmp_path: Path) -> None:
    folder = files.folder(tmp_path / "set")
    with _unreadable(folder / "users.csv"):
        assert "file-missing" in {problem.code for problem in check(folder, today=TODAY).problems}

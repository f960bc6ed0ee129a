"""Reading a roster set: what is taken from it, and in which forms it may come."""

from datetime import date
from pathlib import Path

import pytest

from db.context import Capacity
from db.roster.checking import check
from tests.roster_sets import TODAY, RosterFiles, checked, errors, one_roster_1_2


@pytest.fixture
def files() -> RosterFiles:
    return RosterFiles()


# What a good set says


def test_a_good_set_has_no_problems_and_says_who_there_is(files: RosterFiles, tmp_path: Path) -> None:
    found = checked(files, tmp_path)
    assert found.good
    assert found.problems == ()
    assert found.read_over == ()
    assert found.counts() == {
        "schools": 2,
        "students": 3,
        "guardians": 3,
        "staff": 1,
        "households": 2,
        "household members": 5,
        "enrolments": 4,
        "guardianships": 4,
        "restrictions": 1,
        "grades": 1,
        "attendance events": 2,
    }


def test_student_numbers_keep_their_leading_zeros(files: RosterFiles, tmp_path: Path) -> None:
    assert checked(files, tmp_path).records.students["ana"].number == "0042"


def test_a_student_is_enrolled_in_every_school_that_is_named(files: RosterFiles, tmp_path: Path) -> None:
    enrolled = {(one.student, one.school): one for one in checked(files, tmp_path).records.enrolments}
    assert set(enrolled) == {("ana", "n"), ("ben", "m"), ("cal", "n"), ("cal", "m")}
    assert enrolled["ana", "n"].begins_on == date(2026, 8, 17)
    assert enrolled["ana", "n"].ends_on is None
    assert enrolled["cal", "m"].grade_level == "05"


def test_a_school_that_only_classes_name_counts_for_their_days(files: RosterFiles, tmp_path: Path) -> None:
    files.row("enrollments.csv", 2).update(userSourcedId="ben", beginDate="2026-08-17", endDate="2026-12-18")
    enrolled = {(one.student, one.school): one for one in checked(files, tmp_path).records.enrolments}
    assert (enrolled["ben", "n"].begins_on, enrolled["ben", "n"].ends_on) == (date(2026, 8, 17), date(2026, 12, 18))


def test_relationships_win_over_agents_and_agents_add_to_them(files: RosterFiles, tmp_path: Path) -> None:
    ties = {(one.student, one.guardian): one for one in checked(files, tmp_path).records.guardianships}
    assert set(ties) == {("ana", "rosa"), ("ana", "hugo"), ("cal", "rosa"), ("ben", "nell")}
    assert ties["ana", "rosa"].relationship == "mother"
    assert ties["ana", "rosa"].legal_guardian is True
    # Nell names Ben, nobody has said more than her role.
    assert ties["ben", "nell"].relationship == "relative"
    assert ties["ben", "nell"].legal_guardian is None
    assert ties["ben", "nell"].portal is None
    # Of Cal's mother nobody has said whether the portal is for her.
    assert ties["cal", "rosa"].portal is None


def test_agents_are_read_in_either_direction(files: RosterFiles, tmp_path: Path) -> None:
    files.remove("relationships.csv")
    files.user("hugo")["agentSourcedIds"] = "cal, ana"
    ties = {(one.student, one.guardian) for one in checked(files, tmp_path).records.guardianships}
    assert ties == {("ana", "rosa"), ("ana", "hugo"), ("cal", "hugo"), ("ben", "nell")}


def test_a_teacher_who_is_an_agent_is_no_guardian(files: RosterFiles, tmp_path: Path) -> None:
    assert "tom" in files.user("ana")["agentSourcedIds"]
    assert all(one.guardian != "tom" for one in checked(files, tmp_path).records.guardianships)


def test_a_teacher_is_a_guardian_when_the_set_says_so_in_so_many_words(files: RosterFiles, tmp_path: Path) -> None:
    files.add("relationships.csv", studentSourcedId="ben", contactSourcedId="tom", relation="father")
    found = checked(files, tmp_path)
    assert [one.code for one in found.problems] == ["not-a-guardian"]
    assert found.records.people["tom"].capacities == {Capacity.STAFF}

    files.tie("ben", "tom")["legalGuardian"] = "true"
    found = checked(files, tmp_path)
    assert found.problems == ()
    assert found.records.people["tom"].capacities == {Capacity.STAFF, Capacity.GUARDIAN}
    assert ("ben", "tom") in {(one.student, one.guardian) for one in found.records.guardianships}


def test_a_relationship_that_has_ended_gives_nobody_sight(files: RosterFiles, tmp_path: Path) -> None:
    files.tie("ana", "rosa")["endDate"] = "2026-10-04"
    found = checked(files, tmp_path)
    tie = next(one for one in found.records.guardianships if one.guardian == "rosa" and one.student == "ana")
    assert (tie.legal_guardian, tie.portal) == (False, False)
    assert [one.code for one in found.problems] == ["not-in-force"]


def test_a_restriction_has_its_dates(files: RosterFiles, tmp_path: Path) -> None:
    tie = next(one for one in checked(files, tmp_path).records.guardianships if one.guardian == "hugo")
    assert tie.restricted
    assert (tie.restricted_from, tie.restricted_until) == (date(2026, 9, 1), None)


def test_an_address_that_is_none_is_left_away(files: RosterFiles, tmp_path: Path) -> None:
    files.user("rosa")["email"] = "rosa at example.org"
    found = checked(files, tmp_path)
    assert found.good
    assert found.records.people["rosa"].email is None
    assert [(one.code, one.row, one.column) for one in found.problems] == [("bad-email", 5, "email")]


def test_rows_that_no_longer_count_are_left_out_with_what_refers_to_them(files: RosterFiles, tmp_path: Path) -> None:
    files.user("hugo")["status"] = "tobedeleted"
    found = checked(files, tmp_path)
    assert found.good
    assert found.left_out == 1
    assert "hugo" not in found.records.people
    assert all(one.guardian != "hugo" for one in found.records.guardianships)


def test_a_1_2_set_says_the_same(files: RosterFiles, tmp_path: Path) -> None:
    newer = one_roster_1_2()
    newer.user("tom")["preferredFirstName"] = "Tommy"
    newer.columns["users.csv"].append("preferredFirstName")
    found, older = checked(newer, tmp_path), checked(files, tmp_path)
    assert found.good
    assert found.counts() == older.counts()
    assert found.records.enrolments == older.records.enrolments
    assert found.records.people["tom"].preferred == "Tommy"


def test_a_role_that_has_ended_does_not_count(tmp_path: Path) -> None:
    newer = one_roster_1_2()
    newer.add("roles.csv", sourcedId="x", userSourcedId="rosa", role="teacher", orgSourcedId="n", endDate="2026-06-30")
    assert checked(newer, tmp_path).records.people["rosa"].capacities == {Capacity.GUARDIAN}


# How sets come


def test_a_zip_says_the_same_as_a_folder(files: RosterFiles, tmp_path: Path) -> None:
    as_folder = checked(files, tmp_path)
    for under in ("", "export 2026/"):
        as_zip = check(files.zip(tmp_path / "set.zip", under=under), today=TODAY)
        assert as_zip.records == as_folder.records
        assert as_zip.problems == ()


def test_byte_order_mark_line_ends_header_case_and_order_do_not_matter(files: RosterFiles, tmp_path: Path) -> None:
    plain = checked(files, tmp_path).records
    for file in files.columns:
        if file != "manifest.csv":
            files.columns[file] = [*reversed(files.columns[file]), "somethingElse"]
    odd = {}
    for file, content in files.contents().items():
        header, _, rows = content.decode().partition("\r\n")
        odd[file] = b"\xef\xbb\xbf" + f"{header.upper()}\n".encode() + rows.replace("\r\n", "\n").encode()
    files.raw = odd
    found = checked(files, tmp_path)
    assert found.problems == ()
    assert found.records == plain


def test_optional_files_may_be_blank_or_absent(files: RosterFiles, tmp_path: Path) -> None:
    optional = [file for file in files.rows if file not in {"manifest.csv", "orgs.csv", "users.csv"}]
    for file in optional:
        files.raw[file] = b""
    found = checked(files, tmp_path)
    assert found.good
    assert found.counts()["guardianships"] == 2
    for file in optional:
        files.remove(file)
    files.raw = {}
    assert checked(files, tmp_path).records == found.records


def test_files_that_nothing_uses_are_named(files: RosterFiles, tmp_path: Path) -> None:
    files.raw = {"resources.csv": b"whatever", "classResources.csv": b"", "notes.txt": b"hello"}
    found = checked(files, tmp_path)
    assert found.good
    # The manifest calls resources absent: that is told too.
    assert found.read_over == ("classResources.csv", "notes.txt")
    assert [one.code for one in found.problems] == ["file-unannounced"]


def test_rows_count_as_in_a_spreadsheet(files: RosterFiles, tmp_path: Path) -> None:
    lines = files.contents()["households.csv"].decode().split("\r\n")
    lines[1] = lines[1].replace("12 Oak St", '"12 Oak St\nUnit 4"')
    files.raw["households.csv"] = "\r\n".join([lines[0], "", lines[1], ",,,,,,", lines[2].replace("Ody", "")]).encode()
    found = checked(files, tmp_path)
    assert errors(found) == [("blank", "households.csv", 5, "name")]
    assert found.records.households["h1"].street == "12 Oak St\nUnit 4"

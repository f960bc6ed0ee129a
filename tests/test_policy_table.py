"""The policy table itself: no row of it is idle, and what cannot stand is refused by line and reason."""

from itertools import product
from pathlib import Path

import pytest

from db.context import Role
from policies.gate import Gate
from policies.guardianship import Standing
from policies.table import HEADER, LARGEST, Row, TableRefused, load_table, read_table
from policies.words import GUARDED, Action, Proof, Scope
from tests.policy_rules import ANOTHERS_ACCOUNT, Place, asker, facts, missing
from tests.policy_tables import RESET, ROWS, TITLE, WORDS, read, table


def refused(text: str) -> tuple[int, str]:
    """The line at which a table is refused, and why."""
    problem = read(text)
    assert isinstance(problem, TableRefused)
    return problem.line, problem.reason


# ------------------------------------------------------------------------------------------------ no row is idle
def as_the_rules_say(gate: Gate, role: Role, action: Action) -> bool:
    """Whether a table says to one role about one action what the rules say, in every situation."""
    return all(
        gate.may(asker(role, place), action, facts(place, guardianship, proof)).allowed
        == (not missing(role, place, action, guardianship, proof))
        for place, guardianship, proof in product(Place, Standing, Proof)
    )


def unnoticed(row: str, *instead: str) -> bool:
    """Whether the table loads with other rows in the place of one, and nobody would see a difference."""
    changed = read(table(*(kept for one in ROWS for kept in (instead if one == row else [one]))))
    if isinstance(changed, TableRefused):
        return False
    role, _, action, *_ = row.split(",")
    return as_the_rules_say(Gate(changed), Role(role), Action(action))


def test_the_table_that_comes_with_the_product_is_in_order() -> None:
    assert ",".join(HEADER) == TITLE
    assert [",".join(row.cells) for row in load_table(None)] == ROWS
    assert [row.line for row in load_table(None)] == list(range(2, len(ROWS) + 2))


@pytest.mark.parametrize("row", ROWS)
def test_no_row_can_be_taken_away_unnoticed(row: str) -> None:
    assert unnoticed(row, row)
    assert not unnoticed(row)


@pytest.mark.parametrize("row", ROWS)
def test_no_cell_of_a_row_can_be_changed_unnoticed(row: str) -> None:
    """Every cell to every other word, `any` among them: either such a table is refused, or an answer changes."""
    changed = 0
    for place, (cell, words) in enumerate(zip(row.split(","), WORDS.values(), strict=True)):
        for word in words:
            if word != cell:
                cells = row.split(",")
                cells[place] = str(word)
                assert not unnoticed(row, ",".join(cells)), word
                changed += 1
    assert changed == sum(len(words) for words in WORDS.values()) - len(WORDS)


def test_the_actions_that_are_guarded_are_those_on_anothers_account() -> None:
    assert GUARDED == ANOTHERS_ACCOUNT


# ------------------------------------------------------------------------------------------------ what cannot stand
@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\ufeff",
        RESET,
        TITLE.upper(),
        TITLE.replace(",", ";"),
        f"{TITLE},",
        f" {TITLE}",
        "role,scope,action,guardianship",
        "scope,role,action,guardianship,verification",
    ],
)
def test_the_first_line_names_the_columns(text: str) -> None:
    assert refused(text) == (1, "the first line must be role,scope,action,guardianship,verification")


@pytest.mark.parametrize(("row", "columns"), [("designee", 1), ("designee,own,account:read,any", 4), (" ", 1)])
def test_a_row_has_five_columns(row: str, columns: int) -> None:
    assert refused(table(RESET, row)) == (3, f"it has {columns} columns and needs 5")
    assert refused(table(RESET, f"{RESET},any")) == (3, "it has 6 columns and needs 5")


@pytest.mark.parametrize("column", HEADER)
@pytest.mark.parametrize("word", ["principal", "", "ANY", "*", " passed", "same_school "])
def test_a_word_that_is_not_known_is_named_with_those_that_are(column: str, word: str) -> None:
    cells = dict(zip(HEADER, RESET.split(","), strict=True)) | {column: word}
    line, reason = refused(table(*ROWS[:2], ",".join(cells.values())))
    assert line == 4
    known = sorted(str(known) for known in WORDS[column] if (column, known) != ("scope", Scope.NONE))
    assert reason == f"{word!r} is not a {column}; known are {', '.join(known)}"


@pytest.mark.parametrize(("column", "word"), [("role", "any"), ("action", "any"), ("scope", "any"), ("scope", "none")])
def test_who_and_what_is_always_said(column: str, word: str) -> None:
    """`any` is for facts alone: no row gives everything, or to everybody, or wherever it may be."""
    cells = dict(zip(HEADER, RESET.split(","), strict=True)) | {column: word}
    line, reason = refused(table(",".join(cells.values())))
    assert line == 2
    assert reason.startswith(f"{word!r} is not a {column}; known are ")


def test_a_row_that_is_there_twice_is_refused_where_it_stands_again() -> None:
    assert refused(table(RESET, ROWS[0], RESET)) == (4, "line 2 says this already")


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("designee,own,account:read,any,any", "designee,own,account:read,none,any"),
        ("designee,own,account:read,any,any", "designee,own,account:read,any,none"),
        # A yes in the whole district is one at the same school.
        ("reporter,same_district,report:accounts,any,any", "reporter,same_school,report:accounts,any,any"),
    ],
)
def test_a_row_within_another_one_is_refused_in_either_order(wide: str, narrow: str) -> None:
    assert refused(table(wide, narrow)) == (3, "line 2 says this already")
    assert refused(table(narrow, wide)) == (3, "it says all that line 2 says: only one of them can stay")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            "guardian,same_school,report:accounts,any,any",
            "report:accounts is not asked about for guardian, same_school",
        ),
        ("student,own,key:manage,any,any", "key:manage is not asked about for student, own"),
        ("designee,own,account:reset,self,passed", "account:reset is not asked about for designee, own"),
        ("registrar,same_school,student:read,any,any", "student:read is not asked about for registrar, same_school"),
        ("reporter,same_district,account:read,any,any", "account:read is not asked about for reporter, same_district"),
        (
            "registrar,same_school,key:manage,confirmed,any",
            "for registrar, same_school, key:manage guardianship is none",
        ),
        ("registrar,same_school,key:manage,any,passed", "for registrar, same_school, key:manage verification is none"),
        ("student,own,student:read,confirmed,any", "for student, own, student:read guardianship is self"),
        (
            "guardian,own_student,student:read,confirmed,passed",
            "for guardian, own_student, student:read verification is none",
        ),
    ],
)
def test_a_row_that_can_never_match_is_refused(row: str, reason: str) -> None:
    assert refused(table(row)) == (2, f"it can never match: {reason}")


@pytest.mark.parametrize("action", sorted(ANOTHERS_ACCOUNT))
@pytest.mark.parametrize("scope", ["same_school", "same_district"])
def test_anothers_account_is_for_a_confirmed_guardianship_and_a_passed_verification_alone(
    action: Action, scope: str
) -> None:
    for role in ("designee", "registrar", "technology", "reporter", "administrator"):
        for word in WORDS["guardianship"]:
            if word not in {"confirmed", "self"}:
                reason = f"{action} needs guardianship confirmed, or self; not {word}"
                assert refused(table(f"{role},{scope},{action},{word},passed")) == (2, reason)
        for word in WORDS["verification"]:
            if word != "passed":
                for known in ("confirmed", "self"):
                    reason = f"{action} needs verification passed; not {word}"
                    assert refused(table(f"{role},{scope},{action},{known},{word}")) == (2, reason)
        for known in ("confirmed", "self"):
            assert len(read_table(table(f"{role},{scope},{action},{known},passed"))) == 1


@pytest.mark.parametrize("action", [Action.STUDENT_READ, Action.DISCLOSURE_READ])
def test_a_students_record_is_for_a_confirmed_guardianship_alone(action: Action) -> None:
    """No table lets somebody see a student against a court order, or a guardianship that nobody confirmed."""
    for word in WORDS["guardianship"]:
        if word != "confirmed":
            reason = f"own_student needs guardianship confirmed; not {word}"
            assert refused(table(f"guardian,own_student,{action},{word},any")) == (2, reason)
    assert len(read_table(table(f"guardian,own_student,{action},confirmed,any"))) == 1


def test_of_all_rows_that_can_be_written_those_that_load_give_nothing_away() -> None:
    loaded = 0
    for cells in product(*WORDS.values()):
        found = read(table(",".join(cells)))
        if isinstance(found, TableRefused):
            assert found.line == 2
            continue
        [row], loaded = found, loaded + 1
        if row.action in ANOTHERS_ACCOUNT:
            assert (row.guardianship in {"confirmed", "self"}, row.verification) == (True, "passed"), cells
        if row.action in {Action.STUDENT_READ, Action.DISCLOSURE_READ}:
            assert (row.role, row.scope) == (Role.STUDENT, Scope.OWN) or row.guardianship == "confirmed", cells
    assert 300 < loaded < 1000


# ------------------------------------------------------------------------------------------------ as it is written
@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + table(RESET),
        table(RESET).replace("\n", "\r\n"),
        table(RESET).replace("\n", "\r"),
        table(RESET).rstrip("\n"),
        table(RESET) + "\n\n",
        '"role",scope,action,"guardianship",verification\n"designee",same_school,"account:reset",confirmed,"passed"',
    ],
    ids=["byte order mark", "CRLF", "CR", "no last line end", "blank lines at the end", "quoted"],
)
def test_a_table_may_come_from_any_spreadsheet(text: str) -> None:
    assert read_table(text) == (Row(2, Role.DESIGNEE, Scope.SAME_SCHOOL, Action.ACCOUNT_RESET, "confirmed", "passed"),)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blank_lines_count_when_a_line_is_named(end: str) -> None:
    text = table(RESET, "", "", "nonsense").replace("\n", end)
    assert refused(text) == (5, "it has 1 columns and needs 5")


def test_what_is_no_csv_is_refused_at_its_line() -> None:
    assert refused(table(RESET, '"designee"s,own')) == (3, "it cannot be read as CSV: ',' expected after '\"'")
    line, reason = refused(table(RESET, '"designee,own'))
    assert (line, reason) == (3, "it cannot be read as CSV: unexpected end of data")
    assert refused(table("x" * 200_000)) == (2, "it cannot be read as CSV: field larger than field limit (131072)")


def read_file(folder: Path, content: bytes) -> tuple[int, str]:
    path = folder / "table.csv"
    path.write_bytes(content)
    with pytest.raises(TableRefused) as problem:
        load_table(path)
    return problem.value.line, problem.value.reason


def test_a_file_is_utf_8_and_no_larger_than_a_table_can_be(tmp_path: Path) -> None:
    assert read_file(tmp_path, table(RESET, "régistrar").encode("latin-1")) == (3, "the file is not UTF-8")
    assert read_file(tmp_path, table(RESET).encode("utf-16")) == (1, "the file is not UTF-8")
    assert read_file(tmp_path, b"")[0] == 1
    huge = table(RESET).encode() + b"\n" * LARGEST
    assert read_file(tmp_path, huge) == (1, f"the file has more than {LARGEST} bytes: it is no policy table")
    (tmp_path / "table.csv").write_bytes(huge[:LARGEST])
    assert len(load_table(tmp_path / "table.csv")) == 1
    with pytest.raises(FileNotFoundError):
        load_table(tmp_path / "no-such-table.csv")

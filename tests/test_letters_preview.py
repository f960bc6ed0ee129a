"""`portal letters preview`, as an operator runs it."""

from pathlib import Path

import pytest

from mail.letters.examples import examples
from tests.command_line import portal
from tests.test_letters import RULES

NAMES = set(examples(RULES))


@pytest.mark.parametrize(
    ("options", "subject"),
    [
        ((), "Your password was changed / Se cambió su contraseña"),
        (("--language", "es"), "Se cambió su contraseña"),
        (("--language", "en"), "Your password was changed"),
    ],
)
def test_all_letters_are_written_and_shown_side_by_side(tmp_path: Path, options: tuple[str, ...], subject: str) -> None:
    answer = portal(tmp_path, "letters", "preview", *options, district_name="Lakeside District")
    assert (answer.returncode, answer.stderr) == (0, "")
    folder = tmp_path / "var" / "letters"
    written = {path.name for path in folder.iterdir()}
    assert written == {"index.html", *(f"{name}.{form}" for name in NAMES for form in ("html", "txt"))}
    assert answer.stdout == f"{len(NAMES)} letters. Open var/letters/index.html in a browser.\n"
    text = (folder / "PASSWORD_CHANGED.txt").read_text(encoding="utf-8")
    assert text.startswith(f"Subject: {subject}\n\n")
    assert "Lakeside District" in text
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert all(f'src="{name}.html"' in index for name in NAMES)
    # No database was started for it.
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["letters"]


def test_one_kind_is_written_to_a_folder_of_choice(tmp_path: Path) -> None:
    answer = portal(tmp_path, "letters", "preview", "ACCOUNT_ENABLED", "--to", tmp_path / "a" / "b")
    assert answer.returncode == 0, answer.stderr
    names = {"ACCOUNT_ENABLED", "ACCOUNT_ENABLED-not-opened", "index"}
    assert {path.stem for path in (tmp_path / "a" / "b").iterdir()} == names
    assert not (tmp_path / "var").exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = portal(tmp_path, "letters", "preview", "--to", tmp_path / "file")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == f"portal: The folder {tmp_path / 'file'} cannot be written: File exists.\n"


def test_what_is_no_kind_is_not_understood(tmp_path: Path) -> None:
    assert portal(tmp_path, "letters", "preview", "BIRTHDAY").returncode == 2

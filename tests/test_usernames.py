"""Which usernames may be chosen, and which ones are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import usernames
from policies.usernames import UsernameProblem

ANY_TEXT = st.text(st.characters() | st.sampled_from("\ud800\udfff\0\u0301"))


@pytest.mark.parametrize(
    "username",
    [
        "ann",
        "Maria.Lopez",
        "m_lopez-2",
        "maria+kids@example.org",
        "2cool",
        "a" * 64,
        "  maria  ",
        "ｍａｒｉａ",
        "123456",
    ],
)
def test_a_username_that_may_be_chosen(username: str) -> None:
    assert usernames.problems(username) == []


@pytest.mark.parametrize(
    ("username", "expected"),
    [
        ("", ["TOO_SHORT"]),
        ("   ", ["TOO_SHORT"]),
        (" ab ", ["TOO_SHORT"]),
        ("a" * 65, ["TOO_LONG"]),
        ("a" * 100_000, ["TOO_LONG"]),
        ("maria lopez", ["CHARACTER_NOT_ALLOWED"]),
        ("maría", ["CHARACTER_NOT_ALLOWED"]),
        ("mаria", ["CHARACTER_NOT_ALLOWED"]),  # with a Cyrillic "а"
        ("maria\u200b", ["CHARACTER_NOT_ALLOWED"]),
        ("mar\nia", ["CHARACTER_NOT_ALLOWED"]),
        ("maria\0", ["CHARACTER_NOT_ALLOWED"]),
        ("maria\ud800", ["CHARACTER_NOT_ALLOWED"]),
        ("maria!", ["CHARACTER_NOT_ALLOWED"]),
        ("٣٣٣٣", ["CHARACTER_NOT_ALLOWED"]),
        (".maria", ["BAD_START"]),
        ("@maria", ["BAD_START"]),
        ("-m", ["TOO_SHORT", "BAD_START"]),
        ("é" * 70, ["TOO_LONG", "CHARACTER_NOT_ALLOWED"]),
        ("123456789", ["LOOKS_LIKE_SSN"]),
        ("123-45-6789", ["LOOKS_LIKE_SSN"]),
        (" 123.45.6789 ", ["LOOKS_LIKE_SSN"]),
        ("１２３４５６７８９", ["LOOKS_LIKE_SSN"]),
    ],
)
def test_a_username_that_may_not_be_chosen(username: str, expected: list[str]) -> None:
    found = usernames.problems(username)
    assert found == expected
    assert all(str(usernames.message(problem)).endswith(".") for problem in found)


def test_each_problem_has_its_own_advice() -> None:
    assert len({str(usernames.message(problem)) for problem in UsernameProblem}) == len(UsernameProblem)


@pytest.mark.parametrize(
    "same", ["Maria.Lopez", "MARIA.LOPEZ", " maria.lopez\t", "ｍａｒｉａ．ｌｏｐｅｚ", "\u3000maria.lopez\u00a0"]
)
def test_case_and_outer_blanks_do_not_make_another_username(same: str) -> None:
    assert usernames.folded(same) == "maria.lopez"


def test_what_is_kept_has_the_capitals_that_were_chosen() -> None:
    assert usernames.kept(" Maria.Lopez ") == "Maria.Lopez"


def test_signs_and_letters_do_make_another_username() -> None:
    different = ["maria.lopez", "marialopez", "maria_lopez", "maria-lopez", "maría.lopez", "mаria.lopez"]
    assert len({usernames.folded(name) for name in different}) == len(different)


@given(ANY_TEXT)
def test_no_text_raises_and_good_usernames_are_plain(text: str) -> None:
    folded = usernames.folded(text)
    if not usernames.problems(text):
        assert folded.isascii()
        assert folded == usernames.kept(text).lower() == usernames.folded(folded)
        assert 3 <= len(folded) <= 64


@given(st.text("abcXYZ019._@+-", min_size=1, max_size=70), ANY_TEXT)
def test_a_username_that_may_be_chosen_is_the_same_as_none_that_looks_different(username: str, other: str) -> None:
    if usernames.folded(username) == usernames.folded(other) and not usernames.problems(username):
        assert usernames.problems(other) == []


def test_a_very_long_text_is_not_cut_to_a_username_that_exists() -> None:
    assert usernames.folded("a" * 64) != usernames.folded("a" * 10_000)
    assert usernames.folded(" " * 10_000 + "maria") == "maria"
    assert len(usernames.folded("ﷺ" * 100_000)) < 100_000

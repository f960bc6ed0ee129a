"""Which passwords are good enough: the rules as a table, and what must hold for any text that somebody may send."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zxcvbn import matching

from db.rules import Rules
from policies import passwords
from policies.passwords import PasswordFault, PasswordProblem, message, problems

RULES = Rules.model_validate({"district_name": "Springfield Unified School District"})
CONTEXT = ["María", "Gonzalez-Smith", "Tommy", "Li", "maria.g@example.org"]
USERNAME = "mgonz1985"
#: Halves of characters and other trouble come up by themselves too seldom.
ANY_CHARACTER = st.characters() | st.sampled_from("\ud800\udfff\0\u0301")
LOOK_ALIKES = "4@8({[<3691!|17$50+%2"


def faults(password: str, *, context: list[str] = CONTEXT, username: str = USERNAME) -> list[str]:
    return [found.fault for found in problems(password, rules=RULES, context=context, username=username)]


@pytest.mark.parametrize(
    "password",
    [
        "purple tractor lamp",
        "correct horse battery staple",
        "mi perro come pan",
        "contraseña muy larga",
        "四月の雨が静かに降る朝の庭",
        "🐘🦊🎈🍕🚲📚🎸🌵🏔️⛵🍉🔑",
        "kx8!vQz71LwP",
        "football rocks",
        "  spaces around it  ",
        "lowercaseletterswilldoverywell",
        "Tommy has seven red kites at home",
        "a" * 90 + "kx8!vQz71Lw",
        "kx8!vQz71Lw" + "a" * 90,
        "x8!" + "kvQz71Lw?5 " * 11,
    ],
)
def test_a_password_that_may_be_used(password: str) -> None:
    assert faults(password) == []


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", ["TOO_SHORT"]),
        ("kx8!vQz71Lw", ["TOO_SHORT"]),
        ("🐘🦊🎈🍕🚲📚🎸🌵⛵🍉🔑", ["TOO_SHORT"]),
        ("kx8!vQz71Lw?" * 11, ["TOO_LONG"]),
        ("x" * 1_000_000, ["TOO_LONG"]),
        ("purple\0tractor lamp", ["UNUSABLE_CHARACTER"]),
        ("purple\ttractor lamp", ["UNUSABLE_CHARACTER"]),
        ("purple tractor lamp\n", ["UNUSABLE_CHARACTER"]),
        ("purple tractor \ud800", ["UNUSABLE_CHARACTER"]),
        ("purple tractor \U0003ffff", ["UNUSABLE_CHARACTER"]),
        ("short\0", ["TOO_SHORT", "UNUSABLE_CHARACTER"]),
        # what everybody tries
        ("passwordpassword", ["EASILY_GUESSED"]),
        ("p4$$w0rdp4$$w0rd", ["EASILY_GUESSED"]),
        ("1234567890123", ["EASILY_GUESSED"]),
        ("qwertyuiop[]", ["EASILY_GUESSED"]),
        ("iloveyou12345", ["EASILY_GUESSED"]),
        ("sunshine1234", ["EASILY_GUESSED"]),
        ("a" * 12, ["EASILY_GUESSED"]),
        ("a" * 128, ["EASILY_GUESSED"]),
        ("abc" * 42, ["EASILY_GUESSED"]),
        ("🐘" * 20, ["EASILY_GUESSED"]),
        ("password" * 16, ["EASILY_GUESSED"]),
        ("ａｂｃａｂｃａｂｃａｂｃ", ["EASILY_GUESSED"]),
        ("!@#$%^&*()_+{}|", ["EASILY_GUESSED"]),
        ("1234567890!@#$%^&*(){}", ["EASILY_GUESSED"]),
        ("m!chael$m1chael5m|chael$", ["EASILY_GUESSED"]),
        # what somebody tries who knows the family
        ("MariaGonzalez2015", ["CONTAINS_PERSONAL"]),
        ("maría gonzález", ["CONTAINS_PERSONAL"]),
        ("M4r14G0nz4lez!", ["CONTAINS_PERSONAL"]),
        ("gonzalezsmith!!", ["CONTAINS_PERSONAL"]),
        ("maria.g@example.org", ["CONTAINS_PERSONAL"]),
        ("Springfield2024", ["CONTAINS_PERSONAL"]),
        ("TommyTommyTommy", ["CONTAINS_PERSONAL"]),
        ("iloveyoutommy", ["CONTAINS_PERSONAL"]),
        ("mgonz1985 likes strong tea", ["CONTAINS_PERSONAL"]),
        ("MGONZ1985 likes strong tea", ["CONTAINS_PERSONAL"]),
        ("mg0nz1985 likes strong tea", ["CONTAINS_PERSONAL"]),
    ],
)
def test_a_password_that_may_not_be_used(password: str, expected: list[str]) -> None:
    assert faults(password) == expected


@pytest.mark.parametrize(
    "password", ["MariaGonzalez2015", "tommy-tommy-12", "mgonz1985 likes strong tea", "maria.g@example.org"]
)
def test_what_is_personal_to_one_is_not_to_another(password: str) -> None:
    assert "CONTAINS_PERSONAL" in faults(password)
    assert "CONTAINS_PERSONAL" not in faults(password, context=["Priya"], username="priya77")


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("José Ángel Núñez", "joseangelnunez!"),
        ("Núñez-Ángel", "NÚÑEZÁNGEL 77"),
        ("Mc Coy", "mccoymccoymccoy"),
        ("O'Neil", "oneil oneil oneil"),
    ],
)
def test_a_name_is_recognised_with_and_without_its_accents_and_gaps(name: str, password: str) -> None:
    assert faults(password, context=[name]) == ["CONTAINS_PERSONAL"]


def test_a_short_name_inside_an_ordinary_word_does_no_harm() -> None:
    assert faults("lima beans like lilies", context=["Li", "Ana"]) == []


def test_the_answer_says_the_length_but_never_the_word() -> None:
    assert problems("short", rules=RULES, context=[]) == [PasswordProblem(PasswordFault.TOO_SHORT, 12)]
    assert problems("x" * 129, rules=RULES, context=[]) == [PasswordProblem(PasswordFault.TOO_LONG, 128)]
    personal = problems("TommyTommyTommy", rules=RULES, context=CONTEXT)
    assert personal == [PasswordProblem(PasswordFault.CONTAINS_PERSONAL)]
    assert "ommy" not in str(message(personal[0]))


def test_the_lengths_are_the_districts() -> None:
    strict = Rules.model_validate({"password_min_length": 20, "password_max_length": 64})
    assert [p.limit for p in problems("purple tractor lamp", rules=strict, context=[])] == [20]
    assert [p.limit for p in problems("purple tractor lamp " * 4, rules=strict, context=[])] == [64]


def test_length_is_counted_in_characters_of_the_normal_form() -> None:
    # Eleven letters, each typed as a letter and two accents: thirty-three keys, eleven characters.
    assert faults("e\u0302\u0301" * 11) == ["TOO_SHORT"]
    assert faults("ﬃﬃﬃﬃ" + "kx8!vQz7") == []
    assert faults("é" * 64 + "kx8!vQz71LwP" * 5) == faults("e\u0301" * 64 + "kx8!vQz71LwP" * 5) == []
    # One character can stand for eighteen.
    assert faults("ﷺ" * 8) == ["TOO_LONG"]


def test_each_fault_has_its_own_advice() -> None:
    advice = {str(message(PasswordProblem(fault, 12))) for fault in PasswordFault}
    assert len(advice) == len(PasswordFault)
    assert str(message(PasswordProblem(PasswordFault.TOO_SHORT, 15))).startswith("Use at least 15 characters.")
    assert all(sentence.endswith(".") and "None" not in sentence for sentence in advice)


def test_personal_words_are_not_left_behind_in_the_library() -> None:
    assert faults("purple tractor lamp") == []
    assert "user_inputs" not in matching.RANKED_DICTIONARIES
    assert faults("zanzibarzanzibar", context=["Zanzibar"]) == ["CONTAINS_PERSONAL"]
    assert faults("zanzibarzanzibar", context=[]) == ["EASILY_GUESSED"]


# ---------------------------------------------------------------- any text


@settings(deadline=None)
@given(st.text(ANY_CHARACTER, max_size=150), st.lists(st.text(ANY_CHARACTER, max_size=80), max_size=5))
def test_no_text_raises(password: str, context: list[str]) -> None:
    for found in problems(password, rules=RULES, context=context, username="".join(context)):
        assert str(message(found))


@given(st.text(LOOK_ALIKES + "aZ ~", min_size=12, max_size=128))
def test_the_work_for_one_password_is_bounded(password: str) -> None:
    """zxcvbn tries every combination of look-alikes at every length: unbounded, some passwords take it seconds."""
    for stretch in passwords._stretches(password):
        assert len(stretch) <= 32
        spellings = passwords.spellings(stretch)
        assert len(spellings) <= 2
        for spelling in spellings:
            tried = matching.enumerate_l33t_subs(matching.relevant_l33t_subtable(spelling, matching.L33T_TABLE))
            assert len(tried) <= 32


@pytest.mark.parametrize("alphabet", [LOOK_ALIKES, LOOK_ALIKES + "abcdefghij"])
def test_the_worst_that_can_be_typed_is_spelled_more_simply(alphabet: str) -> None:
    assert passwords.readings(alphabet) > 100
    for spelling in passwords.spellings(alphabet):
        assert passwords.readings(spelling) <= 8


def test_ordinary_look_alikes_are_judged_as_they_are() -> None:
    assert passwords.spellings("p4$$w0rd123") == ("p4$$w0rd123",)

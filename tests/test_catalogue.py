"""What is said to people is found in the source, and the catalogue has it in Spanish: all of it, and nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from db.languages import LANGUAGES, Sentence
from db.models import AccountStatus, DisabledReason
from policies.merging import Obstacle
from policies.passwords import PasswordFault, PasswordProblem
from policies.passwords import message as password_message
from policies.refusals import MissingFact, RefusalCode
from policies.usernames import UsernameProblem
from policies.usernames import message as username_message
from policies.words import Proof
from resolvers.second_factor import NOT_SET_UP
from schema.messages import AS_THINGS_STAND, HELP_WITH, MESSAGES, SUPPLIED_BY
from schema.refusals import HelpTopic
from schema.wording import worded
from tests.servers import REPOSITORY

#: What GraphQL says is made here; letters have a catalogue of their own, and the command line speaks English.
SPEAKING = ("db", "policies", "resolvers", "schema")
CATALOGUES = sorted((REPOSITORY / "schema" / "locale").glob("*.po"))
_PLACE = re.compile(r"%\((\w+)\)([sd])")
_SAYING = {"say": 1, "say_number": 2}


def extracted(*folders: Path) -> set[str | tuple[str, ...]]:
    """The English texts, as a tool for translators finds them."""
    keywords = {"say": None, "say_number": (1, 2)}
    return {
        text
        for folder in folders
        for _, _, text, _, _ in extract_from_dir(folder, method_map=[("**.py", "python")], keywords=keywords)
    }


SAID = extracted(*(REPOSITORY / name for name in SPEAKING))


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def entries() -> list[tuple[str, Message]]:
    return [(path.stem, entry) for path in CATALOGUES for entry in catalogue(path) if entry.id]


def forms(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


def places(text: str) -> set[tuple[str, str]]:
    return set(_PLACE.findall(text))


def named(entry: object) -> str:
    return str(entry.id)[:40] if isinstance(entry, Message) else str(entry)


# ------------------------------------------------------------------------------------------------ all of it
def test_there_is_a_catalogue_for_each_language_but_that_of_the_source() -> None:
    assert [path.stem for path in CATALOGUES] == sorted(LANGUAGES[1:])


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_has_all_that_is_said_and_nothing_that_is_not(path: Path) -> None:
    known = catalogue(path)
    assert {entry.id for entry in known if entry.id} == SAID
    assert not known.obsolete
    assert len(SAID) > 80


@pytest.mark.parametrize(("language", "entry"), entries(), ids=named)
def test_an_entry_is_whole_and_says_the_same_as_the_english(language: str, entry: Message) -> None:
    assert not entry.fuzzy
    english, said = forms(entry.id), forms(entry.string)
    assert len(said) == (1 if isinstance(entry.id, str) else catalogue(CATALOGUES[0]).num_plurals)
    for text in said:
        assert text == text.strip() != ""
        # A number may be left out where there is one thing; nothing else may, and nothing is made up.
        assert places(text) | {("number", "d")} == places(english[-1]) | {("number", "d")}
        assert not _PLACE.sub("", text).count("%")
        assert (text[-1] in ".:") == (english[0][-1] in ".:")
        if not (text.startswith("%") or english[0].startswith("%")):
            assert text[0].isupper() == english[0][0].isupper()
        if re.search(r"\w", _PLACE.sub("", english[0])):
            assert text not in english, f"not in {language}"


@pytest.mark.parametrize(("language", "entry"), entries(), ids=named)
def test_families_are_addressed_politely(language: str, entry: Message) -> None:
    if language == "es":
        for text in forms(entry.string):
            assert not re.search(r"\b(tú|tus?|te|ti|puedes|tienes|quieres|elige|escribe|llama a la)\b", text, re.I), (
                text
            )


# ------------------------------------------------------------------------------------------------ in the source
def saying(source: str) -> Iterator[tuple[int, list[ast.expr], set[str]]]:
    """Line, texts and names of values of each sentence that is said in this source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SAYING:
            yield node.lineno, node.args, {str(keyword.arg) for keyword in node.keywords}


def faults(source: str) -> list[str]:
    """Sentences whose text does not stand where they are said, or whose values do not fit it."""
    found = []
    for line, arguments, values in saying(source):
        texts = [each.value for each in arguments if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        given = values | {"number"} if len(arguments) == 3 else values
        wanted = {name for text in texts for name, _ in places(text)}
        if len(texts) != len(arguments) - (len(arguments) == 3) or not texts:
            found.append(f"{line}: no text")
        elif given - {"number"} != wanted - {"number"}:
            found.append(f"{line}: {sorted(given ^ wanted)}")
    return found


def python(*folders: str) -> list[Path]:
    return [path for name in folders for path in sorted((REPOSITORY / name).rglob("*.py"))]


def test_each_sentence_stands_where_it_is_said_and_has_the_values_that_it_names() -> None:
    assert {path.name: found for path in python(*SPEAKING) if (found := faults(path.read_text("utf-8")))} == {}


def test_a_sentence_that_cannot_be_translated_would_be_found(tmp_path: Path) -> None:
    assert faults('say("one " "text")\nsay("%(a)s and %(b)d", a=1, b=2)\nsay_number("one", "%(number)d", n)') == []
    for wrong in (
        'say(f"{a} and b")',
        "say(text)",
        'say("a" + b)',
        'say("%(a)s")',
        'say("a", a=1)',
        'say("%(a)s", b=1)',
        'say_number("one", several, n)',
        'say_number("one %(a)s", "%(number)d", n)',
    ):
        assert len(faults(wrong)) == 1, wrong
    (tmp_path / "rules.py").write_text('say("one " "text")\nsay_number("one", "%(number)d", n)\nx = "no sentence"\n')
    assert extracted(tmp_path) == {"one text", ("one", "%(number)d")}


def test_whoever_speaks_has_a_catalogue() -> None:
    """And sentences are made by saying them, so that the source can be searched for them."""
    assert [path for path in python("app") if list(saying(path.read_text("utf-8")))] == []
    for path in python(*SPEAKING, "app"):
        if path != REPOSITORY / "db" / "languages.py":
            assert not re.search(r"\bSentence\(", path.read_text("utf-8")), path


# ------------------------------------------------------------------------------------------------ every word
def told() -> Iterator[tuple[str, Sentence]]:
    """Each word that a client may branch on, and each fault, with what a person reads."""
    yield from ((code, MESSAGES[code].text) for code in RefusalCode)
    yield from ((fact, SUPPLIED_BY[fact]) for fact in MissingFact)
    yield from ((status, said.text) for status, said in AS_THINGS_STAND.items())
    yield from ((fault, password_message(PasswordProblem(fault, 12))) for fault in PasswordFault)
    yield from ((problem, username_message(problem)) for problem in UsernameProblem)


@pytest.mark.parametrize(("word", "sentence"), list(told()), ids=named)
def test_every_word_has_a_sentence_of_its_own_in_each_language(word: str, sentence: Sentence) -> None:
    said = {worded(sentence, language) for language in LANGUAGES}
    assert len(said) == len(LANGUAGES)
    assert all(text.endswith(".") and "%" not in text for text in said)


def test_no_two_codes_facts_or_states_are_told_alike() -> None:
    sentences = [sentence for _, sentence in told()]
    plain = [sentence for sentence in sentences if not sentence.values]
    for language in LANGUAGES:
        assert len({worded(sentence, language) for sentence in plain}) == len(plain)


def test_each_way_in_which_things_may_stand_has_words() -> None:
    accounts = {status.name for status in AccountStatus} | {DisabledReason.LEGAL_RESTRICTION.name, NOT_SET_UP}
    verifications = {proof.name for proof in (Proof.PASSED, Proof.FAILED, Proof.EXPIRED, Proof.USED)}
    assert set(AS_THINGS_STAND) >= accounts | verifications | {obstacle.value for obstacle in Obstacle}


def test_every_topic_that_is_pointed_to_is_one() -> None:
    pointed = {said.topic for said in (*MESSAGES.values(), *AS_THINGS_STAND.values())} | set(HELP_WITH.values())
    assert pointed - {None} <= {topic.name for topic in HelpTopic}

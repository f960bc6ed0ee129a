"""The help texts as they are read: each article in each language, with a reason for each one that cannot stand."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from db.context import Context
from db.languages import LANGUAGES, Language

#: Bytes of the largest file that is read: room for all articles many times over.
LARGEST: Final = 1_000_000
#: Characters of a question, and of an answer: about three screens of a telephone.
LONGEST_QUESTION: Final = 150
LONGEST_ANSWER: Final = 2000
#: The texts that come with the product.
SHIPPED: Final = files("policies") / "help_texts.toml"
_BRACED: Final = re.compile(r"\{([^{}]*)\}")


class HelpTopic(StrEnum):
    """What people ask for help with, in the order in which it comes up."""

    GETTING_A_KEY = "GETTING_A_KEY"
    ACTIVATING = "ACTIVATING"
    LOGGING_IN = "LOGGING_IN"
    FORGOTTEN_LOG_ON = "FORGOTTEN_LOG_ON"
    DISABLED_ACCOUNT = "DISABLED_ACCOUNT"
    STUDENT_NOT_VISIBLE = "STUDENT_NOT_VISIBLE"
    WRONG_STUDENTS = "WRONG_STUDENTS"
    CONTACT = "CONTACT"


class Filled(StrEnum):
    """What the portal fills in where a text has it between braces."""

    DISTRICT = "district"
    CONTACT = "contact"
    LOG_ON_PAGE = "log_on_page"
    ACTIVATION_PAGE = "activation_page"
    PASSWORD_PAGE = "password_page"
    PASSWORD_LENGTH = "password_length"
    KEY_DAYS = "key_days"
    LINK_MINUTES = "link_minutes"
    LOCK_MINUTES = "lock_minutes"


@dataclass(frozen=True, slots=True)
class HelpText:
    """An article in one language, with what is to be filled in between braces."""

    question: str
    answer: str


HelpTexts = Mapping[HelpTopic, Mapping[Language, HelpText]]


class HelpTextsRefused(Exception):
    """Help texts that cannot be shown: which topic in which language it is, as far as it is one, and why."""

    def __init__(self, reason: str, topic: str | None = None, language: str | None = None) -> None:
        place = f"{topic} in {language}" if language else topic
        super().__init__(f"{place}: {reason}" if place else reason)
        self.topic = topic
        self.language = language
        self.reason = reason


def filled(text: str, values: Mapping[Filled, str]) -> str:
    """The text with these values in it; a value that has braces itself stays as it is."""
    return _BRACED.sub(lambda found: values[Filled(found[1])], text)


def read_help_texts(text: str) -> HelpTexts:
    """The articles of a file, each of which is whole and in all languages.

    Raises:
        HelpTextsRefused: for what is not TOML; for an unknown topic, language, field or placeholder; for what is
            missing, empty, too long or cannot be shown; and for a file without an article.
    """
    try:
        found = tomllib.loads(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError) as malformed:
        raise HelpTextsRefused(f"it cannot be read as TOML: {malformed}") from None
    if not found:
        raise HelpTextsRefused("it holds no article")
    return {_topic(name): _article(name, languages) for name, languages in found.items()}


def load_help_texts(path: Path | None) -> HelpTexts:
    """The articles that come with the product, with those of a file in place of the ones of the same topics.

    Raises:
        HelpTextsRefused: as `read_help_texts`, and where the file is not UTF-8 or larger than any help.
        OSError: when the file cannot be read.
    """
    return _loaded(path)


def help_texts_of(ctx: Context) -> HelpTexts:
    """The articles of this deployment, which were read when they were first asked for: at the start.

    Raises:
        HelpTextsRefused, OSError: when they cannot be used; `app` asks for them before anything is served.
    """
    return _loaded(ctx.rules.help_texts)


@lru_cache
def _loaded(path: Path | None) -> HelpTexts:
    shipped = read_help_texts(SHIPPED.read_text(encoding="utf-8"))
    own = read_help_texts(_content(path)) if path is not None else {}
    articles = {**shipped, **own}
    return {topic: articles[topic] for topic in HelpTopic}


def _content(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise HelpTextsRefused(f"the file has more than {LARGEST} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as malformed:
        line = content.count(b"\n", 0, malformed.start) + 1
        raise HelpTextsRefused(f"the file is not UTF-8, line {line}") from None


# ------------------------------------------------------------------------------------------------ one article
def _topic(name: str) -> HelpTopic:
    if name not in set(HelpTopic):
        raise HelpTextsRefused(f"there is no such topic; known are {', '.join(HelpTopic)}", repr(name))
    return HelpTopic(name)


def _article(topic: str, languages: object) -> dict[Language, HelpText]:
    if not isinstance(languages, dict):
        raise HelpTextsRefused(f"it has to be a table with a part for each language, such as [{topic}.en]", topic)
    for name in languages:
        if name not in LANGUAGES:
            raise HelpTextsRefused(f"{name!r} is no language of the portal's; those are {', '.join(LANGUAGES)}", topic)
    for language in LANGUAGES:
        if language not in languages:
            raise HelpTextsRefused("this language is missing", topic, language)
    return {language: _text(topic, language, languages[language]) for language in LANGUAGES}


def _text(topic: str, language: Language, parts: object) -> HelpText:
    def refuse(reason: str) -> HelpTextsRefused:
        return HelpTextsRefused(reason, topic, language)

    if not isinstance(parts, dict):
        raise refuse("it has to be a table with a question and an answer")
    if unknown := sorted(set(parts) - {"question", "answer"}):
        raise refuse(f"{unknown[0]!r} is neither the question nor the answer")
    said: dict[str, str] = {}
    for part, longest in (("question", LONGEST_QUESTION), ("answer", LONGEST_ANSWER)):
        value = parts.get(part)
        if value is None:
            raise refuse(f"the {part} is missing")
        if not isinstance(value, str):
            raise refuse(f"the {part} is no text")
        said[part] = _paragraphs(value)
        if reason := _fault(said[part], longest):
            raise refuse(f"the {part} {reason}")
    if "\n" in said["question"]:
        raise refuse("the question has more than one paragraph")
    return HelpText(**said)


def _paragraphs(text: str) -> str:
    """As it is shown: paragraphs with an empty line between them, and no other line breaks."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text.strip()))


def _fault(text: str, longest: int) -> str | None:
    """What is wrong with a question or an answer."""
    if not text:
        return "is empty"
    if len(text) > longest:
        return f"has {len(text)} characters, of which {longest} can be shown"
    if not text.replace("\n", "").isprintable():
        return "has a character that cannot be shown"
    for name in _BRACED.findall(text):
        if name not in set(Filled):
            known = ", ".join(f"{{{word}}}" for word in Filled)
            return f"has {{{name}}}, which nothing is filled in for; known are {known}"
    if re.search(r"[{}]", _BRACED.sub("", text)):
        return "has a brace without its counterpart"
    return None

"""The languages in which people are spoken to: sentences are written in English, and catalogues hold them in Spanish.

A sentence is made where what it says is known (`say("At least %(least)d characters.", least=12)`), and put into a
language where it is known who reads it. So rules and steps never ask for a language. The catalogues are gettext files
(`locale/es.po` beside the package that speaks), read as they are: there is nothing to compile. A test reads the source
for all that is said and fails when a catalogue lacks any of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal, Self

Language = Literal["en", "es"]
#: The one that sentences are written in comes first: it is used where nothing else is known.
LANGUAGES: Final[tuple[Language, ...]] = ("en", "es")
_BY_TAG: Final[Mapping[str, Language]] = {language: language for language in LANGUAGES}

#: What is read of an Accept-Language header. Those of browsers have a few dozen characters.
_LONGEST_HEADER: Final = 200
#: Headers whose answer is remembered: a browser sends one and the same, and a stranger may make up any number.
_MOST_REMEMBERED: Final = 256
#: RFC 9110 §12.4.2, with any number of digits.
_WEIGHT: Final = re.compile(r"0(?:\.[0-9]*)?|1(?:\.0*)?")


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something to tell a person, before it is in a language.

    Its values are put in with `%(name)s` and the like; a value that is a sentence itself is put into the same language.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    #: What it is in English for any number but one, where it depends on the value `number`.
    plural: str | None = None

    def __str__(self) -> str:
        """In English."""
        said = self.plural if self.plural is not None and self.values["number"] != 1 else self.text
        return said % self.values if self.values else said

    def as_plain(self) -> dict[str, object]:
        """What can be kept as JSON and said again later, in any language."""
        values = {
            name: value.as_plain() if isinstance(value, Sentence) else value for name, value in self.values.items()
        }
        return {"text": self.text, "values": values, "plural": self.plural}

    @classmethod
    def of_plain(cls, kept: Mapping[str, Any]) -> Self:
        """The sentence that was kept by `as_plain`."""
        values = {
            name: cls.of_plain(value) if isinstance(value, Mapping) else value for name, value in kept["values"].items()
        }
        return cls(kept["text"], values, kept["plural"])


def say(text: str, **values: object) -> Sentence:
    """A sentence; the text must stand here as it is, since the catalogues are checked against the source."""
    return Sentence(text, values)


def say_number(singular: str, plural: str, number: int, **values: object) -> Sentence:
    """A sentence that is another one for one thing than for several; `number` is among its values."""
    return Sentence(singular, {"number": number} | values, plural)


class Catalogue:
    """The sentences of one package in all languages."""

    def __init__(self, folder: Path) -> None:
        self._translations: dict[str, GNUTranslations] = {
            language: _translations(folder / f"{language}.po", language) for language in LANGUAGES[1:]
        }

    def put(self, sentence: Sentence | str, language: str) -> str:
        """The sentence in this language, one of LANGUAGES; in English where the catalogue lacks it."""
        if isinstance(sentence, str):
            sentence = Sentence(sentence)
        known = self._translations.get(language)
        # The empty text is not looked up: under it a gettext file keeps what it says of itself.
        if known is None or not sentence.text:
            return str(sentence)
        if sentence.plural is None:
            said = str(known.gettext(sentence.text))
        else:
            said = str(known.ngettext(sentence.text, sentence.plural, int(str(sentence.values["number"]))))
        if not sentence.values:
            return said
        return said % {
            name: self.put(value, language) if isinstance(value, Sentence) else value
            for name, value in sentence.values.items()
        }


@cache
def catalogue_of(folder: Path) -> Catalogue:
    """The catalogue in a folder, read once in the life of the process."""
    return Catalogue(folder)


def _translations(path: Path, language: str) -> GNUTranslations:
    # Only whoever speaks to people needs it: most commands of the command line do not.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        messages = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)


def spoken(tag: str | None) -> tuple[Language, ...]:
    """The languages to write to somebody in, by the BCP 47 tag on record: all, where none or another one is on record.

    A school knows few families' language; a letter that cannot be read is worse than one that says it twice.
    """
    known = _BY_TAG.get(_primary((tag or "").replace("_", "-")))
    return (known,) if known else LANGUAGES


def asked_for(header: str) -> Language:
    """The language that an Accept-Language header (RFC 9110 §12.5.4) likes best among LANGUAGES; English for none.

    Of two that it likes equally, the one that it names first. What cannot be read is as if it were not there.
    """
    if len(header) > _LONGEST_HEADER:
        # Without the last range that is read: it may have been cut in the middle.
        header = header[:_LONGEST_HEADER].rpartition(",")[0]
    return _liked_best(header)


@lru_cache(_MOST_REMEMBERED)
def _liked_best(header: str) -> Language:
    weights: dict[str, float] = {}
    for item in header.split(","):
        tag, *parameters = item.split(";")
        primary = _primary(tag)
        weights[primary] = max(weights.get(primary, 0.0), _weight(parameters))
    # `*` stands for all that are not named.
    others = weights.get("*", 0.0)
    named = [_BY_TAG[tag] for tag, weight in weights.items() if weight and tag in _BY_TAG]
    return max((*named, *LANGUAGES), key=lambda language: weights.get(language, others))


def _primary(tag: str) -> str:
    """Of `es-MX`, what says which language it is."""
    return tag.partition("-")[0].strip().lower()


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            value = value.strip()
            return float(value) if _WEIGHT.fullmatch(value) else 0.0
    return 1.0

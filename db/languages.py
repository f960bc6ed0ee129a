"""The languages in which people are spoken to: sentences are written in English, and catalogues hold them in Spanish.

A sentence is made where what it says is known (`say("At least %(least)d characters.", least=12)`), and put into a
language where it is known who reads it. So rules and steps never ask for a language. The catalogues are gettext files
(`locale/es.po` beside the package that speaks), read as they are: there is nothing to compile. A test reads the source
for all that is said and fails when a catalogue lacks any of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

#: The one that sentences are written in comes first: it is used where nothing else is known.
LANGUAGES: Final = ("en", "es")
#: More languages than this in one header are not read.
_MOST_ASKED_FOR: Final = 20


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something to tell a person, before it is in a language. Its values are put in with `%(name)s` and the like."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    #: What it is in English for any number but one, where it depends on the value `number`.
    plural: str | None = None

    def __str__(self) -> str:
        """In English."""
        said = self.plural if self.plural is not None and self.values["number"] != 1 else self.text
        return said % self.values if self.values else said


def say(text: str, **values: object) -> Sentence:
    """A sentence; the text must stand here as it is, since the catalogues are checked against the source."""
    return Sentence(text, values)


def say_number(singular: str, plural: str, number: int, **values: object) -> Sentence:
    """A sentence that is another one for one thing than for several; `number` is among its values."""
    return Sentence(singular, {"number": number} | values, plural)


class Catalogue:
    """The sentences of one package in all languages."""

    def __init__(self, folder: Path) -> None:
        self._translations = {
            language: _translations(folder / f"{language}.po", language) for language in LANGUAGES[1:]
        }

    def put(self, sentence: Sentence | str, language: str) -> str:
        """The sentence in this language, one of LANGUAGES; in English where the catalogue lacks it."""
        if isinstance(sentence, str):
            sentence = Sentence(sentence)
        known = self._translations.get(language)
        if known is None:
            return str(sentence)
        if sentence.plural is None:
            said = known.ugettext(sentence.text)
        else:
            said = known.ungettext(sentence.text, sentence.plural, int(str(sentence.values["number"])))
        return str(said % sentence.values if sentence.values else said)


@cache
def catalogue_of(folder: Path) -> Catalogue:
    """The catalogue in a folder, read once in the life of the process."""
    return Catalogue(folder)


def _translations(path: Path, language: str) -> Translations:
    with path.open("rb") as file:
        messages = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Translations(compiled)


def spoken(tag: str | None) -> tuple[str, ...]:
    """The languages to write to somebody in, by the BCP 47 tag on record: all, where none or another one is on record.

    A school knows few families' language; a letter that cannot be read is worse than one that says it twice.
    """
    primary = (tag or "").replace("_", "-").partition("-")[0].strip().lower()
    return (primary,) if primary in LANGUAGES else LANGUAGES


@cache
def _asked_for(header: str) -> str:
    best, weight = LANGUAGES[0], 0.0
    for item in header.split(",")[:_MOST_ASKED_FOR]:
        tag, *parameters = (part.strip().lower() for part in item.split(";"))
        primary = tag.partition("-")[0]
        asked = LANGUAGES[0] if primary == "*" else primary
        if asked in LANGUAGES and (said := _weight(parameters)) > weight:
            best, weight = asked, said
    return best


def asked_for(header: str) -> str:
    """The language that an Accept-Language header (RFC 9110 §12.5.4) likes best among LANGUAGES; English for none."""
    return _asked_for(header[:200])


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0

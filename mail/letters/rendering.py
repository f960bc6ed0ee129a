"""Puts a letter into languages, and into its two forms: text for every reader, HTML for a telephone in the evening."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import Any, Final

import phonenumbers
from babel.dates import format_date, format_time
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from db.languages import Sentence, catalogue_of, say
from db.rules import Rules
from mail.contents import Contents, School
from mail.letters.blocks import District, Fact, Facts, Heading, Letter, Link, Moment, Paragraph, Said, WhomToCall
from mail.letters.texts import text_of

HERE: Final = Path(__file__).parent
CATALOGUE: Final = HERE.parent / "locale"
#: Characters in a line of text; links are never broken.
WIDTH: Final = 76
_RULE: Final = "-" * WIDTH
#: Each language's name for itself, as a part of "read on below".
_BELOW: Final = {"es": "En español: siga leyendo más abajo.", "en": "In English: read on below."}
#: A subject in all languages is cut short by telephones; beyond this length the first one is enough.
_LONGEST_SUBJECT: Final = 70
#: `Rules.district_name` unless a district says otherwise: here for the catalogue.
USUAL_NAME: Final = say("the school district")
#: More than this of a text from the record says nothing to anybody.
_LONGEST: Final = 500
#: Hidden characters that names of some languages are written with (Unicode 23.2): zero-width joiner and non-joiner.
_JOINERS: Final = frozenset("\u200c\u200d")


@dataclass(frozen=True, slots=True)
class Written:
    """A letter that is ready to go: subject and both forms."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class _Block:
    """A block in one language, as the template and the text need it: `kind` is the block's name."""

    kind: str
    text: str = ""
    url: str = ""
    rows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Section:
    """The whole letter in one language."""

    language: str
    subject: str
    greeting: str
    blocks: tuple[_Block, ...]
    closing: tuple[str, ...]
    below: str | None


def write(contents: Contents, *, rules: Rules, languages: Sequence[str]) -> Written:
    """The letter, in one language after the other.

    Control characters and marks that turn the direction of text are taken out of all that it tells, so that nobody's
    name can add a line, or make one look like another.
    """
    letter = text_of(_cleaned(contents), rules)
    sections = [
        _section(letter, Voice(language, rules), below=_below(languages, place))
        for place, language in enumerate(languages)
    ]
    subject = " / ".join(dict.fromkeys(section.subject for section in sections))
    if len(subject) > _LONGEST_SUBJECT:
        subject = sections[0].subject
    return Written(
        subject=subject,
        text=f"\n{_RULE}\n\n".join(_as_text(section) for section in sections),
        html=_template().render(sections=sections, subject=subject, languages=languages),
    )


def _below(languages: Sequence[str], place: int) -> str | None:
    """At the top of the first language: that another one follows, in that one."""
    return " ".join(_BELOW[language] for language in languages[1:]) if place == 0 and len(languages) > 1 else None


# ------------------------------------------------------------------------------------------------ what goes in
def plain(text: str) -> str:
    """A text from the record or from a client as one line, without what cannot be seen, or is no character."""
    seen = (" " if unicodedata.category(sign) in {"Cc", "Zl", "Zp"} else sign for sign in text if not _hidden(sign))
    return " ".join("".join(seen).split())


def _hidden(sign: str) -> bool:
    if unicodedata.category(sign) in {"Cf", "Cs"}:
        return sign not in _JOINERS
    # Unicode 23.7: what HTML may not hold.
    return ord(sign) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(sign) <= 0xFDEF


def _cleaned(value: Any) -> Any:
    if isinstance(value, str) and type(value) is str:
        return plain(value)[:_LONGEST]
    if isinstance(value, tuple):
        return tuple(_cleaned(one) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _cleaned(getattr(value, field.name)) for field in fields(value)})
    return value


# ------------------------------------------------------------------------------------------------ languages
class Voice:
    """Speaks one language, in the district's time zone."""

    def __init__(self, language: str, rules: Rules) -> None:
        self.language = language
        self.rules = rules
        self._catalogue = catalogue_of(CATALOGUE)

    def put(self, said: Said) -> str:
        if isinstance(said, str):
            return said
        values = {name: self._value(value) for name, value in said.values.items()}
        return self._catalogue.put(Sentence(said.text, values, said.plural), self.language)

    def of_the_district(self, words: Said) -> str:
        """A district's own words as they are; the ones that come with the product in this language."""
        return plain(words if isinstance(words, str) else self._catalogue.put(words, self.language))

    def _value(self, value: object) -> object:
        if isinstance(value, Moment):
            return self._moment(value.at)
        if value is District.NAME:
            name = self.rules.district_name
            return self.of_the_district(USUAL_NAME if name == USUAL_NAME.text else name)
        return value

    def _moment(self, at: datetime) -> str:
        local = at.astimezone(self.rules.zone)
        day = format_date(local, "long", locale=self.language)
        clock = format_time(local, "short", locale="en_US" if self.language == "en" else "es_US").replace("\u202f", " ")
        return self.put(say("%(day)s at %(time)s", day=day, time=f"{clock.replace(chr(0xA0), ' ')} {local.tzname()}"))


def _section(letter: Letter, voice: Voice, *, below: str | None) -> _Section:
    return _Section(
        language=voice.language,
        subject=voice.put(letter.subject),
        greeting=voice.put(letter.greeting),
        blocks=tuple(inner for block in letter.blocks for inner in _blocks(block, voice)),
        closing=(
            voice.put(say("Nobody from the school will ever ask you for your password.")),
            voice.put(say("This letter was written by the portal of %(district)s.", district=District.NAME)),
        ),
        below=below,
    )


def _blocks(block: Heading | Paragraph | Facts | Link | WhomToCall, voice: Voice) -> list[_Block]:
    match block:
        case Heading(text):
            return [_Block("heading", voice.put(text))]
        case Paragraph(text):
            return [_Block("paragraph", voice.put(text))]
        case Facts(rows):
            return [_Block("facts", rows=tuple(_row(row, voice) for row in rows))]
        case Link(label, url):
            return [_Block("link", voice.put(label), url)]
        case WhomToCall(schools):
            return _whom_to_call(schools, voice)


def _row(fact: Fact, voice: Voice) -> tuple[str, str]:
    return voice.put(fact.label), voice.put(fact.value)


def _whom_to_call(schools: tuple[School, ...], voice: Voice) -> list[_Block]:
    reachable = [school for school in schools if school.phone]
    if not reachable:
        asked = say("Do you have questions? Turn to %(contact)s.", contact=voice.of_the_district(voice.rules.contact))
        return [_Block("paragraph", voice.put(asked))]
    label = voice.put(say("Do you have questions? Call the school:"))
    return [
        _Block("paragraph", label),
        _Block("phones", rows=tuple((school.name, school.phone or "") for school in reachable)),
    ]


# ------------------------------------------------------------------------------------------------ forms
def _as_text(section: _Section) -> str:
    lines = [section.below, ""] if section.below else []
    lines += [section.greeting, ""]
    for block in section.blocks:
        lines += [*_lines(block), ""]
    lines += [_wrapped(sentence) for sentence in section.closing]
    return "\n".join(lines) + "\n"


def _lines(block: _Block) -> list[str]:
    match block.kind:
        case "heading":
            return [_wrapped(f"* {block.text}")]
        case "facts" | "phones":
            return [_wrapped(f"{label}: {value}", "  ", "    ") for label, value in block.rows]
        case "link":
            return [f"{block.text}:", block.url]
        case _:
            return [_wrapped(block.text)]


def _wrapped(text: str, first: str = "", then: str = "") -> str:
    """In lines of at most WIDTH that begin like this; a word, such as a key to be copied, is never broken."""
    return fill(
        text, WIDTH, initial_indent=first, subsequent_indent=then, break_long_words=False, break_on_hyphens=False
    )


@cache
def _template() -> Template:
    # Whatever is put in is escaped: a name cannot be markup.
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["tel"] = _tel
    return environment.get_template("letter.html")


def _tel(phone: str) -> str | None:
    """What a telephone calls when the number is pressed (RFC 3966); None where it is no whole number."""
    try:
        number = phonenumbers.parse(phone, "US")
    except phonenumbers.NumberParseException:
        return None
    # Without its area code it could be called from nearby only.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.RFC3966)

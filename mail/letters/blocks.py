"""What a letter is made of, before it is in a language and in a form: one source for text and HTML."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from db.languages import Sentence
from mail.contents import School

#: A sentence of the catalogue, or a text that is the same in all languages: a name, a username, a key.
Said = Sentence | str


@dataclass(frozen=True, slots=True)
class Moment:
    """A date and time within a sentence, to be put into the district's time zone and the reader's language."""

    at: datetime


class District(Enum):
    """Within a sentence: what the district is called."""

    NAME = "NAME"


@dataclass(frozen=True, slots=True)
class Heading:
    """What the next few blocks are about."""

    text: Said


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A few sentences."""

    text: Said


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a list: what it is, and the thing itself, which somebody may have to copy."""

    label: Said
    value: Said


@dataclass(frozen=True, slots=True)
class Facts:
    """A short list."""

    rows: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A way on: what it does, and where it leads."""

    label: Said
    url: str


@dataclass(frozen=True, slots=True)
class WhomToCall:
    """The schools concerned; the district's contact where there is none with a telephone."""

    schools: tuple[School, ...]


Block = Heading | Paragraph | Facts | Link | WhomToCall


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter before it is in a language."""

    subject: Said
    greeting: Said
    blocks: tuple[Block, ...]

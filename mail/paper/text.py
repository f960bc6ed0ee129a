"""What a letter with a key says, in one language or in two, before it is laid out."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from babel.dates import format_date

from db.context import Capacity
from db.languages import say
from db.rules import Rules
from mail.letters.blocks import District, Moment
from mail.letters.rendering import USUAL_NAME, Voice, plain
from mail.paper.contents import KeyLetter, Seen


@dataclass(frozen=True, slots=True)
class Section:
    """The whole letter in one language, as plain texts in the order in which they are read."""

    language: str
    title: str
    date: str
    key_label: str
    until: str | None
    by_hand: str
    greeting: str
    opening: str
    students: tuple[str, ...]
    steps: tuple[str, ...]
    questions: str
    phones: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One person's letter: what does not depend on a language, and the letter in each of them."""

    sender: str
    name: str
    address: tuple[str, ...]
    #: In groups, for typing.
    key: str
    #: For the square.
    link: str
    #: For whoever types.
    where: str
    sections: tuple[Section, ...]


class Writer:
    """Writes a batch of letters for one district."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._district = USUAL_NAME if rules.district_name == USUAL_NAME.text else rules.district_name
        self._voices: dict[str, Voice] = {}

    def page(self, letter: KeyLetter, languages: Sequence[str]) -> Page:
        """The letter in these languages, one beside the other."""
        clean = replace(
            letter,
            name=tidy(letter.name),
            address=tuple(tidy(line) for line in letter.address),
            students=tuple(Seen(tidy(one.name), tidy(one.school) if one.school else None) for one in letter.students),
            schools=tuple(replace(school, name=tidy(school.name)) for school in letter.schools),
        )
        sections = tuple(_section(clean, self._voice(language), self._rules) for language in languages)
        return Page(
            sender=self._voice(languages[0]).of_the_district(self._district),
            name=clean.name,
            address=clean.address,
            key=grouped(letter.key),
            link=letter.link,
            where=self._rules.page(self._rules.activation_page),
            sections=sections,
        )

    def _voice(self, language: str) -> Voice:
        if language not in self._voices:
            self._voices[language] = Voice(language, self._rules)
        return self._voices[language]


def tidy(text: str) -> str:
    """A text from the record as one line, with each letter and its accent as one sign where there is such a sign."""
    return unicodedata.normalize("NFC", plain(text))


def grouped(key: str) -> str:
    """A key as people type it: 8-4-4-4-12."""
    return "-".join((key[:8], key[8:12], key[12:16], key[16:20], key[20:]))


def _section(letter: KeyLetter, voice: Voice, rules: Rules) -> Section:
    local = letter.at.astimezone(rules.zone)
    reachable = [school for school in letter.schools if school.phone]
    if reachable:
        questions = voice.put(say("Do you have questions? Call the school:"))
    else:
        contact = voice.of_the_district(rules.contact)
        questions = voice.put(say("Do you have questions? Turn to %(contact)s.", contact=contact))
    until = None
    if letter.expires_at is not None:
        until = voice.put(say("The key works until %(at)s.", at=Moment(letter.expires_at)))
    return Section(
        language=voice.language,
        title=voice.put(say("Your key to the portal of %(district)s", district=District.NAME)),
        date=format_date(local, "long", locale=voice.language),
        key_label=voice.put(say("Activation key")),
        until=until,
        by_hand=voice.put(say("To be handed over in person")),
        greeting=voice.put(say("Hello %(name)s,", name=letter.name)),
        opening=_opening(letter, voice),
        students=tuple(_student_line(one) for one in letter.students) if letter.capacity is Capacity.GUARDIAN else (),
        steps=(
            voice.put(
                say(
                    "Point the camera of a telephone at the square, or open the address beside it and type in the key. "
                    "Capital letters and dashes do not matter."
                )
            ),
            voice.put(say("Choose a username and a password.")),
            voice.put(say("From then on, sign in with these. The key is then used up.")),
        ),
        questions=questions,
        phones=tuple(f"{school.name}: {school.phone}" for school in reachable),
        warnings=(
            voice.put(say("Do not pass this letter on: whoever has the key can open your account.")),
            voice.put(say("Is this letter not for you? Please give it back to the school.")),
            voice.put(say("Nobody from the school will ever ask you for your password.")),
        ),
    )


def _opening(letter: KeyLetter, voice: Voice) -> str:
    if letter.capacity is Capacity.GUARDIAN:
        return voice.put(
            say(
                "In the portal you see grades and attendance. The key on this page opens your account, once. In it you "
                "see:"
            )
        )
    return voice.put(
        say("In the portal you see your grades and your attendance. The key on this page opens your account, once.")
    )


def _student_line(one: Seen) -> str:
    return f"{one.name}, {one.school}" if one.school else one.name

"""The letters: in both languages and both forms they say the same, can be read by everybody, and load nothing."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import html5lib
import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from db.languages import LANGUAGES, spoken
from db.rules import USUAL_CONTACT, Rules
from mail.contents import KeyAskedFor, School, SignedInFromNewDevice
from mail.letters import Written, write
from mail.letters.examples import examples
from mail.letters.rendering import CATALOGUE, HERE, USUAL_NAME, WIDTH, plain
from mail.letters.texts import _TEXTS
from mail.outbox import LetterKind

RULES = Rules.model_validate({"district_name": "Lakeside District", "public_url": "https://portal.example.org"})
EXAMPLES = examples(RULES)
IN = {"en": ("en",), "es": ("es",), "both": LANGUAGES}
#: Placeholders in a catalogue's text.
_VALUES = re.compile(r"%\(\w+\)[sd]")


def written(name: str, language: str) -> Written:
    return write(EXAMPLES[name], rules=RULES, languages=IN[language])


each_letter = pytest.mark.parametrize(
    ("name", "language"), [(name, language) for name in EXAMPLES for language in IN], ids=str
)


def test_there_is_a_letter_of_each_kind() -> None:
    assert {name.partition("-")[0] for name in EXAMPLES} == {kind.value for kind in LetterKind}
    assert {type(contents) for contents in EXAMPLES.values()} == set(_TEXTS)


# ------------------------------------------------------------------------------------------------ languages
def said() -> Iterator[str | tuple[str, ...]]:
    """All texts of letters, from the source; whom to call is said there too, and in the words of the rules."""
    yield USUAL_CONTACT.text
    keywords = {"say": None, "say_number": (1, 2)}
    for _, _, message, _, _ in extract_from_dir(HERE.parent, keywords=keywords):
        yield message


def catalogue() -> Catalog:
    with (CATALOGUE / "es.po").open("rb") as file:
        return read_po(file, locale="es")


def test_the_catalogue_has_all_that_letters_say_and_nothing_else() -> None:
    texts = {text if isinstance(text, str) else text[0] for text in said()}
    assert len(texts) > 60
    known = {message.id if isinstance(message.id, str) else message.id[0] for message in catalogue() if message.id}
    assert texts == known
    assert not catalogue().obsolete


def test_each_translation_is_there_certain_and_with_the_same_values() -> None:
    for message in catalogue():
        if not message.id:
            continue
        originals = [message.id] if isinstance(message.id, str) else list(message.id)
        translations = [message.string] if isinstance(message.string, str) else list(message.string or ())
        assert len(originals) == len(translations)
        assert not message.fuzzy
        for original, translation in zip(originals, translations, strict=True):
            assert translation.strip(), original
            assert sorted(_VALUES.findall(original)) == sorted(_VALUES.findall(translation)), original
            assert original[-1] in ".:,?" or translation[-1] not in ".", original


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_letter_in_spanish_holds_no_english_sentence(name: str) -> None:
    letter = written(name, "es")
    one_line = " ".join(letter.text.split())
    for message in catalogue():
        # Words of one or two are names of things, and may be the same in both.
        for original in [message.id] if isinstance(message.id, str) else list(message.id):
            longest = max(_VALUES.split(original), key=len).strip()
            if len(longest.split()) > 2:
                assert longest not in one_line, longest
                assert longest not in letter.html, longest
    assert '<html lang="es">' in letter.html
    assert '<section lang="en">' not in letter.html


def test_what_the_district_did_not_set_is_said_in_the_readers_language() -> None:
    usual = Rules.model_validate({})
    assert (usual.district_name, usual.district_contact) == (str(USUAL_NAME), str(USUAL_CONTACT))
    spanish = write(EXAMPLES["LOG_ON_INFORMATION-too-many"], rules=usual, languages=("es",))
    assert "la oficina de su escuela" in spanish.text
    own = usual.model_copy(update={"district_contact": "Ms. Ito, (555) 555-0199"})
    assert (
        "Ms. Ito, (555) 555-0199" in write(EXAMPLES["LOG_ON_INFORMATION-too-many"], rules=own, languages=("es",)).text
    )


@pytest.mark.parametrize(
    ("tag", "languages"),
    [("en", ("en",)), ("es-MX", ("es",)), ("ES", ("es",)), ("es_US", ("es",)), ("vi", LANGUAGES), (None, LANGUAGES)],
)
def test_whose_language_is_not_known_or_not_spoken_gets_both(tag: str | None, languages: tuple[str, ...]) -> None:
    assert spoken(tag) == languages


def test_in_both_languages_the_first_lines_say_so_and_the_subject_is_as_short_as_a_telephone_shows() -> None:
    letter = written("WELCOME", "both")
    assert letter.text.startswith("En español: siga leyendo más abajo.\n\nHello Maria Quimby,")
    assert "Hola, Maria Quimby:" in letter.text
    assert letter.subject == "Your portal account is open / Su cuenta del portal está abierta"
    assert all(len(written(name, "both").subject) <= 70 for name in EXAMPLES)


def test_dates_are_those_of_the_district_and_the_language() -> None:
    assert "November 24, 2026 at 9:05 PM CST" in " ".join(written("WELCOME", "en").text.split())
    assert "24 de noviembre de 2026, 9:05 p.m. CST" in " ".join(written("WELCOME", "es").text.split())


# ------------------------------------------------------------------------------------------------ forms
class Page(HTMLParser):
    """What a reader of the page is told: its words in order, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in {"style", "title"}
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words += data.split()


@each_letter
def test_the_page_is_valid_html(name: str, language: str) -> None:
    html5lib.HTMLParser(strict=True).parse(written(name, language).html)


@each_letter
def test_the_page_loads_nothing_and_leads_nowhere_but_to_the_portal(name: str, language: str) -> None:
    html = written(name, language).html
    page = Page(html)
    assert not page.attributes & {"src", "srcset", "background", "onclick", "onload", "style"}
    assert not re.search(r"<(img|script|link|iframe|object|form)\b|url\(|@import", html)
    assert all(link.startswith(("https://portal.example.org/", "tel:")) for link in page.links)


@each_letter
def test_text_and_page_say_the_same(name: str, language: str) -> None:
    letter = written(name, language)
    words = Page(letter.html).words
    told = [word for word in letter.text.split() if word not in {"*"} and not set(word) <= {"-"}]
    place = 0
    for word in told:
        # A label has its colon in the text alone.
        bare = {word, word.removesuffix(":")}
        while place < len(words) and words[place] not in bare and words[place].removesuffix(":") not in bare:
            place += 1
        assert place < len(words), word
        place += 1


@each_letter
def test_each_link_stands_in_the_text_on_a_line_of_its_own(name: str, language: str) -> None:
    letter = written(name, language)
    links = [link for link in Page(letter.html).links if not link.startswith("tel:")]
    lines = letter.text.splitlines()
    assert all(link in lines for link in links)
    assert all(len(line) <= WIDTH or line in links for line in lines)


def _luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_colours_can_be_told_apart_by_day_and_by_night() -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    style = (HERE / "letter.html").read_text(encoding="utf-8").partition("</style>")[0]
    day, night = style.split("@media (prefers-color-scheme: dark) {")
    for rules in (day, night):
        ground = re.findall(r"^main \{.*?background: (#\w{6})", rules, re.MULTILINE)[0]
        facts = re.findall(r"^dl \{.*?background: (#\w{6})", rules, re.MULTILINE)[0]
        text = re.findall(r"^body \{.*?; color: (#\w{6})", rules, re.MULTILINE)[0]
        quiet = re.findall(r"(?:^footer|^dt,[^{]*) \{.*?color: (#\w{6})", rules, re.MULTILINE)[0]
        link = re.findall(r"^a \{ color: (#\w{6})", rules, re.MULTILINE)[0]
        button = re.findall(r"^a\.button \{.*?background: (#\w{6}); color: (#\w{6})", rules, re.MULTILINE)[0]
        for pair in ((text, ground), (text, facts), (quiet, ground), (quiet, facts), (link, ground), button):
            assert _contrast(*pair) >= 4.5, pair


@pytest.mark.parametrize(
    ("phone", "link"),
    [
        ("(512) 555-0100", "tel:+1-512-555-0100"),
        ("512.555.0100 ext. 12", "tel:+1-512-555-0100;ext=12"),
        ("555-0100", None),
        ("call the office", None),
    ],
)
def test_a_telephone_number_can_be_pressed_if_it_is_a_whole_one(phone: str, link: str | None) -> None:
    welcome = replace(EXAMPLES["WELCOME"], schools=(School("Lakeside Middle School", phone),))
    letter = write(welcome, rules=RULES, languages=("en",))
    links = [found for found in Page(letter.html).links if found.startswith("tel:")]
    assert links == ([link] if link else [])
    assert phone in letter.html
    assert f"Lakeside Middle School: {phone}" in letter.text


@pytest.mark.parametrize(
    ("client", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36",
            "Chrome on Windows",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Android 16; Mobile) Firefox/146.0", "Firefox on Android"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/141.0 Safari/537.36 Edg/141.0", "Edge on Windows"),
        ("Your account is closed. Call 1-900-555-0100 http://evil.example", None),
        ("curl/8.5.0", None),
        ("", None),
        (None, None),
    ],
)
def test_a_device_is_told_in_words_that_are_known_beforehand(client: str | None, words: str | None) -> None:
    """Whoever signs in chooses what a browser says of itself."""
    found = EXAMPLES["NEW_DEVICE"]
    assert isinstance(found, SignedInFromNewDevice)
    text = write(replace(found, device=client), rules=RULES, languages=("en",)).text
    assert (f"Device: {words}" in text) if words else ("Device" not in text)
    assert not client or client not in text


# ------------------------------------------------------------------------------------------------ what letters tell
@each_letter
def test_a_letter_says_who_writes_whom_to_call_and_that_nobody_asks_for_a_password(name: str, language: str) -> None:
    letter = written(name, language)
    assert "Lakeside District" in letter.text
    in_one = {"en": "ask you for your password", "es": "le pedirá nunca su contraseña"}
    assert all(in_one[one] in " ".join(letter.text.split()) for one in IN[language])
    if not name.startswith("WORK_ORDER"):
        call = {"en": ("Call the school", "Turn to"), "es": ("Llame a la escuela", "Diríjase a")}
        assert all(any(way in letter.text for way in call[one]) for one in IN[language])


def test_the_log_on_letter_tells_of_each_account_what_can_be_done() -> None:
    text = written("LOG_ON_INFORMATION-shared", "en").text
    assert text.count("https://portal.example.org/set-password#token=par_") == 2
    for told in ("maria.q", "ruben.q", "nora.q", "is disabled", "has not been opened", "30 minutes", "Hello,"):
        assert told in text
    assert "others stop working" in " ".join(text.split())
    alone = " ".join(written("LOG_ON_INFORMATION", "en").text.split())
    assert "others stop working" not in alone
    assert "nothing was changed" in alone


def test_a_guardian_is_not_told_which_other_guardian_gets_a_key() -> None:
    text = " ".join(written("KEY_ASKED_FOR-another", "en").text.split())
    assert "another guardian of Nora Quimby" in text


@given(st.text(max_size=40))
def test_no_name_adds_a_line_or_markup(name: str) -> None:
    family = EXAMPLES["KEY_ASKED_FOR-own"]
    assert isinstance(family, KeyAskedFor)
    usual = write(family, rules=RULES, languages=("en",))
    letter = write(replace(family, name=name or "Maria", student=name), rules=RULES, languages=("en",))
    html5lib.HTMLParser(strict=True).parse(letter.html)
    assert letter.subject == usual.subject
    assert Page(letter.html).links == Page(usual.html).links
    assert not any(sign in letter.text for sign in "\r\x00\u202e\u2066")
    assert letter.text.count("\n\n") == usual.text.count("\n\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Maria\r\nBcc: x@example.org", "Maria Bcc: x@example.org"),
        (" Maria \t Quimby\u2028", "Maria Quimby"),
        ("Maria\u202eybmiuQ\u202c\u2066x\u2069\u200e", "MariaybmiuQx"),
        ("Maria\x00\x1b[31m Quimby\x7f\x85", "Maria [31m Quimby"),
        ("Mar\ud800ia\ufeff\ufffe\U0001ffff\ufdd0", "Maria"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("María José O’Neill-Ñandú 🙂", "María José O’Neill-Ñandú 🙂"),
    ],
    ids=ascii,
)
def test_a_name_is_one_harmless_line(text: str, line: str) -> None:
    assert plain(text) == line

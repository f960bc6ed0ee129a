"""In which language somebody is spoken to: what a request asks for, and how a sentence is put into words."""

import asyncio
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.asgi import create_app
from app.settings import Settings
from db import languages
from db.languages import LANGUAGES, Catalogue, Language, asked_for, catalogue_of, say, say_number, spoken
from schema.messages import MESSAGES
from schema.wording import CATALOGUE, worded
from tests import documents
from tests.clients import Portal, crowd
from tests.conftest import Clock
from tests.district import District

HEAD = 'msgid ""\nmsgstr ""\n"Language: es\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'


# ------------------------------------------------------------------------------------------------ asking for one
@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("en", "en"),
        ("es", "es"),
        ("ES-mx", "es"),
        ("es-419,es;q=0.9", "es"),
        ("en-US,en;q=0.9,es;q=0.8", "en"),
        ("en;q=0.8, es", "es"),
        ("fr, es;q=0.5", "es"),
        ("fr", "en"),
        ("fr, de;q=0.9", "en"),
        ("*", "en"),
        ("fr, *;q=0.5", "en"),
        # Of two that are liked equally, the one that is named, and named first.
        ("es, en", "es"),
        ("en, es", "en"),
        ("*, es", "es"),
        ("es;q=0.5, *;q=0.5", "es"),
        ("*, es;q=0.9", "en"),
        # What is not wanted is not given where there is another one.
        ("es;q=0", "en"),
        ("en;q=0, *", "es"),
        ("en;q=0, *;q=0.1", "es"),
        ("en;q=0", "en"),
        ("en;q=0, es;q=0", "en"),
        # Several ranges of one language: the best of them.
        ("es-MX;q=0.1, en;q=0.5, es;q=0.9", "es"),
        ("es, es;q=0, en;q=0.5", "es"),
        # Any number of digits, parameters, blanks and capitals.
        ("en;q=0.12345, es ; Q = 0.2", "es"),
        ("en;q=0., es;q=1.000", "es"),
        ("es;level=1;q=0.1, en;q=0.2", "en"),
        # Junk is as if it were not there.
        ("es;q=high, en;q=0.1", "en"),
        ("es;q=nan, en;q=0.1", "en"),
        ("es;q=-1, en;q=0.1", "en"),
        ("es;q=2, en;q=0.1", "en"),
        ("es;q=, en;q=0.1", "en"),
        ("español", "en"),
        ("es_MX", "en"),
        ("este, en", "en"),
        (";;;,,,=;q,-,*-*", "en"),
        (",,es,,", "es"),
        ("\x00\x85es\ufffd", "en"),
    ],
)
def test_a_header_asks_for_the_language_that_it_likes_best(header: str, language: str) -> None:
    assert asked_for(header) == language


def test_of_a_very_long_header_the_beginning_is_read_and_no_range_is_cut() -> None:
    assert asked_for("es, " + "fr, " * 100_000) == "es"
    assert asked_for("fr, " * 100_000 + "es") == "en"
    # Estonian is no Spanish where it is cut after two letters, nor is any single range longer than all that is read.
    assert asked_for("x" * 197 + ",estonian") == "en"
    assert asked_for("x" * 198 + ",es") == "en"
    assert asked_for("es" * 1000) == "en"


def test_headers_that_strangers_make_up_do_not_fill_the_memory() -> None:
    for number in range(5000):
        asked_for(f"es, x-{number}")
    kept = languages._liked_best.cache_info()
    assert kept.maxsize is not None
    assert kept.currsize <= kept.maxsize <= 1000


@given(st.text(st.characters(codec="latin-1"), max_size=300) | st.text("es*nq=;,.01- ", max_size=300))
def test_no_header_raises_and_whatever_is_asked_for_is_spoken(header: str) -> None:
    assert asked_for(header) in LANGUAGES


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("es", ("es",)),
        ("es-MX", ("es",)),
        ("es_US", ("es",)),
        (" ES ", ("es",)),
        ("en-US", ("en",)),
        # A letter says it in all languages where nobody knows better.
        (None, LANGUAGES),
        ("", LANGUAGES),
        ("vi", LANGUAGES),
        ("español", LANGUAGES),
        ("est", LANGUAGES),
    ],
)
def test_somebody_is_written_to_in_the_language_on_record_or_in_all(tag: str | None, written: tuple[str, ...]) -> None:
    assert spoken(tag) == written


# ------------------------------------------------------------------------------------------------ a sentence
def test_a_sentence_is_english_until_it_is_put_into_another_language() -> None:
    assert str(say("Please sign in first.")) == "Please sign in first."
    assert str(say("At least %(least)d of %(what)s.", least=12, what="them")) == "At least 12 of them."
    assert f"Sorry. {say('At most %(most)s.', most=3)}" == "Sorry. At most 3."


@pytest.mark.parametrize(("number", "said"), [(0, "0 of us"), (1, "1 of me"), (2, "2 of us"), (-1, "-1 of us")])
def test_one_thing_is_told_from_several(number: int, said: str) -> None:
    assert str(say_number("%(number)d of %(who)s", "%(number)d of us", number, who="me")) == said


def test_a_sign_of_percent_stands_for_itself_where_there_is_nothing_to_put_in() -> None:
    assert str(say("100% of them, %(as)s they are.")) == "100% of them, %(as)s they are."
    assert str(say("%(part)s, 100%% of them", part="5% and %(more)s")) == "5% and %(more)s, 100% of them"


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    entries = """
msgid "Good day."
msgstr "Buenos días."

msgid "%(much)s% of it"
msgstr "%(much)s% de eso"

msgid "%(who)s called %(whom)s."
msgstr "A %(whom)s la llamó %(who)s."

msgid "the school"
msgstr "la escuela"

msgid "One key for %(name)s"
msgid_plural "%(number)d keys for %(name)s"
msgstr[0] "Una clave para %(name)s"
msgstr[1] "%(number)d claves para %(name)s"

msgid "Not yet."
msgstr ""

#, fuzzy
msgid "Perhaps."
msgstr "Quizás no."

#~ msgid "Once upon a time."
#~ msgstr "Érase una vez."
"""
    (tmp_path / "es.po").write_text(HEAD + entries, encoding="utf-8")
    return Catalogue(tmp_path)


def test_a_sentence_is_put_into_each_language_with_its_values(catalogue: Catalogue) -> None:
    assert catalogue.put(say("Good day."), "es") == catalogue.put("Good day.", "es") == "Buenos días."
    assert catalogue.put(say("Good day."), "en") == catalogue.put("Good day.", "en") == "Good day."
    called = say("%(who)s called %(whom)s.", who="100% %(whom)s", whom="Ana")
    assert catalogue.put(called, "es") == "A Ana la llamó 100% %(whom)s."
    assert catalogue.put(called, "en") == "100% %(whom)s called Ana."


def test_a_value_that_is_a_sentence_is_put_into_the_language_too(catalogue: Catalogue) -> None:
    called = say("%(who)s called %(whom)s.", who=say("the school"), whom="the school")
    assert catalogue.put(called, "es") == "A the school la llamó la escuela."
    assert catalogue.put(called, "en") == str(called) == "the school called the school."


@pytest.mark.parametrize(
    ("number", "spanish", "english"),
    [
        (0, "0 claves para Ana", "0 keys for Ana"),
        (1, "Una clave para Ana", "One key for Ana"),
        (2, "2 claves para Ana", "2 keys for Ana"),
        (1_000_000, "1000000 claves para Ana", "1000000 keys for Ana"),
    ],
)
def test_numbers_have_the_forms_of_the_language(catalogue: Catalogue, number: int, spanish: str, english: str) -> None:
    keys = say_number("One key for %(name)s", "%(number)d keys for %(name)s", number, name="Ana")
    assert catalogue.put(keys, "es") == spanish
    assert catalogue.put(keys, "en") == english


@pytest.mark.parametrize("text", ["Never heard of.", "Not yet.", "Perhaps.", "Once upon a time.", ""])
def test_what_a_catalogue_lacks_is_said_in_english(catalogue: Catalogue, text: str) -> None:
    assert catalogue.put(say(text), "es") == catalogue.put(text, "es") == text


def test_so_are_numbers_that_a_catalogue_lacks_and_languages_that_there_are_not(catalogue: Catalogue) -> None:
    assert [catalogue.put(say_number("a day", "%(number)s days", number), "es") for number in (1, 2)] == [
        "a day",
        "2 days",
    ]
    assert catalogue.put(say("Good day."), "fr") == "Good day."


def test_a_catalogue_is_read_once_and_must_be_there(tmp_path: Path) -> None:
    assert catalogue_of(Path(documents.__file__).parent.parent / "schema" / "locale") is CATALOGUE
    with pytest.raises(FileNotFoundError):
        Catalogue(tmp_path)


def test_a_text_on_record_is_shown_as_it_is_and_never_looked_up() -> None:
    known = say("Please sign in first.")
    assert worded(known.text, "es") == known.text != worded(known, "es")
    assert worded("100% %(name)s", "es") == "100% %(name)s"


# ------------------------------------------------------------------------------------------------ over HTTP
NOT_FOUND_KEY = {"key": "0" * 32}


async def said(portal: Portal, *accept: str) -> httpx.Response:
    """The answer to a key that opens nothing, asked for with these headers."""
    headers = [(b"Accept-Language", one.encode("latin-1")) for one in accept]
    body = {"query": documents.CHECK_KEY, "variables": {"input": NOT_FOUND_KEY}}
    return await portal.http.post("/graphql", json=body, headers=headers)


def message(response: httpx.Response) -> str:
    told: str = response.json()["data"]["checkActivationKey"]["message"]
    return told


KEY_NOT_ACCEPTED = next(said.text for code, said in MESSAGES.items() if code == "KEY_NOT_ACCEPTED")
IN = {language: worded(KEY_NOT_ACCEPTED, language) for language in LANGUAGES}


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ((), "en"),
        (("es",), "es"),
        (("es-MX,es;q=0.9,en;q=0.8",), "es"),
        (("fr, *;q=0.1",), "en"),
        (("\u00ff; q=\u00fe",), "en"),
        (("es, " + "x" * 20_000,), "es"),
        # Repeated headers are one list (RFC 9110 §5.3).
        (("fr", "es;q=0.5"), "es"),
        (("en;q=0.1", "fr", "es"), "es"),
        (("en", "es"), "en"),
    ],
    ids=str,
)
async def test_an_answer_is_in_the_language_that_was_asked_for_and_says_so(
    portal: Portal, accept: tuple[str, ...], language: Language
) -> None:
    response = await said(portal, *accept)
    assert message(response) == IN[language]
    assert response.headers["content-language"] == language
    assert {name.strip() for name in response.headers["vary"].split(",")} == {"Accept", "Accept-Language"}


@pytest.mark.usefixtures("database")
async def test_errors_are_for_developers_and_in_english(portal: Portal) -> None:
    asking = {"Accept-Language": "es"}
    for refused in (
        await portal.http.post("/graphql", content=b"{", headers={**asking, "Content-Type": "application/json"}),
        await portal.http.post("/graphql", json={"query": "{ nonsense }"}, headers=asking),
        await portal.http.put("/graphql", headers=asking),
    ):
        assert "errors" in refused.json()
        assert refused.headers["content-language"] == "en"
        assert refused.headers["vary"] == "Accept, Accept-Language"
    search = '{ findPeople(search: "x") { student { id } } }'
    executed = await portal.http.post("/graphql", json={"query": search}, headers=asking)
    assert executed.json()["errors"][0]["message"].startswith("`search` must have at least two letters")


@pytest.mark.usefixtures("database")
async def test_a_front_end_on_another_origin_may_ask_for_a_language(settings: Settings, clock: Clock) -> None:
    origin = "https://portal.example.org"
    allowing = settings.model_copy(update={"cors_origins": (origin,)})
    async with Portal(create_app(allowing, clock=clock)) as portal:
        asks = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "accept-language,content-type",
        }
        assert (await portal.http.options("/graphql", headers=asks)).status_code == 200
        portal.http.headers["Origin"] = origin
        response = await said(portal, "es")
    assert response.headers["content-language"] == "es"
    assert {name.strip() for name in response.headers["vary"].split(",")} == {"Accept", "Accept-Language", "Origin"}


async def test_requests_in_two_languages_at_once_are_not_mixed_up(portal: Portal, district: District) -> None:
    async with crowd(20, portal) as clients:
        answers = await asyncio.gather(
            *(said(client, LANGUAGES[number % 2]) for number, client in enumerate(clients * 3))
        )
    for number, answer in enumerate(answers):
        assert message(answer) == IN[LANGUAGES[number % 2]]
        assert answer.headers["content-language"] == LANGUAGES[number % 2]

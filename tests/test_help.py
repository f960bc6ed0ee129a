"""Help: anybody may ask, in either language; the district may use its own words; each refusal points to a topic."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from app.asgi import create_app
from app.problems import PlainProblem
from app.settings import Settings
from db.context import Role
from db.languages import LANGUAGES
from db.models import Guardianship, GuardianshipStatus
from policies import refusals
from policies.help_texts import (
    LONGEST_ANSWER,
    LONGEST_QUESTION,
    Filled,
    HelpTextsRefused,
    HelpTopic,
    load_help_texts,
    read_help_texts,
)
from policies.refusals import MissingFact
from schema.messages import AS_THINGS_STAND
from schema.refusals import SHOWN
from tests import documents
from tests.clients import Answer, Portal
from tests.command_line import portal as command
from tests.conftest import Clock, Statements
from tests.district import PASSWORD, District
from tests.test_catalogue import SAID
from tests.test_docs import rows as rows_of
from tests.test_docs import words

#: The texts are read before the database is looked for.
NOWHERE = "postgresql://portal@127.0.0.1:1/nowhere"
SCHOOL, PHONE = "Lakeside Middle School", "(555) 555-0100"
_PLACES = re.compile(r"\{(\w+)\}")


async def articles(portal: Portal, topic: str | None = None, language: str = "en") -> list[Answer]:
    portal.http.headers["Accept-Language"] = language
    found: list[Answer] = (await portal.ask(documents.HELP, {"topic": topic}))["help"]
    return found


def article(topic: str = "CONTACT", **parts: dict[str, str]) -> str:
    """An article as it stands in a file, in both languages unless told otherwise."""
    usual = {
        "en": {"question": "Whom do I call?", "answer": "Call {contact}."},
        "es": {"question": "¿A quién llamo?", "answer": "Llame a {contact}."},
    }
    return "\n".join(
        f"[{topic}.{language}]\n" + "\n".join(f'{name} = """{text}"""' for name, text in said.items())
        for language, said in (usual | parts).items()
    )


# ------------------------------------------------------------------------------------------------ for anybody
@pytest.mark.parametrize("language", LANGUAGES)
async def test_anybody_reads_all_topics_in_the_own_language(portal: Portal, language: str) -> None:
    found = await articles(portal, language=language)
    assert [each["topic"] for each in found] == [topic.value for topic in HelpTopic]
    contact = {"en": "the front office of your school", "es": "la oficina de su escuela"}[language]
    for each in found:
        assert each["contact"] == contact
        assert each["question"].endswith("?")
        assert ("¿" in each["question"]) is (language == "es")
        assert "{" not in each["question"] + each["answer"]
        assert all(part and part == " ".join(part.split()) for part in each["answer"].split("\n\n"))
    said = {each["topic"]: each["answer"] for each in found}
    assert "https://portal.example.org/activate" in said["GETTING_A_KEY"]
    assert "https://portal.example.org/log-on" in said["LOGGING_IN"]
    assert "https://portal.example.org/set-password" in said["FORGOTTEN_LOG_ON"]
    assert "30" in said["FORGOTTEN_LOG_ON"]
    assert "12" in said["ACTIVATING"]
    assert "Lakeside District" in said["WRONG_STUDENTS"]
    assert all(contact in said[topic] for topic in said if topic != "LOGGING_IN")


async def test_one_topic_is_answered_alone_and_nothing_is_looked_up_for_a_stranger(
    portal: Portal, statements: Statements
) -> None:
    statements.take()
    [one] = await articles(portal, "STUDENT_NOT_VISIBLE")
    assert one["topic"] == "STUDENT_NOT_VISIBLE"
    assert "registrar" in one["answer"]
    assert statements.take() == []
    response = await portal.post(documents.HELP, {"topic": "CONTACT"})
    assert response.headers["content-language"] == "en"


async def test_a_district_without_a_name_of_its_own_is_called_so_in_the_readers_language(
    settings: Settings, clock: Clock, portal: Portal
) -> None:
    nameless = settings.model_copy(update={"district_name": "the school district"})
    async with Portal(create_app(nameless, clock=clock)) as plain:
        [english], [spanish] = [await articles(plain, "WRONG_STUDENTS", tag) for tag in LANGUAGES]
    assert "the technicians of the school district" in english["answer"]
    assert "tecnología de su distrito escolar" in spanish["answer"]


# ------------------------------------------------------------------------------------------------ whom to call
async def test_whoever_is_signed_in_is_told_which_school_to_call(portal: Portal, district: District) -> None:
    school = await district.school(SCHOOL, PHONE)
    nora = await district.student(school=school)
    maria = await district.guardian(nora)
    dana = await district.staff(Role.DESIGNEE, school)
    for someone, username in ((maria, "maria.q"), (nora, "nora.q"), (dana, "dana.ito")):
        await district.opened(someone, username)
        await portal.login(username, PASSWORD)
        for language, call in (("en", "Call"), ("es", "Llame a")):
            [one] = await articles(portal, "CONTACT", language)
            assert one["contact"] == f"{SCHOOL}, {PHONE}"
            assert f"{call} {SCHOOL}, {PHONE}." in one["answer"]


async def test_a_guardian_who_is_kept_away_learns_no_school(portal: Portal, district: District) -> None:
    nora = await district.student(school=await district.school(SCHOOL, PHONE))
    maria = await district.guardian(nora)
    await district.opened(maria, "maria.q")
    await portal.login("maria.q", PASSWORD)
    restriction = await district.restrict(maria, nora)

    async def told() -> str:
        return str(await articles(portal))

    assert SCHOOL not in await told()
    assert PHONE not in await told()
    await restriction.delete()
    assert SCHOOL in await told()
    await Guardianship.all().update(status=GuardianshipStatus.REVOKED, revoked_at=district.ctx.now)
    assert SCHOOL not in await told()


# ------------------------------------------------------------------------------------------------ what is shipped
def test_the_texts_that_come_with_the_product_are_there_for_each_topic_and_say_the_same_in_each_language() -> None:
    shipped = load_help_texts(None)
    assert list(shipped) == list(HelpTopic)
    for topic, texts in shipped.items():
        assert list(texts) == list(LANGUAGES)
        assert len({tuple(sorted(_PLACES.findall(text.answer))) for text in texts.values()}) == 1, topic
        assert len({text.answer.count("\n\n") for text in texts.values()}) == 1, topic
        assert len({text.question for text in texts.values()}) == len(LANGUAGES)
        # Three screens of a telephone at most.
        assert all(len(text.answer) <= 1200 for text in texts.values()), topic
        spanish = texts["es"].question + texts["es"].answer
        assert not re.search(r"\b(tú|tus?|te|ti|puedes|tienes|quieres|elige)\b", spanish, re.IGNORECASE)
    used = {place for texts in shipped.values() for text in texts.values() for place in _PLACES.findall(text.answer)}
    assert used == {word.value for word in Filled}


def test_the_texts_are_the_districts_and_not_the_catalogues() -> None:
    """Whoever changes them needs no translator's tool: none of them is a sentence of the code."""
    sentences = {text if isinstance(text, str) else text[0] for text in SAID}
    for texts in load_help_texts(None).values():
        for text in texts.values():
            assert text.question not in sentences
            assert not sentences & set(text.answer.split("\n\n"))


def test_what_is_filled_in_and_which_topics_there_are_is_told() -> None:
    assert [words(row[0])[0] for row in rows_of("help.md", "topic")] == [topic.value for topic in HelpTopic]
    assert [words(row[0])[0] for row in rows_of("help.md", "in a text")] == [f"{{{word.value}}}" for word in Filled]
    told = (Path(__file__).parent.parent / "docs" / "help.md").read_text(encoding="utf-8")
    assert f"longer than {LONGEST_QUESTION} or {LONGEST_ANSWER} characters" in told
    [example] = re.findall(r"^```toml\n(.*?)^```$", told, re.MULTILINE | re.DOTALL)
    assert list(read_help_texts(example)) == [HelpTopic.CONTACT]


# ------------------------------------------------------------------------------------------------ texts of one's own
@asynccontextmanager
async def own_portal(settings: Settings, clock: Clock, folder: Path, text: str) -> AsyncIterator[Portal]:
    """The portal with help texts of the district's own."""
    own = folder / "own.toml"
    own.write_text(text, encoding="utf-8")
    async with Portal(create_app(settings.model_copy(update={"help_texts": own}), clock=clock)) as there:
        yield there


async def test_an_article_of_the_districts_own_takes_the_place_of_one_and_of_no_other(
    portal: Portal, settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    text = article(
        en={"question": "Who helps?", "answer": "\nMs. Ito, in\nroom 4.\n\n\n{contact} knows  her.\n"},
        es={"question": "¿Quién ayuda?", "answer": "La Sra. Ito. {contact} la conoce."},
    )
    async with own_portal(settings, clock, tmp_path, "\ufeff" + text.replace("\n", "\r\n")) as own:
        for language, question, answer in (
            ("en", "Who helps?", "Ms. Ito, in room 4.\n\nthe front office of your school knows her."),
            ("es", "¿Quién ayuda?", "La Sra. Ito. la oficina de su escuela la conoce."),
        ):
            *others, contact = await articles(own, language=language)
            assert (contact["question"], contact["answer"]) == (question, answer)
            *shipped, usual = await articles(portal, language=language)
            assert others == shipped
            assert usual["question"] != question


async def test_what_is_filled_in_is_not_filled_in_again(settings: Settings, clock: Clock, tmp_path: Path) -> None:
    odd = settings.model_copy(update={"district_contact": "{password_page} {0} %(name)s", "district_name": "{contact}"})
    async with own_portal(odd, clock, tmp_path, article()) as own:
        [one] = await articles(own, "CONTACT")
    assert one["answer"] == "Call {password_page} {0} %(name)s."


BOTH = article()
ANSWER = {"question": "Whom?", "answer": "Call {contact}."}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it holds no article"),
        ("# nothing yet\n", "it holds no article"),
        ("[CONTACT.en\n", "it cannot be read as TOML: "),
        ("a = " + "[" * 100_000, "it cannot be read as TOML: "),
        (BOTH + "\n" + BOTH, "it cannot be read as TOML: "),
        (article("LOST_KEY"), "'LOST_KEY': there is no such topic; known are GETTING_A_KEY, ACTIVATING, "),
        (article("contact"), "'contact': there is no such topic"),
        ('CONTACT = "Call."', "CONTACT: it has to be a table with a part for each language, such as [CONTACT.en]"),
        ('[CONTACT]\nen = "Call."\nes = "Llame."', "CONTACT in en: it has to be a table with a question and an answer"),
        (BOTH.partition("[CONTACT.es]")[0], "CONTACT in es: this language is missing"),
        ("[CONTACT]", "CONTACT in en: this language is missing"),
        (article(fr=ANSWER), "CONTACT: 'fr' is no language of the portal's; those are en, es"),
        (article(en=ANSWER | {"anwser": "x"}), "CONTACT in en: 'anwser' is neither the question nor the answer"),
        (article(en={"question": "Whom?"}), "CONTACT in en: the answer is missing"),
        (article(es={"answer": "Llame."}), "CONTACT in es: the question is missing"),
        (BOTH.replace('"""Whom do I call?"""', "1"), "CONTACT in en: the question is no text"),
        (article(es=ANSWER | {"answer": " \n \n"}), "CONTACT in es: the answer is empty"),
        (article(en=ANSWER | {"question": "a\n\nb"}), "CONTACT in en: the question has more than one paragraph"),
        (article(en=ANSWER | {"question": "x" * 151}), "the question has 151 characters, of which 150 can be shown"),
        (article(en=ANSWER | {"answer": "x" * 2001}), "the answer has 2001 characters, of which 2000 can be shown"),
        (article(en=ANSWER | {"answer": "Call \\u0007."}), "the answer has a character that cannot be shown"),
        (article(en=ANSWER | {"answer": "Call \\u202e."}), "the answer has a character that cannot be shown"),
        (
            article(es=ANSWER | {"answer": "{phone}"}),
            "CONTACT in es: the answer has {phone}, which nothing is filled in",
        ),
        (article(en=ANSWER | {"answer": "{}"}), "CONTACT in en: the answer has {}, which nothing is filled in for"),
        (article(en=ANSWER | {"answer": "{contact.x}"}), "the answer has {contact.x}, which nothing is filled in for"),
        (article(en=ANSWER | {"question": "{Contact}"}), "the question has {Contact}, which nothing is filled in for"),
        (article(en=ANSWER | {"answer": "{contact"}), "the answer has a brace without its counterpart"),
        (article(en=ANSWER | {"answer": "{{contact}}"}), "the answer has a brace without its counterpart"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_an_article_that_cannot_stand_is_refused_with_topic_language_and_reason(text: str, said: str) -> None:
    with pytest.raises(HelpTextsRefused) as refused:
        read_help_texts(text)
    assert said in str(refused.value)
    assert str(refused.value).endswith(refused.value.reason)


@effort(deadline=None)
@given(
    st.text(max_size=200)
    | st.builds(
        article,
        st.sampled_from([*HelpTopic, "OTHER"]),
        en=st.fixed_dictionaries(dict.fromkeys(("question", "answer"), st.text("ab{}?\n ", max_size=9))),
    )
    | st.builds(article, en=st.dictionaries(st.sampled_from(["question", "answer", "x"]), st.just("{contact}")))
)
def test_any_text_is_help_or_is_refused_with_a_reason(text: str) -> None:
    try:
        found = read_help_texts(text)
    except HelpTextsRefused as refused:
        said = refused.reason
    else:
        said = ", ".join(tag for texts in found.values() for tag in texts)
    assert said


# ------------------------------------------------------------------------------------------------ the start
def _not_utf8(folder: Path) -> None:
    (folder / "own.toml").write_bytes(b"[CONTACT.en]\nquestion = '\xff'\n")


def _large(folder: Path) -> None:
    (folder / "own.toml").write_text("#" * 1_000_001)


def _unknown(folder: Path) -> None:
    (folder / "own.toml").write_text(article(es=ANSWER | {"answer": "{phone}"}), encoding="utf-8")


UNKNOWN = f"known are {', '.join(f'{{{word}}}' for word in Filled)}"


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (_not_utf8, "are refused: the file is not UTF-8, line 2."),
        (_large, "are refused: the file has more than 1000000 bytes."),
        (
            _unknown,
            f"are refused: CONTACT in es: the answer has {{phone}}, which nothing is filled in for; {UNKNOWN}.",
        ),
        (lambda _: None, "cannot be read: No such file or directory."),
        (lambda folder: (folder / "own.toml").mkdir(), "cannot be read: Is a directory."),
    ],
)
def test_the_portal_does_not_start_with_texts_that_cannot_stand(
    tmp_path: Path, write: Callable[[Path], None], said: str
) -> None:
    write(tmp_path)
    for words_ in (("serve",), ("help-texts",)):
        answer = command(tmp_path, *words_, help_texts="own.toml", database_url=NOWHERE, port="0")
        assert (answer.returncode, answer.stdout) == (1, "")
        assert answer.stderr == f"portal: The help texts own.toml {said}\n"


def test_an_application_is_not_made_with_texts_that_cannot_stand(settings: Settings, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(article(en={}), encoding="utf-8")
    with pytest.raises(PlainProblem, match="CONTACT in en: the question is missing"):
        create_app(settings.model_copy(update={"help_texts": own}))
    # Once they are put right, nothing of the refusal is left.
    own.write_text(article(), encoding="utf-8")
    create_app(settings.model_copy(update={"help_texts": own}))


def test_the_operator_reads_what_families_read(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(article(), encoding="utf-8")
    options = {"help_texts": "own.toml", "district_contact": "Ms. Ito, (555) 555-0199", "database_url": NOWHERE}
    both = command(tmp_path, "help-texts", **options)
    assert (both.returncode, both.stderr) == (0, "")
    assert both.stdout.endswith("CONTACT (es): ¿A quién llamo?\n\nLlame a Ms. Ito, (555) 555-0199.\n\n\n")
    assert all(f"{topic} ({tag}): " in both.stdout for topic in HelpTopic for tag in LANGUAGES)
    english = command(tmp_path, "help-texts", "--language", "en", **options)
    assert "Call Ms. Ito, (555) 555-0199." in english.stdout
    assert "(es)" not in english.stdout


# ------------------------------------------------------------------------------------------------ from a refusal
def _refusals() -> Iterator[refusals.Refusal]:
    """Each refusal, with all that it may carry."""
    carried: dict[type[refusals.Refusal], list[tuple[Any, ...]]] = {
        refusals.InvalidInput: [([],)],
        refusals.TooManyAttempts: [(datetime(2026, 10, 5, tzinfo=UTC),)],
        refusals.AccountDisabled: [("the school",)],
        refusals.VerificationFailed: [(1,)],
        refusals.WrongState: [(status,) for status in (*AS_THINGS_STAND, "A_STATE_OF_LATER")],
        refusals.NotAllowed: [(missing,) for size in (0, 1, 2) for missing in combinations(list(MissingFact), size)],
    }
    for kind in refusals.Refusal.__subclasses__():
        for values in carried.get(kind, [()]):
            yield kind(*values)


async def test_every_refusal_points_to_a_topic_that_has_an_answer(portal: Portal) -> None:
    answered = {each["topic"] for each in await articles(portal) if each["answer"]}
    pointed = {f"{refusal.code}: {refusal}": SHOWN[type(refusal)].of(refusal, "en").help for refusal in _refusals()}
    assert len(pointed) > len(SHOWN)
    assert {said: topic for said, topic in pointed.items() if topic is None or topic.name not in answered} == {}


def test_the_help_that_a_refusal_points_to_is_the_one_for_what_is_missing() -> None:
    def topic(*missing: MissingFact) -> str:
        return str(SHOWN[refusals.NotAllowed].of(refusals.NotAllowed(missing), "en").help.name)

    assert topic(MissingFact.SIGNED_IN) == topic(MissingFact.SECOND_FACTOR) == "LOGGING_IN"
    assert topic(MissingFact.SAME_SCHOOL, MissingFact.GUARDIANSHIP_CONFIRMED) == "STUDENT_NOT_VISIBLE"
    assert topic(MissingFact.ROLE) == topic() == "CONTACT"

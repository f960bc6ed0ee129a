"""`portal keys letters`: who gets a letter, that its key opens the account, and what is left behind: file and trail."""

import asyncio
import json
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.asgi import create_app
from app.private_file import private_file, uninterrupted
from app.settings import Settings
from db import sql
from db.context import Capacity
from db.models import (
    Account,
    AccountStatus,
    ActivationKey,
    DisabledReason,
    Enrolment,
    Guardianship,
    GuardianshipStatus,
    Household,
    HouseholdMember,
    KeyState,
    Letter,
    Person,
    School,
    TrailEntry,
)
from db.rules import Rules
from db.trail import Step
from mail.contents import School as Reachable
from mail.paper import contents as paper
from mail.paper.text import Section, Writer
from resolvers.activation_key import key_of_record
from resolvers.key_letters import WantedLetters, languages_on_record, letters_wanted, note_printed
from tests.clients import Portal
from tests.command_line import PATIENCE, Running, running
from tests.command_line import portal as command
from tests.district import PASSWORD, Adult, District, Pupil
from tests.paper import articles, in_window, sheets, square_of, squares, text_of
from tests.servers import REPOSITORY
from tests.tables import no_trail
from tests.test_cli import one_sentence

Answer = subprocess.CompletedProcess[str]
PAGE = "https://portal.example.org/activate"


@dataclass
class Town:
    """Lakeside and Hillside: Nora and Ada are at Lakeside, Theo at Hillside; Maria is their mother."""

    district: District
    lakeside: School
    hillside: School
    nora: Pupil
    ada: Pupil
    theo: Pupil
    maria: Adult


@pytest.fixture
async def town(district: District) -> Town:
    lakeside = await School.create(name="Lakeside Middle School", source_id="s-1", phone="(555) 555-0100")
    hillside = await School.create(name="Hillside High School", source_id="s-2", phone=None)
    nora = await district.student("Nora", school=lakeside, number="0041")
    ada = await district.student("Ada", school=lakeside, number="0042")
    await Enrolment.filter(student_id=ada.id).update(grade_level="08")
    theo = await district.student("Theo", school=hillside, number="0043")
    maria = await district.guardian(nora, ada, theo, email="maria@example.org")
    await district.household(maria, nora, ada, theo)
    return Town(district, lakeside, hillside, nora, ada, theo, maria)


@pytest.fixture
def printing(database_url: str, keys_text: str, tmp_path: Path) -> Callable[..., Answer]:
    """Runs `portal keys letters … --to letters.pdf` on the test's district."""

    def run(*arguments: str | Path, to: str = "letters.pdf", **settings: str) -> Answer:
        chosen = {"public_url": "https://portal.example.org", "district_name": "Lakeside District"} | settings
        return command(
            tmp_path,
            *("keys", "letters", "--to", tmp_path / to, *arguments),
            **({"database_url": database_url, "secrets": keys_text} | chosen),
        )

    return run


@pytest.fixture
async def today(district: District, settings: Settings) -> AsyncIterator[Portal]:
    """The portal at the time at which commands run."""
    async with Portal(create_app(settings)) as client:
        yield client


Printing = Callable[..., Answer]


def done(answer: Answer) -> str:
    assert (answer.returncode, answer.stderr) == (0, ""), answer
    return answer.stdout


def told(answer: Answer) -> dict[str, object]:
    said: dict[str, object] = json.loads(done(answer))
    return said


def files_in(folder: Path) -> list[str]:
    """The names of all that a run has left in a folder."""
    return sorted(path.name for path in folder.iterdir() if "letters" in path.name)


def key_in(link: str) -> str:
    page, _, key = link.partition("#key=")
    assert page == PAGE
    return key


# ------------------------------------------------------------------------------------------------ the letter
async def test_the_square_of_a_letter_opens_the_account(
    town: Town, printing: Printing, today: Portal, tmp_path: Path
) -> None:
    said = done(printing("--school", "lakeside middle school"))
    assert "1 letters, 1 of them with a new key." in said
    assert "holds live keys" in said
    path = tmp_path / "letters.pdf"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [link], [text] = squares(path), sheets(path)
    key = key_in(link)
    assert f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}" in text
    assert key not in said
    # All whom the key shows, in both languages as nobody knows hers, and whom to call where there is a telephone.
    for words in (
        *("Nora Quimby, Lakeside Middle School", "Ada Quimby, Lakeside Middle School"),
        *("Theo Quimby, Hillside High School", PAGE, "Lakeside Middle School: (555) 555-0100"),
        *("Your key to the portal of Lakeside District", "Su clave para el portal de Lakeside District"),
        *("Do not pass this letter on", "No dé esta carta a nadie"),
    ):
        assert words in text
    assert in_window(path) == "Maria Quimby 1200 Saint Mary's Street Apt 4 Cedar Hollow, TX 78699"
    opened = await today.activate(key, "maria.q", PASSWORD)
    assert opened["details"]["account"]["holder"]["display"] == "Maria Quimby"
    assert len(await today.students(token=opened["session"]["token"])) == 3


async def test_the_page_for_a_browser_says_the_same_and_loads_nothing(
    town: Town, printing: Printing, today: Portal, tmp_path: Path
) -> None:
    await Person.filter(id=town.maria.id).update(given="<b>Maria", language="es")
    done(printing("--student", "0041", "--format", "html", to="letters.html"))
    path = tmp_path / "letters.html"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    page = path.read_text(encoding="utf-8")
    assert "<b>Maria" not in page
    assert not any(word in page for word in ("<script", "src=", "@import", "url(", "<link"))
    [article] = articles(path)
    assert "Hola, <b>Maria Quimby:" in text_of(article)
    assert "Your key" not in text_of(article)
    opened = await today.activate(key_in(square_of(article)), "maria.q", PASSWORD)
    assert opened["__typename"] == "AccountActivated"


@pytest.mark.parametrize(
    "case",
    [
        *(("record", "en-US", ["en"]), ("record", "es-MX", ["es"]), ("record", None, ["en", "es"])),
        *(("en", "es", ["en"]), ("es", "en", ["es"]), ("both", "en", ["en", "es"])),
    ],
)
async def test_a_letter_is_in_the_language_that_is_chosen_or_on_record(
    town: Town, printing: Printing, tmp_path: Path, case: tuple[str, str | None, list[str]]
) -> None:
    language, on_record, expected = case
    await Person.filter(id=town.maria.id).update(language=on_record)
    done(printing("--student", "0041", "--language", language))
    [text] = sheets(tmp_path / "letters.pdf")
    for spoken, words in (
        ("en", "Choose a username and a password."),
        ("en", "Activation key"),
        ("es", "Elija un nombre de usuario y una contraseña."),
        ("es", "Clave de activación"),
    ):
        assert (words in text) == (spoken in expected)
    [entry] = await TrailEntry.filter(step=Step.PRINT_KEY_LETTER)
    assert entry.details is not None
    assert entry.details["languages"] == expected


async def test_names_beyond_latin_1_long_names_and_many_students_fit_on_one_sheet(
    town: Town, printing: Printing, tmp_path: Path
) -> None:
    district = town.district
    names = ["Nguyễn Thị Minh", "Łukasz", "Zoë", "Ñuñez", "Ștefan", "Kaʻahumanu", "Đặng", "Ọlábísí", "Ирина"]
    many = [await district.student(name, "Quimby-Featherstonehaugh", school=town.lakeside) for name in names]
    # Letter and accent apart, as some systems keep them.
    long = await district.guardian(*many, given="Maximiliana Espe\u0301ranza", family="W" * 60)
    await district.household(long, street="12345 North Boulevard of the Americas Southwest Building Seven " * 2)
    done(printing("--student", many[0].number))
    [text] = sheets(tmp_path / "letters.pdf")
    assert all(f"{name} Quimby-Featherstonehaugh, Lakeside Middle School" in text for name in names[:3])
    assert all(name in text for name in names)
    assert "Maximiliana Espéranza" in text
    window = in_window(tmp_path / "letters.pdf").replace(" ", "")
    assert window.endswith("CedarHollow,TX78699")
    assert window.count("W") == 60
    assert key_in(squares(tmp_path / "letters.pdf")[0])


async def test_a_name_that_the_fonts_lack_is_named_and_can_be_printed_by_a_browser(
    town: Town, printing: Printing, tmp_path: Path
) -> None:
    await Person.filter(id=town.maria.id).update(preferred="阮")
    said = told(printing("--student", "0041", "--json"))
    assert (said["left_out"], said["letters"]) == ({"UNPRINTABLE": ["阮 Quimby"]}, 0)
    assert not (tmp_path / "letters.pdf").exists()
    assert await ActivationKey.all().count() == 0
    done(printing("--student", "0041", "--format", "html", to="letters.html"))
    assert "阮 Quimby" in text_of(articles(tmp_path / "letters.html")[0])


async def test_without_an_address_the_letter_is_to_be_handed_over(
    town: Town, printing: Printing, tmp_path: Path
) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=2)
    await HouseholdMember.filter(person_id=town.maria.id).update(ends_on=yesterday)
    said = done(printing("--student", "0041"))
    assert "No mailing address on record, to be handed over in person (1): Maria Quimby." in said
    assert "To be handed over in person / Para entregar en persona" in in_window(tmp_path / "letters.pdf")


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("https://portal.example.org", False),
        ("https://203.0.113.9", False),
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000", True),
        ("http://localhost:3000", True),
    ],
)
async def test_an_address_that_no_telephone_can_open_is_named(
    town: Town, printing: Printing, address: str, *, here: bool
) -> None:
    said = told(printing("--student", "0041", "--json", public_url=address))
    assert (said["page"], said["page_opens_only_here"]) == (f"{address}/activate", here)
    spoken = done(printing("--student", "0041", to="again.pdf", public_url=address))
    assert ("set PORTAL_PUBLIC_URL before you print any for families" in spoken) == here


# ------------------------------------------------------------------------------------------------ for whom
async def test_a_school_a_grade_and_a_list_choose_students(town: Town, printing: Printing, tmp_path: Path) -> None:
    district = town.district
    for name, pupil in (("Paul", town.nora), ("Rita", town.ada), ("Otto", town.theo)):
        await district.guardian(pupil, given=name)
    await Account.filter(id=town.maria.account_id).delete()
    listed = tmp_path / "numbers.txt"
    listed.write_text("\ufeff42\r\n\r\n 0043 \n0043\n9999\n", encoding="utf-8")
    for number, (chosen, names) in enumerate(
        {
            ("--school", "s-1"): {"Paul Quimby", "Rita Quimby"},
            ("--school", "s-1", "--grade", "8"): {"Rita Quimby"},
            ("--school", "s-2", "--grade", "07"): {"Otto Quimby"},
            ("--students", str(listed)): {"Rita Quimby", "Otto Quimby"},
            ("--student", "41", "--student", "0043"): {"Paul Quimby", "Otto Quimby"},
            ("--student", "0041", "--for", "students"): {"Nora Quimby"},
            ("--student", "0041", "--for", "both"): {"Nora Quimby", "Paul Quimby"},
        }.items()
    ):
        said = done(printing(*chosen, "--language", "en", to=f"{number}.pdf"))
        greeted = [text.partition("Hello ")[2].partition(",")[0] for text in sheets(tmp_path / f"{number}.pdf")]
        assert (set(greeted), len(greeted)) == (names, len(names)), chosen
        assert ("has the number (1): 9999." in said) == ("--students" in chosen)


async def test_letters_lie_in_the_order_of_a_class_list(town: Town, printing: Printing, tmp_path: Path) -> None:
    families = ("Álvarez", "Brown", "de la Cruz", "Zuniga")
    for family in reversed(families):
        await town.district.student("Ida", family, school=town.hillside)
    done(printing("--school", "s-2", "--for", "students", "--language", "en"))
    greeted = [text.partition("Hello ")[2].partition(",")[0] for text in sheets(tmp_path / "letters.pdf")]
    assert [name for name in greeted if name.startswith("Ida")] == [f"Ida {family}" for family in families]


async def test_only_who_may_have_a_key_gets_a_letter_and_the_others_are_named_by_the_reason(
    town: Town, printing: Printing, tmp_path: Path
) -> None:
    district, nora = town.district, town.nora
    opened = await district.guardian(nora, given="Opened")
    await district.opened(opened, "opened")
    disabled = await district.guardian(nora, given="Disabled")
    await Account.filter(id=disabled.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    without = await district.guardian(nora, given="Without")
    await Account.filter(id=without.account_id).delete()
    await district.guardian(nora, given="Unmarked", portal_access=False)
    await district.guardian(nora, given="Claimed", status=GuardianshipStatus.CLAIMED)
    await district.guardian(nora, given="Revoked", status=GuardianshipStatus.REVOKED, portal_access=False)
    kept_away = await district.guardian(nora, given="Restricted")
    await district.restrict(kept_away, nora)
    # Confirmed for a student who is not among those for whom letters are wanted: that gives no letter here.
    await district.guardianship(kept_away.id, town.theo.id)
    merged = await district.guardian(nora, given="Merged")
    await Person.filter(id=merged.id).update(merged_into_id=town.maria.id)
    # Confirmed for one, and kept away from the other: the letter names the one alone.
    half = await district.guardian(nora, given="Half")
    await district.guardianship(half.id, town.ada.id)
    await district.restrict(half, town.ada)
    gone = await district.student("Gone", number="0099")
    said = told(printing("--student", "0041", "--student", gone.number, "--for", "both", "--json", "--language", "en"))
    assert said["left_out"] == {
        "ALREADY_ACTIVATED": ["Opened Quimby"],
        "DISABLED": ["Disabled Quimby"],
        "NO_ACCOUNT": ["Without Quimby"],
        "NO_PORTAL_MARK": ["Unmarked Quimby"],
        "NOT_CONFIRMED": ["Claimed Quimby"],
        "NOT_ENTITLED": ["Restricted Quimby", "Revoked Quimby"],
        "NOT_AT_SCHOOL": ["Gone Quimby"],
    }
    assert (said["letters"], said["guardians"], said["students"], said["new_keys"]) == (3, 2, 1, 3)
    pages = sheets(tmp_path / "letters.pdf")
    [halfs] = [text for text in pages if "Hello Half Quimby" in text]
    assert "Nora Quimby" in halfs
    assert "Ada" not in halfs
    assert await ActivationKey.all().count() == 3


async def test_a_student_whose_record_was_merged_is_nobody(town: Town, printing: Printing) -> None:
    await Person.filter(id=town.nora.id).update(merged_into_id=town.ada.id)
    said = told(printing("--student", "0041", "--for", "both", "--json"))
    assert (said["unknown_numbers"], said["letters"]) == (["0041"], 0)
    # Nor does the mother's letter name the record that is gone.
    assert told(printing("--student", "0042", "--json"))["letters"] == 1


async def test_a_student_of_age_has_to_agree(town: Town, printing: Printing) -> None:
    await sql.execute("UPDATE student SET birth_date = '2001-01-01' WHERE id = $1", town.nora.id)
    said = done(printing("--student", "0041"))
    assert "No letter, the student is of age, and no consent is on record (1): Maria Quimby." in said
    assert said.endswith("nothing was printed.\n")


# ------------------------------------------------------------------------------------------------ keys and trail
async def test_the_key_of_record_is_printed_again_and_one_that_expired_is_replaced(
    town: Town, printing: Printing, tmp_path: Path
) -> None:
    for number in (1, 2):
        done(printing("--student", "0041", to=f"{number}.pdf"))
    [first], [second] = squares(tmp_path / "1.pdf"), squares(tmp_path / "2.pdf")
    assert first == second
    now = datetime.now(UTC)
    await ActivationKey.all().update(issued_at=now - timedelta(days=91), expires_at=now - timedelta(days=1))
    said = told(printing("--student", "0041", "--json", to="3.pdf"))
    assert said["new_keys"] == 1
    [third] = squares(tmp_path / "3.pdf")
    assert third != second
    assert [key.state for key in await ActivationKey.all().order_by("id")] == [KeyState.REPLACED, KeyState.CURRENT]
    new = [entry.details["new_key"] for entry in await TrailEntry.all().order_by("id") if entry.details]
    assert new == [True, False, True]


async def test_each_letter_is_in_the_trail_without_its_key(town: Town, printing: Printing, tmp_path: Path) -> None:
    said = told(printing("--school", "s-1", "--for", "both", "--json"))
    entries = await TrailEntry.all().order_by("id")
    about = {(entry.about_account_id, entry.about_person_id, entry.about_student_id) for entry in entries}
    assert about == {
        (town.maria.account_id, town.maria.id, town.nora.id),
        (town.nora.account_id, town.nora.id, town.nora.id),
        (town.ada.account_id, town.ada.id, town.ada.id),
    }
    for entry in entries:
        assert (entry.step, entry.outcome, entry.address) == (Step.PRINT_KEY_LETTER, "DONE", "command line")
        assert {entry.actor_account_id, entry.actor_person_id, entry.rule} == {None}
        assert entry.details is not None
        assert entry.details["batch"] == said["batch"]
        assert entry.details["new_key"] is True
    assert {entry.details["capacity"] for entry in entries if entry.details} == {Capacity.GUARDIAN, Capacity.STUDENT}
    kept = str(await sql.rows("SELECT t::text AS row FROM trail_entry t")) + json.dumps(said)
    assert not any(key_in(link) in kept for link in squares(tmp_path / "letters.pdf"))
    assert await Letter.all().count() == 0


async def test_the_entries_of_a_batch_hold_before_whoever_verifies_the_trail(
    town: Town, printing: Printing, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    done(printing("--school", "s-1", "--for", "both"))
    verified = command(tmp_path, "trail", "verify", database_url=database_url, secrets=keys_text)
    assert verified.returncode == 0, verified
    await sql.rows("ALTER TABLE trail_entry DISABLE TRIGGER USER")
    await sql.execute("UPDATE trail_entry SET details = jsonb_set(details, '{new_key}', 'false') WHERE id = 2")
    await sql.rows("ALTER TABLE trail_entry ENABLE TRIGGER USER")
    verified = command(tmp_path, "trail", "verify", database_url=database_url, secrets=keys_text)
    assert verified.returncode == 1, verified


async def test_without_a_trail_there_is_neither_file_nor_key(town: Town, printing: Printing, tmp_path: Path) -> None:
    async with no_trail():
        assert printing("--school", "s-1").returncode == 1
    assert await ActivationKey.all().count() == 0
    assert files_in(tmp_path) == []


# ------------------------------------------------------------------------------------------------ the file
async def test_a_file_that_is_there_is_left_alone(town: Town, printing: Printing, tmp_path: Path) -> None:
    (tmp_path / "letters.pdf").write_text("mine")
    assert "already: delete it" in one_sentence(printing("--school", "s-1"))
    assert (tmp_path / "letters.pdf").read_text() == "mine"
    assert await TrailEntry.all().count() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Give either --school"),
        (("--school", "s-1", "--student", "0041"), "Give either --school"),
        (("--student", "0041", "--grade", "7"), "Give either --school"),
        (("--school", "nowhere"), "No school is called 'nowhere'"),
        (("--students", "lacking.txt"), "The file lacking.txt cannot be read"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_sentence(
    town: Town, printing: Printing, arguments: tuple[str, ...], words: str
) -> None:
    assert words in one_sentence(printing(*arguments))


async def test_a_folder_that_is_not_there_takes_no_letters(town: Town, printing: Printing) -> None:
    assert "cannot be written" in one_sentence(printing("--school", "s-1", to="lacking/letters.pdf"))
    assert await ActivationKey.all().count() == 0


# ------------------------------------------------------------------------------------------------ meanwhile
async def revoked(town: Town) -> None:
    await Guardianship.filter(guardian_id=town.maria.id).update(
        status=GuardianshipStatus.REVOKED, revoked_at=town.district.ctx.now
    )


async def restricted(town: Town) -> None:
    await town.district.restrict(town.maria, town.ada)


async def opened(town: Town) -> None:
    await town.district.opened(town.maria, "maria.q")


async def moved(town: Town) -> None:
    await Household.all().update(street="77 Mill Road")


async def another_key(town: Town) -> None:
    await key_of_record(town.district.ctx, town.maria.account_id, Capacity.GUARDIAN)


@pytest.mark.parametrize(
    "change", [revoked, restricted, opened, moved, another_key], ids=lambda change: change.__name__
)
async def test_what_changes_while_the_letters_are_drawn_is_seen_before_anything_is_noted(
    town: Town, change: Callable[[Town], Awaitable[None]]
) -> None:
    ctx = town.district.ctx
    batch = await letters_wanted(ctx, WantedLetters(numbers=("0041",)))
    [drawn] = batch.letters(ctx)
    await change(town)
    keys = await ActivationKey.all().count()
    assert not await note_printed(ctx, batch, languages_on_record(batch))
    assert (await TrailEntry.all().count(), await ActivationKey.all().count()) == (0, keys)
    again = await letters_wanted(ctx, WantedLetters(numbers=("0041",)))
    assert [letter.key for letter in again.letters(ctx)] != [drawn.key]
    assert await note_printed(ctx, again, languages_on_record(again))


@asynccontextmanager
async def held_up(town: Town, folder: Path, **settings: str) -> AsyncIterator[Running]:
    """A run that has drawn its letters and waits for an account, which somebody else has in hand."""
    arguments = ("keys", "letters", "--school", "s-1", "--to", folder / "letters.pdf")
    waits = "SELECT count(*) AS n FROM pg_locks WHERE NOT granted"
    async with sql.transaction():
        await sql.rows("SELECT id FROM account WHERE id = $1 FOR UPDATE", town.maria.account_id)
        with running(folder, *arguments, public_url="https://portal.example.org", **settings) as process:
            while not (await sql.rows(waits))[0]["n"]:
                assert process.process.poll() is None, process.errors
            yield process


async def test_a_run_that_is_told_to_stop_when_its_letters_are_drawn_still_ends_with_both_file_and_trail(
    town: Town, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    async with held_up(town, tmp_path, database_url=database_url, secrets=keys_text) as process:
        process.process.send_signal(signal.SIGTERM)
        # The account is let go of, and the run goes on.
        await sql.rows("ROLLBACK AND CHAIN")
        assert await asyncio.to_thread(process.process.wait, PATIENCE) == 143
    [link] = squares(tmp_path / "letters.pdf")
    assert await TrailEntry.filter(step=Step.PRINT_KEY_LETTER).count() == 1
    [key] = await ActivationKey.all()
    assert key_in(link) == town.district.ctx.keys.activation_key(key.nonce, key.secret_version)
    assert files_in(tmp_path) == ["letters.pdf"]


async def test_a_run_that_is_killed_leaves_neither_a_file_of_that_name_nor_keys_nor_trail(
    town: Town, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    async with held_up(town, tmp_path, database_url=database_url, secrets=keys_text) as process:
        process.process.kill()
        await asyncio.to_thread(process.process.wait, PATIENCE)
    # What is left of it has a name of its own, and nobody else may read it.
    [left] = files_in(tmp_path)
    assert left.startswith(".letters.pdf.")
    assert stat.S_IMODE((tmp_path / left).stat().st_mode) == 0o600
    assert (await ActivationKey.all().count(), await TrailEntry.all().count()) == (0, 0)


def test_a_file_that_fails_half_way_is_gone(tmp_path: Path) -> None:
    def fail() -> None:
        with private_file(tmp_path / "letters.pdf") as file:
            file.file.write(b"half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert files_in(tmp_path) == []


def test_a_signal_waits_until_what_must_not_be_interrupted_is_done() -> None:
    steps = []

    def work() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            steps.append("done")
        steps.append("not reached")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert steps == ["done"]


# ------------------------------------------------------------------------------------------------ what it takes
def test_nobody_but_the_command_loads_what_draws() -> None:
    program = (
        "import sys, app.cli, app.serve, app.asgi; print({'reportlab', 'segno', 'pymupdf_fonts'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"


def test_a_letter_in_spanish_holds_no_english_sentence(tmp_path: Path) -> None:
    at = datetime(2026, 10, 5, 17, tzinfo=UTC)
    for capacity, schools, address in (
        (Capacity.GUARDIAN, (Reachable("Lakeside", "(555) 555-0100"),), ("1 Mill Road",)),
        (Capacity.STUDENT, (), ()),
    ):
        letter = paper.KeyLetter(
            name="Maria Quimby",
            address=address,
            capacity=capacity,
            students=(paper.Seen("Nora Quimby", None),),
            schools=schools,
            key="0" * 32,
            link=f"{PAGE}#key=" + "0" * 32,
            expires_at=at,
            at=at,
        )
        writer = Writer(Rules.model_validate({"public_url": "https://portal.example.org"}))
        english, spanish = ((writer.page(letter, [language]).sections[0]) for language in ("en", "es"))
        for field in fields(Section):
            one, other = getattr(english, field.name), getattr(spanish, field.name)
            assert (one != other) == (field.name not in {"students", "phones"} and bool(one)), field.name


# ------------------------------------------------------------------------------------------------ many
@pytest.mark.parametrize("many", [60, pytest.param(2000, marks=pytest.mark.full)])
async def test_a_whole_school_is_one_file_and_one_transaction(
    town: Town, printing: Printing, tmp_path: Path, many: int
) -> None:
    await sql.execute(FAMILIES, town.hillside.id, many)
    said = told(printing("--school", "s-2", "--json"))
    assert (said["letters"], said["new_keys"]) == (many + 1, many + 1)
    pages = sheets(tmp_path / "letters.pdf")
    assert len({text.partition("Hello ")[2].partition(",")[0] for text in pages}) == len(pages) == many + 1
    links = squares(tmp_path / "letters.pdf")
    keys = await ActivationKey.all()
    known = {town.district.ctx.keys.activation_key(key.nonce, key.secret_version) for key in keys}
    assert {key_in(link) for link in links} == known
    entries = await TrailEntry.filter(step=Step.PRINT_KEY_LETTER)
    assert len({entry.about_account_id for entry in entries}) == len(entries) == many + 1
    [transactions] = await sql.rows(
        "SELECT count(DISTINCT xmin::text) AS n FROM (SELECT xmin FROM trail_entry UNION ALL "
        "SELECT xmin FROM activation_key) AS written"
    )
    assert transactions["n"] == 1


#: Students ($2 of them, one guardian each) at a school ($1).
FAMILIES = """
WITH people AS (
    INSERT INTO person (given, family) SELECT 'Kim ' || n, 'Student' FROM generate_series(1, $2::int) n RETURNING id
), parents AS (
    INSERT INTO person (given, family) SELECT 'Lee ' || n, 'Parent' FROM generate_series(1, $2::int) n RETURNING id
), pairs AS (
    SELECT student.id AS student_id, guardian.id AS guardian_id
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM people) student
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM parents) guardian USING (n)
), students AS (
    INSERT INTO student (id, student_number, number_is_shared, birth_date, ssn_state)
    SELECT student_id, 'S' || student_id, false, '2013-04-09', 'NOT_ON_FILE' FROM pairs RETURNING id
), enrolments AS (
    INSERT INTO enrolment (student_id, school_id, grade_level) SELECT id, $1, '07' FROM students RETURNING id
), accounts AS (
    INSERT INTO account (person_id, capacity, status, must_change_password)
    SELECT guardian_id, 'GUARDIAN', 'NOT_ACTIVATED', false FROM pairs RETURNING id
)
INSERT INTO guardianship (guardian_id, student_id, relationship, status, portal_access, adult_access, decided_by,
                          confirmed_at)
SELECT guardian_id, student_id, 'mother', 'CONFIRMED', true, false, 'ROSTER', now() FROM pairs
"""

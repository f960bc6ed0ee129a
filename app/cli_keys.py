"""`portal keys`: letters on paper with activation keys, for a school, a grade, or a list of students."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.progress import Progress

from app.private_file import PrivateFile, private_file, uninterrupted
from app.problems import PlainProblem
from app.settings import Settings
from app.staff_desk import desk
from db.context import Capacity, Context
from db.languages import LANGUAGES, Language
from resolvers import key_letters as steps
from resolvers.key_letters import Batch, WantedLetters
from resolvers.staff import school_called

keys = typer.Typer(help="Activation keys for many people at once.", no_args_is_help=True)
out = Console(highlight=False, soft_wrap=True, markup=False)

#: How often letters are drawn anew because something changed meanwhile.
_TRIES = 3


class For(StrEnum):
    """Whose accounts the keys open."""

    GUARDIANS = "guardians"
    STUDENTS = "students"
    BOTH = "both"


class Form(StrEnum):
    """What the letters are written as."""

    PDF = "pdf"
    HTML = "html"


class PaperLanguage(StrEnum):
    """The languages of letters on paper."""

    EN = "en"
    ES = "es"
    BOTH = "both"
    RECORD = "record"


@keys.callback()
def group() -> None:
    """Activation keys for many people at once."""


@keys.command("letters")
def key_letters(
    *,
    to: Annotated[Path, typer.Option(help="File to write. It must not be there yet.")],
    school: Annotated[str | None, typer.Option(help="Name or source id of a school.")] = None,
    grade: Annotated[str | None, typer.Option(help="One grade of that school; none: all.")] = None,
    students: Annotated[Path | None, typer.Option(help="File with student numbers, one a line.")] = None,
    student: Annotated[list[str] | None, typer.Option(help="A student number; may be repeated.")] = None,
    for_: Annotated[For, typer.Option("--for", help="Whose accounts the keys open.")] = For.GUARDIANS,
    form: Annotated[Form, typer.Option("--format", help="PDF, or a page for a browser to print.")] = Form.PDF,
    language: Annotated[
        PaperLanguage, typer.Option(help="As on record for each person, both where none is; or one for all.")
    ] = PaperLanguage.RECORD,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON, for programs.")] = False,
) -> None:
    """Prints a letter with an activation key for each person who may have one and has not opened the account."""
    numbers = _numbers(students, student or [])
    if bool(school) == bool(numbers) or (grade and not school):
        raise PlainProblem("Give either --school, with or without --grade, or student numbers.")
    if to.exists() or to.is_symlink():
        raise PlainProblem(f"There is a file {to} already: delete it, or write to another one.")

    async def work(ctx: Context) -> Batch:
        wanted = WantedLetters(
            school_id=(await school_called(school)).id if school else None,
            grade=grade,
            numbers=numbers,
            guardians=for_ is not For.STUDENTS,
            students=for_ is not For.GUARDIANS,
        )
        return await _print(ctx, wanted, form, language, to)

    with desk() as at:
        batch = at.run(work)
        _report_as_json(batch, to, at.settings) if as_json else _report(batch, to, at.settings)


def _numbers(listed: Path | None, named: list[str]) -> tuple[str, ...]:
    if listed is not None:
        try:
            named = [*named, *listed.read_text(encoding="utf-8-sig").splitlines()]
        except (OSError, UnicodeDecodeError) as failed:
            raise PlainProblem(f"The file {listed} cannot be read: {failed}.") from None
    return tuple(dict.fromkeys(number.strip() for number in named if number.strip()))


# ------------------------------------------------------------------------------------------------ printing
async def _print(ctx: Context, wanted: WantedLetters, form: Form, language: PaperLanguage, to: Path) -> Batch:
    """Draws the letters and then, all at once, makes the new keys, notes the letters, and puts the file in its place.

    Raises:
        PlainProblem: when the file cannot be written, or the record changes faster than the letters are drawn.
    """
    try:
        with private_file(to) as file:
            for _ in range(_TRIES):
                batch = await steps.letters_wanted(ctx, wanted, _printable(form))
                if not batch.entitled:
                    return batch
                languages = _languages(batch, language)
                _draw(ctx, batch, languages, form, file)
                # The trail is first, so that no key is ever out without it; the name follows at once, so that hardly
                # anything can come between. Until then the keys are nowhere but in a file that is thrown away.
                with uninterrupted():
                    if await steps.note_printed(ctx, batch, languages):
                        file.put_in_place()
                        return batch
    except OSError as failed:
        raise PlainProblem(f"The file {to} cannot be written: {failed.strerror}.") from None
    raise PlainProblem("The record changes while the letters are drawn: try again when no roster is being imported.")


def _printable(form: Form) -> Callable[[str], bool]:
    """Whether a text can be put on paper in this form; a browser finds letters for all of them."""
    if form is Form.HTML:
        return lambda _: True
    # Only this command needs it: it takes longer to load than most commands take to run.
    from mail.paper.pdf import printable

    return printable


def _languages(batch: Batch, chosen: PaperLanguage) -> Mapping[int, tuple[Language, ...]]:
    if chosen is PaperLanguage.RECORD:
        return steps.languages_on_record(batch)
    spoken: tuple[Language, ...] = LANGUAGES
    if chosen is not PaperLanguage.BOTH:
        spoken = tuple(language for language in LANGUAGES if language == chosen.value)
    return {one.person_id: spoken for one in batch.entitled}


def _draw(
    ctx: Context, batch: Batch, languages: Mapping[int, tuple[Language, ...]], form: Form, file: PrivateFile
) -> None:
    from mail.paper.text import Page, Writer

    if form is Form.PDF:
        from mail.paper.pdf import draw_pdf as draw
    else:
        from mail.paper.html import draw_html as draw
    console, writer = Console(stderr=True), Writer(ctx.rules)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("Drawing letters", total=len(batch.entitled))

        def pages() -> Iterator[Page]:
            for one, letter in zip(batch.entitled, batch.letters(ctx), strict=True):
                yield writer.page(letter, languages[one.person_id])
                progress.advance(task)

        file.begin_again()
        draw(file.file, pages())
        file.complete()


# ------------------------------------------------------------------------------------------------ what became of it
def _report(batch: Batch, to: Path, settings: Settings) -> None:
    for why, names in sorted(batch.left_out.items()):
        out.print(f"No letter, {why} ({len(names)}): {', '.join(sorted(names))}.")
    if batch.unknown:
        out.print(f"No student, or more than one, has the number ({len(batch.unknown)}): {', '.join(batch.unknown)}.")
    if not batch.entitled:
        out.print("Nobody here is without an account and may have a key: nothing was printed.")
        return
    if batch.without_address:
        names = batch.without_address
        out.print(f"No mailing address on record, to be handed over in person ({len(names)}): {', '.join(names)}.")
    out.print(f"{len(batch.entitled)} letters, {batch.new_keys} of them with a new key. Batch {batch.id}.")
    if (first := _first_to_expire(batch)) is not None:
        out.print(f"The first of the keys on record works until {first.astimezone(settings.zone):%Y-%m-%d %H:%M}.")
    page = settings.page(settings.activation_page)
    if _only_here(page):
        out.print(
            f"The letters lead to {page}, which opens on this machine only: set PORTAL_PUBLIC_URL before you print any "
            "for families."
        )
    out.print(
        f"{to} holds live keys: whoever reads it can open these accounts. Print it, then delete it, and keep no copy."
    )


def _first_to_expire(batch: Batch) -> datetime | None:
    known = (one.on_record for one in batch.entitled if one.account_id not in batch.nonces)
    return min((key.expires_at for key in known if key and key.expires_at), default=None)


def _only_here(page: str) -> bool:
    """Whether no telephone could open the page, as it is where no public address is set."""
    host = urlsplit(page).hostname or "localhost"
    try:
        return ip_address(host).is_loopback or ip_address(host).is_unspecified
    except ValueError:
        return host == "localhost"


def _report_as_json(batch: Batch, to: Path, settings: Settings) -> None:
    capacities = [one.capacity for one in batch.entitled]
    first = _first_to_expire(batch)
    page = settings.page(settings.activation_page)
    told = {
        "batch": batch.id if batch.entitled else None,
        "file": str(to) if batch.entitled else None,
        "holds_live_keys": bool(batch.entitled),
        "letters": len(capacities),
        "guardians": capacities.count(Capacity.GUARDIAN),
        "students": capacities.count(Capacity.STUDENT),
        "new_keys": batch.new_keys,
        "first_key_on_record_expires": first.isoformat() if first else None,
        "without_address": batch.without_address,
        "page": page,
        "page_opens_only_here": _only_here(page),
        "left_out": {why.name: sorted(names) for why, names in sorted(batch.left_out.items())},
        "unknown_numbers": batch.unknown,
    }
    out.print_json(json.dumps(told))

"""`portal letters`: what the letters look like, to people who do not exist."""

from enum import StrEnum
from html import escape
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from app.problems import PlainProblem
from app.running import settings_and_logs
from app.settings import Settings, var_folder
from db.languages import LANGUAGES
from mail.letters import Written, write
from mail.letters.examples import examples
from mail.outbox import LetterKind

letters = typer.Typer(help="The letters that families get.", no_args_is_help=True)
out = Console(highlight=False, soft_wrap=True)


class InLanguage(StrEnum):
    """The languages of a letter."""

    EN = "en"
    ES = "es"
    BOTH = "both"


@letters.callback()
def group() -> None:
    """The letters that families get."""


@letters.command()
def preview(
    kind: Annotated[LetterKind | None, typer.Argument(help="One kind; without it, all of them.")] = None,
    language: Annotated[
        InLanguage, typer.Option(help="In one language, or as those get it whose language is not known.")
    ] = (InLanguage.BOTH),
    to: Annotated[
        Path | None, typer.Option(help="Folder to write to; without it, `letters` in the var folder.")
    ] = None,
) -> None:
    """Writes each letter as a text and as a page, and an index to look at them side by side. Nothing is sent."""
    settings = settings_and_logs()
    folder = to if to is not None else var_folder(settings) / "letters"
    languages = LANGUAGES if language is InLanguage.BOTH else (language.value,)
    written = {
        name: write(contents, rules=settings, languages=languages)
        for name, contents in examples(settings).items()
        if kind is None or name.partition("-")[0] == kind.value
    }
    try:
        _write(folder, written, settings)
    except OSError as failed:
        raise PlainProblem(f"The folder {folder} cannot be written: {failed.strerror}.") from None
    out.print(f"{len(written)} letters. Open {folder / 'index.html'} in a browser.", markup=False)


def _write(folder: Path, written: dict[str, Written], settings: Settings) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, letter in written.items():
        (folder / f"{name}.html").write_text(letter.html, encoding="utf-8")
        (folder / f"{name}.txt").write_text(f"Subject: {letter.subject}\n\n{letter.text}", encoding="utf-8")
    shown = "\n".join(
        f'<article><h2>{escape(name)}</h2><p><a href="{escape(name)}.txt">as text</a></p>'
        f'<iframe title="{escape(name)}" src="{escape(name)}.html"></iframe></article>'
        for name in written
    )
    index = _INDEX.replace("DISTRICT", escape(settings.district_name)).replace("LETTERS", shown)
    (folder / "index.html").write_text(index, encoding="utf-8")


_INDEX: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The letters of DISTRICT</title>
<style>
body { font: 16px/1.4 sans-serif; margin: 24px; }
main { display: flex; flex-wrap: wrap; gap: 24px; }
h2 { font-size: 15px; margin: 0; }
p { margin: 4px 0 8px; }
iframe { width: 390px; height: 720px; border: 1px solid #999; border-radius: 12px; }
</style>
</head>
<body>
<h1>The letters of DISTRICT</h1>
<main>
LETTERS
</main>
</body>
</html>
"""

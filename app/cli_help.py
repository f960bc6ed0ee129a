"""`portal help-texts`: the help as a family reads it that is not signed in."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from app.running import settings_and_logs
from db.languages import LANGUAGES

out = Console(highlight=False, soft_wrap=True, markup=False)


class HelpLanguage(StrEnum):
    """The languages of help."""

    EN = "en"
    ES = "es"


def help_texts(
    language: Annotated[HelpLanguage | None, typer.Option(help="In one language; without it, in all.")] = None,
) -> None:
    """Prints the help texts as families read them, or says why the district's own cannot stand. Needs no database."""
    # As in the command line itself: only this command needs the schema's words.
    from app.help_texts import insist_on_help_texts
    from policies.help_texts import load_help_texts
    from resolvers.help import for_anybody
    from schema.help import put

    settings = settings_and_logs()
    insist_on_help_texts(settings)
    for tag in LANGUAGES if language is None else (language.value,):
        values = for_anybody(settings)
        for topic, texts in load_help_texts(settings.help_texts).items():
            question, answer = put(texts[tag], values, tag)
            out.print(f"{topic.value} ({tag}): {question}\n\n{answer}\n\n")

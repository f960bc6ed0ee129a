"""`portal`: the command line of the operator.

What only one command needs is imported by that command: the web framework and the demo district take longer to load
than most commands take to run.
"""

import asyncio
import json
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli_client import client
from app.cli_diagnose import diagnose
from app.cli_help import help_texts
from app.cli_keys import keys
from app.cli_letters import letters
from app.cli_outbox import outbox
from app.cli_policy import explain
from app.cli_report import report
from app.cli_staff import staff
from app.cli_trail import trail
from app.cli_webhook import webhook
from app.problems import PlainProblem
from app.running import opened, operating, settings_and_logs, with_database
from app.settings import Settings
from db import connection
from db.roster.applying import Imported, apply, plan
from db.roster.checking import check
from db.roster.problems import Problem, RosterRefused
from db.secrets import Keyring

app = typer.Typer(
    help="Portal Access: keys, accounts and sign-in for a school district's portal.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(staff, name="staff")
app.add_typer(client)
app.add_typer(letters, name="letters")
app.add_typer(keys, name="keys")
app.add_typer(report)
app.add_typer(trail)
app.add_typer(outbox)
app.add_typer(webhook)
out = Console(highlight=False, soft_wrap=True)
app.command()(explain)
app.command()(help_texts)
app.command()(diagnose)


class SharedNumbers(StrEnum):
    """What to do when the roster gives one student number to several students."""

    REFUSE = "refuse"
    SET_APART = "set-apart"


@app.command()
def serve() -> None:
    """Starts the server, and the database where none is named; Ctrl-C ends both."""
    from app.serve import serve as run_server

    run_server(settings_and_logs())


@app.command()
def courier(
    once: Annotated[  # noqa: FBT002  # a flag of the command line
        bool, typer.Option("--once", help="Send what is due, and end.")
    ] = False,
) -> None:
    """Sends letters until it is told to stop. Any number of couriers may run at once."""
    from app.cli_courier import courier as run_courier

    run_courier(settings_and_logs(), once=once)


@app.command()
def journey(
    url: Annotated[
        str | None, typer.Option(help="A running server; without it, the one on PORTAL_PORT or a new one.")
    ] = None,
) -> None:
    """Walks the guardian's way over HTTP, from key to grades, and tells it as a story."""
    from app.journey import walk

    walk(settings_and_logs(), url)


@app.command()
def migrate() -> None:
    """Brings the database up to date. Two at once do no harm: one waits for the other."""
    with with_database(settings_and_logs()) as settings:
        applied = asyncio.run(_migrate(settings))
    out.print(f"Applied: {', '.join(applied)}." if applied else "The database is up to date.")


async def _migrate(settings: Settings) -> list[str]:
    async with opened(settings):
        return await connection.migrate()


@app.command()
def reset() -> None:
    """Empties the embedded development database and throws the demo district away; the next start makes a new one."""
    from app.demo import reset_demo

    reset_demo(settings_and_logs())
    out.print("The development database is empty.")


@app.command()
def secrets() -> None:
    """Makes a master secret for PORTAL_SECRETS and prints it. Keep it outside the database and its backups."""
    out.print(Keyring.generate())


@app.command("import")
def import_roster(
    path: Annotated[Path, typer.Argument(help="A OneRoster 1.1 set: a folder or a zip with manifest.csv.")],
    plan_only: Annotated[  # noqa: FBT002  # a flag of the command line
        bool, typer.Option("--plan", help="Say what would change, and change nothing.")
    ] = False,
    shared_numbers: Annotated[
        SharedNumbers,
        typer.Option(
            help="A student number of several students: refuse the set, or take them with the number set apart, "
            "so that it proves nobody online."
        ),
    ] = SharedNumbers.REFUSE,
    as_json: Annotated[  # noqa: FBT002  # as above
        bool, typer.Option("--json", help="The result as JSON, for programs.")
    ] = False,
) -> None:
    """Brings a roster set into the database: all of it or nothing. The second time it changes nothing."""
    with with_database(settings_and_logs()) as settings:
        try:
            imported = asyncio.run(_import(settings, path, shared_numbers, plan_only=plan_only))
        except RosterRefused as refused:
            _show_refusal(refused, as_json=as_json)
            raise typer.Exit(1) from None
    _show_import(imported, as_json=as_json)


async def _import(settings: Settings, path: Path, shared: SharedNumbers, *, plan_only: bool) -> Imported:
    async with operating(settings) as ctx:
        with Console(stderr=True).status("Reading and checking the set"):
            checked = check(path, today=ctx.today, shared_numbers=shared.value)
        with Console(stderr=True).status("Working out the plan" if plan_only else "Bringing it in"):
            return await (plan if plan_only else apply)(ctx, checked)


def _show_refusal(refused: RosterRefused, *, as_json: bool) -> None:
    if as_json:
        out.print_json(json.dumps({"applied": False, "problems": [problem.as_dict() for problem in refused.problems]}))
        return
    _show_problems(refused.problems)
    out.print("Nothing was imported.")


def _show_problems(problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        out.print(f"{problem.severity.value}: {problem}", markup=False)


def _show_import(imported: Imported, *, as_json: bool) -> None:
    if as_json:
        out.print_json(json.dumps(imported.as_dict()))
        return
    _show_problems(imported.problems)
    if imported.read_over:
        out.print(f"Read over, because nothing here uses them: {', '.join(imported.read_over)}.", markup=False)
    if imported.left_out:
        out.print(f"Rows left out, because their status says that they no longer count: {imported.left_out}.")
    table = Table("", "added", "changed", "ended", "unchanged", "on record, not in the set")
    for kind, count in imported.counts.items():
        cells = (count.added, count.changed, count.ended, count.unchanged, count.missing)
        table.add_row(kind, *(str(cell) for cell in cells))
    out.print(table)
    ssns = imported.ssns
    out.print(
        f"SSNs of students in the set: {ssns['ON_FILE']} on file, {ssns['UNUSABLE']} unusable, "
        f"{ssns['NOT_ON_FILE']} not on file. Only one that is on file opens the way to a key online."
    )
    out.print("Done." if imported.applied else "Nothing was changed: this is what an import would do.")


def _leave(signal_number: int, _frame: object) -> None:
    # As a shell tells it: a command that was cut short has not succeeded.
    raise SystemExit(128 + signal_number)


def main() -> None:
    """Runs a command. What an operator can mend is said in one sentence, with exit code 1."""
    # A plain SIGTERM would leave the embedded database running; uvicorn hands it on to this handler when it is done.
    signal.signal(signal.SIGTERM, _leave)
    try:
        app()
    except PlainProblem as problem:
        sys.stderr.write(f"portal: {problem}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()

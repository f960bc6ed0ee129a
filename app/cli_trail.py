"""`portal trail`: whether the trail is as it was written, its seals, and its entries for people to read."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.problems import PlainProblem
from app.running import insist_on_migrations, opened, operating, settings_and_logs, with_database
from app.sealing import checkpoint_file, read_checkpoints, seal_now
from app.settings import Settings, keyring
from db.rules import Rules
from db.seals import Checkpoint, last_checkpoint
from db.sql import Row
from db.verifying import Verdict
from db.verifying import verify as verify_trail
from policies.refusals import NotFound
from resolvers.trail import Asked
from resolvers.trail import show as show_trail

trail = typer.Typer(
    name="trail", help="The trail: whether it is as it was written, and what it tells.", no_args_is_help=True
)
out = Console(highlight=False, soft_wrap=True)
#: Where no terminal says how wide it is, a table is as wide as it needs to be.
_WIDE = 300


@trail.command()
def verify(
    checkpoints: Annotated[
        Path | None,
        typer.Option(help="A file of checkpoints; without it, the one of PORTAL_TRAIL_CHECKPOINTS."),
    ] = None,
    from_seal: Annotated[
        int, typer.Option(min=1, help="Leave aside what was sealed before this seal, where it is known to be wrong.")
    ] = 1,
) -> None:
    """Reads the whole trail and names the first entry that is not as it was written; exit code 1 where there is one."""
    with with_database(settings_and_logs()) as settings:
        file = checkpoints or checkpoint_file(settings)
        known = file if checkpoints or (file and file.exists()) else None
        verdict = asyncio.run(_verify(settings, known, from_seal))
    for line in _told(verdict, settings):
        out.print(line, markup=False)
    if from_seal > 1:
        out.print(f"What was sealed before seal {from_seal} was left aside.")
    if verdict.finding is not None:
        raise typer.Exit(1)


async def _verify(settings: Settings, file: Path | None, from_seal: int) -> Verdict:
    async with opened(settings):
        await insist_on_migrations(settings)
        return await verify_trail(keyring(settings), read_checkpoints(file) if file else (), from_seal=from_seal)


def _told(verdict: Verdict, rules: Rules) -> list[str]:
    """The verdict in sentences."""
    if verdict.finding is not None:
        said = [f"The trail is not as it was written. {verdict.finding.says}"]
        if verdict.sealed:
            said.append(f"In order before it: {_entries(verdict.sealed)} in {_seals(verdict.seals, 'whole ')}.")
        return said
    since = f", since {verdict.since.astimezone(rules.zone):%Y-%m-%d %H:%M}" if verdict.since else ""
    waiting = f", and {verdict.waiting} that wait for a seal" if verdict.waiting else ""
    said = [f"The trail is as it was written: {_entries(verdict.sealed)} in {_seals(verdict.seals)}{waiting}{since}."]
    if verdict.without_mac:
        said.append(
            f"Of these, {verdict.without_mac} are from before entries were protected: what they say was not checked."
        )
    if verdict.checkpoints:
        said.append(f"Nothing was cut off up to seal {verdict.known_up_to}, the last that the checkpoints name.")
    else:
        said.append("There was no checkpoint to hold it against: an end that was cut off cannot be seen.")
    return said


def _entries(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}"


def _seals(count: int, kind: str = "") -> str:
    return f"{count} {kind}{'seal' if count == 1 else 'seals'}"


@trail.command()
def seal() -> None:
    """Seals what waits, and prints the checkpoint of the last seal: one line to keep outside the database."""
    with with_database(settings_and_logs()) as settings:
        last = asyncio.run(_seal(settings))
    if last is None:
        raise PlainProblem("There is nothing in the trail yet.")
    out.print(last.line(), markup=False)


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def _seal(settings: Settings) -> Checkpoint | None:
    # A seal under other secrets than the server's would look tampered with for ever after.
    async with operating(settings) as ctx:
        made = await seal_now(ctx.keys, _utc_now, checkpoint_file(settings), wait=True)
        return made[-1] if made else await last_checkpoint()


@trail.command()
def show(
    about: Annotated[
        str | None, typer.Option(help="About whom: a username, a student number or a person's id in the roster.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="By whom, named in the same way.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Since when: 2026-10-05 or 2026-10-05T17:00, in the district's time zone.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 50,
    as_json: Annotated[  # noqa: FBT002  # a flag of the command line
        bool, typer.Option("--json", help="One entry a line, as JSON, for programs.")
    ] = False,
) -> None:
    """Shows the newest entries, the oldest of them first. That it was shown is in the trail too."""
    with with_database(settings_and_logs()) as settings:
        asked = Asked(about, by, _moment(since, settings), limit)
        try:
            entries = asyncio.run(_show(settings, asked))
        except NotFound:
            raise PlainProblem("Nobody has that username, student number or id in the roster.") from None
    if as_json:
        for entry in entries:
            out.print(json.dumps(_as_dict(entry)), markup=False)
        return
    _show_table(entries, settings)


def _moment(text: str | None, rules: Rules) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            "a date or a time is written as 2026-10-05 or 2026-10-05T17:00", param_hint="--since"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=rules.zone)


async def _show(settings: Settings, asked: Asked) -> list[Row]:
    async with operating(settings) as ctx:
        return await show_trail(ctx, asked)


def _as_dict(entry: Row) -> dict[str, Any]:
    return entry | {"at": entry["at"].isoformat(), "details": json.loads(entry["details"])}


def _show_table(entries: list[Row], rules: Rules) -> None:
    if not entries:
        out.print("There is no such entry.")
        return
    table = Table("when", "step", "outcome", "who", "about whom", "rule", "from", "request", "details")
    for entry in entries:
        details = json.loads(entry["details"])
        about = [_person(entry, "about"), entry["about_student_name"] or _number(entry["about_student_id"])]
        row = (
            f"{entry['at'].astimezone(rules.zone):%Y-%m-%d %H:%M:%S}",
            entry["step"],
            entry["refusal"] or entry["outcome"],
            _person(entry, "actor"),
            "; ".join(filter(None, about)),
            entry["rule"] or "",
            entry["address"],
            entry["request_id"],
            json.dumps(details) if details else "",
        )
        # As text, since names may look like markup.
        table.add_row(*(escape(cell) for cell in row))
    console = out if out.is_terminal else Console(highlight=False, width=_WIDE)
    console.print(table)


def _person(entry: Row, part: str) -> str:
    """A person's name and username, as far as they are still on record."""
    name = entry[f"{part}_name"] or _number(entry[f"{part}_person_id"])
    username = entry[f"{part}_username"]
    return f"{name} ({username})" if username else name


def _number(person_id: int | None) -> str:
    return f"person {person_id}" if person_id is not None else ""

"""`portal report`: reports of the whole district as files, for the operator.

`portal report run NAME` may be said without `run`; what else the group can do has a command of its own.
"""

import sys
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import IO, Annotated, Final, cast

import click
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from typer.core import TyperGroup

from app.export_forms import Form, writer_of
from app.private_file import private_file
from app.problems import PlainProblem
from app.report_words import DAYS, Fault, NotUnderstood, Words, asked_by, names_for
from app.staff_desk import desk
from db.context import Context
from policies.refusals import InvalidInput
from resolvers.global_ids import global_word
from resolvers.report_checks import on_its_day
from resolvers.report_outcomes import Cells, Definition, Described, ReportName
from resolvers.reports import described, export_by_operator
from resolvers.staff import school_called


class ReportGroup(TyperGroup):
    """Takes the name of a report in place of a command: it is then run."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant, and what is left for it."""
        if args and args[0] in {name.value for name in ReportName}:
            args = ["run", *args]
        return super().resolve_command(ctx, args)


report = typer.Typer(
    name="report", cls=ReportGroup, help="Reports of the whole district, as files.", no_args_is_help=True
)
out = Console(highlight=False, soft_wrap=True, markup=False)
#: Where no terminal says how wide it is, a table is as wide as it needs to be.
_WIDE: Final = 300
_OPTIONS: Final = {"schoolId": "school", "gradeLevel": "grade"}
_STDOUT: Final = Path("-")


@report.callback()
def group() -> None:
    """Reports of the whole district, as files."""


@report.command("list")
def list_reports() -> None:
    """Which reports there are, what they list, and by what they can be narrowed and laid out."""
    table = Table("report", "what it lists", "options", "columns")
    for name in ReportName:
        offered = described(name)
        options = ", ".join(f"--{_option(each)}" for each in names_for(offered))
        columns = ", ".join(column.key for column in offered.columns if column.key != "username")
        table.add_row(name.value, str(offered.about), options, columns)
    console = out if out.is_terminal else Console(highlight=False, markup=False, width=_WIDE)
    console.print(table)


@report.command()
def run(
    name: Annotated[ReportName, typer.Argument(help="Which report; `portal report list` tells of them.")],
    *,
    to: Annotated[Path, typer.Option("--out", help="File to write, which must not be there yet; - for the output.")],
    purpose: Annotated[str, typer.Option(help="What it is for, as it is noted in the trail.")],
    form: Annotated[Form, typer.Option("--format", help="What the file is written as.")] = Form.CSV,
    school: Annotated[str | None, typer.Option(help="Name or source id of a school.")] = None,
    grade: Annotated[str | None, typer.Option(help="One grade level, such as 07.")] = None,
    capacity: Annotated[str | None, typer.Option(help="Accounts held as GUARDIAN or STUDENT.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="NOT_ACTIVATED, ACTIVE, LOCKED, DISABLED.")] = None,
    disabled_reason: Annotated[list[str] | None, typer.Option(help="Disabled, and for this reason.")] = None,
    last_login_before: Annotated[str | None, typer.Option(help="Signed in to, last before this day or time.")] = None,
    never_logged_in: Annotated[str | None, typer.Option(help="true or false.")] = None,
    not_signed_in_since: Annotated[str | None, typer.Option(help="Not signed in to since this day or time.")] = None,
    not_signed_in_for_days: Annotated[str | None, typer.Option(help="The same, by days before today.")] = None,
    email: Annotated[str | None, typer.Option(help="MISSING or SHARED.")] = None,
    columns: Annotated[str | None, typer.Option(help="Keys of columns, with commas between them.")] = None,
    order_by: Annotated[str | None, typer.Option(help="ID, NAME, SCHOOL or LAST_LOGIN.")] = None,
    descending: Annotated[bool, typer.Option("--descending", help="The other way round.")] = False,
    group_by: Annotated[list[str] | None, typer.Option(help="Counted by this instead of listed.")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="With a byte order mark, for Excel; CSV only.")] = False,
) -> None:
    """Writes a report to a file that only its owner may read, all of it or nothing."""
    given: dict[str, str | list[str] | None] = {
        "gradeLevel": grade,
        "capacity": capacity,
        "status": status,
        "disabledReason": disabled_reason,
        "lastLoginBefore": last_login_before,
        "neverLoggedIn": never_logged_in,
        "notSignedInSince": not_signed_in_since,
        DAYS: not_signed_in_for_days,
        "email": email,
        "columns": columns,
        "orderBy": order_by,
        "descending": "true" if descending else None,
        "groupBy": group_by,
    }
    if bom and form is not Form.CSV:
        raise PlainProblem("--bom goes with --format csv alone.")
    if to != _STDOUT and (to.exists() or to.is_symlink()):
        raise PlainProblem(f"There is a file {to} already: delete it, or write to another one.")

    async def work(ctx: Context) -> int:
        definition = await _asked(ctx, described(name), given, school)
        with _place(to) as (file, put_in_place):
            rows = await _write(ctx, definition, purpose, form, file, bom=bom)
            put_in_place()
        return rows

    with desk() as at:
        rows = at.run(work)
    if to != _STDOUT:
        out.print(f"{to}: {rows} rows. It tells of people: keep it where only those can read it who may.")


async def _asked(
    ctx: Context, offered: Described, given: Mapping[str, str | Sequence[str] | None], school: str | None
) -> Definition:
    """What the options ask for.

    Raises:
        PlainProblem: names those that cannot be taken.
    """
    said = {name: [word] if isinstance(word, str) else list(word) for name, word in given.items() if word}
    if school is not None:
        said["schoolId"] = [global_word("School", (await school_called(school)).id)]
    words = Words(said)
    words.only(names_for(offered))
    definition = asked_by(words, offered, ctx.rules.zone)
    try:
        words.insist()
    except NotUnderstood as unclear:
        raise PlainProblem(" ".join(_told(fault) for fault in unclear.faults)) from None
    return definition


def _told(fault: Fault) -> str:
    known = ", ".join(_option(name) if "no such" in fault.message else name for name in fault.known)
    return f"--{_option(fault.parameter)}: {fault.message}" + (f" Known are: {known}." if known else "")


def _option(parameter: str) -> str:
    """The option for a parameter: `order-by` for `orderBy`."""
    if parameter in _OPTIONS:
        return _OPTIONS[parameter]
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in parameter)


# ------------------------------------------------------------------------------------------------ writing
@contextmanager
def _place(to: Path) -> Iterator[tuple[IO[bytes], Callable[[], None]]]:
    """Where to write, and what to do when all is written.

    Raises:
        PlainProblem: when nothing can be written there.
    """
    try:
        if to == _STDOUT:
            yield sys.stdout.buffer, sys.stdout.buffer.flush
            return
        with private_file(to) as made:

            def put_in_place() -> None:
                made.complete()
                made.put_in_place()

            yield made.file, put_in_place
    except BrokenPipeError:
        raise PlainProblem("Whoever read the output has gone: it is not complete.") from None
    except OSError as failed:
        raise PlainProblem(f"The file {to} cannot be written: {failed.strerror}.") from None


async def _write(ctx: Context, definition: Definition, purpose: str, form: Form, file: IO[bytes], *, bom: bool) -> int:
    """Writes the report, and shows how far it is; how many rows there were.

    Raises:
        PlainProblem: when the report cannot be laid out like this, or there is no good purpose.
    """
    try:
        exported = await export_by_operator(ctx, on_its_day(ctx, definition), purpose)
    except InvalidInput as refused:
        told = (f"--{_option(field.path[-1])}: {field.message}" for field in refused.fields)
        raise PlainProblem(" ".join(told)) from None
    writer = writer_of(form, exported.columns, rules=ctx.rules, language="en", bom=bom)
    console, rows = Console(stderr=True), 0
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*shown, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("Writing rows", total=exported.total)
        file.write(writer.head())
        async with aclosing(cast("AsyncGenerator[list[Cells]]", exported.batches)) as batches:
            async for batch in batches:
                file.write(writer.rows(batch))
                rows += len(batch)
                progress.update(task, completed=rows, total=max(exported.total, rows))
        file.write(writer.tail())
    return rows

"""`portal report`: reports of the whole district as files, for the operator.

`portal report run NAME` may be said without `run`; what else the group can do has a command of its own.
"""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from app.export_forms import Form
from app.problems import PlainProblem
from app.staff_desk import desk
from db.context import Context
from resolvers.report_outcomes import ReportName


class ReportGroup(TyperGroup):
    """Takes the name of a report in place of a command: it is then run."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # its types are Typer's own copy of Click's
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


@report.callback()
def group() -> None:
    """Reports of the whole district, as files."""


@report.command("list")
def list_reports() -> None:
    """Which reports there are, what they list, and by what they can be narrowed and laid out."""
    from app.report_file import catalogue

    table = Table("report", "what it lists", "options", "columns")
    for name, about, options, columns in catalogue():
        table.add_row(name, about, ", ".join(options), ", ".join(columns))
    console = out if out.is_terminal else Console(highlight=False, markup=False, width=_WIDE)
    console.print(table)


@report.command()
def run(
    name: Annotated[ReportName, typer.Argument(help="Which report; `portal report list` tells of them.")],
    *,
    to: Annotated[Path, typer.Option("--out", help="File to write, which must not be there yet; - for the output.")],
    purpose: Annotated[str, typer.Option(help="What it is for, as it is noted in the trail.")],
    said: Annotated[
        Form | None, typer.Option("--format", help="What the file is written as; else as its name ends, or csv.")
    ] = None,
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
        "notSignedInForDays": not_signed_in_for_days,
        "email": email,
        "columns": columns,
        "orderBy": order_by,
        "descending": "true" if descending else None,
        "groupBy": group_by,
    }
    # Only this command needs what makes reports: it takes longer to load than most commands take to run.
    from app.report_file import STDOUT, asked_with, place_for, write_report

    form = _form(said, to)
    if bom and form is not Form.CSV:
        raise PlainProblem("--bom goes with --format csv alone.")
    if to != STDOUT and (to.exists() or to.is_symlink()):
        raise PlainProblem(f"There is a file {to} already: delete it, or write to another one.")

    async def work(ctx: Context) -> int:
        definition = await asked_with(ctx, name, given, school)
        with place_for(to) as (file, put_in_place):
            rows = await write_report(ctx, definition, purpose, form, file, bom=bom)
            put_in_place()
        return rows

    with desk() as at:
        rows = at.run(work)
    if to != STDOUT:
        out.print(f"{to}: {rows} rows. It tells of people: keep it where only those can read it who may.")


def _form(said: Form | None, to: Path) -> Form:
    """The form that is asked for, by its name or the file's: a program goes by the end of a file's name too.

    Raises:
        PlainProblem: when the two contradict each other.
    """
    ending = to.suffix.lower().removeprefix(".")
    named = Form(ending) if ending in set(Form) else None
    if said and named and said is not named:
        raise PlainProblem(f"The file's name ends in .{ending}, and --format says {said.value}.")
    return said or named or Form.CSV


@report.command()
def overview(
    *,
    html: Annotated[Path, typer.Option("--html", help="File to write: one page. It must not be there yet.")],
    school: Annotated[str | None, typer.Option(help="Name or source id of a school; none: the whole district.")] = None,
) -> None:
    """Draws who has got in, how often people come, and what keeps others out, as one page for a principal."""
    # Only this command draws.
    from app.overview import page
    from app.private_file import private_file
    from resolvers.overview import Overview
    from resolvers.overview import overview as looked_over
    from resolvers.staff import school_called

    if html.exists() or html.is_symlink():
        raise PlainProblem(f"There is a file {html} already: delete it, or write to another one.")

    async def work(ctx: Context) -> Overview:
        at = await school_called(school) if school else None
        return await looked_over(ctx, school_id=at.id if at else None, school=at.name if at else None)

    with desk() as counter:
        seen = counter.run(work)
    try:
        with private_file(html) as file:
            file.file.write(page(seen).encode())
            file.complete()
            file.put_in_place()
    except OSError as failed:
        raise PlainProblem(f"The file {html} cannot be written: {failed.strerror}.") from None
    out.print(f"{html}: open it in a browser, or print it. It tells of nobody in particular.")

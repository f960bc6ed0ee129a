"""A report of the whole district on its way into a file of the operator's."""

import sys
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import IO, Final, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.export_forms import Form, writer_of
from app.private_file import private_file
from app.problems import PlainProblem
from app.report_words import Fault, NotUnderstood, Words, asked_by, names_for
from db.context import Context
from policies.refusals import InvalidInput
from resolvers.global_ids import global_word
from resolvers.report_checks import on_its_day
from resolvers.report_outcomes import Cells, Definition, ReportName
from resolvers.reports import described, export_by_operator
from resolvers.staff import school_called

#: In place of a file's name: the output.
STDOUT: Final = Path("-")
_OPTIONS: Final = {"schoolId": "school", "gradeLevel": "grade"}


def catalogue() -> Iterator[tuple[str, str, list[str], list[str]]]:
    """Of each report: its name, what it lists, the options that it takes, and the keys of its columns."""
    for name in ReportName:
        offered = described(name)
        options = [f"--{option_for(each)}" for each in names_for(offered)]
        yield name.value, str(offered.about), options, [each.key for each in offered.columns if each.key != "username"]


async def asked_with(
    ctx: Context, name: ReportName, given: Mapping[str, str | Sequence[str] | None], school: str | None
) -> Definition:
    """What the options ask for.

    Raises:
        PlainProblem: names those that cannot be taken.
    """
    said = {name: [word] if isinstance(word, str) else list(word) for name, word in given.items() if word}
    if school is not None:
        said["schoolId"] = [global_word("School", (await school_called(school)).id)]
    words, offered = Words(said), described(name)
    words.only(names_for(offered))
    definition = asked_by(words, offered, ctx.rules.zone)
    try:
        words.insist()
    except NotUnderstood as unclear:
        raise PlainProblem(" ".join(_told(fault) for fault in unclear.faults)) from None
    return definition


def _told(fault: Fault) -> str:
    known = ", ".join(option_for(name) if "no such" in fault.message else name for name in fault.known)
    return f"--{option_for(fault.parameter)}: {fault.message}" + (f" Known are: {known}." if known else "")


def option_for(parameter: str) -> str:
    """The option for a parameter: `order-by` for `orderBy`."""
    if parameter in _OPTIONS:
        return _OPTIONS[parameter]
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in parameter)


# ------------------------------------------------------------------------------------------------ writing
@contextmanager
def place_for(to: Path) -> Iterator[tuple[IO[bytes], Callable[[], None]]]:
    """Where to write, and what to do when all is written.

    Raises:
        PlainProblem: when nothing can be written there.
    """
    try:
        if to == STDOUT:
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


async def write_report(
    ctx: Context, definition: Definition, purpose: str, form: Form, file: IO[bytes], *, bom: bool
) -> int:
    """Writes the report, and shows how far it is; how many rows there were.

    Raises:
        PlainProblem: when the report cannot be laid out like this, or there is no good purpose.
    """
    try:
        exported = await export_by_operator(ctx, on_its_day(ctx, definition), purpose)
    except InvalidInput as refused:
        told = (f"--{option_for(field.path[-1])}: {field.message}" for field in refused.fields)
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

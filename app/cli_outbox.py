"""`portal outbox`: what became of letters, and what an operator can do about them."""

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.problems import PlainProblem
from app.staff_desk import desk
from db.context import Context
from db.models import LetterState
from db.rules import Rules
from mail.outbox import masked
from resolvers import outbox as steps
from resolvers.outbox import OutboxProblem, Promised

outbox = typer.Typer(
    name="outbox", help="The outbox: what became of letters, and trying them again.", no_args_is_help=True
)
out = Console(highlight=False, soft_wrap=True)
#: Where no terminal says how wide it is, a table is as wide as it needs to be.
_WIDE = 300


class State(StrEnum):
    """Where a letter stands, as it is typed."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


@outbox.command("list")
def list_letters(
    *,
    state: Annotated[State | None, typer.Option(help="Only those of one state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 50,
    addresses: Annotated[bool, typer.Option("--addresses", help="Show whole addresses.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One letter a line, as JSON, for programs.")] = False,
) -> None:
    """Lists the newest letters: what they are about, where they stand, and why."""

    async def work(ctx: Context) -> list[Promised]:
        return await steps.outbox(ctx, state=LetterState(state.upper()) if state else None, limit=limit)

    with desk() as at:
        letters = at.run(work)
        rules = at.settings
    if as_json:
        for letter in letters:
            out.print(json.dumps(_as_dict(letter, whole=addresses)), markup=False)
        return
    _show_table(letters, rules, whole=addresses)


def _as_dict(letter: Promised, *, whole: bool) -> dict[str, object]:
    return {
        "id": letter.id,
        "kind": letter.kind,
        "state": letter.state.value,
        "address": letter.address if whole else masked(letter.address),
        "promised_at": letter.promised_at.isoformat(),
        "due_at": letter.due_at.isoformat() if letter.state is LetterState.WAITING else None,
        "sent_at": letter.sent_at.isoformat() if letter.sent_at else None,
        "in_hand": letter.in_hand,
        "attempts": letter.attempts,
        "reason": letter.reason,
    }


def _show_table(letters: Sequence[Promised], rules: Rules, *, whole: bool) -> None:
    if not letters:
        out.print("There is no such letter.")
        return
    table = Table("letter", "kind", "state", "address", "promised", "due", "sent", "attempts", "reason")
    for letter in letters:
        waits = letter.state is LetterState.WAITING
        row = (
            str(letter.id),
            letter.kind,
            letter.state.value,
            letter.address if whole else masked(letter.address),
            _moment(letter.promised_at, rules),
            "in hand" if letter.in_hand else _moment(letter.due_at, rules) if waits else "",
            _moment(letter.sent_at, rules) if letter.sent_at else "",
            str(letter.attempts),
            letter.reason or "",
        )
        # As text, since what a mail server said may look like markup.
        table.add_row(*(escape(cell) for cell in row))
    console = out if out.is_terminal else Console(highlight=False, width=_WIDE)
    console.print(table)


def _moment(at: datetime, rules: Rules) -> str:
    return f"{at.astimezone(rules.zone):%Y-%m-%d %H:%M:%S}"


@outbox.command()
def retry(
    letter: Annotated[int | None, typer.Argument(help="The number of a letter that was given up.")] = None,
    *,
    failed: Annotated[bool, typer.Option("--failed", help="All that were given up.")] = False,
) -> None:
    """Tries a letter again that was given up, or all of them."""
    if (letter is None) != failed:
        raise PlainProblem("Give either the number of a letter or --failed.")

    async def work(ctx: Context) -> int:
        if letter is None:
            return await steps.retry_failed_letters(ctx)
        await steps.retry_letter(ctx, letter)
        return 1

    try:
        with desk() as at:
            count = at.run(work)
    except OutboxProblem as problem:
        raise PlainProblem(str(problem)) from None
    out.print(f"{count} {'letter waits' if count == 1 else 'letters wait'} to be sent again.")


@outbox.command()
def cancel(letter: Annotated[int, typer.Argument(help="The number of a letter that waits.")]) -> None:
    """Cancels a letter that waits: it is not sent any more."""

    async def work(ctx: Context) -> None:
        await steps.cancel_letter(ctx, letter)

    try:
        with desk() as at:
            at.run(work)
    except OutboxProblem as problem:
        raise PlainProblem(str(problem)) from None
    out.print(f"Letter {letter} is cancelled.")

"""`portal webhook`: where service clients are told of changes by themselves."""

import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from uuid import uuid4

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.problems import PlainProblem
from app.running import settings_and_logs
from app.settings import Settings
from app.staff_desk import Desk, desk
from db.context import Capacity, Context
from resolvers import webhooks as steps
from resolvers.staff import school_called
from resolvers.webhooks import Kept, WebhookProblem

_T = TypeVar("_T")
webhook = typer.Typer(
    name="webhook", help="Webhooks: where service clients are told of changes by themselves.", no_args_is_help=True
)
out = Console(highlight=False, soft_wrap=True, markup=False)
#: Where no terminal says how wide it is, a table is as wide as it needs to be.
_WIDE = 300
Number = Annotated[int, typer.Argument(metavar="WEBHOOK", help="Its number, as `portal webhook list` shows it.")]


class HeldAs(StrEnum):
    """Whose accounts, as it is typed."""

    GUARDIAN = "guardian"
    STUDENT = "student"


@contextmanager
def _desk() -> Iterator[Desk]:
    """The desk for one command. Raises PlainProblem with what cannot be done."""
    try:
        with desk() as at:
            yield at
    except WebhookProblem as problem:
        raise PlainProblem(str(problem)) from None


def _do(work: Callable[[Context], Coroutine[Any, Any, _T]]) -> _T:
    with _desk() as at:
        return at.run(work)


@webhook.command()
def add(
    client: Annotated[str, typer.Argument(help="Name or public id of a reporting client.")],
    url: Annotated[str, typer.Argument(help="Where the receiver listens: https://…")],
    *,
    school: Annotated[str | None, typer.Option(help="Name or source id of a school: only accounts there.")] = None,
    capacity: Annotated[HeldAs | None, typer.Option(help="Only accounts of this kind.")] = None,
) -> None:
    """Tells a client of what changes from now on, and shows, once, the secret that signs what is sent."""
    with _desk() as at:
        # In development a receiver on the same machine needs no certificate.
        loopback = not at.settings.in_production

        async def work(ctx: Context) -> tuple[int, str]:
            return await steps.add_webhook(
                ctx,
                client=client,
                url=url,
                school=await school_called(school) if school else None,
                capacity=Capacity(capacity.upper()) if capacity else None,
                loopback_in_the_open=loopback,
            )

        number, secret = at.run(work)
    out.print(f"Webhook {number} is there. Its secret, which is shown this once:\n{secret}")


@webhook.command()
def rotate(
    number: Number,
    *,
    hours: Annotated[int, typer.Option(min=0, max=720, help="For how long the secret before signs as well.")] = 24,
) -> None:
    """Makes a new secret and shows it, once. For a while everything is signed with the one before it too."""
    with _desk() as at:
        secret, until = at.run(lambda ctx: steps.rotate_webhook(ctx, number, both_for=timedelta(hours=hours)))
        moment = _moment(until, at.settings)
    out.print(f"The new secret of webhook {number}, which is shown this once:\n{secret}")
    out.print(f"The one before it signs until {moment}." if hours else "The one before it signs no more.")


@webhook.command()
def remove(number: Number) -> None:
    """Ends a webhook: nothing is sent to it any more."""
    waiting = _do(lambda ctx: steps.remove_webhook(ctx, number))
    out.print(f"Webhook {number} is removed." + (f" Not delivered: {waiting}." if waiting else ""))


@webhook.command()
def pause(number: Number) -> None:
    """Sends nothing to a webhook until it is resumed. Nothing is lost."""
    _do(lambda ctx: steps.pause_webhook(ctx, number))
    out.print(f"Webhook {number} is paused.")


@webhook.command()
def resume(
    number: Number,
    *,
    leave_out: Annotated[  # a flag of the command line
        bool, typer.Option("--leave-out", help="Leave out what was tried in vain for the whole time.")
    ] = False,
) -> None:
    """Goes on where a webhook stood, and tries what waits for as long as what is new."""
    with _desk() as at:
        after = timedelta(hours=at.settings.webhook_give_up_hours) if leave_out else None
        left_out, missed = at.run(lambda ctx: steps.resume_webhook(ctx, number, leave_out_after=after))
    out.print(f"Webhook {number} goes on." + (f" Left out: {left_out}." if leave_out else ""))
    _tell_of_forgotten(missed)


@webhook.command()
def replay(
    number: Number,
    *,
    from_: Annotated[
        str, typer.Option("--from", help="A cursor, after which all is told again; or a day or time, from which on.")
    ],
) -> None:
    """Tells a webhook in order what came after a cursor or a time; what it was told before, under its `webhook-id`."""
    from app.webhook_wire import read_cursor

    with _desk() as at:
        after = read_cursor(from_)
        start = _time(from_, at.settings) if after is None else after
        replayed = at.run(lambda ctx: steps.replay_webhook(ctx, number, after=start))
    out.print(f"Told again: {replayed.deliveries}.")
    _tell_of_forgotten(replayed.forgotten)


def _tell_of_forgotten(changes: int) -> None:
    if changes:
        out.print(
            f"{changes} changes are not kept any more (PORTAL_CHANGE_DAYS): have the receiver read the accounts anew."
        )


def _time(text: str, settings: Settings) -> datetime:
    """A day or a moment in the district's time zone. Raises PlainProblem."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PlainProblem(f"{text!r} is neither a cursor nor a day or time such as 2026-10-05T08:00.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=settings.zone)


@webhook.command("list")
def list_webhooks(
    *,
    as_json: Annotated[  # a flag of the command line
        bool, typer.Option("--json", help="One webhook a line, as JSON, for programs.")
    ] = False,
) -> None:
    """Lists the webhooks: whose they are, where they lead, what they are told, and how they stand."""

    async def work(_ctx: Context) -> list[Kept]:
        return await steps.webhooks()

    with _desk() as at:
        found = at.run(work)
        settings = at.settings
    if as_json:
        for each in found:
            out.print(json.dumps(_as_dict(each)))
        return
    _show_table(found, settings)


def _as_dict(each: Kept) -> dict[str, object]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(each).items()
    } | {"url": _bare(each.url)}


def _bare(url: str) -> str:
    """Without what may be as good as a key to whoever looks over the operator's shoulder."""
    address, question, _ = url.partition("?")
    return f"{address}?…" if question else address


def _show_table(found: list[Kept], settings: Settings) -> None:
    if not found:
        out.print("There is no webhook.")
        return
    table = Table("webhook", "client", "receiver", "told of", "stands", "waiting", "behind", "reason")
    for each in found:
        row = (
            str(each.id),
            each.client,
            _bare(each.url),
            " at ".join(filter(None, (f"{each.capacity.lower()}s" if each.capacity else "all", each.school))),
            _standing(each, settings),
            str(each.waiting),
            str(each.behind),
            each.failure or "",
        )
        table.add_row(*(escape(cell) for cell in row))
    console = out if out.is_terminal else Console(highlight=False, width=_WIDE)
    console.print(table)


def _standing(each: Kept, settings: Settings) -> str:
    if each.client_revoked:
        return "client revoked"
    if each.paused_at and each.paused_why:
        return f"PAUSED since {_moment(each.paused_at, settings)}: {each.paused_why.value}"
    if each.failing_since:
        return f"failing since {_moment(each.failing_since, settings)}"
    return "in order"


def _moment(at: datetime, settings: Settings) -> str:
    return f"{at.astimezone(settings.zone):%Y-%m-%d %H:%M:%S}"


@webhook.command()
def test(number: Number) -> None:
    """Sends something signed that is no event, paused or not, and says what came of it."""
    from app.webhook_wire import NotTaken, sender_of, signed, test_body

    with _desk() as at:
        settings = at.settings

        async def work(ctx: Context) -> str | None:
            hook = await steps.webhook_for_test(number)
            sender, body = sender_of(settings), test_body(ctx.now)
            try:
                await sender.send(hook["url"], signed(ctx, hook, f"msg_{uuid4().hex}", body), body)
            except NotTaken as not_taken:
                return not_taken.reason
            finally:
                await sender.close()
            return None

        reason = at.run(work)
    if reason is not None:
        raise PlainProblem(f"The receiver did not take it: {reason}.")
    out.print("The receiver took it.")


@webhook.command()
def run(
    *,
    once: Annotated[  # a flag of the command line
        bool, typer.Option("--once", help="Deliver what is due, and end.")
    ] = False,
) -> None:
    """Calls webhooks until it is told to stop, beside servers or instead of them. Any number may run at once."""
    from app.cli_webhook_run import run_messenger

    run_messenger(settings_and_logs(), once=once)

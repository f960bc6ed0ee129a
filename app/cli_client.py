"""`portal client`: the programs that the district lets in, with their keys."""

import json
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.problems import PlainProblem
from app.settings import Settings
from app.staff_desk import desk
from db.context import Context, Role
from db.models import ClientKind
from resolvers import client_desk as steps
from resolvers.client_desk import ClientKept, ClientProblem, KeyIssued, WantedClient
from resolvers.service_clients import CLIENT_HEADER
from resolvers.staff import school_called

client = typer.Typer(
    name="client", help="Service clients: programs that the district lets in, and their keys.", no_args_is_help=True
)
out = Console(highlight=False, soft_wrap=True, markup=False)
#: Where no terminal says how wide it is, a table is as wide as it needs to be.
_WIDE = 300
_OVERLAP_DAYS = 7
_T = TypeVar("_T")


class Kind(StrEnum):
    """What a client is for, as it is typed."""

    REPORTING = "reporting"
    DESIGNEE_TOOL = "designee-tool"
    PORTAL_FRONT_END = "portal-front-end"

    @property
    def kind(self) -> ClientKind:
        return ClientKind[self.name]


Name = Annotated[str, typer.Argument(help="The client's name.")]
Days = Annotated[int | None, typer.Option("--expires-days", min=1, max=3650, help="Days until the key expires.")]


@client.command("add")
def add(
    name: Name,
    *,
    kind: Annotated[Kind, typer.Option(help="What it is for.")],
    role: Annotated[
        list[Role] | None, typer.Option(help="In which role somebody may act through it; may be repeated.")
    ] = None,
    school: Annotated[
        list[str] | None, typer.Option(help="Name or source id of a school; several times for several. None: all.")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="Of a front end: where its pages come from; may be repeated.")
    ] = None,
    expires_days: Days = None,
) -> None:
    """Lets a program in, and prints its key, which is shown this once."""

    async def work(ctx: Context) -> tuple[ClientKept, KeyIssued | None]:
        wanted = WantedClient(
            name=name,
            kind=kind.kind,
            roles=role or (),
            schools=[await school_called(one) for one in school or ()],
            origins=origin or (),
            lifetime=_days(expires_days),
        )
        return await steps.add_client(ctx, wanted)

    (added, issued), settings = _run(work)
    where = ", ".join(added.schools) if added.schools is not None else "the whole district"
    out.print(f"{added.name} is let in: {kind.value}, {', '.join(added.roles)}, {where}.")
    if issued is not None:
        _show_key(issued, added, settings)
        return
    out.print(f"\nId: {added.public_id}")
    out.print(f"It is no secret. The front end sends it with each request in the header {CLIENT_HEADER}.")
    if not added.origins:
        out.print("It has no origin: browsers cannot use it from another site, applications on telephones can.")


@client.command("rotate")
def rotate(
    name: Name,
    *,
    overlap_days: Annotated[
        int, typer.Option(min=1, max=365, help="Days for which the key before it stays good.")
    ] = _OVERLAP_DAYS,
    now: Annotated[bool, typer.Option("--now", help="Every other key ends at once.")] = False,
    expires_days: Days = None,
) -> None:
    """Gives a client another key. The one before it stays good for some days; at most two are good at once."""

    async def work(ctx: Context) -> tuple[ClientKept, KeyIssued]:
        overlap = timedelta() if now else timedelta(days=overlap_days)
        return await steps.rotate_key(ctx, name, overlap=overlap, lifetime=_days(expires_days))

    (kept, issued), settings = _run(work)
    _show_key(issued, kept, settings)
    if issued.other_until is None:
        out.print("No other key of it is good any more.")
    else:
        out.print(
            f"The key before it is good until {_moment(issued.other_until, settings)}; all older ones have ended."
        )


@client.command("revoke")
def revoke(name: Name) -> None:
    """Shuts a client out for good, with its keys and every session that was opened through it."""

    async def work(ctx: Context) -> ClientKept:
        return await steps.revoke_client(ctx, name)

    kept, _ = _run(work)
    out.print(f"{kept.name} is revoked: from its next request on it is refused, and so are sessions opened through it.")


@client.command("list")
def list_clients(
    *, as_json: Annotated[bool, typer.Option("--json", help="The result as JSON, for programs.")] = False
) -> None:
    """Lists all clients, what they may be used for, and which keys they have."""

    async def work(ctx: Context) -> tuple[list[ClientKept], datetime]:
        return await steps.clients(), ctx.now

    (everybody, now), settings = _run(work)
    if as_json:
        out.print_json(json.dumps([_as_dict(one, now) for one in everybody]))
    else:
        _show_table(everybody, now, settings)


# ------------------------------------------------------------------------------------------------ what is shown
def _show_key(issued: KeyIssued, kept: ClientKept, settings: Settings) -> None:
    out.print(f"\nKey: {issued.key}")
    sent = "Authorization, as `Bearer`" if kept.kind is ClientKind.REPORTING else CLIENT_HEADER
    out.print(f"It is shown this once, and is sent with each request in the header {sent}.")
    if issued.expires_at is not None:
        out.print(f"It expires on {_moment(issued.expires_at, settings)}.")


def _show_table(everybody: Sequence[ClientKept], now: datetime, settings: Settings) -> None:
    if not everybody:
        out.print("There is no client.")
        return
    table = Table("client", "kind", "roles", "schools", "id or keys", "last used", "expires", "origins", "state")
    for one in everybody:
        good = [key for key in one.keys if key.is_good(now)]
        is_public = one.kind is ClientKind.PORTAL_FRONT_END
        used = max((key.last_used_at for key in one.keys if key.last_used_at), default=None)
        cells = (
            one.name,
            _word(one.kind),
            ", ".join(one.roles),
            "all" if one.schools is None else ", ".join(one.schools),
            one.public_id if is_public else "\n".join(f"{key.beginning}…" for key in good),
            _moment(used, settings) if used else "" if is_public else "never",
            "\n".join(_moment(key.expires_at, settings) if key.expires_at else "never" for key in good),
            "\n".join(one.origins),
            _state(one, is_good=is_public or bool(good), settings=settings),
        )
        table.add_row(*(escape(cell) for cell in cells))
    console = out if out.is_terminal else Console(highlight=False, width=_WIDE)
    console.print(table)


def _state(one: ClientKept, *, is_good: bool, settings: Settings) -> str:
    if one.revoked_at is not None:
        return f"revoked {_moment(one.revoked_at, settings)}"
    return "live" if is_good else "no good key"


def _as_dict(one: ClientKept, now: datetime) -> dict[str, object]:
    return {
        "name": one.name,
        "kind": _word(one.kind),
        "id": one.public_id,
        "roles": [role.value for role in one.roles],
        "schools": list(one.schools) if one.schools is not None else None,
        "origins": list(one.origins),
        "created_at": one.created_at.isoformat(),
        "revoked_at": _iso(one.revoked_at),
        "keys": [
            {
                "beginning": key.beginning,
                "issued_at": key.issued_at.isoformat(),
                "expires_at": _iso(key.expires_at),
                "last_used_at": _iso(key.last_used_at),
                "revoked_at": _iso(key.revoked_at),
                "good": one.revoked_at is None and key.is_good(now),
            }
            for key in one.keys
        ],
    }


def _word(kind: ClientKind) -> str:
    return Kind[kind.name].value


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _moment(at: datetime, settings: Settings) -> str:
    return f"{at.astimezone(settings.zone):%Y-%m-%d %H:%M}"


def _days(said: int | None) -> timedelta | None:
    return timedelta(days=said) if said else None


def _run(work: Callable[[Context], Coroutine[Any, Any, _T]]) -> tuple[_T, Settings]:
    try:
        with desk() as at:
            return at.run(work), at.settings
    except ClientProblem as problem:
        raise PlainProblem(str(problem)) from None

"""Who asks, told by what a request shows: a session, a service client, or one through the other; and whether a long
connection still may."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from db.context import Context, Role, Service
from db.models import ClientKind
from db.queries import service_clients as queries
from db.queries import sessions
from db.secrets import CLIENT_KEY_PREFIX, SESSION_PREFIX, is_client_id, is_client_key, token_digest
from db.sql import Row
from policies.service_clients import LONGEST_ORIGIN
from resolvers.session import TOUCH_EVERY, viewer_from

#: The header in which a designee tool shows its key, or a portal's front end its id, beside the user's session.
CLIENT_HEADER: Final = "Portal-Client"
#: A key's last use is written down once in this time: exact to the minute, and not a write for each read.
USED_EVERY: Final = timedelta(minutes=1)
_LONGEST_TOKEN: Final = 128


class ClientNotAccepted(Exception):
    """The service client that a request names may not be used, or a client is needed and none is named.

    Unknown, revoked and expired look alike. Such a request is nobody's, and is not answered.
    """

    def __init__(self, *, named: bool = True) -> None:
        """`named` tells whether the request named any client."""
        self.named = named
        super().__init__(
            "This service client is not accepted: its key or id is unknown, revoked or expired, or is not to be used "
            "this way."
            if named
            else f"A service client is needed here: name it in the header {CLIENT_HEADER}."
        )


async def identify(
    ctx: Context, *, authorization: str | None, client: str | None, origin: str | None = None
) -> Context:
    """The same request with whoever asks: `viewer`, and `service` where it comes through a service client.

    The arguments are what the request says in `Authorization`, `Portal-Client` and `Origin`, or what the first message
    of a socket says instead. A session that is not good, or not good with this client, is nobody's; a client that is
    not good refuses the request. One statement.

    Raises:
        ClientNotAccepted: when the client may not be used, or the district insists on one and there is none.
    """
    token = _bearer(authorization)
    alone = token.startswith(CLIENT_KEY_PREFIX)
    if client is None and not alone:
        return await _without_client(ctx, token)
    if client is not None and alone:
        raise ClientNotAccepted
    found = await _found(ctx, token if client is None else client, "" if alone else token)
    if found is None:
        raise ClientNotAccepted
    row, session = found
    if _kind(client) is not ClientKind(row["kind"]) or not _from_its_origin(row, origin):
        raise ClientNotAccepted
    if row["key_id"] is not None and (row["last_used_at"] is None or ctx.now - row["last_used_at"] >= USED_EVERY):
        await queries.used(row["key_id"], now=ctx.now, every=USED_EVERY)
    return await _seen_by(replace(ctx, service=service_of(row)), session)


async def still_good(ctx: Context, *, now: datetime) -> Context | None:
    """The context of a long connection as it is at `now`: the roles of viewer and client are fresh.

    None when the session has ended, ran out or is not to be used any more, or the client or its key is not. Nothing of
    it counts as use: a session that nobody uses runs out while its connection stands. One statement; none for nobody.
    """
    later = replace(ctx, now=now)
    if ctx.viewer is None and ctx.service is None:
        return later
    session, row = await queries.again(
        ctx.viewer.session_id if ctx.viewer else None,
        ctx.service.id if ctx.service else None,
        ctx.service.key_id if ctx.service else None,
        now=now,
        idle=ctx.rules.session_idle,
        today=later.today,
    )
    if (ctx.viewer is not None and session is None) or (ctx.service is not None and row is None):
        return None
    later = replace(later, service=service_of(row) if row else None)
    return later.seen_as(viewer_from(later, session, session["account_id"], session["session_id"]) if session else None)


async def is_origin_of_front_end(origin: str) -> bool:
    """Whether a browser may show the portal's answers to pages of this origin (RFC 6454), by what is so right now."""
    # `null`, and what no browser sends, is asked for nowhere.
    return "://" in origin and len(origin) <= LONGEST_ORIGIN and await queries.is_origin(origin)


def service_of(row: Row) -> Service:
    """The client of a row with its columns, and with its key if it showed one."""
    schools = frozenset[int | None]([None] if row["school_ids"] is None else row["school_ids"])
    return Service(
        id=row["client_id"],
        allowed={Role(role): schools for role in row["client_roles"]},
        acts_alone=row["kind"] == ClientKind.REPORTING,
        key_id=row.get("key_id"),
    )


async def _without_client(ctx: Context, token: str) -> Context:
    if ctx.rules.clients_required:
        raise ClientNotAccepted(named=False)
    if not _is_session(token):
        return ctx
    digest = token_digest(token)
    return await _seen_by(
        ctx, await sessions.by_token(digest, now=ctx.now, idle=ctx.rules.session_idle, today=ctx.today)
    )


async def _found(ctx: Context, shown: str, token: str) -> tuple[Row, Row | None] | None:
    """The client that is named, and the session if that is good with it."""
    session = token_digest(token) if _is_session(token) else b""
    now, idle, today = ctx.now, ctx.rules.session_idle, ctx.today
    if is_client_key(shown):
        return await queries.by_key(token_digest(shown), session, now=now, idle=idle, today=today)
    if is_client_id(shown):
        return await queries.by_id(shown, session, now=now, idle=idle, today=today)
    return None


async def _seen_by(ctx: Context, row: Row | None) -> Context:
    if row is None:
        return ctx
    if ctx.now - row["last_seen_at"] >= TOUCH_EVERY:
        await sessions.touch(row["session_id"], ctx.now)
    return ctx.seen_as(viewer_from(ctx, row, row["account_id"], row["session_id"]))


def _bearer(authorization: str | None) -> str:
    """The token of a Bearer header (RFC 6750 §2.1); empty for any other."""
    kind, _, token = (authorization or "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _is_session(token: str) -> bool:
    return token.startswith(SESSION_PREFIX) and len(token) <= _LONGEST_TOKEN


def _kind(client: str | None) -> ClientKind:
    """Which kind of client shows itself this way; `client` is the header of its own."""
    if client is None:
        return ClientKind.REPORTING
    return ClientKind.DESIGNEE_TOOL if client.startswith(CLIENT_KEY_PREFIX) else ClientKind.PORTAL_FRONT_END


def _from_its_origin(row: Row, origin: str | None) -> bool:
    """Whether a browser, which tells where its page comes from, runs the page of the client whose id it shows.

    Others tell nothing, and a key is nothing that a page of somebody else could have.
    """
    return row["key_id"] is not None or origin is None or origin in row["origins"]

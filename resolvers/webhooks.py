"""Webhooks, as the operator keeps them on the command line: where a service client is told of changes by itself."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from db import feed, sql, trail
from db.context import Capacity, Context
from db.models import ClientKind, PausedWhy, School, ServiceClient, Webhook
from db.queries import webhooks as queries
from db.secrets import WEBHOOK_SECRET_PREFIX, new_nonce
from db.sql import Row
from db.trail import Note, Step
from resolvers.deliveries import reach_of_client

_LONGEST_URL: Final = 2000


class WebhookProblem(Exception):
    """What the operator asked for cannot be done; the text says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A webhook as the operator sees it."""

    id: int
    client: str
    url: str
    school: str | None
    capacity: Capacity | None
    created_at: datetime
    #: Its client may not be told of anything any more.
    client_revoked: bool
    paused_at: datetime | None
    paused_why: PausedWhy | None
    #: Until when the secret before the last rotation signs too.
    previous_until: datetime | None
    waiting: int
    waiting_since: datetime | None
    #: Since when nothing that was tried was taken, and what was wrong the last time.
    failing_since: datetime | None
    failure: str | None
    #: Changes that it has not taken in: while it is paused, or nobody delivers.
    behind: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a replay."""

    #: Deliveries that are made anew.
    deliveries: int
    #: Changes that were to be told again and are thrown away.
    forgotten: int


# ------------------------------------------------------------------------------------------------ what there is
async def webhooks() -> list[Kept]:
    """All that are not removed, by number."""
    return [_kept(row) for row in await queries.listed()]


def _kept(row: Row) -> Kept:
    return Kept(
        id=row["id"],
        client=row["client"],
        url=row["url"],
        school=row["school"],
        capacity=Capacity(row["capacity"]) if row["capacity"] else None,
        created_at=row["created_at"],
        client_revoked=row["revoked_at"] is not None,
        paused_at=row["paused_at"],
        paused_why=PausedWhy(row["paused_why"]) if row["paused_why"] else None,
        previous_until=row["previous_until"],
        waiting=row["waiting"],
        waiting_since=row["waiting_since"],
        failing_since=row["failing_since"],
        failure=row["failure"],
        behind=max((row["numbered"] or 0) - row["taken_in"], 0),
    )


# ------------------------------------------------------------------------------------------------ adding
def checked_url(url: str, *, loopback_in_the_open: bool) -> SplitResult:
    """The address of a receiver in its parts: HTTPS, or in the open where that does not leave the machine.

    Receivers inside the district are as welcome as others: whoever may add a webhook runs the portal.

    Raises:
        WebhookProblem: when nothing should be sent there.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise WebhookProblem("The receiver's address is none.") from None
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > _LONGEST_URL or not parts.hostname:
        raise WebhookProblem("The receiver's address must be a whole one, such as https://reports.example.org/portal.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise WebhookProblem("The receiver's address must hold no username, password or fragment.")
    if parts.scheme != "https" and not (
        parts.scheme == "http" and loopback_in_the_open and _is_loopback(parts.hostname)
    ):
        raise WebhookProblem("The receiver's address must begin with https://.")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def add_webhook(
    ctx: Context,
    *,
    client: str,
    url: str,
    school: School | None,
    capacity: Capacity | None,
    loopback_in_the_open: bool,
) -> tuple[int, str]:
    """A webhook for what changes from now on: its number, and the secret that its receiver checks signatures with.

    Raises:
        WebhookProblem: when there is no such client, or it may have none; or as `checked_url`.
    """
    where = checked_url(url, loopback_in_the_open=loopback_in_the_open)
    told = await _reporting_client(client)
    numbered = await feed.number_changes()
    nonce, version = new_nonce(), ctx.keys.current
    async with sql.transaction():
        hook = await Webhook.create(
            client_id=told.id,
            url=url,
            school_id=school.id if school else None,
            capacity=capacity,
            nonce=nonce,
            secret_version=version,
            created_at=ctx.now,
            taken_in=numbered,
        )
        filters = {"school_id": hook.school_id, "capacity": capacity.value if capacity else None}
        # The host alone: what comes behind it may be as good as a key to whoever reads the trail.
        await _record_webhook(ctx, Step.ADD_WEBHOOK, hook.id, told.id, host=where.hostname, **filters)
    return hook.id, secret_text(ctx, nonce, version)


async def _reporting_client(said: str) -> ServiceClient:
    """The client of this name or public id. Raises WebhookProblem."""
    found = await ServiceClient.get_or_none(name=said) or await ServiceClient.get_or_none(public_id=said)
    if found is None:
        names = await ServiceClient.filter(kind=ClientKind.REPORTING, revoked_at=None).order_by("name")
        listed = "; ".join(each.name for each in names) or "none"
        raise WebhookProblem(f"There is no service client {said!r}. Those that may have webhooks are: {listed}.")
    if found.kind is not ClientKind.REPORTING:
        raise WebhookProblem(
            f"{found.name} is no reporting client: only those, which ask by themselves, have webhooks."
        )
    if found.revoked_at is not None:
        raise WebhookProblem(f"{found.name} was revoked.")
    return found


def secret_text(ctx: Context, nonce: bytes, version: int) -> str:
    """A signing secret as receivers are given it. Raises LookupError when the master secret of that version is gone."""
    return WEBHOOK_SECRET_PREFIX + base64.b64encode(ctx.keys.webhook_secret(nonce, version)).decode()


# ------------------------------------------------------------------------------------------------ changing
async def rotate_webhook(ctx: Context, webhook_id: int, *, both_for: timedelta) -> tuple[str, datetime]:
    """A new secret, and until when the one before it signs as well.

    Raises:
        WebhookProblem: when there is no such webhook.
    """
    nonce, version, until = new_nonce(), ctx.keys.current, ctx.now + both_for
    async with _changing(ctx, Step.ROTATE_WEBHOOK, webhook_id):
        await queries.rotate(webhook_id, nonce, version, until)
    return secret_text(ctx, nonce, version), until


async def remove_webhook(ctx: Context, webhook_id: int) -> int:
    """Nothing is sent to it any more; returns how many deliveries were still waiting.

    Raises:
        WebhookProblem: when there is no such webhook.
    """
    async with _changing(ctx, Step.REMOVE_WEBHOOK, webhook_id):
        return await queries.remove(webhook_id, ctx.now)


async def pause_webhook(ctx: Context, webhook_id: int) -> None:
    """Nothing is sent until it is resumed; nothing is lost.

    Raises:
        WebhookProblem: when there is no such webhook, or it is paused.
    """
    async with _changing(ctx, Step.PAUSE_WEBHOOK, webhook_id) as hook:
        if hook["paused_at"] is not None:
            raise WebhookProblem(f"Webhook {webhook_id} is paused already: {hook['paused_why']}.")
        await queries.pause(webhook_id, ctx.now, PausedWhy.BY_OPERATOR.value)


async def resume_webhook(ctx: Context, webhook_id: int, *, leave_out_after: timedelta | None = None) -> tuple[int, int]:
    """It goes on where it stood. With `leave_out_after`, what was tried in vain for so long is left out.

    Returns how many deliveries were left out, and how many changes it missed because they are thrown away by now.

    Raises:
        WebhookProblem: when there is no such webhook.
    """
    forgotten = await feed.forgotten()
    async with _changing(ctx, Step.RESUME_WEBHOOK, webhook_id) as hook:
        since = None if leave_out_after is None else ctx.now - leave_out_after
        left_out = await queries.resume(webhook_id, ctx.now, leave_out_since=since)
        await queries.wake()
    return left_out, max(forgotten - hook["taken_in"], 0)


async def replay_webhook(ctx: Context, webhook_id: int, *, after: int | datetime) -> Replayed:
    """All that came after a cursor's number, or from a moment on, is delivered once more, in order.

    Each under the id that it had: a receiver that has it knows it again.

    Raises:
        WebhookProblem: when there is no such webhook, its client was revoked, or it was not as far.
    """
    forgotten = await feed.forgotten()
    number = await queries.last_before(after) if isinstance(after, datetime) else after
    async with _changing(ctx, Step.REPLAY_WEBHOOK, webhook_id, after=number) as hook:
        if hook["revoked_at"] is not None:
            raise WebhookProblem(f"The client of webhook {webhook_id} was revoked.")
        if number > hook["taken_in"]:
            raise WebhookProblem(f"Webhook {webhook_id} has not come to this cursor yet.")
        # A large district's changes of weeks are more than one statement may take otherwise.
        await sql.rows("SET LOCAL statement_timeout = 0")
        count = await queries.replay(reach_of_client(ctx, hook), hook, on=ctx.today, now=ctx.now, after=number)
        await queries.wake()
    return Replayed(count, max(forgotten - number, 0))


async def webhook_for_test(webhook_id: int) -> Row:
    """The webhook, to send something to it that is no event.

    Raises:
        WebhookProblem: when there is no such webhook.
    """
    row = await Webhook.filter(id=webhook_id, removed_at=None).first().values()
    if row is None:
        raise WebhookProblem(f"There is no webhook {webhook_id}.")
    return dict(row)


@asynccontextmanager
async def _changing(ctx: Context, step: Step, webhook_id: int, **details: object) -> AsyncIterator[Row]:
    """The webhook, locked; what is done to it and its entry in the trail stand or fall together."""
    async with sql.transaction():
        hook = await queries.lock(webhook_id)
        if hook is None or hook["removed_at"] is not None:
            raise WebhookProblem(f"There is no webhook {webhook_id}.")
        yield hook
        await _record_webhook(ctx, step, webhook_id, hook["client_id"], **details)


async def _record_webhook(ctx: Context, step: Step, webhook_id: int, client_id: int, **details: object) -> None:
    told = {"webhook_id": webhook_id, "client_id": client_id} | details
    await trail.record(ctx, Note(step, details=told))

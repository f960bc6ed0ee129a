"""Closing an account and opening it again: the same thing whoever decides it, the desk, the operator, or a count."""

from collections.abc import Iterable

from db import sql, trail
from db.context import Context
from db.models import Account, AccountStatus, ActivationKey, DisabledReason, KeyState
from db.queries import helpdesk as queries
from db.trail import Note, Step
from mail.outbox import Addressee, LetterKind, promise
from resolvers.login_attempts import LoginAttempt, failures_in_a_row, forget_failures


async def close_account(
    ctx: Context,
    account_id: int,
    told: Iterable[Addressee],
    *,
    reason: DisabledReason = DisabledReason.STAFF_DECISION,
) -> int:
    """Disables an account, with its sessions, devices, codes, links and keys; returns how many sessions ended.

    Inside a transaction that has locked the account.
    """
    ended = await queries.shut_out(account_id, now=ctx.now, reason="ACCOUNT_DISABLED")
    await ActivationKey.filter(account_id=account_id, state=KeyState.CURRENT).update(state=KeyState.REPLACED)
    await Account.filter(id=account_id).update(status=AccountStatus.DISABLED, disabled_reason=reason)
    by_failures = reason is DisabledReason.TOO_MANY_FAILURES
    await promise(ctx, LetterKind.ACCOUNT_DISABLED, told, {"account_id": account_id, "by_failures": by_failures})
    return ended


async def close_after_failures(ctx: Context, account_id: int | None, wrong: LoginAttempt) -> None:
    """Disables an open account once too many passwords in a row were wrong, and tells the holder.

    Whoever guesses sees nothing of it. It is looked for an account where nobody has the username, too (None).
    """
    most = ctx.rules.login_failures_most
    if wrong.in_a_row < most:
        return
    async with sql.transaction():
        held = await queries.lock_holder(account_id or 0)
        if held is None or held["status"] != AccountStatus.ACTIVE:
            return
        counted = await failures_in_a_row(held["account_id"])
        if counted < most:
            # Somebody gave the right password a moment ago.
            return
        told = [Addressee(held["person_id"], held["email"], held["language"])] if held["email"] else []
        ended = await close_account(ctx, held["account_id"], told, reason=DisabledReason.TOO_MANY_FAILURES)
        note = Note(
            Step.DISABLE_BY_FAILURES,
            about_account_id=held["account_id"],
            about_person_id=held["person_id"],
            details={"failures": counted, "sessions_ended": ended},
        )
        # Nobody decided it, in whosever session the last of them was given.
        await trail.record(ctx.seen_as(None), note)


async def open_again(ctx: Context, account_id: int, told: Iterable[Addressee], *, was_open: bool) -> None:
    """A disabled account is as it was before, and its failures are forgotten; one never opened waits for a new key.

    Inside a transaction that has locked the account.
    """
    await Account.filter(id=account_id).update(
        status=AccountStatus.ACTIVE if was_open else AccountStatus.NOT_ACTIVATED,
        disabled_reason=None,
    )
    await forget_failures(ctx, account_id, await queries.devices(account_id))
    await promise(ctx, LetterKind.ACCOUNT_ENABLED, told, {"account_id": account_id})

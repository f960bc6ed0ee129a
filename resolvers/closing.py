"""Closing an account and opening it again: the same thing whoever decides it, the desk or the operator."""

from collections.abc import Iterable

from db.context import Context
from db.models import Account, AccountStatus, ActivationKey, DisabledReason, KeyState
from db.queries import helpdesk as queries
from mail.outbox import Addressee, LetterKind, promise
from resolvers.login_attempts import forget_failures


async def close_account(ctx: Context, account_id: int, told: Iterable[Addressee]) -> int:
    """Disables an account, with its sessions, devices, codes, links and keys; returns how many sessions ended.

    Inside a transaction that has locked the account.
    """
    ended = await queries.shut_out(account_id, now=ctx.now, reason="ACCOUNT_DISABLED")
    await ActivationKey.filter(account_id=account_id, state=KeyState.CURRENT).update(state=KeyState.REPLACED)
    await Account.filter(id=account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    await promise(ctx, LetterKind.ACCOUNT_DISABLED, told, {"account_id": account_id})
    return ended


async def open_again(
    ctx: Context, account_id: int, told: Iterable[Addressee], *, username: str | None, was_open: bool
) -> None:
    """A disabled account is as it was before, and its failures are forgotten; one never opened waits for a new key.

    Inside a transaction that has locked the account.
    """
    await Account.filter(id=account_id).update(
        status=AccountStatus.ACTIVE if was_open else AccountStatus.NOT_ACTIVATED,
        disabled_reason=None,
        locked_until=None,
    )
    if username is not None:
        await forget_failures(ctx, username, await queries.devices(account_id))
    await promise(ctx, LetterKind.ACCOUNT_ENABLED, told, {"account_id": account_id})

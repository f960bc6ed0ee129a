"""Passwords that are given to sign in: counted before they are judged, and forgotten when the school helps."""

from collections.abc import Iterable
from datetime import timedelta

from db.context import Context
from db.hashing import HasherBusy
from policies import usernames
from policies.limits import Budget, Claim, Spent, reopen, spend


async def spend_login(ctx: Context, folded: str, device: bytes | None) -> Spent:
    """Counts an attempt to sign in, before the password is judged.

    A known device has a budget of its own, so that a stranger's guesses do not lock its holder out.

    Args:
        ctx: the request.
        folded: the username that was given, folded; whether anybody has it does not matter.
        device: digest of the token of a device that signed in to this account before; None for any other.

    Raises:
        TooManyAttempts: after too many wrong passwords.
    """
    rules = ctx.rules
    window = timedelta(minutes=rules.login_window_minutes)
    return await spend(
        ctx,
        _username(ctx, folded) if device is None else _device(ctx, device),
        Budget("login-client", rules.logins_per_client, window).claim(ctx, ctx.network),
        Budget("login-district", rules.logins_per_district, window).claim(ctx, "district"),
    )


async def judge_password(ctx: Context, spent: Spent, encoded: str | None, password: str) -> bool:
    """Whether the password is right, by one hash. An attempt that found no room was not judged: it does not count."""
    try:
        return await ctx.hasher.verify(encoded, password)
    except HasherBusy:
        await spent.give_back()
        raise


async def forget_failures(ctx: Context, username: str, devices: Iterable[bytes] = ()) -> None:
    """What was counted for this username and its known devices is forgotten, in the current transaction."""
    await reopen(_username(ctx, usernames.folded(username)), *(_device(ctx, digest) for digest in devices))


def _username(ctx: Context, folded: str) -> Claim:
    rules = ctx.rules
    window = timedelta(minutes=rules.login_window_minutes)
    return Budget("login-username", rules.logins_per_username, window).claim(ctx, folded)


def _device(ctx: Context, digest: bytes) -> Claim:
    rules = ctx.rules
    window = timedelta(minutes=rules.login_window_minutes)
    return Budget("login-device", rules.logins_per_device, window).claim(ctx, digest.hex())

"""Passwords that are given to sign in: counted before they are judged, and forgotten when the school helps.

Each attempt is subject to the waits of one row of wrong passwords: that of the account (or of a username that nobody
has, which looks the same from outside); but from a device that signed in to the account before, that of the device,
and in a session, that of the session. So nobody's guesses keep the holder out where the holder is known, and whoever
has stolen a session keeps nobody out of anything else. How many there were in a row is counted for the account, from
wherever they come. NIST SP 800-63B-4 §3.2.2.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from db.context import Context
from db.hashing import HasherBusy
from db.queries import logins as queries
from policies.limits import Budget
from policies.refusals import TooManyAttempts
from policies.waits import waits


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """An attempt that was counted and may be judged."""

    ctx: Context
    counted: queries.Counted

    @property
    def in_a_row(self) -> int:
        """How many there were for this account since the last right one, from wherever, this one included."""
        return self.counted.in_a_row

    async def judge(self, encoded: str | None, password: str) -> bool:
        """Whether the password is right, by one hash. A right one is not counted, and ends the wrong ones before it.

        It ends the waits that it was subject to itself, and no others: strangers get no fresh guesses because the
        holder signs in elsewhere. An attempt that found no room was not judged, and is as if it had not been made.
        """
        try:
            right = await self.ctx.hasher.verify(encoded, password)
        except HasherBusy:
            await self.give_back()
            raise
        if right:
            await queries.clear(self.counted)
        return right

    async def give_back(self) -> None:
        """Takes this attempt, and the wait that it began, out of what was counted."""
        await queries.uncount(self.counted, free=self.ctx.rules.login_free_guesses)


async def count_login(
    ctx: Context,
    folded: str,
    account_id: int | None,
    *,
    device: bytes | None = None,
    session_id: int | None = None,
) -> LoginAttempt:
    """Counts an attempt to give the password of an account, before it is judged.

    Args:
        ctx: the request.
        folded: the username that was given, folded.
        account_id: the account that has it; None for nobody's.
        device: digest of the token of a device that signed in to this account before; None for any other.
        session_id: the session in which the password is asked for again; None outside of one.

    Raises:
        TooManyAttempts: during a wait after wrong passwords; it is not counted then, and lengthens nothing.
    """
    rules = ctx.rules
    window = timedelta(minutes=rules.login_window_minutes)
    claims = [
        Budget("login-client", rules.logins_per_client, window).claim(ctx, ctx.network),
        Budget("login-district", rules.logins_per_district, window).claim(ctx, "district"),
    ]
    anywhere = _name_row(ctx, folded) if account_id is None else _account_row(account_id)
    if session_id is not None:
        own = f"session:{session_id}"
    elif device is not None:
        own = _device_row(ctx, device)
    else:
        own = anywhere
    maximum = {claim.id: claim.budget.maximum for claim in claims}
    counted = await queries.count(
        own,
        anywhere,
        account_id,
        now=ctx.now,
        forget_at=ctx.now + timedelta(hours=rules.login_forget_hours),
        free=rules.login_free_guesses,
        waits=waits(rules),
        secret_version=ctx.keys.current,
        budgets={id_: (most, ctx.now + window) for id_, most in maximum.items()},
    )
    if not isinstance(counted, queries.Counted):
        raise TooManyAttempts(counted)
    attempt = LoginAttempt(ctx, counted)
    closed = [ends_at for id_, (spent, ends_at) in counted.budgets.items() if spent > maximum[id_]]
    if closed:
        # Others took what was left of the budget at the same moment. What is not judged does not count.
        await attempt.give_back()
        raise TooManyAttempts(max(closed))
    return attempt


async def forget_failures(ctx: Context, account_id: int, devices: Iterable[bytes] = ()) -> None:
    """What was counted for this account and these of its devices is forgotten, in the current transaction."""
    await queries.forget([_account_row(account_id), *(_device_row(ctx, digest) for digest in devices)])


async def failures_in_a_row(account_id: int) -> int:
    """How many wrong passwords there were for the account since the last right one."""
    return await queries.in_a_row(_account_row(account_id))


def _account_row(account_id: int) -> str:
    # By its number, and so the same under another master secret: a hundred in a row are a hundred.
    return f"account:{account_id}"


def _name_row(ctx: Context, folded: str) -> str:
    return f"name:{ctx.keys.subject_digest('login-name', folded).hex()}"


def _device_row(ctx: Context, digest: bytes) -> str:
    return f"device:{ctx.keys.subject_digest('login-device', digest.hex()).hex()}"

"""Codes of the second factor: counted, judged, and used up in the transaction of what they open."""

from dataclasses import dataclass
from datetime import timedelta

from db.context import Context
from db.queries import second_factor as queries
from db.sql import Row
from policies.limits import Budget, Spent, spend
from policies.refusals import SecondFactorNeeded
from policies.second_factor import is_recovery_code, read_code, step_of_code


@dataclass(frozen=True, slots=True)
class GivenCode:
    """A code that may be right: what became of it is known once it is used up."""

    account_id: int
    spent: Spent
    #: The authenticator and the time step whose code it is; None for a recovery code.
    shown_by: tuple[int, int] | None
    #: What a recovery code is looked up by; empty for an authenticator's.
    digests: list[bytes]

    @property
    def is_recovery_code(self) -> bool:
        return self.shown_by is None

    async def use_up(self, ctx: Context) -> None:
        """Takes the code, once, whatever is sent at the same time. Inside a transaction; give back `spent` after it.

        Raises:
            SecondFactorNeeded: when it was used before, or there is no such recovery code.
        """
        if self.shown_by is not None:
            used = await queries.use_step(*self.shown_by)
        else:
            used = await queries.use_recovery_code(self.account_id, self.digests, ctx.now)
        if not used:
            raise SecondFactorNeeded


async def given_code(ctx: Context, account_id: int, text: str | None) -> GivenCode:
    """A code for the factor that this account has in use. One that was not given is not counted.

    Raises:
        SecondFactorNeeded: when there is no code, or it is neither one of the moment nor like a recovery code.
        TooManyAttempts: after too many wrong codes.
    """
    if text is None or not text.strip():
        raise SecondFactorNeeded
    spent = await spend_code(ctx, account_id)
    in_use, _ = await queries.factors(account_id)
    return judge_code(ctx, account_id, in_use, text, spent)


async def spend_code(ctx: Context, account_id: int) -> Spent:
    """Counts an attempt for the account, before the code is judged.

    Raises:
        TooManyAttempts: after too many wrong codes.
    """
    window = timedelta(minutes=ctx.rules.login_window_minutes)
    return await spend(
        ctx, Budget("second-factor", ctx.rules.second_factor_attempts, window).claim(ctx, str(account_id))
    )


def judge_code(ctx: Context, account_id: int, in_use: Row | None, text: str, spent: Spent) -> GivenCode:
    """The code, as far as it can be judged without using it up.

    Raises:
        SecondFactorNeeded: when it cannot be right.
    """
    code = read_code(text)
    if in_use is None or code is None:
        raise SecondFactorNeeded
    if is_recovery_code(code):
        return GivenCode(account_id, spent, None, ctx.keys.recovery_digests(code, account_id))
    step = step_of(ctx, account_id, in_use, code)
    if step is None:
        raise SecondFactorNeeded
    return GivenCode(account_id, spent, (in_use["id"], step), [])


def step_of(ctx: Context, account_id: int, factor: Row, code: str) -> int | None:
    """The time step whose code this is; None when it is none, or the secret cannot be read any more."""
    try:
        secret = ctx.keys.open_second_factor(bytes(factor["sealed"]), account_id, factor["secret_version"])
    except LookupError:
        return None
    return None if secret is None else step_of_code(secret, code, ctx.now)

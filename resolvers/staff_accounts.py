"""The accounts of the staff, as the operator keeps them on the command line: disabled, enabled, a lost telephone."""

from db import sql, trail
from db.context import Context
from db.models import Account, AccountStatus
from db.queries import second_factor as factor_queries
from db.queries import sessions as session_queries
from db.trail import Note, Step
from mail.outbox import Addressee
from policies import reasons
from policies.refusals import SecondFactorNeeded
from policies.second_factor import read_code
from resolvers.closing import close_account, open_again
from resolvers.codes import step_of
from resolvers.outcomes import FactorOffered
from resolvers.second_factor import offer_factor, put_into_use
from resolvers.staff import Member, StaffProblem


# ------------------------------------------------------------------------------------------------ closed and open
async def disable_staff(ctx: Context, one: Member, reason: str) -> bool:
    """Disables the account, ends its sessions and tells the holder; no when it is disabled already.

    Raises:
        StaffProblem: when there is no account, or the reason cannot be kept.
    """
    account_id, why = _account_of(one), _reason(reason)
    async with sql.transaction():
        account = await Account.select_for_update().get(id=account_id)
        if account.status is AccountStatus.DISABLED:
            return False
        ended = await close_account(ctx, account_id, _addressee(one))
        await _record(ctx, Step.DISABLE_ACCOUNT, one, {"reason": why, "sessions_ended": ended})
    return True


async def enable_staff(ctx: Context, one: Member, reason: str) -> bool:
    """Enables the account again: open where it was open, else waiting for its key; no when it is not disabled.

    Raises:
        StaffProblem: when there is no account, or the reason cannot be kept.
    """
    account_id, why = _account_of(one), _reason(reason)
    async with sql.transaction():
        account = await Account.select_for_update().get(id=account_id)
        if account.status is not AccountStatus.DISABLED:
            return False
        was_open = account.activated_at is not None
        await open_again(ctx, account_id, _addressee(one), was_open=was_open)
        await _record(ctx, Step.ENABLE_ACCOUNT, one, {"reason": why})
    return True


def _reason(text: str) -> str:
    reason = reasons.kept(text)
    if fault := reasons.fault(reason):
        raise StaffProblem(f"The reason cannot be taken. {fault}")
    return reason


def _addressee(one: Member) -> list[Addressee]:
    """The member of staff, if there is an address on file."""
    return [Addressee(one.person_id, one.email, one.language)] if one.email else []


# ------------------------------------------------------------------------------------------------ the second factor
async def recovery_codes_left(one: Member) -> int:
    """How many recovery codes are unused."""
    return await factor_queries.recovery_codes_left(_account_of(one))


async def offer_for(ctx: Context, one: Member) -> FactorOffered:
    """A new secret for the authenticator of somebody who has none.

    Raises:
        StaffProblem: when there is no account, or a factor is in use.
    """
    if one.has_second_factor:
        raise StaffProblem(f"{one.name.display} has a second factor already: reset it first.")
    account_id = _account_of(one)
    async with sql.transaction():
        offered = await offer_factor(ctx, account_id, label=one.username or one.email or one.name.display)
        await _record(ctx, Step.ENROL_SECOND_FACTOR, one, {"replaces": False})
    return offered


async def confirm_for(ctx: Context, one: Member, code: str) -> list[str] | None:
    """Puts the offered factor into use and returns the recovery codes; None when the code is not right.

    Raises:
        StaffProblem: when there is no account, or nothing was offered.
    """
    account_id = _account_of(one)
    _, offered = await factor_queries.factors(account_id)
    if offered is None:
        raise StaffProblem(f"Nothing waits for a code of {one.name.display}: begin anew.")
    typed = read_code(code)
    step = None if typed is None else step_of(ctx, account_id, offered, typed)
    if step is None:
        return None
    try:
        async with sql.transaction():
            codes = await put_into_use(ctx, account_id, offered, step)
            await _record(ctx, Step.CONFIRM_SECOND_FACTOR, one, {"set_up": True})
    except SecondFactorNeeded:
        raise StaffProblem("The factor was confirmed or replaced a moment ago: look again.") from None
    return codes


async def reset_factor(ctx: Context, one: Member) -> bool:
    """Throws factor and recovery codes away and ends all sessions; no when there was nothing to throw away.

    Raises:
        StaffProblem: when there is no account.
    """
    account_id = _account_of(one)
    async with sql.transaction():
        if not await factor_queries.drop_all(account_id):
            return False
        ended = await session_queries.end_others(account_id, but=0, now=ctx.now, reason="SECOND_FACTOR_RESET")
        await _record(ctx, Step.RESET_SECOND_FACTOR, one, {"sessions_ended": ended})
    return True


def _account_of(one: Member) -> int:
    if one.account_id is None:
        raise StaffProblem(f"{one.name.display} has no account yet: add them to the staff first.")
    return one.account_id


async def _record(ctx: Context, step: Step, one: Member, details: dict[str, object]) -> None:
    note = Note(step, about_account_id=one.account_id, about_person_id=one.person_id, details=details)
    await trail.record(ctx, note)

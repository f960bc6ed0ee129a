"""Setting up a second factor, and giving a code again: the way of a signed-in member of staff."""

from db.context import Capacity, Context, Viewer
from db.queries import portal as portal_queries
from db.queries import second_factor as queries
from db.sql import Row
from db.trail import Step
from mail.outbox import Addressee, LetterKind, promise
from policies.refusals import MissingFact, NotAllowed, SecondFactorNeeded, WrongState
from policies.second_factor import (
    given_lately,
    new_recovery_codes,
    new_secret,
    read_code,
    secret_text,
    secret_uri,
)
from resolvers.codes import judge_code, spend_code, step_of
from resolvers.outcomes import FactorConfirmed, FactorOffered
from resolvers.session import insist_on_password, managing
from resolvers.step import StepTaken, taking

#: In `WrongState`: there is neither a factor in use nor an offer to confirm.
NOT_SET_UP = "NOT_SET_UP"


# ------------------------------------------------------------------------------------------------ an offer
async def enrol_second_factor(ctx: Context, *, password: str) -> FactorOffered:
    """Makes a new secret for an authenticator. It is shown this once, and of use once a code of it was confirmed.

    Raises:
        NotAllowed: when nobody is signed in, or not as staff.
        TooManyAttempts: after too many wrong passwords.
        WrongCredentials: when the password is wrong.
        SecondFactorNeeded: when there is one in use and no code of it was given lately.
    """
    async with taking(ctx, Step.ENROL_SECOND_FACTOR) as step:
        me = _staff(ctx, step)
        await insist_on_password(ctx, me, step, password)
        in_use, _ = await queries.factors(me.account_id)
        if in_use and not given_lately(ctx, await queries.given_at(me.session_id, me.account_id)):
            raise SecondFactorNeeded
        step.note.details["replaces"] = in_use is not None
        async with step.transaction():
            return await offer_factor(ctx, me.account_id, label=me.username)


async def offer_factor(ctx: Context, account_id: int, *, label: str) -> FactorOffered:
    """A new secret in the place of one that was only offered. Inside a transaction."""
    secret = new_secret()
    sealed, version = ctx.keys.seal_second_factor(secret, account_id)
    await queries.offer(account_id, sealed, version, ctx.now)
    return FactorOffered(secret_text(secret), secret_uri(secret, issuer=ctx.rules.district_name, label=label))


# ------------------------------------------------------------------------------------------------ a code
async def confirm_second_factor(ctx: Context, *, code: str) -> FactorConfirmed:
    """Puts an offered factor into use with its first code, or gives a code again; this session then is fresh.

    Raises:
        NotAllowed: when nobody is signed in, or not as staff.
        WrongState: when there is nothing that a code could belong to.
        TooManyAttempts: after too many wrong codes.
        SecondFactorNeeded: when the code is wrong, or was used before.
    """
    async with taking(ctx, Step.CONFIRM_SECOND_FACTOR) as step:
        me = _staff(ctx, step)
        in_use, offered = await queries.factors(me.account_id)
        if in_use is None and offered is None:
            raise WrongState(NOT_SET_UP)
        spent = await spend_code(ctx, me.account_id)
        first_step = _first_step(ctx, me.account_id, offered, code)
        async with step.transaction():
            recovery_codes: list[str] = []
            if offered is not None and first_step is not None:
                recovery_codes = await put_into_use(ctx, me.account_id, offered, first_step)
            else:
                given = judge_code(ctx, me.account_id, in_use, code, spent)
                step.note.details["recovery_code"] = given.is_recovery_code
                await given.use_up(ctx)
            step.note.details["set_up"] = bool(recovery_codes)
            if not await queries.given_now(me.session_id, me.account_id, ctx.now):
                raise NotAllowed([MissingFact.SIGNED_IN])
            left = await queries.recovery_codes_left(me.account_id)
        await spent.give_back()
        return FactorConfirmed(ctx.now + ctx.rules.second_factor_fresh, recovery_codes, left)


def _first_step(ctx: Context, account_id: int, offered: Row | None, text: str) -> int | None:
    """The time step of the offered factor whose code this is; None when it is none of it."""
    code = read_code(text)
    return None if offered is None or code is None else step_of(ctx, account_id, offered, code)


async def put_into_use(ctx: Context, account_id: int, offered: Row, step: int) -> list[str]:
    """The offered factor takes the place of the one in use, if there is one. Inside a transaction.

    Returns new recovery codes, in the place of all earlier ones; the holder is told by letter.

    Raises:
        SecondFactorNeeded: when the offer was confirmed or replaced a moment ago.
    """
    if not await queries.take_into_use(account_id, offered, step=step, now=ctx.now):
        raise SecondFactorNeeded
    codes = new_recovery_codes()
    digests = [ctx.keys.recovery_digest(str(read_code(code)), account_id) for code in codes]
    await queries.replace_recovery_codes(account_id, digests, ctx.keys.current)
    holder = await portal_queries.holder(account_id)
    if holder is not None and holder["email"]:
        addressee = Addressee(holder["person_id"], holder["email"], holder["language"])
        await promise(ctx, LetterKind.SECOND_FACTOR_SET, [addressee], {"account_id": account_id})
    return codes


def _staff(ctx: Context, step: StepTaken) -> Viewer:
    me = managing(ctx, step)
    step.note.about_account_id, step.note.about_person_id = me.account_id, me.person_id
    if me.capacity is not Capacity.STAFF:
        raise NotAllowed([MissingFact.ROLE])
    return me

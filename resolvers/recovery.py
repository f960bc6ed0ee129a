"""Setting a new password with a one-time code from the school, or with the link of a letter."""

from datetime import timedelta

from db.context import Context
from db.models import AccountStatus, TokenState
from db.queries import activation as activation_queries
from db.queries import helpdesk as queries
from db.secrets import normalise_recovery_token
from db.sql import Row
from db.trail import Step
from mail.outbox import Addressee, LetterKind, promise
from policies.limits import Budget, Spent, spend
from policies.refusals import FieldProblem, InvalidInput, TokenNotAccepted
from resolvers.choice import password_faults
from resolvers.login_attempts import forget_failures
from resolvers.step import StepTaken, taking


async def set_new_password(ctx: Context, *, token: str, password: str, verify_password: str) -> str:
    """Sets a new password; the token, its siblings, the old password and all sessions end with it.

    Opens no session: whoever has the token alone does not have the username. Returns the username.

    Raises:
        TooManyAttempts: after too many wrong codes and links.
        TokenNotAccepted: wrong, expired, used, replaced, and that of an account which is not open.
        InvalidInput: what is wrong with the password; the token stays good.
    """
    async with taking(ctx, Step.SET_PASSWORD) as step:
        spent = await _spend_token(ctx)
        found = await _good_token(ctx, step, token)
        await spent.give_back()
        await _check_new_password(ctx, found, password, verify_password)
        encoded = await ctx.hasher.hash(password)
        async with step.transaction():
            account_id = found["account_id"]
            if not await queries.use_token(found["id"], ctx.now):
                raise TokenNotAccepted
            if not await queries.set_password(account_id, encoded=encoded, instead_of=found["password_hash"]):
                raise TokenNotAccepted
            step.note.details["sessions_ended"] = await queries.shut_out(
                account_id, now=ctx.now, reason="PASSWORD_CHANGED"
            )
            await forget_failures(ctx, account_id)
            if found["email"]:
                addressee = Addressee(found["person_id"], found["email"], found["language"])
                await promise(ctx, LetterKind.PASSWORD_CHANGED, [addressee], {"account_id": account_id})
        return str(found["username"])


async def _spend_token(ctx: Context) -> Spent:
    rules = ctx.rules
    window = timedelta(minutes=rules.token_window_minutes)
    return await spend(
        ctx,
        Budget("token-client", rules.tokens_per_client, window).claim(ctx, ctx.network),
        Budget("token-district", rules.tokens_per_district, window).claim(ctx, "district"),
    )


async def _good_token(ctx: Context, step: StepTaken, token: str) -> Row:
    normal = normalise_recovery_token(token)
    found = await queries.token_by_digest(ctx.keys.recovery_token_digests(normal)) if normal else None
    if found is None:
        raise TokenNotAccepted
    step.note.about_account_id, step.note.about_person_id = found["account_id"], found["person_id"]
    good = (
        found["state"] == TokenState.CURRENT
        and found["expires_at"] > ctx.now
        and found["account_status"] == AccountStatus.ACTIVE
    )
    if not good:
        raise TokenNotAccepted
    return found


async def _check_new_password(ctx: Context, found: Row, password: str, again: str) -> None:
    words = [found["given"], found["family"], *await activation_queries.names_around(found["person_id"])]
    faults = password_faults(ctx, password, again, words, username=found["username"])
    if not faults and await ctx.hasher.verify(found["password_hash"], password):
        # It was reset because somebody else may know it.
        message = "This is the password that was reset: choose another one."
        faults = [FieldProblem(("input", "password"), message)]
    if faults:
        raise InvalidInput(faults)

"""A forgotten log-on: a letter with usernames and links; and the new password, by link or by the school's code."""

from datetime import timedelta
from secrets import randbelow

from email_validator import EmailNotValidError, validate_email

from db.context import Context
from db.languages import say
from db.models import AccountStatus, TokenState
from db.queries import activation as activation_queries
from db.queries import helpdesk as queries
from db.queries.recovery import end_siblings, lock_links
from db.secrets import normalise_recovery_token
from db.sql import Row
from db.trail import Step
from mail.outbox import Addressee, LetterKind, folded_address, promise
from policies.limits import Budget, Spent, spend
from policies.refusals import FieldProblem, InvalidInput, TokenNotAccepted
from resolvers.choice import password_faults
from resolvers.login_attempts import forget_failures
from resolvers.step import StepTaken, taking


# ------------------------------------------------------------------------------------------------ asking for the letter
async def recover_log_on(ctx: Context, *, email: str) -> None:
    """Promises a letter with the usernames of everybody who has this address, and a link for each.

    Nobody is looked up: whose address it is, if anybody's, is found out when the letter is sent. So the answer, the
    work and the time are the same for every address, and there is nothing to learn from them. The work of writing the
    letter, which there is for some addresses only, comes at a random moment after it.

    Raises:
        InvalidInput: no address can look like this.
        TooManyAttempts: after too many requests from one client, or in the district.
    """
    async with taking(ctx, Step.RECOVER_LOG_ON) as step:
        address = _address(email)
        await _spend_recovery(ctx)
        async with step.transaction():
            step.note.details["letters"] = await promise(
                ctx,
                LetterKind.LOG_ON_INFORMATION,
                [Addressee(None, address, None)],
                {},
                after=timedelta(milliseconds=randbelow(1000 * ctx.rules.recovery_spread_seconds + 1)),
            )


def _address(email: str) -> str:
    """The address in the form in which addresses are compared, whether anybody has it or not."""
    plain = email.strip()
    try:
        # Some districts have addresses of their own, such as `@school.local`, that only their servers deliver to.
        validate_email(plain[:400], check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        message = say("This does not look like an e-mail address: it should look like name@example.org.")
        raise InvalidInput([FieldProblem(("input", "email"), message)]) from None
    return folded_address(plain)


async def _spend_recovery(ctx: Context) -> None:
    """Counts the request; none is given back, since there are no right ones."""
    rules = ctx.rules
    window = timedelta(minutes=rules.recovery_window_minutes)
    await spend(
        ctx,
        Budget("recovery-client", rules.recoveries_per_client, window).claim(ctx, ctx.network),
        Budget("recovery-district", rules.recoveries_per_district, window).claim(ctx, "district"),
    )


# ------------------------------------------------------------------------------------------------ the new password
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
            await lock_links(account_id, found["id"])
            if not await queries.use_token(found["id"], ctx.now):
                raise TokenNotAccepted
            await end_siblings(found["id"])
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
        # Somebody else may know it: that is why the school reset it, or why somebody asked for a letter.
        message = say("This is the password that held until now: choose another one.")
        faults = [FieldProblem(("input", "password"), message)]
    if faults:
        raise InvalidInput(faults)

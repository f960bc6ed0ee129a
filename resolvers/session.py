"""Signing in and out, the sessions of an account, and changing its password."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from db.context import Capacity, Context, Role, Viewer
from db.languages import Sentence, say
from db.models import Account, AccountStatus
from db.queries import activation as activation_queries
from db.queries import portal as portal_queries
from db.queries import sessions as queries
from db.queries.helpdesk import replace_tokens
from db.secrets import DEVICE_PREFIX, SESSION_PREFIX, new_token, token_digest
from db.trail import Step
from mail.outbox import Addressee, LetterKind, promise
from policies import second_factor as factors
from policies import usernames
from policies.gate import Facts, gate_of
from policies.refusals import (
    AccountDisabled,
    FieldProblem,
    InvalidInput,
    MissingFact,
    NewPasswordNeeded,
    NotAllowed,
    NotFound,
    WrongCredentials,
)
from policies.words import Action, Scope
from resolvers.choice import password_faults
from resolvers.closing import close_after_failures
from resolvers.codes import GivenCode, given_code
from resolvers.login_attempts import count_login
from resolvers.outcomes import LiveSession, NewSession, SignedIn
from resolvers.step import StepTaken, taking

#: A session's last request is written down once in this time: exact to the minute, and not a write for each read.
TOUCH_EVERY = timedelta(minutes=1)
_MINE = Facts(scope=Scope.OWN)


# ------------------------------------------------------------------------------------------------ signing in
async def log_in(
    ctx: Context, *, username: str, password: str, device_token: str | None, second_factor: str | None = None
) -> SignedIn:
    """Opens a session for the holder of a username and password. Exactly one hash is computed, whoever is asked for.

    Staff who have set up a second factor need a code of it too; from all others it is not looked at.

    Raises:
        InvalidInput: when the password is longer than any can be.
        TooManyAttempts: after too many wrong passwords, or wrong codes.
        WrongCredentials: unknown username and wrong password alike.
        AccountDisabled, NewPasswordNeeded: only after the right password.
        NotAllowed: likewise, when the service client that asks is not for people in any of the holder's roles.
        SecondFactorNeeded: after all of these, when the code is missing, wrong, or used.
    """
    async with taking(ctx, Step.LOG_IN) as step:
        if len(password) > 4 * ctx.rules.password_max_length or len(username) > 256:
            message = say("This is longer than a username or password can be.")
            raise InvalidInput([FieldProblem(("input",), message)])
        folded = usernames.folded(username)
        device = token_digest(device_token or "")
        account = await queries.account_for_login(folded, device, ctx.now)
        account_id, known_device = (account["id"], account["device_id"]) if account else (None, None)
        attempt = await count_login(ctx, folded, account_id, device=device if known_device else None)
        right = await attempt.judge(account["password_hash"] if account else None, password)
        if account is not None:
            step.note.about_account_id, step.note.about_person_id = account["id"], account["person_id"]
        if account is None or not right:
            await close_after_failures(ctx, account_id, attempt)
            raise WrongCredentials
        code = await _code_of_staff(ctx, account, second_factor)
        fresh = await _rehashed(ctx, account["password_hash"], password)
        async with step.transaction():
            verified = account["password_hash"]
            await _check_open(
                ctx, await queries.let_in(account["id"], verified_hash=verified, fresh_hash=fresh, now=ctx.now)
            )
            if code is not None:
                step.note.details["recovery_code"] = code.is_recovery_code
                await code.use_up(ctx)
            session_id, session = await open_session(
                ctx, account["id"], device_id=known_device, device_token=device_token, with_code=code is not None
            )
            if known_device is None:
                await _tell_of_new_device(ctx, account)
        if code is not None:
            await code.spent.give_back()
        return SignedIn(await viewer_of(ctx, account, session_id), session)


async def _tell_of_new_device(ctx: Context, account: dict[str, Any]) -> None:
    """A letter to the holder, if there is an address on file: somebody who should not have the password may have it."""
    if ctx.rules.new_device_letter and account["email"]:
        addressee = Addressee(account["person_id"], account["email"], account["language"])
        facts = {"account_id": account["id"], "device": ctx.client or None}
        await promise(ctx, LetterKind.NEW_DEVICE, [addressee], facts)


async def _rehashed(ctx: Context, encoded: str, password: str) -> str | None:
    """The hash under today's parameters, where the stored one was made under others."""
    return await ctx.hasher.hash(password) if ctx.hasher.needs_rehash(encoded) else None


async def _code_of_staff(ctx: Context, account: dict[str, Any], second_factor: str | None) -> GivenCode | None:
    """The code of staff who have set up a second factor; None for whoever needs none to sign in.

    Whether the account may be signed in to at all is told before that, and looked at again afterwards.
    """
    if not account["has_second_factor"]:
        return None
    await _check_open(ctx, account)
    return await given_code(ctx, account["id"], second_factor)


async def _check_open(ctx: Context, account: dict[str, Any] | None) -> None:
    if account is None:
        # The password was changed while this one was being verified.
        raise WrongCredentials
    if account["status"] == AccountStatus.DISABLED:
        raise AccountDisabled(await contact(ctx, account["person_id"]))
    if account["must_change_password"]:
        raise NewPasswordNeeded
    if account["status"] != AccountStatus.ACTIVE:
        raise WrongCredentials
    if not await sees_own_account(ctx, account["person_id"], Capacity(account["capacity"])):
        if await sees_own_account(replace(ctx, service=None), account["person_id"], Capacity(account["capacity"])):
            # The account is good, and this service client is for others.
            raise NotAllowed([MissingFact.CLIENT])
        # There is nothing that such an account may do, its own page included.
        raise AccountDisabled(await contact(ctx, account["person_id"]))


async def sees_own_account(ctx: Context, person_id: int, capacity: Capacity) -> bool:
    """Whether the holder of an account may see it at all; without that no way in leads anywhere.

    Staff who have left, or have not begun, may not; nor may those to whom the district's own table does not give it.
    """
    roles = await queries.roles(person_id, ctx.today) if capacity is Capacity.STAFF else []
    nothing = {"username": "", "has_second_factor": False, "second_factor_at": None}
    holder = viewer_from(ctx, {"person_id": person_id, "capacity": capacity, "roles": roles} | nothing, 0, 0)
    return bool(gate_of(ctx).may(holder, Action.ACCOUNT_READ, _MINE))


async def contact(ctx: Context, person_id: int) -> Sentence | str:
    """Whom this person calls: the schools concerned with their numbers, else the district's contact."""
    schools = await queries.school_contacts(person_id, ctx.today)
    return "; ".join(f"{school['name']}, {school['phone']}" for school in schools) or ctx.rules.contact


async def open_session(
    ctx: Context, account_id: int, *, device_id: int | None, device_token: str | None, with_code: bool = False
) -> tuple[int, NewSession]:
    """A new session, inside a transaction; a device that is not known becomes known. Returns its id and its tokens.

    Through a service client, it is that client's: without it the session is not good.

    `with_code` tells that a code of the second factor was given for it.
    """
    token, expires_at = new_token(SESSION_PREFIX), ctx.now + ctx.rules.session_absolute
    device: int | bytes
    if device_id is None or device_token is None:
        device_token = new_token(DEVICE_PREFIX)
        device = token_digest(device_token)
    else:
        device = device_id
    session_id = await queries.open_session(
        account_id,
        device,
        digest=token_digest(token),
        client=ctx.client or None,
        now=ctx.now,
        expires_at=expires_at,
        device_expires_at=ctx.now + timedelta(days=ctx.rules.device_days),
        second_factor_at=ctx.now if with_code else None,
        service_client_id=ctx.service.id if ctx.service else None,
    )
    return session_id, NewSession(token, device_token, expires_at)


async def viewer_of(ctx: Context, account: dict[str, Any], session_id: int) -> Viewer:
    """The viewer that somebody is from now on."""
    held: dict[str, Any] = {"roles": [], "has_second_factor": False, "second_factor_at": None}
    if account["capacity"] == Capacity.STAFF:
        held = await queries.staff_standing(session_id, account["id"], account["person_id"], ctx.today)
    return viewer_from(ctx, account | held, account["id"], session_id)


def viewer_from(ctx: Context, row: dict[str, Any], account_id: int, session_id: int) -> Viewer:
    """The viewer of a row with account and roles: as much of them as the service client allows that `ctx` has."""
    schools: dict[Role, frozenset[int | None]] = {}
    for role, school_id in row["roles"]:
        schools[Role(role)] = schools.get(Role(role), frozenset()) | {school_id}
    if ctx.service is not None:
        schools = ctx.service.narrowed(schools)
    return Viewer(
        account_id=account_id,
        person_id=row["person_id"],
        session_id=session_id,
        capacity=Capacity(row["capacity"]),
        username=row["username"],
        staff_roles=schools,
        second_factor=factors.standing(
            ctx, schools, is_set_up=row["has_second_factor"], given_at=row["second_factor_at"]
        ),
        through=ctx.service,
    )


# ------------------------------------------------------------------------------------------------ one's own account
def managing(ctx: Context, step: StepTaken) -> Viewer:
    """Whoever is signed in, for a step on the own account; notes the row of the policy table that lets them."""
    if ctx.viewer is None:
        raise NotAllowed([MissingFact.SIGNED_IN])
    step.note.rule = gate_of(ctx).require(ctx.viewer, Action.ACCOUNT_MANAGE, _MINE).rule
    return ctx.viewer


# ------------------------------------------------------------------------------------------------ signing out
async def log_out(ctx: Context) -> None:
    """Ends the session that asks.

    Raises:
        NotAllowed: when nobody is signed in.
    """
    async with taking(ctx, Step.LOG_OUT) as step:
        me = managing(ctx, step)
        async with step.transaction():
            await queries.end_one(me.session_id, me.account_id, now=ctx.now, reason="LOGGED_OUT")


async def end_session(ctx: Context, *, session_id: int | None) -> None:
    """Ends one of the asker's own sessions, on whatever device; None stands for an id that cannot be one.

    Raises:
        NotAllowed: when nobody is signed in.
        NotFound: when it is not a live session of one's own.
    """
    async with taking(ctx, Step.END_SESSION) as step:
        me = managing(ctx, step)
        async with step.transaction():
            if session_id is None or not await queries.end_one(
                session_id, me.account_id, now=ctx.now, reason="ENDED_BY_HOLDER"
            ):
                raise NotFound


async def live_sessions(ctx: Context, session_id: int | None = None) -> list[LiveSession]:
    """The asker's own live sessions, newest first, or the one with this id."""
    if not gate_of(ctx).may(ctx.viewer, Action.ACCOUNT_READ, _MINE) or ctx.viewer is None:
        return []
    rows = await queries.live(ctx.viewer.account_id, now=ctx.now, idle=ctx.rules.session_idle, session_id=session_id)
    return [LiveSession(**row, current=row["id"] == ctx.viewer.session_id) for row in rows]


# ------------------------------------------------------------------------------------------------ the password
async def insist_on_password(ctx: Context, me: Viewer, step: StepTaken, password: str) -> dict[str, Any]:
    """The account of whoever is signed in, once the current password was given again; counted as for a log-in.

    The waits are the session's own: a stranger's guesses elsewhere do not keep the holder from a new password, and
    those of whoever has stolen the session do not keep the holder out. In a row they count as all others do.

    Raises:
        TooManyAttempts: after too many wrong passwords.
        WrongCredentials: when it is wrong.
    """
    folded = usernames.folded(me.username)
    account = await queries.account_for_login(folded, b"", ctx.now)
    if account is None:
        raise WrongCredentials
    step.note.about_account_id, step.note.about_person_id = account["id"], account["person_id"]
    attempt = await count_login(ctx, folded, account["id"], session_id=me.session_id)
    if not await attempt.judge(account["password_hash"], password):
        await close_after_failures(ctx, account["id"], attempt)
        raise WrongCredentials
    return account


async def change_password(ctx: Context, *, current: str, password: str, verify_password: str) -> str:
    """Sets a new password, ends all other sessions, codes and links, and tells the holder. Returns the username.

    Raises:
        NotAllowed: when nobody is signed in.
        TooManyAttempts: after too many wrong passwords.
        WrongCredentials: when the current password is wrong.
        InvalidInput: what is wrong with the new one.
    """
    async with taking(ctx, Step.CHANGE_PASSWORD) as step:
        me = managing(ctx, step)
        account = await insist_on_password(ctx, me, step, current)
        holder = await portal_queries.holder(me.account_id)
        if holder is None:
            raise WrongCredentials
        words = [holder["given"], holder["family"], *await activation_queries.names_around(account["person_id"])]
        if faults := password_faults(ctx, password, verify_password, words, username=account["username"]):
            raise InvalidInput(faults)
        encoded = await ctx.hasher.hash(password)
        async with step.transaction():
            locked = await queries.lock_account(account["id"])
            if locked is None or locked["password_hash"] != account["password_hash"]:
                raise WrongCredentials
            await Account.filter(id=account["id"]).update(password_hash=encoded)
            ended = await queries.end_others(account["id"], but=me.session_id, now=ctx.now, reason="PASSWORD_CHANGED")
            step.note.details["sessions_ended"] = ended
            # Whoever reads the holder's mail may have asked for a link.
            await replace_tokens(account["id"])
            if holder["email"]:
                addressee = Addressee(holder["person_id"], holder["email"], holder["language"])
                await promise(ctx, LetterKind.PASSWORD_CHANGED, [addressee], {"account_id": account["id"]})
        return str(account["username"])

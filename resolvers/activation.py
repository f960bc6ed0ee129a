"""Checking an activation key, and opening the account with it."""

from datetime import timedelta
from typing import Any

from tortoise.exceptions import IntegrityError

from db.context import Capacity, Context
from db.languages import say
from db.models import Account, AccountStatus, ActivationKey, KeyState
from db.queries import activation as queries
from db.queries import portal as portal_queries
from db.secrets import normalise_activation_key
from db.trail import Note, Step
from mail.outbox import Addressee, LetterKind, promise
from policies import usernames
from policies.guardianship import Standing, majority_aside, standing_of
from policies.limits import Budget, Spent, spend
from policies.refusals import FieldProblem, InvalidInput, KeyNotAccepted
from resolvers.choice import password_faults
from resolvers.outcomes import KeyGood, Name, SignedIn
from resolvers.retry import Retry
from resolvers.session import open_session, sees_own_account, viewer_of
from resolvers.step import taking

_KEY_DIGITS = 32


# ------------------------------------------------------------------------------------------------ checking it
async def check_activation_key(ctx: Context, *, key: str) -> KeyGood:
    """Whether the key opens an account, and for whom, by initials only. Changes nothing.

    Raises:
        InvalidInput: when the text cannot be a key.
        TooManyAttempts: after too many wrong keys from one client.
        KeyNotAccepted: wrong, expired, replaced, used, or not to be used any more.
    """
    async with taking(ctx, Step.CHECK_KEY) as step:
        digits = _key_digits(key)
        spent = await _spend_key(ctx)
        found = await _acceptable(ctx, digits, step.note)
        await spent.give_back()
    return KeyGood(Capacity(found["capacity"]), _name(found).initials)


def _key_digits(key: str) -> str:
    digits = normalise_activation_key(key)
    if digits is None:
        message = say(
            "An activation key has %(digits)s digits from 0 to 9 and A to F; spaces and dashes do not matter.",
            digits=_KEY_DIGITS,
        )
        raise InvalidInput([FieldProblem(("input", "key"), message)])
    return digits


async def _spend_key(ctx: Context) -> Spent:
    budget = Budget("key-client", ctx.rules.keys_per_client, timedelta(minutes=ctx.rules.key_window_minutes))
    return await spend(ctx, budget.claim(ctx, ctx.network))


async def _acceptable(ctx: Context, digits: str, note: Note) -> dict[str, Any]:
    found = await queries.key_by_digest(ctx.keys.key_digests(digits))
    if found is None:
        raise KeyNotAccepted
    note.about_account_id, note.about_person_id = found["account_id"], found["person_id"]
    usable = (
        found["state"] == KeyState.CURRENT
        and found["account_status"] == AccountStatus.NOT_ACTIVATED
        and (found["expires_at"] is None or found["expires_at"] > ctx.now)
    )
    if not usable or not await _still_entitled(ctx, found):
        raise KeyNotAccepted
    return found


async def _still_entitled(ctx: Context, found: dict[str, Any]) -> bool:
    """A guardian's key opens nothing once no student is left to see, and a staff key nothing without a role.

    A student's majority ends no key, as it ends no account: what is seen depends on the student's consent from then on.
    """
    capacity = Capacity(found["capacity"])
    if not await sees_own_account(ctx, found["person_id"], capacity):
        return False
    return capacity is not Capacity.GUARDIAN or any(
        standing_of(majority_aside(ward), None, ctx.today) is Standing.CONFIRMED
        for ward in await portal_queries.students_of_guardian(found["person_id"], ctx.today, None)
    )


def _name(row: dict[str, Any]) -> Name:
    return Name(row["given"], row["middle"], row["family"], row["suffix"], row["preferred"])


# ------------------------------------------------------------------------------------------------ opening the account
async def activate(
    ctx: Context, *, key: str, username: str, password: str, verify_password: str, idempotency_key: str | None
) -> SignedIn:
    """Opens the account: username, password, session, letter and the key's end, in one transaction.

    Raises:
        InvalidInput: what is wrong with key, username or password; the key stays good.
        TooManyAttempts: after too many wrong keys from one client.
        KeyNotAccepted: wrong, expired, replaced, used, or not to be used any more.
    """
    async with taking(ctx, Step.ACTIVATE) as step:
        retry = Retry(ctx, _key_digits(key), idempotency_key, username, password)
        spent = await _spend_key(ctx)
        try:
            found = await _acceptable(ctx, retry.digits, step.note)
            await spent.give_back()
            await _check_choice(ctx, found, username, password, verify_password)
            encoded = await ctx.hasher.hash(password)
            async with step.transaction():
                opened = await _open(ctx, found, usernames.kept(username), encoded)
                await retry.remember(found["account_id"], opened.session)
        except KeyNotAccepted:
            # Used, perhaps by this very client: some time ago, or in a request that was sent at the same time.
            opened = await retry.first_answer(step.note)
            await spent.give_back()
        except IntegrityError:
            # The only constraint that a right key can run into: somebody took the username a moment ago.
            raise InvalidInput([_username_taken()]) from None
        return opened


async def _check_choice(ctx: Context, found: dict[str, Any], username: str, password: str, again: str) -> None:
    faults = [
        FieldProblem(("input", "username"), usernames.message(problem)) for problem in usernames.problems(username)
    ]
    holder = None if faults else await queries.account_with_username(usernames.folded(username))
    if holder == found["account_id"]:
        # This very account has it by now: somebody used the key a moment ago.
        raise KeyNotAccepted
    if holder is not None:
        faults.append(_username_taken())
    words = [found["given"], found["family"], *await queries.names_around(found["person_id"])]
    faults += password_faults(ctx, password, again, words, username=username)
    if faults:
        raise InvalidInput(faults)


def _username_taken() -> FieldProblem:
    message = say("This username is taken. Your key is still good: choose another one.")
    return FieldProblem(("input", "username"), message)


async def _open(ctx: Context, found: dict[str, Any], username: str, encoded: str) -> SignedIn:
    if not await queries.lock_key(found["id"]):
        raise KeyNotAccepted
    await ActivationKey.filter(id=found["id"]).update(state=KeyState.USED, used_at=ctx.now)
    changed = await Account.filter(id=found["account_id"], status=AccountStatus.NOT_ACTIVATED).update(
        status=AccountStatus.ACTIVE,
        username=username,
        username_folded=usernames.folded(username),
        password_hash=encoded,
        activated_at=ctx.now,
        last_login_at=ctx.now,
    )
    if not changed:
        raise KeyNotAccepted
    session_id, session = await open_session(ctx, found["account_id"], device_id=None, device_token=None)
    if found["email"]:
        addressee = Addressee(found["person_id"], found["email"], found["language"])
        await promise(ctx, LetterKind.WELCOME, [addressee], {"account_id": found["account_id"]})
    account = found | {"id": found["account_id"], "username": username}
    return SignedIn(await viewer_of(ctx, account, session_id), session)

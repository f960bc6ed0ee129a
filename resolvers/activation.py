"""Getting an activation key, checking it, and opening the account with it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from tortoise.exceptions import IntegrityError

from db.context import Capacity, Context
from db.models import Account, AccountStatus, ActivationKey, GuardianshipStatus, KeyState
from db.queries import activation as queries
from db.queries import portal as portal_queries
from db.queries import sessions as session_queries
from db.secrets import new_nonce, normalise_activation_key
from db.ssn import read_ssn
from db.trail import Note, Step
from mail.outbox import Addressee, LetterKind, promise
from policies import names, usernames
from policies.guardianship import GuardianshipFacts, Standing, standing
from policies.limits import Budget, Spent, spend
from policies.names import Name as SaidName
from policies.refusals import (
    AlreadyActivated,
    FieldProblem,
    GuardianNameNeeded,
    InvalidInput,
    KeyNotAccepted,
    NotMatched,
)
from resolvers.choice import password_faults
from resolvers.outcomes import KeyGood, KeySent, KeyShown, Name, SignedIn
from resolvers.retry import Retry
from resolvers.session import open_session, viewer_of
from resolvers.step import taking

#: How long a retry with the same idempotency key gets the first answer.
RETRY_WINDOW = timedelta(hours=24)
_KEY_DIGITS = 32


# ------------------------------------------------------------------------------------------------ getting a key
async def request_activation_key(
    ctx: Context,
    *,
    student_number: str,
    birth_date: date,
    ssn: str,
    guardian_name: SaidName | None,
    for_student: bool,
) -> KeyShown | KeySent:
    """The key of record for whoever proves to be this student's guardian, or the student.

    Raises:
        InvalidInput: when the number or the SSN cannot be one.
        TooManyAttempts: when wrong proofs have closed the online way for this student, client or district.
        NotMatched: whatever did not match; always the same.
        GuardianNameNeeded: the proofs are right, and more than one guardian is on record.
        AlreadyActivated: there is an account.
    """
    async with taking(ctx, Step.REQUEST_KEY) as step:
        number, digits = _proofs(student_number, ssn)
        spent = await _spend_proof(ctx, number)
        record = await queries.student_and_guardians(number, ctx.today)
        if record is None or not _proved(ctx, record, birth_date, digits):
            raise NotMatched
        step.note.about_student_id = record["student_id"]
        if for_student:
            target = _student_target(record)
        else:
            target = await _guardian_target(ctx, record, guardian_name, spent)
        step.note.about_person_id, step.note.about_account_id = target["person_id"], target["account_id"]
        activated = target["account_status"] != AccountStatus.NOT_ACTIVATED
        if ctx.rules.key_delivery == "mail" and not target["email"] and not activated:
            # Before the attempt is given back: a no that does not count would tell that the proofs are right.
            raise NotMatched
        await spent.give_back()
        if activated:
            raise AlreadyActivated
        async with step.transaction():
            issued = await key_of_record(ctx, target["account_id"], target["capacity"])
            await _tell_guardians(ctx, record, target)
        if ctx.rules.key_delivery == "mail":
            return KeySent(target["capacity"])
        return issued


def _proofs(student_number: str, ssn: str) -> tuple[str, str]:
    number = student_number.strip()
    digits = read_ssn(ssn).digits
    faults = []
    if not number or len(number) > 64 or "\x00" in number:
        faults.append(FieldProblem(("input", "studentNumber"), "Enter the student number as the school wrote it."))
    if digits is None:
        message = "This cannot be a social security number: it has nine digits, and is not one that only fills a field."
        faults.append(FieldProblem(("input", "studentSsn"), message))
    if faults or digits is None:
        raise InvalidInput(faults)
    return number, digits


async def _spend_proof(ctx: Context, number: str) -> Spent:
    """Counts against the number without its leading zeros, so that two spellings are not two budgets."""
    rules = ctx.rules
    window = timedelta(hours=rules.proof_window_hours)
    return await spend(
        ctx,
        Budget("proof-student", rules.proofs_per_student, window).claim(ctx, number.lstrip("0").casefold()),
        Budget("proof-client", rules.proofs_per_client, window).claim(ctx, ctx.network),
        Budget("proof-district", rules.proofs_per_district, window).claim(ctx, "district"),
    )


def _proved(ctx: Context, record: dict[str, Any], birth_date: date, digits: str) -> bool:
    born = record["birth_date"] == birth_date
    proof = record["ssn_proof"]
    matches = proof is not None and ctx.keys.ssn_matches(digits, proof, record["ssn_proof_version"])
    return born and matches


def _student_target(record: dict[str, Any]) -> dict[str, Any]:
    if record["student_account_id"] is None:
        raise NotMatched
    return {
        "person_id": record["student_id"],
        "account_id": record["student_account_id"],
        "account_status": record["student_account_status"],
        "email": record["student_email"],
        "language": record["student_language"],
        "capacity": Capacity.STUDENT,
    }


async def _guardian_target(ctx: Context, record: dict[str, Any], said: SaidName | None, spent: Spent) -> dict[str, Any]:
    # All guardians on record count here, also those who may not have a key: a name that is asked for only where two
    # are eligible would hand the other parent's key to whoever is not.
    guardians = record["guardians"]
    if said is None and len(guardians) > 1:
        await spent.give_back()
        raise GuardianNameNeeded
    if said is not None:
        guardians = await _meant(guardians, said, spent)
    if len(guardians) != 1:
        raise NotMatched
    guardian: dict[str, Any] = guardians[0]
    if _standing(guardian, record["birth_date"], ctx.today) is not Standing.CONFIRMED:
        raise NotMatched
    if guardian["account_id"] is None:
        raise NotMatched
    return guardian | {"capacity": Capacity.GUARDIAN}


async def _meant(guardians: list[dict[str, Any]], said: SaidName, spent: Spent) -> list[dict[str, Any]]:
    """Those whom the name fits; where a father and a son have one name, the suffix decides."""
    said = names.with_suffix_apart(said)
    anybody = replace(said, suffix=None)
    namesakes = [one for one in guardians if names.same_person_name(anybody, _on_record(one), suffix_needed=False)]
    needed = len(namesakes) > 1
    fit = [one for one in namesakes if names.same_person_name(said, _on_record(one), suffix_needed=needed)]
    if needed and not fit and not names.folded_suffix(said.suffix):
        await spent.give_back()
        raise GuardianNameNeeded
    return fit


def _on_record(person: dict[str, Any]) -> SaidName:
    return SaidName(given=person["given"], middle=person["middle"], family=person["family"], suffix=person["suffix"])


def _standing(row: dict[str, Any], birth_date: date | None, on: date) -> Standing:
    return standing(GuardianshipFacts.of(row, birth_date), on=on, seeing=True)


async def key_of_record(ctx: Context, account_id: int, capacity: Capacity) -> KeyShown:
    """The current key, derived again, or a new one where there is none or it has expired. Inside a transaction."""
    locked = await queries.lock_account(account_id)
    if locked is None or locked["status"] != AccountStatus.NOT_ACTIVATED:
        raise AlreadyActivated
    current = await queries.current_key(account_id)
    if current is not None and (current["expires_at"] is None or current["expires_at"] > ctx.now):
        key = ctx.keys.activation_key(current["nonce"], current["secret_version"])
        return KeyShown(key, current["expires_at"], capacity)
    if current is not None:
        await ActivationKey.filter(id=current["id"]).update(state=KeyState.REPLACED)
    nonce, version = new_nonce(), ctx.keys.current
    key = ctx.keys.activation_key(nonce, version)
    expires_at = ctx.now + ctx.rules.key_lifetime
    await ActivationKey.create(
        account_id=account_id,
        nonce=nonce,
        secret_version=version,
        digest=ctx.keys.key_digest(key, version),
        issued_at=ctx.now,
        expires_at=expires_at,
    )
    return KeyShown(key, expires_at, capacity)


async def _tell_guardians(ctx: Context, record: dict[str, Any], target: dict[str, Any]) -> None:
    """Every guardian who may know of it is told that a key was asked for; by setting the key itself goes by mail."""
    told = [
        Addressee(guardian["person_id"], guardian["email"], guardian["language"])
        for guardian in record["guardians"]
        if guardian["email"] and not guardian["restricted"] and guardian["status"] != GuardianshipStatus.REVOKED
    ]
    facts = {"student_id": record["student_id"], "person_id": target["person_id"], "capacity": target["capacity"]}
    await promise(ctx, LetterKind.KEY_ASKED_FOR, told, facts)
    if ctx.rules.key_delivery == "mail":
        addressee = Addressee(target["person_id"], target["email"], target["language"])
        await promise(ctx, LetterKind.ACTIVATION_KEY, [addressee], {"account_id": target["account_id"]})


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
        message = f"An activation key has {_KEY_DIGITS} digits from 0 to 9 and A to F; spaces and dashes do not matter."
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
    """A guardian's key opens nothing once no student is left to see, and a staff key nothing without a role."""
    if found["capacity"] == Capacity.STUDENT:
        return True
    if found["capacity"] == Capacity.STAFF:
        return bool(await session_queries.roles(found["person_id"], ctx.today))
    return any(
        _standing(ward, ward["birth_date"], ctx.today) is Standing.CONFIRMED
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
    return FieldProblem(("input", "username"), "This username is taken. Your key is still good: choose another one.")


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

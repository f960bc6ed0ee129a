"""Getting an activation key: proofs in, the key of record out."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from db.context import Capacity, Context
from db.languages import say
from db.models import AccountStatus, ActivationKey, GuardianshipStatus, KeyState
from db.queries import activation as queries
from db.secrets import new_nonce
from db.ssn import read_ssn
from db.trail import Step
from mail.outbox import Addressee, LetterKind, promise
from policies import names
from policies.guardianship import Standing, standing_of
from policies.limits import Budget, Spent, spend
from policies.names import Name as SaidName
from policies.refusals import AlreadyActivated, FieldProblem, GuardianNameNeeded, InvalidInput, NotMatched
from resolvers.outcomes import KeySent, KeyShown
from resolvers.step import taking


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
        if activated and target["activated_at"] is None:
            # Disabled before it was ever opened: there is nothing to sign in with, and the school is the way.
            raise NotMatched
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
        message = say("Enter the student number as the school wrote it.")
        faults.append(FieldProblem(("input", "studentNumber"), message))
    if digits is None:
        message = say("Please check the Social Security number: it has nine digits, and this one cannot be right.")
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
    # A guardian who is kept away, or will be, knows all that would be asked: the key is then had at the school alone.
    if record["student_account_id"] is None or any(guardian["kept_away"] for guardian in record["guardians"]):
        raise NotMatched
    return {
        "person_id": record["student_id"],
        "account_id": record["student_account_id"],
        "account_status": record["student_account_status"],
        "activated_at": record["student_activated_at"],
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
    if standing_of(guardian, record["birth_date"], ctx.today) is not Standing.CONFIRMED:
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

"""Helping a verified caller with the account: look up, reset, enable, disable."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from db.context import Context, Role, Viewer
from db.languages import say
from db.models import (
    Account,
    AccountStatus,
    DisabledReason,
    Purpose,
    RecoveryToken,
    TokenKind,
)
from db.queries import helpdesk as queries
from db.queries import portal as portal_queries
from db.queries import verification as verification_queries
from db.secrets import new_code, new_nonce
from db.trail import Step
from mail.outbox import Addressee, LetterKind, folded_address, masked, promise
from policies import reasons
from policies.gate import Facts, gate_of
from policies.guardianship import Standing
from policies.refusals import FieldProblem, InvalidInput, MissingFact, NotAllowed, NotFound, WrongState
from policies.verification import ACTION_FOR, proof_for
from resolvers.closing import close_account, open_again
from resolvers.login_attempts import forget_failures
from resolvers.outcomes import AccountReset, Holder
from resolvers.portal import holder_of
from resolvers.step import StepTaken, taking
from resolvers.verification import facts_of, guardian_of, note_case, refuse_relatives

#: What no designee lifts: a court's order, and that the holder was on record twice and has the other account.
_FOR_THE_REGISTRAR = (DisabledReason.LEGAL_RESTRICTION, DisabledReason.MERGED)


@dataclass(frozen=True, slots=True)
class Case:
    """An account that its verified holder has called about, locked until the step ends."""

    designee: Viewer
    verification_id: int
    holder: Holder
    language: str | None

    @property
    def addressee(self) -> list[Addressee]:
        """The holder, if there is an address on file."""
        if not self.holder.email:
            return []
        return [Addressee(self.holder.person_id, self.holder.email, self.language)]


# ------------------------------------------------------------------------------------------------ the way in
@asynccontextmanager
async def _helping(
    ctx: Context, step: StepTaken, purpose: Purpose, *, verification_id: int | None, account_id: int | None
) -> AsyncIterator[Case]:
    """The one way to somebody else's account, in the transaction of what is done with it.

    Verification, guardianship and account are read and locked together, and the gate is asked about what was read: none
    of it can change before the step is done.

    Args:
        ctx: the designee's request.
        step: the step that is being taken.
        purpose: what is to be done; the verification must be for just that.
        verification_id: None stands for an id that cannot be one.
        account_id: the account that the designee's screen shows, if it says so; any other than the caller's is refused.

    Raises:
        NotAllowed: with the missing facts. A verification that is another designee's looks like one that never was.
        NotFound: the caller has no account on record.
    """
    me = ctx.viewer
    if me is None:
        raise NotAllowed([MissingFact.SIGNED_IN])
    gate, action = gate_of(ctx), ACTION_FOR[purpose]
    step.note.details |= {"purpose": purpose.value, "role": Role.DESIGNEE.value}
    async with step.transaction():
        found = await verification_queries.verification(verification_id or 0, me.person_id, locked=True)
        if found is None:
            # Without a case, only the proof is known to be missing; and a role at any school, where there is none.
            gate.require(me, action, Facts(guardianship=Standing.CONFIRMED, schools=me.schools))
            raise NotAllowed([MissingFact.VERIFICATION_PASSED])
        guardian_id = guardian_of(found)
        case = await verification_queries.case(found["student_id"], guardian_id, ctx.today, me.person_id)
        if case is None:
            raise NotFound
        note_case(step, case)
        step.note.details["verification"] = found["id"]
        same = account_id is None or account_id == case["account_id"]
        proof = proof_for(found, purpose, same_account=same, now=ctx.now)
        facts = facts_of(ctx, case, proof, guardian_calls=guardian_id is not None)
        step.note.rule = gate.require(me, action, facts).rule
        refuse_relatives(case)
        row = await queries.lock_holder(case["account_id"]) if case["account_id"] else None
        if row is None:
            raise NotFound
        yield Case(me, found["id"], holder_of(row), row["language"])
        if purpose is not Purpose.LOOK_UP and not await verification_queries.use(found["id"], ctx.now):
            raise NotAllowed([MissingFact.VERIFICATION_PASSED])


# ------------------------------------------------------------------------------------------------ looking up
async def look_up_account(ctx: Context, *, verification_id: int | None, account_id: int | None = None) -> Holder:
    """The caller's account with username and address; may be repeated until the verification expires.

    Raises:
        NotAllowed, NotFound: as for every step of this desk.
    """
    async with (
        taking(ctx, Step.LOOK_UP_ACCOUNT) as step,
        _helping(ctx, step, Purpose.LOOK_UP, verification_id=verification_id, account_id=account_id) as case,
    ):
        return case.holder


# ------------------------------------------------------------------------------------------------ resetting
async def reset_account(
    ctx: Context, *, verification_id: int | None, reason: str, delivery: TokenKind, account_id: int | None = None
) -> AccountReset:
    """Ends the old password and all sessions; a one-time code, shown once, or a letter with a link sets a new one.

    The designee neither chooses nor learns a password, and the holder is told by letter.

    Raises:
        NotAllowed, NotFound: as for every step of this desk.
        WrongState: the account was never activated, or is disabled.
        InvalidInput: no good reason; a link, and no address on file that takes letters.
    """
    async with taking(ctx, Step.RESET_ACCOUNT) as step:
        step.note.details |= {"reason": reasons.noted(reason), "delivery": delivery.value}
        async with _helping(ctx, step, Purpose.RESET, verification_id=verification_id, account_id=account_id) as case:
            holder = case.holder
            if holder.status is not AccountStatus.ACTIVE:
                raise WrongState(holder.status.name)
            if delivery is TokenKind.LINK and not holder.email:
                message = say("There is no address on file: give the caller a one-time code instead.")
                raise InvalidInput([FieldProblem(("input", "delivery"), message)])
            if delivery is TokenKind.LINK and await queries.comes_back(folded_address(holder.email or "")):
                message = say("Letters to the address on file come back: give the caller a one-time code instead.")
                raise InvalidInput([FieldProblem(("input", "delivery"), message)])
            step.note.details["sessions_ended"] = await queries.shut_out(
                holder.account_id, now=ctx.now, reason="RESET_BY_SCHOOL"
            )
            await Account.filter(id=holder.account_id).update(must_change_password=True)
            await forget_failures(ctx, holder.account_id)
            kind = LetterKind.RESET_LINK if delivery is TokenKind.LINK else LetterKind.ACCOUNT_RESET
            letters = await promise(ctx, kind, case.addressee, {"account_id": holder.account_id})
            code, expires_at = await _issue(ctx, case, letters[0] if delivery is TokenKind.LINK else None)
        sent_to = None if code else masked(holder.email or "")
        return AccountReset(await _now(holder.account_id), code, sent_to, expires_at)


async def _issue(ctx: Context, case: Case, letter_id: int | None) -> tuple[str | None, datetime]:
    """A new token in place of all earlier ones: a letter's link, derived when that is sent, or a code to be told."""
    version = ctx.keys.current
    if letter_id is None:
        nonce, token = None, new_code()
    else:
        nonce = new_nonce()
        token = ctx.keys.recovery_link_token(nonce, version)
    expires_at = ctx.now + timedelta(hours=ctx.rules.reset_code_hours)
    await RecoveryToken.create(
        account_id=case.holder.account_id,
        kind=TokenKind.CODE if letter_id is None else TokenKind.LINK,
        letter_id=letter_id,
        nonce=nonce,
        secret_version=version,
        digest=ctx.keys.recovery_token_digest(token, version),
        issued_at=ctx.now,
        expires_at=expires_at,
    )
    return (token if letter_id is None else None), expires_at


async def _now(account_id: int) -> Holder:
    row = await portal_queries.holder(account_id)
    if row is None:
        raise RuntimeError("an account that was just changed is gone")
    return holder_of(row)


# ------------------------------------------------------------------------------------------------ enabling, disabling
async def enable_account(
    ctx: Context, *, verification_id: int | None, reason: str, account_id: int | None = None
) -> Holder:
    """A disabled account is open again; failures are forgotten, the password is the one it was.

    Raises:
        NotAllowed, NotFound: as for every step of this desk.
        WrongState: it is not disabled, or for a reason that is the registrar's to lift.
        InvalidInput: no good reason.
    """
    async with taking(ctx, Step.ENABLE_ACCOUNT) as step:
        step.note.details["reason"] = reasons.noted(reason)
        async with _helping(ctx, step, Purpose.ENABLE, verification_id=verification_id, account_id=account_id) as case:
            holder = case.holder
            if holder.status is not AccountStatus.DISABLED:
                raise WrongState(holder.status.name)
            if holder.disabled_reason in _FOR_THE_REGISTRAR:
                raise WrongState(holder.disabled_reason.name)
            await open_again(ctx, holder.account_id, case.addressee, was_open=holder.activated_at is not None)
        return await _now(holder.account_id)


async def disable_account(
    ctx: Context, *, verification_id: int | None, reason: str, account_id: int | None = None
) -> Holder:
    """The account is closed at once, with all its sessions, codes and keys; the school can enable it again.

    Raises:
        NotAllowed, NotFound: as for every step of this desk.
        WrongState: it is disabled already.
        InvalidInput: no good reason.
    """
    async with taking(ctx, Step.DISABLE_ACCOUNT) as step:
        step.note.details["reason"] = reasons.noted(reason)
        async with _helping(ctx, step, Purpose.DISABLE, verification_id=verification_id, account_id=account_id) as case:
            holder = case.holder
            if holder.status is AccountStatus.DISABLED:
                raise WrongState(holder.status.name)
            step.note.details["sessions_ended"] = await close_account(ctx, holder.account_id, case.addressee)
        return await _now(holder.account_id)

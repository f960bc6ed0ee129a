"""Verifying a caller: the questions, the answers, and the valid ID that stands in for them."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from db.context import Context, Role, Viewer
from db.languages import say
from db.models import IdDocument, Purpose, Question, Verification
from db.queries import verification as queries
from db.trail import Step
from policies.gate import Decision, Facts, gate_of
from policies.guardianship import GuardianshipFacts, Standing, standing
from policies.limits import Budget, Claim, closed_until, spend
from policies.refusals import (
    FieldProblem,
    InPersonRequired,
    InvalidInput,
    MissingFact,
    NotAllowed,
    NotFound,
    VerificationFailed,
    WrongState,
)
from policies.verification import (
    ACTION_FOR,
    Record,
    all_right,
    questions,
    record_of,
    standing_of_verification,
    unanswered,
)
from policies.words import Action, Proof
from resolvers.outcomes import VerificationOpened, VerificationPassed
from resolvers.step import StepTaken, taking

#: Longer than any name, address or number that a caller could say.
_LONGEST_ANSWER = 500
Case = dict[str, Any]


# ------------------------------------------------------------------------------------------------ starting
async def start_verification(
    ctx: Context, *, guardian_id: int | None, student_id: int | None, purpose: Purpose
) -> VerificationOpened:
    """Opens a verification of one caller about one student for one purpose, and says what to ask.

    After too many wrong answers, about this caller or to this designee, nothing is asked: the caller comes in person.

    Args:
        ctx: the designee's request.
        guardian_id: the guardian who calls; None when the student does.
        student_id: the student it is about; None stands for an id that cannot be one.
        purpose: what the caller wants.

    Raises:
        NotAllowed: no designee, another school, a relative, or a guardianship that the registrar has not confirmed.
        NotFound: no such student.
    """
    async with taking(ctx, Step.START_VERIFICATION) as step:
        me = _signed_in(ctx)
        case = None if student_id is None else await queries.case(student_id, guardian_id, ctx.today, me.person_id)
        step.note.details |= {"purpose": purpose.value, "role": Role.DESIGNEE.value}
        if case is None:
            _refuse_others(ctx, me)
            raise NotFound
        note_case(step, case)
        step.note.rule = _may_help(ctx, me, case, guardian_id, purpose).rule
        # Whoever comes in person and shows a valid ID is verified whatever was guessed on the telephone.
        retry_at = await closed_until(ctx, *_budgets(ctx, me, case))
        asked = questions(record_of(case)) if retry_at is None else ()
        expires_at = ctx.now + timedelta(minutes=ctx.rules.verification_minutes)
        async with step.transaction():
            opened = await Verification.create(
                designee_id=me.person_id,
                requester_id=requester(case),
                student_id=case["student_id"],
                purpose=purpose,
                questions=[question.value for question in asked],
                attempts_left=ctx.rules.verification_attempts if asked else 0,
                started_at=ctx.now,
                expires_at=expires_at,
            )
            step.note.details |= {"verification": opened.id, "questions": [question.value for question in asked]}
        return VerificationOpened(opened.id, asked, expires_at, retry_at)


def _signed_in(ctx: Context) -> Viewer:
    if ctx.viewer is None:
        raise NotAllowed([MissingFact.SIGNED_IN])
    return ctx.viewer


def _refuse_others(ctx: Context, me: Viewer) -> None:
    """Whoever is no designee anywhere learns no more than that, whatever is asked about."""
    gate_of(ctx).require(me, Action.VERIFICATION_RUN, Facts(schools=me.schools))


def requester(case: Case) -> int:
    """The person who calls: the guardian of the case, or the student."""
    guardian: dict[str, int] | None = case["guardian"]
    return guardian["id"] if guardian else int(case["student_id"])


def note_case(step: StepTaken, case: Case) -> None:
    """For the trail: about whom it is. The person is the caller."""
    step.note.about_student_id = case["student_id"]
    step.note.about_person_id = requester(case)
    step.note.about_account_id = case["account_id"]


def facts_of(ctx: Context, case: Case, proof: Proof, *, guardian_calls: bool) -> Facts:
    """What the policy table is asked about a case. Seeing is not the matter: the portal mark does not count here."""
    if guardian_calls:
        row = queries.guardianship_of(case)
        tie = GuardianshipFacts.of(row, case["birth_date"]) if row else None
        amounts_to = standing(tie, on=ctx.today, seeing=False)
    else:
        amounts_to = Standing.SELF
    return Facts(guardianship=amounts_to, verification=proof, schools=frozenset(case["schools"]))


def refuse_relatives(case: Case) -> None:
    """Nobody helps themselves, or a relative in the same household.

    Raises:
        NotAllowed: when the designee is the caller, the student, a guardian of the student, or lives with either.
    """
    if case["designee_is_related"]:
        raise NotAllowed([MissingFact.NOT_RELATED])


def _may_help(ctx: Context, me: Viewer, case: Case, guardian_id: int | None, purpose: Purpose) -> Decision:
    """Whether the verification may be run, and whether passing it would be of any use.

    The second question is asked beforehand so that nobody answers five questions only to hear that the registrar has
    to identify the guardianship first.
    """
    gate, guardian_calls = gate_of(ctx), guardian_id is not None
    run = gate.require(me, Action.VERIFICATION_RUN, Facts(schools=frozenset(case["schools"])))
    gate.require(me, ACTION_FOR[purpose], facts_of(ctx, case, Proof.PASSED, guardian_calls=guardian_calls))
    refuse_relatives(case)
    return run


def _budgets(ctx: Context, me: Viewer, case: Case) -> tuple[Claim, Claim]:
    rules = ctx.rules
    window = timedelta(hours=rules.verification_window_hours)
    return (
        Budget("verify-requester", rules.verifications_per_requester, window).claim(ctx, str(requester(case))),
        Budget("verify-designee", rules.verifications_per_designee, window).claim(ctx, str(me.person_id)),
    )


# ------------------------------------------------------------------------------------------------ answering
async def answer_verification(
    ctx: Context, *, verification_id: int | None, answers: Iterable[tuple[Question, str | None]]
) -> VerificationPassed:
    """Judges all answers together: passed, or not; never which one was wrong.

    Args:
        ctx: the designee's request.
        verification_id: None stands for an id that cannot be one.
        answers: what the caller said to each question; None where the caller cannot say.

    Raises:
        NotFound: no verification of this designee's.
        NotAllowed: as for starting it; things may have changed meanwhile.
        WrongState: it has passed, failed, expired, or was used.
        InvalidInput: not exactly the questions that are to be asked. Costs no attempt.
        InPersonRequired: the caller cannot answer, or nothing can be asked. Costs no attempt.
        TooManyAttempts: too many wrong answers, about this caller or to this designee.
        VerificationFailed: with the attempts that are left.
    """
    async with taking(ctx, Step.ANSWER_VERIFICATION) as step:
        me, verification, case = await _open_case(ctx, step, verification_id, may_have_failed=False)
        said = _said(verification["questions"], answers)
        given = {question: answer for question, answer in said.items() if answer is not None}
        if not verification["questions"] or next(unanswered(verification["questions"], said), None) is not None:
            raise InPersonRequired
        spent = await spend(ctx, *_budgets(ctx, me, case))
        left = await queries.count_attempt(verification["id"], ctx.now)
        if left is None:
            await spent.give_back()
            raise WrongState(Proof.FAILED.name)
        if not _judged(ctx, case, given):
            raise VerificationFailed(left)
        async with step.transaction():
            passed = await _pass(ctx, step, verification, None)
        await spent.give_back()
        return passed


async def _open_case(
    ctx: Context, step: StepTaken, verification_id: int | None, *, may_have_failed: bool
) -> tuple[Viewer, Case, Case]:
    """This designee's verification, with the case as it is now, if it may still be passed."""
    me = _signed_in(ctx)
    _refuse_others(ctx, me)
    verification = await queries.verification(verification_id or 0, me.person_id)
    if verification is None:
        raise NotFound
    guardian_id = guardian_of(verification)
    case = await queries.case(verification["student_id"], guardian_id, ctx.today, me.person_id)
    if case is None:
        raise NotFound
    note_case(step, case)
    step.note.details |= {
        "verification": verification["id"],
        "purpose": verification["purpose"],
        "role": Role.DESIGNEE.value,
        "questions": verification["questions"],
    }
    step.note.rule = _may_help(ctx, me, case, guardian_id, Purpose(verification["purpose"])).rule
    stands = standing_of_verification(verification, now=ctx.now)
    # With nothing to ask there are no attempts either: it waits for a valid ID.
    waits = stands is Proof.OPEN or (stands is Proof.FAILED and (may_have_failed or not verification["questions"]))
    if not waits:
        raise WrongState(stands.name)
    return me, verification, case


def guardian_of(verification: Case) -> int | None:
    """The guardian who calls; None when the student does."""
    caller: int = verification["requester_id"]
    return None if caller == verification["student_id"] else caller


def _said(asked: list[str], answers: Iterable[tuple[Question, str | None]]) -> Mapping[Question, str | None]:
    said: dict[Question, str | None] = {}
    faults = []
    for question, answer in answers:
        if question in said:
            faults.append(say("%(question)s is answered twice.", question=question.value))
        if answer is not None and (len(answer) > _LONGEST_ANSWER or "\x00" in answer):
            faults.append(say("The answer to %(question)s cannot be taken.", question=question.value))
        said[question] = answer if answer is None or answer.strip() else None
    if set(said) != {Question(word) for word in asked}:
        faults.append(
            say("Answer each question that is to be asked: %(questions)s.", questions=", ".join(asked))
            if asked
            else say("There is no question to be answered: send none.")
        )
    if faults:
        raise InvalidInput([FieldProblem(("input", "answers"), fault) for fault in faults])
    return said


def _judged(ctx: Context, case: Case, given: Mapping[Question, str]) -> bool:
    record: Record = record_of(case)
    proof, version = case["ssn_proof"], case["ssn_proof_version"]

    def ssn_matches(digits: str) -> bool:
        return proof is not None and ctx.keys.ssn_matches(digits, bytes(proof), version)

    # What is asked may have changed since: an answer to another question than is asked now proves nothing.
    return set(given) == set(questions(record)) and all_right(given, record, ssn_matches)


async def _pass(ctx: Context, step: StepTaken, verification: Case, document: IdDocument | None) -> VerificationPassed:
    expires_at = ctx.now + timedelta(minutes=ctx.rules.verification_minutes)
    passed = await queries.pass_(verification["id"], now=ctx.now, expires_at=expires_at, document=document)
    if not passed:
        # Somebody was quicker: the same designee, through another window.
        raise WrongState(Proof.PASSED.name)
    step.note.details["passed"] = True
    return VerificationPassed(verification["id"], Purpose(verification["purpose"]), expires_at)


# ------------------------------------------------------------------------------------------------ in person
async def record_in_person_id(ctx: Context, *, verification_id: int | None, document: IdDocument) -> VerificationPassed:
    """The caller came to the building and showed a valid ID: the kind of document is noted, and nothing of it.

    Also after wrong answers: whoever fails on the telephone may come in person.

    Raises:
        NotFound, NotAllowed: as `answer_verification`.
        WrongState: it has passed, expired, or was used.
    """
    async with taking(ctx, Step.RECORD_IN_PERSON_ID) as step:
        _, verification, _ = await _open_case(ctx, step, verification_id, may_have_failed=True)
        step.note.details["document"] = document.value
        async with step.transaction():
            return await _pass(ctx, step, verification, document)

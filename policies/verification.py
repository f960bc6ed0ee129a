"""Verifying a caller: which questions are asked, when the answers count as right, and what a verification is good for.

The rules are those of docs/verification.md. Nothing here is stored or logged; the record and the answers come in, a yes
or a no goes out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from db.models import Purpose, Question, SsnState, VerificationState
from db.ssn import read_ssn
from policies import answers
from policies.answers import Address
from policies.names import Name, same_person_name
from policies.words import Action, Proof

#: What a verification for this purpose lets the designee do.
ACTION_FOR: Final[Mapping[Purpose, Action]] = {
    Purpose.LOOK_UP: Action.ACCOUNT_DETAILS,
    Purpose.RESET: Action.ACCOUNT_RESET,
    Purpose.ENABLE: Action.ACCOUNT_ENABLE,
    Purpose.DISABLE: Action.ACCOUNT_DISABLE,
}


@dataclass(frozen=True, slots=True)
class Home:
    """A household's address and telephone, and whose it is today."""

    address: Address
    phone: str | None
    of_requester: bool
    of_student: bool


@dataclass(frozen=True, slots=True)
class Record:
    """What is on record of a caller and a student, as far as it can be asked about."""

    #: None when the student calls.
    parent: Name | None
    student: Name
    homes: Sequence[Home]
    #: Names in the households, the parent's and the student's own aside.
    relatives_of_parent: Sequence[Name]
    relatives_of_student: Sequence[Name]
    ssn_on_file: bool
    student_number: str
    number_is_shared: bool
    short_form_is_unique: bool

    @property
    def asked_about(self) -> Sequence[Home]:
        """The households that count: the caller's with the student, else the caller's, else the student's."""
        for chosen in (
            [home for home in self.homes if home.of_requester and home.of_student],
            [home for home in self.homes if home.of_requester],
        ):
            if chosen:
                return chosen
        return self.homes


def record_of(case: Mapping[str, Any]) -> Record:
    """The record, from the row of `db.queries.verification.case`."""
    student, guardian = _name(case), case["guardian"]
    parent_id = guardian["id"] if guardian else None
    relatives = [(one["id"], _name(one)) for one in case["relatives"]]
    return Record(
        parent=_name(guardian) if guardian else None,
        student=student,
        homes=[
            Home(
                Address(home["street"], home["city"], home["state"], home["postal_code"]),
                home["phone"],
                home["of_requester"],
                home["of_student"],
            )
            for home in case["households"]
        ],
        relatives_of_parent=[name for person_id, name in relatives if person_id != parent_id],
        relatives_of_student=[name for person_id, name in relatives if person_id != case["student_id"]],
        ssn_on_file=case["ssn_state"] == SsnState.ON_FILE,
        student_number=case["student_number"],
        number_is_shared=case["number_is_shared"],
        short_form_is_unique=case["short_form_is_unique"],
    )


def _name(row: Mapping[str, Any]) -> Name:
    return Name(given=row["given"], middle=row["middle"], family=row["family"], suffix=row["suffix"])


# ------------------------------------------------------------------------------------------------ what is asked
def questions(record: Record) -> tuple[Question, ...]:
    """The questions that apply, in the order in which they are asked; none when only a valid ID in person will do.

    A question that the record cannot answer is left out, and the student number stands in for an SSN that is not on
    file. Names alone would prove nothing that a neighbour does not know: without an address or a telephone to ask
    about, or without a number, the caller has to come in person.
    """
    homes = record.asked_about
    about_home = [
        *([Question.MAILING_ADDRESS] if any(answers.is_usable_address(home.address) for home in homes) else []),
        *([Question.HOME_PHONE] if any(answers.is_usable_phone(home.phone) for home in homes) else []),
    ]
    number = _number_question(record)
    if not about_home or number is None:
        return ()
    names = [Question.STUDENT_NAME] if record.parent is None else [Question.PARENT_NAME, Question.STUDENT_NAME]
    return (*names, *about_home, number)


def _number_question(record: Record) -> Question | None:
    if record.ssn_on_file:
        return Question.STUDENT_SSN
    # A number that two students have proves neither of them.
    return None if record.number_is_shared else Question.STUDENT_NUMBER


# ------------------------------------------------------------------------------------------------ what is right
def all_right(said: Mapping[Question, str], record: Record, ssn_matches: Callable[[str], bool]) -> bool:
    """Whether every answer is right. All of them are judged whatever the others are, so that time tells nothing.

    Args:
        said: an answer to each question that was asked, and to no other.
        record: what is on record now.
        ssn_matches: whether nine digits are the student's, by the proof on record.
    """
    judged = [_is_right(question, answer, record, ssn_matches) for question, answer in said.items()]
    return bool(judged) and all(judged)


def _is_right(question: Question, said: str, record: Record, ssn_matches: Callable[[str], bool]) -> bool:
    match question:
        case Question.PARENT_NAME:
            return record.parent is not None and _is_name(said, record.parent, record.relatives_of_parent)
        case Question.STUDENT_NAME:
            return _is_name(said, record.student, record.relatives_of_student)
        case Question.MAILING_ADDRESS:
            return any(answers.same_address(said, home.address) for home in record.asked_about)
        case Question.HOME_PHONE:
            return any(answers.same_phone(said, home.phone) for home in record.asked_about)
        case Question.STUDENT_SSN:
            digits = read_ssn(said).digits
            return ssn_matches(digits or "") and digits is not None
        case Question.STUDENT_NUMBER:
            return not record.number_is_shared and answers.same_student_number(
                said, record.student_number, short_form_is_unique=record.short_form_is_unique
            )


def _is_name(said: str, on_record: Name, relatives: Sequence[Name]) -> bool:
    """Where a relative in the household has the same name, the suffix tells them apart and has to be said."""
    bare = replace(on_record, suffix=None)
    namesake = any(same_person_name(bare, replace(one, suffix=None), suffix_needed=False) for one in relatives)
    return answers.same_full_name(said, on_record, suffix_needed=namesake)


# ------------------------------------------------------------------------------------------------ what it is good for
def standing_of_verification(verification: Mapping[str, Any] | None, *, now: datetime) -> Proof:
    """Where a verification of one's own stands, its purpose aside."""
    if verification is None:
        return Proof.NONE
    if verification["state"] == VerificationState.USED:
        return Proof.USED
    if verification["expires_at"] <= now:
        return Proof.EXPIRED
    if verification["state"] == VerificationState.PASSED:
        return Proof.PASSED
    return Proof.OPEN if verification["attempts_left"] > 0 else Proof.FAILED


def proof_for(verification: Mapping[str, Any] | None, purpose: Purpose, *, same_account: bool, now: datetime) -> Proof:
    """What a verification of one's own amounts to for one purpose and one account: the word for the policy table."""
    standing = standing_of_verification(verification, now=now)
    if standing is not Proof.PASSED or verification is None:
        return standing
    if verification["purpose"] != purpose:
        return Proof.OTHER_PURPOSE
    return Proof.PASSED if same_account else Proof.OTHER_REQUESTER


def unanswered(questions_asked: Sequence[str], said: Mapping[Question, str | None]) -> Iterator[Question]:
    """The questions that the caller cannot answer."""
    return (Question(word) for word in questions_asked if said.get(Question(word)) is None)

"""Every expected "no", as a type with the data that its receiver needs.

Refusal
├── InvalidInput            fields that cannot be taken as they are
├── TooManyAttempts         when to try again
├── NotMatched              the proofs name nobody, or nobody who may have a key
├── AlreadyActivated        no key is needed: the account is there
├── GuardianNameNeeded      more than one guardian could be meant
├── KeyNotAccepted          wrong, expired, replaced and used look alike
├── WrongCredentials        unknown username and wrong password look alike
├── AccountDisabled         told only after the right password; whom to call
├── NewPasswordNeeded       the password was reset; the one-time code sets a new one
├── SecondFactorNeeded      told only after the right password: the code of the authenticator is missing or not right
├── TokenNotAccepted        wrong, expired, used, and replaced look alike
├── NotAllowed              which facts are missing (to staff; the public learns no more than the type)
├── WrongState              what was asked for does not fit how things stand; how they stand
├── VerificationFailed      never which answer; how many attempts are left
├── InPersonRequired        the caller comes to the building and shows a valid ID
└── NotFound                absent, or hidden: the two look alike
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from db.languages import Sentence


class RefusalCode(StrEnum):
    """One word for each refusal: in the answer, in the trail and in the metrics."""

    INVALID_INPUT = "INVALID_INPUT"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"
    NOT_MATCHED = "NOT_MATCHED"
    ALREADY_ACTIVATED = "ALREADY_ACTIVATED"
    GUARDIAN_NAME_NEEDED = "GUARDIAN_NAME_NEEDED"
    KEY_NOT_ACCEPTED = "KEY_NOT_ACCEPTED"
    WRONG_CREDENTIALS = "WRONG_CREDENTIALS"
    ACCOUNT_DISABLED = "ACCOUNT_DISABLED"
    NEW_PASSWORD_NEEDED = "NEW_PASSWORD_NEEDED"
    SECOND_FACTOR_NEEDED = "SECOND_FACTOR_NEEDED"
    TOKEN_NOT_ACCEPTED = "TOKEN_NOT_ACCEPTED"
    NOT_ALLOWED = "NOT_ALLOWED"
    WRONG_STATE = "WRONG_STATE"
    VERIFICATION_FAILED = "VERIFICATION_FAILED"
    IN_PERSON_REQUIRED = "IN_PERSON_REQUIRED"
    NOT_FOUND = "NOT_FOUND"


class MissingFact(StrEnum):
    """What would have to be so for the answer to be yes."""

    SIGNED_IN = "SIGNED_IN"
    ROLE = "ROLE"
    SAME_SCHOOL = "SAME_SCHOOL"
    NOT_RELATED = "NOT_RELATED"
    GUARDIANSHIP_CONFIRMED = "GUARDIANSHIP_CONFIRMED"
    VERIFICATION_PASSED = "VERIFICATION_PASSED"
    SECOND_FACTOR = "SECOND_FACTOR"
    CLIENT = "CLIENT"


class Refusal(Exception):
    """Raised where a step ends in an expected no; `schema` shows it as a member of the result's union."""

    code: RefusalCode


@dataclass(frozen=True)
class FieldProblem:
    """One input field and what is wrong with it, in words for the person who filled it in."""

    path: tuple[str, ...]
    message: Sentence


class InvalidInput(Refusal):
    code = RefusalCode.INVALID_INPUT

    def __init__(self, fields: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(".".join(field.path) for field in fields))
        self.fields = tuple(fields)


class TooManyAttempts(Refusal):
    code = RefusalCode.TOO_MANY_ATTEMPTS

    def __init__(self, retry_at: datetime) -> None:
        super().__init__(f"until {retry_at.isoformat()}")
        self.retry_at = retry_at


class NotMatched(Refusal):
    code = RefusalCode.NOT_MATCHED


class AlreadyActivated(Refusal):
    code = RefusalCode.ALREADY_ACTIVATED


class GuardianNameNeeded(Refusal):
    code = RefusalCode.GUARDIAN_NAME_NEEDED


class KeyNotAccepted(Refusal):
    code = RefusalCode.KEY_NOT_ACCEPTED


class WrongCredentials(Refusal):
    code = RefusalCode.WRONG_CREDENTIALS


class AccountDisabled(Refusal):
    code = RefusalCode.ACCOUNT_DISABLED

    def __init__(self, contact: Sentence | str) -> None:
        super().__init__("disabled")
        self.contact = contact


class NewPasswordNeeded(Refusal):
    code = RefusalCode.NEW_PASSWORD_NEEDED


class SecondFactorNeeded(Refusal):
    code = RefusalCode.SECOND_FACTOR_NEEDED


class TokenNotAccepted(Refusal):
    code = RefusalCode.TOKEN_NOT_ACCEPTED


class NotAllowed(Refusal):
    code = RefusalCode.NOT_ALLOWED

    def __init__(self, missing: Sequence[MissingFact]) -> None:
        super().__init__(", ".join(missing))
        self.missing = tuple(missing)


class WrongState(Refusal):
    code = RefusalCode.WRONG_STATE

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class VerificationFailed(Refusal):
    code = RefusalCode.VERIFICATION_FAILED

    def __init__(self, attempts_left: int) -> None:
        super().__init__(f"{attempts_left} left")
        self.attempts_left = attempts_left


class InPersonRequired(Refusal):
    code = RefusalCode.IN_PERSON_REQUIRED


class NotFound(Refusal):
    code = RefusalCode.NOT_FOUND

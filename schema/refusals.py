"""Every expected "no" as a GraphQL type: what the client branches on, and the words that a person reads."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import strawberry

from db.context import Context
from db.languages import Language, Sentence
from policies import refusals
from schema.messages import AS_THINGS_STAND, HELP_WITH, MESSAGES, SUPPLIED_BY
from schema.wording import worded


@strawberry.enum(description="The help topic that tells more.")
class HelpTopic(Enum):
    GETTING_A_KEY = strawberry.enum_value("GETTING_A_KEY", description="How to get an activation key.")
    ACTIVATING = strawberry.enum_value("ACTIVATING", description="How to open an account with a key.")
    LOGGING_IN = strawberry.enum_value("LOGGING_IN", description="How to sign in.")
    FORGOTTEN_LOG_ON = strawberry.enum_value("FORGOTTEN_LOG_ON", description="A forgotten username or password.")
    DISABLED_ACCOUNT = strawberry.enum_value("DISABLED_ACCOUNT", description="A disabled account.")
    STUDENT_NOT_VISIBLE = strawberry.enum_value("STUDENT_NOT_VISIBLE", description="A student who is not shown.")
    WRONG_STUDENTS = strawberry.enum_value("WRONG_STUDENTS", description="The wrong students are shown.")
    CONTACT = strawberry.enum_value("CONTACT", description="Whom to call.")


@strawberry.enum(description="One word for each expected no.")
class RefusalCode(Enum):
    INVALID_INPUT = strawberry.enum_value("INVALID_INPUT", description="Something in the input cannot be taken.")
    TOO_MANY_ATTEMPTS = strawberry.enum_value("TOO_MANY_ATTEMPTS", description="Too many wrong attempts.")
    NOT_MATCHED = strawberry.enum_value("NOT_MATCHED", description="The facts do not match.")
    ALREADY_ACTIVATED = strawberry.enum_value("ALREADY_ACTIVATED", description="There is an account already.")
    GUARDIAN_NAME_NEEDED = strawberry.enum_value("GUARDIAN_NAME_NEEDED", description="The guardian must be named.")
    KEY_NOT_ACCEPTED = strawberry.enum_value("KEY_NOT_ACCEPTED", description="The key does not open an account.")
    WRONG_CREDENTIALS = strawberry.enum_value("WRONG_CREDENTIALS", description="Unknown username or wrong password.")
    ACCOUNT_DISABLED = strawberry.enum_value("ACCOUNT_DISABLED", description="The account is disabled.")
    NEW_PASSWORD_NEEDED = strawberry.enum_value("NEW_PASSWORD_NEEDED", description="A new password must be set.")
    SECOND_FACTOR_NEEDED = strawberry.enum_value(
        "SECOND_FACTOR_NEEDED", description="The code of the second factor is missing, or not right."
    )
    TOKEN_NOT_ACCEPTED = strawberry.enum_value(
        "TOKEN_NOT_ACCEPTED", description="The code or link does not set a new password."
    )
    NOT_ALLOWED = strawberry.enum_value("NOT_ALLOWED", description="The asker may not do this.")
    WRONG_STATE = strawberry.enum_value("WRONG_STATE", description="It cannot be done as things stand.")
    VERIFICATION_FAILED = strawberry.enum_value("VERIFICATION_FAILED", description="Not all answers match.")
    IN_PERSON_REQUIRED = strawberry.enum_value(
        "IN_PERSON_REQUIRED", description="The caller has to show a valid ID in person."
    )
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="Absent, or hidden.")


@strawberry.enum(description="What would have to be so for the answer to be yes.")
class MissingFact(Enum):
    SIGNED_IN = strawberry.enum_value("SIGNED_IN", description="Somebody has to be signed in.")
    ROLE = strawberry.enum_value("ROLE", description="A role that may do this.")
    SAME_SCHOOL = strawberry.enum_value("SAME_SCHOOL", description="The role would have to be at that school.")
    NOT_RELATED = strawberry.enum_value(
        "NOT_RELATED",
        description="The asker is concerned, or of the same household: a colleague has to do it.",
    )
    GUARDIANSHIP_CONFIRMED = strawberry.enum_value(
        "GUARDIANSHIP_CONFIRMED", description="The registrar has to confirm guardianship first."
    )
    VERIFICATION_PASSED = strawberry.enum_value(
        "VERIFICATION_PASSED", description="The caller has to be verified first, by the asker and for this purpose."
    )
    SECOND_FACTOR = strawberry.enum_value(
        "SECOND_FACTOR", description="The asker has to confirm the second factor, or to set one up."
    )
    CLIENT = strawberry.enum_value("CLIENT", description="Another service client: this one is for other roles.")


@strawberry.interface(description="Every expected no. Branch on the type, show the message, offer the help topic.")
class Refusal:
    message: str = strawberry.field(description="A sentence for the person, in the language of `Accept-Language`.")
    code: RefusalCode = strawberry.field(description="The same as the type, as a word.")
    help: HelpTopic | None = strawberry.field(description="The help topic that tells more.")

    @classmethod
    def of(cls, refusal: refusals.Refusal, language: Language) -> Any:
        """The GraphQL object for a refusal, with its message in this language."""
        return cls(
            message=" ".join(worded(sentence, language) for sentence in cls.words(refusal)),
            code=RefusalCode[refusal.code.name],
            help=HelpTopic[cls.topic(refusal)],
            **cls.data(refusal, language),
        )

    @classmethod
    def topic(cls, refusal: Any) -> str:
        """The help topic; of the code, where it does not depend on what is carried."""
        return MESSAGES[refusal.code].topic

    @classmethod
    def words(cls, refusal: Any) -> Sequence[Sentence]:
        """The sentences of the message; that of the code, where it does not depend on what is carried."""
        return [MESSAGES[refusal.code].text]

    @classmethod
    def data(cls, refusal: Any, language: Language) -> dict[str, Any]:  # noqa: ARG003
        """What the type carries beyond the message."""
        return {}


@strawberry.type(description="One input field that cannot be taken, and why.")
class FieldProblem:
    path: list[str] = strawberry.field(description="The way to the field, from the argument on.")
    message: str = strawberry.field(description="What is wrong, for whoever filled it in and in their language.")


@strawberry.type(description="Something in the input cannot be taken as it is. Nothing was changed or used up.")
class InvalidInput(Refusal):
    fields: list[FieldProblem] = strawberry.field(description="All fields with problems.")

    @classmethod
    def data(cls, refusal: refusals.InvalidInput, language: Language) -> dict[str, Any]:
        return {
            "fields": [
                FieldProblem(path=list(field.path), message=worded(field.message, language)) for field in refusal.fields
            ]
        }


@strawberry.type(description="Too many wrong attempts: nothing is judged for a while.")
class TooManyAttempts(Refusal):
    retry_at: datetime | None = strawberry.field(description="When the next attempt will be judged.")

    @classmethod
    def data(cls, refusal: refusals.TooManyAttempts, language: Language) -> dict[str, Any]:  # noqa: ARG003
        return {"retry_at": refusal.retry_at}


@strawberry.type(description="Whatever did not match, or whoever is not known or not entitled: the same.")
class NotMatched(Refusal):
    pass


@strawberry.type(description="There is an account already: username and password stay as they are, no key is needed.")
class AlreadyActivated(Refusal):
    pass


@strawberry.type(description="The facts match, and more than one guardian could be meant: say which, with any suffix.")
class GuardianNameNeeded(Refusal):
    pass


@strawberry.type(description="Wrong, expired, replaced and used keys look alike.")
class KeyNotAccepted(Refusal):
    pass


@strawberry.type(description="An unknown username and a wrong password look alike.")
class WrongCredentials(Refusal):
    pass


@strawberry.type(description="The account is disabled. Told only after the right password.")
class AccountDisabled(Refusal):
    contact: str = strawberry.field(description="Whom to call.")

    @classmethod
    def data(cls, refusal: refusals.AccountDisabled, language: Language) -> dict[str, Any]:
        return {"contact": worded(refusal.contact, language)}


@strawberry.type(
    description="The password was reset: set a new one with the one-time code. Told only after the right password."
)
class NewPasswordNeeded(Refusal):
    pass


@strawberry.type(
    description="The second factor is missing or not right. Told only after the right password, or when signed in."
)
class SecondFactorNeeded(Refusal):
    pass


@strawberry.type(description="Wrong, expired, used and replaced codes and links look alike.")
class TokenNotAccepted(Refusal):
    pass


@strawberry.type(description="The asker may not do this. It names the missing facts, and who can supply them.")
class NotAllowed(Refusal):
    missing: list[MissingFact] = strawberry.field(description="What would have to be so.")

    @classmethod
    def topic(cls, refusal: refusals.NotAllowed) -> str:
        return next((HELP_WITH[fact] for fact in refusal.missing if fact in HELP_WITH), "CONTACT")

    @classmethod
    def words(cls, refusal: refusals.NotAllowed) -> Sequence[Sentence]:
        return [SUPPLIED_BY[fact] for fact in refusal.missing] or super().words(refusal)

    @classmethod
    def data(cls, refusal: refusals.NotAllowed, language: Language) -> dict[str, Any]:  # noqa: ARG003
        return {"missing": [MissingFact[missing.name] for missing in refusal.missing]}


@strawberry.type(description="What was asked for does not fit how things stand. Nothing was changed.")
class WrongState(Refusal):
    status: str = strawberry.field(description="How things stand, as a word.")

    @classmethod
    def topic(cls, refusal: refusals.WrongState) -> str:
        said = AS_THINGS_STAND.get(refusal.status)
        return said.topic if said else super().topic(refusal)

    @classmethod
    def words(cls, refusal: refusals.WrongState) -> Sequence[Sentence]:
        said = AS_THINGS_STAND.get(refusal.status)
        return [said.text] if said else super().words(refusal)

    @classmethod
    def data(cls, refusal: refusals.WrongState, language: Language) -> dict[str, Any]:  # noqa: ARG003
        return {"status": refusal.status}


@strawberry.type(description="Not all answers match what is on record. It is never told which.")
class VerificationFailed(Refusal):
    attempts_left: int = strawberry.field(description="How often the questions may still be answered.")

    @classmethod
    def data(cls, refusal: refusals.VerificationFailed, language: Language) -> dict[str, Any]:  # noqa: ARG003
        return {"attempts_left": refusal.attempts_left}


@strawberry.type(description="The questions cannot be answered: the caller has to show a valid ID in person.")
class InPersonRequired(Refusal):
    pass


@strawberry.type(description="Absent, or hidden: the two look alike.")
class NotFound(Refusal):
    pass


#: Which type shows which refusal. A test fails when one is missing.
SHOWN: dict[type[refusals.Refusal], type[Refusal]] = {
    refusals.InvalidInput: InvalidInput,
    refusals.TooManyAttempts: TooManyAttempts,
    refusals.NotMatched: NotMatched,
    refusals.AlreadyActivated: AlreadyActivated,
    refusals.GuardianNameNeeded: GuardianNameNeeded,
    refusals.KeyNotAccepted: KeyNotAccepted,
    refusals.WrongCredentials: WrongCredentials,
    refusals.AccountDisabled: AccountDisabled,
    refusals.NewPasswordNeeded: NewPasswordNeeded,
    refusals.SecondFactorNeeded: SecondFactorNeeded,
    refusals.TokenNotAccepted: TokenNotAccepted,
    refusals.NotAllowed: NotAllowed,
    refusals.WrongState: WrongState,
    refusals.VerificationFailed: VerificationFailed,
    refusals.InPersonRequired: InPersonRequired,
    refusals.NotFound: NotFound,
}


def _handler(refusal: type[refusals.Refusal], shown: type[Refusal]) -> strawberry.ExceptionHandler[Any, Any]:
    class Handler(strawberry.ExceptionHandler):  # type: ignore[type-arg]  # its arguments are the two attributes
        exception_type = refusal
        error_type = shown

        def handle(
            self,
            exception: refusals.Refusal,
            *,
            field: Any,  # noqa: ARG002
            info: strawberry.Info[Context, None],
        ) -> Refusal:
            shown_refusal: Refusal = shown.of(exception, info.context.language)
            return shown_refusal

    return Handler()


#: Turns a refusal that a step raised into the member of the result's union that shows it.
HANDLERS = [_handler(refusal, shown) for refusal, shown in SHOWN.items()]

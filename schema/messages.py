"""What a person reads when the answer is no: one sentence that says what to do next."""

from collections.abc import Sequence
from typing import NamedTuple

from db.languages import say
from policies.refusals import MissingFact, RefusalCode


class Said(NamedTuple):
    """The sentence, and the help topic that tells more."""

    text: str
    topic: str | None


MESSAGES: dict[RefusalCode, Said] = {
    RefusalCode.INVALID_INPUT: Said("Something needs to be put right first; nothing was changed.", None),
    RefusalCode.TOO_MANY_ATTEMPTS: Said(
        "There were too many attempts. Please wait, or call the school: the front office can help you.", "CONTACT"
    ),
    RefusalCode.NOT_MATCHED: Said(
        "These facts do not match our records. Check them, or call the school: the front office can help you.",
        "GETTING_A_KEY",
    ),
    RefusalCode.ALREADY_ACTIVATED: Said(
        "There is an account already, so no key is needed: sign in with your username and password as before.",
        "FORGOTTEN_LOG_ON",
    ),
    RefusalCode.GUARDIAN_NAME_NEEDED: Said(
        "More than one guardian is on record for this student. Please give your name as the school has it, "
        "with Jr., Sr. or III if you have one.",
        "GETTING_A_KEY",
    ),
    RefusalCode.KEY_NOT_ACCEPTED: Said(
        "This key does not open an account. It may be mistyped, used or expired: get a new one or call the school.",
        "ACTIVATING",
    ),
    RefusalCode.WRONG_CREDENTIALS: Said("The username or the password is not right.", "FORGOTTEN_LOG_ON"),
    RefusalCode.ACCOUNT_DISABLED: Said(
        "This account is disabled. Please call the school, which can enable it.", "DISABLED_ACCOUNT"
    ),
    RefusalCode.NEW_PASSWORD_NEEDED: Said(
        "The school has reset this account. Set a new password with the code or link that you were given.",
        "FORGOTTEN_LOG_ON",
    ),
    RefusalCode.SECOND_FACTOR_NEEDED: Said(
        "Enter the six-digit code that your authenticator shows now, or one of your recovery codes.", "LOGGING_IN"
    ),
    RefusalCode.TOKEN_NOT_ACCEPTED: Said(
        "This code or link cannot be used. It may be mistyped, used or expired: ask for a new one.", "FORGOTTEN_LOG_ON"
    ),
    RefusalCode.WRONG_STATE: Said("This cannot be done as things stand: please look at the status first.", None),
    RefusalCode.VERIFICATION_FAILED: Said(
        "The answers do not match our records, or not all of them do. Nobody is told which.", "CONTACT"
    ),
    RefusalCode.IN_PERSON_REQUIRED: Said(
        "The caller has to come to the school and show a valid ID: record which kind of document it is.", "CONTACT"
    ),
    RefusalCode.NOT_ALLOWED: Said("You may not do this. If you are not signed in, please sign in first.", "LOGGING_IN"),
    RefusalCode.NOT_FOUND: Said("This was not found.", None),
}


#: What follows upon a request for log-on information, whoever has the address.
LETTER_ON_ITS_WAY = say(
    "If the school has this address on record, a letter with your log-on information is on its way. If none comes "
    "within a few minutes, look among unwanted mail, or call the school: the front office can help you, also if it has "
    "no address of yours."
)

#: What to do where a step does not fit how things stand, by the word for how they do.
AS_THINGS_STAND: dict[str, str] = {
    "NOT_ACTIVATED": "This account was never activated: its holder needs the activation key.",
    "ACTIVE": "This account is not disabled.",
    "DISABLED": "This account is disabled.",
    "LEGAL_RESTRICTION": "This account was disabled because of a legal restriction: only the registrar can mend that.",
    "PASSED": "This verification has passed already.",
    "FAILED": "No attempt is left: the caller can come to the school and show a valid ID, or call again another day.",
    "EXPIRED": "This verification has expired: start a new one.",
    "USED": "This verification was used already: start a new one.",
}

#: What to do about each missing fact, and who can do it: the words in which staff are refused.
SUPPLIED_BY: dict[MissingFact, str] = {
    MissingFact.SIGNED_IN: "Please sign in first.",
    MissingFact.ROLE: "None of your roles may do this: an administrator of the district can give you one.",
    MissingFact.SAME_SCHOOL: "This concerns another school than yours: the staff of that school can do it.",
    MissingFact.NOT_RELATED: "You are concerned yourself, or live in the same household: a colleague has to do this.",
    MissingFact.GUARDIANSHIP_CONFIRMED: (
        "The registrar must identify guardianship first: until it is confirmed, nothing may be said or done."
    ),
    MissingFact.VERIFICATION_PASSED: (
        "Verify the caller first: start a verification for just this purpose and ask the questions that it names, "
        "or have the caller show a valid ID in person."
    ),
    MissingFact.SECOND_FACTOR: (
        "Confirm your second factor first: enter the code of your authenticator, or set one up if you have none."
    ),
}

#: The help topic for a missing fact, where there is a better one than whom to call.
HELP_WITH: dict[MissingFact, str] = {
    MissingFact.SIGNED_IN: "LOGGING_IN",
    MissingFact.SECOND_FACTOR: "LOGGING_IN",
    MissingFact.GUARDIANSHIP_CONFIRMED: "STUDENT_NOT_VISIBLE",
}


def not_allowed(missing: Sequence[MissingFact]) -> str:
    """Why somebody may not do a thing, and who can supply what is missing."""
    return " ".join(SUPPLIED_BY[fact] for fact in missing)

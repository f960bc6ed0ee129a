"""What a person reads when the answer is no: one sentence that says what to do next."""

from typing import NamedTuple

from db.languages import Sentence, say
from policies.refusals import MissingFact, RefusalCode


class Said(NamedTuple):
    """The sentence, and the help topic that tells more."""

    text: Sentence
    topic: str


MESSAGES: dict[RefusalCode, Said] = {
    RefusalCode.INVALID_INPUT: Said(say("Something needs to be put right first; nothing was changed."), "CONTACT"),
    RefusalCode.TOO_MANY_ATTEMPTS: Said(
        say("There were too many attempts. Please wait, or call the school: the front office can help you."), "CONTACT"
    ),
    RefusalCode.NOT_MATCHED: Said(
        say("These facts do not match our records. Check them, or call the school: the front office can help you."),
        "GETTING_A_KEY",
    ),
    RefusalCode.ALREADY_ACTIVATED: Said(
        say("There is an account already, so no key is needed: sign in with your username and password as before."),
        "FORGOTTEN_LOG_ON",
    ),
    RefusalCode.GUARDIAN_NAME_NEEDED: Said(
        say(
            "More than one guardian is on record for this student. Please give your name as the school has it, "
            "with Jr., Sr. or III if you have one."
        ),
        "GETTING_A_KEY",
    ),
    RefusalCode.KEY_NOT_ACCEPTED: Said(
        say(
            "This key does not open an account. It may be mistyped, used or expired: get a new one or call the school."
        ),
        "ACTIVATING",
    ),
    RefusalCode.WRONG_CREDENTIALS: Said(say("The username or the password is not right."), "FORGOTTEN_LOG_ON"),
    RefusalCode.ACCOUNT_DISABLED: Said(
        say("This account is disabled. Please call the school, which can enable it."), "DISABLED_ACCOUNT"
    ),
    RefusalCode.NEW_PASSWORD_NEEDED: Said(
        say("The school has reset this account. Set a new password with the code or link that you were given."),
        "FORGOTTEN_LOG_ON",
    ),
    RefusalCode.SECOND_FACTOR_NEEDED: Said(
        say("Enter the six-digit code that your authenticator shows now, or one of your recovery codes."), "LOGGING_IN"
    ),
    RefusalCode.TOKEN_NOT_ACCEPTED: Said(
        say("This code or link cannot be used. It may be mistyped, used or expired: ask for a new one."),
        "FORGOTTEN_LOG_ON",
    ),
    RefusalCode.WRONG_STATE: Said(
        say("This cannot be done as things stand: please look at the status first."), "CONTACT"
    ),
    RefusalCode.VERIFICATION_FAILED: Said(
        say("The answers do not match our records, or not all of them do. Nobody is told which."), "CONTACT"
    ),
    RefusalCode.IN_PERSON_REQUIRED: Said(
        say("The caller has to come to the school and show a valid ID: record which kind of document it is."), "CONTACT"
    ),
    RefusalCode.NOT_ALLOWED: Said(
        say("You may not do this. If you are not signed in, please sign in first."), "LOGGING_IN"
    ),
    RefusalCode.NOT_FOUND: Said(say("This was not found."), "CONTACT"),
}


#: What follows upon a request for log-on information, whoever has the address.
LETTER_ON_ITS_WAY = say(
    "If the school has this address on record, a letter with your log-on information is on its way. If none comes "
    "within a few minutes, look among unwanted mail, or call the school: the front office can help you, also if it has "
    "no address of yours."
)

#: What to do where a step does not fit how things stand, by the word for how they do.
AS_THINGS_STAND: dict[str, Said] = {
    "NOT_ACTIVATED": Said(
        say("This account was never activated: its holder needs the activation key."), "GETTING_A_KEY"
    ),
    "ACTIVE": Said(say("This account is not disabled."), "LOGGING_IN"),
    "DISABLED": Said(say("This account is disabled."), "DISABLED_ACCOUNT"),
    "LEGAL_RESTRICTION": Said(
        say("This account was disabled because of a legal restriction: only the registrar can mend that."), "CONTACT"
    ),
    "PASSED": Said(say("This verification has passed already."), "CONTACT"),
    "MERGED": Said(say("This record was merged into another one, which goes on for it: look for that one."), "CONTACT"),
    "STAFF": Said(
        say("The record that would be merged away is of somebody on the staff: keep that one and merge the other."),
        "CONTACT",
    ),
    "ALSO_STUDENT": Said(
        say("The record that would be merged away is a student's too: keep that one and merge the other."), "CONTACT"
    ),
    "RELATED": Said(say("One of the two is the other one's guardian: they are two people."), "CONTACT"),
    "VERIFIED_BY_KEPT": Said(
        say(
            "The one who would stay verified the other one at the front office a short while ago: they are two people."
        ),
        "CONTACT",
    ),
    "IMPORT_RUNNING": Said(say("A roster is being brought in: try again in a few minutes."), "CONTACT"),
    "UNDONE": Said(say("This was undone already."), "CONTACT"),
    "UNDO_PERIOD_OVER": Said(
        say("This was too long ago to be undone: the technology staff may be able to help."), "CONTACT"
    ),
    "LATER_MERGE": Said(say("One of the two was merged again later: undo that first."), "CONTACT"),
    "NUMBER_TAKEN": Said(
        say("The student number of the merged record belongs to another student by now: that has to be mended first."),
        "CONTACT",
    ),
    "FAILED": Said(
        say("No attempt is left: the caller can come to the school and show a valid ID, or call again another day."),
        "CONTACT",
    ),
    "EXPIRED": Said(say("This verification has expired: start a new one."), "CONTACT"),
    "USED": Said(say("This verification was used already: start a new one."), "CONTACT"),
    "RESOLVED": Said(say("This work order is resolved already: open a new one if it is not."), "CONTACT"),
    "NOT_SET_UP": Said(say("There is no second factor yet: set one up first."), "LOGGING_IN"),
    "CLAIMED": Said(
        say("There is a guardianship already that nobody has confirmed: confirm that one."), "STUDENT_NOT_VISIBLE"
    ),
    "CONFIRMED": Said(say("This guardianship is confirmed already."), "STUDENT_NOT_VISIBLE"),
    "REVOKED": Said(say("This guardianship was revoked: confirm it first if it holds again."), "STUDENT_NOT_VISIBLE"),
    "NOT_RESTRICTED": Said(say("There is no restriction in force, and none to come."), "STUDENT_NOT_VISIBLE"),
    "MARKED": Said(say("The portal may show this student to this guardian already."), "STUDENT_NOT_VISIBLE"),
    "NO_MARK": Said(
        say("The guardianship is confirmed, but the portal mark is missing: set it first."), "STUDENT_NOT_VISIBLE"
    ),
    "RESTRICTED": Said(
        say("A restriction is in force: while it is, this guardian sees nothing of the student."), "STUDENT_NOT_VISIBLE"
    ),
    "UNMARKED": Said(
        say("As things are, the portal does not show this student to this guardian."), "STUDENT_NOT_VISIBLE"
    ),
    "CONSENT_GIVEN": Said(say("The student's consent is on record already."), "STUDENT_NOT_VISIBLE"),
    "NO_CONSENT": Said(say("There is no consent of the student's on record."), "STUDENT_NOT_VISIBLE"),
}

#: What to do about each missing fact, and who can do it: the words in which staff are refused.
SUPPLIED_BY: dict[MissingFact, Sentence] = {
    MissingFact.SIGNED_IN: say("Please sign in first."),
    MissingFact.ROLE: say("None of your roles may do this: an administrator of the district can give you one."),
    MissingFact.SAME_SCHOOL: say("This concerns another school than yours: the staff of that school can do it."),
    MissingFact.NOT_RELATED: say(
        "You are concerned yourself, or live in the same household: a colleague has to do this."
    ),
    MissingFact.GUARDIANSHIP_CONFIRMED: say(
        "The registrar must identify guardianship first: until it is confirmed, nothing may be said or done."
    ),
    MissingFact.VERIFICATION_PASSED: say(
        "Verify the caller first: start a verification for just this purpose and ask the questions that it names, "
        "or have the caller show a valid ID in person."
    ),
    MissingFact.SECOND_FACTOR: say(
        "Confirm your second factor first: enter the code of your authenticator, or set one up if you have none."
    ),
    MissingFact.CLIENT: say("This program is not meant for you: sign in where people in your role do."),
}

#: The help topic for a missing fact, where there is a better one than whom to call.
HELP_WITH: dict[MissingFact, str] = {
    MissingFact.SIGNED_IN: "LOGGING_IN",
    MissingFact.SECOND_FACTOR: "LOGGING_IN",
    MissingFact.CLIENT: "LOGGING_IN",
    MissingFact.GUARDIANSHIP_CONFIRMED: "STUDENT_NOT_VISIBLE",
}

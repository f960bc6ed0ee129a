"""What a person reads when the answer is no: one sentence that says what to do next."""

from typing import NamedTuple

from policies.refusals import RefusalCode


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
    RefusalCode.NOT_ALLOWED: Said("You may not do this. If you are not signed in, please sign in first.", "LOGGING_IN"),
    RefusalCode.NOT_FOUND: Said("This was not found.", None),
}

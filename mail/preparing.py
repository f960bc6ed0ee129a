"""Making a letter ready to be sent: from what was promised to the message that goes out."""

from email.message import EmailMessage
from email.policy import SMTP

from db.context import Context
from db.models import Person
from mail.outbox import LetterInHand, LetterKind, Withdrawn, folded_address

_SUBJECTS: dict[LetterKind, str] = {
    LetterKind.WELCOME: "Your account is open",
    LetterKind.PASSWORD_CHANGED: "Your password was changed",
    LetterKind.ACCOUNT_ENABLED: "Your account is enabled",
    LetterKind.ACCOUNT_DISABLED: "Your account is disabled",
}


async def prepare(ctx: Context, letter: LetterInHand) -> EmailMessage | Withdrawn:
    """The message for a letter in hand, or why it is not to be sent any more."""
    if letter.kind is LetterKind.LOG_ON_INFORMATION:
        address = folded_address(letter.address)
        if not await Person.filter(email_folded=address).exists():
            return Withdrawn.NOBODY
    rules = ctx.rules
    message = EmailMessage(policy=SMTP)
    message["From"] = rules.mail_from or f"portal@{rules.mail_domain}"
    message["To"] = letter.address
    message["Subject"] = _SUBJECTS.get(letter.kind, "News about your account")
    message["Date"] = ctx.now
    message["Message-ID"] = letter.message_id
    message.set_content(f"This letter comes from {rules.district_name}.\nQuestions? Call {rules.district_contact}.\n")
    return message

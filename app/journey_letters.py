"""The forgotten log-on as the journey tells it: the letter is asked for, read, and its link sets a new password."""

import re
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from rich.rule import Rule

from app.story import Answer, Story, expect

WAIT_SECONDS = 30.0
_NEW_PASSWORD = "willow copper eleven trains"
_TOKEN = re.compile(r"#token=(par_[A-Za-z0-9_-]{43})")


def letters_way(story: Story, family: Answer, mail: Path) -> None:
    """From "I forgot" to being signed in again, with what the letter says on the way.

    Args:
        story: the journey so far.
        family: from the demo district; it has an account.
        mail: the folder in which a development server without a mail server leaves its letters.

    Raises:
        PlainProblem: when an answer is not the one that the story needs.
    """
    story.token = None
    before = _letters(mail)
    unknown = story.tell(
        "Ten o'clock in the evening: the username is forgotten too. For an address that nobody has, the answer is …",
        "recover-log-on",
        {"input": {"email": "somebody.else@example.org"}},
    )
    known = story.tell(
        "… the same as for the one that the school has.", "recover-log-on", {"input": {"email": family["email"]}}
    )
    expect(known, "LogOnLetterAskedFor")
    if known != unknown:
        expect(unknown, "the same answer")
    letter = _awaited(mail, before, family["email"])
    story.console.print(Rule(style="dim"))
    if letter is None:
        story.console.print(f"The letter itself cannot be read here: there is none in {mail}.")
        return
    story.console.print("The letter:\n", style="bold")
    text = _text(letter)
    # Links stay whole, however narrow the terminal is.
    story.console.print(f"Subject: {letter['subject']}\n\n{text}", markup=False, soft_wrap=True)
    token = _TOKEN.search(text)
    if token is None:
        story.console.print("It has no link: the account is not open.")
        return
    choice = {"token": token.group(1), "password": _NEW_PASSWORD, "verifyPassword": _NEW_PASSWORD}
    changed = story.tell("Its link opens the front end's page, which sends:", "set-new-password", {"input": choice})
    expect(changed, "PasswordChanged")
    expect(story.tell("The link works once.", "set-new-password", {"input": choice}), "TokenNotAccepted")
    signed_in = story.tell(
        "Signed in again.", "login", {"input": {"username": changed["username"], "password": _NEW_PASSWORD}}
    )
    expect(signed_in, "LoggedIn")
    story.console.print(Rule(style="dim"))
    story.console.print(f"{family['given']} {family['family']} is back, with a letter's help, and nobody was called.")


def _letters(mail: Path) -> set[Path]:
    return set(mail.glob("*-LOG_ON_INFORMATION.eml"))


def _awaited(mail: Path, before: set[Path], address: str) -> EmailMessage | None:
    """The letter to this address that comes now; None when there is none, since a mail server takes the letters."""
    deadline = time.monotonic() + (WAIT_SECONDS if mail.is_dir() else 2.0)
    while time.monotonic() < deadline:
        for path in sorted(_letters(mail) - before):
            letter = message_from_bytes(path.read_bytes(), policy=policy.default)
            if address.casefold() in str(letter["to"]).casefold():
                return letter
        time.sleep(0.1)
    return None


def _text(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    content = body.get_content() if body is not None else ""
    return str(content)

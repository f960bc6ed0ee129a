"""What the letters have in common: how they begin, and what several of them say."""

from typing import Final

from db.context import Capacity
from db.languages import Sentence, say
from mail.contents import Contents
from mail.letters.blocks import Block, Fact, Facts, Letter, Paragraph


def letter(contents: Contents, subject: Sentence, *blocks: Block) -> Letter:
    """A letter that greets whoever it goes to."""
    greeting = say("Hello %(name)s,", name=contents.name) if contents.name else say("Hello,")
    return Letter(subject, greeting, blocks)


def username_of(username: str) -> Facts:
    """The username alone."""
    return Facts((Fact(say("Username"), username),))


CAPACITY: Final = {
    Capacity.GUARDIAN: say("Parent or guardian"),
    Capacity.STUDENT: say("Student"),
    Capacity.STAFF: say("Staff"),
}

#: After what somebody else may have done.
IF_NOT_YOU: Final = Paragraph(
    say(
        "If this was you, you do not need to do anything. If it was not, set a new password: choose "
        "“forgotten log-on” on the portal's page. Then call the school."
    )
)

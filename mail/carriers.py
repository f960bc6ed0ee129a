"""What carries letters away, a mail relay or a folder, and how it says that it did not take one."""

import re
from email.message import EmailMessage
from typing import Final, Protocol

from mail.mailable import Mailable
from mail.outbox import LetterInHand, masked

#: Longest reason that is kept, in characters.
MOST_OF_A_REASON: Final = 300
_ADDRESS: Final = re.compile(r"[^\s<>\"'(),;:=]+@[^\s<>\"'(),;:]+")
#: So much of what a server says is looked at.
_MOST_SAID: Final = 10 * MOST_OF_A_REASON
#: Behind it is the token of a link. Servers repeat links that they block, encoded at times.
_FRAGMENT: Final = re.compile(r"#|%23")
#: What is in front of it then.
_LINK: Final = re.compile(r"[./:]")
#: Tokens of links, and activation keys with or without their dashes.
_SECRET: Final = re.compile(r"par_[\w-]+|(?:[0-9a-f]-?){31,}[0-9a-f]", re.IGNORECASE | re.ASCII)
_UNPRINTABLE: Final = re.compile(r"[^\S ]|[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class NotTaken(Exception):
    """A letter was not taken. The reason is for the operator, as `told` leaves it; `code`, the server's, for logs."""

    def __init__(self, reason: str, *, code: str | None = None) -> None:
        self.reason = told(reason)
        self.code = code
        super().__init__(self.reason)


class Refused(NotTaken):
    """It never will be; `unreachable` where that is so because of its address, and not of this letter."""

    def __init__(self, reason: str, *, unreachable: bool, code: str | None = None) -> None:
        super().__init__(reason, code=code)
        self.unreachable = unreachable


class NotNow(NotTaken):
    """It is to be tried again later; others may be taken meanwhile.

    `lost` where the relay fell silent or went away, `perhaps_taken` where it may have had all of the letter by then;
    `about_us` where it refuses the sender, whoever the letter is for.
    """

    def __init__(
        self,
        reason: str,
        *,
        lost: bool = False,
        perhaps_taken: bool = False,
        about_us: bool = False,
        code: str | None = None,
    ) -> None:
        super().__init__(reason, code=code)
        self.lost, self.perhaps_taken, self.about_us = lost, perhaps_taken, about_us


class RelayTrouble(NotTaken):
    """No letter at all is taken at present. `step` is what it came to grief at, `lost` as above."""

    def __init__(self, step: str, reason: str, *, lost: bool = False) -> None:
        super().__init__(f"{step}: {reason}")
        self.lost = lost


class Line(Protocol):
    """A way by which letters go one after the other."""

    @property
    def is_open(self) -> bool:
        """Whether it holds on to something that is to be closed when there is nothing to carry."""

    async def carry(self, letter: LetterInHand, to: Mailable, message: EmailMessage) -> None:
        """Takes the letter to where it is known to be safe.

        Raises:
            NotTaken: a kind of it that says how to go on.
        """

    async def close(self) -> None:
        """Lets go of what it holds; the next letter opens it again."""


class Carrier(Protocol):
    """Where lines lead to."""

    @property
    def where(self) -> str:
        """The place, for logs."""

    def line(self) -> Line:
        """A line of one's own."""


def told(text: str) -> str:
    """What a server said, fit to be kept and shown: one sane line, without anybody's address, key or link."""
    words = _UNPRINTABLE.sub(" ", text[:_MOST_SAID]).split()
    line = _SECRET.sub("…", " ".join(map(_without_fragment, words)))
    masking = _ADDRESS.sub(lambda found: masked(found.group()), line)
    return masking if len(masking) <= MOST_OF_A_REASON else f"{masking[: MOST_OF_A_REASON - 1]}…"


def _without_fragment(word: str) -> str:
    """What is behind the # of a link may open an account."""
    found = _FRAGMENT.search(word)
    return f"{word[: found.end()]}…" if found and _LINK.search(word, 0, found.start()) else word

"""Which usernames may be chosen, and which ones are the same.

A username is typed on a phone and read out over the telephone by a school's designee. So it is made of plain letters,
digits and the few signs of an e-mail address, which every keyboard has. With letters of all scripts, a Cyrillic and a
Latin "a" would make two accounts that nobody can tell apart. Capitals do not matter.
"""

import re
import unicodedata
from enum import StrEnum
from typing import Final

from db.languages import Sentence, say

SHORTEST: Final = 3
LONGEST: Final = 64

_ALLOWED: Final = re.compile(r"[A-Za-z0-9._@+-]*", re.ASCII)
_GOOD_START: Final = re.compile(r"[A-Za-z0-9]", re.ASCII)
_LIKE_AN_SSN: Final = re.compile(r"[0-9]{3}[-.]?[0-9]{2}[-.]?[0-9]{4}", re.ASCII)
#: Text beyond this is no username whatever it says, and is not worth normalising.
_LONGEST_READ: Final = 8 * LONGEST


class UsernameProblem(StrEnum):
    """Why a username cannot be chosen."""

    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"
    CHARACTER_NOT_ALLOWED = "CHARACTER_NOT_ALLOWED"
    BAD_START = "BAD_START"
    LOOKS_LIKE_SSN = "LOOKS_LIKE_SSN"


def kept(username: str) -> str:
    """The username as it is stored and shown: without outer blanks, full-width characters as plain ones."""
    return unicodedata.normalize("NFKC", username.strip()[:_LONGEST_READ]).strip()


def folded(username: str) -> str:
    """What two spellings of one username have in common; accounts are told apart and found by it. Never raises."""
    return unicodedata.normalize("NFKC", kept(username).casefold())


def problems(username: str) -> list[UsernameProblem]:
    """Everything that is wrong with a new username, judged as `kept`; empty when it may be chosen. Never raises."""
    name = kept(username)
    found = []
    if len(name) < SHORTEST:
        found.append(UsernameProblem.TOO_SHORT)
    if len(name) > LONGEST:
        found.append(UsernameProblem.TOO_LONG)
    if not _ALLOWED.fullmatch(name):
        found.append(UsernameProblem.CHARACTER_NOT_ALLOWED)
    elif name and not _GOOD_START.match(name):
        found.append(UsernameProblem.BAD_START)
    # A username is kept and shown in readable form, which a Social Security number never may be.
    if _LIKE_AN_SSN.fullmatch(name):
        found.append(UsernameProblem.LOOKS_LIKE_SSN)
    return found


def message(problem: UsernameProblem) -> Sentence:
    """What to tell the person, in words that help to choose another one."""
    match problem:
        case UsernameProblem.TOO_SHORT:
            return say("Use at least %(limit)s characters.", limit=SHORTEST)
        case UsernameProblem.TOO_LONG:
            return say("Use at most %(limit)s characters.", limit=LONGEST)
        case UsernameProblem.CHARACTER_NOT_ALLOWED:
            return say("Use only letters without accents, digits, and the signs . _ - @ + (no spaces).")
        case UsernameProblem.BAD_START:
            return say("Begin with a letter or a digit.")
        case UsernameProblem.LOOKS_LIKE_SSN:
            return say(
                "Choose a username that does not look like a Social Security number: it is shown on screens "
                "and in letters."
            )

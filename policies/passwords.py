"""Which passwords are good enough, and how to tell a parent what is wrong with one.

The rules are those of NIST SP 800-63B-4 §3.1.1.2: long enough, not one that others would try first, and nothing else.
No symbols or capitals are asked for, every printable character counts, and nothing is cut off. "Would try first" is
judged by zxcvbn, which knows common passwords, words, names, dates and rows of keys, and by the words around the
account: the holder's names, the username, the students' names and the district.
"""

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from zxcvbn import matching, zxcvbn

from db.hashing import normal_form
from db.languages import Sentence, say


class PasswordRules(Protocol):
    """The settings that are asked here; `db.rules.Rules` has them."""

    @property
    def password_min_length(self) -> int:
        """Fewest characters."""

    @property
    def password_max_length(self) -> int:
        """Most characters."""

    @property
    def district_name(self) -> str:
        """The district, as families know it."""


class PasswordFault(StrEnum):
    """Why a password was not taken."""

    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"
    UNUSABLE_CHARACTER = "UNUSABLE_CHARACTER"
    CONTAINS_PERSONAL = "CONTAINS_PERSONAL"
    EASILY_GUESSED = "EASILY_GUESSED"


@dataclass(frozen=True, slots=True)
class PasswordProblem:
    """One fault, and the length in characters that the rule asks for, where it asks for one.

    It never says which word was recognised: whoever tries passwords must not learn a student's name from the answer.
    """

    fault: PasswordFault
    limit: int | None = None


#: zxcvbn's scale: from here on an attacker needs 10^8 guesses or more.
_LEAST_SCORE: Final = 3
#: zxcvbn's work grows with the square of the length and more; two stretches of this length are what it is given.
_STRETCH: Final = 32
#: More readings of "4" as "a" and the like than this, and the password is spelled more simply first.
_MOST_READINGS: Final = 8
#: Characters that must be left when all personal words are taken away.
_LEAST_BESIDE_PERSONAL: Final = 8
#: Shorter personal words (Ana, Li) sit inside too many ordinary words to be looked for alone; zxcvbn weighs them.
_SHORTEST_TAKEN_AWAY: Final = 4
#: No code point of a normal form stands for more than this many typed ones (UAX 15, expansion factors).
_MOST_TYPED_FOR_ONE: Final = 4
_MOST_PERSONAL_WORDS: Final = 100
_LONGEST_PERSONAL_WORD: Final = 64

#: Control characters, halves of characters, and code points that Unicode has not assigned: these last may be normalised
#: differently by a later version (UAX 15, "stabilized strings"), and the holder could not sign in any more.
_UNUSABLE_CATEGORIES: Final = frozenset({"Cc", "Cs", "Cn"})

#: Fewer look-alikes for the same letter; the plain key under a shifted one (US keyboard); the letter meant by each.
_FEWER_LOOK_ALIKES: Final = str.maketrans("@{[<!|$+", "4(((1157")
_UNSHIFTED: Final = str.maketrans('!@#$%^&*()_+{}|:"<>?~', "1234567890-=[]\\;',./`")
_READ_AS_LETTERS: Final = str.maketrans("@4836901!|$57+2", "aabeggoiilssttz")

#: zxcvbn keeps the personal words of a call in a table of its module: one call at a time, and they are taken out after.
_one_at_a_time: Final = threading.Lock()


def problems(
    password: str, *, rules: PasswordRules, context: Iterable[str], username: str = ""
) -> list[PasswordProblem]:
    """Everything that is wrong with a new password; empty when it may be used. Never raises, whatever the text.

    `context` holds the words that somebody who knows the family would try: own names, students' names, e-mail address.
    The district's name and `username` are added here. Length is counted in code points of the normal form.
    """
    shortest, longest = rules.password_min_length, rules.password_max_length
    too_long = PasswordProblem(PasswordFault.TOO_LONG, longest)
    if len(password) > longest * _MOST_TYPED_FOR_ONE:
        return [too_long]
    password = normal_form(password)
    found = []
    if len(password) < shortest:
        found.append(PasswordProblem(PasswordFault.TOO_SHORT, shortest))
    if len(password) > longest:
        found.append(too_long)
    if any(unicodedata.category(character) in _UNUSABLE_CATEGORIES for character in password):
        found.append(PasswordProblem(PasswordFault.UNUSABLE_CHARACTER))
    if found:
        return found
    personal = _personal_words([*context, rules.district_name, username])
    if _is_mostly_personal(password, personal, username):
        return [PasswordProblem(PasswordFault.CONTAINS_PERSONAL)]
    return _guessable(password, personal)


def message(problem: PasswordProblem) -> Sentence:
    """What to tell the person, in words that help to choose a better one."""
    match problem.fault:
        case PasswordFault.TOO_SHORT:
            return say("Use at least %(limit)s characters. A few unrelated words work well.", limit=problem.limit)
        case PasswordFault.TOO_LONG:
            return say("Use at most %(limit)s characters.", limit=problem.limit)
        case PasswordFault.UNUSABLE_CHARACTER:
            return say(
                "One of the characters cannot be used in a password. Letters of any language, digits, signs "
                "and spaces are fine."
            )
        case PasswordFault.CONTAINS_PERSONAL:
            return say(
                "Leave out names, your username and the name of the school district: people who know you would "
                "try them first."
            )
        case PasswordFault.EASILY_GUESSED:
            return say(
                "This password is too easy to guess. Use a few unrelated words, and avoid common phrases, "
                "repeats and rows of keys."
            )


def _guessable(password: str, personal: list[str]) -> list[PasswordProblem]:
    """Strong at its beginning or at its end is strong: whoever guesses the whole has to guess that part as well."""
    fault = None
    for stretch in _stretches(password):
        fault = _fault_of(stretch, personal)
        if fault is None:
            return []
    return [PasswordProblem(fault)] if fault else []


def _stretches(password: str) -> Iterator[str]:
    yield password[:_STRETCH]
    if len(password) > _STRETCH:
        yield password[-_STRETCH:]


def _fault_of(stretch: str, personal: list[str]) -> PasswordFault | None:
    for spelling in spellings(stretch):
        with _one_at_a_time:
            try:
                judged = zxcvbn(spelling, user_inputs=personal, max_length=_STRETCH)
            finally:
                matching.RANKED_DICTIONARIES.pop("user_inputs", None)
        if judged["score"] < _LEAST_SCORE:
            own = any(part.get("dictionary_name") == "user_inputs" for part in judged["sequence"])
            return PasswordFault.CONTAINS_PERSONAL if own else PasswordFault.EASILY_GUESSED
    return None


def spellings(stretch: str) -> tuple[str, ...]:
    """What zxcvbn is asked about: the text itself, or two simpler spellings of it when it would take too long.

    zxcvbn tries every combination of readings ("4" as "a", "1" as "i" or "l"), and a few dozen well-chosen characters
    keep it busy for seconds. One of the simpler spellings keeps words in look-alike letters, the other keeps rows of
    keys; the text must be hard to guess in both.
    """
    if readings(stretch) <= _MOST_READINGS:
        return (stretch,)
    return (stretch.translate(_FEWER_LOOK_ALIKES), stretch.translate(_UNSHIFTED))


def readings(text: str) -> int:
    """How many combinations of look-alike readings zxcvbn would try; the number is found without trying them."""
    count = 1
    for substitutes in matching.relevant_l33t_subtable(text, matching.L33T_TABLE).values():
        count *= len(substitutes)
    return count


def _personal_words(context: Iterable[str]) -> list[str]:
    """Each given text with and without its accents: as it is, run together, and in parts; the longest first."""
    words: dict[str, None] = {}
    for text in context:
        given = text[:_LONGEST_PERSONAL_WORD]
        for spelling in (normal_form(given).casefold().strip(), _folded(given)):
            parts = re.findall(r"[^\W_]+", spelling)
            words.update((word, None) for word in (spelling, "".join(parts), *parts) if len(word) > 1)
    return sorted(words, key=len, reverse=True)[:_MOST_PERSONAL_WORDS]


def _is_mostly_personal(password: str, personal: list[str], username: str) -> bool:
    plain = _folded(password)
    own = _folded(username[:_LONGEST_PERSONAL_WORD])
    for reading in (str, _as_letters):
        text = reading(plain)
        if len(own) >= _SHORTEST_TAKEN_AWAY and reading(own) in text:
            return True
        left = _left_beside(text, [reading(word) for word in personal])
        if left < min(_LEAST_BESIDE_PERSONAL, len(text)):
            return True
    return False


def _as_letters(text: str) -> str:
    return text.translate(_READ_AS_LETTERS)


def _left_beside(text: str, personal: list[str]) -> int:
    """Characters of `text` that belong to no personal word."""
    taken = [False] * len(text)
    for word in personal:
        if len(word) < _SHORTEST_TAKEN_AWAY:
            continue
        at = text.find(word)
        while at >= 0:
            taken[at : at + len(word)] = [True] * len(word)
            at = text.find(word, at + 1)
    return taken.count(False)


def _folded(text: str) -> str:
    bare = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return unicodedata.normalize("NFKC", "".join(bare).casefold()).strip()

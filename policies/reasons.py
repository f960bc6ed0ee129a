"""The reason that staff give for a step on somebody's account: short, in words, and with nothing that must not be kept.

It stands readable in the trail, and the holder of the account may read it.
"""

import re
from typing import Final

from db.languages import Sentence, say
from policies.refusals import FieldProblem, InvalidInput

LONGEST: Final = 500
#: Of what is only named, such as a relationship.
LONGEST_NAMED: Final = 100
#: Nine digits that stand together or in groups, as in a Social Security number, whatever word processors make of the
#: hyphens between them.
_LIKE_AN_SSN: Final = re.compile(r"(?<!\d)\d{3}[\W_]{0,3}\d{2}[\W_]{0,3}\d{4}(?!\d)")


def kept(text: str) -> str:
    """The reason as it is kept: in one line, without blanks around it."""
    return " ".join(text.split())


def fault(reason: str) -> Sentence | None:
    """What is wrong with a reason as `kept`, in words for whoever gave it; None when it may be kept."""
    if not reason:
        return say("Say in a few words why: the holder and the district's auditors will read it.")
    if len(reason) > LONGEST:
        return say("Say it in at most %(limit)s characters.", limit=LONGEST)
    if _LIKE_AN_SSN.search(reason):
        return say("Leave Social Security numbers and the like out: reasons are kept in readable form.")
    if not reason.isprintable():
        return say("One of the characters cannot be used here.")
    return None


def noted(text: str, field: str = "reason") -> str:
    """A reason, or evidence, as it is kept.

    Raises:
        InvalidInput: when there is none, or it holds what must not be written down; `field` of the input is named.
    """
    reason = kept(text)
    if problem := fault(reason):
        raise InvalidInput([FieldProblem(("input", field), problem)])
    return reason


def few_words(text: str, field: str) -> str:
    """What something is called, such as a relationship or a kind of restriction, as it is kept.

    Raises:
        InvalidInput: when it is blank, too long, or holds what must not be written down; `field` is named.
    """
    words = kept(text)
    if not words:
        problem: Sentence | None = say("Say in a few words what it is.")
    elif len(words) > LONGEST_NAMED:
        problem = say("Say it in at most %(limit)s characters.", limit=LONGEST_NAMED)
    else:
        problem = fault(words)
    if problem:
        raise InvalidInput([FieldProblem(("input", field), problem)])
    return words

"""Social Security numbers as people write them: usable as a proof, unusable (a placeholder, a slip), or not on file."""

import re
from dataclasses import dataclass, field

from db.models.people import SsnState

_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212]")
_NINE_DIGITS = re.compile(r"[0-9]{9}")
_PLACEHOLDERS = frozenset(
    {
        "123456789",
        "012345678",
        "987654321",
        "078051120",  # printed on a sample card in 1938 and used by thousands (SSA, "The Misused SSN")
        "219099999",  # from an advertisement of the Social Security Board in 1940
        *(digit * 9 for digit in "0123456789"),
    }
)


@dataclass(frozen=True, slots=True)
class Ssn:
    """A number as it was read. The digits are there only when usable, and never in a representation of it."""

    state: SsnState
    digits: str | None = field(default=None, repr=False)


_NOT_ON_FILE = Ssn(SsnState.NOT_ON_FILE)
_UNUSABLE = Ssn(SsnState.UNUSABLE)


def read_ssn(text: str) -> Ssn:
    """Judges a number by the rule of verification: nine digits without spaces and hyphens, never cut or filled up.

    Areas 000, 666 and 9xx, group 00 and serial 0000 were never issued (SSA, "Social Security Number Randomization"),
    and some numbers only fill a field: all these are unusable, as if not on file.
    """
    digits = _SEPARATORS.sub("", text)
    if not digits:
        return _NOT_ON_FILE
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if (
        not _NINE_DIGITS.fullmatch(digits)
        or area in {"000", "666"}
        or area[0] == "9"
        or group == "00"
        or serial == "0000"
        or digits in _PLACEHOLDERS
    ):
        return _UNUSABLE
    return Ssn(SsnState.ON_FILE, digits)

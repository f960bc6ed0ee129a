"""Whether the telephone number that a caller says is the one on record: ten national digits, however they are written.

phonenumbers reads the text: signs, country code 1, extensions. A number of another country is unusable: it has no ten
national digits.
"""

import re
from typing import Final

import phonenumbers

_NORTH_AMERICA: Final = 1
#: Area code and exchange begin with 2 to 9 (North American Numbering Plan).
_TEN_DIGITS: Final = re.compile(r"[2-9][0-9]{2}[2-9][0-9]{6}")


def is_usable_phone(on_record: str | None) -> bool:
    """Whether the record can answer the question: not a short, all-zero, repeated or otherwise impossible number."""
    return _ten_digits(on_record or "") is not None


def same_phone(said: str, on_record: str | None) -> bool:
    """Whether the two are one number. Never raises; unusable numbers match nothing. Extensions do not count."""
    number = _ten_digits(said)
    return number is not None and number == _ten_digits(on_record or "")


def _ten_digits(text: str) -> str | None:
    try:
        parsed = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    number = str(parsed.national_number)
    if parsed.country_code != _NORTH_AMERICA or not _TEN_DIGITS.fullmatch(number) or len(set(number)) == 1:
        return None
    # All the digits that were said must have been read: letters are no digits, and two numbers are not one answer.
    digits = "".join(str(int(c)) for c in text if c.isdecimal())
    return number if digits.removeprefix("1") == number + (parsed.extension or "") else None

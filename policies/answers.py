"""When an answer of a caller counts as what is on record: exact after normalisation, no fuzzy scores.

docs/verification.md says it with examples. Nothing here logs, keeps or returns what was said. The social security
number is judged by its keyed proof, elsewhere.

The tables of addresses and telephone numbers are read when the module is imported, which takes 35 ms and 7 MiB once, so
that no request waits for them.
"""

import unicodedata

from policies.addresses import Address, is_usable_address, same_address
from policies.names import same_full_name
from policies.phones import is_usable_phone, same_phone

__all__ = [
    "Address",
    "is_usable_address",
    "is_usable_phone",
    "same_address",
    "same_full_name",
    "same_phone",
    "same_student_number",
]


def same_student_number(said: str, on_record: str, *, short_form_is_unique: bool) -> bool:
    """Whether the two are one student number. It is text: leading zeros count.

    Spaces and case aside. With `short_form_is_unique`, when no other student has this number without its leading zeros,
    they may be left out or added. A number of zeros alone, or none, matches nothing.
    """
    one, other = _plain(said), _plain(on_record)
    short = one.lstrip("0")
    if not short:
        return False
    return one == other or (short_form_is_unique and short == other.lstrip("0"))


def _plain(number: str) -> str:
    return "".join(unicodedata.normalize("NFKC", number).casefold().split())

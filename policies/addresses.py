"""Whether the mailing address that a caller says is the one on record: equal spellings match, and nothing near does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from policies.spellings import STATES, Words, is_unit, may_be_of_a_street, place_name, street, words

#: What stands in a field when there is no address.
_NO_ADDRESS: Final = frozenset({"UNKNOWN", "NONE", "HOMELESS", "TBD", "CONFIDENTIAL", "REFUSED"})
_ZIP: Final = re.compile(r"[0-9]{5}|[0-9]{9}")
_COUNTRIES: Final = (("USA",), ("UNITED", "STATES"), ("UNITED", "STATES", "OF", "AMERICA"))

_Part = Literal["country", "zip", "state", "city"]
_Told = frozenset[_Part]


@dataclass(frozen=True, slots=True)
class Address:
    """A mailing address as the roster has it."""

    street: str | None
    city: str | None
    state: str | None
    postal_code: str | None


@dataclass(frozen=True, slots=True)
class _Place:
    """The last line of an address on record, spelt in one way; what cannot be read is missing."""

    city: str
    state: str | None
    zip: str | None


def is_usable_address(on_record: Address) -> bool:
    """Whether the record can answer the question: a house or box with its number, and a city or a ZIP."""
    line = words(on_record.street or "")
    numbers = [word for word in line if any(c.isdecimal() for c in word)]
    named = any(c.isalpha() for word in line for c in word)
    place = _place(on_record)
    nothing = not numbers or not numbers[0].strip("0") or _NO_ADDRESS & set(line)
    return named and not nothing and bool(place.city or place.zip)


def same_address(said: str, on_record: Address) -> bool:
    """Whether the caller said this address. Never raises; an unusable record matches nothing.

    The street line must be the same: number, direction, name, type, unit. Of the last line the ZIP decides, by its
    first five digits; city and state may then be left out, but not be others. Without a ZIP, said or on record, the
    city must be the same; the state may be left out. What the record lacks is not held against the caller.
    """
    if not is_usable_address(on_record):
        return False
    wanted, place = street(_without_commas_after(words(on_record.street or ""))), _place(on_record)
    return any(
        _is_located(place, told) and street(line) == wanted
        for line, told in _readings(words(said), place, frozenset(), ())
    )


def _place(on_record: Address) -> _Place:
    state = "".join(words(on_record.state or ""))
    digits = re.sub(r"[\s-]", "", on_record.postal_code or "")
    return _Place(
        city=place_name(words(on_record.city or "")),
        state=STATES.get(state),
        zip=digits[:5] if _ZIP.fullmatch(digits) and digits[:5] != "00000" else None,
    )


def _is_located(place: _Place, told: _Told) -> bool:
    return (place.zip is not None and "zip" in told) or (bool(place.city) and "city" in told)


def _readings(said: Words, place: _Place, told: _Told, unit: Words) -> Iterator[tuple[Words, _Told]]:
    """All ways to read the answer as a street line and the parts of the last line that this record has.

    Only what equals the record is taken off the end, so whatever else was said is left in the street line, where it
    will not match. A unit that is said last ("…, Cedar Hollow, apartment 4") is put after the street.
    """
    said = _without_commas_after(said)
    yield said + unit, told
    for part, length in _endings(said, place, told):
        yield from _readings(said[:-length], place, told | {part}, unit)
    if not unit:
        for length in range(2, min(5, len(said))):
            if is_unit(said[-length:]):
                before_it = _readings(said[:-length], place, told, (",", *said[-length:]))
                yield from islice(before_it, 1, None)  # the first has nothing between street and unit, as above


def _without_commas_after(line: Words) -> Words:
    while line and line[-1] == ",":
        line = line[:-1]
    return line


def _endings(said: Words, place: _Place, told: _Told) -> Iterator[tuple[_Part, int]]:
    """The parts of the last line that the answer ends with, and how many words they take."""
    if not told:
        yield from (("country", len(country)) for country in _COUNTRIES if said[-len(country) :] == country)
    if "zip" not in told:
        yield from (("zip", length) for length in _zip_at_end(said, place, told))
    if "state" not in told:
        yield from (("state", length) for length in (1, 2, 3) if _is_state(said[-length:], place))
    if "city" not in told:
        yield from (("city", length) for length in _city_at_end(said, place))


def _zip_at_end(said: Words, place: _Place, told: _Told) -> Iterator[int]:
    """Five digits, or five and four, or nine. When the record has none, any will do that stand at the very end."""
    for length, digits in ((1, said[-1:]), (2, said[-2:])):
        shape = [len(part) for part in digits if re.fullmatch(r"[0-9]+", part)]
        whole = shape in ([5], [9], [5, 4]) and len(shape) == length
        if whole and (digits[0][:5] == place.zip or (place.zip is None and not told - {"country"})):
            yield length


def _is_state(ending: Words, place: _Place) -> bool:
    state = STATES.get("".join(ending))
    if place.state is None:
        return state is not None and not may_be_of_a_street(ending)
    return state == place.state


def _city_at_end(said: Words, place: _Place) -> Iterator[int]:
    """The city on record; when it has none, whatever stands after the last comma and is not part of a street."""
    if place.city:
        yield from (n for n in range(1, len(said)) if "," not in said[-n:] and place_name(said[-n:]) == place.city)
    elif "," in said:
        length = said[::-1].index(",")
        if not may_be_of_a_street(said[-length:]):
            yield length

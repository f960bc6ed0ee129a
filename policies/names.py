"""When a name that somebody gives counts as the name on record: exact after normalisation, never "close enough".

Case, accents, blanks, hyphens, apostrophes and periods do not matter, since records and people differ in them all the
time ("D'Angelo", "Dangelo"; "Anne-Marie", "Anne Marie"). Anything else does.
"""

import unicodedata
from dataclasses import dataclass, replace
from typing import Final

#: Letters that Unicode does not take apart into a plain letter and an accent.
_PLAIN_LETTERS: Final = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t", "ı": "i", "ŋ": "n"}
)
#: Apostrophes as people type them, the ʻokina and its like, periods, commas and strokes that are no "dash" to Unicode.
_ASIDE: Final = frozenset("'’‘‛`´′ʻʼʽʾʿˈʹꞌ׳.,·・‧−⁃_")

_SUFFIXES: Final = {
    "jr": "jr", "jnr": "jr", "junior": "jr",
    "sr": "sr", "snr": "sr", "senior": "sr",
    "ii": "2", "2nd": "2", "second": "2",
    "iii": "3", "3rd": "3", "third": "3",
    "iv": "4", "4th": "4", "fourth": "4",
    "v": "5", "5th": "5", "fifth": "5",
}  # fmt: skip
#: After a family name these are a suffix; the others could be a name or an initial of their own.
_AFTER_FAMILY: Final = frozenset(_SUFFIXES) - {"v", "5th", "second", "third", "fourth", "fifth"}


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name as said or as on record."""

    given: str
    family: str
    middle: str | None = None
    suffix: str | None = None


def folded(name: str) -> str:
    """What two spellings of one name have in common. Never raises; empty when there is nothing but signs."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    plain = "".join(c for c in apart if not _is_accent(c)).translate(_PLAIN_LETTERS)
    return unicodedata.normalize("NFC", "".join(c for c in plain if not _is_aside(c)))


def folded_suffix(suffix: str | None) -> str:
    """One form for all spellings of a suffix: "Jr.", "Junior"; "II", "2nd". Empty when there is none."""
    plain = folded(suffix or "")
    return _SUFFIXES.get(plain, plain)


def with_suffix_apart(name: Name) -> Name:
    """The same name with a suffix that was written after the family name ("Lopez, Jr.") in its own place."""
    if folded(name.suffix or ""):
        return name
    *before, last = name.family.replace(",", " ").split() or [""]
    family = " ".join(before)
    if folded(last) in _AFTER_FAMILY and folded(family):
        return replace(name, family=family, suffix=last)
    return name


def same_person_name(said: Name, on_record: Name, *, suffix_needed: bool) -> bool:
    """Whether the two are one name.

    Family names must be equal, and given names likewise. A middle name counts when both have one: then equal, or one
    the initial of the other. Given and middle name may be run together on either side ("Mary Ann" in one field).
    Different suffixes never match; a missing one does, unless `suffix_needed`, which is for households in which a
    relative has the same name.
    """
    one, other = with_suffix_apart(said), with_suffix_apart(on_record)
    family = folded(one.family)
    if family != folded(other.family) or not (family or folded(one.given)):
        return False
    return _same_given(one, other) and _suffixes_agree(one, other, needed=suffix_needed)


def _same_given(one: Name, other: Name) -> bool:
    given, middle = folded(one.given), folded(one.middle or "")
    other_given, other_middle = folded(other.given), folded(other.middle or "")
    if given + middle == other_given + other_middle:
        return True
    return given == other_given and _middles_agree(middle, other_middle)


def _middles_agree(one: str, other: str) -> bool:
    if not one or not other or one == other:
        return True
    return one[0] == other[0] and 1 in (len(one), len(other))


def _suffixes_agree(one: Name, other: Name, *, needed: bool) -> bool:
    suffix, other_suffix = folded_suffix(one.suffix), folded_suffix(other.suffix)
    return suffix == other_suffix or (not needed and not (suffix and other_suffix))


def _is_accent(character: str) -> bool:
    """Whether this is a mark that can be left out: Latin, Greek and Cyrillic accents, Hebrew and Arabic points.

    By combining class (UAX 44): the marks of Indic, Thai and Japanese writing have others, and without them it would be
    another name.
    """
    place = unicodedata.combining(character)
    return place == 1 or 10 <= place <= 36 or place >= 200


def _is_aside(character: str) -> bool:
    return character.isspace() or character in _ASIDE or unicodedata.category(character) in {"Pd", "Cf"}

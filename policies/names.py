"""When a name that somebody gives counts as the name on record: exact after normalisation, never "close enough".

Case, accents, blanks, hyphens, apostrophes and periods do not matter, since records and people differ in them all the
time ("D'Angelo", "Dangelo"; "Anne-Marie", "Anne Marie"). Anything else does.
"""

import unicodedata
from collections.abc import Iterator
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
_HONORIFICS: Final = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr"})
#: Longer than anybody's full name. More is not read, so that nobody can keep a worker busy with it.
_LONGEST_FULL_NAME: Final = 200
_MOST_WORDS: Final = 16


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


def same_full_name(said: str, on_record: Name, *, suffix_needed: bool) -> bool:
    """Whether a name said in one piece is the one on record, by the rules of `same_person_name`. Never raises.

    "Maria Elena Delgado", "Delgado, Maria Elena", "Robert Hale Jr.": given and family name are needed, in this order or
    with a comma between. A Mr., Mrs., Ms., Miss, Mx. or Dr. before it is left aside. Where the given name ends and the
    family name begins is not to be heard, so every place is tried.
    """
    return any(same_person_name(name, on_record, suffix_needed=suffix_needed) for name in _readings(said, on_record))


def _readings(said: str, on_record: Name) -> Iterator[Name]:
    """The ways to take a full name apart, as many as its words allow."""
    parts = [words for words in (part.split() for part in said.split(",")) if any(map(folded, words))]
    if len(said) > _LONGEST_FULL_NAME or sum(map(len, parts)) > _MOST_WORDS:
        return
    suffix = None
    if len(parts) > 1 and len(parts[-1]) == 1 and folded(parts[-1][0]) in _SUFFIXES:
        suffix = parts.pop()[0]
    match parts:
        case [words]:
            yield from _natural_order(words, suffix, on_record)
        case [family, given]:
            yield from _family_first(family, given, suffix)


def _natural_order(words: list[str], suffix: str | None, on_record: Name) -> Iterator[Name]:
    for whole, told_suffix in _with_and_without(words, suffix):
        for kept in _without_honorific(whole):
            if not (folded(on_record.given) and folded(on_record.family)):  # people with one name
                yield Name(given="", family=" ".join(kept), suffix=told_suffix)
                yield Name(given=" ".join(kept), family="", suffix=told_suffix)
            for end in range(1, len(kept)):
                yield from _given_and_middle(kept[:end], " ".join(kept[end:]), told_suffix)


def _family_first(family: list[str], given: list[str], suffix: str | None) -> Iterator[Name]:
    for words, told_suffix in _with_and_without(given, suffix):
        for kept in _without_honorific(words):
            yield from _given_and_middle(kept, " ".join(family), told_suffix)


def _given_and_middle(words: list[str], family: str, suffix: str | None) -> Iterator[Name]:
    for end in range(1, len(words) + 1):
        yield Name(given=" ".join(words[:end]), middle=" ".join(words[end:]), family=family, suffix=suffix)


def _with_and_without(words: list[str], suffix: str | None) -> Iterator[tuple[list[str], str | None]]:
    """The words as they are, and, if the last of them can be a suffix, with it apart."""
    yield words, suffix
    if suffix is None and len(words) > 1 and folded(words[-1]) in _SUFFIXES:
        yield words[:-1], words[-1]


def _without_honorific(words: list[str]) -> Iterator[list[str]]:
    yield words
    if len(words) > 1 and folded(words[0]) in _HONORIFICS:
        yield from _without_honorific(words[1:])


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

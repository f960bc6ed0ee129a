"""One form for all spellings of a street and a unit, by USPS Publication 28 "Postal Addressing Standards".

The tables of street types, unit words and states are those of scourgify (appendices B and C of the publication); what
it lacks is added here: boxes and rural routes, highways, Saint, half numbers, Martin Luther King. Its statistical
parser is not used: it reads "Farm to Market Road 1431" as unit 1431, "CR 200" as a creek and no box at all, and two
spellings of one address may come out as two. Here every word is decided by a table and by its place, which never fails.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from scourgify import address_constants as publication_28

from policies.names import folded

#: Longer than any address. Longer text has no words at all, so that nobody can keep a worker busy with it.
LONGEST_TEXT: Final = 250

STATES: Final[dict[str, str]] = {
    **{name.replace(" ", ""): code for name, code in publication_28.STATE_ABBREVIATIONS.items()},
    **{code: code for code in publication_28.STATE_ABBREVIATIONS.values()},
    **{"PUERTORICO": "PR", "GUAM": "GU", "VIRGINISLANDS": "VI", "USVIRGINISLANDS": "VI", "AMERICANSAMOA": "AS"},
    **{code: code for code in ("PR", "GU", "VI", "AS", "MP", "AA", "AE", "AP")},
}

_DIRECTIONS: Final[dict[str, str]] = {
    **publication_28.DIRECTIONAL_REPLACEMENTS,
    **{code: code for code in publication_28.DIRECTIONAL_REPLACEMENTS.values()},
    **{"NO": "N", "SO": "S", "NTH": "N", "STH": "S"},
}
_TYPES: Final[dict[str, str]] = {
    **{code: code for code in publication_28.STREET_TYPE_ABBREVIATIONS.values()},
    **publication_28.STREET_TYPE_ABBREVIATIONS,
}
#: What the abbreviation of a type stands for within a name ("Ave B", "Mt Vernon Rd"). Words that the publication counts
#: as the abbreviation of their own plural (Park, Parks) stay as they are there: Park Ave is not Parks Ave.
_WORDS_IN_NAMES: Final[dict[str, str]] = {
    code: word
    for code, word in publication_28.LONGHAND_STREET_TYPES.items()
    if word != code + "S" and code not in {"ST", "FRST"}
}

_UNIT_WORDS: Final[dict[str, str]] = {
    **publication_28.OCCUPANCY_TYPE_ABBREVIATIONS,
    **{code: code for code in publication_28.OCCUPANCY_TYPE_ABBREVIATIONS.values()},
    # People say the number of a flat with any of these words, or write a sign: they are one.
    **dict.fromkeys(("APARTMENT", "APT", "UNIT", "#", "NO", "NUMBER", "NUM", "NBR"), "UNIT"),
    **{"HANGAR": "HNGR", "PMB": "PMB"},
}
_UNITS_WITHOUT_NUMBER: Final = frozenset({"BSMT", "FRNT", "LBBY", "LOWR", "OFC", "PH", "REAR", "SIDE", "UPPR"})

_ONES: Final = ("FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH", "SIXTH", "SEVENTH", "EIGHTH", "NINTH")
_TEENS: Final = (
    *("TENTH", "ELEVENTH", "TWELFTH", "THIRTEENTH", "FOURTEENTH", "FIFTEENTH", "SIXTEENTH", "SEVENTEENTH"),
    *("EIGHTEENTH", "NINETEENTH"),
)
_TENS: Final = {"TWENT": 20, "THIRT": 30, "FORT": 40, "FIFT": 50, "SIXT": 60, "SEVENT": 70, "EIGHT": 80, "NINET": 90}
_ENDINGS: Final = {1: "ST", 2: "ND", 3: "RD"}
_ORDINALS: Final[dict[str, str]] = {
    **{word: f"{n}{_ENDINGS.get(n, 'TH')}" for n, word in enumerate(_ONES, 1)},
    **{word: f"{n}TH" for n, word in enumerate(_TEENS, 10)},
    **{f"{stem}IETH": f"{tens}TH" for stem, tens in _TENS.items()},
    **{
        f"{stem}Y {word}": f"{tens + n}{_ENDINGS.get(n, 'TH')}"
        for stem, tens in _TENS.items()
        for n, word in enumerate(_ONES, 1)
    },
}

#: Words of several spellings that mean one thing, in the order in which they are replaced. Highways: appendix F.
_PHRASES: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), one)
    for pattern, one in (
        (r"\b(?:P ?O ?(?:BOX|BX|B|DRAWER)|POST(?:AL)? OFFICE (?:BOX|DRAWER))\b|^(?:BOX|DRAWER)\b", "POBOX"),
        (r"\b(POBOX|BOX) (?:#|NO|NUMBER|NUM)(?= )", r"\1"),
        (r"^(?:R ?R|R ?F ?D|RD|RURAL (?:ROUTE|RTE|RT|DELIVERY)|ROUTE|RTE|RT)(?: #| NO| NUMBER)?(?= \d)", "RURALROUTE"),
        (
            r"^(?:H ?C ?R?|HIGHWAY CONTRACT(?: ROUTE| RTE)?|STAR (?:ROUTE|RTE|RT))(?: #| NO| NUMBER)?(?= \d)",
            "CONTRACTROUTE",
        ),
        (r"\b(?:FARM TO MARKET|F ?M)(?: (?:ROAD|RD|HIGHWAY|HWY))?(?= \d)", "FARMTOMARKET"),
        (r"\bRANCH TO MARKET(?: (?:ROAD|RD))?(?= \d)", "RANCHTOMARKET"),
        # After a house number; elsewhere RM is a room. "RR 2" without one is a rural route, above.
        (r"^(\d\S*(?: [NSEW]{1,2})?) R ?M(?: (?:ROAD|RD))?(?= \d)", r"\1 RANCHTOMARKET"),
        (r"^(\d\S*(?: [NSEW]{1,2})?) (?:R ?R|RANCH (?:ROAD|RD))(?= \d)", r"\1 RANCHROAD"),
        (r"\b(?:INTERSTATE(?: (?:HIGHWAY|HWY))?|I ?H|I)(?= \d)", "INTERSTATE"),
        (r"\b(?:UNITED STATES|U ?S)(?: (?:HIGHWAY|HWY|ROUTE|RTE|RT))?(?= \d)", "USHIGHWAY"),
        (r"\b(?:COUNTY|CNTY|CO) (?:ROAD|RD)\b|\bC ?R(?= \d)", "COUNTYROAD"),
        (r"\b(?:COUNTY|CNTY|CO) (?:HIGHWAY|HWY)\b", "COUNTYHIGHWAY"),
        (r"\b(?:STATE|ST) (?:HIGHWAY|HWY)(?= \d)|\bS ?H(?= \d)", "STATEHIGHWAY"),
        (r"\b(?:STATE|ST) (?:ROUTE|RTE|RT)(?= \d)", "STATEROUTE"),
        (r"\b(?:STATE|ST) (?:ROAD|RD)(?= \d)", "STATEROAD"),
        (r"\b(?:PRIVATE|PVT) (?:ROAD|RD)\b", "PRIVATEROAD"),
        (r"\b(?:HIGHWAY|HIGHWY|HIWAY|HIWY|HWAY|HWY)(?= \d)", "HIGHWAY"),
        (
            r"\b(?:(?:DR|DOCTOR|REV|REVEREND) )?(?:MARTIN L(?:UTHER)? KING|M ?L ?K(?:ING)?)(?:(?: ,)? J(?:UNIO)?R)?\b",
            "MLK",
        ),
        (r"(?<=\d )(?:AND )?(?:ONE|A|1) HALF\b|(?<=\d )AND (?=1/2)", "1/2 "),
        (rf"\b(?:{'|'.join(sorted(_ORDINALS, key=len, reverse=True))})\b", "ordinal"),
        (r"\b(\d+)(?:ST|ND|RD|TH) (?:FLOOR|FL)\b", r"FL \1"),
    )
)
_GLUED: Final = re.compile(
    r"(APT|APARTMENT|UNIT|STE|SUITE|LOT|BLDG|FL|RM|SPC|TRLR|NO|BOX|POBOX|POB|RR|RFD|HC|HCR|FM|CR|SH|IH|I|US|HWY)"
    r"(\d\w*)"
)
_INITIALS: Final = re.compile(r"\b(?:[^\W\d_]\.){2,}")
_STOPS: Final = re.compile(r"[,;\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_BETWEEN: Final = re.compile(r"[\s.:()\"“”\\|\-\u2010-\u2015\u2212]+")
_PIECES: Final = re.compile(r"#|[0-9]+/[0-9]+|[^\W_]+")
_RUNS: Final = re.compile(r"[0-9]+/[0-9]+|[0-9]+|[^\W\d_]+")
_ORDINAL: Final = re.compile(r"[0-9]+(?:ST|ND|RD|TH)")

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Street:
    """A street line in the form in which two of them are compared: all of it must be equal."""

    number: Words
    before: str
    name: str
    kind: str
    after: str
    units: tuple[tuple[str, Words], ...]


def words(text: str) -> Words:
    """The words of an address in capitals, with a comma for every comma and new line. Never raises.

    Accents, apostrophes, periods and hyphens are gone; text longer than any address has no words.
    """
    if len(text) > LONGEST_TEXT:
        return ()
    plain = "".join(map(_fraction_apart, text)).replace("&", " and ")
    plain = _INITIALS.sub(lambda match: match[0].replace(".", "") + " ", plain)
    found: list[str] = []
    for piece in _BETWEEN.sub(" ", _STOPS.sub(" , ", plain)).split():
        if piece == ",":
            found.append(",")
            continue
        for word in _PIECES.findall(folded(piece).upper()):
            glued = _GLUED.fullmatch(word)
            found.extend(glued.groups() if glued else (word,))
    return tuple(found)


def place_name(city: Words) -> str:
    """One form for all spellings of a city: "St. Louis", "Saint Louis"; "N. Richland Hills"; "Ft Worth"."""
    longer = {"ST": "SAINT", "STE": "SAINTE", "MT": "MOUNT", "FT": "FORT", "N": "NORTH", "S": "SOUTH"}
    longer |= {"E": "EAST", "W": "WEST"}
    return "".join(longer.get(word, word) for word in city if word != ",")


def street(line: Words) -> Street:
    """One form for all spellings of a street line, or of a box or rural route in its place. Never raises."""
    rest, units = _units_apart(tuple(_one_phrase(" ".join(line)).split()))
    if {"POBOX", "RURALROUTE", "CONTRACTROUTE"} & set(rest):
        return Street(_runs(rest), "", "", "", "", units)
    number, rest = _house_number_apart(rest)
    before, rest = _direction_before(rest)
    after, rest = _direction_after(rest)
    kind = ""
    if len(rest) > 1 and rest[-1] in _TYPES:
        kind, rest = _TYPES[rest[-1]], rest[:-1]
    return Street(number, before, _run_together(_name(rest, before_type=bool(kind))), kind, after, units)


def is_unit(tail: Words) -> bool:
    """Whether these words are a unit and nothing else: "Apt 4 B"."""
    return len(tail) > 1 and tail[0] in _UNIT_WORDS and _is_unit_number(tail[0], tail[1])


def may_be_of_a_street(tail: Words) -> bool:
    """Whether what follows a comma could still be of the street line: "…, N", "…, St", "…, Apt B", "…, Rear"."""
    alone = len(tail) == 1 and (tail[0] in _DIRECTIONS or tail[0] in _TYPES)
    return alone or tail[0] in _UNIT_WORDS or not all(word.isalpha() for word in tail)


def _fraction_apart(character: str) -> str:
    """A space before and after the half in "123½", so that it is not read as 1231/2."""
    if character == "\u2044":
        return "/"
    plain = unicodedata.normalize("NFKD", character)
    return f" {plain} ".replace("\u2044", "/") if "\u2044" in plain else character


def _one_phrase(line: str) -> str:
    for pattern, one in _PHRASES:
        line = pattern.sub(lambda match: _ORDINALS[match[0]], line) if one == "ordinal" else pattern.sub(one, line)
    return line


def _units_apart(line: Words) -> tuple[Words, tuple[tuple[str, Words], ...]]:
    rest: list[str] = []
    units: list[tuple[str, Words]] = []
    at = 0
    while at < len(line):
        word, following = line[at], line[at + 1 :]
        skipped = 1 if following[:1] in {("#",), ("NO",), ("NUMBER",)} else 0
        if _may_be_followed_by_unit(rest) and is_unit((word, *following[skipped:])):
            end = at + 1 + skipped + _length_of_unit_number(following[skipped:], first=not rest)
            units.append((_UNIT_WORDS[word], _runs(line[at + 1 + skipped : end])))
            at = end
        elif _UNIT_WORDS.get(word) in _UNITS_WITHOUT_NUMBER and following[:1] in {(), (",",)} and _ends_a_street(rest):
            units.append((_UNIT_WORDS[word], ()))
            at += 1
        else:
            rest.append(word)
            at += 1
    return tuple(word for word in rest if word != ","), tuple(sorted(units))


def _may_be_followed_by_unit(rest: list[str]) -> bool:
    """At the beginning ("Apt 4, 123 Main St") or after a name: in "1200 Lot 5 Rd" Lot is the name."""
    return not rest or any(not word.isnumeric() and word not in _DIRECTIONS and word != "," for word in rest[1:])


def _ends_a_street(rest: list[str]) -> bool:
    return len(rest) > 2 and (rest[-1] == "," or rest[-1] in _TYPES or rest[-1] in _DIRECTIONS)


def _is_unit_number(word: str, number: str) -> bool:
    if _ORDINAL.fullmatch(number) or number == ",":
        return False
    if number[0].isdecimal() or word == "#":
        return True
    if word in {"NO", "NUMBER", "NUM", "NBR", "FL"}:
        return False
    short = len(number) == 1 or (len(number) == 2 and number not in _TYPES and number not in _DIRECTIONS)
    return short or any(c.isdecimal() for c in number) or _UNIT_WORDS.get(number) in _UNITS_WITHOUT_NUMBER


def _length_of_unit_number(following: Words, *, first: bool) -> int:
    """How many words the number of a unit has: up to a comma or the next unit; just one before a street."""
    length = 1
    while length < len(following) and following[length] != "," and not is_unit(following[length:]):
        length += 1
    return 1 if first and "," not in following else length


def _house_number_apart(line: Words) -> tuple[Words, Words]:
    if not line or not line[0][0].isdecimal() or _ORDINAL.fullmatch(line[0]):
        return (), line
    end = 1
    while end < len(line) - 1 and _belongs_to_number(line[end], line[end + 1 :]):
        end += 1
    return _runs(line[:end]), line[end:]


def _belongs_to_number(word: str, after: Words) -> bool:
    """ "1/2"; 45 in "123-45 Main St"; A in "123 A Main St", but not in "123 A St"."""
    if "/" in word:
        return True
    is_name = after[0] in _TYPES and not after[1:2]
    letter = len(word) == 1 and word.isalpha() and word not in _DIRECTIONS and after[0] not in _TYPES
    return (word.isdecimal() or (letter and len(after) > 1 and after[0] not in _DIRECTIONS)) and not is_name


def _direction_before(line: Words) -> tuple[str, Words]:
    """ "N" in "North Main St", "NW" in "North West Loop"; none in "North St", where it is the name."""
    joined = "".join(line[:2])
    if len(line) > 2 and line[0] in _DIRECTIONS and line[1] in _DIRECTIONS and joined in _DIRECTIONS:
        line = (joined, *line[2:])
    if len(line) > 1 and line[0] in _DIRECTIONS and _is_name(line[1:]):
        return _DIRECTIONS[line[0]], line[1:]
    return "", line


def _direction_after(line: Words) -> tuple[str, Words]:
    """ "S" in "Main St South"; none in "Avenue S", where it is the name."""
    joined = "".join(line[-2:])
    if len(line) > 2 and line[-1] in _DIRECTIONS and line[-2] in _DIRECTIONS and joined in _DIRECTIONS:
        line = (*line[:-2], joined)
    if len(line) > 1 and line[-1] in _DIRECTIONS and _is_name(line[:-1]):
        return _DIRECTIONS[line[-1]], line[:-1]
    return "", line


def _is_name(line: Words) -> bool:
    """Whether there is more than a type, such as the "St" of "North St"; a direction after it aside."""
    if len(line) > 1 and line[-1] in _DIRECTIONS:
        line = line[:-1]
    return len(line) > 1 or line[0] not in _TYPES


def _name(line: Words, *, before_type: bool) -> list[str]:
    """The words of a street's name, each in one spelling."""
    name = []
    for at, word in enumerate(line):
        if word in {"ST", "SAINT"} and at + 1 < len(line):
            name.append("SAINT")
        elif word == "ST" and (before_type or at):
            name.append("STREET")
        elif at == 0 and len(line) == 2 and (len(line[1]) == 1 or line[1][0].isdecimal()):
            name.append(_TYPES.get(word, word))
        else:
            name.append(_WORDS_IN_NAMES.get(word, word))
    return name


def _run_together(name: list[str]) -> str:
    """ "LA SALLE" and "LASALLE" are one; "4 12" and "412" are not."""
    return re.sub(r"(?<!\d) | (?!\d)", "", " ".join(name))


def _runs(numbers: Words) -> Words:
    """Digits and letters apart, so that 4B, 4-B and 4 B are one, and 4-12 and 412 are not."""
    return tuple(run for number in numbers for run in _RUNS.findall(number))

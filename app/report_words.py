"""What a report is asked for in words, as they come in an address or on the command line: read with no mercy.

A word that is misspelt would otherwise be a filter that quietly does not hold, and a file with more in it than anybody
meant to have.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from db.context import Capacity
from db.models import AccountStatus, DisabledReason
from db.queries.reporting import AccountOrder, EmailProblem, Wanted
from resolvers.report_checks import camel
from resolvers.report_outcomes import Definition, Described, ReportAsked

#: Names that may be repeated to whoever sent them: digits might be somebody's number that slipped into the wrong place.
_NAME: Final = re.compile(r"[A-Za-z_]{1,40}")
_YES_NO: Final = {"true": True, "false": False}
_STATUSES: Final = (*(status.value for status in AccountStatus), "LOCKED")
#: Of accounts that are there: what was left over when two records were made one is no account any more.
_REASONS: Final = tuple(reason for reason in DisabledReason if reason is not DisabledReason.MERGED)
_SINCE: Final = "not_signed_in_since"
#: In place of a day: for how many days before today, for what runs by itself every week.
DAYS: Final = "notSignedInForDays"


@dataclass(frozen=True, slots=True)
class Fault:
    """A parameter that cannot be taken, why, and what could be."""

    parameter: str
    message: str
    known: tuple[str, ...] = ()


class NotUnderstood(Exception):
    """The words do not say what is wanted; all that is wrong with them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.parameter}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


@dataclass(slots=True)
class Words:
    """Words by the names of their parameters; whoever has read them calls `insist`."""

    given: Mapping[str, Sequence[str]]
    faults: list[Fault] = field(default_factory=list)

    def blame(self, parameter: str, message: str, known: Iterable[str] = ()) -> None:
        """Something is wrong with this parameter."""
        self.faults.append(Fault(parameter, message, tuple(known)))

    def insist(self) -> None:
        """Goes on only when nothing is wrong.

        Raises:
            NotUnderstood: with all that is.
        """
        if self.faults:
            raise NotUnderstood(self.faults)

    def only(self, known: Iterable[str]) -> None:
        """Blames all parameters that are not among these."""
        offered = tuple(known)
        for name in self.given.keys() - set(offered):
            shown = name if _NAME.fullmatch(name) else "(unknown)"
            self.blame(shown, "There is no such parameter here.", offered)

    def one(self, name: str) -> str | None:
        """The one word of a parameter that is given once or not at all."""
        words = self.given.get(name, ())
        if len(words) > 1:
            self.blame(name, "It is given more than once.")
            return None
        return words[0] if words else None

    def choice(self, name: str, known: Iterable[str]) -> str | None:
        """One of the words that are known."""
        word, offered = self.one(name), tuple(known)
        if word is not None and word not in offered:
            self.blame(name, "It is none of the known words.", offered)
            return None
        return word

    def choices(self, name: str, known: Iterable[str]) -> tuple[str, ...]:
        """Any of the words that are known, each once: repeated, or with commas between them."""
        words = [word for given in self.given.get(name, ()) for word in given.split(",")]
        offered = tuple(known)
        if not set(words).issubset(offered):
            self.blame(name, "Something in it is none of the known words.", offered)
        elif len(set(words)) < len(words):
            self.blame(name, "A word is in it more than once.")
        return tuple(words)

    def yes_no(self, name: str) -> bool | None:
        """Whether it is so; None where nothing is said."""
        word = self.choice(name, _YES_NO)
        return None if word is None else _YES_NO[word]

    def number(self, name: str) -> int | None:
        """A whole number."""
        word = self.one(name)
        if word is None:
            return None
        if not (word.isascii() and word.isdecimal() and len(word) <= 9):
            self.blame(name, "It is no whole number such as 30.")
            return None
        return int(word)

    def moment(self, name: str, zone: tzinfo) -> datetime | None:
        """A moment, or the beginning of a day; without an offset, of the district's time."""
        word = self.one(name)
        if word is None:
            return None
        try:
            # A day alone is its first moment.
            said = datetime.fromisoformat(word)
            return (said if said.tzinfo else said.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.blame(name, "It is no day or time such as 2026-10-05 or 2026-10-05T17:00:00Z.")
            return None

    def id_of(self, name: str, kind: str) -> int | None:
        """The number in an id of this kind."""
        word = self.one(name)
        if word is None:
            return None
        # GraphQL's library, which takes longer to load than most commands of the command line take to run.
        from schema.nodes import number_of

        number = number_of(word, kind)
        if number is None:
            self.blame(name, f"It is no id of a {kind}.")
        return number


def names_for(offered: Described) -> tuple[str, ...]:
    """The parameters by which this report is asked for."""
    counted = ["groupBy"] if offered.groupings else []
    days = [DAYS] if _SINCE in offered.filters else []
    return (*map(camel, offered.filters), *days, "columns", "orderBy", "descending", *counted)


def asked_by(words: Words, offered: Described, zone: tzinfo) -> Definition:
    """What the words ask for, of those that belong to the report; faults are noted in `words`."""
    asked = ReportAsked(
        name=offered.name,
        wanted=Wanted(**{name: _filter(words, name, zone) for name in offered.filters}),
        columns=words.choices("columns", (column.key for column in offered.columns)),
        group_by=words.choices("groupBy", (grouping.value for grouping in offered.groupings)),
        order=AccountOrder(words.choice("orderBy", (order.value for order in offered.orders)) or AccountOrder.ID),
        descending=words.yes_no("descending") or False,
    )
    return Definition(asked, words.number(DAYS) if _SINCE in offered.filters else None)


def _filter(words: Words, name: str, zone: tzinfo) -> Any:
    """The value of a field of `Wanted`."""
    said = camel(name)
    match name:
        case "school_id":
            return words.id_of(said, "School")
        case "grade_level":
            return words.one(said)
        case "capacity":
            return words.choice(said, Capacity)
        case "status":
            return words.choices(said, _STATUSES) or None
        case "disabled_reason":
            return words.choices(said, _REASONS) or None
        case "never_logged_in" | "key_outstanding":
            return words.yes_no(said)
        case "last_login_before" | "not_signed_in_since":
            return words.moment(said, zone)
        case "email":
            problem = words.choice(said, EmailProblem)
            return EmailProblem(problem) if problem else None
    raise LookupError(f"no words ask for the filter {name}")

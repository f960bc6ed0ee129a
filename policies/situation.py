"""A question to the policy table in words, as an administrator or the operator puts it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from db.context import Role
from policies.guardianship import Standing
from policies.words import Action, Proof, Scope

_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A word that the policy table does not know, the column it was meant for, and those that stand there."""

    word: str
    column: str
    known: tuple[str, ...]


class UnknownWords(Exception):
    """Words that are none of the policy table's."""

    def __init__(self, words: Iterable[Unknown]) -> None:
        self.words = tuple(words)
        super().__init__(", ".join(unknown.column for unknown in self.words))


@dataclass(frozen=True, slots=True)
class Situation:
    """Who asks, how near and for what, and what is so: the five words on which a decision depends."""

    role: Role
    scope: Scope
    action: Action
    guardianship: Standing
    verification: Proof


def situation(*, role: str, scope: str, action: str, guardianship: str, verification: str) -> Situation:
    """The situation that five words describe. `any` is none of them: it stands in the table, and is never so.

    Raises:
        UnknownWords: all of them that are not known.
    """
    unknown: list[Unknown] = []
    read = Situation(
        role=_read(Role, "role", role, unknown),
        scope=_read(Scope, "scope", scope, unknown),
        action=_read(Action, "action", action, unknown),
        guardianship=_read(Standing, "guardianship", guardianship, unknown),
        verification=_read(Proof, "verification", verification, unknown),
    )
    if unknown:
        raise UnknownWords(unknown)
    return read


def _read(words: type[_Word], column: str, word: str, unknown: list[Unknown]) -> _Word:
    try:
        return words(word)
    except ValueError:
        unknown.append(Unknown(word, column, tuple(words)))
        return next(iter(words))

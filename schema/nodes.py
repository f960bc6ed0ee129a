"""Global ids: what a thing is and which one, in one opaque word (Relay Global Object Identification)."""

import base64
import binascii
from dataclasses import dataclass

import strawberry

_LARGEST = 2**63 - 1


@strawberry.interface(description="Anything with an id that can be asked for again through `node`.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque; the same for the same thing, for good.")


@dataclass(frozen=True, slots=True)
class GlobalId:
    """A decoded id."""

    kind: str
    number: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.kind}:{self.number}".encode()).decode().rstrip("=")


def global_id(kind: str, number: int) -> strawberry.ID:
    return strawberry.ID(str(GlobalId(kind, number)))


def read_global_id(text: str) -> GlobalId | None:
    """None for anything that is not an id of ours: it is then as unknown as one that never was."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        kind, _, number = base64.urlsafe_b64decode(padded).decode("ascii").partition(":")
    except (UnicodeError, binascii.Error, ValueError):
        return None
    if not number.isdecimal() or len(number) > 19 or int(number) > _LARGEST:
        return None
    return GlobalId(kind, int(number))


def number_or_nobodys(text: str | None, kind: str) -> int | None:
    """The number in an id that may be left out; 0, which nothing has, for an id of another kind or none at all."""
    return None if text is None else number_of(text, kind) or 0


def number_of(text: str, kind: str) -> int | None:
    """The number in an id of this kind; None for an id of another kind or none at all."""
    read = read_global_id(text)
    return read.number if read and read.kind == kind else None

"""How one kind of record is brought from a staged set into the district's tables."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Merge:
    """The statements for one kind of record, each run as it stands, in this order.

    A row that is already as the set says is not written at all.
    """

    kind: str
    staged: str
    #: What has to be worked out first; counts as nothing.
    prepare: tuple[str, ...] = ()
    #: Takes something away because the set says so in so many words.
    end: str | None = None
    change: str | None = None
    add: str = ""
    #: Counts what is on record from a roster and not in this set. It stays: see `applying`.
    missing: str | None = None

"""How long and how often to measure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Bounds every measurement. Things that are compared take turns, and the median of the turns counts."""

    #: Length of one turn: short, since machines that others use too change their speed all the time.
    seconds: float = 1.0
    rounds: int = 10
    #: Pairs of refused requests whose times are compared.
    pairs: int = 300
    #: Pairs of letters that are asked for, likewise.
    letters: int = 500
    #: Rows of a report that is sent as a file.
    rows: int = 100_000
    #: Accounts in the districts, a small one and a large one, whose pages are compared.
    districts: tuple[int, int] = (10_000, 1_000_000)
    #: In which their pages are read.
    orders: tuple[str, ...] = ("ID", "NAME", "SCHOOL", "LAST_LOGIN")

"""How long and how often to measure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Bounds every measurement. Things that are compared take turns, and the median of the turns counts."""

    #: Length of one turn.
    seconds: float = 2.0
    rounds: int = 5
    #: Pairs of refused requests whose times are compared.
    pairs: int = 300

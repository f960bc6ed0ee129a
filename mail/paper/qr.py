"""The square that a telephone's camera reads (ISO/IEC 18004)."""

from functools import lru_cache

import segno

#: Modules of white all around, as the standard asks.
QUIET = 4


@lru_cache(maxsize=8)
def square(text: str) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The dark runs of each row, as start and length, without the white around; there are as many rows as columns.

    A sixth of it may be creased or soiled (level M).
    """
    code = segno.make(text, error="m", micro=False)
    rows = []
    for row in code.matrix:
        runs, start = [], None
        for place, dark in enumerate((*row, 0)):
            if dark and start is None:
                start = place
            elif not dark and start is not None:
                runs.append((start, place - start))
                start = None
        rows.append(tuple(runs))
    return tuple(rows)


def svg_path(text: str) -> tuple[int, str]:
    """The square as an SVG path on a grid of modules, with the white around; and how many modules it is wide."""
    rows = square(text)
    drawn = "".join(
        f"M{QUIET + start} {QUIET + y}h{length}v1h-{length}z" for y, row in enumerate(rows) for start, length in row
    )
    return len(rows) + 2 * QUIET, drawn

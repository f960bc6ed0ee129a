"""The overview as one page that needs nothing else: figures and charts that a principal reads without a manual.

The charts are drawn as SVG with their figures beside them, so that they print, and are read out, as well as seen.
"""

from dataclasses import dataclass
from functools import cache
from math import log10
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from resolvers.overview import DESK_DAYS, Overview, Standing, Troubles

_HERE = Path(__file__).parent
#: Of the drawings, in their own units.
BAR_WIDTH = 400
WEEKS_WIDTH, WEEKS_HEIGHT = 720, 180


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar: from where, how wide, and as what it is coloured."""

    kind: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Column:
    """A week as it is drawn: where it stands, and the heights of its two parts."""

    left: float
    width: float
    guardians: float
    students: float
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Weeks:
    """The log-ins by week: the columns, and the lines behind them with what they stand for."""

    columns: list[Column]
    #: Height and figure of each line.
    lines: list[tuple[float, int]]
    any: bool


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that keeps people out: how many, of what, and who does something about it."""

    count: int
    what: str
    remedy: str


def page(overview: Overview) -> str:
    """The whole page as HTML, with its styles and drawings in it."""
    return _template().render(
        overview=overview,
        weeks=drawn_weeks(overview),
        matters=matters(overview.troubles),
        pieces=pieces,
        percent=percent,
        bar_width=BAR_WIDTH,
        weeks_width=WEEKS_WIDTH,
        weeks_height=WEEKS_HEIGHT,
    )


def percent(share: float | None) -> str:
    """A share as people read it; none of very few is never rounded up to all, nor some down to nothing."""
    if share is None:
        return "–"
    rounded = round(100 * share)
    if rounded == 100 and share < 1:
        return "99%"
    return "under 1%" if rounded == 0 and share > 0 else f"{rounded}%"


def pieces(standing: Standing) -> list[Piece]:
    """The bar of all accounts of a place, opened ones first."""
    drawn, start = [], 0.0
    for kind in ("active", "not_activated", "disabled"):
        width = BAR_WIDTH * getattr(standing, kind) / standing.total if standing.total else 0
        if width:
            drawn.append(Piece(kind, start, width))
        start += width
    return drawn


def drawn_weeks(overview: Overview) -> Weeks:
    """The columns of the weeks under a round figure that all of them stay below."""
    highest = max((week.guardians + week.students for week in overview.weeks), default=0)
    top = round_figure(highest)
    width = WEEKS_WIDTH / max(len(overview.weeks), 1)
    columns = [
        Column(
            left=place * width + width * 0.1,
            width=width * 0.8,
            guardians=WEEKS_HEIGHT * week.guardians / top,
            students=WEEKS_HEIGHT * week.students / top,
            # One in four has its day written below it: more would run into each other.
            label=f"{week.monday:%b} {week.monday.day}" if place % 4 == 0 else "",
            title=f"Week of {week.monday:%B} {week.monday.day}: {week.guardians} by guardians, "
            f"{week.students} by students; {week.accounts} different people",
        )
        for place, week in enumerate(overview.weeks)
    ]
    steps = top if top < 4 else 4 if top % 4 == 0 else 5
    lines = [(WEEKS_HEIGHT * line / steps, top * line // steps) for line in range(1, steps + 1)]
    return Weeks(columns, lines, any=highest > 0)


def round_figure(highest: int) -> int:
    """The next figure that divides into four lines, or five: 1, 2, 4, 8, 10, 12, 16, 20, 24, 32, 40 and so on."""
    if highest <= 2:
        return max(highest, 1)
    power: int = 10 ** int(log10(highest))
    tops = (power * tenths // 10 for tenths in (10, 12, 16, 20, 24, 32, 40, 60, 80, 100) if power * tenths % 10 == 0)
    return next(top for top in tops if top >= highest and (top % 4 == 0 or top % 5 == 0))


def matters(found: Troubles) -> list[Matter]:
    """What keeps people out and is not nothing, in the order in which it is worth looking at."""
    listed = [
        Matter(
            found.without_active_guardian,
            "students without a guardian who can sign in",
            "List them by `students-without-activated-guardian`, and hand or print keys for their guardians.",
        ),
        Matter(
            found.claimed,
            "guardianships that nobody has confirmed",
            "The registrar confirms them: until then no key is issued for them.",
        ),
        Matter(
            found.without_mark,
            "confirmed guardianships without the mark for the portal",
            "The registrar sets the mark. List them by `guardians-without-portal-mark`.",
        ),
        Matter(
            found.not_provable,
            "students for whom no key can be had online",
            "Their SSN is not on file or no real one, or their number or birth date is in doubt; the registrar issues "
            "keys for them. List them by `unusable-ssns`.",
        ),
        Matter(
            found.keys_expired,
            "keys that ran out before they were used",
            "A new key is issued when the family asks again, or printed for a whole grade.",
        ),
        Matter(
            found.keys_outstanding,
            "keys that wait to be used",
            "List them by `keys-outstanding`; a reminder helps.",
        ),
        Matter(
            found.disabled,
            "disabled accounts",
            "List them by `disabled`, with the reason; the designee enables an account for a verified caller.",
        ),
        Matter(
            found.verifications_not_passed,
            f"verifications of the last {DESK_DAYS} days that were not passed",
            f"Of {found.verifications}. Whoever cannot answer comes to the school with an ID.",
        ),
        Matter(
            found.verifications_open,
            "verifications that are open now",
            "The designee asks the questions, or notes the ID that was shown.",
        ),
        Matter(found.work_orders, "open work orders", "The technology staff answers them."),
    ]
    return [matter for matter in listed if matter.count]


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("overview.html")

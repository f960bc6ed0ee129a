"""Pages: Relay connections whose cursors are positions, so that a page costs the same at any depth."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, TypeVar

import strawberry

from schema.errors import BadRequest

LARGEST_PAGE = 100
_T = TypeVar("_T")

First = Annotated[int, strawberry.argument(description="How many at most: 1 to 100.")]
After = Annotated[str | None, strawberry.argument(description="The cursor after which the page begins.")]


@strawberry.type(description="Where a page begins and ends, and whether there is more (Relay Cursor Connections).")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follow.")
    has_previous_page: bool = strawberry.field(description="Whether the page began after a cursor.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first edge; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last edge: `after` for the next page.")


def page_size(first: int, largest: int = LARGEST_PAGE) -> int:
    """Checks `first`.

    Raises:
        BadRequest: when it is not between 1 and the largest.
    """
    if not 1 <= first <= largest:
        raise BadRequest(f"`first` must be between 1 and {largest}.")
    return first


def cursor(place: date | datetime | int | None, number: int) -> str:
    """The position of a row that is sorted by day, moment, number or yes and no, if by anything, and then by id."""
    text = "" if place is None else str(int(place)) if isinstance(place, int) else place.isoformat()
    return base64.urlsafe_b64encode(f"{text}|{number}".encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> tuple[date | None, int] | None:
    """The position of a row that is sorted by day and id; None for no cursor.

    Raises:
        BadRequest: when it is not a cursor of ours.
    """
    return _read(text, lambda place: date.fromisoformat(place) if place else None)


def read_moment_cursor(text: str | None) -> tuple[datetime, int] | None:
    """As `read_cursor`, for rows that are sorted by moment and id."""
    return _read(text, _moment)


def read_marked_cursor(text: str | None) -> tuple[bool, int] | None:
    """As `read_cursor`, for rows of which those without a mark come first, each by id."""
    return _read(text, lambda place: {"0": False, "1": True}[place])


def read_number_cursor(text: str | None) -> int:
    """The id after which a page of rows that are sorted by id begins; 0 for no cursor.

    Raises:
        BadRequest: when it is not a cursor of ours.
    """
    read = _read(text, lambda place: {"": None}[place])
    return read[1] if read else 0


def read_pair_cursor(text: str | None) -> tuple[int, int] | None:
    """As `read_cursor`, for pairs that are sorted by two ids."""
    return _read(text, _id)


def _id(place: str) -> int:
    if not 0 < (number := int(place)) < 2**63:
        raise ValueError("no id")
    return number


def _moment(place: str) -> datetime:
    moment = datetime.fromisoformat(place)
    if moment.utcoffset() != timedelta():
        raise ValueError("not in UTC, as all of ours are")
    return moment


def _read(text: str | None, place_of: Callable[[str], _T]) -> tuple[_T, int] | None:
    if text is None:
        return None
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        place, _, number = base64.urlsafe_b64decode(padded).decode("ascii").partition("|")
        position = (place_of(place), int(number))
    except (UnicodeError, binascii.Error, ValueError, KeyError):
        raise BadRequest("`after` is not a cursor of this connection.") from None
    if not 0 < position[1] < 2**63:
        raise BadRequest("`after` is not a cursor of this connection.")
    return position


def page_info(cursors: Sequence[str], *, more: bool, after: str | None) -> PageInfo:
    """What is said of a page with these cursors."""
    return PageInfo(
        has_next_page=more,
        has_previous_page=after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )

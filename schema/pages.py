"""Pages: Relay connections whose cursors are positions, so that a page costs the same at any depth."""

import base64
import binascii
from datetime import date

import strawberry

from schema.errors import BadRequest

LARGEST_PAGE = 100


@strawberry.type(description="Where a page begins and ends, and whether there is more (Relay Cursor Connections).")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follow.")
    has_previous_page: bool = strawberry.field(description="Whether the page began after a cursor.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first edge; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last edge: `after` for the next page.")


def page_size(first: int) -> int:
    """Checks `first`.

    Raises:
        BadRequest: when it is not between 1 and 100.
    """
    if not 1 <= first <= LARGEST_PAGE:
        raise BadRequest(f"`first` must be between 1 and {LARGEST_PAGE}.")
    return first


def cursor(day: date | None, number: int) -> str:
    """The position of a row that is sorted by day and id."""
    return base64.urlsafe_b64encode(f"{day or ''}|{number}".encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> tuple[date | None, int] | None:
    """The position that a cursor stands for; None for no cursor.

    Raises:
        BadRequest: when it is not a cursor of ours.
    """
    if text is None:
        return None
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        day, _, number = base64.urlsafe_b64decode(padded).decode("ascii").partition("|")
        position = (date.fromisoformat(day) if day else None, int(number))
    except (UnicodeError, binascii.Error, ValueError):
        raise BadRequest("`after` is not a cursor of this connection.") from None
    if not 0 < position[1] < 2**63:
        raise BadRequest("`after` is not a cursor of this connection.")
    return position

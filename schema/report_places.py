"""Cursors of reports: the position of a row among those of its report, whatever it lists."""

from db.queries.reporting import Place
from resolvers.report_sources import Position
from schema.errors import BadRequest
from schema.pages import cursor, read_number_cursor, read_pair_cursor


def place_cursor(position: Position) -> str:
    """The position of a row as a cursor."""
    if isinstance(position, Place):
        return cursor(None, position.account_id)
    return cursor(*position) if isinstance(position, tuple) else cursor(None, position)


def read_place(text: str | None) -> Position | None:
    """The position after which a page begins; None for no cursor.

    Raises:
        BadRequest: when it is not a cursor of ours.
    """
    if text is None:
        return None
    try:
        return read_pair_cursor(text)
    except BadRequest:
        return read_number_cursor(text)

"""Cursors of reports: the position of a row among those of its report, whatever it lists."""

import base64
import binascii
from datetime import datetime

import orjson

from resolvers.report_sources import AccountPosition, Position
from resolvers.reporting import AccountOrder
from schema.account_cursors import account_cursor, read_account_cursor
from schema.errors import BadRequest
from schema.pages import cursor, read_number_cursor, read_pair_cursor


def place_cursor(position: Position) -> str:
    """The position of a row as a cursor."""
    if isinstance(position, AccountPosition):
        return account_cursor(position.place, position.order, descending=position.descending, began=position.began)
    return cursor(*position) if isinstance(position, tuple) else cursor(None, position)


def read_place(text: str | None, now: datetime) -> Position | None:
    """The position after which a page begins; None for no cursor. Whether it is one of that report is for the step.

    Raises:
        BadRequest: when it is not a cursor of ours, or too old.
    """
    if text is None:
        return None
    way = _way(text)
    if way is not None:
        order, descending = way
        place, began = read_account_cursor(text, order, descending=descending, now=now)
        return None if place is None else AccountPosition(place, order, descending, began)
    try:
        return read_pair_cursor(text)
    except BadRequest:
        return read_number_cursor(text)


def _way(text: str) -> tuple[AccountOrder, bool] | None:
    """In which order, and which way round, a cursor of accounts says it was read; None for any other cursor."""
    try:
        order, descending, *_ = orjson.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
        return AccountOrder(order), descending is True
    except (UnicodeError, binascii.Error, TypeError, ValueError):
        return None

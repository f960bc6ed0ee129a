"""Cursors of `accounts`: where an account stood in the order in which it was read, and when that reading began.

They go out to clients and come back from strangers: nothing in one is taken for granted.
"""

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from resolvers.reporting import AccountOrder, Place
from schema.errors import BadRequest

#: As long as a client may take from the first page to the last. What accounts were sorted by before they changed is
#: kept for longer (`db.queries.housekeeping`).
LIFETIME: Final = timedelta(hours=24)
#: Far more than any cursor of ours has: for each transaction under way when the first page was read, a number.
_LONGEST: Final = 20_000
#: A clock of another worker may be ahead by so much.
_SKEW: Final = timedelta(minutes=5)
_LONGEST_NAME: Final = 200
_SNAPSHOT: Final = re.compile(r"([0-9]{1,19}):([0-9]{1,19}):((?:[0-9]{1,19}(?:,[0-9]{1,19})*)?)", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)


def account_cursor(place: Place, order: AccountOrder, *, descending: bool, began: datetime) -> str:
    """The cursor of an account at a place in this order."""
    by: tuple[object, ...] = ()
    if order is AccountOrder.NAME:
        by = (place.name,)
    elif order is AccountOrder.SCHOOL:
        by = (place.name, *(place.school or (None, None)))
    elif order is AccountOrder.LAST_LOGIN:
        by = (None if place.last_login_at is None else (place.last_login_at - _EPOCH) // _TICK,)
    said = (order.value, descending, int(began.timestamp()), place.snapshot, place.account_id, *by)
    return base64.urlsafe_b64encode(orjson.dumps(said)).decode().rstrip("=")


def read_account_cursor(
    text: str | None, order: AccountOrder, *, descending: bool, now: datetime
) -> tuple[Place | None, datetime]:
    """The place after which a page begins, and when the first page was read; no place and now for no cursor.

    Raises:
        BadRequest: when it is no cursor of ours, one of another order, or one that is too old.
    """
    if text is None:
        return None, now
    try:
        padded = _text(text, _LONGEST).encode("ascii") + b"=" * (-len(text) % 4)
        of, is_descending, seconds, snapshot, account_id, *by = orjson.loads(base64.urlsafe_b64decode(padded))
        if AccountOrder(of) is not order or is_descending is not descending:
            raise BadRequest("`after` is a cursor of another order of accounts.")
        began = _EPOCH + timedelta(seconds=_number(seconds, 2**40))
        place = _place(order, _number(account_id), snapshot, by)
    except (TypeError, ValueError, OverflowError):
        raise BadRequest("`after` is not a cursor of this connection.") from None
    if began > now + _SKEW:
        raise BadRequest("`after` is not a cursor of this connection.")
    if began < now - LIFETIME:
        raise BadRequest("`after` is too old: begin anew with the first page.")
    return place, began


def _place(order: AccountOrder, account_id: int, snapshot: object, by: list[object]) -> Place:
    """
    Raises:
        ValueError: when this is no place in that order.
    """
    if order is AccountOrder.ID:
        if by or snapshot is not None:
            raise ValueError("ids do not change")
        return Place(account_id)
    seen = _snapshot(snapshot)
    if order is AccountOrder.LAST_LOGIN:
        [ticks] = by
        at = None if ticks is None else _EPOCH + _number(ticks, 2**58) * _TICK
        return Place(account_id, last_login_at=at, snapshot=seen)
    name, *at_school = by
    school = None
    if order is AccountOrder.SCHOOL:
        school_name, school_id = at_school
        if (school_name, school_id) != (None, None):
            school = (_text(school_name, _LONGEST), _number(school_id))
    elif at_school:
        raise ValueError("no school in this order")
    return Place(account_id, name=_text(name, _LONGEST_NAME), school=school, snapshot=seen)


def _snapshot(said: object) -> str:
    """A `pg_snapshot` that PostgreSQL reads: in it are only numbers in order."""
    found = _SNAPSHOT.fullmatch(_text(said, _LONGEST))
    if found is None:
        raise ValueError("no snapshot")
    lowest, beyond = int(found[1]), int(found[2])
    under_way = [int(number) for number in found[3].split(",")] if found[3] else []
    in_order = all(one < next_ for one, next_ in zip([lowest - 1, *under_way], [*under_way, beyond], strict=True))
    if not (0 < lowest <= beyond < 2**63 and in_order):
        raise ValueError("no snapshot")
    return found[0]


def _number(said: object, below: int = 2**63) -> int:
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said < below:
        raise ValueError("no number of ours")
    return said


def _text(said: object, longest: int) -> str:
    if not isinstance(said, str) or len(said) > longest or "\0" in said:
        raise ValueError("no text of ours")
    return said

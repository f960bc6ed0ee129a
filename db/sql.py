"""Plain SQL on the connection, or the transaction, that is current: for statements worth naming and for hot reads."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from typing import Any, Final, cast

from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient, TransactionalDBClient
from tortoise.transactions import in_transaction

Row = dict[str, Any]


def connection() -> BaseDBAsyncClient:
    """The current transaction's connection inside one, else the pool's."""
    return Tortoise.get_connection("default")


@asynccontextmanager
async def transaction() -> AsyncIterator[TransactionalDBClient]:
    """Everything inside is committed together or not at all; inside another one, it is a savepoint of that.

    Tortoise's own never gives its connection back when its task is cancelled, or the connection is lost, at BEGIN:
    each time the pool has one less.
    """
    begun = in_transaction()
    try:
        entered = await begun.__aenter__()
    except BaseException:
        if getattr(begun, "token", None) is not None:
            # Nothing can be rolled back, which it says after it has given the connection back.
            with suppress(Exception):
                await begun.__aexit__(*sys.exc_info())
        raise
    try:
        yield entered
    except BaseException:
        await begun.__aexit__(*sys.exc_info())
        raise
    await begun.__aexit__(None, None, None)


async def rows(statement: str, *values: object) -> list[Row]:
    """All rows of a statement with `$1`-style placeholders."""
    return cast("list[Row]", await connection().execute_query_dict(statement, list(values)))


async def row(statement: str, *values: object) -> Row | None:
    """The first row, or None."""
    found = await rows(statement, *values)
    return found[0] if found else None


async def execute(statement: str, *values: object) -> int:
    """Runs an INSERT, UPDATE or DELETE; returns the number of rows."""
    changed, _ = await connection().execute_query(statement, list(values))
    return changed


#: As which the first and the last day of Python's calendar are stored; rosters write the last one for "no end".
_ENDLESS: Final = {"-infinity": date.min, "infinity": date.max}


def day(text: str) -> date:
    """A date as PostgreSQL writes it into JSON."""
    return _ENDLESS.get(text) or date.fromisoformat(text)

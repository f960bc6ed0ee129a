"""Plain SQL on the connection, or the transaction, that is current: for statements worth naming and for hot reads."""

from typing import Any, cast

from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient

Row = dict[str, Any]


def connection() -> BaseDBAsyncClient:
    """The current transaction's connection inside one, else the pool's."""
    return Tortoise.get_connection("default")


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

"""Servers that are killed in the midst of a step, held at one write by a trigger that waits for a lock of the test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar

import asyncpg

T = TypeVar("T")
LOCK = 20_261_005


class Write(NamedTuple):
    """A statement that changes a table."""

    table: str
    event: str

    def __str__(self) -> str:
        return f"{self.event} {self.table}"


#: Deferred to the end of the transaction: the server has sent COMMIT, and PostgreSQL has not done it yet.
COMMIT = Write("trail_entry", "COMMIT")


async def until(ask: Callable[[], Awaitable[T | None]]) -> T:
    """The first answer that is something."""
    async with asyncio.timeout(60):
        while (answer := await ask()) is None:  # noqa: ASYNC110  # nobody sends an event for what is asked here
            await asyncio.sleep(0.005)
    return answer


class Hold:
    """A write that waits for as long as the test wants."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def waiter(self, request: asyncio.Task[Any]) -> int:
        """Waits until some connection stands at the write; returns its process id in PostgreSQL."""

        async def ask() -> int | None:
            assert not request.done(), f"the request did not come to this write: {request.result()}"
            pid: int | None = await self._connection.fetchval(
                "SELECT pid FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            return pid

        return await until(ask)

    async def waiters(self, number: int) -> None:
        """Waits until so many connections stand at the write."""

        async def ask() -> bool | None:
            there: int = await self._connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            return there >= number or None

        await until(ask)

    async def release(self) -> None:
        """The write goes on."""
        await self._connection.execute(f"SELECT pg_advisory_unlock({LOCK})")

    async def end(self, pid: int) -> None:
        """PostgreSQL gives this connection up where it stands."""
        await self._connection.execute("SELECT pg_terminate_backend($1)", pid)

    async def gone(self, pid: int) -> None:
        """Waits until nothing is left of that connection."""

        async def ask() -> bool | None:
            there = await self._connection.fetchval("SELECT 1 FROM pg_stat_activity WHERE pid = $1", pid)
            return None if there else True

        await until(ask)


@asynccontextmanager
async def held_up(database_url: str, write: Write) -> AsyncIterator[Hold]:
    """In here nobody gets past this write of the test's database."""
    connection = await asyncpg.connect(database_url)
    when = (
        f"CONSTRAINT TRIGGER held AFTER INSERT ON {write.table} DEFERRABLE INITIALLY DEFERRED"
        if write is COMMIT
        else f"TRIGGER held BEFORE {write.event} ON {write.table}"
    )
    try:
        await connection.execute(f"""
            CREATE SCHEMA holding;
            CREATE FUNCTION holding.hold() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_advisory_xact_lock_shared({LOCK}); RETURN NEW; END $$;
            CREATE {when} FOR EACH ROW EXECUTE FUNCTION holding.hold();
            SELECT pg_advisory_lock({LOCK});
        """)
        yield Hold(connection)
    finally:
        await connection.execute("SELECT pg_advisory_unlock_all()")
        await connection.execute("DROP SCHEMA IF EXISTS holding CASCADE")
        await connection.close()

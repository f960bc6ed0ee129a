"""Transactions: all or nothing, and the connection goes back whatever happens to whoever began one."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tortoise.context import TortoiseContext

from db import connection, sql


@pytest.fixture
async def pool_of_one(database_url: str) -> AsyncIterator[TortoiseContext]:
    """A pool that is used up as soon as one connection is not given back."""
    async with connection.database(database_url, pool_size=1, everywhere=False) as context:
        await sql.execute("DROP TABLE IF EXISTS noted")
        await sql.execute("CREATE TABLE noted (what text)")
        yield context
        await sql.execute("DROP TABLE noted")


async def note(what: str) -> None:
    await sql.execute("INSERT INTO noted VALUES ($1)", what)


async def noted() -> list[str]:
    return [row["what"] for row in await sql.rows("SELECT what FROM noted ORDER BY what")]


async def note_and_fail(what: str) -> None:
    async with sql.transaction():
        await note(what)
        raise ValueError(what)


async def test_a_transaction_is_all_or_nothing_and_one_inside_it_can_be_undone_alone(
    pool_of_one: TortoiseContext,
) -> None:
    async with sql.transaction():
        await note("kept")
        with pytest.raises(ValueError, match="inner"):
            await note_and_fail("inner")
    with pytest.raises(ValueError, match="outer"):
        await note_and_fail("outer")
    assert await noted() == ["kept"]


async def test_whoever_is_cancelled_at_any_moment_gives_the_connection_back(pool_of_one: TortoiseContext) -> None:
    async def step(what: str) -> None:
        async with sql.transaction():
            await note(what)

    done = 0
    for turns in range(1, 60):
        task = asyncio.create_task(step(f"{turns:02}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        try:
            await task
            done += 1
        except asyncio.CancelledError:
            pass
        async with asyncio.timeout(10):
            assert len(await noted()) >= done
    async with asyncio.timeout(10):
        await step("after all")
    assert "after all" in await noted()

"""What the tables hold, as tests of several journeys ask for it."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from db import sql
from db.models import TrailEntry
from db.trail import Step


async def trail(step: Step | None = None) -> list[tuple[str, str]]:
    """Each step in the order in which it was taken, and its refusal's code or `DONE`."""
    entries = await (TrailEntry.filter(step=step) if step else TrailEntry.all()).order_by("id")
    return [(entry.step, entry.refusal or entry.outcome) for entry in entries]


@asynccontextmanager
async def as_superuser() -> AsyncIterator[None]:
    """What is done inside is done as by somebody with all rights, whom no trigger stops."""
    async with sql.transaction():
        await sql.rows("SET LOCAL session_replication_role = replica")
        yield


async def forget_trail() -> None:
    """Empties the trail, so that a test sees only what happens from now on. Numbers go on."""
    async with as_superuser():
        await sql.rows("TRUNCATE trail_entry, trail_unsealed, trail_seal")


async def endings(step: Step) -> Counter[str]:
    """How often a step ended in which way."""
    return Counter(ending for _, ending in await trail(step))


async def spent(budget: str) -> list[int]:
    """What is spent of each budget of this name, the most first; without those that have all of it back."""
    found = await sql.rows(
        "SELECT spent FROM attempt_budget WHERE id LIKE $1 || ':%' AND spent > 0 ORDER BY spent DESC", budget
    )
    return [row["spent"] for row in found]


async def streaks(kind: str) -> list[tuple[int, int]]:
    """Failures, and failures in a row, of each account, name, device or session, those with the most first."""
    found = await sql.rows(
        "SELECT failures, in_a_row FROM login_streak WHERE id LIKE $1 || ':%' ORDER BY failures DESC, in_a_row DESC",
        kind,
    )
    return [(row["failures"], row["in_a_row"]) for row in found]


@asynccontextmanager
async def no_trail() -> AsyncIterator[None]:
    """As long as it lasts, no entry can be written."""
    await sql.rows("CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full'; END $$")
    await sql.rows("CREATE TRIGGER full_up BEFORE INSERT ON trail_entry FOR EACH ROW EXECUTE FUNCTION full_up()")
    try:
        yield
    finally:
        await sql.rows("DROP TRIGGER full_up ON trail_entry")
        await sql.rows("DROP FUNCTION full_up()")


async def everything(*, but: frozenset[str] = frozenset()) -> dict[str, str]:
    """All rows of all tables but those; what was counted is left out too, as it stays counted in any case."""
    tables = await sql.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    held = {}
    for table in tables:
        if table["name"] not in but | {"attempt_budget", "login_streak"}:
            name = table["name"]
            held[name] = str(await sql.rows(f'SELECT t::text AS row FROM "{name}" t ORDER BY 1'))
    return held

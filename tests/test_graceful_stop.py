"""A server that is told to stop finishes what it has begun."""

import asyncio
from pathlib import Path

import asyncpg

from tests.district import PASSWORD, District
from tests.servers import A_CHILDS_BIRTHDAY, Server

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"


async def test_a_log_in_under_way_is_answered_before_the_server_ends(
    district: District, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    nora = await district.student(born=A_CHILDS_BIRTHDAY)
    await district.opened(await district.guardian(nora), "maria.q")
    holding = await asyncpg.connect(database_url)
    with Server(database_url, keys_text, tmp_path) as server:
        async with asyncio.timeout(60), server.ready().portal() as portal:
            held = holding.transaction()
            await held.start()
            await holding.execute("LOCK TABLE session IN EXCLUSIVE MODE")
            log_in = asyncio.create_task(portal.login("maria.q", PASSWORD))
            while not await holding.fetchval(BLOCKED):  # noqa: ASYNC110  # nobody sends an event for that
                await asyncio.sleep(0.005)
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))
            while "Shutting down" not in server.log:  # noqa: ASYNC110  # nor for that
                await asyncio.sleep(0.005)
            assert not log_in.done()
            assert not stopping.done()
            await held.rollback()
            answer = await log_in
            await stopping
    await holding.close()
    assert answer["__typename"] == "LoggedIn"
    assert answer["session"]["token"].startswith("pas_")

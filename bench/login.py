"""Log-ins: they should cost what hashing the password costs, and little more."""

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from statistics import median

import orjson
from nacl.pwhash import argon2id

from bench.client import post
from bench.crew import Crew, Done, Work
from bench.documents import LOGIN
from bench.ground import PASSWORD, Ground
from bench.load import WARM_SECONDS, Meters, Stretch, asking, new_address, usernames
from bench.plan import Plan
from bench.processes import cores
from bench.report import Aim, Row
from bench.server import Server

#: Log-ins under way at each worker: one is hashed while the others talk to the database.
EACH = 4
LOGGED_IN = b'"LoggedIn"'


def hashing(encoded: str) -> Work:
    """Verifies the password against its hash, in one thread, and nothing else."""
    secret, known = PASSWORD.encode(), encoded.encode()

    def work(seconds: float) -> int:
        ends, hashes = time.perf_counter() + seconds, 0
        while time.perf_counter() < ends:
            argon2id.verify(known, secret)
            hashes += 1
        return hashes

    return work


def login_request(username: str, password: str = PASSWORD) -> bytes:
    """A log-in by a client that was not seen before."""
    return post(LOGIN, {"input": {"username": username, "password": password}}, address=new_address())


async def session_token(server: Server, username: str) -> str:
    """Signs somebody in."""
    async with server.connections(1) as connections:
        answer = await connections[0].ask(login_request(username), expecting=LOGGED_IN)
    token: str = orjson.loads(answer)["data"]["login"]["session"]["token"]
    return token


@dataclass(frozen=True, slots=True)
class _Round:
    bare: Done
    portal: Stretch


async def measure(ground: Ground, server: Server, plan: Plan) -> list[Row]:
    """Bare hashing and log-ins by turns, each with all cores to itself."""
    meters, names = Meters(server, ground.postgres), usernames(ground)
    rounds: list[_Round] = []
    with Crew(cores(), partial(hashing, ground.password_hash)) as crew:
        for _ in range(plan.rounds):
            bare = crew.work(plan.seconds)
            async with (
                server.connections(EACH) as connections,
                asking(connections, lambda: login_request(next(names)), expecting=LOGGED_IN) as tally,
            ):
                await asyncio.sleep(WARM_SECONDS)
                rounds.append(_Round(bare, await meters.read_over(plan.seconds, tally)))
    return _rows(rounds)


def _rows(rounds: list[_Round]) -> list[Row]:
    bare = median(r.bare.per_second for r in rounds)
    logins = median(r.portal.per_second for r in rounds)
    hash_ms = 1000 * median(r.bare.cpu_each for r in rounds)
    portal_ms = 1000 * median(r.portal.portal_cpu for r in rounds)
    postgres_ms = 1000 * median(r.portal.postgres_cpu for r in rounds)
    client_ms = 1000 * median(r.portal.client_cpu for r in rounds)
    return [
        Row(
            "log-ins a second, over bare hashes a second",
            f"{logins:.1f} over {bare:.1f}",
            median(r.portal.per_second / r.bare.per_second for r in rounds),
            Aim(low=0.9),
        ),
        Row(
            "server CPU of a log-in, over that of a bare hash",
            f"{portal_ms:.2f} ms over {hash_ms:.2f} ms",
            median(r.portal.portal_cpu / r.bare.cpu_each for r in rounds),
        ),
        Row("  beside it on the same cores: PostgreSQL, client", f"{postgres_ms:.2f} ms, {client_ms:.2f} ms"),
    ]

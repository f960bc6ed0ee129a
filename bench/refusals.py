"""Nobody home should look like somebody home: the time of an answer must not tell whether somebody is on record."""

import random
import time
from collections.abc import Callable
from itertools import count
from statistics import median

from bench.client import Connection, post
from bench.documents import LOGIN, RECOVER_LOG_ON, REQUEST_KEY
from bench.ground import BORN, Ground
from bench.load import new_address
from bench.plan import Plan
from bench.report import Aim, Row
from bench.server import Server

#: A fifth of the pairs is not counted: they fill the caches of the portal and of PostgreSQL.
_WARM_PART = 5
_EQUAL = Aim(low=1 / 1.1, high=1.1)

Requests = Callable[[], bytes]


async def measure(ground: Ground, server: Server, plan: Plan) -> list[Row]:
    """One request at a time, by turns in random order."""
    async with server.connections(1) as connections:
        connection = connections[0]
        key = await _compare(connection, *_keys(ground), expecting=b'"NotMatched"', pairs=plan.pairs)
        login = await _compare(connection, *_logins(ground), expecting=b'"WrongCredentials"', pairs=plan.pairs // 2)
        letter = await _compare(connection, *_letters(ground), expecting=b'"LogOnLetterAskedFor"', pairs=plan.letters)
    return [
        _row("time of a refused key: unknown student, over a known one", *key),
        _row("time of a refused log-in: unknown username, over a known one", *login),
        _row("time of asking for a log-on letter: unknown address, over a known one", *letter),
    ]


def _keys(ground: Ground) -> tuple[Requests, Requests]:
    """A number that nobody has; a student's number and birth date with a wrong SSN."""
    serial = count()

    def asked(student_number: str) -> bytes:
        proofs = {"studentNumber": student_number, "studentBirthDate": BORN.isoformat(), "studentSsn": "519-12-3456"}
        return post(REQUEST_KEY, {"input": proofs}, address=new_address())

    return (lambda: asked(f"00{700_000 + next(serial)}")), (lambda: asked(ground.student_number(next(serial))))


def _logins(ground: Ground) -> tuple[Requests, Requests]:
    serial = count()

    def asked(username: str) -> bytes:
        proofs = {"username": username, "password": "some other seven kites"}
        return post(LOGIN, {"input": proofs}, address=new_address())

    return (lambda: asked(f"stranger.{next(serial)}")), (lambda: asked(ground.username(next(serial))))


def _letters(ground: Ground) -> tuple[Requests, Requests]:
    """An address that nobody has; one to which a letter goes."""
    serial = count()

    def asked(email: str) -> bytes:
        return post(RECOVER_LOG_ON, {"input": {"email": email}}, address=new_address())

    return (lambda: asked(f"stranger.{next(serial)}@families.example")), (lambda: asked(ground.address(next(serial))))


async def _compare(
    connection: Connection, unknown: Requests, known: Requests, *, expecting: bytes, pairs: int
) -> tuple[float, float]:
    """Median seconds of each kind."""
    each = pairs + pairs // _WARM_PART
    # Not in pairs: whoever comes second in one would more often come right behind the other kind.
    turns = random.sample([unknown, known] * each, 2 * each)
    waited: dict[Requests, list[float]] = {unknown: [], known: []}
    for kind in turns:
        request = kind()
        began = time.perf_counter()
        await connection.ask(request, expecting=expecting)
        waited[kind].append(time.perf_counter() - began)
    return median(waited[unknown][-pairs:]), median(waited[known][-pairs:])


def _row(measurement: str, unknown: float, known: float) -> Row:
    return Row(measurement, f"{1000 * unknown:.2f} ms over {1000 * known:.2f} ms", unknown / known, _EQUAL)

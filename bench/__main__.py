"""Measures everything in one run and prints the table."""

import argparse
import contextlib
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path

import uvloop
from rich.console import Console

from bench import exports, gate, login, mixed, pages, reads, refusals
from bench.ground import Ground, prepared
from bench.mail import receiving
from bench.plan import Plan
from bench.processes import Neighbours
from bench.report import Row, show
from bench.server import Server, serving

_SMOKE = Plan(seconds=0.3, rounds=1, pairs=5, letters=5, rows=2_000, districts=(900, 6000), orders=("NAME",))
#: Wide enough for the table where the output is no terminal.
_WIDTH = 180

Measure = Callable[[Ground, Server, Plan], Coroutine[None, None, list[Row]]]


def main() -> None:
    """What does not work ends it with a traceback; an aim that is not met does not."""
    plan = _asked_for()
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    neighbours = Neighbours()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        console.print("Setting up a PostgreSQL, families and a portal …")
        ground = stack.enter_context(prepared(folder))
        mail = stack.enter_context(receiving())
        server = stack.enter_context(serving(ground, mail, folder))
        rows = uvloop.run(_measure(ground, server, plan, console))
        console.print("Filling two districts, and measuring pages of accounts …")
        rows += uvloop.run(pages.measure(ground, mail, folder, plan))
        postgres_seconds = ground.postgres.cpu_seconds()
    show(rows, postgres=ground.version, neighbours=neighbours.share(postgres_seconds), console=console)


async def _measure(ground: Ground, server: Server, plan: Plan, console: Console) -> list[Row]:
    rows: list[Row] = []
    for measurement in (login, reads, mixed, refusals, exports):
        console.print(f"Measuring {measurement.__name__.rpartition('.')[2]} …")
        measure: Measure = measurement.measure
        rows += await measure(ground, server, plan)
    return rows + gate.measure(plan)


def _asked_for() -> Plan:
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=usual.seconds, help="length of one turn of one thing (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=usual.rounds, help="turns of each thing (default: %(default)s)")
    parser.add_argument("--smoke", action="store_true", help="as short as can be: the numbers mean nothing")
    asked = parser.parse_args()
    if asked.smoke:
        return _SMOKE
    if not (0.1 <= asked.seconds <= 30 and 1 <= asked.rounds <= 50):
        parser.error("a turn takes 0.1 to 30 seconds, and there are 1 to 50 of them")
    return Plan(seconds=asked.seconds, rounds=asked.rounds)


if __name__ == "__main__":
    main()

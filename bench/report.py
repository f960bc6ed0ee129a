"""The table: what was measured, what came out, what the aim is; and on what machine, with which versions."""

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.processes import cores

_LIBRARIES = (
    "tortoise-orm",
    "asyncpg",
    "strawberry-graphql",
    "graphql-core",
    "starlette",
    "uvicorn",
    "uvloop",
    "PyNaCl",
)


@dataclass(frozen=True, slots=True)
class Aim:
    """Where a ratio should lie."""

    low: float | None = None
    high: float | None = None

    def met(self, ratio: float) -> bool:
        return (self.low is None or ratio >= self.low) and (self.high is None or ratio <= self.high)

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low:.2f} to {self.high:.2f}"
        return f"at least {self.low:g}" if self.low is not None else f"at most {self.high:g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. A row without an aim is there to be known."""

    measurement: str
    value: str
    ratio: float | None = None
    aim: Aim | None = None

    @property
    def verdict(self) -> str:
        if self.aim is None or self.ratio is None:
            return ""
        return "met" if self.aim.met(self.ratio) else "NOT MET"


def show(rows: Iterable[Row], *, postgres: str, neighbours: float, console: Console) -> None:
    """Prints the table, and below it what has to be known to read it."""
    table = Table(title="What the portal costs")
    table.add_column("measurement")
    table.add_column("value", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("aim", no_wrap=True)
    table.add_column("met", no_wrap=True)
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(escape(row.measurement), row.value, ratio, str(row.aim or ""), row.verdict)
    console.print(table)
    console.print(f"{cores()} cores, {_processor()}; {platform.system()} {platform.release()}")
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    console.print(f"Python {platform.python_version()}, PostgreSQL {postgres}, {libraries}")
    noise = "" if neighbours < 0.05 else ": the numbers are noisy, measure again when the machine is quiet"
    console.print(f"Other programs used {neighbours:.0%} of the cores meanwhile{noise}.")


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()

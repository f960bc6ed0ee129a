"""The least that something could cost: bare processes, as many as the portal has workers, that do only that."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

#: Does the thing over and over until so many seconds have passed, and returns how often it did it.
Work = Callable[[float], int]


@dataclass(frozen=True, slots=True)
class Done:
    """What the processes of a crew did together in one stretch."""

    count: int
    per_second: float
    #: Processor seconds of the crew for each time.
    cpu_each: float


class Crew:
    """Processes that wait for the word, work for so many seconds, and wait again."""

    def __init__(self, size: int, prepare: Callable[[], Work]) -> None:
        """`prepare` is called once in each process; it has to be something that can be pickled."""
        spawning = multiprocessing.get_context("spawn")
        self._orders: list[Connection] = []
        self._processes = []
        for _ in range(size):
            ours, theirs = spawning.Pipe()
            process = spawning.Process(target=_at_work, args=(theirs, prepare), daemon=True)
            process.start()
            theirs.close()
            self._orders.append(ours)
            self._processes.append(process)
        for orders in self._orders:
            orders.recv()

    def work(self, seconds: float) -> Done:
        """Everybody works at once. Blocks until all are done."""
        for orders in self._orders:
            orders.send(seconds)
        reports = [orders.recv() for orders in self._orders]
        count = sum(count for count, _, _ in reports)
        return Done(
            count=count,
            per_second=sum(count / elapsed for count, elapsed, _ in reports),
            cpu_each=sum(cpu for _, _, cpu in reports) / count,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for orders in self._orders:
            orders.close()
        for process in self._processes:
            process.join()


def _at_work(orders: Connection, prepare: Callable[[], Work]) -> None:
    work = prepare()
    orders.send("ready")
    while True:
        try:
            seconds: float = orders.recv()
        except (EOFError, OSError):
            return
        began, used = time.perf_counter(), time.process_time()
        count = work(seconds)
        orders.send((count, time.perf_counter() - began, time.process_time() - used))

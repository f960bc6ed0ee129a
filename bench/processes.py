"""Who used how much of the processors: the portal's workers, PostgreSQL, this client, and everybody else."""

import os
import resource
import time
from collections.abc import Iterable

import psutil


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """Processor time that these processes have used so far."""
    return float(sum(times.user + times.system for times in (process.cpu_times() for process in processes)))


class Family:
    """A process with all that it started, such as PostgreSQL with its backends, also those that have ended."""

    def __init__(self, pid: int) -> None:
        self._first = psutil.Process(pid)

    def cpu_seconds(self) -> float:
        times = self._first.cpu_times()
        ended: float = times.children_user + times.children_system
        seconds: float = times.user + times.system + ended
        for process in self._first.children(recursive=True):
            try:
                seconds += cpu_seconds([process])
            except psutil.NoSuchProcess:
                continue
        return seconds


class Neighbours:
    """Tells how much of the machine others used while we measured: what makes numbers noisy."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._busy = _busy_seconds()

    def share(self, ours: float) -> float:
        """The part of all cores' time that others used, 0 to 1; `ours` are the seconds of what is no child of ours."""
        used = sum(
            usage.ru_utime + usage.ru_stime
            for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
        )
        available = (time.perf_counter() - self._began) * cores()
        return max(0.0, (_busy_seconds() - self._busy - used - ours) / available)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _busy_seconds() -> float:
    times = psutil.cpu_times()._asdict()
    return float(sum(times.get(kind, 0.0) for kind in ("user", "nice", "system", "irq", "softirq", "steal")))

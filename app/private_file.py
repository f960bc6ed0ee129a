"""A file that nobody else may read, and that is there as a whole or not at all."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO


class PrivateFile:
    """A file under a name that nobody knows, until it is put in its place."""

    def __init__(self, place: Path) -> None:
        """Make it, in the folder in which it is to be, so that it can be renamed. Raises OSError."""
        number, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent)
        self.place = place
        self.file: IO[bytes] = os.fdopen(number, "wb")
        self._name: Path | None = Path(name)

    def begin_again(self) -> None:
        """Throws away what was written."""
        self.file.seek(0)
        self.file.truncate()

    def complete(self) -> None:
        """What was written is on the disk when this returns. Raises OSError."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def put_in_place(self) -> None:
        """Gives it its name. Raises OSError."""
        if self._name is not None:
            self._name.rename(self.place)
            self._name = None

    def close(self) -> None:
        """What was not put in its place is gone."""
        self.file.close()
        if self._name is not None:
            with suppress(OSError):
                self._name.unlink()
            self._name = None


@contextmanager
def private_file(place: Path) -> Iterator[PrivateFile]:
    """A file with mode 0600 that is put in its place by `put_in_place`, or deleted at the end."""
    made = PrivateFile(place)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until the block is done. For the main thread, and for what takes a moment."""
    waiting: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        waiting.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for caught in waiting:
            signal.raise_signal(caught)

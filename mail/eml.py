"""Letters as files, where no mail relay is set: what development writes instead of sending it."""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from email.generator import BytesGenerator
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path

import structlog

from mail.carriers import RelayTrouble
from mail.mailable import Mailable
from mail.outbox import LetterInHand

_log = structlog.get_logger("portal.mail")


class Folder:
    """A folder that letters are put into, each a file that mail programs open; for its owner alone."""

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        self._path, self._clock = path, clock

    @property
    def where(self) -> str:
        return str(self._path)

    def line(self) -> "Folder":
        """Files do not get into each other's way: all lines are the same."""
        return self

    @property
    def is_open(self) -> bool:
        return False

    async def carry(self, letter: LetterInHand, to: Mailable, message: EmailMessage) -> None:  # noqa: ARG002  # a file
        """Writes the file, and says in the log where. Raises RelayTrouble where it cannot be written."""
        name = f"{self._clock().astimezone(UTC):%Y%m%dT%H%M%SZ}-{letter.id:06}-{letter.kind.value}.eml"
        try:
            await asyncio.to_thread(self._write, name, message)
        except OSError as failed:
            raise RelayTrouble("write", failed.strerror or type(failed).__name__) from failed
        _log.info("letter written", path=str(self._path / name))

    def _write(self, name: str, message: EmailMessage) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._path / f".{name}.{os.getpid()}"
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            BytesGenerator(file, policy=SMTPUTF8).flatten(message)
        # Whoever looks into the folder never sees half a letter.
        unfinished.replace(self._path / name)

    async def close(self) -> None:
        """There is nothing to close."""

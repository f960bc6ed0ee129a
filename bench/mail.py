"""A mail server for the measurements: it takes every letter and forgets it."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from queue import Queue

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(slots=True)
class MailServer:
    """A running mail server, and how many letters it has taken."""

    port: int = 0
    taken: int = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002
        self.taken += 1
        return "250 Taken"


@contextlib.contextmanager
def receiving() -> Iterator[MailServer]:
    """A mail server on the loopback interface, in a thread of its own: it must not wait for whoever measures."""
    mail, ready = MailServer(), Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()

    async def serve() -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        async with await loop.create_server(lambda: SMTP(mail, loop=loop), "127.0.0.1", 0) as server:
            mail.port = server.sockets[0].getsockname()[1]
            ready.put((loop, ended))
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    loop, ended = ready.get(timeout=10)
    try:
        yield mail
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(timeout=10)

"""The real server, as a process of its own: for what only two of them, a restart or a kill can show."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.clients import Portal

REPOSITORY = Path(__file__).parent.parent
#: A server tells the real time: born on this day, a student is a child whenever the tests run.
A_CHILDS_BIRTHDAY = (datetime.now(UTC) - timedelta(days=10 * 365)).date()
#: Seconds; a machine with nothing else to do needs one or two.
_START_SECONDS, _STOP_SECONDS = 90, 30


class Server:
    """One server process on a free loopback port. It ends with `stop`, with `kill9`, or with the tests themselves."""

    def __init__(self, database_url: str, secrets: str, folder: Path, **settings: str) -> None:
        """Begins to start; `ready` waits for it. `settings` are further ones, by their names without `PORTAL_`.

        Addresses in `X-Forwarded-For` are believed, so that a test can be many clients.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.log_file = folder / "server.log"
        chosen = {
            "database_url": database_url,
            "secrets": secrets,
            "var": str(folder),
            "trusted_proxies": "127.0.0.1",
            "database_pool": "5",
            "hash_memory_kib": "8192",
            "hash_passes": "1",
            "trail_seal_seconds": "3600",
            "courier": "false",
            "webhooks": "false",
        } | settings
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
        environment |= {f"PORTAL_{name.upper()}": value for name, value in chosen.items()}
        # The port is taken before the process is there to answer: whoever connects meanwhile waits for it.
        with socket.create_server(("127.0.0.1", 0)) as listener, self.log_file.open("ab") as log:
            port = listener.getsockname()[1]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.servers", str(listener.fileno())],
                env=environment | {"PYTHONPATH": str(REPOSITORY), "PORTAL_PORT": str(port)},
                cwd=folder,
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        self.url = f"http://127.0.0.1:{port}"

    def ready(self) -> Self:
        """Waits until it answers, database included."""
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=_START_SECONDS)
        except httpx.TransportError as failed:
            raise AssertionError(f"The server did not start ({failed}); it wrote:\n{self.log}") from failed
        assert answer.status_code == httpx.codes.OK, answer.text
        return self

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def portal(self, address: str = "198.51.100.7") -> Portal:
        """A client of this server, at an address of its own."""
        return Portal(url=self.url, address=address)

    def stop(self) -> int:
        """Asks it to finish what it is doing, and waits. Returns its exit code; a second call does nothing."""
        self._process.terminate()
        return self._gone()

    def kill9(self) -> None:
        """Ends it where it stands."""
        self._process.kill()
        self._gone()

    def _gone(self) -> int:
        code = self._process.wait(timeout=_STOP_SECONDS)
        if self._process.stdin is not None:
            self._process.stdin.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.kill9()


@contextmanager
def two_servers(database_url: str, secrets: str, folder: Path, **settings: str) -> Iterator[Sequence[Server]]:
    """Two servers on one database, ready."""
    with (
        Server(database_url, secrets, folder / "one", **settings) as one,
        Server(database_url, secrets, folder / "two", **settings) as two,
    ):
        yield one.ready(), two.ready()


def _serve(listener: socket.socket) -> None:
    """In the child: as `portal serve` runs one worker, without preparing the database."""
    import uvicorn

    from app.settings import load_settings
    from app.subscriptions import socket_options

    # The other end of standard input closes when the tests end, however they end.
    threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
    config = uvicorn.Config(
        "app.asgi:create_app",
        factory=True,
        loop="uvloop",
        http="httptools",
        **socket_options(load_settings()),
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))

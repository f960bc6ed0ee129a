"""`portal serve`: the database, the web application and its workers, from start to Ctrl-C."""

import asyncio
import errno
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from multiprocessing.process import BaseProcess
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from app import demo
from app.asgi import create_app, utc_now
from app.courier import carrier_of
from app.help_texts import insist_on_help_texts
from app.policy import insist_on_table
from app.problems import PlainProblem
from app.running import insist_on_secrets, opened, with_database
from app.settings import Settings, keyring
from app.subscriptions import socket_options
from db import connection
from db.secrets import Keyring
from resolvers.demo import is_empty

GRACE_SECONDS = 10


def serve(settings: Settings) -> None:
    """Runs until it is told to stop, and ends everything that it started.

    Raises:
        PlainProblem: names what keeps it from starting.
    """
    with _listening(settings) as listener:
        keys = keyring(settings)
        insist_on_table(settings)
        insist_on_help_texts(settings)
        carrier_of(settings, utc_now)
        with with_database(settings) as ready:
            _run(ready, listener, asyncio.run(_prepare(ready, keys)))


def _listening(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(1024)
    except OSError as failed:
        listener.close()
        what = f"Port {settings.port} on {settings.host} cannot be used: {failed.strerror}"
        at_fault = "PORTAL_PORT" if failed.errno in {errno.EADDRINUSE, errno.EACCES} else "PORTAL_HOST"
        raise PlainProblem(f"{what}. Set {at_fault} to another one.") from None
    return listener


async def _prepare(settings: Settings, keys: Keyring) -> dict[str, Any] | None:
    """Brings the database up to date in development, insists that it is in production, and makes the demo district.

    Returns what there is to try in the demo district; None where there is none.
    """
    async with opened(settings):
        pending = await connection.pending_migrations()
        if settings.in_production:
            if pending:
                raise PlainProblem(f"The database lacks {len(pending)} migration(s): run `portal migrate` first.")
        elif pending:
            await connection.migrate()
        await insist_on_secrets(keys)
        if settings.in_production:
            return None
        if await is_empty():
            sys.stdout.write("The database is empty: making a demo district of about 300 students.\n")
            sys.stdout.flush()
            try:
                await demo.make_demo(settings)
            except OSError as failed:
                raise PlainProblem(f"The folder {settings.var} cannot be written: {failed.strerror}.") from None
        return await demo.facts_to_try(settings)


def _run(settings: Settings, listener: socket.socket, facts: dict[str, Any] | None) -> None:
    config = uvicorn.Config(
        "app.serve:worker",
        factory=True,
        workers=settings.workers,
        loop="uvloop",
        http="httptools",
        **socket_options(settings),
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    host, port = listener.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    threading.Thread(target=_announce, args=(address, facts), daemon=True).start()
    server = uvicorn.Server(config)
    try:
        if settings.workers == 1:
            server.run(sockets=[listener])
        else:
            Multiprocess(config, sockets=[listener]).run()
    except (KeyboardInterrupt, SystemExit):
        # uvicorn hands on the signal that it has stopped for: being told to stop is no failure of a server.
        pass
    if settings.workers == 1 and not server.started:
        raise PlainProblem("The server did not start; the lines above say why.")


def worker() -> Starlette:
    """The application of one worker process, which ends when the process that started it is gone, however it went.

    A worker left alone would keep the port, and there would be nobody to stop it.
    """
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    return create_app()


def _follow(parent: BaseProcess) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _announce(address: str, facts: dict[str, Any] | None) -> None:
    """Says how to go on, once the server answers."""
    while True:
        try:
            if httpx.get(f"{address}/readyz", timeout=2).status_code == httpx.codes.OK:
                break
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    text = demo.next_step(facts, address) if facts else f"Portal Access is running: {address}/graphql\n"
    os.write(sys.stdout.fileno(), text.encode())

"""Prints each change of an account as it happens, and goes on where it stopped, however it stopped.

    python follow.py https://portal.example.org place.txt

The key of the service client comes from the environment, PORTAL_CLIENT_KEY. `ariadne-codegen` makes portal_client.
"""

import asyncio
import os
import sys
from pathlib import Path

from portal_client import Client, GraphQLClientGraphQLMultiError
from websockets.exceptions import ConnectionClosed, WebSocketException

#: Seconds between two tries to connect: the first, and the longest.
FIRST, LONGEST = 1.0, 60.0
#: The portal closes with these when whoever asks is not let in, or not any longer.
NOT_LET_IN = (4401, 4403)


def remembered(place: Path) -> str | None:
    """The cursor of the last change that was told."""
    return place.read_text(encoding="ascii") if place.exists() else None


def remember(place: Path, cursor: str) -> None:
    """Writes it down: the old one or the new one, and never half of it."""
    beside = place.with_suffix(".new")
    beside.write_text(cursor, encoding="ascii")
    beside.replace(place)


async def follow(url: str, key: str, place: Path) -> None:
    """Follows for ever. The cursor is written down when its change was told, so that none is missed; where the power
    went in between, the last one is told again."""
    wait = FIRST
    while True:
        try:
            client = Client(
                ws_url=f"{url.replace('http', 'ws', 1)}/graphql",
                ws_connection_init_payload={"authorization": f"Bearer {key}"},
            )
            async for told in client.account_status_changed(after=remembered(place)):
                change = told.account_status_changed
                print(change.at.isoformat(), change.account.id, change.status.value, flush=True)
                remember(place, change.cursor)
                wait = FIRST
        except GraphQLClientGraphQLMultiError as refused:
            # Such as a cursor that is too old: nobody but a person can say what to do.
            raise SystemExit(f"The portal refuses: {refused}") from None
        except (OSError, WebSocketException) as lost:
            if isinstance(lost, ConnectionClosed) and lost.rcvd and lost.rcvd.code in NOT_LET_IN:
                raise SystemExit(f"The portal does not let this client in: {lost.rcvd.code}") from None
            # A proxy's answer while the portal is away is no socket either.
            print(f"No connection ({type(lost).__name__}); again in {wait:g} seconds.", file=sys.stderr, flush=True)
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST)


if __name__ == "__main__":
    asyncio.run(follow(sys.argv[1].rstrip("/"), os.environ["PORTAL_CLIENT_KEY"], Path(sys.argv[2])))

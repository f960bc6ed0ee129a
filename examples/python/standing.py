"""Counts the accounts that a reporting client sees, once by reading all pages and once as the portal counts them.

    python standing.py https://portal.example.org

The key of the service client comes from the environment, PORTAL_CLIENT_KEY. `ariadne-codegen` makes portal_client.
"""

import asyncio
import os
import sys
from collections import Counter

from portal_client import Client


async def standing(url: str, key: str) -> tuple[Counter[str], dict[str, int]]:
    """How many accounts stand in each way: read, and as counted by the portal."""
    client = Client(url=f"{url}/graphql", headers={"Authorization": f"Bearer {key}"})
    read: Counter[str] = Counter()
    after = None
    while True:
        page = (await client.accounts(after=after)).accounts
        read.update(edge.node.status.value for edge in page.edges)
        after = page.page_info.end_cursor
        if not page.page_info.has_next_page:
            break
    counted = (await client.account_counts()).account_counts
    return read, {each.key: each.count for each in counted}


if __name__ == "__main__":
    found, told = asyncio.run(standing(sys.argv[1].rstrip("/"), os.environ["PORTAL_CLIENT_KEY"]))
    for status, count in sorted(found.items()):
        print(f"{status:15} {count:7} read {told.get(status, 0):7} counted")

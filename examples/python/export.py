"""Reads the export of a report into a table, with the right types, and says how many accounts stand in each way.

    python export.py https://portal.example.org accounts "Weekly figures for the board"

The key of the service client comes from the environment, PORTAL_CLIENT_KEY.
"""

import io
import os
import sys

import httpx
import pandas


def table(url: str, key: str, report: str, purpose: str, **asked: str) -> pandas.DataFrame:
    """The rows of a report, narrowed and laid out as asked. A file that was cut off raises, and is never taken for a
    whole one."""
    answer = httpx.get(
        f"{url}/reports/{report}.csv",
        params={"purpose": purpose, **asked},
        headers={"Authorization": f"Bearer {key}"},
        timeout=300,
    )
    answer.raise_for_status()
    # What looks like a formula comes with an apostrophe before it, for spreadsheets: here it is taken away again.
    rows = pandas.read_csv(io.BytesIO(answer.content), dtype="string", keep_default_na=False)
    return rows.apply(lambda column: column.str.removeprefix("'"))


if __name__ == "__main__":
    rows = table(sys.argv[1].rstrip("/"), os.environ["PORTAL_CLIENT_KEY"], sys.argv[2], sys.argv[3])
    print(rows["status"].value_counts().sort_index().to_string())

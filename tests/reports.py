"""A client that fetches reports as files, and reads them as a program would."""

import csv
import io
from dataclasses import dataclass
from typing import Any

import httpx

from app.export_csv import as_on_record
from tests.clients import Portal

PURPOSE = "For the principal's meeting"


@dataclass(frozen=True, slots=True)
class Reports:
    """Fetches through a portal, as whoever is signed in there."""

    portal: Portal

    async def get(self, file: str, *, token: str | None = None, headers: Any = None, **asked: Any) -> httpx.Response:
        """One request for a file; a purpose is given unless it is `None`."""
        words = {"purpose": PURPOSE} | asked
        bearer = token or self.portal.token
        told = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return await self.portal.http.get(
            f"/reports/{file}",
            params={name: word for name, word in words.items() if word is not None},
            headers=told | (headers or {}),
        )

    async def rows(self, report: str, **asked: Any) -> list[dict[str, str]]:
        """The rows of a CSV, as they are on record."""
        answer = await self.get(f"{report}.csv", **asked)
        assert answer.status_code == 200, answer.text
        return read_csv(answer.text)


def read_csv(text: str) -> list[dict[str, str]]:
    """The rows of a CSV by the keys of their columns."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return [{key: as_on_record(cell) for key, cell in row.items()} for row in rows]

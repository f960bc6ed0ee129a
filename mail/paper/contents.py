"""What a letter on paper tells: everything its text needs, and nothing to look up."""

from dataclasses import dataclass
from datetime import datetime

from db.context import Capacity
from mail.contents import School


@dataclass(frozen=True, slots=True)
class Seen:
    """A student whom the key shows, and the school, if there is one today."""

    name: str
    school: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLetter:
    """A key for one person."""

    name: str
    #: As on an envelope, below the name; empty where no address is on record.
    address: tuple[str, ...]
    capacity: Capacity
    students: tuple[Seen, ...]
    #: Whom to call.
    schools: tuple[School, ...]
    #: 32 hexadecimal digits.
    key: str
    #: The front end's page, with the key: for the square.
    link: str
    #: None for never.
    expires_at: datetime | None
    #: When it is printed.
    at: datetime

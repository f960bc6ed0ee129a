"""To whom letters about a student go, and to which address none does, whoever else has it."""

from collections.abc import Iterable

from db.sql import Row
from mail.outbox import Addressee, folded_address
from policies.guardianship import Standing

#: Who is so hears of the student no more, nor does anybody through the same address.
KEPT_AWAY = frozenset({Standing.REVOKED, Standing.RESTRICTED})


def addressees(rows: Iterable[Row], kept_away: Iterable[Row]) -> list[Addressee]:
    """These people, but for addresses that somebody who is kept away reads as well: parents may have shared one."""
    theirs = {folded_address(row["email"]) for row in kept_away if row["email"]}
    return [
        Addressee(row["person_id"], row["email"], row["language"])
        for row in rows
        if row["email"] and folded_address(row["email"]) not in theirs
    ]

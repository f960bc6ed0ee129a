"""Reading the trail: who did what about whom. Whoever reads it leaves an entry too."""

from dataclasses import dataclass
from datetime import datetime

from db.context import Context
from db.queries import trail as queries
from db.sql import Row
from db.trail import Step
from policies.refusals import NotFound
from policies.usernames import folded
from resolvers.step import taking


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entries: about whom, by whom, since when, and the newest so many. A person is a username, a student number
    or the number of the person in the roster's source."""

    about: str | None = None
    by: str | None = None
    since: datetime | None = None
    limit: int = 50


async def show(ctx: Context, asked: Asked) -> list[Row]:
    """The entries, the oldest first, as `db.queries.trail.ENTRIES` gives them; without the one about this step.

    Raises:
        NotFound: when nobody is known by what stands for a person.
    """
    async with taking(ctx, Step.SHOW_TRAIL) as step:
        about = await _people(asked.about)
        by = await _people(asked.by)
        if about is not None and len(about) == 1:
            [step.note.about_person_id] = about
        step.note.details = {"limit": asked.limit} | ({"by_person_ids": by} if by else {})
        if about == [] or by == []:
            raise NotFound
        return await queries.entries(about, by, asked.since, asked.limit)


async def _people(who: str | None) -> list[int] | None:
    """Everybody who may be meant; None where nobody was named."""
    return None if who is None else await queries.people(who.strip(), folded(who))

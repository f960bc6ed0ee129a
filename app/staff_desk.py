"""Where the steps of `portal staff` are run: on the database of the settings, each on a context of its own moment."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from app.problems import PlainProblem
from app.running import operating, settings_and_logs, with_database
from app.settings import Settings
from db.context import Context
from resolvers.staff import StaffProblem

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Desk:
    """The settings, and a database that stays as long as the command runs."""

    settings: Settings

    def run(self, work: Callable[[Context], Coroutine[Any, Any, _T]]) -> _T:
        """The result of a step.

        Raises:
            PlainProblem: when it cannot be done.
        """
        try:
            return asyncio.run(self._run(work))
        except StaffProblem as problem:
            raise PlainProblem(str(problem)) from None

    async def _run(self, work: Callable[[Context], Coroutine[Any, Any, _T]]) -> _T:
        async with operating(self.settings) as ctx:
            return await work(ctx)


@contextmanager
def desk() -> Iterator[Desk]:
    """The desk for one command.

    Raises:
        PlainProblem: when a setting is not right, or the database cannot be reached.
    """
    with with_database(settings_and_logs()) as ready:
        yield Desk(ready)

"""Where the rows of a report come from, a batch at a time and by keyset: of accounts, of students, of pairs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol

from db.context import Context
from db.queries import duplicates as pairs_queries
from db.queries import reporting as account_queries
from db.queries import reports as queries
from db.queries import reports_students as student_queries
from db.queries.reach import Reach
from db.queries.reporting import AccountOrder, EmailProblem, Place, Wanted
from db.queries.reports_groups import groups
from db.queries.reports_students import StudentReport
from resolvers.report_catalogue import Kept, Tells
from resolvers.report_columns import BESIDE, EMAIL
from resolvers.report_outcomes import ReportAsked, ReportName
from resolvers.report_rights import Sight


@dataclass(frozen=True, slots=True)
class AccountPosition:
    """Where an account stands in the order in which a reading began."""

    place: Place
    order: AccountOrder
    descending: bool
    began: datetime


#: Where a row stands among the others: an account in its order, an id, or two.
Position = AccountPosition | int | tuple[int, int]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Placed:
    """A row, and the position after which the next page begins."""

    row: Row
    position: Position


class Source(Protocol):
    """The rows of one report, as one asker sees them."""

    async def page(self, after: Position | None, limit: int) -> list[Placed]:
        """The rows from the one after that position, `limit` at most."""

    async def count(self) -> int:
        """How many there are in all."""

    def has(self, position: Position) -> bool:
        """Whether it is a position of such rows at all."""


def source_of(ctx: Context, kept: Kept, seen: Sight, asked: ReportAsked) -> Source:
    """Where the rows of a report come from that was checked and preset."""
    if kept.tells is Tells.PAIRS:
        return Pairs(ctx, seen.students, asked.wanted)
    report = _STUDENT_REPORTS.get(asked.name)
    if report is not None:
        return Students(ctx, report, seen.students, asked.wanted)
    if asked.group_by:
        return Groups(ctx, seen, asked)
    return Accounts(ctx, seen, asked)


_STUDENT_REPORTS: Final[Mapping[ReportName, StudentReport]] = {
    ReportName.STUDENTS_WITHOUT_ACTIVATED_GUARDIAN: student_queries.STUDENTS_ALONE,
    ReportName.GUARDIANS_WITHOUT_PORTAL_MARK: student_queries.WITHOUT_PORTAL_MARK,
    ReportName.UNUSABLE_SSNS: student_queries.UNUSABLE_SSNS,
}


# ------------------------------------------------------------------------------------------------ accounts
def _each(asked: ReportAsked) -> list[Wanted]:
    """What is wanted, as it can be looked for: an address that is missing, and one that is shared, one by one."""
    if asked.name is ReportName.EMAIL_PROBLEMS and asked.wanted.email is None:
        return [replace(asked.wanted, email=problem) for problem in EmailProblem]
    return [asked.wanted]


@dataclass(frozen=True, slots=True)
class Accounts:
    """The very list that `accounts` gives, within what the report tells of."""

    ctx: Context
    seen: Sight
    asked: ReportAsked

    async def page(self, after: Position | None, limit: int) -> list[Placed]:
        before = after if isinstance(after, AccountPosition) else None
        found: list[Row] = []
        for wanted in _each(self.asked):
            page = await account_queries.page(
                self.seen.accounts,
                wanted,
                order=self.asked.order,
                descending=self.asked.descending,
                on=self.ctx.today,
                now=self.ctx.now,
                with_schools="schools" in self.asked.columns,
                after=before.place if before else None,
                limit=limit,
            )
            found += page.rows
        # Of several lists, each by id, the first rows of all.
        if len(_each(self.asked)) > 1:
            found = sorted(found, key=lambda row: row["account_id"], reverse=self.asked.descending)[:limit]
        more = await self._beside([row["account_id"] for row in found])
        began = before.began if before else self.ctx.now
        return [
            Placed(
                self._shown(row) | more.get(row["account_id"], _NOTHING_MORE),
                AccountPosition(row["place"], self.asked.order, self.asked.descending, began),
            )
            for row in found
        ]

    def has(self, position: Position) -> bool:
        return isinstance(position, AccountPosition) and (
            (position.order, position.descending) == (self.asked.order, self.asked.descending)
        )

    async def count(self) -> int:
        counted = 0
        for wanted in _each(self.asked):
            counted += await account_queries.count(self.seen.accounts, wanted, on=self.ctx.today, now=self.ctx.now)
        return counted

    async def _beside(self, account_ids: list[int]) -> dict[int, dict[str, Any]]:
        if not account_ids or BESIDE.isdisjoint(self.asked.columns):
            return {}
        return await queries.beside(
            self.seen.accounts,
            account_ids,
            numbers=self.seen.numbers,
            usernames=self.seen.usernames,
            with_email=not set(EMAIL).isdisjoint(self.asked.columns),
            on=self.ctx.today,
        )

    def _shown(self, row: Row) -> dict[str, Any]:
        """The account with the wait after wrong passwords as its status, while there is one."""
        locked_until = row["locked_until"]
        if locked_until is None or locked_until <= self.ctx.now:
            return dict(row) | {"locked_until": None}
        return dict(row) | ({"status": "LOCKED"} if row["status"] == "ACTIVE" else {})


#: Of an account that is in reach no more: that it was is all that is told.
_NOTHING_MORE: Final[dict[str, Any]] = dict.fromkeys(
    (
        *("grade_levels", "student_number", "username", "key_issued_at", "key_expires_at"),
        *("email_problem", "email_shared_by"),
    )
)


@dataclass(frozen=True, slots=True)
class Groups:
    """The same accounts counted. There are as many groups as kinds: all come at once."""

    ctx: Context
    seen: Sight
    asked: ReportAsked

    async def page(self, after: Position | None, limit: int) -> list[Placed]:
        begins = after if isinstance(after, int) else 0
        placed = [Placed(row, number) for number, row in enumerate(await self._all(), start=1)]
        return placed[begins : begins + limit]

    def has(self, position: Position) -> bool:
        return isinstance(position, int)

    async def count(self) -> int:
        return len(await self._all())

    async def _all(self) -> list[Row]:
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for wanted in _each(self.asked):
            rows = await groups(self.seen.accounts, wanted, self.asked.group_by, on=self.ctx.today, now=self.ctx.now)
            for row in rows:
                kind = tuple(value for name, value in row.items() if name != "count")
                before = found.setdefault(kind, dict(row) | {"count": 0})
                before["count"] += row["count"]
        return list(found.values())


# ------------------------------------------------------------------------------------------------ students
@dataclass(frozen=True, slots=True)
class Students:
    """Students, or their guardianships, by id."""

    ctx: Context
    report: StudentReport
    reach: Reach
    wanted: Wanted

    async def page(self, after: Position | None, limit: int) -> list[Placed]:
        begins = after if isinstance(after, int) else 0
        rows = await student_queries.page(
            self.report, self.reach, self._whose(), on=self.ctx.today, after=begins, limit=limit
        )
        return [Placed(row, row["id"]) for row in rows]

    def has(self, position: Position) -> bool:
        return isinstance(position, int)

    async def count(self) -> int:
        return await student_queries.count(self.report, self.reach, self._whose(), on=self.ctx.today)

    def _whose(self) -> student_queries.Asked:
        return student_queries.Asked(self.wanted.school_id, self.wanted.grade_level)


# ------------------------------------------------------------------------------------------------ pairs
@dataclass(frozen=True, slots=True)
class Pairs:
    """Two records of one human being, as likely as not; all students of both are in reach."""

    ctx: Context
    reach: Reach
    wanted: Wanted

    async def page(self, after: Position | None, limit: int) -> list[Placed]:
        begins = after if isinstance(after, tuple) else None
        rows = await pairs_queries.pairs(
            self.reach, self.wanted.school_id, on=self.ctx.today, after=begins, limit=limit
        )
        return [Placed(self._shown(row), (row["first_id"], row["second_id"])) for row in rows]

    def has(self, position: Position) -> bool:
        return isinstance(position, tuple)

    async def count(self) -> int:
        return await pairs_queries.count_pairs(self.reach, self.wanted.school_id, on=self.ctx.today)

    def _shown(self, row: Row) -> Row:
        return dict(row) | {which: self._within(row[which]) for which in ("first", "second")}

    def _within(self, record: Row) -> Row:
        """The record with those of its schools that are in reach."""
        schools = [each for each in record["schools"] if self.reach.everywhere or each["id"] in self.reach.schools]
        return dict(record) | {"schools": schools}

"""Reading the accounts page by page while they change: whoever is there all the while is shown once, in any order."""

import asyncio
import base64
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from db import sql
from db.context import Role
from db.models import AccountOrderChange, School
from db.queries.housekeeping import throw_away
from resolvers.reporting import AccountOrder, Place
from schema.account_cursors import LIFETIME, account_cursor, read_account_cursor
from schema.errors import BadRequest
from schema.nodes import number_of
from tests.clients import Answer, Portal
from tests.conftest import Clock, Statements
from tests.crowds import FIRST, fill
from tests.desk import at_desk
from tests.district import PASSWORD, District

PAGE = """
query Page($filter: AccountFilter, $orderBy: AccountOrder!, $descending: Boolean!, $first: Int!, $after: String) {
  accounts(filter: $filter, orderBy: $orderBy, descending: $descending, first: $first, after: $after) {
    edges { node { id holder { family given } lastLoginAt } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
ORDERS = [(order.value, descending) for order in AccountOrder for descending in (False, True)]


async def _page(portal: Portal, order: str, *, descending: bool, after: str | None, **more: Any) -> Answer:
    variables = {"first": 100, **more, "orderBy": order, "descending": descending, "after": after}
    page: Answer = (await portal.ask(PAGE, variables))["accounts"]
    return page


def _ids(page: Answer) -> list[str]:
    return [edge["node"]["id"] for edge in page["edges"]]


class Bustle:
    """What goes on in a district: log-ins, new names, accounts disabled and enabled, new people, moves."""

    def __init__(self, seed: str, accounts: int) -> None:
        self.random = random.Random(seed)
        self.accounts = accounts
        self.added = 0
        self.moved: set[int] = set()

    def some(self, count: int) -> list[int]:
        return [FIRST + 1 + self.random.randrange(self.accounts) for _ in range(count)]

    async def goes_on(self, count: int) -> None:
        """So many changes, a third of them log-ins and a third names."""
        third, few = count // 3 + 1, count // 20 + 1
        await sql.rows(
            "UPDATE account SET last_login_at = now() - random() * interval '200 days', activated_at = now(), "
            "username = 'crowd' || id, username_folded = 'crowd' || id, "
            "status = CASE status WHEN 'NOT_ACTIVATED' THEN 'ACTIVE' ELSE status END WHERE id = ANY ($1)",
            self.some(third),
        )
        await sql.rows(
            "UPDATE person SET family = chr(97 + (random() * 25)::int) || substr(family, 2) WHERE id = ANY ($1)",
            self.some(third),
        )
        await sql.rows(
            "UPDATE account SET status = CASE status WHEN 'ACTIVE' THEN 'DISABLED' ELSE 'ACTIVE' END, "
            "disabled_reason = CASE status WHEN 'ACTIVE' THEN 'STAFF_DECISION' END "
            "WHERE id = ANY ($1) AND status <> 'NOT_ACTIVATED'",
            self.some(third),
        )
        moving = self.some(few)
        self.moved.update(moving)
        await sql.rows(
            "UPDATE enrolment e SET school_id = (SELECT s.id FROM school s ORDER BY random() + e.id * 0 LIMIT 1) "
            "WHERE e.student_id = ANY ($1)",
            moving,
        )
        for _ in range(few):
            self.added += 1
            await sql.rows(
                "WITH p AS (INSERT INTO person (id, given, family) VALUES ($1, 'New', $2) RETURNING id), "
                "s AS (INSERT INTO student (id, student_number, number_is_shared, ssn_state) "
                "      SELECT id, 'N' || id, false, 'NOT_ON_FILE' FROM p RETURNING id) "
                "INSERT INTO enrolment (student_id, school_id) SELECT id, $3 FROM s",
                *(2 * FIRST + self.added, self.random.choice("abcdefghijklmnop"), FIRST + 1),
            )
            await sql.rows(
                "INSERT INTO account (id, person_id, capacity, status, must_change_password) "
                "VALUES ($1, $1, 'STUDENT', 'NOT_ACTIVATED', false)",
                2 * FIRST + self.added,
            )

    async def who_moved(self) -> set[int]:
        """The students who moved, and their guardians."""
        rows = await sql.rows(
            "SELECT guardian_id AS id FROM guardianship WHERE student_id = ANY ($1) UNION SELECT unnest($1)",
            sorted(self.moved),
        )
        return {row["id"] for row in rows}


async def _read_while_it_goes_on(portal: Portal, bustle: Bustle, changes: int, order: str, *, descending: bool) -> None:
    """Everything is read; `changes` come about meanwhile, evenly."""
    pages = bustle.accounts // 100
    shown: list[int] = []
    after, more = None, True
    while more:
        page = await _page(portal, order, descending=descending, after=after)
        shown += [number_of(id_, "Account") or 0 for id_ in _ids(page)]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        await bustle.goes_on(changes // pages + 1)
    throughout = set(range(FIRST + 1, FIRST + bustle.accounts + 1))
    moved = await bustle.who_moved()
    if order == "SCHOOL":
        throughout -= moved
        shown = [id_ for id_ in shown if id_ not in moved]
    assert len(shown) == len(set(shown))
    assert throughout <= set(shown)


@pytest.mark.parametrize(("order", "descending"), ORDERS)
async def test_each_account_that_is_there_all_the_while_is_shown_once(
    portal: Portal, district: District, order: str, *, descending: bool
) -> None:
    await fill(2000)
    await at_desk(portal, district, Role.REPORTER)
    await _read_while_it_goes_on(portal, Bustle(order, 2000), 200, order, descending=descending)


@pytest.mark.parametrize(("order", "descending"), [("NAME", False), ("LAST_LOGIN", True), ("SCHOOL", True)])
async def test_whoever_stays_at_a_school_is_shown_once_to_its_staff(
    portal: Portal, district: District, order: str, *, descending: bool
) -> None:
    await fill(1500)
    school = await School.get(id=FIRST + 1)
    await at_desk(portal, district, Role.REPORTER, school)
    bustle = Bustle(order, 1500)

    async def read(changes: int) -> list[str]:
        shown: list[str] = []
        page: Answer = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
        while page["pageInfo"]["hasNextPage"]:
            page = await _page(portal, order, descending=descending, after=page["pageInfo"]["endCursor"])
            shown += _ids(page)
            if changes:
                await bustle.goes_on(changes)
        return shown

    before, shown, after = await read(0), await read(30), await read(0)
    moved = await bustle.who_moved()
    throughout = {id_ for id_ in {*before} & {*after} if number_of(id_, "Account") not in moved}
    assert len(throughout) > 500
    assert len(shown) == len(set(shown))
    assert throughout <= set(shown)


@pytest.mark.full
@pytest.mark.parametrize(("order", "descending"), ORDERS)
async def test_each_of_fifty_thousand_accounts_is_shown_once_while_five_thousand_change(
    portal: Portal, district: District, order: str, *, descending: bool
) -> None:
    await fill(50_000)
    await at_desk(portal, district, Role.REPORTER)
    await _read_while_it_goes_on(portal, Bustle(order, 50_000), 5000, order, descending=descending)


# ------------------------------------------------------------------------------------------------ what is under way
async def test_what_was_not_committed_when_the_first_page_was_read_changes_no_later_page(
    portal: Portal, district: District, database_url: str
) -> None:
    """The first page shows a name before a change that is under way, a later one would show it once more after it."""
    school = await district.school()
    pupils = [await district.student(f"Child {n}", ssn="", school=school) for n in range(6)]
    for n, pupil in enumerate(pupils):
        await sql.execute("UPDATE person SET family = $2 WHERE id = $1", pupil.id, f"{'bcdefg'[n]}ay")
    reporter = await at_desk(portal, district, Role.REPORTER)
    await sql.execute("UPDATE person SET family = 'Ahn' WHERE id = $1", reporter.id)
    other = await asyncpg.connect(database_url)
    try:
        renaming = other.transaction()
        await renaming.start()
        # From before the first page's end to behind it, and the other way.
        await other.execute("UPDATE person SET family = 'zay' WHERE id = $1", pupils[0].id)
        await other.execute("UPDATE person SET family = 'aay' WHERE id = $1", pupils[5].id)
        first = await _page(portal, "NAME", descending=False, after=None, first=3)
        await renaming.commit()
    finally:
        await other.close()
    rest = await _page(portal, "NAME", descending=False, after=first["pageInfo"]["endCursor"], first=10)
    assert [edge["node"]["holder"]["family"] for edge in first["edges"]] == ["Ahn", "bay", "cay"]
    assert [edge["node"]["holder"]["family"] for edge in rest["edges"]] == ["day", "eay", "fay", "aay"]
    anew = await _page(portal, "NAME", descending=False, after=None)
    families = ["aay", "Ahn", "cay", "day", "eay", "fay", "zay"]
    assert [edge["node"]["holder"]["family"] for edge in anew["edges"]] == families


async def test_an_account_that_changes_again_and_again_stays_where_it_was_at_first(
    portal: Portal, district: District
) -> None:
    school = await district.school()
    pupils = [await district.student(f"Child {n}", ssn="", school=school) for n in range(4)]
    now = district.ctx.now
    for n, pupil in enumerate(pupils):
        await district.opened(pupil, f"pupil{n}")
        await sql.execute("UPDATE account SET last_login_at = $2 WHERE id = $1", pupil.account_id, now + n * _DAY)
    await at_desk(portal, district, Role.REPORTER, school)
    page = await _page(portal, "LAST_LOGIN", descending=False, after=None, first=2, filter={"capacity": "STUDENT"})
    shown = _ids(page)
    for back in (9, 1, 30):
        for pupil in pupils:
            await sql.execute(
                "UPDATE account SET last_login_at = $2 WHERE id = $1", pupil.account_id, now - back * _DAY
            )
    page = await _page(
        portal, "LAST_LOGIN", descending=False, after=page["pageInfo"]["endCursor"], filter={"capacity": "STUDENT"}
    )
    assert [number_of(id_, "Account") for id_ in (*shown, *_ids(page))] == [pupil.account_id for pupil in pupils]


async def test_an_account_is_sorted_by_its_holders_name_whatever_becomes_of_either(
    district: District, database_url: str
) -> None:
    """Also of an account that is added while the name changes."""
    nora = await district.student()
    other = await asyncpg.connect(database_url)
    try:
        renaming = other.transaction()
        await renaming.start()
        await other.execute("UPDATE person SET family = 'O’Hára' WHERE id = $1", nora.id)
        adding = asyncio.create_task(
            sql.execute(
                "INSERT INTO account (person_id, capacity, status, must_change_password) "
                "VALUES ($1, 'GUARDIAN', 'NOT_ACTIVATED', false)",
                nora.id,
            )
        )
        async with asyncio.timeout(20):
            while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await renaming.commit()
        await adding
    finally:
        await other.close()
    rows = await sql.rows("SELECT name_key FROM account WHERE person_id = $1", nora.id)
    assert [row["name_key"] for row in rows] == ["ohara nora", "ohara nora"]


_DAY = timedelta(days=1)


# ------------------------------------------------------------------------------------------------ cursors
def _forged(*said: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(said)).decode().rstrip("=")


@pytest.mark.parametrize(
    "snapshot",
    [None, 7, "", "1", "1:2", "0:0:", "5:3:", "3:9:2", "3:9:9", "3:9:5,5", "3:9:6,5", "3:9:5,", f"1:{2**63}:", "1:2:'"],
)
def test_a_snapshot_that_is_none_is_refused_before_the_database_sees_it(snapshot: object) -> None:
    now = datetime(2026, 10, 5, 17, tzinfo=UTC)
    text = _forged("NAME", False, int(now.timestamp()), snapshot, 5, "a b")
    with pytest.raises(BadRequest, match="not a cursor of this connection"):
        read_account_cursor(text, AccountOrder.NAME, descending=False, now=now)


@pytest.mark.parametrize(
    "said",
    [
        ("ID", False, 0, None, -1),
        ("ID", False, 0, None, 2**63),
        ("ID", False, 0, None, True),
        ("ID", False, 0, "1:1:", 5),
        ("ID", False, 0, None, 5, "a"),
        ("NAME", False, 0, "1:1:", 5),
        ("NAME", False, 0, "1:1:", 5, "a\0"),
        ("NAME", False, 0, "1:1:", 5, "a" * 201),
        ("NAME", False, 0, "1:1:", 5, None),
        ("NAME", False, 0, "1:1:", 5, "a", "School", 1),
        ("SCHOOL", False, 0, "1:1:", 5, "a", "School", None),
        ("SCHOOL", False, 0, "1:1:", 5, "a", None, 1),
        ("LAST_LOGIN", False, 0, "1:1:", 5, 2**63),
        ("LAST_LOGIN", False, 0, "1:1:", 5, "2026-10-05"),
        ("LAST_LOGIN", False, 0, "1:1:", 5, 2**58 - 1),
        ("WHIM", False, 0, "1:1:", 5),
        ("ID", False, "now", None, 5),
        ("ID", False),
        (),
    ],
)
def test_what_is_no_cursor_of_ours_is_refused(said: tuple[Any, ...]) -> None:
    now = datetime(2026, 10, 5, 17, tzinfo=UTC)
    said = tuple(int(now.timestamp()) if place == 2 and part == 0 else part for place, part in enumerate(said))
    order = AccountOrder(said[0]) if said and said[0] in set(AccountOrder) else AccountOrder.ID
    with pytest.raises(BadRequest, match="not a cursor of this connection"):
        read_account_cursor(_forged(*said), order, descending=False, now=now)


def test_a_cursor_holds_for_a_day_and_in_its_own_order() -> None:
    began = datetime(2026, 10, 5, 17, tzinfo=UTC)
    place = Place(5, name="o hara", school=("Hillside", 3), snapshot="3:9:3,5")
    text = account_cursor(place, AccountOrder.SCHOOL, descending=True, began=began)

    def read(order: AccountOrder, now: datetime, *, descending: bool = True) -> tuple[Place | None, datetime]:
        return read_account_cursor(text, order, descending=descending, now=now)

    assert read(AccountOrder.SCHOOL, began + LIFETIME) == (place, began)
    with pytest.raises(BadRequest, match="too old"):
        read(AccountOrder.SCHOOL, began + LIFETIME + timedelta(seconds=1))
    for order, descending in ((AccountOrder.NAME, True), (AccountOrder.SCHOOL, False)):
        with pytest.raises(BadRequest, match="another order"):
            read(order, began, descending=descending)
    with pytest.raises(BadRequest, match="not a cursor"):
        read(AccountOrder.SCHOOL, began - timedelta(hours=1))


async def test_where_accounts_stood_is_kept_for_longer_than_a_cursor_holds(district: District) -> None:
    nora = await district.student()
    await sql.execute("UPDATE person SET family = 'Zay' WHERE id = $1", nora.id)
    [kept] = await AccountOrderChange.all()
    assert (kept.account_id, kept.name_before, kept.login_before) == (nora.account_id, "quimby nora", None)
    ninety = timedelta(days=90)
    await throw_away(kept.at + LIFETIME + timedelta(hours=1), letters_for=ninety)
    assert await AccountOrderChange.all().count() == 1
    await throw_away(kept.at + timedelta(hours=49), letters_for=ninety)
    assert await AccountOrderChange.all().count() == 0


async def test_a_log_in_costs_the_statements_that_it_did(
    portal: Portal, district: District, statements: Statements, clock: Clock
) -> None:
    """Where the account stood is written by the database itself."""
    nora = await district.student()
    await district.opened(nora, "nora.q")
    await portal.login("nora.q", PASSWORD)
    await AccountOrderChange.all().delete()
    clock.advance(minutes=1)
    statements.take()
    await portal.login("nora.q", PASSWORD)
    assert not [text for text in statements.take() if "account_order_change" in text]
    [kept] = await AccountOrderChange.all()
    assert kept.account_id == nora.account_id

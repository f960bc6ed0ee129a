"""One predicate serves all ways of asking: list, single look, count, export, page of changes and subscription tell each
viewer of the same accounts, over real sessions and keys, through HTTP."""

import asyncio
import csv
import io
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import sql
from db.context import Capacity, Context
from db.models import ClientKind, RoleAssignment, School, ServiceClient
from db.secrets import SESSION_PREFIX, new_token, token_digest
from db.watching import Watch
from resolvers.changes import Followed, follow
from resolvers.client_desk import WantedClient, add_client
from resolvers.service_clients import identify
from schema.nodes import global_id, number_of
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.generated_districts import SCHOOLS, Looker, Town, accounts, put_on_record, towns
from tests.tables import as_superuser

PAGE = """
query Page($filter: AccountFilter, $after: String, $orderBy: AccountOrder!) {
  accounts(filter: $filter, first: 3, after: $after, orderBy: $orderBy) {
    totalCount edges { node { id } } pageInfo { hasNextPage endCursor }
  }
  accountCounts(filter: $filter, by: STATUS) { count }
}
"""
CHANGES = """
query Changes($schoolId: ID, $capacity: Capacity, $after: String) {
  accountChanges(schoolId: $schoolId, capacity: $capacity, first: 5, after: $after) {
    edges { node { account { id } } } pageInfo { hasNextPage endCursor }
  }
}
"""
#: Beside what makes a town: who looks at it, and what was told of the one before.
_OTHERS = "account_change, account_feed, session, role_assignment, client_key, service_client"
_PATIENCE = 30


@dataclass(frozen=True)
class Asked:
    """Who asks, by what is said in `Authorization`, and of which accounts."""

    authorization: str | None
    school: int | None
    capacity: Capacity | None

    @property
    def filter(self) -> Answer:
        school = None if self.school is None else global_id("School", self.school)
        return {"schoolId": school, "capacity": self.capacity.value if self.capacity else None}


async def begin(town: Town, *, now: datetime, ctx: Context) -> None:
    """The town on record, its changes from the beginning, and nobody signed in."""
    async with as_superuser():
        await sql.rows("TRUNCATE trail_entry, trail_unsealed")
        await sql.rows(
            "TRUNCATE account_change, account_feed, session, role_assignment, client_key, service_client CASCADE"
        )
        await put_on_record(town, now=now, today=ctx.today)


async def signed_in(looker: Looker, ctx: Context) -> str | None:
    """A session of whoever looks, whose account is open and whose roles are on record; nothing for nobody."""
    viewer = looker.viewer()
    if viewer is None:
        return None
    id_ = viewer.account_id
    await RoleAssignment.filter(person_id=id_).delete()
    for role, schools in looker.roles.items():
        for school in schools:
            await RoleAssignment.create(person_id=id_, role=role, school_id=school)
    await sql.execute(
        "UPDATE account SET status = 'ACTIVE', disabled_reason = NULL, must_change_password = false, "
        "username = coalesce(username, 'looker' || id), username_folded = coalesce(username_folded, 'looker' || id), "
        "activated_at = coalesce(activated_at, $2) WHERE id = $1",
        id_,
        ctx.now,
    )
    token = new_token(SESSION_PREFIX)
    await sql.execute(
        "INSERT INTO session (account_id, digest, started_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $3, $4)",
        id_,
        token_digest(token),
        ctx.now,
        ctx.now + timedelta(hours=1),
    )
    return f"Bearer {token}"


async def client_at(school: int | None, ctx: Context) -> str:
    """The key of a reporting client of one school, or of the district."""
    schools = () if school is None else (await School.get(id=school),)
    name = f"Client {await ServiceClient.all().count()}"
    _, issued = await add_client(ctx, WantedClient(name, ClientKind.REPORTING, (), schools, (), None))
    assert issued is not None
    return f"Bearer {issued.key}"


# ------------------------------------------------------------------------------------------------ the ways
async def listed(portal: Portal, asked: Asked, order: str) -> list[str]:
    """All pages; as many as are counted, in both ways of counting."""
    found: list[str] = []
    after = None
    while True:
        data = await ask(portal, asked, PAGE, {"filter": asked.filter, "after": after, "orderBy": order})
        page = data["accounts"]
        found += [edge["node"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(found) == sum(each["count"] for each in data["accountCounts"])
            return found


async def looked_at(portal: Portal, asked: Asked, town: Town) -> set[str]:
    """Those of all accounts that show themselves when they are asked for by id; there is no filter."""
    ids = [global_id("Account", id_) for id_, _, _ in accounts(town)]
    fields = " ".join(f'a{n}: account(id: "{id_}") {{ id }}' for n, id_ in enumerate(ids))
    return {each["id"] for each in (await ask(portal, asked, f"{{ {fields} }}", {})).values() if each}


async def exported(portal: Portal, asked: Asked) -> list[str] | None:
    """The rows of the file; None where there is none to be had."""
    chosen = {name: value for name, value in asked.filter.items() if value is not None}
    headers = {"Authorization": asked.authorization} if asked.authorization else {}
    answer = await portal.http.get(
        "/reports/accounts.csv", params={"columns": "accountId", "purpose": "A test", **chosen}, headers=headers
    )
    if answer.status_code in {401, 403}:
        return None
    assert answer.status_code == 200, answer.text
    [_, *rows] = csv.reader(io.StringIO(answer.text, newline=""))
    return [row[0] for row in rows]


async def told(portal: Portal, asked: Asked) -> list[str]:
    """The accounts of all changes that are read by pages, one for each change."""
    found: list[str] = []
    after = None
    while True:
        page = (await ask(portal, asked, CHANGES, {**asked.filter, "after": after}))["accountChanges"]
        found += [edge["node"]["account"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


async def followed(ctx: Context, asked: Asked, watch: Watch, *, count: int, one: str | None) -> list[str]:
    """The accounts of so many changes that a subscription tells from the first on; the next is one made after them."""
    seeing = await identify(replace(ctx, watch=watch), authorization=asked.authorization, client=None)
    wanted = Followed(asked.school, asked.capacity.value if asked.capacity else None)
    found: list[str] = []
    async with aclosing(follow(seeing, wanted, after=0)) as changes, asyncio.timeout(_PATIENCE):
        while len(found) < count:
            _, change = await anext(changes)
            found.append(global_id("Account", change.account.account_id))
        if one is not None:
            await change_once_more(number_of(one, "Account"))
            watch.wake()
            _, change = await anext(changes)
            assert global_id("Account", change.account.account_id) == one
    return found


async def change_once_more(account_id: int | None) -> None:
    """A change as the database writes it, which leaves the account as it is."""
    await sql.execute(
        "INSERT INTO account_change (account_id, capacity, at, status_before, status, disabled_reason) "
        "SELECT id, capacity, now(), status, status, disabled_reason FROM account WHERE id = $1",
        account_id,
    )


async def ask(portal: Portal, asked: Asked, query: str, variables: Answer) -> Answer:
    headers = {"Authorization": asked.authorization} if asked.authorization else {}
    answer = (await portal.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)).json()
    assert "errors" not in answer, answer
    data: Answer = answer["data"]
    return data


# ------------------------------------------------------------------------------------------------ the property
async def agrees(portal: Portal, ctx: Context, watch: Watch, town: Town, asked: Asked) -> None:
    """All ways tell of the same accounts."""
    shown = await listed(portal, asked, "ID")
    assert len(set(shown)) == len(shown)
    for order in ("NAME", "SCHOOL", "LAST_LOGIN"):
        assert sorted(await listed(portal, asked, order)) == sorted(shown)
    checked = await looked_at(portal, asked, town)
    if asked.school is None and asked.capacity is None:
        assert checked == set(shown)
    assert set(shown) <= checked
    file = await exported(portal, asked)
    assert (file or []) == shown
    changes = await told(portal, asked)
    assert set(changes) == set(shown)
    if file is not None:
        one = shown[0] if shown else None
        assert await followed(ctx, asked, watch, count=len(changes), one=one) == changes


@dataclass(frozen=True)
class Case:
    """A town, with whoever looks at it and a client of one school or of the district; and what the two ask for."""

    town: Town
    client_at: int | None
    school: int | None
    capacity: Capacity | None


_schools = st.none() | st.sampled_from(SCHOOLS)
_cases = st.builds(Case, towns(lookers=1), _schools, _schools, st.none() | st.sampled_from(Capacity))
_ANYWAY = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large)


async def _all_ways_agree(portal: Portal, ctx: Context, clock: Clock, case: Case) -> None:
    await begin(case.town, now=clock(), ctx=ctx)
    watch = Watch(clock)
    watching = asyncio.create_task(watch.run())
    try:
        [looker] = case.town.lookers
        for authorization in (await signed_in(looker, ctx), await client_at(case.client_at, ctx)):
            for school, capacity in ((None, None), (case.school, case.capacity)):
                await agrees(portal, ctx, watch, case.town, Asked(authorization, school, capacity))
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


@settings(max_examples=15, deadline=None, suppress_health_check=_ANYWAY)
@given(case=_cases)
async def test_all_ways_of_asking_tell_of_the_same_accounts(
    portal: Portal, ctx: Context, clock: Clock, case: Case
) -> None:
    await _all_ways_agree(portal, ctx, clock, case)


@pytest.mark.full
@settings(max_examples=500, deadline=None, derandomize=False, database=None, suppress_health_check=_ANYWAY)
@given(case=_cases)
async def test_all_ways_of_asking_agree_in_five_hundred_districts(
    portal: Portal, ctx: Context, clock: Clock, case: Case
) -> None:
    await _all_ways_agree(portal, ctx, clock, case)

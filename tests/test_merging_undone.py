"""Two records that were made one and two again are row for row what they were, whatever hung on them."""

from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given, settings

from db import sql
from db.context import Capacity, Role
from schema.nodes import global_id
from tests import documents
from tests.clients import Portal
from tests.desk import at_desk
from tests.district import District
from tests.generated_twins import OnRecord, Twins, put_on_record, twins
from tests.tables import everything

#: What grows with each step, and is no part of what is merged.
GROWING = frozenset(
    {
        "account_change",
        "account_order_change",
        "trail_entry",
        "trail_unsealed",
        "person_merge",
        "letter_tally",
        "letter",
    }
)
_ANYWAY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

Try = Callable[[Twins], Awaitable[None]]


async def letters() -> str:
    """Whose the letters are that were there before."""
    return str(await sql.rows("SELECT id, person_id FROM letter WHERE kind = 'WELCOME' ORDER BY id"))


async def references(ids: list[int]) -> dict[str, int]:
    """How many rows refer to these people by a foreign key, by table and column."""
    found = {}
    for row in await sql.rows(
        "SELECT conrelid::regclass::text AS name, attname AS key FROM pg_constraint "
        "JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] "
        "WHERE contype = 'f' AND confrelid IN ('person'::regclass, 'student'::regclass)"
    ):
        [counted] = await sql.rows(
            f"SELECT count(*) AS n FROM {row['name']} WHERE {row['key']} = ANY ($1::bigint[])", ids
        )
        if counted["n"]:
            found[f"{row['name']}.{row['key']}"] = counted["n"]
    return found


#: Columns that say who did something: they stay, and so do merges, and the account that is nobody's any more.
STAY = {
    *("guardianship.confirmed_by_id", "guardianship.revoked_by_id", "guardianship.consent_by_id"),
    *("restriction.entered_by_id", "restriction.lifted_by_id", "household_version.replaced_by_id"),
    *("work_order.opened_by_id", "work_order.resolved_by_id", "verification.designee_id"),
    *("person_merge.kept_id", "person_merge.merged_id", "person_merge.merged_by_id", "person_merge.undone_by_id"),
    *("account.person_id", "letter.person_id"),
}


@pytest.fixture
async def attempt(portal: Portal, district: District) -> Try:
    schools = [(await district.school(name)).id for name in ("Lakeside", "Hillside")]
    await at_desk(portal, district, Role.REGISTRAR)
    ctx = district.ctx

    async def tried(generated: Twins) -> None:
        people = await put_on_record(generated, schools, now=ctx.now, today=ctx.today)
        before, addressed = await everything(but=GROWING), await letters()
        merged = await portal.do(documents.MERGE_PEOPLE, _input(generated, people))
        assert merged["__typename"] == "PeopleMerged", merged
        await _holds(generated, people)
        undone = await portal.do(documents.UNDO_MERGE, {"mergeId": merged["merge"]["id"], "reason": "Two people"})
        assert undone["__typename"] == "MergeUndone", undone
        assert undone["leftovers"] == []
        assert await everything(but=GROWING) == before
        assert await letters() == addressed

    return tried


def _input(generated: Twins, people: OnRecord) -> dict[str, str]:
    kind = "Guardian" if generated.kind is Capacity.GUARDIAN else "Student"
    said = {
        "keepId": global_id(kind, people.kept),
        "mergeId": global_id(kind, people.merged),
        "reason": "One and the same",
    }
    if generated.keep_other_account and "merged" in people.accounts:
        said["keepAccountId"] = global_id("Account", people.accounts["merged"])
    return said


async def _holds(generated: Twins, people: OnRecord) -> None:
    """What is true of every merge: nothing refers to the merged record, all restrictions are there, no more may be
    seen than before, and at most one account of the kept record can be signed in to."""
    left = await references([people.merged])
    assert set(left) <= STAY, left
    accounts = await sql.rows("SELECT id, status, disabled_reason FROM account WHERE person_id = $1", people.merged)
    assert all((each["status"], each["disabled_reason"]) == ("DISABLED", "MERGED") for each in accounts)
    assert len(await sql.rows("SELECT FROM account WHERE person_id = $1", people.kept)) <= 1
    ends = {"GUARDIAN": ("guardian_id", "student_id"), "STUDENT": ("student_id", "guardian_id")}[generated.kind]
    rows = await sql.rows(f"SELECT * FROM guardianship WHERE {ends[0]} = $1", people.kept)
    said = {other: [tie for tie in generated.ties if tie.other == place] for place, other in enumerate(people.others)}
    assert {row[ends[1]] for row in rows} == {other for other, ties in said.items() if ties}
    for row in rows:
        ties = said[row[ends[1]]]
        statuses = {tie.status for tie in ties}
        assert row["status"] == next(each for each in ("REVOKED", "CONFIRMED", "CLAIMED") if each in statuses)
        counting = [tie for tie in ties if tie.status == row["status"]]
        assert not row["portal_access"] or any(tie.portal_access for tie in counting)
        assert not row["adult_access"] or any(tie.consent for tie in counting)
        restrictions = await sql.rows("SELECT id FROM restriction WHERE guardianship_id = $1", row["id"])
        assert len(restrictions) == sum(len(tie.restrictions) for tie in ties)


@settings(max_examples=60, deadline=None, suppress_health_check=_ANYWAY)
@given(generated=twins)
async def test_a_merge_that_is_undone_never_was(attempt: Try, generated: Twins) -> None:
    await attempt(generated)


@pytest.mark.full
@settings(max_examples=1000, deadline=None, derandomize=False, database=None, suppress_health_check=_ANYWAY)
@given(generated=twins)
async def test_a_thousand_merges_that_are_undone_never_were(attempt: Try, generated: Twins) -> None:
    await attempt(generated)

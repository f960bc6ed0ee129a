"""A report as a whole: batches that are looked up as they are wanted, with the rights of the moment."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from db.context import Context, Role, Service
from db.models import Account, ClientKind, RoleAssignment, ServiceClient, Session, TrailEntry
from db.queries.reporting import Wanted
from db.trail import Step
from policies.refusals import InvalidInput, MissingFact, NotAllowed
from resolvers import reports
from resolvers.report_outcomes import Cells, Export, ReportAsked, ReportName
from resolvers.session import log_in
from tests.conftest import NOON, Statements
from tests.district import PASSWORD, Adult, District
from tests.reporting_town import Town, settle
from tests.tables import forget_trail, trail


@pytest.fixture
async def town(district: District) -> Town:
    return await settle(district)


@pytest.fixture
async def dana(district: District, town: Town) -> Adult:
    dana = await district.staff(Role.REPORTER, town.lakeside)
    await district.opened(dana, "dana.ito")
    return dana


@pytest.fixture
async def asking(ctx: Context, dana: Adult) -> Context:
    """A request of Dana's, who reports at Lakeside."""
    signed_in = await log_in(ctx, username="dana.ito", password=PASSWORD, device_token=None)
    await forget_trail()
    return ctx.seen_as(signed_in.viewer)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of one row."""
    monkeypatch.setattr(reports, "BATCH", 1)


async def whole(export: Export) -> list[Cells]:
    return [cells async for batch in export.batches for cells in batch]


def asked(name: ReportName, *columns: str, **more: Any) -> ReportAsked:
    return ReportAsked(name, columns=columns, **more)


# ------------------------------------------------------------------------------------------------ as a whole
async def test_an_export_has_its_columns_and_rows_and_is_noted_before_the_first(asking: Context, town: Town) -> None:
    export = await reports.export(
        asking, asked(ReportName.UNUSABLE_SSNS, "studentId", "studentNumber", "ssn"), "Registrar's list"
    )
    entry = await TrailEntry.get(step=Step.EXPORT_REPORT)
    assert (entry.details["purpose"], entry.details["rows"]) == ("Registrar's list", 1)
    assert [column.key for column in export.columns] == ["studentId", "studentNumber", "ssn"]
    assert export.total == 1
    [[_, number, ssn]] = await whole(export)
    assert (number, ssn) == (town.dora.number, "NOT_ON_FILE")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ReportName)
async def test_batches_have_each_row_once(asking: Context, name: ReportName) -> None:
    wanted = Wanted(not_signed_in_since=asking.now) if name is ReportName.NOT_SIGNED_IN_SINCE else Wanted()
    export = await reports.export(asking, asked(name, wanted=wanted), "Looking")
    rows = await whole(export)
    assert len(rows) == export.total == len(set(rows))


async def test_what_is_counted_is_exported_as_groups(asking: Context) -> None:
    export = await reports.export(asking, asked(ReportName.STUDENT_ACCOUNTS, group_by=("STATUS",)), "For the board")
    assert [column.key for column in export.columns] == ["status", "count"]
    assert await whole(export) == [("ACTIVE", 1), ("DISABLED", 1)]
    assert export.total == 2


@pytest.mark.parametrize("purpose", ["", "   ", "x" * 501, "for 123-45-6789"])
async def test_an_export_needs_a_purpose(asking: Context, purpose: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await reports.export(asking, asked(ReportName.ACCOUNTS), purpose)
    assert refused.value.fields[0].path[-1] == "purpose"
    assert await trail() == [(Step.EXPORT_REPORT, "INVALID_INPUT")]


async def test_nobody_exports_anything(ctx: Context, town: Town) -> None:
    for name in ReportName:
        with pytest.raises(NotAllowed) as refused:
            await reports.export(ctx, asked(name), "Curious")
        assert refused.value.missing == (MissingFact.SIGNED_IN,)


async def test_each_batch_is_two_statements_and_no_transaction(
    asking: Context, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the asker may go on, and the rows."""
    monkeypatch.setattr(reports, "BATCH", 2)
    export = await reports.export(asking, asked(ReportName.ACCOUNTS, "name"), "Looking")
    statements.take()
    assert [len(statements.take()) async for _ in export.batches] == [2, 2, 2]


# ------------------------------------------------------------------------------------------------ ended in the middle
async def _role_ends(dana: Adult) -> None:
    await RoleAssignment.filter(person_id=dana.id).delete()


async def _session_ends(dana: Adult) -> None:
    await Session.filter(account_id=dana.account_id).update(ended_at=NOON, end_reason="LOGGED_OUT")


async def _account_is_disabled(dana: Adult) -> None:
    await Account.filter(id=dana.account_id).update(status="DISABLED", disabled_reason="STAFF_DECISION")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("end", [_role_ends, _session_ends, _account_is_disabled])
async def test_a_right_that_ends_ends_the_export(asking: Context, dana: Adult, end: Any) -> None:
    export = await reports.export(asking, asked(ReportName.ACCOUNTS), "Looking")
    batches: AsyncIterator[list[Cells]] = export.batches
    assert len(await anext(batches)) == 1
    await end(dana)
    with pytest.raises(NotAllowed):
        await anext(batches)
    with pytest.raises(StopAsyncIteration):
        await anext(batches)


@pytest.mark.usefixtures("small")
async def test_a_role_that_is_added_in_the_middle_changes_nothing(asking: Context, dana: Adult, town: Town) -> None:
    export = await reports.export(asking, asked(ReportName.STUDENT_ACCOUNTS, "givenName"), "Looking")
    first = await anext(export.batches)
    await RoleAssignment.create(person_id=dana.id, role=Role.REPORTER, school_id=town.hillside.id)
    assert [first, *[batch async for batch in export.batches]] == [[("Nora",)], [("Dora",)]]


# ------------------------------------------------------------------------------------------------ programs
async def _client(ctx: Context, role: Role, *school_ids: int) -> Context:
    kept = await ServiceClient.create(
        name="Board reports",
        kind=ClientKind.REPORTING,
        public_id="pac_reports",
        roles=[role.value],
        school_ids=list(school_ids) or None,
        origins=[],
        created_at=ctx.now,
    )
    schools = frozenset[int | None](school_ids or [None])
    return replace(ctx, service=Service(kept.id, {role: schools}, acts_alone=True))


@pytest.mark.usefixtures("small")
async def test_a_program_that_asks_by_itself_has_the_rows_of_its_role(ctx: Context, town: Town) -> None:
    program = await _client(ctx, Role.REPORTER, town.hillside.id)
    export = await reports.export(program, asked(ReportName.ACCOUNTS, "givenName"), "Nightly figures")
    assert await whole(export) == [("Theo",), ("Pat",), ("Sam",)]
    with pytest.raises(InvalidInput):
        await reports.export(program, asked(ReportName.ACCOUNTS, "username"), "Nightly figures")
    entry = await TrailEntry.filter(step=Step.EXPORT_REPORT).order_by("id").first()
    assert entry is not None
    assert entry.actor_account_id is None
    assert entry.details["service_client"] == program.service.id if program.service else None


@pytest.mark.usefixtures("small")
async def test_a_program_that_is_revoked_reads_no_further(ctx: Context, town: Town) -> None:
    program = await _client(ctx, Role.REPORTER)
    export = await reports.export(program, asked(ReportName.UNUSABLE_SSNS), "Nightly figures")
    assert export.total == 1
    await ServiceClient.all().update(revoked_at=ctx.now)
    with pytest.raises(NotAllowed):
        await whole(export)


@pytest.mark.usefixtures("small")
async def test_a_program_whose_schools_become_fewer_reads_no_further(ctx: Context, town: Town) -> None:
    program = await _client(ctx, Role.REPORTER, town.lakeside.id, town.hillside.id)
    export = await reports.export(program, asked(ReportName.ACCOUNTS), "Nightly figures")
    await anext(export.batches)
    await ServiceClient.all().update(school_ids=[town.lakeside.id])
    with pytest.raises(NotAllowed):
        await anext(export.batches)


async def test_a_designee_tool_alone_is_nobody(ctx: Context, town: Town) -> None:
    program = await _client(ctx, Role.DESIGNEE)
    tool = replace(program, service=replace(program.service, acts_alone=False) if program.service else None)
    with pytest.raises(NotAllowed):
        await reports.export(tool, asked(ReportName.ACCOUNTS), "Curious")
    assert reports.offered(tool) == []

"""Reports that a school keeps: who may keep, find and delete them, and that they give nobody a right."""

from datetime import timedelta
from typing import Any

import pytest

from db import sql
from db.context import Role
from db.models import Account, SavedReport, TrailEntry
from db.trail import Step
from resolvers import saved_reports
from schema.nodes import global_id
from tests.clients import Answer, Portal
from tests.desk import at_desk
from tests.district import District
from tests.documents import DELETE_REPORT, REPORT, SAVE_REPORT, SAVED_REPORTS
from tests.reporting_town import Town, arrive, settle
from tests.tables import no_trail

LATELY = {"name": "NOT_SIGNED_IN_SINCE", "filter": {"notSignedInForDays": 30}, "columns": ["givenName"]}


@pytest.fixture
async def town(district: District) -> Town:
    return await settle(district)


async def save(portal: Portal, school_id: int | None, name: str = "Lately", **more: Any) -> Answer:
    school = global_id("School", school_id) if school_id else None
    return await portal.do(SAVE_REPORT, {"schoolId": school, "name": name, "definition": LATELY} | more)


async def saved(portal: Portal, **asked: Any) -> list[str]:
    page = (await portal.ask(SAVED_REPORTS, asked))["savedReports"]
    return [edge["node"]["name"] for edge in page["edges"]]


async def again(portal: Portal, id_: str, **more: Any) -> Answer:
    return await portal.do(REPORT, {"savedReportId": id_, "first": 100} | more)


def names(report: Answer) -> list[str]:
    return [edge["node"]["cells"][0] for edge in report["rows"]["edges"]]


# ------------------------------------------------------------------------------------------------ who may
@pytest.mark.parametrize(
    ("asker", "own", "other", "district_wide"),
    [
        ("designee at Lakeside", "ReportSaved", "NotAllowed", "NotAllowed"),
        ("registrar at Lakeside", "ReportSaved", "NotAllowed", "NotAllowed"),
        ("reporter at Hillside", "NotAllowed", "ReportSaved", "NotAllowed"),
        ("reporter in the district", "ReportSaved", "ReportSaved", "ReportSaved"),
        ("technology in the district", "NotAllowed", "NotAllowed", "NotAllowed"),
        ("Pat", "NotAllowed", "NotAllowed", "NotAllowed"),
        ("nobody", "NotAllowed", "NotAllowed", "NotAllowed"),
    ],
)
async def test_a_report_is_kept_for_a_school_by_those_who_report_there(  # noqa: PLR0917
    portal: Portal, district: District, town: Town, asker: str, own: str, other: str, district_wide: str
) -> None:
    await arrive(portal, district, town, asker)
    for school_id, expected in ((town.lakeside.id, own), (town.hillside.id, other), (None, district_wide)):
        answer = await save(portal, school_id)
        assert answer["__typename"] == expected, school_id
        if expected == "ReportSaved":
            id_ = answer["savedReport"]["id"]
            assert (await portal.node(id_)) is not None
            assert (await portal.do(DELETE_REPORT, {"savedReportId": id_}))["__typename"] == "ReportDeleted"
            assert (await portal.node(id_)) is None
    assert await SavedReport.all().count() == 0


async def test_each_finds_those_of_the_own_schools_and_of_the_district(
    portal: Portal, district: District, town: Town
) -> None:
    await arrive(portal, district, town, "reporter in the district")
    ids = {}
    for school_id, name in ((town.lakeside.id, "Ours"), (town.hillside.id, "Theirs"), (None, "All of us")):
        ids[name] = (await save(portal, school_id, name))["savedReport"]["id"]
    assert await saved(portal) == ["Ours", "Theirs", "All of us"]
    await arrive(portal, district, town, "designee at Lakeside")
    assert await saved(portal) == ["Ours", "All of us"]
    assert await saved(portal, schoolId=global_id("School", town.lakeside.id)) == ["Ours"]
    for hidden in (town.hillside.id, 987_654):
        assert await saved(portal, schoolId=global_id("School", hidden)) == []
    assert await saved(portal, schoolId="nonsense") == []
    assert names(await again(portal, ids["All of us"])) == ["Nora"]
    absent = global_id("SavedReport", 987_654)
    assert await again(portal, ids["Theirs"]) == await again(portal, absent)
    assert await portal.node(ids["Theirs"]) is None
    gone = {"savedReportId": ids["Theirs"]}
    assert (await portal.do(DELETE_REPORT, gone))["__typename"] == "NotFound"
    assert (await portal.do(DELETE_REPORT, {"savedReportId": ids["All of us"]}))["__typename"] == "NotAllowed"
    await arrive(portal, district, town, "Pat")
    assert await saved(portal) == []
    assert (await again(portal, ids["All of us"]))["__typename"] == "NotAllowed"
    assert (await portal.do(DELETE_REPORT, gone))["__typename"] == "NotAllowed"


async def test_a_saved_report_gives_nobody_more_than_they_have(portal: Portal, district: District, town: Town) -> None:
    await arrive(portal, district, town, "reporter in the district")
    for definition in (
        {"name": "GUARDIANS_WITHOUT_PORTAL_MARK"},
        {"name": "STUDENT_ACCOUNTS", "filter": {"schoolId": global_id("School", town.hillside.id)}},
        {"name": "STUDENT_ACCOUNTS", "columns": ["givenName"]},
    ):
        assert (await save(portal, None, str(definition)[:90], definition=definition))["__typename"] == "ReportSaved"
    marks, hillside, students = [global_id("SavedReport", kept.id) for kept in await SavedReport.all().order_by("id")]
    assert names(await again(portal, students)) == ["Nora", "Dora", "Theo"]
    await arrive(portal, district, town, "designee at Lakeside")
    assert (await again(portal, marks))["__typename"] == "NotAllowed"
    assert names(await again(portal, hillside)) == []
    assert names(await again(portal, students)) == ["Nora", "Dora"]


async def test_usernames_need_a_purpose_and_a_right_each_time(portal: Portal, district: District, town: Town) -> None:
    await arrive(portal, district, town, "designee in the district")
    definition = {"name": "STUDENT_ACCOUNTS", "columns": ["username"], "filter": {"status": ["ACTIVE"]}}
    id_ = (await save(portal, None, definition=definition))["savedReport"]["id"]
    refused = await again(portal, id_)
    assert [problem["path"] for problem in refused["fields"]] == [["input", "purpose"]]
    assert names(await again(portal, id_, purpose="Term begins")) == ["nora.q"]
    await arrive(portal, district, town, "reporter at Lakeside")
    refused = await again(portal, id_, purpose="Term begins")
    assert [problem["path"][-1] for problem in refused["fields"]] == ["columns"]


# ------------------------------------------------------------------------------------------------ keeping
async def test_a_day_moves_on_with_the_calendar(portal: Portal, district: District, town: Town, clock: Any) -> None:
    await arrive(portal, district, town, "reporter at Lakeside")
    id_ = (await save(portal, town.lakeside.id))["savedReport"]["id"]
    await Account.filter(id=town.nora.account_id).update(last_login_at=district.ctx.now - timedelta(days=29))
    assert names(await again(portal, id_)) == []
    clock.advance(days=2)
    await arrive(portal, district, town, "reporter at Lakeside")
    assert names(await again(portal, id_)) == ["Nora"]


async def test_a_name_is_taken_once_and_may_be_given_to_another_definition(
    portal: Portal, district: District, town: Town
) -> None:
    await arrive(portal, district, town, "reporter at Lakeside")
    first = (await save(portal, town.lakeside.id))["savedReport"]
    assert first["createdBy"] == "Dana Ito"
    taken = await save(portal, town.lakeside.id, definition={"name": "DISABLED"})
    assert [problem["path"] for problem in taken["fields"]] == [["input", "name"]]
    replaced = await save(portal, town.lakeside.id, definition={"name": "DISABLED"}, replace=True)
    assert replaced["savedReport"] == first | {"report": "DISABLED"}
    fresh = await save(portal, town.lakeside.id, "Another", replace=True)
    assert fresh["savedReport"]["id"] != first["id"]
    assert [entry.details["name"] for entry in await TrailEntry.filter(step=Step.SAVE_REPORT, outcome="DONE")] == [
        *("Lately", "Lately", "Another")
    ]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "for 123-45-6789"}, "name"),
        ({"name": "\u202eylbissop"}, "name"),
        ({"definition": {"name": "NOT_SIGNED_IN_SINCE"}}, "notSignedInSince"),
        ({"definition": {"name": "DISABLED", "columns": ["secret"]}}, "columns"),
        ({"definition": LATELY | {"filter": {"notSignedInForDays": 4000}}}, "notSignedInForDays"),
    ],
)
async def test_what_cannot_be_run_is_not_kept(
    portal: Portal, district: District, town: Town, more: Answer, field: str
) -> None:
    await arrive(portal, district, town, "reporter at Lakeside")
    refused = await save(portal, town.lakeside.id, **more)
    assert refused["__typename"] == "InvalidInput", refused
    assert refused["fields"][0]["path"][-1] == field
    assert await SavedReport.all().count() == 0


async def test_a_school_keeps_so_many_and_no_more(portal: Portal, district: District, town: Town) -> None:
    reporter = await at_desk(portal, district, Role.REPORTER, town.lakeside)
    await sql.execute(
        "INSERT INTO saved_report (school_id, name, definition, created_by_id, created_at, changed_at) "
        "SELECT $1, 'Ours ' || n, '{}', $2, now(), now() FROM generate_series(1, $3::int) n",
        *(town.lakeside.id, reporter.id, saved_reports.MOST_KEPT),
    )
    assert (await save(portal, town.lakeside.id))["__typename"] == "InvalidInput"
    assert (await save(portal, town.lakeside.id, "Ours 7", replace=True))["__typename"] == "ReportSaved"
    page = (await portal.ask(SAVED_REPORTS, {"first": 2}))["savedReports"]
    assert page["pageInfo"]["hasNextPage"]
    assert await saved(portal, first=1, after=page["pageInfo"]["endCursor"]) == ["Ours 3"]


async def test_no_report_is_kept_at_a_school_that_is_none(portal: Portal, district: District, town: Town) -> None:
    await arrive(portal, district, town, "reporter in the district")
    assert (await save(portal, 987_654))["__typename"] == "NotFound"
    nonsense = {"schoolId": "nonsense", "name": "Lately", "definition": LATELY}
    assert (await portal.do(SAVE_REPORT, nonsense))["__typename"] == "NotFound"


@pytest.mark.parametrize(
    "damage",
    [
        {"report": "payroll"},
        {"filter": {"ssn": "1"}},
        {"filter": {"status": ["EXPELLED"]}},
        {"filter": {"schoolId": 2**63}},
        {"filter": {"schoolId": "1; DROP TABLE account"}},
        {"filter": {"lastLoginBefore": "2026-09-01T00:00:00"}},
        {"filter": {"neverLoggedIn": 1}},
        {"filter": {"notSignedInForDays": True}},
        {"filter": None},
        {"columns": "name"},
        {"columns": [["name"]]},
        {"order": "ID; --"},
        {"descending": "yes"},
    ],
)
async def test_a_definition_that_is_not_understood_any_more_is_refused_and_can_be_deleted(
    portal: Portal, district: District, town: Town, damage: Answer
) -> None:
    await arrive(portal, district, town, "reporter at Lakeside")
    id_ = (await save(portal, town.lakeside.id))["savedReport"]["id"]
    kept = await SavedReport.get()
    await SavedReport.all().update(definition=kept.definition | damage)
    assert (await again(portal, id_))["__typename"] == "InvalidInput"
    assert await saved(portal) == ["Lately"]
    assert (await portal.do(DELETE_REPORT, {"savedReportId": id_}))["__typename"] == "ReportDeleted"


async def test_a_column_that_is_no_more_is_refused_when_the_report_is_run(
    portal: Portal, district: District, town: Town
) -> None:
    await arrive(portal, district, town, "reporter at Lakeside")
    id_ = (await save(portal, town.lakeside.id))["savedReport"]["id"]
    kept = await SavedReport.get()
    damages: list[Answer] = [{"columns": ["faxNumber"]}, {"groupBy": ["SHOE_SIZE"]}, {"filter": {}}]
    for damage in damages:
        await SavedReport.all().update(definition=kept.definition | damage)
        assert (await again(portal, id_))["__typename"] == "InvalidInput"


async def test_without_a_trail_nothing_is_kept_and_nothing_deleted(
    portal: Portal, district: District, town: Town
) -> None:
    await arrive(portal, district, town, "reporter at Lakeside")
    id_ = (await save(portal, town.lakeside.id))["savedReport"]["id"]
    other = {"schoolId": global_id("School", town.lakeside.id), "name": "Other", "definition": LATELY}
    async with no_trail():
        for document, input_ in ((SAVE_REPORT, other), (DELETE_REPORT, {"savedReportId": id_})):
            assert (await portal.post(document, {"input": input_})).json()["data"] is None
    assert await saved(portal) == ["Lately"]

"""Reports as files: who gets which, what is said to whom who asks for them wrongly, and what is noted of it."""

import io
import json

import openpyxl
import pytest

from app.asgi import create_app
from app.settings import Settings
from db.context import Role
from db.models import School, TrailEntry
from db.models import Session as SessionRow
from db.trail import Step
from resolvers.report_outcomes import ReportName
from schema.nodes import global_id
from tests.clients import Portal
from tests.conftest import Clock, Statements
from tests.desk import at_desk
from tests.district import Adult, District, Pupil
from tests.reports import PURPOSE, Reports
from tests.test_reporting import accounts

BAD, NOBODY, FORBIDDEN, ABSENT = 400, 401, 403, 404


@pytest.fixture
def reports(portal: Portal) -> Reports:
    return Reports(portal)


@pytest.fixture
async def school(district: District) -> School:
    return await district.school()


@pytest.fixture
async def nora(district: District, school: School) -> Pupil:
    return await district.student("=Nora", school=school)


@pytest.fixture
async def theo(district: District) -> Pupil:
    return await district.student("Theo", school=await district.school("Hillside"))


@pytest.fixture
async def maria(district: District, nora: Pupil, theo: Pupil) -> Adult:
    return await district.guardian(nora, theo)


@pytest.fixture
async def reporter(portal: Portal, district: District, school: School, maria: Adult) -> Adult:
    """Reports for the first school, where Nora and Maria have an account and Theo has none."""
    return await at_desk(portal, district, Role.REPORTER, school)


async def noted() -> list[TrailEntry]:
    return await TrailEntry.filter(step=Step.EXPORT_REPORT).order_by("id")


# ------------------------------------------------------------------------------------------------ what comes
async def test_the_file_has_the_accounts_of_the_list_and_no_others(
    portal: Portal, reports: Reports, reporter: Adult
) -> None:
    listed = await accounts(portal)
    rows = await reports.rows("accounts")
    assert [row["accountId"] for row in rows] == listed
    assert len(listed) == 3
    as_json = (await reports.get("accounts.json")).json()
    assert [row["accountId"] for row in as_json] == listed
    book = openpyxl.load_workbook(io.BytesIO((await reports.get("accounts.xlsx")).content)).worksheets[0]
    heading, *ids = [cell.value for cell in book["A"]]
    assert (heading, ids) == ("Account's id", listed)


async def test_a_name_that_looks_like_a_formula_comes_as_a_text(reports: Reports, reporter: Adult) -> None:
    answer = await reports.get("student-accounts.csv", columns="givenName,studentNumber")
    assert answer.text == "givenName,studentNumber\r\n'=Nora,004101\r\n"
    book = openpyxl.load_workbook(io.BytesIO((await reports.get("student-accounts.xlsx", columns="givenName")).content))
    assert [cell.value for cell in book.worksheets[0]["A"]] == ["Given name", "=Nora"]
    assert (await reports.get("student-accounts.json", columns="givenName")).json() == [{"givenName": "=Nora"}]


async def test_filters_columns_order_and_groups_are_those_of_the_report(
    reports: Reports, district: District, reporter: Adult, maria: Adult, nora: Pupil
) -> None:
    await district.opened(maria, "maria.q")
    ids = [row["accountId"] for row in await reports.rows("accounts", orderBy="NAME", descending="true")]
    assert [row["accountId"] for row in await reports.rows("accounts", orderBy="NAME")] == ids[::-1]
    active = await reports.rows("accounts", status=["ACTIVE", "LOCKED"], capacity="GUARDIAN", columns="accountId")
    assert active == [{"accountId": global_id("Account", maria.account_id)}]
    assert await reports.rows("accounts", status="ACTIVE,LOCKED", capacity="GUARDIAN", columns="accountId") == active
    counted = await reports.rows("accounts", groupBy="STATUS")
    assert {row["status"]: row["count"] for row in counted} == {"ACTIVE": "2", "NOT_ACTIVATED": "1"}
    since = await reports.rows("not-signed-in-since", notSignedInSince="2026-10-04", columns="accountId")
    assert since == await reports.rows("not-signed-in-since", notSignedInForDays="1", columns="accountId")
    elsewhere = global_id("School", (await School.get(name="Hillside")).id)
    assert await reports.rows("student-accounts", schoolId=elsewhere) == []


async def test_the_answer_is_a_download_that_nobody_keeps(reports: Reports, reporter: Adult, clock: Clock) -> None:
    answer = await reports.get("student-accounts.csv", bom="true")
    assert answer.content.startswith(b"\xef\xbb\xbfaccountId,")
    headers = answer.headers
    assert headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert headers["content-disposition"] == 'attachment; filename="student-accounts-2026-10-05.csv"'
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["report-rows"] == "1"
    assert headers["x-request-id"]
    assert (await reports.get("accounts.json")).headers["content-type"] == "application/json"
    spanish = await reports.get("accounts.xlsx", headers={"Accept-Language": "es"})
    assert spanish.headers["content-language"] == "es"


@pytest.mark.parametrize("name", [name.value for name in ReportName])
async def test_every_report_comes_in_every_form(reports: Reports, reporter: Adult, name: str) -> None:
    needed = {"notSignedInSince": "2026-10-05T12:00:00Z"} if name == ReportName.NOT_SIGNED_IN_SINCE else {}
    rows = await reports.rows(name, **needed)
    assert len((await reports.get(f"{name}.json", **needed)).json()) == len(rows)
    book = openpyxl.load_workbook(io.BytesIO((await reports.get(f"{name}.xlsx", **needed)).content))
    assert book.worksheets[0].max_row == len(rows) + 1


async def test_purpose_and_report_are_in_the_trail_before_the_first_row(
    reports: Reports, reporter: Adult, statements: Statements
) -> None:
    statements.take()
    answer = await reports.get("student-accounts.csv")
    [entry] = await noted()
    assert (entry.actor_account_id, entry.outcome.value) == (reporter.account_id, "DONE")
    assert entry.details["purpose"] == PURPOSE
    assert entry.details["report"] == "student-accounts"
    assert entry.request_id == answer.headers["x-request-id"]
    sent = statements.take()
    written = next(place for place, text in enumerate(sent) if "INSERT INTO trail_entry" in text)
    assert not any("p.given" in text for text in sent[:written])
    assert any("p.given" in text for text in sent[written:])


# ------------------------------------------------------------------------------------------------ who does not
async def test_nobody_and_the_wrong_ones_get_a_refusal_as_graphql_gives_it(
    portal: Portal, reports: Reports, district: District, maria: Adult, school: School
) -> None:
    answer = await reports.get("student-accounts.csv")
    assert answer.status_code == NOBODY
    assert answer.headers["www-authenticate"].startswith("Bearer")
    told = answer.json()
    assert (told["code"], told["missing"], told["status"]) == ("NOT_ALLOWED", ["SIGNED_IN"], NOBODY)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await reports.get("student-accounts.csv", token="pas_nonsense")).status_code == NOBODY
    await district.opened(maria, "maria.q")
    await portal.login("maria.q", "lantern orchard seven kites")
    refused = await reports.get("guardians-without-portal-mark.csv", headers={"Accept-Language": "es"})
    assert refused.status_code == FORBIDDEN
    assert refused.json()["code"] == "NOT_ALLOWED"
    assert refused.headers["content-language"] == "es"
    # What the list gives to a guardian, the file gives too.
    assert [row["accountId"] for row in await reports.rows("accounts")] == await accounts(portal)


async def test_a_session_that_has_ended_opens_nothing(reports: Reports, reporter: Adult, clock: Clock) -> None:
    assert (await reports.get("accounts.csv")).status_code == 200
    await SessionRow.filter(account_id=reporter.account_id).update(ended_at=clock(), end_reason="LOGGED_OUT")
    assert (await reports.get("accounts.csv")).status_code == NOBODY


# ------------------------------------------------------------------------------------------------ asked wrongly
@pytest.mark.parametrize(
    ("asked", "parameter"),
    [
        ({"purpose": None}, "purpose"),
        ({"purpose": ["one", "two"]}, "purpose"),
        ({"purpose": "  "}, "purpose"),
        ({"stauts": "ACTIVE"}, "stauts"),
        ({"capacity": "GUARDIAN"}, "capacity"),
        ({"12345678": "x"}, "(unknown)"),
        ({"status": "OPEN"}, "status"),
        ({"status": "ACTIVE,ACTIVE"}, "status"),
        ({"disabledReason": "MERGED"}, "disabledReason"),
        ({"columns": "ssn"}, "columns"),
        ({"columns": ""}, "columns"),
        ({"schoolId": "nonsense"}, "schoolId"),
        ({"schoolId": global_id("Account", 1)}, "schoolId"),
        ({"gradeLevel": ["07", "08"]}, "gradeLevel"),
        ({"gradeLevel": "7" * 100}, "gradeLevel"),
        ({"neverLoggedIn": "yes"}, "neverLoggedIn"),
        ({"lastLoginBefore": "yesterday"}, "lastLoginBefore"),
        ({"lastLoginBefore": "0001-01-01T00:00:00+14:00"}, "lastLoginBefore"),
        ({"notSignedInForDays": "-1"}, "notSignedInForDays"),
        ({"notSignedInForDays": "99999"}, "notSignedInForDays"),
        ({"orderBy": "SHOE_SIZE"}, "orderBy"),
        ({"descending": "1"}, "descending"),
        ({"groupBy": "NAME"}, "groupBy"),
        ({"groupBy": "STATUS", "columns": "name"}, "columns"),
        ({"bom": "maybe"}, "bom"),
    ],
)
async def test_a_parameter_that_cannot_be_taken_is_named(
    reports: Reports, reporter: Adult, asked: dict[str, str], parameter: str
) -> None:
    answer = await reports.get("student-accounts.csv", **asked)
    assert answer.status_code == BAD, answer.text
    told = answer.json()
    assert [error["parameter"] for error in told["errors"]] == [parameter]
    assert all(error["message"] for error in told["errors"])
    assert told["requestId"] == answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/problem+json"


async def test_what_is_known_is_told_and_all_that_is_wrong_at_once(reports: Reports, reporter: Adult) -> None:
    told = (await reports.get("accounts.json", bom="true", status="OPEN")).json()
    by_name = {error["parameter"]: error for error in told["errors"]}
    assert by_name["status"]["known"] == ["NOT_ACTIVATED", "ACTIVE", "DISABLED", "LOCKED"]
    assert "purpose" in by_name["bom"]["known"]
    assert "bom" not in by_name["bom"]["known"]
    assert await noted() == []


async def test_a_report_or_form_that_is_not_there_is_told_with_those_that_are(reports: Reports) -> None:
    for file in ("grades.csv", "accounts.pdf", "accounts", ".csv", "ACCOUNTS.CSV", "accounts.csv.json"):
        answer = await reports.get(file)
        assert answer.status_code == ABSENT, file
        assert answer.json()["reports"] == [name.value for name in ReportName]
        assert answer.json()["forms"] == ["csv", "xlsx", "json"]


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_reports_are_read_by_get_alone(portal: Portal, method: str) -> None:
    answer = await portal.http.request(method, "/reports/accounts.csv?purpose=x")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"


async def test_odd_query_strings_are_refused(portal: Portal, reports: Reports, reporter: Adult) -> None:
    for query in ("purpose=%ff", "purpose=%00x", "&".join(["purpose=x"] * 200), "purpose=" + "x" * 9_000):
        answer = await portal.http.get(f"/reports/accounts.csv?{query}")
        assert answer.status_code in {BAD, 414}, query[:30]
        assert json.loads(answer.content)["code"] == "BAD_USER_INPUT"


# ------------------------------------------------------------------------------------------------ from a browser
async def test_a_front_end_on_a_configured_origin_may_fetch_reports(
    district: District, settings: Settings, clock: Clock, school: School
) -> None:
    ours = "https://portal.example.org"
    allowing = settings.model_copy(update={"cors_origins": (ours,)})
    async with Portal(create_app(allowing, clock=clock)) as portal:
        await at_desk(portal, district, Role.REPORTER, school)
        asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
        preflight = await portal.http.options("/reports/accounts.csv", headers={"Origin": ours, **asks})
        assert preflight.status_code == 200
        for answer in (
            await Reports(portal).get("accounts.csv", headers={"Origin": ours}),
            await Reports(portal).get("accounts.csv", headers={"Origin": ours}, purpose=None),
        ):
            assert answer.headers["access-control-allow-origin"] == ours

"""Reports: who may run which, what they list, and that they list what the list of accounts does."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from db.context import Role
from db.models import Account, ActivationKey, DisabledReason, Enrolment, Outcome, RoleAssignment, TrailEntry
from db.trail import Step
from resolvers.report_outcomes import ReportName
from tests.clients import Answer, Portal
from tests.conftest import Statements
from tests.desk import at_desk
from tests.district import District
from tests.documents import REPORT, REPORTS
from tests.reporting_town import SINCE, Town, arrive, rows, run, settle
from tests.tables import forget_trail, trail
from tests.test_reporting import accounts, counts

REFUSED = None
STUDENT_ROWS = ("STUDENTS_WITHOUT_ACTIVATED_GUARDIAN", "UNUSABLE_SSNS")


@pytest.fixture
async def town(district: District) -> Town:
    return await settle(district)


# ------------------------------------------------------------------------------------------------ who may run which
_AT_LAKESIDE: dict[str, list[str] | None] = {
    "ACCOUNTS": ["Dana", "Dora", "Maria", "Maria", "Nora"],
    "STUDENT_ACCOUNTS": ["Dora", "Nora"],
    "GUARDIAN_ACCOUNTS": ["Maria", "Maria"],
    "NEVER_ACTIVATED": ["Maria", "Maria"],
    "NOT_SIGNED_IN_SINCE": ["Nora"],
    "DISABLED": ["Dora"],
    "KEYS_OUTSTANDING": ["Maria"],
    "EMAIL_PROBLEMS": ["Dora", "Maria", "Maria", "Nora"],
    "STUDENTS_WITHOUT_ACTIVATED_GUARDIAN": ["Dora", "Nora"],
    "GUARDIANS_WITHOUT_PORTAL_MARK": ["Maria"],
    "UNUSABLE_SSNS": ["Dora"],
    "LIKELY_DUPLICATES": ["Maria"],
}
_OF_STUDENTS: dict[str, list[str] | None] = {
    "KEYS_OUTSTANDING": [],
    "EMAIL_PROBLEMS": ["Dora", "Nora"],
    "GUARDIANS_WITHOUT_PORTAL_MARK": REFUSED,
    "LIKELY_DUPLICATES": REFUSED,
}
_OWN: dict[str, list[str] | None] = {name.name: REFUSED for name in ReportName} | {
    "ACCOUNTS": ["Dana"],
    "NEVER_ACTIVATED": [],
    "NOT_SIGNED_IN_SINCE": [],
    "DISABLED": [],
}
#: asker -> report -> given names of the rows.
WHO: dict[str, dict[str, list[str] | None]] = {
    "registrar at Lakeside": _AT_LAKESIDE,
    "reporter at Lakeside": _AT_LAKESIDE,
    "designee at Lakeside": _AT_LAKESIDE | _OF_STUDENTS,
    "designee at Hillside": {
        "ACCOUNTS": ["Dana", "Pat", "Sam", "Theo"],
        "STUDENT_ACCOUNTS": ["Theo"],
        "GUARDIAN_ACCOUNTS": ["Pat", "Sam"],
        "NEVER_ACTIVATED": ["Sam", "Theo"],
        "NOT_SIGNED_IN_SINCE": ["Pat"],
        "DISABLED": [],
        "KEYS_OUTSTANDING": ["Theo"],
        "EMAIL_PROBLEMS": ["Theo"],
        "STUDENTS_WITHOUT_ACTIVATED_GUARDIAN": [],
        "GUARDIANS_WITHOUT_PORTAL_MARK": REFUSED,
        "UNUSABLE_SSNS": [],
        "LIKELY_DUPLICATES": REFUSED,
    },
    "reporter in the district": {
        "ACCOUNTS": ["Dana", "Dora", "Maria", "Maria", "Nora", "Pat", "Sam", "Theo"],
        "STUDENT_ACCOUNTS": ["Dora", "Nora", "Theo"],
        "GUARDIAN_ACCOUNTS": ["Maria", "Maria", "Pat", "Sam"],
        "NEVER_ACTIVATED": ["Maria", "Maria", "Sam", "Theo"],
        "NOT_SIGNED_IN_SINCE": ["Nora", "Pat"],
        "DISABLED": ["Dora"],
        "KEYS_OUTSTANDING": ["Maria", "Theo"],
        "EMAIL_PROBLEMS": ["Dora", "Maria", "Maria", "Nora", "Pat", "Sam", "Theo"],
        "STUDENTS_WITHOUT_ACTIVATED_GUARDIAN": ["Dora", "Nora"],
        "GUARDIANS_WITHOUT_PORTAL_MARK": ["Maria"],
        "UNUSABLE_SSNS": ["Dora"],
        "LIKELY_DUPLICATES": ["Maria"],
    },
    "technology in the district": _OWN,
    "administrator in the district": _OWN,
    "Pat": _OWN | {"ACCOUNTS": ["Pat"], "GUARDIAN_ACCOUNTS": ["Pat"]},
    "nobody": {name.name: REFUSED for name in ReportName},
}
_WHOSE_NAME = {"GUARDIANS_WITHOUT_PORTAL_MARK": "guardianName", "LIKELY_DUPLICATES": "firstName"}


@pytest.mark.parametrize("asker", WHO)
async def test_each_report_has_the_rows_of_whoever_asks_and_is_offered_to_nobody_who_could_have_none(
    portal: Portal, district: District, town: Town, asker: str
) -> None:
    await arrive(portal, district, town, asker)
    offered = {report["name"] for report in (await portal.ask(REPORTS))["reports"]}
    assert set(WHO[asker]) == {name.name for name in ReportName}
    for name, expected in WHO[asker].items():
        more: dict[str, Any] = {"columns": [_WHOSE_NAME.get(name, "name")]}
        more |= SINCE if name == "NOT_SIGNED_IN_SINCE" else {}
        assert (name in offered) == (expected is not REFUSED), name
        if expected is REFUSED:
            refused = await run(portal, name, **more)
            assert refused["__typename"] == "NotAllowed", name
            assert refused["missing"] == (["SIGNED_IN"] if asker == "nobody" else ["ROLE"])
        else:
            assert sorted(cells[0].partition(" ")[0] for cells in await rows(portal, name, **more)) == expected, name


# ------------------------------------------------------------------------------------------------ usernames, numbers
@pytest.mark.parametrize(
    ("asker", "usernames", "numbers"),
    [
        ("designee at Lakeside", {"Dana": "own", "Nora": "nora.q", "Dora": "dora.q"}, {"Nora", "Dora"}),
        ("designee in the district", {"Dana": "own", "Nora": "nora.q", "Dora": "dora.q"}, {"Nora", "Dora", "Theo"}),
        ("designee at Hillside", {"Dana": "own"}, {"Theo"}),
        ("reporter at Lakeside", {"Dana": "own"}, {"Nora", "Dora"}),
        ("registrar at Lakeside", {"Dana": "own"}, {"Nora", "Dora"}),
        ("technology in the district", {"Dana": "own"}, None),
        ("Pat", {"Pat": "pat.q"}, None),
    ],
)
async def test_usernames_are_those_of_ones_schools_students_and_the_own_one(  # noqa: PLR0917
    portal: Portal,
    district: District,
    town: Town,
    asker: str,
    usernames: dict[str, str],
    numbers: set[str] | None,
) -> None:
    await arrive(portal, district, town, asker)
    found = await rows(portal, "ACCOUNTS", columns=["givenName", "username"], purpose="Back to school night")
    told = {given: username for given, username in found if username}
    assert told.keys() == usernames.keys()
    assert all(told[given] == username for given, username in usernames.items() if username != "own")
    if numbers is None:
        refused = await run(portal, "ACCOUNTS", columns=["studentNumber"])
        assert refused["fields"][0]["path"] == ["input", "definition", "columns"]
        return
    found = await rows(portal, "ACCOUNTS", columns=["givenName", "studentNumber"])
    assert {given for given, number in found if number} == numbers


async def test_an_account_at_two_schools_has_its_username_told_to_either(
    portal: Portal, district: District, town: Town
) -> None:
    await Enrolment.create(student_id=town.nora.id, school_id=town.hillside.id, grade_level="08")
    await arrive(portal, district, town, "designee at Hillside")
    columns = ["name", "username", "schools", "gradeLevels"]
    found = await rows(portal, "STUDENT_ACCOUNTS", columns=columns, purpose="New timetable")
    assert ["Nora Quimby", "nora.q", "Hillside", "08"] in found


async def test_a_username_is_not_told_of_somebody_who_is_seen_by_another_right(
    portal: Portal, district: District, town: Town
) -> None:
    """Reporter at one school and designee at the other: each right counts where it is held."""
    dana = await at_desk(portal, district, Role.DESIGNEE, town.hillside)
    await RoleAssignment.create(person_id=dana.id, role=Role.REPORTER, school_id=town.lakeside.id)
    found = await rows(portal, "STUDENT_ACCOUNTS", columns=["name", "username"], purpose="New timetable")
    assert found == [["Nora Quimby", ""], ["Dora Quimby", ""], ["Theo Quimby", ""]]
    await district.opened(town.theo, "theo.q")
    found = await rows(portal, "STUDENT_ACCOUNTS", columns=["name", "username"], purpose="New timetable")
    assert found == [["Nora Quimby", ""], ["Dora Quimby", ""], ["Theo Quimby", "theo.q"]]


# ------------------------------------------------------------------------------------------------ what they list
async def test_the_ad_hoc_report_is_the_list_of_accounts(portal: Portal, district: District, town: Town) -> None:
    await arrive(portal, district, town, "reporter at Lakeside")
    for filter_ in (
        {},
        {"capacity": "STUDENT"},
        {"gradeLevel": "07"},
        {"status": ["DISABLED"]},
        {"neverLoggedIn": True},
    ):
        found = await rows(portal, "ACCOUNTS", columns=["accountId"], filter=filter_)
        assert [cell for [cell] in found] == await accounts(portal, **filter_)


async def test_accounts_are_counted_by_one_thing_or_two(portal: Portal, district: District, town: Town) -> None:
    await arrive(portal, district, town, "reporter in the district")
    report = await run(portal, "ACCOUNTS", groupBy=["STATUS"])
    assert {group["keys"][0]: group["count"] for group in report["groups"]} == await counts(portal, "STATUS")
    assert report["rows"]["edges"] == []
    assert report["rows"]["totalCount"] == 8
    report = await run(portal, "ACCOUNTS", groupBy=["SCHOOL", "CAPACITY"], filter={"neverLoggedIn": True})
    assert [column["key"] for column in report["columns"]] == ["schoolId", "school", "capacity", "count"]
    assert [(*group["keys"][1:], group["count"]) for group in report["groups"]] == [
        ("Hillside", "GUARDIAN", 2),
        ("Hillside", "STUDENT", 1),
        ("Lakeside Middle School", "GUARDIAN", 2),
        ("Lakeside Middle School", "STUDENT", 1),
    ]
    report = await run(portal, "ACCOUNTS", groupBy=["CAPACITY", "SCHOOL"], filter={"neverLoggedIn": True})
    assert [(group["keys"][0], group["keys"][2]) for group in report["groups"]] == [
        ("GUARDIAN", "Hillside"),
        ("GUARDIAN", "Lakeside Middle School"),
        ("STUDENT", "Hillside"),
        ("STUDENT", "Lakeside Middle School"),
    ]
    report = await run(portal, "DISABLED", groupBy=["DISABLED_REASON"])
    assert report["groups"] == [{"keys": ["STAFF_DECISION"], "count": 1}]
    report = await run(portal, "EMAIL_PROBLEMS", groupBy=["GRADE_LEVEL"])
    assert report["groups"] == [{"keys": ["07"], "count": 7}]


async def test_an_address_is_missing_or_shared_and_never_told(portal: Portal, district: District, town: Town) -> None:
    await arrive(portal, district, town, "reporter in the district")
    columns = ["givenName", "emailProblem", "emailSharedBy"]
    found = await rows(portal, "EMAIL_PROBLEMS", columns=columns, filter={"capacity": "GUARDIAN"})
    shared = [["Pat", "SHARED", "2"], ["Sam", "SHARED", "2"]]
    assert found == [["Maria", "MISSING", ""], ["Maria", "MISSING", ""], *shared]
    assert await rows(portal, "EMAIL_PROBLEMS", columns=columns, filter={"email": "SHARED"}) == shared
    document = {"definition": {"name": "EMAIL_PROBLEMS"}}
    assert b"example.org" not in (await portal.post(REPORT, {"input": document})).content


async def test_guardians_are_counted_by_how_they_stand(portal: Portal, district: District, town: Town) -> None:
    await arrive(portal, district, town, "designee at Lakeside")
    name = "STUDENTS_WITHOUT_ACTIVATED_GUARDIAN"
    columns = ["name", "guardiansOnRecord", "guardiansConfirmed", "guardiansActivated"]
    assert await rows(portal, name, columns=columns) == [["Nora Quimby", "2", "1", "0"], ["Dora Quimby", "0", "0", "0"]]
    await district.opened(town.mary, "mary.q")
    assert await rows(portal, name, columns=columns) == [["Nora Quimby", "2", "1", "1"], ["Dora Quimby", "0", "0", "0"]]
    await district.opened(town.maria, "maria.q")
    assert await rows(portal, name, columns=columns) == [["Dora Quimby", "0", "0", "0"]]


async def test_a_restriction_makes_no_difference_to_any_report(portal: Portal, district: District, town: Town) -> None:
    """What is not told cannot be told by what is missing, either."""
    await arrive(portal, district, town, "reporter in the district")

    async def all_reports() -> list[Answer]:
        return [
            await run(portal, name.name, **(SINCE if name is ReportName.NOT_SIGNED_IN_SINCE else {}))
            for name in ReportName
        ]

    before = await all_reports()
    await district.restrict(town.maria, town.nora)
    await district.restrict(town.pat, town.theo)
    assert await all_reports() == before


async def test_disabled_accounts_are_found_by_the_reason(portal: Portal, district: District, town: Town) -> None:
    await arrive(portal, district, town, "reporter at Lakeside")
    columns = ["givenName", "disabledReason"]
    for reason, expected in (("STAFF_DECISION", [["Dora", "STAFF_DECISION"]]), ("NO_CURRENT_STUDENT", [])):
        assert await rows(portal, "DISABLED", columns=columns, filter={"disabledReason": [reason]}) == expected
    await Account.filter(id=town.dora.account_id).update(disabled_reason=DisabledReason.MERGED)
    assert await rows(portal, "DISABLED") == []


async def test_a_key_that_has_expired_is_not_outstanding(portal: Portal, district: District, town: Town) -> None:
    await arrive(portal, district, town, "reporter at Lakeside")
    columns = ["givenName", "keyIssuedAt", "keyExpiresAt"]
    assert await rows(portal, "KEYS_OUTSTANDING", columns=columns) == [["Maria", "2026-10-04T17:00:00Z", ""]]
    await ActivationKey.filter(account_id=town.maria.account_id).update(expires_at=district.ctx.now)
    assert await rows(portal, "KEYS_OUTSTANDING", columns=columns) == []


async def test_likely_duplicates_say_what_they_have_in_common(portal: Portal, district: District, town: Town) -> None:
    await arrive(portal, district, town, "reporter at Lakeside")
    [cells] = await rows(portal, "LIKELY_DUPLICATES", columns=["kind", "firstName", "secondName", "inCommon"])
    assert cells == ["GUARDIAN", "Maria Quimby", "Maria Quimby", "SAME_NAME; SHARED_STUDENT"]


# ------------------------------------------------------------------------------------------------ pages
@pytest.mark.parametrize("order", ["ID", "NAME", "SCHOOL", "LAST_LOGIN"])
@pytest.mark.parametrize("descending", [False, True])
async def test_pages_show_each_account_once_in_each_order(
    portal: Portal, district: District, town: Town, order: str, *, descending: bool
) -> None:
    await arrive(portal, district, town, "reporter in the district")
    whole = await rows(portal, "ACCOUNTS", order=order, descending=descending)
    seen: list[list[str]] = []
    after: str | None = None
    more = True
    while more:
        report = await run(portal, "ACCOUNTS", order=order, descending=descending, first=3, after=after)
        page = report["rows"]
        seen += [edge["node"]["cells"] for edge in page["edges"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert seen == whole
    assert len({cells[0] for cells in seen}) == 8


@pytest.mark.parametrize("name", [name.name for name in ReportName])
async def test_each_report_has_pages(portal: Portal, district: District, town: Town, name: str) -> None:
    await arrive(portal, district, town, "reporter in the district")
    more = SINCE if name == "NOT_SIGNED_IN_SINCE" else {}
    whole = await rows(portal, name, **more)
    seen: list[list[str]] = []
    after: str | None = None
    for _ in whole:
        report = await run(portal, name, first=1, after=after, **more)
        seen += [edge["node"]["cells"] for edge in report["rows"]["edges"]]
        after = report["rows"]["pageInfo"]["endCursor"]
        assert report["rows"]["pageInfo"]["hasNextPage"] == (len(seen) < len(whole))
    assert seen == whole


async def test_a_page_costs_the_same_whatever_its_size(
    portal: Portal, district: District, town: Town, statements: Statements
) -> None:
    """The session, the page, what stands beside it, and the entry in the trail with its transaction's own."""
    await arrive(portal, district, town, "reporter in the district")
    document = REPORT.replace("totalCount", "")
    costs = []
    for first in (1, 100):
        for columns in (["name"], ["name", "studentNumber", "gradeLevels"]):
            statements.take()
            definition = {"name": "STUDENT_ACCOUNTS", "columns": columns}
            await portal.ask(document, {"input": {"definition": definition, "first": first}})
            costs.append(len(statements.take()))
    assert costs == [3, 4, 3, 4]


# ------------------------------------------------------------------------------------------------ the trail
async def test_a_report_is_noted_with_what_was_asked_for(portal: Portal, district: District, town: Town) -> None:
    await arrive(portal, district, town, "designee at Lakeside")
    await forget_trail()
    await run(portal, "NEVER_ACTIVATED", filter={"capacity": "GUARDIAN"}, columns=["name"], purpose="Key letters")
    entry = await TrailEntry.get(step=Step.RUN_REPORT)
    assert entry.details == {
        "report": "never-activated",
        "filter": {"capacity": "GUARDIAN"},
        "columns": ["name"],
        "group_by": [],
        "purpose": "Key letters",
        "rows": 2,
    }
    assert entry.rule == "designee, same_school, report:student_accounts, any, any"


@pytest.mark.parametrize("columns", [["name"], ["name", "username"]], ids=str)
async def test_each_page_is_noted(portal: Portal, district: District, town: Town, columns: list[str]) -> None:
    """Also to somebody who begins with a cursor, as anybody can write one that lies before all accounts."""
    await arrive(portal, district, town, "designee at Lakeside")
    await forget_trail()
    first = await run(portal, "ACCOUNTS", columns=columns, first=2, purpose="Term begins")
    began = int(district.ctx.now.timestamp())
    before_all = base64.urlsafe_b64encode(json.dumps(["ID", False, began, None, 0]).encode()).decode().rstrip("=")
    for after in (first["rows"]["pageInfo"]["endCursor"], before_all):
        assert (await run(portal, "ACCOUNTS", columns=columns, first=2, after=after, purpose="Term begins"))["rows"]
    assert await trail(Step.RUN_REPORT) == [(Step.RUN_REPORT, Outcome.DONE)] * 3


async def test_a_refused_report_is_noted_too(portal: Portal, district: District, town: Town) -> None:
    await arrive(portal, district, town, "designee at Lakeside")
    await run(portal, "LIKELY_DUPLICATES")
    await run(portal, "ACCOUNTS", columns=["password"])
    assert await trail(Step.RUN_REPORT) == [(Step.RUN_REPORT, "NOT_ALLOWED"), (Step.RUN_REPORT, "INVALID_INPUT")]


# ------------------------------------------------------------------------------------------------ odd values
@pytest.mark.parametrize(
    ("name", "more", "field"),
    [
        ("ACCOUNTS", {"columns": ["password"]}, "columns"),
        ("ACCOUNTS", {"columns": ["name", "name"]}, "columns"),
        ("ACCOUNTS", {"columns": ["emailProblem"]}, "columns"),
        ("ACCOUNTS", {"columns": ["name"], "groupBy": ["STATUS"]}, "columns"),
        ("ACCOUNTS", {"columns": ["username"]}, "purpose"),
        ("ACCOUNTS", {"purpose": "  "}, "purpose"),
        ("ACCOUNTS", {"purpose": "x" * 501}, "purpose"),
        ("ACCOUNTS", {"purpose": "SSN 123-45-6789"}, "purpose"),
        ("ACCOUNTS", {"groupBy": ["STATUS", "STATUS"]}, "groupBy"),
        ("ACCOUNTS", {"groupBy": ["STATUS", "SCHOOL", "CAPACITY"]}, "groupBy"),
        ("ACCOUNTS", {"filter": {"email": "SHARED"}}, "email"),
        ("ACCOUNTS", {"filter": {"gradeLevel": "7\u202e"}}, "gradeLevel"),
        ("ACCOUNTS", {"filter": {"gradeLevel": "7" * 17}}, "gradeLevel"),
        ("ACCOUNTS", {"filter": {"notSignedInForDays": 0}}, "notSignedInForDays"),
        ("ACCOUNTS", {"filter": {"notSignedInForDays": 2**31 - 1}}, "notSignedInForDays"),
        ("ACCOUNTS", {"filter": {"notSignedInForDays": 3, "notSignedInSince": "2026-09-01"}}, "notSignedInForDays"),
        ("NOT_SIGNED_IN_SINCE", {}, "notSignedInSince"),
        ("NEVER_ACTIVATED", {"filter": {"status": ["ACTIVE"]}}, "status"),
        ("STUDENT_ACCOUNTS", {"filter": {"capacity": "GUARDIAN"}}, "capacity"),
        ("UNUSABLE_SSNS", {"order": "NAME"}, "order"),
        ("UNUSABLE_SSNS", {"groupBy": ["SCHOOL"]}, "groupBy"),
        ("UNUSABLE_SSNS", {"filter": {"capacity": "STUDENT"}}, "capacity"),
        ("UNUSABLE_SSNS", {"after": "MXwy"}, "after"),
        ("LIKELY_DUPLICATES", {"after": "fDE"}, "after"),
        ("LIKELY_DUPLICATES", {"filter": {"gradeLevel": "07"}}, "gradeLevel"),
        ("EMAIL_PROBLEMS", {"order": "NAME"}, "order"),
    ],
)
async def test_what_a_report_does_not_offer_is_refused_by_field(  # noqa: PLR0917
    portal: Portal, district: District, town: Town, name: str, more: Answer, field: str
) -> None:
    await arrive(portal, district, town, "reporter in the district")
    refused = await run(portal, name, **more)
    assert refused["__typename"] == "InvalidInput", refused
    assert [problem["path"][-1] for problem in refused["fields"]] == [field]
    assert "password" not in str(refused)


@pytest.mark.parametrize(
    "input_",
    [
        {},
        {"definition": {"name": "ACCOUNTS"}, "savedReportId": "x"},
        {"savedReportId": ""},
        {"savedReportId": "nonsense"},
    ],
)
async def test_a_report_is_a_definition_or_a_saved_one(
    portal: Portal, district: District, town: Town, input_: Answer
) -> None:
    await arrive(portal, district, town, "reporter in the district")
    assert (await portal.do(REPORT, input_))["__typename"] == "InvalidInput"


@pytest.mark.parametrize("more", [{"first": 0}, {"first": 101}, {"after": "nonsense"}, {"after": ""}])
async def test_a_page_that_nobody_should_ask_for_is_an_error(portal: Portal, more: Answer) -> None:
    input_ = {"definition": {"name": "ACCOUNTS"}} | more
    [error] = (await portal.post(REPORT, {"input": input_})).json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def test_what_is_at_a_school_that_cannot_be_one_is_nothing(
    portal: Portal, district: District, town: Town
) -> None:
    await arrive(portal, district, town, "reporter in the district")
    for name in ("ACCOUNTS", "UNUSABLE_SSNS", "GUARDIANS_WITHOUT_PORTAL_MARK", "LIKELY_DUPLICATES"):
        for id_ in ("nonsense", "", "QWNjb3VudDox"):
            assert await rows(portal, name, filter={"schoolId": id_}) == []


async def test_a_day_is_one_of_the_district(portal: Portal, district: District, town: Town) -> None:
    """Chicago's 1 September begins at 05:00 UTC."""
    await arrive(portal, district, town, "reporter at Lakeside")
    begins = district.ctx.now.replace(month=9, day=1, hour=5)
    for moment, expected in ((begins, []), (begins - timedelta(microseconds=1), [["Nora"]])):
        await Account.filter(id=town.nora.account_id).update(last_login_at=moment)
        more = {"filter": {"notSignedInSince": "2026-09-01"}, "columns": ["givenName"]}
        assert await rows(portal, "NOT_SIGNED_IN_SINCE", **more) == expected


async def test_titles_are_in_the_language_that_is_asked_for(portal: Portal, district: District, town: Town) -> None:
    await arrive(portal, district, town, "reporter at Lakeside")
    portal.http.headers["Accept-Language"] = "es"
    report = await run(portal, "DISABLED")
    assert report["title"] == "Desactivadas, y por qué"
    assert "Nombre" in {column["title"] for column in report["columns"]}
    assert STUDENT_ROWS[0] in {each["name"] for each in (await portal.ask(REPORTS))["reports"]}

"""Reports show what the gate allows and nothing else, as lists, counts and single reads do; for every viewer."""

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from tortoise.context import TortoiseContext

from db import sql
from db.context import Capacity, Context
from db.models import AccountStatus, GuardianshipStatus
from policies.words import Action
from schema.nodes import global_id
from tests.clients import Answer
from tests.documents import REPORT
from tests.generated_districts import STUDENTS, Town, accounts, put_on_record, towns
from tests.tables import as_superuser
from tests.test_reach import _ANYWAY, OPERATIONS, Oracle, Question, _other_table, questions

_REPORTING = (Action.REPORT_ACCOUNTS, Action.REPORT_STUDENT_ACCOUNTS)
_PURPOSE = "So that it is known"


async def _report(ctx: Context, name: str, *columns: str, **more: Any) -> Answer:
    async def context() -> Context:
        return ctx

    definition = {"name": name, "columns": list(columns)} | more.pop("definition", {})
    asked = {"definition": definition, "purpose": _PURPOSE} | more
    outcome = await OPERATIONS.run(REPORT, make_context=context, request_id="test", variables={"input": asked})
    assert outcome.errors == []
    assert outcome.data is not None
    answer: Answer = outcome.data["report"]
    return answer


async def _rows(ctx: Context, name: str, *columns: str, size: int, **definition: Any) -> list[list[str]] | None:
    """All rows of all pages, which are as many as are counted; None where the asker may not, or has no such column."""
    rows: list[list[str]] = []
    after: str | None = None
    more = True
    while more:
        report = await _report(ctx, name, *columns, first=size, after=after, definition=definition)
        if report["__typename"] != "Report":
            return None
        rows += [edge["node"]["cells"] for edge in report["rows"]["edges"]]
        more, after = report["rows"]["pageInfo"]["hasNextPage"], report["rows"]["pageInfo"]["endCursor"]
    assert report["rows"]["totalCount"] == len(rows)
    return rows


def _filter(question: Question) -> Answer:
    return {
        "schoolId": None if question.school is None else global_id("School", question.school),
        "gradeLevel": question.grade,
        "capacity": question.capacity.value if question.capacity else None,
        "status": None if question.status is None else list(question.status),
        "neverLoggedIn": question.never_logged_in,
    }


async def _accounts_are_those_of_the_list(ctx: Context, oracle: Oracle, size: int) -> None:
    unasked: Answer = dict.fromkeys(("last_login_before", "not_signed_in_since", "disabled_reason", "key_outstanding"))
    question = replace(oracle.question, order="ID", descending=False, **unasked)
    oracle = Oracle(ctx, oracle.town, question)
    wanted = oracle.wanted_accounts()
    rows = await _rows(ctx, "ACCOUNTS", "accountId", "status", size=size, filter=_filter(question))
    shown = [[global_id("Account", id_), held.shown] for id_, _, held in wanted]
    assert (rows or []) == shown
    for by in ("STATUS", "SCHOOL"):
        report = await _report(ctx, "ACCOUNTS", definition={"groupBy": [by], "filter": _filter(question)})
        counted = {group["keys"][0]: group["count"] for group in report.get("groups", [])}
        assert counted == oracle.counts(by)
    report = await _report(
        ctx, "ACCOUNTS", definition={"groupBy": ["SCHOOL", "GRADE_LEVEL"], "filter": _filter(question)}
    )
    pairs: Counter[tuple[str, str]] = Counter()
    for id_, capacity, _ in wanted:
        places = oracle.wanted_places(id_, capacity)
        pairs.update({(str(global_id("School", school)), grade or "") for school, grade in places} or {("", "")})
    assert {(g["keys"][0], g["keys"][-1]): g["count"] for g in report.get("groups", [])} == pairs


async def _numbers_and_usernames_are_those_of_ones_schools(ctx: Context, oracle: Oracle, size: int) -> None:
    told: dict[str, tuple[bool, bool]] = {}
    for id_, capacity, held in oracle.seen_accounts():
        student = oracle.schools(id_ - STUDENTS) if capacity is Capacity.STUDENT else None
        username = ctx.viewer is not None and id_ == ctx.viewer.account_id
        number = False
        if student is not None:
            username = username or oracle.any_at(student, Action.REPORT_STUDENT_ACCOUNTS)
            number = oracle.any_at(student, *_REPORTING)
        told[global_id("Account", id_)] = (username and held.status is not AccountStatus.NOT_ACTIVATED, number)
    for place, column in enumerate(("username", "studentNumber")):
        rows = await _rows(ctx, "ACCOUNTS", "accountId", column, size=size) or []
        assert {id_ for id_, cell in rows if cell} == {id_ for id_, each in told.items() if each[place]}


async def _students_are_those_of_ones_schools(ctx: Context, oracle: Oracle, size: int) -> None:
    town = oracle.town
    mine = [n for n in range(len(town.pupils)) if oracle.any_at(oracle.schools(n), *_REPORTING)]
    rows = await _rows(ctx, "UNUSABLE_SSNS", "studentId", size=size)
    assert [cell for [cell] in rows or []] == [global_id("Student", STUDENTS + n) for n in mine]
    reached = {
        tie.student
        for tie in town.ties
        if tie.status is GuardianshipStatus.CONFIRMED
        and (account := town.parents[tie.guardian].account)
        and account.status is AccountStatus.ACTIVE
    }
    rows = await _rows(ctx, "STUDENTS_WITHOUT_ACTIVATED_GUARDIAN", "studentId", "guardiansOnRecord", size=size)
    on_record = Counter(tie.student for tie in town.ties if tie.status is not GuardianshipStatus.REVOKED)
    assert (rows or []) == [[global_id("Student", STUDENTS + n), str(on_record[n])] for n in mine if n not in reached]
    rows = await _rows(ctx, "GUARDIANS_WITHOUT_PORTAL_MARK", "guardianshipId", size=size)
    assert [cell for [cell] in rows or []] == [
        global_id("Guardianship", number + 1)
        for number, tie in enumerate(town.ties)
        if tie.status is not GuardianshipStatus.REVOKED and not tie.portal_access
        if oracle.any_at(oracle.schools(tie.student), Action.REPORT_ACCOUNTS)
    ]


async def _more_is_told_to_those_who_report(ctx: Context, oracle: Oracle, size: int) -> None:
    expected = []
    for id_, capacity, _ in accounts(oracle.town):
        schools = {school for school, _ in oracle.places(id_, capacity)}
        actions = _REPORTING if capacity is Capacity.STUDENT else (Action.REPORT_ACCOUNTS,)
        if capacity is not Capacity.STAFF and oracle.any_at(schools, *actions):
            expected.append(global_id("Account", id_))
    rows = await _rows(ctx, "EMAIL_PROBLEMS", "accountId", size=size)
    assert [cell for [cell] in rows or []] == expected


@settings(max_examples=20, deadline=None, suppress_health_check=_ANYWAY)
@given(town=towns(lookers=3), question=questions)
async def test_reports_show_what_the_gate_allows_and_nothing_else(
    database: TortoiseContext, ctx: Context, town: Town, question: Question
) -> None:
    if question.other_table:
        ctx = replace(ctx, rules=ctx.rules.model_copy(update={"policy_table": _other_table()}))
    await put_on_record(town, now=ctx.now, today=ctx.today)
    for looker in town.lookers:
        seeing = replace(ctx, viewer=looker.viewer())
        oracle, size = Oracle(seeing, town, question), 1 + len(town.pupils)
        await _accounts_are_those_of_the_list(seeing, oracle, size)
        await _numbers_and_usernames_are_those_of_ones_schools(seeing, oracle, size)
        await _students_are_those_of_ones_schools(seeing, oracle, size)
        await _more_is_told_to_those_who_report(seeing, oracle, size)
    async with as_superuser():
        await sql.rows("TRUNCATE trail_entry, trail_unsealed")

"""Reports: who may run which, what they list, and that they list what the list of accounts does."""

from typing import Any

import pytest

from db.context import Role
from db.models import School
from schema.nodes import global_id
from tests.clients import Answer, Portal
from tests.desk import at_desk
from tests.district import PASSWORD, Adult, District, Pupil
from tests.documents import REPORT, REPORTS


@pytest.fixture
async def school(district: District) -> School:
    return await district.school()


async def run(portal: Portal, name: str, **more: Any) -> Answer:
    definition = {"name": name} | {
        key: more.pop(key) for key in ("filter", "columns", "groupBy", "order", "descending") if key in more
    }
    return (await portal.ask(REPORT, {"input": {"definition": definition, "first": 100} | more}))["report"]


NAMES = [
    "ACCOUNTS",
    "STUDENT_ACCOUNTS",
    "GUARDIAN_ACCOUNTS",
    "NEVER_ACTIVATED",
    "NOT_SIGNED_IN_SINCE",
    "DISABLED",
    "KEYS_OUTSTANDING",
    "EMAIL_PROBLEMS",
    "STUDENTS_WITHOUT_ACTIVATED_GUARDIAN",
    "GUARDIANS_WITHOUT_PORTAL_MARK",
    "UNUSABLE_SSNS",
    "LIKELY_DUPLICATES",
]


@pytest.mark.parametrize("role", [Role.DESIGNEE, Role.REPORTER])
@pytest.mark.parametrize("at", [True, False])
async def test_smoke(portal: Portal, district: District, school: School, role, at) -> None:
    nora = await district.student(school=school, ssn="")
    maria = await district.guardian(nora, portal_access=False)
    await at_desk(portal, district, role, school if at else None)
    print((await portal.ask(REPORTS))["reports"][0])
    for name in NAMES:
        more = {"filter": {"notSignedInForDays": 3}} if name == "NOT_SIGNED_IN_SINCE" else {}
        got = await run(portal, name, **more)
        print(name, got.get("rows") or got, [c["title"] for c in got.get("columns", [])])
        if name == "ACCOUNTS":
            print(await run(portal, name, groupBy=["SCHOOL", "STATUS"]))
            print(
                await run(
                    portal, name, columns=["accountId", "username", "studentNumber", "gradeLevels"], purpose="why"
                )
            )
    assert 0

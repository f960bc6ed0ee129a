"""Why somebody may not: what the policy table says in a situation, told to administrators and to the operator."""

import json
from pathlib import Path

import pytest

from db.context import Role
from db.models import RoleAssignment, TrailEntry
from db.trail import Step
from policies.refusals import MissingFact
from policies.table import SHIPPED
from policies.words import Action
from schema.messages import SUPPLIED_BY
from tests import documents
from tests.clients import Answer, Portal
from tests.command_line import portal as command
from tests.district import PASSWORD, Adult, District
from tests.tables import forget_trail, trail

LINES = SHIPPED.read_text(encoding="utf-8").splitlines()
RESET = {"role": "DESIGNEE", "scope": "same_school", "action": "account:reset"}
ROW = "designee, same_school, account:reset, confirmed, passed"
EXPLAIN_ROW = "administrator, same_district, policy:explain, any, any"
GUARDIANSHIP = str(SUPPLIED_BY[MissingFact.GUARDIANSHIP_CONFIRMED])
VERIFICATION = str(SUPPLIED_BY[MissingFact.VERIFICATION_PASSED])


async def signed_in(portal: Portal, district: District, role: Role, *, at_school: bool = False) -> Adult:
    """A member of staff with this role, whose later requests these are."""
    school = await district.school() if at_school else None
    somebody = await district.staff(role, school)
    await district.opened(somebody, f"some.{role}")
    assert (await portal.login(f"some.{role}", PASSWORD))["__typename"] == "LoggedIn"
    await forget_trail()
    return somebody


async def explained(portal: Portal, **words: str) -> Answer:
    return await portal.do(documents.EXPLAIN_POLICY, RESET | words)


# ------------------------------------------------------------------------------------------------ administrators
async def test_an_administrator_is_told_the_row_that_says_yes(portal: Portal, district: District) -> None:
    await signed_in(portal, district, Role.ADMINISTRATOR)
    said = await explained(portal, guardianship="confirmed", verification="passed")
    assert said == {
        "__typename": "PolicyExplanation",
        "allowed": True,
        "rule": ROW,
        "line": LINES.index(ROW.replace(", ", ",")) + 1,
        "missing": [],
        "advice": [],
    }


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ({"verification": "passed"}, ["GUARDIANSHIP_CONFIRMED"]),
        ({"guardianship": "restricted", "verification": "passed"}, ["GUARDIANSHIP_CONFIRMED"]),
        ({"guardianship": "confirmed", "verification": "other_requester"}, ["VERIFICATION_PASSED"]),
        ({"guardianship": "self"}, ["VERIFICATION_PASSED"]),
        ({}, ["GUARDIANSHIP_CONFIRMED", "VERIFICATION_PASSED"]),
        ({"scope": "same_district", "guardianship": "confirmed", "verification": "passed"}, ["SAME_SCHOOL"]),
        ({"scope": "none", "guardianship": "confirmed", "verification": "passed"}, ["ROLE"]),
        ({"role": "REPORTER", "guardianship": "confirmed", "verification": "passed"}, ["ROLE"]),
    ],
)
async def test_an_administrator_is_told_what_is_missing_and_who_supplies_it(
    portal: Portal, district: District, words: dict[str, str], missing: list[str]
) -> None:
    await signed_in(portal, district, Role.ADMINISTRATOR)
    said = await explained(portal, **words)
    assert (said["allowed"], said["rule"], said["line"]) == (False, None, None)
    assert said["missing"] == missing
    assert said["advice"] == [str(SUPPLIED_BY[MissingFact(fact)]) for fact in missing]


async def test_a_role_in_the_whole_district_is_one_at_each_school(portal: Portal, district: District) -> None:
    await signed_in(portal, district, Role.ADMINISTRATOR)
    said = await explained(portal, role="TECHNOLOGY", scope="same_school", action="diagnosis:read")
    assert said["rule"] == "technology, same_district, diagnosis:read, any, any"


async def test_an_administrator_of_one_school_is_told_too(portal: Portal, district: District) -> None:
    await signed_in(portal, district, Role.ADMINISTRATOR, at_school=True)
    assert (await explained(portal))["__typename"] == "PolicyExplanation"


async def test_words_that_the_table_does_not_know_are_named_with_those_that_it_does(
    portal: Portal, district: District
) -> None:
    await signed_in(portal, district, Role.ADMINISTRATOR)
    said = await explained(portal, scope="my school", action="account:destroy", verification="any")
    assert (said["__typename"], said["code"]) == ("InvalidInput", "INVALID_INPUT")
    fields = {field["path"][-1]: field for field in said["fields"]}
    assert [field["path"] for field in said["fields"]] == [
        ["input", "scope"],
        ["input", "action"],
        ["input", "verification"],
    ]
    assert fields["scope"]["message"] == (
        "This is not a known scope. Known words: own, own_student, same_school, same_district, none."
    )
    assert fields["action"]["message"].endswith(f"Known words: {', '.join(Action)}.")
    assert "any" not in fields["verification"]["message"].split("Known words: ")[1]
    # What was sent is in nobody's keeping: it may be anything.
    [entry] = await TrailEntry.all()
    assert (entry.refusal, entry.details) == ("INVALID_INPUT", {}), entry.details


async def test_several_situations_may_be_asked_about_at_once(portal: Portal, district: District) -> None:
    await signed_in(portal, district, Role.ADMINISTRATOR)
    asked = " ".join(
        f'a{number}: explainPolicy(input: {{role: DESIGNEE, scope: "same_school", action: "{action}"}}) '
        "{ ... on PolicyExplanation { allowed } }"
        for number, action in enumerate(Action)
    )
    said = await portal.ask(f"{{ {asked} }}")
    allowed = {action for action, answer in zip(Action, said.values(), strict=True) if answer["allowed"]}
    assert allowed == {Action.ACCOUNT_STATUS, Action.VERIFICATION_RUN, Action.REPORT_STUDENT_ACCOUNTS}
    assert len(await trail(Step.EXPLAIN_POLICY)) == len(Action)


# ------------------------------------------------------------------------------------------------ the others
@pytest.mark.parametrize("role", [Role.DESIGNEE, Role.REGISTRAR, Role.TECHNOLOGY, Role.REPORTER])
async def test_other_staff_are_not_told(portal: Portal, district: District, role: Role) -> None:
    somebody = await signed_in(portal, district, role)
    said = await explained(portal, scope="nor is this looked at")
    assert (said["__typename"], said["missing"]) == ("NotAllowed", ["ROLE"])
    assert said["message"] == str(SUPPLIED_BY[MissingFact.ROLE])
    [entry] = await TrailEntry.all()
    assert (entry.refusal, entry.actor_account_id) == ("NOT_ALLOWED", somebody.account_id)
    assert not entry.rule


async def test_families_are_not_told(portal: Portal, district: District) -> None:
    await district.opened(await district.guardian(await district.student()), "maria.q")
    await portal.login("maria.q", PASSWORD)
    said = await explained(portal)
    assert (said["__typename"], said["missing"]) == ("NotAllowed", ["ROLE"])


async def test_nobody_is_told_without_signing_in(portal: Portal) -> None:
    said = await explained(portal)
    assert (said["__typename"], said["missing"]) == ("NotAllowed", ["SIGNED_IN"])
    assert await trail() == [("policy:explain", "NOT_ALLOWED")]


async def test_a_role_counts_from_the_next_request_on(portal: Portal, district: District) -> None:
    """In one session: a reporter becomes an administrator, and is none any more."""
    rae = await signed_in(portal, district, Role.REPORTER)
    assert (await explained(portal))["__typename"] == "NotAllowed"
    given = await RoleAssignment.create(person_id=rae.id, role=Role.ADMINISTRATOR)
    assert (await explained(portal))["__typename"] == "PolicyExplanation"
    await given.delete()
    assert (await explained(portal))["__typename"] == "NotAllowed"


# ------------------------------------------------------------------------------------------------ the trail
async def test_that_it_was_asked_is_in_the_trail_with_the_situation(portal: Portal, district: District) -> None:
    somebody = await signed_in(portal, district, Role.ADMINISTRATOR)
    await explained(portal, guardianship="claimed")
    [entry] = await TrailEntry.all()
    assert (entry.step, entry.outcome, entry.rule) == (Step.EXPLAIN_POLICY, "DONE", EXPLAIN_ROW)
    assert (entry.actor_account_id, entry.actor_person_id) == (somebody.account_id, somebody.id)
    assert entry.details == {
        "role": "designee",
        "scope": "same_school",
        "action": "account:reset",
        "guardianship": "claimed",
        "verification": "none",
    }


# ------------------------------------------------------------------------------------------------ the operator
def told(folder: Path, *words: str, **settings: str) -> str:
    answer = command(folder, "explain", *words, **settings)
    assert (answer.returncode, answer.stderr) == (0, ""), answer
    assert list(folder.iterdir()) == [] or settings
    return answer.stdout


def test_the_operator_is_told_the_line_that_says_yes(tmp_path: Path) -> None:
    words = ("designee", "same_school", "account:reset", "--guardianship", "confirmed", "--verification", "passed")
    line = LINES.index(ROW.replace(", ", ",")) + 1
    assert told(tmp_path, *words) == f"Yes: line {line} of policies/access.csv allows it.\n  {ROW}\n"
    assert json.loads(told(tmp_path, *words, "--json")) == {
        "allowed": True,
        "rule": ROW,
        "line": line,
        "missing": [],
        "advice": [],
    }


def test_the_operator_is_told_what_is_missing_and_who_supplies_it(tmp_path: Path) -> None:
    words = ("designee", "same_school", "account:reset")
    assert told(tmp_path, *words) == (
        "No. What is missing, and who can supply it:\n"
        f"  GUARDIANSHIP_CONFIRMED: {GUARDIANSHIP}\n"
        f"  VERIFICATION_PASSED: {VERIFICATION}\n"
    )
    assert json.loads(told(tmp_path, *words, "--guardianship", "confirmed", "--json")) == {
        "allowed": False,
        "rule": None,
        "line": None,
        "missing": ["VERIFICATION_PASSED"],
        "advice": [VERIFICATION],
    }


def test_the_operator_is_told_of_the_districts_own_table(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(f"{LINES[0]}\n\nreporter,same_district,work_order:open,any,any\n")
    said = told(tmp_path, "reporter", "same_school", "work_order:open", policy_table="own.csv")
    assert said == "Yes: line 3 of own.csv allows it.\n  reporter, same_district, work_order:open, any, any\n"
    (tmp_path / "own.csv").write_text(f"{LINES[0]}\nreporter,same_district,account:details,any,any\n")
    refused = command(tmp_path, "explain", "reporter", "own", "account:read", policy_table="own.csv")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("portal: The policy table own.csv is refused, line 2: account:details needs ")


def test_the_operator_is_told_which_words_there_are(tmp_path: Path) -> None:
    answer = command(tmp_path, "explain", "principal", "same_school", "account:reset", "--verification", "any")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == (
        "portal: The word 'principal' is no role; known are guardian, student, designee, registrar, technology, "
        "reporter, administrator. The word 'any' is no verification; known are none, open, failed, passed, expired, "
        "used, other_designee, other_requester, other_purpose.\n"
    )

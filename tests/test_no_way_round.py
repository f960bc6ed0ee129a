"""There is no way round the verification: not by another field, a nested one, an error, a count, or the clock.

Time is not measured here: whatever could be timed is the same work, statement for statement, and hash for hash.
"""

import re
from collections.abc import Iterator

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type

from db.context import Role
from db.models import Verification
from schema.build import schema
from schema.nodes import global_id
from tests import documents
from tests.clients import Portal
from tests.conftest import Statements
from tests.desk import QUESTIONS, Desk, answers_input, open_desk
from tests.district import PASSWORD, District
from tests.tables import spent

#: What comes back only to the holder, or after confirmed guardianship and passed verification.
DETAILS = {"username", "email", "mustChangePassword"}
#: Where these may stand in the schema.
PLACES = {"AccountDetails", "PasswordChanged"}
#: Types by which one gets to details, and the mutations and fields that hand them out.
WAYS = {
    ("AccountActivated", "details"),
    ("AccountFound", "details"),
    ("Me", "details"),
}


@pytest.fixture
async def desk(portal: Portal, district: District) -> Desk:
    return await open_desk(portal, district)


# ------------------------------------------------------------------------------------------------ the schema itself
def _fields() -> Iterator[tuple[str, str, str]]:
    """Each field of the schema: type, name, and the type that it leads to."""
    for name, type_ in schema._schema.type_map.items():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__"):
            for field, found in type_.fields.items():
                yield name, field, get_named_type(found.type).name


def test_details_stand_in_one_type_and_few_fields_lead_there() -> None:
    assert {type_ for type_, field, _ in _fields() if field in DETAILS} == PLACES
    assert {(type_, field) for type_, field, leads_to in _fields() if leads_to == "AccountDetails"} == WAYS


def test_nothing_that_a_designee_may_ask_leads_to_a_students_record_or_number() -> None:
    """From `findPeople`, `accounts` and `guardianships` on, through whatever they lead to."""
    leads: dict[str, set[str]] = {}
    for type_, _, leads_to in _fields():
        leads.setdefault(type_, set()).add(leads_to)
    reached, waiting = set(), ["PersonMatch", "AccountConnection", "GuardianshipConnection", "Account", "Guardianship"]
    while waiting:
        here = waiting.pop()
        if here not in reached:
            reached.add(here)
            waiting += leads.get(here, ())
    assert not reached & {"Student", "AccountDetails", "GradeConnection", "AttendanceConnection", "Me"}
    shown = {field for type_, field, _ in _fields() if type_ in reached}
    assert not shown & {*DETAILS, "studentNumber", "birthDate", "address", "mailingAddress", "homePhone"}


# ------------------------------------------------------------------------------------------------ by asking
async def test_neither_list_nor_node_nor_search_gives_details_before_or_after_a_verification(desk: Desk) -> None:
    """A verification that has passed opens its own step, and nothing that other fields show."""
    account = global_id("Account", desk.maria.account_id)
    query = """
    query Q($id: ID!, $search: String!) {
      node(id: $id) { __typename id ... on Account { status holder { display } } }
      account(id: $id) { id status disabledReason lockedUntil activatedAt lastLoginAt holder { display } }
      accounts(first: 50) { totalCount edges { node { id holder { display } schools { name } } } }
      accountCounts { key count }
      findPeople(search: $search) {
        student { id name { display } gradeLevel } studentAccount { id status }
        guardians { guardian { id name { display } } guardianshipConfirmed account { id status } }
      }
    }
    """
    before = await desk.portal.post(query, {"id": account, "search": "Quimby"})
    await desk.look_up(await desk.verified("LOOK_UP"))
    after = await desk.portal.post(query, {"id": account, "search": "Quimby"})
    assert before.status_code == after.status_code == 200
    assert "errors" not in before.json()
    assert before.json() == after.json()
    for private in ("maria.q", "nora.q", "example.org", desk.nora.number, "555-0134", "Saint Mary", desk.nora.ssn):
        assert private not in after.text
    asking_more = "query Q($id: ID!) { account(id: $id) { details { username } } }"
    refused = (await desk.portal.post(asking_more, {"id": account})).json()
    assert refused["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_no_error_says_more_than_a_refusal(desk: Desk, district: District) -> None:
    """Ids of all kinds of things where a verification's is wanted: one answer, which names nobody."""
    passed = await desk.verified("LOOK_UP")
    ids = [
        global_id("Account", desk.maria.account_id),
        global_id("Guardian", desk.maria.id),
        global_id("Student", desk.nora.id),
        global_id("Verification", 0),
        global_id("Verification", 2**62),
        passed[:-2],
        passed.upper(),
        "1",
        "",
        "' OR 1=1 --",
    ]
    answers = [str(await desk.look_up(sent)) for sent in ids]
    assert len(set(answers)) == 1
    assert "VERIFICATION_PASSED" in answers[0]
    assert not re.search(r"maria|nora|quimby", answers[0], re.IGNORECASE)


# ------------------------------------------------------------------------------------------------ by the clock
async def test_a_wrong_answer_costs_the_same_work_whichever_it_is(desk: Desk, statements: Statements) -> None:
    costs = {}
    for wrong in [*QUESTIONS, "all of them"]:
        started = await desk.start("LOOK_UP")
        said = {
            question: "something else" if wrong in {question, "all of them"} else answer
            for question, answer in desk.right.items()
        }
        statements.take()
        failed = await desk.portal.do(documents.ANSWER_VERIFICATION, answers_input(started["verificationId"], said))
        assert failed["__typename"] == "VerificationFailed"
        costs[wrong] = statements.take()
    assert len({tuple(cost) for cost in costs.values()}) == 1
    assert len(costs["all of them"]) == 6


async def test_a_stolen_a_guessed_and_a_foreign_id_cost_the_same_work(
    desk: Desk, district: District, statements: Statements
) -> None:
    hers = await desk.verified("LOOK_UP")
    sam = await district.staff(Role.DESIGNEE, desk.school, given="Sam")
    await district.opened(sam, "sam.ito")
    await desk.portal.login("sam.ito", PASSWORD)
    costs = []
    for sent in (hers, global_id("Verification", 10**9), "nonsense"):
        statements.take()
        refused = await desk.look_up(sent)
        assert refused["missing"] == ["VERIFICATION_PASSED"]
        costs.append(statements.take())
    assert costs[0] == costs[1] == costs[2]


async def test_a_guess_counts_for_the_caller_and_for_the_designee_whoever_is_meant(desk: Desk) -> None:
    """Counts are no way to learn anything either: known or not, right or nearly right, each guess counts alike."""
    for wrong in ("STUDENT_SSN", "PARENT_NAME"):
        started = await desk.start("LOOK_UP")
        await desk.answer(started["verificationId"], desk.right | {wrong: "something else"})
    assert await spent("verify-requester") == [2]
    assert await spent("verify-designee") == [2]
    assert {row.attempts_left for row in await Verification.all()} == {2}

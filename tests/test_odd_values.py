"""Whatever stands in a field, the answer is a refusal or an error that says so: never a fault, never a changed row."""

import re
from typing import Any

import pytest
import structlog
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type, is_enum_type, is_input_object_type

from app.settings import Settings
from db.context import Role
from db.models import Guardianship
from schema.build import schema
from schema.nodes import global_id
from tests import documents
from tests.clients import Portal
from tests.desk import at_desk, open_desk
from tests.district import PASSWORD, District

TEXTS = {
    "empty": "",
    "blank": " \t\u00a0\u2003",
    "long": "x" * 90_000,
    "digits": "9" * 5_000,
    "negative": "-1",
    "past 64 bits": str(2**63),
    "exponent": "1e309",
    "superscript": "²³",
    "other digits": "١٢٣٤٥٦٧٨٩",
    "control": "a\x01\x1b[31m\x7f\r\n",
    "mark": "\ufeff",
    "right to left": "\u202egnp.exe",
    "joined": "👩‍👩‍👧‍👦" * 500,
    "accents": "e" + "\u0301" * 5_000,
    "swells when folded": "ﷺ" * 5_000,
    "dotted I": "İıI",
    "sharp s": "ẞß",
    "no character": "\uffff\ufffe",
    "private": "\U0010ffff",
    "half width": "ｍａｒｉａ",
    "SQL": "'; DROP TABLE account; --",
    "format": "%s %n {0} ${jndi:ldap://x}",
    "markup": "<script>alert(1)</script>",
    "path": "../../etc/passwd",
    "padding": "====",
    "id of nothing": "U3R1ZGVudDo5OTk5OTk=",
    "id of a large number": "U3R1ZGVudDo5MjIzMzcyMDM2ODU0Nzc1ODA4",
    "id that is not text": "/////w==",
    "first day": "0001-01-01",
    "last day": "9999-12-31",
    "no day": "2026-02-30",
    "day and hour": "2026-02-28T00:00:00Z",
    "week": "2026-W10-1",
}
NUMBERS = [0, -1, 101, 2**31 - 1, -(2**31), 2**31, 2**63, 1.5, True]

ORDINARY = {
    **{"String": "ordinary words here", "ID": "U3R1ZGVudDox", "Boolean": False, "Int": 7},
    **{"Date": "2013-04-09", "DateTime": "2026-02-28T00:00:00Z"},
}


def ordinary(type_: Any, facts: dict[str, str]) -> Any:
    """A value of an input type with nothing odd about it; fields that `facts` knows hold what is true."""
    named = get_named_type(type_)
    if is_input_object_type(named):
        return {name: facts.get(name) or ordinary(field.type, facts) for name, field in named.fields.items()}
    return next(iter(named.values)) if is_enum_type(named) else ORDINARY[named.name]


def odd_inputs(input_type: GraphQLInputObjectType, odd: Any, facts: dict[str, str]) -> list[Any]:
    """The input with each of its fields odd in turn, then a password that is odd both times, then all of it."""
    inputs = []
    usual = ordinary(input_type, facts)
    for name, field in input_type.fields.items():
        named = get_named_type(field.type)
        inside = odd_inputs(named, odd, facts) if is_input_object_type(named) else [odd]
        inputs += [usual | {name: value} for value in inside]
    if "verifyPassword" in input_type.fields:
        inputs.append(usual | {"password": odd, "verifyPassword": odd})
    return [*inputs, dict.fromkeys(input_type.fields, odd)]


def mutations() -> list[tuple[str, GraphQLInputObjectType]]:
    root = schema._schema.mutation_type
    assert isinstance(root, GraphQLObjectType)
    return [
        (name, get_named_type(field.args["input"].type)) for name, field in root.fields.items() if "input" in field.args
    ]


async def refused(portal: Portal, query: str, variables: dict[str, Any], *, token: str | None) -> None:
    """One request that may be refused in any way but by a fault."""
    with structlog.testing.capture_logs() as logs:
        response = await portal.post(query, variables, token=token)
    assert response.status_code in {200, 413}, response.text
    assert "INTERNAL" not in response.text, [entry.get("trace") for entry in logs]
    assert not [entry for entry in logs if entry["event"] == "graphql.fault"]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Budgets so large that each odd value is judged."""
    budgets = {
        name: 1_000_000
        for name in Settings.model_fields
        if re.search("^(proofs|keys|logins|tokens|verifications)_per_", name)
    }
    return settings.model_copy(update=budgets)


async def test_odd_texts_do_not_break_a_mutation(portal: Portal, district: District) -> None:
    nora = await district.student()
    await district.guardian(nora)
    issued = await portal.request_key(*nora.proofs)
    token = (await portal.activate(issued["key"], "maria.q", PASSWORD))["session"]["token"]
    theo = await district.student(given="Theo")
    await district.guardian(theo, given="Ines")
    facts = {
        "studentNumber": theo.number,
        "studentBirthDate": theo.birth_date.isoformat(),
        "studentSsn": theo.ssn,
        "key": (await portal.request_key(*theo.proofs))["key"],
        "username": "maria.q",
        "current": PASSWORD,
    }
    for name, input_type in mutations():
        if name not in REGISTRARS:
            await _oddly(portal, name, input_type, facts, token=token)
    assert (await portal.me(token=token)) is not None, "and nobody was signed out by it"


async def _oddly(
    portal: Portal, name: str, input_type: GraphQLInputObjectType, facts: dict[str, str], *, token: str | None
) -> None:
    """The mutation with each of its fields odd in each way."""
    query = f"mutation M($input: {input_type.name}!) {{ {name}(input: $input) {{ __typename }} }}"
    for odd in [*TEXTS.values(), *NUMBERS]:
        for given in odd_inputs(input_type, odd, facts):
            await refused(portal, query, {"input": given}, token=token)


async def test_odd_texts_do_not_break_the_desk(portal: Portal, district: District) -> None:
    """The same by a designee, with a verification that is open or has passed, and one field odd at a time."""
    desk = await open_desk(portal, district)
    by_name = dict(mutations())
    steps = {
        "startVerification": "LOOK_UP",
        "answerVerification": "LOOK_UP",
        "lookUpAccount": "LOOK_UP",
        "resetAccount": "RESET",
        "enableAccount": "ENABLE",
        "disableAccount": "DISABLE",
    }
    for name, purpose in steps.items():
        started = name.endswith("Verification")
        verification = (await desk.start(purpose))["verificationId"] if started else await desk.verified(purpose)
        facts = {
            "verificationId": verification,
            "studentId": global_id("Student", desk.nora.id),
            "guardianId": global_id("Guardian", desk.maria.id),
            "accountId": global_id("Account", desk.maria.account_id),
        }
        await _oddly(portal, name, by_name[name], facts, token=portal.token)
    assert (await portal.me()) is not None


#: What a registrar does, and nobody else: tried by one, as everybody else is stopped before anything is judged.
REGISTRARS = (
    *("recordHousehold", "linkHouseholdMember", "endHouseholdMember", "correctHousehold"),
    *("recordGuardianship", "confirmGuardianship", "restrictGuardianship", "liftRestriction", "setPortalAccess"),
    *("recordConsent", "revokeGuardianship", "issueActivationKey", "openWorkOrder", "mergePeople", "undoMerge"),
)


@pytest.mark.parametrize("name", REGISTRARS)
async def test_odd_texts_do_not_break_the_registrars_desk(portal: Portal, district: District, name: str) -> None:
    school = await district.school()
    nora = await district.student(school=school)
    maria, twin = await district.guardian(nora), await district.guardian(nora, given="Mary")
    home = await district.household(maria, nora)
    tie = await Guardianship.get(guardian_id=maria.id)
    stranger = await district.guardian(given="Sam")
    await at_desk(portal, district, Role.REGISTRAR)
    guardian = global_id("Guardian", (stranger if name == "recordGuardianship" else maria).id)
    facts = {
        "personId": global_id("Guardian", stranger.id if name == "linkHouseholdMember" else maria.id),
        "householdId": global_id("Household", home.id),
        "guardianshipId": global_id("Guardianship", tie.id),
        "guardianId": guardian,
        "studentId": global_id("Student", nora.id),
        "keepId": guardian,
        "mergeId": global_id("Guardian", twin.id),
        "keepAccountId": global_id("Account", maria.account_id),
        "street": "77 Elm Street",
        "phone": "(512) 555-0134",
    }
    if name == "undoMerge":
        choice = {"keepId": facts["keepId"], "mergeId": facts["mergeId"], "reason": "Twice on record"}
        facts["mergeId"] = (await portal.do(documents.MERGE_PEOPLE, choice))["merge"]["id"]
    await _oddly(portal, name, dict(mutations())[name], facts, token=portal.token)
    assert (await portal.me()) is not None


@pytest.mark.parametrize("odd", TEXTS)
async def test_odd_texts_do_not_break_what_a_registrar_asks(portal: Portal, district: District, odd: str) -> None:
    nora = await district.student(school=await district.school())
    maria = await district.guardian(nora)
    await at_desk(portal, district, Role.REGISTRAR)
    text = TEXTS[odd]
    pair = {"g": global_id("Guardian", maria.id), "s": global_id("Student", nora.id)}
    why = "accessDiagnosis(guardianId: $g, studentId: $s, on: $on) { canSee changes { on } }"
    who = "whoCanSee(studentId: $s, on: $on) { canSee changes { on } }"
    questions: list[tuple[str, dict[str, Any]]] = [
        (f"query Q($g: ID!, $s: ID!, $on: Date) {{ {why} {who} }}", pair | {"on": text}),
        (f"query Q($g: ID!, $s: ID!, $on: Date) {{ {why} {who} }}", {"g": text, "s": text, "on": None}),
        ("query Q($x: ID!) { guardian(id: $x) { id } household(id: $x) { id } households(personId: $x) { id } }", {}),
        ("query Q($x: String!) { findGuardians(given: $x, family: $x) { guardian { id } } }", {}),
        *(
            (f"query Q($x: String!) {{ {field}(after: $x) {{ pageInfo {{ hasNextPage }} }} }}", {})
            for field in ("guardianships", "workOrders", "likelyDuplicates", "merges")
        ),
        ("query Q($x: ID!) { likelyDuplicates(schoolId: $x) { pageInfo { hasNextPage } } }", {}),
    ]
    for asked, values in questions:
        await refused(portal, asked, values or {"x": text}, token=portal.token)


@pytest.mark.parametrize("odd", TEXTS)
async def test_odd_texts_do_not_break_a_query(portal: Portal, district: District, odd: str) -> None:
    nora = await district.student()
    await district.guardian(nora)
    key = (await portal.request_key(*nora.proofs))["key"]
    opened = await portal.activate(key, "maria.q", PASSWORD)
    token = opened["session"]["token"]
    text = TEXTS[odd]
    await refused(portal, "query Q($id: ID!) { node(id: $id) { __typename } }", {"id": text}, token=token)
    await refused(portal, "{ me { __typename } }", {}, token=text[:500].encode("ascii", "ignore").decode().strip())
    students = "me { students { grades(first: $n, after: $a) { edges { cursor } } } }"
    await refused(portal, f"query Q($n: Int!, $a: String) {{ {students} }}", {"n": 5, "a": text}, token=token)
    days = "me { students { attendance(from: $from, to: $to) { edges { cursor } } } }"
    await refused(
        portal, f"query Q($from: Date, $to: Date) {{ {days} }}", {"from": text, "to": "2026-01-01"}, token=token
    )


@pytest.mark.parametrize("number", NUMBERS)
async def test_odd_numbers_do_not_break_a_page(portal: Portal, district: District, number: float) -> None:
    nora = await district.student()
    await district.guardian(nora)
    key = (await portal.request_key(*nora.proofs))["key"]
    token = (await portal.activate(key, "maria.q", PASSWORD))["session"]["token"]
    students = "me { students { grades(first: $n) { edges { cursor } } } }"
    response = await portal.post(f"query Q($n: Int!) {{ {students} }}", {"n": number}, token=token)
    assert response.status_code == 200
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"

"""Work orders: what is filled in, who is told, who sees which, and that each is resolved once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.asgi import create_app
from app.settings import Settings
from db.context import Role
from db.languages import LANGUAGES, Sentence, say, say_number
from db.models import Enrolment, Guardianship, Letter, Person, RoleAssignment, School, TrailEntry, WorkOrder
from db.trail import Step
from mail.outbox import LetterKind
from schema.nodes import global_id
from schema.wording import worded
from tests.clients import Answer, Portal, crowd
from tests.conftest import Clock, Statements
from tests.desk import at_desk
from tests.district import PASSWORD, Adult, District, Pupil
from tests.tables import endings

_SHOWN = """
  id status openedAt openedBy { display } guardianId studentId parentName studentName studentNumber problem
  diagnosis { name state finding remedy owner } resolution resolvedAt resolvedBy { display }
"""
_REFUSED = """
  ... on Refusal { message code } ... on NotAllowed { missing } ... on InvalidInput { fields { path message } }
"""
OPEN = f"""mutation Open($input: OpenWorkOrderInput!) {{
  openWorkOrder(input: $input) {{ __typename ... on WorkOrderChanged {{ workOrder {{ {_SHOWN} }} }} {_REFUSED} }}
}}"""
RESOLVE = f"""mutation Resolve($input: ResolveWorkOrderInput!) {{
  resolveWorkOrder(input: $input) {{
    __typename ... on WorkOrderChanged {{ workOrder {{ {_SHOWN} }} }} {_REFUSED} ... on WrongState {{ status }}
  }}
}}"""
ORDERS = f"""query Orders($status: WorkOrderStatus, $first: Int! = 25, $after: String) {{
  workOrders(status: $status, first: $first, after: $after) {{
    edges {{ node {{ {_SHOWN} }} }} pageInfo {{ hasNextPage hasPreviousPage endCursor }}
  }}
}}"""
ONE = "query One($id: ID!) { node(id: $id) { id ... on WorkOrder { problem } } }"
PROBLEM = "The mark is set and she still does not see Nora."


@dataclass
class Office:
    """Rita is registrar at Lakeside, where Nora is; Tess is of the technology staff. Both are signed in."""

    district: District
    lakeside: School
    hillside: School
    nora: Pupil
    maria: Adult
    rita: Adult
    tess: Adult
    registrar: Portal
    technician: Portal

    @property
    def both(self) -> dict[str, str]:
        return {
            "guardianId": global_id("Guardian", self.maria.id),
            "studentId": global_id("Student", self.nora.id),
        }

    async def opened(self, **about: Any) -> Answer:
        """A work order about Maria and Nora, unless told otherwise."""
        answer = await self.registrar.do(OPEN, {"problem": PROBLEM} | (about or self.both))
        assert answer["__typename"] == "WorkOrderChanged", answer
        order: Answer = answer["workOrder"]
        return order

    async def resolve(self, order: Answer, words: str = "Mended the mark.") -> Answer:
        return await self.technician.do(RESOLVE, {"workOrderId": order["id"], "resolution": words})


@pytest.fixture
async def office(portal: Portal, district: District) -> AsyncIterator[Office]:
    async with crowd(2, portal) as [registrar, technician]:
        lakeside, hillside = await district.school(), await district.school("Hillside High School")
        nora = await district.student(school=lakeside, number="0041207")
        maria = await district.guardian(nora, portal_access=False)
        rita = await at_desk(registrar, district, Role.REGISTRAR, lakeside, given="Rita")
        tess = await at_desk(technician, district, Role.TECHNOLOGY, given="Tess")
        await Person.filter(id=rita.id).update(email="rita@example.org", email_folded="rita@example.org")
        await Person.filter(id=tess.id).update(email="tess@example.org", email_folded="tess@example.org")
        yield Office(district, lakeside, hillside, nora, maria, rita, tess, registrar, technician)


async def orders(portal: Portal, **variables: object) -> list[str]:
    page = (await portal.ask(ORDERS, variables))["workOrders"]
    return [edge["node"]["id"] for edge in page["edges"]]


async def letters(kind: LetterKind) -> list[tuple[str, Any]]:
    return [(letter.address, letter.facts) for letter in await Letter.filter(kind=kind).order_by("id")]


# ------------------------------------------------------------------------------------------------ opening
async def test_everything_is_filled_in_as_it_is_at_that_moment(office: Office) -> None:
    order = await office.opened()
    assert (order["status"], order["openedBy"]["display"]) == ("OPEN", "Rita Ito")
    assert {name: order[name] for name in ("guardianId", "studentId")} == office.both
    assert (order["parentName"], order["studentName"]) == ("Maria Quimby", "Nora Quimby")
    assert (order["studentNumber"], order["problem"]) == ("0041207", PROBLEM)
    failing = [gate["name"] for gate in order["diagnosis"] if gate["state"] == "FAILS"]
    assert failing == ["PORTAL_ACCESS", "KEY_ISSUED", "ACCOUNT_ACTIVATED"]
    # What is mended afterwards is not written into it; another language is read from it.
    await Guardianship.all().update(portal_access=True)
    office.technician.http.headers["Accept-Language"] = "es"
    [edge] = (await office.technician.ask(ORDERS))["workOrders"]["edges"]
    [gate] = [gate for gate in edge["node"]["diagnosis"] if gate["name"] == "PORTAL_ACCESS"]
    assert (gate["finding"], gate["owner"]) == ("La marca del portal no está puesta.", "REGISTRAR")
    entry = await TrailEntry.get(step=Step.OPEN_WORK_ORDER)
    number = (await WorkOrder.get()).id
    assert (entry.about_person_id, entry.about_student_id) == (office.maria.id, office.nora.id)
    assert entry.details == {"role": "registrar", "work_order": number}
    assert entry.rule == "registrar, same_school, work_order:open, any, any"


async def test_a_parent_who_is_not_on_record_is_named(office: Office) -> None:
    student = {"studentId": office.both["studentId"]}
    order = await office.opened(parentName="  Paul   Vance ", **student)
    assert (order["parentName"], order["studentName"], order["diagnosis"]) == ("Paul Vance", "Nora Quimby", [])
    nobody = await office.opened(parentName="Paul Vance")
    assert (nobody["studentName"], nobody["studentNumber"]) == (None, None)
    guardian = await office.opened(guardianId=office.both["guardianId"])
    assert (guardian["parentName"], guardian["diagnosis"]) == ("Maria Quimby", [])


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"problem": " "}, "problem"),
        ({"problem": "Her number is 123-45-6789."}, "problem"),
        ({"problem": "x" * 501}, "problem"),
        ({"parentName": "Paul", "guardianId": "both"}, "parentName"),
        ({"parentName": "123-45-6789"}, "parentName"),
        ({"parentName": "x" * 201}, "parentName"),
    ],
)
async def test_what_cannot_be_kept_is_named(office: Office, said: dict[str, str], field: str) -> None:
    given_ = {"problem": PROBLEM} | said
    if "guardianId" in given_:
        given_ |= office.both
    refused = await office.registrar.do(OPEN, given_)
    assert (refused["__typename"], refused["fields"][0]["path"]) == ("InvalidInput", ["input", field])
    assert await WorkOrder.all().count() == 0


@pytest.mark.parametrize(
    ("about", "refusal"),
    [
        ("student", "NOT_ALLOWED"),
        ("guardian", "NOT_ALLOWED"),
        ("stranger beside one's own student", "NOT_FOUND"),
        ("a student as guardian", "NOT_FOUND"),
        ("nobody", "NOT_FOUND"),
        ("own child", "NOT_ALLOWED"),
    ],
)
async def test_a_registrar_opens_none_about_strangers_or_the_own_family(
    office: Office, about: str, refusal: str
) -> None:
    theo = await office.district.student("Theo", "Okafor", school=office.hillside)
    ada = await office.district.guardian(theo, given="Ada", family="Okafor")
    if about == "own child":
        await office.district.guardianship(office.rita.id, office.nora.id)
    chosen: dict[str, dict[str, str]] = {
        "student": {"studentId": global_id("Student", theo.id)},
        "guardian": {"guardianId": str(global_id("Guardian", ada.id))},
        "stranger beside one's own student": office.both | {"guardianId": str(global_id("Guardian", ada.id))},
        "a student as guardian": {"guardianId": global_id("Guardian", office.nora.id)},
        "nobody": {"studentId": "junk"},
        "own child": office.both,
    }
    answer = await office.registrar.do(OPEN, {"problem": PROBLEM} | chosen[about])
    assert answer["code"] == refusal
    assert "Ada" not in str(answer)
    assert await WorkOrder.all().count() == await Letter.filter(kind=LetterKind.WORK_ORDER_OPENED).count() == 0
    assert await endings(Step.OPEN_WORK_ORDER) == {refusal: 1}


@pytest.mark.parametrize("role", [Role.TECHNOLOGY, Role.DESIGNEE, Role.REPORTER, Role.ADMINISTRATOR])
async def test_nobody_but_a_registrar_opens_one(portal: Portal, office: Office, role: Role) -> None:
    await at_desk(portal, office.district, role, office.lakeside)
    answer = await portal.do(OPEN, {"problem": PROBLEM} | office.both)
    assert (answer["__typename"], answer["missing"]) == ("NotAllowed", ["ROLE"])


# ------------------------------------------------------------------------------------------------ letters
async def test_the_technology_staff_of_today_is_told_and_then_who_opened_it(office: Office) -> None:
    gone = await office.district.staff(Role.TECHNOLOGY, given="Gone")
    await Person.filter(id=gone.id).update(email="gone@example.org")
    await RoleAssignment.filter(person_id=gone.id).update(ends_on=office.district.ctx.today.replace(year=2025))
    order = await office.opened()
    facts = {"work_order_id": (await WorkOrder.get()).id}
    assert await letters(LetterKind.WORK_ORDER_OPENED) == [("tess@example.org", facts)]
    await office.resolve(order)
    assert await letters(LetterKind.WORK_ORDER_RESOLVED) == [("rita@example.org", facts)]


async def test_the_district_may_name_one_address_for_work_orders(
    office: Office, settings: Settings, clock: Clock
) -> None:
    chosen = settings.model_copy(update={"technology_address": "help@example.org"})
    async with Portal(create_app(chosen, clock=clock)) as portal:
        portal.token = office.registrar.token
        assert (await portal.do(OPEN, {"problem": PROBLEM} | office.both))["__typename"] == "WorkOrderChanged"
    [letter] = await Letter.filter(kind=LetterKind.WORK_ORDER_OPENED)
    assert (letter.address, letter.person_id) == ("help@example.org", None)


# ------------------------------------------------------------------------------------------------ resolving
async def test_a_work_order_is_resolved_once_whoever_tries_at_the_same_time(office: Office) -> None:
    order = await office.opened()
    answers = await asyncio.gather(*(office.resolve(order, f"Mended by {number}.") for number in range(4)))
    assert sorted(answer["__typename"] for answer in answers) == ["WorkOrderChanged"] + ["WrongState"] * 3
    [done] = [answer["workOrder"] for answer in answers if "workOrder" in answer]
    assert {answer["status"] for answer in answers if "status" in answer} == {"RESOLVED"}
    assert (done["status"], done["resolvedBy"]["display"]) == ("RESOLVED", "Tess Ito")
    assert len(await letters(LetterKind.WORK_ORDER_RESOLVED)) == 1
    [edge] = (await office.registrar.ask(ORDERS))["workOrders"]["edges"]
    assert edge["node"]["resolution"] == done["resolution"]


async def test_only_technology_resolves_and_only_what_there_is_and_in_words(office: Office) -> None:
    order = await office.opened()
    refused = await office.registrar.do(RESOLVE, {"workOrderId": order["id"], "resolution": "Done"})
    assert (refused["__typename"], refused["missing"]) == ("NotAllowed", ["ROLE"])
    assert (await office.resolve(order, " "))["fields"][0]["path"] == ["input", "resolution"]
    for unknown in (global_id("WorkOrder", 999), "junk", office.both["studentId"]):
        assert (await office.resolve({"id": unknown}))["__typename"] == "NotFound"
    assert (await WorkOrder.get()).status == "OPEN"


# ------------------------------------------------------------------------------------------------ who sees which
async def test_technology_sees_all_and_registrars_their_students_and_their_own(portal: Portal, office: Office) -> None:
    about_nora, about_nobody = await office.opened(), await office.opened(parentName="Paul Vance")
    everything = [about_nobody["id"], about_nora["id"]]
    assert await orders(office.technician) == await orders(office.registrar) == everything
    # A colleague of the same school sees what is about the school's student.
    await at_desk(portal, office.district, Role.REGISTRAR, office.lakeside)
    assert await orders(portal) == [about_nora["id"]]
    assert (await portal.ask(ONE, {"id": about_nobody["id"]}))["node"] is None
    assert (await portal.ask(ONE, {"id": about_nora["id"]}))["node"]["problem"] == PROBLEM
    await at_desk(portal, office.district, Role.REGISTRAR, office.hillside)
    assert await orders(portal) == []
    # Whose school the student goes to next sees it from then on; who opened it goes on seeing it.
    await Enrolment.all().update(school_id=office.hillside.id)
    assert await orders(portal) == [about_nora["id"]]
    assert await orders(office.registrar) == everything
    for role in (Role.DESIGNEE, Role.REPORTER, Role.ADMINISTRATOR):
        await at_desk(portal, office.district, role)
        assert await orders(portal) == []
        assert (await portal.ask(ONE, {"id": about_nora["id"]}))["node"] is None
    await office.district.opened(office.maria, "maria.q")
    await portal.login("maria.q", PASSWORD)
    assert await orders(portal) == []
    portal.token = None
    assert await orders(portal) == []


async def test_pages_are_newest_first_of_any_size_and_cost_one_statement(
    office: Office, statements: Statements
) -> None:
    opened = [(await office.opened())["id"] for _ in range(5)]
    await office.resolve({"id": opened[2]})
    for portal in (office.registrar, office.technician):
        for first in (1, 2, 5, 100):
            seen, after = [], None
            while True:
                statements.take()
                page = (await portal.ask(ORDERS, {"first": first, "after": after}))["workOrders"]
                assert len(statements.take()) == 2
                assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
                seen += [edge["node"]["id"] for edge in page["edges"]]
                if not page["pageInfo"]["hasNextPage"]:
                    break
                after = page["pageInfo"]["endCursor"]
            assert seen == opened[::-1]
        assert await orders(portal, status="RESOLVED") == [opened[2]]
        assert await orders(portal, status="OPEN") == [opened[n] for n in (4, 3, 1, 0)]


# ------------------------------------------------------------------------------------------------ round trip
_inner = st.builds(lambda name: say("%(name)s, %(role)s", name=name, role=say("registrar")), st.text(max_size=9))
_sentences = st.one_of(
    _inner,
    st.builds(lambda inner: say("The school noted: %(reason)s", reason=inner), _inner | st.text(max_size=9)),
    st.builds(lambda number: say_number("one", "%(number)d of them", number), st.integers(0, 3)),
)


@given(_sentences)
def test_a_sentence_that_was_kept_says_the_same_in_each_language(sentence: Sentence) -> None:
    kept = Sentence.of_plain(orjson.loads(orjson.dumps(sentence.as_plain())))
    assert kept == sentence
    for language in LANGUAGES:
        assert worded(kept, language) == worded(sentence, language)

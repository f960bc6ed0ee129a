"""The registrar's decisions about guardianships: what each does, who may take it, and what the family sees of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from db.context import Capacity, Role
from db.models import (
    Account,
    AccountStatus,
    DecidedBy,
    Enrolment,
    Guardianship,
    GuardianshipStatus,
    Restriction,
    Session,
    Student,
    TrailEntry,
)
from db.trail import Step
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.desk import at_desk
from tests.district import PASSWORD, District, Pupil
from tests.registry import REASON, Office, another_guardian, open_office
from tests.tables import everything, forget_trail, no_trail, trail
from tests.test_second_factor import set_up

CLAIMED, CONFIRMED, REVOKED = GuardianshipStatus.CLAIMED, GuardianshipStatus.CONFIRMED, GuardianshipStatus.REVOKED
TRAIL = frozenset({"account_change", "account_order_change", "trail_entry", "trail_unsealed", "session"})
GRADES = """
query Grades($id: ID!, $after: String) {
  node(id: $id) {
    ... on Student { grades(first: 2, after: $after) { edges { node { title } } pageInfo { endCursor } } }
  }
}
"""


@pytest.fixture
async def home(portal: Portal) -> AsyncIterator[Portal]:
    """Another client of the same portal."""
    client = Portal(portal.app, address="203.0.113.50")
    async with client.http:
        yield client


@pytest.fixture
async def office(portal: Portal, home: Portal, district: District) -> Office:
    return await open_office(portal, home, district)


def changed(answer: Answer) -> Answer:
    """The guardianship after a decision that was taken."""
    assert answer["__typename"] == "GuardianshipChanged", answer
    guardianship: Answer = answer["guardianship"]
    return guardianship


def seen(*pupils: Pupil) -> list[str]:
    return [global_id("Student", pupil.id) for pupil in pupils]


# ------------------------------------------------------------------------------------------------ what each does
async def test_a_claimed_guardianship_is_confirmed_and_the_student_appears(office: Office, district: District) -> None:
    theo = await district.student("Theo", school=office.school)
    await district.guardianship(office.maria.id, theo.id, status=CLAIMED)
    assert await office.home.students() == seen(office.nora, office.sam)
    now = changed(await office.confirm(await office.tie(student=theo)))
    assert (now["status"], now["decidedBy"], now["evidence"]) == ("CONFIRMED", "REGISTRAR", "Birth certificate seen")
    assert now["confirmedAt"] == district.ctx.now.isoformat()
    assert await office.home.students() == seen(office.nora, office.sam, theo)
    assert await Guardianship.filter(confirmed_by_id=office.carla.id, decided_by=DecidedBy.REGISTRAR).count() == 1


async def test_what_is_revoked_is_gone_with_the_next_request_and_comes_back_by_confirming(office: Office) -> None:
    tie = await office.tie()
    now = changed(await office.revoke(tie))
    assert (now["status"], now["decidedBy"], now["revokedReason"]) == ("REVOKED", "REGISTRAR", REASON)
    assert now["revokedAt"] == office.district.ctx.now.isoformat()
    assert await office.home.students() == seen(office.sam)
    assert await office.home.node(global_id("Student", office.nora.id)) is None
    again = changed(await office.confirm(tie))
    assert (again["status"], again["revokedAt"], again["revokedReason"]) == ("CONFIRMED", None, None)
    assert await office.home.students() == seen(office.nora, office.sam)


async def test_a_restriction_takes_one_student_away_in_the_midst_of_the_grades(office: Office) -> None:
    for pupil in (office.nora, office.sam):
        await office.district.records(pupil, office.school)
    nora, sam = seen(office.nora, office.sam)
    page = (await office.home.ask(GRADES, {"id": nora}))["node"]["grades"]
    assert [edge["node"]["title"] for edge in page["edges"]] == ["Quiz 0", "Quiz 1"]
    now = changed(await office.restrict(await office.tie()))
    assert now["status"] == "CONFIRMED"
    assert now["decidedBy"] == "ROSTER", "what the roster says of the guardianship is not decided by this"
    today = office.district.ctx.today.isoformat()
    assert now["restriction"] == {"kind": "no contact", "from": today, "until": None}
    assert now["restrictions"] == [now["restriction"] | {"reason": REASON, "decidedBy": "REGISTRAR"}]
    after = page["pageInfo"]["endCursor"]
    assert (await office.home.ask(GRADES, {"id": nora, "after": after}))["node"] is None
    # The sibling is hers as before, and the session goes on.
    assert len((await office.home.ask(GRADES, {"id": sam, "after": after}))["node"]["grades"]["edges"]) == 2
    assert await office.home.students() == [sam]
    assert (await Account.get(id=office.maria.account_id)).status is AccountStatus.ACTIVE
    assert changed(await office.lift(await office.tie()))["restrictions"] == []
    assert await office.home.students() == [nora, sam]


async def test_several_restrictions_stand_together_and_are_lifted_together(office: Office) -> None:
    tie, today = await office.tie(), office.district.ctx.today
    days = [(-9, 5), (-2, 40), (3, None)]
    for begins, ends in days:
        last = None if ends is None else today + timedelta(days=ends)
        now = changed(await office.restrict(tie, today + timedelta(days=begins), last))
    assert [each["from"] for each in now["restrictions"]] == [
        (today + timedelta(days=begins)).isoformat() for begins, _ in days
    ]
    assert now["restriction"]["until"] == (today + timedelta(days=40)).isoformat(), "the longest that holds today"
    over = await Restriction.create(
        guardianship_id=tie.id,
        kind="over",
        begins_on=today - timedelta(days=9),
        ends_on=today - timedelta(days=1),
    )
    assert changed(await office.lift(tie))["restrictions"] == []
    lifted = Restriction.filter(lifted_by_id=office.carla.id, entered_by_id=office.carla.id)
    for each in await lifted:
        assert (each.lifted_at, each.lift_reason) == (office.district.ctx.now, "The order was lifted")
    assert await lifted.count() == 3
    await over.refresh_from_db()
    assert over.lifted_at is None, "what was over is not lifted"


async def test_the_portal_mark_comes_and_goes(office: Office) -> None:
    tie = await office.tie()
    now = changed(await office.mark(tie, allowed=False))
    assert (now["portalAccess"], now["status"], now["decidedBy"]) == (False, "CONFIRMED", "REGISTRAR")
    assert await office.home.students() == seen(office.sam)
    assert changed(await office.mark(tie, allowed=True))["portalAccess"]
    assert await office.home.students() == seen(office.nora, office.sam)


async def test_a_stepfather_who_is_new_to_the_school_is_recorded_with_an_account_to_open(
    office: Office, district: District, home: Portal
) -> None:
    person = await district.person("Paul", "Reyes", "paul@example.org")
    now = changed(await office.record(person.id, office.nora, portalAccess=True))
    assert now["guardian"] == {"id": global_id("Guardian", person.id)}
    assert now["student"] == {"id": global_id("Student", office.nora.id)}
    assert (now["relationship"], now["status"], now["decidedBy"]) == ("stepfather", "CONFIRMED", "REGISTRAR")
    assert (now["portalAccess"], now["evidence"]) == (True, "Marriage certificate seen")
    account = await Account.get(person_id=person.id)
    assert (account.capacity, account.status, account.must_change_password) == (
        Capacity.GUARDIAN,
        AccountStatus.NOT_ACTIVATED,
        False,
    )
    key = await home.request_key(*office.nora.proofs, guardianName={"given": "Paul", "family": "Reyes"})
    assert (await home.activate(key["key"], "paul.reyes", PASSWORD))["__typename"] == "AccountActivated"
    await home.login("paul.reyes", PASSWORD)
    assert await home.students() == seen(office.nora)


async def test_a_guardian_on_record_keeps_the_account_and_sees_nothing_without_the_mark(
    office: Office, district: District
) -> None:
    theo = await district.student("Theo", school=office.school)
    assert changed(await office.record(office.maria.id, theo))["portalAccess"] is False
    assert await Account.filter(person_id=office.maria.id).count() == 1
    assert await office.home.students() == seen(office.nora, office.sam)


async def test_with_consent_the_guardian_sees_on_after_the_birthday_and_with_no_job(
    portal: Portal, home: Portal, district: District, clock: Clock
) -> None:
    clock.now = datetime(2026, 10, 6, 4, 59, 59, tzinfo=UTC)
    office = await open_office(portal, home, district)
    born = date(2008, 10, 6)
    await Student.filter(id=office.nora.id).update(birth_date=born)
    assert await home.students() == seen(office.nora, office.sam)
    clock.advance(seconds=1)
    assert await home.students() == seen(office.sam)
    tie = await office.tie()
    now = changed(await office.consent(tie, given=True))
    assert (now["rightsPassOn"], now["adultAccess"], now["decidedBy"]) == ("2026-10-06", True, "ROSTER")
    assert now["consentAt"] == clock.now.isoformat()
    assert await home.students() == seen(office.nora, office.sam)
    row = await office.tie()
    assert (row.consent_by_id, row.consent_evidence) == (office.carla.id, "Signed at the front office")
    assert changed(await office.consent(tie, given=False))["consentAt"] is None
    assert await home.students() == seen(office.sam)
    gone = {"consent_at": None, "consent_by_id": None, "consent_evidence": None}
    assert await Guardianship.filter(id=tie.id, adult_access=False, **gone).exists()


async def test_a_restriction_begins_and_ends_by_itself(
    portal: Portal, home: Portal, district: District, clock: Clock
) -> None:
    office = await open_office(portal, home, district)
    first, last = date(2026, 10, 6), date(2026, 10, 7)
    now = changed(await office.restrict(await office.tie(), first, last))
    assert now["restriction"] is None
    assert [each["from"] for each in now["restrictions"]] == ["2026-10-06"]
    sights = []
    for _ in range(4):
        await home.login("maria.q", PASSWORD)
        sights.append(await home.students() == seen(office.nora, office.sam))
        clock.advance(days=1)
    assert sights == [True, False, False, True]


# ------------------------------------------------------------------------------------------------ who may not
Decision = tuple[str, dict[str, Any]]


def _about(tie: Guardianship, kind: str = "Guardianship", number: int | None = None) -> list[Decision]:
    """Each decision about a guardianship that is there, with what it asks for."""
    which = {"guardianshipId": global_id(kind, tie.id if number is None else number)}
    why, proof = {"reason": REASON}, {"evidence": REASON}
    return [
        (documents.CONFIRM_GUARDIANSHIP, which | proof),
        (documents.REVOKE_GUARDIANSHIP, which | why),
        (documents.RESTRICT_GUARDIANSHIP, which | why | {"kind": "no contact", "from": "2026-10-05"}),
        (documents.LIFT_RESTRICTION, which | why),
        (documents.SET_PORTAL_ACCESS, which | why | {"allowed": False}),
        (documents.RECORD_CONSENT, which | proof | {"given": True}),
    ]


def _recording(guardian: str, student: str) -> Decision:
    said = {"guardianId": guardian, "studentId": student, "relationship": "stepfather", "evidence": REASON}
    return documents.RECORD_GUARDIANSHIP, said


async def _all(office: Office) -> list[Decision]:
    """Each decision about Nora, whom Paul is to be recorded for."""
    paul = await office.district.person("Paul", "Reyes")
    pair = global_id("Guardian", paul.id), global_id("Student", office.nora.id)
    return [*_about(await office.tie()), _recording(*pair)]


async def nobody_signed_in(office: Office) -> None:
    office.portal.token = None


async def the_guardian(office: Office) -> None:
    office.portal.token = office.home.token


async def the_student(office: Office) -> None:
    await office.district.opened(office.nora, "nora.q")
    await office.portal.login("nora.q", PASSWORD)


async def a_designee(office: Office) -> None:
    await at_desk(office.portal, office.district, Role.DESIGNEE, office.school)


async def an_administrator(office: Office) -> None:
    await at_desk(office.portal, office.district, Role.ADMINISTRATOR)


async def a_registrar_elsewhere(office: Office) -> None:
    await at_desk(office.portal, office.district, Role.REGISTRAR, await office.district.school("Hillside"))


async def a_registrar_of_the_school_last_year(office: Office) -> None:
    await Enrolment.filter(student_id=office.nora.id).update(ends_on=office.district.ctx.today - timedelta(days=1))


async def a_second_factor_given_long_ago(office: Office) -> None:
    dana = await office.district.staff(Role.REGISTRAR, office.school)
    await office.district.opened(dana, "dana.ito")
    clock = Clock(office.district.ctx.now)
    await set_up(office.portal, clock)
    long_ago = office.district.ctx.now - timedelta(hours=5)
    await Session.filter(account_id=dana.account_id).update(second_factor_at=long_ago)


async def the_student_s_own_guardian(office: Office) -> None:
    await office.district.guardianship(office.carla.id, office.nora.id, status=REVOKED)


async def a_member_of_the_household(office: Office) -> None:
    await office.district.household(office.carla, office.nora)


REFUSED: list[tuple[Callable[[Office], Awaitable[None]], list[str]]] = [
    (nobody_signed_in, ["SIGNED_IN"]),
    (the_guardian, ["ROLE"]),
    (the_student, ["ROLE"]),
    (a_designee, ["ROLE"]),
    (an_administrator, ["ROLE"]),
    (a_registrar_elsewhere, ["SAME_SCHOOL"]),
    (a_registrar_of_the_school_last_year, ["SAME_SCHOOL"]),
    (a_second_factor_given_long_ago, ["SECOND_FACTOR"]),
    (the_student_s_own_guardian, ["NOT_RELATED"]),
    (a_member_of_the_household, ["NOT_RELATED"]),
]


@pytest.mark.parametrize(("who", "missing"), REFUSED, ids=lambda each: getattr(each, "__name__", ""))
async def test_who_may_not_changes_nothing_and_is_noted(
    office: Office, who: Callable[[Office], Awaitable[None]], missing: list[str]
) -> None:
    decisions = await _all(office)
    await who(office)
    before = await everything(but=TRAIL)
    for document, choice in decisions:
        answer = await office.portal.do(document, choice)
        assert (answer["__typename"], answer.get("missing")) == ("NotAllowed", missing), document
    assert await everything(but=TRAIL) == before
    ends = {"guardianship:" + word for word in ("confirm", "revoke", "restrict", "lift", "portal", "consent", "record")}
    assert {step for step, ending in await trail() if ending == "NOT_ALLOWED"} >= ends


async def test_nobody_decides_about_a_guardian_with_whom_they_live(office: Office, district: District) -> None:
    """Nor records one: the guardian alone is enough."""
    hugo, tie = await another_guardian(district, office.nora)
    paul = await district.guardian(given="Paul")
    await district.household(office.carla, hugo, paul)
    for document, choice in [
        *_about(tie),
        _recording(global_id("Guardian", paul.id), global_id("Student", office.nora.id)),
        _recording(global_id("Guardian", office.carla.id), global_id("Student", office.nora.id)),
    ]:
        assert (await office.portal.do(document, choice)).get("missing") == ["NOT_RELATED"], document


async def test_what_is_absent_or_of_another_kind_is_not_found_and_only_by_a_registrar(office: Office) -> None:
    tie = await office.tie()
    nora, maria = global_id("Student", office.nora.id), global_id("Guardian", office.maria.id)
    merged = await office.district.person("Paul", "Reyes", merged_into_id=office.maria.id)
    wrong = [
        *_about(tie, number=987_654),
        *_about(tie, kind="Student"),
        _recording(global_id("Guardian", 987_654), nora),
        _recording(global_id("Guardian", merged.id), nora),
        _recording(nora, nora),
        _recording(maria, global_id("Student", 987_654)),
        _recording(maria, global_id("Student", office.carla.id)),
        _recording(maria, maria),
    ]
    before = await everything(but=TRAIL)
    for document, choice in wrong:
        assert (await office.portal.do(document, choice))["__typename"] == "NotFound", choice
    await at_desk(office.portal, office.district, Role.DESIGNEE, office.school)
    for document, choice in wrong:
        assert (await office.portal.do(document, choice))["__typename"] == "NotAllowed"
    before["person"] = before["account"] = before["role_assignment"] = ""
    now = await everything(but=TRAIL)
    assert {name for name in before if before[name] != now[name]} <= {"person", "account", "role_assignment", "device"}


async def test_the_district_s_registrar_decides_about_whoever_is_at_no_school(
    office: Office, district: District
) -> None:
    theo = await district.student("Theo")
    _, tie = await another_guardian(district, theo)
    assert (await office.revoke(tie)).get("missing") == ["SAME_SCHOOL"]
    await at_desk(office.portal, district, Role.REGISTRAR)
    assert changed(await office.revoke(tie))["status"] == "REVOKED"


async def test_a_student_at_two_schools_is_in_the_charge_of_both(office: Office, district: District) -> None:
    hillside = await district.school("Hillside")
    await Enrolment.create(student_id=office.nora.id, school_id=hillside.id)
    tie = await office.tie()
    assert changed(await office.revoke(tie))["status"] == "REVOKED"
    await at_desk(office.portal, district, Role.REGISTRAR, hillside)
    assert changed(await office.confirm(tie))["status"] == "CONFIRMED"


# ------------------------------------------------------------------------------------------------ as things stand
async def test_what_does_not_fit_how_things_stand_says_how_they_do(office: Office, district: District) -> None:
    tie = await office.tie()
    assert (await office.confirm(tie))["status"] == "CONFIRMED"
    assert (await office.lift(tie))["status"] == "NOT_RESTRICTED"
    assert (await office.mark(tie, allowed=True))["status"] == "MARKED"
    assert (await office.consent(tie, given=False))["status"] == "NO_CONSENT"
    assert (await office.record(office.maria.id, office.nora))["status"] == "CONFIRMED"
    changed(await office.mark(tie, allowed=False))
    assert (await office.mark(tie, allowed=False))["status"] == "UNMARKED"
    changed(await office.consent(tie, given=True))
    assert (await office.consent(tie, given=True))["status"] == "CONSENT_GIVEN"
    changed(await office.consent(tie, given=False))
    changed(await office.revoke(tie))
    before = await everything(but=TRAIL)
    for refused in (
        await office.revoke(tie),
        await office.mark(tie, allowed=True),
        await office.consent(tie, given=True),
        await office.record(office.maria.id, office.nora),
    ):
        assert (refused["__typename"], refused["status"]) == ("WrongState", "REVOKED")
        assert refused["message"] == "This guardianship was revoked: confirm it first if it holds again."
    _, claimed = await another_guardian(district, office.nora, status=CLAIMED)
    assert (await office.record(claimed.guardian_id, office.nora))["status"] == "CLAIMED"
    now = await everything(but=TRAIL | {"person", "account", "guardianship"})
    assert now == {name: rows for name, rows in before.items() if name in now}


async def test_the_registrar_s_own_mark_gets_the_evidence_of_a_consent(office: Office) -> None:
    """Who was left in without one is given one."""
    await Guardianship.filter(id=(await office.tie()).id).update(adult_access=True)
    assert changed(await office.consent(await office.tie(), given=True))["consentAt"] is not None


async def test_a_restriction_may_stand_on_what_nobody_confirmed_or_what_was_revoked(
    office: Office, district: District
) -> None:
    for status in (CLAIMED, REVOKED):
        _, tie = await another_guardian(district, office.nora, status.name, status=status)
        assert changed(await office.restrict(tie))["restriction"] is not None
        assert changed(await office.confirm(tie))["restriction"] is not None, "and outlasts a confirmation"


async def test_input_that_cannot_be_kept_is_named(office: Office) -> None:
    tie = await office.tie()
    paul = await office.district.person("Paul", "Reyes")
    restriction = {"kind": "no contact", "reason": REASON, "from": "2026-10-05"}
    nora = global_id("Student", office.nora.id)
    wrong: list[tuple[str, dict[str, Any], str]] = [
        (documents.CONFIRM_GUARDIANSHIP, {"evidence": "  "}, "evidence"),
        (documents.REVOKE_GUARDIANSHIP, {"reason": "x" * 501}, "reason"),
        (documents.LIFT_RESTRICTION, {"reason": "SSN 520-45-6001"}, "reason"),
        (documents.SET_PORTAL_ACCESS, {"allowed": False, "reason": "bell \x07"}, "reason"),
        (documents.RECORD_CONSENT, {"given": True, "evidence": ""}, "evidence"),
        (documents.RESTRICT_GUARDIANSHIP, restriction | {"kind": " "}, "kind"),
        (documents.RESTRICT_GUARDIANSHIP, restriction | {"kind": "k" * 101}, "kind"),
        (documents.RESTRICT_GUARDIANSHIP, restriction | {"reason": ""}, "reason"),
        (documents.RESTRICT_GUARDIANSHIP, restriction | {"until": "2026-10-04"}, "until"),
        # Over before it was entered: somebody mistyped a year, and would believe that it holds.
        (documents.RESTRICT_GUARDIANSHIP, restriction | {"from": "2025-09-01", "until": "2026-10-04"}, "until"),
    ]
    recording = _recording(global_id("Guardian", paul.id), nora)[1]
    before = await everything(but=TRAIL)
    for document, choice, field in wrong:
        answer = await office.decide(document, tie, **choice)
        assert [problem["path"] for problem in answer["fields"]] == [["input", field]], choice
    for choice, field in (
        (recording | {"relationship": " "}, "relationship"),
        (recording | {"relationship": "r" * 101}, "relationship"),
        (recording | {"evidence": ""}, "evidence"),
        (recording | {"guardianId": global_id("Guardian", office.nora.id)}, "guardianId"),
    ):
        answer = await office.portal.do(documents.RECORD_GUARDIANSHIP, choice)
        assert [problem["path"] for problem in answer["fields"]] == [["input", field]]
    assert await everything(but=TRAIL) == before


async def test_of_two_registrars_at_the_same_moment_one_decides(office: Office, district: District) -> None:
    colleague = Portal(office.portal.app, address="203.0.113.60")
    async with colleague.http:
        await at_desk(colleague, district, Role.REGISTRAR, given="Theo")
        tie = await office.tie()
        paul = await district.person("Paul", "Reyes")
        which = {"guardianshipId": global_id("Guardianship", tie.id)}
        for document, choice in (
            (documents.REVOKE_GUARDIANSHIP, which | {"reason": REASON}),
            (documents.CONFIRM_GUARDIANSHIP, which | {"evidence": REASON}),
            (documents.SET_PORTAL_ACCESS, which | {"allowed": False, "reason": REASON}),
            (documents.RECORD_CONSENT, which | {"given": True, "evidence": REASON}),
            _recording(global_id("Guardian", paul.id), global_id("Student", office.nora.id)),
        ):
            answers = await asyncio.gather(*(desk.do(document, choice) for desk in (office.portal, colleague)))
            names = sorted(answer["__typename"] for answer in answers)
            assert names == ["GuardianshipChanged", "WrongState"], document
    assert (
        await Guardianship.filter(guardian_id=paul.id).count() == await Account.filter(person_id=paul.id).count() == 1
    )


# ------------------------------------------------------------------------------------------------ the trail
async def test_each_decision_leaves_one_entry_that_says_what_was_decided(office: Office, district: District) -> None:
    paul = await district.person("Paul", "Reyes")
    tie, rule = await office.tie(), "registrar, same_school, guardianship:manage, any, any"
    for decision, step, details in (
        (office.mark(tie, allowed=False), Step.SET_PORTAL_ACCESS, {"allowed": False, "change": "PORTAL_TAKEN"}),
        (office.consent(tie, given=True), Step.RECORD_CONSENT, {"given": True, "change": "CONSENT_GIVEN"}),
        (
            office.restrict(tie),
            Step.RESTRICT_GUARDIANSHIP,
            {"kind": "no contact", "from": "2026-10-05", "until": None, "reason": REASON, "change": "RESTRICTED"},
        ),
        (office.lift(tie), Step.LIFT_RESTRICTION, {"restrictions": 1, "change": "RESTRICTION_LIFTED"}),
        (office.revoke(tie), Step.REVOKE_GUARDIANSHIP, {"was": "CONFIRMED", "reason": REASON, "change": "REVOKED"}),
        (
            office.confirm(tie),
            Step.CONFIRM_GUARDIANSHIP,
            {"was": "REVOKED", "evidence": "Birth certificate seen", "change": "CONFIRMED"},
        ),
    ):
        await forget_trail()
        changed(await decision)
        [entry] = await TrailEntry.all()
        assert (entry.step, entry.outcome, entry.rule) == (step, "DONE", rule)
        assert (entry.actor_person_id, entry.about_person_id) == (office.carla.id, office.maria.id)
        assert entry.about_student_id == office.nora.id
        assert entry.details.items() >= (details | {"guardianship": tie.id, "role": "registrar"}).items()
    await forget_trail()
    made = changed(await office.record(paul.id, office.nora))
    [entry] = await TrailEntry.all()
    assert (entry.step, entry.rule) == (Step.RECORD_GUARDIANSHIP, rule)
    assert (entry.about_person_id, entry.about_student_id) == (paul.id, office.nora.id)
    assert entry.details["relationship"] == "stepfather"
    assert global_id("Guardianship", int(str(entry.details["guardianship"]))) == made["id"]


async def test_a_decision_whose_entry_cannot_be_written_is_not_taken(office: Office) -> None:
    decisions = (await _all(office))[1:]
    await office.district.restrict(office.maria, office.nora)
    before = await everything()
    async with no_trail():
        for document, choice in decisions:
            [error] = (await office.portal.post(document, {"input": choice})).json()["errors"]
            assert error["extensions"]["code"] == "INTERNAL"
    assert await everything() == before

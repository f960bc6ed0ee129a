"""The whole table, through GraphQL on a real database: every role, scope, action, guardianship and verification.

What is expected is said here in plain words, not read from policies/access.csv. Verifications are put into the tables
as they have to be, since no journey leads to most of them: a caller with a revoked guardianship is never verified.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

from db import sql
from db.context import Capacity, Role
from db.models import (
    Account,
    AccountStatus,
    DisabledReason,
    Guardianship,
    GuardianshipStatus,
    Purpose,
    RoleAssignment,
    School,
    Session,
    TrailEntry,
    Verification,
    VerificationState,
)
from db.secrets import SESSION_PREFIX, new_token, token_digest
from schema.nodes import global_id
from tests import documents
from tests.clients import Portal
from tests.district import Adult, District, Pupil

STAFF = (Role.DESIGNEE, Role.REGISTRAR, Role.TECHNOLOGY, Role.REPORTER, Role.ADMINISTRATOR)
#: What is on record between the guardian and the student, or that the student calls.
TIES = (
    "none",
    "claimed",
    "confirmed",
    "revoked",
    "restricted today",
    "restricted until yesterday",
    "no portal mark",
    "student of age",
    "self",
)
#: Those that help with an account may go by, and those by which the student's record may be read.
GOOD_FOR_HELP = {"confirmed", "restricted until yesterday", "no portal mark", "self"}
GOOD_FOR_SIGHT = {"confirmed", "restricted until yesterday"}
PROOFS = (
    "none",
    "open",
    "failed",
    "passed",
    "expired",
    "another designee's",
    "another requester's",
    "another purpose's",
    "used up",
)
#: Where staff have their role; where guardians and students stand to the student.
NEAR_OF_STAFF = ("same school", "another school", "whole district")
NEAR_OF_FAMILY = ("own", "somebody else's")
DONE = {"AccountFound", "AccountReset", "AccountChanged"}
HELP: dict[Purpose, str] = {
    Purpose.LOOK_UP: documents.LOOK_UP_ACCOUNT,
    Purpose.RESET: documents.RESET_ACCOUNT,
    Purpose.ENABLE: documents.ENABLE_ACCOUNT,
    Purpose.DISABLE: documents.DISABLE_ACCOUNT,
}


@dataclass
class Case:
    """One caller and one student."""

    student: Pupil
    #: None where the student calls.
    guardian: Adult | None
    guardianship_id: int | None

    @property
    def requester_id(self) -> int:
        return self.guardian.id if self.guardian else self.student.id

    @property
    def account_id(self) -> int:
        return self.guardian.account_id if self.guardian else self.student.account_id


@dataclass
class Asker:
    """Somebody with a session."""

    person_id: int
    account_id: int
    token: str


@dataclass
class Rig:
    """A school with a caller of each kind, and somebody to ask for each of them."""

    portal: Portal
    district: District
    school: School
    elsewhere: School
    cases: dict[str, Case] = field(default_factory=dict)
    #: Confirmed guardians of the same students, for verifications that are another requester's.
    others: dict[str, Adult] = field(default_factory=dict)
    colleague_id: int = 0

    async def asker(self, person_id: int, account_id: int) -> Asker:
        """Signs them in, without the price of a password."""
        ctx = self.district.ctx
        token = new_token(SESSION_PREFIX)
        await Account.filter(id=account_id).update(
            status=AccountStatus.ACTIVE,
            username=f"user.{account_id}",
            username_folded=f"user.{account_id}",
            password_hash="unknown",
            activated_at=ctx.now,
        )
        await Session.create(
            account_id=account_id,
            digest=token_digest(token),
            started_at=ctx.now,
            last_seen_at=ctx.now,
            expires_at=ctx.now + timedelta(hours=12),
        )
        return Asker(person_id, account_id, token)

    async def staff(self, role: Role, near: str) -> Asker:
        """Somebody of the staff with one role."""
        person = await self.district.person("Sam", f"Of {near}")
        school = {"same school": self.school.id, "another school": self.elsewhere.id}.get(near)
        await RoleAssignment.create(person_id=person.id, role=role, school_id=school)
        account = await Account.create(person_id=person.id, capacity=Capacity.STAFF)
        return await self.asker(person.id, account.id)

    async def family(self, role: Role, near: str, case: Case) -> Asker:
        """A guardian or a student: whom the case is about, or a stranger of the same kind."""
        if near == "own":
            if role is Role.STUDENT:
                return await self.asker(case.student.id, case.student.account_id)
            if case.guardian:
                return await self.asker(case.guardian.id, case.guardian.account_id)
        other = await self.district.student(given="Other", school=self.school)
        if role is Role.STUDENT:
            return await self.asker(other.id, other.account_id)
        stranger = await self.district.guardian(other, given="Other")
        return await self.asker(stranger.id, stranger.account_id)


@pytest.fixture
async def rig(portal: Portal, district: District) -> Rig:
    school = await district.school("Lakeside Middle School")
    rig = Rig(portal, district, school, await district.school("Hillside High School"))
    today = district.ctx.today
    for tie in TIES:
        born = date(today.year - 18, 1, 1) if tie == "student of age" else date(2013, 4, 9)
        student = await district.student(given="Nora", school=school, born=born, ssn="")
        guardian = None if tie == "self" else await district.guardian(given="Maria", email="maria@example.org")
        guardianship_id = None
        if guardian is not None and tie != "none":
            by_name: dict[str, dict[str, Any]] = {
                "claimed": {"status": GuardianshipStatus.CLAIMED},
                "revoked": {"status": GuardianshipStatus.REVOKED},
                "no portal mark": {"portal_access": False},
            }
            guardianship_id = (await district.guardianship(guardian.id, student.id, **by_name.get(tie, {}))).id
            if tie.startswith("restricted"):
                until = None if tie.endswith("today") else today - timedelta(days=1)
                begins = today if tie.endswith("today") else today - timedelta(days=30)
                await district.restrict(guardian, student, begins_on=begins, ends_on=until)
        rig.cases[tie] = Case(student, guardian, guardianship_id)
        rig.others[tie] = await district.guardian(student, given="Luis", adult_access=True)
    rig.colleague_id = (await district.staff(Role.DESIGNEE, school, given="Colleague")).id
    await sql.execute(
        "UPDATE account SET status = 'ACTIVE', username = 'user.' || id, username_folded = 'user.' || id, "
        "activated_at = now() WHERE capacity <> 'STAFF'"
    )
    return rig


async def verification(rig: Rig, asker: Asker, tie: str, proof: str, purpose: Purpose) -> str:
    """The id that is sent: of a verification in just this state, or of none."""
    case, ctx = rig.cases[tie], rig.district.ctx
    if proof == "none":
        return global_id("Verification", 10**9)
    facts: dict[str, Any] = {
        "designee_id": rig.colleague_id if proof == "another designee's" else asker.person_id,
        "requester_id": rig.others[tie].id if proof == "another requester's" else case.requester_id,
        "student_id": case.student.id,
        "purpose": purpose,
        "attempts_left": 0 if proof == "failed" else 3,
        "state": VerificationState.OPEN if proof in {"open", "failed"} else VerificationState.PASSED,
        "started_at": ctx.now - timedelta(hours=1),
        "expires_at": ctx.now + timedelta(minutes=0 if proof == "expired" else 30),
    }
    if proof == "another purpose's":
        facts["purpose"] = Purpose.RESET if purpose is Purpose.LOOK_UP else Purpose.LOOK_UP
    if proof not in {"open", "failed"}:
        facts["passed_at"] = ctx.now
    if proof == "used up":
        facts |= {"state": VerificationState.USED, "used_at": ctx.now}
    if facts["designee_id"] in {facts["requester_id"], facts["student_id"]}:
        # Nobody can verify themselves: the table does not take such a row.
        return global_id("Verification", 10**9)
    return global_id("Verification", (await Verification.create(**facts)).id)


def missing_for_help(role: Role, near: str, tie: str, proof: str) -> set[str]:
    """What has to be missing, in plain words; nothing where the answer has to be yes."""
    if role is not Role.DESIGNEE:
        return {"ROLE"}
    if proof in {"none", "another designee's"}:
        # There is no verification of one's own, and so no case: nothing else can be told.
        return {"VERIFICATION_PASSED"}
    missing = set()
    if near == "another school":
        missing.add("SAME_SCHOOL")
    if proof != "another requester's" and tie not in GOOD_FOR_HELP:
        missing.add("GUARDIANSHIP_CONFIRMED")
    if proof != "passed":
        missing.add("VERIFICATION_PASSED")
    return missing


PLACES = [(role, near) for role in Role for near in (NEAR_OF_STAFF if role in STAFF else NEAR_OF_FAMILY)]


@pytest.mark.parametrize(("role", "near"), PLACES)
async def test_nobody_is_helped_with_an_account_but_as_the_rules_say(rig: Rig, role: Role, near: str) -> None:
    """Details, reset, enable and disable, in every combination; each refused one is in the trail."""
    told: dict[tuple[str, str, Purpose], tuple[str, set[str]]] = {}
    expected: dict[tuple[str, str, Purpose], tuple[str, set[str]]] = {}
    staff = await rig.staff(role, near) if role in STAFF else None
    for tie in TIES:
        asker = staff or await rig.family(role, near, rig.cases[tie])
        for purpose, proof in product(HELP, PROOFS):
            case = rig.cases[tie]
            closed = purpose is Purpose.ENABLE
            ours = asker.account_id == case.account_id
            await Account.filter(id=case.account_id).update(
                status=AccountStatus.DISABLED if closed and not ours else AccountStatus.ACTIVE,
                disabled_reason=DisabledReason.TOO_MANY_FAILURES if closed and not ours else None,
                must_change_password=False,
            )
            sent: dict[str, Any] = {"verificationId": await verification(rig, asker, tie, proof, purpose)}
            sent["accountId"] = global_id("Account", case.account_id)
            if purpose is not Purpose.LOOK_UP:
                sent["reason"] = "Asked for it"
            answer = await rig.portal.do_as(asker.token, HELP[purpose], sent)
            cell = (tie, proof, purpose)
            kind = "done" if answer["__typename"] in DONE else answer["__typename"]
            told[cell] = (kind, set(answer.get("missing", ())))
            missing = missing_for_help(role, near, tie, proof)
            expected[cell] = ("NotAllowed" if missing else "done", missing)
    assert {cell: answer for cell, answer in told.items() if answer != expected[cell]} == {}
    assert len(told) == len(TIES) * len(PROOFS) * len(HELP)
    refused = sum(1 for kind, _ in told.values() if kind == "NotAllowed")
    assert await TrailEntry.filter(refusal="NOT_ALLOWED").count() == refused
    allowed = [cell for cell, (kind, _) in told.items() if kind == "done"]
    if role is Role.DESIGNEE and near != "another school":
        assert {(tie, proof) for tie, proof, _ in allowed} == {(tie, "passed") for tie in GOOD_FOR_HELP}
    else:
        assert allowed == []


# ------------------------------------------------------------------------------------------------ the other doors
ACCOUNT = "query A($id: ID!) { account(id: $id) { id } node(id: $id) { id } }"
ACCOUNTS = "{ accounts(first: 100) { edges { node { id } } } }"
GUARDIANSHIP = "query G($id: ID!) { guardianship(id: $id) { id } node(id: $id) { id } }"
RECORD = """
query S($id: ID!) {
  node(id: $id) {
    ... on Student { studentNumber grades { edges { cursor } } disclosures { edges { node { id } } } }
  }
}
"""
EXPLAIN = """
query E($input: ExplainPolicyInput!) {
  explainPolicy(input: $input) { __typename ... on PolicyExplanation { allowed } ... on NotAllowed { missing } }
}
"""


async def doors(rig: Rig, asker: Asker, case: Case) -> dict[str, Any]:
    """What each door that is no help with an account says to this asker about this case."""
    account = {"id": global_id("Account", case.account_id)}
    one = await rig.portal.ask(ACCOUNT, account, token=asker.token)
    listed = await rig.portal.ask(ACCOUNTS, token=asker.token)
    inside = account["id"] in {edge["node"]["id"] for edge in listed["accounts"]["edges"]}
    assert (one["account"] is not None) == (one["node"] is not None) == inside
    tie_id = global_id("Guardianship", case.guardianship_id or 10**9)
    tie = await rig.portal.ask(GUARDIANSHIP, {"id": tie_id}, token=asker.token)
    assert (tie["guardianship"] is not None) == (tie["node"] is not None)
    record = await rig.portal.ask(RECORD, {"id": global_id("Student", case.student.id)}, token=asker.token)
    about = {"studentId": global_id("Student", case.student.id), "purpose": "LOOK_UP"}
    caller = {"guardianId": global_id("Guardian", case.guardian.id)} if case.guardian else {}
    started = await rig.portal.do_as(asker.token, documents.START_VERIFICATION, about | caller)
    words = {"role": "GUARDIAN", "scope": "own", "action": "account:read"}
    explained = (await rig.portal.ask(EXPLAIN, {"input": words}, token=asker.token))["explainPolicy"]
    me = await rig.portal.ask("{ me { details { account { id } } } }", token=asker.token)
    no_session = {"sessionId": global_id("SessionInfo", 10**9)}
    manages = await rig.portal.do_as(asker.token, documents.END_SESSION, no_session)
    return {
        "account:status": inside,
        "guardianship:manage": tie["guardianship"] is not None,
        "student:read": record["node"] is not None,
        "verification:run": (started["__typename"], set(started.get("missing", ()))),
        "policy:explain": (explained["__typename"], explained.get("missing")),
        "account:read": me["me"]["details"]["account"]["id"] == global_id("Account", asker.account_id),
        "account:manage": manages["__typename"] == "NotFound",
    }


def expected_doors(role: Role, near: str, tie: str, case: Case, asker: Asker) -> dict[str, Any]:
    """The same in plain words."""
    in_reach = near in {"same school", "whole district"}
    run: set[str] = set()
    if role is not Role.DESIGNEE:
        run = {"ROLE"}
    elif not in_reach:
        run = {"SAME_SCHOOL"}
    elif tie not in GOOD_FOR_HELP:
        run = {"GUARDIANSHIP_CONFIRMED"}
    sees_record = (role is Role.STUDENT and near == "own") or (
        role is Role.GUARDIAN and near == "own" and tie in GOOD_FOR_SIGHT
    )
    # A guardian belongs to the schools of the students that are theirs: without any, to the whole district alone.
    account_in_reach = near == "whole district" or (near == "same school" and tie not in {"none", "revoked"})
    looks_on = role in {Role.DESIGNEE, Role.REGISTRAR, Role.REPORTER} and account_in_reach
    administers = role is Role.ADMINISTRATOR
    return {
        "account:status": looks_on or asker.account_id == case.account_id,
        "guardianship:manage": role is Role.REGISTRAR and in_reach and case.guardianship_id is not None,
        "student:read": sees_record,
        "verification:run": ("NotAllowed", run) if run else ("VerificationStarted", set()),
        "policy:explain": ("PolicyExplanation", None) if administers else ("NotAllowed", ["ROLE"]),
        "account:read": True,
        "account:manage": True,
    }


@pytest.mark.parametrize(("role", "near"), PLACES)
async def test_no_other_door_opens_but_as_the_rules_say(rig: Rig, role: Role, near: str) -> None:
    """Also with a verification that has passed: it is good for its own purpose, and for no other door."""
    staff = await rig.staff(role, near) if role in STAFF else None
    for tie, case in rig.cases.items():
        asker = staff or await rig.family(role, near, case)
        for purpose in Purpose:
            await verification(rig, asker, tie, "passed", purpose)
        told = await doors(rig, asker, case)
        assert told == expected_doors(role, near, tie, case, asker), tie


@pytest.mark.parametrize("tie", TIES)
async def test_nobody_at_all_gets_in_anywhere(rig: Rig, tie: str) -> None:
    case, portal = rig.cases[tie], rig.portal
    account = global_id("Account", case.account_id)
    assert await portal.ask(ACCOUNT, {"id": account}) == {"account": None, "node": None}
    assert await portal.ask(ACCOUNTS) == {"accounts": {"edges": []}}
    assert (await portal.ask("{ me { roles } }"))["me"] is None
    for purpose, document in HELP.items():
        sent = {"verificationId": global_id("Verification", 1), "accountId": account}
        reason = {} if purpose is Purpose.LOOK_UP else {"reason": "Asked for it"}
        assert (await portal.do(document, sent | reason))["missing"] == ["SIGNED_IN"]


# ------------------------------------------------------------------------------------------------ what has no door yet
#: Who may do what at the desks, in plain words; the answers come from the gate itself, asked through `explainPolicy`.
AT_SCHOOL = {
    Role.REGISTRAR: {"household:manage", "key:manage", "diagnosis:read", "work_order:open", "guardianship:manage"},
}
IN_DISTRICT = {
    Role.TECHNOLOGY: {"work_order:resolve", "diagnosis:read"},
    Role.ADMINISTRATOR: {"staff:manage", "client:manage", "trail:read", "policy:explain"},
}
ACTIONS = sorted(set().union(*AT_SCHOOL.values(), *IN_DISTRICT.values()))


@pytest.mark.parametrize("role", list(Role))
async def test_the_gate_says_to_each_role_what_the_rules_say_where_no_door_is_open_yet(rig: Rig, role: Role) -> None:
    administrator = await rig.staff(Role.ADMINISTRATOR, "whole district")
    said: dict[str, Any] = {}
    questions = list(product(("own", "own_student", "same_school", "same_district"), ACTIONS, ("none", "confirmed")))
    fields = [
        f'q{number}: explainPolicy(input: {{role: {role.name}, scope: "{scope}", action: "{action}", '
        f'guardianship: "{tie}", verification: "passed"}}) {{ ... on PolicyExplanation {{ allowed }} }}'
        for number, (scope, action, tie) in enumerate(questions)
    ]
    for begin in range(0, len(fields), 40):
        part = "{ " + " ".join(fields[begin : begin + 40]) + " }"
        said |= await rig.portal.ask(part, token=administrator.token)
    for number, (scope, action, tie) in enumerate(questions):
        allowed = (scope == "same_school" and action in AT_SCHOOL.get(role, set())) or (
            scope in {"same_school", "same_district"} and action in IN_DISTRICT.get(role, set())
        )
        assert said[f"q{number}"]["allowed"] == allowed, (role, scope, action, tie)


async def test_a_guardianship_that_the_rig_calls_by_a_name_is_what_it_is_called(rig: Rig) -> None:
    """The table above is worth as much as its cases: each differs from the good one in what its name says."""
    kinds = {tie: await Guardianship.get_or_none(id=case.guardianship_id) for tie, case in rig.cases.items()}
    assert kinds["none"] is kinds["self"] is None
    assert {tie for tie, found in kinds.items() if found and found.status == "CONFIRMED"} == set(TIES) - {
        *("none", "self", "claimed", "revoked"),
    }
    assert len(await sql.rows("SELECT 1 FROM restriction")) == 2

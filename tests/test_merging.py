"""Two records of one human being: what is seen beforehand, what becomes of accounts and sessions, and the way back."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from db import sql
from db.context import Role
from db.models import (
    Account,
    AccountStatus,
    Guardianship,
    GuardianshipStatus,
    Letter,
    Person,
    PersonMerge,
    Restriction,
    School,
    Session,
    Student,
)
from db.queries.versions import versions_in_use
from db.trail import Step
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal, crowd
from tests.conftest import Clock
from tests.desk import at_desk
from tests.district import PASSWORD, Adult, District, Pupil
from tests.tables import everything, trail
from tests.test_merging_undone import GROWING


@dataclass
class Desk:
    """A registrar at Lakeside; Maria is on record twice, each time with a child, and both children have Otto too."""

    portal: Portal
    district: District
    school: School
    nora: Pupil
    theo: Pupil
    maria: Adult
    twin: Adult

    async def preview(self, keep: Adult | Pupil, merge: Adult | Pupil, **more: str) -> Answer:
        said = _named(keep, merge) | more
        answer: Answer = (await self.portal.ask(documents.MERGE_PREVIEW, {"input": said}))["mergePreview"]
        return answer

    async def merge(self, keep: Adult | Pupil, merge: Adult | Pupil, **more: str) -> Answer:
        return await self.portal.do(documents.MERGE_PEOPLE, _named(keep, merge) | {"reason": "One person"} | more)

    async def merged(self, keep: Adult | Pupil, merge: Adult | Pupil, **more: str) -> str:
        """The id of the merge."""
        done = await self.merge(keep, merge, **more)
        assert done["__typename"] == "PeopleMerged", done
        id_: str = done["merge"]["id"]
        return id_

    async def undo(self, merge_id: str) -> Answer:
        return await self.portal.do(documents.UNDO_MERGE, {"mergeId": merge_id, "reason": "Two people"})


def _kind(someone: Adult | Pupil) -> str:
    return "Student" if isinstance(someone, Pupil) else "Guardian"


def _named(keep: Adult | Pupil, merge: Adult | Pupil) -> dict[str, str]:
    return {"keepId": global_id(_kind(keep), keep.id), "mergeId": global_id(_kind(merge), merge.id)}


@pytest.fixture
async def desk(portal: Portal, district: District) -> Desk:
    school = await district.school()
    nora = await district.student(school=school)
    theo = await district.student(given="Theo", school=school, born=nora.birth_date)
    maria = await district.guardian(nora, email="maria@example.org")
    twin = await district.guardian(theo, email="m.quimby@example.org")
    await district.opened(maria, "maria.q")
    await district.opened(twin, "mquimby")
    await at_desk(portal, district, Role.REGISTRAR, school)
    return Desk(portal, district, school, nora, theo, maria, twin)


def _words(answer: Answer) -> dict[str, int]:
    return {item["kind"]: item["count"] for item in answer["moves"]}


# ------------------------------------------------------------------------------------------------ beforehand
async def test_a_preview_tells_all_that_would_move_and_changes_nothing(desk: Desk) -> None:
    both = await desk.district.guardianship(desk.maria.id, desk.theo.id, status=GuardianshipStatus.CLAIMED)
    await desk.district.restrict(desk.twin, desk.theo)
    await desk.district.household(desk.maria, desk.twin)
    async with crowd(1, desk.portal) as [hers]:
        await hers.login("mquimby", PASSWORD)
    before = await everything(but=GROWING)
    seen = await desk.preview(desk.maria, desk.twin)
    assert await everything(but=GROWING) == before
    assert seen["obstacles"] == []
    assert seen["kept"] == {"id": global_id("Guardian", desk.maria.id), "name": {"display": "Maria Quimby"}}
    assert _words(seen) == {
        "GUARDIANSHIPS_JOINED": 1,
        "RESTRICTIONS": 1,
        "MEMBERSHIPS_JOINED": 1,
        "LETTERS": 1,
        "EMAIL_ADDRESS": 1,
        "ACCOUNTS_CLOSED": 1,
        "SESSIONS_STOPPED": 1,
    }
    assert [(each["ofKept"], each["goesOn"], each["liveSessions"]) for each in seen["accounts"]] == [
        (True, True, 0),
        (False, False, 1),
    ]
    assert seen["guardianshipsOfBoth"] == [
        {
            "other": {"display": "Theo Quimby"},
            "keptStatus": "CLAIMED",
            "mergedStatus": "CONFIRMED",
            "status": "CONFIRMED",
            "portalAccess": True,
            "adultAccess": False,
            "restrictions": 1,
        }
    ]
    assert "maria.q" not in str(seen)
    assert "mquimby" not in str(seen)
    assert (await trail(Step.FIND_DUPLICATES))[-1] == ("people:duplicates", "DONE")
    await desk.merged(desk.maria, desk.twin)
    joined = await Guardianship.get(student_id=desk.theo.id)
    assert (joined.id, joined.status, joined.portal_access) == (both.id, GuardianshipStatus.CONFIRMED, True)


async def test_an_address_that_is_given_up_is_told_beforehand(desk: Desk) -> None:
    """No address is taken over, also where there is none: the registrar may rather keep the record that has one."""
    bare = await desk.district.guardian(desk.theo)
    alike = await desk.district.guardian(desk.theo, email="MARIA@example.org")
    assert _words(await desk.preview(bare, desk.maria))["EMAIL_ADDRESS"] == 1
    assert "EMAIL_ADDRESS" not in _words(await desk.preview(desk.maria, bare))
    assert "EMAIL_ADDRESS" not in _words(await desk.preview(desk.maria, alike))


async def test_obstacles_are_told_beforehand_in_the_readers_language(desk: Desk) -> None:
    await desk.district.guardianship(desk.maria.id, (await desk.district.student(school=desk.school)).id)
    await sql.execute("INSERT INTO role_assignment (person_id, role) VALUES ($1, 'reporter')", desk.twin.id)
    [obstacle] = (await desk.preview(desk.maria, desk.twin))["obstacles"]
    assert obstacle["kind"] == "STAFF"
    desk.portal.http.headers["Accept-Language"] = "es"
    [spanish] = (await desk.preview(desk.maria, desk.twin))["obstacles"]
    assert spanish["message"] != obstacle["message"]


# ------------------------------------------------------------------------------------------------ accounts and sessions
async def test_the_session_that_goes_on_sees_all_students_and_the_other_one_is_gone_until_it_is_undone(
    desk: Desk,
) -> None:
    nora, theo = (global_id("Student", each.id) for each in (desk.nora, desk.theo))
    async with crowd(2, desk.portal) as [maria, twin]:
        await maria.login("maria.q", PASSWORD)
        await twin.login("mquimby", PASSWORD)
        assert (await maria.students(), await twin.students()) == ([nora], [theo])
        merge_id = await desk.merged(desk.maria, desk.twin)
        assert sorted(await maria.students()) == sorted([nora, theo])
        assert await twin.me() is None
        refused = await twin.login("mquimby", PASSWORD)
        assert refused["__typename"] == "AccountDisabled"
        assert (await desk.undo(merge_id))["__typename"] == "MergeUndone"
        assert (await maria.students(), await twin.students()) == ([nora], [theo])


async def test_the_other_account_may_go_on_and_then_belongs_to_the_kept_record(desk: Desk) -> None:
    chosen = global_id("Account", desk.twin.account_id)
    async with crowd(2, desk.portal) as [maria, twin]:
        await maria.login("maria.q", PASSWORD)
        await twin.login("mquimby", PASSWORD)
        before = await everything(but=GROWING)
        merge_id = await desk.merged(desk.maria, desk.twin, keepAccountId=chosen)
        assert (await Account.get(id=desk.twin.account_id)).person_id == desk.maria.id
        assert len(await twin.students()) == 2
        assert await maria.me() is None
        await desk.undo(merge_id)
        after = await everything(but=GROWING)
        assert {name for name in after if after[name] != before[name]} <= {"session"}
        assert len(await maria.students()) == len(await twin.students()) == 1


async def test_an_account_that_was_opened_goes_on_before_one_that_never_was(desk: Desk) -> None:
    newcomer = await desk.district.guardian(desk.nora)
    await desk.merged(newcomer, desk.maria)
    survivor = await Account.get(id=desk.maria.account_id)
    assert (survivor.person_id, survivor.status) == (newcomer.id, AccountStatus.ACTIVE)


async def test_no_way_in_leads_to_the_account_that_is_left_over(desk: Desk) -> None:
    """Key, one-time code, letter of a forgotten log-on, and a designee who would enable it."""
    waiting = await desk.district.guardian(desk.nora, given="Maria", email="third@example.org")
    key = await desk.portal.request_key(*desk.nora.proofs, guardianName={"given": "Maria", "family": "Quimby"})
    assert key["__typename"] in {"NotMatched", "GuardianNameNeeded"}, "there are two Marias"
    merge_id = await desk.merged(desk.maria, waiting)
    key = await desk.portal.request_key(*desk.nora.proofs, guardianName={"given": "Maria", "family": "Quimby"})
    assert key["__typename"] == "AlreadyActivated", "there is one"
    await desk.undo(merge_id)
    await Guardianship.filter(guardian_id=desk.maria.id).delete()
    issued = await desk.portal.request_key(*desk.nora.proofs)
    assert (await desk.portal.check_key(issued["key"]))["__typename"] == "ActivationKeyGood"
    await desk.district.guardianship(desk.maria.id, desk.nora.id)
    merge_id = await desk.merged(desk.maria, waiting)
    assert (await desk.portal.check_key(issued["key"]))["__typename"] == "KeyNotAccepted"
    activated = await desk.portal.activate(issued["key"], "third.q", PASSWORD)
    assert activated["__typename"] == "KeyNotAccepted"
    listed = await sql.rows(
        "SELECT a.id FROM person p JOIN account a ON a.person_id = p.id "
        "WHERE p.email_folded = 'third@example.org' AND p.merged_into_id IS NULL"
    )
    assert listed == []
    await desk.undo(merge_id)
    assert (await desk.portal.check_key(issued["key"]))["__typename"] == "ActivationKeyGood"


async def test_reports_know_nothing_of_what_is_left_over(desk: Desk) -> None:
    query = "query Q($id: ID!) { accounts(first: 100) { totalCount edges { node { id } } } account(id: $id) { id } }"
    await at_desk(desk.portal, desk.district, Role.REGISTRAR)
    id_ = global_id("Account", desk.twin.account_id)
    before = await desk.portal.ask(query, {"id": id_})
    assert before["account"] == {"id": id_}
    await desk.merged(desk.maria, desk.twin)
    after = await desk.portal.ask(query, {"id": id_})
    shown = {edge["node"]["id"] for edge in after["accounts"]["edges"]}
    assert after["account"] is None
    assert shown == {edge["node"]["id"] for edge in before["accounts"]["edges"]} - {id_}
    assert after["accounts"]["totalCount"] == len(shown)


async def test_an_account_closed_by_a_court_is_not_opened_by_a_merge(desk: Desk) -> None:
    await Account.filter(id=desk.twin.account_id).update(status="DISABLED", disabled_reason="LEGAL_RESTRICTION")
    async with crowd(1, desk.portal) as [maria]:
        await maria.login("maria.q", PASSWORD)
        await desk.merged(desk.maria, desk.twin)
        assert await maria.me() is None
    survivor = await Account.get(id=desk.maria.account_id)
    assert (survivor.status, survivor.disabled_reason) == ("DISABLED", "LEGAL_RESTRICTION")


async def test_both_addresses_are_told_of_it_and_of_the_way_back(desk: Desk) -> None:
    merge_id = await desk.merged(desk.maria, desk.twin)
    told = await Letter.filter(kind="RECORDS_MERGED").order_by("id")
    assert [letter.address for letter in told] == ["maria@example.org", "m.quimby@example.org"]
    assert {letter.facts["account_id"] for letter in told} == {desk.maria.account_id}
    await desk.undo(merge_id)
    told = await Letter.filter(kind="RECORDS_MERGED").order_by("id").offset(2)
    assert [(letter.address, letter.facts) for letter in told] == [
        ("maria@example.org", {"account_id": desk.maria.account_id, "undone": True}),
        ("m.quimby@example.org", {"account_id": desk.twin.account_id, "undone": True}),
    ]


# ------------------------------------------------------------------------------------------------ students
async def test_a_student_keeps_the_number_and_gets_a_proof_where_there_was_none(desk: Desk) -> None:
    double = await desk.district.student(school=desk.school, ssn="520456999")
    await desk.district.records(double, desk.school)
    single = await desk.district.student(school=desk.school, ssn="")
    ours = await desk.district.guardian(single, given="Otto")
    theirs = await desk.district.guardianship(ours.id, double.id, portal_access=False)
    seen = _words(await desk.preview(single, double))
    expected = {"GRADES": 7, "ATTENDANCE": 3, "SSN_PROOF": 1, "STUDENT_NUMBER": 1, "ENROLMENTS_JOINED": 1}
    assert expected.items() <= seen.items()
    merge_id = await desk.merged(single, double)
    asked = await desk.portal.request_key(single.number, single.birth_date.isoformat(), double.ssn)
    assert asked["__typename"] == "ActivationKeyIssued"
    assert not await Student.exists(id=double.id)
    assert not await Guardianship.exists(id=theirs.id)
    await desk.undo(merge_id)
    again = await Student.get(id=double.id)
    assert (again.student_number, len(again.ssn_proof or b"")) == (double.number, 32)


async def test_a_proof_that_an_undo_would_bring_back_keeps_its_secret_in_use(desk: Desk, clock: Clock) -> None:
    """An operator who took the old secret away would leave a student whom nobody can prove any more."""
    double, single = [await desk.district.student(school=desk.school) for _ in range(2)]
    await Student.filter(id__not=double.id).update(ssn_proof_version=2)
    assert await versions_in_use(clock()) == [1, 2]
    merge_id = await desk.merged(single, double)
    assert not await Student.filter(ssn_proof_version=1).exists()
    assert await versions_in_use(clock()) == [1, 2]
    clock.advance(days=365)
    assert await versions_in_use(clock()) == [2], "it cannot be undone any more"
    clock.advance(days=-365)
    await desk.undo(merge_id)
    await Student.filter(id=double.id).update(ssn_proof_version=2)
    assert await versions_in_use(clock()) == [2], "it was undone, and the proof is the student's own matter"


async def test_a_number_that_went_to_somebody_else_keeps_two_records_one(desk: Desk) -> None:
    merge_id = await desk.merged(desk.nora, desk.theo)
    await desk.district.student(number=desk.theo.number, school=desk.school)
    before = await everything(but=GROWING)
    refused = await desk.undo(merge_id)
    assert (refused["__typename"], refused["status"]) == ("WrongState", "NUMBER_TAKEN")
    assert await everything(but=GROWING) == before


# ------------------------------------------------------------------------------------------------ decided since
async def _joined(desk: Desk) -> tuple[Guardianship, Guardianship]:
    """Theo's guardianships by both Marias."""
    first = await desk.district.guardianship(desk.maria.id, desk.theo.id)
    return first, await Guardianship.get(guardian_id=desk.twin.id, student_id=desk.theo.id)


async def test_a_restriction_entered_since_binds_both_records(desk: Desk) -> None:
    first, second = await _joined(desk)
    merge_id = await desk.merged(desk.maria, desk.twin)
    await desk.district.restrict(desk.maria, desk.theo)
    undone = await desk.undo(merge_id)
    assert [(each["kind"], each["count"]) for each in undone["leftovers"]] == [("RESTRICTIONS_FOR_BOTH", 1)]
    bound = {each.guardianship_id for each in await Restriction.filter(lifted_at=None)}
    assert bound == {first.id, second.id}


@pytest.mark.parametrize(
    ("decision", "seen_by"),
    [
        ({"status": GuardianshipStatus.REVOKED, "revoked_reason": "Court"}, (False, False)),
        ({"portal_access": False}, (False, False)),
        ({"evidence": "Seen again"}, (True, True)),
    ],
)
async def test_what_was_taken_away_since_is_taken_from_both(
    desk: Desk, decision: dict[str, object], seen_by: tuple[bool, bool]
) -> None:
    pair = await _joined(desk)
    merge_id = await desk.merged(desk.maria, desk.twin)
    revoked = {"revoked_at": desk.district.ctx.now} if "status" in decision else {}
    await Guardianship.filter(id=pair[0].id).update(**decision, **revoked, decided_by="REGISTRAR")
    undone = await desk.undo(merge_id)
    assert [each["kind"] for each in undone["leftovers"]] == ["GUARDIANSHIP_DECIDED"]
    now = [await Guardianship.get(id=each.id) for each in pair]
    assert tuple(each.status == "CONFIRMED" and each.portal_access for each in now) == seen_by
    assert [each.guardian_id for each in now] == [desk.maria.id, desk.twin.id]


async def test_a_key_in_the_hands_of_whoever_was_kept_away_since_opens_nothing_after_an_undo(desk: Desk) -> None:
    """Theo's father holds a key of the record that was merged, and is restricted while it is one with the other."""
    double = await desk.district.student("Theo", school=desk.school, born=desk.theo.birth_date)
    father = await desk.district.guardian(desk.theo, double, given="Rex")
    key = (await desk.portal.request_key(*double.proofs, forStudent=True))["key"]
    merge_id = await desk.merged(desk.theo, double)
    tie = await Guardianship.get(guardian_id=father.id)
    said = {"guardianshipId": global_id("Guardianship", tie.id), "kind": "no contact", "reason": "Court papers"}
    restricted = await desk.portal.do(
        documents.RESTRICT_GUARDIANSHIP, said | {"from": desk.district.ctx.today.isoformat()}
    )
    assert restricted["__typename"] == "GuardianshipChanged"
    assert (await desk.undo(merge_id))["__typename"] == "MergeUndone"
    assert (await desk.portal.check_key(key))["__typename"] == "KeyNotAccepted"


async def test_what_was_added_since_stays_where_it_is(desk: Desk) -> None:
    merge_id = await desk.merged(desk.maria, desk.twin)
    added = await desk.district.student(school=desk.school)
    tie = await desk.district.guardianship(desk.maria.id, added.id)
    async with crowd(1, desk.portal) as [maria]:
        await maria.login("maria.q", PASSWORD)
        fresh = "harbour violet eleven drums"
        changed = await maria.do(
            documents.CHANGE_PASSWORD, {"current": PASSWORD, "password": fresh, "verifyPassword": fresh}
        )
        assert changed["__typename"] == "PasswordChanged"
        undone = await desk.undo(merge_id)
        assert undone["leftovers"] == []
        assert await maria.me() is not None
        assert (await maria.login("maria.q", fresh))["__typename"] == "LoggedIn"
    assert (await Guardianship.get(id=tie.id)).guardian_id == desk.maria.id


async def test_an_account_that_the_school_closed_since_stays_closed(desk: Desk) -> None:
    merge_id = await desk.merged(desk.maria, desk.twin)
    await Account.filter(id=desk.maria.account_id).update(status="DISABLED", disabled_reason="STAFF_DECISION")
    assert (await desk.undo(merge_id))["leftovers"] == []
    assert (await Account.get(id=desk.maria.account_id)).status == AccountStatus.DISABLED
    assert (await Account.get(id=desk.twin.account_id)).status == AccountStatus.ACTIVE


# ------------------------------------------------------------------------------------------------ the way back
async def test_merges_are_listed_and_undone_latest_first(desk: Desk) -> None:
    third = await desk.district.guardian(desk.nora, given="Maria")
    first = await desk.merged(desk.maria, desk.twin)
    second = await desk.merged(desk.maria, third)
    page = (await desk.portal.ask(documents.MERGES, {"first": 1}))["merges"]
    assert [edge["node"]["id"] for edge in page["edges"]] == [second]
    page = (await desk.portal.ask(documents.MERGES, {"after": page["pageInfo"]["endCursor"]}))["merges"]
    [node] = [edge["node"] for edge in page["edges"]]
    until = desk.district.ctx.now + timedelta(days=30)
    assert node == {
        "id": first,
        "capacity": "GUARDIAN",
        "kept": {"id": global_id("Guardian", desk.maria.id), "name": {"display": "Maria Quimby"}},
        "merged": {"id": global_id("Guardian", desk.twin.id), "name": {"display": "Maria Quimby"}},
        "mergedAt": desk.district.ctx.now.isoformat(),
        "mergedBy": {"display": "Dana Ito"},
        "reason": "One person",
        "undoneAt": None,
        "undoneBy": None,
        "undoableUntil": until.isoformat(),
    }
    assert (await desk.undo(first))["status"] == "LATER_MERGE"
    assert (await desk.undo(second))["__typename"] == "MergeUndone"
    undone = await desk.undo(first)
    assert (undone["merge"]["undoneBy"], undone["merge"]["undoableUntil"]) == ({"display": "Dana Ito"}, None)
    assert (await desk.undo(first))["status"] == "UNDONE"
    assert {row.merged_into_id for row in await Person.all()} == {None}


async def test_a_record_that_took_another_in_can_be_taken_in_itself(desk: Desk) -> None:
    third = await desk.district.guardian(desk.nora, given="Maria")
    before = await everything(but=GROWING)
    first = await desk.merged(desk.maria, desk.twin)
    second = await desk.merged(third, desk.maria)
    assert (await desk.undo(first))["status"] == "LATER_MERGE"
    for merge_id in (second, first):
        assert (await desk.undo(merge_id))["__typename"] == "MergeUndone"
    assert await everything(but=GROWING) == before


async def test_after_thirty_days_there_is_no_way_back(desk: Desk, clock: Clock) -> None:
    merge_id = await desk.merged(desk.maria, desk.twin)
    clock.advance(days=30, seconds=1)
    await at_desk(desk.portal, desk.district, Role.REGISTRAR, desk.school)
    assert (await desk.undo(merge_id))["status"] == "UNDO_PERIOD_OVER"


async def test_of_two_who_merge_at_once_one_is_told_that_it_is_done(desk: Desk) -> None:
    async def once(keep: Adult, merge: Adult) -> Answer:
        return await desk.portal.do(documents.MERGE_PEOPLE, _named(keep, merge) | {"reason": "One person"})

    answers = await asyncio.gather(*(once(*pair) for pair in [(desk.maria, desk.twin), (desk.twin, desk.maria)] * 3))
    assert sorted(answer["__typename"] for answer in answers) == ["PeopleMerged", *["WrongState"] * 5]
    assert {answer.get("status") for answer in answers} == {None, "MERGED"}
    assert await PersonMerge.all().count() == 1
    assert await Session.filter(ended_at=None).count() == 1


# ------------------------------------------------------------------------------------------------ days
@pytest.mark.parametrize(
    ("days", "decided", "joined"),
    [
        ([("2026-02-01", "2026-03-01"), ("2026-01-01", "2026-02-15")], None, ("2026-01-01", "2026-03-01")),
        ([("2026-02-01", None), (None, "2026-02-15")], None, (None, None)),
        ([("2026-02-01", "2026-03-01"), (None, None)], 0, ("2026-02-01", "2026-03-01")),
    ],
)
async def test_two_memberships_of_one_household_become_one(
    desk: Desk, days: list[tuple[str | None, str | None]], decided: int | None, joined: tuple[str | None, str | None]
) -> None:
    home = await desk.district.household()
    for place, (who, (begins, ends)) in enumerate(zip((desk.maria, desk.twin), days, strict=True)):
        await sql.execute(
            "INSERT INTO household_member (household_id, person_id, is_secondary, begins_on, ends_on, decided_by) "
            "VALUES ($1, $2, false, $3::text::date, $4::text::date, $5)",
            *(home.id, who.id, begins, ends, "REGISTRAR" if place == decided else "ROSTER"),
        )
    await desk.merged(desk.maria, desk.twin)
    [row] = await sql.rows("SELECT begins_on::text, ends_on::text, person_id FROM household_member")
    assert (row["begins_on"], row["ends_on"], row["person_id"]) == (*joined, desk.maria.id)

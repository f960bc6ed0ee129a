"""What a registrar's decision takes back, whom it is told to, and that no import undoes it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from db import sql
from db.context import Capacity, Role
from db.models import (
    Account,
    ActivationKey,
    Guardianship,
    GuardianshipStatus,
    KeyState,
    Letter,
    LetterState,
    Person,
    Restriction,
    Student,
    TrailEntry,
)
from db.queries import outbox
from db.roster.applying import apply
from mail.outbox import Addressee, LetterKind, Withdrawn, promise
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal
from tests.conftest import Clock
from tests.desk import at_desk
from tests.district import PASSWORD, Adult, District, Pupil
from tests.holding import COMMIT, held_up, until
from tests.registry import REASON, Office, another_guardian, open_office
from tests.roster_sets import RosterFiles, checked

CLAIMED, CONFIRMED, REVOKED = GuardianshipStatus.CLAIMED, GuardianshipStatus.CONFIRMED, GuardianshipStatus.REVOKED
Decide = Callable[[Office, Guardianship], Awaitable[Answer]]


@pytest.fixture
async def home(portal: Portal) -> AsyncIterator[Portal]:
    """Another client of the same portal."""
    client = Portal(portal.app, address="203.0.113.50")
    async with client.http:
        yield client


@pytest.fixture
async def office(portal: Portal, home: Portal, district: District) -> Office:
    return await open_office(portal, home, district)


async def revoke(office: Office, tie: Guardianship) -> Answer:
    return await office.revoke(tie)


async def restrict(office: Office, tie: Guardianship) -> Answer:
    return await office.restrict(tie)


async def restrict_from_tomorrow(office: Office, tie: Guardianship) -> Answer:
    return await office.restrict(tie, office.district.ctx.today + timedelta(days=1))


async def unmark(office: Office, tie: Guardianship) -> Answer:
    return await office.mark(tie, allowed=False)


async def withdraw_consent(office: Office, tie: Guardianship) -> Answer:
    await Student.filter(id=tie.student_id).update(birth_date=date(2008, 1, 1))
    await Guardianship.filter(id=tie.id).update(adult_access=True)
    return await office.consent(tie, given=False)


def done(answer: Answer) -> None:
    assert answer["__typename"] == "GuardianshipChanged", answer


async def key_of(portal: Portal, student: Pupil, guardian: Adult | None = None) -> str:
    """The key that the portal shows to whoever has the proofs."""
    whose = {"guardianName": guardian.name} if guardian else {"forStudent": True}
    key: str = (await portal.request_key(*student.proofs, **whose))["key"]
    return key


async def opens(portal: Portal, key: str) -> bool:
    return bool((await portal.check_key(key))["__typename"] == "ActivationKeyGood")


# ------------------------------------------------------------------------------------------------ keys
@pytest.mark.parametrize("decide", [revoke, restrict, unmark, withdraw_consent])
async def test_the_key_of_a_guardian_who_sees_nobody_any_more_is_dead_for_good(
    office: Office, district: District, home: Portal, decide: Decide
) -> None:
    hugo, tie = await another_guardian(district, office.nora)
    key = await key_of(home, office.nora, hugo)
    assert await opens(home, key)
    done(await decide(office, tie))
    assert (await ActivationKey.get(account_id=hugo.account_id)).state is KeyState.REPLACED
    assert not await opens(home, key)
    assert (await home.activate(key, "hugo.q", PASSWORD))["__typename"] == "KeyNotAccepted"
    # And stays so when everything is as it was.
    await Restriction.all().delete()
    await Student.filter(id=office.nora.id).update(birth_date=office.nora.birth_date)
    await Guardianship.filter(id=tie.id).update(
        status=CONFIRMED, confirmed_at=district.ctx.now, revoked_at=None, portal_access=True, adult_access=True
    )
    assert not await opens(home, key)
    assert await opens(home, await key_of(home, office.nora, hugo))
    entry = await TrailEntry.filter(step__startswith="guardianship:").order_by("-id").first()
    assert entry is not None
    assert entry.details["keys_replaced"] == 1


@pytest.mark.parametrize("decide", [revoke, restrict, unmark])
async def test_a_guardian_with_another_student_keeps_the_key(
    office: Office, district: District, home: Portal, decide: Decide
) -> None:
    hugo, tie = await another_guardian(district, office.nora)
    await district.guardianship(hugo.id, office.sam.id)
    key = await key_of(home, office.sam, hugo)
    done(await decide(office, tie))
    assert (await home.activate(key, "hugo.q", PASSWORD))["__typename"] == "AccountActivated"
    await home.login("hugo.q", PASSWORD)
    assert await home.students() == [global_id("Student", office.sam.id)]


async def test_a_guardian_to_be_restricted_keeps_the_key_until_then(
    office: Office, district: District, home: Portal, clock: Clock
) -> None:
    hugo, tie = await another_guardian(district, office.nora)
    key = await key_of(home, office.nora, hugo)
    done(await restrict_from_tomorrow(office, tie))
    assert await opens(home, key)
    clock.advance(days=1)
    assert not await opens(home, key)


@pytest.mark.parametrize("decide", [revoke, restrict, restrict_from_tomorrow])
async def test_the_student_s_key_in_a_guardian_s_hand_is_dead_too(
    office: Office, district: District, home: Portal, decide: Decide
) -> None:
    _, tie = await another_guardian(district, office.nora)
    key, sibling = await key_of(home, office.nora), await key_of(home, office.sam)
    done(await decide(office, tie))
    assert not await opens(home, key)
    assert await opens(home, sibling)
    # The guardian has all the proofs still, and could ask for another one.
    asked = await home.request_key(*office.nora.proofs, forStudent=True)
    assert asked["__typename"] == "NotMatched"
    said = {"personId": global_id("Student", office.nora.id), "reason": REASON}
    issued = await office.portal.do(documents.ISSUE_ACTIVATION_KEY, said)
    assert await opens(home, issued["key"]), "the student gets another one at the school"


@pytest.mark.parametrize("decide", [unmark, withdraw_consent])
async def test_the_student_s_key_outlasts_what_is_about_sight_alone(
    office: Office, district: District, home: Portal, decide: Decide
) -> None:
    _, tie = await another_guardian(district, office.nora)
    key = await key_of(home, office.nora)
    done(await decide(office, tie))
    assert await opens(home, key)


async def test_what_gives_takes_no_key(office: Office, district: District, home: Portal) -> None:
    hugo, tie = await another_guardian(district, office.nora)
    await Guardianship.filter(id=tie.id).update(portal_access=True)
    keys = [await key_of(home, office.nora, hugo), await key_of(home, office.nora)]
    await Guardianship.filter(id=tie.id).update(status=CLAIMED, confirmed_at=None, portal_access=False)
    # Printed before the rest was put right: a guardian who sees nobody yet, and is on the way.
    for decision in (office.confirm(tie), office.mark(tie, allowed=True), office.consent(tie, given=True)):
        done(await decision)
    assert [await opens(home, key) for key in keys] == [True, True]


async def test_accounts_that_are_open_are_left_alone(office: Office, district: District, home: Portal) -> None:
    await district.opened(office.nora, "nora.q")
    before = await Account.all().order_by("id").values()
    for pupil in (office.nora, office.sam):
        done(await office.revoke(await office.tie(student=pupil)))
    assert await Account.all().order_by("id").values() == before
    assert await home.me() is not None
    assert await home.students() == []


async def test_of_two_who_take_the_last_two_students_away_one_sees_it(
    office: Office, district: District, home: Portal, database_url: str
) -> None:
    """Neither may believe that the other student is left."""
    hugo, tie = await another_guardian(district, office.nora)
    other = await district.guardianship(hugo.id, office.sam.id)
    await key_of(home, office.nora, hugo)
    colleague = Portal(office.portal.app, address="203.0.113.60")

    async def both_wait() -> bool | None:
        [row] = await sql.rows("SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return row["n"] == 2 or None

    async with colleague.http:
        await at_desk(colleague, district, Role.REGISTRAR, office.school)
        which = {"guardianshipId": global_id("Guardianship", other.id), "reason": REASON}
        async with held_up(database_url, COMMIT) as hold:
            first = asyncio.create_task(office.revoke(tie))
            await hold.waiter(first)
            second = asyncio.create_task(colleague.do(documents.REVOKE_GUARDIANSHIP, which))
            await until(both_wait)
            await hold.release()
            for answer in await asyncio.gather(first, second):
                done(answer)
    assert (await ActivationKey.get(account_id=hugo.account_id)).state is KeyState.REPLACED


# ------------------------------------------------------------------------------------------------ letters
async def _waiting(office: Office, whom: Adult, kind: LetterKind, facts: Mapping[str, object]) -> int:
    [letter] = await promise(office.district.ctx, kind, [Addressee(whom.id, f"{whom.id}@example.org", None)], facts)
    return letter


async def _withdrawn(letters: dict[str, int]) -> set[str]:
    """Which of these letters were cancelled."""
    rows = {row.id: row for row in await Letter.filter(id__in=list(letters.values()))}
    gone = {name for name, id_ in letters.items() if rows[id_].state is LetterState.CANCELLED}
    assert {rows[letters[name]].failure for name in gone} <= {Withdrawn.OUTDATED}
    return gone


@pytest.mark.parametrize(
    ("decide", "expected"),
    [
        (revoke, {"asked", "issued", "own key"}),
        (restrict, {"asked", "issued", "own key"}),
        (withdraw_consent, {"asked", "issued", "own key"}),
        # Whoever has custody may hear of keys; there is nothing to open an account for.
        (unmark, {"own key"}),
        (restrict_from_tomorrow, set()),
    ],
)
async def test_letters_that_would_say_too_much_do_not_go(
    office: Office, district: District, decide: Decide, expected: set[str]
) -> None:
    hugo, tie = await another_guardian(district, office.nora)
    asked, issued, own = LetterKind.KEY_ASKED_FOR, LetterKind.KEY_ISSUED, LetterKind.ACTIVATION_KEY
    about: dict[str, object] = {
        "student_id": office.nora.id,
        "person_id": hugo.id,
        "capacity": Capacity.GUARDIAN,
    }
    letters = {
        "asked": await _waiting(office, hugo, asked, about),
        "issued": await _waiting(office, hugo, issued, about | {"replaced": False}),
        "own key": await _waiting(office, hugo, own, {"account_id": hugo.account_id}),
        "of the sibling": await _waiting(office, hugo, asked, about | {"student_id": office.sam.id}),
        "another account": await _waiting(office, hugo, own, {"account_id": office.sam.account_id}),
        "another guardian's": await _waiting(office, office.maria, asked, about),
        "of another kind": await _waiting(office, hugo, LetterKind.WELCOME, {"account_id": hugo.account_id}),
        "in hand": await _waiting(office, hugo, asked, about),
        "sent": await _waiting(office, hugo, issued, about | {"replaced": True}),
    }
    await Letter.filter(id=letters["in hand"]).update(leased_until=district.ctx.now + timedelta(minutes=1))
    await Letter.filter(id=letters["sent"]).update(state=LetterState.SENT, sent_at=district.ctx.now)
    done(await decide(office, tie))
    assert await _withdrawn(letters) == expected
    assert (await outbox.tally()).get("CANCELLED:OUTDATED", 0) == len(expected)


async def test_with_another_student_left_the_letter_with_the_own_key_goes(office: Office, district: District) -> None:
    hugo, tie = await another_guardian(district, office.nora)
    await district.guardianship(hugo.id, office.sam.id)
    own = {"own": await _waiting(office, hugo, LetterKind.ACTIVATION_KEY, {"account_id": hugo.account_id})}
    done(await office.revoke(tie))
    assert await _withdrawn(own) == set()


async def _told(change: str) -> list[tuple[int | None, str]]:
    letters = await Letter.filter(kind=LetterKind.GUARDIANSHIP_CHANGED).order_by("id")
    return sorted((each.person_id, each.address) for each in letters if each.facts["change"] == change)


async def test_whoever_is_entitled_is_told_and_nobody_else(office: Office, district: District) -> None:
    hugo, tie = await another_guardian(district, office.nora)
    await another_guardian(district, office.nora, "Claire", status=CLAIMED)
    await another_guardian(district, office.nora, "Rex", status=REVOKED)
    kept_away, _ = await another_guardian(district, office.nora, "Kim")
    await district.restrict(kept_away, office.nora)
    await another_guardian(district, office.sam, "Stranger")
    unmarked, _ = await another_guardian(district, office.nora, "Una", portal_access=False)
    silent = await district.guardian(office.nora, given="Silent")
    # A child is not told, nor is whoever has no address; one address of two people gets two letters, unless one of them
    # is to be kept away: then the other one's would tell of whom, and at which school.
    await Person.filter(id__in=[office.nora.id, office.maria.id]).update(email="hugo@example.org")
    concerned = [(hugo.id, "hugo@example.org")]
    others = [(office.maria.id, "hugo@example.org"), (unmarked.id, "una@example.org")]
    for decision, change in (
        (office.mark(tie, allowed=False), "PORTAL_TAKEN"),
        (office.mark(tie, allowed=True), "PORTAL_GIVEN"),
        (office.consent(tie, given=True), "CONSENT_GIVEN"),
        (office.consent(tie, given=False), "CONSENT_WITHDRAWN"),
        (office.restrict(tie), "RESTRICTED"),
        (office.lift(tie), "RESTRICTION_LIFTED"),
        (office.revoke(tie), "REVOKED"),
        (office.confirm(tie), "CONFIRMED"),
    ):
        done(await decision)
        expected = concerned + (others[1:] if change in {"RESTRICTED", "REVOKED"} else others)
        assert await _told(change) == sorted(expected), change
    paul = await district.person("Paul", "Reyes", "paul@example.org")
    done(await office.record(paul.id, office.nora))
    assert await _told("RECORDED") == sorted([*concerned, *others, (paul.id, "paul@example.org")])
    letter = await Letter.filter(person_id=paul.id).get()
    made = await Guardianship.get(guardian_id=paul.id)
    assert letter.facts == {"guardianship_id": made.id, "change": "RECORDED"}
    assert not await Letter.filter(person_id=silent.id).exists()


async def test_a_student_of_age_is_told_and_guardians_without_a_say_are_not(office: Office, district: District) -> None:
    hugo, tie = await another_guardian(district, office.nora, adult_access=True)
    agreed, _ = await another_guardian(district, office.nora, "Ada", adult_access=True)
    await Person.filter(id=office.nora.id).update(email="nora@example.org")
    await Student.filter(id=office.nora.id).update(birth_date=date(2008, 10, 5))
    done(await office.consent(tie, given=False))
    expected = [(hugo.id, "hugo@example.org"), (agreed.id, "ada@example.org"), (office.nora.id, "nora@example.org")]
    assert await _told("CONSENT_WITHDRAWN") == sorted(expected), "and Maria, who has no consent, is not"
    # Without a birth date nobody knows whether the student is of age: guardians see nothing, and nor is the child told.
    await Student.filter(id=office.nora.id).update(birth_date=None)
    done(await office.revoke(tie))
    assert await _told("REVOKED") == sorted(expected[:2])


# ------------------------------------------------------------------------------------------------ imports
async def test_no_import_undoes_what_a_registrar_decided(
    portal: Portal, home: Portal, district: District, tmp_path: Path
) -> None:
    files, ctx = RosterFiles(), district.ctx
    files.tie("ana", "rosa")["portal"] = "true"
    files.tie("cal", "rosa")["portal"] = "true"
    await apply(ctx, checked(files, tmp_path))
    ids = {row["source_id"]: row["id"] for row in await sql.rows("SELECT id, source_id FROM person")}

    async def tie(student: str, guardian: str) -> Guardianship:
        return await Guardianship.get(student_id=ids[student], guardian_id=ids[guardian])

    office = await open_office(portal, home, district)
    await at_desk(portal, district, Role.REGISTRAR)
    done(await office.revoke(await tie("ana", "rosa")))
    done(await office.restrict(await tie("cal", "rosa")))
    done(await office.mark(await tie("ana", "hugo"), allowed=False))
    done(await office.lift(await tie("ana", "hugo")))
    done(await office.confirm(await tie("ben", "nell")))
    # The roster says the opposite of each, or nothing any more.
    files.tie("ana", "rosa").update(legalGuardian="true", portal="true", restricted="false")
    files.tie("cal", "rosa").update(restricted="false", portal="true", legalGuardian="true")
    files.tie("ana", "hugo").update(portal="true", restricted="true")
    files.add(
        "relationships.csv", studentSourcedId="ben", contactSourcedId="nell", legalGuardian="false", portal="true"
    )
    before = await Guardianship.all().order_by("id").values()
    restrictions = await Restriction.all().order_by("id").values()
    for _ in range(2):
        await apply(ctx, checked(files, tmp_path))
        assert await Guardianship.all().order_by("id").values() == before
        assert await Restriction.all().order_by("id").values() == restrictions
    assert {each["status"] for each in before if each["guardian_id"] == ids["rosa"]} == {REVOKED, CONFIRMED}
    queue = await portal.ask("{ guardianships(filter: {restricted: true}) { edges { node { id } } } }")
    assert [edge["node"]["id"] for edge in queue["guardianships"]["edges"]] == [
        global_id("Guardianship", (await tie("cal", "rosa")).id)
    ]

"""The registrar gives out a key: who gets one, who may give it, who is told, and that it opens one account once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date

import pytest

from app.asgi import create_app
from app.settings import Settings
from db import sql
from db.context import Capacity, Role
from db.models import (
    Account,
    AccountStatus,
    ActivationKey,
    Enrolment,
    Guardianship,
    GuardianshipStatus,
    KeyState,
    Letter,
    Person,
    School,
    TrailEntry,
)
from db.trail import Step
from mail.outbox import LetterKind
from schema.nodes import global_id
from tests import documents
from tests.clients import Answer, Portal, crowd
from tests.conftest import Clock
from tests.desk import at_desk
from tests.district import PASSWORD, Adult, District, Pupil
from tests.tables import endings
from tests.test_second_factor import set_up

REASON = "Came to the office with a passport"


@dataclass
class Office:
    """Dana Ito is registrar at Lakeside and signed in. Nora goes to school there; Maria is her mother, Paul her father,
    and neither has opened an account."""

    portal: Portal
    district: District
    school: School
    elsewhere: School
    dana: Adult
    nora: Pupil
    maria: Adult
    paul: Adult
    clients: list[Portal] = field(default_factory=list)

    async def issue(self, whom: Adult | Pupil | str, by: Portal | None = None, **more: object) -> Answer:
        kind = "Student" if isinstance(whom, Pupil) else "Guardian"
        person_id = whom if isinstance(whom, str) else global_id(kind, whom.id)
        asked = {"personId": person_id, "reason": REASON} | more
        return await (by or self.portal).do(documents.ISSUE_ACTIVATION_KEY, asked)

    async def somebody(self, role: Role, school: School | None) -> Portal:
        """A client through which somebody in this role has signed in."""
        client = Portal(self.portal.app, address=f"203.0.113.{len(self.clients) + 1}")
        self.clients.append(client)
        await at_desk(client, self.district, role, school, given="Lee")
        return client


@pytest.fixture
async def office(portal: Portal, district: District) -> Office:
    school, elsewhere = await district.school(), await district.school("Hillside High School")
    dana = await at_desk(portal, district, Role.REGISTRAR, school)
    nora = await district.student(school=school)
    maria = await district.guardian(nora, email="maria@example.org")
    paul = await district.guardian(nora, given="Paul", family="Vance", email="paul@example.org")
    return Office(portal, district, school, elsewhere, dana, nora, maria, paul)


# ------------------------------------------------------------------------------------------------ the key
async def test_a_key_that_is_given_out_opens_the_guardians_account_once(office: Office) -> None:
    issued = await office.issue(office.maria)
    assert (issued["__typename"], issued["capacity"]) == ("ActivationKeyIssued", "GUARDIAN")
    opened = await office.portal.activate(issued["key"], "maria.q", PASSWORD)
    assert opened["details"]["account"]["holder"]["display"] == "Maria Quimby"
    assert (await office.portal.activate(issued["key"], "maria.r", PASSWORD))["__typename"] == "KeyNotAccepted"
    again = await office.issue(office.maria)
    assert (again["__typename"], again["help"]) == ("AlreadyActivated", "FORGOTTEN_LOG_ON")


async def test_it_is_the_key_of_record_until_a_new_one_is_wanted(office: Office) -> None:
    first = await office.issue(office.maria)
    assert await office.issue(office.maria) == first
    proved = await office.portal.request_key(*office.nora.proofs, guardianName=office.maria.name)
    assert proved["key"] == first["key"]
    second = await office.issue(office.maria, replace=True)
    assert second["key"] != first["key"]
    assert await office.issue(office.maria) == second
    assert (await office.portal.activate(first["key"], "maria.q", PASSWORD))["__typename"] == "KeyNotAccepted"
    assert (await office.portal.activate(second["key"], "maria.q", PASSWORD))["__typename"] == "AccountActivated"
    states = [key.state for key in await ActivationKey.all().order_by("id")]
    assert states == [KeyState.REPLACED, KeyState.USED]


async def test_a_student_without_a_usable_ssn_gets_a_key_at_the_desk(office: Office) -> None:
    theo = await office.district.student("Theo", ssn="", school=office.school)
    asked = await office.portal.request_key(theo.number, "2013-04-09", "529-45-6001", forStudent=True)
    assert asked["__typename"] == "NotMatched"
    issued = await office.issue(theo)
    assert issued["capacity"] == "STUDENT"
    opened = await office.portal.activate(issued["key"], "theo.q", PASSWORD)
    assert opened["details"]["account"]["id"] == global_id("Account", theo.account_id)


async def test_two_registrars_at_once_give_out_one_key(office: Office) -> None:
    colleague = await office.somebody(Role.REGISTRAR, office.school)
    shown = await asyncio.gather(*(office.issue(office.maria, by=by) for by in (office.portal, colleague) * 3))
    assert len({issued["key"] for issued in shown}) == 1
    assert await ActivationKey.all().count() == 1


async def test_of_two_registrars_who_replace_it_at_once_one_has_the_key_that_works(office: Office) -> None:
    await office.issue(office.maria)
    colleague = await office.somebody(Role.REGISTRAR, office.school)
    shown = await asyncio.gather(
        *(office.issue(office.maria, by=by, replace=True) for by in (office.portal, colleague))
    )
    good = [await office.portal.do(documents.CHECK_KEY, {"key": issued["key"]}) for issued in shown]
    assert sorted(answer["__typename"] for answer in good) == ["ActivationKeyGood", "KeyNotAccepted"]
    assert await ActivationKey.filter(state=KeyState.CURRENT).count() == 1


# ------------------------------------------------------------------------------------------------ who may have one
async def claimed(office: Office) -> None:
    await _guardianship(office, status=GuardianshipStatus.CLAIMED, confirmed_at=None)


async def revoked(office: Office) -> None:
    await _guardianship(office, status=GuardianshipStatus.REVOKED, revoked_at=office.district.ctx.now)


async def without_mark(office: Office) -> None:
    await _guardianship(office, portal_access=False)


async def restricted(office: Office) -> None:
    await office.district.restrict(office.maria, office.nora)


async def of_age(office: Office) -> None:
    await sql.execute("UPDATE student SET birth_date = '2001-01-01' WHERE id = $1", office.nora.id)


async def _guardianship(office: Office, **columns: object) -> None:
    await Guardianship.filter(guardian_id=office.maria.id).update(**columns)


@pytest.mark.parametrize(
    ("standing", "refusal", "why"),
    [
        (claimed, "NotAllowed", ["GUARDIANSHIP_CONFIRMED"]),
        (revoked, "NotAllowed", ["GUARDIANSHIP_CONFIRMED"]),
        (without_mark, "WrongState", "NO_MARK"),
        (restricted, "WrongState", "RESTRICTED"),
    ],
)
async def test_nothing_less_than_a_confirmed_guardianship_with_the_mark_gives_a_key(
    office: Office, standing: Callable[[Office], Awaitable[None]], refusal: str, why: object
) -> None:
    """And the registrar is told what it lacks."""
    # And a student of another school, however sure, gives no right here.
    far = await office.district.student("Ada", school=office.elsewhere)
    await office.district.guardianship(office.maria.id, far.id)
    await standing(office)
    refused = await office.issue(office.maria, replace=True)
    assert (refused["__typename"], refused.get("missing", refused.get("status"))) == (refusal, why)
    assert await ActivationKey.all().count() == 0
    assert await Letter.all().count() == 0


async def test_the_guardian_of_a_student_of_age_gets_a_key_which_shows_nothing_yet(office: Office) -> None:
    """As a key works that was given before: consent may be recorded later."""
    await of_age(office)
    issued = await office.issue(office.maria)
    assert issued["__typename"] == "ActivationKeyIssued"
    async with crowd(1, office.portal) as [home]:
        opened_now = await home.activate(issued["key"], "maria.q", PASSWORD)
        home.token = opened_now["session"]["token"]
        assert await home.students() == []


async def test_a_guardian_without_an_account_gets_one_with_the_key(office: Office) -> None:
    await Account.filter(id=office.maria.account_id).delete()
    issued = await office.issue(office.maria)
    assert issued["__typename"] == "ActivationKeyIssued"
    [account] = await Account.filter(person_id=office.maria.id)
    assert (account.capacity, account.status) == (Capacity.GUARDIAN, AccountStatus.NOT_ACTIVATED)
    assert (await office.portal.activate(issued["key"], "maria.q", PASSWORD))["__typename"] == "AccountActivated"


async def test_one_student_of_the_school_is_enough(office: Office) -> None:
    await without_mark(office)
    ada = await office.district.student("Ada", school=office.school)
    await office.district.guardianship(office.maria.id, ada.id)
    assert (await office.issue(office.maria))["__typename"] == "ActivationKeyIssued"
    [entry] = await TrailEntry.filter(step=Step.ISSUE_KEY)
    assert entry.about_student_id == ada.id


async def left_school(office: Office, whom: Adult | Pupil) -> Adult | Pupil | str:
    await Enrolment.filter(student_id=office.nora.id).update(ends_on=date(2026, 6, 30))
    return whom


async def merged_away(office: Office, whom: Adult | Pupil) -> Adult | Pupil | str:
    await Person.filter(id=whom.id).update(merged_into_id=office.dana.id)
    return whom


async def disabled(office: Office, whom: Adult | Pupil) -> Adult | Pupil | str:
    await Account.filter(id=whom.account_id).update(status=AccountStatus.DISABLED, disabled_reason="STAFF_DECISION")
    return whom


async def opened(office: Office, whom: Adult | Pupil) -> Adult | Pupil | str:
    await office.district.opened(whom, "opened")
    return whom


async def nobody(_: Office, whom: Adult | Pupil) -> Adult | Pupil | str:
    return global_id("Student" if isinstance(whom, Pupil) else "Guardian", 987654)


async def of_another_kind(_: Office, whom: Adult | Pupil) -> Adult | Pupil | str:
    return global_id("Guardian" if isinstance(whom, Pupil) else "Student", whom.id)


async def an_account(_: Office, whom: Adult | Pupil) -> Adult | Pupil | str:
    return global_id("Account", whom.account_id)


async def rubbish(_: Office, whom: Adult | Pupil) -> Adult | Pupil | str:
    return "rubbish"


@pytest.mark.parametrize("whose", ["maria", "nora"])
@pytest.mark.parametrize(
    ("change", "told", "said"),
    [
        (left_school, "NotAllowed", ["SAME_SCHOOL"]),
        (merged_away, "NotFound", None),
        (disabled, "WrongState", "DISABLED"),
        (opened, "AlreadyActivated", None),
        (nobody, "NotFound", None),
        (of_another_kind, "NotFound", None),
        (an_account, "NotFound", None),
        (rubbish, "NotFound", None),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_a_no_says_what_is_the_matter_and_changes_nothing(
    office: Office,
    whose: str,
    change: Callable[[Office, Adult | Pupil], Awaitable[Adult | Pupil | str]],
    told: str,
    said: object,
) -> None:
    whom = await change(office, getattr(office, whose))
    refused = await office.issue(whom, replace=True)
    assert refused["__typename"] == told
    assert refused.get("missing", refused.get("status")) == said
    assert (await ActivationKey.all().count(), await Letter.all().count()) == (0, 0)
    assert await endings(Step.ISSUE_KEY) == {refused["code"]: 1}


async def test_a_reason_is_needed_and_holds_no_numbers_of_documents(office: Office) -> None:
    cards = [f"Showed the card 529{between}45{between}6001" for between in ("-", "", " - ", "\u2013", "\u2011", " / ")]
    for reason in (" ", "x" * 501, *cards):
        refused = await office.issue(office.maria, reason=reason)
        assert [problem["path"] for problem in refused["fields"]] == [["input", "reason"]]
    assert await ActivationKey.all().count() == 0


# ------------------------------------------------------------------------------------------------ who may give one
async def nobody_at_all(office: Office) -> Portal:
    client = Portal(office.portal.app, address="203.0.113.99")
    office.clients.append(client)
    return client


async def a_guardian(office: Office) -> Portal:
    client = await nobody_at_all(office)
    await office.district.opened(office.paul, "paul.v")
    await client.login("paul.v", PASSWORD)
    return client


async def a_designee(office: Office) -> Portal:
    return await office.somebody(Role.DESIGNEE, office.school)


async def another_schools_registrar(office: Office) -> Portal:
    return await office.somebody(Role.REGISTRAR, office.elsewhere)


async def the_districts_registrar(office: Office) -> Portal:
    return await office.somebody(Role.REGISTRAR, None)


async def _family(office: Office, how: Callable[[Adult], Awaitable[object]]) -> Portal:
    client = await nobody_at_all(office)
    await how(await at_desk(client, office.district, Role.REGISTRAR, office.school, given="Kim"))
    return client


async def a_housemate(office: Office) -> Portal:
    return await _family(office, lambda kim: office.district.household(kim, office.nora, office.maria))


async def a_parent_who_was_kept_away(office: Office) -> Portal:
    async def tie(kim: Adult) -> None:
        await office.district.guardianship(kim.id, office.nora.id, status=GuardianshipStatus.REVOKED)

    return await _family(office, tie)


async def the_parent_of_a_half_sister(office: Office) -> Portal:
    async def tie(kim: Adult) -> None:
        half_sister = await office.district.student("Ada", school=office.elsewhere)
        for guardian_id in (kim.id, office.maria.id, office.nora.id):
            await office.district.guardianship(guardian_id, half_sister.id)
        await office.district.household(kim, office.nora)

    return await _family(office, tie)


@pytest.mark.parametrize("whose", ["maria", "nora"])
@pytest.mark.parametrize(
    ("asker", "missing"),
    [
        (nobody_at_all, ["SIGNED_IN"]),
        (a_guardian, ["ROLE"]),
        (a_designee, ["ROLE"]),
        (another_schools_registrar, ["SAME_SCHOOL"]),
        (a_housemate, ["NOT_RELATED"]),
        (a_parent_who_was_kept_away, ["NOT_RELATED"]),
        (the_parent_of_a_half_sister, ["NOT_RELATED"]),
        (the_districts_registrar, None),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_whoever_is_no_registrar_of_the_school_or_is_family_gives_out_no_key(
    office: Office, whose: str, asker: Callable[[Office], Awaitable[Portal]], missing: list[str] | None
) -> None:
    client = await asker(office)
    answer = await office.issue(getattr(office, whose), by=client)
    assert answer.get("missing") == missing
    assert await ActivationKey.all().count() == (missing is None)
    if missing in (["SIGNED_IN"], ["ROLE"]):
        # And learns nothing of who is on record.
        assert await office.issue(global_id("Guardian", 987654), by=client) == answer
    for each in office.clients:
        await each.http.aclose()


async def test_a_second_factor_of_long_ago_is_asked_for_again(
    district: District, database: object, settings: Settings, clock: Clock
) -> None:
    strict = create_app(settings.model_copy(update={"second_factor": "required"}), clock=clock)
    async with Portal(strict) as portal:
        school = await district.school()
        dana = await district.staff(Role.REGISTRAR, school)
        await district.opened(dana, "dana.ito")
        nora = await district.student(school=school)
        await set_up(portal, clock)
        office = Office(portal, district, school, school, dana, nora, dana, dana)
        assert (await office.issue(nora))["__typename"] == "ActivationKeyIssued"
        for _ in range(5):
            clock.advance(minutes=50)
            assert await portal.me()
        assert (await office.issue(nora))["missing"] == ["SECOND_FACTOR"]


# ------------------------------------------------------------------------------------------------ who hears of it
async def test_all_guardians_who_may_know_are_told(office: Office) -> None:
    district = office.district
    kept_away = await district.guardian(office.nora, given="Carl", email="carl@example.org")
    await district.restrict(kept_away, office.nora)
    await district.guardian(
        office.nora, given="Otto", email="otto@example.org", status=GuardianshipStatus.REVOKED, portal_access=False
    )
    await district.guardian(office.nora, given="Rita", email="rita@example.org", status=GuardianshipStatus.CLAIMED)
    await district.guardian(office.nora, given="Noe")
    # Ann has the address of one who is kept away.
    await district.guardian(office.nora, given="Ann", email="Carl@example.org")
    await office.issue(office.maria)
    letters = await Letter.all().order_by("id")
    assert [letter.address for letter in letters] == ["maria@example.org", "paul@example.org", "rita@example.org"]
    facts = {"student_id": office.nora.id, "person_id": office.maria.id, "capacity": "GUARDIAN", "replaced": False}
    assert all((letter.kind, letter.facts) == (LetterKind.KEY_ISSUED, facts) for letter in letters)
    await office.issue(office.nora)
    await office.issue(office.nora, replace=True)
    told = [letter.facts for letter in await Letter.filter(address="paul@example.org").order_by("id")]
    own = {"student_id": office.nora.id, "person_id": office.nora.id, "capacity": "STUDENT"}
    assert told == [facts, own | {"replaced": False}, own | {"replaced": True}]


async def test_a_student_is_told_of_the_own_key_and_a_guardian_without_consent_is_not(office: Office) -> None:
    await sql.execute("UPDATE person SET email = 'nora@example.org' WHERE id = $1", office.nora.id)
    await office.issue(office.maria)
    await office.issue(office.nora)
    told = [(letter.facts["capacity"], letter.address) for letter in await Letter.all().order_by("id")]
    both = ["maria@example.org", "paul@example.org"]
    assert told == [("GUARDIAN", each) for each in both] + [("STUDENT", each) for each in [*both, "nora@example.org"]]
    await Letter.all().delete()
    await of_age(office)
    await Guardianship.filter(guardian_id=office.paul.id).update(adult_access=True)
    await office.issue(office.nora, replace=True)
    assert [letter.address for letter in await Letter.all().order_by("id")] == ["paul@example.org", "nora@example.org"]


async def test_the_trail_says_who_gave_it_to_whom_and_why_and_not_which_key(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        issued = await office.issue(office.maria, replace=True)
    [entry] = await TrailEntry.filter(step=Step.ISSUE_KEY)
    assert (entry.outcome, entry.rule) == ("DONE", "registrar, same_school, key:manage, any, any")
    assert entry.actor_person_id == office.dana.id
    about = entry.about_account_id, entry.about_person_id, entry.about_student_id
    assert about == (office.maria.account_id, office.maria.id, office.nora.id)
    assert entry.details == {"role": "registrar", "reason": REASON, "capacity": "GUARDIAN", "replaced": False}
    kept = str(await sql.rows("SELECT t::text AS row FROM trail_entry t"))
    kept += str(await sql.rows("SELECT l::text AS row FROM letter l"))
    assert issued["key"] not in kept + caplog.text


async def test_the_family_reads_that_a_key_was_given_out(office: Office) -> None:
    await office.issue(office.paul, reason="Lost the letter")
    await office.district.opened(office.maria, "maria.q")
    await office.portal.login("maria.q", PASSWORD)
    document = "{ me { students { disclosures { edges { node { toWhom what why } } } } } }"
    english = (await office.portal.ask(document))["me"]["students"][0]["disclosures"]["edges"]
    why = "The school gives keys to people on record who may have an account."
    what = "An activation key for a guardian's account was given out."
    assert english == [{"node": {"toWhom": "Dana Ito, registrar", "what": what, "why": why}}]
    office.portal.http.headers["Accept-Language"] = "es"
    [spanish] = (await office.portal.ask(document))["me"]["students"][0]["disclosures"]["edges"]
    assert spanish["node"]["what"] == "Se entregó una clave de activación para la cuenta de un tutor."


async def test_a_refusal_is_told_in_either_language(office: Office) -> None:
    await claimed(office)
    english = await office.issue(office.maria)
    office.portal.http.headers["Accept-Language"] = "es"
    spanish = await office.issue(office.maria)
    assert english["message"].startswith("The registrar must identify guardianship first")
    assert spanish["message"] != english["message"]
    assert (spanish["code"], spanish["help"]) == ("NOT_ALLOWED", "STUDENT_NOT_VISIBLE")

"""What letters of the registrar's desk tell, and to whom they tell nothing: as things stand when they are sent."""

from dataclasses import dataclass
from datetime import date, timedelta
from email.message import EmailMessage
from itertools import product
from typing import Any

import pytest

from app.settings import Settings
from db import sql
from db.context import Capacity, Context, Role
from db.models import (
    Account,
    AccountStatus,
    DisabledReason,
    GateName,
    GateState,
    Guardianship,
    GuardianshipStatus,
    Household,
    HouseholdMember,
    Letter,
    Person,
    PersonMerge,
    Restriction,
    Student,
    WorkOrder,
    WorkOrderStatus,
)
from db.queries.letters import OF_AGE
from mail.outbox import Addressee, GuardianshipChange, HouseholdChange, LetterKind, Withdrawn, promise
from policies.guardianship import of_age
from tests.conftest import Clock
from tests.couriers import courier_for, relay_settings
from tests.district import Adult, District, Pupil
from tests.mailbox import Mailbox
from tests.outgoing import prepared, text_of

MARIA, RUBEN, NORA = "maria@example.org", "ruben@example.org", "nora@example.org"
SCHOOL, PHONE = "Lakeside Middle School", "(555) 555-0100"
KEEPING_AWAY = (GuardianshipChange.REVOKED, GuardianshipChange.RESTRICTED)
BORN_OF_AGE = date(2008, 10, 5)


@dataclass
class Family:
    """Nora, with Maria, whose guardianship is changed, and Ruben, who lives apart."""

    ctx: Context
    district: District
    nora: Pupil
    maria: Adult
    ruben: Adult
    guardianship_id: int

    async def guardianship(self, **changed: Any) -> None:
        await Guardianship.filter(id=self.guardianship_id).update(**changed)

    async def as_after(self, change: GuardianshipChange) -> None:
        """The record as it is when this was just done."""
        match change:
            case GuardianshipChange.REVOKED:
                await self.guardianship(status=GuardianshipStatus.REVOKED, revoked_at=self.ctx.now)
            case GuardianshipChange.RESTRICTED:
                await self.district.restrict(self.maria, self.nora)
            case GuardianshipChange.PORTAL_TAKEN:
                await self.guardianship(portal_access=False)
            case GuardianshipChange.CONSENT_GIVEN:
                await self.guardianship(adult_access=True)
            case _:
                pass

    async def of_age(self) -> None:
        await Student.filter(id=self.nora.id).update(birth_date=BORN_OF_AGE)

    async def letter(
        self, change: GuardianshipChange, to: Adult | Pupil | None = None, address: str = MARIA
    ) -> EmailMessage | Withdrawn:
        to = to or self.maria
        facts = {"guardianship_id": self.guardianship_id, "change": change.value}
        return await prepared(self.ctx, LetterKind.GUARDIANSHIP_CHANGED, to.id, address, facts)


@pytest.fixture
async def family(district: District, ctx: Context) -> Family:
    nora = await district.student(school=await district.school(SCHOOL, PHONE))
    maria = await district.guardian(nora, email=MARIA)
    ruben = await district.guardian(nora, given="Ruben", email=RUBEN)
    await Person.filter(id=nora.id).update(email=NORA, email_folded=NORA)
    await district.opened(maria, "maria.q")
    found = await Guardianship.get(guardian_id=maria.id, student_id=nora.id)
    return Family(ctx, district, nora, maria, ruben, found.id)


# ------------------------------------------------------------------------------------------------ the guardian's own
@pytest.mark.parametrize("change", [change for change in GuardianshipChange if change not in KEEPING_AWAY])
async def test_the_guardian_concerned_is_told_of_whom_and_what_to_do(
    family: Family, change: GuardianshipChange
) -> None:
    await family.as_after(change)
    text = text_of(await family.letter(change))
    for told in ("Hello Maria Quimby,", "Nora Quimby", "October 5, 2026", f"{SCHOOL}: {PHONE}"):
        assert told in text
    ends = change in {GuardianshipChange.PORTAL_TAKEN, GuardianshipChange.CONSENT_WITHDRAWN}
    assert ("https://portal.example.org/log-on" in text) is not ends
    assert ("does not show you a student any more" in text) is ends


@pytest.mark.parametrize("change", KEEPING_AWAY)
async def test_a_guardian_who_is_kept_away_learns_neither_student_nor_school_nor_why(
    family: Family, change: GuardianshipChange
) -> None:
    # Another child at the same school would give the school away.
    other = await family.district.student("Ines", school=await family.district.school("Cedar Hollow", "(555) 555-0142"))
    await family.district.guardianship(family.maria.id, other.id)
    await family.as_after(change)
    mail = await family.letter(change)
    assert isinstance(mail, EmailMessage)
    text = text_of(mail)
    assert "there is a student whom the portal does not show you any more" in text
    assert f"Turn to {family.ctx.rules.district_contact}." in text
    whole = mail.as_string()
    for secret in (
        "Nora",
        "Ines",
        "Lakeside Middle",
        "Cedar",
        "555-01",
        "restrict",
        "revoke",
        "court",
        family.nora.number,
    ):
        assert secret not in whole


@pytest.mark.parametrize(
    ("changed", "said", "link"),
    [
        ({"status": GuardianshipStatus.CLAIMED, "confirmed_at": None}, "registrar has to confirm first", None),
        ({"portal_access": False}, "registrar has to open it for you", None),
        ({}, "sign in with your username", "/log-on"),
    ],
)
async def test_what_is_in_the_way_is_told_with_the_way_on(
    family: Family, changed: dict[str, Any], said: str, link: str | None
) -> None:
    await family.guardianship(**changed)
    text = text_of(await family.letter(GuardianshipChange.RECORDED))
    assert said in text
    # The word of somebody whom nobody has confirmed is not enough to be told the school.
    assert (SCHOOL in text) is ("status" not in changed)
    assert (f"https://portal.example.org{link}" in text) if link else ("https://" not in text)


async def test_what_an_account_needs_is_told_with_the_way_on(family: Family) -> None:
    await family.of_age()
    assert "no consent is on record" in text_of(await family.letter(GuardianshipChange.CONFIRMED))
    await family.guardianship(adult_access=True)
    disabled = {"status": AccountStatus.DISABLED, "disabled_reason": DisabledReason.STAFF_DECISION}
    await Account.filter(id=family.maria.account_id).update(**disabled)
    assert "account is disabled" in text_of(await family.letter(GuardianshipChange.CONFIRMED))
    await Account.filter(id=family.maria.account_id).delete()
    text = text_of(await family.letter(GuardianshipChange.CONFIRMED))
    assert "you need an activation key" in text
    assert "https://portal.example.org/activate" in text


@pytest.mark.parametrize("change", GuardianshipChange)
async def test_what_was_changed_back_is_told_to_nobody(family: Family, change: GuardianshipChange) -> None:
    undone: dict[GuardianshipChange, dict[str, Any]] = {
        GuardianshipChange.RECORDED: {"status": GuardianshipStatus.REVOKED, "revoked_at": family.ctx.now},
        GuardianshipChange.CONFIRMED: {"status": GuardianshipStatus.REVOKED, "revoked_at": family.ctx.now},
        GuardianshipChange.REVOKED: {},
        GuardianshipChange.RESTRICTED: {},
        GuardianshipChange.PORTAL_GIVEN: {"portal_access": False},
        GuardianshipChange.PORTAL_TAKEN: {},
        GuardianshipChange.CONSENT_GIVEN: {},
        GuardianshipChange.CONSENT_WITHDRAWN: {"adult_access": True},
    }
    if change is GuardianshipChange.RESTRICTION_LIFTED:
        await family.district.restrict(family.maria, family.nora)
    elif undone[change]:
        await family.guardianship(**undone[change])
    assert await family.letter(change) is Withdrawn.OUTDATED
    assert await family.letter(change, family.ruben, RUBEN) is Withdrawn.OUTDATED


async def test_a_restriction_that_was_lifted_is_told_to_nobody(family: Family) -> None:
    await family.as_after(GuardianshipChange.RESTRICTED)
    assert isinstance(await family.letter(GuardianshipChange.RESTRICTED), EmailMessage)
    await Restriction.all().update(lifted_at=family.ctx.now)
    assert await family.letter(GuardianshipChange.RESTRICTED) is Withdrawn.OUTDATED
    assert await family.letter(GuardianshipChange.RESTRICTED, family.ruben, RUBEN) is Withdrawn.OUTDATED


async def test_a_restriction_of_a_later_day_is_told_to_the_guardian_when_it_holds(family: Family) -> None:
    tomorrow = family.ctx.today + timedelta(days=1)
    await family.district.restrict(family.maria, family.nora, begins_on=tomorrow)
    assert await family.letter(GuardianshipChange.RESTRICTED) is Withdrawn.OUTDATED
    text = text_of(await family.letter(GuardianshipChange.RESTRICTED, family.ruben, RUBEN))
    assert "a restriction on a guardian of Nora Quimby was put on record" in text
    await Restriction.all().update(begins_on=family.ctx.today)
    assert isinstance(await family.letter(GuardianshipChange.RESTRICTED), EmailMessage)


@pytest.mark.parametrize("change", [change for change in GuardianshipChange if change not in KEEPING_AWAY])
async def test_a_guardian_who_is_kept_away_by_now_is_told_nothing_of_the_student(
    family: Family, change: GuardianshipChange
) -> None:
    await family.as_after(change)
    restriction = await family.district.restrict(family.maria, family.nora)
    assert await family.letter(change) is Withdrawn.OUTDATED
    await restriction.delete()
    assert isinstance(await family.letter(change), EmailMessage)
    await family.as_after(GuardianshipChange.REVOKED)
    assert await family.letter(change) is Withdrawn.OUTDATED


async def test_an_address_that_is_another_ones_by_now_gets_nothing_but_the_warning(family: Family) -> None:
    await Person.filter(id=family.maria.id).update(email="new@example.org", email_folded="new@example.org")
    await Person.filter(id=family.ruben.id).update(email=None, email_folded=None)
    for change in GuardianshipChange:
        if change not in KEEPING_AWAY:
            assert await family.letter(change) is Withdrawn.OUTDATED
        assert await family.letter(change, family.ruben, RUBEN) is Withdrawn.OUTDATED
    for change in KEEPING_AWAY:
        await family.as_after(change)
        assert isinstance(await family.letter(change), EmailMessage)


# ------------------------------------------------------------------------------------------------ to others
@pytest.mark.parametrize("change", GuardianshipChange)
async def test_others_learn_of_which_student_and_never_of_which_guardian(
    family: Family, change: GuardianshipChange
) -> None:
    await family.as_after(change)
    mail = await family.letter(change, family.ruben, RUBEN)
    assert isinstance(mail, EmailMessage)
    text = text_of(mail)
    for told in ("Hello Ruben Quimby,", "a guardian of Nora Quimby", f"{SCHOOL}: {PHONE}", "call the school"):
        assert told in text
    assert "Maria" not in mail.as_string()


async def test_a_student_of_age_is_told_and_one_who_is_not_of_age_is_not(family: Family) -> None:
    assert await family.letter(GuardianshipChange.CONFIRMED, family.nora, NORA) is Withdrawn.OUTDATED
    await Student.filter(id=family.nora.id).update(birth_date=None)
    assert await family.letter(GuardianshipChange.CONFIRMED, family.nora, NORA) is Withdrawn.OUTDATED
    await family.of_age()
    text = text_of(await family.letter(GuardianshipChange.CONFIRMED, family.nora, NORA))
    assert "the school confirmed one of your guardians" in text
    assert "Maria" not in text


async def test_a_guardian_who_may_not_know_of_the_student_is_told_nothing(family: Family) -> None:
    change, ruben = GuardianshipChange.CONFIRMED, (family.ruben, RUBEN)
    own = Guardianship.filter(guardian_id=family.ruben.id)
    assert isinstance(await family.letter(change, *ruben), EmailMessage)
    restriction = await family.district.restrict(family.ruben, family.nora)
    assert await family.letter(change, *ruben) is Withdrawn.OUTDATED
    await restriction.delete()
    await own.update(status=GuardianshipStatus.CLAIMED, confirmed_at=None)
    assert await family.letter(change, *ruben) is Withdrawn.OUTDATED
    await own.update(status=GuardianshipStatus.REVOKED, confirmed_at=family.ctx.now, revoked_at=family.ctx.now)
    assert await family.letter(change, *ruben) is Withdrawn.OUTDATED
    await own.update(status=GuardianshipStatus.CONFIRMED, revoked_at=None)
    assert isinstance(await family.letter(change, *ruben), EmailMessage)
    # The rights are the student's own by now, with whose consent a guardian goes on being told.
    await family.of_age()
    assert await family.letter(change, *ruben) is Withdrawn.OUTDATED
    await own.update(adult_access=True)
    assert isinstance(await family.letter(change, *ruben), EmailMessage)
    await own.delete()
    assert await family.letter(change, *ruben) is Withdrawn.OUTDATED


async def test_whoever_has_nothing_to_do_with_the_student_is_told_nothing(family: Family) -> None:
    stranger = await family.district.guardian(given="Ada", email="ada@example.org")
    for change in GuardianshipChange:
        assert await family.letter(change, stranger, "ada@example.org") is Withdrawn.OUTDATED


async def test_age_is_reckoned_as_the_rule_does(family: Family) -> None:
    """Also for who was born on a leap day, and for who has no birth date on record."""
    born = [date(2008, 2, 28), date(2008, 2, 29), date(2008, 3, 1), date(2008, 10, 5), date(2008, 10, 6)]
    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2), date(2026, 10, 5), date(2028, 2, 29)]
    for birth_date, on in product(born, days):
        await Student.filter(id=family.nora.id).update(birth_date=birth_date)
        [row] = await sql.rows(
            f"SELECT {OF_AGE} AS of_age FROM student s WHERE s.id = $1 AND $2::date IS NOT NULL", family.nora.id, on
        )
        assert row["of_age"] is of_age(birth_date, on), (birth_date, on)


async def test_what_arrives_of_a_restriction_is_a_warning_for_one_and_news_for_the_other(
    family: Family, settings: Settings, clock: Clock
) -> None:
    """Through a real mail server, in both languages."""
    await family.as_after(GuardianshipChange.RESTRICTED)
    told = [Addressee(family.maria.id, MARIA, None), Addressee(family.ruben.id, RUBEN, "es")]
    facts = {"guardianship_id": family.guardianship_id, "change": GuardianshipChange.RESTRICTED.value}
    await promise(family.ctx, LetterKind.GUARDIANSHIP_CHANGED, told, facts)
    async with Mailbox() as mailbox:
        await courier_for(relay_settings(settings, mailbox), clock, family.ctx).run(once=True)
    arrived = {received.recipient: received.message for received in mailbox.received}
    assert set(arrived) == {MARIA, RUBEN}
    kept_away = text_of(arrived[MARIA])
    assert "there is a student whom the portal does not show you any more" in kept_away
    assert "hay un estudiante que el portal ya no le muestra" in kept_away
    page = arrived[MARIA].get_body(("html",))
    assert page is not None
    assert not any(word in kept_away + page.get_content() for word in ("Nora", SCHOOL, PHONE))
    assert "se registró una restricción para un padre, madre o tutor de Nora Quimby" in text_of(arrived[RUBEN])


# ------------------------------------------------------------------------------------------------ households
@pytest.mark.parametrize("change", HouseholdChange)
async def test_members_learn_that_their_household_was_changed_and_nothing_of_it(
    family: Family, change: HouseholdChange
) -> None:
    home = await family.district.household(family.maria, family.nora)
    facts = {"household_id": home.id, "change": change.value}
    mail = await prepared(family.ctx, LetterKind.HOUSEHOLD_CHANGED, family.maria.id, MARIA, facts)
    assert isinstance(mail, EmailMessage)
    text = text_of(mail)
    for told in ("Hello Maria Quimby,", "your household", "If you did not, call the school", f"{SCHOOL}: {PHONE}"):
        assert told in text
    # A warning: it goes there also where the address is on record for nobody any more.
    await Person.filter(id=family.maria.id).update(email="new@example.org", email_folded="new@example.org")
    assert isinstance(
        await prepared(family.ctx, LetterKind.HOUSEHOLD_CHANGED, family.maria.id, MARIA, facts), EmailMessage
    )
    household = await Household.get(id=home.id)
    whole = mail.as_string()
    for kept in (household.street, household.city, household.phone, "Nora", household.name + " "):
        assert str(kept) not in whole


async def test_who_is_of_no_household_or_kept_away_from_a_student_of_it_is_told_nothing(family: Family) -> None:
    home = await family.district.household(family.maria, family.nora)
    facts = {"household_id": home.id, "change": HouseholdChange.MEMBER_ENDED.value}

    async def letter(to: Adult, address: str) -> EmailMessage | Withdrawn:
        return await prepared(family.ctx, LetterKind.HOUSEHOLD_CHANGED, to.id, address, facts)

    assert await letter(family.ruben, RUBEN) is Withdrawn.OUTDATED
    # Somebody who was a member until yesterday still learns that it was ended.
    await HouseholdMember.filter(person_id=family.maria.id).update(ends_on=family.ctx.today - timedelta(days=1))
    assert isinstance(await letter(family.maria, MARIA), EmailMessage)
    await family.district.restrict(family.maria, family.nora)
    assert await letter(family.maria, MARIA) is Withdrawn.OUTDATED
    await Restriction.all().update(ends_on=family.ctx.today - timedelta(days=1), begins_on=date(2026, 1, 1))
    assert isinstance(await letter(family.maria, MARIA), EmailMessage)
    await family.as_after(GuardianshipChange.REVOKED)
    assert await letter(family.maria, MARIA) is Withdrawn.OUTDATED


# ------------------------------------------------------------------------------------------------ keys
async def test_a_key_that_the_school_gave_out_is_told_by_whose_it_is(family: Family) -> None:
    async def letter(to: Adult | Pupil, address: str, whose: int, capacity: Capacity, *, replaced: bool = False) -> str:
        facts = {"student_id": family.nora.id, "person_id": whose, "capacity": capacity.value, "replaced": replaced}
        return text_of(await prepared(family.ctx, LetterKind.KEY_ISSUED, to.id, address, facts))

    own = await letter(family.maria, MARIA, family.maria.id, Capacity.GUARDIAN)
    assert "opens your account, with which you see Nora Quimby" in own
    assert "stopped working" not in own
    replaced = await letter(family.maria, MARIA, family.maria.id, Capacity.GUARDIAN, replaced=True)
    assert "an earlier key of this account stopped working" in replaced
    another = await letter(family.ruben, RUBEN, family.maria.id, Capacity.GUARDIAN)
    assert "the account of another guardian of Nora Quimby" in another
    assert "Maria" not in another
    student = await letter(family.maria, MARIA, family.nora.id, Capacity.STUDENT)
    assert "the account of Nora Quimby" in student
    for text in (own, replaced, another, student):
        assert f"{SCHOOL}: {PHONE}" in text
        assert "call the school: it can stop the key" in text
    assert "the activation key that opens your account." in await letter(
        family.nora, NORA, family.nora.id, Capacity.STUDENT
    )


async def test_of_a_key_nobody_is_told_who_may_not_know_of_the_student(family: Family) -> None:
    facts = {"student_id": family.nora.id, "person_id": family.maria.id, "capacity": "GUARDIAN", "replaced": False}

    async def letter(to: Adult | Pupil, address: str) -> EmailMessage | Withdrawn:
        return await prepared(family.ctx, LetterKind.KEY_ISSUED, to.id, address, facts)

    restriction = await family.district.restrict(family.ruben, family.nora)
    assert await letter(family.ruben, RUBEN) is Withdrawn.OUTDATED
    await restriction.delete()
    assert isinstance(await letter(family.ruben, RUBEN), EmailMessage)
    assert await letter(family.ruben, "old@example.org") is Withdrawn.OUTDATED
    await family.of_age()
    assert await letter(family.ruben, RUBEN) is Withdrawn.OUTDATED
    await Guardianship.filter(guardian_id=family.ruben.id).update(adult_access=True, status=GuardianshipStatus.CLAIMED)
    # Whom nobody has confirmed learns of no school.
    claimed = text_of(await letter(family.ruben, RUBEN))
    assert "another guardian of Nora Quimby" in claimed
    assert SCHOOL not in claimed
    await Guardianship.filter(guardian_id=family.ruben.id).update(
        status=GuardianshipStatus.REVOKED, revoked_at=family.ctx.now
    )
    assert await letter(family.ruben, RUBEN) is Withdrawn.OUTDATED
    await Guardianship.filter(guardian_id=family.ruben.id).delete()
    assert await letter(family.ruben, RUBEN) is Withdrawn.OUTDATED
    # That a guardian has a key is not the student's to know.
    assert await letter(family.nora, NORA) is Withdrawn.OUTDATED


# ------------------------------------------------------------------------------------------------ merged records
@pytest.fixture
async def merge(family: Family) -> PersonMerge:
    """Maria was on record twice, the second time as Mary with an address of its own."""
    mary = await family.district.person("Mary", "Quimbly", "mary@example.org")
    registrar = await family.district.staff(Role.REGISTRAR)
    await Person.filter(id=mary.id).update(merged_into_id=family.maria.id)
    return await PersonMerge.create(
        kept_id=family.maria.id, merged_id=mary.id, merged_at=family.ctx.now, merged_by_id=registrar.id, reason="twice"
    )


async def test_the_holder_of_merged_records_is_told_which_account_goes_on(family: Family, merge: PersonMerge) -> None:
    async def letter(*, undone: bool = False) -> str:
        facts = {"account_id": family.maria.account_id, "undone": undone}
        return text_of(await prepared(family.ctx, LetterKind.RECORDS_MERGED, family.maria.id, MARIA, facts))

    text = await letter()
    for told in ("You were on record twice", "Username: maria.q", "/log-on", f"{SCHOOL}: {PHONE}"):
        assert told in text
    undone = await letter(undone=True)
    assert "the school took that back" in undone
    assert "Username: maria.q" in undone
    disabled = {"status": AccountStatus.DISABLED, "disabled_reason": DisabledReason.STAFF_DECISION}
    await Account.filter(id=family.maria.account_id).update(**disabled)
    assert "account is disabled" in await letter()
    await Account.filter(id=family.maria.account_id).update(
        status=AccountStatus.NOT_ACTIVATED,
        disabled_reason=None,
        username=None,
        username_folded=None,
        password_hash=None,
        activated_at=None,
    )
    text = await letter()
    assert "has not been opened yet" in text
    assert "https://portal.example.org/activate" in text


async def test_the_address_of_the_other_record_is_warned_and_told_nothing_of_the_account(
    family: Family, merge: PersonMerge
) -> None:
    """If the two were never one, it is another person's."""
    facts = {"account_id": family.maria.account_id, "undone": False}
    for person_id, address in ((merge.merged_id, "mary@example.org"), (family.maria.id, "old@example.org")):
        mail = await prepared(family.ctx, LetterKind.RECORDS_MERGED, person_id, address, facts)
        text = text_of(mail)
        assert "You were on record twice" in text
        assert "If you are not the person of both records" in text
        assert not any(word in text for word in ("maria.q", SCHOOL, PHONE, "log-on"))
    assert "Hello Mary Quimbly," in text_of(
        await prepared(family.ctx, LetterKind.RECORDS_MERGED, merge.merged_id, "mary@example.org", facts)
    )


async def test_a_merge_that_was_taken_back_is_not_told_any_more(family: Family, merge: PersonMerge) -> None:
    facts = {"account_id": family.maria.account_id, "undone": False}
    kind = LetterKind.RECORDS_MERGED
    await PersonMerge.filter(id=merge.id).update(undone_at=family.ctx.now, undone_by_id=merge.merged_by_id)
    assert await prepared(family.ctx, kind, family.maria.id, MARIA, facts) is Withdrawn.OUTDATED
    # Nor is it told that it was taken back, once it was done again the other way round.
    await Person.filter(id=family.maria.id).update(merged_into_id=merge.merged_id)
    facts["undone"] = True
    assert await prepared(family.ctx, kind, family.maria.id, MARIA, facts) is Withdrawn.OUTDATED


# ------------------------------------------------------------------------------------------------ work orders
DANA, TESS = "dana@example.org", "tess@example.org"


async def opened(family: Family, **more: Any) -> tuple[WorkOrder, Adult, Adult]:
    """A work order of Dana's, who is registrar, for Tess."""
    dana = await family.district.staff(Role.REGISTRAR)
    tess = await family.district.staff(Role.TECHNOLOGY, given="Tess", family="Oyelaran")
    for member, address in ((dana, DANA), (tess, TESS)):
        await Person.filter(id=member.id).update(email=address, email_folded=address)
    order = await WorkOrder.create(
        opened_at=family.ctx.now, opened_by_id=dana.id, problem="Two households, and neither can be ended.", **more
    )
    return order, dana, tess


def gate(name: str, state: GateState) -> dict[str, object]:
    return {"name": name, "state": state.value, "finding": {"text": "Court order 4711 of Cedar County."}}


async def test_technicians_are_told_what_was_written_down_and_what_is_in_the_way(family: Family) -> None:
    order, _, tess = await opened(
        family,
        parent_name="Maria Quimby",
        student_name="Nora Quimby",
        student_number="0041207",
        diagnosis=[
            gate(GateName.PERSON, GateState.HOLDS),
            gate(GateName.HOUSEHOLD, GateState.FAILS),
            gate(GateName.NO_RESTRICTION, GateState.FAILS),
            gate(GateName.NOT_LOCKED, GateState.NOT_APPLICABLE),
            gate("A_GATE_OF_LATER", GateState.FAILS),
        ],
    )
    text = text_of(await prepared(family.ctx, LetterKind.WORK_ORDER_OPENED, tess.id, TESS, {"work_order_id": order.id}))
    for told in (
        f"Work order {order.id} Hello Tess Oyelaran,",
        "Parent or guardian: Maria Quimby",
        "Student: Nora Quimby",
        "Student number: 0041207",
        "Problem: Two households, and neither can be ended.",
        "Opened by: Dana Ito",
        "In the way: no household; a restriction Nobody",
    ):
        assert told in text
    assert "4711" not in text


async def test_a_work_order_about_nobody_in_particular_tells_what_there_is(family: Family) -> None:
    order, _, _ = await opened(family)
    facts = {"work_order_id": order.id}
    mail = await prepared(family.ctx, LetterKind.WORK_ORDER_OPENED, None, "it@example.org", facts, language="es")
    text = text_of(mail)
    assert "Problema: Two households" in text
    assert "Abierta por: Dana Ito" in text
    assert not any(label in text for label in ("Estudiante:", "Padre, madre", "Lo que lo impide"))


async def test_a_work_order_is_told_as_open_or_as_resolved_and_only_to_whom_the_address_is(family: Family) -> None:
    order, dana, tess = await opened(family)
    facts = {"work_order_id": order.id}
    for_tess = (family.ctx, LetterKind.WORK_ORDER_OPENED, tess.id, TESS)
    for_dana = (family.ctx, LetterKind.WORK_ORDER_RESOLVED, dana.id, DANA)
    assert isinstance(await prepared(*for_tess, facts), EmailMessage)
    assert await prepared(*for_dana, facts) is Withdrawn.OUTDATED
    await WorkOrder.filter(id=order.id).update(
        status=WorkOrderStatus.RESOLVED,
        resolution="The second one is ended.",
        resolved_at=family.ctx.now,
        resolved_by_id=tess.id,
    )
    assert await prepared(*for_tess, facts) is Withdrawn.OUTDATED
    text = text_of(await prepared(*for_dana, facts))
    for told in ("Hello Dana Ito,", "Problem: Two households", "Resolution: The second one is ended."):
        assert told in text
    await Person.filter(id=dana.id).update(email="new@example.org", email_folded="new@example.org")
    assert await prepared(*for_dana, facts) is Withdrawn.OUTDATED


@pytest.mark.parametrize(
    "kind",
    [
        LetterKind.WORK_ORDER_OPENED,
        LetterKind.WORK_ORDER_RESOLVED,
        LetterKind.GUARDIANSHIP_CHANGED,
        LetterKind.HOUSEHOLD_CHANGED,
        LetterKind.KEY_ISSUED,
        LetterKind.RECORDS_MERGED,
    ],
)
async def test_facts_that_name_nothing_on_record_make_no_letter(family: Family, kind: LetterKind) -> None:
    for number in (None, "1", 999_999):
        names = ("work_order_id", "guardianship_id", "household_id", "student_id", "account_id")
        facts = dict.fromkeys(names, number) | {"change": "RECORDED" if number else "SOMETHING"}
        assert await prepared(family.ctx, kind, family.maria.id, MARIA, facts) is Withdrawn.OUTDATED
    assert await Letter.all().count() == 3

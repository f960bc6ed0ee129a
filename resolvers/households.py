"""Putting households right: who lives where, and under which address and telephone.

A household gives nobody sight of a student. It is what a caller is asked about, and where paper letters go.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from db.context import Context, Viewer
from db.languages import Sentence, say
from db.models import DecidedBy, Household, HouseholdMember, HouseholdVersion
from db.queries import charge, guardianships
from db.queries import households as queries
from db.queries.reach import Reach
from db.sql import Row
from db.trail import Step
from mail.outbox import Addressee, HouseholdChange, LetterKind, promise
from policies import reasons
from policies.addresses import Address, is_usable_address
from policies.phones import is_usable_phone
from policies.refusals import FieldProblem, InvalidInput, NotFound
from policies.words import Action
from resolvers.charge import refuse_family, registrar_anywhere, require_at
from resolvers.household_seen import FIELDS, HouseholdSeen, household_of
from resolvers.reach import students_reached
from resolvers.step import StepTaken, taking

#: Longer than any line of an address, name of a household, or telephone number.
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Corrections:
    """What is to be on record: a field that is not among `said` stays as it is, one said as None is emptied."""

    said: Mapping[str, str | None]


# ------------------------------------------------------------------------------------------------ looking
async def household(ctx: Context, household_id: int) -> HouseholdSeen | None:
    """The household with this id; None when it is absent, of no school of the asker's, or one of the own family.

    Whoever is kept away from a child and is a registrar besides does not learn here where the child lives.
    """
    reach = students_reached(ctx, Action.HOUSEHOLD_MANAGE)
    row = await queries.one(reach, household_id, on=ctx.today) if reach else None
    return next(iter(await _of_others(ctx, [row] if row else [])), None)


async def households_of(ctx: Context, person_id: int) -> list[HouseholdSeen]:
    """The households in which a person is or was, present ones first: those that `household` would show."""
    reach = students_reached(ctx, Action.HOUSEHOLD_MANAGE)
    return await _of_others(ctx, await queries.of_person(reach, person_id, on=ctx.today) if reach else [])


async def _of_others(ctx: Context, rows: Sequence[Row]) -> list[HouseholdSeen]:
    """Those of these households that are not of the asker's own family."""
    people = {member["person_id"] for row in rows for member in row["members"]}
    if ctx.viewer is None or not people:
        return [household_of(row) for row in rows]
    family = await charge.family(people, ctx.viewer.person_id, ctx.today)
    return [household_of(row) for row in rows if family.isdisjoint(member["person_id"] for member in row["members"])]


# ------------------------------------------------------------------------------------------------ who lives there
async def record_household(
    ctx: Context, *, person_id: int | None, whereabouts: Corrections, since: date | None, secondary: bool, reason: str
) -> HouseholdSeen:
    """A household that is not on record yet, with the first of those who live there.

    Raises:
        NotAllowed: no registrar, nobody of the asker's schools, or somebody of the own family.
        NotFound: no such person.
        InvalidInput: no good reason, no name, or an address or telephone that nobody could be asked for.
    """
    async with taking(ctx, Step.RECORD_HOUSEHOLD) as step:
        me = registrar_anywhere(ctx, step, Action.HOUSEHOLD_MANAGE)
        step.note.details["reason"] = reasons.noted(reason)
        fields = _corrected(dict.fromkeys(FIELDS), whereabouts)
        async with step.transaction():
            await _newcomer(ctx, step, me, person_id)
            made = Household(**fields, decided_by=DecidedBy.REGISTRAR)
            await made.save()
            await HouseholdMember.create(
                household_id=made.id,
                person_id=step.note.about_person_id,
                is_secondary=secondary,
                begins_on=since or ctx.today,
                decided_by=DecidedBy.REGISTRAR,
            )
            step.note.details["household"] = made.id
            await _tell(ctx, made.id, HouseholdChange.MEMBER_ADDED)
        return await _now(ctx, made.id)


async def link_household_member(
    ctx: Context, *, household_id: int | None, person_id: int | None, since: date | None, secondary: bool
) -> HouseholdSeen:
    """Somebody lives in a household from a day on; other households stay as they are: a child may be in two.

    Raises:
        NotAllowed: no registrar, a household or person of no school of the asker's, or somebody of the own family.
        NotFound: no such household or person.
        InvalidInput: the person lives there already, or did on that day.
    """
    async with taking(ctx, Step.LINK_HOUSEHOLD_MEMBER) as step:
        me = registrar_anywhere(ctx, step, Action.HOUSEHOLD_MANAGE)
        begins_on = since or ctx.today
        async with step.transaction():
            # The person is held before the household, as by whoever undoes a merge.
            await _newcomer(ctx, step, me, person_id)
            found, members = await _in_hand(ctx, step, me, household_id)
            newcomer = step.note.about_person_id
            if any(member["person_id"] == newcomer for member in members) or await HouseholdMember.exists(
                household_id=found["id"], person_id=newcomer, begins_on=begins_on
            ):
                message = say("This person lives in this household already.")
                raise InvalidInput([FieldProblem(("input", "personId"), message)])
            await HouseholdMember.create(
                household_id=found["id"],
                person_id=newcomer,
                is_secondary=secondary,
                begins_on=begins_on,
                decided_by=DecidedBy.REGISTRAR,
            )
            await _tell(ctx, found["id"], HouseholdChange.MEMBER_ADDED)
        return await _now(ctx, found["id"])


async def end_household_member(
    ctx: Context, *, household_id: int | None, person_id: int | None, until: date, reason: str
) -> HouseholdSeen:
    """Somebody lives in a household no longer; `until` is the last day.

    Raises:
        NotAllowed: no registrar, a household of no school of the asker's, or one of the own family.
        NotFound: no such household, or the person does not live there.
        InvalidInput: no good reason, or a last day before the first one.
    """
    async with taking(ctx, Step.END_HOUSEHOLD_MEMBER) as step:
        me = registrar_anywhere(ctx, step, Action.HOUSEHOLD_MANAGE)
        step.note.details |= {"reason": reasons.noted(reason), "until": until.isoformat()}
        async with step.transaction():
            found, members = await _in_hand(ctx, step, me, household_id)
            theirs = [member for member in members if member["person_id"] == person_id]
            if not theirs:
                raise NotFound
            _note_person(step, theirs[0]["person_id"], is_student=theirs[0]["is_student"])
            if any(member["begins_on"] is not None and member["begins_on"] > until for member in theirs):
                day = max(member["begins_on"] for member in theirs if member["begins_on"] is not None).isoformat()
                message = say("The last day is before the first one: this person lives there since %(day)s.", day=day)
                raise InvalidInput([FieldProblem(("input", "until"), message)])
            # Before it ends: whoever leaves is told as well.
            await _tell(ctx, found["id"], HouseholdChange.MEMBER_ENDED)
            await HouseholdMember.filter(id__in=[member["id"] for member in theirs]).update(
                ends_on=until, decided_by=DecidedBy.REGISTRAR
            )
        return await _now(ctx, found["id"])


# ------------------------------------------------------------------------------------------------ where it is
async def correct_household(
    ctx: Context, *, household_id: int | None, corrections: Corrections, reason: str
) -> HouseholdSeen:
    """Name, address and telephone as they are right; what was there before is kept. No import changes it from then on.

    Raises:
        NotAllowed: no registrar, a household of no school of the asker's, or one of the own family.
        NotFound: no such household.
        InvalidInput: no good reason, no name, or an address or telephone that nobody could be asked for.
    """
    async with taking(ctx, Step.CORRECT_HOUSEHOLD) as step:
        me = registrar_anywhere(ctx, step, Action.HOUSEHOLD_MANAGE)
        why = reasons.noted(reason)
        step.note.details["reason"] = why
        async with step.transaction():
            found, _ = await _in_hand(ctx, step, me, household_id)
            before = {name: found[name] for name in FIELDS}
            fields = _corrected(before, corrections)
            changed = sorted(name for name in FIELDS if fields[name] != before[name])
            step.note.details["changed"] = changed
            if changed:
                await HouseholdVersion.create(
                    household_id=found["id"],
                    **before,
                    decided_by=found["decided_by"],
                    replaced_at=ctx.now,
                    replaced_by_id=me.person_id,
                    reason=why,
                )
                await Household.filter(id=found["id"]).update(**fields, decided_by=DecidedBy.REGISTRAR)
            if set(changed) - {"name"}:
                await _tell(ctx, found["id"], HouseholdChange.ADDRESS)
        return await _now(ctx, found["id"])


def _corrected(before: Mapping[str, str | None], corrections: Corrections) -> dict[str, str | None]:
    """All fields as they are to be, blanks aside.

    Raises:
        InvalidInput: with each field that cannot be.
    """
    said = {name: " ".join(value.split()) or None if value else None for name, value in corrections.said.items()}
    fields = {name: said.get(name, before[name]) if name in said else before[name] for name in FIELDS}
    problems: list[tuple[str, Sentence]] = []
    if not fields["name"]:
        problems.append(("name", say("A household has a name, such as the family's.")))
    for name, value in said.items():
        if value is not None and (len(value) > _LONGEST or not value.isprintable()):
            problems.append((name, say("This is too long, or one of the characters cannot be used here.")))
    address = Address(fields["street"], fields["city"], fields["state"], fields["postal_code"])
    told = {"street", "city", "state", "postal_code"} & set(said)
    is_one = any((address.street, address.city, address.state, address.postal_code))
    if told and is_one and not is_usable_address(address):
        message = say("A mailing address has a house or box with its number, and a city or a ZIP code.")
        problems.append(("street", message))
    if said.get("phone") and not is_usable_phone(fields["phone"]):
        problems.append(("phone", say("A telephone number has ten digits, as in (512) 555-0134.")))
    if problems:
        raise InvalidInput([FieldProblem(("input", _CAMEL.get(name, name)), said) for name, said in problems])
    return fields


_CAMEL = {"postal_code": "postalCode"}


# ------------------------------------------------------------------------------------------------ the way in
async def _in_hand(ctx: Context, step: StepTaken, me: Viewer, household_id: int | None) -> tuple[Row, Sequence[Row]]:
    """The household, locked, and the memberships that have not ended, once it is clear that the asker may change it."""
    found = await queries.lock_household(household_id or 0)
    if found is None:
        raise NotFound
    step.note.details["household"] = found["id"]
    members = await queries.living(found["id"], ctx.today)
    people = {member["person_id"] for member in members}
    require_at(ctx, step, Action.HOUSEHOLD_MANAGE, _schools(await charge.places(people, ctx.today)))
    await refuse_family(ctx, me, people)
    return found, members


async def _newcomer(ctx: Context, step: StepTaken, me: Viewer, person_id: int | None) -> None:
    """Whoever is to live somewhere is of the asker's schools; noted as who it is about."""
    # Locked, so that the record is not merged into another one meanwhile.
    if not await guardianships.lock_person(person_id or 0):
        raise NotFound
    places = await charge.places([person_id or 0], ctx.today)
    _note_person(step, places[0]["id"], is_student=places[0]["is_student"])
    require_at(ctx, step, Action.HOUSEHOLD_MANAGE, _schools(places))
    await refuse_family(ctx, me, [places[0]["id"]])


def _note_person(step: StepTaken, person_id: int, *, is_student: bool) -> None:
    step.note.about_person_id = person_id
    if is_student:
        step.note.about_student_id = person_id


def _schools(places: Iterable[Mapping[str, Any]]) -> set[int]:
    return {school for row in places for school in (*row["own_schools"], *row["schools_of_students"])}


async def _tell(ctx: Context, household_id: int, change: HouseholdChange) -> None:
    told = [Addressee(row["id"], row["email"], row["language"]) for row in await queries.told(household_id, ctx.today)]
    await promise(ctx, LetterKind.HOUSEHOLD_CHANGED, told, {"household_id": household_id, "change": change.value})


async def _now(ctx: Context, household_id: int) -> HouseholdSeen:
    # As it is now, whoever lives there: the asker has just changed it.
    row = await queries.one(Reach(everywhere=True), household_id, on=ctx.today)
    if row is None:
        raise RuntimeError("a household that was just changed is gone")
    return household_of(row)

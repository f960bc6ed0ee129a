"""The staff, as the operator keeps it on the command line: who is on it, in which roles, where, and until when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from db import sql, trail
from db.context import Capacity, Context, Role
from db.models import Account, AccountStatus, Person, RoleAssignment, School, Student
from db.queries import staff as queries
from db.sql import day
from db.trail import Note, Step
from policies import names, usernames
from resolvers.activation_key import key_of_record
from resolvers.outcomes import KeyShown, Name


class StaffProblem(Exception):
    """What the operator asked for cannot be done; the text says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Post:
    """A role at one school or in the whole district, for a while."""

    id: int
    role: Role
    school_id: int | None
    school: str | None
    begins_on: date | None
    ends_on: date | None

    def __str__(self) -> str:
        return place(self.role, self.school)

    def is_over(self, today: date) -> bool:
        return self.ends_on is not None and self.ends_on < today


@dataclass(frozen=True, slots=True)
class Wanted:
    """A role that somebody is to have; the first day is today where none is said."""

    role: Role
    school: School | None = None
    begins_on: date | None = None
    ends_on: date | None = None

    def __str__(self) -> str:
        return place(self.role, self.school.name if self.school else None)

    @property
    def school_id(self) -> int | None:
        return self.school.id if self.school else None


@dataclass(frozen=True, slots=True)
class Member:
    """A member of staff, with whatever roles there are and were."""

    person_id: int
    source_id: str | None
    name: Name
    email: str | None
    language: str | None
    account_id: int | None
    username: str | None
    status: AccountStatus | None
    has_second_factor: bool
    posts: Sequence[Post]


@dataclass(frozen=True, slots=True)
class Added:
    """What became of adding somebody: what is new, what was so already, and the key that opens the account."""

    member: Member
    is_new: bool
    given: Sequence[str]
    held_already: Sequence[str]
    #: None where the account was opened before.
    key: KeyShown | None


def place(role: Role, school: str | None) -> str:
    """A role with where it is held, in words."""
    return f"{role.value} at {school}" if school else f"{role.value} in the whole district"


# ------------------------------------------------------------------------------------------------ who and where
async def members() -> list[Member]:
    """Everybody who is or was on the staff, by name."""
    return [_member(row) for row in await queries.members()]


def _member(row: dict[str, Any]) -> Member:
    return Member(
        person_id=row["person_id"],
        source_id=row["source_id"],
        name=Name(row["given"], row["middle"], row["family"], row["suffix"], row["preferred"]),
        email=row["email"],
        language=row["language"],
        account_id=row["account_id"],
        username=row["username"],
        status=AccountStatus(row["status"]) if row["status"] else None,
        has_second_factor=row["has_second_factor"],
        posts=[
            Post(
                post["id"],
                Role(post["role"]),
                post["school_id"],
                post["school"],
                day(post["begins_on"]) if post["begins_on"] else None,
                day(post["ends_on"]) if post["ends_on"] else None,
            )
            for post in row["posts"]
        ],
    )


async def member(who: str) -> Member:
    """The one whom the operator means: by username, else by the roster's source id, else by e-mail address or name.

    Raises:
        StaffProblem: when that is nobody of the staff, or more than one.
    """
    everybody = await members()
    said = usernames.folded(who)
    for fits in (
        [one for one in everybody if one.username and usernames.folded(one.username) == said],
        [one for one in everybody if one.source_id == who],
        [one for one in everybody if one.email and one.email.casefold() == who.strip().casefold()],
        [one for one in everybody if names.folded(f"{one.name.given}{one.name.family}") == names.folded(who)],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            raise StaffProblem(f"More than one of the staff may be meant by {who!r}: give the username or source id.")
    raise StaffProblem(f"Nobody on the staff has the username, source id, address or name {who!r}.")


async def school_called(said: str) -> School:
    """The school with this source id, or of this name in any case.

    Raises:
        StaffProblem: when there is none, or more than one; lists those that there are.
    """
    everywhere = await School.all().order_by("name", "id")
    by_id = [school for school in everywhere if school.source_id == said]
    fits = by_id or [school for school in everywhere if school.name.casefold() == said.strip().casefold()]
    if len(fits) == 1:
        return fits[0]
    listed = "; ".join(f"{one.name} ({one.source_id or 'no source id'})" for one in fits or everywhere)
    if fits:
        raise StaffProblem(f"More than one school is called {said!r}: give the source id. They are: {listed}.")
    raise StaffProblem(f"No school is called {said!r}. There are: {listed or 'none on record'}.")


# ------------------------------------------------------------------------------------------------ joining
async def add_new(ctx: Context, *, given: str, family: str, email: str | None, wanted: Iterable[Wanted]) -> Added:
    """Somebody who is not on record yet; with the same name and address as one of the staff, it is that one.

    Raises:
        StaffProblem: when a role is held already for another time, or would end before it begins.
    """
    said, address = names.folded(f"{given} {family}"), (email or "").casefold()
    async with sql.transaction():
        same = [
            one
            for one in await members()
            if names.folded(f"{one.name.given} {one.name.family}") == said and (one.email or "").casefold() == address
        ]
        if same:
            return await _join(ctx, same[0].person_id, wanted)
        person = await Person.create(given=given, family=family, email=email, email_folded=address or None)
        return await _join(ctx, person.id, wanted)


async def add_from_record(ctx: Context, *, source_id: str, wanted: Iterable[Wanted]) -> Added:
    """An adult whom the roster brought in.

    Raises:
        StaffProblem: when nobody has this source id, or a student, or a record that was merged away; and as `add_new`.
    """
    async with sql.transaction():
        person = await Person.get_or_none(source_id=source_id)
        if person is None:
            raise StaffProblem(f"Nobody on record has the source id {source_id!r}.")
        if person.merged_into_id is not None:
            raise StaffProblem(f"The source id {source_id!r} is of a record that was merged into another one.")
        if await Student.exists(id=person.id):
            raise StaffProblem(f"The source id {source_id!r} is a student's: staff need a record of their own.")
        return await _join(ctx, person.id, wanted)


async def _join(ctx: Context, person_id: int, wanted: Iterable[Wanted]) -> Added:
    account, is_new = await Account.get_or_create(person_id=person_id, capacity=Capacity.STAFF)
    given: list[str] = []
    held_already: list[str] = []
    for one in wanted:
        (given if await give_role(ctx, person_id, one) else held_already).append(str(one))
    key = None
    if account.status is AccountStatus.NOT_ACTIVATED:
        key = await key_of_record(ctx, account.id, Capacity.STAFF)
    note = Note(Step.ADD_STAFF, about_account_id=account.id, about_person_id=person_id)
    note.details |= {"new": is_new, "key_shown": key is not None}
    await trail.record(ctx, note)
    [joined] = [one for one in await members() if one.person_id == person_id]
    return Added(joined, is_new, given, held_already, key)


# ------------------------------------------------------------------------------------------------ roles
async def give_role(ctx: Context, person_id: int, wanted: Wanted) -> bool:
    """Gives a role; no when it is held already. Inside a transaction.

    Raises:
        StaffProblem: when it is held for another time than is said, or would end before it begins.
    """
    for held in await RoleAssignment.filter(person_id=person_id, role=wanted.role, school_id=wanted.school_id):
        if held.ends_on is not None and held.ends_on < ctx.today:
            continue
        said = wanted.begins_on or held.begins_on, wanted.ends_on or held.ends_on
        if said != (held.begins_on, held.ends_on):
            raise StaffProblem(f"The role {wanted} is held for another time already: end it first.")
        return False
    begins_on = wanted.begins_on or ctx.today
    if wanted.ends_on is not None and wanted.ends_on < begins_on:
        raise StaffProblem("The last day of a role cannot be before its first.")
    await RoleAssignment.create(
        person_id=person_id,
        role=wanted.role,
        school_id=wanted.school_id,
        begins_on=begins_on,
        ends_on=wanted.ends_on,
    )
    await _tell(ctx, Step.ASSIGN_ROLE, person_id, wanted)
    return True


async def change_roles(ctx: Context, one: Member, *, add: Iterable[Wanted], end: Iterable[Wanted]) -> None:
    """Gives and ends roles, all of it or nothing.

    Raises:
        StaffProblem: when a role that is to end is not held, or one that is to begin is.
    """
    async with sql.transaction():
        for wanted in end:
            await _end_role(ctx, one, wanted)
        for wanted in add:
            if not await give_role(ctx, one.person_id, wanted):
                raise StaffProblem(f"{one.name.display} is {wanted} already.")


async def _end_role(ctx: Context, one: Member, ended: Wanted) -> None:
    """From this moment on. What began earlier stays on record as ended yesterday; what did not last a day is gone."""
    held = [post for post in one.posts if not post.is_over(ctx.today)]
    ending = [post for post in held if (post.role, post.school_id) == (ended.role, ended.school_id)]
    if not ending:
        listed = "; ".join(str(post) for post in held) or "none"
        raise StaffProblem(f"{one.name.display} is not {ended}. Roles held: {listed}.")
    for post in ending:
        row = RoleAssignment.filter(id=post.id)
        if post.begins_on is None or post.begins_on < ctx.today:
            await row.update(ends_on=ctx.today - timedelta(days=1))
        else:
            await row.delete()
    await _tell(ctx, Step.END_ROLE, one.person_id, ended)


async def _tell(ctx: Context, step: Step, person_id: int, role: Wanted) -> None:
    note = Note(step, about_person_id=person_id, details={"role": role.role.value, "school_id": role.school_id})
    await trail.record(ctx, note)

"""Who gets a letter with a key on paper, and what it says; and who gets none, and why."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from db.context import Capacity, Context
from db.models import AccountStatus
from db.queries import key_letters as queries
from db.secrets import new_nonce
from mail.contents import School
from mail.paper.contents import KeyLetter, Seen
from policies.guardianship import Standing, standing_of
from policies.names import folded
from resolvers.reporting import name_of


class LeftOut(StrEnum):
    """Why somebody gets no letter. Of a restriction it says no more than of a guardianship that was revoked."""

    ALREADY_ACTIVATED = "already activated"
    DISABLED = "account disabled"
    NO_ACCOUNT = "no account on record"
    NO_PORTAL_MARK = "no portal mark"
    NOT_CONFIRMED = "guardianship not confirmed"
    OF_AGE = "the student is of age, and no consent is on record"
    NOT_ENTITLED = "not entitled"
    NOT_AT_SCHOOL = "at no school today"
    UNPRINTABLE = "letters that cannot be printed as PDF: take HTML"


#: What is missing, where a guardian has none of the students confirmed, in the order in which it is told.
_LACKING = {
    Standing.UNMARKED: LeftOut.NO_PORTAL_MARK,
    Standing.CLAIMED: LeftOut.NOT_CONFIRMED,
    Standing.RIGHTS_PASSED: LeftOut.OF_AGE,
}


@dataclass(frozen=True, slots=True)
class WantedLetters:
    """For which students letters are wanted, and to whom they go."""

    school_id: int | None = None
    #: Of that school; None for all grades.
    grade: str | None = None
    #: Student numbers, in place of a school.
    numbers: tuple[str, ...] = ()
    guardians: bool = True
    students: bool = False


@dataclass(frozen=True, slots=True)
class KeyOnRecord:
    """An account's current key: derived from its nonce when it is needed."""

    id: int
    nonce: bytes
    secret_version: int
    expires_at: datetime | None

    def good(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


@dataclass(frozen=True, slots=True)
class Entitled:
    """Somebody who may have a key, with all that the letter says."""

    person_id: int
    account_id: int
    capacity: Capacity
    name: str
    language: str | None
    address: tuple[str, ...]
    #: Those whom the key shows.
    students: tuple[Seen, ...]
    #: One of those for whom letters are wanted, through whom this person may have a key.
    student_id: int
    schools: tuple[School, ...]
    #: One that has expired is replaced.
    on_record: KeyOnRecord | None

    @property
    def texts(self) -> Iterator[str]:
        """All on the letter that comes from the record."""
        yield self.name
        yield from self.address
        for student in self.students:
            yield from (student.name, student.school or "")
        yield from (school.name for school in self.schools)


@dataclass(slots=True)
class Batch:
    """What is to be printed at once."""

    id: str
    wanted: WantedLetters
    entitled: list[Entitled]
    left_out: dict[LeftOut, list[str]]
    #: Numbers that are not one student's.
    unknown: list[str]
    printable: Callable[[str], bool]
    #: For new keys, by account.
    nonces: dict[int, bytes] = field(default_factory=dict)

    @property
    def new_keys(self) -> int:
        return len(self.nonces)

    @property
    def without_address(self) -> list[str]:
        """Those whose letters cannot go by post."""
        return [one.name for one in self.entitled if not one.address]

    def letters(self, ctx: Context) -> Iterator[KeyLetter]:
        """One for each, in the order in which they are handed out: by student."""
        for one in self.entitled:
            nonce, version, expires_at = self._key(ctx, one)
            key = ctx.keys.activation_key(nonce, version)
            yield KeyLetter(
                name=one.name,
                address=one.address,
                capacity=one.capacity,
                students=one.students,
                schools=one.schools,
                key=key,
                link=ctx.rules.page(ctx.rules.activation_page, f"key={key}"),
                expires_at=expires_at,
                at=ctx.now,
            )

    def _key(self, ctx: Context, one: Entitled) -> tuple[bytes, int, datetime | None]:
        known = one.on_record
        if known is not None and one.account_id not in self.nonces:
            return known.nonce, known.secret_version, known.expires_at
        return self.nonces[one.account_id], ctx.keys.current, ctx.now + ctx.rules.key_lifetime


# ------------------------------------------------------------------------------------------------ who gets one
async def letters_wanted(
    ctx: Context, wanted: WantedLetters, printable: Callable[[str], bool] = lambda _: True
) -> Batch:
    """Everybody who may have a key, and everybody else with the reason. Changes nothing.

    Args:
        ctx: the operator's context.
        wanted: for which students, and to whom.
        printable: whether a text from the record can be put on paper as it is.
    """
    batch = Batch(uuid4().hex, wanted, [], defaultdict(list), [], printable)
    await gather_letters(ctx, batch)
    batch.nonces = {
        one.account_id: new_nonce()
        for one in batch.entitled
        if one.on_record is None or not one.on_record.good(ctx.now)
    }
    return batch


async def gather_letters(ctx: Context, batch: Batch) -> None:
    """Puts everybody into the batch, as the record has them now."""
    wanted = batch.wanted
    if wanted.school_id is not None:
        students = set(await queries.students_at_school(wanted.school_id, ctx.today, wanted.grade))
    else:
        numbered = await queries.students_with_numbers(wanted.numbers)
        batch.unknown = sorted(number for number, student_id in numbered.items() if student_id is None)
        students = {student_id for student_id in numbered.values() if student_id is not None}
    ties = await queries.guardianships(students, ctx.today) if wanted.guardians else []
    tied = {one for tie in ties for one in (tie["guardian_id"], tie["student_id"])}
    people = await queries.people(students | tied, ctx.today)
    here = {student_id for student_id in students if people[student_id]["places"]}
    for student_id in students - here:
        batch.left_out[LeftOut.NOT_AT_SCHOOL].append(name_of(people[student_id]).display)
    sorting = _Sorting(batch, people)
    if wanted.guardians:
        accounts = await queries.accounts({tie["guardian_id"] for tie in ties}, Capacity.GUARDIAN)
        sorting.guardians(ctx, ties, here, accounts)
    if wanted.students:
        sorting.students(here, await queries.accounts(here, Capacity.STUDENT))
    # As a class list has them: "Álvarez" is no later than "Zuniga", nor "de la Cruz".
    order = {
        student_id: (folded(people[student_id]["family"]), folded(people[student_id]["given"])) for student_id in here
    }
    batch.entitled.sort(key=lambda one: (order[one.student_id], one.student_id, one.capacity, one.name, one.person_id))


@dataclass(frozen=True, slots=True)
class _Sorting:
    """Puts people into a batch: those who get a letter, and the others by the reason."""

    batch: Batch
    people: Mapping[int, dict[str, Any]]

    def guardians(
        self,
        ctx: Context,
        ties: Sequence[dict[str, Any]],
        here: AbstractSet[int],
        accounts: Mapping[int, dict[str, Any]],
    ) -> None:
        """Those who have at least one of the students here confirmed, with all whom they may see."""
        by_guardian: dict[int, dict[int, Standing]] = defaultdict(dict)
        for tie in ties:
            standing = standing_of(tie, tie["birth_date"], ctx.today)
            by_guardian[tie["guardian_id"]][tie["student_id"]] = standing
        for guardian_id, standings in by_guardian.items():
            near = {student_id: standing for student_id, standing in standings.items() if student_id in here}
            through = next((one for one, standing in near.items() if standing is Standing.CONFIRMED), None)
            if through is not None:
                shown = [one for one, standing in standings.items() if standing is Standing.CONFIRMED]
                self._sort(Capacity.GUARDIAN, guardian_id, accounts.get(guardian_id), through, shown)
            elif near:
                lacking = set(near.values())
                why = next((why for how, why in _LACKING.items() if how in lacking), LeftOut.NOT_ENTITLED)
                self._leave_out(why, guardian_id)

    def students(self, here: AbstractSet[int], accounts: Mapping[int, dict[str, Any]]) -> None:
        """The students themselves."""
        for student_id in here:
            self._sort(Capacity.STUDENT, student_id, accounts.get(student_id), student_id, [student_id])

    def _leave_out(self, why: LeftOut, person_id: int) -> None:
        self.batch.left_out[why].append(name_of(self.people[person_id]).display)

    def _sort(
        self, capacity: Capacity, person_id: int, account: dict[str, Any] | None, through: int, shown: Sequence[int]
    ) -> None:
        """By the account, for somebody who may see these students."""
        if account is None or account["status"] != AccountStatus.NOT_ACTIVATED:
            self._leave_out(_without_letter(account), person_id)
            return
        person, seen = self.people[person_id], [self.people[student_id] for student_id in shown]
        one = Entitled(
            person_id=person_id,
            account_id=account["id"],
            capacity=capacity,
            name=name_of(person).display,
            language=person["language"],
            address=_postal_lines(person["home"]),
            students=tuple(_seen_student(student) for student in seen),
            student_id=through,
            schools=_schools_to_call(seen),
            on_record=_key_on_record(account),
        )
        if all(self.batch.printable(text) for text in one.texts):
            self.batch.entitled.append(one)
        else:
            self._leave_out(LeftOut.UNPRINTABLE, person_id)


def _key_on_record(account: Mapping[str, Any]) -> KeyOnRecord | None:
    if account["key_id"] is None:
        return None
    return KeyOnRecord(account["key_id"], account["nonce"], account["secret_version"], account["expires_at"])


def _without_letter(account: Mapping[str, Any] | None) -> LeftOut:
    if account is None:
        return LeftOut.NO_ACCOUNT
    return LeftOut.ALREADY_ACTIVATED if account["status"] == AccountStatus.ACTIVE else LeftOut.DISABLED


def _seen_student(student: Mapping[str, Any]) -> Seen:
    places = student["places"]
    return Seen(name_of(student).display, places[0]["name"] if places else None)


def _schools_to_call(students: Iterable[Mapping[str, Any]]) -> tuple[School, ...]:
    found = {place["name"]: School(place["name"], place["phone"]) for one in students for place in one["places"]}
    return tuple(found[name] for name in sorted(found))


def _postal_lines(home: list[str | None] | None) -> tuple[str, ...]:
    if home is None:
        return ()
    street, city, state, postal_code = ((part or "").strip() for part in home)
    place = ", ".join(part for part in (city, f"{state} {postal_code}".strip()) if part)
    return tuple(line for line in (street, place) if line)

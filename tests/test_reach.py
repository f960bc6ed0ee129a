"""One predicate serves all ways of asking: what `node` refuses is not in a list, a count or a search; for every viewer.

The oracle knows a generated district as plain data, works the facts out in plain Python, and asks the gate about each
account, guardianship and student by itself.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.context import TortoiseContext

from db import sql
from db.context import Capacity, Context
from db.models import AccountStatus, GuardianshipStatus
from policies.gate import Facts, gate_of
from policies.guardianship import GuardianshipFacts, Standing, standing
from policies.words import Action, Scope
from schema.build import schema
from schema.document_limits import DocumentLimits
from schema.execution import Operations
from schema.nodes import global_id
from tests.clients import Answer
from tests.generated_districts import (
    GUARDIANS,
    MOST_GUARDIANS,
    MOST_STUDENTS,
    SCHOOLS,
    SEARCHES,
    STAFF,
    STAFF_NAME,
    STUDENTS,
    Held,
    Named,
    Tie,
    Town,
    accounts,
    born,
    finds,
    numbered,
    plain,
    put_on_record,
    towns,
)
from tests.tables import as_superuser

#: So many single reads of each kind in one request; those that a district has no use for ask for nothing.
SLOTS = {"Account": MOST_STUDENTS + MOST_GUARDIANS + 1, "Guardianship": 6, "Student": MOST_STUDENTS}


def _document() -> str:
    seen = "id status schools { id }"
    single = []
    for kind, count in SLOTS.items():
        for slot in range(count):
            id_ = f"${kind}{slot}"
            single.append(f"node{kind}{slot}: node(id: {id_}) {{ id ... on Account {{ status schools {{ id }} }} }}")
            if kind != "Student":
                fields = seen if kind == "Account" else "id"
                single.append(f"one{kind}{slot}: {kind.lower()}(id: {id_}) {{ {fields} }}")
    ids = ", ".join(f"${kind}{slot}: ID!" for kind, count in SLOTS.items() for slot in range(count))
    counts = "\n".join(
        f"by{by}: accountCounts(filter: $accounts, by: {by}) {{ key count }}"
        for by in ("STATUS", "CAPACITY", "SCHOOL", "GRADE_LEVEL")
    )
    return f"""
query Look(
  $accounts: AccountFilter, $orderBy: AccountOrder!, $descending: Boolean!, $guardianships: GuardianshipFilter,
  $search: String!, {ids}
) {{
  me {{ details {{ account {{ {seen} }} }} students {{ id }} }}
  accounts(filter: $accounts, orderBy: $orderBy, descending: $descending, first: 100) {{
    totalCount edges {{ node {{ {seen} }} }}
  }}
  {counts}
  guardianships(filter: $guardianships, first: 100) {{
    totalCount edges {{ node {{ id status restriction {{ kind }} student {{ id schools {{ id }} }} }} }}
  }}
  findPeople(search: $search, first: 50) {{
    student {{ id schools {{ id }} }}
    studentAccount {{ {seen} }}
    guardians {{ guardian {{ id }} guardianshipConfirmed account {{ {seen} }} }}
  }}
  {" ".join(single)}
}}
"""


DOCUMENT = _document()
PAGE = """
query Page($accounts: AccountFilter, $orderBy: AccountOrder!, $descending: Boolean!, $after: String) {
  accounts(filter: $accounts, orderBy: $orderBy, descending: $descending, first: 2, after: $after) {
    edges { node { id } } pageInfo { hasNextPage endCursor }
  }
}
"""


@dataclass(frozen=True)
class Question:
    """What is asked for, and by which table; None where it does not matter."""

    other_table: bool
    search: str
    school: int | None
    grade: str | None
    capacity: Capacity | None
    status: tuple[str, ...] | None
    never_logged_in: bool | None
    #: Days ago.
    last_login_before: int | None
    not_signed_in_since: int | None
    disabled_reason: tuple[str, ...] | None
    key_outstanding: bool | None
    order: str
    descending: bool
    guardianship: GuardianshipStatus | None
    portal_access: bool | None
    restricted: bool | None


_seldom: Any = lambda strategy: st.one_of(st.none(), st.none(), strategy)  # noqa: E731
questions = st.builds(
    Question,
    other_table=st.sampled_from([False, False, True]),
    search=st.sampled_from(SEARCHES),
    school=_seldom(st.sampled_from(SCHOOLS)),
    grade=_seldom(st.sampled_from(["07", "08"])),
    capacity=_seldom(st.sampled_from(Capacity)),
    status=_seldom(st.lists(st.sampled_from(["NOT_ACTIVATED", "ACTIVE", "LOCKED", "DISABLED"]), max_size=3).map(tuple)),
    never_logged_in=_seldom(st.booleans()),
    last_login_before=_seldom(st.sampled_from([10, 50])),
    not_signed_in_since=_seldom(st.sampled_from([10, 50])),
    disabled_reason=_seldom(st.sampled_from([("STAFF_DECISION",), ("MERGED", "LEGAL_RESTRICTION"), ()])),
    key_outstanding=_seldom(st.booleans()),
    order=st.sampled_from(["ID", "NAME", "SCHOOL", "LAST_LOGIN"]),
    descending=st.booleans(),
    guardianship=_seldom(st.sampled_from(GuardianshipStatus)),
    portal_access=_seldom(st.booleans()),
    restricted=_seldom(st.booleans()),
)


class Oracle:
    """What one viewer is to see of a town, by asking the gate about each single thing."""

    def __init__(self, ctx: Context, town: Town, question: Question) -> None:
        self.ctx, self.town, self.question = ctx, town, question

    def may(self, action: Action, facts: Facts) -> bool:
        return bool(gate_of(self.ctx).may(self.ctx.viewer, action, facts, looking=True))

    def any_at(self, schools: set[int], *actions: Action) -> bool:
        return any(self.may(action, Facts(schools=frozenset(schools))) for action in actions)

    # -------------------------------------------------------------------------------------------- accounts
    def places(self, id_: int, capacity: Capacity) -> set[tuple[int, str | None]]:
        """Schools and grades of an account's holder today; to the holder, those of nobody whom an order keeps away."""
        is_own = bool(self.ctx.viewer and id_ == self.ctx.viewer.account_id)
        wards = {id_} if capacity is Capacity.STUDENT else set[int]()
        if capacity is Capacity.GUARDIAN:
            wards = {
                STUDENTS + tie.student
                for tie in self.town.ties
                if GUARDIANS + tie.guardian == id_ and tie.status is not GuardianshipStatus.REVOKED
                if not (is_own and tie.restricted)
            }
        return {
            (place.school, place.grade)
            for ward in wards
            for place in self.town.pupils[ward - STUDENTS].places
            if place.current
        }

    def sees(self, id_: int, capacity: Capacity, schools: set[int]) -> bool:
        if self.ctx.viewer and id_ == self.ctx.viewer.account_id and self.may(Action.ACCOUNT_READ, Facts(Scope.OWN)):
            return True
        if capacity is Capacity.STAFF:
            return False
        return self.any_at(schools, Action.ACCOUNT_STATUS, Action.REPORT_ACCOUNTS) or (
            capacity is Capacity.STUDENT and self.any_at(schools, Action.REPORT_STUDENT_ACCOUNTS)
        )

    def seen_places(self, id_: int, capacity: Capacity) -> set[tuple[int, str | None]]:
        return {place for place in self.places(id_, capacity) if self.sees(id_, capacity, {place[0]})}

    def shown(self, id_: int, capacity: Capacity, held: Held) -> Answer:
        schools = {school for school, _ in self.seen_places(id_, capacity)}
        return {
            "id": global_id("Account", id_),
            "status": held.shown,
            "schools": [{"id": global_id("School", school)} for school in sorted(schools)],
        }

    def seen_accounts(self) -> Iterator[tuple[int, Capacity, Held]]:
        for id_, capacity, held in accounts(self.town):
            if self.sees(id_, capacity, {school for school, _ in self.places(id_, capacity)}):
                yield id_, capacity, held

    def wanted_places(self, id_: int, capacity: Capacity) -> set[tuple[int, str | None]]:
        question = self.question
        return {
            (school, grade)
            for school, grade in self.seen_places(id_, capacity)
            if question.school in {None, school} and question.grade in {None, grade}
        }

    def wanted_accounts(self) -> list[tuple[int, Capacity, Held]]:
        """In the order that is asked for."""
        question = self.question
        wanted = [
            (id_, capacity, held)
            for id_, capacity, held in self.seen_accounts()
            if (question.school is None and question.grade is None) or self.wanted_places(id_, capacity)
            if question.capacity in {None, capacity}
            if question.status is None or held.shown in question.status
            if question.never_logged_in is None or (held.last_login is None) == question.never_logged_in
            if question.last_login_before is None
            or (held.last_login is not None and held.last_login < -question.last_login_before)
            if question.not_signed_in_since is None
            or (
                held.status is not AccountStatus.NOT_ACTIVATED
                and (held.last_login is None or held.last_login < -question.not_signed_in_since)
            )
            if question.disabled_reason is None
            or (held.status is AccountStatus.DISABLED and "STAFF_DECISION" in question.disabled_reason)
            if question.key_outstanding is None or _key_outstanding(held) == question.key_outstanding
        ]
        wanted.sort(key=self.sorted_by, reverse=question.descending)
        if question.order == "SCHOOL":
            # Whichever way the others come.
            wanted.sort(key=lambda each: not self.wanted_places(each[0], each[1]))
        return wanted

    def sorted_by(self, account: tuple[int, Capacity, Held]) -> tuple[Any, ...]:
        id_, capacity, held = account
        name = " ".join(_order(self.name_of(id_)))
        schools = [school for school, _ in self.wanted_places(id_, capacity)]
        never = -1_000_000
        by: dict[str, tuple[Any, ...]] = {
            "ID": (),
            "NAME": (name,),
            "SCHOOL": (min(schools, default=0), name),
            "LAST_LOGIN": (never if held.last_login is None else held.last_login,),
        }
        return (*by[self.question.order], id_)

    def name_of(self, id_: int) -> Named:
        """Of the holder of an account."""
        if id_ == STAFF:
            return STAFF_NAME
        return self.town.pupils[id_ - STUDENTS].name if id_ < GUARDIANS else self.town.parents[id_ - GUARDIANS].name

    def counts(self, by: str) -> Counter[str]:
        counted: Counter[str] = Counter()
        for id_, capacity, held in self.wanted_accounts():
            places = self.wanted_places(id_, capacity)
            keys = {
                "STATUS": {held.shown},
                "CAPACITY": {capacity.value},
                "SCHOOL": {str(global_id("School", school)) for school, _ in places} or {""},
                "GRADE_LEVEL": {grade or "" for _, grade in places} or {""},
            }
            counted.update(keys[by])
        return counted

    # -------------------------------------------------------------------------------------------- students
    def schools(self, student: int) -> set[int]:
        return {place.school for place in self.town.pupils[student].places if place.current}

    def seen_schools(self, student: int, *actions: Action) -> list[Answer]:
        """In the order in which they were entered."""
        schools = dict.fromkeys(place.school for place in self.town.pupils[student].places if place.current)
        return [{"id": global_id("School", school)} for school in schools if self.any_at({school}, *actions)]

    def facts(self, tie: Tie) -> GuardianshipFacts:
        birth_date = born(self.town.pupils[tie.student].age, self.ctx.today)
        return GuardianshipFacts(tie.status, tie.portal_access, tie.restricted, birth_date, tie.adult_access)

    def readable(self) -> set[int]:
        """The students whose record the viewer reads."""
        viewer, seen = self.ctx.viewer, set()
        for student in range(len(self.town.pupils)):
            scope, stands = Scope.NONE, Standing.NONE
            if viewer and viewer.capacity is Capacity.STUDENT and viewer.person_id == STUDENTS + student:
                scope, stands = Scope.OWN, Standing.SELF
            for tie in self.town.ties if viewer and viewer.capacity is Capacity.GUARDIAN else ():
                if viewer and tie.student == student and GUARDIANS + tie.guardian == viewer.person_id:
                    scope, stands = Scope.OWN_STUDENT, standing(self.facts(tie), on=self.ctx.today, seeing=True)
            if scope is not Scope.NONE and self.may(Action.STUDENT_READ, Facts(scope, stands)):
                seen.add(STUDENTS + student)
        return seen

    # -------------------------------------------------------------------------------------------- guardianships
    def seen_guardianships(self) -> list[tuple[int, Tie]]:
        return [
            (number + 1, tie)
            for number, tie in enumerate(self.town.ties)
            if self.any_at(self.schools(tie.student), Action.GUARDIANSHIP_MANAGE)
        ]

    def wanted_guardianships(self) -> list[Answer]:
        question = self.question
        found = [
            (id_, tie)
            for id_, tie in self.seen_guardianships()
            if question.guardianship in {None, tie.status}
            if question.portal_access in {None, tie.portal_access}
            if question.restricted in {None, tie.restricted}
            if question.school is None
            or (
                question.school in self.schools(tie.student)
                and self.any_at({question.school}, Action.GUARDIANSHIP_MANAGE)
            )
        ]
        found.sort(key=lambda each: (each[1].status is not GuardianshipStatus.CLAIMED, each[0]))
        return [
            {
                "id": global_id("Guardianship", id_),
                "status": tie.status.value,
                "restriction": {"kind": "no contact"} if tie.restricted else None,
                "student": {
                    "id": global_id("Student", STUDENTS + tie.student),
                    "schools": self.seen_schools(tie.student, Action.GUARDIANSHIP_MANAGE),
                },
            }
            for id_, tie in found
        ]

    # -------------------------------------------------------------------------------------------- people
    def found_people(self) -> list[Answer]:
        desks = (Action.VERIFICATION_RUN, Action.GUARDIANSHIP_MANAGE)
        search, town = self.question.search, self.town
        found = []
        for student, pupil in enumerate(town.pupils):
            names = [pupil.name, *(town.parents[tie.guardian].name for tie in town.ties if tie.student == student)]
            meant = any(finds(search, name) for name in names) or numbered(search, town.pupils) == student
            if meant and self.any_at(self.schools(student), *desks):
                found.append(student)
        found.sort(key=lambda each: (*_order(town.pupils[each].name), each))
        return [
            {
                "student": {
                    "id": global_id("Student", STUDENTS + student),
                    "schools": self.seen_schools(student, *desks),
                },
                "studentAccount": self.account_of(STUDENTS + student),
                "guardians": [
                    {
                        "guardian": {"id": global_id("Guardian", GUARDIANS + tie.guardian)},
                        "guardianshipConfirmed": standing(self.facts(tie), on=self.ctx.today, seeing=False)
                        is Standing.CONFIRMED,
                        "account": self.account_of(GUARDIANS + tie.guardian),
                    }
                    for tie in sorted(
                        (tie for tie in town.ties if tie.student == student),
                        key=lambda tie: (*_order(town.parents[tie.guardian].name), tie.guardian),
                    )
                ],
            }
            for student in found
        ]

    def account_of(self, person_id: int) -> Answer | None:
        return next((self.shown(*each) for each in self.seen_accounts() if each[0] == person_id), None)


def _key_outstanding(held: Held) -> bool:
    return held.status is AccountStatus.NOT_ACTIVATED and any(hours is None or hours > 0 for hours in held.keys)


def _order(name: Any) -> tuple[str, str]:
    return plain(name.family), plain(name.given)


# ------------------------------------------------------------------------------------------------ asking
OPERATIONS = Operations(
    schema, limits=DocumentLimits(max_aliases=1000, max_fields=2000, max_tokens=10_000, max_repeats=1000)
)


def _variables(town: Town, question: Question, ctx: Context) -> dict[str, Any]:
    asked = {
        "Account": [id_ for id_, _, _ in accounts(town)],
        "Guardianship": [number + 1 for number in range(len(town.ties))],
        "Student": [STUDENTS + number for number in range(len(town.pupils))],
    }
    school = None if question.school is None else global_id("School", question.school)
    before, since = question.last_login_before, question.not_signed_in_since
    return {
        "search": question.search,
        "accounts": {
            "schoolId": school,
            "gradeLevel": question.grade,
            "capacity": question.capacity.value if question.capacity else None,
            "status": None if question.status is None else list(question.status),
            "neverLoggedIn": question.never_logged_in,
            "lastLoginBefore": None if before is None else (ctx.now - timedelta(days=before)).isoformat(),
            "notSignedInSince": None if since is None else (ctx.now - timedelta(days=since)).isoformat(),
            "disabledReason": None if question.disabled_reason is None else list(question.disabled_reason),
            "keyOutstanding": question.key_outstanding,
        },
        "orderBy": question.order,
        "descending": question.descending,
        "guardianships": {
            "schoolId": school,
            "status": question.guardianship.value if question.guardianship else None,
            "portalAccess": question.portal_access,
            "restricted": question.restricted,
        },
    } | {
        f"{kind}{slot}": global_id(kind, asked[kind][slot]) if slot < len(asked[kind]) else ""
        for kind, count in SLOTS.items()
        for slot in range(count)
    }


async def _answer(ctx: Context, variables: dict[str, Any], document: str = DOCUMENT) -> Answer:
    async def context() -> Context:
        return ctx

    outcome = await OPERATIONS.run(document, make_context=context, request_id="test", variables=variables)
    assert outcome.errors == []
    assert outcome.data is not None
    return outcome.data


async def _joined(ctx: Context, variables: dict[str, Any]) -> list[str]:
    """The ids of the accounts on page after page."""
    asked = {name: variables[name] for name in ("accounts", "orderBy", "descending")}
    ids: list[str] = []
    page: Answer = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
    while page["pageInfo"]["hasNextPage"]:
        page = (await _answer(ctx, asked | {"after": page["pageInfo"]["endCursor"]}, PAGE))["accounts"]
        ids += [edge["node"]["id"] for edge in page["edges"]]
    return ids


def _single(answer: Answer, prefix: str, kind: str) -> list[Answer]:
    """What was shown of those that were asked for one by one."""
    return [answer[f"{prefix}{kind}{slot}"] for slot in range(SLOTS[kind]) if answer[f"{prefix}{kind}{slot}"]]


@cache
def _other_table() -> Path:
    """The table as a file, for as long as the tests run."""
    path = Path(mkdtemp(prefix="portal-tests-")) / "access.csv"
    path.write_text(OTHER_TABLE, encoding="utf-8")
    return path


#: A table of a district's own, in which what the shipped one grants together comes apart, and a role at one school
#: reaches the whole district.
OTHER_TABLE = """role,scope,action,guardianship,verification
guardian,own,account:read,any,any
guardian,own_student,student:read,confirmed,any
student,own,student:read,any,any
designee,same_school,verification:run,any,any
registrar,same_school,guardianship:manage,any,any
registrar,same_school,account:status,any,any
reporter,same_school,report:student_accounts,any,any
technology,same_district,report:student_accounts,any,any
administrator,same_district,guardianship:manage,any,any
"""


async def _everything_is_what_the_gate_says(ctx: Context, town: Town, question: Question) -> None:
    if question.other_table:
        ctx = replace(ctx, rules=ctx.rules.model_copy(update={"policy_table": _other_table()}))
    await put_on_record(town, now=ctx.now, today=ctx.today)
    for looker in town.lookers:
        seeing = replace(ctx, viewer=looker.viewer())
        oracle = Oracle(seeing, town, question)
        variables = _variables(town, question, ctx)
        answer = await _answer(seeing, variables)
        # ---------------------------------------------------------------- accounts
        seen = [oracle.shown(*each) for each in oracle.seen_accounts()]
        assert _single(answer, "node", "Account") == seen
        assert _single(answer, "one", "Account") == seen
        wanted = [oracle.shown(*each) for each in oracle.wanted_accounts()]
        assert [edge["node"] for edge in answer["accounts"]["edges"]] == wanted
        assert answer["accounts"]["totalCount"] == len(wanted)
        assert await _joined(seeing, variables) == [shown["id"] for shown in wanted]
        for by in ("STATUS", "CAPACITY", "SCHOOL", "GRADE_LEVEL"):
            counted = answer[f"by{by}"]
            assert {each["key"]: each["count"] for each in counted} == oracle.counts(by)
            assert len({each["key"] for each in counted}) == len(counted)
        # ---------------------------------------------------------------- guardianships
        managed = [global_id("Guardianship", id_) for id_, _ in oracle.seen_guardianships()]
        assert [node["id"] for node in _single(answer, "node", "Guardianship")] == managed
        assert [node["id"] for node in _single(answer, "one", "Guardianship")] == managed
        queue = oracle.wanted_guardianships()
        assert [edge["node"] for edge in answer["guardianships"]["edges"]] == queue
        assert answer["guardianships"]["totalCount"] == len(queue)
        # ---------------------------------------------------------------- students, oneself, and finding people
        readable = {global_id("Student", id_) for id_ in oracle.readable()}
        assert {node["id"] for node in _single(answer, "node", "Student")} == readable
        own = oracle.account_of(seeing.viewer.account_id) if seeing.viewer else None
        if own is None or not oracle.may(Action.ACCOUNT_READ, Facts(Scope.OWN)):
            assert answer["me"] is None
        else:
            assert answer["me"]["details"]["account"] == own
            assert {student["id"] for student in answer["me"]["students"]} == readable
        assert answer["findPeople"] == oracle.found_people()
        await _the_search_is_in_the_trail(oracle, len(answer["findPeople"]))


async def _the_search_is_in_the_trail(oracle: Oracle, found: int) -> None:
    async with as_superuser():
        [entry] = await sql.rows("DELETE FROM trail_entry RETURNING step, refusal, rule, details ->> 'found' AS found")
    desk = oracle.any_at(set(SCHOOLS), Action.VERIFICATION_RUN, Action.GUARDIANSHIP_MANAGE)
    assert entry["step"] == "people:find"
    assert entry["refusal"] == (None if desk else "NOT_ALLOWED")
    assert (entry["rule"] is not None) == desk
    assert entry["found"] == (str(found) if desk else None)


_ANYWAY = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large)


@settings(max_examples=50, deadline=None, suppress_health_check=_ANYWAY)
@given(town=towns(lookers=4), question=questions)
async def test_each_way_of_asking_shows_what_the_gate_allows_and_nothing_else(
    database: TortoiseContext, ctx: Context, town: Town, question: Question
) -> None:
    """What `node`, `account`, `accounts`, `accountCounts`, `findPeople`, `guardianships` and `me` show equals filtering
    by the gate, for every viewer."""
    await _everything_is_what_the_gate_says(ctx, town, question)


@pytest.mark.full
@pytest.mark.parametrize("part", range(4))
@settings(max_examples=2500, deadline=None, derandomize=False, database=None, suppress_health_check=_ANYWAY)
@given(town=towns(lookers=3), question=questions)
async def test_each_way_of_asking_shows_what_the_gate_allows_in_ten_thousand_districts(
    database: TortoiseContext, ctx: Context, part: int, town: Town, question: Question
) -> None:
    """In four parts, so that several processes can share them; each draws districts of its own."""
    await _everything_is_what_the_gate_says(ctx, town, question)

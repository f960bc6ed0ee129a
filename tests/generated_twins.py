"""Generated people who are on record twice: two records, all that hangs on them, and those around them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st

from db import sql
from db.context import Capacity

#: Counts everything that has to be unique in the district.
_serial = count(1)

KEPT, MERGED = "kept", "merged"


@dataclass(frozen=True, slots=True)
class Tied:
    """A guardianship of one of the two with one of those around them."""

    whose: str
    other: int
    status: str
    portal_access: bool
    consent: bool
    by_registrar: bool
    lives_with: bool | None
    #: First day, last day, and whether it was lifted.
    restrictions: tuple[tuple[int, int | None, bool], ...]


@dataclass(frozen=True, slots=True)
class Lives:
    """A membership of one of the two in one of two households, or an enrolment at one of two schools."""

    whose: str
    where: int
    begins: int | None
    ends: int | None
    mark: bool


@dataclass(frozen=True, slots=True)
class Holds:
    """An account of one of the two, with sessions and perhaps a key."""

    whose: str
    status: str
    reason: str
    opened: bool
    sessions: int
    key: bool


@dataclass(frozen=True, slots=True)
class Twins:
    """Two records of one human being."""

    kind: Capacity
    ties: tuple[Tied, ...]
    homes: tuple[Lives, ...]
    places: tuple[Lives, ...]
    accounts: tuple[Holds, ...]
    #: Whose SSN is on file, and whose record the roster knows.
    ssn: frozenset[str]
    sources: frozenset[str]
    #: How many grades, attendance events, letters, verifications and work orders hang on each of the two.
    loose: tuple[int, int]
    keep_other_account: bool


_whose = st.sampled_from([KEPT, MERGED])
_days = st.none() | st.integers(-3, 3)


def _spans(most: int) -> st.SearchStrategy[tuple[Lives, ...]]:
    spans = st.builds(Lives, _whose, st.integers(0, 1), _days, _days, st.booleans()).filter(
        lambda span: span.begins is None or span.ends is None or span.begins <= span.ends
    )
    return st.lists(spans, max_size=most, unique_by=lambda span: (span.whose, span.where, span.begins)).map(tuple)


_restriction = st.integers(-2, 1).flatmap(
    lambda first: st.tuples(st.just(first), st.none() | st.integers(first, 2), st.booleans())
)
_ties = st.lists(
    st.builds(
        Tied,
        _whose,
        st.integers(0, 2),
        st.sampled_from(["CLAIMED", "CONFIRMED", "REVOKED"]),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.none() | st.booleans(),
        st.lists(_restriction, max_size=2).map(tuple),
    ),
    max_size=6,
    unique_by=lambda tie: (tie.whose, tie.other),
).map(tuple)
_accounts = st.lists(
    st.builds(
        Holds,
        _whose,
        st.sampled_from(["NOT_ACTIVATED", "ACTIVE", "ACTIVE", "DISABLED"]),
        st.sampled_from(["STAFF_DECISION", "LEGAL_RESTRICTION", "TOO_MANY_FAILURES"]),
        st.booleans(),
        st.integers(0, 2),
        st.booleans(),
    ),
    max_size=2,
    unique_by=lambda account: account.whose,
).map(tuple)

twins: st.SearchStrategy[Twins] = st.builds(
    Twins,
    st.sampled_from([Capacity.GUARDIAN, Capacity.STUDENT]),
    _ties,
    _spans(5),
    _spans(4),
    _accounts,
    st.frozensets(_whose),
    st.frozensets(_whose),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    st.booleans(),
)


# ------------------------------------------------------------------------------------------------ rows
@dataclass(slots=True)
class OnRecord:
    """The two as they were put on record, and those around them."""

    kept: int
    merged: int
    others: list[int]
    accounts: dict[str, int]


async def _add(table: str, **columns: Any) -> int:
    told, slots = ", ".join(columns), ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    row = await sql.row(f"INSERT INTO {table} ({told}) VALUES ({slots}) RETURNING id", *columns.values())
    assert row is not None
    added: int = row["id"]
    return added


async def put_on_record(twins: Twins, schools: Sequence[int], *, now: datetime, today: date) -> OnRecord:
    """The two, with rows in each table that refers to people. Whoever is a guardian of nobody has an account."""

    def day(offset: int | None) -> date | None:
        return None if offset is None else today + timedelta(days=offset)

    async def person(source: str | None = None) -> int:
        return await _add("person", given="Ann", family=f"Twin{next(_serial)}", source_id=source)

    async def student(id_: int, *, on_file: bool) -> None:
        proof: dict[str, Any] = {"ssn_state": "NOT_ON_FILE"}
        if on_file:
            proof = {"ssn_state": "ON_FILE", "ssn_proof": id_.to_bytes(32, "big"), "ssn_proof_version": 1}
        number = f"T{next(_serial)}"
        await _add("student", id=id_, student_number=number, number_is_shared=False, birth_date=today, **proof)

    pair = {each: await person(f"twin-{next(_serial)}" if each in twins.sources else None) for each in (KEPT, MERGED)}
    others = [await person() for _ in range(3)]
    is_student = twins.kind is Capacity.STUDENT
    for id_, on_file in [(pair[each], each in twins.ssn) for each in pair] if is_student else []:
        await student(id_, on_file=on_file)
    for id_ in [] if is_student else others:
        await student(id_, on_file=False)
    await _ties_of(twins, pair, others, day, now)
    for table, owner, spans in (
        ("household_member", "person_id", twins.homes),
        ("enrolment", "student_id", twins.places),
    ):
        homes = (
            [await _add("household", name=f"Home {n}") for n in range(2)] if table == "household_member" else schools
        )
        for span in spans if table == "household_member" or is_student else ():
            place = (
                {"household_id": homes[span.where]} if table == "household_member" else {"school_id": homes[span.where]}
            )
            more = (
                {"is_secondary": span.mark, "decided_by": "REGISTRAR" if span.begins == 1 else "ROSTER"}
                if table == "household_member"
                else {"grade_level": "07" if span.mark else None}
            )
            dates = {"begins_on": day(span.begins), "ends_on": day(span.ends)}
            await _add(table, **{owner: pair[span.whose]}, **place, **dates, **more)
    accounts = {held.whose: await _account(held, pair[held.whose], twins.kind, now) for held in twins.accounts}
    if not is_student:
        for each, id_ in pair.items():
            if each not in accounts:
                held = Holds(each, "NOT_ACTIVATED", "STAFF_DECISION", opened=False, sessions=0, key=False)
                accounts[each] = await _account(held, id_, twins.kind, now)
    ward = None if is_student else others[0]
    for whose, n in zip((KEPT, MERGED), twins.loose, strict=True):
        for _ in range(n):
            await _loose(pair[whose], ward, schools[0], now=now, today=today)
    return OnRecord(pair[KEPT], pair[MERGED], others, accounts)


async def _ties_of(
    twins: Twins,
    pair: dict[str, int],
    others: list[int],
    day: Callable[[int | None], date | None],
    now: datetime,
) -> None:
    for tie in twins.ties:
        ends = (pair[tie.whose], others[tie.other])
        guardian, student = ends if twins.kind is Capacity.GUARDIAN else reversed(ends)
        consent = {"consent_at": now, "consent_evidence": "In writing"} if tie.consent else {}
        id_ = await _add(
            "guardianship",
            guardian_id=guardian,
            student_id=student,
            relationship=f"{tie.whose} parent",
            status=tie.status,
            portal_access=tie.portal_access,
            adult_access=tie.consent,
            lives_with=tie.lives_with,
            decided_by="REGISTRAR" if tie.by_registrar else "ROSTER",
            confirmed_at=None if tie.status == "CLAIMED" else now - timedelta(microseconds=1),
            revoked_at=now if tie.status == "REVOKED" else None,
            revoked_by_id=others[0] if tie.status == "REVOKED" else None,
            evidence=None if tie.status == "CLAIMED" else "Seen",
            **consent,
        )
        for first, last, lifted in tie.restrictions:
            await _add(
                "restriction",
                guardianship_id=id_,
                kind="no contact",
                begins_on=day(first),
                ends_on=day(last),
                decided_by="REGISTRAR",
                lifted_at=now if lifted else None,
                entered_by_id=pair[tie.whose],
            )


async def _account(held: Holds, person_id: int, kind: Capacity, now: datetime) -> int:
    opened = held.status == "ACTIVE" or (held.status == "DISABLED" and held.opened)
    name = f"twin{next(_serial)}"
    details = {"username": name, "username_folded": name, "password_hash": "x", "activated_at": now} if opened else {}
    id_ = await _add(
        "account",
        person_id=person_id,
        capacity=kind.value,
        status=held.status,
        disabled_reason=held.reason if held.status == "DISABLED" else None,
        must_change_password=False,
        **details,
    )
    for _ in range(held.sessions if opened else 0):
        digest = next(_serial).to_bytes(32, "big")
        times = {"started_at": now, "last_seen_at": now, "expires_at": now + timedelta(hours=1)}
        await _add("session", account_id=id_, digest=digest, **times)
    if held.key and not opened:
        serial = next(_serial)
        secret = {"nonce": serial.to_bytes(16, "big"), "digest": serial.to_bytes(32, "big"), "secret_version": 1}
        await _add("activation_key", account_id=id_, state="CURRENT", issued_at=now, **secret)
    return id_


async def _loose(person_id: int, ward: int | None, school: int, *, now: datetime, today: date) -> None:
    """One of each kind of row that merely refers to somebody."""
    message = f"<twin{next(_serial)}@example.org>"
    times = {"promised_at": now, "due_at": now}
    await _add("letter", kind="WELCOME", person_id=person_id, address="a@example.org", facts="{}", message_id=message,
               state="WAITING", attempts=0, **times)  # fmt: skip
    student = person_id if ward is None else ward
    await _add("verification", designee_id=await _designee(), requester_id=person_id, student_id=student,
               purpose="RESET", questions="[]", attempts_left=3, state="OPEN", started_at=now,
               expires_at=now + timedelta(minutes=30))  # fmt: skip
    subject = {"student_id": person_id} if ward is None else {"guardian_id": person_id}
    await _add("work_order", status="OPEN", opened_at=now, opened_by_id=person_id, problem="Sees nobody", **subject)
    if ward is None:
        await _add("grade", student_id=person_id, course="Art", title="Piece", scored_on=today)
        await _add("attendance_event", student_id=person_id, school_id=school, happened_on=today, category="Tardy")


async def _designee() -> int:
    return await _add("person", given="Dana", family="Ito")

"""Generated districts: people, places, guardianships and whoever looks at them, as plain data and as rows."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from hypothesis import strategies as st

from db import sql
from db.context import Capacity, Role, SecondFactor, Viewer
from db.models import AccountStatus, DisabledReason, GuardianshipStatus

#: Ids of the three schools, and of the people by kind.
SCHOOLS = (1, 2, 3)
STUDENTS, GUARDIANS, STAFF = 100, 200, 300
MOST_STUDENTS, MOST_GUARDIANS = 4, 3


@dataclass(frozen=True)
class Place:
    """An enrolment; days count from today."""

    school: int
    grade: str | None
    begins: int | None
    ends: int | None

    @property
    def current(self) -> bool:
        return (self.begins is None or self.begins <= 0) and (self.ends is None or self.ends >= 0)


@dataclass(frozen=True)
class Named:
    given: str
    family: str
    middle: str | None = None
    preferred: str | None = None


@dataclass(frozen=True)
class Held:
    """How an account stands; days and hours count from now."""

    status: AccountStatus
    lock_ends: int | None
    last_login: int | None
    must_change: bool = False
    #: When the key that was not used expires; None for never, nothing where there is none.
    keys: tuple[int | None, ...] = ()

    @property
    def shown(self) -> str:
        locked = self.status is AccountStatus.ACTIVE and self.lock_ends is not None and self.lock_ends > 0
        return "LOCKED" if locked else self.status.value


#: Of everybody who is staff.
STAFF_NAME = Named("Dana", "Ito")


@dataclass(frozen=True)
class Pupil:
    name: Named
    number: str
    #: Years of age; None for no birth date on record.
    age: int | None
    places: tuple[Place, ...]
    account: Held | None


@dataclass(frozen=True)
class Parent:
    name: Named
    account: Held | None


@dataclass(frozen=True)
class Tie:
    """A guardianship, by the places of guardian and student in their lists."""

    guardian: int
    student: int
    status: GuardianshipStatus
    portal_access: bool
    adult_access: bool
    #: First day, last day, lifted.
    restrictions: tuple[tuple[int, int | None, bool], ...]

    @property
    def restricted(self) -> bool:
        return any(
            not lifted and first <= 0 and (last is None or last >= 0) for first, last, lifted in self.restrictions
        )


@dataclass(frozen=True)
class Home:
    """A household of a guardian and a student, by their places in the lists, and the guardian's days in it."""

    guardian: int
    student: int
    begins: int | None
    ends: int | None


@dataclass(frozen=True)
class Looker:
    """Who looks: nobody, one of the guardians or students, or a member of staff with these roles."""

    capacity: Capacity | None
    which: int = 0
    roles: dict[Role, frozenset[int | None]] = field(default_factory=dict)
    second_factor: SecondFactor = SecondFactor.NOT_NEEDED

    def viewer(self) -> Viewer | None:
        if self.capacity is None:
            return None
        first = {Capacity.STUDENT: STUDENTS, Capacity.GUARDIAN: GUARDIANS, Capacity.STAFF: STAFF}[self.capacity]
        id_ = first + self.which
        return Viewer(id_, id_, 1, self.capacity, "somebody", self.roles, self.second_factor)


@dataclass(frozen=True)
class Town:
    """A district with whom it has on record, and those who look at it."""

    pupils: tuple[Pupil, ...]
    parents: tuple[Parent, ...]
    ties: tuple[Tie, ...]
    lookers: tuple[Looker, ...]
    homes: tuple[Home, ...] = ()


# ------------------------------------------------------------------------------------------------ names
#: What is searched for, and the names and numbers that it finds or does not.
SEARCHES = (
    *("no", "NORA", "ohara", "o'hara", "O’Ha", "hara", "nora o", "lindq", "okafor-lind", "okaforl", "jose", "José"),
    *("delacruz", "la cr", "cruz ana", "strasse", "Straß", "ae", "41", "0041", "00410", "77", "nana", "no hara zz"),
    *("a:* | b", "no'; --", "\\'no", "na:* & !no", "<-> no", "(no", "øy", "Zo\u0308e"),
)
_names = st.builds(
    Named,
    given=st.sampled_from(["Nora", "José", "Ana", "Noël-Marie", "Ørjan", "Zoë"]),
    family=st.sampled_from(["O'Hara", "Okafor-Lindqvist", "de la Cruz", "Straße", "Æbelø", "Nakamura 41"]),
    middle=st.none() | st.sampled_from(["Cruz", "María José"]),
    preferred=st.none() | st.sampled_from(["Nana", "Jo"]),
)
_NUMBERS = ("0041", "41", "00410", "77", "077", "S-9")

_LETTERS = {"ß": "ss", "æ": "ae", "ø": "o"}


def plain(text: str) -> str:
    """Case and accents aside, by rules of this test's own."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(_LETTERS.get(c, c) for c in apart if not unicodedata.combining(c))


def finds(search: str, name: Named) -> bool:
    """Whether each word of a search begins some word, or words run together, of one of the person's names."""
    beginnings: list[str] = []
    for part in (name.given, name.family, name.middle, name.preferred):
        words = [word for word in re.split(r"[^0-9a-z]+", plain(part or "")) if word]
        beginnings += ["".join(words[place:]) for place in range(len(words))]
    wanted = [bare for word in plain(search).split() if (bare := re.sub(r"[^0-9a-z]", "", word))]
    return bool(wanted) and all(any(each.startswith(word) for each in beginnings) for word in wanted)


def numbered(search: str, pupils: tuple[Pupil, ...]) -> int | None:
    """The place of the student whose number it is: whole, or without its zeros where that is only one's."""
    number = search.strip()
    whole = [place for place, pupil in enumerate(pupils) if pupil.number == number]
    if whole:
        return whole[0] if len(whole) == 1 else None
    short = [place for place, pupil in enumerate(pupils) if pupil.number.lstrip("0") == number.lstrip("0")]
    return short[0] if len(short) == 1 else None


# ------------------------------------------------------------------------------------------------ strategies
_days = st.none() | st.integers(-2, 2)
_places = st.lists(
    st.builds(Place, st.sampled_from(SCHOOLS), st.sampled_from(["07", "08", None]), _days, _days).filter(
        lambda place: place.begins is None or place.ends is None or place.begins <= place.ends
    ),
    max_size=3,
    unique_by=lambda place: (place.school, place.begins),
).map(tuple)


def _possible(held: Held) -> Held:
    """An account that was never opened has neither log-ins nor a password; one that was has no key left."""
    if held.status == "NOT_ACTIVATED":
        return Held(held.status, held.lock_ends, None, keys=held.keys)
    return Held(held.status, held.lock_ends, held.last_login, held.must_change)


_held = st.none() | st.builds(
    Held,
    st.sampled_from(AccountStatus),
    st.none() | st.sampled_from([-1, 1, 30]),
    st.none() | st.sampled_from([-40, -2]),
    st.sampled_from([False, False, True]),
    st.just(()) | st.tuples(st.sampled_from([None, -3, 5, 40])),
).map(_possible)
_pupils = st.lists(
    st.builds(Pupil, _names, st.sampled_from(_NUMBERS), st.sampled_from([None, 10, 17, 18]), _places, _held),
    min_size=1,
    max_size=MOST_STUDENTS,
).map(tuple)
_parents = st.lists(st.builds(Parent, _names, _held), min_size=1, max_size=MOST_GUARDIANS).map(tuple)
_restriction = st.integers(-2, 1).flatmap(
    lambda first: st.tuples(st.just(first), st.none() | st.integers(first, 2), st.booleans())
)
_at = st.frozensets(st.sampled_from([1, 1, 2, None]), min_size=1, max_size=2)
_staff = st.builds(
    Looker,
    capacity=st.just(Capacity.STAFF),
    roles=st.dictionaries(
        st.sampled_from([Role.DESIGNEE, Role.REGISTRAR, Role.REPORTER, Role.TECHNOLOGY, Role.ADMINISTRATOR]),
        _at,
        max_size=2,
    ),
    second_factor=st.sampled_from([SecondFactor.NOT_NEEDED, *SecondFactor]),
)


@st.composite
def towns(draw: st.DrawFn, *, lookers: int) -> Town:
    """A district and so many who look at it, most of them staff."""
    pupils, parents = draw(_pupils), draw(_parents)
    pairs = [(guardian, student) for guardian in range(len(parents)) for student in range(len(pupils))]
    tied = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=6))
    ties = [
        Tie(
            guardian,
            student,
            draw(st.sampled_from([GuardianshipStatus.CONFIRMED, *GuardianshipStatus])),
            draw(st.booleans()),
            draw(st.booleans()),
            tuple(draw(st.lists(_restriction, max_size=1))),
        )
        for guardian, student in tied
    ]
    family = [
        *(Looker(Capacity.STUDENT, place) for place, pupil in enumerate(pupils) if pupil.account),
        *(Looker(Capacity.GUARDIAN, place) for place, parent in enumerate(parents) if parent.account),
        Looker(None),
    ]
    homes = [
        Home(guardian, student, *sorted(draw(st.tuples(st.integers(-2, 2), st.integers(-2, 2)))))
        for guardian, student in draw(st.lists(st.sampled_from(pairs), unique=True, max_size=2))
    ]
    looking = st.one_of(_staff, _staff, _staff, st.sampled_from(family))
    return Town(pupils, parents, tuple(ties), tuple(draw(looking) for _ in range(lookers)), tuple(homes))


# ------------------------------------------------------------------------------------------------ rows
_FULL: tuple[str, ...] = ("trail_entry", "trail_unsealed")
_FULL += ("household_member", "household", "activation_key")
_FULL += ("login_streak", "restriction", "guardianship", "enrolment", "account", "student", "person", "school")
#: As somebody with all rights: the trail's own triggers let nobody else empty it.
_EMPTY = (
    "SET session_replication_role = replica;"
    + "".join(f"DELETE FROM {table};" for table in _FULL)
    + "SET session_replication_role = origin;"
)


def _said(value: object) -> str:
    """A value of this module's own making as SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def _insert(table: str, columns: str, rows: list[tuple[object, ...]]) -> str:
    lines = ", ".join(f"({', '.join(map(_said, row))})" for row in rows)
    return f"INSERT INTO {table} ({columns}) VALUES {lines};" if rows else ""


def born(age: int | None, today: date) -> date | None:
    return None if age is None else today.replace(year=today.year - age)


async def put_on_record(town: Town, *, now: datetime, today: date) -> None:
    """The district as rows, in place of whatever was there; in one round trip."""
    people = [(STUDENTS + n, pupil.name) for n, pupil in enumerate(town.pupils)]
    people += [(GUARDIANS + n, parent.name) for n, parent in enumerate(town.parents)]
    people.append((STAFF, STAFF_NAME))
    shared = {p.number for p in town.pupils if sum(other.number == p.number for other in town.pupils) > 1}

    def day(offset: int | None) -> date | None:
        return None if offset is None else today + timedelta(days=offset)

    await sql.connection().execute_script(
        _EMPTY
        + _insert("school", "id, name, phone", [(id_, f"School {id_}", None) for id_ in SCHOOLS])
        + _insert(
            "person",
            "id, given, middle, family, preferred",
            [(id_, name.given, name.middle, name.family, name.preferred) for id_, name in people],
        )
        + _insert(
            "student",
            "id, student_number, number_is_shared, ssn_state, birth_date",
            [
                (STUDENTS + n, pupil.number, pupil.number in shared, "NOT_ON_FILE", born(pupil.age, today))
                for n, pupil in enumerate(town.pupils)
            ],
        )
        + _insert(
            "enrolment",
            "student_id, school_id, grade_level, begins_on, ends_on",
            [
                (STUDENTS + n, place.school, place.grade, day(place.begins), day(place.ends))
                for n, pupil in enumerate(town.pupils)
                for place in pupil.places
            ],
        )
        + _insert(
            "account",
            "id, person_id, capacity, status, disabled_reason, username, username_folded, activated_at, "
            "last_login_at, must_change_password",
            [_account(*each, now=now) for each in accounts(town)],
        )
        + _insert(
            "login_streak",
            "id, account_id, failures, in_a_row, began_at, forget_at, secret_version, wait_until",
            [
                (f"account:{id_}", id_, 5, 5, now, now, 1, now + timedelta(hours=held.lock_ends))
                for id_, _, held in accounts(town)
                if held.lock_ends is not None
            ],
        )
        + _insert(
            "activation_key",
            "account_id, nonce, secret_version, digest, state, issued_at, expires_at",
            [
                (
                    *(id_, f"\\x{id_:032x}", 1, f"\\x{id_:064x}", "CURRENT", now - timedelta(days=9)),
                    None if expires is None else now + timedelta(hours=expires),
                )
                for id_, _, held in accounts(town)
                for expires in held.keys
            ],
        )
        + _insert("household", "id, name", [(n + 1, "Home") for n, _ in enumerate(town.homes)])
        + _insert(
            "household_member",
            "household_id, person_id, is_secondary, begins_on, ends_on",
            [
                member
                for n, home in enumerate(town.homes)
                for member in (
                    (n + 1, GUARDIANS + home.guardian, False, day(home.begins), day(home.ends)),
                    (n + 1, STUDENTS + home.student, False, None, None),
                )
            ],
        )
        + _insert(
            "guardianship",
            "id, guardian_id, student_id, relationship, status, portal_access, adult_access, decided_by, confirmed_at, "
            "revoked_at",
            [
                (
                    *(n + 1, GUARDIANS + tie.guardian, STUDENTS + tie.student, "mother", tie.status.value),
                    *(tie.portal_access, tie.adult_access, "ROSTER", now),
                    now if tie.status is GuardianshipStatus.REVOKED else None,
                )
                for n, tie in enumerate(town.ties)
            ],
        )
        + _insert(
            "restriction",
            "guardianship_id, kind, begins_on, ends_on, lifted_at, decided_by",
            [
                (n + 1, "no contact", day(first), day(last), now if lifted else None, "REGISTRAR")
                for n, tie in enumerate(town.ties)
                for first, last, lifted in tie.restrictions
            ],
        )
    )


def accounts(town: Town) -> list[tuple[int, Capacity, Held]]:
    """All accounts that are on record. An account has the id of its holder here."""
    return [
        *((STUDENTS + n, Capacity.STUDENT, pupil.account) for n, pupil in enumerate(town.pupils) if pupil.account),
        *(
            (GUARDIANS + n, Capacity.GUARDIAN, parent.account)
            for n, parent in enumerate(town.parents)
            if parent.account
        ),
        (STAFF, Capacity.STAFF, Held(AccountStatus.ACTIVE, None, None)),
    ]


def _account(id_: int, capacity: Capacity, held: Held, *, now: datetime) -> tuple[object, ...]:
    opened = held.status is not AccountStatus.NOT_ACTIVATED
    return (
        *(id_, id_, capacity.value, held.status.value),
        DisabledReason.STAFF_DECISION.value if held.status is AccountStatus.DISABLED else None,
        *((f"user{id_}", f"user{id_}", now) if opened else (None, None, None)),
        None if held.last_login is None else now + timedelta(days=held.last_login),
        held.must_change,
    )

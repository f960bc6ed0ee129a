"""Who asks, from where, when, and under which rules: what every step needs to know and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from db.languages import Language
from db.rules import Rules

if TYPE_CHECKING:
    from db.hashing import PasswordHasher
    from db.secrets import Keyring
    from db.watching import Watch


class Capacity(StrEnum):
    """In what capacity a person holds an account; one account for each."""

    GUARDIAN = "GUARDIAN"
    STUDENT = "STUDENT"
    STAFF = "STAFF"


class Role(StrEnum):
    """The policy table's roles: those of guardians and students follow their capacity, staff are assigned theirs."""

    GUARDIAN = "guardian"
    STUDENT = "student"
    DESIGNEE = "designee"
    REGISTRAR = "registrar"
    TECHNOLOGY = "technology"
    REPORTER = "reporter"
    ADMINISTRATOR = "administrator"


class SecondFactor(StrEnum):
    """Where a session stands with the second factor that staff sign in with."""

    #: Nobody asks for one: guardians, students, and staff where the district leaves it to them.
    NOT_NEEDED = "not_needed"
    #: Given a short while ago.
    FRESH = "fresh"
    #: Given in this session, but too long ago for an action: it is asked for again.
    STALE = "stale"
    #: Needed, and not set up.
    MISSING = "missing"


#: Roles that act on other people's accounts and records: theirs is the second factor.
SECOND_FACTOR_ROLES = frozenset({Role.DESIGNEE, Role.REGISTRAR, Role.TECHNOLOGY, Role.ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class Viewer:
    """The signed-in person, in one capacity, through one session."""

    account_id: int
    person_id: int
    session_id: int
    capacity: Capacity
    username: str
    #: The schools of each staff role; `None` among them stands for the whole district.
    staff_roles: Mapping[Role, frozenset[int | None]]
    second_factor: SecondFactor = SecondFactor.NOT_NEEDED
    #: The service client through which this person asks, where it is through one: its roles are the most there are.
    through: "Service | None" = None

    @property
    def roles(self) -> tuple[Role, ...]:
        """All roles that the policy table may be asked about for this person."""
        if self.capacity is Capacity.STAFF:
            return tuple(self.staff_roles)
        role = Role.GUARDIAN if self.capacity is Capacity.GUARDIAN else Role.STUDENT
        return (role,) if self.through is None or role in self.through.allowed else ()

    @property
    def schools(self) -> frozenset[int]:
        """The schools at which there is a staff role; none for one in the whole district."""
        return frozenset(id_ for ids in self.staff_roles.values() for id_ in ids if id_ is not None)


@dataclass(frozen=True, slots=True)
class Service:
    """A program that calls, as the district lets it in: what it may be used for at most."""

    id: int
    #: The schools of each role in which somebody may act through it; `None` among them stands for the whole district.
    allowed: Mapping[Role, frozenset[int | None]]
    #: Whether it may ask by itself, without anybody signed in.
    acts_alone: bool = False
    #: The key that it showed; None for a public one, which has none.
    key_id: int | None = None

    def narrowed(self, roles: Mapping[Role, frozenset[int | None]]) -> dict[Role, frozenset[int | None]]:
        """What is left of somebody's roles through this client: role by role, and school by school."""
        left = {role: _in_both(schools, self.allowed.get(role, frozenset())) for role, schools in roles.items()}
        return {role: schools for role, schools in left.items() if schools}

    @property
    def staff_roles(self) -> Mapping[Role, frozenset[int | None]]:
        return self.allowed

    @property
    def roles(self) -> tuple[Role, ...]:
        """All roles that the policy table may be asked about when it asks by itself."""
        return tuple(self.allowed)

    @property
    def second_factor(self) -> SecondFactor:
        """Its key is 256 bits long and never typed: there is no second one."""
        return SecondFactor.NOT_NEEDED

    @property
    def schools(self) -> frozenset[int]:
        """The schools at which it may be used; none for one in the whole district."""
        return frozenset(id_ for ids in self.allowed.values() for id_ in ids if id_ is not None)


def _in_both(one: frozenset[int | None], other: frozenset[int | None]) -> frozenset[int | None]:
    """The schools that both have; `None`, the whole district, has all of them."""
    if None in one:
        return other
    return one if None in other else one & other


@dataclass(frozen=True, slots=True)
class Context:
    """One request. `now` is read once, so that everything in a request happens at the same time."""

    now: datetime
    address: str
    client: str
    #: Of what is said to the person who asks, as far as the client told.
    language: Language
    request_id: str
    rules: Rules
    keys: "Keyring"
    hasher: "PasswordHasher"
    viewer: Viewer | None = None
    #: The program through which the request came, where it is one of the district's service clients.
    service: Service | None = None
    #: What tells of changes, where the request came by a connection that stays.
    watch: "Watch | None" = None

    @property
    def asker(self) -> Viewer | Service | None:
        """Whoever asks how accounts stand: the person who is signed in, or a program that asks by itself.

        What a person alone may do asks `viewer`, which a program never is.
        """
        if self.viewer is None and self.service is not None and self.service.acts_alone:
            return self.service
        return self.viewer

    @property
    def today(self) -> date:
        """The calendar day in the district's time zone."""
        return self.now.astimezone(self.rules.zone).date()

    @property
    def network(self) -> str:
        """What counts as one client: the IPv4 address, or the /64 network that one IPv6 customer has for himself."""
        try:
            address = ip_address(self.address)
        except ValueError:
            return self.address
        return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)

    def seen_as(self, viewer: Viewer | None) -> "Context":
        """The same request after somebody signed in or out in it."""
        return replace(self, viewer=viewer)

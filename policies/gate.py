"""The gate: asks the Casbin table, remembers its answers, and says which row decided or which facts are missing."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from threading import Lock

import casbin

from db.context import SECOND_FACTOR_ROLES, Context, Role, SecondFactor, Service, Viewer
from policies.guardianship import Standing
from policies.refusals import MissingFact, NotAllowed
from policies.table import Row, load_table, read_table
from policies.words import ANY, READING, Action, Proof, Scope

_HERE = files("policies")
#: A person who is signed in, or a program that asks by itself.
Asker = Viewer | Service
_BY_SCHOOL = frozenset({Scope.SAME_SCHOOL, Scope.SAME_DISTRICT})
#: What is of the same school is of the same district too, and what is nowhere is nowhere.
_WITH_WIDER: dict[Scope, tuple[Scope, ...]] = {
    Scope.SAME_SCHOOL: (Scope.SAME_SCHOOL, Scope.SAME_DISTRICT),
    Scope.NONE: (),
}
# Casbin writes each denial with its subject to the log: people's doings belong in the trail, nowhere else.
logging.getLogger("casbin").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is so, apart from who asks and for what. Anything not stated is the least of its kind."""

    #: What is the asker's own: the account, the record, the student. How near the rest is, `schools` tells.
    scope: Scope = Scope.NONE
    guardianship: Standing = Standing.NONE
    verification: Proof = Proof.NONE
    #: For staff: the schools to which it belongs today, perhaps none; None when it is nothing of the district's.
    schools: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes with the row that decided, or no with what is missing."""

    allowed: bool
    rule: str | None = None
    missing: tuple[MissingFact, ...] = ()

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the table says to one role in one situation: the row that says yes, or what is missing for a yes."""

    row: Row | None
    missing: tuple[MissingFact, ...]


_NO_SECOND_FACTOR = Decision(allowed=False, missing=(MissingFact.SECOND_FACTOR,))


class Gate:
    """A policy table, loaded once. Safe to ask from several threads."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)
        self._enforcer = casbin.Enforcer(str(_HERE / "model.conf"))
        self._enforcer.add_policies([list(row.cells) for row in self.rows])
        self._remembered: dict[tuple[Role, Scope, Action, Standing, Proof], Decision] = {}
        self._denied: dict[tuple[Role, tuple[Scope, ...], Action, Standing, Proof], Decision] = {}
        self._lock = Lock()

    @classmethod
    def of(cls, table: str) -> "Gate":
        """From the text of a table. Raises `policies.table.TableRefused`."""
        return cls(read_table(table))

    def may(self, viewer: Asker | None, action: Action, facts: Facts, *, looking: bool = False) -> Decision:
        """Whether any of the asker's roles may do this. Anything unknown, and anything that goes wrong, is no.

        With `looking`, the request only looks at what the action is about, as a search or a queue does: a second factor
        that was given a while ago is enough then.
        """
        if viewer is None:
            return Decision(allowed=False, missing=(MissingFact.SIGNED_IN,))
        nearest: Decision | None = None
        for role in viewer.roles:
            decision = self._for_role(viewer, role, action, facts, looking=looking)
            if decision.allowed:
                return decision
            if nearest is None or _distance(decision) < _distance(nearest):
                nearest = decision
        # A no counts as false, so that it is asked for by name whether there is one.
        return Decision(allowed=False, missing=(MissingFact.ROLE,)) if nearest is None else nearest

    def require(self, viewer: Asker | None, action: Action, facts: Facts, *, looking: bool = False) -> Decision:
        """As `may`, for a step that cannot go on without a yes.

        Raises:
            NotAllowed: with the missing facts.
        """
        decision = self.may(viewer, action, facts, looking=looking)
        if not decision:
            raise NotAllowed(decision.missing)
        return decision

    def explain(self, role: Role, scope: Scope, action: Action, guardianship: Standing, proof: Proof) -> Explanation:
        """What the table says to this role in this situation, as the gate itself would be told."""
        decision = self._first(role, _WITH_WIDER.get(scope, (scope,)), action, guardianship, proof)
        row = next((row for row in self.rows if row.text == decision.rule), None)
        return Explanation(row, decision.missing)

    def _for_role(self, viewer: Asker, role: Role, action: Action, facts: Facts, *, looking: bool) -> Decision:
        scopes = _scopes(viewer, role, facts)
        decision = self._first(role, scopes, action, facts.guardianship, facts.verification)
        if _BY_SCHOOL.isdisjoint(scopes) or _second_factor(viewer, role, looks=looking or action in READING):
            return decision
        # Whoever has a stolen password and nothing else learns from a no neither guardianship nor verification.
        return decision if MissingFact.ROLE in decision.missing else _NO_SECOND_FACTOR

    def _first(
        self, role: Role, scopes: tuple[Scope, ...], action: Action, guardianship: Standing, proof: Proof
    ) -> Decision:
        """The first yes on the way from the nearest scope to the widest, or what is missing for one."""
        for scope in scopes:
            decision = self._decide(role, scope, action, guardianship, proof)
            if decision.allowed:
                return decision
        question = (role, scopes, action, guardianship, proof)
        known = self._denied.get(question)
        if known is None:
            known = self._denied[question] = Decision(allowed=False, missing=self._missing(*question))
        return known

    def _decide(self, role: Role, scope: Scope, action: Action, guardianship: Standing, proof: Proof) -> Decision:
        question = (role, scope, action, guardianship, proof)
        known = self._remembered.get(question)
        if known is None:
            try:
                with self._lock:
                    known = self._ask(*question)
            except Exception:
                # Not remembered: the next one who asks may have better luck.
                logging.getLogger(__name__).exception("the policy table could not be asked")
                return Decision(allowed=False)
            self._remembered[question] = known
        return known

    def _ask(self, role: Role, scope: Scope, action: Action, guardianship: Standing, proof: Proof) -> Decision:
        allowed, row = self._enforcer.enforce_ex(role.value, scope.value, action.value, guardianship.value, proof.value)
        return Decision(allowed=True, rule=", ".join(row)) if allowed else Decision(allowed=False)

    def _missing(
        self, role: Role, scopes: tuple[Scope, ...], action: Action, guardianship: Standing, proof: Proof
    ) -> tuple[MissingFact, ...]:
        """The shortest list of facts that would make a row of the table say yes; a role, where nothing else would."""
        lists = [
            lacking
            for row in self.rows
            if row.role is role and row.action is action
            if (lacking := _lacking(row, scopes, guardianship, proof)) is not None
        ]
        return min(lists, key=len, default=None) or (MissingFact.ROLE,)


@lru_cache
def _loaded(path: Path | None) -> Gate:
    return Gate(load_table(path))


def gate_of(ctx: Context) -> Gate:
    """The gate with the table of this deployment, which was read when it was first asked for: at the start.

    Raises:
        TableRefused, OSError: when the table cannot be used; `app` asks for it before anything is served.
    """
    return _loaded(ctx.rules.policy_table)


def load_gate(path: Path | None) -> Gate:
    """As `gate_of`, for the start. A table that is in order is read once in the life of a process."""
    return _loaded(path)


def _scopes(viewer: Asker, role: Role, facts: Facts) -> tuple[Scope, ...]:
    """The words for how near it is to the viewer in this role."""
    if facts.scope is not Scope.NONE:
        # What is of the same school is worked out here for each role, and never taken as said.
        return (facts.scope,) if facts.scope in (Scope.OWN, Scope.OWN_STUDENT) else ()
    schools = viewer.staff_roles.get(role)
    if schools is None or facts.schools is None:
        return ()
    if None in schools or not schools.isdisjoint(facts.schools):
        return _WITH_WIDER[Scope.SAME_SCHOOL]
    return (Scope.SAME_DISTRICT,)


def _second_factor(viewer: Asker, role: Role, *, looks: bool) -> bool:
    """Whether the session stands well enough with its second factor for this."""
    if role not in SECOND_FACTOR_ROLES or viewer.second_factor in {SecondFactor.NOT_NEEDED, SecondFactor.FRESH}:
        return True
    return viewer.second_factor is SecondFactor.STALE and looks


def _lacking(
    row: Row, scopes: tuple[Scope, ...], guardianship: Standing, proof: Proof
) -> tuple[MissingFact, ...] | None:
    """What is missing for this row to say yes; None where nobody could supply it."""
    lacking = []
    if row.scope not in scopes:
        # The staff of that school could do it; in no other way does anybody come nearer.
        if row.scope is not Scope.SAME_SCHOOL or Scope.SAME_DISTRICT not in scopes:
            return None
        lacking.append(MissingFact.SAME_SCHOOL)
    if row.guardianship not in {ANY, guardianship}:
        # Nobody becomes the student, or ceases to be; anything else the registrar can put right, or not.
        if row.guardianship != Standing.CONFIRMED or guardianship is Standing.SELF:
            return None
        lacking.append(MissingFact.GUARDIANSHIP_CONFIRMED)
    if row.verification not in {ANY, proof}:
        if row.verification != Proof.PASSED:
            return None
        lacking.append(MissingFact.VERIFICATION_PASSED)
    return tuple(lacking)


def _distance(decision: Decision) -> tuple[bool, int]:
    """How far a no is from a yes: one that only another role would help is further than any other."""
    return MissingFact.ROLE in decision.missing, len(decision.missing)

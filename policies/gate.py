"""The gate: asks the Casbin table, remembers its answers, and says which row decided."""

import csv
import logging
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from threading import Lock

import casbin

from db.context import Role, Viewer
from policies.guardianship import Standing
from policies.refusals import MissingFact, NotAllowed

_HERE = files("policies")
# Casbin writes each denial with its subject to the log: people's doings belong in the trail, nowhere else.
logging.getLogger("casbin").setLevel(logging.CRITICAL)


class Scope(StrEnum):
    """How near the thing asked about is to who asks."""

    OWN = "own"
    OWN_STUDENT = "own_student"
    NONE = "none"


class Action(StrEnum):
    """The actions of the policy table."""

    ACCOUNT_READ = "account:read"
    ACCOUNT_MANAGE = "account:manage"
    STUDENT_READ = "student:read"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is so, apart from who asks and for what. Anything not stated is the least of its kind."""

    scope: Scope = Scope.NONE
    guardianship: Standing = Standing.NONE
    verification: str = "none"


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes with the row that decided, or no with what is missing."""

    allowed: bool
    rule: str | None = None
    missing: tuple[MissingFact, ...] = ()

    def __bool__(self) -> bool:
        return self.allowed


class Gate:
    """A policy table, loaded once. Safe to ask from several threads."""

    def __init__(self, table: str) -> None:
        self._enforcer = casbin.Enforcer(str(_HERE / "model.conf"))
        self._rows = [tuple(row.values()) for row in csv.DictReader(table.splitlines())]
        self._enforcer.add_policies([list(row) for row in self._rows])
        self._remembered: dict[tuple[Role, Action, Facts], Decision] = {}
        self._lock = Lock()

    def may(self, viewer: Viewer | None, action: Action, facts: Facts) -> Decision:
        """Whether any of the viewer's roles may do this. Anything unknown, and anything that goes wrong, is no."""
        if viewer is None:
            return Decision(allowed=False, missing=(MissingFact.SIGNED_IN,))
        decision = Decision(allowed=False, missing=(MissingFact.ROLE,))
        for role in viewer.roles:
            decision = self._decide(role, action, facts)
            if decision.allowed:
                break
        return decision

    def require(self, viewer: Viewer | None, action: Action, facts: Facts) -> Decision:
        """As `may`, for a step that cannot go on without a yes.

        Raises:
            NotAllowed: with the missing facts.
        """
        decision = self.may(viewer, action, facts)
        if not decision:
            raise NotAllowed(decision.missing)
        return decision

    def _decide(self, role: Role, action: Action, facts: Facts) -> Decision:
        question = (role, action, facts)
        known = self._remembered.get(question)
        if known is None:
            with self._lock:
                known = self._remembered[question] = self._ask(role, action, facts)
        return known

    def _ask(self, role: Role, action: Action, facts: Facts) -> Decision:
        try:
            allowed, row = self._enforcer.enforce_ex(
                role.value, facts.scope.value, action.value, facts.guardianship.value, facts.verification
            )
        except Exception:
            logging.getLogger(__name__).exception("the policy table could not be asked")
            return Decision(allowed=False, missing=(MissingFact.ROLE,))
        if allowed:
            return Decision(allowed=True, rule=", ".join(row))
        return Decision(allowed=False, missing=self._missing(role, action, facts))

    def _missing(self, role: Role, action: Action, facts: Facts) -> tuple[MissingFact, ...]:
        near = [row for row in self._rows if row[:3] == (role.value, facts.scope.value, action.value)]
        if near and all(row[3] == Standing.CONFIRMED for row in near):
            return (MissingFact.GUARDIANSHIP_CONFIRMED,)
        return (MissingFact.ROLE,)


#: The table of this deployment.
gate = Gate((_HERE / "access.csv").read_text(encoding="utf-8"))

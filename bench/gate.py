"""What one decision of the policy gate costs, remembered and asked of the table."""

import time

from bench.plan import Plan
from bench.report import Aim, Row
from db.context import Capacity, Role, Viewer
from policies.gate import Facts, Gate
from policies.guardianship import Standing
from policies.table import load_table
from policies.words import Action, Proof, Scope

_GUARDIAN = Viewer(1, 1, 1, Capacity.GUARDIAN, "maria", {})
_DESIGNEE = Viewer(2, 2, 2, Capacity.STAFF, "dana", {Role.REPORTER: frozenset({2}), Role.DESIGNEE: frozenset({1})})
_SIGHT = Facts(scope=Scope.OWN_STUDENT, guardianship=Standing.CONFIRMED)
_HELP = Facts(guardianship=Standing.CONFIRMED, verification=Proof.PASSED, schools=frozenset({1, 7}))
_REMEMBERED = 20_000
#: Microseconds that one remembered decision may take.
_MOST = 5.0


def measure(plan: Plan) -> list[Row]:
    """A guardian and a student's record, as every read has it; a designee with two roles and somebody's account."""
    rows = load_table(None)
    asked = min(_asked_anew(Gate(rows)) for _ in range(plan.rounds))
    found = []
    for who, viewer, action, facts in (
        ("guardian reads", _GUARDIAN, Action.STUDENT_READ, _SIGHT),
        ("designee with two roles resets", _DESIGNEE, Action.ACCOUNT_RESET, _HELP),
    ):
        gate = Gate(rows)
        if not gate.may(viewer, action, facts):
            raise RuntimeError(f"the gate is shut: {who}")
        remembered = min(_remembered(gate, viewer, action, facts) for _ in range(plan.rounds))
        found += [
            Row(
                f"gate, {who}: remembered, over asked of the table",
                f"{remembered:.2f} µs over {asked:.0f} µs",
                remembered / asked,
            ),
            Row(
                f"gate, {who}: remembered, over 5 µs",
                f"{remembered:.2f} µs over {_MOST:.0f} µs",
                remembered / _MOST,
                Aim(high=1.0),
            ),
        ]
    return found


def _asked_anew(gate: Gate) -> float:
    """Microseconds of one decision that was never taken before: all words of one action, each once."""
    questions = [
        Facts(guardianship=one, verification=other, schools=frozenset()) for one in Standing for other in Proof
    ]
    return _microseconds(gate, _DESIGNEE, Action.ACCOUNT_DETAILS, questions)


def _remembered(gate: Gate, viewer: Viewer, action: Action, facts: Facts) -> float:
    return _microseconds(gate, viewer, action, [facts] * _REMEMBERED)


def _microseconds(gate: Gate, viewer: Viewer, action: Action, questions: list[Facts]) -> float:
    began = time.perf_counter()
    for facts in questions:
        gate.may(viewer, action, facts)
    return (time.perf_counter() - began) * 1_000_000 / len(questions)

"""What one decision of the policy gate costs, remembered and asked of the table."""

import time
from importlib.resources import files

from bench.plan import Plan
from bench.report import Row
from db.context import Capacity, Viewer
from policies.gate import Action, Facts, Gate, Scope
from policies.guardianship import Standing

_VIEWER = Viewer(account_id=1, person_id=1, session_id=1, capacity=Capacity.GUARDIAN, username="maria", staff_roles={})
_REMEMBERED = 20_000
_ASKED = 40


def measure(plan: Plan) -> list[Row]:
    """A guardian and a student's record, as every read of a student has it."""
    table = (files("policies") / "access.csv").read_text(encoding="utf-8")
    gate = Gate(table)
    gate.may(_VIEWER, Action.STUDENT_READ, _facts("warm"))
    times = plan.rounds
    asked = min(_microseconds(gate, [_facts(f"{turn} {n}") for n in range(_ASKED)]) for turn in range(times))
    remembered = min(_microseconds(gate, [_facts("warm")] * _REMEMBERED) for _ in range(times))
    return [
        Row(
            "decision of the gate: remembered, over asked of the table",
            f"{remembered:.2f} µs over {asked:.0f} µs",
            remembered / asked,
        )
    ]


def _facts(verification: str) -> Facts:
    return Facts(scope=Scope.OWN_STUDENT, guardianship=Standing.CONFIRMED, verification=verification)


def _microseconds(gate: Gate, questions: list[Facts]) -> float:
    began = time.perf_counter()
    for facts in questions:
        gate.may(_VIEWER, Action.STUDENT_READ, facts)
    return (time.perf_counter() - began) * 1_000_000 / len(questions)

"""What a diagnosis says is so: whatever is on record, a guardian sees a student when no gate fails, and only then.

The oracle is `resolvers.portal.students`, asked as the guardian at that very moment.
"""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.context import TortoiseContext

from db.context import Capacity, Context, Role, Viewer
from db.models import AccountStatus, GateName, GateState
from policies.table import SHIPPED
from resolvers import portal
from resolvers.diagnosis import AccessDiagnosed, access_diagnosis, who_can_see
from tests.generated_districts import GUARDIANS, STUDENTS, Held, Town, put_on_record, towns

#: The shipped table lacks neither; a district's own one may show no student to any guardian, or let no guardian in.
_LEFT_OUT = {
    "nobody": "guardian,own_student,student:read,confirmed,any",
    "not in": "guardian,own,account:read,any,any",
}
#: Days from today on: some near, and those around the birthday of whoever is seventeen today.
AHEAD = st.lists(st.integers(1, 5) | st.integers(360, 366), min_size=1, max_size=3, unique=True)
TABLES = st.sampled_from(["shipped", "shipped", "shipped", "nobody", "not in"])
_ANYWAY = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)


@cache
def _table(name: str) -> Path | None:
    """A table as a file."""
    if name == "shipped":
        return None
    left_out = _LEFT_OUT[name]
    lines = [line for line in SHIPPED.read_text(encoding="utf-8").splitlines(keepends=True) if line.strip() != left_out]
    file = Path(mkdtemp(prefix="portal-tables-")) / "access.csv"
    file.write_text("".join(lines), encoding="utf-8")
    return file


def _technician(ctx: Context) -> Context:
    return ctx.seen_as(Viewer(9, 9, 9, Capacity.STAFF, "tess", {Role.TECHNOLOGY: frozenset({None})}))


async def _sees(ctx: Context, guardian: int, held: Held | None, student: int, entered: datetime) -> bool:
    """Whether the guardian can sign in now, said in plain words, and the student is then shown."""
    if held is None or held.status is not AccountStatus.ACTIVE or held.must_change:
        return False
    if held.lock_ends is not None and entered + timedelta(hours=held.lock_ends) > ctx.now:
        return False
    signed_in = ctx.seen_as(Viewer(guardian, guardian, 1, Capacity.GUARDIAN, "somebody", {}))
    shown = await portal.students(signed_in, student)
    return bool(shown) and await portal.holder(signed_in) is not None


async def _told(ctx: Context, guardian: int, student: int, on: date) -> AccessDiagnosed:
    found = await access_diagnosis(_technician(ctx), guardian, student, on)
    assert found is not None
    return found


def _states(found: AccessDiagnosed) -> dict[GateName, GateState]:
    return {name: gate.state for name, gate in found.diagnosis.day.gates.items()}


def _unfolded(found: AccessDiagnosed, on: date) -> dict[GateName, GateState]:
    """How the gates stand on a later day by the changes that were told."""
    states = _states(found)
    for change in found.diagnosis.changes:
        if change.on <= on:
            states |= {name: gate.state for name, gate in change.gates.items()}
    return states


async def _diagnosis_is_sight(ctx: Context, town: Town, ahead: list[int], table: str) -> None:
    await put_on_record(town, now=ctx.now, today=ctx.today)
    ctx = replace(ctx, rules=ctx.rules.model_copy(update={"policy_table": _table(table)}))
    for which, parent in enumerate(town.parents):
        for place in range(len(town.pupils)):
            guardian, student = GUARDIANS + which, STUDENTS + place
            now = await _told(ctx, guardian, student, ctx.today)
            assert list(now.diagnosis.day.gates) == list(GateName)
            assert now.diagnosis.day.can_see == await _sees(ctx, guardian, parent.account, student, ctx.now)
            assert now.diagnosis.day.can_see == (GateState.FAILS not in _states(now).values())
            for gate in now.diagnosis.day.gates.values():
                assert (gate.remedy is None) == (gate.owner is None) == (gate.state is not GateState.FAILS)
            for days in ahead:
                on = ctx.today + timedelta(days=days)
                later = replace(ctx, now=datetime.combine(on, time(), ctx.rules.zone))
                foretold = await _told(ctx, guardian, student, on)
                assert foretold.diagnosis == (await _told(later, guardian, student, on)).diagnosis
                assert foretold.diagnosis.day.can_see == await _sees(later, guardian, parent.account, student, ctx.now)
                assert _states(foretold) == _unfolded(now, on)
    await _all_of_them_say_the_same(ctx, town)


async def _all_of_them_say_the_same(ctx: Context, town: Town) -> None:
    for place in range(len(town.pupils)):
        student = STUDENTS + place
        told = await who_can_see(_technician(ctx), student, ctx.today)
        assert sorted(each.guardian.id for each in told) == sorted(
            GUARDIANS + tie.guardian for tie in town.ties if tie.student == place
        )
        seeing = [each.diagnosis.day.can_see for each in told]
        assert seeing == sorted(seeing, reverse=True)
        for each in told:
            assert each == await _told(ctx, each.guardian.id, student, ctx.today)


@settings(max_examples=60, deadline=None, suppress_health_check=_ANYWAY)
@given(town=towns(lookers=0), ahead=AHEAD, table=TABLES)
async def test_a_guardian_sees_a_student_when_no_gate_fails(
    database: TortoiseContext, ctx: Context, town: Town, ahead: list[int], table: str
) -> None:
    await _diagnosis_is_sight(ctx, town, ahead, table)


@pytest.mark.full
@settings(max_examples=1000, deadline=None, suppress_health_check=_ANYWAY)
@given(town=towns(lookers=0), ahead=AHEAD, table=TABLES)
async def test_a_guardian_sees_a_student_when_no_gate_fails_whatever_is_on_record(
    database: TortoiseContext, ctx: Context, town: Town, ahead: list[int], table: str
) -> None:
    await _diagnosis_is_sight(ctx, town, ahead, table)

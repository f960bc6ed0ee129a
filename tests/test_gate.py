"""Who may do what: the policy table cell by cell, against a table of our own; and what a guardianship amounts to."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from itertools import product
from typing import Any, cast

import pytest

from db.context import Capacity, Context, Role, Viewer
from db.models import GuardianshipStatus
from policies.gate import Action, Facts, Gate, Scope, gate
from policies.guardianship import GuardianshipFacts, Standing, of_age, standing
from policies.refusals import MissingFact, NotAllowed

TABLE = (files("policies") / "access.csv").read_text(encoding="utf-8")
HEADER, *ROWS = TABLE.splitlines()
STAFF = (Role.DESIGNEE, Role.REGISTRAR, Role.TECHNOLOGY, Role.REPORTER, Role.ADMINISTRATOR)
VERIFICATIONS = ("none", "any", "passed", "failed", "")

Cell = tuple[Role, Scope, Action, Standing]
CELLS: list[Cell] = list(product(Role, Scope, Action, Standing))


def expected(role: Role, scope: Scope, action: Action, guardianship: Standing) -> bool:
    """The rules in plain words, written without a look at the table.

    Everybody reads and manages the own account. A student reads the own record. A guardian reads the record of a
    student whose guardianship amounts to confirmed today, and of nobody else. Staff see no record in the portal.
    """
    if scope is Scope.OWN and action in {Action.ACCOUNT_READ, Action.ACCOUNT_MANAGE}:
        return True
    if role is Role.STUDENT:
        return scope is Scope.OWN and action is Action.STUDENT_READ
    if role is Role.GUARDIAN:
        return scope is Scope.OWN_STUDENT and action is Action.STUDENT_READ and guardianship is Standing.CONFIRMED
    return False


def viewer(*roles: Role) -> Viewer:
    """Somebody who has these roles and no other."""
    capacity = {Role.GUARDIAN: Capacity.GUARDIAN, Role.STUDENT: Capacity.STUDENT}.get(
        roles[0] if roles else Role.DESIGNEE, Capacity.STAFF
    )
    assigned: dict[Role, frozenset[int | None]] = {role: frozenset({None}) for role in roles if role in STAFF}
    return Viewer(1, 1, 1, capacity, "somebody", assigned)


def decisions(asked: Gate, *roles: Role) -> dict[Cell, bool]:
    """What a gate says to these roles, or to all of them, in every situation."""
    return {
        (role, scope, action, guardianship): bool(
            asked.may(viewer(role), action, Facts(scope=scope, guardianship=guardianship))
        )
        for role, scope, action, guardianship in CELLS
        if not roles or role in roles
    }


EXPECTED = {cell: expected(*cell) for cell in CELLS}


def as_expected(table: str, role: str) -> bool:
    """Whether a table says to one role what the rules say."""
    said = decisions(Gate(table), Role(role))
    return said == {cell: EXPECTED[cell] for cell in said}


# ------------------------------------------------------------------------------------------------ the table
@pytest.mark.parametrize("role", list(Role))
def test_each_cell_of_the_table_is_as_the_rules_say(role: Role) -> None:
    for scope, action, guardianship, verification in product(Scope, Action, Standing, VERIFICATIONS):
        facts = Facts(scope=scope, guardianship=guardianship, verification=verification)
        decided = gate.may(viewer(role), action, facts)
        said = (role.value, scope.value, action.value, guardianship.value, verification)
        assert bool(decided) == expected(role, scope, action, guardianship), said


def test_some_cells_are_yes_and_most_are_no() -> None:
    assert sum(EXPECTED.values()) == len(Role) * 2 * len(Standing) + len(Standing) + 1
    assert len(CELLS) == len(Role) * len(Scope) * len(Action) * len(Standing)


@pytest.mark.parametrize("row", ROWS)
def test_no_row_can_be_taken_away_unnoticed(row: str) -> None:
    role = row.split(",", maxsplit=1)[0]
    assert as_expected(TABLE, role)
    assert not as_expected("\n".join([HEADER, *(kept for kept in ROWS if kept != row)]), role)


@pytest.mark.parametrize("row", ROWS)
def test_no_row_can_be_loosened_unnoticed(row: str) -> None:
    role, scope, action, guardianship, verification = row.split(",")
    looser = []
    if guardianship != "any":
        looser.append(",".join((role, scope, action, "any", verification)))
    looser += [",".join((role, other, action, guardianship, verification)) for other in Scope if other != scope]
    for loosened in looser:
        table = "\n".join([HEADER, *(loosened if kept == row else kept for kept in ROWS)])
        assert not as_expected(table, role), loosened


def test_a_row_says_only_words_that_the_code_knows() -> None:
    assert HEADER == "role,scope,action,guardianship,verification"
    for row in ROWS:
        role, scope, action, guardianship, verification = row.split(",")
        assert role in set(Role)
        assert scope in set(Scope)
        assert action in set(Action)
        assert guardianship == "any" or guardianship in set(Standing)
        assert verification == "any"
    assert len(set(ROWS)) == len(ROWS)


def test_a_yes_names_the_row_that_decided() -> None:
    for cell, allowed in EXPECTED.items():
        role, scope, action, guardianship = cell
        decided = gate.may(viewer(role), action, Facts(scope=scope, guardianship=guardianship))
        if allowed:
            assert (decided.rule or "").replace(", ", ",") in ROWS, cell
            assert decided.missing == ()
        else:
            assert decided.rule is None
            assert decided.missing, cell


def test_what_is_missing_is_confirmation_only_where_that_would_be_enough() -> None:
    for (role, scope, action, guardianship), allowed in EXPECTED.items():
        if allowed:
            continue
        would_do = expected(role, scope, action, Standing.CONFIRMED)
        decided = gate.may(viewer(role), action, Facts(scope=scope, guardianship=guardianship))
        assert decided.missing == ((MissingFact.GUARDIANSHIP_CONFIRMED if would_do else MissingFact.ROLE),)


# ------------------------------------------------------------------------------------------------ who asks
def test_nobody_may_do_anything() -> None:
    for scope, action, guardianship in product(Scope, Action, Standing):
        decided = gate.may(None, action, Facts(scope=scope, guardianship=guardianship))
        assert not decided
        assert decided.missing == (MissingFact.SIGNED_IN,)


def test_staff_without_a_role_may_do_nothing() -> None:
    idle = viewer()
    assert idle.roles == ()
    for scope, action, guardianship in product(Scope, Action, Standing):
        assert not gate.may(idle, action, Facts(scope=scope, guardianship=guardianship))


def test_of_several_roles_one_is_enough() -> None:
    reads_only = Gate("\n".join([HEADER, "reporter,own,account:read,any,any"]))
    both = viewer(Role.DESIGNEE, Role.REPORTER)
    assert reads_only.may(both, Action.ACCOUNT_READ, Facts(scope=Scope.OWN))
    assert not reads_only.may(viewer(Role.DESIGNEE), Action.ACCOUNT_READ, Facts(scope=Scope.OWN))


def test_a_member_of_staff_acts_as_staff_alone() -> None:
    """Staff who are parents too have another account for that: roles do not add up across capacities."""
    assert viewer(*STAFF).roles == STAFF
    confirmed = Facts(scope=Scope.OWN_STUDENT, guardianship=Standing.CONFIRMED)
    assert not gate.may(viewer(*STAFF), Action.STUDENT_READ, confirmed)
    parent = replace(viewer(Role.GUARDIAN), staff_roles={Role.ADMINISTRATOR: frozenset({None})})
    assert parent.roles == (Role.GUARDIAN,)


def test_a_step_that_needs_a_yes_is_refused_with_what_is_missing() -> None:
    with pytest.raises(NotAllowed) as refused:
        gate.require(None, Action.ACCOUNT_MANAGE, Facts(scope=Scope.OWN))
    assert refused.value.missing == (MissingFact.SIGNED_IN,)
    assert gate.require(viewer(Role.STUDENT), Action.ACCOUNT_MANAGE, Facts(scope=Scope.OWN))


# ------------------------------------------------------------------------------------------------ the unknown
def test_facts_that_nobody_stated_are_the_least_of_their_kind() -> None:
    assert Facts() == Facts(Scope.NONE, Standing.NONE, "none")
    for role, action in product(Role, Action):
        assert not gate.may(viewer(role), action, Facts())


@pytest.fixture
def quiet() -> Iterator[None]:
    """The gate reports what went wrong; here that is what is wanted."""
    reports = logging.getLogger("policies.gate")
    disabled, reports.disabled = reports.disabled, True
    yield
    reports.disabled = disabled


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("unknown", ["any", "*", "elsewhere", "", None, 7, pytest.param(object(), id="x")], ids=repr)
def test_whatever_the_table_cannot_be_asked_about_is_no(unknown: Any) -> None:
    for role in Role:
        for action in Action:
            assert not gate.may(viewer(role), action, Facts(scope=unknown))
            assert not gate.may(viewer(role), action, Facts(scope=Scope.OWN_STUDENT, guardianship=unknown))
        assert not gate.may(viewer(role), cast("Any", unknown), Facts(scope=Scope.OWN))
    stranger = replace(viewer(), staff_roles={cast("Any", unknown): frozenset({None})})
    assert not gate.may(stranger, Action.ACCOUNT_READ, Facts(scope=Scope.OWN))


@pytest.mark.usefixtures("quiet")
def test_a_gate_that_breaks_is_shut() -> None:
    """A table with a column too few makes Casbin raise, whatever is asked."""
    broken = Gate(TABLE)
    broken._enforcer.model["p"]["p"].policy = [["guardian", "own", "account:read"]]
    for role, action in product(Role, Action):
        decided = broken.may(viewer(role), action, Facts(scope=Scope.OWN))
        assert not decided
        assert decided.rule is None


def test_an_empty_table_is_no_to_everybody() -> None:
    assert not any(decisions(Gate(HEADER)).values())


def test_an_answer_is_the_same_the_second_time() -> None:
    remembering = Gate(TABLE)
    assert decisions(remembering) == decisions(remembering) == EXPECTED


# ------------------------------------------------------------------------------------------------ the computed fact
TODAY = date(2026, 10, 5)
CHILD = date(2013, 4, 9)
GROWN = date(2008, 10, 5)
GOOD = GuardianshipFacts(
    status=GuardianshipStatus.CONFIRMED, portal_access=True, restricted=False, birth_date=CHILD, adult_access=False
)
CLAIMED, REVOKED = GuardianshipStatus.CLAIMED, GuardianshipStatus.REVOKED


@pytest.mark.parametrize(
    ("changed", "seeing", "amounts_to"),
    [
        ({}, True, Standing.CONFIRMED),
        ({}, False, Standing.CONFIRMED),
        ({"status": CLAIMED}, True, Standing.CLAIMED),
        ({"status": CLAIMED}, False, Standing.CLAIMED),
        ({"status": REVOKED}, True, Standing.REVOKED),
        ({"portal_access": False}, True, Standing.UNMARKED),
        # The mark is about seeing: without it a key may be had back, or an account helped with.
        ({"portal_access": False}, False, Standing.CONFIRMED),
        ({"restricted": True}, True, Standing.RESTRICTED),
        ({"restricted": True}, False, Standing.RESTRICTED),
        # A restriction outranks everything.
        ({"restricted": True, "status": REVOKED}, True, Standing.RESTRICTED),
        ({"restricted": True, "status": CLAIMED}, True, Standing.RESTRICTED),
        ({"restricted": True, "portal_access": False}, True, Standing.RESTRICTED),
        ({"restricted": True, "birth_date": GROWN, "adult_access": True}, True, Standing.RESTRICTED),
        # Then what is on record of the guardianship, then the mark, then age.
        ({"status": REVOKED, "portal_access": False}, True, Standing.REVOKED),
        ({"status": CLAIMED, "birth_date": GROWN}, True, Standing.CLAIMED),
        ({"portal_access": False, "birth_date": GROWN}, True, Standing.UNMARKED),
        ({"birth_date": GROWN}, True, Standing.RIGHTS_PASSED),
        ({"birth_date": GROWN}, False, Standing.RIGHTS_PASSED),
        ({"birth_date": GROWN, "adult_access": True}, True, Standing.CONFIRMED),
        ({"birth_date": GROWN + timedelta(days=1)}, True, Standing.CONFIRMED),
        # An unknown birth date is no yes.
        ({"birth_date": None}, True, Standing.RIGHTS_PASSED),
        ({"birth_date": None, "adult_access": True}, True, Standing.CONFIRMED),
    ],
)
def test_a_guardianship_amounts_to(changed: dict[str, Any], seeing: bool, amounts_to: Standing) -> None:  # noqa: FBT001
    assert standing(replace(GOOD, **changed), on=TODAY, seeing=seeing) is amounts_to


def test_no_guardianship_amounts_to_none() -> None:
    assert standing(None, on=TODAY, seeing=True) is Standing.NONE
    assert standing(None, on=TODAY, seeing=False) is Standing.NONE


@pytest.mark.parametrize(
    ("born", "grown_up_on"),
    [
        (date(2008, 10, 5), date(2026, 10, 5)),
        (date(2008, 1, 1), date(2026, 1, 1)),
        (date(2008, 12, 31), date(2026, 12, 31)),
        # Born on a leap day: the day comes when the 29th would have, which is the first of March.
        (date(2008, 2, 29), date(2026, 3, 1)),
        (date(2004, 2, 29), date(2022, 3, 1)),
        (date(2008, 2, 28), date(2026, 2, 28)),
        (date(2008, 3, 1), date(2026, 3, 1)),
    ],
)
def test_rights_pass_on_the_eighteenth_birthday_itself(born: date, grown_up_on: date) -> None:
    assert not of_age(born, grown_up_on - timedelta(days=1))
    assert of_age(born, grown_up_on)
    assert of_age(born, grown_up_on + timedelta(days=1))


def test_whoever_is_born_tomorrow_is_not_of_age() -> None:
    assert not of_age(TODAY + timedelta(days=1), TODAY)
    assert of_age(date(1900, 1, 1), TODAY)


@pytest.mark.parametrize(
    ("now", "zone", "today"),
    [
        # The fifth begins in Chicago at five o'clock in Greenwich, in summer time.
        (datetime(2026, 10, 5, 4, 59, 59, tzinfo=UTC), "America/Chicago", date(2026, 10, 4)),
        (datetime(2026, 10, 5, 5, 0, 0, tzinfo=UTC), "America/Chicago", date(2026, 10, 5)),
        (datetime(2026, 1, 5, 5, 59, 59, tzinfo=UTC), "America/Chicago", date(2026, 1, 4)),
        (datetime(2026, 1, 5, 6, 0, 0, tzinfo=UTC), "America/Chicago", date(2026, 1, 5)),
        (datetime(2026, 10, 5, 9, 59, 59, tzinfo=UTC), "Pacific/Honolulu", date(2026, 10, 4)),
        (datetime(2026, 10, 4, 23, 59, 59, tzinfo=UTC), "Pacific/Guam", date(2026, 10, 5)),
    ],
)
def test_a_day_begins_where_the_district_is(ctx: Context, now: datetime, zone: str, today: date) -> None:
    there = replace(ctx, now=now, rules=ctx.rules.model_copy(update={"timezone": zone}))
    assert there.today == today
    assert of_age(date(2008, 10, 5), there.today) == (today >= date(2026, 10, 5))

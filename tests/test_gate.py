"""Who may do what: the gate in every situation, against rules in plain words; and what a no says is missing."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any, cast

import pytest

from db.context import SECOND_FACTOR_ROLES, Context, Role, SecondFactor
from policies.gate import Decision, Facts, Gate, gate_of
from policies.guardianship import Standing
from policies.refusals import MissingFact, NotAllowed
from policies.table import SHIPPED, load_table
from policies.words import Action, Proof, Scope
from tests.policy_rules import (
    ANOTHERS_ACCOUNT,
    ELSEWHERE,
    HERE,
    OWN_ACCOUNT,
    STAFF,
    Place,
    asker,
    facts,
    missing,
    viewer,
)

HEADER, *ROWS = SHIPPED.read_text(encoding="utf-8").splitlines()
GATE = Gate(load_table(None))
READING = {
    Action.ACCOUNT_STATUS,
    Action.DIAGNOSIS_READ,
    Action.REPORT_ACCOUNTS,
    Action.REPORT_STUDENT_ACCOUNTS,
    Action.POLICY_EXPLAIN,
    Action.TRAIL_READ,
}
HELPED = Facts(guardianship=Standing.CONFIRMED, verification=Proof.PASSED, schools=frozenset({HERE}))


def at(*schools: int, **more: Any) -> Facts:
    return Facts(schools=frozenset(schools), **more)


# ------------------------------------------------------------------------------------------------ every situation
@pytest.mark.parametrize("role", list(Role))
def test_every_answer_is_as_the_rules_say_and_a_no_names_what_is_missing(role: Role) -> None:
    for place, action, guardianship, proof in product(Place, Action, Standing, Proof):
        decided = GATE.may(asker(role, place), action, facts(place, guardianship, proof))
        lacking = missing(role, place, action, guardianship, proof)
        assert (decided.allowed, decided.missing) == (not lacking, lacking), (place, action, guardianship, proof)
        if decided:
            assert decided.rule is not None
            assert decided.rule.replace(", ", ",") in ROWS
            assert decided.rule.split(", ")[0] == role
            assert decided.rule.split(", ")[2] == action
        else:
            assert decided.rule is None


def test_nobody_may_do_anything_and_is_told_to_sign_in() -> None:
    for place, action, guardianship, proof in product(Place, Action, Standing, Proof):
        decided = GATE.may(None, action, facts(place, guardianship, proof))
        assert decided == Decision(allowed=False, missing=(MissingFact.SIGNED_IN,))


def test_staff_without_a_role_may_do_nothing() -> None:
    idle = viewer()
    assert idle.roles == ()
    for place, action in product(Place, Action):
        decided = GATE.may(idle, action, facts(place, Standing.CONFIRMED, Proof.PASSED))
        assert decided == Decision(allowed=False, missing=(MissingFact.ROLE,))


def test_a_step_that_needs_a_yes_is_refused_with_what_is_missing() -> None:
    with pytest.raises(NotAllowed) as refused:
        GATE.require(None, Action.ACCOUNT_MANAGE, Facts(scope=Scope.OWN))
    assert refused.value.missing == (MissingFact.SIGNED_IN,)
    with pytest.raises(NotAllowed) as refused:
        GATE.require(viewer(Role.DESIGNEE), Action.ACCOUNT_RESET, at(ELSEWHERE))
    assert refused.value.missing == (
        MissingFact.SAME_SCHOOL,
        MissingFact.GUARDIANSHIP_CONFIRMED,
        MissingFact.VERIFICATION_PASSED,
    )
    assert GATE.require(viewer(Role.STUDENT), Action.ACCOUNT_MANAGE, Facts(scope=Scope.OWN))


# ------------------------------------------------------------------------------------------------ several roles
def test_roles_at_different_schools_do_not_mix() -> None:
    """Designee at one school and registrar at another one: each school has half of what she may do, and no more."""
    dana = replace(viewer(), staff_roles={Role.DESIGNEE: frozenset({HERE}), Role.REGISTRAR: frozenset({ELSEWHERE})})
    confirmed = {"guardianship": Standing.CONFIRMED, "verification": Proof.PASSED}
    for action in Action:
        for school, role in ((HERE, Role.DESIGNEE), (ELSEWHERE, Role.REGISTRAR)):
            decided = GATE.may(dana, action, at(school, **confirmed))
            alone = missing(role, Place.SAME_SCHOOL, action, Standing.CONFIRMED, Proof.PASSED)
            assert decided.allowed == (not alone), (action, school)
            if decided:
                assert (decided.rule or "").startswith(role.value)
    assert GATE.may(dana, Action.KEY_MANAGE, at(HERE)).missing == (MissingFact.SAME_SCHOOL,)
    assert GATE.may(dana, Action.ACCOUNT_RESET, at(ELSEWHERE, **confirmed)).missing == (MissingFact.SAME_SCHOOL,)
    # Somebody who goes to both schools is within reach of both roles.
    both = at(HERE, ELSEWHERE, **confirmed)
    assert GATE.may(dana, Action.KEY_MANAGE, both)
    assert GATE.may(dana, Action.ACCOUNT_RESET, both)


def test_one_role_may_be_at_several_schools() -> None:
    dana = viewer(Role.DESIGNEE, schools=frozenset({HERE, 5}))
    assert GATE.may(dana, Action.ACCOUNT_STATUS, at(5, 9))
    assert GATE.may(dana, Action.ACCOUNT_STATUS, at(9)).missing == (MissingFact.SAME_SCHOOL,)


def test_a_role_in_the_district_does_not_widen_another_one() -> None:
    whole = replace(viewer(), staff_roles={Role.DESIGNEE: frozenset({HERE}), Role.REPORTER: frozenset({None})})
    assert GATE.may(whole, Action.REPORT_ACCOUNTS, at(ELSEWHERE))
    assert GATE.may(whole, Action.ACCOUNT_STATUS, at(ELSEWHERE)).missing == (MissingFact.SAME_SCHOOL,)


@pytest.mark.parametrize("roles", [(Role.REPORTER, Role.DESIGNEE), (Role.DESIGNEE, Role.REPORTER)], ids=str)
def test_of_several_roles_the_one_that_is_nearest_says_what_is_missing(roles: tuple[Role, ...]) -> None:
    dana = viewer(*roles)
    assert GATE.may(dana, Action.ACCOUNT_RESET, at(HERE)).missing == (
        MissingFact.GUARDIANSHIP_CONFIRMED,
        MissingFact.VERIFICATION_PASSED,
    )
    assert GATE.may(dana, Action.REPORT_ACCOUNTS, at(HERE)).rule == "reporter, same_school, report:accounts, any, any"


def test_a_member_of_staff_acts_as_staff_alone() -> None:
    """Staff who are parents too have another account for that: roles do not add up across capacities."""
    assert viewer(*STAFF).roles == STAFF
    confirmed = Facts(scope=Scope.OWN_STUDENT, guardianship=Standing.CONFIRMED)
    assert not GATE.may(viewer(*STAFF), Action.STUDENT_READ, confirmed)
    parent = replace(viewer(Role.GUARDIAN), staff_roles={Role.ADMINISTRATOR: frozenset({None})})
    assert parent.roles == (Role.GUARDIAN,)
    assert GATE.may(parent, Action.STAFF_MANAGE, at(HERE)).missing == (MissingFact.ROLE,)


def test_the_roles_of_each_request_count() -> None:
    """The gate remembers answers about words, never about people: who lost a role has lost it with the next request."""
    dana = viewer(Role.DESIGNEE, Role.REPORTER)
    assert GATE.may(dana, Action.ACCOUNT_RESET, HELPED)
    moved = replace(dana, staff_roles={Role.DESIGNEE: frozenset({ELSEWHERE}), Role.REPORTER: frozenset({HERE})})
    assert GATE.may(moved, Action.ACCOUNT_RESET, HELPED).missing == (MissingFact.SAME_SCHOOL,)
    lost = replace(dana, staff_roles={Role.REPORTER: frozenset({HERE})})
    assert GATE.may(lost, Action.ACCOUNT_RESET, HELPED).missing == (MissingFact.ROLE,)
    assert GATE.may(dana, Action.ACCOUNT_RESET, HELPED)


# ------------------------------------------------------------------------------------------------ the second factor
@pytest.mark.parametrize("role", STAFF)
@pytest.mark.parametrize("stands", list(SecondFactor))
def test_without_the_second_factor_ones_own_account_is_all(role: Role, stands: SecondFactor) -> None:
    """Reporters act on nobody and need none. One that was given a while ago does for looking."""
    asking = viewer(role, second_factor=stands)
    for action, guardianship, proof in product(Action, Standing, Proof):
        situation = facts(Place.SAME_SCHOOL, guardianship, proof)
        lacking = missing(role, Place.SAME_SCHOOL, action, guardianship, proof)
        good = stands in {SecondFactor.FRESH, SecondFactor.NOT_NEEDED} or role not in SECOND_FACTOR_ROLES
        good = good or (stands is SecondFactor.STALE and action in READING)
        if not good and lacking != (MissingFact.ROLE,):
            # Not a word of what else is missing: it would tell of guardianship and verification.
            lacking = (MissingFact.SECOND_FACTOR,)
        decided = GATE.may(asking, action, situation)
        assert (decided.allowed, decided.missing) == (not lacking, lacking), (action, guardianship, proof)
    for action in OWN_ACCOUNT:
        assert GATE.may(asking, action, Facts(scope=Scope.OWN))


@pytest.mark.parametrize("action", [Action.VERIFICATION_RUN, Action.GUARDIANSHIP_MANAGE])
def test_a_search_or_a_queue_only_looks_whatever_the_action_is_that_it_belongs_to(action: Action) -> None:
    """A designee whose code was given some hours ago finds the family, and is asked again before anything is done."""
    for stands in SecondFactor:
        asking = viewer(Role.DESIGNEE, Role.REGISTRAR, second_factor=stands)
        acts = stands in {SecondFactor.FRESH, SecondFactor.NOT_NEEDED}
        assert bool(GATE.may(asking, action, at(HERE))) == acts
        looks = GATE.may(asking, action, at(HERE), looking=True)
        assert bool(looks) == (acts or stands is SecondFactor.STALE)
        assert GATE.may(asking, action, at(ELSEWHERE), looking=True).missing == (
            (MissingFact.SAME_SCHOOL,) if looks else (MissingFact.SECOND_FACTOR,)
        )


def test_only_reporters_have_no_use_for_a_second_factor() -> None:
    assert set(STAFF) - SECOND_FACTOR_ROLES == {Role.REPORTER}
    assert set(STAFF) > SECOND_FACTOR_ROLES


@pytest.mark.parametrize("roles", [(Role.REPORTER, Role.REGISTRAR), (Role.REGISTRAR, Role.REPORTER)], ids=str)
def test_a_role_that_needs_no_second_factor_is_enough_where_it_allows(roles: tuple[Role, ...]) -> None:
    unproved = viewer(*roles, second_factor=SecondFactor.MISSING)
    assert (
        GATE.may(unproved, Action.REPORT_ACCOUNTS, at(HERE)).rule == "reporter, same_school, report:accounts, any, any"
    )
    assert GATE.may(unproved, Action.KEY_MANAGE, at(HERE)).missing == (MissingFact.SECOND_FACTOR,)


@pytest.mark.parametrize("role", [Role.GUARDIAN, Role.STUDENT])
def test_families_are_asked_for_none(role: Role) -> None:
    mine = Facts(scope=Scope.OWN if role is Role.STUDENT else Scope.OWN_STUDENT, guardianship=Standing.CONFIRMED)
    assert GATE.may(viewer(role, second_factor=SecondFactor.MISSING), Action.STUDENT_READ, mine)


# ------------------------------------------------------------------------------------------------ the unknown
def test_facts_that_nobody_stated_are_the_least_of_their_kind() -> None:
    assert Facts() == Facts(Scope.NONE, Standing.NONE, Proof.NONE, None)
    for role, action in product(Role, Action):
        assert GATE.may(viewer(role), action, Facts()).missing == (MissingFact.ROLE,)


@pytest.mark.parametrize("said", [Scope.SAME_SCHOOL, Scope.SAME_DISTRICT])
def test_that_something_is_of_ones_school_is_never_taken_as_said(said: Scope) -> None:
    everywhere = viewer(*STAFF, schools=frozenset({None}))
    for action, schools in product(Action, (None, frozenset({HERE}))):
        stated = replace(HELPED, scope=said, schools=schools)
        assert GATE.may(everywhere, action, stated).missing == (MissingFact.ROLE,)


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
    for role, action in product(Role, Action):
        assert not GATE.may(viewer(role), action, replace(HELPED, scope=unknown))
        if action in ANOTHERS_ACCOUNT:
            assert not GATE.may(viewer(role), action, replace(HELPED, guardianship=unknown))
            assert not GATE.may(viewer(role), action, replace(HELPED, verification=unknown))
        assert not GATE.may(viewer(role), action, Facts(scope=Scope.OWN_STUDENT, guardianship=unknown))
        assert not GATE.may(viewer(role), cast("Any", unknown), Facts(scope=Scope.OWN))
    stranger = replace(viewer(), staff_roles={cast("Any", unknown): frozenset({None})})
    assert not GATE.may(stranger, Action.ACCOUNT_READ, Facts(scope=Scope.OWN))
    assert not GATE.may(stranger, Action.REPORT_ACCOUNTS, at(HERE))


@pytest.mark.usefixtures("quiet")
def test_a_gate_that_breaks_is_shut_and_opens_when_it_is_mended() -> None:
    """A table with a column too few makes Casbin raise, whatever is asked."""
    broken = Gate(load_table(None))
    policy = broken._enforcer.model["p"]["p"]
    whole, policy.policy = policy.policy, [["guardian", "own", "account:read"]]
    for role, place, action in product(Role, Place, Action):
        decided = broken.may(asker(role, place), action, facts(place, Standing.CONFIRMED, Proof.PASSED))
        assert not decided
        assert decided.rule is None
        assert decided.missing
    policy.policy = whole
    assert broken.may(viewer(Role.DESIGNEE), Action.ACCOUNT_RESET, HELPED)


@pytest.mark.usefixtures("quiet")
def test_a_word_that_is_none_of_the_words_spoils_no_later_answer() -> None:
    """A plain text that reads as a word is as good as equal to it, and is still no word."""
    asked = Gate(load_table(None))
    assert not asked.may(
        viewer(Role.DESIGNEE), Action.ACCOUNT_RESET, replace(HELPED, verification=cast("Any", "passed"))
    )
    assert asked.may(viewer(Role.DESIGNEE), Action.ACCOUNT_RESET, HELPED)


def test_an_empty_table_is_no_to_everybody() -> None:
    shut = Gate.of(HEADER)
    for role, place, action in product(Role, Place, Action):
        decided = shut.may(asker(role, place), action, facts(place, Standing.CONFIRMED, Proof.PASSED))
        assert decided == Decision(allowed=False, missing=(MissingFact.ROLE,))


def test_an_answer_is_the_same_the_second_time() -> None:
    remembering = Gate(load_table(None))
    for place, action, guardianship in product(Place, Action, Standing):
        asked = asker(Role.DESIGNEE, place), action, facts(place, guardianship, Proof.PASSED)
        assert remembering.may(*asked) == remembering.may(*asked) == GATE.may(*asked)


def test_two_tables_in_one_process_do_not_touch_each_other(ctx: Context, tmp_path: Any) -> None:
    own = tmp_path / "own.csv"
    own.write_text(f"{HEADER}\nreporter,same_school,work_order:open,any,any\n")
    there = replace(ctx, rules=ctx.rules.model_copy(update={"policy_table": own}))
    for _ in range(2):
        assert gate_of(there).may(viewer(Role.REPORTER), Action.WORK_ORDER_OPEN, at(HERE))
        assert not gate_of(there).may(viewer(Role.REPORTER), Action.REPORT_ACCOUNTS, at(HERE))
        assert not gate_of(ctx).may(viewer(Role.REPORTER), Action.WORK_ORDER_OPEN, at(HERE))
        assert gate_of(ctx).may(viewer(Role.REPORTER), Action.REPORT_ACCOUNTS, at(HERE))


# ------------------------------------------------------------------------------------------------ explaining
@pytest.mark.parametrize("role", list(Role))
def test_an_explanation_says_what_the_gate_would_say(role: Role) -> None:
    nearness = {
        Place.OWN: Scope.OWN,
        Place.OWN_STUDENT: Scope.OWN_STUDENT,
        Place.SAME_SCHOOL: Scope.SAME_SCHOOL,
        Place.OTHER_SCHOOL: Scope.SAME_DISTRICT,
        Place.NOT_OF_THE_DISTRICT: Scope.NONE,
    }
    assert set(nearness.values()) == set(Scope)
    family = role not in STAFF
    for (place, scope), action, guardianship, proof in product(nearness.items(), Action, Standing, Proof):
        explained = GATE.explain(role, scope, action, guardianship, proof)
        decided = GATE.may(asker(role, place), action, facts(place, guardianship, proof))
        assert explained.missing == decided.missing
        if explained.row is None:
            assert not decided
        else:
            assert not (family and scope in {Scope.SAME_SCHOOL, Scope.SAME_DISTRICT})
            assert explained.row.text == decided.rule
            assert ",".join(explained.row.cells) == ROWS[explained.row.line - 2]

"""Whom the asker may look at, worked out once from the gate's answers: the same for pages, counts and single reads.

The gate is asked about what is at no school, and about each school at which the asker has a role. Its yes about the one
is a yes about everything (`policies.gate`: a role in the district reaches each school), its yes about a school is one
about all that is there; so these few answers say what it would say about each account and each student.
"""

from db.context import Context
from db.queries.reach import AccountReach, Reach
from policies.gate import Facts, gate_of
from policies.words import Action, Scope

_NOWHERE = Facts(schools=frozenset())


def students_reached(ctx: Context, *actions: Action) -> Reach:
    """The students to whose schools the asker may do any of these."""
    asker = ctx.asker
    if asker is None:
        return Reach()
    gate = gate_of(ctx)
    if any(gate.may(asker, action, _NOWHERE, looking=True) for action in actions):
        return Reach(everywhere=True)
    return Reach(
        frozenset(
            id_
            for id_ in asker.schools
            if any(gate.may(asker, action, Facts(schools=frozenset({id_})), looking=True) for action in actions)
        )
    )


def accounts_reached(ctx: Context) -> AccountReach:
    """The accounts of which the asker may know how they stand: the own one, and those at the schools of a role."""
    me = ctx.viewer
    owns = me is not None and gate_of(ctx).may(me, Action.ACCOUNT_READ, Facts(scope=Scope.OWN))
    both = students_reached(ctx, Action.ACCOUNT_STATUS, Action.REPORT_ACCOUNTS)
    return AccountReach(
        own=me.account_id if me is not None and owns else None,
        students=both | students_reached(ctx, Action.REPORT_STUDENT_ACCOUNTS),
        guardians=both,
    )


def rule_for(ctx: Context, *actions: Action) -> str | None:
    """The row of the policy table by which the asker may do one of these somewhere, for the trail.

    Raises:
        NotAllowed: when there is none, with what is missing for the first of them.
    """
    asker = ctx.asker
    gate, somewhere = gate_of(ctx), Facts(schools=asker.schools if asker else frozenset())
    decisions = (gate.may(asker, action, somewhere, looking=True) for action in actions)
    return (next(filter(None, decisions), None) or gate.require(asker, actions[0], somewhere, looking=True)).rule

"""What making one record of two would do, told beforehand: counted, and in words that a registrar can weigh."""

from collections.abc import Mapping, Sequence

from db.context import Capacity, Context
from db.merge_plan import Holdings, Joined, Plan
from db.models import AccountStatus, DisabledReason, GuardianshipStatus
from db.queries import merging as queries
from db.sql import Row
from mail.outbox import folded_address
from policies.merging import Moving, Obstacle
from resolvers.merge_outcomes import AccountToMerge, GuardianshipOfBoth, MergeForeseen
from resolvers.reporting import name_of


async def foreseen(
    ctx: Context,
    *,
    kind: Capacity,
    held: Holdings,
    made: Plan,
    counts: Mapping[str, int],
    in_the_way: Sequence[Obstacle],
) -> MergeForeseen:
    """A plan as it is shown. No username is in it."""
    hanging = await queries.hanging([each["id"] for each in held.accounts], ctx.now)
    accounts = [
        AccountToMerge(
            id=placed.account["id"],
            capacity=Capacity(placed.account["capacity"]),
            of_kept=placed.account["person_id"] == held.keep,
            status=AccountStatus(placed.account["status"]),
            disabled_reason=DisabledReason(reason) if (reason := placed.account["disabled_reason"]) else None,
            activated_at=placed.account["activated_at"],
            last_login_at=placed.account["last_login_at"],
            sessions=hanging[placed.account["id"]]["sessions"],
            has_key=hanging[placed.account["id"]]["has_key"],
            goes_on=placed.survives,
        )
        for placed in made.accounts
    ]
    others = await queries.people([_other(held, pair) for pair in made.joined])
    return MergeForeseen(
        kind=kind,
        keep_id=held.keep,
        merge_id=held.merge,
        kept=name_of(held.people[held.keep]),
        merged=name_of(held.people[held.merge]),
        accounts=accounts,
        moves={each: count for each, count in _moves(held, made, counts, accounts).items() if count},
        of_both=[_of_both(held, pair, others[_other(held, pair)]) for pair in made.joined],
        obstacles=in_the_way,
    )


def _moves(
    held: Holdings, made: Plan, counts: Mapping[str, int], accounts: Sequence[AccountToMerge]
) -> dict[Moving, int]:
    closed = [account for account in accounts if not account.goes_on]
    moving = [id_ for table, _, ids in made.moves if table == "guardianship" for id_ in ids]
    return {
        Moving.GUARDIANSHIPS: made.moving("guardianship"),
        Moving.GUARDIANSHIPS_JOINED: len(made.joined),
        Moving.RESTRICTIONS: sum(len(held.restrictions.get(id_, ())) for id_ in moving) + len(made.restrictions),
        Moving.MEMBERSHIPS: made.moving("household_member"),
        Moving.MEMBERSHIPS_JOINED: made.removing("household_member"),
        Moving.ENROLMENTS: made.moving("enrolment"),
        Moving.ENROLMENTS_JOINED: made.removing("enrolment"),
        Moving.GRADES: counts["grades"],
        Moving.ATTENDANCE: counts["attendance"],
        Moving.VERIFICATIONS: counts["verifications"],
        Moving.WORK_ORDERS: counts["work_orders"],
        Moving.LETTERS: counts["letters"],
        Moving.SSN_PROOF: int(made.takes_ssn),
        Moving.STUDENT_NUMBER: int(made.is_student),
        Moving.EMAIL_ADDRESS: int(_gives_up_an_address(held)),
        Moving.ACCOUNTS_CLOSED: len(closed),
        Moving.SESSIONS_STOPPED: sum(account.sessions for account in closed),
        Moving.KEYS_STOPPED: sum(account.has_key for account in closed),
    }


def _gives_up_an_address(held: Holdings) -> bool:
    """Whether the holder can be reached at one address fewer: nothing goes to the merged record's any more."""
    kept, merged = held.people[held.keep]["email"], held.people[held.merge]["email"]
    return bool(merged) and (not kept or folded_address(kept) != folded_address(merged))


def _other(held: Holdings, pair: Joined) -> int:
    """Who is at the other end of a guardianship that both have."""
    ends = {pair.stays["guardian_id"], pair.stays["student_id"]}
    return int((ends - {held.keep}).pop())


def _of_both(held: Holdings, pair: Joined, other: Row) -> GuardianshipOfBoth:
    on_them = (len(held.restrictions.get(row["id"], ())) for row in (pair.stays, pair.goes))
    return GuardianshipOfBoth(
        other=name_of(other),
        kept_status=GuardianshipStatus(pair.stays["status"]),
        merged_status=GuardianshipStatus(pair.goes["status"]),
        status=GuardianshipStatus(pair.patch["status"]),
        portal_access=pair.patch["portal_access"],
        adult_access=pair.patch["adult_access"],
        restrictions=sum(on_them),
    )

"""What making one record of two would do, before anybody does it."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from db.context import Context
from db.languages import Language
from policies.merging import MOVING
from resolvers import merge_outcomes
from schema.account import AccountStatus, DisabledReason
from schema.duplicates import KINDS
from schema.messages import AS_THINGS_STAND
from schema.nodes import global_id
from schema.people import Capacity, PersonName
from schema.refusals import InvalidInput, NotAllowed, NotFound
from schema.registrar import GuardianshipStatus
from schema.wording import worded

Info = strawberry.Info[Context, None]


@strawberry.enum(description="Why two records cannot be made one.")
class MergeObstacleKind(Enum):
    MERGED = strawberry.enum_value("MERGED", description="One of the two was merged away already.")
    STAFF = strawberry.enum_value("STAFF", description="The one that would go is of somebody on the staff.")
    ALSO_STUDENT = strawberry.enum_value("ALSO_STUDENT", description="The guardian that would go is a student too.")
    RELATED = strawberry.enum_value("RELATED", description="One is the other one's guardian.")
    VERIFIED_BY_KEPT = strawberry.enum_value("VERIFIED_BY_KEPT", description="One has verified the other as a caller.")
    IMPORT_RUNNING = strawberry.enum_value("IMPORT_RUNNING", description="A roster is being brought in just now.")


@strawberry.enum(description="What moves, or changes, when two records become one.")
class MergeItemKind(Enum):
    GUARDIANSHIPS = strawberry.enum_value("GUARDIANSHIPS", description="Guardianships that move.")
    GUARDIANSHIPS_JOINED = strawberry.enum_value("GUARDIANSHIPS_JOINED", description="Guardianships that both have.")
    RESTRICTIONS = strawberry.enum_value("RESTRICTIONS", description="Restrictions that move along.")
    MEMBERSHIPS = strawberry.enum_value("MEMBERSHIPS", description="Household memberships that move.")
    MEMBERSHIPS_JOINED = strawberry.enum_value("MEMBERSHIPS_JOINED", description="Memberships taken out as doubles.")
    ENROLMENTS = strawberry.enum_value("ENROLMENTS", description="Enrolments that move.")
    ENROLMENTS_JOINED = strawberry.enum_value("ENROLMENTS_JOINED", description="Enrolments taken out as doubles.")
    GRADES = strawberry.enum_value("GRADES", description="Grades that move.")
    ATTENDANCE = strawberry.enum_value("ATTENDANCE", description="Attendance events that move.")
    VERIFICATIONS = strawberry.enum_value("VERIFICATIONS", description="Verifications of callers that move.")
    WORK_ORDERS = strawberry.enum_value("WORK_ORDERS", description="Work orders that move.")
    LETTERS = strawberry.enum_value("LETTERS", description="Letters that wait and move.")
    SSN_PROOF = strawberry.enum_value("SSN_PROOF", description="The proof of the SSN is taken over.")
    STUDENT_NUMBER = strawberry.enum_value("STUDENT_NUMBER", description="A student number is given up.")
    EMAIL_ADDRESS = strawberry.enum_value("EMAIL_ADDRESS", description="An e-mail address is given up.")
    ACCOUNTS_CLOSED = strawberry.enum_value("ACCOUNTS_CLOSED", description="Accounts that are disabled.")
    SESSIONS_STOPPED = strawberry.enum_value("SESSIONS_STOPPED", description="Live sessions of these accounts.")
    KEYS_STOPPED = strawberry.enum_value("KEYS_STOPPED", description="Current keys of these accounts.")


@strawberry.type(description="A record by its id and name.")
class MergedRecord:
    id: strawberry.ID = strawberry.field(description="The guardian's or the student's id.")
    name: PersonName = strawberry.field(description="The name on record.")


@strawberry.type(description="An account of one of the two, without its username.")
class MergeAccount:
    id: strawberry.ID = strawberry.field(description="The account's id, for choosing it as `keepAccountId`.")
    capacity: Capacity = strawberry.field(description="In what capacity its holder has it.")
    of_kept: bool = strawberry.field(description="Whether it is the kept record's.")
    goes_on: bool = strawberry.field(description="Whether it goes on; otherwise it is disabled as `MERGED`.")
    status: AccountStatus = strawberry.field(description="Where it stands.")
    disabled_reason: DisabledReason | None = strawberry.field(description="Why it is disabled; null when it is not.")
    activated_at: datetime | None = strawberry.field(description="When it was opened; null when it was not.")
    last_login_at: datetime | None = strawberry.field(description="When it was last signed in to.")
    live_sessions: int = strawberry.field(description="How many sessions are live.")
    current_key: bool = strawberry.field(description="Whether there is an activation key that works.")

    @classmethod
    def of(cls, account: merge_outcomes.AccountToMerge) -> "MergeAccount":
        reason = account.disabled_reason
        return cls(
            id=global_id("Account", account.id),
            capacity=Capacity[account.capacity.name],
            of_kept=account.of_kept,
            goes_on=account.goes_on,
            status=AccountStatus[account.status.name],
            disabled_reason=DisabledReason[reason.name] if reason else None,
            activated_at=account.activated_at,
            last_login_at=account.last_login_at,
            live_sessions=account.sessions,
            current_key=account.has_key,
        )


@strawberry.type(description="Something that moves or changes: how much of it, and in words what becomes of it.")
class MergeItem:
    kind: MergeItemKind = strawberry.field(description="What it is.")
    count: int = strawberry.field(description="How many.")
    what: str = strawberry.field(description="What becomes of it, for the registrar.")


@strawberry.type(description="A guardianship that both records have, and what becomes of it.")
class MergeGuardianship:
    other: PersonName = strawberry.field(description="The student; where students are merged, the guardian.")
    kept_status: GuardianshipStatus = strawberry.field(description="Where the kept record's stands.")
    merged_status: GuardianshipStatus = strawberry.field(description="Where the merged record's stands.")
    status: GuardianshipStatus = strawberry.field(description="Where the one that stays will stand.")
    portal_access: bool = strawberry.field(description="Whether it will have the portal mark.")
    adult_access: bool = strawberry.field(description="Whether it will have the mark for a student of age.")
    restrictions: int = strawberry.field(description="How many restrictions of both it will have, past ones too.")

    @classmethod
    def of(cls, pair: merge_outcomes.GuardianshipOfBoth) -> "MergeGuardianship":
        return cls(
            other=PersonName.of(pair.other),
            kept_status=GuardianshipStatus[pair.kept_status.name],
            merged_status=GuardianshipStatus[pair.merged_status.name],
            status=GuardianshipStatus[pair.status.name],
            portal_access=pair.portal_access,
            adult_access=pair.adult_access,
            restrictions=pair.restrictions,
        )


@strawberry.type(description="Something that stands in the way.")
class MergeObstacle:
    kind: MergeObstacleKind = strawberry.field(description="What it is: the `status` of the refusal.")
    message: str = strawberry.field(description="What to do about it.")


@strawberry.type(description="What making one record of two would do. Nothing was done.")
class MergePreview:
    capacity: Capacity = strawberry.field(description="As what the two are merged.")
    kept: MergedRecord = strawberry.field(description="The record that goes on. Its name and addresses stay.")
    merged: MergedRecord = strawberry.field(description="The record that would be nobody's any more.")
    accounts: list[MergeAccount] = strawberry.field(description="The accounts of both.")
    moves: list[MergeItem] = strawberry.field(
        description="All that moves or changes; what there is none of is left out."
    )
    guardianships_of_both: list[MergeGuardianship] = strawberry.field(description="One by one, those that both have.")
    obstacles: list[MergeObstacle] = strawberry.field(description="Why it cannot be done; empty when it can.")

    @classmethod
    def of(cls, seen: merge_outcomes.MergeForeseen, language: Language) -> "MergePreview":
        kind = KINDS[seen.kind.name]
        return cls(
            capacity=Capacity[seen.kind.name],
            kept=MergedRecord(id=global_id(kind, seen.keep_id), name=PersonName.of(seen.kept)),
            merged=MergedRecord(id=global_id(kind, seen.merge_id), name=PersonName.of(seen.merged)),
            accounts=[MergeAccount.of(account) for account in seen.accounts],
            moves=[
                MergeItem(kind=MergeItemKind[each.name], count=count, what=worded(MOVING[each], language))
                for each, count in seen.moves.items()
            ],
            guardianships_of_both=[MergeGuardianship.of(pair) for pair in seen.of_both],
            obstacles=[
                MergeObstacle(
                    kind=MergeObstacleKind[each.name], message=worded(AS_THINGS_STAND[each.value].text, language)
                )
                for each in seen.obstacles
            ],
        )


@strawberry.input(description="Two records of one human being, as it seems.")
class MergePreviewInput:
    keep_id: strawberry.ID = strawberry.field(description="The guardian or student whose record goes on.")
    merge_id: strawberry.ID = strawberry.field(description="The other one, of the same kind.")
    keep_account_id: strawberry.ID | None = strawberry.field(
        default=None, description="The account that is to go on, where it is not the usual choice."
    )


MergePreviewResult = Annotated[
    MergePreview | NotAllowed | NotFound | InvalidInput,
    strawberry.union("MergePreviewResult", description="What would happen, or why that is not told."),
]

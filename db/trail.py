"""The trail: each step that somebody took, done or refused, in the transaction of what it did.

Each entry carries an HMAC of its content, and waits in `trail_unsealed` until `db/seals.py` chains it to the others.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import orjson

from db import sql
from db.context import Context
from db.models import Outcome


class Step(StrEnum):
    """One name for each step, in the trail and in the metrics."""

    REQUEST_KEY = "key:request"
    CHECK_KEY = "key:check"
    ACTIVATE = "account:activate"
    LOG_IN = "session:login"
    LOG_OUT = "session:logout"
    END_SESSION = "session:end"
    CHANGE_PASSWORD = "account:change_password"
    RECOVER_LOG_ON = "account:recover"
    SEND_LOG_ON_LINK = "account:send_link"
    SET_PASSWORD = "account:set_password"
    ENROL_SECOND_FACTOR = "second_factor:enrol"
    CONFIRM_SECOND_FACTOR = "second_factor:confirm"
    RESET_SECOND_FACTOR = "second_factor:reset"
    FIND_PEOPLE = "people:find"
    START_VERIFICATION = "verification:start"
    ANSWER_VERIFICATION = "verification:answer"
    RECORD_IN_PERSON_ID = "verification:in_person"
    LOOK_UP_ACCOUNT = "account:details"
    RESET_ACCOUNT = "account:reset"
    ENABLE_ACCOUNT = "account:enable"
    DISABLE_ACCOUNT = "account:disable"
    DISABLE_BY_FAILURES = "account:disable_by_failures"
    EXPLAIN_POLICY = "policy:explain"
    IMPORT_ROSTER = "roster:import"
    ADD_STAFF = "staff:add"
    ASSIGN_ROLE = "staff:assign_role"
    END_ROLE = "staff:end_role"
    SHOW_TRAIL = "trail:show"
    RETRY_LETTER = "letter:retry"
    CANCEL_LETTER = "letter:cancel"
    RECORD_GUARDIANSHIP = "guardianship:record"
    CONFIRM_GUARDIANSHIP = "guardianship:confirm"
    REVOKE_GUARDIANSHIP = "guardianship:revoke"
    RESTRICT_GUARDIANSHIP = "guardianship:restrict"
    LIFT_RESTRICTION = "guardianship:lift"
    SET_PORTAL_ACCESS = "guardianship:portal"
    RECORD_CONSENT = "guardianship:consent"
    RECORD_HOUSEHOLD = "household:record"
    LINK_HOUSEHOLD_MEMBER = "household:link"
    END_HOUSEHOLD_MEMBER = "household:end"
    CORRECT_HOUSEHOLD = "household:correct"
    ISSUE_KEY = "key:issue"
    PRINT_KEY_LETTER = "key:print"
    DIAGNOSE_ACCESS = "diagnosis:read"
    FIND_DUPLICATES = "people:duplicates"
    MERGE_PEOPLE = "people:merge"
    UNDO_MERGE = "people:undo_merge"
    OPEN_WORK_ORDER = "work_order:open"
    RESOLVE_WORK_ORDER = "work_order:resolve"
    ADD_CLIENT = "client:add"
    ROTATE_CLIENT_KEY = "client:rotate"
    REVOKE_CLIENT = "client:revoke"
    RUN_REPORT = "report:run"
    EXPORT_REPORT = "report:export"
    SAVE_REPORT = "report:save"
    DELETE_REPORT = "report:delete"
    FOLLOW_ACCOUNTS = "changes:follow"
    ADD_WEBHOOK = "webhook:add"
    ROTATE_WEBHOOK = "webhook:rotate"
    REMOVE_WEBHOOK = "webhook:remove"
    PAUSE_WEBHOOK = "webhook:pause"
    RESUME_WEBHOOK = "webhook:resume"
    REPLAY_WEBHOOK = "webhook:replay"


# One statement, so that a step costs no more for it. The queue's row makes whoever takes the entry away take that too.
RECORD = """
WITH entry AS (
    INSERT INTO trail_entry (at, step, outcome, refusal, rule, actor_account_id, actor_person_id, about_account_id,
                             about_person_id, about_student_id, address, request_id, details, uid, secret_version, mac)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    RETURNING id, mac
)
INSERT INTO trail_unsealed (entry_id, mac) SELECT id, mac FROM entry
"""

# As many entries of one step as somebody takes at once.
RECORD_ALL = """
WITH entry AS (
    INSERT INTO trail_entry (at, step, outcome, actor_account_id, actor_person_id, about_account_id, about_person_id,
                             about_student_id, address, request_id, details, uid, secret_version, mac)
    SELECT $1, $2, $3, $4, $5, said.account_id, said.person_id, said.student_id, $6, $7, said.details::jsonb,
           said.uid, $8, said.mac
    FROM unnest($9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::bytea[], $14::bytea[])
        WITH ORDINALITY AS said (account_id, person_id, student_id, details, uid, mac, place)
    ORDER BY said.place
    RETURNING id, mac
)
INSERT INTO trail_unsealed (entry_id, mac) SELECT id, mac FROM entry
"""

#: What an entry says, in the order in which its HMAC covers it; the details come after these.
COLUMNS = (
    "at",
    "step",
    "outcome",
    "refusal",
    "rule",
    "actor_account_id",
    "actor_person_id",
    "about_account_id",
    "about_person_id",
    "about_student_id",
    "address",
    "request_id",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Note:
    """What a step has found out so far about whom it concerns and which rule decided. Never a secret."""

    step: Step
    rule: str | None = None
    about_account_id: int | None = None
    about_person_id: int | None = None
    about_student_id: int | None = None
    details: dict[str, object] = field(default_factory=dict)


async def record(ctx: Context, note: Note, *, refusal: str | None = None) -> None:
    """Adds the entry to the current transaction; if it cannot be written, the step does not happen either.

    Raises:
        TypeError: when the details hold a fraction, or anything else that is not the same when it is read again.
    """
    told = _told(ctx, note, refusal)
    uid, details = secrets.token_bytes(16), _details(ctx, note)
    mac = ctx.keys.trail_mac(content(uid, (microseconds(ctx.now), *told), details))
    await sql.execute(RECORD, ctx.now, *told, details, uid, ctx.keys.current, mac)


async def record_all(ctx: Context, notes: Sequence[Note]) -> None:
    """As `record` for each of these, all done, of one step, and not by a row of the policy table; in one statement.

    Raises:
        TypeError: as `record` does.
    """
    if not notes:
        return
    moment, keys = microseconds(ctx.now), ctx.keys
    rows = []
    for note in notes:
        told, uid, details = _told(ctx, note, None), secrets.token_bytes(16), _details(ctx, note)
        mac = keys.trail_mac(content(uid, (moment, *told), details))
        rows.append((note.about_account_id, note.about_person_id, note.about_student_id, details, uid, mac))
    [step] = {note.step.value for note in notes}
    viewer = ctx.viewer
    actor = (viewer.account_id, viewer.person_id) if viewer else (None, None)
    columns = [list(column) for column in zip(*rows, strict=True)]
    await sql.execute(
        *(RECORD_ALL, ctx.now, step, Outcome.DONE.value, *actor, ctx.address, ctx.request_id, keys.current, *columns)
    )


def _told(ctx: Context, note: Note, refusal: str | None) -> tuple[object, ...]:
    """What an entry says, as `COLUMNS` has it, but for the time."""
    viewer = ctx.viewer
    return (
        note.step.value,
        (Outcome.REFUSED if refusal else Outcome.DONE).value,
        refusal,
        note.rule,
        viewer.account_id if viewer else None,
        viewer.person_id if viewer else None,
        note.about_account_id,
        note.about_person_id,
        note.about_student_id,
        ctx.address,
        ctx.request_id,
    )


def _details(ctx: Context, note: Note) -> str:
    """What more there is to say, with the service client through which it was done, if through one."""
    through = {"service_client": ctx.service.id} if ctx.service else {}
    details = orjson.dumps(note.details | through).decode()
    _refuse_fractions(orjson.loads(details))
    return details


def microseconds(moment: datetime) -> str:
    """A moment as PostgreSQL keeps it: whole microseconds since 1970 in UTC."""
    return str((moment - _EPOCH) // timedelta(microseconds=1))


def content(uid: bytes, told: Sequence[object], details: str) -> bytes:
    """An entry in one form that no other entry has, for its HMAC: `told` is `COLUMNS`, `details` JSON in any order.

    The same before it was written and after it was read, though PostgreSQL keeps JSON in an order of its own.
    """
    return orjson.dumps([uid.hex(), *told, orjson.loads(details)], option=orjson.OPT_SORT_KEYS)


def _refuse_fractions(value: object) -> None:
    # PostgreSQL writes 1e3 as 1000 and -0.0 as 0.0.
    if isinstance(value, float):
        raise TypeError("The trail holds whole numbers and words.")
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _refuse_fractions(inner)

"""The trail: each step that somebody took, done or refused, in the transaction of what it did."""

from dataclasses import dataclass, field
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
    EXPLAIN_POLICY = "policy:explain"
    IMPORT_ROSTER = "roster:import"
    ADD_STAFF = "staff:add"
    ASSIGN_ROLE = "staff:assign_role"
    END_ROLE = "staff:end_role"


RECORD = """
INSERT INTO trail_entry (at, step, outcome, refusal, rule, actor_account_id, actor_person_id,
                         about_account_id, about_person_id, about_student_id, address, request_id, details)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""


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
    """Adds the entry to the current transaction; if it cannot be written, the step does not happen either."""
    viewer = ctx.viewer
    await sql.execute(
        RECORD,
        ctx.now,
        note.step,
        Outcome.REFUSED if refusal else Outcome.DONE,
        refusal,
        note.rule,
        viewer.account_id if viewer else None,
        viewer.person_id if viewer else None,
        note.about_account_id,
        note.about_person_id,
        note.about_student_id,
        ctx.address,
        ctx.request_id,
        orjson.dumps(note.details).decode(),
    )

"""The trail of the desk: each step leaves one entry with who, about whom and by which rule, or does not happen."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from db.models import Account, AccountStatus, DisabledReason, TrailEntry, VerificationState
from db.models import Verification as VerificationRow
from db.trail import Step
from schema.nodes import global_id
from tests import documents
from tests.clients import Portal
from tests.desk import Desk, answers_input, open_desk
from tests.district import District
from tests.tables import everything, forget_trail, no_trail

NEW = "copper violin thirty meadows"
Prepared = tuple[str, dict[str, Any]]


@pytest.fixture
async def desk(portal: Portal, district: District) -> Desk:
    return await open_desk(portal, district)


async def start(desk: Desk) -> Prepared:
    about = {"guardianId": global_id("Guardian", desk.maria.id), "studentId": global_id("Student", desk.nora.id)}
    return documents.START_VERIFICATION, about | {"purpose": "RESET"}


async def answer(desk: Desk) -> Prepared:
    started = await desk.start("RESET")
    return documents.ANSWER_VERIFICATION, answers_input(started["verificationId"], desk.right)


async def in_person(desk: Desk) -> Prepared:
    started = await desk.start("RESET")
    return documents.RECORD_IN_PERSON_ID, {"verificationId": started["verificationId"], "document": "PASSPORT"}


async def look_up(desk: Desk) -> Prepared:
    return documents.LOOK_UP_ACCOUNT, {"verificationId": await desk.verified("LOOK_UP")}


async def reset(desk: Desk) -> Prepared:
    return documents.RESET_ACCOUNT, {"verificationId": await desk.verified("RESET"), "reason": "Forgot it"}


async def enable(desk: Desk) -> Prepared:
    await Account.filter(id=desk.maria.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.TOO_MANY_FAILURES
    )
    return documents.ENABLE_ACCOUNT, {"verificationId": await desk.verified("ENABLE"), "reason": "Mistyped"}


async def disable(desk: Desk) -> Prepared:
    return documents.DISABLE_ACCOUNT, {"verificationId": await desk.verified("DISABLE"), "reason": "Lost it"}


async def set_password(desk: Desk) -> Prepared:
    code = (await desk.reset(await desk.verified("RESET")))["oneTimeCode"]
    desk.portal.token = None
    return documents.SET_NEW_PASSWORD, {"token": code, "password": NEW, "verifyPassword": NEW}


STEPS: dict[Step, Callable[[Desk], Awaitable[Prepared]]] = {
    Step.START_VERIFICATION: start,
    Step.ANSWER_VERIFICATION: answer,
    Step.RECORD_IN_PERSON_ID: in_person,
    Step.LOOK_UP_ACCOUNT: look_up,
    Step.RESET_ACCOUNT: reset,
    Step.ENABLE_ACCOUNT: enable,
    Step.DISABLE_ACCOUNT: disable,
    Step.SET_PASSWORD: set_password,
}
RULES = {
    Step.LOOK_UP_ACCOUNT: "designee, same_school, account:details, confirmed, passed",
    Step.RESET_ACCOUNT: "designee, same_school, account:reset, confirmed, passed",
    Step.ENABLE_ACCOUNT: "designee, same_school, account:enable, confirmed, passed",
    Step.DISABLE_ACCOUNT: "designee, same_school, account:disable, confirmed, passed",
}


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_of_the_desk_leaves_one_entry(desk: Desk, step: Step) -> None:
    document, choice = await STEPS[step](desk)
    await forget_trail()
    response = await desk.portal.post(document, {"input": choice})
    [entry] = await TrailEntry.all()
    assert (entry.step, entry.outcome, entry.refusal) == (step, "DONE", None), response.text
    assert entry.request_id == response.headers["x-request-id"]
    by_holder = step is Step.SET_PASSWORD
    assert entry.actor_person_id == (None if by_holder else desk.dana.id)
    assert (entry.about_person_id, entry.about_account_id) == (desk.maria.id, desk.maria.account_id)
    assert entry.about_student_id == (None if by_holder else desk.nora.id)
    assert entry.rule == (None if by_holder else RULES.get(step, "designee, same_school, verification:run, any, any"))


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_of_the_desk_whose_entry_cannot_be_written_does_not_happen(desk: Desk, step: Step) -> None:
    document, choice = await STEPS[step](desk)
    # An attempt is counted before it is judged, and stays counted.
    counted = frozenset({"verification"} if step is Step.ANSWER_VERIFICATION else ())
    before = await everything(but=counted)
    async with no_trail():
        said = (await desk.portal.post(document, {"input": choice})).json()
    [error] = said["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert await everything(but=counted) == before
    if counted:
        left = await VerificationRow.get()
        assert (left.state, left.attempts_left) == (VerificationState.OPEN, 2)
    # And with room in the trail again, it happens.
    done = (await desk.portal.post(document, {"input": choice})).json()
    assert "errors" not in done
    (result,) = done["data"].values()
    assert "code" not in result, result

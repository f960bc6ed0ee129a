"""Webhooks: what is sent, signed how, to whom, and what becomes of what is not taken."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from structlog.testing import capture_logs

from app.settings import Settings
from app.webhook_wire import read_cursor
from app.webhooks import Messenger
from db import sql
from db.context import Capacity, Context, Role
from db.feed import forget_changes, number_changes
from db.models import Enrolment, Guardianship, ServiceClient, Webhook, WebhookDelivery
from db.queries.housekeeping import throw_away
from resolvers.webhooks import pause_webhook, remove_webhook, replay_webhook, resume_webhook, rotate_webhook
from schema.nodes import global_id
from tests.certificates import Authority
from tests.conftest import Clock
from tests.district import District, Pupil
from tests.receivers import CUT, HOST, Receiver
from tests.webhooks import Hook, at, at_work, changed, client, hooked, messenger, standings


@pytest.fixture
def clock() -> Clock:
    """The real time, as receivers compare with it."""
    return Clock(datetime.now(UTC))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as server:
        yield server


@pytest.fixture
async def worker(district: District, settings: Settings, ctx: Context, clock: Clock) -> AsyncIterator[Messenger]:
    async with messenger(settings, ctx, clock) as made:
        yield made


@pytest.fixture
async def nora(district: District) -> Pupil:
    return await district.student(school=await district.school())


@pytest.fixture
async def hook(ctx: Context, receiver: Receiver, nora: Pupil) -> Hook:
    return await hooked(ctx, receiver.url)


# ------------------------------------------------------------------------------------------------ what is sent
async def test_a_change_is_sent_signed_without_any_name(
    worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil, clock: Clock
) -> None:
    await changed(nora.account_id)
    await worker.run(once=True)
    [event] = receiver.events
    # As a receiver would, with the library of the specification; it refuses what is older than five minutes.
    assert Verifier(hook.secret).verify(event.body, event.headers) == event.said
    row = await WebhookDelivery.get()
    school = await sql.row("SELECT id FROM school")
    assert school is not None
    assert event.said == {
        "type": "account.status_changed",
        "timestamp": row.at.isoformat(),
        "data": {
            "cursor": global_id("change", row.number),
            "account": {
                "id": global_id("Account", nora.account_id),
                "capacity": "STUDENT",
                "status": "DISABLED",
                "disabledReason": "STAFF_DECISION",
                "schools": [{"id": global_id("School", school["id"])}],
            },
            "statusBefore": "NOT_ACTIVATED",
            "status": "DISABLED",
        },
    }
    assert event.headers["webhook-id"] == f"msg_{row.message_id.hex}"
    assert event.headers["webhook-timestamp"] == str(int(clock().timestamp()))
    assert event.headers["content-type"] == "application/json"
    assert receiver.paths == ["/events"]
    assert await standings(hook) == ["DELIVERED"]


async def test_a_body_that_was_changed_or_another_secret_does_not_verify(
    worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil, ctx: Context
) -> None:
    other = await hooked(ctx, receiver.url, await client("Other"))
    assert other.secret != hook.secret
    await changed(nora.account_id)
    await worker.run(once=True)
    signed = [[each.is_signed_with(secret) for secret in (hook.secret, other.secret)] for each in receiver.events]
    assert sorted(signed) == [[False, True], [True, False]]
    event = receiver.events[0]
    secret = hook.secret if event.is_signed_with(hook.secret) else other.secret
    with pytest.raises(Exception, match="No matching signature"):
        Verifier(secret).verify(event.body.replace(b"DISABLED", b"ACTIVE"), event.headers)


async def test_what_changed_before_it_was_added_is_not_sent(
    worker: Messenger, receiver: Receiver, nora: Pupil, ctx: Context
) -> None:
    await changed(nora.account_id, times=3)
    hook = await hooked(ctx, receiver.url)
    await changed(nora.account_id)
    await worker.run(once=True)
    assert len(receiver.events) == 1
    assert await standings(hook) == ["DELIVERED"]


async def test_only_what_fits_its_filters_is_sent(
    worker: Messenger, receiver: Receiver, nora: Pupil, district: District, ctx: Context
) -> None:
    hillside = await district.school("Hillside")
    theo = await district.student(given="Theo", school=hillside)
    maria = await district.guardian(theo)
    whose = await client()
    async with Receiver() as guardians, Receiver() as all_of_hillside:
        await hooked(ctx, receiver.url, whose)
        await hooked(ctx, guardians.url, whose, capacity=Capacity.GUARDIAN)
        await hooked(ctx, all_of_hillside.url, whose, school=hillside)
        await changed(nora.account_id, theo.account_id, maria.account_id)
        await worker.run(once=True)
        told = [{event.account for event in each.events} for each in (receiver, guardians, all_of_hillside)]
    everybody = [global_id("Account", who.account_id) for who in (nora, theo, maria)]
    assert told == [set(everybody), {everybody[2]}, set(everybody[1:])]


async def test_a_client_of_one_school_hears_of_no_other(
    worker: Messenger, receiver: Receiver, nora: Pupil, district: District, ctx: Context
) -> None:
    hillside = await district.school("Hillside")
    theo = await district.student(given="Theo", school=hillside)
    both = await district.guardian(nora, theo)
    hook = await hooked(ctx, receiver.url, await client(school=hillside))
    await changed(nora.account_id, theo.account_id, both.account_id)
    await worker.run(once=True)
    assert [event.account for event in receiver.events] == [
        global_id("Account", who.account_id) for who in (theo, both)
    ]
    # And of somebody who is at both, not where else.
    assert [event.data["account"]["schools"] for event in receiver.events] == [
        [{"id": global_id("School", hillside.id)}]
    ] * 2
    assert await standings(hook) == ["DELIVERED"] * 2


async def test_staff_accounts_are_never_told_of(
    worker: Messenger, receiver: Receiver, hook: Hook, district: District
) -> None:
    dana = await district.staff(Role.DESIGNEE)
    await changed(dana.account_id)
    await worker.run(once=True)
    assert receiver.events == []


# ------------------------------------------------------------------------------------------------ rights at the moment
async def _late(worker: Messenger, receiver: Receiver, clock: Clock) -> None:
    """A first try comes to nothing, so that the second one is late."""
    receiver.answer = lambda _said: 503
    await worker.run(once=True)
    receiver.answer = lambda _said: 204
    receiver.events.clear()
    clock.advance(minutes=1)


async def test_a_revoked_client_hears_of_nothing_more(
    worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil, clock: Clock
) -> None:
    await changed(nora.account_id)
    await _late(worker, receiver, clock)
    await ServiceClient.filter(id=hook.client_id).update(revoked_at=clock())
    await changed(nora.account_id)
    await worker.run(once=True)
    assert receiver.events == []
    assert await standings(hook) == ["WITHHELD"]


async def test_a_revoked_guardianship_is_heard_of_no_more(
    *, worker: Messenger, receiver: Receiver, nora: Pupil, district: District, ctx: Context, clock: Clock
) -> None:
    maria = await district.guardian(nora)
    school = await Enrolment.get(student_id=nora.id)
    hook = await hooked(ctx, receiver.url, await client(school=await school.school))
    await changed(maria.account_id)
    await _late(worker, receiver, clock)
    await Guardianship.filter(guardian_id=maria.id).update(status="REVOKED", revoked_at=clock())
    await changed(maria.account_id)
    await worker.run(once=True)
    assert receiver.events == []
    assert await standings(hook) == ["WITHHELD"]


async def test_whose_school_was_left_meanwhile_is_withheld_where_only_that_school_is_wanted(
    worker: Messenger, receiver: Receiver, nora: Pupil, ctx: Context, clock: Clock
) -> None:
    place = await Enrolment.get(student_id=nora.id)
    hook = await hooked(ctx, receiver.url, school=await place.school)
    await changed(nora.account_id)
    await _late(worker, receiver, clock)
    await Enrolment.all().update(ends_on=ctx.today - timedelta(days=1))
    await worker.run(once=True)
    assert receiver.events == []
    assert await standings(hook) == ["WITHHELD"]


class Noting(asyncio.Protocol):
    """The other end of a connection, where all that is said is noted."""

    def __init__(self) -> None:
        self.said = b""
        self.over = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.said += data

    def connection_lost(self, _why: Exception | None) -> None:
        self.over.set()


async def test_revoked_while_the_connection_is_made_nothing_is_sent(
    settings: Settings, nora: Pupil, ctx: Context, clock: Clock, tmp_path: Path
) -> None:
    """The receiver lets us wait before it encrypts: what was found out before that is looked at again."""
    authority, loop = Authority(tmp_path), asyncio.get_running_loop()
    with socket.create_server((HOST, 0)) as listener:
        listener.setblocking(False)
        hook = await hooked(ctx, f"https://{HOST}:{listener.getsockname()[1]}/")
        trusting = settings.model_copy(update={"webhook_ca_file": authority.file})
        async with messenger(trusting, ctx, clock) as worker:
            await changed(nora.account_id)
            work = asyncio.create_task(worker.run(once=True))
            connection, _ = await loop.sock_accept(listener)
            await ServiceClient.filter(id=hook.client_id).update(revoked_at=clock())
            clock.advance(seconds=1)
            came = Noting()
            await loop.connect_accepted_socket(lambda: came, connection, ssl=authority.server(HOST))
            await work
            await came.over.wait()
            assert came.said == b""
    assert await standings(hook) == ["WITHHELD"]


# ------------------------------------------------------------------------------------------------ what is not taken
@pytest.mark.parametrize("status", [CUT, 301, 307, 400, 401, 404, 429, 500, 503])
async def test_what_is_not_taken_is_tried_again_under_the_same_id(
    *, worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil, clock: Clock, status: int
) -> None:
    receiver.answer = lambda _said: status
    receiver.headers = f"Location: {receiver.url}/elsewhere\r\n"
    await changed(nora.account_id)
    await worker.run(once=True)
    assert await standings(hook) == ["WAITING"]
    receiver.answer = lambda _said: 200
    await worker.run(once=True)
    assert len(receiver.events) == 1, "not before its time"
    clock.advance(seconds=10)
    await worker.run(once=True)
    first, second = receiver.events
    assert first.id == second.id
    assert second.is_signed_with(hook.secret)
    assert int(second.headers["webhook-timestamp"]) == int(clock().timestamp())
    # No redirect was followed.
    assert set(receiver.paths) == {"/events"}
    assert await standings(hook) == ["DELIVERED"]
    [row] = await Webhook.all().values("failures", "failing_since", "held_until")
    assert row == {"failures": 0, "failing_since": None, "held_until": None}


async def test_waits_grow_and_the_receiver_may_ask_for_more(
    worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil, clock: Clock
) -> None:
    receiver.answer = lambda _said: 503
    await changed(nora.account_id)
    waits = []
    for _ in range(6):
        await worker.run(once=True)
        row = await WebhookDelivery.get()
        held = (await Webhook.get()).held_until
        due = max(row.due_at, held) if held else row.due_at
        waits.append((due - clock()).total_seconds())
        clock.now = due
    assert all(0.8 * 5 * 2**nth <= wait <= 1.2 * 5 * 2**nth for nth, wait in enumerate(waits)), waits
    receiver.headers = "Retry-After: 1800\r\n"
    await worker.run(once=True)
    assert (await WebhookDelivery.get()).due_at == clock() + timedelta(minutes=30)
    receiver.headers = "Retry-After: 999999\r\n"
    clock.advance(minutes=30)
    await worker.run(once=True)
    assert (await Webhook.get()).held_until == clock() + timedelta(hours=1)


async def test_of_a_receiver_in_trouble_one_change_at_a_time_is_tried_until_one_is_taken(
    worker: Messenger, receiver: Receiver, district: District, hook: Hook, clock: Clock
) -> None:
    school = await district.school("Hillside")
    pupils = [await district.student(school=school) for _ in range(12)]
    await changed(*(pupil.account_id for pupil in pupils))
    receiver.answer = lambda _said: 500
    await worker.run(once=True)
    # Four lines may be under way when the third failure is noted.
    tried = len(receiver.events)
    assert 3 <= tried <= 7
    for more in (1, 2, 3):
        clock.now = (await Webhook.get()).held_until or clock()
        await worker.run(once=True)
        assert len(receiver.events) == tried + more
    receiver.answer = lambda _said: 200
    clock.advance(hours=2)
    await worker.run(once=True)
    assert len({event.account for event in receiver.taken}) == 12


async def test_after_the_set_time_the_webhook_is_paused_and_nothing_is_lost(
    *, worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil, ctx: Context, clock: Clock
) -> None:
    receiver.answer = lambda _said: 500
    await changed(nora.account_id)
    with capture_logs() as lines:
        for _ in range(200):
            await worker.run(once=True)
            row = await Webhook.get()
            if row.paused_at:
                break
            delivery = await WebhookDelivery.get()
            clock.now = max(filter(None, (delivery.due_at, row.held_until)))
    assert row.paused_why == "NOT_TAKEN"
    assert [(line["log_level"], line["why"]) for line in lines if line["event"] == "webhook paused"] == [
        ("error", "NOT_TAKEN")
    ]
    # For as long as it was promised, and no longer.
    assert row.paused_at is not None
    assert timedelta(hours=72) <= row.paused_at - ctx.now <= timedelta(hours=73)
    tried = len(receiver.events)
    receiver.answer = lambda _said: 200
    await changed(nora.account_id, times=2)
    clock.advance(days=2)
    await worker.run(once=True)
    assert len(receiver.events) == tried
    await resume_webhook(at(ctx, clock), hook.id)
    await worker.run(once=True)
    told = [event.data["status"] for event in receiver.taken]
    assert told == ["DISABLED", "NOT_ACTIVATED", "DISABLED"]
    assert await standings(hook) == ["DELIVERED"] * 3


async def test_one_change_that_is_never_taken_pauses_too_and_the_operator_may_leave_it_out(
    *, worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil, district: District, ctx: Context, clock: Clock
) -> None:
    theo = await district.student(school=await district.school("Hillside"))
    poison = global_id("Account", nora.account_id)
    receiver.answer = lambda said: 422 if said["data"]["account"]["id"] == poison else 200
    await changed(nora.account_id, times=2)
    for _ in range(90):
        await changed(theo.account_id)
        await worker.run(once=True)
        clock.advance(hours=1)
    assert (await Webhook.get()).paused_why == "NOT_TAKEN"
    assert len(receiver.taken) >= 70
    receiver.answer = lambda _said: 200
    taken = len(receiver.taken)
    left_out, _ = await resume_webhook(at(ctx, clock), hook.id, leave_out_after=timedelta(hours=72))
    assert left_out == 1
    await worker.run(once=True)
    hers = await WebhookDelivery.filter(account_id=nora.account_id).order_by("number")
    assert [each.state for each in hers] == ["FAILED", "DELIVERED"]
    # Of the other account, all that it was told meanwhile.
    assert (await standings(hook)).count("DELIVERED") == len(receiver.taken) > taken


async def test_a_receiver_that_is_gone_is_paused_at_once(
    worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil
) -> None:
    receiver.answer = lambda _said: 410
    await changed(nora.account_id)
    with capture_logs() as lines:
        await worker.run(once=True)
    assert (await Webhook.get()).paused_why == "GONE"
    assert "webhook paused" in [line["event"] for line in lines]
    await changed(nora.account_id)
    await worker.run(once=True)
    assert len(receiver.events) == 1
    assert await standings(hook) == ["WAITING"]


async def test_a_receiver_that_hangs_holds_up_no_other(
    *, settings: Settings, receiver: Receiver, hook: Hook, nora: Pupil, ctx: Context, clock: Clock
) -> None:
    """As many of them as there are lines to all webhooks together, and more."""
    async with Receiver(slow=asyncio.Event()) as hanging, messenger(settings, ctx, clock) as worker:
        whose = await client("Slow")
        for _ in range(6):
            await hooked(ctx, hanging.url, whose)
        async with at_work(worker):
            await changed(nora.account_id)
            worker.wake()
            await hanging.until_asked(6)
            await receiver.until(1)
            await changed(nora.account_id)
            worker.wake()
            await receiver.until(2)
            assert hanging.events == []
            assert hanging.slow is not None
            hanging.slow.set()
            await hanging.until(12)


async def test_a_receiver_that_never_answers_is_given_up_in_time(
    settings: Settings, nora: Pupil, ctx: Context, clock: Clock
) -> None:
    hasty = settings.model_copy(update={"webhook_seconds": 0.3})
    async with Receiver(slow=asyncio.Event()) as hanging, messenger(hasty, ctx, clock) as worker:
        hook = await hooked(ctx, hanging.url)
        await changed(nora.account_id)
        await worker.run(once=True)
    assert (await WebhookDelivery.get()).failure == "no answer in time"
    assert await standings(hook) == ["WAITING"]


async def test_an_endless_answer_is_not_read(worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil) -> None:
    receiver.content = b"x" * 3_000_000
    await changed(nora.account_id, times=2)
    await worker.run(once=True)
    assert await standings(hook) == ["DELIVERED"] * 2


async def test_a_certificate_of_nobody_known_is_not_accepted(
    *, worker: Messenger, settings: Settings, nora: Pupil, ctx: Context, clock: Clock, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    async with Receiver(tls=authority.server(HOST)) as receiver:
        hook = await hooked(ctx, receiver.url)
        await changed(nora.account_id)
        await worker.run(once=True)
        assert receiver.came == []
        failure = (await WebhookDelivery.get()).failure
        assert failure is not None
        assert "CERTIFICATE_VERIFY_FAILED" in failure
        clock.advance(minutes=1)
        trusting = settings.model_copy(update={"webhook_ca_file": authority.file})
        async with messenger(trusting, ctx, clock) as other:
            await other.run(once=True)
    assert await standings(hook) == ["DELIVERED"]


# ------------------------------------------------------------------------------------------------ what operators do
async def test_while_a_secret_is_rotated_both_sign(
    *, worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil, ctx: Context, clock: Clock
) -> None:
    secret, until_when = await rotate_webhook(ctx, hook.id, both_for=timedelta(hours=24))
    assert secret != hook.secret
    for hours, old_is_good in ((0, True), (23, True), (24, False)):
        clock.now = ctx.now + timedelta(hours=hours)
        await changed(nora.account_id)
        await worker.run(once=True)
        event = receiver.events[-1]
        assert event.is_signed_with(secret)
        assert event.is_signed_with(hook.secret) == old_is_good
        assert len(event.headers["webhook-signature"].split(" ")) == 1 + old_is_good
    assert until_when == ctx.now + timedelta(hours=24)


async def test_a_removed_webhook_is_told_nothing_more(
    *, worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil, ctx: Context, clock: Clock
) -> None:
    await changed(nora.account_id)
    await _late(worker, receiver, clock)
    assert await remove_webhook(ctx, hook.id) == 1
    await changed(nora.account_id)
    await worker.run(once=True)
    assert receiver.events == []
    assert await standings(hook) == ["WITHHELD"]


async def test_paused_by_the_operator_it_goes_on_where_it_stood(
    *, worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil, ctx: Context, clock: Clock
) -> None:
    await changed(nora.account_id)
    await worker.run(once=True)
    await pause_webhook(ctx, hook.id)
    await changed(nora.account_id, times=3)
    await worker.run(once=True)
    assert len(receiver.events) == 1
    assert await resume_webhook(at(ctx, clock), hook.id) == (0, 0)
    await worker.run(once=True)
    assert len({event.id for event in receiver.events}) == len(receiver.events) == 4


async def test_what_is_not_kept_any_more_when_it_is_resumed_is_told_to_the_operator(
    *, worker: Messenger, hook: Hook, nora: Pupil, receiver: Receiver, ctx: Context, clock: Clock
) -> None:
    await pause_webhook(ctx, hook.id)
    await changed(nora.account_id, times=3)
    await number_changes()
    await forget_changes(clock() + timedelta(days=1))
    assert await resume_webhook(at(ctx, clock), hook.id) == (0, 3)
    await changed(nora.account_id)
    await worker.run(once=True)
    assert len(receiver.events) == 1


async def test_a_replay_tells_all_after_a_cursor_again_in_order_and_under_the_same_ids(
    *, worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil, district: District, ctx: Context, clock: Clock
) -> None:
    theo = await district.student(school=await district.school("Hillside"))
    await worker.run(once=True)
    receiver.events.clear()
    await changed(nora.account_id, theo.account_id, times=4)
    await worker.run(once=True)
    first = {event.data["cursor"]: event.id for event in receiver.events}
    assert len(first) == 8
    number = (await WebhookDelivery.all().order_by("number"))[-7].number
    receiver.events.clear()
    replayed = await replay_webhook(at(ctx, clock), hook.id, after=number)
    assert (replayed.deliveries, replayed.forgotten) == (6, 0)
    await worker.run(once=True)
    again = {event.data["cursor"]: event.id for event in receiver.events}
    assert again == {cursor: id_ for cursor, id_ in first.items() if cursor in list(sorted_by_number(first))[2:]}
    for who in (nora, theo):
        mine = [e.data["cursor"] for e in receiver.events if e.account == global_id("Account", who.account_id)]
        assert mine == sorted_by_number(mine)


def sorted_by_number(cursors: Any) -> list[str]:
    return sorted(cursors, key=lambda text: read_cursor(text) or 0)


async def test_a_replay_by_time_and_of_a_webhook_that_was_added_later(
    worker: Messenger, receiver: Receiver, nora: Pupil, ctx: Context, clock: Clock
) -> None:
    """What came before it was added can be told too, from where a receiver wants it."""
    await changed(nora.account_id, times=3)
    hook = await hooked(ctx, receiver.url)
    replayed = await replay_webhook(at(ctx, clock), hook.id, after=ctx.now - timedelta(days=1))
    # The account itself came then as well.
    assert replayed.deliveries == 4
    await worker.run(once=True)
    assert [event.data["statusBefore"] for event in receiver.events] == [
        None,
        "NOT_ACTIVATED",
        "DISABLED",
        "NOT_ACTIVATED",
    ]


async def test_what_ended_is_thrown_away_after_the_change_days(
    worker: Messenger, receiver: Receiver, hook: Hook, nora: Pupil, clock: Clock
) -> None:
    await changed(nora.account_id)
    await worker.run(once=True)
    receiver.answer = lambda _said: 500
    await changed(nora.account_id)
    await worker.run(once=True)
    for days, left in ((29, ["DELIVERED", "WAITING"]), (31, ["WAITING"])):
        before = clock() + timedelta(days=days)
        await throw_away(before, letters_for=timedelta(days=90), changes_for=timedelta(days=30))
        assert await standings(hook) == left


async def test_no_signing_secret_is_at_rest(hook: Hook, ctx: Context) -> None:
    row = await sql.row("SELECT row_to_json(webhook)::text AS text FROM webhook")
    assert row is not None
    secret = base64.b64decode(hook.secret.removeprefix("whsec_"))
    assert len(secret) == 32
    for form in (hook.secret, secret.hex(), base64.b64encode(secret).decode()):
        assert form not in row["text"]
        assert form.removesuffix("=") not in json.dumps(row)

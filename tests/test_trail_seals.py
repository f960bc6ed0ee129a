"""The trail cannot be changed unseen: whatever is done to it by SQL is found, and the first thing wrong is named."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.exceptions import IntegrityError, OperationalError

from db import sql
from db.connection import pending_migrations
from db.context import Context
from db.seals import Checkpoint, seal
from db.secrets import Keyring
from db.trail import COLUMNS, Note, Step, record
from db.verifying import Finding, Verdict, Wrong, verify
from tests.servers import REPOSITORY
from tests.tables import as_superuser, forget_trail

_serial = count(1)
pytestmark = pytest.mark.usefixtures("database")


async def write(ctx: Context, entries: int) -> None:
    """So many steps, each with an entry that has something in every column."""
    for _ in range(entries):
        n = next(_serial)
        note = Note(Step.LOG_IN, "guardian, own", n, n + 1, n + 2, {"counts": {"b": n, "a": [True, None]}, "é": "wörd"})
        await record(
            replace(ctx, now=ctx.now + timedelta(microseconds=n)), note, refusal="NOT_FOUND" if n % 2 else None
        )


async def sealed(ctx: Context, *sizes: int) -> list[Checkpoint]:
    """Seals over so many new entries each."""
    made = []
    for size in sizes:
        await write(ctx, size)
        checkpoint = await seal(ctx.keys, ctx.now)
        assert checkpoint is not None
        assert checkpoint.entries == size
        made.append(checkpoint)
    return made


async def ids() -> list[int]:
    return [row["id"] for row in await sql.rows("SELECT id FROM trail_entry ORDER BY id")]


async def tamper(*statements: str) -> None:
    """What somebody with all rights does to the trail."""
    async with as_superuser():
        for statement in statements:
            await sql.connection().execute_script(statement)


async def found(ctx: Context, checkpoints: Sequence[Checkpoint] = ()) -> Finding:
    verdict = await verify(ctx.keys, checkpoints)
    assert verdict.finding is not None
    return verdict.finding


@pytest.fixture(params=["sealed", "waiting"])
async def trail(request: pytest.FixtureRequest, ctx: Context) -> list[int]:
    """The numbers of six entries: the middle ones are in the second of three seals, or none is sealed yet."""
    await sealed(ctx, 2, 2, 2) if request.param == "sealed" else await write(ctx, 6)
    return await ids()


# ------------------------------------------------------------------------------------------------ in order
async def test_an_empty_trail_is_in_order(ctx: Context) -> None:
    assert await verify(ctx.keys) == Verdict()
    assert await seal(ctx.keys, ctx.now) is None


async def test_what_nobody_touched_is_in_order(ctx: Context) -> None:
    checkpoints = await sealed(ctx, 3, 2, 40)
    await write(ctx, 4)
    verdict = await verify(ctx.keys, checkpoints)
    assert verdict.finding is None
    assert (verdict.sealed, verdict.seals, verdict.waiting) == (45, 3, 4)
    assert (verdict.checkpoints, verdict.known_up_to, verdict.without_mac) == (3, 3, 0)
    assert verdict.since is not None


async def test_more_waits_than_one_seal_takes(ctx: Context) -> None:
    await write(ctx, 5)
    sizes = []
    while made := await seal(ctx.keys, ctx.now, most=2):
        sizes.append(made.entries)
    assert sizes == [2, 2, 1]
    assert (await verify(ctx.keys)).finding is None


async def test_a_new_secret_seals_on_and_the_old_one_is_still_needed(ctx: Context) -> None:
    await sealed(ctx, 2)
    first, second = Keyring.generate(), Keyring.generate().replace("1:", "2:")
    old, both = Keyring.parse(first), Keyring.parse(f"{second},{first}")
    await forget_trail()
    await sealed(replace(ctx, keys=old), 2)
    await sealed(replace(ctx, keys=both), 2)
    assert (await verify(both)).finding is None
    finding = (await verify(Keyring.parse(second))).finding
    assert finding is not None
    assert finding.wrong is Wrong.NOT_CHECKED
    assert finding.says == "Seal 1 cannot be checked: secret version 1 is not among the secrets."
    # What can be checked is, and what is wrong comes before what is not known.
    last = (await ids())[-1]
    await tamper(f"UPDATE trail_entry SET address = '' WHERE id = {last}")
    finding = (await verify(Keyring.parse(second))).finding
    assert finding is not None
    assert (finding.wrong, finding.entry) == (Wrong.ENTRY_ALTERED, last)


async def test_entries_from_before_are_all_there_but_nobody_makes_new_ones_of_the_kind(ctx: Context) -> None:
    old = (
        "INSERT INTO trail_entry (at, step, outcome, address, request_id, details, uid, secret_version, mac) "
        "SELECT now(), 'key:check', 'DONE', '', '', '{}', substr(sha256(random()::text::bytea), 1, 16), 0, "
        "decode(repeat('00', 32), 'hex') FROM generate_series(1, 2);"
        "INSERT INTO trail_unsealed SELECT id, mac FROM trail_entry WHERE secret_version = 0 ORDER BY id DESC LIMIT 2"
    )
    await tamper(old)
    first = (await ids())[0]
    await seal(ctx.keys, ctx.now)
    await sealed(ctx, 2)
    verdict = await verify(ctx.keys)
    assert verdict.finding is None
    assert verdict.without_mac == 2
    await tamper(old)
    finding = await found(ctx)
    assert (finding.wrong, finding.entry) == (Wrong.ENTRY_ALTERED, (await ids())[-2])
    await tamper(f"DELETE FROM trail_entry WHERE id = {first}")
    assert (await found(ctx)).wrong is Wrong.ENTRY_MISSING


# ------------------------------------------------------------------------------------------------ edited
EDITS = {
    "at": "at + interval '1 microsecond'",
    "step": "'session:logout'",
    "rule": "NULL",
    "actor_account_id": "17",
    "actor_person_id": "17",
    "about_account_id": "about_account_id + 1",
    "about_person_id": "NULL",
    "about_student_id": "-about_student_id",
    "address": "address || ' '",
    "request_id": "''",
    "details": "'{}'",
    "uid": "substr(sha256(uid), 1, 16)",
    "secret_version": "0",
    "mac": "sha256(mac)",
    "outcome": "CASE WHEN outcome = 'DONE' THEN 'REFUSED' ELSE 'DONE' END, "
    "refusal = CASE WHEN outcome = 'DONE' THEN 'NOT_FOUND' END",
    "refusal": "'NOT_ALLOWED', outcome = 'REFUSED'",
}


def test_each_column_is_edited() -> None:
    assert set(EDITS) == {*COLUMNS, "details", "uid", "secret_version", "mac"}


@pytest.mark.parametrize("column", EDITS)
async def test_an_edit_of_any_column_is_found(ctx: Context, trail: list[int], column: str) -> None:
    await tamper(f"UPDATE trail_entry SET {column} = {EDITS[column]} WHERE id IN ({trail[3]}, {trail[5]})")
    finding = await found(ctx)
    assert (finding.wrong, finding.entry) == (Wrong.ENTRY_ALTERED, trail[3])
    where = "in seal 2," if finding.seal else "not sealed yet,"
    assert finding.says == f"Entry {trail[3]}, {where} was altered."


@pytest.mark.parametrize(
    "details", ['{"counts": 1e400}', '{"é": "wörd"}', "[]", "null", '{"counts": {"b": 1.0}}', "[" * 2000 + "]" * 2000]
)
async def test_details_that_nobody_here_writes_are_found(ctx: Context, trail: list[int], details: str) -> None:
    await tamper(f"UPDATE trail_entry SET details = '{details}' WHERE id = {trail[2]}")
    assert (await found(ctx)).wrong is Wrong.ENTRY_ALTERED


async def test_a_time_that_python_does_not_know_is_found(ctx: Context, trail: list[int]) -> None:
    await tamper(f"UPDATE trail_entry SET at = 'infinity' WHERE id = {trail[2]}")
    assert (await found(ctx)).entry == trail[2]


async def test_an_edit_together_with_the_queue_or_the_seal_is_found(ctx: Context, trail: list[int]) -> None:
    """As somebody would who knows how it works, and has no secret."""
    await tamper(
        f"UPDATE trail_entry SET address = '', mac = sha256(mac) WHERE id = {trail[3]}",
        f"UPDATE trail_unsealed SET mac = sha256(mac) WHERE entry_id = {trail[3]}",
    )
    assert (await found(ctx)).entry == trail[3]
    await tamper(
        "UPDATE trail_seal SET macs = (SELECT string_agg(e.mac, ''::bytea ORDER BY place) "
        "FROM unnest(entry_ids) WITH ORDINALITY AS in_seal (id, place) JOIN trail_entry e ON e.id = in_seal.id)"
    )
    finding = await found(ctx)
    assert finding.says in {"Seal 2 was altered.", f"Entry {trail[3]}, not sealed yet, was altered."}


async def test_an_entry_under_a_secret_that_never_was_cannot_pass(ctx: Context, trail: list[int]) -> None:
    await tamper(f"UPDATE trail_entry SET secret_version = 9, address = '' WHERE id = {trail[3]}")
    finding = await found(ctx)
    assert (finding.wrong, finding.entry) == (Wrong.NOT_CHECKED, trail[3])


# ------------------------------------------------------------------------------------------------ deleted
@pytest.mark.parametrize("place", [0, 3, 5])
async def test_a_deleted_entry_is_found(ctx: Context, trail: list[int], place: int) -> None:
    await tamper(f"DELETE FROM trail_entry WHERE id = {trail[place]}")
    finding = await found(ctx)
    assert (finding.wrong, finding.entry) == (Wrong.ENTRY_MISSING, trail[place])
    assert finding.says.endswith("is missing.")
    # And if it is sealed without it, it still is.
    await seal(ctx.keys, ctx.now)
    assert (await found(ctx)).entry == trail[place]


async def test_an_emptied_trail_is_found(ctx: Context, trail: list[int]) -> None:
    await tamper("TRUNCATE trail_entry")
    finding = await found(ctx)
    assert (finding.wrong, finding.entry) == (Wrong.ENTRY_MISSING, trail[0])


async def test_an_entry_without_its_place_in_the_queue_is_found(ctx: Context) -> None:
    await write(ctx, 3)
    first = (await ids())[1]
    await tamper(f"DELETE FROM trail_unsealed WHERE entry_id = {first}")
    for _ in range(2):
        finding = await found(ctx)
        assert (finding.wrong, finding.entry) == (Wrong.ENTRY_INSERTED, first)
        await seal(ctx.keys, ctx.now)


# ------------------------------------------------------------------------------------------------ inserted
OTHERS = (
    "at, step, outcome, refusal, rule, actor_account_id, actor_person_id, about_account_id, about_person_id, "
    "about_student_id, address, request_id, details, secret_version"
)
NEW_UID = "substr(sha256(uid), 1, 16)"


def copy(number: int, uid: str, mac: str, new: str = "nextval('trail_entry_id_seq')") -> str:
    return (
        f"INSERT INTO trail_entry (id, {OTHERS}, uid, mac) SELECT {new}, {OTHERS}, {uid}, {mac} "
        f"FROM trail_entry WHERE id = {number}"
    )


@pytest.mark.parametrize("mac", ["mac", "sha256('forged')"])
@pytest.mark.parametrize("new", ["0", "nextval('trail_entry_id_seq')"], ids=["before", "after"])
async def test_an_inserted_entry_is_found(ctx: Context, trail: list[int], mac: str, new: str) -> None:
    await tamper(copy(trail[2], NEW_UID, mac, new))
    [number] = set(await ids()) - set(trail)
    finding = await found(ctx)
    assert (finding.wrong, finding.entry) == (Wrong.ENTRY_INSERTED, number)
    # With a place in the queue, or sealed, it is one that nobody here wrote.
    await tamper(f"INSERT INTO trail_unsealed SELECT id, mac FROM trail_entry WHERE id = {number}")
    finding = await found(ctx)
    assert (finding.wrong, finding.entry) == (Wrong.ENTRY_ALTERED, number)
    await seal(ctx.keys, ctx.now)
    finding = await found(ctx)
    assert (finding.wrong, finding.entry) == (Wrong.ENTRY_ALTERED, number)


async def test_an_entry_cannot_be_there_twice(ctx: Context, trail: list[int]) -> None:
    with pytest.raises(IntegrityError):
        await tamper(copy(trail[2], "uid", "mac"))


# ------------------------------------------------------------------------------------------------ reordered
async def test_two_entries_that_change_places_are_found(ctx: Context, trail: list[int]) -> None:
    a, b = trail[2], trail[4]
    await tamper(
        f"UPDATE trail_entry SET id = -1 WHERE id = {a}",
        f"UPDATE trail_entry SET id = {a} WHERE id = {b}",
        f"UPDATE trail_entry SET id = {b} WHERE id = -1",
    )
    finding = await found(ctx)
    assert (finding.wrong, finding.entry) == (Wrong.ENTRY_MOVED, a)
    assert finding.says.endswith(f"was moved: it is number {b} now.")


async def test_an_entry_under_another_number_is_found(ctx: Context, trail: list[int]) -> None:
    await tamper(f"UPDATE trail_entry SET id = 10000000 WHERE id = {trail[2]}")
    finding = await found(ctx)
    assert (finding.wrong, finding.entry) == (Wrong.ENTRY_MOVED, trail[2])


async def test_an_entry_in_the_place_of_a_deleted_one_is_found(ctx: Context, trail: list[int]) -> None:
    await tamper(
        f"DELETE FROM trail_entry WHERE id = {trail[2]}",
        f"UPDATE trail_entry SET id = {trail[2]} WHERE id = {trail[5]}",
    )
    finding = await found(ctx)
    assert (finding.wrong, finding.entry) == (Wrong.ENTRY_MISSING, trail[2])
    assert finding.says.endswith("is missing, and another one stands in its place.")


# ------------------------------------------------------------------------------------------------ the seals
async def test_an_edit_of_any_column_of_a_seal_is_found(ctx: Context) -> None:
    for column, value in {
        "previous": "sha256(previous)",
        "digest": "sha256(digest)",
        "sealed_at": "sealed_at - interval '1 microsecond'",
        "entry_ids": "entry_ids[2:2] || entry_ids[1:1]",
        "macs": "substr(macs, 33) || substr(macs, 1, 32)",
    }.items():
        await forget_trail()
        await sealed(ctx, 2, 2, 2)
        await tamper(f"UPDATE trail_seal SET {column} = {value} WHERE number = 2")
        finding = await found(ctx)
        assert (finding.wrong, finding.seal, finding.says) == (Wrong.SEAL_ALTERED, 2, "Seal 2 was altered."), column


@pytest.mark.parametrize("number", [1, 2])
async def test_a_seal_that_is_missing_before_others_is_found(ctx: Context, number: int) -> None:
    checkpoints = await sealed(ctx, 2, 2, 2)
    await tamper(f"DELETE FROM trail_seal WHERE number = {number}")
    for known in ([], checkpoints):
        finding = await found(ctx, known)
        assert (finding.wrong, finding.seal) == (Wrong.SEAL_MISSING, number)


async def test_a_gap_that_was_closed_is_found(ctx: Context) -> None:
    await sealed(ctx, 2, 2, 2)
    await tamper(
        "DELETE FROM trail_seal WHERE number = 2",
        "UPDATE trail_seal SET number = 2 WHERE number = 3",
    )
    assert (await found(ctx)).says == "Seal 2 was altered."


async def test_a_seal_from_another_chain_is_found(ctx: Context) -> None:
    """A chain that was cut and went on, and a genuine seal of the time before put into it again."""
    await sealed(ctx, 2, 2, 2)
    await tamper("CREATE TABLE kept AS SELECT * FROM trail_seal", "DELETE FROM trail_seal WHERE number > 1")
    await tamper("INSERT INTO trail_unsealed SELECT id, mac FROM trail_entry ORDER BY id OFFSET 2")
    await seal(ctx.keys, ctx.now + timedelta(hours=1))
    await tamper("INSERT INTO trail_seal SELECT * FROM kept WHERE number = 3", "DROP TABLE kept")
    finding = await found(ctx)
    assert (finding.wrong, finding.seal) == (Wrong.SEAL_OUT_OF_ORDER, 3)
    assert finding.says == "Seal 3 does not follow the seal before it."


async def test_seals_that_are_gone_with_the_queue_leave_entries_in_none(ctx: Context) -> None:
    await sealed(ctx, 2, 2)
    await tamper("TRUNCATE trail_seal")
    assert (await found(ctx)).wrong is Wrong.ENTRY_INSERTED


# ------------------------------------------------------------------------------------------------ a cut tail
CUT = (
    "DELETE FROM trail_entry WHERE id IN (SELECT unnest(entry_ids) FROM trail_seal WHERE number > 2)",
    "DELETE FROM trail_seal WHERE number > 2",
    "TRUNCATE trail_unsealed",
)


async def test_a_tail_that_was_cut_off_is_found_by_a_checkpoint_and_by_nothing_else(ctx: Context) -> None:
    checkpoints = await sealed(ctx, 2, 2, 2, 2)
    await tamper(*CUT)
    assert (await verify(ctx.keys)).finding is None
    assert (await verify(ctx.keys, checkpoints[:2])).finding is None
    for known, first in ((checkpoints, 3), (checkpoints[::-1], 3), (checkpoints[3:], 4)):
        finding = await found(ctx, known)
        assert (finding.wrong, finding.seal) == (Wrong.CUT_OFF, first)
    assert finding.says == "The end of the trail was cut off: seal 4, of 2026-10-05 17:00 UTC, is not there."


async def test_a_tail_that_was_cut_off_and_went_on_is_found(ctx: Context) -> None:
    checkpoints = await sealed(ctx, 2, 2, 2)
    await tamper(*CUT)
    checkpoints += await sealed(ctx, 2, 2)
    finding = await found(ctx, checkpoints)
    assert (finding.wrong, finding.seal) == (Wrong.CUT_OFF, 3)
    assert "is another one now" in finding.says


async def test_a_trail_that_was_emptied_with_all_that_belongs_to_it_is_found(ctx: Context) -> None:
    checkpoints = await sealed(ctx, 2, 2)
    await forget_trail()
    finding = await found(ctx, checkpoints)
    assert (finding.wrong, finding.seal) == (Wrong.CUT_OFF, 1)


async def test_behind_what_is_known_to_be_wrong_the_rest_is_watched_on(ctx: Context) -> None:
    checkpoints = await sealed(ctx, 3, 3, 3)
    numbers = await ids()
    await tamper(
        f"UPDATE trail_entry SET step = 'other' WHERE id = {numbers[0]}",
        f"DELETE FROM trail_entry WHERE id = {numbers[4]}",
    )
    assert (await found(ctx, checkpoints)).entry == numbers[0]
    for from_seal, entry in ((2, numbers[4]), (3, None)):
        finding = (await verify(ctx.keys, checkpoints, from_seal=from_seal)).finding
        assert (finding.entry if finding else None) == entry
    # Whatever is done from there on is found as before: an entry, a seal, the end, and what was put in.
    known = await verify(ctx.keys, checkpoints, from_seal=3)
    assert (known.sealed, known.seals, known.checkpoints) == (3, 1, 1)
    await tamper("UPDATE trail_seal SET previous = repeat('p', 32)::bytea WHERE number = 3")
    finding = (await verify(ctx.keys, checkpoints, from_seal=3)).finding
    assert finding is not None
    assert (finding.wrong, finding.seal) == (Wrong.SEAL_ALTERED, 3)
    await tamper("DELETE FROM trail_seal WHERE number = 3")
    for held_against, wrong in ((checkpoints, Wrong.CUT_OFF), ((), Wrong.ENTRY_INSERTED)):
        finding = (await verify(ctx.keys, held_against, from_seal=3)).finding
        assert finding is not None
        assert finding.wrong is wrong


async def test_an_altered_entry_before_the_cut_is_named_first(ctx: Context) -> None:
    checkpoints = await sealed(ctx, 2, 2, 2)
    first = (await ids())[0]
    await tamper(*CUT, f"UPDATE trail_entry SET address = '' WHERE id = {first}")
    assert (await found(ctx, checkpoints)).entry == first


def test_a_checkpoint_is_read_as_it_was_written(ctx: Context) -> None:
    checkpoint = Checkpoint(7, bytes(range(32)), 3, ctx.now)
    assert Checkpoint.parse(checkpoint.line()) == checkpoint
    logged = orjson.loads(checkpoint.line()) | {"event": "trail sealed", "level": "info"}
    assert Checkpoint.parse(orjson.dumps(logged).decode()) == checkpoint
    for line in ("", "{}", "[]", "7", '{"number": 7}', checkpoint.line()[:-1], checkpoint.line().replace("00", "", 1)):
        with pytest.raises(ValueError, match=r".*"):
            Checkpoint.parse(line)


# ------------------------------------------------------------------------------------------------ who may not
@pytest.mark.parametrize("table", ["trail_entry", "trail_seal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET secret_version = 1", "DELETE FROM {}", "TRUNCATE {}"])
async def test_the_application_can_neither_change_nor_delete(ctx: Context, table: str, statement: str) -> None:
    """Though here it owns the table."""
    await sealed(ctx, 2)
    with pytest.raises(OperationalError, match=f"Rows of {table} are never changed or deleted"):
        await sql.rows(statement.format(table))
    assert (await verify(ctx.keys)).finding is None


async def test_the_rights_that_the_documents_grant_are_enough_and_no_more(ctx: Context) -> None:
    await sealed(ctx, 1)
    told = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
    [grants] = re.findall(r"```sql\n(CREATE ROLE portal_app.*?)```", told, re.DOTALL)
    async with sql.transaction() as transaction:
        await sql.connection().execute_script(f"{grants}; SET LOCAL ROLE portal_app")
        await write(ctx, 2)
        assert (await seal(ctx.keys, ctx.now)) is not None
        assert await pending_migrations() == []
        for denied in (
            "UPDATE trail_entry SET address = ''",
            "DELETE FROM trail_seal",
            "TRUNCATE trail_unsealed",
            "ALTER TABLE trail_entry DISABLE TRIGGER trail_entry_is_kept",
            "SET LOCAL session_replication_role = replica; DELETE FROM trail_entry",
        ):
            with pytest.raises(OperationalError, match=r"permission denied|must be owner"):
                async with sql.transaction():
                    await sql.connection().execute_script(denied)
        await transaction.rollback()


async def test_a_fraction_is_not_written(ctx: Context) -> None:
    """PostgreSQL would give it back in other words, and the entry would look altered."""
    with pytest.raises(TypeError):
        await record(ctx, Note(Step.LOG_IN, details={"deep": [{"seconds": 1.5}]}))
    assert await ids() == []


# ------------------------------------------------------------------------------------------------ at once
async def test_two_who_seal_at_once_make_one_chain(ctx: Context) -> None:
    await write(ctx, 30)

    async def go_on() -> int:
        done = 0
        while made := await seal(ctx.keys, ctx.now, most=3, wait=True):
            done += made.entries
        return done

    assert sum(await asyncio.gather(*(go_on() for _ in range(4)))) == 30
    verdict = await verify(ctx.keys)
    assert (verdict.finding, verdict.seals, verdict.sealed) == (None, 10, 30)


async def test_who_does_not_wait_leaves_it_to_the_one_who_seals(ctx: Context, database_url: str) -> None:
    await write(ctx, 1)
    other = await asyncpg.connect(database_url)
    async with other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(4815162344)")
        assert await seal(ctx.keys, ctx.now) is None
    assert await seal(ctx.keys, ctx.now) is not None
    await other.close()


async def test_a_step_under_way_holds_nothing_up_and_is_sealed_later(ctx: Context) -> None:
    written, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with sql.transaction():
            await write(ctx, 1)
            written.set()
            await go_on.wait()

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(slow())
        await written.wait()
        # Later numbers, committed sooner, by twenty at once; and all the while somebody seals.
        await asyncio.gather(*(write(ctx, 1) for _ in range(20)), seal(ctx.keys, ctx.now))
        while await seal(ctx.keys, ctx.now):
            pass
        assert (await verify(ctx.keys)).sealed == 20
        go_on.set()
    late = await seal(ctx.keys, ctx.now)
    assert late is not None
    assert late.entries == 1
    [row] = await sql.rows("SELECT entry_ids FROM trail_seal WHERE number = $1", late.number)
    assert row["entry_ids"] == [(await ids())[0]]
    verdict = await verify(ctx.keys)
    assert (verdict.finding, verdict.sealed) == (None, 21)


async def test_the_trail_is_written_on_while_it_is_verified(ctx: Context) -> None:
    await sealed(ctx, 5)
    verdict, *_ = await asyncio.gather(verify(ctx.keys), write(ctx, 10), seal(ctx.keys, ctx.now))
    assert verdict.finding is None


# ------------------------------------------------------------------------------------------------ whatever is done
TAMPERINGS = (
    "UPDATE trail_entry SET address = address || 'x' WHERE id = {entry}",
    "UPDATE trail_entry SET at = at + interval '1 second', mac = sha256(mac) WHERE id = {entry}",
    "DELETE FROM trail_entry WHERE id = {entry}",
    "UPDATE trail_entry SET id = id + 1000000 WHERE id = {entry}",
    copy(0, NEW_UID, "mac").replace("id = 0", "id = {entry}"),
    copy(0, NEW_UID, "sha256(mac)", "-id").replace("id = 0", "id = {entry}"),
    "DELETE FROM trail_seal WHERE {entry} = ANY (entry_ids)",
    "DELETE FROM trail_unsealed WHERE entry_id = {entry}",
    "UPDATE trail_seal SET sealed_at = sealed_at + interval '1 second' WHERE {entry} = ANY (entry_ids)",
    "DELETE FROM trail_entry WHERE id >= {entry}",
    "DELETE FROM trail_seal WHERE number >= (SELECT number FROM trail_seal WHERE {entry} = ANY (entry_ids))",
)


@given(
    sizes=st.lists(st.integers(1, 4), max_size=4),
    waiting=st.integers(0, 3),
    doings=st.lists(st.tuples(st.sampled_from(TAMPERINGS), st.integers(0, 18)), max_size=4),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_done_is_found_and_what_was_left_alone_is_not(
    ctx: Context, sizes: list[int], waiting: int, doings: list[tuple[str, int]]
) -> None:
    await forget_trail()
    checkpoints = await sealed(ctx, *sizes)
    await write(ctx, waiting)
    before, numbers = await _all(), await ids()
    for doing, place in doings:
        if numbers:
            try:
                await tamper(doing.format(entry=numbers[place % len(numbers)]))
            except IntegrityError:
                continue
    changed = await _all() != before
    assert ((await verify(ctx.keys, checkpoints)).finding is not None) is changed


async def _all() -> list[str]:
    return [
        row["told"]
        for table in ("trail_entry", "trail_unsealed", "trail_seal")
        for row in await sql.rows(f"SELECT t::text AS told FROM {table} t ORDER BY 1")
    ]

"""`portal trail` as an operator runs it, and the seals that a server makes by itself."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.asgi import create_app
from app.problems import PlainProblem
from app.sealing import checkpoint_file, read_checkpoints, sealing
from app.settings import Settings
from db import sql
from db.context import Capacity, Context
from db.models import TrailEntry
from db.seals import Checkpoint, last_checkpoint
from db.secrets import Keyring
from db.trail import Note, Step, record
from db.verifying import verify
from policies.refusals import NotFound
from resolvers.activation_key import key_of_record
from resolvers.trail import Asked, show
from tests.clients import Portal
from tests.command_line import portal
from tests.conftest import Clock
from tests.district import PASSWORD, District
from tests.roster_sets import RosterFiles
from tests.tables import as_superuser, forget_trail, trail


# ------------------------------------------------------------------------------------------------ verify, seal
async def test_an_operator_seals_verifies_and_is_told_what_is_wrong(
    ctx: Context, district: District, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    production = {
        "environment": "production",
        "public_url": "https://p.example",
        "database_url": database_url,
        "secrets": keys_text,
    }
    empty = portal(tmp_path, "trail", "seal", **production)
    assert (empty.returncode, empty.stderr) == (1, "portal: There is nothing in the trail yet.\n")
    for _ in range(3):
        await record(ctx, Note(Step.LOG_IN))
    unsealed = portal(tmp_path, "trail", "verify", **production)
    assert (unsealed.returncode, unsealed.stderr) == (0, "")
    assert unsealed.stdout.splitlines() == [
        "The trail is as it was written: 0 entries in 0 seals, and 3 that wait for a seal, since 2026-10-05 12:00.",
        "There was no checkpoint to hold it against: an end that was cut off cannot be seen.",
    ]
    made = portal(tmp_path, "trail", "seal", trail_checkpoints=str(kept), **production)
    assert made.returncode == 0, made
    assert Checkpoint.parse(made.stdout) == await last_checkpoint()
    assert kept.read_text() == made.stdout
    # Nothing waits any more: the last one again, and no other line.
    assert portal(tmp_path, "trail", "seal", trail_checkpoints=str(kept), **production).stdout == made.stdout
    assert kept.read_text() == made.stdout

    sound = portal(tmp_path, "trail", "verify", "--checkpoints", kept, **production)
    assert (sound.returncode, sound.stderr) == (0, ""), sound
    assert sound.stdout.splitlines() == [
        "The trail is as it was written: 3 entries in 1 seal, since 2026-10-05 12:00.",
        "Nothing was cut off up to seal 1, the last that the checkpoints name.",
    ]

    second = (await TrailEntry.all().order_by("id"))[1].id
    async with as_superuser():
        await sql.rows("UPDATE trail_entry SET outcome = 'REFUSED', refusal = 'NOT_FOUND' WHERE id = $1", second)
    altered = portal(tmp_path, "trail", "verify", trail_checkpoints=str(kept), **production)
    assert (altered.returncode, altered.stderr) == (1, "")
    assert altered.stdout.splitlines() == [
        f"The trail is not as it was written. Entry {second}, in seal 1, was altered.",
        "In order before it: 1 entry in 0 whole seals.",
    ]

    await forget_trail()
    cut = portal(tmp_path, "trail", "verify", trail_checkpoints=str(kept), **production)
    assert cut.returncode == 1
    assert "The end of the trail was cut off: seal 1, of " in cut.stdout


@pytest.mark.parametrize("command", ["seal", "show"])
async def test_nothing_is_written_under_other_secrets_than_the_servers(
    ctx: Context, district: District, database_url: str, tmp_path: Path, command: str
) -> None:
    """In another folder, development would make a secret of its own: a seal under it would look forged for ever."""
    theo = await district.student("Theo")
    ada = await district.guardian(theo)
    async with sql.transaction():
        await key_of_record(ctx, ada.account_id, Capacity.GUARDIAN)
    await record(ctx, Note(Step.LOG_IN))
    refused = portal(tmp_path, "trail", command, database_url=database_url)
    assert refused.returncode == 1
    assert refused.stderr.startswith("portal: The database was filled under another secret")
    assert await last_checkpoint() is None
    assert await trail() == [(Step.LOG_IN, "DONE")]
    assert (await verify(ctx.keys)).finding is None


def test_a_file_that_holds_no_checkpoints(database_url: str, keys_text: str, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("\nmilk, eggs\n")
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff\xfe")
    for name, said in (
        ("notes", "Line 2 of notes is no checkpoint."),
        ("picture", "The file picture holds no checkpoints."),
        ("nowhere", "The checkpoints in nowhere cannot be read: No such file or directory."),
    ):
        arguments = ("trail", "verify", "--checkpoints", name)
        answer = portal(tmp_path, *arguments, database_url=database_url, secrets=keys_text)
        assert (answer.returncode, answer.stderr) == (1, f"portal: {said}\n")


def test_the_commands_of_the_trail_are_listed(tmp_path: Path) -> None:
    helped = portal(tmp_path, "trail", "--help")
    for command in ("verify", "seal", "show"):
        assert f" {command} " in helped.stdout


# ------------------------------------------------------------------------------------------------ show
async def test_the_trail_is_shown_and_that_it_was_is_in_it(
    web: Portal, district: District, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    nora = await district.student()
    maria = await district.guardian(nora, email="maria@example.org")
    await district.opened(maria, "maria.q")
    await web.login("maria.q", "wrong wrong wrong")
    await web.login("maria.q", PASSWORD)
    await web.do("mutation { logout { __typename } }")

    def shown(*arguments: str) -> str:
        answer = portal(tmp_path, "trail", "show", *arguments, database_url=database_url, secrets=keys_text)
        assert (answer.returncode, answer.stderr) == (0, ""), answer
        return answer.stdout

    table = shown("--about", "MARIA.Q")
    assert [step in table for step in ("session:login", "WRONG_CREDENTIALS", "session:logout")] == [True, True, False]
    assert "Maria Quimby (maria.q)" in table
    assert "2026-10-05 12:00:00" in table
    by = [json.loads(line) for line in shown("--by", "maria.q", "--json").splitlines()]
    assert [(entry["step"], entry["actor_username"]) for entry in by] == [("session:logout", "maria.q")]
    assert "There is no such entry." in shown("--about", nora.number)
    assert "session:logout" in shown("--since", "2026-10-05", "--limit", "30")
    told = await TrailEntry.filter(step=Step.SHOW_TRAIL).order_by("id")
    assert [(entry.about_person_id, entry.details, entry.address) for entry in told] == [
        (maria.id, {"limit": 50}, "command line"),
        (None, {"limit": 50, "by_person_ids": [maria.id]}, "command line"),
        (nora.id, {"limit": 50}, "command line"),
        (None, {"limit": 30}, "command line"),
    ]

    nobody = portal(tmp_path, "trail", "show", "--by", "nobody", database_url=database_url, secrets=keys_text)
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert nobody.stderr == "portal: Nobody has that username, student number or id in the roster.\n"
    assert (await trail(Step.SHOW_TRAIL))[-1] == (Step.SHOW_TRAIL, "NOT_FOUND")
    misspelt = portal(tmp_path, "trail", "show", "--since", "yesterday", database_url=database_url, secrets=keys_text)
    assert misspelt.returncode == 2
    assert (await verify(Keyring.parse(keys_text))).finding is None


@pytest.fixture
def web(portal: Portal) -> Portal:
    """The application; in this file `portal` is the command."""
    return portal


async def test_the_newest_entries_are_chosen_and_told_in_their_order(ctx: Context, district: District) -> None:
    nora = await district.student()
    for minute in range(5):
        earlier = replace(ctx, now=ctx.now - timedelta(minutes=minute))
        await record(earlier, Note(Step.CHECK_KEY, about_student_id=nora.id, details={"minute": minute}))
    for asked, minutes in (
        (Asked(limit=2), [1, 0]),
        (Asked(about=nora.number, limit=3), [2, 1, 0]),
        (Asked(about=nora.number, since=ctx.now - timedelta(minutes=1)), [1, 0]),
        (Asked(about=f"000{nora.number}", limit=1), [0]),
        (Asked(about=nora.number, by=nora.number), []),
    ):
        entries = await show(replace(ctx, now=ctx.now - timedelta(days=1)), asked)
        assert [json.loads(entry["details"])["minute"] for entry in entries] == minutes
    with pytest.raises(NotFound):
        await show(ctx, Asked(about="nobody"))


async def test_a_trail_that_cannot_tell_of_it_is_not_shown(ctx: Context, district: District) -> None:
    await sql.rows("ALTER TABLE trail_unsealed ADD CONSTRAINT full_up CHECK (false) NOT VALID")
    try:
        with pytest.raises(Exception, match="full_up"):
            await show(ctx, Asked())
    finally:
        await sql.rows("ALTER TABLE trail_unsealed DROP CONSTRAINT full_up")


# ------------------------------------------------------------------------------------------------ by itself
async def test_a_server_seals_and_keeps_checkpoints(
    settings: Settings, district: District, ctx: Context, clock: Clock
) -> None:
    with capture_logs() as lines:
        quick = settings.model_copy(update={"trail_seal_seconds": 0.01})
        async with asyncio.timeout(20), Portal(create_app(quick, clock=clock)) as web:
            await web.login("nobody", PASSWORD)
            await _until_said("trail sealed", lines)
    file = checkpoint_file(settings)
    assert file == settings.var / "trail-checkpoints"
    [checkpoint] = read_checkpoints(file)
    assert checkpoint == await last_checkpoint()
    [line] = [line for line in lines if line["event"] == "trail sealed"]
    assert (line["number"], line["digest"], line["entries"]) == (1, checkpoint.digest.hex(), 1)
    assert (await verify(ctx.keys, [checkpoint])).finding is None


async def test_what_waits_at_the_end_is_sealed_with_it(settings: Settings, district: District, clock: Clock) -> None:
    async with Portal(create_app(settings, clock=clock)) as web:
        await web.login("nobody", PASSWORD)
        assert await last_checkpoint() is None
    last = await last_checkpoint()
    assert last is not None
    assert last.entries == 1


async def test_neither_a_database_that_is_away_nor_a_file_that_cannot_be_written_ends_it(
    ctx: Context, district: District, clock: Clock, tmp_path: Path
) -> None:
    await record(ctx, Note(Step.LOG_IN))
    await sql.rows("ALTER TABLE trail_seal RENAME TO trail_seal_away")
    with capture_logs() as lines:
        async with asyncio.timeout(20), sealing(ctx.keys, clock, tmp_path / "no" / "file", every=0.01):
            await _until_said("sealing failed", lines)
            await sql.rows("ALTER TABLE trail_seal_away RENAME TO trail_seal")
            await _until_said("checkpoint not written", lines)
    last = await last_checkpoint()
    assert last is not None
    assert last.entries == 1


def test_in_production_there_is_no_file_unless_one_is_named(settings: Settings, tmp_path: Path) -> None:
    production = settings.model_copy(update={"environment": "production"})
    assert checkpoint_file(production) is None
    named = production.model_copy(update={"trail_checkpoints": tmp_path / "kept"})
    assert checkpoint_file(named) == tmp_path / "kept"
    with pytest.raises(PlainProblem):
        list(read_checkpoints(tmp_path / "kept"))


async def test_an_import_is_sealed_like_everything_else(
    district: District, ctx: Context, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    roster = RosterFiles().folder(tmp_path / "roster")
    assert portal(tmp_path, "import", roster, database_url=database_url, secrets=keys_text).returncode == 0
    assert portal(tmp_path, "trail", "seal", database_url=database_url, secrets=keys_text).returncode == 0
    sound = portal(tmp_path, "trail", "verify", database_url=database_url, secrets=keys_text)
    assert sound.returncode == 0, sound
    assert "1 entry in 1 seal" in sound.stdout
    assert "Nothing was cut off up to seal 1" in sound.stdout


async def _until_said(event: str, lines: Sequence[Mapping[str, object]]) -> None:
    # Another task is at work, and tells nobody when it is done.
    while all(line["event"] != event for line in lines):  # noqa: ASYNC110
        await asyncio.sleep(0.01)

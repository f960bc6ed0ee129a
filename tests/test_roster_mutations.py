"""Good roster sets made bad in any way: there is a clear report or an import, never a crash and never half of one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.context import TortoiseContext

from db import sql
from db.context import Context
from db.roster.applying import apply, plan
from db.roster.checking import check
from db.roster.problems import RosterRefused
from tests.roster_sets import ANA_SSN, HEADERS, TODAY, RosterFiles, dump
from tests.tables import as_superuser

#: A set as bytes by file name, and what happens to it.
Contents = dict[str, bytes]
Mutation = Callable[[Contents], None]

FILES = st.sampled_from(sorted(HEADERS))
ODD_CELLS = st.sampled_from(
    [
        *("", " ", "true", "FALSE", "yes", "0", "-1", "n", "ana", "rosa", "ben,ana", ",,", "tobedeleted", "inactive"),
        *("2026-10-05", "2026-13-01", "05.10.2026", "0001-01-01", "9999-12-31", ANA_SSN, "9" * 300, "x" * 2000),
        *('"', "'; DROP TABLE person; --", "\\N", "\\.", "\t", "\x07", "\u202e", "\ufeff", "👪", "É" * 300, "NaN"),
    ]
)
HARMLESS_BYTES = st.binary(max_size=12)


def _lines(content: bytes) -> list[bytes]:
    return content.split(b"\r\n")


@st.composite
def mutations(draw: st.DrawFn) -> Mutation:
    """One thing that goes wrong with one file."""
    file = draw(FILES)
    kind = draw(st.sampled_from(["cut", "bytes", "cell", "twice", "drop", "swap", "encoding", "absent", "mixed up"]))
    place, odd, some = draw(st.floats(0, 0.999)), draw(ODD_CELLS), draw(HARMLESS_BYTES)
    other = draw(FILES)

    def mutate(contents: Contents) -> None:
        content = contents.get(file, b"")
        lines = _lines(content)
        at = int(place * len(content))
        line = int(place * len(lines))
        match kind:
            case "cut":
                contents[file] = content[:at]
            case "bytes":
                contents[file] = content[:at] + some + content[at + len(some) :]
            case "cell":
                cells = lines[line].split(b",")
                cells[int(place * 1000) % len(cells)] = odd.encode()
                lines[line] = b",".join(cells)
                contents[file] = b"\r\n".join(lines)
            case "twice":
                contents[file] = b"\r\n".join([*lines, lines[line]])
            case "drop":
                contents[file] = b"\r\n".join([*lines[:line], *lines[line + 1 :]])
            case "swap":
                lines[line] = b",".join(reversed(lines[line].split(b",")))
                contents[file] = b"\r\n".join(lines)
            case "encoding":
                contents[file] = content.decode(errors="replace").encode("utf-16" if place < 0.5 else "utf-7")
            case "absent":
                contents.pop(file, None)
            case "mixed up":
                contents[file], contents[other] = contents.get(other, b""), content

    return mutate


async def _either_refused_or_whole(found: list[Mutation], ctx: Context, folder: Path) -> None:
    tables = await sql.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    named = ", ".join(f'"{table["name"]}"' for table in tables if table["name"] != "tortoise_migrations")
    async with as_superuser():
        await sql.rows(f"TRUNCATE {named} RESTART IDENTITY CASCADE")
    files = RosterFiles()
    await apply(ctx, check(files.folder(folder / "good"), today=TODAY))
    before = await dump()

    spoiled = RosterFiles()
    spoiled.raw = files.contents()
    spoiled.rows = {}
    for mutate in found:
        mutate(spoiled.raw)
    checked = check(spoiled.folder(folder / "spoiled"), today=TODAY)
    told = "\n".join(map(str, checked.problems))
    assert ANA_SSN not in told
    assert ANA_SSN.replace("-", "") not in told
    try:
        await apply(ctx, checked)
    except RosterRefused:
        assert await dump() == before
    else:
        assert checked.good
        assert (await plan(ctx, checked)).changes == 0


PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@settings(PATIENT, max_examples=25)
@given(found=st.lists(mutations(), min_size=1, max_size=3))
async def test_a_spoiled_set_is_refused_or_taken_whole(
    found: list[Mutation], database: TortoiseContext, ctx: Context, tmp_path: Path
) -> None:
    await _either_refused_or_whole(found, ctx, tmp_path)


@pytest.mark.full
@settings(PATIENT, max_examples=500)
@given(found=st.lists(mutations(), min_size=1, max_size=5))
async def test_five_hundred_spoiled_sets_are_refused_or_taken_whole(
    found: list[Mutation], database: TortoiseContext, ctx: Context, tmp_path: Path
) -> None:
    await _either_refused_or_whole(found, ctx, tmp_path)


@settings(PATIENT, max_examples=50)
@given(place=st.floats(0, 0.999), some=st.binary(min_size=1, max_size=40), cut=st.booleans())
def test_a_spoiled_zip_never_crashes_the_reader(place: float, some: bytes, cut: bool, tmp_path: Path) -> None:  # noqa: FBT001
    path = RosterFiles().zip(tmp_path / "set.zip")
    content = path.read_bytes()
    at = int(place * len(content))
    path.write_bytes(content[:at] + (b"" if cut else some + content[at + len(some) :]))
    assert isinstance(check(path, today=TODAY).good, bool)

"""Programs of third parties, in an environment of their own where nothing of ours is: the examples, as they stand."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from app.export_csv import CsvWriter
from db.languages import say
from db.models import Account, AccountStatus, ClientKind, DisabledReason, School
from resolvers.report_outcomes import Cells, Column, ColumnType
from schema.nodes import global_id
from tests.command_line import PATIENCE, Running
from tests.district import District, Pupil
from tests.holding import until
from tests.servers import REPOSITORY, Server
from tests.service_clients import Program, program

EXAMPLES = REPOSITORY / "examples"
#: Made by `make test` before the tests begin.
TOOLS = EXAMPLES / "python" / ".venv" / "bin"
#: What pandas makes of a file: the texts of its columns without the apostrophes that the guide speaks of, as JSON.
READ_TYPED = """
import json, sys
import pandas as pd
frame = pd.read_csv(
    sys.argv[1], encoding="utf-8-sig", parse_dates=["day", "moment"],
    dtype={"name": "string", "digits": "string", "number": "Int64", "yes": "boolean"},
)
for column in ("name", "digits"):
    frame[column] = frame[column].str.removeprefix("'")
print(json.dumps({
    "types": {name: str(kind) for name, kind in frame.dtypes.items()},
    "name": list(frame["name"]), "digits": list(frame["digits"]), "number": [int(n) for n in frame["number"]],
    "yes": [bool(y) for y in frame["yes"]], "day": [d.date().isoformat() for d in frame["day"]],
    "moment": [None if pd.isna(m) else m.isoformat() for m in frame["moment"]],
}))
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the Python examples as a newcomer has it, with the client that the generator has made."""
    assert TOOLS.exists(), "The example clients' environment is missing: run `make test`, which makes it."
    root = tmp_path_factory.mktemp("third-party")
    folder = root / "examples" / "python"
    folder.mkdir(parents=True)
    (root / "schema").symlink_to(REPOSITORY / "schema")
    (folder.parent / "operations").symlink_to(EXAMPLES / "operations")
    for file in (EXAMPLES / "python").iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    made = subprocess.run(
        [TOOLS / "ariadne-codegen"],
        cwd=folder,
        env=surroundings(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


@pytest.fixture
def server(database_url: str, keys_text: str, tmp_path: Path) -> Iterator[Server]:
    with Server(database_url, keys_text, tmp_path / "server") as one:
        yield one.ready()


@pytest.fixture
async def school(district: District) -> School:
    return await district.school()


@pytest.fixture
async def reports(district: District) -> Program:
    """A reporting client of the whole district."""
    return await program(district, ClientKind.REPORTING)


def surroundings(key: str = "") -> dict[str, str]:
    """The environment of such a program: nothing of the tests' own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "PYTHON"))}
    return kept | {"PORTAL_CLIENT_KEY": key}


def run(folder: Path, *arguments: str | Path, key: str = "") -> str:
    """Runs a program to its end, which is a good one; what it said."""
    done = subprocess.run(
        [TOOLS / "python", *arguments],
        cwd=folder,
        env=surroundings(key),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_typed_method_is_generated_for_each_document(workshop: Path) -> None:
    said = run(workshop, "-c", "import portal_client; print(*vars(portal_client.Client))").split()
    documents = [file.read_text(encoding="utf-8") for file in (EXAMPLES / "operations").glob("*.graphql")]
    named = {name for text in documents for name in re.findall(r"^(?:query|mutation|subscription) (\w+)", text, re.M)}
    assert {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in named} <= set(said)
    assert len(named) >= len(documents) > 50


async def test_a_generated_client_reads_all_pages_and_finds_what_is_counted(
    workshop: Path, server: Server, district: District, school: School, reports: Program
) -> None:
    for n in range(60):
        pupil = await district.student(f"Student {n}", school=school)
        if n % 3 == 0:
            await district.opened(pupil, f"student.{n}")
    said = run(workshop, "standing.py", server.url, key=reports.key)
    assert [line.split() for line in said.splitlines()] == [
        ["ACTIVE", "20", "read", "20", "counted"],
        ["NOT_ACTIVATED", "40", "read", "40", "counted"],
    ]


async def test_a_generated_client_follows_and_goes_on_where_it_stopped(
    workshop: Path, server: Server, district: District, reports: Program, tmp_path: Path
) -> None:
    pupils = [await district.student(f"Student {n}") for n in range(4)]
    place = tmp_path / "place.txt"
    place.write_text(await latest(server, reports), encoding="ascii")
    with following(workshop, server.url, place, reports.key) as follower:
        await shut(pupils[0])
        follower.says(line_of(pupils[0], "DISABLED"))
        # Killed between the word and the cursor, it would say the word again.
        told = await latest(server, reports)

        async def written_down() -> bool | None:
            return place.read_text(encoding="ascii") == told or None

        await until(written_down)
    for pupil in pupils[1:]:
        await shut(pupil)
    with following(workshop, server.url, place, reports.key) as follower:
        follower.says(line_of(pupils[3], "DISABLED"))
        await reopen(pupils[0])
        said = follower.says(line_of(pupils[0], "NOT_ACTIVATED"))
    assert [line.partition(" ")[2] for line in said.splitlines()] == [
        *(line_of(pupil, "DISABLED") for pupil in pupils[1:]),
        line_of(pupils[0], "NOT_ACTIVATED"),
    ]


async def test_a_cursor_that_is_none_ends_it_with_what_the_portal_says(
    workshop: Path, server: Server, reports: Program, tmp_path: Path
) -> None:
    place = tmp_path / "place.txt"
    place.write_text("nonsense", encoding="ascii")
    with following(workshop, server.url, place, reports.key) as follower:
        assert follower.process.wait(timeout=PATIENCE) == 1
        assert "not a cursor" in follower.errors


def test_a_client_that_is_not_let_in_gives_up(workshop: Path, server: Server, tmp_path: Path) -> None:
    with following(workshop, server.url, tmp_path / "place.txt", "pak_nonsense") as follower:
        assert follower.process.wait(timeout=PATIENCE) == 1
        assert "does not let this client in" in follower.errors


def test_an_answer_that_is_no_socket_is_no_reason_to_give_up(workshop: Path, server: Server, tmp_path: Path) -> None:
    """As a proxy's, while the portal is away."""
    with subprocess.Popen(
        [TOOLS / "python", "follow.py", f"{server.url}/nowhere", tmp_path / "place.txt"],
        cwd=workshop,
        env=surroundings("pak_nonsense"),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            assert "again in 1 seconds" in process.stderr.readline()
        finally:
            process.kill()


async def test_an_export_is_read_as_a_table(
    workshop: Path, server: Server, district: District, school: School, reports: Program
) -> None:
    names = ['=HYPERLINK("https://a.example")', "'tis", '\u200f-Ana, "B"\r\n', "+1", "@x", "\tTab", "Zoë"]
    for name in names:
        await district.student(name, school=school)
    read = """
import json, os, sys, export
rows = export.table(sys.argv[1], os.environ["PORTAL_CLIENT_KEY"], "accounts", "x", columns="givenName,status")
print(json.dumps([list(rows["givenName"]), list(rows["status"])]))
"""
    given, statuses = json.loads(run(workshop, "-c", read, server.url, key=reports.key))
    assert given == names
    assert statuses == ["NOT_ACTIVATED"] * len(names)
    assert run(workshop, "export.py", server.url, "accounts", "For the board", key=reports.key).split()[-2:] == [
        "NOT_ACTIVATED",
        str(len(names)),
    ]


def test_pandas_reads_a_file_by_the_types_of_its_columns(workshop: Path, tmp_path: Path) -> None:
    columns = [
        Column(key, kind, say("School"))
        for key, kind in (
            ("name", ColumnType.TEXT),
            ("digits", ColumnType.TEXT),
            ("number", ColumnType.NUMBER),
            ("day", ColumnType.DATE),
            ("moment", ColumnType.MOMENT),
            ("yes", ColumnType.YES_NO),
        )
    ]
    writer = CsvWriter(columns, bom=True)
    noon, names = datetime(2026, 10, 5, 17, tzinfo=UTC), ['=HYPERLINK("x")', "'tis", '\u200f-Ana, "B"\r\n']
    rows: list[Cells] = [
        (names[0], "000", 0, date(2013, 4, 9), noon, False),
        (names[1], "001", -1, date(2013, 4, 10), None, True),
        (names[2], "002", -2, date(2013, 4, 11), noon + timedelta(milliseconds=250), False),
    ]
    file = tmp_path / "report.csv"
    file.write_bytes(writer.head() + writer.rows(rows) + writer.tail())
    assert json.loads(run(workshop, "-c", READ_TYPED, file)) == {
        "types": {
            "name": "string",
            "digits": "string",
            "number": "Int64",
            "day": "datetime64[us]",
            "moment": "datetime64[us, UTC]",
            "yes": "boolean",
        },
        "name": names,
        "digits": ["000", "001", "002"],
        "number": [0, -1, -2],
        "day": ["2013-04-09", "2013-04-10", "2013-04-11"],
        "moment": ["2026-10-05T17:00:00+00:00", None, "2026-10-05T17:00:00.250000+00:00"],
        "yes": [False, True, False],
    }


# ------------------------------------------------------------------------------------------------ following
async def latest(server: Server, client: Program) -> str:
    """The position of now, as a client asks for it before it reads the accounts."""
    async with httpx.AsyncClient(base_url=server.url) as http:
        answer = await http.post("/graphql", json={"query": "{ accountChanges { latest } }"}, headers=client.shown)
    return str(answer.json()["data"]["accountChanges"]["latest"])


@contextmanager
def following(folder: Path, url: str, place: Path, key: str) -> Iterator[Running]:
    """The example that follows, while the block runs; then it is killed, as a machine that loses power."""
    errors = place.with_suffix(".errors")
    with errors.open("w") as log:
        process = subprocess.Popen(
            [TOOLS / "python", "follow.py", url, place],
            cwd=folder,
            env=surroundings(key),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with process:
        try:
            yield Running(process, errors)
        finally:
            process.kill()


def line_of(pupil: Pupil, status: str) -> str:
    """What the example prints after the time."""
    return f"{global_id('Account', pupil.account_id)} {status}"


async def shut(pupil: Pupil) -> None:
    await Account.filter(id=pupil.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )


async def reopen(pupil: Pupil) -> None:
    await Account.filter(id=pupil.account_id).update(status=AccountStatus.NOT_ACTIVATED, disabled_reason=None)

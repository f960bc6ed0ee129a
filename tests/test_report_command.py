"""The operator writes reports of the whole district to files that are there as a whole or not at all."""

import csv
import json
import stat
from pathlib import Path

import openpyxl
import pytest

from db.models import TrailEntry
from db.trail import Step
from schema.nodes import global_id
from tests.command_line import portal
from tests.district import Adult, District, Pupil
from tests.reports import read_csv

PURPOSE = "Yearly statistics"


@pytest.fixture
async def nora(district: District) -> Pupil:
    return await district.student("=Nora", school=await district.school())


@pytest.fixture
async def maria(district: District, nora: Pupil) -> Adult:
    """Her mother; both have an account, and somebody else is at no school."""
    maria = await district.guardian(nora)
    await district.student("Theo")
    return maria


@pytest.fixture
def settings_of(database_url: str, keys_text: str) -> dict[str, str]:
    return {"database_url": database_url, "secrets": keys_text}


async def test_a_file_has_the_whole_district_and_only_its_owner_may_read_it(
    maria: Adult, nora: Pupil, settings_of: dict[str, str], tmp_path: Path
) -> None:
    ran = portal(
        tmp_path,
        *("report", "student-accounts", "--format", "csv", "--out", "report.csv", "--purpose", PURPOSE),
        **settings_of,
    )
    assert ran.returncode == 0, ran.stderr
    assert "report.csv: 2 rows" in ran.stdout
    rows = read_csv((tmp_path / "report.csv").read_text(encoding="utf-8"))
    assert [row["name"] for row in rows] == ["=Nora Quimby", "Theo Quimby"]
    assert stat.S_IMODE((tmp_path / "report.csv").stat().st_mode) == 0o600
    [entry] = await TrailEntry.filter(step=Step.EXPORT_REPORT)
    assert (entry.actor_account_id, entry.address) == (None, "command line")
    assert (entry.details["purpose"], entry.details["report"], entry.details["rows"]) == (
        PURPOSE,
        "student-accounts",
        2,
    )


async def test_filters_and_forms(maria: Adult, nora: Pupil, settings_of: dict[str, str], tmp_path: Path) -> None:
    narrowed = ("--school", "Lakeside Middle School", "--capacity", "GUARDIAN", "--status", "NOT_ACTIVATED")
    asked = ("report", "run", "accounts", *narrowed, "--columns", "accountId", "--purpose", PURPOSE)
    ran = portal(tmp_path, *asked, "--format", "json", "--out", "-", **settings_of)
    assert json.loads(ran.stdout) == [{"accountId": global_id("Account", maria.account_id)}]
    assert portal(tmp_path, *asked, "--out", "r.xlsx", **settings_of).returncode == 0
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx").worksheets[0]
    assert [cell.value for cell in sheet["A"]] == ["Account's id", global_id("Account", maria.account_id)]
    counted = portal(
        tmp_path, *("report", "accounts", "--group-by", "CAPACITY", "--out", "-", "--purpose", PURPOSE), **settings_of
    )
    assert list(csv.reader(counted.stdout.splitlines()))[1:] == [["GUARDIAN", "1"], ["STUDENT", "2"]]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--status", "OPEN"), "--status"),
        (("--capacity", "GUARDIAN"), "--capacity"),
        (("--columns", "ssn"), "--columns"),
        (("--columns", "username"), "--columns"),
        (("--not-signed-in-since", "yesterday"), "--not-signed-in-since"),
        (("--school", "Nowhere"), "Nowhere"),
        (("--bom", "--out", "report.json"), "--bom"),
        (("--format", "xlsx"), "--format"),
        (("--purpose", "x" * 2_000), "--purpose"),
    ],
)
async def test_what_cannot_be_taken_is_named_and_leaves_no_file(
    maria: Adult, settings_of: dict[str, str], tmp_path: Path, options: tuple[str, ...], named: str
) -> None:
    asked = ("report", "student-accounts", "--out", "report.csv", "--purpose", PURPOSE, *options)
    ran = portal(tmp_path, *asked, **settings_of)
    assert ran.returncode == 1, ran.stdout
    assert named in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(tmp_path.glob("*report.csv*")) == list(tmp_path.glob(".report.csv*")) == []  # noqa: ASYNC240


async def test_a_file_that_is_there_is_left_as_it_is(maria: Adult, settings_of: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "report.csv").write_text("mine")
    ran = portal(tmp_path, "report", "accounts", "--out", "report.csv", "--purpose", PURPOSE, **settings_of)
    assert ran.returncode == 1
    assert (tmp_path / "report.csv").read_text() == "mine"


def test_the_list_names_every_report(tmp_path: Path) -> None:
    ran = portal(tmp_path, "report", "list")
    assert ran.returncode == 0, ran.stderr
    for word in ("student-accounts", "likely-duplicates", "--not-signed-in-for-days", "guardiansActivated"):
        assert word in ran.stdout

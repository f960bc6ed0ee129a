"""The benchmark runs to its end and says all that it should; what the numbers are is no test's business."""

import os
import subprocess
import sys
from pathlib import Path

ROWS = (
    "log-ins a second, over bare hashes a second",
    "server CPU of a log-in, over that of a bare hash",
    "`me` with students and school a second, over its 3 statements bare",
    "server CPU of that, over that of its statements bare",
    "p99 of reads while log-ins saturate, over p99 idle",
    "time of a refused key: unknown student, over a known one",
    "time of a refused log-in: unknown username, over a known one",
    "CSV export: growth of the worker, over 20 MiB",
    "CSV export: p99 of reads beside it, over p99 without",
    "XLSX export: growth of the worker, over 20 MiB",
    "XLSX export: p99 of reads beside it, over p99 without",
    "gate, guardian reads: remembered, over asked of the table",
    "gate, guardian reads: remembered, over 5 µs",
    "gate, designee with two roles resets: remembered, over asked of the table",
    "gate, designee with two roles resets: remembered, over 5 µs",
    "page of 25 by NAME, district: large over small",
    "page of 25 by NAME, school: large over small",
)


def test_the_benchmark_measures_everything_that_it_promises() -> None:
    root = Path(__file__).parent.parent
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "--smoke"],
        cwd=root,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    for row in ROWS:
        assert row in ran.stdout, ran.stdout
    for told in ("cores", "Python", "PostgreSQL", "uvicorn"):
        assert told in ran.stdout


def test_the_benchmark_s_document_explains_every_row() -> None:
    told = (Path(__file__).parent.parent / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for row in ROWS:
        assert row in told

"""A report as JSON: an array of objects, which a program can tell from one that was cut."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.export_json import JsonWriter
from db.languages import say
from resolvers.report_outcomes import Cells, Column, ColumnType

VALUES: Any = st.none() | st.text() | st.booleans() | st.integers(-(2**53), 2**53)


def written(*portions: list[Cells], keys: tuple[str, ...] = ("a", "b")) -> bytes:
    writer = JsonWriter([Column(key, ColumnType.TEXT, say("Name")) for key in keys])
    return writer.head() + b"".join(writer.rows(rows) for rows in portions) + writer.tail()


@given(st.lists(st.lists(st.tuples(VALUES, VALUES), max_size=3), max_size=4))
def test_every_value_comes_back_equal(portions: list[list[Cells]]) -> None:
    rows = [dict(zip("ab", row, strict=True)) for portion in portions for row in portion]
    assert json.loads(written(*portions)) == rows


def test_days_and_moments_are_iso_8601_and_moments_in_utc() -> None:
    moment = datetime(2026, 10, 5, 12, 0, tzinfo=timezone(timedelta(hours=-5)))
    assert json.loads(written([(date(2013, 4, 9), moment)])) == [{"a": "2013-04-09", "b": "2026-10-05T17:00:00Z"}]


def test_only_a_complete_file_ends_with_a_bracket_and_is_json() -> None:
    whole = written([("x", 1), ("y", datetime(2026, 1, 1, tzinfo=UTC))])
    assert whole.endswith(b"]")
    for end in range(len(whole)):
        assert not whole[:end].endswith(b"]")
        with pytest.raises(json.JSONDecodeError):
            json.loads(whole[:end])

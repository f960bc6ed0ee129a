"""What a guardianship amounts to today, and on which day rights pass to the student."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.context import Context
from db.models import GuardianshipStatus
from policies.guardianship import GuardianshipFacts, Standing, last_birth_of_age, of_age, rights_pass_on, standing

TODAY = date(2026, 10, 5)
CHILD = date(2013, 4, 9)
GROWN = date(2008, 10, 5)
GOOD = GuardianshipFacts(
    status=GuardianshipStatus.CONFIRMED, portal_access=True, restricted=False, birth_date=CHILD, adult_access=False
)
CLAIMED, REVOKED = GuardianshipStatus.CLAIMED, GuardianshipStatus.REVOKED


@pytest.mark.parametrize(
    ("changed", "seeing", "amounts_to"),
    [
        ({}, True, Standing.CONFIRMED),
        ({}, False, Standing.CONFIRMED),
        ({"status": CLAIMED}, True, Standing.CLAIMED),
        ({"status": CLAIMED}, False, Standing.CLAIMED),
        ({"status": REVOKED}, True, Standing.REVOKED),
        ({"portal_access": False}, True, Standing.UNMARKED),
        # The mark is about seeing: without it a key may be had back, or an account helped with.
        ({"portal_access": False}, False, Standing.CONFIRMED),
        ({"restricted": True}, True, Standing.RESTRICTED),
        ({"restricted": True}, False, Standing.RESTRICTED),
        # A restriction outranks everything.
        ({"restricted": True, "status": REVOKED}, True, Standing.RESTRICTED),
        ({"restricted": True, "status": CLAIMED}, True, Standing.RESTRICTED),
        ({"restricted": True, "portal_access": False}, True, Standing.RESTRICTED),
        ({"restricted": True, "birth_date": GROWN, "adult_access": True}, True, Standing.RESTRICTED),
        # Then what is on record of the guardianship, then the mark, then age.
        ({"status": REVOKED, "portal_access": False}, True, Standing.REVOKED),
        ({"status": CLAIMED, "birth_date": GROWN}, True, Standing.CLAIMED),
        ({"portal_access": False, "birth_date": GROWN}, True, Standing.UNMARKED),
        ({"birth_date": GROWN}, True, Standing.RIGHTS_PASSED),
        ({"birth_date": GROWN}, False, Standing.RIGHTS_PASSED),
        ({"birth_date": GROWN, "adult_access": True}, True, Standing.CONFIRMED),
        ({"birth_date": GROWN + timedelta(days=1)}, True, Standing.CONFIRMED),
        # An unknown birth date is no yes.
        ({"birth_date": None}, True, Standing.RIGHTS_PASSED),
        ({"birth_date": None, "adult_access": True}, True, Standing.CONFIRMED),
    ],
)
def test_a_guardianship_amounts_to(changed: dict[str, Any], seeing: bool, amounts_to: Standing) -> None:  # noqa: FBT001
    assert standing(replace(GOOD, **changed), on=TODAY, seeing=seeing) is amounts_to


def test_no_guardianship_amounts_to_none() -> None:
    assert standing(None, on=TODAY, seeing=True) is Standing.NONE
    assert standing(None, on=TODAY, seeing=False) is Standing.NONE


@pytest.mark.parametrize(
    ("born", "grown_up_on"),
    [
        (date(2008, 10, 5), date(2026, 10, 5)),
        (date(2008, 1, 1), date(2026, 1, 1)),
        (date(2008, 12, 31), date(2026, 12, 31)),
        # Born on a leap day: the day comes when the 29th would have, which is the first of March.
        (date(2008, 2, 29), date(2026, 3, 1)),
        (date(2004, 2, 29), date(2022, 3, 1)),
        (date(2008, 2, 28), date(2026, 2, 28)),
        (date(2008, 3, 1), date(2026, 3, 1)),
    ],
)
def test_rights_pass_on_the_eighteenth_birthday_itself(born: date, grown_up_on: date) -> None:
    assert not of_age(born, grown_up_on - timedelta(days=1))
    assert of_age(born, grown_up_on)
    assert of_age(born, grown_up_on + timedelta(days=1))


def test_whoever_is_born_tomorrow_is_not_of_age() -> None:
    assert not of_age(TODAY + timedelta(days=1), TODAY)
    assert of_age(date(1900, 1, 1), TODAY)


@pytest.mark.parametrize(
    ("now", "zone", "today"),
    [
        # The fifth begins in Chicago at five o'clock in Greenwich, in summer time.
        (datetime(2026, 10, 5, 4, 59, 59, tzinfo=UTC), "America/Chicago", date(2026, 10, 4)),
        (datetime(2026, 10, 5, 5, 0, 0, tzinfo=UTC), "America/Chicago", date(2026, 10, 5)),
        (datetime(2026, 1, 5, 5, 59, 59, tzinfo=UTC), "America/Chicago", date(2026, 1, 4)),
        (datetime(2026, 1, 5, 6, 0, 0, tzinfo=UTC), "America/Chicago", date(2026, 1, 5)),
        (datetime(2026, 10, 5, 9, 59, 59, tzinfo=UTC), "Pacific/Honolulu", date(2026, 10, 4)),
        (datetime(2026, 10, 4, 23, 59, 59, tzinfo=UTC), "Pacific/Guam", date(2026, 10, 5)),
    ],
)
def test_a_day_begins_where_the_district_is(ctx: Context, now: datetime, zone: str, today: date) -> None:
    there = replace(ctx, now=now, rules=ctx.rules.model_copy(update={"timezone": zone}))
    assert there.today == today
    assert of_age(date(2008, 10, 5), there.today) == (today >= date(2026, 10, 5))


@given(born=st.dates(date(1990, 1, 1), date(2030, 12, 31)), on=st.dates(date(2000, 1, 1), date(2060, 12, 31)))
def test_the_day_on_which_rights_pass_is_the_first_on_which_the_student_is_of_age(born: date, on: date) -> None:
    passes = rights_pass_on(born)
    assert passes is not None
    assert of_age(born, passes)
    assert not of_age(born, passes - timedelta(days=1))
    assert of_age(born, on) == (on >= passes) == (born <= last_birth_of_age(on))


@pytest.mark.parametrize(
    ("born", "passes"), [(date(2008, 10, 6), date(2026, 10, 6)), (date(2008, 2, 29), date(2026, 3, 1)), (None, None)]
)
def test_rights_pass_on_the_birthday(born: date | None, passes: date | None) -> None:
    assert rights_pass_on(born) == passes


def test_on_a_leap_day_whoever_was_born_on_the_first_of_march_is_not_of_age() -> None:
    assert last_birth_of_age(date(2028, 2, 29)) == date(2010, 2, 28)

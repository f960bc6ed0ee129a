"""One predicate: whom the list shows, each single read shows, and nobody else; whatever is on record."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.models import Grade, Guardianship, GuardianshipStatus, Restriction
from schema.nodes import global_id
from tests.clients import Portal
from tests.conftest import Clock
from tests.district import PASSWORD, Adult, District


@dataclass(frozen=True)
class Ward:
    """What is on record of one student and of what ties the guardian to the student; days count from one day."""

    status: GuardianshipStatus | None
    portal_access: bool
    adult_access: bool
    #: Born so many days after that day eighteen years ago; None for no birth date on record.
    born: int | None
    #: First day, last day, lifted.
    restrictions: list[tuple[int, int | None, bool]]


def _years_later(day: date, years: int) -> date:
    """The same day of another year; the first of March for a leap day in a common year."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def _born(ward: Ward, today: date) -> date | None:
    return None if ward.born is None else _years_later(today, -18) + timedelta(days=ward.born)


def visible(ward: Ward, today: date) -> bool:
    """The rule, said in plain words and not in the code's: confirmed, marked, unrestricted today, and still a child
    unless the grown student or the registrar left the guardian in."""
    if ward.status is not GuardianshipStatus.CONFIRMED or not ward.portal_access:
        return False
    for first, last, lifted in ward.restrictions:
        if not lifted and first <= 0 and (last is None or last >= 0):
            return False
    born = _born(ward, today)
    still_a_child = born is not None and today < _years_later(born, 18)
    return still_a_child or ward.adult_access


restriction = st.integers(-3, 3).flatmap(
    lambda first: st.tuples(st.just(first), st.none() | st.integers(first, 4), st.booleans())
)
ward = st.builds(
    Ward,
    status=st.none() | st.just(GuardianshipStatus.CONFIRMED) | st.sampled_from(GuardianshipStatus),
    portal_access=st.sampled_from([True, True, False]),
    adult_access=st.booleans(),
    born=st.none() | st.integers(-2, 3) | st.integers(400, 6000),
    restrictions=st.lists(restriction, max_size=2),
)
#: Times at which the day in Chicago and the day in Greenwich differ, leap days, ends of years.
moments = st.builds(
    datetime.combine,
    st.sampled_from([date(2026, 10, 5), date(2028, 2, 29), date(2028, 2, 28), date(2027, 3, 1), date(2026, 12, 31)]),
    st.sampled_from([time(0, 0), time(5, 0), time(12, 0), time(18, 0), time(23, 59, 59)]),
    st.just(ZoneInfo("America/Chicago")),
)
generated = given(wards=st.lists(ward, min_size=1, max_size=6), moment=moments)
_ANYWAY = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)


async def _on_record(district: District, guardian: Adult, ward: Ward, today: date) -> tuple[str, str]:
    """Puts one student and what ties the guardian to it on record; returns the ids of the student and of a grade."""
    born = _born(ward, today)
    person = await district.student(born=born, ssn="")  # type: ignore[arg-type]  # None: not on record
    grade = await Grade.create(student_id=person.id, course="Art", title="Piece")
    if ward.status is not None:
        tie: Guardianship = await district.guardianship(
            guardian.id,
            person.id,
            status=ward.status,
            portal_access=ward.portal_access,
            adult_access=ward.adult_access,
        )
        for first, last, lifted in ward.restrictions:
            await Restriction.create(
                guardianship_id=tie.id,
                kind="no contact",
                begins_on=today + timedelta(days=first),
                ends_on=None if last is None else today + timedelta(days=last),
                lifted_at=datetime.combine(today, time(), UTC) if lifted else None,
            )
    return global_id("Student", person.id), global_id("Grade", grade.id)


async def _list_is_node_is_rule(
    portal: Portal, district: District, clock: Clock, wards: list[Ward], moment: datetime
) -> None:
    clock.now = moment.astimezone(UTC)
    guardian = await district.guardian()
    username = f"guardian.{guardian.id}"
    await district.opened(guardian, username)
    told: dict[str, tuple[bool, str]] = {}
    for facts in wards:
        student_id, grade_id = await _on_record(district, guardian, facts, moment.date())
        told[student_id] = (visible(facts, moment.date()), grade_id)
    assert (await portal.login(username, PASSWORD))["__typename"] == "LoggedIn"
    listed = await portal.students()
    assert len(listed) == len(set(listed))
    assert set(listed) == {student_id for student_id, (seen, _) in told.items() if seen}
    for student_id, (seen, grade_id) in told.items():
        assert (await portal.node(student_id) is not None) == seen
        assert (await portal.node(grade_id) is not None) == seen


@settings(max_examples=30, deadline=None, suppress_health_check=_ANYWAY)
@generated
async def test_the_list_is_what_the_rule_says_and_so_is_each_single_read(
    portal: Portal, district: District, clock: Clock, wards: list[Ward], moment: datetime
) -> None:
    await _list_is_node_is_rule(portal, district, clock, wards, moment)


@pytest.mark.full
@settings(max_examples=600, deadline=None, suppress_health_check=_ANYWAY)
@generated
async def test_the_list_is_what_the_rule_says_whatever_is_on_record(
    portal: Portal, district: District, clock: Clock, wards: list[Ward], moment: datetime
) -> None:
    await _list_is_node_is_rule(portal, district, clock, wards, moment)

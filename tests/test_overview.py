"""The overview: figures that are right, and a page that shows them and needs nothing else."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import html5lib
import pytest

from app.overview import BAR_WIDTH, WEEKS_HEIGHT, drawn_weeks, matters, page, percent, pieces, round_figure
from db.models import Account, AccountStatus, DisabledReason, GuardianshipStatus, School, TrailEntry
from db.trail import Note, Step, record
from resolvers.overview import WEEKS, Overview, Standing, grade_order, overview
from tests.command_line import portal as command
from tests.district import District


@pytest.fixture
async def school(district: District) -> School:
    return await district.school()


async def seen(district: District, school: School | None = None) -> Overview:
    return await overview(district.ctx, school_id=school.id if school else None, school=school.name if school else None)


async def signed_in(district: District, account_id: int, *, days_ago: int) -> None:
    """An entry of the trail as a log-in leaves it."""
    then = replace(district.ctx, now=district.ctx.now - timedelta(days=days_ago))
    await record(then, Note(Step.LOG_IN, about_account_id=account_id))


# ------------------------------------------------------------------------------------------------ figures
async def test_each_account_counts_once_in_all_and_in_each_place(district: District, school: School) -> None:
    hillside = await district.school("Hillside")
    nora = await district.student(school=school)
    theo = await district.student("Theo", school=hillside)
    maria = await district.guardian(nora, theo)
    await district.opened(maria, "maria.q")
    shut = await district.guardian(nora, given="Ada")
    await Account.filter(id=shut.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    told = await seen(district)
    assert told.everyone.guardians == Standing(active=1, disabled=1)
    assert told.everyone.students == Standing(not_activated=2)
    assert [(place.name, place.guardians.total, place.students.total) for place in told.schools] == [
        ("Hillside", 1, 1),
        (school.name, 2, 1),
    ]
    assert [(place.name, place.guardians) for place in told.grades] == [("07", Standing(active=1, disabled=1))]
    alone = await seen(district, hillside)
    assert (alone.everyone.guardians, [place.name for place in alone.schools]) == (Standing(active=1), ["Hillside"])


async def test_who_was_merged_away_or_is_no_guardian_any_more_does_not_count(
    district: District, school: School
) -> None:
    nora = await district.student(school=school)
    merged = await district.guardian(nora)
    await Account.filter(id=merged.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.MERGED
    )
    await district.guardian(nora, given="Ada", status=GuardianshipStatus.REVOKED)
    told = await seen(district)
    assert told.everyone.guardians == Standing()
    assert told.troubles.disabled == 0


async def test_log_ins_are_counted_by_the_week_and_by_whom(district: District, school: School) -> None:
    nora = await district.student(school=school)
    maria = await district.guardian(nora)
    for days in (0, 0, 7, 7 * WEEKS + 7):
        await signed_in(district, maria.account_id, days_ago=days)
    await signed_in(district, nora.account_id, days_ago=7)
    weeks = (await seen(district)).weeks
    assert len(weeks) == WEEKS
    assert all(week.monday.weekday() == 0 for week in weeks)
    assert [(week.guardians, week.students, week.accounts) for week in weeks[-2:]] == [(1, 1, 2), (2, 0, 1)]
    assert sum(week.guardians + week.students for week in weeks) == 4
    elsewhere = await district.school("Hillside")
    assert not any(week.accounts for week in (await seen(district, elsewhere)).weeks)


async def test_what_keeps_people_out_is_counted(district: District, school: School) -> None:
    nora = await district.student(school=school)
    theo = await district.student("Theo", school=school, ssn="")
    maria = await district.guardian(nora)
    await district.opened(maria, "maria.q")
    await district.guardian(theo, given="Ada", status=GuardianshipStatus.CLAIMED)
    await district.guardian(theo, given="Lee", portal_access=False)
    found = (await seen(district, school)).troubles
    assert (found.students, found.not_provable, found.claimed, found.without_mark) == (2, 1, 1, 1)
    assert found.without_active_guardian == 1
    said = [(matter.count, matter.what) for matter in matters(found)]
    assert (1, "guardianships that nobody has confirmed") in said
    assert all(matter.remedy.count("`") % 2 == 0 for matter in matters(found))


async def test_that_somebody_looked_is_in_the_trail(district: District, school: School) -> None:
    await seen(district, school)
    entry = await TrailEntry.get(step=Step.RUN_REPORT)
    assert entry.details == {"report": "overview", "school": school.id}


def test_grades_stand_in_the_order_of_school_life() -> None:
    assert sorted(["12", "KG", "02", "PK", "UG", "10", "1"], key=grade_order) == [
        "PK",
        "KG",
        "1",
        "02",
        "10",
        "12",
        "UG",
    ]


# ------------------------------------------------------------------------------------------------ the page
@pytest.mark.parametrize(
    ("share", "said"),
    [(None, "–"), (0, "0%"), (0.001, "under 1%"), (0.5, "50%"), (0.999, "99%"), (1, "100%")],
)
def test_a_share_is_never_rounded_to_all_or_to_nothing(share: float | None, said: str) -> None:
    assert percent(share) == said


def test_a_bar_is_as_long_as_its_parts() -> None:
    drawn = pieces(Standing(active=1, not_activated=2, disabled=1))
    assert [(piece.start, piece.width) for piece in drawn] == [
        (0, BAR_WIDTH / 4),
        (BAR_WIDTH / 4, BAR_WIDTH / 2),
        (BAR_WIDTH * 3 / 4, BAR_WIDTH / 4),
    ]
    assert pieces(Standing()) == []


def test_the_scale_of_the_weeks_is_round_and_high_enough() -> None:
    for highest in range(5000):
        top = round_figure(highest)
        assert max(highest, 1) <= top <= 2 * highest + 2
        assert top < 4 or top % 4 == 0 or top % 5 == 0


async def test_the_page_needs_nothing_else_and_says_what_was_counted(district: District, school: School) -> None:
    await district.school("<b>Hill</b> & side")
    strange = await School.get(name="<b>Hill</b> & side")
    nora = await district.student(school=school)
    theo = await district.student("Theo", school=strange)
    maria = await district.guardian(nora, theo)
    await district.opened(maria, "maria.q")
    for _ in range(3):
        await signed_in(district, maria.account_id, days_ago=0)
    told = await seen(district)
    text = page(told)
    # Strict: a page that is not well-formed HTML raises.
    html5lib.HTMLParser(strict=True).parse(text)
    assert "&lt;b&gt;Hill&lt;/b&gt; &amp; side" in text
    assert "<b>Hill" not in text
    assert "1 of 1" in text
    assert "3 by guardians" in text
    assert not any(word in text for word in ("http://", "https://", "<script", "Quimby", "maria.q", "@import"))
    [*_, last] = drawn_weeks(told).columns
    assert last.guardians <= WEEKS_HEIGHT
    assert last.guardians > 0


async def test_an_empty_district_has_a_page_too(district: District) -> None:
    told = await seen(district)
    text = page(told)
    html5lib.HTMLParser(strict=True).parse(text)
    assert "Nobody has signed in" in text
    assert "Nothing that is known of." in text
    assert told.at.date() == district.ctx.today
    assert isinstance(told.weeks[0].monday, date)


async def test_the_operator_draws_it_into_a_file_of_ones_own(
    district: District, school: School, tmp_path: Path, database_url: str, keys_text: str
) -> None:
    await district.student(school=school)
    file = tmp_path / "overview.html"
    asked = ("report", "overview", "--html", file, "--school", school.name)
    done = command(tmp_path, *asked, database_url=database_url, secrets=keys_text)
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 of 1" in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o777 == 0o600
    again = command(tmp_path, *asked, database_url=database_url, secrets=keys_text)
    assert again.returncode == 1
    assert "already" in again.stderr

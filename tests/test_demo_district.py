"""The demo district: a good roster set with all the families that it promises, and facts that do what they say."""

import csv
import json
import re
from datetime import date
from pathlib import Path

import pytest
from tortoise.context import TortoiseContext

from db import sql
from db.context import Context, Role
from db.roster.applying import apply
from db.roster.checking import Checked, check
from db.roster.demo import Facts, write_demo
from db.ssn import read_ssn

#: The day of the tests' clock.
TODAY = date(2026, 10, 5)

#: Facts about the pair of a case as they stand in the tables.
CASE = """
    SELECT g.status, g.portal_access, s.number_is_shared, s.ssn_state, s.ssn_proof, s.ssn_proof_version,
           s.student_number, s.birth_date,
           EXISTS (SELECT FROM restriction r
                   WHERE r.guardianship_id = g.id AND r.lifted_at IS NULL AND r.begins_on <= $3
                     AND (r.ends_on IS NULL OR r.ends_on >= $3)) AS restricted,
           s.birth_date <= ($3 - interval '18 years')::date AS of_age
    FROM guardianship g
    JOIN person a ON a.id = g.guardian_id
    JOIN person b ON b.id = g.student_id
    JOIN student s ON s.id = b.id
    WHERE a.source_id = $1 AND b.source_id = $2"""


def rows(folder: Path, file: str) -> list[dict[str, str]]:
    with (folder / file).open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def facts(folder: Path) -> Facts:
    return write_demo(folder, today=TODAY)


@pytest.fixture(scope="module")
def found(folder: Path, facts: Facts) -> Checked:
    return check(folder, today=TODAY)


def test_it_is_a_good_set_of_three_schools_and_three_hundred_students(found: Checked) -> None:
    assert found.problems == ()
    assert found.read_over == ()
    counts = found.counts()
    assert (counts["schools"], counts["students"]) == (3, 300)
    assert counts["restrictions"] == 1


def test_the_same_day_makes_the_same_set(folder: Path, facts: Facts, tmp_path: Path) -> None:
    assert write_demo(tmp_path, today=TODAY) == facts
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    "today",
    [
        *(date(2026, 8, 1), date(2026, 8, 17), date(2026, 9, 6), date(2026, 9, 7), date(2026, 9, 8)),
        *(date(2026, 12, 31), date(2027, 1, 1), date(2028, 2, 29), date(2027, 6, 30), date(2027, 8, 14)),
    ],
)
def test_it_is_good_on_any_day_of_the_year(today: date, tmp_path: Path) -> None:
    facts = write_demo(tmp_path, today=today, students=60)
    found = check(tmp_path, today=today)
    assert found.problems == ()
    assert found.counts()["students"] == 60
    records = found.records
    graded = {one.student: one.scored_on for one in records.grades}
    absent = {one.student: one.happened_on for one in records.attendance}
    assert graded.keys() == absent.keys() == records.students.keys()
    assert all(one.scored_on is None or one.scored_on <= today for one in records.grades)
    assert all(one.happened_on <= today for one in records.attendance)
    grown = [one.source_id for one in records.students.values() if _age(one.birth_date, today) >= 18]
    assert grown == [facts.guardians["of age"].student_source_id]
    assert all(3 < _age(one.birth_date, today) < 20 for one in records.students.values())


def _age(born_on: date | None, today: date) -> int:
    assert born_on is not None
    return today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))


def test_nobody_in_it_can_be_written_to_or_called(folder: Path, facts: Facts) -> None:
    people = rows(folder, "users.csv")
    assert {one["email"].rpartition("@")[2] for one in people} == {"", "example.org"}
    assert all(one["email"].isascii() for one in people)
    phones = [one["phone"] for one in rows(folder, "households.csv")]
    phones += [one["metadata.phone"] for one in rows(folder, "orgs.csv") if one["metadata.phone"]]
    assert all(re.fullmatch(r"\(\d{3}\) 555-01\d\d", phone) for phone in phones)


def test_all_the_families_are_there(folder: Path, facts: Facts, found: Checked) -> None:
    people, students = found.records.people, found.records.students
    ties = {(one.student, one.guardian): one for one in found.records.guardianships}

    def pair(name: str) -> tuple[str, str]:
        return facts.guardians[name].student_source_id, facts.guardians[name].guardian_source_id

    homes: dict[str, list[bool]] = {}
    for member in found.records.members:
        homes.setdefault(member.person, []).append(member.is_secondary)
    schools: dict[str, set[str]] = {}
    for enrolment in found.records.enrolments:
        schools.setdefault(enrolment.student, set()).add(enrolment.school)

    assert sorted(homes[pair("split household")[0]]) == [False, True]
    assert ties[pair("step-parent")].legal_guardian is False
    assert ties[pair("restricted")].restricted
    assert not ties[pair("beside restricted")].restricted
    assert ties[pair("claimed")].legal_guardian is None
    assert (ties[pair("no portal mark")].legal_guardian, ties[pair("no portal mark")].portal) == (True, None)
    shared = facts.guardians["shared e-mail"].email
    assert sum(one.email == shared for one in people.values()) == 2
    assert people[pair("no e-mail")[1]].email is None
    assert students[pair("no SSN")[0]].ssn.state == "NOT_ON_FILE"
    assert students[pair("placeholder SSN")[0]].ssn.state == "UNUSABLE"
    assert len(schools[pair("two schools")[0]]) == 2
    assert people[pair("staff and parent")[1]].capacities == {"STAFF", "GUARDIAN"}
    assert people[pair("suffix")[1]].suffix == "Jr."
    assert people[pair("suffix")[0]].suffix == "III"
    assert "-" in people[pair("split household")[1]].family
    assert not people[pair("accents")[0]].given.isascii()
    assert students[pair("accents")[0]].number.startswith("000")
    of_mother = [one for one in ties.values() if one.guardian == facts.activated.guardian_source_id]
    assert len(of_mother) == 2


async def test_the_facts_do_what_they_say(
    database: TortoiseContext, ctx: Context, facts: Facts, found: Checked
) -> None:
    done = await apply(ctx, found)
    assert done.counts["students"].added == 300
    for name, fact in facts.guardians.items():
        case = await sql.row(CASE, fact.guardian_source_id, fact.student_source_id, TODAY)
        assert case is not None
        ssn = read_ssn(fact.student_ssn).digits
        proved = ssn is not None and ctx.keys.ssn_matches(ssn, case["ssn_proof"], case["ssn_proof_version"])
        guards = case["status"] == "CONFIRMED" and case["portal_access"]
        free = not case["restricted"] and not case["of_age"] and not case["number_is_shared"]
        assert (case["student_number"], case["birth_date"]) == (fact.student_number, fact.student_birth_date)
        if fact != facts.activated:
            assert fact.opens == (proved and guards and free), name
    assert (await apply(ctx, found)).changes == 0


async def test_there_is_somebody_for_each_role(
    database: TortoiseContext, ctx: Context, facts: Facts, found: Checked
) -> None:
    await apply(ctx, found)
    assert [one.role for one in facts.staff] == [
        *(Role.DESIGNEE, Role.REGISTRAR, Role.TECHNOLOGY, Role.REPORTER, Role.ADMINISTRATOR),
    ]
    for one in facts.staff:
        held = await sql.rows(
            "SELECT a.capacity FROM account a JOIN person p ON p.id = a.person_id WHERE p.source_id = $1", one.source_id
        )
        assert [account["capacity"] for account in held] == ["STAFF"]
        if one.school_source_id:
            assert await sql.row("SELECT id FROM school WHERE source_id = $1", one.school_source_id)


def test_the_facts_can_be_kept_as_json(facts: Facts) -> None:
    kept = json.loads(json.dumps(facts.as_dict()))
    assert kept["guardians"]["one guardian"]["student_number"] == "0041207"
    assert kept["staff"][0]["role"] == "designee"


def test_scores_are_written_as_schools_write_them(folder: Path, facts: Facts) -> None:
    scores = {one["score"] for one in rows(folder, "results.csv")}
    assert {"E", "S", "EX", ""} <= scores
    assert any(re.fullmatch(r"\d+\.\d\d", score) for score in scores)

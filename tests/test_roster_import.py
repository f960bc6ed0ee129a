"""Importing a roster: what comes in, what a second set changes, and what an import may never do."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tortoise.context import TortoiseContext

from db import sql
from db.context import Context
from db.models import Account, AccountStatus, Guardianship, GuardianshipStatus, Person, Restriction, Student
from db.roster import applying
from db.roster.applying import IMPORT_LOCK, Imported, apply, plan
from db.roster.gathering import SharedNumbers
from db.roster.merge import Merge
from db.roster.problems import RosterRefused
from db.secrets import Keyring
from tests.roster_sets import ANA_SSN, BEN_SSN, RosterFiles, checked, dump, one_roster_1_2

Import = Callable[..., Awaitable[Imported]]


@pytest.fixture
def files() -> RosterFiles:
    return RosterFiles()


@pytest.fixture
def bring_in(database: TortoiseContext, ctx: Context, tmp_path: Path) -> Import:
    """Imports a set into the test's database."""

    async def bring(files: RosterFiles, shared_numbers: SharedNumbers = "refuse") -> Imported:
        return await apply(ctx, checked(files, tmp_path, shared_numbers))

    return bring


async def person(source_id: str) -> Person:
    return await Person.get(source_id=source_id)


async def student(source_id: str) -> Student:
    return await Student.get(id=(await person(source_id)).id)


async def tie(child: str, guardian: str) -> Guardianship:
    return await Guardianship.get(student_id=(await person(child)).id, guardian_id=(await person(guardian)).id)


def changes(done: Imported) -> dict[str, dict[str, int]]:
    """Only what is not zero and not unchanged, by kind."""
    told = {}
    for kind, count in done.counts.items():
        named = {"added": count.added, "changed": count.changed, "ended": count.ended, "missing": count.missing}
        if some := {name: number for name, number in named.items() if number}:
            told[kind] = some
    return told


# What comes in


async def test_a_set_comes_in_whole(bring_in: Import, files: RosterFiles) -> None:
    done = await bring_in(files)
    assert done.applied
    assert changes(done) == {
        "schools": {"added": 2},
        "people": {"added": 7},
        "students": {"added": 3},
        "accounts": {"added": 7},
        "households": {"added": 2},
        "household members": {"added": 5},
        "enrolments": {"added": 4},
        "guardianships": {"added": 4},
        "restrictions": {"added": 1},
        "grades": {"added": 1},
        "attendance events": {"added": 2},
    }
    (ben,) = await sql.rows("SELECT given, middle, family, suffix, preferred FROM person WHERE source_id = 'ben'")
    assert list(ben.values()) == ["Ben", None, "Ody", "Jr.", "Benny"]
    assert (await person("rosa")).email == "Rosa@Example.org"
    assert (await person("rosa")).email_folded == "rosa@example.org"
    assert (await student("ana")).student_number == "0042"
    assert (await student("ana")).birth_date == date(2017, 3, 4)
    (grade,) = await sql.rows("SELECT course, title, score, maximum, scored_on FROM grade")
    assert grade == {
        "course": "Reading",
        "title": "Quiz 1",
        "score": "93.50",
        "maximum": "100",
        "scored_on": date(2026, 9, 8),
    }
    (home,) = await sql.rows(
        "SELECT name, street, city, state, postal_code, phone FROM household WHERE source_id = 'h1'"
    )
    assert list(home.values()) == ["Lund", "12 Oak St", "Lakeside", "TX", "78699", "(512) 555-0101"]


async def test_a_1_2_set_changes_nothing_after_the_same_1_1_set(bring_in: Import, files: RosterFiles) -> None:
    await bring_in(files)
    assert changes(await bring_in(one_roster_1_2())) == {}


async def test_everybody_has_one_account_in_each_capacity(bring_in: Import, files: RosterFiles) -> None:
    files.add("relationships.csv", studentSourcedId="ben", contactSourcedId="tom", legalGuardian="true")
    await bring_in(files)
    accounts = await sql.rows(
        "SELECT p.source_id, a.capacity, a.status, a.username FROM account a JOIN person p ON p.id = a.person_id"
    )
    assert {(one["source_id"], one["capacity"]) for one in accounts} == {
        *(("ana", "STUDENT"), ("ben", "STUDENT"), ("cal", "STUDENT")),
        *(("rosa", "GUARDIAN"), ("hugo", "GUARDIAN"), ("nell", "GUARDIAN")),
        *(("tom", "STAFF"), ("tom", "GUARDIAN")),
    }
    assert {(one["status"], one["username"]) for one in accounts} == {("NOT_ACTIVATED", None)}


async def test_flags_make_the_guardianship(bring_in: Import, files: RosterFiles, ctx: Context) -> None:
    await bring_in(files)
    said = await tie("ana", "rosa")
    assert (said.status, said.portal_access, said.lives_with) == (GuardianshipStatus.CONFIRMED, True, True)
    assert said.confirmed_at == ctx.now
    unsaid = await tie("ben", "nell")
    assert (unsaid.status, unsaid.portal_access, unsaid.lives_with) == (GuardianshipStatus.CLAIMED, False, None)
    assert unsaid.confirmed_at is None
    no_mark = await tie("cal", "rosa")
    assert (no_mark.status, no_mark.portal_access) == (GuardianshipStatus.CONFIRMED, False)
    (order,) = await Restriction.filter(guardianship_id=(await tie("ana", "hugo")).id)
    assert (order.begins_on, order.ends_on, order.lifted_at) == (date(2026, 9, 1), None, None)


async def test_a_restriction_without_a_first_day_holds_from_the_import_on(
    bring_in: Import, files: RosterFiles, ctx: Context
) -> None:
    files.tie("ana", "hugo")["beginDate"] = ""
    await bring_in(files)
    assert (await Restriction.get()).begins_on == ctx.today


async def test_numbers_become_proofs(bring_in: Import, files: RosterFiles, ctx: Context) -> None:
    await bring_in(files)
    ana, cal = await student("ana"), await student("cal")
    assert ana.ssn_state == "ON_FILE"
    assert ana.ssn_proof is not None
    assert ana.ssn_proof_version is not None
    assert ctx.keys.ssn_matches(ANA_SSN.replace("-", ""), ana.ssn_proof, ana.ssn_proof_version)
    assert (cal.ssn_state, cal.ssn_proof) == ("UNUSABLE", None)


async def test_no_number_is_anywhere_but_as_a_proof(
    bring_in: Import, files: RosterFiles, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    planted = {ANA_SSN, BEN_SSN, "610223344", "51244731", "9994473101"}
    files.user("cal")["metadata.ssn"] = "51244731"
    files.add("users.csv", sourcedId="dee", role="student", givenName="Dee", familyName="Fox", identifier="5")
    files.user("dee")["metadata.ssn"] = "9994473101"
    files.user("rosa")["metadata.ssn"] = "610-22-3344"
    done = await bring_in(files)
    printed = capsys.readouterr()
    told = "\n".join(
        [repr(done), str(done.as_dict()), caplog.text, printed.out, printed.err, str(await dump(trail=True))]
    )
    for number in planted | {number.replace("-", "") for number in planted}:
        assert number not in told
        assert number.encode().hex() not in told


# A second set


async def test_the_second_run_writes_not_one_row(bring_in: Import, files: RosterFiles) -> None:
    await bring_in(files)
    before = await dump()
    done = await bring_in(files)
    assert done.changes == 0
    assert changes(done) == {}
    assert done.counts["guardianships"].unchanged == 4
    assert await dump() == before


async def test_a_plan_says_what_would_change_and_changes_nothing(
    bring_in: Import, files: RosterFiles, ctx: Context, tmp_path: Path
) -> None:
    empty = await dump(trail=True)
    planned = await plan(ctx, checked(files, tmp_path))
    assert not planned.applied
    assert await dump(trail=True) == empty
    assert planned.counts == (await bring_in(files)).counts


async def test_what_differs_is_changed_and_nothing_else(bring_in: Import, files: RosterFiles) -> None:
    await bring_in(files)
    files.user("hugo")["familyName"] = "Lund-Berg"
    files.user("ben")["grades"] = "09"
    files.row("households.csv", 2)["phone"] = "(512) 555-0199"
    files.row("householdMembers.csv", 5)["beginDate"] = "2026-02-01"
    files.row("results.csv", 2)["score"] = "EX"
    files.row("attendance.csv", 2)["reason"] = ""
    assert changes(await bring_in(files)) == {
        "people": {"changed": 1},
        "households": {"changed": 1},
        "household members": {"changed": 1},
        "enrolments": {"changed": 1},
        "grades": {"changed": 1},
        "attendance events": {"changed": 1},
    }
    assert changes(await bring_in(files)) == {}


async def test_who_comes_anew_comes_beside_the_others(bring_in: Import, files: RosterFiles) -> None:
    await bring_in(files)
    cells = {"role": "student", "givenName": "Dee", "familyName": "Fox", "identifier": "5", "orgSourcedIds": "n"}
    files.add("users.csv", sourcedId="dee", agentSourcedIds="hugo", **cells)
    assert changes(await bring_in(files)) == {
        "people": {"added": 1},
        "students": {"added": 1},
        "accounts": {"added": 1},
        "enrolments": {"added": 1},
        "guardianships": {"added": 1},
    }


async def test_what_is_missing_stays_and_is_told(bring_in: Import, files: RosterFiles) -> None:
    await bring_in(files)
    before = await dump()
    files.rows["users.csv"] = [row for row in files.rows["users.csv"] if row["sourcedId"] not in {"ben", "nell"}]
    files.rows["demographics.csv"] = [row for row in files.rows["demographics.csv"] if row["sourcedId"] != "ben"]
    files.rows["householdMembers.csv"] = files.rows["householdMembers.csv"][:3]
    files.rows["households.csv"] = files.rows["households.csv"][:1]
    files.rows["attendance.csv"] = files.rows["attendance.csv"][:1]
    files.rows["results.csv"] = []
    assert changes(await bring_in(files)) == {
        "people": {"missing": 2},
        "students": {"missing": 1},
        "households": {"missing": 1},
        "household members": {"missing": 2},
        "enrolments": {"missing": 1},
        "guardianships": {"missing": 1},
        "grades": {"missing": 1},
        "attendance events": {"missing": 1},
    }
    assert await dump() == before


async def test_a_set_that_is_silent_on_something_leaves_it(bring_in: Import, files: RosterFiles) -> None:
    await bring_in(files)
    for column in ("metadata.ssn", "metadata.suffix", "metadata.preferredName", "middleName", "email"):
        files.drop_column("users.csv", column)
    for column in ("streetAddress", "city", "state", "postalCode", "phone"):
        files.drop_column("households.csv", column)
    files.remove("demographics.csv")
    assert changes(await bring_in(files)) == {}


async def test_blank_is_not_silent(bring_in: Import, files: RosterFiles) -> None:
    await bring_in(files)
    files.user("ben").update({"email": "", "metadata.ssn": ""})
    assert changes(await bring_in(files)) == {"people": {"changed": 1}, "students": {"changed": 1}}
    assert (await student("ben")).ssn_state == "NOT_ON_FILE"


async def test_a_new_secret_renews_the_proofs_once(
    database: TortoiseContext, files: RosterFiles, ctx: Context, tmp_path: Path
) -> None:
    found = checked(files, tmp_path)
    old = Keyring({1: bytes(32)})
    await apply(replace(ctx, keys=old), found)
    renewed = replace(ctx, keys=Keyring({1: bytes(32), 2: bytes([2]) * 32}))
    assert changes(await apply(renewed, found)) == {"students": {"changed": 2}}
    assert (await student("ana")).ssn_proof_version == 2
    assert changes(await apply(renewed, found)) == {}


# Student numbers


async def test_two_students_may_swap_their_numbers(bring_in: Import, files: RosterFiles) -> None:
    await bring_in(files)
    files.user("ana")["identifier"], files.user("ben")["identifier"] = "77", "0042"
    assert changes(await bring_in(files)) == {"students": {"changed": 2}}
    assert ((await student("ana")).student_number, (await student("ben")).student_number) == ("77", "0042")
    assert not await Student.filter(number_is_shared=True).exists()


async def test_shared_numbers_are_set_apart_and_come_back(bring_in: Import, files: RosterFiles) -> None:
    files.user("cal")["identifier"] = "0042"
    await bring_in(files, "set-apart")
    before = await dump()
    assert (await student("ana")).number_is_shared
    assert (await student("cal")).number_is_shared
    assert changes(await bring_in(files, "set-apart")) == {}
    assert await dump() == before
    files.user("cal")["identifier"] = "0099"
    assert changes(await bring_in(files)) == {"students": {"changed": 2}}
    assert not await Student.filter(number_is_shared=True).exists()


async def test_the_number_of_somebody_missing_is_a_shared_number(bring_in: Import, files: RosterFiles) -> None:
    await bring_in(files)
    before = await dump()
    files.user("ben").update(sourcedId="ben2")
    files.user("nell")["agentSourcedIds"] = "ben2"
    for file in ("demographics.csv", "householdMembers.csv", "attendance.csv"):
        for row in files.rows[file]:
            row.update({column: "ben2" for column, cell in row.items() if cell == "ben"})
    with pytest.raises(RosterRefused) as refused:
        await bring_in(files)
    (problem,) = refused.value.problems
    assert (problem.code, problem.file, problem.row, problem.column) == ("number-taken", "users.csv", 3, "identifier")
    assert await dump() == before

    await bring_in(files, "set-apart")
    assert (await student("ben")).number_is_shared
    assert (await student("ben2")).number_is_shared
    assert changes(await bring_in(files, "set-apart")).keys() == {
        *("people", "students", "household members", "enrolments", "guardianships"),
    }


# What an import may never do


async def _is_left_alone(bring_in: Import, files: RosterFiles) -> None:
    before = await dump()
    assert changes(await bring_in(files)) == {}
    assert await dump() == before


@pytest.mark.parametrize("status", ["CLAIMED", "REVOKED", "CONFIRMED"])
async def test_what_a_registrar_decided_stays(status: str, bring_in: Import, files: RosterFiles, ctx: Context) -> None:
    await bring_in(files)
    decided: dict[str, Any] = {"status": status, "portal_access": False, "decided_by": "REGISTRAR"}
    decided["confirmed_at"] = ctx.now if status == "CONFIRMED" else None
    decided["revoked_at"] = ctx.now if status == "REVOKED" else None
    await Guardianship.filter(id=(await tie("ana", "rosa")).id).update(**decided)
    files.tie("ana", "rosa").update(relation="aunt", livesWith="false")
    await _is_left_alone(bring_in, files)


async def test_a_revoked_guardianship_does_not_come_back(bring_in: Import, files: RosterFiles, ctx: Context) -> None:
    await bring_in(files)
    await Guardianship.filter(id=(await tie("ana", "rosa")).id).update(status="REVOKED", revoked_at=ctx.now)
    await _is_left_alone(bring_in, files)


async def test_blank_flags_take_nothing_away_and_false_does(bring_in: Import, files: RosterFiles) -> None:
    await bring_in(files)
    files.tie("ana", "rosa").update(legalGuardian="", portal="", livesWith="")
    await _is_left_alone(bring_in, files)
    files.tie("ana", "rosa").update(legalGuardian="false")
    assert changes(await bring_in(files)) == {"guardianships": {"ended": 1}}
    (now,) = await sql.rows(
        "SELECT status, confirmed_at, evidence, portal_access FROM guardianship WHERE id = $1",
        (await tie("ana", "rosa")).id,
    )
    assert list(now.values()) == ["CLAIMED", None, None, True]
    files.tie("ana", "rosa").update(portal="false")
    assert changes(await bring_in(files)) == {"guardianships": {"ended": 1}}
    files.tie("ana", "rosa").update(legalGuardian="true", portal="true")
    assert changes(await bring_in(files)) == {"guardianships": {"changed": 1}}
    assert (await tie("ana", "rosa")).status == "CONFIRMED"


@pytest.mark.parametrize("restricted", ["", "false"])
async def test_a_restriction_is_never_lifted(restricted: str, bring_in: Import, files: RosterFiles) -> None:
    await bring_in(files)
    before = await dump()
    files.tie("ana", "hugo").update(restricted=restricted, beginDate="")
    assert changes(await bring_in(files)) == {"restrictions": {"missing": 1}}
    assert await dump() == before


async def test_a_restriction_only_becomes_longer(bring_in: Import, files: RosterFiles) -> None:
    files.tie("ana", "hugo").update(beginDate="2026-09-01", endDate="2026-12-31")
    await bring_in(files)
    files.tie("ana", "hugo").update(beginDate="2026-09-15", endDate="2026-10-31")
    await _is_left_alone(bring_in, files)
    files.tie("ana", "hugo").update(beginDate="2026-08-15", endDate="2027-06-30")
    assert changes(await bring_in(files)) == {"restrictions": {"changed": 1}}
    order = await Restriction.get()
    assert (order.begins_on, order.ends_on) == (date(2026, 8, 15), date(2027, 6, 30))
    files.tie("ana", "hugo").update(endDate="")
    assert changes(await bring_in(files)) == {"restrictions": {"changed": 1}}
    assert (await Restriction.get()).ends_on is None
    files.tie("ana", "hugo").update(endDate="2026-10-31")
    await _is_left_alone(bring_in, files)


async def test_a_restriction_that_the_registrar_lifted_stays_lifted(
    bring_in: Import, files: RosterFiles, ctx: Context
) -> None:
    await bring_in(files)
    await Restriction.all().update(lifted_at=ctx.now)
    await _is_left_alone(bring_in, files)
    files.tie("ana", "hugo")["beginDate"] = "2026-11-01"
    assert changes(await bring_in(files)) == {"restrictions": {"added": 1}}


async def test_a_restriction_comes_even_where_the_registrar_decided(
    bring_in: Import, files: RosterFiles, ctx: Context
) -> None:
    await bring_in(files)
    await Guardianship.filter(id=(await tie("ana", "rosa")).id).update(decided_by="REGISTRAR")
    files.tie("ana", "rosa")["restricted"] = "true"
    assert changes(await bring_in(files)) == {"restrictions": {"added": 1}}


async def test_accounts_are_left_as_they_are(bring_in: Import, files: RosterFiles, ctx: Context) -> None:
    await bring_in(files)
    used = {"username": "rosa.lund", "username_folded": "rosa.lund", "password_hash": "x", "activated_at": ctx.now}
    await Account.filter(person_id=(await person("rosa")).id).update(status=AccountStatus.ACTIVE, **used)
    await Account.filter(person_id=(await person("hugo")).id).update(
        status=AccountStatus.DISABLED, disabled_reason="STAFF_DECISION"
    )
    await _is_left_alone(bring_in, files)


# All or nothing


async def test_a_refused_set_leaves_only_an_entry_in_the_trail(bring_in: Import, files: RosterFiles) -> None:
    await bring_in(files)
    before = await dump()
    files.user("hugo")["familyName"] = "Lund-Berg"
    files.row("attendance.csv", 2)["date"] = "yesterday"
    with pytest.raises(RosterRefused):
        await bring_in(files)
    assert await dump() == before
    steps = await sql.rows("SELECT step, outcome, refusal FROM trail_entry ORDER BY id")
    assert [list(step.values()) for step in steps] == [
        ["roster:import", "DONE", None],
        ["roster:import", "REFUSED", "ROSTER_REFUSED"],
    ]


@pytest.mark.parametrize("after", range(1, len(applying.MERGES) + 1))
async def test_whatever_breaks_on_the_way_nothing_stays(
    after: int, bring_in: Import, files: RosterFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await dump(trail=True)
    broken = Merge("broken", "staged_school", change="UPDATE school SET name = NULL")
    monkeypatch.setattr(applying, "MERGES", (*applying.MERGES[:after], broken, *applying.MERGES[after:]))
    with pytest.raises(asyncpg.NotNullViolationError):
        await bring_in(files)
    assert await dump(trail=True) == before


async def test_without_its_trail_entry_an_import_does_not_happen(
    bring_in: Import, files: RosterFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise ConnectionError

    before = await dump(trail=True)
    monkeypatch.setattr(applying, "record", fails)
    with pytest.raises(ConnectionError):
        await bring_in(files)
    assert await dump(trail=True) == before


async def test_one_import_at_a_time(bring_in: Import, files: RosterFiles, database_url: str) -> None:
    other = await asyncpg.connect(database_url)
    try:
        await other.execute(f"SELECT pg_advisory_lock({IMPORT_LOCK})")
        with pytest.raises(RosterRefused) as refused:
            await bring_in(files)
        assert [problem.code for problem in refused.value.problems] == ["busy"]
    finally:
        await other.close()
    assert (await bring_in(files)).applied


async def test_the_trail_tells_numbers_and_no_names(bring_in: Import, files: RosterFiles) -> None:
    await bring_in(files)
    (entry,) = await sql.rows("SELECT details::text AS told FROM trail_entry")
    assert '"added": 4' in entry["told"]
    for name in ("Lund", "Rosa", "0042", "Oak"):
        assert name not in entry["told"]

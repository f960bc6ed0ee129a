"""Whom a diagnosis is told to, of whom, and what it costs; and the same on the command line."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from db.context import Role
from db.models import Enrolment, GuardianshipStatus, School, TrailEntry
from db.trail import Step
from schema.nodes import global_id
from tests.clients import Answer, Portal
from tests.command_line import portal as command
from tests.conftest import Statements
from tests.counter import DIAGNOSIS
from tests.desk import at_desk
from tests.district import PASSWORD, Adult, District, Pupil
from tests.tables import forget_trail, trail

WHO = """
query Who($studentId: ID!, $on: Date) {
  whoCanSee(studentId: $studentId, on: $on) {
    guardian { name { display } } student { schools { name } } canSee gates { name state finding }
    changes { on canSee }
  }
}
"""


@dataclass
class Scene:
    """Nora is at Lakeside, Maria is her mother and has an account; Hillside is another school."""

    portal: Portal
    district: District
    lakeside: School
    hillside: School
    nora: Pupil
    maria: Adult

    async def desk(self, role: Role, school: School | None = None) -> Adult:
        return await at_desk(self.portal, self.district, role, school)

    async def why(self, guardian: Adult | Pupil | None = None, student: Pupil | None = None) -> Answer | None:
        """As Maria about Nora, unless told otherwise."""
        asked = {
            "guardianId": global_id("Guardian", (guardian or self.maria).id),
            "studentId": global_id("Student", (student or self.nora).id),
        }
        told: Answer | None = (await self.portal.ask(DIAGNOSIS, asked))["accessDiagnosis"]
        return told

    async def who(self, on: date | None = None) -> list[Answer]:
        asked = {"studentId": global_id("Student", self.nora.id), "on": on.isoformat() if on else None}
        told: list[Answer] = (await self.portal.ask(WHO, asked))["whoCanSee"]
        return told


@pytest.fixture
async def scene(portal: Portal, district: District) -> Scene:
    lakeside, hillside = await district.school(), await district.school("Hillside High School")
    nora = await district.student(school=lakeside, number="0041207")
    maria = await district.guardian(nora)
    await district.opened(maria, "maria.q")
    return Scene(portal, district, lakeside, hillside, nora, maria)


# ------------------------------------------------------------------------------------------------ who is told
@pytest.mark.parametrize(
    ("role", "at", "told"),
    [
        (Role.REGISTRAR, "lakeside", "DONE"),
        (Role.REGISTRAR, "hillside", "NOT_ALLOWED"),
        (Role.REGISTRAR, None, "DONE"),
        (Role.TECHNOLOGY, "hillside", "DONE"),
        (Role.TECHNOLOGY, None, "DONE"),
        (Role.DESIGNEE, "lakeside", "NOT_ALLOWED"),
        (Role.REPORTER, "lakeside", "NOT_ALLOWED"),
        (Role.ADMINISTRATOR, None, "NOT_ALLOWED"),
    ],
)
async def test_registrars_of_the_students_school_and_technology_are_told(
    scene: Scene, role: Role, at: str | None, told: str
) -> None:
    await scene.desk(role, {"lakeside": scene.lakeside, "hillside": scene.hillside}[at] if at else None)
    await forget_trail()
    assert (await scene.why() is not None) == (told == "DONE")
    assert (await scene.who() != []) == (told == "DONE")
    assert await trail() == [(Step.DIAGNOSE_ACCESS.value, told)] * 2


async def test_families_are_told_nothing_and_nobody_neither(scene: Scene) -> None:
    await scene.district.opened(scene.nora, "nora.q")
    assert (await scene.why(), await scene.who()) == (None, [])
    for username in ("maria.q", "nora.q"):
        await scene.portal.login(username, PASSWORD)
        assert (await scene.why(), await scene.who()) == (None, [])


async def test_a_student_of_two_schools_is_told_to_both_and_each_hears_of_its_own_school(scene: Scene) -> None:
    await Enrolment.create(student_id=scene.nora.id, school_id=scene.hillside.id)
    for school, another in ((scene.lakeside, scene.hillside), (scene.hillside, scene.lakeside)):
        await scene.desk(Role.REGISTRAR, school)
        response = await scene.portal.post(
            DIAGNOSIS,
            {"guardianId": global_id("Guardian", scene.maria.id), "studentId": global_id("Student", scene.nora.id)},
        )
        assert school.name in response.text
        assert another.name not in response.text
        [told] = await scene.who()
        assert told["student"]["schools"] == [{"name": school.name}]
    await Enrolment.filter(school_id=scene.lakeside.id).update(begins_on=scene.district.ctx.today + timedelta(days=1))
    # At the other one only from tomorrow on: not yet the first one's student.
    await scene.desk(Role.REGISTRAR, scene.lakeside)
    assert await scene.why() is None


async def test_of_strangers_at_other_schools_a_registrar_learns_nothing(scene: Scene) -> None:
    theo = await scene.district.student("Theo", "Okafor", school=scene.hillside)
    ada = await scene.district.guardian(theo, given="Ada", family="Okafor")
    stray = await scene.district.guardian(given="Sam", family="Stray")
    clerk = await scene.desk(Role.REGISTRAR, scene.lakeside)
    assert await scene.why(ada) is None
    assert await scene.why(theo) is None
    assert await scene.why(clerk) is None
    # Somebody's guardian, of whom nobody is in charge: a new one whom the registrar is to tie to the student.
    told = await scene.why(stray)
    assert told is not None
    assert next(gate["name"] for gate in told["gates"] if gate["state"] == "FAILS") == "GUARDIANSHIP_RECORDED"
    # Whoever lives with the student is of the family; whoever is on record with the student, too.
    await scene.district.household(ada, scene.nora)
    assert (await scene.why(ada) or {})["guardian"]["name"]["display"] == "Ada Okafor"
    assert await scene.why(student=theo) is None
    await scene.desk(Role.TECHNOLOGY)
    assert await scene.why(student=theo) is not None


@pytest.mark.parametrize(
    ("guardian", "student"),
    [("Guardian:999", "Student"), ("Guardian", "Student:999"), ("junk", "junk"), ("Student", "Guardian")],
)
async def test_absent_and_hidden_look_alike(scene: Scene, guardian: str, student: str) -> None:
    def named(text: str) -> str:
        kind, _, number = text.partition(":")
        known = {"Guardian": scene.maria.id, "Student": scene.nora.id}
        return global_id(kind, int(number) if number else known[kind]) if kind in known else text

    await scene.desk(Role.REGISTRAR, scene.lakeside)
    asked = {"guardianId": named(guardian), "studentId": named(student)}
    assert (await scene.portal.ask(DIAGNOSIS, asked))["accessDiagnosis"] is None


# ------------------------------------------------------------------------------------------------ all guardians
async def test_all_guardians_on_record_are_listed_those_first_who_see(scene: Scene) -> None:
    abel = await scene.district.guardian(scene.nora, given="Abel", family="Abbott", status=GuardianshipStatus.REVOKED)
    zoe = await scene.district.guardian(scene.nora, given="Zoe", family="Zimmer")
    paul = await scene.district.guardian(scene.nora, given="Paul", family="Vance")
    for someone, username in ((zoe, "zoe.z"), (paul, "paul.v"), (abel, "abel.a")):
        await scene.district.opened(someone, username)
    friday = scene.district.ctx.today + timedelta(days=4)
    await scene.district.restrict(paul, scene.nora, ends_on=friday - timedelta(days=1))
    await scene.desk(Role.REGISTRAR, scene.lakeside)
    told = await scene.who()
    assert [(each["guardian"]["name"]["display"], each["canSee"]) for each in told] == [
        ("Maria Quimby", True),
        ("Zoe Zimmer", True),
        ("Abel Abbott", False),
        ("Paul Vance", False),
    ]
    assert told[3]["changes"][0] == {"on": friday.isoformat(), "canSee": True}
    on_friday = await scene.who(friday)
    assert [each["canSee"] for each in on_friday] == [True, True, True, False]
    entry = await TrailEntry.filter(step=Step.DIAGNOSE_ACCESS).first()
    assert entry is not None
    assert (entry.about_student_id, entry.details) == (scene.nora.id, {"found": 4})
    assert entry.rule == "registrar, same_school, diagnosis:read, any, any"


async def test_it_costs_one_statement_whatever_the_number_of_guardians_and_days(
    scene: Scene, statements: Statements
) -> None:
    await scene.desk(Role.REGISTRAR, scene.lakeside)
    costs = []
    for _ in range(3):
        statements.take()
        await scene.why()
        costs.append(len(statements.take()))
        await scene.who()
        costs.append(len(statements.take()))
        for number in range(5):
            ends_on = scene.district.ctx.today + timedelta(days=number)
            guardian = await scene.district.guardian(scene.nora, given=f"Given {number}")
            await scene.district.restrict(guardian, scene.nora, ends_on=ends_on)
    # The session, the one statement, and the entry in the trail.
    assert costs == [3] * 6


# ------------------------------------------------------------------------------------------------ command line
async def test_an_operator_asks_for_two_people_by_what_they_are_known_by(
    scene: Scene, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    where = {"database_url": database_url, "secrets": keys_text}
    await scene.district.restrict(scene.maria, scene.nora)
    shown = command(tmp_path, "diagnose", "MARIA.Q", "41207", **where)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Maria Quimby does not see Nora Quimby in the portal." in shown.stdout
    [line] = [line for line in shown.stdout.splitlines() if "no restriction" in line]
    for said in ("NO", "until it is lifted", "liftRestriction", "registrar"):
        assert said in line
    entry = await TrailEntry.filter(step=Step.DIAGNOSE_ACCESS).first()
    assert entry is not None
    assert (entry.about_person_id, entry.about_student_id) == (scene.maria.id, scene.nora.id)
    assert (entry.address, entry.actor_person_id) == ("command line", None)

    in_spanish = command(tmp_path, "diagnose", "maria.q", "0041207", "--json", "--language", "es", **where)
    answer = json.loads(in_spanish.stdout)
    assert not answer["can_see"]
    [failing] = [gate for gate in answer["gates"] if gate["state"] == "FAILS"]
    assert (failing["name"], failing["owner"]) == ("NO_RESTRICTION", "registrar")
    assert failing["finding"].startswith("Hay una restricción vigente")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody", "0041207"], "There is not just one guardian"),
        (["maria.q", "77"], "There is not just one guardian"),
        (["maria.q", "0041207", "--on", "2001-01-01"], "today or a later one"),
        (["maria.q", "0041207", "--on", "Friday"], "a day is written as"),
    ],
)
@pytest.mark.usefixtures("scene")
async def test_an_operator_is_told_what_cannot_be_asked(
    database_url: str, keys_text: str, tmp_path: Path, arguments: list[str], said: str
) -> None:
    refused = command(tmp_path, "diagnose", *arguments, database_url=database_url, secrets=keys_text)
    assert refused.returncode in {1, 2}
    assert said in " ".join(refused.stderr.split())

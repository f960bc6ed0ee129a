"""`portal staff`: joining, roles, a closed account, a lost telephone, as an operator does it and as staff notice it."""

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from app.asgi import create_app
from app.cli_staff import StaffRole
from app.settings import Settings
from db.context import Capacity, Role
from db.models import (
    Account,
    AccountStatus,
    Authenticator,
    Letter,
    Person,
    RecoveryCode,
    RoleAssignment,
    School,
    TrailEntry,
)
from mail.outbox import LetterKind
from tests import documents
from tests.clients import Portal
from tests.command_line import PATIENCE, environment
from tests.command_line import portal as command
from tests.district import PASSWORD, Adult, District
from tests.tables import trail
from tests.test_cli import one_sentence

Answer = subprocess.CompletedProcess[str]
Staff = Callable[..., Answer]
KEY = re.compile(r"Activation key: ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\n")


@pytest.fixture
def staff(district: District, database_url: str, keys_text: str, tmp_path: Path) -> Staff:
    """Runs `portal staff …` on the test's district."""

    def run(*arguments: str) -> Answer:
        return command(tmp_path, "staff", *arguments, database_url=database_url, secrets=keys_text)

    return run


@pytest.fixture
async def today(district: District, settings: Settings) -> AsyncIterator[Portal]:
    """The portal at the time at which commands run."""
    async with Portal(create_app(settings)) as client:
        yield client


@pytest.fixture
async def school(district: District) -> School:
    return await School.create(name="Lakeside Middle School", source_id="s-1", phone="(555) 555-0100")


@pytest.fixture
async def dana(district: District, school: School) -> Adult:
    """A registrar of the school, with an open account and an address."""
    dana = await district.staff(Role.REGISTRAR, school)
    await Person.filter(id=dana.id).update(email="dana@example.org", email_folded="dana@example.org")
    await district.opened(dana, "dana.ito")
    return dana


def done(answer: Answer) -> str:
    assert (answer.returncode, answer.stderr) == (0, ""), answer
    return answer.stdout


# ------------------------------------------------------------------------------------------------ joining
async def test_somebody_who_joins_opens_the_account_with_the_key_that_is_printed(
    staff: Staff, today: Portal, school: School
) -> None:
    new = ("add", "--given", "Dana", "--family", "Ito", "--email", "Dana@example.org", "--role", "designee")
    said = done(staff(*new, "--school", "lakeside middle school"))
    assert said.startswith("Dana Ito is designee at Lakeside Middle School now.\n")
    [key] = KEY.findall(said)
    # The same again says so, changes nothing, and shows the key of record again.
    again = done(staff(*new, "--school", "s-1"))
    assert "Dana Ito is on the staff already.\nDana Ito is designee at Lakeside Middle School already.\n" in again
    assert KEY.findall(again) == [key]
    opened = await today.activate(key, "dana.ito", PASSWORD)
    assert opened["__typename"] == "AccountActivated"
    assert (await today.login("dana.ito", PASSWORD))["me"]["roles"] == ["DESIGNEE"]
    third = done(staff(*new, "--school", "s-1"))
    assert third.endswith("The account dana.ito is open; no key is needed.\n")
    assert not KEY.findall(third)
    assert (await Person.all().count(), await RoleAssignment.all().count(), await Account.all().count()) == (1, 1, 1)
    assert (await Person.get()).email_folded == "dana@example.org"


async def test_joining_is_told_in_the_trail_by_the_command_line_and_without_the_key(
    staff: Staff, school: School
) -> None:
    said = done(staff("add", "--given", "Dana", "--family", "Ito", "--role", "registrar", "--school", "s-1"))
    account = await Account.get()
    joined = await TrailEntry.get(step="staff:add")
    assigned = await TrailEntry.get(step="staff:assign_role")
    assert (joined.about_account_id, joined.about_person_id) == (account.id, account.person_id)
    assert joined.details == {"new": True, "key_shown": True}
    assert assigned.details == {"role": "registrar", "school_id": school.id}
    for entry in (joined, assigned):
        assert (entry.actor_person_id, entry.address, entry.outcome) == (None, "command line", "DONE")
    [key] = KEY.findall(said)
    told = repr([list(entry.items()) for entry in await TrailEntry.all().values()])
    assert key not in told
    assert key.replace("-", "") not in told


async def test_several_schools_are_several_roles_and_none_is_the_district(staff: Staff, school: School) -> None:
    await School.create(name="Hillside High School", source_id="s-2")
    both = ("--school", "s-1", "--school", "s-2")
    done(staff("add", "--given", "Dana", "--family", "Ito", "--role", "designee", *both))
    said = done(staff("add", "--given", "Rosa", "--family", "Lopez", "--role", "administrator"))
    assert "Rosa Lopez is administrator in the whole district now." in said
    held = await RoleAssignment.all().prefetch_related("school")
    assert {(one.role, one.school.source_id if one.school else None) for one in held} == {
        (Role.DESIGNEE, "s-1"),
        (Role.DESIGNEE, "s-2"),
        (Role.ADMINISTRATOR, None),
    }


async def test_an_adult_on_record_joins_under_the_source_id(staff: Staff, district: District) -> None:
    """She is a guardian too, and from now on has two accounts."""
    nora = await district.student()
    maria = await district.guardian(nora)
    await Person.filter(id=maria.id).update(source_id="u-7")
    await Person.filter(id=nora.id).update(source_id="u-8")
    said = done(staff("add", "--source-id", "u-7", "--role", "reporter"))
    assert said.startswith("Maria Quimby is reporter in the whole district now.\n")
    assert {one.capacity for one in await Account.filter(person_id=maria.id)} == {Capacity.GUARDIAN, Capacity.STAFF}
    nobody = staff("add", "--source-id", "u-9", "--role", "reporter")
    assert one_sentence(nobody) == "Nobody on record has the source id 'u-9'."
    pupil = staff("add", "--source-id", "u-8", "--role", "reporter")
    assert one_sentence(pupil) == "The source id 'u-8' is a student's: staff need a record of their own."
    twin = await district.person("Maria", "Quimby", source_id="u-6", merged_into_id=maria.id)
    merged = staff("add", "--source-id", "u-6", "--role", "reporter")
    assert one_sentence(merged) == "The source id 'u-6' is of a record that was merged into another one."
    assert not await Account.exists(person_id=twin.id)


async def test_a_role_may_have_a_first_and_a_last_day(staff: Staff, today: Portal) -> None:
    """Until the first day the key opens nothing."""
    new = ("add", "--given", "Dana", "--family", "Ito", "--role", "technology")
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    said = done(staff(*new, "--from", tomorrow.isoformat(), "--until", "2199-06-30"))
    held = await RoleAssignment.get()
    assert (held.begins_on, held.ends_on) == (tomorrow, datetime(2199, 6, 30, tzinfo=UTC).date())
    [key] = KEY.findall(said)
    assert (await today.check_key(key))["__typename"] == "KeyNotAccepted"
    other = one_sentence(staff(*new, "--until", "2199-06-29"))
    assert other == "The role technology in the whole district is held for another time already: end it first."
    backwards = staff(*new[:-1], "reporter", "--until", "2020-01-01")
    assert one_sentence(backwards) == "The last day of a role cannot be before its first."
    assert await RoleAssignment.all().count() == 1


async def test_a_school_that_is_not_meant_clearly_is_asked_for_with_a_list(staff: Staff, school: School) -> None:
    new = ("add", "--given", "Dana", "--family", "Ito", "--role", "designee", "--school")
    assert one_sentence(staff(*new, "Lakesid")) == (
        "No school is called 'Lakesid'. There are: Lakeside Middle School (s-1)."
    )
    await School.create(name="Lakeside Middle School", source_id="s-3")
    assert one_sentence(staff(*new, "Lakeside Middle School")) == (
        "More than one school is called 'Lakeside Middle School': give the source id. They are: "
        "Lakeside Middle School (s-1); Lakeside Middle School (s-3)."
    )
    assert (await Person.all().count(), await TrailEntry.all().count()) == (0, 0)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--given", "Dana"),
        ("--given", " ", "--family", "Ito"),
        ("--given", "D", "--family", "I", "--source-id", "u"),
    ],
)
def test_it_has_to_be_said_who_it_is(staff: Staff, arguments: tuple[str, ...]) -> None:
    said = "Give either --given and --family, with or without --email, or --source-id."
    assert one_sentence(staff("add", "--role", "designee", *arguments)) == said


def test_an_address_that_can_be_none_is_not_taken(staff: Staff) -> None:
    said = one_sentence(
        staff("add", "--role", "designee", "--given", "Dana", "--family", "Ito", "--email", "dana at x")
    )
    assert said == "An e-mail address does not look like 'dana at x'."


def test_the_roles_to_choose_from_are_those_of_the_policy_table() -> None:
    assert {role.value for role in StaffRole} == {role.value for role in Role} - {"guardian", "student"}


# ------------------------------------------------------------------------------------------------ who is on it
async def test_the_list_says_who_may_do_what_where_and_until_when(staff: Staff, dana: Adult) -> None:
    done(staff("add", "--given", "Rosa", "--family", "Lopez", "--role", "reporter", "--until", "2199-06-30"))
    assert done(staff("list")) == (
        "Dana Ito (dana.ito): account ACTIVE, second factor no; registrar at Lakeside Middle School\n"
        "Rosa Lopez (-): account NOT_ACTIVATED, second factor no; reporter in the whole district until 2199-06-30\n"
    )
    listed = json.loads(done(staff("list", "--json")))
    assert [one["name"] for one in listed] == ["Dana Ito", "Rosa Lopez"]
    assert listed[0] == {
        "name": "Dana Ito",
        "source_id": None,
        "email": "dana@example.org",
        "username": "dana.ito",
        "account": "ACTIVE",
        "second_factor": False,
        "roles": [{"role": "registrar", "school": "Lakeside Middle School", "from": None, "until": None}],
    }


@pytest.mark.parametrize("who", ["Dana.Ito", "u-1", "DANA@example.org", "dana ito"])
async def test_a_member_is_known_by_username_source_id_address_or_name(staff: Staff, dana: Adult, who: str) -> None:
    await Person.filter(id=dana.id).update(source_id="u-1")
    assert done(staff("roles", who)) == "Dana Ito is registrar at Lakeside Middle School.\n"


async def test_whoever_is_not_known_or_not_meant_clearly_is_not_touched(
    staff: Staff, dana: Adult, district: District
) -> None:
    for arguments in (("roles",), ("second-factor",), ("disable", "--reason", "x"), ("enable", "--reason", "x")):
        unknown = one_sentence(staff(arguments[0], "maria", *arguments[1:]))
        assert unknown == "Nobody on the staff has the username, source id, address or name 'maria'."
    await district.staff(Role.DESIGNEE)
    several = one_sentence(staff("disable", "Dana Ito", "--reason", "left"))
    assert several == "More than one of the staff may be meant by 'Dana Ito': give the username or source id."
    assert await Account.filter(status=AccountStatus.DISABLED).count() == 0


# ------------------------------------------------------------------------------------------------ roles
async def test_roles_begin_and_end_at_once_in_sessions_that_are_open(
    staff: Staff, today: Portal, dana: Adult, school: School
) -> None:
    await today.login("dana.ito", PASSWORD)
    roles = "{ me { roles } }"
    said = done(staff("roles", "dana.ito", "--add", "reporter", "--add", "designee@s-1"))
    assert "Dana Ito is designee at Lakeside Middle School.\n" in said
    assert set((await today.ask(roles))["me"]["roles"]) == {"REGISTRAR", "REPORTER", "DESIGNEE"}
    done(staff("roles", "dana.ito", "--end", "reporter", "--end", "registrar@Lakeside Middle School"))
    assert (await today.ask(roles))["me"]["roles"] == ["DESIGNEE"]
    # What lasted longer than today stays on record.
    [kept] = await RoleAssignment.filter(role=Role.REGISTRAR)
    assert kept.ends_on is not None
    assert not await RoleAssignment.exists(role=Role.REPORTER)
    assert done(staff("roles", "dana.ito", "--end", "designee@s-1")) == (
        "Dana Ito holds no role, and cannot sign in.\n"
    )
    assert (await today.login("dana.ito", PASSWORD))["__typename"] == "AccountDisabled"
    # And what has ended can be given again.
    done(staff("roles", "dana.ito", "--add", "registrar@s-1"))
    assert (await today.login("dana.ito", PASSWORD))["me"]["roles"] == ["REGISTRAR"]
    steps = [step for step, _ in await trail() if step.startswith("staff:")]
    assert steps == ["staff:assign_role"] * 2 + ["staff:end_role"] * 3 + ["staff:assign_role"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--add", "reporter", "--end", "registrar"),
            "Dana Ito is not registrar in the whole district. Roles held: registrar at Lakeside Middle School.",
        ),
        (("--add", "reporter", "--add", "registrar@s-1"), "Dana Ito is registrar at Lakeside Middle School already."),
        (
            ("--add", "guardian"),
            "No role of staff is called 'guardian'. "
            "There are: designee, registrar, technology, reporter, administrator.",
        ),
        (("--end", "registrar@nowhere"), "No school is called 'nowhere'. There are: Lakeside Middle School (s-1)."),
    ],
)
async def test_roles_change_all_or_none(staff: Staff, dana: Adult, arguments: tuple[str, ...], said: str) -> None:
    before = await RoleAssignment.all().values()
    assert one_sentence(staff("roles", "dana.ito", *arguments)) == said
    assert await RoleAssignment.all().values() == before
    assert await TrailEntry.all().count() == 0


# ------------------------------------------------------------------------------------------------ closed and open
async def test_a_disabled_member_is_out_at_once_and_is_told(staff: Staff, today: Portal, dana: Adult) -> None:
    await today.login("dana.ito", PASSWORD)
    assert done(staff("disable", "dana.ito", "--reason", "on leave")) == "The account of Dana Ito is disabled.\n"
    assert await today.me() is None
    assert (await today.login("dana.ito", PASSWORD))["__typename"] == "AccountDisabled"
    letter = await Letter.get(kind=LetterKind.ACCOUNT_DISABLED)
    assert letter.address == "dana@example.org"
    assert letter.facts["by_failures"] is False
    again = staff("disable", "dana.ito", "--reason", "on leave")
    assert done(again) == "The account of Dana Ito is disabled already.\n"
    assert done(staff("enable", "dana.ito", "--reason", "back again")) == "The account of Dana Ito is enabled.\n"
    assert (await today.login("dana.ito", PASSWORD))["__typename"] == "LoggedIn"
    again = staff("enable", "dana.ito", "--reason", "back again")
    assert done(again) == "The account of Dana Ito is not disabled.\n"
    disabled, enabled = await TrailEntry.filter(address="command line").order_by("id")
    assert (disabled.step, disabled.details) == ("account:disable", {"reason": "on leave", "sessions_ended": 1})
    assert (enabled.step, enabled.details) == ("account:enable", {"reason": "back again"})
    assert disabled.about_account_id == enabled.about_account_id == dana.account_id


async def test_a_key_that_somebody_else_may_have_is_dead_once_the_account_is_disabled(
    staff: Staff, today: Portal, school: School
) -> None:
    """The same as at the desk: what is closed is closed with its keys, and opened again it waits for a new one."""
    joined = staff("add", "--given", "Rosa", "--family", "Lopez", "--role", "designee", "--school", school.name)
    found = KEY.search(joined.stdout)
    assert found, joined
    assert (await today.check_key(found[1]))["__typename"] == "ActivationKeyGood"
    done(staff("disable", "Rosa Lopez", "--reason", "the letter went astray"))
    assert (await today.check_key(found[1]))["__typename"] == "KeyNotAccepted"
    done(staff("enable", "Rosa Lopez", "--reason", "a new one can go out"))
    assert (await today.check_key(found[1]))["__typename"] == "KeyNotAccepted"
    again = KEY.search(
        staff("add", "--given", "Rosa", "--family", "Lopez", "--role", "designee", "--school", school.name).stdout
    )
    assert again
    assert again[1] != found[1]
    assert (await today.check_key(again[1]))["__typename"] == "ActivationKeyGood"


def test_a_reason_that_must_not_be_kept_is_refused(staff: Staff, school: School) -> None:
    done(staff("add", "--given", "Rosa", "--family", "Lopez", "--role", "designee", "--school", school.name))
    for reason in (" ", "SSN 529-45-7777", "x" * 501):
        said = one_sentence(staff("disable", "Rosa Lopez", "--reason", reason))
        assert said.startswith("The reason cannot be taken. "), said
        assert "7777" not in said


def test_a_reason_has_to_be_given(staff: Staff) -> None:
    for closing in ("disable", "enable"):
        answer = staff(closing, "dana.ito")
        assert answer.returncode == 2
        assert "Missing option '--reason'" in answer.stderr


# ------------------------------------------------------------------------------------------------ the second factor
def _enrolling(folder: Path, database_url: str, keys_text: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "staff", "second-factor", "dana.ito", "--enrol"],
        cwd=folder,
        env=environment(database_url=database_url, secrets=keys_text) | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _code(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(datetime.now(UTC), counter_offset=steps)


@pytest.mark.usefixtures("dana")
async def test_a_factor_is_set_up_at_the_operators_desk_and_reset_when_it_is_lost(
    staff: Staff, today: Portal, database_url: str, keys_text: str, tmp_path: Path
) -> None:
    assert done(staff("second-factor", "dana.ito")) == "Dana Ito has no second factor.\n"
    with _enrolling(tmp_path, database_url, keys_text) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        secret = process.stdout.readline().removeprefix("Secret for the authenticator: ").strip()
        assert f"secret={secret}" in process.stdout.readline()
        wrong = next(
            code for code in map("{:06}".format, range(100)) if code not in map(_code, [secret] * 3, range(-1, 2))
        )
        process.stdin.write(f"{wrong}\n{_code(secret)}\n")
        process.stdin.flush()
        said, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "")
    assert "That is not the code of this moment.\n" in said
    sheet = re.findall(r"^[0-9A-Z]{5}-[0-9A-Z]{5}$", said, re.MULTILINE)
    assert len(sheet) == 10
    assert done(staff("second-factor", "dana.ito")) == "Dana Ito has a second factor; recovery codes left: 10.\n"
    assert json.loads(done(staff("list", "--json")))[0]["second_factor"] is True
    assert one_sentence(staff("second-factor", "dana.ito", "--enrol")) == (
        "Dana Ito has a second factor already: reset it first."
    )

    assert (await today.login("dana.ito", PASSWORD))["__typename"] == "SecondFactorNeeded"
    assert (await today.login("dana.ito", PASSWORD, secondFactor=sheet[0]))["__typename"] == "LoggedIn"
    assert await today.me() is not None
    assert done(staff("second-factor", "dana.ito", "--reset")) == (
        "The second factor of Dana Ito is thrown away and all sessions have ended.\n"
    )
    assert await today.me() is None
    assert (await today.login("dana.ito", PASSWORD))["__typename"] == "LoggedIn"
    assert (await Authenticator.all().count(), await RecoveryCode.all().count()) == (0, 0)
    assert done(staff("second-factor", "dana.ito", "--reset")) == "Dana Ito has no second factor.\n"
    by_hand = await TrailEntry.filter(address="command line").order_by("id").values_list("step", "details")
    assert by_hand == [
        ("second_factor:enrol", {"replaces": False}),
        ("second_factor:confirm", {"set_up": True}),
        ("second_factor:reset", {"sessions_ended": 1}),
    ]
    letters = await Letter.exclude(kind=LetterKind.NEW_DEVICE)
    assert [letter.kind for letter in letters] == ["SECOND_FACTOR_SET"]


async def test_the_first_code_may_be_given_later(staff: Staff, today: Portal, dana: Adult) -> None:
    shown = staff("second-factor", "dana.ito", "--enrol")
    assert shown.returncode == 1
    assert shown.stderr == "portal: No code was given, so it is not in use yet. Give the first one with --code.\n"
    [secret] = re.findall(r"Secret for the authenticator: (\w+)", shown.stdout)
    assert (await today.login("dana.ito", PASSWORD))["__typename"] == "LoggedIn"
    refused = staff("second-factor", "dana.ito", "--code", "12345")
    assert refused.returncode == 1
    assert refused.stderr.endswith("so the second factor is not in use. Is the server's clock right?\n")
    assert "The second factor is in use." in done(staff("second-factor", "dana.ito", "--code", _code(secret)))
    answer = await today.login("dana.ito", PASSWORD, secondFactor=_code(secret, 1))
    assert answer["__typename"] == "LoggedIn"
    nothing = one_sentence(staff("second-factor", "dana.ito", "--code", _code(secret)))
    assert nothing == "Nothing waits for a code of Dana Ito: begin anew."


async def test_a_factor_that_was_set_up_before_the_account_is_asked_for_after_activation(
    staff: Staff, today: Portal
) -> None:
    [key] = KEY.findall(done(staff("add", "--given", "Rosa", "--family", "Lopez", "--role", "registrar")))
    [secret] = re.findall(r"authenticator: (\w+)", staff("second-factor", "rosa lopez", "--enrol").stdout)
    done(staff("second-factor", "rosa lopez", "--code", _code(secret)))
    opened = await today.activate(key, "rosa.lopez", PASSWORD)
    today.token = opened["session"]["token"]
    assert (await today.ask("{ me { secondFactor } }"))["me"]["secondFactor"] == "STALE"
    confirmed = await today.do(documents.CONFIRM_SECOND_FACTOR, {"code": _code(secret, 1)})
    assert confirmed["__typename"] == "SecondFactorConfirmed"


def test_setting_up_and_resetting_are_two_commands(staff: Staff) -> None:
    said = one_sentence(staff("second-factor", "dana.ito", "--enrol", "--reset"))
    assert said == "Reset the second factor first, and set up a new one after that."

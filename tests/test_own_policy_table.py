"""A table of the district's own: whatever it says, it never gives away what the system is there to keep; and the portal
starts with it, or says why not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from app.asgi import create_app
from app.problems import PlainProblem
from app.settings import Settings
from db.context import Role
from db.models import Session
from policies.gate import Gate
from policies.guardianship import Standing
from policies.table import Row, TableRefused, read_table
from policies.words import Action, Proof
from tests import documents
from tests.clients import Portal
from tests.command_line import portal as command
from tests.conftest import Clock
from tests.district import PASSWORD, District
from tests.policy_rules import ANOTHERS_ACCOUNT, Place, asker, facts
from tests.policy_tables import RESET, ROWS, TITLE, WORDS, read, table
from tests.servers import Server

ANY_WORD = [str(word) for words in WORDS.values() for word in words]
#: The table is read before the database is looked for.
NOWHERE = "postgresql://portal@127.0.0.1:1/nowhere"


# ------------------------------------------------------------------------------------------------ whatever is written
@effort(deadline=None)
@given(
    st.text(max_size=300)
    | st.text(st.sampled_from('",\r\n\0x'), max_size=50).map(lambda text: f"{TITLE}\n{text}")
    | st.lists(st.lists(st.sampled_from(ANY_WORD) | st.text(max_size=9), max_size=6)).map(
        lambda rows: table(*(",".join(row) for row in rows))
    )
)
def test_any_text_is_a_table_or_is_refused_with_line_and_reason(text: str) -> None:
    found = read(text)
    if isinstance(found, TableRefused):
        assert 1 <= found.line <= len(text) + 1
        assert found.reason
    else:
        assert all(isinstance(row, Row) for row in found)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Row, ...]:
    """Tables of known words that load: of the rows that are drawn, those that do not are left out."""
    known = st.tuples(
        st.sampled_from(WORDS["role"]),
        st.sampled_from(["same_school", "same_district"]) | st.sampled_from(WORDS["scope"]),
        st.sampled_from(sorted(ANOTHERS_ACCOUNT)) | st.sampled_from(WORDS["action"]),
        st.sampled_from(["confirmed", "self"]) | st.sampled_from(WORDS["guardianship"]),
        st.just("passed") | st.sampled_from(WORDS["verification"]),
    )
    kept: list[str] = []
    for cells in draw(st.lists(known, min_size=1, max_size=12)):
        row = ",".join(cells)
        if not isinstance(read(table(*kept, row)), TableRefused):
            kept.append(row)
    return read_table(table(*kept))


@effort(deadline=None)
@given(tables(), st.sampled_from(list(Role)), st.sampled_from(list(Place)))
def test_no_table_that_loads_gives_away_anothers_account_or_a_students_record(
    rows: tuple[Row, ...], role: Role, place: Place
) -> None:
    gate = Gate(rows)
    for action, guardianship, proof in product(sorted(ANOTHERS_ACCOUNT), Standing, Proof):
        if gate.may(asker(role, place), action, facts(place, guardianship, proof)):
            assert guardianship in {Standing.CONFIRMED, Standing.SELF}
            assert proof is Proof.PASSED
    for action, guardianship in product((Action.STUDENT_READ, Action.DISCLOSURE_READ), Standing):
        if gate.may(asker(role, place), action, facts(place, guardianship, Proof.NONE)):
            assert (role, place) == (Role.STUDENT, Place.OWN) or guardianship is Standing.CONFIRMED


@effort(deadline=None)
@given(tables(), st.sampled_from(list(Place)), st.sampled_from(list(Standing)), st.sampled_from(list(Proof)))
def test_a_no_of_any_table_names_facts_with_which_it_would_be_a_yes(
    rows: tuple[Row, ...], place: Place, guardianship: Standing, proof: Proof
) -> None:
    gate = Gate(rows)
    for role, action in {(row.role, row.action) for row in rows}:
        decided = gate.may(asker(role, place), action, facts(place, guardianship, proof))
        lacking = {fact.value for fact in decided.missing}
        if decided or lacking == {"ROLE"}:
            continue
        assert lacking <= {"SAME_SCHOOL", "GUARDIANSHIP_CONFIRMED", "VERIFICATION_PASSED"}
        supplied = (
            Place.SAME_SCHOOL if "SAME_SCHOOL" in lacking else place,
            Standing.CONFIRMED if "GUARDIANSHIP_CONFIRMED" in lacking else guardianship,
            Proof.PASSED if "VERIFICATION_PASSED" in lacking else proof,
        )
        assert gate.may(asker(role, supplied[0]), action, facts(*supplied))


# ------------------------------------------------------------------------------------------------ the start
@asynccontextmanager
async def own_portal(settings: Settings, clock: Clock, folder: Path, *, without: str) -> AsyncIterator[Portal]:
    """The portal with a table of the district's own: the usual one without the rows that begin so."""
    own = folder / f"without-{without}.csv"
    own.write_text(table(*(row for row in ROWS if not row.startswith(without))))
    async with Portal(create_app(settings.model_copy(update={"policy_table": own}), clock=clock)) as stricter:
        yield stricter


FORBIDDEN = "designee,same_school,account:reset,any,passed"
SAID = "is refused, line 3: account:reset needs guardianship confirmed, or self; not any."


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_server_does_not_start_with_a_row_that_gives_something_away(tmp_path: Path, workers: str) -> None:
    (tmp_path / "own.csv").write_text(table(ROWS[0], FORBIDDEN))
    answer = command(tmp_path, "serve", policy_table="own.csv", database_url=NOWHERE, port="0", workers=workers)
    assert (answer.returncode, answer.stdout, answer.stderr) == (1, "", f"portal: The policy table own.csv {SAID}\n")


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for name, reason in (("none.csv", "No such file or directory"), (".", "Is a directory")):
        answer = command(tmp_path, "serve", policy_table=name, database_url=NOWHERE, port="0")
        said = f"portal: The policy table {name} cannot be read: {reason}.\n"
        assert (answer.returncode, answer.stdout, answer.stderr) == (1, "", said)


async def test_a_table_of_the_districts_own_holds_for_its_portal_and_for_no_other(
    portal: Portal, district: District, settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    """A district that lets reporters do nothing at all, not even see their own account."""
    await district.opened(await district.staff(Role.REPORTER), "rae.reporter")
    await portal.login("rae.reporter", PASSWORD)
    async with own_portal(settings, clock, tmp_path, without="reporter,") as stricter:
        for _ in range(2):
            assert await portal.me()
            assert await stricter.me(token=portal.token) is None
            refused_there = await stricter.do_as(portal.token, documents.LOGOUT)
            assert (refused_there["__typename"], refused_there["missing"]) == ("NotAllowed", ["ROLE"])
    assert (await portal.do(documents.LOGOUT))["__typename"] == "LoggedOut"


async def test_nobody_signs_in_whom_the_districts_table_gives_nothing(
    portal: Portal, district: District, settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    """They are told whom to call, and no session is left behind; nor does a key open an account of theirs."""
    await district.opened(await district.staff(Role.REPORTER), "rae.reporter")
    nora = await district.student()
    await district.guardian(nora)
    number, born, ssn = nora.proofs
    key = (await portal.request_key(number, born, ssn))["key"]
    async with own_portal(settings, clock, tmp_path, without="reporter,") as stricter:
        told = await stricter.login("rae.reporter", PASSWORD)
        assert (told["__typename"], told["contact"]) == ("AccountDisabled", settings.district_contact)
    async with own_portal(settings, clock, tmp_path, without="guardian,own,") as stricter:
        assert (await stricter.activate(key, "maria.q", PASSWORD))["__typename"] == "KeyNotAccepted"
    assert await Session.all().count() == 0
    assert (await portal.login("rae.reporter", PASSWORD))["__typename"] == "LoggedIn"
    assert (await portal.activate(key, "maria.q", PASSWORD))["__typename"] == "AccountActivated"


async def test_an_application_is_not_made_with_a_table_that_gives_something_away(
    settings: Settings, tmp_path: Path
) -> None:
    own = tmp_path / "own.csv"
    own.write_text(table(ROWS[0], FORBIDDEN))
    with pytest.raises(PlainProblem) as problem:
        create_app(settings.model_copy(update={"policy_table": own}))
    assert str(problem.value) == f"The policy table {own} {SAID}"
    # Once it is put right, nothing of the refusal is left.
    own.write_text(table(ROWS[0], RESET))
    create_app(settings.model_copy(update={"policy_table": own}))


def test_a_server_in_a_process_of_its_own_reads_the_table_that_is_named(
    database_url: str, keys_text: str, tmp_path: Path
) -> None:
    (tmp_path / "own.csv").write_text(table(ROWS[0]))
    with Server(database_url, keys_text, tmp_path, policy_table="own.csv") as server:
        assert server.ready().log.count("refused") == 0

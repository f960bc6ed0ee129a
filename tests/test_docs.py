"""What the documents say is so: every setting, command, link, operation and table in them, with nothing left out."""

import ast
import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer
from babel.messages.pofile import read_po
from graphql import (
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_enum_type,
    is_list_type,
    is_object_type,
    parse,
)
from tortoise import Tortoise
from tortoise.context import TortoiseContext

import db.roster
from app import settings_table
from app.body import RequestLimits
from app.cli import app
from app.metrics import Build, Letters, Webhooks
from app.settings import SMTP_PORTS, Settings
from db import sql
from db.context import SecondFactor
from db.models import ClientKind, DisabledReason, GateName, GuardianshipStatus, Outcome, SsnState, TrailEntry
from db.roster import checking
from db.roster.applying import Counts, Imported
from db.roster.problems import Problem, Problems, Severity
from db.roster.reading import RosterSet, _Folder
from db.rules import Rules
from db.trail import Step
from mail.outbox import LetterKind, Withdrawn
from policies.guardianship import Standing
from policies.refusals import MissingFact, RefusalCode
from policies.waits import waits
from policies.words import GUARDED, READING, Action, Proof, Scope
from resolvers.hidden_students import HiddenReason
from schema import pages
from schema.account import AccountStatus
from schema.build import operations, schema
from schema.document_limits import DocumentLimits
from schema.documents import CheckedDocument
from schema.input_errors import variable_problems
from schema.messages import MESSAGES, SUPPLIED_BY
from schema.wording import worded
from tests.roster_sets import TODAY, RosterFiles
from tests.servers import REPOSITORY

README = REPOSITORY / "README.md"
DOCS = {path.name: path for path in sorted((REPOSITORY / "docs").glob("*.md"))}
DOCUMENTS = [README, REPOSITORY / "CHANGELOG.md", *DOCS.values()]
EXAMPLES = sorted((REPOSITORY / "examples" / "operations").glob("*.graphql"))
CLIENT_SCHEMA: GraphQLSchema = schema._schema

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s+)# .*$")
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path) -> list[tuple[str, str]]:
    """Language and content of the fenced blocks, in order."""
    return _FENCE.findall(text(path))


def code(path: Path) -> list[str]:
    """All that stands there as code: spans, and the lines of fenced blocks without their prompts and comments."""
    lines = [line for _, block in blocks(path) for line in block.splitlines()]
    return _SPAN.findall(_FENCE.sub("", text(path))) + [_COMMENT.sub("", line.removeprefix("$ ")) for line in lines]


def all_code() -> list[tuple[str, str]]:
    return [(path.name, line) for path in DOCUMENTS for line in code(path)]


def rows(document: str, first_heading: str) -> list[list[str]]:
    """The cells of the table whose first column has this heading."""
    lines = iter(text(DOCS[document]).splitlines())
    for line in lines:
        if line.startswith(f"| {first_heading} |"):
            next(lines)
            break
    else:
        raise AssertionError(f"{document} has no table of {first_heading!r}")
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def words(cell: str) -> list[str]:
    return _SPAN.findall(cell)


def first_words(document: str, first_heading: str) -> list[str]:
    return [word for row in rows(document, first_heading) for word in words(row[0])]


# ------------------------------------------------------------------------------------------- settings and commands
def test_the_table_of_settings_is_that_of_the_code() -> None:
    document = text(settings_table.DOCUMENT)
    assert settings_table.with_table(document) == document
    assert all(f"`PORTAL_{name.upper()}`" in document for name in Settings.model_fields)


def test_every_setting_that_is_named_anywhere_exists() -> None:
    # One of the gates and one kind of client are called as a setting might be.
    known = {f"PORTAL_{name.upper()}" for name in Settings.model_fields}
    known |= {GateName.PORTAL_ACCESS.value, ClientKind.PORTAL_FRONT_END.value}
    for path in (*DOCUMENTS, REPOSITORY / "Makefile", REPOSITORY / ".ci" / "run", *(REPOSITORY / "app").glob("*.py")):
        named = set(re.findall(r"PORTAL_[A-Z][A-Z_]*[A-Z]", text(path)))
        assert named <= known, path


def commands() -> dict[str, set[str]]:
    """The commands with their options, those of groups by both words, from the command line itself."""
    return dict(_commands(typer.main.get_command(app), ()))


def _commands(command: Any, name: tuple[str, ...]) -> Iterator[tuple[str, set[str]]]:
    if members := getattr(command, "commands", None):
        for word, member in members.items():
            yield from _commands(member, (*name, word))
    else:
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        yield " ".join(name), options


def command_in(line: str) -> str:
    """The command that a line begins with, without what is given to it."""
    return next((name for name in sorted(commands(), reverse=True) if f"{line} ".startswith(f"{name} ")), line)


def test_every_command_is_in_the_operators_table_with_its_options_and_no_other_is_named() -> None:
    table = {
        command_in(words(row[0])[0].removeprefix("portal ")): set(re.findall(r"`(--[a-z-]+)", row[1]))
        for row in rows("operations.md", "command")
    }
    assert table == commands()
    groups = {name.split()[0] for name in commands() if " " in name}
    for document, line in all_code():
        for said in re.findall(r"(?:^|[ /])portal ([a-z]+.*)", line):
            if said in groups:
                continue
            name = command_in(said)
            assert name in commands(), (document, line)
            assert set(re.findall(r"(--[a-z-]+)", said)) <= commands()[name], (document, line)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text(REPOSITORY / "Makefile"), re.MULTILINE))


def test_every_make_target_that_is_named_exists_and_make_help_lists_them_all() -> None:
    for document, line in all_code():
        for target in re.findall(r"(?:^|\s)make (?:PYTHON=\S+ )?([a-z-]+)", line):
            assert target in make_targets(), (document, line)
    helped = re.findall(r"^([a-z-]+):.*## ", text(REPOSITORY / "Makefile"), re.MULTILINE)
    assert set(helped) == make_targets()
    assert "`make help`" in text(README)
    assert "`make help`" in text(DOCS["operations.md"])


def test_the_map_in_the_readme_shows_every_part_of_the_tree() -> None:
    (tree,) = (block for _, block in blocks(README) if block.startswith("app/"))
    shown = re.findall(r"^(\w+)/ ", tree, re.MULTILINE)
    assert all((REPOSITORY / name).is_dir() for name in shown)
    project = tomllib.loads(text(REPOSITORY / "pyproject.toml"))
    assert {*project["tool"]["mypy"]["packages"], "docs", "examples"} == set(shown)


# ------------------------------------------------------------------------------------------- links and words
def anchors(path: Path) -> set[str]:
    """The names of a document's headings, as they are linked to."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text(path)), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", _FENCE.sub("", text(path))):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), target
        assert linked.is_relative_to(REPOSITORY), target
        assert not anchor or anchor in anchors(linked), target


def test_the_readme_leads_to_every_document() -> None:
    linked = set(re.findall(r"\]\(docs/([^)#]+)\)", text(README)))
    assert linked == set(DOCS)


#: Written so that this file does not hold them.
_NOWHERE = re.compile(r"/wor[k]/|\.\./share[d]|\bTOD[O]\b|\bFIXM[E]\b|\bissue #?\d|https?://\S*pyp[i]\b", re.IGNORECASE)
_NOT_IN_DOCUMENTS = re.compile(r"/roo[t]\b|/home/|(?<![\w/])/tmp/|(?:^|\s)#\d+\b|localhost:\d", re.IGNORECASE)


def test_nothing_speaks_of_one_machine_or_of_unfinished_work() -> None:
    tracked = [
        *DOCUMENTS,
        *EXAMPLES,
        REPOSITORY / "Makefile",
        REPOSITORY / ".ci" / "run",
        REPOSITORY / "pyproject.toml",
    ]
    for package in ("app", "schema", "resolvers", "policies", "mail", "db", "tests", "bench"):
        tracked += (REPOSITORY / package).rglob("*.py")
    assert [(path, found) for path in tracked if (found := _NOWHERE.findall(text(path)))] == []
    for path in (*DOCUMENTS, *EXAMPLES):
        assert _NOT_IN_DOCUMENTS.findall(text(path)) == [], path


# ------------------------------------------------------------------------------------------- operations and answers
def checked(document: str) -> OperationDefinitionNode:
    """The one operation of a document that the server would run."""
    read = operations(introspection=False, seconds=1).documents.read(document)
    assert isinstance(read, CheckedDocument), (document, read.problems)
    (operation,) = read.operations.values()
    return operation


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_server_takes_the_example_operations(path: Path) -> None:
    checked(text(path))


def test_there_is_an_example_of_every_operation() -> None:
    shown = {
        field.name.value
        for path in EXAMPLES
        for definition in parse(text(path)).definitions
        if isinstance(definition, OperationDefinitionNode)
        for field in definition.selection_set.selections
        if hasattr(field, "name")
    }
    changing, asking = CLIENT_SCHEMA.mutation_type, CLIENT_SCHEMA.query_type
    assert changing is not None
    assert asking is not None
    assert {*changing.fields, *asking.fields} - {"node"} <= shown


def misfits(type_: GraphQLOutputType, value: Any, at: str) -> Iterator[str]:
    """Where a value could not be the answer for its type."""
    nullable, named = get_nullable_type(type_), get_named_type(type_)
    if value is None:
        if nullable is not type_:
            yield f"{at} must not be null"
    elif is_list_type(nullable):
        for number, item in enumerate(value):
            yield from misfits(nullable.of_type, item, f"{at}.{number}")
    elif is_enum_type(named):
        if value not in named.values:
            yield f"{at} is no {named.name}"
    elif is_abstract_type(named):
        possible = {one.name: one for one in CLIENT_SCHEMA.get_possible_types(named)}
        if chosen := possible.get(value.get("__typename")):
            yield from misfits(chosen, value, at)
        else:
            yield f"{at} is none of {sorted(possible)}"
    elif is_object_type(named):
        yield from (f"{named.name} has no {key}" for key in value.keys() - named.fields.keys() - {"__typename"})
        for key in value.keys() & named.fields.keys():
            yield from misfits(named.fields[key].type, value[key], f"{at}.{key}")


def test_the_operations_of_the_readme_fit_the_schema_and_so_do_their_variables_and_answers() -> None:
    asked: OperationDefinitionNode | None = None
    seen = []
    for language, block in blocks(README):
        seen.append(language)
        if language == "graphql":
            asked = checked(block)
        elif language == "json":
            assert asked is not None
            said = json.loads(block)
            if "data" in said:
                roots = {"mutation": CLIENT_SCHEMA.mutation_type, "query": CLIENT_SCHEMA.query_type}
                root = roots[asked.operation.value]
                assert root is not None
                (field, value), *others = said["data"].items()
                assert not others
                assert field in {getattr(one, "name").value for one in asked.selection_set.selections}  # noqa: B009
                assert list(misfits(root.fields[field].type, value, field)) == []
            else:
                assert variable_problems(CLIENT_SCHEMA, asked, said) == []
    assert seen.count("graphql") >= 3
    assert seen.count("json") >= 4


def test_a_wrong_answer_in_the_readme_would_be_found() -> None:
    root = CLIENT_SCHEMA.mutation_type
    assert root is not None
    result = root.fields["login"].type
    assert list(misfits(result, {"__typename": "LoggedOut"}, "login"))
    assert list(misfits(result, {"__typename": "WrongCredentials", "code": "WRONG"}, "login"))
    assert list(misfits(result, {"__typename": "WrongCredentials", "hint": "x"}, "login"))
    assert not list(misfits(result, {"__typename": "WrongCredentials", "code": "WRONG_CREDENTIALS"}, "login"))


# ------------------------------------------------------------------------------------------- security.md
def test_the_budgets_in_the_documents_are_those_of_the_steps() -> None:
    found = {}
    for path in (REPOSITORY / "resolvers").glob("*.py"):
        source = text(path)
        for name, maximum in re.findall(r'Budget\(\s*"([a-z-]+)",\s*(?:ctx\.)?rules\.(\w+)', source):
            found[name] = f"PORTAL_{maximum.upper()}"
    told = {words(row[0])[0]: words(row[2])[0] for row in rows("security.md", "budget")}
    assert told == found
    windows = {
        "proof": "PORTAL_PROOF_WINDOW_HOURS",
        "key": "PORTAL_KEY_WINDOW_MINUTES",
        "login": "PORTAL_LOGIN_WINDOW_MINUTES",
        "verify": "PORTAL_VERIFICATION_WINDOW_HOURS",
        "token": "PORTAL_TOKEN_WINDOW_MINUTES",
        "recovery": "PORTAL_RECOVERY_WINDOW_MINUTES",
        "second": "PORTAL_LOGIN_WINDOW_MINUTES",
    }
    for row in rows("security.md", "budget"):
        assert words(row[3]) == [windows[words(row[0])[0].partition("-")[0]]]


def test_the_waits_in_the_documents_are_those_of_the_rule() -> None:
    [told] = re.findall(
        r"With the defaults that is five at once, then (.*?)\. What", text(DOCS["security.md"]), re.DOTALL
    )
    [first, *minutes] = [int(number) for number in re.findall(r"\d+", told)]
    rules = Rules.model_validate({})
    assert rules.login_free_guesses == 5
    assert [first, *(60 * each for each in minutes)] == [wait.total_seconds() for wait in waits(rules)]


def test_the_limits_in_the_documents_are_those_of_the_code() -> None:
    limits = {
        limit.name: str(limit.default)
        for kind in (DocumentLimits, RequestLimits)
        for limit in fields(kind)
        if limit.name not in {"max_body", "body_seconds"}
    }
    told = {words(row[2])[0]: row[1] for row in rows("security.md", "limit")}
    assert told == {
        **limits,
        "LARGEST_PAGE": str(pages.LARGEST_PAGE),
        "max_body": "`PORTAL_BODY_LIMIT`",
        "body_seconds": "`PORTAL_BODY_SECONDS`",
        "seconds": "`PORTAL_REQUEST_SECONDS`",
    }


def test_the_words_of_the_gate_and_of_the_trail_are_all_explained() -> None:
    assert set(first_words("security.md", "word")) == {word.value for word in Standing}
    assert first_words("security.md", "scope") == [word.value for word in Scope]
    assert first_words("security.md", "action") == [word.value for word in Action]
    assert set(first_words("security.md", "verification")) == {word.value for word in Proof}
    trail = {words(row[0])[0]: row for row in rows("security.md", "column")}
    (steps,) = (row[1] for name, row in trail.items() if name == "step")
    assert set(words(steps)) == {step.value for step in Step}
    columns = set(TrailEntry._meta.fields_map) - {"id"}
    assert set(first_words("security.md", "column")) == columns


def test_who_supplies_a_missing_fact_is_told_as_the_portal_tells_it() -> None:
    told = {words(row[0])[0]: row[1] for row in rows("security.md", "missing")}
    assert told == {fact.value: str(SUPPLIED_BY[fact]) for fact in MissingFact}


def test_the_spanish_words_for_things_are_those_of_the_catalogue() -> None:
    [english, spanish] = zip(*rows("languages.md", "English"), strict=True)
    with (REPOSITORY / "schema" / "locale" / "es.po").open("rb") as file:
        said = " ".join(str(entry.string) for entry in read_po(file, locale="es")).lower()
    assert [word for word in spanish if word.lower() not in said] == []
    assert len(set(english)) == len(english) > 10


def test_the_answer_in_spanish_is_what_the_portal_says() -> None:
    [(_, block)] = blocks(DOCS["languages.md"])
    [[field, value]] = json.loads(block)["data"].items()
    root = CLIENT_SCHEMA.mutation_type
    assert root is not None
    assert list(misfits(root.fields[field].type, value, field)) == []
    said = MESSAGES[RefusalCode.NOT_MATCHED]
    assert (value["message"], value["help"]) == (worded(said.text, "es"), said.topic)


def test_what_a_second_factor_given_a_while_ago_is_enough_for_is_told() -> None:
    """The rest of what only looks is one's own: nobody is asked for a second factor there."""
    [told] = re.findall(r"is enough for what only looks: (.*?)\.\n", text(DOCS["security.md"]), re.DOTALL)
    of_others = READING - {Action.ACCOUNT_READ, Action.STUDENT_READ, Action.DISCLOSURE_READ}
    assert sorted(words(told.replace("\n", " "))) == sorted(of_others)


def test_what_a_table_may_not_give_away_is_told() -> None:
    [told] = re.findall(r"- a row that gives (.*?) without guardianship", text(DOCS["security.md"]), re.DOTALL)
    assert set(words(told.replace("\n", " "))) == GUARDED


def test_where_a_session_may_stand_with_its_second_factor_is_explained() -> None:
    assert set(first_words("security.md", "`me { secondFactor }`")) == {standing.name for standing in SecondFactor}


def test_the_gates_and_the_reasons_for_hiding_a_student_are_explained_in_their_order() -> None:
    assert first_words("diagnosis.md", "gate") == [gate.value for gate in GateName]
    assert first_words("diagnosis.md", "reason") == [reason.value for reason in HiddenReason]


def test_words_in_capitals_are_words_of_the_code() -> None:
    known = {
        word.value
        for kind in (RefusalCode, MissingFact, SsnState, GuardianshipStatus, Outcome, DisabledReason)
        for word in kind
    }
    known |= {standing.name for standing in SecondFactor} | {status.name for status in AccountStatus}
    known |= {why.value for why in Withdrawn}
    known |= {"INTERNAL", "LARGEST_PAGE", "POST", "GET", "INSERT", "SELECT", "DELETE", "USAGE"}
    for name in ("security.md", "roster.md", "operations.md"):
        spans = _SPAN.findall(_FENCE.sub("", text(DOCS[name])))
        capitals = {span for span in spans if re.fullmatch(r"[A-Z][A-Z_]+", span) and not span.startswith("PORTAL_")}
        assert capitals <= known, name


def test_why_letters_are_cancelled_and_what_is_counted_of_them_is_told() -> None:
    assert set(first_words("operations.md", "reason")) == {why.value for why in Withdrawn}
    counted = {
        metric.name
        for collector in (Letters(0, (0, 0, 0), {}), Webhooks(0, 0, 0), Build())
        for metric in collector.collect()
    }
    assert {name.removesuffix("_total") for name in first_words("operations.md", "metric")} == counted
    assert set(first_words("operations.md", "`PORTAL_SMTP_SECURITY`")) == SMTP_PORTS.keys()
    for row in rows("operations.md", "`PORTAL_SMTP_SECURITY`"):
        assert str(SMTP_PORTS[words(row[0])[0]]) == row[1]


def test_the_tables_of_the_database_that_are_named_exist(database: TortoiseContext) -> None:
    tables = {model._meta.db_table for model in (Tortoise.apps or {})["db"].values()}
    named = {word for row in rows("security.md", "what") for word in words(row[2])}
    assert named
    assert named <= tables


@pytest.mark.parametrize("name", list(DOCS))
async def test_the_statements_for_the_operator_run(name: str, database: TortoiseContext) -> None:
    async with sql.transaction() as transaction:
        for language, block in blocks(DOCS[name]):
            if language == "sql":
                for statement in block.split(";\n"):
                    if statement.strip():
                        await sql.execute(statement)
        # Roles are those of all databases of a server.
        await transaction.rollback()


# ------------------------------------------------------------------------------------------- letters.md
def test_every_kind_of_letter_is_explained() -> None:
    assert first_words("letters.md", "kind") == [kind.value for kind in LetterKind]


# ------------------------------------------------------------------------------------------- roster.md
class Noting(RosterSet):
    """A set that notes which columns of which files it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.needed: dict[str, set[str]] = {}
        self.welcome: dict[str, set[str]] = {}
        super().__init__(_Folder(folder), Problems())

    def rows(
        self, file: str, *, needed: Sequence[str], welcome: Sequence[str] = ()
    ) -> Iterator[tuple[int, dict[str, str]]]:
        self.needed.setdefault(file, set()).update(needed)
        self.welcome.setdefault(file, set()).update(set(welcome) - {"status"})
        return super().rows(file, needed=needed, welcome=welcome)


def test_the_files_and_columns_that_are_read_are_told(tmp_path: Path) -> None:
    noting = Noting(RosterFiles().folder(tmp_path / "set"))
    checking._gather(noting, noting.problems, TODAY, "refuse")
    told = rows("roster.md", "file")
    assert {words(row[0])[0]: set(words(row[1])) for row in told} == noting.needed
    assert {words(row[0])[0]: set(words(row[2])) for row in told} == noting.welcome


def problem_codes() -> set[str]:
    """The codes of all problems that an import may tell, as they stand in the sources."""
    noted = {"error", "warning", "_Unreadable", "Problem"}
    codes = set()
    for path in Path(db.roster.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(text(path))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in noted and isinstance(node.args[0].value, str):
                    codes.add(node.args[0].value)
    return codes


def test_every_problem_of_a_roster_is_explained() -> None:
    assert len(problem_codes()) > 30
    told = first_words("roster.md", "code")
    assert len(told) == len(set(told))
    assert set(told) == problem_codes()
    assert {row[1] for row in rows("roster.md", "code")} == {severity.value for severity in Severity}


def test_the_states_of_an_ssn_are_explained() -> None:
    assert set(first_words("roster.md", "state")) == {state.value for state in SsnState}


def test_the_result_of_an_import_has_the_documented_shape() -> None:
    (shown,) = (json.loads(block) for language, block in blocks(DOCS["roster.md"]) if language == "json")
    counts = Counts(added=1, changed=0, ended=0, unchanged=0, missing=0)
    ssns = {state.value: 0 for state in SsnState}
    result = Imported(
        applied=True, counts={"guardianships": counts}, problems=(), read_over=(), left_out=0, ssns=ssns
    ).as_dict()
    assert shown.keys() == result.keys()
    assert shown["counts"]["guardianships"].keys() == result["counts"]["guardianships"].keys()  # type: ignore[index]
    assert shown["ssns"].keys() == set(SsnState)
    problem = Problem("busy", Severity.ERROR, "users.csv", 2, None, "What.", "To do.")
    (sentence,) = re.findall(r"each problem has (.*?)\. An", text(DOCS["roster.md"]), re.DOTALL)
    assert set(words(sentence.replace("\n", " "))) == problem.as_dict().keys()

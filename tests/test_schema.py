"""The contract with front ends: written down, described, and true to what the steps may answer."""

import ast
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_list_type,
    is_non_null_type,
    is_specified_scalar_type,
)

from db import context, models
from policies import help_texts, refusals
from schema import snapshot
from schema.build import CREDENTIAL_FIELDS, SNAPSHOT, schema
from schema.messages import MESSAGES
from schema.node import BY_KIND
from schema.refusals import SHOWN
from tests.servers import REPOSITORY

GRAPHQL = schema._schema
TYPES: dict[str, GraphQLNamedType] = {
    name: type_
    for name, type_ in GRAPHQL.type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(type_)
}
MUTATIONS = {} if GRAPHQL.mutation_type is None else GRAPHQL.mutation_type.fields
QUERIES = {} if GRAPHQL.query_type is None else GRAPHQL.query_type.fields
#: Queries that answer with a refusal, where others show nothing.
ANSWERING = [field for field, query in QUERIES.items() if isinstance(get_named_type(query.type), GraphQLUnionType)]
REFUSALS = refusals.Refusal.__subclasses__()
HASH_NOTHING = {
    *("logout", "endSession"),
    *("startVerification", "recordInPersonId", "lookUpAccount", "resetAccount", "enableAccount", "disableAccount"),
    *("recordHousehold", "linkHouseholdMember", "endHouseholdMember", "correctHousehold"),
    "issueActivationKey",
    *("recordGuardianship", "confirmGuardianship", "revokeGuardianship", "restrictGuardianship", "liftRestriction"),
    *("setPortalAccess", "recordConsent"),
    *("openWorkOrder", "resolveWorkOrder"),
    *("mergePeople", "undoMerge"),
    *("saveReport", "deleteReport"),
}


def _type(name: str) -> GraphQLNamedType:
    return TYPES[name]


def _union(field: str) -> GraphQLUnionType:
    union = get_named_type((MUTATIONS | QUERIES)[field].type)
    assert isinstance(union, GraphQLUnionType)
    return union


def _refused(union: GraphQLUnionType) -> set[str]:
    """The members of a union that are refusals."""
    return {member.name for member in union.types if "Refusal" in {each.name for each in member.interfaces}}


# ------------------------------------------------------------------------------------------------ written down
def test_the_snapshot_is_the_schema() -> None:
    assert SNAPSHOT.read_text(encoding="utf-8") == snapshot.text()


def _described() -> Iterator[tuple[str, str | None]]:
    """Everything that wants a description, by its path, with what it has."""
    for name, type_ in TYPES.items():
        yield name, type_.description
        if isinstance(type_, GraphQLEnumType):
            yield from ((f"{name}.{word}", value.description) for word, value in type_.values.items())
        if isinstance(type_, GraphQLInputObjectType):
            yield from ((f"{name}.{key}", field.description) for key, field in type_.fields.items())
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for key, output in type_.fields.items():
                yield f"{name}.{key}", output.description
                yield from ((f"{name}.{key}({word})", arg.description) for word, arg in output.args.items())


def test_everything_is_described() -> None:
    described = dict(_described())
    assert [path for path, text in described.items() if not (text or "").strip()] == []
    assert len(described) > 150


def test_a_list_is_never_null_and_holds_no_null() -> None:
    for name, type_ in TYPES.items():
        if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            continue
        for key, field in type_.fields.items():
            inner = field.type.of_type if is_non_null_type(field.type) else field.type
            if is_list_type(inner):
                # What is put in may leave a list out; what comes out is there, if only empty.
                assert is_non_null_type(field.type) or isinstance(type_, GraphQLInputObjectType), f"{name}.{key}"
                assert is_non_null_type(inner.of_type), f"{name}.{key}"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Capacity", context.Capacity),
        ("Role", context.Role),
        ("DisabledReason", models.DisabledReason),
        ("RefusalCode", refusals.RefusalCode),
        ("MissingFact", refusals.MissingFact),
        ("HelpTopic", help_texts.HelpTopic),
        ("SecondFactor", context.SecondFactor),
    ],
)
def test_an_enumeration_has_the_words_of_the_code(name: str, words: type[Enum]) -> None:
    type_ = _type(name)
    assert isinstance(type_, GraphQLEnumType)
    assert set(type_.values) == {word.name for word in words}


def test_an_account_has_the_stored_states_and_the_lock() -> None:
    type_ = _type("AccountStatus")
    assert isinstance(type_, GraphQLEnumType)
    assert set(type_.values) == {status.name for status in models.AccountStatus} | {"LOCKED"}


def test_each_kind_of_node_can_be_asked_for_by_its_id() -> None:
    nodes = {
        name
        for name, type_ in TYPES.items()
        if isinstance(type_, GraphQLObjectType) and "Node" in {each.name for each in type_.interfaces}
    }
    assert nodes == set(BY_KIND)


# ------------------------------------------------------------------------------------------------ mutations
@pytest.mark.parametrize("field", [*MUTATIONS, *ANSWERING])
def test_a_mutation_has_one_input_or_none(field: str) -> None:
    """And so has a query that may be refused."""
    arguments = (MUTATIONS | QUERIES)[field].args
    if not arguments:
        return
    assert set(arguments) == {"input"}
    assert is_non_null_type(arguments["input"].type)
    assert isinstance(get_named_type(arguments["input"].type), GraphQLInputObjectType)


@pytest.mark.parametrize("field", [*MUTATIONS, *ANSWERING])
def test_a_mutations_result_is_a_union_of_its_name_and_never_null(field: str) -> None:
    """And so is that of a query that may be refused."""
    assert is_non_null_type((MUTATIONS | QUERIES)[field].type)
    union = _union(field)
    assert union.name == f"{field[0].upper()}{field[1:]}Result"
    assert _refused(union), "something can always be refused"
    assert {member.name for member in union.types} - _refused(union), "something can always be done"


def test_a_mutation_that_takes_a_secret_is_one_of_which_a_request_may_hold_one() -> None:
    secrets = re.compile(r"password|current|key$|ssn|token|secret|(?<!postal)code$|answers|email", re.IGNORECASE)
    taking = {
        field
        for field, mutation in MUTATIONS.items()
        for argument in mutation.args.values()
        if isinstance(input_type := get_named_type(argument.type), GraphQLInputObjectType)
        and any(secrets.search(name) for name in input_type.fields)
    }
    assert taking == CREDENTIAL_FIELDS


# ------------------------------------------------------------------------------------------------ refusals
@pytest.mark.parametrize("refusal", [pytest.param(each, id=each.__name__) for each in REFUSALS])
def test_a_refusal_has_a_type_of_its_name_a_code_and_words_for_a_person(refusal: type[refusals.Refusal]) -> None:
    type_ = _type(refusal.__name__)
    assert isinstance(type_, GraphQLObjectType)
    assert [each.name for each in type_.interfaces] == ["Refusal"]
    assert SHOWN[refusal].__name__ == refusal.__name__
    said = MESSAGES[refusal.code]
    assert str(said.text).endswith(".")
    topics = _type("HelpTopic")
    assert isinstance(topics, GraphQLEnumType)
    assert said.topic is None or said.topic in topics.values


def test_no_two_refusals_have_one_code() -> None:
    codes = [refusal.code for refusal in REFUSALS]
    assert len(set(codes)) == len(codes)
    assert set(codes) == set(refusals.RefusalCode) == set(MESSAGES)
    assert set(SHOWN) == set(REFUSALS)


def test_each_refusal_is_an_answer_to_something() -> None:
    assert {name for field in MUTATIONS for name in _refused(_union(field))} == {each.__name__ for each in REFUSALS}


class Code:
    """The functions of the steps and rules, and which refusals each of them may raise, read from the source."""

    def __init__(self, *folders: str) -> None:
        self.functions: dict[str, list[ast.AST]] = {}
        for folder in folders:
            for path in sorted((REPOSITORY / folder).glob("*.py")):
                self._take(ast.parse(path.read_text(encoding="utf-8")))

    def _take(self, module: ast.Module) -> None:
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.functions.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.ClassDef):
                # Whoever names a class may make one: what that does counts.
                made = [each for each in node.body if getattr(each, "name", "") in {"__init__", "__post_init__"}]
                self.functions.setdefault(node.name, []).extend(made)

    def may_raise(self, name: str) -> set[str]:
        """All refusals on the way from this function on, through whatever it names."""
        waiting, seen, raised = [name], set(), set()
        while waiting:
            here = waiting.pop()
            if here in seen:
                continue
            seen.add(here)
            for function in self.functions.get(here, ()):
                for node in ast.walk(function):
                    raised |= _raises(node)
                    if isinstance(node, ast.Name | ast.Attribute):
                        waiting.append(node.id if isinstance(node, ast.Name) else node.attr)
        return raised


def _raises(node: ast.AST) -> set[str]:
    """The refusal that this bit of code raises, or makes in order to."""
    bare = node.exc if isinstance(node, ast.Raise) else node.func if isinstance(node, ast.Call) else None
    return {bare.id} & {each.__name__ for each in REFUSALS} if isinstance(bare, ast.Name) else set()


def _resolver(field: str) -> str:
    """The step that a mutation calls: the one function that its method in `schema` takes from `resolvers`."""
    method = re.sub(r"(?<=[a-z])[A-Z]", lambda capital: f"_{capital.group().lower()}", field)
    for path in sorted((REPOSITORY / "schema").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef) and node.name == method:
                [step] = [
                    call.value.func.attr
                    for call in ast.walk(node)
                    if isinstance(call, ast.Await)
                    and isinstance(call.value, ast.Call)
                    and isinstance(call.value.func, ast.Attribute)
                ]
                return step
    raise AssertionError(f"schema has no method {method}")


@pytest.mark.parametrize("field", ANSWERING)
def test_a_query_can_show_each_refusal_that_its_step_may_raise_and_promises_no_other(field: str) -> None:
    # No query hashes anything, so that nobody has to wait for a turn.
    raised = Code("resolvers", "policies").may_raise(_resolver(field)) - {"TooManyAttempts"}
    assert _refused(_union(field)) == raised


def test_some_queries_may_be_refused() -> None:
    assert "explainPolicy" in ANSWERING


@pytest.mark.parametrize("field", MUTATIONS)
def test_a_mutation_can_show_each_refusal_that_its_step_may_raise_and_promises_no_other(field: str) -> None:
    code = Code("resolvers", "policies")
    raised = code.may_raise(_resolver(field))
    if field in HASH_NOTHING:
        # They hash nothing, so that nobody has to wait for a turn.
        raised -= {"TooManyAttempts"}
    assert _refused(_union(field)) == raised


def test_a_refusal_that_a_union_lacks_would_be_seen(tmp_path: Path) -> None:
    """The reading of the source above finds what it is meant to find, through several functions."""
    (tmp_path / "steps.py").write_text(
        "async def step(ctx):\n    async with taking(ctx):\n        await _inner(ctx)\n"
        "async def _inner(ctx):\n    raise Other from None\n"
        "@asynccontextmanager\nasync def taking(ctx):\n    busy = TooManyAttempts(1)\n    raise busy\n"
        "def unrelated():\n    raise NotFound\n"
    )
    code = Code(str(tmp_path))
    assert code.may_raise("step") == {"TooManyAttempts"}
    assert code.may_raise("unrelated") == {"NotFound"}

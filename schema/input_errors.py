"""What is wrong with a request, said without repeating what was sent: it may be a password or a Social Security
number. The GraphQL library quotes values in its messages; the words here name places and types only."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    SKIP,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VisitorAction,
    is_input_object_type,
    is_input_type,
    is_list_type,
    is_non_null_type,
    type_from_ast,
    validate_input_literal,
    validate_input_value,
)

BAD_INPUT = "BAD_USER_INPUT"
INVALID_DOCUMENT = "GRAPHQL_VALIDATION_FAILED"
UNREADABLE_DOCUMENT = "GRAPHQL_PARSE_FAILED"

#: What one answer lists at most; the rest would only repeat itself.
MOST_PROBLEMS = 20

_MISSING_FIELD = re.compile(r"Expected value of type '\w+' to include required field '(\w+)'")
#: Names of letters only: digits might be somebody's number that slipped into the wrong place.
_UNKNOWN_FIELD = re.compile(r"Expected value of type '(\w+)' not to include unknown field '([A-Za-z_]{1,40})'")
_ONE_OF = re.compile(r"Within OneOf Input Object type '(\w+)'")
#: All of a syntax message up to the first quoted thing that is not punctuation of the language.
_SAFE_SYNTAX = re.compile(r"(?:[^'\"]|'(?:[!$&()\[\]{}|:=@]|\.\.\.)')*")
_ARGUMENT = re.compile(r"Argument '(\w+)' ")


def problem(
    message: str,
    code: str,
    *,
    error: GraphQLError | None = None,
    path: Sequence[str | int] | None = None,
    **extensions: Any,
) -> dict[str, Any]:
    """Put an error into the shape of the GraphQL response format, with the place of `error` in the document."""
    shown: dict[str, Any] = {"message": message}
    if error is not None and error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if path is not None:
        shown["path"] = list(path)
    shown["extensions"] = {"code": code, **extensions}
    return shown


def syntax_problem(error: GraphQLError) -> dict[str, Any]:
    """Say where a document cannot be read, without the words that stand there."""
    match = _SAFE_SYNTAX.match(error.message)
    said = match.group().rstrip(" :,.") if match else "Syntax Error"
    return problem(f"{said}.", UNREADABLE_DOCUMENT, error=error)


def variable_problems(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Say which variables of an operation do not fit their types; empty when all of them do.

    The work is that of reading the variables once more, so it is for requests that are known to be wrong.
    """
    problems: list[dict[str, Any]] = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        type_ = type_from_ast(schema, definition.type)
        if not is_input_type(type_):
            continue
        if name not in variables and (definition.default_value is not None or not is_non_null_type(type_)):
            continue
        found: list[tuple[GraphQLError, list[str | int]]] = []

        def note(
            error: GraphQLError,
            path: list[str | int],
            found: list[tuple[GraphQLError, list[str | int]]] = found,
        ) -> None:
            if len(found) < MOST_PROBLEMS:
                found.append((error, path))

        validate_input_value(variables.get(name, Undefined), type_, note, hide_suggestions=True)
        place = GraphQLError("", definition)
        problems.extend(
            problem(f"Variable '${name}'{_at(path)}: {_wanted(type_, path, error)}", BAD_INPUT, error=place)
            for error, path in found
        )
    return problems[:MOST_PROBLEMS]


class QuietValuesRule(ValuesOfCorrectTypeRule):
    """The standard check of the values written into a document, with messages that do not repeat them."""

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        """Check one value; the parts of it are checked along with it."""
        if input_type:

            def note(error: GraphQLError, path: list[str | int]) -> None:
                said = f"Value{_at(path)}: {_wanted(input_type, path, error)}"
                self.report_error(GraphQLError(said, error.nodes or node))

            validate_input_literal(node, input_type, note, hide_suggestions=True)
        return SKIP


def argument_problem(error: GraphQLError) -> str | None:
    """Say which argument could not be used, if that is what stopped a field: a variable of null, for example, where
    a default would have stood. None when something else did."""
    cause = error.original_error or error
    if isinstance(cause, GraphQLError) and (match := _ARGUMENT.match(cause.message)):
        return f"Argument '{match.group(1)}' has a value that it cannot take."
    return None


def _at(path: Sequence[str | int]) -> str:
    """Show a path, which consists of the schema's own names and of positions in lists."""
    if not path:
        return ""
    return " at " + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _wanted(type_: GraphQLInputType, path: Sequence[str | int], error: GraphQLError) -> str:
    """Say what should have stood at `path` within a value of `type_`."""
    if match := _MISSING_FIELD.match(error.message):
        return f"the required field '{match.group(1)}' is missing."
    if match := _UNKNOWN_FIELD.match(error.message):
        return f"'{match.group(1)}' has no field '{match.group(2)}'."
    if match := _ONE_OF.match(error.message):
        return f"exactly one field of '{match.group(1)}' must be given, and not null."
    expected: Any = type_
    for step in path:
        while is_non_null_type(expected):
            expected = expected.of_type
        if isinstance(step, int) and is_list_type(expected):
            expected = expected.of_type
        elif is_input_object_type(expected) and step in expected.fields:
            expected = expected.fields[step].type
    return f"expected a value of type '{expected}'."

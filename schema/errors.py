"""Errors that are not an expected "no": a request that nobody should send, and a fault of ours, which is masked."""

import traceback
from collections.abc import Sequence
from typing import Any

import structlog
from graphql import GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

from schema.input_errors import BAD_INPUT, argument_problem, problem

INTERNAL = "INTERNAL"
NOT_SIGNED_IN = "NOT_SIGNED_IN"
NOT_ALLOWED = "NOT_ALLOWED"

_log = structlog.get_logger("portal.faults")

#: Exceptions of the language itself whose text names code and never data.
_TEXT_IS_CODE = (AttributeError, NameError, ImportError, NotImplementedError)
#: What a database says about a failure without quoting a row.
_DATABASE_FACTS = ("sqlstate", "schema_name", "table_name", "column_name", "constraint_name")
#: The innermost places of a stack that are logged.
_MOST_FRAMES = 50


class BadRequest(GraphQLError):
    """A request that no client should send, such as a page of a million rows. The message is shown as it is, so it
    must not repeat what was sent."""

    def __init__(self, message: str, code: str = BAD_INPUT) -> None:
        super().__init__(message, extensions={"code": code})
        self.code = code


class FollowingEnded(BadRequest):
    """Whoever followed something may not any longer: the connection over which it was followed ends as well."""

    def __init__(self, message: str, *, signed_out: bool) -> None:
        """`signed_out` tells that session or client are not good, and not only the right to follow this."""
        super().__init__(message, NOT_SIGNED_IN if signed_out else NOT_ALLOWED)
        self.signed_out = signed_out


def shown_error(error: GraphQLError, *, request_id: str, operation: str | None) -> dict[str, Any]:
    """Show what went wrong in a field: what the client can mend, in words; anything else masked, and logged."""
    cause = error.original_error or error
    if isinstance(cause, BadRequest):
        return problem(cause.message, cause.code, error=error, path=error.path)
    if said := argument_problem(error):
        return problem(said, BAD_INPUT, error=error, path=error.path)
    if isinstance(cause, StrawberryInputCoercionError):
        return problem("An argument has a value that it cannot take.", BAD_INPUT, error=error, path=error.path)
    return fault(cause, request_id=request_id, operation=operation, error=error)


def fault(
    cause: BaseException, *, request_id: str, operation: str | None, error: GraphQLError | None = None
) -> dict[str, Any]:
    """Log a fault of ours and return the masked error: the request id leads the one to the other."""
    path = error.path if error is not None else None
    log_fault(cause, request_id=request_id, operation=operation, path=path)
    said = f"Internal error. When asking for help, quote the request id {request_id}."
    return problem(said, INTERNAL, error=error, path=path, requestId=request_id)


def log_fault(
    cause: BaseException,
    *,
    request_id: str,
    operation: str | None,
    path: Sequence[str | int] | None = None,
) -> None:
    """Log where a fault arose and of what kind it is. Texts of exceptions are left out, as they quote values
    (`invalid literal for int(): '123-45-6789'`); so are local variables."""
    _log.error(
        "graphql.fault",
        request_id=request_id,
        operation=operation[:100] if operation else None,
        path=list(path) if path is not None else None,
        error=type(cause).__name__,
        trace=trace_without_values(cause),
    )


def trace_without_values(cause: BaseException) -> str:
    """Write down the stack of an exception and of those that led to it: places and kinds, no values."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = cause
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = traceback.extract_tb(current.__traceback__, limit=-_MOST_FRAMES)
        places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        parts.append("\n".join([*places, _kind(current)]))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\nwhich came after\n".join(parts)


def _kind(cause: BaseException) -> str:
    kind = f"{type(cause).__module__}.{type(cause).__qualname__}"
    if isinstance(cause, _TEXT_IS_CODE):
        return f"{kind}: {cause}"
    facts = [f"{name}={value}" for name in _DATABASE_FACTS if (value := getattr(cause, name, None))]
    return f"{kind} ({', '.join(facts)})" if facts else kind

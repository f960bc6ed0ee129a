"""Runs one GraphQL operation: reads the document, picks the operation, executes it in time, shows what went wrong."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import Enum
from inspect import isawaitable
from typing import Any, TypeGuard, cast

import strawberry
from graphql import ExecutionResult, GraphQLSchema, OperationDefinitionNode, OperationType, execute, subscribe
from strawberry.execution import optimized_is_awaitable

from resolvers.service_clients import ClientNotAccepted
from schema.document_limits import DocumentLimits
from schema.documents import CacheLimits, CheckedDocument, Documents, RefusedDocument
from schema.errors import BadRequest, FollowingEnded, fault, shown_error
from schema.input_errors import BAD_INPUT, problem, variable_problems

OPERATION_NOT_CHOSEN = "OPERATION_NOT_CHOSEN"
NOT_BY_GET = "NOT_BY_GET"
TIMED_OUT = "TIMED_OUT"
CLIENT_NOT_ACCEPTED = "CLIENT_NOT_ACCEPTED"


#: The same test without Strawberry's plainer type for it.
_is_awaitable = cast("Callable[[Any], TypeGuard[Awaitable[Any]]]", optimized_is_awaitable)


class Ending(Enum):
    """How a request ended, for the outside to choose a status from."""

    EXECUTED = "executed"
    #: Nothing was executed: the document or its variables are not in order.
    REFUSED = "refused"
    #: A mutation came by a way that is for queries only.
    QUERIES_ONLY = "queries only"
    #: A fault of ours before anything was executed.
    FAILED = "failed"
    TIMED_OUT = "timed out"
    #: The service client that asks may not be used; nothing was executed.
    NOT_ACCEPTED = "not accepted"
    #: What was followed may not be followed any longer: session or client are not good, or a right is gone.
    SIGNED_OUT = "signed out"
    NOT_ALLOWED = "not allowed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What goes back to the client, and how it came to that."""

    ending: Ending
    data: dict[str, Any] | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)

    def as_response(self) -> dict[str, Any]:
        """Show the outcome in the GraphQL response format; without `data` if nothing was executed."""
        response: dict[str, Any] = {}
        if self.errors:
            response["errors"] = self.errors
        if self.ending is Ending.EXECUTED:
            response["data"] = self.data
        return response


class Operations:
    """Runs operations on one schema. Strawberry's own `Schema.execute` is not used: it lets the first of several
    operations run, quotes values in errors, and costs about twice as much for a small query."""

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        limits: DocumentLimits | None = None,
        cache: CacheLimits | None = None,
        credential_fields: frozenset[str] = frozenset(),
        introspection: bool = False,
        seconds: float = 30.0,
    ) -> None:
        """Prepare to run operations; each is given up after `seconds`, its transaction undone."""
        self.schema: GraphQLSchema = schema._schema
        self.documents = Documents(
            self.schema,
            limits=limits,
            cache=cache,
            credential_fields=credential_fields,
            introspection=introspection,
        )
        self.seconds = seconds
        self._executor_class = schema.execution_context_class

    async def run(
        self,
        text: str,
        *,
        make_context: Callable[[], Awaitable[object]],
        request_id: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        queries_only: bool = False,
    ) -> Outcome:
        """Run one operation of the document `text`. Never raises, except when the task is cancelled.

        `make_context` is called only when the document is in order: it may cost a look into the database.
        """
        checked = self.documents.read(text)
        if isinstance(checked, RefusedDocument):
            return Outcome(Ending.REFUSED, errors=list(checked.problems))
        chosen = _choose(checked, operation_name, queries_only=queries_only)
        if isinstance(chosen, Outcome):
            return chosen
        name = chosen.name.value if chosen.name else None
        clock = asyncio.timeout(self.seconds)
        try:
            async with clock:
                result = await self._execute(checked, name, variables or {}, make_context)
        except ClientNotAccepted as refused:
            return Outcome(Ending.NOT_ACCEPTED, errors=[problem(str(refused), CLIENT_NOT_ACCEPTED)])
        except Exception as error:
            if isinstance(error, TimeoutError) and clock.expired():
                return _timed_out(self.seconds, request_id)
            return Outcome(Ending.FAILED, errors=[fault(error, request_id=request_id, operation=name)])
        return self._outcome(result, chosen, variables or {}, request_id)

    async def follow(
        self,
        text: str,
        *,
        make_context: Callable[[], Awaitable[object]],
        request_id: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
    ) -> AsyncGenerator[Outcome]:
        """Run one operation of any kind: of a subscription, the outcome of each event; of any other, the one it has.

        Never raises, except when the task is cancelled. An outcome that is not `EXECUTED` is the last one.
        """
        checked = self.documents.read(text)
        chosen = None if isinstance(checked, RefusedDocument) else _choose(checked, operation_name, over_http=False)
        if (
            isinstance(checked, RefusedDocument)
            or not isinstance(chosen, OperationDefinitionNode)
            or chosen.operation is not OperationType.SUBSCRIPTION
        ):
            yield (
                chosen
                if isinstance(chosen, Outcome)
                else await self.run(
                    text,
                    make_context=make_context,
                    request_id=request_id,
                    variables=variables,
                    operation_name=operation_name,
                )
            )
            return
        name = chosen.name.value if chosen.name else None
        try:
            events = await self._events(checked, name, variables or {}, make_context)
            if isinstance(events, ExecutionResult):
                yield self._outcome(events, chosen, variables or {}, request_id)
                return
            async with aclosing(events):
                async for result in events:
                    yield self._outcome(result, chosen, variables or {}, request_id)
        except ClientNotAccepted as refused:
            yield Outcome(Ending.NOT_ACCEPTED, errors=[problem(str(refused), CLIENT_NOT_ACCEPTED)])
        except FollowingEnded as ended:
            ending = Ending.SIGNED_OUT if ended.signed_out else Ending.NOT_ALLOWED
            yield Outcome(ending, errors=[problem(ended.message, ended.code)])
        except BadRequest as refused:
            yield Outcome(Ending.REFUSED, errors=[problem(refused.message, refused.code)])
        except Exception as error:
            yield Outcome(Ending.FAILED, errors=[fault(error, request_id=request_id, operation=name)])

    async def _events(
        self,
        checked: CheckedDocument,
        operation_name: str | None,
        variables: Mapping[str, Any],
        make_context: Callable[[], Awaitable[object]],
    ) -> AsyncGenerator[ExecutionResult] | ExecutionResult:
        """The result of each event of a subscription; one result alone when it does not begin."""
        events = subscribe(
            self.schema,
            checked.document,
            context_value=await make_context(),
            variable_values=dict(variables),
            operation_name=operation_name,
            executor_class=self._executor_class,
            hide_suggestions=True,
        )
        begun = await events if isawaitable(events) else events
        return cast("AsyncGenerator[ExecutionResult] | ExecutionResult", begun)

    async def _execute(
        self,
        checked: CheckedDocument,
        operation_name: str | None,
        variables: Mapping[str, Any],
        make_context: Callable[[], Awaitable[object]],
    ) -> ExecutionResult:
        result = execute(
            self.schema,
            checked.document,
            context_value=await make_context(),
            variable_values=dict(variables),
            operation_name=operation_name,
            executor_class=self._executor_class,
            is_awaitable=_is_awaitable,
            hide_suggestions=True,
        )
        return await result if isawaitable(result) else result

    def _outcome(
        self,
        result: ExecutionResult,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        request_id: str,
    ) -> Outcome:
        """Show the errors of a result without anything that the client sent or that is ours to keep."""
        errors = result.errors or []
        if result.data is None and errors and all(error.path is None for error in errors):
            # Nothing was executed; as the operation was chosen before, its variables are what is wrong.
            problems = variable_problems(self.schema, operation, variables)
            return Outcome(
                Ending.REFUSED,
                errors=problems or [problem("The variables do not fit the operation.", BAD_INPUT)],
            )
        name = operation.name.value if operation.name else None
        shown = [shown_error(error, request_id=request_id, operation=name) for error in errors]
        return Outcome(Ending.EXECUTED, result.data, shown)


def _choose(
    checked: CheckedDocument, name: str | None, *, queries_only: bool = False, over_http: bool = True
) -> OperationDefinitionNode | Outcome:
    """Pick the operation to run: the only one, or the one that the request names."""
    operations = checked.operations
    if name is None and len(operations) > 1:
        return _refused("There are several operations: say in 'operationName' which one to run.")
    chosen = next(iter(operations.values()), None) if name is None else operations.get(name)
    if chosen is None:
        return _refused("The document has no such operation.")
    if chosen.operation is OperationType.SUBSCRIPTION and over_http:
        return _refused("Subscriptions are served over a WebSocket, with the protocol graphql-transport-ws.")
    if queries_only and chosen.operation is not OperationType.QUERY:
        said = "A mutation changes something, so it must be sent by POST."
        return Outcome(Ending.QUERIES_ONLY, errors=[problem(said, NOT_BY_GET)])
    return chosen


def _refused(said: str) -> Outcome:
    return Outcome(Ending.REFUSED, errors=[problem(said, OPERATION_NOT_CHOSEN)])


def _timed_out(seconds: float, request_id: str) -> Outcome:
    said = f"The request took longer than {seconds:g} seconds and was given up. Its request id is {request_id}."
    return Outcome(Ending.TIMED_OUT, errors=[problem(said, TIMED_OUT, requestId=request_id)])

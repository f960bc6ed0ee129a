"""What is wrong with a request, for programs: problem details (RFC 9457), for what is no GraphQL."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.types import Send

from app.asking import CHALLENGE
from app.report_words import Fault
from db.languages import Language
from policies.refusals import FieldProblem, InvalidInput, MissingFact, NotAllowed, Refusal
from schema.errors import INTERNAL
from schema.input_errors import BAD_INPUT
from schema.refusals import SHOWN
from schema.wording import worded

MEDIA_TYPE: Final = "application/problem+json"
#: The codes that have no refusal of their own, beside those of the schema.
NOT_KNOWN: Final = "NOT_FOUND"
BUSY: Final = "BUSY"


class Problem(Exception):
    """An answer that is not what was asked for."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        language: Language = "en",
        **more: Any,
    ) -> None:
        """`code` says what it is to programs, `detail` to people; `more` is what a client needs beyond."""
        super().__init__(code)
        self.status = status
        self.headers = {"Content-Language": language, **(headers or {})}
        self._said = {"title": status.phrase, "status": int(status), "detail": detail, "code": code, **more}

    async def send(self, send: Send, headers: Mapping[str, str], request_id: str) -> None:
        """Sends it as a whole answer, with these headers beside its own."""
        body = orjson.dumps(self._said | {"requestId": request_id})
        told = {**headers, **self.headers, "Content-Type": MEDIA_TYPE, "Content-Length": str(len(body))}
        await send({"type": "http.response.start", "status": int(self.status), "headers": raw(told)})
        await send({"type": "http.response.body", "body": body})


def raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as they go over the wire."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def bad_parameters(faults: Sequence[Fault]) -> Problem:
    """Parameters that cannot be taken: which, why, and what could be."""
    listed = [
        {"parameter": fault.parameter, "message": fault.message} | ({"known": list(fault.known)} if fault.known else {})
        for fault in faults
    ]
    said = " ".join(f"'{fault.parameter}': {fault.message}" for fault in faults[:3])
    return Problem(HTTPStatus.BAD_REQUEST, BAD_INPUT, said, errors=listed)


def refused(refusal: Refusal, language: Language, names: Mapping[str, str]) -> Problem:
    """A refusal as GraphQL tells it: the code, the sentence, and what is missing.

    `names` are those of parameters, where they are others than those of the fields.
    """
    shown: Any = SHOWN[type(refusal)].of(refusal, language)
    told: dict[str, Any] = {"help": shown.help.name if shown.help else None}
    status, headers = HTTPStatus.FORBIDDEN, {}
    if isinstance(refusal, InvalidInput):
        status = HTTPStatus.BAD_REQUEST
        told["errors"] = [_field(problem, language, names) for problem in refusal.fields]
    elif isinstance(refusal, NotAllowed):
        told["missing"] = [fact.value for fact in refusal.missing]
        if MissingFact.SIGNED_IN in refusal.missing:
            status, headers = HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": CHALLENGE}
    elif refusal.code.value == NOT_KNOWN:
        status = HTTPStatus.NOT_FOUND
    return Problem(status, shown.code.name, shown.message, headers=headers, language=language, **told)


def _field(problem: FieldProblem, language: Language, names: Mapping[str, str]) -> dict[str, str]:
    name = problem.path[-1]
    return {"parameter": names.get(name, name), "message": worded(problem.message, language)}


def masked(request_id: str) -> Problem:
    """A fault of ours, of which the log says more."""
    said = f"Internal error. When asking for help, quote the request id {request_id}."
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL, said)

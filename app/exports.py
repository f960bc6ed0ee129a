"""`GET /reports/{name}.{csv|xlsx|json}`: a report as a file, sent while it is looked up.

A worker holds a few rows at a time, whatever the length of the report: the next ones are looked up when the client has
taken these. Rows are written by the slice, with a rest after each, so that other requests hardly notice. What cannot be
finished is cut off so that the client sees it: the transfer ends without its end.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import parse_qsl

import structlog
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from app.asking import CHALLENGE
from app.endpoint import request_id_of
from app.export_forms import Form, Writer, file_name, writer_of
from app.problem_details import BUSY, NOT_KNOWN, Problem, bad_parameters, masked, raw, refused
from app.report_words import Fault, NotUnderstood, Words, asked_by, names_for
from app.settings import Settings
from db.context import Context
from policies.refusals import Refusal
from resolvers.report_checks import on_its_day
from resolvers.report_outcomes import Cells, Definition, Export, ReportName
from resolvers.reports import described, export
from resolvers.saved_reports import definition_of
from resolvers.service_clients import ClientNotAccepted
from schema.errors import log_fault
from schema.execution import CLIENT_NOT_ACCEPTED, NOT_BY_GET, TIMED_OUT
from schema.input_errors import BAD_INPUT

#: Rows that are written at a stretch: a millisecond's work.
SLICE: Final = 25
#: For how many times as long as it has written it lets others go first.
REST: Final = 2.0
#: Seconds for which a client may take nothing of what is sent.
STALLED_SECONDS: Final = 60.0
#: Characters of the query string, and parameters in it.
_LONGEST_QUERY: Final = 8_000
_MOST_PARAMETERS: Final = 100
#: When somebody may try again who came when there was too much to do, in seconds.
_LATER: Final = {"Retry-After": "15"}

_ALWAYS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Accept-Language"}
#: The parameter with the id of a report that a school keeps.
_SAVED: Final = "savedReportId"
#: What GraphQL calls otherwise.
_NAMES: Final = {"order": "orderBy"}
_log = structlog.get_logger("portal.exports")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for."""

    name: ReportName
    form: Form
    #: Or the saved report that says it.
    definition: Definition | int
    purpose: str
    bom: bool


class ExportEndpoint:
    """An ASGI application for one `Route`: all methods come here, so that all refusals look alike."""

    def __init__(self, settings: Settings, make_context: Callable[[Request], Awaitable[Context]]) -> None:
        """`make_context` says who asks."""
        self.settings = settings
        self.make_context = make_context
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with a file or with what is wrong."""
        request = Request(scope, receive)
        request_id = request_id_of(request)
        headers = {**_ALWAYS, "X-Request-Id": request_id}
        try:
            await self._answer(request, send, headers)
        except Exception as error:
            await _told(error, request_id).send(send, headers, request_id)

    async def _answer(self, request: Request, send: Send, headers: Mapping[str, str]) -> None:
        wish = self._wish(request)
        try:
            ctx = await self.make_context(request)
        except ClientNotAccepted as refusal:
            challenge = {"WWW-Authenticate": CHALLENGE}
            raise Problem(HTTPStatus.UNAUTHORIZED, CLIENT_NOT_ACCEPTED, str(refusal), headers=challenge) from None
        if self.under_way >= self.settings.exports:
            said = "As many reports are on their way as this server sends at once."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, BUSY, said, headers=_LATER)
        self.under_way += 1
        try:
            await _while_there(request.receive, self._send(ctx, wish, send, headers))
        finally:
            self.under_way -= 1

    def _wish(self, request: Request) -> Wish:
        """What is asked for.

        Raises:
            Problem: with whatever is wrong about it; nothing was looked up.
        """
        if request.method != "GET":
            raise Problem(
                HTTPStatus.METHOD_NOT_ALLOWED, NOT_BY_GET, "Reports are read by GET.", headers={"Allow": "GET"}
            )
        name, form = _named(request.path_params["file"])
        offered = described(name)
        words = Words(_parameters(request.scope.get("query_string", b"")))
        laid_out = () if _SAVED in words.given else names_for(offered)
        words.only([*laid_out, _SAVED, "purpose", *(["bom"] if form is Form.CSV else [])])
        saved = words.id_of(_SAVED, "SavedReport")
        definition = asked_by(words, offered, self.settings.zone)
        purpose = words.one("purpose")
        if not (purpose or "").strip() and len(words.given.get("purpose", ())) < 2:
            words.blame("purpose", "Say what the report is for: it is noted in the trail.")
        bom = words.yes_no("bom") or False
        try:
            words.insist()
        except NotUnderstood as unclear:
            raise bad_parameters(unclear.faults) from None
        return Wish(name, form, definition if saved is None else saved, purpose or "", bom)

    # -------------------------------------------------------------------------------------------- sending
    async def _send(self, ctx: Context, wish: Wish, send: Send, headers: Mapping[str, str]) -> None:
        try:
            report = await self._begun(ctx, wish)
        except Refusal as refusal:
            raise refused(refusal, ctx.language, _NAMES) from None
        # Whatever happens, nothing is held any more afterwards.
        async with aclosing(cast("AsyncGenerator[list[Cells]]", report.batches)) as batches:
            # Before anything is sent: most of what can go wrong does so here, and can still be told.
            try:
                first = await anext(batches, None)
            except Refusal as refusal:
                raise refused(refusal, ctx.language, _NAMES) from None
            writer = writer_of(wish.form, report.columns, rules=ctx.rules, language=ctx.language, bom=wish.bom)
            await send(_start(ctx, wish, writer, report.total, headers))
            outgoing = _Outgoing(writer, send)
            ended = "client gone"
            try:
                async with asyncio.timeout(self.settings.export_seconds):
                    await outgoing.write_all(first, batches)
                ended = "complete"
            except Refusal:
                ended = "not allowed any more"
            except TimeoutError:
                ended = "too slow"
            except Exception as error:
                log_fault(error, request_id=ctx.request_id, operation=f"report {wish.name}")
                ended = "fault"
            finally:
                # Of one that is not complete no more is sent: the server closes the connection amid the transfer.
                level = logging.INFO if ended == "complete" else logging.WARNING
                told = {"report": wish.name.value, "form": wish.form.value, "rows": outgoing.rows}
                _log.log(level, "export", ended=ended, request_id=ctx.request_id, **told)

    async def _begun(self, ctx: Context, wish: Wish) -> Export:
        """The report, noted in the trail."""
        try:
            async with asyncio.timeout(self.settings.request_seconds):
                return await export(ctx, on_its_day(ctx, await _definition(ctx, wish)), wish.purpose)
        except TimeoutError:
            said = f"The report could not be begun within {self.settings.request_seconds:g} seconds."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, TIMED_OUT, said, headers=_LATER) from None


async def _definition(ctx: Context, wish: Wish) -> Definition:
    """What is asked for, here or by a saved report."""
    if isinstance(wish.definition, Definition):
        return wish.definition
    kept = await definition_of(ctx, wish.definition)
    if kept.asked.name is not wish.name:
        raise bad_parameters([Fault(_SAVED, "It is another report that was saved.", (kept.asked.name.value,))])
    return kept


class _Outgoing:
    """A file on its way: written by the slice, as fast as the client takes it and others leave time."""

    def __init__(self, writer: Writer, send: Send) -> None:
        self.rows = 0
        self._writer = writer
        self._send = send

    async def write_all(self, first: list[Cells] | None, batches: AsyncIterator[list[Cells]]) -> None:
        """Sends the whole file, with its end.

        Raises:
            TimeoutError: when the client takes nothing for too long.
        """
        await self._body(self._writer.head())
        await self._batch(first or [])
        async for batch in batches:
            await self._batch(batch)
        await self._body(self._writer.tail(), more=False)

    async def _batch(self, batch: list[Cells]) -> None:
        for begin in range(0, len(batch), SLICE):
            began = time.perf_counter()
            rows = batch[begin : begin + SLICE]
            written = self._writer.rows(rows)
            busy = time.perf_counter() - began
            if written:
                await self._body(written)
            self.rows += len(rows)
            await asyncio.sleep(busy * REST)

    async def _body(self, data: bytes, *, more: bool = True) -> None:
        """Waits until the client has taken most of what was sent before: nothing piles up."""
        async with asyncio.timeout(STALLED_SECONDS):
            await self._send({"type": "http.response.body", "body": data, "more_body": more})


# ------------------------------------------------------------------------------------------------ what is asked
def _named(file: str) -> tuple[ReportName, Form]:
    """Report and form by the name of the file. Raises `Problem`."""
    name, _, end = file.rpartition(".")
    reports, forms = [report.value for report in ReportName], [form.value for form in Form]
    if name in reports and end in forms:
        return ReportName(name), Form(end)
    said = "There is no such report." if name not in reports else "A report comes as one of the known forms."
    raise Problem(HTTPStatus.NOT_FOUND, NOT_KNOWN, said, reports=reports, forms=forms)


def _parameters(query: bytes) -> dict[str, list[str]]:
    """The words of the query string by parameter. Raises `Problem`."""
    if len(query) > _LONGEST_QUERY:
        said = f"The query string is longer than {_LONGEST_QUERY} bytes."
        raise Problem(HTTPStatus.REQUEST_URI_TOO_LONG, BAD_INPUT, said)
    try:
        text = query.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        said = f"The query string is not UTF-8 in percent-encoding, or has more than {_MOST_PARAMETERS} parameters."
        raise Problem(HTTPStatus.BAD_REQUEST, BAD_INPUT, said) from None
    if any("\x00" in word for pair in pairs for word in pair):
        raise Problem(HTTPStatus.BAD_REQUEST, BAD_INPUT, "The query string holds a NUL character.")
    words: dict[str, list[str]] = {}
    for name, word in pairs:
        words.setdefault(name, []).append(word)
    return words


# ------------------------------------------------------------------------------------------------ what is answered
def _told(error: Exception, request_id: str) -> Problem:
    """What went wrong before anything was sent: a fault of ours is masked, and in the log."""
    if isinstance(error, Problem):
        return error
    log_fault(error, request_id=request_id, operation="report")
    return masked(request_id)


def _start(ctx: Context, wish: Wish, writer: Writer, total: int, headers: Mapping[str, str]) -> Message:
    """The head of the answer. The file's name has no word in it that somebody sent."""
    name = file_name(wish.name, ctx.today, wish.form)
    told = {
        **headers,
        "Content-Type": writer.media_type,
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Language": ctx.language if wish.form is Form.XLSX else "en",
        "Report-Rows": str(total),
        # A proxy that fills its disk with the file would take it from a client that has long gone.
        "X-Accel-Buffering": "no",
    }
    return {"type": "http.response.start", "status": int(HTTPStatus.OK), "headers": raw(told)}


async def _while_there(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Does the work as long as the client is there; when it goes, all of it ends at once, a statement under way too."""
    working, gone = asyncio.create_task(work), asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.wait({working, gone})
    if not working.cancelled():
        working.result()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

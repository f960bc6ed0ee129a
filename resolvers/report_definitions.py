"""How a report's definition is kept: as plain words in JSON, read with care each time, whoever wrote them and when."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from db.context import Capacity
from db.languages import say
from db.models import AccountStatus, DisabledReason
from db.queries.reporting import AccountOrder, EmailProblem, Wanted
from policies.refusals import FieldProblem, InvalidInput
from resolvers.report_checks import camel
from resolvers.report_outcomes import Definition, ReportAsked, ReportName

_STATUSES: Final = frozenset({*(status.value for status in AccountStatus), "LOCKED"})
_REASONS: Final = frozenset(reason.value for reason in DisabledReason)
#: An id in the database.
_LARGEST: Final = 2**63 - 1
_DAYS: Final = "notSignedInForDays"


def plain_definition(definition: Definition) -> dict[str, Any]:
    """The definition as JSON."""
    asked = definition.asked
    said = {field: getattr(asked.wanted, field) for field in _READERS}
    filter_: dict[str, Any] = {camel(field): _written(value) for field, value in said.items() if value is not None}
    if definition.not_signed_in_for_days is not None:
        filter_[_DAYS] = definition.not_signed_in_for_days
    return {
        "report": asked.name.value,
        "filter": filter_,
        "columns": list(asked.columns),
        "groupBy": list(asked.group_by),
        "order": asked.order.value,
        "descending": asked.descending,
    }


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return list(value) if isinstance(value, list | tuple) else value


def read_definition(kept: Mapping[str, Any]) -> Definition:
    """The definition that was kept as this.

    Raises:
        InvalidInput: it cannot be read: some word of it is none any more, or never was.
    """
    try:
        return _read(kept)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        problem = say("This report was saved in a way that is not understood any more: save it anew.")
        raise InvalidInput([FieldProblem(("input", "savedReportId"), problem)]) from None


def _read(kept: Mapping[str, Any]) -> Definition:
    filter_ = dict(kept["filter"])
    days = filter_.pop(_DAYS, None)
    wanted: dict[str, Any] = {
        field: read(filter_.pop(camel(field))) for field, read in _READERS.items() if camel(field) in filter_
    }
    if filter_:
        raise ValueError("an unknown filter")
    asked = ReportAsked(
        name=ReportName(kept["report"]),
        wanted=Wanted(**wanted),
        columns=_words(kept["columns"]),
        group_by=_words(kept["groupBy"]),
        order=AccountOrder(kept["order"]),
        descending=_truth(kept["descending"]),
    )
    return Definition(asked, None if days is None else _number(days))


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError("no number")
    return value


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("neither yes nor no")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("no text")
    return value


def _words(value: Any) -> tuple[str, ...]:
    if type(value) is not list:
        raise ValueError("no list")
    return tuple(_text(each) for each in value)


def _statuses(value: Any) -> tuple[str, ...]:
    return _of_these(_words(value), _STATUSES)


def _reasons(value: Any) -> tuple[str, ...]:
    return _of_these(_words(value), _REASONS)


def _of_these(words: tuple[str, ...], known: frozenset[str]) -> tuple[str, ...]:
    if not known.issuperset(words):
        raise ValueError("an unknown word")
    return words


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.utcoffset() is None:
        raise ValueError("a time of nowhere")
    return moment


#: What is kept of `Wanted`, and how it is read. What a report presets is no part of it.
_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "school_id": _number,
    "grade_level": _text,
    "capacity": lambda value: Capacity(value).value,
    "status": _statuses,
    "disabled_reason": _reasons,
    "last_login_before": _moment,
    "never_logged_in": _truth,
    "not_signed_in_since": _moment,
    "email": EmailProblem,
}

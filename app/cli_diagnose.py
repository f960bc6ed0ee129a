"""`portal diagnose`: why a guardian sees a student in the portal, or does not, for whoever stands at the counter."""

import asyncio
import json
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.problems import PlainProblem
from app.running import operating, settings_and_logs, with_database
from app.settings import Settings
from db.models import GateName

if TYPE_CHECKING:
    from policies.findings import Found
    from resolvers.diagnosis import AccessDiagnosed

out = Console(highlight=False, soft_wrap=True)
#: Where no terminal says how wide it is, a table is as wide as it needs to be.
_WIDE = 300
_SHOWN = {"HOLDS": "yes", "FAILS": "NO", "NOT_APPLICABLE": "-"}


class Tongue(StrEnum):
    """What the findings are said in; the command line itself speaks English."""

    EN = "en"
    ES = "es"


def diagnose(
    guardian: Annotated[
        str, typer.Argument(help="The guardian: a username, or a person's id in the roster. Nobody else by that name.")
    ],
    student: Annotated[str, typer.Argument(help="The student: a student number, username or id in the roster.")],
    *,
    on: Annotated[str | None, typer.Option(help="A later day than today, such as 2026-10-09.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON, for programs.")] = False,
    language: Annotated[Tongue, typer.Option(help="The language of findings and remedies.")] = Tongue.EN,
) -> None:
    """Says whether a guardian sees a student, gate by gate, and for each that is shut who can open it, and how."""
    day = _day(on)
    with with_database(settings_and_logs()) as settings:
        found = asyncio.run(_diagnose(settings, guardian, student, day))
    if as_json:
        out.print_json(json.dumps(_as_dict(found, language)))
    else:
        _show(found, language)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter("a day is written as 2026-10-09", param_hint="--on") from None


async def _diagnose(settings: Settings, guardian: str, student: str, on: date | None) -> "AccessDiagnosed":
    # As in the command line itself: Casbin takes longer to load than most commands take to run.
    from policies.refusals import NotFound
    from resolvers.diagnosis import diagnosis_for_operator

    async with operating(settings) as ctx:
        if on is not None and on < ctx.today:
            raise PlainProblem("The day must be today or a later one: the record does not keep what was.")
        try:
            return await diagnosis_for_operator(ctx, guardian, student, on or ctx.today)
        except NotFound:
            raise PlainProblem(
                "There is not just one guardian and one student of that username, student number or id in the roster."
            ) from None


def _as_dict(found: "AccessDiagnosed", language: Tongue) -> dict[str, Any]:
    day = found.diagnosis.day
    return {
        "guardian": found.guardian.name.display,
        "student": found.student.name.display,
        "on": day.on.isoformat(),
        "can_see": day.can_see,
        "gates": _gates(day.gates, language),
        "changes": [
            {"on": change.on.isoformat(), "can_see": change.can_see, "gates": _gates(change.gates, language)}
            for change in found.diagnosis.changes
        ],
    }


def _gates(gates: Mapping[GateName, "Found"], language: Tongue) -> list[dict[str, str | None]]:
    from schema.wording import worded

    return [
        {
            "name": name.value,
            "state": gate.state.value,
            "finding": worded(gate.finding, language.value),
            "remedy": worded(gate.remedy, language.value) if gate.remedy else None,
            "owner": gate.owner.value if gate.owner else None,
        }
        for name, gate in gates.items()
    ]


def _show(found: "AccessDiagnosed", language: Tongue) -> None:
    said = _as_dict(found, language)
    sees = "sees" if said["can_see"] else "does not see"
    out.print(f"On {said['on']}, {said['guardian']} {sees} {said['student']} in the portal.", markup=False)
    table = Table("", "gate", "what is so", "what to do", "who")
    for gate in said["gates"]:
        cells = (_SHOWN[gate["state"]], _plain(gate["name"]), gate["finding"], gate["remedy"], gate["owner"])
        # As text, since names may look like markup.
        table.add_row(*(escape(cell or "") for cell in cells))
    (out if out.is_terminal else Console(highlight=False, width=_WIDE)).print(table)
    for change in said["changes"]:
        sees = "sees" if change["can_see"] else "does not see"
        gates = "; ".join(f"{_plain(gate['name'])}: {gate['finding']}" for gate in change["gates"])
        out.print(f"From {change['on']} on, {said['guardian']} {sees} {said['student']}. {gates}", markup=False)


def _plain(name: str) -> str:
    return name.replace("_", " ").lower()

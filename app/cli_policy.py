"""`portal explain`: what the policy table says to a role in a situation, for whoever runs the portal."""

import json
from typing import Annotated

import typer
from rich.console import Console

from app.logs import configure_logs
from app.problems import PlainProblem
from app.settings import load_settings

out = Console(highlight=False, soft_wrap=True, markup=False)


def explain(
    role: Annotated[str, typer.Argument(help="Who asks, such as designee.")],
    scope: Annotated[str, typer.Argument(help="How near it is to them, such as same_school.")],
    action: Annotated[str, typer.Argument(help="What for, such as account:reset.")],
    *,
    guardianship: Annotated[
        str, typer.Option(help="What the guardianship amounts to today, such as confirmed.")
    ] = "none",
    verification: Annotated[
        str, typer.Option(help="What the verification amounts to for this action, such as passed.")
    ] = "none",
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON, for programs.")] = False,
) -> None:
    """Says whether the policy table lets a role do something: by which line, or what is missing and who supplies it."""
    # As in the command line itself: Casbin takes longer to load than most commands take to run.
    from app.policy import insist_on_table, table_of
    from policies.situation import UnknownWords, situation
    from schema.messages import SUPPLIED_BY

    settings = load_settings()
    configure_logs(settings)
    gate = insist_on_table(settings)
    try:
        asked = situation(role=role, scope=scope, action=action, guardianship=guardianship, verification=verification)
    except UnknownWords as unknown:
        said = (
            f"The word {each.word!r} is no {each.column}; known are {', '.join(each.known)}." for each in unknown.words
        )
        raise PlainProblem(" ".join(said)) from None
    found = gate.explain(asked.role, asked.scope, asked.action, asked.guardianship, asked.verification)
    advice = {fact.value: str(SUPPLIED_BY[fact]) for fact in found.missing}
    if as_json:
        row = {"rule": found.row.text, "line": found.row.line} if found.row else {"rule": None, "line": None}
        answer = {"allowed": found.row is not None, **row, "missing": list(advice), "advice": list(advice.values())}
        out.print_json(json.dumps(answer))
    elif found.row:
        out.print(f"Yes: line {found.row.line} of {table_of(settings)} allows it.")
        out.print(f"  {found.row.text}")
    else:
        out.print("No. What is missing, and who can supply it:")
        for fact, words in advice.items():
            out.print(f"  {fact}: {words}")

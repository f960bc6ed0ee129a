"""The demo district: made when development starts on an empty database, with facts to try."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app import embedded
from app.problems import PlainProblem
from app.running import Operator
from app.settings import Settings
from db.context import Capacity
from db.hashing import PasswordHasher
from db.roster.applying import apply
from db.roster.checking import check
from db.roster.demo import Facts, write_demo
from resolvers import demo

#: Known to everybody who reads this: the demo district is for development, which listens on loopback.
PASSWORD = "walnut ferry copper meadow"


def reset_demo(settings: Settings) -> None:
    """Empties the embedded database and removes the demo district's files.

    Raises:
        PlainProblem: in production, where a database is named, or while another program uses the embedded one.
    """
    if settings.in_production or settings.database_url is not None:
        raise PlainProblem(
            "Only the embedded development database can be reset; yours is named by PORTAL_DATABASE_URL."
        )
    try:
        with embedded.start(settings.var) as running:
            if running.is_shared():
                raise PlainProblem("The database is in use: stop the server first.")
            running.cluster.drop_database(embedded.DATABASE)
            running.cluster.create_database(embedded.DATABASE)
    except embedded.EmbeddedError as failed:
        raise PlainProblem(str(failed)) from None
    # It speaks of the trail that was in the database.
    (settings.var / "trail-checkpoints").unlink(missing_ok=True)
    # Letters to people who are not there any more, and their links.
    shutil.rmtree(settings.var / "mail", ignore_errors=True)
    shutil.rmtree(settings.var / "demo", ignore_errors=True)


def facts_file(settings: Settings) -> Path:
    return settings.var / "demo" / "facts.json"


def read_facts(settings: Settings) -> dict[str, Any] | None:
    """What there is to try; None where no demo district was made."""
    try:
        facts: dict[str, Any] = json.loads(facts_file(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts


async def facts_to_try(settings: Settings) -> dict[str, Any] | None:
    """The facts, with only those families whose guardian has no account yet; None without a demo district."""
    facts = read_facts(settings)
    if facts is not None:
        unopened = await demo.without_account(family["guardian_source_id"] for family in facts["families"])
        facts["families"] = [family for family in facts["families"] if family["guardian_source_id"] in unopened]
    return facts


async def make_demo(settings: Settings) -> None:
    """Writes the demo district as a roster set, imports it like any other, and opens a few accounts."""
    folder = settings.var / "demo"
    today = datetime.now(UTC).astimezone(settings.zone).date()
    facts = write_demo(folder / "roster", today=today)
    # Not guessable means not cheap, but these few are nobody's.
    hasher = PasswordHasher(memory_kib=settings.hash_memory_kib, passes=settings.hash_passes)
    try:
        ctx = Operator(settings).context(hasher)
        await apply(ctx, check(folder / "roster", today=today))
        await demo.assign_roles(ctx, [(one.source_id, one.role, one.school_source_id) for one in facts.staff])
        usernames = _usernames(facts)
        await demo.open_accounts(ctx, usernames, PASSWORD)
    finally:
        hasher.close()
    _write(facts_file(settings), facts, usernames)


def _usernames(facts: Facts) -> dict[tuple[str, Capacity], str]:
    wanted = {(one.source_id, Capacity.STAFF): f"demo.{one.role.value}" for one in facts.staff}
    return {(facts.activated.guardian_source_id, Capacity.GUARDIAN): "demo.guardian", **wanted}


def _write(path: Path, facts: Facts, usernames: dict[tuple[str, Capacity], str]) -> None:
    accounts = dict.fromkeys(usernames.values(), PASSWORD)
    text = json.dumps({**facts.as_dict(), "accounts": accounts}, indent=2, ensure_ascii=False)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def next_step(facts: dict[str, Any], address: str) -> str:
    """What a newcomer can do now, with facts from the demo district."""
    accounts = "\n".join(f"    {name:<20} {password}" for name, password in facts["accounts"].items())
    return f"""
Portal Access is running: {address}/graphql
Open that address in a browser for a console, or run `make journey` in another terminal to see a guardian's way to the
grades, and a call at the front office.

To try, from the demo district ({facts["district_name"]}):

{_unopened(facts["families"])}
  Accounts to log in with: a guardian's, and one for each staff role
{accounts}

Ctrl-C stops the server and its database.
"""


def _unopened(families: list[dict[str, Any]]) -> str:
    if not families:
        return "  Every guardian with facts to try has an account by now; `make reset` makes a new district.\n"
    family = families[0]
    return f"""  A guardian who has no account yet (requestActivationKey)
    student number       {family["student_number"]}
    birth date           {family["student_birth_date"]}
    SSN                  {family["student_ssn"]}
    guardian             {family["given"]} {family["family"]}
"""

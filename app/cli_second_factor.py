"""`portal staff second-factor`: sets up the second factor of a member of staff, or throws a lost one away."""

import sys
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer
from rich.console import Console

from app.problems import PlainProblem
from app.staff_desk import Desk, desk
from db.context import Context
from resolvers import staff as steps
from resolvers import staff_accounts as accounts
from resolvers.outcomes import FactorOffered
from resolvers.staff import Member

out = Console(highlight=False, soft_wrap=True, markup=False)

#: How often a code may be typed wrongly before the command gives up.
_TRIES = 3


def second_factor(
    who: Annotated[str, typer.Argument(help="Username, source id, e-mail address or name.")],
    *,
    enrol: Annotated[bool, typer.Option("--enrol", help="Make a secret, show it, and ask for the first code.")] = False,
    code: Annotated[str | None, typer.Option(help="The first code, for a secret that was shown before.")] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Throw it away with its recovery codes, and end all sessions.")
    ] = False,
) -> None:
    """Sets up a second factor, or throws a lost one away. Without an option, says whether there is one."""
    if reset and (enrol or code):
        raise PlainProblem("Reset the second factor first, and set up a new one after that.")
    with desk() as at:
        if reset:
            _reset(at, who)
        elif code:
            _confirm(at, who, [code])
        elif enrol:
            offered = at.run(lambda ctx: _offered(ctx, who))
            out.print(f"Secret for the authenticator: {offered.secret}\nAs the address in a QR code: {offered.uri}")
            _confirm(at, who, _typed())
        else:
            out.print(at.run(lambda _: _standing(who)))


async def _offered(ctx: Context, who: str) -> FactorOffered:
    return await accounts.offer_for(ctx, await steps.member(who))


async def _standing(who: str) -> str:
    one = await steps.member(who)
    if not one.has_second_factor:
        return f"{one.name.display} has no second factor."
    return f"{one.name.display} has a second factor; recovery codes left: {await accounts.recovery_codes_left(one)}."


def _typed() -> Iterator[str]:
    """Codes from standard input, as often as it may be tried."""
    for _ in range(_TRIES):
        sys.stdout.write("Code that it shows now: ")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line.strip():
            sys.stdout.write("\n")
            raise PlainProblem("No code was given, so it is not in use yet. Give the first one with --code.")
        yield line.strip()


def _confirm(at: Desk, who: str, codes: Iterable[str]) -> None:
    async def work(ctx: Context, code: str) -> list[str] | None:
        return await accounts.confirm_for(ctx, await steps.member(who), code)

    for code in codes:
        sheet = at.run(lambda ctx, code=code: work(ctx, code))  # type: ignore[misc]  # a loop's own value
        if sheet is not None:
            out.print("The second factor is in use. Recovery codes, shown this once, each of use once:")
            out.print("\n".join(sheet))
            return
        out.print("That is not the code of this moment.")
    raise PlainProblem("The code was not right, so the second factor is not in use. Is the server's clock right?")


def _reset(at: Desk, who: str) -> None:
    async def work(ctx: Context) -> tuple[Member, bool]:
        one = await steps.member(who)
        return one, await accounts.reset_factor(ctx, one)

    one, done = at.run(work)
    if done:
        out.print(f"The second factor of {one.name.display} is thrown away and all sessions have ended.")
    else:
        out.print(f"{one.name.display} has no second factor.")

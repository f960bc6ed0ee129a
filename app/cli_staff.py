"""`portal staff`: who is on the staff, in which roles, and whose account is open or disabled."""

import json
import re
from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from app.cli_second_factor import second_factor
from app.problems import PlainProblem
from app.settings import Settings
from app.staff_desk import desk
from db.context import Context, Role
from db.models import AccountStatus
from resolvers import staff as steps
from resolvers import staff_accounts as accounts
from resolvers.staff import Added, Member, Post, StaffProblem, Wanted

staff = typer.Typer(help="The staff: who is on it, in which roles, and their accounts.", no_args_is_help=True)
out = Console(highlight=False, soft_wrap=True, markup=False)

Who = Annotated[str, typer.Argument(help="Username, source id, e-mail address or name.")]
Reason = Annotated[str, typer.Option(help="Why, for the trail.")]


class StaffRole(StrEnum):
    """The roles that staff are assigned."""

    DESIGNEE = "designee"
    REGISTRAR = "registrar"
    TECHNOLOGY = "technology"
    REPORTER = "reporter"
    ADMINISTRATOR = "administrator"


# ------------------------------------------------------------------------------------------------ joining
@staff.command("add")
def add(
    *,
    role: Annotated[StaffRole, typer.Option(help="What the person does.")],
    given: Annotated[str | None, typer.Option(help="Given name of somebody who is not on record.")] = None,
    family: Annotated[str | None, typer.Option(help="Family name, likewise.")] = None,
    email: Annotated[str | None, typer.Option(help="Address for letters, likewise.")] = None,
    source_id: Annotated[str | None, typer.Option(help="Source id of an adult whom the roster brought in.")] = None,
    school: Annotated[
        list[str] | None, typer.Option(help="Name or source id of a school; several times for several. None: all.")
    ] = None,
    from_: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of the role; today.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of the role; unset: no end.")
    ] = None,
) -> None:
    """Adds somebody to the staff and prints the activation key. Adding the same again changes nothing."""
    named = bool(given and given.strip() and family and family.strip())
    if named == bool(source_id) or (source_id and (given or family or email)):
        raise PlainProblem("Give either --given and --family, with or without --email, or --source-id.")

    if email and not re.fullmatch(r"[^\s@]+@[^\s@]+", email):
        raise PlainProblem(f"An e-mail address does not look like {email!r}.")

    async def work(ctx: Context) -> Added:
        schools = [await steps.school_called(one) for one in school or ()]
        wanted = [Wanted(Role(role), one, _day(from_), _day(until)) for one in schools or (None,)]
        if source_id:
            return await steps.add_from_record(ctx, source_id=source_id, wanted=wanted)
        return await steps.add_new(
            ctx, given=str(given).strip(), family=str(family).strip(), email=email, wanted=wanted
        )

    with desk() as at:
        _show_added(at.run(work), at.settings)


def _day(given: datetime | None) -> date | None:
    return given.date() if given else None


def _show_added(added: Added, settings: Settings) -> None:
    name = added.member.name.display
    if not added.is_new:
        out.print(f"{name} is on the staff already.")
    for post in added.given:
        out.print(f"{name} is {post} now.")
    for post in added.held_already:
        out.print(f"{name} is {post} already.")
    if added.key is None:
        state = "disabled" if added.member.status is AccountStatus.DISABLED else "open"
        username = f" {added.member.username}" if added.member.username else ""
        out.print(f"The account{username} is {state}; no key is needed.")
        return
    key = added.key.key
    out.print(f"\nActivation key: {'-'.join((key[:8], key[8:12], key[12:16], key[16:20], key[20:]))}")
    if added.key.expires_at is not None:
        out.print(f"It works once, until {added.key.expires_at.astimezone(settings.zone):%Y-%m-%d %H:%M}.")
    where = settings.public_url or "the front end"
    out.print(f"Give it to {name} by hand. It opens the account at {where}, or by the mutation `activate`.")


# ------------------------------------------------------------------------------------------------ who is on it
@staff.command("list")
def list_staff(
    *, as_json: Annotated[bool, typer.Option("--json", help="The result as JSON, for programs.")] = False
) -> None:
    """Lists everybody who is or was on the staff."""

    async def work(ctx: Context) -> tuple[list[Member], date]:
        return await steps.members(), ctx.today

    with desk() as at:
        everybody, today = at.run(work)
    if as_json:
        out.print_json(json.dumps([_as_dict(one) for one in everybody]))
        return
    for one in everybody:
        status = one.status.value if one.status else "none"
        roles = "; ".join(_post(post, today) for post in one.posts) or "no role"
        factor = "yes" if one.has_second_factor else "no"
        out.print(f"{one.name.display} ({one.username or '-'}): account {status}, second factor {factor}; {roles}")


def _post(post: Post, today: date) -> str:
    begins = f" from {post.begins_on}" if post.begins_on and post.begins_on > today else ""
    return f"{post}{begins}{f' until {post.ends_on}' if post.ends_on else ''}"


def _as_dict(one: Member) -> dict[str, object]:
    return {
        "name": one.name.display,
        "source_id": one.source_id,
        "email": one.email,
        "username": one.username,
        "account": one.status.value if one.status else None,
        "second_factor": one.has_second_factor,
        "roles": [
            {
                "role": post.role.value,
                "school": post.school,
                "from": post.begins_on.isoformat() if post.begins_on else None,
                "until": post.ends_on.isoformat() if post.ends_on else None,
            }
            for post in one.posts
        ],
    }


# ------------------------------------------------------------------------------------------------ roles
@staff.command("roles")
def roles(
    who: Who,
    *,
    add: Annotated[
        list[str] | None, typer.Option(help="ROLE or ROLE@SCHOOL to give, from today on; may be repeated.")
    ] = None,
    end: Annotated[
        list[str] | None, typer.Option(help="ROLE or ROLE@SCHOOL to end, from this moment on; may be repeated.")
    ] = None,
) -> None:
    """Gives and ends roles, all of it or nothing, and shows those that are held."""

    async def work(ctx: Context) -> tuple[Member, date]:
        one = await steps.member(who)
        await steps.change_roles(ctx, one, add=await _wanted(add or ()), end=await _wanted(end or ()))
        [changed] = [other for other in await steps.members() if other.person_id == one.person_id]
        return changed, ctx.today

    with desk() as at:
        one, today = at.run(work)
    held = [post for post in one.posts if not post.is_over(today)]
    for post in held:
        out.print(f"{one.name.display} is {_post(post, today)}.")
    if not held:
        out.print(f"{one.name.display} holds no role, and cannot sign in.")


async def _wanted(said: Iterable[str]) -> list[Wanted]:
    wanted = []
    for text in said:
        word, at, where = text.partition("@")
        if word.strip() not in set(StaffRole):
            raise StaffProblem(f"No role of staff is called {word.strip()!r}. There are: {', '.join(StaffRole)}.")
        wanted.append(Wanted(Role(word.strip()), await steps.school_called(where) if at else None))
    return wanted


# ------------------------------------------------------------------------------------------------ closed and open
@staff.command("disable")
def disable(who: Who, reason: Reason) -> None:
    """Disables the account of a member of staff: all sessions end at once."""

    async def work(ctx: Context) -> tuple[Member, bool]:
        one = await steps.member(who)
        return one, await accounts.disable_staff(ctx, one, reason)

    with desk() as at:
        one, done = at.run(work)
    out.print(f"The account of {one.name.display} is disabled{'' if done else ' already'}.")


@staff.command("enable")
def enable(who: Who, reason: Reason) -> None:
    """Enables a disabled account again."""

    async def work(ctx: Context) -> tuple[Member, bool]:
        one = await steps.member(who)
        return one, await accounts.enable_staff(ctx, one, reason)

    with desk() as at:
        one, done = at.run(work)
    out.print(f"The account of {one.name.display} is {'enabled' if done else 'not disabled'}.")


staff.command("second-factor")(second_factor)

"""The letters that set a new password: whose accounts an address has, and the links, made when the letter is sent."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from db import sql, trail
from db.context import Capacity, Context
from db.models import AccountStatus, TokenState
from db.queries import recovery as queries
from db.secrets import new_nonce
from db.sql import Row
from db.trail import Note, Step
from mail.contents import LogOn, LogOnInformation, LogOnStatus, ResetLink
from mail.gathering import display, schools_of
from mail.outbox import LetterInHand, Withdrawn, folded_address

_STATUS = {
    AccountStatus.ACTIVE: LogOnStatus.OPEN,
    AccountStatus.DISABLED: LogOnStatus.DISABLED,
    AccountStatus.NOT_ACTIVATED: LogOnStatus.NOT_OPENED,
}


async def log_on_information(ctx: Context, letter: LetterInHand) -> LogOnInformation | Withdrawn:
    """Who has the address is looked up here and not when it is asked for, so that asking is the same for all addresses.

    The letter goes to the address as the school has it, never to one that was typed in. It gets one link for each open
    account, which lives from now on. Sent again after a mishap, it has the same links.
    """
    folded = folded_address(letter.address)
    async with sql.transaction():
        most = ctx.rules.recovery_accounts_most
        accounts = await queries.accounts_of_address(folded, most + 1)
        if not accounts:
            # Whoever had the address when it was sent before has it no longer: the links end with that.
            await _links(ctx, letter, [])
            await queries.readdress(letter.id, "", None)
            return Withdrawn.NOBODY
        people = {account["person_id"]: account for account in accounts}
        languages = {account["language"] for account in people.values()}
        language = languages.pop() if len(languages) == 1 else None
        to = accounts[0]["email"]
        await queries.readdress(letter.id, to, language)
        shown = accounts if len(accounts) <= most else []
        links = await _links(ctx, letter, shown)
    if links is None:
        return Withdrawn.OUTDATED
    return LogOnInformation(
        name=display(accounts[0]) if len(people) == 1 else None,
        schools=await schools_of(ctx, people if shown else []),
        at=letter.promised_at,
        to=to,
        language=language,
        accounts=tuple(_log_on(account, links.get(account["account_id"])) for account in shown),
        minutes=ctx.rules.recovery_minutes,
    )


async def _links(ctx: Context, letter: LetterInHand, accounts: list[Row]) -> dict[int, str] | None:
    """The link of each open account, by its id; None when the letter was sent before and a link of it has been used.

    Sent again, it has the links that it had, but for those that have ended, and for accounts that are not open any more
    or not of this address: theirs end here.
    """
    made = await queries.links_of_letter(letter.id)
    if any(link["state"] == TokenState.USED for link in made):
        return None
    expires_at = ctx.now + timedelta(minutes=ctx.rules.recovery_minutes)
    holders = {one["account_id"]: one["person_id"] for one in accounts if one["status"] == AccountStatus.ACTIVE}
    good, tokens = [], {}
    for link in made:
        token = _token(ctx, link)
        if link["account_id"] in holders and link["state"] == TokenState.CURRENT and token is not None:
            good.append(link["id"])
            tokens[link["account_id"]] = token
    await queries.end_links([link["id"] for link in made if link["id"] not in good])
    await queries.prolong_links(good, expires_at)
    # Whose link has ended since, by a reset or a new password, gets no other one by the same letter.
    tokens |= await _new_links(ctx, letter, holders.keys() - {link["account_id"] for link in made}, expires_at)
    for account_id in tokens:
        note = Note(Step.SEND_LOG_ON_LINK, None, account_id, holders[account_id])
        note.details["letter"] = letter.id
        await trail.record(ctx, note)
    return {account_id: _page(ctx, token) for account_id, token in tokens.items()}


async def _new_links(
    ctx: Context, letter: LetterInHand, account_ids: Iterable[int], expires_at: datetime
) -> dict[int, str]:
    """A token for each of these accounts, by its id."""
    version, links, tokens = ctx.keys.current, [], {}
    for account_id in sorted(account_ids):
        nonce = new_nonce()
        tokens[account_id] = ctx.keys.recovery_link_token(nonce, version)
        links.append((account_id, nonce, ctx.keys.recovery_token_digest(tokens[account_id])))
    if links:
        await queries.add_links(letter.id, links, version=version, now=ctx.now, expires_at=expires_at)
    return tokens


def _token(ctx: Context, link: Row) -> str | None:
    """The token of a link; None when the secret that it was made under is not at hand any more."""
    try:
        return ctx.keys.recovery_link_token(bytes(link["nonce"]), link["secret_version"])
    except LookupError:
        return None


async def reset_link(ctx: Context, letter: LetterInHand) -> ResetLink | Withdrawn:
    """The link that a designee had sent. Withdrawn when another one took its place, the account was closed, or its
    holder has another address by now: then it ends here.
    """
    hours = ctx.rules.reset_code_hours
    async with sql.transaction():
        links = await queries.links_of_letter(letter.id)
        if len(links) != 1:
            return Withdrawn.OUTDATED
        [link] = links
        token = _token(ctx, link)
        open_ = link["state"] == TokenState.CURRENT and link["account_status"] == AccountStatus.ACTIVE
        if not open_ or token is None or link["email_folded"] != folded_address(letter.address):
            await queries.end_links([link["id"]])
            return Withdrawn.OUTDATED
        await queries.prolong_links([link["id"]], ctx.now + timedelta(hours=hours))
    return ResetLink(
        name=display(link),
        schools=await schools_of(ctx, [link["person_id"]]),
        at=letter.promised_at,
        username=link["username"],
        link=_page(ctx, token),
        hours=hours,
    )


def _page(ctx: Context, token: str) -> str:
    return ctx.rules.page(ctx.rules.password_page, f"token={token}")


def _log_on(account: Row, link: str | None) -> LogOn:
    status = _STATUS[AccountStatus(account["status"])]
    return LogOn(
        holder=display(account),
        capacity=Capacity(account["capacity"]),
        status=status,
        username=account["username"],
        link=link if status is LogOnStatus.OPEN else None,
    )

"""The letters that set a new password: whose accounts an address has, and the links, made when the letter is sent."""

from datetime import timedelta

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
        schools=await schools_of(ctx, list(people)),
        at=letter.promised_at,
        to=to,
        language=language,
        accounts=tuple(_log_on(account, links.get(account["account_id"])) for account in shown),
        minutes=ctx.rules.recovery_minutes,
    )


async def _links(ctx: Context, letter: LetterInHand, accounts: list[Row]) -> dict[int, str] | None:
    """The link of each open account, by its id; None when the letter was sent before and a link of it has been used."""
    expires_at = ctx.now + timedelta(minutes=ctx.rules.recovery_minutes)
    made = await queries.links_of_letter(letter.id)
    if made:
        if any(link["state"] != TokenState.CURRENT for link in made):
            return None
        await queries.prolong_links(letter.id, expires_at)
        nonces = {link["account_id"]: (bytes(link["nonce"]), link["secret_version"]) for link in made}
    else:
        version = ctx.keys.current
        nonces = {
            one["account_id"]: (new_nonce(), version) for one in accounts if one["status"] == AccountStatus.ACTIVE
        }
    tokens = {id_: ctx.keys.recovery_link_token(nonce, version) for id_, (nonce, version) in nonces.items()}
    if tokens and not made:
        digests = [(id_, nonces[id_][0], ctx.keys.recovery_token_digest(token)) for id_, token in tokens.items()]
        await queries.add_links(letter.id, digests, version=ctx.keys.current, now=ctx.now, expires_at=expires_at)
    for account in accounts:
        if account["account_id"] in tokens:
            note = Note(Step.SEND_LOG_ON_LINK, None, account["account_id"], account["person_id"])
            note.details["letter"] = letter.id
            await trail.record(ctx, note)
    return {id_: _page(ctx, token) for id_, token in tokens.items()}


async def reset_link(ctx: Context, letter: LetterInHand) -> ResetLink | Withdrawn:
    """The link that a designee had sent. Withdrawn when another one took its place, or the account was closed."""
    hours = ctx.rules.reset_code_hours
    async with sql.transaction():
        links = await queries.links_of_letter(letter.id)
        if len(links) != 1:
            return Withdrawn.OUTDATED
        [link] = links
        if link["state"] != TokenState.CURRENT or link["account_status"] != AccountStatus.ACTIVE:
            return Withdrawn.OUTDATED
        await queries.prolong_links(letter.id, ctx.now + timedelta(hours=hours))
    token = ctx.keys.recovery_link_token(bytes(link["nonce"]), link["secret_version"])
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

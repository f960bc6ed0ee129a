"""From a row of the outbox to a letter that can go: what it tells is looked up, written, and put under its headers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from db.context import Context
from db.languages import spoken
from mail import gathering, gathering_families, gathering_work_orders
from mail.contents import Contents
from mail.letters import write
from mail.log_on import log_on_information, reset_link
from mail.mailable import Mailable
from mail.message import message
from mail.outbox import LetterInHand, LetterKind, Withdrawn

_GATHER: Final[dict[LetterKind, Callable[[Context, LetterInHand], Awaitable[Contents | Withdrawn]]]] = {
    LetterKind.WELCOME: gathering.welcome,
    LetterKind.LOG_ON_INFORMATION: log_on_information,
    LetterKind.PASSWORD_CHANGED: gathering.password_changed,
    LetterKind.SECOND_FACTOR_SET: gathering.second_factor_set,
    LetterKind.NEW_DEVICE: gathering.new_device,
    LetterKind.KEY_ASKED_FOR: gathering.key_asked_for,
    LetterKind.ACTIVATION_KEY: gathering.activation_key,
    LetterKind.ACCOUNT_RESET: gathering.account_reset,
    LetterKind.RESET_LINK: reset_link,
    LetterKind.ACCOUNT_ENABLED: gathering.account_enabled,
    LetterKind.ACCOUNT_DISABLED: gathering.account_disabled,
    LetterKind.WORK_ORDER_OPENED: gathering_work_orders.work_order_opened,
    LetterKind.WORK_ORDER_RESOLVED: gathering_work_orders.work_order_resolved,
    LetterKind.GUARDIANSHIP_CHANGED: gathering_families.guardianship_changed,
    LetterKind.HOUSEHOLD_CHANGED: gathering_families.household_changed,
    LetterKind.KEY_ISSUED: gathering.key_issued,
    LetterKind.RECORDS_MERGED: gathering_families.records_merged,
}


class BadAddress(Exception):
    """What is on record is not an address that mail can be sent to."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A letter that can go, and where to."""

    to: Mailable
    message: EmailMessage


async def prepare(ctx: Context, letter: LetterInHand) -> Ready | Withdrawn:
    """The letter as it is to be sent at `ctx.now`, or why it is not to be sent any more.

    The links in it are good from now on; that is committed when this returns.

    Raises:
        BadAddress: as it says.
    """
    contents = await _GATHER[letter.kind](ctx, letter)
    if isinstance(contents, Withdrawn):
        return contents
    to = Mailable.of(contents.to or letter.address)
    if to is None:
        raise BadAddress
    languages = spoken(contents.language if contents.to else letter.language)
    mail = message(
        ctx.rules,
        to=to,
        name=contents.name,
        message_id=letter.message_id,
        at=ctx.now,
        written=write(contents, rules=ctx.rules, languages=languages),
        languages=languages,
    )
    return Ready(to, mail)

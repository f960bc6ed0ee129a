"""Getting in again: the forgotten log-on, and what the school does for a caller whom it has verified."""

from db.languages import say, say_number
from db.rules import Rules
from mail.contents import AccountReset, LogOn, LogOnInformation, LogOnStatus, ResetLink
from mail.letters.blocks import Block, Fact, Facts, Heading, Letter, Link, Moment, Paragraph, WhomToCall
from mail.letters.opening import CAPACITY, letter, username_of


def log_on_information(contents: LogOnInformation, rules: Rules) -> Letter:
    """LOG_ON_INFORMATION."""
    blocks: list[Block] = [
        Paragraph(say("Somebody asked for the log-on information that belongs to this e-mail address.")),
    ]
    for account in contents.accounts:
        blocks += _log_on(account, rules, several=len({one.holder for one in contents.accounts}) > 1)
    links = sum(account.link is not None for account in contents.accounts)
    if links:
        blocks.append(
            Paragraph(
                say_number(
                    "A link works for %(number)d minute from the time when this letter was sent, and only once.",
                    "A link works for %(number)d minutes from the time when this letter was sent, and only once.",
                    contents.minutes,
                )
            )
        )
    if links > 1:
        blocks.append(
            Paragraph(say("When one link in this letter has been used, the others stop working: ask for a new letter."))
        )
    if not contents.accounts:
        blocks.append(
            Paragraph(
                say("This address is on record for too many people to list their accounts. The school can help you.")
            )
        )
    blocks += [
        Paragraph(say("If you did not ask for this letter, you do not need to do anything: nothing was changed.")),
        WhomToCall(contents.schools),
    ]
    return letter(contents, say("Your log-on information"), *blocks)


def _log_on(account: LogOn, rules: Rules, *, several: bool) -> list[Block]:
    blocks: list[Block] = []
    if several:
        blocks.append(Heading(account.holder))
    rows = [Fact(say("Account"), CAPACITY[account.capacity])]
    if account.username:
        rows.append(Fact(say("Username"), account.username))
    blocks.append(Facts(tuple(rows)))
    match account.status:
        case LogOnStatus.OPEN if account.link:
            blocks.append(Link(say("Set a new password"), account.link))
        case LogOnStatus.DISABLED:
            blocks.append(Paragraph(say("This account is disabled. Call the school: it can enable it again.")))
        case LogOnStatus.NOT_OPENED:
            blocks += [
                Paragraph(
                    say(
                        "This account has not been opened yet. To open it, you need an activation key: ask "
                        "for one on this page."
                    )
                ),
                Link(say("Open your account"), rules.page(rules.activation_page)),
            ]
        case _:
            pass
    return blocks


def account_reset(contents: AccountReset, _: Rules) -> Letter:
    """ACCOUNT_RESET."""
    return letter(
        contents,
        say("The school reset your account"),
        Paragraph(
            say(
                "On %(at)s the school reset your portal account, after it had made sure who was asking.",
                at=Moment(contents.at),
            )
        ),
        username_of(contents.username),
        Paragraph(
            say(
                "The old password does not work any more. The code that the school gave out sets a new one, "
                "and works once."
            )
        ),
        Paragraph(say("If it was not you who asked the school, call it at once.")),
        WhomToCall(contents.schools),
    )


def reset_link(contents: ResetLink, _: Rules) -> Letter:
    """RESET_LINK."""
    return letter(
        contents,
        say("Set a new password for your account"),
        Paragraph(
            say(
                "On %(at)s the school reset your portal account, after it had made sure who was asking.",
                at=Moment(contents.at),
            )
        ),
        username_of(contents.username),
        Paragraph(say("The old password does not work any more. Set a new one here:")),
        Link(say("Set a new password"), contents.link),
        Paragraph(
            say_number(
                "The link works for %(number)d hour from the time when this letter was sent, and only once.",
                "The link works for %(number)d hours from the time when this letter was sent, and only once.",
                contents.hours,
            )
        ),
        Paragraph(say("If it was not you who asked the school, call it at once.")),
        WhomToCall(contents.schools),
    )

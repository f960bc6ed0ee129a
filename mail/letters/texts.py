"""The texts of the letters, one function for each kind: short, calm, and what to do next.

They are read by families on telephones, many of whom read another language better. So: plain words, one thing a
sentence, and no more about anybody than the letter needs. No letter ever holds a password.
"""

from collections.abc import Callable
from typing import Any, Final

from db.context import Capacity
from db.languages import Sentence, say, say_number
from db.rules import Rules
from mail.contents import (
    AccountDisabled,
    AccountEnabled,
    AccountOpened,
    AccountReset,
    ActivationKeyIssued,
    Contents,
    KeyAskedFor,
    LogOn,
    LogOnInformation,
    LogOnStatus,
    PasswordChanged,
    ResetLink,
    SecondFactorSet,
    SignedInFromNewDevice,
    WhoseKey,
    WorkOrderOpened,
)
from mail.letters.blocks import Block, District, Fact, Facts, Heading, Letter, Link, Moment, Paragraph, WhomToCall
from mail.letters.devices import device_words


def text_of(contents: Contents, rules: Rules) -> Letter:
    """The letter that tells this."""
    return _TEXTS[type(contents)](contents, rules)


def _letter(contents: Contents, subject: Sentence, *blocks: Block) -> Letter:
    greeting = say("Hello %(name)s,", name=contents.name) if contents.name else say("Hello,")
    return Letter(subject, greeting, blocks)


def _username(username: str) -> Facts:
    return Facts((Fact(say("Username"), username),))


# ------------------------------------------------------------------------------------------------ an account's life
def _welcome(contents: AccountOpened, rules: Rules) -> Letter:
    return _letter(
        contents,
        say("Your portal account is open"),
        Paragraph(
            say(
                "Your account for the portal of %(district)s was opened on %(at)s.",
                district=District.NAME,
                at=Moment(contents.at),
            )
        ),
        _username(contents.username),
        Link(say("Sign in"), rules.page(rules.log_on_page)),
        Paragraph(say("The activation key that opened it does not work again; you do not need it any more.")),
        Paragraph(say("If this was not you, call the school at once. It can close the account.")),
        WhomToCall(contents.schools),
    )


def _password_changed(contents: PasswordChanged, rules: Rules) -> Letter:
    return _letter(
        contents,
        say("Your password was changed"),
        Paragraph(
            say("The password of your portal account was changed on %(at)s.", at=Moment(contents.at)),
        ),
        _username(contents.username),
        Paragraph(say("Wherever else the account was signed in, it has been signed out.")),
        Paragraph(
            say(
                "If this was you, you do not need to do anything. If it was not, set a new password: choose "
                "“forgotten log-on” on the portal's page. Then call the school."
            )
        ),
        Link(say("Open the portal's page"), rules.page(rules.log_on_page)),
        WhomToCall(contents.schools),
    )


def _second_factor_set(contents: SecondFactorSet, _: Rules) -> Letter:
    return _letter(
        contents,
        say("A second factor was set up for your account"),
        Paragraph(say("On %(at)s an authenticator was set up for your portal account.", at=Moment(contents.at))),
        *([_username(contents.username)] if contents.username else []),
        Paragraph(
            say(
                "From now on, signing in takes a code from that authenticator, or one of the recovery codes "
                "that came with it."
            )
        ),
        Paragraph(say("If this was not you, call the school's or the district's technology staff at once.")),
        WhomToCall(contents.schools),
    )


def _new_device(contents: SignedInFromNewDevice, rules: Rules) -> Letter:
    rows = [Fact(say("Username"), contents.username)]
    if device := device_words(contents.device):
        rows.append(Fact(say("Device"), device))
    return _letter(
        contents,
        say("Your account was signed in to from a new device"),
        Paragraph(
            say(
                "On %(at)s somebody signed in to your portal account from a device that it had not been "
                "used on before.",
                at=Moment(contents.at),
            )
        ),
        Facts(tuple(rows)),
        Paragraph(
            say(
                "If this was you, you do not need to do anything. If it was not, set a new password: choose "
                "“forgotten log-on” on the portal's page. Then call the school."
            )
        ),
        Link(say("Open the portal's page"), rules.page(rules.log_on_page)),
        WhomToCall(contents.schools),
    )


def _enabled(contents: AccountEnabled, rules: Rules) -> Letter:
    subject = say("Your portal account can be used again")
    if contents.username is None:
        return _letter(
            contents,
            subject,
            Paragraph(say("On %(at)s the school lifted the block on your portal account.", at=Moment(contents.at))),
            Paragraph(
                say("It has not been opened yet. To open it, you need an activation key: ask for one on this page.")
            ),
            Link(say("Open your account"), rules.page(rules.activation_page)),
            WhomToCall(contents.schools),
        )
    return _letter(
        contents,
        subject,
        Paragraph(say("On %(at)s the school enabled your portal account.", at=Moment(contents.at))),
        _username(contents.username),
        Paragraph(say("Your password is the one that it was before.")),
        Link(say("Sign in"), rules.page(rules.log_on_page)),
        WhomToCall(contents.schools),
    )


def _disabled(contents: AccountDisabled, _: Rules) -> Letter:
    blocks: list[Block] = []
    if contents.by_failures:
        blocks.append(
            Paragraph(
                say(
                    "On %(at)s your portal account was disabled, because a wrong password was given too "
                    "many times in a row. "
                    "Perhaps somebody tried to guess it.",
                    at=Moment(contents.at),
                )
            )
        )
    else:
        blocks.append(Paragraph(say("On %(at)s your portal account was disabled.", at=Moment(contents.at))))
    if contents.username:
        blocks.append(_username(contents.username))
    blocks.append(
        Paragraph(say("Nobody can sign in to it now. Call the school: it can tell you more, and enable it again."))
    )
    return _letter(contents, say("Your portal account was disabled"), *blocks, WhomToCall(contents.schools))


# ------------------------------------------------------------------------------------------------ getting in again
_CAPACITY: Final = {
    Capacity.GUARDIAN: say("Parent or guardian"),
    Capacity.STUDENT: say("Student"),
    Capacity.STAFF: say("Staff"),
}


def _log_on_information(contents: LogOnInformation, rules: Rules) -> Letter:
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
    return _letter(contents, say("Your log-on information"), *blocks)


def _log_on(account: LogOn, rules: Rules, *, several: bool) -> list[Block]:
    blocks: list[Block] = []
    if several:
        blocks.append(Heading(account.holder))
    rows = [Fact(say("Account"), _CAPACITY[account.capacity])]
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


def _account_reset(contents: AccountReset, _: Rules) -> Letter:
    return _letter(
        contents,
        say("The school reset your account"),
        Paragraph(
            say(
                "On %(at)s the school reset your portal account, after it had made sure who was asking.",
                at=Moment(contents.at),
            )
        ),
        _username(contents.username),
        Paragraph(
            say(
                "The old password does not work any more. The code that the school gave out sets a new one, "
                "and works once."
            )
        ),
        Paragraph(say("If it was not you who asked the school, call it at once.")),
        WhomToCall(contents.schools),
    )


def _reset_link(contents: ResetLink, _: Rules) -> Letter:
    return _letter(
        contents,
        say("Set a new password for your account"),
        Paragraph(
            say(
                "On %(at)s the school reset your portal account, after it had made sure who was asking.",
                at=Moment(contents.at),
            )
        ),
        _username(contents.username),
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


# ------------------------------------------------------------------------------------------------ activation keys
def _key_asked_for(contents: KeyAskedFor, _: Rules) -> Letter:
    student, at = contents.student, Moment(contents.at)
    match contents.whose:
        case WhoseKey.OWN:
            told = say(
                "On %(at)s somebody asked for the activation key that opens your account, with which you "
                "see %(student)s.",
                at=at,
                student=student,
            )
        case WhoseKey.STUDENT:
            told = say(
                "On %(at)s somebody asked for the activation key that opens the account of %(student)s.",
                at=at,
                student=student,
            )
        case WhoseKey.ANOTHER_GUARDIAN:
            told = say(
                "On %(at)s somebody asked for the activation key that opens the account of another guardian "
                "of %(student)s.",
                at=at,
                student=student,
            )
    return _letter(
        contents,
        say("An activation key was asked for"),
        Paragraph(told),
        Paragraph(say("Whoever asked knew the student's number, birth date and Social Security number.")),
        Paragraph(
            say(
                "If you know who it was, you do not need to do anything. If you do not, call the school: it "
                "can stop the key."
            )
        ),
        WhomToCall(contents.schools),
    )


def _activation_key(contents: ActivationKeyIssued, _: Rules) -> Letter:
    key = contents.key
    grouped = "-".join((key[:8], key[8:12], key[12:16], key[16:20], key[20:]))
    rows = [Fact(say("Activation key"), grouped), Fact(say("Account"), _CAPACITY[contents.capacity])]
    blocks: list[Block] = [
        Paragraph(say("Here is your activation key for the portal. It opens your account, once.")),
        Facts(tuple(rows)),
        Link(say("Open your account"), contents.link),
    ]
    if contents.expires_at is not None:
        blocks.append(Paragraph(say("The key works until %(at)s.", at=Moment(contents.expires_at))))
    blocks.append(Paragraph(say("Do not pass this letter on: whoever has the key can open your account.")))
    return _letter(contents, say("Your activation key"), *blocks, WhomToCall(contents.schools))


# ------------------------------------------------------------------------------------------------ the technicians
def _work_order_opened(contents: WorkOrderOpened, _: Rules) -> Letter:
    rows = (
        Fact(say("Parent or guardian"), contents.parent),
        Fact(say("Student"), contents.student),
        Fact(say("Student number"), contents.student_number),
        Fact(say("Problem"), contents.problem),
        Fact(say("Opened by"), contents.opened_by),
    )
    return _letter(
        contents,
        say("Work order %(number)d", number=contents.number),
        Paragraph(say("A work order was opened on %(at)s, for what a registrar cannot mend.", at=Moment(contents.at))),
        Facts(rows),
    )


_TEXTS: Final[dict[type[Contents], Callable[[Any, Rules], Letter]]] = {
    AccountOpened: _welcome,
    LogOnInformation: _log_on_information,
    PasswordChanged: _password_changed,
    SecondFactorSet: _second_factor_set,
    SignedInFromNewDevice: _new_device,
    KeyAskedFor: _key_asked_for,
    ActivationKeyIssued: _activation_key,
    AccountReset: _account_reset,
    ResetLink: _reset_link,
    AccountEnabled: _enabled,
    AccountDisabled: _disabled,
    WorkOrderOpened: _work_order_opened,
}

"""An account's life: opened, changed, seen from a new device, merged with another, closed and opened again."""

from db.languages import say
from db.rules import Rules
from mail.contents import (
    AccountDisabled,
    AccountEnabled,
    AccountOpened,
    LogOnStatus,
    PasswordChanged,
    RecordsMerged,
    SecondFactorSet,
    SignedInFromNewDevice,
)
from mail.letters.blocks import Block, District, Fact, Facts, Letter, Link, Moment, Paragraph, WhomToCall
from mail.letters.devices import device_words
from mail.letters.opening import IF_NOT_YOU, letter, username_of


def welcome(contents: AccountOpened, rules: Rules) -> Letter:
    """WELCOME."""
    return letter(
        contents,
        say("Your portal account is open"),
        Paragraph(
            say(
                "Your account for the portal of %(district)s was opened on %(at)s.",
                district=District.NAME,
                at=Moment(contents.at),
            )
        ),
        username_of(contents.username),
        Link(say("Sign in"), rules.page(rules.log_on_page)),
        Paragraph(say("The activation key that opened it does not work again; you do not need it any more.")),
        Paragraph(say("If this was not you, call the school at once. It can close the account.")),
        WhomToCall(contents.schools),
    )


def password_changed(contents: PasswordChanged, rules: Rules) -> Letter:
    """PASSWORD_CHANGED."""
    return letter(
        contents,
        say("Your password was changed"),
        Paragraph(
            say("The password of your portal account was changed on %(at)s.", at=Moment(contents.at)),
        ),
        username_of(contents.username),
        Paragraph(say("Wherever else the account was signed in, it has been signed out.")),
        IF_NOT_YOU,
        Link(say("Open the portal's page"), rules.page(rules.log_on_page)),
        WhomToCall(contents.schools),
    )


def second_factor_set(contents: SecondFactorSet, _: Rules) -> Letter:
    """SECOND_FACTOR_SET."""
    return letter(
        contents,
        say("A second factor was set up for your account"),
        Paragraph(say("On %(at)s an authenticator was set up for your portal account.", at=Moment(contents.at))),
        *([username_of(contents.username)] if contents.username else []),
        Paragraph(
            say(
                "From now on, signing in takes a code from that authenticator, or one of the recovery codes "
                "that came with it."
            )
        ),
        Paragraph(say("If this was not you, call the school's or the district's technology staff at once.")),
        WhomToCall(contents.schools),
    )


def new_device(contents: SignedInFromNewDevice, rules: Rules) -> Letter:
    """NEW_DEVICE."""
    rows = [Fact(say("Username"), contents.username)]
    if device := device_words(contents.device):
        rows.append(Fact(say("Device"), device))
    return letter(
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
        IF_NOT_YOU,
        Link(say("Open the portal's page"), rules.page(rules.log_on_page)),
        WhomToCall(contents.schools),
    )


def enabled(contents: AccountEnabled, rules: Rules) -> Letter:
    """ACCOUNT_ENABLED."""
    subject = say("Your portal account can be used again")
    if contents.username is None:
        return letter(
            contents,
            subject,
            Paragraph(say("On %(at)s the school lifted the block on your portal account.", at=Moment(contents.at))),
            Paragraph(
                say("It has not been opened yet. To open it, you need an activation key: ask for one on this page.")
            ),
            Link(say("Open your account"), rules.page(rules.activation_page)),
            WhomToCall(contents.schools),
        )
    return letter(
        contents,
        subject,
        Paragraph(say("On %(at)s the school enabled your portal account.", at=Moment(contents.at))),
        username_of(contents.username),
        Paragraph(say("Your password is the one that it was before.")),
        Link(say("Sign in"), rules.page(rules.log_on_page)),
        WhomToCall(contents.schools),
    )


def disabled(contents: AccountDisabled, _: Rules) -> Letter:
    """ACCOUNT_DISABLED."""
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
        blocks.append(username_of(contents.username))
    blocks.append(
        Paragraph(say("Nobody can sign in to it now. Call the school: it can tell you more, and enable it again."))
    )
    return letter(contents, say("Your portal account was disabled"), *blocks, WhomToCall(contents.schools))


def records_merged(contents: RecordsMerged, rules: Rules) -> Letter:
    """RECORDS_MERGED."""
    at = Moment(contents.at)
    told = (
        say("Your record and another one had been made one. On %(at)s the school took that back.", at=at)
        if contents.undone
        else say("You were on record twice. On %(at)s the school made one record of the two.", at=at)
    )
    return letter(
        contents,
        say("Your two records are two again") if contents.undone else say("Your two records were made one"),
        Paragraph(told),
        *_going_on(contents, rules),
        Paragraph(say("If you are not the person of both records, or anything else is wrong, call the school.")),
        WhomToCall(contents.schools),
    )


def _going_on(contents: RecordsMerged, rules: Rules) -> list[Block]:
    """The account that goes on, and the way to it."""
    match contents.status:
        case LogOnStatus.OPEN:
            return [
                Paragraph(say("Your account goes on with this username, and with its password as before:")),
                *([username_of(contents.username)] if contents.username else []),
                Link(say("Sign in"), rules.page(rules.log_on_page)),
            ]
        case LogOnStatus.NOT_OPENED:
            return [
                Paragraph(
                    say(
                        "Your account has not been opened yet. To open it, you need an activation key: ask for one on "
                        "this page."
                    )
                ),
                Link(say("Open your account"), rules.page(rules.activation_page)),
            ]
        case LogOnStatus.DISABLED:
            return [Paragraph(say("Your portal account is disabled. Call the school: it can enable it again."))]
        case None:
            return []

"""Activation keys: that one was asked for or given out, and the key itself."""

from db.languages import Sentence, say
from db.rules import Rules
from mail.contents import ActivationKeyIssued, KeyAskedFor, KeyGivenOut, WhoseKey
from mail.letters.blocks import Block, Fact, Facts, Letter, Link, Moment, Paragraph, WhomToCall
from mail.letters.opening import CAPACITY, letter


def key_asked_for(contents: KeyAskedFor, _: Rules) -> Letter:
    """KEY_ASKED_FOR."""
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
    return letter(
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


def key_given_out(contents: KeyGivenOut, _: Rules) -> Letter:
    """KEY_ISSUED."""
    blocks: list[Block] = [Paragraph(_given_out(contents))]
    if contents.replaced:
        blocks.append(Paragraph(say("With that, an earlier key of this account stopped working.")))
    return letter(
        contents,
        say("The school gave out an activation key"),
        *blocks,
        Paragraph(
            say(
                "If you know who asked for it, you do not need to do anything. If you do not, call the school: it can "
                "stop the key."
            )
        ),
        WhomToCall(contents.schools),
    )


def _given_out(contents: KeyGivenOut) -> Sentence:
    student, at = contents.student, Moment(contents.at)
    if student is None:
        return say("On %(at)s the school gave out the activation key that opens your account.", at=at)
    match contents.whose:
        case WhoseKey.OWN:
            return say(
                "On %(at)s the school gave out the activation key that opens your account, with which you see "
                "%(student)s.",
                at=at,
                student=student,
            )
        case WhoseKey.STUDENT:
            return say(
                "On %(at)s the school gave out the activation key that opens the account of %(student)s.",
                at=at,
                student=student,
            )
        case WhoseKey.ANOTHER_GUARDIAN:
            return say(
                "On %(at)s the school gave out the activation key that opens the account of another guardian of "
                "%(student)s.",
                at=at,
                student=student,
            )


def activation_key(contents: ActivationKeyIssued, _: Rules) -> Letter:
    """ACTIVATION_KEY."""
    key = contents.key
    grouped = "-".join((key[:8], key[8:12], key[12:16], key[16:20], key[20:]))
    rows = [Fact(say("Activation key"), grouped), Fact(say("Account"), CAPACITY[contents.capacity])]
    blocks: list[Block] = [
        Paragraph(say("Here is your activation key for the portal. It opens your account, once.")),
        Facts(tuple(rows)),
        Link(say("Open your account"), contents.link),
    ]
    if contents.expires_at is not None:
        blocks.append(Paragraph(say("The key works until %(at)s.", at=Moment(contents.expires_at))))
    blocks.append(Paragraph(say("Do not pass this letter on: whoever has the key can open your account.")))
    return letter(contents, say("Your activation key"), *blocks, WhomToCall(contents.schools))

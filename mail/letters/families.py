"""Who may see a student, and who lives where: that the record was changed, to each as much as that one may know."""

from typing import Final

from db.languages import Sentence, say
from db.rules import Rules
from mail.contents import AnothersGuardianship, HouseholdChanged, OwnGuardianship, Sight, StudentNotShown
from mail.letters.blocks import Block, Letter, Link, Moment, Paragraph, WhomToCall
from mail.letters.opening import letter
from mail.outbox import GuardianshipChange, HouseholdChange

_IF_UNEXPECTED: Final = Paragraph(
    say("If you expected this, you do not need to do anything. If you did not, call the school.")
)
#: What ends the sight of a student; there is nothing to do in the portal then.
_ENDING: Final = frozenset({GuardianshipChange.PORTAL_TAKEN, GuardianshipChange.CONSENT_WITHDRAWN})


# ------------------------------------------------------------------------------------------------ the guardian's own
def own_guardianship(contents: OwnGuardianship, rules: Rules) -> Letter:
    """GUARDIANSHIP_CHANGED, to the guardian concerned."""
    told = Paragraph(_own(contents.change, Moment(contents.at), contents.student))
    if contents.change in _ENDING:
        return letter(
            contents,
            say("The portal does not show you a student any more"),
            told,
            Paragraph(say("If you think that this is a mistake, call the school: the registrar can tell you more.")),
            WhomToCall(contents.schools),
        )
    return letter(
        contents,
        say("Your access in the portal was changed"),
        told,
        *_what_now(contents.sight, contents.student, rules),
        Paragraph(say("If anything here is not right, call the school.")),
        WhomToCall(contents.schools),
    )


def _own(change: GuardianshipChange, at: Moment, student: str) -> Sentence:
    match change:
        case GuardianshipChange.CONFIRMED:
            return say("On %(at)s the school confirmed that you are a guardian of %(student)s.", at=at, student=student)
        case GuardianshipChange.RESTRICTION_LIFTED:
            return say(
                "On %(at)s a restriction was lifted that kept %(student)s from being shown to you.",
                at=at,
                student=student,
            )
        case GuardianshipChange.PORTAL_GIVEN:
            return say("On %(at)s the school opened the portal for you and %(student)s.", at=at, student=student)
        case GuardianshipChange.PORTAL_TAKEN:
            return say("Since %(at)s the portal does not show you %(student)s any more.", at=at, student=student)
        case GuardianshipChange.CONSENT_GIVEN:
            return say(
                "On %(at)s consent was put on record: as far as age is concerned, the portal may show you %(student)s.",
                at=at,
                student=student,
            )
        case GuardianshipChange.CONSENT_WITHDRAWN:
            return say(
                "On %(at)s consent was withdrawn: once of age, %(student)s is not shown to you in the portal any more.",
                at=at,
                student=student,
            )
        case _:
            return say("On %(at)s you were put on record as a guardian of %(student)s.", at=at, student=student)


def _what_now(sight: Sight, student: str, rules: Rules) -> list[Block]:
    match sight:
        case Sight.OPEN:
            return [
                Paragraph(
                    say(
                        "You can see %(student)s in the portal now: sign in with your username and password as before.",
                        student=student,
                    )
                ),
                Link(say("Sign in"), rules.page(rules.log_on_page)),
            ]
        case Sight.NOT_OPENED:
            return [
                Paragraph(
                    say(
                        "To see %(student)s in the portal, open your account first. For that you need an activation "
                        "key: ask for one on this page.",
                        student=student,
                    )
                ),
                Link(say("Open your account"), rules.page(rules.activation_page)),
            ]
        case Sight.DISABLED:
            return [Paragraph(say("Your portal account is disabled. Call the school: it can enable it again."))]
        case Sight.NOT_CONFIRMED:
            return [
                Paragraph(
                    say(
                        "The portal does not show you %(student)s yet: the school's registrar has to confirm first "
                        "that you are a guardian. Call the school and ask what it needs for that.",
                        student=student,
                    )
                )
            ]
        case Sight.NO_PORTAL_MARK:
            return [
                Paragraph(
                    say(
                        "The portal does not show you %(student)s yet: the school's registrar has to open it for you. "
                        "Call the school and ask for that.",
                        student=student,
                    )
                )
            ]
        case Sight.NO_CONSENT:
            return [
                Paragraph(
                    say(
                        "The portal does not show you %(student)s yet: a student of eighteen years decides who may see "
                        "the record, and no consent is on record. The school's registrar can tell you how it is given.",
                        student=student,
                    )
                )
            ]


def student_not_shown(contents: StudentNotShown, _: Rules) -> Letter:
    """GUARDIANSHIP_CHANGED, to the guardian concerned who is kept away."""
    return letter(
        contents,
        say("The portal does not show you a student any more"),
        Paragraph(
            say(
                "On %(at)s the record of the district was changed: there is a student whom the portal does not show "
                "you any more.",
                at=Moment(contents.at),
            )
        ),
        Paragraph(say("So that nobody else learns of it, this letter does not say whom it is about, or why.")),
        WhomToCall(contents.schools),
    )


# ------------------------------------------------------------------------------------------------ another guardian's
def anothers_guardianship(contents: AnothersGuardianship, _: Rules) -> Letter:
    """GUARDIANSHIP_CHANGED, to another guardian, or to the student."""
    whom = (
        say("a guardian of %(student)s", student=contents.student)
        if contents.student is not None
        else say("one of your guardians")
    )
    return letter(
        contents,
        say("A guardian's access was changed"),
        Paragraph(_of(contents.change, Moment(contents.at), whom)),
        Paragraph(say("A letter does not say which guardian it is.")),
        _IF_UNEXPECTED,
        WhomToCall(contents.schools),
    )


def _of(change: GuardianshipChange, at: Moment, whom: Sentence) -> Sentence:
    match change:
        case GuardianshipChange.RECORDED:
            return say("On %(at)s the school put %(whom)s on record.", at=at, whom=whom)
        case GuardianshipChange.CONFIRMED:
            return say("On %(at)s the school confirmed %(whom)s.", at=at, whom=whom)
        case GuardianshipChange.REVOKED:
            return say("On %(at)s the access of %(whom)s was ended.", at=at, whom=whom)
        case GuardianshipChange.RESTRICTED:
            return say("On %(at)s a restriction on %(whom)s was put on record.", at=at, whom=whom)
        case GuardianshipChange.RESTRICTION_LIFTED:
            return say("On %(at)s a restriction on %(whom)s was lifted.", at=at, whom=whom)
        case GuardianshipChange.PORTAL_GIVEN:
            return say("On %(at)s the school opened the portal for %(whom)s.", at=at, whom=whom)
        case GuardianshipChange.PORTAL_TAKEN:
            return say("On %(at)s the school closed the portal for %(whom)s.", at=at, whom=whom)
        case GuardianshipChange.CONSENT_GIVEN:
            return say("On %(at)s consent to the access of %(whom)s was put on record.", at=at, whom=whom)
        case GuardianshipChange.CONSENT_WITHDRAWN:
            return say("On %(at)s consent to the access of %(whom)s was withdrawn.", at=at, whom=whom)


# ------------------------------------------------------------------------------------------------ households
def household_changed(contents: HouseholdChanged, _: Rules) -> Letter:
    """HOUSEHOLD_CHANGED."""
    at = Moment(contents.at)
    match contents.change:
        case HouseholdChange.ADDRESS:
            told = say("On %(at)s the school corrected the mailing address or the telephone of your household.", at=at)
        case HouseholdChange.MEMBER_ADDED:
            told = say("On %(at)s the school put a person on record as a member of your household.", at=at)
        case HouseholdChange.MEMBER_ENDED:
            told = say("On %(at)s the school noted that a person is not a member of your household any more.", at=at)
    return letter(
        contents,
        say("Your household's record was changed"),
        Paragraph(told),
        Paragraph(
            say(
                "This matters because schools ask for the address and the telephone on record when somebody calls "
                "them about an account."
            )
        ),
        _IF_UNEXPECTED,
        WhomToCall(contents.schools),
    )

"""What goes to the technicians, and their answers."""

from collections.abc import Iterable
from functools import reduce
from typing import Final

from db.languages import Sentence, say
from db.models import GateName
from db.rules import Rules
from mail.contents import WorkOrderOpened, WorkOrderResolved
from mail.letters.blocks import Fact, Facts, Letter, Moment, Paragraph
from mail.letters.opening import letter

#: What is the matter where a gate does not let through.
IN_THE_WAY: Final[dict[GateName, Sentence]] = {
    GateName.PERSON: say("no such person on record"),
    GateName.HOUSEHOLD: say("no household"),
    GateName.GUARDIANSHIP_RECORDED: say("guardianship not on record"),
    GateName.GUARDIANSHIP_CONFIRMED: say("guardianship not confirmed"),
    GateName.PORTAL_ACCESS: say("no portal mark"),
    GateName.NO_RESTRICTION: say("a restriction"),
    GateName.RIGHTS_NOT_TRANSFERRED: say("student of age, no consent"),
    GateName.STUDENT_ENROLLED: say("student not enrolled"),
    GateName.KEY_ISSUED: say("no activation key"),
    GateName.ACCOUNT_ACTIVATED: say("account not opened"),
    GateName.ACCOUNT_ENABLED: say("account disabled"),
    GateName.PASSWORD_SET: say("new password not set"),
    GateName.NOT_LOCKED: say("account locked for a while"),
}


def work_order_opened(contents: WorkOrderOpened, _: Rules) -> Letter:
    """WORK_ORDER_OPENED."""
    rows = [
        Fact(say("Parent or guardian"), contents.parent),
        Fact(say("Student"), contents.student),
        Fact(say("Student number"), contents.student_number),
        Fact(say("Problem"), contents.problem),
        Fact(say("Opened by"), contents.opened_by),
    ]
    if contents.in_the_way:
        rows.append(Fact(say("In the way"), _listed(IN_THE_WAY[gate] for gate in contents.in_the_way)))
    return letter(
        contents,
        say("Work order %(number)d", number=contents.number),
        Paragraph(say("A work order was opened on %(at)s, for what a registrar cannot mend.", at=Moment(contents.at))),
        Facts(tuple(row for row in rows if row.value)),
    )


def work_order_resolved(contents: WorkOrderResolved, _: Rules) -> Letter:
    """WORK_ORDER_RESOLVED."""
    rows = (Fact(say("Problem"), contents.problem), Fact(say("Resolution"), contents.resolution))
    return letter(
        contents,
        say("Work order %(number)d is resolved", number=contents.number),
        Paragraph(
            say(
                "The work order that you opened was resolved on %(at)s. Please check that the problem is gone.",
                at=Moment(contents.at),
            )
        ),
        Facts(rows),
    )


def _listed(sentences: Iterable[Sentence]) -> Sentence:
    return reduce(lambda before, after: say("%(before)s; %(after)s", before=before, after=after), sentences)

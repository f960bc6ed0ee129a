"""What goes to the technicians."""

from db.languages import say
from db.rules import Rules
from mail.contents import WorkOrderOpened
from mail.letters.blocks import Fact, Facts, Letter, Moment, Paragraph
from mail.letters.opening import letter


def work_order_opened(contents: WorkOrderOpened, _: Rules) -> Letter:
    """WORK_ORDER_OPENED."""
    rows = (
        Fact(say("Parent or guardian"), contents.parent),
        Fact(say("Student"), contents.student),
        Fact(say("Student number"), contents.student_number),
        Fact(say("Problem"), contents.problem),
        Fact(say("Opened by"), contents.opened_by),
    )
    return letter(
        contents,
        say("Work order %(number)d", number=contents.number),
        Paragraph(say("A work order was opened on %(at)s, for what a registrar cannot mend.", at=Moment(contents.at))),
        Facts(rows),
    )

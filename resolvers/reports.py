"""Reports: how accounts, guardians and students stand, listed or counted; on the screen by the page, and as a whole."""

from db.context import Context
from resolvers.report_catalogue import REPORTS
from resolvers.report_outcomes import Described, Export, ReportAsked, ReportName


def described(name: ReportName) -> Described:
    """What a report lists, and how it may be laid out by whoever may know the most of it."""
    return REPORTS[name].described


async def export(ctx: Context, asked: ReportAsked, purpose: str) -> Export:
    """A report as a whole, noted in the trail with its purpose before the first row.

    The rows come in batches that are looked up as they are wanted, in short statements; no transaction stays open, and
    the asker's rights are looked at again for each batch.

    Args:
        ctx: the request.
        asked: which report, of what, and how it is laid out.
        purpose: what it is for, in a few words, as it is kept in the trail.

    Raises:
        NotAllowed: nobody is signed in, or not somebody who may know of any row; also by `batches`, when the right
            ends while they are read.
        InvalidInput: a column, a filter, an order or a grouping that this report does not offer to this asker, a date
            that it needs, or no good purpose. The last word of each path is the field's.
    """
    raise NotImplementedError

"""Letters on their way, as tests of several journeys take them in hand."""

from db.models import Letter
from mail.outbox import LetterInHand, LetterKind


def in_hand(letter: Letter) -> LetterInHand:
    """The letter as a courier would hold it."""
    return LetterInHand(
        id=letter.id,
        kind=LetterKind(letter.kind),
        person_id=letter.person_id,
        address=letter.address,
        language=letter.language,
        facts=letter.facts,
        message_id=letter.message_id,
        promised_at=letter.promised_at,
        attempts=letter.attempts,
    )

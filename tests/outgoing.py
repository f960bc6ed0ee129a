"""Letters on their way, as tests of several journeys take them in hand."""

from collections.abc import Mapping
from email.message import EmailMessage

from db.context import Context
from db.models import Letter
from mail.outbox import Addressee, LetterInHand, LetterKind, Withdrawn, promise
from mail.preparing import prepare


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


async def prepared(
    ctx: Context,
    kind: LetterKind,
    person_id: int | None,
    address: str,
    facts: Mapping[str, object],
    *,
    language: str = "en",
) -> EmailMessage | Withdrawn:
    """A letter that was promised just now, as it would be sent."""
    [letter_id] = await promise(ctx, kind, [Addressee(person_id, address, language)], facts)
    ready = await prepare(ctx, in_hand(await Letter.get(id=letter_id)))
    return ready if isinstance(ready, Withdrawn) else ready.message


def text_of(mail: EmailMessage | Withdrawn) -> str:
    """What it says, in one line, after its subject."""
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(f"{mail['Subject']} {body.get_content()}".split())

"""Letters with keys on paper, for whole schools and grades: who gets one, with which key, and that it was printed.

Nothing is held while the letters are drawn, which takes a while: they are drawn first, with keys that are not yet on
record, and then all that they say is compared with the record once more, in the transaction that makes the keys and
notes each letter in the trail. Until then the file has a name that nobody knows, and a key that was never recorded
opens nothing.
"""

from collections import defaultdict
from collections.abc import Mapping

from db import sql, trail
from db.context import Context
from db.languages import Language, spoken
from db.queries import key_letters as queries
from db.trail import Note, Step
from resolvers.entitled import Batch, Entitled, WantedLetters, gather_letters, letters_wanted

__all__ = ["Batch", "WantedLetters", "languages_on_record", "letters_wanted", "note_printed"]


async def note_printed(ctx: Context, batch: Batch, languages: Mapping[int, tuple[Language, ...]]) -> bool:
    """Makes the new keys and notes each letter in the trail, in one transaction.

    No when anything that the letters say has changed since they were drawn: then nothing is done, and they have to be
    drawn again.

    Args:
        ctx: the operator's context, the same with which the batch was gathered.
        batch: the letters as they were drawn.
        languages: in which languages, by the person's id.
    """
    people, accounts = {one.person_id for one in batch.entitled}, {one.account_id for one in batch.entitled}
    async with sql.transaction():
        await queries.hold(people, accounts)
        again = Batch(batch.id, batch.wanted, [], defaultdict(list), [], batch.printable)
        await gather_letters(ctx, again)
        if again.entitled != batch.entitled:
            return False
        expired = [one.on_record.id for one in batch.entitled if one.on_record and one.account_id in batch.nonces]
        await queries.end_keys(expired)
        await _record_keys(ctx, batch)
        await trail.record_all(ctx, [_note_of_letter(batch, one, languages[one.person_id]) for one in batch.entitled])
    return True


async def _record_keys(ctx: Context, batch: Batch) -> None:
    version = ctx.keys.current
    digests = [ctx.keys.key_digest(ctx.keys.activation_key(nonce, version), version) for nonce in batch.nonces.values()]
    await queries.add_keys(
        list(batch.nonces),
        list(batch.nonces.values()),
        digests,
        version=version,
        issued_at=ctx.now,
        expires_at=ctx.now + ctx.rules.key_lifetime,
    )


def _note_of_letter(batch: Batch, one: Entitled, languages: tuple[Language, ...]) -> Note:
    return Note(
        Step.PRINT_KEY_LETTER,
        about_account_id=one.account_id,
        about_person_id=one.person_id,
        about_student_id=one.student_id,
        details={
            "batch": batch.id,
            "languages": list(languages),
            "capacity": one.capacity.value,
            "new_key": one.account_id in batch.nonces,
        },
    )


def languages_on_record(batch: Batch) -> dict[int, tuple[Language, ...]]:
    """In which languages each of them is written to; all, where none is on record."""
    return {one.person_id: spoken(one.language) for one in batch.entitled}

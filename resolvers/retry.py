"""The first answer to an activation, kept for a client that did not get it and asks again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from db.context import Context
from db.languages import say
from db.models import IdempotentAnswer
from db.queries import activation as queries
from db.secrets import seal, token_digest, unseal
from db.trail import Note
from policies import usernames
from policies.refusals import FieldProblem, InvalidInput, KeyNotAccepted
from resolvers.outcomes import NewSession, SignedIn
from resolvers.session import viewer_of

#: How long a retry with the same idempotency key gets the first answer.
RETRY_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Retry:
    """One try at an activation, and the way to the answer that an earlier one got.

    The answer's id depends on both keys, so that one idempotency key used for two accounts mixes nothing up.

    Raises:
        InvalidInput: when the idempotency key is too short to be nobody else's, or longer than any need be.
    """

    ctx: Context
    #: The activation key in its normal form.
    digits: str
    idempotency_key: str | None
    username: str
    password: str

    def __post_init__(self) -> None:
        if self.idempotency_key is not None and not 16 <= len(self.idempotency_key) <= 128:
            message = say("An idempotency key has 16 to 128 characters; a fresh UUID will do.")
            raise InvalidInput([FieldProblem(("input", "idempotencyKey"), message)])

    async def remember(self, account_id: int, session: NewSession) -> None:
        """Keeps the answer, sealed, in the transaction that opens the account."""
        if self.idempotency_key is None:
            return
        answer = orjson.dumps([session.token, session.device_token, session.expires_at])
        await IdempotentAnswer.create(
            id=self._id(self.idempotency_key),
            account_id=account_id,
            sealed=seal(answer, idempotency_key=self.idempotency_key, activation_key=self.digits),
            expires_at=self.ctx.now + RETRY_WINDOW,
        )

    async def first_answer(self, note: Note) -> SignedIn:
        """The answer to an earlier try with the same two keys, username and password.

        Raises:
            KeyNotAccepted: when there was none, or its session has ended or belongs to another service client.
        """
        if self.idempotency_key is None:
            raise KeyNotAccepted
        stored = await queries.idempotent_answer(self._id(self.idempotency_key), self.ctx.now)
        if stored is None or stored["username_folded"] != usernames.folded(self.username):
            raise KeyNotAccepted
        plain = unseal(bytes(stored["sealed"]), idempotency_key=self.idempotency_key, activation_key=self.digits)
        if plain is None or not await self.ctx.hasher.verify(stored["password_hash"], self.password):
            raise KeyNotAccepted
        token, device_token, expires_at = orjson.loads(plain)
        service = self.ctx.service
        session_id = await queries.session_id(token_digest(token), service.id if service else None)
        if session_id is None:
            raise KeyNotAccepted
        note.details["repeated"] = True
        session = NewSession(token, device_token, datetime.fromisoformat(expires_at))
        return SignedIn(await viewer_of(self.ctx, stored, session_id), session)

    def _id(self, idempotency_key: str) -> str:
        return self.ctx.keys.subject_digest("activate", f"{self.digits} {idempotency_key}").hex()

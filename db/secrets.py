"""The portal's secrets: proofs of SSNs, activation keys that can be shown again without being stored, session tokens,
second factors, what webhooks are signed with.

Nothing that leaves this module for the database can be read back or recomputed without the master secrets, which are
kept outside the database. The masters have version numbers, so that a new one can be brought in while rows made under
an old one still work: new rows are made under the highest version, and each row says which version it was made under.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import unicodedata
import zlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

MASTER_BYTES: Final = 32
NONCE_BYTES: Final = 16
#: What session and device tokens begin with, so that one that leaks into a log or a repository can be searched for.
SESSION_PREFIX: Final = "pas_"
DEVICE_PREFIX: Final = "pad_"
RECOVERY_PREFIX: Final = "par_"
#: Of a service client's API key, by which programs that look for leaked secrets know one.
CLIENT_KEY_PREFIX: Final = "pak_"
#: Of the id by which a service client says which one it is: no secret.
CLIENT_ID_PREFIX: Final = "pac_"
#: Of the secret that a webhook's receiver is given (standardwebhooks.com).
WEBHOOK_SECRET_PREFIX: Final = "whsec_"
#: Letters and digits that nobody takes for one another, on a screen or over the telephone (no 0 O 1 I L 5 S 8 B U V).
CODE_ALPHABET: Final = "234679ACDEFGHJKMNPQRTWXYZ"
CODE_LENGTH: Final = 10

_KEY: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_CLIENT_KEY: Final = re.compile(r"(pak_[A-Za-z0-9_-]{43})([0-9A-Za-z]{6})", re.ASCII)
_CLIENT_ID: Final = re.compile(r"pac_[A-Za-z0-9_-]{22}", re.ASCII)
_BASE_62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LINK_TOKEN: Final = re.compile(r"par_[A-Za-z0-9_-]{43}", re.ASCII)
_SSN: Final = re.compile(r"[0-9]{9}", re.ASCII)
_VERSION: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_LONGEST_KEY_TEXT: Final = 200
_URN: Final = "urn:uuid:"
_BRACES: Final = frozenset("{}[]()<>")
#: Strokes that people and word processors put between groups and that Unicode does not file under "dash".
_OTHER_DASHES: Final = frozenset("\u2212\u2043\u02d7_")


class Purpose(StrEnum):
    """What a subkey is for. A subkey of one purpose says nothing about those of the others (RFC 5869)."""

    SSN_PROOF = "ssn-proof"
    ACTIVATION_KEY = "activation-key"
    ACTIVATION_KEY_DIGEST = "activation-key-digest"
    RECOVERY_TOKEN = "recovery-token"
    RECOVERY_TOKEN_DIGEST = "recovery-token-digest"
    LIMIT_SUBJECT = "limit-subject"
    IDEMPOTENT_ANSWER = "idempotent-answer"
    SECOND_FACTOR = "second-factor"
    RECOVERY_CODE = "recovery-code"
    WEBHOOK_SECRET = "webhook-secret"
    TRAIL_ENTRY = "trail-entry"
    TRAIL_SEAL = "trail-seal"


class Keyring:
    """The master secrets by version, and what is derived from them. Its text form shows versions only."""

    __slots__ = ("_subkeys", "current")

    current: int

    def __init__(self, masters: Mapping[int, bytes]) -> None:
        """Take masters of at least 32 bytes each; the highest version is the current one. Raises ValueError."""
        if not masters:
            raise ValueError("At least one secret is needed.")
        for version, master in masters.items():
            if len(master) < MASTER_BYTES:
                raise ValueError(f"Secret number {version} is shorter than {MASTER_BYTES} bytes.")
        self.current = max(masters)
        self._subkeys = {
            version: {purpose: _subkey(master, purpose, version) for purpose in Purpose}
            for version, master in masters.items()
        }

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2:<base64url>,1:<base64url>`. Raises ValueError with one sentence that never repeats the secret."""
        masters: dict[int, bytes] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            number, colon, encoded = (piece.strip() for piece in part.partition(":"))
            if not colon or not _VERSION.fullmatch(number):
                raise ValueError("Each secret must be written as its number, a colon and the secret in base64url.")
            version = int(number)
            if version in masters:
                raise ValueError(f"Secret number {version} is given twice.")
            masters[version] = _decoded(encoded, version)
        return cls(masters)

    @staticmethod
    def generate() -> str:
        """A new first secret, in the form that `parse` reads: 32 bytes from the system's random source."""
        return "1:" + base64.urlsafe_b64encode(secrets.token_bytes(MASTER_BYTES)).decode().rstrip("=")

    @property
    def versions(self) -> frozenset[int]:
        """The versions at hand. Rows made under any other cannot be matched or shown any more."""
        return frozenset(self._subkeys)

    def ssn_proof(self, digits: str, version: int | None = None) -> bytes:
        """What is stored instead of an SSN: 32 bytes. Raises ValueError unless given nine ASCII digits."""
        if not _SSN.fullmatch(digits):
            raise ValueError("An SSN proof is made from nine digits.")
        return self._mac(Purpose.SSN_PROOF, version, digits.encode())

    def ssn_matches(self, digits: str, proof: bytes, version: int) -> bool:
        """Whether `proof` was made from these digits, in constant time; no for text of any other shape."""
        known = version if version in self._subkeys else None
        computed = self._mac(Purpose.SSN_PROOF, known, _bytes(digits))
        same = hmac.compare_digest(computed, proof)
        return same and known is not None

    def activation_key(self, nonce: bytes, version: int) -> str:
        """The key that belongs to a row's nonce: 32 lower-case hexadecimal digits, the same each time.

        Shaped as a UUID of version 8 (RFC 9562 §5.8), so 122 bits are the secret's. Raises ValueError for a nonce under
        16 bytes and LookupError when the secret of that version is gone.
        """
        if len(nonce) < NONCE_BYTES:
            raise ValueError(f"An activation key needs a nonce of at least {NONCE_BYTES} bytes.")
        octets = bytearray(self._mac(Purpose.ACTIVATION_KEY, version, nonce)[:16])
        octets[6] = (octets[6] & 0x0F) | 0x80
        octets[8] = (octets[8] & 0x3F) | 0x80
        return octets.hex()

    def key_digest(self, key: str, version: int | None = None) -> bytes:
        """What a key is looked up by: 32 bytes. Keyed, so that a stolen table cannot be compared with found keys.

        Raises ValueError unless the key went through `normalise_activation_key`, LookupError as `activation_key` does.
        """
        if not _KEY.fullmatch(key):
            raise ValueError("A key is looked up in its normal form of 32 hexadecimal digits.")
        return self._mac(Purpose.ACTIVATION_KEY_DIGEST, version, key.encode())

    def key_digests(self, key: str) -> list[bytes]:
        """The digest of `key` under every version at hand, the current one first: for looking it up."""
        return [self.key_digest(key, version) for version in sorted(self._subkeys, reverse=True)]

    def recovery_link_token(self, nonce: bytes, version: int) -> str:
        """The token of the link that belongs to a row's nonce, the same each time: a letter may be sent again.

        Raises LookupError when the secret of that version is gone.
        """
        mac = self._mac(Purpose.RECOVERY_TOKEN, version, nonce)
        return RECOVERY_PREFIX + base64.urlsafe_b64encode(mac).decode().rstrip("=")

    def recovery_token_digest(self, token: str, version: int | None = None) -> bytes:
        """What a code or a link's token is looked up by: 32 bytes. Keyed, because a code could be searched for."""
        return self._mac(Purpose.RECOVERY_TOKEN_DIGEST, version, _bytes(token))

    def recovery_token_digests(self, token: str) -> list[bytes]:
        """The digest under every version at hand, the current one first."""
        return [self.recovery_token_digest(token, version) for version in sorted(self._subkeys, reverse=True)]

    def subject_digest(self, kind: str, text: str) -> bytes:
        """What a limit is counted for (a student number, a username), unreadable: 16 bytes. The caller normalises."""
        return self._mac(Purpose.LIMIT_SUBJECT, None, _bytes(kind) + b"\0" + _bytes(text))[:16]

    def seal_second_factor(self, secret: bytes, account_id: int) -> tuple[bytes, int]:
        """An authenticator's secret as it is stored, and the version it was sealed under; of use to this account alone.

        Unlike the others it has to be read again, to work out the code of the moment (RFC 6238).
        """
        box = SecretBox(self._mac(Purpose.SECOND_FACTOR, self.current, _of_account(account_id)))
        return bytes(box.encrypt(secret)), self.current

    def open_second_factor(self, sealed: bytes, account_id: int, version: int) -> bytes | None:
        """What `seal_second_factor` was given; None when it was changed or another account's.

        Raises LookupError when the secret of that version is gone.
        """
        box = SecretBox(self._mac(Purpose.SECOND_FACTOR, version, _of_account(account_id)))
        try:
            return box.decrypt(sealed)
        except CryptoError:
            return None

    def recovery_digest(self, code: str, account_id: int, version: int | None = None) -> bytes:
        """What is stored of an account's recovery code: 32 bytes, keyed, as 50 random bits could be searched for."""
        return self._mac(Purpose.RECOVERY_CODE, version, _of_account(account_id) + _bytes(code))

    def recovery_digests(self, code: str, account_id: int) -> list[bytes]:
        """The digest of `code` under every version at hand: for finding it."""
        return [self.recovery_digest(code, account_id, version) for version in sorted(self._subkeys, reverse=True)]

    def webhook_secret(self, nonce: bytes, version: int) -> bytes:
        """The 32 bytes that sign what is sent to a webhook, the same each time.

        Raises LookupError when the secret of that version is gone.
        """
        return self._mac(Purpose.WEBHOOK_SECRET, version, nonce)

    def trail_mac(self, content: bytes, version: int | None = None) -> bytes:
        """What shows that a trail entry is as it was written: 32 bytes. Raises LookupError as `activation_key` does."""
        return self._mac(Purpose.TRAIL_ENTRY, version, content)

    def seal_digest(self, content: bytes, version: int | None = None) -> bytes:
        """What shows that a seal is as it was made: 32 bytes. Raises LookupError as `activation_key` does."""
        return self._mac(Purpose.TRAIL_SEAL, version, content)

    def __repr__(self) -> str:
        return f"<Keyring of versions {', '.join(map(str, sorted(self._subkeys)))}>"

    def _mac(self, purpose: Purpose, version: int | None, message: bytes) -> bytes:
        chosen = self.current if version is None else version
        if chosen not in self._subkeys:
            raise LookupError(f"There is no secret number {chosen}.")
        return hmac.digest(self._subkeys[chosen][purpose], message, "sha256")


def new_nonce() -> bytes:
    """A new row's share in its activation key: 16 random bytes."""
    return secrets.token_bytes(NONCE_BYTES)


def new_token(prefix: str) -> str:
    """A new secret for a client to keep: the prefix and 43 characters that carry 256 random bits."""
    return prefix + secrets.token_urlsafe(32)


def new_client_key() -> str:
    """A new API key: a token as above, and six characters that tell it from what only looks like one.

    They are its CRC-32 in base 62. Programs that look for leaked secrets can tell by them without asking, and a key
    that was cut short or mistyped is refused without a look into the database.
    """
    token = new_token(CLIENT_KEY_PREFIX)
    return token + _checksum(token)


def is_client_key(text: str) -> bool:
    """Whether the text has the form of an API key, checksum included."""
    found = _CLIENT_KEY.fullmatch(text)
    return found is not None and found[2] == _checksum(found[1])


def new_client_id() -> str:
    """A new id for a service client to say which one it is: no secret, and yet not to be guessed or counted."""
    return CLIENT_ID_PREFIX + secrets.token_urlsafe(16)


def is_client_id(text: str) -> bool:
    """Whether the text has the form of a service client's id."""
    return _CLIENT_ID.fullmatch(text) is not None


def _checksum(token: str) -> str:
    rest, signs = zlib.crc32(token.encode("ascii")), ""
    for _ in range(6):
        rest, place = divmod(rest, 62)
        signs = _BASE_62[place] + signs
    return signs


def new_code() -> str:
    """A new one-time code: 10 characters from 25, some 46 bits; it lives a day, and wrong ones are counted."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def normalise_recovery_token(text: str) -> str | None:
    """A one-time code or a link's token as people type, paste or scan it; None when it is neither.

    In a code, case, blanks and dashes do not matter.
    """
    if len(text) > _LONGEST_KEY_TEXT:
        return None
    token = text.strip()
    if _LINK_TOKEN.fullmatch(token):
        return token
    code = "".join(c for c in unicodedata.normalize("NFKC", text) if not _beside_the_point(c)).upper()
    return code if len(code) == CODE_LENGTH and set(code) <= set(CODE_ALPHABET) else None


def token_digest(token: str) -> bytes:
    """What is stored of a token: 32 bytes. No key is needed, since 256 random bits cannot be searched for."""
    return hashlib.sha256(_bytes(token)).digest()


def normalise_activation_key(text: str) -> str | None:
    """A key as people type, paste or scan it, as 32 lower-case hexadecimal digits; None when it is not one.

    Case, blanks, dashes of any kind, braces, full-width characters and a leading `urn:uuid:` do not matter.
    """
    if len(text) > _LONGEST_KEY_TEXT:
        return None
    kept = "".join(c for c in unicodedata.normalize("NFKC", text) if not _beside_the_point(c)).lower()
    kept = kept.removeprefix(_URN)
    return kept if _KEY.fullmatch(kept) else None


def seal(plain: bytes, *, idempotency_key: str, activation_key: str) -> bytes:
    """An answer kept for a retry, so that only a client that sends the same two keys again can read it."""
    return bytes(_retry_box(idempotency_key, activation_key).encrypt(plain))


def unseal(sealed: bytes, *, idempotency_key: str, activation_key: str) -> bytes | None:
    """What `seal` was given; None when either key differs or the sealed form was changed."""
    try:
        return _retry_box(idempotency_key, activation_key).decrypt(sealed)
    except CryptoError:
        return None


def _retry_box(idempotency_key: str, activation_key: str) -> SecretBox:
    # Each is hashed first: two fixed lengths side by side cannot be read as another pair.
    material = token_digest(idempotency_key) + token_digest(activation_key)
    return SecretBox(_subkey(material, Purpose.IDEMPOTENT_ANSWER, 1))


def _of_account(account_id: int) -> bytes:
    return account_id.to_bytes(8, "big")


def _subkey(master: bytes, purpose: Purpose, version: int) -> bytes:
    info = f"portal-access/{purpose}/{version}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(master)


def _decoded(encoded: str, version: int) -> bytes:
    bare = encoded.rstrip("=")
    try:
        master = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        # Cut off from its cause, which may carry the text.
        raise ValueError(f"Secret number {version} is not base64url.") from None
    if len(master) >= MASTER_BYTES and len(set(master)) < 8:
        raise ValueError(f"Secret number {version} is a placeholder and not random.")
    return master


def _beside_the_point(character: str) -> bool:
    # Cf: zero-width and direction marks, which come along when a key is copied from a page or a PDF.
    return (
        character.isspace()
        or character in _BRACES
        or character in _OTHER_DASHES
        or unicodedata.category(character) in {"Pd", "Cf"}
    )


def _bytes(text: str) -> bytes:
    # Lone surrogates can come in through JSON escapes; they must count as text like any other and never raise.
    return text.encode("utf-8", "surrogatepass")

"""The second factor of staff: the codes of an authenticator, the codes that stand in for it, and who needs one.

Codes are those of RFC 6238 as all authenticator applications show them: six digits, a new one every thirty seconds.
"""

import base64
import secrets
import unicodedata
from collections.abc import Collection
from datetime import datetime
from typing import Final

from pyotp import TOTP
from pyotp.exceptions import OTPVerificationError

from db.context import SECOND_FACTOR_ROLES, Context, Role, SecondFactor

#: Length of an authenticator's secret: 160 bits, as RFC 4226 §4 recommends.
SECRET_BYTES: Final = 20
#: Clocks may differ by one step: the code before and the code after the one of the moment are taken too (§5.2).
STEPS_ASIDE: Final = 1
RECOVERY_CODES: Final = 10

_DIGITS: Final = 6
#: Crockford's base 32: no letter in it looks like another sign. Ten of them carry 50 random bits.
_SIGNS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SIGNS_IN_CODE: Final = 10
_LOOK_ALIKES: Final = str.maketrans("OIL", "011")
_LONGEST_TEXT: Final = 64


# ------------------------------------------------------------------------------------------------ who needs one
def standing(ctx: Context, roles: Collection[Role], *, is_set_up: bool, given_at: datetime | None) -> SecondFactor:
    """Where a session stands: `roles` are those that staff are assigned, `given_at` is when a code was last given."""
    if SECOND_FACTOR_ROLES.isdisjoint(roles):
        return SecondFactor.NOT_NEEDED
    if not is_set_up:
        return SecondFactor.MISSING if ctx.rules.second_factor_required else SecondFactor.NOT_NEEDED
    return SecondFactor.FRESH if given_lately(ctx, given_at) else SecondFactor.STALE


def given_lately(ctx: Context, given_at: datetime | None) -> bool:
    """Whether a code was given in this session, and not too long ago for an action."""
    return given_at is not None and ctx.now - given_at < ctx.rules.second_factor_fresh


# ------------------------------------------------------------------------------------------------ the authenticator
def new_secret() -> bytes:
    """What an authenticator and the portal will share: 160 random bits."""
    return secrets.token_bytes(SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """The secret as it is typed into an authenticator: 32 signs of base 32 (RFC 4648)."""
    return base64.b32encode(secret).decode("ascii")


def secret_uri(secret: bytes, *, issuer: str, label: str) -> str:
    """The secret as a QR code carries it into an authenticator: `otpauth://totp/…`."""
    return TOTP(secret_text(secret)).provisioning_uri(name=label, issuer_name=issuer)


def step_of_code(secret: bytes, code: str, now: datetime) -> int | None:
    """The time step whose code this is, among that of the moment and its neighbours; None when it is none of these."""
    if len(code) != _DIGITS:
        return None
    try:
        return TOTP(secret_text(secret)).verify_and_get_timecode(code, for_time=now, valid_window=STEPS_ASIDE)
    except OTPVerificationError:
        return None


# ------------------------------------------------------------------------------------------------ codes as typed
def new_recovery_codes() -> list[str]:
    """Codes to be printed and put away, as they are shown: `7K2QM-4XWPN`."""
    return [
        "-".join("".join(secrets.choice(_SIGNS) for _ in range(_SIGNS_IN_CODE // 2)) for _ in range(2))
        for _ in range(RECOVERY_CODES)
    ]


def read_code(text: str) -> str | None:
    """A code as people type it, in its normal form; None when it can be neither an authenticator's nor a recovery code.

    Case, blanks and dashes do not matter, nor whether O or 0, I, L or 1 was typed in a recovery code.
    """
    if len(text) > _LONGEST_TEXT:
        return None
    plain = unicodedata.normalize("NFKC", text)
    kept = "".join(c for c in plain if not c.isspace() and unicodedata.category(c) not in {"Pd", "Cf"}).upper()
    if len(kept) == _DIGITS and kept.isascii() and kept.isdecimal():
        return kept
    kept = kept.translate(_LOOK_ALIKES)
    return kept if len(kept) == _SIGNS_IN_CODE and set(kept) <= set(_SIGNS) else None


def is_recovery_code(code: str) -> bool:
    """Which of the two a code in normal form is."""
    return len(code) == _SIGNS_IN_CODE

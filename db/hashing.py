"""Password hashing: slow on purpose, one at a time, and never in the way of people who are only reading.

argon2id through libsodium (PyNaCl), which releases the interpreter while it works. One thread a worker process: for
more hashes at once, run as many workers as there are cores. The default cost is that of the OWASP Password Storage
Cheat Sheet: 19 MiB, two passes, one lane.
"""

import asyncio
import contextlib
import os
import re
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.utils import random as random_bytes

_T = TypeVar("_T")

LONGEST_BYTES: Final = 4096

#: Exactly what libsodium writes and reads for a 16-byte salt and a 32-byte hash, canonical base64 included, so that
#: whatever passes costs a hash when verified. The bounds keep a damaged row from asking for all memory or an hour.
_ENCODED: Final = re.compile(
    r"\$argon2id\$v=19\$m=(?P<memory>[1-9][0-9]{0,6}),t=(?P<passes>[1-9][0-9]?),p=1"
    r"\$[A-Za-z0-9+/]{21}[AQgw]\$[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]",
    re.ASCII,
)
_NICENESS: Final = 10
_LEAST_MEMORY_KIB: Final = 8
_MOST_MEMORY_KIB: Final = 1024 * 1024


class HasherBusy(Exception):
    """More log-ins are waiting than this worker will take; the client should come back in a moment."""


def normal_form(password: str) -> str:
    """One spelling for what looks the same on different keyboards: NFKC (NIST SP 800-63B-4 §3.1.1.2, UAX 15)."""
    return unicodedata.normalize("NFKC", password)


def normalised(password: str) -> bytes:
    """What is hashed: every character of the normal form, nothing cut off, as UTF-8."""
    return normal_form(password).encode("utf-8", "surrogatepass")


class PasswordHasher:
    """Hashes and verifies in a thread of its own. `computed` counts the hashes that were computed for callers."""

    def __init__(self, *, memory_kib: int = 19456, passes: int = 2, queue: int = 256) -> None:
        """Take the cost of a hash and how many callers may wait. Raises ValueError below libsodium's least cost."""
        self.memory_kib = memory_kib
        self.passes = passes
        self.computed = 0
        self._queue = queue
        self._waiting = 0
        # For accounts that do not exist: a password that nobody knows, at the same cost.
        self._decoy = self._encode(random_bytes(32))
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2id", initializer=_give_way)

    async def hash(self, password: str) -> str:
        """The encoded hash to store. Raises ValueError over 4096 bytes, HasherBusy when too many are waiting."""
        return await self._in_turn(partial(self._hash, password))

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Whether `password` is the one that `encoded` was made from; always at the price of exactly one hash.

        None (nobody by that name), a damaged `encoded` and an overlong password cost the same and never match.
        Raises HasherBusy when too many are waiting.
        """
        return await self._in_turn(partial(self._verify, encoded, password))

    def needs_rehash(self, encoded: str) -> bool:
        """Whether `encoded` was made at another cost, or by another algorithm, than new hashes are."""
        return _cost(encoded) != (self.memory_kib, self.passes)

    def close(self) -> None:
        """Let the running hash finish, drop those that wait, and end the thread."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _in_turn(self, work: Callable[[], _T]) -> _T:
        if self._waiting >= self._queue:
            raise HasherBusy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def _hash(self, password: str) -> str:
        secret = _within_bounds(password)
        if secret is None:
            raise ValueError(f"A password may have at most {LONGEST_BYTES} bytes.")
        self.computed += 1
        return self._encode(secret)

    def _verify(self, encoded: str | None, password: str) -> bool:
        secret = _within_bounds(password)
        if secret is None or encoded is None or _cost(encoded) is None:
            self._matches(self._decoy, secret or b"")
            return False
        return self._matches(encoded, secret)

    def _matches(self, encoded: str, secret: bytes) -> bool:
        self.computed += 1
        try:
            return argon2id.verify(encoded.encode("ascii"), secret)
        except CryptoError:
            return False

    def _encode(self, secret: bytes) -> str:
        return argon2id.str(secret, opslimit=self.passes, memlimit=self.memory_kib * 1024).decode("ascii")


def _give_way() -> None:
    """Lets those go first who only read: on busy cores a hash hardly notices, and a read takes half as long."""
    if sys.platform == "linux":  # elsewhere niceness belongs to the process, not to the thread
        with contextlib.suppress(OSError):
            os.nice(_NICENESS)


def _cost(encoded: str) -> tuple[int, int] | None:
    """Memory in KiB and passes of a hash that can be verified; None when it is damaged or none of ours."""
    found = _ENCODED.fullmatch(encoded)
    if found is None:
        return None
    memory, passes = int(found["memory"]), int(found["passes"])
    return (memory, passes) if _LEAST_MEMORY_KIB <= memory <= _MOST_MEMORY_KIB else None


def _within_bounds(password: str) -> bytes | None:
    # Measured before normalising as well, which costs more than linear time on long runs of combining marks.
    if len(password) > LONGEST_BYTES:
        return None
    secret = normalised(password)
    return secret if len(secret) <= LONGEST_BYTES else None

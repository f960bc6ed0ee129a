"""Password hashing: one hash whatever is asked, none on the event loop, never more waiting than allowed."""

import asyncio
import re
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.pwhash import argon2id

from db.hashing import LONGEST_BYTES, HasherBusy, PasswordHasher, normalised

PASSWORD = "four purple goats sing"
#: The least that libsodium does: these tests are about what is computed, not about what it costs.
MEMORY_KIB, PASSES = 8, 1


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    hasher = PasswordHasher(memory_kib=MEMORY_KIB, passes=PASSES)
    yield hasher
    hasher.close()


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every encoded hash that libsodium was asked about."""
    asked: list[str] = []
    verify = argon2id.verify

    def noted(encoded: bytes, password: bytes) -> bool:
        asked.append(encoded.decode())
        return verify(encoded, password)

    monkeypatch.setattr(argon2id, "verify", noted)
    return asked


class Gate:
    """Holds the hashing thread until it is opened, so that a queue can be looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self.threads: set[str] = set()
        hash_now = argon2id.str

        def held(*args: Any, **kwargs: Any) -> bytes:
            self.threads.add(threading.current_thread().name)
            self.reached.set()
            assert self.opened.wait(30)
            return hash_now(*args, **kwargs)

        monkeypatch.setattr(argon2id, "str", held)


async def test_the_right_password_matches_and_another_does_not(hasher: PasswordHasher) -> None:
    encoded = await hasher.hash(PASSWORD)
    assert await hasher.verify(encoded, PASSWORD)
    assert not await hasher.verify(encoded, PASSWORD + " ")
    assert not await hasher.verify(encoded, PASSWORD.title())
    assert not await hasher.verify(encoded, "")
    assert await hasher.hash(PASSWORD) != encoded


async def test_the_default_cost_is_what_is_written_in_the_hash() -> None:
    hasher = PasswordHasher()
    encoded = await hasher.hash(PASSWORD)
    assert re.fullmatch(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}", encoded)
    assert await hasher.verify(encoded, PASSWORD)
    hasher.close()


async def test_a_hash_made_elsewhere_with_the_same_library_form_is_understood(hasher: PasswordHasher) -> None:
    encoded = argon2id.str(normalised(PASSWORD), opslimit=3, memlimit=64 * 1024).decode()
    assert await hasher.verify(encoded, PASSWORD)
    assert hasher.needs_rehash(encoded)


# ---------------------------------------------------------------- nobody home looks like somebody home


async def test_somebody_and_nobody_cost_exactly_one_hash_of_the_same_parameters(
    hasher: PasswordHasher, verified: list[str]
) -> None:
    encoded = await hasher.hash(PASSWORD)
    for who, password in ((encoded, PASSWORD), (encoded, "wrong"), (None, PASSWORD), (None, "")):
        before, asked = hasher.computed, len(verified)
        await hasher.verify(who, password)
        assert hasher.computed == before + 1
        assert len(verified) == asked + 1
        assert not hasher.needs_rehash(verified[-1])


#: A hash whose salt and digest are all zero bits is as good as any: nothing is known to match it.
SOUND = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${'A' * 22}${'A' * 43}"
DAMAGED = {
    "empty": "",
    "not a hash": "password",
    "cut": SOUND[:-1],
    "longer": SOUND + "A",
    "a line break after it": SOUND + "\n",
    "other algorithm": SOUND.replace("argon2id", "argon2i"),
    "other version": SOUND.replace("v=19", "v=16"),
    "all memory": SOUND.replace("m=8", "m=9999999"),
    "less memory than possible": SOUND.replace("m=8", "m=7"),
    "forever": SOUND.replace("t=1", "t=100"),
    "two lanes": SOUND.replace("p=1", "p=2"),
    "digest with bits to spare": SOUND[:-1] + "B",
    "salt with bits to spare": SOUND.replace("A$", "B$"),
    "not ASCII": SOUND[:-1] + "é",
    "a lone surrogate": SOUND[:-1] + "\ud800",
    "very long": SOUND + "A" * 5000,
}


async def test_a_sound_hash_that_does_not_match_is_what_gets_computed(
    hasher: PasswordHasher, verified: list[str]
) -> None:
    assert not await hasher.verify(SOUND, PASSWORD)
    assert verified == [SOUND]
    assert not hasher.needs_rehash(SOUND)


@pytest.mark.parametrize("damage", DAMAGED)
async def test_a_damaged_hash_matches_nothing_and_costs_one_hash_all_the_same(
    hasher: PasswordHasher, verified: list[str], damage: str
) -> None:
    damaged = DAMAGED[damage]
    assert not await hasher.verify(damaged, PASSWORD)
    assert hasher.computed == 1
    assert len(verified) == 1
    assert not hasher.needs_rehash(verified[0]), "what was computed is the decoy, at the usual cost"
    assert hasher.needs_rehash(damaged)


async def test_the_decoy_does_not_match_even_its_own_password(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argon2id, "verify", lambda *_: True)
    assert not await hasher.verify(None, "anything")
    assert not await hasher.verify("damaged", "anything")


async def test_an_overlong_password_is_never_cut_to_match(hasher: PasswordHasher, verified: list[str]) -> None:
    longest = "é" * (LONGEST_BYTES // 2)
    encoded = await hasher.hash(longest)
    assert await hasher.verify(encoded, longest)
    assert not await hasher.verify(encoded, longest[:-1])
    before = hasher.computed
    for overlong in (longest + "x", "x" * (LONGEST_BYTES + 1), "ﷺ" * 2000, "x" * 1_000_000):
        with pytest.raises(ValueError, match="at most 4096 bytes"):
            await hasher.hash(overlong)
        assert not await hasher.verify(encoded, overlong)
    assert hasher.computed == before + 4
    assert len(verified) == 6


# ---------------------------------------------------------------- one spelling


@pytest.mark.parametrize(
    ("typed_here", "typed_there"),
    [
        ("contraseña larga", "contrasen\u0303a larga"),
        ("ｐａｓｓｗｏｒｄ　ｗｉｄｅ", "password wide"),
        ("ﬁne ﬂour", "fine flour"),
        ("Å", "\u212b"),
    ],
)
async def test_what_looks_the_same_is_the_same_password(
    hasher: PasswordHasher, typed_here: str, typed_there: str
) -> None:
    assert typed_here != typed_there
    assert await hasher.verify(await hasher.hash(typed_here), typed_there)


@given(st.text(st.characters() | st.sampled_from("\ud800\udfff\0\u0301"), max_size=300))
def test_normalising_never_raises_and_is_done_once(password: str) -> None:
    once = normalised(password)
    assert normalised(once.decode("utf-8", "surrogatepass")) == once


@pytest.mark.parametrize("password", ["nul\0inside", "nul", "\ud800", "🐘" * 40, " ", ""])
async def test_every_character_counts(hasher: PasswordHasher, password: str) -> None:
    encoded = await hasher.hash(password)
    assert await hasher.verify(encoded, password)
    assert not await hasher.verify(encoded, password + "x")
    assert not await hasher.verify(encoded, password.partition("\0")[0] + "\0")


# ---------------------------------------------------------------- old parameters


@pytest.mark.parametrize(("memory_kib", "passes"), [(8, 1), (9, 1), (8, 2)])
async def test_a_hash_at_another_cost_is_made_anew(hasher: PasswordHasher, memory_kib: int, passes: int) -> None:
    other = PasswordHasher(memory_kib=memory_kib, passes=passes)
    encoded = await other.hash(PASSWORD)
    other.close()
    assert hasher.needs_rehash(encoded) is ((memory_kib, passes) != (MEMORY_KIB, PASSES))
    assert await hasher.verify(encoded, PASSWORD)


# ---------------------------------------------------------------- the thread and the queue


async def test_hashing_happens_in_one_thread_of_its_own(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    gate.opened.set()
    await asyncio.gather(*(hasher.hash(PASSWORD) for _ in range(20)))
    assert len(gate.threads) == 1
    assert threading.current_thread().name not in gate.threads
    assert hasher.computed == 20


async def test_the_event_loop_goes_on_while_a_hash_is_computed(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    hashing = asyncio.create_task(hasher.hash(PASSWORD))
    assert await asyncio.to_thread(gate.reached.wait, 30)
    assert not hashing.done()
    gate.opened.set()
    assert await hasher.verify(await hashing, PASSWORD)


async def test_libsodium_lets_other_threads_run_while_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """If it held the interpreter, the event loop would not turn even once while a hash is computed."""
    slow = PasswordHasher(memory_kib=65536, passes=4)
    at_work = False
    hash_now = argon2id.str

    def watched(*args: Any, **kwargs: Any) -> bytes:
        nonlocal at_work
        at_work = True
        try:
            return hash_now(*args, **kwargs)
        finally:
            at_work = False

    monkeypatch.setattr(argon2id, "str", watched)
    usual = sys.getswitchinterval()
    # No thread is interrupted: another one runs only when the one that runs lets it.
    sys.setswitchinterval(100)
    try:
        hashing = asyncio.create_task(slow.hash(PASSWORD))
        turns = 0
        while not hashing.done():
            await asyncio.sleep(0)
            turns += at_work
    finally:
        sys.setswitchinterval(usual)
        slow.close()
    assert turns > 0


async def test_more_than_the_queue_takes_are_sent_away_and_the_rest_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hasher = PasswordHasher(memory_kib=MEMORY_KIB, passes=PASSES, queue=3)
    gate = Gate(monkeypatch)
    waiting = [asyncio.create_task(hasher.hash(PASSWORD)) for _ in range(3)]
    await asyncio.sleep(0)
    for refused in (hasher.hash(PASSWORD), hasher.verify(None, PASSWORD)):
        with pytest.raises(HasherBusy):
            await refused
    gate.opened.set()
    assert len(set(await asyncio.gather(*waiting))) == 3
    assert hasher.computed == 3
    assert not await hasher.verify(None, PASSWORD), "there is room again"
    hasher.close()


async def test_a_client_that_leaves_frees_its_place_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = PasswordHasher(memory_kib=MEMORY_KIB, passes=PASSES, queue=2)
    gate = Gate(monkeypatch)
    first, leaver = asyncio.create_task(hasher.hash(PASSWORD)), asyncio.create_task(hasher.hash(PASSWORD))
    await asyncio.sleep(0)
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    third = asyncio.create_task(hasher.hash(PASSWORD))
    await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.gather(first, third)
    assert hasher.computed == 2
    hasher.close()


async def test_a_failure_frees_its_place() -> None:
    hasher = PasswordHasher(memory_kib=MEMORY_KIB, passes=PASSES, queue=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="at most"):
            await hasher.hash("x" * 5000)
    assert await hasher.hash(PASSWORD)
    hasher.close()


def test_a_cost_below_the_least_possible_is_refused() -> None:
    for memory_kib, passes in ((7, 1), (8, 0)):
        with pytest.raises(ValueError, match="limit"):
            PasswordHasher(memory_kib=memory_kib, passes=passes)

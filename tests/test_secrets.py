"""The portal's secrets: what is stored cannot be read back; a key can be shown again from its row and the secret."""

import base64
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import secrets
from db.secrets import Keyring, normalise_activation_key, seal, unseal

OLD, NEW = bytes(range(32)), bytes(range(100, 140))
NONCE = bytes(range(16))
SHARED = bytes(range(20))
ANY_TEXT = st.text(st.characters() | st.sampled_from("\ud800\udfff\0\u0301"))
KEYS = st.binary(min_size=16, max_size=16).map(bytes.hex)


def b64(master: bytes) -> str:
    return base64.urlsafe_b64encode(master).decode()


@pytest.fixture
def keys() -> Keyring:
    return Keyring({1: OLD, 2: NEW})


# ---------------------------------------------------------------- reading the setting


def test_masters_are_read_by_number_and_the_highest_is_current() -> None:
    keys = Keyring.parse(f" 1 : {b64(OLD)} ,2:{b64(NEW).rstrip('=')}, ")
    assert keys.current == 2
    assert keys.versions == {1, 2}
    for version, same in ((1, Keyring({1: OLD})), (2, Keyring({2: NEW}))):
        assert keys.activation_key(NONCE, version) == same.activation_key(NONCE, version)


def test_a_generated_secret_is_readable_and_new_each_time() -> None:
    one, other = Keyring.generate(), Keyring.generate()
    assert one != other
    assert Keyring.parse(one).current == 1
    assert Keyring.parse(one).ssn_proof("123456789") != Keyring.parse(other).ssn_proof("123456789")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "At least one secret is needed."),
        (" , ", "At least one secret is needed."),
        (b64(OLD), "Each secret must be written as its number, a colon and the secret in base64url."),
        (f"x:{b64(OLD)}", "Each secret must be written as its number, a colon and the secret in base64url."),
        (f"0:{b64(OLD)}", "Each secret must be written as its number, a colon and the secret in base64url."),
        (f"٣:{b64(OLD)}", "Each secret must be written as its number, a colon and the secret in base64url."),
        (f"1:{b64(OLD)},1:{b64(NEW)}", "Secret number 1 is given twice."),
        ("3:not base64!", "Secret number 3 is not base64url."),
        (f"3:{b64(OLD)[:-1]}ñ", "Secret number 3 is not base64url."),
        (f"3:{b64(OLD)}=====A", "Secret number 3 is not base64url."),
        (f"3:{b64(OLD[:31])}", "Secret number 3 is shorter than 32 bytes."),
        ("3:", "Secret number 3 is shorter than 32 bytes."),
        (f"3:{b64(bytes(32))}", "Secret number 3 is a placeholder and not random."),
        (f"3:{'A' * 43}", "Secret number 3 is a placeholder and not random."),
    ],
)
def test_a_bad_setting_is_one_plain_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$") as refused:
        Keyring.parse(text)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@given(ANY_TEXT)
def test_no_setting_gives_anything_but_a_keyring_or_that_sentence(text: str) -> None:
    try:
        Keyring.parse(text)
    except ValueError as refused:
        assert str(refused).endswith(".")  # noqa: PT017 - either outcome is right


def test_a_keyring_never_shows_its_secrets(keys: Keyring) -> None:
    assert repr(keys) == str(keys) == f"{keys}" == "<Keyring of versions 1, 2>"
    assert f"{[keys]}" == "[<Keyring of versions 1, 2>]"


def test_no_masters_or_short_masters_are_refused() -> None:
    with pytest.raises(ValueError, match="At least one"):
        Keyring({})
    with pytest.raises(ValueError, match="Secret number 7 is shorter"):
        Keyring({7: b"short"})


# ---------------------------------------------------------------- SSN proofs


def test_a_proof_is_matched_by_the_same_digits_only(keys: Keyring) -> None:
    proof = keys.ssn_proof("123456789")
    assert len(proof) == 32
    assert keys.ssn_matches("123456789", proof, 2)
    assert not keys.ssn_matches("123456780", proof, 2)
    assert not keys.ssn_matches("123456789", proof, 1)
    assert not keys.ssn_matches("123456789", proof[:31], 2)
    assert not keys.ssn_matches("123456789", b"", 2)


def test_a_proof_made_under_an_old_secret_is_still_matched(keys: Keyring) -> None:
    before = Keyring({1: OLD}).ssn_proof("123456789")
    assert keys.ssn_matches("123456789", before, 1)
    assert keys.ssn_proof("123456789", 1) == before
    assert keys.ssn_proof("123456789") != before


def test_a_proof_whose_secret_is_gone_is_matched_by_nothing() -> None:
    proof = Keyring({2: NEW}).ssn_proof("123456789")
    # Not even when the number in the row is damaged in such a way that the current secret would fit.
    assert not Keyring({2: NEW}).ssn_matches("123456789", proof, 9)


@pytest.mark.parametrize(
    "digits", ["", "12345678", "1234567890", "123-45-6789", " 123456789", "12345678a", "１２３４５６７８９"]
)
def test_a_proof_is_made_of_nine_digits_and_the_error_does_not_tell_them(keys: Keyring, digits: str) -> None:
    with pytest.raises(ValueError, match=r"^An SSN proof is made from nine digits\.$"):
        keys.ssn_proof(digits)
    assert not keys.ssn_matches(digits, bytes(32), 2)


@given(ANY_TEXT, st.binary(max_size=40), st.integers())
def test_matching_never_raises(text: str, proof: bytes, version: int) -> None:
    assert not Keyring({1: OLD}).ssn_matches(text, proof, version)


# ---------------------------------------------------------------- activation keys


@given(st.binary(min_size=16, max_size=64), st.sampled_from([1, 2]))
def test_a_key_has_the_shape_of_a_version_8_uuid_and_is_the_same_each_time(nonce: bytes, version: int) -> None:
    keys = Keyring({1: OLD, 2: NEW})
    key = keys.activation_key(nonce, version)
    assert re.fullmatch("[0-9a-f]{32}", key)
    assert uuid.UUID(key).version == 8
    assert uuid.UUID(key).variant == uuid.RFC_4122
    assert key == Keyring({1: OLD, 2: NEW}).activation_key(nonce, version)


def test_another_nonce_or_another_secret_gives_another_key(keys: Keyring) -> None:
    several = {keys.activation_key(secrets.new_nonce(), version) for version in (1, 2) for _ in range(200)}
    assert len(several) == 400
    assert keys.activation_key(NONCE, 1) != keys.activation_key(NONCE, 2)


def test_the_same_master_under_two_numbers_gives_different_keys() -> None:
    keys = Keyring({1: OLD, 2: OLD})
    assert keys.activation_key(NONCE, 1) != keys.activation_key(NONCE, 2)


def test_a_key_whose_secret_is_gone_cannot_be_shown(keys: Keyring) -> None:
    with pytest.raises(LookupError, match="There is no secret number 3"):
        keys.activation_key(NONCE, 3)


def test_a_short_nonce_is_refused(keys: Keyring) -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        keys.activation_key(NONCE[:15], 1)


def test_a_key_is_found_by_its_digest_under_any_version(keys: Keyring) -> None:
    key = keys.activation_key(NONCE, 1)
    assert keys.key_digests(key) == [keys.key_digest(key, 2), keys.key_digest(key, 1)]
    assert keys.key_digest(key) == keys.key_digest(key, 2)
    assert len(keys.key_digest(key)) == 32
    assert Keyring({1: OLD}).key_digest(key) in keys.key_digests(key)


def test_a_digest_cannot_be_made_without_the_secret(keys: Keyring) -> None:
    key = keys.activation_key(NONCE, 1)
    assert secrets.token_digest(key) not in keys.key_digests(key)
    assert keys.key_digests(key) != Keyring({1: NEW, 2: OLD}).key_digests(key)


def test_only_keys_in_normal_form_are_looked_up(keys: Keyring) -> None:
    for text in ("", "A" * 32, "0" * 31, str(uuid.UUID(int=5))):
        with pytest.raises(ValueError, match="normal form"):
            keys.key_digests(text)


# ---------------------------------------------------------------- a key as people write it

PLAIN = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "written",
    [
        PLAIN,
        PLAIN.upper(),
        "01234567-89ab-cdef-0123-456789abcdef",
        "{01234567-89AB-CDEF-0123-456789ABCDEF}",
        "urn:uuid:01234567-89ab-cdef-0123-456789abcdef",
        "URN:UUID:01234567-89ab-cdef-0123-456789abcdef",
        " 0123 4567 89ab cdef\n0123 4567\t89ab cdef ",
        "01234567‐89ab‑cdef‒0123–456789abcdef",
        "01234567—89ab―cdef−0123－456789abcdef",
        "０１２３４５６７８９ａｂｃｄｅｆ0123456789ＡＢＣＤＥＦ",
        "\ufeff0123456789abcdef\u200b0123456789abcdef\u200e",
        "0123\u00a04567\u202f89ab\u3000cdef0123456789abcdef",
        "(0123456789abcdef)[0123456789abcdef]",
        "0123\u00ad4567_89abcdef0123456789abcdef",
    ],
)
def test_dashes_braces_blanks_and_case_do_not_matter(written: str) -> None:
    assert normalise_activation_key(written) == PLAIN


@pytest.mark.parametrize(
    "written",
    [
        "",
        PLAIN[:-1],
        PLAIN + "0",
        PLAIN[:-1] + "g",
        PLAIN[:-1] + "٣",
        "uuid:" + PLAIN,
        PLAIN + "urn:uuid:",
        "0x" + PLAIN,
        PLAIN + " " * 200,
        PLAIN[:-1] + "\ud800",
        PLAIN + "\0",
        "\n".join([PLAIN, PLAIN]),
    ],
)
def test_anything_else_is_no_key(written: str) -> None:
    assert normalise_activation_key(written) is None


@given(ANY_TEXT)
def test_any_text_is_a_key_in_normal_form_or_none(text: str) -> None:
    key = normalise_activation_key(text)
    assert key is None or re.fullmatch("[0-9a-f]{32}", key)


@given(KEYS, st.lists(st.tuples(st.integers(0, 31), st.sampled_from(list(" -–—{}\t\u200b−"))), max_size=40))
def test_whatever_is_put_between_the_digits_is_taken_out(key: str, put: list[tuple[int, str]]) -> None:
    written = list(key.upper())
    for place, sign in put:
        written.insert(place, sign)
    assert normalise_activation_key("".join(written)) == key


# ---------------------------------------------------------------- limits, tokens


def test_a_subject_is_unreadable_and_depends_on_its_kind(keys: Keyring) -> None:
    digests = {
        keys.subject_digest("student", "1001"),
        keys.subject_digest("student", "1002"),
        keys.subject_digest("username", "1001"),
        Keyring({2: OLD}).subject_digest("student", "1001"),
    }
    assert len(digests) == 4
    assert {len(digest) for digest in digests} == {16}
    assert keys.subject_digest("student", "1001") == Keyring({2: NEW}).subject_digest("student", "1001")


@given(ANY_TEXT)
def test_any_text_can_be_counted_for_and_any_text_can_be_a_wrong_token(text: str) -> None:
    assert len(Keyring({1: OLD}).subject_digest("username", text)) == 16
    assert len(secrets.token_digest(text)) == 32


def test_the_purposes_share_no_subkey(keys: Keyring) -> None:
    subkeys = [subkey for by_purpose in keys._subkeys.values() for subkey in by_purpose.values()]
    assert len(set(subkeys)) == len(subkeys) == 2 * len(secrets.Purpose)
    assert OLD not in subkeys
    assert NEW not in subkeys


def test_what_is_derived_stays_the_same_from_release_to_release() -> None:
    """A change here would make every key in the hands of a family, and every proof on record, worthless."""
    keys = Keyring({1: OLD})
    assert keys.activation_key(NONCE, 1) == "fa5bb16fc3e48a72a6492910bca5d126"
    assert keys.key_digest(PLAIN).hex() == "5063b924f5dc34577feb65f86bb8d4005154175b475f470cb81a16e6dd7114f6"
    assert keys.ssn_proof("123456789").hex() == "38a596af3fff12df3e6f0d4d7c8c16688a226460ece533f6d7d179943b87968a"
    assert keys.recovery_digest("7K2QM4XWPN", 7).hex() == (
        "8b1b3680d31e2c6785ac674f687a4ad781fee2596b570abe822a7e739fde9feb"
    )
    sealed = (
        "39d2411f997da0b7f72ad03ca8d0feecc270d72d3bbe50cc3a6a170427de"
        "b727692c6184eac3e2eb594d7ee3d9f3eaecc8cb873bac43a54f09af83aa"
    )
    assert keys.open_second_factor(bytes.fromhex(sealed), 7, 1) == SHARED


@pytest.mark.parametrize("prefix", [secrets.SESSION_PREFIX, secrets.DEVICE_PREFIX])
def test_a_token_is_recognisable_and_carries_256_bits(prefix: str) -> None:
    tokens = {secrets.new_token(prefix) for _ in range(100)}
    assert len(tokens) == 100
    for token in tokens:
        assert re.fullmatch(re.escape(prefix) + "[A-Za-z0-9_-]{43}", token)
        assert len(secrets.token_digest(token)) == 32
    assert len({secrets.token_digest(token) for token in tokens}) == 100


# ---------------------------------------------------------------- second factors


def test_a_second_factor_is_read_again_for_its_own_account_alone(keys: Keyring) -> None:
    sealed, version = keys.seal_second_factor(SHARED, 7)
    assert (len(sealed), version) == (60, 2)
    assert SHARED not in sealed
    assert keys.open_second_factor(sealed, 7, 2) == SHARED
    assert keys.seal_second_factor(SHARED, 7)[0] != sealed
    for account_id, other in ((8, 2), (7, 1)):
        assert keys.open_second_factor(sealed, account_id, other) is None
    for damaged in (b"", sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1])):
        assert keys.open_second_factor(damaged, 7, 2) is None
    with pytest.raises(LookupError):
        Keyring({1: OLD}).open_second_factor(sealed, 7, 2)


def test_a_recovery_code_is_found_by_its_digest_under_any_version_for_its_account(keys: Keyring) -> None:
    made_before = Keyring({1: OLD}).recovery_digest("7K2QM4XWPN", 7)
    assert made_before in keys.recovery_digests("7K2QM4XWPN", 7)
    assert keys.recovery_digest("7K2QM4XWPN", 7) in keys.recovery_digests("7K2QM4XWPN", 7)
    assert len(made_before) == 32
    assert made_before not in keys.recovery_digests("7K2QM4XWPN", 8)
    assert made_before not in keys.recovery_digests("7K2QM4XWPM", 7)


# ---------------------------------------------------------------- answers kept for a retry


def test_a_sealed_answer_opens_with_the_same_two_keys() -> None:
    sealed = seal(b"the answer", idempotency_key="retry-1", activation_key=PLAIN)
    assert b"the answer" not in sealed
    assert unseal(sealed, idempotency_key="retry-1", activation_key=PLAIN) == b"the answer"


@pytest.mark.parametrize(("retry", "key"), [("retry-2", PLAIN), ("retry-1", "f" * 32), ("", PLAIN), (PLAIN, "retry-1")])
def test_a_sealed_answer_stays_shut_to_any_other(retry: str, key: str) -> None:
    sealed = seal(b"the answer", idempotency_key="retry-1", activation_key=PLAIN)
    assert unseal(sealed, idempotency_key=retry, activation_key=key) is None


def test_the_two_keys_cannot_be_shifted_into_each_other() -> None:
    sealed = seal(b"the answer", idempotency_key="ab", activation_key="c")
    assert unseal(sealed, idempotency_key="a", activation_key="bc") is None


@given(st.binary(max_size=200))
def test_a_damaged_answer_is_none(damaged: bytes) -> None:
    assert unseal(damaged, idempotency_key="retry-1", activation_key=PLAIN) is None


@given(st.binary(max_size=200), ANY_TEXT, ANY_TEXT)
def test_any_answer_comes_back_whole(plain: bytes, retry: str, key: str) -> None:
    assert (
        unseal(seal(plain, idempotency_key=retry, activation_key=key), idempotency_key=retry, activation_key=key)
        == plain
    )

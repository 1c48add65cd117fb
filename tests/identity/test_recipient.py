"""Keys to seal to: known answers for both types, one spelling each, and the weak ones refused."""

from __future__ import annotations

import stat
from hashlib import sha3_256, sha256, shake_256
from hmac import digest as hmac
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from nacl.bindings import crypto_box_keypair, crypto_box_seal, crypto_sign_seed_keypair

from identity.canonical import b64decode
from identity.did import base58_decode, base58_encode, did_of
from identity.errors import Malformed, Unverifiable
from identity.keys import PublicKey, SigningKey, read_key, write_key
from identity.recipient import (
    HPKE_INFO,
    RECIPIENT_TYPES,
    SEALED_BYTES,
    Opener,
    Recipient,
    RecipientType,
    parse_recipient,
    read_either,
    read_opener,
    write_opener,
)
from tests.shared import shared

VECTORS = orjson.loads(Path(__file__).with_name("mlkem768-x25519.json").read_bytes())
KEY = bytes(range(32))
SMALL_ORDER = [  # of all orders that divide 8, and their other spellings (libsodium's own list, RFC 7748 section 6.1)
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def code_of(text: str) -> str:
    with pytest.raises(Malformed) as wrong:
        parse_recipient(text)
    return wrong.value.code


def hybrid_of(seed: bytes) -> Opener:
    """The key of a seed, as draft-connolly-cfrg-xwing-kem expands it."""
    expanded = shake_256(seed).digest(96)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    return Opener(X25519PrivateKey.from_private_bytes(expanded[64:]), mlkem)


def hpke_schedule(shared_secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and first nonce of HPKE's base mode (RFC 9180 section 5.1) in suite 0x647A, 1, 3; not by a library."""
    suite = b"HPKE" + bytes.fromhex("647a00010003")

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return hmac(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")

    def expand(prk: bytes, label: bytes, context: bytes, size: int) -> bytes:
        return hmac(prk, size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context + b"\1", "sha256")[:size]

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared_secret, b"secret", b"")
    return expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12)


def unhex(vector: dict[str, str]) -> dict[str, bytes]:
    return {name: bytes.fromhex(value) for name, value in vector.items()}


def test_the_hybrid_key_schedule_is_that_of_the_published_vector() -> None:
    vector = unhex(VECTORS["hpke"])
    assert hpke_schedule(vector["shared_secret"], vector["info"]) == (vector["key"], vector["base_nonce"])


@pytest.mark.parametrize(
    ("seed", "enc", "secret"),
    [
        tuple(VECTORS["hpke"][name] for name in ("skRm", "enc", "shared_secret")),
        tuple(VECTORS["xwing"][name] for name in ("seed", "ct", "ss")),
    ],
    ids=["draft-ietf-hpke-pq", "draft-connolly-cfrg-xwing-kem"],
)
def test_what_the_published_vectors_encapsulate_opens_a_data_key(seed: str, enc: str, secret: str) -> None:
    opener = hybrid_of(bytes.fromhex(seed))
    assert sha256(opener.public.raw).hexdigest() in (VECTORS["hpke"]["pk_sha256"], VECTORS["xwing"]["pk_sha256"])
    key, nonce = hpke_schedule(bytes.fromhex(secret), HPKE_INFO)
    sealed = bytes.fromhex(enc) + ChaCha20Poly1305(key).encrypt(nonce, KEY, b"")
    assert opener.open(sealed) == KEY


def test_what_is_sealed_to_a_hybrid_key_is_hpke_to_the_byte() -> None:
    """Decapsulated by hand: ML-KEM and X25519 apart, joined as draft-connolly-cfrg-xwing-kem section 5.3 says."""
    mlkem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
    opener = Opener(x25519, mlkem)
    sealed = opener.public.seal(KEY)
    ct_m, ct_x = sealed[:1088], sealed[1088:1120]
    ss_x = x25519.exchange(X25519PublicKey.from_public_bytes(ct_x))
    joined = mlkem.decapsulate(ct_m) + ss_x + ct_x + opener.public.raw[1184:] + b"\\.//^\\"
    key, nonce = hpke_schedule(sha3_256(joined).digest(), HPKE_INFO)
    assert ChaCha20Poly1305(key).decrypt(nonce, sealed[1120:], b"") == KEY


def test_an_ed25519_did_has_the_x25519_key_of_the_published_vectors() -> None:
    known = orjson.loads(shared("vectors/identity/did-key/did_key_known_answers.json").read_bytes())["dids"]
    tried = [one for one in known if "x25519_multibase" in one]
    assert len(tried) >= 3
    for one in tried:
        found = parse_recipient(one["did"])
        assert (str(found), found.raw.hex()) == (one["x25519_multibase"], one["x25519_hex"])


def test_the_private_half_of_an_ed25519_key_is_that_of_the_published_vectors() -> None:
    known: dict[str, Any] = orjson.loads(shared("vectors/identity/did-key/ed25519-x25519.json").read_bytes())
    assert len(known) == 5
    for did, one in known.items():
        opener = Opener.from_ed25519(bytes.fromhex(one["seed"]))
        agreement = one["keyAgreementKeyPair"]
        assert opener.public == parse_recipient(did) == parse_recipient(agreement["id"].rpartition("#")[2])
        written = agreement.get("privateKeyBase58")
        private = base58_decode(written) if written else b64decode(agreement["privateKeyJwk"]["d"])
        assert Opener(X25519PrivateKey.from_private_bytes(private)).public == opener.public


def test_an_x25519_did_is_a_recipient() -> None:
    known = orjson.loads(shared("vectors/identity/did-key/x25519.json").read_bytes())["didDocument"]
    for did, document in known.items():
        method = document["verificationMethod"][0]
        written = method.get("publicKeyBase58")
        raw = base58_decode(written) if written else b64decode(method["publicKeyJwk"]["x"])
        assert parse_recipient(did) == parse_recipient(did.removeprefix("did:key:")) == Recipient("x25519", raw)


def test_a_sealed_box_of_libsodium_opens() -> None:
    public, _ = crypto_sign_seed_keypair(b"\7" * 32)
    to = parse_recipient(did_of(PublicKey.ed25519(public)))
    assert Opener.from_ed25519(b"\7" * 32).open(crypto_box_seal(KEY, to.raw)) == KEY


@pytest.mark.parametrize("type_", RECIPIENT_TYPES)
def test_what_is_sealed_opens_with_that_key_alone(type_: RecipientType) -> None:
    mine, other = Opener.generate(type_), Opener.generate(type_)
    sealed = mine.public.seal(KEY)
    assert len(sealed) == SEALED_BYTES[type_]
    assert sealed != mine.public.seal(KEY)
    assert mine.open(sealed) == KEY
    for wrong in (other, Opener.generate(RECIPIENT_TYPES[type_ == "x25519"])):
        with pytest.raises(Unverifiable, match="sealed_for_others"):
            wrong.open(sealed)


@pytest.mark.parametrize("type_", RECIPIENT_TYPES)
def test_no_byte_of_what_is_sealed_can_change(type_: RecipientType) -> None:
    opener = Opener.generate(type_)
    sealed = opener.public.seal(KEY)
    for place in range(0, len(sealed), 1 if type_ == "x25519" else 7):
        changed = bytearray(sealed)
        changed[place] ^= 0x80
        with pytest.raises(Unverifiable, match="sealed_for_others"):
            opener.open(bytes(changed))


@pytest.mark.parametrize("type_", RECIPIENT_TYPES)
def test_a_public_key_has_one_spelling(type_: RecipientType) -> None:
    text = str(Opener.generate(type_).public)
    assert str(parse_recipient(text)) == text
    for changed in (text + "=", text + "1", " " + text, text + "\n", text[:-1], text.upper()):
        with pytest.raises(Malformed):
            parse_recipient(changed)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "recipient_malformed"),
        ("works@example.com", "recipient_malformed"),
        ("z" + "6" * 4096, "recipient_malformed"),
        ("did:webvh:QmX:example.com", "did_method_unsupported"),
        ("did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme", "did_key_type_unsupported"),
        ("z" + base58_encode(b"\xec\x01" + bytes(31)), "recipient_malformed"),
        ("mlkem768-x25519:AAAA", "recipient_malformed"),
        ("mlkem768-x25519:A+A=", "base64url_malformed"),
    ],
)
def test_what_is_no_recipient_is_refused_by_name(text: str, code: str) -> None:
    assert code_of(text) == code


def test_nothing_is_sealed_to_a_key_that_only_signs() -> None:
    assert code_of(did_of(SigningKey.from_seed("ES256", b"\1" * 32).public)) == "recipient_type"


@pytest.mark.parametrize("raw", SMALL_ORDER)
def test_x25519_keys_of_small_order_and_in_other_spellings_are_refused(raw: str) -> None:
    assert code_of("z" + base58_encode(b"\xec\x01" + bytes.fromhex(raw))) == "recipient_weak"
    with pytest.raises(Malformed, match="recipient_weak"):
        Recipient("mlkem768-x25519", MLKEM768PrivateKey.generate().public_key().public_bytes_raw() + bytes.fromhex(raw))


def test_an_x25519_key_with_its_unused_bit_set_is_refused() -> None:
    raw = bytearray(crypto_box_keypair()[0])
    raw[31] |= 0x80
    assert code_of("z" + base58_encode(b"\xec\x01" + raw)) == "recipient_weak"


@pytest.mark.parametrize(
    "point",
    [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    ],
)
def test_an_ed25519_key_of_small_order_receives_nothing(point: str) -> None:
    assert code_of("did:key:z" + base58_encode(b"\xed\x01" + bytes.fromhex(point))) == "public_key_invalid"


def test_an_mlkem_key_that_is_not_reduced_is_refused() -> None:
    raw = bytearray(Opener.generate("mlkem768-x25519").public.raw)
    raw[0:2] = b"\xff\xff"  # a coefficient of 4,095, where 3,328 is the largest (FIPS 203 section 7.2)
    with pytest.raises(Malformed, match="not reduced"):
        Recipient("mlkem768-x25519", bytes(raw))


def test_a_data_key_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes, not 31"):
        Opener.generate("x25519").public.seal(KEY[1:])


@pytest.mark.parametrize("type_", RECIPIENT_TYPES)
@pytest.mark.parametrize("passphrase", [None, b"secret"])
def test_a_key_file_is_read_again(tmp_path: Path, type_: RecipientType, passphrase: bytes | None) -> None:
    file, opener, asked = tmp_path / "x.key", Opener.generate(type_), []

    def ask() -> bytes:
        asked.append(1)
        return b"secret"

    write_opener(file, opener, passphrase)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (b"ENCRYPTED" in file.read_bytes()) == (passphrase is not None)
    assert read_opener(file, ask).public == opener.public
    assert len(asked) == (passphrase is not None)
    either = read_either(file, ask)
    assert isinstance(either, Opener)
    assert either.open(opener.public.seal(KEY)) == KEY
    with pytest.raises(Malformed, match="key_type_unsupported"):
        read_key(file, b"secret")
    with pytest.raises(Malformed, match="key_file_exists"):
        write_opener(file, opener)
    if passphrase is not None:
        with pytest.raises(Malformed, match="key_passphrase_wrong"):
            read_opener(file, b"other")


def test_an_empty_passphrase_seals_no_file(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="key_passphrase_needed"):
        write_opener(tmp_path / "x.key", Opener.generate("x25519"), b"")
    assert not (tmp_path / "x.key").exists()


def test_the_file_of_a_signing_key_opens_what_was_sealed_to_its_did(tmp_path: Path) -> None:
    file, key = tmp_path / "x.key", SigningKey.from_seed("Ed25519", b"\5" * 32)
    write_key(file, key)
    assert read_opener(file).open(parse_recipient(did_of(key.public)).seal(KEY)) == KEY
    either = read_either(file)
    assert isinstance(either, SigningKey)
    assert either.public == key.public


def test_key_files_that_hold_something_else_are_refused(tmp_path: Path) -> None:
    p256, turned, twice = (tmp_path / name for name in ("p256.key", "turned.key", "twice.key"))
    write_key(p256, SigningKey.from_seed("ES256", b"\5" * 32))
    with pytest.raises(Malformed, match="recipient_type"):
        read_opener(p256)
    hybrid = Opener.generate("mlkem768-x25519").pem()
    cut = hybrid.index(b"-----BEGIN", 1)
    for file, pem in ((turned, hybrid[cut:] + hybrid[:cut]), (twice, hybrid + hybrid)):
        file.write_bytes(pem)
        file.chmod(0o600)
        with pytest.raises(Malformed, match="key_type_unsupported"):
            read_opener(file)


def test_the_private_half_is_not_in_the_text_form() -> None:
    opener = Opener.generate("x25519")
    assert opener.public.raw.hex() not in repr(opener)
    assert sha256(opener.public.raw).hexdigest()[:16] in repr(opener)

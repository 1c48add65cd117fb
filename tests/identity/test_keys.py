"""Keys: known answers of others, the edge cases on which libraries disagree, and everything wrong with a key file."""

import base64
import hashlib
import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings as sodium

from identity.canonical import b64decode
from identity.errors import Malformed, Unverifiable
from identity.keys import ALGORITHMS, Algorithm, PublicKey, SigningKey, read_key, twin, write_key
from tests.shared import shared

PKCS8 = serialization.PrivateFormat.PKCS8
TRADITIONAL = serialization.PrivateFormat.TraditionalOpenSSL
SEED = bytes(range(32))
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the Ed25519 base point (RFC 8032 section 5.1)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
IDENTITY = bytes([1]) + bytes(31)

# Every byte string that some library decodes to one of the 8 points of small order.
SMALL_ORDER = [
    bytes.fromhex(text)
    for text in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
]
ORDER_8 = SMALL_ORDER[10]


def refused(key: PublicKey, message: bytes, signature: bytes) -> None:
    with pytest.raises(Unverifiable) as caught:
        key.verify(message, signature)
    assert caught.value.code == "signature_invalid"


# -- known answers -----------------------------------------------------------------------------------------------------


def test_rfc_8032_signatures_come_out_byte_for_byte() -> None:
    tests = json.loads(shared("vectors/signatures/rfc/rfc8032_ed25519.json").read_bytes())["tests"]
    assert len(tests) == 5
    for test in tests:
        key = SigningKey.from_seed("Ed25519", bytes.fromhex(test["secret_key_hex"]))
        message = bytes.fromhex(test["message_hex"])
        assert key.public == PublicKey.ed25519(bytes.fromhex(test["public_key_hex"]))
        assert key.sign(message).hex() == test["signature_hex"]
        key.public.verify(message, key.sign(message))


def wycheproof(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for group in json.loads(shared(f"vectors/signatures/wycheproof/{name}.json").read_bytes())["testGroups"]:
        for test in group["tests"]:
            yield group["publicKey"], test


def compressed(uncompressed: str) -> bytes:
    point = bytes.fromhex(uncompressed)
    return bytes([2 + point[64] % 2]) + point[1:33]


@pytest.mark.parametrize(("name", "count"), [("ed25519_test", 151), ("ecdsa_secp256r1_sha256_p1363_test", 262)])
def test_wycheproof_signatures_are_judged_as_expected(name: str, count: int) -> None:
    judged = 0
    for public, test in wycheproof(name):
        if "pk" in public:
            key = PublicKey.ed25519(bytes.fromhex(public["pk"]))
        else:
            key = PublicKey.p256(compressed(public["uncompressed"]))
        message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
        if test["result"] == "valid":
            key.verify(message, signature)
        else:
            refused(key, message, signature)
        judged += 1
    assert judged == count


def test_wycheproof_signatures_in_der_are_judged_as_expected_once_taken_apart() -> None:
    """What is wrong with r and s themselves; what is wrong with their DER has no counterpart here."""
    judged = {"valid": 0, "invalid": 0}
    for public, test in wycheproof("ecdsa_secp256r1_sha256_test"):
        der = bytes.fromhex(test["sig"])
        try:
            r, s = decode_dss_signature(der)
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        except (ValueError, OverflowError):
            assert test["result"] == "invalid"
            continue
        if encode_dss_signature(r, s) != der:
            continue
        key, message = PublicKey.p256(compressed(public["uncompressed"])), bytes.fromhex(test["msg"])
        if test["result"] == "valid":
            key.verify(message, signature)
        else:
            refused(key, message, signature)
        judged[test["result"]] += 1
    assert judged == {"valid": 174, "invalid": 75}


@pytest.mark.parametrize(
    ("message", "signature"),
    [
        (
            b"sample",
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
            "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        ),
        (
            b"test",
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
            "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
        ),
    ],
)
def test_rfc_6979_signatures_of_p_256_come_out_byte_for_byte(message: bytes, signature: str) -> None:
    # RFC 6979 appendix A.2.5, with SHA-256
    secret = bytes.fromhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
    assert SigningKey("ES256", secret).sign(message).hex().upper() == signature


def test_the_signature_of_rfc_7515_verifies_under_its_key() -> None:
    # RFC 7515 appendix A.3: the secret d and the JWS
    key = SigningKey("ES256", b64decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"))
    assert key.public.raw[1:] == b64decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
    payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    signature = b64decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
    key.public.verify(f"eyJhbGciOiJFUzI1NiJ9.{payload}".encode(), signature)


# -- keys and signatures -----------------------------------------------------------------------------------------------


@given(st.sampled_from(ALGORITHMS), st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.data())
def test_what_a_key_signs_verifies_and_nothing_near_it_does(
    alg: Algorithm, seed: bytes, message: bytes, data: st.DataObject
) -> None:
    key = SigningKey.from_seed(alg, seed)
    signature = key.sign(message)
    key.public.verify(message, signature)
    bit = data.draw(st.integers(0, 511))
    refused(key.public, message, bytes(b ^ (1 << bit % 8) * (i == bit // 8) for i, b in enumerate(signature)))
    refused(key.public, message + b"\0", signature)
    other = SigningKey.from_seed(alg, bytes(b ^ 1 for b in seed))
    refused(other.public, message, signature)


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("size", [0, 1, 63, 65, 71, 128])
def test_a_signature_of_the_wrong_length_is_refused(alg: Algorithm, size: int) -> None:
    refused(SigningKey.from_seed(alg, SEED).public, b"message", bytes(size))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_keys_are_values(alg: Algorithm) -> None:
    key = SigningKey.from_seed(alg, SEED)
    assert key.alg == key.public.alg == alg
    assert PublicKey(alg, key.public.raw) == key.public
    assert {key.public: 1}[pickle.loads(pickle.dumps(key.public))] == 1
    assert SigningKey.from_seed(alg, SEED).public == key.public
    assert SigningKey.generate(alg).public != SigningKey.generate(alg).public
    key_made = SigningKey.generate(alg)
    key_made.public.verify(b"message", key_made.sign(b"message"))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_the_text_form_of_a_private_key_does_not_show_it(alg: Algorithm) -> None:
    key = SigningKey.from_seed(alg, SEED)
    assert repr(key) == f"SigningKey({key.public!r})"
    assert repr(SEED) not in repr(key)


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_secret_of_the_wrong_length_is_our_mistake(alg: Algorithm, size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SigningKey(alg, bytes(size))


@pytest.mark.parametrize("seed", [0, P256_ORDER - 2, P256_ORDER - 1, P256_ORDER, 2**256 - 1])
def test_every_seed_makes_a_p_256_key(seed: int) -> None:
    key = SigningKey.from_seed("ES256", seed.to_bytes(32, "big"))
    key.public.verify(b"message", key.sign(b"message"))


# -- unsound public keys -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", SMALL_ORDER, ids=bytes.hex)
def test_a_point_of_small_order_is_no_key(raw: bytes) -> None:
    Ed25519PublicKey.from_public_bytes(raw)  # OpenSSL takes it
    with pytest.raises(Malformed) as caught:
        PublicKey.ed25519(raw)
    assert caught.value.code == "public_key_invalid"


@pytest.mark.parametrize("sign", [0, 2**255])
@pytest.mark.parametrize("excess", range(19))
def test_no_ed25519_key_is_spelled_with_a_coordinate_of_p_or_more(excess: int, sign: int) -> None:
    with pytest.raises(Malformed, match="public_key_invalid"):
        PublicKey.ed25519((P + excess + sign).to_bytes(32, "little"))


def test_a_point_off_the_ed25519_curve_is_no_key() -> None:
    with pytest.raises(Malformed, match="public_key_invalid"):
        PublicKey.ed25519(bytes([2]) + bytes(31))


@pytest.mark.parametrize(
    ("case", "raw"),
    [
        ("x without a point", b"\x02" + bytes(31) + b"\x01"),
        ("x beyond the field", b"\x02" + b"\xff" * 32),
        ("an unknown prefix", b"\x05" + bytes(32)),
        ("the prefix of an uncompressed point", b"\x04" + bytes(32)),
        ("the prefix of the point at infinity", bytes(33)),
    ],
)
def test_what_is_no_compressed_point_of_p_256_is_no_key(case: str, raw: bytes) -> None:
    with pytest.raises(Malformed, match="public_key_invalid"):
        PublicKey.p256(raw)


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 34, 65])
def test_a_public_key_of_the_wrong_length_is_no_key(size: int) -> None:
    for make, right in ((PublicKey.ed25519, 32), (PublicKey.p256, 33)):
        if size != right:
            with pytest.raises(Malformed, match="public_key_length"):
                make(bytes(size))


# -- Ed25519 signatures on which libraries disagree (eprint 2020/1244) -------------------------------------------------


def unchecked(raw: bytes) -> PublicKey:
    """A key as it would be if nobody had looked at the point."""
    key = object.__new__(PublicKey)
    object.__setattr__(key, "alg", "Ed25519")
    object.__setattr__(key, "raw", raw)
    return key


def scalar_of(seed: bytes) -> bytes:
    """The private scalar (RFC 8032 section 5.1.5), modulo the order."""
    digest = bytearray(hashlib.sha512(seed).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 63 | 64
    return sodium.crypto_core_ed25519_scalar_reduce(bytes(digest) + bytes(32))


def challenge(commitment: bytes, public: bytes, message: bytes) -> bytes:
    return sodium.crypto_core_ed25519_scalar_reduce(hashlib.sha512(commitment + public + message).digest())


def signed_by_hand(commitment: bytes, nonce: bytes, message: bytes) -> bytes:
    """What an honest key's holder can sign for a commitment R that is nonce·B plus a point of small order."""
    public = SigningKey.from_seed("Ed25519", SEED).public.raw
    product = sodium.crypto_core_ed25519_scalar_mul(challenge(commitment, public, message), scalar_of(SEED))
    return commitment + sodium.crypto_core_ed25519_scalar_add(nonce, product)


def accepted_by_openssl(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


NONCE = sodium.crypto_core_ed25519_scalar_reduce(b"\x07" * 64)


def test_a_signature_made_by_hand_with_an_honest_commitment_passes() -> None:
    commitment = sodium.crypto_scalarmult_ed25519_base_noclamp(NONCE)
    SigningKey.from_seed("Ed25519", SEED).public.verify(b"message", signed_by_hand(commitment, NONCE, b"message"))


def test_cases_0_and_1_the_signature_that_fits_every_message_under_the_identity_key_is_refused() -> None:
    for number in range(16):
        message = bytes([number])
        assert accepted_by_openssl(IDENTITY, message, IDENTITY + bytes(32))
        refused(unchecked(IDENTITY), message, IDENTITY + bytes(32))


def test_case_1_an_honest_commitment_under_a_key_of_small_order_is_refused() -> None:
    commitment = sodium.crypto_scalarmult_ed25519_base_noclamp(NONCE)
    for raw in SMALL_ORDER:
        refused(unchecked(raw), b"message", commitment + NONCE)
    assert accepted_by_openssl(IDENTITY, b"message", commitment + NONCE)


def test_case_2_a_commitment_of_small_order_under_an_honest_key_is_refused() -> None:
    key = SigningKey.from_seed("Ed25519", SEED).public
    signature = signed_by_hand(IDENTITY, bytes(32), b"message")
    assert accepted_by_openssl(key.raw, b"message", signature)
    refused(key, b"message", signature)


@pytest.mark.parametrize("torsion", SMALL_ORDER[4:5] + SMALL_ORDER[6:8] + SMALL_ORDER[10:], ids=bytes.hex)
def test_cases_3_and_5_need_a_key_of_mixed_order_and_there_is_none(torsion: bytes) -> None:
    honest = SigningKey.from_seed("Ed25519", SEED).public.raw
    mixed = sodium.crypto_core_ed25519_add(honest, torsion)
    Ed25519PublicKey.from_public_bytes(mixed)  # OpenSSL takes it
    with pytest.raises(Malformed, match="public_key_invalid"):
        PublicKey.ed25519(mixed)


def test_case_4_what_only_the_cofactored_equation_accepts_is_refused() -> None:
    commitment = sodium.crypto_core_ed25519_add(sodium.crypto_scalarmult_ed25519_base_noclamp(NONCE), ORDER_8)
    refused(SigningKey.from_seed("Ed25519", SEED).public, b"message", signed_by_hand(commitment, NONCE, b"message"))


@pytest.mark.parametrize("times", [1, 2, 7, 8, 15])
def test_cases_6_and_7_a_scalar_that_is_not_reduced_is_refused(times: int) -> None:
    key = SigningKey.from_seed("Ed25519", SEED)
    signature = key.sign(b"message")
    scalar = int.from_bytes(signature[32:], "little") + times * ORDER
    assert scalar < 2**256
    refused(key.public, b"message", signature[:32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize("commitment", SMALL_ORDER[1:4] + SMALL_ORDER[5:6] + SMALL_ORDER[8:10], ids=bytes.hex)
def test_cases_8_and_9_a_commitment_in_another_spelling_is_refused(commitment: bytes) -> None:
    refused(SigningKey.from_seed("Ed25519", SEED).public, b"message", signed_by_hand(commitment, bytes(32), b"message"))


@pytest.mark.parametrize("raw", SMALL_ORDER[1:4], ids=bytes.hex)
def test_cases_10_and_11_a_key_in_another_spelling_is_refused(raw: bytes) -> None:
    refused(unchecked(raw), b"message", IDENTITY + bytes(32))
    assert accepted_by_openssl(raw, b"message", IDENTITY + bytes(32))


def test_es256_accepts_both_forms_of_a_signature() -> None:
    key = SigningKey.from_seed("ES256", SEED)
    signature = key.sign(b"message")
    mirrored = (P256_ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    key.public.verify(b"message", signature[:32] + mirrored)
    assert twin(signature) == signature[:32] + mirrored
    assert twin(twin(signature)) == signature


# -- key files ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=ALGORITHMS)
def key(request: pytest.FixtureRequest) -> SigningKey:
    return SigningKey.from_seed(request.param, SEED)


def same(left: SigningKey, right: SigningKey) -> bool:
    return left.alg == right.alg and left.public == right.public and left.sign(b"m") == right.sign(b"m")


def test_a_key_is_written_for_its_owner_alone_and_read_back(tmp_path: Path, key: SigningKey) -> None:
    path = tmp_path / "key.pem"
    before = os.umask(0)
    try:
        write_key(path, key)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert same(read_key(path), key)


def test_other_software_reads_the_file(tmp_path: Path, key: SigningKey) -> None:
    write_key(tmp_path / "key.pem", key)
    loaded = serialization.load_pem_private_key((tmp_path / "key.pem").read_bytes(), None)
    if isinstance(loaded, Ed25519PrivateKey):
        assert loaded.public_key().public_bytes_raw() == key.public.raw
    else:
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        point = loaded.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )
        assert point == key.public.raw


def test_a_passphrase_seals_the_file(tmp_path: Path, key: SigningKey) -> None:
    path = tmp_path / "key.pem"
    write_key(path, key, b"correct horse")
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert same(read_key(path, b"correct horse"), key)
    assert same(read_key(path, lambda: b"correct horse"), key)
    for passphrase, code in [(None, "needed"), (b"wrong horse", "wrong"), (b"", "wrong"), (lambda: b"no", "wrong")]:
        with pytest.raises(Malformed) as caught:
            read_key(path, passphrase)
        assert caught.value.code == f"key_passphrase_{code}"


def test_nobody_is_asked_for_a_passphrase_that_is_not_needed(tmp_path: Path, key: SigningKey) -> None:
    write_key(tmp_path / "key.pem", key)
    assert same(read_key(tmp_path / "key.pem", lambda: pytest.fail("asked for a passphrase")), key)
    assert same(read_key(tmp_path / "key.pem", b"superfluous"), key)


def test_an_empty_passphrase_seals_nothing(tmp_path: Path, key: SigningKey) -> None:
    with pytest.raises(Malformed, match="key_passphrase_needed"):
        write_key(tmp_path / "key.pem", key, b"")
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_is_never_overwritten(tmp_path: Path, key: SigningKey) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(b"something dear")
    with pytest.raises(Malformed) as caught:
        write_key(path, key)
    assert caught.value.code == "key_file_exists"
    assert path.read_bytes() == b"something dear"


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path, key: SigningKey) -> None:
    (tmp_path / "key.pem").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Malformed, match="key_file_exists"):
        write_key(tmp_path / "key.pem", key)
    assert not (tmp_path / "elsewhere").exists()


def test_file_and_name_are_made_durable(tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    write_key(tmp_path / "key.pem", key)
    assert synced == [(tmp_path / "key.pem").stat().st_ino, tmp_path.stat().st_ino]


def test_a_disk_that_fails_leaves_no_half_written_file(
    tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(handle: int) -> None:
        raise OSError("disk")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk"):
        write_key(tmp_path / "key.pem", key)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"just notes\n", "holds no key"),
        (b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "holds a PEM of CERTIFICATE"),
        (b"-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n", "holds a PEM of PUBLIC KEY"),
    ],
)
def test_what_is_no_key_file_is_called_what_it_is_whoever_may_read_it(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    path.chmod(0o644)
    with pytest.raises(Malformed, match=said) as caught:
        read_key(path)
    assert caught.value.code == "key_file_malformed"


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="is a folder") as caught:
        read_key(tmp_path)
    assert caught.value.code == "key_file_malformed"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_key_that_others_may_touch_is_not_used(tmp_path: Path, key: SigningKey, mode: int) -> None:
    path = tmp_path / "key.pem"
    write_key(path, key)
    path.chmod(mode)
    with pytest.raises(Malformed) as caught:
        read_key(path)
    assert caught.value.code == "key_file_open_to_others"
    assert "chmod 600" in caught.value.advice
    path.chmod(0o400)
    assert same(read_key(path), key)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match=r"key_file_missing: .*absent\.pem"):
        read_key(tmp_path / "absent.pem")


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def public_pem(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def pem(private: Any, form: serialization.PrivateFormat = PKCS8) -> bytes:
    data: bytes = private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return data


@pytest.mark.parametrize(
    ("case", "data"),
    [
        ("nothing", b""),
        ("text", b"secret"),
        ("a public key", public_pem(ec.derive_private_key(5, ec.SECP256R1()))),
        ("no body", b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"),
        ("a damaged body", SigningKey.from_seed("Ed25519", SEED).pkcs8().replace(b"M", b"N", 1)),
        ("a truncated body", SigningKey.from_seed("ES256", SEED).pkcs8()[:100]),
        ("another form of PEM", pem(ec.derive_private_key(5, ec.SECP256R1()), TRADITIONAL)),
        ("a long file", SigningKey.from_seed("Ed25519", SEED).pkcs8() + b"\n" * 20_000),
    ],
)
def test_what_is_not_a_private_key_in_pkcs_8_is_refused(tmp_path: Path, case: str, data: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        read_key(put(tmp_path / "key.pem", data))
    assert caught.value.code == "key_file_malformed"


@pytest.mark.parametrize(
    ("name", "private"),
    [
        ("secp384r1", ec.derive_private_key(5, ec.SECP384R1())),
        ("secp256k1", ec.derive_private_key(5, ec.SECP256K1())),
        ("X25519", x25519.X25519PrivateKey.from_private_bytes(SEED)),
        ("Ed448", ed448.Ed448PrivateKey.from_private_bytes(bytes(57))),
        ("RSA", rsa.generate_private_key(65537, 2048)),
    ],
)
def test_a_key_of_another_type_is_refused_by_name(tmp_path: Path, name: str, private: Any) -> None:
    with pytest.raises(Malformed, match=name) as caught:
        read_key(put(tmp_path / "key.pem", pem(private)))
    assert caught.value.code == "key_type_unsupported"


def test_a_key_of_a_type_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    der = serialization.load_pem_private_key(SigningKey.from_seed("Ed25519", SEED).pkcs8(), None).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    body = base64.encodebytes(der.replace(b"\x2b\x65\x70", b"\x2b\x65\x7f"))
    data = b"-----BEGIN PRIVATE KEY-----\n" + body + b"-----END PRIVATE KEY-----\n"
    with pytest.raises(Malformed) as caught:
        read_key(put(tmp_path / "key.pem", data))
    assert caught.value.code == "key_type_unsupported"

"""Keys: verify with a public one, sign with a private one, keep a private one in a file.

Two algorithms, under their fully specified names (RFC 9864): ``Ed25519`` and ``ES256`` (ECDSA on P-256 with SHA-256,
RFC 7518 section 3.4, the one that most hardware and cloud keys speak).

*Ed25519 is judged by libsodium alone.* Libraries differ on keys and signatures of small order: OpenSSL lets one fixed
signature pass for every message under the identity point, libsodium refuses it. Two verifiers that differ would
disagree about one entry, so the service, the audit and every offline tool use this module; and a key that is not a
canonical point of the prime-order group is no key here at all.

*ES256 signatures are malleable*: with (r, s) also (r, n-s) verifies, and hardware makes both, so both are accepted.
No id in this project depends on signature bytes.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError

from identity.errors import Malformed, Unverifiable, declare

Algorithm = Literal["Ed25519", "ES256"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
SIGNATURE_BYTES = 64  # of both: R || S (RFC 8032 section 5.1.6), r || s (RFC 7518 section 3.4)
SECRET_BYTES = 32  # of both: the seed of Ed25519, the scalar of P-256
_KEY_BYTES: dict[Algorithm, int] = {"Ed25519": 32, "ES256": 33}
_KEY_FILE_BYTES = 16_384  # at most; an encrypted key takes some 400
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

# RFC 6979: the nonce follows from key and message, so a weak source of randomness cannot give the key away.
_SIGN_ES256 = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_VERIFY_ES256 = ec.ECDSA(hashes.SHA256())

declare(
    "malformed",
    public_key_length=("the public key has the wrong length", "Ed25519 keys have 32 bytes, compressed P-256 keys 33"),
    public_key_invalid=(
        "the public key is no valid point",
        "use a key made by a sound library; points off the curve or of small or mixed order cannot identify anyone",
    ),
    key_type_unsupported=("keys of this type are not supported", "make an Ed25519 or P-256 key"),
    key_file_exists=("the key file exists already", "choose another name; a key file is never overwritten"),
    key_file_missing=("there is no such key file", "check the path, or make a key with: cadastre key new FILE"),
    key_file_open_to_others=(
        "others may read the key file",
        "run: chmod 600 FILE, and replace the key if others had access",
    ),
    key_file_malformed=(
        "this is not a private key in PKCS#8 PEM",
        "make one with: cadastre key new FILE, or convert another form: openssl pkcs8 -topk8 -in OLD -out FILE",
    ),
    key_passphrase_needed=("the key file needs a passphrase", "give the passphrase the key was written with"),
    key_passphrase_wrong=("the passphrase does not open the key file", "try again, or use another copy of the file"),
)
declare(
    "unverifiable",
    signature_invalid=(
        "the signature does not fit",
        "sign exactly the bytes that are sent, with the key that is named",
    ),
)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key known to be sound. ``raw``: 32 bytes of Ed25519, or 33 of a compressed P-256 point (SEC 1, 2.3.3).

    Making one costs about 50 µs for the check of the point; raises ``Malformed``.
    """

    alg: Algorithm
    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != _KEY_BYTES[self.alg]:
            raise Malformed("public_key_length", f"{len(self.raw)} bytes where {self.alg} has {_KEY_BYTES[self.alg]}")
        if self.alg == "ES256":
            _point(self.raw)
        elif not crypto_core_ed25519_is_valid_point(self.raw):
            raise Malformed("public_key_invalid", "not a canonical Ed25519 point of prime order")

    @classmethod
    def ed25519(cls, raw: bytes) -> PublicKey:
        return cls("Ed25519", raw)

    @classmethod
    def p256(cls, compressed: bytes) -> PublicKey:
        return cls("ES256", compressed)

    def verify(self, message: bytes, signature: bytes) -> None:
        """Return if ``signature`` (64 bytes) is this key's for ``message``, raise ``Unverifiable`` if not.

        Ed25519: about 65 µs for 1 kB, libsodium's own time but for 1 µs; ES256: about 85 µs.
        """
        if len(signature) != SIGNATURE_BYTES:
            raise Unverifiable("signature_invalid", f"{len(signature)} bytes where {self.alg} has {SIGNATURE_BYTES}")
        try:
            if self.alg == "Ed25519":
                crypto_sign_open(signature + message, self.raw)
            else:
                r, s = signature[:32], signature[32:]
                der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
                _point(self.raw).verify(der, message, _VERIFY_ES256)
        except (BadSignatureError, InvalidSignature, ValueError):
            raise Unverifiable("signature_invalid") from None


def twin(signature: bytes) -> bytes:
    """The other signature of ES256 (64 bytes) that holds wherever this one does: (r, n-s) for (r, s)."""
    r, s = signature[:32], signature[32:]
    return r + ((_P256_ORDER - int.from_bytes(s, "big")) % _P256_ORDER).to_bytes(32, "big")


@lru_cache(maxsize=16384)
def _point(compressed: bytes) -> ec.EllipticCurvePublicKey:
    """Decompressing a point takes a square root; parties sign many times."""
    if compressed[0] not in (2, 3):
        raise Malformed("public_key_invalid", "not a compressed P-256 point")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), compressed)
    except ValueError:
        raise Malformed("public_key_invalid", "not a point on P-256") from None


class SigningKey:
    """A private key. Its text form shows the public half only."""

    __slots__ = ("_secret", "_signer", "alg", "public")

    def __init__(self, alg: Algorithm, secret: bytes) -> None:
        """From the 32 bytes of the Ed25519 seed (RFC 8032) or of the P-256 scalar, big-endian."""
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"a private key has {SECRET_BYTES} bytes, not {len(secret)}")
        self.alg: Algorithm = alg
        self._secret = secret
        self._signer: bytes | ec.EllipticCurvePrivateKey
        if alg == "Ed25519":
            public, self._signer = crypto_sign_seed_keypair(secret)
        else:
            self._signer = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
            public = self._signer.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
            )
        self.public = PublicKey(alg, public)

    @classmethod
    def generate(cls, alg: Algorithm) -> SigningKey:
        """A key from the system's source of randomness: for the edges only."""
        if alg == "Ed25519":
            return cls(alg, secrets.token_bytes(SECRET_BYTES))
        return cls(alg, (secrets.randbelow(_P256_ORDER - 1) + 1).to_bytes(SECRET_BYTES, "big"))

    @classmethod
    def from_seed(cls, alg: Algorithm, seed: bytes) -> SigningKey:
        """The same key for the same 32 bytes, whatever they are: for tests and demonstrations."""
        if alg == "Ed25519":
            return cls(alg, seed)
        return cls(alg, (int.from_bytes(seed, "big") % (_P256_ORDER - 1) + 1).to_bytes(SECRET_BYTES, "big"))

    def pkcs8(self, passphrase: bytes | None = None) -> bytes:
        """PKCS#8 in PEM (RFC 5958, RFC 8410), encrypted (PBES2) under ``passphrase`` if there is one."""
        private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey
        if isinstance(self._signer, bytes):
            private = Ed25519PrivateKey.from_private_bytes(self._secret)
        else:
            private = self._signer
        return format_pem(private, passphrase)

    def sign(self, message: bytes) -> bytes:
        """64 bytes, always the same for the same message (RFC 8032, RFC 6979): about 30 µs."""
        if isinstance(self._signer, bytes):
            return crypto_sign(message, self._signer)[:SIGNATURE_BYTES]
        r, s = decode_dss_signature(self._signer.sign(message, _SIGN_ES256))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def derive(self, label: bytes) -> bytes:
        """32 bytes for another use, told by its ``label``, from which nothing of this key can be learnt (RFC 5869)."""
        return HKDF(hashes.SHA512(), SECRET_BYTES, None, label).derive(self._secret)

    def __repr__(self) -> str:
        return f"SigningKey({self.public!r})"


def write_key(path: Path, key: SigningKey, passphrase: bytes | None = None) -> None:
    """Create the file ``path`` with mode 0600 and make it durable. Never overwrites.

    Raises ``Malformed``: ``key_file_exists``; ``key_passphrase_needed`` for an empty passphrase. Other troubles of the
    file system stay ``OSError``; no half-written file is left.
    """
    write_pem(path, key.pkcs8(passphrase))


def format_pem(private: PrivateKeyTypes, passphrase: bytes | None) -> bytes:
    """PKCS#8 in PEM, encrypted if there is a passphrase. Raises ``Malformed`` (``key_passphrase_needed``)."""
    sealing: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase == b"":
        raise Malformed("key_passphrase_needed", "the passphrase is empty")
    if passphrase is not None:
        sealing = serialization.BestAvailableEncryption(passphrase)
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealing)


def write_pem(path: Path, pem: bytes) -> None:
    """As ``write_key``, of what is a private key already spelt."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Malformed("key_file_exists", str(path)) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # a file is durable only when its name is
    finally:
        os.close(folder)


def read_key(path: Path, passphrase: bytes | Callable[[], bytes] | None = None) -> SigningKey:
    """The private key in the file ``path``. A callable passphrase is called only if the file is encrypted.

    Raises ``Malformed`` with a ``key_*`` code for everything that can be wrong with the file.
    """
    pem, secret = read_pem(path, passphrase)
    return signing_key_of(path, load_pem(path, pem, secret))


def read_pem(path: Path, passphrase: bytes | Callable[[], bytes] | None) -> tuple[bytes, bytes | None]:
    """What a file of private keys holds, and the passphrase that it asks for, or None. Raises as ``read_key``."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            pem = file.read(_KEY_FILE_BYTES + 1)
    except FileNotFoundError:
        raise Malformed("key_file_missing", str(path)) from None
    except IsADirectoryError:
        raise Malformed("key_file_malformed", f"{path} is a folder") from None
    if b"PRIVATE KEY-----" not in pem:  # nothing to be kept from others
        raise Malformed("key_file_malformed", f"{path} {_what_is(pem)}")
    if stat.S_IMODE(mode) & 0o077:
        raise Malformed("key_file_open_to_others", str(path))
    if len(pem) > _KEY_FILE_BYTES:
        raise Malformed("key_file_malformed", f"{path} is longer than {_KEY_FILE_BYTES} bytes")
    if pem.lstrip().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"):
        secret = passphrase() if callable(passphrase) else passphrase
        if secret is None:
            raise Malformed("key_passphrase_needed", str(path))
        return pem, secret
    if pem.lstrip().startswith(b"-----BEGIN PRIVATE KEY-----"):
        return pem, None
    raise Malformed("key_file_malformed", f"{path} {_what_is(pem)}")


def _what_is(data: bytes) -> str:
    """What a file that is no key file holds, as far as its beginning tells."""
    if not data.strip():
        return "is empty"
    labelled = re.search(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----", data)
    if labelled:
        return f"holds a PEM of {labelled[1].decode()}, not of PRIVATE KEY"
    return "holds no key"


def load_pem(path: Path, pem: bytes, secret: bytes | None) -> PrivateKeyTypes:
    """The first private key in a PEM. Raises ``Malformed``; ``path`` is for its words."""
    try:
        return serialization.load_pem_private_key(pem, secret)
    except UnsupportedAlgorithm as error:
        raise Malformed("key_type_unsupported", f"{path}: {error}") from None
    except (ValueError, TypeError):
        # Of an encrypted file nobody can tell damage from a wrong passphrase; of the two the latter is common.
        raise Malformed("key_file_malformed" if secret is None else "key_passphrase_wrong", str(path)) from None


def signing_key_of(path: Path, private: PrivateKeyTypes) -> SigningKey:
    """Raises ``Malformed`` (``key_type_unsupported``) for one that signs nothing here."""
    if isinstance(private, Ed25519PrivateKey):
        return SigningKey("Ed25519", private.private_bytes_raw())
    if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1):
        return SigningKey("ES256", private.private_numbers().private_value.to_bytes(SECRET_BYTES, "big"))
    name = private.curve.name if isinstance(private, ec.EllipticCurvePrivateKey) else type(private).__name__
    raise Malformed("key_type_unsupported", f"{path} holds a key of type {name.removesuffix('PrivateKey')}")

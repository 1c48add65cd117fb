"""Recipients: to whom a data key is sealed, and the private half that opens it.

Two types. ``x25519`` is a libsodium sealed box (X25519, XSalsa20-Poly1305): the key is an X25519 Multikey (``z6LS…``,
0xec), as ``keyAgreement`` of a DID document shows it, or the one that an Ed25519 did:key has by the birational map
(RFC 7748 section 4.1, ``crypto_sign_ed25519_pk_to_curve25519``): whoever signs can receive. ``mlkem768-x25519`` is
HPKE in base mode (RFC 9180) with the hybrid KEM 0x647A (X-Wing; MLKEM768-X25519 in draft-ietf-hpke-pq), HKDF-SHA256
and ChaCha20-Poly1305: what was sealed stays closed while either ML-KEM-768 or X25519 holds, so also before who keeps it
for the quantum computers of a later day. No multicodec is registered for the hybrid key, hence a text form of our own:

    did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b    a party's DID: sealed to its X25519 key, the next line
    z6LSfHfAMAopsuBxaBzvp51GXrPf38Az13j2fmwqadbwwrzJ
    mlkem768-x25519:<base64url of the 1,184 bytes of ML-KEM-768 and the 32 of X25519>

Private halves are kept in PKCS#8 PEM: Ed25519, X25519 (RFC 8410), or ML-KEM-768 (RFC 9935) and then X25519.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from nacl.bindings import (
    crypto_box_seal,
    crypto_box_seal_open,
    crypto_scalarmult,
    crypto_sign_ed25519_pk_to_curve25519,
    crypto_sign_ed25519_sk_to_curve25519,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import CryptoError

from identity.canonical import b64decode, b64encode
from identity.did import base58_decode, base58_encode, key_of
from identity.errors import Malformed, Unverifiable, declare
from identity.keys import SigningKey, format_pem, load_pem, read_pem, signing_key_of, write_pem

RecipientType = Literal["x25519", "mlkem768-x25519"]
RECIPIENT_TYPES: tuple[RecipientType, ...] = get_args(RecipientType)
DATA_KEY_BYTES = 32
SEALED_BYTES: dict[RecipientType, int] = {"x25519": 48 + DATA_KEY_BYTES, "mlkem768-x25519": 1120 + DATA_KEY_BYTES + 16}
HPKE_INFO = b"cadastre-sealed/1"

_X25519_BYTES = 32
_MLKEM_BYTES = 1184  # of an encapsulation key (FIPS 203 section 8)
_RAW_BYTES: dict[RecipientType, int] = {"x25519": _X25519_BYTES, "mlkem768-x25519": _MLKEM_BYTES + _X25519_BYTES}
_X25519_MULTICODEC = b"\xec\x01"
_X25519_PRIME = 2**255 - 19
_HYBRID = "mlkem768-x25519:"
_MULTIKEY_LENGTH = 64  # at most; one of X25519 or P-256 has 48 or 49 letters
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_PEM = re.compile(rb"-----BEGIN [A-Z ]+-----[^-]*-----END [A-Z ]+-----\n?")

declare(
    "malformed",
    recipient_malformed=(
        "this is not a key that something can be sealed to",
        "give a did:key, an X25519 Multikey (z6LS…), or what cadastre key show --public prints",
    ),
    recipient_weak=(
        "the X25519 key is of small order, or not in its one spelling",
        "do not seal to it: everybody could open it; ask the recipient for another",
    ),
    recipient_type=(
        "nothing can be sealed to a key of this type",
        "make one to receive with: cadastre key new FILE --type x25519 (or mlkem768-x25519)",
    ),
)
declare(
    "unverifiable",
    sealed_for_others=(
        "this key does not open it",
        "use the key it was sealed to; if this is the one, ask for the file again",
    ),
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A public key to seal to, known to be sound. ``raw``: 32 bytes of X25519, or 1,216 of the hybrid.

    Raises ``Malformed``; costs about 40 or 60 µs.
    """

    type: RecipientType
    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != _RAW_BYTES[self.type]:
            raise Malformed("recipient_malformed", f"{len(self.raw)} bytes of a key of type {self.type}")
        _check_x25519(self.raw[-_X25519_BYTES:])
        if self.type == "mlkem768-x25519":
            try:
                MLKEM768PublicKey.from_public_bytes(self.raw[:_MLKEM_BYTES])
            except ValueError:
                raise Malformed("recipient_malformed", "the ML-KEM-768 key is not reduced") from None

    def seal(self, data_key: bytes) -> bytes:
        """The 32 bytes of a data key, sealed: 80 bytes in about 60 µs, 1,168 in about 150 µs. Never twice the same.

        The libraries take the randomness for this from the system themselves. Who sealed it, nothing tells.
        """
        if len(data_key) != DATA_KEY_BYTES:
            raise ValueError(f"a data key has {DATA_KEY_BYTES} bytes, not {len(data_key)}")
        if self.type == "x25519":
            return crypto_box_seal(data_key, self.raw)
        public = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(self.raw[:_MLKEM_BYTES]),
            X25519PublicKey.from_public_bytes(self.raw[_MLKEM_BYTES:]),
        )
        return _SUITE.encrypt(data_key, public, HPKE_INFO)

    def __str__(self) -> str:
        """The text form that ``parse_recipient`` reads."""
        if self.type == "x25519":
            return "z" + base58_encode(_X25519_MULTICODEC + self.raw)
        return _HYBRID + b64encode(self.raw)

    def __repr__(self) -> str:
        return f"Recipient({self.type}, sha256 {sha256(self.raw).hexdigest()[:16]})"


def parse_recipient(text: str) -> Recipient:
    """From a did:key or Multikey of Ed25519 or X25519, or the text form of a hybrid key. Raises ``Malformed``."""
    if text.startswith(_HYBRID):
        return Recipient("mlkem768-x25519", b64decode(text.removeprefix(_HYBRID)))
    value = text.removeprefix("did:key:")
    if value.startswith("z") and len(value) <= _MULTIKEY_LENGTH:
        data = base58_decode(value[1:])
        if data.startswith(_X25519_MULTICODEC):
            return Recipient("x25519", data.removeprefix(_X25519_MULTICODEC))
    elif not text.startswith("did:"):
        raise Malformed("recipient_malformed", ascii(text[:80]))
    key = key_of(text if text.startswith("did:") else f"did:key:{text}")
    if key.alg != "Ed25519":
        raise Malformed("recipient_type", f"{key.alg} keys sign only")
    return Recipient("x25519", crypto_sign_ed25519_pk_to_curve25519(key.raw))


def _check_x25519(raw: bytes) -> None:
    """The u-coordinate is reduced, and its point not of small order: with such a one, every secret is zero."""
    if int.from_bytes(raw, "little") >= _X25519_PRIME:
        raise Malformed("recipient_weak", "the key is not reduced")
    try:
        crypto_scalarmult(b"\x40" * 32, raw)
    except CryptoError:
        raise Malformed("recipient_weak", "the key is of small order") from None


class Opener:
    """The private half. Its text form shows the public one only."""

    __slots__ = ("_mlkem", "_x25519", "public")

    def __init__(self, x25519: X25519PrivateKey, mlkem: MLKEM768PrivateKey | None = None) -> None:
        self._x25519 = x25519
        self._mlkem = mlkem
        raw = x25519.public_key().public_bytes_raw()
        if mlkem is None:
            self.public = Recipient("x25519", raw)
        else:
            self.public = Recipient("mlkem768-x25519", mlkem.public_key().public_bytes_raw() + raw)

    @classmethod
    def generate(cls, type_: RecipientType) -> Opener:
        """A key from the system's source of randomness: for the edges only."""
        mlkem = MLKEM768PrivateKey.generate() if type_ == "mlkem768-x25519" else None
        return cls(X25519PrivateKey.generate(), mlkem)

    @classmethod
    def from_ed25519(cls, seed: bytes) -> Opener:
        """The X25519 key that belongs to the Ed25519 key of this seed."""
        secret = crypto_sign_ed25519_sk_to_curve25519(crypto_sign_seed_keypair(seed)[1])
        return cls(X25519PrivateKey.from_private_bytes(secret))

    def open(self, sealed: bytes) -> bytes:
        """The 32 bytes of the data key. Raises ``Unverifiable`` (``sealed_for_others``)."""
        if len(sealed) != SEALED_BYTES[self.public.type]:
            raise Unverifiable("sealed_for_others", f"{len(sealed)} bytes, for a key of another type")
        try:
            if self._mlkem is None:
                return crypto_box_seal_open(sealed, self.public.raw, self._x25519.private_bytes_raw())
            return _SUITE.decrypt(sealed, MLKEM768X25519PrivateKey(self._mlkem, self._x25519), HPKE_INFO)
        except (CryptoError, InvalidTag):
            raise Unverifiable("sealed_for_others") from None

    def pem(self, passphrase: bytes | None = None) -> bytes:
        """PKCS#8 in PEM, encrypted under ``passphrase`` if there is one. Raises ``Malformed`` for an empty one."""
        halves: list[PrivateKeyTypes] = [self._x25519] if self._mlkem is None else [self._mlkem, self._x25519]
        return b"".join(format_pem(half, passphrase) for half in halves)

    def __repr__(self) -> str:
        return f"Opener({self.public!r})"


def write_opener(path: Path, opener: Opener, passphrase: bytes | None = None) -> None:
    """Create the key file, as ``identity.keys.write_key`` does."""
    write_pem(path, opener.pem(passphrase))


def read_opener(path: Path, passphrase: bytes | Callable[[], bytes] | None = None) -> Opener:
    """What the key file opens: of Ed25519, what was sealed to its did:key. Raises ``Malformed`` as ``read_key`` does,
    and ``recipient_type`` for a key that can only sign."""
    privates = _read(path, passphrase)
    if len(privates) == 1 and isinstance(privates[0], Ed25519PrivateKey):
        return Opener.from_ed25519(privates[0].private_bytes_raw())
    if (opener := _opener_of(privates)) is None:
        raise Malformed("recipient_type", f"{path} holds a key of type {signing_key_of(path, privates[0]).alg}")
    return opener


def read_either(path: Path, passphrase: bytes | Callable[[], bytes] | None = None) -> SigningKey | Opener:
    """The key that the file is made for: to sign, or to receive. Raises ``Malformed`` as ``read_key`` does."""
    privates = _read(path, passphrase)
    return _opener_of(privates) or signing_key_of(path, privates[0])


def _read(path: Path, passphrase: bytes | Callable[[], bytes] | None) -> list[PrivateKeyTypes]:
    pem, secret = read_pem(path, passphrase)
    return [load_pem(path, one, secret) for one in _PEM.findall(pem) or [pem]]


def _opener_of(privates: list[PrivateKeyTypes]) -> Opener | None:
    match privates:
        case [X25519PrivateKey() as x25519]:
            return Opener(x25519)
        case [MLKEM768PrivateKey() as mlkem, X25519PrivateKey() as x25519]:
            return Opener(x25519, mlkem)
    return None

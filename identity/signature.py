"""Types of signature on a note (C2SP signed-note and tlog-cosignature): how each names its keys, and what it signs.

    0x01  Ed25519                       the text as it is
    0x04  Ed25519 cosignature           a time, and the text: of a checkpoint, by a witness
    0x06  ML-DSA-44 cosignature         a time, and what a checkpoint says: by a witness, or by the log itself

A signature of type 0x04 or 0x06 begins with its time, POSIX seconds in eight bytes. One of type 0x06 binds its
signer's name, and is of the post-quantum kind (FIPS 204); a checkpoint's extension lines are not covered by it.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

ED25519 = 0x01
COSIGNATURE_ED25519 = 0x04
COSIGNATURE_MLDSA44 = 0x06

TIME_MAX = 2**63 - 1  # POSIX seconds
NAME_BYTES_MAX = 255  # of a cosigner and of an origin under an ML-DSA-44 signature


class Wrong(Exception):
    """A signature does not hold."""


Check = Callable[[str, bytes, bytes, bytes], None]
"""Takes (key name, public key, text, signature) and raises ``Wrong``."""


@dataclass(frozen=True)
class SignatureType:
    """One row of the table. ``key_size`` is in bytes, None for DER keys; ``key_id`` maps (type byte, key name, public
    key) to four bytes. A row without ``check`` is known by name only: no verifier of that type can be made.
    """

    label: str
    key_size: int | None
    key_id: Callable[[int, str, bytes], bytes]
    check: Check | None = None


# ---- What is signed ----------------------------------------------------------------------------------------


def timed_message(text: bytes, time: int) -> bytes:
    """What an Ed25519 cosigner signs: the whole text of the checkpoint, extension lines included, under a time."""
    return b"cosignature/v1\ntime %d\n%b" % (time, text)


def subtree_message(name: str, time: int, origin: str, start: int, end: int, root: bytes) -> bytes:
    """What an ML-DSA-44 cosigner signs of the entries start..end-1 of a log: a checkpoint's are 0..size-1.

    Raises ``ValueError`` for a name or origin of more than 255 bytes.
    """
    parts = [b"subtree/v1\n\0", _counted(name), time.to_bytes(8), _counted(origin)]
    return b"".join([*parts, start.to_bytes(8), end.to_bytes(8), root])


def checkpoint_message(name: str, time: int, text: bytes) -> bytes:
    """The same of a checkpoint's text. Raises ``ValueError`` if it is none."""
    origin, size, root, *_ = text.decode().split("\n")
    return subtree_message(name, time, origin, 0, int(size), b64decode(root, validate=True))


def _counted(text: str) -> bytes:
    data = text.encode()
    if not 1 <= len(data) <= NAME_BYTES_MAX:
        raise ValueError(f"{text!r} has {len(data)} bytes where there is room for {NAME_BYTES_MAX}")
    return bytes([len(data)]) + data


def timed(time: int, signature: bytes) -> bytes:
    """A signature under its time, as it stands on a note's line."""
    return time.to_bytes(8) + signature


def split_time(signature: bytes) -> tuple[int, bytes]:
    """The reverse of :func:`timed`. Raises ``ValueError`` where there is no time."""
    time = int.from_bytes(signature[:8])
    if len(signature) < 8 or time > TIME_MAX:
        raise ValueError("no time before the signature")
    return time, signature[8:]


# ---- Keys and checks ---------------------------------------------------------------------------------------


def _key_id(code: int, name: str, key: bytes) -> bytes:
    return sha256(b"%b\n%c%b" % (name.encode(), code, key)).digest()[:4]


def _key_id_of_ecdsa(_code: int, _name: str, key: bytes) -> bytes:
    return sha256(key).digest()[:4]


def _key_id_of_tree_head(code: int, name: str, key: bytes) -> bytes:
    return _key_id(code, name, sha256(key).digest())  # the RFC 6962 log id stands for the key


def _check_ed25519(_name: str, key: bytes, text: bytes, signature: bytes) -> None:
    try:
        if len(signature) != 64:
            raise BadSignatureError
        crypto_sign_open(signature + text, key)
    except BadSignatureError:
        raise Wrong from None


def _check_ed25519_cosignature(name: str, key: bytes, text: bytes, signature: bytes) -> None:
    try:
        time, rest = split_time(signature)
    except ValueError:
        raise Wrong from None
    _check_ed25519(name, key, timed_message(text, time), rest)


def _check_mldsa44_cosignature(name: str, key: bytes, text: bytes, signature: bytes) -> None:
    try:
        time, rest = split_time(signature)
        mldsa44_key(key).verify(rest, checkpoint_message(name, time, text))
    except (InvalidSignature, ValueError, OverflowError):
        raise Wrong from None


@lru_cache(maxsize=256)
def mldsa44_key(raw: bytes) -> MLDSA44PublicKey:
    """The key of 1,312 bytes (FIPS 204). Raises ``ValueError``."""
    return MLDSA44PublicKey.from_public_bytes(raw)


SIGNATURE_TYPES: dict[int, SignatureType] = {
    ED25519: SignatureType("Ed25519", 32, _key_id, _check_ed25519),
    0x02: SignatureType("ECDSA", None, _key_id_of_ecdsa),
    COSIGNATURE_ED25519: SignatureType("Ed25519 cosignature", 32, _key_id, _check_ed25519_cosignature),
    0x05: SignatureType("RFC 6962 tree head", None, _key_id_of_tree_head),
    COSIGNATURE_MLDSA44: SignatureType("ML-DSA-44 cosignature", 1312, _key_id, _check_mldsa44_cosignature),
}


def key_id(name: str, signature_type: int, public_key: bytes) -> bytes:
    """The four-byte key id of a key of any type in the table."""
    return SIGNATURE_TYPES[signature_type].key_id(signature_type, name, public_key)

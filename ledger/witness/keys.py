"""The file with a witness's two private keys: Ed25519 and ML-DSA-44, each in PKCS#8 PEM (RFC 8410, RFC 9881).

A cosigner's key signs cosignatures and nothing else, so it is a key of its own, and each type has its own seed. The
file has no passphrase: a witness starts unattended.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from identity.errors import Malformed
from identity.signature import COSIGNATURE_ED25519, COSIGNATURE_MLDSA44
from ledger.log.cosignature import Cosigner
from ledger.store.files import sync

SEED_BYTES = 32
_FILE_BYTES_MAX = 4_096
_PEM = re.compile(rb"-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END PRIVATE KEY-----\n")


def write_keys(path: Path, randomness: Callable[[int], bytes]) -> None:
    """Make both keys in a file only its owner can read, and make it durable. Raises ``FileExistsError``."""
    keys = (
        Ed25519PrivateKey.from_private_bytes(randomness(SEED_BYTES)),
        MLDSA44PrivateKey.from_seed_bytes(randomness(SEED_BYTES)),
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        for key in keys:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)


def read_cosigners(path: Path, name: str) -> Sequence[Cosigner]:
    """The two keys under a witness's name: type 0x04, then 0x06.

    Raises ``key_file_missing``, ``key_file_open_to_others``, ``key_file_malformed``; ``vkey_malformed`` for the name.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        raise Malformed("key_file_missing", str(path)) from None
    if stat.S_IMODE(mode) & 0o077:
        raise Malformed("key_file_open_to_others", str(path))
    return [
        Cosigner(name, COSIGNATURE_ED25519, _seed(path, data, 0, Ed25519PrivateKey)),
        Cosigner(name, COSIGNATURE_MLDSA44, _seed(path, data, 1, MLDSA44PrivateKey)),
    ]


def _seed(path: Path, data: bytes, place: int, wanted: type[Ed25519PrivateKey | MLDSA44PrivateKey]) -> bytes:
    pems = _PEM.findall(data)
    try:
        key = load_pem_private_key(pems[place], None) if b"".join(pems) == data and len(pems) == 2 else None
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, wanted):
        raise Malformed("key_file_malformed", f"{path} does not hold an Ed25519 key and then an ML-DSA-44 key")
    return key.private_bytes_raw()

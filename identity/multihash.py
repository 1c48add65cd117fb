"""Multihashes (multiformats): a digest that says how it was made; here SHA-256 alone, in base58btc without a prefix.

multihash(b"")      == "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"      46 letters, 0x12 0x20 and the digest
"""

from __future__ import annotations

from hashlib import sha256

from identity.did import base58_decode, base58_encode
from identity.errors import Malformed, declare

declare(
    "malformed",
    multihash_unsupported=(
        "this is not a SHA-256 multihash",
        "write base58btc of 0x12 0x20 and the digest: 46 letters that begin with Qm",
    ),
)

_SHA256 = b"\x12\x20"  # the code of sha2-256, the length of the digest
_LETTERS = 46


def multihash(data: bytes) -> str:
    """base58btc of the SHA-256 multihash of ``data``. About 6 µs."""
    return base58_encode(_SHA256 + sha256(data).digest())


def check_multihash(text: str, *, pointer: str | None = None) -> None:
    """Return if ``text`` is the multihash of something, raise ``Malformed`` if not."""
    try:
        data = base58_decode(text) if len(text) == _LETTERS else b""
    except Malformed:
        data = b""
    if len(data) != 34 or not data.startswith(_SHA256):
        raise Malformed("multihash_unsupported", ascii(text)[:80], pointer=pointer)

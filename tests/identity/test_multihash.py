"""Multihashes: the SHA-256 ones and no other."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.did import base58_decode, base58_encode
from identity.errors import Malformed
from identity.multihash import check_multihash, multihash


@given(st.binary(max_size=40))
def test_a_multihash_is_its_kind_its_length_and_the_digest(data: bytes) -> None:
    text = multihash(data)
    assert base58_decode(text) == b"\x12\x20" + sha256(data).digest()
    assert len(text) == 46
    assert text.startswith("Qm")
    check_multihash(text)


def test_a_known_answer() -> None:
    assert multihash(b"") == "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Qm",
        multihash(b"")[:-1],
        multihash(b"") + "1",
        multihash(b"").replace("Q", "0"),
        "Qm" + "z" * 44,
        "Qm" + "1" * 44,
        base58_encode(b"\x16\x20" + sha256(b"").digest()),
        base58_encode(b"\x13\x40" + bytes(64)),
        "1" * 100_000,
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        check_multihash(text, pointer="/scid")
    assert (caught.value.code, caught.value.pointer) == ("multihash_unsupported", "/scid")

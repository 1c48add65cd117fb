"""Statements as no client spells them, each duly signed: what only a log that lies would admit."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha512
from typing import Any

import orjson
from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_scalar_add,
    crypto_core_ed25519_scalar_mul,
    crypto_core_ed25519_scalar_reduce,
    crypto_scalarmult_ed25519_base_noclamp,
)

from identity.canonical import b64encode, encode
from identity.did import base58_encode, kid_of
from identity.keys import SigningKey
from tests.cast import CAST, seed

EIGHTH = (0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7).to_bytes(32, "little")
"""A point of order 8."""


def odd(claims: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The name of a case, and a statement that makes these claims of the lender's in a way that does not do."""
    key = CAST["lender"].key
    kid = kid_of(key.public)
    header = {"alg": "Ed25519", "kid": kid, "typ": "cadastre+jwt"}
    payload = encode(claims)
    good = stated(header, payload, key)
    yield "a signature that does not fit", good[:-10] + bytes([good[-10] ^ 1]) + good[-9:]
    yield "a signature of 63 bytes", good[:-2]
    yield "four parts", good + b".AAAA"
    yield "a header with more in it", stated({**header, "crit": []}, payload, key)
    yield "a header too long", stated({**header, "kid": kid + "A" * 2_048}, payload, key)
    yield "a header of another type", stated({**header, "typ": "JWT"}, payload, key)
    yield "an algorithm by its old name", stated({**header, "alg": "EdDSA"}, payload, key)
    yield "an algorithm of another key", stated({**header, "alg": "ES256"}, payload, key)
    yield "a key of another method", stated({**header, "kid": "did:web:example.com#key"}, payload, key)
    yield "a key by another name", stated({**header, "kid": f"{CAST['lender'].did}#z6Mk"}, payload, key)
    yield "a key that is not base58", stated({**header, "kid": "did:key:z0OIl#z0OIl"}, payload, key)
    other = "z" + base58_encode(b"\xe7\x01" + key.public.raw)
    yield "a key of another type", stated({**header, "kid": f"did:key:{other}#{other}"}, payload, key)
    yield "a payload that is no object", stated(header, b"[]", key)
    yield "a payload that is not UTF-8", stated(header, payload[:-1] + b',"\xff":1}', key)
    yield "a payload too large", stated(header, encode(claims | {"body": {"a": "a" * 46_000}}), key)
    yield "a payload with a space", stated(header, payload.replace(b'"body":', b'"body": '), key)
    for name, value in (
        ("a float", b"1.5"),
        ("half of a pair", b'"\\ud800"'),
        ("a name in Chinese", '{"钱":1}'.encode()),
    ):
        yield f"a body with {name}", stated(header, payload.replace(b'"body":{', b'"body":{"a":%b,' % value), key)
    deep = b"[" * 32 + b"]" * 32
    yield "a body too deep", stated(header, payload.replace(b'"body":{', b'"body":{"a":%b,' % deep), key)
    pinned = orjson.loads(payload) | {"prev": {next(iter(claims["prev"])): "x"}}
    yield "a pin that is no id", stated(header, encode(pinned), key)
    yield "a letter too many", good.replace(b".", b"X.", 1)
    yield "bits beyond the last byte", good[:-1] + bytes([good[-1] + 1])
    yield "a key of mixed order", mixed_order(claims)


def stated(header: dict[str, Any], payload: bytes, key: SigningKey) -> bytes:
    """A compact JWS of whatever header and payload."""
    signing_input = f"{b64encode(orjson.dumps(header, option=orjson.OPT_SORT_KEYS))}.{b64encode(payload)}".encode()
    return signing_input + b"." + b64encode(key.sign(signing_input)).encode()


def mixed_order(claims: dict[str, Any]) -> bytes:
    """Signed under a key of mixed order, so that verifiers which only look at the equation say yes."""
    secret = crypto_core_ed25519_scalar_reduce(sha512(seed("mixed")).digest())
    public = crypto_core_ed25519_add(crypto_scalarmult_ed25519_base_noclamp(secret), EIGHTH)
    value = "z" + base58_encode(b"\xed\x01" + public)
    header = {"alg": "Ed25519", "kid": f"did:key:{value}#{value}", "typ": "cadastre+jwt"}
    payload = encode(claims | {"iss": f"did:key:{value}"})
    message = f"{b64encode(encode(header))}.{b64encode(payload)}".encode()
    for attempt in range(1_000):
        nonce = crypto_core_ed25519_scalar_reduce(sha512(b"%d" % attempt).digest())
        point = crypto_scalarmult_ed25519_base_noclamp(nonce)
        hashed = crypto_core_ed25519_scalar_reduce(sha512(point + public + message).digest())
        if hashed[0] % 8 == 0:  # then the part of small order falls out
            proof = crypto_core_ed25519_scalar_add(nonce, crypto_core_ed25519_scalar_mul(hashed, secret))
            return message + b"." + b64encode(point + proof).encode()
    raise AssertionError("no such nonce")

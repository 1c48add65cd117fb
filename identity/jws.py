"""A statement on the wire: a compact JWS (RFC 7515) in exactly one spelling.

    base64url(header) . base64url(payload) . base64url(signature)
    header   {"alg":"Ed25519","kid":"did:key:z6Mk…#z6Mk…","typ":"cadastre+jwt"}    these three members and no other
    payload  a canonical JSON object (``canonical.py``) of at most 46,000 bytes

Every segment re-encodes to itself and every JSON text is its own RFC 8785 spelling, so the signed bytes and what they
mean determine each other. The statement id is SHA-256 over ``header.payload`` as sent, never over the signature.

``parse`` says that the bytes are well formed, ``verify`` that the named key signed them. Whether that key may speak for
``iss`` is the ledger's question.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from identity.canonical import b64decode, b64encode, decode, encode, escape
from identity.did import key_named, kid_of, split
from identity.errors import Malformed, Problem, Unverifiable, declare
from identity.keys import ALGORITHMS, SIGNATURE_BYTES
from identity.signer import StatementSigner

TYPE = "cadastre+jwt"
_MEMBERS = frozenset({"alg", "kid", "typ"})  # of the header
MAX_STATEMENT = 65_535  # bytes of the whole compact form
MAX_PAYLOAD = 46_000  # bytes of JSON; leaves room for a post-quantum signature
MAX_HEADER = 2_048  # letters of the encoded header: a kid of 1,024 and the rest

declare(
    "malformed",
    statement_malformed=(
        "this is not a statement",
        "send a compact JWS: header.payload.signature, each part in base64url (RFC 7515 section 7.1)",
    ),
    statement_too_large=(
        "the statement is too large",
        f"send at most {MAX_STATEMENT} bytes; refer to content by digest",
    ),
    payload_too_large=(
        "the payload is too large",
        f"say it in {MAX_PAYLOAD} bytes of JSON; refer to content by digest",
    ),
    payload_malformed=("the payload is not an object", "put the claims into one JSON object"),
    header_malformed=(
        "the header is not that of a statement",
        f'send exactly the members alg, kid and typ, all of them strings, with typ "{TYPE}"',
    ),
    alg_unsupported=(
        "this signature algorithm is not supported",
        "sign with Ed25519 or ES256 (the names of RFC 9864; EdDSA is the deprecated name of Ed25519)",
    ),
    signature_malformed=(
        "the signature has the wrong length",
        f"Ed25519 and ES256 signatures have {SIGNATURE_BYTES} bytes",
    ),
)
declare(
    "unverifiable",
    alg_unfit=("the algorithm does not fit the key", "name in alg the algorithm of the key that kid names"),
)


class Signed(NamedTuple):
    """A well-formed statement. Nothing is known about its signature until ``verify`` returns."""

    compact: bytes  # header.payload.signature as sent, ASCII
    alg: str
    kid: str  # an absolute DID URL
    payload: bytes  # canonical JSON
    claims: dict[str, Any]
    signature: bytes  # 64 bytes

    @property
    def signing_input(self) -> bytes:
        return self.compact[: self.compact.rindex(b".")]

    @property
    def id(self) -> str:
        """The statement id: 43 letters of base64url."""
        return statement_id(self.compact)


def parse(compact: bytes, type_: str = TYPE) -> Signed:
    """The statement that ``compact`` spells. Raises ``Malformed`` and nothing else, whatever the bytes.

    ``type_`` is what the header must call it (RFC 8725 section 3.11): nothing else that was signed passes for it.

    Pointers begin with ``/header``, ``/payload`` or ``/signature``. About 20 µs for a payload of 900 bytes.
    """
    if len(compact) > MAX_STATEMENT:
        raise Malformed("statement_too_large", f"{len(compact)} bytes")
    parts = compact.split(b".")
    if len(parts) != 3:
        raise Malformed("statement_malformed", f"{len(parts)} parts where there should be 3")
    if len(parts[0]) > MAX_HEADER:
        raise Malformed("header_malformed", f"longer than {MAX_HEADER} letters", pointer="/header")
    alg, kid = _header(parts[0], type_)
    payload = b64decode(parts[1], pointer="/payload")
    if len(payload) > MAX_PAYLOAD:
        raise Malformed("payload_too_large", f"{len(payload)} bytes", pointer="/payload")
    claims = decode(payload, pointer="/payload")
    if type(claims) is not dict:
        raise Malformed("payload_malformed", pointer="/payload")
    signature = b64decode(parts[2], pointer="/signature")
    if len(signature) != SIGNATURE_BYTES:
        raise Malformed("signature_malformed", f"{len(signature)} bytes", pointer="/signature")
    return Signed(compact, alg, kid, payload, claims, signature)


@lru_cache(maxsize=4096)
def _header(segment: bytes, type_: str) -> tuple[str, str]:
    """``alg`` and ``kid``. A signer's header is always the same, so it is read once."""
    header = decode(b64decode(segment, pointer="/header"), pointer="/header")
    if type(header) is not dict:
        raise Malformed("header_malformed", "not an object", pointer="/header")
    for name in sorted(_MEMBERS | header.keys()):
        if name not in _MEMBERS or type(header.get(name)) is not str:
            raise Malformed("header_malformed", pointer=f"/header/{escape(name)}")
    if header["typ"] != type_:
        raise Malformed("header_malformed", f"typ is not {type_}", pointer="/header/typ")
    if header["alg"] not in ALGORITHMS:
        raise Malformed("alg_unsupported", ascii(header["alg"]), pointer="/header/alg")
    try:
        split(header["kid"])
    except Malformed as fault:
        raise Malformed(fault.code, fault.detail, pointer="/header/kid") from None
    return header["alg"], header["kid"]


def verify(signed: Signed) -> None:
    """Return if the key that ``kid`` names signed the statement.

    Raises ``Malformed`` for a DID method or a key that is not supported, ``Unverifiable`` otherwise.
    The cost is the signature's: ``PublicKey.verify``, and once for each key the check of its point.
    """
    try:
        key = key_named(signed.kid)
    except Problem as fault:
        raise type(fault)(fault.code, fault.detail, pointer="/header/kid") from None
    if key.alg != signed.alg:
        raise Unverifiable("alg_unfit", f"{signed.alg}, but the key is of {key.alg}", pointer="/header/alg")
    try:
        key.verify(signed.signing_input, signed.signature)
    except Unverifiable as fault:
        raise Unverifiable(fault.code, fault.detail, pointer="/signature") from None


def sign(claims: dict[str, Any], key: StatementSigner, type_: str = TYPE, kid: str | None = None) -> bytes:
    """The compact form of ``claims``, signed by ``key``, which is named ``kid``: under its did:key if nothing is said.

    Raises ``Malformed`` as ``parse`` does.
    """
    payload = encode(claims, pointer="/payload")
    if len(payload) > MAX_PAYLOAD:
        raise Malformed("payload_too_large", f"{len(payload)} bytes", pointer="/payload")
    header = encode({"alg": key.alg, "kid": kid or kid_of(key.public), "typ": type_})
    signing_input = f"{b64encode(header)}.{b64encode(payload)}".encode("ascii")
    return signing_input + b"." + b64encode(key.sign(signing_input)).encode("ascii")


def statement_id(compact: bytes) -> str:
    """base64url SHA-256 of ``header.payload``, 43 letters, of a compact JWS that ``parse`` accepts."""
    return b64encode(sha256(compact[: compact.rindex(b".")]).digest())


def peek(compact: bytes) -> Signed:
    """What ``parse`` gives, for bytes that ``parse`` accepted already: in another process, or before they were stored.

    Spelling and limits are not looked at again, so for any other bytes the result means nothing.
    """
    header, body, tail = compact.split(b".")
    alg, kid = _header(header, TYPE)
    payload = b64decode(body)
    return Signed(compact, alg, kid, payload, orjson.loads(payload), b64decode(tail))

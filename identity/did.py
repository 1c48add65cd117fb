"""DIDs and the keys they name: did:key, which is its own public key, and did:webvh, whose log says more.

``did:key:z`` + base58btc(multicodec as unsigned varint || raw key), after the W3C CCG draft "The did:key Method";
Ed25519 (0xed) and compressed P-256 (0x1200). Other key types and other methods are refused by name. A verification
method is named by a DID URL, the DID and a fragment that is the multibase value: that is a statement's ``kid``.

    did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b                                     a party's DID
    did:key:z6MktKwz…9T53b#z6MktKwz…9T53b                                                        its one key
    did:webvh:QmRq…:ledger.example:org:acme#z6MktKwz…9T53b                             one of an organisation's keys

The fragment spells the key, so a signature is verified from the bytes alone. For did:key that is all there is to it;
that a key speaks for a did:webvh is nothing its DID URL can tell: it is the ledger's question (``identity.webvh``).
"""

from __future__ import annotations

import re
from functools import lru_cache

from identity.errors import Malformed, Unverifiable, declare
from identity.keys import Algorithm, PublicKey
from identity.place import parse_place

MAX_DID = 512  # characters of a DID
MAX_DID_URL = 1024

declare(
    "malformed",
    did_malformed=(
        "this is not a DID",
        "write did:<method>:<id> (DID Core section 3.1); a did:key in its one spelling",
    ),
    did_url_malformed=(
        "this does not name a key",
        "write an absolute DID URL: the DID, # and a fragment, nothing else",
    ),
    did_method_unsupported=("this DID method is not supported", "use did:key or did:webvh"),
    did_key_type_unsupported=("this did:key is of a type that is not supported", "use an Ed25519 or P-256 key"),
    did_scid_malformed=(
        "the did:webvh does not begin with its SCID",
        "write did:webvh:<SCID>:<host>…; the SCID has 46 letters of base58btc and begins with Qm",
    ),
)
declare(
    "unverifiable",
    did_key_unknown=(
        "the DID has no key of this name",
        "write the Multikey of the key after #; of a did:key that is its own multibase value",
    ),
)

_ID = r"(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})"
_DID = re.compile(rf"did:([a-z0-9]+):((?:{_ID}*:)*{_ID}+)", re.ASCII)
_SCID = re.compile(r"Qm[1-9A-HJ-NP-Za-km-z]{44}")  # 0x12 0x20 and 32 bytes in base58btc
_FRAGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})+", re.ASCII)  # RFC 3986 section 3.5

_PREFIX: dict[Algorithm, bytes] = {"Ed25519": b"\xed\x01", "ES256": b"\x80\x24"}  # varints of 0xed and 0x1200
_OTHER_TYPES = {
    0xE7: "secp256k1",
    0xEA: "BLS12-381 G1",
    0xEB: "BLS12-381 G2",
    0xEC: "X25519",
    0x1201: "P-384",
    0x1202: "P-521",
    0x1203: "Ed448",
    0x1204: "X448",
    0x1205: "RSA",
    0x1206: "SM2",
    0x1210: "ML-DSA-44",
    0x1211: "ML-DSA-65",
    0x1212: "ML-DSA-87",
}


def did_of(key: PublicKey) -> str:
    return "did:key:" + multibase_of(key)


def kid_of(key: PublicKey) -> str:
    """The DID URL by which statements name ``key``."""
    value = multibase_of(key)
    return f"did:key:{value}#{value}"


@lru_cache(maxsize=16384)
def multibase_of(key: PublicKey) -> str:
    """``z`` and base58btc of the multicodec prefix and the key: a Multikey (Controlled Identifiers 1.0, 2.2.2)."""
    return "z" + base58_encode(_PREFIX[key.alg] + key.raw)


@lru_cache(maxsize=16384)
def key_of(did: str) -> PublicKey:
    """The key that a did:key is. Raises ``Malformed``; about 70 µs for the check of the point, once per DID."""
    method, value = _parse(did)
    if method != "key":
        raise Malformed("did_method_unsupported", f"did:{method}")
    return key_spelled(value)


def check_did(did: str) -> None:
    """Return if ``did`` is a did:key in its one spelling or a well-formed did:webvh, raise ``Malformed`` if not.

    Whether the SCID is the hash it should be, only the log can show.
    """
    method, value = _parse(did)
    if method != "webvh":
        key_of(did)
        return
    scid, _, place = value.partition(":")
    if not _SCID.fullmatch(scid):
        raise Malformed("did_scid_malformed", _shown(scid))
    parse_place(place)


@lru_cache(maxsize=16384)
def key_spelled(value: str) -> PublicKey:
    """The key of a Multikey: the inverse of ``multibase_of``. Raises ``Malformed``."""
    if not value.startswith("z") or len(value) > MAX_DID:
        raise Malformed("did_malformed", "a Multikey begins with z, base58btc, and nothing stands before it")
    data = base58_decode(value[1:])
    for alg, prefix in _PREFIX.items():
        if data.startswith(prefix):
            return PublicKey(alg, data[len(prefix) :])
    code = _varint(data)
    raise Malformed("did_key_type_unsupported", _OTHER_TYPES.get(code, f"multicodec {code:#x}"))


@lru_cache(maxsize=16384)
def key_named(did_url: str) -> PublicKey:
    """The key that a DID URL names: a did:key's only one, or of a did:webvh the one that the fragment spells.

    Raises ``Malformed``, and ``Unverifiable`` (``did_key_unknown``) for a fragment that names no key of the DID, or is
    none. That the key speaks for a did:webvh is not said by this.
    """
    did, fragment = split(did_url)
    if did.startswith("did:webvh:"):
        check_did(did)
        if not fragment.startswith("z"):
            raise Unverifiable("did_key_unknown", did_url)
        return key_spelled(fragment)
    key = key_of(did)
    if fragment != multibase_of(key):
        raise Unverifiable("did_key_unknown", did_url)
    return key


def split(did_url: str) -> tuple[str, str]:
    """DID and fragment of an absolute DID URL without path and query. Raises ``Malformed``."""
    did, hash_, fragment = did_url.partition("#")
    if not hash_ or len(did_url) > MAX_DID_URL or not _FRAGMENT.fullmatch(fragment) or "/" in did or "?" in did:
        raise Malformed("did_url_malformed", _shown(did_url))
    _parse(did)
    return did, fragment


def method_of(did: str) -> str:
    """``key``, ``web``, ``webvh`` …: the method of a DID, of which no more is looked at than that it is one.

    Raises ``Malformed`` (``did_malformed``).
    """
    return _parse(did)[0]


def _parse(did: str) -> tuple[str, str]:
    """Method and method-specific id (DID Core section 3.1)."""
    found = _DID.fullmatch(did) if len(did) <= MAX_DID else None
    if found is None:
        raise Malformed("did_malformed", _shown(did))
    return found[1], found[2]


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 120 else text[:119] + "…")


def _varint(data: bytes) -> int:
    """The unsigned varint that ``data`` begins with (multiformats/unsigned-varint): minimal, at most 9 bytes."""
    value = 0
    for place, byte in enumerate(data[:9]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if byte == 0 and place:
                raise Malformed("did_malformed", "the multicodec is not in its shortest form")
            return value
    raise Malformed("did_malformed", "the multicodec does not end")


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUE = {letter: value for value, letter in enumerate(_BASE58)}


def base58_encode(data: bytes) -> str:
    """base58btc (draft-msporny-base58). Quadratic: for keys and hashes, not for content."""
    number = int.from_bytes(data, "big")
    letters = []
    while number:
        number, value = divmod(number, 58)
        letters.append(_BASE58[value])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(letters))


def base58_decode(text: str) -> bytes:
    """The bytes that ``base58_encode`` spells with ``text``: every text of the alphabet is one spelling of one value.

    Raises ``Malformed``. Quadratic: bound the length first.
    """
    number = 0
    try:
        for letter in text:
            number = number * 58 + _VALUE[letter]
    except KeyError:
        raise Malformed("did_malformed", f"{letter!a} is no letter of base58btc") from None
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")

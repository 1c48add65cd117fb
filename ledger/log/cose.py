"""COSE receipts (RFC 9942, verifiable data structure 1): one entry proven to whoever speaks SCITT and not C2SP.

    18([                                            COSE_Sign1
      << {1: -8,                                    EdDSA; all of this is signed
          4: h'2c26b46b...',                        which log key: its thumbprint (RFC 9679)
          15: {1: "example.com/registry",           who says so: the origin
               2: "checkpoint/21"},                 about what: its tree of this size
          395: 1} >>,                               RFC9162_SHA256
      {396: {-1: [<< [21, 7, [h'5784...', ...]] >>]}},    not signed: size, index, inclusion proof
      nil,                                          the payload is the root, which the reader rebuilds
      h'10f6b12a...'                                Ed25519 signature
    ])

The tree is that of the checkpoints and so is the key: a receipt says with the root what a checkpoint says with its
text, and :func:`sign_root` signs no root that no checkpoint of this key was signed for.

The proof alone binds neither size nor index: with one path and one root, leaf 0 stands in trees of 5, 6, 7 and 8
leaves, and the last leaf of 5 at index 1 of 2. So the size stands among what is signed, and the index in the entry.
One signature serves all entries under a root, and is the same whenever it is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import cbor2

from identity.errors import Malformed, Unverifiable, declare
from identity.keys import PublicKey
from identity.note import Signer, Verifier
from identity.signature import ED25519
from ledger.log.chain import Entry, parse_entry
from ledger.log.checkpoint import Checkpoint, open_checkpoint
from ledger.log.merkle import leaf_hash, root_from
from ledger.log.receipt import HASHES_MAX

RECEIPT_BYTES_MAX = 4_096  # 63 hashes, an origin of 255 bytes and the rest take some 2,700

_ALG, _KID, _CLAIMS, _VDS, _VDP = 1, 4, 15, 395, 396  # header parameters
_ISS, _SUB = 1, 2  # CWT claims (RFC 8392)
_EDDSA = -8
_RFC9162_SHA256 = 1
_INCLUSION = -1
_SIGN1 = 18
_KTY, _KEY_ID, _KEY_ALG, _CRV, _X = 1, 2, 3, -1, -2  # parameters of a key (RFC 9052 section 7, RFC 9053 section 7.2)
_OKP, _ED25519_CURVE = 1, 6

declare(
    "malformed",
    cose_receipt_malformed=("the COSE receipt is malformed", "fetch the receipt again, unaltered to the last byte"),
)
declare(
    "unverifiable",
    cose_key_unknown=("no known key signed the COSE receipt", "check that the verifier keys are those of this log"),
    cose_receipt_wrong=(
        "the COSE receipt does not prove this entry",
        "check that it is of this very entry; if it is, entry or receipt was altered",
    ),
)


@dataclass(frozen=True, slots=True)
class SignedRoot:
    """What a log key has signed for COSE: the tree of ``origin`` at ``size``. ``kid``: 32 bytes, ``signature``: 64."""

    origin: str
    size: int
    kid: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class CoseReceipt:
    """A signed root, and the inclusion proof of the leaf at ``index``: one to 63 hashes of 32 bytes."""

    signed: SignedRoot
    index: int
    proof: Sequence[bytes]


# ---- Keys --------------------------------------------------------------------------------------------------


def thumbprint(verifier: Verifier) -> bytes:
    """The key id of a log key: SHA-256 of its COSE key with what is required only (RFC 9679), 32 bytes."""
    return sha256(_dumps({_KTY: _OKP, _CRV: _ED25519_CURVE, _X: _ed25519(verifier)})).digest()


def format_cose_key(verifier: Verifier) -> bytes:
    """A log key as COSE_Key (RFC 9052 section 7)."""
    return _dumps(_cose_key(verifier))


def format_cose_keys(verifiers: Iterable[Verifier]) -> bytes:
    """Log keys as COSE_KeySet, in this order."""
    return _dumps([_cose_key(verifier) for verifier in verifiers])


def _cose_key(verifier: Verifier) -> dict[int, Any]:
    key = {_KTY: _OKP, _KEY_ID: thumbprint(verifier), _KEY_ALG: _EDDSA}
    return key | {_CRV: _ED25519_CURVE, _X: _ed25519(verifier)}


def _ed25519(verifier: Verifier) -> bytes:
    if verifier.signature_type != ED25519:
        raise ValueError(f"only Ed25519 keys sign COSE receipts, not type {verifier.signature_type:#04x}")
    return verifier.public_key


# ---- Making ------------------------------------------------------------------------------------------------


def sign_root(checkpoint: bytes, signer: Signer) -> SignedRoot:
    """Sign the root of a checkpoint that this very key has signed. About 0.2 ms, mostly to check the checkpoint.

    Raises what :func:`ledger.log.checkpoint.open_checkpoint` raises.
    """
    opened = open_checkpoint(checkpoint, [signer.verifier])
    kid = thumbprint(signer.verifier)
    message = _message(_protected(opened.origin, opened.size, kid), opened.root)
    return SignedRoot(opened.origin, opened.size, kid, signer.sign(message).signature)


def format_cose_receipt(receipt: CoseReceipt) -> bytes:
    """The bytes of a receipt, in deterministic CBOR (RFC 8949 section 4.2). Checks nothing: parsing does.

    A tree of one leaf has none: RFC 9942 wants one hash at least.
    """
    signed = receipt.signed
    proof = _dumps([signed.size, receipt.index, list(receipt.proof)])
    protected = _protected(signed.origin, signed.size, signed.kid)
    value = [protected, {_VDP: {_INCLUSION: [proof]}}, None, signed.signature]
    return _dumps(cbor2.CBORTag(_SIGN1, value))


def _protected(origin: str, size: int, kid: bytes) -> bytes:
    claims = {_ISS: origin, _SUB: _about(size)}
    return _dumps({_ALG: _EDDSA, _KID: kid, _CLAIMS: claims, _VDS: _RFC9162_SHA256})


def _about(size: int) -> str:
    return f"checkpoint/{size}"


def _message(protected: bytes, root: bytes) -> bytes:
    """What is signed: the Sig_structure of RFC 9052 section 4.4. Its first byte, 0x84, begins no note's text."""
    return _dumps(["Signature1", protected, b"", root])


def _dumps(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)


# ---- Opening -----------------------------------------------------------------------------------------------


def parse_cose_receipt(data: bytes) -> CoseReceipt:
    """The reverse of :func:`format_cose_receipt`: exactly its members, in its spelling.

    Raises ``cose_receipt_malformed``.
    """
    if len(data) > RECEIPT_BYTES_MAX:
        raise Malformed("cose_receipt_malformed", f"more than {RECEIPT_BYTES_MAX} bytes")
    try:
        receipt, about = _read(data)
    except (cbor2.CBORError, LookupError, TypeError, ValueError, AttributeError):
        raise Malformed("cose_receipt_malformed", "it is not a receipt of inclusion (RFC 9942)") from None
    _check_form(receipt)
    if about != _about(receipt.signed.size):
        raise Malformed("cose_receipt_malformed", "the proof is for another size than the one signed for")
    if format_cose_receipt(receipt) != data:
        raise Malformed("cose_receipt_malformed", "another spelling of the same receipt, or other members")
    return receipt


def _read(data: bytes) -> tuple[CoseReceipt, Any]:
    """Where the members of a receipt would be, and what it says it is about. Nothing of it has a certain type."""
    protected, unprotected, _, signature = _loads(data).value
    (proof,) = unprotected[_VDP][_INCLUSION]
    size, index, path = _loads(proof)
    header = _loads(protected)
    signed = SignedRoot(header[_CLAIMS][_ISS], size, header[_KID], signature)
    return CoseReceipt(signed, index, list(path)), header[_CLAIMS][_SUB]


def _loads(data: bytes) -> Any:
    return cbor2.loads(data, max_depth=8, allow_indefinite=False, allow_duplicate_keys=False)


def _check_form(receipt: CoseReceipt) -> None:
    """Every member has its type and length. Raises ``cose_receipt_malformed``."""
    signed = receipt.signed
    whole = type(signed.size) is int and type(receipt.index) is int  # True is an int to isinstance
    if not whole or not 0 <= receipt.index < signed.size < 2**63:
        raise Malformed("cose_receipt_malformed", "size or index out of range")
    if not isinstance(signed.origin, str) or not _is_bytes(signed.kid, 32) or not _is_bytes(signed.signature, 64):
        raise Malformed("cose_receipt_malformed", "issuer, key id or signature of another type or length")
    if not 1 <= len(receipt.proof) <= HASHES_MAX or not all(_is_bytes(node, 32) for node in receipt.proof):
        raise Malformed("cose_receipt_malformed", f"the path is not of 1 to {HASHES_MAX} hashes of 32 bytes")


def _is_bytes(value: object, length: int) -> bool:
    return isinstance(value, bytes) and len(value) == length


def open_cose_receipt(data: bytes, entry: bytes, verifiers: Iterable[Verifier]) -> tuple[Entry, Checkpoint]:
    """The entry that a receipt proves, parsed, and size and root it is proven against.

    1. The receipt is one spelling of its members, and its proof is for the size that was signed for.
    2. ``entry`` is one spelling of an entry,
    3. which stands at the index the receipt gives, in the ledger that issued it.
    4. The key is one of these, and goes by that ledger's name.
    5. The entry's bytes, as leaf at that index, lead by the proof to a root,
    6. which this key has signed, under that size.

    Left to the caller: that the keys are the log's, and the statement's own signature. Raises the codes of each step:
    ``cose_receipt_malformed``, those of ``parse_entry``, ``receipt_index_wrong``, ``receipt_origin_wrong``,
    ``cose_key_unknown``, ``proof_malformed``, ``cose_receipt_wrong``. Keys that are not Ed25519 are passed over.
    """
    receipt = parse_cose_receipt(data)  # (1)
    signed = receipt.signed
    parsed = parse_entry(entry)  # (2)
    if parsed.index != receipt.index:  # (3)
        raise Unverifiable("receipt_index_wrong", f"entry {parsed.index} with a receipt for {receipt.index}")
    if parsed.origin != signed.origin:  # (3)
        raise Unverifiable("receipt_origin_wrong", f"{parsed.origin} under {signed.origin}")
    key = _key_of(signed, verifiers)  # (4)
    root = root_from(leaf_hash(entry), receipt.index, signed.size, receipt.proof)  # (5)
    try:  # (6)
        key.verify(_message(_protected(signed.origin, signed.size, signed.kid), root), signed.signature)
    except Unverifiable:
        raise Unverifiable("cose_receipt_wrong", f"entry {parsed.index} under size {signed.size}") from None
    return parsed, Checkpoint(signed.origin, signed.size, root)


def _key_of(signed: SignedRoot, verifiers: Iterable[Verifier]) -> PublicKey:
    """The known key that the receipt names. Raises ``cose_key_unknown``."""
    for verifier in verifiers:
        named = verifier.signature_type == ED25519 and verifier.name == signed.origin
        if named and thumbprint(verifier) == signed.kid:
            return PublicKey.ed25519(verifier.public_key)
    raise Unverifiable("cose_key_unknown", f"{signed.kid.hex()} of {signed.origin}")

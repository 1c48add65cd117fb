"""Data Integrity proofs of the suite eddsa-jcs-2022 (W3C Data Integrity EdDSA Cryptosuites 1.0, section 3.3).

    signed bytes   SHA-256(RFC 8785 of the proof without proofValue) || SHA-256(RFC 8785 of the document without proof)
    proofValue     z + base58btc of the Ed25519 signature

Where the document has an ``@context`` the proof repeats it. What checking a proof takes, in this order; the last two
are left to whoever calls, who knows what the document is for:

1. the proof has the members of a proof, of this suite, and no chain behind it;
2. its purpose is the one asked for;
3. it has not expired;
4. its ``@context`` begins the document's;
5. the signature is the key's, by the one rule of ``identity.keys``;
6. the key is one of ``verificationMethod``, and may be used for the purpose;
7. ``domain`` and ``challenge``, where they matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple

from identity.did import base58_decode, base58_encode
from identity.errors import Malformed, Unverifiable, declare
from identity.instant import format_instant, parse_instant
from identity.jcs import encode_any
from identity.keys import SIGNATURE_BYTES, PublicKey
from identity.signer import StatementSigner

SUITE = "eddsa-jcs-2022"
ASSERTION = "assertionMethod"
_VALUE_MAX = 96  # letters of a proofValue; 64 bytes take 89 at most

declare(
    "malformed",
    data_proof_malformed=(
        "this is not a Data Integrity proof",
        "a proof has type, cryptosuite, verificationMethod, proofPurpose and proofValue, each a string",
    ),
    proof_suite_unsupported=(
        "proofs of this kind are not supported",
        f"sign with type DataIntegrityProof and cryptosuite {SUITE}, without previousProof",
    ),
    proof_key_unfit=("a key of this type makes no such proof", f"{SUITE} is signed with Ed25519"),
)
declare(
    "unverifiable",
    proof_purpose_other=("the proof was made for another purpose", "ask the signer for a proof of the right purpose"),
    proof_expired=("the proof has expired", "ask the signer for another one"),
    proof_context_other=("the proof is of another @context", "the document's @context begins with that of the proof"),
    proof_invalid=("the proof does not fit the document", "fetch it again, unaltered; if it stays so, it is forged"),
)


class Proof(NamedTuple):
    """A well-formed proof. Nothing is known about its signature."""

    method: str  # verificationMethod: names the key, usually by a DID URL
    purpose: str
    created: Decimal | None  # POSIX seconds
    expires: Decimal | None
    signature: bytes


def make_proof(
    document: Mapping[str, Any],
    key: StatementSigner,
    verification_method: str,
    created: int | None,
    purpose: str = ASSERTION,
    **more: Any,
) -> dict[str, Any]:
    """The proof of ``document`` (its own ``proof`` aside) by ``key``, made at ``created`` (POSIX seconds).

    ``more`` are further members of the proof: ``domain``, ``challenge``, ``expires``, ``nonce``. Raises ``Malformed``.
    """
    if key.public.alg != "Ed25519":
        raise Malformed("proof_key_unfit", key.public.alg)
    proof: dict[str, Any] = {"type": "DataIntegrityProof", "cryptosuite": SUITE}
    if created is not None:
        proof["created"] = format_instant(created)
    proof |= {"verificationMethod": verification_method, "proofPurpose": purpose}
    proof |= {name: value for name, value in more.items() if name not in proof}
    if "@context" in document:
        proof["@context"] = document["@context"]
    signature = key.sign(signed_bytes(document, proof))
    return proof | {"proofValue": "z" + base58_encode(signature)}


def sign_proof(
    document: Mapping[str, Any],
    key: StatementSigner,
    verification_method: str,
    created: int | None,
    purpose: str = ASSERTION,
    **more: Any,
) -> dict[str, Any]:
    """``document`` with a proof as ``make_proof`` makes it; beside those it has, each of the whole without proofs."""
    made = make_proof(document, key, verification_method, created, purpose, **more)
    had = document.get("proof", [])
    proofs = [*(had if isinstance(had, list) else [had]), made]
    return {**document, "proof": proofs if len(proofs) > 1 else made}


def check_proof(
    document: Mapping[str, Any],
    proof: Mapping[str, Any],
    key: PublicKey,
    *,
    purpose: str = ASSERTION,
    now: int | None = None,
    hashed: bytes | None = None,
) -> None:
    """Return if ``key`` made ``proof`` of ``document`` for ``purpose``, and it holds at ``now`` (if given).

    ``hashed`` is :func:`document_hash` of it, for whoever checks several proofs of one document. Steps (1) to (5) of
    the module. Raises ``Malformed`` and ``Unverifiable``. About 65 µs and twice the spelling.
    """
    said = read_proof(proof)  # (1)
    if said.purpose != purpose:  # (2)
        raise Unverifiable("proof_purpose_other", f"{ascii(said.purpose)[:60]}, not {purpose}", pointer="/proofPurpose")
    if now is not None and said.expires is not None and said.expires < now:  # (3)
        raise Unverifiable("proof_expired", f"at {said.expires}", pointer="/expires")
    if key.alg != "Ed25519":
        raise Malformed("proof_key_unfit", key.alg)
    if "@context" in proof:  # (4)
        meant, had = _listed(proof["@context"]), _listed(document.get("@context", []))
        if had[: len(meant)] != meant:
            raise Unverifiable("proof_context_other", pointer="/@context")
        document, hashed = {**document, "@context": proof["@context"]}, None
    try:
        key.verify(signed_bytes(document, proof, hashed), said.signature)  # (5)
    except Unverifiable:
        raise Unverifiable("proof_invalid", pointer="/proofValue") from None


def read_proof(proof: Mapping[str, Any]) -> Proof:
    """What a proof of this suite says. Raises ``Malformed``; its pointer begins within the proof."""
    for name in ("type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"):
        if type(proof.get(name)) is not str:
            raise Malformed("data_proof_malformed", f"{name} is no string", pointer=f"/{name}")
    if proof["type"] != "DataIntegrityProof" or proof["cryptosuite"] != SUITE or "previousProof" in proof:
        kind = ascii(f"{proof['type']} {proof['cryptosuite']}")[:80]
        raise Malformed("proof_suite_unsupported", "a chain of proofs" if "previousProof" in proof else kind)
    value = proof["proofValue"]
    try:
        signature = base58_decode(value[1:]) if value.startswith("z") and len(value) <= _VALUE_MAX else b""
    except Malformed:
        signature = b""
    if len(signature) != SIGNATURE_BYTES:
        raise Malformed("data_proof_malformed", "proofValue is not z and base58btc of 64 bytes", pointer="/proofValue")
    created, expires = _instant(proof, "created"), _instant(proof, "expires")
    return Proof(proof["verificationMethod"], proof["proofPurpose"], created, expires, signature)


def signed_bytes(document: Mapping[str, Any], proof: Mapping[str, Any], hashed: bytes | None = None) -> bytes:
    """The 64 bytes that are signed: hash of the proof, hash of the document. Raises ``Malformed``."""
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    return sha256(encode_any(options)).digest() + (hashed or document_hash(document))


def document_hash(document: Mapping[str, Any]) -> bytes:
    """SHA-256 of a document's spelling without its proofs. Raises ``Malformed``."""
    return sha256(encode_any({name: value for name, value in document.items() if name != "proof"})).digest()


def _instant(proof: Mapping[str, Any], name: str) -> Decimal | None:
    if name not in proof:
        return None
    if type(proof[name]) is not str:
        raise Malformed("data_proof_malformed", f"{name} is no string", pointer=f"/{name}")
    return parse_instant(proof[name], pointer=f"/{name}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

"""A maker of did:webvh logs that knows no rules: whatever it is told to write it hashes and signs.

So a hostile log can break one rule and no other. It shares nothing with ``identity.webvh`` but the spelling of keys:
canonical JSON is that of a library which is not ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import rfc8785

from identity.did import base58_encode, multibase_of
from identity.keys import SigningKey

KEYS = [SigningKey.from_seed("Ed25519", bytes([number]) * 32) for number in range(1, 9)]
NAMES = [multibase_of(key.public) for key in KEYS]  # Multikeys
DIDS = [f"did:key:{name}" for name in NAMES]
PLACE = "ledger.example:org:acme"
START = 1_790_000_000  # versionTime of the first entry; each further one is a minute later
NOW = START + 86_400

Line = dict[str, Any]
Sign = Callable[[SigningKey, bytes], bytes]


def hashed(data: bytes, code: bytes = b"\x12\x20") -> str:
    return base58_encode(code + sha256(data).digest())


def hash_of(multikey: str) -> str:
    return hashed(multikey.encode())


def instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def document(did: str, **more: Any) -> dict[str, Any]:
    return {"@context": ["https://www.w3.org/ns/did/v1"], "id": did, **more}


def proof_of(line: Line, key: int, sign: Sign = SigningKey.sign, **members: Any) -> dict[str, Any]:
    """An eddsa-jcs-2022 proof; ``members`` replace those it would have, ``None`` leaves one out."""
    proof: dict[str, Any] = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": f"{DIDS[key]}#{NAMES[key]}",
        "created": line.get("versionTime", instant(START)),
        "proofPurpose": "assertionMethod",
    } | members
    proof = {name: value for name, value in proof.items() if value is not None}
    message = b"".join(sha256(rfc8785.dumps(value)).digest() for value in (proof, line))
    return proof | {"proofValue": "z" + base58_encode(sign(KEYS[key], message))}


def seal(
    predecessor: str, body: Line, number: int | str, keys: Sequence[int], sign: Sign = SigningKey.sign, **members: Any
) -> Line:
    """``body`` with the hash on its predecessor, and a proof by each of ``keys``."""
    digest = hashed(rfc8785.dumps({**body, "versionId": predecessor}))
    line = {**body, "versionId": f"{number}-{digest}"}
    return {**line, "proof": [proof_of(line, key, sign, **members) for key in keys]}


def first(
    parameters: dict[str, Any] | None = None,
    state: dict[str, Any] | None = None,
    keys: Sequence[int] = (0,),
    number: int | str = 1,
    time: str | None = None,
    **members: Any,
) -> list[Line]:
    """A log of one entry. ``parameters`` go over the usual ones, ``None`` leaves one out."""
    usual = {"method": "did:webvh:1.0", "scid": "{SCID}", "updateKeys": [NAMES[0]]}
    draft = {
        "versionId": "{SCID}",
        "versionTime": time or instant(START),
        "parameters": {name: value for name, value in (usual | (parameters or {})).items() if value is not None},
        "state": document(f"did:webvh:{{SCID}}:{PLACE}") if state is None else state,
    }
    scid = hashed(rfc8785.dumps(draft))
    body = json.loads(rfc8785.dumps(draft).replace(b"{SCID}", scid.encode()))
    return [seal(scid, body, number, keys, **members)]


def then(
    log: list[Line],
    parameters: dict[str, Any] | None = None,
    state: dict[str, Any] | None = None,
    keys: Sequence[int] = (0,),
    number: int | str | None = None,
    time: str | None = None,
    **members: Any,
) -> list[Line]:
    """The log with one entry more: by default with the state it had, and no parameters."""
    body = {
        "versionTime": time or instant(START + 60 * len(log)),
        "parameters": parameters or {},
        "state": log[-1]["state"] if state is None else state,
    }
    return [*log, seal(log[-1]["versionId"], body, number or len(log) + 1, keys, **members)]


def scid_of(log: list[Line]) -> str:
    return str(log[0]["parameters"]["scid"])


def did_of(log: list[Line]) -> str:
    return str(log[-1]["state"]["id"])


def text(log: list[Line]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in log)

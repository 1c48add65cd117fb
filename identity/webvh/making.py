"""Making did:webvh log entries: drafted, hashed, signed, and judged by the very rules that everybody applies.

    did = draft_did("ledger.example", ["org", "acme"])              did:webvh:{SCID}:ledger.example:org:acme
    first = first_line({"id": did, …}, key, time, next_key_hashes=[key_hash(spare)])
    standing = advance(None, first, time)
    second = next_line(standing, spare_key, later, next_key_hashes=[key_hash(another)])

Pre-rotation is the caller's choice at every entry and never left out by oversight: the hashes of the keys that may
follow are asked for, and the empty list says that any key may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from identity.did import kid_of, multibase_of
from identity.instant import format_instant
from identity.jcs import decode_any, encode_any
from identity.multihash import multihash
from identity.place import format_place
from identity.proof import make_proof
from identity.signer import StatementSigner
from identity.webvh.parameters import METHOD
from identity.webvh.rules import PLACEHOLDER, advance, entry_hash
from identity.webvh.standing import Standing, Witness


def draft_did(host: str, path: Sequence[str] = (), port: int | None = None) -> str:
    """The DID of a log that is yet to be made: with ``{SCID}`` where the SCID will be. Raises ``Malformed``."""
    return f"did:webvh:{PLACEHOLDER}:{format_place(host, path, port)}"


def first_line(
    document: Mapping[str, Any],
    key: StatementSigner,
    time: int,
    *,
    next_key_hashes: Sequence[str],
    update_keys: Sequence[str] = (),
    witness: Witness | None = None,
    watchers: Sequence[str] = (),
    portable: bool = False,
    ttl: int | None = None,
) -> dict[str, Any]:
    """The first entry of a log, at ``time`` (POSIX seconds), signed by ``key``.

    ``document`` has ``{SCID}`` wherever the SCID shall be, first of all in its id. ``update_keys`` are Multikeys, by
    default that of ``key`` alone. Raises ``Malformed`` and ``Unverifiable`` as ``advance`` does.
    """
    parameters = _parameters(
        method=METHOD,
        scid=PLACEHOLDER,
        updateKeys=list(update_keys) or [multibase_of(key.public)],
        nextKeyHashes=list(next_key_hashes),
        witness=witness and witness.to_parameter(),
        watchers=list(watchers) or None,
        portable=portable,
        ttl=ttl,
    )
    draft = {
        "versionId": PLACEHOLDER,
        "versionTime": format_instant(time),
        "parameters": parameters,
        "state": dict(document),
    }
    spelled = encode_any(draft)
    scid = multihash(spelled)
    body: dict[str, Any] = decode_any(spelled.replace(PLACEHOLDER.encode(), scid.encode()))
    return _sealed(None, body, scid, key, time)


def next_line(
    standing: Standing,
    key: StatementSigner,
    time: int,
    *,
    document: Mapping[str, Any] | None = None,
    next_key_hashes: Sequence[str] | None = None,
    update_keys: Sequence[str] | None = None,
    witness: Witness | Mapping[str, Any] | None = None,
    watchers: Sequence[str] | None = None,
    portable: bool | None = None,
    deactivated: bool | None = None,
    ttl: int | None = None,
) -> dict[str, Any]:
    """The entry after ``standing``, signed by ``key``; what is ``None`` stays as it is. ``witness={}`` ends witnessing.

    While pre-rotation is on, ``next_key_hashes`` must be given, ``key`` is one that was announced, and ``update_keys``
    is its Multikey unless given. Raises ``Malformed`` and ``Unverifiable`` as ``advance`` does.
    """
    if update_keys is None and standing.next_key_hashes:
        update_keys = [multibase_of(key.public)]
    parameters = _parameters(
        updateKeys=None if update_keys is None else list(update_keys),
        nextKeyHashes=None if next_key_hashes is None else list(next_key_hashes),
        witness=witness.to_parameter() if isinstance(witness, Witness) else witness,
        watchers=None if watchers is None else list(watchers),
        portable=portable,
        deactivated=deactivated,
        ttl=ttl,
    )
    body = {
        "versionTime": format_instant(time),
        "parameters": parameters,
        "state": dict(standing.document if document is None else document),
    }
    return _sealed(standing, body, standing.version_id, key, time)


def _parameters(**stated: Any) -> dict[str, Any]:
    return {name: value for name, value in stated.items() if value is not None}


def _sealed(
    standing: Standing | None, body: Mapping[str, Any], predecessor: str, key: StatementSigner, time: int
) -> dict[str, Any]:
    """The entry with its versionId and proof; an entry that would be refused is never handed out."""
    number = 1 if standing is None else standing.number + 1
    line = {**body, "versionId": f"{number}-{entry_hash(predecessor, body)}"}
    line["proof"] = [make_proof(line, key, kid_of(key.public), time)]
    advance(standing, line, time)
    return line

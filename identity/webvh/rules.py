"""The rules of a did:webvh log, entry by entry (did:webvh v1.0, "Read (Resolve)", with the clarifications of 2026-06).

``advance`` is all of them but one: whether witnesses approved is in a file of its own (``identity.webvh.witness``).
In this order:

 1. an entry has five members, and parameters that there are, each of its type;
 2. the first entry states method, scid and updateKeys; a later one no scid, and never ``portable: true``;
 3. nothing follows a deactivation;
 4. version numbers count from 1, without a gap;
 5. versionTime is UTC, later than the entry before, and not ahead of the clock by more than five minutes;
 6. the first entry holds no placeholder, and its hash with placeholders for the SCID is the SCID;
 7. the hash of the entry, on the versionId before it (or the SCID), is the one in its versionId;
 8. the document's id is a did:webvh of the same SCID; where it changes, the DID is portable and the document says
    which one it had;
 9. while pre-rotation is on, updateKeys and nextKeyHashes are stated, and every update key was announced by its hash;
10. every proof is an assertion of eddsa-jcs-2022 by an active update key, named did:key:<key>#<key>. Active are the
    keys of the entry itself if it is the first or pre-rotation is on, else those before it. One is enough.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from identity.did import check_did, key_spelled
from identity.errors import Malformed, Unverifiable, declare
from identity.instant import parse_instant
from identity.jcs import decode_any, encode_any
from identity.multihash import check_multihash, multihash
from identity.proof import check_proof, document_hash
from identity.webvh.parameters import read_parameters
from identity.webvh.standing import Standing

AHEAD_S = 300  # by so much a versionTime may be ahead of the reader's clock
PLACEHOLDER = "{SCID}"
PROOFS_MAX = 16
_VERSION = re.compile(r"([1-9][0-9]{0,8})-([1-9A-Za-z]{1,128})")
_HASHED = ("versionId", "versionTime", "parameters", "state")  # all members but the proof

declare(
    "malformed",
    webvh_entry_malformed=(
        "this is not a did:webvh log entry",
        "an entry has exactly versionId, versionTime, parameters, state and proof",
    ),
    webvh_version_malformed=("the versionId is malformed", "write <number>-<hash of the entry>, with one dash"),
    webvh_time_malformed=("the versionTime is no instant of UTC", "write RFC 3339 in UTC: 2026-05-28T18:58:18Z"),
    webvh_parameter_missing=("the first log entry lacks a parameter", "state method, scid and updateKeys"),
    webvh_document_malformed=(
        "the state is not a DID document",
        "write an object with an id; alsoKnownAs lists texts, service lists objects",
    ),
    webvh_document_id=("the document's id is no did:webvh", "write did:webvh:<SCID>:<host>… without path or fragment"),
    webvh_proof_method=(
        "the proof does not name its key",
        "write verificationMethod as did:key:<Multikey>#<Multikey>, twice the same",
    ),
)
declare(
    "unverifiable",
    webvh_scid_restated=("a later log entry states the scid again", "state it in the first entry only"),
    webvh_portable_late=("the log entry makes the DID portable after its first entry", "only the first entry may"),
    webvh_deactivated=("the DID is deactivated", "nothing can follow; make another DID"),
    webvh_version_gap=("the version numbers have a gap", "fetch the whole log; count from 1 by 1"),
    webvh_time_not_later=("the versionTime is not later than that of the entry before", "set the clock right"),
    webvh_time_ahead=("the versionTime lies in the future", f"it may be ahead by {AHEAD_S} s; set the clocks right"),
    webvh_placeholder_left=(
        "the first log entry holds the placeholder of the SCID",
        "put the SCID in every place; two entries would have one SCID",
    ),
    webvh_scid_invalid=("the SCID is not the hash of the first log entry", "do not trust the log: altered or forged"),
    webvh_hash_invalid=("the hash of the log entry does not fit", "do not trust the log: altered or forged"),
    webvh_scid_changed=("the document is of another SCID", "a log has one SCID for good"),
    webvh_not_portable=("the DID moved and is not portable", "portable is set in the first entry or never"),
    webvh_move_unnamed=("the DID moved and does not say from where", "list the DID it had before in alsoKnownAs"),
    webvh_rotation_silent=(
        "the log entry leaves out its keys while pre-rotation is on",
        "state updateKeys and nextKeyHashes in every entry; nextKeyHashes [] ends it for the entry after",
    ),
    webvh_key_unannounced=(
        "an update key was not announced",
        "each key hashes to one of the nextKeyHashes of the entry before",
    ),
    webvh_key_unauthorised=("the proof is not by an active update key", "sign with a key of updateKeys"),
)


def advance(standing: Standing | None, line: Mapping[str, Any], now: int) -> Standing:
    """Where a log stands after the entry ``line``; ``standing`` is where it stood, ``None`` for the first entry.

    ``now`` is in POSIX seconds. Raises ``Malformed`` and ``Unverifiable``; pointers begin within the entry. Left to
    the caller: the witnesses, and that the DID is the one that was asked for. About 0.2 ms for an entry of 1 kB.
    """
    _check_members(line)
    stated = read_parameters(line["parameters"])  # (1)
    _check_stated(standing, stated)  # (2)
    if standing is not None and standing.deactivated:  # (3)
        raise Unverifiable("webvh_deactivated", standing.did)
    _check_number(standing, line["versionId"])  # (4)
    _check_time(standing, line["versionTime"], now)  # (5)
    scid = stated["scid"] if standing is None else standing.scid
    body = {name: line[name] for name in _HASHED}
    if standing is None:
        _check_scid(scid, body)  # (6)
    _check_hash(scid if standing is None else standing.version_id, body)  # (7)
    after = _merged(standing, stated, line)
    _check_document(standing, after)  # (8)
    announced = () if standing is None else standing.next_key_hashes
    if announced:
        _check_announced(announced, stated)  # (9)
    active = after.update_keys if standing is None or announced else standing.update_keys
    _check_proofs(line, active, now)  # (10)
    return after


def retrace(standing: Standing | None, line: Mapping[str, Any]) -> Standing:
    """As :func:`advance`, of an entry that passed it once: nothing is checked again. Some 50 µs."""
    return _merged(standing, read_parameters(line["parameters"]), line)


def key_hash(multikey: str) -> str:
    """What nextKeyHashes announces a key by: the multihash of its Multikey's letters."""
    return multihash(multikey.encode("ascii"))


def entry_hash(predecessor: str, body: Mapping[str, Any]) -> str:
    """Of an entry without its proof, on the versionId before it or the SCID. Raises ``Malformed``."""
    return multihash(encode_any({**body, "versionId": predecessor}))


def _check_members(line: Mapping[str, Any]) -> None:
    """Return if an entry has its five members and no other, each of its type, raise ``Malformed`` if not."""
    for name in sorted(_MEMBERS.keys() | line.keys()):
        if name not in _MEMBERS or not isinstance(line.get(name), _MEMBERS[name]):
            raise Malformed("webvh_entry_malformed", ascii(name)[:80])


_MEMBERS: dict[str, type] = {"versionId": str, "versionTime": str, "parameters": dict, "state": dict, "proof": list}


def _check_stated(standing: Standing | None, stated: Mapping[str, Any]) -> None:
    if standing is None:
        for field, name in (("method", "method"), ("scid", "scid"), ("update_keys", "updateKeys")):
            if field not in stated:
                raise Malformed("webvh_parameter_missing", name, pointer="/parameters")
        return
    if "scid" in stated:
        raise Unverifiable("webvh_scid_restated", pointer="/parameters/scid")
    if stated.get("portable"):
        raise Unverifiable("webvh_portable_late", pointer="/parameters/portable")


def _check_number(standing: Standing | None, version_id: str) -> None:
    found = _VERSION.fullmatch(version_id)
    if found is None:
        raise Malformed("webvh_version_malformed", ascii(version_id)[:80], pointer="/versionId")
    check_multihash(found[2], pointer="/versionId")
    due = 1 if standing is None else standing.number + 1
    if int(found[1]) != due:
        raise Unverifiable("webvh_version_gap", f"{found[1]}, not {due}", pointer="/versionId")


def _check_time(standing: Standing | None, version_time: str, now: int) -> None:
    instant = _utc_instant(version_time)
    if standing is not None and instant <= standing.instant:
        detail = f"{version_time} after {standing.version_time}"
        raise Unverifiable("webvh_time_not_later", detail, pointer="/versionTime")
    if instant > now + AHEAD_S:
        raise Unverifiable("webvh_time_ahead", f"{version_time}, at {now}", pointer="/versionTime")


def _utc_instant(text: str) -> Decimal:
    """POSIX seconds of a versionTime: ``Z`` or ``+00:00`` is said. Raises ``Malformed``."""
    try:
        if not text.endswith(("Z", "+00:00")):
            raise Malformed("instant_malformed", f"{text[:60]!a} is not in UTC")
        return parse_instant(text)
    except Malformed as wrong:
        raise Malformed("webvh_time_malformed", wrong.detail, pointer="/versionTime") from None


def _check_scid(scid: str, body: Mapping[str, Any]) -> None:
    published = encode_any({**body, "versionId": PLACEHOLDER})
    if published.count(PLACEHOLDER.encode()) > 1:
        raise Unverifiable("webvh_placeholder_left")
    # Read and spelled again, for a key that holds the SCID sorts elsewhere than with the placeholder.
    draft = encode_any(decode_any(published.replace(scid.encode(), PLACEHOLDER.encode())))
    if multihash(draft) != scid:
        raise Unverifiable("webvh_scid_invalid", scid, pointer="/parameters/scid")


def _check_hash(predecessor: str, body: Mapping[str, Any]) -> None:
    if entry_hash(predecessor, body) != body["versionId"].partition("-")[2]:
        raise Unverifiable("webvh_hash_invalid", body["versionId"], pointer="/versionId")


def _merged(standing: Standing | None, stated: Mapping[str, Any], line: Mapping[str, Any]) -> Standing:
    """Where the log stands if the entry holds: what it states, else what held before, else the defaults."""
    document = line["state"]
    if type(document.get("id")) is not str:
        raise Malformed("webvh_document_malformed", "no id", pointer="/state/id")
    held = _DEFAULTS if standing is None else {name: getattr(standing, name) for name in (*_DEFAULTS, *_FIRST)}
    fields = held | {name: value for name, value in stated.items() if name != "method"}
    return Standing(
        did=document["id"],
        version_id=line["versionId"],
        version_time=line["versionTime"],
        document=document,
        **fields,
    )


_FIRST = ("scid", "update_keys")  # what has no default
_DEFAULTS: dict[str, Any] = {
    "next_key_hashes": (),
    "witness": None,
    "watchers": (),
    "portable": False,
    "deactivated": False,
    "ttl": None,
}


def _check_document(standing: Standing | None, after: Standing) -> None:
    known_as = after.document.get("alsoKnownAs", [])
    if type(known_as) is not list or not all(type(one) is str for one in known_as):
        raise Malformed("webvh_document_malformed", "alsoKnownAs lists no texts", pointer="/state/alsoKnownAs")
    services = after.document.get("service", [])
    if type(services) is not list or not all(type(one) is dict for one in services):
        raise Malformed("webvh_document_malformed", "service lists no objects", pointer="/state/service")
    try:
        check_did(after.did)
    except Malformed as wrong:
        raise Malformed("webvh_document_id", str(wrong), pointer="/state/id") from None
    method, scid = after.did.split(":")[1:3]
    if method != "webvh":
        raise Malformed("webvh_document_id", f"did:{method}", pointer="/state/id")
    if scid != after.scid:
        raise Unverifiable("webvh_scid_changed", f"{scid}, not {after.scid}", pointer="/state/id")
    if standing is None or after.did == standing.did:
        return
    if not after.portable:
        raise Unverifiable("webvh_not_portable", f"{after.did}, not {standing.did}", pointer="/state/id")
    if standing.did not in known_as:
        raise Unverifiable("webvh_move_unnamed", standing.did, pointer="/state/alsoKnownAs")


def _check_announced(announced: tuple[str, ...], stated: Mapping[str, Any]) -> None:
    """Return if an entry keeps what the ``nextKeyHashes`` before it promised, raise ``Unverifiable`` if not."""
    if "update_keys" not in stated or "next_key_hashes" not in stated:
        raise Unverifiable("webvh_rotation_silent", pointer="/parameters")
    for place, key in enumerate(stated["update_keys"]):
        if key_hash(key) not in announced:
            raise Unverifiable("webvh_key_unannounced", key, pointer=f"/parameters/updateKeys/{place}")


def _check_proofs(line: Mapping[str, Any], active: tuple[str, ...], now: int) -> None:
    proofs = line["proof"]
    if not 0 < len(proofs) <= PROOFS_MAX:
        raise Malformed("webvh_entry_malformed", f"not 1 to {PROOFS_MAX} proofs", pointer="/proof")
    hashed = document_hash(line)
    for place, proof in enumerate(proofs):
        pointer = f"/proof/{place}"
        key = named_key(proof, pointer)
        if key not in active:
            raise Unverifiable("webvh_key_unauthorised", key, pointer=f"{pointer}/verificationMethod")
        try:
            check_proof(line, proof, key_spelled(key), now=now, hashed=hashed)
        except (Malformed, Unverifiable) as wrong:
            raise type(wrong)(wrong.code, wrong.detail, pointer=pointer + (wrong.pointer or "")) from None


def named_key(proof: Any, pointer: str = "") -> str:
    """The Multikey in a proof's verificationMethod ``did:key:<Multikey>#<Multikey>``. Raises ``Malformed``."""
    method = proof.get("verificationMethod") if type(proof) is dict else None
    key = method.partition("#")[2] if type(method) is str else ""
    if not key or method != f"did:key:{key}#{key}":
        raise Malformed("webvh_proof_method", ascii(method)[:120], pointer=f"{pointer}/verificationMethod")
    return str(key)

"""Witnesses of a did:webvh log: did:keys that approve each entry before it is published.

``did-witness.json`` stands beside the log and is published before it:

    [{"versionId": "3-Qm…", "proof": [<eddsa-jcs-2022 proof over {"versionId": "3-Qm…"}>, …]}, …]

A proof for one version approves every version before it, too, so the latest proof of each witness is enough. What
counts is how many *distinct* witnesses of the rule in force approved; a proof that does not hold counts for nothing
and harms nothing. Proofs for versions that are not in the log are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from identity.did import key_of, kid_of
from identity.errors import Malformed, Problem, Unverifiable, declare
from identity.jcs import decode_any, encode_any
from identity.proof import check_proof, make_proof
from identity.signer import StatementSigner
from identity.webvh.rules import named_key
from identity.webvh.standing import Standing, Witness

FILE_BYTES_MAX = 5 * 1024 * 1024

declare(
    "malformed",
    webvh_witness_file_malformed=(
        "this is not a did-witness.json",
        "write a list of objects with versionId and proof, a list of proofs",
    ),
)
declare(
    "unverifiable",
    webvh_unwitnessed=(
        "too few witnesses approved the log entry",
        "collect proofs of as many distinct witnesses as the threshold says, and publish did-witness.json first",
    ),
    webvh_proof_idle=(
        "a proof of a witness does not hold, or proves nothing here",
        "state of each witness the proof for the latest of these versions that it approved, and no other",
    ),
)


def witnesses_of(before: Standing | None, after: Standing) -> Witness | None:
    """Whose approval the entry needs that leads from ``before`` to ``after``.

    A list that an entry sets holds from the next entry on, and so does its end; only where there was none, at once.
    """
    return after.witness if before is None or before.witness is None else before.witness


def rules_of(before: Standing | None, added: Sequence[Standing]) -> tuple[list[Witness | None], set[str]]:
    """Who has to approve each of the entries that lead on from ``before``, and the did:keys of all of these."""
    rules = [witnesses_of(*pair) for pair in zip([before, *added], added, strict=False)]
    return rules, {one for rule in rules if rule for one in rule.ids}


def unwitnessed(rules: Sequence[Witness | None], latest: Mapping[str, int]) -> tuple[int, Unverifiable] | None:
    """The place of the first entry that too few witnesses approved, and how to say so; None if there is none.

    ``rules`` is for each entry who has to approve it, ``latest`` the place of the last entry that a did:key approved,
    and with it all before.
    """
    for place, rule in enumerate(rules):
        count = sum(latest.get(one, -1) >= place for one in rule.ids) if rule else 0
        if rule and count < rule.threshold:
            return place, Unverifiable("webvh_unwitnessed", f"{count} of {rule.threshold}", pointer=f"/{place}")
    return None


def check_lean(approvals: Sequence[Mapping[str, Any]], latest: Mapping[str, int]) -> None:
    """Return if each proof is one by which :func:`approvers` found who is in ``latest``, raise ``Unverifiable`` if not.

    So nothing that was not verified is kept, and nothing twice.
    """
    if sum(len(one.get("proof", ())) for one in approvals) != len(latest):
        raise Unverifiable("webvh_proof_idle")


def approvers(version_ids: Sequence[str], approvals: Sequence[Mapping[str, Any]], ids: Iterable[str]) -> dict[str, int]:
    """Which of ``ids`` approved any of ``version_ids``, and the place of the latest that each approved.

    One verification for each of ``ids`` if all proofs hold; at most one for each proof. Raises ``Malformed``.
    """
    return {did: place for did, (place, _) in _latest(version_ids, approvals, ids).items()}


def lean(
    version_ids: Sequence[str], approvals: Sequence[Mapping[str, Any]], ids: Iterable[str]
) -> list[dict[str, Any]]:
    """Of each of ``ids`` the proof for the latest of ``version_ids`` that it approved, and no other; in their order."""
    latest = sorted(_latest(version_ids, approvals, ids).values(), key=lambda one: one[0])
    grouped = groupby(latest, key=lambda one: one[0])
    return [{"versionId": version_ids[place], "proof": [proof for _, proof in found]} for place, found in grouped]


def _latest(
    version_ids: Sequence[str], approvals: Sequence[Mapping[str, Any]], ids: Iterable[str]
) -> dict[str, tuple[int, dict[str, Any]]]:
    _check_approvals(approvals)
    places = {version_id: place for place, version_id in enumerate(version_ids)}
    published = [one for one in approvals if one["versionId"] in places]
    wanted, found = set(ids), dict[str, tuple[int, dict[str, Any]]]()
    for approval in sorted(published, key=lambda one: places[one["versionId"]], reverse=True):
        version_id = approval["versionId"]
        for proof in approval.get("proof", ()):
            try:
                did = f"did:key:{named_key(proof)}"
                if did not in wanted or did in found:
                    continue
                check_proof({"versionId": version_id}, proof, key_of(did))
            except Problem:
                continue
            found[did] = places[version_id], proof
    return found


def _check_approvals(approvals: Any) -> None:
    """Return if these are objects as did-witness.json holds them, raise ``Malformed`` if not. Proofs may be missing."""
    if not isinstance(approvals, list | tuple):
        raise Malformed("webvh_witness_file_malformed", "no list")
    for place, one in enumerate(approvals):
        if not isinstance(one, Mapping) or type(one.get("versionId")) is not str:
            raise Malformed("webvh_witness_file_malformed", "no versionId", pointer=f"/{place}")
        proofs = one.get("proof", [])
        if not isinstance(proofs, list | tuple) or not all(type(proof) is dict for proof in proofs):
            raise Malformed("webvh_witness_file_malformed", "no list of proofs", pointer=f"/{place}/proof")


def sign_witness_proof(key: StatementSigner, version_id: str, created: int) -> dict[str, Any]:
    """The proof by which the witness that has ``key`` approves ``version_id`` and all before it."""
    return make_proof({"versionId": version_id}, key, kid_of(key.public), created)


def parse_witness_file(data: bytes) -> list[dict[str, Any]]:
    """The objects of ``did-witness.json``; no signature is looked at. Raises ``Malformed``."""
    if len(data) > FILE_BYTES_MAX:
        raise Malformed("webvh_witness_file_malformed", f"{len(data)} bytes")
    approvals: list[dict[str, Any]] = decode_any(data)
    _check_approvals(approvals)
    return approvals


def format_witness_file(approvals: Iterable[Mapping[str, Any]]) -> bytes:
    """The file in its canonical spelling, without versions that nobody approved. Raises ``Malformed``."""
    return encode_any([dict(one) for one in approvals if one.get("proof")])


def pruned(version_ids: Sequence[str], approvals: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each witness the latest proof for a published version, and whatever is for versions not published yet.

    ``version_ids`` are those of the published log. No signature is looked at: the proofs were checked when they came.
    """
    places = {version_id: place for place, version_id in enumerate(version_ids)}
    latest: dict[str, tuple[int, str, dict[str, Any]]] = {}
    kept: dict[str, list[dict[str, Any]]] = {}
    for one in approvals:
        version_id = one["versionId"]
        for proof in one.get("proof", ()):
            if (place := places.get(version_id)) is None:
                kept.setdefault(version_id, []).append(proof)
            elif (who := named_key(proof)) not in latest or latest[who][0] <= place:
                latest[who] = (place, version_id, proof)
    for _, version_id, proof in latest.values():
        kept.setdefault(version_id, []).append(proof)
    order = sorted(kept, key=lambda version_id: places.get(version_id, len(places)))
    return [{"versionId": version_id, "proof": kept[version_id]} for version_id in order]

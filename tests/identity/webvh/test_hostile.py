"""Logs, witness files and documents of anybody, hashed and signed as they should be: whatever stands in them anywhere
ends in one sort of error, and what is taken can be published, resolved and gone on with.
"""

from __future__ import annotations

import json
from typing import Any

import rfc8785
from hypothesis import given, settings

from identity.documents import keys_of, method_for, with_keys
from identity.errors import Problem
from identity.resolve import resolve_log
from identity.webvh import (
    Standing,
    advance,
    approvers,
    parse_witness_file,
    pruned,
    resolve,
    sign_witness_proof,
    web_twin,
)
from tests.identity.credential.test_hostile import alterations
from tests.identity.webvh.forge import (
    DIDS,
    KEYS,
    NAMES,
    NOW,
    START,
    Line,
    did_of,
    document,
    first,
    hash_of,
    seal,
    text,
    then,
)

RULE = {"threshold": 1, "witnesses": [{"id": DIDS[6]}, {"id": DIDS[7]}]}
NEXT = [[hash_of(NAMES[number])] for number in range(4)]
DID = did_of(first({"nextKeyHashes": NEXT[1], "witness": RULE, "portable": True}))
MULTIKEY = {"id": f"{DID}#{NAMES[3]}", "type": "Multikey", "controller": DID, "publicKeyMultibase": NAMES[3]}
FULL = document(
    DID,
    verificationMethod=[MULTIKEY, {"id": "#jwk", "type": "JsonWebKey", "publicKeyJwk": {"kty": "OKP"}}],
    assertionMethod=[f"{DID}#{NAMES[3]}", {**MULTIKEY, "id": "#here"}],
    keyAgreement=[],
    alsoKnownAs=["did:web:other.example"],
    service=[{"id": "#files", "type": "relativeRef", "serviceEndpoint": "https://other.example/"}],
)
LOG = first({"nextKeyHashes": NEXT[1], "witness": RULE, "portable": True})
LOG = then(LOG, {"updateKeys": [NAMES[1]], "nextKeyHashes": NEXT[2], "ttl": 9, "watchers": []}, FULL, keys=[1])
LOG = then(LOG, {"updateKeys": [NAMES[2]], "nextKeyHashes": NEXT[3]}, keys=[2])
VERSIONS = [line["versionId"] for line in LOG]
BEFORE = advance(None, LOG[0], NOW)
APPROVALS = [
    {"versionId": VERSIONS[2], "proof": [sign_witness_proof(KEYS[6], VERSIONS[2], START)]},
    {"versionId": VERSIONS[0], "proof": [sign_witness_proof(KEYS[number], VERSIONS[0], START) for number in (6, 7)]},
]


def body_of(line: Line) -> Line:
    return {name: line[name] for name in ("versionTime", "parameters", "state")}


def spelled(value: Any) -> Any:
    """As a reader of JSON has it; None where RFC 8785 cannot spell it, so that nobody could sign it."""
    try:
        return json.loads(rfc8785.dumps(value))
    except (ValueError, UnicodeEncodeError):
        return None


def use(standing: Standing) -> None:
    """All that is done with what a line says: each ends well, or in a problem."""
    assert Standing.from_state(standing.to_state(), standing.document) == standing
    web_twin(standing.document)
    for done in (
        lambda: keys_of(standing.document),
        lambda: with_keys(standing.document, [KEYS[0].public]),
        lambda: method_for(standing.document, f"{standing.did}#{NAMES[3]}", "assertionMethod"),
        lambda: method_for(standing.document, f"{standing.did}#here", "authentication"),
    ):
        try:
            done()
        except Problem:
            continue


@settings(max_examples=400)
@given(alterations(body_of(LOG[1])))
def test_a_later_line_that_is_hashed_and_signed_is_judged_and_never_crashes(body: Line) -> None:
    said = spelled(body)
    if said is None:
        return
    line = seal(VERSIONS[0], said, 2, [1])
    log = text([LOG[0], line])
    try:
        standing = advance(BEFORE, line, NOW)
    except Problem as problem:
        str(problem).encode()
        try:
            resolve(log, DID, NOW, witness=b"[]")
        except Problem:
            return
        raise AssertionError("what is refused does not resolve") from None
    use(standing)
    assert resolve_log(log, NOW, witness=witnessed(line["versionId"])).document is not None or standing.deactivated


def witnessed(version: str) -> bytes:
    return json.dumps([{"versionId": version, "proof": [sign_witness_proof(KEYS[6], version, START)]}]).encode()


@settings(max_examples=200)
@given(alterations({"updateKeys": [NAMES[0]], "nextKeyHashes": NEXT[1], "witness": RULE, "portable": True, "ttl": 1}))
def test_a_first_line_of_any_parameters_is_judged_and_never_crashes(parameters: dict[str, Any]) -> None:
    if spelled(parameters) is None:
        return
    try:
        standing = advance(None, first(parameters)[0], NOW)
    except Problem:
        return
    use(standing)


@settings(max_examples=200)
@given(alterations(APPROVALS))
def test_a_witness_file_of_anybody_gives_no_approval_that_was_not_signed(approvals: Any) -> None:
    try:
        read = parse_witness_file(json.dumps(approvals).encode())
    except Problem:
        return
    found = approvers(VERSIONS, read, [DIDS[6], DIDS[7]])
    assert found.get(DIDS[6], 0) <= 2
    assert found.get(DIDS[7], 0) == 0
    try:
        pruned(VERSIONS, read)
    except Problem:
        return


def test_the_lines_that_are_changed_here_hold() -> None:
    assert resolve(text(LOG), DID, NOW, witness=json.dumps(APPROVALS).encode()).document is not None

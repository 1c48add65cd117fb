"""The catalogue of hostile did:webvh logs: each breaks one rule in its last entry, is hashed and signed as it should be
otherwise, and is refused for that rule. Beside it, what looks odd and is allowed."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha512
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from identity.did import base58_encode, multibase_of
from identity.did import did_of as did_key
from identity.errors import Problem
from identity.keys import SigningKey
from identity.webvh import Standing, advance, key_hash, resolve
from tests.identity.test_keys import SMALL_ORDER
from tests.identity.webvh.forge import (
    DIDS,
    KEYS,
    NAMES,
    NOW,
    PLACE,
    START,
    Line,
    did_of,
    document,
    first,
    hash_of,
    hashed,
    instant,
    proof_of,
    scid_of,
    seal,
    text,
    then,
)

P256 = multibase_of(SigningKey.from_seed("ES256", bytes(32)).public)
NEUTRAL = "z" + base58_encode(b"\xed\x01" + SMALL_ORDER[0])
OTHER = "QmPEQVM1JPTyrvEgBcDXwjK4TeyLGSX1PxjgyeAisdWM1p"
ELSEWHERE = "other.example:dids:acme"
WITNESSES = {"threshold": 1, "witnesses": [{"id": DIDS[6]}, {"id": DIDS[7]}]}


def hashes(*keys: int) -> list[str]:
    return [hash_of(NAMES[key]) for key in keys]


def announced(*keys: int) -> list[Line]:
    """A log that begins with pre-rotation: one of these keys comes next."""
    return first({"nextKeyHashes": hashes(*keys)})


def moved(log: list[Line], **more: Any) -> dict[str, Any]:
    return document(f"did:webvh:{scid_of(log)}:{ELSEWHERE}", **more)


def changed(log: list[Line], **members: Any) -> list[Line]:
    """The log, its last entry changed and its proof made again, but for the hash."""
    line = {name: value for name, value in (log[-1] | members).items() if name != "proof" and value is not ...}
    return [*log[:-1], {**line, "proof": [proof_of(line, 0)]}]


def witnessed_by(**members: Any) -> list[Line]:
    return then(first(), {"witness": WITNESSES | members})


def crowd(count: int) -> list[str]:
    return [did_key(SigningKey.from_seed("Ed25519", bytes([number]) * 32).public) for number in range(count)]


def other_scid() -> list[Line]:
    """A first entry whose hashes chain, under an SCID that is the hash of something else."""
    body = {name: first()[0][name] for name in ("versionTime", "parameters", "state")}
    body["parameters"] |= {"scid": OTHER}
    return [seal(OTHER, body | {"state": document(f"did:webvh:{OTHER}:{PLACE}")}, 1, (0,))]


def placeholder_left() -> list[Line]:
    """The SCID is right, for it is the hash of the same text; yet the document is not the one that it should be."""
    whole = first(state=document(f"did:webvh:{{SCID}}:{PLACE}", alsoKnownAs=["urn:{SCID}"]))[0]
    scid = whole["parameters"]["scid"]
    body = {name: whole[name] for name in ("versionTime", "parameters", "state")}
    return [seal(scid, body | {"state": whole["state"] | {"alsoKnownAs": ["urn:{SCID}"]}}, 1, (0,))]


def neutral_r(key: SigningKey, message: bytes) -> bytes:
    """A signature that OpenSSL takes and libsodium does not: R is the neutral element, S = k a."""
    a = int.from_bytes(sha512(key._secret).digest()[:32], "little")
    a = a & ~7 & (1 << 254) - 1 | 1 << 254
    r = bytes([1]) + bytes(31)
    k = int.from_bytes(sha512(r + key.public.raw + message).digest(), "little")
    return r + (k * a % (2**252 + 27742317777372353535851937790883648493)).to_bytes(32, "little")


def flipped(key: SigningKey, message: bytes) -> bytes:
    return key.sign(message + b" ")


def sha512_version() -> list[Line]:
    log = then(first())
    digest = "8V" + base58_encode(sha512(b"").digest())
    return changed(log, versionId=f"2-{digest}")


HOSTILE: dict[str, tuple[str, Callable[[], list[Line]]]] = {
    # (1) members and parameters
    "a member too many": ("webvh_entry_malformed", lambda: changed(then(first()), comment="")),
    "a member too few": ("webvh_entry_malformed", lambda: changed(then(first()), state=...)),
    "a member of another type": ("webvh_entry_malformed", lambda: changed(then(first()), parameters=[])),
    "a proof that stands alone": ("webvh_entry_malformed", lambda: [first()[0] | {"proof": first()[0]["proof"][0]}]),
    "no proof": ("webvh_entry_malformed", lambda: then(first(), keys=())),
    "too many proofs": ("webvh_entry_malformed", lambda: then(first(), keys=[0] * 17)),
    "an unknown parameter": ("webvh_parameter_unknown", lambda: then(first(), {"prerotation": True})),
    "a flag that is a text": ("webvh_parameter_malformed", lambda: first({"portable": "true"})),
    "a ttl below zero": ("webvh_parameter_malformed", lambda: first({"ttl": -1})),
    "a ttl beyond 2^31": ("webvh_parameter_malformed", lambda: first({"ttl": 2**31 + 1})),
    "deactivated that is no flag": ("webvh_parameter_malformed", lambda: then(first(), {"deactivated": 1})),
    "an update key twice": ("webvh_parameter_malformed", lambda: first({"updateKeys": [NAMES[0], NAMES[0]]})),
    "update keys that are no list": ("webvh_parameter_malformed", lambda: first({"updateKeys": NAMES[0]})),
    "a hash that is no text": ("webvh_parameter_malformed", lambda: first({"nextKeyHashes": [1]})),
    "a watcher that is no URI": ("webvh_parameter_malformed", lambda: first({"watchers": ["watcher"]})),
    "an scid that is no text": ("webvh_parameter_malformed", lambda: first({"scid": 1})),
    "an older method": ("webvh_method_unsupported", lambda: first({"method": "did:webvh:0.5"})),
    "a method of later": ("webvh_method_unsupported", lambda: then(first(), {"method": "did:webvh:99.0"})),
    "a method that nearly is one": ("webvh_method_unsupported", lambda: first({"method": "did:webvh:1.0-rc1"})),
    "an update key of P-256": ("webvh_key_malformed", lambda: first({"updateKeys": [NAMES[0], P256]})),
    "an update key of small order": ("webvh_key_malformed", lambda: first({"updateKeys": [NAMES[0], NEUTRAL]})),
    "an update key that is a did:key": ("webvh_key_malformed", lambda: first({"updateKeys": [NAMES[0], DIDS[1]]})),
    "no threshold": ("webvh_witness_malformed", lambda: then(first(), {"witness": {"witnesses": [{"id": DIDS[6]}]}})),
    "a threshold of zero": ("webvh_witness_malformed", lambda: witnessed_by(threshold=0)),
    "a threshold beyond the witnesses": ("webvh_witness_malformed", lambda: witnessed_by(threshold=3)),
    "a broken threshold": ("webvh_witness_malformed", lambda: witnessed_by(threshold=1.5)),
    "too many witnesses": (
        "webvh_witness_malformed",
        lambda: witnessed_by(witnesses=[{"id": one} for one in crowd(65)]),
    ),
    "no witness": ("webvh_witness_malformed", lambda: witnessed_by(witnesses=[])),
    "a witness twice": ("webvh_witness_malformed", lambda: witnessed_by(witnesses=[{"id": DIDS[6]}] * 2)),
    "a witness with a weight": (
        "webvh_witness_malformed",
        lambda: witnessed_by(witnesses=[{"id": DIDS[6], "weight": 1}]),
    ),
    "a witness of P-256": ("webvh_witness_malformed", lambda: witnessed_by(witnesses=[{"id": f"did:key:{P256}"}])),
    "a witness of small order": (
        "webvh_witness_malformed",
        lambda: witnessed_by(witnesses=[{"id": f"did:key:{NEUTRAL}"}]),
    ),
    "a witness that is a did:web": (
        "webvh_witness_malformed",
        lambda: witnessed_by(witnesses=[{"id": "did:web:witness.example"}]),
    ),
    # (2) what the first entry states, and only it
    "no method": ("webvh_parameter_missing", lambda: first({"method": None})),
    "no scid": ("webvh_parameter_missing", lambda: first({"scid": None})),
    "no update keys": ("webvh_parameter_missing", lambda: first({"updateKeys": None})),
    "the scid again": ("webvh_scid_restated", lambda: then(log := first(), {"scid": scid_of(log)})),
    "portable too late": ("webvh_portable_late", lambda: then(first(), {"portable": True})),
    "portable again": (
        "webvh_portable_late",
        lambda: then(then(first({"portable": True}), {"portable": False}), {"portable": True}),
    ),
    # (3) after the end
    "an entry after the end": ("webvh_deactivated", lambda: then(then(first(), {"deactivated": True}))),
    "a way back from the end": (
        "webvh_deactivated",
        lambda: then(then(first(), {"deactivated": True}), {"deactivated": False}),
    ),
    # (4) version numbers
    "a version left out": ("webvh_version_gap", lambda: then(first(), number=3)),
    "a version twice": ("webvh_version_gap", lambda: then(first(), number=1)),
    "a log that begins with 2": ("webvh_version_gap", lambda: first(number=2)),
    "a version of two spellings": ("webvh_version_malformed", lambda: then(first(), number="02")),
    "a version with two dashes": ("webvh_version_malformed", lambda: then(first(), number="2-")),
    "a version that is no number": ("webvh_version_malformed", lambda: then(first(), number="two")),
    "a hash of another function": ("multihash_unsupported", sha512_version),
    "an scid of another function": (
        "multihash_unsupported",
        lambda: changed(first(), parameters=first()[0]["parameters"] | {"scid": hashed(b"", b"\x16\x20")}),
    ),
    # (5) time
    "a time without a zone": ("webvh_time_malformed", lambda: first(time="2026-05-28T18:58:18")),
    "a time of another zone": ("webvh_time_malformed", lambda: first(time="2026-05-28T18:58:18+02:00")),
    "a time that is none": ("webvh_time_malformed", lambda: first(time="2026-02-30T18:58:18Z")),
    "the same time": ("webvh_time_not_later", lambda: then(first(), time=instant(START))),
    "the same time, spelled otherwise": (
        "webvh_time_not_later",
        lambda: then(first(), time=instant(START).replace("Z", ".000+00:00")),
    ),
    "an earlier time": ("webvh_time_not_later", lambda: then(first(), time=instant(START - 1))),
    "a time ahead": ("webvh_time_ahead", lambda: then(first(), time=instant(NOW + 301))),
    # (6) the SCID
    "an SCID of something else": ("webvh_scid_invalid", other_scid),
    "a placeholder left": ("webvh_placeholder_left", placeholder_left),
    # (7) the chain
    "a hash on something else": ("webvh_hash_invalid", lambda: [*(log := first()), then(then(log), number=2)[-1]]),
    "a document changed afterwards": (
        "webvh_hash_invalid",
        lambda: changed(log := then(first()), state=log[-1]["state"] | {"alsoKnownAs": ["urn:x"]}),
    ),
    "parameters changed afterwards": ("webvh_hash_invalid", lambda: changed(then(first()), parameters={"ttl": 1})),
    # (8) the document
    "a document without an id": ("webvh_document_malformed", lambda: then(first(), state={"controller": "x"})),
    "another name that is no list": (
        "webvh_document_malformed",
        lambda: then(log := first(), state=log[0]["state"] | {"alsoKnownAs": "urn:x"}),
    ),
    "services that are no list": (
        "webvh_document_malformed",
        lambda: then(log := first(), state=log[0]["state"] | {"service": {}}),
    ),
    "an id that is a did:web": ("webvh_document_id", lambda: then(first(), state=document(f"did:web:{PLACE}"))),
    "an id that is a did:key": ("webvh_document_id", lambda: then(first(), state=document(DIDS[0]))),
    "an id with a fragment": (
        "webvh_document_id",
        lambda: then(log := first(), state=document(f"{did_of(log)}#key")),
    ),
    "an id at an address": (
        "webvh_document_id",
        lambda: first({"portable": True}, document("did:webvh:{SCID}:127.0.0.1:org:acme")),
    ),
    "an id of another SCID": (
        "webvh_scid_changed",
        lambda: then(first({"portable": True}), state=document(f"did:webvh:{OTHER}:{PLACE}")),
    ),
    "a move that was never allowed": (
        "webvh_not_portable",
        lambda: then(log := first(), state=moved(log, alsoKnownAs=[did_of(log)])),
    ),
    "a move in the entry that forbids it": (
        "webvh_not_portable",
        lambda: then(log := first({"portable": True}), {"portable": False}, moved(log, alsoKnownAs=[did_of(log)])),
    ),
    "a move that hides from where": (
        "webvh_move_unnamed",
        lambda: then(log := first({"portable": True}), state=moved(log, alsoKnownAs=["did:web:ledger.example"])),
    ),
    # (9) pre-rotation
    "keys not said while they are announced": (
        "webvh_rotation_silent",
        lambda: then(first({"nextKeyHashes": hashes(0)}), {"nextKeyHashes": hashes(1)}),
    ),
    "hashes not said while keys are announced": (
        "webvh_rotation_silent",
        lambda: then(announced(1), {"updateKeys": [NAMES[1]]}, keys=[1]),
    ),
    "nothing said while keys are announced": (
        "webvh_rotation_silent",
        lambda: then(first({"nextKeyHashes": hashes(0)})),
    ),
    "a key that was not announced": (
        "webvh_key_unannounced",
        lambda: then(announced(1), {"updateKeys": [NAMES[2]], "nextKeyHashes": []}, keys=[2]),
    ),
    "a key beside the announced one": (
        "webvh_key_unannounced",
        lambda: then(announced(1), {"updateKeys": [NAMES[1], NAMES[2]], "nextKeyHashes": []}, keys=[1]),
    ),
    "the key before beside the announced one": (
        "webvh_key_unannounced",
        lambda: then(announced(1), {"updateKeys": [NAMES[1], NAMES[0]], "nextKeyHashes": []}, keys=[1]),
    ),
    "a key announced two entries ago": (
        "webvh_key_unannounced",
        lambda: then(
            then(announced(1, 2), {"updateKeys": [NAMES[1]], "nextKeyHashes": hashes(3)}, keys=[1]),
            {"updateKeys": [NAMES[2]], "nextKeyHashes": hashes(4)},
            keys=[2],
        ),
    ),
    "pre-rotation ended and left in one entry": (
        "webvh_key_unannounced",
        lambda: then(announced(1), {"updateKeys": [NAMES[0]], "nextKeyHashes": []}),
    ),
    # (10) proofs
    "a stranger's proof": ("webvh_key_unauthorised", lambda: then(first(), keys=[1])),
    "a stranger's proof on the first entry": ("webvh_key_unauthorised", lambda: first(keys=[1])),
    "a stranger's proof beside a good one": ("webvh_key_unauthorised", lambda: then(first(), keys=[0, 1])),
    "a proof by the key that only comes": (
        "webvh_key_unauthorised",
        lambda: then(first(), {"updateKeys": [NAMES[1]]}, keys=[1]),
    ),
    "a proof by the key that has gone": (
        "webvh_key_unauthorised",
        lambda: then(then(first(), {"updateKeys": [NAMES[1]]})),
    ),
    "a proof by the key before, with pre-rotation": (
        "webvh_key_unauthorised",
        lambda: then(announced(1), {"updateKeys": [NAMES[1]], "nextKeyHashes": hashes(2)}, keys=[0]),
    ),
    "a proof by a key that is announced and not stated": (
        "webvh_key_unauthorised",
        lambda: then(announced(1, 2), {"updateKeys": [NAMES[1]], "nextKeyHashes": []}, keys=[2]),
    ),
    "an entry when nobody may sign": ("webvh_key_unauthorised", lambda: then(then(first(), {"updateKeys": []}))),
    "another suite": ("proof_suite_unsupported", lambda: then(first(), cryptosuite="ecdsa-jcs-2019")),
    "another type of proof": ("proof_suite_unsupported", lambda: then(first(), type="Ed25519Signature2020")),
    "a chain of proofs": ("proof_suite_unsupported", lambda: then(first(), previousProof="urn:uuid:1")),
    "no suite": ("data_proof_malformed", lambda: then(first(), cryptosuite=None)),
    "another purpose": ("proof_purpose_other", lambda: then(first(), proofPurpose="authentication")),
    "a proof that has expired": ("proof_expired", lambda: then(first(), expires=instant(NOW - 1))),
    "a proof of another context": ("proof_context_other", lambda: then(first(), **{"@context": ["urn:x"]})),
    "a key named as another's": (
        "webvh_proof_method",
        lambda: then(first(), verificationMethod=f"{DIDS[1]}#{NAMES[0]}"),
    ),
    "a key named by itself": ("webvh_proof_method", lambda: then(first(), verificationMethod=DIDS[0])),
    "a key named in the document": (
        "webvh_proof_method",
        lambda: then(log := first(), verificationMethod=f"{did_of(log)}#{NAMES[0]}"),
    ),
    "a signature over something else": ("proof_invalid", lambda: then(first(), sign=flipped)),
    "a signature that OpenSSL would take": ("proof_invalid", lambda: then(first(), sign=neutral_r)),
}


def code_of(log: list[Line], standing: Standing | None = None) -> str:
    """Why the last entry is refused; all before it must hold."""
    for line in log[:-1]:
        standing = advance(standing, line, NOW)
    with pytest.raises(Problem) as caught:
        advance(standing, log[-1], NOW)
    return caught.value.code


@pytest.mark.parametrize(("code", "make"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_log_is_refused_for_the_rule_that_it_breaks(code: str, make: Callable[[], list[Line]]) -> None:
    log = make()
    assert code_of(log) == code
    with pytest.raises(Problem) as caught:
        resolve(text(log), f"did:webvh:{OTHER}:{PLACE}", NOW)
    assert caught.value.code == code
    assert (caught.value.pointer or "").startswith(f"/{len(log) - 1}")


@pytest.mark.parametrize("raw", SMALL_ORDER, ids=bytes.hex)
def test_no_key_of_small_order_may_update_or_witness(raw: bytes) -> None:
    key = "z" + base58_encode(b"\xed\x01" + raw)
    assert code_of(first({"updateKeys": [NAMES[0], key]})) == "webvh_key_malformed"
    assert code_of(first({"witness": {"threshold": 1, "witnesses": [{"id": f"did:key:{key}"}]}})) == (
        "webvh_witness_malformed"
    )


ALLOWED: dict[str, Callable[[], list[Line]]] = {
    "one entry": first,
    "an entry that changes nothing": lambda: then(first()),
    "two proofs of two update keys": lambda: first({"updateKeys": NAMES[:2]}, keys=[1, 0]),
    "five minutes ahead": lambda: then(first(), time=instant(NOW + 300)),
    "UTC as an offset": lambda: first(time="2026-05-28T18:58:18+00:00"),
    "half a second later": lambda: then(first(), time=instant(START).replace("Z", ".5Z")),
    "null for what is not used": lambda: then(
        first(), {"nextKeyHashes": None, "witness": None, "watchers": None, "ttl": None}
    ),
    "every parameter": lambda: first(
        {"nextKeyHashes": hashes(1), "witness": WITNESSES, "watchers": ["https://watcher.example"], "portable": True}
        | {"deactivated": False, "ttl": 0}
    ),
    "as many witnesses as there may be": lambda: first(
        {"witness": {"threshold": 64, "witnesses": [{"id": one} for one in crowd(64)]}}
    ),
    "the method again": lambda: then(first(), {"method": "did:webvh:1.0"}),
    "decoys among the hashes": lambda: then(
        first({"nextKeyHashes": ["no hash of anything", *hashes(1), hashed(b"")]}),
        {"updateKeys": [NAMES[1]], "nextKeyHashes": []},
        keys=[1],
    ),
    "the same key announced": lambda: then(
        first({"nextKeyHashes": hashes(0)}), {"updateKeys": [NAMES[0]], "nextKeyHashes": []}
    ),
    "pre-rotation begun later": lambda: then(
        then(first(), {"nextKeyHashes": hashes(1)}), {"updateKeys": [NAMES[1]], "nextKeyHashes": hashes(2)}, keys=[1]
    ),
    "pre-rotation ended, and free after": lambda: then(
        then(announced(1), {"updateKeys": [NAMES[1]], "nextKeyHashes": []}, keys=[1]),
        {"updateKeys": [NAMES[5]]},
        keys=[1],
    ),
    "a move": lambda: then(
        log := first({"portable": True}), state=moved(log, alsoKnownAs=["urn:x", did_of(log)])
    ),
    "the end, with keys": lambda: then(first(), {"deactivated": True}),
    "the end, without keys": lambda: then(first(), {"deactivated": True, "updateKeys": []}),
    "keys and floats beyond the canonical subset": lambda: then(
        log := first(state=document(f"did:webvh:{{SCID}}:{PLACE}", 重量=[1.5e-7, 1e21], by={"{SCID}": 1, "a": 2})),
        state=document(did_of(log), **{"\U0001f600": 1, "\ufb00": 2}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", ALLOWED.values(), ids=ALLOWED)
def test_what_looks_odd_and_is_allowed(make: Callable[[], list[Line]]) -> None:
    standing = None
    log = make()
    for line in log:
        standing = advance(standing, line, NOW)
    assert standing is not None
    assert standing.version_id == log[-1]["versionId"]
    assert standing.document == log[-1]["state"]


LOG = first({"nextKeyHashes": hashes(1), "witness": WITNESSES, "watchers": ["https://watcher.example"], "ttl": 9})
LOG = then(LOG, {"updateKeys": [NAMES[1]], "nextKeyHashes": hashes(2)}, keys=[1])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(categories=None), max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to everything that stands in ``value``."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(found for step, one in inner for found in places(one, (*way, step)))]


def put(value: Any, way: tuple[Any, ...], there: Any) -> Any:
    if not way:
        return there
    copy = value.copy()
    copy[way[0]] = put(value[way[0]], way[1:], there)
    return copy


@given(st.sampled_from([(line, way) for line in (0, 1) for way in places(LOG[line]) if way]), JSON)
def test_whatever_stands_anywhere_in_an_entry_is_a_problem_and_no_crash(at: tuple[int, Any], there: Any) -> None:
    line, way = at
    standing = advance(None, LOG[0], NOW) if line else None
    changed = put(LOG[line], way, there)
    try:
        advance(standing, changed, NOW)
    except Problem:
        return
    assert rfc8785.dumps(changed) == rfc8785.dumps(LOG[line])


def test_what_an_entry_does_not_state_stays() -> None:
    log = first(
        {
            "nextKeyHashes": hashes(1),
            "witness": WITNESSES,
            "watchers": ["https://w.example"],
            "portable": True,
            "ttl": 60,
        }
    )
    before = advance(None, log[0], NOW)
    log = then(log, {"updateKeys": [NAMES[1]], "nextKeyHashes": []}, keys=[1])
    after = advance(before, log[1], NOW)
    assert (after.witness, after.watchers, after.portable, after.ttl) == (before.witness, before.watchers, True, 60)
    assert (after.update_keys, after.next_key_hashes) == ((NAMES[1],), ())
    assert (after.number, after.time, after.did) == (2, START + 60, before.did)


def test_a_standing_is_kept_as_plain_json() -> None:
    log = then(
        first({"witness": WITNESSES, "nextKeyHashes": hashes(0), "ttl": 5}),
        {"updateKeys": [NAMES[0]], "nextKeyHashes": []},
    )
    standing = advance(None, log[0], NOW)
    kept = Standing.from_state(standing.to_state(), standing.document)
    assert kept == standing
    assert advance(kept, log[1], NOW) == advance(standing, log[1], NOW)
    assert "document" not in standing.to_state()
    plain = advance(None, first()[0], NOW)
    assert Standing.from_state(plain.to_state(), plain.document) == plain


def test_a_key_is_announced_by_the_hash_of_its_letters() -> None:
    assert [key_hash(name) for name in NAMES] == hashes(*range(len(KEYS)))

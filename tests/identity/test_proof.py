"""eddsa-jcs-2022: the W3C's worked example step by step, and each way in which a proof does not hold."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.did import base58_decode, base58_encode, key_named, key_spelled
from identity.errors import Problem
from identity.jcs import encode_any
from identity.keys import SigningKey
from identity.proof import check_proof, make_proof, read_proof, sign_proof, signed_bytes
from tests.shared import shared

KEY = SigningKey.from_seed("Ed25519", bytes(32))
P256 = SigningKey.from_seed("ES256", bytes(32))
METHOD = "did:example:signer#key"
DOCUMENT = {"@context": ["https://example.com/v1"], "id": "urn:x", "名": [1.5, {"b": None}]}
THEN = 1_700_000_000


def known(name: str) -> str:
    return shared(f"vectors/identity/eddsa-jcs-2022/{name}").read_text()


def code_of(document: dict[str, Any], proof: dict[str, Any], **more: Any) -> str:
    with pytest.raises(Problem) as caught:
        check_proof(document, proof, KEY.public, **more)
    return caught.value.code


def made(**more: Any) -> dict[str, Any]:
    return make_proof(DOCUMENT, KEY, METHOD, THEN, **more)


# -- the example of the specification ----------------------------------------------------------------------------------


def test_every_step_of_the_w3c_example() -> None:
    unsigned, config = json.loads(known("unsigned.json")), json.loads(known("proofConfigJCS.json"))
    assert encode_any(unsigned).decode() == known("canonDocJCS.txt")
    assert encode_any(config).decode() == known("proofCanonJCS.txt")
    assert sha256(encode_any(unsigned)).hexdigest() == known("docHashJCS.txt")
    assert sha256(encode_any(config)).hexdigest() == known("proofHashJCS.txt")
    assert signed_bytes(unsigned, config).hex() == known("combinedHashJCS.txt")

    pair = json.loads(known("keyPair.json"))
    secret = base58_decode(pair["privateKeyMultibase"][1:])
    assert secret[:2] == b"\x80\x26"  # the multicodec of an Ed25519 private key
    key = SigningKey("Ed25519", secret[2:])
    assert key.public == key_spelled(pair["publicKeyMultibase"]) == key_named(config["verificationMethod"])
    assert key.sign(signed_bytes(unsigned, config)).hex() == known("sigHexJCS.txt")
    assert "z" + base58_encode(bytes.fromhex(known("sigHexJCS.txt"))) == known("sigBTC58JCS.txt")

    signed = json.loads(known("signedJCS.json"))
    assert sign_proof(unsigned, key, config["verificationMethod"], 1_677_281_798) == signed
    check_proof(signed, signed["proof"], key.public)


# -- making and checking -----------------------------------------------------------------------------------------------


@given(
    st.dictionaries(st.text(max_size=4), st.recursive(st.text(max_size=4) | st.floats(-9, 9), st.lists, max_leaves=4)),
    st.integers(0, 4_000_000_000),
)
def test_what_is_made_checks_out(document: dict[str, Any], created: int) -> None:
    document.pop("proof", None)
    proof = make_proof(document, KEY, METHOD, created)
    check_proof(document, proof, KEY.public)
    check_proof({**document, "proof": "anything"}, proof, KEY.public)
    assert code_of({**document, "more": 1}, proof) in ("proof_invalid", "proof_context_other")


def test_a_proof_says_what_it_says() -> None:
    proof = made(purpose="authentication", challenge="c", domain="d", expires="2033-05-18T03:33:20Z")
    said = read_proof(proof)
    assert (said.method, said.purpose, said.created, said.expires) == (METHOD, "authentication", THEN, 2_000_000_000)
    assert (proof["challenge"], proof["domain"], proof["@context"]) == ("c", "d", DOCUMENT["@context"])
    assert "created" not in make_proof(DOCUMENT, KEY, METHOD, None)
    assert read_proof(make_proof(DOCUMENT, KEY, METHOD, None)).created is None


def test_further_members_do_not_replace_those_of_the_suite() -> None:
    assert made(cryptosuite="none", type="none", proofValue="z1") == made() | {"proofValue": made()["proofValue"]}


def test_proofs_stand_beside_each_other_each_of_the_whole() -> None:
    once = sign_proof(DOCUMENT, KEY, METHOD, THEN)
    twice = sign_proof(once, KEY, METHOD, THEN + 1)
    thrice = sign_proof(twice, KEY, METHOD, THEN + 2)
    assert isinstance(once["proof"], dict)
    assert [len(one["proof"]) for one in (twice, thrice)] == [2, 3]
    for proof in thrice["proof"]:
        check_proof(thrice, proof, KEY.public)
        check_proof(DOCUMENT, proof, KEY.public)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"type": None}, "data_proof_malformed"),
        ({"type": 1}, "data_proof_malformed"),
        ({"cryptosuite": None}, "data_proof_malformed"),
        ({"verificationMethod": {"id": METHOD}}, "data_proof_malformed"),
        ({"proofPurpose": ["assertionMethod"]}, "data_proof_malformed"),
        ({"proofValue": None}, "data_proof_malformed"),
        ({"proofValue": "u" + "A" * 86}, "data_proof_malformed"),
        ({"proofValue": "z" + "1" * 63}, "data_proof_malformed"),
        ({"proofValue": "z" + "0" * 64}, "data_proof_malformed"),
        ({"proofValue": "z" + "1" * 100_000}, "data_proof_malformed"),
        ({"created": 1}, "data_proof_malformed"),
        ({"created": "2023-11-14"}, "instant_malformed"),
        ({"expires": "2023-11-14T22:13:20"}, "instant_malformed"),
        ({"type": "Ed25519Signature2020"}, "proof_suite_unsupported"),
        ({"cryptosuite": "eddsa-rdfc-2022"}, "proof_suite_unsupported"),
        ({"previousProof": "urn:uuid:1"}, "proof_suite_unsupported"),
        ({"proofPurpose": "authentication"}, "proof_purpose_other"),
        ({"@context": ["https://example.com/v2"]}, "proof_context_other"),
        ({"@context": [*DOCUMENT["@context"], "more"]}, "proof_context_other"),
        ({"created": "2023-11-14T22:13:21Z"}, "proof_invalid"),
        ({"verificationMethod": METHOD + "2"}, "proof_invalid"),
        ({"domain": "d"}, "proof_invalid"),
        ({"@context": ...}, "proof_invalid"),
        ({"proofValue": "z" + base58_encode(bytes(64))}, "proof_invalid"),
    ],
)
def test_a_proof_that_does_not_hold(members: dict[str, Any], code: str) -> None:
    proof = {name: value for name, value in (made() | members).items() if value is not ...}
    assert code_of(DOCUMENT, proof) == code


def test_a_proof_holds_until_it_expires() -> None:
    proof = made(expires="2023-11-15T00:00:00Z")
    check_proof(DOCUMENT, proof, KEY.public, now=1_700_006_400)
    check_proof(DOCUMENT, proof, KEY.public)
    assert code_of(DOCUMENT, proof, now=1_700_006_401) == "proof_expired"


def test_a_document_may_gain_contexts_and_lose_none() -> None:
    """Section 3.3.2, step 4: the proof covers the contexts that it names."""
    proof = made()
    check_proof({**DOCUMENT, "@context": [*DOCUMENT["@context"], "https://example.com/v2"]}, proof, KEY.public)
    check_proof({**DOCUMENT, "@context": "https://example.com/v1"}, proof, KEY.public)
    assert code_of({**DOCUMENT, "@context": ["https://example.com/v2", *DOCUMENT["@context"]]}, proof) == (
        "proof_context_other"
    )
    assert code_of({"id": "urn:x", "名": DOCUMENT["名"]}, proof) == "proof_context_other"


def test_only_ed25519_makes_and_checks_such_proofs() -> None:
    with pytest.raises(Problem, match="proof_key_unfit"):
        make_proof(DOCUMENT, P256, METHOD, THEN)
    with pytest.raises(Problem, match="proof_key_unfit"):
        check_proof(DOCUMENT, made(), P256.public)

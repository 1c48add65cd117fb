"""DID documents: that of a did:key by its specification, and keys in documents of others, whatever those hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from identity.canonical import b64encode
from identity.did import did_of, multibase_of
from identity.documents import (
    PURPOSES,
    draft_document,
    key_document,
    key_in,
    keys_of,
    method_for,
    read_document,
    web_location,
    with_keys,
)
from identity.errors import Malformed, Problem, Unverifiable
from identity.keys import PublicKey, SigningKey
from tests.shared import shared

KEY = SigningKey.from_seed("Ed25519", bytes(31) + b"\1").public
P256 = SigningKey.from_seed("ES256", bytes(31) + b"\1").public
DID = "did:web:acme.example"
MULTIKEY = {"id": f"{DID}#a", "type": "Multikey", "controller": DID, "publicKeyMultibase": multibase_of(KEY)}


def code_of(raised: pytest.ExceptionInfo[Problem]) -> str:
    return raised.value.code


# -- did:key -----------------------------------------------------------------------------------------------------------


def test_the_document_of_the_specification_is_made() -> None:
    answers = json.loads(shared("vectors/identity/did-key/did_key_known_answers.json").read_text())
    expected = answers["did_document"]["document"]
    assert key_document(expected["id"], encryption=True) == expected
    del expected["keyAgreement"]
    assert key_document(expected["id"]) == expected


def test_every_derived_key_of_the_vectors_is_made() -> None:
    answers = json.loads(shared("vectors/identity/did-key/did_key_known_answers.json").read_text())
    found = 0
    for one in answers["dids"]:
        if one["key_type"] not in ("Ed25519", "P-256"):
            with pytest.raises(Malformed) as raised:
                key_document(one["did"])
            assert code_of(raised) == "did_key_type_unsupported"
            continue
        document = key_document(one["did"], encryption=True)
        assert [method["id"] for method in document["verificationMethod"]] == [one["verification_method_id"]]
        assert all(document[purpose] == [one["verification_method_id"]] for purpose in PURPOSES)
        agreed = [method["publicKeyMultibase"] for method in document.get("keyAgreement", [])]
        assert agreed == ([one["x25519_multibase"]] if "x25519_multibase" in one else [])
        found += 1
    assert found == 4


@pytest.mark.parametrize("key", [KEY, P256])
def test_the_key_of_a_did_key_is_found_in_its_document(key: PublicKey) -> None:
    did = did_of(key)
    document = key_document(did)
    for purpose in (None, *PURPOSES):
        assert key_in(method_for(document, f"{did}#{multibase_of(key)}", purpose)) == key
    with pytest.raises(Unverifiable):
        method_for(document, f"{did}#{multibase_of(key)}", "keyAgreement")


# -- did:web -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("did", "url"),
    [
        ("did:web:w3c-ccg.github.io", "https://w3c-ccg.github.io/.well-known/did.json"),
        ("did:web:w3c-ccg.github.io:user:alice", "https://w3c-ccg.github.io/user/alice/did.json"),
        ("did:web:example.com%3A3000", "https://example.com:3000/.well-known/did.json"),
        ("did:web:example.com%3A3000:user:alice", "https://example.com:3000/user/alice/did.json"),
    ],
)
def test_where_a_did_web_is(did: str, url: str) -> None:
    assert web_location(did) == url


NO_PLACES = """
    127.0.0.1 127.1 0x7f.1 localhost a.example:.. a.example%3A0 a.example:%2e%2e:b a.example:a%2Fb a.example%3A22%3A23
    u%40a.example
"""


@pytest.mark.parametrize("did", [f"did:web:{place}" for place in NO_PLACES.split()])
def test_a_did_web_that_names_no_place_is_refused(did: str) -> None:
    with pytest.raises(Malformed) as raised:
        web_location(did)
    assert code_of(raised) == "did_place_malformed"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[]", "did_document_malformed"),
        (b"{", "json_malformed"),
        (b"\xff", "json_malformed"),
        (b'{"id":"did:web:acme.example","id":"did:web:acme.example"}', "json_key_twice"),
        (b"[" * 60_000, "json_too_deep"),
        (b'{"id":"did:web:acme.example","a":"\\ud800"}', "json_malformed"),
        (b"{}", "did_document_other"),
        (b'{"id":"did:web:evil.example"}', "did_document_other"),
        (b'{"id":"did:web:acme.example#a"}', "did_document_other"),
        (b'{"id":["did:web:acme.example"]}', "did_document_other"),
    ],
)
def test_a_document_that_is_not_of_the_did_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Problem) as raised:
        read_document(data, DID)
    assert code_of(raised) == code


def test_a_document_is_read_in_any_spelling() -> None:
    assert read_document(b'{"z": 1.5, "id": "did:web:acme.example", "\xc3\xbc": null}\n', DID)["id"] == DID


# -- keys of a document ------------------------------------------------------------------------------------------------


def document(**members: Any) -> dict[str, Any]:
    return {"id": DID, "verificationMethod": [MULTIKEY], "assertionMethod": [f"{DID}#a"], **members}


def test_a_key_serves_the_purposes_it_is_listed_for() -> None:
    method = method_for(document(), f"{DID}#a", "assertionMethod")
    assert method == MULTIKEY
    assert method_for(document(), f"{DID}#a") == MULTIKEY
    for purpose in ("authentication", "capabilityInvocation"):
        with pytest.raises(Unverifiable) as raised:
            method_for(document(), f"{DID}#a", purpose)
        assert code_of(raised) == "did_key_purpose"


def test_names_within_a_document_may_be_relative() -> None:
    relative = document(verificationMethod=[{**MULTIKEY, "id": "#a"}], assertionMethod=["#a"])
    assert method_for(relative, f"{DID}#a", "assertionMethod") == MULTIKEY


def test_a_method_may_stand_where_it_is_used_and_then_serves_that_alone() -> None:
    embedded = document(verificationMethod=[], assertionMethod=[], authentication=[MULTIKEY])
    assert method_for(embedded, f"{DID}#a", "authentication") == MULTIKEY
    with pytest.raises(Unverifiable) as raised:
        method_for(embedded, f"{DID}#a", "assertionMethod")
    assert code_of(raised) == "did_key_purpose"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"verificationMethod": []}, "did_key_unknown"),
        ({"verificationMethod": [{**MULTIKEY, "id": f"{DID}#b"}]}, "did_key_unknown"),
        ({"verificationMethod": [{**MULTIKEY, "id": "did:web:evil.example#a"}]}, "did_key_unknown"),
        ({"verificationMethod": [{**MULTIKEY, "id": 1}]}, "did_key_unknown"),
        ({"verificationMethod": [{**MULTIKEY, "controller": "did:web:evil.example"}]}, "did_key_unknown"),
        ({"verificationMethod": {"id": "#a"}}, "did_document_malformed"),
        ({"verificationMethod": ["#a"]}, "did_document_malformed"),
        ({"verificationMethod": [{**MULTIKEY, "type": 1}]}, "did_document_malformed"),
        ({"verificationMethod": [{**MULTIKEY, "publicKeyMultibase": ["z"]}]}, "did_document_malformed"),
        ({"verificationMethod": [], "keyAgreement": "#a"}, "did_document_malformed"),
        ({"verificationMethod": [], "authentication": [1]}, "did_document_malformed"),
        ({"assertionMethod": 1}, "did_document_malformed"),
        ({"assertionMethod": f"{DID}#a"}, "did_document_malformed"),
        ({"assertionMethod": []}, "did_key_purpose"),
        ({"assertionMethod": ["did:web:evil.example#a"]}, "did_key_purpose"),
    ],
)
def test_a_key_that_the_document_does_not_have_is_not_found(members: dict[str, Any], code: str) -> None:
    with pytest.raises(Problem) as raised:
        method_for(document(**members), f"{DID}#a", "assertionMethod")
    assert code_of(raised) == code


def jwk(**members: Any) -> dict[str, Any]:
    return {"type": "JsonWebKey", "publicKeyJwk": members}


def coordinates(key: PublicKey) -> tuple[str, str]:
    from cryptography.hazmat.primitives.asymmetric import ec

    numbers = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.raw).public_numbers()
    return b64encode(numbers.x.to_bytes(32, "big")), b64encode(numbers.y.to_bytes(32, "big"))


X, Y = coordinates(P256)


@pytest.mark.parametrize(
    ("method", "key"),
    [
        (MULTIKEY, KEY),
        ({**MULTIKEY, "type": "Ed25519VerificationKey2020"}, KEY),
        ({**MULTIKEY, "publicKeyMultibase": multibase_of(P256)}, P256),
        (jwk(kty="OKP", crv="Ed25519", x=b64encode(KEY.raw)), KEY),
        (jwk(kty="EC", crv="P-256", x=X, y=Y), P256),
        ({**jwk(kty="EC", crv="P-256", x=X, y=Y, kid="any"), "type": "JsonWebKey2020"}, P256),
    ],
)
def test_the_key_of_a_method(method: dict[str, Any], key: PublicKey) -> None:
    assert key_in(method) == key


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ({"type": "Multikey"}, "did_malformed"),
        (
            {"type": "Multikey", "publicKeyMultibase": "z6LSj72tK8brWgZja8NLRwPigth2T9QRiG1uH9oKZuKjdh9p"},
            "did_key_type_unsupported",
        ),
        ({"type": "RsaVerificationKey2018"}, "did_key_type_unsupported"),
        ({}, "did_key_type_unsupported"),
        (jwk(kty="RSA", n="AQAB"), "did_key_type_unsupported"),
        (jwk(kty="OKP", crv="X25519", x=b64encode(KEY.raw)), "did_key_type_unsupported"),
        (jwk(kty="OKP", crv="Ed25519", x=b64encode(KEY.raw[:31])), "public_key_length"),
        (jwk(kty="OKP", crv="Ed25519", x=b64encode(bytes(32))), "public_key_invalid"),
        (jwk(kty="OKP", crv="Ed25519", x="+/=="), "base64url_malformed"),
        (jwk(kty="OKP", crv="Ed25519", x=1), "did_document_malformed"),
        (jwk(kty="EC", crv="P-256", x=X, y=X), "public_key_invalid"),
        (jwk(kty="EC", crv="P-256", x=X), "public_key_invalid"),
        ({"type": "JsonWebKey", "publicKeyJwk": [1]}, "did_document_malformed"),
    ],
)
def test_a_key_of_another_type_or_form_is_refused(method: dict[str, Any], code: str) -> None:
    with pytest.raises(Malformed) as raised:
        key_in(method)
    assert code_of(raised) == code


# -- documents that are made -------------------------------------------------------------------------------------------

OTHER = SigningKey.from_seed("Ed25519", bytes(31) + b"\2").public


def test_a_document_that_is_made_has_its_keys_for_every_purpose_of_signing() -> None:
    made = draft_document(DID, [KEY, P256])
    assert keys_of(made) == [KEY, P256]
    for key in (KEY, P256):
        for purpose in PURPOSES:
            assert key_in(method_for(made, f"{DID}#{multibase_of(key)}", purpose)) == key


def test_keys_are_exchanged_and_all_else_stays() -> None:
    agreed = {**MULTIKEY, "id": "#z6LS", "publicKeyMultibase": "z6LSj72tK8brWgZja8NLRwPigth2T9QRiG1uH9oKZuKjdh9p"}
    had = with_keys({**document(service=[{"id": "#files"}], keyAgreement=[agreed]), "x": 1}, [KEY])
    now = with_keys(had, [OTHER, P256])
    assert keys_of(now) == [OTHER, P256]
    assert method_for(now, f"{DID}#a", "assertionMethod") == MULTIKEY, "a method of another name is somebody's own"
    with pytest.raises(Unverifiable):
        method_for(now, f"{DID}#{multibase_of(KEY)}")
    assert {name: now[name] for name in ("service", "keyAgreement", "x")} == {
        name: had[name] for name in ("service", "keyAgreement", "x")
    }
    assert with_keys(now, [KEY]) == had
    odd = document(verificationMethod=[{"id": []}, {"id": {}}])
    assert with_keys(odd, [KEY])["verificationMethod"][:2] == odd["verificationMethod"], "ids of any type stay"


def test_keys_of_a_malformed_document_are_not_looked_for() -> None:
    for wrong in ({"verificationMethod": 1}, {"verificationMethod": ["#a"]}, {"authentication": [1]}):
        with pytest.raises(Malformed) as raised:
            with_keys(document(**wrong), [KEY])
        assert code_of(raised) == "did_document_malformed"

"""Documents, tokens and private fields of anybody, signed as they should be: read, or refused by a code."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from identity.canonical import b64encode
from identity.did import did_of, kid_of
from identity.disclosure import check_complete, hidden, hide, reveal, show
from identity.documents import PURPOSES, draft_document, keys_of, read_document, with_keys
from identity.errors import Problem
from identity.keys import SigningKey
from identity.resolve import resolver
from identity.token import TYPE, Token, open_token
from tests.identity.credential.test_hostile import alterations

KEY = SigningKey.from_seed("Ed25519", bytes([1]) * 32)
P256 = SigningKey.from_seed("ES256", bytes([2]) * 32)
DID = "did:web:works.example"
DRAFT = draft_document(DID, [KEY.public, P256.public])
EMBEDDED = {"id": "#here", "type": "Ed25519VerificationKey2020", "controller": DID}
EMBEDDED["publicKeyMultibase"] = DRAFT["verificationMethod"][0]["publicKeyMultibase"]
JWK = {"kty": "EC", "crv": "P-256", "x": b64encode(bytes(32)), "y": b64encode(bytes(32))}
DOCUMENT = DRAFT | {
    "verificationMethod": [*DRAFT["verificationMethod"], {"id": "#jwk", "type": "JsonWebKey", "publicKeyJwk": JWK}],
    "authentication": [*DRAFT["authentication"], EMBEDDED],
    "keyAgreement": [],
}
URLS = [DRAFT["verificationMethod"][0]["id"], DRAFT["verificationMethod"][1]["id"], f"{DID}#jwk", f"{DID}#here"]
NOW = 1_790_000_000
CLAIMS = {"aud": "x", "exp": NOW + 60, "iat": NOW, "iss": did_of(KEY.public), "jti": "A" * 22, "nonce": "A" * 22}
HEADER = {"alg": KEY.alg, "kid": kid_of(KEY.public), "typ": TYPE}
FIELD, DISCLOSURE = hide({"amount": 1}, bytes(16))
STATED = {"body": {"price": FIELD, "others": [{"_sd": ["A" * 42 + "E"]}, {"open": 1}]}}


def ends(done: Callable[[], Any]) -> Any:
    """What it gives; None where it is refused, in words that can be written down."""
    try:
        return done()
    except Problem as problem:
        str(problem).encode()
        return None


@settings(max_examples=300)
@given(alterations(DOCUMENT), st.sampled_from(URLS), st.sampled_from(PURPOSES))
def test_a_document_of_anybody_gives_a_key_or_a_problem(document: Any, url: str, purpose: str) -> None:
    data = json.dumps(document).encode()
    ends(lambda: resolver(lambda *_: data, NOW)(url, purpose))
    read = ends(lambda: read_document(data, DID))
    if read is not None:
        ends(lambda: keys_of(read))
        ends(lambda: with_keys(read, [KEY.public]))


@settings(max_examples=200)
@given(st.tuples(st.just(HEADER), alterations(CLAIMS)) | st.tuples(alterations(HEADER), st.just(CLAIMS)))
def test_a_token_that_is_altered_and_signed_again_says_what_it_must_or_nothing(parts: tuple[Any, Any]) -> None:
    spelled = (json.dumps(part, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for part in parts)
    text = ".".join(b64encode(part.encode()) for part in spelled)
    token = ends(lambda: open_token(f"{text}.{b64encode(KEY.sign(text.encode()))}", "x", NOW))
    if token is not None:
        assert isinstance(token, Token)
        assert (token.iss, token.nonce, parts[0]) == (CLAIMS["iss"], CLAIMS["nonce"], HEADER)


@settings(max_examples=200)
@given(alterations(STATED), alterations([b64encode(bytes(16)), "value", {"amount": 1}]))
def test_private_fields_in_any_form_are_read_or_refused(stated: dict[str, Any], parts: Any) -> None:
    disclosure = b64encode(json.dumps(parts, separators=(",", ":")).encode())
    for one in (DISCLOSURE, disclosure):
        ends(lambda one=one: show(one))
        ends(lambda: hidden(stated))
        ends(lambda one=one: reveal(stated, [one]))
        ends(lambda one=one: check_complete(stated, [one]))


def test_what_is_altered_here_is_in_order() -> None:
    for url in URLS[:2]:
        resolver(lambda *_: json.dumps(DOCUMENT).encode(), NOW)(url, "assertionMethod")
    assert reveal(STATED, [DISCLOSURE])["body"]["price"] == {"amount": 1}
